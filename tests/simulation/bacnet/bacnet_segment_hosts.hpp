// Honest hosts of BACnet that ask and answer in segments (ANSI/ASHRAE 135, clause 5.4): they acknowledge,
// repeat what is not acknowledged, and begin anew where that does not help.
#pragma once

#include <memory>
#include <vector>

#include "tests/simulation/bacnet/bacnet_rules.hpp"
#include "tests/simulation/datagram_host.hpp"

namespace conduit::simulation {

// Answers requests in segments, and those that take an answer in segments; the others are left to
// serve_datagrams.
void serve_segments(DatagramStage& stage, DatagramHost& host, const std::vector<HostAddress>& others,
                    Random random);

// A client with requests in segments, or short ones that take an answer in segments.
class SegmentDialogue final : public DatagramAsker {
 public:
  SegmentDialogue(DatagramStage& stage, const DatagramDialoguePlan& plan, const Rules& rules, bool lies,
                  DatagramHost& asker, const HostAddress& asked);
  ~SegmentDialogue() override;
  void start() override;
  [[nodiscard]] bool finished() const override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace conduit::simulation
