// What is known of functions (1815 §4.4.2) and of the sizes of objects (1815 Annex A).
#include <algorithm>
#include <array>

#include "protocols/dnp3/dnp3_pdu.hpp"

namespace conduit::dnp3 {
namespace {

constexpr FunctionRow function_rows[] = {
    {READ, "READ", AccessClass::READ},
    {WRITE, "WRITE", AccessClass::WRITE},
    {SELECT, "SELECT", AccessClass::OPERATE},
    {OPERATE, "OPERATE", AccessClass::OPERATE},
    {DIRECT_OPERATE, "DIRECT_OPERATE", AccessClass::OPERATE},
    {DIRECT_OPERATE_NR, "DIRECT_OPERATE_NR", AccessClass::OPERATE, false},
    {IMMED_FREEZE, "IMMED_FREEZE", AccessClass::WRITE},
    {IMMED_FREEZE_NR, "IMMED_FREEZE_NR", AccessClass::WRITE, false},
    {FREEZE_CLEAR, "FREEZE_CLEAR", AccessClass::WRITE},
    {FREEZE_CLEAR_NR, "FREEZE_CLEAR_NR", AccessClass::WRITE, false},
    {FREEZE_AT_TIME, "FREEZE_AT_TIME", AccessClass::WRITE},
    {FREEZE_AT_TIME_NR, "FREEZE_AT_TIME_NR", AccessClass::WRITE, false},
    {COLD_RESTART, "COLD_RESTART", AccessClass::MANAGE},
    {WARM_RESTART, "WARM_RESTART", AccessClass::MANAGE},
    {INITIALIZE_DATA, "INITIALIZE_DATA", AccessClass::MANAGE},
    {INITIALIZE_APPL, "INITIALIZE_APPL", AccessClass::PROGRAM},
    {START_APPL, "START_APPL", AccessClass::PROGRAM},
    {STOP_APPL, "STOP_APPL", AccessClass::PROGRAM},
    {SAVE_CONFIG, "SAVE_CONFIG", AccessClass::PROGRAM},
    {ENABLE_UNSOLICITED, "ENABLE_UNSOLICITED", AccessClass::MANAGE},
    {DISABLE_UNSOLICITED, "DISABLE_UNSOLICITED", AccessClass::MANAGE},
    {ASSIGN_CLASS, "ASSIGN_CLASS", AccessClass::MANAGE},
    {DELAY_MEASURE, "DELAY_MEASURE", AccessClass::DISCOVER},
    {RECORD_CURRENT_TIME, "RECORD_CURRENT_TIME", AccessClass::MANAGE},
    {OPEN_FILE, "OPEN_FILE", AccessClass::PROGRAM},  // the mode decides
    {CLOSE_FILE, "CLOSE_FILE", AccessClass::SESSION},
    {DELETE_FILE, "DELETE_FILE", AccessClass::PROGRAM},
    {GET_FILE_INFO, "GET_FILE_INFO", AccessClass::READ},
    {AUTHENTICATE_FILE, "AUTHENTICATE_FILE", AccessClass::SESSION},
    {ABORT_FILE, "ABORT_FILE", AccessClass::SESSION},
    {ACTIVATE_CONFIG, "ACTIVATE_CONFIG", AccessClass::PROGRAM},
    {AUTHENTICATE_REQ, "AUTHENTICATE_REQ", AccessClass::SESSION},
    {AUTH_REQ_NO_ACK, "AUTH_REQ_NO_ACK", AccessClass::SESSION, false},
    {RESPONSE, "RESPONSE", AccessClass::READ},
    {UNSOLICITED_RESPONSE, "UNSOLICITED_RESPONSE", AccessClass::READ},
    {AUTHENTICATE_RESP, "AUTHENTICATE_RESP", AccessClass::SESSION},
    {OPERATE_WITHOUT_SELECT, "OPERATE_WITHOUT_SELECT", AccessClass::OPERATE},
    {LINK_RESET, "LINK_RESET", AccessClass::SESSION},
    {LINK_TEST, "LINK_TEST", AccessClass::SESSION},
    {LINK_STATUS_REQUEST, "LINK_STATUS_REQUEST", AccessClass::SESSION},
    {LINK_ACK, "LINK_ACK", AccessClass::SESSION},
    {LINK_NACK, "LINK_NACK", AccessClass::SESSION},
    {LINK_STATUS, "LINK_STATUS", AccessClass::SESSION},
    {LINK_NOT_SUPPORTED, "LINK_NOT_SUPPORTED", AccessClass::SESSION},
};

// Sizes of variations 1, 2, … of a group; 0: not known. Packed ones have a row of their own below.
struct GroupRow {
  std::uint8_t group = 0;
  std::array<std::uint8_t, 12> size{};
};

constexpr GroupRow group_rows[] = {
    {1, {0, 1}},
    {2, {1, 7, 3}},
    {3, {0, 1}},
    {4, {1, 7, 3}},
    {10, {0, 1}},
    {11, {1, 7}},
    {12, {11, 11}},
    {13, {1, 7}},
    {20, {5, 3, 5, 3, 4, 2, 4, 2}},
    {21, {5, 3, 5, 3, 11, 9, 11, 9, 4, 2, 4, 2}},
    {22, {5, 3, 5, 3, 11, 9, 11, 9}},
    {23, {5, 3, 5, 3, 11, 9, 11, 9}},
    {30, {5, 3, 4, 2, 5, 9}},
    {31, {5, 3, 11, 9, 4, 2, 5, 9}},
    {32, {5, 3, 11, 9, 5, 9, 11, 15}},
    {33, {5, 3, 11, 9, 5, 9, 11, 15}},
    {34, {2, 4, 4}},
    {40, {5, 3, 5, 9}},
    {41, {5, 3, 5, 9}},
    {42, {5, 3, 11, 9, 5, 9, 11, 15}},
    {43, {5, 3, 11, 9, 5, 9, 11, 15}},
    {50, {6, 10, 6, 11}},
    {51, {6, 6}},
    {52, {2, 2}},
    {81, {3}},
    {86, {0, 1}},
    {101, {2, 4, 8}},
    {102, {1}},
    {120, {0, 0, 6, 2}},
    {121, {7}},
    {122, {7, 13}},
};

struct PackedRow {
  std::uint8_t group;
  std::uint8_t variation;
  std::uint8_t bits;
};
constexpr PackedRow packed_rows[] = {{1, 1, 1}, {3, 1, 2}, {10, 1, 1}, {12, 3, 1}, {80, 1, 1}};

// Octet strings and virtual terminals: the variation is the size.
constexpr bool sized_by_variation(std::uint8_t group) noexcept { return group >= 110 && group <= 113; }

}  // namespace

const FunctionRow* function_row(std::uint32_t function) noexcept {
  const auto* const found =
      std::find_if(std::begin(function_rows), std::end(function_rows),
                   [function](const FunctionRow& row) { return row.function == function; });
  return found == std::end(function_rows) ? nullptr : found;
}

bool carries_objects(std::uint16_t function, std::uint8_t group) noexcept {
  if (group == 120) return true;  // authentication of the fragment around it
  switch (function) {
    case WRITE:
    case SELECT:
    case OPERATE:
    case OPERATE_WITHOUT_SELECT:
    case DIRECT_OPERATE:
    case DIRECT_OPERATE_NR:
    case AUTHENTICATE_REQ:
    case AUTH_REQ_NO_ACK:
    case RESPONSE:
    case UNSOLICITED_RESPONSE:
    case AUTHENTICATE_RESP: return true;
    case FREEZE_AT_TIME:
    case FREEZE_AT_TIME_NR: return group == 50;
    default: return false;
  }
}

std::uint16_t object_size(std::uint8_t group, std::uint8_t variation, std::uint8_t& bits) noexcept {
  bits = 0;
  if (variation == 0) return 0;
  if (sized_by_variation(group)) return variation;
  for (const PackedRow& row : packed_rows) {
    if (row.group == group && row.variation == variation) bits = row.bits;
  }
  for (const GroupRow& row : group_rows) {
    if (row.group == group) return variation <= row.size.size() ? row.size[variation - 1U] : std::uint16_t{0};
  }
  return 0;
}

AccessClass access_of(std::uint16_t function, std::uint8_t group, std::uint16_t file_mode) noexcept {
  if (function == OPEN_FILE) return file_mode == 1 ? AccessClass::READ : AccessClass::PROGRAM;
  if (function == WRITE) {
    if (group == 50 || group == 51 || group == 80)
      return AccessClass::MANAGE;  // the clock, the restart indication
    const bool point = (group >= 1 && group <= 43) || (group >= 100 && group <= 113);
    return point ? AccessClass::WRITE : AccessClass::PROGRAM;
  }
  const FunctionRow* const row = function_row(function);
  return row == nullptr ? AccessClass::PROGRAM : row->access;
}

}  // namespace conduit::dnp3
