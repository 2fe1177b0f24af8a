// Frames for tests of the engine, laid field by field so that any of them can be made wrong.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "config/abi/limits.hpp"
#include "protocols/core/bytes.hpp"
#include "protocols/core/rule_image.hpp"

namespace conduit::test {

using Octets = std::vector<std::uint8_t>;

inline constexpr Mac mac_hmi{0x02, 0, 0, 0, 0, 0x10};
inline constexpr Mac mac_plc{0x02, 0, 0, 0, 0, 0x01};
inline constexpr Mac mac_other{0x02, 0, 0, 0, 0, 0x66};
inline constexpr Mac mac_broadcast{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

// "12 34 ab"
inline Octets hex(std::string_view text) {
  Octets out;
  std::string digits;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    digits.push_back(c);
    if (digits.size() == 2) {
      out.push_back(static_cast<std::uint8_t>(std::stoi(digits, nullptr, 16)));
      digits.clear();
    }
  }
  return out;
}

inline void put16(Octets& out, std::uint32_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}
inline void put32(Octets& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xFFFF);
}
inline void put(Octets& out, const Octets& more) { out.insert(out.end(), more.begin(), more.end()); }

// The checksum as RFC 1071 words it: slow, independent of the engine's.
inline std::uint16_t slow_checksum(const Octets& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += (std::uint32_t{bytes[i]} << 8) + (i + 1 < bytes.size() ? bytes[i + 1] : 0U);
  }
  while ((sum >> 16) != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

inline bool is_ipv4(const Address& address) {
  return std::all_of(address.begin(), address.begin() + 10, [](auto o) { return o == 0; }) &&
         address[10] == 0xFF && address[11] == 0xFF;
}
inline void put_address(Octets& out, const Address& address) {
  out.insert(out.end(), address.begin() + (is_ipv4(address) ? 12 : 0), address.end());
}

struct Link {
  Mac source = mac_hmi;
  Mac destination = mac_plc;
  Octets tags{};  // TPID and TCI of each
};

inline Octets ethernet(const Link& link, std::uint16_t ethertype, const Octets& payload) {
  Octets out(link.destination.begin(), link.destination.end());
  out.insert(out.end(), link.source.begin(), link.source.end());
  put(out, link.tags);
  put16(out, ethertype);
  put(out, payload);
  if (out.size() < frame_size_min) out.resize(frame_size_min, 0);
  return out;
}

struct Ip {
  Address source{};
  Address destination{};
  std::uint8_t ttl = 64;
  std::uint16_t fragment = 0x4000;
  Octets options{};      // IPv4 options, or IPv6 extension headers (next_header fields included)
  int next_header = -1;  // IPv6: of the fixed header, where it is not the upper layer's
};

inline Octets ip(const Ip& header, std::uint8_t protocol, const Octets& payload) {
  Octets out;
  if (is_ipv4(header.source)) {
    const std::size_t size = 20 + header.options.size();
    out.push_back(static_cast<std::uint8_t>(0x40 | (size / 4)));
    out.push_back(0);
    put16(out, static_cast<std::uint32_t>(size + payload.size()));
    put16(out, 1);
    put16(out, header.fragment);
    out.push_back(header.ttl);
    out.push_back(protocol);
    put16(out, 0);
    put_address(out, header.source);
    put_address(out, header.destination);
    put(out, header.options);
    store_u16be(out.data() + 10, slow_checksum(out));
  } else {
    put32(out, 0x60000000);
    put16(out, static_cast<std::uint32_t>(header.options.size() + payload.size()));
    out.push_back(header.next_header >= 0 ? static_cast<std::uint8_t>(header.next_header) : protocol);
    out.push_back(header.ttl);
    put_address(out, header.source);
    put_address(out, header.destination);
    put(out, header.options);
  }
  put(out, payload);
  return out;
}

inline std::uint16_t upper_checksum(const Ip& header, std::uint8_t protocol, const Octets& payload) {
  Octets pseudo;
  put_address(pseudo, header.source);
  put_address(pseudo, header.destination);
  put32(pseudo, static_cast<std::uint32_t>(payload.size()));
  put32(pseudo, protocol);
  put(pseudo, payload);
  return slow_checksum(pseudo);
}

inline std::uint16_t ethertype_of(const Ip& header) { return is_ipv4(header.source) ? 0x0800 : 0x86DD; }

inline Octets udp(const Link& link, const Ip& header, std::uint16_t from, std::uint16_t to,
                  const Octets& payload, bool checksum = true) {
  Octets out;
  put16(out, from);
  put16(out, to);
  put16(out, static_cast<std::uint32_t>(8 + payload.size()));
  put16(out, 0);
  put(out, payload);
  if (checksum) store_u16be(out.data() + 6, upper_checksum(header, 17, out));
  return ethernet(link, ethertype_of(header), ip(header, 17, out));
}

struct Tcp {
  std::uint16_t from = 40000;
  std::uint16_t to = 502;
  std::uint32_t sequence = 1000;
  std::uint32_t acknowledgement = 0;
  std::uint8_t flags = 0x10;
  std::uint16_t window = 8192;
  Octets options{};
  std::uint8_t reserved = 0;
};

inline Octets tcp(const Link& link, const Ip& header, const Tcp& segment, const Octets& payload = {}) {
  Octets out;
  put16(out, segment.from);
  put16(out, segment.to);
  put32(out, segment.sequence);
  put32(out, segment.acknowledgement);
  out.push_back(static_cast<std::uint8_t>((((20 + segment.options.size()) / 4) << 4) | segment.reserved));
  out.push_back(segment.flags);
  put16(out, segment.window);
  put32(out, 0);
  put(out, segment.options);
  put(out, payload);
  store_u16be(out.data() + 16, upper_checksum(header, 6, out));
  return ethernet(link, ethertype_of(header), ip(header, 6, out));
}

inline Octets icmp(const Link& link, const Ip& header, std::uint8_t type, std::uint8_t code,
                   std::uint32_t rest, const Octets& payload = {}) {
  const bool ipv4 = is_ipv4(header.source);
  Octets out{type, code, 0, 0};
  put32(out, rest);
  put(out, payload);
  store_u16be(out.data() + 2, ipv4 ? slow_checksum(out) : upper_checksum(header, 58, out));
  return ethernet(link, ethertype_of(header), ip(header, ipv4 ? 1 : 58, out));
}

inline Octets arp(const Link& link, std::uint16_t operation, const Mac& sender_mac, const Address& sender,
                  const Address& target) {
  Octets out = hex("0001 0800 06 04");
  put16(out, operation);
  out.insert(out.end(), sender_mac.begin(), sender_mac.end());
  put_address(out, sender);
  out.resize(out.size() + 6, 0);
  put_address(out, target);
  return ethernet(link, 0x0806, out);
}

}  // namespace conduit::test
