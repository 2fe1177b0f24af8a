#include "protocols/bacnet/bacnet_tags.hpp"

#include <array>
#include <bit>

namespace conduit::bacnet {
namespace {

constexpr std::uint8_t number_extended = 15;
constexpr std::uint8_t length_extended = 5;
constexpr std::uint8_t length_opening = 6;
constexpr std::size_t character_set_size = 1;

bool read_tag_number(Cursor& cursor, std::uint8_t first, std::uint8_t& number) noexcept {
  number = first >> 4;
  if (number != number_extended) return true;
  return cursor.u8(number) && number >= number_extended && number != 255;
}

// The length behind a first octet that says 5, in its shortest form.
bool read_extended_length(Cursor& cursor, std::uint32_t& length) noexcept {
  std::uint8_t one = 0;
  std::uint16_t two = 0;
  if (!cursor.u8(one)) return false;
  if (one < 254) {
    length = one;
    return one >= length_extended;
  }
  if (one == 255) return cursor.u32be(length) && length > 0xFFFF;
  if (!cursor.u16be(two)) return false;
  length = two;
  return two >= 254;
}

bool application_size_fits(std::uint8_t type, std::size_t size) noexcept {
  switch (type) {
    case TAG_NULL: return size == 0;
    case TAG_UNSIGNED:
    case TAG_SIGNED: return size >= 1 && size <= 8;
    case TAG_REAL:
    case TAG_DATE:
    case TAG_TIME:
    case TAG_OBJECT_IDENTIFIER: return size == 4;
    case TAG_DOUBLE: return size == 8;
    case TAG_OCTET_STRING: return true;
    case TAG_CHARACTER_STRING:
    case TAG_BIT_STRING: return size >= 1;
    case TAG_ENUMERATED: return size >= 1 && size <= 4;
    default: return false;  // 13 to 15 are reserved
  }
}

// Character set, then the text. Only UTF-8 (and so ASCII) is a name that a rule can state.
Bytes text_of(Bytes content) noexcept {
  return content[0] == 0 ? content.subspan(character_set_size) : Bytes{};
}

std::uint64_t big_endian(Bytes octets) noexcept {
  std::uint64_t value = 0;
  for (const std::uint8_t octet : octets) value = (value << 8) | octet;
  return value;
}

}  // namespace

bool read_tag(Cursor& cursor, Tag& tag) noexcept {
  std::uint8_t first = 0;
  if (!cursor.u8(first) || !read_tag_number(cursor, first, tag.number)) return false;
  tag.context = (first & 0x08) != 0;
  tag.form = TagForm::PRIMITIVE;
  tag.truth = false;
  tag.content = {};
  std::uint32_t length = first & 0x07;
  if (tag.context && length >= length_opening) {
    tag.form = length == length_opening ? TagForm::OPENING : TagForm::CLOSING;
    return true;
  }
  if (length > length_extended) return false;
  if (!tag.context && tag.number == TAG_BOOLEAN) {
    tag.truth = length == 1;
    return length <= 1;
  }
  if (length == length_extended && !read_extended_length(cursor, length)) return false;
  if (!cursor.bytes(length, tag.content)) return false;
  return tag.context || application_size_fits(tag.number, length);
}

bool read_context(Cursor& cursor, std::uint8_t number, Bytes& content) noexcept {
  if (!at_context(cursor, number)) return false;
  std::uint8_t first = 0;
  if (!cursor.u8(first)) return false;
  std::uint32_t length = first & 0x07;
  if (length == length_extended && !read_extended_length(cursor, length)) return false;
  return cursor.bytes(length, content);
}

bool read_application(Cursor& cursor, std::uint8_t type, Bytes& content) noexcept {
  Tag tag;
  if (!read_tag(cursor, tag) || tag.context || tag.number != type) return false;
  content = tag.content;
  return true;
}

bool open_context(Cursor& cursor, std::uint8_t number) noexcept {
  return at_context(cursor, number, TagForm::OPENING) && cursor.skip(1);
}

bool close_context(Cursor& cursor, std::uint8_t number) noexcept {
  return at_context(cursor, number, TagForm::CLOSING) && cursor.skip(1);
}

bool read_number(Bytes content, std::size_t size_max, std::uint64_t& value) noexcept {
  if (content.empty() || content.size() > size_max) return false;
  if (content.size() > 1 && content[0] == 0) return false;
  value = big_endian(content);
  return true;
}

bool read_signed(Bytes content, std::int64_t& value) noexcept {
  if (content.empty() || content.size() > 8) return false;
  if (content.size() > 1) {
    const bool negative = (content[1] & 0x80) != 0;
    if (content[0] == (negative ? 0xFF : 0x00)) return false;
  }
  const unsigned unused = 64 - 8 * static_cast<unsigned>(content.size());
  value = static_cast<std::int64_t>(big_endian(content) << unused) >> unused;
  return true;
}

bool context_number(Cursor& cursor, std::uint8_t number, std::uint64_t& value) noexcept {
  Bytes content;
  return read_context(cursor, number, content) && read_number(content, 4, value);
}

bool context_object(Cursor& cursor, std::uint8_t number, std::uint32_t& object) noexcept {
  Bytes content;
  if (!read_context(cursor, number, content) || content.size() != 4) return false;
  object = load_u32be(content.data());
  return true;
}

bool context_boolean(Cursor& cursor, std::uint8_t number) noexcept {
  Bytes content;
  return read_context(cursor, number, content) && content.size() == 1 && content[0] <= 1;
}

bool context_text(Cursor& cursor, std::uint8_t number, Bytes& text) noexcept {
  Bytes content;
  if (!read_context(cursor, number, content) || content.empty()) return false;
  text = text_of(content);
  return true;
}

bool application_number(Cursor& cursor, std::uint8_t type, std::uint64_t& value) noexcept {
  Bytes content;
  return read_application(cursor, type, content) && read_number(content, 8, value);
}

bool application_object(Cursor& cursor, std::uint32_t& object) noexcept {
  Bytes content;
  if (!read_application(cursor, TAG_OBJECT_IDENTIFIER, content)) return false;
  object = load_u32be(content.data());
  return true;
}

bool application_text(Cursor& cursor, Bytes& text) noexcept {
  Bytes content;
  if (!read_application(cursor, TAG_CHARACTER_STRING, content)) return false;
  text = text_of(content);
  return true;
}

bool skip_to_closing(Cursor& cursor, std::uint8_t number, Bytes& inside) noexcept {
  const Bytes all = cursor.rest();
  std::array<std::uint8_t, depth_max> opened{};
  std::size_t depth = 0;
  for (;;) {
    const std::size_t read = all.size() - cursor.remaining();
    Tag tag;
    if (!read_tag(cursor, tag)) return false;
    if (tag.form == TagForm::OPENING) {
      if (depth == opened.size()) return false;
      opened[depth++] = tag.number;
    } else if (tag.form == TagForm::CLOSING && depth == 0) {
      inside = all.first(read);
      return tag.number == number;
    } else if (tag.form == TagForm::CLOSING && opened[--depth] != tag.number) {
      return false;
    }
  }
}

bool skip_constructed(Cursor& cursor, std::uint8_t number) noexcept {
  Bytes inside;
  return open_context(cursor, number) && skip_to_closing(cursor, number, inside);
}

bool skip_rest(Cursor& cursor) noexcept {
  while (!cursor.empty()) {
    Tag tag;
    Bytes inside;
    if (!read_tag(cursor, tag) || tag.form == TagForm::CLOSING) return false;
    if (tag.form == TagForm::OPENING && !skip_to_closing(cursor, tag.number, inside)) return false;
  }
  return true;
}

namespace {

// The shortest form is asked of who writes; an answer may be read by whoever asked for it.
bool set_unsigned(Bytes content, bool lenient, Value& value) noexcept {
  value.kind = ValueKind::UNSIGNED;
  value.u = big_endian(content);
  return lenient || read_number(content, 8, value.u);
}

bool set_signed(Bytes content, bool lenient, Value& value) noexcept {
  value.kind = ValueKind::SIGNED;
  if (read_signed(content, value.i)) return true;
  value.kind = ValueKind::BYTES;
  value.data = content;
  return lenient;
}

void set_octets(Bytes content, Value& value) noexcept {
  value.kind = ValueKind::BYTES;
  value.count = static_cast<std::uint32_t>(content.size());
  value.data = content;
}

bool set_primitive(const Tag& tag, Bytes inside, bool lenient, Value& value) noexcept {
  value.count = 1;
  if (tag.context) return set_octets(inside, value), true;
  switch (tag.number) {
    case TAG_NULL: value.kind = ValueKind::UNREADABLE; return true;  // what was there before comes back
    case TAG_BOOLEAN:
      value.kind = ValueKind::UNSIGNED;
      value.u = tag.truth ? 1 : 0;
      return true;
    case TAG_UNSIGNED:
    case TAG_ENUMERATED: return set_unsigned(tag.content, lenient, value);
    case TAG_SIGNED:
      if (!set_signed(tag.content, lenient, value)) return false;
      if (value.kind == ValueKind::BYTES) value.count = static_cast<std::uint32_t>(value.data.size());
      return true;
    case TAG_REAL:
      value.kind = ValueKind::FLOAT;
      value.f = static_cast<double>(std::bit_cast<float>(load_u32be(tag.content.data())));
      return true;
    case TAG_DOUBLE:
      value.kind = ValueKind::FLOAT;
      value.f = std::bit_cast<double>(big_endian(tag.content));
      return true;
    default: set_octets(tag.content, value); return true;
  }
}

}  // namespace

bool set_value(Bytes inside, bool lenient, Operation& operation) noexcept {
  Cursor cursor(inside);
  Tag tag;
  const bool one =
      !inside.empty() && read_tag(cursor, tag) && tag.form == TagForm::PRIMITIVE && cursor.empty();
  if (one) return set_primitive(tag, inside, lenient, operation.value);
  set_octets(inside, operation.value);
  return true;
}

}  // namespace conduit::bacnet
