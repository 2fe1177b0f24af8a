#include "tests/simulation/modbus/modbus_rules.hpp"

#include <algorithm>

namespace conduit::simulation::modbus {
namespace {

constexpr Name names[] = {{1, "READ_COILS"},
                          {2, "READ_DISCRETE_INPUTS"},
                          {3, "READ_HOLDING_REGISTERS"},
                          {4, "READ_INPUT_REGISTERS"},
                          {5, "WRITE_SINGLE_COIL"},
                          {6, "WRITE_SINGLE_REGISTER"},
                          {7, "READ_EXCEPTION_STATUS"},
                          {8, "DIAGNOSTICS"},
                          {11, "GET_COMM_EVENT_COUNTER"},
                          {12, "GET_COMM_EVENT_LOG"},
                          {15, "WRITE_MULTIPLE_COILS"},
                          {16, "WRITE_MULTIPLE_REGISTERS"},
                          {17, "REPORT_SERVER_ID"},
                          {20, "READ_FILE_RECORD"},
                          {21, "WRITE_FILE_RECORD"},
                          {22, "MASK_WRITE_REGISTER"},
                          {23, "READ_WRITE_MULTIPLE_REGISTERS"},
                          {24, "READ_FIFO_QUEUE"},
                          {43, "ENCAPSULATED_INTERFACE_TRANSPORT"}};

std::vector<Span> draw_addresses(Random& random) {
  std::vector<Span> spans;
  const std::uint64_t count = random.between(1, 2);
  std::uint32_t from = static_cast<std::uint32_t>(random.chance(1, 10) ? 65500 : random.below(60));
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto size = static_cast<std::uint32_t>(random.chance(1, 3) ? 1 : random.between(2, 20));
    spans.push_back({from, std::min<std::uint32_t>(from + size - 1, 65535)});
    if (spans.back().last > 65500) break;
    from = spans.back().last + 1 + static_cast<std::uint32_t>(random.chance(1, 2) ? 0 : random.between(1, 6));
  }
  return spans;
}

Allow draw_allow(Random& random, std::uint8_t unit) {
  Allow allow;
  if (random.chance(7, 8)) allow.units = {unit};
  if (random.chance(1, 8)) allow.units = {unit, static_cast<std::uint8_t>(unit + 1)};
  allow.essential = random.chance(1, 2);
  switch (random.below(8)) {
    case 0: allow.classes = {Class::READ}; break;
    case 1:
      allow.classes = {Class::READ};
      allow.addresses = draw_addresses(random);
      break;
    case 2:
      allow.functions = {6, 16};
      if (random.chance(1, 2)) allow.functions.push_back(23);
      if (random.chance(1, 2)) allow.functions.push_back(22);
      allow.addresses = draw_addresses(random);
      if (random.chance(1, 2)) {
        const auto low = static_cast<std::uint32_t>(random.below(1000));
        allow.values = {{low, low + static_cast<std::uint32_t>(random.below(500))}};
      }
      break;
    case 3:
      allow.functions = {5, 15};
      allow.addresses = draw_addresses(random);
      break;
    case 4:
      allow.functions = {3, 4, 23};
      allow.addresses = draw_addresses(random);
      break;
    case 5:
      allow.functions = {20, 21};
      allow.files = {{1, 3}};
      allow.addresses = {{0, static_cast<std::uint32_t>(random.between(2, 20))}};
      break;
    case 6: allow.classes = {Class::DISCOVER}; break;
    case 7:
      if (random.chance(1, 2))
        allow.function_codes = {static_cast<std::uint8_t>(random.between(65, 72))};
      else
        allow.classes = {Class::WRITE};
      break;
    default: break;
  }
  return allow;
}

}  // namespace

std::string Allow::text() const {
  std::string text = "modbus {";
  for (const std::uint8_t unit : units) text += " unit: " + std::to_string(unit);
  text += classes_text(classes);
  for (const std::uint8_t code : functions) text += " function: " + name_of(names, code);
  for (const std::uint8_t code : function_codes) text += " function_code: " + std::to_string(code);
  text += spans_text("address", addresses);
  text += spans_text("file", files);
  text += spans_text("object", objects);
  text += bounds_text("value", values);
  for (const std::uint16_t sub : sub_functions) text += " sub_function: " + std::to_string(sub);
  return text + " }";
}

bool Allow::contains(std::uint8_t unit, std::uint8_t function, const Access& access) const {
  if (!units.empty() && !holds(units, unit)) return false;
  if (!classes.empty() && !holds(classes, access.what)) return false;
  const bool any_function = functions.empty() && function_codes.empty();
  if (any_function && find_name(names, function) == nullptr)
    return false;  // unnamed functions only by number
  if (!any_function && !holds(functions, function) && !holds(function_codes, function)) return false;
  if (!addresses.empty() && !(access.has_address && within(addresses, access.first, access.last)))
    return false;
  if (!files.empty() && !(access.file && within(files, *access.file, *access.file))) return false;
  if (!sub_functions.empty() && !(access.sub_function && holds(sub_functions, *access.sub_function)))
    return false;
  if (!objects.empty() && !(access.objects && within(objects, access.objects->first, access.objects->second)))
    return false;
  if (values.empty()) return true;
  return access.has_values &&
         std::all_of(access.values.begin(), access.values.end(),
                     [this](std::uint16_t value) { return within(values, value, value); });
}

std::vector<Rules::Text> ModbusRules::allows() const {
  std::vector<Text> texts;
  for (const auto& allow : list) texts.push_back({allow.text(), allow.essential});
  return texts;
}

bool ModbusRules::permits(View request, std::uint32_t /*standing*/, bool island) const {
  const std::optional<std::vector<Access>> accesses = read_request(request);
  if (!accesses) return false;
  const std::uint8_t unit = request[6];
  const std::uint8_t function = request[7];
  return std::all_of(accesses->begin(), accesses->end(), [&](const Access& access) {
    return std::any_of(list.begin(), list.end(), [&](const auto& allow) {
      return (!island || allow.essential) && allow.contains(unit, function, access);
    });
  });
}

std::unique_ptr<ModbusRules> draw_rules(Random& random) {
  auto rules = std::make_unique<ModbusRules>();
  const auto unit = static_cast<std::uint8_t>(random.pick(std::vector<int>{1, 1, 1, 0, 17, 255 - 1}));
  const std::uint64_t count = random.between(1, 4);
  for (std::uint64_t i = 0; i < count; ++i) {
    rules->list.push_back(draw_allow(random, unit));
    const Allow& last = rules->list.back();
    if (last.addresses.empty() || last.addresses.back().last > 65000 || random.chance(1, 2)) continue;
    // The same for what lies right behind: a request that needs both is permitted by neither.
    Allow next = last;
    const std::uint32_t from = last.addresses.back().last + 1;
    next.addresses = {{from, from + static_cast<std::uint32_t>(random.below(6))}};
    rules->list.push_back(std::move(next));
  }
  return rules;
}

}  // namespace conduit::simulation::modbus
