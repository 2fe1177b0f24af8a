#include "tests/simulation/attacker.hpp"

#include <algorithm>
#include <map>
#include <memory>

#include "tests/simulation/attacker/hand.hpp"

namespace conduit::simulation {
namespace {

// What an honest client does first; then the technique is played. Also where that is refused: an honest one
// would close the connection and open no further (OPC 10000-6 §7.1.5: an ERR ends it), this one goes on.
class Opening {
 public:
  Opening(const Attack& attack, Random random)
      : protocol_(*attack.service->protocol),
        rules_(attack.service->rules),
        end_(protocol_.client_end()),
        random_(random) {}

  std::function<void()> then;

  void go_on(Hand& hand) {
    if (over_) return;
    const Octets octets = end_->opening(*rules_, random_);
    if (!octets.empty()) return hand.write(next(octets));
    attack();
  }
  void take(Hand& hand, View octets) {
    if (over_) return;
    received_.insert(received_.end(), octets.begin(), octets.end());
    while (!over_) {
      const Front front = protocol_.front(received_, false);
      if (front.kind != Front::Kind::PDU) return;
      const Octets pdu(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(front.size));
      received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(front.size));
      for (const Octets& back : end_->on_pdu(pdu)) hand.write(back);
      protocol_.is_negative(pdu) ? attack() : go_on(hand);
    }
  }
  Octets next(const Octets& pdu) {
    Octets octets = end_->numbered(pdu, 0);
    end_->sent(octets);
    return octets;
  }
  // The denied one as the first or the second that is sent.
  void number(Booty& booty) {
    const auto ahead = static_cast<std::uint8_t>(random_.below(2));
    booty.permitted = end_->numbered(std::move(booty.permitted), 0);
    booty.denied = end_->numbered(std::move(booty.denied), ahead);
    booty.twin = end_->numbered(std::move(booty.twin), ahead);
    std::uint8_t place = 1;
    for (Octets& each : booty.several) each = end_->numbered(std::move(each), place++);
  }

 private:
  void attack() {
    over_ = true;
    then();
    then = nullptr;
  }

  const ProtocolModel& protocol_;
  std::shared_ptr<const Rules> rules_;
  std::unique_ptr<ClientEnd> end_;
  Random random_;
  Octets received_;
  bool over_ = false;
};

// A client that plays one technique on connection after connection.
class HostileClient final : public Attacker {
 public:
  HostileClient(const Attack& attack, Random random, std::vector<ClientTechnique> techniques)
      : attack_(attack), random_(random), techniques_(std::move(techniques)) {
    address = attack.plant.clients[attack.client];
    side = 0;
    next_port_ = attack.first_port;
    const std::uint64_t begin = second + random_.below(second);
    attack_.network.scheduler().at(begin, [this] { round(); });
  }
  void on_frame(View frame) override {
    const std::optional<Packet> packet = decode(frame);
    if (!packet || packet->tcp_checksum_error != 0) return;
    const auto hand = hands_.find(packet->destination_port);
    if (hand != hands_.end()) hand->second->on_packet(*packet);
  }

 private:
  void round() {
    Scheduler& scheduler = attack_.network.scheduler();
    if (scheduler.now() >= attack_.until_ns) return;
    const std::uint16_t port = next_port_++;
    auto owned = std::make_unique<Hand>(*this, attack_.network, random_.fork("hand", port),
                                        attack_.plant.servers[attack_.server], attack_.plant.ipv6, port,
                                        attack_.service->protocol->port());
    Hand& hand = *owned;
    hands_[port] = std::move(owned);
    Booty booty = draw_booty(random_, *attack_.service->protocol, *attack_.service->rules, next_number_);
    next_number_ += 10;
    if (booty.twin.empty()) booty.twin = booty.denied;
    if (booty.permitted.empty()) booty.permitted = booty.denied;
    const ClientTechnique technique = random_.pick(techniques_);
    const std::string name = technique.name;
    hand.stamps = name.find("timestamp") != std::string::npos || random_.chance(1, 4);
    if (technique.opens) {
      const bool cover = random_.chance(1, 2);
      const auto opening = std::make_shared<Opening>(attack_, random_.fork("opening", port));
      opening->then = [&hand, booty, technique, cover, own = opening.get()]() mutable {  // the hand owns it
        if (cover) hand.write(own->next(booty.permitted));
        own->number(booty);
        hand.later(cover ? hand.random().below(200) : 0,
                   [&hand, booty, technique] { technique.play(hand, booty); });
      };
      hand.on_open = [&hand, opening] { opening->go_on(hand); };
      hand.on_data = [&hand, opening](View octets) { opening->take(hand, octets); };
      hand.syn();
    } else {
      const bool now = random_.chance(1, 2);
      hand.on_open = [&hand, booty] { hand.write(booty.permitted); };
      scheduler.after(now ? 0 : millisecond, [&hand, booty, technique] { technique.play(hand, booty); });
    }
    scheduler.after(random_.between(50, 600) * millisecond, [this] { round(); });
  }

  Attack attack_;
  Random random_;
  std::vector<ClientTechnique> techniques_;
  std::uint16_t next_port_ = 30000;
  std::uint32_t next_number_ = 1;
  std::map<std::uint16_t, std::unique_ptr<Hand>> hands_;
};

// A server that accepts everything and answers as its technique says.
class HostileServer final : public Attacker, public Watcher {
 public:
  HostileServer(const Attack& attack, Random random, std::vector<ServerTechnique> techniques)
      : attack_(attack), random_(random), techniques_(std::move(techniques)) {
    address = attack.plant.servers[attack.server];
    side = 1;
    attack_.network.watch(*this);
  }
  // Somebody tells it what its clients send.
  void on_sent(const Host& from, View frame) override {
    if (from.side != 0) return;
    const std::optional<Packet> packet = decode(frame);
    if (!packet || packet->destination_mac != address.mac) return;
    const auto talk = talks_.find(packet->source_port);
    if (talk == talks_.end() || talk->second.hand == nullptr || talk->second.hand->foreseen.size() > 32)
      return;
    const ProtocolModel& protocol = *attack_.service->protocol;
    const View request(packet->payload);
    const Front front = protocol.front(request, true);
    if (front.kind != Front::Kind::PDU || protocol.silent(request.first(front.size))) return;
    Random random = random_.fork("foreseen", ++foreseen_);
    talk->second.hand->foreseen.emplace_back(
        Octets(request.begin(), request.begin() + static_cast<std::ptrdiff_t>(front.size)),
        protocol.answer(request.first(front.size), random));
  }
  void on_frame(View frame) override {
    const std::optional<Packet> packet = decode(frame);
    if (!packet || packet->tcp_checksum_error != 0) return;
    const std::size_t client = client_of(*packet);
    if (client >= attack_.plant.clients.size()) return;
    if (packet->destination_port != attack_.service->protocol->port()) return;
    Talk& talk = talks_[packet->source_port];
    if ((packet->flags & SYN) != 0) {
      if (talk.hand == nullptr) begin(talk, *packet, client);
      talk.hand->on_packet(*packet);
      talk.hand->syn([&talk](Packet& answer) {
        answer.flags = SYN | ACK;
        answer.acknowledgement = talk.hand->peer_next();
      });
      return;
    }
    if (talk.hand != nullptr) talk.hand->on_packet(*packet);
  }

 private:
  struct Talk {
    std::unique_ptr<Hand> hand;
    std::unique_ptr<ServerEnd> end;
    Octets received;
  };

  [[nodiscard]] std::size_t client_of(const Packet& packet) const {
    const std::vector<HostAddress>& clients = attack_.plant.clients;
    const auto at = std::find_if(clients.begin(), clients.end(), [&](const HostAddress& address) {
      return packet.ipv6 ? address.ipv6 == packet.source
                         : std::equal(address.ipv4.begin(), address.ipv4.end(), packet.source.begin());
    });
    return static_cast<std::size_t>(at - clients.begin());
  }
  void begin(Talk& talk, const Packet& syn, std::size_t client) {
    talk.hand = std::make_unique<Hand>(*this, attack_.network, random_.fork("hand", syn.source_port),
                                       attack_.plant.clients[client], attack_.plant.ipv6,
                                       syn.destination_port, syn.source_port);
    talk.end = attack_.service->protocol->server_end();
    talk.hand->on_data = [this, &talk](View octets) {
      talk.received.insert(talk.received.end(), octets.begin(), octets.end());
      answer_all(talk);
    };
  }
  void answer_all(Talk& talk) {
    const ProtocolModel& protocol = *attack_.service->protocol;
    while (true) {
      const Front front = protocol.front(talk.received, true);
      if (front.kind != Front::Kind::PDU) return;
      const Octets request(talk.received.begin(),
                           talk.received.begin() + static_cast<std::ptrdiff_t>(front.size));
      talk.received.erase(talk.received.begin(),
                          talk.received.begin() + static_cast<std::ptrdiff_t>(front.size));
      std::erase_if(talk.hand->foreseen, [&request](const auto& one) { return one.first == request; });
      ServerEnd::Reaction reaction = talk.end->on_request(request, random_);
      for (Octets& pdu : reaction.more) reaction.unasked.push_back(std::move(pdu));
      for (const Octets& pdu : reaction.unasked) talk.hand->write(next(talk, pdu));
      if (reaction.answer.empty()) continue;
      const Octets answer = next(talk, std::move(reaction.answer));
      const Octets other = protocol.other_answer(request, answer, random_);
      if (!other.empty() && random_.chance(1, 3)) {
        talk.hand->write(other);
        if (random_.chance(1, 2)) talk.hand->write(answer);
        continue;
      }
      const bool lies = attack_.network.scheduler().now() < attack_.until_ns && random_.chance(2, 3);
      lies ? random_.pick(techniques_).play(*talk.hand, request, answer) : talk.hand->write(answer);
    }
  }

  static Octets next(Talk& talk, Octets pdu) {
    pdu = talk.end->numbered(std::move(pdu), 0);
    talk.end->sent(pdu);
    return pdu;
  }

  Attack attack_;
  Random random_;
  std::vector<ServerTechnique> techniques_;
  std::map<std::uint16_t, Talk> talks_;
  std::uint64_t foreseen_ = 0;
};

// Those of this name, or all of the kind.
template <typename Technique>
std::vector<Technique> select(const std::vector<Technique>& all, const std::string& name, const char* any) {
  if (name == any) return all;
  std::vector<Technique> those;
  for (const Technique& each : all) {
    if (name == each.name) those.push_back(each);
  }
  return those;
}

}  // namespace

const std::vector<std::string>& techniques() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list{"client-any", "server-any"};
    for (const ClientTechnique& each : client_techniques()) list.emplace_back(each.name);
    for (const ClientTechnique& each : zone_techniques()) list.emplace_back(each.name);
    for (const ServerTechnique& each : server_techniques()) list.emplace_back(each.name);
    return list;
  }();
  return names;
}

const std::vector<std::string>& techniques_with_parts() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list{"parts-any"};
    for (const ClientTechnique& each : part_techniques()) list.emplace_back(each.name);
    return list;
  }();
  return names;
}

bool is_server_technique(const std::string& technique) {
  return !select(server_techniques(), technique, "server-any").empty();
}

std::unique_ptr<Attacker> Attacker::create(Network& network, const AttackPlan& attack_plan,
                                           const Plant& plant, const PlantPolicy& policy,
                                           std::uint64_t until_ns) {
  Attack attack{network,
                plant,
                policy,
                attack_plan.client,
                attack_plan.server,
                policy.find(attack_plan.client, attack_plan.server, *attack_plan.protocol),
                until_ns,
                attack_plan.first_port};
  const std::string& technique = attack_plan.technique;
  const Random random = attack_plan.random;
  if (attack.service == nullptr) return nullptr;
  std::unique_ptr<Attacker> attacker;
  std::vector<ClientTechnique> hostile = select(client_techniques(), technique, "client-any");
  if (hostile.empty()) hostile = select(zone_techniques(), technique, "");
  if (hostile.empty()) hostile = select(part_techniques(), technique, "parts-any");
  std::vector<ServerTechnique> lying = select(server_techniques(), technique, "server-any");
  if (!hostile.empty()) attacker = std::make_unique<HostileClient>(attack, random, std::move(hostile));
  if (!lying.empty()) attacker = std::make_unique<HostileServer>(attack, random, std::move(lying));
  if (attacker) network.attach(*attacker);
  return attacker;
}

}  // namespace conduit::simulation
