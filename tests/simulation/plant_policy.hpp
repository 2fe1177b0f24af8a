// A random plant and its random policies, as text for the compiler and as rules for the reference judge.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/datagram_model.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/protocol.hpp"

namespace conduit::simulation {

enum class OnDeny : std::uint8_t { REFUSE, DISCARD, RESET, DROP };
enum class Partial : std::uint8_t { RELEASE, FORWARD, HOLD };  // RELEASE: the default

// In zone "aside", behind the port of zone "up", live the clients of VLAN 7, if there are any: then those of
// zone "up" live in VLAN 6, and the servers in both. Else nothing is tagged.
inline constexpr std::uint16_t vlan_up = 6;
inline constexpr std::uint16_t vlan_aside = 7;

// Clients live behind port 0 (zone "up"), servers behind port 1 (zone "down").
struct Plant {
  std::vector<HostAddress> clients;  // asset ids "client-0" …
  std::vector<HostAddress> servers;  // asset ids "server-0" …
  std::vector<Partial> partial;      // by server
  bool ipv6 = false;                 // the assets are known by their IPv6 addresses
  bool mac_bound = false;

  // Does this client live in zone "aside"?
  [[nodiscard]] bool is_aside(std::size_t client) const { return clients[client].vlan == vlan_aside; }
  [[nodiscard]] bool has_aside() const { return clients.front().vlan != 0; }
  // Client and server of a packet that the host on `side` sends, in the VLAN of its client; else nothing.
  [[nodiscard]] std::optional<std::pair<std::size_t, std::size_t>> ends_of(const Packet& packet,
                                                                           std::uint8_t side) const;
  // Is it in the VLAN of its client?
  [[nodiscard]] bool is_in_its_vlan(const Packet& packet, std::uint8_t side) const;
};

struct Limit {
  std::uint32_t operations = 0;
  std::uint32_t per_seconds = 0;
};

struct Service {
  std::size_t client = 0;
  std::size_t server = 0;
  const ProtocolModel* protocol = nullptr;
  OnDeny on_deny = OnDeny::REFUSE;
  std::shared_ptr<const Rules> rules;  // the same in the next policy, where nothing changes
  std::uint64_t since = 0;             // version of the policy that had it first
  std::optional<Limit> limit;          // of each of its allows by itself
};

// Of datagrams. `back`: the asset in "server" asks the one in "client".
struct DatagramService {
  std::size_t client = 0;
  std::size_t server = 0;
  bool back = false;
  const DatagramModel* protocol = nullptr;
  OnDeny on_deny = OnDeny::REFUSE;
  std::shared_ptr<const Rules> rules;
};

struct PlantPolicy {
  std::uint64_t version = 0;
  bool mid_stream_resync = false;
  bool observe = false;           // its conduits only do that: nothing is denied
  bool fragments = false;         // are tolerated
  std::vector<Service> services;  // at most one for each client, server and protocol; by protocol
  std::vector<DatagramService> datagrams;
  std::string text;  // policy file (protobuf text format, config/policy-language.md)

  [[nodiscard]] std::vector<const Service*> services_of(const ProtocolModel& protocol) const;
  // Null: nothing of this protocol is permitted between the two.
  [[nodiscard]] const Service* find(std::size_t client, std::size_t server,
                                    const ProtocolModel& protocol) const;
  [[nodiscard]] const Service* find(std::size_t client, std::size_t server, std::uint16_t port) const;
};

[[nodiscard]] Plant random_plant(Random& random);
// `spoken`, `datagrams`: the protocols of its services; what is drawn for one does not change what the others
// get. `observe`: its conduits only do that. `previous`: the policy before it, of which some services stay
// the same; null for the first.
[[nodiscard]] PlantPolicy random_policy(Random& random, const Plant& plant,
                                        const std::vector<const ProtocolModel*>& spoken,
                                        std::uint64_t version, bool observe, const PlantPolicy* previous,
                                        const std::vector<const DatagramModel*>& datagrams = {});

}  // namespace conduit::simulation
