// Inside of the OPC UA room: what is remembered of a connection and of one PDU, and the parts that its files
// use of each other.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/opcua/opcua_decoder.hpp"
#include "protocols/opcua/opcua_types.hpp"

namespace conduit::opcua {

// Security policies (OPC 10000-7); what is not known has no signature that could be told from content.
enum class Policy : std::uint8_t {
  UNKNOWN = 0,
  NONE = 1,
  HMAC_SHA1 = 2,
  HMAC_SHA256 = 3,
  HMAC_SHA384 = 4,
  OTHER = 5
};
[[nodiscard]] Policy policy_of(Bytes uri) noexcept;
// Octets of a signature behind a chunk in mode Sign; 0: not known.
[[nodiscard]] std::uint32_t signature_size(Policy policy) noexcept;

// What is known of the security of a channel.
enum class Channel : std::uint8_t {
  UNSEEN = 0,  // joined within the conversation: each message is plain, or opaque, by what it holds
  NONE = 1,    // the numbers of SecurityMode
  SIGN = 2,
  ENCRYPT = 3,
  UNDECIDED = 4,  // a policy other than None: its client's first message says whether it is encrypted
  CLOSED = 5,     // no channel yet
};

// One direction of a connection.
struct Direction {
  std::uint32_t last = 0;         // sequence number of the sender's last chunk, as the sender counts
  std::uint32_t delta = 0;        // what its later numbers differ by where they arrive
  std::uint32_t chunk_max = 0;    // octets; 0: not negotiated
  std::uint32_t message_max = 0;  // octets of all chunks of a message; 0: no limit
  std::uint32_t chunk_count = 0;  // chunks of a message; 0: no limit
  bool known = false;             // `last` says something
};

struct Session {
  Direction direction[2];  // by Role of the sender
  std::uint32_t channel_id = 0;
  std::uint32_t token_id[2]{};
  std::uint32_t part_request = 0;   // request id of the response whose chunks are under way
  std::uint32_t part_function = 0;  // … and its service
  Channel channel = Channel::UNSEEN;
  Policy policy = Policy::UNKNOWN;
  Policy asked_policy = Policy::UNKNOWN;  // of the OPN that waits for its answer
  std::uint8_t token_count = 0;
  bool channel_seen = false;  // channel_id says something
  bool begun = false;         // seen from its beginning
  bool hello = false;
  bool acknowledged = false;
  bool reversed = false;
  bool part_live = false;
  bool broken = false;  // numbers that cannot be put right: nothing more may pass
};
static_assert(sizeof(Session) <= session_state_size);

enum class MessageType : std::uint8_t { HEL, ACK, ERR, RHE, OPN, MSG, CLO };

struct ChunkHeader {
  MessageType type = MessageType::MSG;
  std::uint8_t chunk = 'F';  // 'C', 'F' or 'A'
  std::uint32_t size = 0;
};
// Null, or the field at fault. `bytes`: at least message_header_size.
[[nodiscard]] const char* parse_header(Bytes bytes, Role sender, ChunkHeader& header) noexcept;

// Security and sequence header of a symmetric chunk; symmetric_header_size octets have to be there.
struct Symmetric {
  std::uint32_t channel_id = 0;
  std::uint32_t token_id = 0;
  std::uint32_t sequence = 0;
  std::uint32_t request_id = 0;
};
[[nodiscard]] Symmetric load_symmetric(const std::uint8_t* chunk) noexcept;
[[nodiscard]] std::uint32_t load_u32le(const std::uint8_t* at) noexcept;
void store_u32le(std::uint8_t* at, std::uint32_t value) noexcept;

// May this sequence number follow that one (Part 6 §6.7.2.4)?
[[nodiscard]] bool follows(std::uint32_t last, std::uint32_t next) noexcept;

[[nodiscard]] Framing frame(Bytes bytes, Role sender, Transport transport,
                            const SessionState& state) noexcept;

// Head of an OPN message, up to the end of its security header.
struct OpenHeader {
  std::uint32_t channel_id = 0;
  Bytes policy_uri{};
  Policy policy = Policy::UNKNOWN;
  Bytes certificate{};
  Bytes thumbprint{};
  std::uint32_t size = 0;  // octets of it all
};
// Null, or the field at fault.
[[nodiscard]] const char* parse_open_header(Bytes pdu, OpenHeader& header) noexcept;

// What a service request looks like: its parameters behind the request header, as letters (opcua_layout.cpp).
// `item`, if any, is what the elements of the array between `before` and `after` are: an operation each.
struct Service {
  std::uint32_t function = 0;
  std::uint32_t response = 0;
  std::string_view name{};
  AccessClass access = AccessClass::PROGRAM;
  std::string_view before{};
  std::string_view item{};
  std::string_view after{};
};
inline constexpr std::uint16_t no_service = 0xFFFF;
[[nodiscard]] std::uint16_t find_service(std::uint32_t function) noexcept;
[[nodiscard]] std::uint16_t find_service_of_response(std::uint32_t response) noexcept;
[[nodiscard]] const Service& service_at(std::uint16_t index) noexcept;
[[nodiscard]] std::string_view function_name(std::uint32_t function) noexcept;

inline constexpr std::string_view response_header_layout = "liig[s]x";

// Reads what `layout` says and, where its letters name what a rule may speak of, tells `operation`. `keys`:
// room for two keys. False: it is not there, or not well formed.
[[nodiscard]] bool walk(std::string_view layout, Cursor& cursor, std::uint8_t* keys,
                        Operation& operation) noexcept;

// One PDU. Lives in PduState between `open` and `next`.
struct Fields {
  std::uint32_t pdu_size = 0;  // 0: nothing was opened
  std::uint32_t function = 0;
  std::uint32_t body = 0;  // offset of the service's body, behind its type: in the PDU, or in the scratch
  std::uint32_t body_size = 0;
  std::uint32_t position = 0;   // of it: read already
  std::uint32_t remaining = 0;  // items not yet told
  std::uint32_t lifetime = 0;
  std::uint32_t name = 0;  // key NAME: offset in the PDU
  std::uint32_t name_size = 0;
  std::uint16_t service = no_service;
  std::uint8_t further_name_size = 0;  // key FURTHER_NAME: in the scratch
  SecurityMode mode = SecurityMode::INVALID;
  bool named = false;  // name says something
  bool lifetime_known = false;
  bool in_scratch = false;
  bool request = false;  // of a service, with a body that can be read
  bool begun = false;
  bool ended = false;
};
static_assert(sizeof(Fields) <= pdu_state_size);

// Where keys are made in the scratch: behind an assembled message.
inline constexpr std::size_t keys_offset = assembled_size_max;
static_assert(keys_offset + 2 * key_size_max <= pdu_scratch_size);

[[nodiscard]] Next next(Bytes pdu, PduState& state, Operation& operation) noexcept;

// A symmetric message (MSG, CLO) of the client: fills fields and head. Null, or the field at fault.
[[nodiscard]] const char* open_request(Bytes pdu, const Session& session, PduState& state,
                                       PduHead& head) noexcept;
[[nodiscard]] const char* open_response(Bytes pdu, const Session& session, PduState& state,
                                        PduHead& head) noexcept;
// HEL, ACK, ERR, RHE and OPN.
[[nodiscard]] const char* open_transport(Bytes pdu, const ChunkHeader& header, Role sender,
                                         const Session& session, PduState& state, PduHead& head) noexcept;

// Does it begin with opc.tcp://?
[[nodiscard]] bool is_url(Bytes text) noexcept;

// Function of the message whose body this is; false: no node id.
[[nodiscard]] bool read_type(Cursor& cursor, std::uint32_t& function) noexcept;

// Octets of signature behind the chunks of a client's message that can be read.
[[nodiscard]] std::uint32_t trailer_size(const Session& session) noexcept;

void begin(SessionState& state) noexcept;
void accept(Bytes pdu, Role sender, SessionState& state, Associations& associations) noexcept;
[[nodiscard]] bool renumber(std::span<std::uint8_t> pdu, Role sender, Passage passage,
                            SessionState& state) noexcept;

inline constexpr std::uint64_t hello_key = std::uint64_t{1} << 60U;
inline constexpr std::uint64_t open_key = std::uint64_t{2} << 60U;
inline constexpr std::uint64_t message_key = std::uint64_t{3} << 60U;
inline constexpr std::uint64_t opaque_key = std::uint64_t{4} << 60U;

}  // namespace conduit::opcua
