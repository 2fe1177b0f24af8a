// Messages of OPC UA over TCP in mode None, read slowly from OPC 10000-6 (§5.2 encoding, §6.7 secure
// conversation, §7.1 connection) and OPC 10000-4 (services). Shares nothing with the decoder that it judges.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/protocol.hpp"
#include "tests/simulation/rule_text.hpp"

namespace conduit::simulation::opcua {


// Numbers of the requests' binary encodings, and of the policy language from 65536 on.
inline constexpr std::uint32_t open_channel = 446;
inline constexpr std::uint32_t create_session = 461;
inline constexpr std::uint32_t activate_session = 467;
inline constexpr std::uint32_t close_session = 473;
inline constexpr std::uint32_t browse = 527;
inline constexpr std::uint32_t read = 631;
inline constexpr std::uint32_t write = 673;
inline constexpr std::uint32_t call = 712;
inline constexpr std::uint32_t publish = 826;
inline constexpr std::uint32_t service_fault = 397;
inline constexpr std::uint32_t hello = 65537;
inline constexpr std::uint32_t renew_channel = 65982;

// How a session is activated, by the encoding of its token.
inline constexpr std::uint32_t anonymous = 321;
inline constexpr std::uint32_t user_name = 324;
inline constexpr std::uint32_t certificate = 327;

struct NodeId {
  std::uint32_t space = 0;
  std::optional<std::uint32_t> number;
  std::string text;  // "s=…", where it has no number
  bool operator==(const NodeId&) const = default;
};

// One thing that is asked for. What has no place in it is empty.
struct Access {
  std::uint32_t function = 0;
  Class what = Class::READ;
  std::optional<NodeId> node;
  std::optional<std::uint32_t> attribute;
  std::optional<NodeId> method;
  std::optional<std::uint32_t> user_token;
  std::optional<std::string> endpoint;
  std::optional<double> value;
};

// A message of the connection (HEL, ACK, ERR), or all chunks of one of the channel.
struct Message {
  std::string kind;  // "HEL", "ACK", "ERR", "OPN", "MSG"
  std::uint32_t channel = 0;
  std::uint32_t token = 0;
  std::uint32_t sequence = 0;  // of its first chunk
  std::uint32_t chunks = 1;
  std::uint32_t request = 0;
  Octets body;
};
[[nodiscard]] std::optional<Message> read_message(View pdu);
[[nodiscard]] Octets write_message(const Message& message, std::size_t most = 4000);
[[nodiscard]] Front front_of(View stream, bool from_client);
// The same PDU with other numbers; messages of the connection stay as they are.
[[nodiscard]] Octets renumbered(View pdu, std::uint32_t sequence);

// Nothing: malformed.
[[nodiscard]] std::optional<std::vector<Access>> read_request(const Message& message);

[[nodiscard]] inline std::uint32_t get_le(View from, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | from[at + i];
  return value;
}
inline void put_le(Octets& to, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
void put_string(Octets& to, const std::string& text);
void put_null(Octets& to);  // a string
void put_node(Octets& to, const NodeId& node);
void put_type(Octets& to, std::uint32_t type);
void put_request_header(Octets& to, std::uint32_t handle);
void put_response_header(Octets& to, std::uint32_t handle, std::uint32_t result);

}  // namespace conduit::simulation::opcua
