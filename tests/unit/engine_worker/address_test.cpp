// ARP, neighbour discovery, other layer 2, and who is who.
#include <doctest/doctest.h>

#include "tests/unit/engine_support/plant.hpp"

namespace conduit {
namespace {

using namespace test;

const Link from_hmi{mac_hmi, mac_broadcast, {}};
const Link from_plc{mac_plc, mac_broadcast, {}};
const Address nobody = ipv4_address(0, 0, 0, 0);
const Address ip_isle = ipv4_address(10, 0, 9, 9);

TEST_CASE("ARP between assets of a conduit, bound to port and MAC") {
  struct Row {
    const char* name;
    Octets octets;
    std::uint8_t port;
    Reason reason;
  };
  Octets cut_arp = arp(from_hmi, 1, mac_hmi, ip_hmi, ip_plc);
  cut_arp.resize(14 + 27);
  const Row rows[] = {
      {"request", arp(from_hmi, 1, mac_hmi, ip_hmi, ip_plc), 0, Reason::NONE},
      {"reply", arp({mac_plc, mac_hmi, {}}, 2, mac_plc, ip_plc, ip_hmi), 1, Reason::NONE},
      {"probe of the own address", arp(from_hmi, 1, mac_hmi, nobody, ip_hmi), 0, Reason::NONE},
      {"announcement", arp(from_hmi, 1, mac_hmi, ip_hmi, ip_hmi), 0, Reason::NONE},
      {"gratuitous reply", arp(from_plc, 2, mac_plc, ip_plc, ip_plc), 1, Reason::NONE},
      {"tagged as priority", arp({mac_hmi, mac_broadcast, hex("8100 e000")}, 1, mac_hmi, ip_hmi, ip_plc), 0,
       Reason::NONE},
      {"for a router", arp(from_hmi, 1, mac_hmi, ip_hmi, ip_router), 0, Reason::NONE},
      {"stranger asks", arp({mac_other, mac_broadcast, {}}, 1, mac_other, ip_stranger, ip_plc), 0,
       Reason::SOURCE_UNKNOWN},
      {"for a stranger", arp(from_hmi, 1, mac_hmi, ip_hmi, ip_stranger), 0, Reason::DESTINATION_UNKNOWN},
      {"for one's own side", arp(from_hmi, 1, mac_hmi, ip_hmi, ip_plc), 1, Reason::ARP_BINDING_VIOLATED},
      {"claims the PLC from upstream", arp(from_hmi, 2, mac_hmi, ip_plc, ip_hmi), 0,
       Reason::ARP_BINDING_VIOLATED},
      {"announces the PLC from upstream", arp(from_hmi, 1, mac_hmi, ip_plc, ip_plc), 0,
       Reason::ARP_BINDING_VIOLATED},
      {"probes the PLC's address", arp(from_hmi, 1, mac_hmi, nobody, ip_plc), 0,
       Reason::ARP_BINDING_VIOLATED},
      {"claims the PLC with another MAC", arp({mac_other, mac_hmi, {}}, 2, mac_other, ip_plc, ip_hmi), 1,
       Reason::ARP_BINDING_VIOLATED},
      {"sender inside is not the frame's", arp(from_hmi, 1, mac_other, ip_hmi, ip_plc), 0,
       Reason::ARP_BINDING_VIOLATED},
      {"for an asset behind a router", arp(from_hmi, 1, mac_hmi, ip_hmi, ip_behind), 0,
       Reason::ARP_NOT_PERMITTED},
      {"of an asset behind a router", arp({mac_router, mac_hmi, {}}, 2, mac_router, ip_behind, ip_hmi), 1,
       Reason::ARP_BINDING_VIOLATED},
      {"no conduit", arp(from_hmi, 1, mac_hmi, ip_hmi, ip_isle), 0, Reason::ARP_NOT_PERMITTED},
      {"announcement that concerns nobody",
       arp({mac_other, mac_broadcast, {}}, 1, mac_other, ip_isle, ip_isle), 1, Reason::ARP_NOT_PERMITTED},
      {"on another VLAN", arp({mac_hmi, mac_broadcast, hex("8100 0007")}, 1, mac_hmi, ip_hmi, ip_plc), 0,
       Reason::ARP_BINDING_VIOLATED},
      {"RARP", arp(from_hmi, 3, mac_hmi, ip_hmi, ip_plc), 0, Reason::ARP_MALFORMED},
      {"cut", cut_arp, 0, Reason::ARP_MALFORMED},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Plane plane(plant());
    CHECK(reason_info(plane.reason(row.octets, row.port)).name == reason_info(row.reason).name);
  }
}

TEST_CASE("a changed MAC is an event and nothing more, where none is declared") {
  Plane plane(plant());
  CHECK(plane.forwards(arp(from_hmi, 1, mac_hmi, ip_hmi, ip_plc)));
  CHECK(plane.forwards(arp({mac_other, mac_broadcast, {}}, 1, mac_other, ip_hmi, ip_plc)));
  const auto events = plane.drain();
  REQUIRE(events.size() == 1);
  CHECK(events[0].reason == Reason::MAC_CHANGED);
  CHECK(events[0].verdict == Verdict::FORWARD);
  CHECK(events[0].source_mac == mac_other);
  CHECK(events[0].source_asset == HMI);
}

// --- neighbour discovery -----------------------------------------------------------------------------------

const Address solicited_plc{0xFF, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, 0, 0, 1};
const Mac mac_solicited{0x33, 0x33, 0xFF, 0, 0, 1};

Octets neighbour(const Link& link, const Ip& header, std::uint8_t type, const Address& target,
                 const Octets& options) {
  Octets body(target.begin(), target.end());
  put(body, options);
  return icmp(link, header, type, 0, type == 136 ? 0x60000000 : 0, body);
}

TEST_CASE("neighbour discovery is bound like ARP") {
  const Link link{mac_hmi, mac_solicited, {}};
  const Ip asking{ip6_hmi, solicited_plc, 255};
  const Octets own = hex("01 01 02 00 00 00 00 10");
  const Octets plc_own = hex("02 01 02 00 00 00 00 01");
  const Address local{0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77};
  struct Row {
    const char* name;
    Octets octets;
    std::uint8_t port;
    Reason reason;
  };
  const Row rows[] = {
      {"solicitation", neighbour(link, asking, 135, ip6_plc, own), 0, Reason::NONE},
      {"advertisement", neighbour({mac_plc, mac_hmi, {}}, {ip6_plc, ip6_hmi, 255}, 136, ip6_plc, plc_own), 1,
       Reason::NONE},
      {"duplicate address detection of the own address",
       neighbour({mac_plc, mac_solicited, {}}, {Address{}, solicited_plc, 255}, 135, ip6_plc, {}), 1,
       Reason::NONE},
      {"of somebody else's", neighbour(link, {Address{}, solicited_plc, 255}, 135, ip6_plc, {}), 0,
       Reason::ARP_BINDING_VIOLATED},
      {"hop limit 254", neighbour(link, {ip6_hmi, solicited_plc, 254}, 135, ip6_plc, own), 0,
       Reason::NDP_MALFORMED},
      {"option of length 0", neighbour(link, asking, 135, ip6_plc, hex("01 00 00 00 00 00 00 00")), 0,
       Reason::NDP_MALFORMED},
      {"another link address inside", neighbour(link, asking, 135, ip6_plc, hex("01 01 02 00 00 00 00 66")),
       0, Reason::ARP_BINDING_VIOLATED},
      {"claims the PLC from upstream",
       neighbour({mac_hmi, mac_plc, {}}, {ip6_hmi, ip6_plc, 255}, 136, ip6_plc,
                 hex("02 01 02 00 00 00 00 10")),
       0, Reason::ARP_BINDING_VIOLATED},
      {"router advertisement",
       icmp({mac_plc, {0x33, 0x33, 0, 0, 0, 1}, {}},
            {local, {0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 255}, 134, 0, 0, Octets(8, 0)),
       1, Reason::ICMP_NOT_PERMITTED},
      {"from an undeclared link-local address",
       neighbour(link, {local, solicited_plc, 255}, 135, ip6_plc, own), 0, Reason::SOURCE_UNKNOWN},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Plane plane(plant());
    CHECK(reason_info(plane.reason(row.octets, row.port)).name == reason_info(row.reason).name);
  }
}

TEST_CASE("a declared MAC speaks for its link-local address") {
  ImageSource source = plant();
  source.assets[HMI].macs = {mac_hmi};
  Plane plane(source);
  const Address local{0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77};
  CHECK(plane.forwards(neighbour({mac_hmi, mac_solicited, {}}, {local, solicited_plc, 255}, 135, ip6_plc,
                                 hex("01 01 02 00 00 00 00 10"))));
}

// --- classification ----------------------------------------------------------------------------------------

TEST_CASE("who may speak to whom, by reason") {
  struct Row {
    const char* name;
    Octets octets;
    std::uint8_t port;
    Reason reason;
  };
  const Octets pdu = modbus_pdu(1, read_ten);
  const Row rows[] = {
      {"permitted", to_plc(pdu), 0, Reason::NONE},
      {"priority tag", udp({mac_hmi, mac_plc, hex("8100 6000")}, {ip_hmi, ip_plc}, 1, 502, pdu), 0,
       Reason::NONE},
      {"unknown source", udp({}, {ip_stranger, ip_plc}, 1, 502, pdu), 0, Reason::SOURCE_UNKNOWN},
      {"unknown destination", udp({}, {ip_hmi, ip_stranger}, 1, 502, pdu), 0, Reason::DESTINATION_UNKNOWN},
      {"source of the other side", udp({}, {ip_plc, ip_hmi}, 1, 502, pdu), 0, Reason::SOURCE_WRONG_ZONE},
      {"VLAN where nobody is", udp({mac_hmi, mac_plc, hex("8100 0009")}, {ip_hmi, ip_plc}, 1, 502, pdu), 0,
       Reason::SOURCE_WRONG_ZONE},
      {"wrong MAC", udp({mac_other, mac_hmi, {}}, {ip_plc, ip_hmi}, 1, 502, pdu), 1,
       Reason::SOURCE_MAC_MISMATCH},
      {"towards another MAC than declared", udp({mac_hmi, mac_other, {}}, {ip_hmi, ip_plc}, 1, 502, pdu), 0,
       Reason::DESTINATION_UNKNOWN},
      {"no conduit", udp({}, {ip_hmi, ip_isle}, 1, 502, pdu), 0, Reason::CONDUIT_UNDOCUMENTED},
      {"other port", udp({}, {ip_hmi, ip_plc}, 1, 503, pdu), 0, Reason::FLOW_UNDOCUMENTED},
      {"server opens", udp({mac_plc, mac_hmi, {}}, {ip_plc, ip_hmi}, 1, 502, pdu), 1,
       Reason::FLOW_UNDOCUMENTED},
      {"through the router", udp({mac_hmi, mac_router, {}}, {ip_hmi, ip_behind}, 1, 9000, pdu), 0,
       Reason::NONE},
      {"past the router", udp({mac_hmi, mac_other, {}}, {ip_hmi, ip_behind}, 1, 9000, pdu), 0,
       Reason::DESTINATION_UNKNOWN},
      {"other IP protocol", ethernet({}, 0x0800, ip({ip_hmi, ip_plc}, 47, Octets(20, 0))), 0,
       Reason::IP_PROTOCOL_NOT_PERMITTED},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Plane plane(plant());
    CHECK(reason_info(plane.reason(row.octets, row.port)).name == reason_info(row.reason).name);
  }
}

TEST_CASE("assets on a VLAN are found there and not elsewhere") {
  ImageSource source = plant();
  source.assets[HMI].vlans = {5};
  source.assets[PLC].vlans = {5};
  Plane plane(source);
  const Octets pdu = modbus_pdu(1, read_ten);
  CHECK(plane.forwards(udp({mac_hmi, mac_plc, hex("8100 2005")}, {ip_hmi, ip_plc}, 1, 502, pdu)));
  CHECK(plane.reason(udp({mac_hmi, mac_plc, hex("8100 0006")}, {ip_hmi, ip_plc}, 1, 502, pdu)) ==
        Reason::SOURCE_WRONG_ZONE);
  CHECK(plane.reason(to_plc(pdu)) == Reason::SOURCE_WRONG_ZONE);
}

TEST_CASE("a service that the server opens") {
  ImageSource source = plant();
  source.services[0].opened_by = OpenedBy::SERVER;
  source.services[0].port_first = source.services[0].port_last = 1502;
  Plane plane(source);
  // The PLC calls; its first PDU answers nothing, the client's request goes back over the flow that it
  // opened.
  CHECK(plane.reason(to_plc(modbus_pdu(1, read_ten), 1502)) == Reason::FLOW_UNDOCUMENTED);
  CHECK(plane.reason(udp({mac_plc, mac_hmi, {}}, {ip_plc, ip_hmi}, 2000, 1502, modbus_pdu(1, ten_words)),
                     1) == Reason::RESPONSE_UNSOLICITED);
  CHECK(plane.reason(udp({}, {ip_hmi, ip_plc}, 1502, 2000, modbus_pdu(1, read_ten))) == Reason::NONE);
  CHECK(plane.reason(udp({mac_plc, mac_hmi, {}}, {ip_plc, ip_hmi}, 2000, 1502, modbus_pdu(1, ten_words)),
                     1) == Reason::NONE);
}

TEST_CASE("nothing passes without a policy, ARP included; nor a port without a peer") {
  Plane plane(plant());
  plane.config.peer[0] = 0;
  plane.restart();
  CHECK(plane.reason(to_plc(modbus_pdu(1, read_ten))) == Reason::PORT_UNPAIRED);
  plane.config.peer[0] = 1;
  plane.has_image = false;
  plane.restart();
  CHECK(plane.reason(to_plc(modbus_pdu(1, read_ten))) == Reason::NO_POLICY);
  CHECK(plane.reason(arp(from_hmi, 1, mac_hmi, ip_hmi, ip_plc)) == Reason::NO_POLICY);
  CHECK(plane.reason(ethernet({}, 0x88CC, {})) == Reason::NO_POLICY);
}

// --- layer 2 -----------------------------------------------------------------------------------------------

TEST_CASE("each kind of layer-2 traffic has a reason of its own") {
  const Mac bridge{0x01, 0x80, 0xC2, 0, 0, 0};
  struct Row {
    std::uint16_t ethertype;
    Octets payload;
    Reason reason;
  };
  const Row rows[] = {
      {38, hex("42 42 03"), Reason::STP_NOT_PERMITTED}, {38, hex("fe fe 03"), Reason::LLC_NOT_PERMITTED},
      {0x88CC, {}, Reason::LLDP_NOT_PERMITTED},         {0x88E3, {}, Reason::MRP_NOT_PERMITTED},
      {0x88FB, {}, Reason::PRP_HSR_NOT_PERMITTED},      {0x892F, {}, Reason::PRP_HSR_NOT_PERMITTED},
      {0x88F7, {}, Reason::PTP_NOT_PERMITTED},          {0x8892, {}, Reason::PROFINET_NOT_PERMITTED},
      {0x88B8, {}, Reason::GOOSE_SV_NOT_PERMITTED},     {0x88BA, {}, Reason::GOOSE_SV_NOT_PERMITTED},
      {0x8809, {}, Reason::LINK_LOCAL_CONTROL},
  };
  Plane plane(plant());
  for (const Row& row : rows) {
    CAPTURE(row.ethertype);
    CHECK(plane.reason(ethernet({mac_hmi, bridge, {}}, row.ethertype, row.payload)) == row.reason);
  }
  CHECK(plane.reason(ethernet({}, 0x8999, {})) == Reason::ETHERTYPE_NOT_PERMITTED);
  const Ip igmp{ip_hmi, ipv4_address(224, 0, 0, 22), 1};
  const Link to_igmp{mac_hmi, {1, 0, 0x5E, 0, 0, 22}, {}};
  CHECK(plane.reason(ethernet(to_igmp, 0x0800, ip(igmp, 2, Octets(8, 0)))) == Reason::IGMP_MLD_NOT_PERMITTED);
  const Address all_mld{0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16};
  CHECK(plane.reason(icmp({mac_hmi, {0x33, 0x33, 0, 0, 0, 0x16}, {}}, {ip6_hmi, all_mld, 1}, 143, 0, 0)) ==
        Reason::IGMP_MLD_NOT_PERMITTED);
}

TEST_CASE("ethernet rules") {
  ImageSource source = plant();
  source.assets[HMI].macs = {mac_hmi};
  const Mac bridge{0x01, 0x80, 0xC2, 0, 0, 0};
  EthernetRuleSource stp;
  stp.ethertype = 38;
  stp.dsap = 0x42;
  stp.destination = bridge;
  EthernetRuleSource lldp;
  lldp.ethertype = 0x88CC;
  lldp.source_asset = HMI;
  EthernetRuleSource vrrp;
  vrrp.ethertype = 0x0800;
  vrrp.destination = Mac{1, 0, 0x5E, 0, 0, 18};
  vrrp.rule.essential = true;
  source.ethernet_rules = {stp, lldp, vrrp};
  Plane plane(source);
  const Link to_bridge{mac_hmi, bridge, {}};
  const Octets advertisement = ethernet({mac_hmi, *vrrp.destination, {}}, 0x0800,
                                        ip({ip_hmi, ipv4_address(224, 0, 0, 18)}, 112, Octets(8, 0)));
  CHECK(plane.forwards(ethernet(to_bridge, 38, hex("42 42 03"))));
  CHECK(plane.forwards(ethernet({mac_hmi, mac_plc, {}}, 0x88CC, {})));
  CHECK(plane.forwards(advertisement));
  CHECK_FALSE(plane.forwards(ethernet(to_bridge, 38, hex("42 42 03")), 1));
  CHECK_FALSE(plane.forwards(ethernet({mac_hmi, mac_plc, {}}, 38, hex("42 42 03"))));
  CHECK_FALSE(plane.forwards(ethernet({mac_other, mac_plc, {}}, 0x88CC, {})));
  plane.island = true;
  CHECK(plane.reason(ethernet(to_bridge, 38, hex("42 42 03"))) == Reason::ISLAND_MODE);
  CHECK(plane.forwards(advertisement));
}

// --- ICMP --------------------------------------------------------------------------------------------------

Octets quote_of(const Octets& frame) { return Octets(frame.begin() + 14, frame.begin() + 14 + 28); }

TEST_CASE("echo by rule, its answer once and unchanged") {
  Plane plane(plant());
  const Octets data = hex("61 62 63 64");
  const auto question = [&](std::uint32_t rest) { return icmp({}, {ip_hmi, ip_plc}, 8, 0, rest, data); };
  const auto answer = [&](std::uint32_t rest, const Octets& with) {
    return icmp({mac_plc, mac_hmi, {}}, {ip_plc, ip_hmi}, 0, 0, rest, with);
  };
  CHECK(plane.reason(answer(0x00010001, data), 1) == Reason::RESPONSE_UNSOLICITED);
  CHECK(plane.reason(question(0x00010001)) == Reason::NONE);
  CHECK(plane.reason(answer(0x00010001, hex("61 62 63 65")), 1) == Reason::RESPONSE_MISMATCHED);
  CHECK(plane.reason(answer(0x00010001, data), 1) == Reason::NONE);
  CHECK(plane.reason(answer(0x00010001, data), 1) == Reason::RESPONSE_UNSOLICITED);
  CHECK(plane.reason(icmp({}, {ip_hmi, ip_plc}, 13, 0, 1, Octets(12, 0))) == Reason::ICMP_NOT_PERMITTED);
  CHECK(plane.reason(icmp({}, {ip_hmi, ip_plc}, 5, 1, 0, data)) == Reason::ICMP_NOT_PERMITTED);
  CHECK(plane.reason(icmp({mac_plc, mac_hmi, {}}, {ip_plc, ip_hmi}, 8, 0, 1, data), 1) ==
        Reason::ICMP_NOT_PERMITTED);
}

TEST_CASE("errors belong to the living flow that they quote") {
  Plane plane(plant());
  const Octets datagram = to_plc(modbus_pdu(1, read_ten));
  const auto error = [&](const Link& link, const Address& from, const Address& to, const Octets& quoted) {
    return icmp(link, {from, to}, 3, 3, 0, quote_of(quoted));
  };
  const Link back{mac_plc, mac_hmi, {}};
  CHECK(plane.reason(error(back, ip_plc, ip_hmi, datagram), 1) == Reason::ICMP_QUOTE_UNKNOWN);
  CHECK(plane.forwards(datagram));
  CHECK(plane.reason(error(back, ip_plc, ip_hmi, datagram), 1) == Reason::NONE);
  CHECK(plane.reason(error({mac_router, mac_hmi, {}}, ip_router, ip_hmi, datagram), 1) == Reason::NONE);
  CHECK(plane.reason(error(back, ip_stranger, ip_hmi, datagram), 1) == Reason::SOURCE_UNKNOWN);
  CHECK(plane.reason(error({mac_other, mac_hmi, {}}, ip_plc, ip_hmi, datagram), 1) ==
        Reason::SOURCE_MAC_MISMATCH);
  CHECK(plane.reason(error({}, ip_hmi, ip_plc, datagram), 0) == Reason::ICMP_QUOTE_UNKNOWN);
  // To somebody else than the one who sent what it quotes.
  CHECK(plane.reason(error(back, ip_plc, ip_stranger, datagram), 1) == Reason::ICMP_QUOTE_UNKNOWN);
  Octets fragment = datagram;
  fragment[14 + 7] = 1;
  CHECK(plane.reason(error(back, ip_plc, ip_hmi, fragment), 1) == Reason::ICMP_QUOTE_UNKNOWN);
  Octets cut_quote = quote_of(datagram);
  cut_quote.pop_back();
  CHECK(plane.reason(icmp(back, {ip_plc, ip_hmi}, 3, 3, 0, cut_quote), 1) == Reason::ICMP_QUOTE_UNKNOWN);
}

}  // namespace
}  // namespace conduit
