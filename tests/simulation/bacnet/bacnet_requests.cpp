#include "tests/simulation/bacnet/bacnet_requests.hpp"

#include <algorithm>
#include <bit>

namespace conduit::simulation::bacnet {
namespace {

// A number within a span, at its edge, or one beside.
std::uint32_t near(Random& random, const std::vector<Span>& spans, std::uint32_t otherwise) {
  if (spans.empty()) return static_cast<std::uint32_t>(random.below(otherwise));
  const Span& span = random.pick(spans);
  if (random.chance(2, 3)) return static_cast<std::uint32_t>(random.between(span.first, span.last));
  const std::uint32_t edge = random.chance(1, 2) ? span.first : span.last;
  if (random.chance(1, 2)) return edge + 1;
  return edge == 0 ? 0 : edge - 1;
}

// One of the list, or, seldom or where there is none, something else.
std::uint32_t one_of(Random& random, const std::vector<std::uint32_t>& list,
                     const std::vector<std::uint32_t>& others) {
  return random.pick(list.empty() || random.chance(1, 8) ? others : list);
}

std::uint32_t draw_function(Random& random, const Allow& allow) {
  static const std::vector<std::uint32_t> all{confirmed_base + READ_PROPERTY,
                                              confirmed_base + READ_PROPERTY_MULTIPLE,
                                              confirmed_base + WRITE_PROPERTY,
                                              confirmed_base + WRITE_PROPERTY_MULTIPLE,
                                              confirmed_base + DEVICE_COMMUNICATION_CONTROL,
                                              confirmed_base + REINITIALIZE_DEVICE,
                                              unconfirmed_base + I_AM,
                                              unconfirmed_base + WHO_IS,
                                              unconfirmed_base + TIME_SYNCHRONIZATION,
                                              unconfirmed_base + UTC_TIME_SYNCHRONIZATION};
  std::vector<std::uint32_t> named = allow.functions;
  std::erase(named, forwarded_function);
  if (!named.empty() && random.chance(5, 6)) return random.pick(named);
  if (named.empty() && !allow.classes.empty() && allow.classes[0] == Class::READ && random.chance(2, 3))
    return confirmed_base + (random.chance(1, 2) ? READ_PROPERTY : READ_PROPERTY_MULTIPLE);
  return random.pick(all);
}

void put_reference(Octets& to, Random& random, const Allow& allow, std::uint8_t first) {
  static const std::vector<std::uint32_t> properties{present_value, 28, 77, 104, 111, 512, 8};
  put_context(to, first, one_of(random, allow.properties, properties));
  if (random.chance(1, allow.indices.empty() ? 12 : 2))
    put_context(to, static_cast<std::uint8_t>(first + 1), near(random, allow.indices, 5));
}

void put_one_object(Octets& to, Random& random, const Allow& allow) {
  static const std::vector<std::uint32_t> types{0, 1, 2, 3, 4, 5, 8, 13, 14, 19, 128};
  put_object(to, 0, one_of(random, allow.types, types), near(random, allow.instances, 30));
}

Octets minimal(std::uint32_t number) {
  if (number < 256) return {static_cast<std::uint8_t>(number)};
  return {static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
}

void put_value(Octets& to, Random& random, const Allow& allow, std::uint8_t number) {
  put_open(to, number);
  const std::uint32_t value = near(random, allow.values, 300);
  switch (random.below(8)) {
    case 0: put_application(to, 0, {}); break;
    case 1: to.push_back(static_cast<std::uint8_t>(0x10 | (value & 1))); break;  // boolean
    case 2:
    case 3: put_application(to, 2, minimal(value)); break;
    case 4: put_application(to, 9, minimal(value)); break;
    case 5:
      put_application(to, 7, {0, 'o', 'n'});
      if (random.chance(1, 2)) put_application(to, 2, {1});
      break;
    default: {
      const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
      put_application(to, 4,
                      {static_cast<std::uint8_t>(bits >> 24), static_cast<std::uint8_t>(bits >> 16),
                       static_cast<std::uint8_t>(bits >> 8), static_cast<std::uint8_t>(bits)});
    }
  }
  put_close(to, number);
}

void put_priority(Octets& to, Random& random, const Allow& allow, std::uint8_t number) {
  if (random.chance(1, 2)) return;
  put_context(to, number, std::clamp<std::uint32_t>(near(random, allow.priorities, 16), 1, 16));
}

void put_several(Octets& to, Random& random, const Allow& allow, bool writes) {
  for (std::uint64_t objects = random.between(1, 3); objects > 0; --objects) {
    put_one_object(to, random, allow);
    put_open(to, 1);
    for (std::uint64_t count = random.between(1, 3); count > 0; --count) {
      put_reference(to, random, allow, 0);
      if (writes) put_value(to, random, allow, 2);
      if (writes) put_priority(to, random, allow, 3);
    }
    put_close(to, 1);
  }
}

void put_state(Octets& to, Random& random, const Allow& allow, std::uint32_t most, std::uint8_t number) {
  const bool named = !allow.states.empty() && random.chance(2, 3);
  put_context(to, number,
              named ? random.pick(allow.states) & 0xFF : static_cast<std::uint32_t>(random.below(most)));
}

void put_password(Octets& to, Random& random, std::uint8_t number) {
  if (random.chance(1, 2)) return;
  to.push_back(static_cast<std::uint8_t>(number << 4 | 8 | 4));
  to.insert(to.end(), {0, 'k', 'e', 'y'});
}

Octets draw_parameters(Random& random, const Allow& allow, std::uint32_t function) {
  Octets out;
  switch (function) {
    case confirmed_base + READ_PROPERTY:
      put_one_object(out, random, allow);
      put_reference(out, random, allow, 1);
      break;
    case confirmed_base + WRITE_PROPERTY:
      put_one_object(out, random, allow);
      put_reference(out, random, allow, 1);
      put_value(out, random, allow, 3);
      put_priority(out, random, allow, 4);
      break;
    case confirmed_base + READ_PROPERTY_MULTIPLE: put_several(out, random, allow, false); break;
    case confirmed_base + WRITE_PROPERTY_MULTIPLE: put_several(out, random, allow, true); break;
    case confirmed_base + DEVICE_COMMUNICATION_CONTROL:
      if (random.chance(1, 2)) put_context(out, 0, static_cast<std::uint32_t>(random.below(600)));
      put_state(out, random, allow, 3, 1);
      put_password(out, random, 2);
      break;
    case confirmed_base + REINITIALIZE_DEVICE:
      put_state(out, random, allow, 8, 0);
      put_password(out, random, 1);
      break;
    case unconfirmed_base + WHO_IS: {
      if (random.chance(1, 6)) break;
      const std::uint32_t low = near(random, allow.instances, 100);
      put_context(out, 0, low);
      put_context(out, 1, std::max(low, near(random, allow.instances, 200)));
      break;
    }
    case unconfirmed_base + I_AM: {
      const std::uint32_t device = device_type << 22 | near(random, allow.instances, 100);
      put_application(out, 12,
                      {static_cast<std::uint8_t>(device >> 24), static_cast<std::uint8_t>(device >> 16),
                       static_cast<std::uint8_t>(device >> 8), static_cast<std::uint8_t>(device)});
      put_application(out, 2, {0x05, 0xC4});
      put_application(out, 9, {3});
      put_application(out, 2, {15});
      break;
    }
    default:  // the clock
      put_application(out, 10, {124, 1, 17, 3});
      put_application(out, 11, {12, 30, 0, 0});
  }
  return out;
}

void draw_route(Random& random, const Allow& allow, Message& message) {
  if (random.chance(allow.networks.empty() ? 1 : 7, 8)) {
    static const std::vector<Octets> addresses{{9}, {9}, {9}, {}, {0, 9}, {1, 9}, {10, 0, 7, 3, 0xBA, 0xC0}};
    message.destination = Station{static_cast<std::uint16_t>(std::max(near(random, allow.networks, 6), 1U)),
                                  random.pick(addresses)};
  }
  if (random.chance(1, 12)) message.source = Station{7, {4}};
}

void draw_link(Random& random, const Allow& allow, Message& message) {
  const bool forwards =
      std::find(allow.functions.begin(), allow.functions.end(), forwarded_function) != allow.functions.end();
  if (random.chance(forwards ? 2 : 1, forwards ? 3 : 20)) {
    message.link = FORWARDED;
    message.origin = {10, 0, 5, static_cast<std::uint8_t>(random.chance(2, 3) ? 2 : 3), 0xBA, 0xC0};
  } else if (random.chance(1, message.apdu == UNCONFIRMED ? 4 : 30)) {
    message.link = BROADCAST;
  }
}

// An octet of the parameters or of the heads is not as it should be.
Octets with_wrong_length(Octets octets, int difference) {
  octets[3] = static_cast<std::uint8_t>(octets[3] + difference);
  return octets;
}

}  // namespace

Octets draw_request(Random& random, const BacnetRules& rules, std::uint8_t invoke) {
  const Allow& allow = random.pick(rules.list);
  const std::uint32_t function = draw_function(random, allow);
  Message message;
  message.apdu = function < unconfirmed_base ? CONFIRMED : UNCONFIRMED;
  message.invoke = invoke;
  message.service = static_cast<std::uint8_t>(function & 0xFF);
  message.parameters = draw_parameters(random, allow, function);
  draw_route(random, allow, message);
  draw_link(random, allow, message);
  return write_message(message);
}

Octets draw_bad_request(Random& random, std::uint8_t invoke) {
  Message message;
  message.invoke = invoke;
  message.service = WRITE_PROPERTY;
  put_object(message.parameters, 0, 2, static_cast<std::uint32_t>(random.below(20)));
  put_context(message.parameters, 1, present_value);
  Octets head = message.parameters;
  put_open(message.parameters, 3);
  put_application(message.parameters, 2, {static_cast<std::uint8_t>(random.below(100))});
  put_close(message.parameters, 3);
  const auto with = [&message](Octets parameters) {
    message.parameters = std::move(parameters);
    return write_message(message);
  };
  const auto ending = [&](Octets more) {
    Octets all = message.parameters;
    all.insert(all.end(), more.begin(), more.end());
    return with(std::move(all));
  };
  Octets good = write_message(message);
  switch (random.below(13)) {
    case 0: return with_wrong_length(good, 1);
    case 1: return with_wrong_length(good, -1);
    case 2: good[4] = 2; return good;      // version of the network layer
    case 3: good[5] |= 0x10; return good;  // reserved bit
    case 4: good[6] |= 0x04; return good;  // more follows, and no segment
    case 5: good[7] |= 0x80; return good;  // reserved bit beside the sizes
    case 6: return ending({0});
    case 7: return ending({0x49, 0});  // priorities below and above all
    case 8: return ending({0x49, 17});
    case 9: return ending({0x4A, 0, 8});  // not in its shortest form
    case 10: return with(std::move(head));
    case 11: message.parameters.pop_back(); return with(message.parameters);  // does not close
    default: good.resize(good.size() - 2); return good;
  }
}

}  // namespace conduit::simulation::bacnet
