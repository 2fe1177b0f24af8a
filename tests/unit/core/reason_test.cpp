#include "protocols/core/reason.hpp"

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <string>

using namespace conduit;

namespace {

constexpr std::array all_reasons{
#define CONDUIT_REASON_VALUE(number, name, event, severity, requirement, text) Reason::name,
    CONDUIT_REASONS(CONDUIT_REASON_VALUE)
#undef CONDUIT_REASON_VALUE
};

}  // namespace

TEST_CASE("zero is drop, and no objection is never a cause") {
  CHECK(Verdict{} == Verdict::DROP);
  CHECK(Reason{} == Reason::NONE);
}

TEST_CASE("every reason has its own number, name and text, an event class and a requirement") {
  std::set<std::uint16_t> numbers;
  std::set<std::string> names;
  std::set<std::string> texts;
  for (const Reason reason : all_reasons) {
    const ReasonInfo& info = reason_info(reason);
    CAPTURE(info.name);
    CHECK(info.reason == reason);
    CHECK(numbers.insert(static_cast<std::uint16_t>(reason)).second);
    CHECK(names.insert(std::string(info.name)).second);
    CHECK(texts.insert(std::string(info.text)).second);
    CHECK(static_cast<std::size_t>(reason) < reason_number_end);
    CHECK(info.severity >= 1);
    CHECK(info.severity <= 6);
    if (reason == Reason::NONE) continue;
    CHECK(info.event_class >= 1000);
    CHECK_FALSE(info.requirement.empty());
  }
}

TEST_CASE("a number that no reason has is named as unknown") {
  CHECK(reason_info(static_cast<Reason>(99)).name == "UNKNOWN");
  CHECK(reason_info(static_cast<Reason>(65535)).name == "UNKNOWN");
}

TEST_CASE("verdicts have the names that reports use") {
  CHECK(verdict_name(Verdict::DROP) == "drop");
  CHECK(verdict_name(Verdict::FORWARD) == "forward");
  CHECK(verdict_name(Verdict::REFUSE) == "refuse");
  CHECK(verdict_name(Verdict::DISCARD) == "discard");
  CHECK(verdict_name(Verdict::RESET) == "reset");
  CHECK(verdict_name(Verdict::HOLD) == "hold");
  CHECK(verdict_name(static_cast<Verdict>(200)) == "drop");  // what is unknown is denied
}
