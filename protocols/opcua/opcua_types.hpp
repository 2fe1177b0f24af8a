// Inside of the OPC UA room: the built-in types of the binary encoding (Part 6 §5.2.2), read from a cursor.
// False: nothing is known of where the cursor stands; the PDU is not well formed.
#pragma once

#include <cstdint>

#include "protocols/core/bytes.hpp"
#include "protocols/core/operation.hpp"

namespace conduit::opcua {

enum class IdKind : std::uint8_t { NUMERIC, STRING, GUID, OPAQUE };

struct NodeId {
  IdKind kind = IdKind::NUMERIC;
  bool elsewhere = false;  // named by a namespace URI, or on another server
  std::uint16_t name_space = 0;
  std::uint32_t number = 0;
  Bytes data{};

  [[nodiscard]] bool null() const noexcept {
    return kind == IdKind::NUMERIC && !elsewhere && name_space == 0 && number == 0;
  }
};

// A null string is an empty one.
[[nodiscard]] inline bool read_string(Cursor& cursor, Bytes& text) noexcept {
  std::uint32_t size = 0;
  if (!cursor.u32le(size)) return false;
  if (size == 0xFFFFFFFFU) size = 0;
  return cursor.bytes(size, text);
}

// Of elements of at least one octet each.
[[nodiscard]] inline bool read_count(Cursor& cursor, std::uint32_t& count) noexcept {
  if (!cursor.u32le(count)) return false;
  if (count == 0xFFFFFFFFU) count = 0;
  return count <= cursor.remaining();
}

[[nodiscard]] bool read_any_node_id(Cursor& cursor, bool expanded, NodeId& id) noexcept;

// Most are numbers in four or six octets.
[[nodiscard]] inline bool read_node_id(Cursor& cursor, bool expanded, NodeId& id) noexcept {
  const Bytes rest = cursor.rest();
  if (rest.size() < 7 || (rest[0] != 1 && rest[0] != 2)) return read_any_node_id(cursor, expanded, id);
  id.kind = IdKind::NUMERIC;
  id.elsewhere = false;
  id.data = {};
  if (rest[0] == 1) {
    id.name_space = rest[1];
    id.number = static_cast<std::uint32_t>(rest[2] | rest[3] << 8U);
    return cursor.skip(4);
  }
  return cursor.skip(1) && cursor.u16le(id.name_space) && cursor.u32le(id.number);
}

// Values within values, and objects within them, are `depth` deep.
inline constexpr unsigned depth_max = 8;

// Type and body of an extension object (empty if it has none). There are servers that go on behind what they
// have read of a type that they know, whatever the length of the body says: of types of the OPC Foundation,
// both have to agree.
[[nodiscard]] bool read_extension_object(Cursor& cursor, NodeId& type, Bytes& body,
                                         unsigned depth = 0) noexcept;
// Is the body one object of its type, and no octet more (opcua_layout.cpp)? Yes, for types of a server's own,
// which it alone knows.
[[nodiscard]] bool fits_type(const NodeId& type, Bytes body, unsigned depth) noexcept;

[[nodiscard]] inline bool skip_string(Cursor& cursor) noexcept {
  Bytes text;
  return read_string(cursor, text);
}
[[nodiscard]] inline bool skip_qualified_name(Cursor& cursor) noexcept {
  return cursor.skip(2) && skip_string(cursor);
}
// Token, time, handle, diagnostics, audit entry, hint, additional header.
[[nodiscard]] bool skip_request_header(Cursor& cursor) noexcept;
[[nodiscard]] bool skip_localized_text(Cursor& cursor) noexcept;
[[nodiscard]] bool skip_diagnostic_info(Cursor& cursor) noexcept;

// Numbers and booleans that are no arrays as such; all else as octets.
[[nodiscard]] bool read_variant(Cursor& cursor, Value& value, unsigned depth = 0) noexcept;
[[nodiscard]] bool read_data_value(Cursor& cursor, Value& value, unsigned depth = 0) noexcept;

// The identifier as a rule spells it ("s=…", "g=…", "b=…") to `out`; its size, 0: a number, or too long.
[[nodiscard]] std::size_t spell(const NodeId& id, std::uint8_t* out, std::size_t room) noexcept;

}  // namespace conduit::opcua
