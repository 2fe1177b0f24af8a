#include <doctest/doctest.h>

#include <array>

#include "protocols/modbus/modbus_decoder.hpp"
#include "tests/unit/modbus/modbus_support.hpp"
#include "tests/unit/modbus/modbus_vectors.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

struct Pair {
  const char* name;
  const char* request;
  const char* answer;
  bool fits;
};

constexpr auto pairs = std::to_array<Pair>({
    {"coils", "01 0000 0009", "01 02 ff 01", true},
    {"too few coils", "01 0000 0009", "01 01 ff", false},
    {"too many coils", "01 0000 0009", "01 03 ff 01 00", false},
    {"inputs", "02 0000 0008", "02 01 ff", true},
    {"coils for inputs", "02 0000 0008", "01 01 ff", false},
    {"registers", "03 0000 0002", "03 04 0001 0002", true},
    {"too few registers", "03 0000 0002", "03 02 0001", false},
    {"input registers for registers", "03 0000 0001", "04 02 0001", false},
    {"input registers", "04 0000 0001", "04 02 0001", true},
    {"coil", "05 0001 ff00", "05 0001 ff00", true},
    {"other coil", "05 0001 ff00", "05 0002 ff00", false},
    {"coil off for on", "05 0001 ff00", "05 0001 0000", false},
    {"register", "06 0001 0003", "06 0001 0003", true},
    {"other register", "06 0001 0003", "06 0002 0003", false},
    {"other value", "06 0001 0003", "06 0001 0004", false},
    {"exception status", "07", "07 00", true},
    {"query data", "08 0000 1234", "08 0000 1234", true},
    {"other query data", "08 0000 1234", "08 0000 1235", false},
    {"longer query data", "08 0000 1234", "08 0000 1234 0000", false},
    {"counter", "08 000b 0000", "08 000b 0007", true},
    {"other counter", "08 000b 0000", "08 000c 0007", false},
    {"restart", "08 0001 ff00", "08 0001 ff00", true},
    {"restart without clearing", "08 0001 ff00", "08 0001 0000", false},
    {"reserved sub-function", "08 0015 0003", "08 0015 01 02 03", true},
    {"event counter", "0b", "0b 0000 0001", true},
    {"event log", "0c", "0c 06 0000 0000 0000", true},
    {"event log for counter", "0b", "0c 06 0000 0000 0000", false},
    {"coils written", "0f 0001 0002 01 03", "0f 0001 0002", true},
    {"fewer coils written", "0f 0001 0002 01 03", "0f 0001 0001", false},
    {"registers written", "10 0001 0001 02 0000", "10 0001 0001", true},
    {"other registers written", "10 0001 0001 02 0000", "10 0002 0001", false},
    {"server id", "11", "11 02 01 ff", true},
    {"file records", "14 0e 06 0004 0001 0002 06 0003 0009 0001", "14 0a 05 06 0000 0000 03 06 0000", true},
    {"file records in other order", "14 0e 06 0004 0001 0002 06 0003 0009 0001",
     "14 0a 03 06 0000 05 06 0000 0000", false},
    {"one file record less", "14 0e 06 0004 0001 0002 06 0003 0009 0001", "14 06 05 06 0000 0000", false},
    {"file write", "15 09 06 0001 0000 0001 0001", "15 09 06 0001 0000 0001 0001", true},
    {"other file write", "15 09 06 0001 0000 0001 0001", "15 09 06 0001 0001 0001 0001", false},
    {"mask", "16 0001 00ff 0100", "16 0001 00ff 0100", true},
    {"other mask", "16 0001 00ff 0100", "16 0001 00ff 0101", false},
    {"read/write", "17 0000 0002 0005 0001 02 0000", "17 04 0000 0001", true},
    {"read/write, other count", "17 0000 0002 0005 0001 02 0000", "17 02 0000", false},
    {"fifo", "18 0000", "18 0002 0000", true},
    {"canopen", "2b 0d 01", "2b 0d 02 03", true},
    {"device id for canopen", "2b 0d 01", "2b 0e 01 01 00 00 00", false},
    {"device id", "2b 0e 01 00", "2b 0e 01 01 00 00 01 00 01 41", true},
    {"device id, other code", "2b 0e 01 00", "2b 0e 02 01 00 00 01 00 01 41", false},
    {"device id, one", "2b 0e 04 05", "2b 0e 04 81 00 00 01 05 01 41", true},
    {"device id, another one", "2b 0e 04 05", "2b 0e 04 81 00 00 01 06 01 41", false},
    {"user-defined", "41 01", "41 02 03", true},
    {"user-defined, other", "41 01", "42 02 03", false},
    {"exception", "03 0000 0001", "83 02", true},
    {"exception of another function", "03 0000 0001", "84 02", false},
    {"exception to a user-defined function", "41 01", "c1 01", true},
    {"echo with more behind it", "06 0001 0003", "06 0001 0003 00", false},
    {"malformed answer", "03 0000 0001", "03 02 00", false},
});

bool fits(const Octets& request, const Octets& answer, Quirks quirks = QUIRK_NONE) {
  const PduHead asked = head_of(request, Role::CLIENT, quirks);
  const PduHead answered = head_of(answer, Role::SERVER, quirks);
  REQUIRE(asked.well_formed);
  return asked.match_key == answered.match_key &&
         modbus_protocol.matches(Bytes{answer}, asked.match_detail, quirks);
}

}  // namespace

TEST_CASE("an answer fits its request and no other") {
  for (const Pair& pair : pairs) {
    CAPTURE(std::string(pair.name));
    const Octets answer = adu(pair.answer);
    const std::uint64_t asked = head_of(adu(pair.request), Role::CLIENT).match_detail;
    CHECK(modbus_protocol.matches(Bytes{answer}, asked, 0) == pair.fits);
    const bool alike = head_of(answer, Role::SERVER).match_detail == asked;
    CHECK(alike ==
          (pair.fits && (answer[7] & 0x80) == 0));  // an exception answers everything of its function
  }
}

TEST_CASE("transaction and unit pair an answer with its request") {
  const Octets request = adu("03 0000 0001");
  const Octets answer = adu("03 02 0007");
  CHECK(fits(request, answer));
  for (const std::size_t index : {0U, 1U, 6U}) {
    Octets other = answer;
    other[index] ^= 1;
    CHECK_FALSE(fits(request, other));
  }
}

TEST_CASE("quirks forgive what they name and nothing else") {
  const Octets request = adu("03 0000 0001");
  Octets other_unit = adu("03 02 0007");
  other_unit[6] = 255;
  CHECK(fits(request, other_unit, modbus::QUIRK_UNIT_NOT_ECHOED));
  CHECK_FALSE(fits(request, other_unit, modbus::QUIRK_TRANSACTION_ID_ZERO));
  Octets no_transaction = adu("03 02 0007");
  no_transaction[0] = no_transaction[1] = 0;
  CHECK(fits(request, no_transaction, modbus::QUIRK_TRANSACTION_ID_ZERO));
  CHECK_FALSE(fits(request, no_transaction, modbus::QUIRK_UNIT_NOT_ECHOED));
  Octets other_transaction = no_transaction;
  other_transaction[1] = 7;
  CHECK_FALSE(fits(request, other_transaction, modbus::QUIRK_TRANSACTION_ID_ZERO));
  const Octets too_long = adu("03 04 0007 0008");
  CHECK_FALSE(fits(request, too_long, modbus::QUIRK_TRANSACTION_ID_ZERO | modbus::QUIRK_UNIT_NOT_ECHOED));
}

TEST_CASE("whether a quirk was needed can be told from the answer") {
  const Quirks quirks = modbus::QUIRK_TRANSACTION_ID_ZERO | modbus::QUIRK_UNIT_NOT_ECHOED;
  const std::uint64_t asked = head_of(adu("03 0000 0001"), Role::CLIENT, quirks).match_detail;
  for (const char* pdu : {"03 02 0007", "83 02"}) {
    const Octets plain = adu(pdu);
    CHECK(modbus_protocol.matches(Bytes{plain}, asked, QUIRK_NONE));
    Octets quirky = plain;
    quirky[6] = 255;
    CHECK(modbus_protocol.matches(Bytes{quirky}, asked, quirks));
    CHECK_FALSE(modbus_protocol.matches(Bytes{quirky}, asked, QUIRK_NONE));
    quirky = plain;
    quirky[0] = quirky[1] = 0;
    CHECK(modbus_protocol.matches(Bytes{quirky}, asked, quirks));
    CHECK_FALSE(modbus_protocol.matches(Bytes{quirky}, asked, QUIRK_NONE));
  }
}

TEST_CASE("kind, sign and expectation of an answer") {
  const PduHead request = head_of(adu("03 0000 0001"), Role::CLIENT);
  CHECK(request.kind == PduKind::REQUEST);
  CHECK(request.answered);
  CHECK_FALSE(request.negative);
  CHECK(request.function == 3);
  const PduHead exception = head_of(adu("83 02"), Role::SERVER);
  CHECK(exception.kind == PduKind::RESPONSE);
  CHECK(exception.negative);
  CHECK(exception.function == 3);
  CHECK_FALSE(head_of(adu("03 02 0000"), Role::SERVER).negative);
  CHECK_FALSE(head_of(adu("08 0004 0000"), Role::CLIENT).answered);
  CHECK(head_of(adu("08 0001 0000"), Role::CLIENT).answered);
  CHECK(head_of(adu("06 0001 0003", 0), Role::CLIENT).answered);
}

TEST_CASE("a refusal is an exception response that answers the request") {
  for (const Vector& vector : well_formed_vectors()) {
    if (vector.sender != Role::CLIENT) continue;
    CAPTURE(std::string(vector.name));
    const Octets request = adu(vector.pdu, 17);
    Octets reply(refusal_size_max);
    reply.resize(
        modbus_protocol.refuse(Bytes{request}, Reason::FUNCTION_NOT_PERMITTED, SessionState{}, reply));
    const Octets expected{0x12, 0x34, 0, 0, 0, 3, 17, static_cast<std::uint8_t>(request[7] | 0x80), 1};
    CHECK(reply == expected);
    CHECK(fits(request, reply));
    CHECK(head_of(reply, Role::SERVER).negative);
  }
}

TEST_CASE("the exception code follows the reason") {
  const Octets request = adu("06 0001 0003");
  const auto code = [&request](Reason reason) {
    Octets reply(9);
    REQUIRE(modbus_protocol.refuse(Bytes{request}, reason, SessionState{}, reply) == 9);
    return int{reply[8]};
  };
  CHECK(code(Reason::FUNCTION_NOT_PERMITTED) == 1);
  CHECK(code(Reason::OBJECT_NOT_PERMITTED) == 2);
  CHECK(code(Reason::VALUE_NOT_PERMITTED) == 3);
  CHECK(code(Reason::PDU_MALFORMED) == 3);
  CHECK(code(Reason::RATE_EXCEEDED) == 6);
  CHECK(code(Reason::OUTSTANDING_FULL) == 6);
  CHECK(code(Reason::GRANT_REQUIRED) == 1);
  CHECK(code(Reason::ISLAND_MODE) == 1);
}

TEST_CASE("what cannot be refused in band") {
  Octets reply(refusal_size_max);
  const auto refuse = [](const Octets& request, std::span<std::uint8_t> space) {
    return modbus_protocol.refuse(Bytes{request}, Reason::FUNCTION_NOT_PERMITTED, SessionState{}, space);
  };
  CHECK(refuse(adu("00"), reply) == 0);
  CHECK(refuse(adu("83 01"), reply) == 0);
  CHECK(refuse(Octets{0, 1, 0, 0, 0, 2, 1}, reply) == 0);
  CHECK(refuse(Octets{}, reply) == 0);
  CHECK(refuse(adu("03 0000 0001"), std::span(reply).first(8)) == 0);
}
