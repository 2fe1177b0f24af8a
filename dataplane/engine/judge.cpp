// The judge: one PDU in, one verdict out (DESIGN §5, laws 4 and 5).
#include <algorithm>

#include "dataplane/engine/assembly_pool.hpp"
#include "dataplane/engine/association_judge.hpp"
#include "dataplane/engine/classify.hpp"
#include "dataplane/engine/events.hpp"
#include "dataplane/engine/worker_context.hpp"
#include "protocols/core/mutation.hpp"

namespace conduit {
namespace {

constexpr std::uint8_t number_tcp = 6;

// One PDU under judgement.
struct Case {
  WorkerContext& context;
  Flow& flow;
  const ParsedFrame& frame;
  Bytes pdu;
  std::uint32_t pdu_size;
  Side sender;
  Role role;
  const PduHead& head;    // in `context`
  bool removable = true;  // it can still be taken out of its stream
  bool told = false;      // the one operation that the PDU has was set already
  std::uint32_t operation_count = 0;
  std::uint32_t rule = none_index;     // that permitted the last operation, or came nearest
  const char* field = nullptr;         // malformed: at fault
  bool limited = false;                // some rule has a rate limit
  bool recorded = false;               // some rule wants permitted operations recorded
  std::uint32_t service = none_index;  // by which the PDU is judged
};

[[nodiscard]] bool over_tcp(const Case& judged) noexcept { return judged.flow.key.ip_protocol == number_tcp; }

// Did the client of the exchange send it? Where both sides may ask, that is who asks.
[[nodiscard]] bool client_sent(const Case& judged) noexcept {
  if (!judged.flow.protocol->peers || !judged.head.well_formed) return judged.role == Role::CLIENT;
  return judged.head.kind == PduKind::REQUEST;
}

// What reports may show of it.
[[nodiscard]] Bytes shown(const Case& judged) noexcept {
  return judged.pdu.first(std::min<std::size_t>(judged.pdu.size(), judged.head.shown_size));
}

void count_reason(Case& judged, Reason reason) noexcept {
  if (mutated(Mutation::REASON_NOT_COUNTED) && reason != Reason::OPERATION_PERMITTED) return;
  ++judged.context.counters.reason[static_cast<std::size_t>(reason)];
}

void report(const Case& judged, Verdict verdict, Reason reason, bool observed) noexcept {
  JudgementReport report;
  report.verdict = verdict;
  report.reason = reason;
  report.observed = observed;
  report.client_sent = client_sent(judged);
  report.kind = judged.head.kind;
  report.protocol = judged.flow.protocol->id;
  report.rule = judged.rule;
  report.conduit = judged.flow.conduit;
  report.source_asset = judged.flow.asset[judged.sender];
  report.destination_asset = judged.flow.asset[other(judged.sender)];
  report.pdu_size = judged.pdu_size;
  report.operation_count = judged.operation_count;
  report.pdu = judged.pdu;
  report.operation = judged.operation_count > 0 ? &judged.context.operation : nullptr;
  judged.context.config.observer->on_judgement(report);
}

void write_pdu_event(const Case& judged, Verdict verdict, Reason reason, bool observed) noexcept {
  EventDetail detail;
  detail.verdict = verdict;
  detail.reason = reason;
  detail.observed = observed;
  detail.client_sent = client_sent(judged);
  detail.rule = judged.rule;
  detail.pdu_size = judged.pdu_size;
  detail.pdu = shown(judged);
  detail.protocol = judged.flow.protocol->id;
  detail.field = judged.field;
  if (judged.operation_count > 0) {
    detail.operation = &judged.context.operation;
    detail.operation_index = judged.operation_count - 1;
  }
  write_event(judged.context, &judged.flow, &judged.frame, detail);
}

// --- operations ------------------------------------------------------------------------------------------

[[nodiscard]] Next next_operation(Case& judged) noexcept {
  if (judged.told) return judged.operation_count == 0 ? Next::OPERATION : Next::END;
  WorkerContext& context = judged.context;
  return judged.flow.protocol->next(judged.pdu, context.pdu_state, context.operation);
}

// For mutations that look at a rule less closely than the law asks.
[[nodiscard]] bool forgiven(Case& judged, std::uint32_t group, const MatchResult& denied,
                            MatchMoment moment) noexcept {
  if (mutated(Mutation::UNKNOWN_FUNCTION_PERMITTED)) return denied.reason == Reason::FUNCTION_NOT_PERMITTED;
  if (mutated(Mutation::RANGE_IGNORED)) return denied.reason == Reason::OBJECT_NOT_PERMITTED;
  const std::uint8_t dimension = judged.flow.protocol->range_dimension;
  if (!mutated(Mutation::UNION_OF_RULES) || !judged.context.operation.has(dimension)) return false;
  Operation point = judged.context.operation;
  Range& range = point.dimension[dimension];
  for (const std::uint64_t last = range.last; range.first <= last; ++range.first) {
    range.last = range.first;
    if (judged.context.image->match(group, point, moment).rule == none_index) return false;
  }
  return true;
}

// Every operation has to be permitted by a rule of `group`; stops at the first that is not.
[[nodiscard]] Reason judge_operations(Case& judged, std::uint32_t group) noexcept {
  const RuleImage& image = *judged.context.image;
  const bool island = judged.context.island && !mutated(Mutation::ISLAND_SPARES_FLOWS);
  const MatchMoment moment{judged.context.now_ns, island};
  Next next = next_operation(judged);
  for (; next == Next::OPERATION; next = next_operation(judged)) {
    ++judged.operation_count;
    const MatchResult result = image.match(group, judged.context.operation, moment);
    if (result.rule == none_index && !forgiven(judged, group, result, moment)) {
      judged.rule = result.nearest_rule;
      return result.reason;
    }
    if (result.rule == none_index) continue;  // forgiven
    judged.rule = result.rule;
    const RuleRecord& rule = image.rules()[result.rule];
    judged.limited = judged.limited || rule.limit != none_index;
    if (mutated(Mutation::ONLY_FIRST_OPERATION)) return Reason::NONE;
    judged.recorded = judged.recorded || (rule.flags & (RULE_RECORD_EVERY | RULE_RECORD_FIRST)) != 0;
  }
  if (next == Next::MALFORMED) {
    judged.field = "operation";
    return Reason::PDU_MALFORMED;
  }
  // A request in which nothing is asked is nothing that a rule could permit.
  return judged.operation_count == 0 ? Reason::FUNCTION_NOT_PERMITTED : Reason::NONE;
}

// Goes through the operations of a permitted PDU once more. `act` says whether to go on.
template <typename Act>
void again(Case& judged, std::uint32_t group, Act act) noexcept {
  const RuleImage& image = *judged.context.image;
  const MatchMoment moment{judged.context.now_ns, judged.context.island};
  (void)judged.flow.protocol->open(judged.pdu, judged.role, judged.flow.quirks, judged.flow.session,
                                   judged.context.pdu_state);
  judged.told = false;
  judged.operation_count = 0;
  while (next_operation(judged) == Next::OPERATION) {
    ++judged.operation_count;
    judged.rule = image.match(group, judged.context.operation, moment).rule;
    if (judged.rule == none_index || !act()) return;
  }
}

// Rate limits are asked only when the whole PDU is permitted otherwise.
[[nodiscard]] Reason take_limits(Case& judged, std::uint32_t group) noexcept {
  Reason reason = Reason::NONE;
  again(judged, group, [&] {
    if (!take_limit(judged.context, judged.rule)) reason = Reason::RATE_EXCEEDED;
    return reason == Reason::NONE;
  });
  return reason;
}

void record_operations(Case& judged, std::uint32_t group) noexcept {
  again(judged, group, [&] {
    const std::uint8_t flags = judged.context.image->rules()[judged.rule].flags;
    const bool first = (flags & RULE_RECORD_FIRST) != 0 && !judged.flow.first_recorded;
    if ((flags & RULE_RECORD_EVERY) == 0 && !first) return true;
    if (first) judged.flow.first_recorded = true;
    count_reason(judged, Reason::OPERATION_PERMITTED);
    write_pdu_event(judged, Verdict::FORWARD, Reason::OPERATION_PERMITTED, false);
    return true;
  });
}

// A piece of a message goes on where some rule permits its function on some object: what it asks is judged
// with the last piece. Pieces that go on are kept.
[[nodiscard]] Reason judge_piece(Case& judged, std::uint32_t group) noexcept {
  WorkerContext& context = judged.context;
  const MatchMoment moment{context.now_ns, context.island};
  if (next_operation(judged) != Next::OPERATION) return Reason::PDU_MALFORMED;
  ++judged.operation_count;
  ++context.counters.operations_judged;
  const MatchResult result = context.image->match_function(group, context.operation, moment);
  judged.rule = result.nearest_rule;
  return result.reason;
}

[[nodiscard]] bool is_piece(const PduHead& head) noexcept {
  return head.assembly == Assembly::FIRST || head.assembly == Assembly::MORE;
}

[[nodiscard]] Reason keep_piece(Case& judged) noexcept {
  return judged.context.assemblies->keep(judged.flow, judged.sender, judged.head.assembly, judged.head.piece,
                                         judged.context.now_ns);
}

[[nodiscard]] Reason judge_by_rules(Case& judged, std::uint32_t group) noexcept {
  if (is_piece(judged.head)) return judge_piece(judged, group);
  const Reason reason = judge_operations(judged, group);
  judged.context.counters.operations_judged += judged.operation_count;
  if (reason != Reason::NONE || !judged.limited) return reason;
  return take_limits(judged, group);
}

// --- requests and responses ------------------------------------------------------------------------------

[[nodiscard]] std::uint32_t now_ms(const Case& judged) noexcept {
  return static_cast<std::uint32_t>(judged.context.now_ns / 1'000'000);
}

[[nodiscard]] bool older(const Flow& flow, const Outstanding& a, const Outstanding& b) noexcept {
  return flow.request_count - a.order > flow.request_count - b.order;
}

// A place for one more request: a free one, or that of the oldest if nobody can be waiting for its answer any
// more.
[[nodiscard]] Outstanding* outstanding_place(Case& judged) noexcept {
  Flow& flow = judged.flow;
  Outstanding* oldest = nullptr;
  for (Outstanding& request : flow.outstanding) {
    if (!request.live) return &request;
    if (oldest == nullptr || older(flow, request, *oldest)) oldest = &request;
  }
  const bool forgotten = mutated(Mutation::REQUEST_FORGOTTEN);
  return forgotten || now_ms(judged) - oldest->since_ms >= outstanding_stale_ms ? oldest : nullptr;
}

[[nodiscard]] bool same_key(const Case& judged, const Outstanding& request) noexcept {
  const std::uint64_t compared = mutated(Mutation::UNIT_IGNORED) ? ~std::uint64_t{0xFF} : ~std::uint64_t{0};
  return request.live && ((request.key ^ judged.head.match_key) & compared) == 0;
}

// Is a request of this key under way? What answers it would be taken for the answer to this one.
[[nodiscard]] bool key_in_use(const Case& judged) noexcept {
  const auto& all = judged.flow.outstanding;
  return std::any_of(all.begin(), all.end(), [&](const Outstanding& request) {
    return same_key(judged, request) && now_ms(judged) - request.since_ms < outstanding_stale_ms;
  });
}

void remember_request(Case& judged, Outstanding& place) noexcept {
  Flow& flow = judged.flow;
  if (!place.live) ++flow.outstanding_count;
  place.key = judged.head.match_key;
  place.detail = judged.head.match_detail;
  place.rule = judged.rule;
  place.order = flow.request_count++;
  place.since_ms = now_ms(judged);
  place.live = true;
}

void forget_request(Flow& flow, Outstanding& request) noexcept {
  if (mutated(Mutation::REQUEST_NEVER_FORGOTTEN)) return;
  request.live = false;
  --flow.outstanding_count;
}

// A client that uses a key again at once waits for both answers, in order; one that waited before it did so
// has given the first one up.
[[nodiscard]] bool given_up(const Outstanding& request, const Outstanding& later) noexcept {
  return later.since_ms - request.since_ms >= outstanding_given_up_ms ||
         mutated(Mutation::ANSWERS_OUT_OF_ORDER);
}

// The request that this response answers: the oldest with its key, or, where that one has been given up, the
// oldest that it fits.
[[nodiscard]] Outstanding* answered_request(Case& judged, bool& key_known) noexcept {
  Flow& flow = judged.flow;
  Outstanding* oldest = nullptr;
  Outstanding* best = nullptr;
  std::uint32_t left = flow.outstanding_count;
  for (Outstanding& request : flow.outstanding) {
    if (left == 0) break;
    if (!request.live) continue;
    --left;
    if (!same_key(judged, request)) continue;
    key_known = true;
    if (oldest == nullptr || older(flow, request, *oldest)) oldest = &request;
    Quirks quirks = flow.quirks;
    if (mutated(Mutation::UNIT_IGNORED)) quirks = static_cast<Quirks>(~0U);
    const bool fits = request.detail == judged.head.match_detail || mutated(Mutation::ANSWER_NOT_COMPARED) ||
                      flow.protocol->matches(judged.pdu, request.detail, quirks);
    if (fits && (best == nullptr || older(flow, request, *best))) best = &request;
  }
  return best == nullptr || best == oldest || given_up(*oldest, *best) ? best : nullptr;
}

// No answer follows one to a later request of the same key.
void forget_answered(Case& judged, Outstanding& answered) noexcept {
  Flow& flow = judged.flow;
  for (Outstanding& request : flow.outstanding) {
    if (flow.outstanding_count <= 1) break;
    if (same_key(judged, request) && older(flow, request, answered)) forget_request(flow, request);
  }
  forget_request(flow, answered);
}

// All that a response reports has to be readable; what it says follows its request.
[[nodiscard]] bool response_readable(Case& judged) noexcept {
  Next next = next_operation(judged);
  for (; next == Next::OPERATION; next = next_operation(judged)) ++judged.operation_count;
  if (next == Next::MALFORMED) judged.field = "operation";
  return next == Next::END;
}

// --- associations ----------------------------------------------------------------------------------------

[[nodiscard]] Reason judge_association(Case& judged) noexcept {
  if (judged.head.association == 0) return Reason::NONE;
  return judge_association(judged.context, judged.flow, judged.role, judged.head, judged.rule);
}

// Keeps the operation of a permitted request whose answer may open associations.
[[nodiscard]] Reason expect_association(Case& judged, std::uint32_t group) noexcept {
  bool kept = false;
  if (judged.context.association_table == nullptr) return Reason::ASSOCIATION_FULL;
  again(judged, group, [&] {
    kept =
        judged.context.association_table->expect(ends_of(judged.flow), judged.flow.id, judged.head.match_key,
                                                 judged.context.operation, judged.context.now_ns);
    return false;
  });
  return kept ? Reason::NONE : Reason::ASSOCIATION_FULL;
}

void note_associations(Case& judged) noexcept {
  const Associations& told = judged.context.associations;
  if (judged.context.association_table == nullptr) return;
  AssociationTable& table = *judged.context.association_table;
  for (std::size_t i = 0; i < told.closed_count && i < told.closed.size(); ++i)
    table.close(ends_of(judged.flow), told.closed[i]);
  if (table.expected() != 0 && judged.head.kind == PduKind::RESPONSE)
    table.answered(judged.flow.id, judged.head.match_key, told, judged.context.now_ns);
}

[[gnu::noinline]] void tell_session(Case& judged) noexcept {
  const Protocol& protocol = *judged.flow.protocol;
  Associations& told = judged.context.associations;
  told.opened_count = 0;
  told.closed_count = 0;
  protocol.accept(judged.pdu, judged.role, judged.flow.session, told);
  note_associations(judged);
}

inline void accept(Case& judged) noexcept {
  if (judged.flow.protocol->accept != nullptr) tell_session(judged);
}

// --- outcomes --------------------------------------------------------------------------------------------

[[nodiscard]] Judgement permit(Case& judged) noexcept {
  accept(judged);
  ConduitCounters& counters = conduit_counters(judged.context, judged.flow.conduit);
  ++counters.messages_inspected;
  counters.octets_inspected += judged.pdu_size;
  if (judged.context.config.observer != nullptr) report(judged, Verdict::FORWARD, Reason::NONE, false);
  return {Verdict::FORWARD, Reason::NONE, 0};
}

// What can be done on this transport: a datagram is dropped where a stream is reset or loses a PDU.
[[nodiscard]] Verdict on_transport(const Case& judged, Verdict verdict) noexcept {
  const bool takes_out = verdict == Verdict::REFUSE || verdict == Verdict::DISCARD;
  if (takes_out && !judged.removable) return Verdict::RESET;
  if (over_tcp(judged) || verdict == Verdict::REFUSE) return verdict;
  return Verdict::DROP;
}

[[nodiscard]] Judgement deny(Case& judged, Verdict verdict, Reason reason,
                             std::uint32_t reply_size) noexcept {
  const bool observed = judged.flow.observe;
  count_reason(judged, reason);
  ConduitCounters& counters = conduit_counters(judged.context, judged.flow.conduit);
  if (!mutated(Mutation::DENIAL_NOT_COUNTED)) ++(observed ? counters.observed : counters.denied);
  if (!mutated(Mutation::EVENT_LOST)) write_pdu_event(judged, verdict, reason, observed);
  if (judged.context.config.observer != nullptr) report(judged, verdict, reason, observed);
  if (!observed) return {verdict, reason, reply_size};
  if (judged.head.well_formed && reason != Reason::PDU_MALFORMED) accept(judged);  // it goes on all the same
  ++counters.messages_inspected;
  counters.octets_inspected += judged.pdu_size;
  return {Verdict::FORWARD, reason, 0};
}

[[nodiscard]] Judgement deny_malformed(Case& judged, Reason reason) noexcept {
  if (mutated(Mutation::MALFORMED_PDU_PERMITTED)) return permit(judged);
  return deny(judged, over_tcp(judged) ? Verdict::RESET : Verdict::DROP, reason, 0);
}

[[nodiscard]] Judgement deny_request(Case& judged, Reason reason, std::span<std::uint8_t> reply) noexcept {
  if (reason == Reason::PDU_MALFORMED) return deny_malformed(judged, reason);
  const Flow& flow = judged.flow;
  const std::uint32_t service = judged.service != none_index ? judged.service : flow.service;
  Verdict verdict = service != none_index ? judged.context.image->services()[service].on_deny
                                          : judged.context.image->conduits()[flow.conduit].on_deny;
  std::uint32_t reply_size = 0;
  if (verdict == Verdict::REFUSE && !judged.head.answered) {
    verdict = Verdict::DISCARD;  // nobody waits for an answer
  } else if (verdict == Verdict::REFUSE) {
    const Protocol& protocol = *flow.protocol;
    const std::size_t size = protocol.refuse != nullptr
                                 ? protocol.refuse(judged.pdu, reason, flow.session, reply)
                                 : std::size_t{0};
    reply_size = static_cast<std::uint32_t>(std::min(size, reply.size()));
    if (reply_size == 0) verdict = Verdict::RESET;
  }
  return deny(judged, on_transport(judged, verdict), reason, reply_size);
}

// The rules by which the sender's requests are judged. NONE: `group` is set, `judged.service` too.
[[nodiscard]] Reason find_rules(Case& judged, std::uint32_t& group) noexcept {
  const Flow& flow = judged.flow;
  if (flow.service == none_index) return Reason::FLOW_UNDOCUMENTED;
  const std::span<const ServiceRecord> services = judged.context.image->services();
  judged.service = flow.service;
  group = services[flow.service].request_group;
  if (judged.sender == flow.client_side) return Reason::NONE;
  if (!flow.protocol->peers) return Reason::WRONG_DIRECTION;
  // The other side asks as well: as the client of a service of its own, or as a server that speaks unasked.
  group = services[flow.service].unsolicited_group;
  if (flow.peer_service == none_index) return Reason::NONE;
  judged.service = flow.peer_service;
  group = services[flow.peer_service].request_group;
  return Reason::NONE;
}

[[nodiscard]] Judgement judge_request(Case& judged, std::span<std::uint8_t> reply) noexcept {
  const Flow& flow = judged.flow;
  std::uint32_t group = 0;
  Reason reason = find_rules(judged, group);
  if (reason == Reason::NONE) reason = judge_association(judged);
  if (reason == Reason::NONE) reason = judge_by_rules(judged, group);
  const bool unasked = judged.sender != flow.client_side && flow.peer_service == none_index;
  if (unasked && reason == Reason::FUNCTION_NOT_PERMITTED) reason = Reason::UNSOLICITED_NOT_PERMITTED;
  const bool piece = is_piece(judged.head);
  if (reason == Reason::NONE && judged.head.assembly == Assembly::FIRST && key_in_use(judged)) {
    judged.field = "key of a request under way";
    reason = Reason::PDU_MALFORMED;
  }
  if (piece && (reason == Reason::NONE || flow.observe)) {
    const Reason kept = keep_piece(judged);
    if (reason == Reason::NONE) reason = kept;
  }
  const bool answered = judged.head.answered && !piece;
  Outstanding* const place = answered ? outstanding_place(judged) : nullptr;
  if (reason == Reason::NONE && answered && place == nullptr) reason = Reason::OUTSTANDING_FULL;
  if (reason == Reason::NONE && judged.head.opens) reason = expect_association(judged, group);
  // In a conduit that only observes, a denied request goes on as well, and its answer has to find it.
  const bool remembered =
      reason == Reason::NONE || flow.observe || mutated(Mutation::REFUSED_REQUEST_REMEMBERED);
  if (place != nullptr && remembered) remember_request(judged, *place);
  if (reason != Reason::NONE) return deny_request(judged, reason, reply);
  const Judgement judgement = permit(judged);
  if (judged.recorded) record_operations(judged, group);
  return judgement;
}

[[nodiscard]] Judgement judge_response(Case& judged) noexcept {
  Flow& flow = judged.flow;
  if (judged.sender == flow.client_side && !flow.protocol->peers) {
    return deny(judged, on_transport(judged, Verdict::DISCARD), Reason::WRONG_DIRECTION, 0);
  }
  bool key_known = false;
  Outstanding* const request = answered_request(judged, key_known);
  if (request == nullptr && mutated(Mutation::RESPONSE_WITHOUT_REQUEST)) return permit(judged);
  if (request == nullptr) {
    const Reason reason = key_known ? Reason::RESPONSE_MISMATCHED : Reason::RESPONSE_UNSOLICITED;
    return deny(judged, on_transport(judged, Verdict::DISCARD), reason, 0);
  }
  judged.rule = request->rule;
  const Reason reason = judge_association(judged);
  if (reason != Reason::NONE) return deny(judged, on_transport(judged, Verdict::DISCARD), reason, 0);
  if (!response_readable(judged)) return deny_malformed(judged, Reason::PDU_MALFORMED);
  if (flow.quirks != QUIRK_NONE && !flow.protocol->matches(judged.pdu, request->detail, QUIRK_NONE)) {
    ++judged.context.counters.quirks_used;
  }
  if (judged.head.kind == PduKind::RESPONSE) forget_answered(judged, *request);
  return permit(judged);
}

[[nodiscard]] Judgement judge_unsolicited(Case& judged) noexcept {
  const Flow& flow = judged.flow;
  const bool implied = judged.head.kind == PduKind::IMPLIED;
  Reason reason = implied ? judge_association(judged) : Reason::UNSOLICITED_NOT_PERMITTED;
  if (implied && reason == Reason::NONE) return permit(judged);
  std::uint32_t group = 0;
  if (!implied && flow.service != none_index) {
    const ServiceRecord& service = judged.context.image->services()[flow.service];
    group = judged.role == Role::CLIENT ? service.request_group : service.unsolicited_group;
    reason = judge_association(judged);
    if (reason == Reason::NONE) reason = judge_by_rules(judged, group);
    if (reason == Reason::FUNCTION_NOT_PERMITTED) reason = Reason::UNSOLICITED_NOT_PERMITTED;
  }
  if (reason == Reason::PDU_MALFORMED) return deny_malformed(judged, reason);
  if (reason != Reason::NONE) {
    return deny(judged, on_transport(judged, Verdict::DISCARD), reason, 0);
  }
  const Judgement judgement = permit(judged);
  if (judged.recorded) record_operations(judged, group);
  return judgement;
}

// A PDU whose head was read and is well formed.
[[nodiscard]] inline Judgement judge_read(Case& judged, std::span<std::uint8_t> reply) noexcept {
  switch (judged.head.kind) {
    case PduKind::REQUEST: return judge_request(judged, reply);
    case PduKind::RESPONSE:
    case PduKind::RESPONSE_PART: return judge_response(judged);
    case PduKind::UNSOLICITED:
    case PduKind::IMPLIED: return judge_unsolicited(judged);
  }
  return deny_malformed(judged, Reason::PDU_MALFORMED);
}

}  // namespace

Judgement judge_pdu(WorkerContext& context, Flow& flow, Side sender, const ParsedFrame& frame, Bytes judged,
                    std::uint32_t pdu_size, std::span<std::uint8_t> reply, bool removable) noexcept {
  const Role role = sender == flow.client_side ? Role::CLIENT : Role::SERVER;
  PduHead& head = context.pdu_head;
  context.pdu_state.assembled =
      flow.assembly[sender] == assembly_none ? Bytes{} : context.assemblies->kept(flow, sender);
  head = flow.protocol->open(judged, role, flow.quirks, flow.session, context.pdu_state);
  Case pdu{context, flow, frame, judged, pdu_size, sender, role, head, removable};
  if (role == Role::SERVER && mutated(Mutation::SERVER_UNJUDGED)) return permit(pdu);
  if (!head.well_formed) {
    pdu.field = head.field;
    return deny_malformed(pdu, Reason::PDU_MALFORMED);
  }
  const Judgement judgement = judge_read(pdu, reply);
  const bool over = head.assembly == Assembly::LAST || judgement.verdict != Verdict::FORWARD;
  if (head.assembly != Assembly::NONE && over) context.assemblies->release(flow, sender);
  return judgement;
}

Judgement judge_usual(WorkerContext& context, Flow& flow, Side sender, const ParsedFrame& frame, Bytes pdu,
                      std::span<std::uint8_t> reply) noexcept {
  const Role role = sender == flow.client_side ? Role::CLIENT : Role::SERVER;
  Case judged{context,          flow, frame, pdu, static_cast<std::uint32_t>(pdu.size()), sender, role,
              context.pdu_head, true, true};
  if (role == Role::SERVER && mutated(Mutation::SERVER_UNJUDGED)) return permit(judged);
  return judge_read(judged, reply);
}

Judgement judge_malformed(WorkerContext& context, Flow& flow, Side sender, const ParsedFrame& frame,
                          Bytes bytes, const char* field, bool mismatch) noexcept {
  const Role role = sender == flow.client_side ? Role::CLIENT : Role::SERVER;
  context.pdu_head = PduHead{};
  Case pdu{context, flow, frame,           bytes, static_cast<std::uint32_t>(bytes.size()),
           sender,  role, context.pdu_head};
  pdu.field = field;
  return deny_malformed(pdu, mismatch ? Reason::PROTOCOL_MISMATCH : Reason::PDU_MALFORMED);
}

}  // namespace conduit
