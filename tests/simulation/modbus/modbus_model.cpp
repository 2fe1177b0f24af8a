// Dialogues of Modbus/TCP: requests near the edges of the rules, answers as a device gives them.
#include "tests/simulation/modbus/modbus_model.hpp"

#include <algorithm>

#include "tests/simulation/modbus/modbus_rules.hpp"

namespace conduit::simulation {
namespace modbus {
namespace {

constexpr std::size_t adu_max = 260;

Octets header(std::uint16_t transaction, std::uint8_t unit) {
  Octets adu;
  put16(adu, transaction);
  put16(adu, 0);
  put16(adu, 0);
  adu.push_back(unit);
  return adu;
}
Octets finish(Octets adu) {
  adu[4] = static_cast<std::uint8_t>((adu.size() - 6) >> 8);
  adu[5] = static_cast<std::uint8_t>(adu.size() - 6);
  return adu;
}

// A number at, or one beside, an edge of a span.
std::uint16_t near(Random& random, const std::vector<Span>& spans, std::uint32_t otherwise) {
  if (spans.empty()) return static_cast<std::uint16_t>(random.below(otherwise));
  const Span& span = random.pick(spans);
  const std::uint32_t edge = random.chance(1, 2) ? span.first : span.last;
  if (random.chance(1, 2)) return static_cast<std::uint16_t>(random.between(span.first, span.last));
  if (random.chance(1, 2)) return static_cast<std::uint16_t>(edge);
  return static_cast<std::uint16_t>(random.chance(1, 2) ? edge + 1 : edge - 1);
}

std::uint16_t draw_count(Random& random, const Allow& allow, std::uint16_t first, std::uint16_t most) {
  if (!allow.addresses.empty() && random.chance(1, 2)) {
    const Span& span = random.pick(allow.addresses);
    if (span.last >= first) {  // up to the end of the span, or one beyond
      const std::uint32_t count = span.last - first + 1 + static_cast<std::uint32_t>(random.below(2));
      return static_cast<std::uint16_t>(std::min<std::uint32_t>(count, most));
    }
  }
  return static_cast<std::uint16_t>(random.between(1, random.chance(1, 8) ? most : 4));
}

std::uint8_t draw_function(Random& random, const Allow& allow) {
  static const std::vector<std::uint8_t> usual{1, 2, 3, 3, 3, 4, 5, 6, 6, 15, 16, 16, 22, 23};
  static const std::vector<std::uint8_t> seldom{7, 8, 11, 12, 17, 20, 21, 24, 43, 65, 66, 90, 100, 9, 127};
  if (!allow.functions.empty() && random.chance(2, 3)) return random.pick(allow.functions);
  if (!allow.function_codes.empty() && random.chance(2, 3)) return random.pick(allow.function_codes);
  if (!allow.classes.empty() && random.chance(1, 2)) {
    if (allow.classes[0] == Class::READ) return static_cast<std::uint8_t>(random.between(1, 4));
    if (allow.classes[0] == Class::WRITE) return random.chance(1, 2) ? 6 : 16;
    return random.chance(1, 2) ? 17 : 43;
  }
  return random.pick(random.chance(1, 6) ? seldom : usual);
}

void put_values(Octets& adu, Random& random, const Allow& allow, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) put16(adu, near(random, allow.values, 2000));
}

void put_files(Octets& adu, Random& random, const Allow& allow, bool writes) {
  const std::size_t at = adu.size();
  adu.push_back(0);
  const std::uint64_t subs = random.between(1, 4);
  for (std::uint64_t i = 0; i < subs; ++i) {
    adu.push_back(6);
    put16(adu, std::max<std::uint16_t>(near(random, allow.files, 5), 1));
    put16(adu, near(random, allow.addresses, 30));
    const std::uint64_t count = random.between(1, 4);
    put16(adu, count);
    for (std::uint64_t k = 0; writes && k < count; ++k) put16(adu, random.next() & 0xFFFF);
  }
  adu[at] = static_cast<std::uint8_t>(adu.size() - at - 1);
}

void put_bits(Octets& adu, Random& random, std::size_t count) {
  adu.push_back(static_cast<std::uint8_t>((count + 7) / 8));
  for (std::size_t left = count; left > 0; left -= std::min<std::size_t>(left, 8))
    adu.push_back(static_cast<std::uint8_t>(random.next() & (left >= 8 ? 0xFFU : (1U << left) - 1)));
}

// Address, quantity, byte count, values.
void put_registers_to_write(Octets& adu, Random& random, const Allow& allow) {
  const std::uint16_t first = near(random, allow.addresses, 80);
  const auto room = static_cast<std::uint16_t>(65536 - first > 100 ? 100 : 65536 - first);
  const std::uint16_t count = draw_count(random, allow, first, room);
  const bool lies = random.chance(1, 16);  // one more value than the quantity says
  put16(adu, first);
  put16(adu, count);
  adu.push_back(static_cast<std::uint8_t>(2 * count + (lies ? 2 : 0)));
  put_values(adu, random, allow, count + (lies ? 1U : 0U));
}

void put_body(Octets& adu, Random& random, const Allow& allow, std::uint8_t function) {
  adu.push_back(function);
  const std::uint16_t first = near(random, allow.addresses, 80);
  const auto room = static_cast<std::uint16_t>(65536 - first > 100 ? 100 : 65536 - first);
  const std::uint16_t count = draw_count(random, allow, first, room);
  switch (function) {
    case 1:
    case 2:
    case 3:
    case 4:
      put16(adu, first);
      put16(adu, count);
      break;
    case 5:
      put16(adu, first);
      put16(adu, random.chance(1, 2) ? 0xFF00 : 0);
      break;
    case 6:
      put16(adu, first);
      put_values(adu, random, allow, 1);
      break;
    case 8:
      put16(adu, random.pick(std::vector<std::size_t>{0, 0, 0, 0, 2, 10, 11, 12, 1}));
      put16(adu, 0);
      break;
    case 15:
      put16(adu, first);
      put16(adu, count);
      put_bits(adu, random, count);
      break;
    case 16: put_registers_to_write(adu, random, allow); break;
    case 20: put_files(adu, random, allow, false); break;
    case 21: put_files(adu, random, allow, true); break;
    case 22:
      put16(adu, first);
      put16(adu, random.chance(1, 2) ? 0 : 0xFFF0);
      put_values(adu, random, allow, 1);
      break;
    case 23:
      put16(adu, first);
      put16(adu, count);
      put_registers_to_write(adu, random, allow);
      break;
    case 24: put16(adu, first); break;
    case 43:
      adu.push_back(14);
      adu.push_back(static_cast<std::uint8_t>(random.between(1, 4)));
      adu.push_back(0);
      break;
    case 7:
    case 11:
    case 12:
    case 17: break;
    default:  // user-defined or reserved
      for (std::uint64_t i = random.below(20); i > 0; --i)
        adu.push_back(static_cast<std::uint8_t>(random.next()));
  }
}

// --- answers: MODBUS Application Protocol §6 ---------------------------------------------------------------

void put_registers(Octets& adu, Random& random, std::size_t count) {
  adu.push_back(static_cast<std::uint8_t>(2 * count));
  for (std::size_t i = 0; i < count; ++i) put16(adu, random.next() & 0xFFFF);
}

void put_records(Octets& adu, View pdu, Random& random) {
  const std::size_t at = adu.size();
  adu.push_back(0);
  for (std::size_t sub = 2; sub < pdu.size(); sub += 7) {
    const std::size_t count = get16(pdu, sub + 5);
    adu.push_back(static_cast<std::uint8_t>(1 + 2 * count));
    adu.push_back(6);
    for (std::size_t i = 0; i < count; ++i) put16(adu, random.next() & 0xFFFF);
  }
  adu[at] = static_cast<std::uint8_t>(adu.size() - at - 1);
}

void put_identification(Octets& adu, View pdu) {
  adu.push_back(14);
  adu.push_back(pdu[2]);
  adu.push_back(0x83);
  adu.push_back(0);
  adu.push_back(0);
  const bool one = pdu[2] == 4;
  adu.push_back(one ? 1 : 3);
  for (std::uint8_t object = 0; object < (one ? 1 : 3); ++object) {
    adu.push_back(one ? pdu[3] : object);
    adu.push_back(2);
    adu.push_back('V');
    adu.push_back(static_cast<std::uint8_t>('0' + object));
  }
}

void put_answer(Octets& adu, View pdu, Random& random) {
  adu.push_back(pdu[0]);
  const auto repeat = [&](std::size_t from, std::size_t to) {
    adu.insert(adu.end(), pdu.begin() + static_cast<std::ptrdiff_t>(from),
               pdu.begin() + static_cast<std::ptrdiff_t>(to));
  };
  switch (pdu[0]) {
    case 1:
    case 2: put_bits(adu, random, get16(pdu, 3)); break;
    case 3:
    case 4:
    case 23: put_registers(adu, random, get16(pdu, 3)); break;
    case 7: adu.push_back(static_cast<std::uint8_t>(random.next())); break;
    case 11:
      put16(adu, 0);
      put16(adu, random.next() & 0xFFFF);
      break;
    case 12:
      adu.push_back(8);
      put16(adu, 0);
      put16(adu, 3);
      put16(adu, 7);
      adu.push_back(0x20);
      adu.push_back(0);
      break;
    case 15:
    case 16: repeat(1, 5); break;
    case 17:
      adu.push_back(3);
      adu.push_back(0x42);
      adu.push_back(0xFF);
      adu.push_back(1);
      break;
    case 20: put_records(adu, pdu, random); break;
    case 24: {
      const std::size_t count = random.below(8);
      put16(adu, 2 + 2 * count);
      put16(adu, count);
      for (std::size_t i = 0; i < count; ++i) put16(adu, random.next() & 0xFFFF);
      break;
    }
    case 43:
      if (pdu[1] == 14)
        put_identification(adu, pdu);
      else
        repeat(1, pdu.size());
      break;
    case 8: {
      const std::uint16_t sub = get16(pdu, 1);
      repeat(1, sub >= 11 && sub <= 18 ? 3 : pdu.size());
      if (sub >= 11 && sub <= 18) put16(adu, random.next() & 0xFFFF);
      break;
    }
    default: repeat(1, pdu.size());
  }
}

}  // namespace
}  // namespace modbus

namespace {

using namespace modbus;

class ModbusModel final : public ProtocolModel {
 public:
  [[nodiscard]] const char* name() const override { return "modbus"; }
  [[nodiscard]] std::uint16_t port() const override { return 502; }
  [[nodiscard]] std::unique_ptr<Rules> random_rules(Random& random) const override {
    return draw_rules(random);
  }

  [[nodiscard]] Front front(View stream, bool) const override {
    if (stream.size() >= 4 && get16(stream, 2) != 0) return {Front::Kind::GARBAGE, 0};
    if (stream.size() < 6) return {};
    const std::size_t length = get16(stream, 4);
    if (length < 2 || length > 254) return {Front::Kind::GARBAGE, 0};
    if (stream.size() < 6 + length) return {};
    return {Front::Kind::PDU, 6 + length};
  }

  [[nodiscard]] std::size_t framing_size() const override { return header_size; }

  [[nodiscard]] std::size_t operations_most(View request) const override {
    const auto accesses = read_request(request);
    if (accesses) return accesses->size();
    const std::uint8_t function = request.size() > header_size ? request[header_size] : std::uint8_t{0};
    return function == 20 || function == 21 || function == 23 ? request.size() : 1;
  }

  [[nodiscard]] Octets request(Random& random, const Rules& rules, std::uint32_t number) const override {
    const auto& list = dynamic_cast<const ModbusRules&>(rules).list;
    const modbus::Allow& allow = random.pick(list);
    std::uint8_t unit = allow.units.empty() ? 1 : random.pick(allow.units);
    if (random.chance(1, 12)) unit = static_cast<std::uint8_t>(random.below(256));
    Octets adu = header(static_cast<std::uint16_t>(number * 7 + 1), unit);
    put_body(adu, random, allow, draw_function(random, allow));
    if (random.chance(1, 24)) adu.push_back(0);  // an octet too many
    if (adu.size() > adu_max) adu.resize(adu_max);
    return finish(std::move(adu));
  }

  // Its own length is right, so that the stream goes on behind it; all else is wrong in some place.
  [[nodiscard]] Octets bad_request(Random& random, std::uint32_t number) const override {
    static const std::vector<Octets> bodies{
        {},         // a unit and nothing (length 1)
        {0, 0, 1},  // function 0
        {0x83, 2},  // an exception from a client
        {0xFF, 1, 2},
        {3, 0, 0, 0, 0},                           // quantity 0
        {3, 0, 0, 0, 126},                         // above the limit
        {3, 0xFF, 0xFF, 0, 2},                     // runs over the last address
        {3, 0, 0, 0, 1, 0},                        // an octet too many
        {3, 0, 0, 0},                              // one too few
        {5, 0, 3, 0x12, 0x34},                     // neither on nor off
        {6, 0, 1, 0, 5, 0, 1, 0, 5},               // twice the body
        {15, 0, 0, 0, 3, 1, 0xFF},                 // set bits behind the last coil
        {15, 0, 0, 0, 3, 2, 1, 0},                 // byte count unlike quantity
        {16, 0, 0, 0, 2, 4, 0, 1, 0},              // data short
        {16, 0, 0, 0, 1, 4, 0, 1, 0, 2},           // byte count unlike quantity
        {16, 0, 0, 0, 2, 2, 0, 1, 0, 2},           // and the other way
        {16, 0, 0, 0, 1, 2, 0, 1, 0, 2},           // octets behind the last value
        {23, 0, 0, 0, 1, 0, 0, 0, 1, 2, 0, 1, 7},  // likewise
        {23, 0, 0, 0, 1, 0, 0, 0, 2, 2, 0, 1},
        {20, 7, 6, 0, 1, 0, 0, 0, 1, 0},
        {20, 8, 6, 0, 1, 0, 0, 0, 1, 0},
        {21, 9, 6, 0, 1, 0, 0, 0, 2, 0, 1},  // one record announced too many
        {22, 0, 1, 0, 0, 0},
        {43, 14, 0, 0},
        {43, 14, 5, 0},
    };
    const Octets& body = random.pick(bodies);
    Octets adu = header(static_cast<std::uint16_t>(number * 7 + 1), 1);
    if (body.empty()) {
      adu.push_back(0);
    } else {
      adu.insert(adu.end(), body.begin(), body.end());
    }
    return finish(std::move(adu));
  }

  [[nodiscard]] Octets answer(View request, Random& random) const override {
    Octets adu = header(get16(request, 0), request[6]);
    if (!read_request(request) || random.chance(1, 20)) {
      adu.push_back(static_cast<std::uint8_t>(request[7] | 0x80));
      adu.push_back(static_cast<std::uint8_t>(read_request(request) ? random.between(1, 4) : 3));
      return finish(std::move(adu));
    }
    put_answer(adu, request.subspan(header_size), random);
    return finish(std::move(adu));
  }

  [[nodiscard]] bool answers(View response, View request) const override;
  [[nodiscard]] bool is_negative(View response) const override {
    return response.size() > header_size && (response[7] & 0x80) != 0;
  }
  [[nodiscard]] bool silent(View request) const override {
    return request.size() >= 10 && request[7] == 8 && get16(request, 8) == 4;
  }
  [[nodiscard]] bool strays(View request) const override {
    static constexpr std::uint8_t of_known_length[] = {1, 2, 3, 4, 5, 6, 15, 16, 22, 23};
    if (request.size() <= 8) return false;
    if (std::ranges::find(of_known_length, request[7]) == std::end(of_known_length)) return true;
    for (std::size_t at = 1; at + 8 <= request.size(); ++at) {
      const std::size_t length = get16(request, at + 4);
      if (length >= 2 && at + 6 + length <= request.size() && request[at + 7] < 0x80) return true;
    }
    return false;
  }
};

// Same transaction and unit, same function, as many octets as were asked for, what is repeated is the same.
bool ModbusModel::answers(View response, View request) const {
  if (response.size() < header_size + 1 || request.size() < header_size + 1) return false;
  if (!std::equal(response.begin(), response.begin() + 4, request.begin())) return false;
  if (response[6] != request[6] || get16(response, 4) != response.size() - 6) return false;
  if (response[7] == (request[7] | 0x80)) return response.size() == header_size + 2;
  if (response[7] != request[7]) return false;
  const View pdu = response.subspan(header_size);
  const View asked = request.subspan(header_size);
  const auto counted = [&](std::size_t octets) { return pdu.size() == 2 + octets && pdu[1] == octets; };
  const auto repeats = [&](std::size_t size) {
    return pdu.size() == size && asked.size() >= size && std::equal(pdu.begin(), pdu.end(), asked.begin());
  };
  switch (pdu[0]) {
    case 1:
    case 2: return asked.size() == 5 && counted((get16(asked, 3) + 7U) / 8);
    case 3:
    case 4:
    case 23: return asked.size() >= 5 && counted(2U * get16(asked, 3));
    case 5:
    case 6:
    case 22: return repeats(asked.size());
    case 15:
    case 16: return repeats(5);
    case 7: return pdu.size() == 2;
    case 11: return pdu.size() == 5;
    case 21: return repeats(asked.size());
    default: return true;  // lengths of their own
  }
}

}  // namespace

const ProtocolModel& modbus_model() {
  static const ModbusModel model;
  return model;
}

}  // namespace conduit::simulation
