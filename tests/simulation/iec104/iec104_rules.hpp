// Random `allow`s for IEC 60870-5-104, and whether one contains an access.
#pragma once

#include "tests/simulation/iec104/iec104_apdu.hpp"

namespace conduit::simulation::iec104 {

// An empty list does not restrict.
struct Allow {
  std::vector<std::uint16_t> common_addresses;
  std::vector<Class> classes;
  std::vector<std::uint16_t> functions;
  std::vector<Span> object_addresses;
  std::vector<std::uint8_t> causes;
  std::vector<std::uint8_t> selects;
  std::vector<Span> qualifiers;
  Values values;
  bool essential = false;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool contains(const Access& access) const;
};

// How a frame stands in its conversation. S-frames have their N(R) alone, U-frames nothing.
inline constexpr std::uint32_t started = 1;
inline constexpr std::uint32_t in_sequence = 2;   // N(S) is the next
inline constexpr std::uint32_t acknowledges = 4;  // N(R) neither goes back nor beyond what was sent
inline constexpr std::uint32_t selected = 8;      // executes a selection that the station has confirmed
inline constexpr std::uint32_t known = 16;        // is numbered at all

class Iec104Rules final : public Rules {
 public:
  std::vector<Allow> list;
  std::vector<Allow> back;  // for what stations report by themselves
  [[nodiscard]] std::vector<Text> allows() const override;
  [[nodiscard]] bool permits(View request, std::uint32_t standing, bool island) const override;
  [[nodiscard]] bool permits_unasked(View pdu, bool island) const override;
};

[[nodiscard]] std::unique_ptr<Iec104Rules> draw_rules(Random& random);

}  // namespace conduit::simulation::iec104
