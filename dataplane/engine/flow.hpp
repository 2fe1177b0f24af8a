// Flow record: one for both directions of a TCP connection, UDP conversation or ICMP exchange. All records
// are taken at start; the table owns them. Used by one worker alone.
#pragma once

#include <array>
#include <cstdint>

#include "config/abi/limits.hpp"
#include "dataplane/engine/tcp_state.hpp"
#include "protocols/core/decoder.hpp"
#include "protocols/core/rule_image.hpp"

namespace conduit {

// Who opened the flow: side 0; the other: side 1. A frame travels from a side to the other.
using Side = std::uint8_t;
[[nodiscard]] constexpr Side other(Side side) noexcept { return side ^ 1U; }

struct FlowKey {
  std::array<Address, 2> address{};        // by side
  std::array<std::uint16_t, 2> l4_port{};  // by side; ICMP: identifier
  VlanKey vlan = 0;
  std::uint8_t ip_protocol = 0;
  std::uint8_t port_pair = 0;  // lower of the two gateway ports
};

enum class FlowState : std::uint8_t { FREE = 0, HALF_OPEN, ESTABLISHED, CLOSING, DATAGRAM };

// VLAN tags of a frame as they stood on the wire (TPID and TCI), between MAC addresses and ethertype.
struct LinkTags {
  std::array<std::uint8_t, 4 * vlan_tag_count_max> octets{};
  std::uint8_t size = 0;
};

inline constexpr std::uint64_t timer_never = UINT64_MAX;
inline constexpr std::uint8_t wheel_none = 0xFF;
inline constexpr std::uint8_t assembly_none = 0xFF;

struct Outstanding {
  std::uint64_t key = 0;
  std::uint64_t detail = 0;
  std::uint32_t rule = none_index;
  std::uint32_t order = 0;     // counts requests of the flow: equal keys answer in order
  std::uint32_t since_ms = 0;  // monotonic, wraps
  bool live = false;
};

struct Flow {
  // first cache line: what the lookup and the classification check touch
  FlowKey key{};
  FlowState state = FlowState::FREE;
  std::uint8_t ip_version = 4;
  Side client_side = 0;              // protocol client
  bool opaque = false;               // forwarded by a rule without inspection
  bool observe = false;              // conduit mode OBSERVE
  bool first_recorded = false;       // monitoring FIRST has been served
  std::uint64_t classification = 0;  // image generation and island mode by which it was classified
  std::uint64_t last_seen_ns = 0;
  std::uint64_t timer_ns = timer_never;  // when the TCP gate wants tcp_timer; written by the gate
  std::uint32_t service = none_index;    // SERVICES index; none: only observed
  std::uint32_t conduit = none_index;
  const Protocol* protocol = nullptr;
  std::uint64_t id = 0;
  std::array<std::uint32_t, 2> asset{none_index, none_index};  // by side
  std::array<std::uint8_t, 2> gateway_port{};                  // by side
  Quirks quirks = 0;                                           // of the server's asset
  std::uint16_t asset_flags = 0;  // of the protocol's server asset (partial handling)
  // For frames that the engine makes: a frame towards side s carries mac[other(s)] as source, mac[s] as
  // destination and tags[other(s)].
  std::array<Mac, 2> mac{};        // by side, last seen
  std::array<LinkTags, 2> tags{};  // of frames that this side sent, last seen
  // table's own
  std::uint64_t filed_ns = timer_never;  // deadline by which it is filed in the timer wheel
  std::uint64_t idle_ns = 0;             // of its present state
  std::uint32_t hash = 0;
  std::uint32_t table_next = none_index;
  std::uint32_t wheel_previous = none_index;
  std::uint32_t wheel_next = none_index;
  std::uint32_t slot = 0;  // own number in the table
  std::uint16_t wheel_position = 0;
  std::uint16_t source = 0;  // counter of the address that opened it
  std::uint8_t wheel_level = wheel_none;
  FlowState counted = FlowState::FREE;  // state by which the table counts it
  // the conversation
  std::uint32_t request_count = 0;
  std::uint32_t outstanding_count = 0;
  // Where both sides may ask: SERVICES index by which requests of the other side than client_side are judged.
  std::uint32_t peer_service = none_index;
  std::array<std::uint8_t, 2> assembly{assembly_none, assembly_none};  // by side: buffer of AssemblyPool
  SessionState session{};
  std::array<Outstanding, outstanding_count_max> outstanding{};
  TcpState tcp{};
};

}  // namespace conduit
