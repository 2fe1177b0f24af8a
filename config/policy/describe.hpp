// Operations as JSON and as text, in the words of the policy language.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "protocols/core/decoder.hpp"

namespace conduit {

// Adds function, function_name, the dimensions that are present (a range dimension as [first, last]) and the
// value.
void describe(const Protocol& protocol, const Operation& operation, nlohmann::ordered_json& object);

// "READ_HOLDING_REGISTERS unit=1 address=0-9" from such an object.
[[nodiscard]] std::string one_line(const nlohmann::ordered_json& object);

}  // namespace conduit
