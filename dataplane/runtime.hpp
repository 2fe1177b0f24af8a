// What the control thread and the workers of one data plane share: the image in force, island mode, the stop
// sign.
//
// Publishing an image: the control thread stores the slot; each worker takes it at the start of its next turn
// and says so in `seen`; when all have, the old slot is unmapped. No lock, nothing waited for on the fast
// path.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "config/abi/event_record.hpp"
#include "config/abi/limits.hpp"
#include "protocols/core/rule_image.hpp"

namespace conduit {

struct ImageSlot {
  RuleImage view;
  void* mapping = nullptr;
  std::size_t size = 0;
  std::uint64_t serial = 0;  // counts the images of this process, from 1
};

struct Runtime {
  std::atomic<bool> stop{false};
  std::atomic<bool> island{false};
  std::atomic<std::uint8_t> time_quality{0};
  std::atomic<const ImageSlot*> image{nullptr};
  struct alignas(64) Seen {
    std::atomic<std::uint64_t> serial{0};
    std::atomic<bool> island{false};
  };
  std::array<Seen, worker_count_max> seen{};
};

}  // namespace conduit
