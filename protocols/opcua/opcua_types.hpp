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

[[nodiscard]] bool read_string(Cursor& cursor, Bytes& text) noexcept;          // null: empty
[[nodiscard]] bool read_count(Cursor& cursor, std::uint32_t& count) noexcept;  // at most an octet each
[[nodiscard]] bool read_node_id(Cursor& cursor, bool expanded, NodeId& id) noexcept;

// Type and body of an extension object (empty if it has none).
[[nodiscard]] bool read_extension_object(Cursor& cursor, NodeId& type, Bytes& body) noexcept;

[[nodiscard]] bool skip_string(Cursor& cursor) noexcept;
[[nodiscard]] bool skip_qualified_name(Cursor& cursor) noexcept;
[[nodiscard]] bool skip_localized_text(Cursor& cursor) noexcept;
[[nodiscard]] bool skip_diagnostic_info(Cursor& cursor) noexcept;

// Numbers and booleans that are no arrays as such; all else as octets.
[[nodiscard]] bool read_variant(Cursor& cursor, Value& value) noexcept;
[[nodiscard]] bool read_data_value(Cursor& cursor, Value& value) noexcept;

// The identifier as a rule spells it ("s=…", "g=…", "b=…") to `out`; its size, 0: a number, or too long.
[[nodiscard]] std::size_t spell(const NodeId& id, std::uint8_t* out, std::size_t room) noexcept;

}  // namespace conduit::opcua
