#include "tests/simulation/receiver.hpp"

#include <algorithm>

#include "tests/simulation/tcp_connection.hpp"

namespace conduit::simulation {
namespace {

constexpr std::uint32_t window_without_own = 65535;  // until the receiver has said one
constexpr std::uint32_t far = 1U << 20;              // a model without window takes bytes up to here

std::vector<ReceiverTraits> make_models() {
  std::vector<ReceiverTraits> models;
  const auto add = [&models](const char* name) -> ReceiverTraits& {
    models.emplace_back();
    models.back().name = name;
    return models.back();
  };
  add("first wins");
  add("last wins").overlap = Overlap::LAST_WINS;
  add("bsd").overlap = Overlap::BSD;
  add("linux").overlap = Overlap::LINUX;
  add("windows").overlap = Overlap::WINDOWS;
  add("no tcp checksum").checks_tcp_checksum = false;
  add("no ip checksum").checks_ip_checksum = false;
  add("a hop behind").ttl_min = 2;
  add("no window").checks_window = false;
  add("no timestamps").checks_timestamps = false;
  add("takes syn data").takes_syn_data = true;
  add("resets by window").resets_by_window = true;
  add("ignores resets").ignores_reset = true;
  add("syn begins anew").syn_begins_anew = true;
  add("needs no ack flag").needs_ack_flag = false;
  add("data after fin").takes_data_after_fin = true;
  add("urgent octet removed").urgent = ReceiverTraits::Urgent::REMOVED_AT;
  add("octet before urgent removed").urgent = ReceiverTraits::Urgent::REMOVED_BEFORE;
  add("joins in mid-stream").joins_mid_stream = true;
  ReceiverTraits& lax = add("lax in all");
  lax.overlap = Overlap::LAST_WINS;
  lax.checks_tcp_checksum = lax.checks_ip_checksum = lax.checks_window = lax.checks_timestamps = false;
  lax.takes_syn_data = lax.ignores_reset = lax.takes_data_after_fin = lax.joins_mid_stream = true;
  lax.needs_ack_flag = false;
  return models;
}

}  // namespace

const std::vector<ReceiverTraits>& receiver_models() {
  static const std::vector<ReceiverTraits> models = make_models();
  return models;
}

struct Receiver::State {
  struct Waiting {
    std::uint8_t octet = 0;
    std::uint32_t segment = 0;  // where the segment that brought it began, from the stream's first octet
    bool there = false;
  };

  explicit State(const ReceiverTraits& t) : traits(t) {}

  void open(const Packet& packet) {
    opened = true;
    closed = false;
    finished = false;
    ++openings;
    first = packet.sequence + ((packet.flags & SYN) != 0 ? 1 : 0);
    taken = 0;
    stream.clear();
    waiting.clear();
    fin_at.reset();
    const TcpOptions options = read_options(packet.options);
    stamped = options.has_timestamp;
    recent = options.timestamp;
  }
  [[nodiscard]] std::uint32_t next() const { return first + static_cast<std::uint32_t>(consumed()); }
  [[nodiscard]] std::size_t consumed() const { return taken; }
  void take(const Packet& packet);
  void put(std::uint32_t from, View octets);
  [[nodiscard]] bool takes_place(const Waiting& old, std::uint32_t segment) const;
  void advance();

  ReceiverTraits traits;
  bool opened = false;
  bool closed = false;
  bool finished = false;
  std::uint32_t openings = 0;
  std::uint32_t first = 0;  // sequence number of the stream's first octet
  std::size_t taken = 0;    // octets of the sequence space given to the application, removed ones included
  std::vector<Waiting> waiting;  // [taken, …)
  Octets stream;
  std::optional<std::uint32_t> fin_at;
  std::optional<std::uint32_t> removed;  // offset of an urgent octet
  bool stamped = false;
  std::uint32_t recent = 0;
  std::optional<Packet> passed_over;  // the last SYN that came on the living connection
  bool own_syn = false;               // has sent a SYN that nobody has answered yet
  std::optional<std::uint32_t> own_isn;
  bool own_seen = false;
  std::uint32_t own_edge = 0;
  std::uint8_t own_scale = 0;
};

// May an octet of a segment that begins at `segment` take the place of one that waits? (Novak, Sturges:
// Target-Based TCP Stream Reassembly.)
bool Receiver::State::takes_place(const Waiting& old, std::uint32_t segment) const {
  if (!old.there) return true;
  switch (traits.overlap) {
    case Overlap::FIRST_WINS:
    case Overlap::WINDOWS: return false;
    case Overlap::LAST_WINS: return true;
    case Overlap::BSD: return segment < old.segment;
    case Overlap::LINUX: return segment <= old.segment;
  }
  return false;
}

void Receiver::State::put(std::uint32_t from, View octets) {
  // Offset from the first octet; what lies in front of it wraps to a large number.
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const std::uint32_t offset = from - first + static_cast<std::uint32_t>(i);
    if (offset < taken || offset - taken >= far) continue;
    const std::size_t at = offset - taken;
    if (waiting.size() <= at) waiting.resize(at + 1);
    if (!takes_place(waiting[at], from - first)) continue;
    waiting[at] = {octets[i], from - first, true};
  }
}

void Receiver::State::advance() {
  std::size_t count = 0;
  while (count < waiting.size() && waiting[count].there) {
    const std::size_t offset = taken + count;
    if (!removed || *removed != offset) stream.push_back(waiting[count].octet);
    ++count;
  }
  taken += count;
  waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(count));
  if (fin_at && !seq_before(next(), *fin_at)) finished = true;
}

void Receiver::State::take(const Packet& packet) {
  if (traits.checks_tcp_checksum && packet.tcp_checksum_error != 0) return;
  if (traits.checks_ip_checksum && packet.ip_checksum_error != 0) return;
  if (packet.ttl < traits.ttl_min) return;
  const bool syn = (packet.flags & SYN) != 0;
  if (syn && (packet.flags & RST) == 0) {
    const bool again = opened && !closed && packet.sequence + 1 == first;
    if (!again) {
      const bool answer = (packet.flags & ACK) != 0;
      const bool missed = traits.may_miss_answer && taken == 0;
      if (answer && !own_syn && !missed) return;  // to a SYN that it did not send, or to an old one
      const bool wished = answer && own_isn && packet.acknowledgement == *own_isn + 1;
      const bool over = finished && !traits.takes_data_after_fin;
      if (opened && !closed && !over && !traits.syn_begins_anew && !wished) {
        passed_over = packet;
        return;
      }
      open(packet);
      own_syn = false;
    }
    if (!traits.takes_syn_data || packet.payload.empty()) return;
    put(packet.sequence + 1, packet.payload);
    return advance();
  }
  if (!opened) {
    if (!traits.joins_mid_stream || packet.payload.empty()) return;
    open(packet);
  }
  if (closed) return;
  const std::uint32_t edge = own_seen ? own_edge : next() + window_without_own;
  if ((packet.flags & RST) != 0) {
    const bool exact = packet.sequence == next();
    const bool inside = !seq_before(packet.sequence, next()) && !seq_after(packet.sequence, edge);
    closed = !traits.ignores_reset && (exact || (traits.resets_by_window && inside));
    return;
  }
  if (traits.needs_ack_flag && (packet.flags & ACK) == 0) return;
  if (packet.length() == 0) return;
  const TcpOptions options = read_options(packet.options);
  if (traits.checks_timestamps && stamped && options.has_timestamp) {
    if (seq_before(options.timestamp, recent)) return;
    if (!seq_after(packet.sequence, next())) recent = options.timestamp;
  }
  if (finished && !traits.takes_data_after_fin) return;
  View octets(packet.payload);
  if (traits.checks_window) {
    if (!seq_before(packet.sequence, edge)) return;
    const std::uint32_t room = edge - packet.sequence;
    if (octets.size() > room) octets = octets.first(room);
  }
  if ((packet.flags & URG) != 0 && traits.urgent != ReceiverTraits::Urgent::IN_LINE) {
    const std::uint32_t back = traits.urgent == ReceiverTraits::Urgent::REMOVED_AT ? 0 : 1;
    removed = packet.sequence + packet.urgent - back - first;
  }
  if ((packet.flags & FIN) != 0 && !fin_at)
    fin_at = packet.sequence + static_cast<std::uint32_t>(packet.payload.size());
  if (fin_at && !traits.takes_data_after_fin &&
      seq_after(packet.sequence + static_cast<std::uint32_t>(octets.size()), *fin_at)) {
    if (!seq_before(packet.sequence, *fin_at))
      octets = {};
    else
      octets = octets.first(std::min<std::size_t>(octets.size(), *fin_at - packet.sequence));
  }
  put(packet.sequence, octets);
  advance();
}

Receiver::Receiver(const ReceiverTraits& traits) : state_(std::make_unique<State>(traits)) {}
Receiver::~Receiver() = default;
Receiver::Receiver(Receiver&&) noexcept = default;
Receiver& Receiver::operator=(Receiver&&) noexcept = default;

void Receiver::on_packet(const Packet& packet) { state_->take(packet); }

void Receiver::on_own_packet(const Packet& packet) {
  State& state = *state_;
  if ((packet.flags & SYN) != 0) {
    const TcpOptions options = read_options(packet.options);
    state.own_scale = options.scale.value_or(0);
    state.own_seen = false;
    if ((packet.flags & ACK) == 0) {
      // A SYN that is repeated asks for nothing new.
      state.own_syn = state.own_syn || !state.own_isn || *state.own_isn != packet.sequence;
      state.own_isn = packet.sequence;
      return;
    }
    state.own_seen = true;
    state.own_edge = packet.acknowledgement + packet.window;
    return on_own_opening(packet);
  }
  if ((packet.flags & ACK) == 0 || (packet.flags & RST) != 0) return;
  const std::uint32_t edge = packet.acknowledgement + (std::uint32_t{packet.window} << state.own_scale);
  if (!state.own_seen || seq_after(edge, state.own_edge)) state.own_edge = edge;
  state.own_seen = true;
}

// The host itself says that it has begun anew.
void Receiver::on_own_opening(const Packet& packet) {
  State& state = *state_;
  const std::uint8_t both = SYN | ACK;
  if ((packet.flags & both) != both || !state.passed_over) return;
  if (packet.acknowledgement != state.passed_over->sequence + 1) return;
  state.open(*state.passed_over);
  state.passed_over.reset();
}

const Octets& Receiver::stream() const { return state_->stream; }
std::uint32_t Receiver::openings() const { return state_->openings; }

}  // namespace conduit::simulation
