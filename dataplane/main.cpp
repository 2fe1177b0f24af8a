// conduit-dataplane: options → ports → memory → sandbox → workers → control thread until told to stop.
#include <pthread.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/timex.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>

#include "dataplane/control_client.hpp"
#include "dataplane/engine/limit_table.hpp"
#include "dataplane/io/dpdk/dpdk_io.hpp"
#include "dataplane/io/nfqueue/nfqueue_io.hpp"
#include "dataplane/options.hpp"
#include "dataplane/sandbox.hpp"
#include "dataplane/worker_loop.hpp"

namespace conduit {
namespace {

struct WorkerMemory {
  SharedBlock counters;
  SharedBlock ring;
};

int complain(const std::string& text) {
  std::fprintf(stderr, "conduit-dataplane: %s\n", text.c_str());
  return 2;
}

bool make_memory(std::uint16_t workers, std::vector<WorkerMemory>& memory) {
  memory.resize(workers);
  for (std::uint16_t worker = 0; worker < workers; ++worker) {
    WorkerMemory& own = memory[worker];
    if (!make_shared_block("conduit-counters", sizeof(CountersBlock), own.counters)) return false;
    if (!make_shared_block("conduit-events", event_ring_bytes, own.ring)) return false;
    auto* counters = new (own.counters.data) CountersBlock;
    counters->size = sizeof(CountersBlock);
    auto* ring = new (own.ring.data) EventRing;
    ring->worker = worker;
  }
  return true;
}

EngineConfig engine_config(const Options& options, std::uint16_t worker, std::uint64_t boot_id,
                           std::uint64_t seed) {
  EngineConfig config;
  config.limits = options.limits;
  config.port_count = static_cast<std::uint8_t>(options.ports.size());
  for (std::uint8_t port = 0; port < port_count_max; ++port) config.peer[port] = port;
  for (const auto& [first, second] : options.pairs) {
    config.peer[first] = second;
    config.peer[second] = first;
  }
  config.worker_index = worker;
  config.boot_id = boot_id;
  config.hash_seed = seed;
  return config;
}

IpcHello greeting(const Options& options, std::uint64_t boot_id) {
  IpcHello hello;
  hello.boot_id = boot_id;
  hello.worker_count = options.workers;
  hello.port_count = static_cast<std::uint32_t>(options.ports.size());
  hello.image_abi = image_abi;
  hello.event_abi = event_abi;
  hello.counters_abi = counters_abi;
  for (std::size_t port = 0; port < options.ports.size(); ++port) {
    options.ports[port].name.copy(hello.port_names[port].data(), hello.port_names[port].size() - 1);
  }
  options.io.copy(hello.back_end.data(), hello.back_end.size() - 1);
  return hello;
}

// Is the system clock disciplined? Events say so.
TimeQuality time_quality() {
  timex state{};
  const int answer = ::adjtimex(&state);
  if (answer < 0) return TimeQuality::UNKNOWN;
  return (state.status & STA_UNSYNC) != 0 || answer == TIME_ERROR ? TimeQuality::FREE_RUNNING
                                                                  : TimeQuality::SYNCHRONIZED;
}

template <typename Queue>
class Workers final : public WorkerWaker {
 public:
  explicit Workers(std::vector<Queue*> queues) : queues_(std::move(queues)) {}
  void wake_all() noexcept override {
    for (Queue* queue : queues_) queue->wake();
  }

  int run(const Options& options, bool keep_net_admin) {
    std::uint64_t numbers[2] = {0, 0};
    if (::getrandom(numbers, sizeof numbers, 0) != sizeof numbers) return complain("no random numbers");
    std::vector<WorkerMemory> memory;
    if (!make_memory(options.workers, memory)) return complain("no shared memory for events and counters");
    LimitTable limits(options.limits.limit_count);
    std::vector<std::unique_ptr<Worker>> workers;
    std::vector<int> descriptors;
    for (std::uint16_t worker = 0; worker < options.workers; ++worker) {
      WorkerMemory& own = memory[worker];
      workers.push_back(Worker::create(engine_config(options, worker, numbers[0], numbers[1]), limits,
                                       static_cast<EventRing*>(own.ring.data),
                                       static_cast<CountersBlock*>(own.counters.data), *queues_[worker]));
      if (workers.back() == nullptr)
        return complain("no memory for the flow table; give less --flows or --blocks");
      descriptors.push_back(own.counters.fd.get());
      descriptors.push_back(own.ring.fd.get());
    }
    std::string error;
    if (!enter_sandbox(keep_net_admin, error)) return complain(error);
    return serve(options, workers, ControlSetup{greeting(options, numbers[0]), std::move(descriptors)});
  }

 private:
  struct ControlSetup {
    IpcHello hello;
    std::vector<int> descriptors;
  };

  int serve(const Options& options, std::vector<std::unique_ptr<Worker>>& workers, ControlSetup setup) {
    Runtime runtime;
    runtime.time_quality = static_cast<std::uint8_t>(time_quality());
    std::vector<std::thread> threads;
    for (std::size_t index = 0; index < workers.size(); ++index) {
      threads.emplace_back([&, index] {
        if (options.io == "dpdk") DpdkIo::enter_thread();
        run_worker(*queues_[index], *workers[index], runtime, index);
      });
      if (!options.cores.empty()) pin(threads.back(), options.cores[index]);
    }
    {
      ImageKeeper images(runtime, *this, workers.size());
      take_stored_image(images);
      control(options, runtime, images, std::move(setup));
      runtime.stop = true;
      wake_all();
      for (std::thread& thread : threads) thread.join();
    }
    return 0;
  }

  // After both daemons died: the supervisor kept the accepted image, enforcing goes on without the control
  // plane.
  static void take_stored_image(ImageKeeper& images) {
    const int fd = stored_descriptor("image");
    if (fd < 0) return;
    const off_t size = ::lseek(fd, 0, SEEK_END);
    const char* broken = size <= 0 ? "it is empty" : images.publish(fd, static_cast<std::uint64_t>(size));
    std::fprintf(stderr, "conduit-dataplane: image from the supervisor's store: %s\n",
                 broken == nullptr ? "in force" : broken);
  }

  void control(const Options& options, Runtime& runtime, ImageKeeper& images, ControlSetup setup) {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    const UniqueFd& stop = stop_;
    ControlClient client(options.link, setup.hello, std::move(setup.descriptors), runtime, images, *this);
    notify_supervisor("READY=1");
    std::fprintf(stderr, "conduit-dataplane: ports are up, forwarding by policy only\n");
    std::uint64_t looked_ns = 0;
    for (;;) {
      client.turn(100, stop.get());
      signalfd_siginfo signal{};
      if (::read(stop.get(), &signal, sizeof signal) > 0) return;
      const std::uint64_t now = read_clock(CLOCK_MONOTONIC);
      if (now - looked_ns < 1'000'000'000) continue;
      looked_ns = now;
      runtime.time_quality = static_cast<std::uint8_t>(time_quality());
      notify_supervisor("WATCHDOG=1");
    }
  }

  static void pin(std::thread& thread, int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(core), &set);
    ::pthread_setaffinity_np(thread.native_handle(), sizeof set, &set);
  }

 public:
  // Signals are blocked before any thread starts, so that only the control thread hears them.
  bool listen_to_signals() {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    stop_.reset(::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK));
    return stop_.open();
  }

 private:
  std::vector<Queue*> queues_;
  UniqueFd stop_;
};

int run_dpdk(const Options& options) {
  DpdkConfig config;
  config.eal_arguments = options.eal;
  config.ports = options.ports;
  config.worker_count = options.workers;
  std::string error;
  const std::unique_ptr<DpdkIo> io = DpdkIo::start(config, error);
  if (io == nullptr) return complain(error);
  std::vector<DpdkQueue*> queues;
  for (std::uint16_t worker = 0; worker < options.workers; ++worker) queues.push_back(&io->queue(worker));
  Workers<DpdkQueue> workers(std::move(queues));
  return workers.listen_to_signals() ? workers.run(options, false) : complain("no signals");
}

int run_nfqueue(const Options& options) {
  NfqueueConfig config;
  config.queue_number = options.queue;
  config.ports = options.ports;
  std::string error;
  const std::unique_ptr<NfqueueQueue> queue = NfqueueQueue::start(config, error);
  if (queue == nullptr) return complain(error);
  Workers<NfqueueQueue> workers({queue.get()});
  return workers.listen_to_signals() ? workers.run(options, true) : complain("no signals");
}

}  // namespace
}  // namespace conduit

int main(int count, char** words) {
  conduit::Options options;
  std::string error;
  if (!conduit::parse_options(count, words, options, error)) return conduit::complain(error);
  if (options.help) return std::fputs(conduit::usage().c_str(), stdout) < 0 ? 2 : 0;
  return options.io == "dpdk" ? conduit::run_dpdk(options) : conduit::run_nfqueue(options);
}
