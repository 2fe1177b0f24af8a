#include "protocols/dnp3/dnp3_refusal.hpp"

#include "protocols/dnp3/dnp3_link.hpp"
#include "protocols/dnp3/dnp3_pdu.hpp"

namespace conduit::dnp3 {
namespace {

constexpr std::size_t null_response_size = 5;  // transport octet, control, function, internal indications
constexpr std::size_t reply_size = frame_size(null_response_size);
static_assert(reply_size == 17 && reply_size <= refusal_size_max);

// Second octet of the internal indications.
std::uint8_t indication(Reason reason) noexcept {
  if (reason == Reason::OBJECT_NOT_PERMITTED) return 0x02;  // IIN2.1 OBJECT_UNKNOWN
  if (reason == Reason::VALUE_NOT_PERMITTED) return 0x04;   // IIN2.2 PARAMETER_ERROR
  if (reason == Reason::RATE_EXCEEDED || reason == Reason::OUTSTANDING_FULL)
    return 0x10;  // IIN2.4 ALREADY_EXECUTING
  return 0x01;    // IIN2.0 NO_FUNC_CODE_SUPPORT
}

void store_u16le(std::uint8_t* at, std::uint16_t value) noexcept {
  at[0] = static_cast<std::uint8_t>(value);
  at[1] = static_cast<std::uint8_t>(value >> 8);
}

// In the name of the station that was asked.
void lay_header(const LinkHeader& request, std::uint8_t control, std::size_t user_size,
                std::span<std::uint8_t> out) noexcept {
  store_u16be(&out[0], 0x0564);
  out[2] = static_cast<std::uint8_t>(5 + user_size);
  out[3] = control;
  store_u16le(&out[4], request.source);
  store_u16le(&out[6], request.destination);
  store_u16le(&out[8], checksum(out.first(8)));
}

}  // namespace

std::size_t refuse(Bytes request, Reason reason, const SessionState&,
                   std::span<std::uint8_t> reply) noexcept {
  LinkHeader header;
  if (request.size() < link_header_size || reply.size() < reply_size) return 0;
  if (parse_header(request, header) != nullptr || !header.from_master() || !header.primary()) return 0;
  if (!header.carries_data()) {
    lay_header(header, 0x0F, 0, reply);  // secondary, NOT_SUPPORTED
    return link_header_size;
  }
  if (request.size() < link_header_size + 3) return 0;
  lay_header(header, control_primary | UNCONFIRMED_USER_DATA, null_response_size, reply);
  std::uint8_t* const user = &reply[link_header_size];
  user[0] = transport_final | transport_first;
  user[1] = static_cast<std::uint8_t>(control_first | control_final |
                                      (request[link_header_size + 1] & control_sequence));
  user[2] = RESPONSE;
  user[3] = 0;
  user[4] = indication(reason);
  store_u16le(user + null_response_size, checksum(Bytes(user, null_response_size)));
  return reply_size;
}

}  // namespace conduit::dnp3
