// Datagrams, heads of the layers, and one wrong field at a time.
#include <doctest/doctest.h>

#include "tests/unit/bacnet/bacnet_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

Framing frame(const Octets& octets) {
  return bacnet_protocol.frame(Bytes(octets), Role::CLIENT, Transport::UDP, SessionState{});
}

// ReadProperty of the present value of analog input 5.
const Octets read_request = confirmed(12, "0c 00000005 19 55");

}  // namespace

TEST_CASE("the length of a datagram is what its header says") {
  const Framing whole = frame(read_request);
  CHECK(whole.status == FrameStatus::COMPLETE);
  CHECK(whole.pdu_size == read_request.size());
  CHECK(whole.judge_size == read_request.size());
  CHECK(frame({}).status == FrameStatus::INCOMPLETE);
  CHECK(frame(from_hex("81")).need_size == 4);
  CHECK(frame(from_hex("81 0a 00")).status == FrameStatus::INCOMPLETE);
  CHECK(frame(from_hex("81 0a 0003")).status == FrameStatus::MALFORMED);
  CHECK(frame(from_hex("81 0a 0004")).status == FrameStatus::COMPLETE);
  CHECK(frame(from_hex("81 0a 05dc")).status == FrameStatus::COMPLETE);
  CHECK(frame(from_hex("81 0a 05dd")).status == FrameStatus::MALFORMED);
  CHECK(frame(from_hex("81 0c 0005 00")).status == FrameStatus::COMPLETE);
  CHECK(frame(from_hex("81 0d 0004")).status == FrameStatus::MALFORMED);
  CHECK_FALSE(frame(from_hex("81 0d 0004")).mismatch);
  CHECK(frame(from_hex("82 0a 0004")).mismatch);  // BACnet/IPv6
  CHECK(frame(from_hex("0000 0000 0006 01 03")).mismatch);
}

TEST_CASE("more octets never change an answer") {
  bool decided = false;
  for (std::size_t size = 0; size <= read_request.size(); ++size) {
    const Framing part = frame(Octets(read_request.begin(), read_request.begin() + static_cast<long>(size)));
    if (part.status == FrameStatus::INCOMPLETE) {
      CHECK_FALSE(decided);
      CHECK(part.need_size > size);
      continue;
    }
    decided = true;
    CHECK(part.status == FrameStatus::COMPLETE);
    CHECK(part.pdu_size == read_request.size());
  }
}

TEST_CASE("a datagram cut anywhere is malformed") {
  for (std::size_t size = 0; size < read_request.size(); ++size) {
    CAPTURE(size);
    Octets cut(read_request.begin(), read_request.begin() + static_cast<long>(size));
    CHECK_FALSE(head_of(cut).well_formed);
    if (size < 4) continue;
    cut[3] = static_cast<std::uint8_t>(size);
    CHECK(describe(cut).starts_with("malformed"));
  }
}

TEST_CASE("heads of the network layer") {
  struct Row {
    const char* npdu;
    const char* expected;
  };
  constexpr const char* who_is = "WHO_IS DISCOVER 8:0-4194303";
  const Row rows[] = {
      {"01 00 10 08", who_is},
      {"01 07 10 08", who_is},  // answer expected, highest priority
      {"01 20 0005 00 ff 10 08", "WHO_IS DISCOVER 8:0-4194303 to 5/all"},
      {"01 20 ffff 00 00 10 08", "WHO_IS DISCOVER 8:0-4194303 to 65535/all"},
      {"01 20 0005 01 03 ff 10 08", "WHO_IS DISCOVER 8:0-4194303 to 5/3"},
      {"01 20 0005 02 0003 ff 10 08", "WHO_IS DISCOVER 8:0-4194303 to 5/all"},  // 3, or 0 to an MS/TP router
      {"01 20 0005 06 0000000000ff ff 10 08", "WHO_IS DISCOVER 8:0-4194303 to 5/all"},
      {"01 20 0005 02 0100 ff 10 08", "WHO_IS DISCOVER 8:0-4194303 to 5/256"},
      {"01 20 0005 06 010203040506 ff 10 08", "WHO_IS DISCOVER 8:0-4194303 to 5/1108152157446"},
      {"01 08 0005 01 07 10 08", "WHO_IS DISCOVER 8:0-4194303 from 5/7"},
      {"", "malformed version"},
      {"00 00 10 08", "malformed version"},
      {"02 00 10 08", "malformed version"},
      {"01", "malformed control"},
      {"01 40 10 08", "malformed control"},
      {"01 10 10 08", "malformed control"},
      {"01 20 0000 00 ff 10 08", "malformed destination_network"},
      {"01 20 00", "malformed destination_network"},
      {"01 20 0005 07 01020304050607 ff 10 08", "malformed destination_address"},
      {"01 20 0005 02 01", "malformed destination_address"},
      {"01 20 ffff 01 01 ff 10 08", "malformed destination_address"},
      {"01 20 0005 00", "malformed hop_count"},
      {"01 08 0000 01 07 10 08", "malformed source_network"},
      {"01 08 ffff 01 07 10 08", "malformed source_network"},
      {"01 08 0005 00 10 08", "malformed source_address"},
      {"01 08 0005 07 01020304050607 10 08", "malformed source_address"},
      {"01 00", "malformed apdu"},
      {"01 80", "malformed apdu"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.npdu);
    CHECK(describe(linked(0x0A, row.npdu)) == row.expected);
  }
}

TEST_CASE("heads of the application layer") {
  struct Row {
    const char* apdu;
    const char* expected;
  };
  const Row rows[] = {
      {"00 04 01 03", "GET_ALARM_SUMMARY READ"},
      {"02 75 01 03", "GET_ALARM_SUMMARY READ"},
      {"01 04 01 03", "malformed apdu_flags"},
      {"04 04 01 03", "malformed more_follows"},
      {"00 84 01 03", "malformed max_apdu"},
      {"00 06 01 03", "malformed max_apdu"},
      {"00", "malformed max_apdu"},
      {"00 04", "malformed invoke_id"},
      {"00 04 01", "malformed service_choice"},
      {"08 04 01", "malformed sequence_number"},
      {"08 04 01 00", "malformed window"},
      {"08 04 01 00 00 03 00", "malformed window"},
      {"08 04 01 00 80 03 00", "malformed window"},
      {"08 04 01 00 01 03", "malformed segment"},
      {"11 08", "malformed apdu_flags"},
      {"10", "malformed service_choice"},
      {"21 01 0f", "malformed apdu_flags"},
      {"20 01 0f 00", "malformed length"},
      {"20 01", "malformed service_choice"},
      {"31 01 0c", "malformed apdu_flags"},
      {"32 01 0c", "malformed apdu_flags"},
      {"34 01 0c 00", "malformed more_follows"},
      {"3c 01 00 00 0c 00", "malformed window"},
      {"44 01 00 01", "malformed apdu_flags"},
      {"48 01 00 01", "malformed apdu_flags"},
      {"40 01 00 00", "malformed window"},
      {"40 01 00", "malformed window"},
      {"40 01 00 01 00", "malformed length"},
      {"52 01 0c 91 02 91 20", "malformed apdu_flags"},
      {"61 01 09", "malformed apdu_flags"},
      {"60 01", "malformed reason"},
      {"60 01 09 00", "malformed length"},
      {"72 01 04", "malformed apdu_flags"},
      {"71 01 04 00", "malformed length"},
      {"80 01", "malformed apdu_type"},
      {"f0 01", "malformed apdu_type"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.apdu);
    CHECK(describe(unicast(row.apdu)) == row.expected);
  }
}

TEST_CASE("parameters out of their ranges") {
  struct Row {
    std::uint8_t service;
    const char* parameters;
  };
  const Row rows[] = {
      {12, "0c 00000005 1a 0055"},                        // property with a leading zero
      {12, "0c 00000005 1d 05 0000000055"},               // … of five octets
      {12, "0b 000005 19 55"},                            // object of three octets
      {12, "0d 04 00000005 19 55"},                       // length in its longer form
      {12, "fc 00 00000005 19 55"},                       // tag number in its longer form
      {12, "19 55 0c 00000005"},                          // out of order
      {12, "0c 00000005 19 55 29 01 29 02"},              // twice
      {14, ""},                                           // nothing is asked
      {14, "0c 00000005 1e 1f"},                          // no property
      {14, "0c 00000005 1e 09 55"},                       // not closed
      {14, "0c 00000005 1e 09 55 1f 1f"},                 // closed twice
      {15, "0c 00800001 19 55 3e 44 43340000 3f 49 00"},  // priority 0
      {15, "0c 00800001 19 55 3e 44 43340000 3f 49 11"},  // priority 17
      {15, "0c 00800001 19 55 44 43340000"},              // value without its tag
      {15, "0c 00800001 19 55 3e 44 43340000 4f"},        // closed by another
      {16, "0c 00800001 1e 09 55 2e 44 43340000 2f"},     // list not closed
      {16, "0c 00800001 1e 09 55 1f"},                    // no value
      {10, "0e 0a 0400 0f"},                              // object type 1024
      {17, ""},
      {17, "19 01 2d 05 00 61626364 00"},  // something behind the password
      {20, ""},
      {6, "c4 02800001 2e 31 00 21 1b 2f"},        // neither stream nor records
      {7, "c4 02800001 1e 31 02 21 02 61 61 1f"},  // fewer records than stated
  };
  for (const Row& row : rows) {
    CAPTURE(row.parameters);
    CHECK(describe(confirmed(row.service, row.parameters)).ends_with("malformed"));
  }
  CHECK(describe(unconfirmed(8, "09 05 19 03")) == "malformed");      // limits backwards
  CHECK(describe(unconfirmed(8, "09 05")) == "malformed");            // one limit
  CHECK(describe(unconfirmed(8, "09 00 1b 400000")) == "malformed");  // 4194304
  CHECK(describe(unconfirmed(0, "c4 02000007 22 01e0 91 03")) == "malformed");
}

TEST_CASE("tags within each other have a bounded depth") {
  const auto nested = [](int depth) {
    std::string text = "0c 00800001 19 55 3e";
    for (int i = 0; i < depth; ++i) text += "0e";
    for (int i = 0; i < depth; ++i) text += "0f";
    return describe(confirmed(15, text + "3f"));
  };
  CHECK(nested(12) == "WRITE_PROPERTY WRITE 2:1 p85 @16 = 24 octets");
  CHECK(nested(13) == "malformed");
}

TEST_CASE("passwords are not for reports") {
  const Octets control = confirmed(17, "19 01 2d 05 00 61626364");
  CHECK(head_of(control).shown_size == 10);
  CHECK(head_of(confirmed(20, "09 00 1d 05 00 61626364")).shown_size == 10);
  CHECK(head_of(read_request).shown_size > read_request.size());
}
