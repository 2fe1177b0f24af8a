// Frames of layer 2, and of group traffic what no gate of IP knows.
#include <algorithm>

#include "config/policy/addresses.hpp"
#include "config/policy/compiler.hpp"

namespace conduit {
namespace {

constexpr std::uint32_t ethertype_ipv4 = 0x0800;
constexpr std::uint32_t ethertype_ipv6 = 0x86DD;
constexpr auto never_by_rule = std::to_array<std::uint32_t>({0x0806, 0x8100, 0x88A8});  // ARP and tags

bool is_group(const Mac& mac) { return (mac[0] & 1) != 0; }

}  // namespace

// Sources are told by their MAC.
bool PolicyCompiler::ethernet_sources(const AllowContext& context, std::vector<std::uint32_t>& sources) {
  for (const std::uint32_t asset : context.clients) {
    const AssetSource& client = source.assets[asset];
    if (client.macs.empty() || (client.flags & ASSET_VIRTUAL) != 0) {
      error(context.place.at(context.allow, "client"),
            "frames are told apart by the sender's MAC, and asset \"" + names.assets[asset].id +
                "\" has none of its own; give it a mac");
      return false;
    }
    sources.push_back(asset);
  }
  if (!sources.empty()) return true;
  sources.push_back(none_index);
  const auto& from = zone_vlans_[context.from_zone];
  for (std::uint32_t zone = 0; zone < source.zones.size(); ++zone) {
    if (zone == context.from_zone || source.zones[zone].port != source.zones[context.from_zone].port)
      continue;
    const auto shared = [&](VlanKey vlan) { return std::find(from.begin(), from.end(), vlan) != from.end(); };
    if (std::none_of(zone_vlans_[zone].begin(), zone_vlans_[zone].end(), shared)) continue;
    warning(context.place, "without client, this holds for zone \"" + names.zones[zone] +
                               "\" too, which lies behind the same port");
  }
  return true;
}

bool PolicyCompiler::ethernet_destinations(const AllowContext& context, const Place& place,
                                           std::vector<std::optional<Mac>>& destinations) {
  const schema::Ethernet& ethernet = context.allow.ethernet();
  for (int number = 0; number < ethernet.group_size(); ++number) {
    Mac mac{};
    if (!parse_mac(ethernet.group(number), mac)) {
      error(place.at(ethernet, "group", number),
            "\"" + ethernet.group(number) + "\" is not a MAC; write \"01:80:c2:00:00:0e\"");
      return false;
    }
    if (!is_group(mac)) {
      error(place.at(ethernet, "group", number),
            "\"" + ethernet.group(number) + "\" is one device's MAC; name the device as server");
      return false;
    }
    destinations.emplace_back(mac);
  }
  for (const std::uint32_t asset : context.servers) {
    if (source.assets[asset].macs.empty()) {
      error(context.place.at(context.allow, "server"), "frames find their receiver by its MAC, and asset \"" +
                                                           names.assets[asset].id +
                                                           "\" has none; give it a mac, or name a group");
      return false;
    }
    destinations.insert(destinations.end(), source.assets[asset].macs.begin(),
                        source.assets[asset].macs.end());
  }
  if (destinations.empty()) destinations.emplace_back(std::nullopt);
  return true;
}

// Those of both zones: in another VLAN the frame would not reach the zone that is meant.
std::vector<VlanKey> PolicyCompiler::vlans_of(const AllowContext& context) const {
  const std::vector<VlanKey>& to = zone_vlans_[context.to_zone];
  std::vector<VlanKey> both;
  for (const VlanKey vlan : zone_vlans_[context.from_zone]) {
    if (std::find(to.begin(), to.end(), vlan) != to.end()) both.push_back(vlan);
  }
  return both;
}

void PolicyCompiler::compile_ethernet(const AllowContext& context) {
  const schema::Ethernet& ethernet = context.allow.ethernet();
  const Place place = context.place.in(context.allow, "ethernet");
  if (ethernet.ethertype().empty() == ethernet.llc_dsap().empty()) {
    return error(place, "write either ethertype or llc_dsap");
  }
  std::vector<std::uint32_t> sources;
  std::vector<std::optional<Mac>> destinations;
  if (!ethernet_sources(context, sources) || !ethernet_destinations(context, place, destinations)) return;
  EthernetRuleSource out;
  out.conduit = context.conduit;
  out.port = source.zones[context.from_zone].port;
  common_rule(context, out.rule);
  const auto types = static_cast<std::size_t>(ethernet.ethertype_size() + ethernet.llc_dsap_size());
  const std::vector<VlanKey> vlans = vlans_of(context);
  if (!has_room(context, types * destinations.size() * sources.size() * vlans.size())) return;
  const auto add = [&](std::uint32_t ethertype, std::uint32_t dsap) {
    out.ethertype = static_cast<std::uint16_t>(ethertype);
    out.dsap = static_cast<std::uint8_t>(dsap);
    for (const VlanKey vlan : vlans) {
      for (const std::optional<Mac>& destination : destinations) {
        for (const std::uint32_t asset : sources) {
          out.vlan = vlan;
          out.destination = destination;
          out.source_asset = asset;
          source.ethernet_rules.push_back(out);
        }
      }
    }
  };
  for (int number = 0; number < ethernet.ethertype_size(); ++number) {
    const std::uint32_t ethertype = ethernet.ethertype(number);
    const Place at = place.at(ethernet, "ethertype", number);
    const auto never = std::find(never_by_rule.begin(), never_by_rule.end(), ethertype);
    if (ethertype < 0x600 || ethertype > 0xFFFF || never != never_by_rule.end()) {
      return error(at, "ethertypes are from 0x0600 to 0xFFFF, without ARP and VLAN tags, which need no rule");
    }
    const bool ip = ethertype == ethertype_ipv4 || ethertype == ethertype_ipv6;
    if (ip && (ethernet.group_size() == 0 || !context.servers.empty())) {
      return error(at,
                   "IP has rules of its own (tcp, udp, icmp); here only groups may be named, for IGMP, MLD "
                   "and the like; write group: \"01:00:5e:00:00:16\"");
    }
    add(ethertype, 0);
  }
  for (int number = 0; number < ethernet.llc_dsap_size(); ++number) {
    if (ethernet.llc_dsap(number) > 0xFF) {
      return error(place.at(ethernet, "llc_dsap", number),
                   "a destination SAP has one octet; write 0x42 for spanning tree");
    }
    add(0, ethernet.llc_dsap(number));
  }
}

}  // namespace conduit
