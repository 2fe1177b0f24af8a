// Random `allow`s for S7comm, and whether one contains an access.
#pragma once

#include "tests/simulation/s7comm/s7comm_access.hpp"

namespace conduit::simulation::s7comm {

// An empty list does not restrict.
struct Allow {
  std::vector<std::uint8_t> slots;
  std::vector<std::uint8_t> types;
  std::vector<Class> classes;
  std::vector<std::uint32_t> functions;
  std::vector<std::uint8_t> areas;
  std::vector<std::uint16_t> blocks_by_number;
  std::vector<Span> bytes;
  std::vector<Span> bits;
  std::vector<Span> numbers;  // of timers and counters
  std::vector<std::uint8_t> sizes;
  std::vector<std::uint16_t> szls;
  Values values;
  std::vector<std::string> services;
  std::vector<std::string> blocks;
  std::vector<std::string> prefixes;
  bool essential = false;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool contains(const Access& access, const std::optional<Place>& place) const;
};

// How a request stands: 0, or what the connection request before it has said, and whether that was confirmed.
[[nodiscard]] std::uint32_t as_standing(Place place);
inline constexpr std::uint32_t confirmed = 0x20000;

class S7commRules final : public Rules {
 public:
  std::vector<Allow> list;
  Place place;  // that most of them are for
  [[nodiscard]] std::vector<Text> allows() const override;
  [[nodiscard]] bool permits(View request, std::uint32_t standing, bool island) const override;
};

[[nodiscard]] std::unique_ptr<S7commRules> draw_rules(Random& random);

}  // namespace conduit::simulation::s7comm
