// Heads of symmetric messages (MSG, CLO): a request from all its chunks, a response from the beginning of
// one.
//
// In mode None and Sign, the body of a message can be read:  type (node id) | request or response header | …
// A channel of another policy than None may sign or sign and encrypt; its OPN is encrypted and does not say
// which. What its client sends first says it: a service request that fits to the last octet before the
// signature has not come about by encryption.
#include <cstring>

#include "protocols/opcua/opcua_pdu.hpp"

namespace conduit::opcua {
namespace {

SecurityMode mode_of(Channel channel) noexcept {
  switch (channel) {
    case Channel::NONE: return SecurityMode::NONE;
    case Channel::SIGN: return SecurityMode::SIGN;
    case Channel::ENCRYPT:
    case Channel::UNDECIDED: return SecurityMode::SIGN_AND_ENCRYPT;
    case Channel::UNSEEN:
    case Channel::CLOSED: break;
  }
  return SecurityMode::INVALID;
}

bool token_known(const Session& session, std::uint32_t token) noexcept {
  if (session.token_count == 0) return true;  // none could be read
  for (std::size_t i = 0; i < session.token_count; ++i) {
    if (session.token_id[i] == token) return true;
  }
  return false;
}

const char* channel_wrong(const Session& session, const Symmetric& head) noexcept {
  if (session.channel == Channel::CLOSED) return "secure_channel_id";
  if (session.channel_seen && head.channel_id != session.channel_id) return "secure_channel_id";
  return token_known(session, head.token_id) ? nullptr : "token_id";
}

// The chunks of a client's message.
struct Message {
  Symmetric first{};
  std::uint8_t chunk = 'F';  // the last one's
  std::uint32_t body = 0;
  std::uint32_t body_size = 0;
  bool in_scratch = false;
};

// `whole`: header of the first one. `trailer`: octets of signature behind each. Null, or the field at fault.
// Of a message with A at its end the body is that of the last chunk.
const char* gather(Bytes pdu, const ChunkHeader& whole, std::uint32_t trailer, std::uint8_t* scratch,
                   Message& message) noexcept {
  const std::uint32_t overhead = symmetric_header_size + trailer;
  if (whole.size == pdu.size() && whole.size >= overhead && whole.chunk != 'C') {  // in one chunk
    message.first = load_symmetric(pdu.data());
    message.chunk = whole.chunk;
    message.body = symmetric_header_size;
    message.body_size = whole.size - overhead;
    return nullptr;
  }
  std::uint32_t assembled = 0;
  Symmetric previous;
  Bytes rest = pdu;
  for (bool first = true; !rest.empty(); first = false) {
    ChunkHeader header;
    if (rest.size() < symmetric_header_size) return "message_size";
    const char* const field = parse_header(rest, Role::CLIENT, header);
    if (field != nullptr) return field;
    if (header.size < overhead || header.size > rest.size()) return "message_size";
    if (header.type != MessageType::MSG && !(first && header.type == MessageType::CLO)) return "message_type";
    const Symmetric head = load_symmetric(rest.data());
    if (first) {
      message.first = head;
    } else {
      if (head.channel_id != previous.channel_id) return "secure_channel_id";
      if (head.token_id != previous.token_id) return "token_id";
      if (!follows(previous.sequence, head.sequence)) return "sequence_number";
      if (head.request_id != previous.request_id) return "request_id";
    }
    const Bytes body = rest.subspan(symmetric_header_size, header.size - overhead);
    const bool last = header.size == rest.size();
    if (last == (header.chunk == 'C')) return "chunk_type";
    message.chunk = header.chunk;
    if (header.chunk == 'A') assembled = 0;
    if (body.size() > assembled_size_max - assembled) return "message_size";
    if (!body.empty()) std::memcpy(scratch + assembled, body.data(), body.size());
    assembled += static_cast<std::uint32_t>(body.size());
    previous = head;
    rest = rest.subspan(header.size);
  }
  message.in_scratch = true;
  message.body_size = assembled;
  return nullptr;
}

// A function of the room's own is never what a message's type says.
std::uint32_t reported(std::uint32_t type) noexcept {
  return type >= 0x10000 || !function_name(type).empty() ? std::uint32_t{NO_SERVICE} : type;
}

const char* read_abort(Bytes body) noexcept {
  Cursor cursor(body);
  const bool whole = cursor.skip(4) && skip_string(cursor) && cursor.empty();
  return whole ? nullptr : "abort_body";
}

const char* read_close(Bytes body) noexcept {
  Cursor cursor(body);
  std::uint32_t type = 0;
  if (!read_type(cursor, type) || type != CLOSE_SECURE_CHANNEL) return "type_id";
  return skip_request_header(cursor) && cursor.empty() ? nullptr : "request_header";
}

// A request whose body can be read, if it can.
const char* read_request(Bytes pdu, const ChunkHeader& header, const Session& session, PduState& state,
                         PduHead& head) noexcept {
  Fields& fields = state.as<Fields>();
  const Direction& direction = session.direction[static_cast<std::size_t>(Role::CLIENT)];
  Message message;
  const char* const field = gather(pdu, header, trailer_size(session), state.scratch.data(), message);
  if (field != nullptr) return field;
  if (direction.known && !follows(direction.last, message.first.sequence)) return "sequence_number";
  head.match_key = message_key | message.first.request_id;
  fields.in_scratch = message.in_scratch;
  const Bytes whole = message.in_scratch ? Bytes(state.scratch) : pdu;
  const Bytes body = whole.subspan(message.body, message.body_size);
  if (message.chunk == 'A') {
    fields.function = ABORTED_REQUEST;
    head.answered = false;
    return read_abort(body);
  }
  if (pdu[0] == 'C') {
    fields.function = CLOSE_SECURE_CHANNEL;
    head.answered = false;
    return read_close(body);
  }
  Cursor cursor(body);
  std::uint32_t type = 0;
  if (!read_type(cursor, type)) return "type_id";
  fields.service = find_service(type);
  fields.request = fields.service != no_service;
  fields.function = fields.request ? type : reported(type);
  fields.body_size = static_cast<std::uint32_t>(cursor.remaining());
  fields.body = message.body + message.body_size - fields.body_size;
  head.match_detail = fields.function;
  return nullptr;
}

// Does it hold a request that ends where the message ends?
bool reads_well(Bytes pdu, PduState& state) noexcept {
  Fields& fields = state.as<Fields>();
  if (fields.function != ABORTED_REQUEST && fields.function != CLOSE_SECURE_CHANNEL && !fields.request)
    return false;
  const Fields before = fields;
  Operation operation;
  Next found = Next::OPERATION;
  while (found == Next::OPERATION) found = next(pdu, state, operation);
  fields = before;
  return found == Next::END;
}

void set_opaque(Fields& fields, PduHead& head) noexcept {
  fields.function = OPAQUE_MESSAGE;
  fields.service = no_service;
  fields.request = false;
  head.match_key = opaque_key;
  head.match_detail = OPAQUE_MESSAGE;
}

}  // namespace

const char* open_request(Bytes pdu, const Session& session, PduState& state, PduHead& head) noexcept {
  Fields& fields = state.as<Fields>();
  ChunkHeader header;
  if (pdu.size() < symmetric_header_size) return "message_size";
  const char* field = parse_header(pdu, Role::CLIENT, header);
  if (field == nullptr) field = channel_wrong(session, load_symmetric(pdu.data()));
  if (field != nullptr) return field;
  head.kind = PduKind::REQUEST;
  fields.pdu_size = static_cast<std::uint32_t>(pdu.size());
  fields.mode = mode_of(session.channel);
  const bool close = header.type == MessageType::CLO;
  if (session.channel != Channel::ENCRYPT) {
    field = read_request(pdu, header, session, state, head);
    const bool plain = session.channel == Channel::UNSEEN && session.direction[0].known;
    const bool decided = session.channel == Channel::NONE || session.channel == Channel::SIGN || plain;
    if (decided) return field;
    if (field == nullptr && reads_well(pdu, state)) {
      if (session.channel == Channel::UNDECIDED) fields.mode = SecurityMode::SIGN;
      return nullptr;
    }
    // Of what is encrypted, the last chunk alone says how it ends.
    while (header.size < pdu.size()) {
      pdu = pdu.subspan(header.size);
      if (pdu.size() < message_header_size || parse_header(pdu, Role::CLIENT, header) != nullptr)
        return "message_size";
    }
  }
  set_opaque(fields, head);
  if (close) fields.function = CLOSE_SECURE_CHANNEL;
  head.answered = header.chunk == 'F' && !close;
  return nullptr;
}

const char* open_response(Bytes pdu, const Session& session, PduState& state, PduHead& head) noexcept {
  Fields& fields = state.as<Fields>();
  const Direction& direction = session.direction[static_cast<std::size_t>(Role::SERVER)];
  ChunkHeader header;
  if (pdu.size() < symmetric_header_size) return "message_size";
  const Symmetric symmetric = load_symmetric(pdu.data());
  const char* field = parse_header(pdu, Role::SERVER, header);
  if (field == nullptr) field = channel_wrong(session, symmetric);
  if (field != nullptr) return field;
  fields.pdu_size = static_cast<std::uint32_t>(pdu.size());
  fields.mode = mode_of(session.channel);
  head.kind = header.chunk == 'C' ? PduKind::RESPONSE_PART : PduKind::RESPONSE;
  set_opaque(fields, head);
  const bool unseen = session.channel == Channel::UNSEEN;
  if (session.channel == Channel::ENCRYPT || session.channel == Channel::UNDECIDED) return nullptr;
  const bool goes_on = session.part_live && symmetric.request_id == session.part_request;
  if (!unseen && direction.known && !follows(direction.last, symmetric.sequence)) return "sequence_number";
  if (!unseen && session.part_live && !goes_on) return "request_id";  // chunks of two messages mixed
  Cursor cursor(pdu.subspan(symmetric_header_size));
  std::uint32_t type = 0;
  std::uint32_t result = 0;
  const bool typed = !goes_on && header.chunk != 'A' && read_type(cursor, type);
  const std::uint16_t service = typed ? find_service_of_response(type) : no_service;
  if (unseen && !goes_on && service == no_service && type != SERVICE_FAULT) return nullptr;  // opaque
  if (!goes_on && header.chunk != 'A' && !typed) return "type_id";
  head.match_key = message_key | symmetric.request_id;
  head.negative = header.chunk == 'A' || type == SERVICE_FAULT;
  fields.function = NO_SERVICE;
  if (goes_on) fields.function = session.part_function;
  if (service != no_service) {
    fields.service = service;
    fields.function = service_at(service).function;
    if (cursor.skip(12) && cursor.u32le(result)) head.negative = (result >> 31U) != 0;
  }
  const bool any = type == SERVICE_FAULT || (header.chunk == 'A' && !goes_on);
  head.match_detail = any ? 0 : fields.function;
  if (type == SERVICE_FAULT) fields.function = SERVICE_FAULT;
  if (goes_on) fields.service = find_service(fields.function);
  return nullptr;
}

}  // namespace conduit::opcua
