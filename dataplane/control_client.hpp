// The data plane's side of the link to the control plane (config/abi/ipc.hpp) and of the supervisor's
// descriptor store. Control thread only. Whatever the other side does, enforcing goes on.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/abi/ipc.hpp"
#include "config/abi/unique_fd.hpp"
#include "dataplane/runtime.hpp"
#include "dataplane/shared_memory.hpp"

namespace conduit {

// Wakes all workers, so that they take a new image or see the stop sign at once.
class WorkerWaker {
 public:
  virtual void wake_all() noexcept = 0;

 protected:
  ~WorkerWaker() = default;
};

// Owns the image in force and the one before it until every worker has left it.
class ImageKeeper {
 public:
  ImageKeeper(Runtime& runtime, WorkerWaker& waker, std::size_t worker_count) noexcept;
  ~ImageKeeper();

  // Takes the image in `fd`; null or the first broken rule. Refused while the last one is not yet everywhere.
  [[nodiscard]] const char* publish(int fd, std::uint64_t size) noexcept;
  // True once, when every worker judges by the newest image.
  [[nodiscard]] bool settled() noexcept;
  [[nodiscard]] std::uint64_t generation() const noexcept;
  [[nodiscard]] bool pending() const noexcept { return previous_pending_; }

 private:
  Runtime& runtime_;
  WorkerWaker& waker_;
  std::size_t worker_count_;
  std::uint64_t serial_ = 0;
  bool previous_pending_ = false;
  std::unique_ptr<ImageSlot> current_;
  std::unique_ptr<ImageSlot> previous_;
};

class ControlClient {
 public:
  // `greeting` is filled but for generation and island; `descriptors` are counters and ring of each worker.
  ControlClient(std::string path, const IpcHello& greeting, std::vector<int> descriptors, Runtime& runtime,
                ImageKeeper& images, WorkerWaker& waker);

  // One turn: connects if need be, waits up to `timeout_ms` for a message, answers. `stop_fd` ends the wait
  // early.
  void turn(int timeout_ms, int stop_fd);

 private:
  void connect();
  void receive();
  void on_image(const IpcImage& message, int fd);
  void answer_settled();
  template <typename Message>
  void send(Message& message, IpcType type, std::uint64_t serial);

  std::string path_;
  IpcHello greeting_;
  std::vector<int> descriptors_;
  Runtime& runtime_;
  ImageKeeper& images_;
  WorkerWaker& waker_;
  UniqueFd socket_;
  std::uint64_t image_serial_ = 0;   // of the IMAGE to be answered
  std::uint64_t island_serial_ = 0;  // of the ISLAND to be answered, 0 = none
  std::uint64_t retry_ns_ = 0;
};

// Supervisor (sd_notify protocol). Nothing happens without one.
void notify_supervisor(const char* state) noexcept;
// Leaves a descriptor in the supervisor's store under `name`, replacing the one before.
void store_descriptor(const char* name, int fd) noexcept;
// A descriptor of that name which the supervisor kept for us, or -1. Reads LISTEN_FDS, LISTEN_FDNAMES.
[[nodiscard]] int stored_descriptor(const char* name) noexcept;

}  // namespace conduit
