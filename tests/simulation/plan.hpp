// What happens in one run, drawn from its seed: plant, policies, swaps, connections, attacks, faults. A plan
// can be reduced by leaving parts out; the rest stays as it was drawn.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/abi/limits.hpp"
#include "tests/simulation/datagram_plan.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/plant_policy.hpp"
#include "tests/simulation/tcp_host.hpp"

namespace conduit::simulation {

// An honest dialogue: a client that works through its requests, connecting again where it has to.
struct DialoguePlan {
  std::size_t client = 0;
  std::size_t server = 0;
  const ProtocolModel* protocol = nullptr;
  std::uint64_t begin_ns = 0;
  std::uint32_t requests = 0;
  std::uint32_t pipelined = 1;      // requests under way at a time
  std::uint32_t bad_per_mille = 0;  // of the requests: malformed ones
  std::uint32_t pause_ms_max = 0;   // between requests
  bool must_finish = true;          // false: an attacker is its server, or it may be cut by design
  bool cut_when_denied = false;     // … behind a denial: numbered PDUs, and one end sends them in parts
  std::uint64_t octet_ns = 0;       // an octet that is repeated by itself takes so long, at most
  Random random{0};
};

struct AttackPlan {
  std::string technique;
  const ProtocolModel* protocol = nullptr;
  std::size_t client = 0;
  std::size_t server = 0;
  bool from_server = false;
  std::uint16_t first_port = 30000;  // of a client: those from here on are its own
  Random random{0};
};

struct ChangePlan {
  enum class Kind : std::uint8_t { POLICY, ISLAND, RESTART, OUTPUT_FULL, RING_FULL, REBOOT };
  std::uint64_t at_ns = 0;
  Kind kind = Kind::POLICY;
  std::size_t number = 0;  // POLICY: which; REBOOT: of which server; else: 1 begins, 0 ends
};

struct Plan {
  std::uint64_t seed = 0;
  Plant plant;
  // One that is spoken in every seed, and one of the others beside it.
  std::vector<const ProtocolModel*> protocols;
  std::vector<PlantPolicy> policies;  // the first is in force from the start
  std::vector<TcpTraits> client_traits;
  std::vector<TcpTraits> server_traits;
  std::vector<DialoguePlan> dialogues;
  std::vector<AttackPlan> attacks;
  std::vector<const DatagramModel*> datagram_protocols;
  std::vector<DatagramDialoguePlan> datagram_dialogues;
  std::vector<DatagramAttackPlan> datagram_attacks;
  std::vector<ChangePlan> changes;
  Faults faults;
  std::uint64_t calm_ns = 0;  // from here on no faults, changes or attacks
  std::uint64_t burst_ns = 0;
  EngineLimits limits;
  bool tight = false;  // limits so small that permitted traffic may be denied for want of room

  // Does one of its policies only observe?
  [[nodiscard]] bool observes() const;
  // Leaves out a part, by the name that `parts` gives it. False: there is no such part.
  bool leave_out(const std::string& part);
  [[nodiscard]] std::vector<std::string> parts() const;
  [[nodiscard]] std::string describe() const;
};

struct PlanWish {
  std::string technique;  // attacks with this one alone (empty: the seed decides)
  std::string protocol;   // this one alone is spoken (empty: the seed decides)
};
[[nodiscard]] Plan draw_plan(std::uint64_t seed, const PlanWish& wish);

}  // namespace conduit::simulation
