#include "tests/support/heap_guard.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

// A sanitizer owns malloc; there only operator new is counted.
#if defined(__SANITIZE_ADDRESS__)
#define CONDUIT_COUNT_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CONDUIT_COUNT_MALLOC 0
#endif
#endif
#ifndef CONDUIT_COUNT_MALLOC
#define CONDUIT_COUNT_MALLOC 1
#endif

namespace {

constinit thread_local std::uint64_t allocation_count = 0;

void* allocate(std::size_t size, std::size_t alignment, const std::nothrow_t&) noexcept {
#if !CONDUIT_COUNT_MALLOC
  ++allocation_count;  // else malloc and aligned_alloc below count
#endif
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  return alignment > alignof(std::max_align_t) ? std::aligned_alloc(alignment, rounded) : std::malloc(size);
}

void* allocate(std::size_t size, std::size_t alignment) {
  void* at = allocate(size, alignment, std::nothrow);
  if (at == nullptr) throw std::bad_alloc();
  return at;
}

}  // namespace

#if CONDUIT_COUNT_MALLOC
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* at, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) noexcept {
  ++allocation_count;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  ++allocation_count;
  return __libc_calloc(count, size);
}
void* realloc(void* at, std::size_t size) noexcept {
  ++allocation_count;
  return __libc_realloc(at, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  ++allocation_count;
  return __libc_memalign(alignment, size);
}
}
#endif

void* operator new(std::size_t size) { return allocate(size == 0 ? 1 : size, 1); }
void* operator new[](std::size_t size) { return allocate(size == 0 ? 1 : size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size == 0 ? 1 : size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size == 0 ? 1 : size, static_cast<std::size_t>(alignment));
}
// std::stable_sort takes its buffer so.
void* operator new(std::size_t size, const std::nothrow_t& tag) noexcept {
  return allocate(size == 0 ? 1 : size, 1, tag);
}
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept {
  return allocate(size == 0 ? 1 : size, 1, tag);
}
void operator delete(void* at) noexcept { std::free(at); }
void operator delete[](void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
void operator delete[](void* at, std::size_t) noexcept { std::free(at); }
void operator delete(void* at, std::align_val_t) noexcept { std::free(at); }
void operator delete[](void* at, std::align_val_t) noexcept { std::free(at); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept { std::free(at); }
void operator delete[](void* at, std::size_t, std::align_val_t) noexcept { std::free(at); }

namespace conduit::test {

HeapGuard::HeapGuard() noexcept : begun_at_{allocation_count} {}

std::uint64_t HeapGuard::allocations() const noexcept { return allocation_count - begun_at_; }

}  // namespace conduit::test
