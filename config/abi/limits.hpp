// The one home of limits. Everything that a peer can make grow has its bound here; memory is taken from them
// at start. Those that a gateway may choose (EngineLimits) come from its config within the ranges stated; the
// rest is fixed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace conduit {

inline constexpr std::size_t port_count_max = 16;
inline constexpr std::size_t worker_count_max = 16;
inline constexpr std::size_t burst_size = 32;        // frames per turn of a worker
inline constexpr std::size_t frame_size_max = 2048;  // octets of the largest frame that is forwarded
inline constexpr std::size_t frame_size_min = 60;  // octets; shorter frames that the engine makes are padded
inline constexpr std::size_t vlan_tag_count_max = 2;
inline constexpr std::size_t ipv6_extension_count_max = 4;
inline constexpr std::size_t ipv6_extension_size_max = 256;  // octets of all extension headers of a packet

inline constexpr std::size_t retained_size_max =
    64 * 1024;  // forwarded, unacknowledged octets per flow and direction
inline constexpr std::size_t held_size_max = 16 * 1024;  // octets of a cut PDU held per flow and direction
inline constexpr std::size_t out_of_order_segment_count_max = 8;  // per flow and direction
inline constexpr std::size_t position_map_count_max =
    16;  // edits of one direction of a stream that are remembered
inline constexpr std::size_t outstanding_count_max = 32;  // requests without an answer per flow

inline constexpr std::uint64_t outstanding_stale_ms =
    60'000;  // a request without an answer for so long makes room when the table of its flow is full
// Between two requests of the same key: the client no longer waits for the answer to the first.
inline constexpr std::uint32_t outstanding_given_up_ms = 100;
// Connections of protocols that flows open for other flows. Per worker.
inline constexpr std::uint32_t association_count = 1024;
inline constexpr std::uint32_t association_source_share =
    4;  // of them: at most one part in so many of one client
inline constexpr std::size_t association_key_size_max = 128;  // octets of the names in the opening operation
inline constexpr std::uint64_t association_idle_ns =
    300ULL * 1'000'000'000;  // one not used for so long makes room when the table is full
inline constexpr std::size_t learned_mac_count = 1024;  // addresses whose MAC is remembered, power of two
inline constexpr std::size_t back_off_count = 1024;     // address pairs with resets, power of two
inline constexpr std::uint32_t back_off_after = 4;      // resets of a pair within back_off_window_ns
inline constexpr std::uint64_t back_off_window_ns = 60ULL * 1'000'000'000;
inline constexpr std::uint64_t back_off_first_ns = 1ULL * 1'000'000'000;  // doubles with each further reset
inline constexpr std::uint64_t back_off_last_ns = 30ULL * 1'000'000'000;
inline constexpr std::size_t stray_source_count = 256;          // assets whose strays are counted apart
inline constexpr std::uint64_t stray_burst = 256;               // strays of an asset answered at once …
inline constexpr std::uint64_t stray_interval_ns = 10'000'000;  // … and one more each such time
inline constexpr std::size_t fragment_packet_count = 64;        // fragmented packets that wait for their rest
inline constexpr std::uint32_t fragment_source_share =
    4;  // of them: at most one part in so many of one asset
inline constexpr std::size_t fragment_packet_size_max =
    1500;  // octets of the whole packet: it leaves unfragmented
inline constexpr std::size_t fragment_piece_count_max = 16;
inline constexpr std::uint64_t fragment_wait_ns = 2ULL * 1'000'000'000;  // from the first piece to the last
inline constexpr std::size_t assembly_count = 64;  // messages in several datagrams that wait for their rest
inline constexpr std::size_t assembly_source_share = 4;  // of them: at most one part in so many of one asset
inline constexpr std::uint64_t assembly_wait_ns =
    10ULL * 1'000'000'000;  // one whose sender has been silent for so long makes room when there is none
inline constexpr std::size_t event_fold_count = 256;  // kinds of frame denials folded at a time, power of two
// Flows are counted by the address that opened them, so that one source cannot take all places: at most one
// part in so many. Sources that fall into the same counter share it.
inline constexpr std::size_t source_count = 4096;              // counters, power of two
inline constexpr std::uint32_t source_tcp_share = 2;           // of flow_count: connections
inline constexpr std::uint32_t source_datagram_share = 4;      // of flow_count: datagram flows
inline constexpr std::uint32_t source_half_open_share = 4;     // of half_open_count
inline constexpr std::uint64_t event_fold_ns = 1'000'000'000;  // repeats within it are one record

inline constexpr std::uint64_t image_size_max = 64ULL * 1024 * 1024;  // octets of a rule image
inline constexpr std::uint64_t bundle_size_max = 8ULL * 1024 * 1024;  // octets of a signed bundle
inline constexpr std::uint64_t root_size_max = 64ULL * 1024;          // octets of a signed root of trust

inline constexpr std::uint32_t event_ring_count = 8192;  // records per worker, power of two

static_assert((event_ring_count & (event_ring_count - 1)) == 0);
static_assert(held_size_max >= 2 * frame_size_max);

// What a gateway's config may choose. Counts are per worker.
struct EngineLimits {
  std::uint32_t flow_count = 16384;      // 64 … 1 048 576
  std::uint32_t half_open_count = 2048;  // of flow_count: at most so many not yet established
  std::uint32_t block_count = 16384;     // 2048-octet blocks for retained, held and early segments
  std::uint32_t limit_count = 4096;      // rate limits in force (whole data plane)
  std::uint64_t established_idle_ns = 24ULL * 3600 * 1'000'000'000;
  std::uint64_t half_open_idle_ns = 10ULL * 1'000'000'000;
  std::uint64_t closing_idle_ns = 30ULL * 1'000'000'000;
  std::uint64_t datagram_idle_ns = 120ULL * 1'000'000'000;
  std::uint64_t hold_ns = 10ULL * 1'000'000'000;  // a held tail older than this resets its flow
  std::uint8_t ttl_min = 2;                       // packets below it are denied
};

}  // namespace conduit
