// Netfilter hands over packets with their source MAC, but not with the one they go to. What can be said of
// it: groups by the mark that the kernel's rules set and the group's address, hosts by what they have sent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace conduit {

inline constexpr std::size_t ethernet_size = 14;

// A locally administered MAC that nobody has stands for one that is not known.
[[nodiscard]] bool is_unknown_mac(const std::uint8_t* mac) noexcept;

// Writes the MAC that a packet (IP header first) with this mark goes to, 6 octets. mark_broadcast and
// mark_multicast say that it is a group; IPv4 and IPv6 group addresses say which (RFC 1112 §6.4, RFC 2464
// §7). With any other address it is a group to which no packet belongs. mark_unicast: not known.
void group_mac(std::uint32_t mark, const std::uint8_t* packet, std::size_t size, std::uint8_t* mac) noexcept;

// MACs of the hosts whose packets the engine let pass, by port and address. A slot holds the newest; a
// collision costs a host its entry until its next packet.
class Neighbours {
 public:
  // From a frame (Ethernet header first, no tags) that came in through `port`.
  void learn(std::uint8_t port, const std::uint8_t* frame, std::size_t size) noexcept;
  // Writes the destination MAC of a frame that leaves through `port`, if it is known.
  void resolve(std::uint8_t port, std::uint8_t* frame, std::size_t size) const noexcept;

 private:
  struct Entry {
    std::uint8_t address[16] = {};
    std::uint8_t mac[6] = {};
    std::uint8_t port = 0;
    bool used = false;
  };
  static bool read_key(std::uint8_t port, const std::uint8_t* frame, std::size_t size, bool destination,
                       Entry& entry) noexcept;
  static std::size_t slot_of(const Entry& entry) noexcept;

  static constexpr std::size_t slot_count = 4096;
  std::array<Entry, slot_count> entries_{};
};

}  // namespace conduit
