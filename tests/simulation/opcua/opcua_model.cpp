// Dialogues of OPC UA in mode None: hello, a channel, renewed or not, then services near the edges of the
// rules. Both ends number their chunks.
#include "tests/simulation/opcua/opcua_model.hpp"

#include <algorithm>
#include <cstring>

#include "tests/simulation/opcua/opcua_rules.hpp"

namespace conduit::simulation {
namespace {

using namespace opcua;

std::uint32_t near(Random& random, const std::vector<Span>& spans, std::uint32_t otherwise) {
  if (spans.empty()) return otherwise + static_cast<std::uint32_t>(random.below(10));
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

NodeId draw_node(Random& random, const Allow& allow) {
  static const std::vector<std::string> usual{"s=Tank.Level", "s=Tank.Level2", "s=Tank.", "s=Pump", "s=Tan"};
  NodeId node;
  node.space = near(random, allow.spaces, 1);
  const bool named = !allow.names.empty() || !allow.prefixes.empty() || random.chance(1, 6);
  if (named && !random.chance(1, 16))
    node.text = random.pick(usual);
  else
    node.number = near(random, allow.nodes, 5000);
  return node;
}

void put_variant(Octets& to, Random& random, const Allow& allow) {
  const double value = draw_value(random, allow);
  switch (random.below(6)) {
    case 0:
      to.push_back(1);
      to.push_back(value >= 1 ? 1 : 0);
      break;
    case 1:
      to.push_back(4);
      put_le(to, static_cast<std::uint64_t>(static_cast<std::int64_t>(value)), 2);
      break;
    case 2:
    case 3:
      to.push_back(6);
      put_le(to, static_cast<std::uint64_t>(static_cast<std::int64_t>(value)), 4);
      break;
    case 4: {
      std::uint64_t bits = 0;
      std::memcpy(&bits, &value, sizeof bits);
      to.push_back(11);
      put_le(to, bits, 8);
      break;
    }
    default: to.push_back(12); put_string(to, "words");
  }
}

std::string draw_endpoint(Random& random) {
  return random.chance(7, 8)   ? "opc.tcp://plc-1:4840"
         : random.chance(1, 2) ? "opc.tcp://plc-2"
                               : "https://plc-1";
}

void put_create_session(Octets& to, Random& random) {
  put_string(to, "urn:hmi-1");
  put_string(to, "urn:hmi");
  to.push_back(2);  // text alone
  put_string(to, "HMI");
  put_le(to, 1, 4);
  for (int i = 0; i < 4; ++i) put_null(to);  // two strings, the list of URLs, the server's URI
  put_string(to, draw_endpoint(random));
  put_string(to, "session");
  put_string(to, std::string(32, 'n'));
  put_null(to);
  put_le(to, 0x40F86A0000000000, 8);  // 100 000 ms
  put_le(to, 65536, 4);
}

// Algorithm and octets of two signatures are null, as is the token now and then.
void put_activate_session(Octets& to, Random& random, const Allow& allow) {
  const std::uint32_t usual = random.pick(std::vector{anonymous, anonymous, user_name, certificate});
  const std::uint32_t token = allow.tokens.empty() || random.chance(1, 4) ? usual : random.pick(allow.tokens);
  for (int i = 0; i < 3; ++i) put_null(to);
  put_le(to, 1, 4);
  put_string(to, "en");
  if (token == anonymous && random.chance(1, 4)) {
    to.insert(to.end(), {0, 0, 0});
  } else {
    Octets body;
    put_string(body, "policy");
    if (token != anonymous) put_string(body, "operator");
    if (token == user_name) put_string(body, "secret");
    if (token == user_name) put_null(body);
    put_type(to, token);
    to.push_back(1);
    put_le(to, body.size(), 4);
    to.insert(to.end(), body.begin(), body.end());
  }
  put_null(to);
  put_null(to);
}

void put_parameters(Octets& to, Random& random, const Allow& allow, std::uint32_t function) {
  const std::uint64_t count = random.chance(2, 3) ? 1 : random.between(2, random.chance(1, 4) ? 20 : 4);
  static const std::vector<std::uint32_t> usual{13, 13, 13, 4, 14};
  switch (function) {
    case read:
      put_le(to, 0, 8);
      put_le(to, 2, 4);
      break;
    case browse:
      put_type(to, 0);
      put_le(to, 0, 8);
      put_le(to, 0, 4);
      put_le(to, 100, 4);
      break;
    case publish: return put_le(to, 0, 4);
    case create_session: return put_create_session(to, random);
    case activate_session: return put_activate_session(to, random, allow);
    case close_session: return to.push_back(1);
    default: break;
  }
  put_le(to, count, 4);
  for (std::uint64_t i = 0; i < count; ++i) {
    put_node(to, draw_node(random, allow));
    if (function == call) {
      put_node(to, {1, near(random, allow.methods, 7000), {}});
      const std::uint64_t arguments = random.below(3);
      put_le(to, arguments, 4);
      for (std::uint64_t k = 0; k < arguments; ++k) put_variant(to, random, allow);
      continue;
    }
    if (function == browse) {
      put_le(to, 0, 4);
      put_type(to, 33);
      to.push_back(1);
      put_le(to, 0, 4);
      put_le(to, 63, 4);
      continue;
    }
    const bool known = !allow.attributes.empty() && random.chance(7, 8);
    put_le(to, random.pick(known ? allow.attributes : usual), 4);
    random.chance(1, 16) ? put_string(to, "1:2") : put_le(to, 0xFFFFFFFF, 4);
    if (function == read) {
      put_le(to, 0, 2);
      put_le(to, 0xFFFFFFFF, 4);
    } else {
      to.push_back(1);
      put_variant(to, random, allow);
    }
  }
}

std::uint32_t draw_function(Random& random, const Allow& allow) {
  static const std::vector<std::uint32_t> usual{read, read,   write,   write,
                                                call, browse, publish, activate_session};
  static const std::vector<std::uint32_t> of_session{create_session, activate_session, close_session};
  const bool opens =
      !allow.functions.empty() && (allow.functions[0] == hello || allow.functions[0] == open_channel);
  if (!allow.functions.empty() && !opens && random.chance(5, 6)) return random.pick(allow.functions);
  if (!allow.classes.empty() && random.chance(2, 3)) {
    if (allow.classes[0] == Class::READ) return random.chance(2, 3) ? read : browse;
    if (allow.classes[0] == Class::WRITE) return write;
    if (allow.classes[0] == Class::OPERATE) return call;
    if (allow.classes[0] == Class::SESSION && random.chance(1, 2)) return random.pick(of_session);
  }
  return random.pick(usual);
}

Message service(std::uint32_t function, std::uint32_t number) {
  Message message;
  message.kind = "MSG";
  message.request = number + 10;
  put_type(message.body, function);
  put_request_header(message.body, number + 100);
  return message;
}

// --- memory
// ----------------------------------------------------------------------------------------------------

// The channel of a connection, and the numbers of one direction.
struct Channel {
  bool greeted = false;
  std::uint32_t channel = 0;
  std::uint32_t token = 0;
  std::uint32_t token_before = 0;  // 0: there was none
  std::optional<std::uint32_t> next;

  void learn(const Message& answer) {
    if (answer.kind == "ACK") greeted = true;
    if (answer.kind != "OPN" || answer.body.size() < 44) return;
    // Type (4), header (24), version (4), then channel and token.
    const bool same = channel == get_le(answer.body, 32, 4);
    if (same && token == get_le(answer.body, 36, 4)) return;  // heard before
    token_before = same ? token : 0;
    channel = get_le(answer.body, 32, 4);
    token = get_le(answer.body, 36, 4);
  }
  // Has it the channel, and where it states one, a token that counts?
  [[nodiscard]] bool holds(const Message& message) const {
    if (channel == 0 || message.channel != channel) return false;
    return message.kind == "OPN" || message.token == token ||
           (token_before != 0 && message.token == token_before);
  }
  // Has it the number that is due? The first one is free.
  [[nodiscard]] bool due(const Message& message) const { return !next || *next == message.sequence; }
  void take(const Message& message) {
    if ((message.kind == "OPN" || message.kind == "MSG") && due(message))
      next = message.sequence + message.chunks;
  }
};

// HEL and ACK, then OPN, then messages of that channel (OPC 10000-6 §6.7.4, §7.1.3).
class OpcuaConversation final : public Conversation {
 public:
  [[nodiscard]] std::uint32_t standing(View request) const override {
    const std::optional<Message> message = read_message(request);
    if (!message) return 0;
    std::uint32_t standing = asked_.greeted ? greeted : 0;
    if (message->kind != "MSG" && (message->kind != "OPN" || message->channel == 0)) return standing;
    if (asked_.due(*message)) standing |= in_sequence;
    return standing | (asked_.holds(*message) ? of_channel : 0);
  }
  void passed(View pdu, bool from_client) override {
    const std::optional<Message> message = read_message(pdu);
    if (!message) return;
    from_client ? asked_.take(*message) : asked_.learn(*message);
  }
  void refused(View request) override {
    if (const std::optional<Message> message = read_message(request)) asked_.take(*message);
  }
  [[nodiscard]] const char* heard(View pdu) override {
    const std::optional<Message> message = read_message(pdu);
    if (!message || (message->kind != "OPN" && message->kind != "MSG")) return nullptr;
    const char* wrong = heard_.due(*message) ? nullptr : "a chunk out of its sequence";
    heard_.take(*message);
    return wrong;
  }

 private:
  Channel asked_;
  Channel heard_;
};

bool permits_renewal(const Rules& rules) {
  const std::vector<Allow>& list = dynamic_cast<const OpcuaRules&>(rules).list;
  return std::any_of(list.begin(), list.end(), [](const Allow& allow) {
    const bool named =
        std::find(allow.functions.begin(), allow.functions.end(), renew_channel) != allow.functions.end();
    return named || allow.classes == std::vector{Class::SESSION};
  });
}

class OpcuaClient final : public ClientEnd {
 public:
  [[nodiscard]] Octets numbered(Octets pdu, std::uint8_t ahead) const override {
    const std::optional<Message> message = read_message(pdu);
    if (!message || (message->kind != "OPN" && message->kind != "MSG")) return pdu;
    for (std::size_t at = 0; message->kind == "MSG" && at < pdu.size(); at += get_le(pdu, at + 4, 4)) {
      for (std::size_t i = 0; i < 4; ++i) {
        pdu[at + 8 + i] = static_cast<std::uint8_t>(channel_.channel >> (8 * i));
        pdu[at + 12 + i] = static_cast<std::uint8_t>(channel_.token >> (8 * i));
      }
    }
    return renumbered(pdu, sequence_ + ahead);
  }
  void sent(View pdu) override {
    const std::optional<Message> message = read_message(pdu);
    if (message && (message->kind == "OPN" || message->kind == "MSG")) sequence_ += message->chunks;
  }
  [[nodiscard]] Octets opening(const Rules& rules, Random& random) override {
    Message message;
    if (!channel_.greeted) {
      message.kind = "HEL";
      put_le(message.body, 0, 4);
      put_le(message.body, 65535, 4);
      put_le(message.body, 65535, 4);
      put_le(message.body, 0, 8);
      put_string(message.body, draw_endpoint(random));
      return write_message(message);
    }
    const bool opened = channel_.channel != 0;
    if (opened && (renewed_ || !random.chance(1, permits_renewal(rules) ? 3 : 24))) return {};
    renewed_ = opened;
    message.channel = channel_.channel;
    message.kind = "OPN";
    message.request = 1;
    put_type(message.body, open_channel);
    put_request_header(message.body, 1);
    put_le(message.body, 0, 4);
    put_le(message.body, opened ? 1 : 0, 4);
    put_le(message.body, 1, 4);
    put_null(message.body);
    put_le(message.body, 3600000, 4);
    return write_message(message);
  }
  [[nodiscard]] std::vector<Octets> on_pdu(View pdu) override {
    if (const std::optional<Message> message = read_message(pdu)) channel_.learn(*message);
    return {};
  }

 private:
  Channel channel_;
  bool renewed_ = false;
  std::uint32_t sequence_ = 1;
};

class OpcuaServer final : public ServerEnd {
 public:
  using ServerEnd::ServerEnd;
  [[nodiscard]] Octets numbered(Octets pdu, std::uint8_t ahead) const override {
    return renumbered(pdu, sequence_ + ahead);
  }
  void sent(View pdu) override {
    const std::optional<Message> message = read_message(pdu);
    if (message && (message->kind == "OPN" || message->kind == "MSG")) sequence_ += message->chunks;
  }

 private:
  std::uint32_t sequence_ = 51;
};

// --- model
// -----------------------------------------------------------------------------------------------------

std::uint32_t handle_of(const Message& request) {
  return request.body.size() >= 18 ? get_le(request.body, 14, 4) : 0;  // type (4), token (2), time (8)
}
std::uint32_t type_of(const Message& message) {
  return message.body.size() >= 4 && message.body[0] == 1 && message.body[1] == 0 ? get_le(message.body, 2, 2)
                                                                                  : 0;
}

class OpcuaModel final : public ProtocolModel {
 public:
  [[nodiscard]] const char* name() const override { return "opcua"; }
  [[nodiscard]] std::uint16_t port() const override { return 4840; }
  [[nodiscard]] std::unique_ptr<Rules> random_rules(Random& random) const override {
    return draw_rules(random);
  }
  [[nodiscard]] Front front(View stream, bool from_client) const override {
    return front_of(stream, from_client);
  }
  [[nodiscard]] Octets request(Random& random, const Rules& rules, std::uint32_t number) const override {
    const Allow& allow = random.pick(dynamic_cast<const OpcuaRules&>(rules).list);
    const std::uint32_t function = draw_function(random, allow);
    Message message = service(function, number);
    put_parameters(message.body, random, allow, function);
    if (random.chance(1, 30)) message.body.push_back(0);  // an octet too many
    return write_message(message, random.chance(1, 6) ? 1 + message.body.size() / 3 : 4000);
  }
  [[nodiscard]] Octets bad_request(Random& random, std::uint32_t number) const override;
  [[nodiscard]] Octets answer(View request, Random& random) const override;
  [[nodiscard]] bool answers(View response, View request) const override;
  [[nodiscard]] bool is_negative(View response) const override {
    const std::optional<Message> message = read_message(response);
    return message && (message->kind == "ERR" || type_of(*message) == service_fault);
  }
  [[nodiscard]] bool silent(View) const override { return false; }

  [[nodiscard]] Octets plain(View pdu) const override { return renumbered(pdu, 0); }
  [[nodiscard]] bool renumbers() const override { return true; }
  [[nodiscard]] std::unique_ptr<Conversation> conversation(Viewpoint) const override {
    return std::make_unique<OpcuaConversation>();
  }
  [[nodiscard]] std::unique_ptr<ClientEnd> client_end() const override {
    return std::make_unique<OpcuaClient>();
  }
  [[nodiscard]] std::unique_ptr<ServerEnd> server_end() const override {
    return std::make_unique<OpcuaServer>(*this);
  }
  [[nodiscard]] bool depends(View, View earlier) const override {
    return !earlier.empty() && earlier[0] != 'M';
  }
  [[nodiscard]] Octets other_answer(View request, View answer, Random& random) const override;
};

// Its chunk is whole, so that the stream goes on behind it; all else is wrong in some place.
Octets OpcuaModel::bad_request(Random& random, std::uint32_t number) const {
  Message message = service(read, number);
  Octets& body = message.body;
  put_le(body, 0, 8);
  put_le(body, random.chance(1, 8) ? 9 : 2, 4);
  const std::uint64_t how = random.below(8);
  put_le(body, how == 0 ? 2 : 1, 4);  // more items than there are
  if (how == 1) body.push_back(9);    // no encoding of a node
  put_node(body, {2, 5000, {}});
  put_le(body, how == 2 ? 0 : 13, 4);
  put_le(body, how == 3 ? 4000 : 0xFFFFFFFF, 4);  // longer than what is left
  put_le(body, 0, 2);
  put_le(body, 0xFFFFFFFF, 4);
  if (how == 4) body.resize(body.size() - 2);
  if (how == 5) body[3] = 0x42;  // a service that nobody knows
  if (how == 6) body[0] = 0x81;  // reserved bits
  if (how == 7) body.resize(10);
  return write_message(message);
}

Octets OpcuaModel::answer(View request, Random& random) const {
  const std::optional<Message> asked = read_message(request);
  const std::optional<std::vector<Access>> accesses = asked ? read_request(*asked) : std::nullopt;
  if (!accesses) return {};
  Message message = *asked;
  message.body.clear();
  Octets& body = message.body;
  if (asked->kind == "HEL") {
    message.kind = "ACK";
    body.assign(asked->body.begin(), asked->body.begin() + 20);
    return write_message(message);
  }
  const std::uint32_t function = type_of(*asked);
  if (random.chance(1, 24) && asked->kind == "MSG") {
    put_type(body, service_fault);
    put_response_header(body, handle_of(*asked), 0x80280000);
    return write_message(message);
  }
  put_type(body, function + 3);
  put_response_header(body, handle_of(*asked), 0);
  if (asked->kind == "OPN") {
    const bool renews = asked->channel != 0;
    if (!renews) message.channel = 1000 + static_cast<std::uint32_t>(random.below(1000));
    put_le(body, 0, 4);
    put_le(body, message.channel, 4);
    put_le(body, (renews ? 101 : 1) + random.below(100), 4);
    put_le(body, 0x01DB000000000000, 8);
    put_le(body, 3600000, 4);
    put_le(body, 0xFFFFFFFF, 4);
    return write_message(message);
  }
  put_le(body, accesses->size(), 4);
  for (std::size_t i = 0; i < accesses->size(); ++i) put_le(body, 0, 4);
  put_le(body, 0xFFFFFFFF, 4);
  return write_message(message);
}

// The same request, channel and service, or a fault.
bool OpcuaModel::answers(View response, View request) const {
  const std::optional<Message> answer = read_message(response);
  const std::optional<Message> asked = read_message(request);
  if (!answer || !asked) return false;
  if (answer->kind == "ERR") return asked->kind != "MSG";
  if (asked->kind == "HEL") return answer->kind == "ACK";
  if (answer->kind != asked->kind || answer->request != asked->request) return false;
  if (asked->channel != 0 && answer->channel != asked->channel) return false;
  if (asked->kind == "MSG" && answer->token != asked->token) return false;
  const std::uint32_t type = type_of(*answer);
  if (answer->body.size() < 28 || get_le(answer->body, 12, 4) != handle_of(*asked)) return false;
  return type == service_fault || type == type_of(*asked) + 3;
}

Octets OpcuaModel::other_answer(View, View answer, Random& random) const {
  std::optional<Message> message = read_message(answer);
  if (!message || message->kind != "MSG") return {};
  switch (random.below(5)) {
    case 0: ++message->request; break;
    case 1: ++message->channel; break;
    case 2: message->body[2] ^= 1; break;  // type
    case 3: ++message->sequence; break;
    default: ++message->token; break;
  }
  return write_message(*message);
}

}  // namespace

const ProtocolModel& opcua_model() {
  static const OpcuaModel model;
  return model;
}

}  // namespace conduit::simulation
