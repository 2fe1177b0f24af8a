#include "tests/simulation/modbus/modbus_model.hpp"

namespace conduit::simulation {

const std::vector<const ProtocolModel*>& protocols() {
  static const std::vector<const ProtocolModel*> all{&modbus_model()};
  return all;
}

}  // namespace conduit::simulation
