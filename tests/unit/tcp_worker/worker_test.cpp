// The TCP gate inside a real worker, under a real rule image: what only the two together can show.
#include "tests/unit/tcp_worker/line.hpp"

namespace conduit::test {

TEST_CASE("a dialogue with a refusal, over IPv4, IPv6 and through a tag") {
  for (int kind = 0; kind < 3; ++kind) {
    CAPTURE(kind);
    Plane plane(plant());
    Line line(plane, kind == 1, kind == 2 ? hex("8100 2000") : Octets{});
    line.open();
    std::vector<Left> out = line.client(0, poll);
    REQUIRE(out.size() == 1);
    CHECK(out[0].payload == poll);
    out = line.server(0, polled, 12);
    REQUIRE(out.size() == 1);
    out = line.client(12, too_high, 29);
    REQUIRE(out.size() == 2);  // the acknowledgement goes on to the server, the exception back
    CHECK(out[0].payload.empty() != out[1].payload.empty());
    const Left& reply = out[0].port == 0 ? out[0] : out[1];
    CHECK(reply.port == 0);
    CHECK(reply.payload == refused);
    CHECK(reply.sequence == server_first + 29);
    CHECK(reply.acknowledgement == client_first + 24);
    CHECK(reply.tags == line.tags);
    out = line.client(24, setpoint, 29 + 9);
    REQUIRE(out.size() == 1);
    CHECK(out[0].sequence == client_first + 12);
    CHECK(out[0].payload == setpoint);
    CHECK(plane.count(Reason::VALUE_NOT_PERMITTED) == 1);
  }
}

TEST_CASE("all splits of a dialogue: same verdicts, and the PLC gets the permitted requests alone") {
  const Octets all = [] {
    Octets octets = poll;
    put(octets, too_high);
    put(octets, setpoint);
    return octets;
  }();
  Octets permitted = poll;
  put(permitted, setpoint);
  for (std::size_t cut = 1; cut < all.size(); ++cut) {
    CAPTURE(cut);
    Plane plane(plant());
    Line line(plane);
    line.open();
    Octets got;
    bool reset = false;
    const auto take = [&](const std::vector<Left>& out) {
      for (const Left& left : out) {
        if (left.port == 1) put(got, left.payload);
        reset = reset || (left.flags & rst) != 0;
      }
    };
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(cut);
    take(line.client(0, Octets(all.begin(), middle)));
    take(line.client(static_cast<std::uint32_t>(cut), Octets(middle, all.end())));
    // Cut behind its framing the refused request has left in part: that alone cannot be refused in band. A
    // part of the framing waits.
    const bool partly_left = cut == 12 + 7;
    CHECK(reset == partly_left);
    CHECK(plane.count(Reason::VALUE_NOT_PERMITTED) == 1);
    if (!reset) CHECK(got == permitted);
    if (reset) CHECK(got.size() < 24);
  }
}

TEST_CASE("a lost exception is repeated at the worker's own deadline") {
  Plane plane(plant());
  Line line(plane);
  line.open();
  (void)line.client(0, too_high);
  plane.recorder.sent.clear();
  plane.advance_by_deadlines(250'000'000);
  REQUIRE(plane.recorder.sent.size() == 1);
  CHECK(read_left(0, plane.recorder.sent[0].frame).payload == refused);
  (void)line.client(12, {}, 9);
  plane.recorder.sent.clear();
  plane.advance_by_deadlines(5'000'000'000);
  CHECK(plane.recorder.sent.empty());
}

TEST_CASE("a tail that nobody completes resets the connection after its time, and its flow is gone") {
  Plane plane(plant());
  Line line(plane);
  line.open();
  CHECK(line.client(0, Octets(poll.begin(), poll.begin() + 9)).empty());
  plane.recorder.sent.clear();
  plane.advance_by_deadlines(plane.config.limits.hold_ns + 10'000'000);
  CHECK(plane.recorder.sent.size() == 2);
  CHECK(plane.count(Reason::TCP_HOLD_TIMEOUT) == 1);
  plane.worker->commit_counters();
  CHECK(plane.worker->counters().flows_live == 0);
}

TEST_CASE("a held request is judged by the policy that is in force when it is complete") {
  Plane plane(plant());
  Line line(plane);
  line.open();
  CHECK(line.client(0, Octets(setpoint.begin(), setpoint.begin() + 10)).empty());
  ImageSource stricter = plant();
  stricter.generation = 2;
  stricter.services[1].request.pop_back();
  plane.use(stricter);
  const std::vector<Left> out = line.client(10, Octets(setpoint.begin() + 10, setpoint.end()));
  REQUIRE(out.size() == 1);
  CHECK(out[0].port == 0);
  CHECK(out[0].payload == modbus_pdu(2, "01 86 01"));
  CHECK(line.client(12, poll, 9).size() == 1);  // the session lives on
}

TEST_CASE("after a restart: both ends are reset at once, whoever speaks first, and may connect again") {
  for (std::uint8_t side = 0; side < 2; ++side) {
    Plane plane(plant());
    Line line(plane);
    const std::vector<Left> out = side == 0 ? line.client(700, poll, 300) : line.server(300, polled, 700);
    REQUIRE(out.size() == 2);
    for (const Left& left : out) {
      CHECK((left.flags & rst) != 0);
      CHECK(left.sequence == (left.port == 0 ? server_first + 300 : client_first + 700));
    }
    CHECK(plane.count(Reason::TCP_NO_FLOW) == 1);
    line.open();
    CHECK(line.client(0, poll).size() == 1);
  }
}

TEST_CASE("after a restart: a conduit that permits it goes on at a PDU boundary") {
  Plane plane(plant_with(MidStream::RESYNC));
  Line line(plane);
  std::vector<Left> out = line.client(700, poll, 300);
  REQUIRE(out.size() == 1);
  CHECK(out[0].payload.empty());  // asks where it stands
  CHECK(out[0].sequence == client_first + 699);
  out = line.server(300, {}, 700);
  REQUIRE(out.size() == 2);
  CHECK(out[0].payload == poll);
  out = line.server(300, polled, 712);
  REQUIRE(out.size() == 1);
  CHECK(out[0].payload == polled);
  out = line.client(712, Octets(poll.begin() + 4, poll.end()), 329);
  for (const Left& left : out) CHECK((left.flags & rst) != 0);
}

TEST_CASE("after a restart: a segment that may die on its way joins nothing") {
  Plane plane(plant_with(MidStream::RESYNC));
  const Tcp segment{.from = 40000,
                    .to = 502,
                    .sequence = client_first + 700,
                    .acknowledgement = server_first + 300,
                    .flags = psh_ack,
                    .window = 60000};
  CHECK(plane
            .pass(tcp({mac_hmi, mac_plc, {}}, {.source = ip_hmi, .destination = ip_plc, .ttl = 1}, segment,
                      poll))
            .empty());
  CHECK(plane.recorder.sent.empty());
  CHECK(plane.count(Reason::TTL_TOO_LOW) == 1);
  plane.worker->commit_counters();
  CHECK(plane.worker->counters().flows_live == 0);
}

TEST_CASE("blocks come back, whatever ended the connection") {
  Plane plane(plant());
  Line line(plane);
  const auto blocks = [&] {
    plane.worker->commit_counters();
    return plane.worker->counters().blocks_in_use;
  };
  for (int ending = 0; ending < 4; ++ending) {
    CAPTURE(ending);
    line.from = static_cast<std::uint16_t>(41000 + ending);
    line.open();
    (void)line.client(0, too_high);                                    // a reply that is not acknowledged
    (void)line.client(500, poll);                                      // early
    (void)line.client(12, Octets(poll.begin(), poll.begin() + 9), 0);  // held
    CHECK(blocks() >= 2);
    if (ending == 0) (void)line.send(0, client_first + 12 + 9, 0, rst);
    if (ending == 1) (void)line.client(21, hex("ff ff ff"));
    if (ending == 2) plane.advance_by_deadlines(plane.config.limits.hold_ns + 10'000'000);
    if (ending == 3) {
      ImageSource other = plant();
      other.generation = 2;
      other.services.erase(other.services.begin() + 1);
      plane.use(other);
    }
    plane.advance_by_deadlines(plane.config.limits.closing_idle_ns + 1'000'000'000);
    CHECK(blocks() == 0);
    CHECK(plane.worker->counters().flows_live == 0);
  }
}

TEST_CASE("a stranger's segment of no connection is not answered") {
  Plane plane(plant());
  const Octets frame = tcp({mac_other, mac_plc, {}}, {ip_stranger, ip_plc}, {.sequence = 5, .flags = ack});
  CHECK_FALSE(plane.forwards(frame));
  CHECK(plane.recorder.sent.empty());
}

TEST_CASE("a rebooted HMI on its old port: challenge ACK, exact RST, and the next SYN opens") {
  Plane plane(plant());
  Line line(plane);
  line.open();
  (void)line.client(0, poll);
  (void)line.server(0, polled, 12);
  CHECK(line.send(0, 90000, 0, syn).size() == 1);
  const std::vector<Left> challenge = line.send(1, server_first + 29, client_first + 12, ack);
  REQUIRE(challenge.size() == 1);
  CHECK(line.send(0, challenge[0].acknowledgement, 0, rst).size() == 1);
  CHECK(line.send(0, 90000, 0, syn).size() == 1);
  CHECK(line.send(1, 70000, 90001, syn | ack).size() == 1);
  CHECK(line.send(0, 90001, 70001, psh_ack, poll).size() == 1);
  CHECK(plane.count(Reason::TCP_CHALLENGED) == 1);
}

TEST_CASE("closed and opened again on the same ports") {
  Plane plane(plant());
  Line line(plane);
  line.open();
  CHECK(line.send(0, client_first, server_first, ack | fin).size() == 1);
  CHECK(line.send(1, server_first, client_first + 1, ack | fin).size() == 1);
  CHECK(line.send(0, client_first + 1, server_first + 1, ack).size() == 1);
  line.open();
  CHECK(line.client(0, poll).size() == 1);
  plane.advance_by_deadlines(plane.config.limits.closing_idle_ns + 1'000'000'000);
  plane.worker->commit_counters();
  CHECK(plane.worker->counters().flows_live == 1);
}

TEST_CASE("a PLC that is declared to need it gets all but the completing byte at once") {
  Plane plane(plant_with(MidStream::RESET, ASSET_PARTIAL_FORWARD));
  Line line(plane);
  line.open();
  const std::vector<Left> out = line.client(0, Octets(too_high.begin(), too_high.end() - 1));
  REQUIRE(out.size() == 1);
  CHECK(out[0].payload.size() == too_high.size() - 1);
  for (const Left& left : line.client(11, Octets{too_high.back()})) CHECK((left.flags & rst) != 0);
}

}  // namespace conduit::test
