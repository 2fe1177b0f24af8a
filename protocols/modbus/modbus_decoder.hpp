// Modbus/TCP (and Modbus over UDP): row of the registry, and the numbers in which its operations speak.
//
// Source: MODBUS Application Protocol Specification V1.1b3 ("AP"), MODBUS Messaging on TCP/IP
// Implementation Guide V1.0b ("IG"). All functions are pure and may be called from any thread; views in
// operations point into the PDU.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocols/core/decoder.hpp"

namespace conduit {

inline constexpr ProtocolId modbus_id{16};
extern const Protocol modbus_protocol;

namespace modbus {

// Tolerances of a server's asset.
inline constexpr Quirks QUIRK_UNIT_NOT_ECHOED = quirk(1);      // answers with a unit identifier of its own
inline constexpr Quirks QUIRK_TRANSACTION_ID_ZERO = quirk(2);  // answers with transaction identifier 0

// Dimensions of Operation. The policy spells them as in `modbus_protocol.dimension_names`.
enum Dimension : std::size_t {
  UNIT = 0,
  ADDRESS = 1,       // coil, input, register or (in table FILES) record numbers
  TABLE = 2,         // Table
  SUB_FUNCTION = 3,  // of function 8; MEI type of function 43
  FILE_NUMBER = 4,
  OBJECT = 5,  // device identification objects that 43/14 may return
  AND_MASK = 6,
  OR_MASK = 7,
};

// Numbers are the classic prefix digits of the tables (4xxxx = holding register).
enum class Table : std::uint8_t {
  COILS = 0,
  DISCRETE_INPUTS = 1,
  INPUT_REGISTERS = 3,
  HOLDING_REGISTERS = 4,
  FILES = 6,
};

// Public function codes of AP §5.1.
enum Function : std::uint8_t {
  READ_COILS = 1,
  READ_DISCRETE_INPUTS = 2,
  READ_HOLDING_REGISTERS = 3,
  READ_INPUT_REGISTERS = 4,
  WRITE_SINGLE_COIL = 5,
  WRITE_SINGLE_REGISTER = 6,
  READ_EXCEPTION_STATUS = 7,
  DIAGNOSTICS = 8,
  GET_COMM_EVENT_COUNTER = 11,
  GET_COMM_EVENT_LOG = 12,
  WRITE_MULTIPLE_COILS = 15,
  WRITE_MULTIPLE_REGISTERS = 16,
  REPORT_SERVER_ID = 17,
  READ_FILE_RECORD = 20,
  WRITE_FILE_RECORD = 21,
  MASK_WRITE_REGISTER = 22,
  READ_WRITE_MULTIPLE_REGISTERS = 23,
  READ_FIFO_QUEUE = 24,
  ENCAPSULATED_INTERFACE_TRANSPORT = 43,
};

// Exception codes of AP §7 that a refusal uses.
enum ExceptionCode : std::uint8_t {
  ILLEGAL_FUNCTION = 1,
  ILLEGAL_DATA_ADDRESS = 2,
  ILLEGAL_DATA_VALUE = 3,
  SERVER_DEVICE_BUSY = 6,
};

// Limits of the wire, octets. MBAP header: transaction 2, protocol 2, length 2, unit 1; `length` counts
// from the unit.
inline constexpr std::size_t mbap_size = 7;
inline constexpr std::size_t length_end = 6;      // where the octets that `length` counts begin
inline constexpr std::uint16_t length_min = 2;    // unit and function
inline constexpr std::uint16_t length_max = 254;  // unit and a PDU of 253 octets (AP §4.1)
inline constexpr std::size_t adu_size_max = length_end + length_max;
static_assert(adu_size_max == 260);
inline constexpr std::uint8_t exception_bit = 0x80;

}  // namespace modbus
}  // namespace conduit
