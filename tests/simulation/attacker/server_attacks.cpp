// What a hostile server does to get something to a client that no request of it has asked for.
#include <algorithm>

#include "tests/simulation/attacker/hand.hpp"

namespace conduit::simulation {
namespace {

Octets changed(View octets, std::size_t at, std::uint8_t by) {
  Octets copy(octets.begin(), octets.end());
  if (at < copy.size()) copy[at] = static_cast<std::uint8_t>(copy[at] + by);
  return copy;
}

void honest(Hand& hand, View, View answer) { hand.write(answer); }
void twice(Hand& hand, View, View answer) {
  hand.write(answer);
  hand.write(answer);
}
void other_transaction(Hand& hand, View, View answer) { hand.write(changed(answer, 1, 1)); }
void other_unit(Hand& hand, View, View answer) { hand.write(changed(answer, 6, 1)); }
void other_function(Hand& hand, View, View answer) { hand.write(changed(answer, 7, 1)); }
void other_size(Hand& hand, View, View answer) {
  Octets longer(answer.begin(), answer.end());
  longer.push_back(0);
  longer.push_back(0);
  longer[5] = static_cast<std::uint8_t>(longer[5] + 2);
  if (longer.size() > 10) longer[8] = static_cast<std::uint8_t>(longer[8] + 2);
  hand.write(longer);
}
void request_to_client(Hand& hand, View request, View answer) {
  hand.write(request);
  hand.write(answer);
}
void nonsense(Hand& hand, View, View answer) {
  Octets octets;
  for (int i = 0; i < 24; ++i) octets.push_back(static_cast<std::uint8_t>(hand.random().next()));
  hand.write(octets);
  hand.write(answer);
}
void overwritten(Hand& hand, View, View answer) {
  const auto at = static_cast<std::int64_t>(hand.next());
  hand.write(answer);
  hand.put(at, changed(answer, 7, 0x80));
  hand.put(at, changed(answer, answer.size() - 1, 1));
}
void in_pieces(Hand& hand, View, View answer) {
  const auto at = static_cast<std::int64_t>(hand.next());
  const std::size_t k = hand.random().between(1, answer.size() - 1);
  hand.put(at + static_cast<std::int64_t>(k), answer.subspan(k));
  hand.put(at, changed(answer.first(k), 0, 0));
  hand.put(at, changed(answer.first(k), 1, 1));
  hand.skip(answer.size());
}
void never(Hand&, View, View) {}
void acks_unsent(Hand& hand, View, View answer) {
  hand.put(static_cast<std::int64_t>(hand.next()), {}, [](Packet& packet) { packet.acknowledgement += 12; });
  hand.write(answer, [](Packet& packet) { packet.acknowledgement += 500; });
  hand.write(answer);
}
void after_fin(Hand& hand, View, View answer) {
  hand.write(answer, [](Packet& packet) { packet.flags |= FIN; });
  hand.skip(1);
  hand.write(answer);
}
void refused_and_answered(Hand& hand, View request, View answer) {
  // Guesses what the client has asked besides.
  for (std::uint8_t i = 1; i < 4; ++i) hand.write(changed(answer, 1, static_cast<std::uint8_t>(7 * i)));
  (void)request;
  hand.write(answer);
}

// Knows what its client has sent, and answers what has never reached it.
void foresees(Hand& hand, View, View answer) {
  for (const auto& [request, reply] : hand.foreseen) hand.write(reply);
  hand.foreseen.clear();
  hand.write(answer);
}
// Speaks from its own side in the name of its client, to itself and to other servers.
void from_the_other_side(Hand& hand, View request, View answer) {
  const std::uint8_t other = static_cast<std::uint8_t>(hand.random().between(1, 3));
  const auto turned = [&hand, other](Packet& packet) {
    std::swap(packet.source, packet.destination);
    std::swap(packet.source_port, packet.destination_port);
    if (hand.random().chance(1, 3)) packet.destination[packet.ipv6 ? 15 : 3] = other;
    if (hand.random().chance(1, 3)) return;
    packet.sequence = hand.peer_next();  // as the client would say it
    packet.acknowledgement = hand.sequence(static_cast<std::int64_t>(hand.next()));
    if (hand.random().chance(1, 3)) packet.flags = SYN;
  };
  hand.put(static_cast<std::int64_t>(hand.next()), request, turned);
  // A connection of one client with the other: opened behind the wrong port.
  hand.put(static_cast<std::int64_t>(hand.next()), {}, [other](Packet& packet) {
    packet.source = packet.destination;
    packet.source[packet.ipv6 ? 15 : 3] = other;
    packet.destination_port = packet.source_port;
    packet.source_port = 39999;
    packet.flags = SYN;
  });
  hand.write(answer);
}

}  // namespace

const std::vector<ServerTechnique>& server_techniques() {
  static const std::vector<ServerTechnique> all{
      {"server-honest", honest},
      {"server-twice", twice},
      {"server-other-transaction", other_transaction},
      {"server-other-unit", other_unit},
      {"server-other-function", other_function},
      {"server-other-size", other_size},
      {"server-request-to-client", request_to_client},
      {"server-nonsense", nonsense},
      {"server-overwritten", overwritten},
      {"server-in-pieces", in_pieces},
      {"server-never", never},
      {"server-acks-unsent", acks_unsent},
      {"server-after-fin", after_fin},
      {"server-guesses", refused_and_answered},
      {"server-foresees", foresees},
      {"server-from-the-other-side", from_the_other_side},
  };
  return all;
}

}  // namespace conduit::simulation
