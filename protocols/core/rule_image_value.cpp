#include "protocols/core/rule_image_value.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace conduit {
namespace {

constexpr double two_to_63 = 9223372036854775808.0;
constexpr double two_to_64 = 18446744073709551616.0;

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

// The integers that a constraint permits, inside of what 32 bits can say.
struct Integers {
  std::int64_t first, last;
};

Integers integers_of(const ValueRecord& range) noexcept {
  constexpr double beyond = 8589934592.0;  // 2 to 33, which no reading of words reaches
  const double min = range.has_min != 0 ? std::clamp(range.min, -beyond, beyond) : -beyond;
  const double max = range.has_max != 0 ? std::clamp(range.max, -beyond, beyond) : beyond;
  return {static_cast<std::int64_t>(std::ceil(min)), static_cast<std::int64_t>(std::floor(max))};
}

// `read(i)`: the element that begins at word i.
template <typename Read>
bool elements_permitted(std::span<const ValueRecord> constraints, std::size_t count, std::size_t step,
                        Read read) noexcept {
  std::array<Integers, value_count_max> permitted;
  for (std::size_t k = 0; k < constraints.size(); ++k) permitted[k] = integers_of(constraints[k]);
  for (std::size_t i = 0; i < count; i += step) {
    const std::int64_t number = read(i);
    std::size_t k = 0;
    while (number < permitted[k].first || permitted[k].last < number) {
      if (++k == constraints.size()) return false;
    }
  }
  return true;
}

// Positions of the range dimension that one word takes: one where that dimension counts words, sixteen where
// it counts bits. 0: what is covered and the number of words do not go together.
std::uint64_t positions_of_word(const Range& covered, std::uint64_t count) noexcept {
  const std::uint64_t behind_first = covered.last - covered.first;
  if (behind_first == UINT64_MAX || (behind_first + 1) % count != 0) return 0;
  return (behind_first + 1) / count;
}

// Does the operation begin between two elements of so many positions?
bool begins_element(const Range& covered, std::uint64_t array_first, std::uint64_t positions) noexcept {
  return covered.first >= array_first && (covered.first - array_first) % positions == 0;
}

bool words_permitted(std::span<const ValueRecord> constraints, const Value& value, std::uint64_t array_first,
                     const Range* covered) noexcept {
  const std::size_t count = value.count;
  if (count == 0 || value.data.size() / 2 < count) return false;
  const std::uint8_t* const octets = value.data.data();
  const auto word = [octets](std::size_t i) -> std::int64_t { return load_u16be(octets + 2 * i); };
  const NumberType type = constraints[0].type;
  if (type == NumberType::NATURAL) return elements_permitted(constraints, count, 1, word);
  if (type == NumberType::BOOL) return false;
  // Whole elements only: the operation must begin and end between them.
  const std::uint64_t positions = covered == nullptr ? 0 : positions_of_word(*covered, count);
  if (type == NumberType::UINT16 || type == NumberType::INT16) {
    if (positions > 1 && !begins_element(*covered, array_first, positions)) return false;
  }
  if (type == NumberType::UINT16) return elements_permitted(constraints, count, 1, word);
  if (type == NumberType::INT16) {
    return elements_permitted(constraints, count, 1, [word](std::size_t i) -> std::int64_t {
      return static_cast<std::int16_t>(word(i));
    });
  }
  // And say which words it covers.
  if (positions == 0 || count % 2 != 0) return false;
  if (!begins_element(*covered, array_first, 2 * positions)) return false;
  const bool low_first = constraints[0].order == WordOrder::LOW_FIRST;
  const auto two_words = [word, low_first](std::size_t i) {
    const auto high = static_cast<std::uint32_t>(word(low_first ? i + 1 : i));
    return high << 16 | static_cast<std::uint32_t>(word(low_first ? i : i + 1));
  };
  if (type == NumberType::UINT32) {
    return elements_permitted(constraints, count, 2,
                              [two_words](std::size_t i) -> std::int64_t { return two_words(i); });
  }
  if (type == NumberType::INT32) {
    return elements_permitted(constraints, count, 2, [two_words](std::size_t i) -> std::int64_t {
      return static_cast<std::int32_t>(two_words(i));
    });
  }
  for (std::size_t i = 0; i < count; i += 2) {
    if (!any_in_range(constraints, static_cast<double>(std::bit_cast<float>(two_words(i))))) return false;
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
