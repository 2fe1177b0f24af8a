#include "tests/simulation/observing.hpp"

#include <algorithm>
#include <utility>

#include "tests/simulation/tcp_connection.hpp"

namespace conduit::simulation {
namespace {

constexpr std::size_t findings_max = 20;
constexpr std::uint16_t honest_port_first = 20000;  // client ports of honest dialogues
constexpr std::uint16_t honest_port_end = 30000;
constexpr std::uint64_t idle_ns_least = 60 * second;  // connections that say nothing for longer may end
constexpr std::uint64_t burst_ns_max = millisecond;   // the gateway may take so long to look at a frame

bool is_well_formed(const Packet& packet, const Plant& plant, std::uint8_t side) {
  const auto ends = plant.ends_of(packet, side);
  if (!ends || packet.ip_checksum_error != 0 || packet.tcp_checksum_error != 0 || packet.ttl < 2)
    return false;
  return packet.source_mac == (side == 0 ? plant.clients[ends->first] : plant.servers[ends->second]).mac;
}

}  // namespace

void ObservingOracle::finding(const std::string& what, View frame) {
  const Packet packet = decode(frame).value_or(Packet{});
  if (findings_.size() >= findings_max) return;
  findings_.push_back({"observing",
                       what + " (ports " + std::to_string(packet.source_port) + " to " +
                           std::to_string(packet.destination_port) + ", flags " +
                           std::to_string(packet.flags) + ", sequence " + std::to_string(packet.sequence) +
                           ", " + std::to_string(packet.payload.size()) + " octets)",
                       scheduler_.now()});
}

void ObservingOracle::in_force(const PlantPolicy* policy) {
  look_for_lost();
  came_.clear();
  talks_.clear();
  observing_ = policy != nullptr && policy->observe;
}

std::optional<ObservingOracle::Key> ObservingOracle::key_of(const Packet& packet, std::uint8_t side) const {
  const auto ends = plant_.ends_of(packet, side);
  if (!ends || torn_.contains(ends->first)) return {};
  const Key key{ends->first, side == 0 ? packet.source_port : packet.destination_port, ends->second,
                side == 0 ? packet.destination_port : packet.source_port};
  const bool honest = key[1] >= honest_port_first && key[1] < honest_port_end;
  return honest ? std::optional(key) : std::nullopt;
}

void ObservingOracle::look_for_lost() {
  while (!came_.empty() && came_.front().at_ns + burst_ns_max < scheduler_.now()) {
    if (came_.front().has_to_leave) finding("a well-formed frame does not pass", came_.front().frame);
    came_.pop_front();
  }
}

void ObservingOracle::on_arrival(std::uint8_t side, View frame) {
  if (!observing_) return;
  look_for_lost();
  const std::optional<Packet> packet = decode(frame);
  const std::optional<Packet> whole = fragments_[side].read(frame);
  if (const auto ends = whole && !packet ? plant_.ends_of(*whole, side) : std::nullopt)
    torn_.insert(ends->first);
  const std::optional<Key> key = packet ? key_of(*packet, side) : std::nullopt;
  bool passes = key && is_well_formed(*packet, plant_, side);
  if (passes && side == 0 && (packet->flags & (SYN | ACK)) == SYN) talks_[*key].reset = false;
  const auto talk = passes ? talks_.find(*key) : talks_.end();
  passes = talk != talks_.end();
  // A second RST ends nothing any more: the gateway may have forgotten the connection with the first one.
  const bool resets = passes && (packet->flags & RST) != 0;
  if (resets) passes = !std::exchange(talk->second.reset, true);
  came_.push_back({scheduler_.now(), side, Octets(frame.begin(), frame.end()), passes});
  if (passes) talk->second.said_ns = scheduler_.now();
  if (!passes || (packet->flags & ACK) == 0) return;
  std::optional<std::uint32_t>& acknowledged = talk->second.acknowledged[side];
  if (!acknowledged || seq_after(packet->acknowledgement, *acknowledged))
    acknowledged = packet->acknowledgement;
}

// It has not come so: it has to be one of which nothing is left that its receiver has not acknowledged, or
// one that asks for the window.
bool ObservingOracle::may_leave(const Packet& packet, std::uint8_t side) {
  const std::optional<Key> key = key_of(packet, side);
  const auto talk = key ? talks_.find(*key) : talks_.end();
  if (talk == talks_.end()) return true;
  const bool aged = (packet.flags & RST) != 0 && scheduler_.now() >= talk->second.said_ns + idle_ns_least;
  if (aged) return true;
  const auto stripped = std::find_if(came_.begin(), came_.end(), [&](const Came& one) {
    const std::optional<Packet> whole = decode(one.frame);
    const std::optional<std::uint32_t>& acknowledged = talk->second.acknowledged[side ^ 1];
    const bool probes = whole && whole->payload.size() == 1;
    return one.side == side && whole && acknowledged && whole->source_port == packet.source_port &&
           whole->destination_port == packet.destination_port &&
           (probes || whole->sequence == packet.sequence) &&
           whole->acknowledgement == packet.acknowledgement && packet.length() == 0 &&
           (probes || !seq_after(whole->sequence + whole->length(), *acknowledged));
  });
  if (stripped == came_.end()) return false;
  came_.erase(stripped);
  return true;
}

void ObservingOracle::on_departure(std::uint8_t side, View frame) {
  if (!observing_) return;
  look_for_lost();
  const auto came = std::find_if(came_.begin(), came_.end(), [&](const Came& one) {
    return one.side != side && std::equal(one.frame.begin(), one.frame.end(), frame.begin(), frame.end());
  });
  ++compared_;
  if (came != came_.end()) {
    came_.erase(came);
    return;
  }
  const std::optional<Packet> packet = decode(frame);
  if (packet && !may_leave(*packet, side ^ 1)) finding("a frame leaves that has not come so", frame);
}

}  // namespace conduit::simulation
