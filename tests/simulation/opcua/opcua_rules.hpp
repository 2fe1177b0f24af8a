// Random `allow`s for OPC UA, and whether one contains an access.
#pragma once

#include "tests/simulation/opcua/opcua_message.hpp"

namespace conduit::simulation::opcua {

// An empty list does not restrict.
struct Allow {
  std::vector<Class> classes;
  std::vector<std::uint32_t> functions;
  std::vector<Span> spaces;
  std::vector<Span> nodes;
  std::vector<std::string> names;
  std::vector<std::string> prefixes;
  std::vector<std::uint32_t> attributes;
  std::vector<Span> methods;
  std::vector<std::uint32_t> tokens;   // of users
  std::vector<std::string> endpoints;  // what they begin with
  Values values;
  bool essential = false;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool contains(const Access& access) const;
};

// How a request stands in its conversation.
inline constexpr std::uint32_t of_channel = 1;  // of the channel that is open, and one of its last two tokens
inline constexpr std::uint32_t in_sequence = 2;  // its first chunk has the number that is due
inline constexpr std::uint32_t greeted = 4;      // HEL and ACK have passed

class OpcuaRules final : public Rules {
 public:
  std::vector<Allow> list;
  [[nodiscard]] std::vector<Text> allows() const override;
  [[nodiscard]] bool permits(View request, std::uint32_t standing, bool island) const override;
};

[[nodiscard]] std::unique_ptr<OpcuaRules> draw_rules(Random& random);

}  // namespace conduit::simulation::opcua
