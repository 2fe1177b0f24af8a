#include "tests/simulation/s7comm/s7comm_access.hpp"

#include <algorithm>
#include <cstring>

namespace conduit::simulation::s7comm {
namespace {

using Result = std::optional<std::vector<Access>>;

Result one(const Access& access) { return std::vector<Access>{access}; }

// 12 0A 10, transport size, count, block, area, address in bits.
std::optional<Access> read_item(View item, std::uint32_t function) {
  if (item[0] != 0x12 || item[1] != 10 || item[2] != 0x10) return {};
  const std::uint8_t size = item[3];
  const std::uint32_t count = get16(item, 4);
  const std::uint8_t area = item[8];
  const std::uint32_t address = static_cast<std::uint32_t>(item[9] << 16) | get16(item, 10);
  if (count == 0) return {};
  Access access;
  access.function = function;
  access.what = function == read_var ? Class::READ : Class::WRITE;
  access.area = area;
  access.size = size;
  if (area == area_blocks) access.db = static_cast<std::uint16_t>(get16(item, 6));
  if (area == area_counters || area == area_timers) {
    if (size != area || address + count > 65536) return {};
    access.bits = {address, address + count - 1};
    return access;
  }
  if (area < 0x80 || area > 0x84 || element_size(size) == 0 || size == area_counters || size == area_timers)
    return {};
  const std::uint32_t bits = size == size_bit ? 1 : static_cast<std::uint32_t>(8 * element_size(size));
  if (size == size_bit ? count != 1 : address % 8 != 0) return {};
  if (address + std::uint64_t{bits} * count > 0x1000000) return {};
  access.bits = {address, address + bits * count - 1};
  return access;
}

double number_of(View octets, std::uint8_t size) {
  std::uint64_t raw = 0;
  for (const std::uint8_t octet : octets) raw = raw << 8 | octet;
  switch (size) {
    case 5: return static_cast<std::int16_t>(raw);
    case 7: return static_cast<std::int32_t>(raw);
    case size_bit: return static_cast<double>(raw & 1);
    case size_real: {
      const auto bits = static_cast<std::uint32_t>(raw);
      float value = 0;
      std::memcpy(&value, &bits, sizeof value);
      return value;
    }
    default: return static_cast<double>(raw);
  }
}

void read_values(View octets, Access& access, std::uint32_t count) {
  const std::uint8_t size = *access.size;
  const bool plain = size <= size_real && size != 3;
  if (count == 1 && plain) {
    access.has_values = true;
    access.values = {number_of(octets, size)};
    return;
  }
  const bool words = size == 2 || size == 3 || size == 4;
  if (!words || octets.size() % 2 != 0) return;
  access.has_values = true;
  for (std::size_t at = 0; at < octets.size(); at += 2) access.values.push_back(get16(octets, at));
}

// Return code, transport size, length, octets, and one to fill up between items of odd length.
bool take_data(View& data, Access& access, std::uint32_t count, bool last) {
  if (data.size() < 4 || data[0] != 0) return false;
  const std::uint32_t length = get16(data, 2);
  const std::uint8_t kind = data[1];
  const bool bit = *access.size == size_bit;
  if ((kind == 3) != bit) return false;
  if (bit && length != 1) return false;
  if ((kind == 4 || kind == 5) && length % 8 != 0) return false;
  if (kind != 3 && kind != 4 && kind != 5 && kind != 7 && kind != 9) return false;
  const std::size_t octets = bit ? 1 : kind == 4 || kind == 5 ? length / 8 : length;
  // Where snap7 looks for the next one.
  const bool numbered = *access.area == area_counters || *access.area == area_timers;
  if (!last && octets != (bit || numbered ? length : length / 8)) return false;
  data = data.subspan(4);
  if (data.size() < octets) return false;
  if (!bit && octets != count * element_size(*access.size)) return false;
  if (!bit || data[0] == 0 || (data[0] & 1) != 0) read_values(data.first(octets), access, count);
  data = data.subspan(octets);
  if (last || octets % 2 == 0) return true;
  if (data.empty()) return false;
  data = data.subspan(1);
  return true;
}

Result read_items(View parameters, View data, std::uint32_t function) {
  if (parameters.size() < 2 || parameters[1] == 0) return {};
  if (parameters.size() != 2 + std::size_t{12} * parameters[1]) return {};
  std::vector<Access> all;
  for (std::size_t i = 0; i < parameters[1]; ++i) {
    const View item = parameters.subspan(2 + 12 * i, 12);
    std::optional<Access> access = read_item(item, function);
    if (!access) return {};
    const bool last = i + 1U == parameters[1];
    if (function == write_var && !take_data(data, *access, get16(item, 4), last)) return {};
    all.push_back(*access);
  }
  if (!data.empty()) return {};
  return all;
}

// 28, seven octets, block of parameters, name of the service.
Result read_service(View parameters) {
  if (parameters.size() < 11) return {};
  static const Octets fixed{0x28, 0, 0, 0, 0, 0, 0, 0xFD};
  if (!std::equal(fixed.begin(), fixed.end(), parameters.begin())) return {};
  const std::size_t size = get16(parameters, 8);
  if (parameters.size() - 11 < size) return {};
  const View argument = parameters.subspan(10, size);
  const View name = parameters.subspan(10 + size);
  if (name[0] == 0 || name.size() != 1U + name[0]) return {};
  Access access;
  access.function = pi_service;
  access.service = std::string(name.begin() + 1, name.end());
  access.what = *access.service == "P_PROGRAM" ? Class::MANAGE : Class::PROGRAM;
  if (*access.service != "_INSE" && *access.service != "_DELE") {
    access.block = std::string(argument.begin(), argument.end());
    return one(access);
  }
  if (argument.size() < 2 || argument[0] == 0 || argument.size() != 2 + std::size_t{8} * argument[0])
    return {};
  std::vector<Access> all;
  for (std::size_t i = 0; i < argument[0]; ++i) {
    const View block = argument.subspan(2 + 8 * i, 8);
    const std::string kind(block.begin(), block.begin() + 2);
    if (kind != "0A") return {};  // the simulation has data blocks alone
    std::uint32_t number = 0;
    for (std::size_t k = 2; k < 7; ++k) {
      if (block[k] < '0' || block[k] > '9') return {};
      number = number * 10 + (block[k] - '0');
    }
    if (number > 65535) return {};
    access.block = "DB" + std::to_string(number);
    access.db = static_cast<std::uint16_t>(number);
    all.push_back(access);
  }
  return all;
}

Result read_job(View parameters, View data) {
  if (parameters.empty()) return {};
  const std::uint32_t function = parameters[0];
  if (function == read_var && data.empty()) return read_items(parameters, data, read_var);
  if (function == write_var) return read_items(parameters, data, write_var);
  if (!data.empty()) return {};
  if (function == pi_service) return read_service(parameters);
  Access access;
  access.function = function;
  if (function == setup) {
    if (parameters.size() != 8 || parameters[1] != 0) return {};
    access.what = Class::SESSION;
    return one(access);
  }
  if (function != plc_stop) return {};
  static const Octets stop{0x29, 0, 0, 0, 0, 0, 9, 'P', '_', 'P', 'R', 'O', 'G', 'R', 'A', 'M'};
  if (!std::equal(parameters.begin(), parameters.end(), stop.begin(), stop.end())) return {};
  access.what = Class::MANAGE;
  return one(access);
}

// 00 01 12 04 11, kind and group, subfunction, sequence.
Result read_userdata(View parameters, View data) {
  static const Octets fixed{0, 1, 0x12, 4, 0x11};
  if (parameters.size() != 8 || !std::equal(fixed.begin(), fixed.end(), parameters.begin())) return {};
  if (data.size() < 4 || get16(data, 2) != data.size() - 4 || parameters[7] != 0) return {};
  Access access;
  access.what = Class::DISCOVER;
  if (parameters[5] == 0x47 && parameters[6] == 1) {
    if (data.size() != 4 || data[0] != 0x0A || data[1] != 0) return {};
    access.function = read_clock;
    return one(access);
  }
  if (parameters[5] != 0x44 || parameters[6] != 1) return {};
  if (data.size() != 8 || data[0] != 0xFF || data[1] != 9) return {};
  access.function = read_szl;
  access.szl = static_cast<std::uint16_t>(get16(data, 4));
  return one(access);
}

}  // namespace

std::size_t element_size(std::uint8_t size) {
  switch (size) {
    case size_bit:
    case size_byte:
    case 3: return 1;
    case 4:
    case 5:
    case area_counters:
    case area_timers: return 2;
    case 6:
    case 7:
    case size_real: return 4;
    default: return 0;
  }
}

Front front_of(View stream) {
  std::size_t at = 0;
  while (true) {
    const View rest = stream.subspan(at);
    if (!rest.empty() && rest[0] != 3) return {Front::Kind::GARBAGE, 0};
    if (rest.size() >= 2 && rest[1] != 0) return {Front::Kind::GARBAGE, 0};
    if (rest.size() < 4) return {};
    const std::size_t size = get16(rest, 2);
    if (size < 7) return {Front::Kind::GARBAGE, 0};
    if (rest.size() < size) return {};
    at += size;
    const bool data = rest[5] == 0xF0;
    if (!data || (rest[6] & 0x80) != 0) return {Front::Kind::PDU, at};
  }
}

std::optional<Octets> message_of(View pdu) {
  Octets message;
  while (!pdu.empty()) {
    if (pdu.size() < 7 || get16(pdu, 2) > pdu.size() || get16(pdu, 2) < 7) return {};
    const std::size_t size = get16(pdu, 2);
    const bool last = size == pdu.size();
    if (pdu[4] != 2 || pdu[5] != 0xF0 || pdu[6] != (last ? 0x80 : 0)) return {};
    message.insert(message.end(), pdu.begin() + 7, pdu.begin() + static_cast<std::ptrdiff_t>(size));
    pdu = pdu.subspan(size);
  }
  return message;
}

std::size_t tpdus_of(View pdu) {
  std::size_t count = 0;
  for (std::size_t at = 0; at + 4 <= pdu.size(); at += get16(pdu, at + 2)) ++count;
  return count;
}

std::optional<Place> read_connect(View pdu) {
  if (pdu.size() < 11 || pdu[5] != 0xE0 || pdu[4] != pdu.size() - 5) return {};
  if (get16(pdu, 6) != 0 || pdu[10] != 0) return {};
  Place place;
  int calls = 0;
  int called = 0;
  for (std::size_t at = 11; at < pdu.size();) {
    if (pdu.size() - at < 2 || pdu.size() - at - 2 < pdu[at + 1]) return {};
    const View value = pdu.subspan(at + 2, pdu[at + 1]);
    if (pdu[at] == 0xC0) {
      if (value.size() != 1 || value[0] < 7 || value[0] > 13) return {};
    } else if (pdu[at] == 0xC1) {
      ++calls;
      if (value.size() != 2) return {};
    } else if (pdu[at] == 0xC2) {
      ++called;
      if (value.size() != 2) return {};
      place = {value[1], value[0]};
    } else {
      return {};
    }
    at += 2 + value.size();
  }
  if (calls != 1 || called != 1) return {};
  return place;
}

std::optional<std::vector<Access>> read_message(View message) {
  if (message.size() < 10 || message[0] != 0x32 || get16(message, 2) != 0) return {};
  const std::size_t parameters = get16(message, 6);
  const std::size_t data = get16(message, 8);
  if (message.size() - 10 != parameters + data) return {};
  const View first = message.subspan(10, parameters);
  const View second = message.subspan(10 + parameters);
  if (message[1] == 1) return read_job(first, second);
  if (message[1] == 7) return read_userdata(first, second);
  return {};
}

}  // namespace conduit::simulation::s7comm
