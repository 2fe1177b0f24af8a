// S7comm on TPKT and COTP: row of the registry, and the numbers in which its operations speak.
//
// Source: RFC 1006 (TPKT) and ISO/IEC 8073 class 0 (COTP). S7comm itself has no published specification: what
// is known of it comes from captures and from dissectors (protocols/s7comm/README.md). All functions are pure
// and may be called from any thread; views in operations point into the PDU, or into the PduState.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocols/core/decoder.hpp"

namespace conduit {

inline constexpr ProtocolId s7comm_id{19};
extern const Protocol s7comm_protocol;

// S7comm.Tolerance of the .proto.
inline constexpr Quirks QUIRK_LENGTHS_BY_TRANSPORT_SIZE = quirk(8);
inline constexpr Quirks QUIRK_MANY_TPDUS = quirk(9);

namespace s7comm {

// Dimensions of Operation. The policy spells them as in `s7comm_protocol.dimension_names`.
enum Dimension : std::size_t {
  SLOT = 0,             // second octet of the destination TSAP: rack · 32 + slot
  CONNECTION_TYPE = 1,  // its first octet
  SOURCE_TSAP = 2,
  AREA = 3,
  DB = 4,
  BIT_ADDRESS = 5,  // byte · 8 + bit; of timers and counters their number
  TRANSPORT_SIZE = 6,
  SZL_ID = 7,
};

// Keys of Operation.
enum KeyIndex : std::size_t {
  NAME = 0,   // of a PI service; of CONNECT, a destination TSAP of other than two octets
  BLOCK = 1,  // type and number; of other PI services their argument
};

// Jobs (octet on the wire), and what has numbers of its own: see Function in s7comm.proto.
enum Function : std::uint16_t {
  READ_VAR = 0x04,
  WRITE_VAR = 0x05,
  REQUEST_DOWNLOAD = 0x1A,
  DOWNLOAD_BLOCK = 0x1B,
  DOWNLOAD_ENDED = 0x1C,
  START_UPLOAD = 0x1D,
  UPLOAD = 0x1E,
  END_UPLOAD = 0x1F,
  PI_SERVICE = 0x28,
  PLC_STOP = 0x29,
  SETUP_COMMUNICATION = 0xF0,
  READ_BY_SYNTAX = 0x0400,  // + syntax id
  WRITE_BY_SYNTAX = 0x0500,
  READ_DB = 0x04B0,
  TPDU = 0x1000,  // + code of the TPDU
  TPDU_ERROR = 0x1070,
  DISCONNECT = 0x1080,
  DISCONNECT_CONFIRM = 0x10C0,
  CONNECT = 0x10E0,
  EMPTY_DATA = 0x10F0,
  USERDATA = 0x2000,  // + function group · 256 + subfunction
  MODE_TRANSITION = 0x2000,
  CYCLIC_TRANSFER = 0x2201,
  CHANGE_DRIVEN_TRANSFER = 0x2205,
  LIST_BLOCKS_OF_TYPE = 0x2302,
  GET_BLOCK_INFO = 0x2303,
  READ_SZL = 0x2401,
  S7PLUS = 0x7000,  // + function of S7comm-plus
  S7PLUS_OPAQUE = 0x7001,
  S7PLUS_NOTIFICATION = 0x7033,
  S7PLUS_SYSTEM_EVENT = 0x70FE,
  S7PLUS_KEEP_ALIVE = 0x70FF,
  S7PLUS_INIT_SSL = 0x75B3,
};

// Limits of the wire, octets.
inline constexpr std::size_t tpkt_header_size = 4;
inline constexpr std::size_t data_header_size = 7;   // TPKT and DT TPDU
inline constexpr std::size_t tpkts_size_max = 4096;  // all TPKTs of one TSDU together
inline constexpr std::size_t job_header_size = 10;
inline constexpr std::size_t ack_header_size = 12;

}  // namespace s7comm
}  // namespace conduit
