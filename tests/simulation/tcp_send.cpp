// The sending half of the simulated TCP.
#include <algorithm>

#include "tests/simulation/tcp_connection.hpp"

namespace conduit::simulation {
namespace {

constexpr std::uint32_t repeats_max = 14;
constexpr std::uint32_t segment_max = 1460;  // octets with options, whatever the peer offers

void put32(Octets& to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<std::uint8_t>(value >> shift));
}

}  // namespace

Connection::Connection(ConnectionOwner& owner, const TcpTraits& traits, Random random,
                       const ConnectionNames& names, std::unique_ptr<Application> application)
    : owner_(owner), traits_(traits), random_(random), names_(names), application_(std::move(application)) {
  isn_ = traits_.isn_near_wrap ? 0xFFFFFFFF - static_cast<std::uint32_t>(random_.below(600))
                               : static_cast<std::uint32_t>(random_.next());
  send_unacked_ = isn_;
  send_next_ = isn_;
  send_unacked_data_ = isn_ + 1;
  repeat_ns_ = std::max<std::uint64_t>(traits_.repeat_min_ms, 300) * millisecond;
}

void Connection::after(std::uint64_t delay_ns, void (Connection::*call)(), std::uint64_t* timer) {
  const std::uint64_t number = ++*timer;
  owner_.scheduler().after(delay_ns, [self = weak_from_this(), call, timer, number] {
    const std::shared_ptr<Connection> alive = self.lock();
    if (alive && *timer == number && alive->state_ != State::CLOSED) (alive.get()->*call)();
  });
}

std::uint32_t Connection::timestamp_now() const {
  return static_cast<std::uint32_t>(owner_.scheduler().now() / millisecond) + isn_;
}

Octets Connection::options_for(bool syn, bool with_sack) const {
  Octets options;
  if (syn) {
    options.insert(options.end(), {2, 4, static_cast<std::uint8_t>(traits_.mss >> 8),
                                   static_cast<std::uint8_t>(traits_.mss)});
    const bool answer = state_ == State::SYN_RECEIVED;
    if (traits_.has_scale && (!answer || scaled_)) options.insert(options.end(), {1, 3, 3, traits_.scale});
    if (traits_.sack && (!answer || sack_)) options.insert(options.end(), {1, 1, 4, 2});
    if (traits_.timestamps && (!answer || stamped_)) {
      options.insert(options.end(), {1, 1, 8, 10});
      put32(options, timestamp_now());
      put32(options, answer ? recent_timestamp_ : 0);
    }
    return options;
  }
  if (stamped_) {
    options.insert(options.end(), {1, 1, 8, 10});
    put32(options, timestamp_now());
    put32(options, recent_timestamp_);
  }
  if (!with_sack || !sack_ || early_.empty()) return options;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> blocks;
  for (const auto& [distance, octets] : early_) {
    const std::uint32_t begin = receive_first_ + distance;
    const std::uint32_t end = begin + static_cast<std::uint32_t>(octets.size());
    if (!blocks.empty() && !seq_after(begin, blocks.back().second)) {
      if (seq_after(end, blocks.back().second)) blocks.back().second = end;
    } else {
      blocks.emplace_back(begin, end);
    }
  }
  const std::size_t count = std::min<std::size_t>(blocks.size(), stamped_ ? 3 : 4);
  options.insert(options.end(), {1, 1, 5, static_cast<std::uint8_t>(2 + 8 * count)});
  for (std::size_t i = 0; i < count; ++i) {
    put32(options, blocks[i].first);
    put32(options, blocks[i].second);
  }
  return options;
}

std::uint32_t Connection::receive_room() const {
  const auto unread = static_cast<std::uint32_t>(unread_.size());
  return traits_.window > unread ? traits_.window - unread : 0;
}

std::uint16_t Connection::window_field(bool syn) const {
  const std::uint32_t room = receive_room();
  const std::uint32_t field = syn || !scaled_ ? room : room >> traits_.scale;
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(field, 0xFFFF));
}

void Connection::send_plain(std::uint8_t flags, std::uint32_t sequence, View payload) {
  Packet packet;
  packet.destination_mac = names_.peer_mac;
  packet.destination = names_.peer;
  packet.source_port = names_.local_port;
  packet.destination_port = names_.remote_port;
  packet.sequence = sequence;
  packet.flags = flags;
  const bool syn = (flags & SYN) != 0;
  if ((flags & ACK) != 0) {
    packet.acknowledgement = receive_next_;
    last_ack_sent_ = receive_next_;
    unacknowledged_segments_ = 0;
    ack_waiting_ = false;
  }
  packet.window = window_field(syn);
  if ((flags & RST) == 0) packet.options = options_for(syn, payload.empty());
  packet.payload.assign(payload.begin(), payload.end());
  owner_.transmit(std::move(packet));
}

void Connection::send_ack() { send_plain(ACK, send_next_); }

void Connection::send_syn() {
  const bool answer = state_ == State::SYN_RECEIVED;
  send_plain(static_cast<std::uint8_t>(answer ? SYN | ACK : SYN), isn_);
  send_next_ = isn_ + 1;
}

// Octets of a full segment.
std::size_t Connection::full_size() const {
  const std::size_t taken = options_for(false, false).size();
  const std::size_t limit = std::min<std::size_t>({traits_.mss, peer_mss_, segment_max});
  return limit > taken ? limit - taken : 1;
}

// Octets of the segment that begins at `sequence`.
std::size_t Connection::next_size(std::uint32_t sequence) const {
  const std::size_t taken = options_for(false, false).size();
  const std::size_t limit = std::min<std::size_t>({traits_.mss, peer_mss_, segment_max});
  std::size_t size = std::min<std::size_t>(std::max<std::size_t>(limit > taken ? limit - taken : 1, 1),
                                           data_end() - sequence);
  for (const std::uint32_t cut : breaks_) {
    if (seq_after(cut, sequence)) return std::min<std::size_t>(size, cut - sequence);
  }
  return size;
}

void Connection::send_segment(std::uint32_t sequence, std::size_t size, bool fin) {
  const std::size_t offset = sequence - send_unacked_data_;
  std::uint8_t flags = ACK;
  if (size != 0 && sequence + size == data_end()) flags |= PSH;
  if (fin) flags |= FIN;
  send_plain(flags, sequence, View(out_).subspan(std::min(offset, out_.size()), size));
}

void Connection::output() {
  if (state_ != State::OPEN) return;
  const std::uint32_t window_end = window_acknowledgement_ + send_window_;
  while (seq_before(send_next_, data_end()) && !fin_sent_) {
    if (traits_.one_in_flight && in_flight() != 0) break;
    std::size_t size = next_size(send_next_);
    const std::uint32_t room = seq_before(send_next_, window_end) ? window_end - send_next_ : 0;
    if (room == 0) break;
    size = std::min<std::size_t>(size, room);
    const bool small = size < full_size();
    if (traits_.nagle && small && in_flight() != 0) break;
    const std::uint32_t from = send_next_;
    send_next_ += static_cast<std::uint32_t>(size);
    if (!timed_) timed_ = {send_next_, owner_.scheduler().now()};
    sent_.push_back({from, send_next_});
    send_segment(from, size, false);
  }
  const bool all = send_next_ == data_end();
  if (closing_ && all && !fin_sent_ && !(traits_.one_in_flight && in_flight() != 0)) {
    fin_sent_ = true;
    const std::uint32_t at = send_next_++;
    send_segment(at, 0, true);
  }
  if (in_flight() != 0 || seq_before(send_next_, data_end())) {
    if (!repeat_running_) start_repeat_timer();
  } else {
    stop_repeat_timer();
  }
}

void Connection::start_repeat_timer() {
  repeat_running_ = true;
  after(repeat_ns_, &Connection::on_repeat_timer, &repeat_timer_);
}

void Connection::on_repeat_timer() {
  repeat_running_ = false;
  // A peer that answers with a closed window is alive: it is asked for as long as it takes.
  const bool probing = state_ == State::OPEN && in_flight() == 0;
  if (++repeats_ > repeats_max && !probing) return end(true);
  timed_.reset();  // Karn
  duplicates_ = 0;
  repeat_ns_ = std::min<std::uint64_t>(repeat_ns_ * 2, traits_.repeat_max_ms * millisecond);
  if (state_ == State::SYN_SENT || state_ == State::SYN_RECEIVED) {
    send_syn();
  } else if (probing) {
    probe_window();
  } else {
    repeat_first();
  }
  if (state_ != State::CLOSED) start_repeat_timer();
}

void Connection::probe_window() {
  if (!seq_before(send_next_, data_end())) return;
  const std::size_t offset = send_next_ - send_unacked_data_;
  // Some stacks ask with the next octet, others with an old number and nothing.
  if (traits_.keep_alive_octet) return send_plain(ACK, send_unacked_ - 1);
  sent_.push_back({send_next_, send_next_ + 1});
  ++send_next_;
  send_plain(ACK, send_next_ - 1, View(out_).subspan(offset, 1));
}

// Sends again what lies at the front, cut as this stack cuts it.
void Connection::repeat_first() {
  std::uint32_t from = send_unacked_;
  for (const auto& [begin, end] : sacked_) {
    if (!seq_after(begin, from) && seq_after(end, from) && repeats_ == 0) from = end;
  }
  const std::uint32_t sent_data_end = fin_sent_ ? send_next_ - 1 : send_next_;
  if (!seq_before(from, sent_data_end)) {
    if (fin_sent_ && !fin_acked_) send_segment(send_next_ - 1, 0, true);
    return;
  }
  const std::size_t taken = options_for(false, false).size();
  const std::size_t limit = std::min<std::size_t>({traits_.mss, peer_mss_, segment_max});
  const std::size_t most = std::min<std::size_t>(std::max<std::size_t>(limit > taken ? limit - taken : 1, 1),
                                                 sent_data_end - from);
  std::size_t size = most;
  if (traits_.resegments_on_repeat) {
    size = random_.between(1, most);
  } else if (!traits_.merges_on_repeat) {
    const auto at =
        std::find_if(sent_.begin(), sent_.end(), [from](const Sent& s) { return seq_after(s.end, from); });
    if (at != sent_.end()) size = std::min<std::size_t>(most, at->end - from);
  }
  const bool fin = fin_sent_ && from + size == sent_data_end && traits_.merges_on_repeat;
  send_segment(from, size, fin);
}

void Connection::start_keep_alive() {
  if (traits_.keep_alive_ms == 0 || state_ != State::OPEN) return;
  after(traits_.keep_alive_ms * millisecond, &Connection::start_keep_alive, &alive_timer_);
  const std::uint64_t silent = owner_.scheduler().now() - heard_ns_;
  if (silent < traits_.keep_alive_ms * millisecond || in_flight() != 0) {
    alive_probes_ = 0;
    return;
  }
  if (++alive_probes_ > 9) return end(true);
  const bool octet = traits_.keep_alive_octet && send_unacked_ != isn_ + 1;
  send_plain(ACK, send_unacked_ - 1, octet ? View(&last_octet_, 1) : View());
}

void Connection::send(View octets) {
  if (octets.empty() || closing_ || state_ == State::CLOSED || state_ == State::TIME_WAIT) return;
  const std::uint32_t begin = data_end();
  out_.insert(out_.end(), octets.begin(), octets.end());
  for (std::uint16_t i = 1; i < traits_.write_pieces_max && octets.size() > 1; ++i) {
    breaks_.push_back(begin + static_cast<std::uint32_t>(random_.between(1, octets.size() - 1)));
  }
  if (traits_.write_pieces_max > 1) breaks_.push_back(data_end());
  std::sort(breaks_.begin(), breaks_.end(), seq_before);
  output();
}

void Connection::close() {
  if (closing_ || state_ == State::CLOSED || state_ == State::TIME_WAIT) return;
  if (state_ == State::SYN_SENT) return end(false);
  closing_ = true;
  output();
}

void Connection::abort() {
  if (state_ == State::CLOSED) return;
  if (state_ == State::OPEN || state_ == State::SYN_RECEIVED) send_plain(RST | ACK, send_next_);
  end(true);
}

}  // namespace conduit::simulation
