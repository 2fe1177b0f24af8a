// From the data plane's record to the event that the SOC reads: names of the policy that judged, reason,
// requirement (SR/CR), ATT&CK for ICS technique, the operation in the protocol's words. Repeats are folded.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/abi/event_record.hpp"
#include "config/policy/name_table.hpp"
#include "controlplane/audit/event.hpp"

namespace conduit {

// Names by image generation; the last few are kept, since records of an older image may still be on their
// way.
class NameHistory {
 public:
  void add(std::uint64_t generation, std::shared_ptr<const NameTable> names);
  [[nodiscard]] const NameTable* find(std::uint64_t generation) const;
  [[nodiscard]] const NameTable* newest() const;

 private:
  std::map<std::uint64_t, std::shared_ptr<const NameTable>> by_generation_;
};

// `names` may be null: numbers stay numbers.
[[nodiscard]] Event enrich(const EventRecord& record, const NameTable* names, const std::string& gateway_id);

// Passes the first of each kind on at once; equal ones (same reason, rule, assets, operation) within
// `window_ns` are counted and reported as one record at the window's end.
class EventFolder {
 public:
  explicit EventFolder(std::uint64_t window_ns) : window_ns_(window_ns) {}
  // True: report it now. False: it was counted.
  [[nodiscard]] bool first(const EventRecord& record);
  // Folded records whose window has ended by `now_ns` (monotonic); all if `now_ns` is UINT64_MAX.
  [[nodiscard]] std::vector<EventRecord> due(std::uint64_t now_ns);

 private:
  struct Fold {
    EventRecord last{};
    std::uint64_t begun_ns = 0;
    std::uint32_t repeats = 0;
  };
  static std::string key_of(const EventRecord& record);
  std::uint64_t window_ns_;
  std::map<std::string, Fold> folds_;
};

}  // namespace conduit
