#include "tests/unit/modbus/modbus_support.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <stdexcept>

#include "protocols/modbus/modbus_decoder.hpp"

namespace conduit::test {
namespace {

std::string access_name(AccessClass access) {
  switch (access) {
    case AccessClass::UNSPECIFIED: return "UNSPECIFIED";
    case AccessClass::READ: return "READ";
    case AccessClass::WRITE: return "WRITE";
    case AccessClass::OPERATE: return "OPERATE";
    case AccessClass::PROGRAM: return "PROGRAM";
    case AccessClass::MANAGE: return "MANAGE";
    case AccessClass::DISCOVER: return "DISCOVER";
    case AccessClass::SESSION: return "SESSION";
  }
  return "?";
}

std::string hex_of(Bytes data) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t octet : data) {
    text += digits[octet >> 4];
    text += digits[octet & 15];
  }
  return text;
}

std::string value_text(const Value& value) {
  switch (value.kind) {
    case ValueKind::NONE: return "";
    case ValueKind::UNREADABLE: return " = unreadable";
    case ValueKind::UNSIGNED: return " = " + std::to_string(value.u);
    case ValueKind::BYTES: return " = octets " + hex_of(value.data.first(value.count));
    case ValueKind::BITS: {
      std::string text = " = bits ";
      for (std::size_t i = 0; i < value.count; ++i)
        text += ((value.data[i / 8] >> (i % 8)) & 1) != 0 ? '1' : '0';
      return text;
    }
    case ValueKind::WORDS: {
      std::string text = " = words";
      for (std::size_t i = 0; i < value.count; ++i) {
        text += " " + std::to_string(load_u16be(value.data.subspan(2 * i, 2).data()));
      }
      return text;
    }
    case ValueKind::SIGNED:
    case ValueKind::FLOAT: return " = not a Modbus value";
  }
  return " = ?";
}

std::string operation_text(const Operation& operation) {
  std::string text = std::to_string(operation.function) + " " + access_name(operation.access);
  for (std::size_t d = 0; d < dimension_count; ++d) {
    if (!operation.has(d)) continue;
    const Range range = operation.dimension[d];
    text += " " + std::string(modbus_protocol.dimension_names[d]) + ":" + std::to_string(range.first);
    if (range.first != range.last) text += "-" + std::to_string(range.last);
  }
  if (operation.protocol != modbus_id) text += " of another protocol";
  if (operation.keys_present != 0) text += " with keys";
  return text + value_text(operation.value);
}

}  // namespace

Octets from_hex(std::string_view hex) {
  Octets octets;
  const auto skip_blanks = [&hex] {
    while (!hex.empty() && (hex.front() == ' ' || hex.front() == '\n')) hex.remove_prefix(1);
  };
  for (skip_blanks(); !hex.empty(); skip_blanks()) {
    std::uint8_t octet = 0;
    if (hex.size() < 2 || std::from_chars(hex.data(), hex.data() + 2, octet, 16).ptr != hex.data() + 2) {
      throw std::invalid_argument("not hex: " + std::string(hex));
    }
    hex.remove_prefix(2);
    std::size_t times = 1;
    if (hex.starts_with('*')) {
      const auto result = std::from_chars(hex.data() + 1, hex.data() + hex.size(), times);
      hex.remove_prefix(static_cast<std::size_t>(result.ptr - hex.data()));
    }
    octets.insert(octets.end(), times, octet);
  }
  return octets;
}

Octets adu(std::string_view pdu_hex, std::uint8_t unit) {
  const Octets pdu = from_hex(pdu_hex);
  const std::size_t length = pdu.size() + 1;
  Octets octets{0x12, 0x34, 0, 0, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length),
                unit};
  octets.insert(octets.end(), pdu.begin(), pdu.end());
  return octets;
}

std::string describe(const Octets& octets, Role sender) {
  // A heap block of the exact size: sanitizers see an over-read.
  const auto exact = std::make_unique<std::uint8_t[]>(octets.size());
  std::copy(octets.begin(), octets.end(), exact.get());
  const Bytes pdu{exact.get(), octets.size()};
  const SessionState session;
  PduState state;
  const PduHead head = modbus_protocol.open(pdu, sender, QUIRK_NONE, session, state);
  if (!head.well_formed) return "malformed " + std::string(head.field);
  std::string text;
  Operation operation;
  for (std::size_t count = 0; count <= octets.size(); ++count) {
    const Next next = modbus_protocol.next(pdu, state, operation);
    if (next == Next::END) return text;
    if (next == Next::MALFORMED) return text + " then malformed";
    if (!text.empty()) text += " | ";
    text += operation_text(operation);
  }
  return text + " without end";
}

PduHead head_of(const Octets& octets, Role sender, Quirks quirks) {
  const SessionState session;
  PduState state;
  return modbus_protocol.open(Bytes{octets}, sender, quirks, session, state);
}

}  // namespace conduit::test
