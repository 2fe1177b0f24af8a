#include "tests/simulation/s7comm/s7comm_requests.hpp"

#include <algorithm>
#include <cstring>

namespace conduit::simulation::s7comm {
namespace {

std::uint32_t near(Random& random, const std::vector<Span>& spans, std::uint32_t otherwise) {
  if (spans.empty()) return static_cast<std::uint32_t>(random.below(otherwise));
  const Span& span = random.pick(spans);
  if (random.chance(2, 3)) return static_cast<std::uint32_t>(random.between(span.first, span.last));
  const std::uint32_t edge = random.chance(1, 2) ? span.first : span.last;
  if (random.chance(1, 2)) return edge;
  return random.chance(1, 2) || edge == 0 ? edge + 1 : edge - 1;
}

Octets message(std::uint8_t kind, std::uint32_t reference, View parameters, View data) {
  Octets octets{0x32, kind, 0, 0};
  put(octets, reference & 0xFFFF, 2);
  put(octets, parameters.size(), 2);
  put(octets, data.size(), 2);
  octets.insert(octets.end(), parameters.begin(), parameters.end());
  octets.insert(octets.end(), data.begin(), data.end());
  return octets;
}

struct Item {
  std::uint8_t size = size_byte;
  std::uint32_t count = 1;
  std::uint32_t db = 0;
  std::uint8_t area = area_blocks;
  std::uint32_t address = 0;  // in bits, or a number
};

Item draw_item(Random& random, const Allow& allow) {
  static const std::vector<std::uint8_t> usual{1, 2, 2, 2, 4, 5, 6, 7, 8};
  static const std::vector<std::uint8_t> areas{0x84, 0x84, 0x84, 0x83, 0x81, 0x82, 0x1C, 0x1D};
  Item item;
  item.area = random.pick(allow.areas.empty() || random.chance(1, 12) ? areas : allow.areas);
  item.size = random.pick(allow.sizes.empty() || random.chance(1, 12) ? usual : allow.sizes);
  if (item.area == area_blocks) {
    item.db = allow.blocks_by_number.empty() || random.chance(1, 8)
                  ? static_cast<std::uint32_t>(random.between(1, 4))
                  : random.pick(allow.blocks_by_number);
  }
  if (item.area == area_counters || item.area == area_timers) {
    item.size = item.area;
    item.address = near(random, allow.numbers, 30);
    item.count = static_cast<std::uint32_t>(random.between(1, 3));
    return item;
  }
  if (!allow.bits.empty() && random.chance(5, 6)) {
    item.size = size_bit;
    item.address = near(random, allow.bits, 100);
    return item;
  }
  if (item.size == size_bit) {
    item.address = near(random, allow.bytes, 30) * 8 + static_cast<std::uint32_t>(random.below(8));
    return item;
  }
  const std::uint32_t first = near(random, allow.bytes, 30);
  item.address = first * 8;
  if (random.chance(1, 2)) return item;
  const std::uint32_t last = std::max(first, near(random, allow.bytes, 40));
  const auto room = static_cast<std::uint32_t>((last - first + 1) / element_size(item.size));
  item.count = std::clamp<std::uint32_t>(room, 1, 40);
  return item;
}

void put_item(Octets& to, const Item& item) {
  to.insert(to.end(), {0x12, 10, 0x10, item.size});
  put(to, item.count, 2);
  put(to, item.db, 2);
  to.push_back(item.area);
  put(to, item.address, 3);
}

double draw_value(Random& random, const Allow& allow) {
  if (allow.values.empty()) return static_cast<double>(random.below(300));
  const auto& [low, high] = random.pick(allow.values);
  switch (random.below(6)) {
    case 0: return low;
    case 1: return high;
    case 2: return low - 1;
    case 3: return high + 1;
    default: return low + static_cast<double>(random.below(static_cast<std::uint64_t>(high - low) + 1));
  }
}

void put_data(Octets& to, Random& random, const Allow& allow, const Item& item, bool last) {
  const std::size_t size = element_size(item.size);
  const bool bit = item.size == size_bit;
  const bool real = item.size == size_real;
  // Some clients tell these in octets; before another value that can be read in two ways, or it has to be so.
  const bool number = item.size == area_counters || item.size == area_timers;
  const bool in_octets = (real || number) && random.chance(1, 2);
  to.push_back(0);
  to.push_back(static_cast<std::uint8_t>(bit ? 3 : in_octets ? (real ? 7 : 9) : 4));
  put(to, bit ? 1 : in_octets ? size * item.count : 8 * size * item.count, 2);
  for (std::uint32_t i = 0; i < item.count; ++i) {
    const double value = draw_value(random, allow);
    if (bit) {
      to.push_back(value >= 1 ? 1 : 0);
    } else if (real) {
      const auto narrow = static_cast<float>(value);
      std::uint32_t bits = 0;
      std::memcpy(&bits, &narrow, sizeof bits);
      put(to, bits, 4);
    } else {
      put(to, static_cast<std::uint64_t>(static_cast<std::int64_t>(value)), size);
    }
  }
  if (!last && (bit ? 1 : size * item.count) % 2 != 0) to.push_back(0);
}

Octets draw_items(Random& random, const Allow& allow, std::uint32_t function, std::uint32_t reference) {
  std::vector<Item> items;
  const std::uint64_t count = random.chance(2, 3) ? 1 : random.between(2, random.chance(1, 4) ? 16 : 4);
  for (std::uint64_t i = 0; i < count; ++i) items.push_back(draw_item(random, allow));
  Octets parameters{static_cast<std::uint8_t>(function), static_cast<std::uint8_t>(items.size())};
  Octets data;
  for (std::size_t i = 0; i < items.size(); ++i) {
    put_item(parameters, items[i]);
    if (function == write_var) put_data(data, random, allow, items[i], i + 1 == items.size());
  }
  return message(1, reference, parameters, data);
}

Octets draw_service(Random& random, const Allow& allow, std::uint32_t reference) {
  const bool known = !allow.services.empty() && random.chance(7, 8);
  const std::string name = known ? random.pick(allow.services) : random.chance(1, 2) ? "_DELE" : "P_PROGRAM";
  Octets argument;
  if (name[1] == 'I' || name[1] == 'D') {
    static const std::vector<std::string> numbers{"00010", "00010", "00020", "00002", "00011", "00200"};
    argument = {static_cast<std::uint8_t>(random.between(1, 2)), 0};
    for (std::uint8_t i = argument[0]; i > 0; --i) {
      const std::string block = "0A" + random.pick(numbers) + "P";
      argument.insert(argument.end(), block.begin(), block.end());
    }
  }
  Octets parameters{0x28, 0, 0, 0, 0, 0, 0, 0xFD};
  put(parameters, argument.size(), 2);
  parameters.insert(parameters.end(), argument.begin(), argument.end());
  parameters.push_back(static_cast<std::uint8_t>(name.size()));
  parameters.insert(parameters.end(), name.begin(), name.end());
  return message(1, reference, parameters, {});
}

std::uint32_t draw_function(Random& random, const Allow& allow) {
  static const std::vector<std::uint32_t> usual{4, 4, 4, 5, 5, 5, 0x28, 0x2401, 0x2701, 0x29};
  std::vector<std::uint32_t> known = allow.functions;
  known.erase(std::remove_if(known.begin(), known.end(),
                             [](std::uint32_t function) { return function == connect || function == setup; }),
              known.end());
  if (!known.empty() && random.chance(5, 6)) return random.pick(known);
  if (!allow.classes.empty() && random.chance(3, 4)) {
    if (allow.classes[0] == Class::READ) return read_var;
    if (allow.classes[0] == Class::WRITE) return write_var;
    if (allow.classes[0] == Class::DISCOVER) return read_szl;
  }
  return random.pick(usual);
}

std::uint32_t reference_of(std::uint32_t number) { return number * 7 + 0x100; }

const Octets& stop_parameters() {
  static const Octets stop{0x29, 0, 0, 0, 0, 0, 9, 'P', '_', 'P', 'R', 'O', 'G', 'R', 'A', 'M'};
  return stop;
}

struct Bad {
  std::uint8_t kind;
  Octets parameters;
  Octets data;
};
const std::vector<Bad>& bad_messages() {
  static const std::vector<Bad> all{
      {1, {}, {}},
      {1, {4, 0}, {}},                                                         // no item
      {1, {4, 2, 0x12, 10, 0x10, 2, 0, 1, 0, 1, 0x84, 0, 0, 0}, {}},           // one fewer than said
      {1, {4, 1, 0x12, 10, 0x10, 2, 0, 1, 0, 1, 0x84, 0, 0, 0, 0}, {}},        // an octet too many
      {1, {4, 1, 0x12, 10, 0x10, 2, 0, 0, 0, 1, 0x84, 0, 0, 0}, {}},           // no element
      {1, {4, 1, 0x12, 10, 0x10, 2, 0, 2, 0, 1, 0x84, 0xFF, 0xFF, 0xF8}, {}},  // over the last bit
      {1, {4, 1, 0x12, 9, 0x10, 2, 0, 1, 0, 1, 0x84, 0, 0, 0}, {}},            // its length
      {1, {4, 1, 0x13, 10, 0x10, 2, 0, 1, 0, 1, 0x84, 0, 0, 0}, {}},
      {1, {4, 1, 0x12, 10, 0x11, 2, 0, 1, 0, 1, 0x84, 0, 0, 0}, {}},               // another syntax
      {1, {4, 1, 0x12, 10, 0x10, 2, 0, 1, 0, 1, 0x77, 0, 0, 0}, {}},               // area that nobody knows
      {1, {5, 1, 0x12, 10, 0x10, 2, 0, 2, 0, 1, 0x84, 0, 0, 0}, {0, 4, 0, 8, 1}},  // fewer than addressed
      {1, {5, 1, 0x12, 10, 0x10, 2, 0, 1, 0, 1, 0x84, 0, 0, 0}, {0, 4, 0, 16, 1, 2}},
      {1, {5, 1, 0x12, 10, 0x10, 2, 0, 1, 0, 1, 0x84, 0, 0, 0}, {0, 4, 0, 8, 1, 0, 4, 0, 8, 1}},
      {1, {5, 1, 0x12, 10, 0x10, 2, 0, 1, 0, 1, 0x84, 0, 0, 0}, {}},
      {1, {5, 1, 0x12, 10, 0x10, 4, 0, 1, 0, 1, 0x84, 0, 0, 0}, {0, 4, 0, 16, 1}},  // an octet short
      {1, {0x28, 0, 0, 0, 0, 0, 0, 0xFD, 0, 9, 9, 'P', '_', 'P'}, {}},
      {1, {0x28, 0, 0, 0, 0, 0, 0, 0xFD, 0, 0, 9, 'P', '_', 'P'}, {}},
      {1, {0x29, 0, 0, 0, 0, 0, 12, 'P', '_', 'P'}, {}},
      {1, {0xF0, 0, 0, 1, 0, 1, 1}, {}},
      {1, {0x99, 0}, {}},  // function
      {7, {0, 1, 0x12, 4, 0x11, 0x44, 1, 0}, {0xFF, 9, 0, 5, 0, 0x11, 0, 0}},
      {7, {0, 1, 0x12, 3, 0x11, 0x44, 1, 0}, {0xFF, 9, 0, 4, 0, 0x11, 0, 0}},
      {3, {4, 1}, {0xFF, 4, 0, 8, 1}},  // an answer
      {9, {4, 1}, {}},
  };
  return all;
}

// --- CPU
// -------------------------------------------------------------------------------------------------------

Octets acknowledgement(View job, std::uint32_t error, View parameters, View data) {
  Octets octets{0x32, 3, 0, 0};
  put(octets, get16(job, 4), 2);
  put(octets, parameters.size(), 2);
  put(octets, data.size(), 2);
  put(octets, error, 2);
  octets.insert(octets.end(), parameters.begin(), parameters.end());
  octets.insert(octets.end(), data.begin(), data.end());
  return octets;
}

Octets answer_items(View job, std::uint32_t function, Random& random) {
  const View items = job.subspan(12);
  const std::size_t count = job[11];
  Octets data;
  for (std::size_t i = 0; i < count; ++i) {
    if (function == write_var) {
      data.push_back(0xFF);
      continue;
    }
    const View item = items.subspan(12 * i, 12);
    const bool bit = item[3] == size_bit;
    const std::size_t octets = element_size(item[3]) * get16(item, 4);
    data.insert(data.end(), {0xFF, static_cast<std::uint8_t>(bit ? 3 : 4)});
    put(data, bit ? 1 : 8 * octets, 2);
    for (std::size_t k = 0; k < octets; ++k)
      data.push_back(static_cast<std::uint8_t>(bit ? random.below(2) : random.next()));
    if (octets % 2 != 0 && i + 1 != count) data.push_back(0);
  }
  return acknowledgement(job, 0, Octets{static_cast<std::uint8_t>(function), job[11]}, data);
}

Octets answer_userdata(View request, Random& random) {
  const bool szl = request[15] == 0x44;
  Octets parameters{0, 1, 0x12, 8, 0x12, static_cast<std::uint8_t>(request[15] + 0x40), request[16], 1};
  put(parameters, 0, 4);
  Octets data{0xFF, 9};
  Octets content;
  if (szl) {
    content.assign(request.begin() + 22, request.begin() + 26);
    put(content, 4, 2);
    put(content, 2, 2);
    put(content, random.next(), 8);
  } else {
    content = {0, 0x19, 0x20, 0x26, 0x11, 0x28, 0x16, 0x00, 0x00, 0x01};
  }
  put(data, content.size(), 2);
  data.insert(data.end(), content.begin(), content.end());
  return message(7, get16(request, 4), parameters, data);
}

Octets answer_job(View job, const Access& first, Random& random) {
  if (random.chance(1, 20))
    return acknowledgement(job, 0x8500 + static_cast<std::uint32_t>(random.below(5)), {}, {});
  switch (first.function) {
    case read_var:
    case write_var: return answer_items(job, first.function, random);
    case setup: return acknowledgement(job, 0, job.subspan(10), {});
    default: return acknowledgement(job, 0, job.subspan(10, 1), {});
  }
}

}  // namespace

Octets wrapped(View octets, std::size_t most) {
  Octets all;
  for (std::size_t at = 0; at < octets.size();) {
    const std::size_t size = std::min(most, octets.size() - at);
    const bool last = at + size == octets.size();
    all.insert(all.end(), {3, 0});
    put(all, size + 7, 2);
    all.insert(all.end(), {2, 0xF0, static_cast<std::uint8_t>(last ? 0x80 : 0)});
    all.insert(all.end(), octets.begin() + static_cast<std::ptrdiff_t>(at),
               octets.begin() + static_cast<std::ptrdiff_t>(at + size));
    at += size;
  }
  return all;
}

Octets connect_request(Place place) {
  return {3, 0, 0, 22, 17, 0xE0, 0, 0, 0, 1, 0, 0xC0, 1, 10, 0xC1, 2, 1, 0, 0xC2, 2, place.type, place.slot};
}

Octets setup_request() { return wrapped(message(1, 0xFFFF, Octets{0xF0, 0, 0, 8, 0, 8, 0x01, 0xE0}, {})); }

Octets draw_request(Random& random, const S7commRules& rules, std::uint32_t number) {
  const Allow& allow = random.pick(rules.list);
  const std::uint32_t reference = reference_of(number);
  const std::uint32_t function = draw_function(random, allow);
  Octets octets;
  switch (function) {
    case pi_service: octets = draw_service(random, allow, reference); break;
    case plc_stop: octets = message(1, reference, stop_parameters(), {}); break;
    case read_clock:
      octets = message(7, reference, Octets{0, 1, 0x12, 4, 0x11, 0x47, 1, 0}, Octets{0x0A, 0, 0, 0});
      break;
    case read_szl: {
      static const std::vector<std::uint16_t> usual{0x0011, 0x001C, 0x0424, 0x0000, 0x0111};
      Octets data{0xFF, 9, 0, 4};
      put(data, random.pick(allow.szls.empty() || random.chance(1, 4) ? usual : allow.szls), 2);
      put(data, 0, 2);
      octets = message(7, reference, Octets{0, 1, 0x12, 4, 0x11, 0x44, 1, 0}, data);
      break;
    }
    default: octets = draw_items(random, allow, function, reference);
  }
  if (random.chance(1, 30)) octets.push_back(0);  // an octet too many
  return wrapped(octets, random.chance(1, 6) ? random.between(1 + octets.size() / 2, octets.size()) : 1000);
}

// The framing is right, so that the stream goes on behind it; all else is wrong in some place.
Octets draw_bad_request(Random& random, std::uint32_t number) {
  const Bad& bad = random.pick(bad_messages());
  Octets good = wrapped(message(bad.kind, reference_of(number), bad.parameters, bad.data));
  switch (random.below(10)) {
    case 0: return connect_request({2, 1});  // once more
    case 1: good[7] = 0x33; return good;     // another protocol
    case 2: good[6] = 0x81; return good;     // numbered TPDUs are those of other classes
    case 3: good[9] = 1; return good;        // reserved
    case 4: return Octets{3, 0, 0, 8, 3, 0xF0, 0x80, 0};
    case 5: {  // in three pieces
      const Octets read{4, 1, 0x12, 10, 0x10, 2, 0, 1, 0, 1, 0x84, 0, 0, 0};
      return wrapped(message(1, reference_of(number), read, {}), 9);
    }
    default: return good;
  }
}

Octets draw_answer(View request, Random& random) {
  if (read_connect(request)) {
    Octets confirm(request.begin(), request.end());
    confirm[5] = 0xD0;
    confirm[6] = request[8];
    confirm[7] = request[9];
    confirm[8] = 0x44;
    confirm[9] = 0x31;
    return confirm;
  }
  const std::optional<Octets> message = message_of(request);
  const std::optional<std::vector<Access>> accesses = message ? read_message(*message) : std::nullopt;
  if (!accesses) return {};
  if ((*message)[1] == 7) return wrapped(answer_userdata(*message, random));
  Octets answer = answer_job(*message, accesses->front(), random);
  if (answer.size() > message_max) answer = acknowledgement(*message, 0x8500, {}, {});
  return wrapped(answer, random.chance(1, 8) ? 1 + answer.size() / 3 : 1000);
}

}  // namespace conduit::simulation::s7comm
