#include "tests/simulation/rates.hpp"

#include <algorithm>

namespace conduit::simulation {

RateOracle::Talk* RateOracle::talk_of(const Packet& packet, std::uint8_t side, Key& key) {
  const auto ends = plant_.ends_of(packet, side);
  if (!ends) return nullptr;
  key = {ends->first, side == 0 ? packet.source_port : packet.destination_port, ends->second,
         side == 0 ? packet.destination_port : packet.source_port};
  const bool limited = std::any_of(policies_.begin(), policies_.end(), [&key](const PlantPolicy& policy) {
    const Service* service = policy.find(key[0], key[2], static_cast<std::uint16_t>(key[3]));
    return service != nullptr && service->limit;
  });
  return limited ? &talks_[key] : nullptr;
}

template <typename Take>
void RateOracle::read_on(Reader& reader, const ProtocolModel& protocol, const Take& take) {
  if (reader.opening != reader.receiver.openings()) reader.looked = 0;
  reader.opening = reader.receiver.openings();
  const View stream(reader.receiver.stream());
  while (reader.looked < stream.size()) {
    const Front front = protocol.front(stream.subspan(reader.looked), true);
    if (front.kind != Front::Kind::PDU) return;
    take(stream.subspan(reader.looked, front.size));
    reader.looked += front.size;
  }
}

const Service* RateOracle::limited_since(const Key& key, std::uint64_t from_ns) const {
  const Service* newest = nullptr;
  for (std::size_t i = spans_.size(); i-- > 0;) {
    const Service* service = spans_[i].policy->find(key[0], key[2], static_cast<std::uint16_t>(key[3]));
    if (service == nullptr || !service->limit || spans_[i].policy->observe) return nullptr;
    if (newest != nullptr && newest->rules != service->rules) return nullptr;
    newest = service;
    if (spans_[i].at_ns < from_ns) break;
  }
  return newest;
}

void RateOracle::pass(const Key& key, std::uint64_t came_ns) {
  const Service* const service = limited_since(key, came_ns);
  if (service == nullptr) return;
  std::multiset<std::uint64_t>& passed = passed_[service->rules.get()];
  passed.insert(came_ns);
  const std::uint64_t at_once = service->rules->allows().size() * service->limit->operations;
  const std::uint64_t period_ns = service->limit->per_seconds * second;
  std::uint64_t count = 0;
  for (auto first = passed.rbegin(); first != passed.rend(); ++first) {
    const std::uint64_t most = at_once + at_once * (scheduler_.now() - *first) / period_ns;
    if (++count <= most) continue;
    findings_.push_back({"rate",
                         std::to_string(count) + " requests of client-" + std::to_string(key[0]) +
                             " passed to server-" + std::to_string(key[2]) + " within " +
                             std::to_string((scheduler_.now() - *first) / millisecond) + " ms, at most " +
                             std::to_string(most) + " may",
                         scheduler_.now()});
    return passed.clear();
  }
}

void RateOracle::on_arrival(std::uint8_t side, View frame) {
  const std::optional<Packet> packet = decode(frame);
  Key key{};
  Talk* const talk = packet && side == 0 ? talk_of(*packet, side, key) : nullptr;
  const ProtocolModel* const protocol = talk == nullptr ? nullptr : protocol_at(packet->destination_port);
  if (protocol == nullptr) return;
  talk->come.receiver.on_packet(*packet);
  read_on(talk->come, *protocol,
          [&](View pdu) { talk->came_ns.emplace(Octets(pdu.begin(), pdu.end()), scheduler_.now()); });
}

void RateOracle::on_departure(std::uint8_t side, View frame) {
  const std::optional<Packet> packet = decode(frame);
  Key key{};
  Talk* const talk = packet ? talk_of(*packet, side ^ 1, key) : nullptr;
  const ProtocolModel* const protocol =
      talk == nullptr ? nullptr : protocol_at(static_cast<std::uint16_t>(key[3]));
  if (protocol == nullptr) return;
  if (side == 0) {
    talk->come.receiver.on_own_opening(*packet);
    return talk->left.receiver.on_own_opening(*packet);
  }
  talk->left.receiver.on_packet(*packet);
  read_on(talk->left, *protocol, [&](View pdu) {
    const auto came = talk->came_ns.find(Octets(pdu.begin(), pdu.end()));
    if (came != talk->came_ns.end()) pass(key, came->second);
  });
}

}  // namespace conduit::simulation
