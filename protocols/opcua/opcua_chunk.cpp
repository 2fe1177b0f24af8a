// Where a PDU ends (Part 6 §6.7.2, §7.1.2). A client's message is one PDU with all its chunks, unless its
// content is encrypted: then, as in the server's direction, each chunk is one.
//
//    0              3       4             8                 12        16                20           24
//   +--------------+-------+-------------+-----------------+---------+-----------------+------------+--------
//   … ----+ | MSG CLO      | C F A | size        | SecureChannelId | TokenId | sequence number | request id |
//   body  sign.   |
//   +--------------+-------+-------------+-----------------+---------+-----------------+------------+--------
//   … ----+ | OPN          | F     | size        | SecureChannelId | policy URI, certificate, thumbprint    |
//   sequence … body | HEL ACK ERR RHE | F  | size        | fields
#include <algorithm>
#include <cstring>

#include "protocols/opcua/opcua_pdu.hpp"

namespace conduit::opcua {
namespace {

constexpr std::string_view type_names[] = {"HEL", "ACK", "ERR", "RHE", "OPN", "MSG", "CLO"};
constexpr std::uint32_t hello_size_min = 32;
constexpr std::uint32_t acknowledge_size = 28;
constexpr std::uint32_t error_size_min = 16;
constexpr std::uint32_t encrypted_size_min = symmetric_header_size + 8;

constexpr std::string_view policy_base = "http://opcfoundation.org/UA/SecurityPolicy#";
struct PolicyRow {
  std::string_view name;
  Policy policy;
};
constexpr PolicyRow policies[] = {
    {"None", Policy::NONE},
    {"Basic128Rsa15", Policy::HMAC_SHA1},
    {"Basic256", Policy::HMAC_SHA1},
    {"Basic256Sha256", Policy::HMAC_SHA256},
    {"Aes128_Sha256_RsaOaep", Policy::HMAC_SHA256},
    {"Aes256_Sha256_RsaPss", Policy::HMAC_SHA256},
    {"ECC_nistP256", Policy::HMAC_SHA256},
    {"ECC_brainpoolP256r1", Policy::HMAC_SHA256},
    {"ECC_nistP384", Policy::HMAC_SHA384},
    {"ECC_brainpoolP384r1", Policy::HMAC_SHA384},
};

bool type_of(const std::uint8_t* octets, std::size_t size, MessageType& type) noexcept {
  for (std::size_t i = 0; i < std::size(type_names); ++i) {
    if (std::memcmp(octets, type_names[i].data(), size) != 0) continue;
    type = static_cast<MessageType>(i);
    return true;
  }
  return false;
}

bool sent_by(MessageType type, Role sender) noexcept {
  switch (type) {
    case MessageType::HEL:
    case MessageType::CLO: return sender == Role::CLIENT;
    case MessageType::ACK:
    case MessageType::RHE: return sender == Role::SERVER;
    case MessageType::ERR:
    case MessageType::OPN:
    case MessageType::MSG: break;
  }
  return true;
}

Framing incomplete(std::size_t need) noexcept {
  Framing framing;
  framing.status = FrameStatus::INCOMPLETE;
  framing.need_size = static_cast<std::uint32_t>(need);
  return framing;
}

Framing malformed(const char* field, bool mismatch = false) noexcept {
  Framing framing;
  framing.field = field;
  framing.mismatch = mismatch;
  return framing;
}

Framing complete(std::uint32_t pdu_size, std::uint32_t judge_size) noexcept {
  Framing framing;
  framing.status = FrameStatus::COMPLETE;
  framing.pdu_size = pdu_size;
  framing.judge_size = std::min(pdu_size, judge_size);
  return framing;
}

Framing between(std::uint32_t size, std::uint32_t min, std::uint32_t max) noexcept {
  return size < min || size > max ? malformed("message_size") : complete(size, size);
}

// The encrypted body of an OPN says nothing: its head is enough.
Framing frame_open(Bytes bytes, std::uint32_t size) noexcept {
  std::uint32_t at = message_header_size + 4;
  Bytes uri;
  for (unsigned part = 0; part < 3; ++part) {
    if (size - at < 4) return malformed("security_header");
    if (bytes.size() < at + 4) return incomplete(at + 4);
    std::uint32_t length = load_u32le(&bytes[at]);
    if (length == 0xFFFFFFFFU) length = 0;
    at += 4;
    if (length > size - at) return malformed("security_header");
    if (part == 0 && bytes.size() < at + length) return incomplete(at + length);
    if (part == 0) uri = bytes.subspan(at, length);
    at += length;
  }
  const std::uint32_t judged = policy_of(uri) == Policy::NONE ? size : at;
  return judged > judge_size_max ? malformed("message_size") : complete(size, judged);
}

const char* chunk_size_wrong(std::uint32_t size, std::uint32_t min, const Direction& direction) noexcept {
  if (size < min || size > chunk_size_max) return "message_size";
  return direction.chunk_max != 0 && size > direction.chunk_max ? "message_size" : nullptr;
}

// Chunk after chunk up to the last one of the message.
Framing frame_request(Bytes bytes, const Session& session) noexcept {
  const Direction& direction = session.direction[static_cast<std::size_t>(Role::CLIENT)];
  const std::uint32_t overhead = symmetric_header_size + trailer_size(session);
  std::uint32_t at = 0;
  std::uint32_t assembled = 0;
  for (std::uint32_t count = 1;; ++count) {
    if (bytes.size() < at + message_header_size) return incomplete(at + message_header_size);
    ChunkHeader header;
    if (parse_header(bytes.subspan(at), Role::CLIENT, header) != nullptr || header.type != MessageType::MSG) {
      return malformed("message_type");  // within a message there are its chunks alone
    }
    const std::uint32_t least = session.channel == Channel::UNDECIDED ? symmetric_header_size : overhead;
    if (chunk_size_wrong(header.size, least, direction) != nullptr) return malformed("message_size");
    if (header.size > judge_size_max - at) return malformed("message_size");
    at += header.size;
    assembled += header.size - std::min(header.size, overhead);
    if (direction.message_max != 0 && assembled > direction.message_max) return malformed("message_size");
    if (direction.chunk_count != 0 && count > direction.chunk_count) return malformed("chunk_count");
    if (count > 1 && assembled > assembled_size_max) return malformed("message_size");
    if (header.chunk != 'C') return complete(at, at);
  }
}

}  // namespace

std::uint32_t load_u32le(const std::uint8_t* at) noexcept {
  return (std::uint32_t{at[3]} << 24U) | (std::uint32_t{at[2]} << 16U) | (std::uint32_t{at[1]} << 8U) | at[0];
}

void store_u32le(std::uint8_t* at, std::uint32_t value) noexcept {
  for (unsigned i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(value >> (8U * i));
}

Symmetric load_symmetric(const std::uint8_t* chunk) noexcept {
  return {load_u32le(chunk + 8), load_u32le(chunk + 12), load_u32le(chunk + 16), load_u32le(chunk + 20)};
}

bool follows(std::uint32_t last, std::uint32_t next) noexcept {
  constexpr std::uint32_t wrap = 1024;
  return next == last + 1 || (last >= 0xFFFFFFFFU - wrap && next < wrap);
}

Policy policy_of(Bytes uri) noexcept {
  const std::string_view text(reinterpret_cast<const char*>(uri.data()), uri.size());
  if (!text.starts_with(policy_base)) return Policy::OTHER;
  for (const PolicyRow& row : policies) {
    if (text.substr(policy_base.size()) == row.name) return row.policy;
  }
  return Policy::OTHER;
}

std::uint32_t signature_size(Policy policy) noexcept {
  switch (policy) {
    case Policy::HMAC_SHA1: return 20;
    case Policy::HMAC_SHA256: return 32;
    case Policy::HMAC_SHA384: return 48;
    case Policy::UNKNOWN:
    case Policy::NONE:
    case Policy::OTHER: break;
  }
  return 0;
}

std::uint32_t trailer_size(const Session& session) noexcept {
  const bool signs = session.channel == Channel::SIGN || session.channel == Channel::UNDECIDED;
  return signs ? signature_size(session.policy) : 0;
}

const char* parse_header(Bytes bytes, Role sender, ChunkHeader& header) noexcept {
  // Most are messages of a session.
  const bool message = bytes[0] == 'M' && bytes[1] == 'S' && bytes[2] == 'G';
  header.type = MessageType::MSG;
  if (message && bytes[3] == 'F') {
    header.chunk = 'F';
    header.size = load_u32le(&bytes[4]);
    return header.size < message_header_size ? "message_size" : nullptr;
  }
  if (!type_of(bytes.data(), 3, header.type) || !sent_by(header.type, sender)) return "message_type";
  header.chunk = bytes[3];
  header.size = load_u32le(&bytes[4]);
  const bool more = header.type == MessageType::MSG && (header.chunk == 'C' || header.chunk == 'A');
  if (header.chunk != 'F' && !more) return "chunk_type";
  return header.size < message_header_size ? "message_size" : nullptr;
}

const char* parse_open_header(Bytes pdu, OpenHeader& header) noexcept {
  Cursor cursor(pdu);
  const bool whole = cursor.skip(message_header_size) && cursor.u32le(header.channel_id) &&
                     read_string(cursor, header.policy_uri) && read_string(cursor, header.certificate) &&
                     read_string(cursor, header.thumbprint);
  if (!whole) return "security_header";
  header.policy = policy_of(header.policy_uri);
  header.size = static_cast<std::uint32_t>(pdu.size() - cursor.remaining());
  if (header.policy_uri.empty() || header.policy_uri.size() > 255) return "security_policy";
  if (header.policy == Policy::NONE) return nullptr;
  if (header.certificate.empty()) return "certificate";
  return header.thumbprint.size() == 20 ? nullptr : "thumbprint";
}

Framing frame(Bytes bytes, Role sender, Transport, const SessionState& state) noexcept {
  const Session& session = const_cast<SessionState&>(state).as<Session>();
  ChunkHeader header;
  if (bytes.size() < message_header_size || bytes[0] != 'M') {
    if (bytes.empty()) return incomplete(message_header_size);
    const std::size_t begin = std::min<std::size_t>(bytes.size(), 3);
    if (!type_of(bytes.data(), begin, header.type)) return malformed("message_type", true);
    if (bytes.size() < message_header_size) return incomplete(message_header_size);
  } else if (bytes[1] != 'S' || bytes[2] != 'G') {
    return malformed("message_type", true);
  }
  const char* const field = parse_header(bytes, sender, header);
  if (field != nullptr) return malformed(field);
  const Direction& direction = session.direction[static_cast<std::size_t>(sender)];
  switch (header.type) {
    case MessageType::HEL: return between(header.size, hello_size_min, hello_size_min + text_size_max);
    case MessageType::ACK: return between(header.size, acknowledge_size, acknowledge_size);
    case MessageType::ERR: return between(header.size, error_size_min, error_size_min + text_size_max);
    case MessageType::RHE: return between(header.size, 16, 16 + 2 * text_size_max);
    case MessageType::OPN:
      if (chunk_size_wrong(header.size, symmetric_header_size, direction) != nullptr)
        return malformed("message_size");
      return frame_open(bytes, header.size);
    case MessageType::MSG:
    case MessageType::CLO: break;
  }
  if (session.channel == Channel::ENCRYPT) {
    if (chunk_size_wrong(header.size, encrypted_size_min, direction) != nullptr)
      return malformed("message_size");
    return complete(header.size, symmetric_header_size);
  }
  if (sender == Role::CLIENT && header.type == MessageType::MSG) return frame_request(bytes, session);
  if (chunk_size_wrong(header.size, symmetric_header_size, direction) != nullptr)
    return malformed("message_size");
  if (sender == Role::SERVER) return complete(header.size, response_head_size);
  return header.size > judge_size_max ? malformed("message_size") : complete(header.size, header.size);
}

}  // namespace conduit::opcua
