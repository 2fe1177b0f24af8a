// Named stacks of field devices that cannot go on as usual when the end of a PDU is held back: they wait for
// an acknowledgement before the rest goes out, or have no room for a whole PDU.
#pragma once

#include <string>
#include <vector>

#include "tests/simulation/tcp_host.hpp"

namespace conduit::simulation {

struct NamedTraits {
  std::string name;
  TcpTraits traits;
};

[[nodiscard]] std::vector<NamedTraits> cannot_go_on();

}  // namespace conduit::simulation
