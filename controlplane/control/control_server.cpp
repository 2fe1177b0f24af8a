#include "controlplane/control/control_server.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "config/abi/limits.hpp"
#include "config/schema/control.pb.h"
#include "controlplane/link/unix_socket.hpp"
#include "protocols/core/bytes.hpp"

namespace conduit {
namespace {

// By role: so many sessions of this role and the lower ones. Whoever may do more finds room always.
constexpr std::array<std::size_t, 4> session_count_max{8, 16, 24, 32};
constexpr std::size_t frame_head_size = 4;
constexpr std::size_t request_size_max = bundle_size_max + 4096;
constexpr std::size_t backlog_size_max = 32UL * 1024 * 1024;  // then the session ends
constexpr std::size_t unread_size_max = 1024UL * 1024;        // of answers, before the next request is taken

bool any_of(const std::vector<std::uint32_t>& wanted, const std::vector<gid_t>& groups) {
  return std::any_of(wanted.begin(), wanted.end(), [&](std::uint32_t gid) {
    return std::find(groups.begin(), groups.end(), gid) != groups.end();
  });
}

// Primary group of the peer and, as far as its account is known, the others.
std::vector<gid_t> groups_of(const ucred& peer) {
  std::vector<gid_t> groups{peer.gid};
  const passwd* account = ::getpwuid(peer.uid);
  if (account == nullptr) return groups;
  int count = 64;
  groups.resize(static_cast<std::size_t>(count));
  if (::getgrouplist(account->pw_name, peer.gid, groups.data(), &count) < 0) count = 64;
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

std::uint32_t frame_size(const std::string& bytes) {
  return load_u32be(reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

}  // namespace

Expected<std::uint32_t> group_id(const std::string& name) {
  const group* entry = ::getgrnam(name.c_str());
  if (entry == nullptr) {
    return fail("control.group_unknown", "there is no group \"" + name + "\" on this machine", "control",
                "make the group, or name another in gateway.txtpb");
  }
  return entry->gr_gid;
}

ControlServer::ControlServer(std::string path, UniqueFd listener, ControlAccess access,
                             ControlHandler& handler)
    : path_(std::move(path)), listener_(std::move(listener)), access_(std::move(access)), handler_(handler) {}

ControlServer::~ControlServer() { ::unlink(path_.c_str()); }

Expected<std::unique_ptr<ControlServer>> ControlServer::listen(const std::string& path, ControlAccess access,
                                                               ControlHandler& handler) {
  // Anybody may connect; what a peer may do is decided by its credentials.
  auto listener = listen_unix(path, SOCK_STREAM, 0666);
  if (!listener) return tl::unexpected(listener.error());
  return std::unique_ptr<ControlServer>(
      new ControlServer(path, std::move(*listener), std::move(access), handler));
}

void ControlServer::add_poll(std::vector<pollfd>& entries) const {
  entries.push_back({listener_.get(), POLLIN, 0});
  for (const auto& [id, session] : sessions_) {
    const int in = session.out.size() < unread_size_max ? POLLIN : 0;
    const int out = session.out.empty() ? 0 : POLLOUT;
    entries.push_back({session.fd.get(), static_cast<short>(in | out), 0});
  }
}

void ControlServer::serve(const pollfd& entry) {
  if (entry.revents == 0) return;
  if (entry.fd == listener_.get()) return accept_ready();
  for (auto& [id, session] : sessions_) {
    if (session.fd.get() != entry.fd) continue;
    const bool alive = ((entry.revents & POLLOUT) == 0 || flush(session)) &&
                       ((entry.revents & (POLLIN | POLLHUP | POLLERR)) == 0 || read_ready(session)) &&
                       take_requests(id, session);
    if (!alive) close(id);
    return;
  }
}

ControlRole ControlServer::role_of(int fd) const {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return ControlRole::NONE;
  if (peer.uid == 0) return ControlRole::INTEGRATOR;
  const std::vector<gid_t> groups = groups_of(peer);
  if (any_of(access_.integrator_gids, groups)) return ControlRole::INTEGRATOR;
  if (any_of(access_.operator_gids, groups)) return ControlRole::OPERATOR;
  if (any_of(access_.viewer_gids, groups)) return ControlRole::VIEWER;
  return ControlRole::NONE;
}

void ControlServer::accept_ready() {
  UniqueFd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!peer.open()) return;
  Session session;
  session.role = role_of(peer.get());
  const auto count = std::count_if(sessions_.begin(), sessions_.end(),
                                   [&](const auto& one) { return one.second.role <= session.role; });
  if (static_cast<std::size_t>(count) >= session_count_max[static_cast<std::size_t>(session.role)]) return;
  session.fd = std::move(peer);
  sessions_.emplace(next_id_++, std::move(session));
}

bool ControlServer::read_ready(Session& session) {
  char bytes[65536];
  const long received = ::recv(session.fd.get(), bytes, sizeof bytes, 0);
  if (received == 0) return false;
  if (received < 0) return errno == EAGAIN || errno == EINTR;
  session.in.append(bytes, static_cast<std::size_t>(received));
  return true;
}

bool ControlServer::take_requests(std::uint64_t id, Session& session) {
  while (session.in.size() >= frame_head_size && session.out.size() < unread_size_max) {
    const std::size_t size = frame_size(session.in);
    if (size > request_size_max) return false;
    if (session.in.size() - frame_head_size < size) return true;
    ControlRequest request;
    const bool read = request.ParseFromArray(session.in.data() + frame_head_size, static_cast<int>(size));
    session.in.erase(0, frame_head_size + size);
    if (!read) return false;
    handler_.on_request(id, session.role, request);
  }
  return true;
}

bool ControlServer::flush(Session& session) {
  while (!session.out.empty()) {
    const long sent = ::send(session.fd.get(), session.out.data(), session.out.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    session.out.erase(0, static_cast<std::size_t>(sent));
  }
  return true;
}

bool ControlServer::respond(std::uint64_t session, const ControlResponse& response) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return false;
  const std::string body = response.SerializeAsString();
  if (found->second.out.size() + frame_head_size + body.size() > backlog_size_max) {
    // Not closed at once, since its own request may have led here: its next event is its end.
    ::shutdown(found->second.fd.get(), SHUT_RDWR);
    return false;
  }
  std::uint8_t head[frame_head_size];
  store_u32be(head, static_cast<std::uint32_t>(body.size()));
  found->second.out.append(reinterpret_cast<const char*>(head), sizeof head);
  found->second.out += body;
  return true;
}

std::size_t ControlServer::backlog(std::uint64_t session) const {
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? 0 : found->second.out.size();
}

void ControlServer::close(std::uint64_t id) {
  sessions_.erase(id);
  handler_.on_closed(id);
}

}  // namespace conduit
