// Shared by the tests of the DNP3 room: frames laid by hand, PDUs written as hex, operations written as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/dnp3/dnp3_decoder.hpp"
#include "tests/support/room_text.hpp"

namespace conduit::test {

inline constexpr std::uint16_t outstation = 10;
inline constexpr std::uint16_t master = 1;

// A link frame with its checksums; `sender` decides about direction and addresses.
[[nodiscard]] Octets link_frame(std::uint8_t control, std::uint16_t destination, std::uint16_t source,
                                const Octets& user);

// The frames that carry `fragment`, cut into segments of at most `segment` octets, transport octet not
// counted.
[[nodiscard]] Octets frames(const Octets& fragment, Role sender, std::size_t segment = 249,
                            std::uint8_t sequence = 0, std::uint16_t station = outstation);

// What the room makes of one PDU: its operations, " | " between them, or "malformed <field>".
[[nodiscard]] std::string describe(const Octets& pdu, Role sender, const SessionState& session = {});

[[nodiscard]] PduHead head_of(const Octets& pdu, Role sender, const SessionState& session = {});

// Lets the room's `accept` see it.
void accept(const Octets& pdu, Role sender, SessionState& session);

}  // namespace conduit::test
