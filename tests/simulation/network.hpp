// Hosts on both sides of the gateway, and the cables between: they lose, repeat, delay, reorder and damage
// frames as a plan says, until the faults stop. Where hosts live in VLANs, a switch on each side puts a tag
// into what comes to it without one.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "tests/simulation/packet.hpp"
#include "tests/simulation/random.hpp"
#include "tests/simulation/scheduler.hpp"

namespace conduit::simulation {

// Shares are per thousand frames.
struct Faults {
  std::uint16_t lost = 0;
  std::uint16_t repeated = 0;
  std::uint16_t delayed = 0;  // by up to `delay_ns_max` more than usual: overtaken by later ones
  std::uint16_t damaged = 0;  // an octet behind the Ethernet header changed (checksums no longer right)
  std::uint16_t quoted = 0;   // that reach a host: it answers with an ICMP error as well
  std::uint64_t delay_ns = 50 * microsecond;
  std::uint64_t delay_ns_max = 20 * millisecond;
};

// Something that owns an address: an honest stack, or an attacker that builds frames by hand.
class Host {
 public:
  HostAddress address{};
  std::uint8_t side = 0;   // port of the gateway that it is behind
  bool datagrams = false;  // gets UDP and nothing else; the others get all else

  virtual ~Host() = default;
  // A frame for this host's MAC (or for all). Corrupted ones come as well.
  virtual void on_frame(View frame) = 0;
};

// The device under test. What it sends comes back through Network::leave.
class Gateway {
 public:
  virtual ~Gateway() = default;
  virtual void arrive(std::uint8_t side, Octets frame) = 0;
};

// Oracles and traces watch from here; all in order of time.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void on_sent(const Host&, View) {}                        // a host has put it on its cable
  virtual void on_arrival(std::uint8_t, View) {}                    // it reaches the gateway's port
  virtual void on_departure(std::uint8_t, View) {}                  // the gateway sends it out of that port
  virtual void on_lost(std::uint8_t, View) {}                       // … and finds that port's output full
  virtual void on_delivery(const Host&, View, bool /*damaged*/) {}  // it reaches a host
};

class Network {
 public:
  Network(Scheduler& scheduler, Random random)
      : scheduler_(scheduler),
        random_(random),
        datagram_random_(random.fork("datagrams")),
        quotes_(random.fork("quotes")) {}

  void attach(Host& host) { hosts_.push_back(&host); }
  void watch(Watcher& watcher) { watchers_.push_back(&watcher); }
  void connect(Gateway& gateway) { gateway_ = &gateway; }
  Faults faults;  // in force for frames sent from now on

  // From a host, onto its cable.
  void send(const Host& from, Octets frame);
  // From the gateway, out of the port of `side`.
  void leave(std::uint8_t side, Octets frame);
  // … whose output is full.
  void lose(std::uint8_t side, View frame);

  [[nodiscard]] Scheduler& scheduler() noexcept { return scheduler_; }

 private:
  // Puts it into the VLAN of its sender or, of one that lives in several, of its receiver.
  void put_into_vlan(const Host& from, Octets& frame) const;
  // Of a frame that has reached `host`.
  void complain(const Host& host, View frame);
  void travel(Octets frame, const std::function<void(Octets, bool damaged)>& arrive);

  Scheduler& scheduler_;
  Random random_;
  Random datagram_random_;  // of UDP
  Random quotes_;
  Gateway* gateway_ = nullptr;
  std::vector<Host*> hosts_;
  std::vector<Watcher*> watchers_;
};

}  // namespace conduit::simulation
