// The oracle of the wire (DESIGN laws 1 to 3): what no frame that leaves the gateway may be, whoever sent it
// and whatever it carries. Written from the laws; it knows the two ends by what they have sent and nothing
// else.
//
// - TCP over IP, whole, with right checksums, a combination of flags that a stack sends, no urgent pointer,
//   no data or Fast Open option in a SYN, a time to live that the next hop does not end; or an ICMP error,
//   with right checksums, to the one who sent what it quotes, about a connection that has been seen.
// - Its source has the address and, where the policy binds them, the MAC of one asset.
// - Data lie within the window that their receiver has announced, and (of honest
//   ends) are not wholly acknowledged by it. They are not older than what the sender's clock said before.
// - No number lies far below what the receiver has, none acknowledges (nor any SACK block) what was never
//   sent; an RST on a living connection is one that its receiver takes; a SYN never enters one.
// - No stream towards a server ends within a PDU; nobody is told of more room than its receiver has.
// - An error quotes its receiver's own numbers: what it quotes was sent there.
// - Between two hosts whose policy, or island mode, permits nothing (any more) nothing goes on.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "tests/simulation/fragments.hpp"
#include "tests/simulation/plant_policy.hpp"
#include "tests/simulation/safety.hpp"

namespace conduit::simulation {

// What the gateway may not know, so that it is not held to it.
struct Unknown {
  bool acknowledgements = false;  // some of those that were given
  bool beginnings = false;        // of connections: it may join them in mid-stream
  bool interrupted = false;       // it restarts, or what it sends may find no room
};

class WireOracle : public Watcher {
 public:
  WireOracle(const Scheduler& scheduler, const Plant& plant, const Unknown& unknown)
      : scheduler_(scheduler), plant_(plant), unknown_(unknown) {}
  // From now on this policy is in force; it outlives the oracle.
  void in_force(const PlantPolicy* policy, bool island);
  void on_arrival(std::uint8_t side, View frame) override;
  void on_departure(std::uint8_t side, View frame) override;
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }
  // Segments of clients that have contradicted octets which came before and were not acknowledged.
  [[nodiscard]] std::uint64_t contradictions() const { return contradictions_; }

 private:
  // One end of a connection, as the other one's segments have to suit it.
  struct End {
    bool known = false;  // its SYN has passed
    bool said = false;   // it has acknowledged something since
    std::uint32_t isn = 0;
    std::optional<std::uint8_t> scale;      // that its SYN offers
    std::uint16_t first_window = 0;         // of its SYN
    std::uint32_t acknowledged = 0;         // highest acknowledgement of it that has come to the gateway
    std::uint32_t acknowledged_before = 0;  // … until a moment ago: the gateway takes frames in bursts
    std::uint64_t acknowledged_ns = 0;
    std::uint32_t edge = 0;  // right edge of its window
    bool sent_to = false;
    std::uint32_t end = 0;         // behind the highest octet that has left towards it
    std::uint32_t end_before = 0;  // … before what leaves at this moment
    std::uint64_t end_ns = 0;
    std::uint32_t sent_end = 0;  // behind the highest octet that has come from it, in its own numbers
    bool stamps = false;         // its SYN carried a timestamp
    std::uint32_t stamp = 0;     // newest of its data that have left
    bool ended = false;          // its FIN has left
    std::map<std::uint32_t, std::uint8_t> octets;  // a client's, as they came first
    std::map<std::uint32_t, std::uint8_t> left;    // … and as they left, in their receiver's numbers
    std::uint32_t come_stamp = 0;                  // newest that has come
    std::uint32_t told = 0;                        // highest acknowledgement that has left towards it
  };
  // An error of the server about a client's packet, on its way through the gateway.
  struct Quotation {
    Octets payload;
    bool fresh = false;  // the server had not acknowledged what it quotes
  };
  struct Talk {
    std::array<End, 2> ends;
    std::deque<Quotation> quotations;
    bool over = false;      // reset, or ended by both
    bool observed = false;  // anything may have passed on it
    // RFC 7323 §2.2: windows are scaled only if both sides offer it.
    [[nodiscard]] std::uint8_t scale(std::size_t side) const {
      return ends[side ^ 1].scale ? ends[side].scale.value_or(0) : std::uint8_t{0};
    }
    // A segment of its client. With an acknowledgement of what was never sent on this connection it may be
    // one of the connection before, between the same ports.
    [[nodiscard]] bool answers_its_server(const Packet& packet) const {
      const std::uint32_t sent = ends[0].end - ends[1].isn;
      const std::uint32_t taken = packet.acknowledgement - ends[1].isn;
      return ends[0].sent_to && ends[1].known && taken != 0 && taken <= sent;
    }
    [[nodiscard]] bool lives() const {
      return !over && ends[0].known && ends[1].known && ends[0].said && ends[1].said;
    }
  };
  struct Span {
    std::uint64_t at_ns;
    const PlantPolicy* policy;
    bool island;
  };
  using Key = std::array<std::uint8_t, 36>;  // addresses and ports, client's side first

  [[nodiscard]] static Key key_of(const Packet& packet, std::uint8_t sender_side);
  static void begin(Talk& talk, std::uint8_t sender_side, const Packet& syn);
  void finding(const Packet* packet, const char* what);
  void check_form(const Packet& packet);
  [[nodiscard]] const HostAddress* asset_of(const Packet& packet, std::uint8_t sender_side) const;
  void check_source(const Packet& packet, std::uint8_t sender_side);
  void check_place(const Packet& packet, std::uint8_t side);
  void check_ends(const Packet& packet, std::uint8_t side, Talk& talk);
  void check_numbers(const Packet& packet, std::uint8_t side, Talk& talk);
  void check_end_of_stream(const Packet& packet, Talk& talk);
  void check_told_window(const Packet& packet, const Talk& talk);
  void note_octets(const Packet& packet, bool whole, Talk& talk);
  void check_service(const Packet& packet, std::uint8_t side);
  void note_quotation(const QuotedError& error);
  [[nodiscard]] static bool is_renumbered(std::uint16_t port);
  void check_quotation(const Packet& quoted, Talk& talk);
  void check_error(const QuotedError& error, std::uint8_t side);
  [[nodiscard]] bool observes() const;
  [[nodiscard]] bool was_observed(const Packet& packet, std::uint8_t sender_side);

  const Scheduler& scheduler_;
  const Plant& plant_;
  Unknown unknown_;
  std::array<FragmentReader, 2> arrived_{};
  std::map<Key, Talk> talks_;
  std::vector<Span> spans_;
  std::uint64_t contradictions_ = 0;
  std::vector<Finding> findings_;
};

}  // namespace conduit::simulation
