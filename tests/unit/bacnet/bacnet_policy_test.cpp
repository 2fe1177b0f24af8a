// What a rule about BACnet permits: datagrams held against config/examples/building.txtpb.
#include <doctest/doctest.h>

#include "tests/support/room_policy.hpp"
#include "tests/unit/bacnet/bacnet_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

struct Plant : RoomPolicy {
  explicit Plant(const std::string& rule = "")
      : RoomPolicy(rule.empty() ? example("building") : one_conduit(allow("r", "bacnet { " + rule + " }"))),
        usual_client(rule.empty() ? "bms" : "m"),
        usual_server(rule.empty() ? "ahu-1" : "o") {}

  [[nodiscard]] std::uint32_t asset(const char* id) const {
    for (std::uint32_t i = 0; i < policy.names.assets.size(); ++i) {
      if (policy.names.assets[i].id == id) return i;
    }
    return none_index;
  }
  // Is every operation of this datagram contained in a rule?
  bool permits(const Octets& pdu) { return permits(pdu, usual_client, usual_server); }
  bool permits(const Octets& pdu, const char* client, const char* server = "ahu-1") {
    const std::uint32_t service =
        image.find_service(asset(client), asset(server), Transport::UDP, 47808, OpenedBy::CLIENT);
    REQUIRE(service != none_index);
    const std::uint32_t group = image.services()[service].request_group;
    return RoomPolicy::permits(bacnet_protocol, Bytes(pdu), Role::CLIENT, SessionState{}, group);
  }

  const char* usual_client;
  const char* usual_server;
};

Octets write(const char* parameters, const char* npdu = "01 04") {
  return linked(0x0A, std::string(npdu) + "00 04 01 0f" + parameters);
}

const Octets read_one = confirmed(12, "0c 00000005 19 55");
const Octets restart = confirmed(20, "09 01");

}  // namespace

TEST_CASE("reading passes, restarting does not") {
  Plant plant;
  CHECK(plant.permits(read_one));
  CHECK(plant.permits(confirmed(14, "0c 02000001 1e 09 08 1f")));
  CHECK_FALSE(plant.permits(restart));
  CHECK_FALSE(plant.permits(confirmed(17, "19 01")));
  CHECK_FALSE(plant.permits(confirmed(6, "c4 02800001 0e 31 00 21 1b 0f")));
  CHECK_FALSE(plant.permits(linked(4, "0a000502 bac0 01 04 00 04 01 0c 0c 00000005 19 55")));
}

TEST_CASE("one set point, by priority and value") {
  Plant plant;
  CHECK(plant.permits(write("0c 00800004 19 55 3e 44 41a00000 3f")));
  CHECK(plant.permits(write("0c 00800004 19 55 3e 44 41d00000 3f 49 0a")));
  CHECK_FALSE(plant.permits(write("0c 00800004 19 55 3e 44 41d00000 3f 49 09")));
  CHECK_FALSE(plant.permits(write("0c 00800004 19 55 3e 44 41d00001 3f")));
  CHECK_FALSE(plant.permits(write("0c 00800004 19 55 3e 44 7fc00000 3f")));
  CHECK_FALSE(plant.permits(write("0c 00800004 19 55 3e 00 3f")));
  CHECK_FALSE(plant.permits(write("0c 00800005 19 55 3e 44 41a00000 3f")));
  CHECK_FALSE(plant.permits(write("0c 00400004 19 55 3e 44 41a00000 3f")));
  CHECK_FALSE(plant.permits(write("0c 00800004 19 57 29 0a 3e 44 41a00000 3f")));
  CHECK_FALSE(plant.permits(write("0c 00800004 19 55 3e 44 41a00000 44 41a00000 3f")));
  const char* const two = "0c 00800004 1e 09 55 2e 44 41a00000 2f 09 51 2e 11 2f 1f";
  CHECK_FALSE(plant.permits(confirmed(16, two)));
  CHECK(plant.permits(confirmed(16, "0c 00800004 1e 09 55 2e 44 41a00000 2f 1f")));
}

TEST_CASE("rooms behind the router, and nothing of the router") {
  Plant plant;
  const char* const set = "0c 00800004 19 55 3e 44 41a00000 3f";
  CHECK(plant.permits(write(set, "01 24 0005 01 03 ff"), "bms", "bus-router"));
  CHECK(plant.permits(write(set, "01 24 0005 01 ff ff"), "bms", "bus-router"));
  CHECK(plant.permits(write(set, "01 24 0005 00 ff"), "bms", "bus-router"));
  CHECK_FALSE(plant.permits(write(set, "01 24 0006 01 03 ff"), "bms", "bus-router"));
  CHECK_FALSE(plant.permits(write(set, "01 24 ffff 00 ff"), "bms", "bus-router"));
  CHECK_FALSE(plant.permits(write(set), "bms", "bus-router"));
}

TEST_CASE("controllers announce themselves and report") {
  Plant plant;
  const Octets i_am = unconfirmed(0, "c4 02000007 22 01e0 91 03 21 63");
  const Octets stranger = unconfirmed(0, "c4 02000064 22 01e0 91 03 21 63");
  CHECK(plant.permits(i_am, "ahu-1", "bms"));
  CHECK(plant.permits(i_am, "ahu-1", "all-upstream"));
  CHECK_FALSE(plant.permits(stranger, "ahu-1", "bms"));
  CHECK(plant.permits(confirmed(1, "09 01 1c 02000005 2c 00000007 39 00 4e 09 55 2e 44 42c80000 2f 4f"),
                      "ahu-1", "bms"));
  CHECK_FALSE(plant.permits(read_one, "ahu-1", "bms"));
  const std::string of_other = " 01 00 10 00 c4 02000007 22 01e0 91 03 21 63";
  CHECK(plant.permits(linked(4, "0a001515 bac0" + of_other), "bbmd", "bms"));
  CHECK_FALSE(plant.permits(linked(4, "0a001516 bac0" + of_other), "bbmd", "bms"));
  CHECK_FALSE(plant.permits(i_am, "bbmd", "bms"));
}

TEST_CASE("who is asked for") {
  Plant plant;
  CHECK(plant.permits(unconfirmed(8, "09 00 19 63"), "bms", "all-downstream"));
  CHECK_FALSE(plant.permits(unconfirmed(8, "09 00 19 64"), "bms", "all-downstream"));
  CHECK_FALSE(plant.permits(unconfirmed(8, ""), "bms", "all-downstream"));
}

TEST_CASE("classes of what is written") {
  const Octets output = write("0c 00400001 19 55 3e 44 43340000 3f");
  const Octets value = write("0c 00800001 19 55 3e 44 43340000 3f");
  const Octets limit = write("0c 00000001 19 2d 3e 44 43340000 3f");
  const Octets device = write("0c 02000001 19 4d 3e 74 00616263 3f");
  CHECK(Plant("access: OPERATE").permits(output));
  CHECK_FALSE(Plant("access: OPERATE").permits(value));
  CHECK(Plant("access: WRITE").permits(value));
  CHECK_FALSE(Plant("access: WRITE").permits(output));
  CHECK_FALSE(Plant("access: WRITE access: OPERATE").permits(limit));
  CHECK(Plant("access: PROGRAM").permits(limit));
  CHECK(Plant("access: MANAGE").permits(device));
  CHECK_FALSE(Plant("access: READ access: DISCOVER").permits(value));
}

TEST_CASE("what only its name permits") {
  const Octets forwarded = linked(4, "0a000502 bac0 01 00 10 08");
  const char* const named = "function: FORWARDED_NPDU function: WHO_IS";
  CHECK(Plant(named).permits(forwarded));
  CHECK_FALSE(Plant("carrier: FORWARDED").permits(forwarded));
  CHECK_FALSE(Plant("function: FORWARDED_NPDU").permits(forwarded));  // what is inside is not
  CHECK(Plant(std::string(named) + " origin: \"10.0.5.2:47808\"").permits(forwarded));
  CHECK(Plant(std::string(named) + " origin_prefix: \"10.0.5.\"").permits(forwarded));
  CHECK_FALSE(Plant(std::string(named) + " origin: \"10.0.5.3:47808\"").permits(forwarded));
  CHECK_FALSE(Plant("carrier: UNICAST function: WHO_IS function: FORWARDED_NPDU").permits(forwarded));
  for (const Octets& pdu : {linked(12, "00"), confirmed(18, "09 19 19 08")}) {
    CHECK_FALSE(Plant("type_number { first: 0 last: 1023 }").permits(pdu));
  }
  CHECK(Plant("function: CONFIRMED_PRIVATE_TRANSFER vendor { first: 25 } service_number { first: 8 }")
            .permits(confirmed(18, "09 19 19 08")));
  CHECK_FALSE(Plant("function: CONFIRMED_PRIVATE_TRANSFER vendor { first: 26 }")
                  .permits(confirmed(18, "09 19 19 08")));
}

TEST_CASE("states, properties, elements, names") {
  CHECK(Plant("function: REINITIALIZE_DEVICE state: WARMSTART").permits(restart));
  CHECK_FALSE(Plant("function: REINITIALIZE_DEVICE state: COLDSTART").permits(restart));
  CHECK_FALSE(Plant("function: REINITIALIZE_DEVICE priority { first: 1 last: 16 }").permits(restart));
  CHECK(Plant("function: READ_PROPERTY property: PRESENT_VALUE").permits(read_one));
  const Octets all = confirmed(14, "0c 00000005 1e 09 08 1f");
  CHECK_FALSE(Plant("access: READ property: PRESENT_VALUE property: STATUS_FLAGS").permits(all));
  CHECK(Plant("access: READ property: ALL").permits(all));
  const Octets element = confirmed(12, "0c 02000001 19 4c 29 02");
  CHECK(Plant("access: READ index { first: 0 last: 5 }").permits(element));
  CHECK_FALSE(Plant("access: READ index { first: 0 last: 1 }").permits(element));
  CHECK_FALSE(Plant("access: READ index { first: 0 last: 5 }").permits(read_one));
  CHECK(Plant("access: DISCOVER object_name: \"OATemp\"").permits(unconfirmed(7, "3d 07 00 4f4154656d70")));
  CHECK_FALSE(Plant("access: DISCOVER object_name: \"OA\"").permits(unconfirmed(7, "3d 07 00 4f4154656d70")));
  CHECK(Plant("function: REGISTER_FOREIGN_DEVICE value { max: 60 }").permits(linked(5, "003c")));
  CHECK_FALSE(Plant("function: REGISTER_FOREIGN_DEVICE value { max: 60 }").permits(linked(5, "003d")));
  CHECK(
      Plant("function: I_AM_ROUTER_TO_NETWORK network { first: 5 }").permits(linked(0x0A, "01 80 01 0005")));
  CHECK_FALSE(Plant("function: I_AM_ROUTER_TO_NETWORK network { first: 5 }")
                  .permits(linked(0x0A, "01 80 01 0005 0006")));
}
