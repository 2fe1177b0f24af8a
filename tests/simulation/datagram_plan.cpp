#include "tests/simulation/datagram_plan.hpp"

#include <algorithm>

#include "tests/simulation/bacnet/bacnet_datagrams.hpp"
#include "tests/simulation/datagram_attacker.hpp"
#include "tests/simulation/plan.hpp"

namespace conduit::simulation {
namespace {

DatagramPlace draw_place(const Plan& plan, const DatagramModel& protocol, Random& own) {
  std::vector<DatagramPlace> places;
  for (const DatagramService& service : plan.policies[0].datagrams) {
    if (service.protocol == &protocol)
      places.push_back({service.client, service.server, service.back, &protocol});
  }
  if (!places.empty() && own.chance(15, 16)) return own.pick(places);
  return {own.below(plan.plant.clients.size()), own.below(plan.plant.servers.size()), false, &protocol};
}

DatagramDialoguePlan draw_dialogue(const Plan& plan, const DatagramModel& protocol, Random own) {
  DatagramDialoguePlan dialogue;
  dialogue.place = draw_place(plan, protocol, own);
  dialogue.begin_ns = second + own.below(4 * second);
  dialogue.requests = static_cast<std::uint32_t>(own.between(1, 12));
  dialogue.bad_per_mille = own.chance(1, 3) ? 100 : 0;
  dialogue.pause_ms_max = own.chance(1, 2) ? 1 : 300;
  dialogue.from_protocol_port = protocol.both_ask() && own.chance(2, 3);
  dialogue.in_fragments = own.chance(1, 3);
  dialogue.random = own;
  return dialogue;
}

void draw_in_segments(Plan& plan, const DatagramModel& protocol, const Random& base) {
  Random random = base.fork("datagrams in segments");
  if (&protocol != &bacnet_datagrams() || random.chance(1, 3)) return;
  for (std::uint64_t i = random.between(1, 2); i > 0; --i) {
    DatagramDialoguePlan dialogue = draw_dialogue(plan, protocol, base.fork("dialogue in segments", i));
    dialogue.in_segments = true;
    dialogue.requests = std::min(dialogue.requests, 8U);
    plan.datagram_dialogues.push_back(std::move(dialogue));
  }
}

// The same attacker, with segments.
void draw_attack_in_segments(Plan& plan, const DatagramModel& protocol, const Random& base) {
  Random random = base.fork("datagram attack in segments");
  if (&protocol != &bacnet_datagrams() || plan.datagram_attacks[0].from_server || random.chance(1, 2)) return;
  DatagramAttackPlan attack = plan.datagram_attacks[0];
  attack.technique = "datagram-in-parts";
  attack.random = random;
  plan.datagram_attacks.push_back(std::move(attack));
}

}  // namespace

bool wishes_datagrams(const PlanWish& wish) {
  const std::vector<std::string>& names = datagram_techniques();
  return find_datagram_model(wish.protocol) != nullptr ||
         std::find(names.begin(), names.end(), wish.technique) != names.end();
}

std::vector<const DatagramModel*> draw_datagram_protocols(const Random& base, const PlanWish& wish) {
  if (const DatagramModel* wished = find_datagram_model(wish.protocol)) return {wished};
  Random random = base.fork("datagram protocols");
  if (!wish.protocol.empty() || (!wishes_datagrams(wish) && random.chance(1, 3))) return {};
  if (random.chance(1, 3)) return {random.pick(datagram_models())};
  return {datagram_models()[0]};
}

void draw_datagrams(Plan& plan, const Random& base, const PlanWish& wish) {
  if (plan.datagram_protocols.empty()) return;
  const DatagramModel& protocol = *plan.datagram_protocols[0];
  Random random = base.fork("datagrams");
  const std::uint64_t count = random.between(1, 3);
  for (std::uint64_t i = 0; i < count; ++i)
    plan.datagram_dialogues.push_back(draw_dialogue(plan, protocol, base.fork("datagram dialogue", i)));
  draw_in_segments(plan, protocol, base);
  const bool wished = wishes_datagrams(wish) && !wish.technique.empty();
  if (!wished && (!wish.technique.empty() || random.chance(1, 2))) return;
  DatagramAttackPlan attack;
  attack.place = draw_place(plan, protocol, random);
  attack.place.back = false;
  attack.technique = wished ? wish.technique : random.pick(datagram_techniques());
  if (!wished && random.chance(1, 3)) attack.technique = "datagram-server-any";
  attack.from_server = is_datagram_server_technique(attack.technique);
  attack.random = random;
  plan.datagram_attacks.push_back(std::move(attack));
  if (!wished) draw_attack_in_segments(plan, protocol, base);
}

std::string describe_datagrams(const Plan& plan) {
  const auto pair = [](const DatagramPlace& place) {
    const std::string client = "client-" + std::to_string(place.client);
    const std::string server = "server-" + std::to_string(place.server);
    return (place.back ? server + " → " + client : client + " → " + server) + " " + place.protocol->name();
  };
  std::string text;
  for (const DatagramDialoguePlan& d : plan.datagram_dialogues) {
    text += "  datagrams " + pair(d.place) + ", " + std::to_string(d.requests) + " requests, from " +
            std::to_string(d.begin_ns / millisecond) + " ms" +
            (d.from_protocol_port ? ", from the protocol's port" : "") +
            (d.in_segments ? ", in segments" : "") + (d.in_fragments ? ", in fragments" : "") + "\n";
  }
  for (const DatagramAttackPlan& a : plan.datagram_attacks)
    text += "  datagram attack " + a.technique + ", " + pair(a.place) + "\n";
  return text;
}

}  // namespace conduit::simulation
