#include "tests/simulation/plant_policy.hpp"

#include <algorithm>
#include <cstdio>

namespace conduit::simulation {
namespace {

HostAddress address(std::uint8_t side, std::size_t number) {
  const auto last = static_cast<std::uint8_t>(number + 1);
  HostAddress host;
  host.mac = {2, 0, 0, 0, side, last};
  host.ipv4 = {10, 0, side, last};
  host.ipv6 = {0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, side, last};
  return host;
}

std::string asset_text(const Plant& plant, const HostAddress& host, const std::string& id, Partial partial) {
  char text[128];
  if (plant.ipv6) {
    std::snprintf(text, sizeof text, "fd00::%x:%x", host.ipv6[14], host.ipv6[15]);
    // fd00::s:l names the groups 7 and 8; the last two octets are s and l of one group.
    std::snprintf(text, sizeof text, "fd00::%x", host.ipv6[14] << 8 | host.ipv6[15]);
  } else {
    std::snprintf(text, sizeof text, "%u.%u.%u.%u", host.ipv4[0], host.ipv4[1], host.ipv4[2], host.ipv4[3]);
  }
  std::string asset =
      "  asset { id: \"" + id + "\" role: PLC " + (plant.ipv6 ? "ipv6" : "ipv4") + ": \"" + text + "\"";
  if (plant.mac_bound) {
    std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", host.mac[0], host.mac[1], host.mac[2],
                  host.mac[3], host.mac[4], host.mac[5]);
    asset += std::string(" mac: \"") + text + "\"";
  }
  if (partial == Partial::FORWARD) asset += " partial: FORWARD";
  if (partial == Partial::HOLD) asset += " partial: HOLD";
  return asset + " }\n";
}

std::string zone_head(const char* id, const char* port, const std::vector<std::uint16_t>& vlans) {
  std::string text =
      "zone {\n  id: \"" + std::string(id) + "\"\n  port: \"" + port + "\"\n  security_level_target: 2\n";
  for (const std::uint16_t vlan : vlans)
    if (vlan != 0) text += "  vlan { id: " + std::to_string(vlan) + " }\n";
  return text;
}

std::string servers_text(const Plant& plant) {
  std::string text =
      zone_head("down", "downstream",
                plant.has_aside() ? std::vector{vlan_up, vlan_aside} : std::vector<std::uint16_t>{});
  for (std::size_t i = 0; i < plant.servers.size(); ++i)
    text += asset_text(plant, plant.servers[i], "server-" + std::to_string(i), plant.partial[i]);
  return text + "}\n";
}

std::string clients_text(const Plant& plant, bool aside) {
  std::string text = zone_head(aside ? "aside" : "up", "upstream",
                               {aside               ? vlan_aside
                                : plant.has_aside() ? vlan_up
                                                    : std::uint16_t{0}});
  for (std::size_t i = 0; i < plant.clients.size(); ++i) {
    if (plant.is_aside(i) == aside)
      text += asset_text(plant, plant.clients[i], "client-" + std::to_string(i), Partial::RELEASE);
  }
  return text + "}\n";
}

constexpr const char* denials[] = {"REFUSE", "DISCARD", "RESET", "DROP"};

std::string datagram_allows_text(const PlantPolicy& policy, bool back, std::size_t& number) {
  std::string text;
  for (const DatagramService& service : policy.datagrams) {
    if (service.back != back) continue;
    const std::string client = "client-" + std::to_string(service.client);
    const std::string server = "server-" + std::to_string(service.server);
    bool first = true;
    for (const Rules::Text& allow : service.rules->allows()) {
      text += "    allow { id: \"a" + std::to_string(number++) + "\" reason: \"drawn\" client: \"" +
              (back ? server : client) + "\" server: \"" + (back ? client : server) + "\"";
      if (allow.essential) text += " essential: true";
      if (first) text += std::string(" on_deny: ") + denials[static_cast<std::size_t>(service.on_deny)];
      first = false;
      text += "\n      " + allow.text + " }\n";
    }
  }
  return text;
}

// Stays with it from one policy to the next, and so do the limits that are counted by it.
std::string id_of(const Service& service, std::size_t number) {
  return "c" + std::to_string(service.client) + "-s" + std::to_string(service.server) + "-" +
         service.protocol->name() + "-v" + std::to_string(service.since) + "-" + std::to_string(number);
}

// The allows of one direction of the conduit of a zone of clients.
std::string allows_text(const Plant& plant, const PlantPolicy& policy, bool aside, bool back) {
  std::string text;
  for (const Service& service : policy.services) {
    if (plant.is_aside(service.client) != aside) continue;
    bool first = !back;
    const std::vector<Rules::Text> allows = service.rules->allows();
    for (std::size_t i = 0; i < allows.size(); ++i) {
      if (allows[i].back != back) continue;
      text += "    allow { id: \"" + id_of(service, i) + "\" reason: \"drawn\" client: \"client-" +
              std::to_string(service.client) + "\" server: \"server-" + std::to_string(service.server) + "\"";
      if (allows[i].essential) text += " essential: true";
      if (first) text += std::string(" on_deny: ") + denials[static_cast<std::size_t>(service.on_deny)];
      first = false;
      if (service.limit)
        text += " limit { operations: " + std::to_string(service.limit->operations) +
                " per_seconds: " + std::to_string(service.limit->per_seconds) + " }";
      text += "\n      " + allows[i].text + " }\n";
    }
  }
  return text;
}

// Empty: no conduit joins zone "aside" to the servers.
std::string conduit_text(const Plant& plant, const PlantPolicy& policy, bool aside) {
  std::string forth = allows_text(plant, policy, aside, false);
  std::string back = allows_text(plant, policy, aside, true);
  std::size_t number = 0;
  if (!aside) forth += datagram_allows_text(policy, false, number);
  if (!aside) back += datagram_allows_text(policy, true, number);
  if (aside && forth.empty() && !policy.observe) return {};
  const std::string zone = aside ? "aside" : "up";
  std::string text = "conduit {\n  id: \"between-" + zone + "-down\"\n  zones: \"" + zone +
                     "\"\n  zones: \"down\"\n  owner: \"simulation\"\n";
  if (policy.observe) text += "  mode: OBSERVE\n";
  if (policy.mid_stream_resync) text += "  mid_stream: MID_STREAM_RESYNC\n";
  if (policy.fragments) text += "  tolerance { fragments: true }\n";
  text += "  direction {\n    from: \"" + zone + "\"\n    to: \"down\"\n" + forth + "  }\n";
  if (!back.empty()) text += "  direction {\n    from: \"down\"\n    to: \"" + zone + "\"\n" + back + "  }\n";
  return text + "}\n";
}

std::string policy_text(const Plant& plant, const PlantPolicy& policy) {
  std::string text = "policy { name: \"simulation\" version: " + std::to_string(policy.version) + " }\n";
  text += clients_text(plant, false) + servers_text(plant) + conduit_text(plant, policy, false);
  if (plant.has_aside()) text += clients_text(plant, true) + conduit_text(plant, policy, true);
  return text;
}

OnDeny draw_denial(Random& random) {
  if (random.chance(2, 3)) return OnDeny::REFUSE;
  return static_cast<OnDeny>(random.between(1, 3));
}

}  // namespace

Plant random_plant(Random& random) {
  Plant plant;
  plant.ipv6 = random.chance(1, 4);
  plant.mac_bound = random.chance(1, 4);
  const std::uint64_t clients = random.between(1, 3);
  const std::uint64_t servers = random.between(1, 3);
  for (std::size_t i = 0; i < clients; ++i) plant.clients.push_back(address(1, i));
  for (std::size_t i = 0; i < servers; ++i) {
    plant.servers.push_back(address(2, i));
    Partial partial = Partial::RELEASE;
    if (random.chance(1, 6)) partial = Partial::FORWARD;
    if (random.chance(1, 10)) partial = Partial::HOLD;
    plant.partial.push_back(partial);
  }
  Random zones = random.fork("zones");
  if (clients > 1 && zones.chance(1, 2)) {
    for (HostAddress& client : plant.clients) client.vlan = zones.chance(1, 2) ? vlan_up : vlan_aside;
    plant.clients.front().vlan = vlan_up;
    plant.clients.back().vlan = vlan_aside;
  }
  return plant;
}

namespace {

void draw_services(Random& random, const Plant& plant, const ProtocolModel& protocol,
                   const PlantPolicy* previous, PlantPolicy& policy) {
  for (std::size_t client = 0; client < plant.clients.size(); ++client) {
    for (std::size_t server = 0; server < plant.servers.size(); ++server) {
      const Service* before = previous == nullptr ? nullptr : previous->find(client, server, protocol);
      if (before != nullptr && random.chance(1, 3)) {
        policy.services.push_back(*before);
        continue;
      }
      if (random.chance(1, 5)) continue;
      Service service;
      service.client = client;
      service.server = server;
      service.protocol = &protocol;
      service.on_deny = draw_denial(random);
      service.rules = protocol.random_rules(random);
      service.since = policy.version;
      // Of a protocol with a memory, what is denied for its rate might deny what comes behind.
      Random limits = random.fork("limit", client << 8 | server);
      if (protocol.conversation(Viewpoint::SERVER) == nullptr && limits.chance(1, 5)) {
        service.limit = Limit{limits.pick(std::vector<std::uint32_t>{1, 1, 2, 2, 3, 4, 8}),
                              static_cast<std::uint32_t>(limits.between(1, 20))};
      }
      policy.services.push_back(std::move(service));
    }
  }
}

// Where both sides may ask, each has rules of its own.
void draw_datagrams(Random random, const Plant& plant, const DatagramModel& protocol, PlantPolicy& policy) {
  for (std::size_t client = 0; client < plant.clients.size(); ++client) {
    for (std::size_t server = 0; server < plant.servers.size(); ++server) {
      for (const bool back : {false, true}) {
        if (back ? !protocol.both_ask() || random.chance(1, 2) : random.chance(1, 5)) continue;
        DatagramService service{client, server, back, &protocol, draw_denial(random), nullptr};
        service.rules = protocol.random_rules(random);
        policy.datagrams.push_back(std::move(service));
      }
    }
  }
}

}  // namespace

PlantPolicy random_policy(Random& random, const Plant& plant, const std::vector<const ProtocolModel*>& spoken,
                          std::uint64_t version, bool observe, const PlantPolicy* previous,
                          const std::vector<const DatagramModel*>& datagrams) {
  PlantPolicy policy;
  policy.version = version;
  policy.observe = observe;
  policy.mid_stream_resync = random.chance(1, 3);
  policy.fragments = random.fork("fragments").chance(1, 2);
  const Random base = random;
  for (std::size_t i = 0; i < spoken.size(); ++i) {
    Random own = base.fork("services", i);
    draw_services(i == 0 ? random : own, plant, *spoken[i], previous, policy);
  }
  for (std::size_t i = 0; i < datagrams.size(); ++i)
    draw_datagrams(base.fork("datagrams", i), plant, *datagrams[i], policy);
  policy.text = policy_text(plant, policy);
  return policy;
}

namespace {

std::optional<std::size_t> find_host(const std::vector<HostAddress>& hosts, bool ipv6,
                                     const std::array<std::uint8_t, 16>& address) {
  const auto at = std::find_if(hosts.begin(), hosts.end(), [&](const HostAddress& host) {
    return ipv6 ? host.ipv6 == address : std::equal(host.ipv4.begin(), host.ipv4.end(), address.begin());
  });
  if (at == hosts.end()) return {};
  return static_cast<std::size_t>(at - hosts.begin());
}

}  // namespace

bool Plant::is_in_its_vlan(const Packet& packet, std::uint8_t side) const {
  const auto client = find_host(clients, packet.ipv6, side == 0 ? packet.source : packet.destination);
  return client && vlan_of(packet) == clients[*client].vlan;
}

std::optional<std::pair<std::size_t, std::size_t>> Plant::ends_of(const Packet& packet,
                                                                  std::uint8_t side) const {
  const auto client = find_host(clients, packet.ipv6, side == 0 ? packet.source : packet.destination);
  const auto server = find_host(servers, packet.ipv6, side == 0 ? packet.destination : packet.source);
  if (!client || !server || vlan_of(packet) != clients[*client].vlan) return {};
  return std::pair{*client, *server};
}

std::vector<const Service*> PlantPolicy::services_of(const ProtocolModel& protocol) const {
  std::vector<const Service*> those;
  for (const Service& service : services) {
    if (service.protocol == &protocol) those.push_back(&service);
  }
  return those;
}

const Service* PlantPolicy::find(std::size_t client, std::size_t server,
                                 const ProtocolModel& protocol) const {
  return find(client, server, protocol.port());
}

const Service* PlantPolicy::find(std::size_t client, std::size_t server, std::uint16_t port) const {
  for (const Service& service : services) {
    if (service.client == client && service.server == server && service.protocol->port() == port)
      return &service;
  }
  return nullptr;
}

}  // namespace conduit::simulation
