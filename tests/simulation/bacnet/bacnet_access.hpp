// What a BACnet/IP request asks for, read slowly from the specification (ANSI/ASHRAE 135, clauses 13, 15, 16
// and Annex J) and the policy language (protocols/bacnet/bacnet.proto).
#pragma once

#include <string>
#include <vector>

#include "tests/simulation/bacnet/bacnet_message.hpp"
#include "tests/simulation/rule_text.hpp"

namespace conduit::simulation::bacnet {


// As the policy language numbers them.
inline constexpr std::uint32_t confirmed_base = 256;
inline constexpr std::uint32_t unconfirmed_base = 512;
inline constexpr std::uint32_t forwarded_function = 1028;
inline constexpr std::uint32_t distribute_function = 1033;
inline constexpr std::uint32_t communication_state = 0x10000;
inline constexpr std::uint32_t reinitialize_state = 0x20000;
inline constexpr std::uint32_t instance_max = 4194303;
inline constexpr std::uint32_t present_value = 85;
inline constexpr std::uint32_t device_type = 8;
inline constexpr std::uint32_t lowest_priority = 16;

// Network · 2^48 + address, both inclusive.
struct Places {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

// One thing that is asked for; a request may ask for several.
struct Access {
  std::uint32_t function = 0;
  Class what = Class::READ;
  std::uint8_t carrier = UNICAST;
  std::optional<std::uint32_t> type;
  std::optional<Span> instance;
  std::optional<std::uint32_t> property;
  std::optional<std::uint32_t> index;
  std::optional<std::uint32_t> priority;  // or the state that is to be taken
  std::optional<Places> destination;
  std::optional<Places> source;
  std::optional<double> value;
  std::string origin;
};

// Nothing: the request is malformed, or none that is known here.
[[nodiscard]] std::optional<std::vector<Access>> read_request(View datagram);

}  // namespace conduit::simulation::bacnet
