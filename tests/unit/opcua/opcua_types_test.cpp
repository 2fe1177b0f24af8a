// Node ids and values in every encoding (Part 6 §5.2.2).
#include <doctest/doctest.h>

#include "tests/unit/opcua/opcua_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;

// DELETE_NODES of one node.
std::string node(const std::string& hex) {
  return describe(request(500, from_text("01000000 " + hex + " 00")), C, connected());
}

// ADD_NODES below one node.
std::string expanded(const std::string& hex) {
  return describe(
      request(488, from_text("01000000 " + hex + " 00 23 00 00 0200 'b' 01000000 00 00 00 00 3d")), C,
      connected());
}

// WRITE of one DataValue.
std::string written(const std::string& hex) {
  const std::string text =
      describe(request(673, from_text("01000000 00 54 0d000000 ffffffff " + hex)), C, connected());
  const std::string head = "WRITE WRITE namespace:0 node:84 attribute:13 security_mode:1";
  if (text == head) return "none";
  return text.starts_with(head + " = ") ? text.substr(head.size() + 3) : text;
}

}  // namespace

TEST_CASE("one node by every encoding of its number") {
  const std::string is = "DELETE_NODES PROGRAM namespace:0 node:84 security_mode:1";
  CHECK(node("00 54") == is);
  CHECK(node("01 00 5400") == is);
  CHECK(node("02 0000 54000000") == is);
  CHECK(node("02 0302 04030201") == "DELETE_NODES PROGRAM namespace:515 node:16909060 security_mode:1");
  CHECK(node("01 ff ffff") == "DELETE_NODES PROGRAM namespace:255 node:65535 security_mode:1");
}

TEST_CASE("nodes that are no numbers") {
  const std::string is = "DELETE_NODES PROGRAM namespace:2 security_mode:1";
  CHECK(node("03 0200 'Tank.Level'") == is + " \"s=Tank.Level\"");
  CHECK(node("03 0200 ''") == is + " \"s=\"");
  CHECK(node("03 0200 ffffffff") == is + " \"s=\"");
  CHECK(node("04 0200 757e0809 8e5e 9b49 954f f2a9603db28a") ==
        is + " \"g=09087e75-5e8e-499b-954f-f2a9603db28a\"");
  CHECK(node("05 0200 10000000 33f45b281b11564 78f09e3dc76e2844 1") ==
        is + " \"b=M/RbKBsRVkePCePcduKEQQ==\"");
  CHECK(node("05 0200 01000000 ff") == is + " \"b=/w==\"");
  CHECK(node("05 0200 02000000 ffff") == is + " \"b=//8=\"");
  CHECK(node("05 0200 03000000 ffffff") == is + " \"b=////\"");
  CHECK(node("05 0200 00000000") == is + " \"b=\"");
  // A string that looks like a GUID is another node.
  CHECK(node("03 0200 'g=1'") == is + " \"s=g=1\"");
}

TEST_CASE("a name that is too long is no name") {
  const std::string is = "DELETE_NODES PROGRAM namespace:2 security_mode:1";
  CHECK(node("03 0200 '" + std::string(510, 'x') + "'") == is + " \"s=" + std::string(510, 'x') + "\"");
  CHECK(node("03 0200 '" + std::string(511, 'x') + "'") == is);
}

TEST_CASE("node ids that are not well formed") {
  for (const char* hex : {"06 00", "3f 00", "40 54", "80 54 'u'", "c0 54 'u' 01000000", "03 0200 feffffff",
                          "03 0200 05000000 61", "04 0200 00", "02 0200 010000"}) {
    CAPTURE(hex);
    CHECK(node(hex).ends_with("malformed"));
  }
}

TEST_CASE("expanded node ids") {
  const std::string is = "ADD_NODES PROGRAM";
  CHECK(expanded("01 02 0500") == is + " namespace:2 node:5 security_mode:1");
  CHECK(expanded("03 0200 'x'") == is + " namespace:2 security_mode:1 \"s=x\"");
  // By URI, or on another server: nothing that an index of this server says.
  CHECK(expanded("80 54 'urn:x'") == is + " security_mode:1");
  CHECK(expanded("40 54 01000000") == is + " security_mode:1");
  CHECK(expanded("c3 0000 'x' 'urn:x' 01000000") == is + " security_mode:1");
  CHECK(expanded("c0 54 'urn:x'").ends_with("malformed"));
}

TEST_CASE("scalars that are numbers") {
  CHECK(written("01 01 01") == "1u");
  CHECK(written("01 01 00") == "0u");
  CHECK(written("01 02 ff") == "-1");
  CHECK(written("01 03 ff") == "255u");
  CHECK(written("01 04 00 80") == "-32768");
  CHECK(written("01 05 ffff") == "65535u");
  CHECK(written("01 06 00000080") == "-2147483648");
  CHECK(written("01 07 ffffffff") == "4294967295u");
  CHECK(written("01 08 ffffffffffffffff") == "-1");
  CHECK(written("01 09 ffffffffffffffff") == "18446744073709551615u");
  CHECK(written("01 0a 0000 8040") == "4.000000");
  CHECK(written("01 0b 000000000000 1040") == "4.000000");
  CHECK(written("01 0d 0100000000000000") == "1");
  CHECK(written("01 13 00000080") == "2147483648u");
}

TEST_CASE("all other values are octets") {
  CHECK(written("01 00") == "0 octets");
  CHECK(written("01 0c 'abc'") == "7 octets");
  CHECK(written("01 0e 000102030405060708090a0b0c0d0e0f") == "16 octets");
  CHECK(written("01 0f 02000000 0102") == "6 octets");
  CHECK(written("01 10 '<x/>'") == "8 octets");
  CHECK(written("01 11 00 54") == "2 octets");
  CHECK(written("01 12 80 54 'u'") == "7 octets");
  CHECK(written("01 14 0100 'q'") == "7 octets");
  CHECK(written("01 15 03 'en' 't'") == "12 octets");
  CHECK(written("01 16 01 01 1100 01 02000000 0102") == "11 octets");
  CHECK(written("01 17 01 01 01") == "3 octets");  // a DataValue
  CHECK(written("01 19 10 'info'") == "9 octets");
  CHECK(written("01 1a 01000000 ff") == "5 octets");  // reserved: as a ByteString
}

TEST_CASE("arrays and matrices") {
  CHECK(written("01 86 02000000 01000000 02000000") == "12 octets");
  CHECK(written("01 86 ffffffff") == "4 octets");
  CHECK(written("01 8c 02000000 'a' 'b'") == "14 octets");
  CHECK(written("01 98 02000000 06 01000000 00") == "10 octets");  // values of values
  CHECK(written("01 99 01000000 40 40 00") == "7 octets");
  CHECK(written("01 c6 04000000 01000000 02000000 03000000 04000000 02000000 02000000 02000000") ==
        "32 octets");
  CHECK(written("01 c6 04000000 01000000 02000000 03000000 04000000 02000000 02000000 03000000")
            .ends_with("malformed"));
  CHECK(written("01 c6 01000000 01000000 02000000 ffffffff 01000000").ends_with("malformed"));
  CHECK(written("01 86 03000000 01000000 02000000").ends_with("malformed"));
  CHECK(written("01 88 ffffff7f 0000000000000000").ends_with("malformed"));
}

TEST_CASE("values that are not well formed") {
  for (const char* hex : {"01 20", "01 3f", "01 40", "01 80", "01 46 01000000", "01 18 06 01000000",
                          "01 01 02", "01 0c feffffff", "01 15 04", "01 16 00 00 03", "01 19 80"}) {
    CAPTURE(hex);
    CHECK(written(hex).ends_with("malformed"));
  }
}

TEST_CASE("values within values have a bottom") {
  const auto nested = [](unsigned depth) {
    std::string hex;
    for (unsigned i = 0; i < depth; ++i) hex += "98 01000000 ";
    return written("01 " + hex + "01 01");
  };
  CHECK(nested(1) == "6 octets");
  CHECK(nested(3) == "16 octets");
  CHECK(nested(200).ends_with("malformed"));
  std::string diagnostics;
  for (int i = 0; i < 200; ++i) diagnostics += "40 ";
  CHECK(written("01 19 " + diagnostics + "00").ends_with("malformed"));
}

TEST_CASE("the mask of a DataValue") {
  CHECK(written("00") == "none");
  CHECK(written("02 00000000") == "none");
  CHECK(written("3f 01 01 00000000 0102030405060708 0102 0102030405060708 0102") == "1u");
  CHECK(written("10 0102") == "none");
  CHECK(written("40").ends_with("malformed"));
  CHECK(written("80").ends_with("malformed"));
  for (const char* hex : {"02 000000", "04 01020304050607", "08 01020304050607", "10 01", "20 01"}) {
    CAPTURE(hex);
    CHECK(written(hex).ends_with("malformed"));
  }
}

TEST_CASE("attribute 0 and those above 255 are none") {
  const auto with = [](const char* attribute) {
    return describe(request(631, from_text("0000000000000000 02000000 01000000 00 54 ") +
                                     from_text(attribute) + from_text("ffffffff 0000 ffffffff")),
                    C, connected());
  };
  CHECK(with("ff000000") == "READ READ namespace:0 node:84 attribute:255 security_mode:1");
  CHECK(with("01000000") == "READ READ namespace:0 node:84 attribute:1 security_mode:1");
  CHECK(with("00000000") == "malformed");
  CHECK(with("00010000") == "malformed");
  CHECK(with("0d010000") == "malformed");  // would be a part of the value
}
