// DPDK back end: any poll-mode driver. The only folder that knows rte_*. One DpdkIo a process; one DpdkQueue
// a worker.
//
// Every worker has a receive and a transmit queue of its own on each port where the device has as many; else
// worker 0 receives for all, and transmitting takes a lock. Frames that belong to another worker (owner_of)
// reach it by a ring.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/io/back_end.hpp"

namespace conduit {

struct DpdkConfig {
  std::vector<std::string>
      eal_arguments;              // without program name: "--no-pci", "--vdev=net_af_packet0,iface=a0", …
  std::vector<PortConfig> ports;  // index = the engine's port number
  std::uint16_t worker_count = 1;
  std::uint32_t buffer_count = 8192;  // mbufs of 2 KiB for everything in flight
};

class DpdkQueue final : public FrameSink {
 public:
  struct Impl;
  explicit DpdkQueue(std::unique_ptr<Impl> impl) noexcept;
  ~DpdkQueue();

  [[nodiscard]] std::span<Frame> receive() noexcept;
  void forward(std::size_t index) noexcept;
  void consume(std::size_t index) noexcept;
  bool emit(std::uint8_t port, Bytes frame) noexcept override;
  void flush() noexcept;
  void wait(std::uint64_t timeout_ns) noexcept;
  void wake() noexcept;
  [[nodiscard]] const BackEndCounters& counters() const noexcept;

 private:
  std::unique_ptr<Impl> impl_;
};

class DpdkIo {
 public:
  // Brings EAL and the ports up. On failure null and `error` says what, where and what to do.
  [[nodiscard]] static std::unique_ptr<DpdkIo> start(const DpdkConfig& config, std::string& error);
  ~DpdkIo();
  DpdkIo(const DpdkIo&) = delete;
  DpdkIo& operator=(const DpdkIo&) = delete;

  [[nodiscard]] DpdkQueue& queue(std::uint16_t worker) noexcept;
  // Registers the calling thread as a worker's; once per thread, before it uses its queue.
  static void enter_thread() noexcept;

  struct Impl;

 private:
  explicit DpdkIo(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace conduit
