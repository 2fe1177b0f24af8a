// Inside of the DNP3 room: one fragment read header by header. `open` fills Fields, `next` turns them into
// operations; the fragment itself, without link and transport, lies in the scratch of the PduState.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/dnp3/dnp3_decoder.hpp"

namespace conduit::dnp3 {

// Application control (1815 §4.4.1).
inline constexpr std::uint8_t control_first = 0x80;
inline constexpr std::uint8_t control_final = 0x40;
inline constexpr std::uint8_t control_confirm = 0x20;
inline constexpr std::uint8_t control_unsolicited = 0x10;
inline constexpr std::uint8_t control_sequence = 0x0F;

inline constexpr std::size_t request_header_size = 2;
inline constexpr std::size_t response_header_size = 4;  // with the internal indications

// Aggressive mode of secure authentication (1815 §7.5.2.4): object 120/3 in front of all others, 120/9
// behind.
inline constexpr std::size_t aggressive_mode_size = 10;  // header, count, challenge sequence number, user
[[nodiscard]] bool begins_aggressive_mode(Bytes objects) noexcept;
// The objects between those two, or all of them where there are none; what cannot be read: all.
[[nodiscard]] Bytes objects_asked(Bytes fragment) noexcept;

inline constexpr std::uint32_t index_last = 0xFFFFFFFF;

// How the elements of one object header are told.
enum class Telling : std::uint8_t {
  NONE = 0,   // no header is open
  RANGE,      // one operation for all of them: the header's range
  EACH,       // one operation for each element of a fixed size, at rising indexes
  PREFIXED,   // one for each, with its index in front of it
  SIZED,      // one for each, with its size in front of it
  ATTRIBUTE,  // one for each, with data type and size inside
};

// One fragment or link function. Lives in PduState between `open` and `next`.
struct Fields {
  std::uint16_t pdu_size = 0;       // 0: nothing was opened
  std::uint16_t fragment_size = 0;  // octets in the scratch
  std::uint16_t position = 0;       // of them: read already
  std::uint16_t function = 0;       // as operations tell it
  std::uint16_t outstation = 0;
  std::uint16_t master = 0;
  bool response = false;
  std::uint8_t control = 0;    // application control
  std::uint16_t told = 0;      // operations so far, at most 0xFFFF
  bool authenticated = false;  // begins with an aggressive mode request …
  bool code_reached = false;   // … whose message authentication code was read
  // the object header that is open
  Telling telling = Telling::NONE;
  std::uint8_t group = 0;
  std::uint8_t variation = 0;
  std::uint8_t prefix_size = 0;
  bool has_data = false;
  bool has_index = false;
  std::uint8_t bits = 0;           // of an element that is packed
  std::uint16_t element_size = 0;  // octets
  std::uint32_t remaining = 0;     // elements not yet told
  std::uint32_t index = 0;         // of the next one
  std::uint32_t index_end = 0;     // RANGE: the last one
};
static_assert(sizeof(Fields) <= pdu_state_size);

// What is remembered of a conversation.
struct Confirmable {
  std::uint16_t outstation = 0;
  std::uint8_t control = 0;  // unsolicited bit and sequence of the fragment that asked for it
  bool live = false;
};
struct Session {
  std::uint64_t select_hash = 0;  // of the objects of the last SELECT
  std::uint16_t select_outstation = 0;
  std::uint16_t select_master = 0;
  std::uint8_t select_sequence = 0;
  bool select_live = false;
  std::uint8_t confirm_next = 0;
  bool part_live = false;  // a response of several fragments is under way
  std::uint16_t part_outstation = 0;
  std::uint8_t part_first = 0;  // sequence of its first fragment
  std::uint8_t part_next = 0;   // … of the one that has to follow
  Confirmable confirmable[4]{};
};
static_assert(sizeof(Session) <= session_state_size);

// What is known of a function code.
struct FunctionRow {
  std::uint16_t function = 0;
  std::string_view name{};
  AccessClass access = AccessClass::PROGRAM;
  bool answered = true;
};
// Null: no such function.
[[nodiscard]] const FunctionRow* function_row(std::uint32_t function) noexcept;

// Do the object headers of this function carry objects, if the qualifier does not say so itself?
[[nodiscard]] bool carries_objects(std::uint16_t function, std::uint8_t group) noexcept;

// Octets of one object; 0: not fixed, or not known. `bits`: of those that are packed, 0 otherwise.
[[nodiscard]] std::uint16_t object_size(std::uint8_t group, std::uint8_t variation,
                                        std::uint8_t& bits) noexcept;

// Class of one operation: the function's, or where the objects decide, theirs.
[[nodiscard]] AccessClass access_of(std::uint16_t function, std::uint8_t group,
                                    std::uint16_t file_mode) noexcept;

// The next operation of `fragment` that `fields` has not told yet. `field`: MALFORMED, what is at fault.
[[nodiscard]] Next next_operation(Bytes fragment, Fields& fields, Operation& operation,
                                  const char*& field) noexcept;

}  // namespace conduit::dnp3
