#include "config/policy/addresses.hpp"
#include "config/policy/compiler.hpp"

namespace conduit {
namespace {

constexpr std::uint16_t icmp6_echo_request = 128;
constexpr std::uint16_t icmp_echo_request = 8;

OpenedBy opener(schema::Opener opened_by) {
  switch (opened_by) {
    case schema::SERVER: return OpenedBy::SERVER;
    case schema::EITHER: return OpenedBy::EITHER;
    default: return OpenedBy::CLIENT;
  }
}

bool speaks_ipv6(const AssetSource& asset) {
  const auto v6 = [](const Address& address) {
    return address[10] != 0xFF || address[0] != 0 || address[11] != 0xFF;
  };
  for (const Address& address : asset.addresses) {
    if (v6(address)) return true;
  }
  for (const PrefixSource& prefix : asset.prefixes) {
    if (v6(prefix.address)) return true;
  }
  return false;
}

}  // namespace

// The service of this endpoint, made at first sight. Null: another protocol stands there already.
ServiceSource* PolicyCompiler::service(const AllowContext& context, std::uint32_t client,
                                       std::uint32_t server, Transport transport, ProtocolId protocol,
                                       std::uint16_t first, std::uint16_t last) {
  const OpenedBy opened_by = opener(context.allow.opened_by());
  const ServiceKey key{client, server, transport, opened_by, first, last};
  const auto [found, fresh] = services_.emplace(key, source.services.size());
  if (fresh) {
    ServiceSource made;
    made.client = client;
    made.server = server;
    made.conduit = context.conduit;
    made.transport = transport;
    made.protocol = protocol;
    made.opened_by = opened_by;
    made.on_deny = deny_of(context);
    made.port_first = first;
    made.port_last = last;
    if (const Protocol* known = find_protocol(protocol); known != nullptr) {
      made.selector_dimension = known->selector_dimension;
      made.range_dimension = known->range_dimension;
    }
    source.services.push_back(std::move(made));
    return &source.services.back();
  }
  ServiceSource& existing = source.services[found->second];
  if (existing.protocol != protocol) {
    error(context.place,
          "port " + std::to_string(first) + " of these assets speaks another protocol in an allow above");
    return nullptr;
  }
  if (context.allow.on_deny() != schema::ON_DENY_UNSPECIFIED) existing.on_deny = deny_of(context);
  return &existing;
}

void PolicyCompiler::compile_protocol(const AllowContext& context) {
  const auto* what =
      context.allow.GetDescriptor()->FindFieldByNumber(static_cast<int>(context.allow.what_case()));
  const Protocol* protocol = what == nullptr ? nullptr : find_protocol(what->name());
  if (protocol == nullptr) return error(context.place, "this version has no decoder for it");
  const auto& message = context.allow.GetReflection()->GetMessage(context.allow, what);
  ProtocolRule compiled;
  if (!compile_protocol_rule(message, context.place.in(context.allow, what->name()), compiled, diagnostics))
    return;
  if (compiled.transport == Transport::NONE) compiled.transport = Transport::TCP;
  common_rule(context, compiled.rule);
  if (compiled.unrestricted) {
    warning(context.place, "allow \"" + context.allow.id() + "\" permits every function on every object; " +
                               "state access, function or objects");
  }
  if (compiled.ports.empty()) {
    compiled.ports.push_back(compiled.transport == Transport::UDP ? protocol->udp_port : protocol->tcp_port);
  }
  for (const std::uint32_t client : context.clients) {
    for (const std::uint32_t server : context.servers) {
      for (const std::uint16_t port : compiled.ports) {
        ServiceSource* place = service(context, client, server, compiled.transport, protocol->id, port, port);
        if (place == nullptr) return;
        (context.unsolicited ? place->unsolicited : place->request).push_back(compiled.rule);
      }
    }
  }
}

void PolicyCompiler::compile_opaque(const AllowContext& context) {
  const bool tcp = context.allow.what_case() == schema::Allow::kTcp;
  const auto& ports = tcp ? context.allow.tcp().port() : context.allow.udp().port();
  const Place place = context.place.in(context.allow, tcp ? "tcp" : "udp");
  if (ports.empty())
    return error(place, "without inspection the port has to be stated; write port { first: 4840 }");
  if (context.allow.has_limit()) return error(place, "limits count operations; an opaque flow has none");
  RuleSource rule;
  common_rule(context, rule);
  for (const schema::NumberRange& range : ports) {
    const std::uint64_t last = range.has_last() ? range.last() : range.first();
    if (range.first() == 0 || last > 65535 || range.first() > last) {
      return error(place, "ports are from 1 to 65535, the first not behind the last");
    }
    for (const std::uint32_t client : context.clients) {
      for (const std::uint32_t server : context.servers) {
        ServiceSource* made =
            service(context, client, server, tcp ? Transport::TCP : Transport::UDP,
                    tcp ? ProtocolId::OPAQUE_TCP : ProtocolId::OPAQUE_UDP,
                    static_cast<std::uint16_t>(range.first()), static_cast<std::uint16_t>(last));
        if (made == nullptr) return;
        if (made->opaque) return error(place, "another allow permits this port already; merge the two");
        made->opaque = rule;
      }
    }
  }
}

void PolicyCompiler::compile_icmp(const AllowContext& context) {
  RuleSource rule;
  common_rule(context, rule);
  std::vector<int> types(context.allow.icmp().type().begin(), context.allow.icmp().type().end());
  if (types.empty()) types.push_back(schema::Icmp::ECHO_REQUEST);
  for (const std::uint32_t client : context.clients) {
    for (const std::uint32_t server : context.servers) {
      const auto add = [&](Transport transport, std::uint16_t type) {
        ServiceSource* made = service(context, client, server, transport, ProtocolId::ICMP, type, type);
        if (made == nullptr) return;
        if (made->opaque)
          return error(context.place, "another allow permits this ICMP type already; merge the two");
        made->opaque = rule;
      };
      for (const int type : types) {
        const bool echo = type == schema::Icmp::ECHO_REQUEST;
        add(Transport::ICMP, echo ? icmp_echo_request : static_cast<std::uint16_t>(type));
        if (echo && speaks_ipv6(source.assets[server])) add(Transport::ICMPV6, icmp6_echo_request);
      }
    }
  }
}

void PolicyCompiler::compile_ethernet(const AllowContext& context) {
  const schema::Ethernet& ethernet = context.allow.ethernet();
  const Place place = context.place.in(context.allow, "ethernet");
  if (ethernet.ethertype().empty() == ethernet.llc_dsap().empty()) {
    return error(place, "write either ethertype or llc_dsap");
  }
  std::vector<std::optional<Mac>> groups;
  for (int number = 0; number < ethernet.group_size(); ++number) {
    Mac mac{};
    if (!parse_mac(ethernet.group(number), mac)) {
      return error(place.at(ethernet, "group", number),
                   "\"" + ethernet.group(number) + "\" is not a MAC; write \"01:80:c2:00:00:0e\"");
    }
    groups.emplace_back(mac);
  }
  if (groups.empty()) groups.emplace_back(std::nullopt);
  std::vector<std::uint32_t> sources = context.clients;
  if (sources.empty()) sources.push_back(none_index);
  EthernetRuleSource out;
  out.conduit = context.conduit;
  out.port = source.zones[context.from_zone].port;
  common_rule(context, out.rule);
  const auto add = [&](std::uint32_t ethertype, std::uint32_t dsap) {
    out.ethertype = static_cast<std::uint16_t>(ethertype);
    out.dsap = static_cast<std::uint8_t>(dsap);
    for (const VlanKey vlan : zone_vlans_[context.from_zone]) {
      for (const std::optional<Mac>& group : groups) {
        for (const std::uint32_t asset : sources) {
          out.vlan = vlan;
          out.destination = group;
          out.source_asset = asset;
          source.ethernet_rules.push_back(out);
        }
      }
    }
  };
  for (const std::uint32_t ethertype : ethernet.ethertype()) {
    const bool ip = ethertype == 0x0800 || ethertype == 0x86DD || ethertype == 0x0806 || ethertype == 0x8100;
    if (ethertype < 0x600 || ethertype > 0xFFFF || ip) {
      return error(
          place,
          "ethertypes are from 0x0600 to 0xFFFF, without IP, ARP and VLAN, which have rules of their own");
    }
    add(ethertype, 0);
  }
  for (const std::uint32_t dsap : ethernet.llc_dsap()) {
    if (dsap > 0xFF) return error(place, "a destination SAP has one octet; write 0x42 for spanning tree");
    add(0, dsap);
  }
}

}  // namespace conduit
