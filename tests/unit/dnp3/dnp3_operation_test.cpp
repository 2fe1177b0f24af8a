// Fragments and the operations that they hold (IEEE 1815-2012 §4.4, Annex A).
#include <doctest/doctest.h>

#include "tests/unit/dnp3/dnp3_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

struct Vector {
  const char* name;
  Role sender;
  const char* fragment;
  const char* expected;
};

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;

constexpr Vector vectors[] = {
    {"class polls", C, "c1 01 3c0206 3c0306 3c0406 3c0106",
     "READ READ object:60/2 index:0-4294967295 | READ READ object:60/3 index:0-4294967295 | "
     "READ READ object:60/4 index:0-4294967295 | READ READ object:60/1 index:0-4294967295"},
    {"range of one octet", C, "c0 01 1e0100 0309", "READ READ object:30/1 index:3-9"},
    {"range of two octets", C, "c0 01 1e0001 0300 0901", "READ READ object:30/0 index:3-265"},
    {"range of four octets", C, "c0 01 1e0002 03000000 00000100", "READ READ object:30/0 index:3-65536"},
    {"count of events", C, "c0 01 020007 05", "READ READ object:2/0 index:0-4294967295"},
    {"count of two octets", C, "c0 01 020008 0500", "READ READ object:2/0 index:0-4294967295"},
    {"count of four octets", C, "c0 01 020009 05000000", "READ READ object:2/0 index:0-4294967295"},
    {"indexes of one octet", C, "c0 01 1e0117 02 0409",
     "READ READ object:30/1 index:4 | READ READ object:30/1 index:9"},
    {"indexes of two octets", C, "c0 01 1e0128 0100 0401", "READ READ object:30/1 index:260"},
    {"indexes of four octets", C, "c0 01 1e0139 01000000 04000100", "READ READ object:30/1 index:65540"},
    {"clear the restart indication", C, "c0 02 500100 0707 00", "WRITE MANAGE object:80/1 index:7 = 1 bits"},
    {"set the time", C, "c0 02 320107 01 010203040500", "WRITE MANAGE object:50/1 = 21542142465"},
    {"deadband", C, "c0 02 220117 01 05 6400", "WRITE WRITE object:34/1 index:5 = 100"},
    {"deadband as a float", C, "c0 02 220317 01 05 0000803f", "WRITE WRITE object:34/3 index:5 = 1.000000"},
    {"octet string", C, "c0 02 6e0400 0101 41424344", "WRITE WRITE object:110/4 index:1 = 4 octets"},
    {"direct operate", C, "c0 05 0c0117 01 04 03 02 64000000 c8000000 00",
     "DIRECT_OPERATE OPERATE object:12/1 index:4 control:3 count:2 on_time:100 off_time:200"},
    {"direct operate of two", C,
     "c0 06 0c0128 0200 0400 81 01 64000000 00000000 00 0900 41 01 64000000 00000000 00",
     "DIRECT_OPERATE_NR OPERATE object:12/1 index:4 control:129 count:1 on_time:100 off_time:0 | "
     "DIRECT_OPERATE_NR OPERATE object:12/1 index:9 control:65 count:1 on_time:100 off_time:0"},
    {"relays by range", C, "c0 05 0c0100 0405 0301000000000000000000 0401000000000000000000",
     "DIRECT_OPERATE OPERATE object:12/1 index:4 control:3 count:1 on_time:0 off_time:0 | "
     "DIRECT_OPERATE OPERATE object:12/1 index:5 control:4 count:1 on_time:0 off_time:0"},
    {"pattern", C, "c0 05 0c0207 01 0301000000000000000000 0c0300 0007 05",
     "DIRECT_OPERATE OPERATE object:12/2 control:3 count:1 on_time:0 off_time:0 | "
     "DIRECT_OPERATE OPERATE object:12/3 index:0-7 = 1 octets"},
    {"analog outputs", C,
     "c0 05 290117 01 00 f6ffffff 00 290217 01 01 ffff 00 290317 01 02 00004040 00 "
     "290417 01 03 0000000000001440 00",
     "DIRECT_OPERATE OPERATE object:41/1 index:0 = -10 | DIRECT_OPERATE OPERATE object:41/2 index:1 = -1 | "
     "DIRECT_OPERATE OPERATE object:41/3 index:2 = 3.000000 | "
     "DIRECT_OPERATE OPERATE object:41/4 index:3 = 5.000000"},
    {"select", C, "c3 03 0c0117 01 04 0301000000000000000000",
     "SELECT OPERATE object:12/1 index:4 control:3 count:1 on_time:0 off_time:0"},
    {"operate without select", C, "c3 04 0c0117 01 04 0301000000000000000000",
     "OPERATE_WITHOUT_SELECT OPERATE object:12/1 index:4 control:3 count:1 on_time:0 off_time:0"},
    {"freeze", C, "c0 07 140006", "IMMED_FREEZE WRITE object:20/0 index:0-4294967295"},
    {"freeze at a time", C, "c0 0b 320207 01 010203040500 10000000 140006",
     "FREEZE_AT_TIME WRITE object:50/2 = 10 octets | FREEZE_AT_TIME WRITE object:20/0 index:0-4294967295"},
    {"cold restart", C, "c0 0d", "COLD_RESTART MANAGE"},
    {"warm restart", C, "c0 0e", "WARM_RESTART MANAGE"},
    {"stop application", C, "c0 12 5a015b 01 0300 616263", "STOP_APPL PROGRAM object:90/1 = 3 octets"},
    {"disable unsolicited", C, "c0 15 3c0206 3c0306",
     "DISABLE_UNSOLICITED MANAGE object:60/2 index:0-4294967295 | "
     "DISABLE_UNSOLICITED MANAGE object:60/3 index:0-4294967295"},
    {"assign class", C, "c0 16 3c0206 1e0000 0003",
     "ASSIGN_CLASS MANAGE object:60/2 index:0-4294967295 | ASSIGN_CLASS MANAGE object:30/0 index:0-3"},
    {"delay", C, "c0 17", "DELAY_MEASURE DISCOVER"},
    {"open a file for reading", C,
     "c0 19 46035b 01 1d00 1a00 0300 000000000000 0000 00000000 00000000 0100 0004 0100 612f62",
     "OPEN_FILE READ object:70/3 control:257 \"a/b\""},
    {"open a file for writing", C,
     "c0 19 46035b 01 1d00 1a00 0300 000000000000 0000 00000000 00000000 0200 0004 0100 612f62",
     "OPEN_FILE PROGRAM object:70/3 control:258 \"a/b\""},
    {"open a file of another directory", C,
     "c0 19 46035b 01 2000 1a00 0600 000000000000 0000 00000000 00000000 0100 0004 0100 612f2e2e2f62",
     "malformed"},
    {"activate what stands above", C, "c0 1f 46085b 01 0200 2e2e", "malformed"},
    {"activate what stands above, to another system", C, "c0 1f 46085b 01 0600 615c2e2e5c62", "malformed"},
    {"activate a name that ends for some", C, "c0 1f 46085b 01 0300 610062", "malformed"},
    {"activate names with dots", C, "c0 1f 46085b 01 0a00 2e2f612e2e2f2e2e2e62",
     "ACTIVATE_CONFIG PROGRAM object:70/8 \"./a../...b\""},
    {"analog output with its size", C, "c0 05 29025b 01 0300 0100 00",
     "DIRECT_OPERATE OPERATE object:41/2 = 1"},
    {"deadband of no known form", C, "c0 02 22055b 01 0900 010000000000000001",
     "WRITE WRITE object:34/5 = 9 octets"},
    {"analog output of no known form", C, "c0 05 290317 01 02 00004040 00 29055b 01 0500 0000c842 00",
     "DIRECT_OPERATE OPERATE object:41/3 index:2 = 3.000000 | malformed"},
    {"activate", C, "c0 1f 46085b 01 0300 612f62", "ACTIVATE_CONFIG PROGRAM object:70/8 \"a/b\""},
    {"file block", C, "c0 02 46055b 01 0a00 01000000 00000080 4142", "WRITE PROGRAM object:70/5 = 10 octets"},
    {"unknown function", C, "c0 50 0102", "80 PROGRAM"},
    {"null response", S, "c0 81 0000", "RESPONSE READ"},
    {"response with bits", S, "c0 81 0000 010100 0009 5502", "RESPONSE READ object:1/1 index:0-9 = 10 bits"},
    {"response with analogs", S, "c0 81 0000 1e0200 0001 01ffff 010000",
     "RESPONSE READ object:30/2 index:0-1 = 6 octets"},
    {"response with events", S, "c0 81 0000 020117 02 03 81 04 01",
     "RESPONSE READ object:2/1 index:3 = 1 octets | RESPONSE READ object:2/1 index:4 = 1 octets"},
    {"response with an attribute", S, "c0 81 0000 00f200 0000 01 03 414243",
     "RESPONSE READ object:0/242 index:0 = 5 octets"},
    {"response with an attribute behind its index", S, "c0 81 0000 00f217 01 00 01 03 414243",
     "RESPONSE READ object:0/242 index:0 = 5 octets"},
    {"attributes that are written", C, "c0 02 00f728 0200 0000 01 02 4142 0100 01 00",
     "WRITE PROGRAM object:0/247 index:0 = 4 octets | WRITE PROGRAM object:0/247 index:1 = 2 octets"},
    {"response with what a data set is", S, "c0 81 0000 560200 0304 0e0e",
     "RESPONSE READ object:86/2 index:3-4 = 2 octets"},
    {"unsolicited", S, "f0 82 0000 020128 0100 0300 81",
     "UNSOLICITED_RESPONSE READ object:2/1 index:3 = 1 octets"},
};

constexpr Vector hostile[] = {
    {"request of two fragments", C, "81 01 3c0206", "malformed control"},
    {"request that wants a confirmation", C, "e1 01 3c0206", "malformed control"},
    {"unsolicited request", C, "d1 01 3c0206", "malformed control"},
    {"response from the master", C, "c0 81 0000", "malformed function"},
    {"request from the outstation", S, "c0 05 0000", "malformed function"},
    {"unsolicited without its bit", S, "c0 82 0000", "malformed control"},
    {"response with the unsolicited bit", S, "d0 81 0000", "malformed control"},
    {"response without indications", S, "c0 81", "malformed fragment_size"},
    {"one octet", C, "c0", "malformed fragment_size"},
    {"confirmation with objects", C, "c0 00 3c0206", "malformed control"},
    {"reserved qualifier bit", C, "c0 01 1e0186", "malformed"},
    {"reserved range code", C, "c0 01 1e010a 01", "malformed"},
    {"virtual addresses", C, "c0 01 1e0103 0001", "malformed"},
    {"prefix with a range", C, "c0 01 1e0110 0001", "malformed"},
    {"free format without sizes", C, "c0 01 1e010b 01", "malformed"},
    {"range backwards", C, "c0 01 1e0100 0903", "malformed"},
    {"range cut", C, "c0 01 1e0101 0300 09", "malformed"},
    {"header cut", C, "c0 01 1e01", "malformed"},
    {"count of nothing", C, "c0 01 1e0107 00", "malformed"},
    {"count beyond the fragment", C, "c0 05 0c0117 02 04 0301000000000000000000", "malformed"},
    {"object cut", C, "c0 05 0c0117 01 04 03010000000000000000", "malformed"},
    {"octet behind the last object", C, "c0 05 0c0117 01 04 0301000000000000000000 00",
     "DIRECT_OPERATE OPERATE object:12/1 index:4 control:3 count:1 on_time:0 off_time:0 | malformed"},
    {"status in a request", C, "c0 05 0c0117 01 04 0301000000000000000001", "malformed"},
    {"bits behind the last", C, "c0 02 500100 0707 02", "malformed"},
    {"packed bits with indexes", C, "c0 02 500117 01 07 00", "malformed"},
    {"all objects, with data", C, "c0 05 0c0106", "malformed"},
    {"size not known", C, "c0 05 0c0917 01 04 00", "malformed"},
    {"second header hidden behind the first", C,
     "c0 05 0c0117 01 04 0301000000000000000000 0c0117 01 05 0301",
     "DIRECT_OPERATE OPERATE object:12/1 index:4 control:3 count:1 on_time:0 off_time:0 | malformed"},
    {"file name that ends early", C,
     "c0 19 46035b 01 1d00 1a00 0200 000000000000 0000 00000000 00000000 0100 0004 0100 612f62", "malformed"},
    {"file name that begins elsewhere", C,
     "c0 19 46035b 01 1d00 1b00 0300 000000000000 0000 00000000 00000000 0100 0004 0100 612f62", "malformed"},
    {"file mode that is none", C,
     "c0 19 46035b 01 1d00 1a00 0300 000000000000 0000 00000000 00000000 0400 0004 0100 612f62", "malformed"},
    {"packed bits with a size", C, "c0 02 50015b 01 0100 00", "malformed"},
    {"a size that the object has not", C, "c0 05 29025b 01 0400 0100 00 00", "malformed"},
    {"range of all indexes with data", C, "c0 05 0c0102 00000000 ffffffff", "malformed"},
};

}  // namespace

TEST_CASE("operations of well-formed fragments") {
  for (const Vector& vector : vectors) {
    CAPTURE(vector.name);
    CHECK(describe(frames(from_hex(vector.fragment), vector.sender), vector.sender) == vector.expected);
  }
}

TEST_CASE("the length of a long list says how much there is above 256 octets") {
  // What a reader without that knowledge would take for an object header of its own.
  const Octets hidden = from_hex("0c0117 01 04 0301000000000000000000");
  Octets fragment = from_hex("c0 02 00f600 0000 ff 01");
  fragment.insert(fragment.end(), 1, 0);
  fragment.insert(fragment.end(), hidden.begin(), hidden.end());
  fragment.resize(9 + 257);
  CHECK(describe(frames(fragment, C), C) == "WRITE PROGRAM object:0/246 index:0 = 259 octets");
  fragment.pop_back();
  CHECK(describe(frames(fragment, C), C) == "malformed");
}

TEST_CASE("the same operations, whatever the segments") {
  for (const Vector& vector : vectors) {
    const Octets fragment = from_hex(vector.fragment);
    for (std::size_t segment = 1; segment <= fragment.size(); ++segment) {
      CAPTURE(vector.name);
      CAPTURE(segment);
      CHECK(describe(frames(fragment, vector.sender, segment, 60), vector.sender) == vector.expected);
    }
  }
}

TEST_CASE("fragments with one field wrong") {
  for (const Vector& vector : hostile) {
    CAPTURE(vector.name);
    CHECK(describe(frames(from_hex(vector.fragment), vector.sender), vector.sender) == vector.expected);
  }
}

TEST_CASE("every fragment cut short is malformed or says less") {
  for (const Vector& vector : vectors) {
    const Octets fragment = from_hex(vector.fragment);
    for (std::size_t size = 1; size < fragment.size(); ++size) {
      CAPTURE(vector.name);
      CAPTURE(size);
      const Octets cut(fragment.begin(), fragment.begin() + static_cast<long>(size));
      const std::string said = describe(frames(cut, vector.sender), vector.sender);
      const std::string_view whole = vector.expected;
      const bool less = said.size() <= whole.size() && whole.substr(0, said.size()) == said;
      const bool broken = said.find("malformed") != std::string::npos;
      const bool bare = size == (vector.sender == C ? 2U : 4U);  // head alone: asks for nothing in particular
      CHECK((less || broken || bare));
    }
  }
}
