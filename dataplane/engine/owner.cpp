// Which worker a frame belongs to: what must meet on one worker hashes alike, so this looks at addresses
// alone.
#include <algorithm>
#include <cstring>

#include "dataplane/engine/engine.hpp"
#include "protocols/core/bytes.hpp"

namespace conduit {
namespace {

struct Pair {
  Bytes one{};
  Bytes two{};
};

// Source and destination of an IP packet, or those of the packet that an ICMP error quotes: errors may come
// from a router, and belong to the flow that they speak of.
[[nodiscard]] bool addresses_of(Bytes packet, bool quoted, Pair& pair) noexcept {
  if (packet.empty()) return false;
  const bool ipv4 = (packet[0] >> 4) == 4;
  const std::size_t header = ipv4 ? 20 : 40;
  if ((!ipv4 && (packet[0] >> 4) != 6) || packet.size() < header) return false;
  const std::size_t size = ipv4 ? 4 : 16;
  pair.one = packet.subspan(ipv4 ? 12 : 8, size);
  pair.two = packet.subspan(ipv4 ? 16 : 24, size);
  const std::uint8_t protocol = ipv4 ? packet[9] : packet[6];
  if (quoted || protocol != (ipv4 ? 1 : 58) || packet.size() < header + 8) return true;
  const std::uint8_t type = packet[header];
  const bool error = ipv4 ? (type == 3 || type == 11 || type == 12) : (type >= 1 && type <= 4);
  const bool resolution = !ipv4 && type >= 133 && type <= 137;
  if (resolution) return false;
  if (error) {
    Pair inner;
    if (addresses_of(packet.subspan(header + 8), true, inner)) pair = inner;
  }
  return true;
}

[[nodiscard]] std::uint64_t mix(std::uint64_t mixed, Bytes bytes) noexcept {
  for (const std::uint8_t octet : bytes) mixed = (mixed ^ octet) * 0x100000001B3;
  return mixed ^ (mixed >> 32);
}

}  // namespace

std::uint32_t owner_of(Bytes frame, std::uint32_t worker_count) noexcept {
  if (worker_count <= 1 || frame.size() < 14 || (frame[0] & 1) != 0) return 0;
  std::uint64_t vlan = 0;
  std::size_t offset = 12;
  std::uint16_t ethertype = load_u16be(frame.data() + offset);
  for (std::size_t count = 0; count < vlan_tag_count_max; ++count) {
    if (ethertype != 0x8100 && ethertype != 0x88a8 && ethertype != 0x9100) break;
    if (frame.size() - offset < 6) return 0;
    vlan = (vlan << 16) | (load_u16be(frame.data() + offset + 2) & 0x0FFFU);
    ethertype = load_u16be(frame.data() + offset + 4);
    offset += 4;
  }
  if (ethertype != 0x0800 && ethertype != 0x86DD) return 0;
  Pair pair;
  if (!addresses_of(frame.subspan(offset + 2), false, pair)) return 0;
  // Symmetric: both directions belong to one worker.
  const std::uint64_t sum = mix(0xCBF29CE484222325, pair.one) + mix(0xCBF29CE484222325, pair.two);
  const std::uint64_t spread = (sum ^ vlan) * 0x9E3779B97F4A7C15;
  return static_cast<std::uint32_t>((spread >> 32) % worker_count);
}

}  // namespace conduit
