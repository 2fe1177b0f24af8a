// Handshakes, and SYN, RST and FIN in ordinary and odd places.
#include <doctest/doctest.h>

#include "tests/unit/tcp/lab.hpp"

namespace conduit::tcp_test {
namespace {

Segment syn(Side side, std::uint32_t sequence) {
  Segment segment;
  segment.sequence = sequence;
  segment.flags = TCP_SYN;
  segment.mss = 1460;
  (void)side;
  return segment;
}
Segment syn_ack(std::uint32_t sequence, std::uint32_t acknowledgement) {
  Segment segment = syn(1, sequence);
  segment.flags = TCP_SYN | TCP_ACK;
  segment.acknowledgement = acknowledgement;
  return segment;
}
Segment rst(std::uint32_t sequence) {
  Segment segment;
  segment.flags = TCP_RST;
  segment.sequence = sequence;
  return segment;
}
constexpr std::uint32_t c0 = Lab::isn_usual[0];
constexpr std::uint32_t s0 = Lab::isn_usual[1];

}  // namespace

TEST_CASE("handshake: SYN, SYN-ACK and ACK pass, repetitions too") {
  Lab lab;
  CHECK(lab.send(0, syn(0, c0)).to[1].size() == 1);
  CHECK(lab.send(0, syn(0, c0)).to[1].size() == 1);
  CHECK(lab.send(1, syn_ack(s0, c0 + 1)).to[0].size() == 1);
  CHECK(lab.send(0, syn(0, c0)).to[1].size() == 1);
  CHECK(lab.send(1, syn_ack(s0, c0 + 1)).to[0].size() == 1);
  CHECK(lab.flow.state == FlowState::HALF_OPEN);
  CHECK(lab.send(0, Lab::data(0, 0, {})).to[1].size() == 1);
  CHECK(lab.flow.state == FlowState::ESTABLISHED);
  CHECK(lab.send(1, syn_ack(s0, c0 + 1)).to[0].size() == 1);  // the ACK was lost behind the gate
  CHECK(lab.send(0, Lab::data(0, 0, read_request(1))).to[1].size() == 1);
  CHECK(lab.denied.empty());
}

TEST_CASE("handshake: a SYN that is repeated behind the SYN-ACK does not undo it") {
  Lab lab;
  (void)lab.send(0, syn(0, c0));
  (void)lab.send(1, syn_ack(s0, c0 + 1));
  (void)lab.send(0, syn(0, c0));
  CHECK(lab.send(0, Lab::data(0, 0, read_request(1))).to[1].size() == 1);
  CHECK(lab.flow.state == FlowState::ESTABLISHED);
}

TEST_CASE("handshake: a new SYN before anybody has answered replaces the old one") {
  Lab lab;
  (void)lab.send(0, syn(0, 77));
  CHECK(lab.send(0, syn(0, c0)).to[1].size() == 1);
  CHECK(lab.send(1, syn_ack(s0, 78)).to[0].empty());
  CHECK(lab.send(1, syn_ack(s0, c0 + 1)).to[0].size() == 1);
}

TEST_CASE("handshake: what does not fit is dropped") {
  Lab lab;
  (void)lab.send(0, syn(0, c0));
  CHECK(lab.send(1, syn_ack(s0, c0 + 2)).to[0].empty());
  CHECK(lab.send(0, Lab::data(0, 0, read_request(1))).to[1].empty());
  (void)lab.send(1, syn_ack(s0, c0 + 1));
  CHECK(lab.send(1, Lab::data(1, 0, read_response(1))).to[0].size() <= 1);
  CHECK(lab.send(0, Lab::data(0, 0, read_request(1), 5)).to[1].empty());
  CHECK(lab.count(Reason::TCP_HANDSHAKE_VIOLATED) >= 3);
  CHECK(lab.judged[0].empty());
}

TEST_CASE("handshake: the first data may come with the ACK") {
  Lab lab;
  (void)lab.send(0, syn(0, c0));
  (void)lab.send(1, syn_ack(s0, c0 + 1));
  const Lab::Out out = lab.send(0, Lab::data(0, 0, read_request(1)));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload == read_request(1));
  CHECK(lab.judged[0].size() == 1);
}

TEST_CASE("handshake: refused by the server's RST, given up by the client's") {
  Lab lab;
  (void)lab.send(0, syn(0, c0));
  Segment refusal = rst(0);
  refusal.flags = TCP_RST | TCP_ACK;
  SUBCASE("wrong acknowledgement") {
    refusal.acknowledgement = c0;
    CHECK(lab.send(1, refusal).to[0].empty());
    CHECK(lab.alive());
  }
  SUBCASE("refused") {
    refusal.acknowledgement = c0 + 1;
    CHECK(lab.send(1, refusal).to[0].size() == 1);
    CHECK_FALSE(lab.alive());
  }
  SUBCASE("given up") {
    CHECK(lab.send(0, rst(c0 + 1)).to[1].size() == 1);
    CHECK_FALSE(lab.alive());
  }
}

TEST_CASE("handshake: simultaneous opening") {
  Lab lab;
  (void)lab.send(0, syn(0, c0));
  CHECK(lab.send(1, syn(1, s0)).to[0].size() == 1);
  CHECK(lab.send(0, syn_ack(c0, s0 + 1)).to[1].size() == 1);
  CHECK(lab.send(1, syn_ack(s0, c0 + 1)).to[0].size() == 1);
  CHECK(lab.send(0, Lab::data(0, 0, read_request(1))).to[1].size() == 1);
  CHECK(lab.flow.state == FlowState::ESTABLISHED);
  CHECK(lab.send(1, Lab::data(1, 0, read_response(1), 12)).to[0].size() == 1);
}

TEST_CASE("handshake: bytes that come before both sides have acknowledged it never pass unread") {
  SUBCASE("of the server, right behind its SYN-ACK") {
    Lab lab;
    (void)lab.send(0, syn(0, c0));
    (void)lab.send(1, syn_ack(s0, c0 + 1));
    const Lab::Out out = lab.send(1, Lab::data(1, 0, write_response(1)));
    REQUIRE(out.to[0].size() == 1);
    CHECK(out.to[0][0].payload.empty());
    CHECK(lab.send(0, Lab::data(0, 0, {})).to[1].size() == 1);
    CHECK(lab.send(1, Lab::data(1, 0, write_response(1))).to[0].size() == 1);
    CHECK(lab.judged[1].size() == 1);
  }
  SUBCASE("of a client that opens while the server opens too") {
    Lab lab;
    (void)lab.send(0, syn(0, c0));
    (void)lab.send(1, syn(1, s0));
    Segment data = Lab::data(0, 0, write_request(1));
    data.flags |= TCP_FIN;
    const Lab::Out out = lab.send(0, data);
    REQUIRE(out.to[1].size() == 1);
    CHECK(out.to[1][0].payload.empty());
    CHECK((out.to[1][0].flags & TCP_FIN) == 0);
    CHECK(lab.judged[0].empty());
  }
}

TEST_CASE("a SYN-ACK that is repeated brings no data and no cookie") {
  Lab lab;
  lab.connect();
  CHECK(lab.send(1, syn_ack(s0, c0 + 1)).to[0].size() == 1);
  Segment again = syn_ack(s0, c0 + 1);
  again.payload = read_response(1);
  CHECK(lab.send(1, again).to[0].empty());
  again.payload.clear();
  again.fast_open = true;
  CHECK(lab.send(1, again).to[0].empty());
  CHECK(lab.alive());
}

TEST_CASE("every window scale from 0 to 14, and those beyond, which mean 14") {
  for (std::uint8_t scale = 0; scale <= 16; ++scale) {
    CAPTURE(int{scale});
    Lab lab;
    Segment first = syn(0, c0);
    first.scale = std::uint8_t{3};
    Segment second = syn_ack(s0, c0 + 1);
    second.scale = scale;
    (void)lab.send(0, first);
    (void)lab.send(1, second);
    (void)lab.send(0, Lab::data(0, 0, {}));
    Segment window = Lab::data(1, 0, {});
    window.window = 13;
    lab.flow.tcp.stream[0].edge_r = c0 + 1;
    (void)lab.send(1, window);
    const std::uint32_t room = 13U << std::min<std::uint8_t>(scale, 14);
    CHECK(lab.flow.tcp.stream[0].edge_r == c0 + 1 + room);
    const Octets last = read_request(1);
    if (room < 12) continue;
    CHECK(lab.send(0, Lab::data(0, room - 11, last)).to[1].empty());
    CHECK(lab.count(Reason::TCP_OUT_OF_WINDOW) == 1);
    (void)lab.send(0, Lab::data(0, room - 12, last));
    CHECK(lab.count(Reason::TCP_OUT_OF_WINDOW) == 1);
  }
}

TEST_CASE("a scale that only one side offers does not count") {
  Lab lab;
  Segment first = syn(0, c0);
  first.scale = std::uint8_t{7};
  (void)lab.send(0, first);
  (void)lab.send(1, syn_ack(s0, c0 + 1));
  (void)lab.send(0, Lab::data(0, 0, {}));
  CHECK(lab.flow.tcp.stream[1].edge_r == s0 + 1 + 60000);
}

TEST_CASE("data in a SYN and Fast Open are denied") {
  Lab lab;
  Segment early = syn(0, c0);
  early.payload = write_request(1);
  CHECK(lab.send(0, early).to[1].empty());
  CHECK(lab.count(Reason::TCP_SYN_DATA) == 1);
  Segment fast = syn(0, c0);
  fast.fast_open = true;
  CHECK(lab.send(0, fast).to[1].empty());
  CHECK(lab.count(Reason::TCP_FAST_OPEN) == 1);
}

TEST_CASE("urgent data are denied") {
  Lab lab;
  lab.connect();
  Segment urgent = Lab::data(0, 0, read_request(1));
  urgent.flags |= TCP_URG;
  CHECK(lab.send(0, urgent).to[1].empty());
  CHECK(lab.count(Reason::TCP_URGENT) == 1);
  CHECK(lab.judged[0].empty());
}

TEST_CASE("data in a SYN and Fast Open are taken out where the conduit says so") {
  Lab lab;
  ConduitSource conduit;
  conduit.flags = CONDUIT_SYN_DATA;
  lab.lay_conduit(conduit);
  Segment fast = syn(0, c0);
  fast.fast_open = true;
  fast.payload = write_request(1);
  const Lab::Out out = lab.send(0, fast);
  REQUIRE(out.to[1].size() == 1);
  CHECK_FALSE(out.to[1][0].fast_open);
  CHECK(out.to[1][0].payload.empty());
  CHECK(lab.flow.tcp.stream[0].received == c0 + 1);
  CHECK(lab.denied.empty());
}

TEST_CASE("the urgent flag is cleared where the conduit says so") {
  Lab lab;
  ConduitSource conduit;
  conduit.flags = CONDUIT_URGENT_CLEAR;
  lab.lay_conduit(conduit);
  lab.connect();
  Segment urgent = Lab::data(0, 0, read_request(1));
  urgent.flags |= TCP_URG;
  const Lab::Out out = lab.send(0, urgent);
  REQUIRE(out.to[1].size() == 1);
  CHECK((out.to[1][0].flags & TCP_URG) == 0);
  CHECK(lab.judged[0].size() == 1);
}

TEST_CASE("windows are scaled as the handshake said") {
  Lab lab;
  Segment first = syn(0, c0);
  first.scale = 7;
  Segment second = syn_ack(s0, c0 + 1);
  second.scale = 2;
  (void)lab.send(0, first);
  (void)lab.send(1, second);
  (void)lab.send(0, Lab::data(0, 0, {}));
  Segment window = Lab::data(1, 0, {});
  window.window = 50000;
  (void)lab.send(1, window);
  CHECK(lab.flow.tcp.stream[0].edge_r == c0 + 1 + 200000);
}

TEST_CASE("RST: only the exact number") {
  const auto opened = [](Lab& lab) {
    lab.connect();
    (void)lab.send(0, Lab::data(0, 0, read_request(1)));
    (void)lab.send(1, Lab::data(1, 0, read_response(1), 12));
  };
  for (const std::uint32_t off : {1U, 100U, 59000U}) {
    Lab lab;
    opened(lab);
    const Lab::Out asked = lab.send(0, rst(c0 + 13 + off));
    REQUIRE(asked.to[1].size() == 1);  // in its place the server is asked where it stands
    CHECK(asked.to[1][0].flags == TCP_ACK);
    CHECK(asked.to[1][0].payload.empty());
    CHECK(asked.to[1][0].sequence == c0 + 12);
    CHECK(lab.count(Reason::TCP_RST_NOT_EXACT) == 1);
    CHECK(lab.alive());
    CHECK(lab.send(1, Lab::data(1, 13, {}, 12)).to[0].size() == 1);  // the server's challenge ACK
    CHECK(lab.send(0, rst(c0 + 13)).to[1].size() == 1);              // a sender that is dead, exact now
    CHECK_FALSE(lab.alive());
  }
  for (const std::uint32_t off : {100000U, 0U - 1U}) {
    Lab lab;
    opened(lab);
    CHECK(lab.send(0, rst(c0 + 13 + off)).to[1].empty());
    CHECK(lab.count(Reason::TCP_OUT_OF_WINDOW) == 1);
    CHECK(lab.alive());
  }
  Lab lab;
  opened(lab);
  CHECK(lab.send(0, rst(c0 + 13)).to[1].size() == 1);
  CHECK_FALSE(lab.alive());
}

TEST_CASE("RST of a sender whose tail is held reaches the receiver at its own number") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, part(read_request(1), 0, 10)));
  const Lab::Out out = lab.send(0, rst(c0 + 11));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].sequence == c0 + 1);
  CHECK((out.to[1][0].flags & TCP_RST) != 0);
  CHECK(lab.flow.state != FlowState::ESTABLISHED);
}

TEST_CASE("a rebooted device: SYN on a living connection, challenge ACK, exact RST, SYN anew") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, read_request(1)));
  (void)lab.send(1, Lab::data(1, 0, read_response(1), 12));
  const Lab::Out asked = lab.send(0, syn(0, 777777));
  REQUIRE(asked.to[1].size() == 1);  // not the SYN: its receiver might begin anew
  CHECK(asked.to[1][0].flags == TCP_ACK);
  CHECK(asked.to[1][0].sequence == c0 + 12);
  CHECK(asked.to[1][0].payload.empty());
  CHECK(lab.count(Reason::TCP_CHALLENGED) == 1);
  CHECK(lab.flow.state == FlowState::ESTABLISHED);
  Lab::Out out = lab.send(1, Lab::data(1, 13, {}, 12));
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].acknowledgement == c0 + 13);
  CHECK(lab.send(0, rst(c0 + 13)).to[1].size() == 1);
  CHECK_FALSE(lab.alive());
}

TEST_CASE("a rebooted device after a refusal: numbers agree in both directions") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, write_request(1)));
  (void)lab.send(0, Lab::data(0, 12, read_request(2), 9));
  (void)lab.send(1, Lab::data(1, 0, read_response(2), 12));
  (void)lab.send(0, syn(0, 777777));
  const Lab::Out challenge = lab.send(1, Lab::data(1, 13, {}, 12));
  REQUIRE(challenge.to[0].size() == 1);
  const Lab::Out out = lab.send(0, rst(challenge.to[0][0].acknowledgement));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].sequence == c0 + 13);  // what the server expects
}

TEST_CASE("a rebooted device whose peer has forgotten the connection too: its RST ends it") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, read_request(1)));
  (void)lab.send(1, Lab::data(1, 0, read_response(1), 12));
  const Lab::Out asked = lab.send(0, syn(0, 777777));
  REQUIRE(asked.to[1].size() == 1);
  CHECK(lab.send(1, syn_ack(888, 777778)).to[0].empty());  // it has never been given that SYN
  CHECK(lab.alive());
  CHECK(lab.send(1, rst(asked.to[1][0].acknowledgement)).to[0].size() == 1);
  CHECK(lab.flow.state != FlowState::ESTABLISHED);
}

TEST_CASE("an observed connection is followed anew from a SYN on") {
  Lab lab;
  lab.connect();
  lab.flow.observe = true;
  lab.observing = true;
  CHECK(lab.send(0, syn(0, 777777)).to[1].size() == 1);
  CHECK(lab.send(1, syn_ack(888, 777778)).to[0].size() == 1);
  Segment ack;
  ack.sequence = 777778;
  ack.acknowledgement = 889;
  CHECK(lab.send(0, ack).to[1].size() == 1);
  CHECK(lab.flow.state == FlowState::ESTABLISHED);
  ack.payload = read_request(5);
  CHECK(lab.send(0, ack).to[1].size() == 1);
  CHECK(lab.judged[0].back() == read_request(5));
}

TEST_CASE("a server that still holds an old connection answers a SYN: its ACK and the exact RST pass") {
  Lab lab;
  (void)lab.send(0, syn(0, c0));
  Segment old;
  old.sequence = 4242;
  old.acknowledgement = 31337;
  old.payload = read_response(1);
  const Lab::Out out = lab.send(1, old);
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].payload.empty());
  CHECK(lab.send(0, rst(31338)).to[1].empty());
  CHECK(lab.send(0, rst(31337)).to[1].size() == 1);
  CHECK(lab.alive());
  CHECK(lab.send(0, syn(0, c0)).to[1].size() == 1);
  CHECK(lab.send(1, syn_ack(s0, c0 + 1)).to[0].size() == 1);
}

TEST_CASE("FIN: half close, the other side goes on, then closing, then a new SYN makes a new flow") {
  Lab lab;
  Dialogue dialogue(lab);
  dialogue.answers = false;
  dialogue.client.write(read_request(1));
  dialogue.client.close();
  dialogue.run();
  CHECK(dialogue.server.closed);
  CHECK(lab.flow.state == FlowState::ESTABLISHED);
  dialogue.server.write(read_response(1));
  dialogue.server.close();
  dialogue.run();
  CHECK(dialogue.client.inbox == read_response(1));
  CHECK(dialogue.client.closed);
  CHECK(lab.flow.state == FlowState::CLOSING);
  CHECK(lab.pool.in_use() == 0);
  CHECK(lab.send(0, syn(0, 5)).to[1].size() == 1);
  CHECK(lab.flow.state == FlowState::HALF_OPEN);
  CHECK(lab.flow.tcp.stream[0].received == 6);
}

TEST_CASE("FIN: lost and repeated, and data behind it") {
  Lab lab;
  lab.connect();
  Segment fin = Lab::data(0, 0, read_request(1));
  fin.flags |= TCP_FIN;
  CHECK(lab.send(0, fin).to[1].size() == 1);
  const Lab::Out again = lab.send(0, fin);
  REQUIRE(again.to[1].size() == 1);
  CHECK(again.to[1][0].flags == fin.flags);
  CHECK(lab.send(0, Lab::data(0, 13, read_request(2))).to[1].empty());
  CHECK(lab.send(0, Lab::data(0, 12, read_request(2))).to[1].empty());
  CHECK(lab.judged[0].size() == 1);
}

TEST_CASE("FIN behind a refused request; FIN with a request that is repeated after the refusal") {
  Lab lab;
  Dialogue dialogue(lab);
  dialogue.client.write(read_request(1) + write_request(2));
  dialogue.client.close();
  dialogue.run();
  CHECK(dialogue.server.inbox == read_request(1));
  CHECK(dialogue.server.closed);
  CHECK(split_adus(dialogue.client.inbox).size() == 2);
  CHECK(dialogue.client.idle());
}

TEST_CASE("FIN within a PDU resets the flow: nobody knows what the receiver makes of the stump") {
  Lab lab;
  lab.connect();
  Segment fin = Lab::data(0, 0, part(read_request(1), 0, 10));
  fin.flags |= TCP_FIN;
  const Lab::Out out = lab.send(0, fin);
  CHECK_FALSE(lab.alive());
  REQUIRE(out.to[1].size() == 1);
  CHECK((out.to[1][0].flags & TCP_RST) != 0);
  CHECK(lab.malformed == 1);
}

TEST_CASE("FIN that comes with repeated data, and a reply stands between the two") {
  Lab lab;
  lab.connect();
  (void)lab.send(1, Lab::data(1, 0, read_response(1)));
  (void)lab.send(0, Lab::data(0, 0, write_request(2)));  // the reply stands behind that response
  Segment fin = Lab::data(1, 0, read_response(1));
  fin.flags |= TCP_FIN;
  const Lab::Out out = lab.send(1, fin);
  REQUIRE(out.to[0].size() == 2);
  CHECK(out.to[0][0].payload == read_response(1));
  CHECK((out.to[0][0].flags & TCP_FIN) == 0);
  CHECK(out.to[0][1].payload.empty());
  CHECK((out.to[0][1].flags & TCP_FIN) != 0);
  CHECK(out.to[0][1].sequence == Lab::base(1) + 13 + 9);
}

TEST_CASE("FIN of a stream in which a reply waits for room: it comes again when the reply has its place") {
  Lab lab;
  lab.connect();
  lab.flow.tcp.stream[1].edge_r = Lab::base(1) + 1;
  Segment request = Lab::data(0, 0, write_request(1));
  request.window = 1;
  (void)lab.send(0, request);
  Segment fin = Lab::data(1, 0, {});
  fin.flags |= TCP_FIN;
  CHECK(lab.send(1, fin).to[0].empty());
  CHECK_FALSE(lab.flow.tcp.stream[1].fin);
  Lab::Out out = lab.send(0, Lab::data(0, 12, {}));  // room
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].payload == exception(1, 6));
  out = lab.send(1, fin);
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].sequence == Lab::base(1) + 9);
  CHECK((out.to[0][0].flags & TCP_FIN) != 0);
}

TEST_CASE("FIN in front of bytes that came already: two readings, the flow is reset") {
  const Octets two = read_request(1) + read_request(2);
  for (const bool bare : {false, true}) {
    CAPTURE(bare);
    Lab lab;
    lab.connect();
    (void)lab.send(0, Lab::data(0, 0, two));
    Segment fin = bare ? Lab::data(0, 12, {}) : Lab::data(0, 0, part(two, 0, 12));
    fin.flags |= TCP_FIN;
    const Lab::Out out = lab.send(0, fin);
    CHECK(lab.count(Reason::TCP_RETRANSMISSION_DIFFERS) == 1);
    CHECK_FALSE(lab.alive());
    REQUIRE(out.to[1].size() == 1);
    CHECK((out.to[1][0].flags & TCP_RST) != 0);
    CHECK(out.to[1][0].sequence == Lab::base(0) + 24);
  }
}

TEST_CASE("FIN before or behind a gap, against bytes that wait there: the flow is reset") {
  const Octets two = read_request(1) + read_request(2);
  Segment behind = Lab::data(0, 12, part(two, 12));
  Segment early_end = Lab::data(0, 6, part(two, 6, 6));
  early_end.flags |= TCP_FIN;
  Segment end = Lab::data(0, 0, part(two, 0, 12));
  end.flags |= TCP_FIN;
  const std::vector<std::vector<Segment>> orders{{behind, early_end}, {early_end, behind}, {behind, end}};
  for (const std::vector<Segment>& order : orders) {
    Lab lab;
    lab.connect();
    for (const Segment& segment : order) (void)lab.send(0, segment);
    CHECK(lab.count(Reason::TCP_RETRANSMISSION_DIFFERS) == 1);
    CHECK_FALSE(lab.alive());
  }
}

TEST_CASE("FIN that is repeated alone, or with the data before it, in other pieces") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, read_request(1) + read_request(2)));
  Segment fin = Lab::data(0, 24, {});
  fin.flags |= TCP_FIN;
  CHECK(lab.send(0, fin).to[1].size() == 1);
  CHECK(lab.send(0, fin).to[1].size() == 1);
  Segment with = Lab::data(0, 12, read_request(2));
  with.flags |= TCP_FIN;
  const Lab::Out out = lab.send(0, with);
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload == read_request(2));
  CHECK((out.to[1][0].flags & TCP_FIN) != 0);
  CHECK(lab.judged[0].size() == 2);
  CHECK(lab.alive());
}

TEST_CASE("a closed connection is opened anew only if a new one might be") {
  Lab lab;
  Dialogue dialogue(lab);
  dialogue.client.close();
  dialogue.run();
  dialogue.server.close();
  dialogue.run();
  REQUIRE(lab.flow.state == FlowState::CLOSING);
  lab.reopening = Reason::TCP_BACKED_OFF;
  CHECK(lab.send(0, syn(0, c0 + 50000)).to[1].empty());
  CHECK(lab.count(Reason::TCP_BACKED_OFF) == 1);
  CHECK(lab.flow.state == FlowState::CLOSING);
  lab.reopening = Reason::NONE;
  CHECK(lab.send(0, syn(0, c0 + 50000)).to[1].size() == 1);
  CHECK(lab.flow.state == FlowState::HALF_OPEN);
}

TEST_CASE("4-tuple used again: late segments of the old connection do not enter the new one") {
  Lab lab;
  Dialogue dialogue(lab);
  dialogue.client.write(read_request(1));
  dialogue.run();
  dialogue.client.close();
  dialogue.run();
  dialogue.server.close();
  dialogue.run();
  const std::uint32_t isn = c0 + 90000;  // higher, as RFC 6191 asks
  REQUIRE(lab.send(0, syn(0, isn)).to[1].size() == 1);
  CHECK(lab.send(0, Lab::data(0, 0, write_request(9))).to[1].empty());  // of the old one
  REQUIRE(lab.send(1, syn_ack(777, isn + 1)).to[0].size() == 1);
  CHECK(lab.send(1, Lab::data(1, 0, read_response(1), 12)).to[0].empty());
  Segment ack;
  ack.sequence = isn + 1;
  ack.acknowledgement = 778;
  ack.payload = read_request(2);
  CHECK(lab.send(0, ack).to[1].size() == 1);
  CHECK(lab.flow.state == FlowState::ESTABLISHED);
  CHECK(lab.judged[0].size() == 2);
  Segment late = Lab::data(0, 12, write_request(3));
  CHECK(lab.send(0, late).to[1].empty());
  CHECK(lab.judged[0].size() == 2);
}

TEST_CASE("FIN that comes early is taken in its turn") {
  Lab lab;
  lab.connect();
  Segment fin = Lab::data(0, 6, part(read_request(1), 6));
  fin.flags |= TCP_FIN;
  (void)lab.send(0, fin);
  CHECK_FALSE(lab.flow.tcp.stream[0].fin);
  const Lab::Out out = lab.send(0, Lab::data(0, 0, part(read_request(1), 0, 6)));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload == read_request(1));
  CHECK((out.to[1][0].flags & TCP_FIN) != 0);
}

}  // namespace conduit::tcp_test
