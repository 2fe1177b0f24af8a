#include "tests/simulation/model_headers.inc"
#include "tests/simulation/protocol.hpp"

namespace conduit::simulation {

const std::vector<const ProtocolModel*>& protocols() {
  static const std::vector<const ProtocolModel*> all{
#include "tests/simulation/model_rows.inc"
  };
  return all;
}

}  // namespace conduit::simulation
