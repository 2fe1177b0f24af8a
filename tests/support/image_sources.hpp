// Sources of rule images for tests, the fuzz target and the benchmark.
#pragma once

#include <cstdint>
#include <random>

#include "config/policy/image_builder.hpp"

namespace conduit::test_image {

using Random = std::mt19937_64;

// Two zones on ports 0 and 1, asset 0 (10.0.7.10) and asset 1 (10.0.7.1) in them, one conduit; no services.
[[nodiscard]] ImageSource two_assets();
// A Modbus-shaped service from asset 0 to asset 1 on TCP port 502: dimension 0 is the unit, 1 the address.
[[nodiscard]] ServiceSource service_of(std::vector<RuleSource> request);
// `count` rules that each permit functions 3, 6 and 16 on one stretch of ten registers of unit 1; no two
// overlap.
[[nodiscard]] std::vector<RuleSource> stretches(std::uint32_t count);

// Small domains, so that chance meets the edges of rules. Grants 0 to 2 exist: ended, active, never active.
[[nodiscard]] RuleSource random_rule(Random& random);
[[nodiscard]] std::vector<GrantSource> random_grants();
inline constexpr std::uint64_t random_now_ns = 1000;

// An operation and the octets that it views.
struct OperationStore {
  Operation operation;
  std::vector<std::uint8_t> value_octets;
  std::array<std::string, key_count> keys;
};
void random_operation(Random& random, OperationStore& store);

}  // namespace conduit::test_image
