// Addresses as integrators write them.
#pragma once

#include <string>

#include "config/policy/image_builder.hpp"

namespace conduit {

// "10.0.7.1" or "10.0.8.0/24"; without a prefix length, `bits` is 128. False: `error` says what to write.
[[nodiscard]] bool parse_address(const std::string& text, bool ipv6, PrefixSource& address,
                                 std::string& error);
// Multicast, or the limited broadcast. (Directed broadcasts cannot be told without the network's mask.)
[[nodiscard]] bool is_group(const Address& address, bool ipv6);
[[nodiscard]] bool parse_mac(const std::string& text, Mac& mac);

}  // namespace conduit
