#include "tests/simulation/dnp3/dnp3_requests.hpp"

#include <algorithm>
#include <cstring>

namespace conduit::simulation::dnp3 {
namespace {

std::uint32_t near(Random& random, const std::vector<Span>& spans, std::uint32_t otherwise) {
  if (spans.empty()) return static_cast<std::uint32_t>(random.below(otherwise));
  const Span& span = random.pick(spans);
  if (random.chance(2, 3)) return static_cast<std::uint32_t>(random.between(span.first, span.last));
  const std::uint32_t edge = random.chance(1, 2) ? span.first : span.last;
  if (random.chance(1, 2)) return edge;
  return random.chance(1, 2) || edge == 0 ? edge + 1 : edge - 1;
}

void put_header(Octets& to, std::uint16_t object, std::uint8_t qualifier) {
  to.push_back(static_cast<std::uint8_t>(object >> 8));
  to.push_back(static_cast<std::uint8_t>(object));
  to.push_back(qualifier);
}

// A range from near one edge up to near another.
void put_range(Octets& to, Random& random, const Allow& allow, std::uint16_t object) {
  std::uint32_t first = near(random, allow.indexes, 20);
  std::uint32_t last = random.chance(1, 2) ? first : near(random, allow.indexes, 20);
  if (last < first) std::swap(first, last);
  const bool wide = last > 255 || random.chance(1, 2);
  put_header(to, object, wide ? 1 : 0);
  put_le(to, first, wide ? 2 : 1);
  put_le(to, last, wide ? 2 : 1);
}

void put_bits_of(Octets& to, double value, std::size_t size) {
  if (size == 8) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return put_le(to, bits, 8);
  }
  const auto narrow = static_cast<float>(value);
  std::uint32_t bits = 0;
  std::memcpy(&bits, &narrow, sizeof bits);
  put_le(to, bits, 4);
}

double draw_value(Random& random, const Allow& allow) {
  if (allow.values.empty()) return static_cast<double>(random.below(200)) - 50;
  const auto& [low, high] = random.pick(allow.values);
  switch (random.below(6)) {
    case 0: return low;
    case 1: return high;
    case 2: return low - 1;
    case 3: return high + 1;
    default: return low + static_cast<double>(random.below(static_cast<std::uint64_t>(high - low) + 1));
  }
}

void put_crob(Octets& to, Random& random, const Allow& allow) {
  static const std::vector<std::uint16_t> usual{1, 3, 4, 0x41, 0x81, 2};
  const bool known = !allow.controls.empty() && random.chance(3, 4);
  to.push_back(static_cast<std::uint8_t>(random.pick(known ? allow.controls : usual)));
  to.push_back(static_cast<std::uint8_t>(near(random, allow.counts, 3)));
  put_le(to, near(random, allow.on_times, 1000), 4);
  put_le(to, random.below(500), 4);
  to.push_back(0);
}

void put_analog(Octets& to, Random& random, const Allow& allow, std::uint16_t object) {
  const double value = draw_value(random, allow);
  switch (object & 0xFF) {
    case 1: put_le(to, static_cast<std::uint64_t>(static_cast<std::int64_t>(value)), 4); break;
    case 2: put_le(to, static_cast<std::uint64_t>(static_cast<std::int64_t>(value)), 2); break;
    case 3:
      random.chance(1, 24) ? put_le(to, 0x7FC00000, 4)  // not a number
                           : put_bits_of(to, value, 4);
      break;
    default: put_bits_of(to, value, 8);
  }
  to.push_back(0);
}

void put_commands(Octets& to, Random& random, const Allow& allow) {
  for (std::uint64_t headers = random.chance(1, 6) ? 2 : 1; headers > 0; --headers) {
    std::uint16_t object = 0x0C01;
    const bool analog = std::find(allow.groups.begin(), allow.groups.end(), 41) != allow.groups.end();
    if (!allow.objects.empty() && random.chance(5, 6))
      object = random.pick(allow.objects);
    else if (analog || random.chance(1, 2))
      object = static_cast<std::uint16_t>(0x2900 + random.between(1, 4));
    if (object >> 8 != 12 && object >> 8 != 41) object = 0x0C01;
    const std::uint64_t count = random.chance(2, 3) ? 1 : random.between(2, random.chance(1, 6) ? 40 : 4);
    const bool wide = random.chance(1, 2);
    put_header(to, object, wide ? 0x28 : 0x17);
    put_le(to, count, wide ? 2 : 1);
    for (std::uint64_t i = 0; i < count; ++i) {
      put_le(to, near(random, allow.indexes, 12), wide ? 2 : 1);
      object == 0x0C01 ? put_crob(to, random, allow) : put_analog(to, random, allow, object);
    }
  }
}

void put_reads(Octets& to, Random& random, const Allow& allow) {
  for (std::uint64_t headers = random.between(1, random.chance(1, 2) ? 1 : 4); headers > 0; --headers) {
    static const std::vector<std::uint16_t> usual{0x3C01, 0x3C02, 0x3C03, 0x3C04};
    static const std::vector<std::uint16_t> points{0x0100, 0x0102, 0x1E00, 0x1E01, 0x1E05, 0x0A02, 0x1400};
    if (allow.groups.empty() && random.chance(1, 2)) {
      put_header(to, random.pick(allow.objects.empty() || random.chance(1, 4) ? usual : allow.objects), 6);
      continue;
    }
    std::uint16_t object = random.pick(points);
    if (!allow.groups.empty() && random.chance(3, 4))
      object = static_cast<std::uint16_t>(random.pick(allow.groups) << 8 | (object & 0xFF));
    switch (random.below(6)) {
      case 0: put_header(to, object, 6); break;
      case 1:
        put_header(to, object, 7);
        to.push_back(static_cast<std::uint8_t>(random.between(1, 9)));
        break;
      case 2: {
        const std::uint64_t count = random.between(1, 4);
        put_header(to, object, 0x28);
        put_le(to, count, 2);
        for (std::uint64_t i = 0; i < count; ++i) put_le(to, near(random, allow.indexes, 20), 2);
        break;
      }
      default: put_range(to, random, allow, object);
    }
  }
}

void put_writes(Octets& to, Random& random, const Allow& allow) {
  const bool deadband = std::find(allow.groups.begin(), allow.groups.end(), 34) != allow.groups.end();
  if (deadband || random.chance(1, 3)) {
    const std::uint32_t first = near(random, allow.indexes, 12);
    const std::uint64_t count = random.between(1, 3);
    const bool prefixed = first + count > 255 || random.chance(1, 2);
    put_header(to, 0x2201, prefixed ? 0x28 : 0);
    if (prefixed)
      put_le(to, count, 2);
    else
      put_le(to, first | (first + count - 1) << 8, 2);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (prefixed) put_le(to, first + i, 2);
      put_le(to, static_cast<std::uint64_t>(std::max(draw_value(random, allow), 0.0)), 2);
    }
    return;
  }
  if (random.chance(2, 3)) {
    const std::uint8_t last = random.chance(3, 4) ? 7 : 8;
    put_header(to, 0x5001, 0);
    put_le(to, std::uint64_t{7} | std::uint64_t{last} << 8, 2);
    to.push_back(static_cast<std::uint8_t>(random.chance(1, 8) ? 1 : 0));
    return;
  }
  put_header(to, 0x3201, 7);
  to.push_back(1);
  put_le(to, 0x018C12345678, 6);
}

void put_file(Octets& to, Random& random, const Allow& allow, std::uint16_t function) {
  static const std::vector<std::string> usual{"/log/a.txt", "/log/a.txt2", "/data/x",
                                              "/data/",     "/dat",        "/config/app"};
  std::string name = random.pick(usual);
  if (!allow.names.empty() && random.chance(1, 2)) name = random.pick(allow.names);
  const std::uint64_t mode = random.chance(2, 3) ? 1 : random.between(2, 3);
  put_header(to, 0x4603, 0x5B);
  to.push_back(1);
  put_le(to, 26 + name.size(), 2);
  put_le(to, 26, 2);
  put_le(to, name.size(), 2);
  put_le(to, 0, 6);
  put_le(to, 0x01FF, 2);
  put_le(to, 0, 4);
  put_le(to, 0, 4);
  put_le(to, function == open_file ? mode : 0, 2);
  put_le(to, 512, 2);
  put_le(to, 7, 2);
  to.insert(to.end(), name.begin(), name.end());
}

void put_body(Octets& to, Random& random, const Allow& allow, std::uint16_t function) {
  switch (function) {
    case read: return put_reads(to, random, allow);
    case write: return put_writes(to, random, allow);
    case select:
    case operate:
    case direct_operate:
    case direct_operate_nr: return put_commands(to, random, allow);
    case 7:
    case 8:
    case 9:
    case 10: return random.chance(1, 2) ? put_header(to, 0x1400, 6) : put_range(to, random, allow, 0x1400);
    case 20:
    case 21: return put_header(to, static_cast<std::uint16_t>(0x3C00 + random.between(2, 4)), 6);
    case 22: put_header(to, 0x3C02, 6); return put_range(to, random, allow, 0x0100);
    case open_file:
    case delete_file: return put_file(to, random, allow, function);
    default: return;
  }
}

std::uint16_t draw_function(Random& random, const Allow& allow) {
  static const std::vector<std::uint16_t> usual{1, 1, 1, 2, 3, 3, 3, 4, 5, 5, 6, 20};
  static const std::vector<std::uint16_t> seldom{7,  8,  9,  10, 13, 14,  19,  21,
                                                 22, 23, 24, 25, 27, 512, 514, 521};
  if (!allow.functions.empty() && random.chance(3, 4)) {
    const std::uint16_t function = random.pick(allow.functions);
    if (function == operate_alone) return operate;
    return function == unsolicited ? read : function;
  }
  if (!allow.classes.empty() && random.chance(2, 3)) {
    if (allow.classes[0] == Class::READ) return random.chance(1, 8) ? 521 : read;
    if (allow.classes[0] == Class::OPERATE) return random.chance(1, 2) ? select : direct_operate;
    return random.pick(std::vector<std::uint16_t>{2, 13, 20, 24, 22});
  }
  return random.pick(random.chance(1, 4) ? seldom : usual);
}

std::uint8_t app_control(std::uint32_t number) { return static_cast<std::uint8_t>(0xC0 | (number & 0x0F)); }

// In frames as stations make them: as few as possible, or shorter ones.
Octets wrapped(Random& random, std::uint8_t control, Addresses addresses, View fragment) {
  const bool shorter = random.chance(1, 5);
  const std::size_t most = shorter ? random.between(1 + fragment.size() / 4, 249) : 249;
  return frames(control, addresses, fragment, static_cast<std::uint8_t>(random.below(64)), most);
}

Octets link_frame(Addresses addresses, std::uint16_t function, bool spoilt) {
  auto control = static_cast<std::uint8_t>(0xC0 | (function - link_primary));
  if ((control & 0x0F) == 2) control |= 0x30;
  if (spoilt) control ^= 0x10;  // FCV where it does not belong, or without it where it does
  return frame(control, addresses, {});
}

// Well wrapped, wrong inside.
const std::vector<Octets>& bad_fragments() {
  static const std::vector<Octets> all{
      {0xC0},               // no function
      {0x80, 1, 60, 1, 6},  // no FIN
      {0x40, 1, 60, 1, 6},  // no FIR
      {0xE0, 1, 60, 1, 6},  // asks for a confirmation
      {0xD0, 1, 60, 1, 6},  // unsolicited
      {0xC0, 0, 60, 1, 6},  // a confirmation with objects
      {0xC0, 129, 0, 0},    // a response from a master
      {0xC0, 130, 0, 0},
      {0xC0, 40, 60, 1, 6},      // a function that nobody knows
      {0xC0, 1, 1, 0, 0, 5, 4},  // backwards
      {0xC0, 1, 1, 0, 0, 5},     // a range without its end
      {0xC0, 1, 1, 0, 1, 5, 0, 4, 0},
      {0xC0, 1, 1, 0, 6, 0},                                          // an octet too many
      {0xC0, 1, 1, 0, 7, 0},                                          // none of them
      {0xC0, 1, 1, 0, 3, 0, 1},                                       // virtual addresses
      {0xC0, 1, 1, 0, 0x10, 0, 1},                                    // index prefix with a range
      {0xC0, 1, 1, 0, 0x86, 0},                                       // reserved
      {0xC0, 3, 12, 1, 0x17, 1, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0},     // an octet short
      {0xC0, 3, 12, 1, 0x17, 1, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1},  // a status in a command
      {0xC0, 5, 12, 1, 0x17, 2, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0},  // one object fewer than said
      {0xC0, 5, 12, 1, 0x17, 1, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4},
      {0xC0, 5, 12, 1, 0x17, 0},
      {0xC0, 5, 99, 1, 0x17, 1, 0, 3},  // an object that nobody knows
      {0xC0, 2, 80, 1, 0, 7, 7, 2},     // bits behind the last
      {0xC0, 2, 50, 1, 7, 1, 1, 2, 3, 4, 5},
      {0xC0, 2, 50, 1, 6},
  };
  return all;
}

}  // namespace

Octets draw_request(Random& random, const Dnp3Rules& rules, std::uint32_t number) {
  const Allow& allow = random.pick(rules.list);
  std::uint32_t outstation = near(random, allow.outstations, 20);
  if (!allow.outstations.empty() && random.chance(3, 4)) outstation = random.pick(allow.outstations).first;
  std::uint32_t master = allow.masters.empty() || random.chance(7, 8) ? 1 : near(random, allow.masters, 3);
  if (random.chance(1, 40)) outstation = static_cast<std::uint32_t>(random.between(0xFFFD, 0xFFFF));
  const Addresses addresses{static_cast<std::uint16_t>(outstation), static_cast<std::uint16_t>(master)};
  const std::uint16_t function = draw_function(random, allow);
  if (function >= link_primary) return link_frame(addresses, function, random.chance(1, 12));
  Octets fragment{app_control(number), static_cast<std::uint8_t>(function)};
  put_body(fragment, random, allow, function);
  if (random.chance(1, 30)) fragment.push_back(0);  // an octet too many
  return wrapped(random, from_master_data, addresses, fragment);
}

// The framing is right as far as it says where the PDU ends; all else is wrong in some place.
Octets draw_bad_request(Random& random, std::uint32_t number) {
  const Addresses addresses{10, 1};
  Octets fragment = random.pick(bad_fragments());
  fragment[0] = static_cast<std::uint8_t>((fragment[0] & 0xF0) | (number & 0x0F));
  Octets good = wrapped(random, from_master_data, addresses, fragment);
  switch (random.below(8)) {
    case 0: {  // a checksum
      good = wrapped(random, from_master_data, addresses, Octets{app_control(number), 1, 60, 2, 6});
      const std::size_t at = good.size() - 1 - random.below(2);
      good[at] = static_cast<std::uint8_t>(good[at] ^ (1U << random.below(8)));
      return good;
    }
    case 1:  // an outstation's direction
      return frames(from_outstation_data, addresses, Octets{app_control(number), 1, 60, 2, 6});
    case 2:  // confirmed user data
      return frames(0xF3, addresses, Octets{app_control(number), 1, 60, 2, 6});
    case 3:  // user data that are none
      return frame(from_master_data, addresses, Octets{0xC0});
    default: return good;
  }
}

Octets draw_operate(View selected, std::uint32_t number, Random& random) {
  const std::optional<Message> message = read_message(selected);
  if (!message || !message->has_fragment || message->fragment.size() < 8 || message->fragment[1] != select)
    return {};
  Octets fragment = message->fragment;
  fragment[0] = app_control(random.chance(1, 10) ? number + 1 : number);
  fragment[1] = operate;
  // Another index, code or value than was selected.
  if (random.chance(1, 8)) {
    const std::size_t at = random.between(5, fragment.size() - 1);
    fragment[at] = static_cast<std::uint8_t>(fragment[at] ^ (1U << random.below(3)));
  }
  return wrapped(random, from_master_data, message->addresses, fragment);
}

// --- outstation
// ------------------------------------------------------------------------------------------------

Octets draw_answer(const Message& request, bool confirm, Random& random) {
  Addresses back{request.addresses.source, request.addresses.destination};
  if (back.source == self_address) back.source = 10;  // answers by its own
  if (wants_no_answer(request)) return {};
  if (!request.has_fragment) {
    const std::uint8_t function = request.control & 0x0F;
    return frame(function == 9 ? 0x0B : 0x00, back, {});
  }
  const std::uint8_t function = request.fragment[1];
  Octets fragment{static_cast<std::uint8_t>(0xC0 | (request.fragment[0] & 0x0F) | (confirm ? 0x20 : 0)),
                  static_cast<std::uint8_t>(response), 0, 0};
  if (random.chance(1, 20)) {  // does not know it
    fragment[3] = static_cast<std::uint8_t>(1U << random.below(3));
    return frames(from_outstation_data, back, fragment);
  }
  if (function == read) {
    if (random.chance(1, 2)) {
      put_header(fragment, 0x0102, 0);
      const std::uint64_t last = random.below(random.chance(1, 8) ? 250 : 12);
      put_le(fragment, last << 8, 2);
      for (std::uint64_t i = 0; i <= last; ++i) fragment.push_back(random.chance(1, 2) ? 0x81 : 0x01);
    }
    if (random.chance(1, 2)) {
      put_header(fragment, 0x1E01, 0x17);
      fragment.push_back(1);
      fragment.push_back(static_cast<std::uint8_t>(random.below(20)));
      fragment.push_back(1);
      put_le(fragment, random.next(), 4);
    }
  } else if (function >= select && function <= direct_operate) {
    fragment.insert(fragment.end(), request.fragment.begin() + 2, request.fragment.end());
  } else if (function == 23) {  // time delay fine
    put_header(fragment, 0x3402, 7);
    fragment.push_back(1);
    put_le(fragment, random.below(100), 2);
  }
  return wrapped(random, from_outstation_data, back, fragment);
}

Octets draw_unsolicited(Addresses to_master, std::uint8_t sequence, bool confirm, Random& random) {
  Octets fragment{static_cast<std::uint8_t>(0xD0 | (sequence & 0x0F) | (confirm ? 0x20 : 0)),
                  static_cast<std::uint8_t>(unsolicited), 0, 0};
  const std::uint64_t count = random.below(4);
  if (count != 0) {
    put_header(fragment, 0x0201, 0x17);
    fragment.push_back(static_cast<std::uint8_t>(count));
    for (std::uint64_t i = 0; i < count; ++i) {
      fragment.push_back(static_cast<std::uint8_t>(random.below(20)));
      fragment.push_back(random.chance(1, 2) ? 0x81 : 0x01);
    }
  }
  return wrapped(random, from_outstation_data, to_master, fragment);
}

}  // namespace conduit::simulation::dnp3
