#include "tests/simulation/modbus/modbus_access.hpp"

namespace conduit::simulation::modbus {
namespace {

using Result = std::optional<std::vector<Access>>;

std::optional<Access> span(Class what, Table table, std::uint32_t first, std::uint32_t count) {
  if (count == 0 || first + count > 65536) return {};
  Access access;
  access.what = what;
  access.table = table;
  access.has_address = true;
  access.first = first;
  access.last = first + count - 1;
  return access;
}

Result one(std::optional<Access> access) {
  if (!access) return {};
  return std::vector<Access>{*access};
}

// AP §6.1–6.4
Result read(View pdu, Table table, std::uint32_t most) {
  if (pdu.size() != 5 || get16(pdu, 3) > most) return {};
  return one(span(Class::READ, table, get16(pdu, 1), get16(pdu, 3)));
}

// AP §6.5, 6.6
Result write_one(View pdu, Table table) {
  if (pdu.size() != 5) return {};
  const std::uint16_t value = get16(pdu, 3);
  if (table == Table::COILS && value != 0 && value != 0xFF00) return {};
  std::optional<Access> access = span(Class::WRITE, table, get16(pdu, 1), 1);
  access->has_values = true;
  access->values = {table == Table::COILS ? static_cast<std::uint16_t>(value != 0) : value};
  return one(access);
}

// AP §6.11
Result write_coils(View pdu) {
  if (pdu.size() < 6) return {};
  const std::uint32_t count = get16(pdu, 3);
  const std::size_t octets = (count + 7) / 8;
  if (count > 1968 || pdu[5] != octets || pdu.size() != 6 + octets) return {};
  std::optional<Access> access = span(Class::WRITE, Table::COILS, get16(pdu, 1), count);
  if (!access) return {};
  access->has_values = true;
  for (std::uint32_t i = 0; i < count; ++i)
    access->values.push_back(static_cast<std::uint16_t>(pdu[6 + i / 8] >> (i % 8) & 1));
  // Set bits behind the last coil: a server that writes whole octets would write them.
  if (count % 8 != 0 && pdu[pdu.size() - 1] >> (count % 8) != 0) return {};
  return one(access);
}

// `at`: where the address stands; quantity, byte count and values follow.
std::optional<Access> registers_at(View pdu, std::size_t at, std::uint32_t most) {
  if (pdu.size() < at + 5) return {};
  const std::uint32_t count = get16(pdu, at + 2);
  if (count > most || pdu[at + 4] != 2 * count || pdu.size() != at + 5 + 2 * count) return {};
  std::optional<Access> access = span(Class::WRITE, Table::HOLDING_REGISTERS, get16(pdu, at), count);
  if (!access) return {};
  access->has_values = true;
  for (std::uint32_t i = 0; i < count; ++i) access->values.push_back(get16(pdu, at + 5 + 2 * i));
  return access;
}

// AP §6.17
Result read_write(View pdu) {
  if (pdu.size() < 10 || get16(pdu, 3) > 125) return {};
  const std::optional<Access> reads =
      span(Class::READ, Table::HOLDING_REGISTERS, get16(pdu, 1), get16(pdu, 3));
  const std::optional<Access> writes = registers_at(pdu, 5, 121);
  if (!reads || !writes) return {};
  return std::vector<Access>{*reads, *writes};
}

// AP §6.16
Result mask_write(View pdu) {
  if (pdu.size() != 7) return {};
  std::optional<Access> access = span(Class::WRITE, Table::HOLDING_REGISTERS, get16(pdu, 1), 1);
  access->has_values = get16(pdu, 3) == 0;  // else the old value has a part in the new one
  if (access->has_values) access->values = {get16(pdu, 5)};
  return one(access);
}

// AP §6.14, 6.15: reference type, file, record, length, and for a write the data.
Result files(View pdu, bool writes) {
  if (pdu.size() < 2 || pdu.size() != 2U + pdu[1]) return {};
  if (pdu[1] < (writes ? 9 : 7) || pdu[1] > (writes ? 0xFB : 0xF5)) return {};
  std::vector<Access> all;
  std::size_t answer = 0;
  for (std::size_t at = 2; at < pdu.size();) {
    if (pdu.size() - at < 7 || pdu[at] != 6) return {};
    const std::uint16_t file = get16(pdu, at + 1);
    const std::uint16_t record = get16(pdu, at + 3);
    const std::uint32_t count = get16(pdu, at + 5);
    if (file == 0 || record > 9999 || count == 0 || record + count > 10000) return {};
    at += 7;
    std::optional<Access> access = span(writes ? Class::WRITE : Class::READ, Table::FILES, record, count);
    access->file = file;
    if (writes) {
      if ((pdu.size() - at) / 2 < count) return {};
      access->has_values = true;
      for (std::uint32_t i = 0; i < count; ++i) access->values.push_back(get16(pdu, at + 2 * i));
      at += 2 * count;
    } else {
      answer += 2 + 2 * count;
    }
    all.push_back(*access);
  }
  if (answer > 0xF5) return {};
  return all;
}

// AP §6.8: data of the sub-functions that have a fixed form.
Result diagnostics(View pdu) {
  if (pdu.size() < 5 || pdu.size() % 2 == 0) return {};
  const std::uint16_t sub = get16(pdu, 1);
  const std::uint16_t data = get16(pdu, 3);
  Access access;
  access.sub_function = sub;
  access.what = Class::PROGRAM;
  if (sub == 0 || sub == 2 || (sub >= 11 && sub <= 18)) access.what = Class::DISCOVER;
  if (sub == 1 || sub == 3 || sub == 4 || sub == 10 || sub == 20) access.what = Class::MANAGE;
  if (access.what == Class::PROGRAM) return std::vector<Access>{access};
  if (sub == 0) return std::vector<Access>{access};  // any data comes back
  if (pdu.size() != 5) return {};
  if (sub == 1) return data == 0 || data == 0xFF00 ? one(access) : Result{};
  if (sub == 3) return (data & 0xFF) == 0 ? one(access) : Result{};
  return data == 0 ? one(access) : Result{};
}

// AP §6.19–6.21
Result encapsulated(View pdu) {
  if (pdu.size() < 2) return {};
  Access access;
  access.sub_function = pdu[1];
  access.what = Class::PROGRAM;
  if (pdu[1] != 14) return std::vector<Access>{access};
  if (pdu.size() != 4 || pdu[2] < 1 || pdu[2] > 4) return {};
  static constexpr std::uint32_t last[] = {0, 2, 127, 255};
  access.what = Class::DISCOVER;
  access.objects = pdu[2] == 4 ? std::make_pair(std::uint32_t{pdu[3]}, std::uint32_t{pdu[3]})
                               : std::make_pair(std::uint32_t{0}, last[pdu[2]]);
  return std::vector<Access>{access};
}

Result plain(View pdu, Class what) {
  if (pdu.size() != 1) return {};
  Access access;
  access.what = what;
  return std::vector<Access>{access};
}

}  // namespace

std::optional<std::vector<Access>> read_request(View adu) {
  if (adu.size() < header_size + 1 || adu.size() > 260) return {};
  if (get16(adu, 2) != 0 || get16(adu, 4) != adu.size() - 6) return {};
  const View pdu = adu.subspan(header_size);
  switch (pdu[0]) {
    case 1: return read(pdu, Table::COILS, 2000);
    case 2: return read(pdu, Table::DISCRETE_INPUTS, 2000);
    case 3: return read(pdu, Table::HOLDING_REGISTERS, 125);
    case 4: return read(pdu, Table::INPUT_REGISTERS, 125);
    case 5: return write_one(pdu, Table::COILS);
    case 6: return write_one(pdu, Table::HOLDING_REGISTERS);
    case 7:
    case 11:
    case 12:
    case 17: return plain(pdu, Class::DISCOVER);
    case 8: return diagnostics(pdu);
    case 15: return write_coils(pdu);
    case 16: return one(registers_at(pdu, 1, 123));
    case 20: return files(pdu, false);
    case 21: return files(pdu, true);
    case 22: return mask_write(pdu);
    case 23: return read_write(pdu);
    case 24:
      return pdu.size() == 3 ? one(span(Class::READ, Table::HOLDING_REGISTERS, get16(pdu, 1), 1)) : Result{};
    case 43: return encapsulated(pdu);
    default: break;
  }
  if (pdu[0] == 0 || pdu[0] > 127) return {};
  Access access;  // user-defined or reserved: nothing is known of its content
  access.what = Class::PROGRAM;
  return std::vector<Access>{access};
}

}  // namespace conduit::simulation::modbus
