#include "dataplane/engine/back_off_table.hpp"

#include <algorithm>

#include "dataplane/engine/checksum.hpp"

namespace conduit {

std::uint64_t BackOffTable::pair_of(const FlowKey& key) const noexcept {
  std::uint64_t sum = 0;  // symmetric in the two addresses
  for (const Address& address : key.address) {
    const unsigned __int128 product =
        static_cast<unsigned __int128>(load_native<std::uint64_t>(address.data()) ^ seed_) *
        (load_native<std::uint64_t>(address.data() + 8) ^ (seed_ >> 7));
    sum += static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  return sum + key.vlan * 0x9E3779B97F4A7C15;
}

void BackOffTable::note_reset(const FlowKey& key, std::uint64_t now) noexcept {
  const std::uint64_t pair = pair_of(key);
  Entry& entry = entries_[(pair >> 20) % back_off_count];
  if (entry.pair != pair || now - entry.last_ns > back_off_window_ns) entry = Entry{pair, now, 0, 0};
  entry.last_ns = now;
  ++entry.count;
  if (entry.count < back_off_after) return;
  const std::uint32_t doublings = std::min<std::uint32_t>(entry.count - back_off_after, 16);
  entry.until_ns = now + std::min(back_off_first_ns << doublings, back_off_last_ns);
}

bool BackOffTable::held_back(const FlowKey& key, std::uint64_t now) const noexcept {
  const std::uint64_t pair = pair_of(key);
  const Entry& entry = entries_[(pair >> 20) % back_off_count];
  return entry.pair == pair && entry.until_ns > now;
}

}  // namespace conduit
