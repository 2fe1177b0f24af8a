// What the parts of one worker share: moment, image, pools, counters, sink. Internal to the engine. The parts
// are free functions over this context, one file each: classify, judge, tcp_gate, datagram_gate,
// address_gate, link_gate, events.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/engine/engine.hpp"
#include "dataplane/engine/flow.hpp"
#include "dataplane/engine/frame.hpp"

namespace conduit {

class FlowTable;         // flow_table.hpp
class BlockPool;         // block_pool.hpp; constructed by the worker as BlockPool(block_count)
class EventFolder;       // event_folder.hpp
class BackOffTable;      // back_off_table.hpp
class MacTable;          // mac_table.hpp
class FragmentTable;     // fragment_gate.hpp
class AssociationTable;  // association_table.hpp
class AssemblyPool;      // assembly_pool.hpp

struct WorkerContext {
  std::uint64_t now_ns = 0;
  std::uint64_t wall_ns = 0;
  TimeQuality time_quality = TimeQuality::UNKNOWN;
  const RuleImage* image = nullptr;
  bool island = false;
  std::uint64_t classification =
      0;  // what a flow's classification depends on: classification_of(image, island)
  EngineConfig config{};
  LimitTable* limits = nullptr;
  FlowTable* flows = nullptr;
  BlockPool* blocks = nullptr;
  EventFolder* folder = nullptr;
  BackOffTable* back_off = nullptr;
  MacTable* macs = nullptr;
  FragmentTable* fragments = nullptr;
  AssemblyPool* assemblies = nullptr;
  AssociationTable* association_table = nullptr;  // null: nothing can be opened
  FrameSink* sink = nullptr;
  EventRing* ring = nullptr;
  WorkerCounters counters{};
  std::uint64_t event_sequence = 0;
  std::uint64_t ring_head = 0;   // own copy of ring->head
  std::uint64_t flow_count = 0;  // flows ever made: their ids

  // When the strays of an asset (by its number) would have been answered one by one (GCRA).
  std::array<std::uint64_t, stray_source_count> stray_ns{};

  // The judge's working memory: too large to be laid anew for each PDU.
  PduHead pdu_head{};
  PduState pdu_state{};
  Operation operation{};
  Associations associations{};

  // Sends a frame of the engine's own making; counts one that found no room.
  bool emit(std::uint8_t port, Bytes frame) noexcept;
};

// 0: no image.
[[nodiscard]] inline std::uint64_t classification_of(const RuleImage* image, bool island) noexcept {
  return image == nullptr ? 0 : image->header().generation * 2 + 2 + (island ? 1U : 0U);
}

// --- judge.cpp
// -------------------------------------------------------------------------------------------------------

struct Judgement {
  Verdict verdict = Verdict::DROP;  // what to do on the wire: FORWARD in a conduit that only observes
  Reason reason = Reason::NONE;
  std::uint32_t reply_size = 0;  // REFUSE: octets of the negative reply in `reply`
};

// Judges one PDU whose judged part is complete, sent by side `sender`: decodes, matches every operation,
// pairs responses with requests (law 5), asks rate limits, moves the session on, writes the event and counts.
// Call exactly once per PDU. `reply` receives the negative reply of a REFUSE; a REFUSE that has none comes
// back as RESET (TCP) or DROP. `removable`: the PDU can still be taken out of its stream; else REFUSE and
// DISCARD come back as RESET.
[[nodiscard]] Judgement judge_pdu(WorkerContext& context, Flow& flow, Side sender, const ParsedFrame& frame,
                                  Bytes judged, std::uint32_t pdu_size, std::span<std::uint8_t> reply,
                                  bool removable = true) noexcept;

// The same for a PDU that Protocol::usual has read: into `context.pdu_head` and `context.operation`.
[[nodiscard]] Judgement judge_usual(WorkerContext& context, Flow& flow, Side sender, const ParsedFrame& frame,
                                    Bytes pdu, std::span<std::uint8_t> reply) noexcept;

// Bytes that are no PDU of the flow's protocol: event, count, verdict (RESET or DROP; FORWARD where it only
// observes).
[[nodiscard]] Judgement judge_malformed(WorkerContext& context, Flow& flow, Side sender,
                                        const ParsedFrame& frame, Bytes bytes, const char* field,
                                        bool mismatch) noexcept;

// --- classify.cpp
// ----------------------------------------------------------------------------------------------------

// Fills service, conduit, protocol, assets, client side of a flow whose key and gateway ports are set, by the
// image in force. NONE: some rule could permit it (or its conduit only observes: then `flow.observe`). Used
// for new flows and, after a swap, for living ones (law 6). `source_mac` is that of side 0.
[[nodiscard]] Reason classify(const WorkerContext& context, Flow& flow, const Mac& source_mac) noexcept;

// --- flows.cpp
// -------------------------------------------------------------------------------------------------------

// Takes and classifies a record for the flow that `frame`, sent by side `sender`, belongs to (0: its sender
// opened it). Null: `reason` says why, nothing has been reported yet.
[[nodiscard]] Flow* open_flow(WorkerContext& context, const ParsedFrame& frame, Side sender, FlowState state,
                              Reason& reason) noexcept;
// After a change of `flow.state` or `flow.timer_ns`: counts, files its timer anew; FREE: releases and unlinks
// it. The worker does so after tcp_gate and tcp_timer; whoever changes a flow elsewhere does it himself. The
// flow may be gone afterwards.
void settle_flow(WorkerContext& context, Flow& flow) noexcept;
// May a connection that is over be opened anew on the same ports? What open_flow asks of every connection:
// room for one more, back-off, rate. NONE: yes.
[[nodiscard]] Reason check_reopening(WorkerContext& context, const Flow& flow) noexcept;
// A flow was reset for what it carried: repeated resets of an address pair hold back its SYNs
// (TCP_BACKED_OFF).
void note_reset(WorkerContext& context, const Flow& flow) noexcept;

// --- events.cpp
// ------------------------------------------------------------------------------------------------------

// Denial of a frame below PDU level: counter, event, observer. `flow` may be null. Returns true if the
// conduit only observes and the frame has to go on.
bool deny_frame(WorkerContext& context, const Flow* flow, const ParsedFrame& frame, Verdict verdict,
                Reason reason) noexcept;

}  // namespace conduit
