// The receiving half of the simulated TCP.
#include <algorithm>

#include "tests/simulation/tcp_connection.hpp"

namespace conduit::simulation {
namespace {

constexpr std::uint64_t time_wait_ns = 2 * second;     // 2 MSL, shortened
constexpr std::uint64_t half_closed_ns = 90 * second;  // FIN_WAIT_2 of a peer that never closes
constexpr std::uint64_t sample_ns = 10 * millisecond;  // clock granularity, RFC 6298

std::uint32_t get32(View from, std::size_t at) {
  return std::uint32_t{from[at]} << 24 | std::uint32_t{from[at + 1]} << 16 |
         std::uint32_t{from[at + 2]} << 8 | from[at + 3];
}

using Range = std::pair<std::uint32_t, std::uint32_t>;

// Whether a segment takes the place of an older one that it overlaps (Novak and Sturges 2007, for TCP).
bool newer_wins(Overlap policy, Range older, Range newer) {
  switch (policy) {
    case Overlap::FIRST_WINS: return false;
    case Overlap::LAST_WINS: return true;
    case Overlap::BSD: return newer.first < older.first;
    case Overlap::LINUX:
      return newer.first < older.first || (newer.first == older.first && newer.second > older.second);
    case Overlap::WINDOWS: return newer.first < older.first && newer.second > older.second;
  }
  return false;
}

}  // namespace

TcpOptions read_options(View options) {
  TcpOptions read;
  for (std::size_t at = 0; at < options.size();) {
    const std::uint8_t kind = options[at];
    if (kind == 0) break;
    if (kind == 1) {
      ++at;
      continue;
    }
    if (at + 1 >= options.size()) break;
    const std::size_t size = options[at + 1];
    if (size < 2 || size > options.size() - at) break;
    const View body = options.subspan(at + 2, size - 2);
    if (kind == 2 && body.size() == 2) read.mss = static_cast<std::uint16_t>(body[0] << 8 | body[1]);
    if (kind == 3 && body.size() == 1) read.scale = std::min<std::uint8_t>(body[0], 14);
    if (kind == 4) read.sack_permitted = true;
    if (kind == 8 && body.size() == 8) {
      read.has_timestamp = true;
      read.timestamp = get32(body, 0);
      read.echo = get32(body, 4);
    }
    if (kind == 5 && body.size() % 8 == 0) {
      for (std::size_t i = 0; i < body.size(); i += 8)
        read.sack.emplace_back(get32(body, i), get32(body, i + 4));
    }
    at += size;
  }
  return read;
}

void Connection::negotiate(const TcpOptions& options) {
  peer_mss_ = std::max<std::uint16_t>(options.mss.value_or(536), 1);
  scaled_ = traits_.has_scale && options.scale.has_value();
  peer_scale_ = scaled_ ? *options.scale : 0;
  stamped_ = traits_.timestamps && options.has_timestamp;
  sack_ = traits_.sack && options.sack_permitted;
  if (stamped_) recent_timestamp_ = options.timestamp;
}

void Connection::open_actively() {
  state_ = State::SYN_SENT;
  send_syn();
  start_repeat_timer();
}

void Connection::open_passively(const Packet& syn) {
  state_ = State::SYN_RECEIVED;
  receive_next_ = receive_first_ = syn.sequence + 1;  // data of a SYN is left; its sender repeats it
  negotiate(read_options(syn.options));
  send_window_ = syn.window;
  window_sequence_ = syn.sequence;
  window_acknowledgement_ = isn_ + 1;
  send_syn();
  start_repeat_timer();
}

void Connection::established() {
  state_ = State::OPEN;
  repeats_ = 0;
  stop_repeat_timer();
  repeat_ns_ = std::max<std::uint64_t>(traits_.repeat_min_ms, 200) * millisecond;
  heard_ns_ = owner_.scheduler().now();
  start_keep_alive();
  application_->on_connected(*this);
}

// Segments of a connection that is not open on both sides.
void Connection::take_first(const Packet& packet, const TcpOptions& options) {
  const bool acknowledges = (packet.flags & ACK) != 0;
  if (state_ == State::SYN_SENT) {
    if (acknowledges && packet.acknowledgement != isn_ + 1) {
      if ((packet.flags & RST) == 0) send_plain(RST, packet.acknowledgement);
      return;
    }
    if ((packet.flags & RST) != 0) {
      if (acknowledges) end(true);
      return;
    }
    if ((packet.flags & SYN) == 0) return;
    receive_next_ = receive_first_ = packet.sequence + 1;
    negotiate(options);
    send_window_ = packet.window;
    window_sequence_ = packet.sequence;
    window_acknowledgement_ = isn_ + 1;
    if (!acknowledges) {  // simultaneous open
      state_ = State::SYN_RECEIVED;
      send_syn();
      return;
    }
    send_unacked_ = isn_ + 1;
    established();
    if (state_ == State::CLOSED) return;
    send_ack();
    output();
    return;
  }
  // SYN_RECEIVED
  if ((packet.flags & RST) != 0) {
    if (packet.sequence == receive_next_) end(true);
    return;
  }
  if ((packet.flags & SYN) != 0 && !acknowledges && packet.sequence + 1 == receive_first_) return send_syn();
  if (!acknowledges || packet.acknowledgement != isn_ + 1) return;
  if ((packet.flags & SYN) != 0 && packet.sequence + 1 != receive_first_) return;
  send_unacked_ = isn_ + 1;
  send_window_ = std::uint32_t{packet.window} << ((packet.flags & SYN) != 0 ? 0 : peer_scale_);
  window_sequence_ = packet.sequence;
  window_acknowledgement_ = packet.acknowledgement;
  established();
  if (state_ == State::CLOSED) return;
  if ((packet.flags & SYN) != 0) return send_ack();
  take_payload(packet);
  if (state_ != State::CLOSED) output();
}

// RFC 9293 §3.10.7.4, first step.
bool Connection::acceptable(const Packet& packet) const {
  const std::uint32_t length = packet.length();
  const std::uint32_t room = receive_room();
  const auto inside = [&](std::uint32_t number) { return number - receive_next_ < room; };
  if (length == 0) return room == 0 ? packet.sequence == receive_next_ : inside(packet.sequence);
  if (room == 0) return false;
  return inside(packet.sequence) || inside(packet.sequence + length - 1);
}

// RFC 5961 §3.
bool Connection::take_reset(const Packet& packet) {
  if ((packet.flags & RST) == 0) return false;
  if (packet.sequence == receive_next_) {
    end(true);
  } else if (packet.sequence - receive_next_ < std::max<std::uint32_t>(receive_room(), 1)) {
    send_ack();
  }
  return true;
}

void Connection::on_packet(const Packet& packet) {
  const std::shared_ptr<Connection> self = shared_from_this();
  if (state_ == State::CLOSED) return;
  const TcpOptions options = read_options(packet.options);
  if (state_ == State::SYN_SENT || state_ == State::SYN_RECEIVED) return take_first(packet, options);
  if (take_reset(packet)) return;
  if (stamped_ && options.has_timestamp && seq_before(options.timestamp, recent_timestamp_))
    return send_ack();  // PAWS
  if (!acceptable(packet)) {
    // Even then its acknowledgement may be news when the window here is closed.
    if ((packet.flags & ACK) != 0 && packet.sequence == receive_next_) take_acknowledgement(packet, options);
    if (state_ != State::CLOSED) send_ack();
    return;
  }
  if ((packet.flags & SYN) != 0) return send_ack();  // RFC 5961 §4
  if ((packet.flags & ACK) == 0) return;
  if (stamped_ && options.has_timestamp && !seq_after(packet.sequence, last_ack_sent_))
    recent_timestamp_ = options.timestamp;
  heard_ns_ = owner_.scheduler().now();
  alive_probes_ = 0;
  take_acknowledgement(packet, options);
  if (state_ == State::CLOSED || state_ == State::TIME_WAIT) {
    if (state_ == State::TIME_WAIT && packet.length() != 0) send_ack();
    return;
  }
  take_payload(packet);
  if (state_ == State::CLOSED) return;
  check_end();
  output();
}

void Connection::take_acknowledgement(const Packet& packet, const TcpOptions& options) {
  const std::uint32_t number = packet.acknowledgement;
  if (seq_after(number, send_next_)) return send_ack();
  if (seq_before(number, send_unacked_)) return;
  const std::uint32_t window = std::uint32_t{packet.window} << peer_scale_;
  const bool advanced = seq_after(number, send_unacked_);
  if (!advanced && in_flight() != 0 && packet.payload.empty() && window == send_window_) ++duplicates_;
  if (seq_before(window_sequence_, packet.sequence) ||
      (window_sequence_ == packet.sequence && !seq_before(number, window_acknowledgement_))) {
    send_window_ = window;
    window_sequence_ = packet.sequence;
    window_acknowledgement_ = number;
  }
  if (window == 0) repeats_ = 0;
  sacked_ = options.sack;
  std::sort(sacked_.begin(), sacked_.end(),
            [](const auto& a, const auto& b) { return seq_before(a.first, b.first); });
  if (advanced) {
    duplicates_ = 0;
    repeats_ = 0;
    send_unacked_ = number;
    const std::uint32_t data =
        std::min<std::uint32_t>(number - send_unacked_data_, static_cast<std::uint32_t>(out_.size()));
    if (data != 0) {
      last_octet_ = out_[data - 1];
      out_.erase(out_.begin(), out_.begin() + data);
      send_unacked_data_ += data;
    }
    if (fin_sent_ && number == send_next_) fin_acked_ = true;
    while (!sent_.empty() && !seq_after(sent_.front().end, number)) sent_.pop_front();
    std::erase_if(breaks_, [number](std::uint32_t cut) { return !seq_after(cut, number); });
    if (timed_ && !seq_before(number, timed_->first)) {
      const std::uint64_t round = owner_.scheduler().now() - timed_->second;
      const std::uint64_t off = round > smoothed_ns_ ? round - smoothed_ns_ : smoothed_ns_ - round;
      variance_ns_ = smoothed_ns_ == 0 ? round / 2 : (3 * variance_ns_ + off) / 4;
      smoothed_ns_ = smoothed_ns_ == 0 ? round : (7 * smoothed_ns_ + round) / 8;
      timed_.reset();
    }
    const std::uint64_t wished = smoothed_ns_ + std::max(sample_ns, 4 * variance_ns_);
    repeat_ns_ = std::clamp<std::uint64_t>(wished, traits_.repeat_min_ms * millisecond,
                                           traits_.repeat_max_ms * millisecond);
    stop_repeat_timer();
    if (in_flight() != 0) start_repeat_timer();
  } else if (duplicates_ == 3) {
    timed_.reset();
    repeat_first();
  }
  check_end();
}

// The queue holds pieces that do not overlap, each where its segment began or was cut. `begin` is the
// distance from the first octet of the stream.
void Connection::queue(std::uint32_t begin, View octets) {
  const std::uint32_t end = begin + static_cast<std::uint32_t>(octets.size());
  std::vector<std::pair<std::uint32_t, Octets>> losers;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> kept;
  for (const auto& [old_begin, old] : early_) {
    const std::uint32_t old_end = old_begin + static_cast<std::uint32_t>(old.size());
    if (old_end <= begin || old_begin >= end) continue;
    if (newer_wins(traits_.overlap, {old_begin, old_end}, {begin, end}))
      losers.emplace_back(old_begin, old);
    else
      kept.emplace_back(old_begin, old_end);
  }
  for (const auto& [old_begin, old] : losers) {
    early_.erase(old_begin);
    const View whole(old);
    if (old_begin < begin) {
      const View left = whole.first(begin - old_begin);
      early_[old_begin].assign(left.begin(), left.end());
    }
    if (old_begin + whole.size() > end) {
      const View right = whole.subspan(end - old_begin);
      early_[end].assign(right.begin(), right.end());
    }
  }
  kept.emplace_back(end, end);
  std::uint32_t at = begin;
  for (const auto& [old_begin, old_end] : kept) {
    if (at < old_begin) {
      const View piece = octets.subspan(at - begin, old_begin - at);
      early_[at].assign(piece.begin(), piece.end());
    }
    at = std::max(at, old_end);
  }
}

void Connection::take_payload(const Packet& packet) {
  std::uint32_t begin = packet.sequence;
  View octets(packet.payload);
  if ((packet.flags & FIN) != 0) fin_at_ = packet.sequence + static_cast<std::uint32_t>(octets.size());
  if (fin_received_) {
    if (packet.length() != 0) send_ack();
    return;
  }
  if (seq_before(begin, receive_next_)) {
    const std::size_t old = std::min<std::size_t>(receive_next_ - begin, octets.size());
    octets = octets.subspan(old);
    begin += static_cast<std::uint32_t>(old);
  }
  const std::uint32_t room = receive_room();
  const std::uint32_t offset = begin - receive_next_;
  if (offset < room || octets.empty())
    octets = octets.first(std::min<std::size_t>(octets.size(), octets.empty() ? 0 : room - offset));
  else
    octets = {};
  const bool in_order = begin == receive_next_;
  if (!octets.empty()) queue(begin - receive_first_, octets);
  while (!early_.empty() && receive_first_ + early_.begin()->first == receive_next_) {
    const Octets& next = early_.begin()->second;
    unread_.insert(unread_.end(), next.begin(), next.end());
    receive_next_ += static_cast<std::uint32_t>(next.size());
    early_.erase(early_.begin());
  }
  const bool fin = fin_at_ && *fin_at_ == receive_next_;
  if (fin) {
    fin_received_ = true;
    ++receive_next_;
  }
  if (packet.length() != 0) acknowledge_later(!in_order || fin || !early_.empty() || octets.empty());
  deliver();
  if (fin && state_ != State::CLOSED) take_fin();
}

void Connection::deliver() {
  if (paused_ || unread_.empty() || state_ == State::CLOSED) return;
  const Octets octets = std::move(unread_);
  unread_.clear();
  application_->on_data(*this, octets);
}

void Connection::pause_reading(bool paused) {
  if (paused_ == paused || state_ == State::CLOSED) return;
  paused_ = paused;
  if (paused) return;
  const std::shared_ptr<Connection> self = shared_from_this();
  const bool was_full = receive_room() < traits_.mss;
  deliver();
  if (was_full && state_ == State::OPEN) send_ack();
}

void Connection::take_fin() { application_->on_end_of_data(*this); }

void Connection::acknowledge_later(bool at_once) {
  if (at_once || traits_.acknowledgement_delay_us == 0 || ++unacknowledged_segments_ >= 2) return send_ack();
  if (ack_waiting_) return;
  ack_waiting_ = true;
  const std::uint64_t number = ++ack_timer_;
  owner_.scheduler().after(traits_.acknowledgement_delay_us * microsecond, [self = weak_from_this(), number] {
    const std::shared_ptr<Connection> alive = self.lock();
    if (alive && alive->ack_timer_ == number && alive->ack_waiting_ && alive->state_ == State::OPEN)
      alive->send_ack();
  });
}

void Connection::check_end() {
  if (state_ != State::OPEN) return;
  if (fin_received_ && fin_acked_) {
    state_ = State::TIME_WAIT;
    stop_repeat_timer();
    ++alive_timer_;
    application_->on_closed(*this, false);
    after(time_wait_ns, &Connection::forget, &end_timer_);
  } else if (fin_acked_ && end_timer_ == 0) {
    after(half_closed_ns, &Connection::abort, &end_timer_);
  }
}

void Connection::end(bool reset) {
  if (state_ == State::CLOSED) return;
  const bool told = state_ == State::TIME_WAIT;
  state_ = State::CLOSED;
  stop_repeat_timer();
  if (!told) application_->on_closed(*this, reset);
}

void Connection::forget() {
  if (state_ == State::CLOSED) return;
  end(true);
}

}  // namespace conduit::simulation
