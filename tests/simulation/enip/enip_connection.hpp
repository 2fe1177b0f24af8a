// Connections for messages (CIP Vol. 1, 3-5.5): opened and closed by requests to the connection manager, used
// by SendUnitData. The simulation's targets name a connection by what its originator calls it (`named_by`),
// so that each end knows the other's name.
#pragma once

#include "tests/simulation/enip/enip_access.hpp"

namespace conduit::simulation::enip {

// Forward_Open: what it asks for.
struct Opening {
  std::uint32_t received = 0;  // name by which the target sends, chosen by the originator
  std::uint16_t serial = 0;
  std::uint32_t interval = 0;  // microseconds, both ways
  std::uint8_t transport_class = 3;
  std::string route;  // empty: the device itself
};
[[nodiscard]] Octets write_opening(const Opening& opening);
[[nodiscard]] std::optional<Opening> read_opening(const Message& message);
[[nodiscard]] Access access_of(const Opening& opening);
[[nodiscard]] Octets write_closing(std::uint16_t serial);
// Of a Forward_Close that is one: the serial number.
[[nodiscard]] std::optional<std::uint16_t> read_closing(const Message& message);

// The name by which the originator sends.
[[nodiscard]] inline std::uint32_t named_by(std::uint32_t received) { return received ^ 0x5A000000; }

// The reply to an opening or a closing; null: it is none, or a negative one.
struct Opened {
  std::uint32_t sent = 0;
  std::uint16_t serial = 0;
  bool closed = false;  // it answers a closing
};
[[nodiscard]] std::optional<Opened> read_opened(View reply);
// The target's reply, data alone.
[[nodiscard]] Octets opened_data(const Opening& opening);
[[nodiscard]] Octets closed_data(std::uint16_t serial);

// A message of a connection.
struct Connected {
  std::uint32_t connection = 0;
  std::uint16_t sequence = 0;
  Octets message;
};
[[nodiscard]] std::optional<Connected> connected_message(const Encapsulation& parts);
[[nodiscard]] Octets as_connected(const Connected& connected);

}  // namespace conduit::simulation::enip
