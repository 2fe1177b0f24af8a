// Storms of fragments of many packets at a time, honest and hostile, against the slow reassembly: the same
// answer to every fragment, and what leaves is what was judged, whole.
#include <deque>
#include <random>

#include "tests/support/heap_guard.hpp"
#include "tests/unit/engine_support/plant.hpp"
#include "tests/unit/fragments/slow_reassembly.hpp"

namespace conduit::test {
namespace {

constexpr std::uint64_t millisecond = 1'000'000;
constexpr std::uint16_t permitted_port = 9000;
constexpr std::uint16_t denied_port = 9100;
constexpr std::size_t client_count = 6;
constexpr std::size_t link_size = 14;
const Address ip6_drive{0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02};

using Random = std::mt19937_64;

struct Client {
  Address ipv4;
  Address ipv6;
};

Client client_of(std::size_t number) {
  Client client{ipv4_address(10, 0, 7, static_cast<std::uint8_t>(20 + number)), ip6_hmi};
  client.ipv6[15] = static_cast<std::uint8_t>(0x20 + number);
  return client;
}

// Clients upstream that may send datagrams to the drive's one port; fragments are tolerated.
ImageSource storm_plant() {
  ImageSource source = plant();
  source.conduits[0].flags = CONDUIT_FRAGMENTS | CONDUIT_UDP_CHECKSUM_ABSENT;
  source.assets[DRIVE].addresses.push_back(ip6_drive);
  for (std::size_t i = 0; i < client_count; ++i) {
    const Client client = client_of(i);
    const auto number = static_cast<std::uint32_t>(source.assets.size());
    source.assets.push_back(asset(SCADA, {client.ipv4, client.ipv6}));
    source.services.push_back(
        opaque_service(Transport::UDP, ProtocolId::OPAQUE_UDP, permitted_port, number, DRIVE));
  }
  return source;
}

SlowBounds bounds() {
  return {fragment_packet_count, fragment_packet_count / fragment_source_share, fragment_packet_size_max,
          fragment_piece_count_max, fragment_wait_ns};
}

// One packet that somebody sends: its name, and two readings of what it holds.
struct Sender {
  std::size_t client = 0;
  bool ipv6 = false;
  bool upwards = false;  // from the drive to the client: no rule permits it
  std::uint32_t identification = 0;
  std::uint8_t protocol = 17;

  [[nodiscard]] Address source() const {
    const Client own = client_of(client);
    if (upwards) return ipv6 ? ip6_drive : ip_drive;
    return ipv6 ? own.ipv6 : own.ipv4;
  }
  [[nodiscard]] Address destination() const {
    Sender other = *this;
    other.upwards = !upwards;
    return other.source();
  }
};

Octets datagram(const Sender& sender, std::size_t size, std::uint8_t filler, bool permitted, bool checksum) {
  Octets out;
  put16(out, 40000);
  put16(out, permitted ? permitted_port : denied_port);
  put16(out, static_cast<std::uint32_t>(size));
  put16(out, 0);
  out.resize(size, filler);
  const Ip header{.source = sender.source(), .destination = sender.destination()};
  if (checksum || sender.ipv6) store_u16be(out.data() + 6, upper_checksum(header, 17, out));
  return out;
}

struct Piece {
  Sender sender;
  std::size_t begin = 0;
  bool more = false;
  Octets octets{};
};

Octets frame_of(const Piece& piece) {
  Ip header{.source = piece.sender.source(), .destination = piece.sender.destination()};
  const Link link = piece.sender.upwards ? Link{mac_drive, mac_hmi, {}} : Link{mac_hmi, mac_drive, {}};
  const auto place = static_cast<std::uint16_t>(piece.begin / 8);
  if (piece.sender.ipv6) {
    header.next_header = 44;
    header.options = Octets{piece.sender.protocol, 0};
    put16(header.options, static_cast<std::uint32_t>(place << 3 | (piece.more ? 1 : 0)));
    put32(header.options, piece.sender.identification);
    return ethernet(link, 0x86DD, ip(header, piece.sender.protocol, piece.octets));
  }
  header.fragment = static_cast<std::uint16_t>(place | (piece.more ? 0x2000 : 0));
  Octets packet = ip(header, piece.sender.protocol, piece.octets);
  store_u16be(packet.data() + 4, static_cast<std::uint16_t>(piece.sender.identification));
  store_u16be(packet.data() + 10, 0);
  store_u16be(packet.data() + 10, slow_checksum(Octets(packet.begin(), packet.begin() + 20)));
  return ethernet(link, 0x0800, packet);
}

SlowPiece slow_of(const Piece& piece, const Octets& frame) {
  const auto text = [](const Address& address) { return std::string(address.begin(), address.end()); };
  const Sender& sender = piece.sender;
  SlowPiece out;
  out.name = {sender.upwards ? 1 : 0, text(sender.source()), text(sender.destination()),
              sender.identification, sender.protocol};
  out.source = sender.upwards ? -1 : static_cast<int>(sender.client);
  out.ipv6 = sender.ipv6;
  out.begin = piece.begin;
  out.more = piece.more;
  out.octets = piece.octets;
  out.head =
      Octets(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(link_size) + (sender.ipv6 ? 40 : 20));
  return out;
}

// The frame that a packet makes which was never cut.
Octets uncut(const SlowWhole& whole, const Sender& sender) {
  Octets out = whole.head;
  std::uint8_t* const at = out.data() + link_size;
  if (sender.ipv6) {
    store_u16be(at + 4, static_cast<std::uint16_t>(whole.octets.size()));
    at[6] = sender.protocol;
  } else {
    store_u16be(at + 2, static_cast<std::uint16_t>(20 + whole.octets.size()));
    store_u16be(at + 6, 0);
    store_u16be(at + 10, 0);
    store_u16be(at + 10, slow_checksum(Octets(at, at + 20)));
  }
  put(out, whole.octets);
  if (out.size() < frame_size_min) out.resize(frame_size_min, 0);
  return out;
}

// The judgement of a whole packet, from the policy.
bool permitted(const SlowWhole& whole, const Sender& sender) {
  const Octets& octets = whole.octets;
  if (sender.protocol != 17 || sender.upwards || octets.size() < 8) return false;
  if (load_u16be(octets.data() + 4) != octets.size()) return false;
  const bool absent = load_u16be(octets.data() + 6) == 0;
  const Ip header{.source = sender.source(), .destination = sender.destination()};
  if (absent ? sender.ipv6 : upper_checksum(header, 17, octets) != 0) return false;
  return load_u16be(octets.data() + 2) == permitted_port;
}

Reason reason_of(SlowAnswer answer) {
  switch (answer) {
    case SlowAnswer::MALFORMED: return Reason::IP_HEADER_MALFORMED;
    case SlowAnswer::UNKNOWN_PROTOCOL: return Reason::IP_FRAGMENT_NOT_PERMITTED;
    case SlowAnswer::TOO_LARGE: return Reason::IP_FRAGMENT_TOO_LARGE;
    case SlowAnswer::TINY: return Reason::IP_FRAGMENT_TINY;
    case SlowAnswer::OVERLAP: return Reason::IP_FRAGMENT_OVERLAP;
    case SlowAnswer::FULL: return Reason::IP_FRAGMENT_FULL;
    case SlowAnswer::KEPT:
    case SlowAnswer::WHOLE: return Reason::NONE;
  }
  return Reason::NONE;
}

Piece piece_of(const Sender& sender, const Octets& whole, std::size_t begin, std::size_t end) {
  end = std::min(end, whole.size());
  const auto at = [&](std::size_t place) { return whole.begin() + static_cast<std::ptrdiff_t>(place); };
  return {sender, begin, end < whole.size(), Octets(at(begin), at(end))};
}

// A piece that no honest sender would send at this place.
Piece odd_piece(const Sender& sender, const Octets& whole, Random& random) {
  const std::size_t begin = 8 * (random() % (whole.size() / 8 + 1));
  Piece piece = piece_of(sender, whole, std::min(begin, whole.size()), begin + 8 * (1 + random() % 4));
  switch (random() % 8) {
    case 0: piece.more = !piece.more; break;
    case 1: piece.octets.resize(random() % 12, 0xEE); break;
    case 2: piece.begin = 8 * (random() % 8192); break;
    case 3:
      piece.sender.protocol = random() % 3 == 0 ? 47 : 6;
      if (random() % 2 == 0) piece.begin = 0;
      break;
    default: break;
  }
  // In IPv4, what begins at 0 and has no more is no fragment.
  if (!piece.sender.ipv6 && piece.begin == 0) piece.more = true;
  return piece;
}

// The pieces of one packet in the order in which they are sent.
std::deque<Piece> packet(Random& random) {
  Sender sender;
  sender.client = random() % client_count;
  sender.ipv6 = random() % 3 == 0;
  sender.upwards = random() % 16 == 0;
  sender.identification = static_cast<std::uint32_t>(random() % (random() % 4 == 0 ? 24 : 5000));
  const bool honest = random() % 2 == 0;
  const std::size_t size = random() % 8 == 0 ? 1400 + random() % 120 : 17 + random() % 100;
  const Octets good = datagram(sender, size, 0x11, random() % 4 != 0, random() % 2 == 0);
  const std::size_t other_size = random() % 4 == 0 ? size + 8 : size;
  const Octets evil = datagram(sender, other_size, 0x22, random() % 2 == 0, false);
  std::deque<Piece> pieces;
  const std::size_t step = size > 1000 ? 8 * (8 + random() % 40) : 8 * (1 + random() % 4);
  for (std::size_t at = 0; at < size; at += step) {
    const Octets& from = honest || random() % 4 != 0 ? good : evil;
    pieces.push_back(piece_of(sender, from, at, at + step));
  }
  if (pieces.size() == 1 && !sender.ipv6) pieces.clear();
  if (random() % 2 == 0) std::shuffle(pieces.begin(), pieces.end(), random);
  for (std::size_t i = random() % 3; i > 0 && !pieces.empty(); --i) {
    const auto at = pieces.begin() + static_cast<std::ptrdiff_t>(random() % pieces.size());
    const Piece copy = *at;
    if (honest || random() % 2 == 0) {
      pieces.push_back(copy);  // comes twice
    } else {
      pieces.insert(at, odd_piece(sender, evil, random));
    }
  }
  if (random() % 6 == 0 && !pieces.empty()) pieces.pop_front();  // lost on the way
  return pieces;
}

struct Tally {
  std::map<SlowAnswer, std::size_t> answers;
  std::size_t left = 0;
  std::size_t given_up = 0;
};

class Storm {
 public:
  explicit Storm(std::uint64_t seed) : random_(seed), plane_(storm_plant()), slow_(bounds()) {}

  void blow(std::size_t steps, Tally& tally) {
    std::vector<std::deque<Piece>> packets(20 + 20 * (random_() % 5));
    for (std::size_t i = 0; i < steps; ++i) {
      CAPTURE(i);
      auto& some = packets[random_() % packets.size()];
      if (some.empty()) some = packet(random_);
      if (some.empty()) continue;
      send(some.front(), tally);
      some.pop_front();
      if (random_() % 8 == 0) wait(random_() % (80 * millisecond), tally);
    }
    wait(fragment_wait_ns, tally);
    CHECK(slow_.waiting() == 0);
  }

  // Every place is free again: each source gets its share, all of them the whole.
  void check_empty() {
    std::size_t taken = 0;
    for (std::uint32_t number = 0; number <= fragment_packet_count; ++number) {
      for (std::size_t client = 0; client < client_count; ++client) {
        const Sender sender{client, false, false, 1000 + number, 17};
        plane_.recorder.reports.clear();
        CHECK(plane_.pass(frame_of({sender, 0, true, datagram(sender, 64, 1, true, false)})).empty());
        if (plane_.recorder.reports.empty()) ++taken;
      }
    }
    CHECK(taken == fragment_packet_count);
  }

 private:
  void send(const Piece& piece, Tally& tally) {
    const Octets frame = frame_of(piece);
    std::optional<SlowWhole> whole;
    const SlowAnswer answer = slow_.take(slow_of(piece, frame), plane_.now_ns, whole);
    ++tally.answers[answer];
    plane_.recorder.sent.clear();
    plane_.recorder.reports.clear();
    CHECK(plane_.pass(frame, piece.sender.upwards ? 1 : 0).empty());  // no fragment leaves
    const auto& reports = plane_.recorder.reports;
    const Reason reason = reports.empty() ? Reason::NONE : reports.front().reason;
    if (!whole) {
      REQUIRE(reason == reason_of(answer));
      REQUIRE(plane_.recorder.sent.empty());
      return;
    }
    const bool passes = permitted(*whole, piece.sender);
    REQUIRE((reason == Reason::NONE) == passes);
    REQUIRE(plane_.recorder.sent.size() == (passes ? 1 : 0));
    if (!passes) return;
    ++tally.left;
    REQUIRE(plane_.recorder.sent[0].port == 1);
    REQUIRE(plane_.recorder.sent[0].frame == uncut(*whole, piece.sender));
  }

  void wait(std::uint64_t ns, Tally& tally) {
    const std::uint64_t before = plane_.count(Reason::IP_FRAGMENT_INCOMPLETE);
    plane_.advance_by_deadlines(ns);
    const std::size_t given_up = slow_.give_up(plane_.now_ns);
    REQUIRE(plane_.count(Reason::IP_FRAGMENT_INCOMPLETE) - before == given_up);
    tally.given_up += given_up;
  }

  Random random_;
  Plane plane_;
  SlowReassembly slow_;
};

TEST_CASE("storms of fragments are answered as the slow reassembly answers them") {
  Tally tally;
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    CAPTURE(seed);
    Storm storm(seed);
    storm.blow(4000, tally);
    storm.check_empty();
  }
  // All of it has happened, often enough to mean something.
  for (const SlowAnswer answer : {SlowAnswer::MALFORMED, SlowAnswer::UNKNOWN_PROTOCOL, SlowAnswer::TOO_LARGE,
                                  SlowAnswer::TINY, SlowAnswer::OVERLAP, SlowAnswer::FULL}) {
    CAPTURE(static_cast<int>(answer));
    CHECK(tally.answers[answer] > 50);
  }
  CHECK(tally.answers[SlowAnswer::WHOLE] > 3000);
  CHECK(tally.left > 1500);
  CHECK(tally.answers[SlowAnswer::WHOLE] - tally.left > 500);
  CHECK(tally.given_up > 500);
}

TEST_CASE("fragments take nothing from the heap") {
  Plane plane(storm_plant());
  plane.recorder.keep = false;
  Random random(5);
  std::vector<Piece> pieces;
  while (pieces.size() < 3000) {
    for (const Piece& piece : packet(random)) pieces.push_back(piece);
  }
  std::vector<Octets> frames;
  for (const Piece& piece : pieces) {
    frames.push_back(frame_of(piece));
    frames.back().reserve(frame_size_max);
  }
  plane.begin();
  const HeapGuard guard;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const std::uint8_t port = pieces[i].sender.upwards ? 1 : 0;
    Frame frame{frames[i].data(), static_cast<std::uint32_t>(frames[i].size()), port, 0, 0};
    plane.worker->prepare({&frame, 1});
    (void)plane.worker->step(frame);
    if (i % 16 == 0) plane.advance(50 * millisecond);
  }
  CHECK(guard.allocations() == 0);
  CHECK(plane.worker->counters().port[1].frames_out > 100);
}

}  // namespace
}  // namespace conduit::test
