#include "dataplane/control_client.hpp"

namespace conduit {

ImageKeeper::ImageKeeper(Runtime& runtime, WorkerWaker& waker, std::size_t worker_count) noexcept
    : runtime_(runtime), waker_(waker), worker_count_(worker_count) {}

ImageKeeper::~ImageKeeper() {
  if (current_) unmap_image(*current_);
  if (previous_) unmap_image(*previous_);
}

const char* ImageKeeper::publish(int fd, std::uint64_t size) noexcept {
  if (previous_pending_) return "the image before this one has not reached every worker yet";
  const char* broken = nullptr;
  std::unique_ptr<ImageSlot> slot = map_image(fd, size, broken);
  if (slot == nullptr) return broken;
  slot->serial = ++serial_;
  previous_ = std::move(current_);
  current_ = std::move(slot);
  previous_pending_ = true;
  runtime_.image.store(current_.get(), std::memory_order_release);
  waker_.wake_all();
  return nullptr;
}

bool ImageKeeper::settled() noexcept {
  if (!previous_pending_) return false;
  for (std::size_t worker = 0; worker < worker_count_; ++worker) {
    if (runtime_.seen[worker].serial.load(std::memory_order_acquire) != serial_) return false;
  }
  if (previous_) unmap_image(*previous_);
  previous_.reset();
  previous_pending_ = false;
  return true;
}

std::uint64_t ImageKeeper::generation() const noexcept {
  return current_ ? current_->view.header().generation : 0;
}

}  // namespace conduit
