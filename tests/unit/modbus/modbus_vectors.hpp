// Well-formed PDUs of every function with what they mean. The other tests mutate, cut and refuse them.
#pragma once

#include <span>
#include <string_view>

#include "protocols/core/operation.hpp"

namespace conduit::test {

struct Vector {
  const char* name;
  Role sender;
  const char* pdu;         // hex, without the MBAP header; unit is 1
  const char* operations;  // as `describe` says it
  bool free_size = false;  // one octet more or less is well formed too
};

[[nodiscard]] std::span<const Vector> well_formed_vectors();

}  // namespace conduit::test
