// PDUs of S7comm and the operations that they hold.
#include <doctest/doctest.h>

#include "tests/unit/s7comm/s7comm_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role C = Role::CLIENT;
constexpr Role S = Role::SERVER;

struct Vector {
  const char* name;
  Role sender;
  Octets pdu;
  const char* expected;
};

// Userdata: request without and with data unit, answer, push.
std::string ask(const char* group_and_subfunction) {
  return std::string("00011204 114") + group_and_subfunction + "00";
}
std::string told(const char* group_and_subfunction, const char* error = "0000") {
  return std::string("00011208 128") + group_and_subfunction + "01 00 00" + error;
}

const Vector jobs[] = {
    {"setup", C, job("f0 00 0001 0001 01e0"), "SETUP_COMMUNICATION SESSION"},
    {"read 16 bytes of DB 1", C, job("04 01" + any(2, 16, 1, 0x84, 0)),
     "READ_VAR READ area:132 db:1 bit:0-127 transport_size:2"},
    {"read a bit", C, job("04 01" + any(1, 1, 0, 0x83, 805)),
     "READ_VAR READ area:131 bit:805 transport_size:1"},
    {"read three items", C,
     job("04 03" + any(8, 2, 10, 0x84, 32) + any(0x1D, 4, 0, 0x1D, 3) + any(0x1C, 1, 0, 0x1C, 0)),
     "READ_VAR READ area:132 db:10 bit:32-95 transport_size:8 | "
     "READ_VAR READ area:29 bit:3-6 transport_size:29 | READ_VAR READ area:28 bit:0 transport_size:28"},
    {"inputs, outputs, peripherals", C,
     job("04 03" + any(4, 1, 0, 0x81, 8) + any(2, 1, 0, 0x82, 0) + any(2, 1, 0, 0x80, 2048)),
     "READ_VAR READ area:129 bit:8-23 transport_size:4 | READ_VAR READ area:130 bit:0-7 transport_size:2 | "
     "READ_VAR READ area:128 bit:2048-2055 transport_size:2"},
    {"last byte of the area", C, job("04 01" + any(2, 1, 1, 0x84, 0xFFFFF8)),
     "READ_VAR READ area:132 db:1 bit:16777208-16777215 transport_size:2"},
    {"last timer", C, job("04 01" + any(0x1D, 1, 0, 0x1D, 65535)),
     "READ_VAR READ area:29 bit:65535 transport_size:29"},
    {"DB number outside of data blocks", C, job("04 01" + any(2, 1, 5, 0x83, 0)),
     "READ_VAR READ area:131 bit:0-7 transport_size:2"},
    {"symbolic", C, job("04 01 120e b2 ff 00000001 12345678 2000000a"), "READ_SYMBOLIC READ"},
    {"NCK", C, job("04 01 1208 82 01 0001 0002 10 01"), "READ_NCK READ"},
    {"unknown syntax", C, job("04 01 1203 99 0102"), "1177 PROGRAM"},
    {"DB read of two areas", C, job("04 01 120c b0 02 04 0001 0010 08 0002 0000"),
     "READ_DB READ area:132 db:1 bit:128-159 | READ_DB READ area:132 db:2 bit:0-63"},
    {"odd item, fill octet, another one", C, job("04 02 1207 b0 01 04 0001 0010 00" + any(2, 1, 1, 0x84, 0)),
     "READ_DB READ area:132 db:1 bit:128-159 | READ_VAR READ area:132 db:1 bit:0-7 transport_size:2"},
    {"symbolic before S7ANY", C, job("04 02 1203 b2 0102 00" + any(2, 1, 1, 0x84, 0)),
     "READ_SYMBOLIC READ | READ_VAR READ area:132 db:1 bit:0-7 transport_size:2"},
    {"write a bit", C, job("05 01" + any(1, 1, 0, 0x83, 805), "00 03 0001 01"),
     "WRITE_VAR WRITE area:131 bit:805 transport_size:1 = 1"},
    {"write a bit with an octet that reads two ways", C,
     job("05 01" + any(1, 1, 0, 0x83, 805), "00 03 0001 02"),
     "WRITE_VAR WRITE area:131 bit:805 transport_size:1 = unreadable"},
    {"write a bit by all ones", C, job("05 01" + any(1, 1, 0, 0x83, 805), "00 03 0001 ff"),
     "WRITE_VAR WRITE area:131 bit:805 transport_size:1 = 1"},
    {"write a byte", C, job("05 01" + any(2, 1, 1, 0x84, 8), "00 04 0008 c8"),
     "WRITE_VAR WRITE area:132 db:1 bit:8-15 transport_size:2 = 200"},
    {"write a word", C, job("05 01" + any(4, 1, 1, 0x84, 16), "00 04 0010 fffe"),
     "WRITE_VAR WRITE area:132 db:1 bit:16-31 transport_size:4 = 65534"},
    {"write an int", C, job("05 01" + any(5, 1, 1, 0x84, 16), "00 05 0010 fffe"),
     "WRITE_VAR WRITE area:132 db:1 bit:16-31 transport_size:5 = -2"},
    {"write a dword", C, job("05 01" + any(6, 1, 1, 0x84, 16), "00 04 0020 fffffffe"),
     "WRITE_VAR WRITE area:132 db:1 bit:16-47 transport_size:6 = 4294967294"},
    {"write a dint", C, job("05 01" + any(7, 1, 1, 0x84, 16), "00 06 0004 fffffffe"),
     "WRITE_VAR WRITE area:132 db:1 bit:16-47 transport_size:7 = -2"},
    {"write a real", C, job("05 01" + any(8, 1, 1, 0x84, 16), "00 07 0004 40400000"),
     "WRITE_VAR WRITE area:132 db:1 bit:16-47 transport_size:8 = 3.000000"},
    {"write four bytes", C, job("05 01" + any(2, 4, 1, 0x84, 0), "00 04 0020 01020304"),
     "WRITE_VAR WRITE area:132 db:1 bit:0-31 transport_size:2 = 2 words"},
    {"write three bytes", C, job("05 01" + any(2, 3, 1, 0x84, 0), "00 04 0018 010203"),
     "WRITE_VAR WRITE area:132 db:1 bit:0-23 transport_size:2 = 3 octets"},
    {"write two ints", C, job("05 01" + any(5, 2, 1, 0x84, 0), "00 05 0020 00010002"),
     "WRITE_VAR WRITE area:132 db:1 bit:0-31 transport_size:5 = 4 octets"},
    {"write a date", C, job("05 01" + any(9, 1, 1, 0x84, 0), "00 04 0010 0001"),
     "WRITE_VAR WRITE area:132 db:1 bit:0-15 transport_size:9 = 2 octets"},
    {"write a timer", C, job("05 01" + any(0x1D, 1, 0, 0x1D, 5), "00 09 0002 0100"),
     "WRITE_VAR WRITE area:29 bit:5 transport_size:29 = 2 octets"},
    {"write three, with fill octets", C,
     job("05 03" + any(2, 1, 1, 0x84, 0) + any(1, 1, 1, 0x84, 9) + any(2, 1, 1, 0x84, 16),
         "00 04 0008 01 99 ff 03 0001 00 00 00 04 0008 03"),
     "WRITE_VAR WRITE area:132 db:1 bit:0-7 transport_size:2 = 1 | "
     "WRITE_VAR WRITE area:132 db:1 bit:9 transport_size:1 = 0 | "
     "WRITE_VAR WRITE area:132 db:1 bit:16-23 transport_size:2 = 3"},
    {"write symbolic", C, job("05 01 120e b2 ff 00000001 12345678 2000000a", "00 09 0002 0001"),
     "WRITE_SYMBOLIC WRITE = 2 octets"},
    {"answer to a read", S, ack("04 02", "ff 04 0018 010203 00 ff 09 0002 0405"),
     "READ_VAR READ = 3 octets | READ_VAR READ = 2 octets"},
    {"answer with an item that failed", S, ack("04 02", "0a 00 0000 ff 04 0008 01"),
     "READ_VAR READ | READ_VAR READ = 1 octets"},
    {"failed item with a length of four", S, ack("04 01", "05 00 0004"), "READ_VAR READ"},
    {"answer to a write", S, ack("05 02", "ff 05"),
     "WRITE_VAR WRITE = 1 octets | WRITE_VAR WRITE = 1 octets"},
    {"answer to setup", S, ack("f0 00 0001 0001 00f0"), "SETUP_COMMUNICATION SESSION"},
    {"error instead of an answer", S, ack("04 00", "", 0x8500), "READ_VAR READ"},
    {"acknowledgement", S, ack("", "", 0xD20C, 7, 2), "0 PROGRAM"},
};

const Vector services[] = {
    {"start", C, job("28 000000000000fd 0000 09 505f50524f4752414d"), "PI_SERVICE MANAGE \"P_PROGRAM\" \"\""},
    {"cold start", C, job("28 000000000000fd 0002 4320 09 505f50524f4752414d"),
     "PI_SERVICE MANAGE \"P_PROGRAM\" \"C \""},
    {"copy RAM to ROM", C, job("28 000000000000fd 0002 4550 05 5f4d4f4455"),
     "PI_SERVICE PROGRAM \"_MODU\" \"EP\""},
    {"activate DB 1", C, job("28 000000000000fd 000a 0100 3041303030303150 05 5f494e5345"),
     "PI_SERVICE PROGRAM db:1 \"_INSE\" \"DB1\""},
    {"delete OB 1 and FC 5", C,
     job("28 000000000000fd 0012 0200 3038303030303141 3043303030303550 05 5f44454c45"),
     "PI_SERVICE PROGRAM \"_DELE\" \"OB1\" | PI_SERVICE PROGRAM \"_DELE\" \"FC5\""},
    {"stop", C, job("29 0000000000 09 505f50524f4752414d"), "PLC_STOP MANAGE \"P_PROGRAM\""},
    {"request a download", C, job("1a 00 0100 00000000 09 5f3041303030303150 0d 31303030353030303030343030"),
     "REQUEST_DOWNLOAD PROGRAM db:1 \"DB1\""},
    {"start an upload", C, job("1d 00 0000 00000000 09 5f3042303030303041"), "START_UPLOAD PROGRAM \"SDB0\""},
    {"upload of another connection", C, job("1e 00 0000 00000007"), "UPLOAD PROGRAM"},
    {"name that is no block", C, job("1d 00 0000 00000000 04 24414243"), "START_UPLOAD PROGRAM \"$ABC\""},
    {"name of 12 octets", C, job("1d 00 0000 00000000 0c 24414243444546474849 4a4b"),
     "START_UPLOAD PROGRAM \"$ABCDEFGHIJK\""},
    {"unknown block type", C, job("1d 00 0000 00000000 09 5f3343303030303041"),
     "START_UPLOAD PROGRAM \"3C00000A\""},
    {"block number beyond 65535", C, job("1d 00 0000 00000000 09 5f3041363535333641"),
     "START_UPLOAD PROGRAM \"0A65536A\""},
    {"unknown function", C, job("77 0102", "03"), "119 PROGRAM"},
    {"function 0", C, job("00"), "0 PROGRAM"},
    {"server fetches a block that nobody sends", S, job("1b 00 0000 00000000 09 5f3041303030303150"),
     "unsolicited DOWNLOAD_BLOCK PROGRAM db:1 \"DB1\""},
    {"server reads", S, job("04 01" + any(2, 1, 1, 0x84, 0)),
     "unsolicited READ_VAR READ area:132 db:1 bit:0-7 transport_size:2"},
    {"read SZL", C, userdata(ask("4 01"), "ff 09 0004 0132 0004"), "READ_SZL DISCOVER szl_id:306"},
    {"list blocks", C, userdata(ask("3 01"), "0a 00 0000"), "LIST_BLOCKS DISCOVER"},
    {"list DBs", C, userdata(ask("3 02"), "ff 09 0002 3041"), "LIST_BLOCKS_OF_TYPE DISCOVER \"DB\""},
    {"info about FB 11", C, userdata(ask("3 03"), "ff 09 0008 3045 3030303131 41"),
     "GET_BLOCK_INFO DISCOVER \"FB11\""},
    {"messages", C, userdata(ask("4 02"), "ff 09 000a 0100 5553455231000000"), "MESSAGE_SERVICE SESSION"},
    {"password", C, userdata(ask("5 01"), "ff 09 0008 213a1b1d6e681b1d"), "PLC_PASSWORD MANAGE"},
    {"set the clock", C, userdata(ask("7 02"), "ff 09 000a 00191602082308100002"), "SET_CLOCK MANAGE"},
    {"read the clock", C, userdata(ask("7 01"), "0a 00 0000"), "READ_CLOCK DISCOVER"},
    {"cyclic data", C, userdata(ask("2 01"), "ff 09 0010 0001 01 05" + any(2, 4, 1, 0x84, 0)),
     "CYCLIC_TRANSFER READ area:132 db:1 bit:0-31 transport_size:2"},
    {"cyclic data in another form", C, userdata(ask("2 01"), "ff 09 0008 0001 01 05 1202 b2 01"),
     "READ_SYMBOLIC READ"},
    {"modify variables", C, userdata("00011208 124108000000 0000", "ff 09 0002 0014"),
     "MODIFY_VARIABLE PROGRAM"},
    {"NC download", C, userdata("00011208 127f01000000 0000", "ff 09 0002 0014"),
     "NC_REQUEST_DOWNLOAD PROGRAM"},
    {"unknown subfunction", C, userdata(ask("4 77"), "0a 00 0000"), "9335 PROGRAM"},
    {"method of the short form", C, userdata("00011208 114401010000 0000", "0a 00 0000"), "malformed method"},
    {"later part that nobody announced", C, userdata("00011208 124401010000 0000", "0a 00 0000"),
     "READ_SZL DISCOVER"},
    {"answer", S, userdata(told("4 01"), "ff 09 0004 0132 0004"), "READ_SZL DISCOVER"},
    {"variables that were subscribed to", S, userdata("00011208 120102010000 0000", "ff 09 0002 0004"),
     "unsolicited VARIABLE_STATUS PROGRAM"},
    {"diagnostic message", S, userdata("00011204 11040300", "ff 09 0002 4304"),
     "unsolicited DIAGNOSTIC_MESSAGE READ"},
    {"mode transition", S, userdata("01001010 00000000"), "unsolicited MODE_TRANSITION READ"},
    {"question of the server", S, userdata(ask("6 01"), "ff 09 0002 0001"), "unsolicited BSEND WRITE"},
    {"answer of the client", C, userdata(told("6 01"), "0a 00 0000"), "BSEND WRITE"},
};

const Vector plus[] = {
    {"explore", C, tpkts(from_hex("7201 000a 31 0000 04bb 0000 0001 00 72010000")),
     "S7PLUS_EXPLORE DISCOVER"},
    {"with an integrity part", C,
     tpkts(from_hex("7203 002b 20 00000000000000000000000000000000 00000000000000000000000000000000 "
                    "31 0000 0542 0000 0001 00 72030000")),
     "S7PLUS_SET_MULTI_VARIABLES WRITE"},
    {"answer", S, tpkts(from_hex("7202 000a 32 0000 054c 0000 0001 00 72020000")),
     "S7PLUS_GET_MULTI_VARIABLES READ"},
    {"answer of the other kind", S, tpkts(from_hex("7202 000a 02 0000 04f2 0000 0005 00 72020000")),
     "S7PLUS_SET_VARIABLE WRITE"},
    {"notification", S, tpkts(from_hex("7202 000a 33 0000 0001 0000 0001 00 72020000")),
     "unsolicited S7PLUS_NOTIFICATION READ"},
    {"keep alive", C, tpkts(from_hex("72ff 0002 0000")), "S7PLUS_KEEP_ALIVE SESSION"},
    {"unknown function", C, tpkts(from_hex("7201 000a 31 0000 0123 0000 0001 00 72010000")),
     "S7PLUS_OPAQUE PROGRAM"},
    {"unknown opcode", C, tpkts(from_hex("7201 000a 41 0000 04bb 0000 0001 00 72010000")),
     "S7PLUS_OPAQUE PROGRAM"},
    {"unknown version", C, tpkts(from_hex("7204 000a 31 0000 04bb 0000 0001 00 72040000")),
     "S7PLUS_OPAQUE PROGRAM"},
    {"wrong trailer", C, tpkts(from_hex("7201 000a 31 0000 04bb 0000 0001 00 72020000")),
     "S7PLUS_OPAQUE PROGRAM"},
    {"length too long", C, tpkts(from_hex("7201 000f 31 0000 04bb 0000 0001 00 72010000")),
     "S7PLUS_OPAQUE PROGRAM"},
    {"answer by the client", C, tpkts(from_hex("7202 000a 32 0000 054c 0000 0001 00 72020000")),
     "S7PLUS_OPAQUE PROGRAM"},
    {"opaque from the server", S, tpkts(from_hex("7204 0001 00")), "unsolicited S7PLUS_OPAQUE PROGRAM"},
    {"another protocol", C, tpkts(from_hex("16 0301 0002 0000")), "malformed protocol_id"},
};

const Vector hostile[] = {
    {"header cut", C, tpkts(from_hex("3201 0000 0007 0001")), "malformed parameter_length"},
    {"ROSCTR 8", C, tpkts(from_hex("3208 0000 0007 0001 0000 00")), "malformed rosctr"},
    {"ROSCTR 4", C, tpkts(from_hex("3204 0000 0007 0001 0000 00")), "malformed rosctr"},
    {"redundancy", C, tpkts(from_hex("3201 0001 0007 0001 0000 00")), "malformed redundancy_id"},
    {"parameter longer than the PDU", C, tpkts(from_hex("3201 0000 0007 0003 0000 0401")),
     "malformed parameter_length"},
    {"data longer than the PDU", C, tpkts(from_hex("3201 0000 0007 0001 0001 f0")), "malformed data_length"},
    {"octet behind the data", C, tpkts(from_hex("3201 0000 0007 0001 0000 f0 00")), "malformed data_length"},
    {"no function", C, job(""), "malformed parameter_length"},
    {"setup too short", C, job("f0 00 0001 0001 01"), "malformed parameter_length"},
    {"setup with data", C, job("f0 00 0001 0001 01e0", "00"), "malformed data_length"},
    {"read of nothing", C, job("04 00"), "malformed item_count"},
    {"read without a count", C, job("04"), "malformed parameter_length"},
    {"read with data", C, job("04 01" + any(2, 1, 1, 0x84, 0), "00"), "malformed data_length"},
    {"one item too few", C, job("04 02" + any(2, 1, 1, 0x84, 0)), "malformed variable_specification"},
    {"one item too many", C, job("04 01" + any(2, 1, 1, 0x84, 0) + any(2, 1, 1, 0x84, 0)),
     "malformed parameter_length"},
    {"other specification", C, job("04 01 130a 10 02 0001 0001 84 000000"),
     "malformed variable_specification"},
    {"length 9", C, job("04 01 1209 10 02 0001 0001 84 0000"), "malformed item_length"},
    {"length 11", C, job("04 01 120b 10 02 0001 0001 84 000000 00"), "malformed item_length"},
    {"length beyond the parameter", C, job("04 01 120b 10 02 0001 0001 84 000000"), "malformed item_length"},
    {"length 0", C, job("04 01 1200"), "malformed item_length"},
    {"transport size 0", C, job("04 01" + any(0, 1, 1, 0x84, 0)), "malformed transport_size"},
    {"transport size 13", C, job("04 01" + any(13, 1, 1, 0x84, 0)), "malformed transport_size"},
    {"timer in a data block", C, job("04 01" + any(0x1D, 1, 1, 0x84, 0)), "malformed transport_size"},
    {"bytes of timers", C, job("04 01" + any(2, 1, 0, 0x1D, 0)), "malformed transport_size"},
    {"count 0", C, job("04 01" + any(2, 0, 1, 0x84, 0)), "malformed count"},
    {"two bits", C, job("04 01" + any(1, 2, 1, 0x84, 0)), "malformed count"},
    {"byte at a bit", C, job("04 01" + any(2, 1, 1, 0x84, 3)), "malformed address"},
    {"behind the end of the area", C, job("04 01" + any(2, 2, 1, 0x84, 0xFFFFF8)), "malformed address"},
    {"far behind it", C, job("04 01" + any(15, 65535, 1, 0x84, 0xFFFFF8)), "malformed address"},
    {"timer behind the last", C, job("04 01" + any(0x1D, 2, 0, 0x1D, 65535)), "malformed address"},
    {"timer with a large number", C, job("04 01" + any(0x1D, 1, 0, 0x1D, 0x10000)), "malformed address"},
    {"unknown area", C, job("04 01" + any(2, 1, 1, 0x88, 0)), "malformed area"},
    {"DB read without areas", C, job("04 01 1202 b0 00"), "malformed item_length"},
    {"DB read with too few areas", C, job("04 01 1207 b0 02 04 0001 0010"), "malformed item_length"},
    {"DB read of no octets", C, job("04 01 1207 b0 01 00 0001 0010"), "malformed count"},
    {"no fill octet", C, job("04 02 1207 b0 01 04 0001 0010" + any(2, 1, 1, 0x84, 0)),
     "malformed variable_specification"},
    {"write without data", C, job("05 01" + any(2, 1, 1, 0x84, 0)), "malformed data"},
    {"fewer values than items", C,
     job("05 02" + any(2, 1, 1, 0x84, 0) + any(2, 1, 1, 0x84, 8), "00 04 0008 01 00"), "malformed data"},
    {"more values than items", C, job("05 01" + any(2, 1, 1, 0x84, 0), "00 04 0008 01 00 00 04 0008 01"),
     "malformed data_length"},
    {"fill octet behind the last value", C, job("05 01" + any(2, 1, 1, 0x84, 0), "00 04 0008 01 00"),
     "malformed data_length"},
    {"value longer than the item", C, job("05 01" + any(2, 1, 1, 0x84, 0), "00 04 0010 0102"),
     "malformed data_length"},
    {"value shorter than the item", C, job("05 01" + any(2, 2, 1, 0x84, 0), "00 04 0008 01"),
     "malformed data_length"},
    {"length in octets where it is in bits", C, job("05 01" + any(2, 1, 1, 0x84, 0), "00 04 0001 01"),
     "malformed data_length"},
    {"three bits for one", C, job("05 01" + any(1, 1, 1, 0x84, 0), "00 03 0003 00"), "malformed data_length"},
    {"no bit for one", C, job("05 01" + any(1, 1, 1, 0x84, 0), "00 03 0000"), "malformed data_length"},
    {"half an octet", C, job("05 01" + any(2, 1, 1, 0x84, 0), "00 04 0004 01"), "malformed data_length"},
    {"value beyond the PDU", C, job("05 01" + any(2, 1, 1, 0x84, 0), "00 04 0008"), "malformed data_length"},
    {"transport size of a value", C, job("05 01" + any(2, 1, 1, 0x84, 0), "00 08 0008 01"),
     "malformed data_length"},
    {"value without a transport size", C, job("05 01" + any(2, 1, 1, 0x84, 0), "00 00 0000"),
     "malformed data_length"},
    {"first of two bits counted in bits", C,
     job("05 02" + any(1, 1, 0, 0x83, 0) + any(2, 1, 1, 0x84, 0), "00 04 0008 01 00 00 04 0008 01"),
     "malformed data_length"},
    {"first of two bits with a length of two", C,
     job("05 02" + any(1, 1, 0, 0x83, 0) + any(2, 1, 1, 0x84, 0), "00 03 0002 01 00 00 04 0008 01"),
     "malformed data_length"},
    {"first of two values counted in octets", C,
     job("05 02" + any(2, 8, 1, 0x84, 0) + any(2, 1, 1, 0x84, 9),
         "00 09 0008 0102030405060708 00 04 0008 01"),
     "malformed data_length"},
    {"first of two reals counted in octets", C,
     job("05 02" + any(8, 1, 1, 0x84, 0) + any(2, 1, 1, 0x84, 9), "00 07 0004 40400000 00 04 0008 01"),
     "malformed data_length"},
    {"timer before another value, counted in bits", C,
     job("05 02" + any(0x1D, 1, 0, 0x1D, 5) + any(2, 1, 1, 0x84, 9), "00 04 0010 0100 00 04 0008 01"),
     "malformed data_length"},
    {"return code in a request", C, job("05 01" + any(2, 1, 1, 0x84, 0), "0a 04 0008 01"),
     "malformed return_code"},
    {"write by DB read", C, job("05 01 1207 b0 01 04 0001 0010", "00 04 0020 01020304"),
     "malformed syntax_id"},
    {"PI service without a name", C, job("28 000000000000fd 0000 00"), "malformed pi_service"},
    {"PI service with other fixed octets", C, job("28 000000000001fd 0000 05 5f47415242"),
     "malformed pi_service"},
    {"PI service, name too long", C, job("28 000000000000fd 0000 06 5f47415242"), "malformed pi_service"},
    {"PI service, octet behind the name", C, job("28 000000000000fd 0000 05 5f47415242 00"),
     "malformed parameter_length"},
    {"PI service, argument too long", C, job("28 000000000000fd 00ff 05 5f47415242"), "malformed argument"},
    {"delete of no blocks", C, job("28 000000000000fd 0002 0000 05 5f44454c45"), "malformed argument"},
    {"delete of a block and a half", C,
     job("28 000000000000fd 000e 0100 3038303030303141 30433030 05 5f44454c45"), "malformed argument"},
    {"stop with other fixed octets", C, job("29 0000000001 09 505f50524f4752414d"),
     "malformed parameter_length"},
    {"stop, octet behind the name", C, job("29 0000000000 09 505f50524f4752414d 00"), "malformed pi_service"},
    {"download without lengths", C, job("1a 00 0100 00000000 09 5f3041303030303150"),
     "malformed block_length"},
    {"download, octet behind the lengths", C,
     job("1a 00 0100 00000000 09 5f3041303030303150 0d 3130303035303030303034303000"),
     "malformed parameter_length"},
    {"upload without a name", C, job("1d 00 0000 00000000"), "malformed file_name"},
    {"upload with an empty name", C, job("1d 00 0000 00000000 00"), "malformed file_name"},
    {"upload of a name of 13 octets", C, job("1d 00 0000 00000000 0d 24414243444546474849 4a4b4c"),
     "malformed file_name"},
    {"upload, octet behind the name", C, job("1d 00 0000 00000000 04 24414243 00"),
     "malformed parameter_length"},
    {"upload id cut", C, job("1e 00 0000 000000"), "malformed parameter_length"},
    {"answer of the client to nothing", C, ack("1b 00"), "malformed pdu_reference"},
    {"userdata head", C, userdata("00011304 11440100", "0a 00 0000"), "malformed userdata"},
    {"userdata parameter cut", C, userdata("00011204 114401", "0a 00 0000"), "malformed parameter_length"},
    {"userdata length", C, userdata("00011208 11440100", "0a 00 0000"), "malformed parameter_length"},
    {"userdata method", C, userdata("00011204 12440100", "0a 00 0000"), "malformed method"},
    {"userdata type", C, userdata("00011204 11540100", "0a 00 0000"), "malformed type"},
    {"userdata group 0", C, userdata("00011204 11400100", "0a 00 0000"), "malformed function_group"},
    {"userdata, data beyond the PDU", C, userdata(ask("4 01"), "ff 09 0005 0132 0004"),
     "malformed data_length"},
    {"userdata, octet behind the data", C, userdata(ask("4 01"), "ff 09 0004 0132 0004 00"),
     "malformed data_length"},
    {"status list behind the parameter of a later part", C,
     userdata("00011208 124401000000 0000", "01 12 0004 0011 0000"), "malformed data_length"},
    {"last data unit 2", C, userdata("00011208 124401010002 0000", "0a 00 0000"), "malformed last_data_unit"},
    {"SZL without an index", C, userdata(ask("4 01"), "ff 09 0002 0132"), "malformed data_length"},
    {"block info without a block", C, userdata(ask("3 03"), "0a 00 0000"), "malformed data_length"},
    {"mode transition from the client", C, userdata("01001010 00000000"), "malformed userdata"},
    {"cyclic items fewer than told", C,
     userdata(ask("2 01"), "ff 09 0010 0002 01 05" + any(2, 4, 1, 0x84, 0)),
     "malformed variable_specification"},
    {"answer with fewer values", S, ack("04 02", "ff 04 0008 01"), "malformed fill"},
    {"answer with more values", S, ack("04 01", "ff 04 0008 01 00 ff 04 0008 01"), "malformed data_length"},
    {"answer with too many codes", S, ack("05 01", "ffff"), "malformed item_count"},
    {"answer to a read of nothing", S, ack("04 00"), "malformed item_count"},
    {"acknowledgement with a parameter", S, ack("04 01", "", 0, 7, 2), "malformed parameter_length"},
    {"answer without a function", S, ack(""), "malformed parameter_length"},
};

template <std::size_t N>
void check(const Vector (&vectors)[N]) {
  for (const Vector& vector : vectors) {
    CAPTURE(vector.name);
    CHECK(describe(vector.pdu, vector.sender) == vector.expected);
  }
}

}  // namespace

TEST_CASE("jobs that read and write") { check(jobs); }
TEST_CASE("services, blocks, userdata") { check(services); }
TEST_CASE("S7comm-plus") { check(plus); }
TEST_CASE("what is malformed") { check(hostile); }

TEST_CASE("each octet less and each octet more is malformed, or another number of octets that all agree") {
  for (const Vector& vector : jobs) {
    Octets more = vector.pdu;
    more.push_back(0);
    Octets less = vector.pdu;
    less.pop_back();
    CAPTURE(vector.name);
    CHECK(describe(more, vector.sender) == "malformed end_of_tsdu");
    CHECK(describe(less, vector.sender) == "malformed length");
    more[3] = static_cast<std::uint8_t>(more[3] + 1);  // the TPKT alone agrees
    less[3] = static_cast<std::uint8_t>(less[3] - 1);
    CHECK(describe(more, vector.sender).starts_with("malformed"));
    CHECK(describe(less, vector.sender).starts_with("malformed"));
  }
}

TEST_CASE("names in function_name are those of Function") {
  CHECK(s7comm_protocol.function_name(s7comm::READ_SZL) == "READ_SZL");
  CHECK(s7comm_protocol.function_name(0x2108) == "MODIFY_VARIABLE");
  CHECK(s7comm_protocol.function_name(0x75B3) == "S7PLUS_INIT_SSL");
  CHECK(s7comm_protocol.function_name(0).empty());
  CHECK(s7comm_protocol.function_name(0x75B4).empty());
}
