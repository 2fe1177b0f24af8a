#pragma once

#include "tests/simulation/datagram_model.hpp"

namespace conduit::simulation {

[[nodiscard]] const DatagramModel& bacnet_datagrams();

}  // namespace conduit::simulation
