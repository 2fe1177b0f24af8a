// Hostile hosts: they build frames by hand and use every technique of the list against the gateway, in both
// directions, on connections of their own and on those of others. Each technique has a name, so that a seed's
// trace says what was tried and a run can be made of one technique alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/network.hpp"
#include "tests/simulation/plant_policy.hpp"

namespace conduit::simulation {

// Names of all techniques ("overlap-forward", "bad-tcp-checksum", "syn-data", …).
[[nodiscard]] const std::vector<std::string>& techniques();

// A client that tries to get a denied request (and permitted ones as cover) to a server, or a server that
// tries to get an unsolicited PDU to a client. It owns the address of an asset, or pretends to one (spoofing
// from its own cable side).
class Attacker : public Host {
 public:
  // Plays `technique` against `victim` again and again until `until_ns`, with random variations.
  static std::unique_ptr<Attacker> create(Network& network, Random random, const std::string& technique,
                                          const Plant& plant, const PlantPolicy& policy, std::size_t client,
                                          std::size_t server, bool from_server, std::uint64_t until_ns);
};

}  // namespace conduit::simulation
