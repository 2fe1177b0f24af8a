// Negative reply to a DNP3 request: a null response with an internal indication (1815 §4.4.3), or for a link
// function NOT_SUPPORTED.
#pragma once

#include "protocols/core/decoder.hpp"

namespace conduit::dnp3 {

// Writes the reply to `reply`; its size, or 0 if `request` cannot be refused so or `reply` is too small.
[[nodiscard]] std::size_t refuse(Bytes request, Reason reason, const SessionState& session,
                                 std::span<std::uint8_t> reply) noexcept;

}  // namespace conduit::dnp3
