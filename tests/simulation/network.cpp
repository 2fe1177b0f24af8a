#include "tests/simulation/network.hpp"

#include <algorithm>

namespace conduit::simulation {
namespace {

constexpr std::size_t ethernet_size = 14;

bool is_for(View frame, const HostAddress& address) {
  if (frame.size() < ethernet_size) return false;
  const bool tagged = frame[12] == 0x81 && frame[13] == 0;
  const std::size_t vlan = tagged ? (frame[14] & 0xFU) << 8 | frame[15] : 0U;
  if (address.vlan != 0 && address.vlan != vlan) return false;
  const bool group = (frame[0] & 1) != 0;
  return group || std::equal(address.mac.begin(), address.mac.end(), frame.begin());
}

}  // namespace

void Network::travel(Octets frame, const std::function<void(Octets, bool)>& arrive) {
  Random& random = carries_udp(frame) ? datagram_random_ : random_;
  const auto share = [&random](std::uint16_t per_mille) {
    return per_mille != 0 && random.below(1000) < per_mille;
  };
  if (share(faults.lost)) return;
  const int copies = share(faults.repeated) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    Octets octets = frame;
    const bool damaged = share(faults.damaged) && octets.size() > ethernet_size;
    if (damaged) {
      const std::size_t at = ethernet_size + random.below(octets.size() - ethernet_size);
      octets[at] = static_cast<std::uint8_t>(octets[at] ^ (1 + random.below(255)));
    }
    std::uint64_t delay = faults.delay_ns;
    if (i != 0 || share(faults.delayed)) delay += random.below(faults.delay_ns_max) + 1;
    scheduler_.after(delay, [arrive, damaged, octets = std::move(octets)]() mutable {
      arrive(std::move(octets), damaged);
    });
  }
}

void Network::put_into_vlan(const Host& from, Octets& frame) const {
  if (frame.size() < ethernet_size || frame[12] == 0x81 || frame[12] == 0x88) return;
  std::uint16_t vlan = from.address.vlan;
  for (const Host* host : hosts_) {
    if (vlan == 0 && std::equal(host->address.mac.begin(), host->address.mac.end(), frame.begin()))
      vlan = host->address.vlan;
  }
  if (vlan != 0) add_tag(frame, vlan);
}

void Network::send(const Host& from, Octets frame) {
  put_into_vlan(from, frame);
  for (Watcher* watcher : watchers_) watcher->on_sent(from, frame);
  const std::uint8_t side = from.side;
  travel(std::move(frame), [this, side](Octets octets, bool) {
    for (Watcher* watcher : watchers_) watcher->on_arrival(side, octets);
    gateway_->arrive(side, std::move(octets));
  });
}

void Network::complain(const Host& host, View frame) {
  if (faults.quoted == 0 || quotes_.below(1000) >= faults.quoted) return;
  const std::size_t size = quotes_.chance(1, 4) ? 0 : quotes_.between(12, 300);
  if (std::optional<Octets> error = encode_error(frame, size)) send(host, std::move(*error));
}

void Network::lose(std::uint8_t side, View frame) {
  for (Watcher* watcher : watchers_) watcher->on_lost(side, frame);
}

void Network::leave(std::uint8_t side, Octets frame) {
  for (Watcher* watcher : watchers_) watcher->on_departure(side, frame);
  travel(std::move(frame), [this, side](const Octets& octets, bool damaged) {
    const bool datagram = carries_udp(octets);
    for (Host* host : hosts_) {
      if (host->side != side || host->datagrams != datagram || !is_for(octets, host->address)) continue;
      for (Watcher* watcher : watchers_) watcher->on_delivery(*host, octets, damaged);
      if (!damaged) complain(*host, octets);
      host->on_frame(octets);
    }
  });
}

}  // namespace conduit::simulation
