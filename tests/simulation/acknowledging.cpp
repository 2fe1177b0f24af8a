#include "tests/simulation/acknowledging.hpp"

namespace conduit::simulation {
namespace {

constexpr std::uint64_t acknowledges_ns = 200 * millisecond;
constexpr std::uint64_t asks_tcp_ns = 400 * millisecond;
constexpr std::uint64_t unacknowledged_ns_max = 2 * second;

}  // namespace

void acknowledge_later(Stage& stage, const std::function<Speaker()>& speaker,
                       const std::function<void(const Octets&)>& says) {
  stage.network.scheduler().after(acknowledges_ns, [speaker, says] {
    const Speaker now = speaker();
    if (now.socket == nullptr) return;
    for (const Octets& pdu : now.end->acknowledge()) {
      says(pdu);
      now.socket->send(pdu);
    }
  });
}

void expect_acknowledgement(Stage& stage, const std::function<Speaker()>& speaker, const std::string& who,
                            std::uint64_t number) {
  if (!stage.prompt || number == 0) return;
  stage.network.scheduler().after(asks_tcp_ns, [&stage, speaker, who, number] {
    const Speaker now = speaker();
    if (now.socket == nullptr || stage.over || now.end->acknowledged_count() >= number) return;
    if (now.socket->octets_unacknowledged() != 0) return expect_acknowledgement(stage, speaker, who, number);
    stage.network.scheduler().after(unacknowledged_ns_max, [&stage, speaker, who, number] {
      const Speaker then = speaker();
      if (then.socket == nullptr || stage.over || then.end->acknowledged_count() >= number) return;
      const std::string all = std::to_string(then.end->sent_count());
      stage.findings.push_back(
          {"liveness", who + ": PDU " + std::to_string(number) + " of " + all + " is not acknowledged",
           stage.network.scheduler().now()});
    });
  });
}

}  // namespace conduit::simulation
