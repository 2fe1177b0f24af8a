// A TCP gate on the bench: one flow, a virtual clock, a judge that denies Modbus functions by number, and two
// ways to drive it: segments written by hand, and model endpoints that speak TCP on their own.
//
// Every frame that leaves the gate is parsed again (checksums included) before a test sees it, the state's
// invariants are checked after each step, and all blocks have to be back when the lab closes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/policy/image_builder.hpp"
#include "dataplane/engine/block_pool.hpp"
#include "dataplane/engine/tcp_gate_parts.hpp"

namespace conduit::tcp_test {

using Octets = std::vector<std::uint8_t>;

struct Segment {
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::uint8_t flags = TCP_ACK;
  std::uint16_t window = 60000;
  Octets payload{};
  std::optional<std::uint32_t> timestamp{};
  std::uint32_t timestamp_echo = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> sack{};
  std::optional<std::uint8_t> scale{};
  std::uint16_t mss = 0;
  bool fast_open = false;
  bool operator==(const Segment&) const = default;
};

// Modbus ADUs.
[[nodiscard]] Octets read_request(std::uint16_t transaction, std::uint16_t address = 0);
[[nodiscard]] Octets write_request(std::uint16_t transaction, std::uint16_t value = 1);  // function 6
[[nodiscard]] Octets read_response(std::uint16_t transaction);
[[nodiscard]] Octets write_response(std::uint16_t transaction, std::uint16_t value = 1);
[[nodiscard]] Octets exception(std::uint16_t transaction, std::uint8_t function, std::uint8_t code = 1);
[[nodiscard]] Octets operator+(Octets left, const Octets& right);
[[nodiscard]] Octets part(const Octets& octets, std::size_t first, std::size_t count = SIZE_MAX);

class Lab final : public FrameSink {
 public:
  explicit Lab(std::uint32_t blocks = 64);
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  // Sends a segment from `side` through the gate; what left towards `side` and the other side is returned.
  struct Out {
    std::vector<Segment> to[2];
  };
  Out send(Side side, const Segment& segment);
  Out advance(std::uint64_t ns);  // the clock; runs the gate's timer when it is due
  // Handshake with the numbers below. Frames are not returned.
  void connect();

  static constexpr std::uint32_t isn_usual[2] = {1000, 0xFFFFFF00};   // the server's numbers wrap early
  static inline std::uint32_t isn[2] = {isn_usual[0], isn_usual[1]};  // as it closes, a lab restores them
  // First data number of a side.
  [[nodiscard]] static std::uint32_t base(Side side) { return isn[side] + 1; }

  // Segment with data at `offset` of the side's stream, acknowledging `acked` octets of the other's.
  [[nodiscard]] static Segment data(Side side, std::uint32_t offset, Octets payload, std::uint32_t acked = 0);

  bool emit(std::uint8_t port, Bytes frame) noexcept override;

  [[nodiscard]] bool alive() const { return flow.state != FlowState::FREE; }
  [[nodiscard]] std::size_t count(Reason reason) const;

  WorkerContext context{};
  BlockPool pool;
  Flow flow{};
  Protocol protocol;  // Modbus, to be bent by a test
  // The judge.
  std::map<int, Verdict> request_verdict{{6, Verdict::REFUSE}};  // by function; others are permitted
  std::map<int, Verdict> response_verdict{};
  bool observing = false;
  bool track_outstanding = false;
  std::uint16_t window = 60000;     // that both sides announce in the handshake
  Reason reopening = Reason::NONE;  // whether a connection may be opened anew
  std::vector<Octets> judged[2];    // by sender
  std::vector<Reason> denied{};
  bool long_way = false;         // every segment takes the gate's long way
  std::vector<Segment> left[2];  // all that has left towards a side, where `recording`
  bool recording = false;
  std::size_t malformed = 0;
  std::size_t resets_noted = 0;
  std::size_t opened = 0;

  // Puts the flow into a conduit of this kind.
  void lay_conduit(ConduitSource conduit);

 private:
  ImageBuffer image_bytes_{};
  RuleImage image_{};
  void settle();
  std::vector<Segment>* sink_[2] = {nullptr, nullptr};
};

// A small TCP: sends what it is given in segments of at most `mss`, acknowledges at once, puts segments in
// order (first byte wins), repeats from the first unacknowledged byte when told to. Says by SACK what came
// early, and believes what it is told by SACK: a byte that it was wrongly told of never comes again.
class Endpoint {
 public:
  explicit Endpoint(std::uint32_t isn) : isn_(isn), una_(isn + 1), next_(isn + 1) {}

  void begin(std::uint32_t first, std::uint16_t room);  // what it expects, and what both sides have announced
  void write(const Octets& octets);                     // queue, and send what the window permits
  void write_cut(const Octets& octets, std::size_t mss);  // as segments of at most `mss`
  // Time-out: again the first segment that is neither acknowledged nor in a SACK block; a probe where the
  // window is closed.
  void repeat();
  void keep_alive(bool with_octet);  // where nothing is under way
  void take(const Segment& segment);
  void close();

  std::deque<Segment> out{};  // segments that wait to be carried
  Octets inbox{};             // the stream as its application sees it
  bool reset = false;
  bool closed = false;  // the other side's FIN came
  std::uint32_t expect = 0;
  std::uint16_t window = 60000;  // octets that it would take; what was announced once stays announced
  std::size_t mss = 1000;
  bool sacks = false;
  std::size_t wrong_sacks = 0;  // blocks outside of what it has sent
  bool one_in_flight = false;
  [[nodiscard]] bool idle() const { return una_ == next_ && pending_.empty(); }
  [[nodiscard]] bool closing() const { return fin_sent_ || wants_close_; }
  [[nodiscard]] std::uint32_t una() const { return una_; }
  [[nodiscard]] std::uint32_t next() const { return next_; }

 private:
  void push();
  void acknowledge();
  void take_sack(const Segment& segment);
  void fill(Segment& segment);  // acknowledgement, window
  [[nodiscard]] std::uint32_t first_missing() const;
  void take_data(const Segment& segment);
  std::uint32_t isn_;
  std::uint32_t una_;
  std::uint32_t next_;
  std::uint32_t peer_edge_ = 0;
  std::uint32_t edge_ = 0;                           // own, highest announced
  std::map<std::uint32_t, std::uint32_t> sacked_{};  // by distance from isn: begin, end
  Octets sent_{};                                    // from isn + 1
  std::deque<Octets> pending_{};
  std::map<std::uint32_t, Octets> early_{};  // by distance from isn
  bool fin_sent_ = false;
  bool wants_close_ = false;
};

// Two endpoints around a gate.
struct Dialogue {
  explicit Dialogue(Lab& lab);
  // Carries segments until both are quiet. Where answers are on, the server answers each whole request.
  void run();
  // As run, but time passes and unacknowledged bytes are repeated until all is quiet; at most `rounds`.
  void run_with_repeats(int rounds = 30);
  Lab& lab;
  Endpoint client{Lab::isn[0]};
  Endpoint server{Lab::isn[1]};
  bool answers = true;
  std::vector<int> lose[2];  // numbers of the segments towards a side that are lost, from 0
  int carried[2] = {0, 0};
  std::size_t answered = 0;  // octets of the server's inbox

 private:
  void deliver(Lab::Out out);
  void answer();
};

// Framing of real Modbus, for protocols that bend it.
[[nodiscard]] Framing modbus_protocol_frame(Bytes bytes, Role sender, Transport transport,
                                            const SessionState& session) noexcept;

// ADUs that a stream consists of; the rest, if any, as the last one.
[[nodiscard]] std::vector<Octets> split_adus(const Octets& stream);

}  // namespace conduit::tcp_test
