// Where a PDU ends, chunks and limits (Part 6 §6.7.2, §7.1.2).
#include <doctest/doctest.h>

#include "tests/unit/opcua/opcua_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;

Framing frame(const Octets& octets, std::size_t size, Role sender, const SessionState& session) {
  return opcua_protocol.frame(Bytes(octets).first(size), sender, Transport::TCP, session);
}

// "", or the field at fault, of the first PDU.
std::string fault(const Octets& octets, Role sender, const SessionState& session = {}) {
  const Framing framing = frame(octets, octets.size(), sender, session);
  if (framing.status == FrameStatus::INCOMPLETE) return "incomplete";
  if (framing.status == FrameStatus::MALFORMED) return framing.field;
  return head_of(octets, sender, session).field;
}

Octets parts(const Octets& body, std::size_t part, char last = 'F', std::uint32_t sequence = 2) {
  Octets out;
  for (std::size_t at = 0; at < body.size(); at += part) {
    const bool end = body.size() - at <= part;
    const Octets piece(body.begin() + static_cast<long>(at),
                       body.begin() + static_cast<long>(end ? body.size() : at + part));
    const char type[] = {'M', 'S', 'G', end ? last : 'C', 0};
    out = std::move(out) + chunk(type, sequence++, 2, piece);
  }
  return out;
}

}  // namespace

TEST_CASE("all splits: an answer other than INCOMPLETE never changes") {
  struct Row {
    Octets pdu;
    Role sender;
    SessionState session;
    std::size_t judged;
  };
  const Octets read = asked(631, read_value());
  const Octets secret = open_secret();
  const Octets large = chunk("MSGF", 2, 2, answered(634) + Octets(3000, 0));
  const Row rows[] = {
      {hello(), C, {}, hello().size()},
      {acknowledge(), S, {}, 28},
      {error(), S, {}, error().size()},
      {framed("RHEF", text("urn:plc") + text(url)),
       S,
       {},
       framed("RHEF", text("urn:plc") + text(url)).size()},
      {open_channel(), C, {}, open_channel().size()},
      {channel_opened(), S, {}, channel_opened().size()},
      {secret, C, {}, secret.size() - 256},  // up to what is encrypted
      {chunk("MSGF", 2, 2, read), C, connected(), 24 + read.size()},
      {parts(read, 10), C, connected(), parts(read, 10).size()},
      {parts(read, 1), C, connected(), parts(read, 1).size()},
      {large, S, connected(), 48},
      {chunk("MSGC", 2, 2, answered(634)), S, connected(), 48},
      {chunk("CLOF", 2, 2, asked(452, {})), C, connected(), chunk("CLOF", 2, 2, asked(452, {})).size()},
  };
  for (const Row& row : rows) {
    const Octets two = row.pdu + row.pdu;
    CAPTURE(std::string(row.pdu.begin(), row.pdu.begin() + 4));
    std::size_t decided = 0;
    for (std::size_t size = 0; size <= two.size(); ++size) {
      const Framing framing = frame(two, size, row.sender, row.session);
      CAPTURE(size);
      if (framing.status == FrameStatus::INCOMPLETE) {
        CHECK(decided == 0);
        CHECK(framing.need_size > size);
        CHECK(framing.need_size <= row.pdu.size());
        continue;
      }
      decided = size;
      CHECK(framing.status == FrameStatus::COMPLETE);
      CHECK(framing.pdu_size == row.pdu.size());
      CHECK(framing.judge_size == row.judged);
    }
    CHECK(decided != 0);
  }
}

TEST_CASE("foreign octets are known by their first") {
  const Octets modbus = from_text("0001 0000 0006 01 03 0000 0001");
  CHECK(frame(modbus, 1, C, {}).mismatch);
  CHECK(frame(Octets{'H', 'E', 'A'}, 3, C, {}).mismatch);
  CHECK(frame(Octets{'M', 'S'}, 2, C, {}).status == FrameStatus::INCOMPLETE);
  CHECK(frame({}, 0, C, {}).status == FrameStatus::INCOMPLETE);
}

TEST_CASE("messages of the other side") {
  CHECK(fault(hello(), S) == "message_type");
  CHECK(fault(acknowledge(), C) == "message_type");
  CHECK(fault(framed("RHEF", text("u") + text(url)), C) == "message_type");
  CHECK(fault(chunk("CLOF", 2, 2, asked(452, {})), S, connected()) == "message_type");
  CHECK(fault(error(), C) == "message_type");
}

TEST_CASE("message headers with one field wrong") {
  CHECK(fault(framed("HELC", number(0)), C) == "chunk_type");
  CHECK(fault(framed("OPNA", number(0)), C) == "chunk_type");
  CHECK(fault(framed("MSGX", number(0)), C) == "chunk_type");
  for (const std::uint32_t size : {0U, 7U, 23U, 0x01000001U, 0x80000000U, 0xFFFFFFFFU}) {
    CAPTURE(size);
    for (const char* type : {"MSGF", "MSGC", "CLOF", "OPNF", "HELF"}) {
      CHECK(fault(Octets(type, type + 4) + number(size) + Octets(24, 0), C) == "message_size");
    }
    CHECK(fault(Octets{'M', 'S', 'G', 'F'} + number(size) + Octets(24, 0), S) == "message_size");
    CHECK(fault(Octets{'A', 'C', 'K', 'F'} + number(size) + Octets(24, 0), S) == "message_size");
  }
}

TEST_CASE("hello and acknowledge") {
  CHECK(fault(hello(), C) == "");
  CHECK(describe(hello(), C, {}) == std::string("HELLO SESSION \"") + url + "\"");
  CHECK(describe(hello("http://x"), C, {}) == "HELLO SESSION");
  CHECK(describe(hello(""), C, {}) == "HELLO SESSION");
  CHECK(fault(hello(url, 1023), C) == "buffer_size");
  CHECK(fault(hello(url, 65535, 1023), C) == "buffer_size");
  CHECK(fault(hello(std::string(4097, 'x')), C) == "message_size");
  CHECK(fault(framed("HELF", Octets(20, 0xFF) + text(url) + Octets{0}), C) == "endpoint_url");
  CHECK(fault(framed("HELF", Octets(20, 0xFF) + number(21) + Octets(20, 'x')), C) == "endpoint_url");
  SessionState session;
  accept(hello(url, 9000, 10000), C, session);
  CHECK(fault(hello(), C, session) == "message_type");  // a second one
  CHECK(fault(acknowledge(10000, 9000), S, session) == "");
  CHECK(fault(acknowledge(10001, 9000), S, session) == "buffer_size");
  CHECK(fault(acknowledge(10000, 9001), S, session) == "buffer_size");
  CHECK(fault(acknowledge(0, 9000), S, session) == "buffer_size");
  const PduHead question = head_of(hello(), C, {});
  const PduHead answer = head_of(acknowledge(10000, 9000), S, session);
  CHECK(answer.kind == PduKind::RESPONSE);
  CHECK(answer.match_key == question.match_key);
  CHECK(answer.match_detail == question.match_detail);
  CHECK(head_of(error(), S, session).kind == PduKind::RESPONSE);
  CHECK(head_of(error(), S, session).negative);
  accept(acknowledge(10000, 9000), S, session);
  CHECK(head_of(error(), S, session).kind == PduKind::IMPLIED);
  CHECK(fault(framed("ERRF", number(1) + number(5) + Octets(3, 'x')), S, session) == "reason");
}

TEST_CASE("reverse connect") {
  const Octets reverse = framed("RHEF", text("urn:plc") + text(url));
  CHECK(describe(reverse, S, {}) == std::string("REVERSE_HELLO SESSION \"") + url + "\"");
  CHECK(head_of(reverse, S, {}).kind == PduKind::UNSOLICITED);
  SessionState session;
  accept(reverse, S, session);
  CHECK(fault(reverse, S, session) == "message_type");
  CHECK(head_of(error(), C, session).kind == PduKind::IMPLIED);  // the client does not want it
  CHECK(fault(hello(), C, session) == "");
  accept(hello(), C, session);
  CHECK(fault(error(), C, session) == "message_type");
  CHECK(fault(reverse, S, connected()) == "message_type");
  CHECK(fault(framed("RHEF", text("urn:plc") + text(url) + Octets{0}), S) == "endpoint_url");
  CHECK(fault(framed("RHEF", number(100) + text(url)), S) == "server_uri");
}

TEST_CASE("negotiated limits hold for what comes") {
  SessionState session;
  accept(hello(url, 2000, 2000, 5000, 3), C, session);
  accept(acknowledge(1500, 1800, 2600, 2), S, session);
  accept(open_channel(), C, session);
  accept(channel_opened(), S, session);
  const Octets body(1500 - 24, 0);
  CHECK(frame(chunk("MSGF", 2, 2, body), 8, C, session).status == FrameStatus::COMPLETE);
  CHECK(fault(chunk("MSGF", 2, 2, body + Octets{0}), C, session) == "message_size");
  CHECK(frame(chunk("MSGF", 2, 2, Octets(1800 - 24, 0)), 8, S, session).status == FrameStatus::COMPLETE);
  CHECK(fault(chunk("MSGF", 2, 2, Octets(1800 - 23, 0)), S, session) == "message_size");
  CHECK(fault(parts(Octets(2601, 0), 1400), C, session) == "message_size");
  CHECK(fault(parts(Octets(3, 0), 1), C, session) == "chunk_count");
  CHECK(fault(parts(asked(631, read_value()), 60), C, session) == "");
}

TEST_CASE("what cannot be judged whole is not taken") {
  const SessionState session = connected();
  CHECK(frame(chunk("MSGF", 2, 2, Octets(16384 - 24, 0)), 8, C, session).status == FrameStatus::COMPLETE);
  CHECK(fault(chunk("MSGF", 2, 2, Octets(16384 - 23, 0)), C, session) == "message_size");
  CHECK(fault(chunk("CLOF", 2, 2, Octets(16384 - 23, 0)), C, session) == "message_size");
  CHECK(fault(parts(Octets(3073, 0), 2000), C, session) == "message_size");
  CHECK(fault(parts(Octets(3072, 0), 2000), C, session) != "message_size");
}

TEST_CASE("a request in chunks is one") {
  const SessionState session = connected();
  const Octets body = asked(631, read_value());
  const std::string read = "READ READ namespace:2 node:5 attribute:13 security_mode:1";
  for (std::size_t part = 1; part <= body.size(); ++part) {
    CAPTURE(part);
    CHECK(describe(parts(body, part), C, session) == read);
  }
  CHECK(fault(parts(body, 30, 'C'), C, session) == "incomplete");
  // a name that lies in two chunks
  const Octets names = asked(500, from_text("01000000 03 0200 'Tank.Level' 00"));
  CHECK(describe(parts(names, names.size() - 5), C, session) ==
        "DELETE_NODES PROGRAM namespace:2 security_mode:1 \"s=Tank.Level\"");
}

TEST_CASE("chunks of different messages") {
  const SessionState session = connected();
  const Octets body = asked(631, read_value());
  const Octets first(body.begin(), body.begin() + 50);
  const Octets rest(body.begin() + 50, body.end());
  const auto with = [&](const Octets& second) {
    return fault(chunk("MSGC", 2, 2, first) + second, C, session);
  };
  CHECK(with(chunk("MSGF", 3, 2, rest)) == "");
  CHECK(with(chunk("MSGF", 3, 3, rest)) == "request_id");
  CHECK(with(chunk("MSGF", 4, 2, rest)) == "sequence_number");
  CHECK(with(chunk("MSGF", 2, 2, rest)) == "sequence_number");
  CHECK(with(chunk("MSGF", 3, 2, rest, channel + 1)) == "secure_channel_id");
  CHECK(with(chunk("MSGF", 3, 2, rest, channel, token + 1)) == "token_id");
  CHECK(with(open_channel(3, 3, channel, 1)) == "message_type");
  CHECK(with(chunk("CLOF", 3, 2, rest)) == "message_type");
  CHECK(with(hello()) == "message_type");
}

TEST_CASE("a request that its client gives up") {
  const SessionState session = connected();
  const Octets aborted = from_text("00000780 'enough'");
  const Octets pdu = chunk("MSGC", 2, 2, asked(631, {})) + chunk("MSGA", 3, 2, aborted);
  CHECK(describe(pdu, C, session) == "ABORTED_REQUEST SESSION security_mode:1");
  CHECK_FALSE(head_of(pdu, C, session).answered);
  CHECK(describe(chunk("MSGA", 2, 2, aborted), C, session) == "ABORTED_REQUEST SESSION security_mode:1");
  CHECK(fault(chunk("MSGA", 2, 2, aborted + Octets{0}), C, session) == "abort_body");
  CHECK(fault(chunk("MSGA", 2, 2, asked(673, read_value())), C, session) == "abort_body");
}
