// What the oracle of safety takes for let pass, and what for denied.
#include <doctest/doctest.h>

#include "tests/simulation/modbus/modbus_model.hpp"
#include "tests/simulation/modbus/modbus_rules.hpp"
#include "tests/simulation/s7comm/s7comm_model.hpp"
#include "tests/simulation/s7comm/s7comm_rules.hpp"
#include "tests/simulation/safety.hpp"

namespace conduit::simulation {
namespace {

// Modbus: Read Holding Registers, one of them, its answer, and its refusal.
const Octets asks{0, 1, 0, 0, 0, 6, 1, 3, 0, 5, 0, 1};
const Octets answers{0, 1, 0, 0, 0, 5, 1, 3, 2, 0x12, 0x34};
const Octets refuses{0, 1, 0, 0, 0, 3, 1, 0x83, 1};
// S7comm: a connection request, of which a connection has one.
const Octets connects{3, 0, 0, 22, 17, 0xE0, 0, 0, 0, 1, 0, 0xC0, 1, 10, 0xC1, 2, 1, 0, 0xC2, 2, 3, 0};

struct Idle final : Host {
  explicit Idle(std::uint8_t its_side) {
    side = its_side;
    address.mac = {2, 0, 0, 0, side, 1};
    address.ipv4 = {10, 0, side, 1};
  }
  void on_frame(View) override {}
};

std::shared_ptr<const Rules> reading() {
  auto rules = std::make_shared<modbus::ModbusRules>();
  rules->list.emplace_back().classes = {Class::READ};
  return rules;
}
std::shared_ptr<const Rules> connecting() {
  auto rules = std::make_shared<s7comm::S7commRules>();
  rules->list.emplace_back().classes = {Class::SESSION};
  return rules;
}

// A client and its server, between whom `rules` permit something. `joined`: as the oracle has it.
struct Scene {
  Scene(const ProtocolModel& protocol, std::shared_ptr<const Rules> rules, bool joined)
      : port(protocol.port()), oracle(scheduler, plant_of(client, server), joined) {
    Service service;
    service.protocol = &protocol;
    service.rules = std::move(rules);
    policy.services.push_back(service);
    oracle.in_force(&policy, false);
  }
  void open() {
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
                               std::uint32_t acknowledgement, const Octets& payload = {},
                               std::uint8_t ttl = 64) const {
    const Host& to = from.side == 0 ? server : client;
    Packet packet;
    packet.source_mac = from.address.mac;
    packet.destination_mac = to.address.mac;
    std::copy(from.address.ipv4.begin(), from.address.ipv4.end(), packet.source.begin());
    std::copy(to.address.ipv4.begin(), to.address.ipv4.end(), packet.destination.begin());
    packet.source_port = from.side == 0 ? std::uint16_t{40000} : port;
    packet.destination_port = from.side == 0 ? port : std::uint16_t{40000};
    packet.flags = flags;
    packet.sequence = sequence;
    packet.acknowledgement = acknowledgement;
    packet.window = 8192;
    packet.payload = payload;
    packet.ttl = ttl;
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

  std::uint16_t port;
  Scheduler scheduler;
  Idle client{0};
  Idle server{1};
  PlantPolicy policy;
  SafetyOracle oracle;
};

TEST_CASE("an answer to a request that has passed is one") {
  Scene scene(modbus_model(), reading(), false);
  scene.open();
  scene.pass(scene.client, scene.segment(scene.client, ACK, 100, 200, asks));
  scene.pass(scene.server, scene.segment(scene.server, ACK, 200, 112, answers));
  CHECK(scene.oracle.findings().empty());
}

TEST_CASE("an answer to a request that came and did not leave is found") {
  Scene scene(modbus_model(), reading(), false);
  scene.open();
  scene.arrive(scene.client, scene.segment(scene.client, ACK, 100, 200, asks));
  scene.pass(scene.server, scene.segment(scene.server, ACK, 200, 100, answers));
  CHECK_FALSE(scene.oracle.findings().empty());
}

TEST_CASE("a request that found the output full was let pass all the same") {
  Scene scene(modbus_model(), reading(), false);
  scene.open();
  const Octets request = scene.segment(scene.client, ACK, 100, 200, asks);
  scene.arrive(scene.client, request);
  scene.oracle.on_lost(1, request);
  scene.pass(scene.server, scene.segment(scene.server, ACK, 200, 100, answers));
  CHECK(scene.oracle.findings().empty());
}

TEST_CASE("a refusal answers a request behind an end that the gateway does not take") {
  constexpr std::uint8_t dies = 1;
  constexpr std::uint32_t never_sent = 300;
  for (const bool lives : {false, true}) {
    CAPTURE(lives);
    Scene scene(modbus_model(), std::make_shared<modbus::ModbusRules>(), false);
    scene.open();
    const Octets front(asks.begin(), asks.begin() + 6);
    const Octets rest(asks.begin() + 6, asks.end());
    scene.arrive(scene.client, lives ? scene.segment(scene.client, FIN | ACK, 100, never_sent)
                                     : scene.segment(scene.client, FIN | ACK, 100, 200, {}, dies));
    scene.arrive(scene.client, scene.segment(scene.client, SYN, 100, 0));
    scene.arrive(scene.client, scene.segment(scene.client, ACK, 100, 200, front));
    scene.arrive(scene.client, scene.segment(scene.client, ACK, 106, 200, rest));
    scene.pass(scene.server, scene.segment(scene.server, ACK, 200, 112, refuses));
    CHECK(scene.oracle.findings().empty());
  }
}

TEST_CASE("a refusal answers a request in the place of octets that the gateway does not take") {
  Scene scene(modbus_model(), std::make_shared<modbus::ModbusRules>(), false);
  scene.open();
  constexpr std::uint32_t never_sent = 300;
  Octets other = asks;
  other[1] = 2;
  scene.arrive(scene.client, scene.segment(scene.client, ACK, 100, never_sent, other));
  scene.arrive(scene.client,
               scene.segment(scene.client, ACK, 100, 200, Octets(asks.begin(), asks.end() - 1)));
  scene.arrive(scene.client, scene.segment(scene.client, ACK, 111, 200, Octets(1, asks.back())));
  scene.pass(scene.server, scene.segment(scene.server, ACK, 200, 112, refuses));
  CHECK(scene.oracle.findings().empty());
}

TEST_CASE("octets in fragments are those of the stream where these are tolerated") {
  for (const bool tolerated : {false, true}) {
    CAPTURE(tolerated);
    Scene scene(modbus_model(), std::make_shared<modbus::ModbusRules>(), false);
    scene.policy.fragments = tolerated;
    scene.open();
    Octets other = asks;
    other[1] = 2;
    const std::optional<Packet> packet = decode(scene.segment(scene.client, ACK, 100, 200, other));
    REQUIRE(packet);
    for (const Octets& piece : fragment(*packet, {8, 24})) scene.arrive(scene.client, piece);
    const Octets front(asks.begin(), asks.begin() + 6);
    const Octets rest(asks.begin() + 6, asks.end());
    scene.arrive(scene.client, scene.segment(scene.client, ACK, 100, 200, front));
    scene.arrive(scene.client, scene.segment(scene.client, ACK, 106, 200, rest));
    scene.pass(scene.server, scene.segment(scene.server, ACK, 200, 112, refuses));
    CHECK(scene.oracle.findings().empty() == !tolerated);
  }
}

TEST_CASE("what a connection has said before counts until a reset lets the gateway forget it") {
  for (const bool joined : {false, true}) {
    for (const bool reset : {false, true}) {
      CAPTURE(joined);
      CAPTURE(reset);
      Scene scene(s7comm_model(), connecting(), joined);
      scene.open();
      scene.pass(scene.client, scene.segment(scene.client, ACK, 100, 200, connects));
      CHECK(scene.oracle.findings().empty());
      if (reset) scene.oracle.on_departure(0, scene.segment(scene.server, RST | ACK, 200, 122));
      scene.pass(scene.client, scene.segment(scene.client, ACK, 122, 200, connects));
      CHECK(scene.oracle.findings().empty() == (joined && reset));
    }
  }
}

TEST_CASE("a connection whose opening nobody has seen may be joined") {
  for (const bool joined : {false, true}) {
    CAPTURE(joined);
    Scene scene(s7comm_model(), connecting(), joined);
    scene.pass(scene.client, scene.segment(scene.client, ACK, 100, 200, connects));
    scene.pass(scene.client, scene.segment(scene.client, ACK, 122, 200, connects));
    CHECK(scene.oracle.findings().empty() == joined);
  }
}

}  // namespace
}  // namespace conduit::simulation
