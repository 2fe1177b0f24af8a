// Negative replies: an Error, Reject or Abort (135 20.1.7 to 20.1.9) in the name of the device that was
// asked, or a BVLC-Result (135 J.2.1).
#pragma once

#include "protocols/core/decoder.hpp"

namespace conduit::bacnet {

// Writes the reply to `reply`; its size, or 0 if `request` cannot be refused so or `reply` is too small.
[[nodiscard]] std::size_t refuse(Bytes request, Reason reason, const SessionState& session,
                                 std::span<std::uint8_t> reply) noexcept;

// Result code by which this function of the virtual link layer is refused; 0: by none.
[[nodiscard]] std::uint16_t link_refusal(std::uint8_t function) noexcept;

}  // namespace conduit::bacnet
