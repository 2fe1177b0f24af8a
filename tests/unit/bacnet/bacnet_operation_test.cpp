// Every service, message and function, as the operations that it asks for.
#include <doctest/doctest.h>

#include <string>

#include "tests/unit/bacnet/bacnet_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

struct Row {
  std::uint8_t service;
  const char* parameters;
  const char* expected;
};

// --- confirmed services ------------------------------------------------------------------------------------
const Row confirmed_rows[] = {
    {0, "09 01 1c 00000001 29 03 3e 19 05 3f 4b 00 4f50 5e 0c 0b000000 5f",
     "ACKNOWLEDGE_ALARM OPERATE 0:1 @262147"},
    {1, "09 01 1c 02000005 2c 00000007 39 00 4e 09 55 2e 44 42c80000 2f 09 6f 2e 82 04 00 2f 4f",
     "CONFIRMED_COV_NOTIFICATION READ 0:7 p85 = 100.000000 | CONFIRMED_COV_NOTIFICATION READ 0:7 p111 = 2 "
     "octets"},
    {2,
     "09 01 1c 02000005 2c 00000007 3e 19 09 3f 49 04 59 64 69 05 89 00 99 01 a9 00 b9 03 ce 0c 3f800000 cf",
     "CONFIRMED_EVENT_NOTIFICATION READ 0:7 @262147"},
    {3, "", "GET_ALARM_SUMMARY READ"},
    {4, "09 00", "GET_ENROLLMENT_SUMMARY READ"},
    {5, "09 12 1c 0000000a 29 01 39 00", "SUBSCRIBE_COV READ 0:10"},
    {5, "09 12 1c 0000000a", "SUBSCRIBE_COV READ 0:10"},
    {6, "c4 02800001 0e 31 00 21 1b 0f", "ATOMIC_READ_FILE PROGRAM 10:1[0-26]"},
    {6, "c4 02800001 1e 31 0e 21 03 1f", "ATOMIC_READ_FILE PROGRAM 10:1[14-16]"},
    {7, "c4 02800001 0e 31 1e 63 616263 0f", "ATOMIC_WRITE_FILE PROGRAM 10:1[30-32] = 3 octets"},
    {7, "c4 02800001 0e 31 ff 63 616263 0f", "ATOMIC_WRITE_FILE PROGRAM 10:1[0-4294967295] = 3 octets"},
    {7, "c4 02800001 1e 31 02 21 02 61 61 61 62 1f", "ATOMIC_WRITE_FILE PROGRAM 10:1[2-3]"},
    {8, "0c 03c00001 19 66 3e 91 05 3f", "ADD_LIST_ELEMENT PROGRAM 15:1 p102 = 5"},
    {9, "0c 02000001 19 98 29 02 3e 21 05 21 06 3f", "REMOVE_LIST_ELEMENT MANAGE 8:1 p152[2] = 4 octets"},
    {10, "0e 09 0a 0f", "CREATE_OBJECT PROGRAM 10:0-4194303"},
    {10, "0e 1c 02800003 0f", "CREATE_OBJECT PROGRAM 10:3"},
    {10, "0e 09 0a 0f 1e 09 4d 2e 73 006162 2f 09 29 2e 91 00 2f 39 08 1f",
     "CREATE_OBJECT PROGRAM 10:0-4194303 p77 = 3 octets | CREATE_OBJECT PROGRAM 10:0-4194303 p41 @8 = 0"},
    {11, "c4 02c00006", "DELETE_OBJECT PROGRAM 11:6"},
    {12, "0c 00000005 19 55", "READ_PROPERTY READ 0:5 p85"},
    {12, "0c 02000001 19 4c 29 00", "READ_PROPERTY READ 8:1 p76[0]"},
    {12, "0c 023fffff 1a 0200", "READ_PROPERTY READ 8:4194303 p512"},
    {13, "09 00", "READ_PROPERTY_CONDITIONAL READ"},
    {14, "0c 00000010 1e 09 55 09 67 1f 0c 00000021 1e 09 08 1f",
     "READ_PROPERTY_MULTIPLE READ 0:16 p85 | READ_PROPERTY_MULTIPLE READ 0:16 p103 | READ_PROPERTY_MULTIPLE "
     "READ 0:33 p8"},
    {14, "0c 02000001 1e 09 57 19 03 1f", "READ_PROPERTY_MULTIPLE READ 8:1 p87[3]"},
    {15, "0c 00800001 19 55 3e 44 43340000 3f", "WRITE_PROPERTY WRITE 2:1 p85 @16 = 180.000000"},
    {15, "0c 00400001 19 55 3e 44 43340000 3f 49 08", "WRITE_PROPERTY OPERATE 1:1 p85 @8 = 180.000000"},
    {15, "0c 01000002 19 55 3e 91 01 3f 49 01", "WRITE_PROPERTY OPERATE 4:2 p85 @1 = 1"},
    {15, "0c 00400001 19 55 3e 00 3f 49 08", "WRITE_PROPERTY OPERATE 1:1 p85 @8 = ?"},
    {15, "0c 00c00001 19 51 3e 11 3f", "WRITE_PROPERTY PROGRAM 3:1 p81 @16 = 1"},
    {15, "0c 02000001 19 4d 3e 74 00616263 3f", "WRITE_PROPERTY MANAGE 8:1 p77 @16 = 4 octets"},
    {15, "0c 00800001 19 57 29 05 3e 31 fe 3f", "WRITE_PROPERTY PROGRAM 2:1 p87[5] @16 = -2"},
    {15, "0c 0b800001 19 55 3e 55 08 4059000000000000 3f", "WRITE_PROPERTY WRITE 46:1 p85 @16 = 100.000000"},
    {15, "0c 04400001 19 7b 3e 0e b4 08000000 44 41a00000 0f 3f",
     "WRITE_PROPERTY PROGRAM 17:1 p123 @16 = 12 octets"},
    {15, "0c 03c00001 19 66 3e 3f", "WRITE_PROPERTY PROGRAM 15:1 p102 @16 = 0 octets"},
    {16,
     "0c 00800005 1e 09 55 2e 44 42860000 2f 1f 0c 00400006 1e 09 55 2e 44 42860000 2f 39 08 09 75 2e 91 3e "
     "2f "
     "1f",
     "WRITE_PROPERTY_MULTIPLE WRITE 2:5 p85 @16 = 67.000000 | WRITE_PROPERTY_MULTIPLE OPERATE 1:6 p85 @8 = "
     "67.000000 | WRITE_PROPERTY_MULTIPLE PROGRAM 1:6 p117 @16 = 62"},
    {17, "09 05 19 01 2d 08 00 23656762646721", "DEVICE_COMMUNICATION_CONTROL MANAGE @65537 = 5"},
    {17, "19 00", "DEVICE_COMMUNICATION_CONTROL MANAGE @65536"},
    {18, "09 19 19 08 2e 44 4290cccd 62 1649 2f", "CONFIRMED_PRIVATE_TRANSFER PROGRAM 25:8"},
    {18, "09 19 19 08", "CONFIRMED_PRIVATE_TRANSFER PROGRAM 25:8"},
    {19, "0c 02000005 29 00 3d 06 00 504d203031", "CONFIRMED_TEXT_MESSAGE WRITE 8:5 @327680"},
    {19, "0c 02000005 1e 09 05 1f 29 01 3a 0061", "CONFIRMED_TEXT_MESSAGE WRITE 8:5 @327681"},
    {20, "09 01 1d 09 00 4162436445664768", "REINITIALIZE_DEVICE MANAGE @131073"},
    {20, "09 00", "REINITIALIZE_DEVICE MANAGE @131072"},
    {21, "91 01 21 05", "VT_OPEN PROGRAM"},
    {22, "21 1d", "VT_CLOSE PROGRAM"},
    {23, "21 05 62 0d0a 21 00", "VT_DATA PROGRAM"},
    {24, "", "AUTHENTICATE SESSION"},
    {25, "", "REQUEST_KEY SESSION"},
    {26, "0c 05000001 19 83 3e 21 01 31 02 3f", "READ_RANGE READ 20:1 p131"},
    {26, "0c 05000001 1a 0083 29 01", "malformed"},  // leading zero
    {27, "09 12 1a 0061 29 04 3c 05400001", "LIFE_SAFETY_OPERATION OPERATE 21:1 @196612"},
    {27, "09 12 1a 0061 29 01", "LIFE_SAFETY_OPERATION OPERATE @196609"},
    {28, "09 12 1c 0000000a 29 01 39 3c 4e 09 55 4f 5c 3f800000", "SUBSCRIBE_COV_PROPERTY READ 0:10 p85"},
    {28, "09 12 1c 0000000a 4e 09 57 19 02 4f", "SUBSCRIBE_COV_PROPERTY READ 0:10 p87[2]"},
    {29, "", "GET_EVENT_INFORMATION READ"},
    {29, "0c 00000002", "GET_EVENT_INFORMATION READ 0:2"},
    {30, "09 12 19 01 29 3c 39 05 4e 0c 0000000a 1e 0e 09 55 0f 1c 3f800000 29 01 0e 09 6f 0f 29 00 1f 4f",
     "SUBSCRIBE_COV_PROPERTY_MULTIPLE READ 0:10 p85 | SUBSCRIBE_COV_PROPERTY_MULTIPLE READ 0:10 p111"},
    {31, "09 12 1c 02000004 29 1b 4e 0c 0000000a 1e 09 55 2e 44 42820000 2f 3c 10000000 1f 4f",
     "CONFIRMED_COV_NOTIFICATION_MULTIPLE READ 0:10 p85 = 65.000000"},
    {32, "0e 0f", "CONFIRMED_AUDIT_NOTIFICATION READ"},
    {33, "0c 0f400001", "AUDIT_LOG_QUERY READ"},
    {34, "ff ff", "290 PROGRAM"},  // no rule can name it
};

// --- unconfirmed services ----------------------------------------------------------------------------------
const Row unconfirmed_rows[] = {
    {0, "c4 02000007 22 01e0 91 03 21 63", "I_AM DISCOVER 8:7"},
    {1, "c4 02000008 c4 00000003 75 07 00 4f415465 6d70", "I_HAVE DISCOVER 0:3 \"OATemp\""},
    {2, "09 12 1c 02000004 2c 0000000a 39 00 4e 09 55 2e 44 42820000 2f 4f",
     "UNCONFIRMED_COV_NOTIFICATION READ 0:10 p85 = 65.000000"},
    {2, "09 12 1c 02000004 2c 0000000a 39 00 4e 4f", "UNCONFIRMED_COV_NOTIFICATION READ 0:10"},
    {3, "09 01 1c 02000009 2c 00000002 3e 19 10 3f 49 04 59 64 69 05 89 02 b9 00",
     "UNCONFIRMED_EVENT_NOTIFICATION READ 0:2 @262144"},
    {4, "09 19 19 08 2e 44 4290cccd 62 1649 2f", "UNCONFIRMED_PRIVATE_TRANSFER PROGRAM 25:8"},
    {5, "0c 02000005 29 00 3d 06 00 504d203031", "UNCONFIRMED_TEXT_MESSAGE WRITE 8:5 @327680"},
    {6, "a4 5c0b1102 b4 162d1e46", "TIME_SYNCHRONIZATION MANAGE = 10 octets"},
    {7, "3d 07 00 4f4154656d70", "WHO_HAS DISCOVER \"OATemp\""},
    {7, "09 00 19 63 2c 00000003", "WHO_HAS DISCOVER 0:3"},
    {7, "3b 04 00 61", "WHO_HAS DISCOVER"},  // not UTF-8: no name that a rule could state
    {8, "", "WHO_IS DISCOVER 8:0-4194303"},
    {8, "09 03 19 05", "WHO_IS DISCOVER 8:3-5"},
    {8, "0b 3fffff 1b 3fffff", "WHO_IS DISCOVER 8:4194303"},
    {9, "a4 5c0b1102 b4 162d1e46", "UTC_TIME_SYNCHRONIZATION MANAGE = 10 octets"},
    {10, "09 17 19 08 2e 09 0c 44 42860000 2f", "WRITE_GROUP OPERATE:23 @8"},
    {11, "09 12 1c 02000004 29 1b 4e 0c 0000000a 1e 09 55 2e 21 05 2f 1f 4f",
     "UNCONFIRMED_COV_NOTIFICATION_MULTIPLE READ 0:10 p85 = 5"},
    {12, "0e 0f", "UNCONFIRMED_AUDIT_NOTIFICATION READ"},
    {13, "21 05 72 0061 72 0062", "WHO_AM_I DISCOVER"},
    {14, "21 05 72 0061 72 0062", "YOU_ARE MANAGE"},
    {200, "01", "712 PROGRAM"},
};

// --- network layer: message type, then its parameters
// --------------------------------------------------------
const Row network_rows[] = {
    {0x00, "", "WHO_IS_ROUTER_TO_NETWORK DISCOVER:0-65535"},
    {0x00, "0005", "WHO_IS_ROUTER_TO_NETWORK DISCOVER:5"},
    {0x01, "0005 0006", "I_AM_ROUTER_TO_NETWORK DISCOVER:5 | I_AM_ROUTER_TO_NETWORK DISCOVER:6"},
    {0x02, "0005 0a", "I_COULD_BE_ROUTER_TO_NETWORK DISCOVER:5"},
    {0x03, "01 0005", "REJECT_MESSAGE_TO_NETWORK SESSION:5"},
    {0x04, "", "ROUTER_BUSY_TO_NETWORK MANAGE:0-65535"},
    {0x05, "0007", "ROUTER_AVAILABLE_TO_NETWORK MANAGE:7"},
    {0x06, "00", "INITIALIZE_ROUTING_TABLE DISCOVER"},
    {0x06, "02 0005 01 00 0006 02 03 aabbcc",
     "INITIALIZE_ROUTING_TABLE MANAGE:5 | INITIALIZE_ROUTING_TABLE MANAGE:6"},
    {0x08, "0005 0a", "ESTABLISH_CONNECTION_TO_NETWORK MANAGE:5"},
    {0x09, "0005", "DISCONNECT_CONNECTION_TO_NETWORK MANAGE:5"},
    {0x0A, "0102", "CHALLENGE_REQUEST SESSION"},
    {0x0B, "0102", "SECURITY_PAYLOAD PROGRAM"},
    {0x0C, "0102", "SECURITY_RESPONSE SESSION"},
    {0x0D, "0102", "REQUEST_KEY_UPDATE SESSION"},
    {0x0E, "0102", "UPDATE_KEY_SET MANAGE"},
    {0x0F, "0102", "UPDATE_DISTRIBUTION_KEY MANAGE"},
    {0x10, "0102", "REQUEST_MASTER_KEY SESSION"},
    {0x11, "0102", "SET_MASTER_KEY MANAGE"},
    {0x12, "", "WHAT_IS_NETWORK_NUMBER DISCOVER"},
    {0x13, "0005 01", "NETWORK_NUMBER_IS DISCOVER:5"},
    {0x14, "", "788 PROGRAM"},
    {0x80, "0019 0102", "896 PROGRAM 25"},
    // too short, too long
    {0x00, "00", "malformed"},
    {0x00, "0005 0006", "malformed"},
    {0x01, "", "malformed"},
    {0x01, "0005 00", "I_AM_ROUTER_TO_NETWORK DISCOVER:5 | malformed"},
    {0x02, "0005", "malformed"},
    {0x03, "01", "malformed"},
    {0x06, "", "malformed"},
    {0x06, "02 0005 01 00", "INITIALIZE_ROUTING_TABLE MANAGE:5 | malformed"},
    {0x06, "01 0005 01 00 00", "malformed"},
    {0x09, "0005 00", "malformed"},
    {0x12, "00", "malformed"},
    {0x80, "00", "malformed"},
};

// --- virtual link layer
// --------------------------------------------------------------------------------------
const Row link_rows[] = {
    {1, "", "WRITE_BROADCAST_DISTRIBUTION_TABLE MANAGE"},
    {1, "0a000502 bac0 ffffffff 0a000602 bac0 ffffffff",
     "WRITE_BROADCAST_DISTRIBUTION_TABLE MANAGE \"10.0.5.2:47808\" | WRITE_BROADCAST_DISTRIBUTION_TABLE "
     "MANAGE "
     "\"10.0.6.2:47808\""},
    {2, "", "READ_BROADCAST_DISTRIBUTION_TABLE DISCOVER"},
    {5, "003c", "REGISTER_FOREIGN_DEVICE MANAGE = 60"},
    {6, "", "READ_FOREIGN_DEVICE_TABLE DISCOVER"},
    {8, "0a000502 bac0", "DELETE_FOREIGN_DEVICE_TABLE_ENTRY MANAGE \"10.0.5.2:47808\""},
    {12, "0102", "SECURE_BVLL PROGRAM"},
    {1, "0a000502 bac0 ffffff", "malformed length"},
    {2, "00", "malformed length"},
    {5, "3c", "malformed length"},
    {8, "0a000502 ba", "malformed length"},
    {12, "", "malformed length"},
    {13, "", "malformed function"},
    // what it carries is an operation of its own
    {4, "0a000502 bac0 01 00 10 08",
     "FORWARDED_NPDU SESSION by 4 \"10.0.5.2:47808\" | WHO_IS DISCOVER 8:0-4194303 by 4 \"10.0.5.2:47808\""},
    {4, "ffffffff ffff 01 04 00 04 01 0f 0c 00800001 19 55 3e 44 43340000 3f",
     "FORWARDED_NPDU SESSION by 4 \"255.255.255.255:65535\" | WRITE_PROPERTY WRITE 2:1 p85 @16 by 4 "
     "\"255.255.255.255:65535\" = 180.000000"},
    {4, "0a000502 bac0 01 80 12",
     "FORWARDED_NPDU SESSION by 4 \"10.0.5.2:47808\" | WHAT_IS_NETWORK_NUMBER DISCOVER by 4 "
     "\"10.0.5.2:47808\""},
    {9, "01 00 10 08", "DISTRIBUTE_BROADCAST_TO_NETWORK SESSION by 9 | WHO_IS DISCOVER 8:0-4194303 by 9"},
    {11, "01 20 ffff 00 ff 10 08", "WHO_IS DISCOVER 8:0-4194303 to 65535/all by 11"},
    {10, "01 28 0005 01 03 0007 06 0a000502bac0 ff 10 08",
     "WHO_IS DISCOVER 8:0-4194303 to 5/3 from 7/10995200342720"},
    {4, "0a000502 ba", "malformed origin"},
};

std::string text_of(const Row& row) { return std::to_string(row.service) + " " + row.parameters; }

}  // namespace

TEST_CASE("confirmed services") {
  for (const Row& row : confirmed_rows) {
    CAPTURE(text_of(row));
    CHECK(describe(confirmed(row.service, row.parameters)) == row.expected);
    CHECK(describe(confirmed(row.service, row.parameters), Role::SERVER) == row.expected);
  }
}

TEST_CASE("unconfirmed services") {
  for (const Row& row : unconfirmed_rows) {
    CAPTURE(text_of(row));
    CHECK(describe(unconfirmed(row.service, row.parameters)) == row.expected);
    CHECK_FALSE(head_of(unconfirmed(row.service, row.parameters)).answered);
  }
}

TEST_CASE("messages of the network layer") {
  for (const Row& row : network_rows) {
    CAPTURE(text_of(row));
    static constexpr char digits[] = "0123456789abcdef";
    const std::string type{digits[row.service >> 4], digits[row.service & 15]};
    CHECK(describe(linked(0x0A, "01 80" + type + row.parameters)) == row.expected);
  }
}

TEST_CASE("functions of the virtual link layer") {
  for (const Row& row : link_rows) {
    CAPTURE(text_of(row));
    CHECK(describe(linked(row.service, row.parameters)) == row.expected);
  }
}

TEST_CASE("parameters one octet short, or one too long") {
  const auto whole = [](std::string text) { return text.find("malformed") == std::string::npos; };
  for (const Row& row : confirmed_rows) {
    if (!whole(row.expected) || row.service >= 34) continue;
    CAPTURE(text_of(row));
    Octets pdu = confirmed(row.service, row.parameters);
    const auto resized = [&](int by) {
      Octets changed = pdu;
      changed.resize(static_cast<std::size_t>(static_cast<int>(pdu.size()) + by), 0x8F);
      changed[3] = static_cast<std::uint8_t>(changed.size());
      return describe(changed);
    };
    if (pdu.size() > 10) CHECK_FALSE(whole(resized(-1)));
    CHECK_FALSE(whole(resized(1)));
  }
}

TEST_CASE("answers tell what they report") {
  CHECK(describe(complex_ack(12, "0c 00000005 19 55 3e 44 4290999a 3f"), Role::SERVER) ==
        "READ_PROPERTY READ 0:5 p85 = 72.300003");
  CHECK(describe(complex_ack(12, "0c 00000005 19 55 3e 22 0001 3f"), Role::SERVER) ==
        "READ_PROPERTY READ 0:5 p85 = 1");  // what is reported may have leading zeros
  CHECK(describe(complex_ack(14, "0c 00000010 1e 29 55 4e 44 42c80000 4f 29 67 5e 91 02 91 20 5f 1f"),
                 Role::SERVER) ==
        "READ_PROPERTY_MULTIPLE READ 0:16 p85 = 100.000000 | READ_PROPERTY_MULTIPLE READ 0:16 p103");
  CHECK(describe(complex_ack(14, "0c 00000010 1e 1f"), Role::SERVER) == "READ_PROPERTY_MULTIPLE READ 0:16");
  CHECK(describe(complex_ack(12, "0c 00000005 19 55 3e 44 4290999a"), Role::SERVER) == "malformed");
  CHECK(describe(complex_ack(26, "ff"), Role::SERVER) == "READ_RANGE READ");
  CHECK(describe(unicast("20 01 0f"), Role::SERVER) == "WRITE_PROPERTY WRITE");
  CHECK(describe(unicast("50 01 0c 91 02 91 20"), Role::SERVER) == "READ_PROPERTY READ");
  CHECK(describe(unicast("60 01 09"), Role::SERVER) == "REJECT SESSION");
  CHECK(describe(unicast("71 01 04"), Role::SERVER) == "ABORT SESSION");
  CHECK(describe(linked(0, "0010"), Role::SERVER) == "BVLC_RESULT SESSION");
  CHECK(describe(linked(3, "0a000502 bac0 ffffffff"), Role::SERVER) ==
        "READ_BROADCAST_DISTRIBUTION_TABLE_ACK DISCOVER");
  CHECK(describe(linked(7, "0a000502 bac0 003c 003c"), Role::SERVER) ==
        "READ_FOREIGN_DEVICE_TABLE_ACK DISCOVER");
  CHECK(describe(linked(0x0A, "01 80 07"), Role::SERVER) == "INITIALIZE_ROUTING_TABLE_ACK DISCOVER");
}

TEST_CASE("values by their tags") {
  const auto value = [](const char* tags) {
    const std::string text = describe(confirmed(15, std::string("0c 00800001 19 55 3e") + tags + "3f"));
    const std::size_t at = text.find(" = ");
    return at == std::string::npos ? text : text.substr(at + 3);
  };
  CHECK(value("00") == "?");
  CHECK(value("10") == "0");
  CHECK(value("11") == "1");
  CHECK(value("21 ff") == "255");
  CHECK(value("25 05 0100000000") == "4294967296");
  CHECK(value("31 80") == "-128");
  CHECK(value("32 0080") == "128");
  CHECK(value("44 bf800000") == "-1.000000");
  CHECK(value("44 7fc00000") == "nan");
  CHECK(value("91 ff") == "255");
  CHECK(value("c4 00000001") == "4 octets");
  CHECK(value("82 04 00") == "2 octets");
  CHECK(value("a4 5c0b1102") == "4 octets");
  CHECK(value("21 01 21 02") == "4 octets");  // two of them
  CHECK(value("0e 21 01 0f") == "4 octets");  // within a tag
  CHECK(value("09 01") == "2 octets");        // a tag of the context
  CHECK(value("44 7fc00000 00") == "6 octets");
  for (const char* wrong : {"12",
                            "22 0001",
                            "32 0001",
                            "32 ffff",
                            "43 000000",
                            "54 00000000",
                            "92 0001",
                            "95 05 0100000000",
                            "d0",
                            "f9 0d 00",
                            "fd ff 05 00",
                            "65 04 00000000",
                            "65 fe 0010 00",
                            "20",
                            "30",
                            "70",
                            "80",
                            "a3 000000",
                            "c3 000000",
                            "16",
                            "17",
                            "0e 21 01 1f",
                            "0e 21 01",
                            "1f"}) {
    CAPTURE(wrong);
    CHECK(value(wrong) == "malformed");
  }
}
