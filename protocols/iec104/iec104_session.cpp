// What a connection remembers of its frames: data transfer and tests (104 §5.2, §5.3), numbers of I-frames
// (104 §5.1, §5.5) and what becomes of them when frames are taken out or put in.
#include <algorithm>
#include <span>

#include "protocols/iec104/iec104_pdu.hpp"

namespace conduit::iec104 {
namespace {

constexpr std::uint16_t edit_inserted = 0x8000;
constexpr std::uint8_t edits_lost = 0xFF;  // `edit_count`: one of them found no place

constexpr std::uint16_t plus(std::uint16_t number, std::uint16_t more) noexcept {
  return static_cast<std::uint16_t>((number + more) & sequence_mask);
}
constexpr std::uint16_t minus(std::uint16_t number, std::uint16_t less) noexcept {
  return static_cast<std::uint16_t>((number - less) & sequence_mask);
}

constexpr std::size_t index_of(bool client) noexcept {
  return static_cast<std::size_t>(client ? Role::CLIENT : Role::SERVER);
}

// How far `number` lies in front of `from`, in the half of the circle that is to come.
constexpr bool ahead(std::uint16_t number, std::uint16_t from) noexcept {
  const std::uint16_t distance = minus(number, from);
  return distance != 0 && distance <= (sequence_mask >> 1);
}

// N(S) of the next frame as the receiver counts.
std::uint16_t arriving_next(const Stream& stream) noexcept { return minus(stream.send_next, stream.removed); }

std::span<const std::uint16_t> edits_of(const Stream& stream) noexcept {
  return std::span(stream.edits).first(std::min<std::size_t>(stream.edit_count, edit_count_max));
}

// Has a receiver that acknowledges `acknowledged` passed this edit? One that was put in, when it is
// acknowledged itself. One taken out, as soon as all frames of its sender before it are: what was put in does
// not count.
bool passed(const Stream& stream, std::uint16_t edit, std::uint16_t acknowledged) noexcept {
  const std::uint16_t at = edit & sequence_mask;
  if ((edit & edit_inserted) != 0) return ahead(acknowledged, at);
  if (!ahead(at, acknowledged)) return true;
  std::uint16_t between = minus(at, acknowledged);
  for (const std::uint16_t one : edits_of(stream)) {
    const std::uint16_t number = one & sequence_mask;
    if ((one & edit_inserted) != 0 && !ahead(acknowledged, number) && ahead(at, number)) --between;
  }
  return between == 0;
}

// The receiver's N(R) in the numbers of the stream's sender.
std::uint16_t acknowledged_of(const Stream& stream, std::uint16_t acknowledged) noexcept {
  std::uint16_t number = plus(acknowledged, stream.removed);
  for (const std::uint16_t edit : edits_of(stream)) {
    if (passed(stream, edit, acknowledged)) continue;
    number = (edit & edit_inserted) != 0 ? plus(number, 1) : minus(number, 1);
  }
  return number;
}

void forget_passed(Stream& stream, std::uint16_t acknowledged) noexcept {
  std::array<std::uint16_t, edit_count_max> kept{};
  std::uint8_t count = 0;
  for (const std::uint16_t edit : edits_of(stream)) {
    if (!passed(stream, edit, acknowledged)) kept[count++] = edit;
  }
  stream.edits = kept;
  stream.edit_count = count;
}

// False: no place; the numbers cannot be told any more.
bool remember(Stream& stream, std::uint16_t edit, std::uint16_t acknowledged) noexcept {
  if (passed(stream, edit, acknowledged)) return true;
  const bool full = stream.edit_count >= edit_count_max;
  if (!full) stream.edits[stream.edit_count] = edit;
  stream.edit_count = full ? edits_lost : static_cast<std::uint8_t>(stream.edit_count + 1);
  return !full;
}

void store_sequence(std::uint8_t* at, std::uint16_t number) noexcept {
  at[0] = static_cast<std::uint8_t>(number << 1);
  at[1] = static_cast<std::uint8_t>(number >> 7);
}
const char* check_transfer(const Fields& fields, const Session& session) noexcept {
  if (fields.format == Format::S)
    return session.transfer != Transfer::NEVER_STARTED ? nullptr : "data_transfer";
  if (session.transfer == Transfer::STARTED) return nullptr;
  // What the station sent before it saw STOPDT.
  return !fields.from_client && session.transfer == Transfer::STOPPING ? nullptr : "data_transfer";
}

// Behind STOPDT con a station may take an S-frame for a fault.
bool may_acknowledge(const Session& session) noexcept {
  return session.transfer == Transfer::STARTED || session.transfer == Transfer::STOPPING;
}

void close_one(std::uint8_t& open) noexcept {
  if (open != 0) --open;
}

void accept_control(std::uint8_t control, Stream& own, Stream& other, Session& session) noexcept {
  const auto more = [](std::uint8_t& open) {
    if (open != 0xFF) ++open;
  };
  switch (control_base + control) {
    case STARTDT: more(session.starts_open); break;
    case STARTDT_CON:
      close_one(session.starts_open);
      session.transfer = session.stops_open == 0 ? Transfer::STARTED : Transfer::STOPPING;
      break;
    case STOPDT:
      more(session.stops_open);
      if (session.transfer == Transfer::STARTED) session.transfer = Transfer::STOPPING;
      break;
    case STOPDT_CON:
      close_one(session.stops_open);
      session.transfer = Transfer::STOPPED;
      break;
    case TESTFR: more(own.tests_open); break;
    case TESTFR_CON: close_one(other.tests_open); break;
    default: break;
  }
}

}  // namespace

const char* check_place(const Fields& fields, Quirks quirks, const Session& session) noexcept {
  if (fields.format == Format::U || (quirks & QUIRK_PLACE_UNKNOWN) != 0) return nullptr;
  if (const char* field = check_transfer(fields, session); field != nullptr) return field;
  const Stream& own = session.streams[index_of(fields.from_client)];
  const Stream& other = session.streams[index_of(!fields.from_client)];
  if (fields.format == Format::I && fields.send_sequence != own.send_next) return "send_sequence";
  // It may acknowledge what was sent to it, and does not go back.
  const std::uint16_t open = minus(arriving_next(other), own.received);
  if (minus(fields.receive_sequence, own.received) > open) return "receive_sequence";
  if (fields.format == Format::S) return nullptr;
  const std::uint16_t waiting = minus(own.send_next, acknowledged_of(own, other.received));
  const bool large = (quirks & QUIRK_LARGE_WINDOW) != 0;
  return waiting < (large ? large_window_max : window_max) ? nullptr : "window";
}

bool awaited(const Fields& fields, const Session& session) noexcept {
  switch (control_base + fields.control) {
    case STARTDT_CON: return session.starts_open != 0;
    case STOPDT_CON: return session.stops_open != 0;
    case TESTFR_CON: return session.streams[index_of(!fields.from_client)].tests_open != 0;
    default: return false;
  }
}

void accept_frame(Bytes apdu, Role sender, Session& session) noexcept {
  Stream& own = session.streams[index_of(sender == Role::CLIENT)];
  const std::uint8_t* const control = &apdu[control_at];
  if ((control[0] & 3U) == 3)
    return accept_control(control[0], own, session.streams[index_of(sender != Role::CLIENT)], session);
  own.received = load_sequence(control + 2);
  own.told = own.received;  // as long as nothing was taken out or put in; then `renumber` says it
  if ((control[0] & 1U) == 0) own.send_next = plus(load_sequence(control), 1);
}

bool renumber(std::span<std::uint8_t> pdu, Role sender, Passage passage, SessionState& state) noexcept {
  Session& session = state.as<Session>();
  if (pdu.size() < apci_size) return false;
  Stream& own = session.streams[index_of(sender == Role::CLIENT)];
  Stream& other = session.streams[index_of(sender != Role::CLIENT)];
  std::uint8_t* const control = &pdu[control_at];
  const bool is_i = (control[0] & 1U) == 0;
  if (own.edit_count == edits_lost || other.edit_count == edits_lost) return false;
  if (!is_i && (control[0] & 2U) != 0) return true;  // U-frames have no numbers
  if (passage == Passage::INSERTED) {
    if (is_i ? own.edit_count >= edit_count_max : !may_acknowledge(session)) return false;
    own.told = acknowledged_of(other, own.received);
    store_sequence(control + 2, own.told);
    if (!is_i) return true;
    const std::uint16_t at = arriving_next(own);
    store_sequence(control, at);
    own.removed = minus(own.removed, 1);
    return remember(own, at | edit_inserted, other.received);
  }
  const std::uint16_t acknowledges = load_sequence(control + 2);
  if (passage == Passage::REMOVED) {
    own.received = acknowledges;
    forget_passed(other, acknowledges);
    if (!is_i) return true;
    const std::uint16_t at = arriving_next(own);
    own.send_next = plus(load_sequence(control), 1);
    own.removed = plus(own.removed, 1);
    return remember(own, at, other.received);
  }
  own.told = acknowledged_of(other, acknowledges);
  store_sequence(control + 2, own.told);
  if (is_i) store_sequence(control, minus(load_sequence(control), own.removed));
  forget_passed(other, acknowledges);
  return true;
}

// 104 §5.2: an S-frame. Its N(R) is set by `renumber`.
std::size_t acknowledge(Role sender, const SessionState& state, std::span<std::uint8_t> apdu) noexcept {
  static constexpr std::array<std::uint8_t, apci_size> s_frame{0x68, length_min, 1, 0, 0, 0};
  const Session& session = const_cast<SessionState&>(state).as<Session>();
  const Stream& own = session.streams[index_of(sender == Role::CLIENT)];
  const Stream& other = session.streams[index_of(sender != Role::CLIENT)];
  if (apdu.size() < s_frame.size() || !may_acknowledge(session)) return 0;
  if (acknowledged_of(other, own.received) == own.told) return 0;
  std::copy(s_frame.begin(), s_frame.end(), apdu.begin());
  return s_frame.size();
}

}  // namespace conduit::iec104
