#include "dataplane/engine/block_pool.hpp"

namespace conduit {

BlockPool::BlockPool(std::uint32_t block_count)
    : capacity_(block_count),
      octets_(std::make_unique<std::uint8_t[]>(std::size_t{block_count} * block_size)),
      next_(std::make_unique<std::uint32_t[]>(block_count)) {
  for (std::uint32_t block = block_count; block > 0; --block) {
    next_[block - 1] = free_;
    free_ = block - 1;
  }
}

}  // namespace conduit
