#include "protocols/iec104/iec104_refusal.hpp"

#include <algorithm>

#include "protocols/iec104/iec104_pdu.hpp"

namespace conduit::iec104 {
namespace {

constexpr std::size_t cause_at = 8;
constexpr std::uint8_t cause_mask = 0x3F;
constexpr std::uint8_t negative_bit = 0x40;

// Where there is a confirmation, a negative one; else what is unknown of the request (101 §7.2.3, 44 to 47).
std::uint8_t cause_of(std::uint8_t type, std::uint8_t asked, Reason reason) noexcept {
  if (asked == ACTIVATION && can_activate(type)) return ACTIVATION_CON;
  if (asked == DEACTIVATION && can_deactivate(type)) return DEACTIVATION_CON;
  if (reason == Reason::OBJECT_NOT_PERMITTED || reason == Reason::VALUE_NOT_PERMITTED)
    return UNKNOWN_OBJECT_ADDRESS;
  const bool usual = asked == REQUEST || asked == FILE_TRANSFER;
  return !type_row(type).known() || usual ? UNKNOWN_TYPE : UNKNOWN_CAUSE;
}

}  // namespace

std::size_t refuse(Bytes request, Reason reason, const SessionState&,
                   std::span<std::uint8_t> reply) noexcept {
  if (request.size() <= cause_at || reply.size() < request.size()) return 0;
  if ((request[control_at] & 1U) != 0) return 0;  // no I-frame
  std::copy(request.begin(), request.end(), reply.begin());
  std::fill_n(reply.begin() + control_at, 4, std::uint8_t{0});
  const std::uint8_t test = request[cause_at] & static_cast<std::uint8_t>(~(cause_mask | negative_bit));
  const std::uint8_t asked = request[cause_at] & cause_mask;
  reply[cause_at] =
      static_cast<std::uint8_t>(test | negative_bit | cause_of(request[apci_size], asked, reason));
  return request.size();
}

}  // namespace conduit::iec104
