// What a worker's loop asks of a back end (duck-typed: the loop is a template over the queue, no virtual call
// per frame).
//
//   struct Queue : FrameSink {
//     std::span<Frame> receive() noexcept;          // ≤ burst_size frames, owned by the queue until
//     forwarded or consumed void forward(std::size_t index) noexcept;     // frame `index` of the burst
//     leaves by its port_out, in calling order void consume(std::size_t index) noexcept;     // frame `index`
//     is done void flush() noexcept;                        // everything forwarded or emitted goes out now
//     void wait(std::uint64_t timeout_ns) noexcept; // block until a doorbell rings, `wake` is called or the
//     time is over void wake() noexcept;                         // from another thread
//   };
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/abi/limits.hpp"
#include "dataplane/engine/engine.hpp"

namespace conduit {

struct PortConfig {
  std::string name;       // as zones call it: "upstream"
  std::string device;     // DPDK: device name ("net_af_packet0", PCI address); NFQUEUE: network interface
  std::string interface;  // network interface behind a software port: its doorbell; empty where the PMD has
                          // interrupts
};

struct BackEndCounters {
  std::uint64_t frames_no_buffer = 0;  // could not be sent: no buffer or a full transmit queue
  std::uint64_t frames_unusable = 0;   // received, but longer than a buffer or in several pieces
};

// Rings when a frame arrives at a software port, whose PMD has no interrupt: a packet socket that keeps one
// octet of a few frames and is read only to be emptied.
class Doorbell {
 public:
  Doorbell() noexcept = default;
  Doorbell(Doorbell&& from) noexcept : fd_(from.fd_) { from.fd_ = -1; }
  Doorbell& operator=(Doorbell&&) = delete;
  ~Doorbell();

  // False, with errno, if the socket cannot be had.
  [[nodiscard]] bool open(const std::string& interface) noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_; }
  void silence() noexcept;

 private:
  int fd_ = -1;
};

}  // namespace conduit
