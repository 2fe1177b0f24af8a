// The mark of a queued packet, by which the kernel's rules (conduitctl kernel-rules) tell the NFQUEUE back
// end what kind of MAC its frame goes to. Netfilter keeps the address itself.
#pragma once

#include <cstdint>

namespace conduit {

inline constexpr std::uint32_t mark_unicast = 0;
inline constexpr std::uint32_t mark_broadcast = 1;
inline constexpr std::uint32_t mark_multicast = 2;

}  // namespace conduit
