// Random `allow`s for DNP3, and whether one contains an access.
#pragma once

#include "tests/simulation/dnp3/dnp3_access.hpp"

namespace conduit::simulation::dnp3 {

// An empty list does not restrict.
struct Allow {
  std::vector<Span> outstations;
  std::vector<Span> masters;
  std::vector<Class> classes;
  std::vector<std::uint16_t> functions;
  std::vector<std::uint16_t> objects;
  std::vector<std::uint8_t> groups;
  std::vector<Span> indexes;
  std::vector<std::uint16_t> controls;  // control codes and file modes
  std::vector<Span> counts;
  std::vector<Span> on_times;
  Values values;
  std::vector<std::string> names;
  std::vector<std::string> prefixes;
  bool essential = false;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool contains(const Access& access) const;
};

// How a request stands in its conversation (dnp3_conversation.hpp).
inline constexpr std::uint32_t follows_select = 1;
inline constexpr std::uint32_t confirms = 2;

class Dnp3Rules final : public Rules {
 public:
  std::vector<Allow> list;
  std::vector<Allow> back;  // for what outstations report unasked
  [[nodiscard]] std::vector<Text> allows() const override;
  [[nodiscard]] bool permits(View request, std::uint32_t standing, bool island) const override;
  [[nodiscard]] bool permits_unasked(View pdu, bool island) const override;
};

[[nodiscard]] std::unique_ptr<Dnp3Rules> draw_rules(Random& random);

}  // namespace conduit::simulation::dnp3
