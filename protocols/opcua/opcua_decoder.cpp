// OPC UA binary: what a PDU is, pairing, the row of the registry. The wire is drawn in opcua_chunk.cpp.
#include "protocols/opcua/opcua_decoder.hpp"

#include "protocols/opcua/opcua_pdu.hpp"
#include "protocols/opcua/opcua_refusal.hpp"

namespace conduit::opcua {
namespace {

PduHead open(Bytes pdu, Role sender, Quirks quirks, const SessionState& state, PduState& pdu_state) noexcept {
  if ((quirks & QUIRK_PLACE_UNKNOWN) != 0) {
    SessionState placeless = state;
    for (Direction& direction : placeless.as<Session>().direction) direction.known = false;
    return open(pdu, sender, QUIRK_NONE, placeless, pdu_state);
  }
  Fields& fields = pdu_state.as<Fields>();
  fields = Fields{};
  const Session& session = const_cast<SessionState&>(state).as<Session>();
  PduHead head;
  ChunkHeader header;
  head.field = "message_size";
  if (pdu.size() < message_header_size) return head;
  head.field = parse_header(pdu, sender, header);
  if (head.field == nullptr) {
    const bool symmetric = header.type == MessageType::MSG || header.type == MessageType::CLO;
    if (!symmetric) {
      head.field = open_transport(pdu, header, sender, session, pdu_state, head);
    } else if (sender == Role::CLIENT) {
      head.field = open_request(pdu, session, pdu_state, head);
    } else {
      head.field = open_response(pdu, session, pdu_state, head);
    }
  }
  head.function = fields.function;
  if (head.field != nullptr) {
    fields.pdu_size = 0;
    return head;
  }
  // Behind the type and the request header there may be a password.
  if (fields.request && fields.function == ACTIVATE_SESSION) head.shown_size = symmetric_header_size + 4;
  head.field = "";
  head.well_formed = true;
  return head;
}

// Of responses that say of themselves what they answer, `open` has told the detail.
bool matches(Bytes response, std::uint64_t asked, Quirks) noexcept {
  ChunkHeader header;
  if (response.size() < message_header_size || parse_header(response, Role::SERVER, header) != nullptr)
    return false;
  switch (header.type) {
    case MessageType::ACK:
    case MessageType::ERR: return asked == HELLO;
    case MessageType::OPN: return asked == OPEN_SECURE_CHANNEL;
    case MessageType::HEL:
    case MessageType::RHE:
    case MessageType::CLO: return false;
    case MessageType::MSG: break;
  }
  if (asked == HELLO || asked == OPEN_SECURE_CHANNEL) return false;
  if (asked == OPAQUE_MESSAGE || header.chunk == 'A') return true;
  if (response.size() < symmetric_header_size) return false;
  Cursor cursor(response.subspan(symmetric_header_size));
  std::uint32_t type = 0;
  if (!read_type(cursor, type)) return false;
  if (type == SERVICE_FAULT) return true;
  const std::uint16_t service = find_service_of_response(type);
  return service != no_service && service_at(service).function == asked;
}

}  // namespace
}  // namespace conduit::opcua

namespace conduit {

constinit const Protocol opcua_protocol{
    .id = opcua_id,
    .name = "opcua",
    .tcp_port = 4840,
    .udp_port = 0,
    .framing_prefix_size = 0,  // a chunk is sent in one write; what is held whole can be refused
    .judge_size_max = opcua::judge_size_max,
    .pdu_size_max = opcua::chunk_size_max,
    .replies_in_order = false,  // the request id pairs them
    .selector_dimension = opcua::NAMESPACE,
    .range_dimension = opcua::NODE,
    .dimension_names = {"namespace", "node", "attribute", "security_mode", "user_token", "method_namespace",
                        "method", "lifetime"},
    .frame = opcua::frame,
    .open = opcua::open,
    .next = opcua::next,
    .matches = opcua::matches,
    .begin = opcua::begin,
    .accept = opcua::accept,
    .refuse = opcua::refuse,
    .renumber = opcua::renumber,
    .function_name = opcua::function_name,
    .key_names = {"name", "further_name"},
};

}  // namespace conduit
