#include "dataplane/io/nfqueue/nfqueue_io.hpp"

#include <arpa/inet.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <net/if.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "dataplane/io/nfqueue/destination_mac.hpp"

namespace conduit {
namespace {

constexpr std::size_t message_room = frame_size_max + 512;  // packet and netlink attributes

struct Slot {
  std::array<std::uint8_t, frame_size_max> bytes{};
  std::uint32_t id = 0;
};

}  // namespace

struct NfqueueQueue::Impl {
  nfq_handle* handle = nullptr;
  nfq_q_handle* queue = nullptr;
  int netlink = -1;
  int packet_socket = -1;
  int wake_fd = -1;
  std::vector<unsigned> interfaces;  // ifindex by port
  std::array<Frame, burst_size> frames{};
  std::array<Slot, burst_size> slots{};
  Neighbours neighbours;
  std::array<std::uint8_t, frame_size_max> outgoing{};
  std::size_t count = 0;
  BackEndCounters counters{};

  ~Impl() {
    if (queue != nullptr) ::nfq_destroy_queue(queue);
    if (handle != nullptr) ::nfq_close(handle);
    for (const int fd : {packet_socket, wake_fd}) {
      if (fd >= 0) ::close(fd);
    }
  }

  [[nodiscard]] int port_of(unsigned interface) const noexcept {
    for (std::size_t port = 0; port < interfaces.size(); ++port) {
      if (interfaces[port] == interface) return static_cast<int>(port);
    }
    return -1;
  }

  void drop(std::uint32_t id) noexcept { ::nfq_set_verdict(queue, id, NF_DROP, 0, nullptr); }

  // A packet that does not fit the picture (unknown port, too long, no MAC) is dropped here and counted.
  void take(nfq_data* data) noexcept {
    const nfqnl_msg_packet_hdr* header = ::nfq_get_msg_packet_hdr(data);
    if (header == nullptr) return;
    const std::uint32_t id = ntohl(header->packet_id);
    unsigned char* packet = nullptr;
    const int size = ::nfq_get_payload(data, &packet);
    const nfqnl_msg_packet_hw* hardware = ::nfq_get_packet_hw(data);
    const int port = port_of(::nfq_get_physindev(data));
    const bool fits = size > 0 && static_cast<std::size_t>(size) + ethernet_size <= frame_size_max;
    if (!fits || port < 0 || hardware == nullptr || ntohs(hardware->hw_addrlen) != 6 || count == burst_size) {
      ++counters.frames_unusable;
      return drop(id);
    }
    Slot& slot = slots[count];
    slot.id = id;
    group_mac(::nfq_get_nfmark(data), packet, static_cast<std::size_t>(size), slot.bytes.data());
    std::memcpy(slot.bytes.data() + 6, hardware->hw_addr, 6);
    std::memcpy(slot.bytes.data() + 12, &header->hw_protocol, 2);  // network order already
    std::memcpy(slot.bytes.data() + ethernet_size, packet, static_cast<std::size_t>(size));
    Frame& frame = frames[count++];
    frame.data = slot.bytes.data();
    frame.size = static_cast<std::uint32_t>(size) + ethernet_size;
    frame.port_in = frame.port_out = static_cast<std::uint8_t>(port);
    frame.flags = 0;
    const int port_out = port_of(::nfq_get_physoutdev(data));
    if (port_out >= 0 && is_unknown_mac(slot.bytes.data())) {
      neighbours.resolve(static_cast<std::uint8_t>(port_out), slot.bytes.data(), frame.size);
    }
  }

  static int on_packet(nfq_q_handle*, nfgenmsg*, nfq_data* data, void* self) noexcept {
    static_cast<Impl*>(self)->take(data);
    return 0;
  }

  bool open_queue(const NfqueueConfig& config, std::string& error) {
    handle = ::nfq_open();
    if (handle == nullptr) return error = std::string("nfqueue: cannot open: ") + std::strerror(errno), false;
    queue = ::nfq_create_queue(handle, config.queue_number, &Impl::on_packet, this);
    if (queue == nullptr) {
      error = "nfqueue: queue " + std::to_string(config.queue_number) +
              " cannot be had (in use?): " + std::strerror(errno);
      return false;
    }
    if (::nfq_set_mode(queue, NFQNL_COPY_PACKET, 0xFFFF) < 0 ||
        ::nfq_set_queue_maxlen(queue, config.queue_length) < 0) {
      return error = std::string("nfqueue: cannot be configured: ") + std::strerror(errno), false;
    }
    netlink = ::nfq_fd(handle);
    const int room = 4 * 1024 * 1024;
    ::setsockopt(netlink, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    return true;
  }

  bool open_ports(const NfqueueConfig& config, std::string& error) {
    for (const PortConfig& port : config.ports) {
      const unsigned interface = ::if_nametoindex(port.device.c_str());
      if (interface == 0) return error = port.device + ": no such network interface", false;
      interfaces.push_back(interface);
    }
    packet_socket = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (packet_socket < 0 || wake_fd < 0) return error = std::strerror(errno), false;
    return true;
  }
};

NfqueueQueue::NfqueueQueue(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
NfqueueQueue::~NfqueueQueue() = default;

std::unique_ptr<NfqueueQueue> NfqueueQueue::start(const NfqueueConfig& config, std::string& error) {
  auto impl = std::make_unique<Impl>();
  if (!impl->open_ports(config, error) || !impl->open_queue(config, error)) return nullptr;
  return std::unique_ptr<NfqueueQueue>(new NfqueueQueue(std::move(impl)));
}

std::span<Frame> NfqueueQueue::receive() noexcept {
  impl_->count = 0;
  alignas(8) char message[message_room];
  while (impl_->count < burst_size) {
    const ssize_t size = ::recv(impl_->netlink, message, sizeof message, MSG_DONTWAIT);
    if (size < 0) {
      if (errno == ENOBUFS)
        ++impl_->counters.frames_no_buffer;  // the kernel dropped: its queue to us was full
      break;
    }
    ::nfq_handle_packet(impl_->handle, message, static_cast<int>(size));
  }
  return {impl_->frames.data(), impl_->count};
}

void NfqueueQueue::forward(std::size_t index) noexcept {
  const Frame& frame = impl_->frames[index];
  impl_->neighbours.learn(frame.port_in, frame.data, frame.size);
  ::nfq_set_verdict(impl_->queue, impl_->slots[index].id, NF_ACCEPT,
                    static_cast<std::uint32_t>(frame.size - ethernet_size), frame.data + ethernet_size);
}

void NfqueueQueue::consume(std::size_t index) noexcept { impl_->drop(impl_->slots[index].id); }

bool NfqueueQueue::emit(std::uint8_t port, Bytes frame) noexcept {
  if (port >= impl_->interfaces.size()) return false;
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(impl_->interfaces[port]);
  if (frame.size() > impl_->outgoing.size()) return false;
  // Built from a packet whose destination was not known then; it may be known by now.
  std::memcpy(impl_->outgoing.data(), frame.data(), frame.size());
  if (is_unknown_mac(frame.data())) {
    impl_->neighbours.resolve(port, impl_->outgoing.data(), frame.size());
  }
  const ssize_t sent = ::sendto(impl_->packet_socket, impl_->outgoing.data(), frame.size(), 0,
                                reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (sent == static_cast<ssize_t>(frame.size())) return true;
  ++impl_->counters.frames_no_buffer;
  return false;
}

void NfqueueQueue::wait(std::uint64_t timeout_ns) noexcept {
  pollfd entries[2] = {{impl_->netlink, POLLIN, 0}, {impl_->wake_fd, POLLIN, 0}};
  const timespec timeout{static_cast<time_t>(timeout_ns / 1'000'000'000ULL),
                         static_cast<long>(timeout_ns % 1'000'000'000ULL)};
  ::ppoll(entries, 2, &timeout, nullptr);
  std::uint64_t rung = 0;
  if (entries[1].revents != 0 && ::read(impl_->wake_fd, &rung, sizeof rung) < 0) return;
}

void NfqueueQueue::wake() noexcept {
  const std::uint64_t one = 1;
  if (::write(impl_->wake_fd, &one, sizeof one) < 0) return;  // full means: it is awake
}

const BackEndCounters& NfqueueQueue::counters() const noexcept { return impl_->counters; }

}  // namespace conduit
