// Audit store: the chained, bounded, power-cut-safe list of events (SQLite, write-ahead log, full
// synchronisation). It is also the queue of the sinks: each has a cursor in it, so that delivery is at least
// once and in order.
//
// Chain: hash of record n = SHA-256(hash of record n-1, 32 octets ‖ canonical JSON text of record n, which
// holds `seq`). Editing, deleting, inserting or reordering a record breaks it at that record. Not
// thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/error.hpp"
#include "controlplane/audit/event.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace conduit {

struct StoredEvent {
  std::uint64_t sequence = 0;
  std::string json;      // canonical text, without its own hash
  std::string hash_hex;  // 64 digits
  // The line that sinks and `conduitctl events --json` print: the canonical text with "hash" as last member.
  [[nodiscard]] std::string line() const;
};

struct EventFilter {
  std::uint64_t after_sequence = 0;
  std::uint64_t since_wall_ns = 0;
  std::string conduit;  // empty: all
  std::uint32_t count_max = 1000;
};

class AuditStore {
 public:
  // Opens or makes the store. At most `events_max` records are kept, the oldest go first.
  [[nodiscard]] static Expected<std::unique_ptr<AuditStore>> open(const std::string& path,
                                                                  std::uint64_t events_max);
  ~AuditStore();
  AuditStore(const AuditStore&) = delete;
  AuditStore& operator=(const AuditStore&) = delete;

  // Appends all or none, in one transaction, durable on return.
  [[nodiscard]] Expected<void> append(const std::vector<Event>& events);
  [[nodiscard]] Expected<std::vector<StoredEvent>> read(const EventFilter& filter);

  [[nodiscard]] std::uint64_t cursor(const std::string& sink);
  [[nodiscard]] Expected<void> set_cursor(const std::string& sink, std::uint64_t sequence);

  [[nodiscard]] std::uint64_t first_sequence();
  [[nodiscard]] std::uint64_t last_sequence() const noexcept { return sequence_; }
  [[nodiscard]] std::string head_hex() const;

  // Walks the whole chain; the sequence number of the first record that does not fit, or 0.
  [[nodiscard]] Expected<std::uint64_t> first_broken();

 private:
  explicit AuditStore(sqlite3* database, std::uint64_t events_max);
  Expected<void> prepare();
  Expected<void> insert(const Event& event, std::uint64_t sequence, std::array<std::uint8_t, 32>& head);
  Expected<void> run(const char* sql);
  tl::unexpected<Error> failure(const char* doing) const;

  sqlite3* database_;
  std::uint64_t events_max_;
  std::uint64_t sequence_ = 0;
  std::array<std::uint8_t, 32> head_{};
};

}  // namespace conduit
