#include "tests/simulation/datagram_world.hpp"

#include <algorithm>

#include "tests/simulation/bacnet/bacnet_datagrams.hpp"
#include "tests/simulation/bacnet/bacnet_segment_hosts.hpp"

namespace conduit::simulation {

DatagramWorld::DatagramWorld(Network& network, const Plan& plan, Random random,
                             std::vector<Finding>& findings)
    : network_(network),
      plan_(plan),
      random_(random),
      findings_(findings),
      oracle_(network.scheduler(), plan.plant, timeline_),
      stage_{network, timeline_, findings, plan.tight} {
  stage_.fragments = std::all_of(plan.policies.begin(), plan.policies.end(),
                                 [](const PlantPolicy& policy) { return policy.fragments; });
}

void DatagramWorld::make_hosts() {
  const Plant& plant = plan_.plant;
  const auto make = [&](const std::vector<HostAddress>& own, std::uint8_t side,
                        std::vector<std::unique_ptr<DatagramHost>>& into) {
    for (std::size_t i = 0; i < own.size(); ++i) {
      into.push_back(std::make_unique<DatagramHost>(network_, own[i], side, plant.ipv6));
      for (const DatagramModel* protocol : plan_.datagram_protocols) {
        const std::vector<HostAddress>& others = side == 0 ? plant.servers : plant.clients;
        if (side == 1 || protocol->both_ask())
          serve_datagrams(stage_, *protocol, *into.back(), others,
                          random_.fork(side == 0 ? "client" : "server", i));
        if (protocol == &bacnet_datagrams())
          serve_segments(stage_, *into.back(), others,
                         random_.fork(side == 0 ? "segments to client" : "segments to server", i));
      }
      if (!is_hostile(own[i])) network_.attach(*into.back());
    }
  };
  make(plant.clients, 0, clients_);
  make(plant.servers, 1, servers_);
}

void DatagramWorld::make_dialogues() {
  const Plant& plant = plan_.plant;
  for (const DatagramDialoguePlan& dialogue : plan_.datagram_dialogues) {
    const DatagramPlace& place = dialogue.place;
    DatagramHost& client = *clients_[place.client];
    DatagramHost& server = *servers_[place.server];
    DatagramHost& asker = place.back ? server : client;
    const HostAddress& asked = place.back ? plant.clients[place.client] : plant.servers[place.server];
    if (is_hostile(asker.address)) continue;
    const DatagramService* service = timeline_.service(place);
    own_rules_.push_back(nullptr);
    if (service == nullptr) {
      Random own = dialogue.random.fork("rules");
      own_rules_.back() = place.protocol->random_rules(own);
    }
    const Rules& rules = service == nullptr ? *own_rules_.back() : *service->rules;
    const bool lies = is_hostile(asked);
    if (dialogue.in_segments)
      dialogues_.push_back(std::make_unique<SegmentDialogue>(stage_, dialogue, rules, lies, asker, asked));
    else
      dialogues_.push_back(std::make_unique<DatagramDialogue>(stage_, dialogue, rules, lies, asker, asked));
    dialogues_.back()->start();
  }
}

void DatagramWorld::start() {
  for (const DatagramAttackPlan& attack : plan_.datagram_attacks) {
    hostile_.insert(attack.from_server ? plan_.plant.servers[attack.place.server].mac
                                       : plan_.plant.clients[attack.place.client].mac);
  }
  make_hosts();
  make_dialogues();
  for (const DatagramAttackPlan& attack : plan_.datagram_attacks) {
    attackers_.push_back(
        DatagramAttacker::create(network_, attack, plan_.plant, plan_.policies[0], plan_.calm_ns));
  }
}

bool DatagramWorld::finished() const {
  return std::all_of(dialogues_.begin(), dialogues_.end(),
                     [](const auto& dialogue) { return dialogue->finished(); });
}

void DatagramWorld::check(bool interrupted) {
  findings_.insert(findings_.begin(), oracle_.findings().begin(), oracle_.findings().end());
  if (!plan_.tight && !interrupted) oracle_.check_promises(hostile_, findings_);
}

void DatagramWorld::check_events(const std::vector<EventRecord>& events) {
  constexpr std::uint8_t udp = 17;
  std::uint64_t told = 0;
  for (const EventRecord& event : events) {
    // What is folded stands for its like over TCP as well.
    const bool of_datagrams = event.ip_protocol == udp || (event.flags & EVENT_FOLDED) != 0;
    if (of_datagrams && event.verdict != Verdict::FORWARD) told += event.count;
  }
  if (told >= oracle_.denied()) return;
  findings_.push_back({"accounting",
                       std::to_string(oracle_.denied()) + " datagrams were denied, " + std::to_string(told) +
                           " have an event",
                       network_.scheduler().now()});
}

}  // namespace conduit::simulation
