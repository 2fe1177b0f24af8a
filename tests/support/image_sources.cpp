#include "tests/support/image_sources.hpp"

#include <limits>

#include "protocols/modbus/modbus_decoder.hpp"

namespace conduit::test_image {
namespace {

std::uint64_t below(Random& random, std::uint64_t bound) { return random() % bound; }
bool chance(Random& random, std::uint64_t of) { return below(random, of) == 0; }

constexpr std::uint64_t number_max = std::numeric_limits<std::uint64_t>::max();

Range random_range(Random& random, std::uint64_t domain, std::uint64_t size_max) {
  const std::uint64_t first = below(random, domain);
  const Range range{first, first + below(random, size_max)};
  if (chance(random, 40)) return {number_max - below(random, 4), number_max};
  if (chance(random, 40)) return {0, number_max};
  return range;
}

std::string random_key(Random& random) {
  constexpr char letters[] = {'a', 'b', static_cast<char>(0xFE), '\0'};
  std::string key;
  for (std::uint64_t left = below(random, 4); left > 0; --left) key += letters[below(random, 4)];
  return key;
}

double random_bound(Random& random) {
  constexpr double numbers[] = {0,
                                1,
                                2,
                                3,
                                100,
                                255.5,
                                32767,
                                -1,
                                -32768,
                                65535,
                                40000,
                                1e9,
                                2.5e9,
                                -2.5e9,
                                0.5,
                                1.0e-3,
                                9007199254740993.0,
                                9223372036854775808.0,
                                18446744073709551616.0,
                                -9223372036854775808.0,
                                std::numeric_limits<double>::infinity()};
  return numbers[below(random, std::size(numbers))];
}

void add_values(Random& random, RuleSource& rule) {
  ValueRecord value;
  value.type = static_cast<NumberType>(below(random, 7));
  value.order = static_cast<WordOrder>(below(random, 2));
  const bool two_words = value.type == NumberType::INT32 || value.type == NumberType::UINT32 ||
                         value.type == NumberType::FLOAT32;
  if (two_words && !rule.ranges[1].empty()) {
    const std::uint64_t first = below(random, 12);  // one stretch of whole elements
    rule.ranges[1] = {{first, first + 2 * below(random, 6) + 1}};
    if (chance(random, 2)) rule.ranges[1].push_back({rule.ranges[1][0].last + 1, rule.ranges[1][0].last + 4});
  }
  for (std::uint64_t left = 1 + below(random, 3); left > 0; --left) {
    value.has_min = static_cast<std::uint8_t>(below(random, 2));
    value.has_max = static_cast<std::uint8_t>(below(random, 2));
    value.min = random_bound(random);
    value.max = random_bound(random);
    if (value.min > value.max) std::swap(value.min, value.max);
    rule.values.push_back(value);
  }
}

std::uint32_t random_bits(Random& random) {
  constexpr std::uint32_t numbers[] = {0,          1,          2,          0x7FC00000, 0x3F800000,
                                       0x40000000, 0xBF800000, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFF,
                                       0x7F800000, 0xFF800000, 0x00010000};
  return chance(random, 3) ? static_cast<std::uint32_t>(random())
                           : numbers[below(random, std::size(numbers))];
}

void set_words(Random& random, OperationStore& store) {
  Value& value = store.operation.value;
  value.kind = ValueKind::WORDS;
  value.count = static_cast<std::uint32_t>(below(random, 7));
  if (store.operation.has(1) && !chance(random, 6)) {  // as many as the operation covers
    const Range covered = store.operation.dimension[1];
    if (covered.last - covered.first < 16)
      value.count = static_cast<std::uint32_t>(covered.last - covered.first + 1);
  }
  const bool low_first = chance(random, 2);
  for (std::uint32_t i = 0; i < value.count; i += 2) {
    std::uint32_t bits = random_bits(random);
    if (low_first) bits = bits << 16 | bits >> 16;
    for (int shift = 24; shift >= 0; shift -= 8)
      store.value_octets.push_back(static_cast<std::uint8_t>(bits >> shift));
  }
}

void set_value(Random& random, OperationStore& store) {
  Value& value = store.operation.value;
  value.count = 1;
  switch (value.kind = static_cast<ValueKind>(below(random, 8))) {
    case ValueKind::SIGNED:
      value.i = chance(random, 3) ? static_cast<std::int64_t>(random())
                                  : static_cast<std::int64_t>(below(random, 9)) - 4;
      break;
    case ValueKind::UNSIGNED:
      value.u = chance(random, 3) ? random() : below(random, 5);
      if (chance(random, 6)) value.u = 9007199254740992ULL + below(random, 4);
      break;
    case ValueKind::FLOAT:
      value.f = chance(random, 5) ? std::numeric_limits<double>::quiet_NaN() : random_bound(random);
      break;
    case ValueKind::BITS:
      value.count = static_cast<std::uint32_t>(below(random, 20));
      for (int i = 0; i < 3; ++i) {
        store.value_octets.push_back(chance(random, 2) ? static_cast<std::uint8_t>(random())
                                                       : static_cast<std::uint8_t>(0 - below(random, 2)));
      }
      break;
    case ValueKind::WORDS: set_words(random, store); break;
    case ValueKind::NONE:
    case ValueKind::BYTES:
    case ValueKind::UNREADABLE: break;
  }
  value.data = store.value_octets;
}

}  // namespace

ImageSource two_assets() {
  ImageSource source;
  source.generation = 1;
  source.policy_version = 7;
  source.zones = {{0}, {1}};
  AssetSource client;
  client.addresses = {ipv4_address(10, 0, 7, 10)};
  client.macs = {{2, 0, 0, 0, 0, 1}};
  AssetSource server;
  server.zone = 1;
  server.addresses = {ipv4_address(10, 0, 7, 1)};
  source.assets = {client, server};
  ConduitSource conduit;
  conduit.zone_b = 1;
  source.conduits = {conduit};
  return source;
}

ServiceSource service_of(std::vector<RuleSource> request) {
  ServiceSource service;
  service.server = 1;
  service.protocol = modbus_id;
  service.port_first = service.port_last = 502;
  service.selector_dimension = 0;
  service.range_dimension = 1;
  service.request = std::move(request);
  return service;
}

std::vector<RuleSource> stretches(std::uint32_t count) {
  std::vector<RuleSource> rules(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    rules[i].policy_rule = i;
    rules[i].functions = {3, 6, 16};
    rules[i].ranges[0] = {{1, 1}};
    rules[i].ranges[1] = {{i * 11ULL, i * 11ULL + 9}};
  }
  return rules;
}

RuleSource random_rule(Random& random) {
  RuleSource rule;
  rule.policy_rule = static_cast<std::uint32_t>(below(random, 100));
  rule.essential = chance(random, 2);
  if (chance(random, 3)) rule.access_mask = static_cast<std::uint8_t>(1 + below(random, 255));
  for (std::uint64_t left = 1 + below(random, 3); left > 0; --left) {
    rule.functions.push_back(static_cast<std::uint32_t>(below(random, 4)));
  }
  for (std::size_t d = 0; d < 3; ++d) {
    if (chance(random, 3)) continue;
    for (std::uint64_t left = 1 + below(random, 3); left > 0; --left) {
      const std::uint64_t size_max = d == 0 ? (chance(random, 4) ? 30 : 2) : 10;
      rule.ranges[d].push_back(random_range(random, d == 0 ? 6 : 24, size_max));
    }
  }
  for (std::size_t k = 0; k < key_count; ++k) {
    if (!chance(random, 4)) continue;
    for (std::uint64_t left = 1 + below(random, 4); left > 0; --left) {
      rule.keys[k].push_back(
          {static_cast<std::uint8_t>(below(random, 2)), chance(random, 2), random_key(random)});
    }
  }
  if (chance(random, 2)) add_values(random, rule);
  if (chance(random, 5)) rule.grant = static_cast<std::uint32_t>(below(random, 3));
  return rule;
}

std::vector<GrantSource> random_grants() { return {{random_now_ns}, {random_now_ns + 1}, {0}}; }

void random_operation(Random& random, OperationStore& store) {
  store.operation = {};
  store.value_octets.clear();
  Operation& operation = store.operation;
  operation.protocol = chance(random, 30) ? ProtocolId::NONE : modbus_id;
  operation.access = static_cast<AccessClass>(below(random, 8));
  operation.function = static_cast<std::uint32_t>(below(random, 5));
  for (std::size_t d = 0; d < 3; ++d) {
    if (chance(random, 8)) continue;
    operation.set(d, d == 0 && !chance(random, 4) ? Range{below(random, 7), 0} : random_range(random, 24, 6));
    if (d == 0 && operation.dimension[0].last == 0)
      operation.dimension[0].last = operation.dimension[0].first;
    if (chance(random, 50)) std::swap(operation.dimension[d].first, operation.dimension[d].last);
  }
  for (std::size_t k = 0; k < key_count; ++k) {
    if (chance(random, 3)) continue;
    store.keys[k] = random_key(random);
    operation.keys_present = static_cast<std::uint8_t>(operation.keys_present | 1U << k);
    operation.key[k].kind = static_cast<std::uint8_t>(below(random, 2));
    operation.key[k].data = {reinterpret_cast<const std::uint8_t*>(store.keys[k].data()),
                             store.keys[k].size()};
  }
  set_value(random, store);
}

}  // namespace conduit::test_image
