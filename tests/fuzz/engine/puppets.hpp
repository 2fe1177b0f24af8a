// The two hosts that a script moves: they send what it says, and remember what came so that it can say it
// relative to that.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "tests/fuzz/engine/script.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/plant_policy.hpp"

namespace conduit::fuzz {

inline constexpr std::size_t connection_count = 4;

// One end of one connection.
struct End {
  std::uint32_t first = 0;      // number of the first octet of its stream
  std::uint32_t sent = 0;       // octets of the stream that count as sent
  std::uint32_t expected = 0;   // what it expects next of the other end
  simulation::Octets stream{};  // what it has to say
  bool stamps = false;          // timestamps option
};

// What the two ends of a connection remember of their protocol.
struct Talk {
  std::unique_ptr<simulation::ClientEnd> client;
  std::unique_ptr<simulation::ServerEnd> server;
  simulation::Octets asked{};  // the client's last request
};

class Puppet : public simulation::Host {
 public:
  void on_frame(simulation::View frame) override;
  std::array<End, connection_count> ends{};
  simulation::Octets last_received{};
  simulation::Octets last_sent{};
};

class Puppets {
 public:
  Puppets(simulation::Network& network, const simulation::Plant& plant,
          const simulation::ProtocolModel& protocol);
  void open(Script& script);
  void compose(Script& script, const simulation::PlantPolicy& policy);
  void segment(Script& script);
  void raw(Script& script);
  void again(Script& script);
  void quote(Script& script);

 private:
  [[nodiscard]] simulation::Packet packet(std::uint8_t side, std::size_t connection) const;
  void add_options(simulation::Packet& packet, std::uint8_t choice) const;
  void add_timestamp(simulation::Packet& packet, std::size_t connection) const;
  void send(std::uint8_t side, simulation::Octets frame);
  void say(std::uint8_t side, std::size_t connection, Material material,
           const simulation::PlantPolicy& policy, std::uint8_t seed);
  void settle();  // until what was sent has arrived

  simulation::Network& network_;
  const simulation::ProtocolModel& protocol_;
  bool ipv6_;
  std::array<Puppet, 2> puppets_{};
  std::array<Talk, connection_count> talks_{};
};

}  // namespace conduit::fuzz
