#include <algorithm>

#include "config/abi/limits.hpp"
#include "config/policy/addresses.hpp"
#include "config/policy/compiler.hpp"

namespace conduit {
namespace {

// An image of the largest size could not hold more; a policy of a few octets can ask for it (VLANs ×
// addresses).
constexpr std::size_t address_count_max = 250'000;
// Further complaints come without one: each looks through all ids.
constexpr std::size_t suggestion_count_max = 50;

// What the asset's fields <room>_tolerance say.
Quirks tolerances(const schema::Asset& asset) {
  const auto& reflection = *asset.GetReflection();
  const auto& type = *schema::Asset::descriptor();
  Quirks quirks = QUIRK_NONE;
  for (int index = 0; index < type.field_count(); ++index) {
    const auto& field = *type.field(index);
    if (!field.is_repeated() || field.enum_type() == nullptr) continue;
    for (int element = 0; element < reflection.FieldSize(asset, &field); ++element) {
      const int tolerance = reflection.GetRepeatedEnumValue(asset, &field, element);
      if (tolerance > 0) quirks |= quirk(static_cast<unsigned>(tolerance));
    }
  }
  return quirks;
}

}  // namespace

bool is_identifier(const std::string& text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
}

std::string PolicyCompiler::near(const std::string& word,
                                 const std::map<std::string, std::uint32_t>& ids) const {
  if (diagnostics.count() >= suggestion_count_max) return {};
  std::vector<std::string> keys;
  for (const auto& [id, index] : ids) keys.push_back(id);
  return suggest(word, keys);
}

bool PolicyCompiler::unique_id(std::map<std::string, std::uint32_t>& ids, const std::string& id,
                               const Place& place, const char* kind, std::uint32_t index) {
  if (!is_identifier(id)) {
    error(place, std::string(kind) +
                     " needs an id of letters, digits, '-', '_', '.', at most 64; write id: \"name\"");
    return false;
  }
  if (ids.emplace(id, index).second) return true;
  error(place, std::string(kind) + " id \"" + id + "\" is used twice; ids are unique");
  return false;
}

void PolicyCompiler::compile_policy_header() {
  const schema::Policy& policy = file_.policy();
  const Place place = root_.in(file_, "policy");
  if (!file_.has_policy())
    return error(root_, "no policy { name version }; write policy { name: \"…\" version: 1 }");
  if (policy.name().empty()) error(place, "the policy needs a name; write name: \"…\"");
  if (policy.version() == 0) error(place, "the policy needs a version above 0; write version: 1");
  names.policy_name = policy.name();
  names.policy_version = policy.version();
  names.policy_hash = input_.policy_hash;
  source.policy_version = policy.version();
  source.policy_hash = input_.policy_hash;
  source.generation = input_.generation;
}

std::uint8_t PolicyCompiler::port_of_zone(const schema::Zone& zone, const Place& place) {
  if (zone.port().empty()) {
    error(place, "zone \"" + zone.id() +
                     "\" names no port; write port: \"…\", the gateway's port behind which it lies");
    return 0;
  }
  const auto found = std::find(names.ports.begin(), names.ports.end(), zone.port());
  if (found != names.ports.end()) return static_cast<std::uint8_t>(found - names.ports.begin());
  if (input_.ports != nullptr) {
    std::string list;
    for (const std::string& name : names.ports) list += (list.empty() ? "" : ", ") + name;
    error(place.at(zone, "port"), "the gateway has no port \"" + zone.port() + "\"" +
                                      suggest(zone.port(), names.ports) + " (it has: " + list + ")");
    return 0;
  }
  if (names.ports.size() >= port_count_max) {
    error(place.at(zone, "port"), "more than " + std::to_string(port_count_max) + " ports");
    return 0;
  }
  names.ports.push_back(zone.port());
  return static_cast<std::uint8_t>(names.ports.size() - 1);
}

void PolicyCompiler::compile_zones() {
  if (input_.ports != nullptr) names.ports = input_.ports->names;
  for (int index = 0; index < file_.zone_size(); ++index) {
    compile_zone(file_.zone(index), root_.in(file_, "zone", index));
  }
  resolve_routers();
  source.port_count = static_cast<std::uint32_t>(std::max<std::size_t>(names.ports.size(), 1));
  if (file_.zone_size() == 0) error(root_, "no zone; write zone { id: \"…\" port: \"…\" asset { … } }");
}

void PolicyCompiler::compile_zone(const schema::Zone& zone, const Place& place) {
  const auto index = static_cast<std::uint32_t>(source.zones.size());
  unique_id(zone_ids_, zone.id(), place.at(zone, "id"), "zone", index);
  if (zone.security_level_target() > 4) {
    error(place.at(zone, "security_level_target"), "security levels are from 0 to 4");
  }
  std::vector<VlanKey> vlans;
  for (int number = 0; number < zone.vlan_size(); ++number) {
    const schema::Vlan& vlan = zone.vlan(number);
    if (vlan.id() < 1 || vlan.id() > 4094 || vlan.outer() > 4094) {
      error(place.at(zone, "vlan", number),
            "VLAN ids are from 1 to 4094; for untagged frames leave vlan out");
    }
    const VlanKey key = (vlan.outer() << 16) | vlan.id();
    if (std::find(vlans.begin(), vlans.end(), key) != vlans.end()) {
      error(place.at(zone, "vlan", number), "this VLAN is listed twice");
      continue;
    }
    vlans.push_back(key);
  }
  if (vlans.empty()) vlans.push_back(0);
  source.zones.push_back({port_of_zone(zone, place)});
  names.zones.push_back(zone.id());
  zone_vlans_.push_back(vlans);
  for (int number = 0; number < zone.asset_size(); ++number) {
    compile_asset(zone.asset(number), place.in(zone, "asset", number), index, vlans);
  }
}

void PolicyCompiler::compile_asset(const schema::Asset& asset, const Place& place, std::uint32_t zone,
                                   const std::vector<VlanKey>& vlans) {
  const auto index = static_cast<std::uint32_t>(source.assets.size());
  unique_id(asset_ids_, asset.id(), place.at(asset, "id"), "asset", index);
  AssetSource out;
  out.zone = zone;
  out.vlans = vlans;
  unsigned flags = 0;
  if (asset.role() == schema::ROUTER) flags |= ASSET_ROUTER;
  if (asset.role() == schema::GROUP) flags |= ASSET_GROUP;
  if (asset.virtual_()) flags |= ASSET_VIRTUAL;
  if (asset.partial() == schema::FORWARD) flags |= ASSET_PARTIAL_FORWARD;
  if (asset.partial() == schema::HOLD) flags |= ASSET_PARTIAL_HOLD;
  out.flags = static_cast<std::uint16_t>(flags);
  out.quirks = tolerances(asset);
  address_count_ +=
      vlans.size() * static_cast<std::size_t>(asset.ipv4_size() + asset.ipv6_size() + asset.mac_size());
  if (address_count_ > address_count_max) {
    return error(place, "more than " + std::to_string(address_count_max) +
                            " addresses, each counted in every VLAN of its zone; write networks");
  }
  for (const VlanKey vlan : vlans) {
    compile_addresses(asset, place, out,
                      std::to_string(source.zones[zone].port) + "/" + std::to_string(vlan) + "/");
  }
  for (int number = 0; number < asset.mac_size(); ++number) {
    Mac mac{};
    if (!parse_mac(asset.mac(number), mac)) {
      error(place.at(asset, "mac", number),
            "\"" + asset.mac(number) + "\" is not a MAC; write \"00:30:de:01:02:03\"");
    } else if ((mac[0] & 1) != 0 && asset.role() != schema::GROUP) {
      error(place.at(asset, "mac", number),
            "\"" + asset.mac(number) + "\" is a group's MAC, which no device sends from");
    }
    out.macs.push_back(mac);
  }
  if (asset.virtual_() && asset.mac_size() == 0) {
    error(place.at(asset, "virtual"), "a virtual address moves between MACs: list them with mac");
  }
  if (asset.ipv4_size() + asset.ipv6_size() + asset.mac_size() == 0) {
    error(place, "asset \"" + asset.id() + "\" has no address; write ipv4, ipv6 or mac");
  }
  source.assets.push_back(std::move(out));
  names.assets.push_back({asset.id(), zone});
  asset_places.push_back(place);
  asset_vias_.push_back({asset.via(), place.at(asset, "via")});
}

void PolicyCompiler::compile_addresses(const schema::Asset& asset, const Place& place, AssetSource& out,
                                       const std::string& key) {
  const auto add = [&](const std::string& text, bool ipv6, const Place& at) {
    PrefixSource address;
    std::string wrong;
    if (!parse_address(text, ipv6, address, wrong)) return error(at, wrong);
    std::string bytes = key + std::to_string(address.bits) + "/";
    bytes.append(address.address.begin(), address.address.end());
    const bool group = is_group(address.address, ipv6);
    if (group && asset.role() != schema::GROUP) {
      return error(at, "\"" + text + "\" is a group's address; give the asset role: GROUP");
    }
    const auto [owner, fresh] = address_owners_.emplace(bytes, asset.id());
    if (!fresh) return error(at, "\"" + text + "\" belongs to asset \"" + owner->second + "\" already");
    if (address.bits != 128) {
      const auto same = [&](const PrefixSource& one) {
        return one.address == address.address && one.bits == address.bits;
      };
      if (std::none_of(out.prefixes.begin(), out.prefixes.end(), same)) out.prefixes.push_back(address);
    } else if (std::find(out.addresses.begin(), out.addresses.end(), address.address) ==
               out.addresses.end()) {
      out.addresses.push_back(address.address);
    }
  };
  for (int number = 0; number < asset.ipv4_size(); ++number) {
    add(asset.ipv4(number), false, place.at(asset, "ipv4", number));
  }
  for (int number = 0; number < asset.ipv6_size(); ++number) {
    add(asset.ipv6(number), true, place.at(asset, "ipv6", number));
  }
}

void PolicyCompiler::resolve_routers() {
  for (std::size_t index = 0; index < source.assets.size(); ++index) {
    const std::string& via = asset_vias_[index].id;
    if (via.empty()) continue;
    const auto router = asset_ids_.find(via);
    const Place& place = asset_vias_[index].place;
    if (router == asset_ids_.end()) {
      error(place, "via: there is no asset \"" + via + "\"" + near(via, asset_ids_));
    } else if ((source.assets[router->second].flags & ASSET_ROUTER) == 0) {
      error(place, "via: asset \"" + via + "\" is not a router; give it role: ROUTER");
    } else if (source.zones[source.assets[router->second].zone].port !=
               source.zones[source.assets[index].zone].port) {
      error(place, "via: router \"" + via + "\" lies behind another port");
    } else if (!source.assets[index].macs.empty()) {
      error(place, "an asset behind a router shows the router's MAC: leave mac out");
    } else {
      source.assets[index].router = router->second;
    }
  }
}

}  // namespace conduit
