// IP fragments: denied, or, in a conduit that says so, put together, judged as the whole packet that they
// make and sent on as that (RFC 791 §3.2, RFC 815, RFC 8200 §4.5). No fragment ever leaves the gateway.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/engine/worker_context.hpp"

namespace conduit {

// One fragment, as its headers say.
struct FragmentPiece {
  std::uint32_t identification = 0;
  std::uint8_t protocol = 0;  // of the upper layer
  bool more = false;          // not the last one
  std::uint32_t begin = 0;    // octets from the beginning of the packet's payload
  Bytes octets{};
};

// Packets of which some fragments have come. One worker's own; all memory is taken at start.
class FragmentTable {
 public:
  FragmentTable();

  // Keeps a piece; `asset` is its source's. NONE with an empty `whole`: the rest is still to come. NONE with
  // `whole`: the frame that all pieces make, in a buffer of frame_size_max octets, valid until the next call.
  [[nodiscard]] Reason take(const ParsedFrame& frame, const FragmentPiece& piece, std::uint32_t asset,
                            std::uint64_t now, std::span<std::uint8_t>& whole) noexcept;

  // Gives up one packet whose time is over: `first` is then what is known of the fragment that came first.
  // False: none (more). Those that were denied before are given up in silence.
  [[nodiscard]] bool expire(std::uint64_t now, ParsedFrame& first) noexcept;
  [[nodiscard]] std::uint64_t next_deadline() const noexcept { return next_deadline_; }
  [[nodiscard]] std::uint32_t in_use() const noexcept { return in_use_; }

 private:
  static constexpr std::size_t head_size_max = 14 + 4 * vlan_tag_count_max + 40;
  struct Stretch {
    std::uint16_t begin = 0;
    std::uint16_t end = 0;
  };
  struct Place {
    bool live = false;
    Reason denied = Reason::NONE;  // not NONE: what comes after it is denied for the same
    ParsedFrame first{};           // of the fragment that came first; without its octets
    std::uint32_t identification = 0;
    std::uint8_t protocol = 0;
    std::uint32_t asset = none_index;
    std::uint64_t deadline_ns = 0;
    std::uint32_t total = 0;  // octets of the whole payload; 0: not yet known
    std::uint32_t received = 0;
    std::uint32_t piece_count = 0;
    std::array<Stretch, fragment_piece_count_max> pieces{};
    std::uint32_t head_size = 0;  // 0: the first fragment has not come
    std::array<std::uint8_t, head_size_max> head{};
    std::array<std::uint8_t, fragment_packet_size_max> octets{};
  };

  [[nodiscard]] Place* find(const ParsedFrame& frame, const FragmentPiece& piece, std::uint32_t asset,
                            std::uint64_t now) noexcept;
  [[nodiscard]] static Reason add(Place& place, const ParsedFrame& frame,
                                  const FragmentPiece& piece) noexcept;
  [[nodiscard]] std::span<std::uint8_t> join(Bytes head, Bytes octets, std::uint8_t ip_version,
                                             std::uint8_t protocol) noexcept;
  void give_back(Place& place) noexcept;

  std::unique_ptr<Place[]> places_;
  std::uint32_t in_use_ = 0;
  std::uint64_t next_deadline_ = UINT64_MAX;  // not later than the first of them
  std::array<std::uint8_t, frame_size_max> whole_{};
};

// Takes a frame that parse_frame calls a fragment. The whole packet's frame, once it is there, to be parsed
// and judged; else empty: the fragment was kept, or denied and reported.
[[nodiscard]] std::span<std::uint8_t> fragment_gate(WorkerContext& context,
                                                    const ParsedFrame& frame) noexcept;

// Reports packets that were never completed.
void fragments_due(WorkerContext& context) noexcept;

}  // namespace conduit
