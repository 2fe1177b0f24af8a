// Requests near the edges of rules, malformed ones, and what an outstation answers.
#pragma once

#include "tests/simulation/dnp3/dnp3_rules.hpp"

namespace conduit::simulation::dnp3 {

[[nodiscard]] Octets draw_request(Random& random, const Dnp3Rules& rules, std::uint32_t number);
[[nodiscard]] Octets draw_bad_request(Random& random, std::uint32_t number);
// The operate of a select, now and then with a change.
[[nodiscard]] Octets draw_operate(View selected, std::uint32_t number, Random& random);
// Empty: it answers nothing. `confirm`: it asks for a confirmation.
[[nodiscard]] Octets draw_answer(const Message& request, bool confirm, Random& random);
[[nodiscard]] Octets draw_unsolicited(Addresses to_master, std::uint8_t sequence, bool confirm,
                                      Random& random);

}  // namespace conduit::simulation::dnp3
