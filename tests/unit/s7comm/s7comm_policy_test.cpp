// What a rule about S7comm permits: PDUs held against config/examples/press-shop.txtpb and single rules.
#include <doctest/doctest.h>

#include "tests/support/room_policy.hpp"
#include "tests/unit/s7comm/s7comm_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr unsigned DB = 0x84;
constexpr unsigned MERKERS = 0x83;

struct Plant : RoomPolicy {
  // Without a rule: the example; `client` is one of its assets.
  explicit Plant(const std::string& rule = "", const std::string& client = "panel")
      : RoomPolicy(rule.empty() ? example("press-shop") : one_conduit(allow("r", "s7comm { " + rule + " }"))),
        service(find(rule.empty() ? client : "m")) {}

  // Services stand in the order of their clients' first rules.
  static std::size_t find(const std::string& client) {
    if (client == "m" || client == "panel") return 0;
    return client == "historian" ? 1 : 2;
  }

  Plant& connect(const char* destination = "0102") {
    accept(control(std::string("e0 0000 0001 00 c1020100 c202") + destination), Role::CLIENT, session);
    accept(control("d0 0001 0003 00"), Role::SERVER, session);
    return *this;
  }

  // Is every operation of this PDU contained in a rule?
  bool permits(const Octets& pdu) {
    return permitted(pdu, Role::CLIENT, image.services()[service].request_group);
  }
  bool tells(const Octets& pdu) {
    return permitted(pdu, Role::SERVER, image.services()[service].unsolicited_group);
  }
  bool permitted(const Octets& pdu, Role sender, std::uint32_t group) {
    return RoomPolicy::permits(s7comm_protocol, Bytes(pdu), sender, session, group);
  }

  std::size_t service = 0;
  SessionState session;
};

Octets read(const std::string& items, unsigned count = 1) {
  char head[8];
  std::snprintf(head, sizeof head, "04%02x", count);
  return job(head + items);
}
Octets write(const std::string& item, const std::string& value) { return job("05 01" + item, value); }

}  // namespace

TEST_CASE("the panel reads, through the slot of that CPU alone") {
  CHECK(Plant().permits(control("e0 0000 0001 00 c1020100 c2020102")));
  CHECK_FALSE(Plant().permits(control("e0 0000 0001 00 c1020100 c2020103")));
  CHECK_FALSE(Plant().permits(control("e0 0000 0001 00 c1020100 c2020122")));
  CHECK_FALSE(Plant().permits(control("e0 0000 0001 00 c1020100 c203534d54")));
  CHECK(Plant().connect().permits(job("f0 00 0001 0001 01e0")));
  CHECK(Plant().connect().permits(read(any(2, 16, 7, DB, 0) + any(1, 1, 0, MERKERS, 3), 2)));
  CHECK_FALSE(Plant().permits(read(any(2, 16, 7, DB, 0))));
  CHECK_FALSE(Plant().connect("0103").permits(read(any(2, 16, 7, DB, 0))));
  CHECK(Plant().connect().permits(userdata("00011204 11440100", "ff 09 0004 0011 0000")));
}

TEST_CASE("set points of the panel, by value and type") {
  Plant plant;
  plant.connect();
  CHECK(plant.permits(write(any(8, 1, 10, DB, 32), "00 07 0004 43fa0000")));        // 500.0
  CHECK_FALSE(plant.permits(write(any(8, 1, 10, DB, 32), "00 07 0004 44000000")));  // 512.0
  CHECK_FALSE(plant.permits(write(any(8, 1, 10, DB, 32), "00 07 0004 7fc00000")));  // not a number
  CHECK_FALSE(plant.permits(write(any(8, 1, 10, DB, 40), "00 07 0004 43fa0000")));  // one byte on
  CHECK_FALSE(plant.permits(write(any(8, 1, 11, DB, 32), "00 07 0004 43fa0000")));
  CHECK_FALSE(plant.permits(write(any(8, 1, 10, 0x82, 32), "00 07 0004 43fa0000")));  // outputs, not DB 10
  CHECK_FALSE(plant.permits(write(any(8, 1, 10, MERKERS, 32), "00 07 0004 43fa0000")));
  CHECK_FALSE(plant.permits(write(any(6, 1, 10, DB, 32), "00 04 0020 43fa0000")));  // as DWORD
  CHECK_FALSE(plant.permits(write(any(2, 4, 10, DB, 32), "00 04 0020 43fa0000")));  // as bytes
  CHECK_FALSE(plant.permits(write(any(2, 1, 10, DB, 32), "00 04 0008 43")));        // its first byte
  CHECK(plant.permits(write(any(4, 1, 10, DB, 64), "00 04 0010 2ee0")));            // 12000
  CHECK_FALSE(plant.permits(write(any(4, 1, 10, DB, 64), "00 04 0010 2ee1")));
  CHECK(plant.permits(write(any(5, 1, 10, DB, 64), "00 05 0010 0001")));
  CHECK_FALSE(plant.permits(write(any(5, 1, 10, DB, 64), "00 05 0010 ffff")));  // -1
  CHECK(plant.permits(write(any(1, 1, 0, MERKERS, 801), "00 03 0001 01")));
  CHECK_FALSE(plant.permits(write(any(1, 1, 0, MERKERS, 802), "00 03 0001 01")));
  CHECK_FALSE(plant.permits(write(any(1, 1, 0, MERKERS, 801), "00 03 0001 02")));  // reads two ways
  CHECK_FALSE(plant.permits(write(any(2, 1, 0, MERKERS, 800), "00 04 0008 01")));
}

TEST_CASE("the panel does nothing else") {
  Plant plant;
  plant.connect();
  for (const Octets& pdu :
       {job("29 0000000000 09 505f50524f4752414d"), job("28 000000000000fd 0000 09 505f50524f4752414d"),
        job("1d 00 0000 00000000 09 5f3041303030323041"), job("77"), job("00"), read(" 1202 b2 01"),
        read(" 1207 b0 01 04 0007 0000"), userdata("00011204 11470200", "ff 09 000a 00191602082308100002"),
        userdata("00011208 124108000000 0000", "ff 09 0002 0014"),
        userdata("00011204 11450100", "ff 09 0001 00"), userdata("00011204 11447700", "0a 00 0000"),
        tpkts(from_hex("7201 000a 31 0000 04bb 0000 0001 00 72010000"))}) {
    CAPTURE(describe(pdu, Role::CLIENT));
    CHECK_FALSE(plant.permits(pdu));
  }
}

TEST_CASE("the historian reads and subscribes to its data blocks") {
  Plant plant("", "historian");
  plant.connect();
  CHECK(plant.permits(read(any(2, 16, 30, DB, 0))));
  CHECK_FALSE(plant.permits(read(any(2, 16, 30, DB, 0) + any(2, 16, 40, DB, 0), 2)));
  CHECK(plant.permits(userdata("00011204 11420100", "ff 09 0010 0001 01 05" + any(2, 4, 31, DB, 0))));
  CHECK_FALSE(plant.permits(userdata("00011204 11420100", "ff 09 0010 0001 01 05" + any(2, 4, 41, DB, 0))));
  CHECK_FALSE(plant.permits(userdata("00011204 11420100", "ff 09 0008 0001 01 05 1202 b2 01")));
  CHECK(plant.permits(userdata("00011204 11420400", "ff 09 0002 0001")));
  CHECK(plant.tells(userdata("00011208 120201010000 0000", "ff 09 0002 0000")));
  CHECK_FALSE(plant.tells(userdata("00011208 120102010000 0000", "ff 09 0002 0000")));
  CHECK_FALSE(plant.permits(userdata("00011204 11440100", "ff 09 0004 0011 0000")));
}

TEST_CASE("blocks by name and number") {
  const Octets load_1 = job("1a 00 0100 00000000 09 5f3041303030303150 0d 31303030353030303030343030");
  const Octets delete_two =
      job("28 000000000000fd 0012 0200 3041303030303150 3041303030303250 05 5f44454c45");
  CHECK(Plant("access: PROGRAM db { first: 1 }").permits(load_1));
  CHECK(Plant("access: PROGRAM block: \"DB1\"").permits(load_1));
  CHECK(Plant("access: PROGRAM block_prefix: \"DB\"").permits(load_1));
  CHECK_FALSE(Plant("access: PROGRAM block: \"DB\"").permits(load_1));
  CHECK_FALSE(Plant("access: PROGRAM block: \"DB2\"").permits(load_1));
  CHECK_FALSE(Plant("access: PROGRAM db { first: 2 last: 9 }").permits(load_1));
  CHECK_FALSE(Plant("access: MANAGE").permits(load_1));
  CHECK(Plant("access: PROGRAM db { first: 1 last: 2 }").permits(delete_two));
  CHECK_FALSE(Plant("access: PROGRAM db { first: 1 }").permits(delete_two));
  CHECK_FALSE(Plant("function: PI_SERVICE pi_service: \"_INSE\"").permits(delete_two));
  CHECK(Plant("function: PI_SERVICE pi_service: \"_DELE\"").permits(delete_two));
  const Octets start = job("28 000000000000fd 0000 09 505f50524f4752414d");
  CHECK(Plant("access: MANAGE").permits(start));
  CHECK_FALSE(Plant("access: PROGRAM").permits(start));
  CHECK(Plant("function: PI_SERVICE pi_service: \"P_PROGRAM\" block: \"\"").permits(start));
  CHECK_FALSE(Plant("function: PI_SERVICE pi_service: \"P_PROGRAM\" block: \"C \"").permits(start));
}

TEST_CASE("what has to be named") {
  struct Row {
    const char* name;
    Octets pdu;
  };
  for (const Row& row :
       {Row{"READ_SYMBOLIC", read(" 1202 b2 01")}, Row{"READ_NCK", read(" 1208 82 01 0001 0002 10 01")},
        Row{"READ_DB", read(" 1207 b0 01 04 0007 0000")},
        Row{"PLC_PASSWORD", userdata("00011204 11450100", "ff 09 0001 00")},
        Row{"BSEND", userdata("00011204 11460100", "ff 09 0001 00")},
        Row{"S7PLUS_EXPLORE", tpkts(from_hex("7201 000a 31 0000 04bb 0000 0001 00 72010000"))},
        Row{"S7PLUS_OPAQUE", tpkts(from_hex("7204 0001 00"))}}) {
    CAPTURE(row.name);
    CHECK_FALSE(Plant("source_tsap { first: 256 } access: READ").permits(row.pdu));
    CHECK_FALSE(
        Plant("access: READ access: WRITE access: PROGRAM access: MANAGE access: DISCOVER access: SESSION")
            .permits(row.pdu));
    CHECK(Plant(std::string("function: ") + row.name).permits(row.pdu));
  }
  CHECK(Plant("function: READ_DB db { first: 7 } byte { first: 0 last: 3 }")
            .permits(read(" 1207 b0 01 04 0007 0000")));
  CHECK_FALSE(Plant("function: READ_DB db { first: 7 } byte { first: 0 last: 2 }")
                  .permits(read(" 1207 b0 01 04 0007 0000")));
  const Octets unknown = userdata("00011204 11447700", "0a 00 0000");
  CHECK_FALSE(Plant("access: PROGRAM").permits(unknown));
  CHECK(Plant("function_code: 0x2477").permits(unknown));
}

TEST_CASE("TSAPs as text, racks and kinds of connection") {
  const Octets text = control("e0 0000 0001 00 c1020600 c20f53494d415449432d524f4f542d4553");
  const Octets rack_1 = control("e0 0000 0001 00 c1020100 c2020222");
  CHECK(Plant("function: CONNECT tsap: \"SIMATIC-ROOT-ES\"").permits(text));
  CHECK_FALSE(Plant("function: CONNECT tsap: \"SIMATIC-ROOT-HMI\"").permits(text));
  CHECK_FALSE(Plant("function: CONNECT tsap: \"SIMATIC-ROOT-ES\"").permits(rack_1));
  CHECK(Plant("function: CONNECT rack { first: 1 }").permits(rack_1));
  CHECK_FALSE(Plant("function: CONNECT rack { first: 0 }").permits(rack_1));
  CHECK(Plant("function: CONNECT slot { first: 34 } connection_type: OP").permits(rack_1));
  CHECK_FALSE(Plant("function: CONNECT connection_type: PG").permits(rack_1));
}

TEST_CASE("numbers in several bytes, whole and where they begin") {
  const std::string rule = "function: WRITE_VAR db { first: 10 } byte { first: 4 last: 11 } ";
  Plant real(rule + "value { min: 0 max: 80 type: FLOAT32 word_order: HIGH_WORD_FIRST }");
  CHECK(real.permits(write(any(2, 4, 10, DB, 32), "00 04 0020 42a00000")));        // 80.0
  CHECK_FALSE(real.permits(write(any(2, 4, 10, DB, 32), "00 04 0020 42a00001")));  // a little more
  CHECK(real.permits(write(any(2, 8, 10, DB, 32), "00 04 0040 42a00000 00000000")));
  CHECK_FALSE(real.permits(write(any(2, 8, 10, DB, 32), "00 04 0040 42a00000 43000000")));
  CHECK(real.permits(write(any(4, 2, 10, DB, 64), "00 04 0020 42a00000")));        // two words
  CHECK_FALSE(real.permits(write(any(2, 4, 10, DB, 48), "00 04 0020 00000000")));  // across two numbers
  CHECK_FALSE(real.permits(write(any(2, 2, 10, DB, 32), "00 04 0010 0000")));      // half of one
  CHECK_FALSE(real.permits(write(any(2, 1, 10, DB, 32), "00 04 0008 00")));
  CHECK_FALSE(real.permits(write(any(2, 3, 10, DB, 32), "00 04 0018 000000")));
  CHECK_FALSE(
      real.permits(write(any(8, 1, 10, DB, 32), "00 07 0004 42a00000")));  // needs a rule without type
  Plant word(rule + "value { min: 0 max: 100 type: INT16 }");
  CHECK(word.permits(write(any(2, 2, 10, DB, 48), "00 04 0010 0064")));
  CHECK_FALSE(word.permits(write(any(2, 2, 10, DB, 48), "00 04 0010 ffff")));
  CHECK_FALSE(word.permits(write(any(2, 2, 10, DB, 40), "00 04 0010 0001")));  // odd byte
  CHECK_FALSE(word.permits(write(any(2, 1, 10, DB, 32), "00 04 0008 01")));
}
