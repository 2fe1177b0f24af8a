// The matcher. Two bucket probes (the selector's value; any), a bounded walk over the entries whose range
// contains the operation, the full check of those rules. Exact and equal to asking every rule of the group in
// order; a test holds it against a matcher that does just that.
#include <algorithm>
#include <bit>
#include <cstring>

#include "protocols/core/rule_image.hpp"
#include "protocols/core/rule_image_hash.hpp"
#include "protocols/core/rule_image_value.hpp"

namespace conduit {
namespace {

// How far a rule went; the order is that of MatchResult::reason.
enum class Stage : std::uint8_t { FUNCTION, OBJECT, VALUE, ISLAND, GRANT, PERMITTED };

Reason reason_of(Stage stage) noexcept {
  switch (stage) {
    case Stage::FUNCTION: return Reason::FUNCTION_NOT_PERMITTED;
    case Stage::OBJECT: return Reason::OBJECT_NOT_PERMITTED;
    case Stage::VALUE: return Reason::VALUE_NOT_PERMITTED;
    case Stage::ISLAND: return Reason::ISLAND_MODE;
    case Stage::GRANT: return Reason::GRANT_REQUIRED;
    case Stage::PERMITTED: return Reason::NONE;
  }
  return Reason::FUNCTION_NOT_PERMITTED;
}

// One of sorted, disjoint ranges contains `inner`. A range that ends before it begins is contained nowhere.
bool contained(std::span<const Range> ranges, Range inner) noexcept {
  const auto behind =
      std::upper_bound(ranges.begin(), ranges.end(), inner.first,
                       [](std::uint64_t first, const Range& range) { return first < range.first; });
  if (behind == ranges.begin() || inner.first > inner.last) return false;
  return inner.last <= (behind - 1)->last;
}

// Order of KEYS: by kind, then octets as unsigned bytes, the shorter first.
bool key_less(std::uint8_t kind_a, Bytes a, std::uint8_t kind_b, Bytes b) noexcept {
  if (kind_a != kind_b) return kind_a < kind_b;
  const std::size_t common = std::min(a.size(), b.size());
  const int order = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
  return order != 0 ? order < 0 : a.size() < b.size();
}

// No pattern begins with a prefix pattern before it, so only the greatest pattern that is not above the key
// can match.
bool key_permitted(std::span<const KeyRecord> patterns, const std::uint8_t* octets, const Key& key) noexcept {
  const auto behind = std::upper_bound(
      patterns.begin(), patterns.end(), key, [octets](const Key& sought, const KeyRecord& pattern) {
        return key_less(sought.kind, sought.data, pattern.kind,
                        {octets + pattern.octets.first, pattern.octets.count});
      });
  if (behind == patterns.begin()) return false;
  const KeyRecord& pattern = *(behind - 1);
  if (pattern.kind != key.kind || pattern.octets.count > key.data.size()) return false;
  if (pattern.prefix == 0 && pattern.octets.count != key.data.size()) return false;
  return pattern.octets.count == 0 ||
         std::memcmp(octets + pattern.octets.first, key.data.data(), pattern.octets.count) == 0;
}

}  // namespace

struct RuleImage::Search {
  const RuleImage& image;
  const Operation& operation;
  const MatchMoment& moment;
  Range query;            // in the range dimension; everything if the operation does not say
  std::uint8_t verified;  // dimensions in which every candidate is known to contain the operation
  std::uint8_t range_bit;
  std::uint32_t permitting = none_index;
  Stage nearest_stage = Stage::FUNCTION;
  std::uint32_t nearest_rule = none_index;

  // The bucket of this kind, or null.
  const BucketRecord* probe(std::uint64_t half, std::uint32_t group, BucketKind kind,
                            std::uint64_t selector) const noexcept {
    const auto buckets = image.section<BucketRecord>(Section::BUCKETS);
    const std::size_t mask = buckets.size() - 1;
    for (std::size_t i = image_hash::of_bucket(half, kind, selector) & mask;; i = (i + 1) & mask) {
      const BucketRecord& bucket = buckets[i];
      if (bucket.group == group && bucket.function == operation.function && bucket.selector == selector &&
          bucket.kind == kind) {
        return &bucket;
      }
      if (image_hash::empty(bucket)) return nullptr;
    }
  }

  bool objects_contained(const RuleRecord& rule) const noexcept {
    if ((rule.constrained & ~operation.present) != 0) return false;
    if ((rule.keys_constrained & ~operation.keys_present) != 0) return false;
    for (std::uint32_t rest = rule.constrained & ~std::uint32_t{verified}; rest != 0; rest &= rest - 1) {
      const auto dimension = static_cast<std::size_t>(std::countr_zero(rest));
      if (!contained(image.ranges_of(rule, dimension), operation.dimension[dimension])) return false;
    }
    if (rule.keys_constrained == 0) return true;
    const auto octets = image.section<std::uint8_t>(Section::KEY_BYTES);
    std::size_t first = rule.keys_first;
    for (std::size_t k = 0; k < key_count; ++k) {
      const auto patterns = image.section<KeyRecord>(Section::KEYS).subspan(first, rule.keys[k]);
      if (!patterns.empty() && !key_permitted(patterns, octets.data(), operation.key[k])) return false;
      first += rule.keys[k];
    }
    return true;
  }

  Stage stage_of(const RuleRecord& rule, const EntryRecord& entry) const noexcept {
    if (((rule.access_mask >> (static_cast<std::uint32_t>(operation.access) & 31)) & 1) == 0)
      return Stage::FUNCTION;
    if (!objects_contained(rule)) return Stage::OBJECT;
    if (rule.values.count != 0) {
      const auto constraints =
          image.section<ValueRecord>(Section::VALUES).subspan(rule.values.first, rule.values.count);
      const Range* covered = (verified & range_bit) != 0 ? &query : nullptr;
      const std::uint64_t array_first = (rule.constrained & range_bit) != 0 ? entry.first : 0;
      if (!value_permitted(constraints, operation.value, array_first, covered)) return Stage::VALUE;
    }
    if (moment.island && (rule.flags & RULE_ESSENTIAL) == 0) return Stage::ISLAND;
    if (rule.grant != none_index && image.grants()[rule.grant].deadline_ns <= moment.now_ns)
      return Stage::GRANT;
    return Stage::PERMITTED;
  }

  void consider(const EntryRecord& entry) noexcept {
    if (entry.rule >= permitting) return;  // an earlier rule permits already
    const Stage stage = stage_of(image.rules()[entry.rule], entry);
    if (stage == Stage::PERMITTED) {
      permitting = entry.rule;
    } else if (stage > nearest_stage || (stage == nearest_stage && entry.rule < nearest_rule)) {
      if (stage == Stage::FUNCTION) return;
      nearest_stage = stage;
      nearest_rule = entry.rule;
    }
  }

  void walk(const BucketRecord& bucket) noexcept {
    const EntryRecord* const entries =
        image.section<EntryRecord>(Section::ENTRIES).data() + bucket.entries.first;
    // The last entry that begins at or before the operation; without branches, since nothing predicts them.
    const EntryRecord* at = entries;
    for (std::size_t left = bucket.entries.count; left > 1;) {
      const std::size_t half = left / 2;
      at = at[half].first <= query.first ? at + half : at;
      left -= half;
    }
    if (at->first > query.first) return;
    for (;;) {
      if (at->last >= query.last) {
        consider(*at);
        if (at == entries) return;
        --at;
      } else {
        if (at->up == none_index) return;
        at = entries + at->up;
      }
    }
  }
};

std::span<const Range> RuleImage::ranges_of(const RuleRecord& rule, std::size_t dimension) const noexcept {
  std::size_t first = rule.ranges_first;
  for (std::size_t d = 0; d < dimension; ++d) first += rule.ranges[d];
  return section<Range>(Section::RANGES).subspan(first, rule.ranges[dimension]);
}

MatchResult RuleImage::match(std::uint32_t group, const Operation& operation,
                             MatchMoment moment) const noexcept {
  const GroupRecord& shape = section<GroupRecord>(Section::GROUPS)[group];
  if (shape.protocol != operation.protocol) return {};
  const auto has_kind = [&shape](BucketKind kind) {
    return ((shape.bucket_kinds >> static_cast<int>(kind)) & 1) != 0;
  };

  Search search{*this, operation, moment, {0, ~std::uint64_t{0}}, 0, 0};
  if (shape.range_dimension != no_dimension) {
    search.range_bit = static_cast<std::uint8_t>(1U << shape.range_dimension);
    // A range that ends before it begins (no decoder makes one) lies in no rule that asks for it.
    const Range range = operation.dimension[shape.range_dimension];
    if (operation.has(shape.range_dimension) && range.first <= range.last) {
      search.query = range;
      search.verified = search.range_bit;
    }
  }
  const std::uint64_t half = image_hash::bucket_half(group, operation.function);
  if (shape.selector_dimension != no_dimension && operation.has(shape.selector_dimension)) {
    const Range selector = operation.dimension[shape.selector_dimension];
    const bool exact = selector.first == selector.last;
    const BucketKind kind = exact ? BucketKind::EXACT : BucketKind::RANGED;
    if (has_kind(kind)) {
      const BucketRecord* bucket = search.probe(half, group, kind, exact ? selector.first : 0);
      const std::uint8_t verified = search.verified;
      if (exact) search.verified = static_cast<std::uint8_t>(verified | 1U << shape.selector_dimension);
      if (bucket != nullptr) search.walk(*bucket);
      search.verified = verified;
    }
  }
  if (has_kind(BucketKind::ANY)) {
    const BucketRecord* bucket = search.probe(half, group, BucketKind::ANY, 0);
    if (bucket != nullptr) search.walk(*bucket);
  }
  if (search.permitting != none_index) return {search.permitting, Reason::NONE, none_index};
  if (search.nearest_stage == Stage::FUNCTION && has_kind(BucketKind::FUNCTION)) {
    const BucketRecord* bucket = search.probe(half, group, BucketKind::FUNCTION, 0);
    if (bucket != nullptr &&
        ((bucket->access_mask >> (static_cast<std::uint32_t>(operation.access) & 31)) & 1) != 0) {
      search.nearest_stage = Stage::OBJECT;
      search.nearest_rule = bucket->nearest_rule;
    }
  }
  return {none_index, reason_of(search.nearest_stage), search.nearest_rule};
}

}  // namespace conduit
