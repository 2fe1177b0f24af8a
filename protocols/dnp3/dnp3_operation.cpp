// Object headers (1815 §4.4.6) and what they ask for:
//
//    0       1           2           3
//   +-------+-----------+-----------+---------------+----------------------------- …
//   | group | variation | qualifier | range or count|  [index or size] object, …
//   +-------+-----------+-----------+---------------+----------------------------- …
//                        bits 6-4: what stands in front of each object: 0 nothing, 1-3 its index in 1, 2, 4
//                        octets, 4-6 its size; bits 3-0: 0-2 first and last index in 1, 2, 4 octets, 6 all,
//                        7-9 a count, 11 a count of objects that carry their size
#include <bit>

#include "protocols/dnp3/dnp3_pdu.hpp"

namespace conduit::dnp3 {
namespace {

constexpr std::size_t crob_size = 11;
constexpr std::uint8_t group_crob = 12;
constexpr std::uint8_t group_analog_output = 41;
constexpr std::uint8_t group_file = 70;
constexpr std::uint8_t group_authentication = 120;
constexpr std::uint8_t variation_code = 9;
constexpr std::uint8_t attribute_long_list = 255;  // a type: its length says how much there is above 256
constexpr std::uint8_t aggressive_mode_name[] = {'A', 'G', 'G', 'R', 'E', 'S', 'S', 'I',
                                                 'V', 'E', '_', 'M', 'O', 'D', 'E'};
constexpr std::uint16_t mode_base = 256;  // CONTROL: modes of files stand behind control codes

bool number(Cursor& cursor, std::size_t size, std::uint32_t& value) noexcept {
  std::uint8_t one = 0;
  std::uint16_t two = 0;
  if (size == 1) return cursor.u8(one) && (value = one, true);
  if (size == 2) return cursor.u16le(two) && (value = two, true);
  return cursor.u32le(value);
}

// 1, 2, 4 octets for the codes that follow `base`.
constexpr std::size_t octets_of(unsigned code, unsigned base) noexcept {
  return std::size_t{1} << (code - base);
}

// --- object headers --------------------------------------------------------------------------------------

// Elements that stand behind the header: how they are told, and whether they can be there.
const char* plan_elements(const Cursor& rest, std::uint32_t count, Fields& fields) noexcept {
  std::uint8_t bits = 0;
  fields.element_size = object_size(fields.group, fields.variation, bits);
  fields.bits = bits;
  fields.remaining = count;
  fields.has_data = true;
  if (fields.telling == Telling::SIZED) return bits == 0 ? nullptr : "qualifier";
  if (fields.group == 0 && fields.variation != 0) {
    fields.telling = Telling::ATTRIBUTE;
    return nullptr;
  }
  if (bits != 0) {
    if (!fields.has_index) return "qualifier";  // which points the bits stand for would be a guess
    const std::uint64_t size = (std::uint64_t{count} * bits + 7) / 8;
    if (rest.remaining() < size) return "count";
    fields.telling = Telling::RANGE;
    fields.element_size = static_cast<std::uint16_t>(size);
    fields.remaining = 1;
    return nullptr;
  }
  if (fields.element_size == 0) return "object";  // its size is not known: nothing behind it could be read
  const std::uint64_t each = std::uint64_t{fields.element_size} + fields.prefix_size;
  if (rest.remaining() / each < count) return "count";
  // What a device reports is told range by range; what it is asked to do, object by object.
  if (fields.telling == Telling::RANGE && !fields.response) fields.telling = Telling::EACH;
  if (fields.telling == Telling::RANGE) {
    fields.element_size = static_cast<std::uint16_t>(each * count);
    fields.remaining = 1;
  }
  return nullptr;
}

// First and last index, a count, or nothing for "all". `count` of "all" is 0.
const char* read_range(Cursor& rest, unsigned code, Fields& fields, std::uint32_t& count) noexcept {
  fields.index = 0;
  fields.index_end = index_last;
  fields.has_index = true;
  count = 0;
  if (code == 6) return nullptr;
  if (code <= 2) {
    std::uint32_t last = 0;
    if (!number(rest, octets_of(code, 0), fields.index) || !number(rest, octets_of(code, 0), last))
      return "range";
    if (last < fields.index || last - fields.index == index_last) return "range";
    fields.index_end = last;
    count = last - fields.index + 1;
    return nullptr;
  }
  fields.has_index = false;
  if (!number(rest, code == 11 ? 1 : octets_of(code, 7), count) || count == 0) return "count";
  return nullptr;
}

// Combinations that 1815 §4.4.6.3 lists as valid, without virtual addresses.
bool qualifier_valid(unsigned prefix, unsigned code) noexcept {
  if (prefix == 0) return code <= 2 || (code >= 6 && code <= 9);
  if (prefix <= 3) return code >= 7 && code <= 9;
  return prefix <= 6 && code == 11;
}

const char* read_header(Cursor& rest, Fields& fields) noexcept {
  std::uint8_t qualifier = 0;
  if (!rest.u8(fields.group) || !rest.u8(fields.variation) || !rest.u8(qualifier)) return "object_header";
  const unsigned prefix = (qualifier >> 4) & 7U;
  const unsigned code = qualifier & 15U;
  if ((qualifier & 0x80) != 0 || !qualifier_valid(prefix, code)) return "qualifier";
  std::uint32_t count = 0;
  if (const char* field = read_range(rest, code, fields, count); field != nullptr) return field;
  fields.prefix_size = 0;
  fields.telling = Telling::RANGE;
  if (prefix >= 4) {
    fields.prefix_size = static_cast<std::uint8_t>(octets_of(prefix, 4));
    fields.telling = Telling::SIZED;
  } else if (prefix >= 1) {
    fields.prefix_size = static_cast<std::uint8_t>(octets_of(prefix, 1));
    fields.telling = Telling::PREFIXED;
  }
  if (prefix >= 4 || carries_objects(fields.function, fields.group)) {
    if (code == 6) return "qualifier";  // all objects, and none of them here
    return plan_elements(rest, count, fields);
  }
  fields.has_data = false;
  fields.remaining = fields.telling == Telling::PREFIXED ? count : 1;
  // A count without indexes asks for some objects of that kind, whichever.
  if (!fields.has_index) fields.index = 0, fields.index_end = index_last, fields.has_index = true;
  return nullptr;
}

// --- objects ---------------------------------------------------------------------------------------------

void set_octets(Operation& operation, Bytes data) noexcept {
  if (data.empty()) return;
  operation.value.kind = ValueKind::BYTES;
  operation.value.count = static_cast<std::uint32_t>(data.size());
  operation.value.data = data;
}

void set_unsigned(Operation& operation, std::uint64_t value) noexcept {
  operation.value.kind = ValueKind::UNSIGNED;
  operation.value.count = 1;
  operation.value.u = value;
}

// Control relay output block and pattern control block (1815 §A.8.1, A.8.2).
const char* set_crob(Cursor object, Operation& operation) noexcept {
  std::uint8_t control = 0;
  std::uint8_t count = 0;
  std::uint32_t on_time = 0;
  std::uint32_t off_time = 0;
  std::uint8_t status = 0;
  if (!object.u8(control) || !object.u8(count) || !object.u32le(on_time) || !object.u32le(off_time) ||
      !object.u8(status)) {
    return "object";
  }
  if (status != 0) return "status";  // has a meaning in answers only
  operation.set(CONTROL, control);
  operation.set(COUNT, count);
  operation.set(ON_TIME, on_time);
  operation.set(OFF_TIME, off_time);
  return nullptr;
}

// Analog output block (1815 §A.18): a value and a status.
const char* set_analog(Cursor object, std::uint8_t variation, Operation& operation) noexcept {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  std::uint16_t small = 0;
  std::uint8_t status = 0;
  operation.value.count = 1;
  bool there = false;
  if (variation == 2) {
    there = object.u16le(small);
    operation.value.kind = ValueKind::SIGNED;
    operation.value.i = static_cast<std::int16_t>(small);
  } else if (variation == 4) {
    there = object.u32le(low) && object.u32le(high);
    operation.value.kind = ValueKind::FLOAT;
    operation.value.f = std::bit_cast<double>((std::uint64_t{high} << 32) | low);
  } else if (variation == 1 || variation == 3) {
    there = object.u32le(low);
    operation.value.kind = variation == 1 ? ValueKind::SIGNED : ValueKind::FLOAT;
    if (variation == 1) operation.value.i = static_cast<std::int32_t>(low);
    if (variation == 3) operation.value.f = static_cast<double>(std::bit_cast<float>(low));
  }
  if (!there || !object.u8(status)) return "object";
  return status == 0 ? nullptr : "status";
}

// Deadbands, times: as numbers where they are whole.
void set_written(Bytes object, const Fields& fields, Operation& operation) noexcept {
  if (fields.group == 34 && fields.variation == 3) {
    std::uint32_t bits = 0;
    if (!Cursor(object).u32le(bits)) return;
    operation.value.kind = ValueKind::FLOAT;
    operation.value.count = 1;
    operation.value.f = static_cast<double>(std::bit_cast<float>(bits));
    return;
  }
  const bool whole = fields.group == 34 || (fields.group == 50 && object.size() == 6);
  if (!whole || fields.element_size == 0) return set_octets(operation, object);  // 0: no known variation
  std::uint64_t value = 0;
  for (std::size_t i = object.size(); i != 0; --i) value = (value << 8) | object[i - 1];
  set_unsigned(operation, value);
}

// Does a name lead elsewhere than its beginning says: by a part "..", or by an octet that ends it for some? A
// rule may permit all that begins alike.
bool leads_elsewhere(Bytes name) noexcept {
  std::size_t dots = 0;  // of a part that has nothing else so far
  bool other = false;
  for (const std::uint8_t octet : name) {
    if (octet == 0) return true;
    if (octet == '/' || octet == '\\') {
      if (!other && dots == 2) return true;
      dots = 0;
      other = false;
    } else if (octet == '.') {
      ++dots;
    } else {
      other = true;
    }
  }
  return !other && dots == 2;
}

// File command and file descriptor (1815 §A.27.3, A.27.7): the name is the rest of the object, and nothing
// else.
const char* set_file(Bytes object, const Fields& fields, Operation& operation, std::uint16_t& mode) noexcept {
  Cursor rest(object);
  std::uint16_t name_offset = 0;
  std::uint16_t name_size = 0;
  const std::size_t before = fields.variation == 3 ? 26 : 20;
  if (!rest.u16le(name_offset) || !rest.u16le(name_size)) return "file";
  if (name_offset != before || object.size() < before || object.size() - before != name_size)
    return "file_name";
  if (leads_elsewhere(object.last(name_size))) return "file_name";
  if (fields.variation == 3) {
    if (!rest.skip(16) || !rest.u16le(mode) || mode > 3) return "file_mode";
    operation.set(CONTROL, std::uint64_t{mode_base} + mode);
  }
  operation.key[FILE_NAME].data = object.last(name_size);
  operation.keys_present |= 1U << FILE_NAME;
  return nullptr;
}

// File specification (1815 §A.27.8): a name alone.
const char* set_file_name(Bytes object, Operation& operation) noexcept {
  operation.key[FILE_NAME].data = object;
  operation.keys_present |= 1U << FILE_NAME;
  return leads_elsewhere(object) ? "file_name" : nullptr;
}

const char* set_object(Bytes object, const Fields& fields, Operation& operation) noexcept {
  std::uint16_t mode = 0;
  const char* field = nullptr;
  const bool block = fields.group == group_crob && object.size() == crob_size;
  if (fields.response) {
    set_octets(operation, object);
  } else if (block) {
    field = set_crob(Cursor(object), operation);
  } else if (fields.group == group_analog_output) {
    field = set_analog(Cursor(object), fields.variation, operation);
  } else if (fields.group == group_file && (fields.variation == 3 || fields.variation == 7)) {
    field = set_file(object, fields, operation, mode);
  } else if (fields.group == group_file && fields.variation == 8) {
    field = set_file_name(object, operation);
  } else {
    set_written(object, fields, operation);
  }
  operation.access = access_of(fields.function, fields.group, mode);
  return field;
}

// Packed bits in a request: none may be set behind the last one.
const char* set_bits(Bytes octets, const Fields& fields, Operation& operation) noexcept {
  const std::uint64_t bits = (std::uint64_t{fields.index_end} - fields.index + 1) * fields.bits;
  const unsigned rest = static_cast<unsigned>(bits % 8);
  if (!fields.response && rest != 0 && (octets.back() >> rest) != 0) return "padding";
  operation.value.kind = ValueKind::BITS;
  operation.value.count = static_cast<std::uint32_t>(bits);
  operation.value.data = octets;
  return nullptr;
}

// The message authentication code of an aggressive mode request: one object, nothing behind it.
const char* take_code(Cursor& rest, Fields& fields) noexcept {
  std::uint32_t size = 0;
  const bool one = fields.telling == Telling::SIZED && fields.prefix_size == 2 && fields.remaining == 1;
  if (!one || !number(rest, fields.prefix_size, size) || !rest.skip(size) || !rest.empty())
    return "authentication";
  fields.remaining = 0;
  fields.code_reached = true;
  return nullptr;
}

// --- elements --------------------------------------------------------------------------------------------

// The octets of the next element, its index or size in front of it read.
const char* take_element(Cursor& rest, Fields& fields, Operation& operation, Bytes& object) noexcept {
  std::size_t size = fields.has_data ? fields.element_size : 0;
  std::uint32_t front = 0;
  if (fields.prefix_size != 0 && !number(rest, fields.prefix_size, front)) return "prefix";
  if (fields.prefix_size != 0 && fields.telling != Telling::SIZED) operation.set(INDEX, front);
  if (fields.telling == Telling::SIZED) {
    if (size != 0 && size != front) return "object";  // has one size only
    size = front;
  }
  if (fields.telling == Telling::ATTRIBUTE) {
    Cursor ahead = rest;
    std::uint8_t type = 0;
    std::uint8_t length = 0;
    if (!ahead.u8(type) || !ahead.u8(length)) return "attribute";
    size = std::size_t{2} + length + (type == attribute_long_list ? 256U : 0U);
  }
  if (!rest.bytes(size, object)) return "object";
  if (fields.has_index && fields.telling == Telling::RANGE) {
    operation.set(INDEX, Range{fields.index, fields.index_end});
  } else if (fields.has_index && fields.prefix_size == 0) {
    operation.set(INDEX, fields.index++);
  }
  return nullptr;
}

const char* tell_element(Cursor& rest, Fields& fields, Operation& operation) noexcept {
  operation.set(OBJECT, (std::uint64_t{fields.group} << 8) | fields.variation);
  Bytes object;
  if (const char* field = take_element(rest, fields, operation, object); field != nullptr) return field;
  --fields.remaining;
  if (!fields.has_data) return nullptr;
  if (fields.bits == 0) return set_object(object, fields, operation);
  operation.access = access_of(fields.function, fields.group, 0);
  if (fields.group != group_crob) return set_bits(object, fields, operation);
  set_octets(operation, object);  // which of the points the pattern before moves
  return nullptr;
}

}  // namespace

bool begins_aggressive_mode(Bytes objects) noexcept {
  return objects.size() >= aggressive_mode_size && objects[0] == group_authentication && objects[1] == 3 &&
         objects[2] == 0x07 && objects[3] == 1;
}

Bytes objects_asked(Bytes fragment) noexcept {
  const Bytes objects = fragment.subspan(request_header_size);
  if (!begins_aggressive_mode(objects)) return objects;
  Fields fields;
  fields.pdu_size = 1;
  fields.function = fragment[1];
  fields.fragment_size = static_cast<std::uint16_t>(fragment.size());
  fields.position = request_header_size + aggressive_mode_size;
  Operation operation;
  const char* field = nullptr;
  std::size_t end = fields.position;
  while (next_operation(fragment, fields, operation, field) == Next::OPERATION) {
    if (fields.group == group_authentication && fields.variation == variation_code) {
      return fragment.subspan(request_header_size + aggressive_mode_size,
                              end - request_header_size - aggressive_mode_size);
    }
    end = fields.position;
  }
  return objects;
}

Next next_operation(Bytes fragment, Fields& fields, Operation& operation, const char*& field) noexcept {
  if (fields.pdu_size == 0) return Next::MALFORMED;
  const bool link = fields.function >= link_primary_base;
  const std::size_t head = fields.response ? response_header_size : request_header_size;
  const bool bare = link || fields.fragment_size == head;
  if (fields.remaining == 0 && (bare ? fields.told != 0 : fields.position == fields.fragment_size)) {
    if (fields.authenticated == fields.code_reached) return Next::END;
    field = "authentication";
    return Next::MALFORMED;
  }
  operation.clear();
  operation.protocol = dnp3_id;
  operation.function = fields.function;
  operation.access = access_of(fields.function, 0, 0);
  operation.set(OUTSTATION, fields.outstation);
  operation.set(MASTER, fields.master);
  if (fields.told != 0xFFFF) ++fields.told;
  if (bare) return Next::OPERATION;

  Cursor rest(fragment.subspan(fields.position));
  if (fields.authenticated) {
    operation.key[AUTHENTICATION].data = aggressive_mode_name;
    operation.keys_present = 1U << AUTHENTICATION;
  }
  field = fields.remaining == 0 ? read_header(rest, fields) : nullptr;
  const bool code = fields.group == group_authentication && fields.variation == variation_code;
  if (field == nullptr && fields.authenticated && code) {
    field = take_code(rest, fields);
    fields.position = fields.fragment_size;
    if (field != nullptr) return Next::MALFORMED;
    return fields.told == 1 ? Next::OPERATION : Next::END;  // a function without objects
  }
  if (field == nullptr) field = tell_element(rest, fields, operation);
  fields.position = static_cast<std::uint16_t>(fragment.size() - rest.remaining());
  return field == nullptr ? Next::OPERATION : Next::MALFORMED;
}

}  // namespace conduit::dnp3
