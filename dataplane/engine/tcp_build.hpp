// TCP segments that the engine makes or changes. Header fields and checksums only: what they mean is the
// gate's business.
#pragma once

#include <span>

#include "dataplane/engine/flow.hpp"
#include "dataplane/engine/frame.hpp"

namespace conduit {

struct WorkerContext;

// A segment in the name of side `from`, in the numbers of its receiver.
struct OwnSegment {
  Side from = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  bool has_timestamp = false;
  std::uint32_t timestamp = 0;
  std::uint32_t timestamp_echo = 0;
  Bytes payload{};
};

// Builds the frame (MACs, tags, addresses and ports as the flow knows them) and sends it. False: lost.
bool send_own(WorkerContext& context, const Flow& flow, const OwnSegment& segment) noexcept;

// Sends a segment with the headers of `like` (as they stand in its buffer now), another sequence number,
// flags and payload. False: lost.
bool send_like(WorkerContext& context, const ParsedFrame& like, std::uint32_t sequence, std::uint8_t flags,
               Bytes payload) noexcept;

// Takes the payload out of the frame, in place: a pure ACK remains. Checksums are left to `finish_changed`.
void strip_payload(ParsedFrame& frame) noexcept;
// Writes one block of the frame's SACK option.
void set_sack_block(ParsedFrame& frame, std::uint8_t index, std::uint32_t left, std::uint32_t right) noexcept;
// Leaves the first `count` blocks of the SACK option, NOPs in place of the others.
void shorten_sack(ParsedFrame& frame, std::uint8_t count) noexcept;
// Overwrites a Fast Open option with NOPs.
void clear_fast_open(ParsedFrame& frame) noexcept;
void set_sequence(ParsedFrame& frame, std::uint32_t sequence) noexcept;
void set_acknowledgement(ParsedFrame& frame, std::uint32_t acknowledgement) noexcept;
void set_window(ParsedFrame& frame, std::uint16_t window) noexcept;
void clear_urgent(ParsedFrame& frame) noexcept;
void clear_fin(ParsedFrame& frame) noexcept;
// After changes in place: length fields, padding and both checksums.
void finish_changed(ParsedFrame& frame) noexcept;

}  // namespace conduit
