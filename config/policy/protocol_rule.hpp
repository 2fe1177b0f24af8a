// One `allow`'s protocol message → RuleSource, by reflection over the options of the room's .proto. Internal
// to the compiler.
#pragma once

#include <google/protobuf/message.h>

#include "config/policy/document.hpp"
#include "config/policy/image_builder.hpp"
#include "protocols/core/decoder.hpp"

namespace conduit {

struct ProtocolRule {
  RuleSource rule;
  std::vector<std::uint16_t> ports;  // empty: the registered one
  Transport transport = Transport::TCP;
  bool unrestricted = false;  // it says nothing at all
};

// False if something was wrong (said in `diagnostics`).
bool compile_protocol_rule(const google::protobuf::Message& message, const Protocol& protocol,
                           const Place& place, ProtocolRule& out, Diagnostics& diagnostics);

// Bit AccessClass for each class that the room gives this function; all of them where it has no name.
[[nodiscard]] std::uint8_t access_classes(ProtocolId protocol, std::uint32_t function);

}  // namespace conduit
