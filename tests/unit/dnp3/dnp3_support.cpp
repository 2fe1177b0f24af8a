#include "tests/unit/dnp3/dnp3_support.hpp"

#include <algorithm>
#include <memory>

namespace conduit::test {
namespace {

// Bit by bit, unlike the room's.
std::uint16_t slow_checksum(const std::uint8_t* data, std::size_t size) {
  unsigned state = 0;
  for (std::size_t i = 0; i < size; ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      const bool out = ((state ^ (data[i] >> bit)) & 1U) != 0;
      state = out ? (state >> 1) ^ 0xA6BCU : state >> 1;
    }
  }
  return static_cast<std::uint16_t>(~state);
}

void add_checksum(Octets& to, std::size_t from) {
  const std::uint16_t sum = slow_checksum(to.data() + from, to.size() - from);
  to.push_back(static_cast<std::uint8_t>(sum));
  to.push_back(static_cast<std::uint8_t>(sum >> 8));
}

std::string value_text(const Value& value) {
  switch (value.kind) {
    case ValueKind::NONE: return "";
    case ValueKind::SIGNED: return " = " + std::to_string(value.i);
    case ValueKind::UNSIGNED: return " = " + std::to_string(value.u);
    case ValueKind::FLOAT: return " = " + std::to_string(value.f);
    case ValueKind::BITS: return " = " + std::to_string(value.count) + " bits";
    case ValueKind::BYTES: return " = " + std::to_string(value.count) + " octets";
    case ValueKind::WORDS:
    case ValueKind::UNREADABLE: break;
  }
  return " = ?";
}

std::string operation_text(const Operation& operation) {
  std::string text(dnp3_protocol.function_name(operation.function));
  if (text.empty()) text = std::to_string(operation.function);
  text += " " + access_text(operation.access);
  for (std::size_t d = 1; d < dnp3::MASTER; ++d) {
    if (!operation.has(d)) continue;
    const Range range = operation.dimension[d];
    const std::string number =
        d == dnp3::OBJECT ? std::to_string(range.first >> 8) + "/" + std::to_string(range.first & 255)
                          : range_text(range);
    text += " " + std::string(dnp3_protocol.dimension_names[d]) + ":" + number;
  }
  if ((operation.keys_present & 1U) != 0) {
    const Bytes name = operation.key[0].data;
    text += " \"" + std::string(name.begin(), name.end()) + "\"";
  }
  return text + value_text(operation.value);
}

}  // namespace

Octets link_frame(std::uint8_t control, std::uint16_t destination, std::uint16_t source, const Octets& user) {
  Octets out{0x05,
             0x64,
             static_cast<std::uint8_t>(5 + user.size()),
             control,
             static_cast<std::uint8_t>(destination),
             static_cast<std::uint8_t>(destination >> 8),
             static_cast<std::uint8_t>(source),
             static_cast<std::uint8_t>(source >> 8)};
  add_checksum(out, 0);
  for (std::size_t at = 0; at < user.size(); at += 16) {
    const std::size_t begin = out.size();
    const std::size_t size = std::min<std::size_t>(16, user.size() - at);
    out.insert(out.end(), user.begin() + static_cast<long>(at), user.begin() + static_cast<long>(at + size));
    add_checksum(out, begin);
  }
  return out;
}

Octets frames(const Octets& fragment, Role sender, std::size_t segment, std::uint8_t sequence,
              std::uint16_t station) {
  const bool asks = sender == Role::CLIENT;
  Octets out;
  std::size_t at = 0;
  do {
    const std::size_t size = std::min(segment, fragment.size() - at);
    Octets user{static_cast<std::uint8_t>((at == 0 ? 0x40 : 0) | (at + size == fragment.size() ? 0x80 : 0) |
                                          (sequence++ & 0x3F))};
    user.insert(user.end(), fragment.begin() + static_cast<long>(at),
                fragment.begin() + static_cast<long>(at + size));
    const Octets frame =
        link_frame(asks ? 0xC4 : 0x44, asks ? station : master, asks ? master : station, user);
    out.insert(out.end(), frame.begin(), frame.end());
    at += size;
  } while (at < fragment.size());
  return out;
}

std::string describe(const Octets& pdu, Role sender, const SessionState& session) {
  // A heap block of exactly that size: a sanitizer sees every octet read too many.
  const auto exact = std::make_unique<std::uint8_t[]>(pdu.size());
  std::copy(pdu.begin(), pdu.end(), exact.get());
  const Bytes bytes(exact.get(), pdu.size());
  PduState state;
  const PduHead head = dnp3_protocol.open(bytes, sender, QUIRK_NONE, session, state);
  if (!head.well_formed) return std::string("malformed ") + head.field;
  if (head.kind == PduKind::IMPLIED) return "implied";
  std::string text;
  Operation operation;
  for (int count = 0; count < 5000; ++count) {
    const Next next = dnp3_protocol.next(bytes, state, operation);
    if (next == Next::END) return text;
    if (!text.empty()) text += " | ";
    if (next == Next::MALFORMED) return text + "malformed";
    text += operation_text(operation);
  }
  return "endless";
}

PduHead head_of(const Octets& pdu, Role sender, const SessionState& session) {
  PduState state;
  return dnp3_protocol.open(Bytes(pdu), sender, QUIRK_NONE, session, state);
}

void accept(const Octets& pdu, Role sender, SessionState& session) {
  Associations associations;
  dnp3_protocol.accept(Bytes(pdu), sender, session, associations);
}

}  // namespace conduit::test
