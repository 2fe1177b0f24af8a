#include "tests/simulation/datagram_attacker.hpp"

#include <algorithm>

#include "tests/simulation/datagram_host.hpp"

namespace conduit::simulation {
namespace {

constexpr std::uint16_t first_port = 45000;  // of attackers
constexpr std::uint32_t shots_max = 80;
constexpr std::uint32_t flood_shots = 60;  // of one turn

class Hostile final : public DatagramAttacker, public Watcher {
 public:
  Hostile(Network& network, const DatagramAttackPlan& attack, const Plant& plant, const Rules& rules,
          std::uint64_t until)
      : network_(network),
        attack_(attack),
        plant_(plant),
        rules_(rules),
        until_ns_(until),
        random_(attack.random) {
    side = attack.from_server ? 1 : 0;
    address = attack.from_server ? plant.servers[attack.place.server] : plant.clients[attack.place.client];
    datagrams = true;
  }
  void start() {
    network_.scheduler().after(random_.below(second), [this] { turn(); });
  }
  void on_frame(View frame) override;
  void on_sent(const Host& host, View frame) override;

 private:
  using Attack = void (Hostile::*)();
  struct Technique {
    const char* name;
    Attack play;
  };
  [[nodiscard]] static const std::vector<Technique>& of_clients();

  [[nodiscard]] const DatagramModel& protocol() const { return *attack_.place.protocol; }
  [[nodiscard]] const HostAddress& target() const {
    return side == 0 ? plant_.servers[attack_.place.server] : plant_.clients[attack_.place.client];
  }
  [[nodiscard]] bool permitted(const Octets& request) const { return rules_.permits(request, 0, false); }
  Octets draw(bool good);
  Packet packet(const Octets& payload);
  void send(const Packet& what) { network_.send(*this, encode(what)); }
  void turn();

  void ask() { send(packet(draw(random_.chance(1, 3)))); }
  void break_checksum();
  void leave_checksum_out();
  void append();
  void append_request();
  void lie_about_length();
  void lie_about_source();
  void use_other_port();
  void overlap();
  void cut_small();
  void flood();
  void send_in_parts();
  void answer_unasked();
  [[nodiscard]] std::optional<Packet> reply_to(const Packet& request, const Octets& answer);
  void answer_wrongly(const Packet& request, const Octets& answer);

  Network& network_;
  DatagramAttackPlan attack_;
  const Plant& plant_;
  const Rules& rules_;
  std::uint64_t until_ns_;
  Random random_;
  std::uint32_t shots_ = 0;
  std::uint32_t number_ = 100;
  std::uint16_t identification_ = 1;
};

// A request that the rules permit, or one that they do not; now and then neither is found.
Octets Hostile::draw(bool good) {
  Octets request;
  for (int tries = 0; tries < 12; ++tries) {
    request = random_.chance(1, 6) && !good ? protocol().bad_request(random_, number_)
                                            : protocol().request(random_, rules_, number_);
    if (permitted(request) == good) break;
  }
  if (random_.chance(3, 4)) ++number_;
  return request;
}

Packet Hostile::packet(const Octets& payload) {
  std::uint16_t port = static_cast<std::uint16_t>(first_port + random_.below(3));
  if (protocol().both_ask() && random_.chance(1, 2)) port = protocol().port();
  Packet made = make_datagram(address, target(), plant_.ipv6, port, protocol().port(), payload);
  made.identification = identification_++;
  return made;
}

void Hostile::break_checksum() {
  Packet wrong = packet(draw(random_.chance(2, 3)));
  wrong.tcp_checksum_error = static_cast<std::uint16_t>(random_.between(1, 0xFFFE));
  send(wrong);
}

void Hostile::leave_checksum_out() {
  Packet without = packet(draw(true));
  without.udp_checksum_absent = true;
  send(without);
}

void Hostile::append() {
  Packet longer = packet(draw(random_.chance(3, 4)));
  for (std::uint64_t i = random_.between(1, 6); i > 0; --i)
    longer.payload.push_back(static_cast<std::uint8_t>(random_.chance(1, 2) ? 0 : random_.next()));
  send(longer);
}

void Hostile::append_request() {
  Packet two = packet(draw(true));
  const Octets denied = draw(random_.chance(1, 4));
  two.payload.insert(two.payload.end(), denied.begin(), denied.end());
  send(two);
}

void Hostile::lie_about_length() {
  Packet lying = packet(draw(random_.chance(2, 3)));
  const auto difference = static_cast<std::int16_t>(random_.between(1, 8));
  lying.udp_length_error = random_.chance(1, 2) ? difference : static_cast<std::int16_t>(-difference);
  send(lying);
}

// Of an address that nobody has, of a server on this side, of another client.
void Hostile::lie_about_source() {
  Packet spoofed = packet(draw(random_.chance(1, 2)));
  const std::uint64_t which = random_.below(3);
  const HostAddress& other =
      which == 0 ? target() : random_.pick(side == 0 ? plant_.clients : plant_.servers);
  const Packet as = make_datagram(other, target(), plant_.ipv6, first_port, protocol().port(), {});
  spoofed.source = as.source;
  if (which == 1) spoofed.source[plant_.ipv6 ? 15 : 3] = 99;
  spoofed.source_port = first_port;
  send(spoofed);
}

void Hostile::use_other_port() {
  Packet foreign = packet(draw(random_.chance(2, 3)));
  foreign.destination_port = static_cast<std::uint16_t>(random_.between(1, 60000));
  if (random_.chance(1, 2)) std::swap(foreign.source_port, foreign.destination_port);
  send(foreign);
}

// Pieces of two datagrams with one identification, which a receiver may put together in two ways.
void Hostile::overlap() {
  const Packet good = packet(draw(true));
  Packet bad = good;
  bad.payload = draw(false);
  std::vector<Octets> pieces = fragment(good, {16});
  const std::vector<Octets> others = fragment(bad, {static_cast<std::uint16_t>(8 * random_.between(1, 2))});
  pieces.insert(pieces.end(), others.begin(), others.end());
  while (!pieces.empty()) {
    const auto at = static_cast<std::ptrdiff_t>(random_.below(pieces.size()));
    network_.send(*this, pieces[static_cast<std::size_t>(at)]);
    pieces.erase(pieces.begin() + at);
  }
}

void Hostile::cut_small() {
  const Packet whole = packet(draw(random_.chance(1, 2)));
  for (const Octets& piece : fragment(whole, {8, 16, 24})) network_.send(*this, piece);
}

void Hostile::flood() {
  for (std::uint32_t i = 0; i < flood_shots; ++i) {
    Packet one = packet(draw(i % 2 == 0));
    one.source_port = static_cast<std::uint16_t>(random_.between(46000, 47000));
    send(one);
  }
  shots_ += flood_shots / 2;
}

// A request in parts, of which some are those of another one with the same number.
void Hostile::send_in_parts() {
  const std::uint32_t number = number_;
  std::vector<Octets> parts = protocol().cut(draw(random_.chance(3, 4)), random_);
  number_ = number;
  std::vector<Octets> others = protocol().cut(draw(false), random_);
  if (random_.chance(1, 8)) number_ = number;  // and once more
  if (parts.empty() || others.empty()) return;
  const auto place = static_cast<std::ptrdiff_t>(random_.below(std::min(parts.size(), others.size())));
  switch (random_.below(7)) {
    case 0: parts = others; break;
    case 1: parts[static_cast<std::size_t>(place)] = others[static_cast<std::size_t>(place)]; break;
    case 2: parts.insert(parts.begin() + place, others[static_cast<std::size_t>(place)]); break;
    case 3: parts.insert(parts.begin() + place + 1, others[static_cast<std::size_t>(place)]); break;
    case 4: parts.back() = others.back(); break;
    case 5: parts.insert(parts.end() - 1, others.begin(), others.end()); break;
    default: std::swap(parts[static_cast<std::size_t>(place)], parts.back());
  }
  const Packet first = packet(parts.front());
  for (const Octets& part : parts) {
    Packet next = packet(part);
    next.source_port = first.source_port;
    send(next);
  }
}

// The clients' numbers begin low, so that some of them can be guessed.
void Hostile::answer_unasked() {
  if (side == 1) number_ = static_cast<std::uint32_t>(random_.below(16));
  Packet answer = packet(protocol().answer(draw(true), random_));
  if (answer.payload.empty()) return;
  answer.source_port = protocol().port();
  const std::vector<std::uint16_t> ports{40000, 40001, protocol().port(), first_port};
  answer.destination_port = random_.pick(ports);
  send(answer);
}

const std::vector<Hostile::Technique>& Hostile::of_clients() {
  static const std::vector<Technique> all{{"datagram-denied", &Hostile::ask},
                                          {"datagram-bad-checksum", &Hostile::break_checksum},
                                          {"datagram-no-checksum", &Hostile::leave_checksum_out},
                                          {"datagram-trailing", &Hostile::append},
                                          {"datagram-two-in-one", &Hostile::append_request},
                                          {"datagram-wrong-length", &Hostile::lie_about_length},
                                          {"datagram-spoofed", &Hostile::lie_about_source},
                                          {"datagram-other-port", &Hostile::use_other_port},
                                          {"datagram-overlap", &Hostile::overlap},
                                          {"datagram-cut-small", &Hostile::cut_small},
                                          {"datagram-unasked", &Hostile::answer_unasked},
                                          {"datagram-in-parts", &Hostile::send_in_parts},
                                          {"datagram-flood", &Hostile::flood}};
  return all;
}

void Hostile::turn() {
  if (network_.scheduler().now() >= until_ns_ || ++shots_ > shots_max) return;
  if (side == 1) {
    random_.chance(1, 2) ? answer_unasked() : ask();
  } else {
    const std::vector<Technique>& all = of_clients();
    const auto named = std::find_if(all.begin(), all.end(),
                                    [this](const Technique& each) { return attack_.technique == each.name; });
    const bool mixed = named == all.end() || random_.chance(1, 4);  // denied requests, and cover, beside
    const bool any = attack_.technique == "datagram-client-any";
    (this->*(any ? random_.pick(all).play : mixed ? &Hostile::ask : named->play))();
  }
  network_.scheduler().after(random_.between(1, 150) * millisecond, [this] { turn(); });
}

// A server that is asked: an answer that fits, or one that does not quite.
void Hostile::on_frame(View frame) {
  const std::optional<Packet> asked = decode_datagram(frame);
  if (side == 0 || !asked || network_.scheduler().now() >= until_ns_ || ++shots_ > 2 * shots_max) return;
  if (protocol().is_answer(asked->payload)) return;
  const Octets answer = protocol().answer(asked->payload, random_);
  if (!answer.empty()) answer_wrongly(*asked, answer);
}

// A server that knows what its client asks, whether it has come or not.
void Hostile::on_sent(const Host& host, View frame) {
  if (side == 0 || host.side == side || network_.scheduler().now() >= until_ns_) return;
  const std::optional<Packet> asked = decode_datagram(frame);
  if (!asked || asked->destination_mac != address.mac || asked->destination_port != protocol().port()) return;
  if (protocol().is_answer(asked->payload) || random_.chance(2, 3) || ++shots_ > 2 * shots_max) return;
  const std::optional<Packet> reply = reply_to(*asked, protocol().answer(asked->payload, random_));
  if (!reply || reply->payload.empty()) return;
  network_.scheduler().after(random_.below(6) * millisecond, [this, again = *reply] { send(again); });
}

std::optional<Packet> Hostile::reply_to(const Packet& request, const Octets& answer) {
  const HostAddress* asker = find_sender(plant_.clients, request);
  if (asker == nullptr) return {};
  Packet reply =
      make_datagram(address, *asker, plant_.ipv6, request.destination_port, request.source_port, answer);
  reply.identification = identification_++;
  return reply;
}

void Hostile::answer_wrongly(const Packet& request, const Octets& answer) {
  const std::optional<Packet> right = reply_to(request, answer);
  if (!right) return;
  Packet reply = *right;
  switch (random_.below(8)) {
    case 0: break;
    case 1: send(reply); break;  // twice
    case 2: reply.payload = protocol().other_answer(answer, random_); break;
    case 3: reply.payload.push_back(0); break;
    case 4: reply.tcp_checksum_error = 1; break;
    case 5: ++reply.source_port; break;
    case 6: reply.udp_length_error = -1; break;
    default: reply.payload.insert(reply.payload.end(), answer.begin(), answer.end());
  }
  send(reply);
}

}  // namespace

const std::vector<std::string>& datagram_techniques() {
  static const std::vector<std::string> all{
      "datagram-client-any", "datagram-denied",     "datagram-bad-checksum", "datagram-no-checksum",
      "datagram-trailing",   "datagram-two-in-one", "datagram-wrong-length", "datagram-spoofed",
      "datagram-other-port", "datagram-overlap",    "datagram-cut-small",    "datagram-unasked",
      "datagram-in-parts",   "datagram-flood",      "datagram-server-any"};
  return all;
}

bool is_datagram_server_technique(const std::string& technique) { return technique == "datagram-server-any"; }

std::unique_ptr<DatagramAttacker> DatagramAttacker::create(Network& network, const DatagramAttackPlan& attack,
                                                           const Plant& plant, const PlantPolicy& policy,
                                                           std::uint64_t until_ns) {
  for (const DatagramService& service : policy.datagrams) {
    if (service.client != attack.place.client || service.server != attack.place.server || service.back)
      continue;
    auto attacker = std::make_unique<Hostile>(network, attack, plant, *service.rules, until_ns);
    attacker->start();
    network.attach(*attacker);
    network.watch(*attacker);
    return attacker;
  }
  return nullptr;
}

}  // namespace conduit::simulation
