// EtherNet/IP and CIP: row of the registry, and the numbers in which its operations speak.
//
// Sources: The CIP Networks Library, Volume 1 "Common Industrial Protocol" ("CIP") and Volume 2 "EtherNet/IP
// Adaptation of CIP" ("ENIP"); for the tags of Logix controllers, Rockwell publication 1756-PM020 ("PM020");
// for PCCC, 1770-6.5.16 ("DF1"). All functions are pure and may be called from any thread; views in
// operations point into the PDU or into the scratch of the PduState.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocols/core/decoder.hpp"

namespace conduit {

inline constexpr ProtocolId enip_id{20};
extern const Protocol enip_protocol;

namespace enip {

// Dimensions of Operation. The policy spells them as in `enip_protocol.dimension_names`.
enum Dimension : std::size_t {
  CLASS = 0,
  INSTANCE = 1,
  ATTRIBUTE = 2,
  CONNECTION_POINT = 3,  // of an opening: the one that consumes
  ELEMENT = 4,           // of a tag or data file; member of an object
  PRODUCED_POINT = 5,    // of an opening
  TRANSPORT_CLASS = 6,   // of an opening
  INTERVAL = 7,          // of an opening: both requested packet intervals, µs
};

// Keys of Operation.
enum KeyIndex : std::size_t { TAG = 0, ROUTE = 1 };

// Encapsulation commands (ENIP 2-3.2).
enum Command : std::uint16_t {
  COMMAND_NOP = 0x00,
  COMMAND_LIST_SERVICES = 0x04,
  COMMAND_LIST_IDENTITY = 0x63,
  COMMAND_LIST_INTERFACES = 0x64,
  COMMAND_REGISTER_SESSION = 0x65,
  COMMAND_UNREGISTER_SESSION = 0x66,
  COMMAND_SEND_RR_DATA = 0x6F,
  COMMAND_SEND_UNIT_DATA = 0x70,
};

// Common services (CIP appendix A).
enum Service : std::uint8_t {
  GET_ATTRIBUTES_ALL = 0x01,
  SET_ATTRIBUTES_ALL = 0x02,
  GET_ATTRIBUTE_LIST = 0x03,
  SET_ATTRIBUTE_LIST = 0x04,
  RESET = 0x05,
  START = 0x06,
  STOP = 0x07,
  CREATE = 0x08,
  DELETE = 0x09,
  MULTIPLE_SERVICE_PACKET = 0x0A,
  APPLY_ATTRIBUTES = 0x0D,
  GET_ATTRIBUTE_SINGLE = 0x0E,
  SET_ATTRIBUTE_SINGLE = 0x10,
  FIND_NEXT_OBJECT_INSTANCE = 0x11,
  RESTORE = 0x15,
  SAVE = 0x16,
  NO_OPERATION = 0x17,
  GET_MEMBER = 0x18,
  SET_MEMBER = 0x19,
  INSERT_MEMBER = 0x1A,
  REMOVE_MEMBER = 0x1B,
  GROUP_SYNC = 0x1C,
};
inline constexpr std::uint8_t class_service_first = 0x32;  // below: common, the same for all classes

// Classes whose services are read.
inline constexpr std::uint32_t class_message_router = 0x02;
inline constexpr std::uint32_t class_connection_manager = 0x06;
inline constexpr std::uint32_t class_file = 0x37;
inline constexpr std::uint32_t class_pccc = 0x67;
inline constexpr std::uint32_t class_symbol = 0x6B;  // tags
inline constexpr std::uint32_t class_template = 0x6C;

// Function codes: see enip.proto.
inline constexpr std::uint32_t command_base = 0x80;
inline constexpr std::uint32_t pccc_base = 0x1000000;
enum Function : std::uint32_t {
  FORWARD_CLOSE = 0x064E,
  UNCONNECTED_SEND = 0x0652,
  FORWARD_OPEN = 0x0654,
  LARGE_FORWARD_OPEN = 0x065B,
  EXECUTE_PCCC = 0x674B,
  READ_TAG = 0x6B4C,
  WRITE_TAG = 0x6B4D,
  READ_MODIFY_WRITE_TAG = 0x6B4E,
  READ_TAG_FRAGMENTED = 0x6B52,
  WRITE_TAG_FRAGMENTED = 0x6B53,
  GET_INSTANCE_ATTRIBUTE_LIST = 0x6B55,
  READ_TEMPLATE = 0x6C4C,
  IO_DATA = 0xFF,  // datagrams of a connection, for reports alone
};

// Limits, octets.
inline constexpr std::size_t header_size = 24;
inline constexpr std::size_t pdu_size_max = 4096;  // a connected message of 4002 octets and what is around it
// Multiple service packets within each other; the outermost may lie in an unconnected send.
inline constexpr std::size_t packet_depth_max = 2;

}  // namespace enip
}  // namespace conduit
