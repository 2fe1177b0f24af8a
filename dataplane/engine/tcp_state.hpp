// Per-connection state of the TCP gate (see tcp_gate.hpp). Plain data inside the flow record; bytes that wait
// or are kept lie in blocks of the worker's pool.
#pragma once

#include <array>
#include <cstdint>

#include "config/abi/limits.hpp"

namespace conduit {

struct TcpState {};

}  // namespace conduit
