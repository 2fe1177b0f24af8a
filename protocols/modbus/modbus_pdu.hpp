// Inside of the Modbus room: one PDU read into numbers. `open` fills Fields, `next` turns them into
// operations.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/modbus/modbus_decoder.hpp"

namespace conduit::modbus {

// How the body of a PDU is built; tells `next` what there is to say.
enum class Shape : std::uint8_t {
  RANGE = 0,          // address and quantity: read requests, answers to multi-writes
  SINGLE_COIL,        // address and value 0x0000 / 0xFF00
  WRITE_BITS,         // address, quantity, bits
  WRITE_WORDS,        // address, quantity (1 in function 6), words
  MASK,               // address and two masks
  READ_WRITE,         // two ranges and the words for the second
  FILE_READ,          // sub-requests: what to read
  FILE_WRITE,         // sub-requests: what to write, with the words; the answer repeats it
  SUB_FUNCTION_DATA,  // sub-function or MEI type, then data
  OBJECTS_ASKED,      // device identification: which objects
  DATA_BITS,          // answer: bits without an address
  DATA_WORDS,         // answer: words without an address
  FILE_DATA,          // answer: sub-responses with words
  OBJECTS_GIVEN,      // answer: identification objects
  EXCEPTION,          // answer: exception code
  OCTETS,             // nothing known, or nothing but octets without numbers
};

// Position and numbers of one PDU. Lives in PduState between `open` and `next`.
struct Fields {
  std::uint16_t adu_size = 0;
  std::uint8_t unit = 0;
  std::uint8_t function = 0;  // without the exception bit
  Shape shape = Shape::OCTETS;
  bool response = false;
  std::uint16_t sub_function = 0;
  std::uint16_t address = 0;
  std::uint16_t quantity = 0;
  std::uint16_t write_address = 0;
  std::uint16_t write_quantity = 0;
  std::uint16_t and_mask = 0;
  std::uint16_t or_mask = 0;
  std::uint8_t object_code = 0;  // read-device-id code, 1–4
  std::uint8_t object_first = 0;
  std::uint8_t object_last = 0;
  std::uint8_t exception = 0;
  std::uint16_t data_at = 0;    // where values or groups begin, from the start of the ADU
  std::uint16_t data_size = 0;  // and how many octets they are
  std::uint16_t position = 0;   // `next`: octets of groups already told
  std::uint8_t told = 0;        // `next`: operations already told
};
static_assert(sizeof(Fields) <= pdu_state_size);

// What is known of a function code. Unknown ones have no name and are of class PROGRAM: what they do is not
// known, so no permission to read or write values covers them.
struct FunctionRow {
  std::string_view name{};
  AccessClass access = AccessClass::PROGRAM;
  bool has_table = false;
  Table table = Table::COILS;
};
[[nodiscard]] const FunctionRow& function_row(std::uint8_t function) noexcept;

// Class of a DIAGNOSTICS sub-function (AP §6.8) or of an MEI type of function 43; PROGRAM where it is
// reserved.
[[nodiscard]] AccessClass sub_function_access(std::uint8_t function, std::uint16_t sub_function) noexcept;

// True for DIAGNOSTICS sub-functions whose answer repeats the request's data.
[[nodiscard]] bool diagnostic_echoes(std::uint16_t sub_function) noexcept;

inline constexpr std::uint16_t diagnostic_restart = 1;
inline constexpr std::uint16_t diagnostic_delimiter = 3;
inline constexpr std::uint16_t diagnostic_listen_only = 4;
inline constexpr std::uint8_t mei_canopen = 13;
inline constexpr std::uint8_t mei_device_identification = 14;
inline constexpr std::uint8_t individual_access = 4;  // read-device-id code: one object

// Reads the body behind the function code of a request / an answer without exception bit into `fields`
// (unit and function are set already). Null, or the name of the field at fault.
[[nodiscard]] const char* parse_request(Cursor body, Fields& fields) noexcept;
[[nodiscard]] const char* parse_response(Cursor body, Fields& fields) noexcept;

// Reads a whole ADU, header included. Null, or the name of the field at fault.
[[nodiscard]] const char* parse_adu(Bytes adu, Role sender, Fields& fields) noexcept;

// Number by which a request is remembered until it is answered.
[[nodiscard]] std::uint64_t agreement(Bytes adu, const Fields& fields) noexcept;

// Does this answer fit the request with that agreement?
[[nodiscard]] bool agrees(Bytes response, std::uint64_t asked, Quirks quirks) noexcept;

// The next operation that `fields` has not told yet.
[[nodiscard]] Next next_operation(Bytes adu, Fields& fields, Operation& operation) noexcept;

// Notes where the rest of the body lies in the ADU and consumes it.
inline void take_rest(Cursor& body, Fields& fields) noexcept {
  fields.data_size = static_cast<std::uint16_t>(body.remaining());
  fields.data_at = static_cast<std::uint16_t>(fields.adu_size - body.remaining());
  body = Cursor{};
}

// Address space of every table is 0…65535; a range that would run over its end is not readable in one way
// only.
[[nodiscard]] constexpr bool wraps(std::uint16_t address, std::uint16_t quantity) noexcept {
  return std::uint32_t{address} + quantity > 0x10000U;
}

}  // namespace conduit::modbus
