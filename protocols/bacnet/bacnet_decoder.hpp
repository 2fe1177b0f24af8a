// BACnet/IP: row of the registry, and the numbers in which its operations speak.
//
// Source: ANSI/ASHRAE Standard 135-2020 ("135"). All functions are pure and may be called from any thread;
// views in operations point into the datagram or into the scratch of the PduState that `open` filled.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocols/core/decoder.hpp"

namespace conduit {

inline constexpr ProtocolId bacnet_id{22};
extern const Protocol bacnet_protocol;

namespace bacnet {

// Dimensions of Operation. The policy spells them as in `bacnet_protocol.dimension_names`.
enum Dimension : std::size_t {
  OBJECT_TYPE = 0,  // private transfers: vendor
  INSTANCE = 1,     // private transfers: service number; messages of the network layer: network number
  PROPERTY = 2,
  INDEX = 3,        // of an array; of a file: octets or records
  PRIORITY = 4,     // of a write; service · 65536 + state that a device is told to take
  DESTINATION = 5,  // network · 2^48 + address, behind a router
  SOURCE = 6,
  CARRIER = 7,  // function of the virtual link layer
};

// Keys of Operation.
enum KeyIndex : std::size_t { ORIGIN = 0, OBJECT_NAME = 1 };

// Where the series of function numbers begin.
inline constexpr std::uint16_t confirmed_base = 256;
inline constexpr std::uint16_t unconfirmed_base = 512;
inline constexpr std::uint16_t network_base = 768;
inline constexpr std::uint16_t link_base = 1024;
inline constexpr std::uint16_t apdu_base = 1280;

enum Function : std::uint16_t {
  ACKNOWLEDGE_ALARM = 256,
  CONFIRMED_COV_NOTIFICATION = 257,
  CONFIRMED_EVENT_NOTIFICATION = 258,
  GET_ALARM_SUMMARY = 259,
  GET_ENROLLMENT_SUMMARY = 260,
  SUBSCRIBE_COV = 261,
  ATOMIC_READ_FILE = 262,
  ATOMIC_WRITE_FILE = 263,
  ADD_LIST_ELEMENT = 264,
  REMOVE_LIST_ELEMENT = 265,
  CREATE_OBJECT = 266,
  DELETE_OBJECT = 267,
  READ_PROPERTY = 268,
  READ_PROPERTY_CONDITIONAL = 269,
  READ_PROPERTY_MULTIPLE = 270,
  WRITE_PROPERTY = 271,
  WRITE_PROPERTY_MULTIPLE = 272,
  DEVICE_COMMUNICATION_CONTROL = 273,
  CONFIRMED_PRIVATE_TRANSFER = 274,
  CONFIRMED_TEXT_MESSAGE = 275,
  REINITIALIZE_DEVICE = 276,
  VT_OPEN = 277,
  VT_CLOSE = 278,
  VT_DATA = 279,
  AUTHENTICATE = 280,
  REQUEST_KEY = 281,
  READ_RANGE = 282,
  LIFE_SAFETY_OPERATION = 283,
  SUBSCRIBE_COV_PROPERTY = 284,
  GET_EVENT_INFORMATION = 285,
  SUBSCRIBE_COV_PROPERTY_MULTIPLE = 286,
  CONFIRMED_COV_NOTIFICATION_MULTIPLE = 287,
  CONFIRMED_AUDIT_NOTIFICATION = 288,
  AUDIT_LOG_QUERY = 289,
  I_AM = 512,
  I_HAVE = 513,
  UNCONFIRMED_COV_NOTIFICATION = 514,
  UNCONFIRMED_EVENT_NOTIFICATION = 515,
  UNCONFIRMED_PRIVATE_TRANSFER = 516,
  UNCONFIRMED_TEXT_MESSAGE = 517,
  TIME_SYNCHRONIZATION = 518,
  WHO_HAS = 519,
  WHO_IS = 520,
  UTC_TIME_SYNCHRONIZATION = 521,
  WRITE_GROUP = 522,
  UNCONFIRMED_COV_NOTIFICATION_MULTIPLE = 523,
  UNCONFIRMED_AUDIT_NOTIFICATION = 524,
  WHO_AM_I = 525,
  YOU_ARE = 526,
  WHO_IS_ROUTER_TO_NETWORK = 768,
  I_AM_ROUTER_TO_NETWORK = 769,
  I_COULD_BE_ROUTER_TO_NETWORK = 770,
  REJECT_MESSAGE_TO_NETWORK = 771,
  ROUTER_BUSY_TO_NETWORK = 772,
  ROUTER_AVAILABLE_TO_NETWORK = 773,
  INITIALIZE_ROUTING_TABLE = 774,
  INITIALIZE_ROUTING_TABLE_ACK = 775,
  ESTABLISH_CONNECTION_TO_NETWORK = 776,
  DISCONNECT_CONNECTION_TO_NETWORK = 777,
  CHALLENGE_REQUEST = 778,
  SECURITY_PAYLOAD = 779,
  SECURITY_RESPONSE = 780,
  REQUEST_KEY_UPDATE = 781,
  UPDATE_KEY_SET = 782,
  UPDATE_DISTRIBUTION_KEY = 783,
  REQUEST_MASTER_KEY = 784,
  SET_MASTER_KEY = 785,
  WHAT_IS_NETWORK_NUMBER = 786,
  NETWORK_NUMBER_IS = 787,
  VENDOR_MESSAGE = 896,  // the first of 128 that have no name
  BVLC_RESULT = 1024,
  WRITE_BROADCAST_DISTRIBUTION_TABLE = 1025,
  READ_BROADCAST_DISTRIBUTION_TABLE = 1026,
  READ_BROADCAST_DISTRIBUTION_TABLE_ACK = 1027,
  FORWARDED_NPDU = 1028,
  REGISTER_FOREIGN_DEVICE = 1029,
  READ_FOREIGN_DEVICE_TABLE = 1030,
  READ_FOREIGN_DEVICE_TABLE_ACK = 1031,
  DELETE_FOREIGN_DEVICE_TABLE_ENTRY = 1032,
  DISTRIBUTE_BROADCAST_TO_NETWORK = 1033,
  SECURE_BVLL = 1036,
  SEGMENT_ACK = 1284,
  REJECT = 1286,
  ABORT = 1287,
};

// Functions of the virtual link layer that carry an NPDU (135 J.2).
enum Carrier : std::uint8_t { FORWARDED = 4, DISTRIBUTED = 9, UNICAST = 10, BROADCAST = 11 };

// PRIORITY: what a device is told to become, behind the priorities.
enum StateSeries : std::uint32_t {
  STATE_COMMUNICATION = 0x10000,
  STATE_REINITIALIZED = 0x20000,
  STATE_LIFE_SAFETY = 0x30000,
  STATE_EVENT = 0x40000,
  STATE_TEXT = 0x50000,
};

// Limits of the wire, octets.
inline constexpr std::size_t link_header_size = 4;
inline constexpr std::size_t datagram_size_max = 1500;
inline constexpr std::size_t address_size_max = 6;  // of a station behind a router, that is read as a number

inline constexpr std::uint32_t instance_last = 0x3FFFFF;
inline constexpr std::uint8_t object_device = 8;
inline constexpr std::uint16_t object_file = 10;
inline constexpr std::uint32_t present_value = 85;
inline constexpr std::size_t depth_max = 12;  // of opening tags within each other

}  // namespace bacnet
}  // namespace conduit
