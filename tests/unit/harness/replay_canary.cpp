// A fuzz target with planted faults, to see that the replayer, the sanitizers and libFuzzer find them:
// "refuse" is refused, "overread" is read one byte beyond its end, "overflow" overflows a signed integer.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace {

// noinline and volatile: the optimiser must not see through the fault.
[[gnu::noinline]] int read_at(const std::uint8_t* data, std::size_t index) {
  const volatile std::uint8_t* at = data + index;
  return *at;
}

[[gnu::noinline]] int add(int a, int b) { return a + b; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  volatile int sink = 0;
  if (text == "refuse") return -1;
  if (text.starts_with("ov") && text == "overread") sink = read_at(data, size);
  if (text == "overflow") sink = add(std::numeric_limits<int>::max(), static_cast<int>(size));
  static_cast<void>(sink);
  return 0;
}
