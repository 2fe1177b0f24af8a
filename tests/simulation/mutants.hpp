// Faults that can be planted into the engine, in the build made for it. In the other build there are none.
#pragma once

#include <string>
#include <vector>

namespace conduit::simulation {

struct Mutant {
  std::string name;
  std::string breaks;  // the law
};

[[nodiscard]] const std::vector<Mutant>& mutants();
// From now on this fault is in force; empty: none.
void set_mutant(const std::string& name);

}  // namespace conduit::simulation
