// Encapsulation, common packet format, and messages in each other (CIP Volume 2 chapter 2; Volume 1 3-5.5.4,
//
#include <doctest/doctest.h>

#include <cstring>

#include "tests/unit/enip/enip_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;
const SessionState nobody;

Framing frame(const Octets& octets, Role sender = C, Transport transport = Transport::TCP) {
  return enip_protocol.frame(Bytes(octets), sender, transport, nobody);
}

std::string status(const Octets& octets, Role sender = C, Transport transport = Transport::TCP) {
  const Framing framing = frame(octets, sender, transport);
  if (framing.status == FrameStatus::INCOMPLETE) return "incomplete " + std::to_string(framing.need_size);
  if (framing.status == FrameStatus::COMPLETE) return "complete " + std::to_string(framing.pdu_size);
  return std::string(framing.mismatch ? "mismatch " : "malformed ") + framing.field;
}

Octets cut(Octets octets, std::size_t size) {
  octets.resize(size);
  return octets;
}

const Octets read_identity = message(0x0E, from_hex("20012401 3001"));
const Octets write_speed = message(0x4D, tag_path("Speed"), from_hex("c300 0100 dc05"));
const Octets read_speed = message(0x4C, tag_path("Speed"), from_hex("0100"));
const Octets slot_0 = from_hex("0100");

}  // namespace

TEST_CASE("the length says where a PDU ends") {
  CHECK(status(encapsulated(0x65, from_hex("01000000"))) == "complete 28");
  CHECK(status(encapsulated(0x63, {})) == "complete 24");
  CHECK(status(unconnected(read_identity)) == "complete 48");
  CHECK(status(encapsulated(0x00, Octets(100))) == "complete 124");
  CHECK(status(encapsulated(0x6F, Octets(4072))) == "complete 4096");
  CHECK(status(encapsulated(0x6F, Octets(4073))) == "malformed length");
  CHECK(status(encapsulated(0x63, {0})) == "malformed length");
  CHECK(status(encapsulated(0x63, Octets(60)), S) == "complete 84");
  CHECK(status(encapsulated(0x04, {0})) == "malformed length");
  CHECK(status(encapsulated(0x64, {0})) == "malformed length");
  CHECK(status(encapsulated(0x66, {0})) == "malformed length");
  for (const std::size_t size : {std::size_t{0}, std::size_t{3}, std::size_t{5}}) {
    CHECK(status(encapsulated(0x65, Octets(size))) == "malformed length");
  }
  CHECK(status(encapsulated(0x65, {}), S) == "complete 24");
}

TEST_CASE("other protocols are none of this") {
  CHECK(status(from_hex("474554202f20")) == "mismatch command");    // HTTP
  CHECK(status(from_hex("160301020001")) == "mismatch command");    // TLS
  CHECK(status(from_hex("00010000000601")) == "mismatch command");  // Modbus
  CHECK(status(from_hex("0300001611e0")) == "malformed length");    // TPKT
  CHECK(status(from_hex("8000")) == "mismatch command");
}

TEST_CASE("an answer never changes when more octets come") {
  for (const Octets& whole :
       {unconnected(read_identity), encapsulated(0x65, from_hex("01000000")), connected(5, 1, write_speed),
        encapsulated(0x63, {0}), from_hex("474554202f20"), encapsulated(0x6F, Octets(4073))}) {
    const Framing last = frame(whole);
    bool decided = false;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Framing part = frame(cut(whole, size));
      if (part.status == FrameStatus::INCOMPLETE) {
        CHECK_FALSE(decided);
        CHECK(part.need_size > size);
        continue;
      }
      decided = true;
      CHECK(part.status == last.status);
      CHECK(part.pdu_size == last.pdu_size);
      CHECK(std::string(part.field) == last.field);
    }
  }
}

TEST_CASE("datagrams are discovery, or data of a connection") {
  CHECK(status(encapsulated(0x63, {}), C, Transport::UDP) == "complete 24");
  CHECK(status(encapsulated(0x04, {}), C, Transport::UDP) == "complete 24");
  CHECK(status(unconnected(read_identity), C, Transport::UDP) == "malformed command");
  CHECK(status(encapsulated(0x65, from_hex("01000000")), C, Transport::UDP) == "malformed command");
  const Octets io = io_datagram(0x00010203, 9, from_hex("0100 aabb"));
  CHECK(status(io, C, Transport::UDP) == "complete 22");
  CHECK(status(io, S, Transport::UDP) == "complete 22");
  CHECK(status(cut(io, 17), C, Transport::UDP) == "incomplete 18");
  CHECK(status(io) == "malformed length");  // on TCP: a command 2 of no such length
  Octets wrong = io;
  wrong[4] = 7;
  CHECK(status(wrong, C, Transport::UDP) == "malformed address_item");
  wrong = io;
  wrong[14] = 0xB2;
  CHECK(status(wrong, C, Transport::UDP) == "malformed data_item");
  wrong = io;
  wrong[17] = 0x80;
  CHECK(status(wrong, C, Transport::UDP) == "malformed length");
  const PduHead head = head_of(io, C);
  CHECK(head.kind == PduKind::IMPLIED);
  CHECK(head.association == 0x100010203);
  CHECK(describe(io, C) == "implied");
}

TEST_CASE("commands") {
  CHECK(describe(encapsulated(0x63, {}), C) == "LIST_IDENTITY DISCOVER");
  CHECK(describe(encapsulated(0x04, {}), C) == "LIST_SERVICES DISCOVER");
  CHECK(describe(encapsulated(0x64, {}), C) == "LIST_INTERFACES DISCOVER");
  CHECK(describe(encapsulated(0x65, from_hex("01000000"), 1, 0, 0), C) ==
        "REGISTER_SESSION SESSION = 4 octets");
  CHECK(describe(encapsulated(0x66, {}), C) == "UNREGISTER_SESSION SESSION");
  CHECK(describe(encapsulated(0x00, {1, 2}), C) == "NOP SESSION = 2 octets");
  CHECK(describe(encapsulated(0x63, Octets(60)), S) == "LIST_IDENTITY DISCOVER = 60 octets");
  CHECK(describe(encapsulated(0x72, {}), C) == "242 PROGRAM");
  CHECK(describe(encapsulated(0x65, from_hex("02000000"), 1, 0, 0), C) == "malformed protocol_version");
  CHECK(describe(encapsulated(0x65, from_hex("01000100"), 1, 0, 0), C) == "malformed options");
  CHECK(describe(encapsulated(0x65, from_hex("01000000"), 1, 0, 7), C) == "malformed session");
  CHECK(describe(encapsulated(0x63, {}, 1, 1), C) == "malformed status");
  Octets options = encapsulated(0x63, {});
  options[20] = 1;
  CHECK(describe(options, C) == "malformed options");
  CHECK(describe(options, S) == "malformed options");
  CHECK(describe(cut(unconnected(read_identity), 47), C) == "malformed length");
  CHECK(describe(cut(unconnected(read_identity), 49), C) == "malformed length");
}

TEST_CASE("items of unconnected messages, one wrong at a time") {
  const Octets good = unconnected(read_identity);
  const auto with = [&](std::size_t at, std::uint8_t value) {
    Octets octets = good;
    octets[24 + at] = value;
    return describe(octets, C);
  };
  CHECK(describe(good, C) == "GET_ATTRIBUTE_SINGLE DISCOVER class:1 instance:1 attribute:1");
  CHECK(with(4, 99) == describe(good, C));  // the timeout is the server's
  CHECK(with(0, 1) == "malformed interface");
  CHECK(with(6, 1) == "malformed item_count");
  CHECK(with(6, 3) == "malformed item");
  CHECK(with(6, 5) == "malformed item_count");
  CHECK(with(8, 0xA1) == "malformed address_item");
  CHECK(with(10, 1) == "malformed address_item");
  CHECK(with(12, 0xB1) == "malformed data_item");
  CHECK(with(14, 7) == "malformed length");
  CHECK(with(14, 9) == "malformed length");
  const auto sockets = [&](const char* items, std::uint8_t count) {
    Octets data(good.begin() + 24, good.end());
    data[6] = count;
    return describe(encapsulated(0x6F, data + from_hex(items)), C);
  };
  const std::string one = "0080 1000 00020800000000000000000000000000";
  const std::string two = "0180 1000 00020800000000000000000000000000";
  CHECK(sockets((one).c_str(), 3) == describe(good, C));
  CHECK(sockets((one + two).c_str(), 4) == describe(good, C));
  CHECK(sockets((one + one).c_str(), 4) == "malformed socket_item");
  CHECK(sockets("0080 0f00 000208000000000000000000000000", 3) == "malformed socket_item");
  CHECK(sockets("0080 1000 0002", 3) == "malformed socket_item");
  CHECK(sockets((one).c_str(), 2) == "malformed length");
  CHECK(sockets("8500 0000", 3) == "malformed item");
}

TEST_CASE("items of connected messages, one wrong at a time") {
  const Octets good = connected(0x80FE0001, 5, read_identity);
  const auto with = [&](std::size_t at, std::uint8_t value) {
    Octets octets = good;
    octets[24 + at] = value;
    return describe(octets, C);
  };
  CHECK(describe(good, C) == "GET_ATTRIBUTE_SINGLE DISCOVER class:1 instance:1 attribute:1");
  CHECK(head_of(good, C).association == 0x280FE0001);
  CHECK(head_of(connected(7, 5, reply(0x0E)), S).association == 0x200000007);
  CHECK(with(6, 3) == "malformed item_count");
  CHECK(with(8, 0x00) == "malformed address_item");
  CHECK(with(10, 5) == "malformed address_item");
  CHECK(with(16, 0xB2) == "malformed data_item");
  CHECK(with(18, 9) == "malformed length");
  CHECK(with(18, 11) == "malformed length");
  CHECK(describe(encapsulated(0x70, from_hex("00000000 0000 0200 a100 0400 01000000 b100 0100 05")), C) ==
        "malformed sequence");
}

TEST_CASE("an unconnected send is told with its route, and what it carries") {
  CHECK(describe(unconnected(unconnected_send(read_identity, slot_0)), C) ==
        "UNCONNECTED_SEND SESSION via 1/0 | "
        "GET_ATTRIBUTE_SINGLE DISCOVER class:1 instance:1 attribute:1 via 1/0");
  const auto route = [](const char* hex) {
    return describe(unconnected(unconnected_send(message(0x05, from_hex("20012401")), from_hex(hex))), C);
  };
  CHECK(route("") == "UNCONNECTED_SEND SESSION | RESET MANAGE class:1 instance:1");
  CHECK(route("0100 0205") ==
        "UNCONNECTED_SEND SESSION via 1/0/2/5 | RESET MANAGE class:1 instance:1 via 1/0/2/5");
  CHECK(route("1208 31302e302e302e35") ==
        "UNCONNECTED_SEND SESSION via 2/10.0.0.5 | RESET MANAGE class:1 instance:1 via 2/10.0.0.5");
  CHECK(route("1207 31302e302e3035 00").starts_with("UNCONNECTED_SEND SESSION via 2/10.0.05"));
  CHECK(route("1102 3130").find("malformed") != std::string::npos);  // as text it would be that of slot 10
  CHECK(route("0f120003").starts_with("UNCONNECTED_SEND SESSION via 18/3 |"));  // extended port
  for (const char* broken :
       {"0000", "01", "1201 3100", "1200", "1207 31302e302e3035 01", "1208 31302e30", "0f0e 0003", "2004",
        "9101 4100", "3404 0000 0000 0000 0000", "1204 31302f30", "8001 0000"}) {
    CAPTURE(broken);
    CHECK(route(broken).find("malformed") != std::string::npos);
  }
}

TEST_CASE("an unconnected send whose sizes disagree") {
  const Octets good = unconnected_send(read_identity, slot_0);
  const auto with = [&](std::size_t at, std::uint8_t value) {
    Octets octets = good;
    octets[6 + at] = value;
    return describe(unconnected(octets), C);
  };
  CHECK(with(0, 0x2A) == "malformed priority");
  CHECK(with(0, 0x1A).starts_with("UNCONNECTED_SEND"));
  CHECK(with(2, 7).starts_with("malformed"));
  CHECK(with(2, 9).starts_with("malformed"));
  CHECK(with(2, 200) == "malformed message_size");
  CHECK(with(12, 0) == "malformed route_size");
  CHECK(with(12, 2) == "malformed route_size");
  CHECK(with(13, 1) == "malformed reserved");
  const Octets odd = message(0x4D, tag_path("Run"), from_hex("c100 0100 01"));
  Octets padded = unconnected_send(odd, slot_0);
  CHECK(describe(unconnected(padded), C).find("\"Run\" via 1/0 = 1") != std::string::npos);
  padded[6 + 4 + odd.size()] = 1;
  CHECK(describe(unconnected(padded), C) == "malformed pad");
  CHECK(describe(unconnected(unconnected_send({}, slot_0)), C).starts_with("malformed"));
  CHECK(describe(unconnected(message(0x52, from_hex("20062402"), from_hex("0a0e"))), C)
            .starts_with("malformed"));
}

TEST_CASE("a packet tells every service in it") {
  const std::string read = "READ_TAG READ element:0 \"Speed\"";
  const std::string write = "WRITE_TAG WRITE element:0 \"Speed\" = 1500";
  CHECK(describe(unconnected(packet({read_speed, write_speed, read_speed})), C) ==
        read + " | " + write + " | " + read);
  CHECK(describe(connected(5, 1, packet({write_speed})), C) == write);
  CHECK(describe(unconnected(packet({read_speed, packet({write_speed, read_speed}), read_speed})), C) ==
        read + " | " + write + " | " + read + " | " + read);
  CHECK(describe(unconnected(unconnected_send(packet({read_speed, write_speed}), slot_0)), C) ==
        "UNCONNECTED_SEND SESSION via 1/0 | READ_TAG READ element:0 \"Speed\" via 1/0 | "
        "WRITE_TAG WRITE element:0 \"Speed\" via 1/0 = 1500");
  CHECK(describe(unconnected(packet({packet({packet({write_speed})})})), C) == "malformed");
  CHECK(describe(unconnected(packet({unconnected_send(write_speed, slot_0)})), C) == "malformed");
  CHECK(describe(unconnected(unconnected_send(unconnected_send(write_speed, slot_0), slot_0)), C) ==
        "UNCONNECTED_SEND SESSION via 1/0 | malformed");
  CHECK(describe(unconnected(packet({forward_open()})), C) == "malformed");
  CHECK(describe(unconnected(unconnected_send(forward_open(), slot_0)), C) ==
        "UNCONNECTED_SEND SESSION via 1/0 | malformed");
  CHECK(describe(connected(5, 1, forward_open()), C) == "malformed");
}

TEST_CASE("offsets of a packet are exact, in order, without overlap and gap") {
  const Octets first = read_speed;
  const auto packed = [&](const std::vector<std::uint32_t>& offsets, const Octets& octets) {
    Octets data = le16(static_cast<std::uint32_t>(offsets.size()));
    for (const std::uint32_t offset : offsets) data = data + le16(offset);
    return describe(unconnected(message(0x0A, from_hex("20022401"), data + octets)), C);
  };
  const auto size = static_cast<std::uint32_t>(first.size());
  const Octets both = first + write_speed;
  CHECK(packed({6, 6 + size}, both).starts_with("READ_TAG READ element:0 \"Speed\" | WRITE_TAG"));
  CHECK(packed({6, 6}, both) == "malformed offset");  // overlapping
  CHECK(packed({6, 7}, both) == "malformed offset");
  CHECK(packed({6 + size, 6}, both) == "malformed offset");  // out of order
  CHECK(packed({8, 6 + size}, both) == "malformed offset");  // a gap in front
  CHECK(packed({4, 6 + size}, both) == "malformed offset");  // into the offsets
  CHECK(packed({6, 6 + size - 2}, both).find("malformed") != std::string::npos);
  CHECK(packed({6, 6 + size + 2}, both).find("malformed") != std::string::npos);  // a gap between
  CHECK(packed({6, 200}, both) == "malformed offset");
  CHECK(packed({6, 0xFFFF}, both) == "malformed offset");
  CHECK(packed({}, both) == "malformed service_count");
  CHECK(describe(unconnected(message(0x0A, from_hex("20022401"), from_hex("ffff 0000"))), C) ==
        "malformed offsets");
  CHECK(describe(unconnected(message(0x0A, from_hex("20022402"), packet_list({first}))), C) == "malformed");
  CHECK(describe(unconnected(message(0x0A, from_hex("20042401"), packet_list({first}))), C) == "malformed");
}

TEST_CASE("opening a connection says what and how") {
  OpeningParts io;
  io.transport = 0x01;
  io.path = from_hex("2004 2466 2c64 2c65");
  CHECK(describe(unconnected(forward_open(io)), C) ==
        "FORWARD_OPEN OPERATE class:4 instance:102 connection_point:100 produced_point:101 transport_class:1 "
        "interval:20000-40000");
  io.parameters_sent = 0x4802;  // nothing but the sequence count
  CHECK(describe(unconnected(forward_open(io)), C).starts_with("FORWARD_OPEN READ"));
  io.parameters_sent = 0x0000;
  CHECK(describe(unconnected(forward_open(io)), C).starts_with("FORWARD_OPEN READ"));
  io.path = from_hex("2004 2466 2c64 2c65 8001 aabb");  // but the device configures itself by this
  CHECK(describe(unconnected(forward_open(io)), C).starts_with("FORWARD_OPEN OPERATE"));
  OpeningParts explicit_parts;
  explicit_parts.path = from_hex("0100 2002 2401");
  CHECK(describe(unconnected(forward_open(explicit_parts)), C) ==
        "FORWARD_OPEN SESSION class:2 instance:1 transport_class:3 interval:20000-40000 via 1/0");
  explicit_parts.large = true;
  explicit_parts.parameters_sent = explicit_parts.parameters_received = 0x42000FA0;
  CHECK(describe(unconnected(forward_open(explicit_parts)), C).starts_with("LARGE_FORWARD_OPEN SESSION"));
  OpeningParts keyed;
  keyed.transport = 0x00;
  keyed.path = from_hex("0101 3404 0100 0c00 1000 01 02 2004 2401 2c64 8001 aabb");
  CHECK(describe(unconnected(forward_open(keyed)), C) ==
        "FORWARD_OPEN OPERATE class:4 instance:1 connection_point:100 produced_point:100 transport_class:0 "
        "interval:20000-40000 via 1/1 = 2 octets");
  OpeningParts tag;
  tag.transport = 0x01;
  tag.path = from_hex("0101") + tag_path("Shared") + from_hex("4305");
  CHECK(describe(unconnected(forward_open(tag)), C).find("\"Shared\" via 1/1") != std::string::npos);
  CHECK(describe(unconnected(forward_close()), C) == "FORWARD_CLOSE SESSION class:2 instance:1");
  CHECK(head_of(unconnected(forward_open()), C).opens);
  CHECK_FALSE(head_of(unconnected(forward_close()), C).opens);
}

// CIP 3-5.5, table 3-5.13: up to three application paths, told apart by data and directions. A device
// that goes by the table sends outputs where the first of two paths says, and with data where the second
// does.
TEST_CASE("an opening whose outputs would go elsewhere than it says") {
  const auto opened = [](const char* path, std::uint32_t sent, std::uint32_t received) {
    OpeningParts parts;
    parts.transport = 0x01;
    parts.path = from_hex(path);
    parts.parameters_sent = sent;
    parts.parameters_received = received;
    return describe(unconnected(forward_open(parts)), C);
  };
  const std::uint32_t some = 0x4820;
  CHECK(opened("2004 2c64 2c65", some, some).find("connection_point:100 produced_point:101") !=
        std::string::npos);
  CHECK(opened("2004 2c64 2c65 8001 aabb", some, some) == "malformed");  // configuration 100, both 101
  CHECK(opened("2004 2c64 2c65 8001 aabb", some, 0) == "malformed");
  CHECK(opened("2004 2c64 8001 aabb", some, some).find("connection_point:100") != std::string::npos);
  CHECK(opened("2004 2466 2c64", some, some) == "malformed");  // outputs 102, inputs 100
  for (const char* path : {"2004 2466 2c64 8001 aabb", "2004 2466 2c64 2c65", "2004 2466 2c64 2c64"}) {
    CAPTURE(path);
    CHECK(opened(path, some, some).find("instance:102 connection_point:100") != std::string::npos);
  }
  CHECK(opened("2004 2466 2c64", some, 0).find("instance:102 connection_point:100") != std::string::npos);
  CHECK(opened("2004 2466 2c64", 0, some).find("instance:102 connection_point:100") != std::string::npos);
  CHECK(opened("9103 4f7574 00 9102 496e", some, some) == "malformed");  // outputs to a tag, inputs from one
  CHECK(opened("9103 4f7574 00 2004 2c64", some, some) == "malformed");
  CHECK(opened("9103 4f7574 00 2803", some, some).find("element:3 ") != std::string::npos);
}

TEST_CASE("an unconnected send to an object within another one hides what it carries") {
  // A device that looks at the last class alone forwards the write.
  const Octets data = from_hex("0a0e") + le16(static_cast<std::uint32_t>(write_speed.size())) + write_speed +
                      from_hex("01 00 0100");
  CHECK(describe(unconnected(message(0x52, from_hex("2006 2401"), data)), C).find("WRITE_TAG") !=
        std::string::npos);
  CHECK(describe(unconnected(message(0x52, from_hex("2068 2401 2006 2401"), data)), C) == "malformed");
}

TEST_CASE("openings that do not add up") {
  const Octets good = forward_open();
  const auto with = [&](std::size_t at, std::uint8_t value) {
    Octets octets = good;
    octets[6 + at] = value;
    return describe(unconnected(octets), C);
  };
  REQUIRE(with(0, 0x0A).starts_with("FORWARD_OPEN"));
  CHECK(with(0, 0x20) == "malformed");
  CHECK(with(19, 1) == "malformed");     // reserved
  CHECK(with(27, 0x63) == "malformed");  // a reserved connection type
  CHECK(with(34, 0xA4) == "malformed");  // transport class 4
  CHECK(with(34, 0xA1) == "malformed");  // I/O to the message router
  CHECK(with(35, 1) == "malformed");     // words of the path
  CHECK(with(35, 3) == "malformed");
  // Behind a class 3 connection to them these objects take PCCC, and not messages.
  for (const char* path : {"2067 2401", "20a6 2401 2c01", "0101 20a6 2401", "0101", "2002 2402", "2002"}) {
    OpeningParts parts;
    parts.path = from_hex(path);
    CHECK(describe(unconnected(forward_open(parts)), C) == "malformed");
  }
  CHECK(describe(unconnected(message(0x54, from_hex("20062402"), Octets(good.begin() + 6, good.end()))), C) ==
        "malformed path");
  for (const char* path : {"2002 2401 0100", "2002 2401 3404 0000 0000 0000 0000", "4301 4301 2002 2401",
                           "2004 2401 2c64 2c65 2c66", "8001 aabb 2004 2401", "2004 2401 8001 aabb 2c64",
                           "5001 0000", "2004 2401 2466 2c64"}) {
    CAPTURE(path);
    OpeningParts parts;
    if (std::string_view(path).find("2004") != std::string_view::npos) parts.transport = 0x01;
    parts.path = from_hex(path);
    CHECK(describe(unconnected(forward_open(parts)), C) == "malformed");
  }
}
