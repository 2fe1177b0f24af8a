// One run: a plan played through, with all oracles watching.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/plan.hpp"
#include "tests/simulation/safety.hpp"

namespace conduit::simulation {

struct Totals {
  std::uint64_t frames = 0;  // that reached the gateway
  std::uint64_t pdus_judged = 0;
  std::uint64_t segments_compared = 0;
  std::uint64_t answered = 0;
  std::uint64_t refused = 0;
  std::uint64_t given_up = 0;
  std::uint64_t connections = 0;
  std::uint64_t events = 0;
  std::uint64_t attacks = 0;
  std::uint64_t datagrams_answered = 0;
  std::uint64_t datagrams_refused = 0;
  std::uint64_t hash = 0;  // of all frames that left the gateway: the same seed gives the same
  void add(const Totals& other);
};

struct Outcome {
  std::vector<Finding> findings;
  Totals totals;
  std::string trace;  // if asked for
};

[[nodiscard]] Outcome play(const Plan& plan, bool trace);

}  // namespace conduit::simulation
