#include "controlplane/audit/event.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

namespace conduit {
namespace {

constexpr std::array catalogue{
    EventClass{1001, "flow.denied", "access control", 3, "SR 5.2 RE1"},
    EventClass{1002, "command.denied", "access control", 4, "SR 5.2 RE1"},
    EventClass{1003, "command.denied.constraint", "access control", 4, "SR 5.2 RE1"},
    EventClass{1004, "pdu.malformed", "request error", 3, "CR 3.5"},
    EventClass{1005, "stream.evasion", "request error", 4, "CR 3.5"},
    EventClass{1006, "protocol.mismatch", "request error", 3, "SR 5.2"},
    EventClass{1007, "response.unsolicited", "request error", 3, "CR 3.1"},
    EventClass{1010, "command.permitted", "control system", 1, "SR 2.8"},
    EventClass{2001, "policy.refused", "configuration change", 4, "SR 3.4"},
    EventClass{2002, "policy.activated", "configuration change", 2, "SR 7.6"},
    EventClass{2004, "island.changed", "control system", 5, "SR 5.2 RE2"},
    EventClass{3001, "engine.state", "control system", 3, "SR 3.6"},
    EventClass{3006, "resource.pressure", "control system", 3, "SR 7.1"},
    EventClass{4001, "audit.loss", "audit log", 5, "SR 2.10"},
};
constexpr EventClass unknown{0, "unknown", "control system", 1, ""};

std::uint64_t clock_ns(clockid_t clock) noexcept {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000ULL + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

const EventClass& event_class(std::uint16_t number) noexcept {
  for (const EventClass& row : catalogue) {
    if (row.number == number) return row;
  }
  return unknown;
}

std::string utc_time(std::uint64_t wall_ns) {
  const auto seconds = static_cast<std::time_t>(wall_ns / 1'000'000'000ULL);
  const auto fraction = static_cast<unsigned>(wall_ns % 1'000'000'000ULL);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 80> text{};
  const int size =
      std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%09uZ", parts.tm_year + 1900,
                    parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, fraction);
  return std::string(text.data(), static_cast<std::size_t>(size));
}

bool parse_utc_time(const std::string& text, std::uint64_t& wall_ns) {
  std::tm parts{};
  if (text.size() > 1 && text[0] == '@') {
    std::uint64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), seconds);
    wall_ns = seconds * 1'000'000'000ULL;
    return error == std::errc() && end == text.data() + text.size();
  }
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%d", &parts);
  if (rest == nullptr) return false;
  if (*rest == 'T' || *rest == ' ') {
    rest = ::strptime(rest + 1, "%H:%M:%S", &parts);
    if (rest == nullptr) return false;
  }
  std::uint64_t fraction = 0;
  if (*rest == '.') {
    std::uint64_t unit = 100'000'000ULL;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, unit /= 10)
      fraction += static_cast<std::uint64_t>(*rest - '0') * unit;
  }
  if (*rest == 'Z') ++rest;
  const std::time_t time = ::timegm(&parts);
  if (*rest != '\0' || time < 0) return false;
  wall_ns = static_cast<std::uint64_t>(time) * 1'000'000'000ULL + fraction;
  return true;
}

std::uint64_t wall_now_ns() noexcept { return clock_ns(CLOCK_REALTIME); }
std::uint64_t monotonic_now_ns() noexcept { return clock_ns(CLOCK_MONOTONIC); }

Event control_event(std::uint16_t number, const std::string& message, nlohmann::ordered_json details) {
  const EventClass& row = event_class(number);
  Event event;
  event.event_class = number;
  event.wall_ns = wall_now_ns();
  event.body["time"] = utc_time(event.wall_ns);
  event.body["class"] = number;
  event.body["event"] = row.name;
  event.body["category"] = row.category;
  event.body["severity"] = row.severity;
  event.body["message"] = message;
  event.body["requirement"] = row.requirement;
  event.body["origin"] = "control-plane";
  if (!details.is_null()) event.body["details"] = std::move(details);
  return event;
}

}  // namespace conduit
