#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <random>

#include "protocols/modbus/modbus_decoder.hpp"
#include "tests/unit/modbus/modbus_support.hpp"
#include "tests/unit/modbus/modbus_vectors.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

Framing frame(const Octets& octets, std::size_t size, Transport transport = Transport::TCP) {
  const auto exact = std::make_unique<std::uint8_t[]>(size);
  std::copy_n(octets.begin(), size, exact.get());
  const SessionState session;
  return modbus_protocol.frame(Bytes{exact.get(), size}, Role::CLIENT, transport, session);
}

bool same(const Framing& left, const Framing& right) {
  return left.status == right.status && left.pdu_size == right.pdu_size &&
         left.judge_size == right.judge_size && std::string_view(left.field) == right.field &&
         left.mismatch == right.mismatch;
}

// Law of the contract: the first answer other than INCOMPLETE is the answer for every longer beginning.
void check_stable(const Octets& stream) {
  bool decided = false;
  Framing decision;
  for (std::size_t size = 0; size <= stream.size(); ++size) {
    const Framing framing = frame(stream, size);
    if (decided) {
      if (!same(framing, decision)) FAIL("answer changes at ", size);
    } else if (framing.status == FrameStatus::INCOMPLETE) {
      CHECK(framing.need_size > size);
    } else {
      decided = true;
      decision = framing;
    }
  }
}

}  // namespace

TEST_CASE("the length is known with six octets and covers the whole PDU") {
  for (const Vector& vector : well_formed_vectors()) {
    CAPTURE(std::string(vector.name));
    const Octets octets = adu(vector.pdu);
    for (std::size_t size = 0; size < 6; ++size) {
      CHECK(frame(octets, size).status == FrameStatus::INCOMPLETE);
      CHECK(frame(octets, size).need_size == 6);
    }
    for (std::size_t size = 6; size <= octets.size(); ++size) {
      const Framing framing = frame(octets, size);
      CHECK(framing.status == FrameStatus::COMPLETE);
      CHECK(framing.pdu_size == octets.size());
      CHECK(framing.judge_size == octets.size());
    }
  }
}

TEST_CASE("a foreign protocol is found by its third octet, or by its fourth") {
  const Octets tls = from_hex("16 03 01 02 00 01 00");
  CHECK(frame(tls, 2).status == FrameStatus::INCOMPLETE);
  CHECK(frame(tls, 3).status == FrameStatus::MALFORMED);
  CHECK(frame(tls, 3).mismatch);
  CHECK(std::string_view(frame(tls, 3).field) == "protocol_id");
  const Octets other = from_hex("00 01 00 01 00 06");
  CHECK(frame(other, 3).status == FrameStatus::INCOMPLETE);
  CHECK(frame(other, 4).mismatch);
}

TEST_CASE("lengths from 2 to 254") {
  for (unsigned length = 0; length < 0x10000; ++length) {
    Octets octets = from_hex("00 01 00 00 00 00 01 03");
    store_u16be(&octets[4], static_cast<std::uint16_t>(length));
    const Framing framing = frame(octets, 6);
    if (length >= 2 && length <= 254) {
      if (framing.status != FrameStatus::COMPLETE || framing.pdu_size != 6 + length) FAIL("length ", length);
    } else {
      if (framing.status != FrameStatus::MALFORMED || framing.mismatch) FAIL("length ", length);
      if (std::string_view(framing.field) != "length") FAIL("field at length ", length);
    }
  }
  CHECK(frame(from_hex("00 01 00 00 01"), 5).status == FrameStatus::MALFORMED);
}

TEST_CASE("all splits: more octets never change an answer") {
  Octets stream;
  for (const Vector& vector : well_formed_vectors()) {
    const Octets octets = adu(vector.pdu);
    check_stable(octets);
    stream.insert(stream.end(), octets.begin(), octets.end());
  }
  check_stable(stream);
  std::mt19937 random(20120426);
  for (int round = 0; round < 20000; ++round) {
    Octets octets(12);
    for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(random());
    for (std::size_t i = 2; i < 5; ++i) {
      if (random() % 4 != 0) octets[i] = 0;  // so that later fields are reached
    }
    check_stable(octets);
  }
}

TEST_CASE("pipelined PDUs are cut apart as they were put together") {
  Octets stream;
  for (const Vector& vector : well_formed_vectors()) {
    const Octets octets = adu(vector.pdu);
    stream.insert(stream.end(), octets.begin(), octets.end());
  }
  for (const Vector& vector : well_formed_vectors()) {
    const Framing framing = frame(stream, stream.size());
    REQUIRE(framing.status == FrameStatus::COMPLETE);
    const auto end = stream.begin() + framing.pdu_size;
    CHECK(describe(Octets(stream.begin(), end), vector.sender) == vector.operations);
    stream.erase(stream.begin(), end);
  }
  CHECK(stream.empty());
}

TEST_CASE("a datagram must hold its whole PDU") {
  const Octets octets = adu("03 0000 0001");
  for (std::size_t size = 0; size < octets.size(); ++size) {
    const Framing framing = frame(octets, size, Transport::UDP);
    CHECK(framing.status == FrameStatus::MALFORMED);
    CHECK_FALSE(framing.mismatch);
  }
  CHECK(frame(octets, octets.size(), Transport::UDP).pdu_size == octets.size());
}

TEST_CASE("what servers that give up a part of a request would read behind it") {
  const Octets hidden{0, 1, 0, 0, 0, 6, 1, 6, 3, 132, 4, 210};
  Octets adu{0, 2, 0, 0, 0, 19, 1, 16, 0, 100, 0, 6, 12};
  adu.insert(adu.end(), hidden.begin(), hidden.end());
  CHECK(modbus_protocol.strays(adu, 13));
  CHECK_FALSE(modbus_protocol.strays(adu, 12));
  CHECK_FALSE(modbus_protocol.strays(adu, 7));
  adu[13 + 5] = 7;  // would need an octet more than this request has
  CHECK_FALSE(modbus_protocol.strays(adu, 13));
  // A function of which not every server knows how long its requests are.
  const Octets read_file{0, 1, 0, 0, 0, 10, 1, 20, 7, 6, 0, 1, 0, 0, 0, 1};
  CHECK_FALSE(modbus_protocol.strays(read_file, 7));
  CHECK(modbus_protocol.strays(read_file, 8));
}
