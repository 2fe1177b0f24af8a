// Two oracles that look at a whole run.
//
// Transparency (DESIGN law 9, law 1 "never acknowledges in another's name"): on a flow in which every request
// was permitted, what leaves the gateway is what its sender has sent, at the sequence numbers of its sender,
// and no acknowledgement goes out that the receiver had not given.
// Accounting (law 7, §8): counters add up, each denial has its event, nothing stays behind in a pool.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/simulation/engine_gateway.hpp"
#include "tests/simulation/fragments.hpp"
#include "tests/simulation/safety.hpp"

namespace conduit::simulation {

class TransparencyOracle : public Watcher {
 public:
  explicit TransparencyOracle(const Scheduler& scheduler) : scheduler_(scheduler) {}
  void on_sent(const Host& host, View frame) override;
  void on_arrival(std::uint8_t side, View frame) override;
  void on_departure(std::uint8_t side, View frame) override;
  // What was seen on connections from this client port (honest dialogues have ports of their own) to be
  // different from what was sent; empty: nothing.
  [[nodiscard]] std::string difference(std::uint16_t client_port) const;
  [[nodiscard]] std::uint64_t segments_compared() const { return compared_; }

 private:
  struct Way {
    bool opened = false;
    std::uint32_t isn = 0;
    Octets sent;                    // bytes behind the SYN
    bool acked = false;             // the other side has acknowledged something
    std::uint32_t highest_ack = 0;  // … this, as it arrived at the gateway
    std::vector<bool> come;         // of `sent`, to the gateway
    std::size_t whole = 0;          // so many of them without a gap
    std::uint32_t ends_come = 0;    // FINs behind all of them
    bool ended = false;             // a FIN or RST has left
  };
  struct Talk {
    std::array<Way, 2> way;  // by side that sends
    std::string difference;
  };
  [[nodiscard]] Talk& talk_of(const Packet& packet, std::uint8_t side);
  static void note_end(Way& way, const Packet& packet);

  const Scheduler& scheduler_;
  std::map<std::uint16_t, Talk> talks_;
  std::array<FragmentReader, 2> sent_{};
  std::array<FragmentReader, 2> arrived_{};
  std::uint64_t compared_ = 0;
};

class FrameCounter : public Watcher {
 public:
  explicit FrameCounter(const Scheduler& scheduler) : scheduler_(scheduler) {}
  void on_arrival(std::uint8_t side, View frame) override;
  void on_departure(std::uint8_t side, View frame) override;
  // Has an RST left then towards this side of the connection with this client port?
  [[nodiscard]] bool was_reset(std::uint64_t at_ns, std::uint16_t client_port, std::uint8_t side) const {
    return resets_.contains({at_ns, client_port, side});
  }
  // When an RST has left first, of connections for which none had come: the gateway's own. By client port.
  [[nodiscard]] const std::map<std::uint16_t, std::uint64_t>& own_resets() const { return own_resets_; }
  std::array<std::uint64_t, 2> arrived{};
  std::array<std::uint64_t, 2> departed{};
  std::uint64_t fragments = 0;  // of IPv4, whole and with a right checksum, that have arrived
  std::uint64_t torn = 0;       // … that contradict or cover in part one that waits
  std::uint64_t tiny = 0;       // … first ones without TCP's whole header

 private:
  struct Piece {
    std::size_t begin = 0;
    Octets octets;
  };
  struct Pieces {
    std::uint64_t since_ns = 0;
    std::vector<Piece> pieces;
  };
  void take_fragment(View ip);

  std::map<Octets, Pieces> waiting_;  // by addresses, identification, protocol
  const Scheduler& scheduler_;
  std::set<std::tuple<std::uint64_t, std::uint16_t, std::uint8_t>> resets_;
  std::set<std::uint16_t> resets_come_;  // by client port
  std::map<std::uint16_t, std::uint64_t> own_resets_;
};

// What never may be exceeded, looked at whenever a frame arrives.
class BoundsOracle : public Watcher {
 public:
  BoundsOracle(const EngineGateway& gateway, const EngineLimits& limits)
      : gateway_(gateway), limits_(limits) {}
  void on_arrival(std::uint8_t side, View frame) override;
  void check(std::uint64_t now_ns, std::vector<Finding>& findings) const;

 private:
  const EngineGateway& gateway_;
  EngineLimits limits_;
  std::uint64_t half_open_ = 0;
  std::uint64_t live_ = 0;
  std::uint64_t blocks_ = 0;
};

struct Expectation {
  bool ring_was_full = false;
  bool output_was_full = false;
  bool fragments_denied = false;  // by every policy that was in force
  bool fragments_taken = false;   // by the one policy that was in force
  std::uint64_t contradictions = 0;
  std::vector<std::uint64_t> restarts_ns;          // what waited to be folded then is lost
  std::map<std::uint16_t, std::uint32_t> refused;  // by client port: negative replies that no server gave
  std::map<std::uint16_t, std::uint32_t> denied;   // … requests that the reference denies, and were judged
  std::map<std::uint16_t, std::uint32_t> refused_for_rate;  // … to what was permitted but for its rate
};

// Call when all timers have run out.
void check_accounting(EngineGateway& gateway, const FrameCounter& frames, const Expectation& expected,
                      std::uint64_t now_ns, std::vector<Finding>& findings);

}  // namespace conduit::simulation
