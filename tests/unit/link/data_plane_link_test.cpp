// The control plane's side of the link, against a data plane that says what it likes.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cstring>
#include <map>

#include "controlplane/link/data_plane_link.hpp"
#include "controlplane/link/unix_socket.hpp"
#include "tests/support/link_peer.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

struct Recorder final : LinkHandler {
  void on_connected(const IpcHello& hello) override { add("connected " + std::to_string(hello.boot_id)); }
  void on_disconnected(const std::string&) override { add("disconnected"); }
  void on_image_accepted(std::uint64_t serial, std::uint64_t generation, std::uint64_t ns) override {
    add("accepted " + std::to_string(serial) + " " + std::to_string(generation) + " " + std::to_string(ns));
  }
  void on_image_refused(std::uint64_t serial, const std::string& broken) override {
    add("refused " + std::to_string(serial) + " " + broken);
  }
  void on_island(std::uint64_t serial, bool on) override {
    add("island " + std::to_string(serial) + (on ? " on" : " off"));
  }
  void on_pong() override { add("pong"); }
  void on_record(const EventRecord& record) override {
    ++records;
    if (records <= 4) add("record " + std::to_string(record.sequence));
    if (writer != nullptr) writer->head.fetch_add(1);
  }
  void on_records_lost(std::uint16_t worker, std::uint64_t count) override {
    add("lost " + std::to_string(worker) + " " + std::to_string(count));
  }
  void add(const std::string& line) { said += line + "\n"; }
  std::string take() { return std::exchange(said, ""); }

  std::string said;
  std::size_t records = 0;
  EventRing* writer = nullptr;  // one that never stops: a record more for each that is read
};

struct Lab {
  Lab() : link(std::move(DataPlaneLink::listen(folder.path("link.sock"), recorder).value())) { connect(); }
  void connect() {
    peer = std::move(connect_unix(folder.path("link.sock"), SOCK_SEQPACKET).value());
    link->accept_ready();
  }
  bool say(const std::string& bytes, const std::vector<int>& descriptors = {}) {
    if (!send_raw(peer.get(), bytes.data(), bytes.size(), descriptors)) return false;
    link->receive_ready();
    return true;
  }
  bool greet(const IpcHello& hello, const std::vector<int>& descriptors) {
    return say(std::string(reinterpret_cast<const char*>(&hello), sizeof hello), descriptors);
  }
  void greet() { REQUIRE(greet(parts.greeting(), parts.descriptors())); }
  [[nodiscard]] bool dropped() const {
    return link->connection() < 0 && !link->connected() && receive_raw(peer.get()).size == 0;
  }

  TempFolder folder;
  Recorder recorder;
  DataPlaneParts parts{2};
  std::unique_ptr<DataPlaneLink> link;
  UniqueFd peer;
};

EventRecord numbered(std::uint64_t sequence) {
  EventRecord record;
  record.sequence = sequence;
  return record;
}

constexpr IpcType all_types[] = {IpcType::HELLO,         IpcType::IMAGE,  IpcType::IMAGE_ACCEPTED,
                                 IpcType::IMAGE_REFUSED, IpcType::ISLAND, IpcType::ISLAND_DONE,
                                 IpcType::PING,          IpcType::PONG};

}  // namespace

TEST_CASE("what a data plane may say once it has greeted, and what comes of it") {
  const std::map<IpcType, std::string> heard{{IpcType::IMAGE_ACCEPTED, "accepted 5 0 0\n"},
                                             {IpcType::IMAGE_REFUSED, "refused 5 \n"},
                                             {IpcType::ISLAND_DONE, "island 5 off\n"},
                                             {IpcType::PONG, "pong\n"}};
  for (const IpcType type : all_types) {
    CAPTURE(static_cast<unsigned>(type));
    Lab lab;
    lab.greet();
    CHECK(lab.recorder.take() == "connected 7\n");
    const UniqueFd memory = memory_of(64, F_SEAL_SHRINK);
    const bool image = type == IpcType::IMAGE;
    const auto with = type == IpcType::HELLO ? lab.parts.descriptors()
                      : image                ? std::vector<int>{memory.get()}
                                             : std::vector<int>{};
    REQUIRE(lab.say(plain_message(type, 5), with));
    const auto found = heard.find(type);
    CHECK(lab.recorder.take() == (found == heard.end() ? "disconnected\n" : found->second));
    CHECK(lab.dropped() == (found == heard.end()));
  }
}

TEST_CASE("nothing is heard before the greeting") {
  for (const IpcType type : all_types) {
    CAPTURE(static_cast<unsigned>(type));
    Lab lab;
    REQUIRE(lab.say(plain_message(type, 5)));  // a HELLO without descriptors is none
    CHECK(lab.dropped());
    CHECK(lab.recorder.said.empty());
    CHECK_FALSE(lab.link->send_ping().has_value());
    CHECK_FALSE(lab.link->counters().has_value());
  }
}

TEST_CASE("a message that is cut, padded or of another version ends the link and is not heard") {
  const std::size_t before = open_descriptor_count();
  for (const IpcType type :
       {IpcType::IMAGE_ACCEPTED, IpcType::IMAGE_REFUSED, IpcType::ISLAND_DONE, IpcType::PONG}) {
    const std::string whole = plain_message(type, 5);
    std::vector<std::string> bad{whole + std::string(1, '\0'), whole + std::string(8000, 'x')};
    for (std::size_t size = 1; size < whole.size(); ++size) bad.push_back(whole.substr(0, size));
    for (std::size_t octet = 0; octet < 16; ++octet) {  // magic, ABI, type, size
      if (octet == 8) continue;  // the low octet of the type: another message, seen above
      bad.push_back(whole);
      bad.back()[octet] = static_cast<char>(bad.back()[octet] ^ 0x40);
    }
    for (const std::string& bytes : bad) {
      Lab lab;
      lab.greet();
      REQUIRE(lab.say(bytes));
      CHECK(lab.recorder.take() == "connected 7\ndisconnected\n");
      CHECK(lab.dropped());
    }
    Lab lab;
    lab.greet();
    REQUIRE(lab.say(whole, {lab.peer.get()}));  // a descriptor where none belongs
    CHECK(lab.recorder.take() == "connected 7\ndisconnected\n");
  }
  CHECK(open_descriptor_count() == before);
}

TEST_CASE("a greeting that does not add up leaves nothing behind") {
  const std::size_t before = open_descriptor_count();
  const struct {
    const char* name;
    void (*change)(IpcHello& hello, std::vector<int>& descriptors);
  } rows[] = {
      {"no workers", [](IpcHello& hello, std::vector<int>&) { hello.worker_count = 0; }},
      {"more workers than descriptors", [](IpcHello& hello, std::vector<int>&) { hello.worker_count = 3; }},
      {"workers whose double overflows",
       [](IpcHello& hello, std::vector<int>&) { hello.worker_count = 0x80000002; }},
      {"an odd descriptor", [](IpcHello&, std::vector<int>& fds) { fds.pop_back(); }},
      {"a descriptor too many", [](IpcHello&, std::vector<int>& fds) { fds.push_back(fds[0]); }},
      {"more descriptors than can be",
       [](IpcHello& hello, std::vector<int>& fds) {
         fds.resize(2 * worker_count_max + 2, fds[0]);
         hello.worker_count = worker_count_max + 1;
       }},
      {"too many ports", [](IpcHello& hello, std::vector<int>&) { hello.port_count = port_count_max + 1; }},
      {"other images", [](IpcHello& hello, std::vector<int>&) { ++hello.image_abi; }},
      {"other events", [](IpcHello& hello, std::vector<int>&) { ++hello.event_abi; }},
      {"other counters", [](IpcHello& hello, std::vector<int>&) { ++hello.counters_abi; }},
      {"counters for a ring", [](IpcHello&, std::vector<int>& fds) { fds[1] = fds[0]; }},
      {"a ring of zeros in the second place", [](IpcHello&, std::vector<int>& fds) { fds[3] = fds[0]; }},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Lab lab;
    IpcHello hello = lab.parts.greeting();
    std::vector<int> descriptors = lab.parts.descriptors();
    row.change(hello, descriptors);
    REQUIRE(lab.greet(hello, descriptors));
    CHECK(lab.dropped());
    CHECK(lab.recorder.said.empty());
  }
  CHECK(open_descriptor_count() == before);
}

TEST_CASE("memory that could shrink under our feet is not mapped") {
  Lab lab;
  const UniqueFd unsealed = memory_of(event_ring_bytes, F_SEAL_GROW);
  const UniqueFd small = memory_of(event_ring_bytes - 1, F_SEAL_SHRINK);
  const UniqueFd file(::open(lab.folder.path("ring").c_str(), O_RDWR | O_CREAT | O_CLOEXEC,
                             0600));  // cannot be sealed at all
  REQUIRE(::ftruncate(file.get(), static_cast<off_t>(event_ring_bytes)) == 0);
  for (const int fd : {unsealed.get(), small.get(), file.get()}) {
    CHECK_FALSE(SharedMapping::map(fd, event_ring_bytes, true).has_value());
    std::vector<int> descriptors = lab.parts.descriptors();
    descriptors[1] = fd;
    REQUIRE(lab.greet(lab.parts.greeting(), descriptors));
    CHECK(lab.dropped());
    lab.connect();
  }
  CHECK(lab.recorder.said.empty());
  lab.greet();
  CHECK(lab.link->connected());
}

TEST_CASE("a ring of another shape is not read") {
  for (int field = 0; field < 4; ++field) {
    CAPTURE(field);
    Lab lab;
    EventRing& ring = lab.parts.ring(1);
    if (field == 0) ring.magic ^= 1;
    if (field == 1) ++ring.abi;
    if (field == 2) ring.record_size += 8;
    if (field == 3) ring.record_count *= 2;
    lab.greet();
    CHECK(lab.dropped());
    CHECK(lab.recorder.said.empty());
  }
}

TEST_CASE("the text of a refusal ends where its field ends") {
  Lab lab;
  lab.greet();
  lab.recorder.take();
  std::string message = plain_message(IpcType::IMAGE_REFUSED, 3);
  for (std::size_t at = sizeof(IpcHeader); at < message.size(); ++at) message[at] = 'x';
  REQUIRE(lab.say(message));
  CHECK(lab.recorder.take() == "refused 3 " + std::string(96, 'x') + "\n");
}

TEST_CASE("records are read in order, gaps are counted, what was written before the end is read still") {
  Lab lab;
  lab.greet();
  lab.recorder.take();
  lab.parts.write(0, numbered(1));
  lab.parts.write(0, numbered(4));
  EventRecord foreign = numbered(5);
  foreign.abi = event_abi + 1;
  lab.parts.write(0, foreign);
  CHECK_FALSE(lab.link->drain(100));
  CHECK(lab.recorder.take() == "record 1\nlost 0 2\nrecord 4\n");
  CHECK(lab.parts.ring(0).tail.load() == 3);
  lab.parts.write(1, numbered(8));
  lab.peer.reset();
  lab.link->receive_ready();
  CHECK(lab.recorder.take() == "record 8\ndisconnected\n");
  CHECK_FALSE(lab.link->connected());
}

TEST_CASE("a drain takes no more than it may, whatever the ring says of itself") {
  Lab lab;
  lab.greet();
  EventRing& ring = lab.parts.ring(0);
  for (const std::uint64_t head : {std::uint64_t{1} << 40, ~std::uint64_t{0}, std::uint64_t{3}}) {
    for (const std::uint64_t tail : {std::uint64_t{0}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
      ring.head.store(head);
      ring.tail.store(tail);
      std::memset(static_cast<void*>(lab.parts.records(0)), 0xA5, sizeof(EventRecord));
      lab.parts.records(0)[0].abi = event_abi;
      lab.link->drain(10);
      CHECK(ring.head.load() - ring.tail.load() <= event_ring_count);
    }
  }
  ring.head.store(100);
  ring.tail.store(0);
  for (std::size_t index = 0; index < 100; ++index) lab.parts.records(0)[index].abi = event_abi;
  lab.recorder.records = 0;
  CHECK(lab.link->drain(10));
  CHECK(lab.recorder.records == 10);
}

TEST_CASE("a data plane that is thrown out cannot keep us reading its ring for ever") {
  Lab lab;
  lab.greet();
  lab.parts.write(0, numbered(1));
  for (std::size_t index = 0; index < event_ring_count; ++index) lab.parts.records(0)[index].abi = event_abi;
  lab.recorder.writer = &lab.parts.ring(0);
  REQUIRE(lab.say(plain_message(IpcType::PING)));
  CHECK(lab.dropped());
  CHECK(lab.recorder.records <= event_ring_count);
}

TEST_CASE("the newer of two data planes counts") {
  Lab lab;
  lab.greet();
  const UniqueFd first = std::move(lab.peer);
  lab.connect();
  CHECK(receive_raw(first.get()).size == 0);
  CHECK(lab.recorder.take() == "connected 7\ndisconnected\n");
  lab.greet();
  CHECK(lab.recorder.take() == "connected 7\n");
}

TEST_CASE("a data plane that leaves without a word, or in mid-greeting, is not missed") {
  Lab lab;
  lab.peer.reset();
  lab.link->receive_ready();
  CHECK(lab.link->connection() < 0);
  lab.connect();
  REQUIRE(lab.say(plain_message(IpcType::HELLO).substr(0, 100)));
  CHECK(lab.link->connection() < 0);
  CHECK(lab.recorder.said.empty());
  lab.connect();
  lab.greet();
  CHECK(lab.recorder.take() == "connected 7\n");
}

TEST_CASE("a data plane that does not read is given up, not waited for") {
  Lab lab;
  lab.greet();
  lab.recorder.take();
  std::size_t sent = 0;
  Expected<std::uint64_t> serial = lab.link->send_ping();
  for (; serial && sent < 100'000; ++sent) {
    CHECK(*serial == sent + 1);
    serial = lab.link->send_ping();
  }
  REQUIRE_FALSE(serial.has_value());
  CHECK(serial.error().name == "link.send_failed");
  CHECK(sent > 0);
  CHECK(lab.recorder.take() == "disconnected\n");
  CHECK(lab.link->connection() < 0);
}

TEST_CASE("what the control plane sends is what the table permits it") {
  Lab lab;
  lab.greet();
  const UniqueFd memory = memory_of(64, F_SEAL_SHRINK);
  CHECK(lab.link->send_image(memory.get(), 64).value() == 1);
  CHECK(lab.link->send_island(true).value() == 2);
  CHECK(lab.link->send_ping().value() == 3);
  const IpcType types[] = {IpcType::IMAGE, IpcType::ISLAND, IpcType::PING};
  for (std::uint64_t serial = 1; serial <= 3; ++serial) {
    const RawMessage message = receive_raw(lab.peer.get());
    IpcHeader header;
    REQUIRE(message.bytes.size() >= sizeof header);
    std::memcpy(&header, message.bytes.data(), sizeof header);
    CHECK(header.type == types[serial - 1]);
    CHECK(header.serial == serial);
    CHECK(ipc_permitted(header, message.bytes.size(), IpcSender::CONTROL_PLANE, message.descriptors.size()) !=
          nullptr);
  }
}

TEST_CASE("the socket takes the place of a stale one, never of anything else") {
  TempFolder folder;
  Recorder recorder;
  const std::string path = folder.path("link.sock");
  const auto stale = listen_unix(path, SOCK_SEQPACKET, 0600);
  REQUIRE(stale.has_value());
  CHECK(DataPlaneLink::listen(path, recorder).has_value());
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const auto refused = DataPlaneLink::listen(path, recorder);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().name == "socket.occupied");
  CHECK(DataPlaneLink::listen(std::string(108, 'x'), recorder).error().name == "socket.path");
  CHECK(DataPlaneLink::listen("", recorder).error().name == "socket.path");
}
