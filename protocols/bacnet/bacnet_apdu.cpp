// Heads of APDUs (135 20.1):
//
//    0             1                 2        [3          4]
//   +------+------+-----------------+--------+----------+--------+---------+-------- …
//   | type | SEG  | segments, size  | invoke | sequence | window | service | data         Confirmed-Request
//   |      | MOR  | that it takes   | id     |          |        |         |
//   |      | SA 0 |                 |        | if SEG   |        |         |
//   +------+------+-----------------+--------+----------+--------+---------+-------- …
//   | type | 0000 | service | data …                                                    Unconfirmed-Request
//   | type | SEG MOR 0 0 | invoke id | [sequence | window] | service | data …            ComplexACK
//   | type | 0000 | invoke id | service | [error …]                                     SimpleACK, Error
//   | type | 0 0 NAK SRV | invoke id | sequence | window                                SegmentACK
//   | type | 0000, or SRV | invoke id | reason                                          Reject, Abort
#include "protocols/bacnet/bacnet_pdu.hpp"

namespace conduit::bacnet {
namespace {

constexpr std::uint8_t flag_segmented = 0x08;
constexpr std::uint8_t flag_more = 0x04;
constexpr std::uint8_t flag_accepts = 0x02;
constexpr std::uint8_t flag_negative = 0x02;
constexpr std::uint8_t flag_server = 0x01;
constexpr std::uint8_t size_last = 5;  // of the sizes that a client may say it takes
constexpr std::uint8_t window_last = 127;

const char* read_segment(Cursor& cursor, std::uint8_t flags, Apdu& apdu) noexcept {
  apdu.segmented = (flags & flag_segmented) != 0;
  apdu.more = (flags & flag_more) != 0;
  if (!apdu.segmented) return apdu.more ? "more_follows" : nullptr;
  if (!cursor.u8(apdu.sequence)) return "sequence_number";
  if (!cursor.u8(apdu.window) || apdu.window == 0 || apdu.window > window_last) return "window";
  return nullptr;
}

const char* read_service(Cursor& cursor, Apdu& apdu) noexcept {
  if (!cursor.u8(apdu.service)) return "service_choice";
  apdu.data = cursor.rest();
  return apdu.segmented && apdu.data.empty() ? "segment" : nullptr;
}

const char* read_confirmed(Cursor& cursor, std::uint8_t flags, Apdu& apdu) noexcept {
  std::uint8_t accepted = 0;
  if ((flags & ~(flag_segmented | flag_more | flag_accepts)) != 0) return "apdu_flags";
  if (!cursor.u8(accepted) || (accepted & 0x80) != 0 || (accepted & 0x0F) > size_last) return "max_apdu";
  if (!cursor.u8(apdu.invoke)) return "invoke_id";
  if (const char* field = read_segment(cursor, flags, apdu); field != nullptr) return field;
  return read_service(cursor, apdu);
}

const char* read_complex(Cursor& cursor, std::uint8_t flags, Apdu& apdu) noexcept {
  if ((flags & ~(flag_segmented | flag_more)) != 0) return "apdu_flags";
  if (!cursor.u8(apdu.invoke)) return "invoke_id";
  if (const char* field = read_segment(cursor, flags, apdu); field != nullptr) return field;
  return read_service(cursor, apdu);
}

const char* read_segment_ack(Cursor& cursor, std::uint8_t flags, Apdu& apdu) noexcept {
  if ((flags & ~(flag_negative | flag_server)) != 0) return "apdu_flags";
  apdu.from_server = (flags & flag_server) != 0;
  if (!cursor.u8(apdu.invoke)) return "invoke_id";
  if (!cursor.u8(apdu.sequence)) return "sequence_number";
  if (!cursor.u8(apdu.window) || apdu.window == 0 || apdu.window > window_last) return "window";
  return cursor.empty() ? nullptr : "length";
}

// Reject and Abort: the last octet is the reason.
const char* read_end(Cursor& cursor, std::uint8_t flags, std::uint8_t permitted, Apdu& apdu) noexcept {
  std::uint8_t reason = 0;
  if ((flags & ~permitted) != 0) return "apdu_flags";
  apdu.from_server = permitted == 0 || (flags & flag_server) != 0;
  if (!cursor.u8(apdu.invoke)) return "invoke_id";
  if (!cursor.u8(reason)) return "reason";
  return cursor.empty() ? nullptr : "length";
}

const char* read_simple(Cursor& cursor, std::uint8_t flags, Apdu& apdu) noexcept {
  if (flags != 0) return "apdu_flags";
  if (!cursor.u8(apdu.invoke)) return "invoke_id";
  return read_service(cursor, apdu);
}

}  // namespace

const char* read_apdu(Bytes body, Apdu& apdu) noexcept {
  Cursor cursor(body);
  std::uint8_t first = 0;
  if (!cursor.u8(first) || (first >> 4) > static_cast<std::uint8_t>(ApduType::ABORT)) return "apdu_type";
  const std::uint8_t flags = first & 0x0F;
  apdu.type = static_cast<ApduType>(first >> 4);
  switch (apdu.type) {
    case ApduType::CONFIRMED_REQUEST: return read_confirmed(cursor, flags, apdu);
    case ApduType::UNCONFIRMED_REQUEST: return flags != 0 ? "apdu_flags" : read_service(cursor, apdu);
    case ApduType::SIMPLE_ACK: {
      const char* const field = read_simple(cursor, flags, apdu);
      return field == nullptr && !apdu.data.empty() ? "length" : field;
    }
    case ApduType::COMPLEX_ACK: return read_complex(cursor, flags, apdu);
    case ApduType::SEGMENT_ACK: return read_segment_ack(cursor, flags, apdu);
    case ApduType::ERROR: return read_simple(cursor, flags, apdu);
    case ApduType::REJECT: return read_end(cursor, flags, 0, apdu);
    case ApduType::ABORT: return read_end(cursor, flags, flag_server, apdu);
  }
  return "apdu_type";
}

}  // namespace conduit::bacnet
