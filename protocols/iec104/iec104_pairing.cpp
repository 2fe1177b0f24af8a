// Which answer belongs to which request (101 §6.3 to §6.10): by type, addresses and what is repeated.
#include "protocols/iec104/iec104_pdu.hpp"

namespace conduit::iec104 {
namespace {

constexpr std::uint64_t detail_mark = std::uint64_t{1} << 63;  // no request's detail is 0
constexpr std::uint64_t detail_test = std::uint64_t{1} << 40;
constexpr unsigned originator_shift = 48;
constexpr unsigned type_shift = 32;
constexpr std::uint64_t originator_mask = std::uint64_t{0xFF} << originator_shift;
constexpr std::uint8_t last_file_bit = 0x20;  // SOF (101 §7.2.6.38)
constexpr std::uint16_t all_one_octet = 0xFF;
constexpr std::uint16_t all_two_octets = 0xFFFF;

bool refuses(const Fields& fields) noexcept { return fields.negative || fields.cause >= UNKNOWN_TYPE; }

// Values that a station reports, and no mirror of what it was sent.
bool reports(const Fields& fields) noexcept {
  if (refuses(fields)) return false;
  return is_data(fields.type) || (is_parameter(fields.type) && fields.cause >= INTERROGATED_FIRST);
}

struct KeyParts {
  std::uint8_t type = 0;
  std::uint8_t qualifier = 0;
  std::uint32_t object_address = 0;
  bool deactivates = false;
};

// 8 bits of type, 16 of common address, 24 of object address, 8 of qualifier, 1 that tells activation from
// deactivation.
std::uint64_t key_of(const KeyParts& parts, std::uint16_t common_address) noexcept {
  return (std::uint64_t{parts.type} << 56) | (std::uint64_t{common_address} << 40) |
         (std::uint64_t{parts.object_address} << 16) | (std::uint64_t{parts.qualifier} << 8) |
         (parts.deactivates ? 1U : 0U);
}

// FNV-1a, 32 bit: holds an answer against what it repeats; it authenticates nothing.
std::uint32_t hash(Bytes data) noexcept {
  std::uint32_t state = 0x811C9DC5U;
  for (const std::uint8_t octet : data) state = (state ^ octet) * 0x01000193U;
  return state;
}

// What an answer has to repeat of its request. Time tags are the sender's own; a station tells its own time
// when its clock is set.
std::uint64_t detail_of(Bytes apdu, const Fields& fields) noexcept {
  const TypeRow& row = type_row(fields.type);
  std::uint64_t detail = detail_mark | (std::uint64_t{fields.originator} << originator_shift) |
                         (std::uint64_t{fields.type} << type_shift);
  if (fields.test) detail |= detail_test;
  if (is_file(fields.type)) return detail | fields.object_address;
  if (!row.known() || fields.type == C_CD_NA_1) return detail;
  const Bytes object = first_object(apdu, fields);
  return detail | hash(object.first(object.size() - row.tag_size));
}

// Of interrogations: which one; other requests are told apart by their addresses.
std::uint8_t interrogation_of(Bytes apdu, const Fields& fields) noexcept {
  const bool named = fields.type == C_IC_NA_1 || fields.type == C_CI_NA_1;
  return named ? first_object(apdu, fields)[0] : std::uint8_t{0};
}

KeyParts request_parts(Bytes apdu, const Fields& fields) noexcept {
  KeyParts parts{.type = fields.type, .object_address = fields.object_address};
  if (!type_row(fields.type).known()) return parts;
  parts.qualifier = interrogation_of(apdu, fields);
  parts.deactivates =
      can_deactivate(fields.type) && fields.cause == (fields.from_client ? DEACTIVATION : DEACTIVATION_CON);
  if (is_file(fields.type)) parts = {.type = F_SC_NA_1};  // what is asked for decides (`file_answers`)
  return parts;
}

// Reported values name what they answer by their cause alone. False: they answer nothing.
bool data_parts(const Fields& fields, KeyParts& parts) noexcept {
  const std::uint8_t cause = fields.cause;
  if (cause == REQUEST) {
    parts = {.type = C_RD_NA_1, .object_address = fields.object_address};
    return true;
  }
  if (cause >= INTERROGATED_FIRST && cause <= INTERROGATED_LAST) {
    parts = {.type = C_IC_NA_1, .qualifier = cause};
    return true;
  }
  if (cause < COUNTERS_FIRST || cause > COUNTERS_LAST) return false;
  const unsigned request = cause == COUNTERS_FIRST ? 5U : unsigned{cause} - COUNTERS_FIRST;
  parts = {.type = C_CI_NA_1, .qualifier = static_cast<std::uint8_t>(request)};
  return true;
}

// Last object of a directory, or one that says that no more files follow.
bool directory_ends(Bytes apdu, const Fields& fields) noexcept {
  const std::size_t status_at = apdu.size() - type_row(F_DR_TA_1).tag_size - 1U;
  return fields.type != F_DR_TA_1 || (apdu[status_at] & last_file_bit) != 0;
}

void pair_answer(Bytes apdu, const Fields& fields, PduHead& head, KeyParts& parts) noexcept {
  parts = request_parts(apdu, fields);
  head.negative = refuses(fields);
  head.kind = PduKind::RESPONSE;
  const bool interrogates = fields.type == C_IC_NA_1 || fields.type == C_CI_NA_1;
  const bool goes_on = (interrogates && fields.cause == ACTIVATION_CON) || fields.type == F_SG_NA_1 ||
                       !directory_ends(apdu, fields);
  if (goes_on && !head.negative) head.kind = PduKind::RESPONSE_PART;
  if (!is_file(fields.type) || head.negative) head.match_detail = detail_of(apdu, fields);
}

// Which of the station's file types answers which of the client's (101 §7.4.11)? A directory begins with the
// address of its first file, whatever was asked for.
bool file_answers(const Fields& answer, std::uint64_t detail) noexcept {
  const auto asked = static_cast<std::uint8_t>(detail >> type_shift);
  const bool same_object = (detail & 0xFFFFFF) == answer.object_address;
  if (answer.type != F_DR_TA_1 && !same_object) return false;
  switch (answer.type) {
    case F_SC_NA_1: return asked == F_FR_NA_1 || asked == F_SR_NA_1;
    case F_AF_NA_1: return asked == F_LS_NA_1;
    case F_FR_NA_1: return asked == F_SC_NA_1 || asked == F_SC_NB_1;
    case F_SR_NA_1:
    case F_LS_NA_1: return asked == F_SC_NA_1 || asked == F_AF_NA_1;
    case F_SG_NA_1: return asked == F_SC_NA_1;
    case F_DR_TA_1: return asked == F_SC_NA_1 || asked == F_SC_NB_1;
    default: return false;
  }
}

}  // namespace

void pair(Bytes apdu, const Fields& fields, const Session& session, PduHead& head) noexcept {
  KeyParts parts;
  if (fields.from_client) {
    head.kind = PduKind::REQUEST;
    head.answered = fields.type != F_SG_NA_1;
    head.match_key = key_of(request_parts(apdu, fields), fields.common_address);
    head.match_detail = detail_of(apdu, fields);
    return;
  }
  head.kind = PduKind::UNSOLICITED;
  if (fields.misplaced || (!type_row(fields.type).known() && !refuses(fields))) return;
  if (reports(fields)) {
    if (!data_parts(fields, parts)) return;
    head.kind = fields.cause == REQUEST ? PduKind::RESPONSE : PduKind::RESPONSE_PART;
  } else if (fields.cause == SPONTANEOUS || fields.cause == INITIALIZED) {
    return;
  } else if (is_command(fields.type) && fields.cause == ACTIVATION_TERMINATION) {
    if (termination_awaited(apdu, session)) head.kind = PduKind::IMPLIED;
    return;
  } else {
    pair_answer(apdu, fields, head, parts);
  }
  head.match_key = key_of(parts, fields.common_address);
  const bool two_octets = fields.sizes.common_address == 2;
  if (fields.broadcast || !answers_all(parts.type, parts.qualifier, two_octets, session)) return;
  // One of many answers, and nobody knows how many stations there are.
  head.match_key = key_of(parts, two_octets ? all_two_octets : all_one_octet);
  head.kind = PduKind::RESPONSE_PART;
}

bool agrees(Bytes response, std::uint64_t asked, Quirks quirks) noexcept {
  Fields fields;
  if (parse_apdu(response, Role::SERVER, quirks, fields) != nullptr) return false;
  if (fields.format != Format::I || fields.misplaced) return false;
  if (reports(fields)) return fields.cause != REQUEST || fields.count == 1;
  if (is_file(fields.type) && !refuses(fields)) return file_answers(fields, asked);
  const std::uint64_t given = detail_of(response, fields);
  if (fields.originator == 0) asked &= ~originator_mask;  // it does not repeat it
  if (fields.type == C_CS_NA_1) return (given >> type_shift) == (asked >> type_shift);
  return given == asked;
}

}  // namespace conduit::iec104
