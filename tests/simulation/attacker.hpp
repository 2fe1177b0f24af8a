// Hostile hosts: they build frames by hand and use every technique of the list against the gateway, in both
// directions, on connections of their own and on those of others. Each technique has a name, so that a seed's
// trace says what was tried and a run can be made of one technique alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/network.hpp"
#include "tests/simulation/plan.hpp"

namespace conduit::simulation {

// Names of all techniques ("overlap-forward", "bad-tcp-checksum", "syn-data", …).
[[nodiscard]] const std::vector<std::string>& techniques();

// … and of those that are drawn beside them.
[[nodiscard]] const std::vector<std::string>& techniques_with_parts();

[[nodiscard]] bool is_server_technique(const std::string& technique);

// A client that tries to get denied requests to a server (with permitted ones as cover), or a server that
// tries to get what nobody has asked for to its clients. It has the address of that asset to itself.
class Attacker : public Host {
 public:
  // Plays its technique again and again until `until_ns`, with random variations. Null: there is no such
  // technique, or the policy permits nothing of its protocol between the two.
  static std::unique_ptr<Attacker> create(Network& network, const AttackPlan& attack, const Plant& plant,
                                          const PlantPolicy& policy, std::uint64_t until_ns);
};

}  // namespace conduit::simulation
