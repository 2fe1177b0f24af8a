// The engine: frames in, verdicts out. Knows no DPDK, netfilter, files or clocks: time comes in, frames that
// it makes go out through a FrameSink. One Worker per thread; workers share nothing but the image and the
// table of rate limits.
//
// A back end's turn:   worker.begin(now, image) → worker.prepare(frames) → for each frame in order:
// worker.step(frame); FORWARD means: send `frame.data[0, size)` out of `frame.port_out` now, after whatever
// the sink got before it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "config/abi/counters.hpp"
#include "config/abi/event_record.hpp"
#include "config/abi/limits.hpp"
#include "protocols/core/operation.hpp"
#include "protocols/core/reason.hpp"
#include "protocols/core/rule_image.hpp"

namespace conduit {

enum class Disposition : std::uint8_t { CONSUME = 0, FORWARD = 1 };

enum FrameFlag : std::uint8_t {
  FRAME_IP_CHECKSUM_GOOD = 1U << 0,  // vouched for by the NIC
  FRAME_L4_CHECKSUM_GOOD = 1U << 1,
  FRAME_CHECKSUMS_UNKNOWN =
      1U << 2,  // captures with checksum offload: do not verify (never set by a live back end)
};

// A received frame, owned by the back end; the engine may change its bytes and shorten it in place.
struct Frame {
  std::uint8_t* data = nullptr;
  std::uint32_t size = 0;  // octets, without FCS
  std::uint8_t port_in = 0;
  std::uint8_t port_out = 0;  // set by step
  std::uint8_t flags = 0;     // FrameFlag
};

// Where frames go that the engine makes itself (released tails, refusals, resets). Called in sending order.
class FrameSink {
 public:
  // `frame` is valid during the call only. False: no room, the frame is lost (the engine counts it; TCP sends
  // again).
  virtual bool emit(std::uint8_t port, Bytes frame) noexcept = 0;

 protected:
  ~FrameSink() = default;
};

struct ParsedFrame;  // frame.hpp

// One judgement, for `simulate` and tests. Frame-level denials have pdu_size 0.
struct JudgementReport {
  Verdict verdict = Verdict::DROP;
  Reason reason = Reason::NONE;
  bool observed = false;  // the conduit only observes: forwarded all the same
  bool opaque = false;    // forwarded by a rule without inspection
  bool client_sent = true;
  PduKind kind = PduKind::REQUEST;
  ProtocolId protocol = ProtocolId::NONE;
  std::uint32_t rule = none_index;  // RULES index
  std::uint32_t conduit = none_index;
  std::uint32_t source_asset = none_index;
  std::uint32_t destination_asset = none_index;
  std::uint32_t pdu_size = 0;
  std::uint32_t operation_count = 0;  // judged, the condemning one included
  Bytes pdu{};                        // judged part; valid during the call only
  // Frame-level denials: the frame; of a timer, a frame that holds what is known of its flow, without octets.
  const ParsedFrame* frame = nullptr;
  const Operation* operation = nullptr;  // the condemning one, or the last
};

class JudgementObserver {
 public:
  virtual void on_judgement(const JudgementReport& report) noexcept = 0;

 protected:
  ~JudgementObserver() = default;
};

// Running state of rate limits (GCRA), shared by all workers of a data plane.
class LimitTable;

struct EngineConfig {
  EngineLimits limits{};
  std::uint8_t port_count = 2;
  std::uint8_t peer[port_count_max] = {1, 0};  // port_out of each port_in; itself = unpaired
  std::uint16_t worker_index = 0;
  std::uint64_t boot_id = 0;
  std::uint64_t hash_seed = 0;  // random, from outside
  JudgementObserver* observer = nullptr;
};

class Worker {
 public:
  // Takes all memory now; `ring` and `counters` are mapped by the caller and outlive the worker.
  static std::unique_ptr<Worker> create(const EngineConfig& config, LimitTable& limits, EventRing* ring,
                                        CountersBlock* counters, FrameSink& sink);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Once per turn, before prepare: monotonic time, wall clock (for events), image in force (null: forward
  // nothing).
  void begin(std::uint64_t now_ns, std::uint64_t wall_ns, TimeQuality quality, const RuleImage* image,
             bool island) noexcept;
  // Parses a burst and fetches flows ahead of time. At most burst_size frames.
  void prepare(std::span<Frame> burst) noexcept;
  // Judges the next frame of the burst, in order.
  [[nodiscard]] Disposition step(Frame& frame) noexcept;
  // Timers: ageing, repeats of refusals, re-classification, commit of counters. Call about every millisecond
  // when busy, and at `next_deadline` when idle. Bounded work per call.
  void tick() noexcept;
  // Monotonic time at which tick has something to do at the latest; UINT64_MAX when nothing waits.
  [[nodiscard]] std::uint64_t next_deadline() const noexcept;

  [[nodiscard]] const WorkerCounters& counters() const noexcept;
  void commit_counters() noexcept;

  struct Impl;

 private:
  explicit Worker(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

// The worker that owns a frame: hash over VLAN and both addresses (never ports); group traffic goes to worker
// 0.
[[nodiscard]] std::uint32_t owner_of(Bytes frame, std::uint32_t worker_count) noexcept;

}  // namespace conduit
