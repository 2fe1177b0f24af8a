// The parts of the TCP gate and what they share. Internal to it.
//
//   tcp_gate.cpp         one segment: validity, acknowledgement, which part takes its payload
//   tcp_gate_open.cpp    handshakes, SYNs and RSTs on living connections
//   tcp_gate_stream.cpp  payload of inspected streams: compare, order, judge, hold, send on
//   tcp_gate_reply.cpp   removed PDUs and the replies put in their place
//   tcp_gate_reset.cpp   ends, timers, connections joined in mid-stream
#pragma once

#include "dataplane/engine/block_pool.hpp"
#include "dataplane/engine/tcp_build.hpp"
#include "dataplane/engine/tcp_gate.hpp"
#include "dataplane/engine/tcp_gate_kept.hpp"
#include "dataplane/engine/tcp_gate_map.hpp"
#include "dataplane/engine/worker_context.hpp"

namespace conduit {

inline constexpr std::uint64_t reply_repeat_ns = 200'000'000;  // first time; doubles
inline constexpr std::uint8_t reply_repeat_max = 8;            // then both sides are reset: 51 s in all
// A sender that had to repeat so many held tails on one connection cannot go on otherwise (one segment in
// flight, Nagle): from then on its tails pass at once, all but the octet that completes the PDU.
inline constexpr std::uint8_t releases_until_forward = 3;
inline constexpr std::uint32_t segment_size_safe = 536;  // octets that every path carries (RFC 9293 §3.7.1)
inline constexpr std::uint32_t segment_size_min = 128;   // octets; no MSS makes the engine cut finer

// One segment on its way through the gate.
struct Step {
  WorkerContext& context;
  Flow& flow;
  Side sender;
  ParsedFrame& frame;
  Stream& stream;  // what the sender sends
  StreamAside& aside;
  Stream& back;  // what it receives and acknowledges
  StreamAside& back_aside;
  bool news = false;           // the segment acknowledges something new, or changes its window
  bool echoed = false;         // … but only bytes that the engine has inserted
  bool held_repeated = false;  // it repeats bytes that are held

  Step(WorkerContext& c, Flow& f, Side s, ParsedFrame& p) noexcept
      : context(c),
        flow(f),
        sender(s),
        frame(p),
        stream(f.tcp.stream[s]),
        aside(f.tcp.aside[s]),
        back(f.tcp.stream[other(s)]),
        back_aside(f.tcp.aside[other(s)]) {}
};

[[nodiscard]] inline PositionMap map_of(const Flow& flow, Side side) noexcept {
  return map_of(flow.tcp.stream[side], flow.tcp.aside[side]);
}
// Position behind the last data byte that came in order.
[[nodiscard]] inline std::uint32_t data_end(const Stream& stream) noexcept {
  return stream.received - (stream.fin ? 1U : 0U);
}
[[nodiscard]] inline std::uint32_t kept_begin(const Stream& stream) noexcept {
  return data_end(stream) - stream.kept.size;
}

// --- tcp_gate.cpp ----------------------------------------------------------------------------------------

// Denies the segment; FORWARD where the conduit only observes.
[[nodiscard]] Disposition deny(Step& step, Reason reason) noexcept;
// The segment as it stands may leave; header translated where streams are shifted.
[[nodiscard]] Disposition forward_unchanged(Step& step) noexcept;
// Only the segment's acknowledgement may leave, at `sequence_r`.
[[nodiscard]] Disposition forward_stripped(Step& step, std::uint32_t sequence_r) noexcept;
// Writes acknowledgement, window and SACK edges of the segment in the numbers of its receiver; no checksum.
void translate_acknowledgement(Step& step) noexcept;
// The receiver has acknowledged more, or a removed range has come to lie at the edge of what it has.
void settle_acknowledged(WorkerContext& context, Flow& flow, Side side) noexcept;
void release_stream(WorkerContext& context, Flow& flow, Side side) noexcept;

// --- tcp_gate_open.cpp -----------------------------------------------------------------------------------

enum class Course : std::uint8_t { CONSUME, FORWARD, GO_ON };

// Segments of a connection that is not open, and SYN and RST of any. GO_ON: an ordinary segment.
[[nodiscard]] Course take_opening(Step& step) noexcept;

// --- tcp_gate_stream.cpp ---------------------------------------------------------------------------------

[[nodiscard]] Disposition pass_inspected(Step& step) noexcept;
[[nodiscard]] Disposition pass_observed(Step& step) noexcept;
// Before the flow ends for what the segment carried: the permitted PDUs in front of that leave.
void let_judged_go(Step& step) noexcept;
// Sends what may leave after the segment's bytes (up to `end`) were judged. `left`: how far the stream had
// left before it; `repeats`: some of its bytes had come before.
[[nodiscard]] Disposition let_go(Step& step, std::uint32_t end, std::uint32_t left, bool repeats) noexcept;

// --- tcp_gate_judge.cpp ----------------------------------------------------------------------------------

// Judges every PDU of the sender's stream whose judged part has come. `fresh`: the stream's last bytes, where
// they lie contiguous. False: the flow was ended, or (OBSERVED) cannot be followed on.
[[nodiscard]] bool judge_stream(Step& step, Bytes fresh) noexcept;
// Does with the PDU at the boundary, whose judged part is `judged`, what the judge has said (its reply: in
// the pool's `reply`). False: the flow was ended.
[[nodiscard]] bool obey(Step& step, const Judgement& judgement, Bytes judged,
                        std::uint32_t pdu_size) noexcept;
// A part of the PDU at the boundary has left, and more of it is to leave. False: the flow was ended, as what
// stands behind a part reads as another PDU.
[[nodiscard]] bool part_goes_on(Step& step) noexcept;
// Ends the flow for what the segment carried; always false.
bool end_by_reset(Step& step, Reason reason) noexcept;

// --- tcp_gate_reply.cpp ----------------------------------------------------------------------------------

// Takes the PDU of `size` octets at the boundary out of the stream. False: no room in the map.
[[nodiscard]] bool remove_pdu(Step& step, std::uint32_t size) noexcept;
// A reply in the name of `side`, to enter its stream as soon as it may; `refuses`: it is a negative one.
// False: no room.
[[nodiscard]] bool queue_reply(WorkerContext& context, Flow& flow, Side side, Bytes reply,
                               bool refuses) noexcept;
// When a reply may take its place.
enum class Placing : std::uint8_t {
  USUAL,  // earlier requests are answered where the protocol asks for it, the window has room for all of it
  IN_PARTS,  // … for some of it
  AT_END,    // the stream ends here: earlier requests will not be answered any more
};
// Gives waiting replies their place at the boundary of `side`'s stream, as far as they may enter there now.
void place_replies(WorkerContext& context, Flow& flow, Side side, Placing placing = Placing::USUAL) noexcept;
// Sends replies whose place everything before has reached.
void send_placed(WorkerContext& context, Flow& flow, Side side) noexcept;
void send_reply(WorkerContext& context, Flow& flow, Side side,
                std::size_t index) noexcept;  // as the window permits
// A pure ACK to the sender, in the name of the other side, of bytes that the other side has acknowledged
// and of what was removed right behind them.
void acknowledge_removed(WorkerContext& context, Flow& flow, Side sender) noexcept;
// A pure ACK in the name of `side`, with a number that the other side has passed: it answers with its
// position and window.
void ask_position(WorkerContext& context, const Flow& flow, Side side) noexcept;
// The server has confirmed where `side`, a client joined in mid-stream, stands: what it has sent since then,
// all of it judged, leaves, as far as the server's window goes.
void send_joined(WorkerContext& context, Flow& flow, Side side) noexcept;
// What the receiver of `side`'s stream expects next, as far as the engine has sent it.
[[nodiscard]] std::uint32_t next_r(const Flow& flow, Side side) noexcept;
// Repeats the oldest reply that is not acknowledged; false: often enough.
[[nodiscard]] bool repeat_reply(WorkerContext& context, Flow& flow, Side side) noexcept;

// --- tcp_gate_renumber.cpp ------------------------------------------------------------------------------

// Appends bytes to `kept`, and to `told` where the flow is renumbered. False: no room, nothing was changed.
[[nodiscard]] bool keep(WorkerContext& context, const TcpState& tcp, Stream& stream, Bytes bytes) noexcept;
// A PDU was taken out of the sender's stream: from now on PDUs of both sides that carry numbers have them
// adjusted. False: no room, or the room cannot do it.
[[nodiscard]] bool renumber_removed(Step& step, Bytes judged) noexcept;
// The PDU at the boundary was permitted; `judged`: its judged part. False: the room cannot adjust it.
[[nodiscard]] bool renumber_passed(Step& step, Bytes judged) noexcept;
// Has `side` acknowledge what the other side would wait for in vain (Protocol::acknowledge): the room's PDU
// waits for its place as a reply does.
void queue_acknowledgement(WorkerContext& context, Flow& flow, Side side) noexcept;
// A reply takes its place in the stream of `side`.
[[nodiscard]] bool renumber_inserted(Flow& flow, Side side, std::span<std::uint8_t> reply) noexcept;

// --- tcp_gate_reset.cpp ----------------------------------------------------------------------------------

// Resets both sides and ends the flow. Where connections may be joined in mid-stream its record stays for a
// while: an old segment that comes late must not be taken for such a connection.
void tcp_end_by_reset(WorkerContext& context, Flow& flow) noexcept;
// Of a stream joined in mid-stream: does a PDU end here, counted from where it was joined?
[[nodiscard]] bool is_joined_boundary(WorkerContext& context, const Flow& flow,
                                      std::uint32_t position) noexcept;
// May connections of this flow's conduit be joined in mid-stream?
[[nodiscard]] bool resyncs(const WorkerContext& context, const Flow& flow) noexcept;
// A segment of a flow that was ended so: its sender has not heard of it.
void tcp_refuse_late(Step& step) noexcept;
// Earliest time at which tcp_timer has something to do.
[[nodiscard]] std::uint64_t next_timer(const WorkerContext& context, const Flow& flow) noexcept;

// Name of the first broken rule of the state (tcp_state.hpp), or null. For tests.
[[nodiscard]] const char* tcp_invariants(const Flow& flow) noexcept;

}  // namespace conduit
