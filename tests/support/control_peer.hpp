// A client of the control socket in the hands of a test: it sends any octets, and turns the server's poll
// loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/schema/control.pb.h"
#include "controlplane/control/control_server.hpp"
#include "tests/support/link_peer.hpp"

namespace conduit::test {

[[nodiscard]] std::string framed(const std::string& body);
[[nodiscard]] std::string framed(const ControlRequest& request);

// Group of this process as a peer of the socket, and a role that it gets by it.
[[nodiscard]] ControlAccess access_of(ControlRole role);

// Answers `status` with an answer of `answer_size` octets, everything else with nothing.
class RecordingHandler final : public ControlHandler {
 public:
  void on_request(std::uint64_t session, ControlRole role, const ControlRequest& request) override;
  void on_closed(std::uint64_t session) override { closed.push_back(session); }

  struct Heard {
    std::uint64_t session;
    ControlRole role;
    ControlRequest request;
  };
  std::vector<Heard> heard;
  std::vector<std::uint64_t> closed;
  ControlServer* server = nullptr;
  std::size_t answer_size = 0;
  std::size_t answered = 0;
  std::size_t refused = 0;  // answers that the server did not take
};

// One turn of the loop that the daemon runs, without waiting; how many descriptors had something to say.
std::size_t serve_turn(ControlServer& server);
void serve_until_quiet(ControlServer& server, std::size_t turns_max = 10'000);

// What lies in the socket now; `closed` if its other end is.
struct Octets {
  std::string bytes;
  bool closed = false;
};
[[nodiscard]] Octets read_now(int socket, std::size_t size_max = 1UL << 30);
// False: the socket has no room, or is closed.
bool write_now(int socket, const std::string& bytes);

}  // namespace conduit::test
