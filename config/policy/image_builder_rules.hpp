// Image builder, the part that lays rules and rule groups: RULES with what hangs on them, BUCKETS, LISTS and
// ENTRIES. Private to image_builder.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "config/policy/image_builder.hpp"

namespace conduit {

class ImageRules {
 public:
  explicit ImageRules(std::size_t grant_count) : grant_count_(grant_count) {
    groups.push_back({});  // the empty group
  }

  // Appends to `rules`. `range_dimension`: where two-word values are aligned. False: see `error`.
  [[nodiscard]] bool add_rule(const RuleSource& source, ProtocolId protocol, std::uint32_t conduit,
                              std::uint8_t range_dimension);
  // Appends rules and the group that judges by them; no rules: the empty group.
  [[nodiscard]] bool add_group(const ServiceSource& service, const std::vector<RuleSource>& sources,
                               std::uint32_t& group);

  ImageError error;  // `what` and `policy_rule`
  std::vector<GroupRecord> groups;
  std::vector<BucketRecord> buckets;  // not yet a table
  std::vector<ListRecord> lists;
  std::vector<std::uint32_t> cells;
  std::vector<EntryRecord> entries;
  std::vector<RuleRecord> rules;
  std::vector<Range> ranges;
  std::vector<ValueRecord> values;
  std::vector<KeyRecord> keys;
  std::vector<std::uint8_t> key_bytes;
  std::vector<LimitRecord> limits;

 private:
  using BucketKey = std::tuple<BucketKind, std::uint64_t>;  // kind, selector
  using RuleIndices = std::vector<std::uint32_t>;

  bool fail(std::string what);
  bool add_ranges(const RuleSource& source, RuleRecord& rule);
  bool add_values(const RuleSource& source, RuleRecord& rule, std::uint8_t range_dimension);
  bool check_two_words(const std::vector<Range>& written, std::span<const Range> merged);
  bool add_keys(const RuleSource& source, RuleRecord& rule);
  bool add_limit(const RuleSource& source, RuleRecord& rule);
  bool add_lists(std::uint32_t group, const RuleIndices& of_class,
                 const std::vector<std::uint32_t>& functions);
  [[nodiscard]] std::vector<BucketKey> keys_of(const GroupRecord& group, const RuleRecord& rule) const;
  void add_entries(const GroupRecord& group, std::uint32_t rule, std::vector<EntryRecord>& list) const;
  bool finish_list(std::vector<EntryRecord>& list);
  void add_list(const std::vector<EntryRecord>& list);
  void add_buckets(std::uint32_t group, const std::vector<std::uint32_t>& functions, BucketKey key,
                   const ListRecord& record, const std::vector<EntryRecord>& list);
  [[nodiscard]] std::span<const Range> ranges_of(const RuleRecord& rule, std::size_t dimension) const;

  std::size_t grant_count_;
  std::uint32_t rule_at_ = none_index;  // policy rule at work
  std::map<std::uint64_t, std::uint32_t> limit_by_id_;
};

}  // namespace conduit
