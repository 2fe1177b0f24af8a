// Link gate: what is neither ARP nor a flow. Nothing passes but by an ethernet rule; each kind that plants
// know has a reason of its own.
#include <algorithm>

#include "dataplane/engine/classify.hpp"
#include "dataplane/engine/events.hpp"
#include "dataplane/engine/gates.hpp"

namespace conduit {
namespace {

constexpr std::uint8_t number_igmp = 2;

[[nodiscard]] bool between(std::uint16_t port, std::uint16_t first, std::uint16_t last) noexcept {
  return first <= port && port <= last;
}

[[nodiscard]] Reason ethertype_reason(const ParsedFrame& frame) noexcept {
  switch (frame.ethertype) {
    case 0x88CC: return Reason::LLDP_NOT_PERMITTED;
    case 0x88E3: return Reason::MRP_NOT_PERMITTED;
    case 0x88FB:
    case 0x892F: return Reason::PRP_HSR_NOT_PERMITTED;
    case 0x88F7: return Reason::PTP_NOT_PERMITTED;
    case 0x8892: return Reason::PROFINET_NOT_PERMITTED;
    case 0x88B8:
    case 0x88B9:
    case 0x88BA: return Reason::GOOSE_SV_NOT_PERMITTED;
    default: return Reason::ETHERTYPE_NOT_PERMITTED;
  }
}

// 01-80-C2-00-00-00 to -0F: never forwarded by a bridge (IEEE 802.1Q, 8.6.3).
[[nodiscard]] bool is_link_local_control(const Mac& mac) noexcept {
  return mac[0] == 0x01 && mac[1] == 0x80 && mac[2] == 0xC2 && mac[3] == 0 && mac[4] == 0 && mac[5] < 0x10;
}

[[nodiscard]] Reason ip_reason(const ParsedFrame& frame) noexcept {
  const auto to = frame.destination_port;
  if (frame.ip_protocol == number_igmp && frame.ip_version == 4) return Reason::IGMP_MLD_NOT_PERMITTED;
  if (frame.kind == FrameKind::ICMPV6 && (between(frame.icmp_type, 130, 132) || frame.icmp_type == 143)) {
    return Reason::IGMP_MLD_NOT_PERMITTED;
  }
  if (frame.kind == FrameKind::UDP && (between(to, 67, 68) || between(to, 546, 547))) {
    return Reason::DHCP_NOT_PERMITTED;
  }
  if (frame.kind == FrameKind::UDP && between(to, 319, 320)) return Reason::PTP_NOT_PERMITTED;
  if (!frame.group && frame.kind == FrameKind::OTHER_IP) return Reason::IP_PROTOCOL_NOT_PERMITTED;
  return Reason::GROUP_NOT_PERMITTED;
}

[[nodiscard]] bool rule_fits(const WorkerContext& context, const EthernetRuleRecord& rule,
                             const ParsedFrame& frame) noexcept {
  if (rule.port != frame.port_in || (rule.any_vlan == 0 && rule.vlan != frame.vlan)) return false;
  if (rule.ethertype < 0x0600) {
    if (frame.ethertype >= 0x0600 || rule.dsap != frame.dsap) return false;
  } else if (rule.ethertype != frame.ethertype) {
    return false;
  }
  if (rule.any_destination == 0 && rule.destination != frame.destination_mac) return false;
  // IP has gates of its own: an ethernet rule reaches only group traffic whose group it names.
  if (frame.ip_version != 0 && (rule.any_destination != 0 || !frame.group)) return false;
  return rule.source_asset == none_index ||
         rule.source_asset == context.image->find_asset_by_mac(frame.port_in, frame.vlan, frame.source_mac);
}

void report_forwarded(WorkerContext& context, const EthernetRuleRecord& rule,
                      const ParsedFrame& frame) noexcept {
  ConduitCounters& counters = conduit_counters(context, rule.conduit);
  ++counters.messages_opaque;
  counters.octets_opaque += frame.payload_size;
  const std::uint8_t flags = context.image->rules()[rule.rule].flags;
  if ((flags & (RULE_RECORD_EVERY | RULE_RECORD_FIRST)) != 0) {
    EventDetail detail;
    detail.verdict = Verdict::FORWARD;
    detail.reason = Reason::OPERATION_PERMITTED;
    detail.rule = rule.rule;
    detail.protocol = ProtocolId::ETHERNET;
    ++context.counters.reason[static_cast<std::size_t>(detail.reason)];
    write_event(context, nullptr, &frame, detail);
  }
  if (context.config.observer == nullptr) return;
  JudgementReport report;
  report.verdict = Verdict::FORWARD;
  report.opaque = true;
  report.protocol = ProtocolId::ETHERNET;
  report.rule = rule.rule;
  report.conduit = rule.conduit;
  report.source_asset = context.image->find_asset_by_mac(frame.port_in, frame.vlan, frame.source_mac);
  report.pdu_size = frame.payload_size;
  context.config.observer->on_judgement(report);
}

}  // namespace

Reason group_reason(const ParsedFrame& frame) noexcept {
  if (frame.ip_version != 0) return ip_reason(frame);
  if (frame.ethertype < 0x0600) {
    return frame.dsap == 0x42 ? Reason::STP_NOT_PERMITTED : Reason::LLC_NOT_PERMITTED;
  }
  const Reason reason = ethertype_reason(frame);
  const bool unnamed = reason == Reason::ETHERTYPE_NOT_PERMITTED;
  return unnamed && is_link_local_control(frame.destination_mac) ? Reason::LINK_LOCAL_CONTROL : reason;
}

bool group_mac_fits(const ParsedFrame& frame) noexcept {
  const Mac& mac = frame.destination_mac;
  const Address& address = frame.destination;
  const bool broadcast = std::all_of(mac.begin(), mac.end(), [](auto octet) { return octet == 0xFF; });
  if (frame.ip_version == 6) {
    return address[0] == 0xFF && mac[0] == 0x33 && mac[1] == 0x33 &&
           std::equal(mac.begin() + 2, mac.end(), address.begin() + 12);
  }
  if ((address[12] & 0xF0) != 0xE0) return broadcast;  // limited, or a declared directed broadcast
  return mac[0] == 0x01 && mac[1] == 0x00 && mac[2] == 0x5E && mac[3] == (address[13] & 0x7F) &&
         mac[4] == address[14] && mac[5] == address[15];
}

Disposition link_gate(WorkerContext& context, const ParsedFrame& frame) noexcept {
  Reason reason = group_reason(frame);
  if (frame.ip_version == 0 || (frame.group && group_mac_fits(frame))) {
    for (const EthernetRuleRecord& rule : context.image->ethernet_rules()) {
      if (!rule_fits(context, rule, frame)) continue;
      const Reason force = rule_in_force(context, rule.rule);
      if (force == Reason::NONE && take_limit(context, rule.rule)) {
        report_forwarded(context, rule, frame);
        return Disposition::FORWARD;
      }
      reason = force == Reason::NONE ? Reason::RATE_EXCEEDED : force;
    }
  }
  deny_frame(context, nullptr, frame, Verdict::DROP, reason);
  return Disposition::CONSUME;
}

}  // namespace conduit
