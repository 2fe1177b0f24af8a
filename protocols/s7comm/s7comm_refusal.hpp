// Negative reply to an S7comm request: return codes of the items, an error class and code, or DR to a CR.
#pragma once

#include "protocols/core/decoder.hpp"

namespace conduit::s7comm {

// Writes the reply to `reply`; its size, or 0 if `request` cannot be refused so or `reply` is too small.
[[nodiscard]] std::size_t refuse(Bytes request, Reason reason, const SessionState& session,
                                 std::span<std::uint8_t> reply) noexcept;

}  // namespace conduit::s7comm
