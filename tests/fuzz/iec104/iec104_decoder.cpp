// Any octets, from both sides: bounded, and by the laws of the decoder contract.
// Input: one octet (bits 0 to 5: tolerances 3 to 7 and 16; bit 6: the numbers of I- and S-frames are set to
// the ones that have to come; bit 7: data transfer is started), then chunks: one octet (bit 0 sender, bits 1
// and 2 what becomes of the frames: passed, passed, removed, removed and refused), one with the size, octets
// of a stream.
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "protocols/iec104/iec104_pdu.hpp"
#include "tests/fuzz/decoder_laws.hpp"

using namespace conduit;
using namespace conduit::fuzz;

namespace {

const Protocol& room() { return iec104_protocol; }

void check_operation(Bytes pdu, const Operation& operation) {
  require(operation.protocol == iec104_id);
  require(operation.access != AccessClass::UNSPECIFIED);
  for (std::size_t d = 0; d < dimension_count; ++d) {
    if (operation.has(d)) require(operation.dimension[d].first == operation.dimension[d].last);
  }
  const Bytes data = operation.value.data;
  if (data.empty()) return;
  require(data.data() >= pdu.data() && data.data() + data.size() <= pdu.data() + pdu.size());
  require(operation.value.kind == ValueKind::BYTES && operation.value.count == data.size());
}

// One connection, as the engine leads it.
struct Connection {
  Quirks quirks = QUIRK_NONE;
  SessionState session{};
  bool renumbering = false;
  bool numbers_fit = false;

  [[nodiscard]] iec104::Session& inside() { return session.as<iec104::Session>(); }

  void renumber(std::vector<std::uint8_t> pdu, Role sender, Passage passage) {
    const std::vector<std::uint8_t> before = pdu;
    if (!room().renumber(pdu, sender, passage, session)) {
      session = SessionState{};  // the connection is reset
      renumbering = false;
    }
    require(pdu.size() == before.size());
    for (std::size_t at = 0; at < pdu.size(); ++at) require(pdu[at] == before[at] || (at >= 2 && at < 6));
    require((pdu[2] & 1U) == (before[2] & 1U) && (pdu[4] & 1U) == (before[4] & 1U));
    for (const iec104::Stream& stream : inside().streams)
      require(stream.edit_count <= iec104::edit_count_max);
  }

  std::size_t check_refusal(Bytes request, const PduHead& head, std::span<std::uint8_t> reply) {
    const std::size_t size = room().refuse(request, Reason::FUNCTION_NOT_PERMITTED, session, reply);
    require(size == request.size());
    const SessionState fresh;
    PduState state;
    const Bytes answer{reply.data(), size};
    const Quirks anywhere = quirks | QUIRK_PLACE_UNKNOWN;
    const PduHead refused = room().open(answer, Role::SERVER, anywhere, fresh, state);
    require(refused.well_formed && refused.negative && refused.kind == PduKind::RESPONSE);
    require(refused.match_key == head.match_key);
    require(room().matches(answer, head.match_detail, anywhere));
    return size;
  }

  // Numbers that the session waits for.
  void set_numbers(std::vector<std::uint8_t>& pdu, Role sender) {
    if ((pdu[2] & 3U) == 3) return;
    const auto& own = inside().streams[static_cast<std::size_t>(sender)];
    const auto& other = inside().streams[1 - static_cast<std::size_t>(sender)];
    const auto put = [&](std::size_t at, unsigned number) {
      pdu[at] = static_cast<std::uint8_t>(number << 1);
      pdu[at + 1] = static_cast<std::uint8_t>(number >> 7);
    };
    if ((pdu[2] & 1U) == 0) put(2, own.send_next);
    const unsigned open = (other.send_next - other.removed - own.received) & iec104::sequence_mask;
    put(4, (own.received + (open == 0 ? 0U : pdu[4] % (open + 1))) & iec104::sequence_mask);
  }

  void take(std::vector<std::uint8_t> pdu, Role sender, unsigned fate) {
    if (numbers_fit) set_numbers(pdu, sender);
    const Bytes bytes(pdu);
    PduState state;
    const PduHead head = room().open(bytes, sender, quirks, session, state);
    Operation operation;
    std::size_t count = 0;
    Next next = room().next(bytes, state, operation);
    for (; next == Next::OPERATION; next = room().next(bytes, state, operation)) {
      check_operation(bytes, operation);
      require(++count <= 127);
    }
    if (!head.well_formed) {
      require(count == 0 && next == Next::MALFORMED && head.field[0] != '\0');
      return;
    }
    require(next == Next::END && count >= 1);
    const bool request = sender == Role::CLIENT && head.kind == PduKind::REQUEST;
    std::array<std::uint8_t, refusal_size_max> reply{};
    const std::size_t size = request && head.answered ? check_refusal(bytes, head, reply) : 0;
    if (fate >= 2 && head.kind != PduKind::IMPLIED) {
      renumbering = true;
      renumber(pdu, sender, Passage::REMOVED);
      if (fate == 3 && size != 0)
        renumber({reply.data(), reply.data() + size}, Role::SERVER, Passage::INSERTED);
      return;
    }
    Associations associations;
    room().accept(bytes, sender, session, associations);
    if (renumbering) renumber(pdu, sender, Passage::PASSED);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3 || size > 4096) return 0;
  Connection connection;
  const unsigned choice = data[0];
  connection.quirks = static_cast<Quirks>(((choice & 0x1FU) << 2) | ((choice & 0x20U) << 10));
  connection.numbers_fit = (choice & 0x40U) != 0;
  if ((choice & 0x80U) != 0) {
    connection.take({0x68, 4, 0x07, 0, 0, 0}, Role::CLIENT, 0);
    connection.take({0x68, 4, 0x0B, 0, 0, 0}, Role::SERVER, 0);
  }
  Bytes rest{data + 1, size - 1};
  while (rest.size() > 2) {
    const Role sender = (rest[0] & 1U) != 0 ? Role::SERVER : Role::CLIENT;
    const unsigned fate = (rest[0] >> 1) & 3U;
    Bytes stream = rest.subspan(2, std::min<std::size_t>(rest[1], rest.size() - 2));
    rest = rest.subspan(2 + stream.size());
    while (!stream.empty()) {
      const Framing framing = stable_frame(room(), stream, sender, Transport::TCP, connection.session);
      if (framing.status != FrameStatus::COMPLETE || framing.pdu_size > stream.size()) break;
      const Bytes pdu = stream.first(framing.pdu_size);
      connection.take({pdu.begin(), pdu.end()}, sender, fate);
      stream = stream.subspan(framing.pdu_size);
    }
  }
  return 0;
}
