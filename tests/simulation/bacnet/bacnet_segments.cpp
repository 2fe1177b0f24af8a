#include "tests/simulation/bacnet/bacnet_segments.hpp"

#include <algorithm>

namespace conduit::simulation::bacnet {

Outgoing::Outgoing(const Message& message, std::size_t size, std::uint8_t window) {
  const std::size_t octets = message.parameters.size();
  for (std::size_t at = 0; at == 0 || at < octets; at += size) {
    Message segment = message;
    const std::size_t end = std::min(at + size, octets);
    segment.segment = Segment{static_cast<std::uint8_t>(segments_.size()), window, end < octets};
    segment.parameters.assign(message.parameters.begin() + static_cast<std::ptrdiff_t>(at),
                              message.parameters.begin() + static_cast<std::ptrdiff_t>(end));
    segments_.push_back(write_message(segment));
  }
}

std::vector<Octets> Outgoing::due() const {
  const auto first = segments_.begin() + static_cast<std::ptrdiff_t>(first_);
  const std::size_t count = std::min(window_, segments_.size() - first_);
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

bool Outgoing::acknowledged(const Segment& last) {
  const std::size_t next = std::size_t{last.sequence} + 1;
  if (next <= first_ || next > std::min(first_ + window_, segments_.size())) return false;
  first_ = next;
  window_ = last.window;
  return true;
}

std::optional<Message> Incoming::take(const Message& segment) {
  Message reply;
  reply.apdu = SEGMENT_ACK;
  reply.destination = segment.source;
  reply.source = segment.destination;
  reply.invoke = segment.invoke;
  reply.from_server = segment.apdu == CONFIRMED;
  const bool due = segment.segment->sequence == next_;
  if (due && !last_) {
    if (next_ == 0) first_ = segment;
    parameters_.insert(parameters_.end(), segment.parameters.begin(), segment.parameters.end());
    last_ = !segment.segment->more;
    ++since_;
    if (next_++ != 0 && !last_ && since_ < window_) return {};
  } else {
    if (next_ == 0) return {};  // the first one has to come again
    reply.negative = !last_ && segment.segment->sequence > next_;
  }
  since_ = 0;
  reply.segment = Segment{static_cast<std::uint8_t>(next_ - 1), window_, false};
  return reply;
}

Message Incoming::message() const {
  Message message = first_;
  message.segment.reset();
  message.parameters = parameters_;
  return message;
}

namespace {

// Nothing: some are missing, or none is the last.
std::optional<Message> put_together(const std::map<std::size_t, Message>& segments) {
  std::optional<Message> whole;
  std::size_t next = 0;
  for (const auto& [number, segment] : segments) {
    if (number != next++) return {};
    if (!whole) {
      whole = segment;
    } else {
      whole->parameters.insert(whole->parameters.end(), segment.parameters.begin(), segment.parameters.end());
    }
    if (segment.segment->more) continue;
    whole->segment.reset();
    return whole;
  }
  return {};
}

// What the messages of one reading have in common.
Octets name_of_reading(Apdu kind, const std::optional<Station>& to, const std::optional<Station>& from,
                       std::uint8_t invoke) {
  Message name;
  name.apdu = kind;
  name.destination = to;
  name.source = from;
  name.invoke = invoke;
  return write_message(name);
}

}  // namespace

std::vector<Octets> SegmentReader::take(View pdu) {
  const std::optional<Message> message = read_message(pdu);
  if (!message || !message->segment || message->apdu == SEGMENT_ACK) return {};
  const Apdu kind = message->apdu == CONFIRMED ? CONFIRMED : COMPLEX_ACK;
  Reading& reading = readings_[name_of_reading(kind, message->destination, message->source, message->invoke)];
  const std::size_t number = message->segment->sequence;
  if (number == reading.in_order.size()) reading.in_order.emplace(number, *message);
  if (number == 0) reading.anew.clear();
  if (number == reading.anew.size()) reading.anew.emplace(number, *message);
  reading.newest.insert_or_assign(number, *message);
  std::vector<Octets> wholes;
  for (const auto* segments : {&reading.in_order, &reading.anew, &reading.newest}) {
    std::optional<Message> whole = put_together(*segments);
    if (!whole) continue;
    for (const std::uint8_t service : {whole->service, message->service}) {
      whole->service = service;
      Octets octets = write_message(*whole);
      if (reading.told.insert(octets).second) wholes.push_back(std::move(octets));
    }
  }
  return wholes;
}

// Whatever answers a request, but for an acknowledgement of its segments; and an end of the exchange.
void SegmentReader::answered(View pdu) {
  const std::optional<Message> message = read_message(pdu);
  if (!message || message->apdu < SIMPLE_ACK || message->apdu == SEGMENT_ACK) return;
  const Apdu kind = message->apdu == ABORT && !message->from_server ? COMPLEX_ACK : CONFIRMED;
  readings_.erase(name_of_reading(kind, message->source, message->destination, message->invoke));
}

}  // namespace conduit::simulation::bacnet
