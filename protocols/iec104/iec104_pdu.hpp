// Inside of the IEC 104 room: one APDU read into numbers, the table of types, and what a connection
// remembers.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "protocols/iec104/iec104_decoder.hpp"

namespace conduit::iec104 {

// The number that an information object holds (101 §7.2.6), at its beginning.
enum class Number : std::uint8_t {
  NONE = 0,
  BIT,         // SIQ, SCO: bit 0
  STATE,       // DIQ, DCO, RCO: bits 0 and 1
  STEP,        // VTI
  BITS,        // BSI
  NORMALISED,  // NVA
  SCALED,      // SVA
  FLOAT,       // R32
  COUNTER,     // BCR
  SHORT,       // FBP, CP16Time2a, TSC
  CLOCK,       // CP56Time2a
  OCTETS,      // read no further
};

// Where the qualifier lies: (object[at] >> shift) & mask.
struct QualifierPlace {
  std::uint8_t at = 0;
  std::uint8_t shift = 0;
  std::uint8_t mask = 0;  // 0: there is none
};

struct TypeRow {
  std::string_view name{};  // empty: no type of that number
  Number number = Number::NONE;
  AccessClass access = AccessClass::PROGRAM;
  QualifierPlace qualifier{};
  std::uint8_t size = 0;      // octets of an object behind its address, time tag included
  std::uint8_t tag_size = 0;  // of these: the time tag at the end
  bool sequence = false;      // may be sent with SQ = 1
  bool single = false;        // exactly one object, SQ = 0
  bool no_address = false;    // the object address is 0
  [[nodiscard]] constexpr bool known() const noexcept { return !name.empty(); }
};
extern const std::array<TypeRow, 128> type_rows;
// Of a number without a type: one without name.
[[nodiscard]] inline const TypeRow& type_row(std::uint8_t type) noexcept {
  return type_rows[type < 128 ? type : 0];
}

[[nodiscard]] constexpr bool is_command(std::uint8_t type) noexcept {
  return (type >= C_SC_NA_1 && type <= C_BO_NA_1) || (type >= C_SC_TA_1 && type <= C_BO_TA_1);
}
// Process information in monitor direction.
[[nodiscard]] constexpr bool is_data(std::uint8_t type) noexcept { return type < C_SC_NA_1; }
[[nodiscard]] constexpr bool is_file(std::uint8_t type) noexcept {
  return type >= F_FR_NA_1 && type <= F_SC_NB_1;
}
[[nodiscard]] constexpr bool is_parameter(std::uint8_t type) noexcept {
  return type >= P_ME_NA_1 && type <= P_ME_NC_1;
}

// Types whose activation is confirmed, and those that can be deactivated (101 §7.2.3, table 14).
[[nodiscard]] constexpr bool can_deactivate(std::uint8_t type) noexcept {
  return is_command(type) || type == C_IC_NA_1 || type == C_CI_NA_1 || type == P_AC_NA_1;
}
[[nodiscard]] constexpr bool can_activate(std::uint8_t type) noexcept {
  return can_deactivate(type) || is_parameter(type) || (type >= C_CS_NA_1 && type <= C_TS_TA_1);
}

// Of the fields of an ASDU, octets.
struct Sizes {
  std::uint8_t cause = 2;
  std::uint8_t common_address = 2;
  std::uint8_t object_address = 3;
};
[[nodiscard]] Sizes sizes_of(Quirks quirks) noexcept;

enum class Format : std::uint8_t { I = 0, S = 1, U = 3 };

// One APDU. Lives in PduState between `open` and `next`.
struct Fields {
  std::uint16_t pdu_size = 0;  // 0: nothing was opened
  Format format = Format::I;
  std::uint8_t control = 0;  // first control octet
  std::uint16_t send_sequence = 0;
  std::uint16_t receive_sequence = 0;
  bool from_client = false;
  bool misplaced = false;  // its sender may not send it like this
  // the ASDU
  std::uint8_t type = 0;
  std::uint8_t cause = 0;
  bool sequence = false;  // SQ
  bool negative = false;
  bool test = false;
  bool has_originator = false;
  std::uint8_t originator = 0;
  std::uint8_t count = 0;  // of objects; 1 where the type is not known
  std::uint16_t common_address = 0;
  bool broadcast = false;  // … is that of all stations
  std::uint8_t objects_at = 0;
  std::uint8_t object_size = 0;  // behind its address
  Sizes sizes{};
  SelectStep step = EXECUTE;
  // `next`
  std::uint8_t told = 0;             // operations so far
  std::uint8_t position = 0;         // in the PDU, of the next object
  std::uint32_t object_address = 0;  // of the first object; with SQ = 1, of the next
};
static_assert(sizeof(Fields) <= pdu_state_size);

// A little-endian number of 1 to 3 octets.
[[nodiscard]] inline std::uint32_t load_le(const std::uint8_t* at, std::size_t size) noexcept {
  std::uint32_t value = at[0];
  if (size > 1) value |= std::uint32_t{at[1]} << 8;
  if (size > 2) value |= std::uint32_t{at[2]} << 16;
  return value;
}

// Reads a whole APDU; all its lengths and the content of its commands are good afterwards. Null, or the
// field at fault.
[[nodiscard]] const char* parse_apdu(Bytes apdu, Role sender, Quirks quirks, Fields& fields) noexcept;

// N(S) or N(R) from its two octets.
[[nodiscard]] constexpr std::uint16_t load_sequence(const std::uint8_t* at) noexcept {
  return static_cast<std::uint16_t>((at[1] << 7) | (at[0] >> 1));
}

// The first object behind its address.
[[nodiscard]] inline Bytes first_object(Bytes apdu, const Fields& fields) noexcept {
  return apdu.subspan(std::size_t{fields.objects_at} + fields.sizes.object_address, fields.object_size);
}

// Of the last octet of a command that has a select/execute bit (101 §7.2.6.15, .16, .17, .39).
inline constexpr std::uint8_t select_bit = 0x80;
[[nodiscard]] inline bool has_select_bit(std::uint8_t type) noexcept {
  return is_command(type) && type != C_BO_NA_1 && type != C_BO_TA_1;
}

// May this side send that type with that cause and sign (101 §7.2.3, tables 14 and 15)?
[[nodiscard]] bool well_placed(const Fields& fields) noexcept;

// The next operation that `fields` has not told yet.
[[nodiscard]] Next next_operation(Bytes apdu, Fields& fields, Operation& operation) noexcept;

// --- requests and answers --------------------------------------------------------------------------------

struct Session;

// Kind, key and detail of an I-frame that `parse_apdu` has read.
void pair(Bytes apdu, const Fields& fields, const Session& session, PduHead& head) noexcept;
[[nodiscard]] bool agrees(Bytes response, std::uint64_t asked, Quirks quirks) noexcept;

// --- the connection --------------------------------------------------------------------------------------

inline constexpr std::uint16_t sequence_mask = 0x7FFF;
inline constexpr std::size_t edit_count_max = 13;

// The I-frames of one side. Numbers are modulo 2^15.
struct Stream {
  std::uint16_t send_next = 0;  // N(S) of its next frame, as it counts itself
  std::uint16_t received = 0;   // the last N(R) that it sent, as it counts the other side's frames
  std::uint16_t told = 0;       // the last N(R) that left in its name, as the other side counts
  std::uint16_t removed = 0;    // frames taken out of it less frames put in
  std::uint8_t edit_count = 0;
  std::uint8_t tests_open = 0;  // TESTFR act of it that have no answer yet
  // Frames taken out of it or put in where the receiver has not acknowledged what stands before: its number
  // as the receiver counts, and which of both in the uppermost bit.
  std::array<std::uint16_t, edit_count_max> edits{};
};

// Of data: between STARTDT con and STOPDT con.
enum class Transfer : std::uint8_t { NEVER_STARTED = 0, STARTED = 1, STOPPING = 2, STOPPED = 3 };

inline constexpr std::size_t command_size_max = 5;  // octets of a command without its time tag
inline constexpr std::size_t address_size_max = 6;  // octets between cause and command

// A selection that the station has confirmed, as it stands on the wire (`accept` does not know the sizes of
// the fields). Type 0: none.
struct Selection {
  std::uint8_t type = 0;                                   // below 128, and above it the test bit
  std::array<std::uint8_t, address_size_max> addresses{};  // originator, common address, object address
  std::array<std::uint8_t, command_size_max> command{};    // select bit cleared
  friend bool operator==(const Selection&, const Selection&) noexcept = default;
};

// To whom a request went that all stations may be asked.
enum class Asked : std::uint8_t {
  ONE = 0,
  ALL_ONE_OCTET = 1,   // 255, if the common address has one octet
  ALL_TWO_OCTETS = 2,  // 65535, or 255 with originator 255
};

struct Session {
  std::array<Stream, 2> streams{};  // by role
  Transfer transfer = Transfer::NEVER_STARTED;
  std::uint8_t starts_open = 0;  // STARTDT act without an answer
  std::uint8_t stops_open = 0;
  std::uint8_t selection_next = 0;
  std::array<Selection, 2> selections{};
  // Broadcasts, which many stations answer: since then nobody was asked the same alone.
  std::uint8_t all_interrogation = 0;  // QOI
  std::uint8_t all_counters = 0;       // QCC
  std::uint8_t all_asked = 0;          // `Asked` of interrogation, counters, clock, reset; two bits each
  std::uint8_t termination_next = 0;
  // Commands that were confirmed, and whose end the station has not told: what they are, hashed. 0: none.
  std::array<std::uint32_t, 6> terminations{};
};
static_assert(sizeof(Session) <= session_state_size);

// Is this the frame that has to come now? Null, or the field at fault.
[[nodiscard]] const char* check_place(const Fields& fields, Quirks quirks, const Session& session) noexcept;
// U-frames: is it a confirmation that the other side waits for?
[[nodiscard]] bool awaited(const Fields& fields, const Session& session) noexcept;
// The frame, which is well formed, goes on: numbers, data transfer, tests.
void accept_frame(Bytes apdu, Role sender, Session& session) noexcept;

[[nodiscard]] bool renumber(std::span<std::uint8_t> pdu, Role sender, Passage passage,
                            SessionState& session) noexcept;
[[nodiscard]] std::size_t acknowledge(Role sender, const SessionState& session,
                                      std::span<std::uint8_t> apdu) noexcept;

// Was the command of this execution selected?
[[nodiscard]] bool selected(Bytes apdu, const Session& session) noexcept;
// Is this the end of a command that was confirmed on this connection?
[[nodiscard]] bool termination_awaited(Bytes apdu, const Session& session) noexcept;
// Does an ASDU of a station with these answer a broadcast?
[[nodiscard]] bool answers_all(std::uint8_t type, std::uint8_t qualifier, bool two_octets,
                               const Session& session) noexcept;
// The ASDU goes on: selections, terminations, broadcasts.
void accept_asdu(Bytes apdu, Role sender, Session& session) noexcept;

}  // namespace conduit::iec104
