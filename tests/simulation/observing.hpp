// The oracle of conduits that only observe: on connections of honest clients that begin while the policy
// observes, and as long as it does, every well-formed frame between two assets leaves, octet for octet as it
// came, and nothing else does. What its receiver has acknowledged may leave without its data (law 3),
// and so may what asks for a closed window.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "tests/simulation/fragments.hpp"
#include "tests/simulation/plant_policy.hpp"
#include "tests/simulation/safety.hpp"

namespace conduit::simulation {

class ObservingOracle : public Watcher {
 public:
  ObservingOracle(const Scheduler& scheduler, const Plant& plant) : scheduler_(scheduler), plant_(plant) {}
  // From now on this policy is in force.
  void in_force(const PlantPolicy* policy);
  void on_arrival(std::uint8_t side, View frame) override;
  void on_departure(std::uint8_t side, View frame) override;
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }
  [[nodiscard]] std::uint64_t frames_compared() const { return compared_; }

 private:
  struct Came {
    std::uint64_t at_ns;
    std::uint8_t side;
    Octets frame;
    bool has_to_leave;
  };
  using Key = std::array<std::size_t, 4>;  // client, its port, server, its port

  [[nodiscard]] std::optional<Key> key_of(const Packet& packet, std::uint8_t side) const;
  [[nodiscard]] bool may_leave(const Packet& packet, std::uint8_t side);
  void look_for_lost();
  void finding(const std::string& what, View frame);

  const Scheduler& scheduler_;
  const Plant& plant_;
  bool observing_ = false;
  struct Talk {
    bool reset = false;                                        // is over
    std::array<std::optional<std::uint32_t>, 2> acknowledged;  // at most, by side
    std::uint64_t said_ns = 0;                                 // when something came
  };
  std::map<Key, Talk> talks_;
  std::array<FragmentReader, 2> fragments_{};
  std::set<std::size_t> torn_;  // clients whose packets have come in fragments: they leave as whole ones
  std::deque<Came> came_;
  std::vector<Finding> findings_;
  std::uint64_t compared_ = 0;
};

}  // namespace conduit::simulation
