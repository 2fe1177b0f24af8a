// S7comm: which kind of TPDU and of protocol, the row of the registry.
#include "protocols/s7comm/s7comm_decoder.hpp"

#include <array>

#include "protocols/s7comm/s7comm_pdu.hpp"
#include "protocols/s7comm/s7comm_refusal.hpp"

namespace conduit::s7comm {
namespace {

constexpr std::size_t tpdus_max = 2;  // of one TSDU that all servers put together alike

const Session& session_of(const SessionState& state) noexcept {
  return const_cast<SessionState&>(state).as<Session>();
}

Framing frame(Bytes bytes, Role, Transport, const SessionState&) noexcept { return frame_tpkt(bytes); }

// --- transport layer -------------------------------------------------------------------------------------

const char* open_connect(Bytes pdu, Role sender, const Control& control, const Session& session,
                         Fields& fields, PduHead& head) noexcept {
  if (sender == Role::SERVER) return "tpdu";
  if (session.connect_asked || session.connected) return "tpdu";  // class 0: one connection, and no other
  head.match_key = key_connect | control.source_reference;
  head.match_detail = key_connect;
  fields.tsaps = tsaps_of(control);
  if (fields.tsaps.destination_known) return nullptr;
  fields.has_name = true;
  fields.name_in_pdu = true;
  fields.name_at = static_cast<std::uint16_t>(control.destination_tsap.data() - pdu.data());
  fields.name_size = static_cast<std::uint16_t>(control.destination_tsap.size());
  return nullptr;
}

const char* open_control(Bytes pdu, Role sender, const Session& session, Fields& fields,
                         PduHead& head) noexcept {
  Control control;
  if (const char* field = read_control(pdu, control); field != nullptr) return field;
  const bool client = sender == Role::CLIENT;
  fields.function = static_cast<std::uint16_t>(TPDU + control.code);
  fields.telling = Telling::ONE;
  switch (control.code) {
    case CONNECT_REQUEST: return open_connect(pdu, sender, control, session, fields, head);
    case CONNECT_CONFIRM:
      if (client) return "tpdu";
      fields.function = CONNECT;
      head.kind = PduKind::RESPONSE;
      head.match_key = key_connect | control.destination_reference;
      head.match_detail = key_connect;
      return nullptr;
    case DISCONNECT_CONFIRM_TPDU:
      if (!(client ? session.server_disconnects : session.client_disconnects)) return "tpdu";
      fields.telling = Telling::NONE;
      head.kind = PduKind::IMPLIED;
      return nullptr;
    default: break;  // DR and ER: the answer to a CR, or the end of a connection
  }
  head.answered = false;
  if (client) return nullptr;
  head.kind = session.connected ? PduKind::UNSOLICITED : PduKind::RESPONSE;
  head.negative = !session.connected;
  head.match_key = key_connect | control.destination_reference;
  head.match_detail = key_connect;
  return nullptr;
}

// --- other protocols in a TSDU ---------------------------------------------------------------------------

void open_opaque(Role sender, const Session& session, Fields& fields, PduHead& head) noexcept {
  fields.function = S7PLUS_OPAQUE;
  fields.telling = Telling::ONE;
  head.answered = false;
  if (sender == Role::CLIENT) return;
  // What the server says to what nobody could read: part of what was permitted as opaque.
  head.kind = session.opaque ? PduKind::IMPLIED : PduKind::UNSOLICITED;
}

void open_plus(Bytes tsdu, Role sender, const Session& session, Fields& fields, PduHead& head) noexcept {
  const PlusPart& before = session.plus[static_cast<std::size_t>(sender)];
  const Plus plus = read_plus(tsdu, before);
  if (plus.function == S7PLUS_OPAQUE) return open_opaque(sender, session, fields, head);
  fields.function = plus.function;
  fields.telling = Telling::ONE;
  head.match_key = key_plus | plus.sequence;
  head.match_detail = key_plus | plus.function;
  if (sender == Role::CLIENT) {
    head.answered = plus.opcode == plus_request;  // of a message in pieces the first one
    if (plus.opcode == plus_response || plus.opcode == plus_notification) fields.function = S7PLUS_OPAQUE;
    return;
  }
  const bool answer = plus.continues ? before.answered : plus.opcode == plus_response;
  if (plus.opcode == plus_request) fields.function = S7PLUS_OPAQUE;
  head.kind = !answer ? PduKind::UNSOLICITED : plus.more ? PduKind::RESPONSE_PART : PduKind::RESPONSE;
}

const char* open_data(Bytes pdu, Role sender, const Session& session, PduState& state, Fields& fields,
                      PduHead& head) noexcept {
  Bytes tsdu;
  if (session.begun && !session.connected) return "tpdu";
  if (const char* field = read_data(pdu, state.scratch, tsdu); field != nullptr) return field;
  fields.tsdu_size = static_cast<std::uint16_t>(tsdu.size());
  fields.in_scratch = tsdu.data() == state.scratch.data();
  // Servers made with snap7 lay the third one behind a gap, and read what an earlier TSDU has left there.
  const bool many = fields.in_scratch && sender == Role::CLIENT && tpdu_count(pdu) > tpdus_max;
  if (many && !fields.many_tpdus) return "tpdu_count";
  fields.tsaps = session.tsaps;
  if (tsdu.empty()) {  // keeps the stations awake, as many of them do after each answer
    fields.function = EMPTY_DATA;
    head.kind = PduKind::IMPLIED;
    return nullptr;
  }
  if (tsdu[0] == s7_protocol) return open_s7(tsdu, sender, session, fields, head);
  if (tsdu[0] == s7plus_protocol) {
    open_plus(tsdu, sender, session, fields, head);
    return nullptr;
  }
  if (!session.tls) return "protocol_id";
  open_opaque(sender, session, fields, head);
  return nullptr;
}

// --- the contract ----------------------------------------------------------------------------------------

PduHead open(Bytes pdu, Role sender, Quirks quirks, const SessionState& session_state,
             PduState& state) noexcept {
  Fields& fields = state.as<Fields>();
  fields = Fields{};
  const Session& session = session_of(session_state);
  PduHead head;
  if (pdu.size() < data_header_size || pdu.size() > tpkts_size_max) {
    head.field = "length";
    return head;
  }
  fields.response = sender == Role::SERVER;
  fields.own_units = (quirks & QUIRK_LENGTHS_BY_TRANSPORT_SIZE) != 0;
  fields.many_tpdus = (quirks & QUIRK_MANY_TPDUS) != 0;
  const char* const field = pdu[tpkt_header_size + 1] == DATA
                                ? open_data(pdu, sender, session, state, fields, head)
                                : open_control(pdu, sender, session, fields, head);
  head.function = fields.function;
  if (field != nullptr) {
    head.field = field;
    return head;
  }
  fields.pdu_size = static_cast<std::uint16_t>(pdu.size());
  head.well_formed = true;
  return head;
}

void begin(SessionState& session) noexcept { session.as<Session>().begun = true; }

Next next(Bytes pdu, PduState& state, Operation& operation) noexcept {
  Fields& fields = state.as<Fields>();
  if (fields.pdu_size == 0 || pdu.size() != fields.pdu_size) return Next::MALFORMED;
  const Bytes tsdu = fields.in_scratch ? Bytes(state.scratch.data(), fields.tsdu_size)
                                       : pdu.subspan(data_header_size, fields.tsdu_size);
  return next_operation(pdu, tsdu, fields, operation);
}

bool answer_matches(Bytes tsdu, std::uint64_t asked) noexcept {
  Header header;
  if (read_header(tsdu, header) != nullptr) return false;
  if (header.rosctr == USERDATA_PDU) {
    Userdata userdata;
    return read_userdata(header, userdata) == nullptr && (key_userdata | userdata.function()) == asked;
  }
  if ((asked & key_mask) != key_job || header.rosctr == JOB) return false;
  if (header.error != 0) return true;
  const std::uint8_t function = asked & 0xFF;
  if (header.rosctr == ACK) return function != READ_VAR && function != WRITE_VAR;
  if (header.parameter.empty() || header.parameter[0] != function) return false;
  if (function != READ_VAR && function != WRITE_VAR) return true;
  if (header.parameter.size() != 2) return false;
  const std::uint8_t count = header.parameter[1];
  if (function == READ_VAR) return results_match(header.data, count, asked);
  return ((asked >> 8) & 0xFF) == count && header.data.size() == count;
}

bool matches(Bytes response, std::uint64_t asked, Quirks) noexcept {
  std::array<std::uint8_t, pdu_scratch_size> scratch;
  Bytes tsdu;
  if (response.size() < data_header_size) return false;
  if (response[tpkt_header_size + 1] != DATA) return asked == key_connect;
  if (read_data(response, scratch, tsdu) != nullptr || tsdu.empty()) return false;
  return tsdu[0] == s7_protocol && answer_matches(tsdu, asked);
}

std::string_view function_name(std::uint32_t function) noexcept {
  const FunctionRow* const row = function_row(function);
  return row == nullptr ? std::string_view{} : row->name;
}

}  // namespace
}  // namespace conduit::s7comm

namespace conduit {

constinit const Protocol s7comm_protocol{
    .id = s7comm_id,
    .name = "s7comm",
    .tcp_port = 102,
    .udp_port = 0,
    .framing_prefix_size = 0,  // clients send a TPDU in one write; what is held whole can be refused
    .judge_size_max = s7comm::tpkts_size_max,
    .pdu_size_max = s7comm::tpkts_size_max,
    .replies_in_order = false,  // the PDU reference pairs them
    .selector_dimension = s7comm::DB,
    .range_dimension = s7comm::BIT_ADDRESS,
    .dimension_names = {"slot", "connection_type", "source_tsap", "area", "db", "bit", "transport_size",
                        "szl_id"},
    .frame = s7comm::frame,
    .open = s7comm::open,
    .next = s7comm::next,
    .matches = s7comm::matches,
    .begin = s7comm::begin,
    .accept = s7comm::accept,
    .refuse = s7comm::refuse,
    .strays = s7comm::strays,
    .function_name = s7comm::function_name,
    .key_names = {"pi_service", "block"},
};

}  // namespace conduit
