#include "dataplane/engine/association_judge.hpp"

#include <utility>

#include "protocols/core/mutation.hpp"

namespace conduit {
namespace {

// What opened the association, or null; `service`: by whose rules.
[[nodiscard]] const Operation* find_opening(WorkerContext& context, const Flow& flow, Role role,
                                            const PduHead& head, std::uint32_t& service) noexcept {
  AssociationTable& table = *context.association_table;
  AssociationEnds ends = ends_of(flow);
  service = flow.service;
  const Operation* opening = table.use(ends, {head.association, role}, context.now_ns);
  if (opening != nullptr || head.kind != PduKind::IMPLIED) return opening;
  // Between two hosts that both open connections, the flow of their datagrams was found by one of them.
  std::swap(ends.client, ends.server);
  const Role reversed = role == Role::CLIENT ? Role::SERVER : Role::CLIENT;
  opening = table.use(ends, {head.association, reversed}, context.now_ns);
  if (opening == nullptr) return nullptr;
  service = context.image->find_service(flow.asset[other(flow.client_side)], flow.asset[flow.client_side],
                                        Transport::UDP, flow.protocol->udp_port_aside, OpenedBy::EITHER);
  return opening;
}

}  // namespace

AssociationEnds ends_of(const Flow& flow) noexcept {
  return {flow.key.address[flow.client_side], flow.key.address[other(flow.client_side)], flow.key.vlan,
          flow.key.port_pair, flow.protocol->id};
}

Reason judge_association(WorkerContext& context, const Flow& flow, Role role, const PduHead& head,
                         std::uint32_t& rule) noexcept {
  if (mutated(Mutation::ASSOCIATION_UNJUDGED)) return Reason::NONE;
  if (context.association_table == nullptr) return Reason::ASSOCIATION_UNKNOWN;
  std::uint32_t service = none_index;
  const Operation* const opening = find_opening(context, flow, role, head, service);
  if (opening == nullptr) return Reason::ASSOCIATION_UNKNOWN;
  if (head.kind == PduKind::RESPONSE || head.kind == PduKind::RESPONSE_PART) return Reason::NONE;
  if (service == none_index) return Reason::FLOW_UNDOCUMENTED;
  const std::uint32_t group = context.image->services()[service].request_group;
  const MatchResult result = context.image->match(group, *opening, {context.now_ns, context.island});
  rule = result.rule == none_index ? result.nearest_rule : result.rule;
  if (mutated(Mutation::ASSOCIATION_OUTLIVES_POLICY)) return Reason::NONE;
  return result.rule == none_index ? result.reason : Reason::NONE;
}

}  // namespace conduit
