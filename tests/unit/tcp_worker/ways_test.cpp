// The short way of the TCP gate against its long way, with the real judge, flow table and events: the same
// segments through two workers laid by hand, one of which is made to take the long way each time. All that
// can be seen has to be the same after every segment: frames, counters, event records, state of the flow.
#include <doctest/doctest.h>

#include <array>
#include <random>
#include <utility>

#include "dataplane/engine/back_off_table.hpp"
#include "dataplane/engine/event_folder.hpp"
#include "dataplane/engine/flow_table.hpp"
#include "dataplane/engine/flows.hpp"
#include "dataplane/engine/mac_table.hpp"
#include "dataplane/engine/tcp_gate.hpp"
#include "dataplane/engine/tcp_gate_parts.hpp"
#include "tests/unit/tcp_worker/line.hpp"

namespace conduit::test {
namespace {

class Way final : public FrameSink {
 public:
  Way(const RuleImage& image, LimitTable& limits, bool lengthy)
      : long_way(lengthy), flows(Plane::small(), 5), blocks(Plane::small().block_count), back_off(5) {
    memory.resize(event_ring_bytes / sizeof(Plane::Line) + 1);
    context.config.limits = Plane::small();
    context.now_ns = 1'000'000'000'000;
    context.image = &image;
    context.classification = classification_of(&image, false);
    context.limits = &limits;
    context.flows = &flows;
    context.blocks = &blocks;
    context.folder = &folder;
    context.back_off = &back_off;
    context.macs = &macs;
    context.sink = this;
    context.ring = new (memory.data()) EventRing;
  }
  bool emit(std::uint8_t port, Bytes frame) noexcept override {
    left.push_back({port, Octets(frame.begin(), frame.end())});
    return true;
  }

  // As Worker::step: what is asked of every frame, the gate, settling.
  void pass(Octets frame, std::uint8_t port_in) {
    ParsedFrame parsed;
    const auto size = static_cast<std::uint32_t>(frame.size());
    if (long_way) {
      parse_frame_long_way(frame.data(), size, port_in, 0, 1, parsed);
    } else {
      parse_frame(frame.data(), size, port_in, 0, 1, parsed);
    }
    REQUIRE(parsed.reason == Reason::NONE);
    parsed.port_out = port_in ^ 1U;
    Side sender = 0;
    flow = flows.find(flows.hash(parsed, 0), parsed, 0, sender);
    Disposition disposition = Disposition::CONSUME;
    if (flow == nullptr) {
      Reason reason = Reason::NONE;
      flow = open_flow(context, parsed, 0, FlowState::HALF_OPEN, reason);
      REQUIRE(flow != nullptr);
    }
    if (long_way) flow->tcp.plain_for = never_plain;
    usual = flow->tcp.plain_for == flow->classification;
    const auto admit = long_way ? admit_frame_long_way : admit_frame;
    if (admit(context, *flow, sender, parsed)) disposition = tcp_gate(context, *flow, sender, parsed);
    if (disposition == Disposition::FORWARD) {
      left.push_back({parsed.port_out, Octets(parsed.data, parsed.data + parsed.size)});
    }
    settle_flow(context, *flow);
    flow = flows.live() == 0 ? nullptr : flow;
  }

  bool long_way;
  bool usual = false;  // the short way was open to the last segment
  FlowTable flows;
  BlockPool blocks;
  BackOffTable back_off;
  EventFolder folder{};
  MacTable macs{};
  std::vector<Plane::Line> memory{};
  WorkerContext context{};
  std::vector<Sent> left{};
  Flow* flow = nullptr;
};

using Numbers = std::vector<std::uint64_t>;

void add(Numbers& numbers, const Stream& stream, const BlockPool& pool) {
  for (const std::uint64_t number : {std::uint64_t{stream.acked},
                                     std::uint64_t{stream.forwarded},
                                     std::uint64_t{stream.received},
                                     std::uint64_t{stream.boundary},
                                     std::uint64_t{stream.acked_r},
                                     std::uint64_t{stream.edge_r},
                                     std::uint64_t{stream.told_edge},
                                     std::uint64_t{stream.delta},
                                     std::uint64_t{stream.timestamp},
                                     std::uint64_t{stream.window},
                                     std::uint64_t{stream.scale},
                                     std::uint64_t{stream.edit_count},
                                     std::uint64_t{stream.waiting_count},
                                     std::uint64_t{stream.early_count},
                                     std::uint64_t{stream.has_timestamp},
                                     std::uint64_t{stream.fin},
                                     std::uint64_t{stream.discarding},
                                     std::uint64_t{stream.unverified},
                                     std::uint64_t{stream.joined},
                                     std::uint64_t{stream.repeat_count},
                                     std::uint64_t{stream.released_count},
                                     std::uint64_t{stream.segment_max},
                                     stream.held_since_ns,
                                     stream.repeat_ns,
                                     std::uint64_t{stream.kept.size}}) {
    numbers.push_back(number);
  }
  Octets kept(stream.kept.size);
  kept_copy(pool, stream.kept, 0, kept);
  numbers.insert(numbers.end(), kept.begin(), kept.end());
}

// All of a flow that anything later can depend on; not `plain_for`, by which the two ways differ.
Numbers state_of(const Way& way) {
  if (way.flow == nullptr) return {};
  const Flow& flow = *way.flow;
  const TcpState& tcp = flow.tcp;
  Numbers numbers{static_cast<std::uint64_t>(flow.state),
                  flow.last_seen_ns,
                  flow.timer_ns,
                  flow.id,
                  flow.idle_ns,
                  flow.filed_ns,
                  flow.request_count,
                  flow.outstanding_count,
                  static_cast<std::uint64_t>(tcp.phase),
                  static_cast<std::uint64_t>(tcp.follow),
                  tcp.mapped,
                  tcp.blind,
                  tcp.reset,
                  way.blocks.in_use()};
  for (const Outstanding& request : flow.outstanding) {
    numbers.push_back(request.live);
    if (!request.live) continue;
    numbers.insert(numbers.end(),
                   {request.key, request.detail, request.rule, request.order, request.since_ms});
  }
  numbers.insert(numbers.end(), flow.session.octets.begin(), flow.session.octets.end());
  for (const Stream& stream : tcp.stream) add(numbers, stream, way.blocks);
  return numbers;
}

// One client and one server with their numbers, who mostly behave.
struct Talk {
  explicit Talk(unsigned seed) : random(seed) {}
  std::uint32_t roll(std::uint32_t sides) { return static_cast<std::uint32_t>(random() % sides); }

  Octets request() {
    const std::uint16_t number = transaction;
    switch (roll(12)) {
      case 0: return setpoint;
      case 1: return modbus_pdu(number, "01 06 0028 ffff");                    // value not permitted
      case 2: return modbus_pdu(number, "01 10 0028 0001 02 0001");            // function not permitted
      case 3: return modbus_pdu(number, "01 17 0000 0001 0028 0001 02 0001");  // two operations
      case 4: return modbus_pdu(number, "01 03 0000 0000");                    // malformed
      default: return modbus_pdu(number, read_ten);
    }
  }
  Octets response() {
    const std::uint16_t number = roll(10) == 0 ? std::uint16_t{999} : transaction++;
    switch (roll(8)) {
      case 0: return modbus_pdu(number, "01 83 02");
      case 1: return modbus_pdu(number, "01 03 02 0000");  // another size than asked for
      default: return modbus_pdu(number, ten_words);
    }
  }

  // The next segment: usually all is as it should be. Now and then one overtakes another.
  Octets next(std::uint8_t& side) {
    if (!delayed.empty() && roll(2) == 0) {
      side = delayed_side;
      return std::exchange(delayed, {});
    }
    Octets frame = fresh(side);
    if (!delayed.empty() || roll(12) != 0) return frame;
    delayed = std::move(frame);
    delayed_side = side;
    if (roll(3) != 0) asked = side != 0;  // the same side goes on
    return fresh(side);
  }
  Octets fresh(std::uint8_t& side) {
    side = static_cast<std::uint8_t>(asked ? 1 : 0);
    if (roll(8) == 0) side ^= 1U;
    Octets payload;
    if (roll(5) != 0) payload = side == 0 ? request() : response();
    if (!payload.empty()) asked = side == 0;
    if (roll(16) == 0 && !payload.empty())
      payload.resize(1 + roll(static_cast<std::uint32_t>(payload.size())));
    if (roll(16) == 0 && !payload.empty()) put(payload, side == 0 ? request() : response());
    std::uint32_t at = sent[side];
    if (roll(20) == 0) at -= roll(20);
    if (roll(30) == 0) at += roll(20);
    std::uint32_t acked = sent[side ^ 1U] - (roll(6) == 0 ? roll(15) : 0);
    if (roll(60) == 0) acked += 100;
    std::uint8_t flags = roll(3) == 0 ? ack : psh_ack;
    if (roll(150) == 0) flags |= fin;
    sent[side] = at + static_cast<std::uint32_t>(payload.size());
    if (roll(12) != 0) ++clock;
    if (roll(40) == 0) clock -= 5;
    return segment(side, at, acked, flags, payload, window());
  }

  // Of a receiver with hardly any room, or one that does not think of it.
  std::uint32_t window() { return narrow ? roll(60) : 60000 - roll(2); }

  Octets segment(std::uint8_t side, std::uint32_t at, std::uint32_t acked, std::uint8_t flags,
                 const Octets& payload, std::uint32_t window) {
    Tcp header{.from = side == 0 ? std::uint16_t{40000} : std::uint16_t{502},
               .to = side == 0 ? std::uint16_t{502} : std::uint16_t{40000},
               .sequence = at,
               .acknowledgement = acked,
               .flags = flags,
               .window = static_cast<std::uint16_t>(window)};
    if (stamped && (flags != psh_ack || roll(20) != 0)) {
      header.options = hex("01 01 08 0a");
      put32(header.options, clock);
      put32(header.options, clock);
    }
    const Link link = side == 0 ? Link{mac_hmi, mac_plc, {}} : Link{mac_plc, mac_hmi, {}};
    return tcp(link, side == 0 ? Ip{ip_hmi, ip_plc} : Ip{ip_plc, ip_hmi}, header, payload);
  }

  std::mt19937 random;
  std::array<std::uint32_t, 2> sent{client_first, server_first};
  std::uint32_t clock = 1000;
  std::uint16_t transaction = 1;
  bool asked = false;
  Octets delayed{};
  std::uint8_t delayed_side = 0;
  bool stamped = false;
  bool narrow = false;
};

struct Pair {
  Pair(const RuleImage& image, unsigned seed)
      : talk(seed), usual(image, limits_of_usual, false), lengthy(image, limits_of_long, true) {}

  void pass(const Octets& frame, std::uint8_t side) {
    usual.context.now_ns += 1'000'000;
    lengthy.context.now_ns += 1'000'000;
    usual.pass(frame, side);
    lengthy.pass(frame, side);
    REQUIRE(state_of(usual) == state_of(lengthy));
    REQUIRE(usual.left.size() == lengthy.left.size());
    for (std::size_t i = 0; i < usual.left.size(); ++i) {
      REQUIRE(usual.left[i].port == lengthy.left[i].port);
      REQUIRE(usual.left[i].frame == lengthy.left[i].frame);
    }
    usual.left.clear();
    lengthy.left.clear();
    REQUIRE(std::memcmp(&usual.context.counters, &lengthy.context.counters, sizeof(WorkerCounters)) == 0);
  }
  void open() {
    pass(talk.segment(0, client_first - 1, 0, syn, {}, talk.window()), 0);
    pass(talk.segment(1, server_first - 1, client_first, syn | ack, {}, talk.window()), 1);
    pass(talk.segment(0, client_first, server_first, ack, {}, talk.window()), 0);
    REQUIRE(usual.flow->state == FlowState::ESTABLISHED);
  }

  LimitTable limits_of_usual{16};
  LimitTable limits_of_long{16};
  Talk talk;
  Way usual;
  Way lengthy;
};

}  // namespace

TEST_CASE("the short way and the long way are one: frames, counters, events, state of the flow") {
  std::size_t open_to_it = 0;
  std::size_t events = 0;
  ImageSource source = plant();
  for (RuleSource& rule : source.services[1].request) rule.record_every = true;
  for (unsigned seed = 1; seed <= 600; ++seed) {
    CAPTURE(seed);
    const Verdict verdicts[] = {Verdict::REFUSE, Verdict::DISCARD, Verdict::RESET};
    source.services[1].on_deny = verdicts[seed % 3];
    source.conduits[0].mode = seed % 10 == 9 ? Mode::OBSERVE : Mode::ENFORCE;
    auto buffer = build_image(source);
    REQUIRE(buffer);
    const RuleImage image = open_image(*buffer);
    Pair pair(image, seed);
    pair.talk.stamped = seed % 4 != 0;
    pair.talk.narrow = seed % 5 == 0;
    pair.open();
    for (int i = 0; i < 60 && pair.usual.flow != nullptr; ++i) {
      std::uint8_t side = 0;
      const Octets frame = pair.talk.next(side);
      pair.pass(frame, side);
      open_to_it += pair.usual.usual ? 1U : 0U;
    }
    const std::uint64_t written = pair.usual.context.ring_head;
    REQUIRE(written == pair.lengthy.context.ring_head);
    REQUIRE(std::memcmp(pair.usual.context.ring + 1, pair.lengthy.context.ring + 1,
                        written * sizeof(EventRecord)) == 0);
    events += written;
  }
  CHECK(open_to_it > 3000);
  CHECK(events > 1000);
}

}  // namespace conduit::test
