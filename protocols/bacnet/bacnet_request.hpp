// Readers that requests of one operation and lists of properties share. Internal to the room. A field name
// means that the octets are not what is asked for; null, that they are.
#pragma once

#include "protocols/bacnet/bacnet_pdu.hpp"
#include "protocols/bacnet/bacnet_tags.hpp"

namespace conduit::bacnet {

inline void set_object(Operation& operation, std::uint32_t object) noexcept {
  operation.set(OBJECT_TYPE, object >> 22);
  operation.set(INSTANCE, object & instance_last);
}

inline void set_number(Operation& operation, std::uint64_t number) noexcept {
  operation.value.kind = ValueKind::UNSIGNED;
  operation.value.count = 1;
  operation.value.u = number;
}

// Property, and array index where one is stated, as context tags `number` and `number + 1`.
[[nodiscard]] const char* read_property_index(Cursor& rest, std::uint8_t number,
                                              Operation& operation) noexcept;
// Object, property and array index, as context tags 0 to 2.
[[nodiscard]] const char* read_reference(Cursor& rest, std::uint32_t& object, Operation& operation) noexcept;
// What is written, within context tag `number`.
[[nodiscard]] const char* read_written(Cursor& rest, std::uint8_t number, Operation& operation) noexcept;
// The priority of a write: the lowest where none is stated.
[[nodiscard]] const char* read_priority(Cursor& rest, std::uint8_t number, Operation& operation) noexcept;

// The operation of a service that has one; its function is set. Reads all of its parameters.
[[nodiscard]] const char* tell_single(Cursor& rest, Operation& operation) noexcept;

}  // namespace conduit::bacnet
