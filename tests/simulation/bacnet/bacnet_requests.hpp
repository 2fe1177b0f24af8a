// BACnet/IP requests near the edges of rules, and malformed ones.
#pragma once

#include "tests/simulation/bacnet/bacnet_rules.hpp"

namespace conduit::simulation::bacnet {

[[nodiscard]] Octets draw_request(Random& random, const BacnetRules& rules, std::uint8_t invoke);
[[nodiscard]] Octets draw_bad_request(Random& random, std::uint8_t invoke);

}  // namespace conduit::simulation::bacnet
