// Reads frames as `decode` does, and puts IP fragments together for the oracles: of octets that come twice
// the first ones count. What was asked in fragments has been asked.
#pragma once

#include <map>
#include <optional>

#include "tests/simulation/packet.hpp"

namespace conduit::simulation {

class FragmentReader {
 public:
  using Decode = std::optional<Packet> (*)(View frame);
  FragmentReader() = default;
  explicit FragmentReader(Decode whole_frame) : decode_(whole_frame) {}
  // The packet in this frame, or the one that this frame completes; nothing for fragments before that.
  [[nodiscard]] std::optional<Packet> read(View frame);

 private:
  struct Waiting {
    std::map<std::size_t, std::uint8_t> octets;
    std::optional<std::size_t> end;
    Octets head;  // of the fragment that comes first in the packet
  };
  [[nodiscard]] static bool whole(const Waiting& waiting);

  Decode decode_ = decode;
  std::map<Octets, Waiting> waiting_;  // by IP version, addresses, identification, protocol
};

}  // namespace conduit::simulation
