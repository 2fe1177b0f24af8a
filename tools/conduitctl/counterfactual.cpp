#include "tools/conduitctl/counterfactual.hpp"

#include <algorithm>
#include <cstring>

namespace conduit {
namespace {

constexpr std::size_t tcp_sequence_offset = 4;
constexpr std::size_t tcp_acknowledgement_offset = 8;
constexpr std::size_t tcp_checksum_offset = 16;

bool before(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) < 0; }

std::uint32_t length_of(const ParsedFrame& parsed) {
  std::uint32_t length = parsed.payload_size;
  if ((parsed.tcp_flags & TCP_SYN) != 0) ++length;
  if ((parsed.tcp_flags & TCP_FIN) != 0) ++length;
  return length;
}

std::uint32_t add_words(const std::uint8_t* bytes, std::size_t size, std::uint32_t sum) {
  for (std::size_t index = 0; index + 1 < size; index += 2) sum += load_u16be(bytes + index);
  if (size % 2 != 0) sum += static_cast<std::uint32_t>(bytes[size - 1]) << 8;
  return sum;
}

std::uint16_t folded(std::uint32_t sum) {
  while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

// Internet checksum of the TCP segment in `frame` (RFC 9293 §3.1), its checksum field taken as it is.
std::uint16_t tcp_sum(const ParsedFrame& parsed, const std::uint8_t* frame, std::uint32_t l4_size) {
  std::uint32_t sum = 6 + l4_size;
  if (parsed.ip_version == 4) {
    sum = add_words(frame + parsed.l3_offset + 12, 8, sum);
  } else {
    sum = add_words(parsed.source.data(), 16, sum);
    sum = add_words(parsed.destination.data(), 16, sum);
  }
  return folded(add_words(frame + parsed.l4_offset, l4_size, sum));
}

void set_lengths(const ParsedFrame& parsed, std::uint8_t* frame, std::uint32_t l4_size) {
  std::uint8_t* ip = frame + parsed.l3_offset;
  const auto header = static_cast<std::uint32_t>(parsed.l4_offset - parsed.l3_offset);
  if (parsed.ip_version == 6) return store_u16be(ip + 4, static_cast<std::uint16_t>(header - 40 + l4_size));
  store_u16be(ip + 2, static_cast<std::uint16_t>(header + l4_size));
  store_u16be(ip + 10, 0);
  store_u16be(ip + 10, folded(add_words(ip, header, 0)));
}

}  // namespace

Counterfactual::Key Counterfactual::key_of(const ParsedFrame& parsed, bool reverse) {
  const std::uint32_t forth = (std::uint32_t{parsed.source_port} << 16) | parsed.destination_port;
  const std::uint32_t back = (std::uint32_t{parsed.destination_port} << 16) | parsed.source_port;
  if (reverse) return {parsed.destination, parsed.source, back, parsed.vlan};
  return {parsed.source, parsed.destination, forth, parsed.vlan};
}

Counterfactual::Connection& Counterfactual::connection(const ParsedFrame& parsed) {
  return connections_[std::min(key_of(parsed, false), key_of(parsed, true))];
}

// Takes the request that this answer belongs to off the list; true if that one was refused.
bool Counterfactual::answered(Connection& connection, Bytes pdu) {
  PduState state;
  const PduHead head = connection.protocol->open(pdu, Role::SERVER, QUIRK_NONE, connection.session, state);
  if (!head.well_formed || head.kind != PduKind::RESPONSE) return false;
  const auto asked = std::find_if(connection.requests.begin(), connection.requests.end(),
                                  [&](const Request& one) { return one.key == head.match_key; });
  if (asked == connection.requests.end()) return false;
  const bool refused = asked->refused;
  connection.requests.erase(asked);
  return refused;
}

// The whole PDUs among what the server sent, without answers to requests that never reached it.
std::vector<std::uint8_t> Counterfactual::kept_answers(Connection& connection, Direction& direction,
                                                       Bytes bytes, std::uint32_t& never_sent) {
  std::vector<std::uint8_t> kept;
  std::vector<std::uint8_t>& waiting = direction.waiting;
  waiting.insert(waiting.end(), bytes.begin(), bytes.end());
  std::size_t done = 0;
  while (done < waiting.size()) {
    const Bytes rest = Bytes(waiting).subspan(done);
    const Framing framing =
        connection.protocol->frame(rest, Role::SERVER, Transport::TCP, connection.session);
    std::size_t size = framing.pdu_size;
    if (framing.status == FrameStatus::MALFORMED) size = rest.size();  // the engine is to see it as it is
    if (framing.status == FrameStatus::INCOMPLETE || rest.size() < size) break;
    const bool whole = framing.status == FrameStatus::COMPLETE;
    if (whole && answered(connection, rest.first(framing.judge_size))) {
      ++never_sent;
    } else {
      kept.insert(kept.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size));
    }
    done += size;
  }
  waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(done));
  return kept;
}

bool Counterfactual::adjust_datagram(Connection& connection, const ParsedFrame& parsed,
                                     std::uint32_t& never_sent) {
  const bool from_server = connection.protocol != nullptr && connection.client == key_of(parsed, true);
  if (!from_server || !connection.parted || !answered(connection, parsed.payload())) return true;
  never_sent = 1;
  return false;
}

bool Counterfactual::adjust(const ParsedFrame& parsed, std::uint8_t* frame, std::uint32_t& size,
                            std::uint32_t& never_sent) {
  never_sent = 0;
  if (parsed.reason != Reason::NONE) return true;
  if (parsed.kind == FrameKind::UDP) return adjust_datagram(connection(parsed), parsed, never_sent);
  if (parsed.kind != FrameKind::TCP) return true;
  const std::uint32_t header = parsed.payload_offset - parsed.l4_offset;
  if (tcp_sum(parsed, frame, header + parsed.payload_size) != 0) return true;  // a wrong checksum stays one
  Connection& flow = connection(parsed);
  Direction& own = directions_[key_of(parsed, false)];
  const Direction& other = directions_[key_of(parsed, true)];
  if ((parsed.tcp_flags & TCP_SYN) != 0 || !own.started) {
    if ((parsed.tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) flow = Connection{};
    own = Direction{};
    own.started = true;
    own.recorded_next = own.simulated_next = parsed.sequence;
  }
  std::uint32_t sequence = own.simulated_next + (parsed.sequence - own.recorded_next);
  std::vector<std::uint8_t> payload(parsed.payload().begin(), parsed.payload().end());
  const bool rebuilt = flow.parted && flow.client == key_of(parsed, true) && !payload.empty();
  if (rebuilt) {
    const std::uint32_t known = own.recorded_next - parsed.sequence;  // octets that were captured before
    if (before(parsed.sequence, own.recorded_next)) {
      if (known >= payload.size()) return false;
      payload.erase(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(known));
    }
    payload = kept_answers(flow, own, payload, never_sent);
    sequence = own.simulated_next;
  }
  const std::uint32_t behind = parsed.sequence + length_of(parsed);
  const std::uint32_t control = length_of(parsed) - parsed.payload_size;
  const std::uint32_t simulated_behind = sequence + static_cast<std::uint32_t>(payload.size()) + control;
  if (before(own.recorded_next, behind)) own.recorded_next = behind;
  if (before(own.simulated_next, simulated_behind)) own.simulated_next = simulated_behind;
  std::uint32_t acknowledgement = parsed.acknowledgement;
  const bool acknowledges = (parsed.tcp_flags & TCP_ACK) != 0 && other.got_any;
  if (acknowledges && (flow.parted || before(other.got_next, acknowledgement)))
    acknowledgement = other.got_next;
  if (!rebuilt && sequence == parsed.sequence && acknowledgement == parsed.acknowledgement) return true;
  std::uint8_t* tcp = frame + parsed.l4_offset;
  store_u32be(tcp + tcp_sequence_offset, sequence);
  if ((parsed.tcp_flags & TCP_ACK) != 0) store_u32be(tcp + tcp_acknowledgement_offset, acknowledgement);
  if (!payload.empty()) std::memcpy(frame + parsed.payload_offset, payload.data(), payload.size());
  const auto l4_size = static_cast<std::uint32_t>(header + payload.size());
  set_lengths(parsed, frame, l4_size);
  store_u16be(tcp + tcp_checksum_offset, 0);
  store_u16be(tcp + tcp_checksum_offset, tcp_sum(parsed, frame, l4_size));
  size = static_cast<std::uint32_t>(parsed.payload_offset + payload.size());
  return true;
}

void Counterfactual::on_report(const ParsedFrame& parsed, const JudgementReport& report) {
  const Protocol* protocol = find_protocol(report.protocol);
  if (protocol == nullptr || report.pdu_size == 0) return;
  Connection& flow = connection(parsed);
  flow.protocol = protocol;
  flow.client = key_of(parsed, !report.client_sent);
  const bool taken_out =
      !report.observed && (report.verdict == Verdict::REFUSE || report.verdict == Verdict::DISCARD ||
                           report.verdict == Verdict::DROP);
  if (report.client_sent && report.kind == PduKind::REQUEST) {
    PduState state;
    const PduHead head = protocol->open(report.pdu, Role::CLIENT, QUIRK_NONE, flow.session, state);
    if (head.well_formed && head.answered) flow.requests.push_back({head.match_key, taken_out});
  } else if (!flow.parted && parsed.kind == FrameKind::TCP) {
    answered(flow, report.pdu);
  }
  flow.parted = flow.parted || taken_out;
}

void Counterfactual::on_leaving(const ParsedFrame& left) {
  if (left.kind != FrameKind::TCP) return;
  Direction& direction = directions_[key_of(left, false)];
  const std::uint32_t behind = left.sequence + length_of(left);
  if (!direction.got_any || (left.tcp_flags & TCP_SYN) != 0 || before(direction.got_next, behind)) {
    direction.got_next = behind;
  }
  direction.got_any = true;
}

}  // namespace conduit
