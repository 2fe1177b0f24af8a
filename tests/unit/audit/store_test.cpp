// The chained store and the JSON-lines sink.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "controlplane/audit/store.hpp"
#include "controlplane/sinks/sink.hpp"

namespace conduit {
namespace {

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/conduit-audit-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::unique_ptr<AuditStore> open_store(const std::string& path, std::uint64_t events_max = 1000) {
  auto store = AuditStore::open(path, events_max);
  REQUIRE(store);
  return std::move(*store);
}

std::vector<Event> some(std::size_t count, const char* conduit = "c") {
  std::vector<Event> events;
  for (std::size_t index = 0; index < count; ++index) {
    Event event = control_event(3001, "number " + std::to_string(index), nullptr);
    event.wall_ns = 1000 + index;
    event.conduit = conduit;
    events.push_back(event);
  }
  return events;
}

void tamper(const std::string& path, const char* sql) {
  sqlite3* database = nullptr;
  REQUIRE(::sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  CHECK(::sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  ::sqlite3_close(database);
}

std::size_t line_count(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::size_t count = 0;
  while (std::getline(file, line)) {
    CHECK(nlohmann::json::accept(line));
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("what was appended is there after a restart, in order, and the chain holds") {
  const Folder folder;
  {
    const auto store = open_store(folder.file("a.db"));
    REQUIRE(store->append(some(5)));
    REQUIRE(store->append(some(3, "d")));
  }
  const auto store = open_store(folder.file("a.db"));
  CHECK(store->last_sequence() == 8);
  CHECK(*store->first_broken() == 0);
  const auto events = store->read({});
  REQUIRE(events);
  REQUIRE(events->size() == 8);
  for (std::size_t index = 0; index < 8; ++index) CHECK((*events)[index].sequence == index + 1);
  const auto first = nlohmann::json::parse((*events)[0].line());
  CHECK(first["prev"] == std::string(64, '0'));
  CHECK(nlohmann::json::parse((*events)[1].line())["prev"] == first["hash"]);
  EventFilter filter;
  filter.conduit = "d";
  CHECK(store->read(filter)->size() == 3);
  filter.since_wall_ns = 1002;
  CHECK(store->read(filter)->size() == 1);
}

TEST_CASE("a record that is edited, deleted, inserted or moved is named") {
  struct Row {
    const char* sql;
    std::uint64_t broken;
  };
  const Row rows[] = {
      {"UPDATE event SET json = replace(json, 'number 3', 'number 4') WHERE seq = 4", 4},
      {"DELETE FROM event WHERE seq = 5", 5},
      {"UPDATE event SET hash = zeroblob(32) WHERE seq = 2", 2},
      {"INSERT INTO event SELECT 11, wall_ns, class, conduit, json, hash FROM event WHERE seq = 10", 11},
      {"UPDATE event SET seq = 99 WHERE seq = 6; UPDATE event SET seq = 6 WHERE seq = 7;"
       "UPDATE event SET seq = 7 WHERE seq = 99",
       6},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.sql));
    const Folder folder;
    REQUIRE(open_store(folder.file("a.db"))->append(some(10)));
    tamper(folder.file("a.db"), row.sql);
    CHECK(*open_store(folder.file("a.db"))->first_broken() == row.broken);
  }
}

TEST_CASE("the bound removes the oldest, and the chain still holds") {
  const Folder folder;
  const auto store = open_store(folder.file("a.db"), 10);
  for (int round = 0; round < 4; ++round) REQUIRE(store->append(some(7)));
  CHECK(store->first_sequence() == 19);
  CHECK(store->last_sequence() == 28);
  CHECK(store->read({})->size() == 10);
  CHECK(*store->first_broken() == 0);
}

TEST_CASE("a store that is no database is an error") {
  const Folder folder;
  std::ofstream(folder.file("a.db")) << "this is no database, and it is long enough to be looked at as one";
  CHECK_FALSE(AuditStore::open(folder.file("a.db"), 10));
  CHECK_FALSE(AuditStore::open("/nowhere/a.db", 10));
}

TEST_CASE("a sink goes on in a new file when the old one was moved away") {
  const Folder folder;
  const auto store = open_store(folder.file("a.db"));
  REQUIRE(store->append(some(4)));
  const auto events = store->read({});
  const auto sink = make_json_lines_sink(folder.file("out.jsonl"));
  CHECK(*sink->send(*events) == 4);
  std::filesystem::rename(folder.file("out.jsonl"), folder.file("old.jsonl"));
  CHECK(*sink->send(*events) == 4);
  CHECK(line_count(folder.file("old.jsonl")) == 4);
  CHECK(line_count(folder.file("out.jsonl")) == 4);
}

TEST_CASE("a sink on a full disk takes nothing and says so") {
  const Folder folder;
  const auto store = open_store(folder.file("a.db"));
  REQUIRE(store->append(some(2)));
  const auto sink = make_json_lines_sink("/dev/full");
  const auto taken = sink->send(*store->read({}));
  REQUIRE_FALSE(taken);
  CHECK(taken.error().name == "sink.write");
}

TEST_CASE("sink cursors outlive a restart") {
  const Folder folder;
  REQUIRE(open_store(folder.file("a.db"))->set_cursor("s", 7));
  CHECK(open_store(folder.file("a.db"))->cursor("s") == 7);
  CHECK(open_store(folder.file("a.db"))->cursor("other") == 0);
}

TEST_CASE("times are read and written") {
  std::uint64_t wall_ns = 0;
  CHECK(utc_time(1'700'000'000'123'456'789ULL) == "2023-11-14T22:13:20.123456789Z");
  REQUIRE(parse_utc_time("2023-11-14T22:13:20.123456789Z", wall_ns));
  CHECK(wall_ns == 1'700'000'000'123'456'789ULL);
  REQUIRE(parse_utc_time("2023-11-14", wall_ns));
  CHECK(wall_ns == 1'699'920'000'000'000'000ULL);
  REQUIRE(parse_utc_time("@12", wall_ns));
  CHECK(wall_ns == 12'000'000'000ULL);
  for (const char* wrong : {"", "yesterday", "2023-14-01", "@", "@-1", "2023-11-14T22", "2023-11-14 x"}) {
    CHECK_FALSE(parse_utc_time(wrong, wall_ns));
  }
}

}  // namespace conduit
