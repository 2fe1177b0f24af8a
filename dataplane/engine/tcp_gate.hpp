// TCP gate: lets through only stream bytes that were judged (DESIGN laws 1–3, 9), for connections the engine
// inspects, and follows the state of those that are opaque. One call per segment.
//
// Between the gate and its caller (worker.cpp), which owns the table and the timers:
//  - The gate writes `flow.state` (HALF_OPEN, ESTABLISHED, CLOSING) as the connection goes on. It ends a flow
//  by
//    `flow.state = FlowState::FREE` and touches it no more; the caller calls tcp_release and unlinks it.
//  - The gate writes `flow.timer_ns`: monotonic time at which it wants tcp_timer to be called for this flow,
//    timer_never for none. Idle time-outs are the caller's: it calls tcp_reset_both and removes the flow.
//  - The caller has updated `flow.last_seen_ns`, `flow.mac`, `flow.tags` and checked MAC binding, gateway
//  port, TTL and the
//    generation before it calls. It counts opaque messages (data segments of opaque flows that were
//    forwarded).
//  - After a flow was reset for what it carried, call note_reset(context, flow): it counts towards the
//  back-off of its pair.
#pragma once

#include "dataplane/engine/worker_context.hpp"

namespace conduit {

// A segment of `flow` sent by `sender` (flow found or just created by its SYN). FORWARD: `frame` (same
// buffer, perhaps shorter, rewritten) may leave; `parsed.size` is its new size. Frames that have to leave
// before it have been emitted.
[[nodiscard]] Disposition tcp_gate(WorkerContext& context, Flow& flow, Side sender,
                                   ParsedFrame& parsed) noexcept;

// A segment without a flow that is not a SYN: mid-stream policy. May make a flow (resync; open_flow, then
// settle_flow of worker_context.hpp) or answer with RSTs.
[[nodiscard]] Disposition tcp_no_flow(WorkerContext& context, ParsedFrame& parsed) noexcept;

// Resets both sides (exact sequence numbers) and frees what the flow holds in pools; the caller removes the
// flow.
void tcp_reset_both(WorkerContext& context, Flow& flow) noexcept;
// Silence to `sender`, RST to the other side.
void tcp_reset_receiver(WorkerContext& context, Flow& flow, Side sender) noexcept;

// Gives back what the flow holds in pools. Called once for every TCP flow that leaves the table, whatever
// ended it.
void tcp_release(WorkerContext& context, Flow& flow) noexcept;

// Timer work of one flow (refusals not yet acknowledged, held tails too old). Returns the next deadline, or
// timer_never; the caller stores it in `flow.timer_ns`. May end the flow (state FREE).
std::uint64_t tcp_timer(WorkerContext& context, Flow& flow) noexcept;

// ICMP error that quotes this flow: shifts the quoted sequence number where the flow's streams are shifted.
// `quoted` is the quoted TCP header (8 octets or more) inside the frame, and what follows it; `quoted_sender`
// the side that sent the quoted segment. Octets of PDUs that were renumbered are put back as well. False:
// they are not there any more.
[[nodiscard]] bool tcp_map_quote(const WorkerContext& context, const Flow& flow, Side quoted_sender,
                                 std::span<std::uint8_t> quoted) noexcept;

}  // namespace conduit
