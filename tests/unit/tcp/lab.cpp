#include "tests/unit/tcp/lab.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <cstring>

#include "dataplane/engine/checksum.hpp"
#include "dataplane/engine/events.hpp"
#include "protocols/modbus/modbus_decoder.hpp"

namespace conduit {
namespace {
tcp_test::Lab* lab = nullptr;  // the one that is open
}

// --- what the rest of the engine does for the gate
// -----------------------------------------------------------

bool WorkerContext::emit(std::uint8_t port, Bytes frame) noexcept { return sink->emit(port, frame); }

bool deny_frame(WorkerContext&, const Flow* flow, const ParsedFrame&, Verdict, Reason reason) noexcept {
  lab->denied.push_back(reason);
  return flow != nullptr && flow->observe;
}

void note_reset(WorkerContext&, const Flow&) noexcept { ++lab->resets_noted; }
bool admit_frame_long_way(WorkerContext&, Flow&, Side, const ParsedFrame&) noexcept { return true; }
Reason check_reopening(WorkerContext&, const Flow&) noexcept { return lab->reopening; }

Judgement judge_pdu(WorkerContext&, Flow& flow, Side sender, const ParsedFrame&, Bytes judged, std::uint32_t,
                    std::span<std::uint8_t> reply, bool removable) noexcept {
  lab->judged[sender].emplace_back(judged.begin(), judged.end());
  Judgement judgement;
  const bool request = sender == flow.client_side;
  auto& verdicts = request ? lab->request_verdict : lab->response_verdict;
  const auto found = verdicts.find(judged[7]);
  judgement.verdict = found == verdicts.end() || lab->observing ? Verdict::FORWARD : found->second;
  judgement.reason = Reason::FUNCTION_NOT_PERMITTED;
  if (judgement.verdict == Verdict::REFUSE) {
    judgement.reply_size = static_cast<std::uint32_t>(
        modbus_protocol.refuse(judged, Reason::FUNCTION_NOT_PERMITTED, SessionState{}, reply));
    if (judgement.reply_size == 0) judgement.verdict = Verdict::RESET;
  }
  if (judgement.verdict == Verdict::DISCARD && !removable) judgement.verdict = Verdict::RESET;
  if (judgement.verdict == Verdict::FORWARD && flow.protocol->accept != nullptr) {
    Associations associations;
    const Role role = request ? Role::CLIENT : Role::SERVER;
    flow.protocol->accept(judged, role, flow.session, associations);
  }
  if (lab->track_outstanding && request && judgement.verdict == Verdict::FORWARD) {
    Outstanding& place = flow.outstanding[flow.outstanding_count++];
    place.live = true;
    place.order = flow.request_count++;
  } else if (lab->track_outstanding && !request) {
    for (Outstanding& place : flow.outstanding) {
      if (!place.live) continue;
      place.live = false;
      break;
    }
  }
  return judgement;
}

Judgement judge_usual(WorkerContext& context, Flow& flow, Side sender, const ParsedFrame& frame, Bytes pdu,
                      std::span<std::uint8_t> reply) noexcept {
  return judge_pdu(context, flow, sender, frame, pdu, static_cast<std::uint32_t>(pdu.size()), reply);
}

Judgement judge_malformed(WorkerContext&, Flow&, Side, const ParsedFrame&, Bytes, const char*,
                          bool) noexcept {
  ++lab->malformed;
  Judgement judgement;
  judgement.verdict = lab->observing ? Verdict::FORWARD : Verdict::RESET;
  return judgement;
}

Flow* open_flow(WorkerContext&, const ParsedFrame& frame, Side sender, FlowState state,
                Reason& reason) noexcept {
  const bool to_server = frame.destination_port == 502;
  if (to_server != (sender == 0)) {
    reason = Reason::FLOW_UNDOCUMENTED;
    return nullptr;
  }
  ++lab->opened;
  lab->flow.state = state;
  lab->flow.tcp = TcpState{};
  return &lab->flow;
}

void settle_flow(WorkerContext& context, Flow& flow) noexcept {
  if (flow.state == FlowState::FREE) tcp_release(context, flow);
}

namespace tcp_test {

// --- Modbus ------------------------------------------------------------------------------------------------

namespace {
Octets adu(std::uint16_t transaction, Octets pdu) {
  const auto size = static_cast<std::uint8_t>(pdu.size() + 1);
  Octets octets{
      static_cast<std::uint8_t>(transaction >> 8), static_cast<std::uint8_t>(transaction), 0, 0, 0, size, 1};
  octets.insert(octets.end(), pdu.begin(), pdu.end());
  return octets;
}
std::uint8_t high(std::uint16_t number) { return static_cast<std::uint8_t>(number >> 8); }
std::uint8_t low(std::uint16_t number) { return static_cast<std::uint8_t>(number); }
}  // namespace

Octets read_request(std::uint16_t transaction, std::uint16_t address) {
  return adu(transaction, {3, high(address), low(address), 0, 2});
}
Octets write_request(std::uint16_t transaction, std::uint16_t value) {
  return adu(transaction, {6, 0, 7, high(value), low(value)});
}
Octets read_response(std::uint16_t transaction) { return adu(transaction, {3, 4, 0xAA, 0xBB, 0xCC, 0xDD}); }
Octets write_response(std::uint16_t transaction, std::uint16_t value) {
  return write_request(transaction, value);
}
Octets exception(std::uint16_t transaction, std::uint8_t function, std::uint8_t code) {
  return adu(transaction, {static_cast<std::uint8_t>(function | 0x80), code});
}
Octets operator+(Octets left, const Octets& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}
Octets part(const Octets& octets, std::size_t first, std::size_t count) {
  const std::size_t end = count > octets.size() - first ? octets.size() : first + count;
  return {octets.begin() + static_cast<std::ptrdiff_t>(first),
          octets.begin() + static_cast<std::ptrdiff_t>(end)};
}

Framing modbus_protocol_frame(Bytes bytes, Role sender, Transport transport,
                              const SessionState& session) noexcept {
  return modbus_protocol.frame(bytes, sender, transport, session);
}

std::vector<Octets> split_adus(const Octets& stream) {
  std::vector<Octets> adus;
  std::size_t at = 0;
  while (stream.size() - at >= 6) {
    const std::size_t size = 6U + load_u16be(stream.data() + at + 4);
    if (size > stream.size() - at) break;
    adus.push_back(part(stream, at, size));
    at += size;
  }
  if (at != stream.size()) adus.push_back(part(stream, at));
  return adus;
}

// --- frames ------------------------------------------------------------------------------------------------

namespace {

Octets options_of(const Segment& segment) {
  Octets options;
  const auto add = [&options](Octets more) { options = options + more; };
  if (segment.mss != 0) add({2, 4, high(segment.mss), low(segment.mss)});
  if (segment.scale) add({1, 3, 3, *segment.scale});
  if (segment.fast_open) add({34, 2, 1, 1});
  if (segment.timestamp) {
    Octets stamp{1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0};
    store_u32be(&stamp[4], *segment.timestamp);
    store_u32be(&stamp[8], segment.timestamp_echo);
    add(stamp);
  }
  if (!segment.sack.empty()) {
    Octets sack{1, 1, 5, static_cast<std::uint8_t>(2 + 8 * segment.sack.size())};
    for (const auto& [left, right] : segment.sack) {
      Octets block(8);
      store_u32be(&block[0], left);
      store_u32be(&block[4], right);
      sack = sack + block;
    }
    add(sack);
  }
  return options;
}

Octets frame_of(Side side, const Segment& segment) {
  const Octets options = options_of(segment);
  Octets frame(14 + 20 + 20, 0);
  frame[5] = static_cast<std::uint8_t>(2 - side);  // destination 02:…:02 for the server
  frame[11] = static_cast<std::uint8_t>(1 + side);
  frame[0] = frame[6] = 2;
  store_u16be(&frame[12], 0x0800);
  std::uint8_t* const ip = &frame[14];
  ip[0] = 0x45;
  store_u16be(ip + 2, static_cast<std::uint16_t>(40 + options.size() + segment.payload.size()));
  ip[6] = 0x40;
  ip[8] = 64;
  ip[9] = 6;
  ip[12] = ip[16] = 10;
  ip[15] = static_cast<std::uint8_t>(1 + side);
  ip[19] = static_cast<std::uint8_t>(2 - side);
  const std::uint16_t sum = checksum_finish(checksum_add(ip, 20, 0));
  std::memcpy(ip + 10, &sum, 2);
  std::uint8_t* const tcp = &frame[34];
  store_u16be(tcp, side == 0 ? 40000 : 502);
  store_u16be(tcp + 2, side == 0 ? 502 : 40000);
  store_u32be(tcp + 4, segment.sequence);
  store_u32be(tcp + 8, segment.acknowledgement);
  tcp[12] = static_cast<std::uint8_t>((5 + options.size() / 4) << 4);
  tcp[13] = segment.flags;
  store_u16be(tcp + 14, segment.window);
  frame = frame + options + segment.payload;
  ParsedFrame parsed;
  parse_frame(frame.data(), static_cast<std::uint32_t>(frame.size()), side, FRAME_CHECKSUMS_UNKNOWN, 1,
              parsed);
  store_l4_checksum(parsed);
  return frame;
}

Segment segment_of(const std::uint8_t* data, std::uint32_t size) {
  Octets copy(data, data + size);
  ParsedFrame parsed;
  parse_frame(copy.data(), size, 0, 0, 1, parsed);
  REQUIRE(parsed.reason == Reason::NONE);
  REQUIRE(parsed.kind == FrameKind::TCP);
  Segment segment;
  segment.sequence = parsed.sequence;
  segment.acknowledgement = parsed.acknowledgement;
  segment.flags = parsed.tcp_flags;
  segment.window = parsed.window;
  segment.payload.assign(parsed.payload().begin(), parsed.payload().end());
  if (parsed.has_timestamp) segment.timestamp = parsed.timestamp;
  segment.timestamp_echo = parsed.timestamp_echo;
  segment.fast_open = parsed.fast_open;
  for (std::uint8_t i = 0; i < parsed.sack_count; ++i) {
    const std::uint8_t* at = copy.data() + parsed.sack_offset + 8 * i;
    segment.sack.emplace_back(load_u32be(at), load_u32be(at + 4));
  }
  return segment;
}

}  // namespace

// --- lab ---------------------------------------------------------------------------------------------------

Lab::Lab(std::uint32_t blocks) : pool(blocks), protocol(modbus_protocol) {
  lab = this;
  context.now_ns = 1'000'000'000;
  context.blocks = &pool;
  context.sink = this;
  lay_conduit({});
  flow.protocol = &protocol;
  flow.key.ip_protocol = 6;
  flow.key.l4_port = {40000, 502};
  for (Side side = 0; side < 2; ++side) {
    flow.key.address[side] = {0, 0, 0,    0,    0,  0, 0, 0,
                              0, 0, 0xFF, 0xFF, 10, 0, 0, static_cast<std::uint8_t>(1 + side)};
    flow.mac[side] = {2, 0, 0, 0, 0, static_cast<std::uint8_t>(1 + side)};
    flow.gateway_port[side] = side;
  }
  flow.state = FlowState::HALF_OPEN;
}

Lab::~Lab() {
  tcp_release(context, flow);
  CHECK(pool.in_use() == 0);
  std::copy(isn_usual, isn_usual + 2, isn);
  lab = nullptr;
}

bool Lab::emit(std::uint8_t port, Bytes frame) noexcept {
  sink_[port]->push_back(segment_of(frame.data(), static_cast<std::uint32_t>(frame.size())));
  return true;
}

Lab::Out Lab::send(Side side, const Segment& segment) {
  Out out;
  sink_[0] = &out.to[0];
  sink_[1] = &out.to[1];
  Octets frame = frame_of(side, segment);
  frame.resize(std::max<std::size_t>(frame.size(), 60));
  ParsedFrame parsed;
  parse_frame(frame.data(), static_cast<std::uint32_t>(frame.size()), side, 0, 1, parsed);
  REQUIRE(parsed.reason == Reason::NONE);
  parsed.port_out = other(side);
  if (long_way) flow.tcp.plain_for = never_plain;
  const bool known = flow.state != FlowState::FREE;
  const Disposition disposition =
      known ? tcp_gate(context, flow, side, parsed) : tcp_no_flow(context, parsed);
  if (disposition == Disposition::FORWARD) {
    out.to[other(side)].push_back(segment_of(parsed.data, parsed.size));
  }
  for (Side to = 0; recording && to < 2; ++to) {
    left[to].insert(left[to].end(), out.to[to].begin(), out.to[to].end());
  }
  settle();
  return out;
}

void Lab::settle() {
  if (flow.state == FlowState::FREE) tcp_release(context, flow);
  const char* broken = tcp_invariants(flow);
  if (broken != nullptr) FAIL_CHECK("invariant: " << std::string(broken));
}

Lab::Out Lab::advance(std::uint64_t ns) {
  Out out;
  sink_[0] = &out.to[0];
  sink_[1] = &out.to[1];
  context.now_ns += ns;
  if (flow.state != FlowState::FREE && flow.timer_ns <= context.now_ns) {
    flow.timer_ns = tcp_timer(context, flow);
    settle();
  }
  return out;
}

Segment Lab::data(Side side, std::uint32_t offset, Octets payload, std::uint32_t acked) {
  Segment segment;
  segment.sequence = base(side) + offset;
  segment.acknowledgement = base(other(side)) + acked;
  segment.flags = TCP_ACK | TCP_PSH;
  segment.payload = std::move(payload);
  return segment;
}

void Lab::connect() {
  Segment syn;
  syn.window = window;
  syn.sequence = isn[0];
  syn.flags = TCP_SYN;
  syn.mss = 1460;
  REQUIRE(send(0, syn).to[1].size() == 1);
  Segment answer;
  answer.window = window;
  answer.sequence = isn[1];
  answer.acknowledgement = base(0);
  answer.flags = TCP_SYN | TCP_ACK;
  answer.mss = 1460;
  REQUIRE(send(1, answer).to[0].size() == 1);
  Segment ack;
  ack.window = window;
  ack.sequence = base(0);
  ack.acknowledgement = base(1);
  REQUIRE(send(0, ack).to[1].size() == 1);
  REQUIRE(flow.state == FlowState::ESTABLISHED);
}

void Lab::lay_conduit(ConduitSource conduit) {
  ImageSource source;
  source.zones = {{0}, {1}};
  conduit.zone_b = 1;
  source.conduits = {conduit};
  auto built = build_image(source);
  REQUIRE(built.has_value());
  image_bytes_ = std::move(*built);
  const char* broken = nullptr;
  image_ = RuleImage::open(image_bytes_.bytes(), broken);
  REQUIRE(image_.valid());
  context.image = &image_;
  flow.conduit = 0;
}

std::size_t Lab::count(Reason reason) const {
  return static_cast<std::size_t>(std::count(denied.begin(), denied.end(), reason));
}

// --- endpoints ---------------------------------------------------------------------------------------------

void Endpoint::begin(std::uint32_t first, std::uint16_t room) {
  expect = first;
  window = room;
  edge_ = first + room;
  peer_edge_ = isn_ + 1 + room;
}

void Endpoint::write(const Octets& octets) { write_cut(octets, mss); }

void Endpoint::write_cut(const Octets& octets, std::size_t size) {
  for (std::size_t at = 0; at < octets.size(); at += size) pending_.push_back(part(octets, at, size));
  push();
}

void Endpoint::fill(Segment& segment) {
  edge_ = later(edge_, expect + window);
  segment.acknowledgement = expect;
  segment.window = static_cast<std::uint16_t>(edge_ - expect);
}

void Endpoint::push() {
  while (!pending_.empty() && !(one_in_flight && una_ != next_)) {
    Octets& payload = pending_.front();
    const std::uint32_t room = after(peer_edge_, next_) ? peer_edge_ - next_ : 0;
    if (room == 0) return;
    Segment segment;
    fill(segment);
    segment.sequence = next_;
    segment.flags = TCP_ACK | TCP_PSH;
    segment.payload = part(payload, 0, room);
    sent_ = sent_ + segment.payload;
    next_ += static_cast<std::uint32_t>(segment.payload.size());
    payload = part(payload, segment.payload.size());
    if (payload.empty()) pending_.pop_front();
    out.push_back(segment);
  }
  if (wants_close_) close();
}

void Endpoint::close() {
  wants_close_ = true;
  if (!pending_.empty() || fin_sent_ || !before(next_, peer_edge_)) return;  // waits for the window
  Segment segment;
  fill(segment);
  segment.sequence = next_++;
  segment.flags = TCP_ACK | TCP_FIN;
  out.push_back(segment);
  fin_sent_ = true;
}

std::uint32_t Endpoint::first_missing() const {
  std::uint32_t at = una_ - isn_;
  for (const auto& [begin, end] : sacked_) {
    if (begin <= at && end > at) at = end;
  }
  return at + isn_;
}

void Endpoint::repeat() {
  push();
  if (reset || (una_ == next_ && pending_.empty())) return;
  Segment segment;
  fill(segment);
  segment.sequence = first_missing();
  if (una_ == next_) {  // the window is closed: one octet asks for it, and is sent by that
    segment.payload = part(pending_.front(), 0, 1);
    sent_ = sent_ + segment.payload;
    ++next_;
    pending_.front() = part(pending_.front(), 1);
    if (pending_.front().empty()) pending_.pop_front();
    out.push_back(segment);
    return;
  }
  const std::uint32_t at = segment.sequence - isn_;
  const auto behind = sacked_.upper_bound(at);
  const std::size_t gap = behind == sacked_.end() ? SIZE_MAX : behind->first - at;
  if (at - 1 < sent_.size()) segment.payload = part(sent_, at - 1, std::min(mss, gap));
  if (fin_sent_ && at - 1 + segment.payload.size() == sent_.size()) segment.flags |= TCP_FIN;
  if (!segment.payload.empty() || (segment.flags & TCP_FIN) != 0) out.push_back(segment);
}

void Endpoint::keep_alive(bool with_octet) {
  if (!idle() || fin_sent_ || reset) return;
  Segment segment;
  fill(segment);
  segment.sequence = next_ - 1;
  if (with_octet) segment.payload = {0x5A};
  out.push_back(segment);
}

void Endpoint::acknowledge() {
  Segment segment;
  fill(segment);
  segment.sequence = next_;
  for (const auto& [sequence, payload] : early_) {
    if (!sacks || segment.sack.size() == 3) break;
    const std::uint32_t end = sequence + static_cast<std::uint32_t>(payload.size());
    if (after(sequence, expect) && !payload.empty()) segment.sack.emplace_back(sequence, end);
  }
  out.push_back(segment);
}

void Endpoint::take_sack(const Segment& segment) {
  for (const auto& [left, right] : segment.sack) {
    if (!before(left, right) || after(right, next_)) {
      ++wrong_sacks;
      continue;
    }
    if (before(left, una_)) continue;  // said long ago
    std::uint32_t& end = sacked_[left - isn_];
    end = std::max(end, right - isn_);
  }
}

void Endpoint::take_data(const Segment& segment) {
  std::uint32_t sequence = segment.sequence;
  Octets payload = segment.payload;
  if (before(sequence, expect)) {
    payload = part(payload, std::min<std::size_t>(expect - sequence, payload.size()));
    sequence = expect;
  }
  if (!payload.empty()) early_.emplace(sequence, payload);  // the first one wins
  const auto reaches = [this](const auto& early) { return !after(early.first, expect); };
  for (auto it = std::find_if(early_.begin(), early_.end(), reaches); it != early_.end();
       it = std::find_if(early_.begin(), early_.end(), reaches)) {
    const std::uint32_t known = expect - it->first;
    if (known < it->second.size()) {
      const Octets more = part(it->second, known);
      inbox = inbox + more;
      expect += static_cast<std::uint32_t>(more.size());
    }
    early_.erase(it);
  }
}

void Endpoint::take(const Segment& segment) {
  if (reset) return;
  const bool fin = (segment.flags & TCP_FIN) != 0;
  const std::uint32_t end =
      segment.sequence + static_cast<std::uint32_t>(segment.payload.size()) + (fin ? 1U : 0U);
  if ((segment.flags & TCP_RST) != 0) {
    if (segment.sequence == expect) {
      reset = true;
    } else {
      acknowledge();  // RFC 5961 §3
    }
    return;
  }
  if ((segment.flags & TCP_SYN) != 0) return acknowledge();
  if (after(segment.acknowledgement, next_)) return acknowledge();
  una_ = later(una_, segment.acknowledgement);
  take_sack(segment);
  peer_edge_ = later(peer_edge_, segment.acknowledgement + segment.window);
  const bool old = !after(end, expect) && (end != segment.sequence || before(segment.sequence, expect));
  if (old || after(end, edge_)) {
    acknowledge();
  } else if (end != segment.sequence) {
    take_data(segment);
    if (fin && !closed && expect == end - 1) {
      closed = true;
      ++expect;
    }
    acknowledge();
  }
  push();
}

// --- dialogue ----------------------------------------------------------------------------------------------

Dialogue::Dialogue(Lab& l) : lab(l) {
  lab.connect();
  client.begin(Lab::base(1), lab.window);
  server.begin(Lab::base(0), lab.window);
}

void Dialogue::deliver(Lab::Out out) {
  for (Side side = 0; side < 2; ++side) {
    for (const Segment& segment : out.to[side]) {
      const int number = carried[side]++;
      if (std::find(lose[side].begin(), lose[side].end(), number) != lose[side].end()) continue;
      (side == 0 ? client : server).take(segment);
    }
  }
}

void Dialogue::answer() {
  for (const Octets& request : split_adus(part(server.inbox, answered))) {
    if (request.size() < 8 || request.size() != 6U + load_u16be(request.data() + 4)) return;
    answered += request.size();
    const std::uint16_t transaction = load_u16be(request.data());
    server.write(request[7] == 3 ? read_response(transaction) : write_response(transaction));
  }
}

void Dialogue::run() {
  for (int i = 0; i < 10000; ++i) {
    if (answers) answer();
    const bool from_client = !client.out.empty();
    if (!from_client && server.out.empty()) return;
    Endpoint& sender = from_client ? client : server;
    const Segment segment = sender.out.front();
    sender.out.pop_front();
    deliver(lab.send(from_client ? 0 : 1, segment));
  }
  FAIL_CHECK("the dialogue does not come to rest");
}

void Dialogue::run_with_repeats(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    run();
    if (client.idle() && server.idle() && lab.flow.timer_ns == timer_never) return;
    deliver(lab.advance(300'000'000));
    if (!client.idle()) client.repeat();
    if (!server.idle()) server.repeat();
  }
  run();
}

}  // namespace tcp_test
}  // namespace conduit
