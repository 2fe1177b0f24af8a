#include "controlplane/audit/store.hpp"

#include <sqlite3.h>

#include <cstring>

#include "controlplane/trust/digest.hpp"

namespace conduit {
namespace {

using Hash = std::array<std::uint8_t, 32>;

// A prepared statement that ends with its scope.
class Statement {
 public:
  Statement(sqlite3* database, const char* sql) {
    if (::sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr) != SQLITE_OK) statement_ = nullptr;
  }
  ~Statement() { ::sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  [[nodiscard]] bool good() const { return statement_ != nullptr; }
  void bind(int index, std::uint64_t number) {
    ::sqlite3_bind_int64(statement_, index, static_cast<sqlite3_int64>(number));
  }
  void bind(int index, const std::string& text) {
    ::sqlite3_bind_text(statement_, index, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  }
  void bind(int index, const Hash& hash) {
    ::sqlite3_bind_blob(statement_, index, hash.data(), static_cast<int>(hash.size()), SQLITE_TRANSIENT);
  }
  [[nodiscard]] int step() { return ::sqlite3_step(statement_); }
  [[nodiscard]] std::uint64_t number(int column) const {
    return static_cast<std::uint64_t>(::sqlite3_column_int64(statement_, column));
  }
  [[nodiscard]] std::string text(int column) const {
    const auto* bytes = ::sqlite3_column_text(statement_, column);
    const auto size = static_cast<std::size_t>(::sqlite3_column_bytes(statement_, column));
    return bytes == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(bytes), size);
  }
  [[nodiscard]] bool hash(int column, Hash& hash) const {
    if (::sqlite3_column_bytes(statement_, column) != static_cast<int>(hash.size())) return false;
    std::memcpy(hash.data(), ::sqlite3_column_blob(statement_, column), hash.size());
    return true;
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

std::string hex(const Hash& hash) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t octet : hash) {
    text += digits[octet >> 4];
    text += digits[octet & 15];
  }
  return text;
}

Hash link_hash(const Hash& previous, const std::string& json) {
  std::string bytes(reinterpret_cast<const char*>(previous.data()), previous.size());
  bytes += json;
  return sha256(Bytes(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

constexpr const char* schema_sql =
    "CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY, wall_ns INTEGER NOT NULL, class INTEGER NOT "
    "NULL,"
    " conduit TEXT NOT NULL, json TEXT NOT NULL, hash BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS sink (name TEXT PRIMARY KEY, cursor INTEGER NOT NULL);"
    // Where the chain goes on when every record of it was removed by the bound.
    "CREATE TABLE IF NOT EXISTS chain (id INTEGER PRIMARY KEY CHECK (id = 0), base_seq INTEGER NOT NULL,"
    " base_hash BLOB NOT NULL);"
    "INSERT OR IGNORE INTO chain VALUES (0, 0, zeroblob(32));";

}  // namespace

std::string StoredEvent::line() const {
  std::string text = json;
  text.pop_back();
  return text + ",\"hash\":\"" + hash_hex + "\"}";
}

AuditStore::AuditStore(sqlite3* database, std::uint64_t events_max)
    : database_(database), events_max_(events_max) {}

AuditStore::~AuditStore() { ::sqlite3_close(database_); }

tl::unexpected<Error> AuditStore::failure(const char* doing) const {
  return fail("audit.store", std::string(doing) + ": " + ::sqlite3_errmsg(database_),
              ::sqlite3_db_filename(database_, "main"));
}

Expected<void> AuditStore::run(const char* sql) {
  if (::sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure("audit store");
  return {};
}

Expected<std::unique_ptr<AuditStore>> AuditStore::open(const std::string& path, std::uint64_t events_max) {
  sqlite3* database = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int opened = ::sqlite3_open_v2(path.c_str(), &database, flags, nullptr);
  std::unique_ptr<AuditStore> store(new AuditStore(database, events_max));
  if (opened != SQLITE_OK)
    return fail("audit.open", "cannot open the audit store", path, "check path and rights");
  if (auto done = store->prepare(); !done) return tl::unexpected(done.error());
  return store;
}

Expected<void> AuditStore::prepare() {
  ::sqlite3_busy_timeout(database_, 1000);
  for (const char* sql : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", schema_sql}) {
    if (auto done = run(sql); !done) return done;
  }
  Statement last(
      database_,
      "SELECT seq, hash FROM event UNION ALL SELECT base_seq, base_hash FROM chain ORDER BY 1 DESC LIMIT 1");
  if (!last.good() || last.step() != SQLITE_ROW) return failure("reading the head of the chain");
  sequence_ = last.number(0);
  if (!last.hash(1, head_)) return fail("audit.chain", "the head of the chain is no SHA-256");
  return {};
}

Expected<void> AuditStore::insert(const Event& event, std::uint64_t sequence, Hash& head) {
  nlohmann::ordered_json body;
  body["seq"] = sequence;
  body["prev"] = hex(head);
  for (const auto& [name, value] : event.body.items()) body[name] = value;
  const std::string json = body.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  head = link_hash(head, json);
  Statement statement(database_, "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)");
  if (!statement.good()) return failure("preparing to append");
  statement.bind(1, sequence);
  statement.bind(2, event.wall_ns);
  statement.bind(3, std::uint64_t{event.event_class});
  statement.bind(4, event.conduit);
  statement.bind(5, json);
  statement.bind(6, head);
  if (statement.step() != SQLITE_DONE) return failure("appending");
  return {};
}

Expected<void> AuditStore::append(const std::vector<Event>& events) {
  if (events.empty()) return {};
  if (auto begun = run("BEGIN IMMEDIATE"); !begun) return begun;
  std::uint64_t sequence = sequence_;
  Hash head = head_;
  Expected<void> done;
  for (const Event& event : events) {
    done = insert(event, ++sequence, head);
    if (!done) break;
  }
  if (done && sequence > events_max_) {
    const std::string last = std::to_string(sequence - events_max_);
    const std::string sql =
        "UPDATE chain SET base_seq = seq, base_hash = hash FROM event WHERE seq = " + last +
        "; DELETE FROM event WHERE seq <= " + last;
    done = run(sql.c_str());
  }
  if (done) done = run("COMMIT");
  if (!done) {
    [[maybe_unused]] const auto undone = run("ROLLBACK");
    return done;
  }
  sequence_ = sequence;
  head_ = head;
  return {};
}

Expected<std::vector<StoredEvent>> AuditStore::read(const EventFilter& filter) {
  Statement statement(
      database_,
      "SELECT seq, json, hash FROM event WHERE seq > ? AND wall_ns >= ? AND (? = '' OR conduit = ?)"
      " ORDER BY seq LIMIT ?");
  if (!statement.good()) return failure("reading");
  statement.bind(1, filter.after_sequence);
  statement.bind(2, filter.since_wall_ns);
  statement.bind(3, filter.conduit);
  statement.bind(4, filter.conduit);
  statement.bind(5, std::uint64_t{filter.count_max});
  std::vector<StoredEvent> events;
  int code = statement.step();
  for (; code == SQLITE_ROW; code = statement.step()) {
    Hash hash{};
    if (!statement.hash(2, hash)) return fail("audit.chain", "a record's hash is no SHA-256");
    events.push_back({statement.number(0), statement.text(1), hex(hash)});
  }
  if (code != SQLITE_DONE) return failure("reading");
  return events;
}

std::uint64_t AuditStore::cursor(const std::string& sink) {
  Statement statement(database_, "SELECT cursor FROM sink WHERE name = ?");
  if (!statement.good()) return 0;
  statement.bind(1, sink);
  return statement.step() == SQLITE_ROW ? statement.number(0) : 0;
}

Expected<void> AuditStore::set_cursor(const std::string& sink, std::uint64_t sequence) {
  Statement statement(database_, "INSERT OR REPLACE INTO sink VALUES (?, ?)");
  if (!statement.good()) return failure("preparing a cursor");
  statement.bind(1, sink);
  statement.bind(2, sequence);
  if (statement.step() != SQLITE_DONE) return failure("keeping a cursor");
  return {};
}

std::uint64_t AuditStore::first_sequence() {
  Statement statement(database_, "SELECT base_seq + 1 FROM chain");
  return statement.good() && statement.step() == SQLITE_ROW ? statement.number(0) : 1;
}

std::string AuditStore::head_hex() const { return hex(head_); }

Expected<std::uint64_t> AuditStore::first_broken() {
  Statement base(database_, "SELECT base_seq, base_hash FROM chain");
  Hash head{};
  if (!base.good() || base.step() != SQLITE_ROW || !base.hash(1, head))
    return failure("reading the chain's base");
  std::uint64_t sequence = base.number(0);
  Statement statement(database_, "SELECT seq, json, hash FROM event ORDER BY seq");
  if (!statement.good()) return failure("reading");
  for (int code = statement.step(); code == SQLITE_ROW; code = statement.step()) {
    Hash stored{};
    head = link_hash(head, statement.text(1));
    const bool holds = statement.number(0) == ++sequence && statement.hash(2, stored) && stored == head;
    if (!holds) return sequence;
  }
  return std::uint64_t{0};
}

}  // namespace conduit
