// Operations: the services of a message, those in multiple service packets and in an unconnected send
// included.
#include <bit>

#include "protocols/enip/enip_pdu.hpp"

namespace conduit::enip {
namespace {

constexpr std::uint32_t attribute_last = 0xFFFF;

void begin(std::uint32_t function, Operation& operation) noexcept {
  operation.clear();
  operation.protocol = enip_id;
  operation.function = function;
}

std::uint16_t place_of(Bytes pdu, Bytes part) noexcept {
  return static_cast<std::uint16_t>(part.data() - pdu.data());
}

// --- services of ordinary objects ------------------------------------------------------------------------

// What will be written to one attribute or member, whose type stands nowhere.
void set_written(Bytes data, Operation& operation) noexcept {
  const std::size_t size = data.size();
  if (size == 1 || size == 2 || size == 4 || size == 8)
    set_number(data, ElementKind::UNSIGNED, operation);
  else
    set_octets(data, operation);
}

// The attribute stands in the path. Where it does not, or where a read carries data, the first octet could be
// its number (the form of DeviceNet): two readings.
const char* tell_single(Bytes data, const Fields& fields, Operation& operation) noexcept {
  if (!fields.path.has(HAS_ATTRIBUTE)) return "attribute";
  if (fields.function == GET_ATTRIBUTE_SINGLE) return data.empty() ? nullptr : "length";
  set_written(data, operation);
  return nullptr;
}

const char* tell_all(Bytes data, const Fields& fields, Operation& operation) noexcept {
  if (fields.path.has(HAS_ATTRIBUTE)) return "attribute";
  operation.set(ATTRIBUTE, Range{0, attribute_last});
  if (fields.function == SET_ATTRIBUTES_ALL) operation.value.kind = ValueKind::UNREADABLE;
  operation.value.data = data;
  return nullptr;
}

const char* tell_attribute(Bytes pdu, Fields& fields, Operation& operation) noexcept {
  Cursor rest(pdu.subspan(fields.data_at, static_cast<std::size_t>(fields.data_end - fields.data_at)));
  std::uint16_t attribute = 0;
  if (!rest.u16le(attribute)) return "attribute_list";
  operation.set(ATTRIBUTE, attribute);
  fields.data_at = static_cast<std::uint16_t>(fields.data_at + 2);
  if (fields.data_at == fields.data_end) fields.telling = Telling::NONE;
  return nullptr;
}

const char* tell_attribute_list(Bytes pdu, Bytes data, Fields& fields, Operation& operation) noexcept {
  Cursor rest(data);
  std::uint16_t count = 0;
  std::uint16_t attribute = 0;
  if (fields.path.has(HAS_ATTRIBUTE)) return "attribute";
  if (!rest.u16le(count)) return "attribute_count";
  if (count == 0) return rest.empty() ? nullptr : "attribute_count";
  if (fields.function == GET_ATTRIBUTE_LIST) {
    if (rest.remaining() != std::size_t{count} * 2) return "attribute_count";
    fields.telling = Telling::ATTRIBUTES;
    fields.data_at = place_of(pdu, rest.rest());
    fields.data_end = static_cast<std::uint16_t>(fields.data_at + rest.remaining());
    return tell_attribute(pdu, fields, operation);
  }
  if (rest.remaining() / 2 < count || !rest.u16le(attribute)) return "attribute_list";
  if (count == 1) {
    operation.set(ATTRIBUTE, attribute);
    set_written(rest.rest(), operation);
    return nullptr;
  }
  operation.set(ATTRIBUTE, Range{0, attribute_last});
  operation.value.kind = ValueKind::UNREADABLE;
  operation.value.data = data;
  return nullptr;
}

// --- connections -----------------------------------------------------------------------------------------

const char* tell_path(Bytes octets, PathUse use, PduState& state, Operation& operation, Path& path) noexcept {
  Fields& fields = state.as<Fields>();
  Text tag{std::span(state.scratch).subspan(tag_at, route_at - tag_at)};
  Text route{std::span(state.scratch).subspan(route_at)};
  Bytes data;
  if (const char* field = read_path(octets, use, tag, route, path, data); field != nullptr) return field;
  fields.path = path;
  if (path.has(HAS_POINT) && !path.has(HAS_PRODUCED)) {  // one alone stands for both directions
    fields.path.produced = path.point;
    fields.path.parts |= HAS_PRODUCED;
  }
  fields.tag_size = static_cast<std::uint16_t>(tag.size);
  fields.route_size = static_cast<std::uint16_t>(route.size);
  set_object(fields, state, operation);
  set_octets(data, operation);
  return nullptr;
}

// Do all devices take the points for the same (CIP table 3-5.13)? With configuration data, the first of two
// paths is for those, without, for the outputs; some go by the kind of segment instead.
bool one_reading(const Path& path, const Opening& opening, bool configures) noexcept {
  if (!path.has(HAS_POINT)) return true;
  const bool two = path.has(HAS_PRODUCED);
  if (path.has(HAS_INSTANCE)) return two || configures || !opening.sends || !opening.receives;
  return !two || !configures;
}

const char* tell_opening(Bytes data, PduState& state, Operation& operation) noexcept {
  const bool large = operation.function == LARGE_FORWARD_OPEN;
  Opening opening;
  Path path;
  if (const char* field = read_opening(data, large, opening); field != nullptr) return field;
  const char* const field = tell_path(opening.path, PathUse::CONNECTION, state, operation, path);
  if (field != nullptr) return field;
  // Connections of messages go to the message router: what another object takes on one has a form of its own.
  const bool messages = opening.transport_class >= 2;
  const bool router = path.class_id == class_message_router && path.instance == 1;
  if (messages != router) return "transport_class";
  const bool configures = operation.value.kind != ValueKind::NONE;
  if (!one_reading(path, opening, configures)) return "connection_point";
  const std::uint32_t sent = opening.interval_sent;
  const std::uint32_t received = opening.interval_received;
  operation.set(TRANSPORT_CLASS, opening.transport_class);
  operation.set(INTERVAL, sent < received ? Range{sent, received} : Range{received, sent});
  operation.access = opening.transport_class < 2 ? AccessClass::READ : AccessClass::SESSION;
  if (configures || (opening.transport_class < 2 && opening.outputs)) operation.access = AccessClass::OPERATE;
  return nullptr;
}

const char* tell_closing(Bytes data, PduState& state, Operation& operation) noexcept {
  Closing closing;
  Path path;
  if (const char* field = read_closing(data, closing); field != nullptr) return field;
  return tell_path(closing.path, PathUse::CONNECTION, state, operation, path);
}

// Only a whole message opens and closes connections: what another one carries is for another device.
const char* tell_connection(Bytes data, PduState& state, Operation& operation) noexcept {
  const Fields& fields = state.as<Fields>();
  if (fields.depth != 0 || fields.forwarded || fields.connected) return "connection_service";
  if (!fields.path.is_object() || fields.path.instance != 1) return "path";
  operation.present = 0;
  return operation.function == FORWARD_CLOSE ? tell_closing(data, state, operation)
                                             : tell_opening(data, state, operation);
}

// --- messages --------------------------------------------------------------------------------------------

std::uint32_t function_of(std::uint8_t service, const Path& path) noexcept {
  if (service < class_service_first) return service;
  const std::uint32_t class_id = path.has(HAS_CLASS) ? path.class_id : class_symbol;
  return class_id << 8 | service;
}

// The message that comes next: the one that was left to be told, or the next of a packet. False: none.
bool take_message(Bytes pdu, Fields& fields, Bytes& octets) noexcept {
  if (fields.message_at != 0) {
    const std::uint16_t at = fields.message_at;
    fields.message_at = 0;
    octets = pdu.subspan(at, static_cast<std::size_t>(fields.message_end - at));
    return true;
  }
  while (fields.depth != 0) {
    PacketPlace& packet = fields.packet[fields.depth - 1U];
    if (packet.index == packet.count) {
      --fields.depth;
      continue;
    }
    const Bytes list = pdu.subspan(packet.at, static_cast<std::size_t>(packet.end - packet.at));
    octets = packet_message(list, packet.count, packet.index++);
    return true;
  }
  return false;
}

const char* enter_packet(Bytes pdu, Bytes data, Fields& fields) noexcept {
  PacketPlace packet;
  if (fields.depth == packet_depth_max) return "nesting";
  if (const char* field = read_packet_list(data, packet.count); field != nullptr) return field;
  packet.at = place_of(pdu, data);
  packet.end = static_cast<std::uint16_t>(packet.at + data.size());
  fields.packet[fields.depth++] = packet;
  return nullptr;
}

const char* tell_unconnected_send(Bytes pdu, const Message& message, PduState& state,
                                  Operation& operation) noexcept {
  Fields& fields = state.as<Fields>();
  Forwarded forwarded;
  Path path;
  if (fields.depth != 0 || fields.forwarded) return "nesting";
  if (!is_for(message, class_connection_manager)) return "path";
  if (const char* field = read_unconnected_send(message.data, forwarded); field != nullptr) return field;
  fields.forwarded = true;
  fields.function = UNCONNECTED_SEND;
  fields.message_at = place_of(pdu, forwarded.message);
  fields.message_end = static_cast<std::uint16_t>(fields.message_at + forwarded.message.size());
  begin(UNCONNECTED_SEND, operation);
  operation.access = access_of(UNCONNECTED_SEND, path);
  return tell_path(forwarded.route, PathUse::ROUTE, state, operation, path);
}

Next tell_command(Bytes pdu, Fields& fields, Operation& operation) noexcept {
  const bool envelope = fields.command == COMMAND_SEND_RR_DATA || fields.command == COMMAND_SEND_UNIT_DATA;
  if (fields.function == 0 || envelope) return Next::END;
  begin(fields.function, operation);
  operation.access = access_of(fields.function, fields.path);
  set_octets(pdu.subspan(header_size), operation);
  fields.function = 0;
  return Next::OPERATION;
}

// One reply says which service it answers, and what came of it.
const char* tell_reply(Bytes pdu, Bytes octets, Fields& fields, Operation& operation, bool& packet) noexcept {
  Reply reply;
  if (const char* field = read_reply(octets, reply); field != nullptr) return field;
  packet = reply.service == MULTIPLE_SERVICE_PACKET && !reply.data.empty();
  if (packet) return enter_packet(pdu, reply.data, fields);
  begin(reply.service, operation);
  operation.access = access_of(reply.service, fields.path);
  set_octets(reply.data, operation);
  return nullptr;
}

const char* tell_message(Bytes pdu, Bytes octets, PduState& state, Operation& operation,
                         bool& packet) noexcept {
  Fields& fields = state.as<Fields>();
  if (fields.response) return tell_reply(pdu, octets, fields, operation, packet);
  Message message;
  if (const char* field = read_message(octets, message); field != nullptr) return field;
  packet = is_packet(message);
  if (packet && !is_for(message, class_message_router)) return "path";
  if (packet) return enter_packet(pdu, message.data, fields);
  if (is_unconnected_send(message)) return tell_unconnected_send(pdu, message, state, operation);
  return tell_service(pdu, message, state, operation);
}

}  // namespace

bool is_for(const Message& message, std::uint32_t class_id) noexcept {
  Text nothing;
  Path path;
  Bytes data;
  return read_path(message.path, PathUse::MESSAGE, nothing, nothing, path, data) == nullptr &&
         path.is_object() && path.class_id == class_id && path.instance == 1;
}

void set_octets(Bytes data, Operation& operation) noexcept {
  if (data.empty()) return;
  operation.value.kind = ValueKind::BYTES;
  operation.value.count = static_cast<std::uint32_t>(data.size());
  operation.value.data = data;
}

void set_number(Bytes data, ElementKind kind, Operation& operation) noexcept {
  std::uint64_t number = 0;
  for (std::size_t i = data.size(); i != 0; --i) number = (number << 8) | data[i - 1];
  const auto unused = static_cast<unsigned>(64 - 8 * data.size());
  operation.value.count = 1;
  switch (kind) {
    case ElementKind::OCTETS: return set_octets(data, operation);
    case ElementKind::BOOL:
      operation.value.kind = ValueKind::UNSIGNED;
      operation.value.u = number != 0 ? 1 : 0;
      return;
    case ElementKind::UNSIGNED:
      operation.value.kind = ValueKind::UNSIGNED;
      operation.value.u = number;
      return;
    case ElementKind::SIGNED:
      operation.value.kind = ValueKind::SIGNED;
      operation.value.i = static_cast<std::int64_t>(number << unused) >> unused;
      return;
    case ElementKind::FLOAT:
      operation.value.kind = ValueKind::FLOAT;
      operation.value.f = data.size() == 4
                              ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(number)))
                              : std::bit_cast<double>(number);
      return;
  }
}

void set_object(const Fields& fields, PduState& state, Operation& operation) noexcept {
  const Path& path = fields.path;
  if (path.has(HAS_CLASS)) operation.set(CLASS, (std::uint64_t{path.outer_class} << 16) | path.class_id);
  if (path.has(HAS_INSTANCE)) operation.set(INSTANCE, path.instance);
  if (path.has(HAS_ATTRIBUTE)) operation.set(ATTRIBUTE, path.attribute);
  if (path.has(HAS_POINT)) operation.set(CONNECTION_POINT, path.point);
  if (path.has(HAS_PRODUCED)) operation.set(PRODUCED_POINT, path.produced);
  if (path.has(HAS_ELEMENT)) operation.set(ELEMENT, path.element);
  if (path.has(ANY_ELEMENT)) operation.set(ELEMENT, Range{0, 0xFFFFFFFF});
  operation.keys_present = 0;
  if (path.has(HAS_TAG)) {
    operation.key[TAG].data = Bytes(state.scratch).subspan(tag_at, fields.tag_size);
    operation.keys_present |= 1U << TAG;
  }
  if (fields.route_size != 0) {
    operation.key[ROUTE].data = Bytes(state.scratch).subspan(route_at, fields.route_size);
    operation.keys_present |= 1U << ROUTE;
  }
}

const char* tell_service(Bytes pdu, const Message& message, PduState& state, Operation& operation) noexcept {
  Fields& fields = state.as<Fields>();
  Text tag{std::span(state.scratch).subspan(tag_at, route_at - tag_at)};
  Text nothing;
  Bytes data;
  fields.path = {};
  const char* const field = read_path(message.path, PathUse::MESSAGE, tag, nothing, fields.path, data);
  if (field != nullptr) return field;
  if (!fields.path.has(HAS_CLASS) && !fields.path.has(HAS_TAG)) return "path";
  fields.tag_size = static_cast<std::uint16_t>(tag.size);
  fields.function = function_of(message.service, fields.path);
  begin(fields.function, operation);
  operation.access = access_of(fields.function, fields.path);
  set_object(fields, state, operation);
  switch (fields.function) {
    case GET_ATTRIBUTES_ALL:
    case SET_ATTRIBUTES_ALL: return tell_all(message.data, fields, operation);
    case GET_ATTRIBUTE_LIST:
    case SET_ATTRIBUTE_LIST: return tell_attribute_list(pdu, message.data, fields, operation);
    case GET_ATTRIBUTE_SINGLE:
    case SET_ATTRIBUTE_SINGLE: return tell_single(message.data, fields, operation);
    case SET_MEMBER: set_written(message.data, operation); return nullptr;
    case FORWARD_OPEN:
    case LARGE_FORWARD_OPEN:
    case FORWARD_CLOSE: return tell_connection(message.data, state, operation);
    case READ_TAG:
    case READ_TAG_FRAGMENTED:
    case WRITE_TAG:
    case WRITE_TAG_FRAGMENTED:
    case READ_MODIFY_WRITE_TAG: return tell_tag(pdu, message.data, state, operation);
    case GET_INSTANCE_ATTRIBUTE_LIST: operation.set(INSTANCE, Range{fields.path.instance, 0xFFFFFFFF}); break;
    case UNCONNECTED_SEND: return "path";  // to an object within another one: what it carries was not told
    case EXECUTE_PCCC: return tell_pccc(pdu, message.data, state, operation);
    default: break;
  }
  set_octets(message.data, operation);
  return nullptr;
}

const char* tell_more(Bytes pdu, PduState& state, Operation& operation) noexcept {
  Fields& fields = state.as<Fields>();
  begin(fields.function, operation);
  operation.access = access_of(fields.function, fields.path);
  set_object(fields, state, operation);
  if (fields.telling == Telling::ATTRIBUTES) return tell_attribute(pdu, fields, operation);
  const Bytes element = pdu.subspan(fields.data_at, fields.element_size);
  operation.set(ELEMENT, fields.path.element);
  set_number(element, fields.kind, operation);
  ++fields.path.element;
  fields.data_at = static_cast<std::uint16_t>(fields.data_at + fields.element_size);
  if (fields.data_at == fields.data_end) fields.telling = Telling::NONE;
  return nullptr;
}

Next next_operation(Bytes pdu, PduState& state, Operation& operation, const char*& field) noexcept {
  Fields& fields = state.as<Fields>();
  if (fields.telling != Telling::NONE) {
    field = tell_more(pdu, state, operation);
    return field == nullptr ? Next::OPERATION : Next::MALFORMED;
  }
  // A packet is no operation of its own: at most packet_depth_max of them follow each other.
  for (;;) {
    Bytes octets;
    bool packet = false;
    if (!take_message(pdu, fields, octets)) return tell_command(pdu, fields, operation);
    field = tell_message(pdu, octets, state, operation, packet);
    if (field != nullptr) return Next::MALFORMED;
    if (!packet) return Next::OPERATION;
  }
}

}  // namespace conduit::enip
