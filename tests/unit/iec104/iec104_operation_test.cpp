// ASDUs and the operations that they hold (IEC 60870-5-101, §7).
#include <doctest/doctest.h>

#include <set>

#include "tests/unit/iec104/iec104_support.hpp"
#include "tests/unit/iec104/iec104_vectors.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;

struct Hostile {
  const char* name;
  Role sender;
  const char* asdu;
  const char* field;
};

constexpr Hostile hostile[] = {
    {"type 0", C, "00 01 06 00 0100 891300 01", "type_identification"},
    {"no objects", C, "2d 00 06 00 0100 891300 01", "number_of_objects"},
    {"no objects, in sequence", S, "01 80 14 00 0100 0a0000", "number_of_objects"},
    {"common address 0", C, "2d 01 06 00 0000 891300 01", "common_address"},
    {"command of two", C, "2d 02 06 00 0100 891300 01 8a1300 01", "number_of_objects"},
    {"command that says two", C, "2d 02 06 00 0100 891300 01", "number_of_objects"},
    {"command in sequence", C, "2d 81 06 00 0100 891300 01", "sequence_bit"},
    {"tagged data in sequence", S, "1e 81 03 00 0100 0a0000 01 10271e0c05061a", "sequence_bit"},
    {"directory without sequence is read object by object", S,
     "7e 02 05 00 0100 0a0000 0700 000100 00 10271e0c05061a", "length"},
    {"an octet behind the command", C, "2d 01 06 00 0100 891300 01 00", "length"},
    {"an octet too few", C, "2d 01 06 00 0100 891300", "length"},
    {"two told, one there", S, "01 02 03 00 0100 0a0000 01", "length"},
    {"one told, two there", S, "01 01 03 00 0100 0a0000 01 0b0000 01", "length"},
    {"two told, one there, in sequence", S, "01 82 14 00 0100 0a0000 01", "length"},
    {"sequence read as single objects", S, "01 02 14 00 0100 0a0000 01 00", "length"},
    {"sequence beyond the last address", S, "01 83 14 00 0100 feffff 01 00 01", "object_address"},
    {"single command, reserved bit", C, "2d 01 06 00 0100 891300 03", "command"},
    {"double command 0", C, "2e 01 06 00 0100 891300 00", "command"},
    {"double command 3", C, "2e 01 06 00 0100 891300 03", "command"},
    {"step command 0", C, "2f 01 06 00 0100 891300 80", "command"},
    {"step command 3", C, "3c 01 06 00 0100 891300 03 10271e0c05061a", "command"},
    {"interrogation with an object", C, "64 01 06 00 0100 010000 14", "object_address"},
    {"clock with an object", C, "67 01 06 00 0100 000001 10271e0c05061a", "object_address"},
    {"test with an object", C, "68 01 06 00 0100 010000 aa55", "object_address"},
    {"another test pattern", C, "68 01 06 00 0100 000000 55aa", "test_pattern"},
    {"60000 ms", C, "67 01 06 00 0100 000000 60ea1e0c05061a", "time"},
    {"minute 60", C, "67 01 06 00 0100 000000 10273c0c05061a", "time"},
    {"reserved bit beside the minute", C, "67 01 06 00 0100 000000 10275e0c05061a", "time"},
    {"time that is not valid", C, "67 01 06 00 0100 000000 10279e0c05061a", "time"},
    {"hour 24", C, "67 01 06 00 0100 000000 10271e1805061a", "time"},
    {"reserved bit beside the hour", C, "67 01 06 00 0100 000000 10271e2c05061a", "time"},
    {"day 0", C, "67 01 06 00 0100 000000 10271e0c00061a", "time"},
    {"month 0", C, "67 01 06 00 0100 000000 10271e0c05001a", "time"},
    {"month 13", C, "67 01 06 00 0100 000000 10271e0c050d1a", "time"},
    {"reserved bit beside the month", C, "67 01 06 00 0100 000000 10271e0c05161a", "time"},
    {"year 100", C, "67 01 06 00 0100 000000 10271e0c050664", "time"},
    {"reserved bit beside the year", C, "67 01 06 00 0100 000000 10271e0c05069a", "time"},
    {"command with a bad time", C, "3a 01 06 00 0100 891300 81 60ea1e0c05061a", "time"},
    {"segment shorter than it says", C, "7d 01 0d 00 0100 0a0000 0700 01 04 414243", "segment_length"},
    {"segment longer than it says", C, "7d 01 0d 00 0100 0a0000 0700 01 02 414243", "segment_length"},
    {"segment without its length", C, "7d 01 0d 00 0100 0a0000 0700 01", "length"},
};

}  // namespace

TEST_CASE("operations of every type") {
  for (const Iec104Vector& vector : iec104_vectors()) {
    CAPTURE(vector.name);
    CHECK(describe(i_frame(vector.asdu), vector.sender) == vector.expected);
  }
}

TEST_CASE("the vectors hold every type that has a name") {
  std::set<unsigned> seen;
  for (const Iec104Vector& vector : iec104_vectors()) seen.insert(from_hex(vector.asdu)[0]);
  unsigned names = 0;
  for (unsigned type = 0; type < 256; ++type) {
    CAPTURE(type);
    if (iec104_protocol.function_name(type).empty()) continue;
    ++names;
    CHECK(seen.count(type) == 1);
  }
  CHECK(names == 67);
}

TEST_CASE("ASDUs with one field wrong") {
  for (const Hostile& one : hostile) {
    CAPTURE(one.name);
    CHECK(describe(i_frame(one.asdu), one.sender) == std::string("malformed ") + one.field);
  }
}

TEST_CASE("every ASDU an octet longer or shorter is malformed") {
  for (const Iec104Vector& vector : iec104_vectors()) {
    CAPTURE(vector.name);
    Octets asdu = from_hex(vector.asdu);
    if (iec104_protocol.function_name(asdu[0]).empty()) continue;  // where its end is, is not known
    asdu.push_back(0);
    CHECK(describe(i_frame(asdu), vector.sender).starts_with("malformed "));
    asdu.pop_back();
    for (std::size_t size = asdu.size(); size-- > 0;) {
      asdu.resize(size);
      CAPTURE(size);
      CHECK(describe(i_frame(asdu), vector.sender).starts_with("malformed "));
    }
  }
}

TEST_CASE("one number of objects fits, and no other") {
  for (const Iec104Vector& vector : iec104_vectors()) {
    Octets asdu = from_hex(vector.asdu);
    if (iec104_protocol.function_name(asdu[0]).empty()) continue;
    for (unsigned qualifier = 0; qualifier < 256; ++qualifier) {
      if (qualifier == from_hex(vector.asdu)[1]) continue;
      CAPTURE(vector.name);
      CAPTURE(qualifier);
      asdu[1] = static_cast<std::uint8_t>(qualifier);
      const std::string said = describe(i_frame(asdu), vector.sender);
      // A single object may be told as a sequence of one.
      const bool one = (from_hex(vector.asdu)[1] | 0x80U) == 0x81 && (qualifier | 0x80U) == 0x81;
      if (!one) CHECK(said.starts_with("malformed "));
    }
  }
}

TEST_CASE("the longest ASDUs") {
  Octets asdu = from_hex("01 ff 14 00 0100 010000");
  asdu.resize(asdu.size() + 127, 1);
  const std::string said = describe(i_frame(asdu), S);
  CHECK(said.starts_with("M_SP_NA_1 READ ca:1 ioa:1 cause:20 = 1u | "));
  CHECK(said.ends_with(" | M_SP_NA_1 READ ca:1 ioa:127 cause:20 = 1u"));
  asdu = from_hex("7d 01 0d 00 0100 0a0000 0700 01 ec");
  asdu.resize(249, 0x41);
  CHECK(describe(i_frame(asdu), S) == "F_SG_NA_1 READ ca:1 ioa:10 cause:13 file:7 = 236 octets");
}

TEST_CASE("sizes of fields by tolerance") {
  struct Row {
    Quirks quirks;
    const char* asdu;
    const char* expected;
  };
  using namespace iec104;
  const Quirks small =
      QUIRK_CAUSE_ONE_OCTET | QUIRK_COMMON_ADDRESS_ONE_OCTET | QUIRK_OBJECT_ADDRESS_ONE_OCTET;
  const Row rows[] = {
      {QUIRK_CAUSE_ONE_OCTET, "2d 01 06 0100 891300 01", "ca:1 ioa:5001 cause:6 select:0 qu:0 = 1u"},
      {QUIRK_COMMON_ADDRESS_ONE_OCTET, "2d 01 06 07 01 891300 01",
       "ca:1 ioa:5001 cause:6 select:0 qu:0 oa:7 = 1u"},
      {QUIRK_OBJECT_ADDRESS_TWO_OCTETS, "2d 01 06 00 0100 8913 01",
       "ca:1 ioa:5001 cause:6 select:0 qu:0 = 1u"},
      {QUIRK_OBJECT_ADDRESS_ONE_OCTET, "2d 01 06 00 0100 89 01", "ca:1 ioa:137 cause:6 select:0 qu:0 = 1u"},
      {small, "2d 01 06 fe 89 01", "ca:254 ioa:137 cause:6 select:0 qu:0 = 1u"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.asdu);
    CHECK(describe(i_frame(row.asdu), C, started(), row.quirks) ==
          std::string("C_SC_NA_1 OPERATE ") + row.expected);
    CHECK(describe(i_frame(row.asdu), C) == "malformed length");
    CHECK(describe(i_frame("2d 01 06 00 0100 891300 01"), C, started(), row.quirks) == "malformed length");
  }
  CHECK(describe(i_frame("01 82 14 01 ff 01 00"), S, started(), small) == "malformed object_address");
  CHECK(describe(i_frame("01 82 14 01 fe 01 00"), S, started(), small) ==
        "M_SP_NA_1 READ ca:1 ioa:254 cause:20 = 1u | M_SP_NA_1 READ ca:1 ioa:255 cause:20 = 0u");
  CHECK(describe(i_frame("64 01 06 ff 00 14"), C, started(), small) ==
        "C_IC_NA_1 READ ca:255 ioa:0 cause:6 qu:20");
  CHECK(describe(i_frame("2d 01 06 ff 89 01"), C, started(), small).starts_with("misplaced"));
}
