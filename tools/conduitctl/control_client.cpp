#include "tools/conduitctl/control_client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "config/schema/control.pb.h"
#include "controlplane/link/unix_socket.hpp"
#include "protocols/core/bytes.hpp"

namespace conduit {
namespace {
constexpr std::size_t answer_size_max = 64UL * 1024 * 1024;
}

Expected<ControlClient> ControlClient::connect(const std::string& path) {
  auto fd = connect_unix(path, SOCK_STREAM);
  if (!fd) {
    Error error = fd.error();
    error.name = "control.unreachable";
    error.remedy = "is conduit-controlplane running? another socket: --socket PATH";
    return tl::unexpected(error);
  }
  return ControlClient(std::move(*fd));
}

Expected<void> ControlClient::ask(const ControlRequest& request) {
  const std::string body = request.SerializeAsString();
  std::uint8_t head[4];
  store_u32be(head, static_cast<std::uint32_t>(body.size()));
  std::string bytes(reinterpret_cast<const char*>(head), sizeof head);
  bytes += body;
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t now = ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (now < 0 && errno == EINTR) continue;
    if (now < 0)
      return fail("control.send", std::string("the daemon does not listen: ") + std::strerror(errno));
    sent += static_cast<std::size_t>(now);
  }
  return {};
}

Expected<void> ControlClient::read_exactly(char* bytes, std::size_t size, int timeout_ms) {
  std::size_t got = 0;
  while (got < size) {
    pollfd entry{fd_.get(), POLLIN, 0};
    const int ready = ::poll(&entry, 1, timeout_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return fail("control.timeout", "the daemon does not answer");
    const ssize_t now = ::recv(fd_.get(), bytes + got, size - got, 0);
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0) return fail("control.closed", "the daemon closed the connection");
    got += static_cast<std::size_t>(now);
  }
  return {};
}

Expected<ControlResponse> ControlClient::answer(int timeout_ms) {
  std::uint8_t head[4];
  auto read = read_exactly(reinterpret_cast<char*>(head), sizeof head, timeout_ms);
  if (!read) return tl::unexpected(read.error());
  const std::size_t size = load_u32be(head);
  if (size > answer_size_max) return fail("control.answer", "the daemon's answer is too large");
  std::string body(size, '\0');
  read = read_exactly(body.data(), size, timeout_ms);
  if (!read) return tl::unexpected(read.error());
  ControlResponse response;
  if (!response.ParseFromString(body)) return fail("control.answer", "the daemon's answer cannot be read");
  return response;
}

}  // namespace conduit
