#include "dataplane/shared_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace conduit {

bool make_shared_block(const char* name, std::size_t size, SharedBlock& block) noexcept {
  block.fd.reset(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!block.fd.open() || ::ftruncate(block.fd.get(), static_cast<off_t>(size)) != 0) return false;
  block.data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, block.fd.get(), 0);
  if (block.data == MAP_FAILED) return false;
  return ::fcntl(block.fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
}

std::unique_ptr<ImageSlot> map_image(int fd, std::uint64_t size, const char*& broken) noexcept {
  constexpr int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  struct stat status {};
  broken = "image memory is not sealed";
  const int sealed = ::fcntl(fd, F_GET_SEALS);
  if (sealed < 0 || (sealed & seals) != seals) return nullptr;
  broken = "image memory has another size than announced";
  if (::fstat(fd, &status) != 0 || status.st_size < 0 || static_cast<std::uint64_t>(status.st_size) != size ||
      size == 0 || size > image_size_max) {
    return nullptr;
  }
  broken = "image memory cannot be mapped";
  void* mapping = ::mmap(nullptr, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (mapping == MAP_FAILED) return nullptr;
  auto slot = std::make_unique<ImageSlot>();
  slot->mapping = mapping;
  slot->size = size;
  slot->view = RuleImage::open({static_cast<const std::uint8_t*>(mapping), size}, broken);
  if (slot->view.valid()) return slot;
  unmap_image(*slot);
  return nullptr;
}

void unmap_image(ImageSlot& slot) noexcept {
  if (slot.mapping != nullptr) ::munmap(slot.mapping, slot.size);
  slot.mapping = nullptr;
}

}  // namespace conduit
