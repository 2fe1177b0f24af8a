// S7comm-plus, as far as it is in the clear: which function, no more.
//
//    0      1         2         4         5      7          9      11                       last 4 octets
//   +------+---------+---------+--------+------+----------+------+----------+-------- …
//   +---------------------+ | 0x72 | version | length  | opcode | 0    | function | 0    | sequence | | 0x72
//   version 0 0    |
//   +------+---------+---------+--------+------+----------+------+----------+-------- …
//   +---------------------+
//                     of what follows, without the trailer; a piece that is not the last one has no trailer
//   version 3: between length and opcode the integrity part: its size, and so many octets
#include "protocols/s7comm/s7comm_pdu.hpp"

namespace conduit::s7comm {
namespace {

constexpr std::uint8_t version_keep_alive = 0xFF;
constexpr std::uint8_t version_system_event = 0xFE;
constexpr std::uint8_t version_with_integrity = 3;
constexpr std::size_t trailer_size = 4;
constexpr std::uint8_t integrity_size = 32;
constexpr std::uint8_t response_without_session = 0x02;  // so an S7-1200 answers some requests

}  // namespace

Plus read_plus(Bytes tsdu, const PlusPart& before) noexcept {
  Plus plus;
  Cursor rest(tsdu);
  std::uint8_t protocol = 0;
  std::uint8_t version = 0;
  std::uint16_t length = 0;
  if (!rest.u8(protocol) || !rest.u8(version) || !rest.u16be(length) || rest.remaining() < length)
    return plus;
  if (version == version_keep_alive || version == version_system_event) {
    plus.function = version == version_keep_alive ? S7PLUS_KEEP_ALIVE : S7PLUS_SYSTEM_EVENT;
    return plus;
  }
  if (version == 0 || version > version_with_integrity) return plus;
  Cursor body;
  if (!rest.take(length, body)) return plus;
  if (!rest.empty()) {
    std::uint32_t trailer = 0;
    const std::uint32_t wanted = (std::uint32_t{s7plus_protocol} << 24) | (std::uint32_t{version} << 16);
    if (rest.remaining() != trailer_size || !rest.u32be(trailer) || trailer != wanted) return plus;
  } else {
    plus.more = true;
  }
  if (before.more != 0 && before.more != version) return {};  // no piece of that message
  plus.version = version;
  if (before.more != 0) {
    plus.continues = true;
    plus.function = before.function;
    plus.sequence = before.sequence;
    return plus;
  }
  std::uint8_t size = 0;
  if (version == version_with_integrity) {
    if (!body.u8(size) || size != integrity_size || !body.skip(size)) return plus;
  }
  std::uint8_t opcode = 0;
  std::uint16_t reserved = 0;
  std::uint16_t function = 0;
  if (!body.u8(opcode)) return plus;
  if (opcode == plus_notification) {
    plus.opcode = opcode;
    plus.function = S7PLUS_NOTIFICATION;
    return plus;
  }
  if (opcode == response_without_session) opcode = plus_response;
  if (opcode != plus_request && opcode != plus_response) return plus;
  if (!body.u16be(reserved) || !body.u16be(function) || !body.skip(2) || !body.u16be(plus.sequence))
    return plus;
  if (reserved != 0 || function < 0x0100 || function >= 0x1000) return plus;
  if (function_row(std::uint32_t{S7PLUS} + function) == nullptr) return plus;
  plus.opcode = opcode;
  plus.function = static_cast<std::uint16_t>(S7PLUS + function);
  return plus;
}

}  // namespace conduit::s7comm
