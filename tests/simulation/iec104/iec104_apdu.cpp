#include "tests/simulation/iec104/iec104_apdu.hpp"

#include <algorithm>
#include <cstring>

namespace conduit::simulation::iec104 {
namespace {

std::uint32_t get_le(View from, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | from[at + i];
  return value;
}
void put_le(Octets& to, std::uint32_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

double as_float(std::uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// 101 §7.2.6.18: milliseconds, minutes, hours, day of month and week, month, year.
bool is_time(View octets) {
  if (octets.size() != time_size) return false;
  return get_le(octets, 0, 2) < 60000 && octets[2] < 60 && (octets[3] & 0x7F) < 24 &&
         (octets[4] & 0x1F) != 0 && octets[5] >= 1 && octets[5] <= 12 && octets[6] < 100;
}

// Commands and set points (101 §7.3.2): their value, S/E and QU or QL.
bool read_command(const Asdu& asdu, Access& access) {
  const bool timed = asdu.type >= timed_command;
  const int type = timed ? asdu.type - 13 : asdu.type;
  const bool point = type >= 48;
  const std::size_t sizes[] = {1, 1, 0, 0, 3, 5};
  const std::size_t size = sizes[type - 45];
  const View all(asdu.element);
  if (size == 0 || all.size() != size + (timed ? time_size : 0)) return false;
  if (timed && !is_time(all.subspan(size))) return false;
  const View e = all.first(size);
  const std::uint8_t last = e.back();
  access.what = Class::OPERATE;
  access.select = static_cast<std::uint8_t>(last >> 7);
  access.qualifier = static_cast<std::uint8_t>(point ? last & 0x7F : last >> 2 & 0x1F);
  if (type == 45) {
    access.value = last & 1;
    return (last & 2) == 0;
  }
  if (type == 46) {
    access.value = last & 3;
    return (last & 3) == 1 || (last & 3) == 2;
  }
  if (type == 49) access.value = static_cast<std::int16_t>(get_le(e, 0, 2));
  if (type == 50) access.value = as_float(get_le(e, 0, 4));
  return true;
}

// 101 §7.3.4, 7.2.3: interrogations, read, clock, reset.
bool read_system(const Asdu& asdu, Access& access) {
  const Octets& e = asdu.element;
  if (asdu.type != 102 && asdu.object_address != 0) return false;
  switch (asdu.type) {
    case 100:
    case 101:
      if (e.size() != 1 || (asdu.cause != activation && asdu.cause != deactivation)) return false;
      access.qualifier = e[0];
      if (asdu.type == 101 && (e[0] & 0xC0) != 0) access.what = Class::WRITE;
      return true;
    case 102: return e.empty() && asdu.cause == 5;
    case 103: access.what = Class::MANAGE; return e.size() == 7 && asdu.cause == activation && is_time(e);
    case 105:
      access.what = Class::MANAGE;
      if (e.size() != 1 || asdu.cause != activation) return false;
      access.qualifier = e[0];
      return true;
    default: return false;
  }
}

}  // namespace

Front front_of(View stream) {
  if (!stream.empty() && stream[0] != 0x68) return {Front::Kind::GARBAGE, 0};
  if (stream.size() < 2) return {};
  if (stream[1] < 4 || stream[1] > 253) return {Front::Kind::GARBAGE, 0};
  const std::size_t size = 2U + stream[1];
  if (stream.size() < size) return {};
  return {Front::Kind::PDU, size};
}

std::optional<Apci> read_apci(View apdu) {
  if (apdu.size() < 6) return {};
  Apci apci;
  apci.send = get_le(apdu, 2, 2) >> 1;
  apci.receive = get_le(apdu, 4, 2) >> 1;
  if ((apdu[4] & 1) != 0) return {};
  if ((apdu[2] & 1) == 0) {
    apci.format = Format::I;
    return apci;
  }
  if (apdu.size() != 6 || apdu[3] != 0) return {};
  if ((apdu[2] & 3) == 1) {
    if (apdu[2] != 1) return {};
    apci.format = Format::S;
    return apci;
  }
  if (apdu[4] != 0 || apdu[5] != 0) return {};
  apci.control = apdu[2];
  static const Octets known{0x07, 0x0B, 0x13, 0x23, 0x43, 0x83};
  if (std::find(known.begin(), known.end(), apdu[2]) == known.end()) return {};
  return apci;
}

std::optional<Asdu> read_asdu(View apdu) {
  if (apdu.size() < 15) return {};
  Asdu asdu;
  asdu.type = apdu[6];
  asdu.sequence = (apdu[7] & 0x80) != 0;
  asdu.count = apdu[7] & 0x7F;
  asdu.cause = apdu[8] & 0x3F;
  asdu.negative = (apdu[8] & 0x40) != 0;
  asdu.test = (apdu[8] & 0x80) != 0;
  asdu.originator = apdu[9];
  asdu.common_address = static_cast<std::uint16_t>(get_le(apdu, 10, 2));
  asdu.object_address = get_le(apdu, 12, 3);
  asdu.element.assign(apdu.begin() + 15, apdu.end());
  return asdu;
}

Octets write_asdu(const Asdu& asdu) {
  Octets apdu{0x68, 0, 0, 0, 0, 0, asdu.type};
  apdu.push_back(static_cast<std::uint8_t>((asdu.sequence ? 0x80 : 0) | asdu.count));
  apdu.push_back(static_cast<std::uint8_t>(asdu.cause | (asdu.negative ? 0x40 : 0) | (asdu.test ? 0x80 : 0)));
  apdu.push_back(asdu.originator);
  put_le(apdu, asdu.common_address, 2);
  put_le(apdu, asdu.object_address, 3);
  apdu.insert(apdu.end(), asdu.element.begin(), asdu.element.end());
  apdu[1] = static_cast<std::uint8_t>(apdu.size() - 2);
  return apdu;
}

std::optional<Access> read_request(View apdu) {
  const std::optional<Apci> apci = read_apci(apdu);
  if (!apci || apci->format == Format::S) return {};
  Access access;
  if (apci->format == Format::U) {
    if (apci->control != startdt && apci->control != stopdt && apci->control != testfr) return {};
    access.function = static_cast<std::uint16_t>(link_control + apci->control);
    access.what = Class::SESSION;
    return access;
  }
  const std::optional<Asdu> asdu = read_asdu(apdu);
  if (!asdu || asdu->sequence || asdu->count != 1 || asdu->negative || asdu->common_address == 0) return {};
  const bool for_all = asdu->type == 100 || asdu->type == 101 || asdu->type == 103 || asdu->type == 105;
  if (asdu->common_address == 0xFFFF && !for_all) return {};
  access.function = asdu->type;
  access.common_address = asdu->common_address;
  access.object_address = asdu->object_address;
  access.cause = asdu->cause;
  if (is_command(asdu->type)) {
    if (asdu->cause != activation && asdu->cause != deactivation) return {};
    return read_command(*asdu, access) ? std::optional(access) : std::nullopt;
  }
  return read_system(*asdu, access) ? std::optional(access) : std::nullopt;
}

// Single points, and scaled values with quality (101 §7.3.1).
std::optional<std::vector<Access>> read_report(View apdu) {
  const std::optional<Apci> apci = read_apci(apdu);
  const std::optional<Asdu> asdu = read_asdu(apdu);
  if (!apci || apci->format != Format::I || !asdu || asdu->negative) return {};
  if (asdu->type != 1 && asdu->type != 11) return {};
  static const Octets causes{1, 2, 3, 5, 11, 12};
  const bool asked = asdu->cause >= 20 && asdu->cause <= 36;
  if (!asked && std::find(causes.begin(), causes.end(), asdu->cause) == causes.end()) return {};
  const std::size_t size = asdu->type == 1 ? 1 : 3;
  const std::size_t each = size + (asdu->sequence ? 0 : 3);
  const std::size_t rest = asdu->element.size() + (asdu->sequence ? 0 : 3);
  if (asdu->count == 0 || rest != each * asdu->count || asdu->common_address == 0) return {};
  std::vector<Access> all;
  for (std::size_t i = 0; i < asdu->count; ++i) {
    Access access;
    access.function = asdu->type;
    access.common_address = asdu->common_address;
    access.cause = asdu->cause;
    access.object_address = asdu->sequence ? asdu->object_address + static_cast<std::uint32_t>(i)
                                           : get_le(apdu, 12 + each * i, 3);
    const std::size_t at = asdu->sequence ? 15 + each * i : 15 + each * i;
    access.value = asdu->type == 1 ? apdu[at] & 1 : static_cast<std::int16_t>(get_le(apdu, at, 2));
    all.push_back(access);
  }
  return all;
}

bool is_command(std::uint8_t type) { return (type >= 45 && type <= 50) || (type >= 58 && type <= 63); }

std::optional<std::size_t> qualifier_at(const Asdu& asdu) {
  const std::size_t behind = 1 + (asdu.type >= timed_command ? time_size : 0);
  if (asdu.element.size() < behind) return {};
  return asdu.element.size() - behind;
}

bool selects(const Asdu& command) {
  const std::optional<std::size_t> at = qualifier_at(command);
  return at && (command.element[*at] & 0x80) != 0;
}

bool same_command(const Asdu& one, const Asdu& other) {
  const std::optional<std::size_t> at = qualifier_at(one);
  return at && at == qualifier_at(other) && one.type == other.type && one.test == other.test &&
         one.common_address == other.common_address && one.object_address == other.object_address &&
         std::equal(one.element.begin(), one.element.begin() + static_cast<std::ptrdiff_t>(*at) + 1,
                    other.element.begin());
}

Octets s_frame(std::uint32_t receive) {
  Octets frame{0x68, 4, 1, 0};
  put_le(frame, receive << 1, 2);
  return frame;
}

Octets with_numbers(Octets apdu, std::uint32_t send, std::uint32_t receive) {
  if (apdu.size() < 6 || (apdu[2] & 1) != 0) return apdu;
  for (std::size_t i = 0; i < 2; ++i) {
    apdu[2 + i] = static_cast<std::uint8_t>(send << 1 >> (8 * i));
    apdu[4 + i] = static_cast<std::uint8_t>(receive << 1 >> (8 * i));
  }
  return apdu;
}

}  // namespace conduit::simulation::iec104
