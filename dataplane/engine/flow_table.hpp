// Flow table of one worker: fixed number of records taken at start, a seeded hash with chaining, a timer
// wheel for ageing and for the gate's timers. Every operation is O(1); nothing is allocated after
// construction. Not thread-safe.
//
// A key is found whichever side sent the frame: the hash is symmetric in its two endpoints.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/engine/checksum.hpp"
#include "dataplane/engine/flow.hpp"
#include "dataplane/engine/frame.hpp"

namespace conduit {

inline constexpr std::size_t flow_state_count = 5;

class FlowTable {
 public:
  FlowTable(const EngineLimits& limits, std::uint64_t seed);

  [[nodiscard]] std::uint32_t hash(const ParsedFrame& frame, std::uint8_t port_pair) const noexcept;
  [[nodiscard]] std::uint32_t hash(const FlowKey& key) const noexcept;

  // First the bucket, later (when it has arrived) the flow behind it.
  void prefetch_bucket(std::uint32_t hash) const noexcept;
  void prefetch_flow(std::uint32_t hash) const noexcept;

  // The flow of this frame, or null; `sender` is then the side that sent it.
  [[nodiscard]] Flow* find(std::uint32_t hash, const ParsedFrame& frame, std::uint8_t port_pair,
                           Side& sender) noexcept;
  // By key, from side 0's or side 1's view (`sender` 1: key.address[0] is the flow's side 1).
  [[nodiscard]] Flow* find(const FlowKey& key, Side& sender) noexcept;

  // A zeroed record that is not yet in the table; null: none is left.
  [[nodiscard]] Flow* take() noexcept;
  void give_back(Flow& flow) noexcept;  // a taken record that did not get into the table
  void insert(Flow& flow) noexcept;     // key and state are set
  void remove(Flow& flow) noexcept;     // out of chain, wheel and counts; back to the free records

  [[nodiscard]] std::uint32_t live() const noexcept { return live_; }
  [[nodiscard]] std::uint32_t count(FlowState state) const noexcept {
    return count_[static_cast<std::size_t>(state)];
  }
  // Flows in the table of the same kind (connection, or anything else) from the address that opened this one;
  // of its connections, those not yet established.
  [[nodiscard]] std::uint32_t of_source(const Flow& flow) const noexcept;
  [[nodiscard]] std::uint32_t half_open_of_source(const Flow& flow) const noexcept;
  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
  // By number, for sweeps; may be FREE.
  [[nodiscard]] Flow& at(std::uint32_t slot) noexcept { return flows_[slot]; }

  // Counts the flow by its present state and files it by `deadline`, if that is earlier than it is filed now.
  void settle(Flow& flow, std::uint64_t deadline) noexcept;
  void file(Flow& flow, std::uint64_t deadline) noexcept;
  // A flow that was filed for a time up to `now`, taken out of the wheel; null: none. Flows come at or up to
  // a millisecond after their deadline, or before it (then they are to be filed again). At most `budget`
  // steps.
  [[nodiscard]] Flow* due(std::uint64_t now, std::uint32_t& budget) noexcept;
  // Time by which `due` has to be asked again.
  [[nodiscard]] std::uint64_t next_due() const noexcept;

 private:
  static constexpr std::size_t level_count = 4;
  static constexpr std::size_t position_count = 256;
  static constexpr std::uint32_t shift(std::size_t level) noexcept {
    return static_cast<std::uint32_t>(20 + 8 * level);  // 1 ms, 0.27 s, 69 s, 4.9 h a step
  }
  struct Level {
    std::uint64_t next = 0;  // first step that has not been gone through
    std::array<std::uint64_t, position_count / 64> occupied{};
    std::array<std::uint32_t, position_count> head{};
  };

  [[nodiscard]] static bool same(const FlowKey& key, const ParsedFrame& frame, std::uint8_t port_pair,
                                 Side& sender) noexcept;
  struct SourceCount {
    std::uint32_t connections = 0;
    std::uint32_t others = 0;
    std::uint32_t half_open = 0;
  };
  [[nodiscard]] std::uint16_t source_of(const FlowKey& key) const noexcept;
  void count_as(Flow& flow, FlowState state) noexcept;
  void unfile(Flow& flow) noexcept;
  // First occupied step of the level from `next` on, below `end`; `end` if none.
  [[nodiscard]] std::uint64_t first_occupied(const Level& level, std::uint64_t end) const noexcept;
  [[nodiscard]] std::uint64_t mix_endpoint(const Address& address, std::uint16_t port) const noexcept;

  std::uint64_t seed_[3]{};
  std::uint32_t capacity_ = 0;
  std::uint32_t mask_ = 0;
  std::uint32_t free_ = none_index;
  std::uint32_t live_ = 0;
  std::array<std::uint32_t, flow_state_count> count_{};
  std::unique_ptr<Flow[]> flows_;
  std::unique_ptr<std::uint32_t[]> buckets_;
  std::unique_ptr<SourceCount[]> sources_;
  std::array<Level, level_count> level_{};
};

// --- what every frame asks -------------------------------------------------------------------------------

// Multiply and fold: each half of the product depends on all bits of both factors.
[[nodiscard]] inline std::uint64_t fold_product(std::uint64_t a, std::uint64_t b) noexcept {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t FlowTable::mix_endpoint(const Address& address, std::uint16_t port) const noexcept {
  return fold_product(load_native<std::uint64_t>(address.data()) ^ seed_[0] ^ port,
                      load_native<std::uint64_t>(address.data() + 8) ^ seed_[1]);
}

inline std::uint32_t FlowTable::hash(const ParsedFrame& frame, std::uint8_t port_pair) const noexcept {
  const std::uint64_t ends =
      mix_endpoint(frame.source, frame.source_port) + mix_endpoint(frame.destination, frame.destination_port);
  const std::uint64_t rest =
      (std::uint64_t{frame.vlan} << 16) | (std::uint64_t{frame.ip_protocol} << 8) | port_pair;
  return static_cast<std::uint32_t>(fold_product(ends ^ seed_[2], rest ^ seed_[0]));
}

inline bool FlowTable::same(const FlowKey& key, const ParsedFrame& frame, std::uint8_t port_pair,
                            Side& sender) noexcept {
  const auto is_end = [&key](Side side, const Address& address, std::uint16_t port) {
    return key.l4_port[side] == port && same_address(key.address[side], address);
  };
  const bool of_kind =
      key.vlan == frame.vlan && key.ip_protocol == frame.ip_protocol && key.port_pair == port_pair;
  if (!of_kind) return false;
  sender = is_end(0, frame.source, frame.source_port) ? 0 : 1;
  return (sender == 0 || is_end(1, frame.source, frame.source_port)) &&
         is_end(other(sender), frame.destination, frame.destination_port);
}

inline Flow* FlowTable::find(std::uint32_t hash, const ParsedFrame& frame, std::uint8_t port_pair,
                             Side& sender) noexcept {
  for (std::uint32_t slot = buckets_[hash & mask_]; slot != none_index; slot = flows_[slot].table_next) {
    Flow& flow = flows_[slot];
    if (flow.hash == hash && same(flow.key, frame, port_pair, sender)) return &flow;
  }
  return nullptr;
}

}  // namespace conduit
