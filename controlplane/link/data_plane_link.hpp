// Link to the data plane: a listening unix SOCK_SEQPACKET socket, at most one data plane at a time, its event
// rings and counters mapped. Single-threaded, driven by the daemon's poll loop; nothing here blocks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/abi/counters.hpp"
#include "config/abi/event_record.hpp"
#include "config/abi/ipc.hpp"
#include "config/abi/unique_fd.hpp"
#include "config/error.hpp"

namespace conduit {

// What happened on the link; the daemon implements it.
class LinkHandler {
 public:
  virtual void on_connected(const IpcHello& hello) = 0;
  virtual void on_disconnected(const std::string& why) = 0;
  virtual void on_image_accepted(std::uint64_t serial, std::uint64_t generation,
                                 std::uint64_t monotonic_ns) = 0;
  virtual void on_image_refused(std::uint64_t serial, const std::string& broken) = 0;
  virtual void on_island(std::uint64_t serial, bool on) = 0;
  virtual void on_pong() = 0;
  virtual void on_record(const EventRecord& record) = 0;
  // `count` records of a worker never arrived (its ring was full).
  virtual void on_records_lost(std::uint16_t worker, std::uint64_t count) = 0;

 protected:
  ~LinkHandler() = default;
};

// One mapped shared-memory descriptor of the data plane.
class SharedMapping {
 public:
  SharedMapping() noexcept = default;
  SharedMapping(SharedMapping&& from) noexcept;
  SharedMapping& operator=(SharedMapping&& from) noexcept;
  ~SharedMapping();

  // The descriptor must be at least `size` octets and sealed against shrinking, else a fault would be the
  // answer later.
  [[nodiscard]] static Expected<SharedMapping> map(int fd, std::size_t size, bool writable);
  [[nodiscard]] void* data() const noexcept { return data_; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

class DataPlaneLink {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<DataPlaneLink>> listen(const std::string& path,
                                                                       LinkHandler& handler);
  ~DataPlaneLink();
  DataPlaneLink(const DataPlaneLink&) = delete;
  DataPlaneLink& operator=(const DataPlaneLink&) = delete;

  [[nodiscard]] int listener() const noexcept { return listener_.get(); }
  [[nodiscard]] int connection() const noexcept { return connection_.get(); }  // -1: none
  [[nodiscard]] bool connected() const noexcept { return greeted_; }
  [[nodiscard]] const IpcHello& hello() const noexcept { return hello_; }

  void accept_ready();
  void receive_ready();
  // Takes what lies in the rings, at most `records_max`; true if more may be waiting.
  bool drain(std::size_t records_max);

  [[nodiscard]] Expected<std::uint64_t> send_image(int sealed_memfd, std::uint64_t size);
  [[nodiscard]] Expected<std::uint64_t> send_island(bool on);
  [[nodiscard]] Expected<std::uint64_t> send_ping();

  // Sum over the workers; nothing while no data plane is connected.
  [[nodiscard]] std::optional<WorkerCounters> counters() const;

 private:
  struct WorkerView {
    SharedMapping counters;
    SharedMapping ring;
    std::uint64_t next_sequence = 1;
    [[nodiscard]] EventRing* ring_header() const noexcept { return static_cast<EventRing*>(ring.data()); }
  };

  DataPlaneLink(std::string path, UniqueFd listener, LinkHandler& handler);
  template <typename Message>
  Expected<std::uint64_t> send(Message& message, IpcType type, int fd);
  void dispatch(const std::uint8_t* bytes, std::size_t size, std::vector<UniqueFd>& descriptors);
  bool greet(const IpcHello& hello, std::vector<UniqueFd>& descriptors);
  void drop(const std::string& why);
  bool drain_worker(WorkerView& view, std::size_t& budget);

  std::string path_;
  UniqueFd listener_;
  UniqueFd connection_;
  LinkHandler& handler_;
  IpcHello hello_{};
  bool greeted_ = false;
  std::uint64_t serial_ = 0;
  std::vector<WorkerView> workers_;
};

}  // namespace conduit
