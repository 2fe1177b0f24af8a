// Models of receiving stacks for the safety oracle: what could a host's application read out of the frames
// that the gateway let through to it? Each model is one way in which real stacks are known to differ.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/packet.hpp"
#include "tests/simulation/tcp_host.hpp"

namespace conduit::simulation {

struct ReceiverTraits {
  std::string name;
  Overlap overlap = Overlap::FIRST_WINS;
  bool checks_tcp_checksum = true;
  bool checks_ip_checksum = true;
  bool checks_ttl = false;        // a hop behind the gateway eats packets with TTL 1
  bool checks_window = true;      // false: takes bytes wherever they fit
  bool checks_timestamps = true;  // PAWS
  bool takes_syn_data = false;
  bool strict_reset = true;  // RST only at exactly the next number; false: anywhere in the window
  bool ignores_reset = false;
  bool needs_ack_flag = true;  // drops data segments without ACK
  enum class Urgent : std::uint8_t { IN_LINE, REMOVED, REMOVED_BEFORE } urgent = Urgent::IN_LINE;
  bool takes_data_after_fin = false;
  bool joins_mid_stream = false;  // has a connection whose SYN the gateway never saw
};
// All models that the safety oracle runs beside each other.
[[nodiscard]] const std::vector<ReceiverTraits>& receiver_models();

// One direction of one connection as one model reads it: the bytes towards `to`.
class Receiver {
 public:
  explicit Receiver(const ReceiverTraits& traits);
  ~Receiver();
  Receiver(Receiver&&) noexcept;
  // A packet that left the gateway towards the receiver, and one that the receiver itself has sent (its
  // acknowledgements move its window).
  void on_packet(const Packet& packet);
  void on_own_packet(const Packet& packet);
  // All bytes that the application has been given so far since the connection was opened last (a new SYN
  // begins anew: `openings` counts).
  [[nodiscard]] const Octets& stream() const;
  [[nodiscard]] std::uint32_t openings() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace conduit::simulation
