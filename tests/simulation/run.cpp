#include "tests/simulation/run.hpp"

#include <algorithm>
#include <memory>
#include <set>

#include "tests/simulation/accounting.hpp"
#include "tests/simulation/attacker.hpp"
#include "tests/simulation/datagram_world.hpp"
#include "tests/simulation/dialogue.hpp"
#include "tests/simulation/engine_gateway.hpp"
#include "tests/simulation/observing.hpp"
#include "tests/simulation/parts.hpp"
#include "tests/simulation/rates.hpp"
#include "tests/simulation/refusals.hpp"
#include "tests/simulation/trace.hpp"
#include "tests/simulation/wire.hpp"

namespace conduit::simulation {
namespace {

constexpr std::uint64_t longest_ns =
    7200 * second;                            // after the calm; what is not finished then never will be
constexpr std::uint64_t steps_max = 400'000;  // an honest run takes some ten thousand

class Hasher : public Watcher {
 public:
  void on_departure(std::uint8_t side, View frame) override {
    for (const std::uint8_t octet : frame) hash = (hash ^ octet) * 0x100000001B3;
    hash = (hash ^ side) * 0x100000001B3;
  }
  std::uint64_t hash = 0xCBF29CE484222325;
};

// Not known to the gateway: what was acknowledged before it joined, by segments whose hop limit was damaged
// (no checksum covers it), or by a server whose acknowledgements count for nothing.
bool acknowledgements_missed(const Plan& plan) {
  if (plan.plant.ipv6 && plan.faults.damaged != 0) return true;
  for (const AttackPlan& attack : plan.attacks) {
    if (attack.from_server) return true;
  }
  return std::any_of(plan.policies.begin(), plan.policies.end(),
                     [](const PlantPolicy& policy) { return policy.mid_stream_resync; });
}

bool joins_after_restart(const Plan& plan) {
  const bool restarts = std::any_of(plan.changes.begin(), plan.changes.end(), [](const ChangePlan& change) {
    return change.kind == ChangePlan::Kind::RESTART;
  });
  return restarts && std::any_of(plan.policies.begin(), plan.policies.end(),
                                 [](const PlantPolicy& policy) { return policy.mid_stream_resync; });
}

bool server_lies(const Plan& plan) {
  return std::any_of(plan.attacks.begin(), plan.attacks.end(),
                     [](const AttackPlan& attack) { return attack.from_server; });
}

bool is_lossless(const Plan& plan) {
  return plan.faults.lost == 0 && plan.faults.damaged == 0 && plan.changes.empty();
}

// What trickles into a window of a few octets may keep a reply waiting for long.
bool trickles(const std::vector<TcpTraits>& hosts) {
  return std::any_of(hosts.begin(), hosts.end(), [](const TcpTraits& host) { return host.window < 1000; });
}

Unknown unknown_to_gateway(const Plan& plan) {
  using Kind = ChangePlan::Kind;
  Unknown unknown;
  unknown.acknowledgements = acknowledgements_missed(plan);
  unknown.beginnings = std::any_of(plan.policies.begin(), plan.policies.end(),
                                   [](const PlantPolicy& policy) { return policy.mid_stream_resync; });
  unknown.interrupted = std::any_of(plan.changes.begin(), plan.changes.end(), [](const ChangePlan& change) {
    return change.kind == Kind::RESTART || change.kind == Kind::OUTPUT_FULL;
  });
  return unknown;
}

// What changes then resets a connection or leaves it alone.
bool answers_at_once(const Plan& plan) {
  const bool kept =
      plan.faults.lost == 0 && plan.faults.damaged == 0 && !unknown_to_gateway(plan).interrupted;
  return kept && !plan.tight && !server_lies(plan) && !trickles(plan.client_traits) &&
         !trickles(plan.server_traits);
}

class World {
 public:
  World(const Plan& plan, bool traced)
      : plan_(plan),
        base_(plan.seed ^ 0x5EED),
        network_(scheduler_, base_.fork("network")),
        gateway_(network_, plan.limits, plan.seed, plan.burst_ns),
        safety_(scheduler_, plan.plant, joins_after_restart(plan)),
        wire_(scheduler_, plan.plant, unknown_to_gateway(plan)),
        transparency_(scheduler_),
        refusals_(scheduler_),
        rates_(scheduler_, plan.plant, plan.policies),
        observing_(scheduler_, plan.plant),
        parts_(scheduler_, plan.plant),
        frames_(scheduler_),
        bounds_(gateway_, plan.limits),
        trace_(scheduler_),
        traced_(traced),
        datagrams_(network_, plan, base_.fork("datagrams"), findings_),
        stage_{network_,         ledger_,      timeline_,  findings_,
               dialogue_totals_, plan.calm_ns, plan.tight, answers_at_once(plan)} {
    network_.connect(gateway_);
    network_.watch(safety_);
    network_.watch(wire_);
    network_.watch(transparency_);
    network_.watch(frames_);
    network_.watch(bounds_);
    network_.watch(refusals_);
    network_.watch(rates_);
    network_.watch(parts_);
    if (!plan.tight) network_.watch(observing_);  // what finds no room is dropped all the same
    network_.watch(hasher_);
    network_.watch(datagrams_.oracle());
    if (traced) network_.watch(trace_);
    network_.faults = plan.faults;
  }

  Outcome play();

 private:
  void make_hosts();
  void make_dialogues();
  void make_attacks();
  void plan_changes();
  void change(const ChangePlan& what);
  void enforce(std::size_t number);
  void note();
  [[nodiscard]] bool finished() const;
  [[nodiscard]] bool is_hostile(std::size_t server) const;
  void check();
  void check_refusals();

  const Plan& plan_;
  Random base_;
  Scheduler scheduler_;
  Network network_;
  EngineGateway gateway_;
  SafetyOracle safety_;
  WireOracle wire_;
  TransparencyOracle transparency_;
  RefusalOracle refusals_;
  RateOracle rates_;
  ObservingOracle observing_;
  PartsOracle parts_;
  FrameCounter frames_;
  BoundsOracle bounds_;
  Hasher hasher_;
  Trace trace_;
  bool traced_;
  Ledger ledger_;
  Timeline timeline_;
  std::vector<Finding> findings_;
  DatagramWorld datagrams_;
  DialogueTotals dialogue_totals_;
  Stage stage_;
  const PlantPolicy* policy_ = nullptr;
  bool island_ = false;
  bool ring_was_full_ = false;
  std::vector<std::unique_ptr<TcpHost>> clients_;
  std::vector<std::unique_ptr<TcpHost>> servers_;
  std::vector<std::unique_ptr<Attacker>> attackers_;
  std::vector<std::pair<const DialoguePlan*, std::unique_ptr<Dialogue>>> dialogues_;
};

void World::make_hosts() {
  std::set<std::size_t> hostile_clients;
  std::set<std::size_t> hostile_servers;
  for (const AttackPlan& attack : plan_.attacks)
    (attack.from_server ? hostile_servers.insert(attack.server) : hostile_clients.insert(attack.client));
  for (std::size_t i = 0; i < plan_.plant.clients.size(); ++i) {
    clients_.push_back(TcpHost::create(network_, base_.fork("client", i), plan_.client_traits[i],
                                       plan_.plant.clients[i], 0, plan_.plant.ipv6));
    if (!hostile_clients.contains(i)) network_.attach(*clients_.back());
  }
  for (std::size_t i = 0; i < plan_.plant.servers.size(); ++i) {
    servers_.push_back(TcpHost::create(network_, base_.fork("server", i), plan_.server_traits[i],
                                       plan_.plant.servers[i], 1, plan_.plant.ipv6));
    for (const ProtocolModel* protocol : protocols())
      servers_.back()->listen(protocol->port(), make_server(stage_, *protocol, i, base_.fork("serve", i)));
    if (!hostile_servers.contains(i)) network_.attach(*servers_.back());
  }
}

void World::make_dialogues() {
  for (const DialoguePlan& dialogue : plan_.dialogues) {
    const bool taken = std::any_of(plan_.attacks.begin(), plan_.attacks.end(), [&](const AttackPlan& attack) {
      return !attack.from_server && attack.client == dialogue.client;
    });
    if (taken) continue;  // the client is the attacker himself
    dialogues_.emplace_back(
        &dialogue, std::make_unique<Dialogue>(stage_, dialogue, plan_.policies[0], *clients_[dialogue.client],
                                              *servers_[dialogue.server]));
    dialogues_.back().second->start();
  }
}

void World::make_attacks() {
  for (const AttackPlan& attack : plan_.attacks) {
    attackers_.push_back(Attacker::create(network_, attack, plan_.plant, plan_.policies[0], plan_.calm_ns));
  }
}

void World::note() {
  safety_.in_force(policy_, island_);
  wire_.in_force(policy_, island_);
  rates_.in_force(policy_);
  observing_.in_force(policy_);
  parts_.in_force(policy_);
  timeline_.note(scheduler_.now(), policy_, island_);
  datagrams_.in_force(policy_, island_);
}

void World::enforce(std::size_t number) {
  policy_ = &plan_.policies[number];
  note();
  gateway_.enforce(policy_->text);
}

void World::change(const ChangePlan& what) {
  switch (what.kind) {
    case ChangePlan::Kind::POLICY: enforce(what.number); break;
    case ChangePlan::Kind::ISLAND:
      island_ = what.number != 0;
      note();
      gateway_.set_island(island_);
      break;
    case ChangePlan::Kind::RESTART:
      timeline_.note_restart(scheduler_.now());
      safety_.restarted();
      gateway_.restart();
      break;
    case ChangePlan::Kind::OUTPUT_FULL: gateway_.set_output_full(what.number != 0); break;
    case ChangePlan::Kind::RING_FULL:
      ring_was_full_ = true;
      gateway_.set_ring_full(what.number != 0);
      break;
    case ChangePlan::Kind::REBOOT: servers_[what.number]->reboot(); break;
  }
}

void World::plan_changes() {
  for (const ChangePlan& what : plan_.changes) scheduler_.at(what.at_ns, [this, &what] { change(what); });
  // Nothing of what was left out of the plan lasts beyond the calm.
  scheduler_.at(plan_.calm_ns, [this] {
    network_.faults = Faults{};
    gateway_.set_output_full(false);
    gateway_.set_ring_full(false);
    if (!island_) return;
    island_ = false;
    note();
    gateway_.set_island(false);
  });
}

bool World::finished() const {
  return datagrams_.finished() && std::all_of(dialogues_.begin(), dialogues_.end(),
                                              [](const auto& d) { return d.second->finished(); });
}

bool World::is_hostile(std::size_t server) const {
  return std::any_of(plan_.attacks.begin(), plan_.attacks.end(), [server](const AttackPlan& attack) {
    return attack.from_server && attack.server == server;
  });
}

void World::check() {
  for (const auto& [plan, dialogue] : dialogues_) {
    const bool needs = plan->must_finish && !plan_.tight;
    if (needs && !dialogue->finished())
      findings_.push_back({"liveness", dialogue->state(), scheduler_.now()});
    // What it gets is not what it was sent; damaged frames leave as they are, where nothing is denied.
    if (is_hostile(plan->server) || plan_.observes()) continue;
    for (const std::uint16_t port : dialogue->clean_ports()) {
      const std::string difference = transparency_.difference(port);
      if (!difference.empty())
        findings_.push_back(
            {"transparency", "client port " + std::to_string(port) + ": " + difference, scheduler_.now()});
    }
  }
  for (const auto* found : {&parts_.findings(), &observing_.findings(), &rates_.findings(), &wire_.findings(),
                            &safety_.findings()})
    findings_.insert(findings_.begin(), found->begin(), found->end());
}

// Without loss a reply comes at once; else when the faults have stopped, though it may have to wait for the
// engine's timer. A server that lies may never come to the end of what it says, and what the
// gateway has forgotten nobody sends.
void World::check_refusals() {
  if (server_lies(plan_) || plan_.tight || unknown_to_gateway(plan_).interrupted) return;
  const bool lossless = is_lossless(plan_);
  refusals_.check_repetitions(gateway_.events(), findings_);
  if (trickles(plan_.client_traits)) return;
  refusals_.check(gateway_.events(), lossless ? 0 : plan_.calm_ns, (lossless ? 2 : 15) * second, findings_);
}

Outcome World::play() {
  make_hosts();
  enforce(0);
  make_dialogues();
  make_attacks();
  datagrams_.start();
  plan_changes();
  const std::uint64_t end = plan_.calm_ns + longest_ns;
  for (std::uint64_t steps = 0; scheduler_.step(end); ++steps) {
    if (scheduler_.now() > plan_.calm_ns && finished()) break;
    if (steps < steps_max) continue;
    findings_.push_back({"liveness", "frames without end", scheduler_.now()});
    break;
  }
  check();
  datagrams_.check(unknown_to_gateway(plan_).interrupted);
  stage_.over = true;
  observing_.in_force(nullptr);  // flows age
  // Connections may still be closing; hosts that keep one open with keep-alives go away.
  for (const auto& host : clients_) host->retire();
  for (const auto& host : servers_) host->retire();
  check_refusals();
  Expectation expected;
  expected.ring_was_full = ring_was_full_;
  expected.output_was_full = unknown_to_gateway(plan_).interrupted;
  expected.fragments_denied = std::none_of(plan_.policies.begin(), plan_.policies.end(),
                                           [](const PlantPolicy& policy) { return policy.fragments; });
  expected.fragments_taken = !plan_.tight && plan_.policies.size() == 1 && plan_.policies[0].fragments;
  // Of frames that come in one burst the later ones may belong to a connection that the first has ended.
  expected.contradictions =
      plan_.tight || plan_.burst_ns != 0 || plan_.observes() ? 0 : wire_.contradictions();
  for (const auto& [plan, dialogue] : dialogues_) {
    if (is_hostile(plan->server)) continue;  // it makes negative answers of its own
    for (const auto& [port, count] : dialogue->refused()) expected.refused[port] = count;
    for (const auto& [port, count] : dialogue->denied()) expected.denied[port] = count;
    for (const auto& [port, count] : dialogue->refused_for_rate()) expected.refused_for_rate[port] = count;
  }
  if (!gateway_.run_out()) findings_.push_back({"accounting", "some flow never ages", scheduler_.now()});
  bounds_.check(scheduler_.now(), findings_);
  check_accounting(gateway_, frames_, expected, scheduler_.now(), findings_);
  if (!ring_was_full_ && gateway_.former_counters().empty()) datagrams_.check_events(gateway_.events());

  Outcome outcome;
  outcome.findings = std::move(findings_);
  outcome.trace = trace_.text();
  for (const EventRecord& event : gateway_.events()) {
    if (!traced_) break;
    outcome.trace += "event at " + std::to_string(event.monotonic_ns / microsecond) +
                     " us: " + std::string(reason_info(event.reason).name) + ", verdict " +
                     std::to_string(static_cast<int>(event.verdict)) + ", " +
                     std::to_string(event.source_port) + " → " + std::to_string(event.destination_port) +
                     ", " + std::to_string(event.count) + " times " +
                     std::string(event.field.data(), event.field_size) + "\n";
  }
  Totals& totals = outcome.totals;
  totals.frames = frames_.arrived[0] + frames_.arrived[1];
  totals.pdus_judged = safety_.pdus_judged() + datagrams_.oracle().pdus_judged();
  totals.segments_compared = transparency_.segments_compared();
  totals.answered = dialogue_totals_.answered;
  totals.refused = dialogue_totals_.refused;
  totals.given_up = dialogue_totals_.given_up;
  totals.connections = dialogue_totals_.connections;
  totals.events = gateway_.events().size();
  totals.attacks = plan_.attacks.size() + plan_.datagram_attacks.size();
  totals.datagrams_answered = datagrams_.totals().answered;
  totals.datagrams_refused = datagrams_.totals().refused;
  totals.hash = hasher_.hash;
  return outcome;
}

}  // namespace

void Totals::add(const Totals& other) {
  frames += other.frames;
  pdus_judged += other.pdus_judged;
  segments_compared += other.segments_compared;
  answered += other.answered;
  refused += other.refused;
  given_up += other.given_up;
  connections += other.connections;
  events += other.events;
  attacks += other.attacks;
  datagrams_answered += other.datagrams_answered;
  datagrams_refused += other.datagrams_refused;
  hash ^= other.hash * 0x9E3779B97F4A7C15;
}

Outcome play(const Plan& plan, bool trace) { return World(plan, trace).play(); }

}  // namespace conduit::simulation
