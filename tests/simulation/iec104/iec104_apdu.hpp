// APDUs of IEC 60870-5-104, read slowly from the standard ("104") and from IEC 60870-5-101 ("101"), which
// defines what is in them. Shares nothing with the decoder that it judges.
#pragma once

#include <cstdint>
#include <optional>

#include "tests/simulation/protocol.hpp"
#include "tests/simulation/rule_text.hpp"

namespace conduit::simulation::iec104 {

enum class Format : std::uint8_t { I, S, U };

inline constexpr std::uint8_t startdt = 0x07;
inline constexpr std::uint8_t stopdt = 0x13;
inline constexpr std::uint8_t testfr = 0x43;
inline constexpr std::uint16_t link_control = 256;  // + first control octet, as the policy language says

inline constexpr std::uint8_t activation = 6;
inline constexpr std::uint8_t activation_con = 7;
inline constexpr std::uint8_t deactivation = 8;
inline constexpr std::uint8_t deactivation_con = 9;
inline constexpr std::uint8_t termination = 10;

// Numbers count modulo 2^15 (104 §5.1).
inline constexpr std::uint32_t modulus = 32768;

struct Apci {
  Format format = Format::U;
  std::uint8_t control = 0;  // U: its first control octet
  std::uint32_t send = 0;
  std::uint32_t receive = 0;
};
[[nodiscard]] std::optional<Apci> read_apci(View apdu);
[[nodiscard]] Front front_of(View stream);

// The usual sizes: cause with originator 2 octets, common address 2, object address 3.
struct Asdu {
  std::uint8_t type = 0;
  bool sequence = false;
  std::uint8_t count = 0;
  std::uint8_t cause = 0;
  bool negative = false;
  bool test = false;
  std::uint8_t originator = 0;
  std::uint16_t common_address = 0;
  std::uint32_t object_address = 0;  // of the first object
  Octets element;                    // what follows it
};
[[nodiscard]] std::optional<Asdu> read_asdu(View apdu);
[[nodiscard]] Octets write_asdu(const Asdu& asdu);  // with an APCI whose numbers are 0

// One thing that is asked for or reported. What has no place in it is empty.
struct Access {
  std::uint16_t function = 0;
  Class what = Class::READ;
  std::optional<std::uint16_t> common_address;
  std::optional<std::uint32_t> object_address;
  std::optional<std::uint8_t> cause;
  std::optional<std::uint8_t> select;  // 0: executes, 1: selects
  std::optional<std::uint8_t> qualifier;
  std::optional<double> value;
};
// Nothing: malformed, or not to be sent like this. I- and U-frames of a controlling station.
[[nodiscard]] std::optional<Access> read_request(View apdu);
// What a controlled station reports by itself, each object; nothing likewise.
[[nodiscard]] std::optional<std::vector<Access>> read_report(View apdu);

[[nodiscard]] bool is_command(std::uint8_t type);
// Commands from this type on are those 13 types before, with a time tag behind them (101 §7.3.2, 104 §8).
inline constexpr std::uint8_t timed_command = 58;
inline constexpr std::size_t time_size = 7;
// Of a command, where its qualifier stands, whose highest bit says that it selects. Nothing: it is too short.
[[nodiscard]] std::optional<std::size_t> qualifier_at(const Asdu& asdu);
[[nodiscard]] bool selects(const Asdu& command);
// The octets that a confirmation repeats, select bit included; not the time tag.
[[nodiscard]] bool same_command(const Asdu& one, const Asdu& other);

[[nodiscard]] inline Octets u_frame(std::uint8_t control) { return {0x68, 4, control, 0, 0, 0}; }
[[nodiscard]] Octets s_frame(std::uint32_t receive);
// The I-frame with other numbers; frames of other formats stay as they are.
[[nodiscard]] Octets with_numbers(Octets apdu, std::uint32_t send, std::uint32_t receive);

}  // namespace conduit::simulation::iec104
