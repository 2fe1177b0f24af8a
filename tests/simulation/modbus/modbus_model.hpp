#pragma once

#include "tests/simulation/protocol.hpp"

namespace conduit::simulation {

[[nodiscard]] const ProtocolModel& modbus_model();

}  // namespace conduit::simulation
