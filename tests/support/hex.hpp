// Bytes from text, for tables of tests: hex("0001 0000 0006 01 03"). Anything but hex digits in pairs and
// blanks throws.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace conduit::test {

inline std::uint8_t hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<std::uint8_t>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<std::uint8_t>(digit - 'a' + 10);
  if (digit >= 'A' && digit <= 'F') return static_cast<std::uint8_t>(digit - 'A' + 10);
  throw std::invalid_argument(std::string("not a hex digit: ") + digit);
}

inline std::vector<std::uint8_t> hex(std::string_view text) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == ' ' || text[at] == '\n') continue;
    if (at + 1 == text.size()) throw std::invalid_argument("half an octet at the end");
    const unsigned high = hex_digit(text[at]);
    bytes.push_back(static_cast<std::uint8_t>(high << 4 | hex_digit(text[++at])));
  }
  return bytes;
}

}  // namespace conduit::test
