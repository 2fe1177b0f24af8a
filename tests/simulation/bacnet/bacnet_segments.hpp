// Requests and answers of BACnet in segments (ANSI/ASHRAE 135, clauses 5.2, 5.3, 5.4 and 20.1): how they are
// sent and taken, and what readers of several kinds put together of them.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "tests/simulation/bacnet/bacnet_message.hpp"
#include "tests/simulation/datagram_model.hpp"

namespace conduit::simulation::bacnet {

// A message on its way in segments: the first alone, then as many as the other side takes at a time.
class Outgoing {
 public:
  Outgoing(const Message& message, std::size_t size, std::uint8_t window);
  [[nodiscard]] const std::vector<Octets>& all() const { return segments_; }
  // Those that are under way until the next acknowledgement.
  [[nodiscard]] std::vector<Octets> due() const;
  // False: it says nothing new.
  bool acknowledged(const Segment& last);
  [[nodiscard]] bool done() const { return first_ == segments_.size(); }

 private:
  std::vector<Octets> segments_;
  std::size_t first_ = 0;  // that is not acknowledged
  std::size_t window_ = 1;
};

// A message that comes in segments.
class Incoming {
 public:
  explicit Incoming(std::uint8_t window) : window_(window) {}
  // What is to be said of it: a SEGMENT_ACK, or nothing yet.
  std::optional<Message> take(const Message& segment);
  [[nodiscard]] bool whole() const { return last_; }
  [[nodiscard]] Message message() const;

 private:
  std::uint8_t window_;
  std::uint8_t since_ = 0;  // the last acknowledgement
  std::size_t next_ = 0;
  bool last_ = false;
  Message first_;
  Octets parameters_;
};

// Readers that take segments in order, that begin anew with each first one, that take the newest of each
// number; and the service of the first one, or of the last.
class SegmentReader final : public PartReader {
 public:
  [[nodiscard]] std::vector<Octets> take(View pdu) override;
  void answered(View pdu) override;

 private:
  struct Reading {
    std::map<std::size_t, Message> in_order;
    std::map<std::size_t, Message> anew;
    std::map<std::size_t, Message> newest;
    std::set<Octets> told;
  };
  // By kind (CONFIRMED, COMPLEX_ACK), stations and invoke id, as a PDU of its own.
  std::map<Octets, Reading> readings_;
};

}  // namespace conduit::simulation::bacnet
