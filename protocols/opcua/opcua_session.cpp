// What a connection remembers (`accept`), and the sequence numbers of a stream in which chunks were taken out
// or put in (`renumber`, Part 6 §6.7.2.4). In mode None alone can they be changed: all others protect them.
#include "protocols/opcua/opcua_pdu.hpp"

namespace conduit::opcua {
namespace {

Direction& direction_of(Session& session, Role sender) noexcept {
  return session.direction[static_cast<std::size_t>(sender)];
}

// The sender has gone on to chunks numbered from `first` to `last`.
void advance(Session& session, Role sender, std::uint32_t first, std::uint32_t last) noexcept {
  Direction& direction = direction_of(session, sender);
  if (direction.known && direction.delta != 0 && first != direction.last + 1) {
    // It has begun anew near 0. So does what arrives, if that was near its end too.
    if (!follows(direction.last + direction.delta, first)) session.broken = true;
    direction.delta = 0;
  }
  direction.last = last;
  direction.known = true;
}

// Calls `act(chunk)` for each chunk of a symmetric PDU whose head is there.
template <typename Octet, typename Act>
void each_chunk(std::span<Octet> pdu, Act act) noexcept {
  while (pdu.size() >= symmetric_header_size) {
    act(pdu.data());
    const std::uint32_t size = load_u32le(pdu.data() + 4);
    if (size < symmetric_header_size || size >= pdu.size()) return;
    pdu = pdu.subspan(size);
  }
}

void advance_over(Session& session, Role sender, Bytes pdu) noexcept {
  if (pdu.size() < symmetric_header_size) return;
  const std::uint32_t first = load_symmetric(pdu.data()).sequence;
  std::uint32_t last = first;
  each_chunk(pdu, [&last](const std::uint8_t* chunk) { last = load_symmetric(chunk).sequence; });
  advance(session, sender, first, last);
}

void accept_hello(Bytes pdu, Session& session) noexcept {
  session.hello = true;
  session.channel = Channel::CLOSED;
  if (pdu.size() < 28) return;
  session.direction[0].chunk_max = load_u32le(&pdu[16]);  // of what the client sends
  session.direction[1].chunk_max = load_u32le(&pdu[12]);
  session.direction[1].message_max = load_u32le(&pdu[20]);
  session.direction[1].chunk_count = load_u32le(&pdu[24]);
}

void accept_acknowledge(Bytes pdu, Session& session) noexcept {
  session.acknowledged = true;
  if (pdu.size() < 28) return;
  session.direction[0].chunk_max = load_u32le(&pdu[12]);
  session.direction[1].chunk_max = load_u32le(&pdu[16]);
  session.direction[0].message_max = load_u32le(&pdu[20]);
  session.direction[0].chunk_count = load_u32le(&pdu[24]);
}

// The channel that a server has opened or kept open.
void adopt(Session& session, const OpenHeader& header) noexcept {
  const bool same = session.channel_seen && session.channel_id == header.channel_id &&
                    session.policy == header.policy && session.channel != Channel::CLOSED;
  session.asked_policy = Policy::UNKNOWN;
  session.channel_id = header.channel_id;
  session.channel_seen = true;
  session.policy = header.policy;
  if (same && session.channel != Channel::UNSEEN) return;
  session.token_count = 0;
  session.part_live = false;
  session.channel = Channel::UNDECIDED;
  if (header.policy == Policy::NONE) session.channel = Channel::NONE;
  if (signature_size(header.policy) == 0 && header.policy != Policy::NONE) session.channel = Channel::ENCRYPT;
}

void accept_open(Bytes pdu, Role sender, Session& session) noexcept {
  OpenHeader header;
  if (parse_open_header(pdu, header) != nullptr) return;
  Direction& direction = direction_of(session, sender);
  const bool plain = header.policy == Policy::NONE && pdu.size() - header.size >= 8;
  if (sender == Role::CLIENT) {
    session.asked_policy = header.policy;
    if (header.channel_id == 0) direction.known = false;  // a new channel counts from anew
  }
  const bool fresh = sender == Role::SERVER && header.channel_id != session.channel_id;
  if (fresh || !plain) direction.known = false;
  if (!direction.known) direction.delta = 0;
  if (plain) {
    const std::uint32_t sequence = load_u32le(&pdu[header.size]);
    advance(session, sender, sequence, sequence);
  }
  if (sender == Role::CLIENT) return;
  if (!plain) return adopt(session, header);
  Cursor cursor(pdu.subspan(header.size + 8));
  std::uint32_t type = 0;
  std::uint32_t token = 0;
  Operation operation;
  std::uint8_t keys[2 * key_size_max];
  if (!read_type(cursor, type) || type != OPEN_SECURE_CHANNEL_RESPONSE) return;
  if (!walk(response_header_layout, cursor, keys, operation) || !cursor.skip(8) || !cursor.u32le(token))
    return;
  adopt(session, header);
  session.token_id[1] = session.token_id[0];
  session.token_id[0] = token;
  if (session.token_count < 2) ++session.token_count;
}

void accept_request(Bytes pdu, Session& session) noexcept {
  const Symmetric symmetric = load_symmetric(pdu.data());
  if (session.channel == Channel::ENCRYPT || session.channel == Channel::CLOSED) return;
  if (session.channel == Channel::NONE || session.channel == Channel::SIGN) {
    return advance_over(session, Role::CLIENT, pdu);
  }
  PduState state;
  PduHead head;
  state.as<Fields>() = Fields{};
  if (open_request(pdu, session, state, head) != nullptr) return;
  session.channel_id = symmetric.channel_id;
  session.channel_seen = true;
  const bool opaque = head.match_key == opaque_key;
  if (session.channel == Channel::UNDECIDED) session.channel = opaque ? Channel::ENCRYPT : Channel::SIGN;
  if (!opaque) advance_over(session, Role::CLIENT, pdu);
}

void accept_response(Bytes pdu, Session& session) noexcept {
  if (session.channel == Channel::ENCRYPT || session.channel == Channel::UNDECIDED) return;
  PduState state;
  PduHead head;
  state.as<Fields>() = Fields{};
  if (open_response(pdu, session, state, head) != nullptr || head.match_key == opaque_key) return;
  const Symmetric symmetric = load_symmetric(pdu.data());
  session.part_live = pdu[3] == 'C';
  session.part_request = symmetric.request_id;
  session.part_function = state.as<Fields>().function;
  advance(session, Role::SERVER, symmetric.sequence, symmetric.sequence);
}

bool renumber_open(std::span<std::uint8_t> pdu, Role sender, Passage passage, Session& session) noexcept {
  OpenHeader header;
  Direction& direction = direction_of(session, sender);
  if (parse_open_header(pdu, header) != nullptr) return false;
  if (header.policy != Policy::NONE || pdu.size() - header.size < 8) {
    // Its client is told by an ERR message, and cannot go on.
    session.broken = passage == Passage::REMOVED || direction.delta != 0;
    return passage == Passage::REMOVED || direction.delta == 0;
  }
  std::uint8_t* const at = pdu.data() + header.size;
  if (passage == Passage::REMOVED) {
    advance(session, sender, load_u32le(at), load_u32le(at));
    --direction.delta;
  } else {
    store_u32le(at, load_u32le(at) + direction.delta);
  }
  return true;
}

bool remove(Bytes pdu, Role sender, Session& session) noexcept {
  std::uint32_t count = 0;
  advance_over(session, sender, pdu);
  each_chunk(pdu, [&count](const std::uint8_t*) { ++count; });
  direction_of(session, sender).delta -= count;
  if (sender == Role::SERVER) session.part_live = false;
  return !session.broken;
}

bool insert(std::span<std::uint8_t> reply, Role sender, Session& session) noexcept {
  Direction& direction = direction_of(session, sender);
  if (!direction.known || session.part_live) return false;  // not between the chunks of another message
  ++direction.delta;
  store_u32le(&reply[16], direction.last + direction.delta);
  return true;
}

}  // namespace

void begin(SessionState& state) noexcept {
  Session& session = state.as<Session>();
  session.begun = true;
  session.channel = Channel::CLOSED;
}

void accept(Bytes pdu, Role sender, SessionState& state, Associations&) noexcept {
  Session& session = state.as<Session>();
  ChunkHeader header;
  if (pdu.size() < message_header_size || parse_header(pdu, sender, header) != nullptr) return;
  switch (header.type) {
    case MessageType::HEL: return accept_hello(pdu, session);
    case MessageType::ACK: return accept_acknowledge(pdu, session);
    case MessageType::RHE: session.reversed = true; return;
    case MessageType::OPN: return accept_open(pdu, sender, session);
    case MessageType::ERR: return;
    case MessageType::MSG:
    case MessageType::CLO: break;
  }
  if (pdu.size() < symmetric_header_size) return;
  return sender == Role::CLIENT ? accept_request(pdu, session) : accept_response(pdu, session);
}

bool renumber(std::span<std::uint8_t> pdu, Role sender, Passage passage, SessionState& state) noexcept {
  Session& session = state.as<Session>();
  ChunkHeader header;
  if (pdu.size() < message_header_size) return false;
  if (parse_header(pdu, sender, header) != nullptr) return false;
  switch (header.type) {
    case MessageType::HEL:
    case MessageType::ACK:
    case MessageType::RHE:
    case MessageType::ERR: return true;  // without numbers
    case MessageType::OPN: return !session.broken && renumber_open(pdu, sender, passage, session);
    case MessageType::MSG:
    case MessageType::CLO: break;
  }
  const bool changeable = session.channel == Channel::NONE && !session.broken;
  if (!changeable || pdu.size() < symmetric_header_size) return false;
  switch (passage) {
    case Passage::REMOVED: return remove(pdu, sender, session);
    case Passage::INSERTED: return insert(pdu, sender, session);
    case Passage::PASSED: break;
  }
  const std::uint32_t delta = direction_of(session, sender).delta;
  each_chunk(pdu, [delta](std::uint8_t* chunk) { store_u32le(chunk + 16, load_u32le(chunk + 16) + delta); });
  return true;
}

}  // namespace conduit::opcua
