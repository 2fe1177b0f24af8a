// The oracle of parts (DESIGN law 1): what a server gets of a PDU that is not whole. Written from the law; it
// knows octets as they come and as they leave, and how the policy has the server treated.
//
// Of protocols whose PDUs begin with framing that stands for itself:
// - That framing, in which no part of an operation stands, may go on at once.
// - What is more leaves when its client has sent some of it twice; after three such repetitions it need not.
// - To a server with `partial: HOLD` none of it ever leaves, to one with `partial: FORWARD` all but the end.
// - Where a restart may join connections no part of a PDU leaves at all.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "tests/simulation/fragments.hpp"
#include "tests/simulation/plant_policy.hpp"
#include "tests/simulation/safety.hpp"

namespace conduit::simulation {

class PartsOracle : public Watcher {
 public:
  PartsOracle(const Scheduler& scheduler, const Plant& plant) : scheduler_(scheduler), plant_(plant) {}
  // From now on this policy is in force; it outlives the oracle.
  void in_force(const PlantPolicy* policy);
  void on_arrival(std::uint8_t side, View frame) override;
  void on_departure(std::uint8_t side, View frame) override;
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }
  // How often a part of a PDU has left.
  [[nodiscard]] std::uint64_t parts_seen() const { return parts_seen_; }

 private:
  // What a client has sent on one connection. Offsets count from the first octet behind its SYN.
  struct Talk {
    std::uint32_t first = 0;  // number of that octet
    bool opened = false;
    bool observed = false;                        // anything may have passed on it
    std::set<std::uint32_t> come;                 // offsets
    std::uint32_t come_end = 0;                   // behind the last of them
    std::uint32_t repeated_end = 0;               // behind the last octet that has come twice
    std::uint64_t leaves_ns = 0;                  // when the last octets left, …
    std::uint32_t before = 0;                     // … and how many had left until then
    std::uint32_t repetitions = 0;                // segments that have repeated what may have been held
    std::map<std::uint32_t, std::uint8_t> ahead;  // has left, behind a gap
    Octets left;                                  // … without one
    std::size_t whole = 0;                        // so much of it is PDUs
  };
  using Key = std::array<std::size_t, 4>;  // client, its port, server, its port

  [[nodiscard]] Talk* talk_of(const Packet& packet, std::uint8_t side);
  static void begin(Talk& talk, const Packet& syn);
  std::uint32_t take(Talk& talk, const Packet& packet);
  void check(const Packet& packet, const Talk& talk, std::uint32_t left_before);
  template <typename Says>
  [[nodiscard]] bool all_say(const Says& says) const;
  [[nodiscard]] bool observes() const;
  void finding(const Packet& packet, const char* what, std::size_t size);

  const Scheduler& scheduler_;
  const Plant& plant_;
  struct Span {
    std::uint64_t at_ns;
    const PlantPolicy* policy;
  };
  std::vector<Span> spans_;
  std::array<FragmentReader, 2> arrived_{};
  std::map<Key, Talk> talks_;
  std::uint64_t parts_seen_ = 0;
  std::vector<Finding> findings_;
};

}  // namespace conduit::simulation
