// Any octets, from either side: bounded, and by the laws of the decoder contract.
// Input: one octet (bit 0 sender; bit 1: what follows is a fragment, which gets frames and checksums of ours,
// cut by bits 2 to 7), then octets. Without bit 1, they are a stream.
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "protocols/dnp3/dnp3_link.hpp"
#include "tests/fuzz/decoder_laws.hpp"

using namespace conduit;
using namespace conduit::fuzz;

namespace {

const Protocol& room() { return dnp3_protocol; }

void check_view(const PduState& state, Bytes view) {
  if (view.empty()) return;
  const std::uint8_t* const begin = state.scratch.data();
  require(view.data() >= begin && view.data() + view.size() <= begin + state.scratch.size());
}

void check_operation(const PduState& state, const Operation& operation) {
  require(operation.protocol == dnp3_id);
  require(operation.access != AccessClass::UNSPECIFIED);
  require(operation.has(dnp3::OUTSTATION) && operation.has(dnp3::MASTER));
  for (std::size_t d = 0; d < dimension_count; ++d) {
    if (operation.has(d)) require(operation.dimension[d].first <= operation.dimension[d].last);
  }
  check_view(state, operation.value.data);
  if ((operation.keys_present & 1U) != 0) check_view(state, operation.key[0].data);
  const std::size_t size = operation.value.data.size();
  if (operation.value.kind == ValueKind::BITS) require(size == (std::size_t{operation.value.count} + 7) / 8);
  if (operation.value.kind == ValueKind::BYTES) require(size == operation.value.count);
}

void check_refusal(Bytes request, const PduHead& head) {
  std::array<std::uint8_t, refusal_size_max> reply{};
  const std::size_t size = room().refuse(request, Reason::FUNCTION_NOT_PERMITTED, SessionState{}, reply);
  require(size != 0 && size <= reply.size());
  const SessionState session;
  PduState state;
  const Bytes answer{reply.data(), size};
  const Framing framing = room().frame(answer, Role::SERVER, Transport::TCP, session);
  require(framing.status == FrameStatus::COMPLETE && framing.pdu_size == size);
  const PduHead refused = room().open(answer, Role::SERVER, QUIRK_NONE, session, state);
  require(refused.well_formed && refused.negative && refused.kind == PduKind::RESPONSE);
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
    check_operation(state, operation);
    require(++count <= pdu.size());
  }
  if (!head.well_formed) {
    require(count == 0 && next == Next::MALFORMED && head.field[0] != '\0');
    return;
  }
  require(next == Next::MALFORMED || count >= 1);
  if (sender == Role::CLIENT && head.kind == PduKind::REQUEST && head.answered) check_refusal(pdu, head);
  Associations associations;
  room().accept(pdu, sender, session, associations);
}

void put_u16le(std::vector<std::uint8_t>& to, std::uint16_t value) {
  to.push_back(static_cast<std::uint8_t>(value));
  to.push_back(static_cast<std::uint8_t>(value >> 8));
}

// Frames with good headers and checksums around it.
std::vector<std::uint8_t> framed(Bytes fragment, Role sender, std::size_t segment) {
  std::vector<std::uint8_t> out;
  std::uint8_t sequence = 0;
  std::size_t at = 0;
  do {
    const std::size_t size = std::min(segment, fragment.size() - at);
    const std::size_t begin = out.size();
    const bool asks = sender == Role::CLIENT;
    out.insert(out.end(), {0x05, 0x64, static_cast<std::uint8_t>(6 + size),
                           static_cast<std::uint8_t>(asks ? 0xC4 : 0x44)});
    put_u16le(out, asks ? 10 : 1);
    put_u16le(out, asks ? 1 : 10);
    put_u16le(out, dnp3::checksum(Bytes(out).subspan(begin)));
    std::vector<std::uint8_t> user{static_cast<std::uint8_t>(
        (at == 0 ? dnp3::transport_first : 0) | (at + size == fragment.size() ? dnp3::transport_final : 0) |
        (sequence++ & 0x3F))};
    const Bytes part = fragment.subspan(at, size);
    user.insert(user.end(), part.begin(), part.end());
    for (std::size_t block = 0; block < user.size(); block += 16) {
      const Bytes octets = Bytes(user).subspan(block, std::min<std::size_t>(16, user.size() - block));
      out.insert(out.end(), octets.begin(), octets.end());
      put_u16le(out, dnp3::checksum(octets));
    }
    at += size;
  } while (at < fragment.size());
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
  if ((choice & 2U) != 0) {
    made = framed(stream, sender, choice < 4 ? 249 : std::size_t{choice} >> 2);
    stream = made;
  }
  while (!stream.empty()) {
    const Framing framing = stable_frame(room(), stream, sender, Transport::TCP, SessionState{});
    if (framing.status != FrameStatus::COMPLETE || framing.pdu_size > stream.size()) break;
    check_pdu(stream.first(framing.pdu_size), sender, session);
    stream = stream.subspan(framing.pdu_size);
  }
  check_pdu({data + 1, size - 1}, sender, session);
  return 0;
}
