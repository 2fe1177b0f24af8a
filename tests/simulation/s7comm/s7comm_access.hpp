// What a request of S7comm asks for, read slowly: TPKT (RFC 1006), COTP class 0 (ISO 8073), and the messages
// of the S7-300 and S7-400 as captures and Wireshark's dissector show them. Shares nothing with the decoder
// that it judges.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/protocol.hpp"
#include "tests/simulation/rule_text.hpp"

namespace conduit::simulation::s7comm {


inline constexpr std::uint32_t read_var = 0x04;
inline constexpr std::uint32_t write_var = 0x05;
inline constexpr std::uint32_t pi_service = 0x28;
inline constexpr std::uint32_t plc_stop = 0x29;
inline constexpr std::uint32_t setup = 0xF0;
inline constexpr std::uint32_t connect = 0x10E0;
inline constexpr std::uint32_t read_szl = 0x2401;
inline constexpr std::uint32_t read_clock = 0x2701;

inline constexpr std::uint8_t area_counters = 0x1C;
inline constexpr std::uint8_t area_timers = 0x1D;
inline constexpr std::uint8_t area_merkers = 0x83;
inline constexpr std::uint8_t area_blocks = 0x84;

inline constexpr std::uint8_t size_bit = 1;
inline constexpr std::uint8_t size_byte = 2;
inline constexpr std::uint8_t size_real = 8;

// Octets of a message, as both ends of the simulation agree in the setup.
inline constexpr std::size_t message_max = 480;

// What the connection request has said: rack and slot, connection type.
struct Place {
  std::uint8_t slot = 0;
  std::uint8_t type = 0;
};

// One thing that is asked for. What has no place in it is empty.
struct Access {
  std::uint32_t function = 0;
  Class what = Class::READ;
  std::optional<std::uint8_t> area;
  std::optional<std::uint16_t> db;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> bits;  // or numbers of timers and counters
  std::optional<std::uint8_t> size;
  std::optional<std::uint16_t> szl;
  bool has_values = false;
  std::vector<double> values;
  std::optional<std::string> service;
  std::optional<std::string> block;
};

// What the TPKTs up to the one with EOT carry. Nothing: not well-formed, or no data TPDUs.
[[nodiscard]] std::optional<Octets> message_of(View pdu);
// In how many TPDUs; snap7 does not put more than two together.
[[nodiscard]] std::size_t tpdus_of(View pdu);
// Of a connection request whose called TSAP has two octets.
[[nodiscard]] std::optional<Place> read_connect(View pdu);
// Nothing: malformed, or it can be read in two ways.
[[nodiscard]] std::optional<std::vector<Access>> read_message(View message);
[[nodiscard]] Front front_of(View stream);

// Octets of one element; 0: a transport size that is not used here.
[[nodiscard]] std::size_t element_size(std::uint8_t transport_size);

[[nodiscard]] inline std::uint32_t get16(View from, std::size_t at) {
  return static_cast<std::uint32_t>(from[at] << 8 | from[at + 1]);
}
inline void put(Octets& to, std::uint64_t value, std::size_t size) {
  while (size-- > 0) to.push_back(static_cast<std::uint8_t>(value >> (8 * size)));
}

}  // namespace conduit::simulation::s7comm
