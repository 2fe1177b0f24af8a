// What depends on the PDUs before: TSAPs, downloads and uploads, answers in several parts; matching; refusal.
#include <doctest/doctest.h>

#include <array>

#include "tests/unit/s7comm/s7comm_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;

const char* const fetch = "1b 00 0000 00000000 09 5f3041303030303150";
const char* const fetch_end = "1c 00 0000 00000000 09 5f3041303030303150";
const char* const request_download =
    "1a 00 0100 00000000 09 5f3041303030303150 0d 31303030353030303030343030";

// Does this answer go with that request, for all that the engine asks?
bool answers(const Octets& request, const Octets& answer) {
  const PduHead asked = head_of(request, C);
  const PduHead head = head_of(answer, S);
  REQUIRE(asked.well_formed);
  if (!head.well_formed || head.kind != PduKind::RESPONSE || head.match_key != asked.match_key) return false;
  return head.match_detail == asked.match_detail ||
         s7comm_protocol.matches(Bytes(answer), asked.match_detail, QUIRK_NONE);
}

Octets refusal(const Octets& request, Reason reason, const SessionState& session = {}) {
  std::array<std::uint8_t, refusal_size_max> reply{};
  const std::size_t size = s7comm_protocol.refuse(Bytes(request), reason, session, reply);
  return {reply.begin(), reply.begin() + static_cast<long>(size)};
}

}  // namespace

TEST_CASE("operations carry the TSAPs of their connection, once it is confirmed") {
  SessionState session;
  const Octets read = job("04 01" + any(2, 1, 1, 0x84, 0));
  const std::string bare = "READ_VAR READ area:132 db:1 bit:0-7 transport_size:2";
  accept(control("e0 0000 0001 00 c1020100 c2020102"), C, session);
  CHECK(describe(read, C, session) == bare);
  accept(control("d0 0002 0003 00"), S, session);  // of another one
  CHECK(describe(read, C, session) == bare);
  accept(control("d0 0001 0003 00"), S, session);
  CHECK(describe(read, C, session) ==
        "READ_VAR READ slot:2 connection_type:1 source_tsap:256 area:132 db:1 bit:0-7 transport_size:2");
}

TEST_CASE("seen from its beginning: no data before the connection is confirmed") {
  SessionState session;
  const Octets read = job("04 01" + any(2, 1, 1, 0x84, 0));
  CHECK(describe(read, C, session).starts_with("READ_VAR"));  // joined: nobody knows
  s7comm_protocol.begin(session);
  for (const Role sender : {C, S}) CHECK(describe(read, sender, session) == "malformed tpdu");
  CHECK(describe(tpkts(Octets{}), C, session) == "malformed tpdu");
  accept(control("e0 0000 0001 00 c1020100 c2020102"), C, session);
  CHECK(describe(read, C, session) == "malformed tpdu");
  accept(control("d0 0001 0003 00"), S, session);
  CHECK(describe(read, C, session).starts_with("READ_VAR"));
}

TEST_CASE("one connection, and no second one beside it") {
  SessionState session;
  const Octets connect = control("e0 0000 0001 00 c1020100 c2020102");
  accept(connect, C, session);
  CHECK(describe(connect, C, session) == "malformed tpdu");
  accept(control("80 0001 0000 03"), S, session);  // refused: asks again
  CHECK(describe(connect, C, session).starts_with("CONNECT"));
  accept(connect, C, session);
  accept(control("d0 0001 0003 00"), S, session);
  CHECK(describe(connect, C, session) == "malformed tpdu");
  CHECK(describe(control("80 0001 0000 80"), S, session) == "unsolicited DISCONNECT SESSION");
  CHECK(describe(control("c0 0001 0002"), C, session) == "malformed tpdu");
  accept(control("80 0001 0000 80"), S, session);
  CHECK(describe(control("c0 0001 0002"), C, session) == "implied ");
  CHECK(describe(control("c0 0001 0002"), S, session) == "malformed tpdu");
  accept(control("80 0001 0000 80"), C, session);
  CHECK(describe(control("c0 0001 0002"), S, session) == "implied ");
}

TEST_CASE("no PDU is larger than was negotiated") {
  SessionState session;
  const Octets read = job("04 03" + any(2, 1, 1, 0x84, 0) + any(2, 1, 1, 0x84, 0) + any(2, 1, 1, 0x84, 0));
  accept(job("f0 00 0001 0001 0030"), C, session);
  CHECK(describe(read, C, session).starts_with("READ_VAR"));
  accept(ack("f0 00 0001 0001 0030"), S, session);  // 48 octets
  CHECK(describe(read, C, session).starts_with("READ_VAR"));
  accept(ack("f0 00 0001 0001 002f"), S, session);
  CHECK(describe(read, C, session) == "malformed pdu_size");
  CHECK(describe(ack("04 01", "ff 04 0100 " + std::string(64, '0')), S, session) == "malformed pdu_size");
}

TEST_CASE("a download that was permitted goes on without a rule; what the client sends is judged") {
  SessionState session;
  CHECK(describe(job(fetch, "", 1), S, session) == "unsolicited DOWNLOAD_BLOCK PROGRAM db:1 \"DB1\"");
  accept(job(request_download, "", 9), C, session);
  CHECK(describe(job(fetch, "", 1), S, session) == "implied DOWNLOAD_BLOCK PROGRAM db:1 \"DB1\"");
  CHECK(describe(job("1b 00 0000 00000000 09 5f3041303030303250"), S, session) ==
        "unsolicited DOWNLOAD_BLOCK PROGRAM db:2 \"DB2\"");
  CHECK(describe(job("04 01" + any(2, 1, 1, 0x84, 0)), S, session).starts_with("unsolicited"));
  const Octets content = ack("1b 01", "0003 00fb 70700a", 0, 1);
  CHECK(describe(content, C, session) == "malformed pdu_reference");
  accept(job(fetch, "", 1), S, session);
  CHECK(describe(content, C, session) == "DOWNLOAD_BLOCK PROGRAM db:1 \"DB1\"");
  CHECK_FALSE(head_of(content, C, session).answered);
  CHECK(describe(ack("1b 01", "0004 00fb 70700a", 0, 1), C, session) == "malformed data_length");
  CHECK(describe(ack("1b 01", "0002 00fb 70700a", 0, 1), C, session) == "malformed data_length");
  CHECK(describe(ack("1c", "", 0, 1), C, session) == "malformed function");
  CHECK(describe(ack("1b 01", "0003 00fb 70700a", 0, 2), C, session) == "malformed pdu_reference");
  accept(content, C, session);
  CHECK(describe(content, C, session) == "malformed pdu_reference");  // once
  accept(job(fetch_end, "", 3), S, session);
  CHECK(describe(ack("1c", "", 0, 3), C, session) == "DOWNLOAD_ENDED PROGRAM db:1 \"DB1\"");
  CHECK(describe(ack("", "", 0x8104, 3, 2), C, session) == "DOWNLOAD_ENDED PROGRAM db:1 \"DB1\"");
  accept(ack("1c", "", 0, 3), C, session);
  CHECK(describe(job(fetch, "", 5), S, session).starts_with("unsolicited"));
}

TEST_CASE("a download that the server refuses is none") {
  SessionState session;
  accept(job(request_download, "", 9), C, session);
  accept(ack("1a", "", 0x8104, 8), S, session);  // something else
  CHECK(describe(job(fetch), S, session).starts_with("implied"));
  accept(ack("1a", "", 0x8104, 9), S, session);
  CHECK(describe(job(fetch), S, session).starts_with("unsolicited"));
}

TEST_CASE("jobs of the server are remembered up to three") {
  SessionState session;
  for (std::uint16_t reference = 1; reference <= 4; ++reference) {
    accept(job(fetch, "", reference), S, session);
  }
  const auto answer = [](std::uint16_t reference) { return ack("1b 01", "0001 00fb 70", 0, reference); };
  CHECK(describe(answer(1), C, session) == "malformed pdu_reference");
  for (std::uint16_t reference = 2; reference <= 4; ++reference) {
    CHECK(describe(answer(reference), C, session).starts_with("DOWNLOAD_BLOCK"));
  }
  accept(job(fetch, "", 3), S, session);  // again: no second one
  CHECK(describe(answer(2), C, session).starts_with("DOWNLOAD_BLOCK"));
}

TEST_CASE("uploads keep the name of their block") {
  SessionState session;
  accept(job("1d 00 0000 00000000 09 5f3041303030303741", "", 1), C, session);
  accept(job("1d 00 0000 00000000 09 5f3038303030303141", "", 2), C, session);
  CHECK(describe(job("1e 00 0000 00000007"), C, session) == "UPLOAD PROGRAM");
  accept(ack("1d 00 0100 00000007 07 30303030323136", "", 0, 1), S, session);
  CHECK(describe(job("1e 00 0000 00000007"), C, session) == "UPLOAD PROGRAM db:7 \"DB7\"");
  CHECK(describe(job("1e 00 0000 00000008"), C, session) == "UPLOAD PROGRAM");
  accept(ack("", "", 0xD20C, 2, 2), S, session);
  CHECK(describe(job("1e 00 0000 00000000"), C, session) == "UPLOAD PROGRAM");
  CHECK(describe(job("1f 00 0000 00000007"), C, session) == "END_UPLOAD PROGRAM db:7 \"DB7\"");
}

TEST_CASE("later parts of an answer belong to what was asked for first") {
  SessionState session;
  const Octets more = userdata("00011208 124401050000 0000", "0a 00 0000", 11);
  CHECK(describe(more, C, session) == "READ_SZL DISCOVER");
  accept(userdata("00011204 11440100", "ff 09 0004 001c 0000", 10), C, session);
  CHECK(describe(more, C, session) == "READ_SZL DISCOVER");
  accept(userdata("00011208 128401 05 d5 01 0000", "ff 09 0002 0000", 10), S, session);
  CHECK(describe(more, C, session) == "READ_SZL DISCOVER szl_id:28");
  CHECK(describe(userdata("00011208 124401060000 0000", "0a 00 0000", 11), C, session) ==
        "READ_SZL DISCOVER");
  CHECK(describe(userdata("00011208 124302050000 0000", "0a 00 0000", 11), C, session) ==
        "LIST_BLOCKS_OF_TYPE DISCOVER");
  accept(more, C, session);
  accept(userdata("00011208 128401 05 d5 00 0000", "ff 09 0002 0000", 11), S, session);
  CHECK(describe(more, C, session) == "READ_SZL DISCOVER");
}

TEST_CASE("S7comm-plus in pieces, and opaque conversations") {
  SessionState session;
  const Octets first = tpkts(from_hex("7202 000a 31 0000 04bb 0000 0001 00"));
  const Octets last = tpkts(from_hex("7202 0003 010203 72020000"));
  CHECK(describe(last, C, session) == "S7PLUS_OPAQUE PROGRAM");
  CHECK(head_of(first, C, session).answered);
  accept(first, C, session);
  // What is no piece of it is nothing that can be read.
  CHECK(describe(tpkts(from_hex("7201 000a 31 0000 0542 0000 0001 00 72010000")), C, session) ==
        "S7PLUS_OPAQUE PROGRAM");
  CHECK(describe(last, C, session) == "S7PLUS_EXPLORE DISCOVER");
  CHECK_FALSE(head_of(last, C, session).answered);
  accept(last, C, session);
  CHECK(describe(last, C, session) == "S7PLUS_OPAQUE PROGRAM");

  const Octets part = tpkts(from_hex("7202 000a 32 0000 04bb 0000 0001 00"));
  CHECK(head_of(part, S, session).kind == PduKind::RESPONSE_PART);
  accept(part, S, session);
  CHECK(head_of(last, S, session).kind == PduKind::RESPONSE);
  CHECK(head_of(last, S, session).match_key == head_of(first, C).match_key);
  accept(last, S, session);
  CHECK(answers(first, tpkts(from_hex("7202 000a 32 0000 04bb 0000 0001 00 72020000"))));
  CHECK_FALSE(answers(first, tpkts(from_hex("7202 000a 32 0000 04ca 0000 0001 00 72020000"))));
  CHECK_FALSE(answers(first, tpkts(from_hex("7202 000a 32 0000 04bb 0000 0002 00 72020000"))));

  const Octets tls = tpkts(from_hex("16 0301 0002 0000"));
  CHECK(describe(tls, C, session) == "malformed protocol_id");
  accept(tpkts(from_hex("7201 000a 32 0000 05b3 0000 0001 00 72010000")), C, session);  // not by a client
  CHECK(describe(tls, C, session) == "malformed protocol_id");
  accept(tpkts(from_hex("7201 000a 32 0000 05b3 0000 0001 00 72010000")), S, session);
  CHECK(describe(tls, C, session) == "S7PLUS_OPAQUE PROGRAM");
  CHECK(describe(tls, S, SessionState{}) == "malformed protocol_id");
  CHECK(describe(tls, S, session) == "unsolicited S7PLUS_OPAQUE PROGRAM");
  accept(tls, C, session);
  CHECK(describe(tls, S, session) == "implied S7PLUS_OPAQUE PROGRAM");
}

TEST_CASE("answers go with their requests") {
  const Octets read = job("04 02" + any(2, 3, 1, 0x84, 0) + any(1, 1, 1, 0x84, 0));
  CHECK(answers(read, ack("04 02", "ff 04 0018 010203 00 ff 03 0001 01")));
  CHECK(answers(read, ack("04 02", "0a 00 0000 ff 03 0001 01")));
  CHECK(answers(read, ack("04 02", "0a 00 0000 05 00 0000")));
  CHECK(answers(read, ack("04 00", "", 0x8500)));
  CHECK(answers(read, ack("", "", 0x8104, 7, 2)));
  CHECK_FALSE(answers(read, ack("04 02", "ff 04 0018 010203 00 ff 03 0001 01", 0, 8)));
  CHECK_FALSE(answers(read, ack("04 01", "ff 04 0018 010203")));
  CHECK_FALSE(answers(read, ack("04 02", "ff 04 0010 0102 ff 03 0001 01")));
  CHECK_FALSE(answers(read, ack("04 02", "0a 00 0000 ff 04 0010 0102")));
  CHECK_FALSE(answers(read, ack("05 02", "ffff")));
  CHECK_FALSE(answers(read, ack("", "", 0, 7, 2)));
  CHECK_FALSE(answers(read, userdata("00011208 128401010000 0000", "ff 09 0002 0000")));

  const Octets write =
      job("05 02" + any(2, 1, 1, 0x84, 0) + any(2, 1, 1, 0x84, 8), "00 04 0008 01 00 00 04 0008 02");
  CHECK(answers(write, ack("05 02", "ff0a")));
  CHECK_FALSE(answers(write, ack("05 01", "ff")));
  CHECK_FALSE(answers(write, ack("04 02", "0a 00 0000 05 00 0000")));

  CHECK(answers(job("f0 00 0001 0001 01e0"), ack("f0 00 0001 0001 00f0")));
  CHECK_FALSE(answers(job("f0 00 0001 0001 01e0"), ack("29")));
  CHECK(answers(job("29 0000000000 09 505f50524f4752414d"), ack("", "", 0, 7, 2)));

  const Octets szl = userdata("00011204 11440100", "ff 09 0004 001c 0000");
  CHECK(answers(szl, userdata("00011208 128401010000 0000", "ff 09 0002 0000")));
  CHECK_FALSE(answers(szl, userdata("00011208 128402010000 0000", "ff 09 0002 0000")));
  CHECK_FALSE(answers(szl, userdata("00011208 128301010000 0000", "ff 09 0002 0000")));
  CHECK_FALSE(answers(szl, ack("", "", 0x8104, 7, 2)));
}

TEST_CASE("answers to many items, and to large ones") {
  std::string items = "04 06";
  std::string values;
  for (int i = 0; i < 6; ++i) {
    items += any(4, 1, 1, 0x84, 0);
    values += "ff 04 0010 0102";
  }
  CHECK(answers(job(items), ack("04 06", values)));
  CHECK(answers(job(items), ack("04 06", values.substr(15) + "0a 00 0000")));
  CHECK_FALSE(answers(job(items), ack("04 06", values.substr(15) + "ff 04 0018 010203")));
  const std::string octets(2 * 1100, '0');
  const Octets large = job("04 01" + any(2, 1100, 1, 0x84, 0));
  CHECK(answers(large, ack("04 01", "ff 04 2260 " + octets)));
  CHECK_FALSE(answers(large, ack("04 01", "ff 04 2258 " + octets.substr(2))));
  // Of other forms the size is not known.
  CHECK(answers(job("04 01 1202 b2 01"), ack("04 01", "ff 04 0010 0102")));
  CHECK_FALSE(answers(job("04 01 1202 b2 01"), ack("04 02", "ff 04 0010 0102 ff 04 0010 0102")));
}

TEST_CASE("each request has a refusal that answers it") {
  const Octets requests[] = {
      control("e0 0000 0001 00 c1020100 c2020102"),
      job("f0 00 0001 0001 01e0"),
      job("04 02" + any(2, 3, 1, 0x84, 0) + any(1, 1, 1, 0x84, 0)),
      job("05 02" + any(2, 1, 1, 0x84, 0) + any(2, 1, 1, 0x84, 8), "00 04 0008 01 00 00 04 0008 02"),
      job(request_download),
      job("1d 00 0000 00000000 09 5f3042303030303041"),
      job("1e 00 0000 00000007"),
      job("28 000000000000fd 0000 09 505f50524f4752414d"),
      job("29 0000000000 09 505f50524f4752414d"),
      job("77 0102"),
      userdata("00011204 11440100", "ff 09 0004 001c 0000"),
      userdata("00011208 127f01000000 0000", "ff 09 0002 0014"),
  };
  for (const Octets& request : requests) {
    for (const Reason reason : {Reason::FUNCTION_NOT_PERMITTED, Reason::OBJECT_NOT_PERMITTED,
                                Reason::VALUE_NOT_PERMITTED, Reason::RATE_EXCEEDED, Reason::GRANT_REQUIRED}) {
      const Octets reply = refusal(request, reason);
      CAPTURE(describe(request, C));
      CHECK(answers(request, reply));
      CHECK(head_of(reply, S).negative);
    }
  }
}

TEST_CASE("refusals, octet by octet") {
  const Reason object = Reason::OBJECT_NOT_PERMITTED;
  CHECK(refusal(control("e0 0000 0001 00 c1020100 c2020102"), object) == control("80 0001 0000 03"));
  CHECK(refusal(job("04 02" + any(2, 3, 1, 0x84, 0) + any(1, 1, 1, 0x84, 0), "", 9), object) ==
        ack("04 02", "05 00 0000 05 00 0000", 0, 9));
  CHECK(refusal(job("05 01" + any(1, 1, 0, 0x83, 805), "00 03 0001 01"), Reason::VALUE_NOT_PERMITTED) ==
        ack("05 01", "03"));
  CHECK(refusal(job("04 01" + any(2, 3, 1, 0x84, 0)), Reason::FUNCTION_NOT_PERMITTED) ==
        ack("04 01", "0a 00 0000"));
  CHECK(refusal(job("29 0000000000 09 505f50524f4752414d"), Reason::FUNCTION_NOT_PERMITTED) ==
        ack("", "", 0x8104, 7, 2));
  CHECK(refusal(job("f0 00 0001 0001 01e0"), Reason::FUNCTION_NOT_PERMITTED) ==
        ack("f0 00 0001 0001 01e0", "", 0x8104));
  CHECK(refusal(userdata("00011204 11470205", "ff 09 0002 0000", 9), object) ==
        userdata("00011208 128702050000 d0a1", "0a 00 0000", 9));
  CHECK(refusal(tpkts(from_hex("7201 000a 31 0000 04bb 0000 0001 00 72010000")), object).empty());
  CHECK(refusal(control("80 0001 0000 80"), object).empty());
}

TEST_CASE("a refusal has room for its codes, or has none") {
  std::string items;
  for (int i = 0; i < 120; ++i) items += any(2, 1, 1, 0x84, 0);
  const Octets many = job("04 78" + items);
  CHECK(refusal(many, Reason::OBJECT_NOT_PERMITTED).size() == 7 + 14 + 480);
  SessionState session;
  accept(ack("f0 00 0001 0001 00f0"), S, session);
  const Octets reply = refusal(many, Reason::OBJECT_NOT_PERMITTED, session);
  CHECK(reply == ack("", "", 0x8703, 7, 2));
  CHECK(answers(many, reply));
  std::array<std::uint8_t, 18> small{};
  CHECK(s7comm_protocol.refuse(Bytes(many), Reason::OBJECT_NOT_PERMITTED, SessionState{}, small) == 0);
}

TEST_CASE("a request in several TPDUs is refused like one in one") {
  const Octets tsdu = from_hex("3201 0000 0007 000e 0000 0401 120a10020010000084000000");
  CHECK(refusal(tpkts(tsdu, 3), Reason::OBJECT_NOT_PERMITTED) ==
        refusal(tpkts(tsdu), Reason::OBJECT_NOT_PERMITTED));
}
