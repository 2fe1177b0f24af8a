// KeptBytes: a bounded queue of stream bytes, small ones in place, more in blocks of the pool.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>

#include "dataplane/engine/block_pool.hpp"
#include "dataplane/engine/tcp_state.hpp"
#include "protocols/core/bytes.hpp"

namespace conduit {

// False: the pool has no room; nothing was changed.
[[nodiscard]] bool kept_append_blocks(BlockPool& pool, KeptBytes& kept, Bytes bytes) noexcept;
[[nodiscard]] inline bool kept_append(BlockPool& pool, KeptBytes& kept, Bytes bytes) noexcept {
  const std::size_t end = std::size_t{kept.begin} + kept.size;
  const bool fits =
      kept.first == none_index && bytes.size() <= kept_small_size - std::min(end, kept_small_size);
  if (!fits) return kept_append_blocks(pool, kept, bytes);
  if (!bytes.empty()) std::memcpy(kept.small.data() + end, bytes.data(), bytes.size());
  kept.size += static_cast<std::uint32_t>(bytes.size());
  return true;
}
// Lets go of the first `count` (≤ size) octets.
void kept_drop(BlockPool& pool, KeptBytes& kept, std::uint32_t count) noexcept;
// Lets go of the last `count` (≤ size) octets.
void kept_shorten(BlockPool& pool, KeptBytes& kept, std::uint32_t count) noexcept;
void kept_clear(BlockPool& pool, KeptBytes& kept) noexcept;
// Writes over octets that are there: `offset` + size of the bytes ≤ kept.size.
void kept_write(BlockPool& pool, KeptBytes& kept, std::uint32_t offset, Bytes bytes) noexcept;
// The same octets once more, in place of what `to` held. False: the pool has no room; `to` is empty.
[[nodiscard]] bool kept_clone(BlockPool& pool, const KeptBytes& kept, KeptBytes& to) noexcept;
// `offset` + size of the range ≤ kept.size.
void kept_copy(const BlockPool& pool, const KeptBytes& kept, std::uint32_t offset,
               std::span<std::uint8_t> out) noexcept;
[[nodiscard]] bool kept_equal(const BlockPool& pool, const KeptBytes& kept, std::uint32_t offset,
                              Bytes bytes) noexcept;

}  // namespace conduit
