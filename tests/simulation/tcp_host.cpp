#include "tests/simulation/tcp_host.hpp"

#include <algorithm>
#include <set>

#include "tests/simulation/tcp_connection.hpp"

namespace conduit::simulation {
namespace {

class HonestHost final : public TcpHost, public ConnectionOwner {
 public:
  HonestHost(Network& network, Random random, const TcpTraits& traits, const HostAddress& own,
             std::uint8_t own_side, bool ipv6)
      : network_(network), random_(random), traits_(traits), ipv6_(ipv6) {
    address = own;
    side = own_side;
  }

  void listen(std::uint16_t port, Accept accept) override { listeners_[port] = std::move(accept); }
  TcpSocket& connect(const Host& to, std::uint16_t port, std::unique_ptr<Application> application,
                     std::uint16_t local_port) override;
  void reboot() override;
  void retire() override {
    reboot();
    listeners_.clear();
  }
  [[nodiscard]] std::size_t connection_count() const override {
    return static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(),
                                                  [](const auto& at) { return !at.second->gone(); }));
  }
  void on_frame(View frame) override;

 private:
  using Key = std::pair<std::array<std::uint8_t, 16>, std::uint32_t>;  // peer; local and remote port

  void transmit(Packet packet) override;
  Scheduler& scheduler() override { return network_.scheduler(); }
  void forget_gone();
  [[nodiscard]] TcpTraits traits_for(const Key& key);
  [[nodiscard]] std::array<std::uint8_t, 16> ip(const HostAddress& of) const;
  void refuse(const Packet& packet);

  Network& network_;
  Random random_;
  TcpTraits traits_;
  bool ipv6_;
  std::uint16_t next_port_ = 50000;
  std::uint16_t identification_ = 1;
  std::map<std::uint16_t, Accept> listeners_;
  std::map<Key, std::shared_ptr<Connection>> connections_;
  std::set<Key> used_;  // a number near the wrap once only: else old segments fit a new connection
  std::vector<std::shared_ptr<Connection>> former_;  // sockets that an application may still hold
};

std::array<std::uint8_t, 16> HonestHost::ip(const HostAddress& of) const {
  if (ipv6_) return of.ipv6;
  std::array<std::uint8_t, 16> address{};
  std::copy(of.ipv4.begin(), of.ipv4.end(), address.begin());
  return address;
}

TcpSocket& HonestHost::connect(const Host& to, std::uint16_t port, std::unique_ptr<Application> application,
                               std::uint16_t local_port) {
  forget_gone();
  ConnectionNames names;
  names.peer_mac = to.address.mac;
  names.peer = ip(to.address);
  names.local_port = local_port != 0 ? local_port : next_port_++;
  names.remote_port = port;
  const Key key{names.peer, std::uint32_t{names.local_port} << 16 | port};
  auto connection = std::make_shared<Connection>(*this, traits_for(key), Random(random_.next()), names,
                                                 std::move(application));
  if (connections_.contains(key)) former_.push_back(connections_[key]);
  connections_[key] = connection;
  // Not from within: the caller does not know its socket yet.
  network_.scheduler().after(0, [connection] { connection->open_actively(); });
  return *connection;
}

TcpTraits HonestHost::traits_for(const Key& key) {
  TcpTraits traits = traits_;
  if (!used_.insert(key).second) traits.isn_near_wrap = false;
  return traits;
}

void HonestHost::forget_gone() {
  for (auto at = connections_.begin(); at != connections_.end();) {
    const bool gone = at->second->gone() && at->second.use_count() == 1;
    if (gone) former_.push_back(at->second);
    at = gone ? connections_.erase(at) : std::next(at);
  }
}

void HonestHost::reboot() {
  const auto all = std::move(connections_);
  connections_.clear();
  for (const auto& [key, connection] : all) {
    connection->forget();
    former_.push_back(connection);
  }
}

void HonestHost::transmit(Packet packet) {
  packet.source_mac = address.mac;
  packet.ipv6 = ipv6_;
  packet.source = ip(address);
  packet.identification = identification_++;
  network_.send(*this, encode(packet));
}

void HonestHost::refuse(const Packet& packet) {
  if ((packet.flags & RST) != 0) return;
  Packet answer;
  answer.destination_mac = packet.source_mac;
  answer.destination = packet.source;
  answer.source_port = packet.destination_port;
  answer.destination_port = packet.source_port;
  if ((packet.flags & ACK) != 0) {
    answer.flags = RST;
    answer.sequence = packet.acknowledgement;
  } else {
    answer.flags = RST | ACK;
    answer.acknowledgement = packet.sequence + packet.length();
  }
  transmit(std::move(answer));
}

void HonestHost::on_frame(View frame) {
  const std::optional<Packet> packet = decode(frame);
  if (!packet || packet->ip_checksum_error != 0 || packet->tcp_checksum_error != 0) return;
  if (packet->ipv6 != ipv6_ || packet->destination != ip(address) || packet->destination_mac != address.mac)
    return;
  const Key key{packet->source, std::uint32_t{packet->destination_port} << 16 | packet->source_port};
  const auto at = connections_.find(key);
  const bool opening = (packet->flags & (SYN | ACK | RST)) == SYN;
  if (at != connections_.end() && !at->second->gone() && !(opening && at->second->yields_to(*packet))) {
    const std::shared_ptr<Connection> connection = at->second;
    return connection->on_packet(*packet);
  }
  const auto listener = listeners_.find(packet->destination_port);
  if (!opening || listener == listeners_.end()) return refuse(*packet);
  forget_gone();
  ConnectionNames names;
  names.peer_mac = packet->source_mac;
  names.peer = packet->source;
  names.local_port = packet->destination_port;
  names.remote_port = packet->source_port;
  auto connection =
      std::make_shared<Connection>(*this, traits_for(key), Random(random_.next()), names, listener->second());
  if (connections_.contains(key)) former_.push_back(connections_[key]);
  connections_[key] = connection;
  connection->open_passively(*packet);
}

}  // namespace

std::unique_ptr<TcpHost> TcpHost::create(Network& network, Random random, TcpTraits traits,
                                         const HostAddress& address, std::uint8_t side, bool ipv6) {
  return std::make_unique<HonestHost>(network, random, traits, address, side, ipv6);
}

TcpTraits random_traits(Random& random) {
  TcpTraits traits;
  static const std::vector<std::uint16_t> sizes{1460, 1460, 1460, 1440, 536, 536, 256, 128, 64, 20, 7};
  static const std::vector<std::uint32_t> windows{65535, 65535, 65535, 8192, 8192, 2048, 512, 300, 200};
  traits.mss = random.pick(sizes);
  traits.window = random.pick(windows);
  traits.has_scale = random.chance(3, 4);
  traits.scale = static_cast<std::uint8_t>(traits.has_scale && traits.window >= 8192 ? random.below(8) : 0);
  traits.timestamps = random.chance(2, 3);
  traits.sack = random.chance(2, 3);
  traits.nagle = random.chance(1, 3);
  traits.one_in_flight = random.chance(1, 5);
  // With segments of a few octets each PDU would take minutes: that much is the price of waiting for the
  // rest.
  if (traits.one_in_flight) traits.mss = std::max<std::uint16_t>(traits.mss, 128);
  traits.merges_on_repeat = random.chance(2, 3);
  traits.resegments_on_repeat = random.chance(1, 4);
  traits.keep_alive_octet = random.chance(1, 2);
  traits.acknowledgement_delay_us =
      random.chance(1, 2) ? 0 : static_cast<std::uint32_t>(random.between(1000, 200000));
  traits.keep_alive_ms = random.chance(1, 4) ? static_cast<std::uint32_t>(random.between(500, 8000)) : 0;
  traits.repeat_min_ms = static_cast<std::uint32_t>(random.between(50, 1000));
  traits.repeat_max_ms = 4000;
  traits.write_pieces_max = random.chance(1, 2) ? 1 : static_cast<std::uint16_t>(random.between(2, 6));
  traits.isn_near_wrap = random.chance(1, 6);
  return traits;
}

}  // namespace conduit::simulation
