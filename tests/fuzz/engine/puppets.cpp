#include "tests/fuzz/engine/puppets.hpp"

#include <algorithm>

namespace conduit::fuzz {
namespace {

using namespace conduit::simulation;

constexpr std::uint16_t client_port = 40000;
constexpr std::size_t ethernet_size = 14;

void put16(Octets& out, std::uint32_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}
void put32(Octets& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xFFFF);
}

// RFC 1071.
std::uint16_t checksum(View octets) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < octets.size(); ++i) sum += std::uint32_t{octets[i]} << (i % 2 == 0 ? 8 : 0);
  while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void set16(Octets& octets, std::size_t at, std::uint16_t value) {
  octets[at] = static_cast<std::uint8_t>(value >> 8);
  octets[at + 1] = static_cast<std::uint8_t>(value);
}

std::uint8_t flags_of(std::uint8_t kind) {
  static constexpr std::array<std::uint8_t, 8> sets{
      ACK, PSH | ACK, SYN, SYN | ACK, FIN | ACK, RST, RST | ACK, static_cast<std::uint8_t>(URG | ACK)};
  return sets[kind % sets.size()];
}

std::int8_t as_signed(std::uint8_t octet) { return static_cast<std::int8_t>(octet); }

}  // namespace

void Puppet::on_frame(View frame) {
  last_received.assign(frame.begin(), frame.end());
  const std::optional<Packet> packet = decode(frame);
  if (!packet || packet->tcp_checksum_error != 0) return;
  const std::uint16_t port = side == 0 ? packet->destination_port : packet->source_port;
  if (port < client_port || port >= client_port + connection_count) return;
  End& end = ends[port - client_port];
  if ((packet->flags & SYN) != 0) end.expected = packet->sequence;
  if (packet->sequence == end.expected) end.expected += packet->length();
}

Puppets::Puppets(Network& network, const Plant& plant, const ProtocolModel& protocol)
    : network_(network), protocol_(protocol), ipv6_(plant.ipv6) {
  for (Talk& talk : talks_) talk = {protocol.client_end(), protocol.server_end()};
  for (std::uint8_t side = 0; side < 2; ++side) {
    puppets_[side].side = side;
    puppets_[side].address = side == 0 ? plant.clients[0] : plant.servers[0];
    network_.attach(puppets_[side]);
  }
}

Packet Puppets::packet(std::uint8_t side, std::size_t connection) const {
  const HostAddress& from = puppets_[side].address;
  const HostAddress& to = puppets_[side ^ 1].address;
  Packet packet;
  packet.source_mac = from.mac;
  packet.destination_mac = to.mac;
  packet.ipv6 = ipv6_;
  const auto fill = [this](std::array<std::uint8_t, 16>& into, const HostAddress& address) {
    if (ipv6_) {
      into = address.ipv6;
    } else {
      std::copy(address.ipv4.begin(), address.ipv4.end(), into.begin());
    }
  };
  fill(packet.source, from);
  fill(packet.destination, to);
  const auto port = static_cast<std::uint16_t>(client_port + connection);
  const std::uint16_t service = protocol_.port();
  packet.source_port = side == 0 ? port : service;
  packet.destination_port = side == 0 ? service : port;
  return packet;
}

void Puppets::add_options(Packet& packet, std::uint8_t choice) const {
  if ((choice & 1) != 0) packet.options.insert(packet.options.end(), {2, 4, 0x05, 0xB4});
  if ((choice & 2) != 0) packet.options.insert(packet.options.end(), {4, 2});
  if ((choice & 4) != 0) packet.options.insert(packet.options.end(), {3, 3, 7});
  if ((choice & 8) != 0) packet.options.insert(packet.options.end(), {34, 2});
}

void Puppets::add_timestamp(Packet& packet, std::size_t connection) const {
  const bool stamps = puppets_[0].ends[connection].stamps && puppets_[1].ends[connection].stamps;
  if (!stamps && (packet.flags & SYN) == 0) return;
  packet.options.insert(packet.options.end(), {1, 1, 8, 10});
  put32(packet.options, static_cast<std::uint32_t>(network_.scheduler().now() / millisecond));
  put32(packet.options, 0);
}

void Puppets::send(std::uint8_t side, Octets frame) {
  puppets_[side].last_sent = frame;
  network_.send(puppets_[side], std::move(frame));
}

void Puppets::settle() {
  const std::uint64_t end = network_.scheduler().now() + 300 * microsecond;
  while (network_.scheduler().step(end)) {
  }
}

void Puppets::open(Script& script) {
  const std::size_t connection = script.octet() % connection_count;
  const std::uint8_t choice[2] = {script.octet(), script.octet()};
  for (std::uint8_t side = 0; side < 2; ++side) {
    End& end = puppets_[side].ends[connection];
    end = End{};
    // Numbers that wrap soon, or in the middle of nowhere; another opening begins behind the last one.
    end.first = (choice[side] & 0x80) != 0 ? 0xFFFFFFF0U : 0x10000U * (1U + choice[side]);
    end.first += static_cast<std::uint32_t>(network_.scheduler().now() / millisecond);
    end.stamps = (choice[side] & 0x10) != 0;
  }
  talks_[connection] = {protocol_.client_end(), protocol_.server_end()};
  for (int step = 0; step < 3; ++step) {
    const auto side = static_cast<std::uint8_t>(step & 1);
    End& end = puppets_[side].ends[connection];
    Packet out = packet(side, connection);
    out.flags = step == 0 ? SYN : step == 1 ? SYN | ACK : ACK;
    out.sequence = end.first - (step == 2 ? 0U : 1U);
    out.acknowledgement = step == 0 ? 0 : end.expected;
    out.window = windows[(choice[side] >> 5) & 3];
    if (step != 2) add_options(out, choice[side]);
    if (end.stamps) add_timestamp(out, connection);
    send(side, encode(out));
    settle();
  }
}

void Puppets::compose(Script& script, const PlantPolicy& policy) {
  const std::uint8_t which = script.octet();
  const auto side = static_cast<std::uint8_t>((which >> 2) & 1);
  const std::size_t connection = which % connection_count;
  const auto material = static_cast<Material>(script.octet() % static_cast<unsigned>(Material::COUNT));
  const std::uint8_t seed = script.octet();
  Octets& stream = puppets_[side].ends[connection].stream;
  if (stream.size() > 60000) return;
  if (material != Material::OCTETS) return say(side, connection, material, policy, seed);
  const View octets = script.octets(seed);
  stream.insert(stream.end(), octets.begin(), octets.end());
}

void Puppets::say(std::uint8_t side, std::size_t connection, Material material, const PlantPolicy& policy,
                  std::uint8_t seed) {
  Talk& talk = talks_[connection];
  const Service* service = policy.find(0, 0, protocol_);
  Random random(seed);
  const auto add = [&](Octets octets) {
    simulation::End& end = side == 0 ? static_cast<simulation::End&>(*talk.client) : *talk.server;
    octets = end.numbered(std::move(octets), 0);
    end.sent(octets);
    if (side == 0) talk.asked = octets;
    Octets& stream = puppets_[side].ends[connection].stream;
    stream.insert(stream.end(), octets.begin(), octets.end());
  };
  const auto request = [&] {
    return service == nullptr ? protocol_.bad_request(random, seed)
                              : protocol_.request(random, *service->rules, seed);
  };
  const auto reply = [&](const Octets& asked) {
    if (asked.empty()) return;
    const ServerEnd::Reaction reaction = talk.server->on_request(asked, random);
    if (!reaction.answer.empty()) add(reaction.answer);
    for (const Octets& more : reaction.more) add(more);
    for (const Octets& unasked : reaction.unasked) add(unasked);
  };
  switch (material) {
    case Material::TWO_REQUESTS: add(request()); [[fallthrough]];
    case Material::REQUEST: add(request()); break;
    case Material::BAD_REQUEST: add(protocol_.bad_request(random, seed)); break;
    case Material::ANSWER: add(protocol_.answer(request(), random)); break;
    case Material::OPENING:
      if (service != nullptr && side == 0) add(talk.client->opening(*service->rules, random));
      break;
    case Material::REPLY: reply(talk.asked); break;
    case Material::OCTETS:
    case Material::COUNT: break;
  }
}

void Puppets::segment(Script& script) {
  const std::uint8_t which = script.octet();
  const auto side = static_cast<std::uint8_t>((which >> 2) & 1);
  const std::size_t connection = which % connection_count;
  End& end = puppets_[side].ends[connection];
  const auto from =
      static_cast<std::uint32_t>(static_cast<std::int32_t>(end.sent) + as_signed(script.octet()));
  const std::uint32_t size = script.octet() * 2U;
  const std::uint8_t kind = script.octet();
  Packet out = packet(side, connection);
  out.flags = flags_of(kind & 7);
  out.sequence = end.first + from;
  out.acknowledgement = end.expected + static_cast<std::uint32_t>(as_signed(script.octet()));
  out.window = windows[script.octet() % std::size(windows)];
  if (from < end.stream.size()) {
    const std::size_t take = std::min<std::size_t>(size, end.stream.size() - from);
    const auto begin = end.stream.begin() + static_cast<std::ptrdiff_t>(from);
    out.payload.assign(begin, begin + static_cast<std::ptrdiff_t>(take));
  }
  if ((kind & 0x10) != 0 && !out.payload.empty()) out.payload.front() ^= 0x55;
  if ((kind & 0x20) != 0) out.tcp_checksum_error = 1;
  if ((kind & 0x80) != 0) out.ttl = 1;
  if (end.stamps) add_timestamp(out, connection);
  if ((kind & 0x40) != 0 && from <= end.stream.size()) {
    end.sent = std::max(end.sent, from + static_cast<std::uint32_t>(out.payload.size()));
  }
  if ((kind & 0x08) != 0) {
    for (Octets& piece : fragment(out, {8, 24})) send(side, std::move(piece));
  } else {
    send(side, encode(out));
  }
  settle();
}

void Puppets::raw(Script& script) {
  const auto side = static_cast<std::uint8_t>(script.octet() & 1);
  const View octets = script.octets(script.octet() * 8U);
  send(side, Octets(octets.begin(), octets.end()));
  settle();
}

void Puppets::again(Script& script) {
  const auto side = static_cast<std::uint8_t>(script.octet() & 1);
  Octets frame = puppets_[side].last_sent;
  const std::size_t place = script.octet();
  const std::uint8_t change = script.octet();
  if (frame.empty()) return;
  frame[place % frame.size()] ^= change;
  send(side, std::move(frame));
  settle();
}

// RFC 792: destination unreachable, with the beginning of the packet that came last. IPv4 only.
void Puppets::quote(Script& script) {
  const auto side = static_cast<std::uint8_t>(script.octet() & 1);
  const std::uint8_t code = script.octet();
  const std::size_t size = script.octet();
  const Octets& quoted = puppets_[side].last_received;
  if (ipv6_ || quoted.size() <= ethernet_size) return;
  Octets icmp{3, code, 0, 0, 0, 0, 0, 0};
  const auto begin = quoted.begin() + ethernet_size;
  icmp.insert(icmp.end(), begin,
              begin + static_cast<std::ptrdiff_t>(std::min(size, quoted.size() - ethernet_size)));
  set16(icmp, 2, checksum(icmp));
  const HostAddress& from = puppets_[side].address;
  const HostAddress& to = puppets_[side ^ 1].address;
  Octets header{0x45, 0};
  put16(header, static_cast<std::uint32_t>(20 + icmp.size()));
  header.insert(header.end(), {0, 1, 0, 0, 64, 1, 0, 0});
  header.insert(header.end(), from.ipv4.begin(), from.ipv4.end());
  header.insert(header.end(), to.ipv4.begin(), to.ipv4.end());
  set16(header, 10, checksum(header));
  Octets frame(to.mac.begin(), to.mac.end());
  frame.insert(frame.end(), from.mac.begin(), from.mac.end());
  put16(frame, 0x0800);
  frame.insert(frame.end(), header.begin(), header.end());
  frame.insert(frame.end(), icmp.begin(), icmp.end());
  frame.resize(std::max<std::size_t>(frame.size(), 60), 0);
  send(side, std::move(frame));
  settle();
}

}  // namespace conduit::fuzz
