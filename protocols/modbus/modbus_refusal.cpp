#include "protocols/modbus/modbus_refusal.hpp"

#include "protocols/modbus/modbus_decoder.hpp"

namespace conduit::modbus {
namespace {

constexpr std::size_t exception_adu_size = mbap_size + 2;
static_assert(exception_adu_size <= refusal_size_max);

// Exception codes as AP §7 defines them; a client shows its operator what is wrong with the request, not
// who says so.
ExceptionCode exception_code(Reason reason) noexcept {
  if (reason == Reason::OBJECT_NOT_PERMITTED) return ILLEGAL_DATA_ADDRESS;
  if (reason == Reason::VALUE_NOT_PERMITTED) return ILLEGAL_DATA_VALUE;
  if (reason == Reason::PDU_MALFORMED) return ILLEGAL_DATA_VALUE;  // "fault in the structure of the request"
  if (reason == Reason::RATE_EXCEEDED || reason == Reason::OUTSTANDING_FULL) return SERVER_DEVICE_BUSY;
  return ILLEGAL_FUNCTION;
}

}  // namespace

std::size_t refuse(Bytes request, Reason reason, const SessionState&,
                   std::span<std::uint8_t> reply) noexcept {
  if (request.size() <= mbap_size || reply.size() < exception_adu_size) return 0;
  const std::uint8_t function = request[mbap_size];
  if (function == 0 || (function & exception_bit) != 0) return 0;
  reply[0] = request[0];  // transaction identifier
  reply[1] = request[1];
  store_u16be(&reply[2], 0);  // protocol identifier
  store_u16be(&reply[4], 3);  // length: unit, function, exception code
  reply[6] = request[6];      // unit
  reply[7] = function | exception_bit;
  reply[8] = exception_code(reason);
  return exception_adu_size;
}

}  // namespace conduit::modbus
