#include "tests/simulation/accounting.hpp"

#include <algorithm>

#include "protocols/core/reason.hpp"

namespace conduit::simulation {
namespace {

bool newer(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) > 0; }

std::string place(const Packet& packet) {
  return "sequence " + std::to_string(packet.sequence) + ", " + std::to_string(packet.payload.size()) +
         " octets";
}

void check(bool good, const std::string& what, std::uint64_t now_ns, std::vector<Finding>& findings) {
  if (!good) findings.push_back({"accounting", what, now_ns});
}

void check_sequences(const std::vector<EventRecord>& events, bool gaps, std::uint64_t now_ns,
                     std::vector<Finding>& findings) {
  std::map<std::uint64_t, std::uint64_t> last;  // by boot
  for (const EventRecord& event : events) {
    std::uint64_t& before = last[event.boot_id];
    const bool good = gaps ? event.sequence > before : event.sequence == before + 1;
    check(good, "event " + std::to_string(event.sequence) + " follows " + std::to_string(before), now_ns,
          findings);
    before = event.sequence;
  }
}

}  // namespace

TransparencyOracle::Talk& TransparencyOracle::talk_of(const Packet& packet, std::uint8_t side) {
  return talks_[side == 0 ? packet.source_port : packet.destination_port];
}

void TransparencyOracle::on_sent(const Host& host, View frame) {
  const std::optional<Packet> packet = sent_[host.side].read(frame);
  if (!packet) return;
  Way& way = talk_of(*packet, host.side).way[host.side];
  // A server that was restarted within the handshake opens with another number.
  if ((packet->flags & SYN) != 0 && (!way.opened || (way.sent.empty() && way.isn != packet->sequence))) {
    way.opened = true;
    way.isn = packet->sequence;
  }
  if (!way.opened || packet->payload.empty()) return;
  const std::uint32_t offset = packet->sequence - way.isn - 1;
  if (offset > way.sent.size()) return;  // nothing honest
  const std::size_t end = offset + packet->payload.size();
  if (end > way.sent.size()) {
    way.sent.insert(way.sent.end(),
                    packet->payload.end() - static_cast<std::ptrdiff_t>(end - way.sent.size()),
                    packet->payload.end());
  }
}

void TransparencyOracle::on_arrival(std::uint8_t side, View frame) {
  const std::optional<Packet> packet = arrived_[side].read(frame);
  if (!packet || (packet->flags & ACK) == 0 || packet->tcp_checksum_error != 0 ||
      packet->ip_checksum_error != 0)
    return;
  Way& back = talk_of(*packet, side).way[side ^ 1];
  if (!back.acked || newer(packet->acknowledgement, back.highest_ack))
    back.highest_ack = packet->acknowledgement;
  back.acked = true;
}

void TransparencyOracle::on_departure(std::uint8_t side, View frame) {
  const std::optional<Packet> packet = decode(frame);
  if (!packet || (packet->flags & RST) != 0) return;
  const std::uint8_t from = side ^ 1;
  Talk& talk = talk_of(*packet, from);
  if (!talk.difference.empty()) return;
  const auto differs = [&](const std::string& what) {
    talk.difference = what + " (" + place(*packet) + ", at " + std::to_string(scheduler_.now()) + " ns)";
  };
  ++compared_;
  if (packet->tcp_checksum_error != 0 || packet->ip_checksum_error != 0) return differs("wrong checksum");
  const Way& way = talk.way[from];
  if (!packet->payload.empty()) {
    const std::uint32_t offset = packet->sequence - way.isn - 1;
    const bool within = offset <= way.sent.size() && way.sent.size() - offset >= packet->payload.size();
    if (!way.opened || !within) return differs("octets that were not sent, or not there");
    if (!std::equal(packet->payload.begin(), packet->payload.end(), way.sent.begin() + offset))
      return differs("other octets than were sent");
  }
  const Way& back = talk.way[side];
  if ((packet->flags & ACK) == 0) return;
  if (!back.acked || newer(packet->acknowledgement, back.highest_ack))
    return differs("acknowledges " + std::to_string(packet->acknowledgement) +
                   ", which its receiver never did");
}

std::string TransparencyOracle::difference(std::uint16_t client_port) const {
  const auto at = talks_.find(client_port);
  return at == talks_.end() ? std::string() : at->second.difference;
}

void check_accounting(EngineGateway& gateway, const FrameCounter& frames, const Expectation& expected,
                      std::uint64_t now_ns, std::vector<Finding>& findings) {
  std::vector<WorkerCounters> lives = gateway.former_counters();
  lives.push_back(gateway.counters());
  const std::vector<EventRecord>& events = gateway.events();
  std::uint64_t lost = 0;
  std::uint64_t written = 0;
  for (const WorkerCounters& life : lives) {
    lost += life.events_lost;
    written += life.events_written;
  }
  for (std::size_t side = 0; side < 2; ++side) {
    std::uint64_t in = 0;
    std::uint64_t out = 0;
    for (const WorkerCounters& life : lives) {
      in += life.port[side].frames_in;
      out += life.port[side].frames_out;
    }
    const std::string port = "port " + std::to_string(side) + ": ";
    check(in == frames.arrived[side],
          port + std::to_string(frames.arrived[side]) + " frames arrived, " + std::to_string(in) + " counted",
          now_ns, findings);
    check(out == frames.departed[side],
          port + std::to_string(frames.departed[side]) + " frames left, " + std::to_string(out) + " counted",
          now_ns, findings);
  }
  check(lost == 0 || expected.ring_was_full, std::to_string(lost) + " events lost in a ring that had room",
        now_ns, findings);
  check(written == events.size(),
        std::to_string(written) + " events written, " + std::to_string(events.size()) + " found", now_ns,
        findings);
  check_sequences(events, lost != 0, now_ns, findings);

  check(gateway.allocations() == 0, std::to_string(gateway.allocations()) + " times memory was taken", now_ns,
        findings);

  const WorkerCounters& last = lives.back();
  check(last.flows_live == 0 && last.flows_half_open == 0,
        std::to_string(last.flows_live) + " flows stay behind", now_ns, findings);
  check(last.blocks_in_use == 0, std::to_string(last.blocks_in_use) + " blocks stay behind", now_ns,
        findings);
  check(last.flows_created == last.flows_removed, "flows made and removed differ", now_ns, findings);
  if (lost != 0) return;

  std::map<std::uint16_t, std::uint64_t> by_reason;
  std::map<std::uint16_t, std::uint64_t> refusals;
  for (const EventRecord& event : events) {
    by_reason[static_cast<std::uint16_t>(event.reason)] += event.count;
    if (event.verdict == Verdict::REFUSE) refusals[event.source_port] += event.count;
  }
  for (const auto& [port, count] : expected.refused) {
    check(refusals[port] >= count,
          "client port " + std::to_string(port) + " got " + std::to_string(count) + " refusals, " +
              std::to_string(refusals[port]) + " have an event",
          now_ns, findings);
  }
  for (std::size_t number = 1; number < reason_number_end; ++number) {
    std::uint64_t counted = 0;
    for (const WorkerCounters& life : lives) counted += life.reason[number];
    const std::uint64_t told = by_reason[static_cast<std::uint16_t>(number)];
    if (static_cast<Reason>(number) == Reason::OUTPUT_FULL) continue;  // a counter of its own, no event
    // What was still being folded when a process was killed is told by its counters alone.
    const bool good = lives.size() > 1 ? counted >= told : counted == told;
    check(good,
          std::string(reason_info(static_cast<Reason>(number)).name) + ": " + std::to_string(counted) +
              " counted, " + std::to_string(told) + " in events",
          now_ns, findings);
  }
}

}  // namespace conduit::simulation
