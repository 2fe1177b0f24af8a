// ICMP gate: questions by rule, answers to a question, errors that quote a living flow (RFC 792, 950, 4443).
#include <algorithm>
#include <cstring>

#include "dataplane/engine/checksum.hpp"
#include "dataplane/engine/classify.hpp"
#include "dataplane/engine/flow_table.hpp"
#include "dataplane/engine/flows.hpp"
#include "dataplane/engine/gates.hpp"
#include "dataplane/engine/tcp_gate.hpp"

namespace conduit {
namespace {

constexpr std::uint8_t number_tcp = 6;
constexpr std::uint8_t number_udp = 17;
constexpr std::uint8_t number_icmp = 1;
constexpr std::uint8_t number_icmpv6 = 58;

[[nodiscard]] Disposition drop(WorkerContext& context, const Flow* flow, const ParsedFrame& frame,
                               Reason reason) noexcept {
  const bool observed = deny_frame(context, flow, frame, Verdict::DROP, reason);
  return observed ? Disposition::FORWARD : Disposition::CONSUME;
}

[[nodiscard]] bool is_error(const ParsedFrame& frame) noexcept {
  // Redirect and source quench tell hosts to act otherwise: never by a quote alone.
  if (frame.kind == FrameKind::ICMP) {
    return frame.icmp_type == 3 || frame.icmp_type == 11 || frame.icmp_type == 12;
  }
  return frame.icmp_type >= 1 && frame.icmp_type <= 4;
}

[[nodiscard]] bool is_answer(const ParsedFrame& frame) noexcept {
  if (frame.kind == FrameKind::ICMPV6) return frame.icmp_type == 129;
  return frame.icmp_type == 0 || frame.icmp_type == 14 || frame.icmp_type == 16 || frame.icmp_type == 18;
}

// An echo must come back as it was sent; of other questions only the sequence number comes back.
[[nodiscard]] std::uint64_t echo_detail(const ParsedFrame& frame) noexcept {
  const bool echo = frame.kind == FrameKind::ICMPV6 || frame.icmp_type == 8 || frame.icmp_type == 0;
  if (!echo) return 0;
  std::uint64_t mixed = frame.payload_size;
  for (const std::uint8_t octet : frame.payload()) mixed = (mixed ^ octet) * 0x100000001B3;
  return mixed;
}

void remember_question(WorkerContext& context, Flow& flow, const ParsedFrame& frame) noexcept {
  // The newest questions are kept: answers of a ping come at once or not at all.
  Outstanding& place = flow.outstanding[flow.request_count % outstanding_count_max];
  if (!place.live) ++flow.outstanding_count;
  place.key = load_u16be(frame.data + frame.l4_offset + 6);
  place.detail = echo_detail(frame);
  place.order = flow.request_count++;
  place.since_ms = static_cast<std::uint32_t>(context.now_ns / 1'000'000);
  place.live = true;
}

// NONE: this answers a question of the flow, which is thereby settled.
[[nodiscard]] Reason settle_question(Flow& flow, const ParsedFrame& frame) noexcept {
  const std::uint16_t key = load_u16be(frame.data + frame.l4_offset + 6);
  Reason reason = Reason::RESPONSE_UNSOLICITED;
  for (Outstanding& question : flow.outstanding) {
    if (!question.live || question.key != key) continue;
    reason = Reason::RESPONSE_MISMATCHED;
    if (question.detail != echo_detail(frame)) continue;
    question.live = false;
    --flow.outstanding_count;
    return Reason::NONE;
  }
  return reason;
}

// --- errors ----------------------------------------------------------------------------------------------

// The packet that an error quotes, as far as it names a flow.
struct Quote {
  FlowKey key{};  // from the view of the quoted sender
  std::uint8_t* l4 = nullptr;
};

void set_ports(Quote& quote) noexcept {
  if (quote.key.ip_protocol == number_tcp || quote.key.ip_protocol == number_udp) {
    quote.key.l4_port = {load_u16be(quote.l4), load_u16be(quote.l4 + 2)};
    return;
  }
  const bool answer = quote.l4[0] == 0 || quote.l4[0] == 129;
  const std::uint16_t identifier = load_u16be(quote.l4 + 4);
  const std::uint16_t question = answer ? (quote.l4[0] == 0 ? 8 : 128) : quote.l4[0];
  quote.key.l4_port = {answer ? question : identifier, answer ? identifier : question};
}

[[nodiscard]] bool parse_quote(const ParsedFrame& frame, Quote& quote) noexcept {
  std::uint8_t* const at = frame.data + frame.payload_offset;
  const std::size_t size = frame.payload_size;
  std::size_t header = 20;
  if (frame.kind == FrameKind::ICMP) {
    if (size < header + 8 || at[0] != 0x45 || (load_u16be(at + 6) & 0x1FFF) != 0) return false;
    quote.key.ip_protocol = at[9];
    for (std::size_t side = 0; side < 2; ++side) {
      quote.key.address[side][10] = 0xFF;
      quote.key.address[side][11] = 0xFF;
      std::memcpy(quote.key.address[side].data() + 12, at + 12 + 4 * side, 4);
    }
  } else {
    header = 40;
    if (size < header + 8 || (at[0] >> 4) != 6) return false;
    quote.key.ip_protocol = at[6];  // what crosses the gateway has no extension headers but padding
    std::memcpy(quote.key.address[0].data(), at + 8, 16);
    std::memcpy(quote.key.address[1].data(), at + 24, 16);
  }
  const std::uint8_t icmp = frame.kind == FrameKind::ICMP ? number_icmp : number_icmpv6;
  const std::uint8_t protocol = quote.key.ip_protocol;
  if (protocol != number_tcp && protocol != number_udp && protocol != icmp) return false;
  quote.l4 = at + header;
  quote.key.vlan = frame.vlan;
  quote.key.port_pair = std::min(frame.port_in, frame.port_out);
  set_ports(quote);
  return true;
}

// Errors come from the far end of the flow or from a declared asset (a router) on that side.
[[nodiscard]] Reason check_error_source(const WorkerContext& context, const ParsedFrame& frame) noexcept {
  const std::uint32_t asset = context.image->find_asset(frame.port_in, frame.vlan, frame.source);
  if (asset == none_index) return Reason::SOURCE_UNKNOWN;
  return mac_permitted(*context.image, asset, frame.source_mac) ? Reason::NONE : Reason::SOURCE_MAC_MISMATCH;
}

[[nodiscard]] Disposition error_gate(WorkerContext& context, ParsedFrame& frame) noexcept {
  Quote quote;
  if (!parse_quote(frame, quote)) return drop(context, nullptr, frame, Reason::ICMP_QUOTE_UNKNOWN);
  Side quoted_sender = 0;
  Flow* const flow = context.flows->find(quote.key, quoted_sender);
  const bool belongs = flow != nullptr && quote.key.address[0] == frame.destination &&
                       flow->gateway_port[quoted_sender] == frame.port_out;
  if (!belongs) return drop(context, nullptr, frame, Reason::ICMP_QUOTE_UNKNOWN);
  const Reason reason = check_error_source(context, frame);
  if (reason != Reason::NONE) return drop(context, nullptr, frame, reason);
  if (flow->classification != context.classification && !reclassify(context, *flow, nullptr)) {
    return drop(context, nullptr, frame, Reason::ICMP_QUOTE_UNKNOWN);
  }
  if (quote.key.ip_protocol == number_tcp) {
    const std::size_t size = frame.payload_size - static_cast<std::size_t>(quote.l4 - frame.payload().data());
    if (!tcp_map_quote(context, *flow, quoted_sender, {quote.l4, size})) {
      return drop(context, nullptr, frame, Reason::ICMP_QUOTE_UNKNOWN);
    }
    if (flow->tcp.mapped) store_l4_checksum(frame);
  }
  return Disposition::FORWARD;
}

}  // namespace

Disposition icmp_gate(WorkerContext& context, ParsedFrame& frame, std::uint32_t hash) noexcept {
  if (frame.group) return link_gate(context, frame);
  if (is_error(frame)) return error_gate(context, frame);
  Side sender = 0;
  Flow* flow = context.flows->find(hash, frame, std::min(frame.port_in, frame.port_out), sender);
  const bool answer = is_answer(frame);
  if (answer && (flow == nullptr || sender == 0)) {
    return drop(context, nullptr, frame, Reason::RESPONSE_UNSOLICITED);
  }
  if (flow == nullptr) {
    Reason reason = Reason::NONE;
    flow = open_flow(context, frame, 0, FlowState::DATAGRAM, reason);
    if (reason == Reason::FLOW_UNDOCUMENTED) reason = Reason::ICMP_NOT_PERMITTED;
    if (flow == nullptr) return drop(context, nullptr, frame, reason);
    sender = 0;
  }
  if (!admit_frame(context, *flow, sender, frame)) return Disposition::CONSUME;
  if (answer) {
    const Reason reason = settle_question(*flow, frame);
    if (reason != Reason::NONE) return drop(context, flow, frame, reason);
  } else if (flow->service != none_index &&
             !take_limit(context, context.image->services()[flow->service].opaque_rule)) {
    return drop(context, flow, frame, Reason::RATE_EXCEEDED);
  } else {
    remember_question(context, *flow, frame);
  }
  count_opaque(context, *flow, sender, frame);
  return Disposition::FORWARD;
}

}  // namespace conduit
