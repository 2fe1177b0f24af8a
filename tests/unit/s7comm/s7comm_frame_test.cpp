// TPKT and COTP: where a PDU ends, and TPDUs other than DT (RFC 1006 §6, ISO/IEC 8073 §13).
#include <doctest/doctest.h>

#include "tests/unit/s7comm/s7comm_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;

Framing frame(const Octets& octets, std::size_t size) {
  const Octets exact(octets.begin(), octets.begin() + static_cast<long>(size));
  return s7comm_protocol.frame(Bytes(exact), C, Transport::TCP, SessionState{});
}
Framing frame(const Octets& octets) { return frame(octets, octets.size()); }

Octets joined(const Octets& a, const Octets& b) {
  Octets out = a;
  out.insert(out.end(), b.begin(), b.end());
  return out;
}

const Octets read_tsdu = from_hex("3201 0000 0007 000e 0000 0401 120a10020010000084000000");

}  // namespace

TEST_CASE("all splits: an answer other than INCOMPLETE never changes") {
  for (const std::size_t piece : {std::size_t{100}, std::size_t{11}, std::size_t{1}}) {
    const Octets pdu = tpkts(read_tsdu, piece);
    const Octets two = joined(pdu, tpkts(read_tsdu, piece));
    for (std::size_t size = 0; size <= two.size(); ++size) {
      const Framing framing = frame(two, size);
      CAPTURE(piece);
      CAPTURE(size);
      if (framing.status == FrameStatus::INCOMPLETE) {
        CHECK(size < pdu.size());
        CHECK(framing.need_size > size);
        CHECK(framing.need_size <= pdu.size());
        continue;
      }
      CHECK(framing.status == FrameStatus::COMPLETE);
      CHECK(framing.pdu_size == pdu.size());
      CHECK(framing.judge_size == pdu.size());
    }
  }
}

TEST_CASE("a TSDU means the same in however many TPDUs; more than two by tolerance") {
  const std::string whole = describe(tpkts(read_tsdu), C);
  CHECK(whole == "READ_VAR READ area:132 db:0 bit:0-127 transport_size:2");
  for (std::size_t piece = 1; piece <= read_tsdu.size(); ++piece) {
    CAPTURE(piece);
    const Octets pdu = tpkts(read_tsdu, piece);
    CHECK(describe(pdu, C, {}, QUIRK_MANY_TPDUS) == whole);
    CHECK(describe(pdu, C) == (2 * piece < read_tsdu.size() ? "malformed tpdu_count" : whole));
  }
  const Octets answer = from_hex("3203 0000 0007 0002 0005 0000 0401 ff04000801");
  CHECK(describe(tpkts(answer, 1), S) == describe(tpkts(answer), S));
}

TEST_CASE("foreign octets are known by the first one") {
  CHECK(frame(from_hex("00")).mismatch);
  CHECK(frame(from_hex("0564")).mismatch);
  CHECK(frame(from_hex("16 0301 0200 01")).mismatch);
  CHECK(frame(from_hex("03")).status == FrameStatus::INCOMPLETE);
  CHECK(frame(from_hex("")).status == FrameStatus::INCOMPLETE);
  CHECK(frame(from_hex("0301")).status == FrameStatus::MALFORMED);
  CHECK_FALSE(frame(from_hex("0301")).mismatch);
}

TEST_CASE("lengths and fields of a TPKT") {
  struct Row {
    const char* octets;
    const char* field;
  };
  for (const Row& row :
       {Row{"0301 0007 02f080", "reserved"}, Row{"0300 0006 02f0", "length"},
        Row{"0300 1001 02f080", "length"}, Row{"0300 0008 01f080", "length_indicator"},
        Row{"0300 0008 03f08000", "length_indicator"}, Row{"0300 0008 04f08000", "length_indicator"},
        Row{"0300 0007 02f081", "tpdu_number"}, Row{"0300 0007 02f001", "tpdu_number"},
        Row{"0300 000a 051000000000", "tpdu"}, Row{"0300 000a 05f100000000", "tpdu"},
        Row{"0300 000a 05e100000000", "tpdu"}, Row{"0300 000a 04e000000000", "length_indicator"},
        Row{"0300 0008 02f00032 0300 000b 06e00000000100", "tpdu"},
        Row{"0300 0008 02f00032 0400", "version"}}) {
    CAPTURE(row.octets);
    const Framing framing = frame(from_hex(row.octets));
    CHECK(framing.status == FrameStatus::MALFORMED);
    CHECK(std::string(framing.field) == row.field);
  }
}

TEST_CASE("a TSDU has a bound") {
  const Octets tsdu(4089, 0x32);
  CHECK(frame(tpkts(tsdu, 4089)).status == FrameStatus::COMPLETE);
  CHECK(std::string(frame(tpkts(Octets(4083, 0x32), 4082)).field) == "tsdu_size");
  CHECK(frame(tpkts(Octets(4082, 0x32), 4081)).status == FrameStatus::COMPLETE);
  CHECK(std::string(frame(tpkts(tsdu, 8)).field) == "tsdu_size");
  // Refused as soon as it is clear that it cannot end in time.
  CHECK(std::string(frame(joined(from_hex("0300 0ffa 02f000"), Octets(4083, 0x32))).field) == "tsdu_size");
}

TEST_CASE("an empty TPDU is a PDU of its own, between TSDUs; inside of one it is nothing") {
  for (const char* empty : {"0300 0007 02f000", "0300 0007 02f080"}) {
    const Octets octets = from_hex(empty);
    CHECK(frame(joined(octets, tpkts(read_tsdu))).pdu_size == 7);
    CHECK(describe(octets, C) == "implied ");
    CHECK(describe(octets, S) == "implied ");
  }
  Octets cut = tpkts(read_tsdu, 10);
  const Octets empty = from_hex("0300 0007 02f000");
  cut.insert(cut.begin() + 17, empty.begin(), empty.end());
  CHECK(frame(cut).pdu_size == cut.size());
  CHECK(describe(cut, C, {}, QUIRK_MANY_TPDUS) == "READ_VAR READ area:132 db:0 bit:0-127 transport_size:2");
  Octets halves = tpkts(read_tsdu, 12);
  halves.insert(halves.begin() + 19, empty.begin(), empty.end());
  CHECK(describe(halves, C) == "malformed tpdu_count");
  const Octets behind = joined(Octets(tpkts(read_tsdu)), empty);
  CHECK(describe(behind, C) == "malformed end_of_tsdu");
}

namespace {

struct Vector {
  const char* name;
  Role sender;
  const char* tpdu;
  const char* expected;
};

constexpr Vector vectors[] = {
    {"connect", C, "e0 0000 0001 00 c0010a c1020100 c2020102",
     "CONNECT SESSION slot:2 connection_type:1 source_tsap:256"},
    {"parameters in another order", C, "e0 0000 0001 00 c2020321 c1020200 c0010a",
     "CONNECT SESSION slot:33 connection_type:3 source_tsap:512"},
    {"without a size", C, "e0 0000 0001 00 c1020100 c2020102",
     "CONNECT SESSION slot:2 connection_type:1 source_tsap:256"},
    {"with a preferred size", C, "e0 0000 0001 00 f00110 c1020100 c2020102",
     "CONNECT SESSION slot:2 connection_type:1 source_tsap:256"},
    {"TSAP as text", C, "e0 0000 0001 00 c1020600 c20f53494d415449432d524f4f542d4553",
     "CONNECT SESSION source_tsap:1536 \"SIMATIC-ROOT-ES\""},
    {"source as text", C, "e0 0000 0001 00 c103414243 c2020102", "CONNECT SESSION slot:2 connection_type:1"},
    {"confirm", S, "d0 0001 0003 00 c0010a c1020100 c2020102", "CONNECT SESSION"},
    {"confirm without parameters", S, "d0 0001 0003 00", "CONNECT SESSION"},
    {"refused", S, "80 0001 0000 03", "DISCONNECT SESSION"},
    {"error", S, "70 0001 02 c103 060100", "TPDU_ERROR SESSION"},
    {"disconnect of the client", C, "80 0001 0000 80", "DISCONNECT SESSION"},
    {"disconnect with more information", C, "80 0001 0000 80 e0024142", "DISCONNECT SESSION"},
    {"error of the client", C, "70 0001 02", "TPDU_ERROR SESSION"},
    {"connect from the server", S, "e0 0000 0001 00 c1020100 c2020102", "malformed tpdu"},
    {"confirm from the client", C, "d0 0001 0003 00", "malformed tpdu"},
    {"disconnect confirm of nothing", S, "c0 0001 0002", "malformed tpdu"},
    {"class 2", C, "e0 0000 0001 20 c1020100 c2020102", "malformed class"},
    {"class 0 with an option", C, "e0 0000 0001 01 c1020100 c2020102", "malformed class"},
    {"confirm of class 1", S, "d0 0001 0003 10", "malformed class"},
    {"connect with a destination reference", C, "e0 0001 0001 00 c1020100 c2020102", "malformed reference"},
    {"no destination", C, "e0 0000 0001 00 c1020100", "malformed tsap"},
    {"no source", C, "e0 0000 0001 00 c2020102", "malformed tsap"},
    {"destination twice", C, "e0 0000 0001 00 c1020100 c2020102 c2020103", "malformed parameter"},
    {"source twice", C, "e0 0000 0001 00 c1020100 c1020100 c2020102", "malformed parameter"},
    {"size twice", C, "e0 0000 0001 00 c0010a c0010a c1020100 c2020102", "malformed parameter"},
    {"empty TSAP", C, "e0 0000 0001 00 c1020100 c200", "malformed tsap"},
    {"parameter cut", C, "e0 0000 0001 00 c1020100 c20201", "malformed parameter"},
    {"parameter without a length", C, "e0 0000 0001 00 c1020100 c2020102 c0", "malformed parameter"},
    {"checksum", C, "e0 0000 0001 00 c1020100 c2020102 c3020000", "malformed parameter"},
    {"size of two octets", C, "e0 0000 0001 00 c002000a c1020100 c2020102", "malformed tpdu_size"},
    {"size too small", C, "e0 0000 0001 00 c00106 c1020100 c2020102", "malformed tpdu_size"},
    {"size too large", C, "e0 0000 0001 00 c0010e c1020100 c2020102", "malformed tpdu_size"},
    {"connect cut", C, "e0 0000 0001", "malformed length_indicator"},
    {"disconnect without a reason", C, "80 0001 0000", "malformed length_indicator"},
    {"error without a cause", C, "70 0001", "malformed length_indicator"},
};

}  // namespace

TEST_CASE("TPDUs") {
  for (const Vector& vector : vectors) {
    CAPTURE(vector.name);
    CHECK(describe(control(vector.tpdu), vector.sender) == vector.expected);
  }
}

TEST_CASE("a CR is answered by CC, DR or ER with its reference") {
  const PduHead asked = head_of(control("e0 0000 0001 00 c1020100 c2020102"), C);
  CHECK(asked.answered);
  for (const char* answer : {"d0 0001 0003 00", "80 0001 0000 03", "70 0001 02"}) {
    CAPTURE(answer);
    const PduHead head = head_of(control(answer), S);
    CHECK(head.kind == PduKind::RESPONSE);
    CHECK(head.match_key == asked.match_key);
    CHECK(s7comm_protocol.matches(Bytes(control(answer)), asked.match_detail, QUIRK_NONE));
    CHECK(head.negative == (answer[0] != 'd'));
  }
  CHECK(head_of(control("d0 0002 0003 00"), S).match_key != asked.match_key);
  const PduHead read = head_of(tpkts(read_tsdu), C);
  CHECK_FALSE(s7comm_protocol.matches(Bytes(control("d0 0001 0003 00")), read.match_detail, QUIRK_NONE));
}

TEST_CASE("what servers that give up a part of a request would read behind it") {
  Octets pdu = tpkts(read_tsdu, 100);
  const std::size_t cut = pdu.size();
  const Octets hidden = tpkts(read_tsdu, 100);
  pdu.insert(pdu.end(), hidden.begin(), hidden.end());
  CHECK(s7comm_protocol.strays(pdu, cut));
  pdu[cut] = 0x55;  // nobody looks at the version
  pdu[cut + 1] = 0x55;
  CHECK(s7comm_protocol.strays(pdu, cut));
  CHECK_FALSE(s7comm_protocol.strays(pdu, cut + 1));
  pdu[cut + 5] = 0x70;  // no TPDU that a server acts on
  CHECK_FALSE(s7comm_protocol.strays(pdu, cut));
  // The second TPDU of a TSDU, where the first one was given up.
  const Octets two = tpkts(read_tsdu, 16);
  CHECK(s7comm_protocol.strays(two, 7 + 16));
}
