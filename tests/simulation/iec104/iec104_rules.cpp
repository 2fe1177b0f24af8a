#include "tests/simulation/iec104/iec104_rules.hpp"

#include <algorithm>

namespace conduit::simulation::iec104 {
namespace {

constexpr Name functions_by_name[] = {
    {1, "M_SP_NA_1"},   {11, "M_ME_NB_1"},  {45, "C_SC_NA_1"},  {46, "C_DC_NA_1"},  {49, "C_SE_NB_1"},
    {50, "C_SE_NC_1"},  {58, "C_SC_TA_1"},  {59, "C_DC_TA_1"},  {62, "C_SE_TB_1"},  {63, "C_SE_TC_1"},
    {100, "C_IC_NA_1"}, {101, "C_CI_NA_1"}, {102, "C_RD_NA_1"}, {103, "C_CS_NA_1"}, {105, "C_RP_NA_1"},
    {263, "STARTDT"},   {275, "STOPDT"},    {323, "TESTFR"}};
constexpr Name causes_by_name[] = {{1, "PERIODIC"}, {2, "BACKGROUND"}, {3, "SPONTANEOUS"},
                                   {5, "REQUEST"},  {6, "ACTIVATION"}, {8, "DEACTIVATION"}};
constexpr const char* select_names[] = {"EXECUTE", "SELECT", "EXECUTE_SELECTED"};

std::vector<Span> draw_addresses(Random& random) {
  std::vector<Span> spans;
  auto from = static_cast<std::uint32_t>(random.chance(1, 8) ? 0xFFF0 : 1 + random.below(20));
  for (std::uint64_t i = random.between(1, 2); i > 0; --i) {
    const auto size = static_cast<std::uint32_t>(random.chance(1, 3) ? 1 : random.between(2, 12));
    spans.push_back({from, from + size - 1});
    from = spans.back().last + 2 + static_cast<std::uint32_t>(random.below(4));
  }
  return spans;
}

void draw_commands(Random& random, Allow& allow) {
  static const std::vector<std::vector<std::uint8_t>> ways{{}, {1, 2}, {1, 2}, {0}, {1}, {0, 1}, {2}};
  allow.functions = random.chance(1, 2) ? std::vector<std::uint16_t>{45, 46} : std::vector<std::uint16_t>{49};
  if (random.chance(1, 3)) allow.functions = {50};
  if (random.chance(1, 2)) {  // with a time tag, too
    for (std::size_t i = allow.functions.size(); i-- > 0;)
      allow.functions.push_back(static_cast<std::uint16_t>(allow.functions[i] + 13));
  }
  allow.object_addresses = draw_addresses(random);
  allow.selects = random.pick(ways);
  if (random.chance(1, 2)) allow.causes = {activation};
  if (random.chance(1, 3)) allow.qualifiers = {{0, static_cast<std::uint32_t>(random.below(3))}};
  if (random.chance(1, 2)) return;
  const bool point = allow.functions[0] >= 49;
  const auto low = point ? static_cast<double>(random.below(100)) - 20 : 1;
  allow.values = {{low, low + static_cast<double>(point ? random.below(60) : 0)}};
}

Allow draw_allow(Random& random, std::uint16_t station) {
  Allow allow;
  allow.common_addresses = {station};
  allow.essential = random.chance(1, 2);
  switch (random.below(8)) {
    case 0: allow.classes = {Class::READ}; break;
    case 1:
    case 2:
    case 3: draw_commands(random, allow); break;
    case 4:
      allow.functions = {100};
      if (random.chance(1, 2)) allow.qualifiers = {{20, static_cast<std::uint32_t>(random.between(20, 22))}};
      break;
    case 5:
      allow.functions = {102, 101};
      if (random.chance(1, 2)) {
        allow.functions = {102};
        allow.object_addresses = draw_addresses(random);
      }
      break;
    case 6: allow.functions = {103, 105}; break;
    case 7: allow.classes = {random.chance(1, 2) ? Class::OPERATE : Class::MANAGE}; break;
    default: break;
  }
  return allow;
}

Allow draw_report(Random& random, std::uint16_t station) {
  Allow allow;
  allow.common_addresses = {station};
  allow.essential = random.chance(1, 2);
  if (random.chance(1, 2))
    allow.classes = {Class::READ};
  else
    allow.functions = {1};
  if (random.chance(1, 2)) allow.causes = {3, 1};
  if (random.chance(1, 3)) allow.object_addresses = {{1, static_cast<std::uint32_t>(random.between(2, 12))}};
  return allow;
}

bool contain(const std::vector<Allow>& list, const Access& access, bool island) {
  return std::any_of(list.begin(), list.end(), [&](const auto& allow) {
    return (!island || allow.essential) && allow.contains(access);
  });
}

}  // namespace

std::string Allow::text() const {
  std::string text = "iec104 {";
  for (const std::uint16_t address : common_addresses)
    text += " common_address { first: " + std::to_string(address) + " }";
  text += classes_text(classes);
  for (const std::uint16_t number : functions) text += " function: " + name_of(functions_by_name, number);
  text += spans_text("object_address", object_addresses);
  for (const std::uint8_t cause : causes) text += " cause: " + name_of(causes_by_name, cause);
  for (const std::uint8_t each : selects) text += std::string(" select: ") + select_names[each];
  text += spans_text("qualifier", qualifiers);
  text += values_text(values);
  return text + " }";
}

bool Allow::contains(const Access& access) const {
  if (!common_addresses.empty() &&
      !(access.common_address && holds(common_addresses, *access.common_address)))
    return false;
  if (!classes.empty() && !holds(classes, access.what)) return false;
  if (!functions.empty() && !holds(functions, access.function)) return false;
  if (!object_addresses.empty() &&
      !(access.object_address && within(object_addresses, *access.object_address)))
    return false;
  if (!causes.empty() && !(access.cause && holds(causes, *access.cause))) return false;
  if (!selects.empty() && !(access.select && holds(selects, *access.select))) return false;
  if (!qualifiers.empty() && !(access.qualifier && within(qualifiers, *access.qualifier))) return false;
  return values.empty() || (access.value && within(values, *access.value));
}

std::vector<Rules::Text> Iec104Rules::allows() const {
  std::vector<Text> texts;
  for (const auto& allow : list) texts.push_back({allow.text(), allow.essential});
  for (const auto& allow : back) texts.push_back({allow.text(), allow.essential, true});
  return texts;
}

bool Iec104Rules::permits(View request, std::uint32_t standing, bool island) const {
  const std::optional<Apci> apci = read_apci(request);
  if (!apci) return false;
  if (apci->format == Format::S) return (standing & acknowledges) != 0;
  std::optional<Access> access = read_request(request);
  if (!access) return false;
  constexpr std::uint32_t needed = started | in_sequence | acknowledges;
  if (apci->format == Format::I && (standing & needed) != needed) return false;
  if (access->select && *access->select == 0 && (standing & selected) != 0) access->select = 2;
  return contain(list, *access, island);
}

bool Iec104Rules::permits_unasked(View pdu, bool island) const {
  const std::optional<Apci> apci = read_apci(pdu);
  if (apci && apci->format == Format::S) return true;
  const std::optional<std::vector<Access>> accesses = read_report(pdu);
  return accesses && std::all_of(accesses->begin(), accesses->end(),
                                 [&](const Access& access) { return contain(back, access, island); });
}

std::unique_ptr<Iec104Rules> draw_rules(Random& random) {
  auto rules = std::make_unique<Iec104Rules>();
  const auto station = static_cast<std::uint16_t>(random.between(1, 3));
  if (random.chance(15, 16)) {
    Allow link;
    link.functions = {link_control + startdt};
    if (random.chance(1, 2)) link.functions.push_back(link_control + testfr);
    link.essential = random.chance(2, 3);
    rules->list.push_back(std::move(link));
  }
  for (std::uint64_t i = random.between(1, 5); i > 0; --i) rules->list.push_back(draw_allow(random, station));
  if (random.chance(1, 2)) rules->back.push_back(draw_report(random, station));
  return rules;
}

}  // namespace conduit::simulation::iec104
