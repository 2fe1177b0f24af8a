// Streams that were edited, and segments of the engine's own, under what does not come in order: old
// acknowledgements, clocks that wrap, ends within a reply, and openings that few stacks use.
#include <doctest/doctest.h>

#include "tests/unit/tcp/lab.hpp"

namespace conduit::tcp_test {
namespace {

struct Opening {
  std::optional<std::uint32_t> stamp[2]{};
  std::optional<std::uint8_t> scale{};
};

void open(Lab& lab, const Opening& opening) {
  Segment syn;
  syn.sequence = Lab::isn[0];
  syn.flags = TCP_SYN;
  syn.timestamp = opening.stamp[0];
  syn.scale = opening.scale;
  syn.window = lab.window;
  (void)lab.send(0, syn);
  Segment answer;
  answer.sequence = Lab::isn[1];
  answer.acknowledgement = Lab::base(0);
  answer.flags = TCP_SYN | TCP_ACK;
  answer.timestamp = opening.stamp[1];
  answer.scale = opening.scale;
  (void)lab.send(1, answer);
  Segment ack = Lab::data(0, 0, {});
  ack.timestamp = opening.stamp[0];
  ack.window = lab.window;
  (void)lab.send(0, ack);
}

Segment windowed(Segment segment, std::uint16_t window) {
  segment.window = window;
  return segment;
}

Segment stamped(Segment segment, std::uint32_t timestamp) {
  segment.timestamp = timestamp;
  return segment;
}

}  // namespace

TEST_CASE("an acknowledgement that comes late tells of no more room than its receiver has") {
  Lab lab;
  lab.window = 109;
  lab.connect();
  (void)lab.send(0, windowed(Lab::data(0, 0, write_request(1)), 109));
  Lab::Out out = lab.send(0, windowed(Lab::data(0, 12, read_request(2), 9), 100));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].window == 100);
  // Of the moment before: the same edge, counted from an older number.
  out = lab.send(0, windowed(Lab::data(0, 12, {}), 109));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].acknowledgement == Lab::base(1));
  CHECK(out.to[1][0].window == 100);
  // Of a longer time before, when there was less room: none is left of it.
  out = lab.send(0, windowed(Lab::data(0, 12, {}), 5));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].window == 0);
}

TEST_CASE("who is asked where he stands is told of no more room than the other side has") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, windowed(Lab::data(0, 0, read_request(1)), 200));
  (void)lab.send(1, Lab::data(1, 0, read_response(1), 12));
  (void)lab.send(0, windowed(Lab::data(0, 12, {}, 11), 189));
  (void)lab.send(0, windowed(Lab::data(0, 0, read_request(1)), 200));  // comes late
  Segment anew;
  anew.sequence = 777777;
  anew.flags = TCP_SYN;
  const Lab::Out asked = lab.send(0, anew);
  REQUIRE(asked.to[1].size() == 1);
  CHECK(asked.to[1][0].acknowledgement == Lab::base(1) + 11);
  CHECK(asked.to[1][0].window == 189);
}

TEST_CASE("a clock that wraps: time stamps behind the wrap are new, those before it old") {
  Lab lab;
  open(lab, {.stamp = {0xFFFFFFF0, 7}});
  CHECK(lab.send(0, stamped(Lab::data(0, 0, read_request(1)), 0xFFFFFFF8)).to[1].size() == 1);
  CHECK(lab.send(0, stamped(Lab::data(0, 12, read_request(2)), 4)).to[1].size() == 1);
  CHECK(lab.send(0, stamped(Lab::data(0, 24, read_request(3)), 0xFFFFFFFC)).to[1].empty());
  CHECK(lab.count(Reason::TCP_TIMESTAMP_OLD) == 1);
  CHECK(lab.send(0, stamped(Lab::data(0, 24, read_request(3)), 5)).to[1].size() == 1);
}

TEST_CASE("the time stamp of a segment that comes early does not make those before it old") {
  Lab lab;
  open(lab, {.stamp = {100, 7}});
  (void)lab.send(0, stamped(Lab::data(0, 12, read_request(2)), 200));  // waits
  const Lab::Out out = lab.send(0, stamped(Lab::data(0, 0, read_request(1)), 150));
  CHECK(lab.count(Reason::TCP_TIMESTAMP_OLD) == 0);
  Octets left;
  for (const Segment& segment : out.to[1]) left = left + segment.payload;
  CHECK(left == read_request(1) + read_request(2));
}

TEST_CASE("an RST behind a reply of which a part has left has the number of that part's end") {
  Lab lab;
  lab.connect();
  lab.flow.tcp.stream[1].edge_r = Lab::base(1) + 4;
  (void)lab.send(0, windowed(Lab::data(0, 0, write_request(1)), 4));
  Lab::Out out = lab.advance(reply_repeat_ns);
  REQUIRE(out.to[0].size() == 1);
  REQUIRE(out.to[0][0].payload.size() == 4);
  Segment rst;
  rst.flags = TCP_RST;
  rst.sequence = Lab::base(1);
  out = lab.send(1, rst);
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].sequence == Lab::base(1) + 4);
}

TEST_CASE(
    "an RST in front of a reply that nobody has acknowledged has the number that its receiver stands at") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, write_request(1)));  // the reply is lost …
  (void)lab.send(1, Lab::data(1, 0, read_response(9)));  // … and so is what the server says
  Segment rst;                                           // it has forgotten the connection, and
  rst.flags = TCP_RST;                                   // answers what the client acknowledged
  rst.sequence = Lab::base(1);
  const Lab::Out out = lab.send(1, rst);
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].sequence == Lab::base(1));
}

TEST_CASE("what a reply crowds out is no fault of the server where windows are scaled") {
  Lab lab;
  lab.window = 10;
  open(lab, {.scale = 3});
  (void)lab.send(0, windowed(Lab::data(0, 0, write_request(1)), 10));
  (void)lab.send(0, windowed(Lab::data(0, 12, {}, 9), 20));  // 160 octets: so the server is told
  (void)lab.send(0, windowed(Lab::data(0, 12, write_request(2), 9), 20));
  Octets all;
  for (std::uint16_t i = 0; i < 12; ++i) all = all + read_response(i);
  const Lab::Out out = lab.send(1, Lab::data(1, 0, all + part(read_response(12), 0, 4)));
  CHECK(lab.denied.empty());
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].payload == part(all, 0, 143));  // what there is room for, in whole PDUs
}

TEST_CASE("a client that acknowledges a part of the reply and ends: the rest comes again, the end goes on") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, write_request(2)));
  Segment fin = Lab::data(0, 12, {}, 4);  // 4 of the reply's 9 octets
  fin.flags |= TCP_FIN;
  Lab::Out out = lab.send(0, fin);
  REQUIRE(out.to[1].size() == 1);
  CHECK((out.to[1][0].flags & TCP_FIN) != 0);
  CHECK(out.to[1][0].sequence == Lab::base(0));
  CHECK(out.to[1][0].acknowledgement == Lab::base(1));
  out = lab.advance(2 * reply_repeat_ns);
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].sequence == Lab::base(1) + 4);
  CHECK(out.to[0][0].payload == part(exception(2, 6), 4));
  CHECK(lab.send(0, Lab::data(0, 13, {}, 9)).to[1].empty());
  CHECK(lab.flow.timer_ns == timer_never);
}

TEST_CASE("a closed connection is not opened anew by a SYN that is denied") {
  Lab lab;
  lab.connect();
  for (const Side side : {Side{0}, Side{1}}) {
    Segment fin = Lab::data(side, 0, {}, side == 0 ? 0 : 1);
    fin.flags |= TCP_FIN;
    (void)lab.send(side, fin);
  }
  REQUIRE(lab.flow.state == FlowState::CLOSING);
  Segment syn;
  syn.sequence = Lab::isn[0] + 100'000;
  syn.flags = TCP_SYN;
  syn.payload = write_request(1);
  CHECK(lab.send(0, syn).to[1].empty());
  CHECK(lab.count(Reason::TCP_SYN_DATA) == 1);
  CHECK(lab.flow.state == FlowState::CLOSING);  // it takes no place of half-open ones
  syn.payload.clear();
  CHECK(lab.send(0, syn).to[1].size() == 1);
  CHECK(lab.flow.state == FlowState::HALF_OPEN);
}

TEST_CASE("both sides open at once, and a request is refused") {
  Lab lab;
  for (const Side side : {Side{0}, Side{1}}) {
    Segment syn;
    syn.sequence = Lab::isn[side];
    syn.flags = TCP_SYN;
    CHECK(lab.send(side, syn).to[other(side)].size() == 1);
  }
  for (const Side side : {Side{0}, Side{1}}) {
    Segment answer;
    answer.sequence = Lab::isn[side];
    answer.acknowledgement = Lab::base(other(side));
    answer.flags = TCP_SYN | TCP_ACK;
    CHECK(lab.send(side, answer).to[other(side)].size() == 1);
  }
  (void)lab.send(0, Lab::data(0, 0, {}));
  (void)lab.send(1, Lab::data(1, 0, {}));
  CHECK(lab.send(0, Lab::data(0, 0, read_request(1))).to[1].size() == 1);
  Lab::Out out = lab.send(0, Lab::data(0, 12, write_request(2)));
  CHECK(out.to[1].empty());
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].payload == exception(2, 6));
  out = lab.send(1, Lab::data(1, 0, read_response(1), 12));
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].sequence == Lab::base(1) + 9);
}

}  // namespace conduit::tcp_test
