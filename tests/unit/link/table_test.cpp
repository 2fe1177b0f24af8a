// The table of messages that both sides hold against what they receive.
#include <doctest/doctest.h>

#include "tests/support/link_peer.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr IpcSender other(IpcSender sender) {
  return sender == IpcSender::DATA_PLANE ? IpcSender::CONTROL_PLANE : IpcSender::DATA_PLANE;
}

}  // namespace

TEST_CASE("each message is permitted to its sender alone, in its size alone") {
  const struct {
    IpcType type;
    IpcSender sender;
    std::size_t size;
  } rows[] = {
      {IpcType::HELLO, IpcSender::DATA_PLANE, 336},
      {IpcType::IMAGE, IpcSender::CONTROL_PLANE, 32},
      {IpcType::IMAGE_ACCEPTED, IpcSender::DATA_PLANE, 40},
      {IpcType::IMAGE_REFUSED, IpcSender::DATA_PLANE, 120},
      {IpcType::ISLAND, IpcSender::CONTROL_PLANE, 32},
      {IpcType::ISLAND_DONE, IpcSender::DATA_PLANE, 32},
      {IpcType::PING, IpcSender::CONTROL_PLANE, 24},
      {IpcType::PONG, IpcSender::DATA_PLANE, 24},
  };
  CHECK(std::size(rows) == ipc_rules.size());
  for (const auto& row : rows) {
    CAPTURE(static_cast<unsigned>(row.type));
    auto header = filled<IpcPing>(row.type).header;
    header.size = static_cast<std::uint32_t>(row.size);
    const std::size_t fds = row.type == IpcType::HELLO ? 2 : row.type == IpcType::IMAGE ? 1 : 0;
    REQUIRE(ipc_permitted(header, row.size, row.sender, fds) != nullptr);
    CHECK(ipc_permitted(header, row.size, other(row.sender), fds) == nullptr);
    CHECK(ipc_permitted(header, row.size - 1, row.sender, fds) == nullptr);
    CHECK(ipc_permitted(header, row.size + 1, row.sender, fds) == nullptr);
    const std::size_t fds_max = row.type == IpcType::HELLO ? 32 : fds;
    CHECK(ipc_permitted(header, row.size, row.sender, fds_max) != nullptr);
    CHECK(ipc_permitted(header, row.size, row.sender, fds_max + 1) == nullptr);
    if (fds != 0) CHECK(ipc_permitted(header, row.size, row.sender, fds - 1) == nullptr);
    IpcHeader changed = header;
    changed.magic ^= 1;
    CHECK(ipc_permitted(changed, row.size, row.sender, fds) == nullptr);
    changed = header;
    ++changed.abi;
    CHECK(ipc_permitted(changed, row.size, row.sender, fds) == nullptr);
    changed = header;
    ++changed.size;
    CHECK(ipc_permitted(changed, row.size, row.sender, fds) == nullptr);
    CHECK(ipc_permitted(changed, row.size + 1, row.sender, fds) == nullptr);
  }
}

TEST_CASE("a number that names no message is permitted to nobody") {
  for (const std::uint32_t number : {0U, 9U, 0x100U, 0x01000000U, 0xFFFFFFFFU}) {
    for (const std::size_t size : {24U, 32U, 40U, 120U, 336U}) {
      auto header = filled<IpcPing>(static_cast<IpcType>(number)).header;
      header.size = static_cast<std::uint32_t>(size);
      CHECK(ipc_permitted(header, size, IpcSender::DATA_PLANE, 0) == nullptr);
      CHECK(ipc_permitted(header, size, IpcSender::CONTROL_PLANE, 0) == nullptr);
    }
  }
}
