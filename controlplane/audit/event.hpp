// Event: one record as the SOC reads it, before it has its place in the chain. The body is the canonical JSON
// object (controlplane/README.md lists its fields); the rest is what the store is searched by.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace conduit {

struct Event {
  std::uint16_t event_class = 0;  // catalogue number, 1002
  std::uint64_t wall_ns = 0;      // when it happened, since 1970 UTC
  std::string conduit;            // id, empty if none
  nlohmann::ordered_json body;
};

// A class of the catalogue: dotted name, category (CR 2.8), default severity (OCSF 1–6) and requirement.
// Reasons of the data plane carry severity and requirement of their own.
struct EventClass {
  std::uint16_t number;
  const char* name;
  const char* category;
  std::uint8_t severity;
  const char* requirement;
};

// Row of the catalogue; an unknown number yields a row named "unknown".
[[nodiscard]] const EventClass& event_class(std::uint16_t number) noexcept;

// 2026-11-23T10:15:00.123456789Z
[[nodiscard]] std::string utc_time(std::uint64_t wall_ns);
// Inverse of utc_time; also accepts a plain date, a time without fraction, and "@SECONDS". False if it is
// none of them.
[[nodiscard]] bool parse_utc_time(const std::string& text, std::uint64_t& wall_ns);

[[nodiscard]] std::uint64_t wall_now_ns() noexcept;
[[nodiscard]] std::uint64_t monotonic_now_ns() noexcept;

// An event of the control plane itself: common fields filled, `details` under "details".
[[nodiscard]] Event control_event(std::uint16_t number, const std::string& message,
                                  nlohmann::ordered_json details);

}  // namespace conduit
