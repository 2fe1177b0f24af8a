// Associations: the table, and connections that one flow opens for the datagrams of another.
#include <doctest/doctest.h>

#include "dataplane/engine/association_table.hpp"
#include "dataplane/engine/frame.hpp"
#include "protocols/enip/enip_decoder.hpp"
#include "tests/unit/engine_support/plant.hpp"

namespace conduit {
namespace {

using namespace test;

// --- the table -------------------------------------------------------------------------------------------

AssociationEnds between(std::uint8_t client, std::uint8_t server = 1) {
  return {ipv4_address(10, 0, 7, client), ipv4_address(10, 0, 7, server), 0, 0, enip_id};
}

Operation opening(std::string_view tag = "T", std::string_view route = "") {
  Operation operation;
  operation.clear();
  operation.protocol = enip_id;
  operation.function = enip::FORWARD_OPEN;
  operation.access = AccessClass::OPERATE;
  const auto octets = [](std::string_view text) {
    return Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  };
  operation.key[enip::TAG].data = octets(tag);
  operation.key[enip::ROUTE].data = octets(route);
  operation.keys_present = route.empty() ? 1 : 3;
  return operation;
}

Associations told(std::uint64_t sent, std::uint64_t received) {
  Associations out;
  out.opened[0] = {sent, Role::CLIENT};
  out.opened[1] = {received, Role::SERVER};
  out.opened_count = 2;
  return out;
}

constexpr std::uint64_t second = 1'000'000'000;

TEST_CASE("an association is found by its ends, key and sender once its request was answered") {
  AssociationTable table(1);
  REQUIRE(table.expect(between(10), 5, 77, opening("Shared", "1/0"), second));
  CHECK(table.expected() == 1);
  CHECK(table.use(between(10), {100, Role::CLIENT}, second) == nullptr);
  table.answered(5, 78, told(100, 200), second);  // another request
  table.answered(6, 77, told(100, 200), second);  // another flow
  CHECK(table.use(between(10), {100, Role::CLIENT}, second) == nullptr);
  table.answered(5, 77, told(100, 200), second);
  CHECK(table.expected() == 0);
  const Operation* found = table.use(between(10), {100, Role::CLIENT}, second);
  REQUIRE(found != nullptr);
  CHECK(found->function == enip::FORWARD_OPEN);
  CHECK(std::string(found->key[0].data.begin(), found->key[0].data.end()) == "Shared");
  CHECK(std::string(found->key[1].data.begin(), found->key[1].data.end()) == "1/0");
  CHECK(table.use(between(10), {200, Role::SERVER}, second) == found);
  CHECK(table.use(between(10), {100, Role::SERVER}, second) == nullptr);
  CHECK(table.use(between(10), {200, Role::CLIENT}, second) == nullptr);
  CHECK(table.use(between(11), {100, Role::CLIENT}, second) == nullptr);
  CHECK(table.use(between(10, 2), {100, Role::CLIENT}, second) == nullptr);
  AssociationEnds elsewhere = between(10);
  elsewhere.vlan = 7;
  CHECK(table.use(elsewhere, {100, Role::CLIENT}, second) == nullptr);
  elsewhere = between(10);
  elsewhere.port_pair = 2;
  CHECK(table.use(elsewhere, {100, Role::CLIENT}, second) == nullptr);
  elsewhere = between(10);
  elsewhere.protocol = ProtocolId{99};
  CHECK(table.use(elsewhere, {100, Role::CLIENT}, second) == nullptr);
}

TEST_CASE("either key closes an association, and both are gone") {
  AssociationTable table(1);
  REQUIRE(table.expect(between(10), 5, 77, opening(), second));
  table.answered(5, 77, told(100, 200), second);
  table.close(between(11), {200, Role::SERVER});
  CHECK(table.count() == 1);
  table.close(between(10), {200, Role::SERVER});
  CHECK(table.count() == 0);
  CHECK(table.use(between(10), {100, Role::CLIENT}, second) == nullptr);
  table.close(between(10), {100, Role::CLIENT});
  CHECK(table.count() == 0);
}

TEST_CASE("a request that opened nothing is forgotten, one that is repeated counts once") {
  AssociationTable table(1);
  REQUIRE(table.expect(between(10), 5, 77, opening(), second));
  REQUIRE(table.expect(between(10), 5, 77, opening(), second));
  CHECK(table.count() == 1);
  table.answered(5, 77, {}, second);
  CHECK(table.count() == 0);
  CHECK(table.expected() == 0);
}

TEST_CASE("a key that is opened again belongs to the later one") {
  AssociationTable table(1);
  REQUIRE(table.expect(between(10), 5, 1, opening("Old"), second));
  table.answered(5, 1, told(100, 200), second);
  REQUIRE(table.expect(between(10), 5, 2, opening("New"), second));
  table.answered(5, 2, told(100, 201), second);
  CHECK(table.count() == 1);
  const Operation* found = table.use(between(10), {100, Role::CLIENT}, second);
  REQUIRE(found != nullptr);
  CHECK(found->key[0].data[0] == 'N');
  CHECK(table.use(between(10), {200, Role::SERVER}, second) == nullptr);
}

TEST_CASE("names beyond their bound are not remembered") {
  AssociationTable table(1);
  const std::string tag(association_key_size_max - 3, 'x');
  CHECK(table.expect(between(10), 5, 1, opening(tag, "1/0"), second));
  CHECK_FALSE(table.expect(between(10), 5, 2, opening(tag + "x", "1/0"), second));
  CHECK(table.count() == 1);
}

// Opens one for each number in [first, last), from clients in turn.
std::uint32_t fill(AssociationTable& table, std::uint32_t first, std::uint32_t last, std::uint64_t now) {
  std::uint32_t done = 0;
  for (std::uint32_t i = first; i < last; ++i) {
    if (!table.expect(between(static_cast<std::uint8_t>(i % 200)), 1, i, opening(), now)) continue;
    table.answered(1, i, told(1000 + i, 5000 + i), now);
    ++done;
  }
  return done;
}

TEST_CASE("a full table opens no more, until the oldest has been idle") {
  AssociationTable table(1);
  CHECK(fill(table, 0, association_count, second) == association_count);
  CHECK(table.count() == association_count);
  CHECK_FALSE(table.expect(between(10), 1, 9999, opening(), 2 * second));
  REQUIRE(table.use(between(0), {1000, Role::CLIENT}, 200 * second) != nullptr);  // the first one is in use
  CHECK_FALSE(table.expect(between(10), 1, 9999, opening(), second + association_idle_ns - 1));
  CHECK(table.expect(between(10), 1, 9999, opening(), second + association_idle_ns));
  CHECK(table.count() == association_count);
  CHECK(table.use(between(0), {1000, Role::CLIENT}, second + association_idle_ns) != nullptr);
  CHECK(table.use(between(1), {1001, Role::CLIENT}, second + association_idle_ns) == nullptr);  // made room
  for (std::uint32_t i = 0; i < association_count; ++i)
    table.close(between(static_cast<std::uint8_t>(i % 200)), {5000 + i, Role::SERVER});
  CHECK(table.count() == 1);
  CHECK(fill(table, 0, association_count - 1, second + association_idle_ns) == association_count - 1);
}

TEST_CASE("one client has its share") {
  AssociationTable table(1);
  std::uint32_t opened = 0;
  for (std::uint32_t i = 0; i < association_count; ++i)
    opened += table.expect(between(10), 1, i, opening(), second) ? 1U : 0U;
  CHECK(opened == association_count / association_source_share);
  CHECK(table.expect(between(11), 2, 1, opening(), second));
}

TEST_CASE("who has used up its share makes room among its own, once they are idle") {
  AssociationTable table(1);
  REQUIRE(table.expect(between(11), 1, 5000, opening(), second));
  table.answered(1, 5000, told(1, 2), second);
  for (std::uint32_t i = 0; i < association_count / association_source_share; ++i)
    REQUIRE(table.expect(between(10), 1, i, opening(), second));
  CHECK_FALSE(table.expect(between(10), 1, 9999, opening(), second + association_idle_ns - 1));
  CHECK(table.expect(between(10), 1, 9999, opening(), second + association_idle_ns));
  CHECK(table.use(between(11), {1, Role::CLIENT}, second + association_idle_ns) != nullptr);
}

// --- through a worker ------------------------------------------------------------------------------------

Octets le16(std::uint32_t number) {
  return {static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8)};
}
Octets le32(std::uint32_t number) {
  Octets out = le16(number);
  put(out, le16(number >> 16));
  return out;
}
Octets joined(std::initializer_list<Octets> parts) {
  Octets out;
  for (const Octets& part : parts) put(out, part);
  return out;
}

Octets unconnected(std::uint8_t context, const Octets& message) {
  const auto size = static_cast<std::uint32_t>(message.size());
  return joined({hex("6f00"),
                 le16(16 + size),
                 hex("44332211 00000000"),
                 {context},
                 hex("00000000000000"),
                 hex("00000000 00000000 0a00 0200 0000 0000 b200"),
                 le16(size),
                 message});
}
Octets connected(std::uint32_t identifier, std::uint16_t count, const Octets& message) {
  const auto size = static_cast<std::uint32_t>(message.size());
  return joined({hex("7000"), le16(22 + size), hex("44332211 00000000 0000000000000000 00000000"),
                 hex("00000000 0000 0200 a100 0400"), le32(identifier), hex("b100"), le16(size + 2),
                 le16(count), message});
}
Octets io(std::uint32_t identifier) {
  return joined({hex("0200 0280 0800"), le32(identifier), hex("01000000 b100 0400 0100 aabb")});
}

// Assembly 4, points 100 and 101, class 1; or the message router, class 3.
Octets open_request(std::uint8_t context, bool cyclic = true, std::uint8_t point = 100) {
  Octets path = cyclic ? hex("04 2004 2466 2c64 2c65") : hex("02 2002 2401");
  if (cyclic) path[6] = point;
  return unconnected(context,
                     joined({hex("54 02 2006 2401 0a 0e 00000000 01000000 0700 4d00 78563412 02 000000"),
                             hex("204e0000 2248 204e0000 2248"),
                             {cyclic ? std::uint8_t{1} : std::uint8_t{0xA3}},
                             path}));
}
Octets open_reply(std::uint8_t context, std::uint32_t sent = 0x500, std::uint32_t received = 0x600) {
  return unconnected(context, joined({hex("d4 00 00 00"), le32(sent), le32(received),
                                      hex("0700 4d00 78563412 204e0000 204e0000 00 00")}));
}
const Octets close_request = unconnected(9, hex("4e 02 2006 2401 0a 0e 0700 4d00 78563412 02 00 2002 2401"));
const Octets close_reply = unconnected(9, hex("ce 00 00 00 0700 4d00 78563412 00 00"));
const Octets read_tag = hex("4c 02 91 01 41 00 0100");

RuleSource rule(std::uint32_t number, std::vector<std::uint32_t> functions, std::uint64_t point_last = 0) {
  RuleSource out;
  out.policy_rule = number;
  out.functions = std::move(functions);
  if (point_last != 0) out.ranges[enip::CONNECTION_POINT] = {{100, point_last}};
  return out;
}

ImageSource cip_plant(std::vector<RuleSource> rules) {
  ImageSource source = plant();
  ServiceSource service = modbus_service(Transport::TCP);
  service.protocol = enip_id;
  service.port_first = service.port_last = 44818;
  service.selector_dimension = enip::CLASS;
  service.range_dimension = enip::INSTANCE;
  service.request = rules;
  service.request.push_back(rule(9, {enip::command_base + enip::COMMAND_REGISTER_SESSION}));
  source.services.push_back(service);
  service.transport = Transport::UDP;
  service.opened_by = OpenedBy::EITHER;
  service.port_first = service.port_last = 2222;
  source.services.push_back(service);
  return source;
}
std::vector<RuleSource> usual_rules() {
  return {rule(0, {enip::FORWARD_OPEN}), rule(1, {enip::FORWARD_CLOSE, enip::READ_TAG})};
}

// A connection from the HMI to the PLC that carries whole PDUs, each in a segment.
struct Dialogue {
  explicit Dialogue(const ImageSource& source, std::uint16_t port = 40000) : plane(source), from(port) {
    open();
  }
  void open() {
    at[0] = 1000;
    at[1] = 5000;
    (void)segment(0, 0x02, {});
    (void)segment(1, 0x12, {});
    (void)segment(0, 0x10, {});
    (void)segment(0, 0x18, hex("65000400 00000000 00000000 0000000000000000 00000000 01000000"));
    (void)segment(1, 0x18, hex("65000400 44332211 00000000 0000000000000000 00000000 01000000"));
  }
  // Did it go on?
  bool segment(std::uint8_t side, std::uint8_t flags, const Octets& payload) {
    const Tcp header{.from = side == 0 ? from : std::uint16_t{44818},
                     .to = side == 0 ? std::uint16_t{44818} : from,
                     .sequence = at[side],
                     .acknowledgement = (flags & 0x10) != 0 ? at[side ^ 1] : 0,
                     .flags = flags,
                     .window = 60000};
    const bool downwards = (side == 0) != reversed;
    const Link link = downwards ? Link{mac_hmi, mac_plc, {}} : Link{mac_plc, mac_hmi, {}};
    const Ip addresses = downwards ? Ip{ip_hmi, ip_plc} : Ip{ip_plc, ip_hmi};
    at[side] += static_cast<std::uint32_t>(payload.size()) + ((flags & 0x02) != 0 ? 1 : 0);
    plane.recorder.reports.clear();
    return plane.forwards(tcp(link, addresses, header, payload), downwards ? 0 : 1);
  }
  Reason ask(const Octets& pdu) {
    (void)segment(0, 0x18, pdu);
    return last();
  }
  Reason answer(const Octets& pdu) {
    (void)segment(1, 0x18, pdu);
    return last();
  }
  Reason last() const {
    REQUIRE(!plane.recorder.reports.empty());
    return plane.recorder.reports.back().reason;
  }
  Reason outputs(std::uint32_t identifier = 0x500, std::uint16_t port = 2222) {
    return plane.reason(udp({}, {ip_hmi, ip_plc}, port, 2222, io(identifier)));
  }
  Reason inputs(std::uint32_t identifier = 0x600, std::uint16_t port = 2222) {
    return plane.reason(udp({mac_plc, mac_hmi, {}}, {ip_plc, ip_hmi}, port, 2222, io(identifier)), 1);
  }
  void connect(bool cyclic = true) {
    REQUIRE(ask(open_request(1, cyclic)) == Reason::NONE);
    REQUIRE(answer(open_reply(1)) == Reason::NONE);
  }

  Plane plane;
  std::uint16_t from;
  bool reversed = false;  // the PLC is the client
  std::uint32_t at[2]{};
};

TEST_CASE("I/O datagrams pass when their connection was opened, in its directions alone") {
  Dialogue dialogue(cip_plant(usual_rules()));
  CHECK(dialogue.outputs() == Reason::ASSOCIATION_UNKNOWN);
  CHECK(dialogue.inputs() == Reason::ASSOCIATION_UNKNOWN);
  REQUIRE(dialogue.ask(open_request(1)) == Reason::NONE);
  CHECK(dialogue.outputs() == Reason::ASSOCIATION_UNKNOWN);  // not yet
  REQUIRE(dialogue.answer(open_reply(1)) == Reason::NONE);
  CHECK(dialogue.outputs() == Reason::NONE);
  CHECK(dialogue.inputs() == Reason::NONE);
  CHECK(dialogue.outputs(0x600) == Reason::ASSOCIATION_UNKNOWN);
  CHECK(dialogue.inputs(0x500) == Reason::ASSOCIATION_UNKNOWN);
  CHECK(dialogue.outputs(0x501) == Reason::ASSOCIATION_UNKNOWN);
  CHECK(dialogue.outputs(0x500, 3000) == Reason::NONE);  // from another port
  CHECK(dialogue.inputs(0x600, 3000) == Reason::NONE);
  REQUIRE(dialogue.ask(close_request) == Reason::NONE);
  CHECK(dialogue.outputs() == Reason::NONE);
  REQUIRE(dialogue.answer(close_reply) == Reason::NONE);
  CHECK(dialogue.outputs() == Reason::ASSOCIATION_UNKNOWN);
  CHECK(dialogue.inputs() == Reason::ASSOCIATION_UNKNOWN);
}

TEST_CASE("the server may send first") {
  Dialogue dialogue(cip_plant(usual_rules()));
  dialogue.connect();
  CHECK(dialogue.inputs(0x600, 4000) == Reason::NONE);
  CHECK(dialogue.outputs(0x500, 4001) == Reason::NONE);
}

TEST_CASE("two hosts may both open connections to each other") {
  ImageSource source = cip_plant(usual_rules());
  const std::size_t count = source.services.size();
  for (std::size_t i = count - 2; i < count; ++i) {
    ServiceSource back = source.services[i];
    std::swap(back.client, back.server);
    source.services.push_back(back);
  }
  Dialogue dialogue(source);
  dialogue.connect();
  CHECK(dialogue.outputs() == Reason::NONE);
  CHECK(dialogue.inputs() == Reason::NONE);
  CHECK(dialogue.inputs(0x700) == Reason::ASSOCIATION_UNKNOWN);
  dialogue.reversed = true;
  dialogue.open();
  REQUIRE(dialogue.ask(open_request(1)) == Reason::NONE);
  REQUIRE(dialogue.answer(open_reply(1, 0x700, 0x800)) == Reason::NONE);
  CHECK(dialogue.inputs(0x700) == Reason::NONE);  // what the PLC sends as a client
  CHECK(dialogue.outputs(0x800) == Reason::NONE);
  CHECK(dialogue.inputs(0x800) == Reason::ASSOCIATION_UNKNOWN);
  CHECK(dialogue.outputs(0x500) == Reason::NONE);
  CHECK(dialogue.inputs(0x600) == Reason::NONE);
}

TEST_CASE("what the server refuses to open is not open") {
  Dialogue dialogue(cip_plant(usual_rules()));
  REQUIRE(dialogue.ask(open_request(1)) == Reason::NONE);
  const Octets failed = unconnected(1, hex("d4 00 01 01 0001 0700 4d00 78563412 00 00"));
  REQUIRE(dialogue.answer(failed) == Reason::NONE);
  CHECK(dialogue.outputs(0) == Reason::ASSOCIATION_UNKNOWN);
}

TEST_CASE("what the policy refuses to open is not open") {
  Dialogue dialogue(cip_plant({rule(0, {enip::FORWARD_OPEN}, 102)}));
  CHECK(dialogue.ask(open_request(1, true, 103)) == Reason::OBJECT_NOT_PERMITTED);
  CHECK(dialogue.outputs() == Reason::ASSOCIATION_UNKNOWN);
}

TEST_CASE("a connection lives as long as the policy permits what opened it") {
  Dialogue dialogue(cip_plant({rule(0, {enip::FORWARD_OPEN}, 102)}));
  dialogue.connect();
  ImageSource narrower = cip_plant({rule(0, {enip::FORWARD_OPEN}, 100)});
  narrower.generation = 2;
  dialogue.plane.use(narrower);
  CHECK(dialogue.outputs() == Reason::NONE);  // this point is still permitted
  ImageSource other = cip_plant({rule(0, {enip::READ_TAG})});
  other.generation = 3;
  dialogue.plane.use(other);
  CHECK(dialogue.outputs() == Reason::FUNCTION_NOT_PERMITTED);
  CHECK(dialogue.inputs() == Reason::FUNCTION_NOT_PERMITTED);
  narrower.generation = 4;
  dialogue.plane.use(narrower);
  CHECK(dialogue.outputs() == Reason::NONE);
}

TEST_CASE("in island mode only connections of essential rules are used") {
  std::vector<RuleSource> rules = usual_rules();
  rules[1].essential = true;
  Dialogue dialogue(cip_plant(rules));
  dialogue.connect();
  dialogue.plane.island = true;
  CHECK(dialogue.outputs() == Reason::ISLAND_MODE);
  dialogue.plane.island = false;
  CHECK(dialogue.outputs() == Reason::NONE);
}

TEST_CASE("connected messages need their connection, and a rule each") {
  Dialogue dialogue(cip_plant(usual_rules()));
  const Octets read = connected(0x500, 1, read_tag);
  const Octets answered = connected(0x600, 1, hex("cc 00 00 00 c300 0700"));
  CHECK(dialogue.ask(read) == Reason::ASSOCIATION_UNKNOWN);  // ends the flow: nobody knows how to refuse it
  dialogue.from = 40001;
  dialogue.open();
  dialogue.connect(false);
  REQUIRE(dialogue.ask(read) == Reason::NONE);
  REQUIRE(dialogue.answer(answered) == Reason::NONE);
  CHECK(dialogue.outputs() == Reason::ASSOCIATION_UNKNOWN);  // it is none for I/O
  REQUIRE(dialogue.ask(connected(0x500, 2, read_tag)) == Reason::NONE);
  CHECK(dialogue.answer(connected(0x601, 2, hex("cc 00 00 00 c300 0700"))) != Reason::NONE);
}

TEST_CASE("a connected message without a permitted service is refused") {
  Dialogue dialogue(cip_plant(usual_rules()));
  dialogue.connect(false);
  CHECK(dialogue.ask(connected(0x500, 1, hex("05 02 2001 2401"))) == Reason::FUNCTION_NOT_PERMITTED);
  REQUIRE(dialogue.plane.recorder.sent.size() == 1);
  CHECK(dialogue.plane.recorder.sent[0].port == 0);
}

TEST_CASE("no room for another connection: its opening is refused") {
  Dialogue dialogue(cip_plant(usual_rules()));
  std::uint32_t opened = 0;
  Reason reason = Reason::NONE;
  for (std::uint32_t i = 0; i <= association_count && reason == Reason::NONE; ++i) {
    reason = dialogue.ask(open_request(static_cast<std::uint8_t>(i % 8)));
    if (reason == Reason::NONE) {
      REQUIRE(dialogue.answer(open_reply(static_cast<std::uint8_t>(i % 8), 0x1000 + i, 0x8000 + i)) ==
              Reason::NONE);
      ++opened;
    }
  }
  CHECK(reason == Reason::ASSOCIATION_FULL);
  CHECK(opened == association_count / association_source_share);
  CHECK(dialogue.outputs(0x1000) == Reason::NONE);
}

}  // namespace
}  // namespace conduit
