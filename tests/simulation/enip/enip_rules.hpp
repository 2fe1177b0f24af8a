// Random `allow`s for EtherNet/IP, and whether one contains an access.
#pragma once

#include "tests/simulation/enip/enip_connection.hpp"

namespace conduit::simulation::enip {

// An empty list does not restrict.
struct Allow {
  std::vector<Class> classes;
  std::vector<std::uint32_t> functions;
  std::vector<std::uint32_t> objects;
  std::vector<Span> instances;
  std::vector<Span> attributes;
  std::vector<Span> elements;
  std::vector<std::string> tags;
  std::vector<std::string> prefixes;
  std::vector<std::string> routes;
  std::vector<std::uint32_t> transport_classes;
  std::vector<Span> intervals;
  Values values;
  bool essential = false;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool contains(const Access& access) const;
};

// How a request stands: its session is that of the conversation; its connection is open, and what opened it.
inline constexpr std::uint32_t of_session = 1;
inline constexpr std::uint32_t of_connection = 2;
[[nodiscard]] std::uint32_t as_standing(const Opening& opening);

class EnipRules final : public Rules {
 public:
  std::vector<Allow> list;
  [[nodiscard]] std::vector<Text> allows() const override;
  [[nodiscard]] bool permits(View request, std::uint32_t standing, bool island) const override;
};

[[nodiscard]] std::unique_ptr<EnipRules> draw_rules(Random& random);

}  // namespace conduit::simulation::enip
