#include "tests/simulation/dnp3/dnp3_rules.hpp"

#include <algorithm>

namespace conduit::simulation::dnp3 {
namespace {

constexpr Name functions_by_name[] = {{1, "READ"},
                                      {2, "WRITE"},
                                      {3, "SELECT"},
                                      {4, "OPERATE"},
                                      {5, "DIRECT_OPERATE"},
                                      {6, "DIRECT_OPERATE_NR"},
                                      {7, "IMMED_FREEZE"},
                                      {8, "IMMED_FREEZE_NR"},
                                      {9, "FREEZE_CLEAR"},
                                      {10, "FREEZE_CLEAR_NR"},
                                      {13, "COLD_RESTART"},
                                      {14, "WARM_RESTART"},
                                      {19, "SAVE_CONFIG"},
                                      {20, "ENABLE_UNSOLICITED"},
                                      {21, "DISABLE_UNSOLICITED"},
                                      {22, "ASSIGN_CLASS"},
                                      {23, "DELAY_MEASURE"},
                                      {24, "RECORD_CURRENT_TIME"},
                                      {25, "OPEN_FILE"},
                                      {27, "DELETE_FILE"},
                                      {130, "UNSOLICITED_RESPONSE"},
                                      {260, "OPERATE_WITHOUT_SELECT"},
                                      {512, "LINK_RESET"},
                                      {514, "LINK_TEST"},
                                      {521, "LINK_STATUS_REQUEST"}};
constexpr Name objects_by_name[] = {{0x0C01, "CROB"},
                                    {0x2901, "ANALOG_OUTPUT_INT32"},
                                    {0x2902, "ANALOG_OUTPUT_INT16"},
                                    {0x2903, "ANALOG_OUTPUT_FLOAT"},
                                    {0x2904, "ANALOG_OUTPUT_DOUBLE"},
                                    {0x3201, "TIME_AND_DATE"},
                                    {0x3C01, "CLASS_0_DATA"},
                                    {0x3C02, "CLASS_1_DATA"},
                                    {0x3C03, "CLASS_2_DATA"},
                                    {0x3C04, "CLASS_3_DATA"},
                                    {0x5001, "INTERNAL_INDICATIONS"}};
constexpr Name controls_by_name[] = {{1, "PULSE_ON"},  {2, "PULSE_OFF"},         {3, "LATCH_ON"},
                                     {4, "LATCH_OFF"}, {0x41, "CLOSE_PULSE_ON"}, {0x81, "TRIP_PULSE_ON"}};
constexpr Name modes_by_name[] = {{257, "FILE_READ"}, {258, "FILE_WRITE"}, {259, "FILE_APPEND"}};

std::vector<Span> draw_indexes(Random& random) {
  std::vector<Span> spans;
  auto from = static_cast<std::uint32_t>(random.chance(1, 8) ? 250 : random.below(12));
  for (std::uint64_t i = random.between(1, 2); i > 0; --i) {
    const auto size = static_cast<std::uint32_t>(random.chance(1, 3) ? 1 : random.between(2, 10));
    spans.push_back({from, from + size - 1});
    from = spans.back().last + 1 + static_cast<std::uint32_t>(random.chance(1, 2) ? 0 : random.between(1, 4));
  }
  return spans;
}

// Commands: some with select, some without, some with both.
void draw_commands(Random& random, Allow& allow) {
  static const std::vector<std::vector<std::uint16_t>> ways{{select, operate},
                                                            {select, operate},
                                                            {direct_operate},
                                                            {direct_operate, direct_operate_nr},
                                                            {select, operate, direct_operate},
                                                            {select},
                                                            {operate, operate_alone},
                                                            {operate_alone}};
  allow.functions = random.pick(ways);
  allow.indexes = draw_indexes(random);
  if (random.chance(1, 2)) {
    allow.objects = {0x0C01};
    if (random.chance(1, 2)) allow.controls = {random.pick(std::vector<std::uint16_t>{1, 3, 4, 0x41, 0x81})};
    if (random.chance(1, 3)) allow.controls.push_back(3);
    if (random.chance(1, 2)) allow.counts = {{1, static_cast<std::uint32_t>(random.between(1, 2))}};
    if (random.chance(1, 3)) allow.on_times = {{0, static_cast<std::uint32_t>(random.between(100, 1000))}};
    return;
  }
  if (random.chance(1, 3))
    allow.groups = {41};
  else
    allow.objects = {static_cast<std::uint16_t>(0x2900 + random.between(1, 4)), 0x2902};
  if (random.chance(2, 3)) {
    const auto low = static_cast<double>(random.below(100)) - 20;
    allow.values = {{low, low + static_cast<double>(random.below(80))}};
  }
}

Allow draw_allow(Random& random, Span outstation, Span master) {
  Allow allow;
  if (random.chance(7, 8)) allow.outstations = {outstation};
  if (random.chance(1, 2)) allow.masters = {master};
  allow.essential = random.chance(1, 2);
  switch (random.below(10)) {
    case 0: allow.classes = {Class::READ, Class::SESSION}; break;
    case 1:
      allow.functions = {read};
      allow.groups = {1, 30};
      allow.indexes = draw_indexes(random);
      break;
    case 2:
    case 3:
    case 4: draw_commands(random, allow); break;
    case 5:
      allow.functions = {write};
      if (random.chance(1, 2)) {
        allow.objects = {0x5001};
        allow.indexes = {{7, 7}};
        allow.values = {{0, 0}};
      } else {
        allow.groups = {34};
        allow.indexes = draw_indexes(random);
        allow.values = {{0, static_cast<double>(random.below(500))}};
      }
      break;
    case 6: allow.classes = {random.chance(1, 2) ? Class::MANAGE : Class::OPERATE}; break;
    case 7:
      allow.functions = {open_file, delete_file};
      if (random.chance(1, 2)) allow.names = {"/log/a.txt"};
      if (random.chance(1, 2)) allow.prefixes = {"/data/"};
      if (random.chance(1, 2)) {
        allow.functions = {open_file};
        allow.controls = {257};
      }
      break;
    case 8:
      allow.functions = {read, 20, 21, 22};
      if (random.chance(1, 2)) allow.objects = {0x3C02, 0x3C03, 0x3C04};
      break;
    case 9: allow.functions = {7, 8, 9, 23, 521}; break;
    default: break;
  }
  return allow;
}

Allow draw_report(Random& random, Span outstation, Span master) {
  Allow allow;
  allow.outstations = {outstation};
  if (random.chance(1, 2)) allow.masters = {master};
  allow.essential = random.chance(1, 2);
  if (random.chance(1, 4)) {
    allow.classes = {Class::READ};
  } else {
    allow.functions = {unsolicited};
    if (random.chance(1, 2)) allow.indexes = draw_indexes(random);
    if (random.chance(1, 3)) allow.objects = {0x0201};
  }
  return allow;
}

// Each access within one allow.
bool contain(const std::vector<Allow>& list, const std::vector<Access>& accesses, bool island) {
  return std::all_of(accesses.begin(), accesses.end(), [&](const Access& access) {
    return std::any_of(list.begin(), list.end(), [&](const auto& allow) {
      return (!island || allow.essential) && allow.contains(access);
    });
  });
}

}  // namespace

std::string Allow::text() const {
  std::string text = "dnp3 {" + spans_text("outstation", outstations) + spans_text("master", masters);
  text += classes_text(classes);
  for (const std::uint16_t number : functions) text += " function: " + name_of(functions_by_name, number);
  for (const std::uint16_t number : objects) {
    const char* name = find_name(objects_by_name, number);
    text += name != nullptr ? std::string(" object: ") + name
                            : " object_number { first: " + std::to_string(number) + " }";
  }
  for (const std::uint8_t group : groups) text += " group { first: " + std::to_string(group) + " }";
  text += spans_text("index", indexes);
  for (const std::uint16_t number : controls) {
    const char* control = find_name(controls_by_name, number);
    text += control != nullptr ? std::string(" control: ") + control
                               : " file_mode: " + name_of(modes_by_name, number);
  }
  text += spans_text("count", counts) + spans_text("on_time", on_times);
  text += values_text(values);
  for (const std::string& name : names) text += " file_name: \"" + name + "\"";
  for (const std::string& prefix : prefixes) text += " file_prefix: \"" + prefix + "\"";
  return text + " }";
}

bool Allow::contains(const Access& access) const {
  if (!outstations.empty() && !within(outstations, access.outstation, access.outstation)) return false;
  if (!masters.empty() && !within(masters, access.master, access.master)) return false;
  if (!classes.empty() && !holds(classes, access.what)) return false;
  if (!functions.empty() && !holds(functions, access.function)) return false;
  if (functions.empty() && access.function == operate_alone) return false;  // by name only
  if (!objects.empty() || !groups.empty()) {
    if (!access.object) return false;
    if (!holds(objects, *access.object) && !holds(groups, *access.object >> 8)) return false;
  }
  if (!indexes.empty() && !(access.indexes && within(indexes, access.indexes->first, access.indexes->second)))
    return false;
  if (!controls.empty() && !(access.control && holds(controls, *access.control))) return false;
  if (!counts.empty() && !within(counts, access.count)) return false;
  if (!on_times.empty() && !within(on_times, access.on_time)) return false;
  if (!values.empty() && !(access.value && within(values, *access.value))) return false;
  if (names.empty() && prefixes.empty()) return true;
  return access.name && (holds(names, *access.name) ||
                         std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& prefix) {
                           return access.name->starts_with(prefix);
                         }));
}

std::vector<Rules::Text> Dnp3Rules::allows() const {
  std::vector<Text> texts;
  for (const auto& allow : list) texts.push_back({allow.text(), allow.essential});
  for (const auto& allow : back) texts.push_back({allow.text(), allow.essential, true});
  return texts;
}

bool Dnp3Rules::permits(View request, std::uint32_t standing, bool island) const {
  std::optional<std::vector<Access>> accesses = read_request(request);
  if (!accesses) return false;
  if (accesses->front().function == confirm) return (standing & confirms) != 0;
  for (Access& access : *accesses) {
    if (access.function == operate && (standing & follows_select) == 0) access.function = operate_alone;
  }
  return contain(list, *accesses, island);
}

bool Dnp3Rules::permits_unasked(View pdu, bool island) const {
  const std::optional<std::vector<Access>> accesses = read_unsolicited(pdu);
  return accesses && contain(back, *accesses, island);
}

std::unique_ptr<Dnp3Rules> draw_rules(Random& random) {
  auto rules = std::make_unique<Dnp3Rules>();
  const auto outstation = static_cast<std::uint32_t>(random.chance(1, 16) ? 0xFFFF : random.between(1, 20));
  const Span outstations{outstation, outstation + (outstation < 20 && random.chance(1, 4) ? 1 : 0)};
  const Span masters{1, static_cast<std::uint32_t>(random.between(1, 2))};
  for (std::uint64_t i = random.between(1, 5); i > 0; --i) {
    rules->list.push_back(draw_allow(random, outstations, masters));
    const Allow& last = rules->list.back();
    const bool bits = !last.objects.empty() && last.objects[0] == 0x5001;
    if (last.indexes.empty() || bits || random.chance(1, 2)) continue;
    // The same for what lies right behind: a range that needs both is permitted by neither.
    Allow next = last;
    const std::uint32_t from = last.indexes.back().last + 1;
    next.indexes = {{from, from + static_cast<std::uint32_t>(random.below(4))}};
    rules->list.push_back(std::move(next));
  }
  if (random.chance(1, 2)) rules->back.push_back(draw_report(random, outstations, masters));
  return rules;
}

}  // namespace conduit::simulation::dnp3
