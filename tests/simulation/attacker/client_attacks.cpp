// What a hostile client does to get a denied request across. Sources of the techniques: Ptacek and Newsham,
// "Insertion, Evasion, and Denial of Service" (1998); Novak and Sturges, "Target-Based TCP Stream Reassembly"
// (2007); RFC 793, 5961, 6994, 7323, 7413.
#include "tests/simulation/attacker/hand.hpp"

namespace conduit::simulation {
namespace {

View first(const Octets& octets, std::size_t size) { return View(octets).first(size); }
View rest(const Octets& octets, std::size_t from) { return View(octets).subspan(from); }
std::size_t cut(Hand& hand, const Octets& octets) {
  return octets.size() < 2 ? 0 : hand.random().between(1, octets.size() - 1);
}
std::int64_t here(const Hand& hand) { return static_cast<std::int64_t>(hand.next()); }

// A tweak for one field.
Hand::Tweak with_flags(std::uint8_t flags) {
  return [flags](Packet& packet) { packet.flags = flags; };
}
Hand::Tweak with_option(Octets option) {
  return
      [option](Packet& packet) { packet.options.insert(packet.options.end(), option.begin(), option.end()); };
}

void plain(Hand& hand, const Booty& booty) { hand.write(booty.denied); }

// --- the same place twice ----------------------------------------------------------------------------------

void overwrite(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  hand.write(booty.twin);
  hand.put(at, booty.denied);
}
void overwrite_later(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  hand.write(booty.twin);
  hand.later(hand.random().between(1, 400), [&hand, at, booty] { hand.put(at, booty.denied); });
}
void overwrite_tail(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  const std::size_t k = cut(hand, booty.twin);
  hand.put(at, first(booty.twin, k));
  hand.put(at, booty.denied);
  hand.skip(booty.denied.size());
}
void overwrite_held(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  const std::size_t k = cut(hand, booty.twin);
  hand.put(at, first(booty.twin, k));
  hand.put(at, first(booty.denied, k));
  hand.put(at, first(booty.denied, k));
  hand.put(at + static_cast<std::int64_t>(k), rest(booty.denied, k));
  hand.skip(booty.denied.size());
}
void overlap_forward(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  const std::size_t k = cut(hand, booty.twin);
  hand.put(at + static_cast<std::int64_t>(k), rest(booty.denied, k));
  const std::size_t j = hand.random().between(k, booty.twin.size());
  hand.put(at, first(booty.twin, j));
  hand.put(at, first(booty.denied, k));
  hand.skip(booty.denied.size());
}
void overlap_backward(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  const std::size_t k = cut(hand, booty.twin);
  hand.put(at, first(booty.twin, k));
  const std::size_t j = hand.random().below(k);
  hand.put(at + static_cast<std::int64_t>(j), rest(booty.denied, j));
  hand.skip(booty.denied.size());
}
void overlap_enclosing(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  const std::size_t k = cut(hand, booty.twin);
  hand.put(at + static_cast<std::int64_t>(k), View(booty.twin).subspan(k, 1));
  hand.put(at, booty.denied);
  hand.skip(booty.denied.size());
}
void early_conflict(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  const std::size_t k = cut(hand, booty.twin);
  const bool good_first = hand.random().chance(1, 2);
  hand.put(at + static_cast<std::int64_t>(k), rest(good_first ? booty.twin : booty.denied, k));
  hand.put(at + static_cast<std::int64_t>(k), rest(good_first ? booty.denied : booty.twin, k));
  hand.put(at, first(booty.twin, k));
  hand.skip(booty.twin.size());
}
void early_conflict_shifted(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  const std::size_t k = cut(hand, booty.twin);
  const std::size_t j = hand.random().between(k, booty.twin.size() - 1);
  hand.put(at + static_cast<std::int64_t>(j), rest(booty.twin, j));
  hand.put(at + static_cast<std::int64_t>(k), rest(booty.denied, k));
  hand.put(at, first(booty.denied, k));
  hand.skip(booty.twin.size());
}

// --- cut in pieces -----------------------------------------------------------------------------------------

void one_octet_segments(Hand& hand, const Booty& booty) {
  for (std::size_t i = 0; i < booty.denied.size(); ++i) hand.write(View(booty.denied).subspan(i, 1));
}
void split_and_repeated(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  const std::size_t k = cut(hand, booty.denied);
  hand.put(at, first(booty.denied, k));
  for (std::uint64_t i = hand.random().between(1, 4); i > 0; --i)
    hand.later(50 * i, [&hand, at, booty, k] { hand.put(at, first(booty.denied, k)); });
  hand.later(300,
             [&hand, at, booty, k] { hand.put(at + static_cast<std::int64_t>(k), rest(booty.denied, k)); });
  hand.skip(booty.denied.size());
}
void repeated_in_pieces(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  const std::size_t n = booty.denied.size();
  hand.put(at, first(booty.denied, n - 1));
  for (std::size_t i = 0; i < n - 1; i += 2)
    hand.put(at + static_cast<std::int64_t>(i),
             View(booty.denied).subspan(i, std::min<std::size_t>(2, n - 1 - i)));
  hand.put(at + static_cast<std::int64_t>(n - 1), rest(booty.denied, n - 1));
  hand.skip(n);
}
void repeated_with_completion(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  const std::size_t k = cut(hand, booty.denied);
  hand.put(at, first(booty.denied, k));
  hand.put(at, booty.denied);
  hand.later(100, [&hand, at, booty] { hand.put(at, booty.denied); });
  hand.skip(booty.denied.size());
}
void last_octet_first(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  const std::size_t n = booty.denied.size();
  hand.put(at + static_cast<std::int64_t>(n - 1), rest(booty.denied, n - 1));
  hand.put(at, first(booty.denied, n - 1));
  hand.later(100, [&hand, at, booty, n] { hand.put(at, first(booty.denied, n - 1)); });
  hand.skip(n);
}
void backwards(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  for (std::size_t i = booty.denied.size(); i-- > 0;)
    hand.put(at + static_cast<std::int64_t>(i), View(booty.denied).subspan(i, 1));
  hand.later(200, [&hand, at, booty] { hand.put(at, booty.denied); });
  hand.skip(booty.denied.size());
}

// --- among others ------------------------------------------------------------------------------------------

void behind_permitted(Hand& hand, const Booty& booty) {
  Octets both = booty.permitted;
  both.insert(both.end(), booty.denied.begin(), booty.denied.end());
  hand.write(both);
}
void between_permitted(Hand& hand, const Booty& booty) {
  Octets all = booty.permitted;
  all.insert(all.end(), booty.denied.begin(), booty.denied.end());
  all.insert(all.end(), booty.permitted.begin(), booty.permitted.end());
  const std::size_t k = cut(hand, all);
  hand.write(first(all, k));
  hand.write(rest(all, k));
}
void burst(Hand& hand, const Booty& booty) {
  Octets all = booty.permitted;
  for (const Octets& each : booty.several) all.insert(all.end(), each.begin(), each.end());
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t size = std::min<std::size_t>(hand.random().between(1, 60), all.size() - at);
    hand.write(View(all).subspan(at, size));
    at += size;
  }
}
void within_permitted(Hand& hand, const Booty& booty) {
  if (booty.permitted.size() < 2) return plain(hand, booty);
  const std::int64_t at = here(hand);
  const std::size_t k = cut(hand, booty.permitted);
  hand.put(at, first(booty.permitted, k));
  hand.later(50, [&hand, at, booty, k] {
    hand.put(at, first(booty.permitted, k));
    hand.put(at + static_cast<std::int64_t>(k), booty.denied);
    hand.put(at + static_cast<std::int64_t>(k), rest(booty.permitted, k));
  });
  hand.skip(booty.permitted.size());
}

// --- ends and beginnings -----------------------------------------------------------------------------------

void fin_on_last(Hand& hand, const Booty& booty) { hand.write(booty.denied, with_flags(ACK | PSH | FIN)); }
void fin_within(Hand& hand, const Booty& booty) {
  const std::size_t k = cut(hand, booty.denied);
  hand.write(first(booty.denied, k), with_flags(ACK | FIN));
  hand.write(rest(booty.denied, k));
}
void behind_fin(Hand& hand, const Booty& booty) {
  hand.write(booty.permitted, with_flags(ACK | PSH | FIN));
  hand.write(booty.denied);
  hand.skip(1);
  hand.write(booty.denied);
}
void half_close(Hand& hand, const Booty& booty) {
  hand.write({}, with_flags(ACK | FIN));
  hand.skip(1);
  hand.later(100, [&hand, booty] { hand.write(booty.denied); });
}
void rst_then_data(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  const auto off = static_cast<std::int64_t>(hand.random().below(3) * hand.random().below(30000));
  hand.put(at + off, {}, with_flags(hand.random().chance(1, 2) ? RST : RST | ACK));
  hand.write(booty.denied);
  hand.later(100, [&hand, at, booty] { hand.put(at, booty.denied); });
}
void rst_with_data(Hand& hand, const Booty& booty) { hand.write(booty.denied, with_flags(RST | ACK)); }
void syn_on_living(Hand& hand, const Booty& booty) {
  const std::uint32_t other = hand.isn() + static_cast<std::uint32_t>(hand.random().below(200000));
  hand.put(here(hand), {}, [other](Packet& packet) {
    packet.flags = SYN;
    packet.sequence = other;
    packet.acknowledgement = 0;
  });
  hand.write(booty.permitted);
  hand.later(50, [&hand, booty, other] {
    hand.put(0, booty.denied, [other](Packet& packet) { packet.sequence = other + 1; });
    hand.write(booty.denied);
  });
}
void syn_ack(Hand& hand, const Booty& booty) {
  hand.put(here(hand), {}, with_flags(SYN | ACK));
  hand.write(booty.denied, with_flags(SYN | ACK | PSH));
}
void four_tuple_again(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  hand.write(booty.permitted);
  hand.later(30, [&hand, booty, at] {
    hand.put(here(hand), {}, with_flags(RST));
    const std::uint32_t isn = hand.isn() + 100000;
    hand.put(0, {}, [isn](Packet& packet) {
      packet.flags = SYN;
      packet.sequence = isn;
    });
    hand.put(at, booty.denied);
    hand.put(0, booty.denied, [isn](Packet& packet) { packet.sequence = isn + 1; });
  });
}

// --- before the connection is open -------------------------------------------------------------------------

void syn_data(Hand& hand, const Booty& booty) {
  hand.syn([&booty](Packet& packet) { packet.payload = booty.denied; });
}
void fast_open(Hand& hand, const Booty& booty) {
  hand.syn([&booty](Packet& packet) {
    packet.options.insert(packet.options.end(), {34, 10, 1, 2, 3, 4, 5, 6, 7, 8});
    packet.payload = booty.denied;
  });
}
void fast_open_cookie(Hand& hand, const Booty& booty) {
  hand.syn([](Packet& packet) { packet.options.insert(packet.options.end(), {34, 6, 1, 2, 3, 4}); });
  hand.later(20, [&hand, booty] { hand.write(booty.denied); });
}
void mid_stream(Hand& hand, const Booty& booty) {
  hand.put(0, booty.permitted);
  hand.skip(booty.permitted.size());
  hand.put(here(hand), booty.denied);
  hand.later(200, [&hand, booty] {
    const std::size_t k = cut(hand, booty.denied);
    hand.put(here(hand) + static_cast<std::int64_t>(k), rest(booty.denied, k));
  });
}
void early_data(Hand& hand, const Booty& booty) {
  hand.syn();
  hand.put(0, booty.denied);
  hand.put(0, booty.denied, with_flags(PSH));
}
void tiny_mss(Hand& hand, const Booty& booty) {
  hand.syn([](Packet& packet) { packet.options = {2, 4, 0, 1}; });
  hand.later(20, [&hand, booty] {
    for (int i = 0; i < 4; ++i) hand.write(booty.denied);
  });
}
void flood_of_syns(Hand& hand, const Booty&) {
  hand.syn();
  for (std::uint16_t i = 0; i < 300; ++i) {
    hand.syn([i](Packet& packet) {
      packet.source_port = static_cast<std::uint16_t>(40000 + i);
      packet.sequence += i;
    });
  }
}

// --- outside what counts -----------------------------------------------------------------------------------

void ack_of_unsent(Hand& hand, const Booty& booty) {
  hand.write(booty.denied, [](Packet& packet) { packet.acknowledgement += 1000; });
  hand.write(booty.permitted, [](Packet& packet) { packet.acknowledgement += 1; });
}
void ack_of_old(Hand& hand, const Booty& booty) {
  hand.write(booty.denied, [](Packet& packet) { packet.acknowledgement -= 200000; });
}
void beyond_window(Hand& hand, const Booty& booty) {
  const std::int64_t far = here(hand) + static_cast<std::int64_t>(hand.random().between(65536, 300000));
  hand.put(far, booty.denied);
  hand.put(far - static_cast<std::int64_t>(booty.denied.size()), booty.denied);
  hand.write(booty.permitted);
}
// More than the server's window holds, all of it permitted but the end.
void past_window_edge(Hand& hand, const Booty& booty) {
  if (booty.permitted.empty()) return plain(hand, booty);
  for (int i = 0; i < 30; ++i) {
    for (int k = 0; k < 4; ++k) hand.write(booty.permitted);
    hand.write(booty.denied);
  }
}
void before_window(Hand& hand, const Booty& booty) {
  hand.write(booty.permitted);
  hand.later(50, [&hand, booty] {
    const auto back = static_cast<std::int64_t>(hand.random().between(1, 300000));
    hand.put(here(hand) - back, booty.denied);
    hand.put(here(hand) - static_cast<std::int64_t>(booty.denied.size()), booty.denied);
  });
}
void keep_alive_changed(Hand& hand, const Booty& booty) {
  hand.write(booty.twin);
  hand.later(100, [&hand, booty] {
    const std::size_t n = booty.denied.size();
    hand.put(here(hand) - 1, rest(booty.denied, n - 1));
    hand.put(here(hand) - static_cast<std::int64_t>(n), booty.denied);
  });
}
void old_timestamp(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  hand.later(20, [&hand, booty, at] {
    hand.put(at, booty.twin, [](Packet& packet) {
      for (std::size_t i = 4; i < 8 && packet.options.size() > 8; ++i) packet.options[i] = 0;
    });
    hand.put(at, booty.denied);
    hand.skip(booty.denied.size());
  });
}
void old_timestamp_denied(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  hand.put(at, booty.denied, [](Packet& packet) {
    for (std::size_t i = 4; i < 8 && packet.options.size() > 8; ++i) packet.options[i] = 0;
  });
  hand.put(at, booty.twin);
  hand.skip(booty.denied.size());
}
void without_timestamp(Hand& hand, const Booty& booty) {
  hand.write(booty.permitted);
  hand.write(booty.denied, [](Packet& packet) { packet.options.clear(); });
}

// --- fields that receivers treat differently ---------------------------------------------------------------

void low_ttl(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  const bool good_first = hand.random().chance(1, 2);
  hand.put(at, good_first ? booty.twin : booty.denied, [](Packet& packet) { packet.ttl = 1; });
  hand.put(at, good_first ? booty.denied : booty.twin);
  hand.skip(booty.denied.size());
}
void wrong_tcp_checksum(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  const bool good_first = hand.random().chance(1, 2);
  hand.put(at, good_first ? booty.twin : booty.denied, [](Packet& packet) { packet.tcp_checksum_error = 7; });
  hand.put(at, good_first ? booty.denied : booty.twin);
  hand.skip(booty.denied.size());
}
void wrong_ip_checksum(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  const bool good_first = hand.random().chance(1, 2);
  hand.put(at, good_first ? booty.twin : booty.denied, [](Packet& packet) { packet.ip_checksum_error = 7; });
  hand.put(at, good_first ? booty.denied : booty.twin);
  hand.skip(booty.denied.size());
}
void urgent(Hand& hand, const Booty& booty) {
  const auto pointer = static_cast<std::uint16_t>(hand.random().below(booty.permitted.size() + 4));
  Octets padded = booty.permitted.empty() ? booty.denied : booty.permitted;
  padded.insert(
      padded.begin() + std::min<std::ptrdiff_t>(pointer, static_cast<std::ptrdiff_t>(padded.size())), 0x06);
  hand.write(padded, [pointer](Packet& packet) {
    packet.flags |= URG;
    packet.urgent = pointer;
  });
  hand.write(booty.denied, [pointer](Packet& packet) {
    packet.flags |= URG;
    packet.urgent = pointer;
  });
}
void urgent_in_twin(Hand& hand, const Booty& booty) {
  hand.write(booty.twin, [&hand](Packet& packet) {
    packet.flags |= URG;
    packet.urgent = static_cast<std::uint16_t>(hand.random().between(1, packet.payload.size()));
  });
}
void reserved_bits(Hand& hand, const Booty& booty) {
  hand.write(booty.denied, [&hand](Packet& packet) {
    packet.reserved = static_cast<std::uint8_t>(hand.random().between(1, 15));
  });
}
void odd_flags(Hand& hand, const Booty& booty) {
  static const std::vector<std::uint8_t> odd{
      0, PSH, FIN, FIN | PSH | URG, SYN | FIN, SYN | RST, 0x3F, SYN | ACK | FIN, URG};
  const std::int64_t at = here(hand);
  for (int i = 0; i < 3; ++i) hand.put(at, booty.denied, with_flags(hand.random().pick(odd)));
  hand.put(at, booty.twin);
  hand.skip(booty.denied.size());
}
void without_ack_flag(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  hand.put(at, booty.denied, with_flags(PSH));
  hand.put(at, booty.twin);
  hand.skip(booty.denied.size());
}
void strange_options(Hand& hand, const Booty& booty) {
  static const std::vector<Octets> options{{19, 18, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
                                           {29, 8, 1, 1, 1, 2, 3, 4},
                                           {253, 4, 1, 2},
                                           {8, 3, 1},
                                           {5, 10, 0, 0, 0, 1, 0, 0, 0, 9},
                                           {2, 4, 0, 0},
                                           {3, 3, 14},
                                           {77, 0},
                                           {8}};
  const std::int64_t at = here(hand);
  hand.put(at, booty.denied, with_option(hand.random().pick(options)));
  hand.put(at, booty.twin, with_option(hand.random().pick(options)));
  hand.skip(booty.denied.size());
}
void other_vlan(Hand& hand, const Booty& booty) {
  static const std::vector<std::vector<std::uint16_t>> stacks{{0},    {0xE000}, {5},      {0, 0},
                                                              {7, 0}, {1, 2},   {1, 2, 3}};
  const std::vector<std::uint16_t> stack = hand.random().pick(stacks);
  const std::int64_t at = here(hand);
  hand.put(at, booty.denied, [stack](Packet& packet) { packet.vlan = stack; });
  hand.put(at, booty.twin);
  hand.skip(booty.denied.size());
}
void fragments(Hand& hand, const Booty& booty) {
  const auto place = static_cast<std::uint16_t>(8 * hand.random().between(1, (20 + booty.denied.size()) / 8));
  hand.put_in_fragments(here(hand), booty.denied, {place}, hand.random().chance(1, 2));
  hand.put_in_fragments(here(hand), booty.denied, {8, 16, 24, 32}, hand.random().chance(1, 2));
  hand.skip(booty.denied.size());
}
void torn_fragments(Hand& hand, const Booty& booty) {
  hand.put_torn(here(hand), booty.twin, booty.denied, {24});
  hand.put_torn(here(hand), booty.denied, booty.twin, {8, 24});
  hand.skip(booty.denied.size());
}
void spoofed(Hand& hand, const Booty& booty) {
  const auto other = static_cast<std::uint8_t>(hand.random().between(1, 4));
  hand.write(booty.denied, [other](Packet& packet) { packet.source[packet.ipv6 ? 15 : 3] = other; });
  hand.write(booty.denied,
             [other](Packet& packet) { packet.source_mac[5] = static_cast<std::uint8_t>(other + 40); });
}

// --- against the bounds ------------------------------------------------------------------------------------

void refusals_not_acknowledged(Hand& hand, const Booty& booty) {
  hand.answers = false;
  for (int i = 0; i < 24; ++i) {
    hand.write(booty.denied);
    if (!booty.permitted.empty() && i % 3 == 0) hand.write(booty.permitted);
  }
  hand.later(400, [&hand, booty] {
    hand.answers = true;
    hand.write(booty.denied);
  });
}
void acknowledges_more(Hand& hand, const Booty& booty) {
  hand.answers = false;
  hand.write(booty.denied);
  hand.later(20, [&hand, booty] {
    hand.put(here(hand), {}, [](Packet& packet) { packet.acknowledgement += 9; });
    hand.put(here(hand), {}, [](Packet& packet) { packet.acknowledgement += 40; });
    hand.write(booty.permitted);
    hand.write(booty.denied);
    hand.answers = true;
  });
}
void tiny_window(Hand& hand, const Booty& booty) {
  hand.window = static_cast<std::uint16_t>(hand.random().below(12));
  hand.ack();
  for (int i = 0; i < 4; ++i) {
    hand.write(booty.denied);
    hand.write(booty.permitted);
  }
  hand.later(2000, [&hand] {
    hand.window = 65535;
    hand.ack();
  });
}
void early_flood(Hand& hand, const Booty& booty) {
  for (int i = 40; i > 0; --i)
    hand.put(here(hand) + i * static_cast<std::int64_t>(booty.denied.size() + 1), booty.denied);
  hand.write(booty.denied);
}
void tiny_flood(Hand& hand, const Booty& booty) {
  for (int i = 0; i < 8; ++i) {
    const Octets& octets = i % 4 == 3 ? booty.denied : booty.permitted;
    for (std::size_t k = 0; k < octets.size(); ++k) hand.write(View(octets).subspan(k, 1));
  }
}
void request_flood(Hand& hand, const Booty& booty) {
  for (int i = 0; i < 80; ++i) hand.write(booty.permitted);
  hand.write(booty.denied);
}
void reply_lost(Hand& hand, const Booty& booty) {
  hand.answers = false;
  hand.write(booty.denied);
  hand.write(booty.permitted);
  hand.later(1500, [&hand, booty] {
    hand.answers = true;
    hand.ack();
    hand.write(booty.denied);
  });
}

}  // namespace

const std::vector<ClientTechnique>& stream_techniques() {
  static const std::vector<ClientTechnique> all{
      {"plain", plain},
      {"overwrite", overwrite},
      {"overwrite-later", overwrite_later},
      {"overwrite-tail", overwrite_tail},
      {"overwrite-held", overwrite_held},
      {"overlap-forward", overlap_forward},
      {"overlap-backward", overlap_backward},
      {"overlap-enclosing", overlap_enclosing},
      {"early-conflict", early_conflict},
      {"early-conflict-shifted", early_conflict_shifted},
      {"one-octet-segments", one_octet_segments},
      {"split-and-repeated", split_and_repeated},
      {"repeated-in-pieces", repeated_in_pieces},
      {"repeated-with-completion", repeated_with_completion},
      {"last-octet-first", last_octet_first},
      {"backwards", backwards},
      {"behind-permitted", behind_permitted},
      {"between-permitted", between_permitted},
      {"burst", burst},
      {"within-permitted", within_permitted},
      {"fin-on-last", fin_on_last},
      {"fin-within", fin_within},
      {"behind-fin", behind_fin},
      {"half-close", half_close},
      {"rst-then-data", rst_then_data},
      {"rst-with-data", rst_with_data},
      {"syn-on-living", syn_on_living},
      {"syn-ack", syn_ack},
      {"four-tuple-again", four_tuple_again},
      {"syn-data", syn_data, false},
      {"fast-open", fast_open, false},
      {"fast-open-cookie", fast_open_cookie, false},
      {"mid-stream", mid_stream, false},
      {"early-data", early_data, false},
      {"tiny-mss", tiny_mss, false},
      {"flood-of-syns", flood_of_syns, false},
      {"ack-of-unsent", ack_of_unsent},
      {"ack-of-old", ack_of_old},
      {"beyond-window", beyond_window},
      {"past-window-edge", past_window_edge},
      {"before-window", before_window},
      {"keep-alive-changed", keep_alive_changed},
      {"old-timestamp", old_timestamp},
      {"old-timestamp-denied", old_timestamp_denied},
      {"without-timestamp", without_timestamp},
      {"low-ttl", low_ttl},
      {"wrong-tcp-checksum", wrong_tcp_checksum},
      {"wrong-ip-checksum", wrong_ip_checksum},
      {"urgent", urgent},
      {"urgent-in-twin", urgent_in_twin},
      {"reserved-bits", reserved_bits},
      {"odd-flags", odd_flags},
      {"without-ack-flag", without_ack_flag},
      {"strange-options", strange_options},
      {"other-vlan", other_vlan},
      {"fragments", fragments},
      {"torn-fragments", torn_fragments},
      {"spoofed", spoofed},
      {"refusals-not-acknowledged", refusals_not_acknowledged},
      {"acknowledges-more", acknowledges_more},
      {"tiny-window", tiny_window},
      {"early-flood", early_flood},
      {"tiny-flood", tiny_flood},
      {"request-flood", request_flood},
      {"reply-lost", reply_lost},
  };
  return all;
}

}  // namespace conduit::simulation
