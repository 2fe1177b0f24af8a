// Rules that another rule makes needless. Internal to the policy compiler.
#pragma once

#include <cstdint>
#include <vector>

#include "config/policy/image_builder.hpp"

namespace conduit {

struct NeedlessAllow {
  std::uint32_t allow = 0;  // policy_rule: permits nothing that…
  std::uint32_t by = 0;  // …this one (and, for other pairs of assets, perhaps further ones) does not permit
  bool recorded = false;  // it asks for monitoring that the other one does not
};

// Allows of which every rule is contained in a rule of another allow on the same service. Of two equal ones,
// the later is named. Looks at no more than some millions of pairs of rules; larger services are left out.
[[nodiscard]] std::vector<NeedlessAllow> find_needless(const ImageSource& source);

}  // namespace conduit
