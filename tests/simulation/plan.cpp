#include "tests/simulation/plan.hpp"

#include <algorithm>

#include "tests/simulation/attacker.hpp"
#include "tests/simulation/tcp_presets.hpp"

namespace conduit::simulation {
namespace {

Faults draw_faults(Random random) {
  Faults faults;
  faults.delay_ns = random.between(20, 2000) * microsecond;
  const auto share = [&random](std::uint64_t most) {
    return static_cast<std::uint16_t>(random.chance(1, 2) ? random.below(most) : 0);
  };
  if (random.chance(1, 4)) return faults;  // an undisturbed cable
  faults.lost = share(150);
  faults.repeated = share(150);
  faults.delayed = share(200);
  faults.damaged = share(50);
  faults.delay_ns_max = random.between(1, 300) * millisecond;
  return faults;
}

EngineLimits draw_limits(Random random, bool& tight) {
  EngineLimits limits;
  tight = random.chance(1, 8);
  limits.flow_count = tight ? 64 : 512;
  limits.half_open_count = tight ? 16 : 128;
  limits.block_count = tight ? static_cast<std::uint32_t>(random.between(4, 64)) : 2048;
  limits.limit_count = 256;
  limits.established_idle_ns = 600 * second;
  return limits;
}

// Does it wait for the acknowledgement of a part of what it has to send?
bool waits_for_parts(const TcpTraits& sender, const TcpTraits& receiver) {
  return sender.nagle || sender.one_in_flight || receiver.window < 8192;
}

// Connections of which no part of a PDU may pass are reset where their sender cannot go on: nothing is
// promised to them.
bool may_be_cut(const Plan& plan, const DialoguePlan& dialogue) {
  if (plan.plant.partial[dialogue.server] == Partial::HOLD) return true;
  const bool whole_only = std::any_of(plan.policies.begin(), plan.policies.end(),
                                      [](const PlantPolicy& policy) { return policy.mid_stream_resync; });
  const TcpTraits& client = plan.client_traits[dialogue.client];
  const TcpTraits& server = plan.server_traits[dialogue.server];
  return whole_only && (waits_for_parts(client, server) || waits_for_parts(server, client));
}

// Requests of which a part has left pass on where nothing in the rest reads as another one.
bool in_parts(const Plan& plan, const DialoguePlan& dialogue) {
  return plan.plant.partial[dialogue.server] != Partial::FORWARD &&
         waits_for_parts(plan.client_traits[dialogue.client], plan.server_traits[dialogue.server]);
}

// From the first denial on, connections whose PDUs are renumbered pass whole ones alone: who waits for the
// acknowledgement of a part is reset (dataplane/engine/adr-0003-renumbering.md).
bool may_be_cut_when_denied(const Plan& plan, const DialoguePlan& dialogue) {
  const TcpTraits& client = plan.client_traits[dialogue.client];
  const TcpTraits& server = plan.server_traits[dialogue.server];
  return dialogue.protocol->renumbers() &&
         (waits_for_parts(client, server) || waits_for_parts(server, client));
}

// Until the timer for repetitions has run out, which knows how late acknowledgements come, and one has come.
std::uint64_t octet_ns(const TcpTraits& sender, const TcpTraits& receiver) {
  constexpr std::uint64_t first_timer_ms = 300;
  return std::max<std::uint64_t>(sender.repeat_min_ms, first_timer_ms) * millisecond +
         2 * receiver.acknowledgement_delay_us * microsecond;
}

// What may be expected of the two.
void promise(const Plan& plan, DialoguePlan& dialogue) {
  const TcpTraits& client = plan.client_traits[dialogue.client];
  const TcpTraits& server = plan.server_traits[dialogue.server];
  dialogue.must_finish = !may_be_cut(plan, dialogue);
  dialogue.cut_when_denied = may_be_cut_when_denied(plan, dialogue);
  dialogue.octet_ns = std::max(octet_ns(client, server), octet_ns(server, client));
  dialogue.in_parts = in_parts(plan, dialogue);
}

DialoguePlan draw_dialogue(const Plan& plan, const ProtocolModel& protocol, Random own) {
  DialoguePlan dialogue;
  const std::vector<const Service*> services = plan.policies[0].services_of(protocol);
  if (!services.empty() && own.chance(15, 16)) {
    const Service& service = *services[own.below(services.size())];
    dialogue.client = service.client;
    dialogue.server = service.server;
  } else {
    dialogue.client = own.below(plan.plant.clients.size());
    dialogue.server = own.below(plan.plant.servers.size());
    own.next();
  }
  dialogue.protocol = &protocol;
  dialogue.begin_ns = second + own.below(4 * second);
  dialogue.requests = static_cast<std::uint32_t>(own.between(1, 24));
  dialogue.pipelined = own.chance(1, 2) ? 1 : static_cast<std::uint32_t>(own.between(2, 8));
  dialogue.bad_per_mille = own.chance(1, 3) ? 100 : 0;
  dialogue.pause_ms_max = own.chance(1, 2) ? 0 : 300;
  promise(plan, dialogue);
  dialogue.random = own;
  return dialogue;
}

void draw_dialogues(Plan& plan, const Random& base) {
  if (plan.protocols.empty()) return;
  Random random = base.fork("dialogues");
  const std::uint64_t count = random.between(1, 6);
  for (std::uint64_t i = 0; i < count; ++i)
    plan.dialogues.push_back(draw_dialogue(plan, *plan.protocols[0], base.fork("dialogue", i)));
  // One where a rate limits it, to get there.
  for (const Service& service : plan.policies[0].services) {
    if (!service.limit) continue;
    DialoguePlan dialogue = draw_dialogue(plan, *service.protocol, base.fork("dialogue limited"));
    dialogue.client = service.client;
    dialogue.server = service.server;
    dialogue.requests = static_cast<std::uint32_t>(dialogue.random.between(20, 60));
    promise(plan, dialogue);
    plan.dialogues.push_back(std::move(dialogue));
    break;
  }
  if (plan.protocols.size() == 1) return;
  const std::uint64_t beside = random.between(1, 3);
  for (std::uint64_t i = 0; i < beside; ++i)
    plan.dialogues.push_back(draw_dialogue(plan, *plan.protocols[1], base.fork("dialogue beside", i)));
}

// An attacker has the address of one side to itself; dialogues of that client (or server) are left out, and
// those of the other partner need not finish.
void draw_attacks(Plan& plan, const Random& base, const std::string& technique) {
  Random random = base.fork("attacks");
  if (plan.protocols.empty() || techniques().empty() || (technique.empty() && random.chance(2, 5))) return;
  const std::uint64_t count = random.between(1, 3);
  for (std::uint64_t i = 0; i < count; ++i) {
    Random own = base.fork("attack", i);
    AttackPlan attack;
    attack.technique = technique;
    attack.protocol = plan.protocols[0];
    if (technique.empty()) attack.technique = own.chance(1, 3) ? "server-any" : "client-any";
    if (technique.empty() && own.chance(1, 4)) attack.technique = own.pick(techniques());
    const std::vector<const Service*> services = plan.policies[0].services_of(*attack.protocol);
    if (services.empty()) return;
    const Service& service = *services[own.below(services.size())];
    attack.client = service.client;
    attack.server = service.server;
    attack.from_server = is_server_technique(attack.technique);
    attack.random = own;
    const bool taken =
        std::any_of(plan.attacks.begin(), plan.attacks.end(), [&attack](const AttackPlan& other) {
          return other.client == attack.client || other.server == attack.server;
        });
    if (taken) continue;
    for (DialoguePlan& dialogue : plan.dialogues) {
      if (attack.from_server && dialogue.server == attack.server) dialogue.must_finish = false;
    }
    plan.attacks.push_back(std::move(attack));
  }
}

// The same attackers, now and then, by the protocol beside.
void draw_attacks_beside(Plan& plan, const Random& base, const std::string& technique) {
  if (plan.protocols.size() < 2) return;
  const std::size_t count = plan.attacks.size();
  for (std::size_t i = 0; i < count; ++i) {
    Random own = base.fork("attack beside", i);
    AttackPlan attack = plan.attacks[i];
    if (plan.policies[0].find(attack.client, attack.server, *plan.protocols[1]) == nullptr) continue;
    attack.protocol = plan.protocols[1];
    attack.first_port = 35000;
    if (technique.empty()) attack.technique = attack.from_server ? "server-any" : "client-any";
    attack.random = own;
    plan.attacks.push_back(std::move(attack));
  }
}

// … and now and then with octets that contradict, by itself: of all techniques it is drawn too seldom.
void draw_attacks_that_contradict(Plan& plan, const Random& base, const std::string& technique) {
  const std::string contradicting[] = {"overwrite", "overwrite-later", "overwrite-tail", "overwrite-held"};
  Random own = base.fork("attack that contradicts");
  if (plan.attacks.empty() || plan.attacks[0].from_server || !technique.empty() || !own.chance(1, 6)) return;
  AttackPlan attack = plan.attacks[0];
  attack.technique = contradicting[own.below(std::size(contradicting))];
  attack.first_port = 39000;
  attack.random = own;
  plan.attacks.push_back(std::move(attack));
}

// … and likewise with parts of PDUs and of replies.
void draw_attacks_with_parts(Plan& plan, const Random& base, const std::string& technique) {
  Random own = base.fork("attack with parts");
  if (plan.attacks.empty() || plan.attacks[0].from_server || !technique.empty() || !own.chance(1, 2)) return;
  AttackPlan attack = plan.attacks[0];
  attack.technique = "parts-any";
  attack.first_port = 33000;
  attack.random = own;
  plan.attacks.push_back(std::move(attack));
}

// … and from where the other zone lives.
void draw_attacks_between_zones(Plan& plan, const Random& base, const std::string& technique) {
  if (!plan.plant.has_aside() || !technique.empty()) return;
  const std::size_t count = plan.attacks.size();
  for (std::size_t i = 0; i < count; ++i) {
    Random own = base.fork("attack between zones", i);
    if (plan.attacks[i].from_server || plan.attacks[i].first_port != 30000) continue;
    AttackPlan attack = plan.attacks[i];
    attack.technique = "from-other-zone";
    attack.first_port = 37000;
    attack.random = own;
    plan.attacks.push_back(std::move(attack));
  }
}

// Modbus is spoken in each seed, another protocol beside it.
std::vector<const ProtocolModel*> draw_protocols(std::uint64_t seed, const std::string& wish) {
  if (find_datagram_model(wish) != nullptr) return {};
  if (!wish.empty()) return {&find_model(wish)};
  const ProtocolModel* main = &find_model("modbus");
  std::vector<const ProtocolModel*> others = protocols();
  std::erase(others, main);
  return {main, others[seed % others.size()]};
}

void draw_changes(Plan& plan, const Random& base) {
  using Kind = ChangePlan::Kind;
  Random random = base.fork("changes");
  const auto moment = [&] { return second + random.below(plan.calm_ns - 2 * second); };
  for (std::size_t i = 1; i < plan.policies.size(); ++i) plan.changes.push_back({0, Kind::POLICY, i});
  for (ChangePlan& change : plan.changes) change.at_ns = moment();
  std::sort(plan.changes.begin(), plan.changes.end(),
            [](const ChangePlan& a, const ChangePlan& b) { return a.at_ns < b.at_ns; });
  for (std::size_t i = 0; i < plan.changes.size(); ++i) plan.changes[i].number = i + 1;  // versions rise
  const auto span = [&](Kind kind, std::uint64_t longest) {
    const std::uint64_t from = moment();
    plan.changes.push_back({from, kind, 1});
    plan.changes.push_back({std::min(from + random.below(longest) + 1, plan.calm_ns), kind, 0});
  };
  if (random.chance(1, 6)) span(Kind::ISLAND, 4 * second);
  if (random.chance(1, 8)) span(Kind::OUTPUT_FULL, 2 * second);
  if (random.chance(1, 8)) span(Kind::RING_FULL, 4 * second);
  const bool restarts = random.chance(1, 10);
  // Whoever only observes joins connections wherever they stand.
  if (restarts && !plan.observes()) plan.changes.push_back({moment(), Kind::RESTART, 0});
  if (random.chance(1, 10)) {
    plan.changes.push_back({moment(), Kind::REBOOT, random.below(plan.plant.servers.size())});
  }
}

template <typename T>
bool erase_at(std::vector<T>& from, std::size_t number) {
  if (number >= from.size()) return false;
  from.erase(from.begin() + static_cast<std::ptrdiff_t>(number));
  return true;
}

// In some seeds every other policy only observes, the first one too. Of protocols with a memory nobody says
// what that comes to when some of what was denied has passed.
bool draw_observing(Random random, Plan& plan) {
  if (!random.chance(1, 8) || plan.protocols.empty()) return false;
  if (plan.protocols[0]->conversation(Viewpoint::SERVER) != nullptr) return false;
  plan.protocols.resize(1);
  return true;
}

// One in eight is a stack that cannot go on as usual.
TcpTraits draw_traits(Random& random) {
  return random.chance(1, 8) ? random.pick(cannot_go_on()).traits : random_traits(random);
}

}  // namespace

Plan draw_plan(std::uint64_t seed, const PlanWish& wish) {
  const Random base(seed * 0x9E3779B97F4A7C15 + 1);
  Plan plan;
  plan.seed = seed;
  plan.protocols = draw_protocols(seed, wish.protocol);
  plan.datagram_protocols = draw_datagram_protocols(base, wish);
  Random plant_random = base.fork("plant");
  plan.plant = random_plant(plant_random);
  Random policy_random = base.fork("policy");
  std::uint64_t policies = policy_random.chance(1, 2) ? 1 : policy_random.between(2, 4);
  const bool observes = !wishes_datagrams(wish) && draw_observing(base.fork("observing"), plan);
  // Datagrams keep to one zone of clients, and to conduits that enforce.
  if (wishes_datagrams(wish)) {
    for (HostAddress& client : plan.plant.clients) client.vlan = 0;
  } else if (observes || plan.plant.has_aside()) {
    plan.datagram_protocols.clear();
  }
  if (observes && policies == 1) policies = base.fork("policies observed").between(1, 4);
  for (std::uint64_t i = 0; i < policies; ++i) {
    const PlantPolicy* previous = i == 0 ? nullptr : &plan.policies.back();
    const bool observe = observes && i % 2 == 0;
    PlantPolicy policy = random_policy(policy_random, plan.plant, plan.protocols, i + 1, observe, previous,
                                       plan.datagram_protocols);
    plan.policies.push_back(std::move(policy));
  }
  for (std::size_t i = 0; i < plan.plant.clients.size(); ++i) {
    Random random = base.fork("client", i);
    plan.client_traits.push_back(draw_traits(random));
  }
  for (std::size_t i = 0; i < plan.plant.servers.size(); ++i) {
    Random random = base.fork("server", i);
    plan.server_traits.push_back(draw_traits(random));
  }
  Random timing = base.fork("timing");
  plan.calm_ns = timing.between(5, 12) * second;
  plan.burst_ns = timing.chance(1, 3) ? timing.between(1, 500) * microsecond : 0;
  plan.faults = draw_faults(base.fork("faults"));
  Random quotes = base.fork("quotes");
  if (quotes.chance(1, 5)) plan.faults.quoted = static_cast<std::uint16_t>(quotes.between(10, 200));
  plan.limits = draw_limits(base.fork("limits"), plan.tight);
  draw_dialogues(plan, base);
  if (!wishes_datagrams(wish)) draw_attacks(plan, base, wish.technique);
  draw_attacks_beside(plan, base, wish.technique);
  draw_attacks_between_zones(plan, base, wish.technique);
  draw_attacks_that_contradict(plan, base, wish.technique);
  draw_attacks_with_parts(plan, base, wish.technique);
  draw_datagrams(plan, base, wish);
  draw_changes(plan, base);
  return plan;
}

bool Plan::observes() const {
  return std::any_of(policies.begin(), policies.end(),
                     [](const PlantPolicy& policy) { return policy.observe; });
}

std::vector<std::string> Plan::parts() const {
  std::vector<std::string> names;
  const auto each = [&names](const char* kind, std::size_t count) {
    for (std::size_t i = count; i-- > 0;) names.push_back(std::string(kind) + ":" + std::to_string(i));
  };
  each("dialogue", dialogues.size());
  each("attack", attacks.size());
  each("datagrams", datagram_dialogues.size());
  each("datagram-attack", datagram_attacks.size());
  each("change", changes.size());
  if (faults.lost != 0) names.emplace_back("lost");
  if (faults.repeated != 0) names.emplace_back("repeated");
  if (faults.delayed != 0) names.emplace_back("delayed");
  if (faults.damaged != 0) names.emplace_back("damaged");
  if (faults.quoted != 0) names.emplace_back("quoted");
  if (burst_ns != 0) names.emplace_back("burst");
  for (std::size_t i = 0; i < datagram_dialogues.size(); ++i) {
    if (datagram_dialogues[i].requests > 1) names.push_back("datagram-half:" + std::to_string(i));
  }
  for (std::size_t i = 0; i < dialogues.size(); ++i) {
    if (dialogues[i].requests > 1) names.push_back("half:" + std::to_string(i));
    if (dialogues[i].pipelined > 1) names.push_back("pipelining:" + std::to_string(i));
  }
  return names;
}

bool Plan::leave_out(const std::string& part) {
  const std::size_t colon = part.find(':');
  const std::string kind = part.substr(0, colon);
  const std::size_t number = colon == std::string::npos ? 0 : std::stoul(part.substr(colon + 1));
  if (kind == "dialogue") return erase_at(dialogues, number);
  if (kind == "attack") return erase_at(attacks, number);
  if (kind == "datagrams") return erase_at(datagram_dialogues, number);
  if (kind == "datagram-attack") return erase_at(datagram_attacks, number);
  if (kind == "datagram-half")
    return number < datagram_dialogues.size() && (datagram_dialogues[number].requests /= 2, true);
  if (kind == "change") return erase_at(changes, number);
  if (kind == "lost") return faults.lost = 0, true;
  if (kind == "repeated") return faults.repeated = 0, true;
  if (kind == "delayed") return faults.delayed = 0, true;
  if (kind == "damaged") return faults.damaged = 0, true;
  if (kind == "quoted") return faults.quoted = 0, true;
  if (kind == "burst") return burst_ns = 0, true;
  if (number >= dialogues.size()) return false;
  if (kind == "half") return dialogues[number].requests /= 2, true;
  if (kind == "pipelining") return dialogues[number].pipelined = 1, true;
  return false;
}

std::string Plan::describe() const {
  static constexpr const char* kinds[] = {"policy",      "island",    "restart",
                                          "output full", "ring full", "reboot"};
  std::string text = "seed " + std::to_string(seed) + ": " + std::to_string(plant.clients.size()) +
                     " clients, " + std::to_string(plant.servers.size()) + " servers" +
                     (tight ? ", tight limits" : "") + (plant.ipv6 ? ", IPv6" : "") +
                     (plant.has_aside() ? ", two zones of clients" : "") +
                     (observes() ? ", at times only observed" : "") + "\n";
  text += "  faults per mille: lost " + std::to_string(faults.lost) + ", repeated " +
          std::to_string(faults.repeated) + ", delayed " + std::to_string(faults.delayed) + ", damaged " +
          std::to_string(faults.damaged) + ", quoted " + std::to_string(faults.quoted) + "; calm from " +
          std::to_string(calm_ns / millisecond) + " ms\n";
  for (const DialoguePlan& d : dialogues) {
    text += "  dialogue client-" + std::to_string(d.client) + " → server-" + std::to_string(d.server) + " " +
            d.protocol->name() + ", " + std::to_string(d.requests) + " requests, " +
            std::to_string(d.pipelined) + " at a time, from " + std::to_string(d.begin_ns / millisecond) +
            " ms\n";
  }
  for (const AttackPlan& a : attacks) {
    text += "  attack " + a.technique + ", " + a.protocol->name() + ", client-" + std::to_string(a.client) +
            ", server-" + std::to_string(a.server) + "\n";
  }
  text += describe_datagrams(*this);
  for (const ChangePlan& c : changes) {
    text += "  " + std::to_string(c.at_ns / millisecond) + " ms: " + kinds[static_cast<std::size_t>(c.kind)] +
            " " + std::to_string(c.number) + "\n";
  }
  return text;
}

}  // namespace conduit::simulation
