#include "tests/simulation/dnp3/dnp3_access.hpp"

#include <cstring>

namespace conduit::simulation::dnp3 {
namespace {

using Result = std::optional<std::vector<Access>>;
constexpr std::pair<std::uint32_t, std::uint32_t> all_indexes{0, 0xFFFFFFFF};

// Reads forward; once something was missing it gives zeroes and `good` is false.
struct Reader {
  View octets;
  bool good = true;

  std::uint32_t take(std::size_t size) {
    if (octets.size() < size) {
      good = false;
      octets = {};
      return 0;
    }
    const std::uint32_t value = get_le(octets, 0, size);
    octets = octets.subspan(size);
    return value;
  }
  std::uint64_t take_long(std::size_t size) {
    const std::uint64_t low = take(4);
    return low | std::uint64_t{take(size - 4)} << 32;
  }
};

struct ObjectHeader {
  std::uint16_t object = 0;
  std::uint8_t qualifier = 0;
  std::size_t prefix_size = 0;  // index in front of each object
  bool has_range = false;
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::uint64_t count = 0;  // of objects; 0: all
};

// Clause 4.2.2.7: group, variation, qualifier, range.
std::optional<ObjectHeader> take_header(Reader& from) {
  ObjectHeader header;
  header.object = static_cast<std::uint16_t>(from.take(1) << 8);
  header.object = static_cast<std::uint16_t>(header.object | from.take(1));
  header.qualifier = static_cast<std::uint8_t>(from.take(1));
  switch (header.qualifier) {
    case 0x00:
    case 0x01:
    case 0x02: {
      const std::size_t size = std::size_t{1} << header.qualifier;
      header.has_range = true;
      header.first = from.take(size);
      header.last = from.take(size);
      if (header.last < header.first) return {};
      header.count = std::uint64_t{header.last} - header.first + 1;
      break;
    }
    case 0x06: break;
    case 0x07:
    case 0x08: header.count = from.take(header.qualifier == 0x07 ? 1 : 2); break;
    case 0x17:
    case 0x28:
      header.prefix_size = header.qualifier == 0x17 ? 1 : 2;
      header.count = from.take(header.prefix_size);
      break;
    case 0x5B: header.count = from.take(1); break;
    default: return {};
  }
  if (!from.good || (header.count == 0 && header.qualifier != 0x06)) return {};
  return header;
}

Class class_of_write(std::uint16_t object) {
  const int group = object >> 8;
  if (group == 50 || group == 51 || group == 80) return Class::MANAGE;
  if ((group >= 1 && group <= 43) || (group >= 100 && group <= 113)) return Class::WRITE;
  return Class::PROGRAM;
}

Class class_of(std::uint16_t function) {
  if (function == read) return Class::READ;
  if (function >= select && function <= direct_operate_nr) return Class::OPERATE;
  if (function >= 7 && function <= 12) return Class::WRITE;
  if (function == 16 || function == 17 || function == 18 || function == 19 || function == 31)
    return Class::PROGRAM;
  if (function == 23) return Class::DISCOVER;
  if (function == 26 || function == 29 || function == 30 || function == 32 || function == 33)
    return Class::SESSION;
  if (function == 28 || function == response || function == unsolicited) return Class::READ;
  if (function == delete_file) return Class::PROGRAM;
  return Class::MANAGE;
}

double as_float(std::uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
double as_double(std::uint64_t bits) {
  double value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Annex A: a control relay output block, an analog output, a deadband, a time. False: another object.
bool take_value(Reader& from, Access& access) {
  switch (*access.object) {
    case 0x0C01:
      access.control = static_cast<std::uint16_t>(from.take(1));
      access.count = from.take(1);
      access.on_time = from.take(4);
      access.off_time = from.take(4);
      return from.take(1) == 0;  // status
    case 0x2901: access.value = static_cast<std::int32_t>(from.take(4)); return from.take(1) == 0;
    case 0x2902: access.value = static_cast<std::int16_t>(from.take(2)); return from.take(1) == 0;
    case 0x2903: access.value = as_float(from.take(4)); return from.take(1) == 0;
    case 0x2904: access.value = as_double(from.take_long(8)); return from.take(1) == 0;
    case 0x2201: access.value = from.take(2); return true;
    case 0x2202: access.value = from.take(4); return true;
    case 0x2203: access.value = as_float(from.take(4)); return true;
    case 0x3201: access.value = static_cast<double>(from.take_long(6)); return true;
    default: return false;
  }
}

// A.33: file command object in free format.
bool take_file(Reader& from, Access& access, std::uint16_t function) {
  const std::size_t size = from.take(2);
  if (!from.good || from.octets.size() != size) return false;
  if (from.take(2) != 26) return false;  // where the name begins
  const std::size_t name_size = from.take(2);
  from.take_long(6);
  from.take(2);
  from.take(4);
  from.take(4);
  const std::uint32_t mode = from.take(2);
  from.take(4);
  if (!from.good || from.octets.size() != name_size || mode > 3) return false;
  if (function == open_file && mode == 0) return false;
  if (function == delete_file && mode != 0) return false;
  access.name = std::string(from.octets.begin(), from.octets.end());
  from.octets = {};
  if (function != open_file) return true;
  access.control = static_cast<std::uint16_t>(256 + mode);
  access.what = mode == 1 ? Class::READ : Class::PROGRAM;
  return true;
}

bool carries_objects(std::uint16_t function) {
  return function == write || (function >= select && function <= direct_operate_nr);
}

// Of a request without objects: one access for the range, or one for each index.
bool take_points(Reader& from, const ObjectHeader& header, const Access& base, std::vector<Access>& all) {
  Access access = base;
  if (header.prefix_size == 0) {
    access.indexes = header.has_range ? std::make_pair(header.first, header.last) : all_indexes;
    all.push_back(access);
    return true;
  }
  for (std::uint64_t i = 0; i < header.count && from.good; ++i) {
    const std::uint32_t index = from.take(header.prefix_size);
    access.indexes = {index, index};
    all.push_back(access);
  }
  return from.good;
}

// … with objects: one access for each.
bool take_objects(Reader& from, const ObjectHeader& header, const Access& base, std::vector<Access>& all) {
  if (header.count == 0) return false;  // objects of all points: how many are there?
  const int group = header.object >> 8;
  if (base.function != write && group != 12 && group != 41) return false;
  for (std::uint64_t i = 0; i < header.count && from.good; ++i) {
    Access access = base;
    if (header.prefix_size != 0) {
      const std::uint32_t index = from.take(header.prefix_size);
      access.indexes = {index, index};
    } else if (header.has_range) {
      const auto index = static_cast<std::uint32_t>(header.first + i);
      access.indexes = {index, index};
    }
    if (!take_value(from, access)) return false;
    all.push_back(access);
  }
  return from.good;
}

// A.36: internal indications, packed bits.
bool take_indications(Reader& from, const ObjectHeader& header, const Access& base,
                      std::vector<Access>& all) {
  if (!header.has_range || header.count > 16) return false;
  const std::size_t size = (header.count + 7) / 8;
  const std::uint32_t bits = from.take(size);
  if (!from.good || bits >> header.count != 0) return false;
  for (std::uint32_t i = 0; i < header.count; ++i) {
    Access access = base;
    access.indexes = {header.first + i, header.first + i};
    access.value = bits >> i & 1;
    all.push_back(access);
  }
  return true;
}

Result take_headers(Reader from, const Access& base) {
  std::vector<Access> all;
  if (from.octets.empty()) return std::vector<Access>{base};
  while (!from.octets.empty()) {
    const std::optional<ObjectHeader> header = take_header(from);
    if (!header) return {};
    Access access = base;
    access.object = header->object;
    if (base.function == write) access.what = class_of_write(header->object);
    bool good = false;
    if (base.function == open_file || base.function == delete_file) {
      good = header->object == 0x4603 && header->qualifier == 0x5B && header->count == 1 &&
             take_file(from, access, base.function);
      all.push_back(access);
    } else if (header->qualifier == 0x5B) {
      return {};
    } else if (base.function == write && header->object == 0x5001) {
      good = take_indications(from, *header, access, all);
    } else if (carries_objects(base.function)) {
      good = take_objects(from, *header, access, all);
    } else {
      good = take_points(from, *header, access, all);
    }
    if (!good || !from.good) return {};
  }
  return all;
}

// Clause 9.2.4.1.3: functions of a primary station.
Result link_request(const Message& message) {
  const std::uint8_t function = message.control & 0x0F;
  const bool counted = (message.control & 0x10) != 0;  // FCV
  if (function != 0 && function != 2 && function != 9) return {};
  if (counted != (function == 2) || (!counted && (message.control & 0x20) != 0)) return {};
  Access access;
  access.function = static_cast<std::uint16_t>(link_primary + function);
  access.what = Class::SESSION;
  access.outstation = message.addresses.destination;
  access.master = message.addresses.source;
  return std::vector<Access>{access};
}

}  // namespace

std::optional<Head> head_of(View fragment) {
  if (fragment.size() < 2) return {};
  Head head;
  head.first = (fragment[0] & 0x80) != 0;
  head.last = (fragment[0] & 0x40) != 0;
  head.confirm = (fragment[0] & 0x20) != 0;
  head.unsolicited = (fragment[0] & 0x10) != 0;
  head.sequence = fragment[0] & 0x0F;
  head.function = fragment[1];
  return head;
}

std::optional<std::vector<Access>> read_request(View pdu) {
  const std::optional<Message> message = read_message(pdu);
  if (!message || (message->control & 0x80) == 0) return {};
  if (!message->has_fragment) return (message->control & 0x40) != 0 ? link_request(*message) : Result{};
  if (message->control != from_master_data) return {};
  const std::optional<Head> head = head_of(message->fragment);
  if (!head || !head->first || !head->last || head->confirm) return {};
  if (head->function == confirm) {
    if (message->fragment.size() != 2) return {};
  } else if (head->unsolicited) {
    return {};
  }
  if (head->function > 33) return {};
  Access base;
  base.function = head->function;
  base.what = class_of(head->function);
  base.outstation = message->addresses.destination;
  base.master = message->addresses.source;
  return take_headers({View(message->fragment).subspan(2)}, base);
}

// Of the objects that outstations report, those of the simulation: binary events without time (A.4).
std::optional<std::vector<Access>> read_unsolicited(View pdu) {
  const std::optional<Message> message = read_message(pdu);
  if (!message || message->control != from_outstation_data || message->fragment.size() < 4) return {};
  const std::optional<Head> head = head_of(message->fragment);
  if (head->function != unsolicited || !head->unsolicited || !head->first || !head->last) return {};
  Access base;
  base.function = unsolicited;
  base.outstation = message->addresses.source;
  base.master = message->addresses.destination;
  Reader from{View(message->fragment).subspan(4)};
  if (from.octets.empty()) return std::vector<Access>{base};
  std::vector<Access> all;
  const std::optional<ObjectHeader> header = take_header(from);
  if (!header || header->object != 0x0201 || header->prefix_size == 0) return {};
  base.object = header->object;
  for (std::uint64_t i = 0; i < header->count && from.good; ++i) {
    Access access = base;
    const std::uint32_t index = from.take(header->prefix_size);
    access.indexes = {index, index};
    access.value = from.take(1);
    all.push_back(access);
  }
  if (!from.good || !from.octets.empty()) return {};
  return all;
}

bool wants_no_answer(const Message& message) {
  if (message.addresses.destination >= 0xFFFD) return true;
  if (!message.has_fragment) return false;
  const std::optional<Head> head = head_of(message.fragment);
  if (!head) return true;
  switch (head->function) {
    case confirm:
    case direct_operate_nr:
    case 8:
    case 10:
    case 12:
    case 33: return true;
    default: return false;
  }
}

}  // namespace conduit::simulation::dnp3
