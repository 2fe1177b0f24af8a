// The matcher. Two bucket probes (the selector's value; any), a bounded walk over the entries whose range
// contains the operation, the full check of those rules. Exact and equal to asking every rule of the group in
// order; a test holds it against a matcher that does just that.
#include <algorithm>
#include <bit>
#include <cstring>

#include "protocols/core/mutation.hpp"
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

// The question as `match` asks it of bucket after bucket. Its members are meant to live in registers: what is
// called out of line gets what it needs, never the Search itself.
struct RuleImage::Search {
  const RuleImage& image;
  const Operation& operation;
  const GroupRecord& shape;
  std::uint64_t half;  // of the hash of all buckets in question
  Range query;         // in the range dimension; everything if the operation does not say
  std::uint32_t group;
  std::uint8_t
      range_verified;  // the range dimension's bit if every candidate is known to contain the operation there

  [[gnu::always_inline]] static Search begin(const RuleImage& image, std::uint32_t group,
                                             const Operation& operation) noexcept {
    const GroupRecord& shape = image.groups_[group];
    Search search{
        image, operation, shape, image_hash::bucket_half(group, operation.function), {0, ~std::uint64_t{0}},
        group, 0};
    if (shape.range_dimension == no_dimension) return search;
    // A range that ends before it begins (no decoder makes one) lies in no rule that asks for it.
    Range range = operation.dimension[shape.range_dimension];
    if (mutated(Mutation::INTERSECTION)) range.last = range.first;
    if (operation.has(shape.range_dimension) && range.first <= range.last) {
      search.query = range;
      search.range_verified = static_cast<std::uint8_t>(1U << shape.range_dimension);
    }
    return search;
  }

  // The bucket of this kind, or null.
  const BucketRecord* probe(BucketKind kind, std::uint64_t selector) const noexcept {
    for (std::size_t i = image_hash::of_bucket(half, kind, selector);; ++i) {
      const BucketRecord& bucket = image.buckets_[i & image.bucket_mask_];
      if (bucket.selector == selector && bucket.function == operation.function && bucket.group == group &&
          bucket.kind == kind) {
        return &bucket;
      }
      if (image_hash::empty(bucket)) return nullptr;
    }
  }

  // `verified`: dimensions in which the rule is known to contain the operation.
  [[gnu::noinline]] static bool objects_contained(const RuleImage& image, const Operation& operation,
                                                  const RuleRecord& rule, std::uint32_t verified) noexcept {
    if ((rule.constrained & ~operation.present) != 0) return false;
    if ((rule.keys_constrained & ~operation.keys_present) != 0) return false;
    for (std::uint32_t rest = rule.constrained & ~verified; rest != 0; rest &= rest - 1) {
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

  // `range_bit`: the range dimension; `covered`: what the operation covers in it, or null.
  [[gnu::noinline]] static bool values_permitted(const RuleImage& image, const Operation& operation,
                                                 const EntryRecord& entry, std::uint32_t range_bit,
                                                 const Range* covered) noexcept {
    const RuleRecord& rule = image.rules_[entry.rule];
    const auto constraints =
        image.section<ValueRecord>(Section::VALUES).subspan(rule.values.first, rule.values.count);
    const std::uint64_t array_first = (rule.constrained & range_bit) != 0 ? entry.first : 0;
    return value_permitted(constraints, operation.value, array_first, covered);
  }

  bool access_permitted(std::uint8_t mask) const noexcept {
    return ((mask >> (static_cast<std::uint32_t>(operation.access) & 31)) & 1) != 0;
  }

  [[gnu::always_inline]] Stage stage_of(const EntryRecord& entry, std::uint32_t verified,
                                        MatchMoment moment) const noexcept {
    const RuleRecord& rule = image.rules_[entry.rule];
    if (!access_permitted(rule.access_mask)) return Stage::FUNCTION;
    // Most rules constrain nothing but what the bucket and the entry have verified already.
    if (((rule.constrained & ~verified) | rule.keys_constrained) != 0 &&
        !objects_contained(image, operation, rule, verified)) {
      return Stage::OBJECT;
    }
    if (rule.values.count != 0 && !mutated(Mutation::VALUE_IGNORED)) {
      const bool said = range_verified != 0;
      const Range* const covered = said ? &operation.dimension[shape.range_dimension] : nullptr;
      if (!values_permitted(image, operation, entry, range_verified, covered)) return Stage::VALUE;
    }
    if (moment.island && (rule.flags & RULE_ESSENTIAL) == 0) return Stage::ISLAND;
    if (rule.grant != none_index && image.grants_[rule.grant].deadline_ns <= moment.now_ns)
      return Stage::GRANT;
    return Stage::PERMITTED;
  }

  // All entries of a list that contain the query, see EntryRecord; `visit(entry)`.
  template <typename Visit>
  [[gnu::always_inline]] void walk(const ListRecord& list, Visit visit) const noexcept {
    if (query.first < list.base) return;
    const std::uint64_t cell =
        std::min<std::uint64_t>((query.first - list.base) >> list.shift, list.cell_last);
    const std::uint32_t* const cells = image.cells_ + (list.cells_first + cell);
    // The last entry that begins at or before the query: in this cell, or the last before it.
    const EntryRecord* const entries = image.entries_ + list.entries.first;
    const EntryRecord* behind = entries + cells[0];
    for (std::size_t left = cells[1] - cells[0]; left > 0;) {
      const std::size_t half_left = (left + 1) / 2;
      if (behind[half_left - 1].first <= query.first) behind += half_left;
      left -= half_left;
    }
    const EntryRecord* at = behind - 1;  // the first entry begins at `base`: there is one
    for (;;) {
      if (at->last >= query.last) {
        visit(*at);
        if (list.disjoint != 0 || at == entries) return;
        --at;
      } else {
        if (at->up == none_index) return;
        at = entries + at->up;
      }
    }
  }

  // Each bucket in which a rule that contains the operation may be; `visit(bucket, verified)`.
  template <typename Visit>
  [[gnu::always_inline]] void buckets(Visit visit) const noexcept {
    if ((shape.bucket_kinds & (bit(BucketKind::EXACT) | bit(BucketKind::RANGED))) != 0 &&
        operation.has(shape.selector_dimension)) {
      const Range selector = operation.dimension[shape.selector_dimension];
      const bool exact = selector.first == selector.last;
      const BucketRecord* bucket =
          probe(exact ? BucketKind::EXACT : BucketKind::RANGED, exact ? selector.first : 0);
      const std::uint32_t verified = exact ? 1U << shape.selector_dimension : 0;
      if (bucket != nullptr) visit(*bucket, range_verified | verified);
    }
    if ((shape.bucket_kinds & bit(BucketKind::ANY)) != 0) {
      const BucketRecord* bucket = probe(BucketKind::ANY, 0);
      if (bucket != nullptr) visit(*bucket, std::uint32_t{range_verified});
    }
  }

  static constexpr std::uint32_t bit(BucketKind kind) noexcept { return 1U << static_cast<int>(kind); }

  // Nothing permits: how far did the nearest rule go? Looks at the same candidates once more.
  [[gnu::noinline]] static MatchResult denied(const RuleImage& image, std::uint32_t group,
                                              const Operation& operation, MatchMoment moment) noexcept {
    const Search search = begin(image, group, operation);
    Stage nearest = Stage::FUNCTION;
    std::uint32_t nearest_rule = none_index;
    search.buckets([&](const BucketRecord& bucket, std::uint32_t verified) {
      search.walk(bucket.list, [&](const EntryRecord& entry) {
        const Stage stage = search.stage_of(entry, verified, moment);
        if (stage < nearest || stage == Stage::FUNCTION) return;
        if (stage == nearest && entry.rule >= nearest_rule) return;
        nearest = stage;
        nearest_rule = entry.rule;
      });
    });
    if (nearest == Stage::FUNCTION) {
      const BucketRecord* bucket = search.probe(BucketKind::FUNCTION, 0);
      if (bucket != nullptr && search.access_permitted(bucket->access_mask)) {
        nearest = Stage::OBJECT;
        nearest_rule = bucket->nearest_rule;
      }
    }
    return {none_index, reason_of(nearest), nearest_rule};
  }
};

std::span<const Range> RuleImage::ranges_of(const RuleRecord& rule, std::size_t dimension) const noexcept {
  std::size_t first = rule.ranges_first;
  for (std::size_t d = 0; d < dimension; ++d) first += rule.ranges[d];
  return section<Range>(Section::RANGES).subspan(first, rule.ranges[dimension]);
}

MatchResult RuleImage::match(std::uint32_t group, const Operation& operation,
                             MatchMoment moment) const noexcept {
  const Search search = Search::begin(*this, group, operation);
  if (search.shape.protocol != operation.protocol) return {};
  std::uint32_t permitting = none_index;
  search.buckets([&](const BucketRecord& bucket, std::uint32_t verified) __attribute__((always_inline)) {
    search.walk(
        bucket.list, [&](const EntryRecord& entry) __attribute__((always_inline)) {
          if (entry.rule >= permitting) return;  // an earlier rule permits already
          if (search.stage_of(entry, verified, moment) == Stage::PERMITTED) permitting = entry.rule;
        });
  });
  if (permitting != none_index) return {permitting, Reason::NONE, none_index};
  return Search::denied(*this, group, operation, moment);
}

MatchResult RuleImage::match_function(std::uint32_t group, const Operation& operation,
                                      MatchMoment moment) const noexcept {
  const Search search = Search::begin(*this, group, operation);
  if (search.shape.protocol != operation.protocol) return {};
  const BucketRecord* bucket = search.probe(BucketKind::FUNCTION, 0);
  if (bucket == nullptr) return {};
  const auto grant_active = [&moment](const GrantRecord& grant) { return grant.deadline_ns > moment.now_ns; };
  const bool granted = std::any_of(grants().begin(), grants().end(), grant_active);
  Reason reason = Reason::ISLAND_MODE;
  for (std::uint32_t condition = 0; condition < 4; ++condition) {
    if ((bucket->conditions >> condition & 1U) == 0) continue;
    if (moment.island && (condition & CONDITION_ORDINARY) != 0) continue;
    if ((condition & CONDITION_GRANT) == 0 || granted)
      return {none_index, Reason::NONE, bucket->nearest_rule};
    reason = Reason::GRANT_REQUIRED;
  }
  return {none_index, reason, bucket->nearest_rule};
}

}  // namespace conduit
