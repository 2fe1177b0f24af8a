#include "tests/unit/enip/enip_support.hpp"

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

std::string operation_text(const Operation& operation) {
  std::string text(enip_protocol.function_name(operation.function));
  if (text.empty()) text = std::to_string(operation.function);
  text += " " + access_text(operation.access);
  for (std::size_t d = 0; d < dimension_count; ++d) {
    if (operation.has(d))
      text += " " + std::string(enip_protocol.dimension_names[d]) + ":" + range_text(operation.dimension[d]);
  }
  for (std::size_t k = 0; k < key_count; ++k) {
    if (((operation.keys_present >> k) & 1U) == 0) continue;
    const Bytes name = operation.key[k].data;
    text += (k == 0 ? " \"" : " via ") + std::string(name.begin(), name.end()) + (k == 0 ? "\"" : "");
  }
  return text + value_text(operation.value);
}

Octets opening_data(const OpeningParts& parts) {
  Octets out = from_hex("0a 0e 00000000") + le32(0x80FE0001) + le16(parts.serial) + le16(0x004D) +
               le32(0x12345678) + from_hex("02 000000");
  const auto direction = [&](std::uint32_t interval, std::uint32_t parameters) {
    out = out + le32(interval) + (parts.large ? le32(parameters) : le16(parameters));
  };
  direction(parts.interval_sent, parts.parameters_sent);
  direction(parts.interval_received, parts.parameters_received);
  out.push_back(parts.transport);
  out.push_back(static_cast<std::uint8_t>(parts.path.size() / 2));
  return out + parts.path;
}

}  // namespace

Octets operator+(Octets left, const Octets& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Octets le16(std::uint32_t number) {
  return {static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8)};
}

Octets le32(std::uint32_t number) { return le16(number) + le16(number >> 16); }

Octets encapsulated(std::uint16_t command, const Octets& data, std::uint64_t context, std::uint32_t status,
                    std::uint32_t session) {
  return le16(command) + le16(static_cast<std::uint32_t>(data.size())) + le32(session) + le32(status) +
         le32(static_cast<std::uint32_t>(context)) + le32(static_cast<std::uint32_t>(context >> 32)) +
         le32(0) + data;
}

Octets unconnected(const Octets& message, std::uint64_t context) {
  return encapsulated(0x6F,
                      from_hex("00000000 0a00 0200 0000 0000 b200") +
                          le16(static_cast<std::uint32_t>(message.size())) + message,
                      context);
}

Octets connected(std::uint32_t connection, std::uint16_t sequence, const Octets& message) {
  return encapsulated(0x70,
                      from_hex("00000000 0000 0200 a100 0400") + le32(connection) + from_hex("b100") +
                          le16(static_cast<std::uint32_t>(message.size() + 2)) + le16(sequence) + message,
                      0);
}

Octets io_datagram(std::uint32_t connection, std::uint32_t sequence, const Octets& data) {
  return from_hex("0200 0280 0800") + le32(connection) + le32(sequence) + from_hex("b100") +
         le16(static_cast<std::uint32_t>(data.size())) + data;
}

Octets message(std::uint8_t service, const Octets& path, const Octets& data) {
  return Octets{service, static_cast<std::uint8_t>(path.size() / 2)} + path + data;
}

Octets reply(std::uint8_t service, const Octets& data, std::uint8_t status) {
  return Octets{static_cast<std::uint8_t>(service | 0x80), 0, status, 0} + data;
}

Octets tag_path(std::string_view tag) {
  Octets out;
  std::size_t at = 0;
  while (at < tag.size()) {
    if (tag[at] == '.') ++at;
    if (tag[at] == '[' || tag[at] == ',') {
      const std::size_t end = tag.find_first_of(",]", at + 1);
      const auto index =
          static_cast<std::uint32_t>(std::stoul(std::string(tag.substr(at + 1, end - at - 1))));
      if (index < 0x100)
        out = out + Octets{0x28, static_cast<std::uint8_t>(index)};
      else if (index < 0x10000)
        out = out + Octets{0x29, 0} + le16(index);
      else
        out = out + Octets{0x2A, 0} + le32(index);
      at = tag[end] == ']' ? end + 1 : end;
      continue;
    }
    const std::size_t end = std::min(tag.find_first_of(".[", at), tag.size());
    out.push_back(0x91);
    out.push_back(static_cast<std::uint8_t>(end - at));
    out.insert(out.end(), tag.begin() + static_cast<long>(at), tag.begin() + static_cast<long>(end));
    if ((end - at) % 2 != 0) out.push_back(0);
    at = end;
  }
  return out;
}

Octets unconnected_send(const Octets& inner, const Octets& route) {
  Octets data = from_hex("0a 0e") + le16(static_cast<std::uint32_t>(inner.size())) + inner;
  if (inner.size() % 2 != 0) data.push_back(0);
  data.push_back(static_cast<std::uint8_t>(route.size() / 2));
  data.push_back(0);
  return message(0x52, from_hex("20062401"), data + route);
}

Octets packet_list(const std::vector<Octets>& messages) {
  Octets out = le16(static_cast<std::uint32_t>(messages.size()));
  std::size_t offset = 2 + 2 * messages.size();
  for (const Octets& one : messages) {
    out = out + le16(static_cast<std::uint32_t>(offset));
    offset += one.size();
  }
  for (const Octets& one : messages) out = out + one;
  return out;
}

Octets packet(const std::vector<Octets>& messages) {
  return message(0x0A, from_hex("20022401"), packet_list(messages));
}

Octets forward_open(const OpeningParts& parts) {
  return message(parts.large ? 0x5B : 0x54, from_hex("20062401"), opening_data(parts));
}

Octets forward_open_reply(std::uint32_t sent, std::uint32_t received, std::uint16_t serial,
                          std::uint8_t service) {
  return reply(service, le32(sent) + le32(received) + le16(serial) + le16(0x004D) + le32(0x12345678) +
                            le32(20000) + le32(40000) + from_hex("0000"));
}

Octets forward_close(std::uint16_t serial) {
  return message(
      0x4E, from_hex("20062401"),
      from_hex("0a 0e") + le16(serial) + le16(0x004D) + le32(0x12345678) + from_hex("02 00 20022401"));
}

Octets forward_close_reply(std::uint16_t serial) {
  return reply(0x4E, le16(serial) + le16(0x004D) + le32(0x12345678) + from_hex("0000"));
}

std::string describe(const Octets& pdu, Role sender, const SessionState& session) {
  // A heap block of exactly that size: a sanitizer sees every octet read too many.
  const auto exact = std::make_unique<std::uint8_t[]>(pdu.size());
  std::copy(pdu.begin(), pdu.end(), exact.get());
  const Bytes bytes(exact.get(), pdu.size());
  PduState state;
  const PduHead head = enip_protocol.open(bytes, sender, QUIRK_NONE, session, state);
  if (!head.well_formed) return std::string("malformed ") + head.field;
  std::string text = head.kind == PduKind::IMPLIED ? "implied" : "";
  Operation operation;
  for (int count = 0; count < 5000; ++count) {
    const Next next = enip_protocol.next(bytes, state, operation);
    if (next == Next::END) return text;
    if (!text.empty()) text += " | ";
    if (next == Next::MALFORMED) return text + "malformed";
    text += operation_text(operation);
  }
  return "endless";
}

PduHead head_of(const Octets& pdu, Role sender, const SessionState& session) {
  PduState state;
  return enip_protocol.open(Bytes(pdu), sender, QUIRK_NONE, session, state);
}

Associations accept(const Octets& pdu, Role sender, SessionState& session) {
  Associations associations;
  enip_protocol.accept(Bytes(pdu), sender, session, associations);
  return associations;
}

}  // namespace conduit::test
