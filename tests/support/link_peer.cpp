#include "tests/support/link_peer.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <new>
#include <stdexcept>

#include "config/abi/counters.hpp"
#include "controlplane/link/unix_socket.hpp"

namespace conduit::test {
namespace {

constexpr std::size_t descriptor_count_max = 64;

template <typename Message>
std::string octets(const Message& message) {
  return std::string(reinterpret_cast<const char*>(&message), sizeof message);
}

}  // namespace

TempFolder::TempFolder() {
  char name[] = "/tmp/conduit_test_XXXXXX";
  if (::mkdtemp(name) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::size_t open_descriptor_count() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) count += entry.exists();
  return count;
}

bool send_raw(int socket, const void* bytes, std::size_t size, const std::vector<int>& descriptors) {
  iovec part{const_cast<void*>(bytes), size};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(descriptor_count_max * sizeof(int))]{};
  if (!descriptors.empty()) {
    const std::size_t all = descriptors.size() * sizeof(int);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(all);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(all);
    std::memcpy(CMSG_DATA(header), descriptors.data(), all);
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<long>(size);
}

RawMessage receive_raw(int socket) {
  RawMessage message;
  message.bytes.resize(4096);
  const int flags = ::fcntl(socket, F_GETFL);
  ::fcntl(socket, F_SETFL, flags | O_NONBLOCK);
  message.size = receive_message(socket, message.bytes.data(), message.bytes.size(), message.descriptors);
  if (message.size < 0 && errno == ECONNRESET) message.size = 0;
  message.bytes.resize(message.size < 0 ? 0 : static_cast<std::size_t>(message.size));
  return message;
}

std::string plain_message(IpcType type, std::uint64_t serial) {
  switch (type) {
    case IpcType::HELLO: return octets(filled<IpcHello>(type, serial));
    case IpcType::IMAGE: return octets(filled<IpcImage>(type, serial));
    case IpcType::IMAGE_ACCEPTED: return octets(filled<IpcImageAccepted>(type, serial));
    case IpcType::IMAGE_REFUSED: return octets(filled<IpcImageRefused>(type, serial));
    case IpcType::ISLAND:
    case IpcType::ISLAND_DONE: return octets(filled<IpcIsland>(type, serial));
    case IpcType::PING:
    case IpcType::PONG: break;
  }
  return octets(filled<IpcPing>(type, serial));
}

UniqueFd memory_of(std::size_t size, int seals, const std::string& content) {
  UniqueFd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const bool made =
      fd.open() && ::ftruncate(fd.get(), static_cast<off_t>(size)) == 0 &&
      ::pwrite(fd.get(), content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()) &&
      ::fcntl(fd.get(), F_ADD_SEALS, seals) == 0;
  if (!made) throw std::runtime_error("no memory file");
  return fd;
}

DataPlaneParts::DataPlaneParts(std::size_t worker_count) : blocks(2 * worker_count) {
  for (std::size_t index = 0; index < blocks.size(); ++index) {
    const std::size_t size = index % 2 == 0 ? sizeof(CountersBlock) : event_ring_bytes;
    if (!make_shared_block("test", size, blocks[index])) throw std::runtime_error("no shared memory");
    if (index % 2 == 0) {
      new (blocks[index].data) CountersBlock{};
    } else {
      new (blocks[index].data) EventRing{};
    }
  }
}

std::vector<int> DataPlaneParts::descriptors() const {
  std::vector<int> list;
  for (const SharedBlock& block : blocks) list.push_back(block.fd.get());
  return list;
}

void DataPlaneParts::write(std::size_t worker, const EventRecord& record) {
  EventRing& header = ring(worker);
  const std::uint64_t head = header.head.load();
  std::memcpy(static_cast<void*>(records(worker) + head % event_ring_count), &record, sizeof record);
  header.head.store(head + 1);
}

IpcHello DataPlaneParts::greeting() const {
  auto hello = filled<IpcHello>(IpcType::HELLO);
  hello.boot_id = 7;
  hello.worker_count = static_cast<std::uint32_t>(blocks.size() / 2);
  hello.port_count = 2;
  hello.image_abi = image_abi;
  hello.event_abi = event_abi;
  hello.counters_abi = counters_abi;
  return hello;
}

}  // namespace conduit::test
