// The language of the engine's fuzz target. An input is
//
//   setting octet | steps, each an operation octet and the octets that it takes
//
// Octets that are missing at the end are zeros; operations are taken modulo their number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace conduit::fuzz {

enum class Action : std::uint8_t {
  OPEN = 0,     // handshake: connection, options of the client, of the server
  COMPOSE,      // puts a PDU into a stream: end, Material, seed
  SEGMENT,      // sends a part of a stream: end, from where (signed, from the end of what was sent), octets,
                // SegmentKind, acknowledgement (signed, from what was received), window (Windows)
  RAW,          // a frame: port, octets, the octets
  AGAIN,        // the last frame of a port once more: port, place of the octet to change, change
  QUOTE,        // an ICMP error that quotes the last frame that came: port, code, octets quoted
  WAIT,         // time goes by: 2^n ms
  POLICY,       // another policy comes into force: which
  ISLAND,       // island mode: on, off
  RESTART,      // the data plane forgets everything
  OUTPUT_FULL,  // what the engine itself sends is lost: on, off
  RING_FULL,    // nobody takes events out: on, off
  COUNT
};

// An end: bits 0…1 connection, bit 2 the server's side.
enum class Material : std::uint8_t {
  REQUEST = 0,
  BAD_REQUEST,
  ANSWER,  // to a request that this end makes up
  TWO_REQUESTS,
  OCTETS,
  OPENING,  // the next PDU of the exchange that opens a conversation
  REPLY,    // to the last request of the connection
  COUNT
};

// SegmentKind: bits 0…2 flags, bit 3 cut into IP fragments, bit 4 first octet changed, bit 5 wrong checksum,
// bit 6 the octets count as sent, bit 7 time to live 1.
enum class FlagSet : std::uint8_t { ACK = 0, PUSH, SYN, SYN_ACK, FIN, RST, RST_ACK, URGENT, COUNT };

inline constexpr std::uint16_t windows[] = {65535, 0, 1, 5, 20, 100, 300, 8192};

class Script {
 public:
  explicit Script(std::span<const std::uint8_t> octets) noexcept : rest_(octets) {}
  [[nodiscard]] bool ended() const noexcept { return rest_.empty(); }
  std::uint8_t octet() noexcept {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  std::span<const std::uint8_t> octets(std::size_t count) noexcept {
    const auto taken = rest_.first(count < rest_.size() ? count : rest_.size());
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace conduit::fuzz
