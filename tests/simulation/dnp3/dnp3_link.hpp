// Link frames, transport segments and fragments of DNP3, read and written slowly from IEEE Std 1815-2012
// (clauses 8 and 9). Shares nothing with the decoder that it judges.
#pragma once

#include <cstdint>
#include <optional>

#include "tests/simulation/protocol.hpp"

namespace conduit::simulation::dnp3 {

inline constexpr std::uint8_t from_master_data = 0xC4;      // DIR, PRM, unconfirmed user data
inline constexpr std::uint8_t from_outstation_data = 0x44;  // PRM, unconfirmed user data

inline constexpr std::uint16_t self_address = 0xFFFC;  // whoever is there (9.2.4.1.4)

struct Addresses {
  std::uint16_t destination = 0;
  std::uint16_t source = 0;
  bool operator==(const Addresses&) const = default;
};

// One PDU: a frame of the link layer's own, or a fragment with all frames that carry it.
struct Message {
  std::uint8_t control = 0;
  Addresses addresses;
  bool has_fragment = false;
  Octets fragment;
};
// Nothing: some checksum, length or sequence is wrong. `pdu`: as `front_of` has cut it.
[[nodiscard]] std::optional<Message> read_message(View pdu);
[[nodiscard]] Front front_of(View stream);

[[nodiscard]] std::uint16_t crc(View octets);
// One frame; user data with its transport octet.
[[nodiscard]] Octets frame(std::uint8_t control, Addresses addresses, View user_data);
// Segments of at most `most` octets; `sequence`: of the first segment.
[[nodiscard]] Octets frames(std::uint8_t control, Addresses addresses, View fragment,
                            std::uint8_t sequence = 0, std::size_t most = 249);

[[nodiscard]] inline std::uint32_t get_le(View from, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | from[at + i];
  return value;
}
inline void put_le(Octets& to, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

}  // namespace conduit::simulation::dnp3
