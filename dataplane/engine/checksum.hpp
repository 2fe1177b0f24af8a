// Internet checksum (RFC 1071) in 64-bit steps. Pure.
//
// Sums are carried in native byte order: `checksum_finish` of a region that includes its own correct checksum
// field is 0, and its result is stored with memcpy, without swapping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "protocols/core/rule_image.hpp"

namespace conduit {

template <typename Number>
[[nodiscard]] inline Number load_native(const std::uint8_t* at) noexcept {
  Number number;
  std::memcpy(&number, at, sizeof number);
  return number;
}

[[nodiscard]] inline bool same_address(const Address& a, const Address& b) noexcept {
  const auto difference =
      (load_native<std::uint64_t>(a.data()) ^ load_native<std::uint64_t>(b.data())) |
      (load_native<std::uint64_t>(a.data() + 8) ^ load_native<std::uint64_t>(b.data() + 8));
  return difference == 0;
}

// The sum of both, one's complement: what is carried out at the top comes in at the bottom.
[[nodiscard]] inline std::uint64_t checksum_plus(std::uint64_t sum, std::uint64_t word) noexcept {
  const std::uint64_t both = sum + word;
  return both + (both < sum ? 1 : 0);
}

// Adds `size` ≥ 8 octets at `at` to `sum`. A region of odd size must come last.
[[nodiscard]] inline std::uint64_t checksum_add(const std::uint8_t* at, std::size_t size,
                                                std::uint64_t sum) noexcept {
  const std::uint8_t* const end = at + size;
  for (; end - at >= 16; at += 16) {
    sum = checksum_plus(sum, load_native<std::uint64_t>(at));
    sum = checksum_plus(sum, load_native<std::uint64_t>(at + 8));
  }
  if (end - at >= 8) {
    sum = checksum_plus(sum, load_native<std::uint64_t>(at));
    at += 8;
  }
  if (end == at) return sum;
  // Little endian: the last octets end up low, the rest of the word is zero.
  return checksum_plus(sum, load_native<std::uint64_t>(end - 8) >> (64 - 8 * (end - at)));
}

// Folds `sum` to 16 bits with end-around carry.
[[nodiscard]] inline std::uint16_t checksum_fold(std::uint64_t sum) noexcept {
  const auto low = static_cast<std::uint32_t>(sum);
  std::uint32_t half = low + static_cast<std::uint32_t>(sum >> 32);
  half += half < low ? 1 : 0;
  const std::uint32_t quarter = (half & 0xFFFF) + (half >> 16);
  return static_cast<std::uint16_t>(quarter + (quarter >> 16));
}

[[nodiscard]] inline std::uint16_t checksum_finish(std::uint64_t sum) noexcept {
  return static_cast<std::uint16_t>(~checksum_fold(sum));
}

// Is this the sum of a region that includes its own correct checksum field? Then it folds to 0xFFFF: it is a
// multiple of that, but not of nothing.
[[nodiscard]] inline bool checksum_good(std::uint64_t sum) noexcept { return sum % 0xFFFF == 0 && sum != 0; }

// Sum of an IPv4 header without options.
[[nodiscard]] inline std::uint64_t checksum_ipv4_header(const std::uint8_t* at) noexcept {
  const auto word = [at](std::size_t index) -> std::uint64_t {
    return load_native<std::uint32_t>(at + 4 * index);
  };
  return word(0) + word(1) + word(2) + word(3) + word(4);
}

// Pseudo header of TCP, UDP and ICMPv6. `addresses`: source and destination as they stand in the IP header, 8
// octets for IPv4, 32 for IPv6. `size`: of the upper-layer header and its data.
[[nodiscard]] inline std::uint64_t checksum_pseudo(const std::uint8_t* addresses, std::size_t addresses_size,
                                                   std::uint8_t protocol, std::uint32_t size) noexcept {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  const std::uint64_t rest = __builtin_bswap32(size) + (std::uint64_t{protocol} << 8);
  if (addresses_size == 8) {
    return rest + load_native<std::uint32_t>(addresses) + load_native<std::uint32_t>(addresses + 4);
  }
  return checksum_add(addresses, addresses_size, rest);
}

}  // namespace conduit
