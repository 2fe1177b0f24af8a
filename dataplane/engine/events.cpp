#include "dataplane/engine/events.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/engine/checksum.hpp"
#include "dataplane/engine/event_folder.hpp"

namespace conduit {
namespace {

// The producer's side of the ring. Nothing that is read from shared memory is trusted: a tail that is ahead
// of the head or too far behind it is a full ring.
void push(WorkerContext& context, EventRecord& record) noexcept {
  record.sequence = ++context.event_sequence;
  record.monotonic_ns = context.now_ns;
  record.wall_ns = context.wall_ns;
  record.time_quality = context.time_quality;
  EventRing* const ring = context.ring;
  if (ring == nullptr) return;
  const std::uint64_t tail = ring->tail.load(std::memory_order_acquire);
  if (context.ring_head - tail >= event_ring_count) {
    ++context.counters.events_lost;
    ring->lost.store(context.counters.events_lost, std::memory_order_relaxed);
    return;
  }
  auto* const slots = reinterpret_cast<std::uint8_t*>(ring + 1);
  std::memcpy(slots + (context.ring_head % event_ring_count) * sizeof(EventRecord), &record, sizeof record);
  ++context.ring_head;
  ring->head.store(context.ring_head, std::memory_order_release);
  ++context.counters.events_written;
}

void fill_image(const WorkerContext& context, EventRecord& record, std::uint32_t rule) noexcept {
  record.worker = context.config.worker_index;
  record.boot_id = context.config.boot_id;
  if (context.image == nullptr) return;
  const ImageHeader& header = context.image->header();
  record.generation = header.generation;
  for (std::size_t i = 0; i < 8; ++i) {
    record.policy_hash_head = (record.policy_hash_head << 8) | header.policy_hash[i];
  }
  if (rule < context.image->rules().size()) {
    record.rule = rule;
    record.policy_rule = context.image->rules()[rule].policy_rule;
    record.conduit = context.image->rules()[rule].conduit;
  }
}

void fill_frame(EventRecord& record, const ParsedFrame& frame) noexcept {
  record.source = frame.source;
  record.destination = frame.destination;
  record.source_mac = frame.source_mac;
  record.destination_mac = frame.destination_mac;
  record.source_port = frame.source_port;
  record.destination_port = frame.destination_port;
  record.ethertype = frame.ethertype;
  record.ingress_port = frame.port_in;
  record.ip_protocol = frame.ip_protocol;
  record.vlan = frame.vlan;
}

// Side that sent the frame; frames that the flow has no part in cannot come here.
[[nodiscard]] Side sender_of(const Flow& flow, const ParsedFrame& frame) noexcept {
  return frame.source == flow.key.address[0] && frame.source_port == flow.key.l4_port[0] ? 0 : 1;
}

void fill_flow(EventRecord& record, const Flow& flow, const ParsedFrame* frame) noexcept {
  record.flags |= EVENT_HAS_FLOW;
  record.flow_id = flow.id;
  record.conduit = flow.conduit;
  const Side sender = frame == nullptr ? Side{0} : sender_of(flow, *frame);
  record.source_asset = flow.asset[sender];
  record.destination_asset = flow.asset[other(sender)];
  if (frame != nullptr) return;
  record.source = flow.key.address[0];
  record.destination = flow.key.address[1];
  record.source_mac = flow.mac[0];
  record.destination_mac = flow.mac[1];
  record.source_port = flow.key.l4_port[0];
  record.destination_port = flow.key.l4_port[1];
  record.ethertype = flow.ip_version == 4 ? 0x0800 : 0x86DD;
  record.ingress_port = flow.gateway_port[0];
  record.ip_protocol = flow.key.ip_protocol;
  record.vlan = flow.key.vlan;
}

void find_assets(const WorkerContext& context, EventRecord& record, const ParsedFrame& frame) noexcept {
  if (context.image == nullptr) return;
  const RuleImage& image = *context.image;
  if (frame.ip_version != 0) {
    record.source_asset = image.find_asset(frame.port_in, frame.vlan, frame.source);
    record.destination_asset = image.find_asset(frame.port_out, frame.vlan, frame.destination);
  }
  if (record.source_asset == none_index) {
    record.source_asset = image.find_asset_by_mac(frame.port_in, frame.vlan, frame.source_mac);
  }
  const auto assets = image.assets();
  if (record.source_asset < assets.size() && record.destination_asset < assets.size()) {
    record.conduit =
        image.find_conduit(assets[record.source_asset].zone, assets[record.destination_asset].zone);
  }
}

[[nodiscard]] std::uint64_t scalar_of(const Value& value) noexcept {
  switch (value.kind) {
    case ValueKind::SIGNED:
    case ValueKind::UNSIGNED:
    case ValueKind::FLOAT: return value.u;
    case ValueKind::BITS: return value.data.empty() ? 0 : value.data[0] & 1U;
    case ValueKind::WORDS: return value.data.size() < 2 ? 0 : load_u16be(value.data.data());
    case ValueKind::BYTES: {
      std::uint64_t head = 0;
      for (std::size_t i = 0; i < std::min<std::size_t>(value.data.size(), 8); ++i) {
        head = (head << 8) | value.data[i];
      }
      return head;
    }
    case ValueKind::NONE:
    case ValueKind::UNREADABLE: return 0;
  }
  return 0;
}

void fill_operation(EventRecord& record, const Operation& operation, std::uint32_t index) noexcept {
  record.flags |= EVENT_HAS_OPERATION;
  record.protocol = operation.protocol;
  record.access = operation.access;
  record.dimensions_present = operation.present;
  record.value_kind = operation.value.kind;
  record.function = operation.function;
  record.operation_index = index;
  record.value = scalar_of(operation.value);
  record.value_count = operation.value.count;
  for (std::size_t i = 0; i < dimension_count; ++i) {
    if (operation.has(i)) record.dimension[i] = operation.dimension[i];
  }
  std::size_t used = 0;
  for (std::size_t i = 0; i < key_count; ++i) {
    if (((operation.keys_present >> i) & 1U) == 0) continue;
    const Bytes key = operation.key[i].data;
    record.key_sizes[i] = static_cast<std::uint16_t>(std::min<std::size_t>(key.size(), 0xFFFF));
    const std::size_t size = std::min(key.size(), event_key_size - used);
    if (size > 0) std::memcpy(record.keys.data() + used, key.data(), size);
    used += size;
  }
}

void fill_detail(EventRecord& record, const EventDetail& detail) noexcept {
  record.verdict = detail.verdict;
  record.reason = detail.reason;
  if (detail.observed) record.flags |= EVENT_OBSERVED;
  if (detail.client_sent) record.flags |= EVENT_CLIENT_SENT;
  record.protocol = detail.protocol;
  record.pdu_size = detail.pdu_size;
  record.pdu_head_size = static_cast<std::uint16_t>(std::min(detail.pdu.size(), event_pdu_size));
  if (record.pdu_head_size > 0) {
    std::memcpy(record.pdu_head.data(), detail.pdu.data(), record.pdu_head_size);
  }
  if (detail.field != nullptr) {
    const std::size_t size = std::min(std::strlen(detail.field), record.field.size());
    std::memcpy(record.field.data(), detail.field, size);
    record.field_size = static_cast<std::uint16_t>(size);
  }
  if (detail.operation != nullptr) fill_operation(record, *detail.operation, detail.operation_index);
}

void report_frame(WorkerContext& context, const Flow* flow, const ParsedFrame& frame, Verdict verdict,
                  Reason reason, bool observed) noexcept {
  EventRecord names;  // to find assets the same way
  if (flow != nullptr) {
    fill_flow(names, *flow, &frame);
  } else {
    find_assets(context, names, frame);
  }
  JudgementReport report;
  report.verdict = verdict;
  report.reason = reason;
  report.observed = observed;
  report.frame = &frame;
  report.conduit = names.conduit;
  report.source_asset = names.source_asset;
  report.destination_asset = names.destination_asset;
  if (flow != nullptr) {
    report.client_sent = sender_of(*flow, frame) == flow->client_side;
    report.protocol = flow->protocol != nullptr ? flow->protocol->id : ProtocolId::NONE;
  }
  context.config.observer->on_judgement(report);
}

void fold(WorkerContext& context, const Flow* flow, const ParsedFrame& frame, Verdict verdict, Reason reason,
          bool observed) noexcept {
  const FoldKey key{frame.source, frame.destination, frame.source_mac, frame.destination_port,
                    reason,       observed};
  const EventFolder::Answer answer = context.folder->note(key, context.now_ns);
  if (!answer.first) return;
  EventRecord& record = *answer.record;
  record = EventRecord{};
  fill_image(context, record, none_index);
  fill_frame(record, frame);
  if (flow != nullptr) {
    fill_flow(record, *flow, &frame);
  } else {
    find_assets(context, record, frame);
  }
  EventDetail detail;
  detail.verdict = verdict;
  detail.reason = reason;
  detail.observed = observed;
  detail.client_sent = flow != nullptr && sender_of(*flow, frame) == flow->client_side;
  if (flow != nullptr && flow->protocol != nullptr) detail.protocol = flow->protocol->id;
  if (frame.payload_offset <= frame.size && frame.payload_size <= frame.size - frame.payload_offset) {
    detail.pdu = frame.payload();
  }
  fill_detail(record, detail);
  push(context, record);
}

}  // namespace

void write_event(WorkerContext& context, const Flow* flow, const ParsedFrame* frame,
                 const EventDetail& detail) noexcept {
  EventRecord record;
  fill_image(context, record, detail.rule);
  if (frame != nullptr) fill_frame(record, *frame);
  if (flow != nullptr) {
    fill_flow(record, *flow, frame);
  } else if (frame != nullptr) {
    find_assets(context, record, *frame);
  }
  fill_detail(record, detail);
  push(context, record);
}

void flush_folded_events(WorkerContext& context, std::uint32_t budget) noexcept {
  while (budget-- > 0) {
    EventRecord* const record = context.folder->flush(context.now_ns);
    if (record == nullptr) return;
    record->flags |= EVENT_FOLDED;
    push(context, *record);
  }
}

void note_frame(WorkerContext& context, const ParsedFrame& frame, Reason reason) noexcept {
  ++context.counters.reason[static_cast<std::size_t>(reason)];
  fold(context, nullptr, frame, Verdict::FORWARD, reason, false);
}

void note_expired(WorkerContext& context, const Flow& flow, Reason reason) noexcept {
  ParsedFrame opening;  // what is known of the frame that made the flow
  opening.source = flow.key.address[0];
  opening.destination = flow.key.address[1];
  opening.source_port = flow.key.l4_port[0];
  opening.destination_port = flow.key.l4_port[1];
  opening.source_mac = flow.mac[0];
  opening.destination_mac = flow.mac[1];
  opening.vlan = flow.key.vlan;
  opening.ip_version = flow.ip_version;
  opening.ip_protocol = flow.key.ip_protocol;
  opening.port_in = flow.gateway_port[0];
  ++context.counters.reason[static_cast<std::size_t>(reason)];
  fold(context, &flow, opening, Verdict::RESET, reason, flow.observe);
}

bool deny_frame(WorkerContext& context, const Flow* flow, const ParsedFrame& frame, Verdict verdict,
                Reason reason) noexcept {
  const bool observed = flow != nullptr && flow->observe;
  ++context.counters.reason[static_cast<std::size_t>(reason)];
  if (flow != nullptr && flow->conduit != none_index) {
    ConduitCounters& counters = conduit_counters(context, flow->conduit);
    ++(observed ? counters.observed : counters.denied);
  }
  fold(context, flow, frame, verdict, reason, observed);
  if (context.config.observer != nullptr) report_frame(context, flow, frame, verdict, reason, observed);
  return observed;
}

bool WorkerContext::emit(std::uint8_t port, Bytes frame) noexcept {
  if (!sink->emit(port, frame)) {
    ++counters.reason[static_cast<std::size_t>(Reason::OUTPUT_FULL)];
    return false;
  }
  if (port < port_count_max) {
    ++counters.port[port].frames_out;
    counters.port[port].octets_out += frame.size();
  }
  return true;
}

}  // namespace conduit
