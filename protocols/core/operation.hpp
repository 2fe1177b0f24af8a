// Operation: one thing that a peer asks another to do. The waist of the project: every decoder produces
// operations, one matcher judges them for all protocols, every rule, event and report speaks of them.
//
// Plain data, no ownership: keys and array values are views into the PDU or into the decoder's bounded
// scratch and live as long as those.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "protocols/core/bytes.hpp"

namespace conduit {

// One number per protocol, for ever (it stands in rule images and event records). A room has its own number,
// from 16 on: that of its field in `Allow`, stated in <name>.proto and in <name>_decoder.hpp.
enum class ProtocolId : std::uint8_t {
  NONE = 0,
  OPAQUE_TCP = 1,  // forwarded by port alone: counted as not inspected
  OPAQUE_UDP = 2,
  ICMP = 3,
  ETHERNET = 4,
};

// What kind of influence an operation has on the asset. Numbers are those of `conduit.AccessClass` in
// options.proto.
enum class AccessClass : std::uint8_t {
  UNSPECIFIED = 0,
  READ = 1,      // process values and records out
  WRITE = 2,     // process values and records in
  OPERATE = 3,   // commands that act on the process (select, operate, execute)
  PROGRAM = 4,   // control program, files of the controller, vendor programming functions
  MANAGE = 5,    // the device itself: restart, modes, counters, time, communication settings
  DISCOVER = 6,  // identification and diagnosis of the device
  SESSION = 7,   // keeping up the session: negotiate, open, close, test
};
inline constexpr std::size_t access_class_count = 8;

inline constexpr std::size_t dimension_count = 8;
inline constexpr std::size_t key_count = 2;

// Inclusive at both ends.
struct Range {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  [[nodiscard]] constexpr bool contains(Range inner) const noexcept {
    return first <= inner.first && inner.last <= last;
  }
  friend constexpr bool operator==(Range, Range) noexcept = default;
};

enum class ValueKind : std::uint8_t {
  NONE = 0,
  SIGNED = 1,    // `i`
  UNSIGNED = 2,  // `u`
  FLOAT = 3,     // `f`
  BYTES = 4,     // `data`: octets without a numeric reading
  UNREADABLE =
      5,     // there is a value, but what it will be cannot be known from the PDU: never satisfies a range
  BITS = 6,  // `data`: `count` bits, least significant bit of the first octet first (Modbus coils)
  WORDS =
      7,  // `data`: `count` big-endian 16-bit words (Modbus registers); rules may read several as one number
};

struct Value {
  ValueKind kind = ValueKind::NONE;
  std::uint32_t count = 0;  // elements of BITS / WORDS; 1 for scalars
  union {
    std::int64_t i;
    std::uint64_t u = 0;
    double f;
  };
  Bytes data{};
};

// A byte string that names an object where no number does (a tag path, a string node id).
struct Key {
  std::uint8_t kind = 0;  // protocol's own
  Bytes data{};
};

struct Operation {
  ProtocolId protocol = ProtocolId::NONE;
  AccessClass access = AccessClass::UNSPECIFIED;
  std::uint8_t present = 0;       // bit d: dimension[d] says something
  std::uint8_t keys_present = 0;  // bit k: key[k] says something
  std::uint32_t function = 0;     // the wire's function code
  std::array<Range, dimension_count> dimension{};
  std::array<Key, key_count> key{};
  Value value{};

  // Says nothing any more. The arrays behind the masks keep what they held: zeroing them for each operation
  // would cost more than matching it.
  constexpr void clear() noexcept {
    protocol = ProtocolId::NONE;
    access = AccessClass::UNSPECIFIED;
    present = 0;
    keys_present = 0;
    function = 0;
    value.kind = ValueKind::NONE;
    value.count = 0;
    value.data = {};
  }
  constexpr void set(std::size_t index, Range range) noexcept {
    dimension[index] = range;
    present = static_cast<std::uint8_t>(present | (1U << index));
  }
  constexpr void set(std::size_t index, std::uint64_t number) noexcept { set(index, Range{number, number}); }
  [[nodiscard]] constexpr bool has(std::size_t index) const noexcept {
    return ((present >> index) & 1U) != 0;
  }
};

// Who sent a PDU, in the words of the protocol (not who opened the connection).
enum class Role : std::uint8_t { CLIENT = 0, SERVER = 1 };

enum class PduKind : std::uint8_t {
  REQUEST = 0,
  RESPONSE = 1,
  UNSOLICITED = 2,
  RESPONSE_PART = 3,  // answers a request that stays outstanding: more answers to it will follow
  IMPLIED = 4,  // carries no operation, and the session says that the other side waits for it: needs no rule
};

}  // namespace conduit
