// An honest TCP of the simulation, after RFC 9293, 5681 (loss recovery), 6298 (time-out), 7323 (window scale,
// timestamps), 2018 (SACK), 896 (Nagle), with the habits of real stacks as traits. No code of the engine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tests/simulation/network.hpp"

namespace conduit::simulation {

// How it treats bytes that come twice and differ (receivers do not agree on this).
enum class Overlap : std::uint8_t { FIRST_WINS, LAST_WINS, BSD, LINUX, WINDOWS };

struct TcpTraits {
  std::uint16_t mss = 1460;
  std::uint32_t window = 65535;  // octets of receive buffer
  std::uint8_t scale = 0;        // window scale offered; with has_scale
  bool has_scale = true;
  bool timestamps = true;
  bool sack = true;
  bool nagle = false;
  bool one_in_flight = false;    // sends a segment only when all before is acknowledged (small PLC stacks)
  bool merges_on_repeat = true;  // a repetition may hold more than the segment that was lost
  bool resegments_on_repeat = false;  // repeats with other boundaries
  bool keep_alive_octet = false;      // keep-alives carry an octet of old data
  bool urgent_pushes = false;         // (unused by honest dialogues unless the policy tolerates URG)
  std::uint32_t acknowledgement_delay_us = 0;
  std::uint32_t keep_alive_ms = 0;  // 0: none
  std::uint32_t repeat_min_ms = 200;
  std::uint32_t repeat_max_ms = 8000;
  std::uint16_t write_pieces_max = 1;  // a write of the application goes out in up to so many segments
  Overlap overlap = Overlap::FIRST_WINS;
  bool isn_near_wrap = false;  // sequence numbers wrap within the first octets
};
[[nodiscard]] TcpTraits random_traits(Random& random);

class TcpSocket;

// What runs on a connection. All calls come from the socket's host.
class Application {
 public:
  virtual ~Application() = default;
  virtual void on_connected(TcpSocket&) {}
  virtual void on_data(TcpSocket&, View) {}
  virtual void on_end_of_data(TcpSocket&) {}  // the peer has half closed
  virtual void on_closed(TcpSocket&, bool /*reset*/) {
  }  // gone; called once, after it the socket sends nothing
};

class TcpSocket {
 public:
  virtual ~TcpSocket() = default;
  virtual void send(View octets) = 0;
  virtual void pause_reading(bool paused) = 0;  // the window closes; reading again opens it
  virtual void close() = 0;                     // FIN after what was sent
  virtual void abort() = 0;                     // RST
  [[nodiscard]] virtual std::uint16_t local_port() const = 0;
  [[nodiscard]] virtual std::uint16_t remote_port() const = 0;
  [[nodiscard]] virtual std::uint64_t octets_unacknowledged() const = 0;
};

class TcpHost : public Host {
 public:
  using Accept = std::function<std::unique_ptr<Application>()>;
  static std::unique_ptr<TcpHost> create(Network& network, Random random, TcpTraits traits,
                                         const HostAddress& address, std::uint8_t side, bool ipv6);
  virtual void listen(std::uint16_t port, Accept accept) = 0;
  // From a new local port (or `local_port`), gives up after some repetitions (on_closed with reset).
  virtual TcpSocket& connect(const Host& to, std::uint16_t port, std::unique_ptr<Application> application,
                             std::uint16_t local_port = 0) = 0;
  // Forgets all connections without a word, as a reboot does.
  virtual void reboot() = 0;
  // Likewise, and accepts no connections any more: a SYN may still be on its way.
  virtual void retire() = 0;
  [[nodiscard]] virtual std::size_t connection_count() const = 0;
};

}  // namespace conduit::simulation
