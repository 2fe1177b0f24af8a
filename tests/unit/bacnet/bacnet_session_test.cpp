// How answers find their requests, requests in segments, and the negative reply.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "tests/unit/bacnet/bacnet_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;

bool fits(const Octets& asked, const Octets& given, Role asker = C) {
  const PduHead question = head_of(asked, asker);
  const PduHead reply = head_of(given, asker == C ? S : C);
  REQUIRE(question.well_formed);
  REQUIRE(reply.well_formed);
  REQUIRE(question.kind == PduKind::REQUEST);
  return question.match_key == reply.match_key &&
         bacnet_protocol.matches(Bytes(given), question.match_detail, QUIRK_NONE);
}

// A segment of WritePropertyMultiple.
Octets segment(std::uint8_t sequence, bool more, std::string_view data, std::uint8_t invoke = 7,
               std::string_view npdu = "01 04") {
  static constexpr char digits[] = "0123456789abcdef";
  const auto octet = [](std::uint8_t value) { return std::string{digits[value >> 4], digits[value & 15]}; };
  return linked(0x0A, std::string(npdu) + (more ? "0c" : "08") + "04" + octet(invoke) + octet(sequence) +
                          "02 10" + std::string(data));
}

constexpr const char* first_part = "0c 00800005 1e 09 55";
constexpr const char* second_part = "2e 44 42860000 2f 1f";
constexpr const char* whole_message = "WRITE_PROPERTY_MULTIPLE WRITE 2:5 p85 @16 = 67.000000";

// What the engine does around the room.
struct Conversation {
  std::string send(const Octets& pdu, Role sender = C) {
    Octets& kept = pieces[sender == C ? 0 : 1];
    std::string text = describe(pdu, sender, session, kept);
    if (text.starts_with("malformed")) return text;
    const PduHead head = head_of(pdu, sender, session, kept);
    if (head.assembly == Assembly::FIRST || head.assembly == Assembly::LAST) kept.clear();
    kept.insert(kept.end(), head.piece.begin(), head.piece.end());
    accept(pdu, sender, session);
    return text;
  }
  SessionState session;
  Octets pieces[2];
};

constexpr const char* piece = "WRITE_PROPERTY_MULTIPLE WRITE";

}  // namespace

TEST_CASE("answers find their requests") {
  const Octets asked = confirmed(12, "0c 00000005 19 55");
  CHECK(fits(asked, complex_ack(12, "0c 00000005 19 55 3e 21 01 3f")));
  CHECK(fits(asked, unicast("50 01 0c 91 02 91 20")));
  CHECK(fits(asked, unicast("60 01 09")));
  CHECK(fits(asked, unicast("71 01 04")));
  CHECK_FALSE(fits(asked, complex_ack(12, "0c 00000005 19 55 3e 21 01 3f", 2)));  // another invoke id
  CHECK_FALSE(fits(asked, complex_ack(14, "0c 00000005 1e 1f")));                 // another service
  CHECK_FALSE(fits(asked, unicast("20 01 0c")));  // does not acknowledge it so
  CHECK_FALSE(fits(asked, unicast("50 01 0e 91 02 91 20")));
  const Octets written = confirmed(15, "0c 00800001 19 55 3e 44 43340000 3f");
  CHECK(fits(written, unicast("20 01 0f")));
  CHECK_FALSE(fits(written, unicast("30 01 0f 00")));
  // In the other direction, on the same flow.
  CHECK(fits(asked, complex_ack(12, "0c 00000005 19 55 3e 21 01 3f"), S));
  CHECK(head_of(asked, C).match_key != head_of(asked, S).match_key);
}

TEST_CASE("answers come from the station that was asked, to the one that asked") {
  const Octets asked = linked(0x0A, "01 24 0005 01 03 ff 00 04 01 0c 0c 00000005 19 55");
  const std::string ack = "30 01 0c 0c 00000005 19 55 3e 21 01 3f";
  CHECK(fits(asked, linked(0x0A, "01 08 0005 01 03" + ack)));
  CHECK_FALSE(fits(asked, linked(0x0A, "01 08 0005 01 04" + ack)));
  CHECK_FALSE(fits(asked, linked(0x0A, "01 08 0006 01 03" + ack)));
  CHECK_FALSE(fits(asked, linked(0x0A, "01 00" + ack)));
  const Octets routed = linked(0x0A, "01 0c 0009 01 08 00 04 01 0c 0c 00000005 19 55");
  CHECK(fits(routed, linked(0x0A, "01 20 0009 01 08 ff" + ack)));
  CHECK_FALSE(fits(routed, linked(0x0A, "01 00" + ack)));
  // Not to all, and not by a BBMD.
  CHECK_FALSE(fits(asked, linked(0x0B, "01 08 0005 01 03" + ack)));
  CHECK_FALSE(fits(asked, linked(0x04, "0a000502 bac0 01 08 0005 01 03" + ack)));
}

TEST_CASE("functions of the virtual link layer and their answers") {
  CHECK(fits(linked(2, ""), linked(3, "")));
  CHECK(fits(linked(2, ""), linked(0, "0020")));
  CHECK_FALSE(fits(linked(2, ""), linked(0, "0000")));
  CHECK_FALSE(fits(linked(2, ""), linked(7, "")));
  CHECK(fits(linked(5, "003c"), linked(0, "0000")));
  CHECK(fits(linked(5, "003c"), linked(0, "0030")));
  CHECK_FALSE(fits(linked(5, "003c"), linked(0, "0010")));
  CHECK(fits(linked(6, ""), linked(7, "0a000502 bac0 003c 003c")));
  CHECK(fits(linked(1, ""), linked(0, "0010")));
  CHECK(fits(linked(8, "0a000502 bac0"), linked(0, "0050")));
  CHECK_FALSE(fits(linked(6, ""), unicast("71 01 04")));
  CHECK(fits(linked(0x0A, "01 80 06 00"), linked(0x0A, "01 80 07")));
  CHECK_FALSE(head_of(linked(0, "0000"), S).negative);
  CHECK(head_of(linked(0, "0030"), S).negative);
}

TEST_CASE("who waits for an answer") {
  CHECK(head_of(confirmed(12, "0c 00000005 19 55")).answered);
  CHECK_FALSE(head_of(unconfirmed(8, "")).answered);
  CHECK_FALSE(head_of(linked(0x0B, "01 04 00 04 01 0c 0c 00000005 19 55")).answered);
  CHECK_FALSE(head_of(linked(0x04, "0a000502 bac0 01 04 00 04 01 0c 0c 00000005 19 55")).answered);
  CHECK_FALSE(head_of(linked(0x0A, "01 24 0005 00 ff 00 04 01 0c 0c 00000005 19 55")).answered);
  CHECK_FALSE(head_of(linked(0x0A, "01 80 00")).answered);
  CHECK(head_of(linked(5, "003c")).answered);
  CHECK_FALSE(head_of(linked(12, "00")).answered);
}

TEST_CASE("a request in segments is judged with its last one") {
  Conversation line;
  CHECK(line.send(segment(0, true, first_part)) == piece);
  CHECK(line.send(unicast("41 07 00 02"), S) == "implied");
  CHECK(line.send(segment(1, false, second_part)) == whole_message);
  CHECK(line.send(unicast("41 07 01 02"), S) == "implied");
  CHECK(head_of(unicast("20 07 10"), S, line.session).kind == PduKind::RESPONSE);
}

TEST_CASE("every cut gives the same") {
  const Octets all = from_hex(std::string(first_part) + second_part);
  for (std::size_t cut = 1; cut < all.size(); ++cut) {
    for (std::size_t size : {cut, std::size_t{1}}) {
      CAPTURE(cut);
      Conversation line;
      std::uint8_t sequence = 0;
      std::size_t at = 0;
      std::string last;
      while (at < all.size()) {
        const std::size_t take = std::min(size, all.size() - at);
        Octets pdu = segment(sequence++, at + take < all.size(), "");
        pdu.insert(pdu.end(), all.begin() + static_cast<long>(at),
                   all.begin() + static_cast<long>(at + take));
        pdu[3] = static_cast<std::uint8_t>(pdu.size());
        last = line.send(pdu);
        at += take;
        if (size == cut) size = all.size();
      }
      CHECK(last == whole_message);
    }
  }
}

TEST_CASE("a segment that comes again has to be what it was") {
  Conversation line;
  CHECK(line.send(segment(0, true, first_part)) == piece);
  CHECK(line.send(segment(0, true, first_part)) == "implied");
  CHECK(line.send(segment(0, true, "0c 00400005 1e 09 55")) == "malformed invoke_id");
  CHECK(line.send(segment(2, false, second_part)) == "malformed sequence_number");
  CHECK(line.send(segment(1, false, second_part, 8)) == "malformed sequence_number");
  CHECK(line.send(segment(1, true, "2e 44 42860000 2f 2f")) == piece);
  CHECK(line.send(segment(1, true, "2e 44 42860001 2f 2f")) == "malformed sequence_number");
  CHECK(line.send(segment(1, true, "2e 44 42860000 2f 2f")) == "implied");
  CHECK(line.send(segment(0, true, first_part)) == "implied");
}

TEST_CASE("a message that was begun may still lie at its receiver") {
  Conversation line;
  const Octets read = unicast("00 04 07 0c 0c 00000005 19 55");
  CHECK(line.send(read).starts_with("READ_PROPERTY"));
  CHECK(line.send(segment(0, true, first_part, 7)) == piece);
  CHECK(line.send(segment(0, true, first_part, 8)) == piece);  // the first is given up
  CHECK(line.send(segment(0, true, "0c 00400005 1e 09 55", 7)) == "malformed invoke_id");
  CHECK(line.send(segment(0, true, first_part, 7)) == "malformed invoke_id");
  CHECK(line.send(read) == "malformed invoke_id");  // its answer would say nothing of the other one
  CHECK(line.send(unicast("71 07 00"), S) == "ABORT SESSION");  // its receiver is done with it
  CHECK(line.send(segment(0, true, "0c 00400005 1e 09 55", 7)) == piece);
  // No more of them than can be remembered.
  for (std::uint8_t invoke = 20; invoke < 23; ++invoke) {
    CHECK(line.send(segment(0, true, first_part, invoke)) == piece);
  }
  CHECK(line.send(segment(0, true, first_part, 30)) == "malformed invoke_id");
  CHECK(line.send(unicast("20 14 10"), S) == "WRITE_PROPERTY_MULTIPLE WRITE");
  CHECK(line.send(segment(0, true, first_part, 30)) == piece);
}

TEST_CASE("what ends a request before its last segment needs no request") {
  Conversation line;
  CHECK(line.send(segment(0, true, first_part)) == piece);
  CHECK(head_of(unicast("71 07 04"), S, line.session).kind == PduKind::IMPLIED);
  CHECK(head_of(unicast("60 07 04"), S, line.session).kind == PduKind::IMPLIED);
  CHECK(head_of(unicast("71 08 04"), S, line.session).kind == PduKind::RESPONSE);
  CHECK(head_of(unicast("20 07 10"), S, line.session).kind == PduKind::RESPONSE);  // cannot be
  CHECK(head_of(unicast("70 07 04"), C, line.session).kind == PduKind::IMPLIED);
  CHECK(head_of(unicast("70 08 04"), C, line.session).kind == PduKind::REQUEST);
  CHECK(line.send(unicast("70 07 04"), C) == "implied");
  CHECK(line.send(segment(1, false, second_part)) == "malformed sequence_number");
}

TEST_CASE("segments go to one receiver, from the sender itself") {
  CHECK(describe(segment(0, true, first_part, 7, "01 2c 0005 01 03 0009 01 08 ff")) == "malformed segmented");
  CHECK(describe(segment(0, true, first_part, 7, "01 24 0005 00 ff")) == "malformed segmented");
  CHECK(describe(linked(0x0B, "01 04 0c 04 07 00 02 10 0c 00800005")) == "malformed segmented");
  CHECK(describe(linked(0x04, "0a000502bac0 01 04 0c 04 07 00 02 10 0c 00800005")) == "malformed segmented");
  Conversation line;
  CHECK(line.send(segment(0, true, first_part, 7, "01 24 0005 01 03 ff")) == std::string(piece) + " to 5/3");
  CHECK(line.send(segment(1, false, second_part)) == "malformed sequence_number");
  CHECK(line.send(segment(1, false, second_part, 7, "01 24 0005 01 04 ff")) == "malformed sequence_number");
  CHECK(line.send(segment(1, false, second_part, 7, "01 24 0005 01 03 ff")) ==
        "WRITE_PROPERTY_MULTIPLE WRITE 2:5 p85 @16 to 5/3 = 67.000000");
}

TEST_CASE("sequence numbers do not begin again") {
  Conversation line;
  CHECK(line.send(segment(0, true, "0c")) == piece);
  for (unsigned sequence = 1; sequence < 256; ++sequence) {
    CHECK(line.send(segment(static_cast<std::uint8_t>(sequence), true, "00")) == piece);
  }
  CHECK(line.send(segment(0, true, "00")) == "malformed invoke_id");
}

TEST_CASE("a message of one segment") {
  CHECK(describe(segment(0, false, std::string(first_part) + second_part)) == whole_message);
  CHECK(head_of(segment(0, false, "00")).assembly == Assembly::NONE);
}

TEST_CASE("answers in segments") {
  Conversation line;
  const Octets part = unicast("3c 07 00 02 0e 0c 00000010");
  CHECK(head_of(unicast("40 07 00 02"), C, line.session).kind == PduKind::REQUEST);
  CHECK(head_of(part, S).kind == PduKind::RESPONSE_PART);
  CHECK(line.send(part, S) == "READ_PROPERTY_MULTIPLE READ");
  CHECK(line.send(unicast("40 07 00 02")) == "implied");
  CHECK(line.send(unicast("40 08 00 02")) == "SEGMENT_ACK SESSION");
  CHECK(line.send(unicast("41 07 00 02")) == "SEGMENT_ACK SESSION");  // of a server
  CHECK(line.send(unicast("40 07 00 02"), S) == "SEGMENT_ACK SESSION");
  CHECK(head_of(unicast("38 07 01 02 0e 1e 1f"), S).kind == PduKind::RESPONSE);
  CHECK(line.send(unicast("38 07 01 02 0e 1e 1f"), S) == "READ_PROPERTY_MULTIPLE READ");
  CHECK(line.send(unicast("40 07 01 02")) == "implied");
  CHECK(line.send(unicast("70 07 04")) == "implied");
  CHECK(line.send(linked(0x04, "0a000502bac0 01 00 40 07 01 02")) ==
        "FORWARDED_NPDU SESSION by 4 \"10.0.5.2:47808\" | SEGMENT_ACK SESSION by 4 \"10.0.5.2:47808\"");
}

// --- refusal -----------------------------------------------------------------------------------------------

namespace {

Octets refusal(const Octets& request, Reason reason) {
  std::array<std::uint8_t, refusal_size_max> reply{};
  const std::size_t size = bacnet_protocol.refuse(Bytes(request), reason, SessionState{}, reply);
  return {reply.begin(), reply.begin() + static_cast<long>(size)};
}

}  // namespace

TEST_CASE("negative replies in the service's own form") {
  struct Row {
    Octets request;
    Reason reason;
    Octets expected;
  };
  constexpr Reason F = Reason::FUNCTION_NOT_PERMITTED;
  constexpr Reason O = Reason::OBJECT_NOT_PERMITTED;
  const Octets write = confirmed(15, "0c 00800001 19 55 3e 44 43340000 3f");
  const auto reply = [](const char* apdu) { return linked(0x0A, std::string("01 00") + apdu); };
  const Row rows[] = {
      {confirmed(12, "0c 00000005 19 55"), O, reply("50 01 0c 91 02 91 1b")},
      {confirmed(12, "0c 00000005 19 55"), F, reply("50 01 0c 91 05 91 1d")},
      {write, O, reply("50 01 0f 91 02 91 28")},
      {write, Reason::VALUE_NOT_PERMITTED, reply("50 01 0f 91 02 91 25")},
      {write, Reason::RATE_EXCEEDED, reply("50 01 0f 91 00 91 03")},
      {confirmed(16, "0c 00800001 1e 09 55 19 03 2e 21 01 2f 1f"), O,
       reply("50 01 10 0e 91 02 91 28 0f 1e 0c 00800001 19 55 29 03 1f")},
      {confirmed(16, "0c 00800001 1e 0a 0200 2e 21 01 2f 1f"), O,
       reply("50 01 10 0e 91 02 91 28 0f 1e 0c 00800001 1a 0200 1f")},
      {confirmed(8, "0c 03c00001 19 66 3e 91 05 3f"), O, reply("50 01 08 0e 91 02 91 28 0f 19 01")},
      {confirmed(10, "0e 09 0a 0f"), F, reply("50 01 0a 0e 91 05 91 1d 0f 19 00")},
      {confirmed(18, "09 19 19 08"), F, reply("71 01 05")},
      {confirmed(20, "09 00"), F, reply("50 01 14 91 05 91 1d")},
      {confirmed(77, ""), F, reply("60 01 09")},
      {segment(0, true, first_part), F, reply("71 07 05")},
      {linked(0x0A, "01 2d 0005 01 03 0009 01 08 ff 00 04 01 0c 0c 00000005 19 55"), O,
       linked(0x0A, "01 29 0009 01 08 0005 01 03 ff 50 01 0c 91 02 91 1b")},
      {linked(5, "003c"), F, linked(0, "0030")},
      {linked(1, ""), F, linked(0, "0010")},
      {linked(2, ""), F, linked(0, "0020")},
      {linked(6, ""), F, linked(0, "0040")},
      {linked(8, "0a000502 bac0"), F, linked(0, "0050")},
      // nobody to answer
      {linked(12, "00"), F, {}},
      {linked(4, "0a000502bac0 01 04 00 04 01 0c 0c 00000005 19 55"), F, {}},
      {linked(11, "01 04 00 04 01 0c 0c 00000005 19 55"), F, {}},
      {unconfirmed(8, ""), F, {}},
      {linked(0x0A, "01 80 06 00"), F, {}},
  };
  for (const Row& row : rows) {
    CAPTURE(describe(row.request));
    const Octets made = refusal(row.request, row.reason);
    CHECK(made == row.expected);
    if (made.empty()) continue;
    CHECK(fits(row.request, made));
    CHECK(head_of(made, S).negative);
  }
}
