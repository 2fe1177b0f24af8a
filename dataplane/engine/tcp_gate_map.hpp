// The position map of one stream: from the numbers of its sender (S) to those that its receiver sees (R).
//
//   S   ──a──b──[ refused request ]──c──d────────►      what the client sends
//                \________n________/
//   R   ──a──b──c──d─────────────────────────────►      what the server gets: everything behind is n earlier
//
//   S   ──p──q───────────────r──s────────────────►      what the server sends
//   R   ──p──q──[ reply ]────r──s────────────────►      what the client gets: everything behind is m later
//
// Acknowledgements travel back through the map. The receiver never sees removed bytes, so nobody would
// ever acknowledge them: they count as acknowledged together with the byte in front of them, because it is
// the gate that has taken them. Until the receiver has acknowledged all that lies before a removed range, the
// sender hears nothing about the range: the engine never acknowledges bytes in another's name. Numbers inside
// an inserted reply mean, to the sender of the stream, the place where it stands.
//
// An edit is forgotten (folded into `delta`) once the receiver has acknowledged everything up to its end.
// What then still speaks of older numbers is old for both sides whatever the exact number.
#pragma once

#include <span>

#include "dataplane/engine/tcp_state.hpp"

namespace conduit {

// Sequence numbers are compared by their distance (RFC 9293 §3.4).
[[nodiscard]] constexpr bool after(std::uint32_t a, std::uint32_t b) noexcept {
  return static_cast<std::int32_t>(a - b) > 0;
}
[[nodiscard]] constexpr bool before(std::uint32_t a, std::uint32_t b) noexcept { return after(b, a); }
[[nodiscard]] constexpr std::uint32_t earlier(std::uint32_t a, std::uint32_t b) noexcept {
  return after(a, b) ? b : a;
}
[[nodiscard]] constexpr std::uint32_t later(std::uint32_t a, std::uint32_t b) noexcept {
  return after(a, b) ? a : b;
}

// The map's view of a stream.
struct PositionMap {
  std::uint32_t delta = 0;
  std::span<const Edit> edits{};
};
[[nodiscard]] inline PositionMap map_of(const Stream& stream, const StreamAside& aside) noexcept {
  return {stream.delta, {aside.edits.data(), stream.edit_count}};
}

// Of the byte at `position`, or of the next byte that follows it where it was removed.
[[nodiscard]] std::uint32_t to_receiver(PositionMap map, std::uint32_t position) noexcept;
// Of the place in front of which everything before `position_r` lies.
[[nodiscard]] std::uint32_t to_sender(PositionMap map, std::uint32_t position_r) noexcept;
// R number of the first octet of edit `index` (REMOVED: of what follows it).
[[nodiscard]] std::uint32_t edit_position_r(PositionMap map, std::size_t index) noexcept;
// Octets of inserted replies that the receiver has not acknowledged.
[[nodiscard]] std::uint32_t inserted_size(PositionMap map) noexcept;
// The window field for the stream's sender: inserted octets take room in a window that it believes to be its
// own.
[[nodiscard]] std::uint16_t told_window(PositionMap map, std::uint16_t window, std::uint8_t scale) noexcept;

}  // namespace conduit
