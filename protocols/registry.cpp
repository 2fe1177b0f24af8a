// The one table of all rooms. Its rows are the folders of protocols/, listed when the tree is configured.
#include "protocols/core/decoder.hpp"
#include "protocols/room_headers.inc"

namespace conduit {
namespace {

constexpr const Protocol* rows[] = {
#include "protocols/room_rows.inc"
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
