// Random `allow`s for Modbus, and whether one contains an access.
#pragma once

#include "tests/simulation/modbus/modbus_access.hpp"
#include "tests/simulation/protocol.hpp"

namespace conduit::simulation::modbus {

// An empty list does not restrict.
struct Allow {
  std::vector<std::uint8_t> units;
  std::vector<Class> classes;
  std::vector<std::uint8_t> functions;       // by name
  std::vector<std::uint8_t> function_codes;  // by number
  std::vector<Span> addresses;
  std::vector<Span> values;
  std::vector<Span> files;
  std::vector<std::uint16_t> sub_functions;
  std::vector<Span> objects;
  bool essential = false;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool contains(std::uint8_t unit, std::uint8_t function, const Access& access) const;
};

class ModbusRules final : public Rules {
 public:
  std::vector<Allow> list;
  [[nodiscard]] std::vector<Text> allows() const override;
  [[nodiscard]] bool permits(View request, std::uint32_t standing, bool island) const override;
};

[[nodiscard]] std::unique_ptr<ModbusRules> draw_rules(Random& random);

}  // namespace conduit::simulation::modbus
