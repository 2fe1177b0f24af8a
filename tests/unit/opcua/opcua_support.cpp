#include "tests/unit/opcua/opcua_support.hpp"

#include <algorithm>
#include <memory>

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

std::string operation_text(const Operation& operation) {
  std::string text(opcua_protocol.function_name(operation.function));
  if (text.empty()) text = std::to_string(operation.function);
  text += " " + access_text(operation.access);
  for (std::size_t d = 0; d < dimension_count; ++d) {
    if (!operation.has(d)) continue;
    text += " " + std::string(opcua_protocol.dimension_names[d]) + ":" + range_text(operation.dimension[d]);
  }
  for (std::size_t k = 0; k < key_count; ++k) {
    if (((operation.keys_present >> k) & 1U) == 0) continue;
    const Bytes name = operation.key[k].data;
    text += (k == 0 ? " \"" : " and \"") + std::string(name.begin(), name.end()) + "\"";
  }
  return text + value_text(operation.value);
}

}  // namespace

Octets number(std::uint32_t value) {
  Octets out;
  for (unsigned shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
  return out;
}

Octets text(std::string_view value) {
  Octets out = number(static_cast<std::uint32_t>(value.size()));
  out.insert(out.end(), value.begin(), value.end());
  return out;
}

Octets operator+(Octets left, const Octets& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Octets from_text(std::string_view hex) {
  Octets out;
  int high = -1;
  for (std::size_t at = 0; at < hex.size(); ++at) {
    const char c = hex[at];
    if (c == ' ') continue;
    if (c == '\'') {
      const std::size_t end = hex.find('\'', at + 1);
      out = std::move(out) + text(hex.substr(at + 1, end - at - 1));
      at = end;
      continue;
    }
    const int digit = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
    if (high >= 0) out.push_back(static_cast<std::uint8_t>(high * 16 + digit));
    high = high >= 0 ? -1 : digit;
  }
  return out;
}

Octets framed(const char* type, const Octets& rest) {
  return Octets(type, type + 4) + number(static_cast<std::uint32_t>(8 + rest.size())) + rest;
}

Octets hello(std::string_view endpoint, std::uint32_t receive, std::uint32_t send, std::uint32_t message,
             std::uint32_t chunks) {
  return framed(
      "HELF", number(0) + number(receive) + number(send) + number(message) + number(chunks) + text(endpoint));
}

Octets acknowledge(std::uint32_t receive, std::uint32_t send, std::uint32_t message, std::uint32_t chunks) {
  return framed("ACKF", number(0) + number(receive) + number(send) + number(message) + number(chunks));
}

Octets error(std::uint32_t code) { return framed("ERRF", number(code) + text("why")); }

Octets open_channel(std::uint32_t sequence, std::uint32_t request, std::uint32_t on, std::uint32_t type,
                    std::uint32_t mode, std::uint32_t lifetime) {
  const Octets parameters =
      number(0) + number(type) + number(mode) + from_text("01000000 00") + number(lifetime);
  return framed("OPNF", number(on) + text("http://opcfoundation.org/UA/SecurityPolicy#None") +
                            from_text("ffffffff ffffffff") + number(sequence) + number(request) +
                            asked(446, parameters));
}

Octets channel_opened(std::uint32_t sequence, std::uint32_t request, std::uint32_t on, std::uint32_t with) {
  const Octets parameters =
      number(0) + number(on) + number(with) + from_text("0000000000000000 80ee3600 01000000 00");
  return framed("OPNF", number(on) + text("http://opcfoundation.org/UA/SecurityPolicy#None") +
                            from_text("ffffffff ffffffff") + number(sequence) + number(request) +
                            answered(449, 0, parameters));
}

Octets open_secret(std::string_view policy, std::uint32_t on, const Octets& certificate, std::size_t size) {
  return framed("OPNF", number(on) + text(policy) + number(static_cast<std::uint32_t>(certificate.size())) +
                            certificate + number(20) + Octets(20, 0xAB) + Octets(size, 0xC7));
}

Octets chunk(const char* type, std::uint32_t sequence, std::uint32_t request, const Octets& body,
             std::uint32_t on, std::uint32_t with) {
  return framed(type, number(on) + number(with) + number(sequence) + number(request) + body);
}

Octets asked(std::uint32_t function, const Octets& parameters) {
  Octets type{1, 0, static_cast<std::uint8_t>(function), static_cast<std::uint8_t>(function >> 8U)};
  // a token by ByteString, time, handle, no diagnostics, no audit entry, hint, no additional header
  return std::move(type) +
         from_text("05 0100 04000000 01020304 0102030405060708 2a000000 00000000 ffffffff 10270000 0000 00") +
         parameters;
}

Octets answered(std::uint32_t type, std::uint32_t result, const Octets& parameters) {
  Octets head{1, 0, static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(type >> 8U)};
  return std::move(head) + from_text("0102030405060708 2a000000") + number(result) +
         from_text("00 00000000 0000 00") + parameters;
}

Octets request(std::uint32_t function, const Octets& parameters, std::uint32_t sequence,
               std::uint32_t request_id) {
  return chunk("MSGF", sequence, request_id, asked(function, parameters));
}

Octets response(std::uint32_t type, std::uint32_t result, std::uint32_t sequence, std::uint32_t request_id) {
  return chunk("MSGF", sequence, request_id, answered(type, result));
}

std::string describe(const Octets& pdu, Role sender, const SessionState& session) {
  // A heap block of exactly that size: a sanitizer sees every octet read too many.
  const auto exact = std::make_unique<std::uint8_t[]>(pdu.size());
  std::copy(pdu.begin(), pdu.end(), exact.get());
  const Bytes bytes(exact.get(), pdu.size());
  PduState state;
  const PduHead head = opcua_protocol.open(bytes, sender, QUIRK_NONE, session, state);
  if (!head.well_formed) return std::string("malformed ") + head.field;
  if (head.kind == PduKind::IMPLIED) return "implied";
  std::string text;
  Operation operation;
  for (int count = 0; count < 5000; ++count) {
    const Next next = opcua_protocol.next(bytes, state, operation);
    if (next == Next::END) return text;
    if (!text.empty()) text += " | ";
    if (next == Next::MALFORMED) return text + "malformed";
    text += operation_text(operation);
  }
  return "endless";
}

PduHead head_of(const Octets& pdu, Role sender, const SessionState& session) {
  PduState state;
  return opcua_protocol.open(Bytes(pdu), sender, QUIRK_NONE, session, state);
}

void accept(const Octets& pdu, Role sender, SessionState& session) {
  Associations associations;
  opcua_protocol.accept(Bytes(pdu), sender, session, associations);
}

SessionState connected() {
  SessionState session;
  accept(hello(), Role::CLIENT, session);
  accept(acknowledge(), Role::SERVER, session);
  accept(open_channel(), Role::CLIENT, session);
  accept(channel_opened(), Role::SERVER, session);
  return session;
}

SessionState connected_secretly(std::string_view policy) {
  SessionState session;
  accept(hello(), Role::CLIENT, session);
  accept(acknowledge(), Role::SERVER, session);
  accept(open_secret(policy), Role::CLIENT, session);
  accept(open_secret(policy, channel), Role::SERVER, session);
  return session;
}

Octets read_value() {
  return from_text("0000000000000000 02000000 01000000 01 02 0500 0d000000 ffffffff 0000 ffffffff");
}

}  // namespace conduit::test
