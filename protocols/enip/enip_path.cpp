// Padded EPATH (CIP C-1): a row of segments, each told by its first octet.
//
//   000x pppp   port p (15: two octets follow), x: size and octets of the link address, else one octet of it
//   001t ttff   logical: type t (0 class, 1 instance, 2 member, 3 connection point, 4 attribute, 5 special),
//               format f (0 one octet, 1 a pad and two, 2 a pad and four)
//   0100 0011   production inhibit time, one octet              0011 0100   electronic key, format 4
//   011n nnnn   symbol of n octets                              1001 0001   extended symbol: size, octets
//   1000 0000   data: count of words, words
//
// What makes an odd number of octets is padded with a zero. Numbers may stand in more octets than they need:
// devices and their tools do so, and there is one reading only.
#include <algorithm>

#include "protocols/enip/enip_pdu.hpp"

namespace conduit::enip {
namespace {

constexpr std::uint8_t segment_inhibit_time = 0x43;
constexpr std::uint8_t segment_key = 0x34;
constexpr std::uint8_t segment_data = 0x80;
constexpr std::uint8_t segment_extended_symbol = 0x91;
constexpr std::uint8_t key_format = 4;
constexpr std::uint8_t key_size = 8;
constexpr std::size_t index_count_max = 3;  // dimensions of an array

// Logical types, in the order in which they may follow each other.
enum Rank : std::uint8_t {
  RANK_NONE = 0,
  RANK_CLASS,
  RANK_INSTANCE,
  RANK_POINT,
  RANK_ATTRIBUTE,
  RANK_MEMBER
};

// A path while it is read.
struct Reading {
  PathUse use;
  Text& tag;
  Text& route;
  Path& path;
  Bytes& data;
  Rank rank = RANK_NONE;
  bool key = false;
  bool inhibit_time = false;
  bool named = false;    // some symbol was there
  bool unnamed = false;  // symbols behind an instance of class 0x6B: names of members of what is not named
  std::size_t index_count = 0;  // members at the end so far
  std::array<std::uint32_t, index_count_max> index{};

  [[nodiscard]] bool application_begun() const noexcept { return rank != RANK_NONE || named; }
  // Members are indexes of a tag.
  [[nodiscard]] bool of_tag() const noexcept {
    return (named && rank == RANK_NONE) || (path.class_id == class_symbol && rank == RANK_INSTANCE);
  }
};

bool link_octet(std::uint8_t octet) noexcept {
  return (octet >= '0' && octet <= '9') || (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ||
         octet == '.' || octet == ':' || octet == '-' || octet == '_';
}

bool is_digit(std::uint8_t octet) noexcept { return octet >= '0' && octet <= '9'; }

// Visible, and nothing by which the text form separates names.
constexpr auto symbol_octets = [] {
  std::array<bool, 256> good{};
  for (std::size_t octet = ' ' + 1; octet < good.size(); ++octet) good[octet] = octet != 0x7F;
  good['.'] = good['['] = good[']'] = good[','] = false;
  return good;
}();

bool are_symbol(Bytes octets) noexcept {
  bool good = true;
  for (const std::uint8_t octet : octets) good = good && symbol_octets[octet];
  return good;
}

// Only zeros make even.
bool skip_pad(Cursor& rest, std::size_t size) noexcept {
  std::uint8_t pad = 0;
  return size % 2 == 0 || (rest.u8(pad) && pad == 0);
}

const char* read_port(std::uint8_t segment, Cursor& rest, Reading& reading) noexcept {
  if (reading.use == PathUse::MESSAGE || reading.application_begun() || reading.key) return "port_segment";
  const bool long_link = (segment & 0x10) != 0;
  std::uint16_t port = segment & 0x0F;
  std::uint8_t link_size = 1;
  Bytes link;
  if (port == 0) return "port";
  if (long_link && (!rest.u8(link_size) || link_size < 2)) return "link_address";
  if (port == 15 && (!rest.u16le(port) || port < 15)) return "port";
  if (!rest.bytes(link_size, link)) return "link_address";
  if (long_link && !skip_pad(rest, link_size)) return "pad";
  Text& text = reading.route;
  if (text.size != 0 && !text.put('/')) return "route";
  if (!text.put_number(port) || !text.put('/')) return "route";
  if (!long_link) return text.put_number(link[0]) ? nullptr : "route";
  if (!std::all_of(link.begin(), link.end(), link_octet)) return "link_address";
  // As text it would be the address of one octet with this number.
  if (std::all_of(link.begin(), link.end(), is_digit)) return "link_address";
  return text.put(link) ? nullptr : "route";
}

// Indexes between two names belong to the first one.
bool put_indexes(Reading& reading) noexcept {
  for (std::size_t i = 0; i < reading.index_count; ++i) {
    if (!reading.tag.put(i == 0 ? '[' : ',') || !reading.tag.put_number(reading.index[i])) return false;
  }
  return reading.index_count == 0 || reading.tag.put(']');
}

const char* read_symbol(std::size_t size, Cursor& rest, Reading& reading) noexcept {
  Bytes symbol;
  if (reading.use == PathUse::ROUTE || size == 0) return "symbol";
  if (!rest.bytes(size, symbol)) return "symbol";
  if (!are_symbol(symbol)) return "symbol";
  if (reading.rank != RANK_NONE) {
    if (reading.use != PathUse::MESSAGE || !reading.of_tag() || reading.named) return "symbol";
    reading.unnamed = true;
    reading.index_count = 0;
    return nullptr;
  }
  // Of a connection, each could be an application path of its own.
  if (reading.use == PathUse::CONNECTION && reading.named) return "symbol";
  if (!put_indexes(reading)) return "symbol";
  if (reading.named && !reading.tag.put('.')) return "symbol";
  reading.index_count = 0;
  reading.named = true;
  return reading.tag.put(symbol) ? nullptr : "symbol";
}

const char* read_number(std::uint8_t format, Cursor& rest, std::uint32_t& number) noexcept {
  std::uint8_t octet = 0;
  std::uint16_t two = 0;
  if (format == 0) return rest.u8(octet) && (number = octet, true) ? nullptr : "logical_segment";
  if (format == 3) return "logical_format";
  if (!rest.u8(octet) || octet != 0) return "pad";
  if (format == 1) return rest.u16le(two) && (number = two, true) ? nullptr : "logical_segment";
  return rest.u32le(number) ? nullptr : "logical_segment";
}

// The object's, or that of an object within an instance of the class before.
const char* place_class(std::uint32_t number, Reading& reading) noexcept {
  Path& path = reading.path;
  if (number == 0 || reading.index_count != 0 || reading.unnamed) return "class";
  // Of a connection, another application path: the one in front of it is what takes the outputs.
  if (reading.use == PathUse::CONNECTION && reading.named) return "class";
  if (reading.rank != RANK_NONE) {
    const bool within = reading.use == PathUse::MESSAGE && reading.rank == RANK_INSTANCE && !reading.named;
    if (!within || path.outer_class > 0xFFFF) return "class";
    path.outer_class = (path.outer_class << 16) | path.class_id;
    path.parts = 0;
  }
  reading.rank = RANK_CLASS;
  path.class_id = number;
  path.parts |= HAS_CLASS;
  return nullptr;
}

const char* place_member(std::uint32_t number, Reading& reading) noexcept {
  if (reading.of_tag()) {
    if (reading.index_count == index_count_max) return "member";
    reading.index[reading.index_count++] = number;
    return nullptr;
  }
  if (reading.rank == RANK_MEMBER || !reading.path.has(HAS_CLASS)) return "member";
  reading.rank = RANK_MEMBER;
  reading.path.element = number;
  reading.path.parts |= HAS_ELEMENT;
  return nullptr;
}

const char* place_point(std::uint32_t number, Reading& reading) noexcept {
  Path& path = reading.path;
  if (reading.rank == RANK_POINT) {
    // The second one of a connection.
    if (reading.use != PathUse::CONNECTION || path.has(HAS_PRODUCED)) return "connection_point";
    path.produced = number;
    path.parts |= HAS_PRODUCED;
    return nullptr;
  }
  if (reading.rank != RANK_CLASS && reading.rank != RANK_INSTANCE) return "connection_point";
  reading.rank = RANK_POINT;
  path.point = number;
  path.parts |= HAS_POINT;
  return nullptr;
}

const char* read_logical(std::uint8_t segment, Cursor& rest, Reading& reading) noexcept {
  if (reading.use == PathUse::ROUTE) return "logical_segment";
  const std::uint8_t type = (segment >> 2) & 7;
  const std::uint8_t format = segment & 3;
  std::uint32_t number = 0;
  if (const char* field = read_number(format, rest, number); field != nullptr) return field;
  Path& path = reading.path;
  switch (type) {
    case 0: return format == 2 ? "class" : place_class(number, reading);
    case 1:
      if (reading.rank != RANK_CLASS) return "instance";
      reading.rank = RANK_INSTANCE;
      path.instance = number;
      path.parts |= HAS_INSTANCE;
      return nullptr;
    case 2: return place_member(number, reading);
    case 3: return place_point(number, reading);
    case 4:
      if (format == 2 || reading.rank == RANK_NONE || reading.rank >= RANK_ATTRIBUTE) return "attribute";
      if (reading.index_count != 0 || reading.unnamed) return "attribute";
      reading.rank = RANK_ATTRIBUTE;
      path.attribute = number;
      path.parts |= HAS_ATTRIBUTE;
      return nullptr;
    default: return "logical_type";
  }
}

const char* read_key(Cursor& rest, Reading& reading) noexcept {
  std::uint8_t format = 0;
  if (reading.use != PathUse::CONNECTION || reading.application_begun() || reading.key) return "key_segment";
  if (!rest.u8(format) || format != key_format || !rest.skip(key_size)) return "key_segment";
  reading.key = true;
  return nullptr;
}

const char* read_data(Cursor& rest, Reading& reading) noexcept {
  std::uint8_t words = 0;
  if (reading.use != PathUse::CONNECTION || !reading.application_begun()) return "data_segment";
  if (!rest.u8(words) || words == 0 || !reading.data.empty()) return "data_segment";
  return rest.bytes(std::size_t{words} * 2, reading.data) ? nullptr : "data_segment";
}

const char* read_segment(std::uint8_t segment, Cursor& rest, Reading& reading) noexcept {
  // Data ends a path.
  if (!reading.data.empty()) return "path";
  std::uint8_t size = 0;
  if (segment == segment_key) return read_key(rest, reading);
  if (segment == segment_data) return read_data(rest, reading);
  if (segment == segment_inhibit_time) {
    if (reading.use != PathUse::CONNECTION || reading.inhibit_time) return "network_segment";
    reading.inhibit_time = true;
    return rest.skip(1) ? nullptr : "network_segment";
  }
  if (segment == segment_extended_symbol) {
    if (!rest.u8(size)) return "symbol";
    if (const char* field = read_symbol(size, rest, reading); field != nullptr) return field;
    return skip_pad(rest, size) ? nullptr : "pad";
  }
  switch (segment >> 5) {
    case 0: return read_port(segment, rest, reading);
    case 1: return read_logical(segment, rest, reading);
    case 3:
      size = segment & 0x1F;
      if (const char* field = read_symbol(size, rest, reading); field != nullptr) return field;
      return skip_pad(rest, std::size_t{1} + size) ? nullptr : "pad";
    default: return "path";
  }
}

// The indexes at the end: one is the element, several belong to the name.
const char* finish(Reading& reading) noexcept {
  Path& path = reading.path;
  if (reading.named) path.parts |= HAS_TAG;
  if (!reading.of_tag()) return nullptr;
  path.parts |= HAS_ELEMENT;
  if (reading.index_count == 1) {
    path.element = reading.index[0];
  } else if (reading.index_count > 1 && reading.rank == RANK_NONE) {
    if (!put_indexes(reading)) return "symbol";
  } else if (reading.index_count > 1) {
    path.parts |= ANY_ELEMENT;
  }
  return nullptr;
}

}  // namespace

bool Text::put(char octet) noexcept {
  if (size == out.size()) return false;
  out[size++] = static_cast<std::uint8_t>(octet);
  return true;
}

bool Text::put(Bytes octets) noexcept {
  if (out.size() - size < octets.size()) return false;
  std::copy(octets.begin(), octets.end(), out.begin() + static_cast<std::ptrdiff_t>(size));
  size += octets.size();
  return true;
}

bool Text::put_number(std::uint32_t number) noexcept {
  std::array<std::uint8_t, 10> digits;
  std::size_t first = digits.size();
  do {
    digits[--first] = static_cast<std::uint8_t>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  return put(Bytes(digits).subspan(first));
}

const char* read_path(Bytes octets, PathUse use, Text& tag, Text& route, Path& path, Bytes& data) noexcept {
  Reading reading{use, tag, route, path, data};
  Cursor rest(octets);
  std::uint8_t segment = 0;
  while (rest.u8(segment)) {
    if (const char* field = read_segment(segment, rest, reading); field != nullptr) return field;
  }
  return finish(reading);
}

bool leading_class(Bytes path, std::uint32_t& class_id) noexcept {
  Cursor rest(path);
  std::uint8_t segment = 0;
  if (!rest.u8(segment) || (segment != 0x20 && segment != 0x21)) return false;
  return read_number(segment & 3, rest, class_id) == nullptr;
}

}  // namespace conduit::enip
