#include "tests/unit/bacnet/bacnet_support.hpp"

#include <algorithm>
#include <memory>

namespace conduit::test {
namespace {

std::string value_text(const Value& value) {
  switch (value.kind) {
    case ValueKind::NONE: return "";
    case ValueKind::SIGNED: return " = " + std::to_string(value.i);
    case ValueKind::UNSIGNED: return " = " + std::to_string(value.u);
    case ValueKind::FLOAT: return " = " + std::to_string(value.f);
    case ValueKind::BYTES: return " = " + std::to_string(value.count) + " octets";
    case ValueKind::BITS:
    case ValueKind::WORDS:
    case ValueKind::UNREADABLE: break;
  }
  return " = ?";
}

std::string station_text(Range range) {
  std::string text = std::to_string(range.first >> 48) + "/";
  return text + (range.first == range.last ? std::to_string(range.first & 0xFFFFFFFFFFFF) : "all");
}

std::string operation_text(const Operation& operation) {
  std::string text(bacnet_protocol.function_name(operation.function));
  if (text.empty()) text = std::to_string(operation.function);
  text += " " + access_text(operation.access);
  const auto dimension = [&](std::size_t index, const char* before, const char* behind) {
    if (operation.has(index)) text += before + range_text(operation.dimension[index]) + behind;
  };
  dimension(bacnet::OBJECT_TYPE, " ", "");
  dimension(bacnet::INSTANCE, ":", "");
  dimension(bacnet::PROPERTY, " p", "");
  dimension(bacnet::INDEX, "[", "]");
  dimension(bacnet::PRIORITY, " @", "");
  if (operation.has(bacnet::DESTINATION))
    text += " to " + station_text(operation.dimension[bacnet::DESTINATION]);
  if (operation.has(bacnet::SOURCE)) text += " from " + station_text(operation.dimension[bacnet::SOURCE]);
  if (operation.has(bacnet::CARRIER) && operation.dimension[bacnet::CARRIER].first != bacnet::UNICAST) {
    text += " by " + std::to_string(operation.dimension[bacnet::CARRIER].first);
  }
  for (std::size_t key = 0; key < key_count; ++key) {
    if (((operation.keys_present >> key) & 1U) == 0) continue;
    const Bytes name = operation.key[key].data;
    text += " \"" + std::string(name.begin(), name.end()) + "\"";
  }
  return text + value_text(operation.value);
}

// A heap block of exactly that size: a sanitizer sees every octet read too many.
struct Exact {
  explicit Exact(const Octets& octets) : block(std::make_unique<std::uint8_t[]>(octets.size())) {
    std::copy(octets.begin(), octets.end(), block.get());
    bytes = Bytes(block.get(), octets.size());
  }
  std::unique_ptr<std::uint8_t[]> block;
  Bytes bytes;
};

}  // namespace

Octets linked(std::uint8_t function, std::string_view hex) {
  const Octets rest = from_hex(hex);
  const std::size_t size = rest.size() + 4;
  Octets out{0x81, function, static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

Octets unicast(std::string_view apdu) { return linked(0x0A, "01 04" + std::string(apdu)); }

namespace {

std::string octet(std::uint8_t value) {
  static constexpr char digits[] = "0123456789abcdef";
  return {digits[value >> 4], digits[value & 15]};
}

}  // namespace

Octets confirmed(std::uint8_t service, std::string_view parameters, std::uint8_t invoke) {
  return unicast("00 04" + octet(invoke) + octet(service) + std::string(parameters));
}

Octets unconfirmed(std::uint8_t service, std::string_view parameters) {
  return unicast("10" + octet(service) + std::string(parameters));
}

Octets complex_ack(std::uint8_t service, std::string_view parameters, std::uint8_t invoke) {
  return unicast("30" + octet(invoke) + octet(service) + std::string(parameters));
}

std::string describe(const Octets& pdu, Role sender, const SessionState& session, const Octets& assembled) {
  const Exact exact(pdu);
  const Exact before(assembled);
  PduState state;
  state.assembled = before.bytes;
  const PduHead head = bacnet_protocol.open(exact.bytes, sender, QUIRK_NONE, session, state);
  if (!head.well_formed) return std::string("malformed ") + head.field;
  if (head.kind == PduKind::IMPLIED) return "implied";
  std::string text;
  Operation operation;
  for (int count = 0; count < 5000; ++count) {
    const Next next = bacnet_protocol.next(exact.bytes, state, operation);
    if (next == Next::END) return text;
    if (!text.empty()) text += " | ";
    if (next == Next::MALFORMED) return text + "malformed";
    text += operation_text(operation);
  }
  return "endless";
}

PduHead head_of(const Octets& pdu, Role sender, const SessionState& session, const Octets& assembled) {
  PduState state;
  state.assembled = Bytes(assembled);
  return bacnet_protocol.open(Bytes(pdu), sender, QUIRK_NONE, session, state);
}

void accept(const Octets& pdu, Role sender, SessionState& session) {
  Associations associations;
  bacnet_protocol.accept(Bytes(pdu), sender, session, associations);
}

}  // namespace conduit::test
