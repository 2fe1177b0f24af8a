#include "tests/simulation/accounting.hpp"

#include <algorithm>
#include <string_view>

#include "protocols/core/reason.hpp"

namespace conduit::simulation {
namespace {

constexpr std::uint32_t ends_come_max = 4;

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

// Whole fragments of IPv4 without options (RFC 791).
bool is_fragment(View frame) {
  constexpr std::size_t link = 14;
  if (frame.size() < link + 20 || frame[12] != 8 || frame[13] != 0 || frame[link] != 0x45) return false;
  const View ip = frame.subspan(link);
  const std::size_t total = std::size_t{ip[2]} << 8 | ip[3];
  if (total < 20 || total > ip.size() || (ip[6] & 0x80) != 0 || ((ip[6] & 0x3F) == 0 && ip[7] == 0))
    return false;
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < 20; at += 2) sum += std::uint32_t{ip[at]} << 8 | ip[at + 1];
  return (sum & 0xFFFF) + (sum >> 16) == 0xFFFF;
}

// Reasons that only PDUs are denied for, each with an event of its own and counted for its conduit.
bool condemns_a_pdu(Reason reason) {
  static const std::set<std::string_view> names{
      "FUNCTION_NOT_PERMITTED", "OBJECT_NOT_PERMITTED", "VALUE_NOT_PERMITTED",
      "PDU_MALFORMED",          "PROTOCOL_MISMATCH",    "OUTSTANDING_FULL",
      "RESPONSE_UNSOLICITED",   "RESPONSE_MISMATCHED",  "RATE_EXCEEDED"};
  return names.contains(reason_info(reason).name);
}

// Of connections that are already ended, or were never known: nobody is told, or not by this flow.
bool may_go_untold(Reason reason) {
  static const std::set<std::string_view> names{"FLOW_NO_LONGER_PERMITTED", "ISLAND_MODE", "NO_POLICY",
                                                "TCP_NO_FLOW"};
  return names.contains(reason_info(reason).name);
}

void check_conduits(const std::vector<WorkerCounters>& lives, const std::vector<EventRecord>& events,
                    std::uint64_t now_ns, std::vector<Finding>& findings) {
  std::uint64_t denied = 0;
  std::uint64_t condemned = 0;
  for (const WorkerCounters& life : lives) {
    for (const ConduitCounters& conduit : life.conduit) denied += conduit.denied + conduit.observed;
  }
  for (const EventRecord& event : events) {
    if (condemns_a_pdu(event.reason)) condemned += event.count;
  }
  check(denied >= condemned,
        std::to_string(condemned) + " PDUs denied in events, conduits count " + std::to_string(denied),
        now_ns, findings);
}

// Of a stream with a gap, or with what is not well formed, a conduit that observes has told that once, and
// may tell no more of it.
bool lost_sight(const std::vector<EventRecord>& events) {
  return std::any_of(events.begin(), events.end(), [](const EventRecord& event) {
    const bool whole = event.pdu_size != 0 && event.reason != Reason::PDU_MALFORMED;
    return (event.flags & EVENT_OBSERVED) != 0 && !whole;
  });
}

// Law: RESET tells both sides, at once.
void check_resets(const FrameCounter& frames, const std::vector<EventRecord>& events, std::uint64_t now_ns,
                  std::vector<Finding>& findings) {
  for (const EventRecord& event : events) {
    const bool told = event.verdict == Verdict::RESET && event.ip_protocol == 6 &&
                      (event.flags & (EVENT_HAS_FLOW | EVENT_FOLDED | EVENT_OBSERVED)) == EVENT_HAS_FLOW;
    if (!told || may_go_untold(event.reason)) continue;
    const std::uint16_t port = event.ingress_port == 0 ? event.source_port : event.destination_port;
    for (std::uint8_t side = 0; side < 2; ++side) {
      check(frames.was_reset(event.monotonic_ns, port, side),
            std::string(reason_info(event.reason).name) + " at " + std::to_string(event.monotonic_ns / 1000) +
                " us: no RST to side " + std::to_string(side) + " of client port " + std::to_string(port),
            now_ns, findings);
    }
  }
}

// … and each of the gateway's own has its event, be it among those that were folded. A kind that was told is
// counted for a second before it is told again: who is restarted meanwhile has forgotten the count.
void check_own_resets(const FrameCounter& frames, const std::vector<EventRecord>& events,
                      const Expectation& expected, std::uint64_t now_ns, std::vector<Finding>& findings) {
  constexpr std::uint64_t folded_ns = 2 * second;
  const auto forgotten = [&expected](std::uint64_t told_ns, std::uint64_t at_ns) {
    return std::any_of(
        expected.restarts_ns.begin(), expected.restarts_ns.end(),
        [&](std::uint64_t restart_ns) { return at_ns <= restart_ns && restart_ns <= told_ns + second; });
  };
  for (const auto& reset : frames.own_resets()) {
    const std::uint16_t port = reset.first;
    const std::uint64_t at_ns = reset.second;
    const bool told = std::any_of(events.begin(), events.end(), [&](const EventRecord& event) {
      const bool ends = event.verdict == Verdict::RESET || event.verdict == Verdict::DROP;
      const bool own = event.source_port == port || event.destination_port == port;
      const bool folded = (event.flags & EVENT_FOLDED) != 0 && event.monotonic_ns >= at_ns &&
                          event.monotonic_ns <= at_ns + folded_ns;
      const bool lost = event.monotonic_ns <= at_ns && forgotten(event.monotonic_ns, at_ns);
      return ends && (folded || lost || (own && event.monotonic_ns == at_ns));
    });
    check(told,
          "client port " + std::to_string(port) + " is reset at " + std::to_string(at_ns / 1000) +
              " us without an event",
          now_ns, findings);
  }
}

}  // namespace

void FrameCounter::on_arrival(std::uint8_t side, View frame) {
  ++arrived[side];
  const std::optional<Packet> packet = decode(frame);
  if (packet && (packet->flags & RST) != 0)
    resets_come_.insert(side == 0 ? packet->source_port : packet->destination_port);
  if (!is_fragment(frame)) return;
  ++fragments;
  if (carries_udp(frame)) return;
  constexpr std::size_t link = 14;
  const std::size_t total = std::size_t{frame[link + 2]} << 8 | frame[link + 3];
  take_fragment(frame.subspan(link, total));
}

// RFC 815, 5722. Packets are never taken for complete: what comes behind that contradicts itself all the
// same, or is the same.
void FrameCounter::take_fragment(View ip) {
  constexpr std::size_t tcp_header = 20;
  constexpr std::uint64_t certainly_kept = second;
  Octets name(ip.begin() + 12, ip.begin() + 20);
  name.insert(name.end(), {ip[4], ip[5], ip[9]});
  Piece piece{((std::size_t{ip[6]} << 8 | ip[7]) & 0x1FFF) * 8, Octets(ip.begin() + 20, ip.end())};
  const bool cut = piece.begin == 0 && (piece.octets.size() < tcp_header ||
                                        piece.octets.size() < std::size_t{piece.octets[12]} / 16 * 4);
  if (cut) ++tiny;
  if (cut) return;  // waits for nothing
  Pieces& known = waiting_[name];
  if (known.pieces.empty() || scheduler_.now() > known.since_ns + certainly_kept)
    known = {scheduler_.now(), {}};
  for (const Piece& other : known.pieces) {
    const bool same = other.begin == piece.begin && other.octets == piece.octets;
    const bool apart =
        piece.begin >= other.begin + other.octets.size() || other.begin >= piece.begin + piece.octets.size();
    if (!same && !apart && known.pieces.size() == 1) ++torn;  // one piece alone is no whole packet
  }
  known.pieces.push_back(std::move(piece));
}

void FrameCounter::on_departure(std::uint8_t side, View frame) {
  ++departed[side];
  const std::optional<Packet> packet = decode(frame);
  if (!packet || (packet->flags & RST) == 0) return;
  const std::uint16_t port = side == 0 ? packet->destination_port : packet->source_port;
  resets_.insert({scheduler_.now(), port, side});
  if (!resets_come_.contains(port)) own_resets_.emplace(port, scheduler_.now());
}

void BoundsOracle::on_arrival(std::uint8_t, View) {
  const WorkerCounters& counters = gateway_.counters();
  half_open_ = std::max(half_open_, counters.flows_half_open);
  live_ = std::max(live_, counters.flows_live);
  blocks_ = std::max(blocks_, counters.blocks_in_use);
}

void BoundsOracle::check(std::uint64_t now_ns, std::vector<Finding>& findings) const {
  const auto bound = [&](std::uint64_t most, std::uint64_t limit, const char* what) {
    if (most > limit)
      findings.push_back({"accounting", std::to_string(most) + what + std::to_string(limit), now_ns});
  };
  bound(half_open_, limits_.half_open_count, " half-open flows, the limit is ");
  bound(live_, limits_.flow_count, " flows, the limit is ");
  bound(blocks_, limits_.block_count, " blocks, the limit is ");
}

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
  note_end(talk_of(*packet, side).way[side], *packet);
  Way& back = talk_of(*packet, side).way[side ^ 1];
  if (!back.acked || newer(packet->acknowledgement, back.highest_ack))
    back.highest_ack = packet->acknowledgement;
  back.acked = true;
}

// An end counts when everything in front of it has come.
void TransparencyOracle::note_end(Way& way, const Packet& packet) {
  if (!way.opened || (packet.flags & SYN) != 0) return;
  const std::uint32_t offset = packet.sequence - way.isn - 1;
  if (offset > way.sent.size()) return;
  way.come.resize(std::max(way.come.size(), way.sent.size()));
  for (std::size_t i = offset; i < std::min(offset + packet.payload.size(), way.come.size()); ++i)
    way.come[i] = true;
  while (way.whole < way.come.size() && way.come[way.whole]) ++way.whole;
  if ((packet.flags & FIN) != 0 && offset + packet.payload.size() <= way.whole) ++way.ends_come;
}

void TransparencyOracle::on_departure(std::uint8_t side, View frame) {
  const std::optional<Packet> packet = decode(frame);
  if (!packet) return;
  const std::uint8_t from = side ^ 1;
  Talk& talk = talk_of(*packet, from);
  if ((packet->flags & (RST | FIN)) != 0) talk.way[from].ended = true;
  if ((packet->flags & RST) != 0) return;
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
  if (at == talks_.end()) return {};
  for (const Way& way : at->second.way) {
    if (at->second.difference.empty() && way.ends_come >= ends_come_max && !way.ended)
      return "the end of a stream came " + std::to_string(way.ends_come) + " times and never left";
  }
  return at->second.difference;
}

namespace {

void check_ports(const std::vector<WorkerCounters>& lives, const FrameCounter& frames, std::uint64_t now_ns,
                 std::vector<Finding>& findings) {
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
}

// What has to be denied some time: of contradictions, which of them the gateway was free to overlook is not
// repeated here.
void check_denials(const std::vector<WorkerCounters>& lives, const FrameCounter& frames,
                   const Expectation& expected, std::uint64_t now_ns, std::vector<Finding>& findings) {
  constexpr std::uint64_t many = 3;
  const auto counted = [&lives](Reason reason) {
    std::uint64_t sum = 0;
    for (const WorkerCounters& life : lives) sum += life.reason[static_cast<std::size_t>(reason)];
    return sum;
  };
  const std::uint64_t denied = counted(Reason::IP_FRAGMENT_NOT_PERMITTED);
  check(!expected.fragments_denied || denied >= frames.fragments,
        std::to_string(frames.fragments) + " fragments arrived, " + std::to_string(denied) + " were denied",
        now_ns, findings);
  if (expected.fragments_taken) {
    check(frames.torn < many || counted(Reason::IP_FRAGMENT_OVERLAP) != 0, "no torn packet was denied",
          now_ns, findings);
    check(frames.tiny < many || counted(Reason::IP_FRAGMENT_TINY) != 0, "no tiny fragment was denied", now_ns,
          findings);
  }
  check(expected.contradictions < many || counted(Reason::TCP_RETRANSMISSION_DIFFERS) != 0,
        std::to_string(expected.contradictions) + " contradictions, none of them told", now_ns, findings);
}

// What clients were told, and what the reference denies, against the events of their ports.
void check_denied(const std::vector<EventRecord>& events, const Expectation& expected, std::uint64_t now_ns,
                  std::vector<Finding>& findings) {
  std::map<std::uint16_t, std::uint64_t> refusals;
  std::map<std::uint16_t, std::uint64_t> for_rate;
  std::map<std::uint16_t, std::uint64_t> denials;
  for (const EventRecord& event : events) {
    if (event.verdict == Verdict::REFUSE) refusals[event.source_port] += event.count;
    if (event.pdu_size != 0 && event.reason != Reason::OPERATION_PERMITTED)
      denials[event.source_port] += event.count;
    if (event.reason == Reason::RATE_EXCEEDED) for_rate[event.source_port] += event.count;
  }
  for (const auto& [port, count] : expected.denied) {
    check(denials[port] >= count || lost_sight(events),
          "client port " + std::to_string(port) + ": " + std::to_string(count) + " requests were denied, " +
              std::to_string(denials[port]) + " have an event",
          now_ns, findings);
  }
  for (const auto& [port, count] : expected.refused_for_rate) {
    check(for_rate[port] >= count,
          "client port " + std::to_string(port) + " got " + std::to_string(count) +
              " refusals of what was permitted, " + std::to_string(for_rate[port]) + " for their rate",
          now_ns, findings);
  }
  for (const auto& [port, count] : expected.refused) {
    check(refusals[port] >= count,
          "client port " + std::to_string(port) + " got " + std::to_string(count) + " refusals, " +
              std::to_string(refusals[port]) + " have an event",
          now_ns, findings);
  }
}

}  // namespace

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
  check_ports(lives, frames, now_ns, findings);
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
  check_denials(lives, frames, expected, now_ns, findings);
  if (!expected.output_was_full) check_resets(frames, events, now_ns, findings);
  if (lost != 0) return;
  if (!expected.output_was_full) check_own_resets(frames, events, expected, now_ns, findings);
  check_conduits(lives, events, now_ns, findings);

  check_denied(events, expected, now_ns, findings);
  std::map<std::uint16_t, std::uint64_t> by_reason;
  for (const EventRecord& event : events) by_reason[static_cast<std::uint16_t>(event.reason)] += event.count;
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
