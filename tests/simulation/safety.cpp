#include "tests/simulation/safety.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>

#include "tests/simulation/fragments.hpp"

namespace conduit::simulation {
namespace {

constexpr std::size_t findings_max = 50;
constexpr std::size_t alone = 8;                     // number of no reader: a segment by itself
constexpr std::uint64_t under_way_ns_max = second;   // a frame from the gateway to a host
constexpr std::uint64_t burst_ns_max = millisecond;  // the gateway may take so long to look at a frame

std::string hex(View octets) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < octets.size() && i < 40; ++i) {
    text += digits[octets[i] >> 4];
    text += digits[octets[i] & 15];
  }
  return text;
}

// One receiver model and how far its stream has been looked at.
struct Reader {
  Reader(const ReceiverTraits& traits, Viewpoint point)
      : name(traits.name), begins_anew(traits.syn_begins_anew), viewpoint(point), receiver(traits) {}
  std::string name;
  bool begins_anew;
  Viewpoint viewpoint;
  Receiver receiver;
  std::uint32_t opening = 0;
  std::size_t life = 0;  // of the talk, when it was opened
  std::size_t looked = 0;
  bool lost = false;  // what follows is garbage; told once
  std::unique_ptr<Conversation> conversation;

  // After a new opening: its stream is looked at from the front.
  void follow(std::size_t newest_life, const ProtocolModel& protocol) {
    if (opening == receiver.openings()) return;
    opening = receiver.openings();
    life = newest_life;
    looked = 0;
    lost = false;
    conversation = protocol.conversation(viewpoint);
  }
  [[nodiscard]] std::uint32_t standing(View request) const {
    return conversation == nullptr ? 0 : conversation->standing(request);
  }
};

// Requests that were permitted, each in the standing that it had.
class Permitted {
 public:
  void insert(const Octets& request, std::uint32_t standing) {
    std::vector<std::uint32_t>& standings = all_[request];
    if (std::find(standings.begin(), standings.end(), standing) == standings.end())
      standings.push_back(standing);
  }
  [[nodiscard]] bool contains(const Octets& request) const { return all_.contains(request); }
  [[nodiscard]] bool contains(const Octets& request, std::uint32_t standing) const {
    const auto at = all_.find(request);
    return at != all_.end() && std::find(at->second.begin(), at->second.end(), standing) != at->second.end();
  }

 private:
  std::map<Octets, std::vector<std::uint32_t>> all_;
};

struct Talk {
  std::size_t client = 0;
  std::size_t server = 0;
  const ProtocolModel* protocol = nullptr;
  std::vector<Reader> at_server;
  std::vector<Reader> at_client;
  std::vector<Reader> asked;         // the client's stream as it arrives at the gateway
  std::vector<Reader> seen_leaving;  // … and as it leaves: when a PDU was permitted, whoever gets it later
  // What has left for the server since its connection was opened, and the number with which it was. A copy of
  // a segment of the connection before, which the cable behind the gateway has kept for so long, may fall
  // into this one's numbers where a client opens again within them: its stack has to see to that (RFC 6191).
  std::optional<std::uint32_t> opened;
  std::set<std::size_t> left_since;  // hashes of frames
  void note_left(const Packet& packet, View frame) {
    if ((packet.flags & (SYN | ACK)) == SYN && opened != packet.sequence) {
      opened = packet.sequence;
      left_since.clear();
    }
    left_since.insert(hash_of(frame));
  }
  [[nodiscard]] bool is_of_before(View frame) const { return opened && !left_since.contains(hash_of(frame)); }
  static std::size_t hash_of(View frame) {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(frame.data()), frame.size()});
  }
  // Of protocols with a conversation: the server's stream as it arrives and as it leaves.
  std::vector<Reader> told;
  std::vector<Reader> told_leaving;
  // One for each time that the client has opened a connection between these ports: what is still on its way
  // to it belongs to the one before.
  struct Life {
    std::vector<Octets> requests;  // that some reader has seen whole
    Permitted good;  // were permitted when they arrived; their segments may find no room for a while
    Permitted left;  // have been permitted and have left
    std::set<Octets> unasked;  // of the server: permitted when they arrived or left
    std::map<std::pair<std::size_t, Octets>, std::size_t> told;  // how often each reader has seen them
    bool joined = false;  // the gateway may have joined it: it has not seen, or has forgotten, how it began

    void note_request(std::size_t reader, Octets octets) {
      if (std::find(requests.begin(), requests.end(), octets) == requests.end()) requests.push_back(octets);
      ++told[{reader, std::move(octets)}];
    }
    // How often some reader has seen it.
    [[nodiscard]] std::size_t asked(const Octets& request) const {
      std::size_t most = 0;
      for (std::size_t i = 0; i <= alone; ++i) {
        const auto at = told.find({i, request});
        if (at != told.end()) most = std::max(most, at->second);
      }
      return most;
    }
  };
  std::vector<Life> lives = std::vector<Life>(1);
  // By reader of the client: by request, what was counted as its answer.
  std::vector<std::map<Octets, std::vector<Octets>>> answered;

  Life& life() { return lives.back(); }
};

}  // namespace

struct SafetyOracle::State {
  State(const Scheduler& s, const Plant& p, bool j) : scheduler(s), plant(p), joined(j) {}
  std::array<FragmentReader, 2> fragments;  // of what arrives, by side

  struct Place {
    bool known = false;
    std::uint8_t side = 0;  // that sends
    std::size_t client = 0;
    std::size_t server = 0;
    std::uint16_t client_port = 0;
    std::uint16_t server_port = 0;
  };
  [[nodiscard]] Place place_of(const Packet& packet, std::uint8_t side) const;
  Talk& talk_of(const Place& place);
  [[nodiscard]] bool observed() const;
  void finding(const Talk& talk, const std::string& reader, const std::string& what);
  static void begin_life(Talk& talk);
  template <typename Take>
  void read_on(Talk& talk, Reader& reader, bool from_client, const Take& take);
  // By a policy that is in force, or was just now.
  template <typename Permits>
  [[nodiscard]] bool by_some_rules(const Talk& talk, const Permits& permits) const;
  [[nodiscard]] bool permitted(const Talk& talk, const Talk::Life& life, View pdu,
                               std::uint32_t standing) const;
  [[nodiscard]] bool permitted_unasked(const Talk& talk, View pdu) const;
  static void tell(Talk& talk, View pdu);
  static void say(Talk& talk, View pdu);
  static void ask(Talk& talk, View pdu);
  void judge_request(Talk& talk, Reader& reader, View pdu);
  void judge_response(Talk& talk, std::size_t number, Reader& reader, View pdu);
  using Requests = std::vector<const Octets*>;
  [[nodiscard]] static Requests may_answer(const Talk& talk, const Talk::Life& life, View pdu);
  static bool count_answer(Talk& talk, std::size_t number, const Talk::Life& life, View pdu, Requests& tried);

  const Scheduler& scheduler;
  const Plant& plant;
  bool joined;
  struct Span {
    std::uint64_t at_ns;
    const PlantPolicy* policy;
    bool island;
  };
  std::vector<Span> spans;
  std::map<std::array<std::uint64_t, 4>, Talk> talks;
  std::vector<Finding> findings;
  std::uint64_t judged = 0;
};

SafetyOracle::State::Place SafetyOracle::State::place_of(const Packet& packet, std::uint8_t side) const {
  Place place;
  place.side = side;
  const auto ends = plant.ends_of(packet, side);
  place.known = ends.has_value();
  if (ends) std::tie(place.client, place.server) = *ends;
  place.client_port = side == 0 ? packet.source_port : packet.destination_port;
  place.server_port = side == 0 ? packet.destination_port : packet.source_port;
  return place;
}

Talk& SafetyOracle::State::talk_of(const Place& place) {
  const std::array<std::uint64_t, 4> key{place.client, place.client_port, place.server, place.server_port};
  const auto at = talks.find(key);
  if (at != talks.end()) return at->second;
  Talk& talk = talks[key];
  talk.client = place.client;
  talk.server = place.server;
  talk.protocol = protocol_at(place.server_port);
  talk.life().joined = joined;  // until somebody opens it
  const std::vector<ReceiverTraits>& models = receiver_models();
  for (const ReceiverTraits& traits : models) {
    if (joined && traits.ignores_reset) continue;
    talk.at_server.emplace_back(traits, Viewpoint::SERVER);
    ReceiverTraits client = traits;
    client.joins_mid_stream = false;  // it has opened the connection itself
    talk.at_client.emplace_back(client, Viewpoint::CLIENT);
  }
  // The client's own bytes, as they might be read: by the first copy, by the last, by one that takes all, and
  // by one that sees none of the gateway's resets but the client's next SYN. What would not live a hop more
  // the gateway does not take.
  const auto anew = std::find_if(models.begin(), models.end(),
                                 [](const ReceiverTraits& traits) { return traits.syn_begins_anew; });
  const auto anew_at = static_cast<std::size_t>(anew - models.begin());
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}, anew_at, models.size() - 1}) {
    ReceiverTraits arriving = models[i];
    arriving.ttl_min = 2;
    talk.asked.emplace_back(arriving, Viewpoint::CLIENT);
    talk.seen_leaving.emplace_back(models[i], Viewpoint::SERVER);
  }
  if (talk.protocol != nullptr && talk.protocol->conversation(Viewpoint::SERVER) != nullptr) {
    for (const std::size_t i : {std::size_t{0}, models.size() - 1}) {
      ReceiverTraits client = models[i];
      client.joins_mid_stream = false;
      client.may_miss_answer = true;  // what leaves need not come
      talk.told_leaving.emplace_back(client, Viewpoint::CLIENT);
      client.ttl_min = 2;
      talk.told.emplace_back(client, Viewpoint::SERVER);
    }
  }
  talk.answered.resize(models.size());
  return talk;
}

// Does what comes now come from a time in which everything passed?
bool SafetyOracle::State::observed() const {
  for (std::size_t i = spans.size(); i-- > 0;) {
    if (spans[i].policy != nullptr && spans[i].policy->observe) return true;
    if (spans[i].at_ns + under_way_ns_max <= scheduler.now()) break;
  }
  return false;
}

void SafetyOracle::State::finding(const Talk& talk, const std::string& reader, const std::string& what) {
  if (findings.size() >= findings_max || observed()) return;
  findings.push_back({"safety",
                      "client-" + std::to_string(talk.client) + ", server-" + std::to_string(talk.server) +
                          ", receiver '" + reader + "': " + what,
                      scheduler.now()});
}

// A connection is new when the first reader of what leaves says so.
void SafetyOracle::State::begin_life(Talk& talk) {
  Reader& first = talk.seen_leaving[0];
  if (first.opening == first.receiver.openings()) return;
  talk.lives.emplace_back();
  first.follow(talk.lives.size() - 1, *talk.protocol);
}

// Hands the PDUs that a reader has newly completed to `take`; garbage: an empty PDU.
template <typename Take>
void SafetyOracle::State::read_on(Talk& talk, Reader& reader, bool from_client, const Take& take) {
  reader.follow(talk.lives.size() - 1, *talk.protocol);
  const View stream(reader.receiver.stream());
  while (!reader.lost && reader.looked < stream.size()) {
    const Front front = talk.protocol->front(stream.subspan(reader.looked), from_client);
    if (front.kind == Front::Kind::MORE) return;
    if (front.kind == Front::Kind::GARBAGE) {
      reader.lost = true;
      take(View());
      return;
    }
    take(stream.subspan(reader.looked, front.size));
    reader.looked += front.size;
  }
}

template <typename Permits>
bool SafetyOracle::State::by_some_rules(const Talk& talk, const Permits& permits) const {
  for (std::size_t i = spans.size(); i-- > 0;) {
    const PlantPolicy* policy = spans[i].policy;
    const Service* service =
        policy == nullptr ? nullptr : policy->find(talk.client, talk.server, *talk.protocol);
    if (policy != nullptr && policy->observe) return true;
    if (service != nullptr && permits(*service->rules, spans[i].island)) return true;
    if (spans[i].at_ns + burst_ns_max <= scheduler.now()) break;
  }
  return false;
}

bool SafetyOracle::State::permitted(const Talk& talk, const Talk::Life& life, View pdu,
                                    std::uint32_t standing) const {
  const std::uint32_t known = standing | (life.joined ? may_be_joined : 0);
  return by_some_rules(talk,
                       [&](const Rules& rules, bool island) { return rules.permits(pdu, known, island); });
}

bool SafetyOracle::State::permitted_unasked(const Talk& talk, View pdu) const {
  return by_some_rules(talk,
                       [&](const Rules& rules, bool island) { return rules.permits_unasked(pdu, island); });
}

void SafetyOracle::State::judge_request(Talk& talk, Reader& reader, View pdu) {
  ++judged;
  if (pdu.empty()) return finding(talk, reader.name, "what no PDU of the protocol is has reached the server");
  const Octets octets = talk.protocol->plain(pdu);
  Talk::Life& life = talk.lives[reader.life];
  const std::uint32_t standing = reader.standing(pdu);
  if (!life.left.contains(octets, standing)) {
    if (!life.good.contains(octets, standing) && !permitted(talk, life, pdu, standing))
      return finding(talk, reader.name, "a denied request has reached the server: " + hex(pdu));
    life.left.insert(octets, standing);
  }
  if (reader.conversation != nullptr) reader.conversation->passed(pdu, true);
}

// A PDU of the server has come to the gateway.
void SafetyOracle::State::say(Talk& talk, View pdu) {
  for (std::vector<Reader>* readers : {&talk.at_server, &talk.asked, &talk.seen_leaving}) {
    for (Reader& reader : *readers) {
      if (reader.conversation != nullptr) reader.conversation->said(pdu);
    }
  }
}

// … and one of the client.
void SafetyOracle::State::ask(Talk& talk, View pdu) {
  for (Reader& reader : talk.at_client) {
    if (reader.conversation != nullptr) reader.conversation->asked(pdu);
  }
}

// A PDU of the server has left towards the client.
void SafetyOracle::State::tell(Talk& talk, View pdu) {
  for (std::vector<Reader>* readers : {&talk.at_server, &talk.asked, &talk.seen_leaving}) {
    for (Reader& reader : *readers) {
      if (reader.conversation != nullptr) reader.conversation->passed(pdu, false);
    }
  }
}

// A negative one may be the gateway's: rather for a request that has not passed.
SafetyOracle::State::Requests SafetyOracle::State::may_answer(const Talk& talk, const Talk::Life& life,
                                                              View pdu) {
  const bool negative = talk.protocol->is_negative(pdu);
  Requests requests;
  for (const bool passed : {false, true}) {
    for (const Octets& request : life.requests) {
      if (life.left.contains(request) != passed || (!negative && !passed)) continue;
      if (talk.protocol->answers(pdu, request)) requests.push_back(&request);
    }
  }
  return requests;
}

// For a request that has not had all its answers. Where all have, an earlier answer may have been one to
// another: of two answers, one may fit two requests, and the other only one of them.
bool SafetyOracle::State::count_answer(Talk& talk, std::size_t number, const Talk::Life& life, View pdu,
                                       Requests& tried) {
  Requests requests = may_answer(talk, life, pdu);
  std::erase_if(requests, [&tried](const Octets* one) {
    return std::find(tried.begin(), tried.end(), one) != tried.end();
  });
  tried.insert(tried.end(), requests.begin(), requests.end());
  for (const Octets* request : requests) {
    std::vector<Octets>& counted = talk.answered[number][*request];
    if (counted.size() >= life.asked(*request) * talk.protocol->answers_most(*request)) continue;
    counted.emplace_back(pdu.begin(), pdu.end());
    return true;
  }
  for (const Octets* request : requests) {
    for (Octets& earlier : talk.answered[number][*request]) {
      if (!count_answer(talk, number, life, earlier, tried)) continue;
      earlier.assign(pdu.begin(), pdu.end());
      return true;
    }
  }
  return false;
}

void SafetyOracle::State::judge_response(Talk& talk, std::size_t number, Reader& reader, View pdu) {
  ++judged;
  if (pdu.empty()) return finding(talk, reader.name, "what no PDU of the protocol is has reached the client");
  const char* wrong = reader.conversation == nullptr ? nullptr : reader.conversation->heard(pdu);
  if (wrong != nullptr) finding(talk, reader.name, std::string(wrong) + ": " + hex(pdu));
  const Talk::Life& life = talk.lives[reader.life];
  if (!talk.told.empty() &&
      (life.unasked.contains(talk.protocol->plain(pdu)) || permitted_unasked(talk, pdu)))
    return;
  Requests tried;
  if (count_answer(talk, number, life, pdu, tried)) return;
  finding(talk, reader.name,
          std::string(tried.empty() ? "an answer to no request that has passed"
                                    : "one answer more than there were requests") +
              " has reached the client: " + hex(pdu));
}

SafetyOracle::SafetyOracle(const Scheduler& scheduler, const Plant& plant, bool joined)
    : state_(std::make_unique<State>(scheduler, plant, joined)) {}
SafetyOracle::~SafetyOracle() = default;

void SafetyOracle::in_force(const PlantPolicy* policy, bool island) {
  state_->spans.push_back({state_->scheduler.now(), policy, island});
}

void SafetyOracle::restarted() {
  for (auto& [place, talk] : state_->talks) {
    talk.life().joined = state_->joined;
    // To the gateway, the client's next SYN between these ports is the first. A server that begins anew with
    // it on a living connection may find in the new stream what had left before the restart.
    std::erase_if(talk.at_server, [](const Reader& reader) { return reader.begins_anew; });
  }
}

// The receivers' own segments move their windows.
void SafetyOracle::on_sent(const Host& host, View frame) {
  const std::optional<Packet> packet = decode(frame);
  if (!packet) return;
  const State::Place place = state_->place_of(*packet, host.side);
  if (!place.known) return;
  Talk& talk = state_->talk_of(place);
  for (Reader& reader : host.side == 1 ? talk.at_server : talk.at_client)
    reader.receiver.on_own_packet(*packet);
  if (host.side == 1) return;
  for (std::vector<Reader>* readers : {&talk.told, &talk.told_leaving})
    for (Reader& reader : *readers) reader.receiver.on_own_packet(*packet);
}

void SafetyOracle::on_arrival(std::uint8_t side, View frame) {
  const std::optional<Packet> packet = state_->fragments[side].read(frame);
  if (!packet) return;
  const State::Place place = state_->place_of(*packet, side);
  if (!place.known) return;
  Talk& talk = state_->talk_of(place);
  if (talk.protocol == nullptr) return;
  if (side == 1) {
    for (Reader& reader : talk.told) {
      reader.receiver.on_packet(*packet);
      state_->read_on(talk, reader, false, [&](View pdu) {
        if (pdu.empty()) return;
        state_->say(talk, pdu);
        if (state_->permitted_unasked(talk, pdu))
          talk.lives[reader.life].unasked.insert(talk.protocol->plain(pdu));
      });
    }
    return;
  }
  // A hostile client's segment may be one that no reader takes for its first, and the gateway does.
  View payload(packet->payload);
  for (Front front = talk.protocol->front(payload, true); front.kind == Front::Kind::PDU;
       front = talk.protocol->front(payload, true)) {
    talk.life().note_request(alone, talk.protocol->plain(payload.first(front.size)));
    payload = payload.subspan(front.size);
  }
  for (std::size_t i = 0; i < talk.asked.size(); ++i) {
    Reader& reader = talk.asked[i];
    reader.receiver.on_packet(*packet);
    state_->read_on(talk, reader, true, [&](View pdu) {
      if (pdu.empty()) return;
      const std::uint32_t standing = reader.standing(pdu);
      const Octets plain = talk.protocol->plain(pdu);
      talk.life().note_request(i, plain);
      state_->ask(talk, pdu);
      if (!state_->permitted(talk, talk.life(), pdu, standing)) {
        if (reader.conversation != nullptr) reader.conversation->refused(pdu);
        return;
      }
      talk.life().good.insert(plain, standing);
      if (reader.conversation != nullptr) reader.conversation->passed(pdu, true);
    });
  }
}

// A segment may get lost behind the gateway and be repeated under another policy: its PDU was judged when it
// left first.
void SafetyOracle::on_departure(std::uint8_t side, View frame) {
  const std::optional<Packet> packet = decode(frame);
  if (!packet) return;
  const State::Place place = state_->place_of(*packet, side ^ 1);
  if (!place.known) return;
  Talk& talk = state_->talk_of(place);
  if (talk.protocol == nullptr) return;
  if ((packet->flags & RST) != 0) talk.life().joined = state_->joined;
  if (side == 0) {
    for (std::vector<Reader>* readers : {&talk.asked, &talk.seen_leaving})
      for (Reader& reader : *readers) reader.receiver.on_own_opening(*packet);
    state_->begin_life(talk);
    for (Reader& reader : talk.told_leaving) {
      reader.receiver.on_packet(*packet);
      state_->read_on(talk, reader, false, [&](View pdu) {
        if (pdu.empty()) return;
        state_->tell(talk, pdu);
        if (state_->permitted_unasked(talk, pdu))
          talk.lives[reader.life].unasked.insert(talk.protocol->plain(pdu));
      });
    }
    return;
  }
  talk.note_left(*packet, frame);
  for (std::size_t i = 0; i < talk.seen_leaving.size(); ++i) {
    Reader& reader = talk.seen_leaving[i];
    reader.receiver.on_packet(*packet);
    if (i == 0) state_->begin_life(talk);
    state_->read_on(talk, reader, true, [&](View pdu) {
      if (pdu.empty()) return;
      const std::uint32_t standing = reader.standing(pdu);
      const Octets plain = talk.protocol->plain(pdu);
      Talk::Life& life = talk.life();
      life.note_request(talk.asked.size() + i, plain);
      if (!state_->permitted(talk, life, pdu, standing) && !life.good.contains(plain, standing)) return;
      life.left.insert(plain, standing);
      if (reader.conversation != nullptr) reader.conversation->passed(pdu, true);
    });
  }
}

// The gateway has let it pass: that nothing of it arrives is no other thing than a loss behind the gateway.
void SafetyOracle::on_lost(std::uint8_t side, View frame) { on_departure(side, frame); }

// What a cable has damaged behind the gateway is no business of the gateway, unless it is the padding.
void SafetyOracle::on_delivery(const Host& host, View frame, bool damaged) {
  const std::optional<Packet> packet = decode(frame);
  if (!packet) return;
  if (damaged && (packet->ip_checksum_error != 0 || packet->tcp_checksum_error != 0)) return;
  if (damaged && !state_->plant.is_in_its_vlan(*packet, host.side ^ 1)) return;
  const State::Place place = state_->place_of(*packet, host.side ^ 1);
  if (!place.known) {
    if (state_->findings.size() < findings_max)
      state_->findings.push_back(
          {"safety", "a packet passed between hosts that no policy knows", state_->scheduler.now()});
    return;
  }
  Talk& talk = state_->talk_of(place);
  if (talk.protocol == nullptr) {
    if (!packet->payload.empty()) state_->finding(talk, "any", "data on a port without a service");
    return;
  }
  if (host.side == 1) {
    if (!damaged && talk.is_of_before(frame)) return;
    for (Reader& reader : talk.at_server) {
      reader.receiver.on_packet(*packet);
      state_->read_on(talk, reader, true, [&](View pdu) { state_->judge_request(talk, reader, pdu); });
    }
    return;
  }
  for (std::size_t i = 0; i < talk.at_client.size(); ++i) {
    Reader& reader = talk.at_client[i];
    reader.receiver.on_packet(*packet);
    if (reader.opening != reader.receiver.openings()) talk.answered[i].clear();
    state_->read_on(talk, reader, false, [&](View pdu) { state_->judge_response(talk, i, reader, pdu); });
  }
}

const std::vector<Finding>& SafetyOracle::findings() const { return state_->findings; }
std::uint64_t SafetyOracle::pdus_judged() const { return state_->judged; }

}  // namespace conduit::simulation
