// Information objects (101 §7.2.5, §7.2.6), one operation each:
//
//    SQ = 0                                     SQ = 1
//   +---------+---------+---------+---------+  +---------+---------+---------+---------+
//   | address | element | address | element |  | address | element | element | element |
//   +---------+---------+---------+---------+  +---------+---------+---------+---------+
//                                                          address   + 1       + 2
#include <bit>

#include "protocols/iec104/iec104_pdu.hpp"

namespace conduit::iec104 {
namespace {

constexpr std::uint8_t delete_file = 4;  // SCQ (101 §7.2.6.30)
constexpr std::size_t segment_at = 4;    // in F_SG: behind names and length

void set_unsigned(Operation& operation, std::uint64_t value) noexcept {
  operation.value.kind = ValueKind::UNSIGNED;
  operation.value.count = 1;
  operation.value.u = value;
}

void set_signed(Operation& operation, std::int64_t value) noexcept {
  operation.value.kind = ValueKind::SIGNED;
  operation.value.count = 1;
  operation.value.i = value;
}

void set_float(Operation& operation, double value) noexcept {
  operation.value.kind = ValueKind::FLOAT;
  operation.value.count = 1;
  operation.value.f = value;
}

void set_octets(Operation& operation, Bytes data) noexcept {
  if (data.empty()) return;
  operation.value.kind = ValueKind::BYTES;
  operation.value.count = static_cast<std::uint32_t>(data.size());
  operation.value.data = data;
}

std::uint16_t load_u16le(Bytes octets) noexcept {
  return static_cast<std::uint16_t>(octets[0] | (octets[1] << 8));
}

std::uint32_t load_u32le(Bytes octets) noexcept {
  return load_u16le(octets) | (std::uint32_t{load_u16le(octets.subspan(2))} << 16);
}

// Milliseconds since 1970 of a CP56Time2a of this century. Days by the count of March-based years.
std::uint64_t milliseconds_of(Bytes time) noexcept {
  const unsigned month = time[5] & 0x0FU;
  const unsigned year = 2000U + (time[6] & 0x7FU) - (month <= 2 ? 1U : 0U);
  const unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + (time[4] & 0x1FU) - 1;
  const std::uint64_t days =
      std::uint64_t{365} * year + year / 4 - year / 100 + year / 400 + of_year - 719'468;
  const std::uint64_t minutes = (days * 24 + (time[3] & 0x1FU)) * 60 + (time[2] & 0x3FU);
  return minutes * 60'000 + load_u16le(time);
}

void set_number(Operation& operation, Bytes object, Number number) noexcept {
  switch (number) {
    case Number::NONE: break;
    case Number::BIT: set_unsigned(operation, object[0] & 1U); break;
    case Number::STATE: set_unsigned(operation, object[0] & 3U); break;
    case Number::STEP: {
      const int step = object[0] & 0x7F;  // 7 bits with a sign, and one that says that it moves
      set_signed(operation, step < 64 ? step : step - 128);
      break;
    }
    case Number::BITS: set_unsigned(operation, load_u32le(object)); break;
    case Number::NORMALISED:
      set_float(operation, static_cast<std::int16_t>(load_u16le(object)) / 32768.0);
      break;
    case Number::SCALED: set_signed(operation, static_cast<std::int16_t>(load_u16le(object))); break;
    case Number::FLOAT:
      set_float(operation, static_cast<double>(std::bit_cast<float>(load_u32le(object))));
      break;
    case Number::COUNTER: set_signed(operation, static_cast<std::int32_t>(load_u32le(object))); break;
    case Number::SHORT: set_unsigned(operation, load_u16le(object)); break;
    case Number::CLOCK:
      set_unsigned(operation, milliseconds_of(object));
      // Of the last century to some stations, of this one to others.
      if ((object[6] & 0x7FU) >= 70) operation.value.kind = ValueKind::UNREADABLE;
      break;
    case Number::OCTETS: set_octets(operation, object); break;
  }
}

// Where the type alone does not decide.
AccessClass access_of(const Fields& fields, const TypeRow& row, Bytes object) noexcept {
  if (fields.type == C_CI_NA_1) return (object[0] & 0xC0) == 0 ? AccessClass::READ : AccessClass::WRITE;
  if (!fields.from_client) return row.access;
  switch (fields.type) {
    case F_FR_NA_1:
    case F_SR_NA_1:
    case F_LS_NA_1:
    case F_SG_NA_1: return AccessClass::PROGRAM;
    case F_SC_NA_1: return (object.back() & 0x0F) == delete_file ? AccessClass::PROGRAM : row.access;
    default: return row.access;
  }
}

bool next_object(Bytes apdu, Fields& fields, Bytes& object) noexcept {
  const bool has_address = !fields.sequence || fields.told == 0;
  const std::size_t address = has_address ? fields.sizes.object_address : 0;
  if (apdu.size() - fields.position < address + fields.object_size) return false;
  if (has_address) fields.object_address = load_le(&apdu[fields.position], address);
  object = apdu.subspan(fields.position + address, fields.object_size);
  fields.position = static_cast<std::uint8_t>(fields.position + address + fields.object_size);
  return true;
}

}  // namespace

Next next_operation(Bytes apdu, Fields& fields, Operation& operation) noexcept {
  // Not the PDU that was opened, or `open` found it malformed.
  if (fields.pdu_size == 0 || apdu.size() != fields.pdu_size) return Next::MALFORMED;
  const bool data = fields.format == Format::I;
  if (fields.told == (data ? fields.count : 1)) return Next::END;
  operation.clear();
  operation.protocol = iec104_id;
  if (!data) {
    ++fields.told;
    operation.function = control_base + fields.control;
    operation.access = AccessClass::SESSION;
    return Next::OPERATION;
  }
  const TypeRow& row = type_row(fields.type);
  operation.function = fields.misplaced ? misplaced_base + fields.type : std::uint32_t{fields.type};
  operation.access = row.access;
  operation.set(COMMON_ADDRESS, fields.common_address);
  operation.set(CAUSE, fields.cause);
  operation.set(TEST, fields.test ? 1U : 0U);
  if (fields.has_originator) operation.set(ORIGINATOR, fields.originator);
  if (!row.known()) {  // where its objects begin and end is not known
    ++fields.told;
    set_octets(operation, apdu.subspan(fields.objects_at));
    return Next::OPERATION;
  }
  Bytes object;
  if (!next_object(apdu, fields, object)) return Next::MALFORMED;
  operation.set(OBJECT_ADDRESS, fields.object_address++);
  ++fields.told;
  operation.access = access_of(fields, row, object);
  if (is_command(fields.type)) operation.set(SELECT, fields.step);
  if (is_file(fields.type)) operation.set(FILE_NAME, load_u16le(object));
  const QualifierPlace place = row.qualifier;
  if (place.mask != 0) operation.set(QUALIFIER, (object[place.at] >> place.shift) & place.mask);
  set_number(operation, fields.type == F_SG_NA_1 ? object.subspan(segment_at) : object, row.number);
  return Next::OPERATION;
}

}  // namespace conduit::iec104
