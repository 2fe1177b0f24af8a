// Shared by the tests of the OPC UA room: messages laid by hand, operations written as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/opcua/opcua_decoder.hpp"
#include "tests/support/room_text.hpp"

namespace conduit::test {

inline constexpr std::uint32_t channel = 7;
inline constexpr std::uint32_t token = 9;
inline constexpr const char* url = "opc.tcp://plc-1:4840";
inline constexpr const char* basic256sha256 = "http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256";

// "c0 01 3c0206"; "'text'" is a String with its length in front.
[[nodiscard]] Octets from_text(std::string_view hex);
[[nodiscard]] Octets number(std::uint32_t value);   // 32 bit
[[nodiscard]] Octets text(std::string_view value);  // String
[[nodiscard]] Octets operator+(Octets left, const Octets& right);

// A message with its size: "HELF", "MSGC" …
[[nodiscard]] Octets framed(const char* type, const Octets& rest);

[[nodiscard]] Octets hello(std::string_view endpoint = url, std::uint32_t receive = 65535,
                           std::uint32_t send = 65535, std::uint32_t message = 0, std::uint32_t chunks = 0);
[[nodiscard]] Octets acknowledge(std::uint32_t receive = 65535, std::uint32_t send = 65535,
                                 std::uint32_t message = 0, std::uint32_t chunks = 0);
[[nodiscard]] Octets error(std::uint32_t code = 0x80010000);

// OPN in policy None; `on`: the channel, 0 for a new one.
[[nodiscard]] Octets open_channel(std::uint32_t sequence = 1, std::uint32_t request = 1, std::uint32_t on = 0,
                                  std::uint32_t type = 0, std::uint32_t mode = 1,
                                  std::uint32_t lifetime = 3600000);
[[nodiscard]] Octets channel_opened(std::uint32_t sequence = 1, std::uint32_t request = 1,
                                    std::uint32_t on = channel, std::uint32_t with = token);
// OPN of another policy: its body is `size` octets that nobody can read.
[[nodiscard]] Octets open_secret(std::string_view policy = basic256sha256, std::uint32_t on = 0,
                                 const Octets& certificate = {0x30, 3, 1, 2, 3}, std::size_t size = 256);

// Chunk of a symmetric message.
[[nodiscard]] Octets chunk(const char* type, std::uint32_t sequence, std::uint32_t request,
                           const Octets& body, std::uint32_t on = channel, std::uint32_t with = token);
// Type and request header of a service, and its parameters.
[[nodiscard]] Octets asked(std::uint32_t function, const Octets& parameters);
// Type and response header.
[[nodiscard]] Octets answered(std::uint32_t type, std::uint32_t result = 0, const Octets& parameters = {});

// A service request in one chunk, in an open channel of mode None, with the sequence number that follows.
[[nodiscard]] Octets request(std::uint32_t function, const Octets& parameters, std::uint32_t sequence = 2,
                             std::uint32_t request_id = 2);
[[nodiscard]] Octets response(std::uint32_t type, std::uint32_t result = 0, std::uint32_t sequence = 2,
                              std::uint32_t request_id = 2);

// What the room makes of one PDU: its operations, " | " between them, or "malformed <field>".
[[nodiscard]] std::string describe(const Octets& pdu, Role sender, const SessionState& session);

[[nodiscard]] PduHead head_of(const Octets& pdu, Role sender, const SessionState& session);

// Lets the room's `accept` see it.
void accept(const Octets& pdu, Role sender, SessionState& session);

// Hello, acknowledge, and a channel in mode None.
[[nodiscard]] SessionState connected();
// The same with a channel of Basic256Sha256, before its first message.
[[nodiscard]] SessionState connected_secretly(std::string_view policy = basic256sha256);

// READ of the value of ns=2;i=5.
[[nodiscard]] Octets read_value();

}  // namespace conduit::test
