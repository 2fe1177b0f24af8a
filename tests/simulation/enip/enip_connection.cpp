#include "tests/simulation/enip/enip_connection.hpp"

namespace conduit::simulation::enip {
namespace {

constexpr std::uint32_t vendor = 0x1337;
constexpr std::uint32_t originator = 42;
constexpr std::uint32_t parameters = 0x43F8;  // point to point, up to 504 octets
const Octets manager_path{0x20, 0x06, 0x24, 0x01};
const Octets router_path{0x20, 0x02, 0x24, 0x01};

void put_serial(Octets& to, std::uint16_t serial) {
  put_le(to, serial, 2);
  put_le(to, vendor, 2);
  put_le(to, originator, 4);
}
std::optional<std::uint16_t> get_serial(View from) {
  if (from.size() < 8 || get_le(from, 2, 2) != vendor || get_le(from, 4, 4) != originator) return {};
  return static_cast<std::uint16_t>(get_le(from, 0, 2));
}

Octets connection_path(const std::string& route) {
  Octets path;
  if (!route.empty()) path = {1, static_cast<std::uint8_t>(route.back() - '0')};
  path.insert(path.end(), router_path.begin(), router_path.end());
  return path;
}

}  // namespace

Octets write_opening(const Opening& opening) {
  Octets data{0x0A, 0x0E};
  put_le(data, 0, 4);  // the target chooses it
  put_le(data, opening.received, 4);
  put_serial(data, opening.serial);
  put_le(data, 1, 4);  // of the timeout: · 8
  for (int direction = 0; direction < 2; ++direction) {
    put_le(data, opening.interval, 4);
    put_le(data, parameters, 2);
  }
  data.push_back(static_cast<std::uint8_t>(0xA0 | opening.transport_class));  // server, application object
  const Octets path = connection_path(opening.route);
  data.push_back(static_cast<std::uint8_t>(path.size() / 2));
  data.insert(data.end(), path.begin(), path.end());
  return write_message(forward_open, manager_path, data);
}

// As they are written above alone.
std::optional<Opening> read_opening(const Message& message) {
  const View data(message.data);
  if (message.service != forward_open || message.path != manager_path || data.size() < 40) return {};
  Opening opening;
  opening.received = get_le(data, 6, 4);
  opening.serial = get_serial(data.subspan(10)).value_or(0);
  opening.interval = get_le(data, 22, 4);
  opening.transport_class = data[34] & 0x0F;
  if (data.size() == 42) opening.route = "1/" + std::to_string(data[37]);
  if (opening.transport_class != 2 && opening.transport_class != 3) return {};
  if (data.size() == 42 && data[37] > 9) return {};
  if (write_message(message.service, message.path, data) != write_opening(opening)) return {};
  return opening;
}

Octets write_closing(std::uint16_t serial) {
  Octets data{0x0A, 0x0E};
  put_serial(data, serial);
  data.push_back(static_cast<std::uint8_t>(router_path.size() / 2));
  data.push_back(0);
  data.insert(data.end(), router_path.begin(), router_path.end());
  return write_message(forward_close, manager_path, data);
}

std::optional<std::uint16_t> read_closing(const Message& message) {
  const View data(message.data);
  if (message.service != forward_close || message.path != manager_path || data.size() < 10) return {};
  const std::optional<std::uint16_t> serial = get_serial(data.subspan(2));
  if (!serial || write_message(message.service, message.path, data) != write_closing(*serial)) return {};
  return serial;
}

std::optional<Opened> read_opened(View reply) {
  if (reply.size() < 4 || reply[1] != 0 || reply[2] != 0 || reply[3] != 0) return {};
  Opened opened;
  opened.closed = reply[0] == (forward_close | 0x80);
  if (!opened.closed && reply[0] != (forward_open | 0x80)) return {};
  View data = reply.subspan(4);
  if (!opened.closed && data.size() < 8) return {};
  if (!opened.closed) opened.sent = get_le(data, 0, 4);
  const std::optional<std::uint16_t> serial = get_serial(data.subspan(opened.closed ? 0 : 8));
  if (!serial) return {};
  opened.serial = *serial;
  return opened;
}

Octets opened_data(const Opening& opening) {
  Octets data;
  put_le(data, named_by(opening.received), 4);
  put_le(data, opening.received, 4);
  put_serial(data, opening.serial);
  put_le(data, opening.interval, 4);
  put_le(data, opening.interval, 4);
  put_le(data, 0, 2);
  return data;
}

Octets closed_data(std::uint16_t serial) {
  Octets data;
  put_serial(data, serial);
  put_le(data, 0, 2);
  return data;
}

// Interface and timeout, two items: address (0xA1), data (0xB1) with a count in front.
std::optional<Connected> connected_message(const Encapsulation& parts) {
  const View data(parts.data);
  if (parts.command != send_unit_data || data.size() < 22) return {};
  if (get_le(data, 0, 4) != 0 || get_le(data, 6, 2) != 2) return {};
  if (get_le(data, 8, 2) != 0xA1 || get_le(data, 10, 2) != 4) return {};
  if (get_le(data, 16, 2) != 0xB1 || get_le(data, 18, 2) != data.size() - 20) return {};
  Connected connected;
  connected.connection = get_le(data, 12, 4);
  connected.sequence = static_cast<std::uint16_t>(get_le(data, 20, 2));
  connected.message.assign(data.begin() + 22, data.end());
  return connected;
}

Octets as_connected(const Connected& connected) {
  Octets data;
  put_le(data, 0, 6);
  put_le(data, 2, 2);
  put_le(data, 0xA1, 2);
  put_le(data, 4, 2);
  put_le(data, connected.connection, 4);
  put_le(data, 0xB1, 2);
  put_le(data, 2 + connected.message.size(), 2);
  put_le(data, connected.sequence, 2);
  data.insert(data.end(), connected.message.begin(), connected.message.end());
  return data;
}

}  // namespace conduit::simulation::enip
