// Negative reply: to HEL and OPN an ERR message (Part 6 §7.1.2.5), to a service request in mode None a
// ServiceFault (OPC 10000-4 §7.35) in one chunk. All else is protected, and cannot be refused so.
#pragma once

#include "protocols/core/decoder.hpp"

namespace conduit::opcua {

// Writes the reply to `reply`; its size, or 0 if `request` cannot be refused so or `reply` is too small.
[[nodiscard]] std::size_t refuse(Bytes request, Reason reason, const SessionState& state,
                                 std::span<std::uint8_t> reply) noexcept;

}  // namespace conduit::opcua
