// Tables of the Modbus tests are written in hex and read back as one line of text per PDU.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/decoder.hpp"

namespace conduit::test {

using Octets = std::vector<std::uint8_t>;

// "0a 0b" → octets; blanks and newlines between digit pairs are skipped; "00*12" repeats an octet 12 times.
[[nodiscard]] Octets from_hex(std::string_view hex);

// MBAP header (transaction 0x1234, given unit) in front of a PDU that is given in hex.
[[nodiscard]] Octets adu(std::string_view pdu_hex, std::uint8_t unit = 1);

// What the room makes of a whole ADU: its operations, joined by " | ", or "malformed FIELD". One operation
// reads "3 READ unit:1 address:0-9 table:4" and, with a value, " = words 1 2", " = bits 101", " = octets
// 0a0b", " = 7", " = unreadable".
[[nodiscard]] std::string describe(const Octets& octets, Role sender);

// Head of an ADU.
[[nodiscard]] PduHead head_of(const Octets& octets, Role sender, Quirks quirks = QUIRK_NONE);

}  // namespace conduit::test
