// The one table of all rooms. A new protocol adds one row.
#include "protocols/core/decoder.hpp"
#include "protocols/modbus/modbus_decoder.hpp"

namespace conduit {
namespace {

constexpr std::array<const Protocol*, 1> rows{
    &modbus_protocol,
};

}  // namespace

const Protocol* find_protocol(ProtocolId id) noexcept {
  for (const Protocol* protocol : rows) {
    if (protocol->id == id) return protocol;
  }
  return nullptr;
}

const Protocol* find_protocol(std::string_view name) noexcept {
  for (const Protocol* protocol : rows) {
    if (protocol->name == name) return protocol;
  }
  return nullptr;
}

std::span<const Protocol* const> all_protocols() noexcept { return rows; }

}  // namespace conduit
