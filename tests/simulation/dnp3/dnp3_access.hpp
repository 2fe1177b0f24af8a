// What a fragment of DNP3 asks for or reports, read slowly from IEEE Std 1815-2012 (clause 4 and Annex A).
#pragma once

#include <string>

#include "tests/simulation/dnp3/dnp3_link.hpp"
#include "tests/simulation/rule_text.hpp"

namespace conduit::simulation::dnp3 {


// Function codes that are used here by name.
inline constexpr std::uint16_t confirm = 0;
inline constexpr std::uint16_t read = 1;
inline constexpr std::uint16_t write = 2;
inline constexpr std::uint16_t select = 3;
inline constexpr std::uint16_t operate = 4;
inline constexpr std::uint16_t direct_operate = 5;
inline constexpr std::uint16_t direct_operate_nr = 6;
inline constexpr std::uint16_t open_file = 25;
inline constexpr std::uint16_t delete_file = 27;
inline constexpr std::uint16_t response = 129;
inline constexpr std::uint16_t unsolicited = 130;
inline constexpr std::uint16_t operate_alone = 260;  // as the policy language names an operate by itself
inline constexpr std::uint16_t link_primary = 512;   // … functions of the link layer

// One thing that is asked for. What has no place in it is empty.
struct Access {
  std::uint16_t function = 0;
  Class what = Class::READ;
  std::uint16_t outstation = 0;
  std::uint16_t master = 0;
  std::optional<std::uint16_t> object;  // group · 256 + variation
  std::optional<std::pair<std::uint32_t, std::uint32_t>> indexes;
  std::optional<std::uint16_t> control;  // control code or file mode
  std::optional<std::uint32_t> count;
  std::optional<std::uint32_t> on_time;
  std::optional<std::uint32_t> off_time;
  std::optional<double> value;
  std::optional<std::string> name;
};

// Application control, function and the conversation's part of a fragment.
struct Head {
  bool first = false;
  bool last = false;
  bool confirm = false;
  bool unsolicited = false;
  std::uint8_t sequence = 0;
  std::uint8_t function = 0;
};
[[nodiscard]] std::optional<Head> head_of(View fragment);

// Nothing: malformed, or it can be read in two ways. An operate is read as one that follows its select.
[[nodiscard]] std::optional<std::vector<Access>> read_request(View pdu);
// What an outstation reports unasked.
[[nodiscard]] std::optional<std::vector<Access>> read_unsolicited(View pdu);

// Functions that no outstation answers (clause 4.4.2), and addresses that all of them hear (9.2.4.1.4).
[[nodiscard]] bool wants_no_answer(const Message& message);

}  // namespace conduit::simulation::dnp3
