#include "tests/bench/gateway_turn.hpp"

#include <cstring>

namespace conduit::bench {
namespace {

constexpr std::size_t ip_at = 14;
constexpr std::size_t transport_at = ip_at + 20;
constexpr std::size_t tcp_header_size = 32;  // 12 octets of options: timestamps
constexpr std::size_t udp_header_size = 8;

std::uint32_t sum_of(Bytes bytes, std::uint32_t sum) {
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += static_cast<std::uint32_t>(bytes[i] << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0));
  }
  return sum;
}
std::uint16_t folded(std::uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

// Ethernet and IPv4 around `size` octets of transport, whose header is cleared, and its ports.
std::uint8_t* lay_headers(const Conversation& ends, bool from_client, std::uint8_t protocol,
                          std::size_t header_size, std::size_t size, std::uint8_t* at) {
  std::memset(at, 0, transport_at + header_size);
  at[5] = from_client ? 2 : 1;
  at[11] = from_client ? 1 : 2;
  at[0] = at[6] = 2;
  store_u16be(at + 12, 0x0800);
  std::uint8_t* const ip = at + ip_at;
  ip[0] = 0x45;
  store_u16be(ip + 2, static_cast<std::uint16_t>(20 + size));
  store_u16be(ip + 6, 0x4000);
  ip[8] = 64;
  ip[9] = protocol;
  std::memcpy(ip + 12, &(from_client ? ends.client : ends.server)[12], 4);
  std::memcpy(ip + 16, &(from_client ? ends.server : ends.client)[12], 4);
  store_u16be(ip + 10, folded(sum_of({ip, 20}, 0)));
  std::uint8_t* const transport = at + transport_at;
  store_u16be(transport, from_client ? ends.client_port : ends.server_port);
  store_u16be(transport + 2, from_client ? ends.server_port : ends.client_port);
  return transport;
}

std::uint16_t checksum(const std::uint8_t* at, std::uint8_t protocol, std::size_t size) {
  const std::uint32_t addresses = sum_of({at + ip_at + 12, 8}, protocol + static_cast<std::uint32_t>(size));
  return folded(sum_of({at + transport_at, size}, addresses));
}

}  // namespace

std::uint32_t lay_segment(Conversation& ends, bool from_client, std::uint8_t flags, Bytes payload,
                          std::uint32_t clock, std::uint8_t* at) {
  const std::size_t size = tcp_header_size + payload.size();
  std::uint8_t* const tcp = lay_headers(ends, from_client, 6, tcp_header_size, size, at);
  std::uint32_t& own = from_client ? ends.client_sequence : ends.server_sequence;
  store_u32be(tcp + 4, own);
  const bool acknowledges = (flags & TCP_FLAG_ACK) != 0;
  if (acknowledges) store_u32be(tcp + 8, from_client ? ends.server_sequence : ends.client_sequence);
  tcp[12] = 0x80;
  tcp[13] = flags;
  store_u16be(tcp + 14, 0xFFFF);
  const std::uint8_t options[4] = {1, 1, 8, 10};
  std::memcpy(tcp + 20, options, 4);
  store_u32be(tcp + 24, clock);
  store_u32be(tcp + 28, acknowledges ? clock : 0);
  if (!payload.empty()) std::memcpy(tcp + tcp_header_size, payload.data(), payload.size());
  store_u16be(tcp + 16, checksum(at, 6, size));
  own += static_cast<std::uint32_t>(payload.size()) + ((flags & TCP_FLAG_SYN) != 0 ? 1U : 0U);
  return static_cast<std::uint32_t>(transport_at + size);
}

std::uint32_t lay_datagram(const Conversation& ends, bool from_client, Bytes payload, std::uint8_t* at) {
  const std::size_t size = udp_header_size + payload.size();
  std::uint8_t* const udp = lay_headers(ends, from_client, 17, udp_header_size, size, at);
  store_u16be(udp + 4, static_cast<std::uint16_t>(size));
  std::memcpy(udp + udp_header_size, payload.data(), payload.size());
  store_u16be(udp + 6, checksum(at, 17, size));
  return static_cast<std::uint32_t>(transport_at + size);
}

}  // namespace conduit::bench
