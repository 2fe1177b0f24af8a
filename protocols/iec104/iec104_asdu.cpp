// One APDU read into numbers: control octets (104 §5.3), the head of the ASDU and its objects (101 §7.1,
// §7.2).
#include "protocols/iec104/iec104_pdu.hpp"

namespace conduit::iec104 {
namespace {

constexpr std::size_t clock_size = 7;

// The four control octets.
const char* parse_control(Bytes apdu, Fields& fields) noexcept {
  const std::uint8_t* const control = &apdu[control_at];
  fields.control = control[0];
  fields.send_sequence = load_sequence(control);
  fields.receive_sequence = load_sequence(control + 2);
  if ((control[0] & 1U) == 0) {
    fields.format = Format::I;
    return (control[2] & 1U) == 0 ? nullptr : "control";
  }
  if (apdu.size() != apci_size) return "length";
  if ((control[0] & 2U) == 0) {
    fields.format = Format::S;
    return control[0] == 1 && control[1] == 0 && (control[2] & 1U) == 0 ? nullptr : "control";
  }
  fields.format = Format::U;
  const unsigned function = control[0] >> 2;
  const bool one = function != 0 && (function & (function - 1)) == 0;
  if (!one || control[1] != 0 || control[2] != 0 || control[3] != 0) return "control";
  // Data transfer is started and stopped by the controlling station alone (104 §5.6).
  const std::uint32_t code = control_base + control[0];
  const bool act = code == STARTDT || code == STOPDT;
  const bool con = code == STARTDT_CON || code == STOPDT_CON;
  return (act && !fields.from_client) || (con && fields.from_client) ? "control" : nullptr;
}

// Type, number of objects, cause, addresses: all but the objects.
const char* parse_head(Bytes apdu, Fields& fields) noexcept {
  const Sizes sizes = fields.sizes;
  const std::size_t size = apci_size + 2U + sizes.cause + sizes.common_address;
  if (apdu.size() < size) return "length";
  const std::uint8_t* const asdu = &apdu[apci_size];
  fields.type = asdu[0];
  if (fields.type == 0) return "type_identification";
  fields.sequence = (asdu[1] & 0x80) != 0;
  fields.count = asdu[1] & 0x7F;
  if (fields.count == 0) return "number_of_objects";
  fields.test = (asdu[2] & 0x80) != 0;
  fields.negative = (asdu[2] & 0x40) != 0;
  fields.cause = asdu[2] & 0x3F;
  fields.has_originator = sizes.cause == 2;
  if (fields.has_originator) fields.originator = asdu[3];
  const std::uint32_t address = load_le(asdu + 2 + sizes.cause, sizes.common_address);
  if (address == 0) return "common_address";
  fields.common_address = static_cast<std::uint16_t>(address);
  fields.broadcast = address == (sizes.common_address == 2 ? 0xFFFFU : 0xFFU);
  fields.objects_at = static_cast<std::uint8_t>(size);
  return nullptr;
}

// A time that a client sends (101 §7.2.6.18): every part in its range, reserved bits 0, valid.
bool good_clock(Bytes time) noexcept {
  const unsigned milliseconds = static_cast<unsigned>(time[0] | (time[1] << 8));
  const unsigned hour = time[3] & 0x7FU;  // without the summer time bit
  const unsigned day = time[4] & 0x1FU;
  return milliseconds < 60'000 && time[2] < 60 && hour < 24 && day >= 1 && time[5] >= 1 && time[5] <= 12 &&
         time[6] < 100;
}

// What commands hold: states that are none and reserved bits (101 §7.2.6.15 to .17, .14, .18).
const char* check_content(Bytes object, const TypeRow& row, const Fields& fields) noexcept {
  const unsigned state = object.empty() ? 0U : object[0] & 3U;
  if (is_command(fields.type)) {
    if (row.number == Number::BIT && state > 1) return "command";
    if (row.number == Number::STATE && (state == 0 || state == 3)) return "command";
  }
  if (fields.type == C_TS_NA_1 && load_u16be(object.data()) != 0xAA55) return "test_pattern";
  const bool tagged = row.tag_size == clock_size && fields.from_client;
  return tagged && !good_clock(object.last(clock_size)) ? "time" : nullptr;
}

// The size of a segment is inside.
const char* parse_segment(Bytes objects, Fields& fields) noexcept {
  const std::size_t size_at = std::size_t{fields.sizes.object_address} + 3;
  if (objects.size() <= size_at) return "length";
  if (objects.size() - size_at - 1 != objects[size_at]) return "segment_length";
  fields.object_size = static_cast<std::uint8_t>(objects.size() - fields.sizes.object_address);
  return nullptr;
}

// Number and size of the objects and the octets that there are agree exactly.
const char* parse_objects(Bytes apdu, Fields& fields) noexcept {
  const TypeRow& row = type_row(fields.type);
  const Bytes objects = apdu.subspan(fields.objects_at);
  fields.position = fields.objects_at;
  if (!row.known()) {
    fields.count = 1;
    return nullptr;
  }
  if (fields.sequence && !row.sequence) return "sequence_bit";
  if (row.single && fields.count != 1) return "number_of_objects";
  fields.object_size = row.size;
  const std::size_t address = fields.sizes.object_address;
  const std::size_t size =
      fields.sequence ? address + std::size_t{row.size} * fields.count : (address + row.size) * fields.count;
  if (fields.type == F_SG_NA_1) {
    if (const char* field = parse_segment(objects, fields); field != nullptr) return field;
  } else if (objects.size() != size) {
    return "length";
  }
  fields.object_address = load_le(objects.data(), address);
  if (row.no_address && fields.object_address != 0) return "object_address";
  const std::uint32_t last = 0xFFFFFFU >> (8 * (3 - address));
  if (fields.sequence && last - fields.object_address < fields.count - 1U) return "object_address";
  return row.single ? check_content(first_object(apdu, fields), row, fields) : nullptr;
}

}  // namespace

Sizes sizes_of(Quirks quirks) noexcept {
  Sizes sizes;
  if (quirks == QUIRK_NONE) return sizes;
  if ((quirks & QUIRK_CAUSE_ONE_OCTET) != 0) sizes.cause = 1;
  if ((quirks & QUIRK_COMMON_ADDRESS_ONE_OCTET) != 0) sizes.common_address = 1;
  if ((quirks & QUIRK_OBJECT_ADDRESS_TWO_OCTETS) != 0) sizes.object_address = 2;
  if ((quirks & QUIRK_OBJECT_ADDRESS_ONE_OCTET) != 0) sizes.object_address = 1;
  return sizes;
}

const char* parse_apdu(Bytes apdu, Role sender, Quirks quirks, Fields& fields) noexcept {
  fields = Fields{};
  if (apdu.size() < apci_size || apdu.size() > apdu_size_max) return "length";
  if (apdu[0] != 0x68) return "start";
  if (apdu[1] != apdu.size() - control_at) return "length";
  fields.from_client = sender == Role::CLIENT;
  if (const char* field = parse_control(apdu, fields); field != nullptr) return field;
  if (fields.format == Format::I) {
    fields.sizes = sizes_of(quirks);
    if (const char* field = parse_head(apdu, fields); field != nullptr) return field;
    if (const char* field = parse_objects(apdu, fields); field != nullptr) return field;
    fields.misplaced = type_row(fields.type).known() && !well_placed(fields);
  }
  fields.pdu_size = static_cast<std::uint16_t>(apdu.size());
  return nullptr;
}

}  // namespace conduit::iec104
