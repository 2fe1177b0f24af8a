// Datagram gate: each UDP datagram is exactly one PDU, judged before it goes on.
#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/engine/checksum.hpp"
#include "dataplane/engine/classify.hpp"
#include "dataplane/engine/events.hpp"
#include "dataplane/engine/flow_table.hpp"
#include "dataplane/engine/flows.hpp"
#include "dataplane/engine/gates.hpp"
#include "protocols/core/mutation.hpp"

namespace conduit {
namespace {

constexpr std::size_t reply_size_max = 14 + 8 + 40 + 8 + refusal_size_max;

// Headers of an answer to `frame`, as its receiver would send it; returns the offset of the UDP payload.
[[nodiscard]] std::size_t lay_headers(const ParsedFrame& frame, std::size_t payload_size,
                                      std::span<std::uint8_t> out) noexcept {
  std::memcpy(out.data(), frame.source_mac.data(), 6);
  std::memcpy(out.data() + 6, frame.destination_mac.data(), 6);
  std::memcpy(out.data() + 12, frame.data + 12, static_cast<std::size_t>(frame.l3_offset) - 12);
  std::uint8_t* const l3 = out.data() + frame.l3_offset;
  const std::size_t udp_size = 8 + payload_size;
  const std::uint8_t* const old = frame.data + frame.l3_offset;
  std::size_t header = 20;
  if (frame.ip_version == 4) {
    std::memset(l3, 0, header);
    l3[0] = 0x45;
    store_u16be(l3 + 2, static_cast<std::uint16_t>(header + udp_size));
    l3[6] = 0x40;  // do not fragment
    l3[8] = 64;
    l3[9] = frame.ip_protocol;
    std::memcpy(l3 + 12, old + 16, 4);
    std::memcpy(l3 + 16, old + 12, 4);
    const std::uint16_t sum = checksum_finish(checksum_add(l3, header, 0));
    std::memcpy(l3 + 10, &sum, 2);
  } else {
    header = 40;
    std::memset(l3, 0, header);
    l3[0] = 0x60;
    store_u16be(l3 + 4, static_cast<std::uint16_t>(udp_size));
    l3[6] = frame.ip_protocol;
    l3[7] = 64;
    std::memcpy(l3 + 8, old + 24, 16);
    std::memcpy(l3 + 24, old + 8, 16);
  }
  std::uint8_t* const l4 = l3 + header;
  store_u16be(l4, frame.destination_port);
  store_u16be(l4 + 2, frame.source_port);
  store_u16be(l4 + 4, static_cast<std::uint16_t>(udp_size));
  store_u16be(l4 + 6, 0);
  return frame.l3_offset + header + 8;
}

// The protocol's negative reply goes back to the sender.
void send_reply(WorkerContext& context, const ParsedFrame& frame, Bytes reply) noexcept {
  std::array<std::uint8_t, reply_size_max> out{};
  const std::size_t at = lay_headers(frame, reply.size(), out);
  std::memcpy(out.data() + at, reply.data(), reply.size());
  ParsedFrame answer;
  answer.data = out.data();
  answer.kind = FrameKind::UDP;
  answer.ip_version = frame.ip_version;
  answer.ip_protocol = frame.ip_protocol;
  answer.l3_offset = frame.l3_offset;
  answer.l4_offset = static_cast<std::uint16_t>(at - 8);
  answer.payload_offset = static_cast<std::uint16_t>(at);
  answer.payload_size = static_cast<std::uint16_t>(reply.size());
  store_l4_checksum(answer);
  const std::size_t size = std::max(at + reply.size(), frame_size_min);
  if (context.emit(frame.port_in, Bytes{out.data(), size})) ++context.counters.refusals_sent;
}

[[nodiscard]] Disposition opaque_datagram(WorkerContext& context, Flow& flow, Side sender,
                                          const ParsedFrame& frame) noexcept {
  if (flow.service != none_index) {
    const std::uint32_t rule = context.image->services()[flow.service].opaque_rule;
    if (!take_limit(context, rule) &&
        !deny_frame(context, &flow, frame, Verdict::DROP, Reason::RATE_EXCEEDED)) {
      return Disposition::CONSUME;
    }
  }
  count_opaque(context, flow, sender, frame);
  return Disposition::FORWARD;
}

[[nodiscard]] Disposition judge_datagram(WorkerContext& context, Flow& flow, Side sender,
                                         const ParsedFrame& frame) noexcept {
  const Bytes payload = frame.payload();
  const Role role = sender == flow.client_side ? Role::CLIENT : Role::SERVER;
  const Framing framing = flow.protocol->frame(payload, role, Transport::UDP, flow.session);
  if (framing.status != FrameStatus::COMPLETE || framing.pdu_size > payload.size()) {
    const char* const field = framing.status == FrameStatus::MALFORMED ? framing.field : "length";
    const Judgement judgement =
        judge_malformed(context, flow, sender, frame, payload, field, framing.mismatch);
    return judgement.verdict == Verdict::FORWARD ? Disposition::FORWARD : Disposition::CONSUME;
  }
  if (framing.pdu_size < payload.size() && !mutated(Mutation::DATAGRAM_TRAILING_FORWARDED) &&
      !deny_frame(context, &flow, frame, Verdict::DROP, Reason::DATAGRAM_TRAILING_BYTES)) {
    return Disposition::CONSUME;
  }
  std::array<std::uint8_t, refusal_size_max> reply;
  const Judgement judgement =
      judge_pdu(context, flow, sender, frame, payload.first(framing.pdu_size), framing.pdu_size, reply);
  if (judgement.verdict == Verdict::FORWARD) return Disposition::FORWARD;
  const bool refused = judgement.verdict == Verdict::REFUSE;
  if (refused && !frame.group && !mutated(Mutation::REFUSAL_WITHOUT_REPLY)) {
    send_reply(context, frame, Bytes{reply.data(), judgement.reply_size});
  }
  const bool taken_out = judgement.verdict == Verdict::DISCARD || judgement.verdict == Verdict::DROP;
  if (refused && mutated(Mutation::REFUSED_FORWARDED_TOO)) return Disposition::FORWARD;
  if (taken_out && mutated(Mutation::DISCARDED_FORWARDED)) return Disposition::FORWARD;
  return Disposition::CONSUME;
}

[[nodiscard]] Flow* open_datagram_flow(WorkerContext& context, const ParsedFrame& frame) noexcept {
  Reason reason = Reason::NONE;
  Flow* const flow = open_flow(context, frame, 0, FlowState::DATAGRAM, reason);
  if (flow != nullptr) return flow;
  // What is known by its kind is named by it: a denied DHCP request is no unknown source.
  const Reason kind = group_reason(frame);
  const bool undeclared = reason == Reason::SOURCE_UNKNOWN || reason == Reason::DESTINATION_UNKNOWN ||
                          reason == Reason::CONDUIT_UNDOCUMENTED || reason == Reason::FLOW_UNDOCUMENTED;
  if (undeclared && (frame.group || kind != Reason::GROUP_NOT_PERMITTED)) reason = kind;
  deny_frame(context, nullptr, frame, Verdict::DROP, reason);
  return nullptr;
}

}  // namespace

void count_opaque(WorkerContext& context, const Flow& flow, Side sender, const ParsedFrame& frame) noexcept {
  ConduitCounters& counters = conduit_counters(context, flow.conduit);
  ++counters.messages_opaque;
  counters.octets_opaque += frame.payload_size;
  if (context.config.observer == nullptr) return;
  JudgementReport report;
  report.verdict = Verdict::FORWARD;
  report.opaque = true;
  report.client_sent = sender == flow.client_side;
  if (flow.service != none_index) {
    report.rule = context.image->services()[flow.service].opaque_rule;
    report.protocol = context.image->services()[flow.service].protocol;
  }
  report.conduit = flow.conduit;
  report.source_asset = flow.asset[sender];
  report.destination_asset = flow.asset[other(sender)];
  report.pdu_size = frame.payload_size;
  report.pdu = frame.payload();
  context.config.observer->on_judgement(report);
}

Disposition udp_gate(WorkerContext& context, ParsedFrame& frame, std::uint32_t hash) noexcept {
  if (frame.group && !group_mac_fits(frame)) {
    deny_frame(context, nullptr, frame, Verdict::DROP, Reason::GROUP_NOT_PERMITTED);
    return Disposition::CONSUME;
  }
  Side sender = 0;
  Flow* flow = context.flows->find(hash, frame, std::min(frame.port_in, frame.port_out), sender);
  if (flow != nullptr && is_unspecified(frame.source) && flow->mac[0] != frame.source_mac) {
    // Hosts without an address share 0.0.0.0: the MAC tells them apart, and each begins anew.
    flow->state = FlowState::FREE;
    settle_flow(context, *flow);
    flow = nullptr;
  }
  if (flow == nullptr) {
    sender = 0;
    flow = open_datagram_flow(context, frame);
    if (flow == nullptr) return Disposition::CONSUME;
  }
  if (!admit_frame(context, *flow, sender, frame)) return Disposition::CONSUME;
  const AssetRecord& receiver = context.image->assets()[flow->asset[other(sender)]];
  if (((receiver.flags & ASSET_GROUP) != 0) != frame.group &&
      !deny_frame(context, flow, frame, Verdict::DROP, Reason::GROUP_NOT_PERMITTED)) {
    return Disposition::CONSUME;
  }
  if (frame.udp_checksum_absent &&
      (context.image->conduits()[flow->conduit].flags & CONDUIT_UDP_CHECKSUM_ABSENT) == 0 &&
      !deny_frame(context, flow, frame, Verdict::DROP, Reason::UDP_CHECKSUM_ABSENT)) {
    return Disposition::CONSUME;
  }
  if (flow->opaque || flow->protocol == nullptr) return opaque_datagram(context, *flow, sender, frame);
  return judge_datagram(context, *flow, sender, frame);
}

}  // namespace conduit
