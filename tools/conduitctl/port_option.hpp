// --port NUMBER=PROTOCOL: a port on which a protocol is spoken in this capture.
#pragma once

#include "tools/conduitctl/stream_decoder.hpp"

namespace conduit {

// False: `error` says what to write instead.
[[nodiscard]] inline bool assign_port(const std::string& text, PortMap& ports, std::string& error) {
  const std::size_t equals = text.find('=');
  const std::string name = equals == std::string::npos ? "" : text.substr(equals + 1);
  unsigned long number = 0;
  try {
    std::size_t used = 0;
    number = std::stoul(text, &used);
    if (used != equals) number = 0;
  } catch (const std::exception&) {
    number = 0;
  }
  const Protocol* protocol = find_protocol(name);
  if (number == 0 || number > 65535 || protocol == nullptr) {
    error = "--port " + text + ": write NUMBER=PROTOCOL; known protocols:";
    for (const Protocol* known : all_protocols()) error += " " + std::string(known->name);
    return false;
  }
  if (protocol->tcp_port != 0) ports[{Transport::TCP, static_cast<std::uint16_t>(number)}] = protocol;
  if (protocol->udp_port != 0) ports[{Transport::UDP, static_cast<std::uint16_t>(number)}] = protocol;
  return true;
}

}  // namespace conduit
