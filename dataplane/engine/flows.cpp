#include "dataplane/engine/flows.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/engine/assembly_pool.hpp"
#include "dataplane/engine/back_off_table.hpp"
#include "dataplane/engine/classify.hpp"
#include "dataplane/engine/events.hpp"
#include "dataplane/engine/flow_table.hpp"
#include "dataplane/engine/mac_table.hpp"
#include "dataplane/engine/tcp_gate.hpp"
#include "protocols/core/mutation.hpp"

namespace conduit {
namespace {

constexpr std::uint8_t number_tcp = 6;

[[nodiscard]] bool is_tcp(const Flow& flow) noexcept { return flow.key.ip_protocol == number_tcp; }

[[nodiscard]] std::uint64_t idle_of(const WorkerContext& context, const Flow& flow) noexcept {
  const EngineLimits& limits = context.config.limits;
  switch (flow.state) {
    case FlowState::FREE: return 0;
    case FlowState::HALF_OPEN: return limits.half_open_idle_ns;
    case FlowState::ESTABLISHED: {
      if (context.image == nullptr || flow.conduit >= context.image->conduits().size()) {
        return limits.established_idle_ns;
      }
      const std::uint64_t own = context.image->conduits()[flow.conduit].idle_established_ns;
      return own != 0 ? own : limits.established_idle_ns;
    }
    case FlowState::CLOSING: return limits.closing_idle_ns;
    case FlowState::DATAGRAM: return limits.datagram_idle_ns;
  }
  return 0;
}

void note_tags(Flow& flow, Side sender, const ParsedFrame& frame) noexcept {
  LinkTags& tags = flow.tags[sender];
  const auto size = static_cast<std::uint8_t>(frame.l3_offset - 14);
  tags.size = std::min<std::uint8_t>(size, static_cast<std::uint8_t>(tags.octets.size()));
  std::memcpy(tags.octets.data(), frame.data + 12, tags.size);
}

void end_flow(WorkerContext& context, Flow& flow) noexcept {
  flow.state = FlowState::FREE;
  settle_flow(context, flow);
}

// Ends a flow that the policy in force does not permit (any more).
void end_forbidden(WorkerContext& context, Flow& flow, const ParsedFrame* frame, Reason reason) noexcept {
  flow.observe = false;
  EventDetail detail;
  detail.verdict = is_tcp(flow) ? Verdict::RESET : Verdict::DROP;
  detail.reason = reason;
  if (flow.protocol != nullptr) detail.protocol = flow.protocol->id;
  if (frame != nullptr) {
    deny_frame(context, &flow, *frame, detail.verdict, reason);
  } else {
    ++context.counters.reason[static_cast<std::size_t>(reason)];
    write_event(context, &flow, nullptr, detail);
  }
  if (is_tcp(flow)) tcp_reset_both(context, flow);
  end_flow(context, flow);
}

[[nodiscard]] Reason room_for(const WorkerContext& context, FlowState state) noexcept {
  const FlowTable& flows = *context.flows;
  const bool bounded = !mutated(Mutation::HALF_OPEN_UNBOUNDED);
  if (state == FlowState::HALF_OPEN && bounded &&
      flows.count(FlowState::HALF_OPEN) >= context.config.limits.half_open_count) {
    return Reason::TCP_HALF_OPEN_FULL;
  }
  // Datagrams need no handshake: they may not take the places of connections.
  if (state == FlowState::DATAGRAM && flows.count(FlowState::DATAGRAM) >= (flows.capacity() + 1) / 2) {
    return Reason::FLOW_TABLE_FULL;
  }
  return Reason::NONE;
}

void fill_flow(Flow& flow, const ParsedFrame& frame, Side sender, FlowState state) noexcept {
  flow.key.address[sender] = frame.source;
  flow.key.address[other(sender)] = frame.destination;
  flow.key.l4_port[sender] = frame.source_port;
  flow.key.l4_port[other(sender)] = frame.destination_port;
  flow.key.vlan = frame.vlan;
  flow.key.ip_protocol = frame.ip_protocol;
  flow.key.port_pair = std::min(frame.port_in, frame.port_out);
  flow.ip_version = frame.ip_version;
  flow.gateway_port[sender] = frame.port_in;
  flow.gateway_port[other(sender)] = frame.port_out;
  flow.mac[sender] = frame.source_mac;
  flow.mac[other(sender)] = frame.destination_mac;
  flow.state = state;
  note_tags(flow, sender, frame);
  flow.tags[other(sender)] = flow.tags[sender];
}

// Back-off of the pair, rate of opaque rules.
[[nodiscard]] Reason check_rate(WorkerContext& context, const Flow& flow, FlowState state) noexcept {
  if (state == FlowState::HALF_OPEN && context.back_off->held_back(flow.key, context.now_ns)) {
    return Reason::TCP_BACKED_OFF;
  }
  if (is_tcp(flow) && flow.opaque && flow.service != none_index &&
      !take_limit(context, context.image->services()[flow.service].opaque_rule)) {
    return Reason::RATE_EXCEEDED;
  }
  return Reason::NONE;
}

// One source may not take the places of all others.
[[nodiscard]] Reason check_share(const WorkerContext& context, const Flow& flow) noexcept {
  const FlowTable& flows = *context.flows;
  const EngineLimits& limits = context.config.limits;
  const bool half_open = flow.state == FlowState::HALF_OPEN && !mutated(Mutation::HALF_OPEN_UNBOUNDED);
  const std::uint32_t half_open_share = std::max(limits.half_open_count / source_half_open_share, 1U);
  if (half_open && flows.half_open_of_source(flow) >= half_open_share) return Reason::SOURCE_FLOWS_FULL;
  const std::uint32_t part = is_tcp(flow) ? source_tcp_share : source_datagram_share;
  const std::uint32_t share = std::max(flows.capacity() / part, 1U);
  return flows.of_source(flow) >= share ? Reason::SOURCE_FLOWS_FULL : Reason::NONE;
}

// What classification leaves open: group or not, the receiver's MAC.
[[nodiscard]] Reason check_ends(const WorkerContext& context, const Flow& flow,
                                const ParsedFrame& frame) noexcept {
  const RuleImage& image = *context.image;
  const bool to_group = (image.assets()[flow.asset[1]].flags & ASSET_GROUP) != 0;
  if (to_group != frame.group) return Reason::GROUP_NOT_PERMITTED;
  const bool known = frame.group || mac_permitted(image, flow.asset[1], flow.mac[1]);
  return known ? Reason::NONE : Reason::DESTINATION_UNKNOWN;
}

// Events that the opening of a flow asks for. `rate`: it passes only because its conduit observes.
void report_opening(WorkerContext& context, Flow& flow, const ParsedFrame& frame, Reason rate) noexcept {
  if (rate != Reason::NONE) deny_frame(context, &flow, frame, Verdict::DROP, rate);
  if (flow.service == none_index) {  // only observed
    deny_frame(context, &flow, frame, Verdict::DROP, Reason::FLOW_UNDOCUMENTED);
    return;
  }
  if (!flow.opaque) return;
  const std::uint32_t rule = context.image->services()[flow.service].opaque_rule;
  if ((context.image->rules()[rule].flags & (RULE_RECORD_EVERY | RULE_RECORD_FIRST)) == 0) return;
  flow.first_recorded = true;
  EventDetail detail;
  detail.verdict = Verdict::FORWARD;
  detail.reason = Reason::OPERATION_PERMITTED;
  detail.rule = rule;
  detail.client_sent = flow.client_side == 0;
  ++context.counters.reason[static_cast<std::size_t>(detail.reason)];
  write_event(context, &flow, &frame, detail);
}

}  // namespace

Flow* open_flow(WorkerContext& context, const ParsedFrame& frame, Side sender, FlowState state,
                Reason& reason) noexcept {
  reason = context.image == nullptr ? Reason::NO_POLICY : room_for(context, state);
  if (reason != Reason::NONE) return nullptr;
  Flow* const flow = context.flows->take();
  if (flow == nullptr) {
    reason = Reason::FLOW_TABLE_FULL;
    return nullptr;
  }
  fill_flow(*flow, frame, sender, state);
  reason = classify(context, *flow, flow->mac[0]);
  if (reason == Reason::NONE) reason = check_ends(context, *flow, frame);
  const Reason rate = reason == Reason::NONE ? check_rate(context, *flow, state) : Reason::NONE;
  if (!flow->observe && rate != Reason::NONE) reason = rate;
  if (reason == Reason::NONE) reason = check_share(context, *flow);
  if (reason != Reason::NONE) {
    context.flows->give_back(*flow);
    return nullptr;
  }
  flow->id = ++context.flow_count;
  flow->last_seen_ns = context.now_ns;
  context.flows->insert(*flow);
  ++context.counters.flows_created;
  settle_flow(context, *flow);
  if (!is_unspecified(frame.source)) learn_mac(context, frame, frame.source);
  report_opening(context, *flow, frame, rate);
  return flow;
}

void settle_flow(WorkerContext& context, Flow& flow) noexcept {
  if (flow.state == FlowState::FREE) {
    if (is_tcp(flow)) tcp_release(context, flow);
    release_assemblies(context, flow);
    context.flows->remove(flow);
    ++context.counters.flows_removed;
    return;
  }
  if (flow.counted != flow.state) flow.idle_ns = idle_of(context, flow);
  context.flows->settle(flow, deadline_of(flow));
}

Reason check_reopening(WorkerContext& context, const Flow& flow) noexcept {
  const Reason reason = room_for(context, FlowState::HALF_OPEN);
  return reason != Reason::NONE ? reason : check_rate(context, flow, FlowState::HALF_OPEN);
}

void note_reset(WorkerContext& context, const Flow& flow) noexcept {
  context.back_off->note_reset(flow.key, context.now_ns);
}

void learn_mac(WorkerContext& context, const ParsedFrame& frame, const Address& address) noexcept {
  const std::uint32_t asset = context.image->find_asset(frame.port_in, frame.vlan, address);
  // Behind a router, or moving between members, an address may well change its MAC.
  if (asset != none_index) {
    const AssetRecord& record = context.image->assets()[asset];
    if ((record.flags & ASSET_VIRTUAL) != 0 || record.router != none_index) return;
  }
  if (context.macs->learn(frame.port_in, frame.vlan, address, frame.source_mac)) {
    note_frame(context, frame, Reason::MAC_CHANGED);
  }
}

bool reclassify(WorkerContext& context, Flow& flow, const ParsedFrame* frame) noexcept {
  const Protocol* const protocol = flow.protocol;
  const Side client_side = flow.client_side;
  Reason reason = classify(context, flow, flow.mac[0]);
  // A stream that was followed as something else cannot be taken up in the middle.
  if (reason == Reason::NONE && (flow.protocol != protocol || flow.client_side != client_side)) {
    reason = Reason::FLOW_NO_LONGER_PERMITTED;
  }
  if (reason == Reason::FLOW_UNDOCUMENTED && mutated(Mutation::SWAP_SPARES_FLOWS)) reason = Reason::NONE;
  if (reason == Reason::ISLAND_MODE && mutated(Mutation::ISLAND_SPARES_FLOWS)) reason = Reason::NONE;
  if (reason == Reason::NONE) {
    for (Outstanding& request : flow.outstanding) request.rule = none_index;  // a number of the former image
    release_assemblies(context, flow);  // their pieces were judged by the former image
    flow.idle_ns = idle_of(context, flow);
    settle_flow(context, flow);
    return true;
  }
  const bool named = reason == Reason::ISLAND_MODE || reason == Reason::NO_POLICY;
  flow.protocol = protocol;
  flow.client_side = client_side;
  end_forbidden(context, flow, frame, named ? reason : Reason::FLOW_NO_LONGER_PERMITTED);
  return false;
}

bool admit_frame_long_way(WorkerContext& context, Flow& flow, Side sender,
                          const ParsedFrame& frame) noexcept {
  if (flow.gateway_port[sender] != frame.port_in) {
    deny_frame(context, nullptr, frame, Verdict::DROP, Reason::SOURCE_WRONG_ZONE);
    return false;
  }
  if (flow.classification != context.classification && !reclassify(context, flow, &frame)) return false;
  const RuleImage& image = *context.image;
  if (flow.mac[sender] != frame.source_mac) {
    if (!mac_permitted(image, flow.asset[sender], frame.source_mac)) {
      deny_frame(context, nullptr, frame, Verdict::DROP, Reason::SOURCE_MAC_MISMATCH);
      return false;
    }
    flow.mac[sender] = frame.source_mac;
    learn_mac(context, frame, frame.source);
  }
  if (frame.ttl_low && !frame.group && !mutated(Mutation::TTL_UNCHECKED) &&
      (image.conduits()[flow.conduit].flags & CONDUIT_LOW_TTL) == 0 &&
      !deny_frame(context, &flow, frame, Verdict::DROP, Reason::TTL_TOO_LOW)) {
    return false;
  }
  if (flow.opaque && flow.service != none_index) {
    const Reason reason = rule_in_force(context, image.services()[flow.service].opaque_rule);
    if (reason != Reason::NONE && !flow.observe) {
      end_forbidden(context, flow, &frame, reason);
      return false;
    }
  }
  flow.last_seen_ns = context.now_ns;
  if (frame.l3_offset != 14 || flow.tags[sender].size != 0) note_tags(flow, sender, frame);
  return true;
}

void flow_due(WorkerContext& context, Flow& flow) noexcept {
  if (flow.timer_ns <= context.now_ns) {
    flow.timer_ns = tcp_timer(context, flow);
    if (flow.state == FlowState::FREE) {
      settle_flow(context, flow);
      return;
    }
  }
  if (flow.last_seen_ns + flow.idle_ns > context.now_ns) {
    settle_flow(context, flow);
    return;
  }
  if (flow.state == FlowState::ESTABLISHED) {
    ++context.counters.reason[static_cast<std::size_t>(Reason::TCP_IDLE_TIMEOUT)];
    EventDetail detail;
    detail.verdict = Verdict::RESET;
    detail.reason = Reason::TCP_IDLE_TIMEOUT;
    if (flow.protocol != nullptr) detail.protocol = flow.protocol->id;
    write_event(context, &flow, nullptr, detail);
    tcp_reset_both(context, flow);
  } else if (flow.state == FlowState::HALF_OPEN) {
    note_expired(context, flow, Reason::TCP_IDLE_TIMEOUT);  // folded: a flood of SYNs leaves many
    tcp_reset_both(context, flow);
  }
  end_flow(context, flow);
}

}  // namespace conduit
