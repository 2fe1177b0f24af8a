#include "dataplane/engine/classify.hpp"

#include <algorithm>

#include "dataplane/engine/limit_table.hpp"
#include "protocols/core/mutation.hpp"

namespace conduit {
namespace {

constexpr std::uint8_t number_tcp = 6;
constexpr std::uint8_t number_udp = 17;
constexpr std::uint8_t number_icmp = 1;
constexpr std::uint8_t number_icmpv6 = 58;

[[nodiscard]] Transport transport_of(const FlowKey& key) noexcept {
  switch (key.ip_protocol) {
    case number_tcp: return Transport::TCP;
    case number_udp: return Transport::UDP;
    case number_icmp: return Transport::ICMP;
    case number_icmpv6: return Transport::ICMPV6;
    default: return Transport::NONE;
  }
}

[[nodiscard]] Reason find_ends(const RuleImage& image, Flow& flow, const Mac& source_mac) noexcept {
  const FlowKey& key = flow.key;
  flow.asset[0] = is_unspecified(key.address[0])
                      ? image.find_asset_by_mac(flow.gateway_port[0], key.vlan, source_mac)
                      : image.find_asset(flow.gateway_port[0], key.vlan, key.address[0]);
  if (flow.asset[0] == none_index && mutated(Mutation::PORT_IGNORED))
    flow.asset[0] = image.find_asset_anywhere(key.address[0]);
  if (flow.asset[0] == none_index) {
    const bool elsewhere = image.find_asset_anywhere(key.address[0]) != none_index;
    return elsewhere ? Reason::SOURCE_WRONG_ZONE : Reason::SOURCE_UNKNOWN;
  }
  if (!mac_permitted(image, flow.asset[0], source_mac)) return Reason::SOURCE_MAC_MISMATCH;
  flow.asset[1] = image.find_asset(flow.gateway_port[1], key.vlan, key.address[1]);
  return flow.asset[1] == none_index ? Reason::DESTINATION_UNKNOWN : Reason::NONE;
}

// The service of this pair, whichever role opened the flow; sets flow.service and flow.client_side.
void find_service(const RuleImage& image, Flow& flow) noexcept {
  const Transport transport = transport_of(flow.key);
  const std::uint16_t port = flow.key.l4_port[1];
  const std::uint32_t opener = flow.asset[0];
  const std::uint32_t listener = flow.asset[1];
  flow.client_side = 0;
  flow.peer_service = none_index;
  flow.service = image.find_service(opener, listener, transport, port, OpenedBy::CLIENT);
  const std::size_t others = mutated(Mutation::CLIENT_IGNORED) ? image.assets().size() : 0;
  for (std::uint32_t asset = 0; asset < others && flow.service == none_index; ++asset) {
    if (image.assets()[asset].zone != image.assets()[opener].zone) continue;
    flow.service = image.find_service(asset, listener, transport, port, OpenedBy::CLIENT);
  }
  if (flow.service != none_index) return;
  flow.service = image.find_service(listener, opener, transport, port, OpenedBy::SERVER);
  if (flow.service != none_index) flow.client_side = 1;
}

// The service by which the server of the flow asks its client.
void find_peer_service(const RuleImage& image, const ServiceRecord& service, Flow& flow) noexcept {
  const Side client = flow.client_side;
  const std::uint32_t found =
      image.find_service(flow.asset[other(client)], flow.asset[client], transport_of(flow.key),
                         flow.key.l4_port[client], OpenedBy::CLIENT);
  if (found != none_index && image.services()[found].protocol == service.protocol) flow.peer_service = found;
}

// Service found: what inspects it, and whether it applies now.
[[nodiscard]] Reason apply_service(const WorkerContext& context, Flow& flow) noexcept {
  const ServiceRecord& service = context.image->services()[flow.service];
  const AssetRecord& server = context.image->assets()[service.server];
  flow.quirks = server.quirks;
  flow.asset_flags = server.flags;
  flow.opaque = service.opaque_rule != none_index;
  flow.protocol = flow.opaque ? nullptr : find_protocol(service.protocol);
  if (flow.opaque) return rule_in_force(context, service.opaque_rule);
  if (flow.protocol != nullptr && flow.protocol->peers) find_peer_service(*context.image, service, flow);
  if (flow.protocol == nullptr || flow.protocol->frame == nullptr) return Reason::FLOW_UNDOCUMENTED;
  return context.island && service.essential == 0 ? Reason::ISLAND_MODE : Reason::NONE;
}

}  // namespace

bool mac_permitted(const RuleImage& image, std::uint32_t asset, const Mac& mac) noexcept {
  if (asset >= image.assets().size() || mutated(Mutation::MAC_IGNORED)) return true;
  const auto macs = image.macs_of(image.assets()[asset]);
  return macs.empty() ||
         std::any_of(macs.begin(), macs.end(), [&](const MacBytes& declared) { return declared.mac == mac; });
}

Reason rule_in_force(const WorkerContext& context, std::uint32_t rule) noexcept {
  const RuleRecord& record = context.image->rules()[rule];
  if (context.island && (record.flags & RULE_ESSENTIAL) == 0) return Reason::ISLAND_MODE;
  if (record.grant != none_index && context.image->grants()[record.grant].deadline_ns <= context.now_ns) {
    return Reason::GRANT_REQUIRED;
  }
  return Reason::NONE;
}

bool take_limit(WorkerContext& context, std::uint32_t rule) noexcept {
  const std::uint32_t limit = context.image->rules()[rule].limit;
  return limit == none_index || mutated(Mutation::LIMIT_IGNORED) ||
         context.limits->acquire(context.image->limits()[limit], context.now_ns);
}

bool is_group_address(const Address& address) noexcept {
  const bool ipv4 =
      std::all_of(address.begin(), address.begin() + 10, [](auto octet) { return octet == 0; }) &&
      address[10] == 0xFF && address[11] == 0xFF;
  if (!ipv4) return address[0] == 0xFF;
  const bool broadcast = address[12] == 255 && address[13] == 255 && address[14] == 255 && address[15] == 255;
  return (address[12] & 0xF0) == 0xE0 || broadcast;
}

bool is_unspecified(const Address& address) noexcept {
  constexpr Address ipv6{};
  constexpr Address ipv4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0};
  return address == ipv4 || address == ipv6;
}

Reason classify(const WorkerContext& context, Flow& flow, const Mac& source_mac) noexcept {
  if (context.image == nullptr) return Reason::NO_POLICY;
  const RuleImage& image = *context.image;
  flow.classification = context.classification;
  const Reason ends = find_ends(image, flow, source_mac);
  if (ends != Reason::NONE) return ends;
  flow.conduit = image.find_conduit(image.assets()[flow.asset[0]].zone, image.assets()[flow.asset[1]].zone);
  if (flow.conduit == none_index) return Reason::CONDUIT_UNDOCUMENTED;
  flow.observe = image.conduits()[flow.conduit].mode == Mode::OBSERVE;
  const Protocol* const before = flow.protocol;
  const Side client_before = flow.client_side;
  find_service(image, flow);
  const Reason reason = flow.service == none_index ? Reason::FLOW_UNDOCUMENTED : apply_service(context, flow);
  if (reason == Reason::NONE || !flow.observe) return reason;
  // Observed all the same. A living flow keeps its decoder; one that never had a service is not inspected.
  flow.service = none_index;
  flow.client_side = client_before;
  flow.protocol = before;
  flow.opaque = before == nullptr;
  return Reason::NONE;
}

}  // namespace conduit
