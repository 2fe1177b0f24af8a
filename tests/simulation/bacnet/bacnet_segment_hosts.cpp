#include "tests/simulation/bacnet/bacnet_segment_hosts.hpp"

#include <algorithm>
#include <utility>

#include "tests/simulation/bacnet/bacnet_datagrams.hpp"
#include "tests/simulation/bacnet/bacnet_requests.hpp"
#include "tests/simulation/bacnet/bacnet_segments.hpp"

namespace conduit::simulation {
namespace {

using bacnet::Incoming;
using bacnet::Message;
using bacnet::Outgoing;
using bacnet::read_message;
using bacnet::write_message;

constexpr std::uint64_t segment_timeout_ns = 500 * millisecond;
constexpr std::uint32_t segment_tries_max = 4;
constexpr std::uint64_t answer_timeout_ns = 2500 * millisecond;  // longer than an answer is repeated
constexpr std::uint32_t tries_denied = 2;
constexpr std::uint32_t tries_permitted = 30;
// Of requests in segments that their receiver has not answered, so many may lie between two ports
// (protocols/bacnet/README.md); then the client takes another one.
constexpr std::uint32_t unanswered_max = 5;
constexpr std::size_t answer_octets_least = 12;  // of one in segments

std::uint8_t draw_window(Random& random) { return static_cast<std::uint8_t>(random.between(1, 6)); }
std::size_t draw_size(Random& random) { return random.between(6, 40); }

// --- server ----------------------------------------------------------------------------------------------

class Server : public std::enable_shared_from_this<Server> {
 public:
  Server(DatagramStage& stage, DatagramHost& host, const std::vector<HostAddress>& others, Random random)
      : stage_(stage), host_(host), others_(others), random_(random) {}
  void take(const Packet& packet);

 private:
  using Key = std::tuple<const HostAddress*, std::uint16_t, std::uint8_t>;
  struct Talk {
    std::optional<Incoming> incoming;
    std::optional<Outgoing> outgoing;
    bool answered = false;  // a number stands for one request in a run
    std::uint32_t tries = 0;
  };
  void answer(const Key& key, const Message& request);
  void send(const Key& key, const Octets& pdu) {
    host_.send(*std::get<0>(key), bacnet_datagrams().port(), std::get<1>(key), pdu);
  }
  void send_segments(const Key& key);

  DatagramStage& stage_;
  DatagramHost& host_;
  const std::vector<HostAddress>& others_;
  Random random_;
  std::map<Key, Talk> talks_;
};

void Server::take(const Packet& packet) {
  const std::optional<Message> message = read_message(packet.payload);
  const HostAddress* asker = find_sender(others_, packet);
  if (!message || asker == nullptr) return;
  const Key key{asker, packet.source_port, message->invoke};
  if (bacnet_datagrams().goes_on(packet.payload)) {
    const auto talk = talks_.find(key);
    if (talk == talks_.end() || !talk->second.outgoing) return;
    if (message->apdu == bacnet::ABORT) return talk->second.outgoing.reset();
    if (!talk->second.outgoing->acknowledged(*message->segment)) return;
    talk->second.tries = 0;
    return send_segments(key);
  }
  if (message->apdu != bacnet::CONFIRMED || !bacnet_datagrams().in_parts(packet.payload)) return;
  Talk& talk = talks_[key];
  if (!message->segment) return answer(key, *message);
  if (!talk.incoming) talk.incoming.emplace(draw_window(random_));
  if (const std::optional<Message> reply = talk.incoming->take(*message)) send(key, write_message(*reply));
  if (talk.incoming->whole()) answer(key, talk.incoming->message());
}

void Server::answer(const Key& key, const Message& request) {
  Talk& talk = talks_[key];
  if (std::exchange(talk.answered, true)) return;
  const Octets octets = bacnet_datagrams().answer(write_message(request), random_);
  if (octets.empty()) return;
  stage_.said.insert(octets);
  const Message answer = *read_message(octets);
  if (answer.apdu != bacnet::COMPLEX_ACK || !request.takes_segments ||
      answer.parameters.size() < answer_octets_least || random_.chance(1, 4))
    return send(key, octets);
  talk.outgoing.emplace(answer, draw_size(random_), draw_window(random_));
  send_segments(key);
}

// And again, until something new is acknowledged.
void Server::send_segments(const Key& key) {
  Talk& talk = talks_[key];
  for (const Octets& segment : talk.outgoing->due()) send(key, segment);
  const std::size_t left = talk.outgoing->due().size();
  const std::uint32_t tries = ++talk.tries;
  stage_.network.scheduler().after(segment_timeout_ns, [self = shared_from_this(), key, tries, left] {
    const Talk& again = self->talks_[key];
    if (left == 0 || !again.outgoing || again.tries != tries || tries >= segment_tries_max) return;
    self->send_segments(key);
  });
}

}  // namespace

void serve_segments(DatagramStage& stage, DatagramHost& host, const std::vector<HostAddress>& others,
                    Random random) {
  const auto server = std::make_shared<Server>(stage, host, others, random);
  host.bind(bacnet_datagrams().port(), [server](const Packet& packet) { server->take(packet); });
}

// --- client ----------------------------------------------------------------------------------------------

struct SegmentDialogue::State {
  State(DatagramStage& s, const DatagramDialoguePlan& p, const Rules& r, bool l, DatagramHost& h,
        const HostAddress& a)
      : stage(s), plan(p), rules(r), lies(l), asker(h), asked(a), random(p.random), left(p.requests) {}

  [[nodiscard]] Scheduler& scheduler() const { return stage.network.scheduler(); }
  [[nodiscard]] bool permitted() const {
    return stage.timeline.all_permit(plan.place, write_message(request), since_ns);
  }
  void finding(const std::string& what) const {
    if (lies || stage.tight) return;
    stage.findings.push_back({"liveness",
                              "bacnet in segments, client port " + std::to_string(port) + ", invoke id " +
                                  std::to_string(request.invoke) + ": " + what,
                              scheduler().now()});
  }
  void send(const Octets& pdu) { asker.send(asked, port, bacnet_datagrams().port(), pdu); }
  static void bind(const std::shared_ptr<State>& self);
  static void ask(const std::shared_ptr<State>& self);
  static void begin(const std::shared_ptr<State>& self);
  static void send_segments(const std::shared_ptr<State>& self);
  static void wait(const std::shared_ptr<State>& self);
  static void fail(const std::shared_ptr<State>& self);
  static void next(const std::shared_ptr<State>& self);
  static void take(const std::shared_ptr<State>& self, const Packet& packet);
  static void take_segment(const std::shared_ptr<State>& self, const Message& message);
  static void conclude(const std::shared_ptr<State>& self, const Octets& answer);

  DatagramStage& stage;
  DatagramDialoguePlan plan;
  const Rules& rules;
  bool lies;
  DatagramHost& asker;
  HostAddress asked;
  Random random;
  std::uint32_t left;
  std::uint8_t invoke = 0;
  std::uint16_t port = 0;
  Message request;  // under way, as a whole
  bool under_way = false;
  std::optional<Outgoing> outgoing;
  std::optional<Incoming> incoming;
  std::uint64_t since_ns = 0;
  std::uint32_t tries = 0;          // of the request
  std::uint32_t segment_tries = 0;  // of its next segments
  std::uint32_t unanswered = 0;
  std::uint64_t step = 0;  // a number that changes makes older timers void
};

void SegmentDialogue::State::bind(const std::shared_ptr<State>& self) {
  self->port = self->stage.next_port++;
  self->unanswered = 0;
  self->asker.bind(self->port, [self](const Packet& packet) { take(self, packet); });
}

// One that may go in segments: to be answered, by unicast, and from no station behind a router.
void SegmentDialogue::State::ask(const std::shared_ptr<State>& self) {
  State& state = *self;
  if (state.left == 0) return;
  const auto& rules = dynamic_cast<const bacnet::BacnetRules&>(state.rules);
  do {
    state.request = *read_message(bacnet::draw_request(state.random, rules, 0));
  } while (state.request.source || bacnet_datagrams().silent(write_message(state.request)));
  state.request.takes_segments = state.random.chance(3, 4);
  state.since_ns = state.scheduler().now();
  state.tries = 0;
  begin(self);
}

// Under a number of its own each time: the one before may have come in part.
void SegmentDialogue::State::begin(const std::shared_ptr<State>& self) {
  State& state = *self;
  ++state.tries;
  state.under_way = true;
  state.request.invoke = state.invoke++;
  state.incoming.reset();
  state.outgoing.reset();
  if (state.request.takes_segments && state.random.chance(1, 3)) {
    state.send(write_message(state.request));
    return wait(self);
  }
  if (state.unanswered == unanswered_max) bind(self);
  ++state.unanswered;
  state.outgoing.emplace(state.request, draw_size(state.random), draw_window(state.random));
  state.segment_tries = 0;
  send_segments(self);
}

void SegmentDialogue::State::send_segments(const std::shared_ptr<State>& self) {
  State& state = *self;
  if (state.outgoing->done()) return wait(self);
  for (const Octets& segment : state.outgoing->due()) state.send(segment);
  ++state.segment_tries;
  state.scheduler().after(segment_timeout_ns, [self, step = ++state.step] {
    if (self->step != step) return;
    self->segment_tries < segment_tries_max ? send_segments(self) : fail(self);
  });
}

void SegmentDialogue::State::wait(const std::shared_ptr<State>& self) {
  self->scheduler().after(answer_timeout_ns, [self, step = ++self->step] {
    if (self->step == step) fail(self);
  });
}

// Some say that they have given up, others say nothing.
void SegmentDialogue::State::fail(const std::shared_ptr<State>& self) {
  State& state = *self;
  state.under_way = false;
  ++state.step;
  if (state.random.chance(1, 2)) {
    Message abort;
    abort.apdu = bacnet::ABORT;
    abort.invoke = state.request.invoke;
    abort.destination = state.request.destination;
    state.send(write_message(abort));
  }
  const bool permitted = state.permitted();
  if (state.tries < (permitted ? tries_permitted : tries_denied)) return begin(self);
  if (permitted) state.finding("a permitted request has got no answer");
  ++state.stage.totals.given_up;
  next(self);
}

void SegmentDialogue::State::next(const std::shared_ptr<State>& self) {
  State& state = *self;
  state.under_way = false;
  ++state.step;
  --state.left;
  state.scheduler().after(state.random.below(state.plan.pause_ms_max) * millisecond, [self] { ask(self); });
}

void SegmentDialogue::State::take(const std::shared_ptr<State>& self, const Packet& packet) {
  State& state = *self;
  const std::optional<Message> message = read_message(packet.payload);
  const bool fits = message && state.under_way && packet.source_port == bacnet_datagrams().port() &&
                    packet.source_mac == state.asked.mac && message->invoke == state.request.invoke &&
                    bacnet_datagrams().is_answer(packet.payload);
  if (!fits) return;
  if (message->apdu == bacnet::SEGMENT_ACK) {
    if (!state.outgoing || !state.outgoing->acknowledged(*message->segment)) return;
    state.segment_tries = 0;
    return send_segments(self);
  }
  if (!bacnet_datagrams().answers(packet.payload, write_message(state.request))) return;
  if (message->segment) return take_segment(self, *message);
  conclude(self, packet.payload);
}

void SegmentDialogue::State::take_segment(const std::shared_ptr<State>& self, const Message& message) {
  State& state = *self;
  if (!state.incoming) state.incoming.emplace(draw_window(state.random));
  if (const std::optional<Message> reply = state.incoming->take(message)) state.send(write_message(*reply));
  state.incoming->whole() ? conclude(self, write_message(state.incoming->message())) : wait(self);
}

void SegmentDialogue::State::conclude(const std::shared_ptr<State>& self, const Octets& answer) {
  State& state = *self;
  if (!bacnet_datagrams().answers(answer, write_message(state.request))) return;
  if (state.stage.said.contains(answer)) {
    ++state.stage.totals.answered;
    if (state.outgoing) --state.unanswered;
  } else if (bacnet_datagrams().is_negative(answer)) {
    ++state.stage.totals.refused;
    if (state.tries == 1 && state.permitted()) state.finding("a permitted request is refused");
  } else {
    state.finding("an answer that no server has given");
  }
  next(self);
}

SegmentDialogue::SegmentDialogue(DatagramStage& stage, const DatagramDialoguePlan& plan, const Rules& rules,
                                 bool lies, DatagramHost& asker, const HostAddress& asked)
    : state_(std::make_shared<State>(stage, plan, rules, lies, asker, asked)) {}
SegmentDialogue::~SegmentDialogue() = default;

void SegmentDialogue::start() {
  const std::shared_ptr<State> self = state_;
  State::bind(self);
  self->scheduler().at(self->plan.begin_ns, [self] { State::ask(self); });
}

bool SegmentDialogue::finished() const { return state_->left == 0; }

}  // namespace conduit::simulation
