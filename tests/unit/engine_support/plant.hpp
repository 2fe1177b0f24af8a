// A small plant for tests: HMI and others upstream on port 0, PLC, drive, router downstream on port 1.
#pragma once

#include <utility>

#include "protocols/modbus/modbus_decoder.hpp"
#include "tests/unit/engine_support/plane.hpp"

namespace conduit::test {

inline const Address ip_hmi = ipv4_address(10, 0, 7, 10);
inline const Address ip_plc = ipv4_address(10, 0, 7, 1);
inline const Address ip_drive = ipv4_address(10, 0, 7, 2);
inline const Address ip_router = ipv4_address(10, 0, 7, 254);
inline const Address ip_behind = ipv4_address(192, 168, 5, 5);
inline const Address ip_group = ipv4_address(239, 1, 2, 3);
inline const Address ip_stranger = ipv4_address(10, 0, 7, 99);
inline const Address ip6_hmi{0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10};
inline const Address ip6_plc{0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01};
inline constexpr Mac mac_router{0x02, 0, 0, 0, 0, 0xFE};
inline constexpr Mac mac_drive{0x02, 0, 0, 0, 0, 0x02};
inline constexpr Mac mac_group{0x01, 0x00, 0x5E, 0x01, 0x02, 0x03};

enum AssetNumber : std::uint32_t { HMI, PLC, DRIVE, ROUTER, BEHIND, GROUP, ISLE };
enum ZoneNumber : std::uint32_t { SCADA, CELL, FAR, LONELY };

inline RuleSource read_rule(std::uint32_t number) {
  RuleSource rule;
  rule.policy_rule = number;
  rule.essential = true;
  rule.access_mask = 1U << static_cast<unsigned>(AccessClass::READ);
  rule.functions = {1, 2, 3, 4};
  rule.ranges[modbus::UNIT] = {{1, 1}};
  return rule;
}
// Register 40 may be set to 0…1500.
inline RuleSource write_rule(std::uint32_t number) {
  RuleSource rule;
  rule.policy_rule = number;
  rule.functions = {6};
  rule.ranges[modbus::UNIT] = {{1, 1}};
  rule.ranges[modbus::ADDRESS] = {{40, 40}};
  ValueRecord value;
  value.type = NumberType::UINT16;
  value.has_min = value.has_max = 1;
  value.max = 1500;
  rule.values = {value};
  return rule;
}

inline ServiceSource modbus_service(Transport transport, std::uint32_t client = HMI,
                                    std::uint32_t server = PLC) {
  ServiceSource service;
  service.client = client;
  service.server = server;
  service.transport = transport;
  service.protocol = modbus_id;
  service.port_first = service.port_last = 502;
  service.selector_dimension = modbus::UNIT;
  service.range_dimension = modbus::ADDRESS;
  service.request = {read_rule(0), write_rule(1)};
  return service;
}
inline ServiceSource opaque_service(Transport transport, ProtocolId protocol, std::uint16_t port,
                                    std::uint32_t client, std::uint32_t server) {
  ServiceSource service;
  service.client = client;
  service.server = server;
  service.transport = transport;
  service.protocol = protocol;
  service.port_first = service.port_last = port;
  RuleSource rule;
  rule.policy_rule = 10;
  service.opaque = rule;
  return service;
}

inline AssetSource asset(std::uint32_t zone, std::vector<Address> addresses, std::uint16_t flags = 0,
                         std::vector<Mac> macs = {}) {
  AssetSource out;
  out.zone = zone;
  out.flags = flags;
  out.addresses = std::move(addresses);
  out.macs = std::move(macs);
  return out;
}

inline ImageSource plant() {
  ImageSource source;
  source.generation = 1;
  source.policy_version = 7;
  source.policy_hash[0] = 0xAB;
  source.zones = {{0}, {1}, {1}, {1}};
  source.assets.resize(7);
  source.assets[HMI] = asset(SCADA, {ip_hmi, ip6_hmi});
  source.assets[PLC] = asset(CELL, {ip_plc, ip6_plc}, 0, {mac_plc});
  source.assets[DRIVE] = asset(CELL, {ip_drive});
  source.assets[ROUTER] = asset(CELL, {ip_router}, ASSET_ROUTER, {mac_router});
  source.assets[BEHIND] = asset(FAR, {ip_behind});
  source.assets[BEHIND].router = ROUTER;
  source.assets[GROUP] = asset(CELL, {ip_group}, ASSET_GROUP);
  source.assets[ISLE] = asset(LONELY, {ipv4_address(10, 0, 9, 9)});
  source.conduits.resize(2);
  source.conduits[0].zone_a = SCADA;
  source.conduits[0].zone_b = CELL;
  source.conduits[1].zone_a = SCADA;
  source.conduits[1].zone_b = FAR;
  source.services = {modbus_service(Transport::UDP),
                     modbus_service(Transport::TCP),
                     opaque_service(Transport::UDP, ProtocolId::OPAQUE_UDP, 9000, HMI, DRIVE),
                     opaque_service(Transport::TCP, ProtocolId::OPAQUE_TCP, 9001, HMI, DRIVE),
                     opaque_service(Transport::ICMP, ProtocolId::ICMP, 8, HMI, PLC),
                     opaque_service(Transport::UDP, ProtocolId::OPAQUE_UDP, 5000, HMI, GROUP)};
  source.services.push_back(opaque_service(Transport::UDP, ProtocolId::OPAQUE_UDP, 9000, HMI, BEHIND));
  source.services.back().conduit = 1;
  return source;
}

// Modbus over UDP between HMI and PLC.
inline Octets modbus_pdu(std::uint16_t transaction, const std::string& body) {
  const Octets pdu = hex(body);
  Octets out;
  put16(out, transaction);
  put16(out, 0);
  put16(out, static_cast<std::uint32_t>(pdu.size()));
  put(out, pdu);
  return out;
}
inline const char* const read_ten = "01 03 0000 000a";
inline const char* const ten_words = "01 03 14 0000000000000000000000000000000000000000";

inline Octets to_plc(const Octets& payload, std::uint16_t port = 502, std::uint16_t from = 40000) {
  return udp({}, {ip_hmi, ip_plc}, from, port, payload);
}
inline Octets to_hmi(const Octets& payload, std::uint16_t port = 502, std::uint16_t to = 40000) {
  return udp({mac_plc, mac_hmi, {}}, {ip_plc, ip_hmi}, port, to, payload);
}

}  // namespace conduit::test
