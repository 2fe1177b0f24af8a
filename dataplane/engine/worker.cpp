// The worker: one turn of frames through the pipeline (DESIGN §5), and its timers.
#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "dataplane/engine/assembly_pool.hpp"
#include "dataplane/engine/association_table.hpp"
#include "dataplane/engine/back_off_table.hpp"
#include "dataplane/engine/block_pool.hpp"
#include "dataplane/engine/event_folder.hpp"
#include "dataplane/engine/events.hpp"
#include "dataplane/engine/flow_table.hpp"
#include "dataplane/engine/flows.hpp"
#include "dataplane/engine/fragment_gate.hpp"
#include "dataplane/engine/gates.hpp"
#include "dataplane/engine/mac_table.hpp"
#include "dataplane/engine/tcp_gate.hpp"
#include "protocols/core/mutation.hpp"

namespace conduit {
namespace {

constexpr std::uint32_t due_budget = 256;              // flows looked at in one tick
constexpr std::uint32_t sweep_budget = 256;            // records looked at in one tick after a swap
constexpr std::uint32_t fold_budget = 64;              // folded records written in one tick
constexpr std::uint64_t commit_ns = 10'000'000;        // counters, when there was work
constexpr std::uint64_t heartbeat_ns = 1'000'000'000;  // counters, when idle
constexpr std::uint64_t sweep_pause_ns = 1'000'000;

struct Prepared {
  ParsedFrame parsed{};
  std::uint32_t hash = 0;
};

}  // namespace

struct Worker::Impl {
  Impl(const EngineConfig& config, LimitTable& limits, EventRing* ring, CountersBlock* block, FrameSink& sink)
      : counters_block(block),
        flows(config.limits, config.hash_seed),
        blocks(config.limits.block_count),
        back_off(config.hash_seed),
        associations(config.hash_seed) {
    context.config = config;
    context.limits = &limits;
    context.flows = &flows;
    context.blocks = &blocks;
    context.folder = &folder;
    context.back_off = &back_off;
    context.fragments = &fragments;
    context.assemblies = &assemblies;
    context.association_table = &associations;
    context.macs = &macs;
    context.sink = &sink;
    context.ring = ring;
    if (ring != nullptr) context.ring_head = ring->head.load(std::memory_order_relaxed);
    sweep_at = flows.capacity();
  }

  // Inlined: nearly all frames come this way.
  [[gnu::always_inline]] inline void prepare_one(const Frame& frame, Prepared& place) noexcept;
  [[nodiscard, gnu::always_inline]] inline Disposition judge(ParsedFrame& frame, std::uint32_t hash) noexcept;
  [[nodiscard, gnu::always_inline]] inline Disposition tcp(ParsedFrame& frame, std::uint32_t hash) noexcept;
  [[nodiscard]] Disposition tcp_opening(ParsedFrame& frame) noexcept;
  [[nodiscard, gnu::noinline]] Disposition other_kind(ParsedFrame& frame, std::uint32_t hash) noexcept;
  [[gnu::noinline]] void deny(const ParsedFrame& frame, Reason reason) noexcept;
  [[gnu::noinline]] void fragment(const ParsedFrame& frame) noexcept;
  void sweep() noexcept;
  void commit() noexcept;

  WorkerContext context{};
  CountersBlock* counters_block = nullptr;
  FlowTable flows;
  BlockPool blocks;
  EventFolder folder{};
  BackOffTable back_off;
  AssociationTable associations;
  FragmentTable fragments{};
  AssemblyPool assemblies{};
  MacTable macs{};
  std::array<Prepared, burst_size> prepared{};
  std::size_t prepared_count = 0;
  std::size_t next = 0;
  std::uint32_t sweep_at = 0;  // next record to look at after a swap
  std::uint64_t swept_for = 0;
  std::uint64_t committed_ns = 0;
  bool busy = false;  // frames since the last commit
};

inline void Worker::Impl::prepare_one(const Frame& frame, Prepared& place) noexcept {
  ParsedFrame& parsed = place.parsed;
  parse_frame(frame.data, frame.size, frame.port_in, frame.flags, context.config.limits.ttl_min, parsed);
  parsed.port_out = frame.port_in < port_count_max ? context.config.peer[frame.port_in] : frame.port_in;
  if (parsed.ip_version == 0) return;
  place.hash = flows.hash(parsed, std::min(parsed.port_in, parsed.port_out));
  flows.prefetch_bucket(place.hash);
}

inline Disposition Worker::Impl::tcp(ParsedFrame& frame, std::uint32_t hash) noexcept {
  if (frame.group) {
    deny(frame, Reason::GROUP_NOT_PERMITTED);
    return Disposition::CONSUME;
  }
  if (frame.unknown_option) clear_unknown_tcp_options(frame);
  Side sender = 0;
  Flow* const flow = flows.find(hash, frame, std::min(frame.port_in, frame.port_out), sender);
  if (flow == nullptr) {
    const bool opening = (frame.tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    return opening ? tcp_opening(frame) : tcp_no_flow(context, frame);
  }
  if (!admit_frame(context, *flow, sender, frame)) return Disposition::CONSUME;
  const Disposition disposition = tcp_gate(context, *flow, sender, frame);
  if (flow->opaque && disposition == Disposition::FORWARD && frame.payload_size > 0) {
    count_opaque(context, *flow, sender, frame);
  }
  if (needs_settling(*flow)) settle_flow(context, *flow);
  return disposition;
}

inline Disposition Worker::Impl::judge(ParsedFrame& frame, std::uint32_t hash) noexcept {
  Reason reason = frame.reason;
  if (context.image == nullptr) reason = Reason::NO_POLICY;
  if (frame.port_out == frame.port_in) reason = Reason::PORT_UNPAIRED;
  if (reason == Reason::NONE)
    return frame.kind == FrameKind::TCP ? tcp(frame, hash) : other_kind(frame, hash);
  if (reason != Reason::IP_FRAGMENT_NOT_PERMITTED) {
    deny(frame, reason);
    return Disposition::CONSUME;
  }
  if (mutated(Mutation::FRAGMENTS_FORWARDED)) return Disposition::FORWARD;
  fragment(frame);
  return Disposition::CONSUME;
}

void Worker::Impl::deny(const ParsedFrame& frame, Reason reason) noexcept {
  deny_frame(context, nullptr, frame, Verdict::DROP, reason);
}

Disposition Worker::Impl::other_kind(ParsedFrame& frame, std::uint32_t hash) noexcept {
  switch (frame.kind) {
    case FrameKind::TCP: break;
    case FrameKind::UDP: return udp_gate(context, frame, hash);
    case FrameKind::ICMP: return icmp_gate(context, frame, hash);
    case FrameKind::ICMPV6:
      return is_neighbour_discovery(frame) ? ndp_gate(context, frame) : icmp_gate(context, frame, hash);
    case FrameKind::ARP: return arp_gate(context, frame);
    case FrameKind::OTHER:
    case FrameKind::OTHER_IP: return link_gate(context, frame);
  }
  return Disposition::CONSUME;
}

// The last fragment of a packet brings the whole one, which is judged like any other and leaves as a frame of
// the engine's own making.
void Worker::Impl::fragment(const ParsedFrame& frame) noexcept {
  const std::span<std::uint8_t> whole = fragment_gate(context, frame);
  if (whole.empty()) return;
  constexpr std::uint8_t unverifiable = FRAME_CHECKSUMS_UNKNOWN;
  Prepared joined;
  prepare_one({whole.data(), static_cast<std::uint32_t>(whole.size()), frame.port_in, 0,
               static_cast<std::uint8_t>(frame.frame_flags & unverifiable)},
              joined);
  const bool good =
      mutated(Mutation::WHOLE_PACKET_UNJUDGED) || judge(joined.parsed, joined.hash) == Disposition::FORWARD;
  if (good) (void)context.emit(joined.parsed.port_out, {joined.parsed.data, joined.parsed.size});
}

Disposition Worker::Impl::tcp_opening(ParsedFrame& frame) noexcept {
  Reason reason = Reason::NONE;
  Flow* const flow = open_flow(context, frame, 0, FlowState::HALF_OPEN, reason);
  if (flow == nullptr) {
    deny(frame, reason);
    return Disposition::CONSUME;
  }
  Disposition disposition = Disposition::CONSUME;
  if (admit_frame(context, *flow, 0, frame)) disposition = tcp_gate(context, *flow, 0, frame);
  // A SYN that is denied takes no place.
  if (flow->tcp.phase == TcpPhase::NEW) flow->state = FlowState::FREE;
  settle_flow(context, *flow);
  return disposition;
}

// After a swap: flows that have nothing to say are held against the new image as well, some in each tick.
void Worker::Impl::sweep() noexcept {
  if (swept_for != context.classification) {
    swept_for = context.classification;
    sweep_at = 0;
  }
  if (context.image == nullptr) return;
  const std::uint32_t end = std::min(flows.capacity(), sweep_at + sweep_budget);
  for (; sweep_at < end; ++sweep_at) {
    Flow& flow = flows.at(sweep_at);
    if (flow.state == FlowState::FREE || flow.classification == context.classification) continue;
    (void)reclassify(context, flow, nullptr);
  }
}

void Worker::Impl::commit() noexcept {
  committed_ns = context.now_ns;
  busy = false;
  WorkerCounters& counters = context.counters;
  counters.flows_live = flows.live();
  counters.blocks_in_use = blocks.in_use();
  counters.flows_half_open = flows.count(FlowState::HALF_OPEN);
  counters.generation = context.image != nullptr ? context.image->header().generation : 0;
  counters.island = context.island ? 1 : 0;
  counters.heartbeat_ns = context.now_ns;
  if (counters_block == nullptr) return;
  const std::uint64_t version = counters_block->version.load(std::memory_order_relaxed);
  counters_block->version.store(version + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  counters_block->values = counters;
  counters_block->version.store(version + 2, std::memory_order_release);
}

Worker::Worker(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Worker::~Worker() = default;

std::unique_ptr<Worker> Worker::create(const EngineConfig& config, LimitTable& limits, EventRing* ring,
                                       CountersBlock* counters, FrameSink& sink) {
  if (counters != nullptr) counters->size = sizeof(CountersBlock);
  return std::unique_ptr<Worker>(new Worker(std::make_unique<Impl>(config, limits, ring, counters, sink)));
}

void Worker::begin(std::uint64_t now_ns, std::uint64_t wall_ns, TimeQuality quality, const RuleImage* image,
                   bool island) noexcept {
  WorkerContext& context = impl_->context;
  context.now_ns = std::max(context.now_ns, now_ns);
  context.wall_ns = wall_ns;
  context.time_quality = quality;
  const bool stale = context.image != nullptr && mutated(Mutation::SWAP_UNSEEN);
  if (!stale) context.image = image != nullptr && image->valid() ? image : nullptr;
  context.island = island && !mutated(Mutation::ISLAND_UNSEEN);
  context.classification = classification_of(context.image, island);
}

void Worker::prepare(std::span<Frame> burst) noexcept {
  Impl& impl = *impl_;
  impl.next = 0;
  impl.prepared_count = std::min(burst.size(), burst_size);
  for (std::size_t i = 0; i < impl.prepared_count; ++i) impl.prepare_one(burst[i], impl.prepared[i]);
  for (std::size_t i = 0; i < impl.prepared_count; ++i) {
    if (impl.prepared[i].parsed.ip_version != 0) impl.flows.prefetch_flow(impl.prepared[i].hash);
  }
}

Disposition Worker::step(Frame& frame) noexcept {
  Impl& impl = *impl_;
  const bool ready = impl.next < impl.prepared_count && impl.prepared[impl.next].parsed.data == frame.data;
  if (!ready) prepare({&frame, 1});  // not announced
  Prepared& place = impl.prepared[impl.next++];
  WorkerCounters& counters = impl.context.counters;
  impl.busy = true;
  if (frame.port_in < port_count_max) {
    ++counters.port[frame.port_in].frames_in;
    counters.port[frame.port_in].octets_in += frame.size;
  }
  const Disposition disposition = impl.judge(place.parsed, place.hash);
  if (disposition != Disposition::FORWARD) return disposition;
  frame.size = place.parsed.size;
  frame.port_out = place.parsed.port_out;
  ++counters.port[frame.port_out].frames_out;
  counters.port[frame.port_out].octets_out += frame.size;
  return disposition;
}

void Worker::tick() noexcept {
  Impl& impl = *impl_;
  WorkerContext& context = impl.context;
  std::uint32_t budget = due_budget;
  while (Flow* const flow = impl.flows.due(context.now_ns, budget)) flow_due(context, *flow);
  fragments_due(context);
  impl.sweep();
  flush_folded_events(context, fold_budget);
  const std::uint64_t since = context.now_ns - impl.committed_ns;
  if (since >= heartbeat_ns || (impl.busy && since >= commit_ns)) impl.commit();
}

std::uint64_t Worker::next_deadline() const noexcept {
  const Impl& impl = *impl_;
  const WorkerContext& context = impl.context;
  std::uint64_t earliest =
      std::min({impl.flows.next_due(), impl.folder.next_deadline(), impl.fragments.next_deadline()});
  const bool sweeping = impl.sweep_at < impl.flows.capacity() || impl.swept_for != context.classification;
  if (sweeping && context.image != nullptr) earliest = std::min(earliest, context.now_ns + sweep_pause_ns);
  return std::min(earliest, impl.committed_ns + (impl.busy ? commit_ns : heartbeat_ns));
}

const WorkerCounters& Worker::counters() const noexcept { return impl_->context.counters; }

void Worker::commit_counters() noexcept { impl_->commit(); }

}  // namespace conduit
