// What the oracle of safety calls an answer to a request that has passed.
#include <doctest/doctest.h>

#include "tests/simulation/modbus/modbus_model.hpp"
#include "tests/simulation/modbus/modbus_rules.hpp"
#include "tests/simulation/safety.hpp"

namespace conduit::simulation {
namespace {

// Read Holding Registers, one of them, and its answer.
const Octets asks{0, 1, 0, 0, 0, 6, 1, 3, 0, 5, 0, 1};
const Octets answers{0, 1, 0, 0, 0, 5, 1, 3, 2, 0x12, 0x34};

struct Idle final : Host {
  explicit Idle(std::uint8_t its_side) {
    side = its_side;
    address.mac = {2, 0, 0, 0, side, 1};
    address.ipv4 = {10, 0, side, 1};
  }
  void on_frame(View) override {}
};

// A client that may read, its server, and a connection between them that is open.
struct Scene {
  Scene() : oracle(scheduler, plant_of(client, server), false) {
    auto rules = std::make_shared<modbus::ModbusRules>();
    rules->list.emplace_back().classes = {Class::READ};
    Service service;
    service.protocol = &modbus_model();
    service.rules = rules;
    policy.services.push_back(service);
    oracle.in_force(&policy, false);
    pass(client, segment(client, SYN, 99, 0));
    pass(server, segment(server, SYN | ACK, 199, 100));
    pass(client, segment(client, ACK, 100, 200));
  }

  static const Plant& plant_of(const Host& client, const Host& server) {
    static Plant plant;
    plant.clients = {client.address};
    plant.servers = {server.address};
    return plant;
  }
  [[nodiscard]] Octets segment(const Host& from, std::uint8_t flags, std::uint32_t sequence,
                               std::uint32_t acknowledgement, const Octets& payload = {}) const {
    const Host& to = from.side == 0 ? server : client;
    Packet packet;
    packet.source_mac = from.address.mac;
    packet.destination_mac = to.address.mac;
    std::copy(from.address.ipv4.begin(), from.address.ipv4.end(), packet.source.begin());
    std::copy(to.address.ipv4.begin(), to.address.ipv4.end(), packet.destination.begin());
    packet.source_port = from.side == 0 ? 40000 : 502;
    packet.destination_port = from.side == 0 ? 502 : 40000;
    packet.flags = flags;
    packet.sequence = sequence;
    packet.acknowledgement = acknowledgement;
    packet.window = 8192;
    packet.payload = payload;
    return encode(packet);
  }
  void arrive(const Host& from, const Octets& frame) {
    oracle.on_sent(from, frame);
    oracle.on_arrival(from.side, frame);
  }
  void pass(const Host& from, const Octets& frame) {
    const Host& to = from.side == 0 ? server : client;
    arrive(from, frame);
    oracle.on_departure(to.side, frame);
    oracle.on_delivery(to, frame, false);
  }

  Scheduler scheduler;
  Idle client{0};
  Idle server{1};
  PlantPolicy policy;
  SafetyOracle oracle;
};

TEST_CASE("an answer to a request that has passed is one") {
  Scene scene;
  scene.pass(scene.client, scene.segment(scene.client, ACK, 100, 200, asks));
  scene.pass(scene.server, scene.segment(scene.server, ACK, 200, 112, answers));
  CHECK(scene.oracle.findings().empty());
}

TEST_CASE("an answer to a request that came and did not leave is found") {
  Scene scene;
  scene.arrive(scene.client, scene.segment(scene.client, ACK, 100, 200, asks));
  scene.pass(scene.server, scene.segment(scene.server, ACK, 200, 100, answers));
  CHECK_FALSE(scene.oracle.findings().empty());
}

TEST_CASE("a request that found the output full was let pass all the same") {
  Scene scene;
  const Octets request = scene.segment(scene.client, ACK, 100, 200, asks);
  scene.arrive(scene.client, request);
  scene.oracle.on_lost(1, request);
  scene.pass(scene.server, scene.segment(scene.server, ACK, 200, 100, answers));
  CHECK(scene.oracle.findings().empty());
}

}  // namespace
}  // namespace conduit::simulation
