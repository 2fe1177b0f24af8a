// Any octets, from both sides: bounded, and by the laws of the decoder contract.
// Input: one octet, then a stream. Bit 0 of it: who sends first. Bit 1: what follows are TSDUs, each behind
// an octet with its length and one with the octets of each TPDU (0: all), sent by both sides in turn; so what
// comes later meets a session that has seen something. Without bit 1, the stream is one side's.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "protocols/s7comm/s7comm_decoder.hpp"
#include "tests/fuzz/decoder_laws.hpp"

using namespace conduit;
using namespace conduit::fuzz;

namespace {

const Protocol& room() { return s7comm_protocol; }

bool inside(Bytes view, const void* begin, std::size_t size) {
  const auto* const first = static_cast<const std::uint8_t*>(begin);
  return view.data() >= first && view.data() + view.size() <= first + size;
}

void check_view(Bytes pdu, const PduState& state, Bytes view) {
  if (view.empty()) return;
  require(inside(view, pdu.data(), pdu.size()) || inside(view, &state, sizeof state));
}

void check_operation(Bytes pdu, const PduState& state, const Operation& operation) {
  require(operation.protocol == s7comm_id);
  require(operation.access != AccessClass::UNSPECIFIED);
  for (std::size_t d = 0; d < dimension_count; ++d) {
    if (operation.has(d)) require(operation.dimension[d].first <= operation.dimension[d].last);
  }
  if (operation.has(s7comm::BIT_ADDRESS)) require(operation.dimension[s7comm::BIT_ADDRESS].last <= 0xFFFFFF);
  check_view(pdu, state, operation.value.data);
  for (std::size_t k = 0; k < key_count; ++k) {
    if (((operation.keys_present >> k) & 1U) != 0) check_view(pdu, state, operation.key[k].data);
  }
  const std::size_t size = operation.value.data.size();
  if (operation.value.kind == ValueKind::WORDS) require(size == std::size_t{operation.value.count} * 2);
  if (operation.value.kind == ValueKind::BYTES) require(size == operation.value.count);
}

void check_refusal(Bytes request, const PduHead& head, const SessionState& session) {
  std::array<std::uint8_t, refusal_size_max> reply{};
  const std::size_t size = room().refuse(request, Reason::FUNCTION_NOT_PERMITTED, session, reply);
  require(size <= reply.size());
  if (size == 0) return;  // S7comm-plus
  PduState state;
  const Bytes answer{reply.data(), size};
  const Framing framing = room().frame(answer, Role::SERVER, Transport::TCP, session);
  require(framing.status == FrameStatus::COMPLETE && framing.pdu_size == size);
  const PduHead refused = room().open(answer, Role::SERVER, QUIRK_NONE, session, state);
  // Only a size that leaves no room for any answer can make it unreadable.
  if (!refused.well_formed) return require(std::strcmp(refused.field, "pdu_size") == 0);
  require(refused.negative && refused.kind == PduKind::RESPONSE);
  require(refused.match_key == head.match_key);
  require(room().matches(answer, head.match_detail, QUIRK_NONE));
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
  require(next == Next::END);  // `open` has checked all of it
  require(count >= 1 || head.kind == PduKind::IMPLIED);
  if (sender == Role::SERVER) require(head.kind != PduKind::REQUEST);
  if (sender == Role::CLIENT) require(head.kind == PduKind::REQUEST || head.kind == PduKind::IMPLIED);
  if (head.kind == PduKind::REQUEST && head.answered) check_refusal(pdu, head, session);
  if (head.kind == PduKind::RESPONSE) static_cast<void>(room().matches(pdu, head.match_detail, QUIRK_NONE));
  Associations associations;
  room().accept(pdu, sender, session, associations);
}

// TPKTs around `tsdu`, of `piece` octets each.
std::vector<std::uint8_t> framed(Bytes tsdu, std::size_t piece) {
  std::vector<std::uint8_t> out;
  std::size_t at = 0;
  do {
    const std::size_t size = piece == 0 ? tsdu.size() : std::min(piece, tsdu.size() - at);
    const std::uint8_t end = at + size == tsdu.size() ? 0x80 : 0;
    out.insert(out.end(), {3, 0, static_cast<std::uint8_t>((size + 7) >> 8),
                           static_cast<std::uint8_t>(size + 7), 2, 0xF0, end});
    const Bytes part = tsdu.subspan(at, size);
    out.insert(out.end(), part.begin(), part.end());
    at += size;
  } while (at < tsdu.size());
  return out;
}

void one_side(Bytes stream, Role sender, SessionState& session) {
  while (!stream.empty()) {
    const Framing framing = stable_frame(room(), stream, sender, Transport::TCP, SessionState{}, 64);
    if (framing.status != FrameStatus::COMPLETE || framing.pdu_size > stream.size()) break;
    check_pdu(stream.first(framing.pdu_size), sender, session);
    stream = stream.subspan(framing.pdu_size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  Role sender = (data[0] & 1U) != 0 ? Role::SERVER : Role::CLIENT;
  SessionState session;
  Bytes rest{data + 1, size - 1};
  if ((data[0] & 2U) == 0) {
    one_side(rest, sender, session);
    check_pdu(rest, sender, session);
    return 0;
  }
  while (rest.size() >= 2) {
    const std::size_t length = std::min<std::size_t>(rest[0], rest.size() - 2);
    const std::vector<std::uint8_t> made = framed(rest.subspan(2, length), rest[1]);
    one_side(made, sender, session);
    rest = rest.subspan(2 + length);
    sender = sender == Role::CLIENT ? Role::SERVER : Role::CLIENT;
  }
  return 0;
}
