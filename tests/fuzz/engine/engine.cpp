// The whole engine: arbitrary scripts (script.hpp) move two hosts on both sides of a worker under virtual
// time. The oracles of the simulation watch: no receiver model reads what the policy denies, nothing leaves
// that the laws forbid, counters and events agree, every flow ages and every block comes back, and the worker
// takes nothing from the heap. The sanitizers watch the rest.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "tests/fuzz/engine/puppets.hpp"
#include "tests/simulation/accounting.hpp"
#include "tests/simulation/engine_gateway.hpp"
#include "tests/simulation/trace.hpp"
#include "tests/simulation/wire.hpp"

namespace {

using namespace conduit;
using namespace conduit::fuzz;
using namespace conduit::simulation;

constexpr std::size_t setting_count = 64;
constexpr std::size_t modbus_count = 16;  // the first of them; the others speak the other protocols by turns
constexpr std::size_t policy_count = 3;
constexpr std::size_t step_count_max = 400;

// A plant, and policies that may follow one another.
struct Setting {
  const ProtocolModel* protocol = nullptr;
  Plant plant;
  std::vector<PlantPolicy> policies;
  bool resyncs = false;
};

const ProtocolModel& protocol_of(std::size_t number) {
  if (number < modbus_count) return find_model("modbus");
  std::vector<const ProtocolModel*> others = protocols();
  std::erase(others, &find_model("modbus"));
  return *others[number % others.size()];
}

Setting make_setting(std::size_t number) {
  Random random(number + 1);
  Setting made;
  made.protocol = &protocol_of(number);
  made.plant = random_plant(random);
  for (HostAddress& client : made.plant.clients) client.vlan = 0;  // one zone of them
  for (std::size_t version = 1; version <= policy_count; ++version) {
    const PlantPolicy* former = made.policies.empty() ? nullptr : &made.policies.back();
    PlantPolicy policy = random_policy(random, made.plant, {made.protocol}, version, false, former);
    made.resyncs = made.resyncs || policy.mid_stream_resync;
    made.policies.push_back(std::move(policy));
  }
  return made;
}

const Setting& setting(std::size_t number) {
  static std::array<std::optional<Setting>, setting_count> all;
  std::optional<Setting>& one = all[number % setting_count];
  if (!one) one = make_setting(number % setting_count);
  return *one;
}

EngineLimits small_limits(bool tight) {
  EngineLimits limits;
  limits.flow_count = 64;
  limits.half_open_count = 16;
  limits.block_count = tight ? 8 : 64;
  limits.limit_count = 16;
  limits.established_idle_ns = 600 * second;
  return limits;
}

class Play {
 public:
  explicit Play(Script script)
      : script_(script),
        choice_(script_.octet()),
        setting_(setting(choice_)),
        network_(scheduler_, Random(1)),
        gateway_(network_, small_limits((choice_ & 0x40) != 0), 1,
                 (choice_ & 0x80) != 0 ? 100 * microsecond : 0),
        safety_(scheduler_, setting_.plant, setting_.resyncs),
        wire_(scheduler_, setting_.plant, {true, true, true}),
        frames_(scheduler_),
        trace_(scheduler_),
        puppets_(network_, setting_.plant, *setting_.protocol) {
    network_.connect(gateway_);
    for (Watcher* watcher : std::initializer_list<Watcher*>{&safety_, &wire_, &frames_})
      network_.watch(*watcher);
    if (std::getenv("CONDUIT_FUZZ_TRACE") != nullptr) network_.watch(trace_);
    enforce(0);
  }

  void run() {
    for (std::size_t step = 0; step < step_count_max && !script_.ended(); ++step) play_step();
    gateway_.set_output_full(false);
    gateway_.set_ring_full(false);
    std::vector<Finding> findings = safety_.findings();
    findings.insert(findings.end(), wire_.findings().begin(), wire_.findings().end());
    if (!gateway_.run_out()) findings.push_back({"accounting", "some flow never ages", scheduler_.now()});
    Expectation expected;
    expected.ring_was_full = ring_was_full_;
    expected.output_was_full = output_was_full_;
    expected.restarts_ns = restarts_ns_;
    check_accounting(gateway_, frames_, expected, scheduler_.now(), findings);
    std::fputs(trace_.text().c_str(), stderr);  // empty unless asked for
    if (findings.empty()) return;
    for (const Finding& finding : findings) {
      std::fprintf(stderr, "%s at %llu us: %s\n", finding.oracle.c_str(),
                   static_cast<unsigned long long>(finding.at_ns / microsecond), finding.what.c_str());
    }
    std::abort();
  }

 private:
  void enforce(std::size_t number) {
    policy_ = &setting_.policies[number % policy_count];
    note();
    gateway_.enforce(policy_->text);
  }

  void note() { safety_.in_force(policy_, island_); }

  void play_step() {
    const auto operation = static_cast<Action>(script_.octet() % static_cast<unsigned>(Action::COUNT));
    switch (operation) {
      case Action::OPEN: puppets_.open(script_); break;
      case Action::COMPOSE: puppets_.compose(script_, *policy_); break;
      case Action::SEGMENT: puppets_.segment(script_); break;
      case Action::RAW: puppets_.raw(script_); break;
      case Action::AGAIN: puppets_.again(script_); break;
      case Action::QUOTE: puppets_.quote(script_); break;
      case Action::WAIT: wait(millisecond << (script_.octet() % 17)); break;
      case Action::POLICY: enforce(script_.octet()); break;
      case Action::ISLAND:
        island_ = (script_.octet() & 1) != 0;
        note();
        gateway_.set_island(island_);
        break;
      case Action::RESTART:
        restarts_ns_.push_back(scheduler_.now());
        safety_.restarted();
        gateway_.restart();
        break;
      case Action::OUTPUT_FULL:
        output_was_full_ = true;
        gateway_.set_output_full((script_.octet() & 1) != 0);
        break;
      case Action::RING_FULL:
        ring_was_full_ = true;
        gateway_.set_ring_full((script_.octet() & 1) != 0);
        break;
      case Action::COUNT: break;
    }
  }

  void wait(std::uint64_t ns) {
    const std::uint64_t end = scheduler_.now() + ns;
    while (scheduler_.step(end)) {
    }
  }

  Script script_;
  std::uint8_t choice_;
  const Setting& setting_;
  Scheduler scheduler_;
  Network network_;
  EngineGateway gateway_;
  SafetyOracle safety_;
  WireOracle wire_;
  FrameCounter frames_;
  Trace trace_;
  Puppets puppets_;
  const PlantPolicy* policy_ = nullptr;
  std::vector<std::uint64_t> restarts_ns_;
  bool island_ = false;
  bool ring_was_full_ = false;
  bool output_was_full_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Play(Script({data, size})).run();
  return 0;
}
