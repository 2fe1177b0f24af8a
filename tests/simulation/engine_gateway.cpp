#include "tests/simulation/engine_gateway.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "config/policy/compile.hpp"
#include "dataplane/engine/limit_table.hpp"
#include "tests/support/heap_guard.hpp"

namespace conduit::simulation {
namespace {

// Of its own, so that a simulated processor (callgrind) can tell what one frame costs.
[[gnu::noinline]] Disposition take_frame(Worker& worker, Frame& frame) { return worker.step(frame); }

}  // namespace

struct EngineGateway::State final : FrameSink {
  State(Network& n, const EngineLimits& limits, std::uint64_t hash_seed, std::uint64_t burst)
      : network(n), burst_ns(burst), limit_table(limits.limit_count) {
    config.limits = limits;
    config.hash_seed = hash_seed;
    config.boot_id = 1;
    memory = std::make_unique_for_overwrite<Line[]>(event_ring_bytes / sizeof(Line) + 1);
    ring = new (memory.get()) EventRing;
    start();
  }

  void start() {
    counters_block = std::make_unique<CountersBlock>();
    worker = Worker::create(config, limit_table, ring, counters_block.get(), *this);
  }
  // Kept until the worker returns: so little that it hardly counts among the worker's instructions.
  bool emit(std::uint8_t port, Bytes frame) noexcept override {
    const test::HeapGuard guard;
    sent.push_back({port, octets_sent.size(), frame.size(), output_full});
    octets_sent.insert(octets_sent.end(), frame.begin(), frame.end());
    taken_by_sink += guard.allocations();
    return !output_full;
  }
  void let_leave() {
    for (const Sent& one : sent) {
      const View octets = View(octets_sent).subspan(one.begin, one.size);
      if (one.lost)
        network.lose(one.port, octets);
      else
        network.leave(one.port, Octets(octets.begin(), octets.end()));
    }
    sent.clear();
    octets_sent.clear();
  }
  // Whatever the worker does: what it takes from the heap meanwhile is counted.
  template <typename Work>
  auto guarded(Work work) {
    const test::HeapGuard guard;
    const std::uint64_t before = taken_by_sink;
    struct Count {
      ~Count() { state.taken += guard.allocations() - (state.taken_by_sink - before); }
      State& state;
      const test::HeapGuard& guard;
      std::uint64_t before;
    } count{*this, guard, before};
    return work();
  }
  void begin() {
    const std::uint64_t now = network.scheduler().now();
    const std::uint64_t wall = 1'700'000'000 * second + now;
    guarded([&] { worker->begin(now, wall, TimeQuality::SYNCHRONIZED, image, island); });
  }
  // What the frame was is written behind its cost, which `tests/bench/worst_packet` counts.
  Disposition step(Frame& frame) {
    const std::uint32_t size = frame.size;
    const std::uint64_t judged = worker->counters().operations_judged;
    const Disposition disposition = guarded([&] { return take_frame(*worker, frame); });
    if (tell_steps) {
      const std::size_t left = octets_sent.size() + (disposition == Disposition::FORWARD ? frame.size : 0);
      std::printf("step %u %zu %llu\n", size, left,
                  static_cast<unsigned long long>(worker->counters().operations_judged - judged));
    }
    let_leave();
    return disposition;
  }
  void process() {
    burst_due = false;
    begin();
    const std::size_t burst = tell_steps ? 1 : burst_size;  // so that each frame bears its own cost
    for (std::size_t first = 0; first < waiting.size(); first += burst) {
      const std::size_t end = std::min(waiting.size(), first + burst);
      frames.clear();
      for (std::size_t i = first; i < end; ++i) {
        Octets& octets = waiting[i].second;
        frames.push_back({octets.data(), static_cast<std::uint32_t>(octets.size()), waiting[i].first, 0, 0});
      }
      guarded([&] { worker->prepare(frames); });
      for (Frame& frame : frames) {
        if (step(frame) != Disposition::FORWARD) continue;
        network.leave(frame.port_out, Octets(frame.data, frame.data + frame.size));
      }
    }
    waiting.clear();
    drain();
    plan_tick();
  }
  void tick() {
    begin();
    guarded([&] { worker->tick(); });
    let_leave();
    drain();
    plan_tick();
  }
  // One task at the worker's next deadline; an earlier wish makes a new one, the old one finds nothing to do.
  void plan_tick() {
    const std::uint64_t now = network.scheduler().now();
    std::uint64_t next = worker->next_deadline();
    if (next == UINT64_MAX) return;
    next = std::max(next, now + 100 * microsecond);
    if (tick_ns > now && tick_ns <= next) return;
    tick_ns = next;
    network.scheduler().at(next, [this, next] {
      if (tick_ns == next) tick();
    });
  }
  void drain() {
    if (ring_full) return;
    std::uint64_t tail = ring->tail.load();
    const std::uint64_t head = ring->head.load();
    for (; tail != head; ++tail) {
      EventRecord record;
      const auto* records = reinterpret_cast<const std::uint8_t*>(ring + 1);
      std::memcpy(static_cast<void*>(&record), records + (tail % event_ring_count) * sizeof record,
                  sizeof record);
      events.push_back(record);
    }
    ring->tail.store(tail);
  }

  struct alignas(64) Line {
    std::uint8_t octets[64];
  };

  Network& network;
  std::uint64_t burst_ns;
  EngineConfig config{};
  LimitTable limit_table;
  std::unique_ptr<Line[]> memory;
  EventRing* ring = nullptr;
  std::unique_ptr<CountersBlock> counters_block;
  std::unique_ptr<Worker> worker;
  std::vector<std::unique_ptr<ImageBuffer>> images;  // old ones stay: nothing may look into them, ASan tells
  std::vector<std::unique_ptr<RuleImage>> views;
  const RuleImage* image = nullptr;  // in force
  std::uint64_t generation = 0;
  bool island = false;
  bool output_full = false;
  bool ring_full = false;
  bool burst_due = false;
  const bool tell_steps = std::getenv("CONDUIT_TELL_STEPS") != nullptr;
  struct Sent {
    std::uint8_t port;
    std::size_t begin, size;  // in `octets_sent`
    bool lost;
  };
  std::vector<Sent> sent;
  Octets octets_sent;
  std::uint64_t tick_ns = 0;
  std::uint64_t taken = 0;  // allocations of the worker since its start
  std::uint64_t taken_by_sink = 0;
  std::vector<std::pair<std::uint8_t, Octets>> waiting;
  std::vector<Frame> frames;
  std::vector<EventRecord> events;
  std::vector<WorkerCounters> former;
};

EngineGateway::EngineGateway(Network& network, const EngineLimits& limits, std::uint64_t hash_seed,
                             std::uint64_t burst_ns)
    : state_(std::make_unique<State>(network, limits, hash_seed, burst_ns)) {
  state_->plan_tick();
}
EngineGateway::~EngineGateway() = default;

void EngineGateway::arrive(std::uint8_t side, Octets frame) {
  State& state = *state_;
  state.waiting.emplace_back(side, std::move(frame));
  if (state.burst_ns == 0) {
    state.process();
  } else if (!state.burst_due) {
    state.burst_due = true;
    state.network.scheduler().after(state.burst_ns, [&state] { state.process(); });
  }
}

void EngineGateway::enforce(const std::string& policy_text) {
  State& state = *state_;
  static const GatewayPorts ports{{"upstream", "downstream"}, {1, 0}};
  CompileInput input;
  input.text = policy_text;
  input.ports = &ports;
  input.generation = ++state.generation;
  CompiledPolicy compiled = compile_policy(input);
  if (!compiled.good) {
    std::string why = "the policy does not compile";
    for (const Diagnostic& diagnostic : compiled.diagnostics) why += "\n" + diagnostic.format("policy");
    throw std::runtime_error(why + "\n" + policy_text);
  }
  state.images.push_back(std::make_unique<ImageBuffer>(std::move(compiled.image)));
  const char* broken = "";
  state.views.push_back(std::make_unique<RuleImage>(RuleImage::open(state.images.back()->bytes(), broken)));
  state.image = state.views.back().get();
  if (!state.image->valid()) throw std::runtime_error(std::string("the image is refused: ") + broken);
  state.tick();
}

void EngineGateway::set_island(bool island) {
  state_->island = island;
  state_->tick();
}

void EngineGateway::restart() {
  State& state = *state_;
  if (!state.waiting.empty()) state.process();
  state.drain();
  state.former.push_back(state.worker->counters());
  ++state.config.boot_id;
  state.start();
  state.tick();
}

void EngineGateway::set_output_full(bool full) { state_->output_full = full; }
void EngineGateway::set_ring_full(bool full) {
  state_->ring_full = full;
  state_->drain();
}

bool EngineGateway::run_out() {
  State& state = *state_;
  Scheduler& scheduler = state.network.scheduler();
  const std::uint64_t end = scheduler.now() + 2 * state.config.limits.established_idle_ns + 200 * second;
  const auto live = [&state] {
    const WorkerCounters& counters = state.worker->counters();
    return counters.flows_created - counters.flows_removed;
  };
  do {
    while (live() != 0 && scheduler.step(end)) {
    }
    const std::uint64_t folded = scheduler.now() + 5 * second;  // repeats are told within a second
    while (scheduler.step(folded)) {
    }
  } while (live() != 0 && scheduler.now() < end);  // an attacker may have opened another one meanwhile
  state.worker->commit_counters();
  return state.worker->counters().flows_live == 0;
}

std::uint64_t EngineGateway::allocations() const { return state_->taken; }
const WorkerCounters& EngineGateway::counters() const { return state_->worker->counters(); }
const std::vector<WorkerCounters>& EngineGateway::former_counters() const { return state_->former; }
const std::vector<EventRecord>& EngineGateway::events() {
  state_->drain();
  return state_->events;
}

}  // namespace conduit::simulation
