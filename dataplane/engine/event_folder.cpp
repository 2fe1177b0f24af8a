#include "dataplane/engine/event_folder.hpp"

#include "dataplane/engine/checksum.hpp"

namespace conduit {
namespace {

[[nodiscard]] std::size_t position_of(const FoldKey& key) noexcept {
  std::uint64_t mixed = static_cast<std::uint64_t>(key.reason) + (std::uint64_t{key.destination_port} << 16);
  const auto mix = [&mixed](std::uint64_t part) {
    mixed = (mixed ^ part) * 0x9E3779B97F4A7C15;
    mixed ^= mixed >> 29;
  };
  mix(load_native<std::uint64_t>(key.source.data()));
  mix(load_native<std::uint64_t>(key.source.data() + 8));
  mix(load_native<std::uint64_t>(key.destination.data()));
  mix(load_native<std::uint64_t>(key.destination.data() + 8));
  mix(load_native<std::uint32_t>(key.source_mac.data()));
  mix(load_native<std::uint16_t>(key.source_mac.data() + 4));
  return (mixed >> 32) % event_fold_count;
}

}  // namespace

EventFolder::Answer EventFolder::note(const FoldKey& key, std::uint64_t now) noexcept {
  std::size_t index = position_of(key);
  if (entries_[index].live && entries_[index].key != key) {
    index = event_fold_count + static_cast<std::size_t>(key.reason);
  }
  Entry& entry = entries_[index];
  if (entry.live) {
    ++entry.repeats;
    return {};
  }
  entry.key = key;
  entry.until_ns = now + event_fold_ns;
  entry.repeats = 0;
  entry.live = true;
  queue_[(queue_head_ + queue_size_) % entry_count] = static_cast<std::uint16_t>(index);
  ++queue_size_;
  return {true, &entry.record};
}

EventRecord* EventFolder::flush(std::uint64_t now) noexcept {
  while (queue_size_ > 0) {
    Entry& entry = entries_[queue_[queue_head_]];
    if (entry.until_ns > now) return nullptr;
    queue_head_ = (queue_head_ + 1) % entry_count;
    --queue_size_;
    entry.live = false;
    if (entry.repeats == 0) continue;
    entry.record.count = entry.repeats;
    return &entry.record;
  }
  return nullptr;
}

std::uint64_t EventFolder::next_deadline() const noexcept {
  return queue_size_ == 0 ? UINT64_MAX : entries_[queue_[queue_head_]].until_ns;
}

}  // namespace conduit
