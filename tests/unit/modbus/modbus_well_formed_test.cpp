#include <doctest/doctest.h>

#include <algorithm>
#include <bitset>
#include <memory>
#include <random>

#include "protocols/modbus/modbus_decoder.hpp"
#include "tests/support/usual_pdu.hpp"
#include "tests/unit/modbus/modbus_support.hpp"
#include "tests/unit/modbus/modbus_vectors.hpp"

using namespace conduit;
using namespace conduit::test;

TEST_CASE("every function means what the specification says") {
  for (const Vector& vector : well_formed_vectors()) {
    CAPTURE(std::string(vector.name));
    CHECK(describe(adu(vector.pdu), vector.sender) == vector.operations);
  }
}

TEST_CASE("every public function is in the vectors, as request and as answer") {
  std::bitset<128> requests;
  std::bitset<128> answers;
  for (const Vector& vector : well_formed_vectors()) {
    const std::uint8_t function = from_hex(vector.pdu).front();
    if ((function & 0x80) == 0) (vector.sender == Role::CLIENT ? requests : answers).set(function);
  }
  for (std::uint32_t function = 0; function < 256; ++function) {
    if (modbus_protocol.function_name(function).empty()) continue;
    CAPTURE(function);
    CHECK(requests.test(function));
    CHECK(answers.test(function));
  }
}

TEST_CASE("every unit is carried, broadcast and 255 included") {
  for (unsigned unit = 0; unit < 256; ++unit) {
    const Octets request = adu("03 0000 0001", static_cast<std::uint8_t>(unit));
    CHECK(describe(request, Role::CLIENT) == "3 READ unit:" + std::to_string(unit) + " address:0 table:4");
    CHECK(head_of(request, Role::CLIENT).answered);
  }
}

TEST_CASE("every code without a name is one operation of class PROGRAM") {
  for (unsigned function = 1; function < 128; ++function) {
    if (!modbus_protocol.function_name(function).empty()) continue;
    Octets request = adu("00 ab cd");
    request[7] = static_cast<std::uint8_t>(function);
    const std::string meaning = std::to_string(function) + " PROGRAM unit:1 = octets abcd";
    CHECK(describe(request, Role::CLIENT) == meaning);
    CHECK(describe(request, Role::SERVER) == meaning);
  }
}

TEST_CASE("one octet more or less, in the body or in the header, is malformed") {
  for (const Vector& vector : well_formed_vectors()) {
    CAPTURE(std::string(vector.name));
    const Octets whole = adu(vector.pdu);
    for (const int more : {-1, 1}) {
      CAPTURE(more);
      Octets header_wrong = whole;
      header_wrong[5] = static_cast<std::uint8_t>(header_wrong[5] + more);
      CHECK(describe(header_wrong, vector.sender) == "malformed length");
      Octets size_wrong = whole;
      size_wrong.resize(static_cast<std::size_t>(static_cast<int>(whole.size()) + more));
      CHECK(describe(size_wrong, vector.sender) == "malformed length");
      if (vector.free_size) continue;
      size_wrong[5] = static_cast<std::uint8_t>(size_wrong[5] + more);  // header and body agree again
      CHECK(describe(size_wrong, vector.sender).starts_with("malformed "));
    }
  }
}

TEST_CASE("every shorter beginning is malformed, and read without a step outside") {
  for (const Vector& vector : well_formed_vectors()) {
    CAPTURE(std::string(vector.name));
    Octets cut = adu(vector.pdu);
    while (!cut.empty()) {
      cut.pop_back();
      CHECK(describe(cut, vector.sender).starts_with("malformed "));
      if (vector.free_size || cut.size() < 8) continue;
      Octets agreed = cut;
      agreed[5] = static_cast<std::uint8_t>(cut.size() - 6);
      CHECK(describe(agreed, vector.sender).starts_with("malformed "));
    }
  }
}

TEST_CASE("the largest PDU is 253 octets") {
  CHECK(describe(adu("41 00*252"), Role::CLIENT).starts_with("65 PROGRAM unit:1 = octets 00"));
  CHECK(describe(adu("41 00*253"), Role::CLIENT) == "malformed length");
  CHECK(describe(adu("10 0000 007b f6 00*246"), Role::CLIENT).starts_with("16 WRITE unit:1 address:0-122"));
  CHECK(describe(adu("0f 0000 07b0 f6 00*246"), Role::CLIENT).starts_with("15 WRITE unit:1 address:0-1967"));
  CHECK(describe(adu("17 0000 007d 0000 0079 f2 00*242"), Role::CLIENT)
            .starts_with("23 READ unit:1 address:0-124"));
  CHECK(describe(adu("08 0000 00*250"), Role::CLIENT).starts_with("8 DISCOVER"));
}

TEST_CASE("the usual PDUs are read as `frame`, `open` and `next` read them") {
  std::mt19937 random(3);
  std::size_t read = 0;
  for (const Vector& vector : well_formed_vectors()) {
    const Octets whole = adu(vector.pdu);
    const UsualPdu asked = ask_usual(modbus_protocol, Bytes{whole}, vector.sender, QUIRK_NONE);
    CHECK(asked == (whole[7] >= 1 && whole[7] <= 4 ? UsualPdu::READ_ALIKE : UsualPdu::NOT_READ));
    for (int round = 0; round < 2000; ++round) {
      Octets octets = whole;
      if (random() % 4 == 0) octets.resize(random() % (octets.size() + 4));
      if (octets.size() > 5 && random() % 2 == 0) octets[5] = static_cast<std::uint8_t>(octets.size() - 6);
      for (std::size_t count = random() % 3; count > 0 && !octets.empty(); --count) {
        octets[random() % octets.size()] =
            static_cast<std::uint8_t>(random() % (random() % 2 == 0 ? 6 : 256));
      }
      const Role sender = random() % 8 == 0 ? Role::CLIENT : vector.sender;
      const auto exact = std::make_unique<std::uint8_t[]>(octets.size());  // sanitizers see an over-read
      std::copy(octets.begin(), octets.end(), exact.get());
      const Bytes bytes{exact.get(), octets.size()};
      const UsualPdu way =
          ask_usual(modbus_protocol, bytes, sender, static_cast<std::uint16_t>(random() % 4));
      CHECK(way != UsualPdu::READ_OTHERWISE);
      if (way == UsualPdu::READ_ALIKE) ++read;
    }
  }
  CHECK(read > 1000);
}

TEST_CASE("a PDU that is not the opened one yields nothing") {
  const Octets first = adu("10 0001 0002 04 000a 0102");
  const Octets other = adu("06 0001 0002");
  const SessionState session;
  PduState state;
  Operation operation;
  REQUIRE(modbus_protocol.open(Bytes{first}, Role::CLIENT, 0, session, state).well_formed);
  CHECK(modbus_protocol.next(Bytes{other}, state, operation) == Next::MALFORMED);
}

TEST_CASE("a malformed PDU yields no operation") {
  const Octets bad = adu("10 0001 0002 05 000a 0102");
  const SessionState session;
  PduState state;
  Operation operation;
  REQUIRE_FALSE(modbus_protocol.open(Bytes{bad}, Role::CLIENT, 0, session, state).well_formed);
  CHECK(modbus_protocol.next(Bytes{bad}, state, operation) == Next::MALFORMED);
}
