// Inside of the EtherNet/IP room: the layers of a PDU, from the encapsulation to the services. `open` fills
// Fields, `next` turns them into operations.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "protocols/enip/enip_decoder.hpp"

namespace conduit::enip {

// --- encapsulation (ENIP 2-3): enip_frame.cpp ------------------------------------------------------------

struct Header {
  std::uint16_t command = 0;
  std::uint16_t length = 0;
  std::uint32_t session = 0;
  std::uint32_t status = 0;
  std::uint64_t context = 0;
  std::uint32_t options = 0;
};
[[nodiscard]] bool read_header(Bytes pdu, Header& header) noexcept;

// An I/O datagram: bare common packet format, its first item a sequenced address.
[[nodiscard]] bool is_io(Bytes pdu) noexcept;

// Where a message stands in a SendRRData or SendUnitData.
struct Packet {
  bool connected = false;
  std::uint32_t connection = 0;  // connected: identifier, and count of the message
  std::uint16_t sequence = 0;
  Bytes message;
};
// Null, or the field at fault. `pdu`: with its header.
[[nodiscard]] const char* read_packet(Bytes pdu, std::uint16_t command, Packet& packet) noexcept;

[[nodiscard]] Framing frame(Bytes bytes, Role sender, Transport transport, const SessionState&) noexcept;

// --- paths (CIP appendix C): enip_path.cpp ---------------------------------------------------------------

// Text that is put together in octets of somebody else.
struct Text {
  std::span<std::uint8_t> out;
  std::size_t size = 0;
  [[nodiscard]] bool put(char octet) noexcept;
  [[nodiscard]] bool put(Bytes octets) noexcept;
  [[nodiscard]] bool put_number(std::uint32_t number) noexcept;
  [[nodiscard]] Bytes view() const noexcept { return out.first(size); }
};

enum PathPart : std::uint8_t {
  HAS_CLASS = 1U << 0,
  HAS_INSTANCE = 1U << 1,
  HAS_ATTRIBUTE = 1U << 2,
  HAS_POINT = 1U << 3,
  HAS_ELEMENT = 1U << 4,
  HAS_PRODUCED = 1U << 5,
  HAS_TAG = 1U << 6,      // a name, as text
  ANY_ELEMENT = 1U << 7,  // which one, only the device knows
};

struct Path {
  std::uint8_t parts = 0;  // PathPart
  std::uint32_t outer_class =
      0;  // of an object within an instance of another class: that, 16 bits each; else 0
  std::uint32_t class_id = 0;
  std::uint32_t instance = 0;
  std::uint32_t attribute = 0;
  std::uint32_t point = 0;
  std::uint32_t produced = 0;
  std::uint32_t element = 0;
  [[nodiscard]] bool has(unsigned mask) const noexcept { return (parts & mask) == mask; }
  // Class and instance, and nothing else.
  [[nodiscard]] bool is_object() const noexcept {
    return parts == (HAS_CLASS | HAS_INSTANCE) && outer_class == 0;
  }
};

enum class PathUse : std::uint8_t {
  MESSAGE,     // to the object that a service is for
  CONNECTION,  // of an opened or closed connection: route, electronic key, application, data
  ROUTE,       // of an unconnected send: ports alone
};
// Null, or the field at fault. Names go to `tag`, ports to `route`; `data` gets the simple data segment.
[[nodiscard]] const char* read_path(Bytes octets, PathUse use, Text& tag, Text& route, Path& path,
                                    Bytes& data) noexcept;

// The class that a path begins with; false: it begins otherwise.
[[nodiscard]] bool leading_class(Bytes path, std::uint32_t& class_id) noexcept;

// --- messages (CIP 2-4): enip_message.cpp ----------------------------------------------------------------

struct Message {
  std::uint8_t service = 0;
  Bytes path;
  Bytes data;
};
[[nodiscard]] const char* read_message(Bytes octets, Message& message) noexcept;

struct Reply {
  std::uint8_t service = 0;  // without its reply bit
  std::uint8_t status = 0;   // general status
  Bytes data;                // behind the additional status
};
[[nodiscard]] const char* read_reply(Bytes octets, Reply& reply) noexcept;

// Unconnected Send (CIP 3-5.5.4): its message, and the route as path.
struct Forwarded {
  Bytes message;
  Bytes route;
};
[[nodiscard]] const char* read_unconnected_send(Bytes data, Forwarded& forwarded) noexcept;

// Multiple Service Packet (CIP ): `data` from the count on. Message number `index` of it.
[[nodiscard]] const char* read_packet_list(Bytes data, std::uint16_t& count) noexcept;
[[nodiscard]] Bytes packet_message(Bytes data, std::uint16_t count, std::uint16_t index) noexcept;

[[nodiscard]] bool is_unconnected_send(const Message& message) noexcept;
[[nodiscard]] bool is_packet(const Message& message) noexcept;
// Goes to instance 1 of this class, and nowhere else.
[[nodiscard]] bool is_for(const Message& message, std::uint32_t class_id) noexcept;

// --- connections (CIP 3-5.5): enip_connection.cpp --------------------------------------------------------

struct Opening {
  std::uint32_t origin_serial = 0;
  std::uint16_t serial = 0;
  std::uint16_t vendor = 0;
  std::uint32_t interval_sent = 0;  // µs, client to server
  std::uint32_t interval_received = 0;
  std::uint8_t transport_class = 0;
  bool sends = false;     // there is a connection from the client to the server, …
  bool receives = false;  // … and one back
  bool outputs = false;   // the client sends data of its own
  Bytes path;
};
[[nodiscard]] const char* read_opening(Bytes data, bool large, Opening& opening) noexcept;

struct Closing {
  std::uint32_t origin_serial = 0;
  std::uint16_t serial = 0;
  std::uint16_t vendor = 0;
  Bytes path;
};
[[nodiscard]] const char* read_closing(Bytes data, Closing& closing) noexcept;

enum class ConnectionState : std::uint8_t { FREE = 0, ASKED, OPEN };
// A connection that was asked for in this conversation.
struct Connection {
  std::uint32_t origin_serial = 0;
  std::uint32_t sent = 0;  // identifier of what the client sends, of what the server sends
  std::uint32_t received = 0;
  std::uint16_t serial = 0;
  std::uint8_t vendor_low = 0;
  std::uint8_t vendor_high = 0;
};
inline constexpr std::size_t connection_count_max = 6;
struct Session {
  std::uint32_t handle = 0;  // 0: not known
  bool begun = false;        // seen from its beginning: without a handle there is no session
  std::uint8_t next = 0;     // connection to be forgotten first
  std::array<ConnectionState, connection_count_max> state{};
  std::array<bool, connection_count_max> cyclic{};  // I/O, not messages
  std::array<Connection, connection_count_max> connection{};
};
static_assert(sizeof(Session) <= session_state_size);

// Keys of Associations.
[[nodiscard]] constexpr std::uint64_t association_key(bool cyclic, std::uint32_t identifier) noexcept {
  return (std::uint64_t{cyclic ? 1U : 2U} << 32) | identifier;
}

// A message of the connection manager goes on: what it opens and closes.
void accept_request(const Message& message, Session& session) noexcept;
void accept_reply(const Reply& reply, Session& session, Associations& associations) noexcept;

// --- services and operations -----------------------------------------------------------------------------

struct FunctionRow {
  std::uint32_t function = 0;
  std::string_view name{};
  AccessClass access = AccessClass::PROGRAM;
};
[[nodiscard]] std::string_view function_name(std::uint32_t function) noexcept;
// Class of a common service by the object's class, of all others by function.
[[nodiscard]] AccessClass access_of(std::uint32_t function, const Path& path) noexcept;

// What `data` of elements is read as; CIP C-6.1.
enum class ElementKind : std::uint8_t { OCTETS = 0, BOOL, SIGNED, UNSIGNED, FLOAT };

// How the operations of one service are told.
enum class Telling : std::uint8_t {
  NONE = 0,    // no service is open
  ONE,         // one operation
  ELEMENTS,    // one for each element that is written
  ATTRIBUTES,  // one for each attribute of a list
};

struct PacketPlace {
  std::uint16_t at = 0;  // of the count, in the PDU
  std::uint16_t end = 0;
  std::uint16_t index = 0;
  std::uint16_t count = 0;
};

// One PDU. Lives in PduState between `open` and `next`.
struct Fields {
  std::uint16_t pdu_size = 0;  // 0: nothing was opened
  std::uint16_t command = 0;
  bool response = false;
  bool connected = false;
  bool forwarded = false;  // inside of an unconnected send
  std::uint8_t depth = 0;
  std::array<PacketPlace, packet_depth_max> packet{};
  std::uint16_t message_at = 0;  // the message to be told next; 0: none
  std::uint16_t message_end = 0;
  // the service that is open
  Telling telling = Telling::NONE;
  ElementKind kind = ElementKind::OCTETS;
  std::uint16_t element_size = 0;
  std::uint16_t data_at = 0;  // in the PDU: elements or attributes not yet told
  std::uint16_t data_end = 0;
  std::uint16_t tag_size = 0;  // in the scratch, from tag_at
  std::uint16_t route_size = 0;
  std::uint32_t function = 0;
  Path path{};
};
static_assert(sizeof(Fields) <= pdu_state_size);
inline constexpr std::size_t tag_at = 0;  // places in the scratch
inline constexpr std::size_t route_at = 2048;

// Sets what `fields` knows of the service: object, names, route.
void set_object(const Fields& fields, PduState& state, Operation& operation) noexcept;
void set_octets(Bytes data, Operation& operation) noexcept;
// A number of 1, 2, 4 or 8 octets, least octet first.
void set_number(Bytes data, ElementKind kind, Operation& operation) noexcept;
// Size and reading of an elementary type; size 0: none of those.
[[nodiscard]] std::uint16_t elementary_size(std::uint16_t type, ElementKind& kind) noexcept;

// Opens a service: its first operation in `operation`; more of them leave `fields.telling` set. `data` lies
// in `pdu`. Null, or the field at fault.
[[nodiscard]] const char* tell_service(Bytes pdu, const Message& message, PduState& state,
                                       Operation& operation) noexcept;
// The next operation of the service that is open.
[[nodiscard]] const char* tell_more(Bytes pdu, PduState& state, Operation& operation) noexcept;
// enip_tag.cpp, enip_pccc.cpp, enip_operation.cpp: parts of tell_service.
[[nodiscard]] const char* tell_tag(Bytes pdu, Bytes data, PduState& state, Operation& operation) noexcept;
[[nodiscard]] const char* tell_pccc(Bytes pdu, Bytes data, PduState& state, Operation& operation) noexcept;

[[nodiscard]] Next next_operation(Bytes pdu, PduState& state, Operation& operation,
                                  const char*& field) noexcept;

}  // namespace conduit::enip
