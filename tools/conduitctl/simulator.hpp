// A capture through the real engine: which port each frame arrives at follows from the addresses of the
// policy's assets, time is the capture's. Used by `conduitctl simulate`.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/policy/compile.hpp"
#include "dataplane/engine/engine.hpp"
#include "dataplane/engine/frame.hpp"
#include "dataplane/engine/limit_table.hpp"
#include "dataplane/io/pcap/capture.hpp"
#include "tools/conduitctl/counterfactual.hpp"

namespace conduit {

// What becomes of what the engine says and sends; `report` and frames are valid during the call only.
class SimulationOutput {
 public:
  // `frame`: number of the one that went in last. `policy_rule`: number of the `allow` that permitted it or
  // came nearest, or none_index.
  virtual void on_report(std::uint32_t frame, const ParsedFrame& parsed, const JudgementReport& report,
                         std::uint32_t policy_rule) = 0;
  // An answer in this frame belongs to a request that was refused: with the gateway it would not have been
  // sent.
  virtual void on_never_sent(std::uint32_t frame, const ParsedFrame& parsed) = 0;
  virtual void on_leaving(std::uint64_t time_ns, std::uint8_t port, Bytes frame) = 0;

 protected:
  ~SimulationOutput() = default;
};

class Simulator final : private FrameSink, private JudgementObserver {
 public:
  // Null: `error` says why this policy cannot be simulated.
  [[nodiscard]] static std::unique_ptr<Simulator> make(const CompiledPolicy& policy,
                                                       const GatewayPorts* ports, bool verify_checksums,
                                                       SimulationOutput& output, std::string& error);
  ~Simulator();

  // From now on frames go in exactly as they were captured, whatever their senders would have done behind
  // the gateway: for captures made by hand, whose ends lie.
  void take_verbatim() { verbatim_ = true; }
  void add(const CapturedFrame& frame);
  // Lets timers run out: refusals are repeated until given up, at most `settle_ns` of virtual time.
  void finish();
  [[nodiscard]] const WorkerCounters& counters() const;

 private:
  Simulator(SimulationOutput& output, bool verify_checksums);
  bool emit(std::uint8_t port, Bytes frame) noexcept override;
  void on_judgement(const JudgementReport& report) noexcept override;
  [[nodiscard]] std::uint8_t port_of(const ParsedFrame& parsed);
  void run_timers(std::uint64_t until_ns);
  void begin(std::uint64_t now_ns);
  void leave(std::uint8_t port, Bytes frame);

  SimulationOutput& output_;
  bool verify_checksums_;
  bool verbatim_ = false;
  RuleImage image_;
  EngineConfig config_;
  std::unique_ptr<LimitTable> limits_;
  std::unique_ptr<CountersBlock> counters_;
  std::vector<std::uint64_t> ring_;
  std::unique_ptr<Worker> worker_;
  std::map<Mac, std::uint8_t> seen_macs_;  // port at which a MAC was seen as source
  std::vector<std::uint8_t> buffer_;
  Counterfactual counterfactual_;
  std::uint64_t first_wall_ns_ = 0;
  std::uint64_t now_ns_ = 0;
  std::uint32_t number_ = 0;             // of the frame that went in last
  const ParsedFrame* parsed_ = nullptr;  // while it goes in
};

}  // namespace conduit
