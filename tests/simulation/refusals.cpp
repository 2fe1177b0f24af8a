#include "tests/simulation/refusals.hpp"

#include <algorithm>

namespace conduit::simulation {
namespace {

constexpr std::uint16_t honest_port_first = 20000;
constexpr std::uint16_t honest_port_end = 30000;

bool is_honest(std::uint16_t port) { return port >= honest_port_first && port < honest_port_end; }

const ProtocolModel* protocol_at(std::uint16_t port) {
  for (const ProtocolModel* protocol : protocols()) {
    if (protocol->port() == port) return protocol;
  }
  return nullptr;
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
    if (is_honest(port)) talks_[port].ended_ns = std::min(talks_[port].ended_ns, scheduler_.now());
  }
}

void RefusalOracle::on_sent(const Host&, View frame) {
  if (const std::optional<Packet> packet = decode(frame)) note_end(*packet);
}

void RefusalOracle::on_departure(std::uint8_t, View frame) {
  if (const std::optional<Packet> packet = decode(frame)) note_end(*packet);
}

void RefusalOracle::on_delivery(const Host& host, View frame, bool damaged) {
  const std::optional<Packet> packet = decode(frame);
  if (!packet || damaged || host.side != 0 || !is_honest(packet->destination_port)) return;
  Talk& talk = talks_[packet->destination_port];
  if ((packet->flags & SYN) != 0) {
    talk.opened = true;
    talk.first = packet->sequence + 1;
  }
  if (!talk.opened) return;
  for (std::uint32_t i = 0; i < packet->payload.size(); ++i)
    talk.octets.emplace(packet->sequence - talk.first + i, packet->payload[i]);
}

void RefusalOracle::check(const std::vector<EventRecord>& events, std::uint64_t from_ns,
                          std::uint64_t patience_ns, std::vector<Finding>& findings) const {
  const std::uint64_t now = scheduler_.now();
  for (const EventRecord& event : events) {
    const bool whole = event.pdu_size == event.pdu_head_size && event.count == 1;
    if (event.verdict != Verdict::REFUSE || !whole || !is_honest(event.source_port)) continue;
    const ProtocolModel* const protocol = protocol_at(event.destination_port);
    const auto talk = talks_.find(event.source_port);
    if (protocol == nullptr || talk == talks_.end()) continue;
    const std::uint64_t due = std::max(event.monotonic_ns, from_ns) + patience_ns;
    if (due >= now || talk->second.ended_ns <= due) continue;
    ++followed_;
    const Octets stream = stream_of(talk->second.octets);
    const View request = View(event.pdu_head).first(event.pdu_head_size);
    if (is_refused(*protocol, stream, request)) continue;
    findings.push_back({"refusal",
                        "client port " + std::to_string(event.source_port) + ": refused at " +
                            std::to_string(event.monotonic_ns / microsecond) + " us, and nobody has said so",
                        now});
  }
}

}  // namespace conduit::simulation
