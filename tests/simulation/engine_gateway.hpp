// The device under test: the engine as it is shipped, under virtual time. The only file of the simulation
// that knows the engine, and only its public header.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/abi/event_record.hpp"
#include "dataplane/engine/engine.hpp"
#include "tests/simulation/network.hpp"

namespace conduit::simulation {

class EngineGateway : public Gateway {
 public:
  // `burst_ns`: frames that arrive within it are handed over together, as a back end does.
  EngineGateway(Network& network, const EngineLimits& limits, std::uint64_t hash_seed,
                std::uint64_t burst_ns);
  ~EngineGateway() override;

  void arrive(std::uint8_t side, Octets frame) override;
  // Compiles the policy and puts it in force; throws std::runtime_error with the compiler's complaint.
  void enforce(const std::string& policy_text);
  void set_island(bool island);
  // The process restarts: all flows are forgotten, the image in force is handed over again.
  void restart();
  void set_output_full(bool full);  // what the engine itself sends finds no room
  void set_ring_full(bool full);    // nobody takes events out

  // Runs all timers out, until every flow has aged. False: some flow never does.
  bool run_out();
  // What the engine has taken from the heap since it was made; is to be 0.
  [[nodiscard]] std::uint64_t allocations() const;
  [[nodiscard]] const WorkerCounters& counters() const;
  // Counters of the lives before the last restart.
  [[nodiscard]] const std::vector<WorkerCounters>& former_counters() const;
  // All events so far (empties the ring).
  [[nodiscard]] const std::vector<EventRecord>& events();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace conduit::simulation
