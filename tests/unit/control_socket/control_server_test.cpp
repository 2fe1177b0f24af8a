// The control socket against clients that send any octets, too many, too few, or do not read.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <list>

#include "config/abi/limits.hpp"
#include "controlplane/link/unix_socket.hpp"
#include "tests/support/control_peer.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

// Someone else for as long as this object lives, if we are root; else we stay who we are, and are not root.
class AsStranger {
 public:
  explicit AsStranger(gid_t group) : root_(::geteuid() == 0) {
    if (root_) REQUIRE((::setegid(group) == 0 && ::seteuid(stranger) == 0));
  }
  ~AsStranger() {
    if (root_ && (::seteuid(0) != 0 || ::setegid(0) != 0)) std::abort();
  }
  AsStranger(const AsStranger&) = delete;
  AsStranger& operator=(const AsStranger&) = delete;

 private:
  static constexpr uid_t stranger = 424242;  // has no account
  bool root_;
};

constexpr gid_t own_group = 424243;

ControlAccess access_for(ControlRole role) {
  ControlAccess access = access_of(role);
  for (auto* list : {&access.viewer_gids, &access.operator_gids, &access.integrator_gids}) {
    if (!list->empty() && ::geteuid() == 0) *list = {own_group};
  }
  return access;
}

struct Lab {
  explicit Lab(ControlRole role = ControlRole::VIEWER, ControlAccess more = {}) {
    REQUIRE(::chmod(folder.path("").c_str(), 0755) == 0);
    ControlAccess access = access_for(role);
    for (const auto gid : more.viewer_gids) access.viewer_gids.push_back(gid);
    server = std::move(ControlServer::listen(path(), access, handler).value());
    handler.server = server.get();
  }
  [[nodiscard]] std::string path() const { return folder.path("control.sock"); }
  UniqueFd connect(gid_t group = own_group) {
    UniqueFd client;
    {
      const AsStranger other(group);
      client = std::move(connect_unix(path(), SOCK_STREAM).value());
    }
    serve_turn(*server);
    return client;
  }
  // Whether the server still holds its end after it has served what lies there.
  bool send(const UniqueFd& client, const std::string& bytes) {
    REQUIRE(write_now(client.get(), bytes));
    serve_until_quiet(*server);
    return !read_now(client.get()).closed;
  }

  TempFolder folder;
  RecordingHandler handler;
  std::unique_ptr<ControlServer> server;
};

ControlRequest status_request() {
  ControlRequest request;
  request.mutable_status();
  return request;
}

ControlRequest load_request(std::size_t size) {
  ControlRequest request;
  request.mutable_load()->set_bundle(std::string(size, 'b'));
  return request;
}

}  // namespace

TEST_CASE("a request is heard whole, however it is cut") {
  const std::string bytes = framed(load_request(300));
  for (const std::size_t first :
       {std::size_t{1}, std::size_t{3}, std::size_t{4}, std::size_t{5}, bytes.size() - 1}) {
    CAPTURE(first);
    Lab lab;
    const UniqueFd client = lab.connect();
    REQUIRE(lab.send(client, bytes.substr(0, first)));
    CHECK(lab.handler.heard.empty());
    REQUIRE(lab.send(client, bytes.substr(first)));
    REQUIRE(lab.handler.heard.size() == 1);
    CHECK(lab.handler.heard[0].request.load().bundle() == std::string(300, 'b'));
    CHECK(lab.handler.heard[0].role == ControlRole::VIEWER);
  }
  Lab lab;
  const UniqueFd client = lab.connect();
  for (const char octet : bytes) REQUIRE(lab.send(client, std::string(1, octet)));
  CHECK(lab.handler.heard.size() == 1);
}

TEST_CASE("requests that come together are all heard, in order") {
  Lab lab;
  const UniqueFd client = lab.connect();
  REQUIRE(lab.send(client, framed(load_request(1)) + framed(load_request(2)) + framed(status_request()) +
                               framed(load_request(4)).substr(0, 5)));
  REQUIRE(lab.handler.heard.size() == 3);
  CHECK(lab.handler.heard[0].request.load().bundle().size() == 1);
  CHECK(lab.handler.heard[1].request.load().bundle().size() == 2);
  CHECK(lab.handler.heard[2].request.has_status());
  REQUIRE(lab.send(client, framed(load_request(4)).substr(5)));
  CHECK(lab.handler.heard.size() == 4);
}

TEST_CASE("what is too large or cannot be read ends the session and is not heard") {
  const std::size_t request_size_max = bundle_size_max + 4096;
  const auto head = [](std::size_t size) { return framed(std::string(size, 'x')).substr(0, 4); };
  const struct {
    const char* name;
    std::string bytes;
    bool stays;
  } rows[] = {
      {"the largest announced", head(request_size_max), true},
      {"one more", head(request_size_max + 1), false},
      {"4 GiB", "\xff\xff\xff\xff", false},
      {"sign bit", std::string("\x80\0\0\0", 4), false},
      {"field number 0", framed(std::string("\x02\0", 2)), false},
      {"a field that ends outside", framed("\x0a\x7f\x0a"), false},
      {"a cut number", framed("\xff\xff"), false},
      {"an open group", framed("\x0b"), false},
      {"a bundle that ends outside", framed(std::string("\x0a\x04\x0a\xff\x01z", 6)), false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Lab lab;
    const UniqueFd client = lab.connect();
    CHECK(lab.send(client, row.bytes) == row.stays);
    CHECK(lab.handler.heard.empty());
    CHECK(lab.handler.closed.size() == (row.stays ? 0 : 1));
  }
}

TEST_CASE("nothing behind a bad request is heard") {
  Lab lab;
  const UniqueFd client = lab.connect();
  CHECK_FALSE(lab.send(client, framed(status_request()) + framed("\xff\xff") + framed(load_request(1))));
  CHECK(lab.handler.heard.size() == 1);
}

TEST_CASE("fields of later versions are passed over; a request that is none is still answered") {
  Lab lab;
  const UniqueFd client = lab.connect();
  const std::string later("\xfa\x01\x03xyz\x98\x02\x05", 9);  // field 31: octets, field 35: a number
  REQUIRE(lab.send(client, framed(status_request().SerializeAsString() + later)));
  REQUIRE(lab.send(client, framed(later)));
  REQUIRE(lab.send(client, framed(std::string())));
  REQUIRE(lab.handler.heard.size() == 3);
  CHECK(lab.handler.heard[0].request.has_status());
  CHECK(lab.handler.heard[1].request.what_case() == ControlRequest::WHAT_NOT_SET);
  CHECK(lab.handler.heard[2].request.what_case() == ControlRequest::WHAT_NOT_SET);
  // Two requests in one: the last one counts, as protobuf has it, for the role and for what is done.
  REQUIRE(
      lab.send(client, framed(load_request(1).SerializeAsString() + status_request().SerializeAsString())));
  CHECK(lab.handler.heard[3].request.what_case() == ControlRequest::kStatus);
}

TEST_CASE("a client that leaves in mid-request leaves nothing behind") {
  Lab lab;
  const std::size_t before = open_descriptor_count();
  for (const std::size_t cut : {0UL, 2UL, 4UL, 100UL}) {
    UniqueFd client = lab.connect();
    if (cut != 0) REQUIRE(lab.send(client, framed(load_request(300)).substr(0, cut)));
    client.reset();
    serve_until_quiet(*lab.server);
  }
  CHECK(lab.handler.heard.empty());
  CHECK(lab.handler.closed.size() == 4);
  CHECK(open_descriptor_count() == before);
  ControlResponse late;
  CHECK_FALSE(lab.server->respond(1, late));
  CHECK(lab.server->backlog(1) == 0);
}

TEST_CASE("who a peer is follows from its group") {
  const struct {
    ControlRole role;
    gid_t group;
    ControlRole expected;
  } rows[] = {
      {ControlRole::NONE, own_group, ControlRole::NONE},
      {ControlRole::VIEWER, own_group, ControlRole::VIEWER},
      {ControlRole::OPERATOR, own_group, ControlRole::OPERATOR},
      {ControlRole::INTEGRATOR, own_group, ControlRole::INTEGRATOR},
      {ControlRole::INTEGRATOR, own_group + 1, ControlRole::NONE},
  };
  for (const auto& row : rows) {
    if (::geteuid() != 0 && row.group != own_group) continue;
    Lab lab(row.role);
    const UniqueFd client = lab.connect(row.group);
    REQUIRE(lab.send(client, framed(status_request())));
    REQUIRE(lab.handler.heard.size() == 1);
    CHECK(lab.handler.heard[0].role == row.expected);
  }
  if (::geteuid() != 0) return;
  Lab lab(ControlRole::NONE);
  const UniqueFd root = std::move(connect_unix(lab.path(), SOCK_STREAM).value());
  serve_turn(*lab.server);
  REQUIRE(lab.send(root, framed(status_request())));
  CHECK(lab.handler.heard.at(0).role == ControlRole::INTEGRATOR);
}

TEST_CASE("strangers cannot take the places of those who may") {
  Lab lab(ControlRole::NONE);
  const std::size_t before = open_descriptor_count();
  std::list<UniqueFd> strangers;
  for (int count = 0; count < 40; ++count) {
    strangers.push_back(lab.connect());
    serve_until_quiet(*lab.server);
  }
  std::size_t held = 0;
  for (const UniqueFd& one : strangers) held += !read_now(one.get()).closed;
  CHECK(held == 8);
  CHECK(open_descriptor_count() == before + 40 + 8);
  if (::geteuid() == 0) {
    const UniqueFd root = std::move(connect_unix(lab.path(), SOCK_STREAM).value());
    serve_turn(*lab.server);
    CHECK(lab.send(root, framed(status_request())));
    CHECK(lab.handler.heard.size() == 1);
  }
  strangers.clear();
  serve_until_quiet(*lab.server);
  CHECK(open_descriptor_count() == before);
}

TEST_CASE("a client that asks and does not read is not heard further until it reads") {
  Lab lab;
  lab.handler.answer_size = 300'000;
  const UniqueFd client = lab.connect();
  std::string many;
  for (int count = 0; count < 200; ++count) many += framed(status_request());
  REQUIRE(write_now(client.get(), many));
  for (int turn = 0; turn < 1000; ++turn) serve_turn(*lab.server);
  CHECK(lab.handler.heard.size() >= 4);
  CHECK(lab.handler.heard.size() <= 10);
  std::size_t read = 0;
  for (int turn = 0; turn < 100'000 && lab.handler.heard.size() < 200; ++turn) {
    read += read_now(client.get()).bytes.size();
    serve_turn(*lab.server);
    REQUIRE(lab.server->backlog(1) < 2'000'000);
  }
  for (int turn = 0; turn < 10'000 && lab.server->backlog(1) != 0; ++turn) {
    read += read_now(client.get()).bytes.size();
    serve_turn(*lab.server);
  }
  read += read_now(client.get()).bytes.size();
  CHECK(lab.handler.heard.size() == 200);
  CHECK(read > 200 * lab.handler.answer_size);
  CHECK(lab.handler.refused == 0);
}

TEST_CASE("answers that nobody reads end the session at their bound") {
  Lab lab;
  const UniqueFd client = lab.connect();
  REQUIRE(lab.send(client, framed(load_request(1))));
  ControlResponse response;
  response.set_text(std::string(1'000'000, 'a'));
  int taken = 0;
  while (taken < 1000 && lab.server->respond(1, response)) ++taken;
  CHECK(taken == 33);
  CHECK_FALSE(lab.server->respond(1, response));
  serve_until_quiet(*lab.server);
  CHECK(lab.handler.closed == std::vector<std::uint64_t>{1});
  CHECK(lab.server->backlog(1) == 0);
}

TEST_CASE("an answer goes to the session that asked") {
  Lab lab;
  lab.handler.answer_size = 1;
  const UniqueFd first = lab.connect();
  const UniqueFd second = lab.connect();
  REQUIRE(write_now(second.get(), framed(status_request())));
  serve_until_quiet(*lab.server);
  CHECK(read_now(first.get()).bytes.empty());
  ControlResponse expected;
  expected.set_text("a");
  CHECK(read_now(second.get()).bytes == framed(expected.SerializeAsString()));
}
