// Per-connection state of the TCP gate (see tcp_gate.hpp). Plain data inside the flow record; bytes that wait
// or are kept lie in blocks of the worker's pool.
//
// One Stream for each side: the bytes that this side sends. Positions are sequence numbers of its sender
// ("S"), unless their name ends in _r: those are the numbers that its receiver sees ("R"), which differ once
// a PDU was taken out of the stream or a reply was put into it.
//
//      acked          forwarded        received
//   ─────┼───────────────┼────────────────┼──────►  S        acked ≤ forwarded ≤ received
//        │  have left,   │  held: wait    │
//        │  receiver has │  for the rest  │ next byte in order
//        │  not acked    │  of their PDU  │
//
//   boundary: first byte of the first PDU that is not yet judged.
//     boundary ≤ received: [boundary, received) are its bytes; those before `forwarded` have left already.
//     boundary > received: the rest of a judged PDU is still to come, to be passed or discarded.
//
// `kept` holds all bytes from the earlier of acked and boundary up to received. Where PDUs carry numbers of
// their place (Protocol::renumber) and the flow is `renumbered`, `told` holds the same bytes as the receiver
// is to see them.
#pragma once

#include <array>
#include <cstdint>

#include "config/abi/limits.hpp"
#include "protocols/core/rule_image.hpp"

namespace conduit {

struct Protocol;

inline constexpr std::size_t kept_small_size =
    64;  // octets kept without a block: a Modbus poll needs no more

// Consecutive bytes of a stream: within `small`, or in a chain of blocks.
struct KeptBytes {
  std::uint32_t size = 0;
  std::uint32_t first = none_index;  // block; none: the bytes lie in `small`
  std::uint32_t last = none_index;
  std::uint16_t begin = 0;  // offset of the first byte in its block, or in `small`
  std::array<std::uint8_t, kept_small_size> small{};
};

enum class EditKind : std::uint8_t { REMOVED = 0, INSERTED = 1 };

// A place where S and R part: [position, position + size) of S was taken out, or `size` octets stand in front
// of `position` that the sender did not send.
struct Edit {
  std::uint32_t position = 0;        // S
  std::uint32_t size = 0;            // octets
  std::uint32_t block = none_index;  // INSERTED: the bytes, for repeating them
  EditKind kind = EditKind::REMOVED;
  bool refuses = false;    // INSERTED: it is a negative reply, no acknowledgement
  std::uint16_t sent = 0;  // INSERTED: so many octets have left at least once

  // Is all of it on its way?
  [[nodiscard]] constexpr bool left() const noexcept { return kind == EditKind::REMOVED || sent == size; }
};

// A negative reply, or an acknowledgement of PDUs that were taken out, that may not enter its stream yet.
struct WaitingReply {
  std::uint32_t block = none_index;
  std::uint32_t order = 0;  // requests with a smaller number are to be answered first
  std::uint16_t size = 0;
  bool refuses = false;
};

struct EarlySegment {
  std::uint32_t sequence = 0;  // S
  std::uint32_t block = none_index;
  std::uint16_t size = 0;
  bool fin = false;
};

struct Stream {
  std::uint32_t acked = 0;
  std::uint32_t forwarded = 0;
  std::uint32_t received = 0;
  std::uint32_t boundary = 0;
  std::uint32_t acked_r = 0;    // highest acknowledgement of the receiver
  std::uint32_t edge_r = 0;     // right edge of the window that the receiver announced
  std::uint32_t told_edge = 0;  // … as its sender was told of it, in S; kept once streams are edited
  std::uint32_t delta = 0;      // R − S in front of the first edit
  std::uint32_t timestamp = 0;  // newest of the segments in order
  std::uint16_t window = 0;     // field of the sender's last segment
  std::uint8_t scale = 0;       // of the windows that the sender announces
  std::uint8_t edit_count = 0;
  std::uint8_t waiting_count = 0;
  std::uint8_t early_count = 0;
  bool has_timestamp = false;
  bool fin = false;         // FIN taken in order; received, forwarded and boundary count it
  bool discarding = false;  // boundary > received: the rest of the PDU is not passed
  bool unverified = false;  // joined in mid-stream: the first data have to be whole PDUs
  bool joined = false;      // … and nothing behind that place was acknowledged yet
  bool parted = false;      // the last request has left in parts, and may not be answered yet
  std::uint8_t marks = 0;   // bit i: a part of the PDU at the boundary ended i octets in front of `forwarded`
  std::uint8_t repeat_count = 0;
  std::uint8_t released_count = 0;  // held tails that went on because their sender repeated them
  std::uint16_t segment_max = 0;    // octets of the sender's largest segment with its options
  std::uint64_t held_since_ns = 0;
  std::uint64_t repeat_ns = UINT64_MAX;  // when an inserted reply is to be repeated
  std::uint32_t need = 0;  // unjudged octets before which nothing new can be said of them; 0: any
  KeptBytes kept{};
  KeptBytes told{};
};

// What a SYN said.
struct SynFacts {
  std::uint32_t isn = 0;
  std::uint32_t timestamp = 0;
  std::uint16_t mss = 0;
  std::uint16_t window = 0;
  std::uint8_t scale = 0;
  bool has_scale = false;
  bool has_timestamp = false;
  bool seen = false;
  bool acked = false;  // by the other side
};

enum class TcpPhase : std::uint8_t {
  NEW = 0,      // no SYN taken yet
  OPENING = 1,  // SYN seen, not both acknowledged
  OPEN = 2,
  DEAD = 3,  // reset or dropped by the engine; what still comes is swallowed until the flow ages
};

// How far the gate looks into the streams; follows from the flow's classification.
enum class Follow : std::uint8_t { UNDECIDED = 0, OPAQUE = 1, OBSERVED = 2, INSPECTED = 3 };

// Seldom touched part of a stream.
struct StreamAside {
  std::array<Edit, position_map_count_max> edits{};            // in order of position
  std::array<WaitingReply, position_map_count_max> waiting{};  // in order of their requests
  std::array<EarlySegment, out_of_order_segment_count_max> early{};
  SynFacts syn{};
};

inline constexpr std::uint64_t never_plain = UINT64_MAX;

struct TcpState {
  // Flow::classification under which the streams are OPEN, INSPECTED and not mapped: the short way is open.
  std::uint64_t plain_for = never_plain;
  TcpPhase phase = TcpPhase::NEW;
  Follow follow = Follow::UNDECIDED;
  bool renumbered = false;             // mapped, and numbers within PDUs have to be adjusted as well
  bool mapped = false;                 // some stream has, or had, an edit: every header has to be translated
  bool blind = false;                  // OBSERVED: the streams could not be followed any more
  bool doubtful = false;               // OBSERVED: a receiver may have taken other bytes than were followed
  bool reset = false;                  // DEAD: both sides were told
  bool challenge_answered = false;     // OPENING: an old connection of the receiver answered the SYN
  std::uint32_t challenge_ack = 0;     // … with this acknowledgement
  const Protocol* protocol = nullptr;  // by which the streams are framed
  std::array<Stream, 2> stream{};      // by side that sends
  std::array<StreamAside, 2> aside{};
};

}  // namespace conduit
