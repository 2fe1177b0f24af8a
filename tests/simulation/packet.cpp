#include "tests/simulation/packet.hpp"

#include <algorithm>

namespace conduit::simulation {
namespace {

constexpr std::size_t ethernet_size = 14;
constexpr std::size_t frame_size_least = 60;
constexpr std::uint8_t protocol_icmp = 1;
constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::size_t udp_header_size = 8;
constexpr std::uint8_t protocol_icmpv6 = 58;
constexpr std::uint8_t next_fragment = 44;

void put16(Octets& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}
void put32(Octets& to, std::uint32_t value) {
  put16(to, value >> 16);
  put16(to, value & 0xFFFF);
}
template <typename Range>
void put(Octets& to, const Range& from) {
  to.insert(to.end(), from.begin(), from.end());
}
void set16(Octets& to, std::size_t at, std::size_t value) {
  to[at] = static_cast<std::uint8_t>(value >> 8);
  to[at + 1] = static_cast<std::uint8_t>(value);
}
std::uint16_t get16(View from, std::size_t at) {
  return static_cast<std::uint16_t>(from[at] << 8 | from[at + 1]);
}
std::uint32_t get32(View from, std::size_t at) {
  return std::uint32_t{get16(from, at)} << 16 | get16(from, at + 2);
}

// RFC 1071, not yet complemented.
std::uint32_t sum(View octets, std::uint32_t start) {
  std::uint64_t total = start;
  std::size_t i = 0;
  for (; i + 1 < octets.size(); i += 2) total += get16(octets, i);
  if (i < octets.size()) total += std::uint32_t{octets[i]} << 8;
  while (total >> 16 != 0) total = (total & 0xFFFF) + (total >> 16);
  return static_cast<std::uint32_t>(total);
}
std::uint16_t checksum(View octets, std::uint32_t start) {
  return static_cast<std::uint16_t>(~sum(octets, start));
}

// RFC 9293 §3.1, RFC 8200 §8.1.
std::uint32_t pseudo_header(const Packet& packet, std::uint8_t protocol, std::size_t size) {
  const std::size_t n = packet.ipv6 ? 16 : 4;
  return sum(View(packet.source).first(n),
             sum(View(packet.destination).first(n), protocol + static_cast<std::uint32_t>(size)));
}

Octets encode_tcp(const Packet& packet) {
  Octets options = packet.options;
  while (options.size() % 4 != 0) options.push_back(0);
  Octets segment;
  segment.reserve(20 + options.size() + packet.payload.size());
  put16(segment, packet.source_port);
  put16(segment, packet.destination_port);
  put32(segment, packet.sequence);
  put32(segment, packet.acknowledgement);
  segment.push_back(static_cast<std::uint8_t>((5 + options.size() / 4) << 4 | (packet.reserved & 0xF)));
  segment.push_back(packet.flags);
  put16(segment, packet.window);
  put16(segment, 0);
  put16(segment, packet.urgent);
  put(segment, options);
  put(segment, packet.payload);
  const std::uint32_t pseudo = pseudo_header(packet, protocol_tcp, segment.size());
  set16(segment, 16, checksum(segment, pseudo) + packet.tcp_checksum_error);
  return segment;
}

// RFC 768: a checksum of 0 says that there is none.
Octets encode_udp(const Packet& packet) {
  Octets datagram;
  put16(datagram, packet.source_port);
  put16(datagram, packet.destination_port);
  put16(datagram,
        udp_header_size + packet.payload.size() + static_cast<std::size_t>(packet.udp_length_error));
  put16(datagram, 0);
  put(datagram, packet.payload);
  if (packet.udp_checksum_absent) return datagram;
  const std::uint16_t right = checksum(datagram, pseudo_header(packet, protocol_udp, datagram.size()));
  set16(datagram, 6, (right == 0 ? 0xFFFFU : right) + packet.tcp_checksum_error);
  return datagram;
}

std::uint8_t protocol_of(const Packet& packet) { return packet.udp ? protocol_udp : protocol_tcp; }
Octets encode_transport(const Packet& packet) { return packet.udp ? encode_udp(packet) : encode_tcp(packet); }

Octets link_header(const Packet& packet) {
  Octets frame;
  put(frame, packet.destination_mac);
  put(frame, packet.source_mac);
  for (std::size_t i = 0; i < packet.vlan.size(); ++i) {
    put16(frame, i + 1 < packet.vlan.size() ? 0x88A8 : 0x8100);
    put16(frame, packet.vlan[i]);
  }
  put16(frame, packet.ipv6 ? 0x86DD : 0x0800);
  return frame;
}

// `offset`: in octets; `more`: further fragments follow.
Octets ipv4_header(const Packet& packet, std::size_t payload_size, std::size_t offset, bool more,
                   bool whole) {
  Octets header;
  header.push_back(0x45);
  header.push_back(0);
  put16(header, 20 + payload_size);
  put16(header, packet.identification);
  put16(header, whole ? 0x4000 : (more ? 0x2000U : 0U) | offset / 8);
  header.push_back(packet.ttl);
  header.push_back(protocol_of(packet));
  put16(header, 0);
  put(header, View(packet.source).first(4));
  put(header, View(packet.destination).first(4));
  set16(header, 10, static_cast<std::size_t>(checksum(header, 0)) + packet.ip_checksum_error);
  return header;
}

Octets ipv6_header(const Packet& packet, std::size_t payload_size, std::uint8_t next) {
  Octets header;
  put32(header, 0x60000000);
  put16(header, payload_size);
  header.push_back(next);
  header.push_back(packet.ttl);
  put(header, packet.source);
  put(header, packet.destination);
  return header;
}

void pad(Octets& frame) {
  if (frame.size() < frame_size_least) frame.resize(frame_size_least);
}

// The IP payload of a whole datagram of `protocol`, or nothing.
std::optional<View> take_ipv4(View frame, std::uint8_t protocol, Packet& packet) {
  if (frame.size() < 20 || frame[0] >> 4 != 4) return {};
  const std::size_t header = static_cast<std::size_t>(frame[0] & 0xF) * 4;
  const std::size_t total = get16(frame, 2);
  if (header < 20 || total < header || total > frame.size()) return {};
  if ((get16(frame, 6) & 0x3FFF) != 0) return {};  // a fragment
  if (frame[9] != protocol) return {};
  packet.identification = get16(frame, 4);
  packet.ttl = frame[8];
  packet.ip_checksum_error = sum(frame.first(header), 0) == 0xFFFF ? 0 : 1;
  std::copy_n(frame.begin() + 12, 4, packet.source.begin());
  std::copy_n(frame.begin() + 16, 4, packet.destination.begin());
  return frame.subspan(header, total - header);
}

std::optional<View> take_ipv6(View frame, std::uint8_t protocol, Packet& packet) {
  if (frame.size() < 40 || frame[0] >> 4 != 6 || frame[6] != protocol) return {};
  const std::size_t size = get16(frame, 4);
  if (size > frame.size() - 40) return {};
  packet.ipv6 = true;
  packet.ttl = frame[7];
  std::copy_n(frame.begin() + 8, 16, packet.source.begin());
  std::copy_n(frame.begin() + 24, 16, packet.destination.begin());
  return frame.subspan(40, size);
}

bool take_tcp(View segment, Packet& packet) {
  if (segment.size() < 20) return false;
  const std::size_t header = static_cast<std::size_t>(segment[12] >> 4) * 4;
  if (header < 20 || header > segment.size()) return false;
  packet.source_port = get16(segment, 0);
  packet.destination_port = get16(segment, 2);
  packet.sequence = get32(segment, 4);
  packet.acknowledgement = get32(segment, 8);
  packet.reserved = segment[12] & 0xF;
  packet.flags = segment[13];
  packet.window = get16(segment, 14);
  packet.urgent = get16(segment, 18);
  packet.options.assign(segment.begin() + 20, segment.begin() + static_cast<std::ptrdiff_t>(header));
  packet.payload.assign(segment.begin() + static_cast<std::ptrdiff_t>(header), segment.end());
  const std::uint32_t pseudo = pseudo_header(packet, protocol_tcp, segment.size());
  packet.tcp_checksum_error = sum(segment, pseudo) == 0xFFFF ? 0 : 1;
  return true;
}

bool take_udp(View datagram, Packet& packet) {
  if (datagram.size() < udp_header_size) return false;
  const std::size_t length = get16(datagram, 4);
  packet.udp = true;
  packet.source_port = get16(datagram, 0);
  packet.destination_port = get16(datagram, 2);
  packet.udp_length_error = static_cast<std::int16_t>(length - datagram.size());
  packet.udp_checksum_absent = get16(datagram, 6) == 0;
  packet.payload.assign(datagram.begin() + udp_header_size, datagram.end());
  const std::uint32_t pseudo = pseudo_header(packet, protocol_udp, datagram.size());
  packet.tcp_checksum_error = packet.udp_checksum_absent || sum(datagram, pseudo) == 0xFFFF ? 0 : 1;
  return true;
}

// The payload of the datagram in a frame, by the number of its protocol over IPv4 and over IPv6.
std::optional<View> take_datagram(View frame, std::uint8_t over_ipv4, std::uint8_t over_ipv6,
                                  Packet& packet) {
  if (frame.size() < ethernet_size) return {};
  std::copy_n(frame.begin(), 6, packet.destination_mac.begin());
  std::copy_n(frame.begin() + 6, 6, packet.source_mac.begin());
  std::size_t at = 12;
  while (frame.size() - at >= 6 && (get16(frame, at) == 0x8100 || get16(frame, at) == 0x88A8)) {
    packet.vlan.push_back(get16(frame, at + 2));
    at += 4;
  }
  const std::uint16_t type = get16(frame, at);
  const View rest = frame.subspan(at + 2);
  if (type == 0x0800) return take_ipv4(rest, over_ipv4, packet);
  if (type == 0x86DD) return take_ipv6(rest, over_ipv6, packet);
  return {};
}

// The quoted packet is seldom whole: its IP header and the 8 octets behind it that every error has.
bool take_quotation(View quote, bool ipv6, Packet& packet) {
  const std::size_t header = ipv6 ? 40 : 20;
  if (quote.size() < header + 8) return false;
  if (ipv6 ? quote[0] >> 4 != 6 || quote[6] != protocol_tcp : quote[0] != 0x45 || quote[9] != protocol_tcp)
    return false;
  const std::size_t size = ipv6 ? 16 : 4;
  const View addresses = quote.subspan(ipv6 ? 8 : 12);
  packet.ipv6 = ipv6;
  std::copy_n(addresses.begin(), size, packet.source.begin());
  std::copy_n(addresses.begin() + static_cast<std::ptrdiff_t>(size), size, packet.destination.begin());
  packet.source_port = get16(quote, header);
  packet.destination_port = get16(quote, header + 2);
  packet.sequence = get32(quote, header + 4);
  if (quote.size() < header + 20) return true;
  const std::size_t payload = header + static_cast<std::size_t>(quote[header + 12] >> 4) * 4;
  const std::size_t end = ipv6 ? header + get16(quote, 4) : get16(quote, 2);  // the rest is padding
  if (payload < std::min(end, quote.size())) {
    const View octets = quote.first(std::min(end, quote.size())).subspan(payload);
    packet.payload.assign(octets.begin(), octets.end());
  }
  return true;
}

}  // namespace

Octets encode(const Packet& packet) {
  const Octets segment = encode_transport(packet);
  Octets frame = link_header(packet);
  frame.reserve(frame.size() + 40 + segment.size());
  put(frame, packet.ipv6 ? ipv6_header(packet, segment.size(), protocol_of(packet))
                         : ipv4_header(packet, segment.size(), 0, false, true));
  put(frame, segment);
  pad(frame);
  return frame;
}

std::optional<Packet> decode(View frame) {
  Packet packet;
  const std::optional<View> segment = take_datagram(frame, protocol_tcp, protocol_tcp, packet);
  if (!segment || !take_tcp(*segment, packet)) return {};
  return packet;
}

void add_tag(Octets& frame, std::uint16_t vlan) {
  const std::uint8_t tag[] = {0x81, 0, static_cast<std::uint8_t>(vlan >> 8), static_cast<std::uint8_t>(vlan)};
  frame.insert(frame.begin() + 12, std::begin(tag), std::end(tag));
}

std::optional<std::uint16_t> vlan_of(const Packet& packet) {
  if (packet.vlan.size() > 1) return {};
  return packet.vlan.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(packet.vlan[0] & 0xFFF);
}

std::optional<Packet> decode_datagram(View frame) {
  Packet packet;
  const std::optional<View> datagram = take_datagram(frame, protocol_udp, protocol_udp, packet);
  if (!datagram || !take_udp(*datagram, packet)) return {};
  return packet;
}

bool carries_udp(View frame) {
  std::size_t at = 12;
  while (frame.size() >= at + 6 && (get16(frame, at) == 0x8100 || get16(frame, at) == 0x88A8)) at += 4;
  if (frame.size() < at + 2 + 20) return false;
  const View ip = frame.subspan(at + 2);
  if (get16(frame, at) == 0x0800) return ip[9] == protocol_udp;
  if (get16(frame, at) != 0x86DD || ip.size() < 41) return false;
  return ip[6] == protocol_udp || (ip[6] == next_fragment && ip[40] == protocol_udp);
}

std::optional<QuotedError> decode_error(View frame) {
  QuotedError error;
  const std::optional<View> message = take_datagram(frame, protocol_icmp, protocol_icmpv6, error.outer);
  if (!message || message->size() < 8) return {};
  const bool ipv6 = error.outer.ipv6;
  const std::uint8_t type = (*message)[0];
  if (ipv6 ? type == 0 || type > 4 : type != 3 && type != 11 && type != 12) return {};
  const std::uint32_t pseudo = ipv6 ? pseudo_header(error.outer, protocol_icmpv6, message->size()) : 0;
  error.outer.tcp_checksum_error = sum(*message, pseudo) == 0xFFFF ? 0 : 1;
  if (!take_quotation(message->subspan(8), ipv6, error.quoted)) return {};
  return error;
}

std::optional<Octets> encode_error(View frame, std::size_t size) {
  const std::optional<Packet> about = decode(frame);
  if (!about) return {};
  Packet error = *about;
  std::swap(error.source_mac, error.destination_mac);
  std::swap(error.source, error.destination);
  error.ttl = 64;
  error.ip_checksum_error = 0;
  const std::size_t header = about->ipv6 ? 40 : 20;
  const View packet = frame.subspan(ethernet_size + 4 * about->vlan.size());
  Octets message{static_cast<std::uint8_t>(about->ipv6 ? 1 : 3), 0, 0, 0, 0, 0, 0, 0};
  put(message, packet.first(std::min(packet.size(), header + 8 + size)));
  const std::uint32_t pseudo = about->ipv6 ? pseudo_header(error, protocol_icmpv6, message.size()) : 0;
  set16(message, 2, checksum(message, pseudo));
  Octets out = link_header(error);
  if (about->ipv6) {
    put(out, ipv6_header(error, message.size(), protocol_icmpv6));
  } else {
    Octets ip = ipv4_header(error, message.size(), 0, false, true);
    ip[9] = protocol_icmp;
    set16(ip, 10, 0);
    set16(ip, 10, checksum(ip, 0));
    put(out, ip);
  }
  put(out, message);
  pad(out);
  return out;
}

std::vector<Octets> fragment(const Packet& packet, const std::vector<std::uint16_t>& places) {
  const Octets segment = encode_transport(packet);
  std::vector<Octets> frames;
  std::size_t from = 0;
  for (std::size_t i = 0; i <= places.size(); ++i) {
    const std::size_t to =
        i < places.size() ? std::min<std::size_t>(places[i], segment.size()) : segment.size();
    if (to <= from) continue;
    const bool more = to < segment.size();
    Octets frame = link_header(packet);
    if (packet.ipv6) {
      put(frame, ipv6_header(packet, 8 + to - from, next_fragment));
      frame.push_back(protocol_of(packet));
      frame.push_back(0);
      put16(frame, from | (more ? 1U : 0U));
      put32(frame, packet.identification);
    } else {
      put(frame, ipv4_header(packet, to - from, from, more, false));
    }
    put(frame, View(segment).subspan(from, to - from));
    pad(frame);
    frames.push_back(std::move(frame));
    from = to;
  }
  return frames;
}

}  // namespace conduit::simulation
