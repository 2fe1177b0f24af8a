#include "tests/simulation/bacnet/bacnet_message.hpp"

namespace conduit::simulation::bacnet {
namespace {

constexpr std::uint8_t link_type = 0x81;
constexpr std::uint8_t reserved_control = 0x50;

// Takes octets from the front; false once there were too few.
class Reader {
 public:
  explicit Reader(View octets) : rest(octets) {}
  std::uint8_t octet() {
    if (rest.empty()) good = false;
    if (!good) return 0;
    const std::uint8_t value = rest[0];
    rest = rest.subspan(1);
    return value;
  }
  std::uint16_t number() {
    const std::uint8_t high = octet();
    return static_cast<std::uint16_t>(high << 8 | octet());
  }
  Octets octets(std::size_t count) {
    if (rest.size() < count) good = false;
    if (!good) return {};
    Octets taken(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(count));
    rest = rest.subspan(count);
    return taken;
  }
  View rest;
  bool good = true;
};

void put16(Octets& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}
void put(Octets& to, const Octets& from) { to.insert(to.end(), from.begin(), from.end()); }

Octets minimal(std::uint32_t value) {
  Octets octets;
  for (int shift = 24; shift >= 0; shift -= 8) {
    if (!octets.empty() || value >> shift != 0 || shift == 0)
      octets.push_back(static_cast<std::uint8_t>(value >> shift));
  }
  return octets;
}

// Clause 6.2: which networks and addresses there are.
bool read_station(Reader& reader, bool source, std::optional<Station>& station) {
  Station read;
  read.network = reader.number();
  const std::uint8_t size = reader.octet();
  read.address = reader.octets(size);
  station = read;
  if (!reader.good || read.network == 0 || size > 6) return false;
  if (read.network == 0xFFFF && (source || size != 0)) return false;
  return !source || size != 0;
}

bool read_network(Reader& reader, Message& message) {
  if (reader.octet() != 1) return false;
  const std::uint8_t control = reader.octet();
  if ((control & reserved_control) != 0 || (control & 0x80) != 0) return false;
  if ((control & 0x20) != 0 && !read_station(reader, false, message.destination)) return false;
  if ((control & 0x08) != 0 && !read_station(reader, true, message.source)) return false;
  if ((control & 0x20) != 0) reader.octet();  // hop count
  return reader.good;
}

constexpr std::uint8_t segmented = 8;
constexpr std::uint8_t more_follows = 4;

// Clause 20.1.2.7, 20.1.2.8: a window is one of 1 to 127 segments.
bool read_segment(Reader& reader, std::uint8_t flags, Message& message) {
  if ((flags & segmented) == 0) return (flags & more_follows) == 0;
  message.segment.emplace();
  message.segment->more = (flags & more_follows) != 0;
  message.segment->sequence = reader.octet();
  message.segment->window = reader.octet();
  return message.segment->window >= 1 && message.segment->window <= 127;
}

// Clause 20.1.6
bool read_acknowledgement(Reader& reader, std::uint8_t flags, Message& message) {
  if ((flags & 0xC) != 0) return false;
  message.negative = (flags & 2) != 0;
  message.from_server = (flags & 1) != 0;
  message.invoke = reader.octet();
  return read_segment(reader, segmented, message) && reader.good && reader.rest.empty();
}

// Clause 20.1
bool read_apdu(Reader& reader, Message& message) {
  const std::uint8_t head = reader.octet();
  message.apdu = head >> 4;
  const std::uint8_t flags = head & 0xF;
  switch (message.apdu) {
    case CONFIRMED: {
      const std::uint8_t sizes = reader.octet();
      if ((flags & 1) != 0 || (sizes & 0x80) != 0 || (sizes & 0xF) > 5) return false;
      message.takes_segments = (flags & 2) != 0;
      message.invoke = reader.octet();
      if (!read_segment(reader, flags, message)) return false;
      break;
    }
    case UNCONFIRMED:
      if (flags != 0) return false;
      break;
    case COMPLEX_ACK:
      if ((flags & 3) != 0) return false;
      message.invoke = reader.octet();
      if (!read_segment(reader, flags, message)) return false;
      break;
    case SEGMENT_ACK: return read_acknowledgement(reader, flags, message);
    case SIMPLE_ACK:
    case ERROR:
    case REJECT:
      if (flags != 0) return false;
      message.invoke = reader.octet();
      break;
    case ABORT:
      if (flags > 1) return false;
      message.from_server = flags == 1;
      message.invoke = reader.octet();
      break;
    default: return false;
  }
  message.service = reader.octet();
  message.parameters.assign(reader.rest.begin(), reader.rest.end());
  return reader.good;
}

}  // namespace

std::optional<Message> read_message(View datagram) {
  Reader reader(datagram);
  Message message;
  if (reader.octet() != link_type) return {};
  message.link = reader.octet();
  if (reader.number() != datagram.size() || !reader.good) return {};
  switch (message.link) {
    case FORWARDED: message.origin = reader.octets(6); break;
    case DISTRIBUTED:
    case UNICAST:
    case BROADCAST: break;
    default: return {};
  }
  if (!reader.good || !read_network(reader, message) || !read_apdu(reader, message)) return {};
  return message;
}

Octets write_message(const Message& message) {
  Octets octets{link_type, message.link, 0, 0};
  if (message.link == FORWARDED) put(octets, message.origin);
  const bool expects = message.apdu == CONFIRMED;
  octets.push_back(1);
  octets.push_back(static_cast<std::uint8_t>((message.destination ? 0x20 : 0) | (message.source ? 0x08 : 0) |
                                             (expects ? 0x04 : 0)));
  for (const auto* station : {&message.destination, &message.source}) {
    if (!*station) continue;
    put16(octets, (*station)->network);
    octets.push_back(static_cast<std::uint8_t>((*station)->address.size()));
    put(octets, (*station)->address);
  }
  if (message.destination) octets.push_back(255);
  const bool acknowledges = message.apdu == SEGMENT_ACK;
  octets.push_back(static_cast<std::uint8_t>(
      message.apdu << 4 | (message.segment && !acknowledges ? segmented : 0) |
      (message.segment && message.segment->more ? more_follows : 0) |
      (message.takes_segments || message.negative ? 2 : 0) | (message.from_server ? 1 : 0)));
  if (message.apdu == CONFIRMED) octets.push_back(0x05);
  if (message.apdu != UNCONFIRMED) octets.push_back(message.invoke);
  if (message.segment) octets.insert(octets.end(), {message.segment->sequence, message.segment->window});
  if (!acknowledges) octets.push_back(message.service);
  put(octets, message.parameters);
  octets[2] = static_cast<std::uint8_t>(octets.size() >> 8);
  octets[3] = static_cast<std::uint8_t>(octets.size());
  return octets;
}

// Clause 20.2.1: numbers and lengths in their shortest form.
std::optional<Element> Elements::take(View& from) const {
  Reader reader(from);
  const std::uint8_t head = reader.octet();
  Element element;
  element.context = (head & 8) != 0;
  element.number = head >> 4;
  if (element.number == 15) {
    element.number = reader.octet();
    if (element.number < 15 || element.number == 255) return {};
  }
  if (!element.context && element.number > 12) return {};
  std::size_t size = head & 7;
  element.opening = element.context && size == 6;
  element.closing = element.context && size == 7;
  if (element.opening || element.closing || (!element.context && element.number == 1)) {
    if (!element.context && size > 1) return {};
    // Of a boolean the value stands in place of the length.
    element.content = element.context ? View() : from.first(1);
    size = 0;
  } else if (size == 6 || size == 7) {
    return {};
  } else if (size == 5) {
    size = reader.octet();
    if (size < 5 || size > 253) return {};
  }
  if (!reader.good || reader.rest.size() < size) return {};
  if (element.content.empty()) element.content = reader.rest.first(size);
  from = reader.rest.subspan(size);
  return element;
}

std::optional<Element> Elements::peek() const {
  View rest = rest_;
  return rest.empty() ? std::nullopt : take(rest);
}
std::optional<Element> Elements::next() { return rest_.empty() ? std::nullopt : take(rest_); }

std::optional<View> Elements::context(std::uint8_t number) {
  const std::optional<Element> element = peek();
  if (!element || !element->context || element->number != number || element->opening || element->closing)
    return {};
  return next()->content;
}

bool Elements::bracket(std::uint8_t number, bool opening) {
  const std::optional<Element> element = peek();
  if (!element || !element->context || element->number != number) return false;
  if (opening ? !element->opening : !element->closing) return false;
  next();
  return true;
}

std::optional<std::uint32_t> unsigned_of(View content) {
  if (content.empty() || content.size() > 4 || (content.size() > 1 && content[0] == 0)) return {};
  std::uint32_t value = 0;
  for (const std::uint8_t octet : content) value = value << 8 | octet;
  return value;
}

void put_context(Octets& to, std::uint8_t number, std::uint32_t value) {
  const Octets content = minimal(value);
  to.push_back(static_cast<std::uint8_t>(unsigned{number} << 4 | 8U | content.size()));
  put(to, content);
}
void put_object(Octets& to, std::uint8_t number, std::uint32_t type, std::uint32_t instance) {
  const std::uint32_t object = type << 22 | instance;
  to.push_back(static_cast<std::uint8_t>(number << 4 | 8 | 4));
  put16(to, object >> 16);
  put16(to, object & 0xFFFF);
}
void put_application(Octets& to, std::uint8_t tag, const Octets& content) {
  const bool is_long = content.size() > 4;
  to.push_back(static_cast<std::uint8_t>(unsigned{tag} << 4 | (is_long ? 5U : content.size())));
  if (is_long) to.push_back(static_cast<std::uint8_t>(content.size()));
  put(to, content);
}
void put_open(Octets& to, std::uint8_t number) { to.push_back(static_cast<std::uint8_t>(number << 4 | 0xE)); }
void put_close(Octets& to, std::uint8_t number) {
  to.push_back(static_cast<std::uint8_t>(number << 4 | 0xF));
}

}  // namespace conduit::simulation::bacnet
