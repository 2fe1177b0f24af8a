// DNP3: the heads of fragments (1815 §4.4), what a conversation remembers, the row of the registry.
//
//    0                     1          2            4
//   +---------------------+----------+------------+----------------- …
//   | application control | function | internal   | object headers       (dnp3_operation.cpp)
//   | FIR FIN CON UNS seq |          | indications|
//   +---------------------+----------+------------+----------------- …
//                                     responses only
#include "protocols/dnp3/dnp3_decoder.hpp"

#include <array>

#include "protocols/dnp3/dnp3_link.hpp"
#include "protocols/dnp3/dnp3_pdu.hpp"
#include "protocols/dnp3/dnp3_refusal.hpp"

namespace conduit::dnp3 {
namespace {

constexpr std::uint16_t broadcast_first = 0xFFFD;
constexpr std::uint8_t refused_indications = 0x07;  // IIN2.0 to IIN2.2: function, object, parameter
constexpr std::uint64_t link_key = std::uint64_t{1} << 63;

Framing frame(Bytes bytes, Role sender, Transport transport, const SessionState&) noexcept {
  return frame_link(bytes, sender, transport);
}

// FNV-1a, 64 bit: tells a SELECT from another; it authenticates nothing.
std::uint64_t hash(Bytes data) noexcept {
  std::uint64_t state = 0xcbf29ce484222325ULL;
  for (const std::uint8_t octet : data) state = (state ^ octet) * 0x100000001b3ULL;
  return state;
}

// Pairs a response with its request: both link addresses and the sequence number of the request.
std::uint64_t match_key(const Fields& fields, std::uint8_t sequence) noexcept {
  return (std::uint64_t{fields.outstation} << 32) | (std::uint64_t{fields.master} << 16) | sequence;
}

// Is this the OPERATE to the SELECT before it, or its repetition (1815 §4.4.4.2)?
bool follows_select(const Fields& fields, Bytes objects, const Session& session) noexcept {
  const auto sequence = static_cast<std::uint8_t>((session.select_sequence + 1) & control_sequence);
  return session.select_live && session.select_outstation == fields.outstation &&
         session.select_master == fields.master && (fields.control & control_sequence) == sequence &&
         session.select_hash == hash(objects);
}

bool confirmation_awaited(const Fields& fields, const Session& session) noexcept {
  const std::uint8_t wanted = fields.control & (control_unsolicited | control_sequence);
  for (const Confirmable& one : session.confirmable) {
    if (one.live && one.outstation == fields.outstation && one.control == wanted) return true;
  }
  return false;
}

const char* open_link(const LinkHeader& header, Fields& fields, PduHead& head) noexcept {
  fields.function = static_cast<std::uint16_t>((header.primary() ? link_primary_base : link_secondary_base) +
                                               header.function());
  const FunctionRow* const row = function_row(fields.function);
  if (row == nullptr) return "control";
  head.match_key = link_key | match_key(fields, 0);
  head.match_detail = fields.function;
  // Either station may ask for the state of the link. What an outstation asks, and the master's answer to it,
  // have no request of the client to go with: they need rules of their own.
  if (header.from_master()) {
    head.kind = header.primary() ? PduKind::REQUEST : PduKind::UNSOLICITED;
  } else {
    head.kind = header.primary() ? PduKind::UNSOLICITED : PduKind::RESPONSE;
    head.negative = fields.function == LINK_NACK || fields.function == LINK_NOT_SUPPORTED;
  }
  head.answered = header.from_master() && header.primary() && header.destination < broadcast_first;
  return nullptr;
}

const char* open_request(Bytes fragment, const Session& session, Fields& fields, PduHead& head) noexcept {
  const std::uint8_t flags = fields.control & static_cast<std::uint8_t>(~control_sequence);
  const std::uint8_t whole = control_first | control_final;
  head.match_key = match_key(fields, fields.control & control_sequence);
  if (fields.function == CONFIRM) {
    if ((flags & ~control_unsolicited) != whole || fragment.size() != request_header_size) return "control";
    head.kind = confirmation_awaited(fields, session) ? PduKind::IMPLIED : PduKind::REQUEST;
    head.answered = false;
    return nullptr;
  }
  if (flags != whole) return "control";  // a request is one fragment, and nothing confirms it (1815 §4.4.1)
  fields.authenticated = begins_aggressive_mode(fragment.subspan(request_header_size));
  if (fields.authenticated) fields.position += aggressive_mode_size;
  if (fields.function == OPERATE && !follows_select(fields, objects_asked(fragment), session)) {
    fields.function = OPERATE_WITHOUT_SELECT;
  }
  const FunctionRow* const row = function_row(fields.function);
  if (row != nullptr && row->function >= RESPONSE && row->function != OPERATE_WITHOUT_SELECT)
    return "function";
  head.answered = (row == nullptr || row->answered) && fields.outstation < broadcast_first;
  head.match_detail = fields.function;
  // User name and password stand behind: up to the function code alone, with the transport header before it.
  if (fields.function == AUTHENTICATE_FILE) head.shown_size = link_header_size + 1 + request_header_size;
  if (row == nullptr) {  // no rule can name it; nothing to read
    fields.fragment_size = fields.position = request_header_size;
    fields.authenticated = false;
  }
  return nullptr;
}

const char* open_response(const Session& session, Fields& fields, PduHead& head) noexcept {
  const std::uint8_t sequence = fields.control & control_sequence;
  const bool unsolicited = (fields.control & control_unsolicited) != 0;
  const bool first = (fields.control & control_first) != 0;
  const bool last = (fields.control & control_final) != 0;
  if (fields.function != RESPONSE && fields.function != UNSOLICITED_RESPONSE &&
      fields.function != AUTHENTICATE_RESP) {
    return "function";
  }
  head.match_key = match_key(fields, sequence);
  if (fields.function == UNSOLICITED_RESPONSE) {
    head.kind = PduKind::UNSOLICITED;
    return unsolicited && first && last ? nullptr : "control";
  }
  if (unsolicited) return "control";
  // A later fragment answers the request that the first one answered.
  const bool goes_on =
      session.part_live && session.part_outstation == fields.outstation && session.part_next == sequence;
  if (!first && goes_on) head.match_key = match_key(fields, session.part_first);
  const bool more = !last || fields.function == AUTHENTICATE_RESP;  // a challenge: the answer comes later
  head.kind = more ? PduKind::RESPONSE_PART : PduKind::RESPONSE;
  return nullptr;
}

PduHead open(Bytes pdu, Role sender, Quirks, const SessionState& state, PduState& pdu_state) noexcept {
  Fields& fields = pdu_state.as<Fields>();
  fields = Fields{};
  const Session& session = const_cast<SessionState&>(state).as<Session>();
  PduHead head;
  LinkHeader header;
  if (pdu.size() < link_header_size) {
    head.field = "length";
    return head;
  }
  head.field = parse_header(pdu, header);
  if (head.field != nullptr) return head;
  fields.outstation = sender == Role::CLIENT ? header.destination : header.source;
  fields.master = sender == Role::CLIENT ? header.source : header.destination;
  fields.response = sender == Role::SERVER && header.carries_data();
  std::size_t size = 0;
  if (header.from_master() != (sender == Role::CLIENT)) {
    head.field = "direction";
  } else if (!header.carries_data()) {
    head.field = pdu.size() == link_header_size ? open_link(header, fields, head) : "length";
  } else {
    head.field = unwrap(pdu, std::span<std::uint8_t>(pdu_state.scratch).first(fragment_size_max), size);
    const std::size_t least = fields.response ? response_header_size : request_header_size;
    if (head.field == nullptr && size < least) head.field = "fragment_size";
    if (head.field == nullptr) {
      const Bytes fragment(pdu_state.scratch.data(), size);
      fields.control = fragment[0];
      fields.function = fragment[1];
      fields.fragment_size = static_cast<std::uint16_t>(size);
      fields.position = static_cast<std::uint16_t>(least);
      head.negative = fields.response && (fragment[3] & refused_indications) != 0;
      head.field = fields.response ? open_response(session, fields, head)
                                   : open_request(fragment, session, fields, head);
    }
  }
  head.function = fields.function;
  if (head.field != nullptr) return head;
  fields.pdu_size = static_cast<std::uint16_t>(pdu.size());
  head.field = "";
  head.well_formed = true;
  return head;
}

Next next(Bytes pdu, PduState& state, Operation& operation) noexcept {
  Fields& fields = state.as<Fields>();
  if (pdu.size() != fields.pdu_size) return Next::MALFORMED;
  const char* field = nullptr;
  return next_operation(Bytes(state.scratch.data(), fields.fragment_size), fields, operation, field);
}

bool matches(Bytes response, std::uint64_t asked, Quirks) noexcept {
  LinkHeader header;
  if (response.size() < link_header_size || parse_header(response, header) != nullptr) return false;
  if (header.carries_data()) return asked < link_primary_base;
  const unsigned function = link_secondary_base + header.function();
  if (function == LINK_NOT_SUPPORTED) return asked >= link_primary_base;
  if (asked == LINK_STATUS_REQUEST) return function == LINK_STATUS;
  return (asked == LINK_RESET || asked == LINK_TEST) && (function == LINK_ACK || function == LINK_NACK);
}

void accept_response(const Fields& fields, Session& session) noexcept {
  const std::uint8_t sequence = fields.control & control_sequence;
  if ((fields.control & control_confirm) != 0) {
    session.confirmable[session.confirm_next] = {
        fields.outstation,
        static_cast<std::uint8_t>(fields.control & (control_unsolicited | control_sequence)), true};
    session.confirm_next = (session.confirm_next + 1U) & 3U;
  }
  if (fields.function != RESPONSE) return;
  const bool first = (fields.control & control_first) != 0;
  session.part_live = (fields.control & control_final) == 0;
  if (first) session.part_first = sequence;
  session.part_outstation = fields.outstation;
  session.part_next = (sequence + 1U) & control_sequence;
}

void accept(Bytes pdu, Role sender, SessionState& state, Associations&) noexcept {
  Session& session = state.as<Session>();
  std::array<std::uint8_t, fragment_size_max> fragment;
  std::size_t size = 0;
  if (pdu.size() < link_header_size) return;
  const LinkHeader header = header_of(pdu);
  if (!header.carries_data()) return;
  // Of most fragments the first block says enough.
  const std::size_t user = header.user_size < block_size ? header.user_size : block_size;
  if (pdu.size() < link_header_size + user || user < 3) return;
  Fields fields;
  fields.control = pdu[link_header_size + 1];
  fields.function = pdu[link_header_size + 2];
  fields.outstation = sender == Role::CLIENT ? header.destination : header.source;
  if (sender == Role::SERVER) return accept_response(fields, session);
  if (fields.function != SELECT || unwrap(pdu, fragment, size) != nullptr) return;
  session.select_hash = hash(objects_asked(Bytes(fragment.data(), size)));
  session.select_outstation = header.destination;
  session.select_master = header.source;
  session.select_sequence = fields.control & control_sequence;
  session.select_live = true;
}

std::string_view function_name(std::uint32_t function) noexcept {
  const FunctionRow* const row = function_row(function);
  return row == nullptr ? std::string_view{} : row->name;
}

}  // namespace
}  // namespace conduit::dnp3

namespace conduit {

constinit const Protocol dnp3_protocol{
    .id = dnp3_id,
    .name = "dnp3",
    .tcp_port = 20000,
    .udp_port = 20000,
    .framing_prefix_size = 0,  // stations send frames in one write; what is held whole can be refused
    .judge_size_max = dnp3::frames_size_max,
    .pdu_size_max = dnp3::frames_size_max,
    .replies_in_order = false,  // the sequence number pairs them
    .selector_dimension = dnp3::OUTSTATION,
    .range_dimension = dnp3::INDEX,
    .dimension_names = {"outstation", "object", "index", "control", "count", "on_time", "off_time", "master"},
    .frame = dnp3::frame,
    .open = dnp3::open,
    .next = dnp3::next,
    .matches = dnp3::matches,
    .accept = dnp3::accept,
    .refuse = dnp3::refuse,
    .function_name = dnp3::function_name,
    .key_names = {"file_name", "authentication"},
};

}  // namespace conduit
