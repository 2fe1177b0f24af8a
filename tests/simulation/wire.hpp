// The oracle of the wire (DESIGN laws 1 to 3): what no frame that leaves the gateway may be, whoever sent it
// and whatever it carries. Written from the laws; it knows the two ends by what they have sent and nothing
// else.
//
// - TCP over IP, whole, with right checksums, a combination of flags that a stack sends, no urgent pointer,
//   no data or Fast Open option in a SYN, a time to live that the next hop does not end; or an ICMP error,
//   with right checksums, to the one who sent what it quotes, about a connection that has been seen.
// - Its source has the address and, where the policy binds them, the MAC of one asset.
// - Data lie within the window that their receiver has announced, and (of honest
//   ends) are not wholly acknowledged by it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "tests/simulation/fragments.hpp"
#include "tests/simulation/plant_policy.hpp"
#include "tests/simulation/safety.hpp"

namespace conduit::simulation {

class WireOracle : public Watcher {
 public:
  // `missed`: the gateway may not know all that was acknowledged.
  WireOracle(const Scheduler& scheduler, const Plant& plant, bool missed)
      : scheduler_(scheduler), plant_(plant), missed_(missed) {}
  void on_arrival(std::uint8_t side, View frame) override;
  void on_departure(std::uint8_t side, View frame) override;
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }

 private:
  // One end of a connection, as the other one's segments have to suit it.
  struct End {
    bool known = false;  // its SYN has passed
    bool said = false;   // it has acknowledged something since
    std::uint32_t isn = 0;
    std::uint8_t scale = 0;
    std::uint16_t first_window = 0;         // of its SYN
    std::uint32_t acknowledged = 0;         // highest acknowledgement of it that has come to the gateway
    std::uint32_t acknowledged_before = 0;  // … until a moment ago: the gateway takes frames in bursts
    std::uint64_t acknowledged_ns = 0;
    std::uint32_t edge = 0;  // right edge of its window
    bool sent_to = false;
    std::uint32_t end = 0;  // behind the highest octet that has left towards it
  };
  using Key = std::array<std::uint8_t, 36>;  // addresses and ports, client's side first

  [[nodiscard]] static Key key_of(const Packet& packet, std::uint8_t sender_side);
  static void begin(End& sender, End& receiver, const Packet& syn);
  void finding(const Packet* packet, const char* what);
  void check_form(const Packet& packet);
  void check_source(const Packet& packet, std::uint8_t sender_side);
  void check_place(const Packet& packet, std::uint8_t side);
  void check_error(const QuotedError& error, std::uint8_t side);

  const Scheduler& scheduler_;
  const Plant& plant_;
  bool missed_;
  std::array<FragmentReader, 2> arrived_{};
  std::map<Key, std::array<End, 2>> talks_;
  std::vector<Finding> findings_;
};

}  // namespace conduit::simulation
