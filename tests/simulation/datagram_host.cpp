#include "tests/simulation/datagram_host.hpp"

#include <algorithm>

namespace conduit::simulation {
namespace {

constexpr std::uint64_t timeout_ns = 700 * millisecond;
constexpr std::uint32_t tries_denied = 3;      // a denied request may stay without an answer
constexpr std::uint32_t tries_permitted = 40;  // of which some fall into the calm behind the faults
constexpr std::uint16_t fragment_octets = 16;

}  // namespace

Packet make_datagram(const HostAddress& from, const HostAddress& to, bool ipv6, std::uint16_t from_port,
                     std::uint16_t to_port, const Octets& payload) {
  Packet packet;
  packet.udp = true;
  packet.source_mac = from.mac;
  packet.destination_mac = to.mac;
  packet.ipv6 = ipv6;
  const auto put = [ipv6](const HostAddress& host, std::array<std::uint8_t, 16>& into) {
    if (ipv6)
      into = host.ipv6;
    else
      std::copy(host.ipv4.begin(), host.ipv4.end(), into.begin());
  };
  put(from, packet.source);
  put(to, packet.destination);
  packet.source_port = from_port;
  packet.destination_port = to_port;
  packet.payload = payload;
  return packet;
}

const HostAddress* find_sender(const std::vector<HostAddress>& hosts, const Packet& packet) {
  const auto at = std::find_if(hosts.begin(), hosts.end(), [&packet](const HostAddress& host) {
    return packet.ipv6 ? host.ipv6 == packet.source
                       : std::equal(host.ipv4.begin(), host.ipv4.end(), packet.source.begin());
  });
  return at == hosts.end() ? nullptr : &*at;
}

DatagramHost::DatagramHost(Network& network, const HostAddress& own, std::uint8_t own_side, bool ipv6)
    : network_(network), ipv6_(ipv6) {
  address = own;
  side = own_side;
  datagrams = true;
}

void DatagramHost::on_frame(View frame) {
  const std::optional<Packet> packet = decode_datagram(frame);
  if (!packet || packet->ip_checksum_error != 0 || packet->tcp_checksum_error != 0 ||
      packet->udp_length_error != 0)
    return;
  const auto [first, last] = bound_.equal_range(packet->destination_port);
  for (auto each = first; each != last; ++each) each->second(*packet);
}

void DatagramHost::send(const HostAddress& to, std::uint16_t from_port, std::uint16_t to_port,
                        const Octets& payload, bool cut) {
  Packet packet = make_datagram(address, to, ipv6_, from_port, to_port, payload);
  packet.identification = ++identification_;
  if (!cut || payload.size() <= fragment_octets) return network_.send(*this, encode(packet));
  for (Octets& frame : fragment(packet, {fragment_octets})) network_.send(*this, std::move(frame));
}

void serve_datagrams(DatagramStage& stage, const DatagramModel& protocol, DatagramHost& host,
                     const std::vector<HostAddress>& others, Random random) {
  auto own = std::make_shared<Random>(random);
  host.bind(protocol.port(), [&stage, &protocol, &host, &others, own](const Packet& packet) {
    if (protocol.is_answer(packet.payload) || protocol.in_parts(packet.payload)) return;
    const Octets answer = protocol.answer(packet.payload, *own);
    if (answer.empty()) return;
    const HostAddress* asker = find_sender(others, packet);
    if (asker == nullptr) return;
    stage.said.insert(answer);
    const std::uint16_t to_port = packet.source_port;
    stage.network.scheduler().after(own->below(3) * millisecond, [&host, &protocol, asker, to_port, answer] {
      host.send(*asker, protocol.port(), to_port, answer);
    });
  });
}

struct DatagramDialogue::State {
  State(DatagramStage& s, const DatagramDialoguePlan& p, const Rules& r, bool l, DatagramHost& h,
        const HostAddress& a)
      : stage(s), plan(p), rules(r), lies(l), asker(h), asked(a), random(p.random), left(p.requests) {}

  [[nodiscard]] const DatagramModel& protocol() const { return *plan.place.protocol; }
  [[nodiscard]] Scheduler& scheduler() const { return stage.network.scheduler(); }
  [[nodiscard]] bool permitted() const { return stage.timeline.all_permit(plan.place, request, since_ns); }
  void finding(const char* what) const {
    if (lies || stage.tight) return;
    stage.findings.push_back(
        {"liveness",
         std::string(protocol().name()) + ", client-" + std::to_string(plan.place.client) + ", server-" +
             std::to_string(plan.place.server) + (plan.place.back ? ", the server asks" : "") + ": " + what,
         scheduler().now()});
  }
  static void ask(const std::shared_ptr<State>& self);
  static void send(const std::shared_ptr<State>& self);
  static void next(const std::shared_ptr<State>& self);
  static void take(const std::shared_ptr<State>& self, const Packet& packet);

  DatagramStage& stage;
  DatagramDialoguePlan plan;
  const Rules& rules;
  bool lies;
  DatagramHost& asker;
  HostAddress asked;
  Random random;
  std::uint32_t left;
  std::uint32_t number = 0;  // of requests so far
  std::uint16_t port = 0;
  Octets request;  // under way; empty: none
  std::uint64_t since_ns = 0;
  std::uint32_t tries = 0;
};

void DatagramDialogue::State::ask(const std::shared_ptr<State>& self) {
  State& state = *self;
  if (state.left == 0) return;
  const std::uint32_t number = state.number++;
  state.request = state.random.below(1000) < state.plan.bad_per_mille
                      ? state.protocol().bad_request(state.random, number)
                      : state.protocol().request(state.random, state.rules, number);
  state.since_ns = state.scheduler().now();
  state.tries = 0;
  send(self);
}

void DatagramDialogue::State::send(const std::shared_ptr<State>& self) {
  State& state = *self;
  const bool cut = state.plan.in_fragments && state.stage.fragments && state.random.chance(1, 2);
  state.asker.send(state.asked, state.port, state.protocol().port(), state.request, cut);
  if (state.protocol().silent(state.request)) return next(self);
  const std::uint32_t number = state.number;
  const std::uint32_t tries = ++state.tries;
  state.scheduler().after(timeout_ns, [self, number, tries] {
    State& again = *self;
    if (again.request.empty() || again.number != number || again.tries != tries) return;
    if (tries < (again.permitted() ? tries_permitted : tries_denied)) return send(self);
    if (again.permitted()) again.finding("a permitted request has got no answer");
    ++again.stage.totals.given_up;
    next(self);
  });
}

void DatagramDialogue::State::next(const std::shared_ptr<State>& self) {
  State& state = *self;
  state.request.clear();
  --state.left;
  state.scheduler().after(state.random.below(state.plan.pause_ms_max) * millisecond, [self] { ask(self); });
}

void DatagramDialogue::State::take(const std::shared_ptr<State>& self, const Packet& packet) {
  State& state = *self;
  const bool fits = !state.request.empty() && packet.source_port == state.protocol().port() &&
                    packet.source_mac == state.asked.mac &&
                    state.protocol().answers(packet.payload, state.request);
  if (!fits) return;
  if (state.protocol().is_negative(packet.payload) && !state.stage.said.contains(packet.payload)) {
    ++state.stage.totals.refused;
    if (state.permitted()) state.finding("a permitted request is refused");
  } else {
    ++state.stage.totals.answered;
  }
  next(self);
}

DatagramDialogue::DatagramDialogue(DatagramStage& stage, const DatagramDialoguePlan& plan, const Rules& rules,
                                   bool lies, DatagramHost& asker, const HostAddress& asked)
    : state_(std::make_shared<State>(stage, plan, rules, lies, asker, asked)) {}
DatagramDialogue::~DatagramDialogue() = default;

void DatagramDialogue::start() {
  const std::shared_ptr<State> self = state_;
  self->port = self->plan.from_protocol_port ? self->protocol().port() : self->stage.next_port++;
  // Requests of several dialogues between the same two ports have numbers of their own.
  self->number =
      self->plan.from_protocol_port ? static_cast<std::uint32_t>(self->stage.next_port++ % 16 * 16) : 0;
  self->asker.bind(self->port, [self](const Packet& packet) { State::take(self, packet); });
  self->scheduler().at(self->plan.begin_ns, [self] { State::ask(self); });
}

bool DatagramDialogue::finished() const { return state_->left == 0; }

}  // namespace conduit::simulation
