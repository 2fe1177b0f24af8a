// Two oracles that look at a whole run.
//
// Transparency (DESIGN law 9, law 1 "never acknowledges in another's name"): on a flow in which every request
// was permitted, what leaves the gateway is what its sender has sent, at the sequence numbers of its sender,
// and no acknowledgement goes out that the receiver had not given.
// Accounting (law 7, §8): counters add up, each denial has its event, nothing stays behind in a pool.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/simulation/engine_gateway.hpp"
#include "tests/simulation/fragments.hpp"
#include "tests/simulation/safety.hpp"

namespace conduit::simulation {

class TransparencyOracle : public Watcher {
 public:
  explicit TransparencyOracle(const Scheduler& scheduler) : scheduler_(scheduler) {}
  void on_sent(const Host& host, View frame) override;
  void on_arrival(std::uint8_t side, View frame) override;
  void on_departure(std::uint8_t side, View frame) override;
  // What was seen on connections from this client port (honest dialogues have ports of their own) to be
  // different from what was sent; empty: nothing.
  [[nodiscard]] std::string difference(std::uint16_t client_port) const;
  [[nodiscard]] std::uint64_t segments_compared() const { return compared_; }

 private:
  struct Way {
    bool opened = false;
    std::uint32_t isn = 0;
    Octets sent;                    // bytes behind the SYN
    bool acked = false;             // the other side has acknowledged something
    std::uint32_t highest_ack = 0;  // … this, as it arrived at the gateway
  };
  struct Talk {
    std::array<Way, 2> way;  // by side that sends
    std::string difference;
  };
  [[nodiscard]] Talk& talk_of(const Packet& packet, std::uint8_t side);

  const Scheduler& scheduler_;
  std::map<std::uint16_t, Talk> talks_;
  std::array<FragmentReader, 2> sent_{};
  std::array<FragmentReader, 2> arrived_{};
  std::uint64_t compared_ = 0;
};

class FrameCounter : public Watcher {
 public:
  void on_arrival(std::uint8_t side, View) override { ++arrived[side]; }
  void on_departure(std::uint8_t side, View) override { ++departed[side]; }
  std::array<std::uint64_t, 2> arrived{};
  std::array<std::uint64_t, 2> departed{};
};

struct Expectation {
  bool ring_was_full = false;
  std::map<std::uint16_t, std::uint32_t> refused;  // by client port: negative replies that no server gave
};

// Call when all timers have run out.
void check_accounting(EngineGateway& gateway, const FrameCounter& frames, const Expectation& expected,
                      std::uint64_t now_ns, std::vector<Finding>& findings);

}  // namespace conduit::simulation
