#include "tests/bench/measure.hpp"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <ctime>

namespace conduit::bench {

InstructionCounter::InstructionCounter() noexcept {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.size = sizeof attributes;
  attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
  attributes.disabled = 1;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  descriptor_ = static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

InstructionCounter::~InstructionCounter() {
  if (descriptor_ >= 0) close(descriptor_);
}

void InstructionCounter::start() noexcept {
  if (descriptor_ < 0) return;
  ioctl(descriptor_, PERF_EVENT_IOC_RESET, 0);
  ioctl(descriptor_, PERF_EVENT_IOC_ENABLE, 0);
}

std::uint64_t InstructionCounter::stop() noexcept {
  if (descriptor_ < 0) return 0;
  ioctl(descriptor_, PERF_EVENT_IOC_DISABLE, 0);
  std::uint64_t count = 0;
  return read(descriptor_, &count, sizeof count) == sizeof count ? count : 0;
}

std::uint64_t now_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

void print_head(std::string_view title) {
  std::printf("\n%-44.*s %10s %13s %7s  %s\n", static_cast<int>(title.size()), title.data(), "ns",
              "instructions", "ratio", "result");
}

void print_row(std::string_view name, const Cost& cost, const Cost& base, std::uint64_t hash) {
  char instructions[32] = "n/a";
  if (cost.instructions > 0) std::snprintf(instructions, sizeof instructions, "%.1f", cost.instructions);
  std::printf("  %-42.*s %10.1f %13s %7.2f  %016" PRIx64 "\n", static_cast<int>(name.size()), name.data(),
              cost.ns, instructions, base.ns > 0 ? cost.ns / base.ns : 0.0, hash);
}

}  // namespace conduit::bench
