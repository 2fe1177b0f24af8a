#include "tests/unit/s7comm/s7comm_support.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>

namespace conduit::test {
namespace {

void put_u16(Octets& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

void append(Octets& to, const Octets& octets) { to.insert(to.end(), octets.begin(), octets.end()); }

Octets pdu(std::uint8_t rosctr, std::uint16_t reference, const Octets& parameter, const Octets& data_part,
           int error = -1) {
  Octets out{0x32, rosctr, 0, 0};
  put_u16(out, reference);
  put_u16(out, parameter.size());
  put_u16(out, data_part.size());
  if (error >= 0) put_u16(out, static_cast<std::size_t>(error));
  append(out, parameter);
  append(out, data_part);
  return tpkts(out);
}

std::string value_text(const Value& value) {
  switch (value.kind) {
    case ValueKind::NONE: return "";
    case ValueKind::SIGNED: return " = " + std::to_string(value.i);
    case ValueKind::UNSIGNED: return " = " + std::to_string(value.u);
    case ValueKind::FLOAT: return " = " + std::to_string(value.f);
    case ValueKind::BYTES: return " = " + std::to_string(value.count) + " octets";
    case ValueKind::WORDS: return " = " + std::to_string(value.count) + " words";
    case ValueKind::UNREADABLE: return " = unreadable";
    case ValueKind::BITS: break;
  }
  return " = ?";
}

std::string operation_text(const Operation& operation) {
  std::string text(s7comm_protocol.function_name(operation.function));
  if (text.empty()) text = std::to_string(operation.function);
  text += " " + access_text(operation.access);
  for (std::size_t d = 0; d < dimension_count; ++d) {
    if (!operation.has(d)) continue;
    text += " " + std::string(s7comm_protocol.dimension_names[d]) + ":" + range_text(operation.dimension[d]);
  }
  for (std::size_t k = 0; k < key_count; ++k) {
    if (((operation.keys_present >> k) & 1U) == 0) continue;
    const Bytes name = operation.key[k].data;
    text += " \"" + std::string(name.begin(), name.end()) + "\"";
  }
  return text + value_text(operation.value);
}

}  // namespace

Octets tpkts(const Octets& tsdu, std::size_t piece) {
  Octets out;
  std::size_t at = 0;
  do {
    const std::size_t size = std::min(piece, tsdu.size() - at);
    const bool last = at + size == tsdu.size();
    append(out, {3, 0});
    put_u16(out, size + 7);
    append(out, {2, 0xF0, static_cast<std::uint8_t>(last ? 0x80 : 0)});
    out.insert(out.end(), tsdu.begin() + static_cast<long>(at), tsdu.begin() + static_cast<long>(at + size));
    at += size;
  } while (at < tsdu.size());
  return out;
}

Octets control(std::string_view hex) {
  const Octets tpdu = from_hex(hex);
  Octets out{3, 0};
  put_u16(out, tpdu.size() + 5);
  out.push_back(static_cast<std::uint8_t>(tpdu.size()));
  append(out, tpdu);
  return out;
}

Octets job(std::string_view parameter, std::string_view data_part, std::uint16_t reference) {
  return pdu(1, reference, from_hex(parameter), from_hex(data_part));
}

Octets ack(std::string_view parameter, std::string_view data_part, std::uint16_t error,
           std::uint16_t reference, std::uint8_t rosctr) {
  return pdu(rosctr, reference, from_hex(parameter), from_hex(data_part), error);
}

Octets userdata(std::string_view parameter, std::string_view data_part, std::uint16_t reference) {
  return pdu(7, reference, from_hex(parameter), from_hex(data_part));
}

std::string any(unsigned transport_size, unsigned count, unsigned db, unsigned area, unsigned address) {
  char text[40];
  std::snprintf(text, sizeof text, " 120a10%02x%04x%04x%02x%06x", transport_size, count, db, area, address);
  return text;
}

std::string describe(const Octets& octets, Role sender, const SessionState& session, Quirks quirks) {
  // A heap block of exactly that size: a sanitizer sees every octet read too many.
  const auto exact = std::make_unique<std::uint8_t[]>(octets.size());
  std::copy(octets.begin(), octets.end(), exact.get());
  const Bytes bytes(exact.get(), octets.size());
  PduState state;
  const PduHead head = s7comm_protocol.open(bytes, sender, quirks, session, state);
  if (!head.well_formed) return std::string("malformed ") + head.field;
  std::string text = head.kind == PduKind::IMPLIED       ? "implied "
                     : head.kind == PduKind::UNSOLICITED ? "unsolicited "
                                                         : "";
  Operation operation;
  for (int count = 0; count < 5000; ++count) {
    const Next next = s7comm_protocol.next(bytes, state, operation);
    if (next == Next::END) return text;
    if (count != 0) text += " | ";
    if (next == Next::MALFORMED) return text + "malformed";
    text += operation_text(operation);
  }
  return "endless";
}

PduHead head_of(const Octets& octets, Role sender, const SessionState& session) {
  PduState state;
  return s7comm_protocol.open(Bytes(octets), sender, QUIRK_NONE, session, state);
}

void accept(const Octets& octets, Role sender, SessionState& session) {
  Associations associations;
  s7comm_protocol.accept(Bytes(octets), sender, session, associations);
}

}  // namespace conduit::test
