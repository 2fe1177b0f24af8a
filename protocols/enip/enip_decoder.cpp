// EtherNet/IP: heads of PDUs, what a conversation remembers, the row of the registry. The layers stand in
// enip_frame.cpp (encapsulation), enip_message.cpp (messages in each other), enip_operation.cpp (services).
#include "protocols/enip/enip_decoder.hpp"

#include "protocols/enip/enip_pdu.hpp"
#include "protocols/enip/enip_refusal.hpp"

namespace conduit::enip {
namespace {

constexpr std::uint16_t protocol_version = 1;
constexpr std::size_t unconnected_at = 40;  // where an unconnected message begins: its items have one form
constexpr std::uint64_t connected_key = std::uint64_t{1} << 63;
constexpr std::uint8_t status_embedded = 0x1E;  // some service of a packet failed
constexpr std::uint8_t unconnected_send_code = 0x52;

// What a response has to agree with: command, service, service of an unconnected send around it, and of a
// multiple service packet which services, in order.
struct Detail {
  std::uint8_t command = 0;
  std::uint8_t service = 0;
  std::uint8_t outer = 0;
  std::uint16_t count = 0;
  std::uint32_t services = 0;

  [[nodiscard]] std::uint64_t number() const noexcept {
    return 0x80ULL | command | (std::uint64_t{service} << 8) | (std::uint64_t{outer} << 16) |
           (std::uint64_t{count} << 24) | (std::uint64_t{services & 0xFFFFFF} << 40);
  }
};
constexpr std::uint64_t command_mask = 0xFF;
constexpr std::uint64_t service_mask = 0xFF00;
constexpr std::uint64_t outer_mask = 0xFF0000;
constexpr std::uint64_t list_mask = ~std::uint64_t{0xFFFFFF};

// The services of a packet, by a hash: it tells one list from another, it authenticates nothing.
const char* set_list(Bytes data, Detail& detail) noexcept {
  if (const char* field = read_packet_list(data, detail.count); field != nullptr) return field;
  std::uint32_t hash = 0x811c9dc5;
  for (std::uint16_t i = 0; i < detail.count; ++i)
    hash = (hash ^ (packet_message(data, detail.count, i)[0] & 0x7FU)) * 0x01000193;
  detail.services = hash ^ (hash >> 24);
  return nullptr;
}

const Connection* known_connection(const Session& session, bool sent, std::uint32_t identifier) noexcept {
  for (std::size_t i = 0; i < connection_count_max; ++i) {
    const Connection& one = session.connection[i];
    const bool same = (sent ? one.sent : one.received) == identifier;
    if (session.state[i] == ConnectionState::OPEN && !session.cyclic[i] && same) return &one;
  }
  return nullptr;
}

// Pairs a message on a connection with its answer: both carry the same count. The identifiers differ; which
// belong together is known of connections that this conversation opened.
std::uint64_t connected_match_key(const Packet& packet, Role sender, const Session& session) noexcept {
  const Connection* const known = known_connection(session, sender == Role::CLIENT, packet.connection);
  const std::uint64_t identifier = known == nullptr ? 0 : known->sent;
  return connected_key | (identifier << 16) | packet.sequence;
}

const char* open_request_message(Bytes octets, Fields& fields, PduHead& head, Detail& detail) noexcept {
  Message message;
  if (const char* field = read_message(octets, message); field != nullptr) return field;
  if (is_unconnected_send(message)) {
    Forwarded forwarded;
    detail.outer = message.service;
    if (const char* field = read_unconnected_send(message.data, forwarded); field != nullptr) return field;
    if (const char* field = read_message(forwarded.message, message); field != nullptr) return field;
  }
  std::uint32_t class_id = class_symbol;
  (void)leading_class(message.path, class_id);
  head.function = message.service < class_service_first ? message.service : class_id << 8 | message.service;
  const bool connects =
      head.function == FORWARD_OPEN || head.function == LARGE_FORWARD_OPEN || head.function == FORWARD_CLOSE;
  if (connects && !is_for(message, class_connection_manager)) return "path";
  head.opens = connects && head.function != FORWARD_CLOSE;
  detail.service = message.service;
  fields.function = head.function;
  return is_packet(message) ? set_list(message.data, detail) : nullptr;
}

const char* open_reply_message(Bytes octets, PduHead& head, Detail& detail) noexcept {
  Reply reply;
  if (const char* field = read_reply(octets, reply); field != nullptr) return field;
  head.function = reply.service;
  head.negative = reply.status != 0;
  detail.service = reply.service;
  const bool list = reply.service == MULTIPLE_SERVICE_PACKET &&
                    (reply.status == 0 || reply.status == status_embedded || !reply.data.empty());
  return list ? set_list(reply.data, detail) : nullptr;
}

const char* open_message(Bytes pdu, const Header& header, Role sender, const Session& session, Fields& fields,
                         PduHead& head, Detail& detail) noexcept {
  Packet packet;
  if (sender == Role::SERVER && header.status != 0) return nullptr;  // what stands behind it says no more
  if (const char* field = read_packet(pdu, header.command, packet); field != nullptr) return field;
  fields.connected = packet.connected;
  fields.message_at = static_cast<std::uint16_t>(packet.message.data() - pdu.data());
  fields.message_end = static_cast<std::uint16_t>(fields.message_at + packet.message.size());
  if (packet.connected) {
    head.association = association_key(false, packet.connection);
    head.match_key = connected_match_key(packet, sender, session);
  }
  return sender == Role::CLIENT ? open_request_message(packet.message, fields, head, detail)
                                : open_reply_message(packet.message, head, detail);
}

const char* open_register(Bytes pdu, const Header& header, Role sender) noexcept {
  Cursor rest(pdu.subspan(header_size));
  std::uint16_t version = 0;
  std::uint16_t options = 0;
  if (header.length == 0) return sender == Role::SERVER && header.status != 0 ? nullptr : "length";
  if (!rest.u16le(version) || !rest.u16le(options)) return "length";
  if (sender == Role::SERVER) return nullptr;
  if (header.session != 0) return "session";
  if (version != protocol_version) return "protocol_version";
  return options == 0 ? nullptr : "options";
}

// Everything but what stands in the header alone.
const char* open_command(Bytes pdu, const Header& header, Role sender, const Session& session, Fields& fields,
                         PduHead& head, Detail& detail) noexcept {
  const bool client = sender == Role::CLIENT;
  // Without a handle in a conversation that was seen from its beginning there is no session to ask in.
  const bool nameless = session.handle == 0 && !(session.begun && client);
  const bool known_session = nameless || (session.handle != 0 && header.session == session.handle);
  switch (header.command) {
    case COMMAND_NOP:
    case COMMAND_UNREGISTER_SESSION:
      head.kind = client ? PduKind::REQUEST : PduKind::UNSOLICITED;
      head.answered = false;
      return header.command == COMMAND_NOP || known_session ? nullptr : "session";
    case COMMAND_REGISTER_SESSION: return open_register(pdu, header, sender);
    case COMMAND_SEND_RR_DATA:
    case COMMAND_SEND_UNIT_DATA:
      if (!known_session) return "session";
      fields.function = 0;
      return open_message(pdu, header, sender, session, fields, head, detail);
    default: return nullptr;
  }
}

const char* open_encapsulated(Bytes pdu, Role sender, const Session& session, Fields& fields,
                              PduHead& head) noexcept {
  Header header;
  if (!read_header(pdu, header) || header.length != pdu.size() - header_size) return "length";
  fields.command = header.command;
  fields.response = sender == Role::SERVER;
  fields.function = command_base + header.command;
  head.function = fields.function;
  head.kind = sender == Role::CLIENT ? PduKind::REQUEST : PduKind::RESPONSE;
  head.negative = header.status != 0;
  if (sender == Role::CLIENT && header.status != 0) return "status";
  if (header.options != 0) return "options";
  Detail detail;
  detail.command = static_cast<std::uint8_t>(header.command);
  // A context by which clients tell their requests apart is rarely a number with its highest bits set.
  head.match_key = header.context ^ (std::uint64_t{header.command} << 48);
  const char* const field = open_command(pdu, header, sender, session, fields, head, detail);
  head.match_detail = detail.number();
  return field;
}

// An I/O datagram says nothing but which connection it belongs to.
void open_io(Bytes pdu, Fields& fields, PduHead& head) noexcept {
  Cursor rest(pdu);
  std::uint32_t identifier = 0;
  if (rest.skip(6)) (void)rest.u32le(identifier);
  fields.command = COMMAND_SEND_UNIT_DATA;
  head.function = IO_DATA;
  head.kind = PduKind::IMPLIED;
  head.answered = false;
  head.association = association_key(true, identifier);
}

PduHead open(Bytes pdu, Role sender, Quirks, const SessionState& state, PduState& pdu_state) noexcept {
  Fields& fields = pdu_state.as<Fields>();
  fields = Fields{};
  const Session& session = const_cast<SessionState&>(state).as<Session>();
  PduHead head;
  if (is_io(pdu))
    open_io(pdu, fields, head);
  else if (const char* field = open_encapsulated(pdu, sender, session, fields, head); field != nullptr) {
    head.field = field;
    return head;
  }
  fields.pdu_size = static_cast<std::uint16_t>(pdu.size());
  head.well_formed = true;
  return head;
}

void begin(SessionState& session) noexcept { session.as<Session>().begun = true; }

Next next(Bytes pdu, PduState& state, Operation& operation) noexcept {
  const Fields& fields = state.as<Fields>();
  const char* field = nullptr;
  if (fields.pdu_size == 0 || pdu.size() != fields.pdu_size) return Next::MALFORMED;
  return next_operation(pdu, state, operation, field);
}

// A response of another detail than the request's: one that refuses may say less.
bool matches(Bytes response, std::uint64_t asked, Quirks) noexcept {
  Header header;
  Packet packet;
  Reply reply;
  if (!read_header(response, header)) return false;
  if ((asked & command_mask) != (0x80U | header.command)) return false;
  const bool message = header.command == COMMAND_SEND_RR_DATA || header.command == COMMAND_SEND_UNIT_DATA;
  if (!message || header.status != 0) return true;
  if (read_packet(response, header.command, packet) != nullptr) return false;
  if (read_reply(packet.message, reply) != nullptr) return false;
  // The router on the way refuses an unconnected send in its own name.
  if ((asked & outer_mask) != 0 && reply.service == unconnected_send_code && reply.status != 0) return true;
  if (((asked & service_mask) >> 8) != reply.service) return false;
  if ((asked & list_mask) == 0) return true;
  if (reply.data.empty()) return reply.status != 0 && reply.status != status_embedded;
  Detail detail;
  return set_list(reply.data, detail) == nullptr && (detail.number() & list_mask) == (asked & list_mask);
}

// Could this be an opening, a closing, or the answer to one? Of most messages the first octet says no.
bool may_connect(Bytes message) noexcept {
  if (message.empty()) return false;
  const unsigned service = message[0] & 0x7FU;
  return service == (FORWARD_OPEN & 0xFF) || service == (LARGE_FORWARD_OPEN & 0xFF) ||
         service == (FORWARD_CLOSE & 0xFF);
}

void accept_command(Bytes pdu, Role sender, Session& session, Associations& associations) noexcept {
  Header header;
  Packet packet;
  Message message;
  Reply reply;
  if (!read_header(pdu, header)) return;
  if (header.command == COMMAND_UNREGISTER_SESSION) session.handle = 0;
  if (header.command == COMMAND_REGISTER_SESSION && sender == Role::SERVER && header.status == 0)
    session.handle = header.session;
  if (header.command != COMMAND_SEND_RR_DATA || read_packet(pdu, header.command, packet) != nullptr) return;
  if (sender == Role::SERVER) {
    if (read_reply(packet.message, reply) == nullptr) accept_reply(reply, session, associations);
    return;
  }
  if (read_message(packet.message, message) == nullptr && is_for(message, class_connection_manager))
    accept_request(message, session);
}

void accept(Bytes pdu, Role sender, SessionState& state, Associations& associations) noexcept {
  if (pdu.size() < header_size || pdu[0] == COMMAND_SEND_UNIT_DATA || is_io(pdu)) return;
  const bool unconnected = pdu.size() > unconnected_at && pdu[0] == COMMAND_SEND_RR_DATA;
  if (unconnected && !may_connect(pdu.subspan(unconnected_at))) return;
  accept_command(pdu, sender, state.as<Session>(), associations);
}

}  // namespace
}  // namespace conduit::enip

namespace conduit {

constinit const Protocol enip_protocol{
    .id = enip_id,
    .name = "enip",
    .tcp_port = 44818,
    .udp_port = 44818,
    .udp_port_aside = 2222,
    .framing_prefix_size = 0,  // the header alone is a whole command; what is held whole can be refused
    .judge_size_max = enip::pdu_size_max,
    .pdu_size_max = enip::pdu_size_max,
    .replies_in_order = false,  // sender context and sequence count pair them
    .selector_dimension = enip::CLASS,
    .range_dimension = enip::INSTANCE,
    .dimension_names = {"class", "instance", "attribute", "connection_point", "element", "produced_point",
                        "transport_class", "interval"},
    .frame = enip::frame,
    .open = enip::open,
    .next = enip::next,
    .matches = enip::matches,
    .begin = enip::begin,
    .accept = enip::accept,
    .refuse = enip::refuse,
    .function_name = enip::function_name,
    .key_names = {"tag", "route"},
};

}  // namespace conduit
