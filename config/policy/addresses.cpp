#include "config/policy/addresses.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace conduit {
namespace {

// The address with all bits behind `bits` cleared.
Address masked(Address address, std::uint8_t bits) {
  for (std::size_t index = 0; index < address.size(); ++index) {
    const int kept = static_cast<int>(bits) - static_cast<int>(index) * 8;
    if (kept >= 8) continue;
    address[index] =
        kept <= 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(address[index] & (0xFF00 >> kept));
  }
  return address;
}

// IPv4 lives in ::ffff:0:0/96 of the image: no IPv6 address may reach into it.
bool takes_in_ipv4(const std::string& text, const PrefixSource& address, std::string& error) {
  constexpr Address mapped = ipv4_address(0, 0, 0, 0);
  const std::uint8_t bits = std::min<std::uint8_t>(address.bits, 96);
  if (masked(mapped, bits) != masked(address.address, bits)) return false;
  error = "\"" + text +
          "\" takes in IPv4 addresses; write those as ipv4, and of IPv6 \"2000::/3\" or \"fc00::/7\"";
  return true;
}

}  // namespace

bool parse_address(const std::string& text, bool ipv6, PrefixSource& address, std::string& error) {
  const std::size_t slash = text.find('/');
  const std::string number = text.substr(0, slash);
  const std::size_t head = ipv6 ? 0 : 12;
  address.address = ipv6 ? Address{} : ipv4_address(0, 0, 0, 0);
  address.bits = 128;
  const bool whole = text.find('\0') == std::string::npos;
  if (!whole || ::inet_pton(ipv6 ? AF_INET6 : AF_INET, number.c_str(), address.address.data() + head) != 1) {
    error = "\"" + text + "\" is not an " +
            (ipv6 ? "IPv6 address; write \"fd00::1\"" : "IPv4 address; write \"10.0.7.1\"") +
            " or a network with its prefix length";
    return false;
  }
  if (slash == std::string::npos) return !ipv6 || !takes_in_ipv4(text, address, error);
  const char* const behind = text.data() + text.size();
  int length = 0;
  const auto [end, failed] = std::from_chars(text.data() + slash + 1, behind, length);
  const int longest = ipv6 ? 128 : 32;
  if (failed != std::errc() || end != behind || length < 0 || length > longest) {
    error = "\"" + text + "\": the prefix length is a number from 0 to " + std::to_string(longest);
    return false;
  }
  address.bits = static_cast<std::uint8_t>(length + (ipv6 ? 0 : 96));
  if (ipv6 && takes_in_ipv4(text, address, error)) return false;
  if (masked(address.address, address.bits) == address.address) return true;
  const Address network = masked(address.address, address.bits);
  char written[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(ipv6 ? AF_INET6 : AF_INET, network.data() + head, written, sizeof written);
  error =
      "\"" + text + "\" has bits behind its prefix; write \"" + written + "/" + std::to_string(length) + "\"";
  return false;
}

bool is_group(const Address& address, bool ipv6) {
  if (ipv6) return address[0] == 0xFF;
  constexpr Address broadcast = ipv4_address(255, 255, 255, 255);
  return (address[12] & 0xF0) == 0xE0 || address == broadcast;
}

bool parse_mac(const std::string& text, Mac& mac) {
  if (text.size() != 17) return false;
  for (std::size_t index = 0; index < mac.size(); ++index) {
    const char* at = text.data() + index * 3;
    const auto [end, error] = std::from_chars(at, at + 2, mac[index], 16);
    if (error != std::errc() || end != at + 2 || (index < 5 && at[2] != ':')) return false;
  }
  return true;
}

}  // namespace conduit
