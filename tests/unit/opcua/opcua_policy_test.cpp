// What a rule about OPC UA permits: messages held against config/examples/tank-farm.txtpb, and single rules.
#include <doctest/doctest.h>

#include "tests/support/room_policy.hpp"
#include "tests/unit/opcua/opcua_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;

struct Plant : RoomPolicy {
  explicit Plant(const std::string& rule = "", const std::string& back = "")
      : RoomPolicy(rule.empty() ? example("tank-farm")
                                : one_conduit(allow("r", rule), back.empty() ? "" : allow("s", back))) {}

  static std::string allow(const std::string& id, const std::string& rule) {
    return test::allow(id, "opened_by: EITHER opcua { " + rule + " }");
  }

  // Is every operation contained in a rule of service `of`? What is permitted goes on.
  bool permits(const Octets& pdu, std::size_t of = 0) {
    const bool good = permitted(pdu, C, image.services()[of].request_group);
    if (good) accept(pdu, C, session);
    return good;
  }
  bool tells(const Octets& pdu) {
    return permitted(pdu, Role::SERVER, image.services()[0].unsolicited_group);
  }
  bool permitted(const Octets& pdu, Role sender, std::uint32_t group) {
    return RoomPolicy::permits(opcua_protocol, Bytes(pdu), sender, session, group);
  }
  void answered_by(const Octets& pdu) { accept(pdu, Role::SERVER, session); }

  SessionState session;
  std::uint32_t sequence = 1;
};

// A rule held against one request in an open channel of mode None.
bool permits(const char* rule, const Octets& pdu) {
  Plant plant(rule);
  plant.session = connected();
  return plant.permits(pdu);
}

Octets write(const char* node, const char* value, const char* attribute = "0d000000",
             const char* range = "ffffffff") {
  return request(673, from_text("01000000") + from_text(node) + from_text(attribute) + from_text(range) +
                          from_text(value));
}

Octets read(const char* node, const char* attribute = "0d000000", const char* range = "ffffffff") {
  return request(631, from_text("0000000000000000 02000000 01000000") + from_text(node) +
                          from_text(attribute) + from_text(range) + from_text("0000 ffffffff"));
}

constexpr const char* plc = "opc.tcp://tank-plc:4840";
constexpr const char* pss = "http://opcfoundation.org/UA/SecurityPolicy#Aes256_Sha256_RsaPss";

// The HMI, up to a signed channel.
Plant hmi() {
  Plant plant;
  REQUIRE(plant.permits(hello(plc)));
  plant.answered_by(acknowledge());
  REQUIRE(plant.permits(open_secret()));
  plant.answered_by(open_secret(basic256sha256, channel));
  return plant;
}

Octets signed_request(std::uint32_t function, const Octets& parameters, std::uint32_t sequence) {
  return chunk("MSGF", sequence, sequence, asked(function, parameters) + Octets(32, 0x77));
}

const Octets create_session = from_text(
    "'app' 'prod' 02 'name' 01000000 ffffffff ffffffff 00000000 'server' 'opc.tcp://tank-plc:4840' 'session' "
    "04000000 01020304 ffffffff 0000000000408f40 00001000");

Octets activate(const char* token) {
  return from_text("ffffffff ffffffff 00000000 00000000") + from_text(token) + from_text("ffffffff ffffffff");
}

}  // namespace

TEST_CASE("the HMI's channel: its certificate, its policies, its server") {
  Plant plant;
  CHECK_FALSE(plant.permits(hello("opc.tcp://tank-plc:4841")));
  CHECK_FALSE(plant.permits(hello("")));
  CHECK(plant.permits(hello(plc)));
  plant.answered_by(acknowledge());
  CHECK_FALSE(plant.permits(open_channel()));  // policy None
  CHECK_FALSE(plant.permits(open_secret("http://opcfoundation.org/UA/SecurityPolicy#Basic256")));
  CHECK_FALSE(plant.permits(open_secret(basic256sha256, 0, {0x30, 3, 1, 2, 4})));  // another certificate
  CHECK(plant.permits(open_secret(pss)));
}

TEST_CASE("the HMI's session: signed, and with a user") {
  Plant plant = hmi();
  CHECK(plant.permits(signed_request(461, create_session, 2)));
  CHECK_FALSE(plant.permits(signed_request(467, activate("01 00 4101 01 05000000 '1'"), 3)));  // anonymous
  CHECK_FALSE(plant.permits(signed_request(467, activate("00 00 00"), 3)));
  CHECK_FALSE(
      plant.permits(signed_request(467, activate("01 00 4401 00"), 3)));  // some take it for anonymous
  CHECK_FALSE(
      plant.permits(signed_request(467, activate("01 00 ffff 01 00000000"), 3)));  // what nobody knows
  CHECK(plant.permits(
      signed_request(467, activate("01 00 4401 01 10000000 00000000 00000000 00000000 00000000"), 3)));
  CHECK(plant.permits(signed_request(473, {1}, 4)));
}

TEST_CASE("the HMI in an encrypted channel is not believed") {
  Plant plant = hmi();
  CHECK_FALSE(plant.permits(framed("MSGF", number(channel) + number(token) + Octets(200, 0x5C))));
}

TEST_CASE("what the HMI reads, writes and calls") {
  Plant plant = hmi();
  REQUIRE(plant.permits(signed_request(461, create_session, 2)));
  const auto asks = [&](std::uint32_t function, const char* parameters) {
    Plant copy = hmi();
    copy.session = plant.session;
    return copy.permits(signed_request(function, from_text(parameters), 3));
  };
  const std::string one = "0000000000000000 02000000 01000000 ";
  CHECK(asks(631, (one + "01 02 a10f 0d000000 ffffffff 0000 ffffffff").c_str()));
  CHECK(asks(631, (one + "00 54 03000000 ffffffff 0000 ffffffff").c_str()));
  CHECK_FALSE(asks(631, (one + "01 03 a10f 0d000000 ffffffff 0000 ffffffff").c_str()));
  CHECK(asks(826, "00000000"));
  CHECK(asks(673, "01000000 01 02 a10f 0d000000 ffffffff 01 0b 0000000000805740"));        // 94
  CHECK_FALSE(asks(673, "01000000 01 02 a10f 0d000000 ffffffff 01 0b 0000000000005840"));  // 96
  CHECK_FALSE(asks(673, "01000000 01 02 a10f 0d000000 ffffffff 01 0b 000000000000f87f"));  // not a number
  CHECK_FALSE(asks(673, "01000000 01 02 a50f 0d000000 ffffffff 01 0b 0000000000805740"));  // tank 5
  CHECK_FALSE(asks(673, "01000000 01 02 a10f 11000000 ffffffff 01 03 05"));                // access level
  CHECK_FALSE(asks(673, "01000000 01 02 a10f 0d000000 '0' 01 0b 0000000000805740"));       // a part
  CHECK_FALSE(asks(673, "01000000 01 02 a10f 0d000000 ffffffff 02 00000000"));             // no value
  CHECK_FALSE(asks(673,
                   "02000000 01 02 a10f 0d000000 ffffffff 01 0b 0000000000805740 "
                   "01 02 a20f 0d000000 ffffffff 01 0b 0000000000005840"));  // the second
  CHECK(asks(712, "01000000 03 0200 'Pump1' 03 0200 'Pump1.Start' 00000000"));
  CHECK_FALSE(asks(712, "01000000 03 0200 'Pump1' 03 0200 'Pump1.Reset' 00000000"));
  CHECK_FALSE(asks(712, "01000000 03 0200 'Pump2' 03 0200 'Pump1.Start' 00000000"));
  CHECK_FALSE(asks(712, "01000000 03 0200 'Pump1' 03 0300 'Pump1.Start' 00000000"));
  CHECK_FALSE(asks(500, "01000000 01 02 a10f 00"));
  CHECK_FALSE(asks(437, "'u' 'p' 00000000 00000000 'g' 00000000 's' 01"));
}

TEST_CASE("one node by every encoding is one to the rules") {
  const char* rule = "access: READ namespace { first: 0 } node { first: 84 }";
  CHECK(permits(rule, read("00 54")));
  CHECK(permits(rule, read("01 00 5400")));
  CHECK(permits(rule, read("02 0000 54000000")));
  CHECK_FALSE(permits(rule, read("00 55")));
  CHECK_FALSE(permits(rule, read("01 01 5400")));
  CHECK_FALSE(permits(rule, read("03 0000 '84'")));
}

TEST_CASE("names, and what they begin with") {
  CHECK(permits("access: READ node_id: \"s=Tank.Level\"", read("03 0200 'Tank.Level'")));
  CHECK_FALSE(permits("access: READ node_id: \"s=Tank.Level\"", read("03 0200 'Tank.Level2'")));
  CHECK_FALSE(permits("access: READ node_id: \"s=Tank.Level\"", read("01 02 0500")));
  CHECK(permits("access: READ node_id_prefix: \"s=Tank.\"", read("03 0200 'Tank.Level2'")));
  CHECK_FALSE(permits("access: READ node_id_prefix: \"s=Tank.\"", read("03 0200 'Tan'")));
  // A GUID is no string, and no string a GUID.
  const char* guid = "access: READ node_id: \"g=09087e75-5e8e-499b-954f-f2a9603db28a\"";
  CHECK(permits(guid, read("04 0200 757e0809 8e5e 9b49 954f f2a9603db28a")));
  CHECK_FALSE(permits(guid, read("03 0200 '09087e75-5e8e-499b-954f-f2a9603db28a'")));
  CHECK(permits("access: READ node_id: \"b=/w==\"", read("05 0200 01000000 ff")));
  // An endpoint's URL is no node's name.
  CHECK_FALSE(permits("access: READ endpoint_url: \"opc.tcp://a\"", read("03 0200 'opc.tcp://a'")));
}

TEST_CASE("attributes and parts of a value") {
  CHECK(permits("function: READ attribute: VALUE", read("00 54")));
  CHECK_FALSE(permits("function: READ attribute: VALUE", read("00 54", "0e000000")));
  CHECK_FALSE(permits("function: READ attribute: VALUE", read("00 54", "0d000000", "'1'")));
  CHECK(permits("function: READ attribute: PART_OF_VALUE", read("00 54", "0d000000", "'1'")));
  CHECK(permits("function: READ attribute_number { first: 1 last: 13 }", read("00 54", "03000000")));
}

TEST_CASE("writing is of the value, programming of what describes it") {
  CHECK(permits("access: WRITE", write("00 54", "01 01 01")));
  CHECK_FALSE(permits("access: WRITE", write("00 54", "01 01 01", "11000000")));
  CHECK(permits("access: PROGRAM", write("00 54", "01 01 01", "11000000")));
  CHECK_FALSE(permits("access: READ", write("00 54", "01 01 01")));
}

TEST_CASE("values by range, of every number") {
  const char* rule = "function: WRITE value { min: -5 max: 100 }";
  CHECK(permits(rule, write("00 54", "01 06 fbffffff")));
  CHECK_FALSE(permits(rule, write("00 54", "01 06 faffffff")));
  CHECK(permits(rule, write("00 54", "01 03 64")));
  CHECK_FALSE(permits(rule, write("00 54", "01 03 65")));
  CHECK(permits(rule, write("00 54", "01 0a 0000c842")));
  CHECK_FALSE(permits(rule, write("00 54", "01 0a 0100c842")));
  CHECK_FALSE(permits(rule, write("00 54", "01 09 ffffffffffffffff")));
  CHECK_FALSE(permits(rule, write("00 54", "01 0c '1'")));
  CHECK_FALSE(permits(rule, write("00 54", "01 86 01000000 01000000")));
  CHECK_FALSE(permits(rule, write("00 54", "01 00")));
}

TEST_CASE("nodes elsewhere have no index") {
  const Octets here = request(488, from_text("01000000 00 54 00 23 00 00 0200 'b' 01000000 00 00 00 00 3d"));
  const Octets there =
      request(488, from_text("01000000 80 54 'urn:x' 00 23 00 00 0200 'b' 01000000 00 00 00 00 3d"));
  CHECK(permits("access: PROGRAM namespace { first: 0 }", here));
  CHECK_FALSE(permits("access: PROGRAM namespace { first: 0 last: 65535 }", there));
  CHECK(permits("access: PROGRAM", there));
}

TEST_CASE("discovery alone") {
  const char* rule = "access: DISCOVER";
  CHECK(permits(rule, request(428, from_text("'opc.tcp://a' 00000000 00000000"))));
  CHECK(permits(rule, request(422, from_text("'opc.tcp://a' 00000000 00000000"))));
  CHECK_FALSE(permits(rule, request(527, from_text("00 00 0000000000000000 00000000 e8030000 00000000"))));
  CHECK_FALSE(permits(rule, request(461, create_session)));
}

TEST_CASE("what is opaque needs its name in a rule") {
  const Octets pdu = framed("MSGF", number(channel) + number(token) + Octets(200, 0x5C));
  for (const char* rule : {"access: PROGRAM", "namespace { first: 0 }", "security_mode: SIGN_AND_ENCRYPT"}) {
    Plant plant(rule);
    plant.session = connected_secretly();
    CHECK_FALSE(plant.permits(pdu));
  }
  Plant plant("function: OPAQUE_MESSAGE");
  plant.session = connected_secretly();
  CHECK(plant.permits(pdu));
}

TEST_CASE("unknown services are never permitted") {
  for (const char* rule : {"access: PROGRAM", "access: READ", "security_mode: NONE"}) {
    CHECK_FALSE(permits(rule, request(410, {})));
    CHECK_FALSE(permits(rule, chunk("MSGF", 2, 2, from_text("02 0000 01000100"))));
  }
  CHECK_FALSE(permits("function: HELLO", chunk("MSGF", 2, 2, from_text("02 0000 01000100"))));
  CHECK_FALSE(permits("function: OPAQUE_MESSAGE", chunk("MSGF", 2, 2, from_text("02 0000 03000100"))));
}

TEST_CASE("lifetimes of tokens") {
  Plant plant("function: OPEN_SECURE_CHANNEL lifetime { first: 60000 last: 3600000 }");
  CHECK(plant.permits(open_channel()));
  CHECK_FALSE(plant.permits(open_channel(1, 1, 0, 0, 1, 3600001)));
  CHECK_FALSE(plant.permits(open_channel(1, 1, 0, 0, 1, 0)));
  CHECK_FALSE(plant.permits(open_secret()));  // nobody can tell
}

TEST_CASE("a mode that a rule asks for") {
  CHECK_FALSE(permits("access: READ security_mode: SIGN security_mode: SIGN_AND_ENCRYPT", read("00 54")));
  CHECK(permits("access: READ security_mode: NONE", read("00 54")));
  Plant joined("access: READ security_mode: NONE");
  CHECK_FALSE(joined.permits(read("00 54")));  // how the channel was opened was not seen
}

TEST_CASE("a server that connects") {
  const Octets reverse = framed("RHEF", text("urn:plc") + text(url));
  Plant plant("function: HELLO", "function: REVERSE_HELLO endpoint_url: \"opc.tcp://plc-1:4840\"");
  CHECK(plant.tells(reverse));
  CHECK_FALSE(plant.tells(framed("RHEF", text("urn:plc") + text("opc.tcp://plc-2:4840"))));
  CHECK(plant.permits(hello()));
}
