#include "tests/simulation/rule_text.hpp"

namespace conduit::simulation {
namespace {

constexpr const char* class_names[] = {"READ",   "WRITE",    "OPERATE", "PROGRAM",
                                       "MANAGE", "DISCOVER", "SESSION"};

}  // namespace

bool within(std::vector<Span> spans, std::uint32_t first, std::uint32_t last) {
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.first < b.first; });
  std::vector<Span> merged;
  for (const Span& span : spans) {
    const bool touches =
        !merged.empty() && (merged.back().last == 0xFFFFFFFF || span.first <= merged.back().last + 1);
    if (touches)
      merged.back().last = std::max(merged.back().last, span.last);
    else
      merged.push_back(span);
  }
  return std::any_of(merged.begin(), merged.end(),
                     [&](const Span& span) { return span.first <= first && last <= span.last; });
}

bool within(const std::vector<Span>& spans, const std::optional<std::uint32_t>& value) {
  return value && within(spans, *value, *value);
}

bool within(const Values& values, double value) {
  return std::any_of(values.begin(), values.end(),
                     [value](const auto& range) { return range.first <= value && value <= range.second; });
}

std::string classes_text(const std::vector<Class>& classes) {
  std::string text;
  for (const Class each : classes)
    text += std::string(" access: ") + class_names[static_cast<std::size_t>(each)];
  return text;
}

std::string spans_text(const char* field, const std::vector<Span>& spans) {
  std::string text;
  for (const Span& span : spans) {
    text += std::string(" ") + field + " { first: " + std::to_string(span.first);
    if (span.last != span.first) text += " last: " + std::to_string(span.last);
    text += " }";
  }
  return text;
}

std::string bounds_text(const char* field, const std::vector<Span>& spans) {
  std::string text;
  for (const Span& span : spans) {
    text += std::string(" ") + field + " { min: " + std::to_string(span.first) +
            " max: " + std::to_string(span.last) + " }";
  }
  return text;
}

std::string values_text(const Values& values) {
  std::string text;
  for (const auto& [low, high] : values)
    text += " value { min: " + std::to_string(low) + " max: " + std::to_string(high) + " }";
  return text;
}

}  // namespace conduit::simulation
