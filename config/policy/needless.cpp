#include "config/policy/needless.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "config/policy/protocol_rule.hpp"

namespace conduit {
namespace {

constexpr std::uint64_t number_max = ~std::uint64_t{0};
constexpr std::size_t comparison_count_max = 4'000'000;

// A rule with its lists sorted, ranges merged as the image builder merges them.
struct Prepared {
  const RuleSource* rule = nullptr;
  std::uint8_t access = 0;  // that its functions can have and it permits
  std::vector<std::uint32_t> functions;
  std::array<std::vector<Range>, dimension_count> ranges;
};

Prepared prepare(const RuleSource& rule, std::uint8_t access) {
  Prepared result;
  result.access = access;
  result.rule = &rule;
  result.functions = rule.functions;
  std::sort(result.functions.begin(), result.functions.end());
  for (std::size_t dimension = 0; dimension < dimension_count; ++dimension) {
    std::vector<Range> sorted = rule.ranges[dimension];
    std::sort(sorted.begin(), sorted.end(), [](Range a, Range b) { return a.first < b.first; });
    for (const Range range : sorted) {
      std::vector<Range>& merged = result.ranges[dimension];
      if (!merged.empty() && (merged.back().last == number_max || range.first <= merged.back().last + 1)) {
        merged.back().last = std::max(merged.back().last, range.last);
      } else {
        merged.push_back(range);
      }
    }
  }
  return result;
}

// No outer range: nothing is constrained.
bool ranges_cover(const std::vector<Range>& outer, const std::vector<Range>& inner) {
  if (outer.empty()) return true;
  if (inner.empty()) return false;
  return std::all_of(inner.begin(), inner.end(), [&](Range one) {
    const auto behind =
        std::upper_bound(outer.begin(), outer.end(), one.first,
                         [](std::uint64_t first, Range range) { return first < range.first; });
    return behind != outer.begin() && (behind - 1)->contains(one);
  });
}

bool value_covers(const ValueRecord& outer, const ValueRecord& inner) {
  return outer.type == inner.type && outer.order == inner.order &&
         (outer.has_min == 0 || (inner.has_min != 0 && inner.min >= outer.min)) &&
         (outer.has_max == 0 || (inner.has_max != 0 && inner.max <= outer.max));
}

bool values_cover(const Prepared& outer, const Prepared& inner) {
  if (outer.rule->values.empty()) return true;
  // Values of two words begin where the range begins: other ranges read other values.
  if (inner.rule->values.empty() || outer.ranges != inner.ranges) return false;
  return std::all_of(inner.rule->values.begin(), inner.rule->values.end(), [&](const ValueRecord& one) {
    return std::any_of(outer.rule->values.begin(), outer.rule->values.end(),
                       [&](const ValueRecord& other) { return value_covers(other, one); });
  });
}

bool keys_cover(const RuleSource& outer, const RuleSource& inner) {
  const auto same = [](const KeySource& a, const KeySource& b) {
    return a.kind == b.kind && a.prefix == b.prefix && a.octets == b.octets;
  };
  for (std::size_t key = 0; key < key_count; ++key) {
    if (outer.keys[key].empty()) continue;
    const bool equal = std::equal(outer.keys[key].begin(), outer.keys[key].end(), inner.keys[key].begin(),
                                  inner.keys[key].end(), same);
    if (!equal) return false;
  }
  return true;
}

// Whatever `inner` permits, `outer` permits as well, whenever `inner` does. A rate limit denies by itself, so
// that a rule with one is never needless.
bool covers(const Prepared& outer, const Prepared& inner) {
  const RuleSource& a = *outer.rule;
  const RuleSource& b = *inner.rule;
  if (a.limit || b.limit || (inner.access & ~a.access_mask) != 0 || (b.essential && !a.essential))
    return false;
  if (a.grant != none_index && a.grant != b.grant) return false;
  if (!std::includes(outer.functions.begin(), outer.functions.end(), inner.functions.begin(),
                     inner.functions.end())) {
    return false;
  }
  for (std::size_t dimension = 0; dimension < dimension_count; ++dimension) {
    if (!ranges_cover(outer.ranges[dimension], inner.ranges[dimension])) return false;
  }
  return values_cover(outer, inner) && keys_cover(a, b);
}

// One rule, and the allows with a rule that covers it on the same service.
struct Covered {
  std::uint32_t allow = 0;
  bool record_every = false;
  bool record_first = false;
  std::vector<const RuleSource*> by;
};

class Search {
 public:
  void compare(ProtocolId protocol, const std::vector<RuleSource>& rules) {
    const std::size_t cost = rules.size() * rules.size();
    const bool affordable = cost <= budget_;
    budget_ -= affordable ? cost : 0;
    std::vector<Prepared> prepared;
    for (const RuleSource& rule : rules) {
      if (affordable) prepared.push_back(prepare(rule, access_of(protocol, rule)));
    }
    for (std::size_t inner = 0; inner < rules.size(); ++inner) {
      Covered covered{rules[inner].policy_rule, rules[inner].record_every, rules[inner].record_first, {}};
      for (const Prepared& outer : prepared) {
        if (outer.rule->policy_rule == covered.allow || !covers(outer, prepared[inner])) continue;
        covered.by.push_back(outer.rule);
      }
      rules_[covered.allow].push_back(std::move(covered));
    }
  }

  // The later ones first, so that of two equal ones the earlier stays.
  [[nodiscard]] std::vector<NeedlessAllow> result() const {
    std::vector<NeedlessAllow> needless;
    std::set<std::uint32_t> gone;
    for (auto allow = rules_.rbegin(); allow != rules_.rend(); ++allow) {
      std::optional<NeedlessAllow> found;
      for (const Covered& rule : allow->second) {
        const auto stays = [&](const RuleSource* by) { return !gone.contains(by->policy_rule); };
        const auto by = std::find_if(rule.by.begin(), rule.by.end(), stays);
        if (by == rule.by.end()) {
          found.reset();
          break;
        }
        const bool recorded = (rule.record_every && !(*by)->record_every) ||
                              (rule.record_first && !(*by)->record_first && !(*by)->record_every);
        if (!found) found = NeedlessAllow{allow->first, (*by)->policy_rule, false};
        found->recorded = found->recorded || recorded;
      }
      if (!found) continue;
      gone.insert(allow->first);
      needless.push_back(*found);
    }
    return needless;
  }

 private:
  // Access classes that the rule's functions can have, of those that it permits.
  std::uint8_t access_of(ProtocolId protocol, const RuleSource& rule) {
    unsigned mask = 0;
    for (const std::uint32_t function : rule.functions) {
      const auto [known, fresh] = access_.try_emplace({protocol, function}, std::uint8_t{0});
      if (fresh) known->second = access_classes(protocol, function);
      mask |= known->second;
    }
    return static_cast<std::uint8_t>(mask & rule.access_mask);
  }

  std::size_t budget_ = comparison_count_max;
  std::map<std::uint32_t, std::vector<Covered>> rules_;  // by allow
  std::map<std::pair<ProtocolId, std::uint32_t>, std::uint8_t> access_;
};

}  // namespace

std::vector<NeedlessAllow> find_needless(const ImageSource& source) {
  Search search;
  for (const ServiceSource& service : source.services) {
    search.compare(service.protocol, service.request);
    search.compare(service.protocol, service.unsolicited);
  }
  return search.result();
}

}  // namespace conduit
