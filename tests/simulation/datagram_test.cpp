// Frames of UDP, what the reference reads in BACnet/IP, and that the oracle of datagrams finds what it is
// for.
#include <doctest/doctest.h>

#include "tests/simulation/bacnet/bacnet_datagrams.hpp"
#include "tests/simulation/bacnet/bacnet_rules.hpp"
#include "tests/simulation/bacnet/bacnet_segments.hpp"
#include "tests/simulation/datagram_host.hpp"
#include "tests/simulation/datagram_oracle.hpp"

namespace conduit::simulation {
namespace {

// ReadProperty of analog input 5, present value, with invoke id 1 (after Annex F.3.5), and its answer.
const Octets reads{0x81, 10, 0, 17, 1, 4, 0x00, 0x05, 1, 12, 0x0C, 0, 0, 0, 5, 0x19, 85};
const Octets answers{0x81, 10, 0,    23, 1,    0,    0x30, 1,    12,   0x0C, 0,   0,
                     0,    5,  0x19, 85, 0x3E, 0x44, 0x42, 0x90, 0x99, 0x9A, 0x3F};
const Octets refuses{0x81, 10, 0, 13, 1, 0, 0x50, 1, 12, 0x91, 2, 0x91, 27};

HostAddress host(std::uint8_t side) {
  HostAddress address;
  address.mac = {2, 0, 0, 0, side, 1};
  address.ipv4 = {10, 0, side, 1};
  return address;
}

TEST_CASE("a datagram is read as it was written, over IPv4 and IPv6") {
  for (const bool ipv6 : {false, true}) {
    Packet packet = make_datagram(host(1), host(2), ipv6, 40000, 47808, reads);
    const std::optional<Packet> read = decode_datagram(encode(packet));
    REQUIRE(read);
    CHECK(read->payload == reads);
    CHECK(read->source_port == 40000);
    CHECK(read->tcp_checksum_error == 0);
    CHECK(read->udp_length_error == 0);
    CHECK_FALSE(decode(encode(packet)));  // no TCP
    packet.tcp_checksum_error = 7;
    CHECK(decode_datagram(encode(packet))->tcp_checksum_error == 1);
    packet.udp_length_error = -2;
    CHECK(decode_datagram(encode(packet))->udp_length_error == -2);
  }
}

TEST_CASE("fragments of a datagram are put together, and one that is all of it stands alone") {
  Packet packet = make_datagram(host(1), host(2), true, 40000, 47808, reads);
  FragmentReader reader(decode_datagram);
  const std::vector<Octets> pieces = fragment(packet, {16});
  REQUIRE(pieces.size() == 2);
  CHECK_FALSE(reader.read(pieces[0]));
  packet.payload = answers;
  const std::vector<Octets> atomic = fragment(packet, {});
  REQUIRE(atomic.size() == 1);
  REQUIRE(reader.read(atomic[0]));
  const std::optional<Packet> whole = reader.read(pieces[1]);
  REQUIRE(whole);
  CHECK(whole->payload == reads);
  CHECK(whole->tcp_checksum_error == 0);
}

TEST_CASE("the reference reads what a request asks for") {
  const auto accesses = bacnet::read_request(reads);
  REQUIRE(accesses);
  REQUIRE(accesses->size() == 1);
  CHECK(accesses->front().function == bacnet::confirmed_base + bacnet::READ_PROPERTY);
  CHECK(accesses->front().type == 0U);
  CHECK(accesses->front().instance->first == 5);
  CHECK(accesses->front().property == bacnet::present_value);
  for (std::size_t size = 0; size < reads.size(); ++size)
    CHECK_FALSE(bacnet::read_request(View(reads).first(size)));
  CHECK(bacnet_datagrams().answers(answers, reads));
  CHECK(bacnet_datagrams().answers(refuses, reads));
  Octets other = answers;
  other[7] = 2;  // another invoke id
  CHECK_FALSE(bacnet_datagrams().answers(other, reads));
}

// A client and a server, and rules that permit the client to read object `instance`.
struct Scene {
  explicit Scene(std::uint32_t instance) {
    plant.clients = {host(1)};
    plant.servers = {host(2)};
    auto rules = std::make_shared<bacnet::BacnetRules>();
    bacnet::Allow allow;
    allow.functions = {bacnet::confirmed_base + bacnet::READ_PROPERTY};
    allow.instances = {{instance, instance}};
    rules->list.push_back(allow);
    policy.datagrams.push_back({0, 0, false, &bacnet_datagrams(), OnDeny::REFUSE, rules});
    timeline.note(0, &policy, false);
  }
  static Octets request() { return encode(make_datagram(host(1), host(2), false, 40000, 47808, reads)); }
  static Packet answer(const Octets& payload) {
    return make_datagram(host(2), host(1), false, 47808, 40000, payload);
  }
  void wait() { (void)scheduler.step(scheduler.now() + second); }
  [[nodiscard]] std::vector<Finding> promises() const {
    std::vector<Finding> findings;
    oracle.check_promises({}, findings);
    return findings;
  }
  Scheduler scheduler;
  Plant plant;
  PlantPolicy policy;
  DatagramTimeline timeline;
  DatagramOracle oracle{scheduler, plant, timeline};
};

TEST_CASE("a permitted request and its answer are found good") {
  Scene scene(5);
  scene.oracle.on_arrival(0, Scene::request());
  scene.oracle.on_departure(1, Scene::request());
  scene.oracle.on_arrival(1, encode(Scene::answer(answers)));
  scene.oracle.on_departure(0, encode(Scene::answer(answers)));
  scene.wait();
  CHECK(scene.oracle.findings().empty());
  CHECK(scene.promises().empty());
  CHECK(scene.oracle.denied() == 0);
  scene.oracle.on_departure(0, encode(Scene::answer(answers)));  // twice
  CHECK_FALSE(scene.oracle.findings().empty());
}

TEST_CASE("a permitted request that does not leave is found") {
  Scene scene(5);
  scene.oracle.on_arrival(0, Scene::request());
  scene.wait();
  CHECK(scene.oracle.denied() == 1);
  REQUIRE(scene.promises().size() == 1);
  CHECK(scene.promises()[0].oracle == "liveness");
}

TEST_CASE("a denied request that leaves, and one whose sender is told nothing, are found") {
  Scene scene(6);
  scene.oracle.on_arrival(0, Scene::request());
  scene.wait();
  REQUIRE(scene.promises().size() == 1);
  CHECK(scene.promises()[0].oracle == "refusal");
  CHECK(scene.oracle.findings().empty());
  scene.oracle.on_departure(1, Scene::request());
  REQUIRE(scene.oracle.findings().size() == 1);
  CHECK(scene.oracle.findings()[0].oracle == "safety");
}

TEST_CASE("a negative reply keeps the promise; another answer to what was denied is found") {
  Scene scene(6);
  scene.oracle.on_arrival(0, Scene::request());
  scene.oracle.on_departure(0, encode(Scene::answer(refuses)));
  scene.wait();
  CHECK(scene.promises().empty());
  CHECK(scene.oracle.findings().empty());
  scene.oracle.on_arrival(1, encode(Scene::answer(answers)));
  scene.oracle.on_departure(0, encode(Scene::answer(answers)));
  CHECK(scene.oracle.findings().size() == 1);
}

std::vector<Octets> cut(const Octets& pdu, std::size_t size) {
  return bacnet::Outgoing(*bacnet::read_message(pdu), size, 2).all();
}

TEST_CASE("segments are put together as readers do") {
  const std::vector<Octets> segments = cut(reads, 4);
  REQUIRE(segments.size() == 2);
  bacnet::SegmentReader reader;
  CHECK(reader.take(segments[0]).empty());
  CHECK(reader.take(segments[0]).empty());  // again
  CHECK(reader.take(segments[1]) == std::vector<Octets>{reads});
  CHECK(reader.take(segments[1]).empty());  // is known
  reader.answered(answers);
  CHECK(reader.take(segments[1]).empty());
  Octets changed = reads;
  changed[12] = 9;  // within the first segment
  const std::vector<Octets> others = cut(changed, 4);
  CHECK(reader.take(segments[0]) == std::vector<Octets>{reads});  // the last one has come before
  CHECK(reader.take(others[0]) == std::vector<Octets>{changed});
  CHECK(reader.take(segments[1]).empty());
}

TEST_CASE("who takes segments acknowledges the first, each window, the last, and what is missing") {
  const std::vector<Octets> segments = cut(reads, 1);
  bacnet::Incoming incoming(2);
  const auto said = [&](std::size_t number) {
    return incoming.take(*bacnet::read_message(segments[number]));
  };
  CHECK(said(0)->segment->sequence == 0);
  CHECK_FALSE(said(1));
  CHECK(said(2)->segment->sequence == 2);
  CHECK(said(4)->negative);
  CHECK_FALSE(said(3));
  CHECK_FALSE(said(3)->negative);  // again
  CHECK_FALSE(said(4));
  CHECK(said(5)->segment->sequence == 5);
  CHECK(said(6)->segment->sequence == 6);
  CHECK(incoming.whole());
  CHECK(bacnet::write_message(incoming.message()) == reads);
}

TEST_CASE("a denied request in segments is found when the last one leaves") {
  for (const std::uint32_t instance : {5U, 6U}) {
    Scene scene(instance);
    for (const Octets& segment : cut(reads, 4)) {
      CHECK(scene.oracle.findings().empty());
      const Octets frame = encode(make_datagram(host(1), host(2), false, 40000, 47808, segment));
      scene.oracle.on_arrival(0, frame);
      scene.oracle.on_departure(1, frame);
    }
    CHECK(scene.oracle.findings().empty() == (instance == 5));
    for (const Octets& segment : cut(answers, 8)) {
      scene.oracle.on_arrival(1, encode(Scene::answer(segment)));
      scene.oracle.on_departure(0, encode(Scene::answer(segment)));
    }
    CHECK(scene.oracle.findings().empty() == (instance == 5));
  }
}

TEST_CASE("an acknowledgement of segments needs its exchange") {
  const Octets acknowledges{0x81, 10, 0, 10, 1, 0, 0x40, 1, 0, 2};
  Scene scene(5);
  const Octets frame = encode(make_datagram(host(1), host(2), false, 40000, 47808, acknowledges));
  scene.oracle.on_arrival(0, Scene::request());
  scene.oracle.on_departure(1, Scene::request());
  scene.oracle.on_arrival(0, frame);
  scene.oracle.on_departure(1, frame);
  CHECK(scene.oracle.findings().empty());
  Scene without(5);
  without.oracle.on_arrival(0, frame);
  without.oracle.on_departure(1, frame);
  CHECK(without.oracle.findings().size() == 1);
}

TEST_CASE("wrong checksums, octets behind a PDU and octets that nobody has sent are found") {
  Scene scene(5);
  scene.oracle.on_arrival(0, Scene::request());
  Packet packet = make_datagram(host(1), host(2), false, 40000, 47808, reads);
  packet.tcp_checksum_error = 1;
  scene.oracle.on_departure(1, encode(packet));
  REQUIRE(scene.oracle.findings().size() == 1);
  CHECK(scene.oracle.findings()[0].oracle == "wire");
  packet.tcp_checksum_error = 0;
  packet.payload.push_back(0);
  scene.oracle.on_departure(1, encode(packet));
  CHECK(scene.oracle.findings().size() > 1);
}

}  // namespace
}  // namespace conduit::simulation
