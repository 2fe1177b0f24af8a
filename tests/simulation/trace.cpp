#include "tests/simulation/trace.hpp"

#include <array>
#include <cstdio>

namespace conduit::simulation {

void Trace::put_octets(View octets) {
  std::array<char, 4> text{};
  for (std::size_t i = 0; i < octets.size() && i < 40; ++i) {
    std::snprintf(text.data(), text.size(), "%02x", octets[i]);
    text_ += text.data();
  }
  text_ += '\n';
}

void Trace::line(const char* where, View frame) {
  static constexpr char names[] = "FSRPAU";
  std::array<char, 256> head{};
  const double at = static_cast<double>(scheduler_.now()) / 1e6;
  const std::optional<Packet> packet = decode(frame);
  if (const std::optional<Packet> datagram = decode_datagram(frame)) {
    std::snprintf(head.data(), head.size(), "%12.3f ms %s  UDP %u→%u len %zu%s%s%s ", at, where,
                  datagram->source_port, datagram->destination_port, datagram->payload.size(),
                  datagram->tcp_checksum_error != 0 ? " BAD-UDP-SUM" : "",
                  datagram->ip_checksum_error != 0 ? " BAD-IP-SUM" : "",
                  datagram->udp_length_error != 0 ? " BAD-LENGTH" : "");
    text_ += head.data();
    put_octets(datagram->payload);
    return;
  }
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
  put_octets(packet->payload);
}

}  // namespace conduit::simulation
