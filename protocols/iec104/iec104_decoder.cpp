// IEC 60870-5-104 (104 §5; numbers are little-endian):
//
//    0      1        2    3    4    5    6      7        8       10        12
//   +------+--------+----+----+----+----+------+--------+-------+---------+------------------ … -+
//   | 0x68 | length | control octets    | type | SQ,    | cause | common  | information objects  |
//   |      |        |                   |      | number | of tr.| address |                      |
//   +------+--------+----+----+----+----+------+--------+-------+---------+------------------ … -+
//                    <------------------------ length: 4 … 253 --------------------------------->
//   I   N(S) · 0 | N(R) · 0            an ASDU follows
//   S   1        | N(R) · 0            6 octets in all
//   U   function · 11 | 0 0 0          6 octets in all
#include "protocols/iec104/iec104_decoder.hpp"

#include "protocols/iec104/iec104_pdu.hpp"
#include "protocols/iec104/iec104_refusal.hpp"

namespace conduit::iec104 {
namespace {

Framing frame(Bytes bytes, Role, Transport, const SessionState&) noexcept {
  Framing framing;
  if (!bytes.empty() && bytes[0] != 0x68) {
    framing.field = "start";
    framing.mismatch = true;
    return framing;
  }
  if (bytes.size() < control_at) {
    framing.status = FrameStatus::INCOMPLETE;
    framing.need_size = control_at;
    return framing;
  }
  const std::uint32_t length = bytes[1];
  if (length < length_min || length > length_max) {
    framing.field = "length";
    return framing;
  }
  framing.status = FrameStatus::COMPLETE;
  framing.pdu_size = static_cast<std::uint32_t>(control_at) + length;
  framing.judge_size = framing.pdu_size;
  return framing;
}

const Session& session_of(const SessionState& state) noexcept {
  return const_cast<SessionState&>(state).as<Session>();
}

// U-frames are paired by the session: who gave up a test has no answer outstanding for ever.
void open_control(const Fields& fields, const Session& session, PduHead& head) noexcept {
  const std::uint32_t function = control_base + fields.control;
  const bool act = function == STARTDT || function == STOPDT || function == TESTFR;
  head.answered = false;
  if (fields.format == Format::S || (!act && awaited(fields, session))) {
    head.kind = PduKind::IMPLIED;
  } else {
    head.kind = act && fields.from_client ? PduKind::REQUEST : PduKind::UNSOLICITED;
  }
}

PduHead open(Bytes apdu, Role sender, Quirks quirks, const SessionState& state,
             PduState& pdu_state) noexcept {
  Fields& fields = pdu_state.as<Fields>();
  const Session& session = session_of(state);
  PduHead head;
  head.kind = sender == Role::CLIENT ? PduKind::REQUEST : PduKind::RESPONSE;
  const char* field = parse_apdu(apdu, sender, quirks, fields);
  if (field == nullptr) field = check_place(fields, quirks, session);
  head.function = fields.format == Format::I ? std::uint32_t{fields.type} : control_base + fields.control;
  if (field != nullptr) {
    fields.pdu_size = 0;  // `next` yields nothing
    head.field = field;
    return head;
  }
  head.well_formed = true;
  if (fields.format != Format::I) {
    open_control(fields, session, head);
    return head;
  }
  if (has_select_bit(fields.type)) {
    const Bytes object = first_object(apdu, fields);
    const std::uint8_t last = object[object.size() - type_row(fields.type).tag_size - 1U];
    if ((last & select_bit) != 0) {
      fields.step = SELECTED_ONLY;
    } else if (fields.from_client && selected(apdu, session)) {
      fields.step = EXECUTE_SELECTED;
    }
  }
  pair(apdu, fields, session, head);
  return head;
}

Next next(Bytes apdu, PduState& state, Operation& operation) noexcept {
  return next_operation(apdu, state.as<Fields>(), operation);
}

void accept(Bytes apdu, Role sender, SessionState& state, Associations&) noexcept {
  if (apdu.size() < apci_size) return;
  Session& session = state.as<Session>();
  accept_frame(apdu, sender, session);
  if ((apdu[control_at] & 1U) == 0) accept_asdu(apdu, sender, session);
}

std::string_view function_name(std::uint32_t function) noexcept {
  switch (function) {
    case S_FRAME: return "S_FRAME";
    case STARTDT: return "STARTDT";
    case STARTDT_CON: return "STARTDT_CON";
    case STOPDT: return "STOPDT";
    case STOPDT_CON: return "STOPDT_CON";
    case TESTFR: return "TESTFR";
    case TESTFR_CON: return "TESTFR_CON";
    default: break;
  }
  if (function >= misplaced_base) function -= misplaced_base;
  return function < 128 ? type_row(static_cast<std::uint8_t>(function)).name : std::string_view{};
}

}  // namespace
}  // namespace conduit::iec104

namespace conduit {

constinit const Protocol iec104_protocol{
    .id = iec104_id,
    .name = "iec104",
    .tcp_port = 2404,
    .udp_port = 0,
    .framing_prefix_size = 0,  // stations send an APDU in one write; what is held whole can be refused
    .judge_size_max = iec104::apdu_size_max,
    .pdu_size_max = iec104::apdu_size_max,
    .replies_in_order = false,  // types and addresses pair them
    .selector_dimension = iec104::COMMON_ADDRESS,
    .range_dimension = iec104::OBJECT_ADDRESS,
    .dimension_names = {"common_address", "object_address", "cause", "select", "qualifier", "originator",
                        "test", "file"},
    .frame = iec104::frame,
    .open = iec104::open,
    .next = iec104::next,
    .matches = iec104::agrees,
    .accept = iec104::accept,
    .refuse = iec104::refuse,
    .renumber = iec104::renumber,
    .acknowledge = iec104::acknowledge,
    .function_name = iec104::function_name,
};

}  // namespace conduit
