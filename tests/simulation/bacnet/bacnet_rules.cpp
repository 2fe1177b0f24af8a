#include "tests/simulation/bacnet/bacnet_rules.hpp"

#include <algorithm>

namespace conduit::simulation::bacnet {
namespace {

constexpr Name function_names[] = {
    {confirmed_base + READ_PROPERTY, "READ_PROPERTY"},
    {confirmed_base + READ_PROPERTY_MULTIPLE, "READ_PROPERTY_MULTIPLE"},
    {confirmed_base + WRITE_PROPERTY, "WRITE_PROPERTY"},
    {confirmed_base + WRITE_PROPERTY_MULTIPLE, "WRITE_PROPERTY_MULTIPLE"},
    {confirmed_base + DEVICE_COMMUNICATION_CONTROL, "DEVICE_COMMUNICATION_CONTROL"},
    {confirmed_base + REINITIALIZE_DEVICE, "REINITIALIZE_DEVICE"},
    {unconfirmed_base + I_AM, "I_AM"},
    {unconfirmed_base + TIME_SYNCHRONIZATION, "TIME_SYNCHRONIZATION"},
    {unconfirmed_base + WHO_IS, "WHO_IS"},
    {unconfirmed_base + UTC_TIME_SYNCHRONIZATION, "UTC_TIME_SYNCHRONIZATION"},
    {forwarded_function, "FORWARDED_NPDU"}};
constexpr Name state_names[] = {{communication_state, "COMMUNICATION_ENABLE"},
                                {communication_state + 1, "COMMUNICATION_DISABLE"},
                                {communication_state + 2, "COMMUNICATION_DISABLE_INITIATION"},
                                {reinitialize_state, "COLDSTART"},
                                {reinitialize_state + 1, "WARMSTART"}};
constexpr Name carrier_names[] = {{FORWARDED, "FORWARDED"}, {UNICAST, "UNICAST"}, {BROADCAST, "BROADCAST"}};

bool network_within(const std::vector<Span>& networks, const Places& place) {
  const auto network = static_cast<std::uint32_t>(place.first >> 48);
  return within(networks, network, network);
}

bool value_within(const std::vector<Span>& values, double value) {
  return std::any_of(values.begin(), values.end(),
                     [value](const auto& span) { return span.first <= value && value <= span.last; });
}

std::vector<Span> draw_span(Random& random, std::uint32_t most, std::uint32_t width) {
  const auto first = static_cast<std::uint32_t>(random.below(most));
  return {{first, first + static_cast<std::uint32_t>(random.below(width))}};
}

void restrict_object(Random& random, Allow& allow) {
  static const std::vector<std::uint32_t> usual{0, 1, 2, 4, 5, device_type, 19};
  if (random.chance(2, 3)) allow.types = {random.pick(usual)};
  if (random.chance(1, 3)) allow.types.push_back(random.pick(usual));
  if (random.chance(1, 2)) allow.instances = draw_span(random, 20, 8);
  if (random.chance(1, 2)) allow.properties = {present_value};
  if (random.chance(1, 4)) allow.properties.push_back(28);
  if (random.chance(1, 10)) allow.indices = draw_span(random, 4, 4);
}

void allow_writes(Random& random, Allow& allow) {
  allow.functions = {confirmed_base + WRITE_PROPERTY};
  if (random.chance(1, 2)) allow.functions.push_back(confirmed_base + WRITE_PROPERTY_MULTIPLE);
  restrict_object(random, allow);
  if (random.chance(1, 3)) allow.classes = {random.chance(1, 2) ? Class::WRITE : Class::OPERATE};
  if (random.chance(1, 2)) allow.priorities = {{8, 16}};
  if (random.chance(1, 2)) allow.values = draw_span(random, 100, 50);
}

Allow draw_allow(Random& random) {
  Allow allow;
  allow.essential = random.chance(1, 2);
  switch (random.below(8)) {
    case 0: allow.classes = {Class::READ, Class::DISCOVER}; break;
    case 1:
    case 2:
      allow.functions = {confirmed_base + READ_PROPERTY, confirmed_base + READ_PROPERTY_MULTIPLE};
      restrict_object(random, allow);
      break;
    case 3:
    case 4: allow_writes(random, allow); break;
    case 5:
      allow.functions = {random.chance(1, 2) ? confirmed_base + REINITIALIZE_DEVICE
                                             : confirmed_base + DEVICE_COMMUNICATION_CONTROL};
      if (random.chance(2, 3))
        allow.states = {static_cast<std::uint32_t>((allow.functions[0] == confirmed_base + REINITIALIZE_DEVICE
                                                        ? reinitialize_state
                                                        : communication_state) +
                                                   random.below(2))};
      break;
    case 6:
      allow.functions = {unconfirmed_base + WHO_IS, unconfirmed_base + I_AM};
      if (random.chance(1, 2)) allow.instances = draw_span(random, 50, 100);
      break;
    default:
      if (random.chance(1, 3)) {
        allow.classes = {Class::MANAGE};
      } else {
        allow.functions = {forwarded_function, confirmed_base + READ_PROPERTY, unconfirmed_base + WHO_IS};
        if (random.chance(1, 2)) allow.origins = {"10.0.5.2:47808"};
      }
  }
  if (holds(allow.functions, forwarded_function)) return allow;
  if (random.chance(1, 5)) allow.networks = draw_span(random, 4, 3);
  if (!allow.networks.empty() && allow.networks[0].first == 0) allow.networks[0].first = 1;
  if (!allow.networks.empty() && allow.networks[0].last == 0) allow.networks[0].last = 1;
  if (random.chance(1, 6)) allow.carriers = {UNICAST};
  if (random.chance(1, 12)) allow.carriers.push_back(BROADCAST);
  return allow;
}

}  // namespace

std::string Allow::text() const {
  std::string text = "bacnet {";
  text += classes_text(classes);
  for (const std::uint32_t each : functions) text += " function: " + name_of(function_names, each);
  for (const std::uint32_t each : types)
    text += " type_number { first: " + std::to_string(each) + " last: " + std::to_string(each) + " }";
  text += spans_text("instance", instances);
  for (const std::uint32_t each : properties)
    text += " property_number { first: " + std::to_string(each) + " last: " + std::to_string(each) + " }";
  text += spans_text("index", indices);
  text += spans_text("priority", priorities);
  for (const std::uint32_t each : states) text += " state: " + name_of(state_names, each);
  text += spans_text("destination_network", networks);
  for (const std::uint8_t each : carriers) text += " carrier: " + name_of(carrier_names, each);
  text += bounds_text("value", values);
  for (const std::string& each : origins) text += " origin: \"" + each + "\"";
  return text + " }";
}

bool Allow::contains(const Access& access) const {
  const auto one = [](const std::vector<std::uint32_t>& list, const std::optional<std::uint32_t>& value) {
    return list.empty() || (value && holds(list, *value));
  };
  const auto inside = [](const std::vector<Span>& list, const std::optional<std::uint32_t>& value) {
    return list.empty() || (value && within(list, *value, *value));
  };
  if (!classes.empty() && !holds(classes, access.what)) return false;
  if (!functions.empty() && !holds(functions, access.function)) return false;
  if (functions.empty() && access.function == forwarded_function) return false;  // by name alone
  if (!one(types, access.type) || !one(properties, access.property)) return false;
  if (!inside(indices, access.index) || !inside(priorities, access.priority)) return false;
  if (!one(states, access.priority)) return false;
  if (!instances.empty() &&
      !(access.instance && within(instances, access.instance->first, access.instance->last)))
    return false;
  if (!networks.empty() && !(access.destination && network_within(networks, *access.destination)))
    return false;
  if (!carriers.empty() && !holds(carriers, access.carrier)) return false;
  if (!origins.empty() && !holds(origins, access.origin)) return false;
  return values.empty() || (access.value && value_within(values, *access.value));
}

std::vector<Rules::Text> BacnetRules::allows() const {
  std::vector<Text> texts;
  for (const Allow& allow : list) texts.push_back({allow.text(), allow.essential});
  return texts;
}

bool BacnetRules::permits(View request, std::uint32_t /*standing*/, bool island) const {
  const std::optional<std::vector<Access>> accesses = read_request(request);
  return accesses && std::all_of(accesses->begin(), accesses->end(), [&](const Access& access) {
           return std::any_of(list.begin(), list.end(), [&](const Allow& allow) {
             return (!island || allow.essential) && allow.contains(access);
           });
         });
}

std::unique_ptr<BacnetRules> draw_rules(Random& random) {
  auto rules = std::make_unique<BacnetRules>();
  const std::uint64_t count = random.between(1, 4);
  for (std::uint64_t i = 0; i < count; ++i) {
    rules->list.push_back(draw_allow(random));
    const Allow& last = rules->list.back();
    if (last.instances.empty() || random.chance(1, 2)) continue;
    // The same for what lies right behind: a request that needs both is permitted by neither.
    Allow next = last;
    const std::uint32_t from = last.instances.back().last + 1;
    next.instances = {{from, from + static_cast<std::uint32_t>(random.below(20))}};
    rules->list.push_back(std::move(next));
  }
  return rules;
}

}  // namespace conduit::simulation::bacnet
