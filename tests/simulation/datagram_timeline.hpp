// What the policies of a run permit of datagrams: the reference's own record of which was in force when.
#pragma once

#include <vector>

#include "tests/simulation/plant_policy.hpp"

namespace conduit::simulation {

// Between whom, and who asks.
struct DatagramPlace {
  std::size_t client = 0;
  std::size_t server = 0;
  bool back = false;
  const DatagramModel* protocol = nullptr;
};

class DatagramTimeline {
 public:
  void note(std::uint64_t at_ns, const PlantPolicy* policy, bool island) {
    spans_.push_back({at_ns, policy, island});
  }
  // By a state that was in force between `from` and now; by all of them.
  [[nodiscard]] bool some_permits(const DatagramPlace& place, View request, std::uint64_t from) const;
  [[nodiscard]] bool all_permit(const DatagramPlace& place, View request, std::uint64_t from) const;
  // Has it been the same from `from` to `to`?
  [[nodiscard]] bool settled(std::uint64_t from, std::uint64_t to) const;
  // What the policy of this moment has for the two; null: nothing, or it is in island mode.
  [[nodiscard]] const DatagramService* service(const DatagramPlace& place) const;

 private:
  struct Span {
    std::uint64_t at_ns;
    const PlantPolicy* policy;
    bool island;
  };
  [[nodiscard]] static const DatagramService* find(const Span& span, const DatagramPlace& place);
  [[nodiscard]] static bool permits(const Span& span, const DatagramPlace& place, View request);
  std::vector<Span> spans_;
};

}  // namespace conduit::simulation
