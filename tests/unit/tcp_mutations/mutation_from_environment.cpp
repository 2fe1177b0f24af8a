// Puts the mutation that CONDUIT_MUTATION names in force before the first test.
#include <cstdio>
#include <cstdlib>

#include "protocols/core/mutation.hpp"

namespace conduit {
namespace {

const bool chosen = [] {
  const char* const name = std::getenv("CONDUIT_MUTATION");
  if (name == nullptr) return false;
  mutation_in_force = find_mutation(name);
  if (mutation_in_force != Mutation::NONE) return true;
  std::fprintf(stderr, "no mutation is named %s\n", name);
  std::exit(2);
}();

}  // namespace
}  // namespace conduit
