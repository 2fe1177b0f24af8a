#include "tests/simulation/dialogue.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace conduit::simulation {
namespace {

// How long a client waits for an answer. A denied request may stay without one (DISCARD, DROP); a permitted
// one may need several repetitions of TCP, each later than the one before, of each of its octets, and of each
// that the server owes, where they are sent one by one.
constexpr std::uint64_t patience_denied_ns = 3 * second;
constexpr std::uint64_t patience_permitted_ns = 60 * second;
constexpr std::uint32_t failures_when_calm_max = 1;

bool same(View a, View b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

}  // namespace

// --- client ----------------------------------------------------------------------------------------------

struct Dialogue::State {
  struct Asked {
    Octets request;        // as it was sent
    Octets plain;          // … without its numbers
    bool opening = false;  // of the exchange that opens the conversation
    std::uint64_t sent_ns = 0;
    std::uint64_t number = 0;
    std::uint16_t port = 0;  // of the connection
    std::uint32_t standing = 0;
    std::uint64_t since_ns = 0;      // the connection's beginning
    std::size_t counted = 0;         // its place there
    std::vector<std::size_t> needs;  // what its standing depends on: places in `asked_on` of its port
  };

  State(Stage& s, const DialoguePlan& p, TcpHost& c, const Host& h)
      : stage(s), plan(p), client(c), server(h), random(p.random), left(p.requests) {}

  [[nodiscard]] std::uint64_t now() const { return stage.network.scheduler().now(); }
  [[nodiscard]] bool finished() const { return left == 0 && again.empty() && pending.empty(); }
  [[nodiscard]] bool permitted(const Asked& asked) const;
  [[nodiscard]] std::vector<Counted>& counted() const {
    return stage.ledger.counted[{plan.client, plan.server, plan.protocol->port()}];
  }
  [[nodiscard]] bool permitted_but_for_rate(const Asked& asked) const;
  void finding(const std::string& what) {
    if (!plan.must_finish) return;
    stage.findings.push_back({"liveness", name() + ": " + what, now()});
  }
  [[nodiscard]] std::string name() const {
    return "client-" + std::to_string(plan.client) + " → server-" + std::to_string(plan.server) + " " +
           plan.protocol->name();
  }

  static void open(const std::shared_ptr<State>& self);
  static void pump(const std::shared_ptr<State>& self);
  static void be_patient(const std::shared_ptr<State>& self, std::uint64_t number, std::uint64_t wait_ns);
  [[nodiscard]] std::size_t octets_under_way() const;
  void take_data(View octets);
  void take_reply(View pdu);
  void lost_connection(bool was_connected);
  void failed(Asked&& asked, bool blameless);
  Octets draw_request();
  Asked ask(Octets request);
  void give_up_one();

  Stage& stage;
  DialoguePlan plan;
  TcpHost& client;
  const Host& server;
  Random random;
  std::unique_ptr<Rules> own_rules;  // where the first policy has none for this pair
  const Rules* rules = nullptr;
  TcpSocket* socket = nullptr;
  bool connected = false;
  std::uint16_t port = 0;
  std::map<std::uint16_t, std::vector<Asked>> asked_on;  // by client port
  std::map<std::uint16_t, std::uint32_t> refused;
  std::map<std::uint16_t, std::uint32_t> refused_for_rate;
  std::uint32_t left = 0;
  std::uint32_t drawn = 0;
  std::uint64_t asked_count = 0;
  std::uint32_t refused_connections = 0;
  std::uint32_t failures_when_calm = 0;
  std::uint32_t retries = 0;
  std::deque<Octets> again;
  std::deque<Asked> pending;
  std::vector<Asked> silent;  // on this connection: were denied, and nobody has waited for them any longer
  Octets received;
  std::unique_ptr<ClientEnd> end;              // of the connection
  std::unique_ptr<Conversation> conversation;  // … as the client sees it
  std::uint64_t since_ns = 0;
  std::optional<Octets> follows;  // the request that was drawn last, if another may follow it
  bool opened = false;            // the exchange that opens a conversation is over
  bool pausing = false;
  bool spoilt = false;  // a denied request got silence: the connection may be dead (DROP)
};

namespace {

class ClientLink final : public Application {
 public:
  struct Calls {
    std::function<void(TcpSocket&)> connected;
    std::function<void(View)> data;
    std::function<void(TcpSocket&)> end;
    std::function<void()> closed;
  };
  explicit ClientLink(Calls calls) : calls_(std::move(calls)) {}
  void on_connected(TcpSocket& socket) override { calls_.connected(socket); }
  void on_data(TcpSocket&, View octets) override { calls_.data(octets); }
  void on_end_of_data(TcpSocket& socket) override { calls_.end(socket); }
  void on_closed(TcpSocket&, bool) override { calls_.closed(); }

 private:
  Calls calls_;
};

}  // namespace

Octets Dialogue::State::draw_request() {
  const std::uint32_t number = drawn++;
  if (follows) {
    const Octets before = std::move(*follows);
    follows.reset();
    Octets request = plan.protocol->follow_up(before, number, random);
    if (!request.empty()) return request;
  }
  if (random.below(1000) < plan.bad_per_mille) return plan.protocol->bad_request(random, number);
  Octets request = plan.protocol->request(random, *rules, number);
  if (conversation != nullptr && random.chance(3, 4)) follows = request;
  return request;
}

bool Dialogue::State::permitted(const Asked& asked) const {
  return permitted_but_for_rate(asked) && stage.timeline.always_within_limits(plan, counted(), asked.counted);
}

bool Dialogue::State::permitted_but_for_rate(const Asked& asked) const {
  if (!stage.timeline.always_permitted(plan, asked.request, asked.standing, asked.sent_ns)) return false;
  if (asked.standing == 0) return true;
  if (stage.timeline.restarted_since(asked.since_ns)) return false;
  const std::vector<Asked>& before = asked_on.at(asked.port);
  return std::all_of(asked.needs.begin(), asked.needs.end(),
                     [&](std::size_t place) { return permitted_but_for_rate(before[place]); });
}

// Takes note of what goes onto the connection.
Dialogue::State::Asked Dialogue::State::ask(Octets request) {
  Asked asked;
  asked.plain = plan.protocol->plain(request);
  asked.request = std::move(request);
  asked.sent_ns = now();
  asked.number = ++asked_count;
  asked.port = port;
  asked.since_ns = since_ns;
  asked.counted = counted().size();
  counted().push_back({asked.request, plan.protocol->operations_most(asked.request), now()});
  std::vector<Asked>& before = asked_on[port];
  if (conversation != nullptr) {
    asked.standing = conversation->standing(asked.request);
    for (std::size_t i = before.size(); asked.standing != 0 && i-- > 0;) {
      if (!plan.protocol->depends(asked.request, before[i].request)) continue;
      asked.needs.push_back(i);
      break;
    }
    permitted(asked) ? conversation->passed(asked.request, true) : conversation->refused(asked.request);
  }
  before.push_back(asked);
  return asked;
}

void Dialogue::State::open(const std::shared_ptr<State>& self) {
  State& state = *self;
  if (state.socket != nullptr || state.finished() || state.stage.over) return;
  state.received.clear();
  state.silent.clear();
  state.connected = false;
  state.spoilt = false;
  state.port = state.stage.next_port++;
  state.since_ns = state.now();
  state.follows.reset();
  state.opened = false;
  state.end = state.plan.protocol->client_end();
  state.conversation = state.plan.protocol->conversation(Viewpoint::CLIENT);
  ++state.stage.totals.connections;
  const std::uint16_t port = state.port;
  ClientLink::Calls calls;
  calls.connected = [self](TcpSocket&) {
    self->connected = true;
    self->refused_connections = 0;
    pump(self);
  };
  calls.data = [self](View octets) {
    self->take_data(octets);
    pump(self);
  };
  calls.end = [](TcpSocket& socket) { socket.close(); };
  calls.closed = [self, port] {
    if (self->port != port || self->socket == nullptr) return;
    const bool was_connected = self->connected;
    self->socket = nullptr;
    self->connected = false;
    self->lost_connection(was_connected);
    if (self->finished()) return;
    self->stage.network.scheduler().after((100 + self->random.below(900)) * millisecond,
                                          [self] { open(self); });
  };
  state.socket = &state.client.connect(state.server, state.plan.protocol->port(),
                                       std::make_unique<ClientLink>(std::move(calls)), port);
}

void Dialogue::State::pump(const std::shared_ptr<State>& self) {
  State& state = *self;
  while (state.connected && state.socket != nullptr && !state.pausing &&
         state.pending.size() < state.plan.pipelined) {
    if (state.again.empty() && state.left == 0) break;
    if (state.follows && state.plan.protocol->follow_up_waits() && !state.pending.empty()) break;
    Octets octets;
    if (!state.opened) {
      if (!state.pending.empty()) break;
      octets = state.end->opening(*state.rules, state.random);
      state.opened = octets.empty();
      if (state.opened) continue;
    } else if (!state.again.empty()) {
      octets = std::move(state.again.front());
      state.again.pop_front();
    } else {
      octets = state.draw_request();
      --state.left;
    }
    octets = state.end->numbered(std::move(octets), 0);
    state.end->sent(octets);
    Asked asked = state.ask(octets);
    asked.opening = !state.opened;
    if (!state.plan.protocol->silent(octets)) {
      be_patient(self, asked.number, patience_denied_ns);
      state.pending.push_back(std::move(asked));
    }
    state.socket->send(octets);
    if (state.plan.pause_ms_max == 0) continue;
    state.pausing = true;
    state.stage.network.scheduler().after(state.random.below(state.plan.pause_ms_max) * millisecond, [self] {
      self->pausing = false;
      pump(self);
    });
  }
  if (state.finished() && state.connected && state.socket != nullptr) state.socket->close();
}

// At most: some of them may have come.
std::size_t Dialogue::State::octets_under_way() const {
  std::size_t octets = 0;
  for (const Asked& asked : pending) octets += asked.request.size();
  for (const Served& served : stage.ledger.served[{plan.server, port}])
    if (!served.taken) octets += served.answer.size();
  for (const Told& told : stage.ledger.told[{plan.server, port}])
    if (!told.taken) octets += told.pdu.size();
  return octets;
}

// An answer that does not come: a denied request is done with (and where silence means that the connection is
// dead, it is given up), a permitted one is asked again on a new connection.
void Dialogue::State::be_patient(const std::shared_ptr<State>& self, std::uint64_t number,
                                 std::uint64_t wait_ns) {
  self->stage.network.scheduler().after(wait_ns, [self, number] {
    State& state = *self;
    const auto at = std::find_if(state.pending.begin(), state.pending.end(),
                                 [number](const Asked& asked) { return asked.number == number; });
    if (at == state.pending.end()) return;
    const bool permitted = state.permitted(*at);
    const std::uint64_t waited = state.now() - at->sent_ns;
    const std::uint64_t patience = patience_permitted_ns + state.plan.octet_ns * state.octets_under_way();
    if (permitted && waited < patience) {
      be_patient(self, number, patience - waited);
      return;
    }
    if (!permitted) {
      ++state.stage.totals.given_up;
      const bool opening = at->opening;
      state.silent.push_back(std::move(*at));
      state.pending.erase(at);
      state.spoilt = true;
      if (opening) state.give_up_one();
      if (!opening && state.random.chance(1, 2)) return pump(self);  // DISCARD: the connection lives on
    }
    if (state.socket != nullptr) state.socket->abort();
  });
}

void Dialogue::State::failed(Asked&& asked, bool blameless) {
  if (!permitted(asked)) {
    ++stage.totals.given_up;
    if (asked.opening) give_up_one();
    return;
  }
  if (asked.sent_ns >= stage.calm_ns + 2 * second && !blameless && !stage.tight) {
    if (++failures_when_calm > failures_when_calm_max) {
      finding("a permitted request failed more than once after the faults had stopped, asked at " +
              std::to_string(asked.sent_ns / 1000) + " us from port " + std::to_string(port));
    }
  }
  if (++retries > 200 && !asked.opening) return;
  if (asked.opening) return retries > 200 ? give_up_one() : void();
  again.push_back(std::move(asked.request));
}

// A conversation that may not be opened: the next request has no chance.
void Dialogue::State::give_up_one() {
  if (!again.empty())
    again.pop_front();
  else if (left != 0)
    --left;
}

void Dialogue::State::lost_connection(bool was_connected) {
  // What is pending beside a denied request shares its fate (RESET, DROP).
  bool blameless = spoilt;
  for (const Asked& asked : pending) blameless = blameless || !permitted(asked);
  for (const Asked& asked : asked_on[port]) {
    const bool matters = plan.cut_when_denied || plan.protocol->silent(asked.request);
    blameless = blameless || (matters && !permitted(asked));
  }
  // So it is with what the server says without leave, of which a part has left.
  for (const Told& told : stage.ledger.told[{plan.server, port}])
    blameless =
        blameless || (!told.asked && !stage.timeline.always_permitted_unasked(plan, told.pdu, told.at_ns));
  std::deque<Asked> gone;
  gone.swap(pending);
  for (Asked& asked : gone) failed(std::move(asked), blameless);
  if (was_connected) return;
  ++refused_connections;
  if (stage.timeline.service_now(plan) || refused_connections < 3) return;
  left = 0;  // nothing is permitted between the two
  again.clear();
}

void Dialogue::State::take_data(View octets) {
  received.insert(received.end(), octets.begin(), octets.end());
  std::size_t at = 0;
  while (true) {
    const View rest = View(received).subspan(at);
    const Front front = plan.protocol->front(rest, false);
    if (front.kind == Front::Kind::GARBAGE) {
      finding("the client received what is no PDU");
      received.clear();
      return;
    }
    if (front.kind == Front::Kind::MORE) break;
    const View pdu = rest.first(front.size);
    at += front.size;
    if (conversation != nullptr) conversation->passed(pdu, false);
    take_reply(pdu);
    if (socket == nullptr) return;
    for (const Octets& back : end->on_pdu(pdu)) {
      ask(back);
      socket->send(back);
    }
  }
  received.erase(received.begin(), received.begin() + static_cast<std::ptrdiff_t>(at));
}

void Dialogue::State::take_reply(View pdu) {
  const Octets plain = plan.protocol->plain(pdu);
  std::vector<Served>& served = stage.ledger.served[{plan.server, port}];
  for (auto asked = pending.begin(); asked != pending.end(); ++asked) {
    for (Served& entry : served) {
      if (entry.taken || !same(entry.request, asked->plain) || !same(entry.answer, plain)) continue;
      entry.taken = true;
      counted()[asked->counted].done_ns = now();
      ++stage.totals.answered;
      pending.erase(asked);
      return;
    }
  }
  std::vector<Told>& told = stage.ledger.told[{plan.server, port}];
  for (Told& entry : told) {
    if (entry.taken || !same(entry.pdu, plain)) continue;
    entry.taken = true;
    return;
  }
  // Numbers may be in use twice: rather that of a denied one.
  auto refusal = pending.end();
  for (auto asked = pending.begin(); asked != pending.end(); ++asked) {
    if (!plan.protocol->is_negative(pdu) || !plan.protocol->answers(pdu, asked->request)) continue;
    if (refusal == pending.end() || permitted(*refusal)) refusal = asked;
  }
  // A refusal may have to wait for room in the client's window, longer than the client.
  if (refusal != pending.end() && permitted(*refusal)) {
    const auto late = std::find_if(silent.begin(), silent.end(), [&](const Asked& asked) {
      return plan.protocol->answers(pdu, asked.request);
    });
    if (late != silent.end()) {
      silent.erase(late);
      return;
    }
  }
  if (refusal != pending.end()) {
    const bool good = permitted_but_for_rate(*refusal);
    if (permitted(*refusal) && !stage.tight) finding("a permitted request was refused");
    counted()[refusal->counted].done_ns = now();
    ++stage.totals.refused;
    ++refused[port];
    if (good && !stage.tight) ++refused_for_rate[port];
    const bool opening = refusal->opening;
    pending.erase(refusal);
    if (!opening) return;
    give_up_one();
    if (socket != nullptr) socket->abort();
    return;
  }
  // The answer to a request that the client has given up comes late: no fault.
  for (Served& entry : served) {
    if (entry.taken || !same(entry.answer, plain)) continue;
    entry.taken = true;
    return;
  }
  if (plan.protocol->is_negative(pdu)) return;  // likewise; the safety oracle knows all requests
  finding("the client received an answer that no server has given");
}

Dialogue::Dialogue(Stage& stage, const DialoguePlan& plan, const PlantPolicy& policy, TcpHost& client,
                   const Host& server)
    : state_(std::make_shared<State>(stage, plan, client, server)) {
  const Service* service = policy.find(plan.client, plan.server, *plan.protocol);
  if (service != nullptr) {
    state_->rules = service->rules.get();
  } else {
    state_->own_rules = plan.protocol->random_rules(state_->random);
    state_->rules = state_->own_rules.get();
  }
}
Dialogue::~Dialogue() = default;

void Dialogue::start() {
  state_->stage.network.scheduler().at(state_->plan.begin_ns, [state = state_] { State::open(state); });
}
bool Dialogue::finished() const { return state_->finished(); }
const std::map<std::uint16_t, std::uint32_t>& Dialogue::refused() const { return state_->refused; }
const std::map<std::uint16_t, std::uint32_t>& Dialogue::refused_for_rate() const {
  return state_->refused_for_rate;
}
// Of protocols in which a PDU stands for itself. A server gets in order what it gets.
std::map<std::uint16_t, std::uint32_t> Dialogue::denied() const {
  std::map<std::uint16_t, std::uint32_t> counts;
  const DialoguePlan& plan = state_->plan;
  if (plan.protocol->conversation(Viewpoint::CLIENT) != nullptr) return counts;
  const Timeline& timeline = state_->stage.timeline;
  for (const auto& [port, asked] : state_->asked_on) {
    const std::vector<Served>& served = state_->stage.ledger.served[{plan.server, port}];
    std::size_t next = 0;
    std::uint32_t waiting = 0;
    for (const State::Asked& one : asked) {
      if (timeline.never_permitted(plan, one.request, one.sent_ns)) ++waiting;
      if (next == served.size() || !same(served[next].request, one.plain)) continue;
      ++next;
      counts[port] += std::exchange(waiting, 0);
    }
  }
  return counts;
}

std::vector<std::uint16_t> Dialogue::clean_ports() const {
  std::vector<std::uint16_t> clean;
  for (const auto& [port, asked] : state_->asked_on) {
    const bool all =
        std::all_of(asked.begin(), asked.end(), [this](const auto& a) { return state_->permitted(a); });
    const std::vector<Told>& told = state_->stage.ledger.told[{state_->plan.server, port}];
    const bool both = all && std::all_of(told.begin(), told.end(), [this](const Told& entry) {
                        return entry.asked || state_->stage.timeline.always_permitted_unasked(
                                                  state_->plan, entry.pdu, entry.at_ns);
                      });
    if (both) clean.push_back(port);
  }
  return clean;
}
std::string Dialogue::state() const {
  const State& state = *state_;
  std::string text = state.name() + ": " + std::to_string(state.left) + " requests not yet asked, " +
                     std::to_string(state.again.size()) + " to be repeated, " +
                     std::to_string(state.pending.size()) + " without answer, " +
                     (state.connected           ? "connected"
                      : state.socket != nullptr ? "connecting"
                                                : "not connected");
  return text + ", client port " + std::to_string(state.port);
}

// --- server ----------------------------------------------------------------------------------------------

namespace {

class ServerLink final : public Application {
 public:
  ServerLink(Stage& stage, const ProtocolModel& protocol, std::size_t server, Random random)
      : stage_(stage), protocol_(protocol), end_(protocol.server_end()), server_(server), random_(random) {
    delay_ns_ = random_.chance(1, 2) ? 0 : random_.below(30) * millisecond;
  }
  ~ServerLink() override { *alive_ = false; }
  void on_connected(TcpSocket& socket) override { port_ = socket.remote_port(); }
  void on_data(TcpSocket& socket, View octets) override {
    received_.insert(received_.end(), octets.begin(), octets.end());
    std::size_t at = 0;
    while (true) {
      const View rest = View(received_).subspan(at);
      const Front front = protocol_.front(rest, true);
      if (front.kind == Front::Kind::MORE) break;
      if (front.kind == Front::Kind::GARBAGE) return socket.abort();
      react(socket, rest.first(front.size));
      at += front.size;
    }
    received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  void on_end_of_data(TcpSocket& socket) override { socket.close(); }
  void on_closed(TcpSocket&, bool) override { *alive_ = false; }

 private:
  void react(TcpSocket& socket, View request) {
    ServerEnd::Reaction reaction = end_->on_request(request, random_);
    stage_.ledger.served[{server_, port_}].push_back(
        {protocol_.plain(request), protocol_.plain(reaction.answer), false});
    if (!reaction.answer.empty()) say(socket, std::move(reaction.answer));
    for (Octets& pdu : reaction.more) tell(socket, std::move(pdu), true);
    for (Octets& pdu : reaction.unasked) tell(socket, std::move(pdu), false);
  }
  void tell(TcpSocket& socket, Octets pdu, bool asked) {
    stage_.ledger.told[{server_, port_}].push_back(
        {protocol_.plain(pdu), asked, stage_.network.scheduler().now(), false});
    say(socket, std::move(pdu));
  }
  void say(TcpSocket& socket, Octets octets) {
    if (delay_ns_ == 0) return say_now(socket, std::move(octets));
    stage_.network.scheduler().after(delay_ns_, [this, alive = alive_, &socket, octets = std::move(octets)] {
      if (*alive) say_now(socket, octets);
    });
  }
  void say_now(TcpSocket& socket, Octets octets) {
    octets = end_->numbered(std::move(octets), 0);
    end_->sent(octets);
    socket.send(octets);
  }

  Stage& stage_;
  const ProtocolModel& protocol_;
  std::unique_ptr<ServerEnd> end_;
  std::size_t server_;
  Random random_;
  std::uint64_t delay_ns_ = 0;
  std::uint16_t port_ = 0;
  Octets received_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

TcpHost::Accept make_server(Stage& stage, const ProtocolModel& protocol, std::size_t server, Random random) {
  return [&stage, &protocol, server, random]() mutable -> std::unique_ptr<Application> {
    return std::make_unique<ServerLink>(stage, protocol, server, Random(random.next()));
  };
}

}  // namespace conduit::simulation
