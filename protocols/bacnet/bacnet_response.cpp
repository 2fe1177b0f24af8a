// What answers report: properties with their values (135 21, ReadProperty-ACK, ReadPropertyMultiple-ACK). All
// other answers are told by their function alone.
#include "protocols/bacnet/bacnet_request.hpp"

namespace conduit::bacnet {
namespace {

enum Stage : std::uint8_t { BEGIN = 0, OBJECT, ELEMENT, LAST };

const char* read_value(Cursor& rest, std::uint8_t number, Operation& operation) noexcept {
  Bytes inside;
  if (!open_context(rest, number) || !skip_to_closing(rest, number, inside)) return "value";
  return set_value(inside, true, operation) ? nullptr : "value";
}

const char* tell_read(Cursor& rest, Operation& operation) noexcept {
  std::uint32_t object = 0;
  if (const char* field = read_reference(rest, object, operation); field != nullptr) return field;
  if (const char* field = read_value(rest, 3, operation); field != nullptr) return field;
  return rest.empty() ? nullptr : "length";
}

// A property with its value, or with the error that stands for it.
const char* read_result(Cursor& rest, Operation& operation) noexcept {
  if (const char* field = read_property_index(rest, 2, operation); field != nullptr) return field;
  if (at_context(rest, 4, TagForm::OPENING)) return read_value(rest, 4, operation);
  return skip_constructed(rest, 5) ? nullptr : "error";
}

const char* tell_results(Cursor& rest, Fields& fields, Operation& operation, bool& told) noexcept {
  if (fields.stage == OBJECT && rest.empty()) {
    fields.stage = LAST;
    return nullptr;
  }
  if (fields.stage != ELEMENT) {
    if (!context_object(rest, 0, fields.object)) return "object_identifier";
    if (!open_context(rest, 1)) return "list_of_results";
  }
  set_object(operation, fields.object);
  fields.stage = ELEMENT;
  if (!at_context(rest, 1, TagForm::CLOSING)) {
    if (const char* field = read_result(rest, operation); field != nullptr) return field;
  }
  told = true;
  if (!at_context(rest, 1, TagForm::CLOSING)) return nullptr;
  fields.stage = OBJECT;
  return close_context(rest, 1) ? nullptr : "list_of_results";
}

}  // namespace

const char* tell_response(Bytes data, Fields& fields, Operation& operation, bool& told) noexcept {
  told = false;
  if (fields.stage == LAST) return nullptr;
  Cursor rest(data.subspan(fields.position, std::size_t{fields.end} - fields.position));
  const char* field = nullptr;
  if (fields.content == Content::MULTIPLE_ACK) {
    field = tell_results(rest, fields, operation, told);
  } else {
    fields.stage = LAST;
    told = true;
    field = tell_read(rest, operation);
  }
  fields.position = static_cast<std::uint16_t>(fields.end - rest.remaining());
  return field;
}

}  // namespace conduit::bacnet
