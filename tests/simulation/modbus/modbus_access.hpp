// What a Modbus request asks for, read slowly from the specification (MODBUS Application Protocol V1.1b3,
// "AP"; MODBUS Messaging on TCP/IP V1.0b). Shares nothing with the decoder that it judges.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tests/simulation/packet.hpp"
#include "tests/simulation/rule_text.hpp"

namespace conduit::simulation::modbus {

enum class Table : std::uint8_t { NONE, COILS, DISCRETE_INPUTS, INPUT_REGISTERS, HOLDING_REGISTERS, FILES };

inline constexpr std::size_t header_size = 7;  // MBAP with unit

// One thing that is asked for. A PDU may ask for several.
struct Access {
  Class what = Class::READ;
  Table table = Table::NONE;
  bool has_address = false;
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::optional<std::uint16_t> file;
  std::optional<std::uint16_t> sub_function;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> objects;
  bool has_values = false;  // of a write: they are known
  std::vector<std::uint16_t> values;
};

// Nothing: the request is malformed, or its lengths can be read in two ways. `adu`: with its header.
[[nodiscard]] std::optional<std::vector<Access>> read_request(View adu);

[[nodiscard]] inline std::uint16_t get16(View from, std::size_t at) {
  return static_cast<std::uint16_t>(from[at] << 8 | from[at + 1]);
}
inline void put16(Octets& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace conduit::simulation::modbus
