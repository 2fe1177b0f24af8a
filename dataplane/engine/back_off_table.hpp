// Holds back SYNs of address pairs whose connections were reset again and again (DESIGN §5: the few
// connection slots of a PLC survive). Fixed size; of two pairs that meet in a slot the older makes room. One
// worker's own.
#pragma once

#include <array>
#include <cstdint>

#include "config/abi/limits.hpp"
#include "dataplane/engine/flow.hpp"

namespace conduit {

class BackOffTable {
 public:
  explicit BackOffTable(std::uint64_t seed) noexcept : seed_(seed | 1) {}
  void note_reset(const FlowKey& key, std::uint64_t now) noexcept;
  [[nodiscard]] bool held_back(const FlowKey& key, std::uint64_t now) const noexcept;

 private:
  struct Entry {
    std::uint64_t pair = 0;
    std::uint64_t last_ns = 0;
    std::uint64_t until_ns = 0;
    std::uint32_t count = 0;
  };
  [[nodiscard]] std::uint64_t pair_of(const FlowKey& key) const noexcept;

  std::uint64_t seed_;
  std::array<Entry, back_off_count> entries_{};
};

}  // namespace conduit
