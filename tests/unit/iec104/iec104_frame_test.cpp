// APCI: start, length, control octets (IEC 60870-5-104, §5).
#include <doctest/doctest.h>

#include "tests/unit/iec104/iec104_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;

const Octets interrogation = i_frame("64 01 06 00 0100 000000 14");

Framing frame(const Octets& octets, std::size_t size) {
  const Octets exact(octets.begin(), octets.begin() + static_cast<long>(size));
  return iec104_protocol.frame(Bytes(exact), C, Transport::TCP, SessionState{});
}

Octets joined(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

TEST_CASE("all splits: an answer other than INCOMPLETE never changes") {
  const Octets whole = i_frame(Octets(249, 1));
  for (const Octets& pdu : {interrogation, u_frame(testfr_act), s_frame(300), whole}) {
    const Octets two = joined(pdu, interrogation);
    for (std::size_t size = 0; size <= two.size(); ++size) {
      const Framing framing = frame(two, size);
      CAPTURE(size);
      if (size < 2) {
        CHECK(framing.status == FrameStatus::INCOMPLETE);
        CHECK(framing.need_size == 2);
        continue;
      }
      CHECK(framing.status == FrameStatus::COMPLETE);
      CHECK(framing.pdu_size == pdu.size());
      CHECK(framing.judge_size == pdu.size());
    }
  }
}

TEST_CASE("foreign octets are known by the first") {
  for (int first = 0; first < 256; ++first) {
    const Framing framing = frame({static_cast<std::uint8_t>(first), 4, 0, 0, 0, 0}, 1);
    CHECK(framing.mismatch == (first != 0x68));
    CHECK((framing.status == FrameStatus::MALFORMED) == (first != 0x68));
  }
}

TEST_CASE("the length is 4 to 253") {
  for (int length = 0; length < 256; ++length) {
    CAPTURE(length);
    const Framing framing = frame({0x68, static_cast<std::uint8_t>(length)}, 2);
    const bool good = length >= 4 && length <= 253;
    CHECK((framing.status == FrameStatus::COMPLETE) == good);
    if (good) CHECK(framing.pdu_size == static_cast<std::uint32_t>(length) + 2);
    if (!good) CHECK(std::string(framing.field) == "length");
    CHECK_FALSE(framing.mismatch);
  }
}

TEST_CASE("every first control octet") {
  SessionState session = started();
  for (unsigned control = 0; control < 256; ++control) {
    CAPTURE(control);
    const std::string said = describe(u_frame(static_cast<std::uint8_t>(control)), C, session);
    if ((control & 1U) == 0) {
      CHECK(said.starts_with("malformed "));  // an I-frame without an ASDU
    } else if (control == 1) {
      CHECK(said == "S_FRAME SESSION");
    } else if (control == startdt_act) {
      CHECK(said == "STARTDT SESSION");
    } else if (control == stopdt_act) {
      CHECK(said == "STOPDT SESSION");
    } else if (control == testfr_act) {
      CHECK(said == "TESTFR SESSION");
    } else if (control == testfr_con) {
      CHECK(said == "TESTFR_CON SESSION");
    } else {
      CHECK(said == "malformed control");
    }
  }
}

TEST_CASE("data transfer is started and stopped by the client") {
  CHECK(describe(u_frame(startdt_act), S) == "malformed control");
  CHECK(describe(u_frame(stopdt_act), S) == "malformed control");
  CHECK(describe(u_frame(startdt_con), C) == "malformed control");
  CHECK(describe(u_frame(stopdt_con), C) == "malformed control");
  CHECK(describe(u_frame(startdt_con), S) == "STARTDT_CON SESSION");
  CHECK(describe(u_frame(stopdt_con), S) == "STOPDT_CON SESSION");
  CHECK(describe(u_frame(testfr_act), S) == "TESTFR SESSION");
}

TEST_CASE("reserved control bits and octets") {
  for (std::size_t at = 3; at < 6; ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      CAPTURE(at);
      CAPTURE(bit);
      Octets test = u_frame(testfr_act);
      test[at] = static_cast<std::uint8_t>(1U << bit);
      CHECK(describe(test, C) == "malformed control");
      Octets confirm = s_frame(0);
      confirm[at] = static_cast<std::uint8_t>(1U << bit);
      const bool number = at > 3 && !(at == 4 && bit == 0);
      CHECK(describe(confirm, C) == (number ? "malformed receive_sequence" : "malformed control"));
    }
  }
  Octets data = interrogation;
  data[4] |= 1;
  CHECK(describe(data, C) == "malformed control");
}

TEST_CASE("length field and octets disagree") {
  for (const Octets& pdu : {interrogation, s_frame(0), u_frame(testfr_act)}) {
    Octets longer = pdu;
    longer.push_back(0);
    CHECK(describe(longer, C) == "malformed length");
    longer[1] = static_cast<std::uint8_t>(longer[1] + 1);
    CHECK(describe(longer, C) == "malformed length");
    Octets shorter = pdu;
    shorter.pop_back();
    CHECK(describe(shorter, C) == "malformed length");
    shorter[1] = static_cast<std::uint8_t>(shorter[1] - 1);
    CHECK(describe(shorter, C) == "malformed length");
  }
}

TEST_CASE("an APDU cut in every place, with a length that fits") {
  const Octets whole = i_frame("01 83 14 00 0100 0a0000 00 01 00");
  CHECK(describe(whole, S) ==
        "M_SP_NA_1 READ ca:1 ioa:10 cause:20 = 0u | M_SP_NA_1 READ ca:1 ioa:11 cause:20 = 1u | "
        "M_SP_NA_1 READ ca:1 ioa:12 cause:20 = 0u");
  for (std::size_t size = 6; size < whole.size(); ++size) {
    CAPTURE(size);
    Octets cut(whole.begin(), whole.begin() + static_cast<long>(size));
    cut[1] = static_cast<std::uint8_t>(size - 2);
    CHECK(describe(cut, S) == "malformed length");
  }
}
