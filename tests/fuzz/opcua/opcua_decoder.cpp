// Any octets, from either side, in any state of a connection: bounded, and by the laws of the decoder
// contract. Input: one octet (bits 0 to 2: the state, bits 3 and 4: how the rest is laid, bits 5 to 7:
// chunks), then octets. Laid as they are they are a stream, in which bit 7 of the fourth octet of a message
// tells the sender; or they are the body of a service request, in one chunk or several; or the body of a
// response.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "protocols/opcua/opcua_decoder.hpp"
#include "protocols/opcua/opcua_pdu.hpp"
#include "tests/fuzz/decoder_laws.hpp"

using namespace conduit;
using namespace conduit::fuzz;

namespace {

using Octets = std::vector<std::uint8_t>;

const Protocol& room() { return opcua_protocol; }

void put_u32(Octets& to, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) to.push_back(static_cast<std::uint8_t>(value >> shift));
}

void put_text(Octets& to, std::string_view text) {
  put_u32(to, static_cast<std::uint32_t>(text.size()));
  to.insert(to.end(), text.begin(), text.end());
}

Octets framed(std::string_view type, const Octets& rest) {
  Octets out(type.begin(), type.end());
  put_u32(out, static_cast<std::uint32_t>(8 + rest.size()));
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

void check_view(Bytes pdu, const PduState& state, Bytes view) {
  if (view.empty()) return;
  const auto inside = [view](const std::uint8_t* begin, std::size_t size) {
    return view.data() >= begin && view.data() + view.size() <= begin + size;
  };
  require(inside(pdu.data(), pdu.size()) || inside(state.scratch.data(), state.scratch.size()));
}

void check_operation(Bytes pdu, const PduState& state, const Operation& operation) {
  require(operation.protocol == opcua_id);
  require(operation.access != AccessClass::UNSPECIFIED);
  for (std::size_t d = 0; d < dimension_count; ++d) {
    if (operation.has(d)) require(operation.dimension[d].first <= operation.dimension[d].last);
  }
  if (operation.has(opcua::NAMESPACE)) require(operation.dimension[opcua::NAMESPACE].last <= 0xFFFF);
  if (operation.has(opcua::NODE)) require(operation.dimension[opcua::NODE].last <= 0xFFFFFFFF);
  if (operation.has(opcua::ATTRIBUTE)) require(operation.dimension[opcua::ATTRIBUTE].last < 512);
  for (std::size_t k = 0; k < key_count; ++k) {
    if (((operation.keys_present >> k) & 1U) != 0) check_view(pdu, state, operation.key[k].data);
  }
  check_view(pdu, state, operation.value.data);
  if (operation.value.kind == ValueKind::BYTES) require(operation.value.data.size() == operation.value.count);
}

// The reply is an answer, has the next number, and lets the numbers behind it go together; between the chunks
// of a response it has no place.
void check_refusal(Bytes request, const PduHead& head, const SessionState& before) {
  std::array<std::uint8_t, refusal_size_max> reply{};
  SessionState session = before;
  const std::size_t size = room().refuse(request, Reason::FUNCTION_NOT_PERMITTED, session, reply);
  require(size <= reply.size());
  if (size == 0) return;
  const Bytes answer{reply.data(), size};
  const Framing framing = room().frame(answer, Role::SERVER, Transport::TCP, session);
  require(framing.status == FrameStatus::COMPLETE && framing.pdu_size == size);
  const bool message = reply[0] == 'M';
  const bool waits = message && session.as<opcua::Session>().part_live;  // a response is half through
  if (message && !waits) {
    PduState state;
    const PduHead refused = room().open(answer, Role::SERVER, QUIRK_NONE, session, state);
    require(refused.well_formed && refused.negative && refused.kind == PduKind::RESPONSE);
    require(refused.match_key == head.match_key);
    require(room().matches(answer, head.match_detail, QUIRK_NONE));
  }
  Octets removed(request.begin(), request.end());
  require(room().renumber(removed, Role::CLIENT, Passage::REMOVED, session));
  const auto copy = reply;
  require(room().renumber(std::span(reply).first(size), Role::SERVER, Passage::INSERTED, session) != waits);
  if (message) require(copy == reply);
}

void check_pdu(Bytes pdu, Role sender, SessionState& session) {
  PduState state;
  const PduHead head = room().open(pdu, sender, QUIRK_NONE, session, state);
  Operation operation;
  std::size_t count = 0;
  Next next = room().next(pdu, state, operation);
  for (; next == Next::OPERATION; next = room().next(pdu, state, operation)) {
    check_operation(pdu, state, operation);
    require(++count <= pdu.size());
  }
  if (!head.well_formed) {
    require(count == 0 && next == Next::MALFORMED && head.field[0] != '\0');
    return;
  }
  require(next == Next::MALFORMED || count >= 1);
  if (sender == Role::CLIENT && head.kind == PduKind::REQUEST && head.answered)
    check_refusal(pdu, head, session);
  Associations associations;
  room().accept(pdu, sender, session, associations);
  Octets passed(pdu.begin(), pdu.end());
  SessionState numbered = session;
  (void)room().renumber(passed, sender, Passage::PASSED, numbered);
  (void)room().open(pdu, sender, QUIRK_PLACE_UNKNOWN, session, state);
}

void accept(const Octets& pdu, Role sender, SessionState& session) {
  Associations associations;
  room().accept(pdu, sender, session, associations);
}

Octets channel_message(std::string_view policy, std::uint32_t channel, const Octets& body) {
  Octets rest;
  put_u32(rest, channel);
  put_text(rest, policy);
  const bool none = policy.ends_with("None");
  put_text(rest, none ? "" : "0123");
  put_text(rest, none ? "" : "01234567890123456789");
  put_u32(rest, 1);
  put_u32(rest, 1);
  rest.insert(rest.end(), body.begin(), body.end());
  return framed("OPNF", rest);
}

// 0: nothing was seen; 1: mode None; 2: a signed channel; 3: an encrypted one; 4: hello alone; 5: undecided.
SessionState state_of(unsigned which) {
  SessionState session;
  if (which == 0) return session;
  Octets limits;
  for (const std::uint32_t limit : {0U, 65535U, 65535U, 0U, 0U}) put_u32(limits, limit);
  Octets url = limits;
  put_text(url, "opc.tcp://a");
  accept(framed("HELF", url), Role::CLIENT, session);
  accept(framed("ACKF", limits), Role::SERVER, session);
  if (which == 4) return session;
  const std::string_view policy = which == 1   ? "http://opcfoundation.org/UA/SecurityPolicy#None"
                                  : which == 3 ? "urn:own"
                                               : "http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256";
  accept(channel_message(policy, 0, {}), Role::CLIENT, session);
  // Type, response header, version, channel 7, token 9, time, lifetime, nonce.
  Octets body{1, 0, 0xC1, 1};
  body.resize(4 + 8 + 4 + 4 + 1 + 4 + 3 + 4, 0);
  put_u32(body, 7);
  put_u32(body, 9);
  body.resize(body.size() + 8 + 4 + 4, 0);
  accept(channel_message(policy, 7, body), Role::SERVER, session);
  if (which != 2) return session;
  Octets close{7, 0, 0, 0, 9, 0, 0, 0, 2,    0,
               0, 0, 2, 0, 0, 0, 1, 0, 0x3A, 3};  // PUBLISH, acknowledging nothing
  close.resize(close.size() + 2 + 8 + 4 + 4 + 4 + 4 + 3 + 4 + 32, 0);
  accept(framed("MSGF", close), Role::CLIENT, session);
  return session;
}

// `body` in chunks of `part` octets, each with `trailer` octets behind it.
Octets chunks(Bytes body, std::size_t part, std::size_t trailer, std::uint32_t sequence, char last) {
  Octets out;
  std::size_t at = 0;
  do {
    const std::size_t size = std::min(part, body.size() - at);
    const bool end = at + size == body.size();
    Octets rest;
    for (const std::uint32_t number : {7U, 9U, sequence++, 3U}) put_u32(rest, number);
    rest.insert(rest.end(), body.begin() + static_cast<long>(at),
                body.begin() + static_cast<long>(at + size));
    rest.resize(rest.size() + trailer, 0x5A);
    const char type[] = {'M', 'S', 'G', end ? last : 'C'};
    const Octets chunk = framed({type, 4}, rest);
    out.insert(out.end(), chunk.begin(), chunk.end());
    at += size;
  } while (at < body.size());
  return out;
}

void check_stream(Bytes stream, SessionState& session) {
  while (stream.size() >= 4) {
    Octets copy(stream.begin(), stream.end());
    const Role sender = (copy[3] & 0x80U) != 0 ? Role::SERVER : Role::CLIENT;
    copy[3] &= 0x7FU;
    const Framing framing = stable_frame(room(), copy, sender, Transport::TCP, session);
    if (framing.status != FrameStatus::COMPLETE || framing.pdu_size > copy.size()) break;
    check_pdu(Bytes(copy).first(framing.judge_size), sender, session);
    stream = stream.subspan(framing.pdu_size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 8192) return 0;
  const unsigned choice = data[0];
  SessionState session = state_of(choice & 7U);
  const Bytes rest{data + 1, size - 1};
  const unsigned laid = (choice >> 3U) & 3U;
  if (laid == 0) {
    check_stream(rest, session);
    check_pdu(rest, Role::CLIENT, session);
    check_pdu(rest, Role::SERVER, session);
    return 0;
  }
  const std::size_t part = (choice >> 5U) == 0 ? 8192 : std::size_t{1} << (choice >> 5U);
  const bool signs = (choice & 7U) == 2 || (choice & 7U) == 5;
  const std::uint32_t sequence = (choice & 7U) == 2 ? 3 : 2;
  const Octets stream =
      chunks(rest, laid == 3 ? 8192 : part, signs ? 32 : 0, sequence, laid == 2 ? 'A' : 'F');
  const Role sender = laid == 3 ? Role::SERVER : Role::CLIENT;
  const Framing framing = stable_frame(room(), stream, sender, Transport::TCP, session);
  if (framing.status != FrameStatus::COMPLETE || framing.pdu_size > stream.size()) return 0;
  check_pdu(Bytes(stream).first(framing.judge_size), sender, session);
  return 0;
}
