// What a hostile client does on a stream from which requests were taken out and into which replies were put,
// and around connections: RFC 2018, 5927, 5961, 9293.
#include <algorithm>

#include "tests/simulation/attacker/hand.hpp"

namespace conduit::simulation {
namespace {

View first(const Octets& octets, std::size_t size) { return View(octets).first(size); }
std::size_t cut(Hand& hand, const Octets& octets) {
  return octets.size() < 2 ? 0 : hand.random().between(1, octets.size() - 1);
}
std::int64_t here(const Hand& hand) { return static_cast<std::int64_t>(hand.next()); }

Hand::Tweak with_flags(std::uint8_t flags) {
  return [flags](Packet& packet) { packet.flags = flags; };
}
Hand::Tweak with_option(Octets option) {
  return
      [option](Packet& packet) { packet.options.insert(packet.options.end(), option.begin(), option.end()); };
}

Octets sack_of(std::uint32_t left, std::uint32_t right) {
  Octets option{1, 1, 5, 10};
  for (const std::uint32_t edge : {left, right}) {
    for (int shift = 24; shift >= 0; shift -= 8) option.push_back(static_cast<std::uint8_t>(edge >> shift));
  }
  return option;
}

// Everything at once: refusals, repetitions with other boundaries, SACK, keep-alives, a window that shuts and
// opens, acknowledgements that end within a reply, ends.
void around_refusals(Hand& hand, const Booty& booty) {
  Octets stream = booty.permitted;
  for (const Octets* each : {&booty.denied, &booty.permitted, &booty.denied, &booty.denied, &booty.permitted})
    stream.insert(stream.end(), each->begin(), each->end());
  const std::int64_t at = here(hand);
  const bool cuts = hand.random().chance(1, 2);
  hand.answers = hand.random().chance(1, 2);
  hand.put(at, cuts ? first(stream, cut(hand, stream)) : View(stream));
  for (std::uint64_t i = 0; i < 14; ++i) {
    hand.later(10 + hand.random().below(900), [&hand, at, stream] {
      Random& random = hand.random();
      const std::size_t from = random.below(stream.size());
      const std::size_t size = random.between(1, stream.size() - from);
      const auto place = at + static_cast<std::int64_t>(from);
      const auto back = static_cast<std::uint32_t>(random.below(24));
      switch (random.below(7)) {
        case 0: hand.put(place, View(stream).subspan(from, size)); break;
        case 1: hand.put(at, stream); break;
        case 2: hand.put(place, View(stream).subspan(from, 1)); break;
        case 3: hand.put(place, {}, [back](Packet& packet) { packet.acknowledgement -= back; }); break;
        case 4:
          hand.put(place, {}, with_option(sack_of(hand.peer_next() + back, hand.peer_next() + back + 9)));
          break;
        case 5:
          hand.window = static_cast<std::uint16_t>(random.chance(1, 2) ? random.below(20) : 65535);
          hand.ack();
          break;
        default:
          hand.put(at + static_cast<std::int64_t>(stream.size()), {},
                   with_flags(random.chance(1, 4)   ? RST | ACK
                              : random.chance(1, 3) ? FIN | ACK
                                                    : ACK));
      }
    });
  }
  hand.later(1000, [&hand, booty] {
    hand.window = 65535;
    hand.answers = true;
    hand.ack();
    hand.write(booty.denied);
  });
  hand.skip(stream.size());
}
// What a receiver that began anew with it would read from there on.
void syn_beside(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  hand.write(booty.permitted);
  hand.later(30, [&hand, at, booty] {
    const auto within = static_cast<std::int64_t>(hand.random().below(booty.permitted.size() + 1));
    hand.put(at + within - 1, {}, with_flags(SYN));
    hand.put(at + within, booty.denied);
    hand.write(booty.denied);
  });
}
// ICMP errors about what it was never sent, in others' names, about connections of others.
void quotes_that_lie(Hand& hand, const Booty& booty) {
  hand.write(booty.permitted);
  hand.later(50, [&hand, booty] {
    for (int i = 0; i < 4; ++i) {
      Packet about = hand.last();
      if (about.length() == 0 && about.flags == 0) return;
      Random& random = hand.random();
      switch (random.below(5)) {
        case 0: about.sequence += static_cast<std::uint32_t>(random.next()); break;
        case 1: about.source[about.ipv6 ? 15 : 3] ^= static_cast<std::uint8_t>(random.between(1, 3)); break;
        case 2:
          about.destination[about.ipv6 ? 15 : 3] ^= static_cast<std::uint8_t>(random.between(1, 3));
          break;
        case 3: about.source_port ^= 1; break;
        default: about.payload = booty.denied;
      }
      if (std::optional<Octets> error = encode_error(encode(about), 64)) hand.send_octets(std::move(*error));
    }
    hand.write(booty.denied);
  });
}
void simultaneous(Hand& hand, const Booty& booty) {
  hand.syn();
  hand.later(1, [&hand, booty] {
    hand.put(-1, {}, with_flags(SYN | ACK));
    hand.put(0, booty.denied, with_flags(SYN | ACK | PSH));
    hand.put(0, booty.denied);
  });
}

// Its own address, where the other zone lives.
void from_other_zone(Hand& hand, const Booty& booty) {
  hand.vlan = {hand.own_address().vlan == vlan_aside ? vlan_up : vlan_aside};
  hand.syn();
  hand.later(hand.random().between(1, 50), [&hand, booty] {
    hand.write(booty.permitted);
    hand.write(booty.denied);
  });
}

// --- parts of PDUs, of replies, of streams
// -------------------------------------------------------------------

// Where a PDU goes on, another begins.
void whole_within_part(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  const std::size_t k = hand.random().chance(1, 2) ? cut(hand, booty.permitted)
                                                   : std::min<std::size_t>(7, booty.permitted.size() - 1);
  hand.put(at, first(booty.permitted, k));
  hand.later(20, [&hand, at, booty, k] { hand.put(at, first(booty.permitted, k)); });
  hand.later(40, [&hand, at, booty, k] { hand.put(at + static_cast<std::int64_t>(k), booty.permitted); });
  hand.skip(k + booty.permitted.size());
}
// What came before once more, up to somewhere within, and there the stream is said to end.
void repeated_with_end(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  hand.write(booty.permitted);
  hand.put(at, first(booty.permitted, cut(hand, booty.permitted)), with_flags(ACK | FIN));
}
// What has left comes again, and with it nothing of the part behind it that has not.
void front_repeated(Hand& hand, const Booty& booty) {
  const std::int64_t at = here(hand);
  hand.write(booty.permitted);
  hand.write(first(booty.permitted, booty.permitted.size() - 1));
  hand.put(at, booty.permitted);
}
// Acknowledges its replies up to somewhere within; what is behind has to come again.
void replies_acknowledged_in_part(Hand& hand, const Booty& booty) {
  hand.answers = false;
  const std::uint32_t before = hand.peer_next();
  for (int i = 0; i < 3; ++i) hand.write(booty.denied);
  hand.later(30, [&hand, before] {
    const std::uint32_t size = hand.peer_next() - before;
    if (size == 0) return;
    const bool whole = hand.random().chance(1, 2);
    const auto left = static_cast<std::uint32_t>(whole ? size / 3 : hand.random().between(1, size));
    hand.put(here(hand), {}, [left](Packet& packet) { packet.acknowledgement -= left; });
  });
  hand.later(2500, [&hand] {
    hand.answers = true;
    hand.ack();
  });
}

}  // namespace

const std::vector<ClientTechnique>& part_techniques() {
  static const std::vector<ClientTechnique> all{
      {"whole-within-part", whole_within_part},
      {"repeated-with-end", repeated_with_end},
      {"front-repeated", front_repeated},
      {"replies-acknowledged-in-part", replies_acknowledged_in_part},
  };
  return all;
}

const std::vector<ClientTechnique>& zone_techniques() {
  static const std::vector<ClientTechnique> all{{"from-other-zone", from_other_zone, false}};
  return all;
}

const std::vector<ClientTechnique>& client_techniques() {
  static const std::vector<ClientTechnique> all = [] {
    std::vector<ClientTechnique> list = stream_techniques();
    const std::vector<ClientTechnique> others{
        {"around-refusals", around_refusals},
        {"syn-beside", syn_beside},
        {"quotes-that-lie", quotes_that_lie},
        {"simultaneous-open", simultaneous, false},
    };
    list.insert(list.end(), others.begin(), others.end());
    return list;
  }();
  return all;
}

}  // namespace conduit::simulation
