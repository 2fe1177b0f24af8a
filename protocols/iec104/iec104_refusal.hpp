// Negative confirmations (101 §7.2.3): the request's ASDU, mirrored with P/N = 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "protocols/core/decoder.hpp"

namespace conduit::iec104 {

// Writes the answer to a denied I-frame into `reply`; its size, or 0 where there is none (S- and U-frames) or
// no room. N(S) and N(R) are 0: `renumber` sets them when the answer takes its place.
[[nodiscard]] std::size_t refuse(Bytes request, Reason reason, const SessionState& session,
                                 std::span<std::uint8_t> reply) noexcept;

}  // namespace conduit::iec104
