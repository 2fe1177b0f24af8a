// Any octets, from either side: bounded, inside the PDU, and by the laws of the decoder contract.
// Input: one octet (bit 0 sender, bits 1–2 quirks, bit 3 transport), then the octets of a stream.
#include <array>
#include <cstdint>

#include "protocols/core/decoder.hpp"
#include "protocols/modbus/modbus_decoder.hpp"
#include "tests/fuzz/decoder_laws.hpp"
#include "tests/support/usual_pdu.hpp"

using namespace conduit;
using namespace conduit::fuzz;

namespace {

const Protocol& room() {
  static const Protocol* const protocol = find_protocol("modbus");
  return *protocol;
}

void check_view(Bytes pdu, Bytes view) {
  if (view.empty()) return;
  require(view.data() >= pdu.data() && view.data() + view.size() <= pdu.data() + pdu.size());
}

void check_operation(Bytes pdu, const Operation& operation) {
  require(operation.protocol == modbus_id);
  require(operation.function >= 1 && operation.function <= 127);
  require(operation.access != AccessClass::UNSPECIFIED);
  require(operation.has(0));
  for (std::size_t d = 0; d < dimension_count; ++d) {
    if (!operation.has(d)) continue;
    require(operation.dimension[d].first <= operation.dimension[d].last);
    require(operation.dimension[d].last <= 0xFFFF);
  }
  check_view(pdu, operation.value.data);
  const std::size_t size = operation.value.data.size();
  if (operation.value.kind == ValueKind::WORDS) require(size == std::size_t{2} * operation.value.count);
  if (operation.value.kind == ValueKind::BITS) require(size == (std::size_t{operation.value.count} + 7) / 8);
  if (operation.value.kind == ValueKind::BYTES) require(size == operation.value.count);
}

void check_refusal(Bytes request, const PduHead& head, Quirks quirks) {
  std::array<std::uint8_t, refusal_size_max> reply{};
  const std::size_t size = room().refuse(request, Reason::FUNCTION_NOT_PERMITTED, SessionState{}, reply);
  require(size != 0 && size <= reply.size());
  const SessionState session;
  PduState state;
  const Bytes answer{reply.data(), size};
  const Framing framing = room().frame(answer, Role::SERVER, Transport::TCP, session);
  require(framing.status == FrameStatus::COMPLETE && framing.pdu_size == size);
  const PduHead refused = room().open(answer, Role::SERVER, quirks, session, state);
  require(refused.well_formed && refused.negative && refused.kind == PduKind::RESPONSE);
  require(refused.match_key == head.match_key);
  require(room().matches(answer, head.match_detail, quirks));
}

void check_pdu(Bytes pdu, Role sender, Quirks quirks) {
  require(test::ask_usual(room(), pdu, sender, quirks) != test::UsualPdu::READ_OTHERWISE);
  const SessionState session;
  PduState state;
  const PduHead head = room().open(pdu, sender, quirks, session, state);
  Operation operation;
  std::size_t count = 0;
  Next next = room().next(pdu, state, operation);
  for (; next == Next::OPERATION; next = room().next(pdu, state, operation)) {
    check_operation(pdu, operation);
    require(++count <= pdu.size());
  }
  if (!head.well_formed) {
    require(count == 0 && next == Next::MALFORMED && head.field[0] != '\0');
    return;
  }
  require(count >= 1 && next == Next::END);
  if (sender == Role::CLIENT) check_refusal(pdu, head, quirks);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t choice = data[0];
  const Role sender = (choice & 1U) != 0 ? Role::SERVER : Role::CLIENT;
  const auto quirks = static_cast<std::uint16_t>((choice >> 1) & 3U);
  Bytes stream{data + 1, size - 1};
  std::array<std::uint8_t, refusal_size_max> reply{};
  if ((choice & 8U) != 0) {  // a datagram, judged as a whole
    check_pdu(stream, sender, quirks);
    (void)room().refuse(stream, Reason::PDU_MALFORMED, SessionState{}, reply);
    return 0;
  }
  require(test::ask_usual(room(), stream, sender, quirks) != test::UsualPdu::READ_OTHERWISE);
  while (!stream.empty()) {
    const Framing framing = stable_frame(room(), stream, sender, Transport::TCP, SessionState{});
    if (framing.status != FrameStatus::COMPLETE || framing.pdu_size > stream.size()) break;
    check_pdu(stream.first(framing.pdu_size), sender, quirks);
    stream = stream.subspan(framing.pdu_size);
  }
  return 0;
}
