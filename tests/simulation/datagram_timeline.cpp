#include "tests/simulation/datagram_timeline.hpp"

#include <algorithm>

namespace conduit::simulation {

const DatagramService* DatagramTimeline::find(const Span& span, const DatagramPlace& place) {
  for (const DatagramService& service : span.policy->datagrams) {
    if (service.client == place.client && service.server == place.server && service.back == place.back &&
        service.protocol == place.protocol)
      return &service;
  }
  return nullptr;
}

bool DatagramTimeline::permits(const Span& span, const DatagramPlace& place, View request) {
  const DatagramService* service = find(span, place);
  return service != nullptr && service->rules->permits(request, 0, span.island);
}

bool DatagramTimeline::some_permits(const DatagramPlace& place, View request, std::uint64_t from) const {
  for (std::size_t i = spans_.size(); i-- > 0;) {
    if (permits(spans_[i], place, request)) return true;
    if (spans_[i].at_ns <= from) break;
  }
  return false;
}

bool DatagramTimeline::all_permit(const DatagramPlace& place, View request, std::uint64_t from) const {
  for (std::size_t i = spans_.size(); i-- > 0;) {
    if (!permits(spans_[i], place, request)) return false;
    if (spans_[i].at_ns <= from) break;
  }
  return !spans_.empty();
}

bool DatagramTimeline::settled(std::uint64_t from, std::uint64_t to) const {
  return std::none_of(spans_.begin(), spans_.end(),
                      [&](const Span& span) { return span.at_ns >= from && span.at_ns <= to; });
}

const DatagramService* DatagramTimeline::service(const DatagramPlace& place) const {
  return spans_.empty() || spans_.back().island ? nullptr : find(spans_.back(), place);
}

}  // namespace conduit::simulation
