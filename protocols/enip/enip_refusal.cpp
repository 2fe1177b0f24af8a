#include "protocols/enip/enip_refusal.hpp"

#include <algorithm>

#include "protocols/enip/enip_pdu.hpp"

namespace conduit::enip {
namespace {

constexpr std::uint32_t status_invalid_command = 0x0001;
constexpr std::uint8_t reply_bit = 0x80;

// General status (CIP B-1).
std::uint8_t general_status(Reason reason) noexcept {
  if (reason == Reason::FUNCTION_NOT_PERMITTED) return 0x08;  // service not supported
  if (reason == Reason::OBJECT_NOT_PERMITTED) return 0x05;    // path destination unknown
  if (reason == Reason::VALUE_NOT_PERMITTED) return 0x09;     // invalid attribute value
  if (reason == Reason::RATE_EXCEEDED || reason == Reason::OUTSTANDING_FULL ||
      reason == Reason::ASSOCIATION_FULL) {
    return 0x02;  // resource unavailable
  }
  return 0x0F;  // privilege violation
}

// Puts numbers into the reply, least octet first. Too small a reply: nothing more.
struct Writer {
  std::span<std::uint8_t> out;
  std::size_t size = 0;
  bool good = true;

  void number(std::uint64_t value, std::size_t octets) noexcept {
    good = good && out.size() - size >= octets;
    for (std::size_t i = 0; good && i < octets; ++i)
      out[size++] = static_cast<std::uint8_t>(value >> (8 * i));
  }
  void octets(Bytes data) noexcept {
    good = good && out.size() - size >= data.size();
    if (good) std::copy(data.begin(), data.end(), out.begin() + static_cast<std::ptrdiff_t>(size));
    if (good) size += data.size();
  }
};

// The identifier by which the server names a connection, if this conversation opened it.
bool received_identifier(const SessionState& state, std::uint32_t sent, std::uint32_t& received) noexcept {
  const Session& session = const_cast<SessionState&>(state).as<Session>();
  for (std::size_t i = 0; i < connection_count_max; ++i) {
    const Connection& one = session.connection[i];
    if (session.state[i] != ConnectionState::OPEN || session.cyclic[i] || one.sent != sent) continue;
    received = one.received;
    return true;
  }
  return false;
}

// What a failed opening or closing says besides: which connection it was (CIP 3-5.5.2).
void write_connection(const Message& message, std::uint32_t function, Writer& writer) noexcept {
  Opening opening;
  Closing closing;
  const bool closes = function == FORWARD_CLOSE;
  if (closes ? read_closing(message.data, closing) != nullptr
             : read_opening(message.data, function == LARGE_FORWARD_OPEN, opening) != nullptr) {
    return;
  }
  writer.number(closes ? closing.serial : opening.serial, 2);
  writer.number(closes ? closing.vendor : opening.vendor, 2);
  writer.number(closes ? closing.origin_serial : opening.origin_serial, 4);
  writer.number(0, 2);  // words of path that are left, reserved
}

void write_header(const Header& header, std::size_t length, std::uint32_t status, Writer& writer) noexcept {
  writer.number(header.command, 2);
  writer.number(length, 2);
  writer.number(header.session, 4);
  writer.number(status, 4);
  writer.number(header.context, 8);
  writer.number(0, 4);
}

std::size_t refuse_message(Bytes request, const Header& header, Reason reason, const SessionState& session,
                           std::span<std::uint8_t> reply) noexcept {
  Packet packet;
  Message message;
  Forwarded forwarded;
  if (read_packet(request, header.command, packet) != nullptr) return 0;
  if (read_message(packet.message, message) != nullptr) return 0;
  // Whom an unconnected send was for answers in its own name.
  if (is_unconnected_send(message) && (read_unconnected_send(message.data, forwarded) != nullptr ||
                                       read_message(forwarded.message, message) != nullptr)) {
    return 0;
  }
  std::uint32_t class_id = 0;
  const bool manager = leading_class(message.path, class_id) && class_id == class_connection_manager;
  const std::uint32_t function = manager ? class_id << 8 | message.service : 0;
  const bool connection =
      function == FORWARD_OPEN || function == LARGE_FORWARD_OPEN || function == FORWARD_CLOSE;
  std::uint32_t received = 0;
  if (packet.connected && !received_identifier(session, packet.connection, received)) return 0;

  std::array<std::uint8_t, 32> body;
  Writer answer{body};
  if (packet.connected) answer.number(packet.sequence, 2);
  answer.number(message.service | reply_bit, 1);
  answer.number(0, 1);
  answer.number(connection ? 0x01 : general_status(reason), 1);  // 0x01: connection failure …
  answer.number(connection ? 1 : 0, 1);
  if (connection) answer.number(reason == Reason::ASSOCIATION_FULL ? 0x0113 : 0x0117, 2);
  if (connection) write_connection(message, function, answer);

  const std::size_t items = packet.connected ? 12 : 8;
  Writer writer{reply};
  write_header(header, 8 + items + answer.size, 0, writer);
  writer.number(0, 6);  // interface, timeout
  writer.number(2, 2);
  writer.number(packet.connected ? 0x00A1 : 0, 2);
  writer.number(packet.connected ? 4 : 0, 2);
  if (packet.connected) writer.number(received, 4);
  writer.number(packet.connected ? 0x00B1 : 0x00B2, 2);
  writer.number(answer.size, 2);
  writer.octets(Bytes(body).first(answer.size));
  return writer.good && answer.good ? writer.size : 0;
}

}  // namespace

std::size_t refuse(Bytes request, Reason reason, const SessionState& session,
                   std::span<std::uint8_t> reply) noexcept {
  Header header;
  if (is_io(request) || !read_header(request, header)) return 0;
  if (header.command == COMMAND_SEND_RR_DATA || header.command == COMMAND_SEND_UNIT_DATA)
    return refuse_message(request, header, reason, session, reply);
  if (header.command == COMMAND_NOP || header.command == COMMAND_UNREGISTER_SESSION) return 0;
  Writer writer{reply};
  const bool registers = header.command == COMMAND_REGISTER_SESSION;
  write_header(header, registers ? 4 : 0, status_invalid_command, writer);
  if (registers)
    writer.octets(request.subspan(header_size, 4));  // version and options, as they were asked for
  return writer.good ? writer.size : 0;
}

}  // namespace conduit::enip
