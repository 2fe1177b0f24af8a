#include "tests/simulation/trace.hpp"

#include <array>
#include <cstdio>

namespace conduit::simulation {

void Trace::line(const char* where, View frame) {
  static constexpr char names[] = "FSRPAU";
  std::array<char, 256> head{};
  const double at = static_cast<double>(scheduler_.now()) / 1e6;
  const std::optional<Packet> packet = decode(frame);
  if (!packet) {
    std::snprintf(head.data(), head.size(), "%12.3f ms %s  no TCP, %zu octets\n", at, where, frame.size());
    text_ += head.data();
    return;
  }
  std::string flags;
  for (unsigned i = 0; i < 6; ++i) {
    if ((packet->flags >> i & 1U) != 0) flags += names[i];
  }
  std::snprintf(head.data(), head.size(), "%12.3f ms %s  %u→%u %s seq %u ack %u win %u len %zu%s%s%s ", at,
                where, packet->source_port, packet->destination_port, flags.c_str(), packet->sequence,
                packet->acknowledgement, packet->window, packet->payload.size(),
                packet->tcp_checksum_error != 0 ? " BAD-TCP-SUM" : "",
                packet->ip_checksum_error != 0 ? " BAD-IP-SUM" : "", packet->ttl < 2 ? " LOW-TTL" : "");
  text_ += head.data();
  for (std::size_t i = 0; i < packet->payload.size() && i < 40; ++i) {
    std::snprintf(head.data(), head.size(), "%02x", packet->payload[i]);
    text_ += head.data();
  }
  text_ += '\n';
}

}  // namespace conduit::simulation
