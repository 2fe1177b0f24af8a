// PCCC commands (DF1) in Execute PCCC of class 0x67:
//
//   size of the requester's identity, this octet included | vendor (2) | serial (4) | …
//   CMD | STS 0 | TNS (2) | FNC (of commands 6, 7, 15) | …
//   logical read and write: octets | file | type | element | [sub-element] | [mask (2)] | data
//                           file, element, sub-element: one octet, or 0xFF and two
#include "protocols/enip/enip_pdu.hpp"

namespace conduit::enip {
namespace {

constexpr std::uint8_t identity_size_min = 7;
constexpr std::uint8_t reply_bit = 0x40;

constexpr std::uint32_t typed_read_2 = pccc_base + 0x0FA1;
constexpr std::uint32_t typed_read_3 = pccc_base + 0x0FA2;
constexpr std::uint32_t typed_write_2 = pccc_base + 0x0FA9;
constexpr std::uint32_t typed_write_3 = pccc_base + 0x0FAA;
constexpr std::uint32_t typed_write_mask = pccc_base + 0x0FAB;

bool has_function(std::uint8_t command) noexcept {
  return command == 0x06 || command == 0x07 || command == 0x0F;
}

// Types of data files: letters, size of an element, how it is read.
struct FileType {
  std::uint8_t code = 0;
  std::string_view letters{};
  std::uint8_t size = 0;
  ElementKind kind = ElementKind::OCTETS;
};
constexpr FileType file_types[] = {
    {0x82, "O", 2, ElementKind::UNSIGNED}, {0x83, "I", 2, ElementKind::UNSIGNED},
    {0x84, "S", 2, ElementKind::SIGNED},   {0x85, "B", 2, ElementKind::UNSIGNED},
    {0x86, "T", 6, ElementKind::OCTETS},   {0x87, "C", 6, ElementKind::OCTETS},
    {0x88, "R", 6, ElementKind::OCTETS},   {0x89, "N", 2, ElementKind::SIGNED},
    {0x8A, "F", 4, ElementKind::FLOAT},    {0x8B, "O", 2, ElementKind::UNSIGNED},
    {0x8C, "I", 2, ElementKind::UNSIGNED}, {0x8D, "ST", 84, ElementKind::OCTETS},
    {0x8E, "A", 2, ElementKind::UNSIGNED}, {0x8F, "D", 2, ElementKind::UNSIGNED},
    {0x91, "L", 4, ElementKind::SIGNED},
};

const FileType* type_of(std::uint8_t code) noexcept {
  for (const FileType& type : file_types) {
    if (type.code == code) return &type;
  }
  return nullptr;
}

// One octet, or 0xFF and two: the long form is for what the short one cannot say.
bool read_field(Cursor& rest, std::uint16_t& number) noexcept {
  std::uint8_t octet = 0;
  if (!rest.u8(octet)) return false;
  number = octet;
  return octet != 0xFF || (rest.u16le(number) && number >= 0xFF);
}

struct Logical {
  std::uint8_t size = 0;  // octets that are read or written
  std::uint16_t file = 0;
  const FileType* type = nullptr;
  std::uint16_t element = 0;
  std::uint16_t sub_element = 0;
};

const char* read_logical(Cursor& rest, bool three, Logical& logical) noexcept {
  std::uint8_t code = 0;
  if (!rest.u8(logical.size) || logical.size == 0) return "size";
  if (!read_field(rest, logical.file)) return "file";
  if (!rest.u8(code)) return "file_type";
  logical.type = type_of(code);
  if (!read_field(rest, logical.element)) return "element";
  if (three && !read_field(rest, logical.sub_element)) return "sub_element";
  return nullptr;
}

bool put_file(const Logical& logical, Text& text) noexcept {
  for (const char letter : logical.type->letters) {
    if (!text.put(letter)) return false;
  }
  return text.put_number(logical.file);
}

const char* tell_logical(Bytes pdu, Cursor rest, PduState& state, Operation& operation) noexcept {
  Fields& fields = state.as<Fields>();
  const std::uint32_t function = fields.function;
  const bool writes = function != typed_read_2 && function != typed_read_3;
  Logical logical;
  const bool three = function != typed_read_2 && function != typed_write_2;
  if (const char* field = read_logical(rest, three, logical); field != nullptr) return field;
  if (function == typed_write_mask && !rest.skip(2)) return "mask";
  if (rest.remaining() != (writes ? logical.size : 0U)) return "size";
  if (logical.type == nullptr) {
    // Which file, only the controller knows: no rule with a tag contains it.
    operation.value.kind = writes ? ValueKind::UNREADABLE : ValueKind::NONE;
    return nullptr;
  }
  Text text{std::span(state.scratch).subspan(tag_at, route_at - tag_at)};
  if (!put_file(logical, text)) return "file";
  const unsigned element_size = logical.type->size;
  // From a sub-element on, what does not fit into its element goes on in the next one.
  const unsigned before = 2U * logical.sub_element;
  const std::uint32_t last = logical.element + (before + logical.size - 1) / element_size;
  fields.tag_size = static_cast<std::uint16_t>(text.size);
  fields.path.parts |= HAS_TAG | HAS_ELEMENT;
  fields.path.element = logical.element;
  const bool whole = logical.sub_element == 0 && logical.size % element_size == 0;
  if (three) {
    // Of elements with parts, which of them: all, where more than one is touched.
    fields.path.parts |= HAS_ATTRIBUTE;
    fields.path.attribute = logical.sub_element;
  }
  set_object(fields, state, operation);
  operation.set(ELEMENT, Range{logical.element, last});
  if (three && logical.size > 2)
    operation.set(ATTRIBUTE, Range{last == logical.element ? logical.sub_element : 0U, 0xFFFF});
  if (!writes) return nullptr;
  if (function == typed_write_mask || !whole || logical.type->kind == ElementKind::OCTETS) {
    operation.value.kind = ValueKind::UNREADABLE;
    return nullptr;
  }
  fields.kind = logical.type->kind;
  fields.element_size = logical.type->size;
  fields.telling = Telling::ELEMENTS;
  fields.data_at = static_cast<std::uint16_t>(rest.rest().data() - pdu.data());
  fields.data_end = static_cast<std::uint16_t>(fields.data_at + logical.size);
  return tell_more(pdu, state, operation);
}

}  // namespace

const char* tell_pccc(Bytes pdu, Bytes data, PduState& state, Operation& operation) noexcept {
  Fields& fields = state.as<Fields>();
  Cursor rest(data);
  std::uint8_t size = 0;
  std::uint8_t command = 0;
  std::uint8_t status = 0;
  std::uint8_t code = 0;
  if (!fields.path.is_object()) return "path";
  if (!rest.u8(size) || size < identity_size_min || !rest.skip(size - std::size_t{1})) return "requester";
  if (!rest.u8(command) || (command & reply_bit) != 0) return "command";
  if (!rest.u8(status) || status != 0) return "status";
  if (!rest.skip(2)) return "transaction";
  if (has_function(command) && !rest.u8(code)) return "function";
  fields.function = pccc_base + (std::uint32_t{command} << 8) + code;
  operation.function = fields.function;
  operation.access = access_of(fields.function, fields.path);
  switch (fields.function) {
    case typed_read_2:
    case typed_read_3:
    case typed_write_2:
    case typed_write_3:
    case typed_write_mask: return tell_logical(pdu, rest, state, operation);
    default: break;
  }
  set_octets(rest.rest(), operation);
  return nullptr;
}

}  // namespace conduit::enip
