#include "tests/simulation/attacker/hand.hpp"

#include <algorithm>

#include "tests/simulation/tcp_connection.hpp"

namespace conduit::simulation {

namespace {

// What goes right behind the permitted one: at times denied because of that.
void draw_follow_up(Random& random, const ProtocolModel& protocol, const Rules& rules, std::uint32_t number,
                    Booty& booty) {
  const std::unique_ptr<Conversation> conversation = protocol.conversation(Viewpoint::CLIENT);
  if (conversation == nullptr) return;
  const Octets next = protocol.follow_up(booty.permitted, number, random);
  conversation->passed(booty.permitted, true);
  if (!next.empty() && !rules.permits(next, conversation->standing(next), false)) booty.denied = next;
}

}  // namespace

Booty draw_booty(Random& random, const ProtocolModel& protocol, const Rules& rules, std::uint32_t number) {
  constexpr int tries = 400;
  // By the rules alone: what the conversation adds is there, or not, when the technique is played.
  constexpr std::uint32_t any_place = may_be_joined;
  Booty booty;
  for (int i = 0; i < tries && booty.denied.empty(); ++i) {
    const Octets request = protocol.request(random, rules, number);
    if (!rules.permits(request, any_place, false)) booty.denied = request;
  }
  if (booty.denied.empty()) booty.denied = protocol.bad_request(random, number);
  for (int i = 0; i < tries && booty.twin.empty(); ++i) {
    // Numbers of their own, so that it is known which of them an answer is for.
    const bool first = booty.permitted.empty();
    const Octets request = protocol.request(random, rules, first ? number + 1 : number + 2);
    if (!rules.permits(request, any_place, false)) continue;
    if (first) booty.permitted = request;
    if (first) draw_follow_up(random, protocol, rules, number + 2, booty);
    if (!first && request.size() == booty.denied.size() && request != booty.denied) booty.twin = request;
  }
  for (std::uint32_t i = 1; i <= 6; ++i)
    booty.several.push_back(protocol.request(random, rules, number + 2 + i));
  return booty;
}

Hand::Hand(const Host& host, Network& network, Random random, const HostAddress& peer, bool ipv6,
           std::uint16_t own_port, std::uint16_t peer_port)
    : host_(host),
      network_(network),
      random_(random),
      peer_(peer),
      ipv6_(ipv6),
      own_port_(own_port),
      peer_port_(peer_port) {
  isn_ = random_.chance(1, 6) ? 0xFFFFFFFF - static_cast<std::uint32_t>(random_.below(30))
                              : static_cast<std::uint32_t>(random_.next());
  Random clocks = random_.fork("clock");
  if (clocks.chance(1, 3)) stamp_shift = 0xFFFFFFFF - clock() - static_cast<std::uint32_t>(clocks.below(400));
}

Packet Hand::blank() const {
  Packet packet;
  packet.source_mac = host_.address.mac;
  packet.destination_mac = peer_.mac;
  packet.vlan = vlan;
  packet.ipv6 = ipv6_;
  if (ipv6_) {
    packet.source = host_.address.ipv6;
    packet.destination = peer_.ipv6;
  } else {
    std::copy(host_.address.ipv4.begin(), host_.address.ipv4.end(), packet.source.begin());
    std::copy(peer_.ipv4.begin(), peer_.ipv4.end(), packet.destination.begin());
  }
  packet.source_port = own_port_;
  packet.destination_port = peer_port_;
  packet.window = window;
  packet.identification = static_cast<std::uint16_t>(next_);
  return packet;
}

std::uint32_t Hand::clock() const {
  return static_cast<std::uint32_t>(network_.scheduler().now() / millisecond) + stamp_shift;
}

void Hand::send(Packet packet) { network_.send(host_, encode(packet)); }

namespace {

void add_stamp(Packet& packet, std::uint32_t value, std::uint32_t echo) {
  packet.options.insert(packet.options.end(), {1, 1, 8, 10});
  for (const std::uint32_t number : {value, echo}) {
    for (int shift = 24; shift >= 0; shift -= 8)
      packet.options.push_back(static_cast<std::uint8_t>(number >> shift));
  }
}

}  // namespace

void Hand::put(std::int64_t offset, View payload, const Tweak& tweak) {
  Packet packet = blank();
  packet.sequence = sequence(offset);
  packet.acknowledgement = peer_next_;
  packet.flags = payload.empty() ? ACK : ACK | PSH;
  if (stamps) add_stamp(packet, clock(), peer_stamp_);
  packet.payload.assign(payload.begin(), payload.end());
  if (tweak) tweak(packet);
  send(std::move(packet));
}

namespace {

std::vector<Octets> cut(Packet packet, std::uint32_t sequence, std::uint32_t acknowledgement, View payload,
                        std::uint16_t identification, const std::vector<std::uint16_t>& places) {
  packet.sequence = sequence;
  packet.acknowledgement = acknowledgement;
  packet.flags = ACK | PSH;
  packet.identification = identification;
  packet.payload.assign(payload.begin(), payload.end());
  return fragment(packet, places);
}

}  // namespace

void Hand::put_in_fragments(std::int64_t offset, View payload, const std::vector<std::uint16_t>& places,
                            bool backwards) {
  const auto name = static_cast<std::uint16_t>((own_port_ << 4) + fragmented_++);
  std::vector<Octets> frames = cut(blank(), sequence(offset), peer_next_, payload, name, places);
  if (backwards) std::reverse(frames.begin(), frames.end());
  for (Octets& frame : frames) network_.send(host_, std::move(frame));
}

void Hand::put_torn(std::int64_t offset, View one, View other, const std::vector<std::uint16_t>& places) {
  const auto name = static_cast<std::uint16_t>((own_port_ << 4) + fragmented_++);
  const std::vector<Octets> both[2] = {cut(blank(), sequence(offset), peer_next_, one, name, places),
                                       cut(blank(), sequence(offset), peer_next_, other, name, places)};
  for (std::size_t i = 0; i < std::min(both[0].size(), both[1].size()); ++i) {
    const std::size_t first = random_.below(2);
    network_.send(host_, both[first][i]);
    if (random_.chance(1, 2)) network_.send(host_, both[first ^ 1U][i]);
  }
}

void Hand::syn(const Tweak& tweak) {
  Packet packet = blank();
  packet.sequence = isn_;
  packet.flags = SYN;
  packet.options = {2, 4, 5, 0xB4};
  if (stamps) add_stamp(packet, clock(), 0);
  if (tweak) tweak(packet);
  send(std::move(packet));
}

void Hand::later(std::uint64_t ms, std::function<void()> task) {
  network_.scheduler().after(ms * millisecond, std::move(task));
}

void Hand::on_packet(const Packet& packet) {
  last_ = packet;
  if ((packet.flags & RST) != 0) return;
  const TcpOptions options = read_options(packet.options);
  if (options.has_timestamp) peer_stamp_ = options.timestamp;
  if ((packet.flags & SYN) != 0) {
    peer_isn_ = packet.sequence;
    peer_next_ = packet.sequence + 1;
    if ((packet.flags & ACK) == 0 || open) return;
    open = true;
    ack();
    if (on_open) on_open();
    return;
  }
  if (packet.length() == 0) return;
  if (packet.sequence == peer_next_) {
    peer_next_ += packet.length();
    if (on_data) on_data(packet.payload);
  }
  if (answers) ack();
}

}  // namespace conduit::simulation
