#include "protocols/bacnet/bacnet_segments.hpp"

#include <algorithm>
#include <cstring>

namespace conduit::bacnet {
namespace {

constexpr std::size_t index_of(Role role) noexcept { return static_cast<std::size_t>(role); }

bool same_request(const Sending& sending, const Envelope& envelope, const Apdu& apdu) noexcept {
  return sending.live && sending.invoke == apdu.invoke && sending.service == apdu.service &&
         sending.receiver == hash_of(envelope.destination);
}

Begun* find_begun(Begun (&begun)[begun_count], std::uint32_t receiver, std::uint8_t invoke) noexcept {
  for (Begun& one : begun) {
    if (one.live && one.invoke == invoke && one.receiver == receiver) return &one;
  }
  return nullptr;
}

// Is there room for another request that may stay unanswered, and none of this number?
bool may_begin(const Begun (&begun)[begun_count], std::uint32_t receiver, std::uint8_t invoke) noexcept {
  bool room = false;
  for (const Begun& one : begun) {
    if (!one.live) room = true;
    if (one.live && one.invoke == invoke && one.receiver == receiver) return false;
  }
  return room;
}

// Is this a segment that has gone before, octet by octet? Then it tells its receiver nothing new.
bool repeats(const Sending& sending, const Apdu& apdu, Bytes assembled) noexcept {
  if (!apdu.more || apdu.sequence >= sending.next) return false;
  if (apdu.sequence != 0 && !sending.even) return false;
  const std::size_t at = std::size_t{apdu.sequence} * sending.first_size;
  return apdu.data.size() == sending.first_size && at <= assembled.size() &&
         assembled.size() - at >= apdu.data.size() &&
         std::equal(apdu.data.begin(), apdu.data.end(), assembled.begin() + static_cast<std::ptrdiff_t>(at));
}

const char* open_last(const Apdu& apdu, PduState& state, PduHead& head) noexcept {
  Fields& fields = state.as<Fields>();
  const std::size_t before = state.assembled.size();
  if (before > state.scratch.size() || state.scratch.size() - before < apdu.data.size()) return "segment";
  std::memcpy(state.scratch.data(), state.assembled.data(), before);
  std::memcpy(state.scratch.data() + before, apdu.data.data(), apdu.data.size());
  fields.assembled = true;
  fields.position = 0;
  fields.end = static_cast<std::uint16_t>(before + apdu.data.size());
  head.assembly = Assembly::LAST;
  return nullptr;
}

bool answers(const Session& session, std::size_t side, std::uint8_t invoke) noexcept {
  const auto* const begin = session.answering[side];
  return std::find(begin, begin + session.answering_size[side], invoke) !=
         begin + session.answering_size[side];
}

void note_request(const Envelope& envelope, const Apdu& apdu, std::size_t side, Session& session) noexcept {
  if (!apdu.segmented) return;
  Sending& sending = session.sending[side];
  const std::uint32_t receiver = hash_of(envelope.destination);
  const bool same = same_request(sending, envelope, apdu);
  if (same && apdu.sequence == sending.next && apdu.sequence != 0) {
    sending.even = sending.even && (!apdu.more || apdu.data.size() == sending.first_size);
    sending.live = apdu.more;
    sending.known = true;
    ++sending.next;
    return;
  }
  if (same || apdu.sequence != 0) return;  // a repetition
  sending = {
      receiver, static_cast<std::uint16_t>(apdu.data.size()), apdu.invoke, apdu.service, 1, apdu.more, true,
      true};
  for (Begun& one : session.begun[side]) {
    if (one.live) continue;
    one = {receiver, apdu.invoke, true};
    break;
  }
}

void note_answer(const Envelope& envelope, const Apdu& apdu, std::size_t side, Session& session) noexcept {
  const std::size_t asker = 1 - side;
  if (Begun* const begun = find_begun(session.begun[asker], hash_of(envelope.source), apdu.invoke)) {
    begun->live = false;
  }
  Sending& sending = session.sending[asker];
  if (sending.invoke == apdu.invoke && sending.receiver == hash_of(envelope.source)) sending = Sending{};
  if (!apdu.segmented || answers(session, side, apdu.invoke)) return;
  std::uint8_t& next = session.answering_next[side];
  session.answering[side][next] = apdu.invoke;
  next = static_cast<std::uint8_t>((next + 1U) % answering_count);
  if (session.answering_size[side] < answering_count) ++session.answering_size[side];
}

}  // namespace

std::uint32_t hash_of(const Station& station) noexcept {
  if (!station.stated()) return 0;
  std::uint32_t state = 0x811C9DC5;
  const auto add = [&state](std::uint64_t octet) {
    state = (state ^ static_cast<std::uint32_t>(octet & 0xFF)) * 0x01000193;
  };
  add(station.network >> 8);
  add(station.network);
  for (unsigned octet = station.size; octet != 0; --octet) add(station.address >> (8 * (octet - 1)));
  return state == 0 ? 1 : state;
}

bool answer_fits(const Apdu& apdu) noexcept {
  const FunctionRow* const row = function_row(static_cast<std::uint32_t>(confirmed_base + apdu.service));
  if (apdu.type == ApduType::ERROR || row == nullptr) return true;
  return (row->answer == Answer::SIMPLE) == (apdu.type == ApduType::SIMPLE_ACK);
}

const char* open_segment(const Envelope& envelope, const Apdu& apdu, Role sender, const Session& session,
                         PduState& state, PduHead& head) noexcept {
  Fields& fields = state.as<Fields>();
  const std::size_t side = index_of(sender);
  const Sending& sending = session.sending[side];
  const bool same = same_request(sending, envelope, apdu) && !state.assembled.empty();
  if (same && repeats(sending, apdu, state.assembled)) {
    fields.content = Content::NOTHING;
    head.kind = PduKind::IMPLIED;
    head.answered = false;
    return nullptr;
  }
  if (apdu.sequence == 0) {
    if (same || !may_begin(session.begun[side], hash_of(envelope.destination), apdu.invoke))
      return "invoke_id";
    if (!apdu.more) return nullptr;  // all of it
    head.assembly = Assembly::FIRST;
  } else {
    if (!same || apdu.sequence != sending.next) return "sequence_number";
    if (!apdu.more) return open_last(apdu, state, head);
    head.assembly = Assembly::MORE;
  }
  fields.content = Content::NOTHING;
  head.piece = apdu.data;
  return nullptr;
}

bool is_begun(const Envelope& envelope, const Apdu& apdu, Role sender, const Session& session) noexcept {
  const std::uint32_t receiver = hash_of(envelope.destination);
  const auto& begun = session.begun[index_of(sender)];
  return std::any_of(std::begin(begun), std::end(begun), [&](const Begun& one) {
    return one.live && one.invoke == apdu.invoke && one.receiver == receiver;
  });
}

bool control_awaited(const Apdu& apdu, Role sender, const Session& session) noexcept {
  const std::size_t side = index_of(sender);
  const Sending& of_peer = session.sending[1 - side];
  if (apdu.from_server) return of_peer.known && of_peer.invoke == apdu.invoke;
  const Sending& own = session.sending[side];
  if (apdu.type == ApduType::ABORT && own.known && own.invoke == apdu.invoke) return true;
  return answers(session, 1 - side, apdu.invoke);
}

bool ends_sending(const Envelope& envelope, const Apdu& apdu, Role sender, const Session& session) noexcept {
  const Sending& of_peer = session.sending[1 - index_of(sender)];
  const bool negative =
      apdu.type == ApduType::ERROR || apdu.type == ApduType::REJECT || apdu.type == ApduType::ABORT;
  return negative && of_peer.live && of_peer.invoke == apdu.invoke &&
         of_peer.receiver == hash_of(envelope.source);
}

void note_passage(const Envelope& envelope, const Apdu& apdu, Role sender, Session& session) noexcept {
  const std::size_t side = index_of(sender);
  switch (apdu.type) {
    case ApduType::CONFIRMED_REQUEST: return note_request(envelope, apdu, side, session);
    case ApduType::SIMPLE_ACK:
    case ApduType::COMPLEX_ACK:
    case ApduType::ERROR:
    case ApduType::REJECT: return note_answer(envelope, apdu, side, session);
    case ApduType::ABORT:
      if (apdu.from_server) return note_answer(envelope, apdu, side, session);
      if (session.sending[side].invoke == apdu.invoke) session.sending[side] = Sending{};
      return;
    case ApduType::UNCONFIRMED_REQUEST:
    case ApduType::SEGMENT_ACK: return;
  }
}

}  // namespace conduit::bacnet
