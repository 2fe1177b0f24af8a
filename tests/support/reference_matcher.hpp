// The slow matcher: asks every rule as it was written, one after the other, with no table, tree or merged
// range. Written from the words of rule_image.hpp alone, to hold the fast one against.
#pragma once

#include <cstdint>
#include <span>

#include "config/policy/image_builder.hpp"

namespace conduit::reference {

// Deliberate mistakes, to prove that a comparison would find them.
enum class Flaw : std::uint8_t {
  NONE,
  INTERSECTION,      // a range that only touches the rule is enough
  FIRST_ELEMENT,     // only the first element of a value is held against the constraint
  ABSENT_PERMITTED,  // a constrained dimension that the operation lacks is let go
  LAST_RULE_WINS,    // of several permitting rules the last is named
  GRANT_FOR_EVER,    // a grant does not end
};

struct Answer {
  std::uint32_t rule = none_index;  // position in the rules asked
  Reason reason = Reason::NONE;
};

// `rules`: request or unsolicited rules of `service`.
[[nodiscard]] Answer match(const ServiceSource& service, const std::vector<RuleSource>& rules,
                           const std::vector<GrantSource>& grants, const Operation& operation,
                           MatchMoment moment, Flaw flaw = Flaw::NONE);

// How far one rule went: the reason it gives, NONE if it permits.
[[nodiscard]] Reason judge(const ServiceSource& service, const RuleSource& rule,
                           const std::vector<GrantSource>& grants, const Operation& operation,
                           MatchMoment moment, Flaw flaw = Flaw::NONE);

}  // namespace conduit::reference
