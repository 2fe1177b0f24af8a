#include "tests/simulation/bacnet/bacnet_access.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace conduit::simulation::bacnet {
namespace {

using Result = std::optional<std::vector<Access>>;

// Objects whose present value acts on the plant.
constexpr std::array<std::uint32_t, 12> outputs{1, 4, 14, 7, 21, 22, 28, 30, 53, 54, 55, 60};
constexpr std::array<std::uint32_t, 3> settings{device_type, 38, 56};  // devices, security, network ports

Class class_of_write(std::uint32_t type, std::uint32_t property) {
  const auto among = [type](const auto& types) {
    return std::find(types.begin(), types.end(), type) != types.end();
  };
  if (property == present_value) return among(outputs) ? Class::OPERATE : Class::WRITE;
  return among(settings) ? Class::MANAGE : Class::PROGRAM;
}

bool take_object(Elements& elements, std::uint8_t number, Access& access) {
  const std::optional<View> object = elements.context(number);
  if (!object || object->size() != 4) return false;
  std::uint32_t value = 0;
  for (const std::uint8_t octet : *object) value = value << 8 | octet;
  access.type = value >> 22;
  access.instance = {{value & instance_max, value & instance_max}};
  return true;
}

bool take_number(Elements& elements, std::uint8_t number, std::optional<std::uint32_t>& into) {
  const std::optional<View> content = elements.context(number);
  if (content) into = unsigned_of(*content);
  return content && into;
}

// Is the next one the context tag `number`? Then it has to be a number, too.
bool take_optional(Elements& elements, std::uint8_t number, std::optional<std::uint32_t>& into) {
  const std::optional<Element> next = elements.peek();
  if (!next || !next->context || next->number != number || next->opening || next->closing) return true;
  return take_number(elements, number, into);
}

double real_of(View content) {
  std::uint64_t bits = 0;
  for (const std::uint8_t octet : content) bits = bits << 8 | octet;
  if (content.size() == 4) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  return std::bit_cast<double>(bits);
}

// Clause 20.2: of the application types those that requests have here.
bool read_value(const Element& element, std::optional<double>& value) {
  const View content = element.content;
  switch (element.number) {
    case 0: return content.empty();  // null: no number
    case 1: value = content[0] & 7; return true;
    case 2:
    case 9: {
      const std::optional<std::uint32_t> number = unsigned_of(content);
      if (number) value = *number;
      return number.has_value();
    }
    case 4:
      if (content.size() != 4) return false;
      value = real_of(content);
      return true;
    case 5:
      if (content.size() != 8) return false;
      value = real_of(content);
      return true;
    case 7: return !content.empty() && content[0] <= 5;  // characters
    default: return false;
  }
}

// The value between its tags: one of an application type, or several, of which no number is known.
bool take_value(Elements& elements, std::uint8_t number, Access& access) {
  if (!elements.open(number)) return false;
  std::size_t count = 0;
  while (!elements.close(number)) {
    const std::optional<Element> element = elements.next();
    if (!element || element->context) return false;
    if (!read_value(*element, access.value)) return false;
    ++count;
  }
  if (count > 1) access.value.reset();
  return count != 0;
}

bool take_priority(Elements& elements, std::uint8_t number, Access& access) {
  if (!take_optional(elements, number, access.priority)) return false;
  if (!access.priority) access.priority = lowest_priority;
  return *access.priority >= 1 && *access.priority <= 16;
}

// Clause 15.5
Result read_property(Elements elements, Access access) {
  if (!take_object(elements, 0, access) || !take_number(elements, 1, access.property)) return {};
  if (!take_optional(elements, 2, access.index) || !elements.empty()) return {};
  return std::vector<Access>{access};
}

// Clause 15.9
Result write_property(Elements elements, Access access) {
  if (!take_object(elements, 0, access) || !take_number(elements, 1, access.property)) return {};
  if (!take_optional(elements, 2, access.index) || !take_value(elements, 3, access)) return {};
  if (!take_priority(elements, 4, access) || !elements.empty()) return {};
  access.what = class_of_write(*access.type, *access.property);
  return std::vector<Access>{access};
}

// Clauses 15.7 and 15.10
Result several(Elements elements, const Access& base, bool writes) {
  std::vector<Access> all;
  while (!elements.empty()) {
    Access object = base;
    if (!take_object(elements, 0, object) || !elements.open(1)) return {};
    std::size_t count = 0;
    while (!elements.close(1)) {
      Access access = object;
      if (!take_number(elements, 0, access.property) || !take_optional(elements, 1, access.index)) return {};
      if (writes && (!take_value(elements, 2, access) || !take_priority(elements, 3, access))) return {};
      if (writes) access.what = class_of_write(*access.type, *access.property);
      all.push_back(access);
      ++count;
    }
    if (count == 0) return {};
  }
  if (all.empty()) return {};
  return all;
}

bool take_password(Elements& elements, std::uint8_t number) {
  const std::optional<Element> next = elements.peek();
  if (!next) return elements.empty();
  const std::optional<View> password = elements.context(number);
  return password && !password->empty() && (*password)[0] <= 5 && password->size() <= 21;
}

// Clause 16.1
Result communication_control(Elements elements, Access access) {
  std::optional<std::uint32_t> minutes;
  std::optional<std::uint32_t> state;
  if (!take_optional(elements, 0, minutes) || !take_number(elements, 1, state)) return {};
  if (!take_password(elements, 2) || !elements.empty()) return {};
  if (*state > 2 || (minutes && *minutes > 0xFFFF)) return {};
  access.priority = communication_state + *state;
  if (minutes) access.value = *minutes;
  return std::vector<Access>{access};
}

// Clause 16.4
Result reinitialize(Elements elements, Access access) {
  std::optional<std::uint32_t> state;
  if (!take_number(elements, 0, state) || !take_password(elements, 1) || !elements.empty()) return {};
  if (*state > 7) return {};
  access.priority = reinitialize_state + *state;
  return std::vector<Access>{access};
}

bool take_application(Elements& elements, std::uint8_t tag, std::size_t least, std::size_t most,
                      View* content = nullptr) {
  const std::optional<Element> element = elements.next();
  if (!element || element->context || element->number != tag) return false;
  if (content != nullptr) *content = element->content;
  return element->content.size() >= least && element->content.size() <= most;
}

// Clauses 16.7 and 16.8: a date and a time.
Result time_synchronization(Elements elements, const Access& access) {
  if (!take_application(elements, 10, 4, 4) || !take_application(elements, 11, 4, 4) || !elements.empty())
    return {};
  return std::vector<Access>{access};
}

// Clause 16.10
Result who_is(Elements elements, Access access) {
  access.instance = {{0, instance_max}};
  if (elements.empty()) return std::vector<Access>{access};
  std::optional<std::uint32_t> low;
  std::optional<std::uint32_t> high;
  if (!take_number(elements, 0, low) || !take_number(elements, 1, high) || !elements.empty()) return {};
  if (*low > *high || *high > instance_max) return {};
  access.instance = {{*low, *high}};
  return std::vector<Access>{access};
}

Result i_am(Elements elements, Access access) {
  View object;
  if (!take_application(elements, 12, 4, 4, &object)) return {};
  std::uint32_t value = 0;
  for (const std::uint8_t octet : object) value = value << 8 | octet;
  if (value >> 22 != device_type) return {};
  access.instance = {{value & instance_max, value & instance_max}};
  if (!take_application(elements, 2, 1, 4) || !take_application(elements, 9, 1, 1)) return {};
  if (!take_application(elements, 2, 1, 2) || !elements.empty()) return {};
  return std::vector<Access>{access};
}

Result confirmed(const Message& message, Access access) {
  const Elements elements{View(message.parameters)};
  access.function = confirmed_base + message.service;
  switch (message.service) {
    case READ_PROPERTY: return read_property(elements, access);
    case READ_PROPERTY_MULTIPLE: return several(elements, access, false);
    case WRITE_PROPERTY: return write_property(elements, access);
    case WRITE_PROPERTY_MULTIPLE: return several(elements, access, true);
    case DEVICE_COMMUNICATION_CONTROL:
      access.what = Class::MANAGE;
      return communication_control(elements, access);
    case REINITIALIZE_DEVICE: access.what = Class::MANAGE; return reinitialize(elements, access);
    default: return {};
  }
}

Result unconfirmed(const Message& message, Access access) {
  const Elements elements{View(message.parameters)};
  access.function = unconfirmed_base + message.service;
  access.what = Class::DISCOVER;
  switch (message.service) {
    case I_AM: return i_am(elements, access);
    case WHO_IS: return who_is(elements, access);
    case TIME_SYNCHRONIZATION:
    case UTC_TIME_SYNCHRONIZATION: access.what = Class::MANAGE; return time_synchronization(elements, access);
    default: return {};
  }
}

// Network · 2^48 + address. All of the network: of a broadcast, and of an address of several octets that may
// be read as one.
Places place_of(const Station& station) {
  const std::uint64_t network = std::uint64_t{station.network} << 48;
  std::uint64_t address = 0;
  for (const std::uint8_t octet : station.address) address = address << 8 | octet;
  const bool all = station.address.empty() || (station.address.size() > 1 && address <= 255);
  if (all) return {network, network | 0xFFFF'FFFF'FFFF};
  return {network | address, network | address};
}

std::string origin_text(const Octets& origin) {
  std::string text;
  for (std::size_t i = 0; i < 4; ++i) text += (i == 0 ? "" : ".") + std::to_string(origin[i]);
  return text + ":" + std::to_string(origin[4] << 8 | origin[5]);
}

}  // namespace

Result read_request(View datagram) {
  const std::optional<Message> message = read_message(datagram);
  if (!message || message->apdu > UNCONFIRMED) return {};
  Access base;
  base.carrier = message->link;
  if (message->destination) base.destination = place_of(*message->destination);
  if (message->source) base.source = place_of(*message->source);
  if (message->link == FORWARDED) base.origin = origin_text(message->origin);
  Result all = message->apdu == CONFIRMED ? confirmed(*message, base) : unconfirmed(*message, base);
  if (!all || (message->link != FORWARDED && message->link != DISTRIBUTED)) return all;
  Access carrier;  // what carries it is an operation of its own
  carrier.function = message->link == FORWARDED ? forwarded_function : distribute_function;
  carrier.what = Class::SESSION;
  carrier.origin = base.origin;
  all->push_back(carrier);
  return all;
}

}  // namespace conduit::simulation::bacnet
