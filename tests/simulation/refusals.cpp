#include "tests/simulation/refusals.hpp"

#include <algorithm>

#include "tests/simulation/tcp_connection.hpp"

namespace conduit::simulation {
namespace {

constexpr std::uint16_t honest_port_first = 20000;
constexpr std::uint16_t honest_port_end = 30000;
constexpr std::uint16_t parts_port_first = 33000;  // of those who acknowledge replies in part
constexpr std::uint16_t parts_port_end = 35000;
// Until the gateway repeats a reply for the first time. Doubles with each time that it has repeated what the
// client has not acknowledged.
constexpr std::uint64_t first_pause_ns = 200 * millisecond;
constexpr std::uint64_t pauses_max = 3;  // in which it has to have done so

bool is_honest(std::uint16_t port) { return port >= honest_port_first && port < honest_port_end; }
bool is_followed(std::uint16_t port) {
  return is_honest(port) || (port >= parts_port_first && port < parts_port_end);
}

// What the client has read without a gap.
Octets stream_of(const std::map<std::uint32_t, std::uint8_t>& octets) {
  Octets stream;
  for (const auto& [offset, octet] : octets) {
    if (offset != stream.size()) break;
    stream.push_back(octet);
  }
  return stream;
}

bool is_refused(const ProtocolModel& protocol, View stream, View request) {
  for (std::size_t at = 0; at < stream.size();) {
    const Front front = protocol.front(stream.subspan(at), false);
    if (front.kind != Front::Kind::PDU) return false;
    const View pdu = stream.subspan(at, front.size);
    if (protocol.is_negative(pdu) && protocol.answers(pdu, request)) return true;
    at += front.size;
  }
  return false;
}

}  // namespace

void RefusalOracle::note_end(const Packet& packet) {
  if ((packet.flags & (RST | FIN)) == 0) return;
  for (const std::uint16_t port : {packet.source_port, packet.destination_port}) {
    if (is_followed(port)) talks_[port].ended_ns = std::min(talks_[port].ended_ns, scheduler_.now());
  }
}

void RefusalOracle::on_sent(const Host&, View frame) {
  if (const std::optional<Packet> packet = decode(frame)) note_end(*packet);
}

void RefusalOracle::on_arrival(std::uint8_t side, View frame) {
  const std::optional<Packet> packet = decode(frame);
  if (!packet || side != 0 || !is_followed(packet->source_port) || (packet->flags & ACK) == 0) return;
  if (packet->ip_checksum_error != 0 || packet->tcp_checksum_error != 0) return;
  talks_[packet->source_port].acknowledged.push_back({scheduler_.now(), packet->acknowledgement});
}

void RefusalOracle::on_departure(std::uint8_t side, View frame) {
  const std::optional<Packet> packet = decode(frame);
  if (!packet) return;
  note_end(*packet);
  if (side != 0 || packet->payload.empty() || !is_followed(packet->destination_port)) return;
  talks_[packet->destination_port].left.push_back({scheduler_.now(), packet->sequence, packet->payload});
}

void RefusalOracle::on_delivery(const Host& host, View frame, bool damaged) {
  const std::optional<Packet> packet = decode(frame);
  if (!packet || damaged || host.side != 0 || !is_followed(packet->destination_port)) return;
  Talk& talk = talks_[packet->destination_port];
  if ((packet->flags & SYN) != 0) {
    talk.opened = true;
    talk.first = packet->sequence + 1;
  }
  if (!talk.opened) return;
  for (std::uint32_t i = 0; i < packet->payload.size(); ++i)
    talk.octets.emplace(packet->sequence - talk.first + i, packet->payload[i]);
}

// How often replies that the client has not acknowledged have been repeated by then.
std::uint32_t RefusalOracle::repetitions(const Refused& refused, std::uint64_t at_ns) {
  const std::vector<Left>& left = refused.talk->left;
  std::optional<std::uint32_t> acknowledged;
  for (const Acknowledged& said : refused.talk->acknowledged) {
    if (said.at_ns <= at_ns && (!acknowledged || seq_after(said.number, *acknowledged)))
      acknowledged = said.number;
  }
  std::uint32_t count = 0;
  for (auto again = left.begin(); again != left.end() && again->at_ns <= at_ns; ++again) {
    const std::uint32_t end = again->sequence + static_cast<std::uint32_t>(again->payload.size());
    const bool waits = !acknowledged || seq_after(end, *acknowledged);
    const bool repeats = std::any_of(
        left.begin(), again, [&again](const Left& before) { return before.sequence == again->sequence; });
    if (waits && repeats && refused.protocol->is_negative(again->payload)) ++count;
  }
  return count;
}

// The reply has left at `first`: until the client has acknowledged it, the gateway sends it again, or one in
// front of it.
bool RefusalOracle::is_repeated(const Refused& refused, const Left& first) const {
  const Talk& talk = *refused.talk;
  const std::uint64_t due = first.at_ns + pauses_max * (first_pause_ns << repetitions(refused, first.at_ns));
  if (due >= scheduler_.now() || talk.ended_ns <= due) return true;
  const std::size_t size = refused.protocol->front(first.payload, false).size;
  const std::uint32_t end = first.sequence + static_cast<std::uint32_t>(size);
  const auto known = [&](const Acknowledged& said) {
    return said.at_ns <= due && !seq_before(said.number, end);
  };
  if (std::any_of(talk.acknowledged.begin(), talk.acknowledged.end(), known)) return true;
  std::uint32_t from = first.sequence;  // what is in front of it need not come again
  for (const Acknowledged& said : talk.acknowledged) {
    if (said.at_ns <= due && seq_after(said.number, from)) from = said.number;
  }
  return std::any_of(talk.left.begin(), talk.left.end(), [&](const Left& again) {
    return again.at_ns > first.at_ns && again.at_ns <= due && !seq_after(again.sequence, from);
  });
}

void RefusalOracle::check_repetitions(const std::vector<EventRecord>& events,
                                      std::vector<Finding>& findings) const {
  for (const EventRecord& event : events) {
    const std::optional<Refused> refused = read(event);
    if (!refused) continue;
    const auto reply =
        std::find_if(refused->talk->left.begin(), refused->talk->left.end(), [&](const Left& left) {
          return left.at_ns >= event.monotonic_ns &&
                 is_refused(*refused->protocol, left.payload, refused->request);
        });
    if (reply == refused->talk->left.end()) continue;  // in parts, or not at all
    ++followed_;
    if (is_repeated(*refused, *reply)) continue;
    findings.push_back({"refusal",
                        "client port " + std::to_string(event.source_port) + ": the reply of " +
                            std::to_string(reply->at_ns / microsecond) + " us is not repeated",
                        scheduler_.now()});
  }
}

std::optional<RefusalOracle::Refused> RefusalOracle::read(const EventRecord& event) const {
  const bool whole = event.pdu_size == event.pdu_head_size && event.count == 1;
  const bool observed = (event.flags & EVENT_OBSERVED) != 0;
  if (event.verdict != Verdict::REFUSE || observed || !whole || !is_followed(event.source_port)) return {};
  const ProtocolModel* const protocol = protocol_at(event.destination_port);
  const auto talk = talks_.find(event.source_port);
  if (protocol == nullptr || talk == talks_.end()) return {};
  return Refused{&talk->second, protocol, View(event.pdu_head).first(event.pdu_head_size)};
}

void RefusalOracle::check(const std::vector<EventRecord>& events, std::uint64_t from_ns,
                          std::uint64_t patience_ns, std::vector<Finding>& findings) const {
  const std::uint64_t now = scheduler_.now();
  for (const EventRecord& event : events) {
    const std::optional<Refused> refused = read(event);
    const std::uint64_t due = std::max(event.monotonic_ns, from_ns) + patience_ns;
    if (!refused || !is_honest(event.source_port) || due >= now || refused->talk->ended_ns <= due) continue;
    ++followed_;
    const Octets stream = stream_of(refused->talk->octets);
    if (is_refused(*refused->protocol, stream, refused->request)) continue;
    findings.push_back({"refusal",
                        "client port " + std::to_string(event.source_port) + ": refused at " +
                            std::to_string(event.monotonic_ns / microsecond) + " us, and nobody has said so",
                        now});
  }
}

}  // namespace conduit::simulation
