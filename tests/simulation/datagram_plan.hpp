// The datagrams of a run: who asks whom, and who attacks. Part of Plan (plan.hpp).
#pragma once

#include <string>
#include <vector>

#include "tests/simulation/datagram_timeline.hpp"

namespace conduit::simulation {

struct Plan;
struct PlanWish;

struct DatagramDialoguePlan {
  DatagramPlace place;
  std::uint64_t begin_ns = 0;
  std::uint32_t requests = 0;
  std::uint32_t bad_per_mille = 0;
  std::uint32_t pause_ms_max = 0;
  bool from_protocol_port = false;  // asks from there, where the other side may ask as well
  bool in_fragments = false;        // now and then
  bool in_segments = false;         // of BACnet
  Random random{0};
};

struct DatagramAttackPlan {
  std::string technique;
  DatagramPlace place;
  bool from_server = false;  // the attacker has the address of that asset to itself
  Random random{0};
};

// What `wish` names is a protocol, or a technique, of datagrams.
[[nodiscard]] bool wishes_datagrams(const PlanWish& wish);
[[nodiscard]] std::vector<const DatagramModel*> draw_datagram_protocols(const Random& base,
                                                                        const PlanWish& wish);
[[nodiscard]] std::string describe_datagrams(const Plan& plan);
void draw_datagrams(Plan& plan, const Random& base, const PlanWish& wish);

}  // namespace conduit::simulation
