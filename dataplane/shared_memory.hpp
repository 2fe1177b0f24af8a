// Shared memory of the data plane: made here, sealed, handed to the control plane as descriptors; and rule
// images that come the other way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "config/abi/unique_fd.hpp"
#include "dataplane/runtime.hpp"

namespace conduit {

// A zeroed memfd of `size` octets, mapped for writing, sealed against any change of size. Lives as long as
// the process.
struct SharedBlock {
  UniqueFd fd;
  void* data = nullptr;
};
[[nodiscard]] bool make_shared_block(const char* name, std::size_t size, SharedBlock& block) noexcept;

// Maps a rule image that came in `fd`: fully sealed, of `size` octets, and whole (RuleImage::open). Null:
// `broken` says why.
[[nodiscard]] std::unique_ptr<ImageSlot> map_image(int fd, std::uint64_t size, const char*& broken) noexcept;
void unmap_image(ImageSlot& slot) noexcept;

}  // namespace conduit
