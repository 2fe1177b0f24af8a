#include "dataplane/engine/flow_table.hpp"

#include <algorithm>
#include <bit>

namespace conduit {
namespace {

[[nodiscard]] std::uint64_t split_mix(std::uint64_t& state) noexcept {
  state += 0x9E3779B97F4A7C15;
  std::uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
  return mixed ^ (mixed >> 31);
}

}  // namespace

FlowTable::FlowTable(const EngineLimits& limits, std::uint64_t seed)
    : capacity_(std::max<std::uint32_t>(limits.flow_count, 1)),
      mask_(std::bit_ceil(capacity_) * 2 - 1),
      flows_(std::make_unique<Flow[]>(capacity_)),
      buckets_(std::make_unique<std::uint32_t[]>(std::size_t{mask_} + 1)),
      sources_(std::make_unique<SourceCount[]>(source_count)) {
  for (std::uint64_t& part : seed_) part = split_mix(seed);
  std::fill_n(buckets_.get(), std::size_t{mask_} + 1, none_index);
  for (std::uint32_t slot = capacity_; slot-- > 0;) {
    flows_[slot].slot = slot;
    flows_[slot].table_next = free_;
    free_ = slot;
  }
  for (Level& level : level_) level.head.fill(none_index);
}

std::uint32_t FlowTable::hash(const FlowKey& key) const noexcept {
  const std::uint64_t ends =
      mix_endpoint(key.address[0], key.l4_port[0]) + mix_endpoint(key.address[1], key.l4_port[1]);
  const std::uint64_t rest =
      (std::uint64_t{key.vlan} << 16) | (std::uint64_t{key.ip_protocol} << 8) | key.port_pair;
  return static_cast<std::uint32_t>(fold_product(ends ^ seed_[2], rest ^ seed_[0]));
}

void FlowTable::prefetch_bucket(std::uint32_t hash) const noexcept {
  __builtin_prefetch(&buckets_[hash & mask_]);
}

void FlowTable::prefetch_flow(std::uint32_t hash) const noexcept {
  const std::uint32_t slot = buckets_[hash & mask_];
  if (slot == none_index) return;
  const auto* at = reinterpret_cast<const std::uint8_t*>(&flows_[slot]);
  const auto* tcp = reinterpret_cast<const std::uint8_t*>(&flows_[slot].tcp);
  __builtin_prefetch(at, 1);
  __builtin_prefetch(at + 64, 1);
  __builtin_prefetch(at + 128, 1);
  __builtin_prefetch(at + 192, 1);
  __builtin_prefetch(&flows_[slot].session, 1);
  __builtin_prefetch(&flows_[slot].outstanding, 1);
  __builtin_prefetch(tcp, 1);
  __builtin_prefetch(tcp + 64, 1);
  __builtin_prefetch(tcp + 128, 1);
  __builtin_prefetch(tcp + 192, 1);
}

Flow* FlowTable::find(const FlowKey& key, Side& sender) noexcept {
  ParsedFrame frame;
  frame.source = key.address[0];
  frame.destination = key.address[1];
  frame.source_port = key.l4_port[0];
  frame.destination_port = key.l4_port[1];
  frame.vlan = key.vlan;
  frame.ip_protocol = key.ip_protocol;
  return find(hash(key), frame, key.port_pair, sender);
}

namespace {
[[nodiscard]] bool is_connection(const Flow& flow) noexcept { return flow.key.ip_protocol == 6; }
}  // namespace

Flow* FlowTable::take() noexcept {
  if (free_ == none_index) return nullptr;
  Flow& flow = flows_[free_];
  const std::uint32_t slot = free_;
  free_ = flow.table_next;
  flow = Flow{};
  flow.slot = slot;
  return &flow;
}

void FlowTable::give_back(Flow& flow) noexcept {
  flow.state = FlowState::FREE;
  flow.table_next = free_;
  free_ = flow.slot;
}

void FlowTable::insert(Flow& flow) noexcept {
  flow.hash = hash(flow.key);
  std::uint32_t& head = buckets_[flow.hash & mask_];
  flow.table_next = head;
  head = flow.slot;
  flow.source = source_of(flow.key);
  ++(is_connection(flow) ? sources_[flow.source].connections : sources_[flow.source].others);
  ++live_;
}

void FlowTable::remove(Flow& flow) noexcept {
  unfile(flow);
  count_as(flow, FlowState::FREE);
  --(is_connection(flow) ? sources_[flow.source].connections : sources_[flow.source].others);
  std::uint32_t* link = &buckets_[flow.hash & mask_];
  while (*link != flow.slot) link = &flows_[*link].table_next;
  *link = flow.table_next;
  --live_;
  give_back(flow);
}

std::uint16_t FlowTable::source_of(const FlowKey& key) const noexcept {
  return static_cast<std::uint16_t>((mix_endpoint(key.address[0], 0) >> 32) % source_count);
}

std::uint32_t FlowTable::of_source(const Flow& flow) const noexcept {
  const SourceCount& count = sources_[source_of(flow.key)];
  return is_connection(flow) ? count.connections : count.others;
}

std::uint32_t FlowTable::half_open_of_source(const Flow& flow) const noexcept {
  return sources_[source_of(flow.key)].half_open;
}

void FlowTable::count_as(Flow& flow, FlowState state) noexcept {
  if (flow.counted != FlowState::FREE) --count_[static_cast<std::size_t>(flow.counted)];
  if (flow.counted == FlowState::HALF_OPEN) --sources_[flow.source].half_open;
  if (state != FlowState::FREE) ++count_[static_cast<std::size_t>(state)];
  if (state == FlowState::HALF_OPEN) ++sources_[flow.source].half_open;
  flow.counted = state;
}

void FlowTable::settle(Flow& flow, std::uint64_t deadline) noexcept {
  if (flow.counted != flow.state) count_as(flow, flow.state);
  if (deadline < flow.filed_ns) file(flow, deadline);
}

void FlowTable::file(Flow& flow, std::uint64_t deadline) noexcept {
  unfile(flow);
  flow.filed_ns = deadline;
  if (deadline == timer_never) return;
  for (std::size_t index = 0; index < level_count; ++index) {
    Level& level = level_[index];
    std::uint64_t step = std::max(deadline >> shift(index), level.next);
    if (step - level.next >= position_count) {
      if (index + 1 < level_count) continue;
      step = level.next + position_count - 1;  // beyond the horizon: looked at again there
    }
    const std::size_t position = step % position_count;
    flow.wheel_level = static_cast<std::uint8_t>(index);
    flow.wheel_position = static_cast<std::uint16_t>(position);
    flow.wheel_previous = none_index;
    flow.wheel_next = level.head[position];
    if (flow.wheel_next != none_index) flows_[flow.wheel_next].wheel_previous = flow.slot;
    level.head[position] = flow.slot;
    level.occupied[position / 64] |= std::uint64_t{1} << (position % 64);
    return;
  }
}

void FlowTable::unfile(Flow& flow) noexcept {
  if (flow.wheel_level == wheel_none) return;
  Level& level = level_[flow.wheel_level];
  if (flow.wheel_previous != none_index) {
    flows_[flow.wheel_previous].wheel_next = flow.wheel_next;
  } else {
    level.head[flow.wheel_position] = flow.wheel_next;
    if (flow.wheel_next == none_index) {
      level.occupied[flow.wheel_position / 64] &= ~(std::uint64_t{1} << (flow.wheel_position % 64));
    }
  }
  if (flow.wheel_next != none_index) flows_[flow.wheel_next].wheel_previous = flow.wheel_previous;
  flow.wheel_level = wheel_none;
  flow.filed_ns = timer_never;
}

std::uint64_t FlowTable::first_occupied(const Level& level, std::uint64_t end) const noexcept {
  const std::uint64_t stop = std::min(end, level.next + position_count);
  for (std::uint64_t step = level.next; step < stop;) {
    const std::size_t position = step % position_count;
    const std::uint64_t word = level.occupied[position / 64] >> (position % 64);
    if (word != 0) {
      const std::uint64_t found = step + static_cast<std::uint64_t>(std::countr_zero(word));
      return std::min(found, end);
    }
    step += 64 - position % 64;
  }
  return end;
}

Flow* FlowTable::due(std::uint64_t now, std::uint32_t& budget) noexcept {
  // Fine levels first: they have caught up with `now` when the coarse ones hand their flows down, so that
  // there is always room below.
  for (std::size_t index = 0; index < level_count; ++index) {
    Level& level = level_[index];
    // On the finest level a step is due when it is over, on the others when it begins.
    const std::uint64_t end = (now >> shift(index)) + (index == 0 ? 0 : 1);
    while (level.next < end) {
      if (budget == 0) return nullptr;
      level.next = first_occupied(level, end);
      if (level.next == end) break;
      const std::uint32_t slot = level.head[level.next % position_count];
      --budget;
      unfile(flows_[slot]);
      return &flows_[slot];
    }
  }
  return nullptr;
}

std::uint64_t FlowTable::next_due() const noexcept {
  std::uint64_t earliest = timer_never;
  for (std::size_t index = 0; index < level_count; ++index) {
    const Level& level = level_[index];
    const std::uint64_t end = level.next + position_count;
    const std::uint64_t step = first_occupied(level, end);
    if (step != end) earliest = std::min(earliest, (step + (index == 0 ? 1 : 0)) << shift(index));
  }
  return earliest;
}

}  // namespace conduit
