// A BACnet/IP datagram taken apart slowly (ANSI/ASHRAE 135, Annex J.2, clauses 6.2, 20.1 and 20.2), and put
// together. Shares nothing with the decoder that it judges.
#pragma once

#include <cstdint>
#include <optional>

#include "tests/simulation/packet.hpp"

namespace conduit::simulation::bacnet {

enum Link : std::uint8_t { FORWARDED = 4, DISTRIBUTED = 9, UNICAST = 10, BROADCAST = 11 };
enum Apdu : std::uint8_t {
  CONFIRMED = 0,
  UNCONFIRMED = 1,
  SIMPLE_ACK = 2,
  COMPLEX_ACK = 3,
  SEGMENT_ACK = 4,
  ERROR = 5,
  REJECT = 6,
  ABORT = 7
};
enum Confirmed : std::uint8_t {
  READ_PROPERTY = 12,
  READ_PROPERTY_MULTIPLE = 14,
  WRITE_PROPERTY = 15,
  WRITE_PROPERTY_MULTIPLE = 16,
  DEVICE_COMMUNICATION_CONTROL = 17,
  REINITIALIZE_DEVICE = 20
};
enum Unconfirmed : std::uint8_t {
  I_AM = 0,
  TIME_SYNCHRONIZATION = 6,
  WHO_IS = 8,
  UTC_TIME_SYNCHRONIZATION = 9
};

// Behind a router: network, and address on it (empty: all).
struct Station {
  std::uint16_t network = 0;
  Octets address;
  bool operator==(const Station&) const = default;
};

// Of a request or an answer in segments, and of what acknowledges them (SEGMENT_ACK: its last number, and how
// many more are welcome).
struct Segment {
  std::uint8_t sequence = 0;
  std::uint8_t window = 1;
  bool more = false;
};

struct Message {
  std::uint8_t link = UNICAST;
  Octets origin;  // FORWARDED: address and port
  std::optional<Station> destination;
  std::optional<Station> source;
  std::uint8_t apdu = CONFIRMED;
  std::uint8_t invoke = 0;      // not of UNCONFIRMED
  std::uint8_t service = 0;     // REJECT, ABORT: the reason
  bool from_server = false;     // ABORT, SEGMENT_ACK
  bool takes_segments = false;  // CONFIRMED: as its answer
  bool negative = false;        // SEGMENT_ACK
  std::optional<Segment> segment;
  Octets parameters;
};

// Nothing: malformed, a message of the network layer, or another link function.
[[nodiscard]] std::optional<Message> read_message(View datagram);
[[nodiscard]] Octets write_message(const Message& message);

// One element of clause 20.2: a tag with its content, or the tags around others.
struct Element {
  bool context = false;
  std::uint8_t number = 0;
  bool opening = false;
  bool closing = false;
  View content;
};

// Reads elements one after the other; whatever is malformed ends it.
class Elements {
 public:
  explicit Elements(View octets) : rest_(octets) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] std::optional<Element> peek() const;
  std::optional<Element> next();
  // The content of the context tag `number`, if that comes next.
  std::optional<View> context(std::uint8_t number);
  bool open(std::uint8_t number) { return bracket(number, true); }
  bool close(std::uint8_t number) { return bracket(number, false); }

 private:
  bool bracket(std::uint8_t number, bool opening);
  View rest_;
  [[nodiscard]] std::optional<Element> take(View& from) const;
};

// In its shortest form only.
[[nodiscard]] std::optional<std::uint32_t> unsigned_of(View content);

void put_context(Octets& to, std::uint8_t number, std::uint32_t value);
void put_object(Octets& to, std::uint8_t number, std::uint32_t type, std::uint32_t instance);
void put_application(Octets& to, std::uint8_t tag, const Octets& content);
void put_open(Octets& to, std::uint8_t number);
void put_close(Octets& to, std::uint8_t number);

}  // namespace conduit::simulation::bacnet
