// A capture was taken without the gateway; `simulate` asks what would have been with it. Where the engine
// takes something out of a connection or puts something in, the endpoints of the capture would have gone on
// differently: a server does not acknowledge what it never received, nor answers a request that was refused;
// a client acknowledges the refusal.
//
// This adjusts a connection's segments to that: acknowledgements never go beyond what the endpoint has
// received in the simulation, recorded answers to refused requests are left out, later sequence numbers of
// that server move up. Connections in which nothing was held, refused or discarded stay as they were
// captured.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dataplane/engine/engine.hpp"
#include "dataplane/engine/frame.hpp"
#include "protocols/core/decoder.hpp"

namespace conduit {

class Counterfactual {
 public:
  // Before a captured packet enters the engine: changes it in place (it never grows) and its size. False: it
  // would never have been sent. `never_sent` counts the answers that were left out of it.
  bool adjust(const ParsedFrame& parsed, std::uint8_t* frame, std::uint32_t& size, std::uint32_t& never_sent);
  // What the engine said of the packet that is entering.
  void on_report(const ParsedFrame& parsed, const JudgementReport& report);
  // A packet left the gateway.
  void on_leaving(const ParsedFrame& left);

 private:
  struct Key {
    Address source{};
    Address destination{};
    std::uint32_t ports = 0;
    VlanKey vlan = 0;
    auto operator<=>(const Key&) const = default;
  };
  struct Request {
    std::uint64_t key = 0;
    bool refused = false;
  };
  // One direction: what its sender wrote, in the capture and in the simulation, and what its receiver got.
  struct Direction {
    bool started = false;
    std::uint32_t recorded_next = 0;    // sender's next octet, as captured
    std::uint32_t simulated_next = 0;   // the same in the simulation
    std::vector<std::uint8_t> waiting;  // of a server's PDU that is not whole yet
    bool got_any = false;
    std::uint32_t got_next = 0;  // receiver's next expected octet, in the simulation
  };
  struct Connection {
    const Protocol* protocol = nullptr;
    Key client;           // direction in which the client sends
    bool parted = false;  // simulation and capture differ from here on
    SessionState session{};
    std::vector<Request> requests;  // not yet answered in the capture
  };

  static Key key_of(const ParsedFrame& parsed, bool reverse);
  Connection& connection(const ParsedFrame& parsed);
  static bool answered(Connection& connection, Bytes pdu);
  static std::vector<std::uint8_t> kept_answers(Connection& connection, Direction& direction, Bytes bytes,
                                                std::uint32_t& never_sent);
  static bool adjust_datagram(Connection& connection, const ParsedFrame& parsed, std::uint32_t& never_sent);

  std::map<Key, Direction> directions_;
  std::map<Key, Connection> connections_;
};

}  // namespace conduit
