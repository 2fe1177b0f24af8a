// What a connection remembers: data transfer, tests, numbers, windows, selections, ends of commands.
#include <doctest/doctest.h>

#include "tests/unit/iec104/iec104_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;
constexpr const char* poll = "64 01 06 00 0100 000000 14";
constexpr const char* event = "01 01 03 00 0100 0a0000 01";

std::string field_of(const Octets& pdu, Role sender, const SessionState& session,
                     Quirks quirks = QUIRK_NONE) {
  const PduHead head = head_of(pdu, sender, session, quirks);
  return head.well_formed ? "" : head.field;
}

bool is_execution(const Talk& talk, const char* asdu, const char* step) {
  return talk.text(C, asdu).find(std::string("select:") + step) != std::string::npos;
}

}  // namespace

TEST_CASE("no data before STARTDT con, none after STOPDT") {
  SessionState session;
  const auto data_passes = [&](Role sender) { return field_of(i_frame(poll), sender, session).empty(); };
  CHECK(field_of(i_frame(poll), C, session) == "data_transfer");
  CHECK(field_of(i_frame(event), S, session) == "data_transfer");
  CHECK(field_of(s_frame(0), C, session) == "data_transfer");
  accept(u_frame(startdt_act), C, session);
  CHECK_FALSE(data_passes(C));
  CHECK_FALSE(data_passes(S));
  accept(u_frame(startdt_con), S, session);
  CHECK(data_passes(C));
  CHECK(data_passes(S));
  CHECK(field_of(s_frame(0), C, session).empty());
  accept(u_frame(stopdt_act), C, session);
  CHECK_FALSE(data_passes(C));
  CHECK(data_passes(S));  // sent before it saw the STOPDT
  CHECK(field_of(s_frame(0), C, session).empty());
  accept(u_frame(stopdt_con), S, session);
  CHECK_FALSE(data_passes(C));
  CHECK_FALSE(data_passes(S));
  accept(u_frame(startdt_act), C, session);
  accept(u_frame(startdt_con), S, session);
  CHECK(data_passes(C));
}

TEST_CASE("STARTDT and STOPDT sent together stop") {
  SessionState session;
  accept(u_frame(startdt_act), C, session);
  accept(u_frame(stopdt_act), C, session);
  accept(u_frame(startdt_con), S, session);
  CHECK(field_of(i_frame(poll), C, session) == "data_transfer");
  CHECK(field_of(i_frame(event), S, session).empty());
  accept(u_frame(stopdt_con), S, session);
  CHECK(field_of(i_frame(event), S, session) == "data_transfer");
}

TEST_CASE("a confirmation needs what it confirms") {
  struct Row {
    std::uint8_t act;
    std::uint8_t con;
    Role asks;
  };
  for (const Row& row : {Row{startdt_act, startdt_con, C}, Row{stopdt_act, stopdt_con, C},
                         Row{testfr_act, testfr_con, C}, Row{testfr_act, testfr_con, S}}) {
    CAPTURE(row.act);
    CAPTURE(static_cast<int>(row.asks));
    SessionState session;
    const Role answers = row.asks == C ? S : C;
    CHECK(head_of(u_frame(row.con), answers, session).kind == PduKind::UNSOLICITED);
    CHECK(head_of(u_frame(row.act), row.asks, session).kind ==
          (row.asks == C ? PduKind::REQUEST : PduKind::UNSOLICITED));
    CHECK_FALSE(head_of(u_frame(row.act), row.asks, session).answered);
    accept(u_frame(row.act), row.asks, session);
    CHECK(head_of(u_frame(row.con), answers, session).kind == PduKind::IMPLIED);
    if (row.act == testfr_act)
      CHECK(head_of(u_frame(row.con), row.asks, session).kind == PduKind::UNSOLICITED);
    accept(u_frame(row.act), row.asks, session);
    accept(u_frame(row.con), answers, session);
    CHECK(head_of(u_frame(row.con), answers, session).kind == PduKind::IMPLIED);
    accept(u_frame(row.con), answers, session);
    CHECK(head_of(u_frame(row.con), answers, session).kind == PduKind::UNSOLICITED);
  }
}

TEST_CASE("N(S) is the next, and no other") {
  for (const Role sender : {C, S}) {
    Talk talk;
    const char* const asdu = sender == C ? poll : event;
    for (unsigned number = 0; number < 5; ++number) {
      CAPTURE(number);
      const unsigned received = 0;
      for (const unsigned wrong : {number + 1, number + 2, (number + 32767) % 32768, number + 16384})
        CHECK(field_of(i_frame(asdu, wrong % 32768, received), sender, talk.session) == "send_sequence");
      talk.pass(sender, asdu);
    }
    CHECK(field_of(i_frame(asdu, 4), sender, talk.session) == "send_sequence");  // sent again
    CHECK(field_of(i_frame(asdu, 5), sender, talk.session).empty());
  }
}

TEST_CASE("N(R) acknowledges what was sent, and does not go back") {
  for (const Role sender : {C, S}) {
    const Role other = sender == C ? S : C;
    const char* const asdu = sender == C ? poll : event;
    Talk talk;
    for (int i = 0; i < 4; ++i) talk.pass(other, other == C ? poll : event);
    accept(s_frame(2), sender, talk.session);
    for (unsigned number = 0; number < 8; ++number) {
      CAPTURE(number);
      const bool good = number >= 2 && number <= 4;
      CHECK(field_of(s_frame(number), sender, talk.session) == (good ? "" : "receive_sequence"));
      CHECK(field_of(i_frame(asdu, 0, number), sender, talk.session) == (good ? "" : "receive_sequence"));
    }
    CHECK(field_of(s_frame(32767), sender, talk.session) == "receive_sequence");
    CHECK(field_of(s_frame(16386), sender, talk.session) == "receive_sequence");
    CHECK(head_of(s_frame(3), sender, talk.session).kind == PduKind::IMPLIED);
    CHECK_FALSE(head_of(s_frame(3), sender, talk.session).answered);
  }
}

TEST_CASE("numbers wrap at 32768") {
  Talk talk;
  for (unsigned i = 0; i < 32768; ++i) {
    const bool checked = i % 997 == 0 || i > 32760;
    const Octets frame = i_frame(event, i, 0);
    if (checked) REQUIRE(field_of(frame, S, talk.session).empty());
    accept(frame, S, talk.session);
    accept(s_frame((i + 1) % 32768), C, talk.session);
  }
  CHECK(field_of(i_frame(event, 0, 0), S, talk.session).empty());
  CHECK(field_of(i_frame(event, 32767, 0), S, talk.session) == "send_sequence");
  CHECK(field_of(s_frame(0), C, talk.session).empty());
  CHECK(field_of(s_frame(1), C, talk.session) == "receive_sequence");
  accept(i_frame(event, 0, 0), S, talk.session);
  CHECK(field_of(s_frame(1), C, talk.session).empty());
}

TEST_CASE("frames without an acknowledgement are bounded") {
  for (const Role sender : {C, S}) {
    const char* const asdu = sender == C ? poll : event;
    Talk talk;
    for (unsigned i = 0; i < 64; ++i) talk.pass(sender, asdu);
    CHECK(field_of(i_frame(asdu, 64), sender, talk.session) == "window");
    CHECK(field_of(i_frame(asdu, 64), sender, talk.session, iec104::QUIRK_LARGE_WINDOW).empty());
    accept(s_frame(1), sender == C ? S : C, talk.session);
    CHECK(field_of(i_frame(asdu, 64), sender, talk.session).empty());
    talk.pass(sender, asdu);
    CHECK(field_of(i_frame(asdu, 65), sender, talk.session) == "window");
  }
  Talk talk;
  for (unsigned i = 0; i < 16383; ++i) accept(i_frame(event, i), S, talk.session);
  CHECK(field_of(i_frame(event, 16383), S, talk.session, iec104::QUIRK_LARGE_WINDOW) == "window");
}

TEST_CASE("the place of frames in a capture that begins late is not judged") {
  const SessionState nothing;
  CHECK(field_of(i_frame(poll, 700, 900), C, nothing, QUIRK_PLACE_UNKNOWN).empty());
  CHECK(field_of(s_frame(900), C, nothing, QUIRK_PLACE_UNKNOWN).empty());
  CHECK(field_of(i_frame("2d 00 06 00 0100 891300 01"), C, nothing, QUIRK_PLACE_UNKNOWN) ==
        "number_of_objects");
}

TEST_CASE("an execution follows its selection") {
  const char* const select = "2d 01 06 00 0100 891300 81";
  const char* const execute = "2d 01 06 00 0100 891300 01";
  Talk talk;
  CHECK(is_execution(talk, execute, "0"));
  CHECK(is_execution(talk, select, "1"));
  talk.pass(C, select);
  CHECK(is_execution(talk, execute, "0"));  // not confirmed yet
  talk.pass(S, "2d 01 07 00 0100 891300 81");
  CHECK(is_execution(talk, execute, "2"));
  CHECK(is_execution(talk, select, "1"));
  CHECK(is_execution(talk, "2d 01 06 00 0100 8a1300 01", "0"));  // another object
  CHECK(is_execution(talk, "2d 01 06 00 0200 891300 01", "0"));  // another station
  CHECK(is_execution(talk, "2d 01 06 00 0100 891300 00", "0"));  // another state
  CHECK(is_execution(talk, "2d 01 06 00 0100 891300 05", "0"));  // another qualifier
  CHECK(is_execution(talk, "2e 01 06 00 0100 891300 01", "0"));  // another type
  CHECK(is_execution(talk, "2d 01 08 00 0100 891300 01", "0"));  // no activation
  talk.pass(C, execute);
  CHECK(is_execution(talk, execute, "0"));  // once
}

TEST_CASE("a selection that was refused or given up executes nothing") {
  const char* const select = "32 01 06 00 0100 711700 0000c03f 80";
  const char* const execute = "32 01 06 00 0100 711700 0000c03f 00";
  Talk refused;
  refused.pass(C, select);
  refused.pass(S, "32 01 47 00 0100 711700 0000c03f 80");
  CHECK(is_execution(refused, execute, "0"));
  Talk given_up;
  given_up.pass(C, select);
  given_up.pass(S, "32 01 07 00 0100 711700 0000c03f 80");
  CHECK(is_execution(given_up, execute, "2"));
  CHECK(is_execution(given_up, "32 01 06 00 0100 711700 0000c13f 00", "0"));  // another value
  given_up.pass(C, "32 01 08 00 0100 711700 0000c03f 00");
  CHECK(is_execution(given_up, execute, "0"));
  Talk tested;  // for a test, nothing else
  tested.pass(C, "32 01 86 00 0100 711700 0000c03f 80");
  tested.pass(S, "32 01 87 00 0100 711700 0000c03f 80");
  CHECK(is_execution(tested, execute, "0"));
  CHECK(is_execution(tested, "32 01 86 00 0100 711700 0000c03f 00", "2"));
  Talk changed;
  changed.pass(C, select);
  changed.pass(S, "32 01 07 00 0100 711700 0000c03f 80");
  changed.pass(C, "32 01 06 00 0100 711700 0000c13f 00");  // went on, by another rule
  CHECK(is_execution(changed, execute, "0"));
}

TEST_CASE("originators of selections") {
  Talk talk;
  talk.pass(C, "2d 01 06 05 0100 891300 81");
  talk.pass(S, "2d 01 07 05 0100 891300 81");
  CHECK(is_execution(talk, "2d 01 06 05 0100 891300 01", "2"));
  CHECK(is_execution(talk, "2d 01 06 06 0100 891300 01", "0"));
  Talk silent;
  silent.pass(C, "2d 01 06 05 0100 891300 81");
  silent.pass(S, "2d 01 07 00 0100 891300 81");
  CHECK(is_execution(silent, "2d 01 06 05 0100 891300 01", "2"));
  silent.pass(C, "2d 01 06 05 0100 891300 01");
  CHECK(is_execution(silent, "2d 01 06 05 0100 891300 01", "0"));
}

TEST_CASE("two selections are remembered, times aside") {
  const auto command = [](const char* cause, const char* object, const char* state) {
    return std::string("3a 01 ") + cause + " 00 0100 " + object + "1300 " + state + " 10271e0c05061a";
  };
  Talk talk;
  for (const char* object : {"01", "02"}) {
    talk.pass(C, command("06", object, "81"));
    talk.pass(S, command("07", object, "81"));
  }
  CHECK(is_execution(talk, "3a 01 06 00 0100 011300 01 11271e0c05061a", "2"));
  CHECK(is_execution(talk, "3a 01 06 00 0100 021300 01 11271e0c05061a", "2"));
  talk.pass(C, command("06", "03", "81"));
  talk.pass(S, command("07", "03", "81"));
  CHECK(is_execution(talk, "3a 01 06 00 0100 031300 01 11271e0c05061a", "2"));
  const bool first = is_execution(talk, "3a 01 06 00 0100 011300 01 11271e0c05061a", "2");
  const bool second = is_execution(talk, "3a 01 06 00 0100 021300 01 11271e0c05061a", "2");
  CHECK(first != second);  // one gave way
}

TEST_CASE("selections where fields are small") {
  const Quirks small = iec104::QUIRK_CAUSE_ONE_OCTET | iec104::QUIRK_COMMON_ADDRESS_ONE_OCTET |
                       iec104::QUIRK_OBJECT_ADDRESS_TWO_OCTETS;
  SessionState session = started();
  accept(i_frame("2d 01 06 01 8913 81", 0, 0), C, session);
  accept(i_frame("2d 01 07 01 8913 81", 0, 1), S, session);
  const std::string good = describe(i_frame("2d 01 06 01 8913 01", 1, 1), C, session, small);
  CHECK(good == "C_SC_NA_1 OPERATE ca:1 ioa:5001 cause:6 select:2 qu:0 = 1u");
  const std::string other = describe(i_frame("2d 01 06 02 8913 01", 1, 1), C, session, small);
  CHECK(other == "C_SC_NA_1 OPERATE ca:2 ioa:5001 cause:6 select:0 qu:0 = 1u");
}

TEST_CASE("the end of a command needs no rule where the command was confirmed") {
  const char* const execute = "2d 01 06 00 0100 891300 01";
  const char* const confirm = "2d 01 07 00 0100 891300 01";
  const char* const end = "2d 01 0a 00 0100 891300 01";
  Talk talk;
  CHECK(talk.look(S, end).kind == PduKind::UNSOLICITED);
  talk.pass(C, execute);
  CHECK(talk.look(S, end).kind == PduKind::UNSOLICITED);
  talk.pass(S, confirm);
  CHECK(talk.look(S, end).kind == PduKind::IMPLIED);
  CHECK(talk.look(S, "2d 01 0a 00 0100 8a1300 01").kind == PduKind::UNSOLICITED);
  CHECK(talk.look(S, "2e 01 0a 00 0100 891300 01").kind == PduKind::UNSOLICITED);
  talk.pass(S, end);
  CHECK(talk.look(S, end).kind == PduKind::UNSOLICITED);
  talk.pass(C, execute);
  talk.pass(S, "2d 01 47 00 0100 891300 01");  // refused
  CHECK(talk.look(S, end).kind == PduKind::UNSOLICITED);
  talk.pass(C, "2d 01 06 00 0100 891300 81");
  talk.pass(S, "2d 01 07 00 0100 891300 81");  // selected, not executed
  CHECK(talk.look(S, end).kind == PduKind::UNSOLICITED);
}

TEST_CASE("six ends are awaited") {
  const auto asdu = [](int cause, int object) {
    Octets octets = from_hex("2d 01 00 00 0100 001300 01");
    octets[2] = static_cast<std::uint8_t>(cause);
    octets[6] = static_cast<std::uint8_t>(object);
    return octets;
  };
  SessionState session = started();
  unsigned sent = 0;
  for (int object = 0; object < 7; ++object) {
    accept(i_frame(asdu(7, object), sent++, 0), S, session);
  }
  CHECK(head_of(i_frame(asdu(10, 0), sent), S, session).kind == PduKind::UNSOLICITED);
  for (int object = 1; object < 7; ++object) {
    CAPTURE(object);
    CHECK(head_of(i_frame(asdu(10, object), sent), S, session).kind == PduKind::IMPLIED);
  }
}
