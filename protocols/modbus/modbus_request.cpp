// Bodies of requests, function by function, fields in wire order with the constraint beside the field (AP
// §6).
#include "protocols/core/mutation.hpp"
#include "protocols/modbus/modbus_pdu.hpp"

namespace conduit::modbus {
namespace {

constexpr std::uint16_t read_bits_max = 2000;        // AP §6.1, §6.2
constexpr std::uint16_t read_words_max = 125;        // AP §6.3, §6.4, §6.17
constexpr std::uint16_t write_bits_max = 1968;       // AP §6.11
constexpr std::uint16_t write_words_max = 123;       // AP §6.12
constexpr std::uint16_t read_write_words_max = 121;  // AP §6.17
constexpr std::uint8_t file_reference_type = 6;      // AP §6.14, §6.15
constexpr std::uint16_t record_last = 9999;          // AP §6.14: a file holds 10000 records
constexpr std::uint8_t read_group_size = 7;
constexpr std::uint8_t read_groups_size_max = 245;
constexpr std::uint8_t write_groups_size_min = 9;
constexpr std::uint8_t write_groups_size_max = 251;

// Nothing may follow the last field: the length of the header and the body would tell two different
// stories.
const char* at_end(const Cursor& body) noexcept {
  if (mutated(Mutation::TRAILING_BYTES_IGNORED)) return nullptr;
  return body.empty() ? nullptr : "length";
}

const char* range(Cursor& body, std::uint16_t quantity_max, std::uint16_t& address,
                  std::uint16_t& quantity) noexcept {
  if (!body.u16be(address)) return "address";
  if (!body.u16be(quantity) || quantity == 0 || quantity > quantity_max) return "quantity";
  if (wraps(address, quantity)) return "address";
  return nullptr;
}

const char* read_range(Cursor body, std::uint16_t quantity_max, Fields& fields) noexcept {
  fields.shape = Shape::RANGE;
  if (const char* field = range(body, quantity_max, fields.address, fields.quantity)) return field;
  return at_end(body);
}

const char* single_coil(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::SINGLE_COIL;
  if (!body.u16be(fields.address)) return "address";
  if (!body.u16be(fields.quantity)) return "value";
  if (fields.quantity != 0x0000 && fields.quantity != 0xFF00) return "value";
  return at_end(body);
}

const char* single_register(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::WRITE_WORDS;
  fields.quantity = 1;
  if (!body.u16be(fields.address)) return "address";
  if (body.remaining() < 2) return "value";
  if (body.remaining() > 2) return "length";
  take_rest(body, fields);
  return nullptr;
}

const char* write_bits(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::WRITE_BITS;
  std::uint8_t byte_count = 0;
  if (const char* field = range(body, write_bits_max, fields.address, fields.quantity)) return field;
  if (!body.u8(byte_count) || byte_count != (fields.quantity + 7) / 8) return "byte_count";
  if (byte_count != body.remaining()) return "length";
  // Bits behind the last coil are to be zero: a server that writes whole octets would write them.
  const unsigned used = fields.quantity % 8U;
  if (used != 0 && (body.rest()[byte_count - 1U] >> used) != 0) return "padding";
  take_rest(body, fields);
  return nullptr;
}

const char* write_words(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::WRITE_WORDS;
  std::uint8_t byte_count = 0;
  if (const char* field = range(body, write_words_max, fields.address, fields.quantity)) return field;
  if (!body.u8(byte_count)) return "byte_count";
  const bool trusted = mutated(Mutation::LENGTH_FIELD_TRUSTED);
  if (byte_count != 2 * fields.quantity && !trusted) return "byte_count";
  if (byte_count != body.remaining()) return "length";
  take_rest(body, fields);
  return nullptr;
}

const char* mask_write(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::MASK;
  fields.quantity = 1;
  if (!body.u16be(fields.address)) return "address";
  if (!body.u16be(fields.and_mask)) return "and_mask";
  fields.data_at = static_cast<std::uint16_t>(fields.adu_size - body.remaining());
  fields.data_size = 2;
  if (!body.u16be(fields.or_mask)) return "or_mask";
  return at_end(body);
}

const char* read_write(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::READ_WRITE;
  std::uint8_t byte_count = 0;
  if (range(body, read_words_max, fields.address, fields.quantity) != nullptr) return "read_range";
  if (range(body, read_write_words_max, fields.write_address, fields.write_quantity) != nullptr) {
    return "write_range";
  }
  if (!body.u8(byte_count) || byte_count != 2 * fields.write_quantity) return "byte_count";
  if (byte_count != body.remaining()) return "length";
  take_rest(body, fields);
  return nullptr;
}

// File number, record number and record length of one sub-request.
const char* file_group(Cursor& group, std::uint16_t& length) noexcept {
  std::uint8_t type = 0;
  std::uint16_t file = 0;
  std::uint16_t record = 0;
  if (!group.u8(type) || type != file_reference_type) return "reference_type";
  if (!group.u16be(file) || file == 0) return "file";
  if (!group.u16be(record) || record > record_last) return "record";
  if (!group.u16be(length) || length == 0) return "record_length";
  if (length - 1 > record_last - record) return "record_length";
  return nullptr;
}

const char* file_read(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::FILE_READ;
  std::uint8_t byte_count = 0;
  if (!body.u8(byte_count) || byte_count == 0 || byte_count > read_groups_size_max) return "byte_count";
  if (byte_count % read_group_size != 0) return "byte_count";
  if (byte_count != body.remaining()) return "length";
  Cursor groups = body;
  std::uint32_t answer_size = 0;  // each sub-response: its length octet, its type octet, the words
  while (!groups.empty()) {
    std::uint16_t length = 0;
    if (const char* field = file_group(groups, length)) return field;
    answer_size += 2U + 2U * length;
    if (answer_size > read_groups_size_max) return "record_length";
  }
  take_rest(body, fields);
  return nullptr;
}

const char* file_write(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::FILE_WRITE;
  std::uint8_t byte_count = 0;
  if (!body.u8(byte_count) || byte_count < write_groups_size_min || byte_count > write_groups_size_max) {
    return "byte_count";
  }
  if (byte_count != body.remaining()) return "length";
  Cursor groups = body;
  while (!groups.empty()) {
    std::uint16_t length = 0;
    if (const char* field = file_group(groups, length)) return field;
    if (!groups.skip(std::size_t{2} * length)) return "record_length";
  }
  take_rest(body, fields);
  return nullptr;
}

// AP §6.8.1: the data field of each sub-function.
bool diagnostic_data_good(std::uint16_t sub_function, Bytes data) noexcept {
  if (sub_function == 0) return data.size() >= 2 && data.size() % 2 == 0;  // anything, N × 2 octets
  if (sub_function_access(DIAGNOSTICS, sub_function) == AccessClass::PROGRAM)
    return true;  // reserved: as it is
  if (data.size() != 2) return false;
  const std::uint16_t word = load_u16be(data.data());
  if (sub_function == diagnostic_restart) return word == 0x0000 || word == 0xFF00;
  if (sub_function == diagnostic_delimiter) return (word & 0x00FFU) == 0;
  return word == 0;
}

const char* diagnostics(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::SUB_FUNCTION_DATA;
  if (!body.u16be(fields.sub_function)) return "sub_function";
  if (!diagnostic_data_good(fields.sub_function, body.rest())) return "data";
  take_rest(body, fields);
  return nullptr;
}

// AP §6.21. Stream access (codes 1–3) begins at `object`, or at 0 if the server does not know that object:
// whatever it names, the answer may hold every object up to the end of the category.
const char* device_identification(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::OBJECTS_ASKED;
  std::uint8_t object = 0;
  if (!body.u8(fields.object_code) || fields.object_code < 1 || fields.object_code > individual_access) {
    return "read_device_id_code";
  }
  if (!body.u8(object)) return "object";
  static constexpr std::uint8_t category_last[] = {0, 0x02, 0x7F, 0xFF};
  fields.object_first = object;
  fields.object_last = object;
  if (fields.object_code != individual_access) {
    fields.object_first = 0;
    fields.object_last = category_last[fields.object_code];
    if (fields.object_last < object) fields.object_last = object;
  }
  return at_end(body);
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

const char* no_data(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::OCTETS;
  return at_end(body);
}

const char* fifo(Cursor body, Fields& fields) noexcept {
  fields.shape = Shape::RANGE;
  fields.quantity = 1;
  if (!body.u16be(fields.address)) return "address";
  return at_end(body);
}

}  // namespace

const char* parse_request(Cursor body, Fields& fields) noexcept {
  switch (fields.function) {
    case READ_COILS:
    case READ_DISCRETE_INPUTS: return read_range(body, read_bits_max, fields);
    case READ_HOLDING_REGISTERS:
    case READ_INPUT_REGISTERS: return read_range(body, read_words_max, fields);
    case WRITE_SINGLE_COIL: return single_coil(body, fields);
    case WRITE_SINGLE_REGISTER: return single_register(body, fields);
    case DIAGNOSTICS: return diagnostics(body, fields);
    case WRITE_MULTIPLE_COILS: return write_bits(body, fields);
    case WRITE_MULTIPLE_REGISTERS: return write_words(body, fields);
    case READ_EXCEPTION_STATUS:
    case GET_COMM_EVENT_COUNTER:
    case GET_COMM_EVENT_LOG:
    case REPORT_SERVER_ID: return no_data(body, fields);
    case READ_FILE_RECORD: return file_read(body, fields);
    case WRITE_FILE_RECORD: return file_write(body, fields);
    case MASK_WRITE_REGISTER: return mask_write(body, fields);
    case READ_WRITE_MULTIPLE_REGISTERS: return read_write(body, fields);
    case READ_FIFO_QUEUE: return fifo(body, fields);
    case ENCAPSULATED_INTERFACE_TRANSPORT: return encapsulated(body, fields);
    default:  // user-defined and reserved codes: judged by number, nothing is known of their body
      fields.shape = Shape::OCTETS;
      take_rest(body, fields);
      return nullptr;
  }
}

}  // namespace conduit::modbus
