// The other end of the link between data plane and control plane, in the hands of a test: it sends what it
// likes, octet by octet and descriptor by descriptor.
#pragma once

#include <string>
#include <vector>

#include "config/abi/event_record.hpp"
#include "config/abi/ipc.hpp"
#include "config/abi/unique_fd.hpp"
#include "dataplane/shared_memory.hpp"

namespace conduit::test {

// An empty folder that lives as long as this object.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

[[nodiscard]] std::size_t open_descriptor_count();

// One datagram without waiting; false if the socket takes none.
bool send_raw(int socket, const void* bytes, std::size_t size, const std::vector<int>& descriptors = {});

struct RawMessage {
  long size = -1;  // -1: nothing there, 0: the other end has closed
  std::string bytes;
  std::vector<UniqueFd> descriptors;
};
[[nodiscard]] RawMessage receive_raw(int socket);

template <typename Message>
[[nodiscard]] Message filled(IpcType type, std::uint64_t serial = 0) {
  Message message;
  message.header.type = type;
  message.header.size = sizeof message;
  message.header.serial = serial;
  return message;
}

// The smallest well-formed message of a type.
[[nodiscard]] std::string plain_message(IpcType type, std::uint64_t serial = 1);

// Memory of `size` octets beginning with `content`, with these seals.
[[nodiscard]] UniqueFd memory_of(std::size_t size, int seals, const std::string& content = {});

// What a data plane of so many workers brings along with its greeting.
struct DataPlaneParts {
  explicit DataPlaneParts(std::size_t worker_count);
  std::vector<SharedBlock> blocks;  // counters 0, ring 0, counters 1, …
  [[nodiscard]] std::vector<int> descriptors() const;
  [[nodiscard]] EventRing& ring(std::size_t worker) { return *static_cast<EventRing*>(ring_data(worker)); }
  [[nodiscard]] EventRecord* records(std::size_t worker) {
    return reinterpret_cast<EventRecord*>(&ring(worker) + 1);
  }
  // Writes one record into the ring, as the data plane would.
  void write(std::size_t worker, const EventRecord& record);
  [[nodiscard]] IpcHello greeting() const;

 private:
  [[nodiscard]] void* ring_data(std::size_t worker) { return blocks[2 * worker + 1].data; }
};

}  // namespace conduit::test
