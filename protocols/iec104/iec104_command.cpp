// What a connection remembers of commands: selections (101 §6.8), ends that are awaited, broadcasts.
//
// Told from the octets between cause and command as they stand on the wire: their sizes are not known here,
// but are the same for all ASDUs of a connection.
#include <algorithm>

#include "protocols/iec104/iec104_pdu.hpp"

namespace conduit::iec104 {
namespace {

constexpr std::size_t cause_at = 8;
constexpr std::size_t addresses_at = 9;
constexpr std::uint8_t cause_mask = 0x3F;
constexpr std::uint8_t negative_bit = 0x40;
constexpr std::uint8_t test_bit = 0x80;

// An ASDU of one object in control direction, or its mirror.
struct Control {
  std::uint8_t type = 0;
  std::uint8_t cause = 0;
  bool negative = false;
  std::uint8_t test = 0;  // T, where it stands beside the cause
  Bytes addresses{};
  Bytes command{};  // without its time tag
};

bool read_control(Bytes apdu, Control& control) noexcept {
  if (apdu.size() < addresses_at) return false;
  control.type = apdu[apci_size];
  control.cause = apdu[cause_at] & cause_mask;
  control.negative = (apdu[cause_at] & negative_bit) != 0;
  control.test = apdu[cause_at] & test_bit;
  const TypeRow& row = type_row(control.type);
  if (!row.known() || !row.single || apdu.size() - addresses_at < row.size) return false;
  const std::size_t size = apdu.size() - addresses_at - row.size;
  if (size > address_size_max) return false;
  control.addresses = apdu.subspan(addresses_at, size);
  control.command = apdu.subspan(addresses_at + size, std::size_t{row.size} - row.tag_size);
  return true;
}

bool selects(const Control& control) noexcept {
  return has_select_bit(control.type) && (control.command.back() & select_bit) != 0;
}

Selection selection_of(const Control& control) noexcept {
  Selection selection;
  selection.type = control.type | control.test;
  std::copy(control.addresses.begin(), control.addresses.end(), selection.addresses.begin());
  const std::size_t size = std::min(control.command.size(), command_size_max);
  std::copy_n(control.command.begin(), size, selection.command.begin());
  selection.command[size - 1] &= static_cast<std::uint8_t>(~select_bit);
  return selection;
}

bool nothing_selected(const Session& session) noexcept {
  return std::all_of(session.selections.begin(), session.selections.end(),
                     [](const Selection& one) { return one.type == 0; });
}

bool same_object(const Selection& left, const Selection& right) noexcept {
  return left.type == right.type && left.addresses == right.addresses;
}

// The command as the station has confirmed it: one that does not repeat the originator has done so for any.
// Where the addresses have all their octets, the first is the originator.
Selection as_confirmed(const Control& control, const Selection& confirmed) noexcept {
  Selection command = selection_of(control);
  const bool silent = control.addresses.size() == address_size_max && confirmed.addresses[0] == 0;
  if (silent) command.addresses[0] = 0;
  return command;
}

// The object's selection, or the place of one that gives way.
Selection& place_of(const Selection& selection, Session& session) noexcept {
  for (Selection& one : session.selections) {
    if (same_object(one, selection)) return one;
  }
  for (Selection& one : session.selections) {
    if (one.type == 0) return one;
  }
  session.selection_next ^= 1U;
  return session.selections[session.selection_next];
}

// FNV-1a, 32 bit; never 0. Tells one awaited end from another; it authenticates nothing.
std::uint32_t command_hash(const Control& control) noexcept {
  std::uint32_t state = (0x811C9DC5U ^ control.type) * 0x01000193U;
  for (const std::uint8_t octet : control.addresses) state = (state ^ octet) * 0x01000193U;
  return state | 1U;
}

void accept_request(const Control& control, Session& session) noexcept {
  if (selects(control) && control.cause == ACTIVATION) return;  // the station may still say no
  for (Selection& one : session.selections) {
    if (same_object(one, as_confirmed(control, one))) one = Selection{};  // executed or given up
  }
}

void accept_answer(const Control& control, Session& session) noexcept {
  const std::uint32_t hash = command_hash(control);
  if (control.cause == ACTIVATION_TERMINATION) {
    const auto found = std::find(session.terminations.begin(), session.terminations.end(), hash);
    if (found != session.terminations.end()) *found = 0;
    return;
  }
  if (control.cause != ACTIVATION_CON || control.negative) return;
  if (selects(control)) {
    const Selection selection = selection_of(control);
    place_of(selection, session) = selection;
    return;
  }
  session.terminations[session.termination_next] = hash;
  session.termination_next =
      static_cast<std::uint8_t>((session.termination_next + 1U) % session.terminations.size());
}

// Place of a type in `all_asked`; 4: none.
unsigned asked_index(std::uint8_t type) noexcept {
  switch (type) {
    case C_IC_NA_1: return 0;
    case C_CI_NA_1: return 1;
    case C_CS_NA_1: return 2;
    case C_RP_NA_1: return 3;
    default: return 4;
  }
}

// To whom does this go? The object address is 0, so that the last octet other than 0 is the common address's.
Asked asked_of(Bytes addresses) noexcept {
  if (addresses.size() == address_size_max)  // all have their usual sizes
    return (addresses[1] & addresses[2]) == 0xFF ? Asked::ALL_TWO_OCTETS : Asked::ONE;
  while (!addresses.empty() && addresses.back() == 0) addresses = addresses.first(addresses.size() - 1);
  if (addresses.empty() || addresses.back() != 0xFF) return Asked::ONE;
  const bool two = addresses.size() >= 2 && addresses[addresses.size() - 2] == 0xFF;
  return two ? Asked::ALL_TWO_OCTETS : Asked::ALL_ONE_OCTET;
}

// Who is asked like this from now on: all stations, or one.
void accept_question(const Control& control, Session& session) noexcept {
  const unsigned shift = 2 * asked_index(control.type);
  const auto asked = static_cast<unsigned>(asked_of(control.addresses));
  session.all_asked = static_cast<std::uint8_t>((session.all_asked & ~(3U << shift)) | (asked << shift));
  if (control.type == C_IC_NA_1) session.all_interrogation = control.command[0];
  if (control.type == C_CI_NA_1) session.all_counters = control.command[0];
}

}  // namespace

bool selected(Bytes apdu, const Session& session) noexcept {
  if (nothing_selected(session)) return false;
  Control control;
  if (!read_control(apdu, control) || !has_select_bit(control.type)) return false;
  if (control.cause != ACTIVATION || selects(control)) return false;
  return std::any_of(session.selections.begin(), session.selections.end(), [&](const Selection& one) {
    return one.type != 0 && as_confirmed(control, one) == one;
  });
}

bool termination_awaited(Bytes apdu, const Session& session) noexcept {
  Control control;
  if (!read_control(apdu, control)) return false;
  const std::uint32_t hash = command_hash(control);
  return std::find(session.terminations.begin(), session.terminations.end(), hash) !=
         session.terminations.end();
}

bool answers_all(std::uint8_t type, std::uint8_t qualifier, bool two_octets,
                 const Session& session) noexcept {
  const unsigned index = asked_index(type);
  if (index == 4) return false;
  const unsigned asked = (unsigned{session.all_asked} >> (2 * index)) & 3U;
  const Asked wanted = two_octets ? Asked::ALL_TWO_OCTETS : Asked::ALL_ONE_OCTET;
  if (asked < static_cast<unsigned>(wanted)) return false;
  if (type == C_IC_NA_1) return session.all_interrogation == qualifier;
  return type != C_CI_NA_1 || session.all_counters == qualifier;
}

void accept_asdu(Bytes apdu, Role sender, Session& session) noexcept {
  if (apdu.size() <= addresses_at) return;
  const std::uint8_t type = apdu[apci_size];
  const bool client = sender == Role::CLIENT;
  if (!is_command(type) && (!client || asked_index(type) == 4)) return;
  if (is_command(type) && client && nothing_selected(session)) return;
  Control control;
  if (!read_control(apdu, control)) return;
  if (!is_command(type)) {
    accept_question(control, session);
  } else if (client) {
    accept_request(control, session);
  } else {
    accept_answer(control, session);
  }
}

}  // namespace conduit::iec104
