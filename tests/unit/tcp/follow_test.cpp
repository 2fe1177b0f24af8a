// Flows that are only observed, opaque flows, and connections joined in mid-stream.
#include <doctest/doctest.h>

#include <random>

#include "tests/unit/tcp/lab.hpp"

namespace conduit::tcp_test {

TEST_CASE("observed: everything passes as it came, PDUs are judged all the same") {
  Lab lab;
  lab.flow.observe = true;
  lab.observing = true;
  Dialogue dialogue(lab);
  const Octets all = read_request(1) + write_request(2) + read_request(3);
  dialogue.client.write_cut(all, 5);
  dialogue.run();
  CHECK(dialogue.server.inbox == all);
  CHECK(lab.judged[0] == split_adus(all));
  CHECK(split_adus(dialogue.client.inbox).size() == 3);
  CHECK(lab.pool.in_use() == 0);
}

TEST_CASE("observed: bytes that are no PDU, and gaps, end the following once") {
  Lab lab;
  lab.flow.observe = true;
  lab.observing = true;
  lab.connect();
  SUBCASE("malformed") {
    CHECK(lab.send(0, Lab::data(0, 0, Octets(20, 9))).to[1].size() == 1);
    CHECK(lab.send(0, Lab::data(0, 20, Octets(20, 9))).to[1].size() == 1);
    CHECK(lab.malformed == 1);
  }
  SUBCASE("gap") {
    CHECK(lab.send(0, Lab::data(0, 12, read_request(2))).to[1].size() == 1);
    CHECK(lab.send(0, Lab::data(0, 36, read_request(2))).to[1].size() == 1);
    CHECK(lab.count(Reason::TCP_STREAM_GAP) == 1);
  }
  CHECK(lab.judged[0].empty());
  CHECK(lab.alive());
}

TEST_CASE("an observed connection lives on behind a SYN that its server does not take") {
  Lab lab;
  lab.flow.observe = true;
  lab.observing = true;
  lab.connect();
  CHECK(lab.send(0, Lab::data(0, 0, read_request(1))).to[1].size() == 1);
  Segment syn;
  syn.flags = TCP_SYN;
  syn.sequence = Lab::isn[0];
  SUBCASE("it is the first one, come again") {}
  SUBCASE("it is another one") { syn.sequence = 777777; }
  CHECK(lab.send(0, syn).to[1].size() == 1);
  CHECK(lab.count(Reason::TCP_CHALLENGED) == 1);
  const Lab::Out out = lab.send(1, Lab::data(1, 0, read_response(1), 12));
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].payload == read_response(1));
  CHECK(lab.send(0, Lab::data(0, 12, read_request(2), 29)).to[1].size() == 1);
  CHECK(lab.flow.state == FlowState::ESTABLISHED);
}

TEST_CASE("observed, then enforced: from the next PDU on; a flow that was lost sight of is reset") {
  Lab lab;
  lab.flow.observe = true;
  lab.observing = true;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, write_request(1) + part(read_request(2), 0, 10)));
  lab.flow.observe = false;
  ++lab.flow.classification;
  lab.observing = false;
  SUBCASE("followed") {
    CHECK(lab.send(0, Lab::data(0, 22, part(read_request(2), 10))).to[1].size() == 1);
    const Lab::Out out = lab.send(0, Lab::data(0, 24, write_request(3)));
    CHECK(out.to[1].empty());
    REQUIRE(out.to[0].size() == 1);
    CHECK(out.to[0][0].payload == exception(3, 6));
  }
  SUBCASE("its receiver may have taken other bytes than were followed") {
    lab.flow.observe = true;
    lab.observing = true;
    SUBCASE("repeated differently") {
      CHECK(lab.send(0, Lab::data(0, 0, write_request(7))).to[1].size() == 1);
      CHECK(lab.count(Reason::TCP_RETRANSMISSION_DIFFERS) == 1);
    }
    SUBCASE("repeated differently, with more behind it") {
      const Octets more = write_request(7) + part(read_request(2), 0, 11);
      CHECK(lab.send(0, Lab::data(0, 0, more)).to[1].size() == 1);
      CHECK(lab.count(Reason::TCP_RETRANSMISSION_DIFFERS) == 1);
    }
    SUBCASE("denied, and forwarded all the same") {
      Segment urgent = Lab::data(0, 22, part(read_request(2), 10));
      urgent.flags |= TCP_URG;
      CHECK(lab.send(0, urgent).to[1].size() == 1);
      CHECK(lab.count(Reason::TCP_URGENT) == 1);
    }
    lab.flow.observe = false;
    lab.observing = false;
    (void)lab.send(0, Lab::data(0, 22, part(read_request(2), 10)));
    CHECK_FALSE(lab.alive());
    CHECK(lab.count(Reason::TCP_STREAM_GAP) == 1);
  }
  SUBCASE("repeated alike") {
    lab.flow.observe = true;
    lab.observing = true;
    (void)lab.send(0, Lab::data(0, 0, write_request(1) + part(read_request(2), 0, 10)));
    lab.flow.observe = false;
    lab.observing = false;
    CHECK(lab.send(0, Lab::data(0, 22, part(read_request(2), 10))).to[1].size() == 1);
    CHECK(lab.alive());
  }
  SUBCASE("lost") {
    lab.flow.tcp.blind = true;
    const Lab::Out out = lab.send(0, Lab::data(0, 22, part(read_request(2), 10)));
    CHECK_FALSE(lab.alive());
    CHECK(lab.count(Reason::TCP_STREAM_GAP) == 1);
    CHECK(out.to[1].size() == 1);
  }
}

TEST_CASE("opaque: everything in the window passes, nothing is kept") {
  Lab lab;
  lab.flow.opaque = true;
  lab.flow.protocol = nullptr;
  Dialogue dialogue(lab);
  dialogue.answers = false;
  Octets all;
  for (int i = 0; i < 5000; ++i) all.push_back(static_cast<std::uint8_t>(i * 7));
  dialogue.client.write(all);
  dialogue.server.write(all);
  dialogue.client.close();
  dialogue.server.close();
  dialogue.run();
  CHECK(dialogue.server.inbox == all);
  CHECK(dialogue.client.inbox == all);
  CHECK(lab.flow.state == FlowState::CLOSING);
  CHECK(lab.pool.in_use() == 0);
  CHECK(lab.judged[0].empty());
}

TEST_CASE("opaque: RST exact, data in the window") {
  Lab lab;
  lab.flow.opaque = true;
  lab.connect();
  Segment rst;
  rst.flags = TCP_RST;
  rst.sequence = Lab::base(0) + 5;
  const Lab::Out asked = lab.send(0, rst);
  REQUIRE(asked.to[1].size() == 1);
  CHECK(asked.to[1][0].flags == TCP_ACK);
  CHECK(lab.send(0, Lab::data(0, 70000, {1, 2, 3})).to[1].empty());
  CHECK(lab.send(0, Lab::data(0, 5, {1, 2, 3})).to[1].size() == 1);
  CHECK(lab.alive());
}

TEST_CASE("opaque, then inspected: where its PDUs begin nobody knows, so it is reset") {
  Lab lab;
  lab.flow.opaque = true;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, {1, 2, 3}));
  lab.flow.opaque = false;
  ++lab.flow.classification;
  (void)lab.send(0, Lab::data(0, 3, read_request(1)));
  CHECK_FALSE(lab.alive());
  CHECK(lab.count(Reason::TCP_STREAM_GAP) == 1);
}

TEST_CASE("the room is told that a conversation begins, on the same ports again too") {
  Lab lab;
  lab.protocol.begin = [](SessionState& session) noexcept { ++session.octets[0]; };
  lab.connect();
  CHECK(lab.flow.session.octets[0] == 1);
  lab.flow.session.octets[1] = 7;
  lab.flow.state = FlowState::CLOSING;
  Segment syn;
  syn.sequence = Lab::isn[0] + 5000;
  syn.flags = TCP_SYN;
  CHECK(lab.send(0, syn).to[1].size() == 1);
  CHECK(lab.flow.session.octets[0] == 1);
  CHECK(lab.flow.session.octets[1] == 0);
}

TEST_CASE("mid-stream: both ends are reset at once, exactly") {
  Lab lab;
  lab.flow.state = FlowState::FREE;
  const Lab::Out out = lab.send(0, Lab::data(0, 500, read_request(1), 300));
  REQUIRE(out.to[0].size() == 1);
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[0][0].sequence == Lab::base(1) + 300);
  CHECK(out.to[1][0].sequence == Lab::base(0) + 500);
  CHECK(lab.count(Reason::TCP_NO_FLOW) == 1);
  CHECK_FALSE(lab.alive());
}

TEST_CASE("mid-stream: seen first from the server") {
  Lab lab;
  lab.flow.state = FlowState::FREE;
  const Lab::Out out = lab.send(1, Lab::data(1, 500, read_response(1), 300));
  REQUIRE(out.to[0].size() == 1);
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[0][0].sequence == Lab::base(1) + 500);
  CHECK(out.to[1][0].sequence == Lab::base(0) + 300);
}

TEST_CASE("mid-stream: resets are rationed, one asset's strays do not use up another's") {
  Lab lab;
  lab.flow.asset = {3, 4};
  std::size_t answered = 0;
  const auto stray = [&lab](Side side) {
    lab.flow.state = FlowState::FREE;
    const Lab::Out out = lab.send(side, Lab::data(side, 100, read_request(1), 7));
    CHECK(out.to[0].size() == out.to[1].size());
    return out.to[side].size();
  };
  for (int i = 0; i < 1000; ++i) answered += stray(0);
  CHECK(answered == stray_burst);
  CHECK(stray(1) == 1);
  (void)lab.advance(10 * stray_interval_ns);
  answered = 0;
  for (int i = 0; i < 1000; ++i) answered += stray(0);
  CHECK(answered == 10);
  CHECK(lab.count(Reason::TCP_NO_FLOW) == 2001);
}

TEST_CASE("mid-stream: an RST that belongs to nothing vanishes") {
  Lab lab;
  lab.flow.state = FlowState::FREE;
  Segment rst;
  rst.flags = TCP_RST;
  const Lab::Out out = lab.send(0, rst);
  CHECK(out.to[0].empty());
  CHECK(out.to[1].empty());
  CHECK(lab.opened == 0);
}

namespace {
struct Resync {
  Resync() {
    ConduitSource conduit;
    conduit.mid_stream = MidStream::RESYNC;
    lab.lay_conduit(conduit);
    lab.flow.state = FlowState::FREE;
  }
  // The client asks at `client`, and the server, at `server`, says that it stands there.
  void join(std::uint32_t client, std::uint32_t server) {
    const Lab::Out asked = lab.send(0, Lab::data(0, client, read_request(1), server));
    REQUIRE(asked.to[1].size() == 1);
    CHECK(asked.to[1][0].payload.empty());
    const Lab::Out out = lab.send(1, Lab::data(1, server, {}, client));
    REQUIRE(out.to[1].size() == 1);
    CHECK(out.to[1][0].payload == read_request(1));
  }
  Lab lab{};
};
}  // namespace

TEST_CASE("mid-stream: resync at a verified PDU boundary, once the server has said that it stands there") {
  Resync at;
  at.join(500, 300);
  Lab::Out out = at.lab.send(1, Lab::data(1, 300, read_response(1), 512));
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].payload == read_response(1));
  out = at.lab.send(0, Lab::data(0, 512, write_request(2), 300 + 11));
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].payload == exception(2, 6));
  CHECK(at.lab.alive());
}

TEST_CASE("mid-stream: until the server has said where it stands no octet leaves") {
  Resync at;
  at.lab.protocol.begin = [](SessionState& session) noexcept { ++session.octets[0]; };
  for (std::uint16_t i = 0; i < 3; ++i) {
    const auto id = static_cast<std::uint16_t>(1 + i);
    const Lab::Out out = at.lab.send(0, Lab::data(0, 500 + 12U * i, read_request(id), 300));
    CHECK(out.to[0].empty());
    REQUIRE(out.to[1].size() == 1);
    CHECK(out.to[1][0].payload.empty());
    CHECK(out.to[1][0].sequence == Lab::base(0) + 499);
  }
  CHECK(at.lab.flow.session.octets[0] == 0);  // what came before nobody has seen
  SUBCASE("it stands there: all leaves at once") {
    const Lab::Out out = at.lab.send(1, Lab::data(1, 300, {}, 500));
    REQUIRE(out.to[1].size() == 1);
    CHECK(out.to[1][0].sequence == Lab::base(0) + 500);
    CHECK(out.to[1][0].payload == read_request(1) + read_request(2) + read_request(3));
  }
  SUBCASE("it stands farther: the client repeats what was answered meanwhile") {
    Lab::Out out = at.lab.send(1, Lab::data(1, 300, read_response(1), 512));
    REQUIRE(out.to[1].size() == 1);
    CHECK(out.to[1][0].sequence == Lab::base(0) + 512);
    CHECK(out.to[1][0].payload == read_request(2) + read_request(3));
    REQUIRE(out.to[0].size() == 1);
    CHECK(out.to[0][0].payload == read_response(1));
  }
  SUBCASE("it stands within a PDU: what it would read on from there was judged as the inside of one") {
    const Lab::Out out = at.lab.send(1, Lab::data(1, 300, {}, 512 + 7));
    for (const Segment& segment : out.to[1]) CHECK(segment.payload.empty());
    CHECK(at.lab.flow.tcp.phase == TcpPhase::DEAD);
  }
  SUBCASE("its window has room for less: the rest is left to the client") {
    Segment narrow = Lab::data(1, 300, {}, 500);
    narrow.window = 0;
    Lab::Out out = at.lab.send(1, narrow);
    CHECK(out.to[1].empty());
    (void)at.lab.send(1, Lab::data(1, 300, {}, 500));
    out = at.lab.send(0, Lab::data(0, 500, read_request(1), 300));
    REQUIRE(out.to[1].size() == 1);
    CHECK(out.to[1][0].payload == read_request(1));
  }
  SUBCASE("it stands behind it") {
    const Lab::Out out = at.lab.send(1, Lab::data(1, 300, {}, 499));
    REQUIRE(out.to[1].size() == 1);
    CHECK((out.to[1][0].flags & TCP_RST) != 0);
    CHECK(at.lab.flow.tcp.phase == TcpPhase::DEAD);
  }
  SUBCASE("it stands where the client has not come") {
    const Lab::Out out = at.lab.send(1, Lab::data(1, 300, {}, 537));
    for (const Segment& segment : out.to[1]) CHECK(segment.payload.empty());
    CHECK(at.lab.flow.tcp.phase == TcpPhase::DEAD);
  }
}

TEST_CASE(
    "mid-stream: no operation is taken out, nor a reply put in, before both sides have said where they "
    "stand") {
  Resync at;
  SUBCASE("before the server has spoken") { (void)at.lab.send(0, Lab::data(0, 500, read_request(1), 300)); }
  SUBCASE("before the server has sent a whole PDU") { at.join(500, 300); }
  const Lab::Out out = at.lab.send(0, Lab::data(0, 512, write_request(2), 300));
  REQUIRE(out.to[0].size() == 1);
  CHECK((out.to[0][0].flags & TCP_RST) != 0);
  for (const Segment& segment : out.to[1]) CHECK(segment.payload.empty());
  CHECK(at.lab.flow.tcp.phase == TcpPhase::DEAD);
}

// Who gets a part of a PDU across and then another engine (or this one, restarted) to join the connection
// could have whole PDUs read at another place than they were judged at.
TEST_CASE("mid-stream: where resync is permitted no part of a PDU leaves, repeated or not") {
  Resync at;
  at.lab.flow.state = FlowState::ESTABLISHED;
  at.lab.connect();
  std::size_t size = 0;
  SUBCASE("one octet") { size = 1; }
  SUBCASE("the framing prefix") { size = 6; }
  SUBCASE("all but one octet") { size = 11; }
  const Octets cut = part(read_request(1), 0, size);
  CHECK(at.lab.send(0, Lab::data(0, 0, cut)).to[1].empty());
  (void)at.lab.advance(1'000'000'000);
  const Lab::Out out = at.lab.send(0, Lab::data(0, 0, cut));
  for (const Segment& segment : out.to[1]) CHECK(segment.payload.empty());
  CHECK(at.lab.count(Reason::TCP_HOLD_TIMEOUT) == 1);
  CHECK(at.lab.flow.tcp.phase == TcpPhase::DEAD);
}

TEST_CASE("mid-stream: what comes late of a connection that was reset is no connection to join") {
  Resync at;
  at.join(500, 300);
  (void)at.lab.send(0, Lab::data(0, 512, write_request(2), 300));
  const Lab::Out out = at.lab.send(0, Lab::data(0, 500, read_request(1), 300));
  CHECK(at.lab.flow.tcp.phase == TcpPhase::DEAD);
  REQUIRE(out.to[0].size() == 1);
  CHECK((out.to[0][0].flags & TCP_RST) != 0);
  for (const auto& segment : out.to[1]) CHECK(segment.payload.empty());
}

TEST_CASE("mid-stream: no resync within a PDU, from the server, or with a FIN") {
  Resync at;
  Segment segment = Lab::data(0, 500, part(read_request(1), 3), 300);
  Side side = 0;
  SUBCASE("within a PDU") {}
  SUBCASE("behind its end") { segment.payload = read_request(1) + part(read_request(2), 0, 3); }
  SUBCASE("from the server") {
    segment = Lab::data(1, 500, read_response(1), 300);
    side = 1;
  }
  SUBCASE("with a FIN") {
    segment.payload = read_request(1);
    segment.flags |= TCP_FIN;
  }
  const Lab::Out out = at.lab.send(side, segment);
  CHECK_FALSE(at.lab.alive());
  REQUIRE(out.to[0].size() == 1);
  REQUIRE(out.to[1].size() == 1);
  CHECK((out.to[0][0].flags & TCP_RST) != 0);
  CHECK((out.to[1][0].flags & TCP_RST) != 0);
  CHECK(at.lab.judged[0].empty());
}

TEST_CASE("mid-stream: after a resync the server's stream has to stand at a boundary too") {
  Resync at;
  at.join(500, 300);
  Octets cut = part(read_response(1), 5);
  SUBCASE("begins within a PDU") {}
  SUBCASE("ends within a PDU") { cut = part(read_response(1), 0, 10); }
  (void)at.lab.send(1, Lab::data(1, 300, cut, 512));
  CHECK(at.lab.flow.tcp.phase == TcpPhase::DEAD);
  CHECK(at.lab.judged[1].empty());
}

TEST_CASE("mid-stream: a bare ACK waits for data where resync is permitted") {
  Resync at;
  const Lab::Out out = at.lab.send(0, Lab::data(0, 500, {}, 300));
  CHECK(out.to[0].empty());
  CHECK(out.to[1].empty());
  CHECK_FALSE(at.lab.alive());
}

TEST_CASE("the kept bytes of a stream behave like a plain queue") {
  std::mt19937 random(7);
  BlockPool pool(40);
  KeptBytes kept;
  Octets model;
  for (int i = 0; i < 20000; ++i) {
    const std::size_t size = random() % (random() % 2 == 0 ? 40 : 3000);
    if (random() % 2 == 0) {
      Octets more(size);
      for (auto& octet : more) octet = static_cast<std::uint8_t>(random());
      const std::uint32_t before_blocks = pool.in_use();
      if (kept_append(pool, kept, more)) {
        model = model + more;
      } else {
        REQUIRE(model.size() + size > 28 * block_size);
        REQUIRE(pool.in_use() == before_blocks);
      }
    } else {
      const std::size_t count = std::min(size, model.size());
      kept_drop(pool, kept, static_cast<std::uint32_t>(count));
      model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(count));
    }
    REQUIRE(kept.size == model.size());
    if (model.empty()) {
      REQUIRE(pool.in_use() == 0);
      continue;
    }
    const std::size_t offset = random() % model.size();
    const std::size_t count = random() % (model.size() - offset + 1);
    Octets copy(count);
    kept_copy(pool, kept, static_cast<std::uint32_t>(offset), copy);
    REQUIRE(copy == part(model, offset, count));
    REQUIRE(kept_equal(pool, kept, static_cast<std::uint32_t>(offset), copy));
    if (count == 0) continue;
    copy[count / 2] ^= 1;
    REQUIRE_FALSE(kept_equal(pool, kept, static_cast<std::uint32_t>(offset), copy));
  }
  kept_clear(pool, kept);
  CHECK(pool.in_use() == 0);
}

TEST_CASE("a stream that keeps much leaves room for those that keep little") {
  BlockPool pool(16);
  KeptBytes much;
  const Octets octets(block_size, 0x11);
  while (kept_append(pool, much, octets)) continue;
  CHECK(pool.available() == 4);
  KeptBytes little[2];
  for (KeptBytes& kept : little) {
    CHECK(kept_append(pool, kept, octets));
    CHECK(kept_append(pool, kept, octets));
    CHECK_FALSE(kept_append(pool, kept, octets));
  }
  CHECK(pool.available() == 0);
  CHECK_FALSE(pool.grants(1, 0));
  for (KeptBytes* kept : {&much, &little[0], &little[1]}) kept_clear(pool, *kept);
  CHECK(pool.in_use() == 0);
}

TEST_CASE("the position map agrees with a list of bytes") {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    std::array<Edit, 6> edits{};
    std::vector<std::uint32_t> r_of_s;  // what the receiver sees of each sent byte; removed: of the next
    std::vector<std::uint32_t> s_of_r{0};
    std::uint32_t s = 0;
    std::uint32_t r = 0;
    for (Edit& edit : edits) {
      for (auto run = random() % 5; run > 0; --run) {
        r_of_s.push_back(r++);
        s_of_r.push_back(++s);
      }
      edit = Edit{s, 1 + static_cast<std::uint32_t>(random() % 4), 0, EditKind::REMOVED, false, 0};
      if (random() % 2 == 0) {
        edit.kind = EditKind::INSERTED;
        r += edit.size;
        for (std::uint32_t i = 0; i < edit.size; ++i) s_of_r.push_back(s);
      } else {
        for (std::uint32_t i = 0; i < edit.size; ++i) r_of_s.push_back(r);
        s += edit.size;
        s_of_r.back() = s;
      }
    }
    const PositionMap map{0, edits};
    bool exact = true;
    for (std::uint32_t i = 0; i + 1 < r; ++i) exact = exact && to_sender(map, i) == s_of_r[i];
    CHECK(exact);
    // A removed range in front of an inserted reply maps to the reply's start, else to what follows.
    for (std::uint32_t i = 0; i < s; ++i) {
      const std::uint32_t mapped = to_receiver(map, i);
      CHECK(mapped <= r_of_s[i]);
    }
    CHECK(to_receiver(map, s) == r);
  }
}

}  // namespace conduit::tcp_test
