// Requests that list properties, one operation for each:
//
//   ReadPropertyMultiple, WritePropertyMultiple      object { property … } object { property … } …
//   SubscribeCOVPropertyMultiple,
//   COVNotificationMultiple                          head { object { property … } … }
//   COVNotification                                  head, object { property … }
//   CreateObject                                     object { property … }
#include "protocols/bacnet/bacnet_request.hpp"

namespace conduit::bacnet {
namespace {

constexpr std::uint64_t priority_last = 16;

// Where `next` stands in the list.
enum Stage : std::uint8_t { BEGIN = 0, FIRST_OBJECT, OBJECT, ELEMENT, LAST };

bool skip_number(Cursor& cursor, std::uint8_t number) noexcept {
  std::uint64_t value = 0;
  return context_number(cursor, number, value);
}

// --- one element -----------------------------------------------------------------------------------------

// BACnetPropertyValue: property, index, value, priority.
const char* read_property_value(Cursor& rest, Operation& operation) noexcept {
  if (const char* field = read_property_index(rest, 0, operation); field != nullptr) return field;
  return read_written(rest, 2, operation);
}

const char* written_element(Cursor& rest, std::uint32_t object, Operation& operation) noexcept {
  if (const char* field = read_property_value(rest, operation); field != nullptr) return field;
  const auto property = static_cast<std::uint32_t>(operation.dimension[PROPERTY].first);
  operation.access = access_of_write(object >> 22, property);
  return read_priority(rest, 3, operation);
}

const char* created_element(Cursor& rest, Operation& operation) noexcept {
  if (const char* field = read_property_value(rest, operation); field != nullptr) return field;
  return at_context(rest, 3) ? read_priority(rest, 3, operation) : nullptr;
}

const char* notified_element(Cursor& rest, Operation& operation) noexcept {
  if (const char* field = read_property_value(rest, operation); field != nullptr) return field;
  Bytes content;  // priority; of COVNotificationMultiple the time of the change
  return !at_context(rest, 3) || read_context(rest, 3, content) ? nullptr : "priority";
}

const char* subscribed_element(Cursor& rest, Operation& operation) noexcept {
  Bytes increment;
  if (!open_context(rest, 0)) return "property";
  if (const char* field = read_property_index(rest, 0, operation); field != nullptr) return field;
  if (!close_context(rest, 0)) return "property";
  if (at_context(rest, 1) && (!read_context(rest, 1, increment) || increment.size() != 4))
    return "cov_increment";
  return context_boolean(rest, 2) ? nullptr : "time_stamped";
}

const char* read_element(Cursor& rest, std::uint32_t object, Operation& operation) noexcept {
  switch (operation.function) {
    case READ_PROPERTY_MULTIPLE: return read_property_index(rest, 0, operation);
    case WRITE_PROPERTY_MULTIPLE: return written_element(rest, object, operation);
    case CREATE_OBJECT: return created_element(rest, operation);
    case SUBSCRIBE_COV_PROPERTY_MULTIPLE: return subscribed_element(rest, operation);
    default: return notified_element(rest, operation);
  }
}

// --- what stands in front of the list ----------------------------------------------------------------------

const char* subscription_head(Cursor& rest) noexcept {
  if (!skip_number(rest, 0)) return "process_identifier";
  if (at_context(rest, 1) && !context_boolean(rest, 1)) return "confirmed";
  if (at_context(rest, 2) && !skip_number(rest, 2)) return "lifetime";
  if (at_context(rest, 3) && !skip_number(rest, 3)) return "notification_delay";
  return open_context(rest, 4) ? nullptr : "list";
}

const char* multiple_notification_head(Cursor& rest) noexcept {
  std::uint32_t device = 0;
  if (!skip_number(rest, 0)) return "process_identifier";
  if (!context_object(rest, 1, device)) return "device_identifier";
  if (!skip_number(rest, 2)) return "time_remaining";
  if (at_context(rest, 3, TagForm::OPENING) && !skip_constructed(rest, 3)) return "time_stamp";
  return open_context(rest, 4) ? nullptr : "list";
}

const char* notification_head(Cursor& rest, Fields& fields) noexcept {
  std::uint32_t device = 0;
  if (!skip_number(rest, 0)) return "process_identifier";
  if (!context_object(rest, 1, device)) return "device_identifier";
  if (!context_object(rest, 2, fields.object)) return "object_identifier";
  if (!skip_number(rest, 3)) return "time_remaining";
  return open_context(rest, 4) ? nullptr : "list";
}

// --- lists -----------------------------------------------------------------------------------------------

bool is_framed(std::uint16_t function) noexcept {
  return function != READ_PROPERTY_MULTIPLE && function != WRITE_PROPERTY_MULTIPLE;
}

// Is the list over? With its closing tag, nothing may follow.
bool list_over(Cursor& rest, bool framed, const char*& field) noexcept {
  if (!framed) return rest.empty();
  if (!at_context(rest, 4, TagForm::CLOSING)) return false;
  if (!close_context(rest, 4) || !rest.empty()) field = "list";
  return true;
}

// Objects, each with a list of properties.
const char* tell_objects(Cursor& rest, Fields& fields, Operation& operation, bool& told) noexcept {
  const bool framed = is_framed(fields.function);
  if (fields.stage == BEGIN && framed) {
    const bool subscription = fields.function == SUBSCRIBE_COV_PROPERTY_MULTIPLE;
    const char* const field = subscription ? subscription_head(rest) : multiple_notification_head(rest);
    if (field != nullptr) return field;
  }
  if (fields.stage == OBJECT) {
    const char* field = nullptr;
    if (list_over(rest, framed, field)) {
      fields.stage = LAST;
      return field;
    }
  }
  if (fields.stage != ELEMENT) {
    if (!context_object(rest, 0, fields.object)) return "object_identifier";
    if (!open_context(rest, 1)) return "list_of_properties";
  }
  set_object(operation, fields.object);
  if (const char* field = read_element(rest, fields.object, operation); field != nullptr) return field;
  told = true;
  fields.stage = ELEMENT;
  if (!at_context(rest, 1, TagForm::CLOSING)) return nullptr;
  fields.stage = OBJECT;
  return close_context(rest, 1) ? nullptr : "list_of_properties";
}

// One object with a list of properties that ends with closing tag `number`; an empty one is one operation on
// the object.
const char* tell_elements(Cursor& rest, std::uint8_t number, Fields& fields, Operation& operation,
                          bool& told) noexcept {
  if (!at_context(rest, number, TagForm::CLOSING)) {
    if (const char* field = read_element(rest, fields.object, operation); field != nullptr) return field;
    fields.stage = ELEMENT;
  }
  told = true;
  if (!at_context(rest, number, TagForm::CLOSING)) return nullptr;
  fields.stage = LAST;
  return close_context(rest, number) && rest.empty() ? nullptr : "list";
}

const char* tell_notification(Cursor& rest, Fields& fields, Operation& operation, bool& told) noexcept {
  if (fields.stage == BEGIN) {
    if (const char* field = notification_head(rest, fields); field != nullptr) return field;
  }
  set_object(operation, fields.object);
  return tell_elements(rest, 4, fields, operation, told);
}

// The type, where the device is to choose the instance; else the object.
const char* read_new_object(Cursor& rest, Fields& fields) noexcept {
  std::uint64_t type = 0;
  if (!open_context(rest, 0)) return "object_specifier";
  fields.has_object = at_context(rest, 1);
  if (fields.has_object) {
    if (!context_object(rest, 1, fields.object)) return "object_identifier";
  } else {
    if (!context_number(rest, 0, type) || type > 1023) return "object_type";
    fields.object = static_cast<std::uint32_t>(type << 22);
  }
  return close_context(rest, 0) ? nullptr : "object_specifier";
}

const char* tell_creation(Cursor& rest, Fields& fields, Operation& operation, bool& told) noexcept {
  const bool begin = fields.stage == BEGIN;
  if (begin) {
    if (const char* field = read_new_object(rest, fields); field != nullptr) return field;
  }
  set_object(operation, fields.object);
  if (!fields.has_object) operation.set(INSTANCE, Range{0, instance_last});
  if (begin && rest.empty()) {
    fields.stage = LAST;
    told = true;
    return nullptr;
  }
  if (begin && !open_context(rest, 1)) return "initial_values";
  return tell_elements(rest, 1, fields, operation, told);
}

const char* tell_one(Cursor& rest, Fields& fields, Operation& operation, bool& told) noexcept {
  switch (fields.function) {
    case READ_PROPERTY_MULTIPLE:
    case WRITE_PROPERTY_MULTIPLE:
    case SUBSCRIBE_COV_PROPERTY_MULTIPLE:
    case CONFIRMED_COV_NOTIFICATION_MULTIPLE:
    case UNCONFIRMED_COV_NOTIFICATION_MULTIPLE: return tell_objects(rest, fields, operation, told);
    case CONFIRMED_COV_NOTIFICATION:
    case UNCONFIRMED_COV_NOTIFICATION: return tell_notification(rest, fields, operation, told);
    case CREATE_OBJECT: return tell_creation(rest, fields, operation, told);
    default: break;
  }
  fields.stage = LAST;
  told = true;
  const char* const field = tell_single(rest, operation);
  if (field != nullptr) return field;
  return rest.empty() ? nullptr : "length";
}

}  // namespace

const char* read_property_index(Cursor& rest, std::uint8_t number, Operation& operation) noexcept {
  std::uint64_t value = 0;
  if (!context_number(rest, number, value)) return "property";
  operation.set(PROPERTY, value);
  const auto index = static_cast<std::uint8_t>(number + 1);
  if (!at_context(rest, index)) return nullptr;
  if (!context_number(rest, index, value)) return "index";
  operation.set(INDEX, value);
  return nullptr;
}

const char* read_reference(Cursor& rest, std::uint32_t& object, Operation& operation) noexcept {
  if (!context_object(rest, 0, object)) return "object_identifier";
  set_object(operation, object);
  return read_property_index(rest, 1, operation);
}

const char* read_written(Cursor& rest, std::uint8_t number, Operation& operation) noexcept {
  Bytes inside;
  if (!open_context(rest, number) || !skip_to_closing(rest, number, inside)) return "value";
  return set_value(inside, false, operation) ? nullptr : "value";
}

const char* read_priority(Cursor& rest, std::uint8_t number, Operation& operation) noexcept {
  std::uint64_t priority = priority_last;
  if (at_context(rest, number) &&
      (!context_number(rest, number, priority) || priority == 0 || priority > priority_last)) {
    return "priority";
  }
  operation.set(PRIORITY, priority);
  return nullptr;
}

const char* tell_request(Bytes data, Fields& fields, Operation& operation, bool& told) noexcept {
  told = false;
  if (fields.stage == LAST) return nullptr;
  Cursor rest(data.subspan(fields.position, std::size_t{fields.end} - fields.position));
  const char* const field = tell_one(rest, fields, operation, told);
  fields.position = static_cast<std::uint16_t>(fields.end - rest.remaining());
  return field;
}

}  // namespace conduit::bacnet
