#include "protocols/s7comm/s7comm_refusal.hpp"

#include <algorithm>
#include <array>

#include "protocols/s7comm/s7comm_pdu.hpp"

namespace conduit::s7comm {
namespace {

constexpr std::size_t disconnect_size = 11;
constexpr std::uint8_t address_unknown = 3;  // reason of DR (ISO/IEC 8073 §13.5.3)
constexpr std::size_t userdata_parameter_size = 12;
constexpr std::size_t userdata_size = job_header_size + userdata_parameter_size + 4;
constexpr std::size_t result_size = 4;  // of a read: return code, transport size 0, length 0

// Return code of each item.
std::uint8_t return_code(Reason reason) noexcept {
  if (reason == Reason::OBJECT_NOT_PERMITTED) return 0x05;    // invalid address
  if (reason == Reason::FUNCTION_NOT_PERMITTED) return 0x0A;  // object does not exist
  return 0x03;                                                // access not allowed
}

// Error class and code of a job.
std::uint16_t job_error(Reason reason) noexcept {
  if (reason == Reason::FUNCTION_NOT_PERMITTED) return 0x8104;  // service not implemented
  if (reason == Reason::VALUE_NOT_PERMITTED) return 0x8404;     // function cannot be performed
  if (reason == Reason::RATE_EXCEEDED || reason == Reason::OUTSTANDING_FULL) return 0x8302;  // resources
  return 0x8703;  // access to the object refused
}

// Error of userdata.
std::uint16_t userdata_error(Reason reason) noexcept {
  if (reason == Reason::FUNCTION_NOT_PERMITTED) return 0x8104;
  if (reason == Reason::RATE_EXCEEDED || reason == Reason::OUTSTANDING_FULL) return 0x8302;
  return 0xD0A1;  // not permitted in the current protection level
}

std::size_t refuse_connect(Bytes request, std::span<std::uint8_t> reply) noexcept {
  Control control;
  if (read_control(request, control) != nullptr || control.code != CONNECT_REQUEST) return 0;
  if (reply.size() < disconnect_size) return 0;
  store_data_header(reply, disconnect_size);
  reply[4] = disconnect_size - 5;
  reply[5] = DISCONNECT_REQUEST;
  store_u16be(&reply[6], control.source_reference);
  store_u16be(&reply[8], 0);
  reply[10] = address_unknown;
  return disconnect_size;
}

void store_header(std::span<std::uint8_t> out, std::uint8_t rosctr, std::uint16_t reference,
                  std::size_t parameter_size, std::size_t data_size) noexcept {
  out[0] = s7_protocol;
  out[1] = rosctr;
  store_u16be(&out[2], 0);
  store_u16be(&out[4], reference);
  store_u16be(&out[6], static_cast<std::uint16_t>(parameter_size));
  store_u16be(&out[8], static_cast<std::uint16_t>(data_size));
}

// Acknowledgement without data: that of a CPU which cannot do what a job asks.
std::size_t refuse_job(const Header& header, Reason reason, std::span<std::uint8_t> out) noexcept {
  if (out.size() < ack_header_size) return 0;
  store_header(out, ACK, header.reference, 0, 0);
  store_u16be(&out[10], job_error(reason));
  return ack_header_size;
}

// A code for each item. Where there is no room for so many: 0.
std::size_t refuse_items(const Header& header, Reason reason, std::span<std::uint8_t> out) noexcept {
  const std::uint8_t function = header.parameter[0];
  const std::size_t count = header.parameter[1];
  const bool read = function == READ_VAR;
  const std::size_t data_size = count * (read ? result_size : 1);
  if (count == 0 || out.size() < ack_header_size + 2 + data_size) return 0;
  store_header(out, ACK_DATA, header.reference, 2, data_size);
  store_u16be(&out[10], 0);
  out[12] = function;
  out[13] = header.parameter[1];
  std::uint8_t* at = &out[ack_header_size + 2];
  for (std::size_t i = 0; i < count; ++i) {
    *at++ = return_code(reason);
    if (!read) continue;
    std::fill_n(at, result_size - 1, std::uint8_t{0});
    at += result_size - 1;
  }
  return ack_header_size + 2 + data_size;
}

std::size_t refuse_userdata(const Header& header, Reason reason, std::span<std::uint8_t> out) noexcept {
  Userdata userdata;
  if (read_userdata(header, userdata) != nullptr || !userdata.request()) return 0;
  if (out.size() < userdata_size) return 0;
  store_header(out, USERDATA_PDU, header.reference, userdata_parameter_size, 4);
  const std::array<std::uint8_t, 10> fixed{
      0x00,
      0x01,
      0x12,
      0x08,
      0x12,
      static_cast<std::uint8_t>((userdata.type + 4) << 4 | userdata.group),
      userdata.subfunction,
      userdata.sequence,
      0,
      0};
  std::copy(fixed.begin(), fixed.end(), &out[job_header_size]);
  store_u16be(&out[job_header_size + 10], userdata_error(reason));
  const std::array<std::uint8_t, 4> data{0x0A, 0, 0, 0};
  std::copy(data.begin(), data.end(), &out[job_header_size + userdata_parameter_size]);
  return userdata_size;
}

std::size_t refuse_s7(Bytes tsdu, Reason reason, std::span<std::uint8_t> out) noexcept {
  Header header;
  if (read_header(tsdu, header) != nullptr) return 0;
  if (header.rosctr == USERDATA_PDU) return refuse_userdata(header, reason, out);
  if (header.rosctr != JOB || header.parameter.empty()) return 0;
  const std::uint8_t function = header.parameter[0];
  if ((function != READ_VAR && function != WRITE_VAR) || header.parameter.size() < 2)
    return refuse_job(header, reason, out);
  const std::size_t size = refuse_items(header, reason, out);
  return size != 0 ? size : refuse_job(header, reason, out);
}

}  // namespace

std::size_t refuse(Bytes request, Reason reason, const SessionState& session,
                   std::span<std::uint8_t> reply) noexcept {
  std::array<std::uint8_t, pdu_scratch_size> scratch;
  Bytes tsdu;
  if (request.size() < data_header_size || reply.size() < data_header_size) return 0;
  if (request[tpkt_header_size + 1] != DATA) return refuse_connect(request, reply);
  if (read_data(request, scratch, tsdu) != nullptr || tsdu.empty()) return 0;
  std::span<std::uint8_t> out = reply.subspan(data_header_size);
  const std::uint16_t negotiated = const_cast<SessionState&>(session).as<Session>().pdu_size;
  if (negotiated != 0 && negotiated < out.size()) out = out.first(negotiated);
  const std::size_t size = refuse_s7(tsdu, reason, out);
  if (size == 0) return 0;
  store_data_header(reply, data_header_size + size);
  return data_header_size + size;
}

}  // namespace conduit::s7comm
