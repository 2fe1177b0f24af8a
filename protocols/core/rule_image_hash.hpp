// Where records of the hash tables in a rule image belong: shared by the builder, the checks of `open` and
// the finders.
//
// Open addressing, linear probing upwards, tables of a power of two. No seed: what is hashed into a table
// comes from a signed policy, and hash_run_max bounds every look-up.
#pragma once

#include <cstdint>
#include <cstring>

#include "protocols/core/rule_image.hpp"

namespace conduit::image_hash {

[[nodiscard]] constexpr std::uint64_t first_half(std::uint64_t a) noexcept {
  const std::uint64_t product = a * 0x9E3779B97F4A7C15ULL;
  return product ^ (product >> 32);
}
[[nodiscard]] constexpr std::uint32_t second_half(std::uint64_t half, std::uint64_t b) noexcept {
  const std::uint64_t both = half ^ b;
  // A product carries upwards only: without the shift, high bits of `b` would never reach the low bits of the
  // result.
  return static_cast<std::uint32_t>(((both ^ (both >> 32)) * 0xD6E8FEB86659FD93ULL) >> 32);
}
[[nodiscard]] constexpr std::uint32_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  return second_half(first_half(a), b);
}

// By address alone, so that `find_asset_anywhere` is a look-up too.
[[nodiscard]] inline std::uint32_t of(const Address& address) noexcept {
  std::uint64_t halves[2];
  std::memcpy(halves, address.data(), sizeof halves);
  return mix(halves[0] ^ 0x5851F42D4C957F2DULL, halves[1]);
}
[[nodiscard]] inline std::uint32_t of(const Mac& mac, std::uint8_t port, VlanKey vlan) noexcept {
  std::uint64_t octets = 0;
  std::memcpy(&octets, mac.data(), mac.size());
  return mix(octets | std::uint64_t{port} << 56, vlan);
}
[[nodiscard]] inline std::uint32_t of_pair(std::uint32_t client, std::uint32_t server) noexcept {
  return mix(client, server);
}
// The half that all buckets of a function have in common.
[[nodiscard]] inline std::uint64_t bucket_half(std::uint32_t group, std::uint32_t function) noexcept {
  return first_half(std::uint64_t{group} << 32 | function);
}
[[nodiscard]] inline std::uint32_t of_bucket(std::uint64_t half, BucketKind kind,
                                             std::uint64_t selector) noexcept {
  return second_half(half, selector + (static_cast<std::uint64_t>(kind) << 61));
}

[[nodiscard]] inline std::uint32_t of(const AddressRecord& record) noexcept { return of(record.address); }
[[nodiscard]] inline std::uint32_t of(const MacRecord& record) noexcept {
  return of(record.mac, record.port, record.vlan);
}
[[nodiscard]] inline std::uint32_t of(const PairRecord& record) noexcept {
  return of_pair(record.client, record.server);
}
[[nodiscard]] inline std::uint32_t of(const BucketRecord& record) noexcept {
  return of_bucket(bucket_half(record.group, record.function), record.kind, record.selector);
}

[[nodiscard]] inline bool empty(const AddressRecord& record) noexcept { return record.asset == none_index; }
[[nodiscard]] inline bool empty(const MacRecord& record) noexcept { return record.asset == none_index; }
[[nodiscard]] inline bool empty(const PairRecord& record) noexcept { return record.client == none_index; }
[[nodiscard]] inline bool empty(const BucketRecord& record) noexcept { return record.group == none_index; }

[[nodiscard]] inline bool same_key(const AddressRecord& a, const AddressRecord& b) noexcept {
  return a.address == b.address && a.vlan == b.vlan && a.port == b.port;
}
[[nodiscard]] inline bool same_key(const MacRecord& a, const MacRecord& b) noexcept {
  return a.mac == b.mac && a.vlan == b.vlan && a.port == b.port;
}
[[nodiscard]] inline bool same_key(const PairRecord& a, const PairRecord& b) noexcept {
  return a.client == b.client && a.server == b.server;
}
[[nodiscard]] inline bool same_key(const BucketRecord& a, const BucketRecord& b) noexcept {
  return a.group == b.group && a.function == b.function && a.kind == b.kind && a.selector == b.selector;
}

}  // namespace conduit::image_hash
