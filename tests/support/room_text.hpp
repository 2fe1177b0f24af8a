// Shared by the tests of all rooms: octets written as hex, parts of operations written as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/operation.hpp"

namespace conduit::test {

using Octets = std::vector<std::uint8_t>;

// "c0 01 3c0206"
[[nodiscard]] inline Octets from_hex(std::string_view hex) {
  Octets out;
  int high = -1;
  for (const char c : hex) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
    if (high >= 0) out.push_back(static_cast<std::uint8_t>(high * 16 + digit));
    high = high >= 0 ? -1 : digit;
  }
  return out;
}

// "4", "4-7"
[[nodiscard]] inline std::string range_text(Range range) {
  std::string text = std::to_string(range.first);
  if (range.last != range.first) text += "-" + std::to_string(range.last);
  return text;
}

[[nodiscard]] inline std::string access_text(AccessClass access) {
  static constexpr const char* names[] = {"?",       "READ",   "WRITE",    "OPERATE",
                                          "PROGRAM", "MANAGE", "DISCOVER", "SESSION"};
  return names[static_cast<std::size_t>(access)];
}

}  // namespace conduit::test
