#include "config/policy/compiler.hpp"

namespace conduit {
namespace {

// An image of the largest size could not hold more; a policy of a few octets can ask for it (clients ×
// servers).
constexpr std::size_t rule_count_max = 250'000;
constexpr std::uint64_t broad_port_count = 16'385;  // more than the dynamic ports
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
                                       std::uint32_t server, Transport transport, OpenedBy opened_by,
                                       ProtocolId protocol, std::uint16_t first, std::uint16_t last) {
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
    agree_on_deny(context, found->second);
    return &source.services.back();
  }
  ServiceSource& existing = source.services[found->second];
  if (existing.protocol != protocol) {
    error(context.place,
          "port " + std::to_string(first) + " of these assets speaks another protocol in an allow above");
    return nullptr;
  }
  agree_on_deny(context, found->second);
  return &existing;
}

// One service denies in one way: what an allow states holds for all that speak of it.
void PolicyCompiler::agree_on_deny(const AllowContext& context, std::size_t service) {
  if (context.allow.on_deny() == schema::ON_DENY_UNSPECIFIED) return;
  const auto [stated, fresh] = stated_on_deny_.emplace(service, deny_of(context));
  source.services[service].on_deny = stated->second;
  if (fresh || stated->second == deny_of(context)) return;
  error(context.place.at(context.allow, "on_deny"),
        "an allow above states another on_deny for the same service; state it once");
}

bool PolicyCompiler::has_room(const AllowContext& context, std::size_t rules) {
  rule_count_ += rules;
  if (rule_count_ <= rule_count_max) return true;
  error(context.place, "this allow stands for " + std::to_string(rules) +
                           " rules, one for each client, server "
                           "and port: with those above more than " +
                           std::to_string(rule_count_max) + "; write networks as assets, or port ranges");
  return false;
}

ServiceSource* PolicyCompiler::service(const AllowContext& context, std::uint32_t client,
                                       std::uint32_t server, Transport transport, ProtocolId protocol,
                                       std::uint16_t first, std::uint16_t last) {
  const OpenedBy opened_by = opener(context.allow.opened_by());
  return service(context, client, server, transport, opened_by, protocol, first, last);
}

void PolicyCompiler::compile_protocol(const AllowContext& context) {
  const auto* what =
      context.allow.GetDescriptor()->FindFieldByNumber(static_cast<int>(context.allow.what_case()));
  const Protocol* protocol = what == nullptr ? nullptr : find_protocol(what->name());
  if (protocol == nullptr) return error(context.place, "this version has no decoder for it");
  const auto& message = context.allow.GetReflection()->GetMessage(context.allow, what);
  ProtocolRule compiled;
  const Place inside = context.place.in(context.allow, what->name());
  if (!compile_protocol_rule(message, *protocol, inside, compiled, diagnostics)) return;
  if (compiled.transport == Transport::NONE) compiled.transport = Transport::TCP;
  if (protocol->tcp_port == 0) compiled.transport = Transport::UDP;
  common_rule(context, compiled.rule);
  if (compiled.unrestricted) {
    warning(context.place, "allow \"" + context.allow.id() + "\" permits every function on every object; " +
                               "state access, function or objects");
  }
  if (compiled.ports.empty()) {
    compiled.ports.push_back(compiled.transport == Transport::UDP ? protocol->udp_port : protocol->tcp_port);
  }
  const bool aside =
      compiled.transport == Transport::TCP && protocol->udp_port_aside != 0 && !context.unsolicited;
  if (!has_room(context, pairs_of(context) * (compiled.ports.size() + (aside ? 1 : 0)))) return;
  for (const std::uint32_t server : context.servers) {
    if (compiled.transport == Transport::TCP && (source.assets[server].flags & ASSET_GROUP) != 0) {
      return error(context.place.at(context.allow, "server"), "a GROUP cannot be reached by TCP");
    }
  }
  for (const std::uint32_t client : context.clients) {
    for (const std::uint32_t server : context.servers) {
      for (const std::uint16_t port : compiled.ports) {
        ServiceSource* place = service(context, client, server, compiled.transport, protocol->id, port, port);
        if (place == nullptr) return;
        (context.unsolicited ? place->unsolicited : place->request).push_back(compiled.rule);
      }
      if (aside && !add_aside(context, client, server, *protocol, compiled.rule)) return;
    }
  }
}

// Datagrams of what these rules let a connection open: to the same port of either side, whoever sends first.
bool PolicyCompiler::add_aside(const AllowContext& context, std::uint32_t client, std::uint32_t server,
                               const Protocol& protocol, const RuleSource& rule) {
  const std::uint16_t port = protocol.udp_port_aside;
  ServiceSource* place =
      service(context, client, server, Transport::UDP, OpenedBy::EITHER, protocol.id, port, port);
  if (place == nullptr) return false;
  place->request.push_back(rule);
  return true;
}

void PolicyCompiler::compile_opaque(const AllowContext& context) {
  const bool tcp = context.allow.what_case() == schema::Allow::kTcp;
  const auto& ports = tcp ? context.allow.tcp().port() : context.allow.udp().port();
  const Place place = context.place.in(context.allow, tcp ? "tcp" : "udp");
  if (ports.empty())
    return error(place, "without inspection the port has to be stated; write port { first: 4840 }");
  if (context.allow.has_limit()) return error(place, "limits count operations; an opaque flow has none");
  if (!has_room(context, pairs_of(context) * static_cast<std::size_t>(ports.size()))) return;
  for (const std::uint32_t server : context.servers) {
    if (tcp && (source.assets[server].flags & ASSET_GROUP) != 0) {
      return error(context.place.at(context.allow, "server"), "a GROUP cannot be reached by TCP");
    }
  }
  RuleSource rule;
  common_rule(context, rule);
  for (const schema::NumberRange& range : ports) {
    const std::uint64_t last = range.has_last() ? range.last() : range.first();
    if (range.first() == 0 || last > 65535 || range.first() > last) {
      return error(place, "ports are from 1 to 65535, the first not behind the last");
    }
    check_port_range(context, place, range.first(), last);
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

// What is permitted without inspection, although it could be had with it or is very much.
void PolicyCompiler::check_port_range(const AllowContext& context, const Place& place, std::uint64_t first,
                                      std::uint64_t last) {
  const bool tcp = context.allow.what_case() == schema::Allow::kTcp;
  if (last - first >= broad_port_count) {
    warning(place, "permits " + std::to_string(last - first + 1) + " ports without inspection");
  }
  for (const Protocol* protocol : all_protocols()) {
    const std::uint16_t known = tcp ? protocol->tcp_port : protocol->udp_port;
    if (known == 0 || known < first || known > last) continue;
    const std::string name(protocol->name);
    warning(place, "port " + std::to_string(known) + " is that of " + name +
                       ", which passes here without inspection; write " + name + " { … }");
  }
}

void PolicyCompiler::compile_icmp(const AllowContext& context) {
  RuleSource rule;
  common_rule(context, rule);
  std::vector<int> types(context.allow.icmp().type().begin(), context.allow.icmp().type().end());
  if (types.empty()) types.push_back(schema::Icmp::ECHO_REQUEST);
  if (!has_room(context, pairs_of(context) * 2 * types.size())) return;
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

}  // namespace conduit
