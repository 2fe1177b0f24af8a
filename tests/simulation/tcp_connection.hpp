// One connection of an honest host (tcp_host.hpp). Internal to the simulated TCP.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "tests/simulation/tcp_host.hpp"

namespace conduit::simulation {

// Serial number arithmetic, RFC 1982.
[[nodiscard]] inline bool seq_before(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) < 0;
}
[[nodiscard]] inline bool seq_after(std::uint32_t a, std::uint32_t b) { return seq_before(b, a); }

// What a segment's options say.
struct TcpOptions {
  std::optional<std::uint16_t> mss;
  std::optional<std::uint8_t> scale;
  bool sack_permitted = false;
  bool has_timestamp = false;
  std::uint32_t timestamp = 0;
  std::uint32_t echo = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> sack;
};
[[nodiscard]] TcpOptions read_options(View options);

// What a connection needs of its host.
class ConnectionOwner {
 public:
  virtual void transmit(Packet packet) = 0;
  virtual Scheduler& scheduler() = 0;

 protected:
  ~ConnectionOwner() = default;
};

struct ConnectionNames {
  std::array<std::uint8_t, 6> peer_mac{};
  std::array<std::uint8_t, 16> peer{};
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
};

class Connection final : public TcpSocket, public std::enable_shared_from_this<Connection> {
 public:
  enum class State : std::uint8_t { SYN_SENT, SYN_RECEIVED, OPEN, TIME_WAIT, CLOSED };

  Connection(ConnectionOwner& owner, const TcpTraits& traits, Random random, const ConnectionNames& names,
             std::unique_ptr<Application> application);

  void open_actively();
  void open_passively(const Packet& syn);
  void on_packet(const Packet& packet);
  void forget();  // no word to anybody, as when the power is lost

  void send(View octets) override;
  void pause_reading(bool paused) override;
  void close() override;
  void abort() override;
  [[nodiscard]] std::uint16_t local_port() const override { return names_.local_port; }
  [[nodiscard]] std::uint16_t remote_port() const override { return names_.remote_port; }
  [[nodiscard]] std::uint64_t octets_unacknowledged() const override { return out_.size(); }

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const ConnectionNames& names() const { return names_; }
  [[nodiscard]] bool gone() const { return state_ == State::CLOSED; }
  // A new SYN may take the place of this connection (RFC 9293 §3.6.1).
  [[nodiscard]] bool yields_to(const Packet& syn) const {
    return state_ == State::TIME_WAIT && seq_after(syn.sequence, receive_next_);
  }

 private:
  struct Sent {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };

  // sending
  void output();
  void send_segment(std::uint32_t sequence, std::size_t size, bool fin);
  void send_plain(std::uint8_t flags, std::uint32_t sequence, View payload = {});
  void send_ack();
  void send_syn();
  void repeat_first();
  [[nodiscard]] std::size_t full_size() const;
  [[nodiscard]] std::size_t next_size(std::uint32_t sequence) const;
  [[nodiscard]] std::uint32_t data_end() const {
    return send_unacked_data_ + static_cast<std::uint32_t>(out_.size());
  }
  [[nodiscard]] std::uint32_t in_flight() const { return send_next_ - send_unacked_; }
  void start_repeat_timer();
  void stop_repeat_timer() {
    ++repeat_timer_;
    repeat_running_ = false;
  }
  void on_repeat_timer();
  void start_keep_alive();
  void probe_window();

  // receiving
  void take_first(const Packet& packet, const TcpOptions& options);
  bool acceptable(const Packet& packet) const;
  bool take_reset(const Packet& packet);
  void take_acknowledgement(const Packet& packet, const TcpOptions& options);
  void take_payload(const Packet& packet);
  void queue(std::uint32_t begin, View octets);
  void deliver();
  void take_fin();
  void acknowledge_later(bool at_once);
  void negotiate(const TcpOptions& options);
  void established();
  void end(bool reset);
  void check_end();

  [[nodiscard]] std::uint32_t receive_room() const;
  [[nodiscard]] std::uint16_t window_field(bool syn) const;
  [[nodiscard]] std::uint32_t timestamp_now() const;
  [[nodiscard]] Octets options_for(bool syn, bool with_sack) const;
  void after(std::uint64_t delay_ns, void (Connection::*call)(), std::uint64_t* timer);

  ConnectionOwner& owner_;
  TcpTraits traits_;
  Random random_;
  ConnectionNames names_;
  std::unique_ptr<Application> application_;
  State state_ = State::CLOSED;

  // what it sends
  std::uint32_t isn_ = 0;
  std::uint32_t send_unacked_ = 0;
  std::uint32_t send_next_ = 0;          // beyond the highest that was sent
  std::uint32_t send_unacked_data_ = 0;  // sequence number of out_[0]
  Octets out_;                           // from send_unacked_data_ on
  std::deque<std::uint32_t> breaks_;     // where the application's writes are cut
  std::deque<Sent> sent_;                // segments under way, as they were cut
  std::vector<std::pair<std::uint32_t, std::uint32_t>> sacked_;
  std::uint32_t send_window_ = 0;
  std::uint32_t window_sequence_ = 0;
  std::uint32_t window_acknowledgement_ = 0;
  std::uint16_t peer_mss_ = 536;
  std::uint8_t peer_scale_ = 0;
  bool scaled_ = false;
  bool stamped_ = false;
  bool sack_ = false;
  bool closing_ = false;  // the application has closed
  bool fin_sent_ = false;
  bool fin_acked_ = false;
  std::uint32_t duplicates_ = 0;
  std::uint8_t last_octet_ = 0;  // the newest acknowledged one, for keep-alives

  // what it receives
  std::uint32_t receive_next_ = 0;
  std::map<std::uint32_t, Octets> early_;  // disjoint, by distance from the first octet of the stream
  std::uint32_t receive_first_ = 0;
  Octets unread_;
  bool paused_ = false;
  bool fin_received_ = false;
  std::optional<std::uint32_t> fin_at_;
  std::uint32_t recent_timestamp_ = 0;
  std::uint32_t last_ack_sent_ = 0;
  std::uint32_t unacknowledged_segments_ = 0;

  // timers: a number that changes makes an older one void
  std::uint64_t repeat_timer_ = 0;
  std::uint64_t ack_timer_ = 0;
  std::uint64_t alive_timer_ = 0;
  std::uint64_t end_timer_ = 0;
  bool repeat_running_ = false;
  bool ack_waiting_ = false;
  std::uint64_t repeat_ns_ = 0;
  std::uint32_t repeats_ = 0;
  std::uint64_t smoothed_ns_ = 0;
  std::uint64_t variance_ns_ = 0;
  std::optional<std::pair<std::uint32_t, std::uint64_t>> timed_;  // a segment whose round trip is measured
  std::uint64_t heard_ns_ = 0;
  std::uint32_t alive_probes_ = 0;
};

}  // namespace conduit::simulation
