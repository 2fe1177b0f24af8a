// The finders: assets, conduits and services. Every hash look-up ends at an empty slot after at most
// hash_run_max steps, which `open` has checked.
#include <algorithm>
#include <cstring>

#include "protocols/core/rule_image.hpp"
#include "protocols/core/rule_image_hash.hpp"

namespace conduit {
namespace {

bool prefix_contains(const PrefixRecord& prefix, const Address& address) noexcept {
  const std::size_t whole = prefix.bits / 8;
  if (std::memcmp(prefix.address.data(), address.data(), whole) != 0) return false;
  const std::uint32_t rest = prefix.bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFF00U >> rest);
  return ((prefix.address[whole] ^ address[whole]) & mask) == 0;
}

// First slot from its home on for which `wanted` holds, or null.
template <typename Record, typename Wanted>
const Record* probe(std::span<const Record> table, std::uint32_t hash, Wanted wanted) noexcept {
  const std::size_t mask = table.size() - 1;
  for (std::size_t i = hash & mask; !image_hash::empty(table[i]); i = (i + 1) & mask) {
    if (wanted(table[i])) return &table[i];
  }
  return nullptr;
}

}  // namespace

std::span<const MacBytes> RuleImage::macs_of(const AssetRecord& asset) const noexcept {
  return section<MacBytes>(Section::ASSET_MACS).subspan(asset.macs.first, asset.macs.count);
}

std::uint32_t RuleImage::find_asset(std::uint8_t port, VlanKey vlan, const Address& address) const noexcept {
  const auto* found = probe(section<AddressRecord>(Section::ADDRESSES), image_hash::of(address),
                            [&](const AddressRecord& record) {
                              return record.address == address && record.vlan == vlan && record.port == port;
                            });
  if (found != nullptr) return found->asset;
  for (const PrefixRecord& prefix : section<PrefixRecord>(Section::PREFIXES)) {
    if (prefix.port == port && prefix.vlan == vlan && prefix_contains(prefix, address)) return prefix.asset;
  }
  return none_index;
}

std::uint32_t RuleImage::find_asset_anywhere(const Address& address) const noexcept {
  const auto* found = probe(section<AddressRecord>(Section::ADDRESSES), image_hash::of(address),
                            [&](const AddressRecord& record) { return record.address == address; });
  if (found != nullptr) return found->asset;
  for (const PrefixRecord& prefix : section<PrefixRecord>(Section::PREFIXES)) {
    if (prefix_contains(prefix, address)) return prefix.asset;
  }
  return none_index;
}

std::uint32_t RuleImage::find_asset_by_mac(std::uint8_t port, VlanKey vlan, const Mac& mac) const noexcept {
  const auto* found =
      probe(section<MacRecord>(Section::MACS), image_hash::of(mac, port, vlan), [&](const MacRecord& record) {
        return record.mac == mac && record.vlan == vlan && record.port == port;
      });
  return found != nullptr ? found->asset : none_index;
}

std::uint32_t RuleImage::find_conduit(std::uint32_t zone_a, std::uint32_t zone_b) const noexcept {
  const std::uint32_t low = std::min(zone_a, zone_b);
  const std::uint32_t high = std::max(zone_a, zone_b);
  const auto sorted = section<ConduitZonesRecord>(Section::CONDUIT_ZONES);
  const auto found =
      std::lower_bound(sorted.begin(), sorted.end(), low, [high](const auto& record, std::uint32_t zone) {
        return record.zone_low != zone ? record.zone_low < zone : record.zone_high < high;
      });
  if (found == sorted.end() || found->zone_low != low || found->zone_high != high) return none_index;
  return found->conduit;
}

std::uint32_t RuleImage::find_service(std::uint32_t client, std::uint32_t server, Transport transport,
                                      std::uint16_t port, OpenedBy opened_by) const noexcept {
  const auto* pair =
      probe(section<PairRecord>(Section::PAIRS), image_hash::of_pair(client, server),
            [&](const PairRecord& record) { return record.client == client && record.server == server; });
  if (pair == nullptr) return none_index;
  const auto of_pair = services().subspan(pair->services.first, pair->services.count);
  for (const OpenedBy opener : {OpenedBy::CLIENT, OpenedBy::SERVER, OpenedBy::EITHER}) {
    if (opened_by != OpenedBy::EITHER && opener != OpenedBy::EITHER && opener != opened_by) continue;
    // Ports of one opener are disjoint: the last service that begins at or below the port is the only one.
    const auto behind = std::upper_bound(of_pair.begin(), of_pair.end(), port,
                                         [&](std::uint16_t sought, const ServiceRecord& service) {
                                           if (service.transport != transport)
                                             return transport < service.transport;
                                           if (service.opened_by != opener) return opener < service.opened_by;
                                           return sought < service.port_first;
                                         });
    if (behind == of_pair.begin()) continue;
    const ServiceRecord& service = *(behind - 1);
    if (service.transport == transport && service.opened_by == opener && port <= service.port_last) {
      return static_cast<std::uint32_t>(&service - services().data());
    }
  }
  return none_index;
}

bool RuleImage::pair_exists(std::uint32_t asset_a, std::uint32_t asset_b) const noexcept {
  const auto pairs = section<PairRecord>(Section::PAIRS);
  const auto joined = [&](std::uint32_t client, std::uint32_t server) {
    return probe(pairs, image_hash::of_pair(client, server), [&](const PairRecord& record) {
             return record.client == client && record.server == server;
           }) != nullptr;
  };
  return joined(asset_a, asset_b) || joined(asset_b, asset_a);
}

}  // namespace conduit
