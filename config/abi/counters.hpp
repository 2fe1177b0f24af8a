// Counters in shared memory: written by one worker each (private copy, committed about every thousand turns
// and when idle), read by anybody. One block per worker.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "config/abi/limits.hpp"
#include "protocols/core/reason.hpp"

namespace conduit {

inline constexpr std::uint64_t counters_magic = 0x31544e4f43444e43;  // "CNDCONT1"
inline constexpr std::uint32_t counters_abi = 1;
inline constexpr std::size_t conduit_counter_count =
    256;  // conduits with counters of their own; the rest share the last

struct PortCounters {
  std::uint64_t frames_in = 0;
  std::uint64_t octets_in = 0;
  std::uint64_t frames_out = 0;
  std::uint64_t octets_out = 0;
};

struct ConduitCounters {
  std::uint64_t messages_inspected = 0;  // forwarded PDUs (or datagrams) that were decoded and judged
  std::uint64_t messages_opaque = 0;     // forwarded by a rule without inspection (TCP: segments with data)
  std::uint64_t octets_inspected = 0;
  std::uint64_t octets_opaque = 0;
  std::uint64_t denied = 0;    // PDUs, datagrams or frames
  std::uint64_t observed = 0;  // would have been denied, but the conduit only observes
};

struct WorkerCounters {
  std::array<std::uint64_t, reason_number_end> reason{};  // frames or PDUs by reason, index = number
  std::array<PortCounters, port_count_max> port{};
  std::array<ConduitCounters, conduit_counter_count> conduit{};
  std::uint64_t flows_created = 0;
  std::uint64_t flows_removed = 0;
  std::uint64_t flows_live = 0;
  std::uint64_t flows_half_open = 0;
  std::uint64_t blocks_in_use = 0;
  std::uint64_t operations_judged = 0;
  std::uint64_t tails_held = 0;
  std::uint64_t tails_released = 0;
  std::uint64_t refusals_sent = 0;
  std::uint64_t refusals_repeated = 0;
  std::uint64_t resets_sent = 0;
  std::uint64_t quirks_used = 0;
  std::uint64_t events_written = 0;
  std::uint64_t events_lost = 0;
  std::uint64_t generation = 0;    // image in force
  std::uint64_t island = 0;        // 1 in island mode
  std::uint64_t heartbeat_ns = 0;  // monotonic time of the last commit
};

struct CountersBlock {
  std::uint64_t magic = counters_magic;
  std::uint32_t abi = counters_abi;
  std::uint32_t size = 0;                             // sizeof(CountersBlock)
  alignas(64) std::atomic<std::uint64_t> version{0};  // odd while being written (seqlock)
  alignas(64) WorkerCounters values{};
};

}  // namespace conduit
