// Frames as the simulation's hosts build and read them: Ethernet, VLAN tags, IPv4 or IPv6, TCP or UDP.
// Written from the RFCs (768, 791, 8200, 9293), without the engine's parser or builder.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace conduit::simulation {

using Octets = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

enum Flags : std::uint8_t { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32 };

struct HostAddress {
  std::array<std::uint8_t, 6> mac{};
  std::array<std::uint8_t, 4> ipv4{};
  std::array<std::uint8_t, 16> ipv6{};
  std::uint16_t vlan = 0;  // in which its switch puts it; 0: in whichever the other end is, or none
};

struct Packet {
  std::array<std::uint8_t, 6> source_mac{};
  std::array<std::uint8_t, 6> destination_mac{};
  std::vector<std::uint16_t> vlan;  // TCIs, outermost first; more than one: the outer one is a service tag
  bool ipv6 = false;
  std::array<std::uint8_t, 16> source{};  // IPv4: the first 4 octets
  std::array<std::uint8_t, 16> destination{};
  std::uint8_t ttl = 64;
  std::uint16_t identification = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::uint8_t flags = 0;     // Flags, as on the wire
  std::uint8_t reserved = 0;  // the four bits behind the data offset
  std::uint16_t window = 0;   // as on the wire, unscaled
  std::uint16_t urgent = 0;
  Octets options;  // encode pads them to a multiple of 4 with zeros (end of list)
  Octets payload;
  // encode: these are added to the right value (so 0 is right). decode: 0 or 1, whether it was wrong.
  std::uint16_t ip_checksum_error = 0;
  std::uint16_t tcp_checksum_error = 0;  // of UDP, where it is that
  bool udp = false;                      // instead of TCP, with these:
  bool udp_checksum_absent = false;
  std::int16_t udp_length_error = 0;  // added to the right length

  // Sequence numbers that the segment takes.
  [[nodiscard]] std::uint32_t length() const noexcept {
    return static_cast<std::uint32_t>(payload.size()) + ((flags & SYN) != 0 ? 1U : 0U) +
           ((flags & FIN) != 0 ? 1U : 0U);
  }
};

// A complete Ethernet frame, padded to 60 octets.
[[nodiscard]] Octets encode(const Packet& packet);
// Nothing for frames that are no whole, unfragmented TCP over IPv4 or IPv6 without extension headers.
[[nodiscard]] std::optional<Packet> decode(View frame);
// With a tag in front of what it carries, and: the VLAN that its tags say (IEEE 802.1Q; 0: none, a stack of
// several: no VLAN at all).
void add_tag(Octets& frame, std::uint16_t vlan);
[[nodiscard]] std::optional<std::uint16_t> vlan_of(const Packet& packet);

// Likewise for UDP. A datagram whose length disagrees with that of IP has all that IP holds for its payload.
[[nodiscard]] std::optional<Packet> decode_datagram(View frame);
// Is it UDP, or a fragment of it?
[[nodiscard]] bool carries_udp(View frame);

// An ICMP or ICMPv6 error (RFC 792, RFC 4443): of its quotation only what names a TCP connection.
struct QuotedError {
  Packet outer;   // MACs, VLAN, addresses, time to live, checksum errors (`tcp_…`: that of ICMP)
  Packet quoted;  // addresses, ports, sequence number and, as far as it goes, the payload
};
// Nothing for frames that are no such error about a TCP segment.
[[nodiscard]] std::optional<QuotedError> decode_error(View frame);

// The error (network unreachable, which no TCP takes for an end) by which the receiver of `frame` answers it,
// with up to `size` octets of its packet behind the 8 of the header; nothing unless `frame` is whole TCP.
[[nodiscard]] std::optional<Octets> encode_error(View frame, std::size_t size);

// One IP datagram cut into fragments at the given places (octets behind the IP header, multiples of 8).
[[nodiscard]] std::vector<Octets> fragment(const Packet& packet, const std::vector<std::uint16_t>& places);

}  // namespace conduit::simulation
