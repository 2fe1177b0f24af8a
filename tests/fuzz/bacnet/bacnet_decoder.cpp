// Any octets, from either side: bounded, and by the laws of the decoder contract.
// Input: datagrams of one conversation, each behind two octets: its size (the lower 11 bits), and bit 15 who
// sends it, bit 14 that a good header of the virtual link layer is to be put in front of it.
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "protocols/bacnet/bacnet_decoder.hpp"
#include "tests/fuzz/decoder_laws.hpp"

using namespace conduit;
using namespace conduit::fuzz;

namespace {

const Protocol& room() { return bacnet_protocol; }

void check_view(Bytes pdu, const PduState& state, Bytes view) {
  if (view.empty()) return;
  const std::uint8_t* const scratch = state.scratch.data();
  const bool in_scratch =
      view.data() >= scratch && view.data() + view.size() <= scratch + state.scratch.size();
  const bool in_pdu = view.data() >= pdu.data() && view.data() + view.size() <= pdu.data() + pdu.size();
  require(in_scratch || in_pdu);
}

void check_operation(Bytes pdu, const PduState& state, const Operation& operation) {
  require(operation.protocol == bacnet_id);
  require(operation.access != AccessClass::UNSPECIFIED);
  for (std::size_t d = 0; d < dimension_count; ++d) {
    if (operation.has(d)) require(operation.dimension[d].first <= operation.dimension[d].last);
  }
  for (std::size_t key = 0; key < key_count; ++key) {
    if (((operation.keys_present >> key) & 1U) != 0) check_view(pdu, state, operation.key[key].data);
  }
  if (operation.value.kind != ValueKind::BYTES) return;
  check_view(pdu, state, operation.value.data);
  require(operation.value.count == operation.value.data.size());
}

void check_refusal(Bytes request, Role sender, const PduHead& head, const SessionState& session) {
  std::array<std::uint8_t, refusal_size_max> reply{};
  for (const Reason reason : {Reason::FUNCTION_NOT_PERMITTED, Reason::OBJECT_NOT_PERMITTED,
                              Reason::VALUE_NOT_PERMITTED, Reason::RATE_EXCEEDED}) {
    const std::size_t size = room().refuse(request, reason, session, reply);
    require(size <= reply.size());
    if (size == 0) continue;
    PduState state;
    const Role server = sender == Role::CLIENT ? Role::SERVER : Role::CLIENT;
    const Bytes answer{reply.data(), size};
    const Framing framing = room().frame(answer, server, Transport::UDP, session);
    require(framing.status == FrameStatus::COMPLETE && framing.pdu_size == size);
    const PduHead refused = room().open(answer, server, QUIRK_NONE, SessionState{}, state);
    require(refused.well_formed && refused.negative && refused.kind == PduKind::RESPONSE);
    require(refused.match_key == head.match_key);
    require(room().matches(answer, head.match_detail, QUIRK_NONE));
  }
}

struct Conversation {
  SessionState session;
  std::array<std::vector<std::uint8_t>, 2> kept;
};

void check_pdu(Bytes pdu, Role sender, Conversation& line) {
  static PduState state;
  std::vector<std::uint8_t>& kept = line.kept[sender == Role::CLIENT ? 0 : 1];
  state.assembled = kept;
  const PduHead head = room().open(pdu, sender, QUIRK_NONE, line.session, state);
  Operation operation;
  std::size_t count = 0;
  Next next = room().next(pdu, state, operation);
  for (; next == Next::OPERATION; next = room().next(pdu, state, operation)) {
    check_operation(pdu, state, operation);
    require(++count <= pdu.size() + kept.size());
  }
  if (!head.well_formed) {
    require(count == 0 && next == Next::MALFORMED && head.field[0] != '\0');
    return;
  }
  require(next == Next::MALFORMED || count >= 1);
  check_view(pdu, state, head.piece);
  require((head.assembly == Assembly::FIRST || head.assembly == Assembly::MORE) == !head.piece.empty());
  require(head.assembly != Assembly::MORE || !kept.empty());
  if (head.kind == PduKind::REQUEST && head.answered) check_refusal(pdu, sender, head, line.session);
  if (head.assembly == Assembly::FIRST || head.assembly == Assembly::LAST) kept.clear();
  if (assembly_size_max - kept.size() < head.piece.size()) return;  // the engine would deny it
  kept.insert(kept.end(), head.piece.begin(), head.piece.end());
  Associations associations;
  room().accept(pdu, sender, line.session, associations);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Conversation line;
  Bytes rest{data, size};
  while (rest.size() >= 2) {
    const unsigned head = static_cast<unsigned>(rest[0] << 8 | rest[1]);
    const Role sender = (head & 0x8000U) != 0 ? Role::SERVER : Role::CLIENT;
    const std::size_t length = std::min<std::size_t>(head & 0x7FFU, rest.size() - 2);
    std::vector<std::uint8_t> pdu(rest.begin() + 2, rest.begin() + 2 + static_cast<long>(length));
    rest = rest.subspan(2 + length);
    if ((head & 0x4000U) != 0 && pdu.size() <= 1490) {
      const std::size_t whole = pdu.size() + 4;
      pdu.insert(pdu.begin(),
                 {0x81, 0x0A, static_cast<std::uint8_t>(whole >> 8), static_cast<std::uint8_t>(whole)});
    }
    const std::vector<std::uint8_t> exact(pdu);
    const Framing framing = stable_frame(room(), exact, sender, Transport::UDP, SessionState{});
    if (framing.status == FrameStatus::COMPLETE && framing.pdu_size == exact.size())
      check_pdu(exact, sender, line);
  }
  return 0;
}
