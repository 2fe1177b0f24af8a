// Event record: what the data plane tells the control plane about one denied, observed or notable thing.
// Fixed size, no text; names are looked up in the policy of the record's generation. One single-producer
// single-consumer ring per worker in shared memory (EventRing); a full ring loses the newest record and
// counts it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <type_traits>

#include "config/abi/limits.hpp"
#include "protocols/core/operation.hpp"
#include "protocols/core/reason.hpp"
#include "protocols/core/rule_image.hpp"

namespace conduit {

inline constexpr std::uint64_t event_magic = 0x31544e5645444e43;  // "CNDEVNT1"
inline constexpr std::uint32_t event_abi = 1;
inline constexpr std::size_t event_key_size = 64;  // octets of the condemning operation's keys
inline constexpr std::size_t event_pdu_size = 96;  // octets of the PDU

enum EventFlag : std::uint16_t {
  EVENT_OBSERVED =
      1U << 0,  // the conduit only observes: it was forwarded, `verdict` says what would have been done
  EVENT_HAS_OPERATION = 1U << 1,
  EVENT_HAS_FLOW = 1U << 2,
  EVENT_CLIENT_SENT = 1U << 3,  // the sender is the protocol's client
  EVENT_FOLDED = 1U << 4,       // `count` stands for repeats within the data plane
};

enum class TimeQuality : std::uint8_t { UNKNOWN = 0, FREE_RUNNING = 1, SYNCHRONIZED = 2 };

struct EventRecord {
  std::uint32_t abi = event_abi;
  std::uint16_t worker = 0;
  std::uint16_t flags = 0;     // EventFlag
  std::uint64_t sequence = 0;  // per worker and boot, from 1, without gaps; lost ones are seen as gaps
  std::uint64_t boot_id = 0;   // of the data plane's life
  std::uint64_t monotonic_ns = 0;
  std::uint64_t wall_ns = 0;               // since 1970, UTC
  std::uint64_t generation = 0;            // of the image that judged
  std::uint64_t flow_id = 0;               // unique per boot and worker; 0 = none
  std::uint64_t policy_hash_head = 0;      // first 8 octets of the policy's SHA-256, big endian
  std::uint32_t rule = none_index;         // RULES index that permitted, or that came nearest
  std::uint32_t policy_rule = none_index;  // number of the `allow` in the policy
  std::uint32_t conduit = none_index;
  std::uint32_t source_asset = none_index;
  std::uint32_t destination_asset = none_index;
  std::uint32_t count = 1;  // times
  Reason reason = Reason::NONE;
  Verdict verdict = Verdict::DROP;
  TimeQuality time_quality = TimeQuality::UNKNOWN;
  // the frame
  Address source{};
  Address destination{};
  Mac source_mac{};
  Mac destination_mac{};
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint16_t ethertype = 0;
  std::uint8_t ingress_port = 0;
  std::uint8_t ip_protocol = 0;
  VlanKey vlan = 0;
  // the condemning operation
  ProtocolId protocol = ProtocolId::NONE;
  AccessClass access = AccessClass::UNSPECIFIED;
  std::uint8_t dimensions_present = 0;
  ValueKind value_kind = ValueKind::NONE;
  std::uint32_t function = 0;
  std::uint32_t operation_index = 0;  // 0-based, within the PDU
  std::uint64_t value = 0;            // bit pattern of the scalar, or of the first element
  std::uint32_t value_count = 0;
  std::uint32_t pdu_size = 0;  // octets of the whole PDU
  std::array<Range, dimension_count> dimension{};
  std::uint16_t key_sizes[2] = {0, 0};  // octets of each key as it was; keys are cut to fit
  std::uint16_t pdu_head_size = 0;      // octets valid in pdu_head
  std::uint16_t field_size = 0;         // octets valid in field
  std::array<std::uint8_t, event_key_size> keys{};
  std::array<std::uint8_t, event_pdu_size> pdu_head{};
  std::array<char, 32> field{};  // malformed: the field at fault
};
static_assert(std::is_trivially_copyable_v<EventRecord>);
static_assert(sizeof(EventRecord) <= 576 && sizeof(EventRecord) % 8 == 0);

// Shared memory: this header, then `record_count` records. The producer owns head, the consumer owns tail;
// both only grow. The data plane trusts nothing that it reads here: an impossible tail counts as a full ring.
struct EventRing {
  std::uint64_t magic = event_magic;
  std::uint32_t abi = event_abi;
  std::uint32_t record_size = sizeof(EventRecord);
  std::uint32_t record_count = event_ring_count;
  std::uint32_t worker = 0;
  alignas(64) std::atomic<std::uint64_t> head{0};
  std::atomic<std::uint64_t> lost{0};  // records that found no room
  alignas(64) std::atomic<std::uint64_t> tail{0};
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

inline constexpr std::size_t event_ring_bytes = sizeof(EventRing) + event_ring_count * sizeof(EventRecord);

}  // namespace conduit
