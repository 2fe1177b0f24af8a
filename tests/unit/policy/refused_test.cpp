// Policies that are refused: each with the place and the words of its complaint.
#include <doctest/doctest.h>

#include <array>
#include <string>

#include "config/policy/compile.hpp"

namespace conduit {
namespace {

// A small good policy; a row replaces `from` by `to` in it.
constexpr const char* good_policy = R"(policy { name: "p" version: 3 }
zone { id: "a" port: "up" asset { id: "hmi" ipv4: "10.0.0.1" } }
zone { id: "b" port: "down" asset { id: "plc" ipv4: "10.0.0.2" } }
conduit {
  id: "c" zones: "a" zones: "b" owner: "o"
  direction {
    from: "a" to: "b"
    allow { id: "r" reason: "why" client: "hmi" server: "plc" modbus { unit: 1 access: READ } }
  }
}
)";

struct Row {
  const char* from;
  const char* to;
  const char* complaint;  // "line:column: beginning of the text"
};

constexpr auto rows = std::to_array<Row>({
    {"policy { name", "policy { nane", "1:14: unknown field \"nane\" in Policy, did you mean \"name\"?"},
    {"version: 3", "version: 0", "1:1: the policy needs a version above 0"},
    {"name: \"p\" ", "", "1:1: the policy needs a name"},
    {"policy { name: \"p\" version: 3 }", "", "1:1: no policy"},
    {"port: \"up\" ", "", "2:1: zone \"a\" names no port"},
    {"id: \"a\" port", "id: \"a b\" port", "2:8: zone needs an id of letters"},
    {"id: \"b\" port", "id: \"a\" port", "3:8: zone id \"a\" is used twice"},
    {"id: \"plc\" ipv4", "id: \"hmi\" ipv4", "3:37: asset id \"hmi\" is used twice"},
    {"10.0.0.1", "10.0.0.256", "2:45: \"10.0.0.256\" is not an IPv4 address"},
    {"10.0.0.1", "10.0.0.1/24", "2:45: \"10.0.0.1/24\" has bits behind its prefix; write \"10.0.0.0/24\""},
    {"10.0.0.1", "10.0.0.0/33", "2:45: \"10.0.0.0/33\": the prefix length is a number from 0 to 32"},
    {"ipv4: \"10.0.0.1\"", "ipv6: \"10.0.0.1\"", "2:45: \"10.0.0.1\" is not an IPv6 address"},
    {"ipv4: \"10.0.0.1\"", "mac: \"00:11:22:33:44\"", "2:45: \"00:11:22:33:44\" is not a MAC"},
    {"ipv4: \"10.0.0.1\"", "", "2:27: asset \"hmi\" has no address"},
    {"ipv4: \"10.0.0.1\"", "ipv4: \"10.0.0.1\" via: \"x\"", "2:62: via: there is no asset \"x\""},
    {"ipv4: \"10.0.0.1\"", "ipv4: \"10.0.0.1\" via: \"plc\"", "2:62: via: asset \"plc\" is not a router"},
    {"ipv4: \"10.0.0.1\"", "ipv4: \"10.0.0.1\" virtual: true", "2:62: a virtual address moves between MACs"},
    {"ipv4: \"10.0.0.1\"", "ipv4: \"10.0.0.1\" role: PLX",
     "2:72: unknown value \"PLX\" for role, did you mean \"PLC\"?"},
    {"port: \"up\"", "port: \"up\" vlan { id: 4095 }", "2:27: VLAN ids are from 1 to 4094"},
    {"port: \"up\"", "port: \"up\" security_level_target: 5", "2:27: security levels are from 0 to 4"},
    {" owner: \"o\"", "", "4:1: conduit \"c\" has no owner"},
    {" owner: \"o\"", " owner: \"o\" idle_timeout_seconds: 2073601",
     "5:44: at most 2073600 (24 days): timestamps of"},
    {" zones: \"b\"", "", "5:11: a conduit joins two zones"},
    {" zones: \"b\"", " zones: \"bb\"", "5:22: there is no zone \"bb\", did you mean"},
    {"port: \"down\"", "port: \"up\"", "5:11: both zones lie behind port \"up\""},
    {"from: \"a\" to", "from: \"b\" to", "6:3: direction: from and to are the conduit's two zones"},
    {"id: \"r\" ", "", "8:5: allow needs an id"},
    {"reason: \"why\" ", "", "8:5: allow \"r\" gives no reason"},
    {"client: \"hmi\"", "client: \"hmy\"", "8:35: there is no asset \"hmy\", did you mean \"hmi\"?"},
    {"server: \"plc\"", "server: \"hmi\"", "8:5: clients and servers do not lie on the two sides"},
    {"client: \"hmi\" ", "", "8:5: allow needs client and server"},
    {"modbus { unit: 1 access: READ }", "", "8:5: allow \"r\" names no protocol"},
    {"unit: 1 access: READ", "access: SESSION", "8:63: selects no function"},
    {"unit: 1 access: READ", "function_code: 0", "8:72: function code 0 is not a function"},
    {"unit: 1 access: READ", "function: READ_COIL",
     "8:92: unknown value \"READ_COIL\" for function, did you mean \"READ_COILS\"?"},
    {"unit: 1 access: READ", "address { first: 9 last: 3 }", "8:72: address: first 9 lies behind last 3"},
    {"unit: 1 access: READ", "access: READ value { min: 1 }", "8:85: value limits what is written"},
    {"unit: 1 access: READ", "access: WRITE value { }", "8:86: value without limits"},
    {"unit: 1 access: READ", "access: WRITE value { min: 3 max: 1 }", "8:86: value: min must not be greater"},
    {"unit: 1 access: READ", "access: WRITE value { max: 70000 type: UINT16 }",
     "8:86: value: a limit lies outside"},
    {"unit: 1 access: READ", "access: WRITE value { min: 0.5 type: INT16 }",
     "8:86: value: a limit lies outside"},
    {"unit: 1 access: READ", "access: WRITE value { max: 9 type: FLOAT32 }",
     "8:86: value of two words: state word_order"},
    {"unit: 1 access: READ", "access: WRITE value { max: 9 word_order: LOW_WORD_FIRST }",
     "8:86: word_order belongs to"},
    {"unit: 1 access: READ", "access: WRITE value { max: 9 } value { max: 9 type: INT16 }",
     "8:103: all values of one allow are of one type"},
    {"unit: 1 access: READ", "port: 70000", "8:72: ports are from 1 to 65535"},
    {"modbus { unit: 1 access: READ }", "modbus { access: READ } limit { operations: 1 }",
     "8:87: limit: write operations"},
    {"modbus { unit: 1 access: READ }", "tcp { }", "8:63: without inspection the port has to be stated"},
    {"modbus { unit: 1 access: READ }", "tcp { port { first: 5 last: 4 } }",
     "8:63: ports are from 1 to 65535"},
    {"modbus { unit: 1 access: READ }", "ethernet { }", "8:63: write either ethertype or llc_dsap"},
    {"modbus { unit: 1 access: READ }", "ethernet { ethertype: 0x88CC }",
     "8:35: frames are told apart by the sender's MAC"},
});

std::string replaced(const Row& row) {
  std::string text = good_policy;
  const std::size_t at = text.find(row.from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, std::string(row.from).size(), row.to);
}

std::string complaints(const CompiledPolicy& policy) {
  std::string all;
  for (const Diagnostic& one : policy.diagnostics) {
    if (!one.warning)
      all += std::to_string(one.line) + ":" + std::to_string(one.column) + ": " + one.text + "\n";
  }
  return all;
}

CompiledPolicy compile_text(const std::string& text) {
  CompileInput input;
  input.text = text;
  return compile_policy(input);
}

}  // namespace

TEST_CASE("the policy that the rows change is good") {
  const CompiledPolicy policy = compile_text(good_policy);
  CHECK(complaints(policy) == "");
  CHECK(policy.good);
}

TEST_CASE("each fault is told where it stands, and what to write instead") {
  for (const Row& row : rows) {
    CAPTURE(row.to);
    const CompiledPolicy policy = compile_text(replaced(row));
    CHECK_FALSE(policy.good);
    const std::string all = "\n" + complaints(policy);
    CAPTURE(all);
    CHECK(all.find(std::string("\n") + row.complaint) != std::string::npos);
  }
}

TEST_CASE("a duplicate address names its owner") {
  std::string text = good_policy;
  text.replace(text.find("ipv4: \"10.0.0.1\""), 16,
               "ipv4: \"10.0.0.1\" } asset { id: \"twin\" ipv4: \"10.0.0.1\"");
  CHECK(complaints(compile_text(text)).find("belongs to asset \"hmi\" already") != std::string::npos);
}

// Cut between two zones it is whole, and permits nothing.
TEST_CASE("a file cut anywhere is refused, or permits nothing") {
  const std::string text = good_policy;
  for (std::size_t size = 0; size < text.size(); ++size) {
    const CompiledPolicy policy = compile_text(text.substr(0, size));
    CHECK((!policy.good || policy.names.allows.empty() || size + 1 >= text.size()));
  }
}

TEST_CASE("ports and pairs are held against the gateway's") {
  GatewayPorts ports;
  ports.names = {"up", "down", "other"};
  ports.peer = {2, 1, 0};
  CompileInput input;
  input.text = good_policy;
  input.ports = &ports;
  CHECK(complaints(compile_policy(input)).find("are not a pair of this gateway") != std::string::npos);
  ports.names = {"up", "dawn"};
  ports.peer = {1, 0};
  CHECK(complaints(compile_policy(input)).find("no port \"down\", did you mean \"dawn\"?") !=
        std::string::npos);
  ports.names = {"up", "down"};
  CHECK(compile_policy(input).good);
}

}  // namespace conduit
