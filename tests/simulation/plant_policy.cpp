#include "tests/simulation/plant_policy.hpp"

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

std::string zone_text(const Plant& plant, bool upstream) {
  const std::vector<HostAddress>& hosts = upstream ? plant.clients : plant.servers;
  std::string text = "zone {\n  id: \"" + std::string(upstream ? "up" : "down") + "\"\n  port: \"" +
                     (upstream ? "upstream" : "downstream") + "\"\n  security_level_target: 2\n";
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const std::string id = (upstream ? "client-" : "server-") + std::to_string(i);
    text += asset_text(plant, hosts[i], id, upstream ? Partial::RELEASE : plant.partial[i]);
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

// The allows of one direction; numbered on from `number`.
std::string allows_text(const PlantPolicy& policy, bool back, std::size_t& number) {
  std::string text;
  for (const Service& service : policy.services) {
    bool first = !back;
    for (const Rules::Text& allow : service.rules->allows()) {
      if (allow.back != back) continue;
      text += "    allow { id: \"a" + std::to_string(number++) + "\" reason: \"drawn\" client: \"client-" +
              std::to_string(service.client) + "\" server: \"server-" + std::to_string(service.server) + "\"";
      if (allow.essential) text += " essential: true";
      if (first) text += std::string(" on_deny: ") + denials[static_cast<std::size_t>(service.on_deny)];
      first = false;
      text += "\n      " + allow.text + " }\n";
    }
  }
  return text + datagram_allows_text(policy, back, number);
}

std::string policy_text(const Plant& plant, const PlantPolicy& policy) {
  std::string text = "policy { name: \"simulation\" version: " + std::to_string(policy.version) + " }\n";
  text += zone_text(plant, true) + zone_text(plant, false);
  text += "conduit {\n  id: \"between\"\n  zones: \"up\"\n  zones: \"down\"\n  owner: \"simulation\"\n";
  if (policy.mid_stream_resync) text += "  mid_stream: MID_STREAM_RESYNC\n";
  if (policy.fragments) text += "  tolerance { fragments: true }\n";
  std::size_t number = 0;
  text +=
      "  direction {\n    from: \"up\"\n    to: \"down\"\n" + allows_text(policy, false, number) + "  }\n";
  const std::string back = allows_text(policy, true, number);
  if (!back.empty()) text += "  direction {\n    from: \"down\"\n    to: \"up\"\n" + back + "  }\n";
  return text + "}\n";
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
                          std::uint64_t version, const PlantPolicy* previous,
                          const std::vector<const DatagramModel*>& datagrams) {
  PlantPolicy policy;
  policy.version = version;
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

std::vector<const Service*> PlantPolicy::services_of(const ProtocolModel& protocol) const {
  std::vector<const Service*> those;
  for (const Service& service : services) {
    if (service.protocol == &protocol) those.push_back(&service);
  }
  return those;
}

const Service* PlantPolicy::find(std::size_t client, std::size_t server,
                                 const ProtocolModel& protocol) const {
  for (const Service& service : services) {
    if (service.client == client && service.server == server && service.protocol == &protocol)
      return &service;
  }
  return nullptr;
}

}  // namespace conduit::simulation
