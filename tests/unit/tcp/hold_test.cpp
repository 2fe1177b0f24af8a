// Law 1: the byte that completes a PDU never leaves before the PDU was permitted, and nobody is stalled by
// it.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/tcp/lab.hpp"

namespace conduit::tcp_test {

TEST_CASE("of a cut segment whole PDUs go on, the tail is held, and comes with its rest") {
  Lab lab;
  lab.connect();
  const Octets first = read_request(1) + part(read_request(2), 0, 10);
  Lab::Out out = lab.send(0, Lab::data(0, 0, first));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload == read_request(1));
  CHECK(out.to[0].empty());  // nothing is acknowledged in the server's name
  CHECK(lab.context.counters.tails_held == 1);
  out = lab.send(0, Lab::data(0, 22, part(read_request(2), 10)));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].sequence == Lab::base(0) + 12);
  CHECK(out.to[1][0].payload == read_request(2));
  CHECK(out.to[1][0].flags == (TCP_ACK | TCP_PSH));
}

TEST_CASE("a tail of framing only passes at once: header and body in two writes") {
  Lab lab;
  lab.connect();
  Lab::Out out = lab.send(0, Lab::data(0, 0, part(read_request(1), 0, 7)));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload.size() == 7);
  out = lab.send(0, Lab::data(0, 7, part(read_request(1), 7)));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload.size() == 5);
  CHECK(lab.judged[0] == std::vector<Octets>{read_request(1)});
}

TEST_CASE("header and body from a sender with Nagle: no stall beyond the network's own") {
  Lab lab;
  Dialogue dialogue(lab);
  dialogue.client.one_in_flight = true;  // the body waits for the header's acknowledgement
  dialogue.client.write(part(read_request(1), 0, 7));
  dialogue.client.write(part(read_request(1), 7));
  dialogue.run();  // no time passes, nothing is repeated
  CHECK(dialogue.server.inbox == read_request(1));
  CHECK(dialogue.client.inbox == read_response(1));
}

TEST_CASE("a sender with one segment in flight, cut within the operation: released on its repetition") {
  for (std::size_t cut = 8; cut < 12; ++cut) {
    CAPTURE(cut);
    Lab lab;
    Dialogue dialogue(lab);
    dialogue.client.one_in_flight = true;
    dialogue.client.mss = cut;
    dialogue.client.write(read_request(1));
    dialogue.run();
    CHECK(dialogue.server.inbox.empty());
    dialogue.client.repeat();
    dialogue.run();
    CHECK(dialogue.server.inbox == read_request(1));
    CHECK(lab.context.counters.tails_released == 1);
  }
}

TEST_CASE("a repetition of what has left does not release the tail behind it") {
  Lab lab;
  lab.connect();
  const Octets head = read_request(1);
  (void)lab.send(0, Lab::data(0, 0, head + part(read_request(2), 0, 10)));
  const Lab::Out out = lab.send(0, Lab::data(0, 0, head));
  for (const auto& left : out.to[1]) CHECK(left.payload.size() <= head.size());
  CHECK(lab.context.counters.tails_released == 0);
  CHECK(lab.context.counters.tails_held == 1);
}

TEST_CASE("byte by byte, one in flight: a denied request never gets its last byte") {
  Lab lab;
  Dialogue dialogue(lab);
  dialogue.client.one_in_flight = true;
  dialogue.client.mss = 1;
  dialogue.client.write(write_request(1));
  for (int i = 0; i < 50; ++i) {
    dialogue.run();
    CHECK(dialogue.server.inbox.size() < 12);
    dialogue.client.repeat();
  }
  CHECK(dialogue.server.inbox == part(write_request(1), 0, 11));
  CHECK(dialogue.server.reset);
  CHECK(dialogue.client.reset);
  CHECK_FALSE(lab.alive());
}

TEST_CASE("partial: FORWARD lets all but the completing byte go at once") {
  Lab lab;
  lab.flow.asset_flags = ASSET_PARTIAL_FORWARD;
  lab.connect();
  Lab::Out out = lab.send(0, Lab::data(0, 0, part(write_request(1), 0, 11)));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload.size() == 11);
  out = lab.send(0, Lab::data(0, 11, part(write_request(1), 11)));
  for (const Segment& segment : out.to[1]) CHECK(segment.payload.empty());
  CHECK_FALSE(lab.alive());
}

TEST_CASE("the rest of a PDU whose head has left is never judged as a PDU of its own") {
  Lab lab;
  lab.request_verdict[16] = Verdict::REFUSE;
  lab.flow.asset_flags = ASSET_PARTIAL_FORWARD;
  lab.connect();
  Octets denied{0, 1, 0, 0, 0, 19, 1, 16, 0, 0, 0, 6, 12};
  denied = denied + read_request(7);  // what it writes reads like a permitted request
  CHECK(lab.send(0, Lab::data(0, 0, part(denied, 0, 13))).to[1].size() == 1);
  const Lab::Out out = lab.send(0, Lab::data(0, 13, part(denied, 13)));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload.empty());
  CHECK((out.to[1][0].flags & TCP_RST) != 0);
  CHECK_FALSE(lab.alive());
}

namespace {

// A write of 12 registers whose values hold `hidden` at octet `at` of the ADU.
Octets write_around(const Octets& hidden, std::size_t at) {
  Octets adu{0, 2, 0, 0, 0, 31, 1, 16, 0, 100, 0, 12, 24};
  adu.resize(37, 1);
  std::copy(hidden.begin(), hidden.end(), adu.begin() + static_cast<std::ptrdiff_t>(at));
  return adu;
}

// Sends a piece, and once more, so that it is released. How far the stream has left.
std::size_t send_twice(Lab& lab, std::size_t offset, const Octets& piece) {
  std::size_t left = 0;
  for (int turn = 0; turn < 2 && lab.alive(); ++turn) {
    const Lab::Out out = lab.send(0, Lab::data(0, static_cast<std::uint32_t>(offset), piece));
    for (const Segment& segment : out.to[1]) {
      if (!segment.payload.empty())
        left = std::max(left, segment.sequence - Lab::base(0) + segment.payload.size());
    }
  }
  return left;
}

}  // namespace

TEST_CASE("behind a part that has left, nothing follows that reads as another PDU") {
  // What a server that gave up the first octets would take for a request, whatever its protocol identifier.
  for (const std::uint8_t protocol : {std::uint8_t{0}, std::uint8_t{9}}) {
    for (std::size_t cut = 13; cut <= 25; ++cut) {
      CAPTURE(cut);
      Lab lab;
      lab.connect();
      Octets hidden = write_request(7);
      hidden[2] = protocol;
      const Octets adu = write_around(hidden, cut);
      CHECK(send_twice(lab, 0, part(adu, 0, cut)) == cut);
      const Lab::Out out = lab.send(0, Lab::data(0, static_cast<std::uint32_t>(cut), part(adu, cut)));
      for (const Segment& segment : out.to[1]) CHECK(segment.payload.empty());
      CHECK_FALSE(lab.alive());
    }
  }
}

TEST_CASE("the same in smaller and smaller pieces: the hidden PDU never leaves whole") {
  for (std::size_t size = 1; size <= 12; ++size) {
    CAPTURE(size);
    Lab lab;
    lab.connect();
    const std::size_t cut = 13;
    const Octets adu = write_around(write_request(7), cut);
    std::size_t left = send_twice(lab, 0, part(adu, 0, cut));
    for (std::size_t at = cut; at < adu.size() && lab.alive(); at += size)
      left = std::max(left, send_twice(lab, at, part(adu, at, size)));
    CHECK_FALSE(lab.alive());
    CHECK(left < cut + 12);
  }
}

TEST_CASE("a part of a request whose length some servers do not know is not followed by the rest") {
  const Octets adu{0, 1, 0, 0, 0, 17, 1, 20, 14, 6, 0, 1, 0, 0, 0, 1, 6, 3, 132, 4, 210, 0, 1};
  for (std::size_t cut = 8; cut < adu.size(); ++cut) {
    CAPTURE(cut);
    Lab lab;
    lab.connect();
    CHECK(send_twice(lab, 0, part(adu, 0, cut)) == cut);
    const Lab::Out out = lab.send(0, Lab::data(0, static_cast<std::uint32_t>(cut), part(adu, cut)));
    for (const Segment& segment : out.to[1]) CHECK(segment.payload.empty());
    CHECK_FALSE(lab.alive());
  }
}

TEST_CASE(
    "what does not read as another PDU follows its part; so does anything where the asset takes parts") {
  for (const bool declared : {false, true}) {
    Lab lab;
    if (declared) lab.flow.asset_flags = ASSET_PARTIAL_FORWARD;
    lab.connect();
    const Octets adu = write_around(declared ? write_request(7) : Octets(12, 0), 13);
    CHECK(send_twice(lab, 0, part(adu, 0, 13)) == 13);
    const Lab::Out out = lab.send(0, Lab::data(0, 13, part(adu, 13)));
    REQUIRE(out.to[1].size() == 1);
    CHECK(out.to[1][0].payload == part(adu, 13));
    CHECK(lab.alive());
  }
}

TEST_CASE("behind a request that has left in parts nothing follows before it is answered") {
  Lab lab;
  lab.connect();
  CHECK(send_twice(lab, 0, part(read_request(1), 0, 8)) == 8);
  lab.flow.outstanding_count = 1;
  const Octets rest = part(read_request(1), 8);
  CHECK(lab.send(0, Lab::data(0, 8, rest)).to[1].at(0).payload == rest);
  for (const Segment& segment : lab.send(0, Lab::data(0, 12, read_request(2))).to[1])
    CHECK(segment.payload.empty());
  lab.flow.outstanding_count = 0;
  CHECK(lab.send(0, Lab::data(0, 12, read_request(2))).to[1].at(0).payload == read_request(2));
}

TEST_CASE("partial: HOLD resets instead of releasing") {
  Lab lab;
  lab.flow.asset_flags = ASSET_PARTIAL_HOLD;
  lab.connect();
  CHECK(lab.send(0, Lab::data(0, 0, part(read_request(1), 0, 10))).to[1].empty());
  const Lab::Out out = lab.send(0, Lab::data(0, 0, part(read_request(1), 0, 10)));
  CHECK(lab.count(Reason::TCP_HOLD_TIMEOUT) == 1);
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].flags == (TCP_RST | TCP_ACK));
  CHECK_FALSE(lab.alive());
}

TEST_CASE("a tail that is held too long resets the flow") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, part(read_request(1), 0, 10)));
  CHECK(lab.flow.timer_ns == lab.context.now_ns + lab.context.config.limits.hold_ns);
  (void)lab.advance(lab.context.config.limits.hold_ns - 1);
  CHECK(lab.alive());
  const Lab::Out out = lab.advance(1);
  CHECK_FALSE(lab.alive());
  CHECK(lab.count(Reason::TCP_HOLD_TIMEOUT) == 1);
  REQUIRE(out.to[0].size() == 1);
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].sequence == Lab::base(0));
  CHECK(lab.pool.in_use() == 0);
}

TEST_CASE("the acknowledgement in a segment whose bytes are held goes on") {
  Lab lab;
  lab.connect();
  (void)lab.send(1, Lab::data(1, 0, read_response(1)));
  Lab::Out out = lab.send(0, Lab::data(0, 0, part(read_request(1), 0, 10), 13));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload.empty());
  CHECK(out.to[1][0].sequence == Lab::base(0));
  CHECK(out.to[1][0].acknowledgement == Lab::base(1) + 13);
  out = lab.send(0, Lab::data(0, 10, {}, 13));  // a pure ACK of a sender that believes to be further
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].sequence == Lab::base(0));
}

TEST_CASE("what is held leaves in segments that the path is known to carry") {
  Lab lab;
  lab.protocol.usual = nullptr;
  lab.protocol.frame = [](Bytes bytes, Role, Transport, const SessionState&) noexcept {
    Framing framing;  // one PDU of 2000 octets, judged as a whole
    framing.status = bytes.size() < 8 ? FrameStatus::INCOMPLETE : FrameStatus::COMPLETE;
    framing.pdu_size = framing.judge_size = 2000;
    return framing;
  };
  lab.connect();
  Octets pdu(2000, 3);
  for (std::size_t at = 0; at < 1900; at += 100) {
    CHECK(lab.send(0, Lab::data(0, static_cast<std::uint32_t>(at), part(pdu, at, 100))).to[1].empty());
  }
  const Lab::Out out = lab.send(0, Lab::data(0, 1900, part(pdu, 1900)));
  Octets got;
  for (const Segment& segment : out.to[1]) {
    CHECK(segment.payload.size() <= segment_size_safe);
    CHECK(segment.sequence == Lab::base(0) + got.size());
    got = got + segment.payload;
  }
  CHECK(got == pdu);
  CHECK(out.to[1].size() == 4);
}

TEST_CASE("every MSS from 0 to 65535: what was held leaves whole, in segments that arrive") {
  for (const int mss : {0, 1, 63, 127, 128, 129, 535, 536, 537, 1460, 8960, 65535}) {
    CAPTURE(mss);
    Lab lab;
    lab.connect();
    lab.flow.tcp.aside[1].syn.mss = static_cast<std::uint16_t>(mss);
    Octets many;
    for (std::uint16_t i = 0; i < 60; ++i) many = many + read_request(i);
    (void)lab.send(0, Lab::data(0, 1, part(many, 1, 359)));  // early, the largest segment that has come
    (void)lab.send(0, Lab::data(0, 360, part(many, 360)));
    Octets got;
    for (const Segment& segment : lab.send(0, Lab::data(0, 0, part(many, 0, 1))).to[1]) {
      const std::size_t limit =
          mss == 0 ? 536 : std::clamp<std::size_t>(static_cast<std::size_t>(mss), 128, 536);
      CHECK(segment.payload.size() <= std::max<std::size_t>(limit, 360));
      got = got + segment.payload;
    }
    CHECK(got == many);
  }
}

TEST_CASE("a receiver that asks for segments of one octet does not make the engine flood it") {
  Lab lab;
  lab.connect();
  lab.flow.tcp.aside[1].syn.mss = 1;
  Octets many;
  for (std::uint16_t i = 0; i < 40; ++i) many = many + read_request(i);
  (void)lab.send(0, Lab::data(0, 1, part(many, 1)));
  const Lab::Out out = lab.send(0, Lab::data(0, 0, part(many, 0, 1)));
  CHECK(out.to[1].size() <= 1 + many.size() / segment_size_min);
}

TEST_CASE("a PDU larger than its judged part: head judged, then the body streams") {
  Lab lab;
  lab.protocol.usual = nullptr;
  lab.protocol.frame = [](Bytes bytes, Role, Transport, const SessionState&) noexcept {
    Framing framing;
    framing.status = bytes.size() < 8 ? FrameStatus::INCOMPLETE : FrameStatus::COMPLETE;
    framing.pdu_size = 30;
    framing.judge_size = 10;
    return framing;
  };
  lab.connect();
  Octets pdu(30, 3);
  CHECK(lab.send(0, Lab::data(0, 0, part(pdu, 0, 9))).to[1].empty());
  Lab::Out out = lab.send(0, Lab::data(0, 9, part(pdu, 9, 6)));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload.size() == 15);
  out = lab.send(0, Lab::data(0, 15, part(pdu, 15) + part(pdu, 0, 12)));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload.size() == 27);
  CHECK(lab.judged[0].size() == 2);
  CHECK(lab.judged[0][0].size() == 10);
}

TEST_CASE("bytes that are no PDU reset the flow") {
  Lab lab;
  lab.connect();
  const Lab::Out out = lab.send(0, Lab::data(0, 0, {'G', 'E', 'T', ' ', '/', ' ', 'H', 'T'}));
  CHECK(lab.malformed == 1);
  REQUIRE(out.to[1].size() == 1);
  CHECK((out.to[1][0].flags & TCP_RST) != 0);
  CHECK(lab.resets_noted == 1);
}

TEST_CASE("a PDU that cannot be held whole resets the flow") {
  Lab lab;
  lab.protocol.usual = nullptr;
  lab.protocol.frame = [](Bytes, Role, Transport, const SessionState&) noexcept {
    Framing framing;
    framing.status = FrameStatus::INCOMPLETE;
    framing.need_size = 100000;
    return framing;
  };
  lab.connect();
  std::uint32_t at = 0;
  for (; lab.alive() && at < 20000; at += 1000) (void)lab.send(0, Lab::data(0, at, Octets(1000, 1)));
  CHECK(at == (held_size_max / 1000 + 1) * 1000);
  CHECK(lab.count(Reason::TCP_HOLD_FULL) == 1);
}

TEST_CASE("after a swap a held PDU is judged by the newest policy, once") {
  Lab lab;
  lab.connect();
  CHECK(lab.send(0, Lab::data(0, 0, part(read_request(1), 0, 10))).to[1].empty());
  lab.request_verdict[3] = Verdict::RESET;
  (void)lab.send(0, Lab::data(0, 10, part(read_request(1), 10)));
  CHECK_FALSE(lab.alive());
  CHECK(lab.judged[0].size() == 1);
}

}  // namespace conduit::tcp_test
