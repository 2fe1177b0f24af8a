// Honest hosts that speak UDP: a client that asks, waits, and repeats the same request a bounded number of
// times; a server that answers whatever reaches it. The liveness oracle of datagrams is the client.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "tests/simulation/datagram_plan.hpp"
#include "tests/simulation/safety.hpp"

namespace conduit::simulation {

[[nodiscard]] Packet make_datagram(const HostAddress& from, const HostAddress& to, bool ipv6,
                                   std::uint16_t from_port, std::uint16_t to_port, const Octets& payload);
// Where the sender of a packet lives among these; null: nowhere.
[[nodiscard]] const HostAddress* find_sender(const std::vector<HostAddress>& hosts, const Packet& packet);

class DatagramHost final : public Host {
 public:
  using Take = std::function<void(const Packet&)>;
  DatagramHost(Network& network, const HostAddress& own, std::uint8_t own_side, bool ipv6);
  void on_frame(View frame) override;
  // All who are bound to a port get what comes to it.
  void bind(std::uint16_t port, Take take) { bound_.emplace(port, std::move(take)); }
  // `cut`: in two fragments.
  void send(const HostAddress& to, std::uint16_t from_port, std::uint16_t to_port, const Octets& payload,
            bool cut = false);

 private:
  Network& network_;
  bool ipv6_;
  std::uint16_t identification_ = 0;
  std::multimap<std::uint16_t, Take> bound_;
};

struct DatagramTotals {
  std::uint64_t answered = 0;
  std::uint64_t refused = 0;   // negative replies that no server has sent
  std::uint64_t given_up = 0;  // denied requests that got silence
};

// What all of a run share.
struct DatagramStage {
  Network& network;
  const DatagramTimeline& timeline;
  std::vector<Finding>& findings;
  bool tight;               // permitted requests may find no room
  std::set<Octets> said{};  // by honest servers
  DatagramTotals totals{};
  std::uint16_t next_port = 40000;
  bool fragments = false;  // are tolerated by all policies
};

// Binds the application of a server: it answers what is no answer itself.
void serve_datagrams(DatagramStage& stage, const DatagramModel& protocol, DatagramHost& host,
                     const std::vector<HostAddress>& others, Random random);

// A client with a number of requests.
class DatagramAsker {
 public:
  virtual ~DatagramAsker() = default;
  virtual void start() = 0;
  [[nodiscard]] virtual bool finished() const = 0;
};

class DatagramDialogue final : public DatagramAsker {
 public:
  // `lies`: the one who is asked is an attacker; nothing is promised then.
  DatagramDialogue(DatagramStage& stage, const DatagramDialoguePlan& plan, const Rules& rules, bool lies,
                   DatagramHost& asker, const HostAddress& asked);
  ~DatagramDialogue() override;
  void start() override;
  [[nodiscard]] bool finished() const override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace conduit::simulation
