// Virtual link layer (135 J.2) and network layer (135 6.2):
//
//    0      1          2        4                    10
//   +------+----------+--------+--------------------+-------- …
//   | 0x81 | function | length | [address and port] | NPDU, or parameters
//   +------+----------+--------+--------------------+-------- …
//                               FORWARDED_NPDU only
//
//    0         1         2
//   +---------+---------+----------------------+----------------------+-------------+------------------- …
//   | version | control | [DNET DLEN DADR]     | [SNET SLEN SADR]     | [hop count] | APDU, or message
//   +---------+---------+----------------------+----------------------+-------------+------------------- …
//              7 message, 5 destination, 3 source, 2 expecting reply, 1-0 priority; 6 and 4 reserved
#include "protocols/bacnet/bacnet_pdu.hpp"

namespace conduit::bacnet {
namespace {

constexpr std::uint8_t link_type = 0x81;
constexpr std::size_t origin_size = 6;
constexpr std::uint8_t network_version = 1;
constexpr std::uint8_t control_message = 0x80;
constexpr std::uint8_t control_reserved = 0x50;
constexpr std::uint8_t control_destination = 0x20;
constexpr std::uint8_t control_source = 0x08;
constexpr std::uint8_t control_priority = 0x03;
constexpr std::uint16_t network_all = 0xFFFF;

bool read_address(Cursor& cursor, Station& station) noexcept {
  Bytes octets;
  if (!cursor.u8(station.size) || station.size > address_size_max || !cursor.bytes(station.size, octets)) {
    return false;
  }
  for (const std::uint8_t octet : octets) station.address = (station.address << 8) | octet;
  return true;
}

const char* read_network(Cursor& cursor, Envelope& envelope) noexcept {
  std::uint8_t version = 0;
  std::uint8_t control = 0;
  if (!cursor.u8(version) || version != network_version) return "version";
  if (!cursor.u8(control) || (control & control_reserved) != 0) return "control";
  envelope.priority = control & control_priority;
  if ((control & control_destination) != 0) {
    Station& to = envelope.destination;
    if (!cursor.u16be(to.network) || to.network == 0) return "destination_network";
    if (!read_address(cursor, to)) return "destination_address";
    if (to.network == network_all && to.size != 0) return "destination_address";
  }
  if ((control & control_source) != 0) {
    Station& from = envelope.source;
    if (!cursor.u16be(from.network) || from.network == 0 || from.network == network_all)
      return "source_network";
    if (!read_address(cursor, from) || from.size == 0) return "source_address";
  }
  if ((control & control_destination) != 0 && !cursor.skip(1)) return "hop_count";
  envelope.network_message = (control & control_message) != 0;
  envelope.body = cursor.rest();
  return envelope.body.empty() ? "apdu" : nullptr;
}

// Parameters of the functions that carry no NPDU.
const char* read_parameters(std::uint8_t function, Bytes body) noexcept {
  switch (link_base + function) {
    case BVLC_RESULT:
    case REGISTER_FOREIGN_DEVICE: return body.size() == 2 ? nullptr : "length";
    case WRITE_BROADCAST_DISTRIBUTION_TABLE:
    case READ_BROADCAST_DISTRIBUTION_TABLE_ACK:
    case READ_FOREIGN_DEVICE_TABLE_ACK: return body.size() % 10 == 0 ? nullptr : "length";
    case READ_BROADCAST_DISTRIBUTION_TABLE:
    case READ_FOREIGN_DEVICE_TABLE: return body.empty() ? nullptr : "length";
    case DELETE_FOREIGN_DEVICE_TABLE_ENTRY: return body.size() == origin_size ? nullptr : "length";
    case SECURE_BVLL: return body.empty() ? "length" : nullptr;
    default: return "function";
  }
}

}  // namespace

const char* read_envelope(Bytes datagram, Envelope& envelope) noexcept {
  Cursor cursor(datagram);
  std::uint8_t type = 0;
  std::uint16_t length = 0;
  if (!cursor.u8(type) || type != link_type) return "type";
  if (!cursor.u8(envelope.carrier)) return "function";
  if (!cursor.u16be(length) || length != datagram.size()) return "length";
  envelope.carries = envelope.carrier == FORWARDED || envelope.carrier == DISTRIBUTED ||
                     envelope.carrier == UNICAST || envelope.carrier == BROADCAST;
  if (!envelope.carries) {
    envelope.body = cursor.rest();
    return read_parameters(envelope.carrier, envelope.body);
  }
  if (envelope.carrier == FORWARDED && !cursor.bytes(origin_size, envelope.origin)) return "origin";
  return read_network(cursor, envelope);
}

std::size_t write_origin(Bytes origin, std::uint8_t* text) noexcept {
  std::size_t at = 0;
  const auto put = [&](unsigned number) {
    char digits[5];
    std::size_t count = 0;
    do {
      digits[count++] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    while (count != 0) text[at++] = static_cast<std::uint8_t>(digits[--count]);
  };
  for (std::size_t i = 0; i < 4; ++i) {
    put(origin[i]);
    text[at++] = i < 3 ? '.' : ':';
  }
  put(load_u16be(origin.data() + 4));
  return at;
}

}  // namespace conduit::bacnet
