// Which MAC a queued packet goes to, as far as that can be known.
#include "dataplane/io/nfqueue/destination_mac.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "config/abi/packet_mark.hpp"

using namespace conduit;

namespace {

using Octets = std::vector<std::uint8_t>;

Octets ipv4(std::uint32_t source, std::uint32_t destination) {
  Octets packet(20, 0);
  packet[0] = 0x45;
  for (unsigned k = 0; k < 4; ++k) {
    packet[12 + k] = static_cast<std::uint8_t>(source >> (24 - 8 * k));
    packet[16 + k] = static_cast<std::uint8_t>(destination >> (24 - 8 * k));
  }
  return packet;
}

Octets ipv6(std::uint8_t first, std::uint32_t last) {
  Octets packet(40, 0);
  packet[0] = 0x60;
  packet[24] = first;
  packet[25] = 0x02;
  for (unsigned k = 0; k < 4; ++k) packet[36 + k] = static_cast<std::uint8_t>(last >> (24 - 8 * k));
  return packet;
}

std::string mac_of(std::uint32_t mark, const Octets& packet) {
  std::uint8_t mac[6];
  group_mac(mark, packet.data(), packet.size(), mac);
  std::string text;
  for (const std::uint8_t octet : mac) {
    for (const int digit : {octet >> 4, octet & 15}) text += "0123456789abcdef"[digit];
  }
  return text;
}

constexpr const char* unknown = "020000000000";

Octets framed(std::uint8_t source_mac, const Octets& packet) {
  Octets frame(ethernet_size, 0);
  frame[0] = 0x02;
  frame[11] = source_mac;
  frame.insert(frame.end(), packet.begin(), packet.end());
  return frame;
}

}  // namespace

TEST_CASE("a mark tells that a packet goes to a group, its address to which") {
  struct Row {
    const char* name;
    std::uint32_t mark;
    Octets packet;
    const char* mac;
  };
  const Row rows[] = {
      {"unicast", mark_unicast, ipv4(0x0A000001, 0x0A000002), unknown},
      {"broadcast", mark_broadcast, ipv4(0x0A000001, 0x0A0000FF), "ffffffffffff"},
      {"broadcast to a host's address", mark_broadcast, ipv4(0x0A000001, 0x0A000002), "ffffffffffff"},
      {"broadcast, nothing of a packet", mark_broadcast, {}, "ffffffffffff"},
      {"the low 23 bits of an IPv4 group", mark_multicast, ipv4(0x0A000001, 0xE0FF0203), "01005e7f0203"},
      {"the last IPv4 group", mark_multicast, ipv4(0x0A000001, 0xEFFFFFFF), "01005e7fffff"},
      {"the low 32 bits of an IPv6 group", mark_multicast, ipv6(0xFF, 0x000100FB), "3333000100fb"},
      {"a group for an IPv4 host", mark_multicast, ipv4(0x0A000001, 0x0A000002), "010000000000"},
      {"a group for class E", mark_multicast, ipv4(0x0A000001, 0xF0000001), "010000000000"},
      {"a group for an IPv6 host", mark_multicast, ipv6(0xFE, 0x000100FB), "010000000000"},
      {"a packet too short for its address", mark_multicast, Octets(19, 0x45), "010000000000"},
      {"a group address without a mark", mark_unicast, ipv4(0x0A000001, 0xE0000001), unknown},
      {"a mark of somebody else's", 7, ipv4(0x0A000001, 0xE0000001), unknown},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(mac_of(row.mark, row.packet) == row.mac);
  }
}

TEST_CASE("a host is known by what it has sent, at its own port alone") {
  Neighbours neighbours;
  const Octets from_b = framed(0x0B, ipv4(0x0A00000B, 0x0A00000A));
  Octets to_b = framed(0x0A, ipv4(0x0A00000A, 0x0A00000B));
  const Octets before = to_b;

  neighbours.resolve(1, to_b.data(), to_b.size());
  CHECK(to_b == before);  // nobody has spoken
  CHECK(is_unknown_mac(to_b.data()));

  neighbours.learn(1, from_b.data(), from_b.size());
  neighbours.resolve(0, to_b.data(), to_b.size());
  CHECK(to_b == before);  // it lives at the other port

  neighbours.resolve(1, to_b.data(), to_b.size());
  CHECK(std::memcmp(to_b.data(), from_b.data() + 6, 6) == 0);
  CHECK_FALSE(is_unknown_mac(to_b.data()));

  const Octets again = framed(0x1B, ipv4(0x0A00000B, 0x0A00000A));  // another card
  neighbours.learn(1, again.data(), again.size());
  neighbours.resolve(1, to_b.data(), to_b.size());
  CHECK(to_b[5] == 0x1B);
}

TEST_CASE("frames too short for their addresses teach nothing") {
  Neighbours neighbours;
  Octets from_b = framed(0x0B, ipv4(0x0A00000B, 0x0A00000A));
  neighbours.learn(0, from_b.data(), from_b.size() - 1);
  Octets to_b = framed(0x0A, ipv4(0x0A00000A, 0x0A00000B));
  neighbours.resolve(0, to_b.data(), to_b.size());
  CHECK(is_unknown_mac(to_b.data()));
}
