// What a conversation remembers, how answers find their requests, and the negative reply.
#include <doctest/doctest.h>

#include <array>

#include "tests/unit/enip/enip_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;

const Octets read_identity = message(0x0E, from_hex("20012401 3001"));
const Octets read_speed = message(0x4C, tag_path("Speed"), from_hex("0100"));
const Octets slot_0 = from_hex("0100");

bool fits(const Octets& asked, const Octets& given, const SessionState& session = {}) {
  const PduHead question = head_of(asked, C, session);
  const PduHead answer = head_of(given, S, session);
  REQUIRE(question.well_formed);
  REQUIRE(answer.well_formed);
  return question.match_key == answer.match_key &&
         enip_protocol.matches(Bytes(given), question.match_detail, QUIRK_NONE);
}

Octets refusal(const Octets& asked, Reason reason, const SessionState& session = {}) {
  std::array<std::uint8_t, refusal_size_max> space{};
  const std::size_t size = enip_protocol.refuse(Bytes(asked), reason, session, space);
  return Octets(space.begin(), space.begin() + static_cast<long>(size));
}

SessionState with_connection(std::uint32_t sent, std::uint32_t received, std::uint8_t transport = 0xA3) {
  SessionState session;
  OpeningParts parts;
  parts.transport = transport;
  accept(unconnected(forward_open(parts)), C, session);
  accept(unconnected(forward_open_reply(sent, received)), S, session);
  return session;
}

}  // namespace

TEST_CASE("the handle of the session is the one that the server gave") {
  SessionState session;
  const Octets asked = unconnected(read_identity);
  CHECK(head_of(asked, C, session).well_formed);  // the beginning was not seen
  accept(encapsulated(0x65, from_hex("01000000"), 1, 0, 0), C, session);
  CHECK(head_of(asked, C, session).well_formed);
  accept(encapsulated(0x65, from_hex("01000000"), 1, 1, 0x99), S, session);  // refused
  CHECK(head_of(asked, C, session).well_formed);
  accept(encapsulated(0x65, from_hex("01000000")), S, session);
  CHECK(head_of(asked, C, session).well_formed);
  const Octets other = encapsulated(0x6F, Octets(asked.begin() + 24, asked.end()), 1, 0, session_handle + 1);
  CHECK(describe(other, C, session) == "malformed session");
  CHECK(describe(encapsulated(0x66, {}, 1, 0, 5), C, session) == "malformed session");
  accept(encapsulated(0x66, {}), C, session);
  CHECK(head_of(other, C, session).well_formed);
}

TEST_CASE("answers carry the sender's context, and the service") {
  const Octets asked = unconnected(read_identity, 0x0102030405060708);
  CHECK(fits(asked, unconnected(reply(0x0E, {1}), 0x0102030405060708)));
  CHECK(fits(asked, unconnected(reply(0x0E, {}, 8), 0x0102030405060708)));
  CHECK_FALSE(fits(asked, unconnected(reply(0x0E, {1}), 0x0102030405060709)));
  CHECK_FALSE(fits(asked, unconnected(reply(0x10), 0x0102030405060708)));
  CHECK_FALSE(fits(asked, encapsulated(0x63, Octets(40), 0x0102030405060708)));
  CHECK(fits(asked, encapsulated(0x6F, {}, 0x0102030405060708, 0x64)));  // the encapsulation refuses
  CHECK(fits(asked, encapsulated(0x6F, from_hex("00000000"), 0x0102030405060708, 3)));
  CHECK(fits(encapsulated(0x63, {}, 7), encapsulated(0x63, Octets(40), 7)));
  CHECK(fits(encapsulated(0x65, from_hex("01000000"), 7, 0, 0), encapsulated(0x65, from_hex("01000000"), 7)));
  CHECK(fits(encapsulated(0x65, from_hex("01000000"), 7, 0, 0), encapsulated(0x65, {}, 7, 1)));
}

TEST_CASE("the answer to an unconnected send is its message's, or the router's refusal") {
  const Octets asked = unconnected(unconnected_send(read_identity, slot_0));
  CHECK(fits(asked, unconnected(reply(0x0E, {1}))));
  CHECK(fits(asked, unconnected(from_hex("d2 00 01 01 0403 00"))));
  CHECK_FALSE(fits(asked, unconnected(reply(0x52))));
  CHECK_FALSE(fits(asked, unconnected(reply(0x01))));
  CHECK_FALSE(fits(unconnected(read_identity), unconnected(reply(0x52, {}, 1))));
}

TEST_CASE("the answer to a packet answers each of its services") {
  const Octets asked = unconnected(packet({read_speed, read_identity}));
  CHECK(fits(asked, unconnected(reply(0x0A, packet_list({reply(0x4C, {1}), reply(0x0E)})))));
  CHECK(fits(asked, unconnected(reply(0x0A, packet_list({reply(0x4C, {}, 5), reply(0x0E)}), 0x1E))));
  CHECK(fits(asked, unconnected(reply(0x0A, {}, 8))));
  CHECK_FALSE(fits(asked, unconnected(reply(0x0A, packet_list({reply(0x0E), reply(0x4C, {1})})))));
  CHECK_FALSE(fits(asked, unconnected(reply(0x0A, packet_list({reply(0x4C)})))));
  CHECK_FALSE(fits(asked, unconnected(reply(0x4C))));
  CHECK(describe(unconnected(reply(0x0A, from_hex("0200 0600 0600 cc000000 8e000000"))), S) ==
        "malformed offset");
  const Octets routed = unconnected(unconnected_send(packet({read_speed}), slot_0));
  CHECK(fits(routed, unconnected(reply(0x0A, packet_list({reply(0x4C, {1})})))));
}

TEST_CASE("seen from its beginning: no request before a session is given, nor behind it") {
  SessionState session;
  const Octets asked = unconnected(read_identity);
  const Octets on_connection = connected(0x500, 9, read_speed);
  CHECK(describe(asked, C, session).starts_with("GET_ATTRIBUTE_SINGLE"));  // joined: nobody knows
  enip_protocol.begin(session);
  const auto refused = [&] {
    CHECK(describe(asked, C, session) == "malformed session");
    CHECK(describe(on_connection, C, session) == "malformed session");
    CHECK(describe(encapsulated(0x66, {}), C, session) == "malformed session");
    CHECK(describe(encapsulated(0x63, {}), C, session).starts_with("LIST_IDENTITY"));
  };
  refused();
  accept(encapsulated(0x65, from_hex("01000000"), 1, 0, 0), C, session);
  refused();
  accept(encapsulated(0x65, from_hex("01000000"), 1, 1), S, session);  // the server declines
  refused();
  accept(encapsulated(0x65, from_hex("01000000")), S, session);
  CHECK(describe(asked, C, session).starts_with("GET_ATTRIBUTE_SINGLE"));
  accept(encapsulated(0x66, {}), C, session);
  refused();
}

TEST_CASE("connected messages are paired by count and connection") {
  const SessionState session = with_connection(0x500, 0x600);
  const Octets asked = connected(0x500, 9, read_speed);
  CHECK(fits(asked, connected(0x600, 9, reply(0x4C)), session));
  CHECK_FALSE(fits(asked, connected(0x600, 10, reply(0x4C)), session));
  CHECK_FALSE(fits(asked, connected(0x601, 9, reply(0x4C)), session));  // another connection
  CHECK_FALSE(fits(asked, connected(0x600, 9, reply(0x4D)), session));
  CHECK(fits(connected(0x77, 9, read_speed), connected(0x88, 9, reply(0x4C))));  // not known here
}

TEST_CASE("connections open with the server's answer, and close with it") {
  SessionState session;
  CHECK(accept(unconnected(forward_open()), C, session).opened_count == 0);
  const Associations opened = accept(unconnected(forward_open_reply(0x500, 0x600)), S, session);
  REQUIRE(opened.opened_count == 2);
  CHECK(opened.opened[0].key == 0x200000500);
  CHECK(opened.opened[0].sender == C);
  CHECK(opened.opened[1].key == 0x200000600);
  CHECK(opened.opened[1].sender == S);
  CHECK(accept(unconnected(forward_open_reply(0x500, 0x600)), S, session).opened_count == 0);  // once
  CHECK(accept(unconnected(forward_close()), C, session).closed_count == 0);
  CHECK(accept(unconnected(forward_close_reply(8)), S, session).closed_count == 0);
  const Associations closed = accept(unconnected(forward_close_reply()), S, session);
  REQUIRE(closed.closed_count == 2);
  CHECK(closed.closed[0].key == 0x200000500);
  CHECK(closed.closed[1].key == 0x200000600);
  CHECK(accept(unconnected(forward_close_reply()), S, session).closed_count == 0);
}

TEST_CASE("I/O connections have keys of their own; what was not asked for opens nothing") {
  SessionState session;
  CHECK(accept(unconnected(forward_open_reply(0x500, 0x600)), S, session).opened_count == 0);
  OpeningParts parts;
  parts.transport = 0x01;
  accept(unconnected(forward_open(parts)), C, session);
  CHECK(accept(unconnected(forward_open_reply(0x500, 0x600, 8)), S, session).opened_count == 0);
  const Associations opened = accept(unconnected(forward_open_reply(0x500, 0x600)), S, session);
  REQUIRE(opened.opened_count == 2);
  CHECK(opened.opened[0].key == 0x100000500);
  accept(unconnected(forward_open(parts)), C, session);
  const Octets failed = unconnected(reply(0x54, le16(7) + le16(0x4D) + le32(0x12345678) + le16(0), 1));
  CHECK(accept(failed, S, session).opened_count == 0);
  CHECK(accept(unconnected(forward_open_reply(0x500, 0x600)), S, session).opened_count == 0);
  // The same codes of other classes open nothing.
  accept(unconnected(message(0x54, from_hex("20042401"), from_hex("0a"))), C, session);
  CHECK(accept(unconnected(forward_open_reply(0x500, 0x600)), S, session).opened_count == 0);
}

TEST_CASE("the connection asked for longest ago makes room") {
  SessionState session;
  for (std::uint16_t serial = 1; serial <= 7; ++serial) {
    OpeningParts parts;
    parts.serial = serial;
    accept(unconnected(forward_open(parts)), C, session);
  }
  CHECK(accept(unconnected(forward_open_reply(1, 2, 1)), S, session).opened_count == 0);
  for (std::uint16_t serial = 2; serial <= 7; ++serial) {
    CAPTURE(serial);
    CHECK(accept(unconnected(forward_open_reply(serial, 100U + serial, serial)), S, session).opened_count ==
          2);
  }
}

TEST_CASE("a refusal is an answer to the request") {
  const SessionState session = with_connection(0x500, 0x600);
  const Octets requests[] = {unconnected(read_identity, 0xABCDEF),
                             unconnected(unconnected_send(read_speed, slot_0), 9),
                             unconnected(packet({read_speed, read_identity}), 9),
                             unconnected(unconnected_send(packet({read_speed}), slot_0), 9),
                             unconnected(forward_open(), 9),
                             unconnected(forward_close(), 9),
                             connected(0x500, 77, read_speed),
                             connected(0x500, 78, packet({read_speed, read_identity})),
                             encapsulated(0x63, {}, 5),
                             encapsulated(0x65, from_hex("01000000"), 5, 0, 0),
                             encapsulated(0x72, {}, 5)};
  for (const Octets& asked : requests) {
    for (const Reason reason : {Reason::FUNCTION_NOT_PERMITTED, Reason::OBJECT_NOT_PERMITTED,
                                Reason::VALUE_NOT_PERMITTED, Reason::RATE_EXCEEDED, Reason::GRANT_REQUIRED}) {
      const Octets given = refusal(asked, reason, session);
      REQUIRE(given.size() >= 24);
      const Framing framing = enip_protocol.frame(Bytes(given), S, Transport::TCP, session);
      CHECK(framing.status == FrameStatus::COMPLETE);
      CHECK(framing.pdu_size == given.size());
      CHECK(head_of(given, S, session).negative);
      CHECK(fits(asked, given, session));
    }
  }
}

TEST_CASE("what a refusal says") {
  const auto last = [](const Octets& octets, std::size_t count) {
    return Octets(octets.end() - static_cast<long>(count), octets.end());
  };
  const Octets asked = unconnected(read_identity);
  CHECK(last(refusal(asked, Reason::FUNCTION_NOT_PERMITTED), 4) == from_hex("8e 00 08 00"));
  CHECK(last(refusal(asked, Reason::OBJECT_NOT_PERMITTED), 4) == from_hex("8e 00 05 00"));
  CHECK(last(refusal(asked, Reason::VALUE_NOT_PERMITTED), 4) == from_hex("8e 00 09 00"));
  CHECK(last(refusal(asked, Reason::RATE_EXCEEDED), 4) == from_hex("8e 00 02 00"));
  CHECK(last(refusal(asked, Reason::ISLAND_MODE), 4) == from_hex("8e 00 0f 00"));
  const Octets routed = unconnected(unconnected_send(packet({read_speed}), slot_0));
  CHECK(last(refusal(routed, Reason::FUNCTION_NOT_PERMITTED), 4) == from_hex("8a 00 08 00"));
  CHECK(last(refusal(unconnected(forward_open()), Reason::FUNCTION_NOT_PERMITTED), 16) ==
        from_hex("d4 00 01 01 1701 0700 4d00 78563412 0000"));
  CHECK(last(refusal(unconnected(forward_open()), Reason::ASSOCIATION_FULL), 16) ==
        from_hex("d4 00 01 01 1301 0700 4d00 78563412 0000"));
  CHECK(refusal(encapsulated(0x63, {}, 5), Reason::FUNCTION_NOT_PERMITTED) == encapsulated(0x63, {}, 5, 1));
  // Nobody waits for an answer, or nobody knows how the server would name the connection.
  CHECK(refusal(encapsulated(0x00, {1}), Reason::FUNCTION_NOT_PERMITTED).empty());
  CHECK(refusal(encapsulated(0x66, {}), Reason::FUNCTION_NOT_PERMITTED).empty());
  CHECK(refusal(connected(0x500, 77, read_speed), Reason::FUNCTION_NOT_PERMITTED).empty());
  CHECK(refusal(io_datagram(1, 2, {3}), Reason::FUNCTION_NOT_PERMITTED).empty());
  std::array<std::uint8_t, 30> small{};
  CHECK(enip_protocol.refuse(Bytes(asked), Reason::FUNCTION_NOT_PERMITTED, SessionState{}, small) == 0);
}

TEST_CASE("who may send what") {
  CHECK(head_of(encapsulated(0x00, {1}), C).kind == PduKind::REQUEST);
  CHECK_FALSE(head_of(encapsulated(0x00, {1}), C).answered);
  CHECK(head_of(encapsulated(0x00, {1}), S).kind == PduKind::UNSOLICITED);
  CHECK_FALSE(head_of(encapsulated(0x66, {}), C).answered);
  CHECK(head_of(encapsulated(0x66, {}), S).kind == PduKind::UNSOLICITED);
  CHECK(head_of(unconnected(reply(0x0E)), S).kind == PduKind::RESPONSE);
  CHECK(describe(unconnected(read_identity), S) == "malformed service");  // a server asks nothing
  CHECK(describe(unconnected(reply(0x0E)), C) == "malformed service");
}
