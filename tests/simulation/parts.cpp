#include "tests/simulation/parts.hpp"

#include <algorithm>

#include "tests/simulation/protocol.hpp"

namespace conduit::simulation {
namespace {

constexpr std::size_t findings_max = 20;
constexpr std::uint64_t burst_ns_max = millisecond;  // the gateway may take so long to look at a frame
constexpr std::uint32_t repetitions_max = 3;         // then it is believed that its client cannot go on
constexpr std::uint32_t stream_max = 1U << 20;       // octets: what lies beyond belongs to no stream

}  // namespace

void PartsOracle::in_force(const PlantPolicy* policy) { spans_.push_back({scheduler_.now(), policy}); }

// Do the policy in force and those that were just now all say so?
template <typename Says>
bool PartsOracle::all_say(const Says& says) const {
  for (std::size_t i = spans_.size(); i-- > 0;) {
    if (!says(*spans_[i].policy)) return false;
    if (spans_[i].at_ns + burst_ns_max <= scheduler_.now()) break;
  }
  return !spans_.empty();
}

bool PartsOracle::observes() const {
  return !all_say([](const PlantPolicy& policy) { return !policy.observe; });
}

PartsOracle::Talk* PartsOracle::talk_of(const Packet& packet, std::uint8_t side) {
  const auto ends = plant_.ends_of(packet, side);
  if (!ends) return nullptr;
  const bool from_client = side == 0;
  return &talks_[{ends->first, from_client ? packet.source_port : packet.destination_port, ends->second,
                  from_client ? packet.destination_port : packet.source_port}];
}

void PartsOracle::finding(const Packet& packet, const char* what, std::size_t size) {
  if (findings_.size() >= findings_max) return;
  findings_.push_back({"parts",
                       std::to_string(size) + " octets of a PDU that is not whole, " + what +
                           " (client port " + std::to_string(packet.source_port) + ", sequence " +
                           std::to_string(packet.sequence) + ")",
                       scheduler_.now()});
}

// A SYN counts when it leaves.
void PartsOracle::begin(Talk& talk, const Packet& syn) {
  if (talk.opened && talk.first == syn.sequence + 1) return;
  talk = Talk{};
  talk.opened = true;
  talk.first = syn.sequence + 1;
}

// What its receiver's numbers call a place lies at or in front of that place in the client's own: octets are
// taken out of this stream, and none are put into it.
void PartsOracle::on_arrival(std::uint8_t side, View frame) {
  const std::optional<Packet> packet = arrived_[side].read(frame);
  if (!packet || side != 0 || packet->ip_checksum_error != 0 || packet->tcp_checksum_error != 0) return;
  Talk* const talk = talk_of(*packet, side);
  if (talk == nullptr || !talk->opened || (packet->flags & SYN) != 0) return;
  const std::uint32_t offset = packet->sequence - talk->first;
  if (offset > stream_max) return;
  bool again = false;
  const std::uint32_t end = offset + static_cast<std::uint32_t>(packet->payload.size());
  talk->come_end = std::max(talk->come_end, end);
  for (std::uint32_t at = offset; at < end; ++at) {
    if (talk->come.insert(at).second) continue;
    again = again || at >= talk->left.size();
    talk->repeated_end = std::max(talk->repeated_end, at + 1);
  }
  if (again) ++talk->repetitions;
}

// Adds what leaves; returns how far the stream went before: a tail may leave in several segments at once.
std::uint32_t PartsOracle::take(Talk& talk, const Packet& packet) {
  if (talk.leaves_ns != scheduler_.now()) talk.before = static_cast<std::uint32_t>(talk.left.size());
  talk.leaves_ns = scheduler_.now();
  const std::uint32_t before = talk.before;
  const std::uint32_t offset = packet.sequence - talk.first;
  if (offset > stream_max) return before;
  for (std::uint32_t i = 0; i < packet.payload.size(); ++i) {
    if (offset + i >= talk.left.size()) talk.ahead.emplace(offset + i, packet.payload[i]);
  }
  for (auto at = talk.ahead.begin(); at != talk.ahead.end() && at->first == talk.left.size();) {
    talk.left.push_back(at->second);
    at = talk.ahead.erase(at);
  }
  return before;
}

void PartsOracle::check(const Packet& packet, const Talk& talk, std::uint32_t left_before) {
  const std::size_t part = talk.left.size() - talk.whole;
  ++parts_seen_;
  if (all_say([](const PlantPolicy& policy) { return policy.mid_stream_resync; }))
    return finding(packet, "where a restart may join connections", part);
  const Partial partial = plant_.partial[plant_.ends_of(packet, 0)->second];
  if (partial == Partial::FORWARD || part <= protocol_at(packet.destination_port)->framing_size()) return;
  if (partial == Partial::HOLD) return finding(packet, "to a server that gets whole ones alone", part);
  if (talk.repetitions < repetitions_max && talk.repeated_end <= left_before)
    finding(packet, "which its client has not sent again", part);
}

void PartsOracle::on_departure(std::uint8_t side, View frame) {
  const std::optional<Packet> packet = decode(frame);
  const ProtocolModel* const protocol = packet && side == 1 ? protocol_at(packet->destination_port) : nullptr;
  const bool looked_at = protocol != nullptr && protocol->framing_size() != 0;
  Talk* const talk = looked_at ? talk_of(*packet, 0) : nullptr;
  if (talk == nullptr) return;
  if ((packet->flags & (SYN | ACK)) == SYN) begin(*talk, *packet);
  talk->observed = talk->observed || observes();
  if (!talk->opened || talk->observed || packet->payload.empty()) return;
  const std::uint32_t before = take(*talk, *packet);
  while (talk->whole < talk->left.size()) {
    const Front front = protocol->front(View(talk->left).subspan(talk->whole), true);
    if (front.kind == Front::Kind::MORE) break;
    if (front.kind == Front::Kind::GARBAGE) return;  // the safety oracle's affair
    talk->whole += front.size;
  }
  // Where more has come the PDU may be whole, and leave in pieces.
  const bool all = talk->left.size() >= talk->come_end;
  if (all && talk->left.size() > before && talk->left.size() > talk->whole) check(*packet, *talk, before);
}

}  // namespace conduit::simulation
