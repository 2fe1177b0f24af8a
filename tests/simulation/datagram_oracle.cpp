#include "tests/simulation/datagram_oracle.hpp"

#include <algorithm>

namespace conduit::simulation {
namespace {

constexpr std::size_t findings_max = 30;
constexpr std::uint64_t burst_ns_max = millisecond;  // the gateway may take so long to look at a frame

std::string hex(View octets) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < octets.size() && i < 60; ++i) {
    text += digits[octets[i] >> 4];
    text += digits[octets[i] & 15];
  }
  return text;
}

bool is_sound(const Packet& packet) {
  return packet.ip_checksum_error == 0 && packet.tcp_checksum_error == 0 && packet.udp_length_error == 0 &&
         !(packet.udp_checksum_absent) && packet.ttl >= 2;
}

}  // namespace

std::optional<DatagramOracle::Path> DatagramOracle::path_of(const Packet& packet,
                                                            std::uint8_t from_side) const {
  const auto find = [&](const std::vector<HostAddress>& hosts, const std::array<std::uint8_t, 16>& address) {
    const auto same = [&](const HostAddress& host) {
      return packet.ipv6 ? host.ipv6 == address
                         : std::equal(host.ipv4.begin(), host.ipv4.end(), address.begin());
    };
    return static_cast<std::size_t>(std::find_if(hosts.begin(), hosts.end(), same) - hosts.begin());
  };
  const auto& near = from_side == 0 ? plant_.clients : plant_.servers;
  const auto& far = from_side == 0 ? plant_.servers : plant_.clients;
  const std::size_t from = find(near, packet.source);
  const std::size_t to = find(far, packet.destination);
  if (from == near.size() || to == far.size() || packet.ipv6 != plant_.ipv6) return {};
  return Path{{from_side, from, packet.source_port},
              {static_cast<std::uint8_t>(from_side ^ 1), to, packet.destination_port}};
}

// Nothing: such requests no rule can name.
std::optional<DatagramPlace> DatagramOracle::place_of(const Path& asking) {
  const bool back = asking.from.side == 1;
  const std::size_t client = back ? asking.to.number : asking.from.number;
  const std::size_t server = back ? asking.from.number : asking.to.number;
  for (const DatagramModel* protocol : datagram_models()) {
    if (protocol->port() == asking.to.port && (!back || protocol->both_ask()))
      return DatagramPlace{client, server, back, protocol};
  }
  return {};
}

const DatagramModel* DatagramOracle::protocol_of(const Path& path) {
  for (const DatagramModel* protocol : datagram_models()) {
    if (protocol->port() == path.to.port || protocol->port() == path.from.port) return protocol;
  }
  return nullptr;
}

bool DatagramOracle::is_answer(const DatagramModel& protocol, const Path& path, View pdu) {
  if (protocol.both_ask()) return path.from.port == protocol.port() && protocol.is_answer(pdu);
  return path.from.side == 1;
}

void DatagramOracle::finding(const char* oracle, const Packet& packet, const std::string& what) {
  if (findings_.size() >= findings_max) return;
  findings_.push_back({oracle,
                       what + " (UDP ports " + std::to_string(packet.source_port) + " to " +
                           std::to_string(packet.destination_port) + ": " + hex(packet.payload) + ")",
                       scheduler_.now()});
}

// A datagram in fragments may come twice, and which pieces the gateway puts together is its affair.
void DatagramOracle::note_arrival(const Path& path, View payload, bool in_fragments) {
  const Octets octets(payload.begin(), payload.end());
  const std::uint32_t times = in_fragments ? 2 : 1;
  Passed& passed = passed_[{path, octets}];
  passed.times_come += times;
  passed.in_fragments = passed.in_fragments || in_fragments;
  const DatagramModel* protocol = protocol_of(path);
  if (protocol == nullptr || is_answer(*protocol, path, payload) || protocol->goes_on(payload)) return;
  Exchange& exchange = exchanges_[{path, protocol->exchange(payload, true)}];
  exchange.asked.insert(octets);
  exchange.times_asked += times;
}

void DatagramOracle::note_fragment(FragmentReader& reader, std::uint8_t side, View frame) {
  if (!carries_udp(frame) || decode_datagram(frame)) return;
  const std::optional<Packet> packet = reader.read(frame);
  if (!packet) return;
  if (const std::optional<Path> path = path_of(*packet, side)) note_arrival(*path, packet->payload, true);
}

void DatagramOracle::on_sent(const Host& host, View frame) {
  note_fragment(sent_[host.side], host.side, frame);
}

void DatagramOracle::promise(const Path& path, const Packet& packet) {
  const std::optional<DatagramPlace> place = place_of(path);
  if (!place || is_answer(*place->protocol, path, packet.payload)) return;
  const DatagramModel& protocol = *place->protocol;
  if (protocol.in_parts(packet.payload)) return;  // its client will tell
  const DatagramService* service = timeline_.service(*place);
  if (service == nullptr) return;
  const bool permitted = service->rules->permits(packet.payload, 0, false);
  const bool refused = !permitted && service->on_deny == OnDeny::REFUSE &&
                       protocol.well_formed(packet.payload) && !protocol.silent(packet.payload);
  if (!permitted && !refused) return;
  promises_.push_back(
      {scheduler_.now(), path, packet.payload, refused, packet.source_mac, packet.destination_mac});
}

void DatagramOracle::on_arrival(std::uint8_t side, View frame) {
  note_fragment(come_[side], side, frame);
  const std::optional<Packet> packet = decode_datagram(frame);
  if (!packet) return;
  const std::optional<Path> path = path_of(*packet, side);
  if (!is_sound(*packet) || !path) {
    ++unsound_;
    return;
  }
  note_arrival(*path, packet->payload, false);
  promise(*path, *packet);
}

void DatagramOracle::check_form(const Packet& packet, std::uint8_t from_side) {
  if (packet.ip_checksum_error != 0) finding("wire", packet, "wrong IP checksum");
  if (packet.tcp_checksum_error != 0) finding("wire", packet, "wrong UDP checksum");
  if (packet.udp_checksum_absent) finding("wire", packet, "no UDP checksum");
  if (packet.udp_length_error != 0) finding("wire", packet, "wrong UDP length");
  if (packet.ttl < 2) finding("wire", packet, "time to live that the next hop ends");
  const std::optional<Path> path = path_of(packet, from_side);
  if (!path) return finding("wire", packet, "from or to no asset");
  const HostAddress& host = (from_side == 0 ? plant_.clients : plant_.servers)[path->from.number];
  if (plant_.mac_bound && packet.source_mac != host.mac)
    finding("wire", packet, "another MAC than its asset's");
}

// Has it come from its sender, and not left as often? A negative reply may be the gateway's own.
bool DatagramOracle::check_octets(const Packet& packet, const Path& path, const DatagramModel* protocol) {
  const auto at = passed_.find({path, packet.payload});
  if (at != passed_.end() && at->second.left_ns.size() < at->second.times_come) {
    at->second.left_ns.push_back(scheduler_.now());
    return true;
  }
  const bool own = protocol != nullptr && is_answer(*protocol, path, packet.payload) &&
                   protocol->is_negative(packet.payload);
  if (own) return false;
  finding("transparency", packet,
          at == passed_.end() ? "octets that nobody has sent" : "more often than it came");
  return true;
}

std::uint64_t DatagramOracle::denied() const {
  std::uint64_t count = unsound_;
  for (const auto& [what, passed] : passed_) {
    if (!passed.in_fragments) count += passed.times_come - passed.left_ns.size();
  }
  return count;
}

void DatagramOracle::judge_answer(const Packet& packet, const Path& asking, const DatagramModel& protocol,
                                  View pdu) {
  const auto at = exchanges_.find({asking, protocol.exchange(pdu, false)});
  if (at == exchanges_.end()) return finding("safety", packet, "an answer that nobody has asked for");
  Exchange& exchange = at->second;
  const bool negative = protocol.is_negative(pdu);
  const std::set<Octets>& requests = negative ? exchange.asked : exchange.left;
  if (std::none_of(requests.begin(), requests.end(),
                   [&](const Octets& request) { return protocol.answers(pdu, request); }))
    return finding("safety", packet, "an answer to no request that was let through");
  const bool counts = !protocol.in_parts(pdu);
  if (counts && ++exchange.times_answered > exchange.times_asked)
    return finding("safety", packet, "more answers than requests");
  if (negative) exchange.refused_ns.push_back(scheduler_.now());
}

void DatagramOracle::judge(const Packet& packet, const Path& path, View pdu) {
  ++judged_;
  const DatagramModel* protocol = protocol_of(path);
  if (protocol == nullptr) return finding("safety", packet, "between ports that no rule names");
  if (is_answer(*protocol, path, pdu)) return judge_answer(packet, {path.to, path.from}, *protocol, pdu);
  if (protocol->goes_on(pdu)) {
    const auto exchange = exchanges_.find({path, protocol->exchange(pdu, true)});
    if (exchange == exchanges_.end() || exchange->second.left.empty())
      finding("safety", packet, "goes on with an exchange that has not begun");
    return;
  }
  const std::optional<DatagramPlace> place = place_of(path);
  const std::uint64_t from = scheduler_.now() - burst_ns_max;
  if (!place || !timeline_.some_permits(*place, pdu, from))
    return finding("safety", packet, "a denied request has reached its receiver");
  exchanges_[{path, protocol->exchange(pdu, true)}].left.insert(Octets(pdu.begin(), pdu.end()));
}

void DatagramOracle::judge_wholes(const Packet& packet, const Path& path, const DatagramModel& protocol) {
  std::unique_ptr<PartReader>& reader = part_readers_[path];
  if (reader == nullptr) reader = protocol.part_reader();
  if (reader == nullptr) return;
  for (const Octets& whole : reader->take(packet.payload)) judge(packet, path, whole);
}

void DatagramOracle::on_departure(std::uint8_t side, View frame) {
  const std::optional<Packet> packet = decode_datagram(frame);
  if (!packet) return;
  const std::uint8_t from_side = side ^ 1;
  check_form(*packet, from_side);
  const std::optional<Path> path = path_of(*packet, from_side);
  if (!path) return;
  const DatagramModel* protocol = protocol_of(*path);
  const bool own = !check_octets(*packet, *path, protocol);
  const View payload(packet->payload);
  judge(*packet, *path, payload);
  if (protocol != nullptr) judge_wholes(*packet, *path, *protocol);
  const auto asking = part_readers_.find({path->to, path->from});
  if (!own && asking != part_readers_.end() && asking->second != nullptr) asking->second->answered(payload);
  const std::size_t front = protocol == nullptr ? 0 : protocol->front(payload);
  if (front == 0 || front == payload.size()) return;
  judge(*packet, *path, payload.first(front));
  judge(*packet, *path, payload.subspan(front));
}

void DatagramOracle::check_promises(const std::set<std::array<std::uint8_t, 6>>& hostile,
                                    std::vector<Finding>& findings) const {
  for (const Promise& promise : promises_) {
    const std::uint64_t due = promise.at_ns + burst_ns_max;
    if (due >= scheduler_.now() || hostile.contains(promise.mac) || hostile.contains(promise.to_mac))
      continue;
    if (!timeline_.settled(promise.at_ns - burst_ns_max, due)) continue;
    const auto kept = [&](const std::vector<std::uint64_t>& times) {
      return std::any_of(times.begin(), times.end(),
                         [&](std::uint64_t at) { return at >= promise.at_ns && at <= due; });
    };
    const DatagramModel& protocol = *protocol_of(promise.path);
    const Octets number = protocol.exchange(promise.payload, true);
    if (kept(promise.refusal ? exchanges_.at({promise.path, number}).refused_ns
                             : passed_.at({promise.path, promise.payload}).left_ns))
      continue;
    findings.push_back({promise.refusal ? "refusal" : "liveness",
                        std::string(promise.refusal ? "nobody has told of the refusal of "
                                                    : "permitted, and has not left: ") +
                            hex(promise.payload) + " (from port " + std::to_string(promise.path.from.port) +
                            ", at " + std::to_string(promise.at_ns / microsecond) + " us)",
                        scheduler_.now()});
    if (findings.size() >= findings_max) return;
  }
}

}  // namespace conduit::simulation
