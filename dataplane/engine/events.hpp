// Writing of event records. Internal to the engine; see worker_context.hpp for deny_frame.
#pragma once

#include "dataplane/engine/worker_context.hpp"

namespace conduit {

// What a record says beyond frame and flow.
struct EventDetail {
  Verdict verdict = Verdict::DROP;
  Reason reason = Reason::NONE;
  bool observed = false;
  bool client_sent = false;
  std::uint32_t rule = none_index;
  std::uint32_t pdu_size = 0;
  Bytes pdu{};
  const Operation* operation = nullptr;
  std::uint32_t operation_index = 0;
  ProtocolId protocol = ProtocolId::NONE;
  const char* field = nullptr;
};

// One record, written now. `flow` and `frame` may be null.
void write_event(WorkerContext& context, const Flow* flow, const ParsedFrame* frame,
                 const EventDetail& detail) noexcept;

// Writes the folded records whose time is over, at most `budget`.
void flush_folded_events(WorkerContext& context, std::uint32_t budget) noexcept;

// Counters of the conduit (the last ones are shared by conduits with high numbers).
[[nodiscard]] inline ConduitCounters& conduit_counters(WorkerContext& context,
                                                       std::uint32_t conduit) noexcept {
  const std::uint32_t last = conduit_counter_count - 1;
  return context.counters.conduit[conduit < last ? conduit : last];
}

// A notable thing that denies nothing (MAC_CHANGED): counter and folded event.
void note_frame(WorkerContext& context, const ParsedFrame& frame, Reason reason) noexcept;
// A flow that never opened has waited long enough: counter and folded event, by the addresses of its opener.
void note_expired(WorkerContext& context, const Flow& flow, Reason reason) noexcept;

}  // namespace conduit
