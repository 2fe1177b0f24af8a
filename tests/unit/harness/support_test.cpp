#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/heap_guard.hpp"
#include "tests/support/hex.hpp"

using conduit::test::HeapGuard;
using conduit::test::hex;

TEST_CASE("hex reads pairs of digits and refuses everything else") {
  CHECK(hex("").empty());
  CHECK(hex("00ff aB\n7e") == std::vector<std::uint8_t>{0x00, 0xff, 0xab, 0x7e});
  CHECK_THROWS(hex("0"));
  CHECK_THROWS(hex("0 0"));
  CHECK_THROWS(hex("0x"));
}

TEST_CASE("the heap guard sees what is taken, and nothing else") {
  std::vector<int> numbers(100);
  const HeapGuard guard;
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int>(i);
  CHECK(guard.allocations() == 0);
  const auto one = std::make_unique<int>(1);
  const std::uint64_t after_one = guard.allocations();
  struct alignas(64) Line {
    int value = 2;
  };
  const auto aligned = std::make_unique<Line>();
  const std::uint64_t after_aligned = guard.allocations();
  numbers.resize(1000);
  const std::uint64_t after_growth = guard.allocations();
  CHECK(after_one == 1);
  CHECK(after_aligned == 2);
  CHECK(after_growth == 3);
  CHECK(reinterpret_cast<std::uintptr_t>(aligned.get()) % 64 == 0);
}

TEST_CASE("the heap guard counts its own thread only") {
  std::thread other;
  std::uint64_t seen_here = 1;
  std::uint64_t seen_there = 0;
  other = std::thread([&seen_there] {
    const HeapGuard guard;
    const std::string text(1000, 'x');
    seen_there = text.empty() ? 0 : guard.allocations();
  });
  const HeapGuard guard;
  seen_here = guard.allocations();
  other.join();
  CHECK(seen_here == 0);
  CHECK(seen_there == 1);
}
