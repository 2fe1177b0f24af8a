// The data plane's side of the link, against a control plane that says what it likes.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "controlplane/link/unix_socket.hpp"
#include "dataplane/control_client.hpp"
#include "tests/support/link_peer.hpp"
#include "tests/support/rich_image.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr int all_seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
constexpr std::size_t worker_count = 2;

struct Waker final : WorkerWaker {
  void wake_all() noexcept override { ++count; }
  int count = 0;
};

std::string image_of(std::uint64_t generation) {
  test_image::Mutable image(test_image::rich_source());
  image.header().generation = generation;
  return {reinterpret_cast<const char*>(image.bytes().data()), image.bytes().size()};
}

struct Lab {
  Lab() : listener(std::move(listen_unix(folder.path("link.sock"), SOCK_SEQPACKET, 0600).value())) {
    client.turn(0, -1);
    accept();
  }
  void accept() {
    peer = UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    REQUIRE(peer.open());
    greeting = receive_raw(peer.get());
  }
  // Its next attempt is due a tenth of a second after the last.
  void reconnect() {
    std::this_thread::sleep_for(std::chrono::milliseconds(110));
    client.turn(0, -1);
    accept();
  }
  void say(const std::string& bytes, const std::vector<int>& descriptors = {}) {
    REQUIRE(send_raw(peer.get(), bytes.data(), bytes.size(), descriptors));
    client.turn(0, -1);
  }
  void say_image(int fd, std::uint64_t size, std::uint64_t serial) {
    auto message = filled<IpcImage>(IpcType::IMAGE, serial);
    message.size = size;
    say(std::string(reinterpret_cast<const char*>(&message), sizeof message), {fd});
  }
  void say_island(bool on, std::uint64_t serial) {
    auto message = filled<IpcIsland>(IpcType::ISLAND, serial);
    message.on = on ? 1 : 0;
    say(std::string(reinterpret_cast<const char*>(&message), sizeof message));
  }
  // The workers take what is in force now.
  void workers_turn(std::size_t count = worker_count) {
    for (std::size_t worker = 0; worker < count; ++worker) {
      const ImageSlot* slot = runtime.image.load();
      runtime.seen[worker].serial.store(slot == nullptr ? 0 : slot->serial);
      runtime.seen[worker].island.store(runtime.island.load());
    }
    client.turn(0, -1);
  }
  template <typename Message>
  Message answer(IpcType type, std::uint64_t serial) {
    const RawMessage raw = receive_raw(peer.get());
    Message message;
    REQUIRE(raw.bytes.size() == sizeof message);
    std::memcpy(&message, raw.bytes.data(), sizeof message);
    CHECK(message.header.type == type);
    CHECK(message.header.serial == serial);
    CHECK(ipc_permitted(message.header, raw.bytes.size(), IpcSender::DATA_PLANE, raw.descriptors.size()) !=
          nullptr);
    return message;
  }
  [[nodiscard]] bool silent() const { return receive_raw(peer.get()).size == -1; }
  [[nodiscard]] bool closed() const { return receive_raw(peer.get()).size == 0; }
  [[nodiscard]] IpcHello hello() const {
    IpcHello message;
    REQUIRE(greeting.bytes.size() == sizeof message);
    std::memcpy(&message, greeting.bytes.data(), sizeof message);
    CHECK(ipc_permitted(message.header, greeting.bytes.size(), IpcSender::DATA_PLANE,
                        greeting.descriptors.size()) != nullptr);
    return message;
  }

  TempFolder folder;
  UniqueFd listener;
  UniqueFd peer;
  RawMessage greeting;
  DataPlaneParts parts{worker_count};
  Runtime runtime;
  Waker waker;
  ImageKeeper images{runtime, waker, worker_count};
  ControlClient client{
      folder.path("link.sock"), parts.greeting(), parts.descriptors(), runtime, images, waker};
};

}  // namespace

TEST_CASE("the data plane greets with its workers' memory") {
  const Lab lab;
  CHECK(lab.hello().worker_count == worker_count);
  CHECK(lab.greeting.descriptors.size() == 2 * worker_count);
  CHECK(lab.hello().generation == 0);
  CHECK(lab.hello().island == 0);
  CHECK(lab.silent());
}

TEST_CASE("an image is accepted when every worker judges by it, not before") {
  Lab lab;
  const std::string image = image_of(41);
  const UniqueFd memory = memory_of(image.size(), all_seals, image);
  lab.say_image(memory.get(), image.size(), 9);
  CHECK(lab.runtime.image.load() != nullptr);
  CHECK(lab.waker.count == 1);
  CHECK(lab.silent());
  lab.workers_turn(1);
  CHECK(lab.silent());
  SUBCASE("meanwhile no other one is taken") {
    lab.say_image(memory.get(), image.size(), 10);
    const auto refused = lab.answer<IpcImageRefused>(IpcType::IMAGE_REFUSED, 10);
    CHECK(std::string(refused.broken.data()) == "the image before this one has not reached every worker yet");
  }
  lab.workers_turn();
  CHECK(lab.answer<IpcImageAccepted>(IpcType::IMAGE_ACCEPTED, 9).generation == 41);
  lab.workers_turn();
  CHECK(lab.silent());
}

TEST_CASE("a bad image is refused by name; the one before and the link stay") {
  Lab lab;
  const std::string image = image_of(41);
  const UniqueFd good = memory_of(image.size(), all_seals, image);
  lab.say_image(good.get(), image.size(), 1);
  lab.workers_turn();
  lab.answer<IpcImageAccepted>(IpcType::IMAGE_ACCEPTED, 1);
  const ImageSlot* const kept = lab.runtime.image.load();

  std::string other_magic = image;
  other_magic[0] = static_cast<char>(other_magic[0] ^ 1);
  const UniqueFd writable = memory_of(image.size(), F_SEAL_SHRINK | F_SEAL_GROW, image);
  const UniqueFd unclosed = memory_of(image.size(), all_seals & ~F_SEAL_SEAL, image);
  const UniqueFd broken = memory_of(image.size(), all_seals, other_magic);
  const UniqueFd cut = memory_of(image.size() / 2, all_seals, image.substr(0, image.size() / 2));
  const UniqueFd empty = memory_of(0, all_seals);
  const UniqueFd file(::open(lab.folder.path("image").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const struct {
    int fd;
    std::uint64_t size;
    const char* why;
  } rows[] = {
      {writable.get(), image.size(), "image memory is not sealed"},
      {unclosed.get(), image.size(), "image memory is not sealed"},
      {file.get(), 0, "image memory is not sealed"},
      {lab.peer.get(), image.size(), "image memory is not sealed"},
      {good.get(), image.size() - 1, "image memory has another size than announced"},
      {good.get(), image.size() + 1, "image memory has another size than announced"},
      {good.get(), ~std::uint64_t{0}, "image memory has another size than announced"},
      {empty.get(), 0, "image memory has another size than announced"},
      {broken.get(), image.size(), nullptr},
      {cut.get(), image.size() / 2, nullptr},
  };
  const std::size_t before = open_descriptor_count();
  for (std::uint64_t serial = 2; const auto& row : rows) {
    CAPTURE(serial);
    lab.say_image(row.fd, row.size, serial);
    const auto refused = lab.answer<IpcImageRefused>(IpcType::IMAGE_REFUSED, serial++);
    const std::string why = refused.broken.data();
    CHECK(!why.empty());
    if (row.why != nullptr) CHECK(why == row.why);
  }
  CHECK(open_descriptor_count() == before);
  CHECK(lab.runtime.image.load() == kept);
  CHECK(lab.silent());
}

TEST_CASE("island mode is answered when every worker knows") {
  Lab lab;
  lab.say_island(true, 3);
  CHECK(lab.runtime.island.load());
  lab.workers_turn(1);
  CHECK(lab.silent());
  lab.workers_turn();
  CHECK(lab.answer<IpcIsland>(IpcType::ISLAND_DONE, 3).on == 1);
  lab.say_island(false, 4);
  lab.workers_turn();
  CHECK(lab.answer<IpcIsland>(IpcType::ISLAND_DONE, 4).on == 0);
  lab.say(plain_message(IpcType::PING, 5));
  lab.answer<IpcPing>(IpcType::PONG, 5);
}

TEST_CASE("what a control plane may not say ends the link and changes nothing") {
  const std::size_t before = open_descriptor_count();
  std::vector<std::string> bad;
  for (const IpcType type : {IpcType::HELLO, IpcType::IMAGE_ACCEPTED, IpcType::IMAGE_REFUSED,
                             IpcType::ISLAND_DONE, IpcType::PONG, IpcType::IMAGE}) {
    bad.push_back(plain_message(type));  // the IMAGE comes without its memory
  }
  auto island = filled<IpcIsland>(IpcType::ISLAND, 3);
  island.on = 1;
  const std::string whole(reinterpret_cast<const char*>(&island), sizeof island);
  for (std::size_t size = 1; size < whole.size(); ++size) bad.push_back(whole.substr(0, size));
  bad.push_back(whole + std::string(1, '\0'));
  bad.push_back(whole + std::string(8000, 'x'));
  for (std::size_t octet = 0; octet < 16; ++octet) {
    bad.push_back(whole);
    bad.back()[octet] = static_cast<char>(bad.back()[octet] ^ 0x40);
  }
  for (const std::string& bytes : bad) {
    CAPTURE(bytes.size());
    Lab lab;
    lab.say(bytes);
    CHECK(lab.closed());
    CHECK_FALSE(lab.runtime.island.load());
    CHECK(lab.runtime.image.load() == nullptr);
  }
  CHECK(open_descriptor_count() == before);
}

TEST_CASE("descriptors that do not belong are closed") {
  Lab lab;
  const UniqueFd memory = memory_of(64, all_seals);
  for (const std::string& bytes :
       {std::string(), plain_message(IpcType::PING), plain_message(IpcType::IMAGE)}) {
    for (const std::size_t count : {std::size_t{2}, std::size_t{4}, std::size_t{40}}) {
      CAPTURE(bytes.size());
      CAPTURE(count);
      lab.greeting.descriptors.clear();
      const std::size_t before = open_descriptor_count();
      lab.say(bytes, std::vector<int>(count, memory.get()));
      CHECK(lab.closed());
      CHECK(open_descriptor_count() == before - 1);  // the client's end of the link
      lab.reconnect();
    }
  }
}

TEST_CASE(
    "the greeting of a second connection tells what is in force; no question of the first is answered") {
  Lab lab;
  const std::string image = image_of(41);
  const UniqueFd memory = memory_of(image.size(), all_seals, image);
  lab.say_image(memory.get(), image.size(), 9);
  lab.say_island(true, 10);
  lab.peer.reset();
  lab.client.turn(0, -1);
  lab.workers_turn();
  lab.reconnect();
  CHECK(lab.hello().generation == 41);
  CHECK(lab.hello().island == 1);
  lab.workers_turn();
  CHECK(lab.silent());
}

TEST_CASE("no connection is made while an image is on its way to the workers") {
  Lab lab;
  const std::string image = image_of(41);
  const UniqueFd memory = memory_of(image.size(), all_seals, image);
  lab.say_image(memory.get(), image.size(), 9);
  lab.peer.reset();
  std::this_thread::sleep_for(std::chrono::milliseconds(110));
  lab.client.turn(0, -1);
  lab.client.turn(0, -1);
  CHECK(::accept4(lab.listener.get(), nullptr, nullptr, SOCK_NONBLOCK) == -1);
  lab.workers_turn();
  lab.client.turn(0, -1);
  lab.accept();
  CHECK(lab.hello().generation == 41);
}

TEST_CASE("a control plane that does not read is left, not waited for") {
  Lab lab;
  const std::string ping = plain_message(IpcType::PING);
  std::size_t sent = 0;
  while (sent < 100'000 && send_raw(lab.peer.get(), ping.data(), ping.size())) {
    lab.client.turn(0, -1);
    ++sent;
  }
  CHECK(sent > 0);
  CHECK(sent < 100'000);
  lab.reconnect();
  CHECK(lab.hello().worker_count == worker_count);
}
