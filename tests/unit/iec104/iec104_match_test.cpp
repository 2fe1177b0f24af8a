// How answers find their requests, and negative confirmations (IEC 60870-5-101, §6, §7.2.3).
#include <doctest/doctest.h>

#include <array>

#include "tests/unit/iec104/iec104_support.hpp"
#include "tests/unit/iec104/iec104_vectors.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;

struct Pair {
  const char* name;
  const char* asked;
  const char* given;
  PduKind kind;  // of the answer
  bool fits;
};

constexpr PduKind LAST = PduKind::RESPONSE;
constexpr PduKind PART = PduKind::RESPONSE_PART;

constexpr Pair pairs[] = {
    {"command", "2d 01 06 02 0100 891300 01", "2d 01 07 02 0100 891300 01", LAST, true},
    {"command, originator not repeated", "2d 01 06 02 0100 891300 01", "2d 01 07 00 0100 891300 01", LAST,
     true},
    {"command, another originator", "2d 01 06 02 0100 891300 01", "2d 01 07 03 0100 891300 01", LAST, false},
    {"command, refused", "2d 01 06 02 0100 891300 01", "2d 01 47 02 0100 891300 01", LAST, true},
    {"command, type unknown", "2d 01 06 02 0100 891300 01", "2d 01 6c 02 0100 891300 01", LAST, true},
    {"command, object unknown", "2d 01 06 02 0100 891300 01", "2d 01 2f 02 0100 891300 01", LAST, true},
    {"command, another state", "2d 01 06 02 0100 891300 01", "2d 01 07 02 0100 891300 00", LAST, false},
    {"command, select confirmed for execute", "2d 01 06 02 0100 891300 01", "2d 01 07 02 0100 891300 81",
     LAST, false},
    {"command, another object", "2d 01 06 02 0100 891300 01", "2d 01 07 02 0100 8a1300 01", LAST, false},
    {"command, another station", "2d 01 06 02 0100 891300 01", "2d 01 07 02 0200 891300 01", LAST, false},
    {"command, another type", "2d 01 06 02 0100 891300 01", "2e 01 07 02 0100 891300 01", LAST, false},
    {"command, deactivation confirmed", "2d 01 06 02 0100 891300 01", "2d 01 09 02 0100 891300 01", LAST,
     false},
    {"command given up", "2d 01 08 02 0100 891300 01", "2d 01 09 02 0100 891300 01", LAST, true},
    {"command given up, activation confirmed", "2d 01 08 02 0100 891300 01", "2d 01 07 02 0100 891300 01",
     LAST, false},
    {"test answered for real", "2d 01 86 02 0100 891300 01", "2d 01 07 02 0100 891300 01", LAST, false},
    {"test", "2d 01 86 02 0100 891300 01", "2d 01 87 02 0100 891300 01", LAST, true},
    {"time tag of the station's own", "3a 01 06 00 0100 891300 01 10271e0c05061a",
     "3a 01 07 00 0100 891300 01 10271f0c05061a", LAST, true},
    {"set point", "32 01 06 00 0100 711700 0000c03f 00", "32 01 07 00 0100 711700 0000c03f 00", LAST, true},
    {"set point, another value", "32 01 06 00 0100 711700 0000c03f 00", "32 01 07 00 0100 711700 0000c13f 00",
     LAST, false},
    {"interrogation", "64 01 06 00 0100 000000 14", "64 01 07 00 0100 000000 14", PART, true},
    {"interrogation, refused", "64 01 06 00 0100 000000 14", "64 01 47 00 0100 000000 14", LAST, true},
    {"interrogation, ended", "64 01 06 00 0100 000000 14", "64 01 0a 00 0100 000000 14", LAST, true},
    {"interrogation, given up", "64 01 08 00 0100 000000 14", "64 01 09 00 0100 000000 14", LAST, true},
    {"interrogated data", "64 01 06 00 0100 000000 14", "01 01 14 00 0100 0a0000 01", PART, true},
    {"interrogated data with time", "64 01 06 00 0100 000000 14", "1e 01 14 00 0100 0a0000 01 10271e0c05061a",
     PART, true},
    {"interrogated parameter", "64 01 06 00 0100 000000 14", "6e 01 14 00 0100 0a0000 0040 01", PART, true},
    {"data of another station", "64 01 06 00 0100 000000 14", "01 01 14 00 0200 0a0000 01", PART, false},
    {"data of a group", "64 01 06 00 0100 000000 14", "01 01 15 00 0100 0a0000 01", PART, false},
    {"data of group 16", "64 01 06 00 0100 000000 24", "0d 01 24 00 0100 0a0000 0000c03f 00", PART, true},
    {"counters", "65 01 06 00 0100 000000 05", "65 01 07 00 0100 000000 05", PART, true},
    {"counters, ended", "65 01 06 00 0100 000000 05", "65 01 0a 00 0100 000000 05", LAST, true},
    {"counters asked generally", "65 01 06 00 0100 000000 05", "0f 01 25 00 0100 0a0000 02000000 01", PART,
     true},
    {"counters of group 4", "65 01 06 00 0100 000000 04",
     "25 01 29 00 0100 0a0000 02000000 01 10271e0c05061a", PART, true},
    {"counters of another group", "65 01 06 00 0100 000000 04", "0f 01 28 00 0100 0a0000 02000000 01", PART,
     false},
    {"counters, only frozen", "65 01 06 00 0100 000000 45", "0f 01 25 00 0100 0a0000 02000000 01", PART,
     false},
    {"read", "66 01 05 00 0100 0a0000", "0d 01 05 00 0100 0a0000 0000c03f 00", LAST, true},
    {"read, another object", "66 01 05 00 0100 0a0000", "0d 01 05 00 0100 0b0000 0000c03f 00", LAST, false},
    {"read, more than asked", "66 01 05 00 0100 0a0000", "01 82 05 00 0100 0a0000 01 00", LAST, false},
    {"read, object unknown", "66 01 05 00 0100 0a0000", "66 01 6f 00 0100 0a0000", LAST, true},
    {"clock", "67 01 06 00 0100 000000 10271e0c05061a", "67 01 07 00 0100 000000 11271e0c05061a", LAST, true},
    {"test pattern", "68 01 06 00 0100 000000 aa55", "68 01 07 00 0100 000000 aa55", LAST, true},
    {"reset", "69 01 06 00 0100 000000 01", "69 01 07 00 0100 000000 01", LAST, true},
    {"another reset", "69 01 06 00 0100 000000 01", "69 01 07 00 0100 000000 02", LAST, false},
    {"delay", "6a 01 06 00 0100 000000 1027", "6a 01 07 00 0100 000000 1127", LAST, true},
    {"test counter", "6b 01 06 00 0100 000000 0700 10271e0c05061a",
     "6b 01 07 00 0100 000000 0700 11271e0c05061a", LAST, true},
    {"another test counter", "6b 01 06 00 0100 000000 0700 10271e0c05061a",
     "6b 01 07 00 0100 000000 0800 11271e0c05061a", LAST, false},
    {"parameter", "6f 01 06 00 0100 0a0000 0500 41", "6f 01 07 00 0100 0a0000 0500 41", LAST, true},
    {"another parameter", "6f 01 06 00 0100 0a0000 0500 41", "6f 01 07 00 0100 0a0000 0500 42", LAST, false},
    {"parameter in force", "71 01 06 00 0100 0a0000 03", "71 01 07 00 0100 0a0000 03", LAST, true},
    {"directory", "7a 01 05 00 0100 0a0000 0000 00 00",
     "7e 81 05 00 0100 0b0000 0700 000100 20 10271e0c05061a", LAST, true},
    {"directory that goes on", "7a 01 05 00 0100 0a0000 0000 00 00",
     "7e 81 05 00 0100 0b0000 0700 000100 00 10271e0c05061a", PART, true},
    {"file selected", "7a 01 0d 00 0100 0a0000 0700 00 01", "78 01 0d 00 0100 0a0000 0700 000100 00", LAST,
     true},
    {"file selected, another object", "7a 01 0d 00 0100 0a0000 0700 00 01",
     "78 01 0d 00 0100 0b0000 0700 000100 00", LAST, false},
    {"file selected, refused", "7a 01 0d 00 0100 0a0000 0700 00 01", "7a 01 6f 00 0100 0a0000 0700 00 01",
     LAST, true},
    {"file called", "7a 01 0d 00 0100 0a0000 0700 00 02", "79 01 0d 00 0100 0a0000 0700 01 000100 00", LAST,
     true},
    {"section called", "7a 01 0d 00 0100 0a0000 0700 01 06", "7d 01 0d 00 0100 0a0000 0700 01 01 41", PART,
     true},
    {"section ended", "7a 01 0d 00 0100 0a0000 0700 01 06", "7b 01 0d 00 0100 0a0000 0700 01 03 ff", LAST,
     true},
    {"section acknowledged", "7c 01 0d 00 0100 0a0000 0700 01 03",
     "79 01 0d 00 0100 0a0000 0700 02 000100 00", LAST, true},
    {"file offered to the station", "78 01 0d 00 0100 0a0000 0700 000100 00",
     "7a 01 0d 00 0100 0a0000 0700 00 02", LAST, true},
    {"section offered to the station", "79 01 0d 00 0100 0a0000 0700 01 000100 00",
     "7a 01 0d 00 0100 0a0000 0700 01 06", LAST, true},
    {"last section to the station", "7b 01 0d 00 0100 0a0000 0700 01 03 ff",
     "7c 01 0d 00 0100 0a0000 0700 01 03", LAST, true},
    {"segments for an acknowledgement", "7c 01 0d 00 0100 0a0000 0700 01 03",
     "7d 01 0d 00 0100 0a0000 0700 01 01 41", PART, false},
};

}  // namespace

TEST_CASE("answers find their requests, and no others") {
  for (const Pair& pair : pairs) {
    CAPTURE(pair.name);
    const PduHead asked = head_of(i_frame(pair.asked), C);
    REQUIRE(asked.well_formed);
    CHECK(asked.kind == PduKind::REQUEST);
    CHECK(asked.answered);
    CHECK(asked.match_detail != 0);
    CHECK(head_of(i_frame(pair.given), S).kind == pair.kind);
    CHECK(answers(asked, i_frame(pair.given)) == pair.fits);
  }
}

TEST_CASE("what a station sends by itself answers nothing") {
  for (const char* asdu :
       {"01 01 01 00 0100 0a0000 01", "01 01 02 00 0100 0a0000 01", "01 01 03 00 0100 0a0000 01",
        "01 01 0b 00 0100 0a0000 01", "01 01 0c 00 0100 0a0000 01", "46 01 04 00 0100 000000 00",
        "0f 01 03 00 0100 0a0000 02000000 01", "67 01 03 00 0100 000000 10271e0c05061a",
        "7e 81 03 00 0100 0b0000 0700 000100 20 10271e0c05061a",
        "2d 01 0a 00 0100 891300 01",  // the end of a command that nobody has given
        "2d 01 06 00 0100 891300 01", "29 01 03 00 0100 0a0000 01"}) {
    CAPTURE(asdu);
    CHECK(head_of(i_frame(asdu), S).kind == PduKind::UNSOLICITED);
  }
}

TEST_CASE("negative answers say so") {
  CHECK(head_of(i_frame("2d 01 47 00 0100 891300 01"), S).negative);
  CHECK(head_of(i_frame("2d 01 2c 00 0100 891300 01"), S).negative);
  CHECK_FALSE(head_of(i_frame("2d 01 07 00 0100 891300 01"), S).negative);
  CHECK_FALSE(head_of(i_frame("64 01 0a 00 0100 000000 14"), S).negative);
}

TEST_CASE("segments of a file are not answered") {
  CHECK_FALSE(head_of(i_frame("7d 01 0d 00 0100 0a0000 0700 01 03 414243"), C).answered);
}

TEST_CASE("answers under tolerances") {
  const Quirks small = iec104::QUIRK_CAUSE_ONE_OCTET | iec104::QUIRK_COMMON_ADDRESS_ONE_OCTET |
                       iec104::QUIRK_OBJECT_ADDRESS_TWO_OCTETS;
  const PduHead asked = head_of(i_frame("2d 01 06 01 8913 01"), C, started(), small);
  CHECK(answers(asked, i_frame("2d 01 07 01 8913 01"), started(), small));
  CHECK_FALSE(answers(asked, i_frame("2d 01 07 01 8a13 01"), started(), small));
  // Without the tolerance it is no answer: so the use of it is counted.
  const Octets given = i_frame("2d 01 07 01 8913 01");
  CHECK_FALSE(iec104_protocol.matches(Bytes(given), asked.match_detail, QUIRK_NONE));
}

TEST_CASE("a broadcast is answered by many, until one is asked alone") {
  Talk talk;
  const PduHead all = talk.pass(C, "64 01 06 00 ffff 000000 14");
  for (const char* answer :
       {"64 01 07 00 0100 000000 14", "01 01 14 00 0100 0a0000 01", "64 01 0a 00 0100 000000 14",
        "64 01 07 00 0200 000000 14", "64 01 47 00 0300 000000 14"}) {
    CAPTURE(answer);
    CHECK(answers(all, talk.frame(S, answer), talk.session));
    CHECK(talk.look(S, answer).kind == PduKind::RESPONSE_PART);
  }
  CHECK_FALSE(answers(all, talk.frame(S, "01 01 15 00 0100 0a0000 01"), talk.session));
  const PduHead one = talk.pass(C, "64 01 06 00 0100 000000 14");
  CHECK(answers(one, talk.frame(S, "01 01 14 00 0100 0a0000 01"), talk.session));
  CHECK(answers(one, talk.frame(S, "64 01 0a 00 0100 000000 14"), talk.session));
  CHECK(talk.look(S, "64 01 0a 00 0100 000000 14").kind == PduKind::RESPONSE);
  CHECK_FALSE(answers(all, talk.frame(S, "01 01 14 00 0200 0a0000 01"), talk.session));
}

TEST_CASE("broadcasts of clock, reset and counters") {
  struct Row {
    const char* asked;
    const char* given;
  };
  for (const Row& row :
       {Row{"65 01 06 00 ffff 000000 05", "0f 01 25 00 0100 0a0000 02000000 01"},
        Row{"67 01 06 00 ffff 000000 10271e0c05061a", "67 01 07 00 0700 000000 11271e0c05061a"},
        Row{"69 01 06 00 ffff 000000 01", "69 01 07 00 0900 000000 01"}}) {
    CAPTURE(row.asked);
    Talk talk;
    const PduHead all = talk.pass(C, row.asked);
    CHECK(answers(all, talk.frame(S, row.given), talk.session));
    CHECK(talk.look(S, row.given).kind == PduKind::RESPONSE_PART);
  }
}

TEST_CASE("broadcasts where the common address has one octet") {
  const Quirks quirks = iec104::QUIRK_COMMON_ADDRESS_ONE_OCTET;
  SessionState session = started();
  const Octets all = i_frame("64 01 06 05 ff 000000 14");
  const PduHead asked = head_of(all, C, session, quirks);
  accept(all, C, session);
  CHECK(answers(asked, i_frame("01 01 14 05 07 0a0000 01", 0, 1), session, quirks));
  // An ordinary address of two octets that ends like it is none.
  session = started();
  const Octets one = i_frame("64 01 06 01ff 000000 14");
  const PduHead alone = head_of(one, C, session, iec104::QUIRK_CAUSE_ONE_OCTET);
  accept(one, C, session);
  CHECK(answers(alone, i_frame("01 01 14 01ff 0a0000 01", 0, 1), session, iec104::QUIRK_CAUSE_ONE_OCTET));
}

TEST_CASE("a refusal is the request's mirror, and answers it") {
  struct Row {
    const char* asked;
    Reason reason;
    const char* reply;
  };
  const Row rows[] = {
      {"2d 01 06 02 0100 891300 81", Reason::OBJECT_NOT_PERMITTED, "2d 01 47 02 0100 891300 81"},
      {"2d 01 86 02 0100 891300 81", Reason::FUNCTION_NOT_PERMITTED, "2d 01 c7 02 0100 891300 81"},
      {"2d 01 08 02 0100 891300 01", Reason::FUNCTION_NOT_PERMITTED, "2d 01 49 02 0100 891300 01"},
      {"32 01 06 00 0100 711700 0000c03f 00", Reason::VALUE_NOT_PERMITTED,
       "32 01 47 00 0100 711700 0000c03f 00"},
      {"64 01 06 00 ffff 000000 14", Reason::OBJECT_NOT_PERMITTED, "64 01 47 00 ffff 000000 14"},
      {"69 01 06 00 0100 000000 01", Reason::FUNCTION_NOT_PERMITTED, "69 01 47 00 0100 000000 01"},
      {"66 01 05 00 0100 0a0000", Reason::OBJECT_NOT_PERMITTED, "66 01 6f 00 0100 0a0000"},
      {"66 01 05 00 0100 0a0000", Reason::FUNCTION_NOT_PERMITTED, "66 01 6c 00 0100 0a0000"},
      {"7a 01 0d 00 0100 0a0000 0700 00 04", Reason::FUNCTION_NOT_PERMITTED,
       "7a 01 6c 00 0100 0a0000 0700 00 04"},
      {"7a 01 05 00 0100 0a0000 0000 00 00", Reason::OBJECT_NOT_PERMITTED,
       "7a 01 6f 00 0100 0a0000 0000 00 00"},
      {"29 01 06 00 0100 0a0000 01 02", Reason::FUNCTION_NOT_PERMITTED, "29 01 6c 00 0100 0a0000 01 02"},
      {"2d 01 3f 00 0100 891300 01", Reason::FUNCTION_NOT_PERMITTED, "2d 01 6d 00 0100 891300 01"},
      {"2d 01 46 00 0100 891300 01", Reason::FUNCTION_NOT_PERMITTED, "2d 01 47 00 0100 891300 01"},
      {"01 01 03 00 0100 0a0000 01", Reason::FUNCTION_NOT_PERMITTED, "01 01 6d 00 0100 0a0000 01"},
      {"2d 01 06 00 ffff 891300 01", Reason::FUNCTION_NOT_PERMITTED, "2d 01 47 00 ffff 891300 01"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.asked);
    std::array<std::uint8_t, refusal_size_max> space{};
    const Octets asked = i_frame(row.asked, 3, 5);
    const std::size_t size = iec104_protocol.refuse(Bytes(asked), row.reason, started(), space);
    REQUIRE(size == asked.size());
    const Octets reply(space.begin(), space.begin() + static_cast<long>(size));
    CHECK(reply == i_frame(row.reply));
    CHECK(head_of(reply, S).negative);
    CHECK(head_of(reply, S).kind == PduKind::RESPONSE);
    CHECK(answers(head_of(i_frame(row.asked), C), reply));
  }
}

TEST_CASE("every request can be refused") {
  std::array<std::uint8_t, refusal_size_max> space{};
  unsigned refused = 0;
  for (const Iec104Vector& vector : iec104_vectors()) {
    if (vector.sender != C) continue;
    CAPTURE(vector.name);
    const Octets asked = i_frame(vector.asdu);
    const PduHead head = head_of(asked, C);
    const std::size_t size =
        iec104_protocol.refuse(Bytes(asked), Reason::OBJECT_NOT_PERMITTED, started(), space);
    REQUIRE(size == asked.size());
    CHECK(answers(head, Octets(space.begin(), space.begin() + static_cast<long>(size))));
    ++refused;
  }
  CHECK(refused > 50);
}

TEST_CASE("no refusal without a request or room") {
  std::array<std::uint8_t, refusal_size_max> space{};
  for (const Octets& frame :
       {u_frame(startdt_act), u_frame(testfr_act), s_frame(0), Octets{0x68, 4, 0, 0, 0, 0}})
    CHECK(iec104_protocol.refuse(Bytes(frame), Reason::FUNCTION_NOT_PERMITTED, started(), space) == 0);
  const Octets asked = i_frame("64 01 06 00 0100 000000 14");
  std::array<std::uint8_t, 15> small{};
  CHECK(iec104_protocol.refuse(Bytes(asked), Reason::FUNCTION_NOT_PERMITTED, started(), small) == 0);
}
