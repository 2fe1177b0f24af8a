// Services and the operations that they are (CIP Volume 1 appendices A and C; 1756-PM020; 1770-6.5.16).
#include <doctest/doctest.h>

#include "tests/unit/enip/enip_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;

struct Vector {
  const char* name;
  const char* message;
  const char* expected;
};

// Requests, unconnected.
constexpr Vector services[] = {
    {"identity, all", "01 02 2001 2401", "GET_ATTRIBUTES_ALL DISCOVER class:1 instance:1 attribute:0-65535"},
    {"set all", "02 02 2004 2401 0102", "SET_ATTRIBUTES_ALL WRITE class:4 instance:1 attribute:0-65535 = ?"},
    {"list of attributes", "03 02 2064 2401 0200 0100 0700",
     "GET_ATTRIBUTE_LIST DISCOVER class:100 instance:1 attribute:1 | "
     "GET_ATTRIBUTE_LIST DISCOVER class:100 instance:1 attribute:7"},
    {"set one of a list", "04 02 2004 2401 0100 0300 0500",
     "SET_ATTRIBUTE_LIST WRITE class:4 instance:1 attribute:3 = 5"},
    {"set two of a list", "04 02 2004 2401 0200 0300 0500 0400 0600",
     "SET_ATTRIBUTE_LIST WRITE class:4 instance:1 attribute:0-65535 = ?"},
    {"reset", "05 02 2001 2401 00", "RESET MANAGE class:1 instance:1 = 1 octets"},
    {"start a drive", "06 02 202a 2401", "START MANAGE class:42 instance:1"},
    {"stop a controller", "07 02 208e 2401", "STOP PROGRAM class:142 instance:1"},
    {"create", "08 02 2005 2400", "CREATE PROGRAM class:5 instance:0"},
    {"delete", "09 02 2005 2403", "DELETE PROGRAM class:5 instance:3"},
    {"apply", "0d 02 2029 2401", "APPLY_ATTRIBUTES MANAGE class:41 instance:1"},
    {"one attribute of an assembly", "0e 03 2004 2465 3003",
     "GET_ATTRIBUTE_SINGLE READ class:4 instance:101 attribute:3"},
    {"in 16 bits", "0e 06 210004 00 250065 00 310003 00",
     "GET_ATTRIBUTE_SINGLE READ class:4 instance:101 attribute:3"},
    {"instance in 32 bits", "0e 05 2004 2600 65000100 3003",
     "GET_ATTRIBUTE_SINGLE READ class:4 instance:65637 attribute:3"},
    {"connection point", "0e 03 2004 2c64 3003",
     "GET_ATTRIBUTE_SINGLE READ class:4 attribute:3 connection_point:100"},
    {"set one octet", "10 03 2008 2401 3003 ff",
     "SET_ATTRIBUTE_SINGLE WRITE class:8 instance:1 attribute:3 = 255"},
    {"set two octets", "10 03 2008 2401 3003 0102",
     "SET_ATTRIBUTE_SINGLE WRITE class:8 instance:1 attribute:3 = 513"},
    {"set three octets", "10 03 2008 2401 3003 010203",
     "SET_ATTRIBUTE_SINGLE WRITE class:8 instance:1 attribute:3 = 3 octets"},
    {"set four octets", "10 03 2008 2401 3003 01020304",
     "SET_ATTRIBUTE_SINGLE WRITE class:8 instance:1 attribute:3 = 67305985"},
    {"set eight octets", "10 03 2008 2401 3003 0100000000000080",
     "SET_ATTRIBUTE_SINGLE WRITE class:8 instance:1 attribute:3 = 9223372036854775809"},
    {"set nothing", "10 03 2008 2401 3003", "SET_ATTRIBUTE_SINGLE WRITE class:8 instance:1 attribute:3"},
    {"the device's address", "10 03 20f5 2401 3005 01",
     "SET_ATTRIBUTE_SINGLE MANAGE class:245 instance:1 attribute:5 = 1"},
    {"the clock", "10 03 208b 2401 3006 01",
     "SET_ATTRIBUTE_SINGLE MANAGE class:139 instance:1 attribute:6 = 1"},
    {"the program", "0e 03 2068 2401 3001", "GET_ATTRIBUTE_SINGLE PROGRAM class:104 instance:1 attribute:1"},
    {"class of a vendor", "0e 04 2100 0103 2401 3001",
     "GET_ATTRIBUTE_SINGLE PROGRAM class:769 instance:1 attribute:1"},
    {"find", "11 02 2004 2400 05", "FIND_NEXT_OBJECT_INSTANCE DISCOVER class:4 instance:0 = 1 octets"},
    {"restore", "15 02 200f 2400", "RESTORE PROGRAM class:15 instance:0"},
    {"save", "16 02 200f 2400", "SAVE PROGRAM class:15 instance:0"},
    {"no operation", "17 02 2001 2401", "NO_OPERATION SESSION class:1 instance:1"},
    {"member", "18 04 2004 2465 3003 2802", "GET_MEMBER READ class:4 instance:101 attribute:3 element:2"},
    {"set a member", "19 04 2004 2465 3003 2802 05",
     "SET_MEMBER WRITE class:4 instance:101 attribute:3 element:2 = 5"},
    {"insert a member", "1a 03 2004 2465 3003 05",
     "INSERT_MEMBER PROGRAM class:4 instance:101 attribute:3 = 1 octets"},
    {"remove a member", "1b 04 2004 2465 3003 2802",
     "REMOVE_MEMBER PROGRAM class:4 instance:101 attribute:3 element:2"},
    {"synchronize", "1c 02 2043 2401", "GROUP_SYNC MANAGE class:67 instance:1"},
    {"a service that nobody knows", "32 02 2004 2401", "1074 PROGRAM class:4 instance:1"},
    {"the same code, another class", "4b 02 2004 2401 aa", "1099 PROGRAM class:4 instance:1 = 1 octets"},
    {"file upload", "4b 02 2037 24c8 00", "INITIATE_UPLOAD PROGRAM class:55 instance:200 = 1 octets"},
    {"file download", "4c 02 2037 24c8 00", "INITIATE_DOWNLOAD PROGRAM class:55 instance:200 = 1 octets"},
    {"file block", "50 02 2037 24c8 00", "DOWNLOAD_TRANSFER PROGRAM class:55 instance:200 = 1 octets"},
    {"list of tags", "55 03 206b 2500 0500 0200 0100 0200",
     "GET_INSTANCE_ATTRIBUTE_LIST DISCOVER class:107 instance:5-4294967295 element:0 = 6 octets"},
    {"template", "4c 03 206c 2500 3412 00000000 1000",
     "READ_TEMPLATE DISCOVER class:108 instance:4660 = 6 octets"},
    {"object within another", "0e 05 2068 2401 206a 2402 3001",
     "GET_ATTRIBUTE_SINGLE PROGRAM class:6815850 instance:2 attribute:1"},
    {"object within two others", "4b 06 2068 2401 206d 2402 208c 2403",
     "35915 PROGRAM class:446683742348 instance:3"},
    {"list of no attributes", "04 02 2069 2401 0000", "SET_ATTRIBUTE_LIST PROGRAM class:105 instance:1"},
    {"who owns a connection", "5a 02 2006 2401", "GET_CONNECTION_OWNER DISCOVER class:6 instance:1"},
};

struct TagVector {
  const char* name;
  std::uint8_t service;
  const char* tag;
  const char* data;
  const char* expected;
};

constexpr TagVector tags[] = {
    {"read", 0x4C, "Speed", "0100", "READ_TAG READ element:0 \"Speed\""},
    {"read of even length", 0x4C, "Rate", "0100", "READ_TAG READ element:0 \"Rate\""},
    {"read ten", 0x4C, "Recipe", "0a00", "READ_TAG READ element:0-9 \"Recipe\""},
    {"read from an index", 0x4C, "Recipe[3]", "0200", "READ_TAG READ element:3-4 \"Recipe\""},
    {"a large index", 0x4C, "Recipe[70000]", "0100", "READ_TAG READ element:70000 \"Recipe\""},
    {"a member", 0x4C, "Program:Main.Recipe[300].Value", "0100",
     "READ_TAG READ element:0 \"Program:Main.Recipe[300].Value\""},
    {"a member's element", 0x4C, "A[1].B[2].C[3]", "0100", "READ_TAG READ element:3 \"A[1].B[2].C\""},
    {"a name in UTF-8", 0x4C, "F\xC3\xBCller", "0100", "READ_TAG READ element:0 \"F\xC3\xBCller\""},
    {"two dimensions", 0x4C, "Grid[1,2]", "0300", "READ_TAG READ element:0-2 \"Grid[1,2]\""},
    {"three dimensions within", 0x4C, "Grid[1,2,3].X", "0100", "READ_TAG READ element:0 \"Grid[1,2,3].X\""},
    {"read fragmented", 0x52, "Recipe", "6400 e8030000", "READ_TAG_FRAGMENTED READ element:0-99 \"Recipe\""},
    {"write BOOL", 0x4D, "Run", "c100 0100 ff", "WRITE_TAG WRITE element:0 \"Run\" = 1"},
    {"write BOOL of two minds", 0x4D, "Run", "c100 0100 02", "WRITE_TAG WRITE element:0 \"Run\" = ?"},
    {"write SINT", 0x4D, "X", "c200 0100 ff", "WRITE_TAG WRITE element:0 \"X\" = -1"},
    {"write SINT, made even", 0x4D, "X", "c200 0100 ff00", "WRITE_TAG WRITE element:0 \"X\" = -1"},
    {"the last fragment, made even", 0x53, "X", "c200 0300 02000000 0500",
     "WRITE_TAG_FRAGMENTED WRITE element:2 \"X\" = 5"},
    {"write INT", 0x4D, "X", "c300 0100 feff", "WRITE_TAG WRITE element:0 \"X\" = -2"},
    {"write DINT", 0x4D, "X", "c400 0100 fdffffff", "WRITE_TAG WRITE element:0 \"X\" = -3"},
    {"write LINT", 0x4D, "X", "c500 0100 fcffffffffffffff", "WRITE_TAG WRITE element:0 \"X\" = -4"},
    {"write USINT", 0x4D, "X", "c600 0100 ff", "WRITE_TAG WRITE element:0 \"X\" = 255"},
    {"write UINT", 0x4D, "X", "c700 0100 feff", "WRITE_TAG WRITE element:0 \"X\" = 65534"},
    {"write UDINT", 0x4D, "X", "c800 0100 fdffffff", "WRITE_TAG WRITE element:0 \"X\" = 4294967293"},
    {"write ULINT", 0x4D, "X", "c900 0100 fcffffffffffffff",
     "WRITE_TAG WRITE element:0 \"X\" = 18446744073709551612"},
    {"write REAL", 0x4D, "X", "ca00 0100 00004040", "WRITE_TAG WRITE element:0 \"X\" = 3.000000"},
    {"write LREAL", 0x4D, "X", "cb00 0100 0000000000001440", "WRITE_TAG WRITE element:0 \"X\" = 5.000000"},
    {"write BYTE", 0x4D, "X", "d100 0100 80", "WRITE_TAG WRITE element:0 \"X\" = 128"},
    {"write WORD", 0x4D, "X", "d200 0100 0080", "WRITE_TAG WRITE element:0 \"X\" = 32768"},
    {"write DWORD", 0x4D, "X", "d300 0100 00000080", "WRITE_TAG WRITE element:0 \"X\" = 2147483648"},
    {"write LWORD", 0x4D, "X", "d400 0100 0000000000000080",
     "WRITE_TAG WRITE element:0 \"X\" = 9223372036854775808"},
    {"write three", 0x4D, "Recipe[3]", "c300 0300 0100 0200 0300",
     "WRITE_TAG WRITE element:3 \"Recipe\" = 1 | WRITE_TAG WRITE element:4 \"Recipe\" = 2 | "
     "WRITE_TAG WRITE element:5 \"Recipe\" = 3"},
    {"write a structure", 0x4D, "Motor", "a002 cefa 0200 0102030405060708",
     "WRITE_TAG WRITE element:0-1 \"Motor\" = 8 octets"},
    {"write of another type", 0x4D, "Text", "da00 0100 03414243",
     "WRITE_TAG WRITE element:0 \"Text\" = 4 octets"},
    {"write fragmented", 0x53, "Recipe[10]", "c400 6400 08000000 01000000 02000000",
     "WRITE_TAG_FRAGMENTED WRITE element:12 \"Recipe\" = 1 | "
     "WRITE_TAG_FRAGMENTED WRITE element:13 \"Recipe\" = 2"},
    {"write a structure fragmented", 0x53, "Motor", "a002 cefa 0200 03000000 0102",
     "WRITE_TAG_FRAGMENTED WRITE element:0-1 \"Motor\" = 2 octets"},
    {"modify bits", 0x4E, "Flags[2]", "0400 01000000 ffffffff",
     "READ_MODIFY_WRITE_TAG WRITE element:2 \"Flags\" = ?"},
    {"a common service on a tag", 0x03, "Speed", "0100 0200",
     "GET_ATTRIBUTE_LIST READ attribute:2 element:0 \"Speed\""},
    {"another service on a tag", 0x4B, "Speed", "00", "27467 PROGRAM element:0 \"Speed\" = 1 octets"},
};

constexpr TagVector hostile_tags[] = {
    {"an octet more than makes it even", 0x4D, "X", "c200 0100 ff0000", "malformed"},
    {"no zero makes it even", 0x4D, "X", "c200 0100 ff01", "malformed"},
    {"even as it is", 0x4D, "X", "c200 0200 ffff00", "malformed"},
    {"words are even", 0x4D, "X", "c300 0100 ffff00", "malformed"},
    {"a fragment that may go on", 0x53, "X", "c200 0200 02000000 0500", "malformed"},
    {"no count", 0x4C, "X", "", "malformed"},
    {"count of nothing", 0x4C, "X", "0000", "malformed"},
    {"octets behind the count", 0x4C, "X", "0100 00", "malformed"},
    {"elements beyond the last", 0x4C, "X[4294967295]", "0200", "malformed"},
    {"no offset", 0x52, "X", "0100", "malformed"},
    {"octets behind the offset", 0x52, "X", "0100 00000000 00", "malformed"},
    {"no element", 0x4D, "X", "c300 0100", "malformed"},
    {"element cut", 0x4D, "X", "c300 0100 01", "malformed"},
    {"one element more", 0x4D, "X", "c300 0100 0100 0200", "malformed"},
    {"one element less", 0x4D, "X", "c300 0200 0100", "malformed"},
    {"write of nothing", 0x4D, "X", "c300 0000 0100", "malformed"},
    {"structure without its handle", 0x4D, "X", "a002", "malformed"},
    {"offset within an element", 0x53, "X", "c400 0a00 02000000 01000000", "malformed"},
    {"offset behind the elements", 0x53, "X", "c400 0200 08000000 01000000", "malformed"},
    {"more than all", 0x53, "X", "c400 0200 04000000 01000000 01000000", "malformed"},
    {"mask of another size", 0x4E, "X", "0300 010000 ffffff", "malformed"},
    {"mask cut", 0x4E, "X", "0400 01000000 ffffff", "malformed"},
    {"mask too long", 0x4E, "X", "0400 01000000 ffffffff 00", "malformed"},
};

struct PathVector {
  const char* name;
  const char* message;
};
constexpr PathVector hostile_messages[] = {
    {"service 0", "00 02 2001 2401"},
    {"reply bit", "81 02 2001 2401"},
    {"no path", "0e 00"},
    {"path beyond the message", "0e 03 2001 2401"},
    {"instance alone", "0e 01 2401"},
    {"instance twice", "0e 03 2004 2401 2402"},
    {"class twice", "0e 03 2004 2005 2401"},
    {"connection manager within another", "54 04 2004 2401 2006 2401"},
    {"class behind the instance", "0e 02 2401 2004"},
    {"attribute before the instance", "0e 03 2004 3003 2401"},
    {"attribute twice", "0e 04 2004 2401 3003 3004"},
    {"class 0", "0e 02 2000 2401"},
    {"four objects within each other", "0e 08 2068 2401 206a 2402 206b 2403 206c 2404"},
    {"object within an attribute", "0e 04 2068 2401 3001 206b"},
    {"pad in 16 bits", "0e 04 2004 25ff 6500 3003"},
    {"pad in 32 bits", "0e 05 2004 26ff 65000000 3003"},
    {"class in 32 bits", "0e 05 2200 04000000 2401"},
    {"attribute in 32 bits", "0e 05 2004 2401 3200 03000000"},
    {"reserved format", "0e 03 2004 2701 0000"},
    {"16 bits cut", "0e 02 2004 2500"},
    {"two connection points", "0e 03 2004 2c64 2c65"},
    {"two members", "18 04 2004 2465 2801 2802"},
    {"electronic key", "0e 07 3404 0100 0200 0300 0102 2001 2401"},
    {"service segment", "0e 03 2004 2401 3801"},
    {"extended logical", "0e 03 2004 2401 3c01"},
    {"port", "0e 03 0100 2001 2401"},
    {"network segment", "0e 03 4301 2001 2401"},
    {"data segment", "0e 04 2001 2401 8001 0000"},
    {"data type", "0e 03 2001 2401 c100"},
    {"reserved segment", "0e 03 2001 2401 e000"},
    {"symbol of no octets", "4c 01 9100 0100"},
    {"symbol cut", "4c 02 9105 4142 0100"},
    {"symbol with a pad that is none", "4c 03 9103 414243 44 0100"},
    {"symbol with a point", "4c 03 9103 412e42 00 0100"},
    {"symbol with a bracket", "4c 03 9103 415b42 00 0100"},
    {"symbol with a space", "4c 03 9103 412042 00 0100"},
    {"symbol with a zero", "4c 03 9103 410042 00 0100"},
    {"symbol behind an object", "4c 04 2004 2401 9101 4100 0100"},
    {"class behind an index", "4c 04 9101 4100 2800 206b 0100"},
    {"four indexes", "4c 06 9101 4100 2801 2802 2803 2804 0100"},
    {"tag in the scope of another", "4c 05 9101 4100 206b 2500 0100 0100"},
    {"attribute of a tag, read as a tag", "4c 04 9101 4100 2800 3001 0100"},
    {"read of an attribute with data", "0e 03 2001 2401 3001 00"},
    {"read of an attribute that stands behind the path", "0e 02 2001 2401 01"},
    {"read of no attribute", "0e 02 2001 2401"},
    {"write of an attribute that stands behind the path", "10 02 2004 2465 0305"},
    {"attribute among all", "01 03 2001 2401 3001"},
    {"attribute beside a list", "03 03 2001 2401 3001 0100 0100"},
    {"list of nothing, and something", "03 02 2001 2401 0000 0100"},
    {"list cut", "03 02 2001 2401 0200 0100"},
    {"list too long", "03 02 2001 2401 0100 0100 0200"},
    {"set list of nothing, and something", "04 02 2001 2401 0000 0100"},
    {"set list cut", "04 02 2001 2401 0200 0100"},
};

}  // namespace

TEST_CASE("services of objects") {
  for (const Vector& vector : services) {
    CAPTURE(vector.name);
    CHECK(describe(unconnected(from_hex(vector.message)), C) == vector.expected);
    CHECK(describe(connected(5, 1, from_hex(vector.message)), C) == vector.expected);
  }
}

TEST_CASE("services of tags") {
  for (const TagVector& vector : tags) {
    CAPTURE(vector.name);
    const Octets octets = message(vector.service, tag_path(vector.tag), from_hex(vector.data));
    CHECK(describe(unconnected(octets), C) == vector.expected);
  }
}

TEST_CASE("a tag by a short symbol, by instance, and a member of what has no name") {
  CHECK(describe(unconnected(from_hex("4c 02 63414243 0100")), C) == "READ_TAG READ element:0 \"ABC\"");
  CHECK(describe(unconnected(from_hex("4c 02 62414200 0100")), C) == "READ_TAG READ element:0 \"AB\"");
  CHECK(describe(unconnected(from_hex("4c 03 206b 2500 0300 0200")), C) ==
        "READ_TAG READ class:107 instance:3 element:0-1");
  CHECK(describe(unconnected(from_hex("4d 04 206b 2500 0300 2805 c300 0100 0700")), C) ==
        "WRITE_TAG WRITE class:107 instance:3 element:5 = 7");
  CHECK(describe(unconnected(from_hex("4c 06 206b 2500 0300 2805 9102 4142 0100")), C) ==
        "READ_TAG READ class:107 instance:3 element:0");
  CHECK(describe(unconnected(from_hex("4d 05 206b 2500 0300 2801 2802 c300 0100 0700")), C) ==
        "WRITE_TAG WRITE class:107 instance:3 element:0-4294967295 = ?");
  CHECK(describe(unconnected(from_hex("55 05 9101 4100 206b 2500 0000 0100 0100")), C) ==
        "GET_INSTANCE_ATTRIBUTE_LIST DISCOVER class:107 instance:0-4294967295 element:0 \"A\" = 4 octets");
}

TEST_CASE("tag services that do not add up") {
  for (const TagVector& vector : hostile_tags) {
    CAPTURE(vector.name);
    const Octets octets = message(vector.service, tag_path(vector.tag), from_hex(vector.data));
    CHECK(describe(unconnected(octets), C) == vector.expected);
  }
}

TEST_CASE("paths and services that can be read in two ways") {
  for (const PathVector& vector : hostile_messages) {
    CAPTURE(vector.name);
    CHECK(describe(unconnected(from_hex(vector.message)), C).starts_with("malformed"));
  }
}

TEST_CASE("PCCC commands are told by command and function, their files by name") {
  const auto pccc = [](const char* command) {
    return describe(
        unconnected(message(0x4B, from_hex("20672401"), from_hex("07 4d00 78563412") + from_hex(command))),
        C);
  };
  CHECK(pccc("06 00 0100 03") == "PCCC_DIAGNOSTIC_STATUS DISCOVER class:103 instance:1");
  CHECK(pccc("0f 00 0100 80 00") == "PCCC_CHANGE_MODE MANAGE class:103 instance:1 = 1 octets");
  CHECK(pccc("0f 00 0100 50 00") == "PCCC_DOWNLOAD_ALL_REQUEST PROGRAM class:103 instance:1 = 1 octets");
  CHECK(pccc("08 00 0100 0000 01") == "PCCC_UNPROTECTED_WRITE WRITE class:103 instance:1 = 3 octets");
  CHECK(pccc("0f 00 0100 a2 04 07 89 05 00") ==
        "PCCC_PROTECTED_TYPED_LOGICAL_READ_3 READ class:103 instance:1 attribute:0-65535 element:5-6 \"N7\"");
  CHECK(pccc("0f 00 0100 a1 04 07 89 05") ==
        "PCCC_PROTECTED_TYPED_LOGICAL_READ_2 READ class:103 instance:1 element:5-6 \"N7\"");
  CHECK(pccc("0f 00 0100 a2 02 04 86 01 02") ==
        "PCCC_PROTECTED_TYPED_LOGICAL_READ_3 READ class:103 instance:1 attribute:2 element:1 \"T4\"");
  CHECK(pccc("0f 00 0100 a2 02 ff0001 89 ff2c01 00") ==
        "PCCC_PROTECTED_TYPED_LOGICAL_READ_3 READ class:103 instance:1 attribute:0 element:300 \"N256\"");
  CHECK(pccc("0f 00 0100 aa 04 07 89 05 00 0100 ffff") ==
        "PCCC_PROTECTED_TYPED_LOGICAL_WRITE_3 WRITE class:103 instance:1 attribute:0 element:5 \"N7\" = 1 | "
        "PCCC_PROTECTED_TYPED_LOGICAL_WRITE_3 WRITE class:103 instance:1 attribute:0 element:6 \"N7\" = -1");
  CHECK(pccc("0f 00 0100 aa 04 08 8a 00 00 00004040") ==
        "PCCC_PROTECTED_TYPED_LOGICAL_WRITE_3 WRITE class:103 instance:1 attribute:0 element:0 \"F8\" = "
        "3.000000");
  CHECK(
      pccc("0f 00 0100 ab 02 03 85 00 00 0100 0100") ==
      "PCCC_PROTECTED_TYPED_LOGICAL_WRITE_MASK WRITE class:103 instance:1 attribute:0 element:0 \"B3\" = ?");
  CHECK(pccc("0f 00 0100 aa 02 09 70 00 00 0100") ==
        "PCCC_PROTECTED_TYPED_LOGICAL_WRITE_3 WRITE class:103 instance:1 = ?");
  CHECK(pccc("0f 00 0100 88 01") == "PCCC_EXECUTE_COMMAND_LIST PROGRAM class:103 instance:1 = 1 octets");
  CHECK(pccc("0f 00 0100 f7") == "16781303 PROGRAM class:103 instance:1");
  for (const char* broken : {"4f 00 0100 a2", "0f 01 0100 a2 04 07 89 05 00", "0f 00 01", "0f 00 0100",
                             "0f 00 0100 a2 00 07 89 05 00", "0f 00 0100 a2 04 07 89 05",
                             "0f 00 0100 a2 04 07 89 05 00 00", "0f 00 0100 a2 02 ff0500 89 05 00",
                             "0f 00 0100 aa 04 07 89 05 00 0100", "0f 00 0100 aa 02 07 89 05 00 0100 0200"}) {
    CAPTURE(broken);
    CHECK(pccc(broken) == "malformed");
  }
  CHECK(describe(unconnected(from_hex("4b 02 2067 2401 06 4d00 785634 0600010003")), C) == "malformed");
  CHECK(describe(unconnected(from_hex("4b 03 2067 2401 3001 07 4d00 78563412 0600010003")), C) ==
        "malformed");
}

TEST_CASE("replies tell their service, and their data as octets") {
  CHECK(describe(unconnected(reply(0x4C, from_hex("c400 01000000"))), S) == "76 PROGRAM = 6 octets");
  CHECK(describe(unconnected(reply(0x0E, from_hex("01"))), S) == "GET_ATTRIBUTE_SINGLE READ = 1 octets");
  CHECK(describe(unconnected(reply(0x0E, {}, 8)), S) == "GET_ATTRIBUTE_SINGLE READ");
  CHECK(describe(unconnected(from_hex("8e 00 01 01 0000")), S) == "GET_ATTRIBUTE_SINGLE READ");
  CHECK(describe(unconnected(reply(0x0A, packet_list({reply(0x4C), reply(0x0E, {1})}))), S) ==
        "76 PROGRAM | GET_ATTRIBUTE_SINGLE READ = 1 octets");
  for (const char* broken :
       {"0e 00 00 00", "80 00 00 00", "8e 01 00 00", "8e 00 00", "8e 00 00 01 00", "8e"}) {
    CAPTURE(broken);
    CHECK(describe(unconnected(from_hex(broken)), S).starts_with("malformed"));
  }
}
