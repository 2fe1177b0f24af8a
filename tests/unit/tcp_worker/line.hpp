// One TCP connection between the HMI and the PLC of the plant, segment by segment, through a real worker.
#pragma once

#include <doctest/doctest.h>

#include "dataplane/engine/frame.hpp"
#include "tests/unit/engine_support/plant.hpp"

namespace conduit::test {
inline constexpr std::uint8_t fin = 0x01;
inline constexpr std::uint8_t syn = 0x02;
inline constexpr std::uint8_t rst = 0x04;
inline constexpr std::uint8_t psh_ack = 0x18;
inline constexpr std::uint8_t ack = 0x10;
inline constexpr std::uint32_t client_first = 1001;
inline constexpr std::uint32_t server_first = 5001;

// What left the gateway: port, numbers, bytes.
struct Left {
  std::uint8_t port = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::uint8_t flags = 0;
  Octets payload{};
  Octets tags{};
};

inline Left read_left(std::uint8_t port, Octets frame) {
  ParsedFrame parsed;
  parse_frame(frame.data(), static_cast<std::uint32_t>(frame.size()), port, 0, 1, parsed);
  REQUIRE(parsed.reason == Reason::NONE);
  Left left;
  left.port = port;
  left.sequence = parsed.sequence;
  left.acknowledgement = parsed.acknowledgement;
  left.flags = parsed.tcp_flags;
  left.payload.assign(parsed.payload().begin(), parsed.payload().end());
  left.tags.assign(frame.begin() + 12, frame.begin() + parsed.l3_offset - 2);
  return left;
}

// One connection between HMI and PLC.
struct Line {
  explicit Line(Plane& p, bool version6 = false, Octets t = {})
      : plane(p), ipv6(version6), tags(std::move(t)) {}

  std::vector<Left> send(std::uint8_t side, std::uint32_t sequence, std::uint32_t acknowledgement,
                         std::uint8_t flags, const Octets& payload = {}) {
    const Address hmi = ipv6 ? ip6_hmi : ip_hmi;
    const Address plc = ipv6 ? ip6_plc : ip_plc;
    const Tcp segment{.from = side == 0 ? from : std::uint16_t{502},
                      .to = side == 0 ? std::uint16_t{502} : from,
                      .sequence = sequence,
                      .acknowledgement = acknowledgement,
                      .flags = flags,
                      .window = 60000};
    const Link link = side == 0 ? Link{mac_hmi, mac_plc, tags} : Link{mac_plc, mac_hmi, tags};
    const Ip header = side == 0 ? Ip{hmi, plc} : Ip{plc, hmi};
    plane.recorder.sent.clear();
    const Octets passed = plane.pass(tcp(link, header, segment, payload), side);
    std::vector<Left> out;
    for (const Sent& sent : plane.recorder.sent) out.push_back(read_left(sent.port, sent.frame));
    if (!passed.empty()) out.push_back(read_left(side ^ 1, passed));
    return out;
  }
  std::vector<Left> client(std::uint32_t at, const Octets& payload, std::uint32_t acked = 0) {
    return send(0, client_first + at, server_first + acked, psh_ack, payload);
  }
  std::vector<Left> server(std::uint32_t at, const Octets& payload, std::uint32_t acked = 0) {
    return send(1, server_first + at, client_first + acked, psh_ack, payload);
  }
  void open() {
    REQUIRE(send(0, client_first - 1, 0, syn).size() == 1);
    REQUIRE(send(1, server_first - 1, client_first, syn | ack).size() == 1);
    REQUIRE(send(0, client_first, server_first, ack).size() == 1);
  }

  Plane& plane;
  bool ipv6;
  Octets tags;
  std::uint16_t from = 40000;
};

inline const Octets poll = modbus_pdu(1, read_ten);
inline const Octets polled = modbus_pdu(1, ten_words);
inline const Octets setpoint = modbus_pdu(2, "01 06 0028 0001");
inline const Octets too_high = modbus_pdu(3, "01 06 0028 ffff");
inline const Octets refused = modbus_pdu(3, "01 86 03");

inline ImageSource plant_with(MidStream mid_stream, std::uint16_t plc_flags = 0) {
  ImageSource source = plant();
  source.conduits[0].mid_stream = mid_stream;
  source.assets[PLC].flags = plc_flags;
  return source;
}

}  // namespace conduit::test
