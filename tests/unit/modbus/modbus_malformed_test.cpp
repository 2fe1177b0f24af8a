// One field wrong at a time, and the field that is named for it.
#include <doctest/doctest.h>

#include <array>

#include "protocols/modbus/modbus_decoder.hpp"
#include "tests/unit/modbus/modbus_support.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr Role client = Role::CLIENT;
constexpr Role server = Role::SERVER;

struct Malformed {
  const char* name;
  Role sender;
  const char* pdu;
  const char* field;
};

constexpr auto rows = std::to_array<Malformed>({
    {"function 0", client, "00", "function"},
    {"function 0 with data", client, "00 0000 0001", "function"},
    {"function 128 asked", client, "80 01", "function"},
    {"exception code asked", client, "83 02", "function"},
    {"last exception asked", client, "ff 02", "function"},
    {"no coils", client, "01 0000 0000", "quantity"},
    {"2001 coils", client, "01 0000 07d1", "quantity"},
    {"coils over the end", client, "01 ffff 0002", "address"},
    {"no inputs", client, "02 0000 0000", "quantity"},
    {"2001 inputs", client, "02 0000 07d1", "quantity"},
    {"inputs over the end", client, "02 fff0 0011", "address"},
    {"no registers", client, "03 0000 0000", "quantity"},
    {"126 registers", client, "03 0000 007e", "quantity"},
    {"registers over the end", client, "03 ff84 007d", "address"},
    {"no input registers", client, "04 0000 0000", "quantity"},
    {"126 input registers", client, "04 0000 007e", "quantity"},
    {"input registers over the end", client, "04 ffff 0002", "address"},
    {"coil half on", client, "05 0000 ff01", "value"},
    {"coil 1", client, "05 0000 0001", "value"},
    {"coil ffff", client, "05 0000 ffff", "value"},
    {"register and half", client, "06 0000 0001 00", "length"},
    {"restart with another word", client, "08 0001 ff01", "data"},
    {"diagnostic register with data", client, "08 0002 0001", "data"},
    {"delimiter in the wrong octet", client, "08 0003 000a", "data"},
    {"listen only with data", client, "08 0004 0001", "data"},
    {"clear counters with data", client, "08 000a ff00", "data"},
    {"query without data", client, "08 0000", "data"},
    {"query with half a word", client, "08 0000 01", "data"},
    {"half a sub-function", client, "08 00", "sub_function"},
    {"no coils written", client, "0f 0000 0000 00", "quantity"},
    {"1969 coils written", client, "0f 0000 07b1 f7 00*246", "quantity"},
    {"coils written over the end", client, "0f fff9 0008 01 00", "address"},
    {"coil byte count low", client, "0f 0000 0009 01 ff", "byte_count"},
    {"coil byte count high", client, "0f 0000 0008 02 ff 00", "byte_count"},
    {"coil data longer than its count", client, "0f 0000 0008 01 ff 00", "length"},
    {"coil data shorter than its count", client, "0f 0000 0009 02 ff", "length"},
    {"coils in the padding", client, "0f 0000 0009 02 ff 02", "padding"},
    {"no registers written", client, "10 0000 0000 00", "quantity"},
    {"124 registers written", client, "10 0000 007c f8 00*247", "quantity"},
    {"registers written over the end", client, "10 ffff 0002 04 0000 0000", "address"},
    {"register byte count odd", client, "10 0000 0001 03 0000 00", "byte_count"},
    {"register byte count low", client, "10 0000 0002 02 0000 0000", "byte_count"},
    {"register byte count high", client, "10 0000 0001 04 0000 0000", "byte_count"},
    {"register data longer than its count", client, "10 0000 0001 02 0000 0000", "length"},
    {"no sub-request", client, "14 00", "byte_count"},
    {"sub-request too short", client, "14 06 06 0001 0000 00", "byte_count"},
    {"file byte count wrong", client, "14 0e 06 0001 0000 0001", "length"},
    {"sub-requests beyond the answer", client, "14 f6 00*246", "byte_count"},
    {"reference type 5", client, "14 07 05 0001 0000 0001", "reference_type"},
    {"second reference type 7", client, "14 0e 06 0001 0000 0001 07 0001 0000 0001", "reference_type"},
    {"file 0", client, "14 07 06 0000 0000 0001", "file"},
    {"record 10000", client, "14 07 06 0001 2710 0001", "record"},
    {"no records", client, "14 07 06 0001 0000 0000", "record_length"},
    {"records over the end", client, "14 07 06 0001 270f 0002", "record_length"},
    {"more records than an answer holds", client, "14 07 06 0001 0000 007a", "record_length"},
    {"more records than an answer holds, in two", client, "14 0e 06 0001 0000 003d 06 0001 0000 003d",
     "record_length"},
    {"file write too short", client, "15 08 06 0001 0000 0001 00", "byte_count"},
    {"file write without data", client, "15 09 06 0001 0000 0002 0000", "record_length"},
    {"file write with data left", client, "15 0b 06 0001 0000 0001 0000 0000", "reference_type"},
    {"file write of nothing", client, "15 09 06 0001 0000 0000 0000", "record_length"},
    {"file write count wrong", client, "15 0b 06 0001 0000 0001 0000", "length"},
    {"file write to file 0", client, "15 09 06 0000 0000 0001 0000", "file"},
    {"nothing read, then written", client, "17 0000 0000 0000 0001 02 0000", "read_range"},
    {"126 read, then written", client, "17 0000 007e 0000 0001 02 0000", "read_range"},
    {"read over the end, then written", client, "17 ffff 0002 0000 0001 02 0000", "read_range"},
    {"read, nothing written", client, "17 0000 0001 0000 0000 00", "write_range"},
    {"read, 122 written", client, "17 0000 0001 0000 007a f4 00*243", "write_range"},
    {"read, written over the end", client, "17 0000 0001 ffff 0002 04 0000 0000", "write_range"},
    {"read/write byte count", client, "17 0000 0001 0000 0001 04 0000 0000", "byte_count"},
    {"read/write data too long", client, "17 0000 0001 0000 0001 02 0000 0000", "length"},
    {"fifo with quantity", client, "18 0000 0001", "length"},
    {"no MEI type", client, "2b", "sub_function"},
    {"device id without code", client, "2b 0e", "read_device_id_code"},
    {"device id code 0", client, "2b 0e 00 00", "read_device_id_code"},
    {"device id code 5", client, "2b 0e 05 00", "read_device_id_code"},
    {"device id without object", client, "2b 0e 01", "object"},

    {"answer with function 0", server, "00 01", "function"},
    {"exception to function 0", server, "80 01", "function"},
    {"exception code 0", server, "83 00", "exception_code"},
    {"exception without code", server, "83", "exception_code"},
    {"exception with two codes", server, "83 02 00", "length"},
    {"no coils answered", server, "01 00", "byte_count"},
    {"251 octets of coils", server, "01 fb 00*251", "byte_count"},
    {"coils longer than counted", server, "01 01 00 00", "length"},
    {"registers odd", server, "03 03 000000", "byte_count"},
    {"no registers answered", server, "03 00", "byte_count"},
    {"126 registers answered", server, "03 fc 00*251", "byte_count"},
    {"registers shorter than counted", server, "04 04 0000", "length"},
    {"two exception status octets", server, "07 00 00", "length"},
    {"counter too long", server, "08 000b 0000 0000", "data"},
    {"event counter too short", server, "0b ffff 01", "length"},
    {"event log too short", server, "0c 05 0000 0108 01", "byte_count"},
    {"event log too long", server, "0c 47 00*71", "byte_count"},
    {"written coils with data", server, "0f 0013 000a 02 cd 01", "length"},
    {"no coils written, answered", server, "0f 0000 0000", "quantity"},
    {"1969 coils written, answered", server, "0f 0000 07b1", "quantity"},
    {"written registers over the end", server, "10 ffff 0002", "address"},
    {"124 registers written, answered", server, "10 0000 007c", "quantity"},
    {"server id miscounted", server, "11 03 41 ff", "length"},
    {"file answer even", server, "14 05 04 06 000000", "file_response_length"},
    {"file answer of nothing", server, "14 04 01 06 0303", "file_response_length"},
    {"file answer too long inside", server, "14 04 05 06 0000", "file_response_length"},
    {"file answer of type 5", server, "14 04 03 05 0000", "reference_type"},
    {"fifo of 32", server, "18 0042 0020 00*64", "fifo_count"},
    {"fifo count disagrees", server, "18 0006 0001 0000 0000", "fifo_count"},
    {"fifo byte count disagrees", server, "18 0004 0002 0000 0000", "byte_count"},
    {"device id: no object of one", server, "2b 0e 01 01 00 00 01", "object"},
    {"device id: fewer objects, as in the specification's example", server,
     "2b 0e 01 01 00 00 03 02 05 56322e3131", "object"},
    {"device id: half an object", server, "2b 0e 01 01 00 00 02 00 01 41 01", "object_length"},
    {"device id: code 5 answered", server, "2b 0e 05 01 00 00 00", "read_device_id_code"},
    {"device id: no count", server, "2b 0e 01 01 00 00", "number_of_objects"},
    {"device id: more objects", server, "2b 0e 01 01 00 00 01 00 01 41 01 01 42", "length"},
    {"device id: object too long", server, "2b 0e 01 01 00 00 01 00 02 41", "object_length"},
});

}  // namespace

TEST_CASE("a wrong field is named") {
  for (const Malformed& row : rows) {
    CAPTURE(std::string(row.name));
    CHECK(describe(adu(row.pdu), row.sender) == "malformed " + std::string(row.field));
  }
}

TEST_CASE("a wrong header is named, whatever follows") {
  const Octets good = adu("03 0000 0001");
  for (std::size_t bit = 0; bit < 16; ++bit) {
    Octets bad = good;
    bad[2 + bit / 8] = static_cast<std::uint8_t>(1U << (bit % 8));
    CHECK(describe(bad, Role::CLIENT) == "malformed protocol_id");
  }
  for (const unsigned length : {0U, 1U, 5U, 7U, 254U, 255U}) {
    Octets bad = good;
    bad[5] = static_cast<std::uint8_t>(length);
    CHECK(describe(bad, Role::CLIENT) == "malformed length");
  }
  Octets bad = good;
  bad[4] = 1;
  CHECK(describe(bad, Role::CLIENT) == "malformed length");
}

TEST_CASE("every quantity within the limit is taken, none beyond") {
  struct Limit {
    std::uint8_t function;
    unsigned most;
  };
  for (const Limit limit : {Limit{1, 2000}, Limit{2, 2000}, Limit{3, 125}, Limit{4, 125}}) {
    for (unsigned quantity = 0; quantity < 0x10000; ++quantity) {
      Octets request = adu("00 0000 0000");
      request[7] = limit.function;
      store_u16be(&request[10], static_cast<std::uint16_t>(quantity));
      const bool good = head_of(request, Role::CLIENT).well_formed;
      if (good != (quantity >= 1 && quantity <= limit.most))
        FAIL("function ", int{limit.function}, " ", quantity);
    }
  }
}
