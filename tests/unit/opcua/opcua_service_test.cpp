// Every service in both roles, and what its operations say (OPC 10000-4 §5).
#include <doctest/doctest.h>

#include "tests/unit/opcua/opcua_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;

struct Row {
  std::uint32_t function;
  std::uint32_t response;
  const char* parameters;
  const char* operations;
};

// Node ids: 01 02 0500 is ns=2;i=5, 00 54 is i=84. Integers are little-endian.
constexpr Row rows[] = {
    {422, 425, "'opc.tcp://a' 00000000 00000000", "FIND_SERVERS DISCOVER security_mode:1 \"opc.tcp://a\""},
    {428, 431, "'opc.tcp://a' 01000000 'en' ffffffff",
     "GET_ENDPOINTS DISCOVER security_mode:1 \"opc.tcp://a\""},
    {437, 440, "'u' 'p' 01000000 03 'en' 'n' 00000000 'g' 01000000 'd' 's' 01",
     "REGISTER_SERVER MANAGE security_mode:1"},
    {12211, 12212,
     "'u' 'p' ffffffff 00000000 'g' 00000000 's' 01 01000000 01 00 6532 01 09000000 'h' 00000000",
     "REGISTER_SERVER_2 MANAGE security_mode:1"},
    {12208, 12209, "00000000 0a000000 01000000 'LDS'", "FIND_SERVERS_ON_NETWORK DISCOVER security_mode:1"},
    {461, 464,
     "'app' 'prod' 02 'name' 01000000 ffffffff ffffffff 00000000 'server' 'opc.tcp://a' 'session' 04000000 "
     "01020304 "
     "ffffffff 0000000000408f40 00001000",
     "CREATE_SESSION SESSION security_mode:1 \"opc.tcp://a\""},
    {467, 470, "'alg' 02000000 aabb 00000000 01000000 'en' 01 00 4101 01 04000000 00000000 ffffffff ffffffff",
     "ACTIVATE_SESSION SESSION security_mode:1 user_token:321"},
    {473, 476, "01", "CLOSE_SESSION SESSION security_mode:1"},
    {479, 482, "2a000000", "CANCEL SESSION security_mode:1"},
    {488, 491,
     "01000000  01 02 0500  00 23  02 0300 07000000  0200 'b' 01000000 01 00 6201 01 0f000000 "
     "00000000 00 00 00000000 00000000 ee  00 3d",
     "ADD_NODES PROGRAM namespace:2 node:5 security_mode:1 method_namespace:3 method:7"},
    {488, 491, "01000000  00 54  00 23  00 00  0200 'b' 01000000 00 00 00 00 3d",
     "ADD_NODES PROGRAM namespace:0 node:84 security_mode:1"},
    {494, 497, "01000000  00 54  00 23 01 ffffffff 01 02 0500 01000000",
     "ADD_REFERENCES PROGRAM namespace:0 node:84 security_mode:1 method_namespace:2 method:5"},
    {500, 503, "02000000  00 54 01  03 0200 'x' 00",
     "DELETE_NODES PROGRAM namespace:0 node:84 security_mode:1 | "
     "DELETE_NODES PROGRAM namespace:2 security_mode:1 \"s=x\""},
    {506, 509, "01000000  00 54  00 23 01 01 02 0500 01",
     "DELETE_REFERENCES PROGRAM namespace:0 node:84 security_mode:1 method_namespace:2 method:5"},
    {527, 530,
     "00 00 0000000000000000 00000000 e8030000  02000000 00 54 00000000 00 21 01 ff000000 3f000000 "
     "03 0200 'a.b' 02000000 00 21 01 00000000 3f000000",
     "BROWSE READ namespace:0 node:84 security_mode:1 | BROWSE READ namespace:2 security_mode:1 \"s=a.b\""},
    {533, 536, "00 01000000 02000000 0102", "BROWSE_NEXT READ security_mode:1"},
    {554, 557, "01000000 00 54 02000000 00 21 00 01 0000 'Objects' 00 21 00 01 0200 'Tank'",
     "TRANSLATE_BROWSE_PATHS READ namespace:0 node:84 security_mode:1"},
    {560, 563, "01000000 01 02 0500", "REGISTER_NODES READ namespace:2 node:5 security_mode:1"},
    {566, 569, "01000000 01 02 0500", "UNREGISTER_NODES READ namespace:2 node:5 security_mode:1"},
    {615, 618,
     "00 00 0000000000000000 00000000  01000000 01 02 0500 01 01000000 01000000 00 21 00 01 0000 'x' "
     "0d000000 ffffffff"
     " 01000000 00000000 01000000 01 00 5202 01 04000000 00000000 00000000 00000000",
     "QUERY_FIRST READ namespace:2 node:5 security_mode:1"},
    {621, 624, "01 02000000 0102", "QUERY_NEXT READ security_mode:1"},
    {631, 634, "0000000000000000 02000000 01000000 01 02 0500 0d000000 ffffffff 0000 ffffffff",
     "READ READ namespace:2 node:5 attribute:13 security_mode:1"},
    {631, 634,
     "0000000000000000 02000000 02000000 01 02 0500 0d000000 '1:2' 0000 ffffffff 00 54 03000000 00000000 "
     "0000 ''",
     "READ READ namespace:2 node:5 attribute:269 security_mode:1 | "
     "READ READ namespace:0 node:84 attribute:3 security_mode:1"},
    {664, 667,
     "01 00 8902 01 16000000 00 0000000000000000 0000000000000000 00000000 00 02000000 00 "
     "01000000 01 02 0500 ffffffff 0000 ffffffff ffffffff",
     "HISTORY_READ READ namespace:2 node:5 attribute:13 security_mode:1"},
    {664, 667,
     "01 00 8902 01 16000000 00 0000000000000000 0000000000000000 00000000 00 02000000 00 "
     "01000000 01 02 0500 '3' 0000 ffffffff ffffffff",
     "HISTORY_READ READ namespace:2 node:5 attribute:269 security_mode:1"},
    {673, 676, "01000000 01 02 0500 0d000000 ffffffff 01 06 f6ffffff",
     "WRITE WRITE namespace:2 node:5 attribute:13 security_mode:1 = -10"},
    {673, 676, "01000000 01 02 0500 11000000 ffffffff 01 03 03",
     "WRITE PROGRAM namespace:2 node:5 attribute:17 security_mode:1 = 3u"},
    {700, 703,
     "02000000 01 00 aa02 01 0c000000 01020500 00000000 00000000 "
     "01 01 9903 01 04000000 01020500",
     "HISTORY_UPDATE WRITE namespace:2 node:5 security_mode:1 | HISTORY_UPDATE WRITE security_mode:1"},
    {712, 715, "02000000 01 02 0500 01 02 0600 01000000 0b 0000000000002440  00 54 03 0200 'go' ffffffff",
     "CALL OPERATE namespace:2 node:5 security_mode:1 method_namespace:2 method:6 = 10.000000 | "
     "CALL OPERATE namespace:0 node:84 security_mode:1 method_namespace:2 and \"s=go\""},
    {712, 715, "01000000 01 02 0500 01 02 0600 02000000 01 01 01 00",
     "CALL OPERATE namespace:2 node:5 security_mode:1 method_namespace:2 method:6 = ?"},
    {751, 754,
     "01000000 02000000 01000000 01 02 0500 0d000000 ffffffff 0000 ffffffff 02000000 01000000 "
     "0000000000408f40 00 00 00 "
     "0a000000 01",
     "CREATE_MONITORED_ITEMS READ namespace:2 node:5 attribute:13 security_mode:1"},
    {763, 766, "01000000 02000000 01000000 05000000 01000000 0000000000408f40 00 00 00 0a000000 01",
     "MODIFY_MONITORED_ITEMS READ security_mode:1"},
    {769, 772, "01000000 02000000 01000000 05000000", "SET_MONITORING_MODE READ security_mode:1"},
    {775, 778, "01000000 02000000 01000000 05000000 00000000", "SET_TRIGGERING READ security_mode:1"},
    {781, 784, "01000000 02000000 05000000 06000000", "DELETE_MONITORED_ITEMS READ security_mode:1"},
    {787, 790, "0000000000408f40 10270000 0a000000 00000000 01 00",
     "CREATE_SUBSCRIPTION READ security_mode:1"},
    {793, 796, "01000000 0000000000408f40 10270000 0a000000 00000000 00",
     "MODIFY_SUBSCRIPTION READ security_mode:1"},
    {799, 802, "01 01000000 01000000", "SET_PUBLISHING_MODE READ security_mode:1"},
    {826, 829, "01000000 01000000 02000000", "PUBLISH READ security_mode:1"},
    {826, 829, "ffffffff", "PUBLISH READ security_mode:1"},
    {832, 835, "01000000 02000000", "REPUBLISH READ security_mode:1"},
    {841, 844, "01000000 01000000 01", "TRANSFER_SUBSCRIPTIONS READ security_mode:1"},
    {847, 850, "01000000 01000000", "DELETE_SUBSCRIPTIONS READ security_mode:1"},
};

}  // namespace

TEST_CASE("requests of every service") {
  const SessionState session = connected();
  for (const Row& row : rows) {
    CAPTURE(row.function);
    const Octets pdu = request(row.function, from_text(row.parameters));
    CHECK(describe(pdu, C, session) == row.operations);
    const PduHead head = head_of(pdu, C, session);
    CHECK(head.kind == PduKind::REQUEST);
    CHECK(head.answered);
    CHECK(head.function == row.function);
  }
}

TEST_CASE("requests one octet shorter or longer are not well formed") {
  const SessionState session = connected();
  for (const Row& row : rows) {
    CAPTURE(row.function);
    Octets longer = from_text(row.parameters);
    longer.push_back(0);
    CHECK(describe(request(row.function, longer), C, session).ends_with("malformed"));
    Octets shorter = from_text(row.parameters);
    shorter.pop_back();
    CHECK(describe(request(row.function, shorter), C, session).ends_with("malformed"));
  }
}

TEST_CASE("enumerations and booleans have the values that there are") {
  struct {
    std::uint32_t function;
    const char* before;
    const char* good;
    const char* bad;
    const char* behind;
  } const fields[] = {
      {631, "0000000000000000", "03000000", "04000000",
       "01000000 01 02 0500 0d000000 ffffffff 0000 ffffffff"},
      {664, "01 00 8902 01 16000000 00 0000000000000000 0000000000000000 00000000 00", "03000000", "04000000",
       "00 00000000"},
      {664, "01 00 8902 01 16000000 00 0000000000000000 0000000000000000 00000000 00 02000000", "01", "02",
       "00000000"},
      {527, "00 00 0000000000000000 00000000 e8030000 01000000 00 54", "02000000", "03000000",
       "00 21 01 ff000000 3f000000"},
      {527, "00 00 0000000000000000 00000000 e8030000 01000000 00 54 00000000 00 21", "01", "02",
       "ff000000 3f000000"},
      {751, "01000000", "03000000", "04000000", "00000000"},
      {751, "01000000 02000000 01000000 01 02 0500 0d000000 ffffffff 0000 ffffffff", "02000000", "03000000",
       "01000000 0000000000408f40 00 00 00 0a000000 01"},
      {763, "01000000", "03000000", "04000000", "00000000"},
      {769, "01000000", "02000000", "03000000", "00000000"},
      {473, "", "01", "02", ""},
  };
  const SessionState session = connected();
  for (const auto& field : fields) {
    CAPTURE(field.function);
    const auto with = [&](const char* octets) {
      return describe(
          request(field.function, from_text(field.before) + from_text(octets) + from_text(field.behind)), C,
          session);
    };
    CHECK(with(field.good).find("malformed") == std::string::npos);
    CHECK(with(field.bad).ends_with("malformed"));
  }
  const Octets priority = from_text("0000000000408f40 10270000 0a000000 00000000 01 ff");
  CHECK(describe(request(787, priority), C, session) == "CREATE_SUBSCRIPTION READ security_mode:1");
}

TEST_CASE("requests cut anywhere are never read beyond their end") {
  const SessionState session = connected();
  for (const Row& row : rows) {
    const Octets body = asked(row.function, from_text(row.parameters));
    for (std::size_t size = 0; size < body.size(); ++size) {
      CAPTURE(row.function);
      CAPTURE(size);
      const Octets part(body.begin(), body.begin() + static_cast<long>(size));
      CHECK(describe(chunk("MSGF", 2, 2, part), C, session).find("malformed") != std::string::npos);
    }
  }
}

TEST_CASE("responses answer their service") {
  const SessionState session = connected();
  for (const Row& row : rows) {
    CAPTURE(row.function);
    const PduHead question = head_of(request(row.function, from_text(row.parameters)), C, session);
    const Octets answer = response(row.response);
    const PduHead head = head_of(answer, S, session);
    CHECK(head.kind == PduKind::RESPONSE);
    CHECK_FALSE(head.negative);
    CHECK(head.match_key == question.match_key);
    CHECK(head.match_detail == question.match_detail);
    CHECK(opcua_protocol.matches(Bytes(answer), question.match_detail, QUIRK_NONE));
    CHECK(describe(answer, S, session).starts_with(opcua_protocol.function_name(row.function)));
    CHECK(head_of(response(row.response, 0x80010000), S, session).negative);
    const Octets fault = response(397, 0x800B0000);
    CHECK(head_of(fault, S, session).negative);
    CHECK(head_of(fault, S, session).match_detail == 0);
    CHECK(opcua_protocol.matches(Bytes(fault), question.match_detail, QUIRK_NONE));
    const Octets other = response(row.function == 631 ? 676 : 634);
    CHECK_FALSE(opcua_protocol.matches(Bytes(other), question.match_detail, QUIRK_NONE));
    CHECK(head_of(other, S, session).match_detail != question.match_detail);
  }
}

TEST_CASE("one service by every encoding of its number") {
  const SessionState session = connected();
  const Octets rest =
      from_text("00 00 0102030405060708 2a000000 00000000 ffffffff 10270000 0000 00") + read_value();
  const std::string read = "READ READ namespace:2 node:5 attribute:13 security_mode:1";
  CHECK(describe(chunk("MSGF", 2, 2, from_text("01 00 7702") + rest), C, session) == read);
  CHECK(describe(chunk("MSGF", 2, 2, from_text("02 0000 77020000") + rest), C, session) == read);
  CHECK(describe(chunk("MSGF", 2, 2, from_text("01 01 7702") + rest), C, session) ==
        "4294967295 PROGRAM security_mode:1");
  CHECK(describe(chunk("MSGF", 2, 2, from_text("00 77") + rest), C, session) ==
        "119 PROGRAM security_mode:1");
  CHECK(describe(chunk("MSGF", 2, 2, from_text("41 00 7702") + rest), C, session) == "malformed type_id");
}

TEST_CASE("what is no service is told by a number that no rule has") {
  const SessionState session = connected();
  // Functions of the room's own, and OPN and CLO within MSG.
  for (const char* type :
       {"02 0000 01000100", "02 0000 03000100", "02 0000 be010100", "01 00 be01", "01 00 c401"}) {
    CAPTURE(type);
    CHECK(describe(chunk("MSGF", 2, 2, from_text(type)), C, session) == "4294967295 PROGRAM security_mode:1");
  }
  CHECK(describe(request(410, {}), C, session) == "410 PROGRAM security_mode:1");  // TestStack of old
  CHECK(describe(request(634, {}), C, session) == "634 PROGRAM security_mode:1");  // a response
}

TEST_CASE("the request header is read past, whatever it carries") {
  const SessionState session = connected();
  const auto with = [&](const char* token, const char* additional) {
    return describe(chunk("MSGF", 2, 2,
                          from_text("01 00 7702") + from_text(token) +
                              from_text("0102030405060708 2a000000 00000000 'audit' 10270000") +
                              from_text(additional) + read_value()),
                    C, session);
  };
  const std::string read = "READ READ namespace:2 node:5 attribute:13 security_mode:1";
  CHECK(with("00 00", "0000 00") == read);
  CHECK(with("04 0100 000102030405060708090a0b0c0d0e0f", "0000 00") == read);
  CHECK(with("03 0100 'token'", "01 00 1100 02 05000000 0102030405") == read);
  CHECK(with("02 0100 78563412", "01 00 1100 02 '<x/>'") == read);
  CHECK(with("05 0100 ffffffff", "01 00 8144 01 ffffffff") == "malformed");
  CHECK(with("05 0100 ffffffff", "01 00 8144 01 0c000000 01000000 0000 'k' 00") == read);
  CHECK(with("00 00", "01 01 8144 01 01000000 00") == "malformed");  // only the server knows where it ends
  CHECK(with("00 00", "0000 03") == "malformed");
  CHECK(with("06 00", "0000 00") == "malformed");
  CHECK(with("80 00 'uri'", "0000 00") == "malformed");
}

TEST_CASE("users' tokens") {
  const SessionState session = connected();
  const auto with = [&](const char* token) {
    return describe(request(467, from_text("ffffffff ffffffff 00000000 00000000") + from_text(token) +
                                     from_text("ffffffff ffffffff")),
                    C, session);
  };
  const std::string activate = "ACTIVATE_SESSION SESSION security_mode:1";
  CHECK(with("00 00 00") == activate + " user_token:321");  // none: anonymous
  CHECK(with("01 00 4101 01 05000000 '1'") == activate + " user_token:321");
  CHECK(with("01 00 4401 01 10000000 00000000 00000000 00000000 00000000") == activate + " user_token:324");
  CHECK(with("01 00 4701 01 08000000 00000000 00000000") == activate + " user_token:327");
  CHECK(with("02 0000 ac030000 01 0c000000 00000000 00000000 00000000") == activate + " user_token:940");
  CHECK(with("01 01 4101 01 01000000 00") == activate);  // unknown
  CHECK(with("03 0000 'x' 01 01000000 00") == activate);
  CHECK(with("01 00 4001 01 00000000") == "malformed");  // another encoding
  // Without a body a token says nothing of its user.
  CHECK(with("01 00 4401 00") == activate + " user_token:321");
  CHECK(with("01 00 4701 02 00000000") == activate + " user_token:321");
  CHECK(with("01 01 4401 01 00000000") == activate + " user_token:321");
  CHECK(with("01 00 4401 01 00000000") == "malformed");
}

// To a server that goes on where it has read what it expects, other items would stand behind the object.
TEST_CASE("an object and its length agree") {
  const SessionState session = connected();
  const auto write = [&](const char* object) {
    return describe(
        request(673, from_text("01000000 01 02 0500 0d000000 ffffffff 01 16") + from_text(object)), C,
        session);
  };
  const std::string written = "WRITE WRITE namespace:2 node:5 attribute:13 security_mode:1";
  CHECK(write("01 00 7603 01 10000000 0000000000000000 0000000000005940").starts_with(written));  // a Range
  CHECK(write("01 00 7603 01 11000000 0000000000000000 0000000000005940 00") == "malformed");
  CHECK(write("01 00 7603 01 0f000000 0000000000000000 00000000000059") == "malformed");
  CHECK(write("01 00 7603 01 ffffffff") == "malformed");
  CHECK(write("01 00 7603 00").starts_with(written));
  CHECK(write("01 00 7603 02 01000000 00").starts_with(written));
  CHECK(write("01 00 7702 01 01000000 00") == "malformed");        // a type that nobody writes
  CHECK(write("01 02 7603 01 01000000 00").starts_with(written));  // of the server's own
  // A literal of a literal …: as deep as values may be.
  std::string nest = "01 00 7603 00";
  for (unsigned depth = 1; depth <= 8; ++depth) {
    const std::size_t size = from_text("16" + nest).size();
    char length[9];
    std::snprintf(length, sizeof(length), "%02zx000000", size);
    nest = "01 00 5502 01 " + std::string(length) + " 16" + nest;
    CHECK((write(nest.c_str()) == "malformed") == (depth > 7));
  }
}

TEST_CASE("structures that are written as values have the length of their type") {
  const auto write = [](const std::string& type, const std::string& body) {
    char size[9];
    std::snprintf(size, sizeof(size), "%02zx000000", from_text(body).size());
    const std::string object = "01 00 " + type + " 01 " + size + " " + body;
    return describe(request(673, from_text("01000000 01 02 0500 0d000000 ffffffff 01 16 " + object)), C,
                    connected());
  };
  constexpr const char* structures[][2] = {
      // StructureDefinition, EnumDefinition, and what they consist of
      {"7a00", "00 00 00 16 00000000 01000000 ffffffff 00 00 06 ffffffff ffffffff 00000000 00"},
      {"7b00", "01000000 0000000000000000 00 00 ffffffff"},
      {"fc39", "ffffffff 00 00 06 ffffffff ffffffff 00000000 00"},
      {"fd39", "0000000000000000 00 00 ffffffff"},
      // AxisInformation
      {"392f",
       "ffffffff 01000000 00 00 0000000000000000 0000000000000000 00 00000000 01000000 0000000000000000"},
      {"dd31", "ffffffff ffffffff"},          // OptionSet
      {"fe39", "0000 ffffffff 06 01000000"},  // KeyValuePair
      {"7903", "ffffffff 01000000 00 00"},    // EUInformation
      {"3a2f", "0000000000000000 00000000"},  // XVType
  };
  for (const auto& structure : structures) {
    const std::string type = structure[0];
    const std::string good = structure[1];
    CAPTURE(type);
    CHECK(write(type, good).starts_with("WRITE WRITE namespace:2 node:5 attribute:13 security_mode:1"));
    CHECK(write(type, good + " 00") == "malformed");
    CHECK(write(type, good.substr(0, good.size() - 2)) == "malformed");
  }
}
