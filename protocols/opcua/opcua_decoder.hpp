// OPC UA binary over TCP (opc.tcp): row of the registry, and the numbers in which its operations speak.
//
// Source: OPC 10000-6 ("Part 6", clauses of release 1.05) for encoding, chunks and connection, OPC 10000-4
// for services. All functions are pure and may be called from any thread; views in operations point into the
// PDU or into the scratch of the PduState, and those of keys live until the next call of `next`.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocols/core/decoder.hpp"

namespace conduit {

inline constexpr ProtocolId opcua_id{21};
extern const Protocol opcua_protocol;

namespace opcua {

// Dimensions of Operation. The policy spells them as in `opcua_protocol.dimension_names`.
enum Dimension : std::size_t {
  NAMESPACE = 0,         // index of the node's namespace
  NODE = 1,              // numeric identifier of the node
  ATTRIBUTE = 2,         // + attribute_part with an index range
  SECURITY_MODE = 3,     // SecurityMode
  USER_TOKEN = 4,        // ACTIVATE_SESSION: node id of the token's encoding
  METHOD_NAMESPACE = 5,  // of the second node: method, new node, target
  METHOD = 6,
  LIFETIME = 7,  // OPN: requested lifetime, ms
};

// Keys of Operation.
enum KeyIndex : std::size_t {
  NAME = 0,          // identifier of a node that is no number; endpoint URL; URI of the security policy
  FURTHER_NAME = 1,  // of a second node; thumbprint of a certificate
};

inline constexpr std::uint16_t attribute_value = 13;
inline constexpr std::uint16_t attribute_part = 256;

// MessageSecurityMode, as on the wire.
enum class SecurityMode : std::uint8_t { INVALID = 0, NONE = 1, SIGN = 2, SIGN_AND_ENCRYPT = 3 };

// Functions that other code names. Services have the node id of their request's binary encoding.
enum Function : std::uint32_t {
  SERVICE_FAULT = 397,
  OPEN_SECURE_CHANNEL = 446,
  OPEN_SECURE_CHANNEL_RESPONSE = 449,
  CLOSE_SECURE_CHANNEL = 452,
  CREATE_SESSION = 461,
  ACTIVATE_SESSION = 467,
  READ = 631,
  HISTORY_READ = 664,
  WRITE = 673,
  CALL = 712,
  PUBLISH = 826,
  HELLO = 0x10001,
  REVERSE_HELLO = 0x10002,
  OPAQUE_MESSAGE = 0x10003,
  ABORTED_REQUEST = 0x10004,
  ERROR_MESSAGE = 0x10005,  // needs no rule
  RENEW_SECURE_CHANNEL = 0x10000 + OPEN_SECURE_CHANNEL,
  NO_SERVICE = 0xFFFFFFFF,  // a message whose type is none of the OPC Foundation's
};

// Limits, octets.
inline constexpr std::uint32_t message_header_size = 8;
inline constexpr std::uint32_t symmetric_header_size = 24;  // with security and sequence header
inline constexpr std::uint32_t text_size_max = 4096;        // of URLs and reasons (Part 6 §7.1.2)
inline constexpr std::uint32_t judge_size_max = 16 * 1024;  // of a request
inline constexpr std::uint32_t chunk_size_max = 1U << 24U;  // of any chunk
inline constexpr std::uint32_t response_head_size = 48;     // judged part of a response's chunk
inline constexpr std::uint32_t assembled_size_max = 3072;   // of a request in several chunks, without headers
inline constexpr std::uint32_t key_size_max = 512;          // of one key that is made here

}  // namespace opcua
}  // namespace conduit
