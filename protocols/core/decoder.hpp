// The contract between a protocol's room and the rest of the project, and the registry: the one table of all
// rooms.
//
// A room is two pure functions and, where the protocol has one, a negative reply. Hermetic: no I/O, clock,
// heap, threads, exceptions; all state is owned by the caller. `frame` is called with the unjudged bytes of
// one direction of a stream, contiguous, from the first byte of a PDU; with a datagram it is called once. The
// result must not depend on how the stream was cut: given more bytes, an answer other than INCOMPLETE never
// changes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "protocols/core/bytes.hpp"
#include "protocols/core/operation.hpp"
#include "protocols/core/reason.hpp"

namespace conduit {

inline constexpr std::size_t session_state_size = 128;  // inline in the flow record, octets
inline constexpr std::size_t pdu_state_size = 96;       // a decoder's position within one PDU, octets
inline constexpr std::size_t pdu_scratch_size = 4096;   // for a message that stands in the PDU in pieces
inline constexpr std::size_t refusal_size_max = 512;    // the largest negative reply, octets
inline constexpr std::size_t assembly_size_max =
    4096;  // of a message that comes in several datagrams, octets

// Small state of one conversation, owned by the flow, zeroed when the flow begins. A room overlays it with
// its own trivially copyable struct through `as<T>()`.
struct alignas(8) SessionState {
  std::array<std::uint8_t, session_state_size> octets{};
  template <typename T>
  [[nodiscard]] T& as() noexcept {
    static_assert(sizeof(T) <= session_state_size && alignof(T) <= 8 && std::is_trivially_copyable_v<T>);
    return *reinterpret_cast<T*>(octets.data());
  }
};

// Deviations of real devices that a policy declares per asset (signed): bit n − 1 stands for number n of the
// `Tolerance` enums in <name>.proto, which are numbered together (1 to 15). Each use is counted.
using Quirks = std::uint16_t;
inline constexpr Quirks QUIRK_NONE = 0;
// Not of a device, number 16: for readers of captures, which may lack what came before. What the session says
// about the place of a PDU is not judged.
inline constexpr Quirks QUIRK_PLACE_UNKNOWN = 1U << 15;
[[nodiscard]] constexpr Quirks quirk(unsigned tolerance) noexcept {
  return static_cast<Quirks>(1U << (tolerance - 1));
}

enum class Transport : std::uint8_t { NONE = 0, TCP = 6, UDP = 17, ICMP = 1, ICMPV6 = 58, ETHERNET = 255 };

// Octets by which Protocol::strays tells.
inline constexpr std::size_t stray_head_size = 8;

enum class FrameStatus : std::uint8_t { MALFORMED = 0, INCOMPLETE = 1, COMPLETE = 2 };

// Answer of `frame`. All sizes in octets from the first byte of the PDU.
struct Framing {
  FrameStatus status = FrameStatus::MALFORMED;
  std::uint32_t pdu_size = 0;    // COMPLETE (= length known; bytes may still be missing): the whole PDU
  std::uint32_t judge_size = 0;  // COMPLETE: how many of its first bytes are needed to judge it (≤ pdu_size)
  std::uint32_t need_size = 0;   // INCOMPLETE: asked again once so many bytes are there; at most judge_size
  const char* field = "";        // MALFORMED: the field at fault
  bool mismatch = false;         // MALFORMED: these bytes are not this protocol at all
};

// Opaque to the caller: where a decoder stands within a PDU. `scratch` is for protocols whose messages are
// cut into chunks or strewn with checksums: `open` puts the message together there, `next` and the views of
// its operations read it. It is never cleared.
//
// `assembled`: what the engine has kept of the message that this PDU continues (PduHead::assembly), set by it
// before `open`.
struct alignas(8) PduState {
  PduState() noexcept {}  // NOLINT: not `= default`, which would have `PduState{}` clear the scratch
  std::array<std::uint8_t, pdu_state_size> octets{};
  std::array<std::uint8_t, pdu_scratch_size> scratch;
  Bytes assembled{};
  template <typename T>
  [[nodiscard]] T& as() noexcept {
    static_assert(sizeof(T) <= pdu_state_size && alignof(T) <= 8 && std::is_trivially_copyable_v<T>);
    return *reinterpret_cast<T*>(octets.data());
  }
};

// A message that comes in several PDUs (datagrams). Pieces before the last may leave when some rule permits
// their function: their one operation says no more than that. With the last one all operations are judged.
enum class Assembly : std::uint8_t {
  NONE = 0,
  FIRST = 1,  // `piece` is kept; what the sender began before is forgotten
  MORE = 2,   // `piece` is kept behind `PduState::assembled`
  LAST = 3,   // completes `PduState::assembled`; nothing is kept any more
};

// What `open` found. `match_key` pairs a response with its request; `match_detail` is what the response must
// agree with (taken from the request, handed back to `matches`). A response of the same detail agrees without
// being asked; one that knows none says 0, which no request does.
struct PduHead {
  bool well_formed = false;
  const char* field = "";  // not well formed: the field at fault
  PduKind kind = PduKind::REQUEST;
  bool answered = true;                   // a REQUEST that will be answered (false: broadcast and the like)
  bool negative = false;                  // a RESPONSE that refuses (exception, error)
  std::uint32_t function = 0;             // for reports of PDUs without operations
  std::uint32_t shown_size = UINT32_MAX;  // octets of the PDU that reports may show: a secret stands behind
  std::uint64_t match_key = 0;
  std::uint64_t match_detail = 0;
  Assembly assembly = Assembly::NONE;
  Bytes piece{};  // FIRST, MORE: view into the PDU
  // Not 0: the PDU belongs to this association of its address pair (see Associations), and is denied where
  // there is none that its sender may use, or where the policy would not permit any more what opened it.
  std::uint64_t association = 0;
  // A REQUEST of one operation whose answer may open associations: that operation is remembered for them, and
  // denied where there is no room for it.
  bool opens = false;
};

// What a PDU that goes on opens or closes beside its own flow: connections of the protocol between the same
// two addresses, which PDUs of other flows refer to (CIP connections and their I/O datagrams).
struct Association {
  std::uint64_t key = 0;       // of the protocol, not 0
  Role sender = Role::CLIENT;  // who may send PDUs that name it
};
struct Associations {
  std::array<Association, 2> opened{};
  std::array<Association, 2> closed{};
  std::uint8_t opened_count = 0;
  std::uint8_t closed_count = 0;
};

// What becomes of a PDU, or is put into a stream (`renumber`).
enum class Passage : std::uint8_t {
  PASSED = 0,    // a PDU of the sender goes on
  REMOVED = 1,   // … was taken out of its stream
  INSERTED = 2,  // a negative reply or an acknowledgement takes its place in the sender's stream
};

enum class Next : std::uint8_t { END = 0, OPERATION = 1, MALFORMED = 2 };

// Names of a protocol's dimensions, as the policy and `decode --json` spell them; empty = not used.
using DimensionNames = std::array<std::string_view, dimension_count>;
using KeyNames = std::array<std::string_view, key_count>;

struct Protocol {
  ProtocolId id = ProtocolId::NONE;
  std::string_view name;       // "modbus"
  std::uint16_t tcp_port = 0;  // registered port, 0 = none
  std::uint16_t udp_port = 0;
  // Port of datagrams that belong to associations, 0 = none: either side of a pair with a service on TCP may
  // send the first one, to this port of the other.
  std::uint16_t udp_port_aside = 0;
  std::uint32_t framing_prefix_size = 0;  // first bytes of a PDU without any part of an operation (§5 law 1)
  std::uint32_t judge_size_max = 0;       // bound of Framing::judge_size; the engine sizes its buffers by it
  std::uint32_t pdu_size_max = 0;         // bound of Framing::pdu_size
  bool replies_in_order = false;          // a reply may only follow the replies to earlier requests
  // Either side may ask the other on one flow. Then `open` says by the PDU alone whether it is a request, and
  // `match_key` tells who asked; what each side asks is judged by its own service. `sender` is still the role
  // by which the flow was found.
  bool peers = false;
  std::uint8_t selector_dimension = 0xFF;  // dimension most often exact (Modbus unit); 0xFF = none
  std::uint8_t range_dimension = 0xFF;     // dimension that rules list by range (Modbus address); 0xFF = none
  DimensionNames dimension_names{};

  // Length of the PDU that begins at `bytes`.
  Framing (*frame)(Bytes bytes, Role sender, Transport transport,
                   const SessionState& session) noexcept = nullptr;
  // Reads the head of a PDU whose judged part is complete; sets all of `state` that `next` looks at, which
  // may still hold another PDU's. Does not change the session.
  PduHead (*open)(Bytes pdu, Role sender, Quirks quirks, const SessionState& session,
                  PduState& state) noexcept = nullptr;
  // The next operation of the PDU, set from nothing (Operation::clear); its views live as long as `pdu` and
  // `state`. A response yields what it reports on, as far as the response itself says it.
  Next (*next)(Bytes pdu, PduState& state, Operation& operation) noexcept = nullptr;
  // The short way, may be null: reads `bytes` if they are one whole PDU of the protocol's most usual form,
  // with one operation. True: `head` and `operation` are what `frame`, `open` and `next` would have led to,
  // and nothing more would come. False: ask them; `head` and `operation` may hold anything.
  bool (*usual)(Bytes bytes, Role sender, Quirks quirks, PduHead& head,
                Operation& operation) noexcept = nullptr;
  // Does this response answer the request whose `match_detail` is given? Called after `open` found equal
  // keys.
  bool (*matches)(Bytes response, std::uint64_t request_detail, Quirks quirks) noexcept = nullptr;
  // The flow begins with its connection: nothing has passed before what the session will be told. Not called
  // of flows that are joined within a conversation. May be null.
  void (*begin)(SessionState& session) noexcept = nullptr;
  // The PDU was permitted and will be forwarded: the session moves on. May be null.
  void (*accept)(Bytes pdu, Role sender, SessionState& session,
                 Associations& associations) noexcept = nullptr;
  // Negative reply to a request that was denied for `reason`, written to `reply`; its size, or 0 if this
  // request cannot be refused in band. May be null.
  std::size_t (*refuse)(Bytes request, Reason reason, const SessionState& session,
                        std::span<std::uint8_t> reply) noexcept = nullptr;
  // Where PDUs carry numbers of their place in the stream: makes the numbers of a stream in which PDUs were
  // taken out or put in go together again. Called for every PDU of a flow from its first removed or inserted
  // one on, in the order of the stream, after `accept`; `session` holds what the room remembers of those.
  // Rewrites `pdu` (its judged part, or the reply) in place, its size stays; a REMOVED one is not looked at
  // any more. False: cannot be done, the flow is reset; of INSERTED: not at this place, the reply waits for
  // the end of the sender's next PDU. May be null: no such numbers.
  bool (*renumber)(std::span<std::uint8_t> pdu, Role sender, Passage passage,
                   SessionState& session) noexcept = nullptr;
  // Where the sender of a PDU waits for an acknowledgement that carries numbers: what `sender` says to the
  // other side of the PDUs that it has got, if the other side is owed it: since PDUs were taken out, nothing
  // else may come that tells it. Written to `pdu`; its size, or 0. `renumber` (INSERTED) sets its numbers
  // when it takes its place; it covers no PDU that `sender` has not acknowledged itself, but those taken out
  // behind these. Asked of both sides after every segment of a flow that is renumbered, while nothing else
  // waits to enter the stream of `sender`. May be null.
  std::size_t (*acknowledge)(Role sender, const SessionState& session,
                             std::span<std::uint8_t> pdu) noexcept = nullptr;
  // A part of a client's PDU has left, up to `cut`; `pdu`: its octets as far as they may leave now. Some
  // servers give a part up (after a while, at once, or as they do not know its function), and read what comes
  // next as the beginning of a PDU. Could such a one find there what it would act on? Asked while up to
  // `stray_head_size` octets stand behind `cut`, and once with more. May be null: no such servers are known.
  bool (*strays)(Bytes pdu, std::size_t cut) noexcept = nullptr;
  // Name of a function code, empty if it has none.
  std::string_view (*function_name)(std::uint32_t function) noexcept = nullptr;
  KeyNames key_names{};
};

// Row of the registry, or null.
[[nodiscard]] const Protocol* find_protocol(ProtocolId id) noexcept;
[[nodiscard]] const Protocol* find_protocol(std::string_view name) noexcept;
[[nodiscard]] std::span<const Protocol* const> all_protocols() noexcept;

}  // namespace conduit
