// Requests in segments (135 5.2, 5.4): each is one PDU; the engine keeps what they carry, and with the last
// one the whole message is judged. Internal to the room.
//
// A receiver keeps the segments that it got first. So a segment that was sent before may come again only as
// it was, and an invoke id of which no answer says that its receiver is done with it begins no other request.
#pragma once

#include "protocols/bacnet/bacnet_pdu.hpp"

namespace conduit::bacnet {

[[nodiscard]] constexpr Role other(Role role) noexcept {
  return role == Role::CLIENT ? Role::SERVER : Role::CLIENT;
}

// FNV-1a over network and address; 0: none is stated.
[[nodiscard]] std::uint32_t hash_of(const Station& station) noexcept;

// Does this kind of answer belong to its service (SimpleACK or ComplexACK)?
[[nodiscard]] bool answer_fits(const Apdu& apdu) noexcept;

// The segment of a request: what it is to the message of which the engine has `state.assembled`. Null, or the
// field at fault.
[[nodiscard]] const char* open_segment(const Envelope& envelope, const Apdu& apdu, Role sender,
                                       const Session& session, PduState& state, PduHead& head) noexcept;

// Has the sender begun a request in segments with this invoke id that its receiver may still hold? Of another
// one an answer would tell nothing of that.
[[nodiscard]] bool is_begun(const Envelope& envelope, const Apdu& apdu, Role sender,
                            const Session& session) noexcept;

// Is this SegmentACK or Abort about an exchange in segments that is under way?
[[nodiscard]] bool control_awaited(const Apdu& apdu, Role sender, const Session& session) noexcept;

// Does this answer end a request of which not all segments have been sent?
[[nodiscard]] bool ends_sending(const Envelope& envelope, const Apdu& apdu, Role sender,
                                const Session& session) noexcept;

// The APDU goes on.
void note_passage(const Envelope& envelope, const Apdu& apdu, Role sender, Session& session) noexcept;

}  // namespace conduit::bacnet
