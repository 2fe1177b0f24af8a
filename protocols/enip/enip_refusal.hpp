// Negative replies of EtherNet/IP: a general status (CIP appendix B) in the envelope of the request, or a
// status of the encapsulation (ENIP 2-3.5).
#pragma once

#include <cstddef>
#include <span>

#include "protocols/core/decoder.hpp"

namespace conduit::enip {

// See Protocol::refuse.
[[nodiscard]] std::size_t refuse(Bytes request, Reason reason, const SessionState& session,
                                 std::span<std::uint8_t> reply) noexcept;

}  // namespace conduit::enip
