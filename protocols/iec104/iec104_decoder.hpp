// IEC 60870-5-104: row of the registry, and the numbers in which its operations speak.
//
// Source: IEC 60870-5-104:2006 ("104") and IEC 60870-5-101:2003 ("101"), which defines the ASDUs. All
// functions are pure and may be called from any thread; views in operations point into the PDU.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocols/core/decoder.hpp"

namespace conduit {

inline constexpr ProtocolId iec104_id{18};
extern const Protocol iec104_protocol;

namespace iec104 {

// Dimensions of Operation. The policy spells them as in `iec104_protocol.dimension_names`.
enum Dimension : std::size_t {
  COMMON_ADDRESS = 0,
  OBJECT_ADDRESS = 1,
  CAUSE = 2,
  SELECT = 3,     // see SelectStep
  QUALIFIER = 4,  // QU, QL, QOI, QCC, QRP, QPM, QPA, COI; FRQ, SRQ, SCQ, LSQ, AFQ
  ORIGINATOR = 5,
  TEST = 6,
  FILE_NAME = 7,
};

enum SelectStep : std::uint8_t { EXECUTE = 0, SELECTED_ONLY = 1, EXECUTE_SELECTED = 2 };

// Type identifications (101 §7.2.1, 104 §6) with a meaning of their own here; their names stand in the table
// of iec104_types.cpp.
enum Type : std::uint8_t {
  M_IT_NA_1 = 15,
  M_IT_TA_1 = 16,
  M_IT_TB_1 = 37,
  C_SC_NA_1 = 45,
  C_BO_NA_1 = 51,
  C_SC_TA_1 = 58,
  C_BO_TA_1 = 64,
  M_EI_NA_1 = 70,
  C_IC_NA_1 = 100,
  C_CI_NA_1 = 101,
  C_RD_NA_1 = 102,
  C_CS_NA_1 = 103,
  C_TS_NA_1 = 104,
  C_RP_NA_1 = 105,
  C_CD_NA_1 = 106,
  C_TS_TA_1 = 107,
  P_ME_NA_1 = 110,
  P_ME_NC_1 = 112,
  P_AC_NA_1 = 113,
  F_FR_NA_1 = 120,
  F_SR_NA_1 = 121,
  F_SC_NA_1 = 122,
  F_LS_NA_1 = 123,
  F_AF_NA_1 = 124,
  F_SG_NA_1 = 125,
  F_DR_TA_1 = 126,
  F_SC_NB_1 = 127,
};

// Function numbers that are no type identification: 256 and the first control octet of S- and U-frames; and
// 512 and the type of an ASDU that its sender may not send like this (no rule can name these).
enum Function : std::uint16_t {
  S_FRAME = 257,
  STARTDT = 263,
  STARTDT_CON = 267,
  STOPDT = 275,
  STOPDT_CON = 291,
  TESTFR = 323,
  TESTFR_CON = 387,
};
inline constexpr std::uint32_t control_base = 256;
inline constexpr std::uint32_t misplaced_base = 512;

// Causes of transmission (101 §7.2.3).
enum Cause : std::uint8_t {
  PERIODIC = 1,
  BACKGROUND = 2,
  SPONTANEOUS = 3,
  INITIALIZED = 4,
  REQUEST = 5,
  ACTIVATION = 6,
  ACTIVATION_CON = 7,
  DEACTIVATION = 8,
  DEACTIVATION_CON = 9,
  ACTIVATION_TERMINATION = 10,
  REMOTE_COMMAND = 11,
  LOCAL_COMMAND = 12,
  FILE_TRANSFER = 13,
  INTERROGATED_FIRST = 20,
  INTERROGATED_LAST = 36,
  COUNTERS_FIRST = 37,
  COUNTERS_LAST = 41,
  UNKNOWN_TYPE = 44,
  UNKNOWN_CAUSE = 45,
  UNKNOWN_COMMON_ADDRESS = 46,
  UNKNOWN_OBJECT_ADDRESS = 47,
};

// Tolerances of a station.
inline constexpr Quirks QUIRK_CAUSE_ONE_OCTET = quirk(3);
inline constexpr Quirks QUIRK_COMMON_ADDRESS_ONE_OCTET = quirk(4);
inline constexpr Quirks QUIRK_OBJECT_ADDRESS_ONE_OCTET = quirk(5);
inline constexpr Quirks QUIRK_OBJECT_ADDRESS_TWO_OCTETS = quirk(6);
inline constexpr Quirks QUIRK_LARGE_WINDOW = quirk(7);

// Limits of the wire, octets.
inline constexpr std::size_t apci_size = 6;
inline constexpr std::size_t control_at = 2;    // of the four control octets
inline constexpr std::size_t length_min = 4;    // value of the length field
inline constexpr std::size_t length_max = 253;  // 104 §5.1
inline constexpr std::size_t apdu_size_max = 255;

// I-frames of one side that the other has not acknowledged. The standard's k is a parameter, 12 by default
// (104 §5.5); the bound here is what any configuration that is met may use.
inline constexpr std::uint16_t window_max = 64;
inline constexpr std::uint16_t large_window_max = 16383;

}  // namespace iec104
}  // namespace conduit
