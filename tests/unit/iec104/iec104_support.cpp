#include "tests/unit/iec104/iec104_support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

#include "tests/support/hex.hpp"

namespace conduit::test {
namespace {

std::string value_text(const Value& value) {
  switch (value.kind) {
    case ValueKind::NONE: return "";
    case ValueKind::SIGNED: return " = " + std::to_string(value.i);
    case ValueKind::UNSIGNED: return " = " + std::to_string(value.u) + "u";
    case ValueKind::FLOAT: return " = " + std::to_string(value.f);
    case ValueKind::BYTES: return " = " + std::to_string(value.count) + " octets";
    case ValueKind::BITS:
    case ValueKind::WORDS:
    case ValueKind::UNREADABLE: break;
  }
  return " = ?";
}

// "C_SC_NA_1 OPERATE ca:1 ioa:5 cause:6 select:1 qu:0 oa:0 t:0 file:1 = 1u"; oa and t only where not 0.
std::string operation_text(const Operation& operation) {
  static constexpr const char* names[] = {"ca", "ioa", "cause", "select", "qu", "oa", "t", "file"};
  std::string text(iec104_protocol.function_name(operation.function));
  if (text.empty()) text = std::to_string(operation.function);
  if (operation.function >= iec104::misplaced_base) text = "misplaced " + text;
  text += " " + access_text(operation.access);
  for (std::size_t d = 0; d < dimension_count; ++d) {
    if (!operation.has(d)) continue;
    const Range range = operation.dimension[d];
    CHECK(range.first == range.last);
    if ((d == iec104::ORIGINATOR || d == iec104::TEST) && range.first == 0) continue;
    text += std::string(" ") + names[d] + ":" + std::to_string(range.first);
  }
  return text + value_text(operation.value);
}

}  // namespace

Octets i_frame(const Octets& asdu, unsigned send, unsigned receive) {
  Octets out{0x68,
             static_cast<std::uint8_t>(4 + asdu.size()),
             static_cast<std::uint8_t>(send << 1),
             static_cast<std::uint8_t>(send >> 7),
             static_cast<std::uint8_t>(receive << 1),
             static_cast<std::uint8_t>(receive >> 7)};
  out.insert(out.end(), asdu.begin(), asdu.end());
  return out;
}

Octets s_frame(unsigned receive) {
  return {0x68, 4, 1, 0, static_cast<std::uint8_t>(receive << 1), static_cast<std::uint8_t>(receive >> 7)};
}

Octets u_frame(std::uint8_t control) { return {0x68, 4, control, 0, 0, 0}; }

unsigned send_number(const Octets& frame) {
  return static_cast<unsigned>(frame[3]) << 7 | static_cast<unsigned>(frame[2]) >> 1;
}
unsigned receive_number(const Octets& frame) {
  return static_cast<unsigned>(frame[5]) << 7 | static_cast<unsigned>(frame[4]) >> 1;
}

SessionState started() {
  SessionState session;
  accept(u_frame(startdt_act), Role::CLIENT, session);
  accept(u_frame(startdt_con), Role::SERVER, session);
  return session;
}

std::string describe(const Octets& pdu, Role sender, const SessionState& session, Quirks quirks) {
  // A heap block of exactly that size: a sanitizer sees every octet read too many.
  const auto exact = std::make_unique<std::uint8_t[]>(pdu.size());
  std::copy(pdu.begin(), pdu.end(), exact.get());
  const Bytes bytes(exact.get(), pdu.size());
  PduState state;
  const PduHead head = iec104_protocol.open(bytes, sender, quirks, session, state);
  if (!head.well_formed) return std::string("malformed ") + head.field;
  std::string text;
  Operation operation;
  for (int count = 0; count < 5000; ++count) {
    const Next next = iec104_protocol.next(bytes, state, operation);
    if (next == Next::END) return text;
    if (!text.empty()) text += " | ";
    if (next == Next::MALFORMED) return text + "malformed";
    text += operation_text(operation);
  }
  return "endless";
}

PduHead head_of(const Octets& pdu, Role sender, const SessionState& session, Quirks quirks) {
  PduState state;
  return iec104_protocol.open(Bytes(pdu), sender, quirks, session, state);
}

void accept(const Octets& pdu, Role sender, SessionState& session) {
  Associations associations;
  iec104_protocol.accept(Bytes(pdu), sender, session, associations);
}

bool answers(const PduHead& asked, const Octets& given, const SessionState& session, Quirks quirks) {
  const PduHead reply = head_of(given, Role::SERVER, session, quirks);
  REQUIRE(asked.well_formed);
  REQUIRE(reply.well_formed);
  if (reply.kind != PduKind::RESPONSE && reply.kind != PduKind::RESPONSE_PART) return false;
  if (asked.match_key != reply.match_key) return false;
  const bool agrees = iec104_protocol.matches(Bytes(given), asked.match_detail, quirks);
  // What agrees without being asked has to agree when asked, too.
  if (asked.match_detail == reply.match_detail) CHECK(agrees);
  return agrees;
}

Octets Talk::frame(Role sender, std::string_view asdu) const {
  const bool client = sender == Role::CLIENT;
  return i_frame(asdu, sent[client ? 0 : 1], sent[client ? 1 : 0]);
}

PduHead Talk::look(Role sender, std::string_view asdu) const {
  const PduHead head = head_of(frame(sender, asdu), sender, session);
  CAPTURE(head.field);
  CHECK(head.well_formed);
  return head;
}

std::string Talk::text(Role sender, std::string_view asdu) const {
  return describe(frame(sender, asdu), sender, session);
}

PduHead Talk::pass(Role sender, std::string_view asdu) {
  const PduHead head = look(sender, asdu);
  accept(frame(sender, asdu), sender, session);
  ++sent[sender == Role::CLIENT ? 0 : 1];
  return head;
}

}  // namespace conduit::test
