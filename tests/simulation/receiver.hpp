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
  Overlap overlap = Overlap::FIRST_WINS;  // among bytes that wait for a gap to close
  bool checks_tcp_checksum = true;
  bool checks_ip_checksum = true;
  bool checks_window = true;      // false: takes bytes wherever they are
  bool checks_timestamps = true;  // PAWS
  bool takes_syn_data = false;
  bool resets_by_window =
      false;  // an RST anywhere in the window ends the connection; else only the exact one
  bool ignores_reset = false;
  bool syn_begins_anew = false;  // a SYN on a living connection opens another
  bool needs_ack_flag = true;    // drops data segments without ACK
  bool takes_data_after_fin = false;
  bool joins_mid_stream = false;  // has a connection whose SYN was never seen
  bool may_miss_answer = false;   // the SYN-ACK that it was sent may be lost: before data, another one counts
  std::uint8_t ttl_min = 1;       // a hop behind the gateway eats packets below it
  enum class Urgent : std::uint8_t { IN_LINE, REMOVED_AT, REMOVED_BEFORE } urgent = Urgent::IN_LINE;
};
// All models that the safety oracle runs beside each other.
[[nodiscard]] const std::vector<ReceiverTraits>& receiver_models();

// One direction of one connection as one model reads it: the bytes towards `to`.
class Receiver {
 public:
  explicit Receiver(const ReceiverTraits& traits);
  ~Receiver();
  Receiver(Receiver&&) noexcept;
  Receiver& operator=(Receiver&&) noexcept;
  // A packet that left the gateway towards the receiver, and one that the receiver itself has sent (its
  // acknowledgements move its window).
  void on_packet(const Packet& packet);
  void on_own_packet(const Packet& packet);
  // … where nobody knows its windows: only whether its SYN-ACK takes a SYN on the connection for a new one.
  void on_own_opening(const Packet& packet);
  // All bytes that the application has been given so far since the connection was opened last (a new SYN
  // begins anew: `openings` counts).
  [[nodiscard]] const Octets& stream() const;
  [[nodiscard]] std::uint32_t openings() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace conduit::simulation
