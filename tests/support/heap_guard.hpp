// HeapGuard: counts what the calling thread takes from the heap while it lives. For parts that take no memory
// after start:
//
//   HeapGuard guard;
//   worker.step(frame);
//   CHECK(guard.allocations() == 0);
//
// Counts every operator new and every malloc, calloc, realloc of the program. Link conduit_heap_guard.
#pragma once

#include <cstdint>

namespace conduit::test {

class HeapGuard {
 public:
  HeapGuard() noexcept;
  // Allocations of this thread since the guard was made.
  [[nodiscard]] std::uint64_t allocations() const noexcept;

 private:
  std::uint64_t begun_at_;
};

}  // namespace conduit::test
