// Encapsulation (ENIP 2-3.1) and common packet format (ENIP 2-6), numbers least octet first:
//
//    0         2        4         8        12               20        24
//   +---------+--------+---------+--------+----------------+---------+-------------------------------- …
//   | command | length | session | status | sender context | options | data
//   +---------+--------+---------+--------+----------------+---------+-------------------------------- …
//   SendRRData, SendUnitData: interface (4, 0) | timeout (2) | items
//   items:    count | type length octets …   0x0000 + 0x00B2: unconnected     0x00A1 + 0x00B1: connected
//   I/O datagrams are items alone:           0x8002 + 0x00B1
#include "protocols/enip/enip_pdu.hpp"

namespace conduit::enip {
namespace {

constexpr std::uint16_t item_null = 0x0000;
constexpr std::uint16_t item_connected_address = 0x00A1;
constexpr std::uint16_t item_connected_data = 0x00B1;
constexpr std::uint16_t item_unconnected_data = 0x00B2;
constexpr std::uint16_t item_socket_sent = 0x8000;
constexpr std::uint16_t item_socket_received = 0x8001;
constexpr std::uint16_t item_sequenced_address = 0x8002;

constexpr std::uint16_t io_item_count = 2;
constexpr std::size_t io_head_size = 18;  // count, address item, head of the data item
constexpr std::uint16_t command_last = 0x7F;

Framing malformed(const char* field, bool mismatch = false) noexcept {
  Framing framing;
  framing.field = field;
  framing.mismatch = mismatch;
  return framing;
}

Framing incomplete(std::uint32_t need) noexcept {
  Framing framing;
  framing.status = FrameStatus::INCOMPLETE;
  framing.need_size = need;
  return framing;
}

Framing complete(std::size_t size) noexcept {
  Framing framing;
  framing.status = FrameStatus::COMPLETE;
  framing.pdu_size = static_cast<std::uint32_t>(size);
  framing.judge_size = framing.pdu_size;
  return framing;
}

bool is_list(std::uint16_t command) noexcept {
  return command == COMMAND_LIST_SERVICES || command == COMMAND_LIST_IDENTITY ||
         command == COMMAND_LIST_INTERFACES;
}

// What of the length is fixed by command and sender.
bool length_fits(std::uint16_t command, std::uint16_t length, Role sender) noexcept {
  const bool request = sender == Role::CLIENT;
  switch (command) {
    case COMMAND_LIST_SERVICES:
    case COMMAND_LIST_IDENTITY:
    case COMMAND_LIST_INTERFACES: return !request || length == 0;
    case COMMAND_REGISTER_SESSION: return length == 4 || (!request && length == 0);
    case COMMAND_UNREGISTER_SESSION: return length == 0;
    default: return length <= pdu_size_max - header_size;
  }
}

Framing frame_io(Bytes bytes) noexcept {
  if (bytes.size() < io_head_size) return incomplete(io_head_size);
  Cursor rest(bytes);
  std::uint16_t address_size = 0;
  std::uint16_t data_type = 0;
  std::uint16_t data_size = 0;
  if (!rest.skip(4) || !rest.u16le(address_size) || address_size != 8) return malformed("address_item");
  if (!rest.skip(8) || !rest.u16le(data_type) || data_type != item_connected_data)
    return malformed("data_item");
  if (!rest.u16le(data_size) || data_size > pdu_size_max - io_head_size) return malformed("length");
  return complete(io_head_size + data_size);
}

const char* read_unconnected(Cursor& items, std::uint16_t count, Packet& packet) noexcept {
  std::uint16_t type = 0;
  std::uint16_t size = 0;
  if (count < 2 || count > 4) return "item_count";
  if (!items.u16le(type) || type != item_null || !items.u16le(size) || size != 0) return "address_item";
  if (!items.u16le(type) || type != item_unconnected_data || !items.u16le(size)) return "data_item";
  if (!items.bytes(size, packet.message)) return "length";
  // Where the datagrams of the connection that the message opens shall go.
  std::uint16_t before = 0;
  for (std::uint16_t i = 2; i < count; ++i) {
    if (!items.u16le(type) || (type != item_socket_sent && type != item_socket_received)) return "item";
    if (type == before || !items.u16le(size) || size != 16 || !items.skip(size)) return "socket_item";
    before = type;
  }
  return nullptr;
}

const char* read_connected(Cursor& items, std::uint16_t count, Packet& packet) noexcept {
  std::uint16_t type = 0;
  std::uint16_t size = 0;
  packet.connected = true;
  if (count != 2) return "item_count";
  if (!items.u16le(type) || type != item_connected_address || !items.u16le(size) || size != 4)
    return "address_item";
  if (!items.u32le(packet.connection)) return "address_item";
  Cursor data;
  if (!items.u16le(type) || type != item_connected_data || !items.u16le(size)) return "data_item";
  if (!items.take(size, data)) return "length";
  if (!data.u16le(packet.sequence)) return "sequence";
  packet.message = data.rest();
  return nullptr;
}

}  // namespace

bool read_header(Bytes pdu, Header& header) noexcept {
  Cursor rest(pdu);
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  if (pdu.size() < header_size) return false;
  const bool there = rest.u16le(header.command) && rest.u16le(header.length) && rest.u32le(header.session) &&
                     rest.u32le(header.status) && rest.u32le(low) && rest.u32le(high) &&
                     rest.u32le(header.options);
  header.context = (std::uint64_t{high} << 32) | low;
  return there;
}

bool is_io(Bytes pdu) noexcept {
  Cursor rest(pdu);
  std::uint16_t count = 0;
  std::uint16_t type = 0;
  return rest.u16le(count) && rest.u16le(type) && count == io_item_count && type == item_sequenced_address;
}

const char* read_packet(Bytes pdu, std::uint16_t command, Packet& packet) noexcept {
  Cursor rest(pdu);
  std::uint32_t interface = 0;
  std::uint16_t count = 0;
  if (!rest.skip(header_size) || !rest.u32le(interface) || interface != 0) return "interface";
  if (!rest.skip(2)) return "timeout";
  if (!rest.u16le(count)) return "item_count";
  const char* const field = command == COMMAND_SEND_RR_DATA ? read_unconnected(rest, count, packet)
                                                            : read_connected(rest, count, packet);
  if (field != nullptr) return field;
  return rest.empty() ? nullptr : "length";
}

Framing frame(Bytes bytes, Role sender, Transport transport, const SessionState&) noexcept {
  const bool datagram = transport == Transport::UDP;
  Cursor rest(bytes);
  std::uint16_t command = 0;
  std::uint16_t length = 0;
  if (!rest.u16le(command)) return incomplete(2);
  if (command > command_last) return malformed("command", true);
  if (!rest.u16le(length)) return incomplete(4);
  if (datagram && is_io(bytes)) return frame_io(bytes);
  if (datagram && !is_list(command)) return malformed("command");
  if (!length_fits(command, length, sender)) return malformed("length");
  if (length > pdu_size_max - header_size) return malformed("length");
  return complete(header_size + length);
}

}  // namespace conduit::enip
