// What a policy means: operations held against the compiled image.
#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <string>

#include "config/policy/compile.hpp"
#include "protocols/modbus/modbus_decoder.hpp"

namespace conduit {
namespace {

struct Compiled {
  CompiledPolicy policy;
  RuleImage image;
};

Compiled compile_text(const std::string& text, bool json = false) {
  Compiled result;
  CompileInput input;
  input.text = text;
  input.json = json;
  result.policy = compile_policy(input);
  for (const Diagnostic& one : result.policy.diagnostics) INFO(one.text);
  REQUIRE(result.policy.good);
  const char* broken = "";
  result.image = RuleImage::open(result.policy.image.bytes(), broken);
  REQUIRE(result.image.valid());
  return result;
}

std::string with_rules(const std::string& allows, const std::string& more = "") {
  return "policy { name: \"p\" version: 1 }\n"
         "zone { id: \"a\" port: \"up\" asset { id: \"hmi\" ipv4: \"10.0.0.1\" } }\n"
         "zone { id: \"b\" port: \"down\" asset { id: \"plc\" ipv4: \"10.0.0.2\" ipv6: \"fd00::2\" } }\n"
         "conduit { id: \"c\" zones: \"a\" zones: \"b\" owner: \"o\" " +
         more + " direction { from: \"a\" to: \"b\" " + allows + " } }\n";
}

std::string allow(const std::string& what) {
  return "allow { id: \"r\" reason: \"why\" client: \"hmi\" server: \"plc\" " + what + " }";
}

constexpr std::uint32_t hmi = 0;
constexpr std::uint32_t plc = 1;

MatchResult ask(const Compiled& compiled, const Operation& operation, bool island = false,
                std::uint16_t port = 502) {
  const std::uint32_t service = compiled.image.find_service(hmi, plc, Transport::TCP, port, OpenedBy::CLIENT);
  REQUIRE(service != none_index);
  return compiled.image.match(compiled.image.services()[service].request_group, operation, {1, island});
}

Operation read_registers(std::uint64_t unit, std::uint64_t first, std::uint64_t last) {
  Operation operation;
  operation.protocol = modbus_id;
  operation.access = AccessClass::READ;
  operation.function = modbus::READ_HOLDING_REGISTERS;
  operation.set(modbus::UNIT, unit);
  operation.set(modbus::ADDRESS, Range{first, last});
  operation.set(modbus::TABLE, 4);
  return operation;
}

template <std::size_t size>
Operation write_registers(std::uint64_t first, const std::array<std::uint8_t, size>& words) {
  Operation operation = read_registers(1, first, first + size / 2 - 1);
  operation.access = AccessClass::WRITE;
  operation.function = modbus::WRITE_MULTIPLE_REGISTERS;
  operation.value.kind = ValueKind::WORDS;
  operation.value.count = size / 2;
  operation.value.data = words;
  return operation;
}

}  // namespace

TEST_CASE("access READ permits reads, and no write") {
  const Compiled compiled = compile_text(with_rules(allow("modbus { unit: 1 access: READ }")));
  CHECK(ask(compiled, read_registers(1, 0, 9)).rule != none_index);
  CHECK(ask(compiled, read_registers(2, 0, 9)).reason == Reason::OBJECT_NOT_PERMITTED);
  const std::array<std::uint8_t, 2> one{0, 1};
  const MatchResult write = ask(compiled, write_registers(0, one));
  CHECK(write.rule == none_index);
  CHECK(write.reason == Reason::FUNCTION_NOT_PERMITTED);
}

TEST_CASE("ranges contain, touching ones are one") {
  const Compiled compiled = compile_text(with_rules(
      allow("modbus { access: READ address { first: 10 last: 19 } address { first: 20 last: 29 } }")));
  CHECK(ask(compiled, read_registers(1, 15, 25)).rule != none_index);
  CHECK(ask(compiled, read_registers(1, 29, 30)).rule == none_index);
  CHECK(ask(compiled, read_registers(1, 9, 10)).rule == none_index);
}

TEST_CASE("two rules do not add up") {
  const Compiled compiled =
      compile_text(with_rules(allow("modbus { access: READ address { first: 0 last: 4 } }") +
                              "allow { id: \"s\" reason: \"w\" client: \"hmi\" server: \"plc\" "
                              "modbus { access: READ address { first: 5 last: 9 } } }"));
  CHECK(ask(compiled, read_registers(1, 0, 4)).rule != none_index);
  CHECK(ask(compiled, read_registers(1, 4, 5)).rule == none_index);
}

TEST_CASE("typed values: whole elements, each within its limits") {
  const Compiled compiled = compile_text(
      with_rules(allow("modbus { function: WRITE_MULTIPLE_REGISTERS address { first: 50 last: 53 } "
                       "value { min: 80 max: 210 type: FLOAT32 word_order: HIGH_WORD_FIRST } }")));
  const std::array<std::uint8_t, 4> hundred{0x42, 0xC8, 0, 0};
  const std::array<std::uint8_t, 4> thousand{0x44, 0x7A, 0, 0};
  const std::array<std::uint8_t, 4> not_a_number{0x7F, 0xC0, 0, 0};
  const std::array<std::uint8_t, 2> half{0x42, 0xC8};
  const std::array<std::uint8_t, 8> both{0x42, 0xC8, 0, 0, 0x44, 0x7A, 0, 0};
  CHECK(ask(compiled, write_registers(50, hundred)).rule != none_index);
  CHECK(ask(compiled, write_registers(52, hundred)).rule != none_index);
  CHECK(ask(compiled, write_registers(51, hundred)).reason == Reason::VALUE_NOT_PERMITTED);
  CHECK(ask(compiled, write_registers(50, thousand)).reason == Reason::VALUE_NOT_PERMITTED);
  CHECK(ask(compiled, write_registers(50, not_a_number)).reason == Reason::VALUE_NOT_PERMITTED);
  CHECK(ask(compiled, write_registers(50, half)).reason == Reason::VALUE_NOT_PERMITTED);
  CHECK(ask(compiled, write_registers(50, both)).reason == Reason::VALUE_NOT_PERMITTED);
}

TEST_CASE("island mode leaves essential rules") {
  const Compiled compiled = compile_text(
      with_rules(allow("modbus { access: READ address { first: 0 last: 4 } }") +
                 "allow { id: \"e\" reason: \"w\" client: \"hmi\" server: \"plc\" essential: true "
                 "modbus { access: READ address { first: 10 last: 14 } } }"));
  CHECK(ask(compiled, read_registers(1, 0, 0)).rule != none_index);
  CHECK(ask(compiled, read_registers(1, 0, 0), true).reason == Reason::ISLAND_MODE);
  CHECK(ask(compiled, read_registers(1, 10, 10), true).rule != none_index);
}

TEST_CASE("a rule that needs a grant is off") {
  const Compiled compiled =
      compile_text(with_rules(allow("modbus { access: READ } authentication { grant: \"maintenance\" }")));
  CHECK(ask(compiled, read_registers(1, 0, 0)).reason == Reason::GRANT_REQUIRED);
}

TEST_CASE("ports, transports and openers make services of their own") {
  const Compiled compiled =
      compile_text(with_rules(allow("modbus { access: READ port: 1502 port: 1503 }") +
                              "allow { id: \"u\" reason: \"w\" client: \"hmi\" server: \"plc\" modbus { "
                              "access: READ transport: UDP } }"
                              "allow { id: \"o\" reason: \"w\" client: \"hmi\" server: \"plc\" tcp { port { "
                              "first: 4000 last: 4010 } } }"
                              "allow { id: \"v\" reason: \"w\" client: \"hmi\" server: \"plc\" opened_by: "
                              "SERVER tcp { port { first: 5000 } } }"
                              "allow { id: \"i\" reason: \"w\" client: \"hmi\" server: \"plc\" icmp { } }"));
  const auto found = [&](Transport transport, std::uint16_t port, OpenedBy opener) {
    return compiled.image.find_service(hmi, plc, transport, port, opener) != none_index;
  };
  CHECK_FALSE(found(Transport::TCP, 502, OpenedBy::CLIENT));
  CHECK(found(Transport::TCP, 1502, OpenedBy::CLIENT));
  CHECK(found(Transport::TCP, 1503, OpenedBy::CLIENT));
  CHECK(found(Transport::UDP, 502, OpenedBy::CLIENT));
  CHECK(found(Transport::TCP, 4005, OpenedBy::CLIENT));
  CHECK_FALSE(found(Transport::TCP, 4011, OpenedBy::CLIENT));
  CHECK(found(Transport::TCP, 5000, OpenedBy::SERVER));
  CHECK_FALSE(found(Transport::TCP, 5000, OpenedBy::CLIENT));
  CHECK(found(Transport::ICMP, 8, OpenedBy::CLIENT));
  CHECK(found(Transport::ICMPV6, 128, OpenedBy::CLIENT));
  CHECK_FALSE(found(Transport::ICMP, 13, OpenedBy::CLIENT));
}

TEST_CASE("JSON says the same as text") {
  const std::string text = R"({"policy":{"name":"p","version":"1"},
    "zone":[{"id":"a","port":"up","asset":[{"id":"hmi","ipv4":["10.0.0.1"]}]},
            {"id":"b","port":"down","asset":[{"id":"plc","ipv4":["10.0.0.2"]}]}],
    "conduit":[{"id":"c","zones":["a","b"],"owner":"o","direction":[{"from":"a","to":"b",
      "allow":[{"id":"r","reason":"why",
      "client":["hmi"],"server":["plc"],"modbus":{"unit":[1],"access":["READ"]}}]}]}]})";
  const Compiled compiled = compile_text(text, true);
  CHECK(ask(compiled, read_registers(1, 0, 9)).rule != none_index);
  CHECK(ask(compiled, read_registers(2, 0, 9)).rule == none_index);
}

TEST_CASE("the same policy gives the same image") {
  const std::string text = with_rules(allow("modbus { access: READ }"));
  const Compiled one = compile_text(text);
  const Compiled two = compile_text(text);
  const Bytes a = one.policy.image.bytes();
  const Bytes b = two.policy.image.bytes();
  CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));
}

TEST_CASE("names stand behind the numbers") {
  const Compiled compiled = compile_text(with_rules(allow("modbus { access: READ }"), "mode: OBSERVE"));
  const NameTable& names = compiled.policy.names;
  CHECK(names.asset(hmi)->id == "hmi");
  CHECK(names.zone_of_asset(plc) == "b");
  CHECK(names.conduit(0)->observes);
  const MatchResult match = ask(compiled, read_registers(1, 0, 0));
  CHECK(names.allow(compiled.image.rules()[match.rule].policy_rule)->id == "r");
  CHECK(names.allow(7) == nullptr);
  CHECK(attack_technique(modbus_id, modbus::WRITE_SINGLE_REGISTER) == "T0855");
  CHECK(dimension_value_name(modbus_id, modbus::TABLE, 4) == "HOLDING_REGISTERS");
}

TEST_CASE("every example compiles") {
  std::size_t examples = 0;
  for (const auto& entry : std::filesystem::directory_iterator("config/examples")) {
    const std::string path = entry.path();
    if (!path.ends_with(".txtpb") || path.ends_with("/gateway.txtpb")) continue;
    CAPTURE(path);
    ++examples;
    CompileInput input;
    std::string error;
    REQUIRE(read_document_file(path, input.text, error));
    const CompiledPolicy policy = compile_policy(input);
    for (const Diagnostic& one : policy.diagnostics) CHECK_MESSAGE(one.warning, one.text);
    CHECK(policy.good);
  }
  CHECK(examples >= 6);
}

}  // namespace conduit
