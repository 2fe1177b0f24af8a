// Link frames and transport segments (IEEE 1815-2012 §8, §9).
#include <doctest/doctest.h>

#include "protocols/dnp3/dnp3_link.hpp"
#include "tests/unit/dnp3/dnp3_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;

Framing frame(const Octets& octets, std::size_t size, Role sender = C, Transport transport = Transport::TCP) {
  const Octets exact(octets.begin(), octets.begin() + static_cast<long>(size));
  return dnp3_protocol.frame(Bytes(exact), sender, transport, SessionState{});
}

Octets joined(const Octets& a, const Octets& b) {
  Octets out = a;
  out.insert(out.end(), b.begin(), b.end());
  return out;
}

const Octets poll = from_hex("c1 01 3c0206 3c0306 3c0406 3c0106");

Octets segment(std::uint8_t transport, const Octets& part, std::uint16_t to = outstation,
               std::uint16_t from = master) {
  Octets user{transport};
  user.insert(user.end(), part.begin(), part.end());
  return link_frame(0xC4, to, from, user);
}

const char* field_of(const Octets& octets, Role sender = C) {
  const Framing framing = frame(octets, octets.size(), sender);
  if (framing.status == FrameStatus::COMPLETE && octets.size() < framing.pdu_size) return "cut";
  if (framing.status == FrameStatus::MALFORMED) return framing.field;
  if (framing.status == FrameStatus::INCOMPLETE) return "incomplete";
  return head_of(octets, sender).field;
}

}  // namespace

TEST_CASE("checksum of the standard's example frame") {
  // A reset of link states from 3 to 4, as implementations print it.
  const Octets header = from_hex("0564 05 c0 0100 0004");
  const std::uint16_t sum = dnp3::checksum(Bytes(header));
  CHECK(sum == 0x21E9);
}

TEST_CASE("all splits: an answer other than INCOMPLETE never changes") {
  for (const std::size_t part : {std::size_t{249}, std::size_t{7}, std::size_t{1}}) {
    const Octets pdu = frames(poll, C, part);
    const Octets two = joined(pdu, frames(poll, C, part, 9));
    for (std::size_t size = 0; size <= two.size(); ++size) {
      const Framing framing = frame(two, size);
      CAPTURE(part);
      CAPTURE(size);
      if (framing.status == FrameStatus::INCOMPLETE) {
        CHECK(size < pdu.size());
        CHECK(framing.need_size > size);
        CHECK(framing.need_size <= pdu.size());
        continue;
      }
      CHECK(framing.status == FrameStatus::COMPLETE);
      CHECK(framing.pdu_size == pdu.size());
      CHECK(framing.judge_size == pdu.size());
    }
  }
}

TEST_CASE("foreign octets are known by the first two") {
  const Octets modbus = from_hex("0001 0000 0006 01 03 0000 0001");
  CHECK(frame(modbus, 1).mismatch);
  CHECK(frame(from_hex("0565"), 2).mismatch);
  CHECK(frame(from_hex("05"), 1).status == FrameStatus::INCOMPLETE);
  CHECK(frame(from_hex(""), 0).status == FrameStatus::INCOMPLETE);
}

TEST_CASE("every octet of a PDU is covered by a checksum") {
  const Octets pdu = frames(poll, C, 9);
  for (std::size_t at = 0; at < pdu.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Octets changed = pdu;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1U << bit));
      CAPTURE(at);
      CAPTURE(bit);
      CHECK(std::string(field_of(changed)) != "");
    }
  }
}

TEST_CASE("link headers with one field wrong") {
  CHECK(std::string(field_of(frames(poll, C), S)) == "direction");
  CHECK(std::string(field_of(link_frame(0xC4, 10, 1, {}))) == "length");
  CHECK(std::string(field_of(link_frame(0xC9, 10, 1, {0xC0}))) == "length");
  CHECK(std::string(field_of(link_frame(0xC3, 10, 1, {0xC0, 0xC0, 1}))) == "control");  // confirmed user data
  CHECK(std::string(field_of(link_frame(0xD4, 10, 1, {0xC0, 0xC0, 1}))) == "control");  // FCV
  CHECK(std::string(field_of(link_frame(0xC5, 10, 1, {}))) == "control");
  CHECK(std::string(field_of(link_frame(0xC9, 10, 0xFFF0, {}))) == "source");
  CHECK(std::string(field_of(link_frame(0xC9, 10, 1, {}))) == "");
  CHECK(std::string(field_of(link_frame(0xD2, 10, 1, {}))) == "");
  CHECK(std::string(field_of(link_frame(0xC2, 10, 1, {}))) == "control");  // test without FCV
}

TEST_CASE("segments that do not belong together") {
  const Octets first = segment(0x40, {0xC1, 1, 60});
  CHECK(std::string(field_of(joined(first, segment(0x81, {2, 6})))) == "");
  CHECK(std::string(field_of(joined(first, segment(0x82, {2, 6})))) == "transport");
  CHECK(std::string(field_of(joined(first, segment(0xC1, {2, 6})))) == "transport");
  CHECK(std::string(field_of(joined(first, segment(0x81, {2, 6}, 11)))) == "address");
  CHECK(std::string(field_of(joined(first, segment(0x81, {2, 6}, 10, 2)))) == "address");
  CHECK(std::string(field_of(joined(first, link_frame(0xC9, 10, 1, {})))) == "control");
  CHECK(std::string(field_of(segment(0x80, {0xC1, 1}))) == "transport");
  CHECK(std::string(field_of(joined(first, from_hex("00")))) == "start");
  CHECK(std::string(field_of(first)) == "incomplete");
}

TEST_CASE("fragments are bounded") {
  Octets large = from_hex("c0 81 0000");
  large.resize(2048, 0);
  CHECK(head_of(frames(large, S), S).well_formed);
  large.push_back(0);
  CHECK(std::string(field_of(frames(large, S), S)) == "fragment_size");
  Octets chain;
  for (std::uint8_t i = 0; i < 200; ++i) {
    const Octets next = segment(static_cast<std::uint8_t>((i == 0 ? 0x40 : 0) | (i & 0x3F)), Octets(10, 0));
    chain.insert(chain.end(), next.begin(), next.end());
  }
  CHECK(std::string(field_of(chain)) == "fragment_size");
  CHECK(frame(chain, 4096).status == FrameStatus::MALFORMED);
}

TEST_CASE("a datagram holds whole frames") {
  const Octets pdu = frames(poll, C);
  CHECK(frame(pdu, pdu.size(), C, Transport::UDP).status == FrameStatus::COMPLETE);
  for (std::size_t size = 0; size < pdu.size(); ++size) {
    CAPTURE(size);
    CHECK(frame(pdu, size, C, Transport::UDP).status == FrameStatus::MALFORMED);
  }
}

TEST_CASE("functions of the link layer") {
  CHECK(describe(link_frame(0xC0, 10, 1, {}), C) == "LINK_RESET SESSION");
  CHECK(describe(link_frame(0xD2, 10, 1, {}), C) == "LINK_TEST SESSION");
  CHECK(describe(link_frame(0xF2, 10, 1, {}), C) == "LINK_TEST SESSION");
  CHECK(describe(link_frame(0xC9, 10, 1, {}), C) == "LINK_STATUS_REQUEST SESSION");
  CHECK(describe(link_frame(0x0B, 1, 10, {}), S) == "LINK_STATUS SESSION");
  CHECK(describe(link_frame(0x03, 1, 10, {}), S) == "malformed control");
  CHECK(head_of(link_frame(0xC9, 10, 1, {}), C).kind == PduKind::REQUEST);
  CHECK(head_of(link_frame(0x0B, 1, 10, {}), S).kind == PduKind::RESPONSE);
  CHECK(head_of(link_frame(0x49, 1, 10, {}), S).kind == PduKind::UNSOLICITED);
  CHECK(head_of(link_frame(0x8B, 10, 1, {}), C).kind == PduKind::UNSOLICITED);
}
