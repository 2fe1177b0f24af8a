// What the rules of several protocols have in common: access classes, names of numbers and spans of them, and
// how a policy writes these (config/policy-language.md).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace conduit::simulation {

enum class Class : std::uint8_t { READ, WRITE, OPERATE, PROGRAM, MANAGE, DISCOVER, SESSION };

struct Name {
  std::uint32_t number;
  const char* name;
};

// Both inclusive.
struct Span {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};
using Values = std::vector<std::pair<double, double>>;  // spans of numbers of any kind

// Null: it has none.
template <std::size_t N>
[[nodiscard]] const char* find_name(const Name (&names)[N], std::uint32_t number) {
  for (const Name& each : names) {
    if (each.number == number) return each.name;
  }
  return nullptr;
}
// … then this, which no policy compiles with.
template <std::size_t N>
[[nodiscard]] std::string name_of(const Name (&names)[N], std::uint32_t number) {
  const char* name = find_name(names, number);
  return name != nullptr ? name : "UNKNOWN";
}

template <typename T, typename U>
[[nodiscard]] bool holds(const std::vector<T>& list, const U& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// Within one of the spans; those that touch count as one.
[[nodiscard]] bool within(std::vector<Span> spans, std::uint32_t first, std::uint32_t last);
[[nodiscard]] bool within(const std::vector<Span>& spans, const std::optional<std::uint32_t>& value);
[[nodiscard]] bool within(const Values& values, double value);

[[nodiscard]] std::string classes_text(const std::vector<Class>& classes);
[[nodiscard]] std::string spans_text(const char* field, const std::vector<Span>& spans);
[[nodiscard]] std::string bounds_text(const char* field, const std::vector<Span>& spans);  // of values
[[nodiscard]] std::string values_text(const Values& values);

}  // namespace conduit::simulation
