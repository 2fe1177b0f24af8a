// One ASDU of each type, in each direction that has it, with what it says.
#pragma once

#include <span>

#include "protocols/core/operation.hpp"

namespace conduit::test {

struct Iec104Vector {
  const char* name;
  Role sender;
  const char* asdu;
  const char* expected;
};

[[nodiscard]] std::span<const Iec104Vector> iec104_vectors();

}  // namespace conduit::test
