// What the builder refuses, by name; what it makes of the rest.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "protocols/modbus/modbus_decoder.hpp"
#include "tests/support/rich_image.hpp"

using namespace conduit;

namespace {

struct Row {
  std::string what;
  void (*spoils)(ImageSource& source);
};

RuleSource& first_rule(ImageSource& source) { return source.services[0].request[0]; }

const Row rows[] = {
    {"port count is not 1 to 16", [](ImageSource& s) { s.port_count = 17; }},
    {"a zone is on a port that does not exist", [](ImageSource& s) { s.zones[0].port = 2; }},
    {"the asset's zone does not exist", [](ImageSource& s) { s.assets[0].zone = 9; }},
    {"the asset's router does not exist", [](ImageSource& s) { s.assets[2].router = 2; }},
    {"the asset's router is no router", [](ImageSource& s) { s.assets[0].flags = 0; }},
    {"the asset's router is on another port", [](ImageSource& s) { s.assets[2].zone = 1; }},
    {"an asset behind a router has no MAC of its own here",
     [](ImageSource& s) { s.assets[2].macs.resize(1); }},
    {"two assets have this address on one port and VLAN",
     [](ImageSource& s) { s.assets[2].addresses = s.assets[0].addresses; }},
    {"two assets have this MAC on one port and VLAN",
     [](ImageSource& s) {
       s.assets.push_back(s.assets[0]);
       s.assets[3].addresses.clear();
     }},
    {"a prefix has bits set beyond its length, or is longer than 128 bits",
     [](ImageSource& s) { s.assets[2].prefixes[0].bits = 100; }},
    {"two assets have this prefix on one port and VLAN",
     [](ImageSource& s) { s.assets[2].prefixes.push_back(s.assets[2].prefixes[0]); }},
    {"a conduit joins a zone that does not exist", [](ImageSource& s) { s.conduits[0].zone_a = 9; }},
    {"a conduit's on_deny does not deny", [](ImageSource& s) { s.conduits[0].on_deny = Verdict::FORWARD; }},
    {"the service's client or server does not exist", [](ImageSource& s) { s.services[0].client = 9; }},
    {"the service's conduit does not exist", [](ImageSource& s) { s.services[0].conduit = 9; }},
    {"the service's conduit does not join the zones of client and server",
     [](ImageSource& s) { s.services[0].conduit = 1; }},
    {"the service has no transport", [](ImageSource& s) { s.services[0].transport = Transport::NONE; }},
    {"the service has no protocol", [](ImageSource& s) { s.services[0].protocol = ProtocolId::NONE; }},
    {"the service's on_deny does not deny", [](ImageSource& s) { s.services[0].on_deny = Verdict::HOLD; }},
    {"the service's last port is below the first", [](ImageSource& s) { s.services[0].port_last = 1; }},
    {"the service names no dimension", [](ImageSource& s) { s.services[0].range_dimension = 8; }},
    {"the service's selector is its range dimension",
     [](ImageSource& s) { s.services[0].selector_dimension = 1; }},
    {"an opaque service needs its opaque rule, and no other service has one",
     [](ImageSource& s) { s.services[0].opaque = RuleSource{}; }},
    {"an opaque service has rules that nothing could judge",
     [](ImageSource& s) { s.services[3].request.resize(1); }},
    {"two services of one protocol share a port of one pair: their rules belong together",
     [](ImageSource& s) { s.services[1].port_first = 500; }},
    {"two protocols on one port of one pair",
     [](ImageSource& s) {
       s.services[1].port_first = 502;
       s.services[1].protocol = static_cast<ProtocolId>(99);
     }},
    {"two protocols on one port of one pair",
     [](ImageSource& s) {
       s.services[2].opened_by = OpenedBy::EITHER;
       s.services[2].protocol = static_cast<ProtocolId>(99);
     }},
    {"the rule permits no function", [](ImageSource& s) { first_rule(s).functions.clear(); }},
    {"the rule permits no access class", [](ImageSource& s) { first_rule(s).access_mask = 0; }},
    {"the rule's grant does not exist", [](ImageSource& s) { first_rule(s).grant = 2; }},
    {"a range ends before it begins",
     [](ImageSource& s) {
       first_rule(s).ranges[0] = {{2, 1}};
     }},
    {"types of the rule's values differ",
     [](ImageSource& s) { s.services[0].request[3].values[0].type = NumberType::INT16; }},
    {"a value's bound is not a number",
     [](ImageSource& s) { s.services[0].request[3].values[0].min = std::nan(""); }},
    {"a value's min is above its max", [](ImageSource& s) { s.services[0].request[3].values[0].min = 6; }},
    {"more than 16 value ranges in one rule",
     [](ImageSource& s) {
       for (int i = 0; i < 17; ++i) {
         first_rule(s).values.push_back({NumberType::NATURAL, WordOrder::HIGH_FIRST, 1, 0, 0, i * 1.0, 0});
       }
     }},
    {"values of two words need a range dimension to lie in",
     [](ImageSource& s) { s.services[0].range_dimension = no_dimension; }},
    {"a range for values of two words has an odd number of words",
     [](ImageSource& s) {
       s.services[0].request[3].ranges[1] = {{10, 14}};
     }},
    {"ranges for values of two words overlap by half a value",
     [](ImageSource& s) {
       s.services[0].request[3].ranges[1] = {{10, 15}, {11, 12}};
     }},
    {"the rule's limit is nothing in no time",
     [](ImageSource& s) {
       first_rule(s).limit = LimitSource{1, 0, 1};
     }},
    {"two limits share one id",
     [](ImageSource& s) {
       first_rule(s).limit = LimitSource{77, 5, 5};
     }},
    {"more than 64 rules for one function overlap here (a rule counts once for each of its value ranges)",
     [](ImageSource& s) { s.services[0].request.resize(overlap_max + 12, first_rule(s)); }},
    {"the ethernet rule's conduit does not exist", [](ImageSource& s) { s.ethernet_rules[0].conduit = 9; }},
    {"the ethernet rule's port does not exist", [](ImageSource& s) { s.ethernet_rules[0].port = 2; }},
    {"the ethernet rule's source does not exist",
     [](ImageSource& s) { s.ethernet_rules[0].source_asset = 9; }},
    {"more than 256 prefixes",
     [](ImageSource& s) {
       for (VlanKey vlan = 100; vlan < 357; ++vlan) s.assets[2].vlans.push_back(vlan);
     }},
    {"more than 256 assets share an address on different VLANs and ports",
     [](ImageSource& s) {
       for (VlanKey vlan = 100; vlan < 400; ++vlan) s.assets[1].vlans.push_back(vlan);
     }},
};

}  // namespace

TEST_CASE("contradictions are refused by name") {
  for (const Row& row : rows) {
    CAPTURE(row.what);
    ImageSource source = test_image::rich_source();
    row.spoils(source);
    const auto built = build_image(source);
    REQUIRE_FALSE(built.has_value());
    CHECK(built.error().what == row.what);
  }
}

TEST_CASE("an error says where") {
  ImageSource source = test_image::rich_source();
  source.services[1].request[2].policy_rule = 41;
  source.services[1].request[2].access_mask = 0;
  const ImageError error = build_image(source).error();
  CHECK(error.policy_rule == 41);
  CHECK(error.service == 1);
  CHECK(error.asset == none_index);
}

TEST_CASE("the same source gives the same bytes") {
  const ImageBuffer a = build_image(test_image::rich_source()).value();
  const ImageBuffer b = build_image(test_image::rich_source()).value();
  REQUIRE(a.bytes().size() == b.bytes().size());
  CHECK(std::memcmp(a.bytes().data(), b.bytes().data(), a.bytes().size()) == 0);
}

TEST_CASE("touching ranges of one rule merge, those of two rules do not") {
  ImageSource source = test_image::two_assets();
  RuleSource merged;
  merged.functions = {3};
  merged.ranges[1] = {{10, 19}, {20, 29}, {5, 12}};
  RuleSource apart = merged;
  apart.functions = {4};
  apart.ranges[1] = {{10, 19}};
  RuleSource beside = apart;
  beside.ranges[1] = {{20, 29}};
  source.services = {test_image::service_of({merged, apart, beside})};
  const ImageBuffer buffer = build_image(source).value();
  const char* broken = nullptr;
  const RuleImage image = RuleImage::open(buffer.bytes(), broken);
  REQUIRE(image.valid());
  REQUIRE(image.ranges_of(image.rules()[0], 1).size() == 1);
  CHECK(image.ranges_of(image.rules()[0], 1)[0] == Range{5, 29});
  Operation operation;
  operation.protocol = modbus_id;
  operation.function = 3;
  operation.set(1, {15, 25});
  CHECK(image.match(image.services()[0].request_group, operation, {}).rule == 0);
  operation.function = 4;
  const MatchResult denied = image.match(image.services()[0].request_group, operation, {});
  CHECK(denied.rule == none_index);
  CHECK(denied.reason == Reason::OBJECT_NOT_PERMITTED);
}

TEST_CASE("a group without rules permits nothing, an essential rule makes its service essential") {
  const ImageSource source = test_image::rich_source();
  const ImageBuffer buffer = build_image(source).value();
  const char* broken = nullptr;
  const RuleImage image = RuleImage::open(buffer.bytes(), broken);
  REQUIRE(image.valid());
  CHECK(image.services()[0].essential == 1);
  CHECK(image.services()[1].essential == 0);
  CHECK(image.services()[1].unsolicited_group == 0);
  Operation operation;
  operation.protocol = modbus_id;
  operation.function = 3;
  CHECK(image.match(0, operation, {}).reason == Reason::FUNCTION_NOT_PERMITTED);
  operation.protocol = ProtocolId::NONE;
  CHECK(image.match(0, operation, {}).rule == none_index);
}
