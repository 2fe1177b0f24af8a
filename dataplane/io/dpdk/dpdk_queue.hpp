// One worker's hands on the ports. Internal to the DPDK back end.
#pragma once

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <rte_spinlock.h>

#include <array>

#include "dataplane/io/dpdk/dpdk_io.hpp"

namespace conduit {

struct DpdkPort {
  std::uint16_t id = 0;
  std::uint16_t receive_queues = 1;
  std::uint16_t transmit_queues = 1;
  std::uint64_t vouches = 0;  // receive checksum offloads in force
  bool interrupts = false;
  rte_spinlock_t transmit_lock = RTE_SPINLOCK_INITIALIZER;  // taken where workers share a transmit queue
};

struct DpdkShared {
  std::uint16_t worker_count = 1;
  rte_mempool* buffers = nullptr;
  std::vector<DpdkPort> ports;
  std::vector<rte_ring*> rings;   // by worker: frames that another worker received for it
  std::vector<DpdkQueue*> wakes;  // by worker
};

struct DpdkQueue::Impl {
  struct Outbox {
    std::array<rte_mbuf*, 2 * burst_size> frames{};
    std::uint16_t count = 0;
  };

  DpdkShared* shared = nullptr;
  std::uint16_t worker = 0;
  std::array<Frame, burst_size> frames{};
  std::array<rte_mbuf*, burst_size> buffers{};
  std::vector<Outbox> outboxes;  // by port
  std::size_t next_port = 0;
  std::vector<Doorbell> doorbells;
  std::vector<int> poll_fds;  // doorbells and receive interrupts
  int wake_fd = -1;
  BackEndCounters counters{};

  static std::unique_ptr<Impl> make(DpdkShared& shared, const std::vector<PortConfig>& ports,
                                    std::uint16_t worker, std::string& error);
  ~Impl();
  void send(std::uint8_t port) noexcept;
  void push(std::uint8_t port, rte_mbuf* buffer) noexcept;
  std::size_t from_port(std::size_t port, std::size_t count) noexcept;
  std::size_t from_ring(std::size_t count) noexcept;
  bool keep(rte_mbuf* buffer, std::size_t port, std::size_t index) noexcept;
  void arm_interrupts(bool on) noexcept;
};

}  // namespace conduit
