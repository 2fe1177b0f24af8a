#include "tests/support/rich_image.hpp"

namespace conduit::test_image {
namespace {

std::vector<RuleSource> rich_rules() {
  std::vector<RuleSource> rules = stretches(12);
  rules[0].ranges[1] = {{0, 200}};  // contains the others: an entry for `up` to lead to
  rules[1].ranges[0] = {{1, 2}, {7, 7}};
  rules[2].ranges[0] = {};
  rules[2].ranges[2] = {{3, 4}, {6, 9}};
  rules[3].values = {{NumberType::INT32, WordOrder::LOW_FIRST, 1, 1, 0, -5, 5},
                     {NumberType::INT32, WordOrder::LOW_FIRST, 1, 0, 0, 100, 0}};
  rules[4].keys[0] = {{0, false, "abc"}, {0, false, "abd"}, {1, true, "a"}};
  rules[4].keys[1] = {{0, true, "x"}};
  rules[5].limit = LimitSource{77, 1'000'000'000, 5};
  rules[6].grant = 1;
  rules[7].essential = true;
  rules[8].functions = {8};
  return rules;
}

}  // namespace

ImageSource rich_source() {
  ImageSource source = two_assets();
  source.zones.push_back({0});
  source.assets[0].flags = ASSET_ROUTER;
  source.assets[0].vlans = {0, 5};
  AssetSource behind;
  behind.router = 0;
  behind.addresses = {ipv4_address(10, 1, 0, 1)};
  behind.prefixes = {{ipv4_address(10, 1, 0, 0), 112}, {ipv4_address(10, 1, 2, 0), 120}};
  source.assets.push_back(behind);
  source.assets[1].macs = {{2, 0, 0, 0, 0, 2}};
  source.grants.resize(2);

  ServiceSource modbus = service_of(rich_rules());
  modbus.unsolicited = stretches(2);
  ServiceSource second = service_of(stretches(3));
  second.port_first = second.port_last = 503;
  ServiceSource opened_by_server = service_of(stretches(1));
  opened_by_server.opened_by = OpenedBy::SERVER;
  ServiceSource opaque = service_of({});
  opaque.client = 2;
  opaque.protocol = ProtocolId::OPAQUE_UDP;
  opaque.transport = Transport::UDP;
  opaque.port_last = 510;
  opaque.opaque = RuleSource{};
  source.services = {modbus, second, opened_by_server, opaque};
  source.conduits.push_back(source.conduits[0]);
  source.conduits[1].zone_b = 2;

  EthernetRuleSource lldp;
  lldp.ethertype = 0x88CC;
  lldp.source_asset = 0;
  source.ethernet_rules = {lldp};
  return source;
}

}  // namespace conduit::test_image
