// From stream bytes to verdicts: cuts the stream into PDUs, has each judged once, does what the verdict says.
#include "dataplane/engine/tcp_gate_parts.hpp"
#include "protocols/core/mutation.hpp"

namespace conduit {
namespace {

[[nodiscard]] Role role_of(const Step& step) noexcept {
  return step.sender == step.flow.client_side ? Role::CLIENT : Role::SERVER;
}

// All unjudged bytes, contiguous: where they lie in the frame, or copied together.
[[nodiscard]] Bytes unjudged(const Step& step, Bytes fresh) noexcept {
  const Stream& stream = step.stream;
  const std::uint32_t size = data_end(stream) - stream.boundary;
  if (size <= fresh.size()) return fresh.last(size);
  BlockPool& pool = *step.context.blocks;
  const std::span<std::uint8_t> whole{pool.assembly.data(), size};
  kept_copy(pool, stream.kept, stream.boundary - kept_begin(stream), whole);
  return whole;
}

[[nodiscard]] Framing frame_at(const Step& step, Bytes bytes) noexcept {
  Framing framing = step.flow.protocol->frame(bytes, role_of(step), Transport::TCP, step.flow.session);
  const bool sizes = framing.judge_size > 0 && framing.judge_size <= framing.pdu_size;
  if (framing.status == FrameStatus::COMPLETE && !sizes) framing.status = FrameStatus::MALFORMED;
  return framing;
}

// Do these bytes consist of whole PDUs?
[[nodiscard]] bool ends_at_boundary(const Step& step, Bytes bytes) noexcept {
  while (!bytes.empty()) {
    const Framing framing = frame_at(step, bytes);
    if (framing.status != FrameStatus::COMPLETE || framing.pdu_size > bytes.size()) return false;
    bytes = bytes.subspan(framing.pdu_size);
  }
  return true;
}

void end_by_drop(Step& step) noexcept {
  let_judged_go(step);
  note_reset(step.context, step.flow);
  tcp_reset_receiver(step.context, step.flow, step.sender);
  step.flow.state = FlowState::CLOSING;  // what the sender still sends is swallowed until the flow ages
  step.flow.tcp.phase = TcpPhase::DEAD;
  step.flow.timer_ns = timer_never;
}

[[nodiscard]] bool take_out(Step& step, Bytes judged, std::uint32_t size, Bytes reply) noexcept {
  const bool partly_left = after(step.stream.forwarded, step.stream.boundary);
  if (partly_left && !mutated(Mutation::PARTLY_LEFT_REFUSED)) return end_by_reset(step, Reason::NONE);
  if (step.stream.joined) return end_by_reset(step, Reason::NONE);  // nobody knows yet where it would stand
  if (!remove_pdu(step, size)) return end_by_reset(step, Reason::TCP_MAP_FULL);
  if (!renumber_removed(step, judged)) return end_by_reset(step, Reason::TCP_MAP_FULL);
  const Side back = other(step.sender);
  if (!reply.empty() && !queue_reply(step.context, step.flow, back, reply, true))
    return end_by_reset(step, Reason::TCP_MAP_FULL);
  return true;
}

// Parts of `pdu`, which is at the boundary, have left. Could a receiver that gave up what it had of it find
// another PDU behind one of them (law 2)? Where the server's asset is declared to put parts together, not.
[[nodiscard]] bool strays(const Step& step, Bytes pdu) noexcept {
  const Stream& stream = step.stream;
  const auto room = step.flow.protocol->strays;
  const bool declared = (step.flow.asset_flags & ASSET_PARTIAL_FORWARD) != 0;
  if (room == nullptr || declared || role_of(step) != Role::CLIENT) return false;
  if (mutated(Mutation::STRAY_PERMITTED)) return false;
  const std::uint32_t left = stream.forwarded - stream.boundary;
  for (std::uint32_t back = 0; back < stray_head_size && back < left; ++back) {
    if (((stream.marks >> back) & 1U) != 0 && room(pdu, left - back)) return true;
  }
  return false;
}

bool end_astray(Step& step, Bytes pdu) noexcept {
  const Judgement judgement =
      judge_malformed(step.context, step.flow, step.sender, step.frame, pdu, "PDU behind a part", false);
  (void)judgement;
  return end_by_reset(step, Reason::NONE);
}

// The PDU at the boundary, whose judged part is there. False: the flow was ended.
[[nodiscard]] bool judge_one(Step& step, Bytes judged, std::uint32_t pdu_size) noexcept {
  if (after(step.stream.forwarded, step.stream.boundary) && step.stream.marks != 0) {
    if (strays(step, judged)) return end_astray(step, judged);
    // Framing alone is no part that a receiver would give up: clients write header and body apart.
    const std::uint32_t left = step.stream.forwarded - step.stream.boundary;
    step.stream.parted =
        step.flow.protocol->strays != nullptr && left > step.flow.protocol->framing_prefix_size;
    step.stream.marks = 0;
  }
  // No reply takes the place of a request that has left in part, and none enters a stream that may stand
  // within a PDU (joined in mid-stream): without room for it the verdict is RESET.
  const bool partly_left =
      after(step.stream.forwarded, step.stream.boundary) && !mutated(Mutation::PARTLY_LEFT_REFUSED);
  const bool ended = step.back.fin && step.back.forwarded == step.back.received;
  const bool no_reply = partly_left || step.back.unverified || ended;
  const std::span<std::uint8_t> room(step.context.blocks->reply.data(),
                                     no_reply ? 0 : step.context.blocks->reply.size());
  const Judgement judgement =
      judge_pdu(step.context, step.flow, step.sender, step.frame, judged, pdu_size, room);
  return obey(step, judgement, judged, pdu_size);
}

[[nodiscard]] bool end_malformed(Step& step, Bytes bytes, const Framing& framing) noexcept {
  const Judgement judgement = judge_malformed(step.context, step.flow, step.sender, step.frame, bytes,
                                              framing.field, framing.mismatch);
  if (judgement.verdict == Verdict::FORWARD && step.flow.tcp.follow == Follow::OBSERVED) return false;
  if (judgement.verdict == Verdict::DROP) {
    end_by_drop(step);
    return false;
  }
  return end_by_reset(step, Reason::NONE);
}

}  // namespace

bool end_by_reset(Step& step, Reason reason) noexcept {
  if (reason != Reason::NONE) {
    (void)deny_frame(step.context, &step.flow, step.frame, Verdict::RESET, reason);
  }
  let_judged_go(step);
  if (step.back.waiting_count != 0) place_replies(step.context, step.flow, other(step.sender));
  send_placed(step.context, step.flow, other(step.sender));
  note_reset(step.context, step.flow);
  tcp_end_by_reset(step.context, step.flow);
  return false;
}

bool part_goes_on(Step& step) noexcept {
  if (!after(step.stream.forwarded, step.stream.boundary)) return true;
  const Bytes pdu = unjudged(step, {});
  return !strays(step, pdu) || end_astray(step, pdu);
}

bool obey(Step& step, const Judgement& judgement, Bytes judged, std::uint32_t pdu_size) noexcept {
  Stream& stream = step.stream;
  const Bytes reply(step.context.blocks->reply.data(), judgement.reply_size);
  switch (judgement.verdict) {
    case Verdict::FORWARD:
      if (step.flow.tcp.renumbered && !renumber_passed(step, judged)) {
        return end_by_reset(step, Reason::TCP_MAP_FULL);
      }
      stream.boundary += pdu_size;
      stream.discarding = false;
      break;
    case Verdict::REFUSE:
      if (mutated(Mutation::REFUSED_FORWARDED_TOO)) {
        stream.boundary += pdu_size;
        (void)queue_reply(step.context, step.flow, other(step.sender), reply, true);
      } else if (!take_out(step, judged, pdu_size,
                           mutated(Mutation::REFUSAL_WITHOUT_REPLY) ? Bytes{} : reply)) {
        return false;
      }
      break;
    case Verdict::DISCARD:
      if (mutated(Mutation::DISCARDED_FORWARDED)) {
        stream.boundary += pdu_size;
      } else if (!take_out(step, judged, pdu_size, {})) {
        return false;
      }
      break;
    case Verdict::RESET: return end_by_reset(step, Reason::NONE);
    case Verdict::HOLD:
    case Verdict::DROP: end_by_drop(step); return false;
  }
  if (stream.waiting_count != 0) place_replies(step.context, step.flow, step.sender);
  return true;
}

bool judge_stream(Step& step, Bytes fresh) noexcept {
  Stream& stream = step.stream;
  if (!before(stream.boundary, data_end(stream))) return true;  // the rest of a judged PDU
  const std::uint32_t unjudged_size = data_end(stream) - stream.boundary;
  if (unjudged_size < std::min<std::uint32_t>(stream.need, held_size_max)) return true;
  stream.need = 0;
  Bytes bytes = unjudged(step, fresh);
  if (mutated(Mutation::HELD_TAIL_JUDGED_ALONE) && !fresh.empty() && fresh.size() < bytes.size()) {
    stream.boundary += static_cast<std::uint32_t>(bytes.size() - fresh.size());
    bytes = fresh;
  }
  if (stream.unverified) {
    if (!ends_at_boundary(step, bytes)) return end_by_reset(step, Reason::TCP_NO_FLOW);
    stream.unverified = false;
  }
  while (!bytes.empty()) {
    const Framing framing = frame_at(step, bytes);
    if (framing.status == FrameStatus::MALFORMED) {
      if (!mutated(Mutation::FOREIGN_BYTES_PERMITTED)) return end_malformed(step, bytes, framing);
      stream.boundary = data_end(stream);
      return true;
    }
    const bool whole = framing.status == FrameStatus::COMPLETE && framing.judge_size <= bytes.size();
    if (!whole) {
      stream.need = framing.status == FrameStatus::COMPLETE ? framing.judge_size : framing.need_size;
      break;
    }
    if (!judge_one(step, bytes.first(framing.judge_size), framing.pdu_size)) return false;
    if (mutated(Mutation::ONLY_FIRST_PDU_JUDGED)) stream.boundary = later(stream.boundary, data_end(stream));
    if (mutated(Mutation::ONLY_FIRST_PDU_JUDGED)) return true;
    bytes = bytes.subspan(framing.pdu_size < bytes.size() ? framing.pdu_size : bytes.size());
  }
  if (bytes.size() < held_size_max) return true;
  if (step.flow.tcp.follow == Follow::OBSERVED) return false;
  return end_by_reset(step, Reason::TCP_HOLD_FULL);
}

}  // namespace conduit
