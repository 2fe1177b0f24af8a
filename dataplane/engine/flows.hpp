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
[[nodiscard]] bool admit_frame_long_way(WorkerContext& context, Flow& flow, Side sender,
                                        const ParsedFrame& frame) noexcept;
// The same; at once where all is as it was, which is nearly always.
[[nodiscard]] inline bool admit_frame(WorkerContext& context, Flow& flow, Side sender,
                                      const ParsedFrame& frame) noexcept {
  const bool as_it_was = flow.gateway_port[sender] == frame.port_in &&
                         flow.classification == context.classification &&
                         flow.mac[sender] == frame.source_mac && !frame.ttl_low && !flow.opaque &&
                         frame.l3_offset == 14 && flow.tags[sender].size == 0;
  if (!as_it_was) return admit_frame_long_way(context, flow, sender, frame);
  flow.last_seen_ns = context.now_ns;
  return true;
}

// Learns the sender's MAC; a changed one is an event.
void learn_mac(WorkerContext& context, const ParsedFrame& frame, const Address& address) noexcept;

// Classifies a living flow by the image in force; ends and reports it if nothing permits it any more. False:
// it is gone.
[[nodiscard]] bool reclassify(WorkerContext& context, Flow& flow, const ParsedFrame* frame) noexcept;

// A flow whose deadline in the timer wheel has come: the gate's timer, ageing, or filing it again.
void flow_due(WorkerContext& context, Flow& flow) noexcept;

}  // namespace conduit
