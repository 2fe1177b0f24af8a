#pragma once

#include "tests/simulation/protocol.hpp"

namespace conduit::simulation {

[[nodiscard]] const ProtocolModel& iec104_model();

}  // namespace conduit::simulation
