// From records to events, and the folding of repeats.
#include <doctest/doctest.h>

#include <memory>

#include "controlplane/audit/enrich.hpp"
#include "protocols/modbus/modbus_decoder.hpp"

namespace conduit {
namespace {

NameTable plant_names() {
  NameTable names;
  names.policy_name = "line";
  names.policy_version = 4;
  names.ports = {"upstream", "downstream"};
  names.zones = {"scada", "cell"};
  names.assets = {{"hmi", 0}, {"plc", 1}};
  names.conduits = {{"c", "o", false}};
  names.allows = {{"setpoint", "speed", 0, "scada", "cell", 9}};
  return names;
}

EventRecord denied_write() {
  EventRecord record;
  record.flags = EVENT_HAS_OPERATION | EVENT_HAS_FLOW | EVENT_CLIENT_SENT;
  record.sequence = 1;
  record.wall_ns = 1'700'000'000'000'000'000ULL;
  record.generation = 5;
  record.reason = Reason::VALUE_NOT_PERMITTED;
  record.verdict = Verdict::REFUSE;
  record.conduit = 0;
  record.policy_rule = 0;
  record.source_asset = 0;
  record.destination_asset = 1;
  record.ethertype = 0x0800;
  record.ip_protocol = 6;
  record.source = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, 1};
  record.destination = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, 2};
  record.source_port = 40000;
  record.destination_port = 502;
  record.protocol = modbus_id;
  record.access = AccessClass::WRITE;
  record.function = modbus::WRITE_SINGLE_REGISTER;
  record.dimensions_present = 0b111;
  record.dimension[modbus::UNIT] = {1, 1};
  record.dimension[modbus::ADDRESS] = {40, 40};
  record.dimension[modbus::TABLE] = {4, 4};
  record.value_kind = ValueKind::WORDS;
  record.value = 2000;
  record.value_count = 1;
  record.pdu_size = 12;
  record.pdu_head_size = 2;
  record.pdu_head[0] = 0xAB;
  return record;
}

}  // namespace

TEST_CASE("an event says who, what, where, by which rule, and why") {
  const NameTable names = plant_names();
  const Event event = enrich(denied_write(), &names, "gw");
  const auto& body = event.body;
  CHECK(event.event_class == 1003);
  CHECK(event.conduit == "c");
  CHECK(body["reason"] == "VALUE_NOT_PERMITTED");
  CHECK(body["verdict"] == "refuse");
  CHECK(body["observed"] == false);
  CHECK(body["severity"] == 4);
  CHECK(body["src"]["asset"] == "hmi");
  CHECK(body["src"]["ip"] == "10.0.0.1");
  CHECK(body["dst"]["port"] == 502);
  CHECK(body["dst"]["zone"] == "cell");
  CHECK(body["nearest_rule"]["id"] == "setpoint");
  CHECK(body["direction"]["to"] == "cell");
  CHECK(body["operation"]["function_name"] == "WRITE_SINGLE_REGISTER");
  CHECK(body["operation"]["table"] == "HOLDING_REGISTERS");
  CHECK(body["operation"]["address"].dump() == "[40,40]");
  CHECK(body["operation"]["value"] == 2000);
  CHECK(body["attack"]["technique"] == "T0855");
  CHECK(body["policy"]["version"] == 4);
  CHECK(body["pdu"]["head"] == "ab00");
}

TEST_CASE("without names the numbers still make an event") {
  const Event event = enrich(denied_write(), nullptr, "gw");
  CHECK(event.conduit.empty());
  CHECK(event.body["src"]["ip"] == "10.0.0.1");
  CHECK_FALSE(event.body.contains("policy"));
}

TEST_CASE("impossible sizes in a record reach no further than its arrays") {
  EventRecord record = denied_write();
  record.pdu_head_size = 65535;
  record.field_size = 65535;
  record.conduit = 77;
  record.policy_rule = 77;
  record.source_asset = 77;
  record.ingress_port = 200;
  const NameTable names = plant_names();
  const Event event = enrich(record, &names, "gw");
  CHECK(event.body["pdu"]["head"].get<std::string>().size() == 2 * event_pdu_size);
  CHECK(event.body["field"].get<std::string>().size() <= 32);
}

TEST_CASE("text from the wire cannot break out of its line") {
  EventRecord record = denied_write();
  const std::string evil = "\"}\n{\xFF";
  evil.copy(record.field.data(), evil.size());
  record.field_size = static_cast<std::uint16_t>(evil.size());
  const Event event = enrich(record, nullptr, "gw");
  const std::string line = event.body.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  CHECK(line.find('\n') == std::string::npos);
  CHECK(nlohmann::json::accept(line));
}

TEST_CASE("the first of a kind passes, its repeats are counted once their window ends") {
  EventFolder folder(1000);
  EventRecord record = denied_write();
  record.monotonic_ns = 100;
  CHECK(folder.first(record));
  for (int repeat = 0; repeat < 5; ++repeat) CHECK_FALSE(folder.first(record));
  record.value = 2001;  // another value is another event
  CHECK(folder.first(record));
  CHECK(folder.due(1099).empty());
  const auto folded = folder.due(1100);
  REQUIRE(folded.size() == 1);
  CHECK(folded[0].count == 5);
  CHECK((folded[0].flags & EVENT_FOLDED) != 0);
  record.value = 2000;
  CHECK(folder.first(record));  // a new window
}

TEST_CASE("names are kept for the last generations") {
  NameHistory history;
  for (std::uint64_t generation = 1; generation <= 20; ++generation) {
    history.add(generation, std::make_shared<NameTable>(plant_names()));
  }
  CHECK(history.find(20) != nullptr);
  CHECK(history.find(13) != nullptr);
  CHECK(history.find(12) == nullptr);
  CHECK(history.newest() == history.find(20));
}

}  // namespace conduit
