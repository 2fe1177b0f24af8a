// Shared by the tests of the IEC 104 room: frames laid by hand, ASDUs written as hex, operations written as
// text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/iec104/iec104_decoder.hpp"
#include "tests/support/room_text.hpp"

namespace conduit::test {

[[nodiscard]] Octets i_frame(const Octets& asdu, unsigned send = 0, unsigned receive = 0);
[[nodiscard]] inline Octets i_frame(std::string_view hex, unsigned send = 0, unsigned receive = 0) {
  return i_frame(from_hex(hex), send, receive);
}
[[nodiscard]] Octets s_frame(unsigned receive);
[[nodiscard]] Octets u_frame(std::uint8_t control);

[[nodiscard]] unsigned send_number(const Octets& frame);
[[nodiscard]] unsigned receive_number(const Octets& frame);

inline constexpr std::uint8_t startdt_act = 0x07;
inline constexpr std::uint8_t startdt_con = 0x0B;
inline constexpr std::uint8_t stopdt_act = 0x13;
inline constexpr std::uint8_t stopdt_con = 0x23;
inline constexpr std::uint8_t testfr_act = 0x43;
inline constexpr std::uint8_t testfr_con = 0x83;

// A session in which data transfer was started and no I-frame has passed.
[[nodiscard]] SessionState started();

// What the room makes of one PDU: its operations, " | " between them, or "malformed <field>".
[[nodiscard]] std::string describe(const Octets& pdu, Role sender, const SessionState& session = started(),
                                   Quirks quirks = QUIRK_NONE);

[[nodiscard]] PduHead head_of(const Octets& pdu, Role sender, const SessionState& session = started(),
                              Quirks quirks = QUIRK_NONE);

// Lets the room's `accept` see it.
void accept(const Octets& pdu, Role sender, SessionState& session);

// Does the answer find that request?
[[nodiscard]] bool answers(const PduHead& asked, const Octets& given, const SessionState& session = started(),
                           Quirks quirks = QUIRK_NONE);

// A conversation whose frames are numbered here: each has to be well formed, and goes on.
struct Talk {
  // Head of the next I-frame of that side, accepted.
  PduHead pass(Role sender, std::string_view asdu);
  // … not accepted; its numbers are used again.
  [[nodiscard]] PduHead look(Role sender, std::string_view asdu) const;
  [[nodiscard]] std::string text(Role sender, std::string_view asdu) const;
  [[nodiscard]] Octets frame(Role sender, std::string_view asdu) const;
  SessionState session = started();
  unsigned sent[2] = {0, 0};
};

}  // namespace conduit::test
