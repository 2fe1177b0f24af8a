#include "config/policy/image_builder_rules.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

#include "config/abi/limits.hpp"

namespace conduit {
namespace {

constexpr std::uint64_t number_max = ~std::uint64_t{0};
constexpr std::size_t entry_count_max = image_size_max / sizeof(EntryRecord);

bool is_two_words(NumberType type) {
  return type == NumberType::INT32 || type == NumberType::UINT32 || type == NumberType::FLOAT32;
}

// Sorted, disjoint, not touching.
std::vector<Range> merge(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](Range a, Range b) { return a.first < b.first; });
  std::vector<Range> merged;
  for (const Range range : ranges) {
    if (!merged.empty() && (merged.back().last == number_max || range.first <= merged.back().last + 1)) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

// Sorted by (kind, octets as unsigned bytes), without those that a prefix among them makes needless.
std::vector<KeySource> reduce(std::vector<KeySource> keys) {
  std::sort(keys.begin(), keys.end(), [](const KeySource& a, const KeySource& b) {
    return std::tie(a.kind, a.octets, b.prefix) <
           std::tie(b.kind, b.octets, a.prefix);  // of equals the prefix first
  });
  std::vector<KeySource> reduced;
  for (KeySource& key : keys) {
    if (!reduced.empty() && reduced.back().kind == key.kind) {
      const KeySource& last = reduced.back();
      if (last.octets == key.octets || (last.prefix && key.octets.starts_with(last.octets))) continue;
    }
    reduced.push_back(std::move(key));
  }
  return reduced;
}

bool equal(const ValueRecord& a, const ValueRecord& b) {
  return a.has_min == b.has_min && a.has_max == b.has_max && a.min == b.min && a.max == b.max;
}

std::vector<EntryRecord> function_entries(const std::vector<std::uint32_t>& rules) {
  std::vector<EntryRecord> entries;
  for (const std::uint32_t rule : rules) entries.push_back({0, 0, none_index, rule});
  return entries;
}

}  // namespace

bool ImageRules::fail(std::string what) {
  error.what = std::move(what);
  error.policy_rule = rule_at_;
  return false;
}

bool ImageRules::add_group(const ServiceSource& service, const std::vector<RuleSource>& sources,
                           std::uint32_t& group) {
  if (sources.empty()) return true;  // the empty group
  group = static_cast<std::uint32_t>(groups.size());
  groups.push_back({service.protocol, service.selector_dimension, service.range_dimension, 0, 0});
  std::map<std::uint32_t, std::vector<std::uint32_t>> by_function;
  for (const RuleSource& rule : sources) {
    rule_at_ = rule.policy_rule;
    if (rule.functions.empty()) return fail("the rule permits no function");
    for (const std::uint32_t function :
         std::set<std::uint32_t>(rule.functions.begin(), rule.functions.end())) {
      by_function[function].push_back(static_cast<std::uint32_t>(rules.size()));
    }
    if (!add_rule(rule, service.protocol, service.conduit, service.range_dimension)) return false;
  }
  rule_at_ = none_index;
  // Functions that the same rules permit share their lists.
  std::map<std::vector<std::uint32_t>, std::vector<std::uint32_t>> classes;
  for (const auto& [function, of_function] : by_function) classes[of_function].push_back(function);
  for (const auto& [of_class, functions] : classes) {
    if (!add_lists(group, of_class, functions)) return false;
  }
  return true;
}

bool ImageRules::add_lists(std::uint32_t group, const RuleIndices& of_class,
                           const std::vector<std::uint32_t>& functions) {
  std::map<BucketKey, std::vector<EntryRecord>> found;
  std::size_t entry_count = 0;
  for (const std::uint32_t rule : of_class) {
    for (const BucketKey& key : keys_of(groups[group], rules[rule])) {
      std::vector<EntryRecord>& list = found[key];
      const std::size_t before = list.size();
      add_entries(groups[group], rule, list);
      entry_count += list.size() - before;
      if (entries.size() + entry_count > entry_count_max)
        return fail("the image would be larger than 64 MiB");
    }
  }
  for (auto& [key, list] : found) {
    if (!finish_list(list)) return false;
    add_list(list);
    add_buckets(group, functions, key, lists.back(), list);
  }
  add_buckets(group, functions, {BucketKind::FUNCTION, 0}, {}, function_entries(of_class));
  return true;
}

// The buckets in which an operation that the rule contains may look for it.
std::vector<ImageRules::BucketKey> ImageRules::keys_of(const GroupRecord& group,
                                                       const RuleRecord& rule) const {
  const std::vector<BucketKey> any{{BucketKind::ANY, 0}};
  if (group.selector_dimension == no_dimension) return any;
  const auto selected = ranges_of(rule, group.selector_dimension);
  if (selected.empty()) return any;
  std::vector<BucketKey> found;
  for (const Range& range : selected) {
    if (range.last - range.first >= selector_value_max) return any;
    for (std::uint64_t i = 0; i <= range.last - range.first; ++i)
      found.emplace_back(BucketKind::EXACT, range.first + i);
    if (found.size() > selector_value_max) return any;
  }
  const bool several =
      std::any_of(selected.begin(), selected.end(), [](const Range& r) { return r.first != r.last; });
  if (several) found.emplace_back(BucketKind::RANGED, 0);
  return found;
}

void ImageRules::add_entries(const GroupRecord& group, std::uint32_t rule,
                             std::vector<EntryRecord>& list) const {
  const auto listed = group.range_dimension == no_dimension ? std::span<const Range>{}
                                                            : ranges_of(rules[rule], group.range_dimension);
  if (listed.empty()) list.push_back({0, number_max, none_index, rule});
  for (const Range& range : listed) list.push_back({range.first, range.last, none_index, rule});
}

// Sorts, links, holds the overlap against its bound.
bool ImageRules::finish_list(std::vector<EntryRecord>& list) {
  std::sort(list.begin(), list.end(), [](const EntryRecord& a, const EntryRecord& b) {
    return std::tie(a.first, b.last, a.rule) < std::tie(b.first, a.last, b.rule);
  });
  std::multiset<std::pair<std::uint64_t, std::uint32_t>> living;  // last, weight
  std::uint32_t weight = 0;
  for (std::uint32_t i = 0; i < list.size(); ++i) {
    std::uint32_t above = i == 0 ? none_index : i - 1;
    while (above != none_index && list[above].last <= list[i].last) above = list[above].up;
    list[i].up = above;
    for (; !living.empty() && living.begin()->first < list[i].first; living.erase(living.begin())) {
      weight -= living.begin()->second;
    }
    const RuleRecord& rule = rules[list[i].rule];
    living.emplace(list[i].last, std::max(rule.values.count, 1U));
    weight += std::max(rule.values.count, 1U);
    if (weight > overlap_max) {
      rule_at_ = rule.policy_rule;
      return fail(
          "more than 64 rules for one function overlap here (a rule counts once for each of its value "
          "ranges)");
    }
  }
  return true;
}

// About as many cells as entries; few entries need none.
void ImageRules::add_list(const std::vector<EntryRecord>& list) {
  ListRecord record;
  record.entries = {static_cast<std::uint32_t>(entries.size()), static_cast<std::uint32_t>(list.size())};
  record.base = list.front().first;
  record.cells_first = static_cast<std::uint32_t>(cells.size());
  const std::uint64_t span = list.back().first - record.base;
  const std::uint64_t cell_max = list.size() <= 4 ? 1 : std::bit_ceil(list.size());
  while (record.shift < 63 && span >> record.shift >= cell_max) ++record.shift;
  record.cell_last = static_cast<std::uint32_t>(span >> record.shift);
  const auto overlap = [](const EntryRecord& a, const EntryRecord& b) { return b.first <= a.last; };
  record.disjoint = std::adjacent_find(list.begin(), list.end(), overlap) == list.end() ? 1 : 0;
  std::uint32_t before = 0;
  for (std::uint64_t c = 0; c <= std::uint64_t{record.cell_last} + 1; ++c) {
    while (before < list.size() && (list[before].first - record.base) >> record.shift < c) ++before;
    cells.push_back(before);
  }
  entries.insert(entries.end(), list.begin(), list.end());
  lists.push_back(record);
}

void ImageRules::add_buckets(std::uint32_t group, const std::vector<std::uint32_t>& functions, BucketKey key,
                             const ListRecord& record, const std::vector<EntryRecord>& list) {
  BucketRecord bucket;
  bucket.group = group;
  std::tie(bucket.kind, bucket.selector) = key;
  bucket.list = record;
  bucket.nearest_rule = none_index;
  for (const EntryRecord& entry : list) {
    const RuleRecord& rule = rules[entry.rule];
    std::uint32_t condition = 0;
    if ((rule.flags & RULE_ESSENTIAL) == 0) condition |= CONDITION_ORDINARY;
    if (rule.grant != none_index) condition |= CONDITION_GRANT;
    bucket.conditions |= static_cast<std::uint8_t>(1U << condition);
    bucket.access_mask |= rule.access_mask;
    bucket.nearest_rule = std::min(bucket.nearest_rule, entry.rule);
  }
  groups[group].bucket_kinds |= static_cast<std::uint8_t>(1U << static_cast<int>(bucket.kind));
  for (const std::uint32_t function : functions) {
    bucket.function = function;
    buckets.push_back(bucket);
  }
}

std::span<const Range> ImageRules::ranges_of(const RuleRecord& rule, std::size_t dimension) const {
  std::size_t first = rule.ranges_first;
  for (std::size_t d = 0; d < dimension; ++d) first += rule.ranges[d];
  return std::span(ranges).subspan(first, rule.ranges[dimension]);
}

bool ImageRules::add_rule(const RuleSource& source, ProtocolId protocol, std::uint32_t conduit,
                          std::uint8_t range_dimension) {
  rule_at_ = source.policy_rule;
  RuleRecord rule;
  rule.protocol = protocol;
  rule.flags = static_cast<std::uint8_t>((source.essential ? RULE_ESSENTIAL : 0) |
                                         (source.record_every ? RULE_RECORD_EVERY : 0) |
                                         (source.record_first ? RULE_RECORD_FIRST : 0));
  rule.access_mask = source.access_mask;
  rule.conduit = conduit;
  rule.policy_rule = source.policy_rule;
  if (source.access_mask == 0) return fail("the rule permits no access class");
  if (source.grant != none_index && source.grant >= grant_count_)
    return fail("the rule's grant does not exist");
  rule.grant = source.grant;
  if (!add_ranges(source, rule) || !add_values(source, rule, range_dimension) || !add_keys(source, rule) ||
      !add_limit(source, rule)) {
    return false;
  }
  rules.push_back(rule);
  rule_at_ = none_index;
  return true;
}

bool ImageRules::add_ranges(const RuleSource& source, RuleRecord& rule) {
  rule.ranges_first = static_cast<std::uint32_t>(ranges.size());
  for (std::size_t d = 0; d < dimension_count; ++d) {
    for (const Range& range : source.ranges[d]) {
      if (range.first > range.last) return fail("a range ends before it begins");
    }
    const std::vector<Range> merged = merge(source.ranges[d]);
    if (merged.size() > 0xFFFF) return fail("more than 65 535 ranges in one rule");
    rule.ranges[d] = static_cast<std::uint16_t>(merged.size());
    if (!merged.empty()) rule.constrained |= static_cast<std::uint8_t>(1U << d);
    ranges.insert(ranges.end(), merged.begin(), merged.end());
  }
  return true;
}

bool ImageRules::add_values(const RuleSource& source, RuleRecord& rule, std::uint8_t range_dimension) {
  std::vector<ValueRecord> found;
  for (ValueRecord value : source.values) {
    const ValueRecord& first = source.values.front();
    if (value.type != first.type || value.order != first.order)
      return fail("types of the rule's values differ");
    if (value.has_min == 0) value.min = 0;
    if (value.has_max == 0) value.max = 0;
    if (std::isnan(value.min) || std::isnan(value.max)) return fail("a value's bound is not a number");
    if (value.has_min != 0 && value.has_max != 0 && value.min > value.max)
      return fail("a value's min is above its max");
    const auto same = [&value](const ValueRecord& other) { return equal(value, other); };
    if (std::none_of(found.begin(), found.end(), same)) found.push_back(value);
  }
  if (found.size() > value_count_max) return fail("more than 16 value ranges in one rule");
  if (!found.empty() && is_two_words(found[0].type)) {
    if (range_dimension == no_dimension) return fail("values of two words need a range dimension to lie in");
    if (!check_two_words(source.ranges[range_dimension], ranges_of(rule, range_dimension))) return false;
  }
  rule.values = {static_cast<std::uint32_t>(values.size()), static_cast<std::uint32_t>(found.size())};
  values.insert(values.end(), found.begin(), found.end());
  return true;
}

// Values of two words lie from the beginning of a merged range on: what was written must agree with that.
bool ImageRules::check_two_words(const std::vector<Range>& written, std::span<const Range> merged) {
  for (const Range& range : written) {
    const auto behind = std::upper_bound(merged.begin(), merged.end(), range.first,
                                         [](std::uint64_t first, const Range& r) { return first < r.first; });
    const std::uint64_t array_first = (behind - 1)->first;
    if ((range.last - range.first) % 2 == 0)
      return fail("a range for values of two words has an odd number of words");
    if ((range.first - array_first) % 2 != 0)
      return fail("ranges for values of two words overlap by half a value");
  }
  return true;
}

bool ImageRules::add_keys(const RuleSource& source, RuleRecord& rule) {
  rule.keys_first = static_cast<std::uint32_t>(keys.size());
  for (std::size_t k = 0; k < key_count; ++k) {
    const std::vector<KeySource> reduced = reduce(source.keys[k]);
    if (reduced.size() > 0xFFFF) return fail("more than 65 535 keys in one rule");
    rule.keys[k] = static_cast<std::uint16_t>(reduced.size());
    if (!reduced.empty()) rule.keys_constrained |= static_cast<std::uint8_t>(1U << k);
    for (const KeySource& key : reduced) {
      const Slice octets{static_cast<std::uint32_t>(key_bytes.size()),
                         static_cast<std::uint32_t>(key.octets.size())};
      key_bytes.insert(key_bytes.end(), key.octets.begin(), key.octets.end());
      keys.push_back({octets, key.kind, static_cast<std::uint8_t>(key.prefix ? 1 : 0), {}});
    }
  }
  return true;
}

bool ImageRules::add_limit(const RuleSource& source, RuleRecord& rule) {
  if (!source.limit) return true;
  const LimitSource& limit = *source.limit;
  if (limit.per_ns == 0 || limit.operations == 0) return fail("the rule's limit is nothing in no time");
  const auto [known, is_new] =
      limit_by_id_.emplace(limit.state_id, static_cast<std::uint32_t>(limits.size()));
  rule.limit = known->second;
  if (is_new) {
    limits.push_back({limit.state_id, limit.per_ns, limit.operations, 0});
    return true;
  }
  const LimitRecord& other = limits[known->second];
  if (other.per_ns != limit.per_ns || other.operations != limit.operations) {
    return fail("two limits share one id");
  }
  return true;
}

}  // namespace conduit
