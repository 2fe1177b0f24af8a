// Control socket: conduitctl's way in. A unix stream socket; who may do what follows from the peer's
// credentials. Single threaded, driven by the daemon's poll loop; a client that does not read is closed,
// never waited for.
#pragma once

#include <poll.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/abi/unique_fd.hpp"
#include "config/error.hpp"

namespace conduit {

namespace schema {
class ControlRequest;
class ControlResponse;
}  // namespace schema
using schema::ControlRequest;
using schema::ControlResponse;

// What a peer may ask for. Root may all.
enum class ControlRole : std::uint8_t { NONE = 0, VIEWER = 1, OPERATOR = 2, INTEGRATOR = 3 };

struct ControlAccess {
  std::vector<std::uint32_t> viewer_gids;      // status, events
  std::vector<std::uint32_t> operator_gids;    // and island mode
  std::vector<std::uint32_t> integrator_gids;  // and loading policies
};

// Group ids of names; an unknown name is an error.
[[nodiscard]] Expected<std::uint32_t> group_id(const std::string& name);

class ControlHandler {
 public:
  // Answer with ControlServer::respond, now or later.
  virtual void on_request(std::uint64_t session, ControlRole role, const ControlRequest& request) = 0;
  virtual void on_closed(std::uint64_t session) = 0;

 protected:
  ~ControlHandler() = default;
};

class ControlServer {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<ControlServer>> listen(const std::string& path,
                                                                       ControlAccess access,
                                                                       ControlHandler& handler);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  // Adds what to poll for; `serve` then takes the same entries back.
  void add_poll(std::vector<pollfd>& entries) const;
  void serve(const pollfd& entry);

  // False: the session is gone, or ends now because its client does not read. A response with `more` unset
  // does not end the session; the client closes it.
  bool respond(std::uint64_t session, const ControlResponse& response);
  // Octets that the client has not read yet.
  [[nodiscard]] std::size_t backlog(std::uint64_t session) const;

 private:
  struct Session {
    UniqueFd fd;
    ControlRole role = ControlRole::NONE;
    std::string in;
    std::string out;
  };

  ControlServer(std::string path, UniqueFd listener, ControlAccess access, ControlHandler& handler);
  void accept_ready();
  bool read_ready(Session& session);
  bool take_requests(std::uint64_t id, Session& session);
  bool flush(Session& session);
  [[nodiscard]] ControlRole role_of(int fd) const;
  void close(std::uint64_t id);

  std::string path_;
  UniqueFd listener_;
  ControlAccess access_;
  ControlHandler& handler_;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, Session> sessions_;
};

}  // namespace conduit
