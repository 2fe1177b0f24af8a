#pragma once

#include "tests/simulation/protocol.hpp"

namespace conduit::simulation {

[[nodiscard]] const ProtocolModel& opcua_model();

}  // namespace conduit::simulation
