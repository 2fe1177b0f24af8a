#pragma once

#include "tests/simulation/protocol.hpp"

namespace conduit::simulation {

[[nodiscard]] const ProtocolModel& s7comm_model();

}  // namespace conduit::simulation
