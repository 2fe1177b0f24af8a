// PDUs that carry their number: behind a removed or inserted one they go on without a gap, at both ends.
//
// Here the transaction identifier is such a number: each side counts its own PDUs from 0.
#include <doctest/doctest.h>

#include <random>

#include "tests/unit/tcp/lab.hpp"

namespace conduit::tcp_test {
namespace {

struct Numbers {
  std::uint16_t removed = 0;   // of the client
  std::uint16_t inserted = 0;  // into the server's stream
  std::uint16_t next = 0;      // of the server's PDUs, as the client sees them
};

void count(Bytes, Role sender, SessionState& session, Associations&) noexcept {
  if (sender == Role::SERVER) ++session.as<Numbers>().next;
}

bool renumber(std::span<std::uint8_t> pdu, Role sender, Passage passage, SessionState& session) noexcept {
  auto& numbers = session.as<Numbers>();
  const std::uint16_t number = load_u16be(pdu.data());
  switch (passage) {
    case Passage::REMOVED: ++numbers.removed; return numbers.removed < 1000;
    case Passage::INSERTED:
      ++numbers.inserted;
      store_u16be(pdu.data(), numbers.next++);
      return true;
    case Passage::PASSED: break;
  }
  if (sender == Role::CLIENT) {
    store_u16be(pdu.data(), static_cast<std::uint16_t>(number - numbers.removed));
  } else {
    store_u16be(pdu.data(), static_cast<std::uint16_t>(number + numbers.inserted));
  }
  return true;
}

// The server says how many of the client's PDUs it has got, those that were taken out included: in the
// transaction identifier of an exception to function 0x63.
struct Acknowledged : Numbers {
  std::uint16_t told = 0;
};
Octets acknowledgement(std::uint16_t number) { return exception(number, 0x63); }

std::size_t acknowledge(Role sender, const SessionState& session, std::span<std::uint8_t> pdu) noexcept {
  const auto& numbers = const_cast<SessionState&>(session).as<Acknowledged>();
  if (sender == Role::CLIENT || numbers.told == numbers.removed) return 0;
  constexpr std::array<std::uint8_t, 9> form{0, 0, 0, 0, 0, 3, 1, 0xE3, 1};
  std::copy(form.begin(), form.end(), pdu.begin());
  return form.size();
}

bool renumber_acknowledged(std::span<std::uint8_t> pdu, Role sender, Passage passage,
                           SessionState& session) noexcept {
  auto& numbers = session.as<Acknowledged>();
  if (passage != Passage::INSERTED || pdu[7] != 0xE3) return renumber(pdu, sender, passage, session);
  numbers.told = numbers.removed;
  store_u16be(pdu.data(), numbers.told);
  return true;
}

void acknowledge_pdus(Lab& lab) {
  lab.protocol.renumber = renumber_acknowledged;
  lab.protocol.acknowledge = acknowledge;
  lab.request_verdict[6] = Verdict::DISCARD;
}

void number_pdus(Lab& lab) {
  lab.protocol.renumber = renumber;
  lab.protocol.accept = count;
}

std::vector<int> numbers_of(const Octets& stream) {
  std::vector<int> numbers;
  for (const Octets& adu : split_adus(stream)) numbers.push_back(load_u16be(adu.data()));
  return numbers;
}
std::vector<int> count_to(std::size_t count) {
  std::vector<int> numbers;
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(static_cast<int>(i));
  return numbers;
}

}  // namespace

TEST_CASE("numbers go on without a gap behind a refused PDU, at both ends") {
  Lab lab;
  number_pdus(lab);
  Dialogue dialogue(lab);
  dialogue.client.write(write_request(0) + read_request(1) + write_request(2) + read_request(3));
  dialogue.run();
  CHECK(numbers_of(dialogue.server.inbox) == count_to(2));
  CHECK(numbers_of(dialogue.client.inbox) == count_to(4));
  dialogue.client.write(read_request(4));
  dialogue.run();
  CHECK(numbers_of(dialogue.server.inbox) == count_to(3));
  CHECK(numbers_of(dialogue.client.inbox) == count_to(5));
  CHECK(dialogue.client.idle());
  CHECK(dialogue.server.idle());
  CHECK(lab.pool.in_use() == 0);
}

TEST_CASE("what is repeated leaves as it left before, and is held against what came") {
  Lab lab;
  number_pdus(lab);
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, write_request(0)));
  Lab::Out out = lab.send(0, Lab::data(0, 12, read_request(1) + read_request(2), 9));
  REQUIRE(out.to[1].size() == 1);
  const Octets left = read_request(0) + read_request(1);
  CHECK(out.to[1][0].payload == left);
  SUBCASE("with the same boundaries") {
    out = lab.send(0, Lab::data(0, 12, read_request(1) + read_request(2), 9));
    REQUIRE(out.to[1].size() == 1);
    CHECK(out.to[1][0].payload == left);
  }
  SUBCASE("with others, and more behind it") {
    const Octets more = read_request(1) + read_request(2) + read_request(3);
    out = lab.send(0, Lab::data(0, 17, part(more, 5), 9));
    REQUIRE(out.to[1].size() == 1);
    CHECK(out.to[1][0].payload == part(left + read_request(2), 5));
  }
  SUBCASE("a repetition with the numbers that left differs from what came") {
    out = lab.send(0, Lab::data(0, 12, left, 9));
    CHECK(lab.count(Reason::TCP_RETRANSMISSION_DIFFERS) == 1);
    CHECK_FALSE(lab.alive());
  }
}

TEST_CASE("a renumbered flow passes whole PDUs only") {
  Lab lab;
  number_pdus(lab);
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, write_request(0)));
  Lab::Out out = lab.send(0, Lab::data(0, 12, part(read_request(1), 0, 7), 9));  // framing alone
  CHECK(out.to[1].empty());
  SUBCASE("the rest comes") {
    out = lab.send(0, Lab::data(0, 19, part(read_request(1), 7), 9));
    REQUIRE(out.to[1].size() == 1);
    CHECK(out.to[1][0].payload == read_request(0));
  }
  SUBCASE("its sender cannot go on") {
    out = lab.send(0, Lab::data(0, 12, part(read_request(1), 0, 7), 9));
    CHECK(lab.count(Reason::TCP_HOLD_TIMEOUT) == 1);
    CHECK_FALSE(lab.alive());
  }
}

TEST_CASE("a part of an answer that has left keeps its number") {
  Lab lab;
  number_pdus(lab);
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, read_request(0)));
  Lab::Out out = lab.send(1, Lab::data(1, 0, part(read_response(0), 0, 7), 12));
  REQUIRE(out.to[0].size() == 1);
  out = lab.send(0, Lab::data(0, 12, write_request(1)));
  for (const Segment& segment : out.to[0]) CHECK(segment.payload.empty());  // not inside the answer
  out = lab.send(1, Lab::data(1, 7, part(read_response(0), 7), 12));
  Octets seen;
  for (const Segment& segment : out.to[0]) seen = seen + segment.payload;
  CHECK(seen == part(read_response(0), 7) + exception(1, 6));
  // Repeated as a whole, as it left.
  out = lab.send(1, Lab::data(1, 0, read_response(0), 12));
  REQUIRE(!out.to[0].empty());
  CHECK(part(out.to[0][0].payload, 0, 13) == read_response(0));
}

TEST_CASE("numbers that cannot be adjusted: both sides are reset") {
  Lab lab;
  lab.protocol.renumber = [](std::span<std::uint8_t>, Role, Passage passage, SessionState&) noexcept {
    return passage != Passage::REMOVED;
  };
  SUBCASE("when the PDU is taken out") {}
  SUBCASE("when a later one is to pass") {
    lab.protocol.renumber = [](std::span<std::uint8_t>, Role, Passage passage, SessionState&) noexcept {
      return passage != Passage::PASSED;
    };
  }
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, write_request(0) + read_request(1)));
  CHECK(lab.count(Reason::TCP_MAP_FULL) == 1);
  CHECK_FALSE(lab.alive());
}

TEST_CASE("a reply that finds no place waits for the end of the server's next PDU") {
  static bool closed;
  closed = true;
  Lab lab;
  number_pdus(lab);
  lab.protocol.renumber = [](std::span<std::uint8_t> pdu, Role sender, Passage passage,
                             SessionState& session) noexcept {
    return !(passage == Passage::INSERTED && closed) && renumber(pdu, sender, passage, session);
  };
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, read_request(0)));
  CHECK(lab.send(0, Lab::data(0, 12, write_request(1))).to[0].empty());
  CHECK(lab.pool.in_use() != 0);
  SUBCASE("it follows it") {
    closed = false;
    const Lab::Out out = lab.send(1, Lab::data(1, 0, read_response(0), 12));
    Octets told;
    for (const Segment& segment : out.to[0]) told = told + segment.payload;
    CHECK(told == read_response(0) + exception(1, 6));
    (void)lab.send(0, Lab::data(0, 24, {}, static_cast<std::uint32_t>(told.size())));
  }
  SUBCASE("the stream ends before there is a place: so does the reply") {
    Segment fin = Lab::data(1, 0, read_response(0), 12);
    fin.flags |= TCP_FIN;
    const Lab::Out out = lab.send(1, fin);
    REQUIRE(out.to[0].size() == 1);
    CHECK(out.to[0][0].payload == read_response(0));
    CHECK((out.to[0][0].flags & TCP_FIN) != 0);
    (void)lab.send(0, Lab::data(0, 24, {}, static_cast<std::uint32_t>(fin.payload.size() + 1)));
  }
  CHECK(lab.pool.in_use() == 0);
}

TEST_CASE("no room to keep the bytes twice: both sides are reset, nothing is lost from the pool") {
  Lab lab(8);
  number_pdus(lab);
  lab.connect();
  Octets many;
  for (std::uint16_t i = 0; i < 40; ++i) many = many + read_request(i);
  for (std::uint32_t i = 0; i < 20 && lab.alive(); ++i) {
    (void)lab.send(0, Lab::data(0, i * 480, many));
  }
  REQUIRE(lab.alive());
  const std::uint32_t at = lab.flow.tcp.stream[0].received - Lab::base(0);
  (void)lab.send(0, Lab::data(0, at, write_request(0)));
  CHECK(lab.count(Reason::TCP_MAP_FULL) == 1);
  CHECK_FALSE(lab.alive());
  CHECK(lab.pool.in_use() == 0);
}

TEST_CASE("a policy that only observes from now on: numbers are adjusted all the same") {
  Lab lab;
  number_pdus(lab);
  Dialogue dialogue(lab);
  dialogue.client.write(write_request(0) + read_request(1));
  dialogue.run();
  lab.flow.observe = true;
  lab.observing = true;
  dialogue.client.write(write_request(2) + read_request(3));
  dialogue.run();
  CHECK(numbers_of(dialogue.server.inbox) == count_to(3));
  CHECK(numbers_of(dialogue.client.inbox) == count_to(4));
}

TEST_CASE("an ICMP error quotes to the sender what it has sent") {
  Lab lab;
  number_pdus(lab);
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, write_request(0)));
  (void)lab.send(0, Lab::data(0, 12, read_request(1), 9));
  Octets quoted(20, 0);
  store_u32be(&quoted[4], Lab::base(0));  // as the server saw it
  quoted[12] = 0x50;
  quoted = quoted + read_request(0);
  SUBCASE("as long as it is kept") {
    REQUIRE(tcp_map_quote(lab.context, lab.flow, 0, quoted));
    CHECK(load_u32be(&quoted[4]) == Lab::base(0) + 12);
    CHECK(part(quoted, 20) == read_request(1));
  }
  SUBCASE("its first octets") {
    quoted = part(quoted, 0, 28);
    REQUIRE(tcp_map_quote(lab.context, lab.flow, 0, quoted));
    CHECK(part(quoted, 20) == part(read_request(1), 0, 8));
  }
  SUBCASE("else nothing") {
    (void)lab.send(1, Lab::data(1, 0, read_response(0), 12));  // acknowledges it
    CHECK_FALSE(tcp_map_quote(lab.context, lab.flow, 0, quoted));
  }
  SUBCASE("nor more than was sent") {
    quoted = quoted + Octets(4, 0);
    CHECK_FALSE(tcp_map_quote(lab.context, lab.flow, 0, quoted));
  }
}

TEST_CASE("what was discarded is acknowledged by the room's own PDU") {
  Lab lab;
  acknowledge_pdus(lab);
  Dialogue dialogue(lab);
  dialogue.client.write(write_request(0) + write_request(1));
  dialogue.run();
  CHECK(dialogue.client.inbox == acknowledgement(2));  // one for both
  CHECK(dialogue.server.inbox.empty());
  dialogue.client.write(read_request(2) + write_request(3) + read_request(4));
  dialogue.run();
  CHECK(numbers_of(dialogue.server.inbox) == count_to(2));
  CHECK(split_adus(dialogue.client.inbox).size() == 4);
  CHECK(lab.context.counters.refusals_sent == 0);
  CHECK(lab.pool.in_use() == 0);
}

TEST_CASE("acknowledgements: one is under way, and tells of all before it") {
  Lab lab;
  acknowledge_pdus(lab);
  lab.connect();
  Lab::Out out = lab.send(0, Lab::data(0, 0, write_request(0)));
  REQUIRE(!out.to[0].empty());
  CHECK(out.to[0].back().payload == acknowledgement(1));
  for (std::uint16_t i = 1; i < 40; ++i) {  // the client has not got it yet
    out = lab.send(0, Lab::data(0, i * 12U, write_request(i)));
    for (const Segment& segment : out.to[0]) CHECK(segment.payload.empty());
  }
  CHECK(lab.pool.in_use() == 1);
  SUBCASE("it has come: the next one follows") {
    out = lab.send(0, Lab::data(0, 480, {}, 9));
    REQUIRE(out.to[0].size() == 1);
    CHECK(out.to[0][0].payload == acknowledgement(40));
    CHECK(lab.send(0, Lab::data(0, 480, {}, 18)).to[0].empty());
    CHECK(lab.pool.in_use() == 0);
  }
  SUBCASE("it was lost: it is repeated") {
    out = lab.advance(reply_repeat_ns);
    REQUIRE(out.to[0].size() == 1);
    CHECK(out.to[0][0].payload == acknowledgement(1));
    CHECK(lab.context.counters.refusals_repeated == 0);
    (void)lab.send(0, Lab::data(0, 480, {}, 9));
    (void)lab.send(0, Lab::data(0, 480, {}, 18));
  }
}

TEST_CASE("an acknowledgement waits for its place") {
  Lab lab;
  acknowledge_pdus(lab);
  lab.window = 15;  // more than the answer, less than with the acknowledgement
  lab.connect();
  Segment first = Lab::data(0, 0, read_request(0));
  first.window = lab.window;
  (void)lab.send(0, first);
  const auto answered = static_cast<std::uint32_t>(read_response(0).size());
  Lab::Out out;
  SUBCASE("the end of the server's PDU") {
    (void)lab.send(1, Lab::data(1, 0, part(read_response(0), 0, 7), 12));
    out = lab.send(0, Lab::data(0, 12, write_request(1), 7));
    for (const Segment& segment : out.to[0]) CHECK(segment.payload.empty());
    out = lab.send(1, Lab::data(1, 7, part(read_response(0), 7), 12));
    Octets seen;
    for (const Segment& segment : out.to[0]) seen = seen + segment.payload;
    CHECK(seen == part(read_response(0), 7) + acknowledgement(1));
  }
  SUBCASE("room in the client's window") {
    (void)lab.send(1, Lab::data(1, 0, read_response(0), 12));
    Segment segment = Lab::data(0, 12, write_request(1), answered);
    segment.window = static_cast<std::uint16_t>(lab.window - answered);
    out = lab.send(0, segment);
    for (const Segment& other : out.to[0]) CHECK(other.payload.empty());
    out = lab.send(0, Lab::data(0, 24, {}, answered));
    REQUIRE(!out.to[0].empty());
    CHECK(out.to[0].back().payload == acknowledgement(1));
  }
  (void)lab.send(0, Lab::data(0, 24, {}, answered + 9));
  CHECK(lab.pool.in_use() == 0);
}

TEST_CASE("a refused PDU is acknowledged by its refusal") {
  Lab lab;
  acknowledge_pdus(lab);
  lab.request_verdict[6] = Verdict::REFUSE;
  lab.connect();
  const Lab::Out out = lab.send(0, Lab::data(0, 0, write_request(0)));
  Octets seen;
  for (const Segment& segment : out.to[0]) seen = seen + segment.payload;
  CHECK(seen == exception(0, 6));  // nothing but this is under way
  (void)lab.send(0, Lab::data(0, 12, {}, 9));
  (void)lab.send(0, Lab::data(0, 12, {}, 18));
}

TEST_CASE("without room an acknowledgement is asked for again, and the connection lives on") {
  Lab lab(2);
  acknowledge_pdus(lab);
  lab.connect();
  const std::uint32_t other = lab.pool.take();
  const std::uint32_t last = lab.pool.take();
  Lab::Out out = lab.send(0, Lab::data(0, 0, write_request(0)));
  for (const Segment& segment : out.to[0]) CHECK(segment.payload.empty());
  REQUIRE(lab.alive());
  lab.pool.give_back(last);
  out = lab.send(0, Lab::data(0, 12, {}));
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].payload == acknowledgement(1));
  (void)lab.send(0, Lab::data(0, 12, {}, 9));
  lab.pool.give_back(other);
}

TEST_CASE("numbers stay without a gap under loss, bursts and repetitions") {
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    std::minstd_rand random(seed);
    Lab lab;
    number_pdus(lab);
    Dialogue dialogue(lab);
    dialogue.client.mss = 12 * (1 + random() % 5);  // whole PDUs: others are reset once they are repeated
    dialogue.client.sacks = dialogue.server.sacks = random() % 2 == 0;
    for (int i = 0; i < 6; ++i) {
      dialogue.lose[0].push_back(static_cast<int>(2 + random() % 30));
      dialogue.lose[1].push_back(static_cast<int>(2 + random() % 30));
    }
    std::uint16_t number = 0;
    std::size_t permitted = 0;
    for (int burst = 0; burst < 6; ++burst) {
      Octets requests;
      for (std::size_t left = 1 + random() % 9; left > 0; --left) {
        const bool refused = random() % 3 == 0;
        permitted += refused ? 0 : 1;
        requests = requests + (refused ? write_request(number) : read_request(number));
        ++number;
      }
      dialogue.client.write(requests);
      if (random() % 2 == 0) dialogue.run();
      if (burst % 2 == 0) dialogue.run_with_repeats();  // the map holds 16 refusals
    }
    dialogue.run_with_repeats(60);
    REQUIRE(lab.alive());
    CHECK(numbers_of(dialogue.server.inbox) == count_to(permitted));
    CHECK(numbers_of(dialogue.client.inbox) == count_to(number));
    CHECK(lab.pool.in_use() == 0);
  }
}

}  // namespace conduit::tcp_test
