// What a request of EtherNet/IP asks for, read slowly: encapsulation (CIP Vol. 2, chapter 2), messages (CIP
// Vol. 1, chapters 2, 3 and appendix C), tags ("Logix 5000 Controllers Data Access", 1756-PM020). Shares
// nothing with the decoder that it judges.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/protocol.hpp"
#include "tests/simulation/rule_text.hpp"

namespace conduit::simulation::enip {


inline constexpr std::size_t header_size = 24;
inline constexpr std::uint16_t nop = 0x00;
inline constexpr std::uint16_t list_services = 0x04;
inline constexpr std::uint16_t list_identity = 0x63;
inline constexpr std::uint16_t list_interfaces = 0x64;
inline constexpr std::uint16_t register_session = 0x65;
inline constexpr std::uint16_t unregister_session = 0x66;
inline constexpr std::uint16_t send_rr_data = 0x6F;
inline constexpr std::uint16_t send_unit_data = 0x70;

inline constexpr std::uint8_t reset = 0x05;
inline constexpr std::uint8_t multiple = 0x0A;
inline constexpr std::uint8_t get_single = 0x0E;
inline constexpr std::uint8_t set_single = 0x10;
inline constexpr std::uint8_t read_tag = 0x4C;
inline constexpr std::uint8_t write_tag = 0x4D;
inline constexpr std::uint8_t forward_close = 0x4E;
inline constexpr std::uint8_t unconnected_send = 0x52;
inline constexpr std::uint8_t forward_open = 0x54;

// Numbers of functions in the policy language.
inline constexpr std::uint32_t function_of_command = 128;  // and the command
inline constexpr std::uint32_t function_register = function_of_command + register_session;
inline constexpr std::uint32_t function_read_tag = 0x6B4C;
inline constexpr std::uint32_t function_write_tag = 0x6B4D;
inline constexpr std::uint32_t function_close = 0x064E;
inline constexpr std::uint32_t function_unconnected = 0x0652;
inline constexpr std::uint32_t function_open = 0x0654;

// One thing that is asked for. What has no place in it is empty.
struct Access {
  std::uint32_t function = 0;
  Class what = Class::READ;
  std::optional<std::uint32_t> object;  // class
  std::optional<std::uint32_t> instance;
  std::optional<std::uint32_t> attribute;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> elements;
  std::optional<std::string> tag;
  std::optional<std::string> route;
  std::optional<std::uint32_t> transport_class;
  std::optional<std::uint32_t> interval;
  std::optional<double> value;
};

struct Encapsulation {
  std::uint16_t command = 0;
  std::uint32_t session = 0;
  std::uint32_t status = 0;
  Octets context;
  Octets data;
};
// Nothing: its length is wrong, or its options are not 0.
[[nodiscard]] std::optional<Encapsulation> read_encapsulation(View pdu);
[[nodiscard]] Octets write_encapsulation(const Encapsulation& parts);
// The message in an unconnected item (SendRRData).
[[nodiscard]] std::optional<Octets> unconnected_message(const Encapsulation& parts);
[[nodiscard]] Octets as_unconnected(View message);

// A message: service, path, data.
struct Message {
  std::uint8_t service = 0;
  Octets path;
  Octets data;
};
[[nodiscard]] std::optional<Message> read_message(View octets);
[[nodiscard]] Octets write_message(std::uint8_t service, View path, View data);
// The messages of a multiple service packet; of an unconnected send the one, and its route.
[[nodiscard]] std::optional<std::vector<Octets>> read_multiple(View data);
struct Routed {
  Octets message;
  std::string route;
};
[[nodiscard]] std::optional<Routed> read_routed(View data);

// Nothing: malformed, or it can be read in two ways.
[[nodiscard]] std::optional<std::vector<Access>> read_request(View pdu);
// Of the encapsulation's commands: does it ask what belongs to the header, and does it belong to a session?
[[nodiscard]] bool is_list(std::uint16_t command);
[[nodiscard]] bool needs_session(View request);
[[nodiscard]] Front front_of(View stream);

[[nodiscard]] std::size_t type_size(std::uint32_t type);  // of elementary types; 0: another

[[nodiscard]] inline std::uint32_t get_le(View from, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | from[at + i];
  return value;
}
inline void put_le(Octets& to, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

}  // namespace conduit::simulation::enip
