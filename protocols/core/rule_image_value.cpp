#include "protocols/core/rule_image_value.hpp"

#include <bit>
#include <cmath>

namespace conduit {
namespace {

constexpr double two_to_63 = 9223372036854775808.0;
constexpr double two_to_64 = 18446744073709551616.0;

// All readings of WORDS give numbers that a double holds exactly.
bool any_in_range(std::span<const ValueRecord> constraints, double number) noexcept {
  for (const ValueRecord& range : constraints) {
    if (in_range(range, number)) return true;
  }
  return false;
}

template <typename Integer>
bool scalar_permitted(std::span<const ValueRecord> constraints, Integer number) noexcept {
  if (constraints[0].type != NumberType::NATURAL) return false;
  for (const ValueRecord& range : constraints) {
    if (in_range(range, number)) return true;
  }
  return false;
}

bool bits_permitted(std::span<const ValueRecord> constraints, const Value& value) noexcept {
  const NumberType type = constraints[0].type;
  if (type != NumberType::NATURAL && type != NumberType::BOOL) return false;
  const std::size_t whole = value.count / 8;
  const std::uint32_t rest = value.count % 8;
  if (value.count == 0 || value.data.size() < whole + (rest != 0 ? 1 : 0)) return false;
  std::uint8_t all_or = 0;  // which values occur: there are only two
  std::uint8_t all_and = 0xFF;
  for (std::size_t i = 0; i < whole; ++i) {
    all_or |= value.data[i];
    all_and &= value.data[i];
  }
  if (rest != 0) {
    const auto mask = static_cast<std::uint8_t>((1U << rest) - 1);
    all_or = static_cast<std::uint8_t>(all_or | (value.data[whole] & mask));
    all_and = static_cast<std::uint8_t>(all_and & (value.data[whole] | static_cast<std::uint8_t>(~mask)));
  }
  if (all_or != 0 && !any_in_range(constraints, 1.0)) return false;
  return all_and == 0xFF || any_in_range(constraints, 0.0);
}

double number_of(NumberType type, std::uint32_t bits) noexcept {
  switch (type) {
    case NumberType::INT16: return static_cast<std::int16_t>(bits);
    case NumberType::INT32: return static_cast<std::int32_t>(bits);
    case NumberType::FLOAT32: return static_cast<double>(std::bit_cast<float>(bits));
    case NumberType::NATURAL:
    case NumberType::UINT16:
    case NumberType::UINT32:
    case NumberType::BOOL: break;
  }
  return bits;
}

bool words_permitted(std::span<const ValueRecord> constraints, const Value& value, std::uint64_t array_first,
                     const Range* covered) noexcept {
  const NumberType type = constraints[0].type;
  if (type == NumberType::BOOL || value.count == 0 || value.data.size() / 2 < value.count) return false;
  const bool two_words =
      type == NumberType::INT32 || type == NumberType::UINT32 || type == NumberType::FLOAT32;
  if (!two_words) {
    for (std::size_t i = 0; i < value.count; ++i) {
      if (!any_in_range(constraints, number_of(type, load_u16be(&value.data[2 * i])))) return false;
    }
    return true;
  }
  // Whole elements only: the operation must say which words it covers, and begin and end between elements.
  if (covered == nullptr || covered->last - covered->first != value.count - 1) return false;
  if (covered->first < array_first || (covered->first - array_first) % 2 != 0 || value.count % 2 != 0)
    return false;
  const bool low_first = constraints[0].order == WordOrder::LOW_FIRST;
  for (std::size_t i = 0; i < value.count; i += 2) {
    const std::uint32_t earlier = load_u16be(&value.data[2 * i]);
    const std::uint32_t later = load_u16be(&value.data[2 * i + 2]);
    const std::uint32_t bits = low_first ? later << 16 | earlier : earlier << 16 | later;
    if (!any_in_range(constraints, number_of(type, bits))) return false;
  }
  return true;
}

}  // namespace

bool in_range(const ValueRecord& range, double number) noexcept {
  if (number != number) return false;  // NaN, even where nothing is bounded
  if (range.has_min != 0 && !(number >= range.min)) return false;
  return range.has_max == 0 || number <= range.max;
}

bool in_range(const ValueRecord& range, std::int64_t number) noexcept {
  if (range.has_min != 0) {
    if (range.min >= two_to_63) return false;
    if (range.min > -two_to_63 && number < static_cast<std::int64_t>(std::ceil(range.min))) return false;
  }
  if (range.has_max != 0) {
    if (range.max < -two_to_63) return false;
    if (range.max < two_to_63 && number > static_cast<std::int64_t>(std::floor(range.max))) return false;
  }
  return true;
}

bool in_range(const ValueRecord& range, std::uint64_t number) noexcept {
  if (range.has_min != 0) {
    if (range.min >= two_to_64) return false;
    if (range.min > 0 && number < static_cast<std::uint64_t>(std::ceil(range.min))) return false;
  }
  if (range.has_max != 0) {
    if (range.max < 0) return false;
    if (range.max < two_to_64 && number > static_cast<std::uint64_t>(std::floor(range.max))) return false;
  }
  return true;
}

bool value_permitted(std::span<const ValueRecord> constraints, const Value& value, std::uint64_t array_first,
                     const Range* covered) noexcept {
  switch (value.kind) {
    case ValueKind::SIGNED: return scalar_permitted(constraints, value.i);
    case ValueKind::UNSIGNED: return scalar_permitted(constraints, value.u);
    case ValueKind::FLOAT: return scalar_permitted(constraints, value.f);
    case ValueKind::BITS: return bits_permitted(constraints, value);
    case ValueKind::WORDS: return words_permitted(constraints, value, array_first, covered);
    case ValueKind::NONE:
    case ValueKind::BYTES:
    case ValueKind::UNREADABLE: break;
  }
  return false;
}

}  // namespace conduit
