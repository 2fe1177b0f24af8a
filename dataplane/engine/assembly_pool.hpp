// Messages that come in several datagrams: what has gone on of each, kept until its last piece is judged.
// Buffers are taken at start; an empty pool is answered by denying the piece that found no room. One buffer a
// flow and side at most. Used by one worker alone.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "dataplane/engine/worker_context.hpp"

namespace conduit {

class AssemblyPool {
 public:
  AssemblyPool();

  // Octets kept for this side of the flow; none: empty.
  [[nodiscard]] Bytes kept(const Flow& flow, Side side) const noexcept;
  // Begins anew with a first piece, or puts another one behind what is kept. NONE, or why it cannot be kept:
  // then nothing of the message is.
  [[nodiscard]] Reason keep(Flow& flow, Side side, Assembly assembly, Bytes piece,
                            std::uint64_t now_ns) noexcept;
  void release(Flow& flow, Side side) noexcept;

  [[nodiscard]] std::uint32_t in_use() const noexcept { return in_use_; }

 private:
  struct Buffer {
    std::uint64_t flow = 0;  // its id; 0: free
    std::uint64_t touched_ns = 0;
    std::uint32_t asset = none_index;  // the sender
    std::uint32_t size = 0;
    Side side = 0;
  };
  [[nodiscard]] bool holds(std::uint8_t buffer, const Flow& flow, Side side) const noexcept;
  [[nodiscard]] std::uint8_t find_room(std::uint32_t asset, std::uint64_t now_ns) const noexcept;
  [[nodiscard]] std::uint8_t* octets(std::uint8_t buffer) const noexcept {
    return octets_.get() + std::size_t{buffer} * assembly_size_max;
  }

  std::array<Buffer, assembly_count> buffers_{};
  std::unique_ptr<std::uint8_t[]> octets_;
  std::uint32_t in_use_ = 0;
};

// Of a flow that ends, or is judged by another policy from now on.
void release_assemblies(WorkerContext& context, Flow& flow) noexcept;

}  // namespace conduit
