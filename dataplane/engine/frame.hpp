// Frame parsing: Ethernet II and 802.3/LLC, up to two VLAN tags, ARP, IPv4, IPv6, TCP, UDP, ICMP. Parse or
// drop: every length is reconciled with the bytes at hand before anything else looks at the frame. Pure.
#pragma once

#include <cstdint>

#include "config/abi/limits.hpp"
#include "protocols/core/bytes.hpp"
#include "protocols/core/reason.hpp"
#include "protocols/core/rule_image.hpp"

namespace conduit {

enum class FrameKind : std::uint8_t {
  OTHER = 0,
  ARP = 1,
  TCP = 2,
  UDP = 3,
  ICMP = 4,
  ICMPV6 = 5,
  OTHER_IP = 6
};

enum TcpFlag : std::uint8_t {
  TCP_FIN = 0x01,
  TCP_SYN = 0x02,
  TCP_RST = 0x04,
  TCP_PSH = 0x08,
  TCP_ACK = 0x10,
  TCP_URG = 0x20
};

// Offsets are in octets from the first byte of the frame.
struct ParsedFrame {
  std::uint8_t* data = nullptr;
  std::uint32_t size = 0;
  std::uint8_t port_in = 0;
  std::uint8_t port_out = 0;     // set by the worker, not by parse_frame
  std::uint8_t frame_flags = 0;  // FrameFlag
  bool group = false;            // destination MAC is multicast or broadcast
  Address source{};
  Address destination{};
  Mac destination_mac{};
  Mac source_mac{};
  VlanKey vlan = 0;
  std::uint16_t ethertype = 0;  // < 0x600: 802.3 length, see dsap
  std::uint16_t l3_offset = 0;
  std::uint16_t l4_offset = 0;
  std::uint16_t payload_offset = 0;
  // After reconciling: IP length rules, trailing bytes (padding, PRP) are beyond it.
  std::uint16_t payload_size = 0;
  Reason reason = Reason::NONE;  // not NONE: deny for it, the rest is filled as far as parsing came
  FrameKind kind = FrameKind::OTHER;
  std::uint8_t dsap = 0;
  // layer 3
  std::uint8_t ip_version = 0;   // 4, 6, or 0
  std::uint8_t ip_protocol = 0;  // after extension headers
  std::uint8_t ttl = 0;
  bool ttl_low = false;              // below ttl_min: denied unless the conduit accepts it
  bool udp_checksum_absent = false;  // IPv4: denied unless the conduit accepts it
  // layer 4
  std::uint8_t tcp_flags = 0;
  // ICMP: the asking side's port is the identifier, the answering side's the type of the question.
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t timestamp_echo = 0;
  std::uint16_t window = 0;       // unscaled
  std::uint16_t mss = 0;          // of a SYN, 0 = absent
  std::uint8_t window_scale = 0;  // of a SYN, valid if has_window_scale
  bool has_window_scale = false;
  bool sack_permitted = false;
  bool fast_open = false;
  std::uint16_t sack_offset = 0;  // first SACK block; 0 = none
  std::uint8_t sack_count = 0;
  bool has_timestamp = false;
  bool unknown_option = false;  // TCP: an option other than MSS, window scale, SACK, timestamps, fast open
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;

  // TCP options as they stand, after the fixed header.
  [[nodiscard]] Bytes tcp_options() const noexcept {
    return {data + l4_offset + 20, static_cast<std::size_t>(payload_offset - l4_offset - 20)};
  }
  [[nodiscard]] Bytes payload() const noexcept { return {data + payload_offset, payload_size}; }
  friend bool operator==(const ParsedFrame&, const ParsedFrame&) noexcept = default;
};

// Parses `size` octets at `data`. Checksums of IP and L4 are verified unless `frame_flags` vouches for them.
// IP_FRAGMENT_NOT_PERMITTED: an IP fragment, well-formed so far; its payload is what it carries of the
// packet.
void parse_frame(std::uint8_t* data, std::uint32_t size, std::uint8_t port_in, std::uint8_t frame_flags,
                 std::uint8_t ttl_min, ParsedFrame& parsed) noexcept;
// The same without the short way for frames of the usual form, slower: for tests that compare the two.
[[gnu::noinline]] void parse_frame_long_way(std::uint8_t* data, std::uint32_t size, std::uint8_t port_in,
                                            std::uint8_t frame_flags, std::uint8_t ttl_min,
                                            ParsedFrame& parsed) noexcept;

// Overwrites TCP options that the engine does not know (multipath among them: it would give the stream a
// second reading) with NOPs and stores a new checksum. `parsed` is a well-formed TCP frame.
void clear_unknown_tcp_options(ParsedFrame& parsed) noexcept;
// Computes and stores the TCP, UDP or ICMP checksum of a well-formed frame that was changed.
void store_l4_checksum(ParsedFrame& parsed) noexcept;

}  // namespace conduit
