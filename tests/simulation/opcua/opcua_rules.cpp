#include "tests/simulation/opcua/opcua_rules.hpp"

#include <algorithm>

namespace conduit::simulation::opcua {
namespace {

constexpr Name functions_by_name[] = {{open_channel, "OPEN_SECURE_CHANNEL"},
                                      {create_session, "CREATE_SESSION"},
                                      {activate_session, "ACTIVATE_SESSION"},
                                      {close_session, "CLOSE_SESSION"},
                                      {browse, "BROWSE"},
                                      {read, "READ"},
                                      {write, "WRITE"},
                                      {call, "CALL"},
                                      {publish, "PUBLISH"},
                                      {hello, "HELLO"},
                                      {renew_channel, "RENEW_SECURE_CHANNEL"}};
constexpr Name attributes_by_name[] = {{4, "DISPLAY_NAME"}, {13, "VALUE"}, {14, "DATA_TYPE"}};
constexpr Name tokens_by_name[] = {{anonymous, "ANONYMOUS"}, {user_name, "USER_NAME"}, {certificate, "X509"}};

void draw_nodes(Random& random, Allow& allow) {
  const auto space = static_cast<std::uint32_t>(random.between(1, 3));
  allow.spaces = {{space, space}};
  if (random.chance(1, 4)) return;
  if (random.chance(1, 2)) {
    const auto first = static_cast<std::uint32_t>(random.chance(1, 6) ? 70000 : 5000 + random.below(10));
    allow.nodes = {{first, first + static_cast<std::uint32_t>(random.below(6))}};
  } else if (random.chance(1, 2)) {
    allow.names = {"s=Tank.Level"};
  } else {
    allow.prefixes = {"s=Tank."};
  }
}

void draw_session(Random& random, Allow& allow) {
  if (random.chance(1, 2)) {
    allow.functions = {activate_session};
    if (random.chance(3, 4)) allow.tokens = {random.pick(std::vector{anonymous, user_name, certificate})};
    if (!allow.tokens.empty() && random.chance(1, 4)) allow.tokens.push_back(user_name);
    return;
  }
  allow.functions = {create_session};
  if (random.chance(3, 4)) allow.endpoints = {random.chance(1, 2) ? "opc.tcp://plc-1" : "opc.tcp://plc-2"};
}

Allow draw_allow(Random& random) {
  Allow allow;
  allow.essential = random.chance(1, 2);
  switch (random.below(10)) {
    case 0: allow.classes = {Class::READ}; break;
    case 1:
      allow.functions = {read};
      draw_nodes(random, allow);
      if (random.chance(1, 3)) allow.attributes = {13};
      break;
    case 2:
    case 3:
      allow.functions = {write};
      draw_nodes(random, allow);
      if (random.chance(2, 3)) allow.attributes = {13};
      if (random.chance(1, 2)) {
        const auto low = static_cast<double>(random.below(100)) - 20;
        allow.values = {{low, low + static_cast<double>(random.below(80))}};
      }
      break;
    case 4:
      allow.functions = {call};
      draw_nodes(random, allow);
      if (random.chance(2, 3)) allow.methods = {{7000, 7000 + static_cast<std::uint32_t>(random.below(3))}};
      break;
    case 5:
      allow.functions = {browse, read};
      draw_nodes(random, allow);
      break;
    case 6: allow.functions = {publish}; break;
    case 7: allow.classes = {random.chance(1, 2) ? Class::WRITE : Class::OPERATE}; break;
    case 8: draw_session(random, allow); break;
    case 9: allow.functions = {create_session, activate_session, close_session}; break;
    default: break;
  }
  return allow;
}

}  // namespace

std::string Allow::text() const {
  std::string text = "opcua {";
  text += classes_text(classes);
  for (const std::uint32_t number : functions) text += " function: " + name_of(functions_by_name, number);
  text += spans_text("namespace", spaces) + spans_text("node", nodes);
  for (const std::string& name : names) text += " node_id: \"" + name + "\"";
  for (const std::string& name : prefixes) text += " node_id_prefix: \"" + name + "\"";
  for (const std::uint32_t number : attributes) text += " attribute: " + name_of(attributes_by_name, number);
  text += spans_text("method", methods);
  for (const std::uint32_t number : tokens) text += " user_token: " + name_of(tokens_by_name, number);
  for (const std::string& url : endpoints) text += " endpoint_url_prefix: \"" + url + "\"";
  text += values_text(values);
  return text + " }";
}

bool Allow::contains(const Access& access) const {
  if (!classes.empty() && !holds(classes, access.what)) return false;
  if (!functions.empty() && !holds(functions, access.function)) return false;
  if (!spaces.empty() && !(access.node && within(spaces, access.node->space))) return false;
  if (!nodes.empty() && !(access.node && access.node->number && within(nodes, *access.node->number)))
    return false;
  if (!names.empty() || !prefixes.empty()) {
    if (!access.node || access.node->number) return false;
    const std::string& name = access.node->text;
    const bool begins = std::any_of(prefixes.begin(), prefixes.end(),
                                    [&](const std::string& prefix) { return name.starts_with(prefix); });
    if (!holds(names, name) && !begins) return false;
  }
  if (!attributes.empty() && !(access.attribute && holds(attributes, *access.attribute))) return false;
  if (!methods.empty() &&
      !(access.method && access.method->number && within(methods, *access.method->number)))
    return false;
  if (!tokens.empty() && !(access.user_token && holds(tokens, *access.user_token))) return false;
  if (!endpoints.empty()) {
    const bool meant =
        access.endpoint && std::any_of(endpoints.begin(), endpoints.end(), [&](const std::string& begin) {
          return access.endpoint->starts_with(begin);
        });
    if (!meant) return false;
  }
  return values.empty() || (access.value && within(values, *access.value));
}

std::vector<Rules::Text> OpcuaRules::allows() const {
  std::vector<Text> texts;
  for (const auto& allow : list) texts.push_back({allow.text(), allow.essential});
  return texts;
}

namespace {

// Its place in the conversation: HEL once, OPN behind it, messages and renewals behind that.
bool in_place(const Message& message, std::uint32_t standing) {
  if (message.kind == "HEL") return (standing & greeted) == 0;
  if (message.kind == "OPN" && message.channel == 0) return (standing & greeted) != 0;
  constexpr std::uint32_t needed = of_channel | in_sequence;
  return (standing & needed) == needed;
}

}  // namespace

bool OpcuaRules::permits(View request, std::uint32_t standing, bool island) const {
  const std::optional<Message> message = read_message(request);
  const std::optional<std::vector<Access>> accesses = message ? read_request(*message) : std::nullopt;
  if (!accesses) return false;
  if ((standing & may_be_joined) == 0 && !in_place(*message, standing)) return false;
  return std::all_of(accesses->begin(), accesses->end(), [&](const Access& access) {
    return std::any_of(list.begin(), list.end(), [&](const auto& allow) {
      return (!island || allow.essential) && allow.contains(access);
    });
  });
}

std::unique_ptr<OpcuaRules> draw_rules(Random& random) {
  auto rules = std::make_unique<OpcuaRules>();
  if (random.chance(15, 16)) {
    Allow session;
    if (random.chance(1, 2))
      session.classes = {Class::SESSION};
    else
      session.functions = {hello, open_channel};
    if (!session.functions.empty() && random.chance(1, 2)) session.functions.push_back(renew_channel);
    session.essential = random.chance(2, 3);
    Allow channel = session;
    const bool apart = !session.functions.empty() && random.chance(1, 4);  // HEL alone has an endpoint
    if (apart) {
      session.functions = {hello};
      session.endpoints = {random.chance(3, 4) ? "opc.tcp://plc-1:4840" : "opc.tcp://plc-2"};
      channel.functions = {open_channel, renew_channel};
      rules->list.push_back(std::move(channel));
    }
    rules->list.push_back(std::move(session));
  }
  for (std::uint64_t i = random.between(1, 5); i > 0; --i) rules->list.push_back(draw_allow(random));
  return rules;
}

}  // namespace conduit::simulation::opcua
