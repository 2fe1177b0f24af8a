// What the benchmarks of whole packets share: frames laid by hand, and one turn of a back end.
#pragma once

#include <cstdint>
#include <span>

#include "config/policy/image_builder.hpp"
#include "dataplane/engine/engine.hpp"

namespace conduit::bench {

inline constexpr std::uint8_t TCP_FLAG_SYN = 0x02;
inline constexpr std::uint8_t TCP_FLAG_ACK = 0x10;
inline constexpr std::uint8_t TCP_FLAGS_DATA = 0x18;  // ACK and PSH

// A connection, or a pair of ports: where its two ends stand.
struct Conversation {
  Address client{};
  Address server = ipv4_address(10, 0, 7, 1);
  std::uint16_t client_port = 10'000;
  std::uint16_t server_port = 502;
  std::uint32_t client_sequence = 1000;
  std::uint32_t server_sequence = 5000;
};

struct HandshakeStep {
  bool from_client;
  std::uint8_t flags;
};
inline constexpr HandshakeStep handshake[] = {
    {true, TCP_FLAG_SYN}, {false, TCP_FLAG_SYN | TCP_FLAG_ACK}, {true, TCP_FLAG_ACK}};

// A TCP segment with timestamps around `payload`, both checksums right; the sender's number moves on. Returns
// the frame's size in octets.
std::uint32_t lay_segment(Conversation& ends, bool from_client, std::uint8_t flags, Bytes payload,
                          std::uint32_t clock, std::uint8_t* at);
// A UDP datagram, likewise.
std::uint32_t lay_datagram(const Conversation& ends, bool from_client, Bytes payload, std::uint8_t* at);

class NoSink final : public FrameSink {
 public:
  bool emit(std::uint8_t, Bytes) noexcept override {
    ++count;
    return true;
  }
  std::uint32_t count = 0;
};

// One turn of a back end. Out of line and apart by use, so that callgrind can count the measured ones alone.
enum class Use { OPENING, MEASURED };
template <Use use>
[[gnu::noipa]] std::uint32_t gateway_turn(Worker& worker, const RuleImage& image, std::uint64_t now,
                                          std::span<Frame> burst) {
  worker.begin(now, now, TimeQuality::SYNCHRONIZED, &image, false);
  worker.prepare(burst);
  std::uint32_t forwarded = 0;
  for (Frame& frame : burst) forwarded += worker.step(frame) == Disposition::FORWARD ? 1U : 0U;
  return forwarded;
}

}  // namespace conduit::bench
