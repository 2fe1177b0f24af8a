#include "config/policy/image_builder.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>
#include <tuple>
#include <type_traits>

#include "config/abi/limits.hpp"
#include "config/policy/image_builder_rules.hpp"
#include "protocols/core/rule_image_hash.hpp"

namespace conduit {
namespace {

bool is_opaque(ProtocolId protocol) {
  return protocol == ProtocolId::OPAQUE_TCP || protocol == ProtocolId::OPAQUE_UDP ||
         protocol == ProtocolId::ICMP;
}

class Builder {
 public:
  explicit Builder(const ImageSource& source) : source_(source), rules_(source.grants.size()) {}

  tl::expected<ImageBuffer, ImageError> build() {
    const bool laid = check_counts() && add_zones() && add_assets() && add_addresses() && add_conduits() &&
                      add_services() && add_ethernet_rules() && lay_tables();
    if (!laid) return tl::unexpected(std::move(error_));
    return assemble();
  }

 private:
  bool fail(std::string what) {
    error_.what = std::move(what);
    error_.service = service_at_;
    error_.asset = asset_at_;
    return false;
  }

  bool fail_rule() {
    error_.policy_rule = rules_.error.policy_rule;
    return fail(rules_.error.what);
  }

  bool check_counts() {
    if (source_.port_count == 0 || source_.port_count > port_count_max)
      return fail("port count is not 1 to 16");
    return true;
  }

  bool add_zones() {
    for (const ZoneSource& zone : source_.zones) {
      if (zone.port >= source_.port_count) return fail("a zone is on a port that does not exist");
      zones_.push_back({zone.port, {}});
    }
    return true;
  }

  bool add_assets() {
    for (asset_at_ = 0; asset_at_ < source_.assets.size(); ++asset_at_) {
      const AssetSource& asset = source_.assets[asset_at_];
      if (asset.zone >= zones_.size()) return fail("the asset's zone does not exist");
      const std::vector<Mac>* macs = &asset.macs;
      if (asset.router != none_index) {
        if (asset.router >= source_.assets.size() || asset.router == asset_at_ ||
            source_.assets[asset.router].zone >= zones_.size()) {
          return fail("the asset's router does not exist");
        }
        const AssetSource& router = source_.assets[asset.router];
        if ((router.flags & ASSET_ROUTER) == 0) return fail("the asset's router is no router");
        if (source_.zones[router.zone].port != source_.zones[asset.zone].port) {
          return fail("the asset's router is on another port");
        }
        if (!macs->empty()) return fail("an asset behind a router has no MAC of its own here");
        macs = &router.macs;
      }
      AssetRecord record{asset.zone, asset.flags, asset.quirks, {}, asset.router, 0};
      record.macs = {static_cast<std::uint32_t>(asset_macs_.size()),
                     static_cast<std::uint32_t>(macs->size())};
      for (const Mac& mac : *macs) asset_macs_.push_back({mac, {}});
      assets_.push_back(record);
    }
    asset_at_ = none_index;
    return true;
  }

  bool add_addresses() {
    std::set<std::tuple<Address, VlanKey, std::uint8_t>> seen;
    std::set<std::tuple<Address, VlanKey, std::uint8_t, std::uint8_t>> seen_prefixes;
    std::set<std::tuple<Mac, VlanKey, std::uint8_t>> seen_macs;
    for (asset_at_ = 0; asset_at_ < source_.assets.size(); ++asset_at_) {
      const AssetSource& asset = source_.assets[asset_at_];
      const std::uint8_t port = source_.zones[asset.zone].port;
      for (const VlanKey vlan : std::set<VlanKey>(asset.vlans.begin(), asset.vlans.end())) {
        for (const Address& address : asset.addresses) {
          if (!seen.emplace(address, vlan, port).second)
            return fail("two assets have this address on one port and VLAN");
          addresses_.push_back({address, vlan, asset_at_, port, {}});
        }
        for (const PrefixSource& prefix : asset.prefixes) {
          if (!is_prefix(prefix))
            return fail("a prefix has bits set beyond its length, or is longer than 128 bits");
          if (!seen_prefixes.emplace(prefix.address, vlan, port, prefix.bits).second) {
            return fail("two assets have this prefix on one port and VLAN");
          }
          prefixes_.push_back({prefix.address, vlan, asset_at_, port, prefix.bits, {}});
        }
        if ((asset.flags & ASSET_VIRTUAL) != 0) continue;  // its MACs are those of its members
        for (const Mac& mac : asset.macs) {
          if (!seen_macs.emplace(mac, vlan, port).second)
            return fail("two assets have this MAC on one port and VLAN");
          macs_.push_back({mac, port, 0, vlan, asset_at_});
        }
      }
    }
    asset_at_ = none_index;
    if (prefixes_.size() > prefix_count_max) return fail("more than 256 prefixes");
    std::stable_sort(prefixes_.begin(), prefixes_.end(),
                     [](const PrefixRecord& a, const PrefixRecord& b) { return a.bits > b.bits; });
    return true;
  }

  static bool is_prefix(const PrefixSource& prefix) {
    if (prefix.bits > 128) return false;
    for (std::size_t bit = prefix.bits; bit < 128; ++bit) {
      if ((prefix.address[bit / 8] >> (7 - bit % 8) & 1) != 0) return false;
    }
    return true;
  }

  bool add_conduits() {
    for (const ConduitSource& conduit : source_.conduits) {
      if (conduit.zone_a >= zones_.size() || conduit.zone_b >= zones_.size()) {
        return fail("a conduit joins a zone that does not exist");
      }
      if (conduit.on_deny == Verdict::FORWARD || conduit.on_deny == Verdict::HOLD) {
        return fail("a conduit's on_deny does not deny");
      }
      conduit_zones_.push_back({std::min(conduit.zone_a, conduit.zone_b),
                                std::max(conduit.zone_a, conduit.zone_b),
                                static_cast<std::uint32_t>(conduits_.size())});
      conduits_.push_back({conduit.zone_a, conduit.zone_b, conduit.mode, conduit.mid_stream, conduit.on_deny,
                           0, conduit.flags, 0, conduit.idle_established_ns});
    }
    std::sort(conduit_zones_.begin(), conduit_zones_.end(), [](const auto& a, const auto& b) {
      return std::tie(a.zone_low, a.zone_high, a.conduit) < std::tie(b.zone_low, b.zone_high, b.conduit);
    });
    return true;
  }

  bool add_services() {
    for (service_at_ = 0; service_at_ < source_.services.size(); ++service_at_) {
      if (!add_service(source_.services[service_at_])) return false;
    }
    service_at_ = none_index;
    if (!check_contradictions()) return false;
    std::sort(services_.begin(), services_.end(), [](const ServiceRecord& a, const ServiceRecord& b) {
      return std::tie(a.client, a.server, a.transport, a.opened_by, a.port_first) <
             std::tie(b.client, b.server, b.transport, b.opened_by, b.port_first);
    });
    for (std::uint32_t i = 0; i < services_.size(); ++i) {
      const ServiceRecord& service = services_[i];
      if (i == 0 || services_[i - 1].client != service.client || services_[i - 1].server != service.server) {
        pairs_.push_back({service.client, service.server, {i, 0}});
      }
      ++pairs_.back().services.count;
    }
    return true;
  }

  bool check_service(const ServiceSource& service) {
    if (service.client >= assets_.size() || service.server >= assets_.size()) {
      return fail("the service's client or server does not exist");
    }
    if (service.conduit >= conduits_.size()) return fail("the service's conduit does not exist");
    const ConduitRecord& conduit = conduits_[service.conduit];
    const auto zones = std::minmax(assets_[service.client].zone, assets_[service.server].zone);
    if (zones != std::minmax(conduit.zone_a, conduit.zone_b)) {
      return fail("the service's conduit does not join the zones of client and server");
    }
    if (service.transport == Transport::NONE || service.transport == Transport::ETHERNET) {
      return fail("the service has no transport");
    }
    if (service.protocol == ProtocolId::NONE || service.protocol == ProtocolId::ETHERNET) {
      return fail("the service has no protocol");
    }
    if (service.on_deny == Verdict::FORWARD || service.on_deny == Verdict::HOLD) {
      return fail("the service's on_deny does not deny");
    }
    if (service.port_first > service.port_last) return fail("the service's last port is below the first");
    for (const std::uint8_t dimension : {service.selector_dimension, service.range_dimension}) {
      if (dimension != no_dimension && dimension >= dimension_count)
        return fail("the service names no dimension");
    }
    if (service.selector_dimension != no_dimension && service.selector_dimension == service.range_dimension) {
      return fail("the service's selector is its range dimension");
    }
    if (is_opaque(service.protocol) != service.opaque.has_value()) {
      return fail("an opaque service needs its opaque rule, and no other service has one");
    }
    if (service.opaque && !(service.request.empty() && service.unsolicited.empty())) {
      return fail("an opaque service has rules that nothing could judge");
    }
    return true;
  }

  bool add_service(const ServiceSource& service) {
    if (!check_service(service)) return false;
    ServiceRecord record;
    record.client = service.client;
    record.server = service.server;
    record.conduit = service.conduit;
    record.transport = service.transport;
    record.protocol = service.protocol;
    record.opened_by = service.opened_by;
    record.on_deny = service.on_deny;
    record.port_first = service.port_first;
    record.port_last = service.port_last;
    const auto essential = [](const RuleSource& rule) { return rule.essential; };
    const bool some_essential =
        std::any_of(service.request.begin(), service.request.end(), essential) ||
        std::any_of(service.unsolicited.begin(), service.unsolicited.end(), essential) ||
        (service.opaque && service.opaque->essential);
    record.essential = some_essential ? 1 : 0;
    if (service.opaque) {
      record.opaque_rule = static_cast<std::uint32_t>(rules_.rules.size());
      if (!rules_.add_rule(*service.opaque, service.protocol, service.conduit, no_dimension))
        return fail_rule();
    }
    services_.push_back(record);
    ServiceRecord& added = services_.back();
    const bool good = rules_.add_group(service, service.request, added.request_group) &&
                      rules_.add_group(service, service.unsolicited, added.unsolicited_group);
    return good || fail_rule();
  }

  // Services of one pair and transport may not share a port unless another side opens them.
  bool check_contradictions() {
    for (const OpenedBy opener : {OpenedBy::CLIENT, OpenedBy::SERVER}) {
      using Place =
          std::tuple<std::uint32_t, std::uint32_t, Transport, std::uint16_t, std::uint16_t, std::uint32_t>;
      std::vector<Place> places;
      for (std::uint32_t i = 0; i < services_.size(); ++i) {
        const ServiceRecord& service = services_[i];
        if (service.opened_by != opener && service.opened_by != OpenedBy::EITHER) continue;
        places.emplace_back(service.client, service.server, service.transport, service.port_first,
                            service.port_last, i);
      }
      std::sort(places.begin(), places.end());
      for (std::size_t i = 1; i < places.size(); ++i) {
        const auto& [client_a, server_a, transport_a, first_a, last_a, index_a] = places[i - 1];
        const auto& [client_b, server_b, transport_b, first_b, last_b, index_b] = places[i];
        if (client_a != client_b || server_a != server_b || transport_a != transport_b || first_b > last_a)
          continue;
        service_at_ = std::max(index_a, index_b);
        const bool same = services_[index_a].protocol == services_[index_b].protocol;
        return fail(same
                        ? "two services of one protocol share a port of one pair: their rules belong together"
                        : "two protocols on one port of one pair");
      }
    }
    return true;
  }

  bool add_ethernet_rules() {
    for (const EthernetRuleSource& source : source_.ethernet_rules) {
      error_.policy_rule = source.rule.policy_rule;
      if (source.conduit >= conduits_.size()) return fail("the ethernet rule's conduit does not exist");
      if (source.port >= source_.port_count) return fail("the ethernet rule's port does not exist");
      if (source.source_asset != none_index && source.source_asset >= assets_.size()) {
        return fail("the ethernet rule's source does not exist");
      }
      EthernetRuleRecord record;
      record.port = source.port;
      record.any_vlan = source.vlan ? 0 : 1;
      record.ethertype = source.ethertype;
      record.vlan = source.vlan.value_or(0);
      record.destination = source.destination.value_or(Mac{});
      record.dsap = source.dsap;
      record.any_destination = source.destination ? 0 : 1;
      record.source_asset = source.source_asset;
      record.rule = static_cast<std::uint32_t>(rules_.rules.size());
      record.conduit = source.conduit;
      ethernet_rules_.push_back(record);
      if (!rules_.add_rule(source.rule, ProtocolId::ETHERNET, source.conduit, no_dimension))
        return fail_rule();
    }
    error_.policy_rule = none_index;
    for (const GrantSource& grant : source_.grants) grants_.push_back({grant.deadline_ns});
    return true;
  }

  // Load at most one half; larger where records crowd.
  template <typename Record>
  bool lay_table(std::vector<Record>& records, const char* crowded) {
    const std::size_t smallest = std::bit_ceil(std::max<std::size_t>(1, 2 * records.size()));
    for (std::size_t size = smallest; size <= 8 * smallest; size *= 2) {
      std::vector<Record> table(size);
      for (const Record& record : records) {
        std::size_t at = image_hash::of(record) & (size - 1);
        while (!image_hash::empty(table[at])) at = (at + 1) & (size - 1);
        table[at] = record;
      }
      std::size_t run = 0;
      std::size_t longest = 0;
      for (std::size_t i = 0; i < size + hash_run_max + 1; ++i) {
        run = image_hash::empty(table[i & (size - 1)]) ? 0 : run + 1;
        longest = std::max(longest, run);
      }
      if (longest <= hash_run_max) {
        records = std::move(table);
        return true;
      }
    }
    return fail(crowded);
  }

  bool lay_tables() {
    return lay_table(addresses_, "more than 256 assets share an address on different VLANs and ports") &&
           lay_table(macs_, "MACs crowd in the hash table") &&
           lay_table(pairs_, "pairs crowd in the hash table") &&
           lay_table(rules_.buckets, "functions crowd in the hash table");
  }

  tl::expected<ImageBuffer, ImageError> assemble();

  const ImageSource& source_;
  ImageError error_;
  std::uint32_t service_at_ = none_index;
  std::uint32_t asset_at_ = none_index;

  std::vector<ZoneRecord> zones_;
  std::vector<AssetRecord> assets_;
  std::vector<AddressRecord> addresses_;
  std::vector<PrefixRecord> prefixes_;
  std::vector<MacBytes> asset_macs_;
  std::vector<MacRecord> macs_;
  std::vector<ConduitRecord> conduits_;
  std::vector<ConduitZonesRecord> conduit_zones_;
  std::vector<PairRecord> pairs_;
  std::vector<ServiceRecord> services_;
  ImageRules rules_;
  std::vector<EthernetRuleRecord> ethernet_rules_;
  std::vector<GrantRecord> grants_;
};

tl::expected<ImageBuffer, ImageError> Builder::assemble() {
  ImageHeader header;
  header.header_size = sizeof(ImageHeader);
  header.generation = source_.generation;
  header.policy_version = source_.policy_version;
  header.policy_hash = source_.policy_hash;
  header.port_count = source_.port_count;
  header.group_count = static_cast<std::uint32_t>(rules_.groups.size());
  std::uint64_t end = sizeof(ImageHeader);
  std::array<const void*, section_count> data{};
  std::size_t section = 0;
  const auto lay = [&](const auto& records) {
    using Record = typename std::decay_t<decltype(records)>::value_type;
    // Padding would carry chance bytes into the image.
    static_assert(std::has_unique_object_representations_v<Record> || std::is_same_v<Record, ValueRecord>);
    end = (end + 63) / 64 * 64;
    header.section[section] = {end, static_cast<std::uint32_t>(records.size()), sizeof(Record)};
    data[section++] = records.data();
    end += records.size() * sizeof(Record);
  };
  const auto lay_all = [&lay](const auto&... records) { (lay(records), ...); };
  lay_all(zones_, assets_, addresses_, prefixes_, asset_macs_, macs_, conduits_, conduit_zones_, pairs_,
          services_, rules_.groups, rules_.buckets, rules_.lists, rules_.cells, rules_.entries, rules_.rules,
          rules_.ranges, rules_.values, rules_.keys, rules_.key_bytes, rules_.limits, ethernet_rules_,
          grants_);
  static_assert(std::has_unique_object_representations_v<ImageHeader>);
  if (end > image_size_max) {
    fail("the image would be larger than 64 MiB");
    return tl::unexpected(std::move(error_));
  }
  header.total_size = (end + 7) / 8 * 8;
  ImageBuffer buffer(header.total_size);
  std::memcpy(buffer.data(), &header, sizeof header);
  for (std::size_t i = 0; i < section_count; ++i) {
    const SectionRef& ref = header.section[i];
    if (ref.count != 0)
      std::memcpy(buffer.data() + ref.offset, data[i], std::size_t{ref.count} * ref.record_size);
  }
  const char* broken = nullptr;
  if (!RuleImage::open(buffer.bytes(), broken).valid()) {
    fail(std::string("the image breaks a rule of its format: ") + broken);
    return tl::unexpected(std::move(error_));
  }
  return buffer;
}

}  // namespace

tl::expected<ImageBuffer, ImageError> build_image(const ImageSource& source) {
  return Builder(source).build();
}

}  // namespace conduit
