// What a rule about DNP3 permits: fragments held against config/examples/substation.txtpb.
#include <doctest/doctest.h>

#include "tests/support/room_policy.hpp"
#include "tests/unit/dnp3/dnp3_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

struct Plant : RoomPolicy {
  explicit Plant(const std::string& rule = "")
      : RoomPolicy(rule.empty() ? example("substation") : one_conduit(allow("r", "dnp3 { " + rule + " }"))) {}

  // Is every operation of this fragment contained in a rule?
  bool permits(const Octets& fragment, std::uint16_t station = outstation) {
    const Octets pdu = frames(fragment, Role::CLIENT, 249, 0, station);
    const bool good = permitted(pdu, Role::CLIENT, image.services()[0].request_group);
    accept(pdu, Role::CLIENT, session);
    return good;
  }
  bool permits(const char* hex) { return permits(from_hex(hex)); }
  bool tells(const char* hex) {
    return permitted(frames(from_hex(hex), Role::SERVER), Role::SERVER,
                     image.services()[0].unsolicited_group);
  }
  bool permitted(const Octets& pdu, Role sender, std::uint32_t group) {
    return RoomPolicy::permits(dnp3_protocol, Bytes(pdu), sender, session, group);
  }

  SessionState session;
};

}  // namespace

TEST_CASE("reading passes, from that outstation alone") {
  Plant plant;
  CHECK(plant.permits("c0 01 3c0206 3c0306 3c0406 3c0106"));
  CHECK(plant.permits("c0 01 1e0100 0309"));
  CHECK_FALSE(plant.permits(from_hex("c0 01 3c0206"), 11));
  CHECK_FALSE(plant.permits(from_hex("c0 01 3c0206"), 0xFFFF));
}

TEST_CASE("of writes, only the restart indication is cleared") {
  Plant plant;
  CHECK(plant.permits("c0 02 500100 0707 00"));
  CHECK_FALSE(plant.permits("c0 02 500100 0707 01"));
  CHECK_FALSE(plant.permits("c0 02 500100 0607 00"));
  CHECK_FALSE(plant.permits("c0 02 500100 0404 00"));
  CHECK_FALSE(plant.permits("c0 02 320107 01 010203040500"));
  CHECK_FALSE(plant.permits("c0 02 500100 0707 00 320107 01 010203040500"));
}

TEST_CASE("the breaker moves only after a select, and as the rule says") {
  Plant plant;
  const char* const objects = "0c0117 01 04 81 01 64000000 00000000 00";
  const auto with = [&](const char* head, std::string tail) { return from_hex(std::string(head) + tail); };
  CHECK_FALSE(plant.permits(with("c1 04", objects)));  // not selected
  CHECK(plant.permits(with("c1 03", objects)));
  CHECK(plant.permits(with("c2 04", objects)));
  CHECK_FALSE(plant.permits(with("c1 05", objects)));                                       // direct
  CHECK_FALSE(plant.permits("c1 03 0c0117 01 05 81 01 64000000 00000000 00"));              // another point
  CHECK_FALSE(plant.permits("c1 03 0c0117 01 04 03 01 64000000 00000000 00"));              // latch
  CHECK_FALSE(plant.permits("c1 03 0c0117 01 04 81 02 64000000 00000000 00"));              // twice
  CHECK_FALSE(plant.permits("c1 03 0c0117 01 04 81 01 f5010000 00000000 00"));              // 501 ms
  CHECK(plant.permits("c1 03 0c0117 01 04 41 01 f4010000 00000000 00"));                    // 500 ms
  CHECK_FALSE(plant.permits("c1 03 0c0207 01 81 01 64000000 00000000 00 0c0300 0407 01"));  // by a pattern
  CHECK_FALSE(plant.permits("c1 03 0c0107 01 81 01 64000000 00000000 00"));                 // no index at all
  CHECK_FALSE(plant.permits("c1 03 0c0117 02 04 81 01 64000000 00000000 00 05 81 01 64000000 00000000 00"));
}

TEST_CASE("set points by value") {
  Plant plant;
  CHECK(plant.permits("c0 05 290217 01 00 0800 00"));
  CHECK(plant.permits("c0 05 290217 01 00 f8ff 00"));
  CHECK_FALSE(plant.permits("c0 05 290217 01 00 0900 00"));
  CHECK_FALSE(plant.permits("c0 05 290217 01 01 0800 00"));
  CHECK(plant.permits("c0 05 290317 01 00 00000041 00"));        // 8.0
  CHECK_FALSE(plant.permits("c0 05 290317 01 00 01000041 00"));  // a little more
  CHECK_FALSE(plant.permits("c0 05 290317 01 00 0000c07f 00"));  // not a number
  CHECK_FALSE(plant.permits("c0 05 290117 01 00 00000000 00"));  // another variation
  CHECK_FALSE(plant.permits("c0 05 290217 02 00 0100 00 00 0900 00"));
}

TEST_CASE("all else is denied") {
  Plant plant;
  for (const char* hex : {"c0 0d", "c0 0e", "c0 12 5a015b 01 0300 616263", "c0 15 3c0206", "c0 07 140006",
                          "c0 16 3c0206 1e0000 0003", "c0 17", "c0 50",
                          "c0 1b 46035b 01 1d00 1a00 0300 "
                          "000000000000 0000 00000000 00000000 0000 0004 0100 612f62"}) {
    CAPTURE(hex);
    CHECK_FALSE(plant.permits(hex));
  }
}

TEST_CASE("an operate without select needs its name in a rule") {
  const char* const operate = "c1 04 0c0117 01 04 03 01 64000000 00000000 00";
  CHECK_FALSE(Plant("access: OPERATE").permits(operate));
  CHECK_FALSE(Plant("outstation { first: 10 }").permits(operate));
  CHECK_FALSE(Plant("function: OPERATE").permits(operate));
  CHECK(Plant("function: OPERATE_WITHOUT_SELECT").permits(operate));
  CHECK(Plant("access: OPERATE").permits("c1 05 0c0117 01 04 03 01 64000000 00000000 00"));
}

TEST_CASE("a group stands for its variations") {
  CHECK(Plant("access: READ group { first: 30 }").permits("c0 01 1e0006 1e0506"));
  CHECK_FALSE(Plant("access: READ group { first: 30 }").permits("c0 01 1e0006 1f0006"));
  CHECK_FALSE(Plant("access: READ group { first: 30 }").permits("c0 01 1d0006"));
  CHECK(Plant("access: READ group { first: 30 last: 31 }").permits("c0 01 1e0006 1f0006"));
  CHECK_FALSE(Plant("access: READ object_number { first: 7681 }").permits("c0 01 1e0206"));
}

TEST_CASE("files by name") {
  const char* const open =
      "c0 19 46035b 01 1d00 1a00 0300 000000000000 0000 00000000 00000000 0100 0004 0100 612f62";
  CHECK(Plant("function: OPEN_FILE file_name: \"a/b\"").permits(open));
  CHECK(Plant("function: OPEN_FILE file_prefix: \"a/\"").permits(open));
  CHECK(Plant("function: OPEN_FILE file_mode: FILE_READ").permits(open));
  CHECK_FALSE(Plant("function: OPEN_FILE file_mode: FILE_WRITE").permits(open));
  CHECK_FALSE(Plant("function: OPEN_FILE file_name: \"a\"").permits(open));
  CHECK_FALSE(Plant("function: OPEN_FILE file_prefix: \"b\"").permits(open));
}

TEST_CASE("what the outstation may tell unasked") {
  Plant plant;
  CHECK(plant.tells("f0 82 0000 020128 0100 0300 81"));
  CHECK(plant.tells("f0 82 0000"));
}

TEST_CASE("a rule may ask for requests that authenticate themselves") {
  Plant plant(
      "function: SELECT function: OPERATE object: CROB index { first: 4 } authentication: AGGRESSIVE_MODE");
  const std::string objects = "0c0117 01 04 81 01 64000000 00000000 00";
  const std::string first = "780307 01 01000000 0100";
  const std::string second = "780307 01 02000000 0100";
  const std::string code = "78095b 01 0400 a1b2c3d4";
  const std::string other_code = "78095b 01 0400 d1d2d3d4";
  CHECK(plant.permits(from_hex("c1 03 " + first + objects + code)));
  CHECK(plant.permits(from_hex("c2 04 " + second + objects + other_code)));  // selected: both codes differ
  CHECK_FALSE(plant.permits(from_hex("c2 04 " + objects)));
  CHECK_FALSE(plant.permits(from_hex("c1 03 " + objects)));
  CHECK_FALSE(plant.permits(from_hex("c1 03 " + first + objects)));         // no code
  CHECK_FALSE(plant.permits(from_hex("c1 03 " + objects + code)));          // no request in front
  CHECK_FALSE(plant.permits(from_hex("c1 03 " + first + code + objects)));  // objects behind the code
  CHECK_FALSE(plant.permits(from_hex("c1 03 " + first + objects + code + objects)));  // likewise
  CHECK_FALSE(plant.permits(from_hex("c1 03 " + objects + first + code)));         // in front of the request
  CHECK_FALSE(plant.permits(from_hex("c1 03 " + first + objects + code + code)));  // twice
  CHECK_FALSE(plant.permits(from_hex("c1 03 " + first + objects + "78095b 02 0400 a1b2c3d4 0400 a1b2c3d4")));
  CHECK_FALSE(plant.permits(from_hex("c1 03 " + first + objects + "78095b 01 0500 a1b2c3d4")));  // too short
  CHECK_FALSE(plant.permits(from_hex("c1 03 " + first + "0c0117 01 05 81 01 64000000 00000000 00" + code)));
}

TEST_CASE("functions without objects can authenticate themselves, too") {
  Plant plant("function: COLD_RESTART authentication: AGGRESSIVE_MODE");
  CHECK(plant.permits("c1 0d 780307 01 01000000 0100 78095b 01 0400 a1b2c3d4"));
  CHECK_FALSE(plant.permits("c1 0d"));
  CHECK_FALSE(plant.permits("c1 0e 780307 01 01000000 0100 78095b 01 0400 a1b2c3d4"));  // a warm one
  Plant open("function: COLD_RESTART");
  CHECK(open.permits("c1 0d 780307 01 01000000 0100 78095b 01 0400 a1b2c3d4"));
  CHECK(open.permits("c1 0d"));
}
