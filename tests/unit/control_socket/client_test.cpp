// conduitctl's end of the control socket, against a daemon that answers with any octets.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include "controlplane/link/unix_socket.hpp"
#include "tests/support/control_peer.hpp"
#include "tools/conduitctl/control_client.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr int wait_ms = 50;

struct Lab {
  Lab() : listener(std::move(listen_unix(folder.path("s"), SOCK_STREAM, 0600).value())) {
    client = std::make_unique<ControlClient>(std::move(ControlClient::connect(folder.path("s")).value()));
    peer = UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    REQUIRE(peer.open());
  }
  std::string error_after(const std::string& bytes, bool close) {
    REQUIRE(write_now(peer.get(), bytes));
    if (close) peer.reset();
    const auto answer = client->answer(wait_ms);
    return answer ? "" : answer.error().name;
  }

  TempFolder folder;
  UniqueFd listener;
  std::unique_ptr<ControlClient> client;
  UniqueFd peer;
};

}  // namespace

TEST_CASE("answers that cannot be right are errors by name, and never waited for beyond the time") {
  const struct {
    const char* what;
    std::string bytes;
    bool close;
    const char* error;
  } rows[] = {
      {"nothing", "", false, "control.timeout"},
      {"the end", "", true, "control.closed"},
      {"half a length", std::string("\0\0", 2), false, "control.timeout"},
      {"half a length and the end", std::string("\0\0", 2), true, "control.closed"},
      {"half an answer", framed(std::string("\x08\x01", 2)).substr(0, 5), false, "control.timeout"},
      {"half an answer and the end", framed(std::string("\x08\x01", 2)).substr(0, 5), true, "control.closed"},
      {"more than 64 MiB", std::string("\x04\0\0\x01", 4), false, "control.answer"},
      {"4 GiB", "\xff\xff\xff\xff", false, "control.answer"},
      {"no message", framed("\xff\xff"), false, "control.answer"},
      {"text that is not UTF-8", framed("\x1a\x01\xff"), false, "control.answer"},
      {"an empty answer", framed(std::string()), false, ""},
      {"fields of a later version", framed(std::string("\x08\x01\xfa\x01\x01x", 6)), false, ""},
      {"an outcome of a later version", framed("\x08\x63"), false, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    Lab lab;
    CHECK(lab.error_after(row.bytes, row.close) == row.error);
  }
}

TEST_CASE("answers that come together are read one by one") {
  Lab lab;
  ControlResponse first;
  first.set_text("first");
  ControlResponse second;
  second.set_text("second");
  REQUIRE(write_now(lab.peer.get(), framed(first.SerializeAsString()) + framed(second.SerializeAsString())));
  CHECK(lab.client->answer(wait_ms).value().text() == "first");
  CHECK(lab.client->answer(wait_ms).value().text() == "second");
  CHECK(lab.client->answer(0).error().name == "control.timeout");
}

TEST_CASE("a request to a daemon that has gone is an error") {
  Lab lab;
  lab.peer.reset();
  ControlRequest request;
  request.mutable_load()->set_bundle(std::string(1'000'000, 'b'));
  CHECK(lab.client->ask(request).error().name == "control.send");
  CHECK(ControlClient::connect(lab.folder.path("none")).error().name == "control.unreachable");
}
