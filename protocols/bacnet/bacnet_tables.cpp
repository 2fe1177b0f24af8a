// What is known of BACnet's functions: names, classes, answers.
#include <algorithm>
#include <array>
#include <span>

#include "protocols/bacnet/bacnet_pdu.hpp"

namespace conduit::bacnet {
namespace {

// Each series by number, from its base on; a row without a function stands for none. The class is the first
// of those in bacnet.proto: where the operation decides, it is set there.
constexpr FunctionRow confirmed[] = {
    {256, "ACKNOWLEDGE_ALARM", AccessClass::OPERATE, Answer::SIMPLE},
    {257, "CONFIRMED_COV_NOTIFICATION", AccessClass::READ, Answer::SIMPLE},
    {258, "CONFIRMED_EVENT_NOTIFICATION", AccessClass::READ, Answer::SIMPLE},
    {259, "GET_ALARM_SUMMARY", AccessClass::READ, Answer::COMPLEX},
    {260, "GET_ENROLLMENT_SUMMARY", AccessClass::READ, Answer::COMPLEX},
    {261, "SUBSCRIBE_COV", AccessClass::READ, Answer::SIMPLE},
    {262, "ATOMIC_READ_FILE", AccessClass::PROGRAM, Answer::COMPLEX},
    {263, "ATOMIC_WRITE_FILE", AccessClass::PROGRAM, Answer::COMPLEX},
    {264, "ADD_LIST_ELEMENT", AccessClass::PROGRAM, Answer::SIMPLE},
    {265, "REMOVE_LIST_ELEMENT", AccessClass::PROGRAM, Answer::SIMPLE},
    {266, "CREATE_OBJECT", AccessClass::PROGRAM, Answer::COMPLEX},
    {267, "DELETE_OBJECT", AccessClass::PROGRAM, Answer::SIMPLE},
    {268, "READ_PROPERTY", AccessClass::READ, Answer::COMPLEX},
    {269, "READ_PROPERTY_CONDITIONAL", AccessClass::READ, Answer::COMPLEX},
    {270, "READ_PROPERTY_MULTIPLE", AccessClass::READ, Answer::COMPLEX},
    {271, "WRITE_PROPERTY", AccessClass::WRITE, Answer::SIMPLE},
    {272, "WRITE_PROPERTY_MULTIPLE", AccessClass::WRITE, Answer::SIMPLE},
    {273, "DEVICE_COMMUNICATION_CONTROL", AccessClass::MANAGE, Answer::SIMPLE},
    {274, "CONFIRMED_PRIVATE_TRANSFER", AccessClass::PROGRAM, Answer::COMPLEX},
    {275, "CONFIRMED_TEXT_MESSAGE", AccessClass::WRITE, Answer::SIMPLE},
    {276, "REINITIALIZE_DEVICE", AccessClass::MANAGE, Answer::SIMPLE},
    {277, "VT_OPEN", AccessClass::PROGRAM, Answer::COMPLEX},
    {278, "VT_CLOSE", AccessClass::PROGRAM, Answer::SIMPLE},
    {279, "VT_DATA", AccessClass::PROGRAM, Answer::COMPLEX},
    {280, "AUTHENTICATE", AccessClass::SESSION, Answer::SIMPLE},
    {281, "REQUEST_KEY", AccessClass::SESSION, Answer::SIMPLE},
    {282, "READ_RANGE", AccessClass::READ, Answer::COMPLEX},
    {283, "LIFE_SAFETY_OPERATION", AccessClass::OPERATE, Answer::SIMPLE},
    {284, "SUBSCRIBE_COV_PROPERTY", AccessClass::READ, Answer::SIMPLE},
    {285, "GET_EVENT_INFORMATION", AccessClass::READ, Answer::COMPLEX},
    {286, "SUBSCRIBE_COV_PROPERTY_MULTIPLE", AccessClass::READ, Answer::SIMPLE},
    {287, "CONFIRMED_COV_NOTIFICATION_MULTIPLE", AccessClass::READ, Answer::SIMPLE},
    {288, "CONFIRMED_AUDIT_NOTIFICATION", AccessClass::READ, Answer::SIMPLE},
    {289, "AUDIT_LOG_QUERY", AccessClass::READ, Answer::COMPLEX},
};
constexpr FunctionRow unconfirmed[] = {
    {512, "I_AM", AccessClass::DISCOVER, Answer::NONE},
    {513, "I_HAVE", AccessClass::DISCOVER, Answer::NONE},
    {514, "UNCONFIRMED_COV_NOTIFICATION", AccessClass::READ, Answer::NONE},
    {515, "UNCONFIRMED_EVENT_NOTIFICATION", AccessClass::READ, Answer::NONE},
    {516, "UNCONFIRMED_PRIVATE_TRANSFER", AccessClass::PROGRAM, Answer::NONE},
    {517, "UNCONFIRMED_TEXT_MESSAGE", AccessClass::WRITE, Answer::NONE},
    {518, "TIME_SYNCHRONIZATION", AccessClass::MANAGE, Answer::NONE},
    {519, "WHO_HAS", AccessClass::DISCOVER, Answer::NONE},
    {520, "WHO_IS", AccessClass::DISCOVER, Answer::NONE},
    {521, "UTC_TIME_SYNCHRONIZATION", AccessClass::MANAGE, Answer::NONE},
    {522, "WRITE_GROUP", AccessClass::OPERATE, Answer::NONE},
    {523, "UNCONFIRMED_COV_NOTIFICATION_MULTIPLE", AccessClass::READ, Answer::NONE},
    {524, "UNCONFIRMED_AUDIT_NOTIFICATION", AccessClass::READ, Answer::NONE},
    {525, "WHO_AM_I", AccessClass::DISCOVER, Answer::NONE},
    {526, "YOU_ARE", AccessClass::MANAGE, Answer::NONE},
};
constexpr FunctionRow messages[] = {
    {768, "WHO_IS_ROUTER_TO_NETWORK", AccessClass::DISCOVER, Answer::NONE},
    {769, "I_AM_ROUTER_TO_NETWORK", AccessClass::DISCOVER, Answer::NONE},
    {770, "I_COULD_BE_ROUTER_TO_NETWORK", AccessClass::DISCOVER, Answer::NONE},
    {771, "REJECT_MESSAGE_TO_NETWORK", AccessClass::SESSION, Answer::NONE},
    {772, "ROUTER_BUSY_TO_NETWORK", AccessClass::MANAGE, Answer::NONE},
    {773, "ROUTER_AVAILABLE_TO_NETWORK", AccessClass::MANAGE, Answer::NONE},
    {774, "INITIALIZE_ROUTING_TABLE", AccessClass::DISCOVER, Answer::NONE},
    {775, "INITIALIZE_ROUTING_TABLE_ACK", AccessClass::DISCOVER, Answer::NONE},
    {776, "ESTABLISH_CONNECTION_TO_NETWORK", AccessClass::MANAGE, Answer::NONE},
    {777, "DISCONNECT_CONNECTION_TO_NETWORK", AccessClass::MANAGE, Answer::NONE},
    {778, "CHALLENGE_REQUEST", AccessClass::SESSION, Answer::NONE},
    {779, "SECURITY_PAYLOAD", AccessClass::PROGRAM, Answer::NONE},
    {780, "SECURITY_RESPONSE", AccessClass::SESSION, Answer::NONE},
    {781, "REQUEST_KEY_UPDATE", AccessClass::SESSION, Answer::NONE},
    {782, "UPDATE_KEY_SET", AccessClass::MANAGE, Answer::NONE},
    {783, "UPDATE_DISTRIBUTION_KEY", AccessClass::MANAGE, Answer::NONE},
    {784, "REQUEST_MASTER_KEY", AccessClass::SESSION, Answer::NONE},
    {785, "SET_MASTER_KEY", AccessClass::MANAGE, Answer::NONE},
    {786, "WHAT_IS_NETWORK_NUMBER", AccessClass::DISCOVER, Answer::NONE},
    {787, "NETWORK_NUMBER_IS", AccessClass::DISCOVER, Answer::NONE},
};
constexpr FunctionRow link_functions[] = {
    {1024, "BVLC_RESULT", AccessClass::SESSION, Answer::NONE},
    {1025, "WRITE_BROADCAST_DISTRIBUTION_TABLE", AccessClass::MANAGE, Answer::NONE},
    {1026, "READ_BROADCAST_DISTRIBUTION_TABLE", AccessClass::DISCOVER, Answer::NONE},
    {1027, "READ_BROADCAST_DISTRIBUTION_TABLE_ACK", AccessClass::DISCOVER, Answer::NONE},
    {1028, "FORWARDED_NPDU", AccessClass::SESSION, Answer::NONE},
    {1029, "REGISTER_FOREIGN_DEVICE", AccessClass::MANAGE, Answer::NONE},
    {1030, "READ_FOREIGN_DEVICE_TABLE", AccessClass::DISCOVER, Answer::NONE},
    {1031, "READ_FOREIGN_DEVICE_TABLE_ACK", AccessClass::DISCOVER, Answer::NONE},
    {1032, "DELETE_FOREIGN_DEVICE_TABLE_ENTRY", AccessClass::MANAGE, Answer::NONE},
    {1033, "DISTRIBUTE_BROADCAST_TO_NETWORK", AccessClass::SESSION, Answer::NONE},
    {},
    {},
    {1036, "SECURE_BVLL", AccessClass::PROGRAM, Answer::NONE},
};
constexpr FunctionRow controls[] = {
    {1284, "SEGMENT_ACK", AccessClass::SESSION, Answer::NONE},
    {},
    {1286, "REJECT", AccessClass::SESSION, Answer::NONE},
    {1287, "ABORT", AccessClass::SESSION, Answer::NONE},
};
constexpr std::uint32_t control_first = SEGMENT_ACK & 0xFF;

// Object types whose Present_Value acts on the process.
constexpr std::array<std::uint8_t, 12> acting{1, 4, 7, 14, 21, 22, 28, 30, 53, 54, 55, 60};
constexpr std::array<std::uint8_t, 3> managing{object_device, 38, 56};

template <std::size_t Size>
bool listed(const std::array<std::uint8_t, Size>& types, std::uint32_t type) noexcept {
  return std::any_of(types.begin(), types.end(), [&](std::uint8_t one) { return one == type; });
}

}  // namespace

const FunctionRow* function_row(std::uint32_t function) noexcept {
  std::span<const FunctionRow> rows;
  std::uint32_t number = function & 0xFF;
  switch (function & ~std::uint32_t{0xFF}) {
    case confirmed_base: rows = confirmed; break;
    case unconfirmed_base: rows = unconfirmed; break;
    case network_base: rows = messages; break;
    case link_base: rows = link_functions; break;
    case apdu_base:
      rows = controls;
      number -= control_first;
      break;
    default: break;
  }
  return number < rows.size() && rows[number].function == function ? &rows[number] : nullptr;
}

AccessClass access_of_write(std::uint32_t type, std::uint32_t property) noexcept {
  if (property == present_value) return listed(acting, type) ? AccessClass::OPERATE : AccessClass::WRITE;
  return listed(managing, type) ? AccessClass::MANAGE : AccessClass::PROGRAM;
}

}  // namespace conduit::bacnet
