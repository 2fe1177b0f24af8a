// Seeded storms: random dialogues, some requests denied, over a network that loses, repeats and reorders,
// from senders that cut their streams anywhere. Safety: the server's stream is exactly the permitted
// requests, in order. Liveness: every request is answered or refused once the storm is over.
#include <doctest/doctest.h>

#include <array>
#include <random>

#include "tests/unit/tcp/lab.hpp"

namespace conduit::tcp_test {
namespace {

struct Storm {
  explicit Storm(unsigned seed) : random(seed) {}
  std::size_t roll(std::size_t sides) { return random() % sides; }

  void carry(Lab& lab, Side side, const Segment& segment) {
    const Lab::Out out = lab.send(side, segment);
    for (Side to = 0; to < 2; ++to) {
      for (const Segment& left : out.to[to]) {
        if (raging && roll(8) == 0) continue;  // lost behind the gate
        wire[to].push_back(left);
        if (raging && roll(16) == 0) wire[to].push_back(left);
      }
    }
  }

  void step(Dialogue& dialogue) {
    Endpoint* ends[2] = {&dialogue.client, &dialogue.server};
    for (Side side = 0; side < 2; ++side) {
      std::deque<Segment>& out = ends[side]->out;
      if (!out.empty()) {
        const std::size_t index = raging ? roll(std::min<std::size_t>(out.size(), 3)) : 0;
        const Segment segment = out[index];
        if (!raging || roll(10) != 0) out.erase(out.begin() + static_cast<std::ptrdiff_t>(index));
        if (!raging || roll(8) != 0) carry(dialogue.lab, side, segment);
      }
      if (!wire[side].empty()) {
        const std::size_t index = raging ? roll(std::min<std::size_t>(wire[side].size(), 3)) : 0;
        const Segment segment = wire[side][index];
        wire[side].erase(wire[side].begin() + static_cast<std::ptrdiff_t>(index));
        ends[side]->take(segment);
      }
    }
  }

  [[nodiscard]] bool quiet(const Dialogue& dialogue) const {
    return wire[0].empty() && wire[1].empty() && dialogue.client.out.empty() && dialogue.server.out.empty();
  }

  std::mt19937 random;
  bool raging = true;
  bool windows = false;  // receivers with hardly any room
  std::deque<Segment> wire[2];
};

struct Plan {
  Octets requests{};   // all that the client sends
  Octets permitted{};  // what the server may see
  std::size_t count = 0;
};

Plan make_plan(Storm& storm) {
  Plan plan;
  plan.count = 5 + storm.roll(20);
  for (std::uint16_t i = 0; i < plan.count; ++i) {
    const bool denied = storm.roll(3) == 0;
    const Octets request = denied ? write_request(i, static_cast<std::uint16_t>(storm.roll(999)))
                                  : read_request(i, static_cast<std::uint16_t>(storm.roll(999)));
    plan.requests = plan.requests + request;
    if (!denied) plan.permitted = plan.permitted + request;
  }
  return plan;
}

void tick(Storm& storm, Dialogue& dialogue) {
  Lab& lab = dialogue.lab;
  const Lab::Out out = lab.advance(100'000'000);
  for (Side side = 0; side < 2; ++side) {
    for (const Segment& segment : out.to[side]) storm.wire[side].push_back(segment);
  }
  for (Endpoint* end : {&dialogue.client, &dialogue.server}) {
    if (storm.roll(8) == 0) end->keep_alive(storm.roll(2) == 0);
    if (storm.windows) end->window = storm.raging ? static_cast<std::uint16_t>(storm.roll(24)) : 60000;
    end->repeat();
  }
}

void answer(Dialogue& dialogue) {
  for (const Octets& request : split_adus(part(dialogue.server.inbox, dialogue.answered))) {
    if (request.size() < 8 || request.size() != 6U + load_u16be(request.data() + 4)) return;
    dialogue.answered += request.size();
    dialogue.server.write(read_response(load_u16be(request.data())));
  }
}

enum class Cuts { ANYWHERE, BETWEEN_PDUS, BY_WINDOW };

struct Course {
  std::vector<Segment> left[2]{};
  std::vector<Octets> judged[2]{};
  std::vector<Reason> denied{};
  std::array<std::uint64_t, 5> counters{};
  bool operator==(const Course&) const = default;
};

Course course_of(const Lab& lab) {
  const WorkerCounters& counters = lab.context.counters;
  return {{lab.left[0], lab.left[1]},
          {lab.judged[0], lab.judged[1]},
          lab.denied,
          {counters.tails_held, counters.tails_released, counters.refusals_sent, counters.refusals_repeated,
           counters.resets_sent}};
}

Course run_storm(unsigned seed, std::uint16_t asset_flags, Cuts cuts, std::size_t& resets,
                 bool long_way = false) {
  CAPTURE(seed);
  Lab lab(512);
  lab.flow.asset_flags = asset_flags;
  lab.long_way = long_way;
  lab.recording = true;
  Storm storm(seed);
  storm.windows = cuts == Cuts::BY_WINDOW;
  if (storm.windows) lab.window = static_cast<std::uint16_t>(storm.roll(24));
  Dialogue dialogue(lab);
  const bool closes = seed % 3 != 0;
  dialogue.client.sacks = dialogue.server.sacks = seed % 4 != 0;
  const Plan plan = make_plan(storm);
  std::size_t sent = 0;
  for (int turn = 0; turn < 6000 && lab.alive(); ++turn) {
    storm.raging = turn < 600;
    if (sent < plan.requests.size() && storm.roll(3) == 0) {
      const std::size_t size =
          cuts == Cuts::ANYWHERE ? 1 + storm.roll(storm.roll(2) == 0 ? 12 : 60) : 12 * (1 + storm.roll(4));
      dialogue.client.write(part(plan.requests, sent, size));
      sent = std::min(plan.requests.size(), sent + size);
    }
    const bool told = sent == plan.requests.size();
    if (closes && told && !dialogue.client.closing() && storm.roll(40) == 0) dialogue.client.close();
    const bool answered_all = dialogue.server.closed && dialogue.answered == dialogue.server.inbox.size();
    if (answered_all && !dialogue.server.closing() && storm.roll(40) == 0) dialogue.server.close();
    storm.step(dialogue);
    answer(dialogue);
    if (storm.roll(20) == 0 || storm.quiet(dialogue)) tick(storm, dialogue);
  }
  // Honest peers are never taken for liars.
  CHECK(lab.count(Reason::TCP_RETRANSMISSION_DIFFERS) == 0);
  CHECK(lab.count(Reason::TCP_OUT_OF_WINDOW) == 0);
  CHECK(lab.count(Reason::TCP_MAP_FULL) == 0);
  CHECK(lab.malformed == 0);
  CHECK(dialogue.client.wrong_sacks == 0);
  CHECK(dialogue.server.wrong_sacks == 0);
  // Never more than what is permitted, whatever happened.
  const Octets& got = dialogue.server.inbox;
  if (lab.alive()) {
    CHECK(got == plan.permitted);
    CHECK(dialogue.client.idle());
    CHECK(dialogue.server.idle());
    CHECK(split_adus(dialogue.client.inbox).size() == plan.count);
    CHECK(dialogue.client.closed == closes);
    CHECK(dialogue.server.closed == closes);
    CHECK((lab.flow.state == FlowState::CLOSING) == closes);
    CHECK(lab.flow.timer_ns == timer_never);
    CHECK(lab.pool.in_use() == 0);
  } else {
    ++resets;
    for (const Octets& adu : split_adus(got)) {
      if (adu.size() == 12) CHECK(adu[7] == 3);
    }
  }
  return course_of(lab);
}

// Numbers that wrap within the first few requests, at every distance from the places of edits.
void set_numbers(unsigned seed) {
  Lab::isn[0] = 0U - seed % 300;
  Lab::isn[1] = 0U - seed / 3 % 300;
}

}  // namespace

TEST_CASE("storms: requests come whole, some are refused") {
  std::size_t resets = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) (void)run_storm(seed, 0, Cuts::BETWEEN_PDUS, resets);
  CHECK(resets == 0);
}

TEST_CASE("storms: requests are cut anywhere, tails are held") {
  std::size_t resets = 0;  // part of a request that is denied later had been let go
  for (unsigned seed = 1; seed <= 200; ++seed) (void)run_storm(seed, 0, Cuts::ANYWHERE, resets);
  CHECK(resets < 200);
}

TEST_CASE("storms: tails are let go but for their last byte") {
  std::size_t resets = 0;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    (void)run_storm(seed, ASSET_PARTIAL_FORWARD, Cuts::ANYWHERE, resets);
  }
  CHECK(resets < 100);
}

TEST_CASE("storms: receivers whose window is smaller than a PDU, or closed") {
  std::size_t resets = 0;  // of a request that is denied a part had left, being repeated
  for (unsigned seed = 1; seed <= 200; ++seed) (void)run_storm(seed, 0, Cuts::BY_WINDOW, resets);
  CHECK(resets < 200);
}

TEST_CASE("storms: numbers wrap across every edit, on both sides") {
  std::size_t resets = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    set_numbers(seed);
    (void)run_storm(seed, 0, Cuts::BETWEEN_PDUS, resets);
  }
  CHECK(resets == 0);
}

TEST_CASE("storms: the short way and the long way let the same leave, judge and count the same") {
  std::size_t resets = 0;
  std::size_t segments = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    const Cuts cuts = seed % 2 == 0 ? Cuts::ANYWHERE : Cuts::BETWEEN_PDUS;
    std::uint16_t flags = 0;
    if (seed % 5 == 0) flags = ASSET_PARTIAL_FORWARD;
    const Course usual = run_storm(seed, flags, cuts, resets, false);
    const Course lengthy = run_storm(seed, flags, cuts, resets, true);
    CHECK(usual.left[0] == lengthy.left[0]);
    CHECK(usual.left[1] == lengthy.left[1]);
    CHECK(usual == lengthy);
    segments += usual.left[0].size() + usual.left[1].size();
  }
  CHECK(segments > 10000);
}

}  // namespace conduit::tcp_test
