#include "dataplane/engine/tcp_gate.hpp"

#include <algorithm>

#include "dataplane/engine/tcp_gate_parts.hpp"
#include "protocols/core/mutation.hpp"

namespace conduit {
namespace {

[[nodiscard]] Follow wanted(const Flow& flow) noexcept {
  if (flow.opaque || flow.protocol == nullptr) return Follow::OPAQUE;
  return flow.observe ? Follow::OBSERVED : Follow::INSPECTED;
}

[[nodiscard]] bool settled(const Stream& stream) noexcept {
  return stream.forwarded == stream.received && stream.early_count == 0 && stream.waiting_count == 0 &&
         stream.edit_count == 0 && !after(stream.boundary, stream.received);
}

// The policy in force wants the streams followed in another way than so far. False: that cannot be.
[[nodiscard]] bool change_follow(Step& step, Follow follow) noexcept {
  TcpState& tcp = step.flow.tcp;
  if (tcp.follow == Follow::UNDECIDED) {
    tcp.follow = follow;
    tcp.protocol = step.flow.protocol;
    return true;
  }
  const bool unknown = tcp.follow == Follow::OPAQUE || tcp.blind || tcp.doubtful;
  // What leaves a renumbered flow has to be rewritten, whatever the policy wants to be told.
  if (tcp.renumbered) return follow != Follow::OPAQUE && tcp.protocol == step.flow.protocol;
  if (follow == Follow::INSPECTED && unknown && !mutated(Mutation::DOUBT_FORGOTTEN)) return false;
  if (tcp.protocol != step.flow.protocol && follow != Follow::OPAQUE) return false;
  if (tcp.follow == Follow::INSPECTED && !(settled(step.stream) && settled(step.back))) return true;
  if (follow == Follow::OBSERVED && tcp.follow == Follow::OPAQUE) tcp.blind = true;
  tcp.follow = follow;
  tcp.protocol = step.flow.protocol;
  for (Side side = 0; side < 2 && follow == Follow::OPAQUE; ++side) {
    kept_clear(*step.context.blocks, tcp.stream[side].kept);
    tcp.stream[side].boundary = tcp.stream[side].received;
  }
  return true;
}

// An acknowledgement of something that was sent to the sender, and not of the distant past (RFC 5961 §5).
[[nodiscard]] bool acknowledgement_valid(const Step& step) noexcept {
  const Stream& back = step.back;
  const std::uint32_t number = step.frame.acknowledgement;
  if (number == back.acked_r || mutated(Mutation::ACKNOWLEDGEMENT_UNCHECKED)) return true;
  if (before(number, back.acked_r)) return back.acked_r - number <= (0xFFFFU << step.stream.scale);
  return !after(number, to_receiver(map_of(back, step.back_aside), back.forwarded));
}

// Would the receiver take bytes here (RFC 9293 §3.10.7.4)?
[[nodiscard]] bool in_window(const Step& step, std::uint32_t end) noexcept {
  const Stream& stream = step.stream;
  const bool beyond = after(end, to_sender(map_of(stream, step.aside), stream.edge_r));
  if (beyond && !mutated(Mutation::WINDOW_UNCHECKED)) return false;
  if (mutated(Mutation::OLD_DATA_UNCHECKED)) return true;
  return !before(end, stream.acked) || stream.acked - end <= (0xFFFFU << step.back.scale);
}

// There would be room for it, had the engine not inserted a reply that the sender knows nothing of: no fault
// of the sender, who sends it again.
[[nodiscard]] bool is_crowded_out(const Step& step, std::uint32_t end) noexcept {
  return step.flow.tcp.mapped && !before(end, step.stream.acked) && !after(end, step.stream.told_edge);
}

// Leaves of such a segment what there is room for. False: nothing.
[[nodiscard]] bool trim_to_window(Step& step) noexcept {
  ParsedFrame& frame = step.frame;
  const std::uint32_t end = to_sender(map_of(step.stream, step.aside), step.stream.edge_r);
  if (!after(end, frame.sequence) || frame.payload_size == 0) return false;
  frame.payload_size =
      static_cast<std::uint16_t>(std::min<std::uint32_t>(frame.payload_size, end - frame.sequence));
  clear_fin(frame);
  return true;
}

// A sender that counts the octet of its window probe as sent acknowledges from behind it.
[[nodiscard]] bool is_ack_behind_probe(const Step& step, std::uint32_t end) noexcept {
  return end == step.frame.sequence && in_window(step, end - 1);
}

// RFC 7323 §5; bytes only, an old acknowledgement does no harm.
[[nodiscard]] bool timestamp_old(const Step& step, std::uint32_t end) noexcept {
  const ParsedFrame& frame = step.frame;
  if (mutated(Mutation::TIMESTAMP_UNCHECKED)) return false;
  return frame.has_timestamp && step.stream.has_timestamp && end != frame.sequence &&
         before(frame.timestamp, step.stream.timestamp);
}

// One octet (or more) beyond a closed window, or an end, asks the receiver for its window: the question goes
// on, without the bytes.
[[nodiscard]] bool is_window_probe(const Step& step) noexcept {
  const Stream& stream = step.stream;
  const bool asks = step.frame.payload_size > 0 || (step.frame.tcp_flags & TCP_FIN) != 0;
  return asks && step.frame.sequence == stream.received && stream.forwarded == stream.received &&
         to_receiver(map_of(stream, step.aside), stream.received) == stream.edge_r;
}

void take_acknowledgement(Step& step) noexcept {
  const ParsedFrame& frame = step.frame;
  Stream& back = step.back;
  const std::uint32_t acked = back.acked;
  const bool advanced = after(frame.acknowledgement, back.acked_r);
  if (advanced) {
    back.acked_r = frame.acknowledgement;
    back.repeat_count = 0;
    settle_acknowledged(step.context, step.flow, other(step.sender));
  }
  const std::uint32_t edge = frame.acknowledgement + (std::uint32_t{frame.window} << step.stream.scale);
  back.edge_r = later(edge, back.edge_r);
  step.news = back.acked != acked || frame.window != step.stream.window || frame.sack_count != 0;
  step.echoed = advanced && !step.news;
  // An older one's counts from its own number: not what the engine says in this name.
  if (!before(frame.acknowledgement, back.acked_r)) step.stream.window = frame.window;
}

[[nodiscard]] Disposition pass_opaque(Step& step, std::uint32_t end) noexcept {
  Stream& stream = step.stream;
  if (after(end, stream.received)) {
    stream.received = end;
    stream.forwarded = end;
    stream.boundary = end;
    stream.fin = (step.frame.tcp_flags & TCP_FIN) != 0;
  }
  return forward_unchanged(step);
}

// Replies whose time has come, ends of both streams, the timer.
void finish(Step& step) noexcept {
  Flow& flow = step.flow;
  if (flow.tcp.mapped) {
    for (Side side = 0; side < 2; ++side) {
      queue_acknowledgement(step.context, flow, side);
      if (flow.tcp.stream[side].waiting_count != 0) place_replies(step.context, flow, side);
      send_placed(step.context, flow, side);
    }
  }
  if (step.stream.fin && step.back.fin) flow.state = FlowState::CLOSING;
  const bool sure = !step.stream.joined && !step.back.joined && !step.stream.unverified &&
                    !step.back.unverified && !step.stream.fin && !step.back.fin && !step.stream.parted &&
                    !step.back.parted;
  const bool plain =
      !flow.tcp.mapped && sure && flow.tcp.follow == Follow::INSPECTED && wanted(flow) == Follow::INSPECTED;
  flow.tcp.plain_for = plain ? flow.classification : never_plain;
  flow.timer_ns = next_timer(step.context, flow);
}

// A connection was joined where its client stood, and this is the first word of its server. If that has not
// come so far, something in front of the place is lost, or the two sides number their bytes differently since
// a PDU was refused: nobody would ever send it again, and each would go on telling the other. It may have
// come farther: the client repeats what was answered while nobody passed it on. What the client calls a
// repetition nobody can hold against what the server got: it has to end where a PDU ends, or the server would
// go on within what was judged as the inside of one.
[[nodiscard]] bool agrees_with_joining(Step& step) noexcept {
  Stream& client = step.back;
  const std::uint32_t number = step.frame.acknowledgement;
  const bool beyond = after(number, client.received) && !mutated(Mutation::JOINED_UNASKED);
  if (before(number, client.acked_r) || beyond || !is_joined_boundary(step.context, step.flow, number))
    return false;
  client.joined = false;
  client.forwarded = later(client.forwarded, number);
  client.edge_r = client.forwarded;  // and as far as its window says
  return true;
}

[[nodiscard]] Disposition take_open(Step& step) noexcept {
  const ParsedFrame& frame = step.frame;
  Stream& stream = step.stream;
  const Follow follow = wanted(step.flow);
  if (step.flow.tcp.follow != follow && !change_follow(step, follow)) {
    (void)end_by_reset(step, Reason::TCP_STREAM_GAP);
    return Disposition::CONSUME;
  }
  const std::uint32_t end =
      frame.sequence + frame.payload_size + ((frame.tcp_flags & TCP_FIN) != 0 ? 1U : 0U);
  const bool confirms = step.back.joined;
  if (confirms && !agrees_with_joining(step)) {
    (void)end_by_reset(step, Reason::TCP_NO_FLOW);
    return Disposition::CONSUME;
  }
  if (!acknowledgement_valid(step)) return deny(step, Reason::TCP_OUT_OF_WINDOW);
  if (!in_window(step, end)) {
    const bool crowded = is_crowded_out(step, end);
    const bool excused = crowded || is_ack_behind_probe(step, end);
    if (!excused && !is_window_probe(step)) return deny(step, Reason::TCP_OUT_OF_WINDOW);
    if (crowded && trim_to_window(step)) return take_open(step);
    take_acknowledgement(step);
    // With an old number: the receiver answers with its window.
    if (excused) return forward_stripped(step, next_r(step.flow, step.sender) - 1);
    return forward_stripped(step, to_receiver(map_of(stream, step.aside), stream.received) - 1);
  }
  if (timestamp_old(step, end)) return deny(step, Reason::TCP_TIMESTAMP_OLD);
  take_acknowledgement(step);
  if (frame.has_timestamp && !after(frame.sequence, stream.received)) {
    stream.timestamp = stream.has_timestamp ? later(frame.timestamp, stream.timestamp) : frame.timestamp;
    stream.has_timestamp = true;
  }
  if (confirms) send_joined(step.context, step.flow, other(step.sender));
  if (frame.payload_size != 0) {
    const auto size = static_cast<std::uint16_t>(frame.payload_size + frame.tcp_options().size());
    stream.segment_max = std::max(stream.segment_max, size);
  }
  switch (step.flow.tcp.follow) {
    case Follow::INSPECTED: return pass_inspected(step);
    case Follow::OBSERVED: return pass_observed(step);
    case Follow::OPAQUE: return pass_opaque(step, end);
    case Follow::UNDECIDED: break;
  }
  return Disposition::CONSUME;
}

// What nearly every segment is: a pure ACK, or exactly one PDU, in order, on streams that were never edited
// and hold nothing. All laws hold as on the long way; every doubt takes the long way, before anything has
// changed.
[[nodiscard]] inline bool is_usual(const Flow& flow, const Stream& stream, const Stream& back,
                                   const ParsedFrame& frame) noexcept {
  const std::uint32_t sequence = frame.sequence;
  const std::uint32_t number = frame.acknowledgement;
  if (flow.tcp.plain_for != flow.classification || (frame.tcp_flags & ~TCP_PSH) != TCP_ACK) return false;
  if (sequence != stream.received || sequence != stream.forwarded) return false;
  if (sequence != stream.boundary && !mutated(Mutation::SHORT_WAY_WITHIN_PDU)) return false;
  if ((stream.early_count | std::uint8_t{stream.fin} | std::uint8_t{stream.unverified}) != 0) return false;
  if (before(number, back.acked) || after(number, back.forwarded)) return false;
  if (after(sequence + frame.payload_size, stream.edge_r)) return false;
  return !frame.has_timestamp || !stream.has_timestamp || !before(frame.timestamp, stream.timestamp);
}

inline void note_usual(WorkerContext& context, Flow& flow, Side sender, Stream& stream, Stream& back,
                       const ParsedFrame& frame) noexcept {
  const std::uint32_t number = frame.acknowledgement;
  if (number != back.acked_r) {
    back.acked_r = number;
    const bool all = number == back.received && number == back.boundary && back.kept.first == none_index;
    if (all) {
      back.acked = number;
      back.kept.size = 0;
      back.kept.begin = 0;
    } else {
      settle_acknowledged(context, flow, other(sender));
    }
  }
  back.edge_r = later(number + (std::uint32_t{frame.window} << stream.scale), back.edge_r);
  stream.window = frame.window;
  stream.timestamp = frame.has_timestamp ? frame.timestamp : stream.timestamp;
}

// The one PDU of a usual segment was not permitted.
[[gnu::noinline]] Disposition obey_usual(WorkerContext& context, Flow& flow, Side sender, ParsedFrame& frame,
                                         const Judgement& judgement, bool news) noexcept {
  Step step(context, flow, sender, frame);
  step.news = news;
  const std::uint32_t left = step.stream.forwarded;
  Disposition disposition = Disposition::CONSUME;
  if (obey(step, judgement, frame.payload(), frame.payload_size))
    disposition = let_go(step, step.stream.received, left, false);
  if (flow.state != FlowState::FREE && flow.tcp.phase == TcpPhase::OPEN) finish(step);
  return disposition;
}

[[nodiscard]] inline bool is_one_pdu(const Flow& flow, Role role, Bytes payload) noexcept {
  const Framing framing = flow.protocol->frame(payload, role, Transport::TCP, flow.session);
  return framing.status == FrameStatus::COMPLETE && framing.pdu_size == payload.size() &&
         framing.judge_size == payload.size();
}

// NOT_USUAL: nothing was changed, the long way decides.
enum class Usual : std::uint8_t { CONSUME = 0, FORWARD = 1, NOT_USUAL = 2 };

[[nodiscard]] Usual take_usual(WorkerContext& context, Flow& flow, Side sender, Stream& stream, Stream& back,
                               ParsedFrame& frame) noexcept {
  const std::uint32_t size = frame.payload_size;
  if (!is_usual(flow, stream, back, frame)) return Usual::NOT_USUAL;
  if (size == 0) {
    note_usual(context, flow, sender, stream, back, frame);
    return Usual::FORWARD;
  }
  const Bytes payload = frame.payload();
  const Role role = sender == flow.client_side ? Role::CLIENT : Role::SERVER;
  const auto read = flow.protocol->usual;
  const bool told = read != nullptr && read(payload, role, flow.quirks, context.pdu_head, context.operation);
  if (!told && !is_one_pdu(flow, role, payload)) return Usual::NOT_USUAL;
  if (stream.kept.size + size > retained_size_max) return Usual::NOT_USUAL;
  if (!kept_append(*context.blocks, stream.kept, payload)) return Usual::NOT_USUAL;
  const bool news = frame.acknowledgement != back.acked_r || frame.window != stream.window;
  note_usual(context, flow, sender, stream, back, frame);
  const std::uint32_t whole = size + (frame.payload_offset - frame.l4_offset - 20U);
  if (whole > stream.segment_max) stream.segment_max = static_cast<std::uint16_t>(whole);
  stream.received += size;
  const std::span<std::uint8_t> reply = context.blocks->reply;
  const Judgement judgement = told ? judge_usual(context, flow, sender, frame, payload, reply)
                                   : judge_pdu(context, flow, sender, frame, payload, size, reply);
  if (judgement.verdict == Verdict::FORWARD) [[likely]] {
    stream.boundary = stream.forwarded = stream.received;
    return Usual::FORWARD;
  }
  const Disposition disposition = obey_usual(context, flow, sender, frame, judgement, news);
  return disposition == Disposition::FORWARD ? Usual::FORWARD : Usual::CONSUME;
}

[[gnu::noinline]] Disposition take_long_way(WorkerContext& context, Flow& flow, Side sender,
                                            ParsedFrame& frame) noexcept {
  Step step(context, flow, sender, frame);
  const bool odd = (frame.tcp_flags & (TCP_SYN | TCP_RST | TCP_URG)) != 0;
  if (flow.tcp.phase != TcpPhase::OPEN || odd) {
    const Course course = take_opening(step);
    if (course == Course::CONSUME) return Disposition::CONSUME;
    if (course == Course::FORWARD) return Disposition::FORWARD;
  }
  const Disposition disposition = take_open(step);
  if (flow.state != FlowState::FREE && flow.tcp.phase == TcpPhase::OPEN) finish(step);
  return disposition;
}

}  // namespace

Disposition deny(Step& step, Reason reason) noexcept {
  const bool observed = deny_frame(step.context, &step.flow, step.frame, Verdict::DROP, reason);
  if (!observed) return Disposition::CONSUME;
  // It leaves though no stream counts it: whether its receiver does nobody knows.
  const bool counted = (step.frame.tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)) != 0;
  if (step.frame.payload_size != 0 || counted) step.flow.tcp.doubtful = true;
  return forward_unchanged(step);
}

namespace {

// Each block in the numbers of the bytes' sender, clamped at what it has sent and the receiver has not yet
// acknowledged. A block of which nothing is left (it lies in a reply, or reports what came twice) is left
// out.
void translate_sack(Step& step, PositionMap map) noexcept {
  ParsedFrame& frame = step.frame;
  const std::uint8_t* at = frame.data + frame.sack_offset;
  std::uint8_t kept = 0;
  for (std::uint8_t i = 0; i < frame.sack_count; ++i, at += 8) {
    const std::uint32_t left = later(to_sender(map, load_u32be(at)), step.back.acked);
    const std::uint32_t right = earlier(to_sender(map, load_u32be(at + 4)), step.back.forwarded);
    if (before(left, right)) set_sack_block(frame, kept++, left, right);
  }
  shorten_sack(frame, kept);
}

}  // namespace

void translate_acknowledgement(Step& step) noexcept {
  if (!step.flow.tcp.mapped) return;
  ParsedFrame& frame = step.frame;
  const PositionMap map = map_of(step.back, step.back_aside);
  // Everything older than `acked` is no news to its receiver: one number serves for all.
  if (!mutated(Mutation::ACKNOWLEDGEMENT_NOT_TRANSLATED)) set_acknowledgement(frame, step.back.acked);
  // Its window counts from its own number: an older one leaves so much less behind the newest.
  const std::uint32_t lag = later(step.back.acked_r, frame.acknowledgement) - frame.acknowledgement;
  const std::uint32_t room = std::uint32_t{frame.window} << step.stream.scale;
  const auto left = static_cast<std::uint16_t>((room > lag ? room - lag : 0) >> step.stream.scale);
  const std::uint16_t window = told_window(map, left, step.stream.scale);
  set_window(frame, window);
  const std::uint32_t told = step.back.acked + (std::uint32_t{window} << step.stream.scale);
  step.back.told_edge = later(step.back.told_edge, told);
  if (frame.sack_count != 0 && !mutated(Mutation::SACK_NOT_TRANSLATED)) translate_sack(step, map);
}

Disposition forward_unchanged(Step& step) noexcept {
  if (step.flow.tcp.mapped) {
    set_sequence(step.frame, to_receiver(map_of(step.stream, step.aside), step.frame.sequence));
    translate_acknowledgement(step);
    finish_changed(step.frame);
  }
  return Disposition::FORWARD;
}

Disposition forward_stripped(Step& step, std::uint32_t sequence_r) noexcept {
  set_sequence(step.frame, sequence_r);
  translate_acknowledgement(step);
  strip_payload(step.frame);
  finish_changed(step.frame);
  return Disposition::FORWARD;
}

void settle_acknowledged(WorkerContext& context, Flow& flow, Side side) noexcept {
  Stream& stream = flow.tcp.stream[side];
  StreamAside& aside = flow.tcp.aside[side];
  std::uint8_t done = 0;
  for (; done < stream.edit_count; ++done) {  // fold what lies behind the receiver
    Edit& edit = aside.edits[done];
    const std::uint32_t place_r = edit.position + stream.delta;
    if (edit.kind == EditKind::REMOVED) {
      if (before(stream.acked_r, place_r) || after(edit.position + edit.size, stream.forwarded)) break;
      stream.delta -= edit.size;
      continue;
    }
    const std::uint32_t needed = mutated(Mutation::REPLY_REST_FORGOTTEN) ? 1U : edit.size;
    if (!edit.left() || before(stream.acked_r, place_r + needed)) break;
    stream.delta += edit.size;
    if (!mutated(Mutation::BLOCK_LEAKED_BY_REPLY)) context.blocks->give_back(edit.block);
    stream.repeat_count = 0;
    stream.repeat_ns = timer_never;
  }
  if (done != 0) {
    std::copy(aside.edits.begin() + done, aside.edits.begin() + stream.edit_count, aside.edits.begin());
    stream.edit_count = static_cast<std::uint8_t>(stream.edit_count - done);
    const bool waits = stream.edit_count != 0 && inserted_size(map_of(stream, aside)) != 0 &&
                       !mutated(Mutation::NEXT_REPLY_FORGOTTEN);
    if (waits && stream.repeat_ns == timer_never) stream.repeat_ns = context.now_ns + reply_repeat_ns;
  }
  const std::uint32_t acked = to_sender(map_of(stream, aside), stream.acked_r);
  stream.acked = later(stream.acked, earlier(acked, stream.forwarded));
  const std::uint32_t from = earlier(stream.acked, stream.boundary);
  const std::uint32_t begin = kept_begin(stream);
  if (stream.kept.size == 0 || !after(from, begin)) return;
  kept_drop(*context.blocks, stream.kept, from - begin);
  if (flow.tcp.renumbered) kept_drop(*context.blocks, stream.told, from - begin);
}

Disposition tcp_gate(WorkerContext& context, Flow& flow, Side sender, ParsedFrame& parsed) noexcept {
  Stream& stream = flow.tcp.stream[sender];
  Stream& back = flow.tcp.stream[other(sender)];
  const bool blindly = mutated(Mutation::FORWARD_BEFORE_JUDGING) && flow.tcp.phase == TcpPhase::OPEN;
  if (blindly && parsed.payload_size != 0) (void)context.emit(parsed.port_out, {parsed.data, parsed.size});
  const Usual usual = take_usual(context, flow, sender, stream, back, parsed);
  if (usual == Usual::NOT_USUAL) return take_long_way(context, flow, sender, parsed);
  return usual == Usual::FORWARD ? Disposition::FORWARD : Disposition::CONSUME;
}

}  // namespace conduit
