// Dialogues of EtherNet/IP: a session is registered, then messages to tags and objects, alone, several in one
// packet, through the device to one behind it, or on a connection that was opened for messages.
#include "tests/simulation/enip/enip_model.hpp"

#include <algorithm>
#include <cstring>
#include <map>

#include "tests/simulation/enip/enip_rules.hpp"

namespace conduit::simulation {
namespace {

using namespace enip;

const Octets manager_path{0x20, 0x06, 0x24, 0x01};
const Octets router_path{0x20, 0x02, 0x24, 0x01};

std::uint32_t near(Random& random, const std::vector<Span>& spans, std::uint32_t otherwise) {
  if (spans.empty()) return static_cast<std::uint32_t>(random.below(otherwise));
  const Span& span = random.pick(spans);
  if (random.chance(2, 3)) return static_cast<std::uint32_t>(random.between(span.first, span.last));
  const std::uint32_t edge = random.chance(1, 2) ? span.first : span.last;
  if (random.chance(1, 2)) return edge;
  return random.chance(1, 2) || edge == 0 ? edge + 1 : edge - 1;
}

double draw_value(Random& random, const Allow& allow) {
  if (allow.values.empty()) return static_cast<double>(random.below(120));
  const auto& [low, high] = random.pick(allow.values);
  switch (random.below(6)) {
    case 0: return low;
    case 1: return high;
    case 2: return low - 1;
    case 3: return high + 1;
    default: return low + static_cast<double>(random.below(static_cast<std::uint64_t>(high - low) + 1));
  }
}

// --- requests
// --------------------------------------------------------------------------------------------------

Octets tag_path(Random& random, const Allow& allow) {
  static const std::vector<std::string> usual{"LineSpeed", "Recipe", "Program:Main.Level", "Pump", "Recip"};
  std::string tag = random.pick(usual);
  if (!allow.tags.empty() && random.chance(3, 4)) tag = random.pick(allow.tags);
  if (random.chance(1, 16)) tag += "2";
  Octets path;
  for (std::size_t from = 0; from <= tag.size();) {
    const std::size_t to = std::min(tag.find('.', from), tag.size());
    path.push_back(0x91);
    path.push_back(static_cast<std::uint8_t>(to - from));
    path.insert(path.end(), tag.begin() + static_cast<std::ptrdiff_t>(from),
                tag.begin() + static_cast<std::ptrdiff_t>(to));
    if ((to - from) % 2 != 0) path.push_back(0);
    from = to + 1;
  }
  const std::uint32_t element = near(random, allow.elements, 5);
  if (element == 0 && random.chance(1, 2)) return path;
  if (element < 256) path.insert(path.end(), {0x28, static_cast<std::uint8_t>(element)});
  return path;
}

Octets tag_values(Random& random, const Allow& allow) {
  const std::uint32_t type = random.pick(std::vector<std::uint32_t>{0xC1, 0xC2, 0xC3, 0xC4, 0xC4, 0xCA});
  const std::uint64_t count = random.chance(1, 2) ? 1 : random.between(2, 8);
  Octets data;
  put_le(data, type, 2);
  put_le(data, count, 2);
  for (std::uint64_t i = 0; i < count; ++i) {
    const double value = draw_value(random, allow);
    if (type == 0xCA) {
      const auto narrow = static_cast<float>(value);
      std::uint32_t bits = 0;
      std::memcpy(&bits, &narrow, sizeof bits);
      put_le(data, bits, 4);
    } else {
      const auto whole = static_cast<std::int64_t>(type == 0xC1 ? static_cast<double>(value >= 1) : value);
      put_le(data, static_cast<std::uint64_t>(whole), type_size(type));
    }
  }
  return data;
}

Octets object_path(Random& random, const Allow& allow, std::uint8_t service) {
  static const std::vector<std::uint32_t> usual{0x01, 0x04, 0x04, 0xF5};
  const std::uint32_t object =
      random.pick(allow.objects.empty() || random.chance(1, 10) ? usual : allow.objects);
  const std::uint32_t instance = object == 0x04 ? near(random, allow.instances, 4) : 1;
  Octets path{0x20, static_cast<std::uint8_t>(object), 0x24, static_cast<std::uint8_t>(instance)};
  if (service == reset) return path;
  const std::uint32_t attribute = allow.attributes.empty() ? 1 + static_cast<std::uint32_t>(random.below(7))
                                                           : near(random, allow.attributes, 7);
  path.insert(path.end(), {0x30, static_cast<std::uint8_t>(attribute)});
  return path;
}

std::uint8_t draw_service(Random& random, const Allow& allow) {
  static const std::vector<std::uint8_t> usual{read_tag,   read_tag,   write_tag, write_tag,
                                               get_single, set_single, reset};
  std::vector<std::uint32_t> known = allow.functions;
  known.erase(std::remove_if(known.begin(), known.end(),
                             [](std::uint32_t function) {
                               return function == function_register || function == function_unconnected ||
                                      function == function_open;
                             }),
              known.end());
  if (!known.empty() && random.chance(5, 6)) return static_cast<std::uint8_t>(random.pick(known));
  if (!allow.classes.empty() && random.chance(2, 3)) {
    if (allow.classes[0] == Class::READ) return random.chance(2, 3) ? read_tag : get_single;
    if (allow.classes[0] == Class::DISCOVER) return get_single;
    if (allow.classes[0] == Class::MANAGE) return random.chance(1, 2) ? reset : set_single;
  }
  return random.pick(usual);
}

Octets draw_message(Random& random, const Allow& allow) {
  const std::uint8_t service = draw_service(random, allow);
  switch (service) {
    case read_tag: {
      Octets data;
      put_le(data, random.chance(1, 2) ? 1 : random.between(2, 8), 2);
      return write_message(service, tag_path(random, allow), data);
    }
    case write_tag: return write_message(service, tag_path(random, allow), tag_values(random, allow));
    case set_single: {
      Octets data;
      const std::size_t size = random.pick(std::vector<std::size_t>{1, 2, 4, 3});
      put_le(data, static_cast<std::uint64_t>(static_cast<std::int64_t>(draw_value(random, allow))), size);
      return write_message(service, object_path(random, allow, service), data);
    }
    default: return write_message(service, object_path(random, allow, service), {});
  }
}

Octets in_one_packet(const std::vector<Octets>& messages) {
  Octets data;
  put_le(data, messages.size(), 2);
  std::size_t offset = 2 + 2 * messages.size();
  for (const Octets& each : messages) {
    put_le(data, offset, 2);
    offset += each.size();
  }
  for (const Octets& each : messages) data.insert(data.end(), each.begin(), each.end());
  return write_message(multiple, router_path, data);
}

Octets through(View message, std::uint8_t slot) {
  Octets data{0x05, 0x99};
  put_le(data, message.size(), 2);
  data.insert(data.end(), message.begin(), message.end());
  if (message.size() % 2 != 0) data.push_back(0);
  data.insert(data.end(), {1, 0, 1, slot});
  return write_message(unconnected_send, manager_path, data);
}

// Of a connection that its client has opened (Originator::numbered).
Octets in_connection(View message, std::uint32_t number) {
  Encapsulation parts;
  parts.command = send_unit_data;
  put_le(parts.context, number + 1, 8);
  parts.data =
      as_connected({0, static_cast<std::uint16_t>(number + 1), Octets(message.begin(), message.end())});
  return write_encapsulation(parts);
}

Octets in_frame(View message, std::uint32_t number) {
  Encapsulation parts;
  parts.command = send_rr_data;
  put_le(parts.context, number + 1, 8);
  parts.data = as_unconnected(message);
  return write_encapsulation(parts);
}

// Well framed, wrong inside.
const std::vector<Octets>& bad_messages() {
  static const std::vector<Octets> all{
      {},
      {0x4C},
      {0x4C, 9, 0x91, 1, 'A', 0, 1, 0},                                   // path longer than the message
      {0x4C, 2, 0x91, 4, 'A', 'B', 1, 0},                                 // name longer than the path
      {0x4C, 2, 0x91, 1, 'A', 7, 1, 0},                                   // filled up with something
      {0x4C, 2, 0x91, 1, 'A', 0, 0, 0},                                   // no element
      {0x4C, 2, 0x91, 1, 'A', 0, 1, 0, 0},                                // an octet too many
      {0x4D, 2, 0x91, 1, 'A', 0, 0xC4, 0, 1, 0, 1, 2, 3},                 // one too few
      {0x4D, 2, 0x91, 1, 'A', 0, 0xC4, 0, 2, 0, 1, 2, 3, 4},              // one element too few
      {0x4D, 2, 0x91, 1, 'A', 0, 0xC4, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8},  // and too many
      {0xCC, 2, 0x91, 1, 'A', 0, 1, 0},                                   // an answer
      {0x0E, 3, 0x20, 4, 0x24, 100, 0x25, 1},                             // a segment cut off
      {0x0E, 2, 0x20, 4, 0x24, 100, 0x30},
      {0x0A, 2, 0x20, 2, 0x24, 1, 0, 0},  // nothing in the packet
      {0x0A, 2, 0x20, 2, 0x24, 1, 2,    0, 6,    0,
       6,    0, 0x0E, 3, 0x20, 1, 0x24, 1, 0x30, 1},                                   // twice in one place
      {0x0A, 2, 0x20, 2, 0x24, 1, 1, 0, 5, 0, 0, 0x0E, 3, 0x20, 1, 0x24, 1, 0x30, 1},  // a gap
      {0x0A, 2, 0x20, 2, 0x24, 1, 2,    0, 14,   0, 6,    0, 0x0E, 3,
       0x20, 1, 0x24, 1, 0x30, 1, 0x0E, 3, 0x20, 1, 0x24, 1, 0x30, 1},  // backwards
      {0x0A, 2, 0x20, 2, 0x24, 1, 1, 0, 99, 0, 0x0E, 3, 0x20, 1, 0x24, 1, 0x30, 1},
      {0x52, 2, 0x20, 6, 0x24, 1, 5, 99, 8, 0, 0x0E, 3, 0x20, 1, 0x24, 1, 0x30, 1},  // no route
      {0x52, 2, 0x20, 6, 0x24, 1, 5, 99, 99, 0, 0x0E, 3, 0x20, 1, 0x24, 1, 0x30, 1, 1, 0, 1, 0},
      {0x52, 2, 0x20, 6, 0x24, 1, 5, 99, 8, 0, 0x0E, 3, 0x20, 1, 0x24, 1, 0x30, 1, 1, 0, 1, 0, 0, 0},
      {0x52, 2, 0x20, 6, 0x24, 1, 5, 99, 8, 0, 0x0E, 3, 0x20, 1, 0x24, 1, 0x30, 1, 2, 0, 1, 0},
  };
  return all;
}

// --- device
// ----------------------------------------------------------------------------------------------------

Octets reply(std::uint8_t service, std::uint8_t status, View data) {
  Octets octets{static_cast<std::uint8_t>(service | 0x80), 0, status, 0};
  octets.insert(octets.end(), data.begin(), data.end());
  return octets;
}

// Connection failure (3-5.5.2): not found, or out of connections; and which it was.
Octets no_connection(std::uint8_t service, std::uint16_t serial) {
  Octets octets{static_cast<std::uint8_t>(service | 0x80), 0, 1, 1};
  put_le(octets, service == forward_open ? 0x0113 : 0x0107, 2);
  const Octets data = closed_data(serial);
  octets.insert(octets.end(), data.begin(), data.end());
  return octets;
}

Octets answer_message(View octets, Random& random) {
  const std::optional<Message> message = read_message(octets);
  if (!message) return reply(octets.empty() ? 0 : octets[0], 0x09, {});
  const bool refuses = random.chance(1, 24);
  if (const std::optional<Opening> opening = read_opening(*message)) {
    return refuses ? no_connection(message->service, opening->serial)
                   : reply(message->service, 0, opened_data(*opening));
  }
  if (const std::optional<std::uint16_t> serial = read_closing(*message)) {
    return refuses ? no_connection(message->service, *serial)
                   : reply(message->service, 0, closed_data(*serial));
  }
  if (refuses) return reply(message->service, 0x05, {});
  Octets data;
  switch (message->service) {
    case read_tag: {
      const std::uint32_t count = get_le(message->data, 0, 2);
      put_le(data, 0xC4, 2);
      for (std::uint32_t i = 0; i < count; ++i) put_le(data, random.next(), 4);
      break;
    }
    case get_single: put_le(data, random.next(), 2); break;
    case multiple: {
      const std::vector<Octets> messages = *read_multiple(message->data);
      std::vector<Octets> replies;
      bool failed = false;
      for (const Octets& each : messages) {
        replies.push_back(answer_message(each, random));
        failed = failed || replies.back()[2] != 0;
      }
      const Octets packet = in_one_packet(replies);
      return reply(multiple, failed ? 0x1E : 0, View(packet).subspan(2 + router_path.size()));
    }
    case unconnected_send: return answer_message(read_routed(message->data)->message, random);
    default: break;
  }
  return reply(message->service, 0, data);
}

// Requests belong to the session that the server has given (CIP Vol. 2, 2-4.7), and there are none before it;
// messages of connections to those that are open.
class EnipConversation final : public Conversation {
 public:
  [[nodiscard]] std::uint32_t standing(View request) const override {
    const std::optional<Encapsulation> parts = read_encapsulation(request);
    if (!parts || session_ == 0 || parts->session != session_) return 0;
    const std::optional<Connected> connected = connected_message(*parts);
    const auto open = connected ? open_.find(connected->connection) : open_.end();
    return of_session | (open == open_.end() ? 0 : as_standing(open->second));
  }
  void passed(View pdu, bool from_client) override {
    const std::optional<Encapsulation> parts = read_encapsulation(pdu);
    if (!parts) return;
    const bool registered = !from_client && parts->command == register_session && parts->status == 0;
    if (registered && session_ == 0) session_ = parts->session;
    if (from_client && parts->command == unregister_session) *this = EnipConversation();
    const std::optional<Octets> octets = unconnected_message(*parts);
    if (!octets) return;
    from_client ? ask(*octets) : learn(*octets);
  }

 private:
  void ask(View octets) {
    const std::optional<Message> message = read_message(octets);
    const std::optional<Opening> opening = message ? read_opening(*message) : std::nullopt;
    if (opening) asked_[opening->serial] = *opening;
  }
  void learn(View octets) {
    const std::optional<Opened> opened = read_opened(octets);
    if (!opened) return;
    std::erase_if(open_, [&](const auto& one) { return one.second.serial == opened->serial; });
    const auto asked = asked_.find(opened->serial);
    if (!opened->closed && asked != asked_.end()) open_[opened->sent] = asked->second;
  }

  std::uint32_t session_ = 0;
  std::map<std::uint16_t, Opening> asked_;  // by serial number
  std::map<std::uint32_t, Opening> open_;   // by the name that the client uses
};

// What rules permit of openings, nearly.
Opening draw_opening(const EnipRules& rules, Random& random) {
  Opening opening;
  opening.received = static_cast<std::uint32_t>(random.next());
  opening.serial = static_cast<std::uint16_t>(random.next());
  opening.interval = random.chance(7, 8) ? 100000 : 110000;
  opening.transport_class = random.chance(7, 8) ? 3 : 2;
  if (random.chance(1, 8)) opening.route = "1/0";
  for (const Allow& allow : rules.list) {
    if (allow.functions != std::vector{function_open} || random.chance(1, 8)) continue;
    opening.route = allow.routes.empty() ? "" : allow.routes[0];
    if (!allow.transport_classes.empty())
      opening.transport_class = static_cast<std::uint8_t>(allow.transport_classes[0]);
  }
  return opening;
}

bool permits_openings(const EnipRules& rules) {
  return std::any_of(rules.list.begin(), rules.list.end(),
                     [](const Allow& allow) { return allow.functions == std::vector{function_open}; });
}

// Registers a session; then opens a connection, or does not; and closes it now and then, or says so.
class Originator final : public ClientEnd {
 public:
  [[nodiscard]] Octets numbered(Octets pdu, std::uint8_t) const override {
    if (pdu.size() < header_size || (pdu[0] != send_rr_data && pdu[0] != send_unit_data)) return pdu;
    put(pdu, 4, session_);
    const std::size_t connection_at = header_size + 12;
    if (pdu[0] == send_unit_data && pdu.size() >= connection_at + 4) put(pdu, connection_at, connection_);
    return pdu;
  }
  [[nodiscard]] Octets opening(const Rules& rules, Random& random) override {
    if (session_ == 0) {
      Encapsulation parts;
      parts.command = register_session;
      parts.context = Octets(8, 0);
      parts.data = {1, 0, 0, 0};
      return write_encapsulation(parts);
    }
    const auto& known = dynamic_cast<const EnipRules&>(rules);
    if (step_ == 0 && random.chance(1, permits_openings(known) ? 1 : 16)) {
      const Opening opening = draw_opening(known, random);
      serial_ = opening.serial;
      ++step_;
      return in_frame(write_opening(opening), opening_number);
    }
    const bool closes = step_ == 1 && connection_ != 0 && random.chance(1, 8);
    step_ = 2;
    return closes ? in_frame(write_closing(serial_), opening_number + 1) : Octets{};
  }
  [[nodiscard]] std::vector<Octets> on_pdu(View pdu) override {
    const std::optional<Encapsulation> parts = read_encapsulation(pdu);
    if (!parts) return {};
    if (parts->command == register_session && parts->status == 0) session_ = parts->session;
    const std::optional<Octets> message = unconnected_message(*parts);
    const std::optional<Opened> opened = message ? read_opened(*message) : std::nullopt;
    if (opened && !opened->closed) connection_ = opened->sent;
    return {};
  }

 private:
  static constexpr std::uint32_t opening_number = 0x40000000;
  static void put(Octets& pdu, std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) pdu[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }

  std::uint32_t session_ = 0;
  std::uint32_t connection_ = 0;  // also when it is closed
  std::uint16_t serial_ = 0;
  int step_ = 0;  // 0: no connection asked for; 2: none any more
};

bool is_opening(View pdu) {
  const std::optional<Encapsulation> parts = read_encapsulation(pdu);
  const std::optional<Octets> octets = parts ? unconnected_message(*parts) : std::nullopt;
  const std::optional<Message> message = octets ? read_message(*octets) : std::nullopt;
  return message && read_opening(*message);
}

// The message in a request or an answer, whichever way it goes.
std::optional<Octets> message_of(const Encapsulation& parts) {
  const std::optional<Connected> connected = connected_message(parts);
  return connected ? std::optional<Octets>(connected->message) : unconnected_message(parts);
}

class EnipModel final : public ProtocolModel {
 public:
  [[nodiscard]] const char* name() const override { return "enip"; }
  [[nodiscard]] std::uint16_t port() const override { return 44818; }
  [[nodiscard]] std::unique_ptr<Rules> random_rules(Random& random) const override {
    return draw_rules(random);
  }
  [[nodiscard]] Front front(View stream, bool) const override { return front_of(stream); }
  [[nodiscard]] Octets request(Random& random, const Rules& rules, std::uint32_t number) const override {
    const auto& known = dynamic_cast<const EnipRules&>(rules);
    const std::vector<Allow>& list = known.list;
    const Allow& allow = random.pick(list);
    Octets message = draw_message(random, allow);
    if (random.chance(1, 5)) {
      std::vector<Octets> several{message};
      for (std::uint64_t i = random.between(1, 4); i > 0; --i)
        several.push_back(draw_message(random, random.chance(2, 3) ? allow : random.pick(list)));
      message = in_one_packet(several);
    }
    const bool routes = std::any_of(list.begin(), list.end(), [](const auto& each) {
      return !each.functions.empty() && each.functions[0] == function_unconnected;
    });
    if (random.chance(1, permits_openings(known) ? 2 : 40)) return in_connection(message, number);
    if (random.chance(1, routes || !allow.routes.empty() ? 2 : 10))
      message = through(message, random.chance(2, 3) ? 0 : 3);
    if (random.chance(1, 30)) message.push_back(0);  // an octet too many
    return in_frame(message, number);
  }
  // The length of the encapsulation is right, so that the stream goes on behind it.
  [[nodiscard]] Octets bad_request(Random& random, std::uint32_t number) const override {
    Octets frame = in_frame(random.pick(bad_messages()), number);
    switch (random.below(10)) {
      case 0: frame[20] = 1; break;                   // options
      case 1: frame[8] = 1; break;                    // a status
      case 2: frame[header_size] = 1; break;          // interface
      case 3: frame[header_size + 6] = 3; break;      // items
      case 4: frame[header_size + 14] ^= 1; break;    // size of the second
      case 5: frame[header_size + 12] = 0xB1; break;  // connected data
      default: break;
    }
    return frame;
  }
  [[nodiscard]] Octets answer(View request, Random& random) const override {
    std::optional<Encapsulation> parts = read_encapsulation(request);
    if (!parts) return {};
    if (parts->command == register_session) {
      parts->session = 0x01000000 | static_cast<std::uint32_t>(random.below(0x10000));
      return write_encapsulation(*parts);
    }
    if (!read_request(request)) return {};
    const Octets message = answer_message(*message_of(*parts), random);
    const std::optional<Connected> asked = connected_message(*parts);
    parts->data = asked ? as_connected({named_by(asked->connection), asked->sequence, message})
                        : as_unconnected(message);
    return write_encapsulation(*parts);
  }
  [[nodiscard]] bool answers(View response, View request) const override;
  [[nodiscard]] bool is_negative(View response) const override {
    const std::optional<Encapsulation> parts = read_encapsulation(response);
    if (!parts) return false;
    if (parts->status != 0) return true;
    const std::optional<Octets> message = message_of(*parts);
    return message && message->size() >= 4 && (*message)[2] != 0;
  }
  [[nodiscard]] bool silent(View request) const override {
    const std::optional<Encapsulation> parts = read_encapsulation(request);
    return parts && (parts->command == nop || parts->command == unregister_session);
  }

  [[nodiscard]] std::unique_ptr<Conversation> conversation(Viewpoint) const override {
    return std::make_unique<EnipConversation>();
  }
  [[nodiscard]] std::unique_ptr<ClientEnd> client_end() const override {
    return std::make_unique<Originator>();
  }
  [[nodiscard]] bool depends(View request, View earlier) const override {
    if (request[0] == send_unit_data) return is_opening(earlier);
    return !earlier.empty() && earlier[0] == register_session;
  }
  [[nodiscard]] Octets other_answer(View request, View answer, Random& random) const override;
};

// The same command, session and context, the same connection and count; the service's own reply.
bool EnipModel::answers(View response, View request) const {
  const std::optional<Encapsulation> answer = read_encapsulation(response);
  const std::optional<Encapsulation> asked = read_encapsulation(request);
  if (!answer || !asked || answer->command != asked->command || answer->context != asked->context)
    return false;
  if (is_list(asked->command)) return true;
  if (asked->command == register_session) return answer->status != 0 || answer->data == asked->data;
  if (answer->session != asked->session) return false;
  if (answer->status != 0) return answer->data.empty();
  const std::optional<Connected> connected = connected_message(*answer);
  const std::optional<Connected> before = connected_message(*asked);
  if (connected && before &&
      (connected->connection != named_by(before->connection) || connected->sequence != before->sequence))
    return false;
  const std::optional<Octets> message = message_of(*answer);
  const std::optional<Octets> wish = message_of(*asked);
  if (!message || message->size() < 4 || (*message)[1] != 0 || !wish || wish->empty()) return false;
  if ((*message)[0] == ((*wish)[0] | 0x80)) return true;
  const std::optional<Message> outer = read_message(*wish);
  const std::optional<Routed> inner =
      outer && outer->service == unconnected_send ? read_routed(outer->data) : std::nullopt;
  return inner && (*message)[0] == (inner->message[0] | 0x80);
}

Octets EnipModel::other_answer(View, View answer, Random& random) const {
  std::optional<Encapsulation> parts = read_encapsulation(answer);
  if (!parts || parts->data.size() < 20) return {};
  if (std::optional<Connected> connected = connected_message(*parts)) {
    switch (random.below(3)) {
      case 0: ++connected->connection; break;
      case 1: ++connected->sequence; break;
      default: ++connected->message[0]; break;
    }
    parts->data = as_connected(*connected);
    return write_encapsulation(*parts);
  }
  if (parts->command != send_rr_data) return {};
  switch (random.below(4)) {
    case 0: ++parts->context[1]; break;
    case 1: ++parts->session; break;
    case 2: ++parts->data[16]; break;  // service
    default: parts->data[16] &= 0x7F; break;
  }
  return write_encapsulation(*parts);
}

}  // namespace

const ProtocolModel& enip_model() {
  static const EnipModel model;
  return model;
}

}  // namespace conduit::simulation
