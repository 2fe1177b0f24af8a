// The oracles of datagrams. They watch the frames on both sides of the gateway.
//
// - Safety: no receiver (one that looks at all of a datagram, at the PDU in front, at what stands behind it;
// none
//   of them compares checksums) reads a request that the rules of the two, in force now or just now, do not
//   permit; none reads an answer without a request of its own that was let through, or more answers than it
//   has asked, or a negative reply without a request. The same holds for what readers put together of parts.
// - Wire: what leaves is a whole datagram with right lengths and checksums, from its asset to an asset
// beyond.
// - Transparency: it is octet for octet one that was sent, and leaves no more often than it came; but for
//   negative replies.
// - Refusal: who is refused is told so at once. Liveness: what is permitted to honest hosts leaves at once.
// - Accounting: each datagram that does not leave is told by an event.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "tests/simulation/datagram_timeline.hpp"
#include "tests/simulation/fragments.hpp"
#include "tests/simulation/safety.hpp"

namespace conduit::simulation {

class DatagramOracle : public Watcher {
 public:
  DatagramOracle(const Scheduler& scheduler, const Plant& plant, const DatagramTimeline& timeline)
      : scheduler_(scheduler), plant_(plant), timeline_(timeline) {}
  void on_sent(const Host& host, View frame) override;
  void on_arrival(std::uint8_t side, View frame) override;
  void on_departure(std::uint8_t side, View frame) override;

  // Of those two nothing is promised to hosts of `hostile` (MACs). Call when the run is over.
  void check_promises(const std::set<std::array<std::uint8_t, 6>>& hostile,
                      std::vector<Finding>& findings) const;
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }
  [[nodiscard]] std::uint64_t pdus_judged() const { return judged_; }
  // Datagrams that have come whole and have not left.
  [[nodiscard]] std::uint64_t denied() const;

 private:
  struct End {
    std::uint8_t side = 0;
    std::size_t number = 0;  // of the asset
    std::uint16_t port = 0;
    auto operator<=>(const End&) const = default;
  };
  struct Path {
    End from;
    End to;
    auto operator<=>(const Path&) const = default;
  };
  // Requests with the same number between two ports, and their answers.
  struct Exchange {
    std::set<Octets> asked;  // that have come to the gateway
    std::set<Octets> left;   // … and have left it
    std::uint32_t times_asked = 0;
    std::uint32_t times_answered = 0;
    std::vector<std::uint64_t> refused_ns;  // when a negative reply has left
  };
  // One payload between two ports.
  struct Passed {
    std::uint32_t times_come = 0;  // at most
    bool in_fragments = false;     // some of these times
    std::vector<std::uint64_t> left_ns;
  };
  using Exchanges = std::map<std::pair<Path, Octets>, Exchange>;
  // What has come and has to leave, or to be refused.
  struct Promise {
    std::uint64_t at_ns = 0;
    Path path;
    Octets payload;
    bool refusal = false;
    std::array<std::uint8_t, 6> mac{};
    std::array<std::uint8_t, 6> to_mac{};
  };

  [[nodiscard]] std::optional<Path> path_of(const Packet& packet, std::uint8_t from_side) const;
  [[nodiscard]] static std::optional<DatagramPlace> place_of(const Path& asking);
  [[nodiscard]] static const DatagramModel* protocol_of(const Path& path);
  [[nodiscard]] static bool is_answer(const DatagramModel& protocol, const Path& path, View pdu);
  void finding(const char* oracle, const Packet& packet, const std::string& what);
  // Of what was in fragments, as they were sent and as they came.
  void note_fragment(FragmentReader& reader, std::uint8_t side, View frame);
  void note_arrival(const Path& path, View payload, bool in_fragments);
  void promise(const Path& path, const Packet& packet);
  void check_form(const Packet& packet, std::uint8_t from_side);
  void judge(const Packet& packet, const Path& path, View pdu);
  // What readers put together of it and of the parts before it.
  void judge_wholes(const Packet& packet, const Path& path, const DatagramModel& protocol);
  void judge_answer(const Packet& packet, const Path& asking, const DatagramModel& protocol, View pdu);
  // False: the gateway says it itself.
  bool check_octets(const Packet& packet, const Path& path, const DatagramModel* protocol);

  const Scheduler& scheduler_;
  const Plant& plant_;
  const DatagramTimeline& timeline_;
  std::array<FragmentReader, 2> sent_{FragmentReader{decode_datagram}, FragmentReader{decode_datagram}};
  std::array<FragmentReader, 2> come_{FragmentReader{decode_datagram}, FragmentReader{decode_datagram}};
  std::map<std::pair<Path, Octets>, Passed> passed_;
  Exchanges exchanges_;
  std::map<Path, std::unique_ptr<PartReader>> part_readers_;
  std::vector<Promise> promises_;
  std::vector<Finding> findings_;
  std::uint64_t judged_ = 0;
  std::uint64_t unsound_ = 0;  // have come that no receiver takes, or between no assets
};

}  // namespace conduit::simulation
