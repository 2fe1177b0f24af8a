// Shared by the tests of the S7comm room: PDUs laid by hand from hex, operations written as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/s7comm/s7comm_decoder.hpp"
#include "tests/support/room_text.hpp"

namespace conduit::test {

// TPKT and DT around a TSDU, cut into TPDUs of at most `piece` octets each.
[[nodiscard]] Octets tpkts(const Octets& tsdu, std::size_t piece = 4000);

// TPKT around a TPDU of another kind; its length indicator is added.
[[nodiscard]] Octets control(std::string_view hex);

// PDUs of S7comm by parameter and data, whole with TPKT and DT.
[[nodiscard]] Octets job(std::string_view parameter, std::string_view data = "", std::uint16_t reference = 7);
[[nodiscard]] Octets ack(std::string_view parameter, std::string_view data = "", std::uint16_t error = 0,
                         std::uint16_t reference = 7, std::uint8_t rosctr = 3);
[[nodiscard]] Octets userdata(std::string_view parameter, std::string_view data = "",
                              std::uint16_t reference = 7);

// Variable specification S7ANY.
[[nodiscard]] std::string any(unsigned transport_size, unsigned count, unsigned db, unsigned area,
                              unsigned address);

// What the room makes of one PDU: kind if it is not a request or an answer, its operations, " | " between
// them, or "malformed <field>".
[[nodiscard]] std::string describe(const Octets& pdu, Role sender, const SessionState& session = {},
                                   Quirks quirks = QUIRK_NONE);

[[nodiscard]] PduHead head_of(const Octets& pdu, Role sender, const SessionState& session = {});

// Lets the room's `accept` see it.
void accept(const Octets& pdu, Role sender, SessionState& session);

}  // namespace conduit::test
