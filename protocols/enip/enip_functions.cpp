// Functions by number, and the access class of an operation: of common services the object decides.
#include <algorithm>
#include <array>

#include "protocols/enip/enip_pdu.hpp"

namespace conduit::enip {
namespace {

// In order of the numbers. Common services have the class that they have with ordinary objects.
constexpr FunctionRow rows[] = {
    {1, "GET_ATTRIBUTES_ALL", AccessClass::READ},
    {2, "SET_ATTRIBUTES_ALL", AccessClass::WRITE},
    {3, "GET_ATTRIBUTE_LIST", AccessClass::READ},
    {4, "SET_ATTRIBUTE_LIST", AccessClass::WRITE},
    {5, "RESET", AccessClass::MANAGE},
    {6, "START", AccessClass::MANAGE},
    {7, "STOP", AccessClass::MANAGE},
    {8, "CREATE", AccessClass::PROGRAM},
    {9, "DELETE", AccessClass::PROGRAM},
    {0xD, "APPLY_ATTRIBUTES", AccessClass::MANAGE},
    {0xE, "GET_ATTRIBUTE_SINGLE", AccessClass::READ},
    {0x10, "SET_ATTRIBUTE_SINGLE", AccessClass::WRITE},
    {0x11, "FIND_NEXT_OBJECT_INSTANCE", AccessClass::DISCOVER},
    {0x15, "RESTORE", AccessClass::PROGRAM},
    {0x16, "SAVE", AccessClass::PROGRAM},
    {0x17, "NO_OPERATION", AccessClass::SESSION},
    {0x18, "GET_MEMBER", AccessClass::READ},
    {0x19, "SET_MEMBER", AccessClass::WRITE},
    {0x1A, "INSERT_MEMBER", AccessClass::PROGRAM},
    {0x1B, "REMOVE_MEMBER", AccessClass::PROGRAM},
    {0x1C, "GROUP_SYNC", AccessClass::MANAGE},
    {0x80, "NOP", AccessClass::SESSION},
    {0x84, "LIST_SERVICES", AccessClass::DISCOVER},
    {0xE3, "LIST_IDENTITY", AccessClass::DISCOVER},
    {0xE4, "LIST_INTERFACES", AccessClass::DISCOVER},
    {0xE5, "REGISTER_SESSION", AccessClass::SESSION},
    {0xE6, "UNREGISTER_SESSION", AccessClass::SESSION},
    {0x64E, "FORWARD_CLOSE", AccessClass::SESSION},
    {0x652, "UNCONNECTED_SEND", AccessClass::SESSION},
    {0x654, "FORWARD_OPEN", AccessClass::SESSION},
    {0x656, "GET_CONNECTION_DATA", AccessClass::DISCOVER},
    {0x657, "SEARCH_CONNECTION_DATA", AccessClass::DISCOVER},
    {0x65A, "GET_CONNECTION_OWNER", AccessClass::DISCOVER},
    {0x65B, "LARGE_FORWARD_OPEN", AccessClass::SESSION},
    {0x374B, "INITIATE_UPLOAD", AccessClass::PROGRAM},
    {0x374C, "INITIATE_DOWNLOAD", AccessClass::PROGRAM},
    {0x374D, "INITIATE_PARTIAL_READ", AccessClass::PROGRAM},
    {0x374E, "INITIATE_PARTIAL_WRITE", AccessClass::PROGRAM},
    {0x374F, "UPLOAD_TRANSFER", AccessClass::PROGRAM},
    {0x3750, "DOWNLOAD_TRANSFER", AccessClass::PROGRAM},
    {0x3751, "CLEAR_FILE", AccessClass::PROGRAM},
    {0x6B4C, "READ_TAG", AccessClass::READ},
    {0x6B4D, "WRITE_TAG", AccessClass::WRITE},
    {0x6B4E, "READ_MODIFY_WRITE_TAG", AccessClass::WRITE},
    {0x6B52, "READ_TAG_FRAGMENTED", AccessClass::READ},
    {0x6B53, "WRITE_TAG_FRAGMENTED", AccessClass::WRITE},
    {0x6B55, "GET_INSTANCE_ATTRIBUTE_LIST", AccessClass::DISCOVER},
    {0x6C4C, "READ_TEMPLATE", AccessClass::DISCOVER},
    {0x1000000, "PCCC_PROTECTED_WRITE", AccessClass::WRITE},
    {0x1000100, "PCCC_UNPROTECTED_READ", AccessClass::READ},
    {0x1000200, "PCCC_PROTECTED_BIT_WRITE", AccessClass::WRITE},
    {0x1000500, "PCCC_UNPROTECTED_BIT_WRITE", AccessClass::WRITE},
    {0x1000600, "PCCC_ECHO", AccessClass::DISCOVER},
    {0x1000601, "PCCC_READ_DIAGNOSTIC_COUNTERS", AccessClass::DISCOVER},
    {0x1000602, "PCCC_SET_VARIABLES", AccessClass::MANAGE},
    {0x1000603, "PCCC_DIAGNOSTIC_STATUS", AccessClass::DISCOVER},
    {0x1000604, "PCCC_SET_TIMEOUT", AccessClass::MANAGE},
    {0x1000605, "PCCC_SET_NAKS", AccessClass::MANAGE},
    {0x1000606, "PCCC_SET_ENQS", AccessClass::MANAGE},
    {0x1000607, "PCCC_RESET_DIAGNOSTIC_COUNTERS", AccessClass::MANAGE},
    {0x1000608, "PCCC_SET_DATA_TABLE_SIZE", AccessClass::PROGRAM},
    {0x1000609, "PCCC_READ_LINK_PARAMETERS", AccessClass::DISCOVER},
    {0x100060A, "PCCC_SET_LINK_PARAMETERS", AccessClass::MANAGE},
    {0x1000700, "PCCC_DISABLE_OUTPUTS", AccessClass::MANAGE},
    {0x1000701, "PCCC_ENABLE_PROGRAM", AccessClass::MANAGE},
    {0x1000703, "PCCC_ENABLE_PLC_SCANNING", AccessClass::MANAGE},
    {0x1000704, "PCCC_ENTER_DOWNLOAD_MODE", AccessClass::PROGRAM},
    {0x1000705, "PCCC_EXIT_DOWNLOAD_MODE", AccessClass::PROGRAM},
    {0x1000800, "PCCC_UNPROTECTED_WRITE", AccessClass::WRITE},
    {0x1000F00, "PCCC_WORD_RANGE_WRITE", AccessClass::WRITE},
    {0x1000F01, "PCCC_WORD_RANGE_READ", AccessClass::READ},
    {0x1000F02, "PCCC_BIT_WRITE", AccessClass::WRITE},
    {0x1000F11, "PCCC_GET_EDIT_RESOURCE", AccessClass::PROGRAM},
    {0x1000F12, "PCCC_RETURN_EDIT_RESOURCE", AccessClass::PROGRAM},
    {0x1000F17, "PCCC_READ_BYTES_PHYSICAL", AccessClass::PROGRAM},
    {0x1000F18, "PCCC_WRITE_BYTES_PHYSICAL", AccessClass::PROGRAM},
    {0x1000F26, "PCCC_READ_MODIFY_WRITE", AccessClass::WRITE},
    {0x1000F29, "PCCC_READ_SECTION_SIZE", AccessClass::DISCOVER},
    {0x1000F3A, "PCCC_SET_CPU_MODE", AccessClass::MANAGE},
    {0x1000F41, "PCCC_DISABLE_FORCES", AccessClass::PROGRAM},
    {0x1000F50, "PCCC_DOWNLOAD_ALL_REQUEST", AccessClass::PROGRAM},
    {0x1000F52, "PCCC_DOWNLOAD_COMPLETED", AccessClass::PROGRAM},
    {0x1000F53, "PCCC_UPLOAD_ALL_REQUEST", AccessClass::PROGRAM},
    {0x1000F55, "PCCC_UPLOAD_COMPLETED", AccessClass::PROGRAM},
    {0x1000F57, "PCCC_INITIALIZE_MEMORY", AccessClass::PROGRAM},
    {0x1000F5E, "PCCC_MODIFY_PLC2_COMPATIBILITY_FILE", AccessClass::PROGRAM},
    {0x1000F67, "PCCC_TYPED_WRITE", AccessClass::WRITE},
    {0x1000F68, "PCCC_TYPED_READ", AccessClass::READ},
    {0x1000F79, "PCCC_READ_MODIFY_WRITE_N", AccessClass::WRITE},
    {0x1000F80, "PCCC_CHANGE_MODE", AccessClass::MANAGE},
    {0x1000F81, "PCCC_OPEN_FILE", AccessClass::PROGRAM},
    {0x1000F82, "PCCC_CLOSE_FILE", AccessClass::PROGRAM},
    {0x1000F88, "PCCC_EXECUTE_COMMAND_LIST", AccessClass::PROGRAM},
    {0x1000F8F, "PCCC_APPLY_PORT_CONFIGURATION", AccessClass::MANAGE},
    {0x1000FA1, "PCCC_PROTECTED_TYPED_LOGICAL_READ_2", AccessClass::READ},
    {0x1000FA2, "PCCC_PROTECTED_TYPED_LOGICAL_READ_3", AccessClass::READ},
    {0x1000FA7, "PCCC_PROTECTED_TYPED_FILE_READ", AccessClass::PROGRAM},
    {0x1000FA9, "PCCC_PROTECTED_TYPED_LOGICAL_WRITE_2", AccessClass::WRITE},
    {0x1000FAA, "PCCC_PROTECTED_TYPED_LOGICAL_WRITE_3", AccessClass::WRITE},
    {0x1000FAB, "PCCC_PROTECTED_TYPED_LOGICAL_WRITE_MASK", AccessClass::WRITE},
    {0x1000FAF, "PCCC_PROTECTED_TYPED_FILE_WRITE", AccessClass::PROGRAM},
};
static_assert(std::ranges::is_sorted(rows, {}, &FunctionRow::function));

const FunctionRow* row_of(std::uint32_t function) noexcept {
  const auto* const found = std::ranges::lower_bound(rows, function, {}, &FunctionRow::function);
  return found != std::end(rows) && found->function == function ? found : nullptr;
}

// What an object is, as far as access goes.
enum class ObjectKind : std::uint8_t {
  PROCESS,     // inputs, outputs, parameters: everything not listed
  DEVICE,      // the device itself and its ports
  CONTROLLER,  // Logix: name, clock, change log: may be read
  PROGRAM,     // files, and what a vendor has made
};

constexpr std::uint32_t device_classes[] = {
    0x01, 0x02, 0x06, 0x43, 0x47, 0x48, 0x5D, 0x5E, 0x5F, 0x6B, 0x6C, 0xF3, 0xF4, 0xF5, 0xF6,
};
constexpr std::uint32_t controller_classes[] = {0x64, 0x8B, 0xAC};

template <std::size_t Size>
constexpr bool among(const std::uint32_t (&list)[Size], std::uint32_t number) noexcept {
  return std::find(std::begin(list), std::end(list), number) != std::end(list);
}

ObjectKind kind_of(const Path& path) noexcept {
  if (!path.has(HAS_CLASS)) return ObjectKind::PROCESS;
  const std::uint32_t number = path.class_id;
  if (among(device_classes, number)) return ObjectKind::DEVICE;
  if (among(controller_classes, number)) return ObjectKind::CONTROLLER;
  const bool vendor = (number >= 0x64 && number <= 0xC7) || (number >= 0x300 && number <= 0x4FF);
  return vendor || number == class_file ? ObjectKind::PROGRAM : ObjectKind::PROCESS;
}

AccessClass reading(ObjectKind kind) noexcept {
  switch (kind) {
    case ObjectKind::PROCESS: return AccessClass::READ;
    case ObjectKind::DEVICE:
    case ObjectKind::CONTROLLER: return AccessClass::DISCOVER;
    case ObjectKind::PROGRAM: return AccessClass::PROGRAM;
  }
  return AccessClass::PROGRAM;
}

AccessClass writing(ObjectKind kind) noexcept {
  switch (kind) {
    case ObjectKind::PROCESS: return AccessClass::WRITE;
    case ObjectKind::DEVICE:
    case ObjectKind::CONTROLLER: return AccessClass::MANAGE;
    case ObjectKind::PROGRAM: return AccessClass::PROGRAM;
  }
  return AccessClass::PROGRAM;
}

}  // namespace

std::string_view function_name(std::uint32_t function) noexcept {
  const FunctionRow* const row = row_of(function);
  if (row != nullptr) return row->name;
  // Envelopes, which are no operations, but stand in reports.
  if (function == command_base + COMMAND_SEND_RR_DATA) return "SEND_RR_DATA";
  if (function == command_base + COMMAND_SEND_UNIT_DATA) return "SEND_UNIT_DATA";
  if (function == MULTIPLE_SERVICE_PACKET) return "MULTIPLE_SERVICE_PACKET";
  return function == IO_DATA ? "IO_DATA" : "";
}

AccessClass access_of(std::uint32_t function, const Path& path) noexcept {
  const FunctionRow* const row = row_of(function);
  if (row == nullptr) return AccessClass::PROGRAM;
  if (function >= class_service_first) return row->access;
  const ObjectKind kind = kind_of(path);
  switch (row->access) {
    case AccessClass::READ: return reading(kind);
    case AccessClass::WRITE: return writing(kind);
    case AccessClass::SESSION:
    case AccessClass::PROGRAM: return row->access;
    case AccessClass::UNSPECIFIED:
    case AccessClass::OPERATE:
    case AccessClass::MANAGE:
    case AccessClass::DISCOVER: break;
  }
  return kind == ObjectKind::PROGRAM ? AccessClass::PROGRAM : row->access;
}

}  // namespace conduit::enip
