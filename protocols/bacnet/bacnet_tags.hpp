// Tags of BACnet's encoding (135 20.2.1) and what stands behind them.
//
//    7   6   5   4    3       2   1   0
//   +----------------+-------+-----------+--------------------+-----------------+------------- …
//   | number         | class | length    | [number, if 15]    | [length, if 5]  | content
//   +----------------+-------+-----------+--------------------+-----------------+------------- …
//                             6 opening, 7 closing (class 1)    0-253; 254 and two octets; 255 and four
//
// Only the shortest form of numbers and lengths is read.
#pragma once

#include <cstdint>

#include "protocols/bacnet/bacnet_decoder.hpp"

namespace conduit::bacnet {

// Application tags (135 20.2.1.4).
enum ApplicationTag : std::uint8_t {
  TAG_NULL = 0,
  TAG_BOOLEAN = 1,
  TAG_UNSIGNED = 2,
  TAG_SIGNED = 3,
  TAG_REAL = 4,
  TAG_DOUBLE = 5,
  TAG_OCTET_STRING = 6,
  TAG_CHARACTER_STRING = 7,
  TAG_BIT_STRING = 8,
  TAG_ENUMERATED = 9,
  TAG_DATE = 10,
  TAG_TIME = 11,
  TAG_OBJECT_IDENTIFIER = 12,
};

enum class TagForm : std::uint8_t { PRIMITIVE, OPENING, CLOSING };

struct Tag {
  std::uint8_t number = 0;
  bool context = false;
  TagForm form = TagForm::PRIMITIVE;
  bool truth = false;  // of an application boolean, whose value is its length
  Bytes content{};
};

// All readers: false means that the octets are not what is asked for; the cursor may have moved.

// The next tag, with the content of a primitive one; content of application tags has a size that fits its
// type.
[[nodiscard]] bool read_tag(Cursor& cursor, Tag& tag) noexcept;

// Is the next tag that context tag (0 to 14), in this form? Reads nothing.
[[nodiscard]] inline bool at_context(const Cursor& cursor, std::uint8_t number,
                                     TagForm form = TagForm::PRIMITIVE) noexcept {
  if (cursor.empty()) return false;
  const unsigned first = *cursor.rest().data();
  const unsigned context = (unsigned{number} << 4) | 0x08U;
  if (form == TagForm::OPENING) return first == (context | 6U);
  if (form == TagForm::CLOSING) return first == (context | 7U);
  return (first & 0xF8U) == context && (first & 7U) <= 5;
}

[[nodiscard]] bool read_context(Cursor& cursor, std::uint8_t number, Bytes& content) noexcept;
[[nodiscard]] bool read_application(Cursor& cursor, std::uint8_t type, Bytes& content) noexcept;
[[nodiscard]] bool open_context(Cursor& cursor, std::uint8_t number) noexcept;
[[nodiscard]] bool close_context(Cursor& cursor, std::uint8_t number) noexcept;

// 1 to `size_max` octets, no leading zero.
[[nodiscard]] bool read_number(Bytes content, std::size_t size_max, std::uint64_t& value) noexcept;
[[nodiscard]] bool read_signed(Bytes content, std::int64_t& value) noexcept;  // 1 to 8 octets, none too many

[[nodiscard]] bool context_number(Cursor& cursor, std::uint8_t number, std::uint64_t& value) noexcept;
[[nodiscard]] bool context_object(Cursor& cursor, std::uint8_t number, std::uint32_t& object) noexcept;
[[nodiscard]] bool context_boolean(Cursor& cursor, std::uint8_t number) noexcept;
[[nodiscard]] bool context_text(Cursor& cursor, std::uint8_t number, Bytes& text) noexcept;
[[nodiscard]] bool application_number(Cursor& cursor, std::uint8_t type, std::uint64_t& value) noexcept;
[[nodiscard]] bool application_object(Cursor& cursor, std::uint32_t& object) noexcept;
[[nodiscard]] bool application_text(Cursor& cursor, Bytes& text) noexcept;

// Goes behind whatever stands up to the closing tag that belongs to an opening one already read, which is
// read as well. `inside`: the octets between them.
[[nodiscard]] bool skip_to_closing(Cursor& cursor, std::uint8_t number, Bytes& inside) noexcept;
// `number` opening, anything, `number` closing.
[[nodiscard]] bool skip_constructed(Cursor& cursor, std::uint8_t number) noexcept;
// Any tags to the end of the octets, balanced.
[[nodiscard]] bool skip_rest(Cursor& cursor) noexcept;

// What `inside` holds, as the value of an operation: a number where it is one primitive number.
// `lenient`: numbers may have leading zeros.
[[nodiscard]] bool set_value(Bytes inside, bool lenient, Operation& operation) noexcept;

}  // namespace conduit::bacnet
