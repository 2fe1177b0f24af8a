// Life of flows and of the worker: bounds, ageing, swaps, island mode, events, no allocation.
#include <doctest/doctest.h>

#include "tests/support/heap_guard.hpp"
#include "tests/unit/engine_support/plant.hpp"

namespace conduit {
namespace {

using namespace test;

constexpr std::uint64_t second = 1'000'000'000;

Octets opaque_udp(std::uint16_t from) { return udp({}, {ip_hmi, ip_drive}, from, 9000, hex("ff")); }
Octets syn(std::uint16_t from, std::uint16_t to = 9001) {
  return tcp({}, {ip_hmi, ip_drive}, {.from = from, .to = to, .flags = 0x02});
}
Octets syn_ack(std::uint16_t to) {
  return tcp({mac_drive, mac_hmi, {}}, {ip_drive, ip_hmi},
             {.from = 9001, .to = to, .sequence = 5000, .acknowledgement = 1001, .flags = 0x12});
}
Octets ack(std::uint16_t from, std::uint8_t flags = 0x10) {
  return tcp({}, {ip_hmi, ip_drive},
             {.from = from, .to = 9001, .sequence = 1001, .acknowledgement = 5001, .flags = flags});
}
bool establishes(Plane& plane, std::uint16_t from) {
  return plane.forwards(syn_ack(from), 1) && plane.forwards(ack(from));
}
bool connects(Plane& plane, std::uint16_t from) {
  return plane.forwards(syn(from)) && establishes(plane, from);
}

TEST_CASE("one source takes its share of the table at most; its datagrams leave places for its connections") {
  EngineLimits limits;
  limits.flow_count = 64;
  limits.half_open_count = 64;
  Plane plane(plant(), limits);
  for (std::uint16_t i = 0; i < 16; ++i)
    CHECK(plane.forwards(opaque_udp(static_cast<std::uint16_t>(1000 + i))));
  CHECK(plane.reason(opaque_udp(2000)) == Reason::SOURCE_FLOWS_FULL);
  CHECK(plane.forwards(opaque_udp(1000)));  // living ones go on
  for (std::uint16_t i = 0; i < 16; ++i) CHECK(plane.forwards(syn(static_cast<std::uint16_t>(1000 + i))));
  CHECK(plane.reason(syn(2000)) == Reason::SOURCE_FLOWS_FULL);
  for (std::uint16_t i = 0; i < 16; ++i) CHECK(establishes(plane, static_cast<std::uint16_t>(1000 + i)));
  for (std::uint16_t i = 0; i < 16; ++i) CHECK(plane.forwards(syn(static_cast<std::uint16_t>(3000 + i))));
  for (std::uint16_t i = 0; i < 16; ++i) CHECK(establishes(plane, static_cast<std::uint16_t>(3000 + i)));
  CHECK(plane.reason(syn(4000)) == Reason::SOURCE_FLOWS_FULL);
  CHECK(plane.forwards(ack(1005)));
  CHECK(plane.worker->counters().flows_created == 48);
}

TEST_CASE("a full table denies what has no flow yet") {
  EngineLimits limits;
  limits.flow_count = 1;
  limits.half_open_count = 4;
  Plane plane(plant(), limits);
  REQUIRE(plane.worker->counters().flows_created == 0);
  std::uint16_t port = 1000;
  while (plane.forwards(syn(port)) && port < 3000) {
    CHECK(establishes(plane, port));
    ++port;
  }
  const Reason reason = plane.reason(syn(4000));
  CHECK((reason == Reason::FLOW_TABLE_FULL || reason == Reason::SOURCE_FLOWS_FULL));
}

TEST_CASE("ageing by state, under the virtual clock") {
  Plane plane(plant());
  CHECK(plane.forwards(opaque_udp(1)));
  CHECK(plane.forwards(syn(1)));  // half open
  CHECK(connects(plane, 2));      // established
  CHECK(connects(plane, 3));
  CHECK(plane.forwards(ack(3, 0x11)));
  const Tcp fin{.from = 9001, .to = 3, .sequence = 5001, .acknowledgement = 1002, .flags = 0x11};
  CHECK(plane.forwards(tcp({mac_drive, mac_hmi, {}}, {ip_drive, ip_hmi}, fin), 1));  // closing
  const auto live = [&] {
    plane.worker->commit_counters();
    return plane.worker->counters().flows_live;
  };
  CHECK(live() == 4);
  plane.advance_by_deadlines(9 * second);
  CHECK(live() == 4);
  plane.advance_by_deadlines(2 * second);
  CHECK(live() == 3);  // half open: 10 s
  plane.advance_by_deadlines(20 * second);
  CHECK(live() == 2);  // closing: 30 s
  plane.advance_by_deadlines(80 * second);
  CHECK(plane.forwards(opaque_udp(1)));  // seen again: two more minutes
  plane.advance_by_deadlines(100 * second);
  CHECK(live() == 2);
  plane.advance_by_deadlines(30 * second);
  CHECK(live() == 1);
  plane.advance_by_deadlines(24 * 3600 * second - 300 * second);
  CHECK(live() == 1);
  plane.drain();
  plane.advance_by_deadlines(120 * second);
  CHECK(live() == 0);
  const auto events = plane.drain();
  REQUIRE(events.size() == 1);
  CHECK(events[0].reason == Reason::TCP_IDLE_TIMEOUT);
  CHECK(events[0].source == ip_hmi);
  CHECK(plane.worker->counters().flows_created == 4);
  CHECK(plane.worker->counters().flows_removed == 4);
}

TEST_CASE("a worker that slept for a year wakes up in order") {
  Plane plane(plant());
  CHECK(plane.forwards(opaque_udp(1)));
  plane.advance(365ULL * 24 * 3600 * second);
  plane.advance(second);
  plane.worker->commit_counters();
  CHECK(plane.worker->counters().flows_live == 0);
  CHECK(plane.forwards(opaque_udp(2)));
  plane.advance_by_deadlines(121 * second);
  plane.worker->commit_counters();
  CHECK(plane.worker->counters().flows_live == 0);
}

TEST_CASE("the conduit's own idle time") {
  ImageSource source = plant();
  source.conduits[0].idle_established_ns = 60 * second;
  Plane plane(source);
  CHECK(connects(plane, 1));
  plane.advance_by_deadlines(59 * second);
  CHECK(plane.forwards(ack(1)));
  plane.advance_by_deadlines(59 * second);
  CHECK(plane.forwards(ack(1)));
  plane.advance_by_deadlines(62 * second);
  CHECK_FALSE(plane.forwards(ack(1)));
}

TEST_CASE("after a swap a flow is classified at its next packet") {
  ImageSource source = plant();
  Plane plane(source);
  CHECK(connects(plane, 1));
  CHECK(plane.forwards(to_plc(modbus_pdu(1, read_ten))));
  source.generation = 2;
  plane.use(source);
  CHECK(plane.forwards(ack(1)));
  CHECK(plane.forwards(to_hmi(modbus_pdu(1, ten_words)), 1));  // the outstanding request lived on
  source.generation = 3;
  std::erase_if(source.services, [](const ServiceSource& s) { return s.protocol == ProtocolId::OPAQUE_TCP; });
  source.services[0].request.resize(0);
  source.services[0].request.push_back(write_rule(1));
  plane.use(source);
  plane.drain();
  CHECK(plane.reason(ack(1)) == Reason::FLOW_NO_LONGER_PERMITTED);
  CHECK(plane.recorder.reports.back().conduit == 0);
  CHECK_FALSE(plane.forwards(ack(1)));
  CHECK(plane.reason(to_plc(modbus_pdu(2, read_ten))) ==
        Reason::FUNCTION_NOT_PERMITTED);  // by the newest image
  CHECK(plane.drain()[0].generation == 3);
}

TEST_CASE("after a swap idle flows that nothing permits are found by the sweep") {
  ImageSource source = plant();
  Plane plane(source);
  for (std::uint16_t i = 1; i <= 40; ++i) {
    CHECK(connects(plane, i));
    CHECK(plane.forwards(opaque_udp(i)));
  }
  source.generation = 2;
  std::erase_if(source.services, [](const ServiceSource& s) { return s.protocol == ProtocolId::OPAQUE_TCP; });
  plane.use(source);
  plane.drain();
  plane.advance_by_deadlines(second);
  plane.worker->commit_counters();
  CHECK(plane.worker->counters().flows_live == 40);
  CHECK(plane.count(Reason::FLOW_NO_LONGER_PERMITTED) == 40);
  CHECK(plane.worker->counters().resets_sent == 80);  // both sides of each
  CHECK(plane.drain().size() == 40);
}

TEST_CASE("a flow whose protocol is another one now cannot be taken up in the middle") {
  ImageSource source = plant();
  Plane plane(source);
  CHECK(connects(plane, 1));
  source.generation = 2;
  for (ServiceSource& service : source.services) {
    if (service.protocol != ProtocolId::OPAQUE_TCP) continue;
    service = modbus_service(Transport::TCP, HMI, DRIVE);
    service.port_first = service.port_last = 9001;
    break;
  }
  plane.use(source);
  CHECK(plane.reason(ack(1)) == Reason::FLOW_NO_LONGER_PERMITTED);
}

TEST_CASE("island mode: essential rules only, living flows included") {
  Plane plane(plant());
  CHECK(connects(plane, 1));
  CHECK(plane.forwards(to_plc(modbus_pdu(1, read_ten))));
  plane.island = true;
  CHECK(plane.reason(ack(1)) == Reason::ISLAND_MODE);
  CHECK(plane.reason(syn(2)) == Reason::ISLAND_MODE);
  CHECK(plane.reason(to_plc(modbus_pdu(2, read_ten))) == Reason::NONE);
  CHECK(plane.reason(to_plc(modbus_pdu(3, "01 06 0028 0001"))) == Reason::ISLAND_MODE);
  plane.island = false;
  CHECK(plane.forwards(to_plc(modbus_pdu(4, "01 06 0028 0001"))));
  CHECK(plane.forwards(syn(2)));
}

TEST_CASE("an opaque rule ends with its grant, by the data plane's own clock") {
  ImageSource source = plant();
  source.grants.push_back({0});
  for (ServiceSource& service : source.services) {
    if (service.protocol == ProtocolId::OPAQUE_TCP) service.opaque->grant = 0;
  }
  Plane plane(source);
  CHECK(plane.reason(syn(1)) == Reason::GRANT_REQUIRED);
  source.generation = 2;
  source.grants[0].deadline_ns = plane.now_ns + 60 * second;
  plane.use(source);
  CHECK(connects(plane, 1));
  plane.now_ns += 61 * second;
  CHECK(plane.reason(ack(1)) == Reason::GRANT_REQUIRED);
  CHECK_FALSE(plane.forwards(ack(1)));
}

TEST_CASE("repeated resets of a pair hold back its SYNs, for longer each time, and not for ever") {
  Plane plane(plant());
  const auto open = [&](std::uint16_t from) {
    return plane.reason(tcp({}, {ip_hmi, ip_plc}, {.from = from, .flags = 0x02}));
  };
  const auto offend = [&](std::uint16_t from) {  // what is no Modbus resets the connection
    CHECK(open(from) == Reason::NONE);
    const Link back{mac_plc, mac_hmi, {}};
    CHECK(plane.forwards(
        tcp(back, {ip_plc, ip_hmi},
            {.from = 502, .to = from, .sequence = 5000, .acknowledgement = 1001, .flags = 0x12}),
        1));
    const Tcp segment{.from = from, .sequence = 1001, .acknowledgement = 5001, .flags = 0x18};
    CHECK(plane.reason(tcp({}, {ip_hmi, ip_plc}, segment, hex("16 03 01 00 2e 01 00 00 00 00 00 00"))) !=
          Reason::NONE);
  };
  for (std::uint16_t i = 0; i < back_off_after; ++i) offend(static_cast<std::uint16_t>(100 + i));
  CHECK(open(200) == Reason::TCP_BACKED_OFF);
  CHECK(plane.forwards(syn(200)));  // another pair
  plane.now_ns += back_off_first_ns + 1;
  offend(201);
  CHECK(open(202) == Reason::TCP_BACKED_OFF);
  plane.now_ns += back_off_first_ns + 1;
  CHECK(open(203) == Reason::TCP_BACKED_OFF);
  ImageSource observing = plant();
  observing.generation = 2;
  observing.conduits[0].mode = Mode::OBSERVE;
  plane.use(observing);
  (void)plane.drain();
  CHECK(plane.forwards(tcp({}, {ip_hmi, ip_plc}, {.from = 204, .flags = 0x02})));  // and this is told
  const std::vector<EventRecord> events = plane.drain();
  REQUIRE(events.size() == 1);
  CHECK(events[0].reason == Reason::TCP_BACKED_OFF);
  CHECK((events[0].flags & EVENT_OBSERVED) != 0);
  ImageSource enforcing = plant();
  enforcing.generation = 3;
  plane.use(enforcing);
  plane.now_ns += back_off_first_ns;
  CHECK(open(205) == Reason::NONE);
  plane.now_ns += back_off_window_ns + 1;
  offend(205);
  CHECK(open(206) == Reason::NONE);
}

TEST_CASE("repeats of a frame denial within a second are one record") {
  Plane plane(plant());
  for (int i = 0; i < 1000; ++i) plane.pass(udp({}, {ip_stranger, ip_plc}, 1, 502, hex("00")));
  auto events = plane.drain();
  REQUIRE(events.size() == 1);
  CHECK(events[0].count == 1);
  CHECK((events[0].flags & EVENT_FOLDED) == 0);
  plane.advance_by_deadlines(2 * second);
  events = plane.drain();
  REQUIRE(events.size() == 1);
  CHECK(events[0].count == 999);
  CHECK((events[0].flags & EVENT_FOLDED) != 0);
  CHECK(events[0].source == ip_stranger);
  CHECK(events[0].reason == Reason::SOURCE_UNKNOWN);
  CHECK(plane.count(Reason::SOURCE_UNKNOWN) == 1000);
  plane.advance_by_deadlines(2 * second);
  CHECK(plane.drain().empty());
}

TEST_CASE("a flood from ever new sources cannot fill the ring") {
  Plane plane(plant());
  plane.recorder.keep = false;
  std::uint64_t denied = 0;
  for (std::uint32_t i = 0; i < 20000; ++i, ++denied) {
    const Address source = ipv4_address(11, static_cast<std::uint8_t>(i >> 16),
                                        static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i));
    plane.pass(udp({}, {source, ip_plc}, 1, 502, hex("00")));
  }
  plane.advance_by_deadlines(3 * second);
  const auto events = plane.drain();
  CHECK(events.size() <= 2 * (event_fold_count + 1));
  std::uint64_t told = 0;
  for (const EventRecord& event : events) told += event.count;
  CHECK(told == denied);
  CHECK(plane.worker->counters().events_lost == 0);
}

TEST_CASE("a full ring loses the newest and says how many; so does one with an impossible tail") {
  Plane plane(plant());
  plane.recorder.keep = false;
  const auto deny = [&](std::uint32_t i) {
    plane.pass(to_plc(modbus_pdu(static_cast<std::uint16_t>(i), "01 05 0001 ff00")));
  };
  for (std::uint32_t i = 0; i < event_ring_count + 5; ++i) deny(i);
  CHECK(plane.worker->counters().events_lost == 5);
  CHECK(plane.ring->lost.load() == 5);
  const auto events = plane.drain();
  REQUIRE(events.size() == event_ring_count);
  CHECK(events.back().sequence == event_ring_count);
  deny(0);
  const auto later = plane.drain();
  REQUIRE(later.size() == 1);
  CHECK(later[0].sequence == event_ring_count + 6);  // the gap shows
  plane.ring->tail.store(plane.ring->head.load() + 1);
  deny(0);
  CHECK(plane.worker->counters().events_lost == 6);
}

TEST_CASE("counters are committed under their version") {
  Plane plane(plant());
  CHECK(plane.forwards(to_plc(modbus_pdu(1, read_ten))));
  CHECK(plane.counters_block.version.load() == 0);
  plane.advance(20'000'000);
  CHECK(plane.counters_block.version.load() == 2);
  CHECK(plane.counters_block.values.port[0].frames_in == 1);
  CHECK(plane.counters_block.values.port[1].frames_out == 1);
  CHECK(plane.counters_block.values.generation == 1);
  CHECK(plane.counters_block.values.heartbeat_ns == plane.now_ns);
  plane.advance(20'000'000);
  CHECK(plane.counters_block.version.load() == 2);
  plane.advance_by_deadlines(2 * second);
  CHECK(plane.counters_block.version.load() >= 4);
  CHECK(plane.worker->next_deadline() <= plane.now_ns + second);
}

TEST_CASE("a refusal that finds no room to leave is counted") {
  Plane plane(plant());
  plane.recorder.full = true;
  CHECK(plane.reason(to_plc(modbus_pdu(1, "01 05 0001 ff00"))) == Reason::FUNCTION_NOT_PERMITTED);
  CHECK(plane.count(Reason::OUTPUT_FULL) == 1);
  CHECK(plane.worker->counters().refusals_sent == 0);
}

TEST_CASE("both directions and the errors that speak of them belong to one worker") {
  const Octets there = to_plc(modbus_pdu(1, read_ten));
  const Octets back = to_hmi(modbus_pdu(1, ten_words));
  const Octets error = icmp({mac_router, mac_hmi, {}}, {ip_router, ip_hmi}, 3, 3, 0,
                            Octets(there.begin() + 14, there.begin() + 42));
  const Octets other_port = to_plc({}, 9, 9);
  for (std::uint32_t workers = 1; workers <= 16; ++workers) {
    const std::uint32_t owner = owner_of(there, workers);
    CHECK(owner < workers);
    CHECK(owner_of(back, workers) == owner);
    CHECK(owner_of(error, workers) == owner);
    CHECK(owner_of(other_port, workers) == owner);
    CHECK(owner_of(arp({mac_hmi, mac_broadcast, {}}, 1, mac_hmi, ip_hmi, ip_plc), workers) == 0);
  }
  std::array<bool, 4> used{};
  for (std::uint8_t i = 0; i < 64; ++i) {
    used[owner_of(udp({}, {ipv4_address(10, 0, 0, i), ip_plc}, 1, 2, {}), 4)] = true;
  }
  CHECK(used == std::array<bool, 4>{true, true, true, true});
}

TEST_CASE("nothing is allocated after start") {
  ImageSource source = plant();
  Plane plane(source);
  std::vector<std::pair<std::uint8_t, Octets>> traffic;
  for (std::uint16_t i = 0; i < 300; ++i) {
    traffic.emplace_back(std::uint8_t{0},
                         to_plc(modbus_pdu(i, read_ten), 502, static_cast<std::uint16_t>(i / 9)));
    traffic.emplace_back(std::uint8_t{1},
                         to_hmi(modbus_pdu(i, ten_words), 502, static_cast<std::uint16_t>(i / 9)));
    traffic.emplace_back(std::uint8_t{0}, to_plc(modbus_pdu(i, "01 06 0028 ffff")));
    traffic.emplace_back(std::uint8_t{0}, syn(i));
    traffic.emplace_back(std::uint8_t{1}, syn_ack(i));
    traffic.emplace_back(std::uint8_t{0}, ack(i));
    traffic.emplace_back(std::uint8_t{0}, opaque_udp(i));
    traffic.emplace_back(std::uint8_t{0}, udp({}, {ip_stranger, ip_plc}, i, 502, hex("00")));
    traffic.emplace_back(std::uint8_t{0}, icmp({}, {ip_hmi, ip_plc}, 8, 0, i, hex("00")));
    traffic.emplace_back(std::uint8_t{0}, arp({mac_hmi, mac_broadcast, {}}, 1, mac_hmi, ip_hmi, ip_plc));
    traffic.emplace_back(std::uint8_t{0}, ethernet({}, 0x88CC, {}));
  }
  source.generation = 2;
  source.services.pop_back();
  auto built = build_image(source);
  REQUIRE(built);
  const RuleImage second_image = open_image(*built);
  plane.recorder.keep = false;
  const HeapGuard guard;
  for (std::size_t i = 0; i < traffic.size(); ++i) {
    auto& [port, octets] = traffic[i];
    plane.now_ns += 1'000'000;
    if (i == traffic.size() / 2) plane.image = second_image;
    plane.begin();
    Frame frame{octets.data(), static_cast<std::uint32_t>(octets.size()), port, 0, 0};
    plane.worker->prepare({&frame, 1});
    (void)plane.worker->step(frame);
    plane.worker->tick();
  }
  for (int i = 0; i < 400; ++i) {
    plane.now_ns += second;
    plane.begin();
    plane.worker->tick();
  }
  CHECK(guard.allocations() == 0);
  CHECK(plane.worker->counters().flows_created > 500);
}

}  // namespace
}  // namespace conduit
