#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/io/back_end.hpp"

namespace conduit {

Doorbell::~Doorbell() {
  if (fd_ >= 0) ::close(fd_);
}

bool Doorbell::open(const std::string& interface) noexcept {
  // Protocol 0 until it is bound: no frame of another interface may get in.
  fd_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) return false;
  const int room = 2048;
  const int on = 1;
  sock_filter one_octet[] = {{BPF_RET | BPF_K, 0, 0, 1}};
  const sock_fprog filter{1, one_octet};
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  return address.sll_ifindex != 0 && ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) == 0 &&
         ::setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0 &&
         ::setsockopt(fd_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) == 0 &&
         ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

void Doorbell::silence() noexcept {
  std::uint8_t octet = 0;
  for (int count = 0; count < 64 && ::recv(fd_, &octet, sizeof octet, MSG_TRUNC) >= 0; ++count) {
  }
}

}  // namespace conduit
