#include "dataplane/engine/tcp_gate_map.hpp"
#include "protocols/core/mutation.hpp"

namespace conduit {

std::uint32_t to_receiver(PositionMap map, std::uint32_t position) noexcept {
  std::uint32_t delta = map.delta;
  for (const Edit& edit : map.edits) {
    if (before(position, edit.position)) break;
    if (edit.kind == EditKind::INSERTED) {
      delta += edit.size;
    } else if (before(position, edit.position + edit.size)) {
      return edit.position + delta;
    } else {
      delta -= edit.size - (mutated(Mutation::MAP_OFF_BY_ONE) ? 1U : 0U);
    }
  }
  return position + delta;
}

std::uint32_t to_sender(PositionMap map, std::uint32_t position_r) noexcept {
  std::uint32_t delta = map.delta;
  for (const Edit& edit : map.edits) {
    const std::uint32_t place_r = edit.position + delta;
    if (before(position_r, place_r)) break;
    if (edit.kind == EditKind::REMOVED) {
      delta -= edit.size;
    } else if (before(position_r, place_r + edit.size)) {
      return edit.position;
    } else {
      delta += edit.size;
    }
  }
  return position_r - delta;
}

std::uint32_t edit_position_r(PositionMap map, std::size_t index) noexcept {
  std::uint32_t delta = map.delta;
  for (const Edit& edit : map.edits.first(index)) {
    delta += edit.kind == EditKind::INSERTED ? edit.size : 0U - edit.size;
  }
  return map.edits[index].position + delta;
}

std::uint32_t inserted_size(PositionMap map) noexcept {
  std::uint32_t size = 0;
  for (const Edit& edit : map.edits) {
    if (edit.kind == EditKind::INSERTED) size += edit.size;
  }
  return size;
}

std::uint16_t told_window(PositionMap map, std::uint16_t window, std::uint8_t scale) noexcept {
  const std::uint32_t inserted = inserted_size(map);
  if (inserted == 0 || mutated(Mutation::WINDOW_NOT_TRANSLATED)) return window;
  const std::uint32_t room = std::uint32_t{window} << scale;
  return static_cast<std::uint16_t>((room > inserted ? room - inserted : 0) >> scale);
}

}  // namespace conduit
