// Numbers of I- and S-frames in connections from which frames were taken out and into which answers were put:
// against a slow model that remembers every frame.
#include <doctest/doctest.h>

#include <deque>
#include <random>

#include "tests/unit/iec104/iec104_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;
constexpr const char* asdu = "01 01 03 00 0100 0a0000 01";
constexpr unsigned circle = 32768;

Role other(Role role) { return role == C ? S : C; }
std::size_t index_of(Role role) { return role == C ? 0 : 1; }

// One side's frames, as both sides count them. Numbers grow without end here.
struct SlowStream {
  std::vector<long> arrived_as;  // of each frame that was sent: its number at the receiver, −1: taken out
  long arrived = 0;              // frames that the receiver got
  long acknowledged = 0;         // the receiver's last N(R), as it counts

  // The receiver's N(R) as the sender counts: all frames before it have been acknowledged or taken out.
  [[nodiscard]] long for_sender() const {
    long number = 0;
    for (const long at : arrived_as) {
      if (at >= 0 && at >= acknowledged) break;
      ++number;
    }
    return number;
  }
};

// A connection through the gate. Each frame is built by its sender, rewritten by the room, and read by its
// receiver.
struct Line {
  explicit Line(unsigned first, bool from_the_beginning = true)
      : start(first), renumbering(from_the_beginning) {
    if (first == 0) return;
    accept(i_frame(asdu, first - 1, first), C, session);
    accept(i_frame(asdu, first - 1, first), S, session);
  }

  [[nodiscard]] SlowStream& of(Role role) { return streams[index_of(role)]; }
  [[nodiscard]] unsigned wire(long number) const { return static_cast<unsigned>(start + number) % circle; }
  [[nodiscard]] long unacknowledged(Role sender) {
    return static_cast<long>(of(sender).arrived_as.size()) - of(sender).for_sender();
  }
  [[nodiscard]] long unanswered(Role receiver) {
    return of(other(receiver)).arrived - of(other(receiver)).acknowledged;
  }

  // `lag`: how many frames that it got the sender does not acknowledge yet.
  [[nodiscard]] Octets built(Role sender, bool data, long lag) {
    SlowStream& back = of(other(sender));
    const long number = std::max(back.acknowledged, back.arrived - lag);
    const unsigned send = wire(static_cast<long>(of(sender).arrived_as.size()));
    const Octets frame = data ? i_frame(asdu, send, wire(number)) : s_frame(wire(number));
    const PduHead head = head_of(frame, sender, session);
    CAPTURE(head.field);
    REQUIRE(head.well_formed);  // the sender's own numbers, seen before they are changed
    back.acknowledged = number;
    return frame;
  }

  void pass(Role sender, bool data, long lag) {
    Octets frame = built(sender, data, lag);
    accept(frame, sender, session);
    if (renumbering) REQUIRE(iec104_protocol.renumber(frame, sender, Passage::PASSED, session));
    told[index_of(other(sender))] = receive_number(frame);
    if (data) {
      CHECK(send_number(frame) == wire(of(sender).arrived));
      of(sender).arrived_as.push_back(of(sender).arrived++);
    }
    CHECK(receive_number(frame) == wire(of(other(sender)).for_sender()));
  }

  [[nodiscard]] bool remove(Role sender, bool data, long lag) {
    renumbering = true;
    Octets frame = built(sender, data, lag);
    if (data) of(sender).arrived_as.push_back(-1);
    return iec104_protocol.renumber(frame, sender, Passage::REMOVED, session);
  }

  // A reply of the gate in the server's name.
  [[nodiscard]] bool insert() {
    renumbering = true;
    Octets frame = i_frame(asdu);
    if (!iec104_protocol.renumber(frame, S, Passage::INSERTED, session)) return false;
    CHECK(send_number(frame) == wire(of(S).arrived));
    CHECK(receive_number(frame) == wire(of(C).for_sender()));
    told[index_of(C)] = receive_number(frame);
    ++of(S).arrived;
    return true;
  }

  // An S-frame of the gate in the name of `sender`, if it owes one. Afterwards the other side knows all that
  // it may know.
  [[nodiscard]] bool acknowledge(Role sender) {
    unsigned& known = told[index_of(other(sender))];
    const unsigned number = wire(of(other(sender)).for_sender());
    Octets frame(8, 0xEE);
    const std::size_t size = iec104_protocol.acknowledge(sender, session, frame);
    CHECK((size != 0) == (known != number));
    if (size == 0) return false;
    frame.resize(size);
    REQUIRE(iec104_protocol.renumber(frame, sender, Passage::INSERTED, session));
    CHECK(frame == s_frame(number));
    known = number;
    CHECK(iec104_protocol.acknowledge(sender, session, frame) == 0);
    return true;
  }

  unsigned start;
  bool renumbering;
  SessionState session = started();
  SlowStream streams[2];
  unsigned told[2] = {start, start};  // the last N(R) that each side has got
};

}  // namespace

TEST_CASE("a refused frame is acknowledged by its refusal") {
  Line line(0);
  REQUIRE(line.remove(C, true, 0));
  Octets reply = i_frame(asdu);
  REQUIRE(iec104_protocol.renumber(reply, S, Passage::INSERTED, line.session));
  CHECK(send_number(reply) == 0);
  CHECK(receive_number(reply) == 1);
  // The server counts as if neither had been.
  Octets frame = i_frame(asdu, 1, 1);
  accept(frame, C, line.session);
  REQUIRE(iec104_protocol.renumber(frame, C, Passage::PASSED, line.session));
  CHECK(send_number(frame) == 0);
  CHECK(receive_number(frame) == 0);
  Octets answer = i_frame(asdu, 0, 1);
  accept(answer, S, line.session);
  REQUIRE(iec104_protocol.renumber(answer, S, Passage::PASSED, line.session));
  CHECK(send_number(answer) == 1);
  CHECK(receive_number(answer) == 2);
}

TEST_CASE("nothing is acknowledged to the client that the server has not got") {
  Line line(0);
  line.pass(C, true, 0);
  REQUIRE(line.remove(C, true, 0));
  Octets reply = i_frame(asdu);
  REQUIRE(iec104_protocol.renumber(reply, S, Passage::INSERTED, line.session));
  CHECK(receive_number(reply) == 0);  // frame 0 is not acknowledged, so frame 1 is not either
  Octets confirm = s_frame(1);
  accept(confirm, S, line.session);
  REQUIRE(iec104_protocol.renumber(confirm, S, Passage::PASSED, line.session));
  CHECK(receive_number(confirm) == 2);  // with the one that was taken out
}

TEST_CASE("a frame that was discarded is acknowledged, in both directions") {
  for (const Role sender : {C, S}) {
    Line line(0);
    CHECK_FALSE(line.acknowledge(other(sender)));
    REQUIRE(line.remove(sender, true, 0));
    REQUIRE(line.remove(sender, true, 0));
    CHECK(line.acknowledge(other(sender)));  // both by one
    CHECK(line.told[index_of(sender)] == 2);
    CHECK_FALSE(line.acknowledge(sender));  // its receiver has got nothing new
    // It takes no number: later frames go on without a gap.
    line.pass(other(sender), true, 0);
    line.pass(sender, true, 0);
    line.pass(other(sender), true, 0);
    CHECK_FALSE(line.acknowledge(other(sender)));
  }
}

TEST_CASE("a discarded frame is not acknowledged before those in front of it are") {
  for (const Role sender : {C, S}) {
    Line line(0);
    line.pass(sender, true, 0);
    REQUIRE(line.remove(sender, true, 0));
    CHECK_FALSE(line.acknowledge(other(sender)));
    line.pass(other(sender), false, 1);  // says nothing of the first one
    CHECK_FALSE(line.acknowledge(other(sender)));
    line.pass(other(sender), false, 0);  // the receiver's own frame tells of both
    CHECK(line.told[index_of(sender)] == 2);
    CHECK_FALSE(line.acknowledge(other(sender)));
  }
}

TEST_CASE("what a removed frame has acknowledged is told all the same") {
  for (const Role sender : {C, S}) {
    Line line(0);
    line.pass(other(sender), true, 0);
    REQUIRE(line.remove(sender, true, 0));
    CHECK(line.acknowledge(sender));
    CHECK(line.told[index_of(other(sender))] == 1);
    CHECK(line.acknowledge(other(sender)));
  }
  // Of frames that the other side never sent: no news to it.
  Line line(0);
  REQUIRE(line.remove(C, true, 0));
  REQUIRE(line.insert());
  REQUIRE(line.remove(C, true, 0));
  CHECK_FALSE(line.acknowledge(C));
}

TEST_CASE("where data transfer has ended nothing is acknowledged") {
  Line line(0);
  REQUIRE(line.remove(S, true, 0));
  accept(u_frame(stopdt_act), C, line.session);
  Octets frame(6, 0);
  CHECK(iec104_protocol.acknowledge(C, line.session, frame) == 6);
  accept(u_frame(stopdt_con), S, line.session);
  Octets late = frame;
  CHECK(iec104_protocol.acknowledge(C, line.session, late) == 0);
  CHECK_FALSE(iec104_protocol.renumber(frame, C, Passage::INSERTED, line.session));  // one that has waited
  accept(u_frame(startdt_act), C, line.session);
  accept(u_frame(startdt_con), S, line.session);
  REQUIRE(iec104_protocol.renumber(frame, C, Passage::INSERTED, line.session));
  CHECK(frame == s_frame(1));
}

TEST_CASE("an acknowledgement needs room for a whole frame") {
  Line line(0);
  REQUIRE(line.remove(S, true, 0));
  Octets frame(5, 0);
  CHECK(iec104_protocol.acknowledge(C, line.session, frame) == 0);
}

TEST_CASE("U-frames are left alone") {
  Line line(0);
  REQUIRE(line.remove(C, true, 0));
  for (const std::uint8_t control : {testfr_act, testfr_con, stopdt_act, startdt_act}) {
    Octets frame = u_frame(control);
    for (const Passage passage : {Passage::PASSED, Passage::REMOVED})
      CHECK(iec104_protocol.renumber(frame, C, passage, line.session));
    CHECK(frame == u_frame(control));
  }
}

TEST_CASE("only the four octets of the numbers change") {
  Line line(0);
  REQUIRE(line.remove(C, true, 0));
  Octets frame = i_frame("2d 01 06 00 0100 891300 01", 1, 0);
  accept(frame, C, line.session);
  REQUIRE(iec104_protocol.renumber(frame, C, Passage::PASSED, line.session));
  CHECK(frame == i_frame("2d 01 06 00 0100 891300 01", 0, 0));
}

TEST_CASE("acknowledgements keep what was not acknowledged apart") {
  // Client: 0 passed, 1 removed, 2 passed, 3 removed, 4 removed, 5 passed.
  Line line(0);
  for (const bool passes : {true, false, true, false, false, true}) {
    if (passes) line.pass(C, true, 0);
    if (!passes) REQUIRE(line.remove(C, true, 0));
  }
  // The server's N(R) 0 to 3 as the client has to see it.
  const unsigned expected[] = {0, 2, 5, 6};
  for (unsigned number = 0; number < 4; ++number) {
    Octets confirm = s_frame(number);
    accept(confirm, S, line.session);
    REQUIRE(iec104_protocol.renumber(confirm, S, Passage::PASSED, line.session));
    CAPTURE(number);
    CHECK(receive_number(confirm) == expected[number]);
  }
}

TEST_CASE("too many edits without acknowledgement end the connection") {
  Line line(0);
  line.pass(C, true, 0);
  for (std::size_t i = 0; i < 13; ++i) REQUIRE(line.remove(C, true, 0));
  CHECK_FALSE(line.remove(C, true, 0));
  Line replies(0);
  for (std::size_t i = 0; i < 13; ++i) REQUIRE(replies.insert());
  CHECK_FALSE(replies.insert());  // it waits until some are acknowledged
  replies.pass(C, false, 0);
  CHECK(replies.insert());
  // Acknowledged ones need no place.
  Line acknowledged(0);
  for (std::size_t i = 0; i < 100; ++i) {
    REQUIRE(acknowledged.remove(C, true, 0));
    REQUIRE(acknowledged.insert());
    acknowledged.pass(C, false, 0);
  }
}

TEST_CASE("random conversations, both views without a gap") {
  unsigned removed = 0;
  unsigned inserted = 0;
  unsigned passed = 0;
  unsigned acknowledged = 0;
  unsigned ended = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto dice = [&](unsigned sides) { return static_cast<unsigned>(random() % sides); };
    const unsigned starts[] = {0, 32760, 32767, 16380, dice(circle)};
    Line line(starts[dice(5)], dice(2) == 0);
    const unsigned denied = dice(5);  // of ten
    unsigned waiting = 0;             // replies that have not found their place
    for (unsigned step = 0; step < 300; ++step) {
      const Role sender = dice(2) == 0 ? C : S;
      // Each side keeps the standard's k and w.
      const bool may_send = line.unacknowledged(sender) < 12;
      const bool must_confirm = line.unanswered(sender) >= 8;
      const bool data = may_send && !must_confirm && dice(4) != 0;
      const long lag = must_confirm ? 0 : static_cast<long>(dice(9));
      bool good = true;
      if (data && dice(10) < denied && (sender == C || dice(3) == 0)) {
        good = line.remove(sender, true, lag);
        ++removed;
        if (sender == C) ++waiting;
      } else {
        line.pass(sender, data, lag);
        ++passed;
      }
      while (good && waiting != 0 && dice(3) != 0 && line.unanswered(C) < 8) {
        good = line.insert();
        ++inserted;
        --waiting;
      }
      for (const Role role : {C, S}) {  // it may have to wait for its place
        if (good && dice(2) == 0 && line.acknowledge(role)) ++acknowledged;
      }
      if (good) continue;
      ++ended;
      break;
    }
  }
  CHECK(removed > 10'000);
  CHECK(inserted > 5'000);
  CHECK(passed > 50'000);
  CHECK(acknowledged > 2'000);
  CHECK(ended < 20);
  MESSAGE(passed << " passed, " << removed << " removed, " << inserted << " inserted, " << acknowledged
                 << " acknowledged, " << ended << " ended");
}

TEST_CASE("a long conversation, around the circle and more") {
  SessionState session = started();
  long client = 0;  // as the client counts its frames
  long taken_out = 0;
  long server = 0;  // as the server counts its own
  long put_in = 0;
  for (unsigned i = 0; i < 100'000; ++i) {
    CAPTURE(i);
    const auto wire = [](long number) { return static_cast<unsigned>(number % circle); };
    Octets asked = i_frame(asdu, wire(client), wire(server + put_in));
    if (i % 1000 == 999) REQUIRE(head_of(asked, C, session).well_formed);
    ++client;
    if (i % 7 == 0) {
      REQUIRE(iec104_protocol.renumber(asked, C, Passage::REMOVED, session));
      ++taken_out;
      Octets reply = i_frame(asdu);
      REQUIRE(iec104_protocol.renumber(reply, S, Passage::INSERTED, session));
      REQUIRE(send_number(reply) == wire(server + put_in));
      REQUIRE(receive_number(reply) == wire(client));
      ++put_in;
      continue;
    }
    accept(asked, C, session);
    REQUIRE(iec104_protocol.renumber(asked, C, Passage::PASSED, session));
    REQUIRE(send_number(asked) == wire(client - 1 - taken_out));
    REQUIRE(receive_number(asked) == wire(server));
    Octets answer = i_frame(asdu, wire(server), wire(client - taken_out));
    accept(answer, S, session);
    REQUIRE(iec104_protocol.renumber(answer, S, Passage::PASSED, session));
    REQUIRE(send_number(answer) == wire(server + put_in));
    REQUIRE(receive_number(answer) == wire(client));
    ++server;
  }
}
