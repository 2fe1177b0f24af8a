// UDP: one datagram, one PDU, judged before it goes on.
#include <doctest/doctest.h>

#include "dataplane/engine/frame.hpp"
#include "protocols/modbus/modbus_decoder.hpp"
#include "tests/unit/engine_support/plant.hpp"

namespace conduit {
namespace {

using namespace test;

TEST_CASE("a permitted read and its answer pass unchanged") {
  Plane plane(plant());
  const Octets question = to_plc(modbus_pdu(1, read_ten));
  const Octets answer = to_hmi(modbus_pdu(1, ten_words));
  CHECK(plane.pass(question, 0) == question);
  CHECK(plane.pass(answer, 1) == answer);
  CHECK(plane.drain().empty());
  REQUIRE(plane.recorder.reports.size() == 2);
  CHECK(plane.recorder.reports[0].kind == PduKind::REQUEST);
  CHECK(plane.recorder.reports[0].source_asset == HMI);
  CHECK(plane.recorder.reports[0].destination_asset == PLC);
  CHECK(plane.recorder.reports[1].kind == PduKind::RESPONSE);
  CHECK(plane.worker->counters().conduit[0].messages_inspected == 2);
}

TEST_CASE("a response is let through once, and only to its request") {
  Plane plane(plant());
  CHECK(plane.reason(to_hmi(modbus_pdu(1, ten_words)), 1) != Reason::NONE);  // nobody opened that
  CHECK(plane.reason(to_plc(modbus_pdu(1, read_ten))) == Reason::NONE);
  CHECK(plane.reason(to_hmi(modbus_pdu(2, ten_words)), 1) == Reason::RESPONSE_UNSOLICITED);
  CHECK(plane.reason(to_hmi(modbus_pdu(1, "01 04 02 0000")), 1) == Reason::RESPONSE_MISMATCHED);
  CHECK(plane.reason(to_hmi(modbus_pdu(1, ten_words)), 1) == Reason::NONE);
  CHECK(plane.reason(to_hmi(modbus_pdu(1, ten_words)), 1) == Reason::RESPONSE_UNSOLICITED);
}

TEST_CASE("a transaction id that is used again queues in order") {
  Plane plane(plant());
  CHECK(plane.forwards(to_plc(modbus_pdu(0, read_ten))));
  CHECK(plane.forwards(to_plc(modbus_pdu(0, "01 03 0000 0001"))));
  CHECK(plane.forwards(to_hmi(modbus_pdu(0, ten_words)), 1));
  CHECK(plane.forwards(to_hmi(modbus_pdu(0, "01 03 02 0000")), 1));
  CHECK(plane.reason(to_hmi(modbus_pdu(0, ten_words)), 1) == Reason::RESPONSE_UNSOLICITED);
}

TEST_CASE("of two requests under one id the second is not answered first, unless the first was given up") {
  const Octets of_one = to_hmi(modbus_pdu(0, "01 03 02 0000"));
  Plane plane(plant());
  CHECK(plane.forwards(to_plc(modbus_pdu(0, read_ten))));
  plane.advance(std::uint64_t{outstanding_given_up_ms - 1} * 1'000'000);
  CHECK(plane.forwards(to_plc(modbus_pdu(0, "01 03 0000 0001"))));
  CHECK(plane.reason(of_one, 1) == Reason::RESPONSE_MISMATCHED);
  CHECK(plane.forwards(to_hmi(modbus_pdu(0, ten_words)), 1));
  CHECK(plane.forwards(of_one, 1));

  Plane later(plant());
  CHECK(later.forwards(to_plc(modbus_pdu(0, read_ten))));
  later.advance(std::uint64_t{outstanding_given_up_ms} * 1'000'000);
  CHECK(later.forwards(to_plc(modbus_pdu(0, "01 03 0000 0001"))));
  CHECK(later.forwards(of_one, 1));
  CHECK(later.reason(to_hmi(modbus_pdu(0, ten_words)), 1) == Reason::RESPONSE_UNSOLICITED);
}

TEST_CASE("a denied request is answered in the protocol's own words") {
  Plane plane(plant());
  CHECK(plane.reason(to_plc(modbus_pdu(7, "01 06 0028 05dd"))) == Reason::VALUE_NOT_PERMITTED);
  REQUIRE(plane.recorder.sent.size() == 1);
  const Sent& sent = plane.recorder.sent.front();
  CHECK(sent.port == 0);
  const Octets expected = to_hmi(modbus_pdu(7, "01 86 03"));
  ParsedFrame parsed;
  Octets copy = sent.frame;
  parse_frame(copy.data(), static_cast<std::uint32_t>(copy.size()), 1, 0, 2, parsed);
  CHECK(parsed.reason == Reason::NONE);
  CHECK(parsed.source == ip_plc);
  CHECK(parsed.destination == ip_hmi);
  CHECK(parsed.source_mac == mac_plc);
  CHECK(parsed.destination_mac == mac_hmi);
  CHECK(parsed.source_port == 502);
  CHECK(parsed.destination_port == 40000);
  CHECK(Octets(parsed.payload().begin(), parsed.payload().end()) == modbus_pdu(7, "01 86 03"));
  const auto events = plane.drain();
  REQUIRE(events.size() == 1);
  CHECK(events[0].reason == Reason::VALUE_NOT_PERMITTED);
  CHECK(events[0].verdict == Verdict::REFUSE);
  CHECK(events[0].protocol == modbus_id);
  CHECK(events[0].function == 6);
  CHECK(events[0].value == 0x5dd);
  CHECK(events[0].policy_rule == 1);
  CHECK(events[0].source_asset == HMI);
  CHECK(events[0].destination_asset == PLC);
  CHECK(events[0].conduit == 0);
  CHECK((events[0].flags & EVENT_HAS_OPERATION) != 0);
  CHECK((events[0].flags & EVENT_CLIENT_SENT) != 0);
  CHECK(events[0].policy_hash_head == 0xAB00000000000000);
  CHECK(events[0].pdu_head_size == 12);
  CHECK(events[0].sequence == 1);
}

TEST_CASE("functions, objects and values, by reason") {
  Plane plane(plant());
  CHECK(plane.reason(to_plc(modbus_pdu(1, "01 05 0001 ff00"))) == Reason::FUNCTION_NOT_PERMITTED);
  CHECK(plane.reason(to_plc(modbus_pdu(2, "02 03 0000 0001"))) != Reason::NONE);
  CHECK(plane.reason(to_plc(modbus_pdu(3, "01 06 0029 0001"))) == Reason::OBJECT_NOT_PERMITTED);
  CHECK(plane.reason(to_plc(modbus_pdu(4, "01 06 0028 0001"))) == Reason::NONE);
  CHECK(plane.reason(to_plc(modbus_pdu(5, "01 03 0000"))) == Reason::PDU_MALFORMED);
}

TEST_CASE("a datagram holds one PDU and nothing else") {
  Plane plane(plant());
  Octets two = modbus_pdu(1, read_ten);
  put(two, modbus_pdu(2, read_ten));
  CHECK(plane.reason(to_plc(two)) == Reason::DATAGRAM_TRAILING_BYTES);
  Octets cut = modbus_pdu(1, read_ten);
  cut.pop_back();
  CHECK(plane.reason(to_plc(cut)) == Reason::PDU_MALFORMED);
  CHECK(plane.reason(to_plc({})) == Reason::PDU_MALFORMED);
}

TEST_CASE("requests without an answer are bounded, and stale ones make room") {
  Plane plane(plant());
  for (std::uint16_t i = 0; i < outstanding_count_max; ++i) {
    CHECK(plane.forwards(to_plc(modbus_pdu(i, read_ten))));
  }
  CHECK(plane.reason(to_plc(modbus_pdu(500, read_ten))) == Reason::OUTSTANDING_FULL);
  plane.now_ns += (outstanding_stale_ms + 1) * 1'000'000;
  CHECK(plane.reason(to_plc(modbus_pdu(501, read_ten))) == Reason::NONE);
  CHECK(plane.reason(to_hmi(modbus_pdu(0, ten_words)), 1) == Reason::RESPONSE_UNSOLICITED);
  CHECK(plane.reason(to_hmi(modbus_pdu(1, ten_words)), 1) == Reason::NONE);
}

TEST_CASE("rate limits count permitted operations and survive a swap") {
  ImageSource source = plant();
  source.services[0].request[1].limit = LimitSource{99, 1'000'000'000, 2};
  Plane plane(source);
  const auto write = [&](std::uint16_t id) {
    return plane.reason(to_plc(modbus_pdu(id, "01 06 0028 0001")));
  };
  CHECK(write(1) == Reason::NONE);
  CHECK(plane.reason(to_plc(modbus_pdu(2, "01 06 0028 ffff"))) == Reason::VALUE_NOT_PERMITTED);
  CHECK(write(3) == Reason::NONE);
  CHECK(write(4) == Reason::RATE_EXCEEDED);
  source.generation = 2;
  plane.use(source);
  CHECK(write(5) == Reason::RATE_EXCEEDED);
  plane.now_ns += 500'000'000;
  CHECK(write(6) == Reason::NONE);
  CHECK(write(7) == Reason::RATE_EXCEEDED);
}

TEST_CASE("permitted operations are recorded where the rule asks for it") {
  ImageSource source = plant();
  source.services[0].request[0].record_first = true;
  source.services[0].request[1].record_every = true;
  Plane plane(source);
  for (std::uint16_t i = 0; i < 3; ++i) CHECK(plane.forwards(to_plc(modbus_pdu(i, read_ten))));
  for (std::uint16_t i = 3; i < 6; ++i) CHECK(plane.forwards(to_plc(modbus_pdu(i, "01 06 0028 0001"))));
  const auto events = plane.drain();
  REQUIRE(events.size() == 4);
  CHECK(events[0].policy_rule == 0);
  CHECK(events[0].function == 3);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(events[i].reason == Reason::OPERATION_PERMITTED);
    CHECK(events[i].verdict == Verdict::FORWARD);
  }
  CHECK(events[3].function == 6);
  CHECK(events[3].value == 1);
}

TEST_CASE("a conduit that observes forwards, reports, and lets the answer back") {
  ImageSource source = plant();
  source.conduits[0].mode = Mode::OBSERVE;
  Plane plane(source);
  const Octets write = to_plc(modbus_pdu(1, "01 06 0028 ffff"));
  CHECK(plane.pass(write) == write);
  CHECK(plane.forwards(to_hmi(modbus_pdu(1, "01 06 0028 ffff")), 1));
  CHECK(plane.forwards(to_plc(modbus_pdu(1, read_ten), 12345)));  // undocumented port
  const auto events = plane.drain();
  REQUIRE(events.size() == 2);
  CHECK(events[0].reason == Reason::VALUE_NOT_PERMITTED);
  CHECK(events[0].verdict == Verdict::REFUSE);
  CHECK((events[0].flags & EVENT_OBSERVED) != 0);
  CHECK(events[1].reason == Reason::FLOW_UNDOCUMENTED);
  CHECK((events[1].flags & EVENT_OBSERVED) != 0);
  CHECK(plane.recorder.sent.empty());
  CHECK(plane.worker->counters().conduit[0].observed == 2);
  CHECK(plane.worker->counters().conduit[0].denied == 0);
}

TEST_CASE("opaque datagrams pass by port and are counted as not inspected") {
  Plane plane(plant());
  CHECK(plane.forwards(udp({}, {ip_hmi, ip_drive}, 1, 9000, hex("ff ff"))));
  CHECK(plane.forwards(udp({mac_drive, mac_hmi, {}}, {ip_drive, ip_hmi}, 9000, 1, hex("ff ff")), 1));
  CHECK(plane.reason(udp({}, {ip_hmi, ip_drive}, 1, 9002, hex("ff"))) == Reason::FLOW_UNDOCUMENTED);
  CHECK(plane.worker->counters().conduit[0].messages_opaque == 2);
  CHECK(plane.recorder.reports.size() == 1);
}

TEST_CASE("the absent UDP checksum and the low TTL are the conduit's choice") {
  ImageSource source = plant();
  const Octets bare = udp({}, {ip_hmi, ip_drive}, 1, 9000, hex("ff"), false);
  const Octets low = udp({}, {ip_hmi, ip_drive, 1}, 1, 9000, hex("ff"));
  Plane strict(source);
  CHECK(strict.reason(bare) == Reason::UDP_CHECKSUM_ABSENT);
  CHECK(strict.reason(low) == Reason::TTL_TOO_LOW);
  source.conduits[0].flags = CONDUIT_UDP_CHECKSUM_ABSENT | CONDUIT_LOW_TTL;
  Plane lenient(source);
  CHECK(lenient.reason(bare) == Reason::NONE);
  CHECK(lenient.reason(low) == Reason::NONE);
}

TEST_CASE("group traffic: by a service towards a declared group, with the MAC that belongs to it") {
  Plane plane(plant());
  const Link to_group{mac_hmi, mac_group, {}};
  CHECK(plane.reason(udp(to_group, {ip_hmi, ip_group, 1}, 1, 5000, hex("01"))) == Reason::NONE);
  CHECK(plane.reason(udp({}, {ip_hmi, ip_group}, 1, 5000, hex("01"))) == Reason::GROUP_NOT_PERMITTED);
  CHECK(plane.reason(udp({mac_hmi, {1, 0, 0x5e, 1, 2, 4}, {}}, {ip_hmi, ip_group}, 1, 5000, hex("01"))) ==
        Reason::GROUP_NOT_PERMITTED);
  CHECK(plane.reason(udp({mac_hmi, mac_broadcast, {}}, {ip_hmi, ip_drive}, 1, 9000, hex("01"))) ==
        Reason::GROUP_NOT_PERMITTED);
  CHECK(plane.reason(udp(to_group, {ip_hmi, ip_group}, 1, 5001, hex("01"))) == Reason::GROUP_NOT_PERMITTED);
  CHECK(plane.reason(udp({mac_hmi, mac_broadcast, {}},
                         {ipv4_address(0, 0, 0, 0), ipv4_address(255, 255, 255, 255)}, 68, 67, hex("01"))) ==
        Reason::DHCP_NOT_PERMITTED);
}

TEST_CASE("DHCP from 0.0.0.0 belongs to the asset with that MAC") {
  ImageSource source = plant();
  const Address all = ipv4_address(255, 255, 255, 255);
  source.assets[HMI].macs = {mac_hmi};
  source.assets.push_back(asset(SCADA, {ipv4_address(10, 0, 7, 11)}, 0, {mac_drive}));
  source.assets[GROUP].addresses.push_back(all);
  const auto second = static_cast<std::uint32_t>(source.assets.size() - 1);
  source.services.push_back(opaque_service(Transport::UDP, ProtocolId::OPAQUE_UDP, 67, second, GROUP));
  source.services.push_back(opaque_service(Transport::UDP, ProtocolId::OPAQUE_UDP, 67, HMI, GROUP));
  Plane plane(source);
  const Ip discover{ipv4_address(0, 0, 0, 0), all};
  CHECK(plane.reason(udp({mac_hmi, mac_broadcast, {}}, discover, 68, 67, hex("01"))) == Reason::NONE);
  const Octets other_client = udp({mac_drive, mac_broadcast, {}}, discover, 68, 67, hex("01"));
  CHECK(plane.reason(other_client) == Reason::NONE);
  CHECK(plane.recorder.reports.back().source_asset == second);
  CHECK(plane.reason(udp({mac_other, mac_broadcast, {}}, discover, 68, 67, hex("01"))) ==
        Reason::DHCP_NOT_PERMITTED);
}

}  // namespace
}  // namespace conduit
