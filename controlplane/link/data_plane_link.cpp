#include "controlplane/link/data_plane_link.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "controlplane/link/unix_socket.hpp"

namespace conduit {

SharedMapping::SharedMapping(SharedMapping&& from) noexcept
    : data_(std::exchange(from.data_, nullptr)), size_(std::exchange(from.size_, 0)) {}

SharedMapping& SharedMapping::operator=(SharedMapping&& from) noexcept {
  std::swap(data_, from.data_);
  std::swap(size_, from.size_);
  return *this;
}

SharedMapping::~SharedMapping() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

Expected<SharedMapping> SharedMapping::map(int fd, std::size_t size, bool writable) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || static_cast<std::size_t>(status.st_size) < size) {
    return fail("link.mapping_size", "shared memory of the data plane is smaller than its ABI says");
  }
  const int seals = ::fcntl(fd, F_GET_SEALS);  // negative: not even memory that could be sealed
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) {
    return fail("link.mapping_unsealed", "shared memory of the data plane is not sealed against shrinking");
  }
  const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void* data = ::mmap(nullptr, size, protection, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) return fail("link.mapping_failed", std::strerror(errno));
  SharedMapping mapping;
  mapping.data_ = data;
  mapping.size_ = size;
  return mapping;
}

DataPlaneLink::DataPlaneLink(std::string path, UniqueFd listener, LinkHandler& handler)
    : path_(std::move(path)), listener_(std::move(listener)), handler_(handler) {}

DataPlaneLink::~DataPlaneLink() { ::unlink(path_.c_str()); }

Expected<std::unique_ptr<DataPlaneLink>> DataPlaneLink::listen(const std::string& path,
                                                               LinkHandler& handler) {
  auto listener = listen_unix(path, SOCK_SEQPACKET, 0600);
  if (!listener) return tl::unexpected(listener.error());
  return std::unique_ptr<DataPlaneLink>(new DataPlaneLink(path, std::move(*listener), handler));
}

void DataPlaneLink::accept_ready() {
  UniqueFd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!peer.open()) return;
  struct ucred credentials {};
  socklen_t size = sizeof credentials;
  const bool known = ::getsockopt(peer.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 &&
                     (credentials.uid == 0 || credentials.uid == ::geteuid());
  if (!known) return;
  // A data plane that was killed may come back before its old socket was read to its end: the newer one
  // counts.
  if (connection_.open()) drop("another data plane connected");
  connection_ = std::move(peer);
}

void DataPlaneLink::receive_ready() {
  alignas(8) std::uint8_t bytes[sizeof(IpcHello) + 64];
  std::vector<UniqueFd> descriptors;
  const long received = receive_message(connection_.get(), bytes, sizeof bytes, descriptors);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (received <= 0) {
    drop(received == 0 ? "data plane closed the link" : std::strerror(errno));
    return;
  }
  dispatch(bytes, static_cast<std::size_t>(received), descriptors);
}

void DataPlaneLink::dispatch(const std::uint8_t* bytes, std::size_t size,
                             std::vector<UniqueFd>& descriptors) {
  IpcHeader header;
  if (size < sizeof header) return drop("message shorter than its header");
  std::memcpy(&header, bytes, sizeof header);
  if (ipc_permitted(header, size, IpcSender::DATA_PLANE, descriptors.size()) == nullptr) {
    return drop("message that the table of messages does not permit (another ABI, size or type)");
  }
  if (greeted_ == (header.type == IpcType::HELLO)) return drop("message out of phase");
  switch (header.type) {
    case IpcType::HELLO: {
      IpcHello hello;
      std::memcpy(&hello, bytes, sizeof hello);
      if (greet(hello, descriptors)) handler_.on_connected(hello_);
      return;
    }
    case IpcType::IMAGE_ACCEPTED: {
      IpcImageAccepted message;
      std::memcpy(&message, bytes, sizeof message);
      return handler_.on_image_accepted(header.serial, message.generation, message.monotonic_ns);
    }
    case IpcType::IMAGE_REFUSED: {
      IpcImageRefused message;
      std::memcpy(&message, bytes, sizeof message);
      const std::size_t length = ::strnlen(message.broken.data(), message.broken.size());
      return handler_.on_image_refused(header.serial, std::string(message.broken.data(), length));
    }
    case IpcType::ISLAND_DONE: {
      IpcIsland message;
      std::memcpy(&message, bytes, sizeof message);
      return handler_.on_island(header.serial, message.on != 0);
    }
    case IpcType::PONG: return handler_.on_pong();
    case IpcType::IMAGE:
    case IpcType::ISLAND:
    case IpcType::PING: break;  // not the data plane's to send: the table has refused them already
  }
  drop("message of the wrong sender");
}

bool DataPlaneLink::greet(const IpcHello& hello, std::vector<UniqueFd>& descriptors) {
  const bool fits = hello.worker_count >= 1 && hello.worker_count <= worker_count_max &&
                    descriptors.size() == 2 * hello.worker_count && hello.port_count <= port_count_max;
  if (!fits) return drop("greeting names impossible counts"), false;
  if (hello.image_abi != image_abi || hello.event_abi != event_abi || hello.counters_abi != counters_abi) {
    return drop("data plane speaks another ABI of images, events or counters; update both packages"), false;
  }
  std::vector<WorkerView> workers;
  for (std::size_t worker = 0; worker < hello.worker_count; ++worker) {
    auto counters = SharedMapping::map(descriptors[2 * worker].get(), sizeof(CountersBlock), false);
    if (!counters) return drop(counters.error().what), false;
    auto ring = SharedMapping::map(descriptors[2 * worker + 1].get(), event_ring_bytes, true);
    if (!ring) return drop(ring.error().what), false;
    const auto* header = static_cast<const EventRing*>(ring->data());
    if (header->magic != event_magic || header->abi != event_abi ||
        header->record_size != sizeof(EventRecord) || header->record_count != event_ring_count) {
      return drop("event ring has another shape than this ABI"), false;
    }
    WorkerView view{std::move(*counters), std::move(*ring)};
    workers.push_back(std::move(view));
  }
  workers_ = std::move(workers);
  for (WorkerView& view : workers_) {
    view.next_sequence = 0;  // a ring may have outlived a control plane: learned from its first record
  }
  hello_ = hello;
  greeted_ = true;
  return true;
}

bool DataPlaneLink::drain_worker(WorkerView& view, std::size_t& budget) {
  EventRing* ring = view.ring_header();
  const auto* records = reinterpret_cast<const EventRecord*>(ring + 1);
  const std::uint64_t head = ring->head.load(std::memory_order_acquire);
  std::uint64_t tail = ring->tail.load(std::memory_order_relaxed);
  if (head - tail > event_ring_count) tail = head - event_ring_count;
  while (tail != head && budget > 0) {
    const EventRecord record = records[tail % event_ring_count];
    ++tail;
    --budget;
    ring->tail.store(tail, std::memory_order_release);
    if (record.abi != event_abi) continue;
    if (view.next_sequence != 0 && record.sequence > view.next_sequence) {
      handler_.on_records_lost(record.worker, record.sequence - view.next_sequence);
    }
    view.next_sequence = record.sequence + 1;
    handler_.on_record(record);
  }
  return tail != head;
}

bool DataPlaneLink::drain(std::size_t records_max) {
  bool more = false;
  for (WorkerView& view : workers_) more = drain_worker(view, records_max) || more;
  return more;
}

void DataPlaneLink::drop(const std::string& why) {
  const bool was_greeted = greeted_;
  connection_.reset();
  greeted_ = false;
  // The rings outlive their writer: what it wrote before it died is still to be read. One ring's worth each:
  // a writer that lives on may write faster than we read.
  if (was_greeted) drain(event_ring_count * workers_.size());
  workers_.clear();
  if (was_greeted) handler_.on_disconnected(why);
}

template <typename Message>
Expected<std::uint64_t> DataPlaneLink::send(Message& message, IpcType type, int fd) {
  if (!greeted_)
    return fail("link.not_connected", "no data plane is connected", path_, "start conduit-dataplane");
  message.header.type = type;
  message.header.size = sizeof message;
  message.header.serial = ++serial_;
  if (!send_message(connection_.get(), &message, sizeof message, fd)) {
    const std::string why = std::strerror(errno);
    drop(why);
    return fail("link.send_failed", "the data plane does not take messages: " + why, path_);
  }
  return serial_;
}

Expected<std::uint64_t> DataPlaneLink::send_image(int sealed_memfd, std::uint64_t size) {
  IpcImage message;
  message.size = size;
  return send(message, IpcType::IMAGE, sealed_memfd);
}

Expected<std::uint64_t> DataPlaneLink::send_island(bool on) {
  IpcIsland message;
  message.on = on ? 1 : 0;
  return send(message, IpcType::ISLAND, -1);
}

Expected<std::uint64_t> DataPlaneLink::send_ping() {
  IpcPing message;
  return send(message, IpcType::PING, -1);
}

namespace {

// A consistent copy of one worker's block; the last attempt counts even if the writer was in the middle of
// it.
void copy_counters(const CountersBlock& block, WorkerCounters& values) {
  for (int attempt = 0; attempt < 8; ++attempt) {
    const std::uint64_t before = block.version.load(std::memory_order_acquire);
    std::memcpy(&values, &block.values, sizeof values);
    std::atomic_thread_fence(std::memory_order_acquire);
    if ((before & 1) == 0 && block.version.load(std::memory_order_relaxed) == before) return;
  }
}

}  // namespace

std::optional<WorkerCounters> DataPlaneLink::counters() const {
  if (!greeted_) return std::nullopt;
  constexpr std::size_t number_count = sizeof(WorkerCounters) / sizeof(std::uint64_t);
  auto sum = std::make_unique<WorkerCounters>();
  auto one = std::make_unique<WorkerCounters>();
  std::uint64_t generation_min = UINT64_MAX;
  std::uint64_t heartbeat_min = UINT64_MAX;
  for (const WorkerView& view : workers_) {
    copy_counters(*static_cast<const CountersBlock*>(view.counters.data()), *one);
    auto* total = reinterpret_cast<std::uint64_t*>(sum.get());
    const auto* add = reinterpret_cast<const std::uint64_t*>(one.get());
    for (std::size_t index = 0; index < number_count; ++index) total[index] += add[index];
    generation_min = std::min(generation_min, one->generation);
    heartbeat_min = std::min(heartbeat_min, one->heartbeat_ns);
  }
  sum->generation = generation_min;  // what every worker has reached
  sum->heartbeat_ns = heartbeat_min;
  return *sum;
}

}  // namespace conduit
