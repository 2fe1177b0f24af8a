// One worker's life. Poll while there is traffic, pause for a short while after it, then block on the
// doorbells.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <ctime>

#include "dataplane/engine/engine.hpp"
#include "dataplane/runtime.hpp"

namespace conduit {

inline constexpr std::uint64_t spin_ns = 20'000;  // polled after the last frame before blocking
inline constexpr std::uint64_t wait_ns_max =
    5'000'000;  // one block; bounds a wake-up whose doorbell was missed
inline constexpr std::uint64_t tick_ns = 1'000'000;

[[nodiscard]] inline std::uint64_t read_clock(clockid_t clock) noexcept {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000ULL + static_cast<std::uint64_t>(now.tv_nsec);
}

template <typename Queue>
void run_worker(Queue& queue, Worker& worker, Runtime& runtime, std::size_t index) noexcept {
  std::uint64_t ticked_ns = 0;
  std::uint64_t busy_ns = 0;
  while (!runtime.stop.load(std::memory_order_relaxed)) {
    const ImageSlot* slot = runtime.image.load(std::memory_order_acquire);
    const bool island = runtime.island.load(std::memory_order_relaxed);
    const std::uint64_t now = read_clock(CLOCK_MONOTONIC);
    const auto quality = static_cast<TimeQuality>(runtime.time_quality.load(std::memory_order_relaxed));
    worker.begin(now, read_clock(CLOCK_REALTIME), quality, slot == nullptr ? nullptr : &slot->view, island);
    runtime.seen[index].serial.store(slot == nullptr ? 0 : slot->serial, std::memory_order_release);
    runtime.seen[index].island.store(island, std::memory_order_relaxed);

    const std::span<Frame> frames = queue.receive();
    if (!frames.empty()) {
      worker.prepare(frames);
      for (std::size_t frame = 0; frame < frames.size(); ++frame) {
        if (worker.step(frames[frame]) == Disposition::FORWARD) {
          queue.forward(frame);
        } else {
          queue.consume(frame);
        }
      }
      busy_ns = now;
    }
    if (now - ticked_ns >= tick_ns) {
      worker.tick();
      ticked_ns = now;
    }
    queue.flush();
    if (!frames.empty()) continue;
    if (now - busy_ns < spin_ns) {
      _mm_pause();
      continue;
    }
    worker.commit_counters();
    const std::uint64_t deadline = worker.next_deadline();
    queue.wait(deadline <= now ? tick_ns : std::min(deadline - now, wait_ns_max));
  }
  worker.commit_counters();
}

}  // namespace conduit
