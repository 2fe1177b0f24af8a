// Hostile hosts that build datagrams by hand: a client that wants denied requests to reach a server, or a
// server that wants what nobody has asked for to reach its clients.
#pragma once

#include <memory>

#include "tests/simulation/datagram_plan.hpp"

namespace conduit::simulation {

[[nodiscard]] const std::vector<std::string>& datagram_techniques();
[[nodiscard]] bool is_datagram_server_technique(const std::string& technique);

class DatagramAttacker : public Host {
 public:
  // Plays its technique until `until_ns`.
  static std::unique_ptr<DatagramAttacker> create(Network& network, const DatagramAttackPlan& attack,
                                                  const Plant& plant, const PlantPolicy& policy,
                                                  std::uint64_t until_ns);
};

}  // namespace conduit::simulation
