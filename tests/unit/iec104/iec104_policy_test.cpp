// What a rule about IEC 104 permits: ASDUs held against config/examples/telecontrol.txtpb.
#include <doctest/doctest.h>

#include "tests/support/room_policy.hpp"
#include "tests/unit/iec104/iec104_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;

struct Plant : RoomPolicy {
  explicit Plant(const std::string& rule = "")
      : RoomPolicy(rule.empty() ? example("telecontrol")
                                : one_conduit(allow("r", "iec104 { " + rule + " }"))) {}

  // Is every operation of this ASDU contained in a rule?
  [[nodiscard]] bool permits(const char* asdu) { return permitted(talk.frame(C, asdu), C); }
  [[nodiscard]] bool tells(const char* asdu) { return permitted(talk.frame(S, asdu), S); }
  [[nodiscard]] bool permitted(const Octets& pdu, Role sender) {
    const auto& service = image.services()[0];
    const std::uint32_t group = sender == C ? service.request_group : service.unsolicited_group;
    return RoomPolicy::permits(iec104_protocol, Bytes(pdu), sender, talk.session, group);
  }

  Talk talk;
};

}  // namespace

TEST_CASE("link control by rule, in each direction") {
  Plant plant;
  CHECK(plant.permitted(u_frame(startdt_act), C));
  CHECK(plant.permitted(u_frame(testfr_act), C));
  CHECK_FALSE(plant.permitted(u_frame(stopdt_act), C));
  CHECK(plant.permitted(u_frame(testfr_act), S));
  CHECK_FALSE(plant.permitted(u_frame(startdt_con), S));  // passes only as an answer
  CHECK_FALSE(plant.permitted(u_frame(testfr_con), C));
  Plant bare("access: READ");
  CHECK_FALSE(bare.permitted(u_frame(startdt_act), C));
  Plant session("access: SESSION");
  CHECK(session.permitted(u_frame(startdt_act), C));
  CHECK(session.permitted(u_frame(stopdt_act), C));
  CHECK_FALSE(session.permitted(u_frame(testfr_con), C));
}

TEST_CASE("interrogations pass, of that station alone, and counters are not frozen") {
  Plant plant;
  CHECK(plant.permits("64 01 06 00 0100 000000 14"));
  CHECK(plant.permits("64 01 06 00 0100 000000 15"));
  CHECK_FALSE(plant.permits("64 01 06 00 0200 000000 14"));
  CHECK_FALSE(plant.permits("64 01 06 00 ffff 000000 14"));
  CHECK(plant.permits("65 01 06 00 0100 000000 05"));
  CHECK_FALSE(plant.permits("65 01 06 00 0100 000000 45"));
  CHECK_FALSE(plant.permits("65 01 06 00 0100 000000 c5"));
  CHECK(plant.permits("66 01 05 00 0100 0a0000"));
  CHECK(plant.permits("67 01 06 00 0100 000000 10271e0c05061a"));
}

TEST_CASE("breakers move only after a selection, and as the rule says") {
  Plant plant;
  CHECK_FALSE(plant.permits("2e 01 06 00 0100 891300 01"));  // not selected
  CHECK(plant.permits("2e 01 06 00 0100 891300 81"));
  plant.talk.pass(C, "2e 01 06 00 0100 891300 81");
  plant.talk.pass(S, "2e 01 07 00 0100 891300 81");
  CHECK(plant.permits("2e 01 06 00 0100 891300 01"));
  CHECK_FALSE(plant.permits("2e 01 06 00 0100 8a1300 01"));
  CHECK_FALSE(plant.permits("2e 01 86 00 0100 891300 01"));  // test bit
  CHECK(plant.permits("2e 01 08 00 0100 891300 01"));
  CHECK_FALSE(plant.permits("2e 01 06 00 0100 881300 81"));  // another object
  CHECK_FALSE(plant.permits("2e 01 06 00 0100 8b1300 81"));
  CHECK_FALSE(plant.permits("2e 01 06 00 0100 89130a 81"));
  CHECK_FALSE(plant.permits("2e 01 06 00 0100 891300 8d"));                 // qualifier 3
  CHECK_FALSE(plant.permits("2d 01 06 00 0100 891300 81"));                 // single command
  CHECK_FALSE(plant.permits("3b 01 06 00 0100 891300 81 10271e0c05061a"));  // with a time
  CHECK_FALSE(plant.permits("2e 01 46 00 0100 891300 81"));                 // P/N
  CHECK_FALSE(plant.permits("2e 01 03 00 0100 891300 81"));                 // cause
}

TEST_CASE("set points by value") {
  Plant plant;
  CHECK(plant.permits("32 01 06 00 0100 711700 0000c842 00"));        // 100
  CHECK_FALSE(plant.permits("32 01 06 00 0100 711700 0100c842 00"));  // a little more
  CHECK(plant.permits("32 01 06 00 0100 711700 0000f041 00"));        // 30
  CHECK_FALSE(plant.permits("32 01 06 00 0100 711700 ffffef41 00"));  // a little less
  CHECK_FALSE(plant.permits("32 01 06 00 0100 711700 0000c07f 00"));  // not a number
  CHECK_FALSE(plant.permits("32 01 06 00 0100 711700 0000807f 00"));  // infinite
  CHECK_FALSE(plant.permits("32 01 06 00 0100 721700 0000c842 00"));
  CHECK_FALSE(plant.permits("32 01 08 00 0100 711700 0000c842 00"));
  Plant normalised("function: C_SE_NA_1 value { min: -0.5 max: 0.5 }");
  CHECK(normalised.permits("30 01 06 00 0100 711700 0040 00"));
  CHECK_FALSE(normalised.permits("30 01 06 00 0100 711700 0140 00"));
  CHECK(normalised.permits("30 01 06 00 0100 711700 00c0 00"));
  CHECK_FALSE(normalised.permits("30 01 06 00 0100 711700 0080 00"));
  Plant scaled("function: C_SE_NB_1 value { min: -5 max: 5 }");
  CHECK(scaled.permits("31 01 06 00 0100 711700 fbff 00"));
  CHECK_FALSE(scaled.permits("31 01 06 00 0100 711700 faff 00"));
  Plant bits("function: C_BO_NA_1 value { max: 15 }");
  CHECK(bits.permits("33 01 06 00 0100 711700 0f000000"));
  CHECK_FALSE(bits.permits("33 01 06 00 0100 711700 0f000001"));
  Plant off("function: C_DC_NA_1 value { min: 1 max: 1 }");
  CHECK(off.permits("2e 01 06 00 0100 711700 01"));
  CHECK_FALSE(off.permits("2e 01 06 00 0100 711700 02"));
}

TEST_CASE("all else is denied") {
  Plant plant;
  for (const char* asdu :
       {"69 01 06 00 0100 000000 01", "6a 01 06 00 0100 000000 1027", "6e 01 06 00 0100 0a0000 0040 01",
        "71 01 06 00 0100 0a0000 03", "7a 01 0d 00 0100 0a0000 0700 00 01",
        "7a 01 05 00 0100 0a0000 0000 00 00", "68 01 06 00 0100 000000 aa55",
        "33 01 06 00 0100 711700 ffffffff", "29 01 06 00 0100 0a0000 01", "80 01 06 00 0100 0a0000 01"}) {
    CAPTURE(asdu);
    CHECK_FALSE(plant.permits(asdu));
  }
}

TEST_CASE("what is unknown or misplaced, no rule permits") {
  Plant everything(
      "access: READ access: WRITE access: OPERATE access: PROGRAM access: MANAGE access: DISCOVER "
      "access: SESSION");
  CHECK(everything.permits("69 01 06 00 0100 000000 01"));
  CHECK(everything.permits("2d 01 06 00 0100 891300 01"));
  for (const char* asdu :
       {"29 01 06 00 0100 0a0000 01", "80 01 06 00 0100 0a0000 01", "ff 01 06 00 0100",
        "01 01 03 00 0100 0a0000 01", "2d 01 07 00 0100 891300 01", "2d 01 46 00 0100 891300 01",
        "2d 01 06 00 ffff 891300 01", "2d 01 3f 00 0100 891300 01"}) {
    CAPTURE(asdu);
    CHECK_FALSE(everything.permits(asdu));
  }
}

TEST_CASE("each object of a report has to be permitted, in both forms") {
  Plant plant(
      "common_address { first: 1 } function: F_SC_NA_1 file { first: 7 } qualifier { first: 1 last: 2 }");
  CHECK(plant.permits("7a 01 0d 00 0100 0a0000 0700 00 01"));
  CHECK_FALSE(plant.permits("7a 01 0d 00 0100 0a0000 0700 00 04"));
  CHECK_FALSE(plant.permits("7a 01 0d 00 0100 0a0000 0800 00 01"));
  Plant originator("originator { first: 5 } access: READ");
  CHECK(originator.permits("64 01 06 05 0100 000000 14"));
  CHECK_FALSE(originator.permits("64 01 06 06 0100 000000 14"));
  Plant reports;
  CHECK(reports.tells("01 83 03 00 0100 0a0000 01 00 01"));
  CHECK_FALSE(reports.tells("01 02 03 00 0200 0a0000 01 0b0000 00"));
}

TEST_CASE("what a station may tell by itself") {
  Plant plant;
  for (const char* asdu : {"01 01 03 00 0100 0a0000 01", "0d 01 01 00 0100 0a0000 0000c03f 00",
                           "1e 01 0b 00 0100 0a0000 01 10271e0c05061a", "46 01 04 00 0100 000000 00"}) {
    CAPTURE(asdu);
    CHECK(plant.tells(asdu));
  }
  CHECK_FALSE(plant.tells("2d 01 06 00 0100 891300 01"));  // a command
  CHECK_FALSE(plant.tells("2d 01 0a 00 0100 891300 01"));
  CHECK_FALSE(plant.tells("7e 81 03 00 0200 0b0000 0700 000100 20 10271e0c05061a"));
  CHECK_FALSE(plant.tells("29 01 03 00 0100 0a0000 01"));
}
