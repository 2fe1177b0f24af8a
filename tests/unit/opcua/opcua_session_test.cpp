// Channels, sequence numbers, responses in chunks, the negative reply, and numbers put right behind it.
#include <doctest/doctest.h>

#include <array>

#include "tests/unit/opcua/opcua_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;

std::string fault(const Octets& pdu, Role sender, const SessionState& session) {
  return head_of(pdu, sender, session).field;
}

Octets read_request(std::uint32_t sequence, std::uint32_t request_id = 2) {
  return request(631, read_value(), sequence, request_id);
}

Octets renumbered(Octets pdu, Role sender, Passage passage, SessionState& session) {
  REQUIRE(opcua_protocol.renumber(pdu, sender, passage, session));
  return pdu;
}

std::uint32_t sequence_of(const Octets& pdu) { return pdu[16] | std::uint32_t{pdu[17]} << 8U; }

// A chunk signed as HMAC-SHA256 would be: 32 octets behind the body.
Octets signed_request(std::uint32_t sequence, std::uint32_t request_id = 2) {
  return chunk("MSGF", sequence, request_id, asked(631, read_value()) + Octets(32, 0x5A));
}

// What encryption leaves: no header behind the token that says anything.
Octets sealed(const char* type, std::uint8_t seed) {
  Octets body;
  for (unsigned i = 0; i < 120; ++i) body.push_back(static_cast<std::uint8_t>(i * 89 + seed * 57 + 131));
  return framed(type, number(channel) + number(token) + body);
}

}  // namespace

TEST_CASE("a channel is opened, and named from then on") {
  const SessionState session = connected();
  CHECK(fault(read_request(2), C, session) == "");
  CHECK(fault(chunk("MSGF", 2, 2, asked(631, read_value()), channel + 1), C, session) == "secure_channel_id");
  CHECK(fault(chunk("MSGF", 2, 2, asked(631, read_value()), channel, token + 1), C, session) == "token_id");
  CHECK(fault(chunk("MSGF", 2, 2, answered(634), channel + 1), S, session) == "secure_channel_id");
  SessionState early;
  accept(hello(), C, early);
  accept(acknowledge(), S, early);
  CHECK(fault(read_request(2), C, early) == "secure_channel_id");
  accept(open_channel(), C, early);
  CHECK(fault(read_request(2), C, early) == "secure_channel_id");  // not yet answered
}

TEST_CASE("seen from its beginning: nothing before HEL and ACK, no message before a channel") {
  SessionState session;
  const Octets close = chunk("CLOF", 2, 2, asked(452, {}));
  CHECK(fault(read_request(2), C, session) == "");  // joined: nobody knows
  opcua_protocol.begin(session);
  const auto nothing_open = [&] {
    CHECK(fault(read_request(2), C, session) == "secure_channel_id");
    CHECK(fault(close, C, session) == "secure_channel_id");
    CHECK(fault(response(634), S, session) == "secure_channel_id");
  };
  nothing_open();
  CHECK(fault(open_channel(), C, session) == "message_type");
  CHECK(fault(hello(), C, session) == "");
  accept(hello(), C, session);
  nothing_open();
  CHECK(fault(open_channel(), C, session) == "message_type");
  accept(acknowledge(), S, session);
  nothing_open();
  CHECK(fault(open_channel(1, 1, channel), C, session) == "secure_channel_id");  // of what there is not
  CHECK(fault(open_channel(), C, session) == "");
  accept(open_channel(), C, session);
  accept(channel_opened(), S, session);
  CHECK(fault(read_request(2), C, session) == "");
}

TEST_CASE("opening says what it asks for") {
  CHECK(describe(open_channel(1, 1, 0, 0, 1, 60000), C, {}) ==
        "OPEN_SECURE_CHANNEL SESSION security_mode:1 lifetime:60000 "
        "\"http://opcfoundation.org/UA/SecurityPolicy#None\"");
  CHECK(fault(open_channel(1, 1, 0, 1), C, {}) == "request_type");  // renews what does not exist
  CHECK(fault(open_channel(1, 1, 0, 0, 2), C, {}) == "security_mode");
  CHECK(fault(open_channel(1, 1, 0, 0, 0), C, {}) == "security_mode");
  CHECK(fault(open_channel(1, 1, 0, 2), C, {}) == "request_type");
  // SHA-1 of 30 03 01 02 03
  CHECK(describe(open_secret(), C, {}) == std::string("OPEN_SECURE_CHANNEL SESSION \"") + basic256sha256 +
                                              "\" and \"98746256416cb8c35399aba8cf81a36a6c3db52e\"");
  // of a chain, its first certificate
  CHECK(describe(open_secret(basic256sha256, 0, {0x30, 3, 1, 2, 3, 0x30, 1, 9}), C, {}) ==
        describe(open_secret(), C, {}));
  CHECK(describe(open_secret(basic256sha256, 0, {0x31, 3, 1, 2, 3}), C, {}) ==
        std::string("OPEN_SECURE_CHANNEL SESSION \"") + basic256sha256 + "\"");
  CHECK(fault(open_secret(basic256sha256, 0, {}), C, {}) == "certificate");
  CHECK(fault(open_secret(""), C, {}) == "security_policy");
  CHECK(fault(open_secret(std::string(256, 'x')), C, {}) == "security_policy");
  Octets wrong = open_secret();
  wrong[8 + 4 + 4 + std::string(basic256sha256).size() + 4 + 5] = 19;  // size of the thumbprint
  CHECK(fault(wrong, C, {}) == "thumbprint");
}

TEST_CASE("a certificate in policy None is nobody's") {
  const Octets pdu =
      framed("OPNF", number(0) + text("http://opcfoundation.org/UA/SecurityPolicy#None") +
                         from_text("05000000 3003010203 ffffffff 01000000 01000000") +
                         asked(446, from_text("00000000 00000000 01000000 ffffffff 10000000")));
  CHECK(describe(pdu, C, {}).find(" and ") == std::string::npos);
}

TEST_CASE("a token is renewed") {
  SessionState session = connected();
  CHECK(describe(open_channel(2, 2, channel, 1), C, session).starts_with("RENEW_SECURE_CHANNEL SESSION"));
  CHECK(fault(open_channel(2, 2, channel, 0), C, session) == "request_type");
  CHECK(fault(open_channel(2, 2, channel + 1, 1), C, session) == "secure_channel_id");
  CHECK(fault(open_channel(3, 2, channel, 1), C, session) == "sequence_number");
  CHECK(fault(open_secret(basic256sha256, channel), C, session) == "security_policy");
  accept(open_channel(2, 2, channel, 1), C, session);
  CHECK(fault(open_secret(basic256sha256, channel), S, session) == "security_policy");
  accept(channel_opened(2, 2, channel, token + 1), S, session);
  for (const std::uint32_t with : {token, token + 1}) {
    CHECK(fault(chunk("MSGF", 3, 3, asked(631, read_value()), channel, with), C, session) == "");
  }
  CHECK(fault(chunk("MSGF", 3, 3, asked(631, read_value()), channel, token + 2), C, session) == "token_id");
  accept(open_channel(3, 3, channel, 1), C, session);
  accept(channel_opened(3, 3, channel, token + 2), S, session);
  CHECK(fault(chunk("MSGF", 4, 4, asked(631, read_value()), channel, token), C, session) == "token_id");
}

TEST_CASE("the answer to an opening") {
  SessionState session;
  accept(hello(), C, session);
  accept(acknowledge(), S, session);
  const PduHead question = head_of(open_channel(1, 5), C, session);
  CHECK(head_of(channel_opened(1, 5), S, session).match_key == question.match_key);
  CHECK(head_of(channel_opened(1, 6), S, session).match_key != question.match_key);
  CHECK(head_of(channel_opened(1, 5), S, session).match_detail == question.match_detail);
  const Octets none =
      text("http://opcfoundation.org/UA/SecurityPolicy#None") + from_text("ffffffff ffffffff");
  const Octets fault_pdu =
      framed("OPNF", number(channel) + none + number(1) + number(5) + answered(397, 0x80550000));
  CHECK(head_of(fault_pdu, S, session).negative);
  accept(open_channel(1, 5), C, session);
  accept(fault_pdu, S, session);
  CHECK(fault(read_request(2), C, session) == "secure_channel_id");  // none was opened
  Octets other = channel_opened();
  other[8] = channel + 1;  // header and token disagree
  CHECK(fault(other, S, session) == "secure_channel_id");
  const PduHead secret = head_of(open_secret(), C, session);
  CHECK(head_of(open_secret(basic256sha256, channel), S, SessionState{}).match_key == secret.match_key);
}

TEST_CASE("sequence numbers follow each other, and wrap") {
  SessionState session = connected();
  CHECK(fault(read_request(3), C, session) == "sequence_number");
  CHECK(fault(read_request(1), C, session) == "sequence_number");
  accept(read_request(2), C, session);
  CHECK(fault(read_request(3), C, session) == "");
  CHECK(fault(response(634, 0, 3), S, session) == "sequence_number");
  CHECK(fault(response(634, 0, 2), S, session) == "");
  SessionState late;
  accept(hello(), C, late);
  accept(acknowledge(), S, late);
  accept(open_channel(0xFFFFFC00), C, late);
  accept(channel_opened(0xFFFFFFFF), S, late);
  CHECK(fault(read_request(0xFFFFFC01), C, late) == "");
  CHECK(fault(read_request(1), C, late) == "");
  CHECK(fault(read_request(1023), C, late) == "");
  CHECK(fault(read_request(1024), C, late) == "sequence_number");
  CHECK(fault(response(634, 0, 0), S, late) == "");
}

TEST_CASE("readers of captures may lack what came before") {
  const SessionState session = connected();
  PduState state;
  const Octets later = read_request(700);
  CHECK(opcua_protocol.open(Bytes(later), C, QUIRK_PLACE_UNKNOWN, session, state).well_formed);
  const Octets answer = response(634, 0, 900);
  CHECK(opcua_protocol.open(Bytes(answer), S, QUIRK_PLACE_UNKNOWN, session, state).well_formed);
  const Octets elsewhere = chunk("MSGF", 2, 2, asked(631, read_value()), channel + 1);
  CHECK_FALSE(opcua_protocol.open(Bytes(elsewhere), C, QUIRK_PLACE_UNKNOWN, session, state).well_formed);
}

TEST_CASE("passwords are not shown") {
  const Octets token =
      from_text("ffffffff ffffffff 00000000 00000000 01 00 4401 01 00000000 ffffffff ffffffff");
  CHECK(head_of(request(467, token), C, connected()).shown_size == 28);
  CHECK(head_of(read_request(2), C, connected()).shown_size == UINT32_MAX);
}

TEST_CASE("a response in chunks") {
  SessionState session = connected();
  const PduHead question = head_of(read_request(2), C, session);
  const Octets first = chunk("MSGC", 2, 2, answered(634));
  PduHead head = head_of(first, S, session);
  CHECK(head.kind == PduKind::RESPONSE_PART);
  CHECK(head.match_detail == question.match_detail);
  accept(first, S, session);
  const Octets more = chunk("MSGC", 3, 2, Octets(30, 0xEE));
  head = head_of(more, S, session);
  CHECK(head.kind == PduKind::RESPONSE_PART);
  CHECK(head.match_key == question.match_key);
  CHECK(head.match_detail == question.match_detail);
  CHECK(describe(more, S, session) == "READ READ security_mode:1");
  CHECK(fault(chunk("MSGF", 3, 3, answered(634)), S, session) == "request_id");  // of two messages
  accept(more, S, session);
  const Octets last = chunk("MSGF", 4, 2, {});
  head = head_of(last, S, session);
  CHECK(head.kind == PduKind::RESPONSE);
  CHECK(head.match_detail == question.match_detail);
  accept(last, S, session);
  CHECK(fault(chunk("MSGF", 5, 3, answered(634)), S, session) == "");
}

TEST_CASE("a response that is given up") {
  SessionState session = connected();
  const PduHead question = head_of(read_request(2), C, session);
  const Octets alone = chunk("MSGA", 2, 2, from_text("00000780 'no'"));
  CHECK(head_of(alone, S, session).negative);
  CHECK(opcua_protocol.matches(Bytes(alone), question.match_detail, QUIRK_NONE));
  accept(chunk("MSGC", 2, 2, answered(634)), S, session);
  const PduHead head = head_of(chunk("MSGA", 3, 2, from_text("00000780 'no'")), S, session);
  CHECK(head.kind == PduKind::RESPONSE);
  CHECK(head.negative);
  CHECK(head.match_detail == question.match_detail);
}

TEST_CASE("signed messages are read, and nothing else is in that channel") {
  SessionState session = connected_secretly();
  CHECK(describe(signed_request(2), C, session) ==
        "READ READ namespace:2 node:5 attribute:13 security_mode:2");
  accept(signed_request(2), C, session);
  CHECK(fault(signed_request(4), C, session) == "sequence_number");
  CHECK(describe(signed_request(3), C, session) ==
        "READ READ namespace:2 node:5 attribute:13 security_mode:2");
  CHECK(describe(read_request(3), C, session).ends_with("malformed"));  // without a signature
  CHECK(describe(sealed("MSGF", 1), C, session).starts_with("malformed"));
  CHECK(describe(chunk("MSGF", 3, 3, asked(410, Octets(40, 0))), C, session) ==
        "410 PROGRAM security_mode:2");
  const PduHead head = head_of(chunk("MSGF", 9, 2, answered(634) + Octets(32, 0x5A)), S, session);
  CHECK(head.match_key == head_of(signed_request(3), C, session).match_key);
  CHECK(head.match_detail == opcua::READ);
}

TEST_CASE("signed requests in chunks") {
  SessionState session = connected_secretly();
  accept(signed_request(2), C, session);
  const Octets body = asked(631, read_value());
  const Octets first(body.begin(), body.begin() + 40);
  const Octets rest(body.begin() + 40, body.end());
  const Octets pdu = chunk("MSGC", 3, 2, first + Octets(32, 1)) + chunk("MSGF", 4, 2, rest + Octets(32, 2));
  CHECK(describe(pdu, C, session) == "READ READ namespace:2 node:5 attribute:13 security_mode:2");
}

TEST_CASE("signatures of other policies") {
  struct Row {
    const char* policy;
    std::size_t size;
  };
  for (const Row row : {Row{"Basic128Rsa15", 20}, Row{"Basic256", 20}, Row{"Aes128_Sha256_RsaOaep", 32},
                        Row{"Aes256_Sha256_RsaPss", 32}, Row{"ECC_nistP256", 32}, Row{"ECC_nistP384", 48}}) {
    CAPTURE(row.policy);
    const SessionState session =
        connected_secretly(std::string("http://opcfoundation.org/UA/SecurityPolicy#") + row.policy);
    const auto with = [&](std::size_t size) {
      return describe(chunk("MSGF", 2, 2, asked(631, read_value()) + Octets(size, 1)), C, session);
    };
    CHECK(with(row.size) == "READ READ namespace:2 node:5 attribute:13 security_mode:2");
    CHECK(with(row.size - 1) == "OPAQUE_MESSAGE PROGRAM security_mode:3");
    CHECK(with(row.size + 1) == "OPAQUE_MESSAGE PROGRAM security_mode:3");
  }
  const SessionState other = connected_secretly("urn:own");
  CHECK(describe(signed_request(2), C, other) == "OPAQUE_MESSAGE PROGRAM security_mode:3");
}

TEST_CASE("encrypted messages are opaque, chunk by chunk") {
  SessionState session = connected_secretly();
  const Octets first = sealed("MSGF", 1);
  CHECK(describe(first, C, session) == "OPAQUE_MESSAGE PROGRAM security_mode:3");
  accept(first, C, session);
  // From now on even what could be read is taken as encrypted.
  CHECK(describe(signed_request(3), C, session) == "OPAQUE_MESSAGE PROGRAM security_mode:3");
  const Framing framing = opcua_protocol.frame(Bytes(sealed("MSGC", 2)), C, Transport::TCP, session);
  CHECK(framing.status == FrameStatus::COMPLETE);
  CHECK(framing.pdu_size == 136);
  CHECK(framing.judge_size == 24);
  CHECK_FALSE(head_of(sealed("MSGC", 2), C, session).answered);
  CHECK_FALSE(head_of(sealed("MSGA", 2), C, session).answered);
  const PduHead question = head_of(sealed("MSGF", 2), C, session);
  CHECK(question.answered);
  CHECK(head_of(sealed("MSGC", 3), S, session).kind == PduKind::RESPONSE_PART);
  const PduHead answer = head_of(sealed("MSGF", 3), S, session);
  CHECK(answer.kind == PduKind::RESPONSE);
  CHECK(answer.match_key == question.match_key);
  CHECK(answer.match_detail == question.match_detail);
  CHECK(describe(sealed("CLOF", 4), C, session) == "CLOSE_SECURE_CHANNEL SESSION security_mode:3");
  CHECK(fault(framed("MSGF", number(channel + 1) + number(token) + Octets(32, 1)), C, session) ==
        "secure_channel_id");
}

TEST_CASE("a conversation that was joined") {
  SessionState session;
  CHECK(describe(read_request(77), C, session) == "READ READ namespace:2 node:5 attribute:13");
  CHECK(describe(sealed("MSGF", 1), C, session) == "OPAQUE_MESSAGE PROGRAM");
  CHECK(describe(signed_request(77), C, session) == "OPAQUE_MESSAGE PROGRAM");
  CHECK(head_of(sealed("MSGF", 2), S, session).match_key == head_of(sealed("MSGF", 1), C, session).match_key);
  accept(read_request(77), C, session);
  CHECK(fault(read_request(79), C, session) == "sequence_number");
  CHECK(fault(sealed("MSGF", 1), C, session) != "");  // what was plain stays plain
  CHECK(head_of(response(634, 0, 500), S, session).match_key ==
        head_of(read_request(78), C, session).match_key);
  std::array<std::uint8_t, refusal_size_max> space{};
  CHECK(opcua_protocol.refuse(Bytes(read_request(78)), Reason::OBJECT_NOT_PERMITTED, session, space) == 0);
}

TEST_CASE("closing is not answered") {
  const SessionState session = connected();
  const Octets pdu = chunk("CLOF", 2, 2, asked(452, {}));
  CHECK(describe(pdu, C, session) == "CLOSE_SECURE_CHANNEL SESSION security_mode:1");
  CHECK_FALSE(head_of(pdu, C, session).answered);
  CHECK(fault(chunk("CLOF", 2, 2, asked(452, {0})), C, session) == "request_header");
  CHECK(fault(chunk("CLOF", 2, 2, asked(673, {})), C, session) == "type_id");
}

TEST_CASE("a refusal is an answer to the request") {
  const SessionState session = connected();
  std::array<std::uint8_t, refusal_size_max> space{};
  const Octets asked_for = read_request(2, 99);
  struct Row {
    Reason reason;
    std::uint32_t status;
  };
  for (const Row row :
       {Row{Reason::FUNCTION_NOT_PERMITTED, 0x800B0000}, Row{Reason::OBJECT_NOT_PERMITTED, 0x801F0000},
        Row{Reason::VALUE_NOT_PERMITTED, 0x803C0000}, Row{Reason::RATE_EXCEEDED, 0x80100000},
        Row{Reason::GRANT_REQUIRED, 0x801F0000}}) {
    const std::size_t size = opcua_protocol.refuse(Bytes(asked_for), row.reason, session, space);
    REQUIRE(size == 52);
    const Octets reply(space.begin(), space.begin() + 52);
    CHECK(reply == chunk("MSGF", 2, 99,
                         from_text("01 00 8d01 0000000000000000 2a000000") + number(row.status) +
                             from_text("00 00000000 0000 00")));
    const Framing framing = opcua_protocol.frame(Bytes(reply), S, Transport::TCP, session);
    CHECK(framing.status == FrameStatus::COMPLETE);
    CHECK(framing.pdu_size == 52);
    const PduHead head = head_of(reply, S, session);
    CHECK(head.negative);
    CHECK(head.match_key == head_of(asked_for, C, session).match_key);
    CHECK(opcua_protocol.matches(Bytes(reply), opcua::READ, QUIRK_NONE));
  }
}

TEST_CASE("a request in chunks of one octet is refused like any other") {
  const SessionState session = connected();
  std::array<std::uint8_t, refusal_size_max> space{};
  std::array<std::uint8_t, refusal_size_max> whole{};
  Octets pdu;
  std::uint32_t sequence = 2;
  for (const std::uint8_t octet : asked(631, read_value())) {
    pdu = std::move(pdu) + chunk("MSGC", sequence++, 2, {octet});
  }
  pdu = std::move(pdu) + chunk("MSGF", sequence, 2, {});
  REQUIRE(opcua_protocol.refuse(Bytes(pdu), Reason::OBJECT_NOT_PERMITTED, session, space) == 52);
  REQUIRE(opcua_protocol.refuse(Bytes(read_request(2)), Reason::OBJECT_NOT_PERMITTED, session, whole) == 52);
  CHECK(space == whole);
}

TEST_CASE("what cannot be refused in band") {
  std::array<std::uint8_t, refusal_size_max> space{};
  const auto refused = [&](const Octets& pdu, const SessionState& session) {
    return opcua_protocol.refuse(Bytes(pdu), Reason::OBJECT_NOT_PERMITTED, session, space);
  };
  SessionState session = connected_secretly();
  CHECK(refused(signed_request(2), session) == 0);
  accept(signed_request(2), C, session);
  CHECK(refused(signed_request(3), session) == 0);
  session = connected_secretly();
  accept(sealed("MSGF", 1), C, session);
  CHECK(refused(sealed("MSGF", 2), session) == 0);
  session = connected();
  CHECK(refused(chunk("CLOF", 2, 2, asked(452, {})), session) == 0);
  accept(chunk("MSGC", 2, 5, answered(634)), S, session);
  CHECK(refused(read_request(2), session) == 52);  // waits for the end of the response that is under way
  std::array<std::uint8_t, 51> small{};
  CHECK(opcua_protocol.refuse(Bytes(read_request(2)), Reason::OBJECT_NOT_PERMITTED, connected(), small) == 0);
  CHECK(refused(acknowledge(), {}) == 0);
}

TEST_CASE("hello and opening are refused by an error") {
  std::array<std::uint8_t, refusal_size_max> space{};
  SessionState session;
  REQUIRE(opcua_protocol.refuse(Bytes(hello()), Reason::OBJECT_NOT_PERMITTED, session, space) == 16);
  CHECK(Octets(space.begin(), space.begin() + 16) ==
        framed("ERRF", number(0x80830000) + from_text("ffffffff")));
  accept(hello(), C, session);
  const Octets reply(space.begin(), space.begin() + 16);
  CHECK(head_of(reply, S, session).match_key == head_of(hello(), C, {}).match_key);
  CHECK(opcua_protocol.matches(Bytes(reply), opcua::HELLO, QUIRK_NONE));
  for (const Octets& pdu : {open_channel(), open_secret()}) {
    REQUIRE(opcua_protocol.refuse(Bytes(pdu), Reason::OBJECT_NOT_PERMITTED, session, space) == 16);
    CHECK(Octets(space.begin(), space.begin() + 16) ==
          framed("ERRF", number(0x80550000) + from_text("ffffffff")));
  }
}

TEST_CASE("numbers behind a refused request") {
  SessionState session = connected();  // both have sent number 1
  accept(read_request(2), C, session);
  (void)renumbered(request(673, {}, 3, 3), C, Passage::REMOVED, session);
  std::array<std::uint8_t, refusal_size_max> space{};
  const Octets refused = request(673, {}, 3, 3);
  const std::size_t size =
      opcua_protocol.refuse(Bytes(refused), Reason::FUNCTION_NOT_PERMITTED, session, space);
  const Octets fault_pdu(space.begin(), space.begin() + static_cast<long>(size));
  // The server answers number 2 first; the reply takes its place behind it.
  accept(response(634, 0, 2, 2), S, session);
  CHECK(sequence_of(renumbered(response(634, 0, 2, 2), S, Passage::PASSED, session)) == 2);
  CHECK(sequence_of(renumbered(fault_pdu, S, Passage::INSERTED, session)) == 3);
  // The client counts on; the server sees no gap, the client none either.
  CHECK(fault(read_request(4), C, session) == "");
  accept(read_request(4), C, session);
  CHECK(sequence_of(renumbered(read_request(4), C, Passage::PASSED, session)) == 3);
  accept(response(634, 0, 3), S, session);
  CHECK(sequence_of(renumbered(response(634, 0, 3), S, Passage::PASSED, session)) == 4);
  // a request in chunks, and a renewal
  const Octets two = chunk("MSGC", 5, 6, asked(631, {})) + chunk("MSGF", 6, 6, read_value());
  accept(two, C, session);
  const Octets out = renumbered(two, C, Passage::PASSED, session);
  CHECK(out == chunk("MSGC", 4, 6, asked(631, {})) + chunk("MSGF", 5, 6, read_value()));
  accept(open_channel(7, 7, channel, 1), C, session);
  CHECK(renumbered(open_channel(7, 7, channel, 1), C, Passage::PASSED, session) ==
        open_channel(6, 7, channel, 1));
  accept(channel_opened(4, 7), S, session);
  CHECK(renumbered(channel_opened(4, 7), S, Passage::PASSED, session) == channel_opened(5, 7));
}

TEST_CASE("chunks that are taken out count one by one") {
  SessionState session = connected();
  const Octets two = chunk("MSGC", 2, 6, asked(631, {})) + chunk("MSGF", 3, 6, read_value());
  (void)renumbered(two, C, Passage::REMOVED, session);
  accept(read_request(4), C, session);
  CHECK(sequence_of(renumbered(read_request(4), C, Passage::PASSED, session)) == 2);
  // a response without a request
  (void)renumbered(response(634, 0, 2), S, Passage::REMOVED, session);
  accept(response(634, 0, 3), S, session);
  CHECK(sequence_of(renumbered(response(634, 0, 3), S, Passage::PASSED, session)) == 2);
}

TEST_CASE("numbers that begin anew behind a removed chunk") {
  SessionState session;
  accept(hello(), C, session);
  accept(acknowledge(), S, session);
  accept(open_channel(0xFFFFFFF0), C, session);
  accept(channel_opened(), S, session);
  (void)renumbered(request(673, {}, 0xFFFFFFF1, 3), C, Passage::REMOVED, session);
  accept(read_request(1), C, session);
  CHECK(renumbered(read_request(1), C, Passage::PASSED, session) == read_request(1));
  accept(read_request(2), C, session);
  CHECK(renumbered(read_request(2), C, Passage::PASSED, session) == read_request(2));
}

TEST_CASE("where numbers cannot be put right") {
  SessionState session = connected_secretly();
  accept(signed_request(2), C, session);
  Octets pdu = signed_request(3);
  CHECK_FALSE(opcua_protocol.renumber(pdu, C, Passage::REMOVED, session));
  CHECK_FALSE(opcua_protocol.renumber(pdu, C, Passage::PASSED, session));
  session = connected();
  accept(chunk("MSGC", 2, 2, answered(634)), S, session);
  pdu = response(397, 0x800B0000, 3, 3);
  CHECK_FALSE(opcua_protocol.renumber(pdu, S, Passage::INSERTED, session));  // within a response
  CHECK(sequence_of(renumbered(read_request(2), C, Passage::PASSED, session)) == 2);
  accept(chunk("MSGF", 3, 2, Octets(40, 1)), S, session);
  CHECK(opcua_protocol.renumber(pdu, S, Passage::INSERTED, session));
  CHECK(sequence_of(pdu) == 4);
  // Before a channel there are no numbers.
  session = SessionState{};
  pdu = hello();
  CHECK(opcua_protocol.renumber(pdu, C, Passage::REMOVED, session));
  pdu = error();
  CHECK(opcua_protocol.renumber(pdu, S, Passage::INSERTED, session));
  CHECK(pdu == error());
  // An encrypted opening is taken out; its client gets an error and cannot go on.
  session = SessionState{};
  accept(hello(), C, session);
  accept(acknowledge(), S, session);
  pdu = open_secret();
  CHECK(opcua_protocol.renumber(pdu, C, Passage::REMOVED, session));
  Octets reply = error();
  CHECK(opcua_protocol.renumber(reply, S, Passage::INSERTED, session));
  CHECK_FALSE(opcua_protocol.renumber(pdu, C, Passage::PASSED, session));
}
