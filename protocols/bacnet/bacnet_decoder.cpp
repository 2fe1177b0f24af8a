// BACnet/IP: heads of datagrams, what a conversation remembers, the row of the registry. Layers, from the
// outside: bacnet_link.cpp, bacnet_apdu.cpp, bacnet_list.cpp and bacnet_request.cpp.
#include "protocols/bacnet/bacnet_decoder.hpp"

#include <algorithm>
#include <cstring>

#include "protocols/bacnet/bacnet_pdu.hpp"
#include "protocols/bacnet/bacnet_refusal.hpp"
#include "protocols/bacnet/bacnet_segments.hpp"

namespace conduit::bacnet {
namespace {

constexpr std::uint8_t link_type = 0x81;
constexpr std::uint8_t function_last = 12;

// What a request and its answer agree on: the series of the function, and its number on the wire.
enum DetailSeries : std::uint64_t { DETAIL_APDU = 0x100, DETAIL_NETWORK = 0x200, DETAIL_LINK = 0x300 };

Framing malformed(const char* field, bool mismatch = false) noexcept {
  Framing framing;
  framing.field = field;
  framing.mismatch = mismatch;
  return framing;
}

Framing frame(Bytes bytes, Role, Transport, const SessionState&) noexcept {
  Framing framing;
  if (!bytes.empty() && bytes[0] != link_type) return malformed("type", true);
  if (bytes.size() >= 2 && bytes[1] > function_last) return malformed("function");
  if (bytes.size() < link_header_size) {
    framing.status = FrameStatus::INCOMPLETE;
    framing.need_size = link_header_size;
    return framing;
  }
  const std::uint16_t length = load_u16be(bytes.data() + 2);
  if (length < link_header_size || length > datagram_size_max) return malformed("length");
  framing.status = FrameStatus::COMPLETE;
  framing.pdu_size = length;
  framing.judge_size = length;
  return framing;
}

constexpr std::uint8_t routed = 0xA8;         // control of the NPDU: message, destination, source
constexpr std::uint8_t whole_request = 0xE8;  // first octet of an APDU: bits that are clear in these

// Of an answer that was not sent to one alone: no request has it.
constexpr std::uint64_t key_of_none = UINT64_MAX;

// --- heads -----------------------------------------------------------------------------------------------

// Pairs an answer with its request: who asked, which series, both stations, the invoke id.
std::uint64_t key_of(Role asker, DetailSeries series, const Station& server, const Station& client,
                     std::uint8_t invoke) noexcept {
  const std::uint64_t stations =
      (std::uint64_t{hash_of(server)} << 16) ^ (std::uint64_t{hash_of(client)} << 24);
  return (stations << 16) | (static_cast<std::uint64_t>(series) << 1) | invoke |
         (static_cast<std::uint64_t>(asker) << 8);
}

const char* open_link(const Envelope& envelope, Role sender, Fields& fields, PduHead& head) noexcept {
  fields.function = static_cast<std::uint16_t>(link_base + envelope.carrier);
  fields.content = Content::LINK;
  const bool answer = fields.function == BVLC_RESULT ||
                      fields.function == READ_BROADCAST_DISTRIBUTION_TABLE_ACK ||
                      fields.function == READ_FOREIGN_DEVICE_TABLE_ACK;
  head.kind = answer ? PduKind::RESPONSE : PduKind::REQUEST;
  head.answered = fields.function != SECURE_BVLL;
  head.match_key = key_of(answer ? other(sender) : sender, DETAIL_LINK, {}, {}, 0);
  if (!answer) head.match_detail = DETAIL_LINK | envelope.carrier;
  head.negative = fields.function == BVLC_RESULT && load_u16be(envelope.body.data()) != 0;
  fields.response = answer;
  return nullptr;
}

const char* open_message(const Envelope& envelope, Role sender, Fields& fields, PduHead& head) noexcept {
  const std::uint8_t type = envelope.body[0];
  fields.function = static_cast<std::uint16_t>(network_base + type);
  fields.content = Content::NETWORK;
  ++fields.position;
  fields.response = fields.function == INITIALIZE_ROUTING_TABLE_ACK;
  const bool alone = envelope.carrier == UNICAST;
  head.kind = fields.response ? PduKind::RESPONSE : PduKind::REQUEST;
  head.answered = fields.function == INITIALIZE_ROUTING_TABLE && alone;
  head.match_key = fields.response
                       ? key_of(other(sender), DETAIL_NETWORK, envelope.source, envelope.destination, 0)
                       : key_of(sender, DETAIL_NETWORK, envelope.destination, envelope.source, 0);
  if (fields.response && !alone) head.match_key = key_of_none;
  head.match_detail = DETAIL_NETWORK | static_cast<std::uint64_t>(INITIALIZE_ROUTING_TABLE - network_base);
  return nullptr;
}

const char* open_request(Bytes pdu, const Envelope& envelope, const Apdu& apdu, Role sender,
                         const Session& session, PduState& state, PduHead& head) noexcept {
  Fields& fields = state.as<Fields>();
  const bool confirmed = apdu.type == ApduType::CONFIRMED_REQUEST;
  fields.function =
      static_cast<std::uint16_t>((confirmed ? confirmed_base : unconfirmed_base) + apdu.service);
  const bool to_all = envelope.destination.stated() && envelope.destination.size == 0;
  head.answered = confirmed && envelope.carrier == UNICAST && !to_all;
  head.match_key = key_of(sender, DETAIL_APDU, envelope.destination, envelope.source, apdu.invoke);
  head.match_detail = DETAIL_APDU | apdu.service;
  fields.position = static_cast<std::uint16_t>(apdu.data.data() - pdu.data());
  if (function_row(fields.function) != nullptr) fields.content = Content::REQUEST;
  const bool secret =
      fields.function == DEVICE_COMMUNICATION_CONTROL || fields.function == REINITIALIZE_DEVICE;
  if (secret) head.shown_size = fields.position;  // a password may stand behind
  if (!apdu.segmented) return confirmed && is_begun(envelope, apdu, sender, session) ? "invoke_id" : nullptr;
  if (!head.answered || envelope.source.stated()) return "segmented";
  return open_segment(envelope, apdu, sender, session, state, head);
}

const char* open_response(Bytes pdu, const Envelope& envelope, const Apdu& apdu, Role sender,
                          const Session& session, Fields& fields, PduHead& head) noexcept {
  const bool bare = apdu.type == ApduType::REJECT || apdu.type == ApduType::ABORT;
  fields.response = true;
  fields.function = static_cast<std::uint16_t>(confirmed_base + apdu.service);
  if (bare) fields.function = static_cast<std::uint16_t>(apdu_base + static_cast<unsigned>(apdu.type));
  head.kind = apdu.more ? PduKind::RESPONSE_PART : PduKind::RESPONSE;
  if (ends_sending(envelope, apdu, sender, session)) head.kind = PduKind::IMPLIED;
  head.negative = bare || apdu.type == ApduType::ERROR;
  head.match_key = key_of(other(sender), DETAIL_APDU, envelope.source, envelope.destination, apdu.invoke);
  if (envelope.carrier != UNICAST) head.match_key = key_of_none;
  if (!bare && answer_fits(apdu)) head.match_detail = DETAIL_APDU | apdu.service;
  if (apdu.type != ApduType::COMPLEX_ACK || apdu.segmented) return nullptr;
  if (fields.function == READ_PROPERTY) fields.content = Content::READ_ACK;
  if (fields.function == READ_PROPERTY_MULTIPLE) fields.content = Content::MULTIPLE_ACK;
  fields.position = static_cast<std::uint16_t>(apdu.data.data() - pdu.data());
  return nullptr;
}

// SegmentACK, and an Abort of the side that asked: nothing but what keeps an exchange in segments going, or
// ends it.
void open_control(const Envelope& envelope, const Apdu& apdu, Role sender, const Session& session,
                  Fields& fields, PduHead& head) noexcept {
  fields.function = static_cast<std::uint16_t>(apdu_base + static_cast<unsigned>(apdu.type));
  const bool awaited = envelope.carrier == UNICAST && control_awaited(apdu, sender, session);
  head.kind = awaited ? PduKind::IMPLIED : PduKind::REQUEST;
  head.answered = false;
}

const char* open_apdu(Bytes pdu, const Envelope& envelope, Role sender, const Session& session,
                      PduState& state, PduHead& head) noexcept {
  Fields& fields = state.as<Fields>();
  Apdu apdu;
  if (const char* field = read_apdu(envelope.body, apdu); field != nullptr) return field;
  switch (apdu.type) {
    case ApduType::CONFIRMED_REQUEST:
    case ApduType::UNCONFIRMED_REQUEST:
      return open_request(pdu, envelope, apdu, sender, session, state, head);
    case ApduType::ABORT:
      if (apdu.from_server) return open_response(pdu, envelope, apdu, sender, session, fields, head);
      open_control(envelope, apdu, sender, session, fields, head);
      return nullptr;
    case ApduType::SEGMENT_ACK: open_control(envelope, apdu, sender, session, fields, head); return nullptr;
    case ApduType::SIMPLE_ACK:
    case ApduType::COMPLEX_ACK:
    case ApduType::ERROR:
    case ApduType::REJECT: return open_response(pdu, envelope, apdu, sender, session, fields, head);
  }
  return "apdu_type";
}

void note_envelope(const Envelope& envelope, PduState& state) noexcept {
  Fields& fields = state.as<Fields>();
  fields.carrier = envelope.carrier;
  fields.has_destination = envelope.destination.stated();
  fields.has_source = envelope.source.stated();
  if (fields.has_destination) fields.destination = envelope.destination.range();
  if (fields.has_source) fields.source = envelope.source.number();
  fields.envelope = envelope.carrier == FORWARDED || envelope.carrier == DISTRIBUTED;
  if (!envelope.origin.empty()) {
    fields.origin_size = static_cast<std::uint8_t>(write_origin(envelope.origin, state.scratch.data()));
  }
}

PduHead open(Bytes pdu, Role sender, Quirks, const SessionState& session_state, PduState& state) noexcept {
  Fields& fields = state.as<Fields>();
  fields = Fields{};
  const Session& session = const_cast<SessionState&>(session_state).as<Session>();
  PduHead head;
  Envelope envelope;
  head.field = pdu.size() > datagram_size_max ? "length" : read_envelope(pdu, envelope);
  if (head.field == nullptr) {
    fields.position = static_cast<std::uint16_t>(envelope.body.data() - pdu.data());
    fields.end = static_cast<std::uint16_t>(pdu.size());
    if (envelope.carries) note_envelope(envelope, state);
    if (!envelope.carries) {
      head.field = open_link(envelope, sender, fields, head);
    } else if (envelope.network_message) {
      head.field = open_message(envelope, sender, fields, head);
    } else {
      head.field = open_apdu(pdu, envelope, sender, session, state, head);
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
  if (fields.pdu_size == 0 || pdu.size() != fields.pdu_size) return Next::MALFORMED;
  const Bytes data = fields.assembled ? Bytes(state.scratch.data(), fields.end) : pdu;
  return next_operation(data, fields, state, operation);
}

bool matches_link(const Envelope& envelope, std::uint64_t asked) noexcept {
  const auto function = static_cast<unsigned>(asked & 0xFF);
  if (envelope.carrier == 0) {
    const std::uint16_t code = load_u16be(envelope.body.data());
    const bool acknowledged = function != 2 && function != 6;  // reads are answered with what was asked for
    return code == 0 ? acknowledged : code == link_refusal(static_cast<std::uint8_t>(function));
  }
  return (function == 2 && envelope.carrier == 3) || (function == 6 && envelope.carrier == 7);
}

bool matches(Bytes response, std::uint64_t asked, Quirks) noexcept {
  Envelope envelope;
  Apdu apdu;
  if (read_envelope(response, envelope) != nullptr) return false;
  const std::uint64_t series = asked & ~std::uint64_t{0xFF};
  if (!envelope.carries) return series == DETAIL_LINK && matches_link(envelope, asked);
  if (envelope.network_message) return series == DETAIL_NETWORK;
  if (series != DETAIL_APDU || read_apdu(envelope.body, apdu) != nullptr) return false;
  if (apdu.type == ApduType::REJECT || apdu.type == ApduType::ABORT) return true;
  return apdu.service == (asked & 0xFF) && answer_fits(apdu);
}

void accept(Bytes pdu, Role sender, SessionState& session_state, Associations&) noexcept {
  // Most requests are sent whole, and leave nothing to remember.
  constexpr std::size_t apdu_at = 6;
  if (pdu.size() > apdu_at && (pdu[5] & routed) == 0 && (pdu[apdu_at] & whole_request) == 0) return;
  Envelope envelope;
  Apdu apdu;
  if (read_envelope(pdu, envelope) != nullptr || !envelope.carries || envelope.network_message ||
      envelope.carrier != UNICAST || read_apdu(envelope.body, apdu) != nullptr) {
    return;
  }
  note_passage(envelope, apdu, sender, session_state.as<Session>());
}

std::string_view function_name(std::uint32_t function) noexcept {
  const FunctionRow* const row = function_row(function);
  return row == nullptr ? std::string_view{} : row->name;
}

}  // namespace
}  // namespace conduit::bacnet

namespace conduit {

constinit const Protocol bacnet_protocol{
    .id = bacnet_id,
    .name = "bacnet",
    .tcp_port = 0,
    .udp_port = 47808,
    .framing_prefix_size = 0,  // a datagram comes whole
    .judge_size_max = bacnet::datagram_size_max,
    .pdu_size_max = bacnet::datagram_size_max,
    .replies_in_order = false,  // the invoke id pairs them
    .peers = true,
    .selector_dimension = bacnet::OBJECT_TYPE,
    .range_dimension = bacnet::INSTANCE,
    .dimension_names = {"object_type", "instance", "property", "index", "priority", "destination", "source",
                        "carrier"},
    .frame = bacnet::frame,
    .open = bacnet::open,
    .next = bacnet::next,
    .matches = bacnet::matches,
    .accept = bacnet::accept,
    .refuse = bacnet::refuse,
    .function_name = bacnet::function_name,
    .key_names = {"origin", "object_name"},
};

}  // namespace conduit
