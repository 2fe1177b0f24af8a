// What is known of functions, transport sizes and block names.
#include <algorithm>
#include <cstring>
#include <iterator>

#include "protocols/s7comm/s7comm_pdu.hpp"

namespace conduit::s7comm {
namespace {

constexpr FunctionRow function_rows[] = {
    {READ_VAR, "READ_VAR", AccessClass::READ},
    {WRITE_VAR, "WRITE_VAR", AccessClass::WRITE},
    {REQUEST_DOWNLOAD, "REQUEST_DOWNLOAD", AccessClass::PROGRAM},
    {DOWNLOAD_BLOCK, "DOWNLOAD_BLOCK", AccessClass::PROGRAM},
    {DOWNLOAD_ENDED, "DOWNLOAD_ENDED", AccessClass::PROGRAM},
    {START_UPLOAD, "START_UPLOAD", AccessClass::PROGRAM},
    {UPLOAD, "UPLOAD", AccessClass::PROGRAM},
    {END_UPLOAD, "END_UPLOAD", AccessClass::PROGRAM},
    {PI_SERVICE, "PI_SERVICE", AccessClass::PROGRAM},
    {PLC_STOP, "PLC_STOP", AccessClass::MANAGE},
    {SETUP_COMMUNICATION, "SETUP_COMMUNICATION", AccessClass::SESSION},
    {0x0482, "READ_NCK", AccessClass::READ},
    {0x0483, "READ_NCK_METRIC", AccessClass::READ},
    {0x0484, "READ_NCK_INCH", AccessClass::READ},
    {0x04A2, "READ_DRIVE", AccessClass::READ},
    {READ_DB, "READ_DB", AccessClass::READ},
    {0x04B2, "READ_SYMBOLIC", AccessClass::READ},
    {0x0582, "WRITE_NCK", AccessClass::WRITE},
    {0x0583, "WRITE_NCK_METRIC", AccessClass::WRITE},
    {0x0584, "WRITE_NCK_INCH", AccessClass::WRITE},
    {0x05A2, "WRITE_DRIVE", AccessClass::WRITE},
    {0x05B2, "WRITE_SYMBOLIC", AccessClass::WRITE},
    {TPDU_ERROR, "TPDU_ERROR", AccessClass::SESSION},
    {DISCONNECT, "DISCONNECT", AccessClass::SESSION},
    {CONNECT, "CONNECT", AccessClass::SESSION},
    {MODE_TRANSITION, "MODE_TRANSITION", AccessClass::READ},
    {0x2101, "BLOCK_STATUS", AccessClass::PROGRAM},
    {0x2102, "VARIABLE_STATUS", AccessClass::PROGRAM},
    {0x2103, "OUTPUT_ISTACK", AccessClass::PROGRAM},
    {0x2104, "OUTPUT_BSTACK", AccessClass::PROGRAM},
    {0x2105, "OUTPUT_LSTACK", AccessClass::PROGRAM},
    {0x2106, "TIME_MEASUREMENT", AccessClass::PROGRAM},
    {0x2107, "FORCE_SELECTION", AccessClass::PROGRAM},
    {0x2108, "MODIFY_VARIABLE", AccessClass::PROGRAM},
    {0x2109, "FORCE", AccessClass::PROGRAM},
    {0x210A, "BREAKPOINT", AccessClass::PROGRAM},
    {0x210B, "EXIT_HOLD", AccessClass::PROGRAM},
    {0x210C, "MEMORY_RESET", AccessClass::PROGRAM},
    {0x210D, "DISABLE_JOB", AccessClass::PROGRAM},
    {0x210E, "ENABLE_JOB", AccessClass::PROGRAM},
    {0x210F, "DELETE_JOB", AccessClass::PROGRAM},
    {0x2110, "READ_JOB_LIST", AccessClass::PROGRAM},
    {0x2111, "READ_JOB", AccessClass::PROGRAM},
    {0x2112, "REPLACE_JOB", AccessClass::PROGRAM},
    {0x2113, "BLOCK_STATUS_2", AccessClass::PROGRAM},
    {0x2116, "FLASH_LED", AccessClass::DISCOVER},
    {CYCLIC_TRANSFER, "CYCLIC_TRANSFER", AccessClass::READ},
    {0x2204, "CYCLIC_UNSUBSCRIBE", AccessClass::SESSION},
    {CHANGE_DRIVEN_TRANSFER, "CHANGE_DRIVEN_TRANSFER", AccessClass::READ},
    {0x2207, "CHANGE_DRIVEN_MODIFY", AccessClass::READ},
    {0x2208, "READ_RECORD", AccessClass::READ},
    {0x2301, "LIST_BLOCKS", AccessClass::DISCOVER},
    {LIST_BLOCKS_OF_TYPE, "LIST_BLOCKS_OF_TYPE", AccessClass::DISCOVER},
    {GET_BLOCK_INFO, "GET_BLOCK_INFO", AccessClass::DISCOVER},
    {READ_SZL, "READ_SZL", AccessClass::DISCOVER},
    {0x2402, "MESSAGE_SERVICE", AccessClass::SESSION},
    {0x2403, "DIAGNOSTIC_MESSAGE", AccessClass::READ},
    {0x2405, "ALARM_8_INDICATION", AccessClass::READ},
    {0x2406, "NOTIFY_INDICATION", AccessClass::READ},
    {0x2407, "ALARM_8_LOCK", AccessClass::MANAGE},
    {0x2408, "ALARM_8_UNLOCK", AccessClass::MANAGE},
    {0x2409, "SCAN_INDICATION", AccessClass::READ},
    {0x240B, "ALARM_ACKNOWLEDGE", AccessClass::OPERATE},
    {0x240C, "ALARM_ACKNOWLEDGE_INDICATION", AccessClass::READ},
    {0x240D, "ALARM_LOCK_INDICATION", AccessClass::READ},
    {0x240E, "ALARM_UNLOCK_INDICATION", AccessClass::READ},
    {0x2411, "ALARM_SQ_INDICATION", AccessClass::READ},
    {0x2412, "ALARM_S_INDICATION", AccessClass::READ},
    {0x2413, "ALARM_QUERY", AccessClass::READ},
    {0x2416, "NOTIFY_8_INDICATION", AccessClass::READ},
    {0x2501, "PLC_PASSWORD", AccessClass::MANAGE},
    {0x2502, "CLEAR_PASSWORD", AccessClass::MANAGE},
    {0x2601, "BSEND", AccessClass::WRITE},
    {0x2701, "READ_CLOCK", AccessClass::DISCOVER},
    {0x2702, "SET_CLOCK", AccessClass::MANAGE},
    {0x2703, "READ_CLOCK_FOLLOWING", AccessClass::DISCOVER},
    {0x2704, "SET_CLOCK_FOLLOWING", AccessClass::MANAGE},
    {0x2F01, "NC_REQUEST_DOWNLOAD", AccessClass::PROGRAM},
    {0x2F02, "NC_DOWNLOAD_BLOCK", AccessClass::PROGRAM},
    {0x2F03, "NC_CONTINUE_DOWNLOAD", AccessClass::PROGRAM},
    {0x2F04, "NC_DOWNLOAD_ENDED", AccessClass::PROGRAM},
    {0x2F06, "NC_START_UPLOAD", AccessClass::PROGRAM},
    {0x2F07, "NC_UPLOAD", AccessClass::PROGRAM},
    {0x2F08, "NC_CONTINUE_UPLOAD", AccessClass::PROGRAM},
    {S7PLUS_OPAQUE, "S7PLUS_OPAQUE", AccessClass::PROGRAM},
    {S7PLUS_NOTIFICATION, "S7PLUS_NOTIFICATION", AccessClass::READ},
    {S7PLUS_SYSTEM_EVENT, "S7PLUS_SYSTEM_EVENT", AccessClass::SESSION},
    {S7PLUS_KEEP_ALIVE, "S7PLUS_KEEP_ALIVE", AccessClass::SESSION},
    {0x74BB, "S7PLUS_EXPLORE", AccessClass::DISCOVER},
    {0x74CA, "S7PLUS_CREATE_OBJECT", AccessClass::PROGRAM},
    {0x74D4, "S7PLUS_DELETE_OBJECT", AccessClass::PROGRAM},
    {0x74F2, "S7PLUS_SET_VARIABLE", AccessClass::WRITE},
    {0x74FC, "S7PLUS_GET_VARIABLE", AccessClass::READ},
    {0x7506, "S7PLUS_ADD_LINK", AccessClass::PROGRAM},
    {0x751A, "S7PLUS_REMOVE_LINK", AccessClass::PROGRAM},
    {0x7524, "S7PLUS_GET_LINK", AccessClass::READ},
    {0x7542, "S7PLUS_SET_MULTI_VARIABLES", AccessClass::WRITE},
    {0x754C, "S7PLUS_GET_MULTI_VARIABLES", AccessClass::READ},
    {0x7556, "S7PLUS_BEGIN_SEQUENCE", AccessClass::PROGRAM},
    {0x7560, "S7PLUS_END_SEQUENCE", AccessClass::PROGRAM},
    {0x756B, "S7PLUS_INVOKE", AccessClass::OPERATE},
    {0x757C, "S7PLUS_SET_VAR_SUBSTREAMED", AccessClass::WRITE},
    {0x7586, "S7PLUS_GET_VAR_SUBSTREAMED", AccessClass::READ},
    {0x7590, "S7PLUS_GET_VARIABLES_ADDRESS", AccessClass::DISCOVER},
    {0x759A, "S7PLUS_ABORT", AccessClass::SESSION},
    {S7PLUS_INIT_SSL, "S7PLUS_INIT_SSL", AccessClass::SESSION},
};

struct TypeRow {
  char wire[3];
  std::string_view name;
};
constexpr TypeRow block_types[] = {
    {"08", "OB"}, {"0A", "DB"}, {"0B", "SDB"}, {"0C", "FC"}, {"0D", "SFC"}, {"0E", "FB"}, {"0F", "SFB"},
};

constexpr std::size_t block_entry_size = 8;  // type, number, file system

BlockName octets_as_they_are(Bytes octets) noexcept {
  BlockName block;
  block.size = static_cast<std::uint8_t>(std::min(octets.size(), sizeof block.text));
  if (block.size != 0) std::memcpy(block.text, octets.data(), block.size);
  return block;
}

std::string_view type_name(Bytes wire) noexcept {
  for (const TypeRow& row : block_types) {
    if (wire[0] == static_cast<std::uint8_t>(row.wire[0]) &&
        wire[1] == static_cast<std::uint8_t>(row.wire[1]))
      return row.name;
  }
  return {};
}

}  // namespace

const FunctionRow* function_row(std::uint32_t function) noexcept {
  const auto* const found =
      std::lower_bound(std::begin(function_rows), std::end(function_rows), function,
                       [](const FunctionRow& row, std::uint32_t sought) { return row.function < sought; });
  return found == std::end(function_rows) || found->function != function ? nullptr : found;
}

AccessClass access_of(std::uint32_t function) noexcept {
  if (function == READ_VAR) return AccessClass::READ;
  if (function == WRITE_VAR) return AccessClass::WRITE;
  const FunctionRow* const row = function_row(function);
  return row == nullptr ? AccessClass::PROGRAM : row->access;
}

std::uint16_t element_bits(std::uint8_t transport_size) noexcept {
  constexpr std::uint8_t bits[] = {0, 1, 8, 8, 16, 16, 32, 32, 32, 16, 32, 32, 16, 0, 0, 64};
  if (transport_size < std::size(bits)) return bits[transport_size];
  return transport_size == 28 || transport_size == 29 ? 16 : 0;  // timers and counters
}

bool BlockName::same(const BlockName& other) const noexcept {
  return size == other.size && std::memcmp(text, other.text, size) == 0;
}

BlockName block_of_list(Bytes entry) noexcept {
  if (entry.size() != block_entry_size) return octets_as_they_are(entry);
  const std::string_view type = type_name(entry.first(2));
  unsigned number = 0;
  for (std::size_t i = 2; i < 7; ++i) {
    if (entry[i] < '0' || entry[i] > '9') return octets_as_they_are(entry);
    number = number * 10 + (entry[i] - unsigned{'0'});
  }
  if (type.empty() || number > 0xFFFF) return octets_as_they_are(entry);
  BlockName block;
  std::memcpy(block.text, type.data(), type.size());
  block.size = static_cast<std::uint8_t>(type.size());
  char digits[5];
  std::size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  while (count != 0) block.text[block.size++] = digits[--count];
  return block;
}

BlockName block_of_file(Bytes name) noexcept {
  const bool block = name.size() == block_entry_size + 1 && (name[0] == '_' || name[0] == '$');
  return block ? block_of_list(name.subspan(1)) : octets_as_they_are(name);
}

BlockName block_type(Bytes type) noexcept {
  const std::string_view name = type.size() == 2 ? type_name(type) : std::string_view{};
  if (name.empty()) return octets_as_they_are(type);
  return octets_as_they_are({reinterpret_cast<const std::uint8_t*>(name.data()), name.size()});
}

bool db_of_block(const BlockName& block, std::uint16_t& db) noexcept {
  if (block.size < 3 || block.text[0] != 'D' || block.text[1] != 'B') return false;
  unsigned number = 0;
  for (std::size_t i = 2; i < block.size; ++i) {
    if (block.text[i] < '0' || block.text[i] > '9') return false;
    number = number * 10 + static_cast<unsigned>(block.text[i] - '0');
  }
  if (number > 0xFFFF) return false;
  db = static_cast<std::uint16_t>(number);
  return true;
}

}  // namespace conduit::s7comm
