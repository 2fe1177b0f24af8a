// Random `allow`s for BACnet/IP, and whether one contains an access.
#pragma once

#include "tests/simulation/bacnet/bacnet_access.hpp"
#include "tests/simulation/protocol.hpp"

namespace conduit::simulation::bacnet {

// An empty list does not restrict.
struct Allow {
  std::vector<Class> classes;
  std::vector<std::uint32_t> functions;
  std::vector<std::uint32_t> types;
  std::vector<Span> instances;
  std::vector<std::uint32_t> properties;
  std::vector<Span> indices;
  std::vector<Span> priorities;
  std::vector<std::uint32_t> states;
  std::vector<Span> networks;  // of the receiver
  std::vector<std::uint8_t> carriers;
  std::vector<Span> values;
  std::vector<std::string> origins;
  bool essential = false;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool contains(const Access& access) const;
};

class BacnetRules final : public Rules {
 public:
  std::vector<Allow> list;
  [[nodiscard]] std::vector<Text> allows() const override;
  [[nodiscard]] bool permits(View request, std::uint32_t standing, bool island) const override;
};

[[nodiscard]] std::unique_ptr<BacnetRules> draw_rules(Random& random);

}  // namespace conduit::simulation::bacnet
