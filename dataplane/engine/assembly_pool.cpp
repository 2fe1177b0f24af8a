#include "dataplane/engine/assembly_pool.hpp"

#include <algorithm>
#include <cstring>

namespace conduit {

static_assert(assembly_count < assembly_none);

AssemblyPool::AssemblyPool()
    : octets_(std::make_unique<std::uint8_t[]>(assembly_count * assembly_size_max)) {}

bool AssemblyPool::holds(std::uint8_t buffer, const Flow& flow, Side side) const noexcept {
  return buffer != assembly_none && buffers_[buffer].flow == flow.id && buffers_[buffer].side == side;
}

Bytes AssemblyPool::kept(const Flow& flow, Side side) const noexcept {
  const std::uint8_t buffer = flow.assembly[side];
  if (!holds(buffer, flow, side)) return {};
  return {octets(buffer), buffers_[buffer].size};
}

// A free buffer, or else one whose sender has been silent for long. No sender may take the share of others.
std::uint8_t AssemblyPool::find_room(std::uint32_t asset, std::uint64_t now_ns) const noexcept {
  std::uint8_t found = assembly_none;
  std::size_t of_asset = 0;
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    const Buffer& buffer = buffers_[i];
    const bool abandoned = buffer.flow != 0 && now_ns - buffer.touched_ns >= assembly_wait_ns;
    if (buffer.flow != 0 && !abandoned && buffer.asset == asset) ++of_asset;
    const bool better = buffer.flow == 0 || (abandoned && found == assembly_none);
    if (better) found = static_cast<std::uint8_t>(i);
  }
  return of_asset < assembly_count / assembly_source_share ? found : assembly_none;
}

Reason AssemblyPool::keep(Flow& flow, Side side, Assembly assembly, Bytes piece,
                          std::uint64_t now_ns) noexcept {
  if (assembly == Assembly::FIRST) {
    release(flow, side);
    const std::uint8_t room = find_room(flow.asset[side], now_ns);
    if (room == assembly_none) return Reason::ASSEMBLY_FULL;
    if (buffers_[room].flow == 0) ++in_use_;
    buffers_[room] = {flow.id, now_ns, flow.asset[side], 0, side};
    flow.assembly[side] = room;
  }
  const std::uint8_t at = flow.assembly[side];
  if (!holds(at, flow, side)) return Reason::PDU_MALFORMED;
  Buffer& buffer = buffers_[at];
  if (assembly_size_max - buffer.size < piece.size()) {
    release(flow, side);
    return Reason::ASSEMBLY_TOO_LARGE;
  }
  if (!piece.empty()) std::memcpy(octets(at) + buffer.size, piece.data(), piece.size());
  buffer.size += static_cast<std::uint32_t>(piece.size());
  buffer.touched_ns = now_ns;
  return Reason::NONE;
}

void AssemblyPool::release(Flow& flow, Side side) noexcept {
  const std::uint8_t buffer = flow.assembly[side];
  flow.assembly[side] = assembly_none;
  if (!holds(buffer, flow, side)) return;
  buffers_[buffer] = Buffer{};
  --in_use_;
}

void release_assemblies(WorkerContext& context, Flow& flow) noexcept {
  for (Side side = 0; side < 2; ++side) {
    if (flow.assembly[side] != assembly_none) context.assemblies->release(flow, side);
  }
}

}  // namespace conduit
