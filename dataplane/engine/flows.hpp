// Life of flows: opening, what holds for each of their frames, re-classification, ageing. Internal to the
// engine; see worker_context.hpp for open_flow and settle_flow.
#pragma once

#include <algorithm>

#include "dataplane/engine/worker_context.hpp"

namespace conduit {

// When the flow has to be looked at, at the latest.
[[nodiscard]] inline std::uint64_t deadline_of(const Flow& flow) noexcept {
  return std::min(flow.timer_ns, flow.last_seen_ns + flow.idle_ns);
}
// Has settle_flow anything to do?
[[nodiscard]] inline bool needs_settling(const Flow& flow) noexcept {
  return flow.counted != flow.state || deadline_of(flow) < flow.filed_ns;
}

// Checks of each frame of a known flow, apart from its transport: gateway port, image in force, MAC binding,
// TTL, opaque rules. Notes when and from where the flow was seen. False: denied and reported, and the flow
// may be gone.
[[nodiscard]] bool admit_frame(WorkerContext& context, Flow& flow, Side sender,
                               const ParsedFrame& frame) noexcept;

// Learns the sender's MAC; a changed one is an event.
void learn_mac(WorkerContext& context, const ParsedFrame& frame, const Address& address) noexcept;

// Classifies a living flow by the image in force; ends and reports it if nothing permits it any more. False:
// it is gone.
[[nodiscard]] bool reclassify(WorkerContext& context, Flow& flow, const ParsedFrame* frame) noexcept;

// A flow whose deadline in the timer wheel has come: the gate's timer, ageing, or filing it again.
void flow_due(WorkerContext& context, Flow& flow) noexcept;

}  // namespace conduit
