// Dialogues of BACnet/IP: requests, and answers as a device gives them (clauses 15 and 20.1).
#include "tests/simulation/bacnet/bacnet_datagrams.hpp"

#include "tests/simulation/bacnet/bacnet_requests.hpp"
#include "tests/simulation/bacnet/bacnet_segments.hpp"

namespace conduit::simulation {
namespace bacnet {
namespace {

bool is_read(std::uint8_t service) { return service == READ_PROPERTY || service == READ_PROPERTY_MULTIPLE; }

// What was asked of one property, as a read's answer repeats it.
struct Reference {
  std::size_t list = 0;  // of which object in the request
  Octets object;
  Octets property;
  std::optional<Octets> index;
};

Octets octets_of(View view) { return {view.begin(), view.end()}; }

std::optional<Octets> take(Elements& elements, std::uint8_t number) {
  const std::optional<View> content = elements.context(number);
  if (!content) return {};
  return octets_of(*content);
}

// Skips what stands between an opening tag, already taken, and its closing one.
bool skip_to_close(Elements& elements, std::uint8_t number) {
  while (!elements.empty()) {
    if (elements.close(number)) return true;
    if (!elements.next()) return false;
  }
  return false;
}

// Of a request (values: nothing follows), or of its answer (each followed by a value or an error).
std::optional<std::vector<Reference>> references(View parameters, bool several, bool answer) {
  Elements elements(parameters);
  std::vector<Reference> all;
  const auto result = [&](std::uint8_t opening) {
    if (!answer) return true;
    if (elements.open(opening)) return skip_to_close(elements, opening);
    return several && elements.open(5) && skip_to_close(elements, 5);
  };
  for (std::size_t list = 0; !elements.empty(); ++list) {
    const std::optional<Octets> object = take(elements, 0);
    if (!object || (several && !elements.open(1))) return {};
    const std::uint8_t base = !several ? 1 : answer ? 2 : 0;
    do {
      const std::optional<Octets> property = take(elements, base);
      if (!property) return {};
      all.push_back({list, *object, *property, take(elements, static_cast<std::uint8_t>(base + 1))});
      if (!result(several ? 4 : 3)) return {};
    } while (several && !elements.close(1));
    if (!several) break;
  }
  if (!elements.empty()) return {};
  return all;
}

void put_content(Octets& to, std::uint8_t number, const Octets& content) {
  to.push_back(static_cast<std::uint8_t>(unsigned{number} << 4 | 8U | content.size()));
  to.insert(to.end(), content.begin(), content.end());
}

void put_result(Octets& to, Random& random, std::uint8_t opening) {
  put_open(to, opening);
  put_application(to, 4, {0x41, static_cast<std::uint8_t>(random.next()), 0, 0});
  put_close(to, opening);
}

Octets read_answer(const Message& request, Random& random) {
  const bool several = request.service == READ_PROPERTY_MULTIPLE;
  const auto asked = references(request.parameters, several, false);
  Octets out;
  for (std::size_t i = 0; i < asked->size(); ++i) {
    const Reference& one = (*asked)[i];
    const bool new_object = i == 0 || (*asked)[i - 1].list != one.list;
    if (several && new_object && i != 0) put_close(out, 1);
    if (new_object) put_content(out, 0, one.object);
    if (several && new_object) put_open(out, 1);
    put_content(out, several ? 2 : 1, one.property);
    if (one.index) put_content(out, several ? 3 : 2, *one.index);
    if (several && random.chance(1, 8)) {
      put_open(out, 5);
      put_application(out, 9, {2});
      put_application(out, 9, {32});
      put_close(out, 5);
    } else {
      put_result(out, random, several ? 4 : 3);
    }
  }
  if (several) put_close(out, 1);
  return out;
}

Octets draw_answer(const Message& request, bool known, Random& random) {
  Message answer;
  answer.destination = request.source;
  answer.source = request.destination;
  answer.invoke = request.invoke;
  answer.service = request.service;
  if (!known) {
    answer.apdu = REJECT;
    answer.service = 4;  // invalid tag
  } else if (random.chance(1, 16)) {
    answer.apdu = random.chance(1, 2) ? REJECT : ABORT;
    answer.from_server = answer.apdu == ABORT;
    answer.service = 0;
  } else if (random.chance(1, 12) && request.service != WRITE_PROPERTY_MULTIPLE) {
    answer.apdu = ERROR;
    put_application(answer.parameters, 9, {2});
    put_application(answer.parameters, 9, {32});
  } else if (is_read(request.service)) {
    answer.apdu = COMPLEX_ACK;
    answer.parameters = read_answer(request, random);
  } else {
    answer.apdu = SIMPLE_ACK;
  }
  return write_message(answer);
}

void put_station(Octets& to, const std::optional<Station>& station) {
  to.push_back(station ? 1 : 0);
  if (!station) return;
  to.push_back(static_cast<std::uint8_t>(station->network >> 8));
  to.push_back(static_cast<std::uint8_t>(station->network));
  to.insert(to.end(), station->address.begin(), station->address.end());
  to.push_back(static_cast<std::uint8_t>(station->address.size()));
}

class BacnetDatagrams final : public DatagramModel {
 public:
  [[nodiscard]] const char* name() const override { return "bacnet"; }
  [[nodiscard]] std::uint16_t port() const override { return 47808; }
  [[nodiscard]] std::unique_ptr<Rules> random_rules(Random& random) const override {
    return draw_rules(random);
  }

  [[nodiscard]] Octets request(Random& random, const Rules& rules, std::uint32_t number) const override {
    return draw_request(random, dynamic_cast<const BacnetRules&>(rules), static_cast<std::uint8_t>(number));
  }
  [[nodiscard]] Octets bad_request(Random& random, std::uint32_t number) const override {
    return draw_bad_request(random, static_cast<std::uint8_t>(number));
  }
  [[nodiscard]] Octets answer(View request, Random& random) const override {
    const std::optional<Message> message = read_message(request);
    if (!message || silent(request)) return {};
    return draw_answer(*message, well_formed(request), random);
  }
  [[nodiscard]] bool answers(View response, View request) const override;
  [[nodiscard]] bool is_negative(View response) const override {
    const std::optional<Message> message = read_message(response);
    return message && (message->apdu == ERROR || message->apdu == REJECT || message->apdu == ABORT);
  }
  [[nodiscard]] bool silent(View request) const override {
    const std::optional<Message> message = read_message(request);
    return !message || message->apdu != CONFIRMED || message->link != UNICAST || message->segment ||
           (message->destination && message->destination->address.empty());
  }
  [[nodiscard]] bool well_formed(View request) const override { return read_request(request).has_value(); }
  [[nodiscard]] bool both_ask() const override { return true; }
  [[nodiscard]] bool is_answer(View pdu) const override {
    const std::optional<Message> message = read_message(pdu);
    return message && message->apdu >= SIMPLE_ACK && !goes_on(pdu);
  }
  [[nodiscard]] bool in_parts(View pdu) const override {
    const std::optional<Message> message = read_message(pdu);
    return message && (message->segment || message->takes_segments);
  }
  [[nodiscard]] bool goes_on(View pdu) const override {
    const std::optional<Message> message = read_message(pdu);
    return message && (message->apdu == SEGMENT_ACK || message->apdu == ABORT) && !message->from_server;
  }
  [[nodiscard]] std::unique_ptr<PartReader> part_reader() const override {
    return std::make_unique<SegmentReader>();
  }
  [[nodiscard]] std::vector<Octets> cut(View request, Random& random) const override {
    const std::optional<Message> message = read_message(request);
    if (!message || message->apdu != CONFIRMED || message->segment) return {};
    return Outgoing(*message, random.between(4, 20), static_cast<std::uint8_t>(random.between(1, 8))).all();
  }
  [[nodiscard]] Octets exchange(View pdu, bool is_request) const override {
    const std::optional<Message> message = read_message(pdu);
    if (!message) return {};
    Octets key{message->invoke};
    put_station(key, is_request ? message->destination : message->source);
    put_station(key, is_request ? message->source : message->destination);
    return key;
  }
  [[nodiscard]] std::size_t front(View datagram) const override {
    if (datagram.size() < 4) return 0;
    const std::size_t size = std::size_t{datagram[2]} << 8 | datagram[3];
    return size < 4 || size > datagram.size() ? 0 : size;
  }
  [[nodiscard]] Octets other_answer(View answer, Random& random) const override {
    std::optional<Message> message = read_message(answer);
    if (!message) return {};
    if (random.chance(1, 2))
      message->invoke = static_cast<std::uint8_t>(message->invoke + 1 + random.below(3));
    else
      message->service = static_cast<std::uint8_t>(message->service ^ 3);
    return write_message(*message);
  }
};

// From the station that was asked, to the one that asked, with its invoke id and service, in the form of
// that. Of which objects a read's answer speaks is the device's affair, as the room has it.
bool BacnetDatagrams::answers(View response, View request) const {
  const std::optional<Message> answer = read_message(response);
  const std::optional<Message> asked = read_message(request);
  if (!answer || !asked || asked->apdu != CONFIRMED || answer->link != UNICAST) return false;
  if (answer->invoke != asked->invoke || answer->source != asked->destination ||
      answer->destination != asked->source)
    return false;
  switch (answer->apdu) {
    case REJECT:
    case ABORT: return true;
    case ERROR: return answer->service == asked->service;
    case SIMPLE_ACK:
      return answer->service == asked->service && !is_read(asked->service) && answer->parameters.empty();
    case SEGMENT_ACK: return answer->from_server && asked->segment;
    case COMPLEX_ACK: break;
    default: return false;
  }
  if (answer->service != asked->service || !is_read(asked->service)) return false;
  if (answer->segment) return true;  // of what it is a part will be seen
  const bool several = asked->service == READ_PROPERTY_MULTIPLE;
  return references(answer->parameters, several, true).has_value();
}

}  // namespace
}  // namespace bacnet

const DatagramModel& bacnet_datagrams() {
  static const bacnet::BacnetDatagrams model;
  return model;
}

}  // namespace conduit::simulation
