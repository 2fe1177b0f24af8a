#include "dataplane/io/dpdk/dpdk_queue.hpp"

#include <poll.h>
#include <rte_errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace conduit {

std::unique_ptr<DpdkQueue::Impl> DpdkQueue::Impl::make(DpdkShared& shared,
                                                       const std::vector<PortConfig>& ports,
                                                       std::uint16_t worker, std::string& error) {
  auto impl = std::make_unique<Impl>();
  impl->shared = &shared;
  impl->worker = worker;
  impl->outboxes.resize(shared.ports.size());
  impl->wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  for (std::size_t port = 0; port < ports.size(); ++port) {
    if (worker >= shared.ports[port].receive_queues) continue;
    if (!ports[port].interface.empty()) {
      Doorbell bell;
      if (!bell.open(ports[port].interface)) {
        error = ports[port].interface + ": no doorbell on this interface: " + std::strerror(errno);
        return nullptr;
      }
      impl->poll_fds.push_back(bell.fd());
      impl->doorbells.push_back(std::move(bell));
    } else if (shared.ports[port].interrupts) {
      const int fd = rte_eth_dev_rx_intr_ctl_q_get_fd(shared.ports[port].id, worker);
      if (fd >= 0) impl->poll_fds.push_back(fd);
    }
  }
  return impl;
}

DpdkQueue::Impl::~Impl() {
  if (wake_fd >= 0) ::close(wake_fd);
}

DpdkQueue::DpdkQueue(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
DpdkQueue::~DpdkQueue() = default;

// Fills slot `index` of the burst; false if the frame was not for this worker or is unusable (and is gone).
bool DpdkQueue::Impl::keep(rte_mbuf* buffer, std::size_t port, std::size_t index) noexcept {
  if (buffer->nb_segs != 1 || buffer->pkt_len > frame_size_max) {
    ++counters.frames_unusable;
    rte_pktmbuf_free(buffer);
    return false;
  }
  std::uint8_t* data = rte_pktmbuf_mtod(buffer, std::uint8_t*);
  Frame& frame = frames[index];
  frame.data = data;
  frame.size = buffer->pkt_len;
  frame.port_in = static_cast<std::uint8_t>(port);
  frame.port_out = frame.port_in;
  frame.flags = 0;
  const std::uint64_t said = buffer->ol_flags;
  if ((said & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
    frame.flags |= FRAME_IP_CHECKSUM_GOOD;
  if ((said & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
    frame.flags |= FRAME_L4_CHECKSUM_GOOD;
  buffers[index] = buffer;
  return true;
}

std::size_t DpdkQueue::Impl::from_ring(std::size_t count) noexcept {
  void* taken[burst_size];
  const auto room = static_cast<unsigned>(burst_size - count);
  const unsigned got = rte_ring_dequeue_burst(shared->rings[worker], taken, room, nullptr);
  for (unsigned index = 0; index < got; ++index) {
    auto* buffer = static_cast<rte_mbuf*>(taken[index]);
    if (keep(buffer, buffer->port, count)) ++count;
  }
  return count;
}

std::size_t DpdkQueue::Impl::from_port(std::size_t port, std::size_t count) noexcept {
  const DpdkPort& device = shared->ports[port];
  if (worker >= device.receive_queues) return count;
  rte_mbuf* taken[burst_size];
  const auto room = static_cast<std::uint16_t>(burst_size - count);
  const std::uint16_t got = rte_eth_rx_burst(device.id, worker, taken, room);
  for (std::uint16_t index = 0; index < got; ++index) {
    rte_mbuf* buffer = taken[index];
    if (shared->worker_count > 1) {
      const Bytes bytes(rte_pktmbuf_mtod(buffer, const std::uint8_t*), buffer->data_len);
      const std::uint32_t owner = owner_of(bytes, shared->worker_count);
      if (owner != worker) {
        buffer->port = static_cast<std::uint16_t>(port);  // the engine's number from here on
        if (rte_ring_enqueue(shared->rings[owner], buffer) != 0) {
          ++counters.frames_no_buffer;
          rte_pktmbuf_free(buffer);
        } else {
          shared->wakes[owner]->wake();
        }
        continue;
      }
    }
    if (keep(buffer, port, count)) ++count;
  }
  return count;
}

std::span<Frame> DpdkQueue::receive() noexcept {
  std::size_t count = 0;
  if (impl_->shared->worker_count > 1) count = impl_->from_ring(count);
  const std::size_t ports = impl_->shared->ports.size();
  for (std::size_t turn = 0; turn < ports && count < burst_size; ++turn) {
    count = impl_->from_port((impl_->next_port + turn) % ports, count);
  }
  impl_->next_port = (impl_->next_port + 1) % ports;
  return {impl_->frames.data(), count};
}

void DpdkQueue::Impl::push(std::uint8_t port, rte_mbuf* buffer) noexcept {
  Outbox& outbox = outboxes[port];
  if (outbox.count == outbox.frames.size()) send(port);
  outbox.frames[outbox.count++] = buffer;
}

void DpdkQueue::Impl::send(std::uint8_t port) noexcept {
  Outbox& outbox = outboxes[port];
  if (outbox.count == 0) return;
  DpdkPort& device = shared->ports[port];
  const bool shared_queue = device.transmit_queues < shared->worker_count;
  if (shared_queue) rte_spinlock_lock(&device.transmit_lock);
  const std::uint16_t sent = rte_eth_tx_burst(device.id, shared_queue ? std::uint16_t{0} : worker,
                                              outbox.frames.data(), outbox.count);
  if (shared_queue) rte_spinlock_unlock(&device.transmit_lock);
  // What finds no room is dropped, not waited for: a blocked port must not stop the others, and TCP sends
  // again.
  for (std::uint16_t index = sent; index < outbox.count; ++index) {
    ++counters.frames_no_buffer;
    rte_pktmbuf_free(outbox.frames[index]);
  }
  outbox.count = 0;
}

void DpdkQueue::forward(std::size_t index) noexcept {
  rte_mbuf* buffer = impl_->buffers[index];
  const Frame& frame = impl_->frames[index];
  buffer->data_len = static_cast<std::uint16_t>(frame.size);
  buffer->pkt_len = frame.size;
  buffer->ol_flags = 0;
  impl_->push(frame.port_out, buffer);
}

void DpdkQueue::consume(std::size_t index) noexcept { rte_pktmbuf_free(impl_->buffers[index]); }

bool DpdkQueue::emit(std::uint8_t port, Bytes frame) noexcept {
  rte_mbuf* buffer = rte_pktmbuf_alloc(impl_->shared->buffers);
  if (buffer == nullptr) {
    ++impl_->counters.frames_no_buffer;
    return false;
  }
  const std::size_t size = std::max(frame.size(), frame_size_min);
  char* room = rte_pktmbuf_append(buffer, static_cast<std::uint16_t>(size));
  if (room == nullptr || port >= impl_->outboxes.size()) {
    rte_pktmbuf_free(buffer);
    return false;
  }
  std::memcpy(room, frame.data(), frame.size());
  std::memset(room + frame.size(), 0, size - frame.size());
  impl_->push(port, buffer);
  return true;
}

void DpdkQueue::flush() noexcept {
  for (std::size_t port = 0; port < impl_->outboxes.size(); ++port)
    impl_->send(static_cast<std::uint8_t>(port));
}

void DpdkQueue::Impl::arm_interrupts(bool on) noexcept {
  for (const DpdkPort& port : shared->ports) {
    if (!port.interrupts || worker >= port.receive_queues) continue;
    if (on) {
      rte_eth_dev_rx_intr_enable(port.id, worker);
    } else {
      rte_eth_dev_rx_intr_disable(port.id, worker);
    }
  }
}

void DpdkQueue::wait(std::uint64_t timeout_ns) noexcept {
  pollfd entries[port_count_max + 1];
  nfds_t count = 0;
  entries[count++] = {impl_->wake_fd, POLLIN, 0};
  for (const int fd : impl_->poll_fds) {
    if (count < port_count_max + 1) entries[count++] = {fd, POLLIN, 0};
  }
  const timespec timeout{static_cast<time_t>(timeout_ns / 1'000'000'000ULL),
                         static_cast<long>(timeout_ns % 1'000'000'000ULL)};
  impl_->arm_interrupts(true);
  ::ppoll(entries, count, &timeout, nullptr);
  impl_->arm_interrupts(false);
  for (Doorbell& bell : impl_->doorbells) bell.silence();
  std::uint64_t rung = 0;
  if (entries[0].revents != 0 && ::read(impl_->wake_fd, &rung, sizeof rung) < 0) return;
}

void DpdkQueue::wake() noexcept {
  const std::uint64_t one = 1;
  if (::write(impl_->wake_fd, &one, sizeof one) < 0) return;  // full means: it is awake
}

const BackEndCounters& DpdkQueue::counters() const noexcept { return impl_->counters; }

}  // namespace conduit
