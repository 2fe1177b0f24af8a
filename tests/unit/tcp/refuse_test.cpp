// Refused and discarded PDUs: out of the stream, the reply in its place, the session goes on.
#include <doctest/doctest.h>

#include "tests/unit/tcp/lab.hpp"

namespace conduit::tcp_test {

TEST_CASE("a refused request never leaves, its reply comes back, the session goes on") {
  Lab lab;
  Dialogue dialogue(lab);
  dialogue.client.write(write_request(1));
  dialogue.run();
  CHECK(dialogue.server.inbox.empty());
  CHECK(dialogue.client.inbox == exception(1, 6));
  CHECK(dialogue.client.idle());
  for (std::uint16_t i = 2; i < 6; ++i) {
    dialogue.client.write(read_request(i));
    dialogue.run();
  }
  CHECK(split_adus(dialogue.server.inbox).size() == 4);
  CHECK(split_adus(dialogue.client.inbox).size() == 5);
  CHECK(dialogue.client.idle());
  CHECK(dialogue.server.idle());
  CHECK(lab.flow.tcp.stream[0].edit_count == 0);
  CHECK(lab.flow.tcp.stream[1].edit_count == 0);
  CHECK(lab.pool.in_use() == 0);
}

TEST_CASE("sequence numbers around a refusal, to the letter") {
  Lab lab;
  lab.connect();
  const std::uint32_t c = Lab::base(0);
  const std::uint32_t s = Lab::base(1);
  Lab::Out out = lab.send(0, Lab::data(0, 0, write_request(1)));
  CHECK(out.to[1].empty());  // nothing acknowledged: nothing to say to the server
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].payload == exception(1, 6));
  CHECK(out.to[0][0].sequence == s);
  CHECK(out.to[0][0].acknowledgement == c + 12);  // removed behind what the server has: ours to acknowledge
  // The client acknowledges the reply, which the server has never sent.
  out = lab.send(0, Lab::data(0, 12, {}, 9));
  CHECK(out.to[1].empty());
  // Its next request takes the place of the removed one.
  out = lab.send(0, Lab::data(0, 12, read_request(2), 9));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].sequence == c);
  CHECK(out.to[1][0].acknowledgement == s);
  CHECK(out.to[1][0].payload == read_request(2));
  // The answer stands behind the reply.
  out = lab.send(1, Lab::data(1, 0, read_response(2), 12));
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].sequence == s + 9);
  CHECK(out.to[0][0].acknowledgement == c + 24);
  // A keep-alive of the client, an RST of the server.
  Segment alive = Lab::data(0, 23, {0}, 9 + 13);
  out = lab.send(0, alive);
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].sequence == c + 11);
  CHECK(out.to[1][0].acknowledgement == s + 13);
  CHECK(out.to[1][0].payload.empty());
  Segment rst;
  rst.flags = TCP_RST;
  rst.sequence = s + 13;
  out = lab.send(1, rst);
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].sequence == s + 22);
  CHECK_FALSE(lab.alive());
}

TEST_CASE("the middle of a pipelined burst is refused") {
  Lab lab;
  Dialogue dialogue(lab);
  dialogue.client.write(read_request(1) + write_request(2) + read_request(3));
  dialogue.run();
  CHECK(dialogue.server.inbox == read_request(1) + read_request(3));
  CHECK(split_adus(dialogue.client.inbox).size() == 3);
  CHECK(dialogue.client.idle());
  CHECK(dialogue.server.idle());
}

TEST_CASE("a server that has acknowledged nothing yet: the client does not hear of the removed bytes") {
  Lab lab;
  lab.connect();
  const Lab::Out out = lab.send(0, Lab::data(0, 0, read_request(1) + write_request(2)));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload == read_request(1));
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].acknowledgement == Lab::base(0));
  const Lab::Out ack = lab.send(1, Lab::data(1, 0, {}, 12));
  REQUIRE(ack.to[0].size() == 1);
  CHECK(ack.to[0][0].acknowledgement == Lab::base(0) + 24);
}

TEST_CASE("replies keep the order of their requests where the protocol asks for it") {
  Lab lab;
  lab.protocol.replies_in_order = true;
  lab.track_outstanding = true;
  Dialogue dialogue(lab);
  dialogue.answers = false;
  dialogue.client.write(read_request(1) + write_request(2) + read_request(3));
  dialogue.run();
  CHECK(dialogue.client.inbox.empty());  // waits for the answer to the first
  dialogue.server.write(read_response(1) + read_response(3));
  dialogue.run();
  CHECK(dialogue.client.inbox == read_response(1) + exception(2, 6) + read_response(3));
  CHECK(dialogue.server.idle());
}

TEST_CASE("a reply does not stand inside a response that is under way") {
  Lab lab;
  lab.flow.asset_flags = ASSET_PARTIAL_FORWARD;
  Dialogue dialogue(lab);
  dialogue.answers = false;
  dialogue.server.write(part(read_response(1), 0, 9));
  dialogue.run();
  dialogue.client.write(write_request(2));
  dialogue.run();
  CHECK(dialogue.client.inbox == part(read_response(1), 0, 9));
  dialogue.server.write(part(read_response(1), 9));
  dialogue.run();
  CHECK(dialogue.client.inbox == read_response(1) + exception(2, 6));
}

TEST_CASE("a reply waits for room in the client's window") {
  Lab lab;
  lab.connect();
  Segment request = Lab::data(0, 0, write_request(1));
  lab.flow.tcp.stream[1].edge_r = Lab::base(1);
  request.window = 0;
  Lab::Out out = lab.send(0, request);
  REQUIRE(out.to[0].size() == 1);  // the removed bytes are acknowledged, the reply is not yet there
  CHECK(out.to[0][0].payload.empty());
  out = lab.advance(reply_repeat_ns);
  REQUIRE(out.to[0].size() == 1);  // asks for the window
  CHECK(out.to[0][0].sequence == Lab::base(1) - 1);
  out = lab.send(0, Lab::data(0, 12, {}));
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].payload == exception(1, 6));
}

TEST_CASE(
    "what a reply crowds out of the window is no fault of the server: what fits passes, the rest comes "
    "again") {
  Lab lab;
  lab.window = 20;
  lab.connect();
  Segment request = Lab::data(0, 0, write_request(1));
  request.window = 20;
  (void)lab.send(0, request);  // the reply takes 9 of the 20
  // The server knows nothing of it and uses all of its window.
  const Octets two = read_response(2) + part(read_response(3), 0, 7);
  Lab::Out out = lab.send(1, Lab::data(1, 0, two));
  CHECK(lab.denied.empty());
  Segment acknowledged = Lab::data(0, 12, {}, 9);
  acknowledged.window = 20;
  (void)lab.send(0, acknowledged);
  out = lab.send(1, Lab::data(1, 0, two));
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].sequence == Lab::base(1) + 9);
  CHECK(out.to[0][0].payload == two);
  CHECK(lab.send(1, Lab::data(1, 21, {1, 2, 3})).to[0].empty());  // beyond all that it was told
  CHECK(lab.count(Reason::TCP_OUT_OF_WINDOW) == 1);
}

TEST_CASE("a window that is never as large as the reply gets it in parts") {
  for (std::uint16_t window = 1; window < 9; ++window) {
    CAPTURE(window);
    Lab lab;
    lab.connect();
    lab.flow.tcp.stream[1].edge_r = Lab::base(1) + window;
    Segment segment = Lab::data(0, 0, write_request(1));
    segment.window = window;
    CHECK(lab.send(0, segment).to[0].size() == 1);  // the acknowledgement of the removed bytes
    Octets got;
    Lab::Out out = lab.advance(reply_repeat_ns);
    for (int turn = 0; turn < 10 && !out.to[0].empty(); ++turn) {
      for (const Segment& reply : out.to[0]) {
        CHECK(reply.sequence == Lab::base(1) + got.size());
        CHECK(reply.payload.size() <= window);
        got = got + reply.payload;
      }
      segment = Lab::data(0, 12, {}, static_cast<std::uint32_t>(got.size()));
      segment.window = window;
      out = lab.send(0, segment);
      CHECK(out.to[1].empty());  // the server knows nothing of this
    }
    CHECK(got == exception(1, 6));
    CHECK(lab.flow.timer_ns == timer_never);
    CHECK(lab.context.counters.refusals_sent == 1);
    // The server's own bytes follow in their turn.
    (void)lab.send(0, Lab::data(0, 12, read_request(2), 9));
    out = lab.send(1, Lab::data(1, 0, read_response(2), 12));
    REQUIRE(out.to[0].size() == 1);
    CHECK(out.to[0][0].sequence == Lab::base(1) + 9);
  }
}

TEST_CASE("a part of a reply that was lost is repeated from what was acknowledged") {
  Lab lab;
  lab.connect();
  lab.flow.tcp.stream[1].edge_r = Lab::base(1) + 4;
  Segment segment = Lab::data(0, 0, write_request(1));
  segment.window = 4;
  (void)lab.send(0, segment);
  CHECK(lab.advance(reply_repeat_ns).to[0].size() == 1);  // four octets
  segment = Lab::data(0, 12, {}, 2);                      // two of them have come, the window is wide now
  segment.window = 100;
  Lab::Out out = lab.send(0, segment);
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].sequence == Lab::base(1) + 2);
  CHECK(out.to[0][0].payload == part(exception(1, 6), 2));
  out = lab.advance(lab.flow.timer_ns - lab.context.now_ns);
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].payload == part(exception(1, 6), 2));
  (void)lab.send(0, Lab::data(0, 12, {}, 9));
  CHECK(lab.flow.timer_ns == timer_never);
}

TEST_CASE("a lost reply is repeated until it is acknowledged, then both sides are reset") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, write_request(1)));
  CHECK(lab.advance(reply_repeat_ns - 1).to[0].empty());
  Lab::Out out = lab.advance(1);
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].payload == exception(1, 6));
  CHECK(out.to[0][0].sequence == Lab::base(1));
  SUBCASE("acknowledged") {
    (void)lab.send(0, Lab::data(0, 12, {}, 9));
    CHECK(lab.flow.timer_ns == timer_never);
    CHECK(lab.pool.in_use() == 0);
  }
  SUBCASE("never acknowledged") {
    int repeats = 1;
    while (lab.alive() && repeats < 100) {
      out = lab.advance(lab.flow.timer_ns - lab.context.now_ns);
      ++repeats;
    }
    CHECK(repeats == reply_repeat_max + 1);
    REQUIRE(out.to[0].size() == 1);
    REQUIRE(out.to[1].size() == 1);
    CHECK(out.to[0][0].sequence == Lab::base(1) + 9);
    CHECK(out.to[1][0].sequence == Lab::base(0));
    CHECK(lab.count(Reason::TCP_REPLY_UNACKNOWLEDGED) == 1);
    CHECK(lab.resets_noted == 1);
  }
}

TEST_CASE("the client repeats a refused request: it is not judged again") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, write_request(1)));
  const Lab::Out out = lab.send(0, Lab::data(0, 0, write_request(1)));
  CHECK(lab.judged[0].size() == 1);
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload.empty());
  CHECK(before(out.to[1][0].sequence, Lab::base(0)));  // old: the server says where it stands
}

TEST_CASE("a repetition that spans a removed PDU leaves without it") {
  Lab lab;
  lab.connect();
  const Octets burst = read_request(1) + write_request(2) + read_request(3);
  (void)lab.send(0, Lab::data(0, 0, burst));
  const Lab::Out out = lab.send(0, Lab::data(0, 0, burst));
  Octets got;
  for (const Segment& segment : out.to[1]) got = got + segment.payload;
  CHECK(got == read_request(1) + read_request(3));
  CHECK(lab.judged[0].size() == 3);
}

TEST_CASE("SACK edges move with the stream; a block inside a reply is left out") {
  Lab lab;
  lab.connect();
  const std::uint32_t c = Lab::base(0);
  (void)lab.send(0, Lab::data(0, 0, write_request(1)));
  (void)lab.send(0, Lab::data(0, 12, read_request(2), 9));
  (void)lab.send(0, Lab::data(0, 24, read_request(3), 9));
  Segment ack = Lab::data(1, 0, {}, 0);
  ack.sack = {{c + 12, c + 24}};  // the server has the second of what it was sent
  Lab::Out out = lab.send(1, ack);
  REQUIRE(out.to[0].size() == 1);
  REQUIRE(out.to[0][0].sack.size() == 1);
  CHECK(out.to[0][0].sack[0] == std::pair{c + 24, c + 36});
  CHECK(out.to[0][0].acknowledgement == c + 12);
  (void)lab.send(0, Lab::data(0, 36, write_request(4), 9));
  Segment of_reply = Lab::data(0, 48, {}, 9);
  of_reply.sack = {{Lab::base(1) + 10, Lab::base(1) + 18}};
  of_reply.window = 50000;  // news
  out = lab.send(0, of_reply);
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].sack.empty());
}

TEST_CASE("SACK: blocks are clamped one by one, what remains keeps its place") {
  Lab lab;
  lab.connect();
  const std::uint32_t c = Lab::base(0);
  (void)lab.send(0, Lab::data(0, 0, read_request(1) + write_request(2)));  // 12 … 24 removed
  (void)lab.send(0, Lab::data(0, 24, read_request(3) + read_request(4)));
  Segment ack = Lab::data(1, 0, {}, 0);
  ack.sack = {{c + 6, c + 18}, {c - 40, c - 20}, {c + 30, c + 900}};
  const Lab::Out out = lab.send(1, ack);
  REQUIRE(out.to[0].size() == 1);
  const Segment& left = out.to[0].back();
  REQUIRE(left.sack.size() == 2);
  CHECK(left.sack[0] == std::pair{c + 6, c + 30});   // around the removed request
  CHECK(left.sack[1] == std::pair{c + 42, c + 48});  // nothing behind it has been sent
}

TEST_CASE("many refusals in one flow, one after the other") {
  Lab lab;
  Dialogue dialogue(lab);
  for (std::uint16_t i = 0; i < 100; ++i) {
    dialogue.client.write(i % 3 == 0 ? read_request(i) : write_request(i));
    dialogue.run();
    REQUIRE(dialogue.client.idle());
  }
  CHECK(split_adus(dialogue.client.inbox).size() == 100);
  CHECK(split_adus(dialogue.server.inbox).size() == 34);
  CHECK(lab.pool.in_use() == 0);
}

TEST_CASE("more refusals than the map holds, none acknowledged: both sides are reset") {
  Lab lab;
  lab.connect();
  std::uint32_t offset = 0;
  for (std::uint16_t i = 0; i < 40 && lab.alive(); ++i) {
    (void)lab.send(0, Lab::data(0, offset, read_request(i) + write_request(i)));
    offset += 24;
  }
  CHECK(lab.count(Reason::TCP_MAP_FULL) == 1);
  CHECK_FALSE(lab.alive());
  CHECK(lab.resets_noted == 1);
}

TEST_CASE("part of the PDU has left: REFUSE falls back to RESET") {
  Lab lab;
  lab.connect();
  CHECK(lab.send(0, Lab::data(0, 0, part(write_request(1), 0, 7))).to[1].size() == 1);
  const Lab::Out out = lab.send(0, Lab::data(0, 7, part(write_request(1), 7)));
  REQUIRE(out.to[0].size() == 1);
  REQUIRE(out.to[1].size() == 1);
  CHECK((out.to[0][0].flags & TCP_RST) != 0);
  CHECK(out.to[0][0].sequence == Lab::base(1));
  CHECK((out.to[1][0].flags & TCP_RST) != 0);
  CHECK(out.to[1][0].sequence == Lab::base(0) + 7);
  CHECK_FALSE(lab.alive());
}

TEST_CASE("part of the PDU has left: DISCARD falls back to RESET") {
  Lab lab;
  lab.request_verdict[6] = Verdict::DISCARD;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, part(write_request(1), 0, 7)));
  const Lab::Out out = lab.send(0, Lab::data(0, 7, part(write_request(1), 7)));
  REQUIRE(out.to[1].size() == 1);
  CHECK((out.to[1][0].flags & TCP_RST) != 0);
  CHECK_FALSE(lab.alive());
}

TEST_CASE("a cut refused request is refused in band as long as nothing of it has left") {
  for (std::size_t cut = 8; cut < 12; ++cut) {
    CAPTURE(cut);
    Lab lab;
    Dialogue dialogue(lab);
    dialogue.client.write(part(write_request(1), 0, cut));
    dialogue.client.write(part(write_request(1), cut));
    dialogue.run();
    CHECK(dialogue.server.inbox.empty());
    CHECK(dialogue.client.inbox == exception(1, 6));
    CHECK(dialogue.client.idle());
  }
}

TEST_CASE("discarded: out without a reply, in either direction") {
  Lab lab;
  lab.request_verdict[6] = Verdict::DISCARD;
  lab.response_verdict[6] = Verdict::DISCARD;
  Dialogue dialogue(lab);
  dialogue.client.write(write_request(1));
  dialogue.run();
  CHECK(dialogue.server.inbox.empty());
  CHECK(dialogue.client.idle());  // the engine has said that the bytes are gone
  dialogue.server.write(write_response(9) + read_response(8));
  dialogue.run();
  CHECK(dialogue.client.inbox == read_response(8));
  CHECK(dialogue.server.idle());
  dialogue.client.write(read_request(2));
  dialogue.run();
  CHECK(dialogue.client.inbox == read_response(8) + read_response(2));
}

TEST_CASE("what is discarded behind a reply and as many octets again is a change of its own") {
  Lab lab;
  lab.response_verdict[6] = Verdict::DISCARD;
  lab.connect();
  const Octets refusal = exception(1, 6);
  const Octets error = exception(2, 3);
  REQUIRE(refusal.size() == error.size());
  Lab::Out out = lab.send(0, Lab::data(0, 0, write_request(1)));
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].payload == refusal);  // and nobody acknowledges it
  (void)lab.send(1, Lab::data(1, 0, error));
  const auto place = static_cast<std::uint32_t>(error.size());
  (void)lab.send(1, Lab::data(1, place, write_response(9)));
  const auto gone = static_cast<std::uint32_t>(write_response(9).size());
  out = lab.send(1, Lab::data(1, place + gone, read_response(8)));
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].payload == read_response(8));
  CHECK(out.to[0][0].sequence == Lab::base(1) + 2 * place);
}

TEST_CASE("a body larger than its judged part is discarded to its end") {
  Lab lab;
  lab.request_verdict[6] = Verdict::DISCARD;
  lab.protocol.usual = nullptr;
  lab.protocol.frame = [](Bytes bytes, Role role, Transport transport, const SessionState& session) noexcept {
    Framing framing = modbus_protocol_frame(bytes, role, transport, session);
    if (framing.status == FrameStatus::COMPLETE) framing.judge_size = 8;
    return framing;
  };
  Dialogue dialogue(lab);
  dialogue.client.write_cut(write_request(1) + read_request(2), 9);
  dialogue.run();
  CHECK(dialogue.server.inbox == read_request(2));
  CHECK(dialogue.client.idle());
}

TEST_CASE("a policy that only observes from now on waits until refused bytes are out of the way") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, read_request(1) + write_request(2)));
  lab.flow.observe = true;
  lab.observing = true;
  const Lab::Out out = lab.send(0, Lab::data(0, 0, read_request(1) + write_request(2)));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload == read_request(1));  // what was answered in its place does not arrive later
  (void)lab.send(1, Lab::data(1, 0, {}, 12));
  (void)lab.send(0, Lab::data(0, 24, {}, 9));
  CHECK(lab.send(0, Lab::data(0, 24, write_request(3), 9)).to[1].size() == 1);
  CHECK(lab.flow.tcp.follow == Follow::OBSERVED);
}

TEST_CASE("DROP: silence to the sender, RST to the receiver") {
  Lab lab;
  lab.request_verdict[6] = Verdict::DROP;
  lab.connect();
  Lab::Out out = lab.send(0, Lab::data(0, 0, write_request(1)));
  CHECK(out.to[0].empty());
  REQUIRE(out.to[1].size() == 1);
  CHECK((out.to[1][0].flags & TCP_RST) != 0);
  CHECK(out.to[1][0].sequence == Lab::base(0));
  out = lab.send(0, Lab::data(0, 0, write_request(1)));
  CHECK(out.to[0].empty());
  CHECK(out.to[1].empty());
  CHECK(lab.judged[0].size() == 1);
}

TEST_CASE("RESET: exact numbers on both sides, although a permitted PDU stands before") {
  Lab lab;
  lab.request_verdict[6] = Verdict::RESET;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, read_request(1)));
  const Lab::Out out = lab.send(0, Lab::data(0, 12, write_request(2)));
  REQUIRE(out.to[0].size() == 1);
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[0][0].sequence == Lab::base(1));
  CHECK(out.to[1][0].sequence == Lab::base(0) + 12);
  CHECK(lab.resets_noted == 1);
  CHECK(lab.pool.in_use() == 0);
}

TEST_CASE("RESET, DROP, no PDU, stump: permitted PDUs of the same segment leave first") {
  const Octets good = read_request(1);
  const auto check = [&good](Verdict verdict, const Octets& bad, std::uint8_t flags) {
    Lab lab;
    lab.request_verdict[6] = verdict;
    lab.connect();
    Segment segment = Lab::data(0, 0, good + bad);
    segment.flags |= flags;
    const Lab::Out out = lab.send(0, segment);
    REQUIRE(out.to[1].size() == 2);
    CHECK(out.to[1][0].payload == good);
    CHECK((out.to[1][1].flags & TCP_RST) != 0);
    CHECK(out.to[1][1].sequence == Lab::base(0) + 12);
    CHECK(lab.resets_noted == 1);
    CHECK(lab.pool.in_use() == 0);
  };
  check(Verdict::RESET, write_request(2), 0);
  check(Verdict::DROP, write_request(2), 0);
  check(Verdict::RESET, {0, 2, 7, 7, 0, 6}, 0);
  check(Verdict::RESET, part(read_request(2), 0, 9), TCP_FIN);
}

TEST_CASE("RESET: the reply to a request refused just before leaves first") {
  Lab lab;
  lab.request_verdict[16] = Verdict::RESET;
  lab.connect();
  Octets bad = write_request(2);
  bad[7] = 16;
  const Lab::Out out = lab.send(0, Lab::data(0, 0, write_request(1) + bad));
  REQUIRE(out.to[0].size() == 2);
  CHECK(out.to[0][0].payload == exception(1, 6));
  CHECK((out.to[0][1].flags & TCP_RST) != 0);
  CHECK(out.to[0][1].sequence == Lab::base(1) + 9);
  CHECK(lab.pool.in_use() == 0);
}

TEST_CASE("a quoted number is put back into its sender's numbers") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, write_request(1)));
  (void)lab.send(0, Lab::data(0, 12, read_request(2), 9));
  Octets quoted(8);
  store_u32be(&quoted[4], Lab::base(0));  // as the server's side saw the second request
  CHECK(tcp_map_quote(lab.context, lab.flow, 0, quoted));
  CHECK(load_u32be(&quoted[4]) == Lab::base(0) + 12);
}

TEST_CASE("octets that are quoted across a refused request never stood behind one another: no quote") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, read_request(1) + write_request(2) + read_request(3)));
  Octets quoted(20, 0);
  store_u32be(&quoted[4], Lab::base(0) + 8);
  quoted[12] = 0x50;  // header of 20 octets
  Octets within = quoted + part(read_request(1), 8, 3);
  CHECK(tcp_map_quote(lab.context, lab.flow, 0, within));
  CHECK(load_u32be(&within[4]) == Lab::base(0) + 8);
  Octets across = quoted + part(read_request(1), 8) + part(read_request(3), 0, 4);
  CHECK_FALSE(tcp_map_quote(lab.context, lab.flow, 0, across));
}

TEST_CASE("the server's window is not overrun by what the engine inserts") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, write_request(1)));
  Segment request = Lab::data(0, 12, read_request(2), 0);  // has not seen the reply
  request.window = 100;
  const Lab::Out out = lab.send(0, request);
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].window == 91);
}

TEST_CASE("refused: what waited for a gap has no more room than the reply has left in the client's window") {
  Lab lab;
  lab.window = 15;
  lab.connect();
  Segment request = Lab::data(0, 0, read_request(1));
  request.window = 15;
  (void)lab.send(0, request);
  CHECK(lab.send(1, Lab::data(1, 2, part(read_response(1), 2), 12)).to[0].size() == 1);  // early
  Segment write = Lab::data(0, 12, write_request(2));
  write.window = 15;
  Lab::Out out = lab.send(0, write);
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].payload == exception(2, 6));
  out = lab.send(1, Lab::data(1, 0, part(read_response(1), 0, 2), 12));
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].sequence == Lab::base(1) + 9);
  CHECK(out.to[0][0].payload == part(read_response(1), 0, 6));
  Segment room = Lab::data(0, 24, {}, 15);
  room.window = 100;
  (void)lab.send(0, room);
  out = lab.send(1, Lab::data(1, 2, part(read_response(1), 2), 12));
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].sequence == Lab::base(1) + 15);
  CHECK(out.to[0][0].payload == part(read_response(1), 6));
}

}  // namespace conduit::tcp_test
