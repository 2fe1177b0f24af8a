// Built-in types (Part 6 §5.2.2). All numbers are little-endian.
//
//   NodeId:   encoding | two-byte:  id 1                    ExpandedNodeId: encoding + 0x80: a URI follows,
//                      | four-byte: namespace 1, id 2                       + 0x40: and a server index
//                      | numeric:   namespace 2, id 4
//                      | string, ByteString: namespace 2, length 4, octets
//                      | GUID:      namespace 2, octets 16
//   Variant:  type (bits 0 to 5), 0x40 dimensions, 0x80 array | [count 4] | value … | [count 4, dimension 4
//   …] DataValue: mask | value | status 4 | source time 8 | its picoseconds 2 | server time 8 | its
//   picoseconds 2
#include "protocols/opcua/opcua_types.hpp"

#include <bit>
#include <cstring>

namespace conduit::opcua {
namespace {

constexpr std::uint8_t type_null = 0;

enum BuiltIn : std::uint8_t {
  BOOLEAN = 1,
  SBYTE = 2,
  BYTE = 3,
  INT16 = 4,
  UINT16 = 5,
  INT32 = 6,
  UINT32 = 7,
  INT64 = 8,
  UINT64 = 9,
  FLOAT = 10,
  DOUBLE = 11,
  STRING = 12,
  DATE_TIME = 13,
  GUID = 14,
  BYTE_STRING = 15,
  XML_ELEMENT = 16,
  NODE_ID = 17,
  EXPANDED_NODE_ID = 18,
  STATUS_CODE = 19,
  QUALIFIED_NAME = 20,
  LOCALIZED_TEXT = 21,
  EXTENSION_OBJECT = 22,
  DATA_VALUE = 23,
  VARIANT = 24,
  DIAGNOSTIC_INFO = 25,
  TYPE_LAST = 31,  // 26 to 31: read as ByteString (§5.2.2.16)
};

// Octets of types of a fixed size, else 0.
constexpr std::uint8_t fixed_size[26] = {0, 1,  1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 0,
                                         8, 16, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0};

std::uint64_t load_le(Bytes octets) noexcept {
  std::uint64_t number = 0;
  for (std::size_t i = octets.size(); i > 0; --i) number = number << 8U | octets[i - 1];
  return number;
}

bool skip_diagnostic(Cursor& cursor, unsigned depth) noexcept {
  std::uint8_t mask = 0;
  if (depth > depth_max || !cursor.u8(mask) || (mask & 0x80U) != 0) return false;
  const auto numbers = static_cast<std::size_t>(std::popcount(static_cast<unsigned>(mask & 0x0FU)));
  if (!cursor.skip(4 * numbers)) return false;
  if ((mask & 0x10U) != 0 && !skip_string(cursor)) return false;
  if ((mask & 0x20U) != 0 && !cursor.skip(4)) return false;
  return (mask & 0x40U) == 0 || skip_diagnostic(cursor, depth + 1);
}

bool variant(Cursor& cursor, Value& value, unsigned depth) noexcept;

bool data_value(Cursor& cursor, Value& value, unsigned depth) noexcept {
  std::uint8_t mask = 0;
  if (depth > depth_max || !cursor.u8(mask) || (mask & 0xC0U) != 0) return false;
  if ((mask & 0x01U) != 0 && !variant(cursor, value, depth + 1)) return false;
  std::size_t size = 0;
  if ((mask & 0x02U) != 0) size += 4;
  if ((mask & 0x04U) != 0) size += 8;
  if ((mask & 0x10U) != 0) size += 2;
  if ((mask & 0x08U) != 0) size += 8;
  if ((mask & 0x20U) != 0) size += 2;
  return cursor.skip(size);
}

bool skip_element(Cursor& cursor, std::uint8_t type, unsigned depth) noexcept {
  NodeId id;
  Bytes body;
  Value inner;
  switch (type) {
    case NODE_ID: return read_node_id(cursor, false, id);
    case EXPANDED_NODE_ID: return read_node_id(cursor, true, id);
    case QUALIFIED_NAME: return skip_qualified_name(cursor);
    case LOCALIZED_TEXT: return skip_localized_text(cursor);
    case EXTENSION_OBJECT: return read_extension_object(cursor, id, body, depth + 1);
    case DATA_VALUE: return data_value(cursor, inner, depth + 1);
    case VARIANT: return variant(cursor, inner, depth + 1);
    case DIAGNOSTIC_INFO: return skip_diagnostic(cursor, depth + 1);
    default: return skip_string(cursor);  // String, ByteString, XmlElement, 26 to 31
  }
}

bool skip_array(Cursor& cursor, std::uint8_t type, bool dimensions, unsigned depth) noexcept {
  std::uint32_t count = 0;
  if (!read_count(cursor, count)) return false;
  const std::size_t size = type < sizeof(fixed_size) ? fixed_size[type] : 0;
  if (size != 0) {
    if (count > cursor.remaining() / size || !cursor.skip(count * size)) return false;
  } else {
    for (std::uint32_t i = 0; i < count; ++i) {
      if (!skip_element(cursor, type, depth)) return false;
    }
  }
  if (!dimensions) return true;
  std::uint32_t rank = 0;
  std::uint64_t product = 1;
  if (!read_count(cursor, rank)) return false;
  for (std::uint32_t i = 0; i < rank; ++i) {
    std::uint32_t length = 0;
    if (!cursor.u32le(length) || length > 0x7FFFFFFFU) return false;
    product *= length;
    if (product > 0x7FFFFFFFU) return false;
  }
  return rank == 0 || product == count;
}

void set_octets(Value& value, Bytes octets) noexcept {
  value.kind = ValueKind::BYTES;
  value.data = octets;
  value.count = static_cast<std::uint32_t>(octets.size());
}

// A scalar of a fixed size.
bool set_number(Value& value, std::uint8_t type, Bytes octets) noexcept {
  const std::uint64_t number = load_le(octets);
  value.count = 1;
  switch (type) {
    case BOOLEAN:
      if (number > 1) return false;
      value.kind = ValueKind::UNSIGNED, value.u = number;
      return true;
    case BYTE:
    case UINT16:
    case UINT32:
    case UINT64:
    case STATUS_CODE: value.kind = ValueKind::UNSIGNED, value.u = number; return true;
    case SBYTE: value.kind = ValueKind::SIGNED, value.i = static_cast<std::int8_t>(number); return true;
    case INT16: value.kind = ValueKind::SIGNED, value.i = static_cast<std::int16_t>(number); return true;
    case INT32: value.kind = ValueKind::SIGNED, value.i = static_cast<std::int32_t>(number); return true;
    case INT64:
    case DATE_TIME: value.kind = ValueKind::SIGNED, value.i = static_cast<std::int64_t>(number); return true;
    case FLOAT:
      value.kind = ValueKind::FLOAT;
      value.f = static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(number)));
      return true;
    case DOUBLE: value.kind = ValueKind::FLOAT, value.f = std::bit_cast<double>(number); return true;
    default: set_octets(value, octets); return true;  // GUID
  }
}

bool variant(Cursor& cursor, Value& value, unsigned depth) noexcept {
  std::uint8_t encoding = 0;
  if (depth > depth_max || !cursor.u8(encoding)) return false;
  const auto type = static_cast<std::uint8_t>(encoding & 0x3FU);
  const bool array = (encoding & 0x80U) != 0;
  const bool dimensions = (encoding & 0x40U) != 0;
  const Bytes begin = cursor.rest();
  if (type > TYPE_LAST || (dimensions && !array) || (type == type_null && encoding != 0)) return false;
  if (type == type_null) {
    set_octets(value, {});
    return true;
  }
  if (array) {
    if (!skip_array(cursor, type, dimensions, depth)) return false;
  } else if (type < sizeof(fixed_size) && fixed_size[type] != 0) {
    Bytes octets;
    return cursor.bytes(fixed_size[type], octets) && set_number(value, type, octets);
  } else {
    // A value that is a value itself has to be an array (§5.2.2.16).
    if (type == VARIANT || !skip_element(cursor, type, depth)) return false;
  }
  set_octets(value, begin.first(begin.size() - cursor.remaining()));
  return true;
}

std::size_t spell_guid(Bytes guid, std::uint8_t* out) noexcept {
  static constexpr char digits[] = "0123456789abcdef";
  static constexpr std::uint8_t order[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  std::size_t at = 0;
  for (std::size_t i = 0; i < sizeof(order); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out[at++] = '-';
    const std::uint8_t octet = guid[order[i]];
    out[at++] = static_cast<std::uint8_t>(digits[octet >> 4U]);
    out[at++] = static_cast<std::uint8_t>(digits[octet & 15U]);
  }
  return at;
}

// Base64 (RFC 4648 §4), with padding.
std::size_t spell_octets(Bytes data, std::uint8_t* out) noexcept {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::size_t at = 0;
  for (std::size_t i = 0; i < data.size(); i += 3) {
    const std::size_t left = data.size() - i;
    const std::uint32_t group = (std::uint32_t{data[i]} << 16U) |
                                (left > 1 ? std::uint32_t{data[i + 1]} << 8U : 0U) |
                                (left > 2 ? std::uint32_t{data[i + 2]} : 0U);
    for (std::size_t k = 0; k < 4; ++k) {
      const char digit = k <= left ? digits[(group >> (18U - 6U * k)) & 63U] : '=';
      out[at++] = static_cast<std::uint8_t>(digit);
    }
  }
  return at;
}

}  // namespace

bool read_any_node_id(Cursor& cursor, bool expanded, NodeId& id) noexcept {
  std::uint8_t encoding = 0;
  std::uint8_t octet = 0;
  std::uint16_t word = 0;
  id = NodeId{};
  if (!cursor.u8(encoding)) return false;
  const unsigned flags = encoding & 0xC0U;
  if (flags != 0 && !expanded) return false;
  bool good = false;
  switch (encoding & 0x3FU) {
    case 0:
      good = cursor.u8(octet);
      id.number = octet;
      break;
    case 1:
      good = cursor.u8(octet) && cursor.u16le(word);
      id.name_space = octet;
      id.number = word;
      break;
    case 2: good = cursor.u16le(id.name_space) && cursor.u32le(id.number); break;
    case 3:
      id.kind = IdKind::STRING;
      good = cursor.u16le(id.name_space) && read_string(cursor, id.data);
      break;
    case 4:
      id.kind = IdKind::GUID;
      good = cursor.u16le(id.name_space) && cursor.bytes(16, id.data);
      break;
    case 5:
      id.kind = IdKind::OPAQUE;
      good = cursor.u16le(id.name_space) && read_string(cursor, id.data);
      break;
    default: return false;
  }
  id.elsewhere = flags != 0;
  if (good && (flags & 0x80U) != 0) good = skip_string(cursor);
  if (good && (flags & 0x40U) != 0) good = cursor.skip(4);
  return good;
}

bool read_extension_object(Cursor& cursor, NodeId& type, Bytes& body, unsigned depth) noexcept {
  constexpr std::uint8_t binary = 1;
  std::uint8_t encoding = 0;
  body = {};
  if (!read_node_id(cursor, false, type) || !cursor.u8(encoding) || encoding > 2) return false;
  if (encoding != 0 && !read_string(cursor, body)) return false;
  return encoding != binary || (depth <= depth_max && fits_type(type, body, depth));
}

bool skip_request_header(Cursor& cursor) noexcept {
  NodeId id;
  Bytes text;
  const bool head =
      read_node_id(cursor, false, id) && cursor.skip(16) && read_string(cursor, text) && cursor.skip(4);
  if (!head) return false;
  // Most have no additional header.
  Cursor additional = cursor;
  std::uint8_t octets[3];
  if (additional.u8(octets[0]) && additional.u8(octets[1]) && additional.u8(octets[2]) &&
      (octets[0] | octets[1] | octets[2]) == 0) {
    cursor = additional;
    return true;
  }
  // Nobody sends one of a server's own type, and behind it all would be in doubt.
  return read_extension_object(cursor, id, text) && (id.name_space == 0 || text.empty());
}

bool skip_localized_text(Cursor& cursor) noexcept {
  std::uint8_t mask = 0;
  if (!cursor.u8(mask) || (mask & 0xFCU) != 0) return false;
  if ((mask & 0x01U) != 0 && !skip_string(cursor)) return false;
  return (mask & 0x02U) == 0 || skip_string(cursor);
}

bool skip_diagnostic_info(Cursor& cursor) noexcept { return skip_diagnostic(cursor, 0); }

bool read_variant(Cursor& cursor, Value& value, unsigned depth) noexcept {
  return variant(cursor, value, depth);
}

bool read_data_value(Cursor& cursor, Value& value, unsigned depth) noexcept {
  return data_value(cursor, value, depth);
}

std::size_t spell(const NodeId& id, std::uint8_t* out, std::size_t room) noexcept {
  if (id.kind == IdKind::NUMERIC) return 0;
  const std::size_t size = id.data.size();
  const std::size_t needed = id.kind == IdKind::STRING ? size
                             : id.kind == IdKind::GUID ? 36
                                                       : (size + 2) / 3 * 4;
  if (needed > room - 2) return 0;
  out[1] = '=';
  if (id.kind == IdKind::STRING) {
    out[0] = 's';
    if (size != 0) std::memcpy(out + 2, id.data.data(), size);
  } else if (id.kind == IdKind::GUID) {
    out[0] = 'g';
    (void)spell_guid(id.data, out + 2);
  } else {
    out[0] = 'b';
    (void)spell_octets(id.data, out + 2);
  }
  return needed + 2;
}

}  // namespace conduit::opcua
