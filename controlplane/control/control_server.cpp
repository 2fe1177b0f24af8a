#include "controlplane/control/control_server.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "config/abi/limits.hpp"
#include "config/schema/control.pb.h"
#include "controlplane/link/unix_socket.hpp"
#include "protocols/core/bytes.hpp"

namespace conduit {
namespace {

constexpr std::size_t session_count_max = 32;
constexpr std::size_t request_size_max = bundle_size_max + 4096;
constexpr std::size_t backlog_size_max = 32UL * 1024 * 1024;

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
    const auto events = static_cast<short>(session.out.empty() ? POLLIN : POLLIN | POLLOUT);
    entries.push_back({session.fd.get(), events, 0});
  }
}

void ControlServer::serve(const pollfd& entry) {
  if (entry.revents == 0) return;
  if (entry.fd == listener_.get()) return accept_ready();
  for (auto& [id, session] : sessions_) {
    if (session.fd.get() != entry.fd) continue;
    const bool alive = ((entry.revents & POLLOUT) == 0 || flush(session)) &&
                       ((entry.revents & (POLLIN | POLLHUP | POLLERR)) == 0 || read_ready(id, session));
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
  if (!peer.open() || sessions_.size() >= session_count_max) return;
  Session session;
  session.role = role_of(peer.get());
  session.fd = std::move(peer);
  sessions_.emplace(next_id_++, std::move(session));
}

bool ControlServer::read_ready(std::uint64_t id, Session& session) {
  char bytes[65536];
  const long received = ::recv(session.fd.get(), bytes, sizeof bytes, 0);
  if (received == 0) return false;
  if (received < 0) return errno == EAGAIN || errno == EINTR;
  session.in.append(bytes, static_cast<std::size_t>(received));
  if (session.in.size() < 4) return true;
  const std::size_t size = frame_size(session.in);
  if (size > request_size_max) return false;
  if (session.in.size() < 4 + size) return true;
  ControlRequest request;
  const bool read = request.ParseFromArray(session.in.data() + 4, static_cast<int>(size));
  session.in.erase(0, 4 + size);
  if (!read) return false;
  handler_.on_request(id, session.role, request);
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
  std::uint8_t head[4];
  store_u32be(head, static_cast<std::uint32_t>(body.size()));
  found->second.out.append(reinterpret_cast<const char*>(head), sizeof head);
  found->second.out += body;
  return found->second.out.size() <= backlog_size_max;
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
