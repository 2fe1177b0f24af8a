// Running state of rate limits, shared by all workers of a data plane and carried over image swaps: found by
// LimitRecord::state_id. Lock-free; all memory is taken by the constructor.
//
// Algorithm: GCRA (ITU-T I.371, virtual scheduling). A limit of n operations per period lets n pass at once
// and then one each period / n; operations that are denied cost nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "protocols/core/rule_image.hpp"

namespace conduit {

class LimitTable {
 public:
  explicit LimitTable(std::uint32_t limit_count);

  // May one more operation pass at `now` (monotonic)? True: it has been counted. A limit for which there is
  // no room left permits nothing.
  [[nodiscard]] bool acquire(const LimitRecord& limit, std::uint64_t now) noexcept;

 private:
  struct Slot {
    std::atomic<std::uint64_t> id{0};       // 0: empty
    std::atomic<std::uint64_t> arrival{0};  // theoretical arrival time of the next operation
  };
  [[nodiscard]] Slot* find(std::uint64_t id, std::uint64_t now) noexcept;

  std::uint32_t mask_ = 0;
  std::unique_ptr<Slot[]> slots_;
};

}  // namespace conduit
