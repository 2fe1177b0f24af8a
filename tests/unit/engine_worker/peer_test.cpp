// Protocols whose two ends ask each other on one flow, and messages that come in several datagrams, by the
// example of BACnet/IP.
#include <doctest/doctest.h>

#include "dataplane/engine/frame.hpp"
#include "protocols/bacnet/bacnet_decoder.hpp"
#include "tests/unit/engine_support/plant.hpp"

namespace conduit {
namespace {

using namespace test;

constexpr std::uint16_t port_bacnet = 47808;

ServiceSource bacnet_service(std::uint32_t client, std::uint32_t server) {
  ServiceSource service;
  service.client = client;
  service.server = server;
  service.transport = Transport::UDP;
  service.protocol = bacnet_id;
  service.port_first = service.port_last = port_bacnet;
  service.selector_dimension = bacnet::OBJECT_TYPE;
  service.range_dimension = bacnet::INSTANCE;
  return service;
}

RuleSource function_rule(std::uint32_t number, std::vector<std::uint32_t> functions) {
  RuleSource rule;
  rule.policy_rule = number;
  rule.essential = true;
  rule.functions = std::move(functions);
  return rule;
}

// The HMI may read, and write analog value 5; the PLC may report changes. With `reports` false it has no
// service of its own, and may announce itself unasked.
ImageSource building(bool reports = true) {
  ImageSource source = plant();
  source.services = {bacnet_service(HMI, PLC)};
  RuleSource write = function_rule(1, {bacnet::WRITE_PROPERTY_MULTIPLE});
  write.access_mask = 1U << static_cast<unsigned>(AccessClass::WRITE);
  write.ranges[bacnet::OBJECT_TYPE] = {{2, 2}};
  write.ranges[bacnet::INSTANCE] = {{5, 5}};
  source.services[0].request = {function_rule(0, {bacnet::READ_PROPERTY, bacnet::WHO_IS}), write};
  if (reports) {
    source.services.push_back(bacnet_service(PLC, HMI));
    source.services[1].request = {function_rule(2, {bacnet::CONFIRMED_COV_NOTIFICATION})};
  } else {
    source.services[0].unsolicited = {function_rule(2, {bacnet::I_AM})};
  }
  return source;
}

Octets datagram(const std::string& npdu) {
  const Octets rest = hex(npdu);
  Octets out{0x81, 0x0A};
  put16(out, static_cast<std::uint32_t>(rest.size() + 4));
  put(out, rest);
  return out;
}

Octets down(const std::string& apdu, std::uint16_t from = port_bacnet) {
  return to_plc(datagram("0104" + apdu), port_bacnet, from);
}
Octets up(const std::string& apdu, std::uint16_t to = port_bacnet) {
  return to_hmi(datagram("0104" + apdu), port_bacnet, to);
}

const char* const read_one = "0004010c 0c00000005 1955";
const char* const one_value = "30010c 0c00000005 1955 3e2101 3f";
const char* const report = "00040101 0901 1c02000005 2c00000007 3900 4e0955 2e2105 2f4f";
const char* const report_taken = "200101";
const char* const i_am = "1000 c402000007 2201e0 9103 2163";

// Segments of WritePropertyMultiple under invoke id 7.
std::string segment(unsigned sequence, bool more, const std::string& data) {
  static constexpr char digits[] = "0123456789abcdef";
  return std::string(more ? "0c" : "08") + "0407" + digits[(sequence >> 4) & 15] + digits[sequence & 15] +
         "0210" + data;
}
const char* const good_object = "0c00800005 1e0955";
const char* const bad_object = "0c00800006 1e0955";
const char* const value_and_end = "2e4442860000 2f1f";

TEST_CASE("both ends of a flow ask, each by its own rules") {
  for (const bool server_first : {false, true}) {
    CAPTURE(server_first);
    Plane plane(building());
    if (server_first) CHECK(plane.forwards(up(report), 1));
    CHECK(plane.forwards(down(read_one)));
    CHECK(plane.forwards(up(one_value), 1));
    if (!server_first) CHECK(plane.forwards(up(report), 1));
    CHECK(plane.forwards(down(report_taken)));
    CHECK(plane.worker->counters().flows_created == 1);
    // What the one may, the other may not.
    CHECK(plane.reason(up(read_one), 1) == Reason::FUNCTION_NOT_PERMITTED);
    CHECK(plane.reason(down(report)) == Reason::FUNCTION_NOT_PERMITTED);
    CHECK(plane.recorder.reports.back().client_sent);
    // Each answer once, and from the other side only.
    CHECK(plane.reason(up(one_value), 1) == Reason::RESPONSE_UNSOLICITED);
    CHECK(plane.forwards(down(read_one)));
    CHECK(plane.reason(down(one_value)) == Reason::RESPONSE_UNSOLICITED);
    CHECK(plane.forwards(up(one_value), 1));
  }
}

TEST_CASE("a refused request of either end is answered") {
  Plane plane(building());
  CHECK(plane.forwards(down(read_one)));
  CHECK(plane.reason(up(read_one), 1) == Reason::FUNCTION_NOT_PERMITTED);
  REQUIRE(plane.recorder.sent.size() == 1);
  CHECK(plane.recorder.sent[0].port == 1);
  CHECK(plane.reason(down("0004020f 0c00800005 1955 3e2105 3f")) == Reason::FUNCTION_NOT_PERMITTED);
  REQUIRE(plane.recorder.sent.size() == 2);
  CHECK(plane.recorder.sent[1].port == 0);
}

TEST_CASE("who has no service of its own speaks by the rules for what servers send unasked") {
  Plane plane(building(false));
  CHECK(plane.reason(up(i_am), 1) == Reason::FLOW_UNDOCUMENTED);
  CHECK(plane.forwards(down("1008", 50000)));
  CHECK(plane.forwards(up(i_am, 50000), 1));
  CHECK(plane.reason(up(report, 50000), 1) == Reason::UNSOLICITED_NOT_PERMITTED);
  CHECK(plane.reason(up(read_one, 50000), 1) == Reason::UNSOLICITED_NOT_PERMITTED);
}

TEST_CASE("a swap takes the rules of the other direction away") {
  Plane plane(building());
  CHECK(plane.forwards(down(read_one)));
  CHECK(plane.forwards(up(report), 1));
  ImageSource source = building();
  source.generation = 2;
  source.services.pop_back();
  plane.use(source);
  CHECK(plane.reason(up(report), 1) == Reason::UNSOLICITED_NOT_PERMITTED);
  CHECK(plane.forwards(down(read_one)));
}

TEST_CASE("a message in several datagrams is judged with its last piece") {
  Plane plane(building());
  CHECK(plane.forwards(down(segment(0, true, good_object))));
  CHECK(plane.forwards(up("41070002"), 1));
  CHECK(plane.forwards(down(segment(1, false, value_and_end))));
  CHECK(plane.forwards(up("200710"), 1));
  CHECK(plane.reason(up("200710"), 1) == Reason::RESPONSE_UNSOLICITED);

  CHECK(plane.forwards(down(segment(0, true, bad_object))));
  CHECK(plane.reason(down(segment(1, false, value_and_end))) == Reason::OBJECT_NOT_PERMITTED);
  CHECK(plane.recorder.sent.size() == 1);                                                // an Abort
  CHECK(plane.reason(down(segment(1, false, value_and_end))) == Reason::PDU_MALFORMED);  // nothing is kept
}

TEST_CASE("a forbidden property in the last of many segments") {
  Plane plane(building());
  std::string objects = good_object;
  objects += "2e2101 2f";
  CHECK(plane.forwards(down(segment(0, true, objects))));
  for (unsigned sequence = 1; sequence < 20; ++sequence) {
    CHECK(plane.forwards(down(segment(sequence, true, "0955 2e2101 2f"))));
  }
  // Out_Of_Service is a matter of the program.
  CHECK(plane.reason(down(segment(20, false, "0951 2e11 2f 1f"))) == Reason::FUNCTION_NOT_PERMITTED);
}

TEST_CASE("pieces of what no rule permits do not leave") {
  Plane plane(building());
  CHECK(plane.reason(down("0c040700020f 0c00800005")) == Reason::FUNCTION_NOT_PERMITTED);
  CHECK(plane.reason(up(segment(0, true, good_object)), 1) == Reason::FUNCTION_NOT_PERMITTED);
}

TEST_CASE("pieces go on by rules in force alone") {
  ImageSource source = building();
  RuleSource& write = source.services[0].request[1];
  write.essential = false;
  Plane plane(source);
  plane.island = true;
  CHECK(plane.reason(down(segment(0, true, good_object))) == Reason::ISLAND_MODE);
  plane.island = false;
  CHECK(plane.forwards(down(segment(0, true, good_object))));

  // One that is in force on some object suffices, whatever another one says of all objects.
  RuleSource wider = write;
  wider.ranges = {};
  write.essential = true;
  source.services[0].request.push_back(wider);
  Plane both(source);
  both.island = true;
  CHECK(both.forwards(down(segment(0, true, good_object))));
  CHECK(both.forwards(down(segment(1, false, value_and_end))));

  source.services[0].request.pop_back();
  source.services[0].request[1].grant = 0;
  source.grants.resize(1);
  Plane waits(source);
  CHECK(waits.reason(down(segment(0, true, good_object))) == Reason::GRANT_REQUIRED);
  source.grants[0].deadline_ns = std::uint64_t{1} << 62;
  Plane granted(source);
  CHECK(granted.forwards(down(segment(0, true, good_object))));
}

TEST_CASE("a message too large to be kept is not forwarded to its end") {
  Plane plane(building());
  const std::string large(2 * 1024, '0');
  CHECK(plane.forwards(down(segment(0, true, large))));
  CHECK(plane.forwards(down(segment(1, true, large))));
  CHECK(plane.forwards(down(segment(2, true, large))));
  CHECK(plane.forwards(down(segment(3, true, large))));
  CHECK(plane.reason(down(segment(4, true, "00"))) == Reason::ASSEMBLY_TOO_LARGE);
  CHECK(plane.reason(down(segment(4, true, "00"))) == Reason::PDU_MALFORMED);  // nothing is kept
}

TEST_CASE("one sender cannot keep all buffers, and who has gone gives his back") {
  Plane plane(building());
  constexpr std::uint16_t share = assembly_count / assembly_source_share;
  const auto begin = [&](std::uint16_t number) {
    return down(segment(0, true, good_object), static_cast<std::uint16_t>(50000 + number));
  };
  for (std::uint16_t number = 0; number < share; ++number) CHECK(plane.forwards(begin(number)));
  CHECK(plane.reason(begin(share)) == Reason::ASSEMBLY_FULL);
  const auto finish = down(segment(1, false, value_and_end), 50000);
  CHECK(plane.forwards(finish));
  CHECK(plane.forwards(begin(share + 1)));
  CHECK(plane.reason(begin(share + 2)) == Reason::ASSEMBLY_FULL);
  plane.advance(assembly_wait_ns);
  CHECK(plane.forwards(begin(share + 3)));
}

TEST_CASE("after a swap nothing that was judged before is judged with what follows") {
  Plane plane(building());
  CHECK(plane.forwards(down(segment(0, true, good_object))));
  ImageSource source = building();
  source.generation = 2;
  plane.use(source);
  CHECK(plane.reason(down(segment(1, false, value_and_end))) == Reason::PDU_MALFORMED);
}

TEST_CASE("passwords do not get into event records") {
  Plane plane(building());
  CHECK(plane.reason(down("00040911 1901 2d0500 61626364")) == Reason::FUNCTION_NOT_PERMITTED);
  const auto events = plane.drain();
  REQUIRE(events.size() == 1);
  CHECK(events[0].pdu_head_size == 10);
}

TEST_CASE("broadcasts of a room go to a group by rule") {
  ImageSource source = building();
  source.assets[GROUP].addresses = {ipv4_address(10, 0, 7, 255)};
  source.services.push_back(bacnet_service(HMI, GROUP));
  source.services.back().request = {function_rule(3, {bacnet::WHO_IS})};
  Plane plane(source);
  constexpr Mac all{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
  const auto to_all = [&](const std::string& apdu) {
    Octets octets = datagram("0100" + apdu);
    octets[1] = 0x0B;
    return udp({mac_hmi, all, {}}, {ip_hmi, ipv4_address(10, 0, 7, 255)}, port_bacnet, port_bacnet, octets);
  };
  CHECK(plane.forwards(to_all("1008")));
  CHECK(plane.reason(to_all("1006 a45c0b1102 b4162d1e46")) == Reason::FUNCTION_NOT_PERMITTED);
  CHECK(plane.recorder.sent.empty());
}

}  // namespace
}  // namespace conduit
