// Inside of the BACnet room: one datagram read layer by layer. `open` fills Fields, `next` turns them into
// operations.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/bacnet/bacnet_decoder.hpp"

namespace conduit::bacnet {

// Kinds of APDU (135 20.1), by the upper half of the first octet.
enum class ApduType : std::uint8_t {
  CONFIRMED_REQUEST = 0,
  UNCONFIRMED_REQUEST = 1,
  SIMPLE_ACK = 2,
  COMPLEX_ACK = 3,
  SEGMENT_ACK = 4,
  ERROR = 5,
  REJECT = 6,
  ABORT = 7,
};

// Network and address of a station behind a router (135 6.2.2).
struct Station {
  std::uint16_t network = 0;  // 0: none is stated
  std::uint8_t size = 0;      // of the address, octets; 0: all stations of the network
  std::uint64_t address = 0;
  [[nodiscard]] constexpr bool stated() const noexcept { return network != 0; }
  [[nodiscard]] constexpr std::uint64_t number() const noexcept {
    return (std::uint64_t{network} << 48) | address;
  }
  // Where a station may be meant by another octet of the address than by its number: all of the network.
  [[nodiscard]] constexpr Range range() const noexcept {
    const std::uint64_t base = std::uint64_t{network} << 48;
    const bool two_ways = size > 1 && address <= 0xFF;
    return size == 0 || two_ways ? Range{base, base | 0xFFFFFFFFFFFF} : Range{number(), number()};
  }
};

// What the layers below the application say.
struct Envelope {
  std::uint8_t carrier = 0;  // function of the virtual link layer
  Bytes origin{};            // FORWARDED_NPDU: address and port, 6 octets
  bool carries = false;      // an NPDU
  std::uint8_t priority = 0;
  Station destination{};
  Station source{};
  bool network_message = false;
  Bytes body{};  // behind the headers: APDU, network message with its type, or parameters of the function
};

// One APDU's head.
struct Apdu {
  ApduType type{};
  bool segmented = false;
  bool more = false;
  bool from_server = false;  // SegmentACK, Abort
  std::uint8_t invoke = 0;
  std::uint8_t sequence = 0;
  std::uint8_t window = 0;
  std::uint8_t service = 0;
  Bytes data{};  // of the service
};

// What `next` reads; see Fields.
enum class Content : std::uint8_t {
  NOTHING = 0,   // one operation that says no more than the function
  REQUEST,       // of a service
  READ_ACK,      // ReadProperty-ACK
  MULTIPLE_ACK,  // ReadPropertyMultiple-ACK
  NETWORK,       // message of the network layer
  LINK,          // function of the virtual link layer
};

// One datagram, or the message that it completes. Lives in PduState between `open` and `next`.
struct Fields {
  std::uint16_t pdu_size = 0;  // 0: nothing was opened
  std::uint16_t position = 0;  // of the data: read already, from the beginning of the datagram or the scratch
  std::uint16_t end = 0;       // of the data
  std::uint16_t function = 0;
  Content content = Content::NOTHING;
  bool assembled = false;  // the data lies in the scratch
  bool envelope = false;   // the carrier is an operation of its own, not yet told
  bool response = false;
  std::uint8_t carrier = 0;
  std::uint8_t stage = 0;        // of the list that is being told
  std::uint8_t origin_size = 0;  // text of the origin at the beginning of the scratch
  bool has_object = false;
  std::uint32_t object = 0;  // type · 2^22 + instance
  bool has_destination = false;
  bool has_source = false;
  Range destination{};
  std::uint64_t source = 0;
};
static_assert(sizeof(Fields) <= pdu_state_size);

// A request in segments that one side sends (135 5.4.4).
struct Sending {
  std::uint32_t receiver = 0;  // hash of the station
  std::uint16_t first_size = 0;
  std::uint8_t invoke = 0;
  std::uint8_t service = 0;
  std::uint8_t next = 0;  // sequence number that has to follow
  bool live = false;      // further segments are to come
  bool even = false;      // all segments so far are of the same size
  bool known = false;     // the last segment has left: its SegmentACK is awaited
};

// Requests in segments that were begun, and of which no answer tells that the receiver is done with them: it
// may still hold their first segment.
struct Begun {
  std::uint32_t receiver = 0;
  std::uint8_t invoke = 0;
  bool live = false;
};
inline constexpr std::size_t begun_count = 5;
inline constexpr std::size_t answering_count = 4;

// What is remembered of a conversation, by the role of the side that it concerns.
struct Session {
  Sending sending[2]{};
  Begun begun[2][begun_count]{};
  std::uint8_t answering[2][answering_count]{};  // invoke ids of the last answers in segments that it sent
  std::uint8_t answering_size[2]{};
  std::uint8_t answering_next[2]{};
};
static_assert(sizeof(Session) <= session_state_size);

// What is known of a function.
enum class Answer : std::uint8_t { NONE, SIMPLE, COMPLEX };
struct FunctionRow {
  std::uint16_t function = 0;
  std::string_view name{};
  AccessClass access = AccessClass::PROGRAM;
  Answer answer = Answer::NONE;
};
// Null: no such function.
[[nodiscard]] const FunctionRow* function_row(std::uint32_t function) noexcept;

// Class of an operation that writes `property` of an object of this type.
[[nodiscard]] AccessClass access_of_write(std::uint32_t type, std::uint32_t property) noexcept;

// Virtual link layer and network layer (bacnet_link.cpp). Null, or the field at fault.
[[nodiscard]] const char* read_envelope(Bytes datagram, Envelope& envelope) noexcept;
// Head of the APDU in `body` (bacnet_apdu.cpp). Null, or the field at fault.
[[nodiscard]] const char* read_apdu(Bytes body, Apdu& apdu) noexcept;

// The operations (bacnet_operation.cpp). `data` is the datagram or the scratch.
[[nodiscard]] Next next_operation(Bytes data, Fields& fields, PduState& state, Operation& operation) noexcept;
// Sets what all operations of a datagram say.
void set_common(const Fields& fields, PduState& state, Operation& operation) noexcept;
// Operations of requests (bacnet_request.cpp), of answers (bacnet_response.cpp) and of the layers below
// (bacnet_layers.cpp). Null, or the field at fault; `told`: there is one.
[[nodiscard]] const char* tell_request(Bytes data, Fields& fields, Operation& operation, bool& told) noexcept;
[[nodiscard]] const char* tell_response(Bytes data, Fields& fields, Operation& operation,
                                        bool& told) noexcept;
[[nodiscard]] const char* tell_network(Bytes data, Fields& fields, Operation& operation, bool& told) noexcept;
[[nodiscard]] const char* tell_link(Bytes data, Fields& fields, PduState& state, Operation& operation,
                                    bool& told) noexcept;

// Address and port as text, "10.0.5.2:47808"; the size. `text` has room for 21 octets.
std::size_t write_origin(Bytes origin, std::uint8_t* text) noexcept;

}  // namespace conduit::bacnet
