// Both sides send whatever they like, handshakes and ends included, with numbers near those that matter.
// Whatever happens: the state's invariants hold (the lab checks them), blocks come back, a byte that has left
// for a place never changes there, and no side can read a PDU that the judge would deny.
#include <doctest/doctest.h>

#include <random>

#include "tests/unit/tcp/lab.hpp"

namespace conduit::tcp_test {
namespace {

// What one side could have read on its newest connection.
struct Reader {
  std::map<std::uint32_t, std::uint8_t> octets{};  // by distance from the SYN
  std::uint32_t isn = 0;
  std::uint64_t connection = UINT64_MAX;
  std::uint64_t spoken = UINT64_MAX;  // the connection for which its own SYN has left
  bool answered = false;              // it has acknowledged that SYN: another one does not change its mind
  std::size_t changed = 0;

  // A segment of its own that has left.
  void answer(const Segment& segment, std::uint64_t id) {
    if ((segment.flags & TCP_SYN) != 0) spoken = id;
    const bool answers = (segment.flags & TCP_ACK) != 0 && spoken == id;
    if (answers && segment.acknowledgement == isn + 1) answered = true;
  }
  void take(const Segment& segment, std::uint64_t id) {
    if ((segment.flags & TCP_SYN) != 0 && (connection != id || !answered)) {
      octets.clear();
      isn = segment.sequence;
      connection = id;
      answered = false;
    }
    CHECK(((segment.flags & TCP_SYN) == 0 || segment.payload.empty()));
    std::uint32_t at = segment.sequence - isn;
    for (const std::uint8_t octet : segment.payload) {
      const auto [place, fresh] = octets.emplace(at++, octet);
      if (!fresh && place->second != octet) ++changed;
    }
  }
  [[nodiscard]] Octets stream() const {
    Octets out;
    for (std::uint32_t at = 1;; ++at) {
      const auto place = octets.find(at);
      if (place == octets.end()) return out;
      out.push_back(place->second);
    }
  }
};

struct Anarchy {
  explicit Anarchy(unsigned seed) : random(seed) {
    for (Octets& stream : streams) {
      for (std::uint16_t i = 0; i < 100; ++i) {
        stream =
            stream + (roll(4) == 0 ? write_request(i) : read_request(i, static_cast<std::uint16_t>(roll(9))));
      }
    }
  }
  std::uint32_t roll(std::size_t sides) { return static_cast<std::uint32_t>(random() % sides); }

  // Bytes for this place: mostly those that the side has always meant to send there.
  Octets bytes_at(std::uint32_t offset) {
    const Octets& stream = streams[roll(60) == 0 ? 1 : 0];
    const std::size_t at = (offset - 1) % stream.size();
    return part(stream, at, roll(3) == 0 ? 1 + roll(40) : 12 - at % 12 + 12 * roll(2));
  }

  std::uint32_t near(const Lab& lab, Side side) {
    const Stream& stream = lab.flow.tcp.stream[side];
    const SynFacts& syn = lab.flow.tcp.aside[side].syn;
    const std::uint32_t places[] = {stream.received, stream.received,     stream.forwarded, stream.acked,
                                    stream.acked_r,  stream.boundary,     syn.isn,          syn.isn + 1,
                                    stream.edge_r,   stream.received + 12};
    const std::uint32_t at = places[roll(std::size(places))];
    switch (roll(24)) {
      case 0: return at + roll(40);
      case 1: return at - roll(40);
      case 2: return static_cast<std::uint32_t>(random());
      default: return at;
    }
  }

  Segment segment(const Lab& lab, Side side) {
    static constexpr std::uint8_t kinds[] = {
        TCP_ACK, TCP_ACK,           TCP_ACK | TCP_PSH, TCP_ACK | TCP_PSH, TCP_ACK | TCP_PSH,
        TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK | TCP_FIN, TCP_RST,           TCP_RST | TCP_ACK};
    Segment out;
    out.flags = kinds[roll(roll(25) == 0 ? std::size(kinds) : 5)];
    out.sequence = near(lab, side);
    out.acknowledgement = roll(2) == 0 ? lab.flow.tcp.stream[other(side)].forwarded : near(lab, other(side));
    const std::uint32_t offset = out.sequence - lab.flow.tcp.aside[side].syn.isn;
    if ((out.flags & TCP_RST) == 0 && roll(3) != 0) out.payload = bytes_at(offset);
    out.window = static_cast<std::uint16_t>(roll(4) == 0 ? roll(30) : 60000);
    if (roll(6) == 0) out.sack = {{near(lab, other(side)), near(lab, other(side))}};
    if (roll(12) == 0) out.timestamp = roll(100);
    if ((out.flags & TCP_SYN) != 0 && roll(4) == 0) out.fast_open = true;
    return out;
  }

  std::mt19937 random;
  Octets streams[2];
};

// Has a denied PDU (function 6) reached the reader whole?
bool reads_denied(const Octets& stream) {
  std::size_t at = 0;
  while (stream.size() - at >= 8) {
    const std::size_t size = 6U + load_u16be(stream.data() + at + 4);
    if (size > stream.size() - at) return false;
    if (stream[at + 7] == 6) return true;
    at += size;
  }
  return false;
}

struct Tally {
  std::size_t judged = 0;
  std::size_t read = 0;
  std::size_t ended = 0;
};

void run(unsigned seed, Tally& tally) {
  CAPTURE(seed);
  static constexpr Verdict verdicts[] = {Verdict::REFUSE, Verdict::DISCARD, Verdict::RESET, Verdict::DROP};
  Lab lab(256);
  Anarchy anarchy(seed);
  lab.request_verdict[6] = verdicts[seed % 4 == 3 ? anarchy.roll(4) : 0];
  lab.response_verdict[6] = verdicts[1 + anarchy.roll(2)];
  if (seed % 5 == 0) lab.flow.asset_flags = ASSET_PARTIAL_FORWARD;
  ConduitSource conduit;
  if (seed % 3 == 0) conduit.flags = CONDUIT_SYN_DATA;
  lab.lay_conduit(conduit);
  Reader readers[2];
  const auto read = [&readers, &lab](const Lab::Out& out) {
    for (Side to = 0; to < 2; ++to) {
      for (const Segment& left : out.to[to]) {
        readers[other(to)].answer(left, lab.flow.id);
        readers[to].take(left, lab.flow.id);
      }
    }
  };
  const auto send = [&](Side side, Segment segment) { read(lab.send(side, segment)); };
  send(0, {.sequence = Lab::isn[0], .flags = TCP_SYN});
  if (seed % 4 != 0) {
    send(1, {.sequence = Lab::isn[1], .acknowledgement = Lab::base(0), .flags = TCP_SYN | TCP_ACK});
    send(0, {.sequence = Lab::base(0), .acknowledgement = Lab::base(1)});
  }
  for (int turn = 0; turn < 300 && lab.alive(); ++turn) {
    const Side side = anarchy.roll(3) == 0 ? 1 : 0;
    send(side, anarchy.segment(lab, side));
    if (anarchy.roll(10) == 0) read(lab.advance(anarchy.roll(3) * 150'000'000));
  }
  for (const Reader& reader : readers) {
    CHECK(reader.changed == 0);
    CHECK_FALSE(reads_denied(reader.stream()));
    tally.read += reader.stream().size();
  }
  tally.judged += lab.judged[0].size() + lab.judged[1].size();
  tally.ended += lab.alive() ? 0U : 1U;
}

}  // namespace

TEST_CASE("anarchy: nothing that leaves changes, and nobody reads what is denied") {
  Tally tally;
  for (unsigned seed = 1; seed <= 10000; ++seed) run(seed, tally);
  CHECK(tally.judged > 40'000);
  CHECK(tally.read > 400'000);
  CHECK(tally.ended > 300);
  CHECK(tally.ended < 9500);
}

}  // namespace conduit::tcp_test
