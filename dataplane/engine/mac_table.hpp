// Which MAC an address spoke from last: a changed one is an event. Fixed size, direct-mapped: an address that
// is pushed out by another is learned anew without an event. One worker's own.
#pragma once

#include <array>
#include <cstdint>

#include "config/abi/limits.hpp"
#include "dataplane/engine/checksum.hpp"
#include "protocols/core/rule_image.hpp"

namespace conduit {

class MacTable {
 public:
  // True: this address was known and has another MAC now.
  bool learn(std::uint8_t port, VlanKey vlan, const Address& address, const Mac& mac) noexcept {
    const std::uint64_t low = load_native<std::uint64_t>(address.data() + 8) ^ (std::uint64_t{vlan} << 20);
    const std::uint64_t mixed =
        (low ^ (load_native<std::uint64_t>(address.data()) * 31)) * 0x9E3779B97F4A7C15;
    Entry& entry = entries_[(mixed >> 40) % learned_mac_count];
    const bool known = entry.used && entry.port == port && entry.vlan == vlan && entry.address == address;
    const bool changed = known && entry.mac != mac;
    entry = Entry{address, vlan, mac, port, true};
    return changed;
  }

 private:
  struct Entry {
    Address address{};
    VlanKey vlan = 0;
    Mac mac{};
    std::uint8_t port = 0;
    bool used = false;
  };
  std::array<Entry, learned_mac_count> entries_{};
};

}  // namespace conduit
