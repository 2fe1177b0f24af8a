#include "tests/simulation/enip/enip_access.hpp"

#include <algorithm>
#include <cstring>

#include "tests/simulation/enip/enip_connection.hpp"

namespace conduit::simulation::enip {
namespace {

using Result = std::optional<std::vector<Access>>;
constexpr std::uint32_t type_bool = 0xC1;
constexpr std::uint32_t type_real = 0xCA;

// Appendix C-1: logical and symbolic segments, as far as the simulation has them.
struct Path {
  std::vector<std::string> names;
  std::optional<std::uint32_t> object;
  std::optional<std::uint32_t> instance;
  std::optional<std::uint32_t> attribute;
  std::optional<std::uint32_t> member;
};

std::optional<Path> read_path(View octets) {
  Path path;
  while (!octets.empty()) {
    const std::uint8_t kind = octets[0];
    if (kind == 0x91) {
      if (octets.size() < 2 || octets[1] == 0) return {};
      const std::size_t size = octets[1] + octets[1] % 2U;
      if (octets.size() - 2 < size || (octets[1] % 2 != 0 && octets[1U + size] != 0)) return {};
      if (path.object || path.member) return {};
      path.names.emplace_back(octets.begin() + 2, octets.begin() + 2 + octets[1]);
      octets = octets.subspan(2 + size);
      continue;
    }
    const std::size_t form = kind & 3;
    if ((kind & 0xE0) != 0x20 || form > 1 || octets.size() < (form == 0 ? 2U : 4U)) return {};
    if (form == 1 && octets[1] != 0) return {};
    const std::uint32_t value = form == 0 ? octets[1] : get_le(octets, 2, 2);
    octets = octets.subspan(form == 0 ? 2 : 4);
    std::optional<std::uint32_t>* place = nullptr;
    switch (kind & 0x1C) {
      case 0x00: place = &path.object; break;
      case 0x04: place = &path.instance; break;
      case 0x08: place = &path.member; break;
      case 0x10: place = &path.attribute; break;
      default: return {};
    }
    if (*place) return {};
    *place = value;
  }
  return path;
}

Class class_of(std::uint8_t service, std::uint32_t object) {
  static const std::vector<std::uint32_t> of_device{0x01, 0x02, 0x06, 0xF4, 0xF5, 0xF6};
  const bool device = std::find(of_device.begin(), of_device.end(), object) != of_device.end();
  if (service == reset) return Class::MANAGE;
  if (service == get_single) return device ? Class::DISCOVER : Class::READ;
  return device ? Class::MANAGE : Class::WRITE;
}

double number_of(View octets, std::uint32_t type) {
  std::uint64_t raw = 0;
  for (std::size_t i = octets.size(); i-- > 0;) raw = raw << 8 | octets[i];
  switch (type) {
    case 0xC2: return static_cast<std::int8_t>(raw);
    case 0xC3: return static_cast<std::int16_t>(raw);
    case 0xC4: return static_cast<std::int32_t>(raw);
    case type_real: {
      const auto bits = static_cast<std::uint32_t>(raw);
      float value = 0;
      std::memcpy(&value, &bits, sizeof value);
      return value;
    }
    default: return static_cast<double>(raw);
  }
}

Result read_tag_service(const Message& message, const Path& path) {
  if (path.names.empty() || path.object || path.instance || path.attribute) return {};
  Access access;
  std::string tag = path.names[0];
  for (std::size_t i = 1; i < path.names.size(); ++i) tag += "." + path.names[i];
  access.tag = tag;
  const std::uint32_t first = path.member.value_or(0);
  const View data(message.data);
  if (message.service == read_tag) {
    if (data.size() != 2 || get_le(data, 0, 2) == 0) return {};
    access.function = function_read_tag;
    access.elements = {first, first + get_le(data, 0, 2) - 1};
    return std::vector<Access>{access};
  }
  if (data.size() < 4) return {};
  const std::uint32_t type = get_le(data, 0, 2);
  const std::size_t size = type_size(type);
  const std::uint32_t count = get_le(data, 2, 2);
  const bool evened = data.size() % 2 == 0 && data.back() == 0 && data.size() == 5 + size * count;
  if (size == 0 || count == 0 || (data.size() != 4 + size * count && !evened)) return {};
  std::vector<Access> all;
  access.function = function_write_tag;
  access.what = Class::WRITE;
  for (std::uint32_t i = 0; i < count; ++i) {
    access.elements = {first + i, first + i};
    access.value = number_of(data.subspan(4 + size * i, size), type);
    if (type == type_bool && *access.value > 1) return {};
    all.push_back(access);
  }
  return all;
}

// Services of objects: reset, and of one attribute.
Result read_object_service(const Message& message, const Path& path) {
  if (!path.names.empty() || !path.object || !path.instance || path.member) return {};
  Access access;
  access.function = message.service;
  access.what = class_of(message.service, *path.object);
  access.object = path.object;
  access.instance = path.instance;
  access.attribute = path.attribute;
  if (message.service == reset) {
    if (path.attribute || message.data.size() > 1) return {};
    return std::vector<Access>{access};
  }
  if (!path.attribute || (message.service == get_single) != message.data.empty()) return {};
  const std::size_t size = message.data.size();
  if (size == 1 || size == 2 || size == 4) access.value = get_le(message.data, 0, size);
  return std::vector<Access>{access};
}

Result read_services(View octets, int depth);

Result read_bundle(const Message& message, int depth) {
  const std::optional<std::vector<Octets>> messages = read_multiple(message.data);
  if (!messages || depth > 2) return {};
  std::vector<Access> all;
  for (const Octets& each : *messages) {
    const Result inner = read_services(each, depth + 1);
    if (!inner) return {};
    all.insert(all.end(), inner->begin(), inner->end());
  }
  return all;
}

Result read_forwarded(const Message& message, int depth) {
  const std::optional<Routed> routed = read_routed(message.data);
  if (!routed || depth > 0) return {};
  Result inner = read_services(routed->message, depth + 1);
  if (!inner) return {};
  Access outer;
  outer.function = function_unconnected;
  outer.what = Class::SESSION;
  outer.object = 0x06;
  outer.instance = 1;
  inner->push_back(outer);
  for (Access& access : *inner) access.route = routed->route;
  return inner;
}

// Through the connection manager, in no other message.
Result read_connecting(const Message& message, int depth) {
  if (depth != 0) return {};
  if (const std::optional<Opening> opening = read_opening(message))
    return std::vector<Access>{access_of(*opening)};
  if (!read_closing(message)) return {};
  Access access;
  access.function = function_close;
  access.what = Class::SESSION;
  access.object = 0x02;
  access.instance = 1;
  return std::vector<Access>{access};
}

Result read_services(View octets, int depth) {
  const std::optional<Message> message = read_message(octets);
  const std::optional<Path> path = message ? read_path(message->path) : std::nullopt;
  if (!path) return {};
  const bool manager = path->object == 0x06U && path->instance == 1U && !path->attribute && !path->member;
  const bool router = path->object == 0x02U && path->instance == 1U && !path->attribute && !path->member;
  switch (message->service) {
    case multiple: return router ? read_bundle(*message, depth) : Result{};
    case unconnected_send: return manager ? read_forwarded(*message, depth) : Result{};
    case forward_open:
    case forward_close: return read_connecting(*message, depth);
    case read_tag:
    case write_tag: return read_tag_service(*message, *path);
    case reset:
    case get_single:
    case set_single: return read_object_service(*message, *path);
    default: return {};
  }
}

}  // namespace

Access access_of(const Opening& opening) {
  Access access;
  access.function = function_open;
  access.what = Class::SESSION;
  access.object = 0x02;
  access.instance = 1;
  if (!opening.route.empty()) access.route = opening.route;
  access.transport_class = opening.transport_class;
  access.interval = opening.interval;
  return access;
}

std::size_t type_size(std::uint32_t type) {
  switch (type) {
    case type_bool:
    case 0xC2: return 1;
    case 0xC3: return 2;
    case 0xC4:
    case type_real: return 4;
    default: return 0;
  }
}

// All commands have one header, whether a device knows them or not (CIP Vol. 2, 2-3). Above 0x7F there are
// none (2-3.2).
Front front_of(View stream) {
  if (stream.size() < 4) return {};
  const std::size_t size = header_size + get_le(stream, 2, 2);
  if (get_le(stream, 0, 2) > 0x7F) return {Front::Kind::GARBAGE, 0};
  if (stream.size() < size) return {};
  return {Front::Kind::PDU, size};
}

std::optional<Encapsulation> read_encapsulation(View pdu) {
  if (pdu.size() < header_size || pdu.size() != header_size + get_le(pdu, 2, 2)) return {};
  if (get_le(pdu, 20, 4) != 0) return {};
  Encapsulation parts;
  parts.command = static_cast<std::uint16_t>(get_le(pdu, 0, 2));
  parts.session = get_le(pdu, 4, 4);
  parts.status = get_le(pdu, 8, 4);
  parts.context.assign(pdu.begin() + 12, pdu.begin() + 20);
  parts.data.assign(pdu.begin() + header_size, pdu.end());
  return parts;
}

Octets write_encapsulation(const Encapsulation& parts) {
  Octets pdu;
  put_le(pdu, parts.command, 2);
  put_le(pdu, parts.data.size(), 2);
  put_le(pdu, parts.session, 4);
  put_le(pdu, parts.status, 4);
  pdu.insert(pdu.end(), parts.context.begin(), parts.context.end());
  put_le(pdu, 0, 4);
  pdu.insert(pdu.end(), parts.data.begin(), parts.data.end());
  return pdu;
}

// Interface handle, timeout; two items: a null address, unconnected data.
std::optional<Octets> unconnected_message(const Encapsulation& parts) {
  const View data(parts.data);
  if (parts.command != send_rr_data || data.size() < 16) return {};
  if (get_le(data, 0, 4) != 0 || get_le(data, 6, 2) != 2 || get_le(data, 8, 4) != 0) return {};
  if (get_le(data, 12, 2) != 0xB2 || get_le(data, 14, 2) != data.size() - 16) return {};
  return Octets(data.begin() + 16, data.end());
}

Octets as_unconnected(View message) {
  Octets data;
  put_le(data, 0, 4);
  put_le(data, 10, 2);
  put_le(data, 2, 2);
  put_le(data, 0, 4);
  put_le(data, 0xB2, 2);
  put_le(data, message.size(), 2);
  data.insert(data.end(), message.begin(), message.end());
  return data;
}

std::optional<Message> read_message(View octets) {
  if (octets.size() < 2 || (octets[0] & 0x80) != 0) return {};
  const std::size_t size = 2U * octets[1];
  if (octets.size() - 2 < size) return {};
  Message message;
  message.service = octets[0];
  message.path.assign(octets.begin() + 2, octets.begin() + 2 + static_cast<std::ptrdiff_t>(size));
  message.data.assign(octets.begin() + 2 + static_cast<std::ptrdiff_t>(size), octets.end());
  return message;
}

Octets write_message(std::uint8_t service, View path, View data) {
  Octets octets{service, static_cast<std::uint8_t>(path.size() / 2)};
  octets.insert(octets.end(), path.begin(), path.end());
  octets.insert(octets.end(), data.begin(), data.end());
  return octets;
}

// Count, offsets from the count on, messages: one behind the other, without gaps.
std::optional<std::vector<Octets>> read_multiple(View data) {
  if (data.size() < 2) return {};
  const std::size_t count = get_le(data, 0, 2);
  if (count == 0 || (data.size() - 2) / 2 < count) return {};
  std::vector<Octets> all;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t from = get_le(data, 2 + 2 * i, 2);
    const std::size_t to = i + 1 == count ? data.size() : get_le(data, 4 + 2 * i, 2);
    if (from >= to || to > data.size() || (i == 0 && from != 2 + 2 * count)) return {};
    all.emplace_back(data.begin() + static_cast<std::ptrdiff_t>(from),
                     data.begin() + static_cast<std::ptrdiff_t>(to));
  }
  return all;
}

// Priority and tick, ticks, size, message, one octet to fill up; size of the route, reserved, route.
std::optional<Routed> read_routed(View data) {
  if (data.size() < 4) return {};
  const std::size_t size = get_le(data, 2, 2);
  const std::size_t filled = size + size % 2;
  if (size < 2 || data.size() - 4 < filled + 2) return {};
  if (size % 2 != 0 && data[4 + size] != 0) return {};
  const View rest = data.subspan(4 + filled);
  if (rest[1] != 0 || rest[0] != 1 || rest.size() != 4) return {};  // one hop
  if (rest[2] == 0 || rest[2] > 14) return {};
  Routed routed;
  routed.message.assign(data.begin() + 4, data.begin() + 4 + static_cast<std::ptrdiff_t>(size));
  routed.route = std::to_string(rest[2]) + "/" + std::to_string(rest[3]);
  return routed;
}

bool is_list(std::uint16_t command) {
  return command == list_services || command == list_identity || command == list_interfaces;
}

bool needs_session(View request) {
  const std::uint32_t command = get_le(request, 0, 2);
  return command == send_rr_data || command == send_unit_data || command == unregister_session;
}

std::optional<std::vector<Access>> read_request(View pdu) {
  const std::optional<Encapsulation> parts = read_encapsulation(pdu);
  if (!parts || parts->status != 0) return {};
  const bool registers = parts->command == register_session;
  if (parts->command == nop || is_list(parts->command) || registers || parts->command == unregister_session) {
    if (registers && (parts->data != Octets{1, 0, 0, 0} || parts->session != 0)) return {};
    if (!registers && parts->command != nop && !parts->data.empty()) return {};
    Access access;
    access.function = function_of_command + parts->command;
    access.what = is_list(parts->command) ? Class::DISCOVER : Class::SESSION;
    return std::vector<Access>{access};
  }
  if (const std::optional<Connected> connected = connected_message(*parts)) {
    const std::uint8_t service = connected->message.empty() ? 0 : connected->message[0];
    const bool connects = service == forward_open || service == forward_close;
    return connects ? Result{} : read_services(connected->message, 0);
  }
  const std::optional<Octets> message = unconnected_message(*parts);
  return message ? read_services(*message, 0) : Result{};
}

}  // namespace conduit::simulation::enip
