#include "dataplane/engine/limit_table.hpp"

#include <algorithm>
#include <bit>

namespace conduit {
namespace {

constexpr std::uint32_t probe_count_max = 32;

}  // namespace

LimitTable::LimitTable(std::uint32_t limit_count)
    : mask_(std::bit_ceil(std::max<std::uint32_t>(limit_count, probe_count_max)) * 2 - 1),
      slots_(std::make_unique<Slot[]>(std::size_t{mask_} + 1)) {}

LimitTable::Slot* LimitTable::find(std::uint64_t id, std::uint64_t now) noexcept {
  const auto home = static_cast<std::uint32_t>((id * 0x9E3779B97F4A7C15) >> 32);
  for (std::uint32_t step = 0; step < probe_count_max; ++step) {
    Slot& slot = slots_[(home + step) & mask_];
    std::uint64_t present = slot.id.load(std::memory_order_acquire);
    if (present == id) return &slot;
    if (present == 0 && slot.id.compare_exchange_strong(present, id, std::memory_order_acq_rel)) return &slot;
    if (present == id) return &slot;  // another worker was faster
  }
  // A limit whose time has run out is as good as new: its slot may serve another.
  for (std::uint32_t step = 0; step < probe_count_max; ++step) {
    Slot& slot = slots_[(home + step) & mask_];
    std::uint64_t present = slot.id.load(std::memory_order_acquire);
    if (slot.arrival.load(std::memory_order_acquire) > now) continue;
    if (slot.id.compare_exchange_strong(present, id, std::memory_order_acq_rel)) return &slot;
  }
  return nullptr;
}

bool LimitTable::acquire(const LimitRecord& limit, std::uint64_t now) noexcept {
  if (limit.operations == 0 || limit.per_ns == 0) return false;
  Slot* const slot = find(limit.state_id == 0 ? 1 : limit.state_id, now);
  if (slot == nullptr) return false;
  const std::uint64_t interval = std::max<std::uint64_t>(limit.per_ns / limit.operations, 1);
  const std::uint64_t tolerance = limit.per_ns - std::min(interval, limit.per_ns);
  std::uint64_t arrival = slot->arrival.load(std::memory_order_relaxed);
  do {
    if (arrival > now && arrival - now > tolerance) return false;
  } while (!slot->arrival.compare_exchange_weak(arrival, std::max(arrival, now) + interval,
                                                std::memory_order_relaxed));
  return true;
}

}  // namespace conduit
