// Removed PDUs and the replies in their place.
//
//   client                         gate                              server
//     │  …A  [B: refused]  C… ──────►│  A…C (C moved to B's place) ────►│
//     │                              │                                  │
//     │                              │◄──────────── answer to A ────────│   a PDU boundary: here the reply
//     │◄── answer to A ──[reply to B]│                                  │   may stand
//     │── ack of both ──────────────►│── ack of A's answer only ───────►│
//
// The reply enters the stream towards the client as soon as that stream stands at a PDU boundary, the
// client's window has room, and (where the protocol asks for it) earlier requests have been answered. It is
// repeated by the engine's own timer until the client acknowledges it. Segments of the engine are sent in the
// name of the other side: they acknowledge what that side has acknowledged, and removed bytes right behind
// that.
#include <algorithm>
#include <array>

#include "dataplane/engine/tcp_gate_parts.hpp"
#include "protocols/core/mutation.hpp"

namespace conduit {
namespace {

[[nodiscard]] bool has_room(const Stream& stream) noexcept {
  return stream.edit_count + stream.waiting_count < static_cast<int>(position_map_count_max);
}

// Are all requests numbered before `order` answered?
[[nodiscard]] bool in_turn(const Flow& flow, std::uint32_t order) noexcept {
  if (flow.protocol == nullptr || !flow.protocol->replies_in_order || flow.outstanding_count == 0)
    return true;
  return std::none_of(flow.outstanding.begin(), flow.outstanding.end(), [order](const Outstanding& request) {
    return request.live && before(request.order, order);
  });
}

// Header fields of a segment that the engine sends in the name of `side`.
[[nodiscard]] OwnSegment own_segment(const Flow& flow, Side side) noexcept {
  const Stream& stream = flow.tcp.stream[side];
  const Stream& back = flow.tcp.stream[other(side)];
  OwnSegment segment;
  segment.from = side;
  segment.flags = TCP_ACK;
  segment.window = told_window(map_of(flow, other(side)), stream.window, stream.scale);
  segment.acknowledgement = mutated(Mutation::ACKNOWLEDGES_FOR_RECEIVER) ? back.received : back.acked;
  segment.has_timestamp = stream.has_timestamp && back.has_timestamp;
  segment.timestamp = stream.timestamp;
  segment.timestamp_echo = back.timestamp;
  return segment;
}

// How far the client's window lets an inserted reply go.
[[nodiscard]] std::uint32_t windowed_end_r(const Stream& stream, const Edit& edit,
                                           std::uint32_t place_r) noexcept {
  const std::uint32_t end_r = place_r + edit.size;
  return mutated(Mutation::REPLY_BEYOND_WINDOW) ? end_r : earlier(end_r, later(stream.edge_r, place_r));
}

void drop_first_waiting(Stream& stream, StreamAside& aside) noexcept {
  std::copy(aside.waiting.begin() + 1, aside.waiting.begin() + stream.waiting_count, aside.waiting.begin());
  --stream.waiting_count;
}

}  // namespace

bool remove_pdu(Step& step, std::uint32_t size) noexcept {
  Stream& stream = step.stream;
  Edit* const last = stream.edit_count == 0 ? nullptr : &step.aside.edits[stream.edit_count - 1U];
  const bool joins =
      last != nullptr && last->kind == EditKind::REMOVED && last->position + last->size == stream.boundary;
  if (joins) {
    last->size += size;
  } else {
    if (!has_room(stream)) return false;
    step.aside.edits[stream.edit_count++] =
        Edit{stream.boundary, size, none_index, EditKind::REMOVED, false, 0};
  }
  stream.boundary += size;
  stream.discarding = true;
  if (!step.flow.tcp.mapped) {  // up to here both numbers are the same
    stream.told_edge = stream.edge_r;
    step.back.told_edge = step.back.edge_r;
  }
  step.flow.tcp.mapped = true;
  return true;
}

bool queue_reply(WorkerContext& context, Flow& flow, Side side, Bytes reply, bool refuses) noexcept {
  Stream& stream = flow.tcp.stream[side];
  BlockPool& pool = *context.blocks;
  if (stream.fin) return true;  // the side in whose name it would speak has ended its stream
  if (!has_room(stream) || pool.available() == 0 || reply.size() > block_size) return false;
  WaitingReply& waiting = flow.tcp.aside[side].waiting[stream.waiting_count++];
  waiting.block = pool.take();
  waiting.order = flow.request_count;
  waiting.size = static_cast<std::uint16_t>(reply.size());
  waiting.refuses = refuses;
  std::copy(reply.begin(), reply.end(), pool.data(waiting.block));
  return true;
}

void place_replies(WorkerContext& context, Flow& flow, Side side, Placing placing) noexcept {
  Stream& stream = flow.tcp.stream[side];
  StreamAside& aside = flow.tcp.aside[side];
  while (stream.waiting_count != 0) {
    const WaitingReply waiting = aside.waiting[0];
    if (stream.fin) {
      context.blocks->give_back(waiting.block);
      drop_first_waiting(stream, aside);
      continue;
    }
    const bool at_boundary =
        !after(stream.boundary, stream.received) && !after(stream.forwarded, stream.boundary);
    const bool anywhere = mutated(Mutation::REPLY_INSIDE_PDU);
    if ((!at_boundary && !anywhere) || stream.edit_count == aside.edits.size()) return;
    if (placing != Placing::AT_END && !in_turn(flow, waiting.order)) return;
    const std::uint32_t place_r = to_receiver(map_of(stream, aside), stream.boundary);
    const std::uint32_t end_r = place_r + (placing == Placing::IN_PARTS ? 1U : waiting.size);
    const bool fits = !after(end_r, stream.edge_r) || mutated(Mutation::REPLY_BEYOND_WINDOW);
    if (!fits) {  // the timer asks for the window again
      if (stream.repeat_ns == timer_never) stream.repeat_ns = context.now_ns + reply_repeat_ns;
      return;
    }
    const std::span<std::uint8_t> reply(context.blocks->data(waiting.block), waiting.size);
    if (flow.tcp.renumbered && !renumber_inserted(flow, side, reply)) {
      if (placing != Placing::AT_END) return;
      context.blocks->give_back(waiting.block);  // no PDU follows behind which there might be a place
      drop_first_waiting(stream, aside);
      continue;
    }
    aside.edits[stream.edit_count++] =
        Edit{stream.boundary, waiting.size, waiting.block, EditKind::INSERTED, waiting.refuses, 0};
    drop_first_waiting(stream, aside);
  }
}

void send_reply(WorkerContext& context, Flow& flow, Side side, std::size_t index) noexcept {
  Stream& stream = flow.tcp.stream[side];
  Edit& edit = flow.tcp.aside[side].edits[index];
  const std::uint32_t place_r = edit_position_r(map_of(flow, side), index);
  const std::uint32_t begin_r = later(place_r, stream.acked_r);
  const std::uint32_t end_r = windowed_end_r(stream, edit, place_r);
  if (!before(begin_r, end_r)) return ask_position(context, flow, side);
  OwnSegment segment = own_segment(flow, side);
  segment.flags |= TCP_PSH;
  segment.sequence = begin_r;
  segment.payload = {context.blocks->data(edit.block) + (begin_r - place_r), end_r - begin_r};
  (void)send_own(context, flow, segment);
  if (edit.refuses && edit.sent == 0) ++context.counters.refusals_sent;
  if (edit.refuses && before(begin_r, place_r + edit.sent)) ++context.counters.refusals_repeated;
  edit.sent = std::max(edit.sent, static_cast<std::uint16_t>(end_r - place_r));
  if (stream.repeat_ns == timer_never) stream.repeat_ns = context.now_ns + reply_repeat_ns;
}

void send_placed(WorkerContext& context, Flow& flow, Side side) noexcept {
  const Stream& stream = flow.tcp.stream[side];
  for (std::size_t i = 0; i < stream.edit_count; ++i) {
    const Edit& edit = flow.tcp.aside[side].edits[i];
    if (edit.left() || after(edit.position, stream.forwarded)) continue;
    const std::uint32_t place_r = edit_position_r(map_of(flow, side), i);
    const bool more = after(windowed_end_r(stream, edit, place_r), place_r + edit.sent);
    if (more) send_reply(context, flow, side, i);
  }
}

void acknowledge_removed(WorkerContext& context, Flow& flow, Side sender) noexcept {
  const Side from = other(sender);
  OwnSegment segment = own_segment(flow, from);
  segment.sequence = next_r(flow, from);
  (void)send_own(context, flow, segment);
}

void ask_position(WorkerContext& context, const Flow& flow, Side side) noexcept {
  OwnSegment segment = own_segment(flow, side);
  segment.sequence = next_r(flow, side) - 1;
  (void)send_own(context, flow, segment);
}

void send_joined(WorkerContext& context, Flow& flow, Side side) noexcept {
  Stream& stream = flow.tcp.stream[side];
  const std::uint32_t end = earlier(stream.boundary, stream.edge_r);
  std::array<std::uint8_t, segment_size_safe> piece;
  OwnSegment segment = own_segment(flow, side);
  segment.flags |= TCP_PSH;
  while (before(stream.forwarded, end)) {
    const std::uint32_t size = std::min(end - stream.forwarded, segment_size_safe);
    kept_copy(*context.blocks, stream.kept, stream.forwarded - kept_begin(stream), {piece.data(), size});
    segment.sequence = stream.forwarded;
    segment.payload = {piece.data(), size};
    (void)send_own(context, flow, segment);
    stream.forwarded += size;
  }
  stream.forwarded = later(stream.forwarded, stream.boundary);  // without room: as if lost on its way
}

std::uint32_t next_r(const Flow& flow, Side side) noexcept {
  const Stream& stream = flow.tcp.stream[side];
  std::uint32_t position_r = to_receiver(map_of(flow, side), stream.forwarded);
  for (std::size_t i = 0; i < stream.edit_count; ++i) {
    const Edit& edit = flow.tcp.aside[side].edits[i];
    const bool counted = edit.kind == EditKind::INSERTED && !after(edit.position, stream.forwarded);
    if (counted) position_r -= edit.size - edit.sent;
  }
  return position_r;
}

bool repeat_reply(WorkerContext& context, Flow& flow, Side side) noexcept {
  Stream& stream = flow.tcp.stream[side];
  if (stream.repeat_count == reply_repeat_max) return false;
  ++stream.repeat_count;
  stream.repeat_ns = context.now_ns + (reply_repeat_ns << stream.repeat_count);
  place_replies(context, flow, side, Placing::IN_PARTS);
  const auto first = flow.tcp.aside[side].edits.begin();
  const auto last = first + stream.edit_count;
  const auto oldest =
      std::find_if(first, last, [](const Edit& edit) { return edit.kind == EditKind::INSERTED; });
  if (oldest != last) {
    if (mutated(Mutation::REPLY_NOT_REPEATED)) return true;
    send_reply(context, flow, side, static_cast<std::size_t>(oldest - first));
    return true;
  }
  if (stream.waiting_count == 0) {
    stream.repeat_ns = timer_never;
    return true;
  }
  ask_position(context, flow, side);
  return true;
}

}  // namespace conduit
