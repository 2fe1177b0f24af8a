#include "tests/simulation/wire.hpp"

#include <algorithm>

#include "tests/simulation/protocol.hpp"
#include "tests/simulation/tcp_connection.hpp"

namespace conduit::simulation {
namespace {

constexpr std::size_t findings_max = 20;
constexpr std::uint64_t burst_ns_max = millisecond;  // the gateway may take so long to look at a frame
constexpr std::uint16_t honest_port_first = 20000;   // client ports of honest dialogues
constexpr std::uint16_t honest_port_end = 30000;
constexpr std::uint8_t fast_open_kind = 34;
constexpr std::uint64_t sweep_ns_max = 20 * millisecond;  // until flows that say nothing are looked at
constexpr std::uint32_t below_max = 16384;     // octets, beyond the largest window: replies, what was removed
constexpr std::size_t remembered_max = 65536;  // octets of a stream, for quotations

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

const HostAddress* WireOracle::asset_of(const Packet& packet, std::uint8_t sender_side) const {
  for (const HostAddress& host : sender_side == 0 ? plant_.clients : plant_.servers) {
    const bool same = packet.ipv6 ? packet.source == host.ipv6
                                  : std::equal(host.ipv4.begin(), host.ipv4.end(), packet.source.begin());
    if (same) return &host;
  }
  return nullptr;
}

void WireOracle::check_source(const Packet& packet, std::uint8_t sender_side) {
  const HostAddress* const host = asset_of(packet, sender_side);
  if (host == nullptr) return finding(&packet, "source that is no asset of that side");
  if (plant_.mac_bound && packet.source_mac != host->mac) finding(&packet, "another MAC than its asset's");
}

void WireOracle::in_force(const PlantPolicy* policy, bool island) {
  spans_.push_back({scheduler_.now(), policy, island});
}

// `whole`: it has not come in fragments. A contradiction is only what no gateway may take for anything else.
void WireOracle::note_octets(const Packet& packet, bool whole, Talk& talk) {
  End& end = talk.ends[0];
  if (end.octets.size() >= remembered_max) return;
  const TcpOptions options = read_options(packet.options);
  const bool usual = (packet.flags & ~PSH) == ACK && packet.vlan.size() == plant_.has_aside() &&
                     packet.reserved == 0 && packet.ttl >= 2 &&
                     (packet.options.empty() || options.has_timestamp);
  const bool newest = !options.has_timestamp || !seq_before(options.timestamp, end.come_stamp);
  const bool has_room = talk.ends[1].said && !seq_after(packet.sequence + packet.length(), talk.ends[1].edge);
  // An honest segment that was overtaken has an older stamp; what it brings is sent all the same.
  const bool due = newest && has_room && talk.answers_its_server(packet);
  if (!usual || !(due || is_honest(packet))) return;
  if (newest && options.has_timestamp) end.come_stamp = options.timestamp;
  bool contradicts = false;
  for (std::uint32_t i = 0; i < packet.payload.size(); ++i) {
    const std::uint32_t place = packet.sequence + i;
    const auto [at, first] = end.octets.emplace(place, packet.payload[i]);
    const bool open = !seq_before(place, end.told) && !seq_after(place, end.told + 500);
    contradicts = contradicts || (!first && open && at->second != packet.payload[i]);
  }
  if (contradicts && whole && talk.lives() && !unknown_.interrupted) ++contradictions_;
}

void WireOracle::note_quotation(const QuotedError& error) {
  const auto talk = talks_.find(key_of(error.quoted, 0));
  if (talk == talks_.end() || error.outer.ip_checksum_error != 0 || error.outer.tcp_checksum_error != 0)
    return;
  const End& server = talk->second.ends[1];
  const bool fresh = server.said && !seq_before(error.quoted.sequence, server.acknowledged);
  talk->second.quotations.push_back({error.quoted.payload, fresh});
}

void WireOracle::on_arrival(std::uint8_t side, View frame) {
  if (const std::optional<QuotedError> error = side == 1 ? decode_error(frame) : std::nullopt)
    return note_quotation(*error);
  const std::optional<Packet> packet = arrived_[side].read(frame);
  if (!packet || packet->ip_checksum_error != 0 || packet->tcp_checksum_error != 0) return;
  // What comes from another MAC than its asset's says nothing of the asset.
  const HostAddress* const host = asset_of(*packet, side);
  if (plant_.mac_bound && host != nullptr && packet->source_mac != host->mac) return;
  if (!plant_.is_in_its_vlan(*packet, side)) return;
  Talk& talk = talks_[key_of(*packet, side)];
  End& end = talk.ends[side];
  if ((packet->flags & SYN) == 0 && end.known) {
    const std::uint32_t last = packet->sequence + packet->length();
    if (seq_after(last, end.sent_end)) end.sent_end = last;
    if (side == 0) note_octets(*packet, decode(frame).has_value(), talk);
  }
  if ((packet->flags & (SYN | RST)) != 0 || (packet->flags & ACK) == 0) return;
  const std::uint32_t window = std::uint32_t{packet->window} << talk.scale(side);
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
  if (!plant_.is_in_its_vlan(error.outer, side ^ 1)) finding(&error.quoted, "another VLAN than its client's");
  if (error.outer.tcp_checksum_error != 0) finding(&error.quoted, "wrong ICMP checksum");
  check_source(error.outer, side ^ 1);
  if (error.quoted.source != error.outer.destination) finding(&error.quoted, "error for someone else");
  const auto talk = talks_.find(key_of(error.quoted, side));
  if (talk == talks_.end()) return finding(&error.quoted, "error about no connection");
  if (side == 0 && is_honest(error.quoted) && !talk->second.observed)
    check_quotation(error.quoted, talk->second);
}

bool WireOracle::is_renumbered(std::uint16_t port) {
  const auto& models = protocols();
  return std::any_of(models.begin(), models.end(), [port](const ProtocolModel* model) {
    return model->port() == port && model->renumbers();
  });
}

// Only replies are put into streams, and those towards clients: what a client's packet is quoted to have
// carried, the client has sent at that place.
void WireOracle::check_quotation(const Packet& quoted, Talk& talk) {
  const End& sender = talk.ends[0];
  if (unknown_.beginnings || sender.octets.size() >= remembered_max) return;
  std::deque<Quotation>& waiting = talk.quotations;
  // PDUs that carry numbers may have others where they were sent: what they are held against is below.
  const bool numbered = is_renumbered(quoted.destination_port);
  const auto same = [&](const Octets& payload) {
    return numbered ? payload.size() == quoted.payload.size() : payload == quoted.payload;
  };
  while (!waiting.empty() && !same(waiting.front().payload)) waiting.pop_front();
  if (waiting.empty()) return finding(&quoted, "error that nobody has sent");
  const bool fresh = waiting.front().fresh;  // else old for both ends, whatever the exact number
  waiting.pop_front();
  if (!fresh) return;
  if (seq_after(quoted.sequence, sender.sent_end)) finding(&quoted, "error that quotes what was never sent");
  for (std::uint32_t i = 0; i < quoted.payload.size(); ++i) {
    const auto at = sender.octets.find(quoted.sequence + i);
    if (at != sender.octets.end() && at->second == quoted.payload[i]) continue;
    return finding(&quoted, "error that quotes other octets than were sent there");
  }
}

// A SYN counts when it leaves: one that does not leave opens nothing.
void WireOracle::begin(Talk& talk, std::uint8_t sender_side, const Packet& syn) {
  End& sender = talk.ends[sender_side];
  if (sender.known && sender.isn == syn.sequence) return;
  const TcpOptions options = read_options(syn.options);
  sender = End{};
  sender.known = true;
  sender.isn = syn.sequence;
  sender.sent_end = sender.told = syn.sequence + 1;
  sender.come_stamp = options.timestamp;
  sender.scale = options.scale;
  sender.stamps = options.has_timestamp;
  sender.stamp = options.timestamp;
  sender.first_window = syn.window;
  End& other = talk.ends[sender_side ^ 1];
  other.said = false;  // what it has acknowledged was another connection's
  // Until its own SYN comes it may answer with an ACK of the connection that is over, and old segments of
  // that may come late. Its peer is told where it stands, and answers such an ACK with an RST (RFC 9293
  // §3.5.1).
  if (talk.over) other.known = false;
  talk.over = false;
  if ((syn.flags & ACK) == 0) return;
  sender.said = true;
  sender.sent_to = true;
  sender.end = sender.acknowledged = sender.acknowledged_before = syn.acknowledgement;
  sender.edge = syn.acknowledgement + syn.window;
}

// RFC 5961 §3 and §4: beginnings and ends of a connection that lives.
void WireOracle::check_ends(const Packet& packet, std::uint8_t side, Talk& talk) {
  const End& to = talk.ends[side];
  End& from = talk.ends[side ^ 1];
  const bool held = talk.lives() && !unknown_.interrupted && !unknown_.beginnings;
  if ((packet.flags & RST) != 0) {
    const bool exact = packet.sequence == to.end || packet.sequence == to.acknowledged ||
                       packet.sequence == to.acknowledged_before;
    if (held && !exact && !unknown_.acknowledgements) finding(&packet, "RST that its receiver does not take");
    talk.over = true;
    return;
  }
  if ((packet.flags & (SYN | ACK)) == SYN && held && from.isn != packet.sequence)
    finding(&packet, "SYN on a living connection");
  if ((packet.flags & FIN) != 0) from.ended = true;
  if (from.ended && to.ended) talk.over = true;
}

// Numbers that do not depend on where the two ends stand exactly.
void WireOracle::check_numbers(const Packet& packet, std::uint8_t side, Talk& talk) {
  const End& to = talk.ends[side];
  End& from = talk.ends[side ^ 1];
  if (!to.known || !from.known || unknown_.interrupted || (packet.flags & (SYN | RST)) != 0) return;
  const TcpOptions options = read_options(packet.options);
  if (seq_after(packet.acknowledgement, talk.ends[side].told)) talk.ends[side].told = packet.acknowledgement;
  if (!unknown_.beginnings) {
    if (seq_after(packet.acknowledgement, to.sent_end)) finding(&packet, "acknowledges what was never sent");
    for (const auto& [left, right] : options.sack) {  // of hand-made ones nothing is promised
      if (is_honest(packet) && seq_after(right, to.sent_end)) finding(&packet, "SACK of what was never sent");
    }
    const std::uint32_t lowest = to.acknowledged - (std::uint32_t{65535} << talk.scale(side)) - below_max;
    if (to.said && seq_before(packet.sequence, lowest)) finding(&packet, "number far below the window");
  }
  if (packet.payload.empty() || !options.has_timestamp || !from.stamps || !to.stamps) return;
  if (seq_before(options.timestamp, from.stamp)) return finding(&packet, "data with an old timestamp");
  from.stamp = options.timestamp;
}

// What a server makes of a stump nobody can say.
void WireOracle::check_end_of_stream(const Packet& packet, Talk& talk) {
  End& client = talk.ends[0];
  if (!client.known || unknown_.interrupted || unknown_.beginnings || (packet.flags & (SYN | RST)) != 0)
    return;
  const std::uint32_t first = client.isn + 1;
  if (client.left.size() >= remembered_max) return;
  for (std::uint32_t i = 0; i < packet.payload.size(); ++i)
    client.left.emplace(packet.sequence + i - first, packet.payload[i]);
  if ((packet.flags & FIN) == 0) return;
  Octets stream;
  const std::uint32_t end = packet.sequence + static_cast<std::uint32_t>(packet.payload.size()) - first;
  for (const auto& [offset, octet] : client.left) {
    if (offset != stream.size() || offset == end) break;
    stream.push_back(octet);
  }
  for (const ProtocolModel* protocol : protocols()) {
    if (protocol->port() != packet.destination_port) continue;
    for (View rest(stream); !rest.empty();) {
      const Front front = protocol->front(rest, true);
      if (front.kind == Front::Kind::MORE) return finding(&packet, "a stream that ends within a PDU");
      if (front.kind == Front::Kind::GARBAGE) return;  // the safety oracle's affair
      rest = rest.subspan(front.size);
    }
  }
}

// Replies take room in a window that the server believes to be its own: what it is told, in its own numbers,
// must not lie behind what the client has room for.
void WireOracle::check_told_window(const Packet& packet, const Talk& talk) {
  const End& client = talk.ends[0];
  const End& server = talk.ends[1];
  if (!talk.lives() || !client.sent_to || !is_honest(packet) || (packet.flags & (SYN | RST)) != 0) return;
  if (unknown_.interrupted || unknown_.beginnings || unknown_.acknowledgements) return;
  const std::uint32_t told = packet.acknowledgement + (std::uint32_t{packet.window} << talk.scale(0));
  // A reply that leaves with it was put in place behind it.
  const std::uint32_t end = client.end_ns == scheduler_.now() ? client.end_before : client.end;
  if (seq_after(told + (end - server.sent_end), client.edge))
    finding(&packet, "more room than the client has");
}

// DESIGN law 6. Resets go on: that is how a connection ends which is permitted no more.
void WireOracle::check_service(const Packet& packet, std::uint8_t side) {
  const auto& near = side == 1 ? packet.source : packet.destination;
  const auto& far = side == 1 ? packet.destination : packet.source;
  const auto find = [&packet](const std::vector<HostAddress>& hosts, const std::array<std::uint8_t, 16>& at) {
    const auto same = [&](const HostAddress& host) {
      return packet.ipv6 ? host.ipv6 == at : std::equal(host.ipv4.begin(), host.ipv4.end(), at.begin());
    };
    return static_cast<std::size_t>(std::find_if(hosts.begin(), hosts.end(), same) - hosts.begin());
  };
  const std::size_t client = find(plant_.clients, near);
  const std::size_t server = find(plant_.servers, far);
  const std::uint16_t port = side == 1 ? packet.destination_port : packet.source_port;
  for (std::size_t i = spans_.size(); i-- > 0;) {
    const Span& span = spans_[i];
    for (const Service& service : span.policy->services) {
      if (service.client != client || service.server != server || service.protocol->port() != port) continue;
      const std::vector<Rules::Text> allows = service.rules->allows();
      const bool essential =
          std::any_of(allows.begin(), allows.end(), [](const auto& a) { return a.essential; });
      if (!span.island || essential) return;
    }
    if (span.at_ns + sweep_ns_max <= scheduler_.now()) break;
  }
  if (!spans_.empty()) finding(&packet, "between two that are permitted nothing");
}

// `side`: towards which it leaves.
void WireOracle::check_place(const Packet& packet, std::uint8_t side) {
  Talk& talk = talks_[key_of(packet, side ^ 1)];
  std::array<End, 2>& ends = talk.ends;
  End& end = ends[side];
  check_ends(packet, side, talk);
  if ((packet.flags & SYN) != 0) begin(talk, side ^ 1, packet);
  check_numbers(packet, side, talk);
  if (side == 1) check_told_window(packet, talk);
  if (side == 1) check_end_of_stream(packet, talk);
  const bool both = end.known && end.said && ends[side ^ 1].known;
  const std::uint32_t last = packet.sequence + packet.length();
  const bool fresh = end.acknowledged_ns + burst_ns_max >= scheduler_.now();
  const std::uint32_t acknowledged = fresh ? end.acknowledged_before : end.acknowledged;
  if (both && !packet.payload.empty()) {
    if (seq_after(packet.sequence + static_cast<std::uint32_t>(packet.payload.size()), end.edge))
      finding(&packet, "data beyond the window of their receiver");
    if (!unknown_.acknowledgements && is_honest(packet) && !seq_after(last, acknowledged))
      finding(&packet, "data that their receiver has acknowledged");
  }
  if (packet.length() == 0) return;
  if (end.end_ns != scheduler_.now()) end.end_before = end.end;
  end.end_ns = scheduler_.now();
  if (((packet.flags & SYN) != 0 && !both) || !end.sent_to || seq_after(last, end.end)) end.end = last;
  if ((packet.flags & SYN) != 0 && end.known && !end.said) {
    end.said = true;
    end.acknowledged = end.acknowledged_before = packet.sequence;
    end.edge = last + end.first_window;
  }
  end.sent_to = true;
}

// By the policy that is in force, or was just now.
bool WireOracle::observes() const {
  for (std::size_t i = spans_.size(); i-- > 0;) {
    if (spans_[i].policy->observe) return true;
    if (spans_[i].at_ns + burst_ns_max <= scheduler_.now()) break;
  }
  return false;
}

// Of a connection that has begun before nobody says where its ends stand.
bool WireOracle::was_observed(const Packet& packet, std::uint8_t sender_side) {
  Talk& talk = talks_[key_of(packet, sender_side)];
  const bool anew = sender_side == 0 && (packet.flags & (SYN | ACK)) == SYN;
  if (talk.observed && anew) talk = Talk{};
  return talk.observed;
}

void WireOracle::on_departure(std::uint8_t side, View frame) {
  const bool datagrams = std::any_of(spans_.begin(), spans_.end(),
                                     [](const Span& span) { return !span.policy->datagrams.empty(); });
  if (datagrams && decode_datagram(frame)) return;  // their own oracle looks at them
  const std::optional<Packet> packet = decode(frame);
  if (observes()) {
    if (packet) talks_[key_of(*packet, side ^ 1)].observed = true;
    return;
  }
  if (const std::optional<QuotedError> error = decode_error(frame)) return check_error(*error, side);
  if (!packet) return finding(nullptr, "a frame that is no whole TCP segment has left");
  if (!plant_.is_in_its_vlan(*packet, side ^ 1)) finding(&*packet, "another VLAN than its client's");
  check_form(*packet);
  check_source(*packet, side ^ 1);
  if ((packet->flags & RST) == 0) check_service(*packet, side);
  if (!was_observed(*packet, side ^ 1)) check_place(*packet, side);
}

}  // namespace conduit::simulation
