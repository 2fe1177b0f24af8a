// Messages of CIP (CIP 2-4), and those that carry others:
//
//   request:             service | words of path | path | data
//   reply:               service + 0x80 | 0 | general status | words of additional status | … | data
//   unconnected send:    priority and tick | ticks | size | message | [pad] | words of route | 0 | route
//   multiple services:   count | offsets, from the count on | messages
#include "protocols/enip/enip_pdu.hpp"

namespace conduit::enip {
namespace {

constexpr std::uint8_t reply_bit = 0x80;
constexpr std::uint8_t unconnected_send_code = 0x52;
constexpr std::uint8_t tick_reserved = 0xE0;

std::uint16_t offset_of(Bytes data, std::size_t index) noexcept {
  const std::uint8_t* const at = data.data() + 2 + 2 * index;
  return static_cast<std::uint16_t>(at[0] | (at[1] << 8));
}

}  // namespace

const char* read_message(Bytes octets, Message& message) noexcept {
  Cursor rest(octets);
  std::uint8_t words = 0;
  if (!rest.u8(message.service) || message.service == 0 || (message.service & reply_bit) != 0)
    return "service";
  if (!rest.u8(words) || !rest.bytes(std::size_t{words} * 2, message.path)) return "path_size";
  message.data = rest.rest();
  return nullptr;
}

const char* read_reply(Bytes octets, Reply& reply) noexcept {
  Cursor rest(octets);
  std::uint8_t service = 0;
  std::uint8_t reserved = 0;
  std::uint8_t words = 0;
  if (!rest.u8(service) || (service & reply_bit) == 0 || service == reply_bit) return "service";
  if (!rest.u8(reserved) || reserved != 0) return "reserved";
  if (!rest.u8(reply.status)) return "general_status";
  if (!rest.u8(words) || !rest.skip(std::size_t{words} * 2)) return "additional_status";
  reply.service = service & static_cast<std::uint8_t>(~reply_bit);
  reply.data = rest.rest();
  return nullptr;
}

const char* read_unconnected_send(Bytes data, Forwarded& forwarded) noexcept {
  Cursor rest(data);
  std::uint8_t tick = 0;
  std::uint16_t size = 0;
  std::uint8_t pad = 0;
  std::uint8_t words = 0;
  std::uint8_t reserved = 0;
  if (!rest.u8(tick) || (tick & tick_reserved) != 0 || !rest.skip(1)) return "priority";
  if (!rest.u16le(size) || !rest.bytes(size, forwarded.message)) return "message_size";
  if (size % 2 != 0 && (!rest.u8(pad) || pad != 0)) return "pad";
  if (!rest.u8(words)) return "route_size";
  if (!rest.u8(reserved) || reserved != 0) return "reserved";
  if (!rest.bytes(std::size_t{words} * 2, forwarded.route) || !rest.empty()) return "route_size";
  return nullptr;
}

const char* read_packet_list(Bytes data, std::uint16_t& count) noexcept {
  Cursor rest(data);
  if (!rest.u16le(count) || count == 0) return "service_count";
  if (!rest.skip(std::size_t{count} * 2)) return "offsets";
  // In order, without gaps: each message ends where the next one begins.
  std::size_t least = std::size_t{2} + std::size_t{count} * 2;
  for (std::uint16_t i = 0; i < count; ++i) {
    const std::size_t offset = offset_of(data, i);
    if (i == 0 ? offset != least : offset < least) return "offset";
    if (offset >= data.size()) return "offset";
    least = offset + 2;
  }
  return least <= data.size() ? nullptr : "offset";
}

Bytes packet_message(Bytes data, std::uint16_t count, std::uint16_t index) noexcept {
  const std::size_t begin = offset_of(data, index);
  const std::size_t end = index + 1 == count ? data.size() : offset_of(data, std::size_t{index} + 1);
  return data.subspan(begin, end - begin);
}

bool is_unconnected_send(const Message& message) noexcept {
  std::uint32_t class_id = 0;
  return message.service == unconnected_send_code && leading_class(message.path, class_id) &&
         class_id == class_connection_manager;
}

bool is_packet(const Message& message) noexcept { return message.service == MULTIPLE_SERVICE_PACKET; }

}  // namespace conduit::enip
