// Inside of the DNP3 room: link frames and transport segments (1815 §8, §9).
#pragma once

#include "protocols/dnp3/dnp3_decoder.hpp"

namespace conduit::dnp3 {

// Function of a primary frame.
enum PrimaryFunction : std::uint8_t {
  RESET_LINK_STATES = 0,
  TEST_LINK_STATES = 2,
  CONFIRMED_USER_DATA = 3,
  UNCONFIRMED_USER_DATA = 4,
  REQUEST_LINK_STATUS = 9,
};

inline constexpr std::uint8_t control_from_master = 0x80;
inline constexpr std::uint8_t control_primary = 0x40;
inline constexpr std::uint8_t transport_final = 0x80;
inline constexpr std::uint8_t transport_first = 0x40;
inline constexpr std::uint8_t transport_sequence = 0x3F;

struct LinkHeader {
  std::uint8_t user_size = 0;  // octets of user data, without checksums
  std::uint8_t control = 0;
  std::uint16_t destination = 0;
  std::uint16_t source = 0;

  [[nodiscard]] bool primary() const noexcept { return (control & control_primary) != 0; }
  [[nodiscard]] bool from_master() const noexcept { return (control & control_from_master) != 0; }
  [[nodiscard]] std::uint8_t function() const noexcept { return control & 0x0F; }
  [[nodiscard]] bool carries_data() const noexcept {
    return primary() && function() == UNCONFIRMED_USER_DATA;
  }
};

// Checksum of 1815 §9.2.4.3.4, as it stands on the wire behind `data`: low octet first.
[[nodiscard]] std::uint16_t checksum(Bytes data) noexcept;

// Octets of a frame with `user_size` octets of user data.
[[nodiscard]] constexpr std::size_t frame_size(std::size_t user_size) noexcept {
  return link_header_size + user_size + 2 * ((user_size + block_size - 1) / block_size);
}

// Reads the header of a frame, 10 octets that have to be there. Null, or the name of the field at fault.
[[nodiscard]] const char* parse_header(Bytes frame, LinkHeader& header) noexcept;

// The same of a frame that was parsed before.
[[nodiscard]] inline LinkHeader header_of(Bytes frame) noexcept {
  const auto two = [frame](std::size_t at) {
    return static_cast<std::uint16_t>(frame[at] | (frame[at + 1] << 8));
  };
  return {static_cast<std::uint8_t>(frame[2] - 5), frame[3], two(4), two(6)};
}

// Copies the user data of one whole frame to `out` (at least 250 octets), checksums verified and left out.
[[nodiscard]] bool copy_user_data(Bytes frame, std::size_t user_size, std::uint8_t* out) noexcept;

// The fragment that the frames of `pdu`, whose first header was parsed, carry, without checksums and
// transport octets, to `out`. Null, or the name of the field at fault.
[[nodiscard]] const char* unwrap(Bytes pdu, std::span<std::uint8_t> out, std::size_t& size) noexcept;

// How long the frames are that carry one fragment (or one link function): see Protocol::frame.
[[nodiscard]] Framing frame_link(Bytes bytes, Role sender, Transport transport) noexcept;

}  // namespace conduit::dnp3
