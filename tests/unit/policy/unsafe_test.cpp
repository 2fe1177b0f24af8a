// Policies that could be read to permit more, or less, than their author thinks: refused or warned of.
#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "config/policy/compile.hpp"

namespace conduit {
namespace {

constexpr const char* base_policy = R"(policy { name: "p" version: 3 }
zone { id: "a" port: "up"
  asset { id: "hmi" ipv4: "10.0.0.1" mac: "00:00:00:00:00:01" }
  asset { id: "bare" ipv4: "10.0.0.3" }
}
zone { id: "b" port: "down"
  asset { id: "plc" ipv4: "10.0.0.2" mac: "00:00:00:00:00:02" }
  asset { id: "all" role: GROUP ipv4: "224.0.1.129" }
}
conduit {
  id: "c" zones: "a" zones: "b" owner: "o"
  direction {
    from: "a" to: "b"
    allow { id: "r" reason: "why" client: "hmi" server: "plc"
      modbus { unit: 1 access: READ }
    }
  }
}
)";

struct Row {
  const char* from;
  const char* to;
  const char* complaint;  // "line:column: beginning of the text"
};

constexpr const char* what = "modbus { unit: 1 access: READ }";
constexpr const char* peers = "client: \"hmi\" server: \"plc\"\n      modbus { unit: 1 access: READ }";
constexpr const char* hmi = "ipv4: \"10.0.0.1\" mac: \"00:00:00:00:00:01\"";
constexpr const char* plc_port = "port: \"down\"";

constexpr auto errors = std::to_array<Row>({
    // Addresses that reach further than they look.
    {hmi, "ipv6: \"::/0\"", "3:21: \"::/0\" takes in IPv4 addresses"},
    {hmi, "ipv6: \"::ffff:10.0.0.1\"", "3:21: \"::ffff:10.0.0.1\" takes in IPv4 addresses"},
    {hmi, "ipv6: \"::ffff:0:0/96\"", "3:21: \"::ffff:0:0/96\" takes in IPv4 addresses"},
    {hmi, "ipv4: \"10.0.0.1\\0x\"", "3:21: \"10.0.0.1"},
    {hmi, "ipv4: \"10.0.0.0/+24\"", "3:21: \"10.0.0.0/+24\": the prefix length is a number"},
    {hmi, "ipv4: \"10.0.0.0/\"", "3:21: \"10.0.0.0/\": the prefix length is a number"},
    {hmi, "ipv4: \"224.0.0.5\"", "3:21: \"224.0.0.5\" is a group's address; give the asset role: GROUP"},
    {hmi, "ipv4: \"255.255.255.255\"", "3:21: \"255.255.255.255\" is a group's address"},
    {hmi, "ipv6: \"ff02::1\"", "3:21: \"ff02::1\" is a group's address"},
    {"00:00:00:00:00:01", "01:00:5e:00:00:01", "3:38: \"01:00:5e:00:00:01\" is a group's MAC"},
    {"00:00:00:00:00:01", "00:00:00:00:00:0g", "3:38: \"00:00:00:00:00:0g\" is not a MAC"},
    {"id: \"bare\" ipv4: \"10.0.0.3\"", "id: \"bare\" mac: \"00:00:00:00:00:01\"",
     "4:3: two assets have this MAC on one port and VLAN"},
    {plc_port, "port: \"down\" vlan { id: 7 } vlan { id: 7 }", "6:44: this VLAN is listed twice"},
    {plc_port, "port: \"down\" vlan { id: 7 }", "11:11: the two zones have no VLAN in common"},
    // Numbers that are no value of their enum, or that the wire cannot carry.
    {"id: \"bare\" ", "id: \"bare\" role: 77 ", "4:22: unknown value \"77\" for role"},
    {"owner: \"o\"", "owner: \"o\" mode: 7", "11:44: unknown value \"7\" for mode (write one of: ENFORCE,"},
    {what, "modbus { function: 99 }", "15:16: unknown value \"99\" for function"},
    {what, "modbus { unit: 256 access: READ }", "15:16: unit: 256 does not exist; write at most 255"},
    {what, "modbus { access: READ address { first: 0 last: 65536 } }",
     "15:29: address: 65536 does not exist"},
    {what, "modbus { function_code: 128 }", "15:16: function_code: 128 does not exist; write at most 127"},
    {what, "modbus { access: WRITE value { min: -5 max: 5 } }", "15:30: value: a limit lies outside"},
    {what, "modbus { access: WRITE value { max: 0.5 } }", "15:30: value: a limit lies outside"},
    {what,
     "modbus { function: WRITE_MULTIPLE_REGISTERS address { first: 8 last: 10 } "
     "value { max: 9 type: INT32 word_order: LOW_WORD_FIRST } }",
     "15:51: address: a value takes two words, and this range has an odd number"},
    {what, "modbus { access: READ function: WRITE_SINGLE_COIL }", "15:7: WRITE_SINGLE_COIL is of none of"},
    {what, "icmp { type: ECHO }", "15:25: unknown value \"ECHO\" for type, did you mean \"ECHO_REQUEST\"?"},
    // Rules at the wrong place.
    {"id: \"r\" reason", "id: \"r r\" reason", "14:13: allow needs an id of letters"},
    {"client: \"hmi\" server", "client: \"hmi\" client: \"hmi\" server",
     "14:49: asset \"hmi\" is listed twice"},
    {peers, "client: \"plc\" server: \"hmi\" tcp { port { first: 80 } }",
     "14:5: clients lie in \"b\": without inspection"},
    {peers, "client: \"plc\" server: \"hmi\" icmp { }", "14:5: clients lie in \"b\": without inspection"},
    {peers, "client: \"hmi\" server: \"all\" modbus { access: READ }",
     "14:49: a GROUP cannot be reached by TCP"},
    {peers, "client: \"hmi\" server: \"all\" tcp { port { first: 80 } }",
     "14:49: a GROUP cannot be reached by TCP"},
    {peers, "client: \"all\" server: \"hmi\" modbus { access: READ transport: UDP }",
     "14:35: a GROUP receives only"},
    {what, "icmp { } opened_by: EITHER", "15:16: nobody connects here"},
    {"    }\n  }\n}\n",
     "    }\n    allow { id: \"s\" reason: \"w\" client: \"hmi\" server: \"plc\" opened_by: EITHER\n"
     "      modbus { access: READ } }\n  }\n}\n",
     "17:5: two services of one protocol share a port"},
    {"    }\n  }\n}\n",
     "    }\n    allow { id: \"s\" reason: \"w\" client: \"hmi\" server: \"plc\" tcp { port { first: 502 } "
     "}\n"
     "    }\n  }\n}\n",
     "17:5: port 502 of these assets speaks another protocol"},
    {"    }\n  }\n}\n",
     "      on_deny: DROP\n    }\n    allow { id: \"s\" reason: \"w\" client: \"hmi\" server: \"plc\" "
     "on_deny: RESET\n"
     "      modbus { access: WRITE } }\n  }\n}\n",
     "18:61: an allow above states another on_deny"},
    {"owner: \"o\"", "owner: \"o\" security_level_target: 5", "11:44: security levels are from 0 to 4"},
    // Layer 2.
    {peers, "client: \"bare\" ethernet { ethertype: 0x88CC }",
     "14:35: frames are told apart by the sender's MAC, and asset \"bare\" has none"},
    {peers, "client: \"hmi\" server: \"all\" ethernet { ethertype: 0x8892 }",
     "14:49: frames find their receiver by its MAC, and asset \"all\" has none"},
    {peers, "client: \"hmi\" ethernet { ethertype: 0x0800 }", "14:60: IP has rules of its own"},
    {peers, "client: \"hmi\" ethernet { ethertype: 0x0806 }", "14:60: ethertypes are from"},
    {peers, "client: \"hmi\" ethernet { ethertype: 0x8100 }", "14:60: ethertypes are from"},
    {peers, "client: \"hmi\" ethernet { ethertype: 0x88CC group: \"00:00:00:00:00:05\" }",
     "14:78: \"00:00:00:00:00:05\" is one device's MAC"},
    {peers, "client: \"hmi\" ethernet { llc_dsap: 0x42 group: \"x\" }", "14:75: \"x\" is not a MAC"},
    {peers, "client: \"hmi\" ethernet { llc_dsap: 0x142 }", "14:60: a destination SAP has one octet"},
});

constexpr auto warnings = std::to_array<Row>({
    {what, "modbus { }", "14:5: allow \"r\" permits every function on every object"},
    {what, "tcp { port { first: 502 } }", "15:7: port 502 is that of modbus, which passes here without"},
    {what, "tcp { port { first: 1 last: 65535 } }", "15:7: permits 65535 ports without inspection"},
    {what, "modbus { access: READ } authentication { grant: \"g\" }", "15:31: this version cannot receive"},
    {"owner: \"o\"", "owner: \"o\" safety: SIS mode: OBSERVE",
     "11:56: this conduit leads to a safety system"},
    {"conduit {\n", "zone { id: \"z\" port: \"up\" }\nconduit {\n",
     "10:1: zone \"z\" is joined by no conduit"},
    {"    }\n  }\n}\n",
     "    }\n    allow { id: \"s\" reason: \"w\" client: \"hmi\" server: \"plc\"\n"
     "      modbus { unit: 1 access: READ address { first: 3 last: 8 } } }\n  }\n}\n",
     "17:5: allow \"s\" permits nothing that allow \"r\" (line 14) does not permit already"},
    {"    }\n  }\n}\n",
     "    }\n    allow { id: \"s\" reason: \"w\" client: \"hmi\" server: \"plc\"\n"
     "      modbus { access: READ } }\n  }\n}\n",
     "14:5: allow \"r\" permits nothing that allow \"s\" (line 17) does not permit already"},
});

std::string changed(const Row& row) {
  std::string text = base_policy;
  const std::size_t at = text.find(row.from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, std::string(row.from).size(), row.to);
}

CompiledPolicy compile_text(const std::string& text) {
  CompileInput input;
  input.text = text;
  return compile_policy(input);
}

std::string said(const CompiledPolicy& policy, bool warning) {
  std::string all = "\n";
  for (const Diagnostic& one : policy.diagnostics) {
    if (one.warning != warning) continue;
    all += std::to_string(one.line) + ":" + std::to_string(one.column) + ": " + one.text + "\n";
  }
  return all;
}

void tells(const Row& row, bool warning) {
  const std::string text = changed(row);
  CAPTURE(text);
  const CompiledPolicy policy = compile_text(text);
  const std::string all = said(policy, warning);
  CAPTURE(all);
  CHECK(policy.good == warning);
  CHECK(all.find(std::string("\n") + row.complaint) != std::string::npos);
}

std::string allow(const std::string& id, const std::string& rest) {
  return "allow { id: \"" + id + "\" reason: \"w\" client: \"hmi\" server: \"plc\" " + rest + " }\n";
}

std::string with_allows(const std::string& allows) {
  std::string text = base_policy;
  const std::size_t at = text.find("    allow");
  return text.replace(at, text.find("  }\n}\n") - at, allows);
}

}  // namespace

TEST_CASE("the policy that the rows change is good, without a warning") {
  const CompiledPolicy policy = compile_text(base_policy);
  CHECK(said(policy, false) == "\n");
  CHECK(said(policy, true) == "\n");
}

TEST_CASE("what would mean something else is refused") {
  for (const Row& row : errors) tells(row, false);
}

TEST_CASE("what may not be meant is warned of") {
  for (const Row& row : warnings) tells(row, true);
}

TEST_CASE("an allow is needless only if all that it permits is permitted elsewhere") {
  const std::string broad = allow("broad", "modbus { unit: 1 access: WRITE address { first: 0 last: 99 } }");
  const char* const needless[] = {
      "modbus { unit: 1 function: WRITE_SINGLE_REGISTER address { first: 40 } value { max: 1500 } }",
      "modbus { unit: 1 access: WRITE address { first: 0 last: 49 } address { first: 50 last: 99 } }",
  };
  const char* const needed[] = {
      "modbus { unit: 1 access: WRITE address { first: 50 last: 100 } }",
      "modbus { unit: 1 access: READ address { first: 40 } }",
      "modbus { unit: 1 access: WRITE }",
      "modbus { unit: 1 unit: 2 access: WRITE address { first: 40 } }",
      "modbus { unit: 1 access: WRITE address { first: 40 } } essential: true",
      "modbus { unit: 1 access: WRITE address { first: 40 } } limit { operations: 1 per_seconds: 1 }",
      "modbus { unit: 1 access: WRITE address { first: 40 } port: 1502 }",
  };
  for (const char* const rest : needless) {
    const std::string text = rest;
    CAPTURE(text);
    const CompiledPolicy policy = compile_text(with_allows(broad + allow("narrow", rest)));
    CHECK(policy.good);
    CHECK(said(policy, true).find("allow \"narrow\" permits nothing that allow \"broad\"") !=
          std::string::npos);
  }
  for (const char* const rest : needed) {
    const std::string text = rest;
    CAPTURE(text);
    const CompiledPolicy policy = compile_text(with_allows(broad + allow("other", rest)));
    CHECK(policy.good);
    CHECK(said(policy, true).find("allow \"other\" permits nothing") == std::string::npos);
  }
}

TEST_CASE("of two equal allows the later one is needless") {
  const char* const rest = "modbus { unit: 1 access: READ }";
  const std::string all = said(compile_text(with_allows(allow("first", rest) + allow("second", rest))), true);
  CHECK(all.find("allow \"second\" permits nothing that allow \"first\"") != std::string::npos);
  CHECK(all.find("allow \"first\" permits nothing") == std::string::npos);
}

TEST_CASE("an allow for two pairs is needed while one of them needs it") {
  const std::string both = R"(allow { id: "both" reason: "w" client: "hmi" client: "bare" server: "plc"
                              modbus { access: READ } })";
  const std::string all =
      said(compile_text(with_allows(allow("one", "modbus { access: READ }") + both)), true);
  CHECK(all.find("allow \"both\" permits nothing") == std::string::npos);
  CHECK(all.find("allow \"one\" permits nothing that allow \"both\"") != std::string::npos);
}

TEST_CASE("ethernet rules hold in the VLANs of both zones, to the receivers named") {
  std::string text = with_allows(allow("pn", "ethernet { ethertype: 0x8892 }") +
                                 "allow { id: \"igmp\" reason: \"w\" client: \"hmi\" "
                                 "ethernet { ethertype: 0x0800 group: \"01:00:5e:00:00:16\" } }\n");
  const auto tag = [&](const char* port, const char* vlans) {
    text.insert(text.find(port) + std::string(port).size(), vlans);
  };
  tag("port: \"up\"", " vlan { id: 7 } vlan { id: 8 }");
  tag("port: \"down\"", " vlan { id: 8 } vlan { id: 9 }");
  const CompiledPolicy policy = compile_text(text);
  REQUIRE(said(policy, false) == "\n");
  const char* broken = nullptr;
  const RuleImage image = RuleImage::open(policy.image.bytes(), broken);
  REQUIRE(image.valid());
  REQUIRE(image.ethernet_rules().size() == 2);
  const EthernetRuleRecord& profinet = image.ethernet_rules()[0];
  CHECK(profinet.vlan == 8);
  CHECK(profinet.any_destination == 0);
  CHECK(profinet.destination == Mac{0, 0, 0, 0, 0, 2});
  CHECK(profinet.source_asset == 0);
  CHECK(image.ethernet_rules()[1].ethertype == 0x0800);
  CHECK(image.ethernet_rules()[1].destination == Mac{1, 0, 0x5E, 0, 0, 0x16});
}

// A few lines that would stand for billions of rules or addresses.
TEST_CASE("what a policy stands for is bounded") {
  std::string assets[2];
  std::string names[2];
  for (int side = 0; side < 2; ++side) {
    for (int number = 0; number < 600; ++number) {
      const std::string id = (side == 0 ? "x" : "y") + std::to_string(number);
      assets[side] += " asset { id: \"" + id + "\" ipv4: \"10." + std::to_string(side + 1) + "." +
                      std::to_string(number / 250) + "." + std::to_string(number % 250 + 1) + "\" }";
      names[side] += (side == 0 ? " client: \"" : " server: \"") + id + "\"";
    }
  }
  const std::string text = "policy { name: \"p\" version: 1 } zone { id: \"a\" port: \"up\"" + assets[0] +
                           "} zone { id: \"b\" port: \"down\"" + assets[1] +
                           "} conduit { id: \"c\" zones: \"a\" zones: \"b\" owner: \"o\" direction { "
                           "from: \"a\" to: \"b\" allow { id: \"r\" reason: \"w\"" +
                           names[0] + names[1] + " modbus { access: READ } } } }";
  CHECK(said(compile_text(text), false).find("stands for 360000 rules") != std::string::npos);
  std::string vlans;
  for (int id = 1; id <= 4094; ++id) vlans += " vlan { id: " + std::to_string(id) + " }";
  const std::string tagged =
      "policy { name: \"p\" version: 1 } zone { id: \"a\" port: \"up\"" + vlans + assets[0] + " }";
  CHECK(said(compile_text(tagged), false).find("more than 250000 addresses") != std::string::npos);
}

// Each suggestion looks through all names: ten thousand of them would take minutes.
TEST_CASE("suggestions end where complaints are many") {
  std::string allows;
  for (int number = 0; number < 100; ++number) {
    allows += "allow { id: \"r" + std::to_string(number) +
              "\" reason: \"w\" client: \"hmj\" server: \"plc\" modbus { unit: 1 } }\n";
  }
  const std::string all = said(compile_text(with_allows(allows)), false);
  const auto times = [&](const std::string& part) {
    int count = 0;
    for (std::size_t at = all.find(part); at != std::string::npos; at = all.find(part, at + 1)) ++count;
    return count;
  };
  CHECK(times("there is no asset \"hmj\"") == 100);
  CHECK(times("did you mean \"hmi\"?") == 50);
}

TEST_CASE("unknown enum numbers are refused in JSON too") {
  CompileInput input;
  input.json = true;
  input.text = R"({"policy":{"name":"p","version":"1"},"zone":[{"id":"a","port":"up",
    "asset":[{"id":"hmi","role":77,"ipv4":["10.0.0.1"]}]}]})";
  const CompiledPolicy policy = compile_policy(input);
  CHECK_FALSE(policy.good);
  CHECK(said(policy, false).find("0:0: unknown value \"77\" for role") != std::string::npos);
}

}  // namespace conduit
