// The oracle of refusals (DESIGN §5, "Denying"): whoever is refused is told so, in the protocol's own words,
// on the connection that lives on; a reply that got lost on its way comes again. Of honest clients, whose
// connections have a port each; that it comes again, also of hostile ones that acknowledge replies in part.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "tests/simulation/engine_gateway.hpp"
#include "tests/simulation/safety.hpp"

namespace conduit::simulation {

class RefusalOracle : public Watcher {
 public:
  explicit RefusalOracle(const Scheduler& scheduler) : scheduler_(scheduler) {}
  void on_sent(const Host& host, View frame) override;
  void on_arrival(std::uint8_t side, View frame) override;
  void on_departure(std::uint8_t side, View frame) override;
  void on_delivery(const Host& host, View frame, bool damaged) override;

  // `patience_ns`: behind each refusal, and behind `from_ns`, its reply has to have come unless the
  // connection had ended by then. Call when the run is over.
  void check(const std::vector<EventRecord>& events, std::uint64_t from_ns, std::uint64_t patience_ns,
             std::vector<Finding>& findings) const;
  // As long as a reply is not acknowledged it leaves again. Not where what leaves may find no room.
  void check_repetitions(const std::vector<EventRecord>& events, std::vector<Finding>& findings) const;
  [[nodiscard]] std::uint64_t refusals_followed() const { return followed_; }

 private:
  struct Left {
    std::uint64_t at_ns = 0;
    std::uint32_t sequence = 0;
    Octets payload;
  };
  struct Acknowledged {
    std::uint64_t at_ns = 0;
    std::uint32_t number = 0;
  };
  struct Talk {
    bool opened = false;
    std::uint32_t first = 0;                       // number of the server's first octet
    std::map<std::uint32_t, std::uint8_t> octets;  // that have reached the client, by offset
    std::uint64_t ended_ns = UINT64_MAX;           // a FIN or RST was seen
    std::vector<Left> left;                        // towards the client
    std::vector<Acknowledged> acknowledged;        // by the client, as it came to the gateway
  };
  struct Refused {
    const Talk* talk;
    const ProtocolModel* protocol;
    View request;
  };
  [[nodiscard]] std::optional<Refused> read(const EventRecord& event) const;
  [[nodiscard]] static std::uint32_t repetitions(const Refused& refused, std::uint64_t at_ns);
  [[nodiscard]] bool is_repeated(const Refused& refused, const Left& first) const;
  void note_end(const Packet& packet);

  const Scheduler& scheduler_;
  std::map<std::uint16_t, Talk> talks_;  // by client port
  mutable std::uint64_t followed_ = 0;
};

}  // namespace conduit::simulation
