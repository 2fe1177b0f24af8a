// The reference's record of policies (dialogue.hpp).
#include <algorithm>

#include "tests/simulation/dialogue.hpp"

namespace conduit::simulation {

template <typename Permits>
bool Timeline::always(const DialoguePlan& dialogue, std::uint64_t from, const Permits& permits) const {
  for (std::size_t i = spans_.size(); i-- > 0;) {
    const PlantPolicy* policy = spans_[i].policy;
    if (policy == nullptr) return false;
    const Service* service = policy->find(dialogue.client, dialogue.server, *dialogue.protocol);
    const bool passes = policy->observe || (service != nullptr && permits(*service, spans_[i].island));
    if (!passes) return false;
    if (spans_[i].at_ns <= from) break;
  }
  return !spans_.empty();
}

bool Timeline::always_permitted(const DialoguePlan& dialogue, View request, std::uint32_t standing,
                                std::uint64_t from) const {
  return always(dialogue, from, [&](const Service& service, bool island) {
    return service.rules->permits(request, standing, island);
  });
}

bool Timeline::never_permitted(const DialoguePlan& dialogue, View request, std::uint64_t from) const {
  for (std::size_t i = spans_.size(); i-- > 0;) {
    const PlantPolicy* policy = spans_[i].policy;
    const Service* service =
        policy == nullptr ? nullptr : policy->find(dialogue.client, dialogue.server, *dialogue.protocol);
    if (service != nullptr && service->rules->permits(request, 0, false)) return false;
    if (spans_[i].at_ns <= from) break;
  }
  return true;
}

// GCRA: some time s has to be found since which more than n + (t - s) · n / period operations may have been
// judged. All that had no answer by then may have been; what is denied costs nothing. What a gateway that has
// forgotten all may judge again is counted twice: nothing is promised then.
bool Timeline::always_within_limits(const DialoguePlan& dialogue, const std::vector<Counted>& all,
                                    std::size_t place) const {
  const std::uint64_t sent_ns = all[place].sent_ns;
  return always(dialogue, sent_ns, [&](const Service& service, bool) {
    if (!service.limit) return true;
    if (!restarts_.empty()) return false;
    const std::uint64_t at_once = service.limit->operations;
    return std::none_of(all.begin(), all.end(), [&](const Counted& first) {
      if (first.sent_ns > sent_ns) return false;
      std::size_t sum = 0;
      for (const Counted& one : all) {
        if (one.done_ns >= first.sent_ns)
          sum += one.operations - (never_permitted(dialogue, one.request, one.sent_ns) ? 1U : 0U);
      }
      return sum > at_once + (sent_ns - first.sent_ns) * at_once / (service.limit->per_seconds * second);
    });
  });
}

bool Timeline::always_permitted_unasked(const DialoguePlan& dialogue, View pdu, std::uint64_t from) const {
  return always(dialogue, from, [&](const Service& service, bool island) {
    return service.rules->permits_unasked(pdu, island);
  });
}

bool Timeline::restarted_since(std::uint64_t from) const {
  return std::any_of(restarts_.begin(), restarts_.end(), [from](std::uint64_t at) { return at >= from; });
}

bool Timeline::service_now(const DialoguePlan& dialogue) const {
  const PlantPolicy* policy = spans_.empty() ? nullptr : spans_.back().policy;
  if (policy == nullptr) return false;
  return policy->observe || policy->find(dialogue.client, dialogue.server, *dialogue.protocol) != nullptr;
}

}  // namespace conduit::simulation
