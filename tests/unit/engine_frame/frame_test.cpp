// Frames → reason, by table: each line is a good frame with one thing made wrong.
#include "dataplane/engine/frame.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <string>

#include "config/policy/image_builder.hpp"
#include "dataplane/engine/checksum.hpp"
#include "dataplane/engine/engine.hpp"
#include "tests/unit/engine_support/frames.hpp"

namespace conduit {
namespace {

using namespace test;

const Ip v4{ipv4_address(10, 0, 7, 10), ipv4_address(10, 0, 7, 1)};
const Ip v6{{0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10},
            {0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01}};
const Octets payload = hex("00 01 00 00 00 06 01 03 00 00 00 0a");

ParsedFrame parse(Octets& octets, std::uint8_t flags = 0) {
  ParsedFrame parsed;
  parse_frame(octets.data(), static_cast<std::uint32_t>(octets.size()), 0, flags, 2, parsed);
  return parsed;
}

Octets changed(Octets octets, std::size_t at, std::uint8_t value) {
  octets.at(at) = value;
  return octets;
}
// An IPv4 header field is changed and the header checksum mended.
Octets changed_ip(Octets octets, std::size_t at, std::uint8_t value) {
  octets.at(14 + at) = value;
  octets[24] = octets[25] = 0;
  const Octets header(octets.begin() + 14, octets.begin() + 34);
  store_u16be(octets.data() + 24, slow_checksum(header));
  return octets;
}
Octets cut(Octets octets, std::size_t size) {
  octets.resize(size);
  return octets;
}
Octets vlan_tcp(const std::string& tags) { return tcp({mac_hmi, mac_plc, hex(tags)}, v4, {}, payload); }
Octets tcp_with(Tcp segment) { return tcp({}, v4, segment, payload); }
Octets options(const std::string& text, std::uint8_t flags = TCP_ACK) {
  return tcp({}, v4, {.flags = flags, .options = hex(text)}, {});
}
Octets v6_with(int next_header, const std::string& extension) {
  Ip header = v6;
  header.next_header = next_header;
  header.options = hex(extension);
  return udp({}, header, 40000, 502, payload);
}
Octets v4_fragment(std::uint16_t bits) {
  Ip header = v4;
  header.fragment = bits;
  return tcp({}, header, {}, payload);
}

struct Row {
  const char* name;
  Octets octets;
  Reason reason;
};

TEST_CASE("frames and the reason for which they are denied") {
  const Octets good = tcp({}, v4, {}, payload);
  const Octets good_udp = udp({}, v4, 40000, 502, payload);
  Ip optioned = v4;
  optioned.options = hex("94 04 00 00");
  Ip land = v4;
  land.destination = land.source;
  Ip mapped = v6;
  mapped.source = v6.source;
  Octets mapped_frame = udp({}, v6, 1, 2, payload);
  const Address pretended = ipv4_address(10, 0, 7, 10);
  std::copy(pretended.begin(), pretended.end(), mapped_frame.begin() + 22);
  const Row rows[] = {
      {"good TCP", good, Reason::NONE},
      {"good UDP", good_udp, Reason::NONE},
      {"good IPv6", udp({}, v6, 40000, 502, payload), Reason::NONE},
      {"empty", {}, Reason::FRAME_MALFORMED},
      {"thirteen octets", cut(good, 13), Reason::FRAME_MALFORMED},
      {"larger than any frame", Octets(frame_size_max + 1, 0), Reason::FRAME_MALFORMED},
      {"source is a group", changed(good, 6, 0x03), Reason::FRAME_MALFORMED},
      {"one tag", vlan_tcp("8100 0005"), Reason::NONE},
      {"two tags", vlan_tcp("88a8 0005 8100 0006"), Reason::NONE},
      {"three tags", vlan_tcp("88a8 0005 8100 0006 8100 0007"), Reason::VLAN_STACK_TOO_DEEP},
      {"VID 4095", vlan_tcp("8100 0fff"), Reason::FRAME_MALFORMED},
      {"priority tag around a tag", vlan_tcp("8100 0000 8100 0006"), Reason::FRAME_MALFORMED},
      {"tag without a type", cut(vlan_tcp("8100 0005"), 16), Reason::FRAME_MALFORMED},
      {"LLC longer than the frame", ethernet({}, 100, Octets(60, 0)), Reason::FRAME_MALFORMED},
      {"length 1501 to 1535", ethernet({}, 1520, Octets(1520, 0)), Reason::FRAME_MALFORMED},
      {"BPDU parses", ethernet({}, 38, hex("42 42 03")), Reason::NONE},
      {"IPv4 header cut", cut(good, 14 + 19), Reason::IP_HEADER_MALFORMED},
      {"version 5", changed_ip(good, 0, 0x55), Reason::IP_HEADER_MALFORMED},
      {"header of 16 octets", changed_ip(good, 0, 0x44), Reason::IP_HEADER_MALFORMED},
      {"total length beyond the frame", changed_ip(good, 2, 0x01), Reason::IP_HEADER_MALFORMED},
      {"total length below the header", changed_ip(good, 3, 19), Reason::IP_HEADER_MALFORMED},
      {"evil bit", v4_fragment(0x8000), Reason::IP_HEADER_MALFORMED},
      {"IPv4 options", tcp({}, optioned, {}, payload), Reason::IP_OPTIONS_NOT_PERMITTED},
      {"IPv4 checksum", changed(good, 24, 0x12), Reason::IP_CHECKSUM_WRONG},
      {"first fragment", v4_fragment(0x2000), Reason::IP_FRAGMENT_NOT_PERMITTED},
      {"last fragment", v4_fragment(0x0010), Reason::IP_FRAGMENT_NOT_PERMITTED},
      {"land", tcp({}, land, {}, payload), Reason::LAND_PACKET},
      {"IPv4 address in IPv6", mapped_frame, Reason::IP_HEADER_MALFORMED},
      {"IPv6 payload beyond the frame", changed(udp({}, v6, 1, 2, payload), 18, 1),
       Reason::IP_HEADER_MALFORMED},
      {"IPv6 from a group", changed(udp({}, v6, 1, 2, payload), 22, 0xFF), Reason::IP_HEADER_MALFORMED},
      {"IPv6 destination options", v6_with(60, "11 00 01 04 00 00 00 00"), Reason::NONE},
      {"IPv6 router alert", v6_with(0, "11 00 05 02 00 00 01 00"), Reason::NONE},
      {"IPv6 unknown option", v6_with(60, "11 00 c2 04 00 00 00 00"), Reason::IPV6_EXTENSION_NOT_PERMITTED},
      {"IPv6 option beyond its header", v6_with(60, "11 00 01 09 00 00 00 00"),
       Reason::IPV6_EXTENSION_NOT_PERMITTED},
      {"IPv6 fragment", v6_with(44, "11 00 00 00 00 00 00 01"), Reason::IP_FRAGMENT_NOT_PERMITTED},
      {"IPv6 routing", v6_with(43, "11 00 00 00 00 00 00 00"), Reason::IPV6_EXTENSION_NOT_PERMITTED},
      {"IPv6 hop-by-hop second", v6_with(60, "00 00 01 04 00 00 00 00 11 00 01 04 00 00 00 00"),
       Reason::IPV6_EXTENSION_NOT_PERMITTED},
      {"IPv6 chain too long",
       v6_with(60,
               "3c 00 01 04 00 00 00 00 3c 00 01 04 00 00 00 00 3c 00 01 04 00 00 00 00"
               "3c 00 01 04 00 00 00 00 11 00 01 04 00 00 00 00"),
       Reason::IPV6_EXTENSION_NOT_PERMITTED},
      {"IPv6 extension beyond the packet", v6_with(60, "11 ff 01 04 00 00 00 00"),
       Reason::IP_HEADER_MALFORMED},
      {"TCP cut", ethernet({}, 0x0800, ip(v4, 6, Octets(19, 1))), Reason::TCP_MALFORMED},
      {"TCP offset too small", changed(good, 46, 0x40), Reason::TCP_MALFORMED},
      {"TCP offset beyond the segment", changed(good, 46, 0xF0), Reason::TCP_MALFORMED},
      {"TCP reserved bits", tcp_with({.reserved = 0x02}), Reason::TCP_MALFORMED},
      {"TCP ECN bit", tcp_with({.reserved = 0x01}), Reason::NONE},
      {"TCP ECN flags", tcp_with({.flags = TCP_ACK | 0xC0}), Reason::NONE},
      {"TCP port 0", tcp_with({.to = 0}), Reason::TCP_MALFORMED},
      {"TCP checksum", changed(good, good.size() - 1, 0xEE), Reason::TCP_CHECKSUM_WRONG},
      {"no flags", tcp_with({.flags = 0}), Reason::TCP_FLAGS_INVALID},
      {"SYN and FIN", tcp_with({.flags = TCP_SYN | TCP_FIN}), Reason::TCP_FLAGS_INVALID},
      {"SYN and RST", tcp_with({.flags = TCP_SYN | TCP_RST}), Reason::TCP_FLAGS_INVALID},
      {"RST and FIN", tcp_with({.flags = TCP_RST | TCP_FIN | TCP_ACK}), Reason::TCP_FLAGS_INVALID},
      {"FIN alone", tcp_with({.flags = TCP_FIN}), Reason::TCP_FLAGS_INVALID},
      {"christmas tree", tcp_with({.flags = TCP_FIN | TCP_PSH | TCP_URG}), Reason::TCP_FLAGS_INVALID},
      {"all flags", tcp_with({.flags = 0x3F}), Reason::TCP_FLAGS_INVALID},
      {"RST alone", tcp_with({.flags = TCP_RST}), Reason::NONE},
      {"option of length 0", options("05 00 01 01"), Reason::TCP_MALFORMED},
      {"option of length 1", options("06 01 01 01"), Reason::TCP_MALFORMED},
      {"option beyond the header", options("08 0a 00 00"), Reason::TCP_MALFORMED},
      {"MSS of 3 octets", options("02 03 05 01", TCP_SYN), Reason::TCP_MALFORMED},
      {"window scale of 4 octets", options("03 04 05 01", TCP_SYN), Reason::TCP_MALFORMED},
      {"timestamps of 8 octets", options("08 08 00 00 00 00 00 00"), Reason::TCP_MALFORMED},
      {"SACK of 6 octets", options("05 06 00 00 00 00 01 01"), Reason::TCP_MALFORMED},
      {"MSS twice", options("02 04 05 b4 02 04 00 10", TCP_SYN), Reason::TCP_MALFORMED},
      {"octets after the end of options", options("00 02 04 00"), Reason::TCP_MALFORMED},
      {"end of options", options("01 00 00 00"), Reason::NONE},
      {"unknown option", options("1e 04 00 00"), Reason::NONE},
      {"UDP cut", ethernet({}, 0x0800, ip(v4, 17, Octets(7, 1))), Reason::UDP_MALFORMED},
      {"UDP length too small", changed(good_udp, 39, 19), Reason::UDP_MALFORMED},
      {"UDP length too large", changed(good_udp, 39, 21), Reason::UDP_MALFORMED},
      {"UDP checksum", changed(good_udp, 40, 0x12), Reason::UDP_CHECKSUM_WRONG},
      {"UDP over IPv6 without checksum", udp({}, v6, 1, 2, payload, false), Reason::UDP_CHECKSUM_WRONG},
      {"ICMP", icmp({}, v4, 8, 0, 0x00010001, payload), Reason::NONE},
      {"ICMP cut", ethernet({}, 0x0800, ip(v4, 1, Octets(7, 0))), Reason::ICMP_MALFORMED},
      {"ICMP checksum", changed(icmp({}, v4, 8, 0, 0x00010001, payload), 36, 1), Reason::ICMP_MALFORMED},
      {"ICMPv6", icmp({}, v6, 128, 0, 0x00010001, payload), Reason::NONE},
      {"ICMPv6 checksum", changed(icmp({}, v6, 128, 0, 0x00010001, payload), 56, 1), Reason::ICMP_MALFORMED},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Octets octets = row.octets;
    const ParsedFrame parsed = parse(octets);
    CHECK(reason_info(parsed.reason).name == reason_info(row.reason).name);
  }
}

TEST_CASE("fields of a tagged TCP segment with timestamps") {
  Octets octets = tcp({mac_hmi, mac_plc, hex("88a8 a005 8100 0006")}, v4,
                      {.sequence = 0x11223344,
                       .acknowledgement = 0x55667788,
                       .options = hex("01 01 08 0a 00 00 00 07 00 00 00 09")},
                      payload);
  octets.resize(octets.size() + 6, 0xAA);  // a PRP trailer lies beyond the IP length
  const ParsedFrame parsed = parse(octets);
  CHECK(parsed.reason == Reason::NONE);
  CHECK(parsed.kind == FrameKind::TCP);
  CHECK(parsed.vlan == 0x00050006U);
  CHECK(parsed.source == v4.source);
  CHECK(parsed.destination == v4.destination);
  CHECK(parsed.source_port == 40000);
  CHECK(parsed.destination_port == 502);
  CHECK(parsed.sequence == 0x11223344);
  CHECK(parsed.acknowledgement == 0x55667788);
  CHECK(parsed.has_timestamp);
  CHECK(parsed.timestamp == 7);
  CHECK(parsed.timestamp_echo == 9);
  CHECK(parsed.payload_size == payload.size());
  CHECK(std::equal(payload.begin(), payload.end(), parsed.payload().begin()));
  Octets priority = vlan_tcp("8100 e000");
  CHECK(parse(priority).vlan == 0);
}

TEST_CASE("fields of a SYN") {
  Octets octets = options("02 04 05 b4 04 02 08 0a 00 00 00 01 00 00 00 00 01 03 03 07", TCP_SYN);
  const ParsedFrame parsed = parse(octets);
  CHECK(parsed.reason == Reason::NONE);
  CHECK(parsed.mss == 1460);
  CHECK(parsed.sack_permitted);
  CHECK(parsed.has_window_scale);
  CHECK(parsed.window_scale == 7);
  CHECK(parsed.has_timestamp);
  Octets cookie = options("22 02 01 01", TCP_SYN);
  CHECK(parse(cookie).fast_open);
  Octets sack = options("01 01 05 0a 00 00 00 01 00 00 00 02");
  const ParsedFrame with_sack = parse(sack);
  CHECK(with_sack.sack_count == 1);
  CHECK(load_u32be(sack.data() + with_sack.sack_offset + 4) == 2);
}

TEST_CASE("what is only noted: low TTL, absent UDP checksum, unknown options") {
  Ip low = v4;
  low.ttl = 1;
  Octets octets = udp({}, low, 40000, 502, payload, false);
  const ParsedFrame parsed = parse(octets);
  CHECK(parsed.reason == Reason::NONE);
  CHECK(parsed.ttl_low);
  CHECK(parsed.udp_checksum_absent);
  Octets multipath = options("02 04 05 b4 1e 04 00 00 01 03 03 07", TCP_SYN);
  ParsedFrame unknown = parse(multipath);
  CHECK(unknown.unknown_option);
  clear_unknown_tcp_options(unknown);
  const ParsedFrame cleared = parse(multipath);
  CHECK(cleared.reason == Reason::NONE);
  CHECK_FALSE(cleared.unknown_option);
  CHECK(cleared.mss == 1460);
  CHECK(cleared.window_scale == 7);
}

TEST_CASE("checksums are believed where the NIC vouches for them") {
  Octets octets = changed(changed(tcp({}, v4, {}, payload), 24, 0), 50, 0);
  CHECK(parse(octets).reason == Reason::IP_CHECKSUM_WRONG);
  CHECK(parse(octets, FRAME_IP_CHECKSUM_GOOD).reason == Reason::TCP_CHECKSUM_WRONG);
  CHECK(parse(octets, FRAME_IP_CHECKSUM_GOOD | FRAME_L4_CHECKSUM_GOOD).reason == Reason::NONE);
  CHECK(parse(octets, FRAME_CHECKSUMS_UNKNOWN).reason == Reason::NONE);
}

TEST_CASE("the fast checksum agrees with the one of the RFC") {
  std::mt19937_64 random(1);
  for (std::size_t size = 8; size < 200; ++size) {
    Octets octets(size);
    for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(random());
    if (size % 3 == 0) std::fill(octets.begin(), octets.end(), std::uint8_t{0xFF});
    std::uint16_t fast = checksum_finish(checksum_add(octets.data(), octets.size(), 0));
    fast = static_cast<std::uint16_t>((fast >> 8) | (fast << 8));
    CHECK(fast == slow_checksum(octets));
  }
}

TEST_CASE("no frame reaches outside its octets") {
  // Cut and changed at random; the sanitizer build watches, and what is accepted must lie inside.
  std::mt19937_64 random(7);
  const Octets seeds[] = {tcp({}, v4, {.options = hex("01 01 08 0a 00 00 00 07 00 00 00 09")}, payload),
                          vlan_tcp("88a8 0005 8100 0006"), udp({}, v6, 1, 2, payload),
                          icmp({}, v4, 8, 0, 1, payload), v6_with(60, "11 00 01 04 00 00 00 00")};
  for (int round = 0; round < 20000; ++round) {
    Octets octets = seeds[random() % std::size(seeds)];
    octets.resize(random() % (octets.size() + 1));
    for (int i = 0; i < 3 && !octets.empty(); ++i) {
      octets[random() % octets.size()] = static_cast<std::uint8_t>(random());
    }
    const auto exact = std::make_unique<std::uint8_t[]>(octets.size());
    std::copy(octets.begin(), octets.end(), exact.get());
    ParsedFrame parsed;
    parse_frame(exact.get(), static_cast<std::uint32_t>(octets.size()), 0, FRAME_CHECKSUMS_UNKNOWN, 2,
                parsed);
    if (parsed.reason != Reason::NONE) continue;
    CHECK(std::size_t{parsed.payload_offset} + parsed.payload_size <= octets.size());
  }
}

// The octets' checksums are made right again, as far as the lengths in them allow.
void mend(Octets& octets) {
  if (octets.size() < 54) return;
  octets = changed_ip(octets, 0, octets[14]);
  ParsedFrame parsed;
  parse_frame_long_way(octets.data(), static_cast<std::uint32_t>(octets.size()), 0, FRAME_CHECKSUMS_UNKNOWN,
                       2, parsed);
  if (parsed.kind == FrameKind::TCP && parsed.reason == Reason::NONE) store_l4_checksum(parsed);
}

TEST_CASE("the short way through a frame finds what the long way finds") {
  std::mt19937_64 random(11);
  const std::uint8_t vouched[] = {0, 0, FRAME_IP_CHECKSUM_GOOD, FRAME_L4_CHECKSUM_GOOD,
                                  FRAME_CHECKSUMS_UNKNOWN};
  std::size_t good = 0;
  std::size_t bad = 0;
  for (int round = 0; round < 200000; ++round) {
    Octets data(random() % 40);
    for (std::uint8_t& octet : data) octet = static_cast<std::uint8_t>(random());
    const bool pushed = random() % 2 == 0;
    Octets octets = tcp({}, v4,
                        {.flags = static_cast<std::uint8_t>(pushed ? TCP_ACK | TCP_PSH : TCP_ACK),
                         .options = hex("01 01 08 0a 00 00 00 07 00 00 00 09")},
                        data);
    if (random() % 4 == 0) octets.resize(octets.size() + random() % 8);
    const bool mended = random() % 4 != 0;
    for (std::uint64_t count = random() % 4; count > 0; --count) {
      const std::size_t at = random() % std::min<std::size_t>(octets.size(), 68);
      octets[at] = random() % 2 == 0 ? static_cast<std::uint8_t>(octets[at] ^ (1U << random() % 8))
                                     : static_cast<std::uint8_t>(random());
    }
    if (mended) mend(octets);
    if (random() % 16 == 0) octets.resize(random() % octets.size());
    const auto exact = std::make_unique<std::uint8_t[]>(octets.size());  // sanitizers see an over-read
    std::copy(octets.begin(), octets.end(), exact.get());
    const std::uint8_t flags = vouched[random() % std::size(vouched)];
    ParsedFrame usual;
    ParsedFrame lengthy;
    parse_frame(exact.get(), static_cast<std::uint32_t>(octets.size()), 1, flags, 2, usual);
    parse_frame_long_way(exact.get(), static_cast<std::uint32_t>(octets.size()), 1, flags, 2, lengthy);
    REQUIRE(usual == lengthy);
    ++(lengthy.reason == Reason::NONE ? good : bad);
  }
  CHECK(good > 20000);
  CHECK(bad > 20000);
}

}  // namespace
}  // namespace conduit
