// Shared by the tests of the EtherNet/IP room: PDUs laid field by field, messages written as hex, operations
// written as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/enip/enip_decoder.hpp"
#include "tests/support/room_text.hpp"

namespace conduit::test {

inline constexpr std::uint32_t session_handle = 0x11223344;

[[nodiscard]] Octets operator+(Octets left, const Octets& right);
[[nodiscard]] Octets le16(std::uint32_t number);
[[nodiscard]] Octets le32(std::uint32_t number);

// Encapsulation around `data`.
[[nodiscard]] Octets encapsulated(std::uint16_t command, const Octets& data, std::uint64_t context = 1,
                                  std::uint32_t status = 0, std::uint32_t session = session_handle);
// SendRRData with one unconnected message.
[[nodiscard]] Octets unconnected(const Octets& message, std::uint64_t context = 1);
// SendUnitData.
[[nodiscard]] Octets connected(std::uint32_t connection, std::uint16_t sequence, const Octets& message);
// Datagram of an I/O connection.
[[nodiscard]] Octets io_datagram(std::uint32_t connection, std::uint32_t sequence, const Octets& data);

// A request: service, size of the path, path, data.
[[nodiscard]] Octets message(std::uint8_t service, const Octets& path, const Octets& data = {});
// A reply with this general status.
[[nodiscard]] Octets reply(std::uint8_t service, const Octets& data = {}, std::uint8_t status = 0);
// The segments of a tag: "Program:Main.Recipe[3].Value".
[[nodiscard]] Octets tag_path(std::string_view tag);
[[nodiscard]] Octets unconnected_send(const Octets& message, const Octets& route);
// Count, offsets and messages of a multiple service packet, and the request that carries them.
[[nodiscard]] Octets packet_list(const std::vector<Octets>& messages);
[[nodiscard]] Octets packet(const std::vector<Octets>& messages);

struct OpeningParts {
  std::uint8_t transport = 0xA3;  // class 3, server
  std::uint32_t interval_sent = 20000;
  std::uint32_t interval_received = 40000;
  std::uint32_t parameters_sent = 0x43F8;
  std::uint32_t parameters_received = 0x43F8;
  std::uint16_t serial = 7;
  Octets path = {0x20, 0x02, 0x24, 0x01};
  bool large = false;
};
[[nodiscard]] Octets forward_open(const OpeningParts& parts = {});
[[nodiscard]] Octets forward_open_reply(std::uint32_t sent, std::uint32_t received, std::uint16_t serial = 7,
                                        std::uint8_t service = 0x54);
[[nodiscard]] Octets forward_close(std::uint16_t serial = 7);
[[nodiscard]] Octets forward_close_reply(std::uint16_t serial = 7);

// What the room makes of one PDU: its operations, " | " between them, or "malformed <field>".
[[nodiscard]] std::string describe(const Octets& pdu, Role sender, const SessionState& session = {});
[[nodiscard]] PduHead head_of(const Octets& pdu, Role sender, const SessionState& session = {});
// Lets the room's `accept` see it.
Associations accept(const Octets& pdu, Role sender, SessionState& session);

}  // namespace conduit::test
