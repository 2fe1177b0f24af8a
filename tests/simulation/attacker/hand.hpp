// A hostile host that builds its segments by hand. Internal to the attackers.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/attacker.hpp"

namespace conduit::simulation {

// What the attacker wants to get across, and what serves as cover.
struct Booty {
  Octets denied;                // a request that the rules do not permit
  Octets permitted;             // one that they do; empty: there is none
  Octets twin;                  // a permitted one of the denied one's size; empty: none was found
  std::vector<Octets> several;  // permitted and denied ones, mixed
};
[[nodiscard]] Booty draw_booty(Random& random, const ProtocolModel& protocol, const Rules& rules,
                               std::uint32_t number);

struct Attack {
  Network& network;
  const Plant& plant;
  const PlantPolicy& policy;
  std::size_t client = 0;
  std::size_t server = 0;
  const Service* service = nullptr;
  std::uint64_t until_ns = 0;
  std::uint16_t first_port = 0;
};

// One end of a connection, moved by hand. Offsets count from the first octet behind its SYN.
class Hand {
 public:
  using Tweak = std::function<void(Packet&)>;

  Hand(const Host& host, Network& network, Random random, const HostAddress& peer, bool ipv6,
       std::uint16_t own_port, std::uint16_t peer_port);

  // Builds a segment at `offset` with the given payload; `tweak` spoils it.
  void put(std::int64_t offset, View payload, const Tweak& tweak = {});
  void put_in_fragments(std::int64_t offset, View payload, const std::vector<std::uint16_t>& places,
                        bool backwards);
  // Two segments in one place, of each piece the one, the other or both.
  void put_torn(std::int64_t offset, View one, View other, const std::vector<std::uint16_t>& places);
  void syn(const Tweak& tweak = {});
  void ack() { put(static_cast<std::int64_t>(next_), {}); }
  // The next octets in order, in one segment.
  void write(View payload, const Tweak& tweak = {}) {
    put(static_cast<std::int64_t>(next_), payload, tweak);
    next_ += static_cast<std::uint32_t>(payload.size());
  }
  void skip(std::size_t octets) { next_ += static_cast<std::uint32_t>(octets); }
  void later(std::uint64_t ms, std::function<void()> task);
  // Takes note of a segment of the peer; answers data with an ACK unless told not to.
  void on_packet(const Packet& packet);

  [[nodiscard]] std::uint32_t next() const { return next_; }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] std::uint32_t sequence(std::int64_t offset) const {
    return isn_ + 1 + static_cast<std::uint32_t>(offset);
  }
  [[nodiscard]] std::uint32_t peer_next() const { return peer_next_; }
  // The frame that came last.
  [[nodiscard]] const Packet& last() const { return last_; }
  [[nodiscard]] std::uint32_t peer_isn() const { return peer_isn_; }
  [[nodiscard]] std::uint32_t isn() const { return isn_; }
  [[nodiscard]] std::uint16_t own_port() const { return own_port_; }
  [[nodiscard]] const HostAddress& own_address() const { return host_.address; }

  std::uint16_t window = 65535;
  std::vector<std::uint16_t> vlan;  // tags; empty: those that its switch puts in
  bool answers = true;              // with ACKs
  bool stamps = false;
  bool open = false;
  bool gone = false;                                // a task of an older round finds it so
  std::vector<std::pair<Octets, Octets>> foreseen;  // a server: requests under way to it, and their answers
  std::function<void()> on_open;
  std::function<void(View)> on_data;

  std::uint32_t stamp_shift = 0;  // of its clock: some are about to wrap

  void send_octets(Octets frame) { network_.send(host_, std::move(frame)); }
  void begin_at(std::uint32_t isn) { isn_ = isn; }
  void send(Packet packet);
  [[nodiscard]] Packet blank() const;

 private:
  [[nodiscard]] std::uint32_t clock() const;

  const Host& host_;
  Network& network_;
  Random random_;
  HostAddress peer_;
  bool ipv6_;
  std::uint16_t own_port_;
  std::uint16_t peer_port_;
  std::uint32_t isn_ = 0;
  std::uint32_t next_ = 0;
  std::uint32_t peer_isn_ = 0;
  std::uint32_t peer_next_ = 0;
  std::uint32_t peer_stamp_ = 0;
  Packet last_;
  int fragmented_ = 0;  // packets so far: no two of one sender have the same identification
};

struct ClientTechnique {
  const char* name;
  // Called when the connection is open (or, `opens` false, before it is).
  void (*play)(Hand&, const Booty&);
  bool opens = true;
};
[[nodiscard]] const std::vector<ClientTechnique>& client_techniques();
[[nodiscard]] const std::vector<ClientTechnique>& stream_techniques();  // most of them
// Drawn by themselves: among all they would be too seldom.
[[nodiscard]] const std::vector<ClientTechnique>& part_techniques();
// Of plants with two zones of clients.
[[nodiscard]] const std::vector<ClientTechnique>& zone_techniques();

struct ServerTechnique {
  const char* name;
  // The answers to one request, given the honest one.
  void (*play)(Hand&, View request, View answer);
};
[[nodiscard]] const std::vector<ServerTechnique>& server_techniques();

}  // namespace conduit::simulation
