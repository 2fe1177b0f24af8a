// Bodies of answers, function by function, fields in wire order (AP §6). Every length is reconciled.
// Contents that no server acts on (padding of coil data, conformity level, exception code) are not judged;
// what an answer repeats of its request is compared in modbus_agreement.cpp.
#include "protocols/modbus/modbus_pdu.hpp"

namespace conduit::modbus {
namespace {

constexpr std::uint8_t data_size_max = 250;   // 2000 coils or 125 registers
constexpr std::uint8_t log_size_min = 6;      // AP §6.10: status, event count, message count
constexpr std::uint8_t log_size_max = 70;     // and 64 events
constexpr std::uint16_t fifo_count_max = 31;  // AP §6.18
constexpr std::uint8_t file_size_max = 245;   // AP §6.14
constexpr std::uint8_t file_reference_type = 6;

const char* at_end(const Cursor& body) noexcept { return body.empty() ? nullptr : "length"; }

// A count octet and as many octets.
const char* counted(Cursor body, std::uint8_t min, std::uint8_t max, Fields& fields) noexcept {
  std::uint8_t byte_count = 0;
  if (!body.u8(byte_count) || byte_count < min || byte_count > max) return "byte_count";
  if (byte_count != body.remaining()) return "length";
  take_rest(body, fields);
  return nullptr;
}

const char* bits(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::DATA_BITS;
  return counted(body, 1, data_size_max, fields);
}

const char* words(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::DATA_WORDS;
  if (const char* field = counted(body, 2, data_size_max, fields)) return field;
  return fields.data_size % 2 == 0 ? nullptr : "byte_count";
}

const char* octets(Cursor body, std::size_t size, Fields& fields) noexcept {
  fields.shape = Shape::OCTETS;
  if (body.remaining() != size) return "length";
  take_rest(body, fields);
  return nullptr;
}

// Answers to functions 15 and 16: the range that was written.
const char* written_range(Cursor body, std::uint16_t quantity_max, Fields& fields) noexcept {
  fields.shape = Shape::RANGE;
  if (!body.u16be(fields.address)) return "address";
  if (!body.u16be(fields.quantity) || fields.quantity == 0 || fields.quantity > quantity_max)
    return "quantity";
  if (wraps(fields.address, fields.quantity)) return "address";
  return at_end(body);
}

const char* file_data(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::FILE_DATA;
  if (const char* field = counted(body, 4, file_size_max, fields)) return field;
  if (!body.skip(1)) return "byte_count";
  while (!body.empty()) {
    std::uint8_t size = 0;  // of what follows: reference type and words
    std::uint8_t type = 0;
    if (!body.u8(size) || size < 3 || size % 2 == 0) return "file_response_length";
    if (!body.u8(type) || type != file_reference_type) return "reference_type";
    if (!body.skip(size - std::size_t{1})) return "file_response_length";
  }
  return nullptr;
}

const char* fifo(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::DATA_WORDS;
  std::uint16_t byte_count = 0;
  std::uint16_t count = 0;
  if (!body.u16be(byte_count) || byte_count != body.remaining()) return "byte_count";
  if (!body.u16be(count) || count > fifo_count_max) return "fifo_count";
  if (body.remaining() != std::size_t{2} * count) return "fifo_count";
  take_rest(body, fields);
  return nullptr;
}

const char* diagnostics(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::SUB_FUNCTION_DATA;
  if (!body.u16be(fields.sub_function)) return "sub_function";
  const bool reserved = sub_function_access(DIAGNOSTICS, fields.sub_function) == AccessClass::PROGRAM;
  if (fields.sub_function == 0) {
    if (body.remaining() < 2 || body.remaining() % 2 != 0) return "data";
  } else if (!reserved && body.remaining() != 2) {
    return "data";
  }
  take_rest(body, fields);
  return nullptr;
}

// AP §6.21: objects with their lengths, as many as announced, nothing behind them. (The specification's own
// example of an answer in two parts announces the total in both. Readers that trust the number would read
// on behind it.)
const char* device_identification(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::OBJECTS_GIVEN;
  std::uint8_t count = 0;
  if (!body.u8(fields.object_code) || fields.object_code < 1 || fields.object_code > individual_access) {
    return "read_device_id_code";
  }
  if (!body.skip(1)) return "conformity_level";
  if (!body.skip(1)) return "more_follows";
  if (!body.skip(1)) return "next_object";
  if (!body.u8(count)) return "number_of_objects";
  Cursor objects = body;
  for (unsigned index = 0; index < count; ++index) {
    std::uint8_t object = 0;
    std::uint8_t size = 0;
    if (!objects.u8(object)) return "object";
    if (index == 0) fields.object_first = object;
    if (!objects.u8(size) || !objects.skip(size)) return "object_length";
  }
  if (!objects.empty()) return "length";
  take_rest(body, fields);
  return nullptr;
}

const char* encapsulated(Cursor body, Fields& fields) noexcept {
  std::uint8_t type = 0;
  if (!body.u8(type)) return "sub_function";
  fields.sub_function = type;
  if (type == mei_device_identification) return device_identification(body, fields);
  fields.shape = Shape::SUB_FUNCTION_DATA;
  take_rest(body, fields);
  return nullptr;
}

}  // namespace

const char* parse_response(Cursor body, Fields& fields) noexcept {
  switch (fields.function) {
    case READ_COILS:
    case READ_DISCRETE_INPUTS: return bits(body, fields);
    case READ_HOLDING_REGISTERS:
    case READ_INPUT_REGISTERS:
    case READ_WRITE_MULTIPLE_REGISTERS: return words(body, fields);
    case WRITE_SINGLE_COIL:
    case WRITE_SINGLE_REGISTER:
    case WRITE_FILE_RECORD:
    case MASK_WRITE_REGISTER: return parse_request(body, fields);  // the answer repeats the request
    case READ_EXCEPTION_STATUS: return octets(body, 1, fields);
    case DIAGNOSTICS: return diagnostics(body, fields);
    case GET_COMM_EVENT_COUNTER: return octets(body, 4, fields);
    case GET_COMM_EVENT_LOG: return counted(body, log_size_min, log_size_max, fields);
    case WRITE_MULTIPLE_COILS: return written_range(body, 1968, fields);
    case WRITE_MULTIPLE_REGISTERS: return written_range(body, 123, fields);
    case REPORT_SERVER_ID: return counted(body, 1, 251, fields);
    case READ_FILE_RECORD: return file_data(body, fields);
    case READ_FIFO_QUEUE: return fifo(body, fields);
    case ENCAPSULATED_INTERFACE_TRANSPORT: return encapsulated(body, fields);
    default:
      fields.shape = Shape::OCTETS;
      take_rest(body, fields);
      return nullptr;
  }
}

}  // namespace conduit::modbus
