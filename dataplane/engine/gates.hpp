// The gates beside TCP: datagrams, ICMP, address resolution, everything else on layer 2. One call per frame
// that parsed well and whose ports are paired, with an image in force. Internal to the engine.
#pragma once

#include "dataplane/engine/worker_context.hpp"

namespace conduit {

// UDP, unicast and group (datagram_gate.cpp). `hash` is FlowTable::hash of the frame.
[[nodiscard]] Disposition udp_gate(WorkerContext& context, ParsedFrame& frame, std::uint32_t hash) noexcept;
// ICMP and ICMPv6 but neighbour discovery and MLD (icmp_gate.cpp).
[[nodiscard]] Disposition icmp_gate(WorkerContext& context, ParsedFrame& frame, std::uint32_t hash) noexcept;
// ARP, and neighbour discovery (ICMPv6 133–137) (address_gate.cpp).
[[nodiscard]] Disposition arp_gate(WorkerContext& context, const ParsedFrame& frame) noexcept;
[[nodiscard]] Disposition ndp_gate(WorkerContext& context, const ParsedFrame& frame) noexcept;
// Frames of other ethertypes, and IP group traffic that is neither UDP nor a service: by ethernet rules
// (link_gate.cpp).
[[nodiscard]] Disposition link_gate(WorkerContext& context, const ParsedFrame& frame) noexcept;

// Counts (and reports) a message that is forwarded without inspection.
void count_opaque(WorkerContext& context, const Flow& flow, Side sender, const ParsedFrame& frame) noexcept;

// The reason by which a frame of this kind is denied where no rule permits it.
[[nodiscard]] Reason group_reason(const ParsedFrame& frame) noexcept;
// Does a group frame's destination MAC belong to its IP destination (RFC 1112, RFC 2464)?
[[nodiscard]] bool group_mac_fits(const ParsedFrame& frame) noexcept;

[[nodiscard]] constexpr bool is_neighbour_discovery(const ParsedFrame& frame) noexcept {
  return frame.kind == FrameKind::ICMPV6 && frame.icmp_type >= 133 && frame.icmp_type <= 137;
}

}  // namespace conduit
