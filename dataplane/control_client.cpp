#include "dataplane/control_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "dataplane/worker_loop.hpp"

namespace conduit {
namespace {

constexpr std::uint64_t retry_every_ns = 100'000'000;
constexpr std::size_t message_size_max = sizeof(IpcHello);

bool send_with(int socket, const void* bytes, std::size_t size, const std::vector<int>& descriptors) {
  iovec part{const_cast<void*>(bytes), size};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(2 * worker_count_max * sizeof(int))]{};
  if (!descriptors.empty()) {
    const std::size_t octets = descriptors.size() * sizeof(int);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(octets);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(octets);
    std::memcpy(CMSG_DATA(header), descriptors.data(), octets);
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
}

struct Received {
  alignas(8) std::uint8_t bytes[message_size_max]{};
  ssize_t size = 0;
  UniqueFd fd;
  std::size_t descriptor_count = 0;
};

void take_descriptors(msghdr& message, Received& received) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t index = 0; index < count; ++index) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + index * sizeof(int), sizeof fd);
      received.fd.reset(fd);
      ++received.descriptor_count;
    }
  }
}

void receive_from(int socket, Received& received) {
  iovec part{received.bytes, sizeof received.bytes};
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))]{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  received.size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (received.size >= 0) take_descriptors(message, received);  // an empty message may carry some too
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) received.size = 0;
}

}  // namespace

ControlClient::ControlClient(std::string path, const IpcHello& greeting, std::vector<int> descriptors,
                             Runtime& runtime, ImageKeeper& images, WorkerWaker& waker)
    : path_(std::move(path)),
      greeting_(greeting),
      descriptors_(std::move(descriptors)),
      runtime_(runtime),
      images_(images),
      waker_(waker) {}

void ControlClient::connect() {
  const std::uint64_t now = read_clock(CLOCK_MONOTONIC);
  if (now < retry_ns_) return;
  retry_ns_ = now + retry_every_ns;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.open()) return;
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
  greeting_.header.type = IpcType::HELLO;
  greeting_.header.size = sizeof greeting_;
  greeting_.generation = images_.generation();
  greeting_.island = runtime_.island.load() ? 1 : 0;
  if (!send_with(socket.get(), &greeting_, sizeof greeting_, descriptors_)) return;
  socket_ = std::move(socket);
  // Questions of the connection before: the greeting tells generation and island mode, and a new control
  // plane counts its serials from 1 again.
  image_serial_ = 0;
  island_serial_ = 0;
}

template <typename Message>
void ControlClient::send(Message& message, IpcType type, std::uint64_t serial) {
  message.header.type = type;
  message.header.size = sizeof message;
  message.header.serial = serial;
  if (!send_with(socket_.get(), &message, sizeof message, {})) socket_.reset();
}

void ControlClient::turn(int timeout_ms, int stop_fd) {
  // Not while an image is on its way to the workers: the control plane hands one over at once, and the next
  // one could not be taken yet.
  if (!socket_.open() && !images_.pending()) connect();
  const bool answer_due = images_.pending() || island_serial_ != 0;
  pollfd entries[2] = {{stop_fd, POLLIN, 0}, {socket_.get(), POLLIN, 0}};
  ::poll(entries, socket_.open() ? 2 : 1, answer_due ? 1 : timeout_ms);
  if (socket_.open() && entries[1].revents != 0) receive();
  answer_settled();
}

void ControlClient::receive() {
  Received received;
  receive_from(socket_.get(), received);
  if (received.size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  IpcHeader header;
  if (received.size < static_cast<ssize_t>(sizeof header)) return socket_.reset();
  std::memcpy(&header, received.bytes, sizeof header);
  const auto size = static_cast<std::size_t>(received.size);
  if (ipc_permitted(header, size, IpcSender::CONTROL_PLANE, received.descriptor_count) == nullptr) {
    return socket_.reset();
  }
  if (header.type == IpcType::IMAGE) {
    IpcImage message;
    std::memcpy(&message, received.bytes, sizeof message);
    on_image(message, received.fd.get());
  } else if (header.type == IpcType::ISLAND) {
    IpcIsland message;
    std::memcpy(&message, received.bytes, sizeof message);
    runtime_.island.store(message.on != 0);
    island_serial_ = header.serial;
    waker_.wake_all();
  } else if (header.type == IpcType::PING) {
    IpcPing pong;
    send(pong, IpcType::PONG, header.serial);
  }
}

void ControlClient::on_image(const IpcImage& message, int fd) {
  const char* broken = images_.publish(fd, message.size);
  if (broken == nullptr) {
    image_serial_ = message.header.serial;
    store_descriptor("image", fd);
    return;
  }
  IpcImageRefused refused;
  std::string_view(broken).copy(refused.broken.data(), refused.broken.size() - 1);
  send(refused, IpcType::IMAGE_REFUSED, message.header.serial);
}

void ControlClient::answer_settled() {
  if (images_.settled() && socket_.open() && image_serial_ != 0) {
    IpcImageAccepted accepted;
    accepted.generation = images_.generation();
    accepted.monotonic_ns = read_clock(CLOCK_MONOTONIC);
    send(accepted, IpcType::IMAGE_ACCEPTED, image_serial_);
    image_serial_ = 0;
  }
  if (island_serial_ == 0 || !socket_.open()) return;
  const bool island = runtime_.island.load();
  for (std::size_t worker = 0; worker < greeting_.worker_count; ++worker) {
    if (runtime_.seen[worker].island.load() != island) return;
  }
  IpcIsland done;
  done.on = island ? 1 : 0;
  send(done, IpcType::ISLAND_DONE, island_serial_);
  island_serial_ = 0;
}

}  // namespace conduit
