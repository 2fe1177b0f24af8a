// Does this answer belong to that request? A request is remembered by one number, its agreement:
//
//    63        56 55        48 47             32 31                                   0
//   +------------+------------+-----------------+--------------------------------------+
//   |  function  |    unit    |   transaction   |  what the answer repeats, or follows |
//   +------------+------------+-----------------+--------------------------------------+
//
// A short echo and a byte count stand there as they are. A long echo enters by a hash: this detects the
// answer to something else, it authenticates nothing.
#include "protocols/modbus/modbus_pdu.hpp"

namespace conduit::modbus {
namespace {

constexpr std::uint32_t hash_start = 0x811c9dc5U;

// FNV-1a, 32 bit.
std::uint32_t hash(Bytes data, std::uint32_t state = hash_start) noexcept {
  for (const std::uint8_t octet : data) state = (state ^ octet) * 0x01000193U;
  return state;
}

// Sizes of the sub-responses of function 20, in order, as the request lets expect them or as the answer has
// them.
std::uint32_t file_sizes(Bytes groups, Shape shape) noexcept {
  Cursor rest(groups);
  std::uint32_t digest = hash_start;
  while (!rest.empty()) {
    std::uint16_t words = 0;
    if (shape == Shape::FILE_READ) {
      if (!rest.skip(5) || !rest.u16be(words)) break;
    } else {
      std::uint8_t size = 0;
      if (!rest.u8(size) || size == 0 || !rest.skip(size)) break;
      words = static_cast<std::uint16_t>((size - 1) / 2);
    }
    const auto octet = static_cast<std::uint8_t>(words);  // at most 121
    digest = hash(Bytes{&octet, 1}, digest);
  }
  return digest;
}

std::uint32_t pair(std::uint16_t high, std::uint16_t low) noexcept {
  return (std::uint32_t{high} << 16) | low;
}

std::uint32_t body_agreement(Bytes adu, const Fields& fields) noexcept {
  const Bytes body = adu.subspan(mbap_size + 1);
  switch (fields.function) {
    case READ_COILS:
    case READ_DISCRETE_INPUTS: return fields.response ? fields.data_size : (fields.quantity + 7U) / 8U;
    case READ_HOLDING_REGISTERS:
    case READ_INPUT_REGISTERS:
    case READ_WRITE_MULTIPLE_REGISTERS: return fields.response ? fields.data_size : 2U * fields.quantity;
    case WRITE_SINGLE_COIL:
    case WRITE_SINGLE_REGISTER: return load_u32be(body.data());  // address and value
    case WRITE_MULTIPLE_COILS:
    case WRITE_MULTIPLE_REGISTERS: return pair(fields.address, fields.quantity);
    case DIAGNOSTICS: return hash(diagnostic_echoes(fields.sub_function) ? body : body.first(2));
    case READ_FILE_RECORD: return file_sizes(adu.subspan(fields.data_at, fields.data_size), fields.shape);
    case WRITE_FILE_RECORD:
    case MASK_WRITE_REGISTER: return hash(body);
    case ENCAPSULATED_INTERFACE_TRANSPORT: {
      const bool one = fields.object_code == individual_access;
      return (std::uint32_t{fields.sub_function} << 16) | (std::uint32_t{fields.object_code} << 8) |
             (one ? fields.object_first : 0U);
    }
    default: return 0;
  }
}

bool header_agrees(Bytes response, std::uint64_t asked, Quirks quirks) noexcept {
  const std::uint16_t transaction = load_u16be(response.data());
  const bool same_transaction = transaction == ((asked >> 32) & 0xFFFF);
  const bool no_transaction = transaction == 0 && (quirks & QUIRK_TRANSACTION_ID_ZERO) != 0;
  if (!same_transaction && !no_transaction) return false;
  return response[length_end] == ((asked >> 48) & 0xFF) || (quirks & QUIRK_UNIT_NOT_ECHOED) != 0;
}

}  // namespace

std::uint64_t agreement(Bytes adu, const Fields& fields) noexcept {
  const std::uint64_t transaction = load_u16be(adu.data());
  const std::uint64_t body = body_agreement(adu, fields);
  return (std::uint64_t{fields.function} << 56) | (std::uint64_t{fields.unit} << 48) | (transaction << 32) |
         body;
}

// The functions of a usual dialogue are compared without reading the answer once more: `open` has found it
// well formed.
bool agrees(Bytes response, std::uint64_t asked, Quirks quirks) noexcept {
  const std::size_t size = response.size();
  if (size < mbap_size + 1 || !header_agrees(response, asked, quirks)) return false;
  const std::uint64_t function = asked >> 56;
  const std::uint32_t expected = static_cast<std::uint32_t>(asked);
  const std::uint8_t* body = response.data() + mbap_size + 1;
  if (response[mbap_size] == function && size > mbap_size + 1) {
    if (function <= READ_INPUT_REGISTERS) return body[0] == expected && size == mbap_size + 2 + body[0];
    const bool repeats = function == WRITE_SINGLE_COIL || function == WRITE_SINGLE_REGISTER ||
                         function == WRITE_MULTIPLE_COILS || function == WRITE_MULTIPLE_REGISTERS;
    if (repeats) return size == mbap_size + 5 && load_u32be(body) == expected;
  }
  Fields fields;
  if (parse_adu(response, Role::SERVER, fields) != nullptr || fields.function != function) return false;
  return fields.shape == Shape::EXCEPTION || body_agreement(response, fields) == expected;
}

}  // namespace conduit::modbus
