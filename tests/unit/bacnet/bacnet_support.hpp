// Shared by the tests of the BACnet room: datagrams written as hex, operations written as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/bacnet/bacnet_decoder.hpp"
#include "tests/support/room_text.hpp"

namespace conduit::test {

// A datagram of this function of the virtual link layer, its length set.
[[nodiscard]] Octets linked(std::uint8_t function, std::string_view hex);
// Original-Unicast-NPDU without routing: the APDU alone is stated.
[[nodiscard]] Octets unicast(std::string_view apdu);
// A confirmed request with invoke id 1, an unconfirmed one, a ComplexACK.
[[nodiscard]] Octets confirmed(std::uint8_t service, std::string_view parameters, std::uint8_t invoke = 1);
[[nodiscard]] Octets unconfirmed(std::uint8_t service, std::string_view parameters);
[[nodiscard]] Octets complex_ack(std::uint8_t service, std::string_view parameters, std::uint8_t invoke = 1);

// What the room makes of one datagram: its operations, " | " between them, or "malformed <field>". Dimensions
// of an operation stand as type, instance, property, [index], @priority, other names written out.
[[nodiscard]] std::string describe(const Octets& pdu, Role sender = Role::CLIENT,
                                   const SessionState& session = {}, const Octets& assembled = {});

[[nodiscard]] PduHead head_of(const Octets& pdu, Role sender = Role::CLIENT, const SessionState& session = {},
                              const Octets& assembled = {});

// Lets the room's `accept` see it.
void accept(const Octets& pdu, Role sender, SessionState& session);

}  // namespace conduit::test
