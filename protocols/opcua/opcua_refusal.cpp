#include "protocols/opcua/opcua_refusal.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "protocols/opcua/opcua_pdu.hpp"

namespace conduit::opcua {
namespace {

constexpr std::size_t error_size = 16;
constexpr std::size_t fault_size = 52;
static_assert(fault_size <= refusal_size_max);

// Status codes (Part 6, Annex A).
enum Status : std::uint32_t {
  BAD_SERVICE_UNSUPPORTED = 0x800B0000,
  BAD_TOO_MANY_OPERATIONS = 0x80100000,
  BAD_USER_ACCESS_DENIED = 0x801F0000,
  BAD_OUT_OF_RANGE = 0x803C0000,
  BAD_SECURITY_POLICY_REJECTED = 0x80550000,
  BAD_TCP_SERVER_TOO_BUSY = 0x807D0000,
  BAD_TCP_ENDPOINT_URL_INVALID = 0x80830000,
};

bool too_much(Reason reason) noexcept {
  return reason == Reason::RATE_EXCEEDED || reason == Reason::OUTSTANDING_FULL;
}

Status status_of(Reason reason) noexcept {
  if (too_much(reason)) return BAD_TOO_MANY_OPERATIONS;
  if (reason == Reason::FUNCTION_NOT_PERMITTED) return BAD_SERVICE_UNSUPPORTED;
  return reason == Reason::VALUE_NOT_PERMITTED ? BAD_OUT_OF_RANGE : BAD_USER_ACCESS_DENIED;
}

std::size_t lay_error(Status status, std::span<std::uint8_t> reply) noexcept {
  if (reply.size() < error_size) return 0;
  std::memcpy(reply.data(), "ERRF", 4);
  store_u32le(&reply[4], error_size);
  store_u32le(&reply[8], status);
  store_u32le(&reply[12], 0xFFFFFFFFU);  // no reason in words
  return error_size;
}

// Handle of the request: behind its type, the session's token and the time, in as many chunks as that takes.
bool read_handle(Bytes request, std::uint32_t& handle) noexcept {
  std::array<std::uint8_t, 256> head;
  std::size_t size = 0;
  Bytes rest = request;
  while (rest.size() >= symmetric_header_size && size < head.size()) {
    const std::uint32_t chunk = load_u32le(&rest[4]);
    if (chunk < symmetric_header_size || chunk > rest.size()) return false;
    const std::size_t part = std::min<std::size_t>(chunk - symmetric_header_size, head.size() - size);
    std::copy_n(rest.begin() + symmetric_header_size, part, head.begin() + static_cast<std::ptrdiff_t>(size));
    size += part;
    rest = rest.subspan(chunk);
  }
  Cursor cursor(Bytes(head).first(size));
  NodeId token;
  std::uint32_t type = 0;
  return read_type(cursor, type) && read_node_id(cursor, false, token) && cursor.skip(8) &&
         cursor.u32le(handle);
}

std::size_t lay_fault(Bytes request, Status status, const Session& session,
                      std::span<std::uint8_t> reply) noexcept {
  const Direction& direction = session.direction[static_cast<std::size_t>(Role::SERVER)];
  std::uint32_t handle = 0;
  if (reply.size() < fault_size || request.size() < symmetric_header_size) return 0;
  if (session.channel != Channel::NONE) return 0;
  if (!read_handle(request, handle)) return 0;
  std::memset(reply.data(), 0, fault_size);  // timestamp, diagnostics and additional header: none
  std::memcpy(reply.data(), "MSGF", 4);
  store_u32le(&reply[4], fault_size);
  std::memcpy(&reply[8], &request[8], 8);                         // channel and token
  store_u32le(&reply[16], direction.last + direction.delta + 1);  // as far as it is known yet
  std::memcpy(&reply[20], &request[20], 4);                       // request id
  reply[24] = 1;                                                  // four-byte node id
  reply[26] = static_cast<std::uint8_t>(SERVICE_FAULT & 0xFFU);
  reply[27] = static_cast<std::uint8_t>(SERVICE_FAULT >> 8U);
  store_u32le(&reply[36], handle);
  store_u32le(&reply[40], status);
  return fault_size;
}

}  // namespace

std::size_t refuse(Bytes request, Reason reason, const SessionState& state,
                   std::span<std::uint8_t> reply) noexcept {
  const Session& session = const_cast<SessionState&>(state).as<Session>();
  ChunkHeader header;
  if (request.size() < message_header_size || parse_header(request, Role::CLIENT, header) != nullptr)
    return 0;
  switch (header.type) {
    case MessageType::HEL:
      return lay_error(too_much(reason) ? BAD_TCP_SERVER_TOO_BUSY : BAD_TCP_ENDPOINT_URL_INVALID, reply);
    case MessageType::OPN:
      return lay_error(too_much(reason) ? BAD_TCP_SERVER_TOO_BUSY : BAD_SECURITY_POLICY_REJECTED, reply);
    case MessageType::MSG: return lay_fault(request, status_of(reason), session, reply);
    case MessageType::ACK:
    case MessageType::ERR:
    case MessageType::RHE:
    case MessageType::CLO: break;
  }
  return 0;
}

}  // namespace conduit::opcua
