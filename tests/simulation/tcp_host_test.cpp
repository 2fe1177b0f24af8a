// The simulated TCP, one habit at a time, over a bridge that forwards everything.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/simulation/tcp_presets.hpp"

namespace conduit::simulation {
namespace {

struct Heard {
  TcpSocket* socket = nullptr;
  Octets received;
  int connected = 0;
  int ended = 0;
  int closed = 0;
  bool reset = false;
};

class Listener final : public Application {
 public:
  explicit Listener(Heard& heard) : heard_(heard) {}
  void on_connected(TcpSocket& socket) override {
    heard_.socket = &socket;
    ++heard_.connected;
  }
  void on_data(TcpSocket&, View octets) override {
    heard_.received.insert(heard_.received.end(), octets.begin(), octets.end());
  }
  void on_end_of_data(TcpSocket&) override { ++heard_.ended; }
  void on_closed(TcpSocket&, bool reset) override {
    ++heard_.closed;
    heard_.reset = reset;
  }

 private:
  Heard& heard_;
};

// Two hosts, both listening on port 502, and a record of the segments that crossed.
struct Pair final : Gateway {
  explicit Pair(const TcpTraits& first, const TcpTraits& second, bool ipv6 = false)
      : network(scheduler, Random(7)) {
    HostAddress a;
    HostAddress b;
    a.mac = {2, 0, 0, 0, 0, 1};
    b.mac = {2, 0, 0, 0, 0, 2};
    a.ipv4 = {10, 0, 0, 1};
    b.ipv4 = {10, 0, 0, 2};
    a.ipv6 = {0xFD, 1};
    b.ipv6 = {0xFD, 2};
    network.connect(*this);
    client = TcpHost::create(network, Random(1), first, a, 0, ipv6);
    server = TcpHost::create(network, Random(2), second, b, 1, ipv6);
    network.attach(*client);
    network.attach(*server);
    server->listen(502, [this] { return std::make_unique<Listener>(at_server); });
  }
  void arrive(std::uint8_t side, Octets frame) override {
    if (const auto packet = decode(frame)) crossed[side].push_back(*packet);
    network.leave(side ^ 1, std::move(frame));
  }
  TcpSocket& open(std::uint16_t port = 502) {
    TcpSocket& socket = client->connect(*server, port, std::make_unique<Listener>(at_client), 4000);
    run(second);
    return socket;
  }
  void run(std::uint64_t span) {
    const std::uint64_t end = scheduler.now() + span;
    while (scheduler.step(end)) {
    }
  }

  Scheduler scheduler;
  Network network;
  std::unique_ptr<TcpHost> client;
  std::unique_ptr<TcpHost> server;
  Heard at_client;
  Heard at_server;
  std::vector<Packet> crossed[2];
};

Octets counted(std::size_t size) {
  Octets octets(size);
  for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  return octets;
}

TEST_CASE("half close: the other side goes on until it closes too") {
  Pair pair({}, {});
  TcpSocket& socket = pair.open();
  socket.close();
  pair.run(second);
  CHECK(pair.at_server.ended == 1);
  pair.at_server.socket->send(counted(5000));
  pair.at_server.socket->close();
  pair.run(10 * second);
  CHECK(pair.at_client.received == counted(5000));
  CHECK(pair.at_client.closed == 1);
  CHECK(pair.at_server.closed == 1);
  CHECK_FALSE(pair.at_client.reset);
  CHECK_FALSE(pair.at_server.reset);
  CHECK(pair.client->connection_count() == 0);
  CHECK(pair.server->connection_count() == 0);
}

TEST_CASE("both close at once") {
  Pair pair({}, {});
  TcpSocket& socket = pair.open();
  socket.close();
  pair.at_server.socket->close();
  pair.run(10 * second);
  CHECK(pair.at_client.closed + pair.at_server.closed == 2);
  CHECK_FALSE(pair.at_client.reset);
  CHECK_FALSE(pair.at_server.reset);
  CHECK(pair.client->connection_count() + pair.server->connection_count() == 0);
}

TEST_CASE("a reset ends both sides; a closed port answers with one") {
  Pair pair({}, {});
  pair.open().abort();
  pair.run(second);
  CHECK(pair.at_server.reset);
  CHECK(pair.server->connection_count() == 0);
  Pair refused({}, {}, true);
  refused.open(503);
  CHECK(refused.at_client.connected == 0);
  CHECK(refused.at_client.reset);
}

TEST_CASE("simultaneous open makes one connection") {
  Pair pair({}, {});
  pair.client->connect(*pair.server, 502, std::make_unique<Listener>(pair.at_client), 502);
  pair.server->connect(*pair.client, 502, std::make_unique<Listener>(pair.at_server), 502);
  pair.run(5 * second);
  REQUIRE(pair.at_client.connected == 1);
  REQUIRE(pair.at_server.connected == 1);
  CHECK((pair.crossed[0][0].flags & ACK) == 0);
  CHECK((pair.crossed[1][0].flags & ACK) == 0);
  pair.at_client.socket->send(counted(100));
  pair.run(second);
  CHECK(pair.at_server.received == counted(100));
}

TEST_CASE("after a reboot the peer learns it by a reset, and the 4-tuple serves again") {
  Pair pair({}, {});
  TcpSocket& socket = pair.open();
  pair.server->reboot();
  socket.send(counted(10));
  pair.run(second);
  CHECK(pair.at_client.reset);
  pair.at_server = {};
  pair.at_client = {};
  pair.open().send(counted(10));
  pair.run(second);
  CHECK(pair.at_server.received == counted(10));
}

TEST_CASE("a 4-tuple is used again while the peer is in TIME-WAIT") {
  Pair pair({}, {});
  TcpSocket& first = pair.open();
  pair.at_server.socket->close();
  pair.run(second / 4);
  first.close();
  pair.run(second / 4);
  CHECK(pair.server->connection_count() == 1);
  pair.at_client = {};
  pair.at_server = {};
  pair.open().send(counted(10));
  pair.run(5 * second);
  CHECK(pair.at_server.received == counted(10));
}

TEST_CASE("a closed window is probed until it opens") {
  TcpTraits small;
  small.window = 200;
  for (const bool octet : {false, true}) {
    TcpTraits sender;
    sender.keep_alive_octet = octet;
    Pair pair(sender, small);
    TcpSocket& socket = pair.open();
    pair.at_server.socket->pause_reading(true);
    socket.send(counted(1000));
    pair.run(60 * second);
    CHECK(pair.at_server.received.empty());
    CHECK(socket.octets_unacknowledged() == 800);
    CHECK(pair.crossed[0].size() > 5);
    pair.at_server.socket->pause_reading(false);
    pair.run(60 * second);
    CHECK(pair.at_server.received == counted(1000));
  }
}

TEST_CASE("keep-alives hold an idle connection and end one whose peer is silent") {
  TcpTraits alive;
  alive.keep_alive_ms = 1000;
  Pair pair(alive, {});
  pair.open();
  const std::size_t before = pair.crossed[0].size();
  pair.run(60 * second);
  CHECK(pair.crossed[0].size() > before + 20);
  CHECK(pair.at_client.closed == 0);
  pair.network.faults.lost = 1000;
  pair.run(60 * second);
  CHECK(pair.at_client.reset);
}

TEST_CASE("segments of one octet, and sequence numbers that wrap") {
  TcpTraits traits;
  traits.mss = 1;
  traits.isn_near_wrap = true;
  traits.timestamps = false;
  Pair pair(traits, traits);
  pair.open().send(counted(1500));
  pair.run(60 * second);
  CHECK(pair.at_server.received == counted(1500));
  bool wrapped = false;
  for (const Packet& packet : pair.crossed[0]) {
    CHECK(packet.payload.size() <= 1);
    wrapped = wrapped || packet.sequence < 0x1000;
  }
  CHECK(wrapped);
}

TEST_CASE("stacks that cannot go on still arrive, each in its manner") {
  for (const NamedTraits& named : cannot_go_on()) {
    CAPTURE(named.name);
    for (const std::uint16_t lost : {std::uint16_t{0}, std::uint16_t{100}}) {
      Pair pair(named.traits, named.traits);
      TcpSocket& socket = pair.open();
      pair.network.faults.lost = lost;
      for (int i = 0; i < 3; ++i) socket.send(counted(260));
      pair.run(900 * second);
      CHECK(pair.at_server.received.size() == 780);
      CHECK(std::equal(pair.at_server.received.begin() + 260, pair.at_server.received.begin() + 520,
                       counted(260).begin()));
      if (lost != 0) continue;
      for (const Packet& packet : pair.crossed[0]) CHECK(packet.payload.size() <= named.traits.window);
    }
  }
}

// What the server reads when the same octets come twice: 'a' first at 3…5, 'b' then at `begin`, both before
// the octets in front of them.
std::string overlapped(Overlap policy, std::uint32_t begin, std::size_t size) {
  TcpTraits traits;
  traits.timestamps = false;
  traits.overlap = policy;
  Pair pair(traits, traits);
  pair.open();
  Packet packet = pair.crossed[0].back();
  const std::uint32_t first = packet.sequence;
  const auto inject = [&](std::uint32_t at, const std::string& octets) {
    packet.sequence = first + at;
    packet.payload.assign(octets.begin(), octets.end());
    packet.flags = ACK;
    pair.server->on_frame(encode(packet));
  };
  inject(3, "aaa");
  inject(begin, std::string(size, 'b'));
  inject(0, std::string(std::min(begin, 3U), '.'));
  const Octets& got = pair.at_server.received;
  return {got.begin(), got.end()};
}

TEST_CASE("octets that come twice: each policy in its way") {
  struct Case {
    Overlap policy;
    const char *before, *same_longer, *around, *behind;
  };
  const Case cases[] = {
      {Overlap::FIRST_WINS, "..baaa", "...aaab", "..baaab", "...aaab"},
      {Overlap::LAST_WINS, "..bbba", "...bbbb", "..bbbbb", "...abbb"},
      {Overlap::BSD, "..bbba", "...aaab", "..bbbbb", "...aaab"},
      {Overlap::LINUX, "..bbba", "...bbbb", "..bbbbb", "...aaab"},
      {Overlap::WINDOWS, "..baaa", "...aaab", "..bbbbb", "...aaab"},
  };
  for (const Case& c : cases) {
    CAPTURE(static_cast<int>(c.policy));
    CHECK(overlapped(c.policy, 2, 3) == c.before);
    CHECK(overlapped(c.policy, 3, 4) == c.same_longer);
    CHECK(overlapped(c.policy, 2, 5) == c.around);
    CHECK(overlapped(c.policy, 4, 3) == c.behind);
  }
}

}  // namespace
}  // namespace conduit::simulation
