#include "tests/support/reference_matcher.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>

namespace conduit::reference {
namespace {

// Holds every 64-bit integer and every double exactly.
using Exact = long double;
static_assert(std::numeric_limits<Exact>::digits >= 64);

// Every number of `inner` lies in some of `ranges`: the same as containment in one range once those that
// touch are merged.
bool covers(const std::vector<Range>& ranges, Range inner) {
  if (inner.first > inner.last) return false;
  for (std::uint64_t at = inner.first;;) {
    const auto here = std::find_if(ranges.begin(), ranges.end(),
                                   [at](Range range) { return range.first <= at && at <= range.last; });
    if (here == ranges.end()) return false;
    if (here->last >= inner.last) return true;
    at = here->last + 1;
  }
}

bool touches(const std::vector<Range>& ranges, Range inner) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [inner](Range range) { return range.first <= inner.last && inner.first <= range.last; });
}

// Where the range that contains `at` begins.
std::uint64_t beginning(const std::vector<Range>& ranges, std::uint64_t at) {
  for (bool moved = true; moved;) {
    moved = false;
    for (const Range range : ranges) {
      if (range.first < at && at - 1 <= range.last) {
        at = range.first;
        moved = true;
      }
    }
  }
  return at;
}

bool key_matches(const std::vector<KeySource>& patterns, const Key& key) {
  const std::string octets(key.data.begin(), key.data.end());
  return std::any_of(patterns.begin(), patterns.end(), [&](const KeySource& pattern) {
    if (pattern.kind != key.kind) return false;
    return pattern.prefix ? octets.substr(0, pattern.octets.size()) == pattern.octets
                          : octets == pattern.octets;
  });
}

Exact float_of(std::uint32_t bits) {
  float number = 0;
  std::memcpy(&number, &bits, sizeof number);
  return static_cast<Exact>(number);
}

// The elements as the rule reads them; nothing if it cannot.
std::optional<std::vector<Exact>> elements(const ServiceSource& service, const RuleSource& rule,
                                           const Operation& operation) {
  const Value& value = operation.value;
  const NumberType type = rule.values[0].type;
  std::vector<Exact> found;
  switch (value.kind) {
    case ValueKind::SIGNED:
    case ValueKind::UNSIGNED:
    case ValueKind::FLOAT:
      if (type != NumberType::NATURAL) return std::nullopt;
      if (value.kind == ValueKind::SIGNED) return std::vector{static_cast<Exact>(value.i)};
      if (value.kind == ValueKind::UNSIGNED) return std::vector{static_cast<Exact>(value.u)};
      return std::vector{static_cast<Exact>(value.f)};
    case ValueKind::BITS:
      if (type != NumberType::NATURAL && type != NumberType::BOOL) return std::nullopt;
      for (std::uint32_t i = 0; i < value.count; ++i) found.push_back((value.data[i / 8] >> (i % 8)) % 2);
      return found;
    case ValueKind::WORDS: break;
    case ValueKind::NONE:
    case ValueKind::BYTES:
    case ValueKind::UNREADABLE: return std::nullopt;
  }
  std::vector<std::uint32_t> words;
  for (std::uint32_t i = 0; i < value.count; ++i)
    words.push_back(value.data[2 * i] * 256U + value.data[2 * i + 1]);
  if (type == NumberType::BOOL) return std::nullopt;
  const std::uint8_t dimension = service.range_dimension;
  const bool placed = dimension != no_dimension && operation.has(dimension) &&
                      operation.dimension[dimension].first <= operation.dimension[dimension].last;
  const Range covered = placed ? operation.dimension[dimension] : Range{};
  const std::uint64_t array =
      placed && !rule.ranges[dimension].empty() ? beginning(rule.ranges[dimension], covered.first) : 0;
  // Positions of the range dimension: as many for each word.
  const std::uint64_t behind_first = covered.last - covered.first;
  const bool even = placed && !words.empty() && behind_first != std::numeric_limits<std::uint64_t>::max() &&
                    (behind_first + 1) % words.size() == 0;
  const std::uint64_t each = even ? (behind_first + 1) / words.size() : 1;
  const bool small = type == NumberType::UINT16 || type == NumberType::INT16;
  if (even && small && (covered.first - array) % each != 0) return std::nullopt;
  if (type == NumberType::NATURAL || type == NumberType::UINT16 || type == NumberType::INT16) {
    for (const std::uint32_t word : words) {
      const Exact number = word;
      found.push_back(type == NumberType::INT16 && word > 32767 ? number - 65536 : number);
    }
    return found;
  }
  if (!even || words.size() % 2 != 0 || (covered.first - array) % (2 * each) != 0) return std::nullopt;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const bool high_first = rule.values[0].order == WordOrder::HIGH_FIRST;
    const std::uint32_t high = high_first ? words[i] : words[i + 1];
    const std::uint32_t bits = high * 65536U + (high_first ? words[i + 1] : words[i]);
    const Exact number = bits;
    if (type == NumberType::UINT32) found.push_back(number);
    if (type == NumberType::INT32) found.push_back(bits >= 0x80000000U ? number - 4294967296.0L : number);
    if (type == NumberType::FLOAT32) found.push_back(float_of(bits));
  }
  return found;
}

bool value_matches(const ServiceSource& service, const RuleSource& rule, const Operation& operation,
                   Flaw flaw) {
  if (rule.values.empty()) return true;
  auto found = elements(service, rule, operation);
  if (!found || found->empty()) return false;
  if (flaw == Flaw::FIRST_ELEMENT) found->resize(1);
  return std::all_of(found->begin(), found->end(), [&rule](Exact element) {
    return std::any_of(rule.values.begin(), rule.values.end(), [element](const ValueRecord& range) {
      if (element != element) return false;
      if (range.has_min != 0 && element < static_cast<Exact>(range.min)) return false;
      return range.has_max == 0 || element <= static_cast<Exact>(range.max);
    });
  });
}

int rank(Reason reason) {
  constexpr Reason order[] = {Reason::FUNCTION_NOT_PERMITTED, Reason::OBJECT_NOT_PERMITTED,
                              Reason::VALUE_NOT_PERMITTED, Reason::ISLAND_MODE, Reason::GRANT_REQUIRED};
  return static_cast<int>(std::find(std::begin(order), std::end(order), reason) - order);
}

}  // namespace

Reason judge(const ServiceSource& service, const RuleSource& rule, const std::vector<GrantSource>& grants,
             const Operation& operation, MatchMoment moment, Flaw flaw) {
  if (operation.protocol != service.protocol) return Reason::FUNCTION_NOT_PERMITTED;
  if (std::find(rule.functions.begin(), rule.functions.end(), operation.function) == rule.functions.end()) {
    return Reason::FUNCTION_NOT_PERMITTED;
  }
  if ((rule.access_mask & (1U << static_cast<unsigned>(operation.access))) == 0)
    return Reason::FUNCTION_NOT_PERMITTED;
  for (std::size_t d = 0; d < dimension_count; ++d) {
    if (rule.ranges[d].empty()) continue;
    if (!operation.has(d)) {
      if (flaw == Flaw::ABSENT_PERMITTED) continue;
      return Reason::OBJECT_NOT_PERMITTED;
    }
    const bool inside = flaw == Flaw::INTERSECTION ? touches(rule.ranges[d], operation.dimension[d])
                                                   : covers(rule.ranges[d], operation.dimension[d]);
    if (!inside) return Reason::OBJECT_NOT_PERMITTED;
  }
  for (std::size_t k = 0; k < key_count; ++k) {
    if (rule.keys[k].empty()) continue;
    const bool present = (operation.keys_present >> k) % 2 != 0;
    if (!present || !key_matches(rule.keys[k], operation.key[k])) return Reason::OBJECT_NOT_PERMITTED;
  }
  if (!value_matches(service, rule, operation, flaw)) return Reason::VALUE_NOT_PERMITTED;
  if (moment.island && !rule.essential) return Reason::ISLAND_MODE;
  if (rule.grant != none_index && flaw != Flaw::GRANT_FOR_EVER &&
      grants[rule.grant].deadline_ns <= moment.now_ns) {
    return Reason::GRANT_REQUIRED;
  }
  return Reason::NONE;
}

Answer match(const ServiceSource& service, const std::vector<RuleSource>& rules,
             const std::vector<GrantSource>& grants, const Operation& operation, MatchMoment moment,
             Flaw flaw) {
  Answer answer{none_index, Reason::FUNCTION_NOT_PERMITTED};
  for (std::uint32_t i = 0; i < rules.size(); ++i) {
    const Reason reason = judge(service, rules[i], grants, operation, moment, flaw);
    if (reason == Reason::NONE) {
      answer = {i, Reason::NONE};
      if (flaw != Flaw::LAST_RULE_WINS) return answer;
    } else if (answer.rule == none_index && rank(reason) > rank(answer.reason)) {
      answer.reason = reason;
    }
  }
  return answer;
}

}  // namespace conduit::reference
