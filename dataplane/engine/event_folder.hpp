// Folds repeats of one frame-level denial within a second into one record, so that a flood cannot fill the
// event ring: the first is written at once, the repeats as one record with their count when the second is
// over. Kinds that find no room in the table are folded by reason alone. So at most 2 × (event_fold_count +
// number of reasons) records a second come out of it. One worker's own.
#pragma once

#include <array>
#include <cstdint>

#include "config/abi/event_record.hpp"
#include "config/abi/limits.hpp"
#include "protocols/core/reason.hpp"

namespace conduit {

struct FoldKey {
  Address source{};
  Address destination{};
  Mac source_mac{};
  std::uint16_t destination_port = 0;
  Reason reason = Reason::NONE;
  bool observed = false;
  friend bool operator==(const FoldKey&, const FoldKey&) noexcept = default;
};

class EventFolder {
 public:
  // Counts one denial. A first one (within the second) is the caller's to write: into `record`, where it is
  // kept for the folded one, and from there into the ring.
  struct Answer {
    bool first = false;
    EventRecord* record = nullptr;  // valid if first
  };
  [[nodiscard]] Answer note(const FoldKey& key, std::uint64_t now) noexcept;

  // An entry whose time is over: its record with the count of repeats, to be written; null: nothing (more) to
  // write.
  [[nodiscard]] EventRecord* flush(std::uint64_t now) noexcept;
  [[nodiscard]] std::uint64_t next_deadline() const noexcept;

 private:
  static constexpr std::size_t entry_count = event_fold_count + reason_number_end;
  struct Entry {
    FoldKey key{};
    std::uint64_t until_ns = 0;
    std::uint32_t repeats = 0;
    bool live = false;
    EventRecord record{};
  };
  std::array<Entry, entry_count> entries_{};
  std::array<std::uint16_t, entry_count> queue_{};  // live entries in order of their end
  std::size_t queue_head_ = 0;
  std::size_t queue_size_ = 0;
};

}  // namespace conduit
