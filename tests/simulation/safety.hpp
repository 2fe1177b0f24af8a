// The safety oracle: no receiver model can assemble a PDU that the reference judge denies. It watches the
// frames on both sides of the gateway and knows nothing of the gateway's inside.
//
// - Towards a server: each PDU that any model reads out of what reaches it has to be permitted by the rules
// of
//   that service, in the policy (and island state) that is in force, or was when the PDU had arrived
//   whole, or first left the gateway. What is no PDU is an escape as well.
// - Towards a client: each PDU answers a request that this client has sent on that connection, either as the
//   server's answer to a permitted request or as a negative reply, in the order that the protocol asks for,
//   at most once; an unsolicited one is an escape.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/network.hpp"
#include "tests/simulation/plant_policy.hpp"
#include "tests/simulation/receiver.hpp"

namespace conduit::simulation {

struct Finding {
  std::string oracle;  // "safety", "liveness", …
  std::string what;
  std::uint64_t at_ns = 0;
};

class SafetyOracle : public Watcher {
 public:
  // `joined`: the gateway forgets connections and may join them in mid-stream. It resets those whose two ends
  // do not number alike only when one of them says so; models that ignore resets are then left out.
  SafetyOracle(const Scheduler& scheduler, const Plant& plant, bool joined);
  ~SafetyOracle() override;
  // From now on this policy is in force (null: none); it outlives the oracle. Called at each swap and change
  // of island mode.
  void in_force(const PlantPolicy* policy, bool island);
  // The gateway forgets what has passed.
  void restarted();
  void on_sent(const Host& host, View frame) override;
  void on_arrival(std::uint8_t side, View frame) override;
  void on_departure(std::uint8_t side, View frame) override;
  void on_lost(std::uint8_t side, View frame) override;
  void on_delivery(const Host& host, View frame, bool damaged) override;
  [[nodiscard]] const std::vector<Finding>& findings() const;
  // How much was looked at, so that a run which proves nothing is noticed.
  [[nodiscard]] std::uint64_t pdus_judged() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace conduit::simulation
