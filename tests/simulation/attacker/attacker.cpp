#include "tests/simulation/attacker.hpp"

namespace conduit::simulation {
const std::vector<std::string>& techniques() {
  static const std::vector<std::string> all;
  return all;
}
std::unique_ptr<Attacker> Attacker::create(Network&, Random, const std::string&, const Plant&,
                                           const PlantPolicy&, std::size_t, std::size_t, bool,
                                           std::uint64_t) {
  return nullptr;
}
}  // namespace conduit::simulation
