// Numbers within PDUs. Protocols that count their messages (IEC 104, OPC UA) would notice the gap that a
// refused PDU leaves, and the reply that nobody has sent: from the first of them on, the room adjusts the
// numbers of every PDU of the flow (Protocol::renumber), and the flow keeps its bytes twice: as they came, to
// hold repetitions against them, and as they leave.
//
// Where such numbers acknowledge (IEC 104), a PDU that was taken out without a reply would stay without an
// acknowledgement, and what it acknowledged itself would get lost with it. The room says what is owed
// (Protocol::acknowledge); one at a time is under way, and tells of all that came meanwhile.
#include <algorithm>

#include "dataplane/engine/tcp_gate_parts.hpp"
#include "protocols/core/mutation.hpp"

namespace conduit {
namespace {

[[nodiscard]] Role role_of(const Flow& flow, Side side) noexcept {
  return side == flow.client_side ? Role::CLIENT : Role::SERVER;
}

[[nodiscard]] std::span<std::uint8_t> copy_of(Step& step, Bytes judged) noexcept {
  std::span<std::uint8_t> copy(step.context.blocks->renumbered);
  copy = copy.first(std::min(judged.size(), copy.size()));
  std::copy_n(judged.begin(), copy.size(), copy.begin());
  return copy;
}

[[nodiscard]] bool begin(Step& step) noexcept {
  BlockPool& pool = *step.context.blocks;
  if (!kept_clone(pool, step.stream.kept, step.stream.told)) return false;
  if (!kept_clone(pool, step.back.kept, step.back.told)) {
    kept_clear(pool, step.stream.told);
    return false;
  }
  step.flow.tcp.renumbered = true;
  return true;
}

}  // namespace

bool keep(WorkerContext& context, const TcpState& tcp, Stream& stream, Bytes bytes) noexcept {
  BlockPool& pool = *context.blocks;
  if (tcp.renumbered && !kept_append(pool, stream.told, bytes)) return false;
  if (kept_append(pool, stream.kept, bytes)) return true;
  if (tcp.renumbered) kept_shorten(pool, stream.told, static_cast<std::uint32_t>(bytes.size()));
  return false;
}

bool renumber_removed(Step& step, Bytes judged) noexcept {
  const Protocol& protocol = *step.flow.protocol;
  if (protocol.renumber == nullptr || mutated(Mutation::NUMBERS_NOT_ADJUSTED)) return true;
  if (!step.flow.tcp.renumbered && !begin(step)) return false;
  return protocol.renumber(copy_of(step, judged), role_of(step.flow, step.sender), Passage::REMOVED,
                           step.flow.session);
}

bool renumber_passed(Step& step, Bytes judged) noexcept {
  Stream& stream = step.stream;
  const std::span<std::uint8_t> pdu = copy_of(step, judged);
  const Role role = role_of(step.flow, step.sender);
  if (!step.flow.protocol->renumber(pdu, role, Passage::PASSED, step.flow.session)) return false;
  // What left before the flow was renumbered keeps its numbers: nothing stood in front of it then.
  if (after(stream.forwarded, stream.boundary)) return true;
  kept_write(*step.context.blocks, stream.told, stream.boundary - kept_begin(stream), pdu);
  return true;
}

void queue_acknowledgement(WorkerContext& context, Flow& flow, Side side) noexcept {
  const Stream& stream = flow.tcp.stream[side];
  const Protocol& protocol = *flow.protocol;
  if (!flow.tcp.renumbered || protocol.acknowledge == nullptr || mutated(Mutation::REMOVED_UNACKNOWLEDGED))
    return;
  // It would stand nobody knows where; or what waits or is under way acknowledges as well.
  if (stream.unverified || stream.joined || stream.fin) return;
  if (stream.waiting_count != 0 || inserted_size(map_of(flow, side)) != 0) return;
  const std::span<std::uint8_t> pdu(context.blocks->reply);
  const std::size_t size = protocol.acknowledge(role_of(flow, side), flow.session, pdu);
  if (size == 0 || size > pdu.size()) return;
  (void)queue_reply(context, flow, side, pdu.first(size),
                    false);  // no room: asked again with the next segment
}

bool renumber_inserted(Flow& flow, Side side, std::span<std::uint8_t> reply) noexcept {
  return flow.protocol->renumber(reply, role_of(flow, side), Passage::INSERTED, flow.session);
}

}  // namespace conduit
