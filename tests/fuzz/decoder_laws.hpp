// Laws of the decoder contract that the fuzz targets of all rooms hold `frame` to.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "protocols/core/decoder.hpp"

namespace conduit::fuzz {

inline void require(bool condition, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (condition) return;
  std::fprintf(stderr, "%s:%d: the law does not hold\n", file, line);
  std::abort();
}

[[nodiscard]] inline bool same(const Framing& left, const Framing& right) {
  return left.status == right.status && left.pdu_size == right.pdu_size &&
         left.judge_size == right.judge_size && left.mismatch == right.mismatch &&
         std::string_view(left.field) == right.field;
}

// Answers for growing beginnings: the first one other than INCOMPLETE stays, and none asks for more octets
// than it takes to judge the PDU, or the engine would wait for what never comes. `most`: of the first and of
// the last octets so many beginnings are asked about, since all of them would be quadratic.
inline Framing stable_frame(const Protocol& room, Bytes octets, Role sender, Transport transport,
                            const SessionState& session, std::size_t most = 600) {
  const Framing whole = room.frame(octets, sender, transport, session);
  const std::size_t last = octets.size() > most ? octets.size() - most : 0;
  bool decided = false;
  for (std::size_t size = 0; size < octets.size();
       size = size == most ? std::max(last, size + 1) : size + 1) {
    const Framing part = room.frame(octets.first(size), sender, transport, session);
    if (part.status == FrameStatus::INCOMPLETE) {
      require(!decided && part.need_size > size);
      require(whole.status != FrameStatus::COMPLETE || part.need_size <= whole.judge_size);
      continue;
    }
    decided = true;
    require(same(part, whole));
  }
  if (whole.status == FrameStatus::COMPLETE) {
    require(whole.judge_size >= 1 && whole.judge_size <= whole.pdu_size);
    require(whole.judge_size <= room.judge_size_max && whole.pdu_size <= room.pdu_size_max);
  }
  return whole;
}

}  // namespace conduit::fuzz
