// Requests near the edges of rules, malformed ones, and what a CPU answers.
#pragma once

#include "tests/simulation/s7comm/s7comm_rules.hpp"

namespace conduit::simulation::s7comm {

[[nodiscard]] Octets connect_request(Place place);
[[nodiscard]] Octets setup_request();
[[nodiscard]] Octets draw_request(Random& random, const S7commRules& rules, std::uint32_t number);
[[nodiscard]] Octets draw_bad_request(Random& random, std::uint32_t number);
[[nodiscard]] Octets draw_answer(View request, Random& random);
// In one TPKT, or in several.
[[nodiscard]] Octets wrapped(View message, std::size_t most = 1000);

}  // namespace conduit::simulation::s7comm
