// From the numbers of a PDU to operations.
#include "protocols/modbus/modbus_pdu.hpp"

namespace conduit::modbus {
namespace {

Bytes data_of(Bytes adu, const Fields& fields) noexcept {
  return adu.subspan(fields.data_at, fields.data_size);
}

Range range_of(std::uint16_t address, std::uint16_t quantity) noexcept {
  return {address, std::uint64_t{address} + quantity - 1U};
}

void set_octets(Operation& operation, Bytes data) noexcept {
  if (data.empty()) return;
  operation.value.kind = ValueKind::BYTES;
  operation.value.count = static_cast<std::uint32_t>(data.size());
  operation.value.data = data;
}

void set_words(Operation& operation, Bytes data) noexcept {
  if (data.size() < 2) return;  // an empty queue: no value
  operation.value.kind = ValueKind::WORDS;
  operation.value.count = static_cast<std::uint32_t>(data.size() / 2);
  operation.value.data = data;
}

void set_bits(Operation& operation, Bytes data, std::uint32_t count) noexcept {
  operation.value.kind = ValueKind::BITS;
  operation.value.count = count;
  operation.value.data = data;
}

void set_number(Operation& operation, std::uint64_t number) noexcept {
  operation.value.kind = ValueKind::UNSIGNED;
  operation.value.count = 1;
  operation.value.u = number;
}

// Function 22 leaves (register AND and_mask) OR (or_mask AND NOT and_mask) (AP §6.16): known only where no
// bit of the old value stays.
void set_mask(Operation& operation, const Fields& fields, Bytes data) noexcept {
  operation.set(ADDRESS, range_of(fields.address, 1));
  operation.set(AND_MASK, fields.and_mask);
  operation.set(OR_MASK, fields.or_mask);
  if (fields.and_mask == 0) {
    set_words(operation, data);
  } else {
    operation.value.kind = ValueKind::UNREADABLE;
    operation.value.count = 1;
  }
}

void set_sub_function(Operation& operation, const Fields& fields, Bytes data) noexcept {
  operation.access = sub_function_access(fields.function, fields.sub_function);
  operation.set(SUB_FUNCTION, fields.sub_function);
  if (fields.function == DIAGNOSTICS && data.size() % 2 == 0) {
    set_words(operation, data);
  } else {
    set_octets(operation, data);
  }
}

// One sub-request or sub-response of functions 20 and 21. `parse` has checked all of them.
Next file_group(Bytes groups, Fields& fields, Operation& operation) noexcept {
  Cursor rest(groups.subspan(fields.position));
  if (rest.empty()) return Next::END;
  Bytes data;
  if (fields.shape == Shape::FILE_DATA) {
    std::uint8_t size = 0;
    if (!rest.u8(size) || size == 0 || !rest.skip(1)) return Next::MALFORMED;
    if (!rest.bytes(size - std::size_t{1}, data)) return Next::MALFORMED;
  } else {
    std::uint16_t file = 0;
    std::uint16_t record = 0;
    std::uint16_t length = 0;
    if (!rest.skip(1) || !rest.u16be(file) || !rest.u16be(record) || !rest.u16be(length) || length == 0) {
      return Next::MALFORMED;
    }
    if (fields.shape == Shape::FILE_WRITE && !rest.bytes(std::size_t{2} * length, data))
      return Next::MALFORMED;
    operation.set(FILE_NUMBER, file);
    operation.set(ADDRESS, range_of(record, length));
  }
  set_words(operation, data);
  fields.position = static_cast<std::uint16_t>(groups.size() - rest.remaining());
  return Next::OPERATION;
}

// One object of an answer to 43/14. An answer without objects still says what it answers.
Next object_given(Bytes objects, Fields& fields, Operation& operation) noexcept {
  operation.access = AccessClass::DISCOVER;
  operation.set(SUB_FUNCTION, fields.sub_function);
  Cursor rest(objects.subspan(fields.position));
  if (rest.empty()) return fields.told == 0 ? Next::OPERATION : Next::END;
  std::uint8_t object = 0;
  std::uint8_t size = 0;
  Bytes data;
  if (!rest.u8(object) || !rest.u8(size) || !rest.bytes(size, data)) return Next::MALFORMED;
  operation.set(OBJECT, object);
  set_octets(operation, data);
  fields.position = static_cast<std::uint16_t>(objects.size() - rest.remaining());
  return Next::OPERATION;
}

Next read_write(const Fields& fields, Bytes data, Operation& operation) noexcept {
  if (fields.told == 0) {
    operation.set(ADDRESS, range_of(fields.address, fields.quantity));
    return Next::OPERATION;
  }
  if (fields.told > 1) return Next::END;
  operation.access = AccessClass::WRITE;
  operation.set(ADDRESS, range_of(fields.write_address, fields.write_quantity));
  set_words(operation, data);
  return Next::OPERATION;
}

Next single(const Fields& fields, Bytes data, Operation& operation) noexcept {
  switch (fields.shape) {
    case Shape::RANGE: operation.set(ADDRESS, range_of(fields.address, fields.quantity)); break;
    case Shape::SINGLE_COIL:
      operation.set(ADDRESS, range_of(fields.address, 1));
      set_number(operation, fields.quantity != 0 ? 1 : 0);
      break;
    case Shape::WRITE_BITS:
      operation.set(ADDRESS, range_of(fields.address, fields.quantity));
      set_bits(operation, data, fields.quantity);
      break;
    case Shape::WRITE_WORDS:
      operation.set(ADDRESS, range_of(fields.address, fields.quantity));
      set_words(operation, data);
      break;
    case Shape::MASK: set_mask(operation, fields, data); break;
    case Shape::SUB_FUNCTION_DATA: set_sub_function(operation, fields, data); break;
    case Shape::OBJECTS_ASKED:
      operation.access = AccessClass::DISCOVER;
      operation.set(SUB_FUNCTION, fields.sub_function);
      operation.set(OBJECT, Range{fields.object_first, fields.object_last});
      break;
    case Shape::DATA_BITS: set_bits(operation, data, std::uint32_t{8} * fields.data_size); break;
    case Shape::DATA_WORDS: set_words(operation, data); break;
    case Shape::EXCEPTION: set_number(operation, fields.exception); break;
    case Shape::OCTETS: set_octets(operation, data); break;
    case Shape::READ_WRITE:
    case Shape::FILE_READ:
    case Shape::FILE_WRITE:
    case Shape::FILE_DATA:
    case Shape::OBJECTS_GIVEN: return Next::MALFORMED;  // not single: told by the functions above
  }
  return Next::OPERATION;
}

// Shapes that may hold more than one operation.
bool several(Shape shape) noexcept {
  constexpr auto bit = [](Shape one) { return 1U << static_cast<unsigned>(one); };
  constexpr unsigned shapes = bit(Shape::READ_WRITE) | bit(Shape::FILE_READ) | bit(Shape::FILE_WRITE) |
                              bit(Shape::FILE_DATA) | bit(Shape::OBJECTS_GIVEN);
  return (shapes & bit(shape)) != 0;
}

}  // namespace

Next next_operation(Bytes adu, Fields& fields, Operation& operation) noexcept {
  // Not the PDU that was opened, or `open` found it malformed.
  if (fields.adu_size == 0 || adu.size() != fields.adu_size) return Next::MALFORMED;
  if (fields.told != 0 && !several(fields.shape)) return Next::END;
  const FunctionRow& row = function_row(fields.function);
  operation.clear();
  operation.protocol = modbus_id;
  operation.function = fields.function;
  operation.access = row.access;
  operation.set(UNIT, fields.unit);
  if (row.has_table) operation.set(TABLE, static_cast<std::uint64_t>(row.table));

  const Bytes data = data_of(adu, fields);
  Next result = Next::END;
  switch (fields.shape) {
    case Shape::READ_WRITE: result = read_write(fields, data, operation); break;
    case Shape::FILE_READ:
    case Shape::FILE_WRITE:
    case Shape::FILE_DATA: result = file_group(data, fields, operation); break;
    case Shape::OBJECTS_GIVEN: result = object_given(data, fields, operation); break;
    case Shape::RANGE:
    case Shape::SINGLE_COIL:
    case Shape::WRITE_BITS:
    case Shape::WRITE_WORDS:
    case Shape::MASK:
    case Shape::SUB_FUNCTION_DATA:
    case Shape::OBJECTS_ASKED:
    case Shape::DATA_BITS:
    case Shape::DATA_WORDS:
    case Shape::EXCEPTION:
    case Shape::OCTETS: result = single(fields, data, operation); break;
  }
  if (result == Next::OPERATION) ++fields.told;
  return result;
}

}  // namespace conduit::modbus
