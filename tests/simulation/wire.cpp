#include "tests/simulation/wire.hpp"

#include <algorithm>

#include "tests/simulation/tcp_connection.hpp"

namespace conduit::simulation {
namespace {

constexpr std::size_t findings_max = 20;
constexpr std::uint64_t burst_ns_max = millisecond;  // the gateway may take so long to look at a frame
constexpr std::uint16_t honest_port_first = 20000;   // client ports of honest dialogues
constexpr std::uint16_t honest_port_end = 30000;
constexpr std::uint8_t fast_open_kind = 34;

bool has_option(const Packet& packet, std::uint8_t kind) {
  for (std::size_t at = 0; at + 1 < packet.options.size() && packet.options[at] != 0;) {
    if (packet.options[at] == kind) return true;
    at += packet.options[at] == 1 ? 1 : std::max<std::size_t>(packet.options[at + 1], 2);
  }
  return false;
}

// Hand-made segments carry acknowledgements that count for nothing; which of them do is not repeated here.
bool is_honest(const Packet& packet) {
  const std::uint16_t port =
      packet.source_port > packet.destination_port ? packet.source_port : packet.destination_port;
  return port >= honest_port_first && port < honest_port_end;
}

bool may_be_sent(std::uint8_t flags) {
  const bool syn = (flags & SYN) != 0;
  const bool rst = (flags & RST) != 0;
  const bool fin = (flags & FIN) != 0;
  if (syn && (rst || fin)) return false;
  if (rst && fin) return false;
  return syn || rst || (flags & ACK) != 0;
}

}  // namespace

WireOracle::Key WireOracle::key_of(const Packet& packet, std::uint8_t sender_side) {
  const bool client = sender_side == 0;
  Key key{};
  const auto& near = client ? packet.source : packet.destination;
  const auto& far = client ? packet.destination : packet.source;
  std::copy(near.begin(), near.end(), key.begin());
  std::copy(far.begin(), far.end(), key.begin() + 16);
  const std::uint16_t near_port = client ? packet.source_port : packet.destination_port;
  const std::uint16_t far_port = client ? packet.destination_port : packet.source_port;
  key[32] = static_cast<std::uint8_t>(near_port >> 8);
  key[33] = static_cast<std::uint8_t>(near_port);
  key[34] = static_cast<std::uint8_t>(far_port >> 8);
  key[35] = static_cast<std::uint8_t>(far_port);
  return key;
}

void WireOracle::finding(const Packet* packet, const char* what) {
  if (findings_.size() >= findings_max) return;
  std::string text = what;
  if (packet != nullptr) {
    text += " (ports " + std::to_string(packet->source_port) + " to " +
            std::to_string(packet->destination_port) + ", sequence " + std::to_string(packet->sequence) +
            ", " + std::to_string(packet->payload.size()) + " octets)";
  }
  findings_.push_back({"wire", text, scheduler_.now()});
}

void WireOracle::check_form(const Packet& packet) {
  if (packet.ip_checksum_error != 0) finding(&packet, "wrong IP checksum");
  if (packet.tcp_checksum_error != 0) finding(&packet, "wrong TCP checksum");
  if (packet.ttl < 2) finding(&packet, "time to live that the next hop ends");
  if ((packet.flags & URG) != 0) finding(&packet, "urgent pointer");
  if ((packet.reserved & 0xE) != 0) finding(&packet, "reserved bits");  // the lowest is ECN's
  if (!may_be_sent(packet.flags)) finding(&packet, "combination of flags that no stack sends");
  if ((packet.flags & SYN) == 0) return;
  if (!packet.payload.empty()) finding(&packet, "data in a SYN");
  if (has_option(packet, fast_open_kind)) finding(&packet, "Fast Open");
}

void WireOracle::check_source(const Packet& packet, std::uint8_t sender_side) {
  for (const HostAddress& host : sender_side == 0 ? plant_.clients : plant_.servers) {
    const bool same = packet.ipv6 ? packet.source == host.ipv6
                                  : std::equal(host.ipv4.begin(), host.ipv4.end(), packet.source.begin());
    if (!same) continue;
    if (plant_.mac_bound && packet.source_mac != host.mac) finding(&packet, "another MAC than its asset's");
    return;
  }
  finding(&packet, "source that is no asset of that side");
}

void WireOracle::on_arrival(std::uint8_t side, View frame) {
  const std::optional<Packet> packet = arrived_[side].read(frame);
  if (!packet || packet->ip_checksum_error != 0 || packet->tcp_checksum_error != 0) return;
  std::array<End, 2>& ends = talks_[key_of(*packet, side)];
  End& end = ends[side];
  if ((packet->flags & (SYN | RST)) != 0 || (packet->flags & ACK) == 0) return;
  const std::uint32_t window = std::uint32_t{packet->window} << end.scale;
  const std::uint32_t edge = packet->acknowledgement + window;
  if (!end.sent_to || seq_after(packet->acknowledgement, end.end)) return;  // of what it was never sent
  if (!end.said) end.acknowledged = end.acknowledged_before = packet->acknowledgement;
  if (seq_after(packet->acknowledgement, end.acknowledged)) {
    if (end.acknowledged_ns + burst_ns_max < scheduler_.now()) end.acknowledged_before = end.acknowledged;
    end.acknowledged = packet->acknowledgement;
    end.acknowledged_ns = scheduler_.now();
  }
  if (!end.said || seq_after(edge, end.edge)) end.edge = edge;
  end.said = true;
}

// An error goes to the one who sent what it quotes, of a connection that has been seen.
void WireOracle::check_error(const QuotedError& error, std::uint8_t side) {
  if (error.outer.ip_checksum_error != 0) finding(&error.quoted, "wrong IP checksum of an error");
  if (error.outer.tcp_checksum_error != 0) finding(&error.quoted, "wrong ICMP checksum");
  check_source(error.outer, side ^ 1);
  if (error.quoted.source != error.outer.destination) finding(&error.quoted, "error for someone else");
  if (talks_.count(key_of(error.quoted, side)) == 0) finding(&error.quoted, "error about no connection");
}

// A SYN counts when it leaves: one that does not leave opens nothing.
void WireOracle::begin(End& sender, End& receiver, const Packet& syn) {
  if (sender.known && sender.isn == syn.sequence) return;
  sender = End{};
  sender.known = true;
  sender.isn = syn.sequence;
  sender.scale = read_options(syn.options).scale.value_or(0);
  sender.first_window = syn.window;
  receiver.said = false;  // what it has acknowledged was another connection's
  if ((syn.flags & ACK) == 0) return;
  sender.said = true;
  sender.sent_to = true;
  sender.end = sender.acknowledged = sender.acknowledged_before = syn.acknowledgement;
  sender.edge = syn.acknowledgement + syn.window;
}

// `side`: towards which it leaves.
void WireOracle::check_place(const Packet& packet, std::uint8_t side) {
  std::array<End, 2>& ends = talks_[key_of(packet, side ^ 1)];
  End& end = ends[side];
  if ((packet.flags & SYN) != 0) begin(ends[side ^ 1], end, packet);
  const bool both = end.known && end.said && ends[side ^ 1].known;
  const std::uint32_t last = packet.sequence + packet.length();
  const bool fresh = end.acknowledged_ns + burst_ns_max >= scheduler_.now();
  const std::uint32_t acknowledged = fresh ? end.acknowledged_before : end.acknowledged;
  if (both && !packet.payload.empty()) {
    if (seq_after(packet.sequence + static_cast<std::uint32_t>(packet.payload.size()), end.edge))
      finding(&packet, "data beyond the window of their receiver");
    if (!missed_ && is_honest(packet) && !seq_after(last, acknowledged))
      finding(&packet, "data that their receiver has acknowledged");
  }
  if (packet.length() == 0) return;
  if (((packet.flags & SYN) != 0 && !both) || !end.sent_to || seq_after(last, end.end)) end.end = last;
  if ((packet.flags & SYN) != 0 && end.known && !end.said) {
    end.said = true;
    end.acknowledged = end.acknowledged_before = packet.sequence;
    end.edge = last + end.first_window;
  }
  end.sent_to = true;
}

void WireOracle::on_departure(std::uint8_t side, View frame) {
  if (const std::optional<QuotedError> error = decode_error(frame)) return check_error(*error, side);
  const std::optional<Packet> packet = decode(frame);
  if (!packet) return finding(nullptr, "a frame that is no whole TCP segment has left");
  if (packet->vlan.size() > 1 || (packet->vlan.size() == 1 && (packet->vlan[0] & 0xFFF) != 0))
    finding(&*packet, "VLAN that no zone has");
  check_form(*packet);
  check_source(*packet, side ^ 1);
  check_place(*packet, side);
}

}  // namespace conduit::simulation
