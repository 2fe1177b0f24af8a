// A stand-in for the TCP gate: forwards everything, follows the handshake roughly. For tests of what lies
// around the gate.
#include "dataplane/engine/tcp_gate.hpp"

namespace conduit {

Disposition tcp_gate(WorkerContext&, Flow& flow, Side sender, ParsedFrame& parsed) noexcept {
  if ((parsed.tcp_flags & TCP_RST) != 0) {
    flow.state = FlowState::FREE;
  } else if ((parsed.tcp_flags & TCP_FIN) != 0) {
    flow.state = FlowState::CLOSING;
  } else if (flow.state == FlowState::HALF_OPEN && sender == 0 && (parsed.tcp_flags & TCP_SYN) == 0) {
    flow.state = FlowState::ESTABLISHED;
  }
  return Disposition::FORWARD;
}
Disposition tcp_no_flow(WorkerContext& context, ParsedFrame& parsed) noexcept {
  deny_frame(context, nullptr, parsed, Verdict::DROP, Reason::TCP_NO_FLOW);
  return Disposition::CONSUME;
}
void tcp_reset_both(WorkerContext& context, Flow&) noexcept { ++context.counters.resets_sent; }
void tcp_reset_receiver(WorkerContext& context, Flow&, Side) noexcept { ++context.counters.resets_sent; }
void tcp_release(WorkerContext&, Flow&) noexcept {}
std::uint64_t tcp_timer(WorkerContext&, Flow&) noexcept { return timer_never; }
void tcp_map_quote(const Flow&, Side, std::uint8_t*) noexcept {}

}  // namespace conduit
