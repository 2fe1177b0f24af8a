// Protocol::usual against what it stands for: `frame`, `open` and `next`.
#pragma once

#include <algorithm>

#include "protocols/core/decoder.hpp"

namespace conduit::test {

[[nodiscard]] inline bool same_octets(Bytes a, Bytes b) {
  return a.data() == b.data() && a.size() == b.size();
}

[[nodiscard]] inline bool same_operation(const Operation& a, const Operation& b) {
  if (a.protocol != b.protocol || a.access != b.access || a.function != b.function) return false;
  if (a.present != b.present || a.keys_present != b.keys_present) return false;
  for (std::size_t i = 0; i < dimension_count; ++i) {
    if (a.has(i) && a.dimension[i] != b.dimension[i]) return false;
  }
  for (std::size_t i = 0; i < key_count; ++i) {
    if (((a.keys_present >> i) & 1U) == 0) continue;
    if (a.key[i].kind != b.key[i].kind || !same_octets(a.key[i].data, b.key[i].data)) return false;
  }
  if (a.value.kind != b.value.kind || a.value.count != b.value.count) return false;
  const bool number = a.value.kind >= ValueKind::SIGNED && a.value.kind <= ValueKind::FLOAT;
  return (!number || a.value.u == b.value.u) && same_octets(a.value.data, b.value.data);
}

[[nodiscard]] inline bool same_head(const PduHead& a, const PduHead& b) {
  return a.well_formed == b.well_formed && std::string_view(a.field) == b.field && a.kind == b.kind &&
         a.answered == b.answered && a.negative == b.negative && a.function == b.function &&
         a.match_key == b.match_key && a.match_detail == b.match_detail;
}

enum class UsualPdu { NOT_READ, READ_ALIKE, READ_OTHERWISE };

// Asks for `bytes` both ways.
[[nodiscard]] inline UsualPdu ask_usual(const Protocol& protocol, Bytes bytes, Role sender, Quirks quirks) {
  PduHead usual_head;
  Operation usual_operation;
  usual_operation.set(dimension_count - 1, 77);  // left by another PDU
  usual_operation.value.kind = ValueKind::UNREADABLE;
  if (!protocol.usual(bytes, sender, quirks, usual_head, usual_operation)) return UsualPdu::NOT_READ;
  const SessionState session;
  PduState state;
  Operation operation;
  const Framing framing = protocol.frame(bytes, sender, Transport::TCP, session);
  const bool whole = framing.status == FrameStatus::COMPLETE && framing.pdu_size == bytes.size() &&
                     framing.judge_size == bytes.size();
  const PduHead head = protocol.open(bytes, sender, quirks, session, state);
  const bool alike = whole && head.well_formed && same_head(head, usual_head) &&
                     protocol.next(bytes, state, operation) == Next::OPERATION &&
                     same_operation(operation, usual_operation) &&
                     protocol.next(bytes, state, operation) == Next::END;
  return alike ? UsualPdu::READ_ALIKE : UsualPdu::READ_OTHERWISE;
}

}  // namespace conduit::test
