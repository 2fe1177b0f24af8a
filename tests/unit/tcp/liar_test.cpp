// A client that lies: two versions of its stream at the same numbers, one harmless, one with denied requests,
// cut, repeated, overlapped and mixed at random. Whatever a receiver does with overlaps, it must not be able
// to assemble a denied request.
#include <doctest/doctest.h>

#include <random>

#include "tests/unit/tcp/lab.hpp"

namespace conduit::tcp_test {
namespace {

// A receiver that reassembles in its own way; what it has acknowledged has reached its application.
struct Receiver {
  bool last_wins = false;
  bool takes_rst = true;
  std::vector<int> octets = std::vector<int>(4096, -1);
  std::size_t delivered = 0;

  void take(const Segment& segment) {
    const std::uint32_t offset = segment.sequence - Lab::base(0);
    for (std::size_t i = 0; i < segment.payload.size(); ++i) {
      const std::size_t at = std::size_t{offset} + i;
      if (at >= octets.size() || at < delivered) continue;
      if (octets[at] < 0 || last_wins) octets[at] = segment.payload[i];
    }
  }
  [[nodiscard]] std::size_t contiguous() const {
    std::size_t end = 0;
    while (end < octets.size() && octets[end] >= 0) ++end;
    return end;
  }
  // The stream as the application may see it.
  [[nodiscard]] Octets stream() const {
    Octets out;
    for (std::size_t i = 0; i < contiguous(); ++i) out.push_back(static_cast<std::uint8_t>(octets[i]));
    return out;
  }
};

bool holds_denied(const Octets& stream) {
  std::size_t at = 0;
  while (stream.size() - at >= 8) {
    const std::size_t size = 6U + load_u16be(stream.data() + at + 4);
    if (size > stream.size() - at) return false;
    if (stream[at + 7] == 6) return true;
    at += size;
  }
  return false;
}

struct Lies {
  explicit Lies(unsigned seed) : random(seed) {}
  std::size_t roll(std::size_t sides) { return random() % sides; }

  Segment segment(std::size_t around, std::size_t end) {
    const std::size_t back = roll(30);
    const std::size_t first = around > back ? around - back : 0;
    const std::size_t at = std::min(first + roll(40), end - 1);
    const bool lie = roll(6) == 0;
    Segment out = Lab::data(0, static_cast<std::uint32_t>(at),
                            part(lie ? denied : harmless, at, 1 + roll(roll(2) == 0 ? 4 : 40)));
    if (roll(200) == 0) out.flags |= TCP_FIN;
    if (roll(200) == 0) out.flags = TCP_RST;
    if (roll(100) == 0) out.sequence += static_cast<std::uint32_t>(random());
    if ((out.flags & TCP_RST) != 0) out.payload.clear();
    return out;
  }

  std::mt19937 random;
  Octets harmless{};
  Octets denied{};
};

struct Tally {
  std::size_t ended = 0;
  std::size_t delivered = 0;
};

void run_lies(unsigned seed, std::uint16_t asset_flags, Tally& tally) {
  CAPTURE(seed);
  Lab lab(256);
  lab.flow.asset_flags = asset_flags;
  lab.request_verdict[6] = seed % 2 == 0 ? Verdict::RESET : Verdict::REFUSE;
  lab.connect();
  Lies lies(seed);
  for (std::uint16_t i = 0; i < 12; ++i) {
    lies.harmless = lies.harmless + read_request(i, i);
    lies.denied = lies.denied + (lies.roll(3) == 0 ? write_request(i, 6) : read_request(i, i));
  }
  std::array<Receiver, 2> receivers;
  receivers[1].last_wins = true;
  std::vector<Segment> wire;
  for (int turn = 0; turn < 400 && lab.flow.state == FlowState::ESTABLISHED; ++turn) {
    const std::size_t front = lab.flow.tcp.stream[0].received - Lab::base(0);
    if (front >= lies.harmless.size()) break;
    for (const Segment& left : lab.send(0, lies.segment(front, lies.harmless.size())).to[1]) {
      if (lies.roll(5) != 0) wire.push_back(left);
    }
    while (!wire.empty() && lies.roll(3) != 0) {
      const std::size_t index = lies.roll(std::min<std::size_t>(wire.size(), 3));
      for (Receiver& receiver : receivers) receiver.take(wire[index]);
      if (lies.roll(4) != 0) wire.erase(wire.begin() + static_cast<std::ptrdiff_t>(index));
    }
    if (lies.roll(5) == 0) {  // both acknowledge what both have
      const std::size_t acked = std::min(receivers[0].contiguous(), receivers[1].contiguous());
      for (Receiver& receiver : receivers) receiver.delivered = acked;
      (void)lab.send(1, Lab::data(1, 0, {}, static_cast<std::uint32_t>(acked)));
    }
    if (lies.roll(20) == 0) (void)lab.advance(100'000'000);
  }
  for (const Receiver& receiver : receivers) CHECK_FALSE(holds_denied(receiver.stream()));
  CHECK(receivers[0].stream() == receivers[1].stream());
  tally.ended += lab.alive() ? 0U : 1U;
  tally.delivered += receivers[0].contiguous();
}

}  // namespace

TEST_CASE("liars: no receiver can assemble a denied request") {
  for (const std::uint16_t flags : {std::uint16_t{0}, std::uint16_t{ASSET_PARTIAL_FORWARD}}) {
    Tally tally;
    for (unsigned seed = 1; seed <= 1000; ++seed) run_lies(seed, flags, tally);
    CHECK(tally.ended > 500);         // the lies were told
    CHECK(tally.delivered > 10'000);  // and not all at the first segment
  }
}

TEST_CASE("liars: the oracle sees a denied request where there is one") {
  CHECK(holds_denied(read_request(1) + write_request(2)));
  CHECK_FALSE(holds_denied(read_request(1) + part(write_request(2), 0, 11)));
}

}  // namespace conduit::tcp_test
