// The oracle of rate limits. Each `allow` of a service with a limit of n operations per period lets n pass at
// once and then one each period / n (GCRA, ITU-T I.371): of a service with m of them, never more than
// m · (n + T · n / period) requests pass within any time T, over all connections and policies that have it.
//
// A request counts as passed within a time if it came after the beginning and left before the end: when the
// gateway has judged it between, nobody says.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "tests/simulation/plant_policy.hpp"
#include "tests/simulation/receiver.hpp"
#include "tests/simulation/safety.hpp"

namespace conduit::simulation {

class RateOracle : public Watcher {
 public:
  // `policies`: that will be in force some time.
  RateOracle(const Scheduler& scheduler, const Plant& plant, const std::vector<PlantPolicy>& policies)
      : scheduler_(scheduler), plant_(plant), policies_(policies) {}
  // From now on this policy is in force; it outlives the oracle.
  void in_force(const PlantPolicy* policy) { spans_.push_back({scheduler_.now(), policy}); }
  void on_arrival(std::uint8_t side, View frame) override;
  void on_departure(std::uint8_t side, View frame) override;
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }

 private:
  struct Reader {
    Receiver receiver{receiver_models()[0]};
    std::uint32_t opening = 0;
    std::size_t looked = 0;
  };
  struct Talk {
    Reader come;
    Reader left;
    std::map<Octets, std::uint64_t> came_ns;  // by request, when it came first
  };
  struct Span {
    std::uint64_t at_ns;
    const PlantPolicy* policy;
  };
  using Key = std::array<std::size_t, 4>;  // client, its port, server, its port

  // Null where nothing is ever limited.
  [[nodiscard]] Talk* talk_of(const Packet& packet, std::uint8_t side, Key& key);
  template <typename Take>
  static void read_on(Reader& reader, const ProtocolModel& protocol, const Take& take);
  // The service, if it was in force with a limit all the time from then to now.
  [[nodiscard]] const Service* limited_since(const Key& key, std::uint64_t from_ns) const;
  void pass(const Key& key, std::uint64_t came_ns);

  const Scheduler& scheduler_;
  const Plant& plant_;
  const std::vector<PlantPolicy>& policies_;
  std::vector<Span> spans_;
  std::map<Key, Talk> talks_;
  std::map<const Rules*, std::multiset<std::uint64_t>> passed_;  // when the requests of a service came
  std::vector<Finding> findings_;
};

}  // namespace conduit::simulation
