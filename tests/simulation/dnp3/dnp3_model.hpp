#pragma once

#include "tests/simulation/protocol.hpp"

namespace conduit::simulation {

[[nodiscard]] const ProtocolModel& dnp3_model();

}  // namespace conduit::simulation
