#include "controlplane/audit/enrich.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "config/policy/describe.hpp"
#include "protocols/core/decoder.hpp"

namespace conduit {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t generations_kept = 8;
constexpr std::size_t fold_count_max = 4096;

std::string address_of(const Address& address) {
  static constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  char text[INET6_ADDRSTRLEN] = {};
  const bool v4 = std::memcmp(address.data(), mapped.data(), mapped.size()) == 0;
  ::inet_ntop(v4 ? AF_INET : AF_INET6, address.data() + (v4 ? 12 : 0), text, sizeof text);
  return text;
}

std::string mac_of(const Mac& mac) {
  char text[18] = {};
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                mac[5]);
  return text;
}

std::string hex_of(const std::uint8_t* bytes, std::size_t size) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t index = 0; index < size; ++index) {
    text += digits[bytes[index] >> 4];
    text += digits[bytes[index] & 15];
  }
  return text;
}

Json endpoint(const EventRecord& record, bool source, const NameTable* names) {
  Json object;
  const Address& address = source ? record.source : record.destination;
  const std::uint16_t port = source ? record.source_port : record.destination_port;
  const std::uint32_t asset = source ? record.source_asset : record.destination_asset;
  const bool ip = record.ethertype == 0x0800 || record.ethertype == 0x86DD || record.ethertype == 0x0806;
  if (ip && address != Address{}) object["ip"] = address_of(address);
  if (record.ip_protocol == 6 || record.ip_protocol == 17) object["port"] = port;
  const Mac& mac = source ? record.source_mac : record.destination_mac;
  if (mac != Mac{}) object["mac"] = mac_of(mac);
  if (names != nullptr && names->asset(asset) != nullptr) {
    object["asset"] = names->asset(asset)->id;
    object["zone"] = names->zone_of_asset(asset);
  }
  return object;
}

// The operation again, as far as the record holds it.
Operation operation_of(const EventRecord& record) {
  Operation operation;
  operation.protocol = record.protocol;
  operation.access = record.access;
  operation.present = record.dimensions_present;
  operation.function = record.function;
  operation.dimension = record.dimension;
  return operation;
}

const char* access_name(AccessClass access) {
  static constexpr std::array names{"",        "READ",   "WRITE",    "OPERATE",
                                    "PROGRAM", "MANAGE", "DISCOVER", "SESSION"};
  static_assert(names.size() == access_class_count);
  const auto index = static_cast<std::size_t>(access);
  return index < names.size() ? names[index] : "";
}

void add_value(const EventRecord& record, Json& object) {
  switch (record.value_kind) {
    case ValueKind::SIGNED: object["value"] = static_cast<std::int64_t>(record.value); break;
    case ValueKind::UNSIGNED:
    case ValueKind::BITS:
    case ValueKind::WORDS: object["value"] = record.value; break;
    case ValueKind::FLOAT: {
      double number = 0;
      std::memcpy(&number, &record.value, sizeof number);
      object["value"] = number;
      break;
    }
    case ValueKind::UNREADABLE: object["value"] = "unreadable"; break;
    case ValueKind::NONE:
    case ValueKind::BYTES: break;
  }
  if (record.value_count > 1) object["value_count"] = record.value_count;
}

void add_operation(const EventRecord& record, Json& body) {
  const Protocol* protocol = find_protocol(record.protocol);
  if (protocol == nullptr) return;
  body["protocol"] = protocol->name;
  if ((record.flags & EVENT_HAS_OPERATION) != 0) {
    Json operation;
    describe(*protocol, operation_of(record), operation);
    operation["access"] = access_name(record.access);
    add_value(record, operation);
    operation["index"] = record.operation_index;
    body["operation"] = std::move(operation);
    const std::string_view technique = attack_technique(record.protocol, record.function);
    const std::uint16_t number = reason_info(record.reason).event_class;
    if (!technique.empty() && (number == 1002 || number == 1003)) {
      body["attack"] = {{"framework", "MITRE ATT&CK for ICS"}, {"technique", technique}};
    }
  }
  if (record.pdu_size != 0) {
    const std::size_t held = std::min<std::size_t>(record.pdu_head_size, record.pdu_head.size());
    body["pdu"] = {{"size", record.pdu_size}, {"head", hex_of(record.pdu_head.data(), held)}};
  }
  if (record.field_size != 0) {
    body["field"] =
        std::string(record.field.data(), std::min<std::size_t>(record.field_size, record.field.size()));
  }
}

void add_rule(const EventRecord& record, const NameTable* names, Json& body) {
  if (names == nullptr) return;
  if (const auto* conduit = names->conduit(record.conduit)) {
    body["conduit"] = conduit->id;
    body["owner"] = conduit->owner;
  }
  if (const auto* allow = names->allow(record.policy_rule)) {
    const bool permitted = record.reason == Reason::OPERATION_PERMITTED || record.reason == Reason::NONE;
    body[permitted ? "rule" : "nearest_rule"] = {{"id", allow->id}, {"reason", allow->reason}};
    body["direction"] = {{"from", allow->from}, {"to", allow->to}};
  } else {
    const std::string from = names->zone_of_asset(record.source_asset);
    const std::string to = names->zone_of_asset(record.destination_asset);
    if (!from.empty() && !to.empty()) body["direction"] = {{"from", from}, {"to", to}};
  }
}

const char* quality_name(TimeQuality quality) {
  switch (quality) {
    case TimeQuality::SYNCHRONIZED: return "synchronized";
    case TimeQuality::FREE_RUNNING: return "free-running";
    case TimeQuality::UNKNOWN: break;
  }
  return "unknown";
}

std::string sentence(const EventRecord& record, const ReasonInfo& info) {
  const bool observed = (record.flags & EVENT_OBSERVED) != 0;
  std::string text(info.text);
  if (record.reason == Reason::OPERATION_PERMITTED) return text;
  if (observed) return text + "; forwarded, since the conduit only observes";
  return text;
}

}  // namespace

void NameHistory::add(std::uint64_t generation, std::shared_ptr<const NameTable> names) {
  by_generation_[generation] = std::move(names);
  while (by_generation_.size() > generations_kept) by_generation_.erase(by_generation_.begin());
}

const NameTable* NameHistory::find(std::uint64_t generation) const {
  const auto found = by_generation_.find(generation);
  return found == by_generation_.end() ? nullptr : found->second.get();
}

const NameTable* NameHistory::newest() const {
  return by_generation_.empty() ? nullptr : by_generation_.rbegin()->second.get();
}

Event enrich(const EventRecord& record, const NameTable* names, const std::string& gateway_id) {
  const ReasonInfo& info = reason_info(record.reason);
  const bool permitted = record.reason == Reason::OPERATION_PERMITTED;
  const bool observed = (record.flags & EVENT_OBSERVED) != 0;
  Event event;
  event.event_class = info.event_class;
  event.wall_ns = record.wall_ns;
  Json& body = event.body;
  body["time"] = utc_time(record.wall_ns);
  body["time_quality"] = quality_name(record.time_quality);
  body["class"] = info.event_class;
  body["event"] = event_class(info.event_class).name;
  body["category"] = event_class(info.event_class).category;
  body["severity"] = info.severity;
  body["message"] = sentence(record, info);
  body["reason"] = info.name;
  body["requirement"] = info.requirement;
  body["verdict"] = permitted ? "forward" : verdict_name(record.verdict);
  body["observed"] = observed;
  body["gateway"] = gateway_id;
  add_rule(record, names, body);
  if (names != nullptr && names->conduit(record.conduit) != nullptr)
    event.conduit = names->conduit(record.conduit)->id;
  body["src"] = endpoint(record, true, names);
  body["dst"] = endpoint(record, false, names);
  if (names != nullptr && record.ingress_port < names->ports.size())
    body["port"] = names->ports[record.ingress_port];
  if (record.vlan != 0) body["vlan"] = record.vlan & 0xFFFF;
  add_operation(record, body);
  body["count"] = record.count;
  if (names != nullptr) {
    body["policy"] = {{"name", names->policy_name},
                      {"version", names->policy_version},
                      {"sha256", hex_of(names->policy_hash.data(), names->policy_hash.size())}};
  }
  body["origin"] = {{"boot", record.boot_id},      {"worker", record.worker},
                    {"sequence", record.sequence}, {"generation", record.generation},
                    {"flow", record.flow_id},      {"monotonic_ns", record.monotonic_ns}};
  return event;
}

std::string EventFolder::key_of(const EventRecord& record) {
  std::string key;
  const auto add = [&](const auto& part) { key.append(reinterpret_cast<const char*>(&part), sizeof part); };
  add(record.reason);
  add(record.verdict);
  add(record.flags);
  add(record.policy_rule);
  add(record.source);
  add(record.destination);
  add(record.source_mac);
  add(record.ethertype);
  add(record.destination_port);
  add(record.ip_protocol);
  add(record.function);
  add(record.dimensions_present);
  add(record.dimension);
  add(record.value);
  return key;
}

bool EventFolder::first(const EventRecord& record) {
  const auto [found, fresh] = folds_.try_emplace(key_of(record));
  Fold& fold = found->second;
  if (fresh) {
    fold.begun_ns = record.monotonic_ns;
    // Without room every record is reported by itself: more lines, nothing lost.
    if (folds_.size() > fold_count_max) folds_.erase(found);
    return true;
  }
  fold.repeats += record.count;
  fold.last = record;
  return false;
}

std::vector<EventRecord> EventFolder::due(std::uint64_t now_ns) {
  std::vector<EventRecord> list;
  for (auto at = folds_.begin(); at != folds_.end();) {
    const bool over = now_ns == UINT64_MAX || now_ns - std::min(now_ns, at->second.begun_ns) >= window_ns_;
    if (!over) {
      ++at;
      continue;
    }
    if (at->second.repeats != 0) {
      EventRecord record = at->second.last;
      record.count = at->second.repeats;
      record.flags = static_cast<std::uint16_t>(record.flags | EVENT_FOLDED);
      list.push_back(record);
    }
    at = folds_.erase(at);
  }
  return list;
}

}  // namespace conduit
