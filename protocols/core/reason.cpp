#include "protocols/core/reason.hpp"

#include <array>

namespace conduit {
namespace {

constexpr std::array reasons{
#define CONDUIT_REASON_ROW(number, name, event, severity, requirement, text) \
  ReasonInfo{Reason::name, #name, event, severity, requirement, text},
    CONDUIT_REASONS(CONDUIT_REASON_ROW)
#undef CONDUIT_REASON_ROW
};
#define CONDUIT_REASON_BOUND(number, name, event, severity, requirement, text) \
  static_assert((number) < reason_number_end);
CONDUIT_REASONS(CONDUIT_REASON_BOUND)
#undef CONDUIT_REASON_BOUND

constexpr ReasonInfo unknown{Reason::NONE, "UNKNOWN", 0, 1, "", "unknown reason number"};

}  // namespace

const ReasonInfo& reason_info(Reason reason) noexcept {
  for (const ReasonInfo& info : reasons) {
    if (info.reason == reason) return info;
  }
  return unknown;
}

std::string_view verdict_name(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::DROP: return "drop";
    case Verdict::FORWARD: return "forward";
    case Verdict::REFUSE: return "refuse";
    case Verdict::DISCARD: return "discard";
    case Verdict::RESET: return "reset";
    case Verdict::HOLD: return "hold";
  }
  return "drop";
}

}  // namespace conduit
