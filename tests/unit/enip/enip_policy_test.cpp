// What a rule about EtherNet/IP permits: text of a policy, PDUs held against its image.
#include <doctest/doctest.h>

#include "tests/support/room_policy.hpp"
#include "tests/unit/enip/enip_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

struct Plant : RoomPolicy {
  explicit Plant(const std::string& rules) : RoomPolicy(one_conduit(rules)) {}
  static std::string allow(const std::string& id, const std::string& rule) {
    return test::allow(id, "enip { " + rule + " }");
  }

  bool permits(const Octets& pdu) {
    const std::uint32_t service = image.find_service(0, 1, Transport::TCP, 44818, OpenedBy::CLIENT);
    REQUIRE(service != none_index);
    const std::uint32_t group = image.services()[service].request_group;
    if (!head_of(pdu, Role::CLIENT).well_formed) return false;
    return RoomPolicy::permits(enip_protocol, Bytes(pdu), Role::CLIENT, SessionState{}, group);
  }
  bool permits_message(const Octets& message) { return permits(unconnected(message)); }
};

Octets write_int(const char* tag, int value, std::uint16_t count = 1) {
  Octets data = from_hex("c300") + le16(count);
  for (std::uint16_t i = 0; i < count; ++i) data = data + le16(static_cast<std::uint32_t>(value + i));
  return message(0x4D, tag_path(tag), data);
}
Octets read_tag(const char* tag, std::uint16_t count = 1) {
  return message(0x4C, tag_path(tag), le16(count));
}

const Octets slot_0 = from_hex("0100");
const Octets slot_1 = from_hex("0101");

}  // namespace

TEST_CASE("tags by name, element and value") {
  Plant plant(
      Plant::allow("r", "access: READ tag_prefix: \"Program:Main.\" tag: \"Speed\"") +
      Plant::allow("w",
                   "function: WRITE_TAG tag: \"Speed\" element { first: 0 } value { min: 0 max: 1500 }") +
      Plant::allow("x", "function: WRITE_TAG tag: \"Recipe\" element { first: 2 last: 4 } value { max: 9 }"));
  CHECK(plant.permits_message(read_tag("Speed")));
  CHECK(plant.permits_message(read_tag("Program:Main.Count[3].Value")));
  CHECK_FALSE(plant.permits_message(read_tag("speed")));
  CHECK_FALSE(plant.permits_message(read_tag("Speed2")));
  CHECK_FALSE(plant.permits_message(read_tag("Program:Other.Count")));
  CHECK(plant.permits_message(write_int("Speed", 1500)));
  CHECK_FALSE(plant.permits_message(write_int("Speed", 1501)));
  CHECK_FALSE(plant.permits_message(write_int("Speed", -1)));
  CHECK_FALSE(plant.permits_message(write_int("Speed", 1, 2)));
  CHECK_FALSE(plant.permits_message(write_int("Speed[1]", 1)));
  CHECK(plant.permits_message(write_int("Recipe[2]", 5, 3)));
  CHECK_FALSE(plant.permits_message(write_int("Recipe[2]", 5, 4)));
  CHECK_FALSE(plant.permits_message(write_int("Recipe[2]", 8, 3)));
  CHECK_FALSE(plant.permits_message(write_int("Recipe", 5)));
  // By instance nobody knows which tag it is.
  CHECK_FALSE(plant.permits_message(from_hex("4c 03 206b 2500 0300 0100")));
  CHECK_FALSE(plant.permits_message(message(0x4D, tag_path("Speed"), from_hex("a002 cefa 0100 0000"))));
  CHECK_FALSE(plant.permits_message(message(0x4E, tag_path("Speed"), from_hex("0200 0100 ffff"))));
  // A write among permitted reads.
  CHECK(plant.permits_message(packet({read_tag("Speed"), write_int("Speed", 3)})));
  CHECK_FALSE(
      plant.permits_message(packet({read_tag("Speed"), write_int("Speed", 3000), read_tag("Speed")})));
  // On the way to another device.
  CHECK_FALSE(plant.permits_message(unconnected_send(read_tag("Speed"), slot_0)));
}

TEST_CASE("routes are permitted where they are named") {
  Plant plant(Plant::allow("s", "access: SESSION") + Plant::allow("r", "access: READ") +
              Plant::allow("u", "function: UNCONNECTED_SEND route: \"1/0\""));
  CHECK(plant.permits_message(read_tag("Speed")));
  CHECK(plant.permits_message(unconnected_send(read_tag("Speed"), slot_0)));
  CHECK_FALSE(plant.permits_message(unconnected_send(read_tag("Speed"), slot_1)));
  CHECK_FALSE(plant.permits_message(unconnected_send(read_tag("Speed"), from_hex("0100 0205"))));
  CHECK_FALSE(plant.permits_message(unconnected_send(write_int("Speed", 1), slot_0)));
  CHECK_FALSE(
      plant.permits_message(unconnected_send(packet({read_tag("A"), write_int("Speed", 1)}), slot_0)));
  CHECK_FALSE(plant.permits_message(forward_open()));
  CHECK(plant.permits_message(forward_close()));
}

TEST_CASE("connections by application, class and interval") {
  Plant plant(
      Plant::allow(
          "io",
          "function: FORWARD_OPEN object: ASSEMBLY connection_point { first: 100 } "
          "produced_point { first: 101 } transport_class: CLASS_1 interval { first: 10000 last: 100000 }") +
      Plant::allow("m",
                   "function: FORWARD_OPEN object: MESSAGE_ROUTER route: \"1/0\" transport_class: CLASS_3"));
  OpeningParts io;
  io.transport = 0x01;
  io.path = from_hex("2004 2466 2c64 2c65");
  CHECK(plant.permits_message(forward_open(io)));
  OpeningParts fast = io;
  fast.interval_received = 5000;
  CHECK_FALSE(plant.permits_message(forward_open(fast)));
  OpeningParts other = io;
  other.path = from_hex("2004 2466 2c65 2c65");
  CHECK_FALSE(plant.permits_message(forward_open(other)));
  OpeningParts one = io;
  one.path = from_hex("2004 2466 2c64");
  CHECK_FALSE(plant.permits_message(forward_open(one)));
  OpeningParts messages;
  messages.path = from_hex("0100 2002 2401");
  CHECK(plant.permits_message(forward_open(messages)));
  messages.path = from_hex("0101 2002 2401");
  CHECK_FALSE(plant.permits_message(forward_open(messages)));
  messages.path = from_hex("2002 2401");
  CHECK_FALSE(plant.permits_message(forward_open(messages)));
}

TEST_CASE("objects, and what the device is") {
  Plant plant(Plant::allow("d", "access: DISCOVER") +
              Plant::allow("a",
                           "function: SET_ATTRIBUTE_SINGLE object: ASSEMBLY instance { first: 101 } "
                           "attribute { first: 3 } value { max: 1000 }"));
  CHECK(plant.permits_message(from_hex("01 02 2001 2401")));
  CHECK(plant.permits(encapsulated(0x63, {})));
  CHECK_FALSE(plant.permits(encapsulated(0x65, from_hex("01000000"), 1, 0, 0)));
  CHECK_FALSE(plant.permits_message(from_hex("05 02 2001 2401")));
  CHECK_FALSE(plant.permits_message(from_hex("0e 03 2004 2465 3003")));
  CHECK(plant.permits_message(from_hex("10 03 2004 2465 3003 e803")));
  CHECK_FALSE(plant.permits_message(from_hex("10 03 2004 2465 3003 e903")));
  CHECK_FALSE(plant.permits_message(from_hex("10 03 2004 2466 3003 e803")));
  CHECK_FALSE(plant.permits_message(from_hex("10 03 2004 2465 3003 e80300")));
  CHECK_FALSE(plant.permits_message(from_hex("04 02 2004 2465 0100 0300 e803")));
}

TEST_CASE("I/O datagrams have a service of their own beside TCP, whoever sends first") {
  Plant plant(Plant::allow("r", "access: READ"));
  const std::uint32_t aside = plant.image.find_service(0, 1, Transport::UDP, 2222, OpenedBy::CLIENT);
  REQUIRE(aside != none_index);
  CHECK(plant.image.find_service(0, 1, Transport::UDP, 2222, OpenedBy::SERVER) == aside);
  CHECK(plant.image.services()[aside].opened_by == OpenedBy::EITHER);
  CHECK(plant.image.find_service(0, 1, Transport::UDP, 44818, OpenedBy::CLIENT) == none_index);
  Plant datagrams(Plant::allow("r", "access: DISCOVER transport: UDP"));
  CHECK(datagrams.image.find_service(0, 1, Transport::UDP, 44818, OpenedBy::CLIENT) != none_index);
  CHECK(datagrams.image.find_service(0, 1, Transport::UDP, 2222, OpenedBy::CLIENT) == none_index);
}
