#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "dataplane/control_client.hpp"

namespace conduit {
namespace {

constexpr int first_kept_fd = 3;  // where the supervisor's descriptors begin (sd_listen_fds)

// A whole decimal number, or -1.
int number(std::string_view text) noexcept {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : -1;
}

void send_state(const std::string& state, int fd) noexcept {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || path[0] == '\0') return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::strlen(path);
  if (length >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = '\0';
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.open()) return;
  iovec part{const_cast<char*>(state.data()), state.size()};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  // A supervisor that does not listen changes nothing for the plant.
  if (::sendmsg(socket.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return;
}

}  // namespace

void notify_supervisor(const char* state) noexcept { send_state(state, -1); }

void store_descriptor(const char* name, int fd) noexcept {
  send_state(std::string("FDSTOREREMOVE=1\nFDNAME=") + name, -1);
  send_state(std::string("FDSTORE=1\nFDNAME=") + name, fd);
}

int stored_descriptor(const char* name) noexcept {
  const char* count_text = std::getenv("LISTEN_FDS");
  const char* names_text = std::getenv("LISTEN_FDNAMES");
  const char* pid_text = std::getenv("LISTEN_PID");
  if (count_text == nullptr) return -1;
  if (pid_text != nullptr && number(pid_text) != ::getpid()) return -1;
  const int count = number(count_text);
  std::string names = names_text == nullptr ? "" : names_text;
  int found = -1;
  for (int index = 0; index < count; ++index) {
    const std::size_t end = names.find(':');
    if (names.substr(0, end) == name) found = first_kept_fd + index;  // the newest stands last
    names = end == std::string::npos ? "" : names.substr(end + 1);
  }
  return found;
}

}  // namespace conduit
