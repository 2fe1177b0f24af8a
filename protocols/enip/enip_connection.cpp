// Connections (CIP 3-5.5): what is asked of the connection manager, and what a conversation remembers of it.
//
//   opening: priority and tick | ticks | identifiers sent, received (4 each) | serial (2) | vendor (2) |
//   serial of
//            the originator (4) | timeout multiplier | 0 0 0 | interval (4), parameters (2, large 4) of what
//            is sent | … of what is received | transport class and trigger | words of path | path
//   closing: priority and tick | ticks | serial | vendor | serial of the originator | words of path | 0 |
//   path reply:   identifiers sent, received | serial | vendor | serial of the originator | intervals | …
#include "protocols/enip/enip_pdu.hpp"

namespace conduit::enip {
namespace {

constexpr std::uint8_t code_forward_open = 0x54;
constexpr std::uint8_t code_large_forward_open = 0x5B;
constexpr std::uint8_t code_forward_close = 0x4E;
constexpr std::uint8_t transport_class_mask = 0x0F;
constexpr std::uint8_t transport_class_last = 3;

// Parameters of one direction: how much data, and to whom.
struct Direction {
  std::uint32_t size = 0;
  std::uint8_t type = 0;  // 0 none, 1 multicast, 2 point to point
};

const char* read_direction(Cursor& rest, bool large, std::uint32_t& interval, Direction& direction) noexcept {
  std::uint16_t small = 0;
  std::uint32_t parameters = 0;
  if (!rest.u32le(interval)) return "interval";
  if (large) {
    if (!rest.u32le(parameters)) return "parameters";
    direction.size = parameters & 0xFFFF;
    direction.type = (parameters >> 29) & 3;
  } else {
    if (!rest.u16le(small)) return "parameters";
    direction.size = small & 0x1FF;
    direction.type = static_cast<std::uint8_t>((small >> 13) & 3);
  }
  return direction.type == 3 ? "connection_type" : nullptr;
}

std::uint16_t vendor_of(const Connection& one) noexcept {
  return static_cast<std::uint16_t>(one.vendor_low | (one.vendor_high << 8));
}

constexpr std::size_t nowhere = connection_count_max;

std::size_t find(const Session& session, std::uint16_t serial, std::uint16_t vendor,
                 std::uint32_t origin) noexcept {
  for (std::size_t i = 0; i < connection_count_max; ++i) {
    const Connection& one = session.connection[i];
    if (session.state[i] != ConnectionState::FREE && one.serial == serial && one.origin_serial == origin &&
        vendor_of(one) == vendor) {
      return i;
    }
  }
  return nowhere;
}

// A free place, or that of the connection asked for longest ago.
std::size_t place(Session& session) noexcept {
  for (std::size_t i = 0; i < connection_count_max; ++i) {
    if (session.state[i] == ConnectionState::FREE) return i;
  }
  const std::size_t oldest = session.next % connection_count_max;
  session.next = static_cast<std::uint8_t>((oldest + 1) % connection_count_max);
  return oldest;
}

}  // namespace

const char* read_opening(Bytes data, bool large, Opening& opening) noexcept {
  Cursor rest(data);
  std::uint8_t tick = 0;
  std::uint8_t reserved[3]{};
  std::uint8_t transport = 0;
  std::uint8_t words = 0;
  Direction sent;
  Direction received;
  if (!rest.u8(tick) || (tick & 0xE0) != 0 || !rest.skip(1)) return "priority";
  if (!rest.skip(8)) return "connection";
  if (!rest.u16le(opening.serial) || !rest.u16le(opening.vendor) || !rest.u32le(opening.origin_serial))
    return "serial";
  if (!rest.skip(1)) return "timeout_multiplier";
  for (std::uint8_t& octet : reserved) {
    if (!rest.u8(octet) || octet != 0) return "reserved";
  }
  if (const char* field = read_direction(rest, large, opening.interval_sent, sent); field != nullptr)
    return field;
  if (const char* field = read_direction(rest, large, opening.interval_received, received); field != nullptr)
    return field;
  if (!rest.u8(transport) || (transport & transport_class_mask) > transport_class_last)
    return "transport_class";
  opening.transport_class = transport & transport_class_mask;
  if (!rest.u8(words) || !rest.bytes(std::size_t{words} * 2, opening.path) || !rest.empty())
    return "path_size";
  opening.sends = sent.type != 0;
  opening.receives = received.type != 0;
  // A sequence count alone (class 1) keeps the connection alive.
  opening.outputs = opening.sends && sent.size > (opening.transport_class == 0 ? 0U : 2U);
  return nullptr;
}

const char* read_closing(Bytes data, Closing& closing) noexcept {
  Cursor rest(data);
  std::uint8_t tick = 0;
  std::uint8_t words = 0;
  std::uint8_t reserved = 0;
  if (!rest.u8(tick) || (tick & 0xE0) != 0 || !rest.skip(1)) return "priority";
  if (!rest.u16le(closing.serial) || !rest.u16le(closing.vendor) || !rest.u32le(closing.origin_serial))
    return "serial";
  if (!rest.u8(words)) return "path_size";
  if (!rest.u8(reserved) || reserved != 0) return "reserved";
  if (!rest.bytes(std::size_t{words} * 2, closing.path) || !rest.empty()) return "path_size";
  return nullptr;
}

void accept_request(const Message& message, Session& session) noexcept {
  const bool large = message.service == code_large_forward_open;
  Opening opening;
  if (message.service != code_forward_open && !large) return;
  if (read_opening(message.data, large, opening) != nullptr) return;
  const std::size_t known = find(session, opening.serial, opening.vendor, opening.origin_serial);
  const std::size_t at = known == nowhere ? place(session) : known;
  Connection& one = session.connection[at];
  one = {opening.origin_serial,
         0,
         0,
         opening.serial,
         static_cast<std::uint8_t>(opening.vendor),
         static_cast<std::uint8_t>(opening.vendor >> 8)};
  session.state[at] = ConnectionState::ASKED;
  session.cyclic[at] = opening.transport_class < 2;
}

void accept_reply(const Reply& reply, Session& session, Associations& associations) noexcept {
  const bool opened = reply.service == code_forward_open || reply.service == code_large_forward_open;
  const bool closed = reply.service == code_forward_close;
  Cursor rest(reply.data);
  std::uint32_t sent = 0;
  std::uint32_t received = 0;
  std::uint16_t serial = 0;
  std::uint16_t vendor = 0;
  std::uint32_t origin = 0;
  if (!opened && !closed) return;
  const bool success = reply.status == 0;
  if (opened && success && (!rest.u32le(sent) || !rest.u32le(received))) return;
  if (!rest.u16le(serial) || !rest.u16le(vendor) || !rest.u32le(origin)) return;
  const std::size_t at = find(session, serial, vendor, origin);
  if (at == nowhere) return;
  Connection& one = session.connection[at];
  const bool cyclic = session.cyclic[at];
  if (opened && !success) {
    if (session.state[at] == ConnectionState::ASKED) session.state[at] = ConnectionState::FREE;
  } else if (opened && session.state[at] == ConnectionState::ASKED) {
    one.sent = sent;
    one.received = received;
    session.state[at] = ConnectionState::OPEN;
    associations.opened[0] = {association_key(cyclic, sent), Role::CLIENT};
    associations.opened[1] = {association_key(cyclic, received), Role::SERVER};
    associations.opened_count = 2;
  } else if (closed && success && session.state[at] == ConnectionState::OPEN) {
    session.state[at] = ConnectionState::FREE;
    associations.closed[0] = {association_key(cyclic, one.sent), Role::CLIENT};
    associations.closed[1] = {association_key(cyclic, one.received), Role::SERVER};
    associations.closed_count = 2;
  }
}

}  // namespace conduit::enip
