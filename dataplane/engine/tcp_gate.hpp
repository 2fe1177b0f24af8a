// TCP gate: lets through only stream bytes that were judged (DESIGN laws 1–3, 9), for connections the engine inspects, and
// follows the state of those that are opaque. One call per segment.
#pragma once

#include "dataplane/engine/worker_context.hpp"

namespace conduit {

// A segment of `flow` sent by `sender` (flow found or just created by its SYN). FORWARD: `frame` (same buffer, perhaps
// shorter, rewritten) may leave; `parsed.size` is its new size. Frames that have to leave before it have been emitted.
[[nodiscard]] Disposition tcp_gate(WorkerContext& context, Flow& flow, Side sender, ParsedFrame& parsed) noexcept;

// A segment without a flow that is not a SYN: mid-stream policy. May make a flow (resync) or answer with RSTs.
[[nodiscard]] Disposition tcp_no_flow(WorkerContext& context, ParsedFrame& parsed) noexcept;

// Resets both sides (exact sequence numbers) and frees what the flow holds in pools; the caller removes the flow.
void tcp_reset_both(WorkerContext& context, Flow& flow) noexcept;
// Silence to `sender`, RST to the other side.
void tcp_reset_receiver(WorkerContext& context, Flow& flow, Side sender) noexcept;

// Gives back what the flow holds in pools.
void tcp_release(WorkerContext& context, Flow& flow) noexcept;

// Timer work of one flow (refusals not yet acknowledged, held tails too old). Returns the next deadline, or UINT64_MAX.
std::uint64_t tcp_timer(WorkerContext& context, Flow& flow) noexcept;

// ICMP error that quotes this flow: shifts the quoted sequence number where the flow's streams are shifted. `quoted` is
// the quoted TCP header (8 octets or more) inside the frame; `quoted_sender` the side that sent the quoted segment.
void tcp_map_quote(const Flow& flow, Side quoted_sender, std::uint8_t* quoted_tcp) noexcept;

}  // namespace conduit
