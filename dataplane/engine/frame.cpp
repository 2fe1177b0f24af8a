#include "dataplane/engine/frame.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/engine/checksum.hpp"
#include "dataplane/engine/engine.hpp"
#include "protocols/core/mutation.hpp"

namespace conduit {
namespace {

constexpr std::uint32_t ethernet_size = 14;
constexpr std::uint32_t ipv4_size = 20;
constexpr std::uint32_t ipv6_size = 40;
constexpr std::uint32_t ipv6_fragment_size = 8;
constexpr std::uint32_t tcp_size = 20;
constexpr std::uint32_t udp_size = 8;
constexpr std::uint32_t icmp_size = 8;

constexpr std::uint8_t protocol_icmp = 1;
constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t protocol_icmpv6 = 58;

constexpr std::uint8_t ipv6_hop_by_hop = 0;
constexpr std::uint8_t ipv6_routing = 43;
constexpr std::uint8_t ipv6_fragment = 44;
constexpr std::uint8_t ipv6_encapsulating = 50;
constexpr std::uint8_t ipv6_authentication = 51;
constexpr std::uint8_t ipv6_destination = 60;

[[nodiscard]] bool is_tag(std::uint16_t ethertype) noexcept {
  return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

// Options of a hop-by-hop or destination header: padding and router alert (MLD needs it); everything else may
// change what the receiver does with the packet.
[[nodiscard]] bool ipv6_options_harmless(const std::uint8_t* at, std::uint32_t size) noexcept {
  while (size > 0) {
    if (at[0] == 0) {  // Pad1
      ++at;
      --size;
      continue;
    }
    if (size < 2 || size - 2 < at[1]) return false;
    const bool router_alert = at[0] == 5 && at[1] == 2;
    if (at[0] != 1 && !router_alert) return false;
    const std::uint32_t step = 2U + at[1];
    at += step;
    size -= step;
  }
  return true;
}

void parse_icmp(ParsedFrame& parsed, std::uint32_t size, std::uint64_t pseudo) noexcept {
  const std::uint8_t* at = parsed.data + parsed.l4_offset;
  if (size < icmp_size) {
    parsed.reason = Reason::ICMP_MALFORMED;
    return;
  }
  parsed.icmp_type = at[0];
  parsed.icmp_code = at[1];
  parsed.payload_offset = static_cast<std::uint16_t>(parsed.l4_offset + icmp_size);
  parsed.payload_size = static_cast<std::uint16_t>(size - icmp_size);
  std::uint8_t question = at[0];
  bool answer = false;
  bool identified = false;
  if (parsed.kind == FrameKind::ICMPV6) {
    identified = at[0] == 128 || at[0] == 129;
    answer = at[0] == 129;
    if (answer) question = 128;
  } else {
    // echo 8/0, timestamp 13/14, information 15/16, address mask 17/18
    answer = at[0] == 0 || at[0] == 14 || at[0] == 16 || at[0] == 18;
    identified = answer || at[0] == 8 || at[0] == 13 || at[0] == 15 || at[0] == 17;
    if (answer) question = at[0] == 0 ? 8 : static_cast<std::uint8_t>(at[0] - 1);
  }
  const std::uint16_t identifier = identified ? load_u16be(at + 4) : std::uint16_t{0};
  parsed.source_port = answer ? question : identifier;
  parsed.destination_port = answer ? identifier : question;
  if ((parsed.frame_flags & (FRAME_CHECKSUMS_UNKNOWN | FRAME_L4_CHECKSUM_GOOD)) != 0) return;
  if (!checksum_good(checksum_add(at, size, pseudo))) parsed.reason = Reason::ICMP_MALFORMED;
}

void parse_udp(ParsedFrame& parsed, std::uint32_t size, std::uint64_t pseudo) noexcept {
  const std::uint8_t* at = parsed.data + parsed.l4_offset;
  if (size < udp_size) {
    parsed.reason = Reason::UDP_MALFORMED;
    return;
  }
  parsed.source_port = load_u16be(at);
  parsed.destination_port = load_u16be(at + 2);
  parsed.payload_offset = static_cast<std::uint16_t>(parsed.l4_offset + udp_size);
  parsed.payload_size = static_cast<std::uint16_t>(size - udp_size);
  if (load_u16be(at + 4) != size || parsed.destination_port == 0) {
    parsed.reason = Reason::UDP_MALFORMED;
    return;
  }
  if (load_u16be(at + 6) == 0) {
    if (parsed.ip_version == 6) {
      parsed.reason = Reason::UDP_CHECKSUM_WRONG;
    } else {
      parsed.udp_checksum_absent = true;
    }
    return;
  }
  if ((parsed.frame_flags & (FRAME_CHECKSUMS_UNKNOWN | FRAME_L4_CHECKSUM_GOOD)) != 0) return;
  if (mutated(Mutation::UDP_CHECKSUM_SKIPPED)) return;
  if (!checksum_good(checksum_add(at, size, pseudo))) parsed.reason = Reason::UDP_CHECKSUM_WRONG;
}

// One TCP option of `size` octets at `at`, kind and length included. False: length does not fit the kind.
[[nodiscard]] bool take_tcp_option(ParsedFrame& parsed, const std::uint8_t* at, std::uint32_t size) noexcept {
  const bool syn = (parsed.tcp_flags & TCP_SYN) != 0;
  switch (at[0]) {
    case 2:  // maximum segment size
      if (size != 4) return false;
      if (syn) parsed.mss = load_u16be(at + 2);
      return true;
    case 3:  // window scale
      if (size != 3) return false;
      parsed.has_window_scale = syn;
      parsed.window_scale = syn ? std::min<std::uint8_t>(at[2], 14) : std::uint8_t{0};
      return true;
    case 4:  // SACK permitted
      if (size != 2) return false;
      parsed.sack_permitted = syn;
      return true;
    case 5:  // SACK
      if (size < 10 || (size - 2) % 8 != 0) return false;
      parsed.sack_offset = static_cast<std::uint16_t>(at + 2 - parsed.data);
      parsed.sack_count = static_cast<std::uint8_t>((size - 2) / 8);
      return true;
    case 8:  // timestamps
      if (size != 10) return false;
      parsed.has_timestamp = true;
      parsed.timestamp = load_u32be(at + 2);
      parsed.timestamp_echo = load_u32be(at + 6);
      return true;
    case 34:  // fast open cookie
      parsed.fast_open = true;
      return true;
    case 253:
    case 254:  // experiments; fast open once used them
      if (size >= 4 && load_u16be(at + 2) == 0xF989) parsed.fast_open = true;
      parsed.unknown_option = true;
      return true;
    default: parsed.unknown_option = true; return true;
  }
}

// MD5 (RFC 2385) and AO (RFC 5925) in one segment: its receiver discards it (RFC 5925 §2.2).
constexpr std::uint64_t tcp_signatures = (std::uint64_t{1} << 19) | (std::uint64_t{1} << 29);

[[nodiscard]] bool parse_tcp_options(ParsedFrame& parsed, const std::uint8_t* at,
                                     std::uint32_t size) noexcept {
  // What nearly every segment of an established connection carries: NOP, NOP, timestamps.
  if (size == 12 && load_u32be(at) == 0x0101080A) {
    parsed.has_timestamp = true;
    parsed.timestamp = load_u32be(at + 4);
    parsed.timestamp_echo = load_u32be(at + 8);
    return true;
  }
  std::uint64_t seen = 0;  // kinds below 64, once each: of two, stacks differ in which one counts
  while (size > 0) {
    if (at[0] == 0) {  // end of list: only padding may follow
      return std::all_of(at, at + size, [](std::uint8_t octet) { return octet == 0; });
    }
    if (at[0] == 1) {
      ++at;
      --size;
      continue;
    }
    if (size < 2 || at[1] < 2 || at[1] > size) return false;
    const std::uint64_t bit = at[0] < 64 ? std::uint64_t{1} << at[0] : 0;
    if ((seen & bit) != 0 || !take_tcp_option(parsed, at, at[1])) return false;
    seen |= bit;
    if ((seen & tcp_signatures) == tcp_signatures) return false;
    const std::uint32_t step = at[1];
    at += step;
    size -= step;
  }
  return true;
}

// Combinations that no stack sends (STYLE: one line each).
[[nodiscard]] bool tcp_flags_valid(std::uint8_t flags) noexcept {
  if ((flags & TCP_SYN) != 0) return (flags & (TCP_FIN | TCP_RST | TCP_URG)) == 0;
  if ((flags & TCP_RST) != 0) return (flags & (TCP_FIN | TCP_URG)) == 0;
  return (flags & TCP_ACK) != 0;
}

void parse_tcp(ParsedFrame& parsed, std::uint32_t size, std::uint64_t pseudo) noexcept {
  const std::uint8_t* at = parsed.data + parsed.l4_offset;
  if (size < tcp_size) {
    parsed.reason = Reason::TCP_MALFORMED;
    return;
  }
  parsed.source_port = load_u16be(at);
  parsed.destination_port = load_u16be(at + 2);
  parsed.sequence = load_u32be(at + 4);
  parsed.acknowledgement = load_u32be(at + 8);
  parsed.tcp_flags = at[13] & 0x3F;
  parsed.window = load_u16be(at + 14);
  const std::uint32_t header = (at[12] >> 4) * 4U;
  const bool reserved = (at[12] & 0x0E) != 0;  // the lowest bit is ECN's
  if (header < tcp_size || header > size || reserved || parsed.source_port == 0 ||
      parsed.destination_port == 0) {
    parsed.payload_offset = parsed.l4_offset;
    parsed.reason = Reason::TCP_MALFORMED;
    return;
  }
  parsed.payload_offset = static_cast<std::uint16_t>(parsed.l4_offset + header);
  parsed.payload_size = static_cast<std::uint16_t>(size - header);
  if (!tcp_flags_valid(parsed.tcp_flags) && !mutated(Mutation::TCP_FLAGS_UNCHECKED)) {
    parsed.reason = Reason::TCP_FLAGS_INVALID;
    return;
  }
  if (header > tcp_size && !parse_tcp_options(parsed, at + tcp_size, header - tcp_size)) {
    parsed.reason = Reason::TCP_MALFORMED;
    return;
  }
  if ((parsed.frame_flags & (FRAME_CHECKSUMS_UNKNOWN | FRAME_L4_CHECKSUM_GOOD)) != 0) return;
  if (mutated(Mutation::TCP_CHECKSUM_SKIPPED)) return;
  if (!checksum_good(checksum_add(at, size, pseudo))) parsed.reason = Reason::TCP_CHECKSUM_WRONG;
}

// `size` octets of upper layer at l4_offset; `addresses` as checksum_pseudo wants them.
void parse_l4(ParsedFrame& parsed, std::uint32_t size, const std::uint8_t* addresses,
              std::size_t addresses_size) noexcept {
  parsed.payload_offset = parsed.l4_offset;
  parsed.payload_size = static_cast<std::uint16_t>(size);
  const std::uint8_t protocol = parsed.ip_protocol;
  if (protocol == protocol_tcp) {
    parsed.kind = FrameKind::TCP;
    parse_tcp(parsed, size, checksum_pseudo(addresses, addresses_size, protocol, size));
  } else if (protocol == protocol_udp) {
    parsed.kind = FrameKind::UDP;
    parse_udp(parsed, size, checksum_pseudo(addresses, addresses_size, protocol, size));
  } else if (protocol == protocol_icmp && parsed.ip_version == 4) {
    parsed.kind = FrameKind::ICMP;
    parse_icmp(parsed, size, 0);
  } else if (protocol == protocol_icmpv6 && parsed.ip_version == 6) {
    parsed.kind = FrameKind::ICMPV6;
    parse_icmp(parsed, size, checksum_pseudo(addresses, addresses_size, protocol, size));
  } else {
    parsed.kind = FrameKind::OTHER_IP;
  }
  // Whatever else is wrong with it; captures of a loopback interface are still read.
  if (same_address(parsed.source, parsed.destination)) parsed.reason = Reason::LAND_PACKET;
}

// IPv4-mapped (RFC 4291 §2.5.5.2), stored as it will be loaded: in two halves.
void set_ipv4(Address& address, const std::uint8_t* at) noexcept {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  const std::uint64_t halves[2] = {0, std::uint64_t{load_native<std::uint32_t>(at)} << 32 | 0xFFFF0000U};
  std::memcpy(address.data(), halves, sizeof halves);
}

// RFC 791, in wire order.
void parse_ipv4(ParsedFrame& parsed, std::uint8_t ttl_min) noexcept {
  const std::uint8_t* at = parsed.data + parsed.l3_offset;
  const std::uint32_t remaining = parsed.size - parsed.l3_offset;
  parsed.kind = FrameKind::OTHER_IP;
  parsed.ip_version = 4;
  if (remaining < ipv4_size) {
    parsed.reason = Reason::IP_HEADER_MALFORMED;
    return;
  }
  const std::uint32_t header = (at[0] & 0x0FU) * 4U;
  const std::uint32_t total = load_u16be(at + 2);
  const std::uint16_t fragment = load_u16be(at + 6);
  parsed.ttl = at[8];
  parsed.ip_protocol = at[9];
  parsed.ttl_low = at[8] < ttl_min;
  set_ipv4(parsed.source, at + 12);
  set_ipv4(parsed.destination, at + 16);
  parsed.l4_offset = static_cast<std::uint16_t>(parsed.l3_offset + ipv4_size);
  parsed.payload_offset = parsed.l4_offset;
  if ((at[0] >> 4) != 4 || header < ipv4_size || total < header || total > remaining ||
      (fragment & 0x8000) != 0) {
    parsed.reason = Reason::IP_HEADER_MALFORMED;
    return;
  }
  if (header != ipv4_size) {
    parsed.reason = Reason::IP_OPTIONS_NOT_PERMITTED;
    return;
  }
  const bool vouched = (parsed.frame_flags & (FRAME_CHECKSUMS_UNKNOWN | FRAME_IP_CHECKSUM_GOOD)) != 0;
  const bool trusted = vouched || mutated(Mutation::IP_CHECKSUM_SKIPPED);
  if (!trusted && !checksum_good(checksum_ipv4_header(at))) {
    parsed.reason = Reason::IP_CHECKSUM_WRONG;
    return;
  }
  if ((fragment & 0x3FFF) != 0) {
    parsed.payload_size = static_cast<std::uint16_t>(total - ipv4_size);
    parsed.reason = Reason::IP_FRAGMENT_NOT_PERMITTED;
    return;
  }
  parse_l4(parsed, total - ipv4_size, at + 12, 8);
}

[[nodiscard]] bool is_mapped_ipv4(const std::uint8_t* address) noexcept {
  return load_native<std::uint64_t>(address) == 0 && load_u32be(address + 8) == 0x0000FFFF;
}

// Walks the extension headers. NONE: `offset` and parsed.ip_protocol are those of the upper layer.
[[nodiscard]] Reason skip_ipv6_extensions(ParsedFrame& parsed, std::uint32_t& offset,
                                          std::uint32_t end) noexcept {
  const std::uint32_t first = offset;
  for (std::size_t count = 0;; ++count) {
    const std::uint8_t next = parsed.ip_protocol;
    if (next == ipv6_fragment) {
      const bool whole = end - offset >= ipv6_fragment_size;
      return whole ? Reason::IP_FRAGMENT_NOT_PERMITTED : Reason::IP_HEADER_MALFORMED;
    }
    if (next == ipv6_routing || next == ipv6_encapsulating || next == ipv6_authentication) {
      return Reason::IPV6_EXTENSION_NOT_PERMITTED;
    }
    if (next != ipv6_hop_by_hop && next != ipv6_destination) return Reason::NONE;
    if (next == ipv6_hop_by_hop && count != 0) return Reason::IPV6_EXTENSION_NOT_PERMITTED;
    if (count == ipv6_extension_count_max) return Reason::IPV6_EXTENSION_NOT_PERMITTED;
    if (end - offset < 8) return Reason::IP_HEADER_MALFORMED;
    const std::uint8_t* at = parsed.data + offset;
    const std::uint32_t size = (at[1] + 1U) * 8U;
    if (end - offset < size) return Reason::IP_HEADER_MALFORMED;
    if (offset - first + size > ipv6_extension_size_max || !ipv6_options_harmless(at + 2, size - 2)) {
      return Reason::IPV6_EXTENSION_NOT_PERMITTED;
    }
    parsed.ip_protocol = at[0];
    offset += size;
  }
}

// RFC 8200, in wire order.
void parse_ipv6(ParsedFrame& parsed, std::uint8_t ttl_min) noexcept {
  const std::uint8_t* at = parsed.data + parsed.l3_offset;
  const std::uint32_t remaining = parsed.size - parsed.l3_offset;
  parsed.kind = FrameKind::OTHER_IP;
  parsed.ip_version = 6;
  if (remaining < ipv6_size) {
    parsed.reason = Reason::IP_HEADER_MALFORMED;
    return;
  }
  const std::uint32_t payload = load_u16be(at + 4);
  parsed.ip_protocol = at[6];
  parsed.ttl = at[7];
  parsed.ttl_low = at[7] < ttl_min;
  std::memcpy(parsed.source.data(), at + 8, 16);
  std::memcpy(parsed.destination.data(), at + 24, 16);
  std::uint32_t offset = parsed.l3_offset + ipv6_size;
  parsed.l4_offset = static_cast<std::uint16_t>(offset);
  parsed.payload_offset = parsed.l4_offset;
  // A mapped address on the wire would pass for an IPv4 asset.
  if ((at[0] >> 4) != 6 || payload > remaining - ipv6_size || at[8] == 0xFF || is_mapped_ipv4(at + 8) ||
      is_mapped_ipv4(at + 24)) {
    parsed.reason = Reason::IP_HEADER_MALFORMED;
    return;
  }
  const std::uint32_t end = offset + payload;
  parsed.reason = skip_ipv6_extensions(parsed, offset, end);
  if (parsed.reason == Reason::IP_FRAGMENT_NOT_PERMITTED) {
    parsed.payload_offset = static_cast<std::uint16_t>(offset + ipv6_fragment_size);
    parsed.payload_size = static_cast<std::uint16_t>(end - offset - ipv6_fragment_size);
  }
  if (parsed.reason != Reason::NONE) return;
  parsed.l4_offset = static_cast<std::uint16_t>(offset);
  parse_l4(parsed, end - offset, at + 8, 32);
}

// 802.1Q and 802.1ad tags. `offset` is that of the first ethertype; moves to the last one.
[[nodiscard]] Reason parse_tags(ParsedFrame& parsed, std::uint32_t& offset) noexcept {
  for (std::size_t count = 0; is_tag(parsed.ethertype); ++count) {
    if (count == vlan_tag_count_max) return Reason::VLAN_STACK_TOO_DEEP;
    if (parsed.size - offset < 6) return Reason::FRAME_MALFORMED;
    const std::uint16_t id = load_u16be(parsed.data + offset + 2) & 0x0FFF;
    // 4095 is reserved; a priority tag around another tag would read like that tag alone.
    if (id == 0x0FFF || (count == 1 && parsed.vlan == 0)) return Reason::FRAME_MALFORMED;
    parsed.vlan = (parsed.vlan << 16) | id;
    parsed.ethertype = load_u16be(parsed.data + offset + 4);
    offset += 4;
  }
  return Reason::NONE;
}

void parse_llc(ParsedFrame& parsed) noexcept {
  const std::uint32_t remaining = parsed.size - parsed.l3_offset;
  if (parsed.ethertype > 1500 || parsed.ethertype < 3 || parsed.ethertype > remaining) {
    parsed.reason = Reason::FRAME_MALFORMED;
    return;
  }
  parsed.dsap = parsed.data[parsed.l3_offset];
  parsed.payload_size = parsed.ethertype;
}

// `parsed` says where the frame is and how it came, nothing else yet.
void parse_any(std::uint8_t ttl_min, ParsedFrame& parsed) noexcept {
  const std::uint8_t* const data = parsed.data;
  const std::uint32_t size = parsed.size;
  if (size < ethernet_size || size > frame_size_max) {
    parsed.reason = Reason::FRAME_MALFORMED;
    return;
  }
  std::memcpy(parsed.destination_mac.data(), data, 6);
  std::memcpy(parsed.source_mac.data(), data + 6, 6);
  parsed.ethertype = load_u16be(data + 12);
  parsed.group = (data[0] & 1) != 0;
  std::uint32_t offset = 12;
  if (is_tag(parsed.ethertype)) parsed.reason = parse_tags(parsed, offset);
  if ((data[6] & 1) != 0) parsed.reason = Reason::FRAME_MALFORMED;  // a group is nobody's address
  parsed.l3_offset = static_cast<std::uint16_t>(offset + 2);
  parsed.payload_offset = parsed.l3_offset;
  if (parsed.reason != Reason::NONE) return;
  switch (parsed.ethertype) {
    case 0x0800: parse_ipv4(parsed, ttl_min); return;
    case 0x86DD: parse_ipv6(parsed, ttl_min); return;
    default: break;
  }
  if (parsed.ethertype < 0x0600) {
    parse_llc(parsed);
    return;
  }
  parsed.kind = parsed.ethertype == 0x0806 ? FrameKind::ARP : FrameKind::OTHER;
  parsed.payload_size = static_cast<std::uint16_t>(size - parsed.l3_offset);
}

// The form of nearly every frame, in fixed places:
//
//   0      6      12    14  16    20  22    24    26     30     34       46    48      54        66
//   +------+------+-----+---+-----+---+-----+-----+------+------+--------+-----+-------+---------+------- …
//   | to   | from | 08  |45 |total|DF | TTL | sum | from | to   | ports, | 80  |window,| 01 01   | data
//   | MAC  | MAC  | 00  |TOS| ID  |   | 06  |     |      |      | numbers|flags|sum …  | 08 0a … |
//   +------+------+-----+---+-----+---+-----+-----+------+------+--------+-----+-------+---------+------- …
//
// One station to one other, no tag, IPv4 whole and without options, TCP with ACK alone or PSH, timestamps.
constexpr std::uint32_t usual_ip_at = ethernet_size;
constexpr std::uint32_t usual_tcp_at = usual_ip_at + ipv4_size;
constexpr std::uint32_t usual_payload_at = usual_tcp_at + tcp_size + 12;

// Four octets as `load_native` gives them.
constexpr std::uint32_t wire(std::uint32_t octets) noexcept { return __builtin_bswap32(octets); }

[[nodiscard]] inline bool has_usual_form(const std::uint8_t* data) noexcept {
  const auto differs = [data](std::uint32_t at, std::uint32_t from, std::uint32_t where) {
    return (load_native<std::uint32_t>(data + at) ^ wire(from)) & wire(where);
  };
  const std::uint32_t stations = (data[0] | data[6]) & 1U;
  const std::uint32_t version = differs(12, 0x0800'45'00, 0xFFFF'FF'00);
  const std::uint32_t fragment = differs(20, 0x4000'00'06, 0xBFFF'00'FF);  // and the protocol
  const std::uint32_t flags = differs(46, 0x8010'0000, 0xFE37'0000);       // but PSH and those of ECN
  const std::uint32_t options = differs(54, 0x0101'080A, 0xFFFF'FFFF);
  return (stations | version | fragment | flags | options) == 0;
}

[[nodiscard]] inline bool has_usual_checksums(const std::uint8_t* data, std::uint32_t tcp_and_data,
                                              std::uint8_t frame_flags) noexcept {
  if ((frame_flags & FRAME_CHECKSUMS_UNKNOWN) != 0) return true;
  const std::uint8_t* const ip = data + usual_ip_at;
  const bool ip_good = (frame_flags & FRAME_IP_CHECKSUM_GOOD) != 0;
  if (!ip_good && !checksum_good(checksum_ipv4_header(ip))) return false;
  if ((frame_flags & FRAME_L4_CHECKSUM_GOOD) != 0) return true;
  const std::uint64_t pseudo = checksum_pseudo(ip + 12, 8, protocol_tcp, tcp_and_data);
  return checksum_good(checksum_add(data + usual_tcp_at, tcp_and_data, pseudo));
}

// What all of them have in common.
constexpr ParsedFrame usual_frame{.ethertype = 0x0800,
                                  .l3_offset = usual_ip_at,
                                  .l4_offset = usual_tcp_at,
                                  .payload_offset = usual_payload_at,
                                  .kind = FrameKind::TCP,
                                  .ip_version = 4,
                                  .ip_protocol = protocol_tcp,
                                  .has_timestamp = true};

// The short way through a frame in which nothing is wrong. False: some doubt, nothing was changed.
[[nodiscard]] inline bool parse_usual(std::uint8_t* data, std::uint32_t size, std::uint8_t port_in,
                                      std::uint8_t frame_flags, std::uint8_t ttl_min,
                                      ParsedFrame& parsed) noexcept {
  if (size < usual_payload_at || size > frame_size_max || !has_usual_form(data)) return false;
  const std::uint8_t* const ip = data + usual_ip_at;
  const std::uint8_t* const tcp = data + usual_tcp_at;
  const std::uint32_t total = load_u16be(ip + 2);
  if (total < usual_payload_at - usual_ip_at || total > size - usual_ip_at) return false;
  const auto ports = load_native<std::uint32_t>(tcp);
  if ((ports & 0xFFFF) == 0 || ports >> 16 == 0) return false;
  if (load_native<std::uint32_t>(ip + 12) == load_native<std::uint32_t>(ip + 16)) return false;
  if (!has_usual_checksums(data, total - ipv4_size, frame_flags)) return false;
  parsed = usual_frame;
  parsed.data = data;
  parsed.size = size;
  parsed.port_in = port_in;
  parsed.frame_flags = frame_flags;
  std::memcpy(parsed.destination_mac.data(), data, 6);
  std::memcpy(parsed.source_mac.data(), data + 6, 6);
  parsed.payload_size = static_cast<std::uint16_t>(total - (usual_payload_at - usual_ip_at));
  parsed.ttl = ip[8];
  parsed.ttl_low = ip[8] < ttl_min;
  set_ipv4(parsed.source, ip + 12);
  set_ipv4(parsed.destination, ip + 16);
  parsed.source_port = load_u16be(tcp);
  parsed.destination_port = load_u16be(tcp + 2);
  parsed.sequence = load_u32be(tcp + 4);
  parsed.acknowledgement = load_u32be(tcp + 8);
  parsed.tcp_flags = tcp[13] & 0x3F;
  parsed.window = load_u16be(tcp + 14);
  parsed.timestamp = load_u32be(tcp + 24);
  parsed.timestamp_echo = load_u32be(tcp + 28);
  return true;
}

}  // namespace

void parse_frame(std::uint8_t* data, std::uint32_t size, std::uint8_t port_in, std::uint8_t frame_flags,
                 std::uint8_t ttl_min, ParsedFrame& parsed) noexcept {
  if (parse_usual(data, size, port_in, frame_flags, ttl_min, parsed)) return;
  parse_frame_long_way(data, size, port_in, frame_flags, ttl_min, parsed);
}

void parse_frame_long_way(std::uint8_t* data, std::uint32_t size, std::uint8_t port_in,
                          std::uint8_t frame_flags, std::uint8_t ttl_min, ParsedFrame& parsed) noexcept {
  parsed = ParsedFrame{};
  parsed.data = data;
  parsed.size = size;
  parsed.port_in = port_in;
  parsed.frame_flags = frame_flags;
  parse_any(ttl_min, parsed);
}

void clear_unknown_tcp_options(ParsedFrame& parsed) noexcept {
  std::uint8_t* at = parsed.data + parsed.l4_offset + tcp_size;
  std::uint8_t* const end = parsed.data + parsed.payload_offset;
  while (at < end && *at != 0) {
    if (*at == 1) {
      ++at;
      continue;
    }
    const std::uint32_t size = at[1];  // checked by parse_tcp_options
    const bool known = (*at >= 2 && *at <= 5) || *at == 8 || *at == 34;
    if (!known) std::fill_n(at, size, std::uint8_t{1});
    at += size;
  }
  store_l4_checksum(parsed);
  parsed.unknown_option = false;
}

void store_l4_checksum(ParsedFrame& parsed) noexcept {
  std::uint8_t* const l4 = parsed.data + parsed.l4_offset;
  const auto size =
      static_cast<std::uint32_t>(parsed.payload_offset + parsed.payload_size - parsed.l4_offset);
  const bool plain = parsed.kind == FrameKind::ICMP;  // no pseudo header
  std::size_t field = 16;
  if (parsed.kind == FrameKind::UDP) field = 6;
  if (parsed.kind == FrameKind::ICMP || parsed.kind == FrameKind::ICMPV6) field = 2;
  std::memset(l4 + field, 0, 2);
  const std::uint8_t* l3 = parsed.data + parsed.l3_offset;
  std::uint64_t sum = 0;
  if (!plain && parsed.ip_version == 4) sum = checksum_pseudo(l3 + 12, 8, parsed.ip_protocol, size);
  if (!plain && parsed.ip_version == 6) sum = checksum_pseudo(l3 + 8, 32, parsed.ip_protocol, size);
  std::uint16_t result = checksum_finish(checksum_add(l4, size, sum));
  if (result == 0 && parsed.kind == FrameKind::UDP) result = 0xFFFF;
  std::memcpy(l4 + field, &result, 2);
}

}  // namespace conduit
