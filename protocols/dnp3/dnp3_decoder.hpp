// DNP3 on TCP and UDP: row of the registry, and the numbers in which its operations speak.
//
// Source: IEEE Std 1815-2012 ("1815"). All functions are pure and may be called from any thread; views in
// operations point into the scratch of the PduState that `open` filled.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocols/core/decoder.hpp"

namespace conduit {

inline constexpr ProtocolId dnp3_id{17};
extern const Protocol dnp3_protocol;

namespace dnp3 {

// Dimensions of Operation. The policy spells them as in `dnp3_protocol.dimension_names`.
enum Dimension : std::size_t {
  OUTSTATION = 0,  // link address
  OBJECT = 1,      // group · 256 + variation
  INDEX = 2,       // of points
  CONTROL = 3,     // control code of a CROB; 256 + mode of an opened file
  COUNT = 4,       // of a CROB: repetitions
  ON_TIME = 5,     // of a CROB, ms
  OFF_TIME = 6,    // of a CROB, ms
  MASTER = 7,      // link address
};

// Keys of Operation.
enum KeyIndex : std::size_t { FILE_NAME = 0, AUTHENTICATION = 1 };

// Function codes of the application layer (1815 §4.4.2); those of the link layer from 512 on.
enum Function : std::uint16_t {
  CONFIRM = 0,
  READ = 1,
  WRITE = 2,
  SELECT = 3,
  OPERATE = 4,
  DIRECT_OPERATE = 5,
  DIRECT_OPERATE_NR = 6,
  IMMED_FREEZE = 7,
  IMMED_FREEZE_NR = 8,
  FREEZE_CLEAR = 9,
  FREEZE_CLEAR_NR = 10,
  FREEZE_AT_TIME = 11,
  FREEZE_AT_TIME_NR = 12,
  COLD_RESTART = 13,
  WARM_RESTART = 14,
  INITIALIZE_DATA = 15,
  INITIALIZE_APPL = 16,
  START_APPL = 17,
  STOP_APPL = 18,
  SAVE_CONFIG = 19,
  ENABLE_UNSOLICITED = 20,
  DISABLE_UNSOLICITED = 21,
  ASSIGN_CLASS = 22,
  DELAY_MEASURE = 23,
  RECORD_CURRENT_TIME = 24,
  OPEN_FILE = 25,
  CLOSE_FILE = 26,
  DELETE_FILE = 27,
  GET_FILE_INFO = 28,
  AUTHENTICATE_FILE = 29,
  ABORT_FILE = 30,
  ACTIVATE_CONFIG = 31,
  AUTHENTICATE_REQ = 32,
  AUTH_REQ_NO_ACK = 33,
  RESPONSE = 129,
  UNSOLICITED_RESPONSE = 130,
  AUTHENTICATE_RESP = 131,
  OPERATE_WITHOUT_SELECT = 260,  // OPERATE that does not repeat the SELECT before it on this connection
  LINK_RESET = 512,
  LINK_TEST = 514,
  LINK_STATUS_REQUEST = 521,
  LINK_ACK = 768,
  LINK_NACK = 769,
  LINK_STATUS = 779,
  LINK_NOT_SUPPORTED = 783,
};
inline constexpr std::uint16_t link_primary_base = 512;
inline constexpr std::uint16_t link_secondary_base = 768;

// Limits of the wire, octets.
inline constexpr std::size_t link_header_size = 10;     // with its checksum
inline constexpr std::size_t user_data_max = 250;       // of one link frame, transport octet included
inline constexpr std::size_t block_size = 16;           // user data between two checksums
inline constexpr std::size_t fragment_size_max = 2048;  // of the application layer (1815 §4.2.2.5)
// Link frames that carry one fragment, together.
inline constexpr std::size_t frames_size_max = 3584;

}  // namespace dnp3
}  // namespace conduit
