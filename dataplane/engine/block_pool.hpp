// Blocks of one worker: where the TCP gate keeps bytes that have left and are not acknowledged, tails that
// wait for their rest, segments that came too early and replies of its own. All are taken at start; an empty
// pool is answered by dropping what found no room. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "config/abi/limits.hpp"
#include "protocols/core/decoder.hpp"
#include "protocols/core/rule_image.hpp"

namespace conduit {

inline constexpr std::uint32_t block_size = 2048;       // octets
inline constexpr std::uint32_t modest_block_count = 2;  // what a stream may take of the reserve
// The unjudged bytes of one stream, contiguous: a held tail, one segment and all early ones behind it.
inline constexpr std::size_t assembly_size = 48 * 1024;
static_assert(assembly_size >= held_size_max + (1 + out_of_order_segment_count_max) * frame_size_max);
static_assert(block_size >= frame_size_max && block_size >= refusal_size_max);

class BlockPool {
 public:
  explicit BlockPool(std::uint32_t block_count);

  // A block's number, or none_index.
  [[nodiscard]] std::uint32_t take() noexcept {
    const std::uint32_t block = free_;
    if (block == none_index) return none_index;
    free_ = next_[block];
    next_[block] = none_index;
    ++in_use_;
    return block;
  }
  void give_back(std::uint32_t block) noexcept {
    next_[block] = free_;
    free_ = block;
    --in_use_;
  }

  [[nodiscard]] std::uint8_t* data(std::uint32_t block) noexcept {
    return octets_.get() + std::size_t{block} * block_size;
  }
  [[nodiscard]] const std::uint8_t* data(std::uint32_t block) const noexcept {
    return octets_.get() + std::size_t{block} * block_size;
  }
  // The block behind this one in its owner's chain.
  [[nodiscard]] std::uint32_t& next(std::uint32_t block) noexcept { return next_[block]; }
  [[nodiscard]] std::uint32_t next(std::uint32_t block) const noexcept { return next_[block]; }

  [[nodiscard]] std::uint32_t in_use() const noexcept { return in_use_; }
  [[nodiscard]] std::uint32_t available() const noexcept { return capacity_ - in_use_; }
  // May a stream that has `held` blocks take `count` more? The last quarter is for those that need little:
  // who fills the pool slows itself down, not the polls of others.
  [[nodiscard]] bool grants(std::uint32_t count, std::uint32_t held) const noexcept {
    const std::uint32_t reserve = held + count > modest_block_count ? capacity_ / 4 : 0;
    return available() >= reserve && available() - reserve >= count;
  }

  // Working space for one call of the gate; nothing in it outlives the call.
  std::array<std::uint8_t, assembly_size> assembly{};
  std::array<std::uint8_t, assembly_size> renumbered{};
  std::array<std::uint8_t, frame_size_max> frame{};
  std::array<std::uint8_t, refusal_size_max> reply{};

 private:
  std::uint32_t capacity_ = 0;
  std::uint32_t in_use_ = 0;
  std::uint32_t free_ = none_index;
  std::unique_ptr<std::uint8_t[]> octets_;
  std::unique_ptr<std::uint32_t[]> next_;
};

}  // namespace conduit
