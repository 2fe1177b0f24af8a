// Seeded randomness of the simulation: the same seed gives the same run on every machine (no <random>
// distributions: their results are the library's choice).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace conduit::simulation {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  // SplitMix64.
  std::uint64_t next() noexcept {
    state_ += 0x9E3779B97F4A7C15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  // 0 … bound − 1; 0 for a bound of 0.
  std::uint64_t below(std::uint64_t bound) noexcept { return bound == 0 ? 0 : next() % bound; }
  // first … last, both included.
  std::uint64_t between(std::uint64_t first, std::uint64_t last) noexcept {
    return first + below(last - first + 1);
  }
  bool chance(std::uint64_t of, std::uint64_t in) noexcept { return below(in) < of; }
  template <typename T>
  const T& pick(const std::vector<T>& from) noexcept {
    return from[static_cast<std::size_t>(below(from.size()))];
  }
  // An independent stream: what one part draws does not change what another part gets, so that a run stays
  // alike when a part of it is left out.
  [[nodiscard]] Random fork(std::string_view name, std::uint64_t number = 0) const noexcept {
    std::uint64_t hash = state_ ^ (number * 0xD6E8FEB86659FD93);
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
    Random mixed(hash);
    return Random(mixed.next());
  }

 private:
  std::uint64_t state_;
};

}  // namespace conduit::simulation
