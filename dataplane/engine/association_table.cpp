#include "dataplane/engine/association_table.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/engine/checksum.hpp"

namespace conduit {
namespace {

constexpr std::uint16_t source_max = association_count / association_source_share;

// Copies what the keys of `to` point at into `octets`, and points them there. False: no room.
bool keep_keys(Operation& to, std::span<std::uint8_t> octets) noexcept {
  std::size_t used = 0;
  for (std::size_t k = 0; k < key_count; ++k) {
    if (((to.keys_present >> k) & 1U) == 0) continue;
    const Bytes data = to.key[k].data;
    if (octets.size() - used < data.size()) return false;
    std::copy(data.begin(), data.end(), octets.begin() + static_cast<std::ptrdiff_t>(used));
    to.key[k].data = octets.subspan(used, data.size());
    used += data.size();
  }
  return true;
}

}  // namespace

AssociationTable::AssociationTable(std::uint64_t seed)
    : seed_(seed | 1), entries_(std::make_unique<Entry[]>(association_count)) {
  buckets_.fill(none_index);
  for (std::uint32_t i = association_count; i != 0; --i) {
    entries_[i - 1].newer = free_;
    free_ = i - 1;
  }
}

std::uint64_t AssociationTable::mix(std::uint64_t a, std::uint64_t b) const noexcept {
  const unsigned __int128 product =
      static_cast<unsigned __int128>(a ^ seed_) * (b ^ 0x9E3779B97F4A7C15 ^ (seed_ >> 7));
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint32_t AssociationTable::bucket_of(const AssociationEnds& ends,
                                          const Association& association) const noexcept {
  const auto client = load_native<std::uint64_t>(ends.client.data() + 8);
  const auto server = load_native<std::uint64_t>(ends.server.data() + 8);
  const std::uint64_t sender = static_cast<std::uint64_t>(association.sender) << 63;
  return static_cast<std::uint32_t>(mix(mix(client, server), association.key ^ sender) % bucket_count);
}

std::uint32_t AssociationTable::bucket_of(std::uint64_t flow, std::uint64_t request) const noexcept {
  return static_cast<std::uint32_t>(mix(flow, request) % bucket_count);
}

std::uint16_t& AssociationTable::source_of(const AssociationEnds& ends) noexcept {
  const auto high = load_native<std::uint64_t>(ends.client.data());
  const auto low = load_native<std::uint64_t>(ends.client.data() + 8);
  return sources_[mix(high, low) % source_counter_count];
}

std::uint32_t AssociationTable::find(const AssociationEnds& ends,
                                     const Association& association) const noexcept {
  std::uint32_t at = buckets_[bucket_of(ends, association)];
  while (at != none_index) {
    const Entry& entry = entries_[at / name_count];
    const Name& name = entry.name[at % name_count];
    const bool same =
        name.association.key == association.key && name.association.sender == association.sender;
    if (entry.opened && same && entry.ends == ends) return at / name_count;
    at = name.next;
  }
  return none_index;
}

std::uint32_t AssociationTable::find_expected(std::uint64_t flow, std::uint64_t request) const noexcept {
  std::uint32_t at = buckets_[bucket_of(flow, request)];
  while (at != none_index) {
    const Entry& entry = entries_[at / name_count];
    if (!entry.opened && entry.flow == flow && entry.request == request) return at / name_count;
    at = entry.name[at % name_count].next;
  }
  return none_index;
}

void AssociationTable::file(std::uint32_t entry, std::size_t name, std::uint32_t bucket) noexcept {
  Name& place = entries_[entry].name[name];
  place.bucket = bucket;
  place.next = buckets_[bucket];
  place.filed = true;
  buckets_[bucket] = static_cast<std::uint32_t>(entry * name_count + name);
}

void AssociationTable::unfile(std::uint32_t entry, std::size_t name) noexcept {
  Name& place = entries_[entry].name[name];
  if (!place.filed) return;
  const auto wanted = static_cast<std::uint32_t>(entry * name_count + name);
  std::uint32_t* at = &buckets_[place.bucket];
  while (*at != wanted) at = &entries_[*at / name_count].name[*at % name_count].next;
  *at = place.next;
  place.filed = false;
}

void AssociationTable::unlink(std::uint32_t entry) noexcept {
  Entry& one = entries_[entry];
  (one.older == none_index ? oldest_ : entries_[one.older].newer) = one.newer;
  (one.newer == none_index ? newest_ : entries_[one.newer].older) = one.older;
}

void AssociationTable::touch(std::uint32_t entry, std::uint64_t now_ns) noexcept {
  Entry& one = entries_[entry];
  one.used_ns = now_ns;
  if (newest_ == entry) return;
  if (one.live) unlink(entry);
  one.live = true;
  one.older = newest_;
  one.newer = none_index;
  (newest_ == none_index ? oldest_ : entries_[newest_].newer) = entry;
  newest_ = entry;
}

void AssociationTable::release(std::uint32_t entry) noexcept {
  Entry& one = entries_[entry];
  for (std::size_t name = 0; name < name_count; ++name) unfile(entry, name);
  unlink(entry);
  --source_of(one.ends);
  --count_;
  if (!one.opened) --expected_;
  one.live = false;
  one.opened = false;
  one.newer = free_;
  free_ = entry;
}

bool AssociationTable::has_room(const AssociationEnds& ends, std::uint64_t now_ns) noexcept {
  const bool idle = oldest_ != none_index && now_ns - entries_[oldest_].used_ns >= association_idle_ns;
  if (source_of(ends) >= source_max && !idle) return false;
  if (free_ != none_index && source_of(ends) < source_max) return true;
  if (!idle) return false;
  release(oldest_);
  return source_of(ends) < source_max;
}

bool AssociationTable::expect(const AssociationEnds& ends, std::uint64_t flow, std::uint64_t request,
                              const Operation& operation, std::uint64_t now_ns) noexcept {
  // The same request once more: the answer will be to the later one.
  if (const std::uint32_t again = find_expected(flow, request); again != none_index) release(again);
  if (!has_room(ends, now_ns)) return false;
  const std::uint32_t at = free_;
  Entry& entry = entries_[at];
  entry.operation = operation;
  entry.operation.value.data = {};
  if (!keep_keys(entry.operation, entry.octets)) return false;
  free_ = entry.newer;
  entry.ends = ends;
  entry.flow = flow;
  entry.request = request;
  entry.opened = false;
  file(at, 0, bucket_of(flow, request));
  touch(at, now_ns);
  ++source_of(ends);
  ++count_;
  ++expected_;
  return true;
}

void AssociationTable::answered(std::uint64_t flow, std::uint64_t request, const Associations& associations,
                                std::uint64_t now_ns) noexcept {
  const std::uint32_t at = find_expected(flow, request);
  if (at == none_index) return;
  if (associations.opened_count == 0) return release(at);
  Entry& entry = entries_[at];
  unfile(at, 0);
  for (std::size_t i = 0; i < associations.opened_count && i < name_count; ++i) {
    const Association& association = associations.opened[i];
    if (const std::uint32_t before = find(entry.ends, association); before != none_index && before != at)
      release(before);
    entry.name[i].association = association;
    file(at, i, bucket_of(entry.ends, association));
  }
  entry.opened = true;
  --expected_;
  touch(at, now_ns);
}

void AssociationTable::close(const AssociationEnds& ends, const Association& association) noexcept {
  if (const std::uint32_t at = find(ends, association); at != none_index) release(at);
}

const Operation* AssociationTable::use(const AssociationEnds& ends, const Association& association,
                                       std::uint64_t now_ns) noexcept {
  const std::uint32_t at = find(ends, association);
  if (at == none_index) return nullptr;
  touch(at, now_ns);
  return &entries_[at].operation;
}

}  // namespace conduit
