// How values are read: by kind of value, type of the rule and word order, at the edges.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "protocols/core/rule_image_value.hpp"

using namespace conduit;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

ValueRecord between(NumberType type, double min, double max, WordOrder order = WordOrder::HIGH_FIRST) {
  return {type, order, 1, 1, 0, min, max};
}
ValueRecord unbounded(NumberType type) { return {type, WordOrder::HIGH_FIRST, 0, 0, 0, 0, 0}; }

struct Words {
  const char* name;
  ValueRecord range;
  std::vector<std::uint8_t> octets;
  std::uint64_t first;  // word that the operation begins with; the rule's array begins at 10
  bool permitted;
};

const Words words[] = {
    {"natural is unsigned", between(NumberType::NATURAL, 65535, 65535), {0xFF, 0xFF}, 10, true},
    {"natural, below", between(NumberType::NATURAL, 1, 9), {0, 0}, 10, false},
    {"natural, each word", between(NumberType::NATURAL, 1, 9), {0, 1, 0, 9}, 10, true},
    {"natural, one word out", between(NumberType::NATURAL, 1, 9), {0, 1, 0, 10}, 10, false},
    {"natural begins anywhere", between(NumberType::NATURAL, 1, 9), {0, 1}, 11, true},
    {"bounds between integers", between(NumberType::NATURAL, 0.5, 1.5), {0, 1}, 10, true},
    {"bounds between integers, below", between(NumberType::NATURAL, 0.5, 1.5), {0, 0}, 10, false},
    {"bounds between integers, above", between(NumberType::NATURAL, 0.5, 1.5), {0, 2}, 10, false},
    {"int16, -1", between(NumberType::INT16, -1, -1), {0xFF, 0xFF}, 10, true},
    {"int16, lowest", between(NumberType::INT16, -32768, -32768), {0x80, 0}, 10, true},
    {"uint16, highest", between(NumberType::UINT16, 65535, infinity), {0xFF, 0xFF}, 10, true},
    {"bool does not read words", unbounded(NumberType::BOOL), {0, 1}, 10, false},
    {"uint32, high first", between(NumberType::UINT32, 65538, 65538), {0, 1, 0, 2}, 10, true},
    {"uint32, low first",
     between(NumberType::UINT32, 131073, 131073, WordOrder::LOW_FIRST),
     {0, 1, 0, 2},
     10,
     true},
    {"uint32, highest", between(NumberType::UINT32, 4294967295.0, 1e300), {255, 255, 255, 255}, 10, true},
    {"int32, -2", between(NumberType::INT32, -2, -2), {255, 255, 255, 254}, 10, true},
    {"int32, lowest", between(NumberType::INT32, -infinity, -2147483648.0), {0x80, 0, 0, 0}, 10, true},
    {"float32, 1.5", between(NumberType::FLOAT32, 1.5, 1.5), {0x3F, 0xC0, 0, 0}, 10, true},
    {"float32, low first",
     between(NumberType::FLOAT32, 1.5, 1.5, WordOrder::LOW_FIRST),
     {0, 0, 0x3F, 0xC0},
     10,
     true},
    {"float32, NaN in bounds",
     between(NumberType::FLOAT32, -infinity, infinity),
     {0x7F, 0xC0, 0, 0},
     10,
     false},
    {"float32, NaN without bounds", unbounded(NumberType::FLOAT32), {0x7F, 0xC0, 0, 0}, 10, false},
    {"float32, infinity", between(NumberType::FLOAT32, 0, infinity), {0x7F, 0x80, 0, 0}, 10, true},
    {"float32, infinity is above", between(NumberType::FLOAT32, 0, 1e300), {0x7F, 0x80, 0, 0}, 10, false},
    {"float32, minus zero", between(NumberType::FLOAT32, 0, 0), {0x80, 0, 0, 0}, 10, true},
    {"second element", between(NumberType::UINT32, 1, 2), {0, 0, 0, 1}, 12, true},
    {"two elements", between(NumberType::UINT32, 1, 2), {0, 0, 0, 1, 0, 0, 0, 2}, 10, true},
    {"two elements, one out", between(NumberType::UINT32, 1, 2), {0, 0, 0, 1, 0, 0, 0, 3}, 10, false},
    {"half an element", between(NumberType::UINT32, 0, 1e300), {0, 0}, 10, false},
    {"one and a half", between(NumberType::UINT32, 0, 1e300), {0, 0, 0, 0, 0, 0}, 10, false},
    {"across two elements", between(NumberType::UINT32, 0, 1e300), {0, 0, 0, 0}, 11, false},
    {"before the array", between(NumberType::UINT32, 0, 1e300), {0, 0, 0, 0}, 8, false},
    {"no words", unbounded(NumberType::NATURAL), {}, 10, false},
};

Value word_value(const std::vector<std::uint8_t>& octets) {
  Value value;
  value.kind = ValueKind::WORDS;
  value.count = static_cast<std::uint32_t>(octets.size() / 2);
  value.data = octets;
  return value;
}

bool scalar(const ValueRecord& range, Value value) { return value_permitted({&range, 1}, value, 0, nullptr); }
bool scalar_i(const ValueRecord& range, std::int64_t number) {
  Value value;
  value.kind = ValueKind::SIGNED;
  value.i = number;
  return scalar(range, value);
}
bool scalar_u(const ValueRecord& range, std::uint64_t number) {
  Value value;
  value.kind = ValueKind::UNSIGNED;
  value.u = number;
  return scalar(range, value);
}
bool scalar_f(const ValueRecord& range, double number) {
  Value value;
  value.kind = ValueKind::FLOAT;
  value.f = number;
  return scalar(range, value);
}
bool bits(const ValueRecord& range, std::vector<std::uint8_t> octets, std::uint32_t count) {
  Value value;
  value.kind = ValueKind::BITS;
  value.count = count;
  value.data = octets;
  return scalar(range, value);
}

}  // namespace

TEST_CASE("words are read as the rule says") {
  for (const Words& row : words) {
    CAPTURE(row.name);
    const Value value = word_value(row.octets);
    const Range covered{row.first, row.first + row.octets.size() / 2 - 1};
    CHECK(value_permitted({&row.range, 1}, value, 10, &covered) == row.permitted);
  }
}

TEST_CASE("elements of two words need to know where they lie") {
  const ValueRecord range = unbounded(NumberType::UINT32);
  const std::vector<std::uint8_t> octets = {0, 0, 0, 1};
  const Value value = word_value(octets);
  const Range covered{10, 11};
  const Range disagrees{10, 12};
  CHECK(value_permitted({&range, 1}, value, 10, &covered));
  CHECK_FALSE(value_permitted({&range, 1}, value, 10, nullptr));
  CHECK_FALSE(value_permitted({&range, 1}, value, 10, &disagrees));
}

TEST_CASE("words may take several positions each, and elements lie between them") {
  const std::vector<std::uint8_t> octets = {0, 0, 0, 1};
  const Value value = word_value(octets);
  const auto permitted = [&](NumberType type, std::uint64_t first, std::uint64_t last) {
    const ValueRecord range = unbounded(type);
    const Range covered{first, last};
    return value_permitted({&range, 1}, value, 32, &covered);
  };
  CHECK(permitted(NumberType::UINT32, 32, 63));
  CHECK(permitted(NumberType::UINT32, 64, 95));
  CHECK_FALSE(permitted(NumberType::UINT32, 48, 79));
  CHECK_FALSE(permitted(NumberType::UINT32, 40, 71));
  CHECK_FALSE(permitted(NumberType::UINT32, 32, 64));
  CHECK_FALSE(permitted(NumberType::UINT32, 0, UINT64_MAX));
  CHECK(permitted(NumberType::INT16, 48, 79));
  CHECK(permitted(NumberType::UINT16, 48, 79));
  CHECK_FALSE(permitted(NumberType::INT16, 40, 71));
  CHECK_FALSE(permitted(NumberType::UINT16, 40, 71));
  CHECK(permitted(NumberType::NATURAL, 40, 71));
}

TEST_CASE("each element needs one of the ranges") {
  const ValueRecord ranges[] = {between(NumberType::NATURAL, 1, 2), between(NumberType::NATURAL, 7, 8)};
  const std::vector<std::uint8_t> both = {0, 1, 0, 8};
  const std::vector<std::uint8_t> between_them = {0, 1, 0, 5};
  CHECK(value_permitted(ranges, word_value(both), 0, nullptr));
  CHECK_FALSE(value_permitted(ranges, word_value(between_them), 0, nullptr));
}

TEST_CASE("integers of 64 bits compare exactly") {
  constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();
  const double two_to_53 = 9007199254740992.0;
  const ValueRecord even = between(NumberType::NATURAL, two_to_53, two_to_53);
  CHECK(scalar_i(even, 9007199254740992));
  CHECK_FALSE(scalar_i(even, 9007199254740993));  // would be rounded down to the bound
  CHECK_FALSE(scalar_u(even, 9007199254740993U));
  const ValueRecord from_63 = between(NumberType::NATURAL, 9223372036854775808.0, infinity);
  CHECK_FALSE(scalar_i(from_63, highest));
  CHECK_FALSE(scalar_u(from_63, 9223372036854775807U));
  CHECK(scalar_u(from_63, 9223372036854775808U));
  const ValueRecord to_64 = between(NumberType::NATURAL, -infinity, 18446744073709551616.0);
  CHECK(scalar_u(to_64, ~std::uint64_t{0}));
  CHECK(scalar_i(to_64, lowest));
  CHECK_FALSE(scalar_u(between(NumberType::NATURAL, 18446744073709551616.0, infinity), ~std::uint64_t{0}));
  CHECK_FALSE(scalar_i(between(NumberType::NATURAL, -infinity, -9223372036854777856.0), lowest));
  CHECK_FALSE(scalar_u(between(NumberType::NATURAL, -5, -1), 0));
  CHECK(scalar_i(between(NumberType::NATURAL, -1.5, -0.5), -1));
  CHECK_FALSE(scalar_i(between(NumberType::NATURAL, -0.5, 0.5), -1));
}

TEST_CASE("scalars have their natural type alone") {
  CHECK(scalar_i(unbounded(NumberType::NATURAL), -3));
  CHECK(scalar_f(between(NumberType::NATURAL, 0.25, 0.5), 0.25));
  CHECK_FALSE(scalar_f(unbounded(NumberType::NATURAL), std::nan("")));
  for (int type = 1; type <= 6; ++type) CHECK_FALSE(scalar_i(unbounded(static_cast<NumberType>(type)), 0));
}

TEST_CASE("bits are zeros and ones") {
  const ValueRecord on = between(NumberType::BOOL, 1, 1);
  const ValueRecord off = between(NumberType::NATURAL, 0, 0);
  CHECK(bits(on, {0x01}, 1));
  CHECK(bits(on, {0xFF, 0x03}, 10));
  CHECK_FALSE(bits(on, {0xFF, 0x01}, 10));
  CHECK(bits(off, {0x00, 0xFC}, 10));  // what lies behind the last bit is not read
  CHECK_FALSE(bits(off, {0x00, 0x02}, 10));
  CHECK(bits(unbounded(NumberType::BOOL), {0x05}, 3));
  CHECK_FALSE(bits(between(NumberType::BOOL, 2, 3), {0x05}, 3));
  CHECK_FALSE(bits(on, {}, 0));
  CHECK_FALSE(bits(on, {0xFF}, 9));  // fewer octets than bits
  CHECK_FALSE(bits(unbounded(NumberType::UINT16), {0x05}, 3));
}

TEST_CASE("what cannot be read never satisfies") {
  for (const ValueKind kind : {ValueKind::NONE, ValueKind::BYTES, ValueKind::UNREADABLE}) {
    Value value;
    value.kind = kind;
    CHECK_FALSE(scalar(unbounded(NumberType::NATURAL), value));
  }
}
