// Tags of Logix controllers (PM020), by name or by instance of class 0x6B:
//
//   read                 count
//   read fragmented      count | offset
//   write                type [structure handle] | count | elements
//   write fragmented     type [structure handle] | count | offset | elements
//   read modify write    size of a mask | bits to set | bits to keep
//
// Counts and types have two octets, offsets four. The count of a fragmented service is that of all its
// fragments.
#include "protocols/enip/enip_pdu.hpp"

namespace conduit::enip {
namespace {

constexpr std::uint16_t type_structure = 0x02A0;
constexpr std::uint32_t element_last = 0xFFFFFFFF;

// `count` elements from the one that the path names.
const char* set_elements(std::uint32_t count, const Fields& fields, Operation& operation) noexcept {
  if (count == 0) return "count";
  if (fields.path.has(ANY_ELEMENT)) return nullptr;
  const std::uint32_t first = fields.path.element;
  if (element_last - first < count - 1) return "count";
  operation.set(ELEMENT, Range{first, std::uint64_t{first} + count - 1});
  return nullptr;
}

const char* tell_read(Cursor rest, bool fragmented, const Fields& fields, Operation& operation) noexcept {
  std::uint16_t count = 0;
  if (!rest.u16le(count)) return "count";
  if (fragmented && !rest.skip(4)) return "offset";
  if (!rest.empty()) return "length";
  return set_elements(count, fields, operation);
}

// The elements that stand here, if their size is known: the first of them, the others follow.
const char* tell_elements(Bytes pdu, Bytes data, std::uint32_t count, std::uint32_t offset, PduState& state,
                          Operation& operation) noexcept {
  Fields& fields = state.as<Fields>();
  const std::uint32_t size = fields.element_size;
  if (offset % size != 0 || offset / size >= count) return "offset";
  const std::uint32_t before = offset / size;
  // Some clients make an even number of octets of an odd one.
  const std::size_t left = std::size_t{count - before} * size;
  if (left % 2 != 0 && data.size() == left + 1 && data.back() == 0) data = data.first(left);
  if (data.size() % size != 0 || data.size() / size > count - before) return "length";
  const std::uint32_t here = static_cast<std::uint32_t>(data.size() / size);
  if (fields.path.has(ANY_ELEMENT)) {
    operation.value.kind = ValueKind::UNREADABLE;
    return nullptr;
  }
  fields.path.element += before;
  fields.telling = Telling::ELEMENTS;
  fields.data_at = static_cast<std::uint16_t>(data.data() - pdu.data());
  fields.data_end = static_cast<std::uint16_t>(fields.data_at + here * size);
  return tell_more(pdu, state, operation);
}

const char* tell_write(Bytes pdu, Cursor rest, bool fragmented, PduState& state,
                       Operation& operation) noexcept {
  Fields& fields = state.as<Fields>();
  std::uint16_t type = 0;
  std::uint16_t count = 0;
  std::uint32_t offset = 0;
  if (!rest.u16le(type)) return "type";
  if (type == type_structure && !rest.skip(2)) return "structure_handle";
  if (!rest.u16le(count)) return "count";
  if (fragmented && !rest.u32le(offset)) return "offset";
  if (rest.empty()) return "length";
  if (const char* field = set_elements(count, fields, operation); field != nullptr) return field;
  fields.element_size = elementary_size(type, fields.kind);
  if (fields.element_size == 0) {
    set_octets(rest.rest(), operation);
    return nullptr;
  }
  if (!fragmented && rest.remaining() < std::size_t{count} * fields.element_size) return "length";
  return tell_elements(pdu, rest.rest(), count, offset, state, operation);
}

const char* tell_modify(Cursor rest, const Fields& fields, Operation& operation) noexcept {
  std::uint16_t size = 0;
  if (!rest.u16le(size) || (size != 1 && size != 2 && size != 4 && size != 8 && size != 12))
    return "mask_size";
  if (rest.remaining() != std::size_t{size} * 2) return "length";
  operation.value.kind = ValueKind::UNREADABLE;
  operation.value.data = rest.rest();
  return set_elements(1, fields, operation);
}

}  // namespace

std::uint16_t elementary_size(std::uint16_t type, ElementKind& kind) noexcept {
  kind = ElementKind::UNSIGNED;
  switch (type) {
    case 0xC1: kind = ElementKind::BOOL; return 1;
    case 0xC2: kind = ElementKind::SIGNED; return 1;
    case 0xC3: kind = ElementKind::SIGNED; return 2;
    case 0xC4: kind = ElementKind::SIGNED; return 4;
    case 0xC5: kind = ElementKind::SIGNED; return 8;
    case 0xC6:
    case 0xD1: return 1;
    case 0xC7:
    case 0xD2: return 2;
    case 0xC8:
    case 0xD3: return 4;
    case 0xC9:
    case 0xD4: return 8;
    case 0xCA: kind = ElementKind::FLOAT; return 4;
    case 0xCB: kind = ElementKind::FLOAT; return 8;
    default: kind = ElementKind::OCTETS; return 0;
  }
}

const char* tell_tag(Bytes pdu, Bytes data, PduState& state, Operation& operation) noexcept {
  const Fields& fields = state.as<Fields>();
  const Path& path = fields.path;
  // A name, or an instance: where one stands in the other's scope, nobody's text says which tag it is.
  const bool by_name = path.has(HAS_TAG) && !path.has(HAS_CLASS);
  const bool by_instance = path.has(HAS_CLASS | HAS_INSTANCE) && !path.has(HAS_TAG);
  const bool more = path.has(HAS_ATTRIBUTE) || path.has(HAS_POINT) || !path.has(HAS_ELEMENT);
  if ((!by_name && !by_instance) || more) return "path";
  switch (fields.function) {
    case READ_TAG: return tell_read(Cursor(data), false, fields, operation);
    case READ_TAG_FRAGMENTED: return tell_read(Cursor(data), true, fields, operation);
    case WRITE_TAG: return tell_write(pdu, Cursor(data), false, state, operation);
    case WRITE_TAG_FRAGMENTED: return tell_write(pdu, Cursor(data), true, state, operation);
    default: return tell_modify(Cursor(data), fields, operation);
  }
}

}  // namespace conduit::enip
