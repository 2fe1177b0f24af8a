// Honest applications and the liveness oracle: a client that works through its requests, a server that
// answers what reaches it, and the ledger of what each server was asked and has answered.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/plan.hpp"
#include "tests/simulation/safety.hpp"

namespace conduit::simulation {

// What a server has been asked on one connection, in order.
struct Served {
  Octets request;      // all of it as `ProtocolModel::plain` leaves it
  Octets answer;       // empty: it owes none
  bool taken = false;  // its answer has reached the client
};

// What a server has said besides answers: unasked, or more of an answer.
struct Told {
  Octets pdu;
  bool asked = false;
  std::uint64_t at_ns = 0;
  bool taken = false;
};

// What a client has asked a server for, as a rate limit may count it.
struct Counted {
  Octets request;
  std::size_t operations = 0;  // at most
  std::uint64_t sent_ns = 0;
  std::uint64_t done_ns = UINT64_MAX;  // answered or refused: judged before
};

struct Ledger {
  // By server and the client's port: ports are given out once in a run.
  std::map<std::pair<std::size_t, std::uint16_t>, std::vector<Served>> served;
  std::map<std::pair<std::size_t, std::uint16_t>, std::vector<Told>> told;
  std::map<std::array<std::size_t, 3>, std::vector<Counted>> counted;  // by client, server and its port
};

// When which policy was in force: the reference's own record.
class Timeline {
 public:
  void note(std::uint64_t at_ns, const PlantPolicy* policy, bool island) {
    spans_.push_back({at_ns, policy, island});
  }
  // The gateway forgets what has passed.
  void note_restart(std::uint64_t at_ns) { restarts_.push_back(at_ns); }
  // By all states in force between `from` and now.
  [[nodiscard]] bool always_permitted(const DialoguePlan& dialogue, View request, std::uint32_t standing,
                                      std::uint64_t from) const;
  // No policy in force since then permits it, though one may only observe.
  [[nodiscard]] bool never_permitted(const DialoguePlan& dialogue, View request, std::uint64_t from) const;
  // No rate limit in force since it was sent can have been reached by `all`, itself at `place` included.
  [[nodiscard]] bool always_within_limits(const DialoguePlan& dialogue, const std::vector<Counted>& all,
                                          std::size_t place) const;
  [[nodiscard]] bool always_permitted_unasked(const DialoguePlan& dialogue, View pdu,
                                              std::uint64_t from) const;
  [[nodiscard]] bool restarted_since(std::uint64_t from) const;
  // The policy of this moment permits something between the two.
  [[nodiscard]] bool service_now(const DialoguePlan& dialogue) const;

 private:
  struct Span {
    std::uint64_t at_ns;
    const PlantPolicy* policy;
    bool island;
  };
  template <typename Permits>
  [[nodiscard]] bool always(const DialoguePlan& dialogue, std::uint64_t from, const Permits& permits) const;
  std::vector<Span> spans_;
  std::vector<std::uint64_t> restarts_;
};

struct DialogueTotals {
  std::uint64_t answered = 0;
  std::uint64_t refused = 0;  // negative replies that no server has sent
  std::uint64_t connections = 0;
  std::uint64_t given_up = 0;  // denied requests that got silence or a reset
};

// What all dialogues of a run share.
struct Stage {
  Network& network;
  Ledger& ledger;
  const Timeline& timeline;
  std::vector<Finding>& findings;
  DialogueTotals& totals;
  std::uint64_t calm_ns;
  bool tight;
  bool prompt;  // nothing gets lost: what is owed comes at once
  std::uint16_t next_port = 20000;
  bool over = false;  // no new connections any more
};

class Dialogue {
 public:
  Dialogue(Stage& stage, const DialoguePlan& plan, const PlantPolicy& policy, TcpHost& client,
           const Host& server);
  ~Dialogue();
  void start();
  [[nodiscard]] bool finished() const;
  // Where it stands, for a finding.
  [[nodiscard]] std::string state() const;
  // Client ports of its connections on which all that was asked has been permitted since.
  [[nodiscard]] std::vector<std::uint16_t> clean_ports() const;
  // By client port: negative replies that no server has sent.
  [[nodiscard]] const std::map<std::uint16_t, std::uint32_t>& refused() const;
  // By client port: requests that were denied for certain, since one behind them has reached the server.
  [[nodiscard]] std::map<std::uint16_t, std::uint32_t> denied() const;
  // Refused ones that were permitted but for their rate.
  [[nodiscard]] const std::map<std::uint16_t, std::uint32_t>& refused_for_rate() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// The application of a server: answers in order, after a while.
[[nodiscard]] TcpHost::Accept make_server(Stage& stage, const ProtocolModel& protocol, std::size_t server,
                                          Random random);

}  // namespace conduit::simulation
