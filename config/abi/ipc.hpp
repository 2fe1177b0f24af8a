// Messages between conduit-dataplane and conduit-controlplane: unix SOCK_SEQPACKET, one message a datagram,
// fixed size by type, descriptors beside them (SCM_RIGHTS). The control plane listens, the data plane
// connects (and connects again). Anything of another size, type, sender or phase ends the connection; the
// data plane keeps enforcing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "config/abi/limits.hpp"

namespace conduit {

inline constexpr std::uint32_t ipc_magic = 0x50444e43;  // "CNDP"
inline constexpr std::uint32_t ipc_abi = 1;

enum class IpcType : std::uint32_t {
  HELLO = 1,  // data plane → control plane, first; descriptors: counters and event ring of each worker
  IMAGE = 2,  // control plane → data plane; descriptor: sealed memfd with a rule image
  IMAGE_ACCEPTED = 3,  // data plane → control plane: every worker judges by it now
  IMAGE_REFUSED = 4,   // data plane → control plane: the first broken rule by name
  ISLAND = 5,          // control plane → data plane: enter or leave island mode
  ISLAND_DONE = 6,     // data plane → control plane
  PING = 7,            // control plane → data plane
  PONG = 8,            // data plane → control plane
};

enum class IpcSender : std::uint8_t { DATA_PLANE, CONTROL_PLANE };

struct IpcHeader {
  std::uint32_t magic = ipc_magic;
  std::uint32_t abi = ipc_abi;
  IpcType type = IpcType::PING;
  std::uint32_t size = 0;    // octets of the whole message
  std::uint64_t serial = 0;  // of the question; answers repeat it
};

struct IpcHello {
  IpcHeader header;
  std::uint64_t boot_id = 0;
  std::uint64_t generation = 0;  // image in force, 0 = none
  std::uint32_t worker_count = 0;
  std::uint32_t port_count = 0;
  std::uint32_t image_abi = 0;
  std::uint32_t event_abi = 0;
  std::uint32_t counters_abi = 0;
  std::uint8_t island = 0;
  std::array<char, 3> reserved{};
  std::array<std::array<char, 16>, port_count_max>
      port_names{};                 // as the gateway config names them, zero-padded
  std::array<char, 16> back_end{};  // "dpdk", "nfqueue"
  // descriptors, in order: counters 0, ring 0, counters 1, ring 1, …
};

struct IpcImage {
  IpcHeader header;
  std::uint64_t size = 0;  // octets of the image
};

struct IpcImageAccepted {
  IpcHeader header;
  std::uint64_t generation = 0;
  std::uint64_t monotonic_ns = 0;
};

struct IpcImageRefused {
  IpcHeader header;
  std::array<char, 96> broken{};
};

struct IpcIsland {
  IpcHeader header;
  std::uint8_t on = 0;
  std::array<std::uint8_t, 7> reserved{};
};

struct IpcPing {
  IpcHeader header;
};

struct IpcRule {
  IpcType type;
  IpcSender sender;
  std::uint32_t size;
  std::uint8_t descriptors_min;
  std::uint8_t descriptors_max;
};

// The table that both sides hold received messages against.
inline constexpr std::array<IpcRule, 8> ipc_rules{{
    {IpcType::HELLO, IpcSender::DATA_PLANE, sizeof(IpcHello), 2, 2 * worker_count_max},
    {IpcType::IMAGE, IpcSender::CONTROL_PLANE, sizeof(IpcImage), 1, 1},
    {IpcType::IMAGE_ACCEPTED, IpcSender::DATA_PLANE, sizeof(IpcImageAccepted), 0, 0},
    {IpcType::IMAGE_REFUSED, IpcSender::DATA_PLANE, sizeof(IpcImageRefused), 0, 0},
    {IpcType::ISLAND, IpcSender::CONTROL_PLANE, sizeof(IpcIsland), 0, 0},
    {IpcType::ISLAND_DONE, IpcSender::DATA_PLANE, sizeof(IpcIsland), 0, 0},
    {IpcType::PING, IpcSender::CONTROL_PLANE, sizeof(IpcPing), 0, 0},
    {IpcType::PONG, IpcSender::DATA_PLANE, sizeof(IpcPing), 0, 0},
}};

// The row that permits this message, or null. Pure.
[[nodiscard]] constexpr const IpcRule* ipc_permitted(const IpcHeader& header, std::size_t received,
                                                     IpcSender sender, std::size_t descriptors) noexcept {
  for (const IpcRule& rule : ipc_rules) {
    if (rule.type != header.type) continue;
    const bool fits = header.magic == ipc_magic && header.abi == ipc_abi && rule.sender == sender &&
                      rule.size == received && rule.size == header.size &&
                      descriptors >= rule.descriptors_min && descriptors <= rule.descriptors_max;
    return fits ? &rule : nullptr;
  }
  return nullptr;
}

}  // namespace conduit
