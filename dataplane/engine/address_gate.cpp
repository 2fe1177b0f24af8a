// Address gate: ARP (RFC 826, 5227) and neighbour discovery (RFC 4861) between assets that share a conduit,
// bound to what the policy declares of them.
#include <algorithm>
#include <cstring>

#include "dataplane/engine/classify.hpp"
#include "dataplane/engine/flows.hpp"
#include "dataplane/engine/gates.hpp"

namespace conduit {
namespace {

constexpr std::uint32_t arp_size = 28;
constexpr std::uint8_t hop_limit_full = 255;
constexpr std::uint8_t neighbour_solicitation = 135;
constexpr std::uint8_t neighbour_advertisement = 136;

// One claim or question, of ARP or NDP alike.
struct Resolution {
  Address sender{};
  Address target{};
  Mac sender_mac{};        // as claimed inside
  bool has_sender = true;  // false: a probe, which claims nothing yet
  bool reply = false;
  bool announcement = false;  // gratuitous: sender and target are one
};

[[nodiscard]] Disposition drop(WorkerContext& context, const ParsedFrame& frame, Reason reason) noexcept {
  deny_frame(context, nullptr, frame, Verdict::DROP, reason);
  return Disposition::CONSUME;
}

[[nodiscard]] Address ipv4_at(const std::uint8_t* at) noexcept {
  Address address{};
  address[10] = 0xFF;
  address[11] = 0xFF;
  std::memcpy(address.data() + 12, at, 4);
  return address;
}

// An asset of this side that speaks for itself: bound to port and MAC, not behind a router. NONE if it may
// claim `address`.
[[nodiscard]] Reason check_claim(const RuleImage& image, const ParsedFrame& frame, const Address& address,
                                 std::uint32_t& asset) noexcept {
  asset = image.find_asset(frame.port_in, frame.vlan, address);
  if (asset == none_index) {
    const bool elsewhere = image.find_asset_anywhere(address) != none_index;
    return elsewhere ? Reason::ARP_BINDING_VIOLATED : Reason::SOURCE_UNKNOWN;
  }
  const AssetRecord& record = image.assets()[asset];
  const bool bound = mac_permitted(image, asset, frame.source_mac);
  return bound && record.router == none_index ? Reason::NONE : Reason::ARP_BINDING_VIOLATED;
}

[[nodiscard]] bool joined(const RuleImage& image, std::uint32_t zone_a, std::uint32_t zone_b) noexcept {
  return image.find_conduit(zone_a, zone_b) != none_index;
}

// Do both share a conduit? A router does where any asset that it carries does.
[[nodiscard]] bool share_conduit(const RuleImage& image, std::uint32_t one, std::uint32_t two) noexcept {
  const auto assets = image.assets();
  if (joined(image, assets[one].zone, assets[two].zone)) return true;
  for (const auto& [router, peer] : {std::pair{one, two}, std::pair{two, one}}) {
    if ((assets[router].flags & ASSET_ROUTER) == 0) continue;
    for (const AssetRecord& carried : assets) {
      if (carried.router == router && joined(image, carried.zone, assets[peer].zone)) return true;
    }
  }
  return false;
}

// Is there anybody behind the other port whom an announcement of this asset concerns?
[[nodiscard]] bool reaches_across(const RuleImage& image, std::uint32_t asset,
                                  std::uint8_t port_out) noexcept {
  const auto zones = image.zones();
  const auto assets = image.assets();
  const auto concerns = [&](std::uint32_t zone) {
    return std::any_of(image.conduits().begin(), image.conduits().end(), [&](const ConduitRecord& conduit) {
      if (conduit.zone_a != zone && conduit.zone_b != zone) return false;
      return zones[conduit.zone_a == zone ? conduit.zone_b : conduit.zone_a].port == port_out;
    });
  };
  if (concerns(assets[asset].zone)) return true;
  return (assets[asset].flags & ASSET_ROUTER) != 0 &&
         std::any_of(assets.begin(), assets.end(), [&](const AssetRecord& carried) {
           return carried.router == asset && concerns(carried.zone);
         });
}

// What holds for ARP and NDP alike once the packet is read.
[[nodiscard]] Disposition resolve(WorkerContext& context, const ParsedFrame& frame,
                                  const Resolution& asked) noexcept {
  const RuleImage& image = *context.image;
  if (asked.sender_mac != frame.source_mac) return drop(context, frame, Reason::ARP_BINDING_VIOLATED);
  std::uint32_t sender = none_index;
  // A probe claims its target; everything else its sender.
  const Address& claimed = asked.has_sender ? asked.sender : asked.target;
  const Reason claim = check_claim(image, frame, claimed, sender);
  if (claim != Reason::NONE) return drop(context, frame, claim);
  if (!asked.has_sender || asked.announcement) {
    if (!reaches_across(image, sender, frame.port_out)) {
      return drop(context, frame, Reason::ARP_NOT_PERMITTED);
    }
  } else {
    const std::uint32_t target = image.find_asset(frame.port_out, frame.vlan, asked.target);
    if (target == none_index) return drop(context, frame, Reason::DESTINATION_UNKNOWN);
    const bool carried = image.assets()[target].router != none_index;  // its router is asked, never itself
    if (carried || !share_conduit(image, sender, target)) {
      return drop(context, frame, Reason::ARP_NOT_PERMITTED);
    }
  }
  if (asked.has_sender) learn_mac(context, frame, asked.sender);
  return Disposition::FORWARD;
}

// --- neighbour discovery ---------------------------------------------------------------------------------

// Options: the only ones that matter here are link-layer addresses, and those must be the sender's own.
[[nodiscard]] bool ndp_options_read(Bytes options, Mac& link_address, bool& present) noexcept {
  while (!options.empty()) {
    if (options.size() < 2) return false;
    const std::size_t size = options[1] * std::size_t{8};
    if (size == 0 || size > options.size()) return false;
    if (options[0] == 1 || options[0] == 2) {
      if (size != 8 || present) return false;
      std::memcpy(link_address.data(), options.data() + 2, 6);
      present = true;
    }
    options = options.subspan(size);
  }
  return true;
}

// A neighbour may ask from its link-local address, which no policy lists: its MAC says who it is.
[[nodiscard]] bool is_link_local(const Address& address) noexcept {
  return address[0] == 0xFE && (address[1] & 0xC0) == 0x80;
}

}  // namespace

Disposition arp_gate(WorkerContext& context, const ParsedFrame& frame) noexcept {
  const std::uint8_t* at = frame.data + frame.l3_offset;
  if (frame.size - frame.l3_offset < arp_size || load_u16be(at) != 1 || load_u16be(at + 2) != 0x0800 ||
      at[4] != 6 || at[5] != 4 || (load_u16be(at + 6) != 1 && load_u16be(at + 6) != 2)) {
    return drop(context, frame, Reason::ARP_MALFORMED);
  }
  Resolution asked;
  asked.reply = load_u16be(at + 6) == 2;
  std::memcpy(asked.sender_mac.data(), at + 8, 6);
  asked.sender = ipv4_at(at + 14);
  asked.target = ipv4_at(at + 24);
  asked.has_sender = !is_unspecified(asked.sender);
  asked.announcement = asked.sender == asked.target;
  ParsedFrame named = frame;  // the event shows who asked for whom
  named.source = asked.sender;
  named.destination = asked.target;
  named.ip_version = 4;
  if (asked.reply && !asked.has_sender) return drop(context, named, Reason::ARP_MALFORMED);
  return resolve(context, named, asked);
}

Disposition ndp_gate(WorkerContext& context, const ParsedFrame& frame) noexcept {
  // Router discovery and redirects are not between assets of a conduit.
  if (frame.icmp_type != neighbour_solicitation && frame.icmp_type != neighbour_advertisement) {
    return drop(context, frame, Reason::ICMP_NOT_PERMITTED);
  }
  // After the ICMP header of 8 octets: target, options.
  if (frame.ttl != hop_limit_full || frame.icmp_code != 0 || frame.payload_size < 16) {
    return drop(context, frame, Reason::NDP_MALFORMED);
  }
  Resolution asked;
  asked.reply = frame.icmp_type == neighbour_advertisement;
  std::memcpy(asked.target.data(), frame.payload().data(), 16);
  asked.sender_mac = frame.source_mac;
  bool has_link_address = false;
  if (asked.target[0] == 0xFF ||
      !ndp_options_read(frame.payload().subspan(16), asked.sender_mac, has_link_address) ||
      (frame.group && !group_mac_fits(frame))) {
    return drop(context, frame, Reason::NDP_MALFORMED);
  }
  asked.has_sender = !is_unspecified(frame.source);
  if (!asked.has_sender && (asked.reply || has_link_address)) {
    return drop(context, frame, Reason::NDP_MALFORMED);
  }
  const bool to_all = frame.destination[0] == 0xFF;
  if (asked.reply) {
    // It claims its target, towards whoever it is sent to.
    asked.sender = asked.target;
    asked.announcement = to_all;
    asked.target = frame.destination;
    if (!to_all && is_link_local(frame.destination)) asked.announcement = true;
    return resolve(context, frame, asked);
  }
  asked.sender = frame.source;
  if (asked.has_sender && is_link_local(frame.source) &&
      context.image->find_asset(frame.port_in, frame.vlan, frame.source) == none_index) {
    const std::uint32_t asset = context.image->find_asset_by_mac(frame.port_in, frame.vlan, frame.source_mac);
    const std::uint32_t target = context.image->find_asset(frame.port_out, frame.vlan, asked.target);
    if (asset == none_index || asked.sender_mac != frame.source_mac) {
      return drop(context, frame, Reason::SOURCE_UNKNOWN);
    }
    if (target == none_index) return drop(context, frame, Reason::DESTINATION_UNKNOWN);
    if (!share_conduit(*context.image, asset, target)) return drop(context, frame, Reason::ARP_NOT_PERMITTED);
    return Disposition::FORWARD;
  }
  return resolve(context, frame, asked);
}

}  // namespace conduit
