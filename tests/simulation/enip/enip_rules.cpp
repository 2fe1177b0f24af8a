#include "tests/simulation/enip/enip_rules.hpp"

#include <algorithm>

namespace conduit::simulation::enip {
namespace {

constexpr Name functions_by_name[] = {{5, "RESET"},
                                      {14, "GET_ATTRIBUTE_SINGLE"},
                                      {16, "SET_ATTRIBUTE_SINGLE"},
                                      {229, "REGISTER_SESSION"},
                                      {0x0652, "UNCONNECTED_SEND"},
                                      {0x0654, "FORWARD_OPEN"},
                                      {0x6B4C, "READ_TAG"},
                                      {0x6B4D, "WRITE_TAG"}};
constexpr Name objects_by_name[] = {
    {0x01, "IDENTITY"}, {0x02, "MESSAGE_ROUTER"}, {0x04, "ASSEMBLY"}, {0xF5, "TCP_IP_INTERFACE"}};

void draw_tags(Random& random, Allow& allow) {
  static const std::vector<std::string> names{"LineSpeed", "Recipe", "Program:Main.Level", "Pump"};
  if (random.chance(2, 3)) allow.tags = {random.pick(names)};
  if (allow.tags.empty() || random.chance(1, 6))
    allow.prefixes = {random.chance(1, 2) ? "Program:Main." : "Rec"};
  if (random.chance(1, 2)) {
    const auto first = static_cast<std::uint32_t>(random.below(4));
    allow.elements = {{first, first + static_cast<std::uint32_t>(random.below(6))}};
  }
}

Allow draw_opening(Random& random) {
  Allow allow;
  allow.essential = random.chance(1, 4);
  allow.functions = {function_open};
  if (random.chance(1, 3)) allow.objects = {0x02};
  if (random.chance(1, 3)) allow.routes = {random.chance(1, 2) ? "1/0" : "1/3"};
  if (random.chance(1, 2)) allow.transport_classes = {random.chance(3, 4) ? 3U : 2U};
  if (random.chance(1, 3)) allow.intervals = {{10000, 100000}};
  return allow;
}

Allow draw_allow(Random& random) {
  Allow allow;
  allow.essential = random.chance(1, 2);
  switch (random.below(8)) {
    case 0: allow.classes = {Class::READ}; break;
    case 1:
      allow.functions = {function_read_tag};
      draw_tags(random, allow);
      break;
    case 2:
    case 3:
      allow.functions = {function_write_tag};
      draw_tags(random, allow);
      if (random.chance(1, 2)) {
        const auto low = static_cast<double>(random.below(100)) - 20;
        allow.values = {{low, low + static_cast<double>(random.below(80))}};
      }
      break;
    case 4:
      allow.functions = {set_single, get_single};
      allow.objects = {0x04};
      allow.instances = {{100, static_cast<std::uint32_t>(random.between(100, 103))}};
      if (random.chance(1, 2)) allow.attributes = {{3, 3}};
      break;
    case 5:
      allow.functions = {set_single};
      allow.objects = {0x04};
      allow.values = {{0, static_cast<double>(random.below(300))}};
      break;
    case 6: allow.classes = {random.chance(1, 2) ? Class::DISCOVER : Class::MANAGE}; break;
    case 7:
      allow.functions = {function_unconnected};
      if (random.chance(2, 3)) allow.routes = {random.chance(1, 2) ? "1/0" : "1/3"};
      break;
    default: break;
  }
  if (allow.functions.empty() || allow.functions[0] == function_unconnected) return allow;
  if (random.chance(1, 8)) allow.routes = {"1/0"};
  return allow;
}

}  // namespace

std::string Allow::text() const {
  std::string text = "enip {";
  text += classes_text(classes);
  for (const std::uint32_t number : functions) text += " function: " + name_of(functions_by_name, number);
  for (const std::uint32_t number : objects) text += " object: " + name_of(objects_by_name, number);
  text += spans_text("instance", instances) + spans_text("attribute", attributes) +
          spans_text("element", elements);
  for (const std::string& name : tags) text += " tag: \"" + name + "\"";
  for (const std::string& name : prefixes) text += " tag_prefix: \"" + name + "\"";
  for (const std::string& name : routes) text += " route: \"" + name + "\"";
  for (const std::uint32_t number : transport_classes)
    text += " transport_class: CLASS_" + std::to_string(number);
  text += spans_text("interval", intervals);
  text += values_text(values);
  return text + " }";
}

bool Allow::contains(const Access& access) const {
  if (!classes.empty() && !holds(classes, access.what)) return false;
  if (!functions.empty() && !holds(functions, access.function)) return false;
  const bool by_name = access.function == function_unconnected || access.function == function_open;
  if (functions.empty() && by_name) return false;
  if (!objects.empty() && !(access.object && holds(objects, *access.object))) return false;
  if (!instances.empty() && !within(instances, access.instance)) return false;
  if (!attributes.empty() && !within(attributes, access.attribute)) return false;
  if (!elements.empty() &&
      !(access.elements && within(elements, access.elements->first, access.elements->second)))
    return false;
  if (!routes.empty() && !(access.route && holds(routes, *access.route))) return false;
  if (!transport_classes.empty() &&
      !(access.transport_class && holds(transport_classes, *access.transport_class)))
    return false;
  if (!intervals.empty() && !within(intervals, access.interval)) return false;
  if (!tags.empty() || !prefixes.empty()) {
    const bool named =
        access.tag && (holds(tags, *access.tag) ||
                       std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& prefix) {
                         return access.tag->starts_with(prefix);
                       }));
    if (!named) return false;
  }
  return values.empty() || (access.value && within(values, *access.value));
}

std::vector<Rules::Text> EnipRules::allows() const {
  std::vector<Text> texts;
  for (const auto& allow : list) texts.push_back({allow.text(), allow.essential});
  return texts;
}

namespace {

// Class, interval in tens of milliseconds, route and its slot.
constexpr unsigned class_at = 8;
constexpr unsigned interval_at = 12;
constexpr unsigned slot_at = 24;
constexpr std::uint32_t routed = 4;
constexpr std::uint32_t interval_unit = 10000;

Opening opening_of(std::uint32_t standing) {
  Opening opening;
  opening.transport_class = standing >> class_at & 0xF;
  opening.interval = (standing >> interval_at & 0xFFF) * interval_unit;
  if ((standing & routed) != 0) opening.route = "1/" + std::to_string(standing >> slot_at & 0xF);
  return opening;
}

}  // namespace

std::uint32_t as_standing(const Opening& opening) {
  std::uint32_t standing = of_connection | std::uint32_t{opening.transport_class} << class_at |
                           opening.interval / interval_unit << interval_at;
  if (!opening.route.empty())
    standing |= routed | static_cast<std::uint32_t>(opening.route.back() - '0') << slot_at;
  return standing;
}

// A message of a connection needs what opened that, too, to be permitted now.
bool EnipRules::permits(View request, std::uint32_t standing, bool island) const {
  std::optional<std::vector<Access>> accesses = read_request(request);
  if (!accesses) return false;
  const bool joined = (standing & may_be_joined) != 0;
  if (needs_session(request) && !joined && (standing & of_session) == 0) return false;
  const bool connected = request[0] == send_unit_data;
  if (connected && !joined && (standing & of_connection) == 0) return false;
  if (connected && (standing & of_connection) != 0) accesses->push_back(access_of(opening_of(standing)));
  return std::all_of(accesses->begin(), accesses->end(), [&](const Access& access) {
    return std::any_of(list.begin(), list.end(), [&](const auto& allow) {
      return (!island || allow.essential) && allow.contains(access);
    });
  });
}

std::unique_ptr<EnipRules> draw_rules(Random& random) {
  auto rules = std::make_unique<EnipRules>();
  if (random.chance(15, 16)) {
    Allow session;
    if (random.chance(1, 2))
      session.classes = {Class::SESSION};
    else
      session.functions = {function_register};
    session.essential = random.chance(2, 3);
    rules->list.push_back(std::move(session));
  }
  // Something to ask for on a connection, also when it may not be open any more.
  if (random.chance(1, 2)) {
    Allow read;
    read.classes = {Class::READ};
    read.essential = true;
    rules->list.push_back(std::move(read));
  }
  if (random.chance(1, 2)) rules->list.push_back(draw_opening(random));
  for (std::uint64_t i = random.between(1, 5); i > 0; --i) {
    rules->list.push_back(draw_allow(random));
    const Allow& last = rules->list.back();
    if (last.elements.empty() || random.chance(1, 2)) continue;
    // The same for what lies right behind: a read that needs both is permitted by neither.
    Allow next = last;
    const std::uint32_t from = last.elements.back().last + 1;
    next.elements = {{from, from + static_cast<std::uint32_t>(random.below(4))}};
    rules->list.push_back(std::move(next));
  }
  return rules;
}

}  // namespace conduit::simulation::enip
