// Operations of the layers below the application: messages between routers (135 6.4), and the functions of
// the virtual link layer that carry no NPDU (135 J.2).
#include "protocols/bacnet/bacnet_pdu.hpp"

namespace conduit::bacnet {
namespace {

constexpr std::uint64_t network_last = 0xFFFF;
constexpr std::size_t table_entry_size = 10;  // address, port, mask
constexpr std::size_t origin_size = 6;

enum Stage : std::uint8_t { BEGIN = 0, WITHIN, LAST };

bool read_network_number(Cursor& rest, Operation& operation) noexcept {
  std::uint16_t network = 0;
  if (!rest.u16be(network)) return false;
  operation.set(INSTANCE, network);
  return true;
}

// Network numbers to the end; none at all stands for every network.
const char* tell_networks(Cursor& rest, bool none_means_all, Fields& fields, Operation& operation) noexcept {
  if (rest.empty()) {
    operation.set(INSTANCE, Range{0, network_last});
    fields.stage = LAST;
    return none_means_all ? nullptr : "networks";
  }
  if (!read_network_number(rest, operation)) return "networks";
  fields.stage = rest.empty() ? LAST : WITHIN;
  return nullptr;
}

// Count, then for each port of a router: network, port, size of its information, information. A count of 0 in
// the request asks for the table.
const char* tell_routing_table(Cursor& rest, Fields& fields, Operation& operation) noexcept {
  std::uint8_t count = fields.has_object ? static_cast<std::uint8_t>(fields.object) : 0;
  const bool asks = fields.function == INITIALIZE_ROUTING_TABLE;
  if (fields.stage == BEGIN) {
    if (rest.empty() && !asks) {
      fields.stage = LAST;
      return nullptr;
    }
    if (!rest.u8(count)) return "count";
    if (count == 0) {
      fields.stage = LAST;
      return rest.empty() ? nullptr : "length";
    }
  }
  std::uint8_t port = 0;
  std::uint8_t size = 0;
  if (!read_network_number(rest, operation) || !rest.u8(port) || !rest.u8(size) || !rest.skip(size)) {
    return "routing_table";
  }
  if (asks) operation.access = AccessClass::MANAGE;
  fields.has_object = true;
  fields.object = count - 1U;
  fields.stage = fields.object == 0 ? LAST : WITHIN;
  return fields.object == 0 && !rest.empty() ? "length" : nullptr;
}

// `before` octets, one network, `behind` octets.
const char* tell_network_within(Cursor& rest, std::size_t before, std::size_t behind,
                                Operation& operation) noexcept {
  if (!rest.skip(before) || !read_network_number(rest, operation) || !rest.skip(behind)) return "length";
  return rest.empty() ? nullptr : "length";
}

const char* tell_message(Cursor& rest, Fields& fields, Operation& operation) noexcept {
  const bool listed = fields.function == I_AM_ROUTER_TO_NETWORK ||
                      fields.function == ROUTER_BUSY_TO_NETWORK ||
                      fields.function == ROUTER_AVAILABLE_TO_NETWORK;
  if (listed) return tell_networks(rest, fields.function != I_AM_ROUTER_TO_NETWORK, fields, operation);
  if (fields.function == INITIALIZE_ROUTING_TABLE || fields.function == INITIALIZE_ROUTING_TABLE_ACK) {
    return tell_routing_table(rest, fields, operation);
  }
  fields.stage = LAST;
  switch (fields.function) {
    case WHO_IS_ROUTER_TO_NETWORK:
      if (rest.remaining() > 2) return "length";
      return tell_networks(rest, true, fields, operation);
    case I_COULD_BE_ROUTER_TO_NETWORK:
    case ESTABLISH_CONNECTION_TO_NETWORK:
    case NETWORK_NUMBER_IS: return tell_network_within(rest, 0, 1, operation);
    case DISCONNECT_CONNECTION_TO_NETWORK: return tell_network_within(rest, 0, 0, operation);
    case REJECT_MESSAGE_TO_NETWORK: return tell_network_within(rest, 1, 0, operation);
    case WHAT_IS_NETWORK_NUMBER: return rest.empty() ? nullptr : "length";
    default: break;
  }
  std::uint16_t vendor = 0;
  if (fields.function >= VENDOR_MESSAGE) {
    if (!rest.u16be(vendor)) return "vendor";
    operation.set(OBJECT_TYPE, vendor);
  }
  return rest.skip(rest.remaining()) ? nullptr : "length";
}

void set_origin(Bytes origin, PduState& state, Operation& operation) noexcept {
  const std::size_t size = write_origin(origin, state.scratch.data());
  operation.key[ORIGIN].data = Bytes(state.scratch.data(), size);
  operation.keys_present = static_cast<std::uint8_t>(operation.keys_present | (1U << ORIGIN));
}

const char* tell_function(Cursor& rest, Fields& fields, PduState& state, Operation& operation) noexcept {
  Bytes entry;
  std::uint16_t seconds = 0;
  fields.stage = LAST;
  switch (fields.function) {
    case WRITE_BROADCAST_DISTRIBUTION_TABLE:
      if (rest.empty()) return nullptr;
      if (!rest.bytes(table_entry_size, entry)) return "length";
      set_origin(entry, state, operation);
      fields.stage = rest.empty() ? LAST : WITHIN;
      return nullptr;
    case DELETE_FOREIGN_DEVICE_TABLE_ENTRY:
      if (!rest.bytes(origin_size, entry)) return "length";
      set_origin(entry, state, operation);
      return nullptr;
    case REGISTER_FOREIGN_DEVICE:
      if (!rest.u16be(seconds)) return "length";
      operation.value.kind = ValueKind::UNSIGNED;
      operation.value.count = 1;
      operation.value.u = seconds;
      return nullptr;
    default: return nullptr;  // its size was checked, and it says no more
  }
}

}  // namespace

const char* tell_network(Bytes data, Fields& fields, Operation& operation, bool& told) noexcept {
  told = fields.stage != LAST;
  if (!told) return nullptr;
  Cursor rest(data.subspan(fields.position, std::size_t{fields.end} - fields.position));
  const char* const field = tell_message(rest, fields, operation);
  fields.position = static_cast<std::uint16_t>(fields.end - rest.remaining());
  return field;
}

const char* tell_link(Bytes data, Fields& fields, PduState& state, Operation& operation,
                      bool& told) noexcept {
  told = fields.stage != LAST;
  if (!told) return nullptr;
  Cursor rest(data.subspan(fields.position, std::size_t{fields.end} - fields.position));
  const char* const field = tell_function(rest, fields, state, operation);
  fields.position = static_cast<std::uint16_t>(fields.end - rest.remaining());
  return field;
}

}  // namespace conduit::bacnet
