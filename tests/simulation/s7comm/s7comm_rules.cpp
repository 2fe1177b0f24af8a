#include "tests/simulation/s7comm/s7comm_rules.hpp"

#include <algorithm>

namespace conduit::simulation::s7comm {
namespace {

constexpr Name functions_by_name[] = {
    {0x04, "READ_VAR"},   {0x05, "WRITE_VAR"},           {0x28, "PI_SERVICE"},
    {0x29, "PLC_STOP"},   {0xF0, "SETUP_COMMUNICATION"}, {0x10E0, "CONNECT"},
    {0x2401, "READ_SZL"}, {0x2701, "READ_CLOCK"}};
constexpr Name areas_by_name[] = {{0x1C, "COUNTERS"}, {0x1D, "TIMERS"},  {0x81, "INPUTS"},
                                  {0x82, "OUTPUTS"},  {0x83, "MERKERS"}, {0x84, "DATA_BLOCKS"}};
constexpr Name sizes_by_name[] = {{1, "BIT"},   {2, "BYTE"}, {4, "WORD"}, {5, "INT"},
                                  {6, "DWORD"}, {7, "DINT"}, {8, "REAL"}};
constexpr Name types_by_name[] = {{1, "PG"}, {2, "OP"}, {3, "S7_BASIC"}};

std::vector<Span> draw_spans(Random& random) {
  std::vector<Span> spans;
  auto from = static_cast<std::uint32_t>(random.chance(1, 8) ? 2000 : random.below(30));
  for (std::uint64_t i = random.between(1, 2); i > 0; --i) {
    const auto size = static_cast<std::uint32_t>(random.chance(1, 4) ? 1 : random.between(2, 20));
    spans.push_back({from, from + size - 1});
    from = spans.back().last + 1 + static_cast<std::uint32_t>(random.chance(1, 2) ? 0 : random.between(1, 6));
  }
  return spans;
}

Allow draw_allow(Random& random, Place place) {
  Allow allow;
  if (random.chance(2, 3)) allow.slots = {place.slot};
  if (random.chance(1, 4)) allow.types = {place.type};
  allow.essential = random.chance(1, 2);
  switch (random.below(10)) {
    case 0: allow.classes = {Class::READ}; break;
    case 1:
      allow.functions = {read_var};
      allow.areas = {area_blocks};
      allow.blocks_by_number = {static_cast<std::uint16_t>(random.between(1, 3))};
      allow.bytes = draw_spans(random);
      break;
    case 2:
    case 3:
      allow.functions = {write_var};
      allow.areas = {area_blocks};
      allow.blocks_by_number = {static_cast<std::uint16_t>(random.between(1, 3))};
      allow.bytes = draw_spans(random);
      if (random.chance(1, 2)) {
        const auto low = static_cast<double>(random.below(200));
        allow.values = {{low, low + static_cast<double>(random.below(400))}};
        allow.sizes = {random.pick(std::vector<std::uint8_t>{2, 4, 5, 7, 8})};
      }
      break;
    case 4:
      allow.functions = {write_var, read_var};
      allow.areas = {area_merkers};
      allow.bits = draw_spans(random);
      if (random.chance(1, 2)) {
        allow.functions = {write_var};
        allow.values = {{0, static_cast<double>(random.below(2))}};
      }
      break;
    case 5: allow.classes = {random.chance(1, 2) ? Class::DISCOVER : Class::WRITE}; break;
    case 6:
      allow.functions = {pi_service};
      allow.services = {random.chance(1, 2) ? "P_PROGRAM" : "_INSE"};
      if (allow.services[0] == "_INSE" && random.chance(1, 2)) allow.blocks = {"DB10"};
      if (allow.services[0] == "_INSE" && random.chance(1, 3)) allow.prefixes = {"DB2"};
      break;
    case 7:
      allow.functions = {read_var};
      allow.areas = {random.chance(1, 2) ? area_counters : area_timers};
      allow.numbers = draw_spans(random);
      break;
    case 8:
      allow.functions = {read_szl};
      allow.szls = {0x0011, 0x001C};
      break;
    case 9: allow.functions = {plc_stop, read_clock}; break;
    default: break;
  }
  return allow;
}

}  // namespace

std::string Allow::text() const {
  std::string text = "s7comm {";
  for (const std::uint8_t slot : slots) text += " slot { first: " + std::to_string(slot) + " }";
  for (const std::uint8_t type : types) text += " connection_type: " + name_of(types_by_name, type);
  text += classes_text(classes);
  for (const std::uint32_t number : functions) text += " function: " + name_of(functions_by_name, number);
  for (const std::uint8_t area : areas) text += " area: " + name_of(areas_by_name, area);
  for (const std::uint16_t db : blocks_by_number) text += " db { first: " + std::to_string(db) + " }";
  text += spans_text("byte", bytes) + spans_text("bit", bits) + spans_text("number", numbers);
  for (const std::uint8_t size : sizes) text += " transport_size: " + name_of(sizes_by_name, size);
  for (const std::uint16_t szl : szls) text += " szl_id { first: " + std::to_string(szl) + " }";
  text += values_text(values);
  for (const std::string& name : services) text += " pi_service: \"" + name + "\"";
  for (const std::string& name : blocks) text += " block: \"" + name + "\"";
  for (const std::string& name : prefixes) text += " block_prefix: \"" + name + "\"";
  return text + " }";
}

bool Allow::contains(const Access& access, const std::optional<Place>& place) const {
  if (!slots.empty() && !(place && holds(slots, place->slot))) return false;
  if (!types.empty() && !(place && holds(types, place->type))) return false;
  if (!classes.empty() && !holds(classes, access.what)) return false;
  if (!functions.empty() && !holds(functions, access.function)) return false;
  if (!areas.empty() && !(access.area && holds(areas, *access.area))) return false;
  if (!blocks_by_number.empty() && !(access.db && holds(blocks_by_number, *access.db))) return false;
  std::vector<Span> spans = bits;
  for (const Span& span : bytes) spans.push_back({span.first * 8, span.last * 8 + 7});
  for (const Span& span : numbers) spans.push_back(span);
  if (!spans.empty() && !(access.bits && within(spans, access.bits->first, access.bits->second)))
    return false;
  if (!sizes.empty() && !(access.size && holds(sizes, *access.size))) return false;
  if (!szls.empty() && !(access.szl && holds(szls, *access.szl))) return false;
  if (!services.empty() && !(access.service && holds(services, *access.service))) return false;
  if (!blocks.empty() || !prefixes.empty()) {
    const bool named =
        access.block && (holds(blocks, *access.block) ||
                         std::any_of(prefixes.begin(), prefixes.end(),
                                     [&](const auto& prefix) { return access.block->starts_with(prefix); }));
    if (!named) return false;
  }
  if (values.empty()) return true;
  return access.has_values && std::all_of(access.values.begin(), access.values.end(),
                                          [this](double value) { return within(values, value); });
}

std::uint32_t as_standing(Place place) {
  return 0x10000 | static_cast<std::uint32_t>(place.type) << 8 | place.slot;
}

std::vector<Rules::Text> S7commRules::allows() const {
  std::vector<Text> texts;
  for (const auto& allow : list) texts.push_back({allow.text(), allow.essential});
  return texts;
}

// There is no data before a connection request has passed and was confirmed (README of the room,
// "Decisions"). Of a connection that was joined nobody knows: rules that state neither slot nor type may
// contain it.
bool S7commRules::permits(View request, std::uint32_t standing, bool island) const {
  const bool joined = (standing & may_be_joined) != 0;
  const std::uint32_t known = standing & ~may_be_joined;
  const auto contained = [&](const Access& access, const std::optional<Place>& at) {
    return std::any_of(list.begin(), list.end(), [&](const auto& allow) {
      return (!island || allow.essential) && allow.contains(access, at);
    });
  };
  if (const std::optional<Place> wish = read_connect(request)) {
    Access access;
    access.function = connect;
    access.what = Class::SESSION;
    return (known == 0 || joined) && contained(access, *wish);
  }
  const std::optional<Octets> message = message_of(request);
  if (!message || message->size() > message_max || tpdus_of(request) > 2) return false;
  const std::optional<std::vector<Access>> accesses = read_message(*message);
  std::optional<Place> at;
  if (known != 0) at = {static_cast<std::uint8_t>(known), static_cast<std::uint8_t>(known >> 8)};
  if ((known & confirmed) == 0 && !joined) return false;
  return accesses && std::all_of(accesses->begin(), accesses->end(),
                                 [&](const Access& access) { return contained(access, at); });
}

std::unique_ptr<S7commRules> draw_rules(Random& random) {
  auto rules = std::make_unique<S7commRules>();
  rules->place = {static_cast<std::uint8_t>(random.pick(std::vector<int>{2, 0, 1, 35})),
                  static_cast<std::uint8_t>(random.between(1, 3))};
  if (random.chance(15, 16)) {
    Allow session;
    if (random.chance(1, 2))
      session.classes = {Class::SESSION};
    else
      session.functions = {connect, setup};
    if (random.chance(2, 3)) session.slots = {rules->place.slot};
    session.essential = random.chance(2, 3);
    rules->list.push_back(std::move(session));
  }
  for (std::uint64_t i = random.between(1, 4); i > 0; --i) {
    rules->list.push_back(draw_allow(random, rules->place));
    const Allow& last = rules->list.back();
    if (last.bytes.empty() || random.chance(1, 2)) continue;
    // The same for what lies right behind: an item that needs both is permitted by neither.
    Allow next = last;
    const std::uint32_t from = last.bytes.back().last + 1;
    next.bytes = {{from, from + static_cast<std::uint32_t>(random.below(4))}};
    rules->list.push_back(std::move(next));
  }
  return rules;
}

}  // namespace conduit::simulation::s7comm
