// Requests of one operation (135 clauses 13 to 17): parameters in the order in which they stand on the wire,
// by the productions of clause 21. Those that list properties are read in bacnet_list.cpp.
#include "protocols/bacnet/bacnet_request.hpp"

namespace conduit::bacnet {
namespace {

constexpr std::uint64_t state_last = 0xFFFF;
constexpr std::int64_t file_last = 0x7FFFFFFFFFFF;

void set_state(Operation& operation, StateSeries series, std::uint64_t state) noexcept {
  operation.set(PRIORITY, series + state);
}

bool context_state(Cursor& cursor, std::uint8_t number, StateSeries series, Operation& operation) noexcept {
  std::uint64_t state = 0;
  if (!context_number(cursor, number, state) || state > state_last) return false;
  set_state(operation, series, state);
  return true;
}

// CHOICE of time, sequence number and date with time, between an opening and a closing tag.
bool skip_time_stamp(Cursor& cursor, std::uint8_t number) noexcept {
  return skip_constructed(cursor, number);
}

bool skip_number(Cursor& cursor, std::uint8_t number) noexcept {
  std::uint64_t value = 0;
  return context_number(cursor, number, value);
}

bool skip_object(Cursor& cursor, std::uint8_t number) noexcept {
  std::uint32_t object = 0;
  return context_object(cursor, number, object);
}

bool skip_text(Cursor& cursor, std::uint8_t number) noexcept {
  Bytes text;
  return context_text(cursor, number, text);
}

// --- objects and properties ------------------------------------------------------------------------------

const char* read_property(Cursor& rest, Operation& operation) noexcept {
  std::uint32_t object = 0;
  return read_reference(rest, object, operation);
}

const char* write_property(Cursor& rest, Operation& operation) noexcept {
  std::uint32_t object = 0;
  if (const char* field = read_reference(rest, object, operation); field != nullptr) return field;
  if (const char* field = read_written(rest, 3, operation); field != nullptr) return field;
  if (const char* field = read_priority(rest, 4, operation); field != nullptr) return field;
  operation.access =
      access_of_write(object >> 22, static_cast<std::uint32_t>(operation.dimension[PROPERTY].first));
  return nullptr;
}

const char* change_list(Cursor& rest, Operation& operation) noexcept {
  std::uint32_t object = 0;
  if (const char* field = read_reference(rest, object, operation); field != nullptr) return field;
  operation.access = access_of_write(object >> 22, 0);
  return read_written(rest, 3, operation);
}

const char* read_range(Cursor& rest, Operation& operation) noexcept {
  std::uint32_t object = 0;
  if (const char* field = read_reference(rest, object, operation); field != nullptr) return field;
  for (std::uint8_t by = 3; by <= 7; ++by) {
    if (at_context(rest, by, TagForm::OPENING)) return skip_constructed(rest, by) ? nullptr : "range";
  }
  return nullptr;
}

const char* delete_object(Cursor& rest, Operation& operation) noexcept {
  std::uint32_t object = 0;
  if (!application_object(rest, object)) return "object_identifier";
  set_object(operation, object);
  return nullptr;
}

// Octets or records `first` to `first + count - 1`; a negative first appends to what there is.
void set_extent(Operation& operation, std::int64_t first, std::uint64_t count) noexcept {
  if (first < 0 || first > file_last) return operation.set(INDEX, Range{0, UINT32_MAX});
  const auto from = static_cast<std::uint64_t>(first);
  const std::uint64_t more = count > 1 ? count - 1 : 0;
  operation.set(INDEX, Range{from, more > UINT64_MAX - from ? UINT64_MAX : from + more});
}

bool read_start(Cursor& rest, std::int64_t& start) noexcept {
  Bytes content;
  return read_application(rest, TAG_SIGNED, content) && read_signed(content, start);
}

const char* read_file(Cursor& rest, Operation& operation) noexcept {
  std::int64_t start = 0;
  std::uint64_t count = 0;
  if (const char* field = delete_object(rest, operation); field != nullptr) return field;
  const std::uint8_t choice = at_context(rest, 0, TagForm::OPENING) ? 0 : 1;
  if (!open_context(rest, choice) || !read_start(rest, start) ||
      !application_number(rest, TAG_UNSIGNED, count) || !close_context(rest, choice)) {
    return "file_access";
  }
  set_extent(operation, start, count);
  return nullptr;
}

const char* write_file(Cursor& rest, Operation& operation) noexcept {
  std::int64_t start = 0;
  std::uint64_t count = 0;
  Bytes data;
  if (const char* field = delete_object(rest, operation); field != nullptr) return field;
  const bool stream = at_context(rest, 0, TagForm::OPENING);
  if (!open_context(rest, stream ? 0 : 1) || !read_start(rest, start)) return "file_access";
  if (!stream && !application_number(rest, TAG_UNSIGNED, count)) return "file_access";
  for (std::uint64_t record = 0; record < (stream ? 1 : count); ++record) {
    if (!read_application(rest, TAG_OCTET_STRING, data)) return "file_data";
  }
  if (!close_context(rest, stream ? 0 : 1)) return "file_access";
  set_extent(operation, start, stream ? data.size() : count);
  if (!stream) return nullptr;
  operation.value.kind = ValueKind::BYTES;
  operation.value.count = static_cast<std::uint32_t>(data.size());
  operation.value.data = data;
  return nullptr;
}

// --- subscriptions, alarms, events -----------------------------------------------------------------------

const char* subscribe(Cursor& rest, Operation& operation) noexcept {
  std::uint32_t object = 0;
  if (!skip_number(rest, 0)) return "process_identifier";
  if (!context_object(rest, 1, object)) return "object_identifier";
  set_object(operation, object);
  if (at_context(rest, 2) && !context_boolean(rest, 2)) return "confirmed";
  if (at_context(rest, 3) && !skip_number(rest, 3)) return "lifetime";
  if (operation.function == SUBSCRIBE_COV) return nullptr;
  if (!open_context(rest, 4) || read_property_index(rest, 0, operation) != nullptr || !close_context(rest, 4))
    return "property";
  Bytes increment;
  if (!at_context(rest, 5)) return nullptr;
  return read_context(rest, 5, increment) && increment.size() == 4 ? nullptr : "cov_increment";
}

const char* acknowledge_alarm(Cursor& rest, Operation& operation) noexcept {
  std::uint32_t object = 0;
  if (!skip_number(rest, 0)) return "process_identifier";
  if (!context_object(rest, 1, object)) return "object_identifier";
  set_object(operation, object);
  if (!context_state(rest, 2, STATE_EVENT, operation)) return "event_state";
  if (!skip_time_stamp(rest, 3)) return "time_stamp";
  if (!skip_text(rest, 4)) return "source";
  return skip_time_stamp(rest, 5) ? nullptr : "time_of_acknowledgment";
}

const char* event_notification(Cursor& rest, Operation& operation) noexcept {
  std::uint32_t object = 0;
  if (!skip_number(rest, 0)) return "process_identifier";
  if (!skip_object(rest, 1)) return "device_identifier";
  if (!context_object(rest, 2, object)) return "object_identifier";
  set_object(operation, object);
  if (!skip_time_stamp(rest, 3)) return "time_stamp";
  if (!skip_number(rest, 4) || !skip_number(rest, 5) || !skip_number(rest, 6)) return "event_type";
  if (at_context(rest, 7) && !skip_text(rest, 7)) return "message_text";
  if (!skip_number(rest, 8)) return "notify_type";
  if (at_context(rest, 9) && !context_boolean(rest, 9)) return "ack_required";
  if (at_context(rest, 10) && !skip_number(rest, 10)) return "from_state";
  if (!context_state(rest, 11, STATE_EVENT, operation)) return "to_state";
  if (rest.empty()) return nullptr;
  return skip_constructed(rest, 12) ? nullptr : "event_values";
}

const char* event_information(Cursor& rest, Operation& operation) noexcept {
  std::uint32_t object = 0;
  if (rest.empty()) return nullptr;
  if (!context_object(rest, 0, object)) return "object_identifier";
  set_object(operation, object);
  return nullptr;
}

const char* life_safety(Cursor& rest, Operation& operation) noexcept {
  std::uint32_t object = 0;
  if (!skip_number(rest, 0)) return "process_identifier";
  if (!skip_text(rest, 1)) return "source";
  if (!context_state(rest, 2, STATE_LIFE_SAFETY, operation)) return "request";
  if (rest.empty()) return nullptr;
  if (!context_object(rest, 3, object)) return "object_identifier";
  set_object(operation, object);
  return nullptr;
}

// --- the device ------------------------------------------------------------------------------------------

// The password is read past, and stands in no operation.
const char* communication_control(Cursor& rest, Operation& operation) noexcept {
  std::uint64_t minutes = 0;
  if (at_context(rest, 0)) {
    if (!context_number(rest, 0, minutes)) return "duration";
    set_number(operation, minutes);
  }
  if (!context_state(rest, 1, STATE_COMMUNICATION, operation)) return "state";
  return rest.empty() || skip_text(rest, 2) ? nullptr : "password";
}

const char* reinitialize(Cursor& rest, Operation& operation) noexcept {
  if (!context_state(rest, 0, STATE_REINITIALIZED, operation)) return "state";
  return rest.empty() || skip_text(rest, 1) ? nullptr : "password";
}

const char* set_time(Cursor& rest, Operation& operation) noexcept {
  Bytes date;
  Bytes time;
  const Bytes all = rest.rest();
  if (!read_application(rest, TAG_DATE, date) || !read_application(rest, TAG_TIME, time)) return "time";
  operation.value.kind = ValueKind::BYTES;
  operation.value.count = static_cast<std::uint32_t>(all.size() - rest.remaining());
  operation.value.data = all.first(operation.value.count);
  return nullptr;
}

const char* private_transfer(Cursor& rest, Operation& operation) noexcept {
  std::uint64_t vendor = 0;
  std::uint64_t service = 0;
  if (!context_number(rest, 0, vendor)) return "vendor";
  if (!context_number(rest, 1, service)) return "service_number";
  operation.set(OBJECT_TYPE, vendor);
  operation.set(INSTANCE, service);
  if (rest.empty()) return nullptr;
  return skip_constructed(rest, 2) ? nullptr : "parameters";
}

const char* text_message(Cursor& rest, Operation& operation) noexcept {
  std::uint32_t object = 0;
  if (!context_object(rest, 0, object)) return "device_identifier";
  set_object(operation, object);
  if (at_context(rest, 1, TagForm::OPENING) && !skip_constructed(rest, 1)) return "message_class";
  if (!context_state(rest, 2, STATE_TEXT, operation)) return "message_priority";
  return skip_text(rest, 3) ? nullptr : "message";
}

const char* write_group(Cursor& rest, Operation& operation) noexcept {
  std::uint64_t group = 0;
  if (!context_number(rest, 0, group)) return "group_number";
  operation.set(INSTANCE, group);
  if (const char* field = read_priority(rest, 1, operation); field != nullptr) return field;
  if (!skip_constructed(rest, 2)) return "change_list";
  return rest.empty() || context_boolean(rest, 3) ? nullptr : "inhibit_delay";
}

// --- who is where ----------------------------------------------------------------------------------------

// Both limits or none.
const char* read_limits(Cursor& rest, Range& limits) noexcept {
  limits = {0, instance_last};
  if (!at_context(rest, 0)) return nullptr;
  if (!context_number(rest, 0, limits.first) || !context_number(rest, 1, limits.last) ||
      limits.first > limits.last || limits.last > instance_last) {
    return "limits";
  }
  return nullptr;
}

const char* who_is(Cursor& rest, Operation& operation) noexcept {
  Range limits;
  if (const char* field = read_limits(rest, limits); field != nullptr) return field;
  operation.set(OBJECT_TYPE, object_device);
  operation.set(INSTANCE, limits);
  return nullptr;
}

void set_name(Operation& operation, Bytes name) noexcept {
  if (name.empty()) return;
  operation.key[OBJECT_NAME].data = name;
  operation.keys_present = static_cast<std::uint8_t>(operation.keys_present | (1U << OBJECT_NAME));
}

const char* who_has(Cursor& rest, Operation& operation) noexcept {
  Range limits;
  std::uint32_t object = 0;
  Bytes name;
  if (const char* field = read_limits(rest, limits); field != nullptr) return field;
  if (at_context(rest, 2)) {
    if (!context_object(rest, 2, object)) return "object_identifier";
    set_object(operation, object);
    return nullptr;
  }
  if (!context_text(rest, 3, name)) return "object_name";
  set_name(operation, name);
  return nullptr;
}

const char* i_am(Cursor& rest, Operation& operation) noexcept {
  std::uint64_t number = 0;
  if (const char* field = delete_object(rest, operation); field != nullptr) return field;
  if (!application_number(rest, TAG_UNSIGNED, number)) return "max_apdu";
  if (!application_number(rest, TAG_ENUMERATED, number)) return "segmentation";
  return application_number(rest, TAG_UNSIGNED, number) ? nullptr : "vendor";
}

const char* i_have(Cursor& rest, Operation& operation) noexcept {
  std::uint32_t device = 0;
  Bytes name;
  if (!application_object(rest, device)) return "device_identifier";
  if (const char* field = delete_object(rest, operation); field != nullptr) return field;
  if (!application_text(rest, name)) return "object_name";
  set_name(operation, name);
  return nullptr;
}

// What is inside is not judged, but has to be whole.
const char* whole(Cursor& rest) noexcept { return skip_rest(rest) ? nullptr : "parameters"; }

}  // namespace

const char* tell_single(Cursor& rest, Operation& operation) noexcept {
  switch (operation.function) {
    case ACKNOWLEDGE_ALARM: return acknowledge_alarm(rest, operation);
    case CONFIRMED_EVENT_NOTIFICATION:
    case UNCONFIRMED_EVENT_NOTIFICATION: return event_notification(rest, operation);
    case SUBSCRIBE_COV:
    case SUBSCRIBE_COV_PROPERTY: return subscribe(rest, operation);
    case ATOMIC_READ_FILE: return read_file(rest, operation);
    case ATOMIC_WRITE_FILE: return write_file(rest, operation);
    case ADD_LIST_ELEMENT:
    case REMOVE_LIST_ELEMENT: return change_list(rest, operation);
    case DELETE_OBJECT: return delete_object(rest, operation);
    case READ_PROPERTY: return read_property(rest, operation);
    case WRITE_PROPERTY: return write_property(rest, operation);
    case DEVICE_COMMUNICATION_CONTROL: return communication_control(rest, operation);
    case CONFIRMED_PRIVATE_TRANSFER:
    case UNCONFIRMED_PRIVATE_TRANSFER: return private_transfer(rest, operation);
    case CONFIRMED_TEXT_MESSAGE:
    case UNCONFIRMED_TEXT_MESSAGE: return text_message(rest, operation);
    case REINITIALIZE_DEVICE: return reinitialize(rest, operation);
    case READ_RANGE: return read_range(rest, operation);
    case LIFE_SAFETY_OPERATION: return life_safety(rest, operation);
    case GET_EVENT_INFORMATION: return event_information(rest, operation);
    case GET_ALARM_SUMMARY: return nullptr;
    case I_AM: return i_am(rest, operation);
    case I_HAVE: return i_have(rest, operation);
    case TIME_SYNCHRONIZATION:
    case UTC_TIME_SYNCHRONIZATION: return set_time(rest, operation);
    case WHO_HAS: return who_has(rest, operation);
    case WHO_IS: return who_is(rest, operation);
    case WRITE_GROUP: return write_group(rest, operation);
    default: return whole(rest);
  }
}

}  // namespace conduit::bacnet
