#include "dataplane/engine/tcp_gate_kept.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace conduit {
namespace {

// Walks the pieces of [offset, offset + size); `piece(at, done, count)` is told each of them.
template <typename Piece>
void for_each_piece(const BlockPool& pool, const KeptBytes& kept, std::uint32_t offset, std::size_t size,
                    Piece piece) noexcept {
  if (size == 0) return;
  if (kept.first == none_index) {
    piece(kept.small.data() + kept.begin + offset, std::size_t{0}, size);
    return;
  }
  std::uint32_t block = kept.first;
  std::uint32_t at = kept.begin + offset;
  for (; at >= block_size; at -= block_size) block = pool.next(block);
  for (std::size_t done = 0; done < size; at = 0) {
    const std::size_t count = std::min<std::size_t>(size - done, block_size - at);
    piece(pool.data(block) + at, done, count);
    done += count;
    if (done < size) block = pool.next(block);
  }
}

// Appends blocks so that `size` octets more find room.
[[nodiscard]] bool grow(BlockPool& pool, KeptBytes& kept, std::size_t size) noexcept {
  const std::size_t have =
      kept.first == none_index ? 0 : (kept.begin + kept.size + block_size - 1) / block_size;
  const std::size_t begin = kept.first == none_index ? 0 : kept.begin;
  const std::size_t want = (begin + kept.size + size + block_size - 1) / block_size;
  if (want > have &&
      !pool.grants(static_cast<std::uint32_t>(want - have), static_cast<std::uint32_t>(have))) {
    return false;
  }
  for (std::size_t count = have; count < want; ++count) {
    const std::uint32_t block = pool.take();
    if (count == 0) {
      std::memcpy(pool.data(block), kept.small.data() + kept.begin, kept.size);
      kept.first = block;
      kept.begin = 0;
    } else {
      pool.next(kept.last) = block;
    }
    kept.last = block;
  }
  return true;
}

}  // namespace

bool kept_append_blocks(BlockPool& pool, KeptBytes& kept, Bytes bytes) noexcept {
  if (bytes.empty()) return true;
  if (kept.first == none_index && kept.size + bytes.size() <= kept_small_size) {
    if (kept.begin + kept.size + bytes.size() > kept_small_size) {
      std::memmove(kept.small.data(), kept.small.data() + kept.begin, kept.size);
      kept.begin = 0;
    }
    std::memcpy(kept.small.data() + kept.begin + kept.size, bytes.data(), bytes.size());
    kept.size += static_cast<std::uint32_t>(bytes.size());
    return true;
  }
  std::uint32_t filled = kept.last;  // the block that may have room left
  const std::uint32_t fill = (kept.begin + kept.size) % block_size;
  const bool partly = filled != none_index && fill != 0;
  const std::uint32_t size_before = kept.first == none_index ? kept.size : 0;
  if (!grow(pool, kept, bytes.size())) return false;
  std::uint32_t block = kept.first;
  std::uint32_t at = size_before;
  if (filled != none_index) {
    block = partly ? filled : pool.next(filled);
    at = fill;
  }
  for (std::size_t done = 0; done < bytes.size(); at = 0) {
    const std::size_t count = std::min<std::size_t>(bytes.size() - done, block_size - at);
    std::memcpy(pool.data(block) + at, bytes.data() + done, count);
    done += count;
    if (done < bytes.size()) block = pool.next(block);
  }
  kept.size += static_cast<std::uint32_t>(bytes.size());
  return true;
}

void kept_drop(BlockPool& pool, KeptBytes& kept, std::uint32_t count) noexcept {
  if (count >= kept.size) {
    kept_clear(pool, kept);
    return;
  }
  kept.size -= count;
  std::uint32_t begin = kept.begin + count;
  if (kept.first != none_index) {
    for (; begin >= block_size; begin -= block_size) {
      const std::uint32_t block = kept.first;
      kept.first = pool.next(block);
      pool.give_back(block);
    }
  }
  kept.begin = static_cast<std::uint16_t>(begin);
}

void kept_shorten(BlockPool& pool, KeptBytes& kept, std::uint32_t count) noexcept {
  if (count >= kept.size) return kept_clear(pool, kept);
  kept.size -= count;
  if (kept.first == none_index) return;
  std::uint32_t last = kept.first;
  for (std::uint32_t end = kept.begin + kept.size; end > block_size; end -= block_size)
    last = pool.next(last);
  while (kept.last != last) {  // from the front: a chain knows only its next block
    const std::uint32_t block = pool.next(last);
    pool.next(last) = block == kept.last ? none_index : pool.next(block);
    if (block == kept.last) kept.last = last;
    pool.give_back(block);
  }
}

void kept_write(BlockPool& pool, KeptBytes& kept, std::uint32_t offset, Bytes bytes) noexcept {
  if (kept.first == none_index) {
    if (!bytes.empty()) std::memcpy(kept.small.data() + kept.begin + offset, bytes.data(), bytes.size());
    return;
  }
  std::uint32_t block = kept.first;
  std::uint32_t at = kept.begin + offset;
  for (; at >= block_size; at -= block_size) block = pool.next(block);
  for (std::size_t done = 0; done < bytes.size(); at = 0) {
    const std::size_t count = std::min<std::size_t>(bytes.size() - done, block_size - at);
    std::memcpy(pool.data(block) + at, bytes.data() + done, count);
    done += count;
    if (done < bytes.size()) block = pool.next(block);
  }
}

bool kept_clone(BlockPool& pool, const KeptBytes& kept, KeptBytes& to) noexcept {
  kept_clear(pool, to);
  std::array<std::uint8_t, block_size> piece;
  for (std::uint32_t done = 0; done < kept.size;) {
    const std::uint32_t count = std::min<std::uint32_t>(kept.size - done, block_size);
    kept_copy(pool, kept, done, {piece.data(), count});
    if (!kept_append(pool, to, {piece.data(), count})) {
      kept_clear(pool, to);
      return false;
    }
    done += count;
  }
  return true;
}

void kept_clear(BlockPool& pool, KeptBytes& kept) noexcept {
  while (kept.first != none_index) {
    const std::uint32_t block = kept.first;
    kept.first = block == kept.last ? none_index : pool.next(block);
    pool.give_back(block);
  }
  kept.last = none_index;
  kept.size = 0;
  kept.begin = 0;
}

void kept_copy(const BlockPool& pool, const KeptBytes& kept, std::uint32_t offset,
               std::span<std::uint8_t> out) noexcept {
  for_each_piece(pool, kept, offset, out.size(),
                 [out](const std::uint8_t* at, std::size_t done, std::size_t count) noexcept {
                   std::memcpy(out.data() + done, at, count);
                 });
}

bool kept_equal(const BlockPool& pool, const KeptBytes& kept, std::uint32_t offset, Bytes bytes) noexcept {
  bool equal = true;
  for_each_piece(pool, kept, offset, bytes.size(),
                 [&equal, bytes](const std::uint8_t* at, std::size_t done, std::size_t count) noexcept {
                   equal = equal && std::memcmp(bytes.data() + done, at, count) == 0;
                 });
  return equal;
}

}  // namespace conduit
