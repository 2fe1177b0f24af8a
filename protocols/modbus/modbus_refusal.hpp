// Negative reply to a Modbus request: an exception response (AP §7).
#pragma once

#include "protocols/core/decoder.hpp"

namespace conduit::modbus {

// Writes the exception response to `reply`; 9, or 0 if `request` has no function code that could be refused
// or `reply` is too small. The request need not be well formed behind its function code.
[[nodiscard]] std::size_t refuse(Bytes request, Reason reason, const SessionState& session,
                                 std::span<std::uint8_t> reply) noexcept;

}  // namespace conduit::modbus
