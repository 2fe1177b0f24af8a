#include "tests/simulation/fragments.hpp"

#include <algorithm>

namespace conduit::simulation {
namespace {

constexpr std::size_t ipv4_size = 20;
constexpr std::size_t ipv6_size = 40;
constexpr std::size_t fragment_header_size = 8;
constexpr std::uint8_t next_fragment = 44;

std::size_t number(View octets, std::size_t at) { return std::size_t{octets[at]} << 8 | octets[at + 1]; }

bool right_checksum(View header) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < ipv4_size; at += 2) sum += static_cast<std::uint32_t>(number(header, at));
  return (sum & 0xFFFF) + (sum >> 16) == 0xFFFF;
}

struct Piece {
  Octets name;
  std::size_t begin = 0;
  bool more = false;
  Octets head;  // as of a packet that was never cut, but for its length
  Octets octets;
};

std::optional<Piece> piece_of(View frame) {
  std::size_t at = 12;
  while (at + 6 <= frame.size() && (number(frame, at) == 0x8100 || number(frame, at) == 0x88A8)) at += 4;
  if (at + 2 > frame.size()) return {};
  const std::size_t type = number(frame, at);
  const View ip = frame.subspan(at + 2);
  const std::size_t before = at + 2;
  const auto slice = [](View from, std::size_t begin, std::size_t end) {
    return Octets(from.begin() + static_cast<std::ptrdiff_t>(begin),
                  from.begin() + static_cast<std::ptrdiff_t>(end));
  };
  Piece piece;
  if (type == 0x0800 && ip.size() >= ipv4_size && ip[0] == 0x45) {
    const std::size_t total = number(ip, 2);
    if (total < ipv4_size || total > ip.size() || (number(ip, 6) & 0x3FFF) == 0) return {};
    if (!right_checksum(ip)) return {};  // damaged on its way
    piece.name = slice(ip, 12, 20);
    piece.name.insert(piece.name.end(), {ip[4], ip[5], ip[9]});
    piece.begin = (number(ip, 6) & 0x1FFF) * 8;
    piece.more = (number(ip, 6) & 0x2000) != 0;
    piece.head = slice(frame, 0, before + ipv4_size);
    piece.head[before + 6] = piece.head[before + 7] = 0;
    piece.octets = slice(ip, ipv4_size, total);
    return piece;
  }
  if (type != 0x86DD || ip.size() < ipv6_size + fragment_header_size || ip[6] != next_fragment) return {};
  const std::size_t end = ipv6_size + number(ip, 4);
  if (end < ipv6_size + fragment_header_size || end > ip.size()) return {};
  piece.name = slice(ip, 8, 40);
  piece.name.insert(piece.name.end(), ip.begin() + 44, ip.begin() + 48);
  piece.name.push_back(ip[40]);
  piece.begin = number(ip, 42) & 0xFFF8;
  piece.more = (number(ip, 42) & 1) != 0;
  piece.head = slice(frame, 0, before + ipv6_size);
  piece.head[before + 6] = ip[40];
  piece.octets = slice(ip, ipv6_size + fragment_header_size, end);
  return piece;
}

}  // namespace

bool FragmentReader::whole(const Waiting& waiting) {
  if (!waiting.end || waiting.head.empty() || waiting.octets.size() < *waiting.end) return false;
  std::size_t next = 0;
  for (const auto& [at, octet] : waiting.octets) {
    if (at == next) ++next;
  }
  return next >= *waiting.end;
}

std::optional<Packet> FragmentReader::read(View frame) {
  const std::optional<Piece> piece = piece_of(frame);
  if (!piece) return decode_(frame);
  const bool atomic = piece->begin == 0 && !piece->more;  // stands for itself (RFC 6946)
  Waiting alone;
  Waiting& waiting = atomic ? alone : waiting_[piece->name];
  for (std::size_t i = 0; i < piece->octets.size(); ++i)
    waiting.octets.emplace(piece->begin + i, piece->octets[i]);
  if (piece->begin == 0 && waiting.head.empty()) waiting.head = piece->head;
  if (!piece->more && !waiting.end) waiting.end = piece->begin + piece->octets.size();
  if (!whole(waiting)) return {};
  Octets joined = waiting.head;
  const bool ipv6 = piece->name.size() > 11;
  const std::size_t ip = joined.size() - (ipv6 ? ipv6_size : ipv4_size);
  const std::size_t length = *waiting.end + (ipv6 ? 0 : ipv4_size);
  joined[ip + (ipv6 ? 4 : 2)] = static_cast<std::uint8_t>(length >> 8);
  joined[ip + (ipv6 ? 5 : 3)] = static_cast<std::uint8_t>(length);
  for (std::size_t i = 0; i < *waiting.end; ++i) joined.push_back(waiting.octets[i]);
  if (!atomic) waiting_.erase(piece->name);
  std::optional<Packet> packet = decode_(joined);
  if (packet) packet->ip_checksum_error = 0;  // each fragment had its own
  return packet;
}

}  // namespace conduit::simulation
