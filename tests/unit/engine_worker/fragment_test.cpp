// IP fragments: denied by default; where the conduit permits them, put together, judged and sent on whole.
#include <algorithm>
#include <map>
#include <optional>
#include <random>

#include "tests/unit/engine_support/plant.hpp"

namespace conduit::test {
namespace {

constexpr std::uint64_t second = 1'000'000'000;

ImageSource lenient() {
  ImageSource source = plant();
  source.conduits[0].flags = CONDUIT_FRAGMENTS;
  return source;
}

struct Cut {
  std::uint16_t begin = 0;
  std::uint16_t end = 0;
  bool more = true;
};

struct Header {
  Link link{};
  Ip ip{.source = ip_hmi, .destination = ip_plc};
  std::uint32_t identification = 7;
  std::uint8_t protocol = 17;
};

// What follows the IP header of a frame.
Octets upper(const Octets& frame, bool ipv6 = false) {
  const std::size_t size = ipv6 ? 40U + load_u16be(frame.data() + 18) : load_u16be(frame.data() + 16);
  return {frame.begin() + (ipv6 ? 54 : 34), frame.begin() + 14 + static_cast<std::ptrdiff_t>(size)};
}

Octets fragment(const Header& header, const Cut& cut, const Octets& whole) {
  const Octets content(whole.begin() + cut.begin, whole.begin() + cut.end);
  Ip ip_header = header.ip;
  if (is_ipv4(ip_header.source)) {
    ip_header.fragment = static_cast<std::uint16_t>(cut.begin / 8 | (cut.more ? 0x2000 : 0));
    Octets packet = ip(ip_header, header.protocol, content);
    store_u16be(packet.data() + 4, static_cast<std::uint16_t>(header.identification));
    store_u16be(packet.data() + 10, 0);
    store_u16be(packet.data() + 10, slow_checksum(Octets(packet.begin(), packet.begin() + 20)));
    return ethernet(header.link, 0x0800, packet);
  }
  ip_header.next_header = 44;
  ip_header.options = Octets{header.protocol, 0};
  put16(ip_header.options, static_cast<std::uint32_t>(cut.begin | (cut.more ? 1 : 0)));
  put32(ip_header.options, header.identification);
  return ethernet(header.link, 0x86DD, ip(ip_header, header.protocol, content));
}

// Cut at these places, the last piece without "more".
std::vector<Octets> pieces(const Header& header, const Octets& whole, std::vector<std::uint16_t> places) {
  std::vector<Octets> out;
  std::uint16_t begin = 0;
  places.push_back(static_cast<std::uint16_t>(whole.size()));
  for (const std::uint16_t end : places) {
    out.push_back(fragment(header, {begin, end, end != whole.size()}, whole));
    begin = end;
  }
  return out;
}

struct Gateway : Plane {
  explicit Gateway(const ImageSource& source = lenient()) : Plane(source) {}
  // Reason of the denial of this fragment, NONE if it was taken.
  Reason send(const Octets& frame, std::uint8_t port_in = 0) {
    recorder.reports.clear();
    CHECK(pass(frame, port_in).empty());  // a fragment never leaves itself
    const auto denied = std::find_if(recorder.reports.begin(), recorder.reports.end(),
                                     [](const auto& report) { return report.reason != Reason::NONE; });
    return denied == recorder.reports.end() ? Reason::NONE : denied->reason;
  }
};

Octets read_request() { return upper(to_plc(modbus_pdu(1, read_ten))); }
Octets denied_write() { return upper(to_plc(modbus_pdu(1, "01 06 0028 ffff"))); }

TEST_CASE("whole packets leave, judged, whatever the order of their fragments") {
  const Octets expected = to_plc(modbus_pdu(1, read_ten));
  std::vector<std::size_t> order{0, 1};
  do {
    Gateway gateway;
    const auto cut = pieces({}, read_request(), {8});
    for (const std::size_t number : order) CHECK(gateway.send(cut[number]) == Reason::NONE);
    REQUIRE(gateway.recorder.sent.size() == 1);
    CHECK(gateway.recorder.sent[0].port == 1);
    Octets sent = gateway.recorder.sent[0].frame;
    // Like the unfragmented one but for the identification.
    CHECK(slow_checksum(Octets(sent.begin() + 14, sent.begin() + 34)) == 0);
    std::copy(expected.begin() + 18, expected.begin() + 26, sent.begin() + 18);
    CHECK(sent == expected);
    CHECK(gateway.worker->counters().port[1].frames_out == 1);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("a denied operation in fragments is denied as in one piece") {
  Gateway gateway;
  const auto cut = pieces({}, denied_write(), {8, 16});
  CHECK(gateway.send(cut[2]) == Reason::NONE);
  CHECK(gateway.send(cut[1]) == Reason::NONE);
  CHECK(gateway.send(cut[0]) == Reason::VALUE_NOT_PERMITTED);
  REQUIRE(gateway.recorder.sent.size() == 1);  // the exception response
  CHECK(gateway.recorder.sent[0].port == 0);
}

TEST_CASE("a fragment whose header is part of a TCP segment is put together for the TCP gate") {
  Gateway gateway;
  Header header;
  header.protocol = 6;
  const Tcp opening{.from = 40000, .to = 502, .sequence = 5, .flags = 0x02, .options = hex("02 04 05 b4")};
  const auto cut = pieces(header, upper(tcp({}, {ip_hmi, ip_plc}, opening)), {});
  CHECK(cut.size() == 1);
  const Octets syn = upper(tcp({}, {ip_hmi, ip_plc}, opening, Octets(24, 0)));
  Octets bare(syn.begin(), syn.begin() + 24);
  CHECK(gateway.send(fragment(header, {0, 24, true}, syn)) == Reason::NONE);
  CHECK(gateway.send(fragment(header, {24, 48, false}, syn)) == Reason::TCP_SYN_DATA);
}

TEST_CASE("without the conduit's tolerance, and for those who may not talk, no fragment takes a place") {
  Header stranger;
  stranger.ip.source = ip_stranger;
  Header wrong_mac;
  wrong_mac.link = {mac_other, mac_hmi, {}};
  wrong_mac.ip = {.source = ip_plc, .destination = ip_hmi};
  Header no_pair;
  no_pair.ip.destination = ip_router;
  Header elsewhere;
  elsewhere.ip.destination = ip_behind;  // the other conduit does not tolerate them
  struct Row {
    const char* name;
    Header header;
    std::uint8_t port_in;
  };
  for (const Row& row : {Row{"stranger", stranger, 0}, Row{"MAC of another", wrong_mac, 1},
                         Row{"no rule between them", no_pair, 0}, Row{"conduit without", elsewhere, 0}}) {
    CAPTURE(row.name);
    Gateway gateway;
    for (const Octets& piece : pieces(row.header, read_request(), {8})) {
      CHECK(gateway.send(piece, row.port_in) == Reason::IP_FRAGMENT_NOT_PERMITTED);
    }
    CHECK(gateway.recorder.sent.empty());
  }
  Gateway strict(plant());
  for (const Octets& piece : pieces({}, read_request(), {8})) {
    CHECK(strict.send(piece) == Reason::IP_FRAGMENT_NOT_PERMITTED);
  }
  CHECK(strict.recorder.sent.empty());
}

TEST_CASE("a policy that forbids fragments in between forbids the rest of a packet") {
  Gateway gateway;
  const auto cut = pieces({}, read_request(), {8});
  CHECK(gateway.send(cut[0]) == Reason::NONE);
  ImageSource strict = plant();
  strict.generation = 2;
  gateway.use(strict);
  CHECK(gateway.send(cut[1]) == Reason::IP_FRAGMENT_NOT_PERMITTED);
  CHECK(gateway.recorder.sent.empty());
}

TEST_CASE("fragments with two readings are denied, and all that comes after them") {
  const Octets good = read_request();
  const Octets evil = denied_write();
  struct Row {
    const char* name;
    std::vector<std::pair<Cut, bool>> sent;  // cut, of the evil one
    std::vector<Reason> reasons;
  };
  constexpr Reason none = Reason::NONE;
  constexpr Reason overlap = Reason::IP_FRAGMENT_OVERLAP;
  const std::uint16_t end = 20;
  const std::vector<Row> rows{
      {"other octets in the same place",
       {{{8, 16, true}, false}, {{8, 16, true}, true}, {{0, 8, true}, false}, {{16, end, false}, false}},
       {none, overlap, overlap, overlap}},
      {"newer reaches back", {{{8, 24 - 8, true}, false}, {{0, 16, true}, false}}, {none, overlap}},
      {"newer reaches forward", {{{0, 16, true}, false}, {{8, end, false}, false}}, {none, overlap}},
      {"newer within", {{{0, 16, true}, false}, {{8, 16, true}, false}}, {none, overlap}},
      {"newer around", {{{8, 16, true}, false}, {{0, end, false}, false}}, {none, none}},
      {"two ends", {{{16, end, false}, false}, {{8, 16, false}, false}}, {none, overlap}},
      {"beyond the end", {{{8, 16, false}, false}, {{16, end, false}, false}}, {none, overlap}},
      {"end before what is there", {{{16, end, false}, false}, {{8, 12, false}, false}}, {none, overlap}},
      {"more behind the end", {{{8, 16, false}, false}, {{8, 16, true}, false}}, {none, overlap}},
      {"the same once more", {{{0, 8, true}, false}, {{0, 8, true}, false}}, {none, none}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Gateway gateway;
    for (std::size_t i = 0; i < row.sent.size(); ++i) {
      CAPTURE(i);
      const auto& [cut, is_evil] = row.sent[i];
      const bool whole = cut.begin == 0 && !cut.more;  // no fragment at all in IPv4
      if (whole) continue;
      CHECK(gateway.send(fragment({}, cut, is_evil ? evil : good)) == row.reasons[i]);
    }
    CHECK(gateway.recorder.sent.empty());
  }
}

TEST_CASE("a last fragment in front of others is denied, and all that comes after it") {
  Gateway gateway;
  Octets whole = read_request();
  whole.resize(40);
  CHECK(gateway.send(fragment({}, {24, 32, true}, whole)) == Reason::NONE);
  CHECK(gateway.send(fragment({}, {16, 24, false}, whole)) == Reason::IP_FRAGMENT_OVERLAP);
  CHECK(gateway.send(fragment({}, {0, 16, true}, whole)) == Reason::IP_FRAGMENT_OVERLAP);
  CHECK(gateway.recorder.sent.empty());
}

TEST_CASE("fragments in two VLANs are of two packets") {
  ImageSource source = lenient();
  source.assets[HMI].vlans = {5, 6};
  source.assets[PLC].vlans = {5, 6};
  Gateway gateway(source);
  Header five;
  five.link.tags = hex("8100 0005");
  Header six;
  six.link.tags = hex("8100 0006");
  CHECK(gateway.send(pieces(five, read_request(), {8})[0]) == Reason::NONE);
  CHECK(gateway.send(pieces(six, read_request(), {8})[1]) == Reason::NONE);
  CHECK(gateway.recorder.sent.empty());
  CHECK(gateway.send(pieces(five, read_request(), {8})[1]) == Reason::NONE);
  CHECK(gateway.recorder.sent.size() == 1);
}

TEST_CASE("a packet that was repeated in part is put together all the same") {
  Gateway gateway;
  const auto cut = pieces({}, read_request(), {8, 16});
  for (const std::size_t number : {0U, 1U, 0U, 1U}) CHECK(gateway.send(cut[number]) == Reason::NONE);
  CHECK(gateway.send(cut[2]) == Reason::NONE);
  CHECK(gateway.recorder.sent.size() == 1);
}

TEST_CASE("the first fragment has to hold the whole header of its transport") {
  Octets segment =
      upper(tcp({}, {ip_hmi, ip_plc}, {.from = 40000, .to = 502, .flags = 0x10, .options = Octets(12, 1)},
                Octets(40, 7)));
  Header header;
  header.protocol = 6;
  Gateway gateway;
  CHECK(gateway.send(fragment(header, {0, 8, true}, segment)) == Reason::IP_FRAGMENT_TINY);
  CHECK(gateway.send(fragment(header, {0, 24, true}, segment)) == Reason::IP_FRAGMENT_TINY);
  CHECK(gateway.send(fragment(header, {0, 32, true}, segment)) == Reason::NONE);
  // offset 8: within the header (RFC 3128)
  CHECK(gateway.send(fragment(header, {8, 40, true}, segment)) == Reason::IP_FRAGMENT_OVERLAP);
}

TEST_CASE("fragments that no sender sends are malformed, those too large or too many are denied") {
  const Octets large(3000, 9);
  struct Row {
    const char* name;
    Cut cut;
    Reason reason;
  };
  for (const Row& row : {Row{"nothing in it", {8, 8, true}, Reason::IP_HEADER_MALFORMED},
                         Row{"not a multiple of eight", {8, 17, true}, Reason::IP_HEADER_MALFORMED},
                         Row{"largest packet", {1472, 1480, false}, Reason::NONE},
                         Row{"one octet more", {1480, 1481, false}, Reason::IP_FRAGMENT_TOO_LARGE}}) {
    CAPTURE(row.name);
    Gateway gateway;
    CHECK(gateway.send(fragment({}, row.cut, large)) == row.reason);
  }
  Gateway gateway;
  Header far;
  Octets frame = fragment(far, {0, 16, true}, large);
  store_u16be(frame.data() + 14 + 6, 0x1FFF);  // ends beyond 65535
  store_u16be(frame.data() + 14 + 10, 0);
  store_u16be(frame.data() + 14 + 10, slow_checksum(Octets(frame.begin() + 14, frame.begin() + 34)));
  CHECK(gateway.send(frame) == Reason::IP_HEADER_MALFORMED);
  far.protocol = 47;
  CHECK(gateway.send(fragment(far, {0, 16, true}, large)) == Reason::IP_FRAGMENT_NOT_PERMITTED);
  Header many;
  for (std::uint16_t i = 0; i < fragment_piece_count_max; ++i) {
    const auto begin = static_cast<std::uint16_t>(8 * i);
    CHECK(gateway.send(fragment(many, {begin, static_cast<std::uint16_t>(begin + 8), true}, large)) ==
          Reason::NONE);
  }
  CHECK(gateway.send(fragment(many, {800, 808, true}, large)) == Reason::IP_FRAGMENT_TOO_LARGE);
}

TEST_CASE("packets that are never whole are reported and leave their places") {
  Gateway gateway;
  CHECK(gateway.send(pieces({}, read_request(), {8})[0]) == Reason::NONE);
  CHECK(gateway.worker->next_deadline() <= gateway.now_ns + fragment_wait_ns);
  gateway.advance_by_deadlines(fragment_wait_ns - 1);
  CHECK(gateway.count(Reason::IP_FRAGMENT_INCOMPLETE) == 0);
  gateway.advance_by_deadlines(2);
  CHECK(gateway.count(Reason::IP_FRAGMENT_INCOMPLETE) == 1);
  CHECK(gateway.send(pieces({}, read_request(), {8})[1]) == Reason::NONE);  // of a new one
  CHECK(gateway.recorder.sent.empty());
  gateway.advance_by_deadlines(fragment_wait_ns + 1);
  CHECK(gateway.count(Reason::IP_FRAGMENT_INCOMPLETE) == 2);
  const auto events = gateway.drain();
  CHECK(std::any_of(events.begin(), events.end(), [](const EventRecord& event) {
    return event.reason == Reason::IP_FRAGMENT_INCOMPLETE && event.source == ip_hmi;
  }));
}

TEST_CASE("one asset takes a part of the places only, and they come back") {
  Gateway gateway;
  Header header;
  const Octets whole = read_request();
  const auto first_of = [&](std::uint32_t number) {
    header.identification = number;
    return fragment(header, {0, 8, true}, whole);
  };
  const std::uint32_t share = fragment_packet_count / fragment_source_share;
  for (std::uint32_t i = 0; i < share; ++i) CHECK(gateway.send(first_of(i)) == Reason::NONE);
  CHECK(gateway.send(first_of(share)) == Reason::IP_FRAGMENT_FULL);
  // Another one is served.
  Header back;
  back.link = {mac_plc, mac_hmi, {}};
  back.ip = {.source = ip_plc, .destination = ip_hmi};
  CHECK(gateway.send(fragment(back, {0, 8, true}, whole), 1) == Reason::NONE);
  // And what is known is completed.
  header.identification = 3;
  CHECK(gateway.send(fragment(header, {8, 20, false}, whole)) == Reason::NONE);
  CHECK(gateway.recorder.sent.size() == 1);
  gateway.advance_by_deadlines(fragment_wait_ns + second);
  CHECK(gateway.count(Reason::IP_FRAGMENT_INCOMPLETE) == share);
  CHECK(gateway.send(first_of(99)) == Reason::NONE);
}

TEST_CASE("IPv6: fragments, atomic fragments, other extension headers") {
  Header header;
  header.ip = {.source = ip6_hmi, .destination = ip6_plc};
  const Octets expected = udp({}, {ip6_hmi, ip6_plc}, 40000, 502, modbus_pdu(1, read_ten));
  const Octets whole = upper(expected, true);
  Gateway gateway;
  for (const Octets& piece : pieces(header, whole, {8})) CHECK(gateway.send(piece) == Reason::NONE);
  REQUIRE(gateway.recorder.sent.size() == 1);
  CHECK(gateway.recorder.sent[0].frame == expected);

  Gateway atomic;
  CHECK(atomic.send(fragment(header, {0, 20, false}, whole)) == Reason::NONE);
  REQUIRE(atomic.recorder.sent.size() == 1);
  CHECK(atomic.recorder.sent[0].frame == expected);
  const Octets evil = upper(udp({}, {ip6_hmi, ip6_plc}, 40000, 502, modbus_pdu(1, "01 06 0028 ffff")), true);
  CHECK(atomic.send(fragment(header, {0, 20, false}, evil)) == Reason::VALUE_NOT_PERMITTED);

  Header chained = header;
  chained.protocol = 60;
  CHECK(gateway.send(fragment(chained, {0, 16, true}, whole)) == Reason::IP_FRAGMENT_NOT_PERMITTED);
  Ip hop = header.ip;
  hop.next_header = 0;
  hop.options = hex("2c 00 01 04 00000000 1100 0001 00000009");
  CHECK(gateway.send(ethernet({}, 0x86DD, ip(hop, 17, Octets(16, 1)))) ==
        Reason::IPV6_EXTENSION_NOT_PERMITTED);
  hop.next_header = 44;
  hop.options = {};
  CHECK(gateway.send(ethernet({}, 0x86DD, ip(hop, 17, hex("11 00 00 01")))) == Reason::IP_HEADER_MALFORMED);
  CHECK(gateway.recorder.sent.size() == 1);

  Gateway strict(plant());
  CHECK(strict.send(fragment(header, {0, 20, false}, whole)) == Reason::IP_FRAGMENT_NOT_PERMITTED);
}

// The same, slowly: octet by octet, with all that was ever received of a packet.
class SlowReassembly {
 public:
  // What comes out: nothing, or the whole.
  std::optional<Octets> take(const Cut& cut, const Octets& content) {
    if (dead_) return {};
    bool known = false;
    for (const auto& [old, octets] : had_) {
      if (cut.begin >= old.end || cut.end <= old.begin) continue;
      known = cut.begin == old.begin && cut.end == old.end && cut.more == old.more && octets == content;
      if (!known) dead_ = true;
      break;
    }
    for (const auto& [old, octets] : had_) {
      const bool after_end = !old.more && cut.end > old.end;
      const bool before_known = !cut.more && old.end > cut.end;
      const bool other_end = !old.more && !cut.more && old.end != cut.end;
      if (after_end || before_known || other_end) dead_ = true;
    }
    if (dead_ || known) return {};
    had_.emplace_back(cut, content);
    std::map<std::size_t, std::uint8_t> at;
    std::optional<std::size_t> total;
    for (const auto& [old, octets] : had_) {
      for (std::size_t i = 0; i < octets.size(); ++i) at[old.begin + i] = octets[i];
      if (!old.more) total = old.end;
    }
    if (!total || at.size() != *total) return {};
    Octets whole;
    for (const auto& [place, octet] : at) whole.push_back(octet);
    return whole;
  }

 private:
  bool dead_ = false;
  std::vector<std::pair<Cut, Octets>> had_;
};

TEST_CASE("a storm of fragments comes out as the slow way has it") {
  ImageSource source = lenient();
  source.conduits[0].flags |= CONDUIT_UDP_CHECKSUM_ABSENT;  // a mixture shall not fall for its checksum
  std::mt19937_64 random(20);
  std::uint32_t joined = 0;
  for (int round = 0; round < 3000; ++round) {
    CAPTURE(round);
    static Gateway gateway(source);
    gateway.recorder.sent.clear();
    Header header;
    header.ip.destination = ip_drive;
    header.identification = static_cast<std::uint32_t>(round);
    const auto size = static_cast<std::uint16_t>(17 + random() % 60);
    std::vector<Octets> contents;
    for (const std::uint8_t filler : Octets{0x11, 0x22}) {
      Octets whole(size, filler);
      const Octets head = hex("9c40 2328 0000 0000");  // to the opaque service, without checksum
      std::copy(head.begin(), head.end(), whole.begin());
      store_u16be(whole.data() + 4, size);
      contents.push_back(whole);
    }
    SlowReassembly slow;
    std::vector<Octets> expected;
    const bool honest = random() % 2 == 0;
    std::vector<Cut> cuts;
    for (std::uint16_t at = 0; at < size;) {
      const auto end = static_cast<std::uint16_t>(std::min<std::uint64_t>(size, at + 8 * (1 + random() % 4)));
      cuts.push_back({at, end, end != size});
      at = end;
    }
    if (cuts.size() < 2) continue;
    std::shuffle(cuts.begin(), cuts.end(), random);
    for (std::size_t i = 0; i < (honest ? 0 : 1 + random() % 3); ++i) {
      const auto begin = static_cast<std::uint16_t>(8 * (random() % (size / 8)));
      const auto end = static_cast<std::uint16_t>(begin + 8 * (1 + random() % 2));
      if (end <= size && (begin != 0 || end != size))
        cuts.insert(cuts.begin() + static_cast<std::ptrdiff_t>(random() % cuts.size()), {begin, end, true});
    }
    bool whole = false;
    for (const Cut& cut : cuts) {
      if (whole) break;  // what comes later begins a new packet
      const Octets& of = contents[honest ? 0 : random() % 2];
      (void)gateway.send(fragment(header, cut, of));
      if (auto out = slow.take(cut, {of.begin() + cut.begin, of.begin() + cut.end})) {
        expected.push_back(*out);
        whole = true;
      }
    }
    REQUIRE(gateway.recorder.sent.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      CHECK(upper(gateway.recorder.sent[i].frame) == expected[i]);
    joined += static_cast<std::uint32_t>(expected.size());
    gateway.advance_by_deadlines(fragment_wait_ns + 1);
  }
  CHECK(joined > 1500);
  CHECK(joined < 2900);
}

}  // namespace
}  // namespace conduit::test
