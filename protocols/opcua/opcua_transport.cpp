// Heads of the connection's own messages (Part 6 §7.1.2) and of OPN (§6.7.4).
//
//   HEL: version 4 | receive buffer 4 | send buffer 4 | message max 4 | chunks max 4 | endpoint URL
//   ACK: version 4 | receive buffer 4 | send buffer 4 | message max 4 | chunks max 4
//   ERR: error 4 | reason         RHE: server URI | endpoint URL
//   OPN: SecureChannelId 4 | policy URI | certificate | thumbprint | sequence 4 | request id 4 | type | body
#include "protocols/opcua/opcua_pdu.hpp"
#include "protocols/opcua/opcua_thumbprint.hpp"

namespace conduit::opcua {
namespace {

constexpr std::uint32_t buffer_size_min = 1024;

void set_name(Bytes pdu, Bytes text, Fields& fields) noexcept {
  fields.named = true;
  fields.name = static_cast<std::uint32_t>(text.data() - pdu.data());
  fields.name_size = static_cast<std::uint32_t>(text.size());
}

const char* open_hello(Bytes pdu, const Session& session, Fields& fields, PduHead& head) noexcept {
  std::uint32_t receive = 0;
  std::uint32_t send = 0;
  Bytes url;
  if (session.hello) return "message_type";  // the connection has been opened
  Cursor cursor(pdu.subspan(message_header_size));
  if (!cursor.skip(4) || !cursor.u32le(receive) || !cursor.u32le(send) || !cursor.skip(8))
    return "message_size";
  if (receive < buffer_size_min || send < buffer_size_min) return "buffer_size";
  if (!read_string(cursor, url) || !cursor.empty() || url.size() > text_size_max) return "endpoint_url";
  if (is_url(url)) set_name(pdu, url, fields);
  fields.function = HELLO;
  head.kind = PduKind::REQUEST;
  head.match_key = hello_key;
  head.match_detail = HELLO;
  return nullptr;
}

const char* open_acknowledge(Bytes pdu, const Session& session, Fields& fields, PduHead& head) noexcept {
  if (pdu.size() != 28) return "message_size";
  const std::uint32_t receive = load_u32le(&pdu[12]);
  const std::uint32_t send = load_u32le(&pdu[16]);
  const Direction& client = session.direction[0];
  const Direction& server = session.direction[1];
  if (receive < buffer_size_min || send < buffer_size_min) return "buffer_size";
  // What the client has said it sends and takes is not exceeded (§7.1.2.4).
  if (session.hello && (receive > client.chunk_max || send > server.chunk_max)) return "buffer_size";
  fields.function = HELLO;
  head.kind = PduKind::RESPONSE;
  head.match_key = hello_key;
  head.match_detail = HELLO;
  return nullptr;
}

// Ends the connection; nobody acts on it.
const char* open_error(Bytes pdu, Role sender, const Session& session, Fields& fields,
                       PduHead& head) noexcept {
  Bytes reason;
  Cursor cursor(pdu.subspan(message_header_size));
  if (!cursor.skip(4) || !read_string(cursor, reason) || !cursor.empty()) return "reason";
  if (reason.size() > text_size_max) return "reason";
  fields.function = ERROR_MESSAGE;
  head.kind = PduKind::IMPLIED;
  head.answered = false;
  // A client says so where it does not want a connection that the server has opened.
  if (sender == Role::CLIENT) return session.reversed && !session.hello ? nullptr : "message_type";
  if (session.hello && !session.acknowledged) {
    head.kind = PduKind::RESPONSE;
    head.negative = true;
    head.match_key = hello_key;
    head.match_detail = HELLO;
  }
  return nullptr;
}

const char* open_reverse(Bytes pdu, const Session& session, Fields& fields, PduHead& head) noexcept {
  Bytes uri;
  Bytes url;
  if (session.hello || session.reversed || session.channel_seen) return "message_type";
  Cursor cursor(pdu.subspan(message_header_size));
  if (!read_string(cursor, uri) || uri.size() > text_size_max) return "server_uri";
  if (!read_string(cursor, url) || !cursor.empty() || url.size() > text_size_max) return "endpoint_url";
  if (is_url(url)) set_name(pdu, url, fields);
  fields.function = REVERSE_HELLO;
  head.kind = PduKind::UNSOLICITED;
  head.answered = false;
  return nullptr;
}

// The part of an OPN that can be read in policy None.
struct Plain {
  std::uint32_t sequence = 0;
  std::uint32_t request_id = 0;
  std::uint32_t type = 0;
};

bool read_plain(Cursor& cursor, Plain& plain) noexcept {
  return cursor.u32le(plain.sequence) && cursor.u32le(plain.request_id) && read_type(cursor, plain.type);
}

const char* read_open_request(Cursor& cursor, bool renew, const Direction& direction, PduState& state,
                              PduHead& head) noexcept {
  Fields& fields = state.as<Fields>();
  Plain plain;
  std::uint32_t type = 0;
  std::uint32_t mode = 0;
  if (!read_plain(cursor, plain) || plain.type != OPEN_SECURE_CHANNEL) return "type_id";
  if (renew && direction.known && !follows(direction.last, plain.sequence)) return "sequence_number";
  if (!skip_request_header(cursor)) return "request_header";
  if (!cursor.skip(4) || !cursor.u32le(type) || type != (renew ? 1U : 0U)) return "request_type";
  if (!cursor.u32le(mode) || mode != static_cast<std::uint32_t>(SecurityMode::NONE)) return "security_mode";
  if (!skip_string(cursor) || !cursor.u32le(fields.lifetime) || !cursor.empty()) return "requested_lifetime";
  fields.lifetime_known = true;
  fields.mode = SecurityMode::NONE;
  head.match_key = open_key | plain.request_id;
  return nullptr;
}

const char* open_channel(Bytes pdu, const Session& session, PduState& state, PduHead& head) noexcept {
  Fields& fields = state.as<Fields>();
  OpenHeader header;
  if (session.begun && !session.acknowledged) return "message_type";
  const char* const field = parse_open_header(pdu, header);
  if (field != nullptr) return field;
  const bool renew = header.channel_id != 0;
  if (renew && session.channel == Channel::CLOSED) return "secure_channel_id";
  if (renew && session.channel_seen && header.channel_id != session.channel_id) return "secure_channel_id";
  if (renew && session.policy != Policy::UNKNOWN && header.policy != session.policy) return "security_policy";
  fields.function = renew ? RENEW_SECURE_CHANNEL : OPEN_SECURE_CHANNEL;
  set_name(pdu, header.policy_uri, fields);
  // In policy None nothing shows that the certificate is the client's own.
  const Bytes leaf = leaf_certificate(header.certificate);
  if (!leaf.empty() && header.policy != Policy::NONE) {
    std::uint8_t* const text = state.scratch.data() + keys_offset + key_size_max;
    spell_thumbprint(leaf, std::span<std::uint8_t, thumbprint_text_size>(text, thumbprint_text_size));
    fields.further_name_size = thumbprint_text_size;
  }
  head.kind = PduKind::REQUEST;
  head.match_key = open_key;
  head.match_detail = OPEN_SECURE_CHANNEL;
  if (header.policy != Policy::NONE) return nullptr;
  Cursor cursor(pdu.subspan(header.size));
  return read_open_request(cursor, renew, session.direction[0], state, head);
}

const char* open_channel_answer(Bytes pdu, const Session& session, PduState& state, PduHead& head) noexcept {
  Fields& fields = state.as<Fields>();
  OpenHeader header;
  Plain plain;
  Operation operation;
  std::uint32_t channel = 0;
  const char* const field = parse_open_header(pdu, header);
  if (field != nullptr) return field;
  if (session.asked_policy != Policy::UNKNOWN && header.policy != session.asked_policy)
    return "security_policy";
  fields.function = OPEN_SECURE_CHANNEL;
  head.kind = PduKind::RESPONSE;
  head.match_key = open_key;
  head.match_detail = OPEN_SECURE_CHANNEL;
  if (header.policy != Policy::NONE) return nullptr;
  fields.mode = SecurityMode::NONE;
  Cursor cursor(pdu.subspan(header.size));
  if (!read_plain(cursor, plain)) return "type_id";
  head.match_key = open_key | plain.request_id;
  head.negative = plain.type == SERVICE_FAULT;
  if (plain.type != OPEN_SECURE_CHANNEL_RESPONSE && !head.negative) return "type_id";
  std::uint8_t* const keys = state.scratch.data() + keys_offset;
  if (!walk(response_header_layout, cursor, keys, operation)) return "response_header";
  if (head.negative) return cursor.empty() ? nullptr : "response_header";
  if (!cursor.skip(4) || !cursor.u32le(channel) || channel != header.channel_id) return "secure_channel_id";
  return cursor.skip(16) && skip_string(cursor) && cursor.empty() ? nullptr : "security_token";
}

}  // namespace

const char* open_transport(Bytes pdu, const ChunkHeader& header, Role sender, const Session& session,
                           PduState& state, PduHead& head) noexcept {
  Fields& fields = state.as<Fields>();
  fields.pdu_size = static_cast<std::uint32_t>(pdu.size());
  switch (header.type) {
    case MessageType::HEL: return open_hello(pdu, session, fields, head);
    case MessageType::ACK: return open_acknowledge(pdu, session, fields, head);
    case MessageType::ERR: return open_error(pdu, sender, session, fields, head);
    case MessageType::RHE: return open_reverse(pdu, session, fields, head);
    case MessageType::OPN:
      return sender == Role::CLIENT ? open_channel(pdu, session, state, head)
                                    : open_channel_answer(pdu, session, state, head);
    case MessageType::MSG:
    case MessageType::CLO: break;
  }
  return "message_type";
}

}  // namespace conduit::opcua
