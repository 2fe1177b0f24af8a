// Laws that only the whole worker keeps: rules, requests and flows of one connection after another.
#include "tests/unit/tcp_worker/line.hpp"

namespace conduit::test {
namespace {

RuleSource reads(std::uint32_t number, std::uint64_t first, std::uint64_t last) {
  RuleSource rule = read_rule(number);
  rule.ranges[modbus::ADDRESS] = {{first, last}};
  return rule;
}

void close(Line& line) {
  REQUIRE(line.send(0, client_first, server_first, ack | fin).size() == 1);
  REQUIRE(line.send(1, server_first, client_first + 1, ack | fin).size() == 1);
  REQUIRE(line.send(0, client_first + 1, server_first + 1, ack).size() == 1);
}

bool passes(const std::vector<Left>& out, std::uint8_t port) {
  return std::any_of(out.begin(), out.end(),
                     [port](const Left& left) { return left.port == port && !left.payload.empty(); });
}

}  // namespace

TEST_CASE("rules that permit a range only together do not permit it") {
  ImageSource source = plant();
  source.services[1].request = {reads(0, 0, 9), reads(1, 10, 19)};
  Plane plane(source);
  Line line(plane);
  line.open();
  CHECK(passes(line.client(0, modbus_pdu(1, "01 03 0000 000a")), 1));
  CHECK(passes(line.client(12, modbus_pdu(2, "01 03 000a 000a")), 1));
  CHECK_FALSE(passes(line.client(24, modbus_pdu(3, "01 03 0005 000a")), 1));
  CHECK(plane.count(Reason::OBJECT_NOT_PERMITTED) == 1);
}

TEST_CASE("what a rule permits to one client is not permitted to its neighbour") {
  ImageSource source = plant();
  source.assets.push_back(asset(SCADA, {ipv4_address(10, 0, 7, 11)}));
  Plane plane(source);
  const Octets frame = tcp({mac_hmi, mac_plc, {}}, {ipv4_address(10, 0, 7, 11), ip_plc},
                           {.from = 40000, .to = 502, .sequence = 5, .flags = syn});
  CHECK(plane.reason(frame) == Reason::FLOW_UNDOCUMENTED);
}

TEST_CASE("a response of another unit answers nothing") {
  Plane plane(plant());
  Line line(plane);
  line.open();
  (void)line.client(0, poll);
  Octets other = polled;
  other[6] = 2;
  CHECK_FALSE(passes(line.server(0, other, 12), 0));
  CHECK(plane.count(Reason::RESPONSE_UNSOLICITED) == 1);
  CHECK(passes(line.server(29, polled, 12), 0));
}

TEST_CASE("a refused request has no response of the server") {
  Plane plane(plant());
  Line line(plane);
  line.open();
  (void)line.client(0, too_high);
  CHECK_FALSE(passes(line.server(0, too_high, 0), 0));
  CHECK(plane.count(Reason::RESPONSE_UNSOLICITED) == 1);
}

TEST_CASE("a request is answered on its own connection, not on the next one of the same ports") {
  Plane plane(plant());
  Line line(plane);
  line.open();
  (void)line.client(0, poll);
  REQUIRE(line.send(0, client_first + 12, server_first, ack | fin).size() == 1);
  REQUIRE(line.send(1, server_first, client_first + 13, ack | fin).size() == 1);
  REQUIRE(line.send(0, client_first + 13, server_first + 1, ack).size() == 1);
  line.open();
  CHECK_FALSE(passes(line.server(0, polled, 0), 0));
  CHECK(plane.count(Reason::RESPONSE_UNSOLICITED) == 1);
}

TEST_CASE("a closed connection counts against back-off and the bound of half-open ones when it opens anew") {
  EngineLimits limits;
  limits.half_open_count = 1;
  Plane plane(plant(), limits);
  Line first(plane);
  first.open();
  close(first);
  Line second(plane);
  second.from = 40001;
  REQUIRE(second.send(0, client_first - 1, 0, syn).size() == 1);
  CHECK(first.send(0, client_first + 70000, 0, syn).empty());
  CHECK(plane.count(Reason::TCP_HALF_OPEN_FULL) == 1);
  plane.advance_by_deadlines(limits.half_open_idle_ns + 1'000'000);
  CHECK(first.send(0, client_first + 70000, 0, syn).size() == 1);
}

TEST_CASE("connections that are reset for what they carry back off, through the door of a closed one too") {
  Plane plane(plant());
  Line closed(plane);
  closed.open();
  close(closed);
  for (std::uint16_t i = 0; i < back_off_after; ++i) {
    Line line(plane);
    line.from = static_cast<std::uint16_t>(41000 + i);
    line.open();
    (void)line.client(0, hex("ff ff ff ff ff ff ff ff"));
  }
  CHECK(closed.send(0, client_first + 70000, 0, syn).empty());
  CHECK(plane.count(Reason::TCP_BACKED_OFF) == 1);
  plane.advance_by_deadlines(back_off_first_ns + 1'000'000);
  CHECK(closed.send(0, client_first + 70000, 0, syn).size() == 1);
}

TEST_CASE("tails that nobody completes, again and again: the pair backs off") {
  Plane plane(plant());
  for (std::uint16_t i = 0; i < back_off_after; ++i) {
    Line line(plane);
    line.from = static_cast<std::uint16_t>(41000 + i);
    line.open();
    (void)line.client(0, Octets(poll.begin(), poll.begin() + 9));
    plane.advance_by_deadlines(plane.config.limits.hold_ns + 10'000'000);
  }
  CHECK(plane.count(Reason::TCP_HOLD_TIMEOUT) == back_off_after);
  Line next(plane);
  next.from = 42000;
  CHECK(next.send(0, client_first, 0, syn).empty());
  CHECK(plane.count(Reason::TCP_BACKED_OFF) == 1);
}

TEST_CASE("an ICMP error that quotes a segment behind a refusal quotes the number that its sender knows") {
  for (const bool ipv6 : {false, true}) {
    CAPTURE(ipv6);
    Plane plane(plant());
    Line line(plane, ipv6);
    line.open();
    (void)line.client(0, too_high);
    (void)line.client(12, poll, 9);
    REQUIRE(plane.recorder.sent.empty());
    const Address hmi = ipv6 ? ip6_hmi : ip_hmi;
    const Address plc = ipv6 ? ip6_plc : ip_plc;
    // As the PLC's side saw the second request: at the place of the first.
    const Octets seen =
        tcp({}, {hmi, plc}, {.from = 40000, .to = 502, .sequence = client_first, .flags = ack}, poll);
    const std::size_t header = ipv6 ? 40 : 20;
    const Octets quote(seen.begin() + 14, seen.begin() + 14 + static_cast<std::ptrdiff_t>(header) + 8);
    Octets error = icmp({mac_plc, mac_hmi, {}}, {plc, hmi}, ipv6 ? 1 : 3, ipv6 ? 4 : 3, 0, quote);
    Octets left = plane.pass(error, 1);
    REQUIRE_FALSE(left.empty());
    ParsedFrame parsed;  // checksums included
    parse_frame(left.data(), static_cast<std::uint32_t>(left.size()), 1, 0, 1, parsed);
    CHECK(parsed.reason == Reason::NONE);
    CHECK(load_u32be(parsed.payload().data() + header + 4) == client_first + 12);
  }
}

TEST_CASE("a living connection is spoken for from its own ports alone") {
  Plane plane(plant());
  Line line(plane);
  line.open();
  const Tcp segment{.from = 40000,
                    .to = 502,
                    .sequence = client_first,
                    .acknowledgement = server_first,
                    .flags = psh_ack,
                    .window = 60000};
  const Octets frame = tcp({mac_hmi, mac_plc, {}}, {ip_hmi, ip_plc}, segment, poll);
  CHECK(plane.reason(frame, 1) == Reason::SOURCE_WRONG_ZONE);
  CHECK(plane.reason(frame, 0) == Reason::NONE);
}

TEST_CASE("what the engine says goes to the MAC that the client has now") {
  ImageSource source = plant();
  source.assets[HMI].macs.clear();
  Plane plane(source);
  Line line(plane);
  line.open();
  const Tcp segment{.from = 40000,
                    .to = 502,
                    .sequence = client_first,
                    .acknowledgement = server_first,
                    .flags = psh_ack,
                    .window = 60000};
  plane.recorder.sent.clear();
  (void)plane.pass(tcp({mac_other, mac_plc, {}}, {ip_hmi, ip_plc}, segment, too_high), 0);
  REQUIRE(plane.recorder.sent.size() == 1);
  const Octets& reply = plane.recorder.sent[0].frame;
  CHECK(std::equal(mac_other.begin(), mac_other.end(), reply.begin()));
}

TEST_CASE("behind the end of the server's stream no reply can stand: the connection is reset") {
  Plane plane(plant());
  Line line(plane);
  line.open();
  REQUIRE(line.send(1, server_first, client_first, ack | fin).size() == 1);
  REQUIRE(line.send(0, client_first, server_first + 1, ack).size() == 1);
  const std::vector<Left> out = line.client(0, too_high, 1);
  REQUIRE(out.size() == 2);
  for (const Left& left : out) {
    CHECK((left.flags & rst) != 0);
    CHECK(left.payload.empty());
  }
}

TEST_CASE("fragments do not pass") {
  Plane plane(plant());
  const Octets frame = tcp({}, {.source = ip_hmi, .destination = ip_plc, .fragment = 0x2000},
                           {.from = 40000, .to = 502, .sequence = 5, .flags = syn});
  CHECK(plane.reason(frame) == Reason::IP_FRAGMENT_NOT_PERMITTED);
}

}  // namespace conduit::test
