// Does a value lie in the ranges of a rule? Apart from the matcher so that tests can ask it alone.
#pragma once

#include <cstdint>
#include <span>

#include "protocols/core/operation.hpp"
#include "protocols/core/rule_image.hpp"

namespace conduit {

// `constraints`: VALUES of one rule, not empty, all of one type and word order. `array_first`: where the
// array of two-word elements begins; `covered`: what the operation covers in the range dimension, null if it
// does not say.
[[nodiscard]] bool value_permitted(std::span<const ValueRecord> constraints, const Value& value,
                                   std::uint64_t array_first, const Range* covered) noexcept;

// In range, both exact: an integer is never rounded to compare it.
[[nodiscard]] bool in_range(const ValueRecord& range, double number) noexcept;
[[nodiscard]] bool in_range(const ValueRecord& range, std::int64_t number) noexcept;
[[nodiscard]] bool in_range(const ValueRecord& range, std::uint64_t number) noexcept;

}  // namespace conduit
