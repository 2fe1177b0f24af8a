// Any octets, from either side: bounded, and by the laws of the decoder contract.
// Input: one octet (bit 0 sender; bit 1: what follows is a message, which gets an envelope of ours,
// unconnected or, with bit 2, connected; bit 3: a datagram), then octets. Without bits 1 and 3, they are a
// stream.
#include <array>
#include <cstdint>
#include <vector>

#include "protocols/enip/enip_decoder.hpp"
#include "tests/fuzz/decoder_laws.hpp"

using namespace conduit;
using namespace conduit::fuzz;

namespace {

const Protocol& room() { return enip_protocol; }

bool inside(Bytes whole, Bytes view) {
  return view.data() >= whole.data() && view.data() + view.size() <= whole.data() + whole.size();
}

void check_operation(Bytes pdu, const PduState& state, const Operation& operation) {
  require(operation.protocol == enip_id);
  require(operation.access != AccessClass::UNSPECIFIED);
  for (std::size_t d = 0; d < dimension_count; ++d) {
    if (operation.has(d)) require(operation.dimension[d].first <= operation.dimension[d].last);
  }
  const Bytes value = operation.value.data;
  require(value.empty() || inside(pdu, value));
  if (operation.value.kind == ValueKind::BYTES) require(value.size() == operation.value.count);
  for (std::size_t k = 0; k < key_count; ++k) {
    if (((operation.keys_present >> k) & 1U) != 0) {
      require(!operation.key[k].data.empty() && inside(Bytes(state.scratch), operation.key[k].data));
    }
  }
}

void check_refusal(Bytes request, const PduHead& head, SessionState& session) {
  std::array<std::uint8_t, refusal_size_max> reply{};
  const std::size_t size = room().refuse(request, Reason::FUNCTION_NOT_PERMITTED, session, reply);
  require(size <= reply.size());
  // Messages of connections that others opened have no reply; neither has what next() finds malformed.
  if (size == 0) return;
  PduState state;
  const Bytes answer{reply.data(), size};
  const Framing framing = room().frame(answer, Role::SERVER, Transport::TCP, session);
  require(framing.status == FrameStatus::COMPLETE && framing.pdu_size == size);
  const PduHead refused = room().open(answer, Role::SERVER, QUIRK_NONE, session, state);
  require(refused.well_formed && refused.negative && refused.kind == PduKind::RESPONSE);
  require(refused.match_key == head.match_key);
  require(refused.match_detail == head.match_detail || room().matches(answer, head.match_detail, QUIRK_NONE));
}

void check_pdu(Bytes pdu, Role sender, SessionState& session) {
  PduState state;
  const PduHead head = room().open(pdu, sender, QUIRK_NONE, session, state);
  Operation operation;
  std::size_t count = 0;
  Next next = room().next(pdu, state, operation);
  for (; next == Next::OPERATION; next = room().next(pdu, state, operation)) {
    check_operation(pdu, state, operation);
    require(++count <= pdu.size());
  }
  if (!head.well_formed) {
    require(count == 0 && next == Next::MALFORMED && head.field[0] != '\0');
    return;
  }
  require(next == Next::MALFORMED || count >= 1 || head.kind == PduKind::IMPLIED || head.negative);
  require(head.kind != PduKind::REQUEST || head.match_detail != 0);
  if (next != Next::MALFORMED && head.kind == PduKind::REQUEST && head.answered) {
    require(!head.opens || count == 1);
    check_refusal(pdu, head, session);
  }
  Associations associations;
  room().accept(pdu, sender, session, associations);
  require(associations.opened_count <= 2 && associations.closed_count <= 2);
}

void put_u16le(std::vector<std::uint8_t>& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value));
  to.push_back(static_cast<std::uint8_t>(value >> 8));
}

std::vector<std::uint8_t> wrapped(Bytes message, bool connected) {
  std::vector<std::uint8_t> out;
  const std::size_t around = connected ? 22 : 16;
  put_u16le(out, connected ? 0x70 : 0x6F);
  put_u16le(out, around + message.size());
  out.resize(24 + 6);
  put_u16le(out, 2);
  put_u16le(out, connected ? 0xA1 : 0);
  put_u16le(out, connected ? 4 : 0);
  if (connected) out.insert(out.end(), {1, 0, 0, 0});
  put_u16le(out, connected ? 0xB1 : 0xB2);
  put_u16le(out, message.size() + (connected ? 2 : 0));
  if (connected) put_u16le(out, 7);
  out.insert(out.end(), message.begin(), message.end());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const std::uint8_t choice = data[0];
  const Role sender = (choice & 1U) != 0 ? Role::SERVER : Role::CLIENT;
  SessionState session;
  Bytes stream{data + 1, size - 1};
  std::vector<std::uint8_t> made;
  if ((choice & 8U) != 0) {
    const Framing framing = room().frame(stream, sender, Transport::UDP, session);
    if (framing.status == FrameStatus::COMPLETE && framing.pdu_size <= stream.size())
      check_pdu(stream.first(framing.pdu_size), sender, session);
    return 0;
  }
  if ((choice & 2U) != 0) {
    made = wrapped(stream, (choice & 4U) != 0);
    stream = made;
  }
  while (!stream.empty()) {
    const Framing framing = stable_frame(room(), stream, sender, Transport::TCP, SessionState{}, 64);
    if (framing.status != FrameStatus::COMPLETE || framing.pdu_size > stream.size()) break;
    check_pdu(stream.first(framing.pdu_size), sender, session);
    stream = stream.subspan(framing.pdu_size);
  }
  return 0;
}
