// Ends of connections, timers, and connections that are joined in mid-stream.
#include <algorithm>

#include "dataplane/engine/flows.hpp"
#include "dataplane/engine/tcp_gate_parts.hpp"
#include "protocols/core/mutation.hpp"

namespace conduit {
namespace {

// An RST to `side`, in its own numbers: exactly what it expects next.
void send_reset(WorkerContext& context, const Flow& flow, Side side) noexcept {
  const Side from = other(side);
  OwnSegment segment;
  segment.from = from;
  segment.flags = TCP_RST | TCP_ACK;
  segment.sequence = next_r(flow, from) + (mutated(Mutation::RESET_OFF_BY_ONE) ? 1U : 0U);
  segment.acknowledgement = flow.tcp.stream[side].received;
  (void)send_own(context, flow, segment);
  ++context.counters.resets_sent;
}

// For reports of what no frame has caused.
[[nodiscard]] ParsedFrame frame_of(const Flow& flow, Side sender) noexcept {
  ParsedFrame frame;
  frame.kind = FrameKind::TCP;
  frame.port_in = flow.gateway_port[sender];
  frame.port_out = flow.gateway_port[other(sender)];
  frame.source_mac = flow.mac[sender];
  frame.destination_mac = flow.mac[other(sender)];
  frame.vlan = flow.key.vlan;
  frame.ip_version = flow.ip_version;
  frame.ethertype = flow.ip_version == 6 ? std::uint16_t{0x86DD} : std::uint16_t{0x0800};
  frame.ip_protocol = flow.key.ip_protocol;
  frame.source = flow.key.address[sender];
  frame.destination = flow.key.address[other(sender)];
  frame.source_port = flow.key.l4_port[sender];
  frame.destination_port = flow.key.l4_port[other(sender)];
  return frame;
}

void end_by_timer(WorkerContext& context, Flow& flow, Side sender, Reason reason) noexcept {
  (void)deny_frame(context, &flow, frame_of(flow, sender), Verdict::RESET, reason);
  note_reset(context, flow);
  tcp_end_by_reset(context, flow);
}

// The answer to a segment that belongs to nothing: both ends learn it at once (RFC 9293 §3.10.7.1).
void refuse_stray(WorkerContext& context, const Flow& flow, Side sender, const ParsedFrame& frame) noexcept {
  OwnSegment segment;
  segment.from = other(sender);
  segment.flags = TCP_RST;
  segment.sequence = frame.acknowledgement;
  (void)send_own(context, flow, segment);
  segment.from = sender;
  segment.flags = TCP_RST | TCP_ACK;
  segment.sequence = frame.sequence;
  segment.acknowledgement = frame.acknowledgement;
  (void)send_own(context, flow, segment);
  context.counters.resets_sent += 2;
}

// Two segments for one, to addresses that the sender chose: enough for all connections of an asset after a
// restart, too little to use the gateway as a source of RSTs.
[[nodiscard]] bool may_refuse_stray(WorkerContext& context, const Flow& flow, Side sender) noexcept {
  std::uint64_t& reached = context.stray_ns[flow.asset[sender] % stray_source_count];
  const std::uint64_t from = std::max(reached, context.now_ns);
  if (from - context.now_ns > (stray_burst - 1) * stray_interval_ns) return false;
  reached = from + stray_interval_ns;
  return true;
}

// Do the bytes consist of whole PDUs of the flow's client?
[[nodiscard]] bool verified(const Flow& flow, Side sender, Bytes bytes) noexcept {
  if (flow.opaque || mutated(Mutation::RESYNC_UNVERIFIED)) return true;
  if (flow.protocol == nullptr || sender != flow.client_side || bytes.empty()) return false;
  while (!bytes.empty()) {
    const Framing framing = flow.protocol->frame(bytes, Role::CLIENT, Transport::TCP, flow.session);
    const bool whole = framing.status == FrameStatus::COMPLETE && framing.judge_size > 0 &&
                       framing.judge_size <= framing.pdu_size && framing.pdu_size <= bytes.size();
    if (!whole) return false;
    bytes = bytes.subspan(framing.pdu_size);
  }
  return true;
}

void join_stream(Stream& stream, std::uint32_t position, bool unverified) noexcept {
  stream.acked = stream.forwarded = stream.received = stream.boundary = stream.acked_r = position;
  stream.edge_r = position + (0xFFFFU << 14U);  // scale unknown: the widest that there is
  stream.scale = 14;
  stream.unverified = unverified;
}

}  // namespace

bool is_joined_boundary(WorkerContext& context, const Flow& flow, std::uint32_t position) noexcept {
  if (flow.protocol == nullptr || mutated(Mutation::JOINED_WITHIN_PDU)) return true;  // opaque
  const Stream& stream = flow.tcp.stream[flow.client_side];
  BlockPool& pool = *context.blocks;
  std::uint32_t at = stream.acked;
  while (before(at, position)) {
    const std::uint32_t size = std::min(data_end(stream) - at, flow.protocol->judge_size_max);
    const std::span<std::uint8_t> bytes{pool.assembly.data(), size};
    kept_copy(pool, stream.kept, at - kept_begin(stream), bytes);
    const Framing framing = flow.protocol->frame(bytes, Role::CLIENT, Transport::TCP, flow.session);
    if (framing.status != FrameStatus::COMPLETE || framing.pdu_size == 0) return false;
    if (after(at + framing.pdu_size, position)) return false;
    at += framing.pdu_size;
  }
  return true;
}

bool resyncs(const WorkerContext& context, const Flow& flow) noexcept {
  return context.image != nullptr && flow.conduit < context.image->conduits().size() &&
         context.image->conduits()[flow.conduit].mid_stream == MidStream::RESYNC;
}

void tcp_end_by_reset(WorkerContext& context, Flow& flow) noexcept {
  tcp_reset_both(context, flow);
  flow.timer_ns = timer_never;
  flow.tcp.reset = true;
  flow.state = resyncs(context, flow) ? FlowState::CLOSING : FlowState::FREE;
}

void tcp_refuse_late(Step& step) noexcept {
  const bool answers = step.flow.tcp.reset && (step.frame.tcp_flags & TCP_RST) == 0;
  if (answers && may_refuse_stray(step.context, step.flow, step.sender))
    refuse_stray(step.context, step.flow, step.sender, step.frame);
}

void tcp_reset_both(WorkerContext& context, Flow& flow) noexcept {
  const TcpPhase phase = flow.tcp.phase;
  if (phase == TcpPhase::OPENING || phase == TcpPhase::OPEN) {
    send_reset(context, flow, 0);
    if (!mutated(Mutation::RESET_ONE_SIDE)) send_reset(context, flow, 1);
  }
  tcp_release(context, flow);
}

void tcp_reset_receiver(WorkerContext& context, Flow& flow, Side sender) noexcept {
  const TcpPhase phase = flow.tcp.phase;
  if (phase == TcpPhase::OPENING || phase == TcpPhase::OPEN) send_reset(context, flow, other(sender));
  tcp_release(context, flow);
}

void release_stream(WorkerContext& context, Flow& flow, Side side) noexcept {
  BlockPool& pool = *context.blocks;
  Stream& stream = flow.tcp.stream[side];
  StreamAside& aside = flow.tcp.aside[side];
  if (mutated(Mutation::BLOCK_LEAKED_BY_RESET)) return;
  kept_clear(pool, stream.kept);
  kept_clear(pool, stream.told);
  for (; stream.early_count != 0; --stream.early_count) {
    pool.give_back(aside.early[stream.early_count - 1U].block);
  }
  for (; stream.waiting_count != 0; --stream.waiting_count) {
    pool.give_back(aside.waiting[stream.waiting_count - 1U].block);
  }
  for (; stream.edit_count != 0; --stream.edit_count) {
    const Edit& edit = aside.edits[stream.edit_count - 1U];
    if (edit.kind == EditKind::INSERTED) pool.give_back(edit.block);
  }
}

void tcp_release(WorkerContext& context, Flow& flow) noexcept {
  release_stream(context, flow, 0);
  release_stream(context, flow, 1);
  flow.tcp.phase = TcpPhase::DEAD;
  flow.tcp.plain_for = never_plain;
}

std::uint64_t next_timer(const WorkerContext& context, const Flow& flow) noexcept {
  std::uint64_t next = timer_never;
  for (const Stream& stream : flow.tcp.stream) {
    next = std::min(next, stream.repeat_ns);
    if (stream.held_since_ns == 0) continue;
    next = std::min(next, stream.held_since_ns + context.config.limits.hold_ns);
  }
  return next;
}

std::uint64_t tcp_timer(WorkerContext& context, Flow& flow) noexcept {
  if (flow.tcp.phase != TcpPhase::OPEN) return timer_never;
  for (Side side = 0; side < 2; ++side) {
    Stream& stream = flow.tcp.stream[side];
    const bool held = stream.held_since_ns != 0;
    if (held && context.now_ns - stream.held_since_ns >= context.config.limits.hold_ns) {
      end_by_timer(context, flow, side, Reason::TCP_HOLD_TIMEOUT);
      return timer_never;
    }
    if (stream.repeat_ns <= context.now_ns && !repeat_reply(context, flow, side)) {
      end_by_timer(context, flow, other(side), Reason::TCP_REPLY_UNACKNOWLEDGED);
      return timer_never;
    }
  }
  return next_timer(context, flow);
}

Disposition tcp_no_flow(WorkerContext& context, ParsedFrame& parsed) noexcept {
  Reason reason = Reason::NONE;
  Side sender = 0;
  Flow* flow = nullptr;
  // Whoever opened it: first as if the sender had, then the other side.
  if ((parsed.tcp_flags & TCP_RST) == 0) {
    flow = open_flow(context, parsed, 0, FlowState::ESTABLISHED, reason);
    if (flow == nullptr && (reason == Reason::FLOW_UNDOCUMENTED || reason == Reason::CONDUIT_UNDOCUMENTED)) {
      sender = 1;
      flow = open_flow(context, parsed, 1, FlowState::ESTABLISHED, reason);
    }
  }
  if (flow == nullptr) {
    const Reason cause = reason == Reason::NONE ? Reason::TCP_NO_FLOW : reason;
    (void)deny_frame(context, nullptr, parsed, Verdict::DROP, cause);
    return Disposition::CONSUME;
  }
  const bool plain = (parsed.tcp_flags & (TCP_SYN | TCP_FIN | TCP_URG)) == 0;
  const bool resync = resyncs(context, *flow);
  if (flow->observe || (resync && plain && verified(*flow, sender, parsed.payload()))) {
    if (!admit_frame(context, *flow, sender, parsed)) {  // what is denied joins nothing
      flow->state = FlowState::FREE;
      settle_flow(context, *flow);
      return Disposition::CONSUME;
    }
    join_stream(flow->tcp.stream[sender], parsed.sequence, false);
    join_stream(flow->tcp.stream[other(sender)], parsed.acknowledgement, !flow->observe);
    flow->tcp.stream[sender].joined = !flow->observe;
    flow->tcp.phase = TcpPhase::OPEN;
    flow->tcp.blind = flow->observe;
    const Disposition disposition = tcp_gate(context, *flow, sender, parsed);
    settle_flow(context, *flow);
    return disposition;
  }
  const bool bare = parsed.payload_size == 0 && plain;  // may wait for data
  const bool answered = !(resync && bare) && may_refuse_stray(context, *flow, sender);
  (void)deny_frame(context, flow, parsed, answered ? Verdict::RESET : Verdict::DROP, Reason::TCP_NO_FLOW);
  if (answered) refuse_stray(context, *flow, sender, parsed);
  flow->state = FlowState::FREE;
  settle_flow(context, *flow);
  return Disposition::CONSUME;
}

bool tcp_map_quote(const WorkerContext& context, const Flow& flow, Side quoted_sender,
                   std::span<std::uint8_t> quoted) noexcept {
  if (!flow.tcp.mapped || mutated(Mutation::QUOTE_NOT_TRANSLATED)) return true;
  const PositionMap map = map_of(flow, quoted_sender);
  const std::uint32_t sequence_r = load_u32be(quoted.data() + 4);
  const std::uint32_t sequence = to_sender(map, sequence_r);
  store_u32be(quoted.data() + 4, sequence);
  const std::size_t header = quoted.size() > 12 ? std::size_t{4} * (quoted[12] >> 4) : quoted.size();
  if (quoted.size() <= header) return true;
  const std::span<std::uint8_t> payload = quoted.subspan(header);
  const auto size = static_cast<std::uint32_t>(payload.size());
  // Across an edit the quoted octets never stood behind one another.
  if (to_receiver(map, sequence) != sequence_r || to_sender(map, sequence_r + size) != sequence + size)
    return false;
  if (!flow.tcp.renumbered) return true;
  const Stream& stream = flow.tcp.stream[quoted_sender];
  if (before(sequence, kept_begin(stream)) || after(sequence + size, data_end(stream))) return false;
  kept_copy(*context.blocks, stream.kept, sequence - kept_begin(stream), payload);
  return true;
}

const char* tcp_invariants(const Flow& flow) noexcept {
  const bool followed = flow.tcp.follow == Follow::INSPECTED || flow.tcp.follow == Follow::OBSERVED;
  if (flow.tcp.phase != TcpPhase::OPEN || !followed || flow.tcp.blind) return nullptr;
  for (Side side = 0; side < 2; ++side) {
    const Stream& stream = flow.tcp.stream[side];
    const StreamAside& aside = flow.tcp.aside[side];
    if (after(stream.acked, stream.forwarded)) return "acked <= forwarded";
    if (after(stream.forwarded, stream.received)) return "forwarded <= received";
    if (stream.told.size != (flow.tcp.renumbered ? stream.kept.size : 0)) return "told has what kept has";
    if (stream.kept.size > retained_size_max) return "kept <= retained_size_max";
    if (stream.received - stream.forwarded > held_size_max + frame_size_max) return "held <= held_size_max";
    const bool body = after(stream.boundary, stream.received);
    if (body && stream.forwarded != stream.received) return "the rest of a judged PDU is not held";
    const bool leaves = !body && !stream.joined;
    if (leaves && before(stream.forwarded, stream.boundary)) return "what is judged has left";
    const std::uint32_t from = earlier(stream.acked, earlier(stream.boundary, data_end(stream)));
    if (kept_begin(stream) != from) return "kept begins at the earlier of acked and boundary";
    if (stream.edit_count + stream.waiting_count > static_cast<int>(position_map_count_max))
      return "map size";
    for (std::uint8_t i = 0; i < stream.edit_count; ++i) {
      const Edit& edit = aside.edits[i];
      if (i > 0 && before(edit.position, aside.edits[i - 1U].position)) return "edits in order";
      if (edit.kind == EditKind::INSERTED && edit.block == none_index)
        return "an inserted edit has its bytes";
      if (edit.kind == EditKind::REMOVED && before(edit.position, stream.acked)) {
        if (!after(edit.position + edit.size, stream.acked)) return "a passed edit is folded";
      }
    }
    for (std::uint8_t i = 0; i < stream.early_count; ++i) {
      const EarlySegment& early = aside.early[i];
      if (!after(early.sequence + early.size, stream.received)) return "early segments bring new bytes";
    }
  }
  return nullptr;
}

}  // namespace conduit
