// Handshakes, and SYN and RST on connections that live.
//
// A SYN on a living connection (a device that rebooted and uses its port again) goes on to the receiver,
// which answers with an ACK of the old connection (RFC 5961 §4). That ACK passes; the rebooted device answers
// it with an RST whose number is exactly that acknowledgement: it passes as well and ends the old flow. The
// next SYN opens anew. Where the receiver has lost the old connection too, it answers with a SYN-ACK at once.
#include <algorithm>

#include "dataplane/engine/events.hpp"
#include "dataplane/engine/tcp_gate_parts.hpp"
#include "protocols/core/mutation.hpp"

namespace conduit {
namespace {

[[nodiscard]] std::uint16_t conduit_flags(const Step& step) noexcept {
  const RuleImage* image = step.context.image;
  if (image == nullptr || step.flow.conduit >= image->conduits().size()) return 0;
  return image->conduits()[step.flow.conduit].flags;
}

[[nodiscard]] SynFacts facts_of(const ParsedFrame& frame) noexcept {
  SynFacts facts;
  facts.isn = frame.sequence;
  facts.timestamp = frame.timestamp;
  facts.mss = frame.mss;
  facts.window = frame.window;
  facts.scale = frame.has_window_scale ? std::min<std::uint8_t>(frame.window_scale, 14) : std::uint8_t{0};
  facts.has_scale = frame.has_window_scale;
  facts.has_timestamp = frame.has_timestamp;
  facts.seen = true;
  return facts;
}

// The side's stream begins behind this SYN.
void begin_stream(TcpState& tcp, Side side, const SynFacts& facts) noexcept {
  tcp.aside[side].syn = facts;
  Stream& stream = tcp.stream[side];
  const std::uint32_t first = facts.isn + 1;
  stream.acked = stream.forwarded = stream.received = stream.boundary = stream.acked_r = first;
  stream.edge_r = first;
  stream.timestamp = facts.timestamp;
  stream.has_timestamp = facts.has_timestamp;
  stream.window = facts.window;
}

// Data and Fast Open in a SYN: denied, or taken out, as the conduit says.
[[nodiscard]] Course clean_syn(Step& step) noexcept {
  ParsedFrame& frame = step.frame;
  if (frame.payload_size == 0 && !frame.fast_open) return Course::GO_ON;
  if (mutated(frame.fast_open ? Mutation::FAST_OPEN_FORWARDED : Mutation::SYN_DATA_FORWARDED))
    return Course::GO_ON;
  if ((conduit_flags(step) & CONDUIT_SYN_DATA) == 0) {
    const Reason reason = frame.fast_open ? Reason::TCP_FAST_OPEN : Reason::TCP_SYN_DATA;
    return deny(step, reason) == Disposition::FORWARD ? Course::FORWARD : Course::CONSUME;
  }
  clear_fast_open(frame);
  strip_payload(frame);
  finish_changed(frame);
  return Course::GO_ON;
}

[[nodiscard]] Course deny_course(Step& step, Reason reason) noexcept {
  return deny(step, reason) == Disposition::FORWARD ? Course::FORWARD : Course::CONSUME;
}

// The flow's record serves a new connection of the same sides.
void begin_anew(WorkerContext& context, Flow& flow) noexcept {
  tcp_release(context, flow);
  flow.tcp = TcpState{};
  flow.session = SessionState{};
  if (!mutated(Mutation::REQUESTS_SURVIVE_REOPENING)) flow.outstanding = {};
  if (!mutated(Mutation::REQUESTS_SURVIVE_REOPENING)) flow.outstanding_count = 0;
  flow.request_count = 0;
  flow.first_recorded = false;
  flow.timer_ns = timer_never;
  flow.state = FlowState::HALF_OPEN;
  flow.id = ++context.flow_count;
}

[[nodiscard]] Course take_first_syn(Step& step) noexcept {
  const Course course = clean_syn(step);
  if (course != Course::GO_ON) return course;
  begin_stream(step.flow.tcp, step.sender, facts_of(step.frame));
  const Protocol* const protocol = step.flow.protocol;
  if (protocol != nullptr && protocol->begin != nullptr) protocol->begin(step.flow.session);
  step.flow.tcp.phase = TcpPhase::OPENING;
  return Course::FORWARD;
}

// A SYN on a living connection never reaches the receiver, which might begin anew with it while the gate goes
// on with the old connection. The receiver is made to say where it stands (RFC 5961 §4): a sender that has
// forgotten the connection answers that with the exact RST, and opens at the repetition of its SYN.
[[nodiscard]] Course challenge(Step& step) noexcept {
  if (mutated(Mutation::SYN_ON_LIVING_FORWARDED)) return Course::FORWARD;
  // Where nothing is denied it goes on; whether the receiver begins anew its answer tells.
  if (step.flow.observe) {
    const bool other = step.aside.syn.isn != step.frame.sequence;
    if (step.sender == 0 && other) step.aside.syn = facts_of(step.frame);
    return deny_course(step, Reason::TCP_CHALLENGED);
  }
  ask_position(step.context, step.flow, step.sender);
  return deny_course(step, Reason::TCP_CHALLENGED);
}

// Both SYNs are known: windows as they announced them, scaled if both wished so.
void agree(TcpState& tcp) noexcept {
  const bool scaled = tcp.aside[0].syn.has_scale && tcp.aside[1].syn.has_scale;
  const bool stamped = tcp.aside[0].syn.has_timestamp && tcp.aside[1].syn.has_timestamp;
  for (Side side = 0; side < 2; ++side) {
    Stream& stream = tcp.stream[side];
    stream.scale = scaled ? tcp.aside[side].syn.scale : std::uint8_t{0};
    stream.has_timestamp = stamped;
    stream.edge_r = later(stream.edge_r, stream.acked_r + tcp.aside[other(side)].syn.window);
  }
}

[[nodiscard]] Course take_syn(Step& step) noexcept {  // without ACK
  TcpState& tcp = step.flow.tcp;
  if (step.flow.state == FlowState::CLOSING || tcp.phase == TcpPhase::DEAD) {
    if (step.sender != 0) {  // opened by the other side now: a new flow, at the repetition of this SYN
      step.flow.state = FlowState::FREE;
      return Course::CONSUME;
    }
    const Reason reason = check_reopening(step.context, step.flow);
    if (reason != Reason::NONE) return deny_course(step, reason);
    const Course course = clean_syn(step);  // a SYN that is denied takes no place
    if (course != Course::GO_ON) return course;
    begin_anew(step.context, step.flow);
    return take_first_syn(step);
  }
  if (tcp.phase == TcpPhase::NEW) {
    return step.sender == 0 ? take_first_syn(step) : deny_course(step, Reason::TCP_HANDSHAKE_VIOLATED);
  }
  const SynFacts& known = step.aside.syn;
  const bool repeated = known.seen && known.isn == step.frame.sequence;
  if (tcp.phase == TcpPhase::OPEN || (known.acked && !repeated)) return challenge(step);
  // First SYN of a simultaneous opening, or a new attempt that nobody has answered yet.
  if (!repeated) return take_first_syn(step);
  const Course course = clean_syn(step);
  return course == Course::GO_ON ? Course::FORWARD : course;
}

[[nodiscard]] Course take_syn_ack(Step& step) noexcept {
  TcpState& tcp = step.flow.tcp;
  const ParsedFrame& frame = step.frame;
  if (tcp.phase == TcpPhase::DEAD) return Course::CONSUME;
  const bool answers = step.back_aside.syn.seen && frame.acknowledgement == step.back_aside.syn.isn + 1;
  const bool known = step.aside.syn.seen && step.aside.syn.isn == frame.sequence;
  const SynFacts first = step.back_aside.syn;
  if (step.flow.observe && step.sender == 1 && answers && step.aside.syn.seen && !known && !first.acked) {
    begin_anew(step.context, step.flow);
    begin_stream(tcp, 0, first);
    tcp.phase = TcpPhase::OPENING;
  }
  if (!answers || (tcp.phase == TcpPhase::OPEN && !known)) {
    return deny_course(step, Reason::TCP_HANDSHAKE_VIOLATED);
  }
  if (step.aside.syn.acked && !known) return deny_course(step, Reason::TCP_HANDSHAKE_VIOLATED);
  const Course course = clean_syn(step);
  if (course != Course::GO_ON) return course;
  if (tcp.phase == TcpPhase::OPEN) return Course::FORWARD;  // once more
  if (!known) begin_stream(tcp, step.sender, facts_of(frame));
  step.back_aside.syn.acked = true;
  agree(tcp);
  return Course::FORWARD;
}

// ACK without SYN while the handshake is not complete.
[[nodiscard]] Course take_opening_ack(Step& step) noexcept {
  TcpState& tcp = step.flow.tcp;
  const ParsedFrame& frame = step.frame;
  const bool both = step.aside.syn.seen && step.back_aside.syn.seen;
  if (both && frame.acknowledgement == step.back_aside.syn.isn + 1) {
    step.back_aside.syn.acked = true;
    if (!step.aside.syn
             .acked) {  // the other half is to come; until then nobody's bytes are judged, so none pass
      strip_payload(step.frame);
      finish_changed(step.frame);
      return Course::FORWARD;
    }
    tcp.phase = TcpPhase::OPEN;
    step.flow.state = FlowState::ESTABLISHED;
    return Course::GO_ON;
  }
  if (step.sender == 1 && !step.aside.syn.seen) {  // an old connection of the receiver answers the SYN
    tcp.challenge_answered = true;
    tcp.challenge_ack = frame.acknowledgement;
    strip_payload(step.frame);
    finish_changed(step.frame);
    return Course::FORWARD;
  }
  return deny_course(step, Reason::TCP_HANDSHAKE_VIOLATED);
}

[[nodiscard]] Course end_flow(Step& step) noexcept {
  step.flow.state = FlowState::FREE;
  return Course::FORWARD;
}

[[nodiscard]] Course take_opening_rst(Step& step) noexcept {
  TcpState& tcp = step.flow.tcp;
  const ParsedFrame& frame = step.frame;
  const bool refuses = (frame.tcp_flags & TCP_ACK) != 0 && step.back_aside.syn.seen &&
                       frame.acknowledgement == step.back_aside.syn.isn + 1;
  if (frame.payload_size != 0) return deny_course(step, Reason::TCP_RST_NOT_EXACT);
  if (!step.aside.syn.seen) return refuses ? end_flow(step) : deny_course(step, Reason::TCP_RST_NOT_EXACT);
  if (step.sender == 0 && tcp.challenge_answered && frame.sequence == tcp.challenge_ack) {
    tcp.challenge_answered = false;  // ends the receiver's old connection; the SYN will be repeated
    return Course::FORWARD;
  }
  if (frame.sequence == step.stream.received || (refuses && frame.sequence == 0)) return end_flow(step);
  return deny_course(step, Reason::TCP_RST_NOT_EXACT);
}

// The sender's number has to be one that its receiver holds for exact: what the sender has sent so far, or
// (in answer to a segment of the receiver) what the receiver has acknowledged.
[[nodiscard]] Course take_rst(Step& step) noexcept {
  const ParsedFrame& frame = step.frame;
  const Stream& stream = step.stream;
  const std::uint32_t sequence = frame.sequence;
  if (mutated(Mutation::RST_ANYWHERE)) return end_flow(step);
  const bool sent = sequence == stream.received || sequence == stream.forwarded;
  if (!sent && sequence != stream.acked) {
    const bool inside = !before(sequence, stream.acked) &&
                        !after(to_receiver(map_of(stream, step.aside), sequence), stream.edge_r);
    if (inside && mutated(Mutation::RST_IN_WINDOW)) return end_flow(step);
    // Its receiver would ask the sender to confirm (RFC 5961 §3). It never sees this RST: it is made to say
    // where it stands, and a sender that has forgotten the connection answers that with the exact number.
    if (inside && !step.flow.observe) ask_position(step.context, step.flow, step.sender);
    return deny_course(step, inside ? Reason::TCP_RST_NOT_EXACT : Reason::TCP_OUT_OF_WINDOW);
  }
  // Held bytes never come any more: to the receiver the stream ends where it was let through.
  const std::uint32_t sequence_r = sent ? next_r(step.flow, step.sender) : stream.acked_r;
  if (sequence_r != sequence || step.flow.tcp.mapped || frame.payload_size != 0) {
    (void)forward_stripped(step, sequence_r);
  }
  if (stream.acked == stream.received) return end_flow(step);
  // The receiver may not have come so far, and not take it: it is asked once more when the flow is gone.
  step.flow.state = FlowState::CLOSING;
  return Course::FORWARD;
}

}  // namespace

Course take_opening(Step& step) noexcept {
  TcpState& tcp = step.flow.tcp;
  ParsedFrame& frame = step.frame;
  if ((frame.tcp_flags & TCP_URG) != 0 && !mutated(Mutation::URGENT_FORWARDED)) {
    if ((conduit_flags(step) & CONDUIT_URGENT_CLEAR) == 0) return deny_course(step, Reason::TCP_URGENT);
    clear_urgent(frame);
    finish_changed(frame);
  }
  if ((frame.tcp_flags & TCP_SYN) != 0) {
    return (frame.tcp_flags & TCP_ACK) != 0 ? take_syn_ack(step) : take_syn(step);
  }
  if (tcp.phase == TcpPhase::DEAD && mutated(Mutation::DROPPED_FLOW_FORWARDS)) return Course::FORWARD;
  if (tcp.phase == TcpPhase::DEAD) {
    tcp_refuse_late(step);
    return Course::CONSUME;
  }
  if (tcp.phase == TcpPhase::NEW) return deny_course(step, Reason::TCP_HANDSHAKE_VIOLATED);
  if ((frame.tcp_flags & TCP_RST) != 0) {
    return tcp.phase == TcpPhase::OPEN ? take_rst(step) : take_opening_rst(step);
  }
  return tcp.phase == TcpPhase::OPEN ? Course::GO_ON : take_opening_ack(step);
}

}  // namespace conduit
