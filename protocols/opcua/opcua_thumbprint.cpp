#include "protocols/opcua/opcua_thumbprint.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace conduit::opcua {
namespace {

constexpr std::size_t block_size = 64;
using Words = std::array<std::uint32_t, 5>;

void mix(const std::uint8_t* block, Words& hash) noexcept {
  std::array<std::uint32_t, 80> schedule;
  for (std::size_t t = 0; t < 16; ++t) schedule[t] = load_u32be(block + 4 * t);
  for (std::size_t t = 16; t < 80; ++t) {
    schedule[t] = std::rotl(schedule[t - 3] ^ schedule[t - 8] ^ schedule[t - 14] ^ schedule[t - 16], 1);
  }
  auto [a, b, c, d, e] = hash;
  for (std::size_t t = 0; t < 80; ++t) {
    std::uint32_t chosen = b ^ c ^ d;
    if (t < 20) chosen = (b & c) | (~b & d);
    if (t >= 40 && t < 60) chosen = (b & c) | (b & d) | (c & d);
    constexpr std::uint32_t constants[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    const std::uint32_t next = std::rotl(a, 5) + chosen + e + constants[t / 20] + schedule[t];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  hash = {hash[0] + a, hash[1] + b, hash[2] + c, hash[3] + d, hash[4] + e};
}

}  // namespace

void sha1(Bytes data, std::span<std::uint8_t, 20> digest) noexcept {
  Words hash{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  Bytes rest = data;
  for (; rest.size() >= block_size; rest = rest.subspan(block_size)) mix(rest.data(), hash);
  std::array<std::uint8_t, 2 * block_size> last{};
  if (!rest.empty()) std::memcpy(last.data(), rest.data(), rest.size());
  last[rest.size()] = 0x80;
  const std::size_t size = rest.size() < block_size - 8 ? block_size : 2 * block_size;
  const std::uint64_t bits = std::uint64_t{data.size()} * 8;
  store_u32be(&last[size - 8], static_cast<std::uint32_t>(bits >> 32U));
  store_u32be(&last[size - 4], static_cast<std::uint32_t>(bits));
  for (std::size_t at = 0; at < size; at += block_size) mix(&last[at], hash);
  for (std::size_t i = 0; i < hash.size(); ++i) store_u32be(&digest[4 * i], hash[i]);
}

Bytes leaf_certificate(Bytes chain) noexcept {
  Cursor cursor(chain);
  std::uint8_t tag = 0;
  std::uint8_t length = 0;
  if (!cursor.u8(tag) || tag != 0x30 || !cursor.u8(length)) return {};
  std::size_t size = length;
  if (length >= 0x80) {
    const unsigned octets = length & 0x7FU;
    if (octets == 0 || octets > 3) return {};
    size = 0;
    for (unsigned i = 0; i < octets; ++i) {
      std::uint8_t octet = 0;
      if (!cursor.u8(octet)) return {};
      size = size << 8U | octet;
    }
  }
  if (size > cursor.remaining()) return {};
  return chain.first(chain.size() - cursor.remaining() + size);
}

void spell_thumbprint(Bytes certificate, std::span<std::uint8_t, thumbprint_text_size> out) noexcept {
  static constexpr char digits[] = "0123456789abcdef";
  std::array<std::uint8_t, 20> digest;
  sha1(certificate, digest);
  for (std::size_t i = 0; i < digest.size(); ++i) {
    out[2 * i] = static_cast<std::uint8_t>(digits[digest[i] >> 4U]);
    out[2 * i + 1] = static_cast<std::uint8_t>(digits[digest[i] & 15U]);
  }
}

}  // namespace conduit::opcua
