#include <algorithm>
#include <set>

#include "config/policy/compiler.hpp"

namespace conduit {
namespace {

constexpr std::uint32_t idle_timeout_max_seconds = 24 * 24 * 3600;  // RFC 7323 §5.5

// Stable across versions of a policy: FNV-1a, 64 bit.
std::uint64_t stable_hash(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ULL;
  return hash == 0 ? 1 : hash;
}

Verdict verdict_of(schema::DenyAction action) {
  switch (action) {
    case schema::DISCARD: return Verdict::DISCARD;
    case schema::RESET: return Verdict::RESET;
    case schema::DROP: return Verdict::DROP;
    default: return Verdict::REFUSE;
  }
}

}  // namespace

void PolicyCompiler::compile_conduits() {
  for (int index = 0; index < file_.conduit_size(); ++index) {
    compile_conduit(file_.conduit(index), root_.in(file_, "conduit", index));
  }
  check_zones_used();
}

void PolicyCompiler::check_zones_used() {
  for (int index = 0; index < file_.zone_size(); ++index) {
    const auto zone = static_cast<std::uint32_t>(index);
    const auto joins = [&](const ConduitSource& conduit) {
      return conduit.zone_a == zone || conduit.zone_b == zone;
    };
    if (std::any_of(source.conduits.begin(), source.conduits.end(), joins)) continue;
    const Place place = root_.in(file_, "zone", index);
    warning(place, "zone \"" + file_.zone(index).id() + "\" is joined by no conduit: nothing reaches it");
  }
}

bool PolicyCompiler::conduit_zones(const schema::Conduit& conduit, const Place& place, ConduitSource& out) {
  if (conduit.zones_size() != 2) {
    error(place.at(conduit, "zones"), "a conduit joins two zones; write zones: \"a\" zones: \"b\"");
    return false;
  }
  std::uint32_t zones[2] = {0, 0};
  for (int number = 0; number < 2; ++number) {
    const auto found = zone_ids_.find(conduit.zones(number));
    if (found == zone_ids_.end()) {
      error(place.at(conduit, "zones", number),
            "there is no zone \"" + conduit.zones(number) + "\"" + near(conduit.zones(number), zone_ids_));
      return false;
    }
    zones[number] = found->second;
  }
  out.zone_a = zones[0];
  out.zone_b = zones[1];
  const std::uint8_t port_a = source.zones[zones[0]].port;
  const std::uint8_t port_b = source.zones[zones[1]].port;
  if (port_a == port_b) {
    error(place.at(conduit, "zones"), "both zones lie behind port \"" + names.ports[port_a] +
                                          "\": traffic between them does not pass the gateway");
    return false;
  }
  if (input_.ports != nullptr && input_.ports->peer[port_a] != port_b) {
    error(place.at(conduit, "zones"), "ports \"" + names.ports[port_a] + "\" and \"" + names.ports[port_b] +
                                          "\" are not a pair of this gateway");
    return false;
  }
  const std::vector<VlanKey>& vlans = zone_vlans_[zones[0]];
  const auto shared = [&](VlanKey vlan) {
    return std::find(vlans.begin(), vlans.end(), vlan) != vlans.end();
  };
  if (std::none_of(zone_vlans_[zones[1]].begin(), zone_vlans_[zones[1]].end(), shared)) {
    error(place.at(conduit, "zones"),
          "the two zones have no VLAN in common, and the gateway changes no tags: nothing could pass");
    return false;
  }
  for (const ConduitSource& other : source.conduits) {
    if ((other.zone_a == zones[0] && other.zone_b == zones[1]) ||
        (other.zone_a == zones[1] && other.zone_b == zones[0])) {
      error(place.at(conduit, "zones"),
            "these two zones are joined by another conduit already; merge the two");
      return false;
    }
  }
  return true;
}

void PolicyCompiler::compile_conduit(const schema::Conduit& conduit, const Place& place) {
  const auto index = static_cast<std::uint32_t>(source.conduits.size());
  unique_id(conduit_ids_, conduit.id(), place.at(conduit, "id"), "conduit", index);
  if (conduit.owner().empty()) {
    error(place, "conduit \"" + conduit.id() + "\" has no owner; write owner: \"…\", who answers for it");
  }
  if (conduit.security_level_target() > 4) {
    error(place.at(conduit, "security_level_target"), "security levels are from 0 to 4");
  }
  if (conduit.idle_timeout_seconds() > idle_timeout_max_seconds) {
    error(place.at(conduit, "idle_timeout_seconds"),
          "at most " + std::to_string(idle_timeout_max_seconds) +
              " (24 days): timestamps of connections that are silent for longer say nothing any more");
  }
  if (conduit.safety() == schema::SIS && conduit.mode() == schema::OBSERVE) {
    warning(place.at(conduit, "mode"), "this conduit leads to a safety system and denies nothing");
  }
  ConduitSource out;
  if (!conduit_zones(conduit, place, out)) return;
  out.mode = conduit.mode() == schema::OBSERVE ? Mode::OBSERVE : Mode::ENFORCE;
  out.mid_stream = conduit.mid_stream() == schema::MID_STREAM_RESYNC ? MidStream::RESYNC : MidStream::RESET;
  out.on_deny = verdict_of(conduit.on_deny());
  out.idle_established_ns = std::uint64_t{conduit.idle_timeout_seconds()} * 1'000'000'000ULL;
  unsigned flags = 0;
  if (conduit.tolerance().udp_checksum_absent()) flags |= CONDUIT_UDP_CHECKSUM_ABSENT;
  if (conduit.tolerance().syn_data()) flags |= CONDUIT_SYN_DATA;
  if (conduit.tolerance().urgent()) flags |= CONDUIT_URGENT_CLEAR;
  if (conduit.tolerance().low_ttl()) flags |= CONDUIT_LOW_TTL;
  if (conduit.tolerance().fragments()) flags |= CONDUIT_FRAGMENTS;
  out.flags = static_cast<std::uint16_t>(flags);
  source.conduits.push_back(out);
  names.conduits.push_back({conduit.id(), conduit.owner(), out.mode == Mode::OBSERVE});
  std::set<std::string> allow_ids;
  for (int number = 0; number < conduit.direction_size(); ++number) {
    const schema::Direction& direction = conduit.direction(number);
    const Place at = place.in(conduit, "direction", number);
    for (int rule = 0; rule < direction.allow_size(); ++rule) {
      const std::string& id = direction.allow(rule).id();
      if (id.empty() || allow_ids.insert(id).second) continue;
      error(at.at(direction, "allow", rule),
            "allow id \"" + id + "\" is used twice in this conduit; ids are unique");
    }
    compile_direction(conduit, direction, at, index);
  }
  if (names.allows.empty() || names.allows.back().conduit != index) {
    warning(place, "conduit \"" + conduit.id() + "\" permits nothing");
  }
}

void PolicyCompiler::compile_direction(const schema::Conduit& conduit, const schema::Direction& direction,
                                       const Place& place, std::uint32_t index) {
  const auto from = zone_ids_.find(direction.from());
  const auto to = zone_ids_.find(direction.to());
  const bool both = std::count(conduit.zones().begin(), conduit.zones().end(), direction.from()) == 1 &&
                    std::count(conduit.zones().begin(), conduit.zones().end(), direction.to()) == 1 &&
                    direction.from() != direction.to();
  if (from == zone_ids_.end() || to == zone_ids_.end() || !both) {
    return error(place, "direction: from and to are the conduit's two zones, \"" + conduit.zones(0) +
                            "\" and \"" + conduit.zones(1) + "\"");
  }
  for (int number = 0; number < direction.allow_size(); ++number) {
    const schema::Allow& allow = direction.allow(number);
    AllowContext context{
        allow, place.in(direction, "allow", number), index, from->second, to->second, 0, false, {}, {}};
    context.policy_rule = static_cast<std::uint32_t>(names.allows.size());
    names.allows.push_back(
        {allow.id(), allow.reason(), index, direction.from(), direction.to(), context.place.line()});
    allow_places.push_back(context.place);
    compile_allow(context);
  }
}

bool PolicyCompiler::resolve_assets(const AllowContext& context, const char* field,
                                    std::vector<std::uint32_t>& out) {
  const auto& ids = field[0] == 'c' ? context.allow.client() : context.allow.server();
  bool good = true;
  for (int number = 0; number < ids.size(); ++number) {
    const auto found = asset_ids_.find(ids[number]);
    const bool known = found != asset_ids_.end();
    if (known && std::find(out.begin(), out.end(), found->second) == out.end()) {
      out.push_back(found->second);
      continue;
    }
    good = false;
    const Place at = context.place.at(context.allow, field, number);
    if (known) {
      error(at, "asset \"" + ids[number] + "\" is listed twice");
      continue;
    }
    error(at, "there is no asset \"" + ids[number] + "\"" + near(ids[number], asset_ids_));
  }
  return good;
}

// What the roles and the transport rule out.
bool PolicyCompiler::check_peers(const AllowContext& context) {
  const schema::Allow& allow = context.allow;
  const bool group_client = std::any_of(context.clients.begin(), context.clients.end(), [&](auto asset) {
    return (source.assets[asset].flags & ASSET_GROUP) != 0;
  });
  const bool connectionless =
      allow.what_case() == schema::Allow::kIcmp || allow.what_case() == schema::Allow::kEthernet;
  if (group_client) {
    error(context.place.at(allow, "client"), "a GROUP receives only; name the assets that send");
    return false;
  }
  if (connectionless && allow.opened_by() != schema::CLIENT) {
    error(context.place.at(allow, "opened_by"), "nobody connects here; leave opened_by out");
    return false;
  }
  if (context.unsolicited && (connectionless || allow.what_case() == schema::Allow::kTcp ||
                              allow.what_case() == schema::Allow::kUdp)) {
    error(context.place, "clients lie in \"" + names.zones[context.to_zone] +
                             "\": without inspection, an allow stands in the direction of its clients; move "
                             "it to the direction from \"" +
                             names.zones[context.to_zone] + "\"");
    return false;
  }
  return true;
}

bool PolicyCompiler::resolve_peers(AllowContext& context) {
  const bool ethernet = context.allow.what_case() == schema::Allow::kEthernet;
  if (!resolve_assets(context, "client", context.clients) ||
      !resolve_assets(context, "server", context.servers)) {
    return false;
  }
  if (!ethernet && (context.clients.empty() || context.servers.empty())) {
    error(context.place, "allow needs client and server; write client: \"asset\" server: \"asset\"");
    return false;
  }
  const auto all_in = [&](const std::vector<std::uint32_t>& assets, std::uint32_t zone) {
    return std::all_of(assets.begin(), assets.end(),
                       [&](std::uint32_t asset) { return source.assets[asset].zone == zone; });
  };
  if (all_in(context.clients, context.from_zone) && all_in(context.servers, context.to_zone)) return true;
  if (!ethernet && all_in(context.clients, context.to_zone) && all_in(context.servers, context.from_zone)) {
    context.unsolicited = true;
    return true;
  }
  error(context.place, "clients and servers do not lie on the two sides of this direction (from \"" +
                           names.zones[context.from_zone] + "\" to \"" + names.zones[context.to_zone] +
                           "\"): clients belong to \"from\", or all to \"to\" for what servers send unasked");
  return false;
}

void PolicyCompiler::compile_allow(AllowContext& context) {
  const schema::Allow& allow = context.allow;
  if (!is_identifier(allow.id())) {
    error(context.place.at(allow, "id"),
          "allow needs an id of letters, digits, '-', '_', '.', at most 64; write id: \"name\"");
  }
  if (allow.reason().empty()) {
    error(context.place,
          "allow \"" + allow.id() + "\" gives no reason; write reason: \"…\", why the flow is needed");
  }
  if (allow.has_limit() && (allow.limit().operations() == 0 || allow.limit().per_seconds() == 0)) {
    error(context.place.at(allow, "limit"), "limit: write operations and per_seconds, both above 0");
  }
  if (allow.has_authentication() && !allow.authentication().grant().empty()) {
    warning(context.place.at(allow, "authentication"),
            "this version cannot receive grants: the allow stays off until it can");
  }
  if (!resolve_peers(context) || !check_peers(context)) return;
  switch (allow.what_case()) {
    case schema::Allow::WHAT_NOT_SET:
      return error(context.place, "allow \"" + allow.id() +
                                      "\" names no protocol; write for example modbus { access: READ }");
    case schema::Allow::kTcp:
    case schema::Allow::kUdp: return compile_opaque(context);
    case schema::Allow::kIcmp: return compile_icmp(context);
    case schema::Allow::kEthernet: return compile_ethernet(context);
    default: return compile_protocol(context);
  }
}

void PolicyCompiler::common_rule(const AllowContext& context, RuleSource& rule) {
  const schema::Allow& allow = context.allow;
  rule.policy_rule = context.policy_rule;
  rule.essential = allow.essential();
  rule.record_every = allow.monitoring().record() == schema::EVERY;
  rule.record_first = allow.monitoring().record() == schema::FIRST;
  if (allow.has_limit()) {
    const std::string name = names.conduits[context.conduit].id + "/" + allow.id();
    rule.limit = LimitSource{stable_hash(name), std::uint64_t{allow.limit().per_seconds()} * 1'000'000'000ULL,
                             allow.limit().operations()};
  }
  const std::string& grant = allow.authentication().grant();
  if (grant.empty()) return;
  const auto [found, fresh] = grant_ids_.emplace(grant, static_cast<std::uint32_t>(source.grants.size()));
  if (fresh) source.grants.push_back({});
  rule.grant = found->second;
}

Verdict PolicyCompiler::deny_of(const AllowContext& context) const {
  if (context.allow.on_deny() != schema::ON_DENY_UNSPECIFIED) return verdict_of(context.allow.on_deny());
  return source.conduits[context.conduit].on_deny;
}

}  // namespace conduit
