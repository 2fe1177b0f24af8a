// What a conversation remembers, how answers find their requests, and the negative reply.
#include <doctest/doctest.h>

#include <array>

#include "tests/unit/dnp3/dnp3_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;
constexpr const char* relay_4 = "0c0117 01 04 0301000000000000000000";
constexpr const char* relay_5 = "0c0117 01 05 0301000000000000000000";

Octets request(std::uint8_t control, std::uint8_t function, const char* objects,
               std::uint16_t station = outstation) {
  Octets fragment{control, function};
  const Octets rest = from_hex(objects);
  fragment.insert(fragment.end(), rest.begin(), rest.end());
  return frames(fragment, C, 249, 0, station);
}

Octets answer(std::uint8_t control, std::uint8_t function = 129, std::uint16_t station = outstation) {
  return frames({control, function, 0, 0}, S, 249, 0, station);
}

bool is_operate(const Octets& pdu, const SessionState& session) {
  return describe(pdu, C, session).starts_with("OPERATE OPERATE");
}

bool fits(const Octets& asked, const Octets& given, const SessionState& session = {}) {
  const PduHead question = head_of(asked, C, session);
  const PduHead reply = head_of(given, S, session);
  REQUIRE(question.well_formed);
  REQUIRE(reply.well_formed);
  return question.match_key == reply.match_key &&
         dnp3_protocol.matches(Bytes(given), question.match_detail, QUIRK_NONE);
}

}  // namespace

TEST_CASE("operate follows select") {
  SessionState session;
  CHECK_FALSE(is_operate(request(0xC4, 4, relay_4), session));
  accept(request(0xC3, 3, relay_4), C, session);
  CHECK(is_operate(request(0xC4, 4, relay_4), session));
  CHECK_FALSE(is_operate(request(0xC4, 4, relay_5), session));  // another point
  CHECK_FALSE(is_operate(request(0xC5, 4, relay_4), session));  // another sequence number
  CHECK_FALSE(is_operate(request(0xC3, 4, relay_4), session));
  CHECK_FALSE(is_operate(request(0xC4, 4, relay_4, 11), session));  // another outstation
  accept(request(0xC4, 4, relay_4), C, session);
  CHECK(is_operate(request(0xC4, 4, relay_4), session));  // repeated, its answer was lost
  accept(request(0xC5, 3, relay_5), C, session);
  CHECK_FALSE(is_operate(request(0xC4, 4, relay_4), session));
  CHECK(is_operate(request(0xC6, 4, relay_5), session));
}

TEST_CASE("passwords are not shown") {
  const Octets pdu = request(0xC1, 29, "46 02 5b 01 0e00 0c00 0100 0d00 0100 00000000 75 70");
  CHECK(head_of(pdu, C).well_formed);
  CHECK(head_of(pdu, C).shown_size == 13);
  CHECK(head_of(request(0xC1, 1, "3c 02 06"), C).shown_size == UINT32_MAX);
}

TEST_CASE("the sequence number of operate wraps") {
  SessionState session;
  accept(request(0xCF, 3, relay_4), C, session);
  CHECK(is_operate(request(0xC0, 4, relay_4), session));
}

TEST_CASE("a select in several frames is remembered whole") {
  SessionState session;
  const Octets fragment = from_hex("c3 03 0c0117 02 04 0301000000000000000000 05 0301000000000000000000");
  accept(frames(fragment, C, 5), C, session);
  Octets operate = fragment;
  operate[0] = 0xC4;
  operate[1] = 4;
  CHECK(is_operate(frames(operate, C), session));
  operate[18] = 6;
  CHECK_FALSE(is_operate(frames(operate, C), session));
}

TEST_CASE("a confirmation needs what it confirms") {
  SessionState session;
  const Octets solicited = frames({0xC5, 0}, C);
  const Octets unsolicited = frames({0xD5, 0}, C);
  CHECK(describe(solicited, C, session) == "0 PROGRAM");
  CHECK_FALSE(head_of(solicited, C, session).answered);
  accept(answer(0xC5), S, session);  // does not ask for one
  CHECK(head_of(solicited, C, session).kind == PduKind::REQUEST);
  accept(answer(0xE5), S, session);
  CHECK(head_of(solicited, C, session).kind == PduKind::IMPLIED);
  CHECK(head_of(unsolicited, C, session).kind == PduKind::REQUEST);
  accept(answer(0xF5, 130), S, session);
  CHECK(head_of(unsolicited, C, session).kind == PduKind::IMPLIED);
  CHECK(head_of(frames({0xC6, 0}, C), C, session).kind == PduKind::REQUEST);
  CHECK(head_of(frames({0xC5, 0}, C, 249, 0, 11), C, session).kind == PduKind::REQUEST);
  CHECK(describe(frames({0xC5, 0, 12, 1, 6}, C), C, session) == "malformed control");
}

TEST_CASE("answers find their requests") {
  const Octets asked = request(0xC5, 1, "3c0206");
  CHECK(fits(asked, answer(0xC5)));
  CHECK(fits(asked, answer(0xE5)));
  CHECK_FALSE(fits(asked, answer(0xC6)));
  CHECK_FALSE(fits(asked, answer(0xC5, 129, 11)));
  const Octets state = link_frame(0xC9, outstation, master, {});
  CHECK(fits(state, link_frame(0x0B, master, outstation, {})));
  CHECK(fits(state, link_frame(0x0F, master, outstation, {})));
  CHECK_FALSE(fits(state, link_frame(0x00, master, outstation, {})));
  CHECK(fits(link_frame(0xC0, outstation, master, {}), link_frame(0x00, master, outstation, {})));
  CHECK_FALSE(fits(link_frame(0xC0, outstation, master, {}), link_frame(0x0B, master, outstation, {})));
  CHECK_FALSE(fits(link_frame(0xC0, outstation, master, {}), answer(0xC0)));
  CHECK_FALSE(fits(request(0xC0, 1, "3c0206"), link_frame(0x00, master, outstation, {})));
}

TEST_CASE("an answer of several fragments") {
  SessionState session;
  const Octets asked = request(0xCF, 1, "3c0206");
  CHECK(head_of(answer(0xAF), S, session).kind == PduKind::RESPONSE_PART);
  accept(answer(0xAF), S, session);
  CHECK(fits(asked, answer(0x20), session));
  CHECK(head_of(answer(0x20), S, session).kind == PduKind::RESPONSE_PART);
  CHECK_FALSE(fits(asked, answer(0x21), session));  // one is missing
  accept(answer(0x20), S, session);
  CHECK(fits(asked, answer(0x61), session));
  CHECK(head_of(answer(0x61), S, session).kind == PduKind::RESPONSE);
  accept(answer(0x61), S, session);
  CHECK_FALSE(fits(asked, answer(0x62), session));
}

TEST_CASE("what is not answered") {
  CHECK(head_of(request(0xC0, 5, relay_4), C).answered);
  CHECK_FALSE(head_of(request(0xC0, 6, relay_4), C).answered);
  CHECK_FALSE(head_of(request(0xC0, 5, relay_4, 0xFFFF), C).answered);
  CHECK_FALSE(head_of(request(0xC0, 5, relay_4, 0xFFFD), C).answered);
  CHECK_FALSE(head_of(link_frame(0xC9, 0xFFFF, master, {}), C).answered);
}

TEST_CASE("a refusal is an answer to the request") {
  std::array<std::uint8_t, refusal_size_max> space{};
  for (const Reason reason : {Reason::FUNCTION_NOT_PERMITTED, Reason::OBJECT_NOT_PERMITTED,
                              Reason::VALUE_NOT_PERMITTED, Reason::RATE_EXCEEDED}) {
    const Octets asked = request(0xC7, 5, relay_4);
    const std::size_t size = dnp3_protocol.refuse(Bytes(asked), reason, SessionState{}, space);
    REQUIRE(size == 17);
    const Octets reply(space.begin(), space.begin() + 17);
    const Framing framing = dnp3_protocol.frame(Bytes(reply), S, Transport::TCP, SessionState{});
    CHECK(framing.status == FrameStatus::COMPLETE);
    CHECK(framing.pdu_size == 17);
    CHECK(describe(reply, S) == "RESPONSE READ");
    CHECK(fits(asked, reply));
  }
  const Octets asked = request(0xC7, 5, relay_4);
  (void)dnp3_protocol.refuse(Bytes(asked), Reason::OBJECT_NOT_PERMITTED, SessionState{}, space);
  CHECK(Octets(space.begin(), space.begin() + 17) == frames({0xC7, 129, 0, 2}, S));
  const Octets state = link_frame(0xC9, outstation, master, {});
  REQUIRE(dnp3_protocol.refuse(Bytes(state), Reason::FUNCTION_NOT_PERMITTED, SessionState{}, space) == 10);
  CHECK(fits(state, Octets(space.begin(), space.begin() + 10)));
  std::array<std::uint8_t, 16> small{};
  CHECK(dnp3_protocol.refuse(Bytes(asked), Reason::FUNCTION_NOT_PERMITTED, SessionState{}, small) == 0);
  CHECK(dnp3_protocol.refuse(Bytes(answer(0xC0)), Reason::FUNCTION_NOT_PERMITTED, SessionState{}, space) ==
        0);
}
