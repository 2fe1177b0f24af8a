// NFQUEUE back end: gateways without DPDK. The kernel bridges; an iptables or nft rule hands IP packets that
// cross the bridge to a queue; verdicts go back through it, frames that the engine makes leave by a packet
// socket on the port's interface.
//
// What the queue cannot see: anything that is not IP (ARP, LLDP, …), VLAN tags, the destination MAC. The
// first is enforced by kernel rules (`conduitctl kernel-rules`), the Ethernet header of queued packets is
// rebuilt from what netfilter tells, and from the mark by which the same rules tell broadcasts and
// multicasts.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/io/back_end.hpp"

namespace conduit {

struct NfqueueConfig {
  std::uint16_t queue_number = 0;
  std::uint32_t queue_length = 4096;  // packets the kernel keeps waiting; beyond it drops them
  std::vector<PortConfig> ports;      // `device` is the bridge port's network interface
};

class NfqueueQueue final : public FrameSink {
 public:
  [[nodiscard]] static std::unique_ptr<NfqueueQueue> start(const NfqueueConfig& config, std::string& error);
  ~NfqueueQueue();

  [[nodiscard]] std::span<Frame> receive() noexcept;
  void forward(std::size_t index) noexcept;
  void consume(std::size_t index) noexcept;
  bool emit(std::uint8_t port, Bytes frame) noexcept override;
  void flush() noexcept {}
  void wait(std::uint64_t timeout_ns) noexcept;
  void wake() noexcept;
  [[nodiscard]] const BackEndCounters& counters() const noexcept;

  struct Impl;

 private:
  explicit NfqueueQueue(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace conduit
