#include "tests/simulation/mutants.hpp"

#include "protocols/core/mutation.hpp"

namespace conduit::simulation {

const std::vector<Mutant>& mutants() {
  static const std::vector<Mutant> all = [] {
    std::vector<Mutant> list;
#ifdef CONDUIT_MUTATIONS
    for (const MutationInfo& info : mutation_list)
      list.push_back({std::string(info.name), std::string(info.text)});
#endif
    return list;
  }();
  return all;
}

void set_mutant([[maybe_unused]] const std::string& name) {
#ifdef CONDUIT_MUTATIONS
  mutation_in_force = find_mutation(name);
#endif
}

}  // namespace conduit::simulation
