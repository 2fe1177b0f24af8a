// Measuring: time and, where the kernel and the processor let us, instructions of a piece of work; results as
// table rows.
#pragma once

#include <cstdint>
#include <string_view>

namespace conduit::bench {

// Instructions in user space of this thread. `available` is false where perf_event_open is refused or the
// processor's counter is not there (most virtual machines).
class InstructionCounter {
 public:
  InstructionCounter() noexcept;
  ~InstructionCounter();
  InstructionCounter(const InstructionCounter&) = delete;
  InstructionCounter& operator=(const InstructionCounter&) = delete;
  [[nodiscard]] bool available() const noexcept { return descriptor_ >= 0; }
  void start() noexcept;
  [[nodiscard]] std::uint64_t stop() noexcept;

 private:
  int descriptor_ = -1;
};

struct Cost {
  double ns = 0;            // per turn, the best of the rounds
  double instructions = 0;  // per turn; 0 = not available
};

// Folds results, so that nothing that was measured can be optimised away and two runs can be compared.
class ResultHash {
 public:
  void add(std::uint64_t number) noexcept { hash_ = (hash_ ^ number) * 0x100000001B3ULL; }
  [[nodiscard]] std::uint64_t value() const noexcept { return hash_; }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
};

[[nodiscard]] std::uint64_t now_ns() noexcept;

// `work(turn)` for each turn of each round.
template <typename Work>
Cost measure(std::uint32_t rounds, std::uint32_t turns, Work&& work) {
  InstructionCounter counter;
  Cost best;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    const std::uint64_t begin = now_ns();
    counter.start();
    for (std::uint32_t turn = 0; turn < turns; ++turn) work(turn);
    const std::uint64_t instructions = counter.stop();
    const double ns = static_cast<double>(now_ns() - begin) / turns;
    if (round == 0 || ns < best.ns) best = {ns, static_cast<double>(instructions) / turns};
  }
  return best;
}

void print_head(std::string_view title);
void print_row(std::string_view name, const Cost& cost, const Cost& base, std::uint64_t hash);

}  // namespace conduit::bench
