// Virtual time: tasks in order of time, equal times in order of entry.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace conduit::simulation {

inline constexpr std::uint64_t microsecond = 1'000;
inline constexpr std::uint64_t millisecond = 1'000'000;
inline constexpr std::uint64_t second = 1'000'000'000;

class Scheduler {
 public:
  using Task = std::function<void()>;

  [[nodiscard]] std::uint64_t now() const noexcept { return now_ns_; }
  void at(std::uint64_t when_ns, Task task) {
    tasks_.emplace(std::make_pair(when_ns < now_ns_ ? now_ns_ : when_ns, order_++), std::move(task));
  }
  void after(std::uint64_t delay_ns, Task task) { at(now_ns_ + delay_ns, std::move(task)); }
  // Runs the next task that is due until `end_ns`; false: there is none (time then stands at `end_ns`).
  bool step(std::uint64_t end_ns) {
    const auto first = tasks_.begin();
    if (first == tasks_.end() || first->first.first > end_ns) {
      now_ns_ = end_ns;
      return false;
    }
    now_ns_ = first->first.first;
    const Task task = std::move(first->second);
    tasks_.erase(first);
    task();
    return true;
  }
  [[nodiscard]] bool idle() const noexcept { return tasks_.empty(); }

 private:
  std::uint64_t now_ns_ = second;
  std::uint64_t order_ = 0;
  std::map<std::pair<std::uint64_t, std::uint64_t>, Task> tasks_;
};

}  // namespace conduit::simulation
