// Payload of inspected and observed streams: compared with what came before, put in order, judged, held back
// where its PDU is not whole, sent on. Bytes always leave from the stream's kept copy, so that what the
// receiver gets is what was judged; only a segment that may leave exactly as it came is not copied again.
#include <algorithm>
#include <array>

#include "dataplane/engine/tcp_gate_parts.hpp"
#include "protocols/core/mutation.hpp"

namespace conduit {
namespace {

[[nodiscard]] bool is_fin(const ParsedFrame& frame) noexcept { return (frame.tcp_flags & TCP_FIN) != 0; }

// Does the part of the segment that came before carry the same bytes (law 3)?
[[nodiscard]] bool same_as_kept(const Step& step) noexcept {
  const Stream& stream = step.stream;
  const Bytes payload = step.frame.payload();
  const std::uint32_t begin = later(step.frame.sequence, kept_begin(stream));
  std::uint32_t end =
      earlier(step.frame.sequence + static_cast<std::uint32_t>(payload.size()), data_end(stream));
  // Nor may it end the stream in front of bytes that came already.
  const std::uint32_t fin_at = step.frame.sequence + step.frame.payload_size;
  const bool in_front = is_fin(step.frame) && before(fin_at, data_end(stream));
  if (in_front && !mutated(Mutation::FIN_IN_FRONT_TAKEN)) return false;
  if (!before(begin, end) || mutated(Mutation::LAST_DATA_WINS)) return true;
  if (mutated(Mutation::COMPARISON_CUT_SHORT)) end = begin + 1;
  return kept_equal(*step.context.blocks, stream.kept, begin - kept_begin(stream),
                    payload.subspan(begin - step.frame.sequence, end - begin));
}

// Do the segments that wait say the same, of bytes and of where the stream ends?
[[nodiscard]] bool same_as_early(const Step& step) noexcept {
  const Bytes payload = step.frame.payload();
  const std::uint32_t sequence = step.frame.sequence;
  const std::uint32_t end = sequence + static_cast<std::uint32_t>(payload.size());
  for (std::uint8_t i = 0; i < step.stream.early_count; ++i) {
    const EarlySegment& early = step.aside.early[i];
    const std::uint32_t early_end = early.sequence + early.size;
    if ((early.fin && after(end, early_end)) || (is_fin(step.frame) && after(early_end, end))) return false;
    const std::uint32_t first = later(sequence, early.sequence);
    const std::uint32_t last = earlier(end, early_end);
    if (!before(first, last)) continue;
    const std::uint8_t* kept = step.context.blocks->data(early.block) + (first - early.sequence);
    const Bytes again = payload.subspan(first - sequence, last - first);
    if (!std::equal(again.begin(), again.end(), kept)) return false;
  }
  return true;
}

// A segment that came too early waits; the receiver is asked to repeat what it has, so that its sender
// learns of the gap at once.
[[nodiscard]] Disposition take_early(Step& step) noexcept {
  Stream& stream = step.stream;
  const ParsedFrame& frame = step.frame;
  BlockPool& pool = *step.context.blocks;
  const std::uint32_t ask_r = to_receiver(map_of(stream, step.aside), stream.forwarded) - 1;
  if (frame.payload_size == 0) return forward_stripped(step, ask_r);  // a FIN: it comes again
  if (mutated(Mutation::EARLY_FORWARDED)) return forward_unchanged(step);
  const std::uint32_t end = frame.sequence + frame.payload_size;
  auto* const first = step.aside.early.data();
  auto* const last = first + stream.early_count;
  auto* const place = std::find_if(
      first, last, [&](const EarlySegment& early) { return !before(early.sequence, frame.sequence); });
  for (const EarlySegment* early = first; early != last; ++early) {
    const bool covers = !after(early->sequence, frame.sequence) && !after(end, early->sequence + early->size);
    if (covers) return forward_stripped(step, ask_r);
  }
  if (stream.early_count == step.aside.early.size() || !pool.grants(1, modest_block_count)) {
    return deny(step, Reason::TCP_OUT_OF_ORDER_FULL);
  }
  EarlySegment early{frame.sequence, pool.take(), frame.payload_size, is_fin(frame)};
  std::copy(frame.payload().begin(), frame.payload().end(), pool.data(early.block));
  std::copy_backward(place, last, last + 1);
  *place = early;
  ++stream.early_count;
  return forward_stripped(step, ask_r);
}

// Appends early segments that have become the next in order. `fin`: the last one ended the stream.
void drain_early(Step& step, bool& fin) noexcept {
  Stream& stream = step.stream;
  BlockPool& pool = *step.context.blocks;
  std::uint8_t taken = 0;
  for (; taken < stream.early_count; ++taken) {
    const EarlySegment& early = step.aside.early[taken];
    if (after(early.sequence, stream.received)) break;
    const std::uint32_t known = stream.received - early.sequence;
    if (known < early.size) {
      const Bytes rest{pool.data(early.block) + known, early.size - known};
      if (stream.kept.size + rest.size() > retained_size_max) break;
      if (!keep(step.context, step.flow.tcp, stream, rest)) break;
      stream.received += static_cast<std::uint32_t>(rest.size());
    }
    fin = fin || (early.fin && stream.received == early.sequence + early.size);
    pool.give_back(early.block);
  }
  std::copy(step.aside.early.begin() + taken, step.aside.early.begin() + stream.early_count,
            step.aside.early.begin());
  stream.early_count = static_cast<std::uint8_t>(stream.early_count - taken);
  if (taken != 0 && mutated(Mutation::EARLY_UNJUDGED))
    stream.boundary = later(stream.boundary, stream.received);
}

// A part of the PDU at the boundary leaves.
void mark_part(Stream& stream) noexcept {
  const std::uint32_t more = stream.received - stream.forwarded;
  const bool near = after(stream.forwarded, stream.boundary) && more < stray_head_size;
  stream.marks = static_cast<std::uint8_t>((near ? stream.marks << more : 0) | 1);
  stream.forwarded = stream.received;
}

// Decides how far the stream may leave (law 1). `repeated`: the sender has repeated a tail that is held.
// False: the flow was ended.
[[nodiscard]] bool release(Step& step, bool repeated) noexcept {
  Stream& stream = step.stream;
  if (!before(stream.boundary, stream.received)) {  // nothing unjudged
    stream.forwarded = stream.received;
    stream.held_since_ns = 0;
    return true;
  }
  const std::uint32_t tail = stream.received - stream.boundary;
  const std::uint16_t flags = step.flow.asset_flags;
  // Where connections may be joined in mid-stream, a restart has to find every receiver at a PDU boundary.
  // And numbers of a PDU that is not whole cannot be adjusted.
  const bool whole_only = (resyncs(step.context, step.flow) && !mutated(Mutation::PART_LEFT_BEFORE_RESYNC)) ||
                          step.flow.tcp.renumbered;
  const bool waits_no_more =
      (flags & ASSET_PARTIAL_FORWARD) != 0 || stream.released_count >= releases_until_forward;
  const std::uint32_t prefix =
      step.flow.protocol->framing_prefix_size + (mutated(Mutation::OPERATION_BEGUN) ? 1U : 0U);
  // Where a receiver may give up a part, framing goes on in one piece or waits: fewer places to read on from.
  const bool framing = step.flow.protocol->strays == nullptr ? tail <= prefix : tail == prefix;
  const bool clean = !whole_only && (waits_no_more || framing);
  const bool holds = (flags & ASSET_PARTIAL_HOLD) != 0 && !mutated(Mutation::HOLD_RELEASED);
  if (!clean && repeated && (whole_only || holds)) {
    return end_by_reset(step, Reason::TCP_HOLD_TIMEOUT);
  }
  if (clean || repeated) {
    if (!part_goes_on(step)) return false;
    if (!clean) {
      ++step.context.counters.tails_released;
      ++stream.released_count;
    }
    mark_part(stream);
    stream.held_since_ns = 0;
    return true;
  }
  stream.forwarded = later(stream.forwarded, stream.boundary);
  if (stream.held_since_ns == 0) {
    ++step.context.counters.tails_held;
    stream.held_since_ns = std::max<std::uint64_t>(step.context.now_ns, 1);
  }
  return true;
}

// The stream ends here. Within a PDU it may not: nobody can say what the receiver makes of the stump.
[[nodiscard]] bool take_fin(Step& step) noexcept {
  Stream& stream = step.stream;
  if (mutated(Mutation::FIN_LOST)) return true;
  if (mutated(Mutation::FIN_WITHIN_PDU_PERMITTED)) stream.boundary = stream.received;
  if (stream.boundary != stream.received) {
    const Judgement judgement =
        judge_malformed(step.context, step.flow, step.sender, step.frame, {}, "end of stream", false);
    (void)judgement;
    return end_by_reset(step, Reason::NONE);
  }
  // Behind it nothing can be inserted: it has to come again when the replies that wait have their place.
  if (stream.waiting_count != 0) place_replies(step.context, step.flow, step.sender, Placing::AT_END);
  if (stream.waiting_count != 0) return true;
  ++stream.received;
  ++stream.boundary;
  stream.fin = true;
  return true;
}

// Octets of a segment that certainly reaches the receiver: one so large has come this way, or every path
// carries it and the receiver said that it takes it.
[[nodiscard]] std::uint32_t segment_limit(const Step& step) noexcept {
  const auto options = static_cast<std::uint32_t>(step.frame.tcp_options().size());
  const std::uint16_t mss = step.back_aside.syn.mss;
  const std::uint32_t safe =
      mss == 0 ? segment_size_safe : std::clamp<std::uint32_t>(mss, segment_size_min, segment_size_safe);
  const std::uint32_t limit = std::max<std::uint32_t>(safe, step.stream.segment_max);
  return limit > options ? limit - options : 1;
}

// Sends [from, to) of the stream, in which no edit lies; `fin`: and the stream's end behind it.
void send_run(Step& step, std::uint32_t from, std::uint32_t to, bool fin) noexcept {
  const Stream& stream = step.stream;
  const std::uint32_t limit = segment_limit(step);
  std::array<std::uint8_t, frame_size_max> piece;
  std::uint32_t sequence_r = to_receiver(map_of(stream, step.aside), from);
  bool end_left = fin;
  while (from != to || end_left) {
    const std::uint32_t size = std::min(to - from, limit);
    const bool last = size == to - from;
    const KeptBytes& bytes = step.flow.tcp.renumbered ? stream.told : stream.kept;
    kept_copy(*step.context.blocks, bytes, from - kept_begin(stream), {piece.data(), size});
    std::uint8_t flags = TCP_ACK;
    if (last) flags |= step.frame.tcp_flags & TCP_PSH;
    if (last && fin) flags |= TCP_FIN;
    (void)send_like(step.context, step.frame, sequence_r, flags, {piece.data(), size});
    from += size;
    sequence_r += size;
    end_left = end_left && !last;
  }
}

// A reply that was inserted may have taken the room that the bytes had when they came. What there is no room
// for counts as lost on its way: its sender repeats it.
[[nodiscard]] std::uint32_t clip_to_window(const Step& step, std::uint32_t to) noexcept {
  if (!step.flow.tcp.mapped || mutated(Mutation::WINDOW_OVERRUN)) return to;
  return earlier(to, to_sender(map_of(step.stream, step.aside), step.stream.edge_r));
}

// Sends [from, to) of the stream as its receiver is to see it: without what was removed, with the replies.
void send_range(Step& step, std::uint32_t from, std::uint32_t to) noexcept {
  Stream& stream = step.stream;
  translate_acknowledgement(step);
  const bool fin = stream.fin && to == stream.received;
  const std::uint32_t end = earlier(to, data_end(stream));
  for (std::uint8_t i = 0; i < stream.edit_count && (fin || before(from, end)); ++i) {
    const Edit& edit = step.aside.edits[i];
    const bool between = fin && edit.position == end && edit.kind == EditKind::INSERTED;  // last byte and FIN
    if (!before(edit.position, end) && !between) break;
    if (edit.kind == EditKind::INSERTED) {
      if (before(edit.position, from)) continue;
      send_run(step, from, edit.position, false);
      from = edit.position;
      if (!edit.left()) send_reply(step.context, step.flow, step.sender, i);
      continue;
    }
    if (after(edit.position, from)) send_run(step, from, edit.position, false);
    from = later(from, earlier(edit.position + edit.size, end));
  }
  send_run(step, earlier(from, end), end, fin);
}

// A request has left in parts, and its sender goes on before it is answered. Should the receiver have given
// up a part, it would read the next one from another octet on. What comes counts as lost on its way.
[[nodiscard]] bool waits_for_answer(Step& step) noexcept {
  Stream& stream = step.stream;
  if (!stream.parted || !after(step.frame.sequence + step.frame.payload_size, stream.received)) return false;
  const bool unanswered = step.flow.outstanding_count != 0;
  stream.parted = unanswered;
  return unanswered && !mutated(Mutation::SENT_ON_UNANSWERED);
}

// May the frame leave as it came, being exactly [from, to)?
[[nodiscard]] bool leaves_as_it_came(const Step& step, std::uint32_t from, std::uint32_t to) noexcept {
  const ParsedFrame& frame = step.frame;
  if (step.flow.tcp.renumbered || from != frame.sequence ||
      to - from != frame.payload_size + (is_fin(frame) ? 1U : 0U))
    return false;
  for (std::uint8_t i = 0; i < step.stream.edit_count; ++i) {
    const Edit& edit = step.aside.edits[i];
    const bool behind = edit.kind == EditKind::REMOVED ? !after(edit.position + edit.size, from)
                                                       : edit.left() && !after(edit.position, from);
    if (!behind && before(edit.position, to)) return false;
  }
  return true;
}

// What has to leave for a segment: [from, to), or its acknowledgement alone.
[[nodiscard]] Disposition send_on(Step& step, std::uint32_t from, std::uint32_t to) noexcept {
  const Stream& stream = step.stream;
  to = clip_to_window(step, to);
  const std::uint32_t from_r = to_receiver(map_of(stream, step.aside), from);
  const std::uint32_t to_r = to_receiver(map_of(stream, step.aside), to);
  if (!before(from, to) || from_r == to_r) {
    return step.news ? forward_stripped(step, next_r(step.flow, step.sender)) : Disposition::CONSUME;
  }
  if (leaves_as_it_came(step, from, to)) return forward_unchanged(step);
  send_range(step, from, to);
  return Disposition::CONSUME;
}

[[nodiscard]] Disposition pass_acknowledgement(Step& step) noexcept {
  const Stream& stream = step.stream;
  if (step.echoed) return Disposition::CONSUME;  // of bytes that only the engine has sent
  if (after(step.frame.sequence, stream.forwarded)) {
    return forward_stripped(step, to_receiver(map_of(stream, step.aside), stream.forwarded));
  }
  return forward_unchanged(step);
}

// New bytes in order, `fresh`, and what waited for them. False: denied (no room), `reason` says why.
[[nodiscard]] bool append(Step& step, Bytes fresh, bool& fin, Reason& reason) noexcept {
  Stream& stream = step.stream;
  if (fresh.empty()) return true;
  const bool held = before(stream.boundary, stream.received);
  reason = held ? Reason::TCP_HOLD_FULL : Reason::TCP_RETAINED_FULL;
  if (stream.kept.size + fresh.size() > retained_size_max) return false;
  if (!keep(step.context, step.flow.tcp, stream, fresh)) return false;
  stream.received += static_cast<std::uint32_t>(fresh.size());
  if (stream.early_count != 0) drain_early(step, fin);
  return true;
}

// Bytes that were removed at the edge of what the receiver has are acknowledged by nobody but the engine.
void settle_removed(Step& step) noexcept {
  const std::uint32_t acked = step.stream.acked;
  settle_acknowledged(step.context, step.flow, step.sender);
  if (step.flow.tcp.mapped && step.stream.acked != acked) {
    if (step.back.waiting_count != 0) place_replies(step.context, step.flow, other(step.sender));
    const std::uint8_t placed = step.back.edit_count;
    const bool reply_leaves = placed != 0 && !step.back_aside.edits[placed - 1U].left() &&
                              step.back_aside.edits[placed - 1U].kind == EditKind::INSERTED;
    if (!reply_leaves) acknowledge_removed(step.context, step.flow, step.sender);
  }
}

}  // namespace

void let_judged_go(Step& step) noexcept {
  Stream& stream = step.stream;
  const std::uint32_t to = earlier(stream.boundary, data_end(stream));
  if (!before(stream.forwarded, to) || stream.joined) return;
  const std::uint32_t from = stream.forwarded;
  stream.forwarded = to;
  send_range(step, from, clip_to_window(step, to));
}

Disposition let_go(Step& step, std::uint32_t end, std::uint32_t left, bool repeats) noexcept {
  Stream& stream = step.stream;
  const std::uint32_t sequence = step.frame.sequence;
  // A connection just joined: its receiver is asked first where it stands, with a number that it has passed.
  if (stream.joined && !mutated(Mutation::JOINED_UNASKED))
    return forward_stripped(step, stream.forwarded - 1);
  if (!release(step, step.held_repeated)) return Disposition::CONSUME;
  const std::uint32_t from = repeats ? later(earlier(sequence, left), stream.acked) : left;
  const std::uint32_t to = stream.forwarded != left ? stream.forwarded : earlier(end, stream.forwarded);
  const Disposition disposition = send_on(step, from, to);
  settle_removed(step);
  return disposition;
}

Disposition pass_inspected(Step& step) noexcept {
  Stream& stream = step.stream;
  const ParsedFrame& frame = step.frame;
  const std::uint32_t sequence = frame.sequence;
  const std::uint32_t end = sequence + frame.payload_size + (is_fin(frame) ? 1U : 0U);
  if (end == sequence) return pass_acknowledgement(step);
  if (stream.fin && after(end, stream.received)) return deny(step, Reason::TCP_OUT_OF_WINDOW);
  if (stream.early_count != 0 && !same_as_early(step)) {
    (void)end_by_reset(step, Reason::TCP_RETRANSMISSION_DIFFERS);
    return Disposition::CONSUME;
  }
  if (after(sequence, stream.received)) return take_early(step);
  if (!after(end, stream.acked) && mutated(Mutation::ACKNOWLEDGED_NOT_STRIPPED))
    return forward_unchanged(step);
  if (!after(end, stream.acked)) {  // wholly acknowledged: passes stripped, asks the receiver to say so again
    return forward_stripped(step, to_receiver(map_of(stream, step.aside), sequence));
  }
  const bool repeats = before(sequence, stream.received);
  if (repeats && mutated(Mutation::REPETITION_FORWARDED)) return forward_unchanged(step);
  if (repeats && !same_as_kept(step)) {
    if (mutated(Mutation::DIFFERENCE_FORGIVEN)) return Disposition::CONSUME;
    (void)end_by_reset(step, Reason::TCP_RETRANSMISSION_DIFFERS);
    return Disposition::CONSUME;
  }
  if (waits_for_answer(step)) {
    return step.news ? forward_stripped(step, next_r(step.flow, step.sender)) : Disposition::CONSUME;
  }
  const std::uint32_t left = stream.forwarded;
  const bool of_held = after(end, left) || mutated(Mutation::TAIL_RELEASED_UNASKED);
  step.held_repeated = repeats && of_held && left != stream.received;
  const std::uint32_t known = std::min<std::uint32_t>(stream.received - sequence, frame.payload_size);
  const Bytes fresh = frame.payload().subspan(known);
  bool fin = is_fin(frame) && !stream.joined;
  Reason reason = Reason::NONE;
  if (!append(step, fresh, fin, reason)) return deny(step, reason);
  const bool fresh_last = stream.received == sequence + frame.payload_size;
  if (!judge_stream(step, fresh_last ? fresh : Bytes{})) return Disposition::CONSUME;
  if (fin && !stream.fin && !take_fin(step)) return Disposition::CONSUME;
  return let_go(step, end, left, repeats);
}

Disposition pass_observed(Step& step) noexcept {
  Stream& stream = step.stream;
  TcpState& tcp = step.flow.tcp;
  const ParsedFrame& frame = step.frame;
  const std::uint32_t end = frame.sequence + frame.payload_size + (is_fin(frame) ? 1U : 0U);
  const bool repeats = before(frame.sequence, stream.received) && frame.payload_size != 0;
  if (repeats && !tcp.blind && !same_as_kept(step)) (void)deny(step, Reason::TCP_RETRANSMISSION_DIFFERS);
  if (!after(end, stream.received)) return forward_unchanged(step);
  const bool gap = after(frame.sequence, stream.received);
  if (gap && !tcp.blind) {
    tcp.blind = true;
    (void)deny(step, Reason::TCP_STREAM_GAP);
  }
  const std::uint32_t known =
      gap ? 0 : std::min<std::uint32_t>(stream.received - frame.sequence, frame.payload_size);
  const Bytes fresh = frame.payload().subspan(known);
  if (!tcp.blind) {  // kept as if inspected: an observed flow may have to be enforced at any time
    tcp.blind = stream.kept.size + fresh.size() > retained_size_max ||
                !kept_append(*step.context.blocks, stream.kept, fresh);
  }
  stream.received = end - (is_fin(frame) ? 1U : 0U);
  if (!tcp.blind) tcp.blind = !judge_stream(step, fresh);
  if (is_fin(frame)) {
    stream.fin = true;
    ++stream.received;
  }
  stream.forwarded = stream.received;
  if (tcp.blind) {
    kept_clear(*step.context.blocks, stream.kept);
    kept_clear(*step.context.blocks, step.back.kept);
  }
  if (tcp.blind || stream.fin) stream.boundary = stream.received;
  settle_acknowledged(step.context, step.flow, step.sender);
  return forward_unchanged(step);
}

}  // namespace conduit
