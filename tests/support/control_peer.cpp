#include "tests/support/control_peer.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocols/core/bytes.hpp"

namespace conduit::test {

std::string framed(const std::string& body) {
  std::uint8_t head[4];
  store_u32be(head, static_cast<std::uint32_t>(body.size()));
  return std::string(reinterpret_cast<const char*>(head), sizeof head) + body;
}

std::string framed(const ControlRequest& request) { return framed(request.SerializeAsString()); }

ControlAccess access_of(ControlRole role) {
  ControlAccess access;
  const std::vector<std::uint32_t> own{::getegid()};
  if (role == ControlRole::VIEWER) access.viewer_gids = own;
  if (role == ControlRole::OPERATOR) access.operator_gids = own;
  if (role == ControlRole::INTEGRATOR) access.integrator_gids = own;
  return access;
}

void RecordingHandler::on_request(std::uint64_t session, ControlRole role, const ControlRequest& request) {
  heard.push_back({session, role, request});
  if (server == nullptr || !request.has_status()) return;
  ControlResponse response;
  response.set_text(std::string(answer_size, 'a'));
  if (server->respond(session, response)) {
    ++answered;
  } else {
    ++refused;
  }
}

std::size_t serve_turn(ControlServer& server) {
  std::vector<pollfd> entries;
  server.add_poll(entries);
  const int ready = ::poll(entries.data(), entries.size(), 0);
  for (const pollfd& entry : entries) server.serve(entry);
  return ready < 0 ? 0 : static_cast<std::size_t>(ready);
}

void serve_until_quiet(ControlServer& server, std::size_t turns_max) {
  for (std::size_t turn = 0; turn < turns_max && serve_turn(server) != 0; ++turn) {
  }
}

Octets read_now(int socket, std::size_t size_max) {
  Octets octets;
  char bytes[65536];
  while (octets.bytes.size() < size_max) {
    const std::size_t wanted = std::min(sizeof bytes, size_max - octets.bytes.size());
    const long now = ::recv(socket, bytes, wanted, MSG_DONTWAIT);
    octets.closed = now == 0 || (now < 0 && errno == ECONNRESET);
    if (now <= 0) break;
    octets.bytes.append(bytes, static_cast<std::size_t>(now));
  }
  return octets;
}

bool write_now(int socket, const std::string& bytes) {
  return ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) ==
         static_cast<long>(bytes.size());
}

}  // namespace conduit::test
