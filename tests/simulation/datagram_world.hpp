// The datagrams of a run, all together: hosts, dialogues, attackers and the oracles.
#pragma once

#include <memory>
#include <vector>

#include "tests/simulation/datagram_attacker.hpp"
#include "tests/simulation/datagram_host.hpp"
#include "tests/simulation/datagram_oracle.hpp"
#include "tests/simulation/engine_gateway.hpp"
#include "tests/simulation/plan.hpp"

namespace conduit::simulation {

class DatagramWorld {
 public:
  DatagramWorld(Network& network, const Plan& plan, Random random, std::vector<Finding>& findings);
  void in_force(const PlantPolicy* policy, bool island) {
    timeline_.note(network_.scheduler().now(), policy, island);
  }
  // Of the first policy, which is in force.
  void start();
  [[nodiscard]] bool finished() const;
  // When the dialogues are over. `interrupted`: what the gateway sends may have found no room.
  void check(bool interrupted);
  // When all timers have run out: each datagram that did not leave is told.
  void check_events(const std::vector<EventRecord>& events);
  [[nodiscard]] DatagramOracle& oracle() { return oracle_; }
  [[nodiscard]] const DatagramTotals& totals() const { return stage_.totals; }

 private:
  [[nodiscard]] bool is_hostile(const HostAddress& host) const { return hostile_.contains(host.mac); }
  void make_hosts();
  void make_dialogues();

  Network& network_;
  const Plan& plan_;
  Random random_;
  std::vector<Finding>& findings_;
  DatagramTimeline timeline_;
  DatagramOracle oracle_;
  DatagramStage stage_;
  std::set<std::array<std::uint8_t, 6>> hostile_;  // by MAC
  std::vector<std::unique_ptr<DatagramHost>> clients_;
  std::vector<std::unique_ptr<DatagramHost>> servers_;
  std::vector<std::unique_ptr<Rules>> own_rules_;  // of dialogues that no policy knows
  std::vector<std::unique_ptr<DatagramAsker>> dialogues_;
  std::vector<std::unique_ptr<DatagramAttacker>> attackers_;
};

}  // namespace conduit::simulation
