#include "protocols/core/bytes.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace conduit;

TEST_CASE("reads in both byte orders, in sequence") {
  const std::array<std::uint8_t, 13> data{0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
                                          0x08, 0x09, 0x0a, 0x0b, 0x0c, 0xff};
  Cursor cursor{Bytes{data}};
  std::uint8_t octet = 0;
  std::uint16_t big16 = 0;
  std::uint16_t little16 = 0;
  std::uint32_t big32 = 0;
  CHECK(cursor.u16be(big16));
  CHECK(big16 == 0x0102);
  CHECK(cursor.u16le(little16));
  CHECK(little16 == 0x0403);
  CHECK(cursor.u32be(big32));
  CHECK(big32 == 0x05060708U);
  std::uint32_t little32 = 0;
  CHECK(cursor.u32le(little32));
  CHECK(little32 == 0x0c0b0a09U);
  CHECK(cursor.u8(octet));
  CHECK(octet == 0xff);
  CHECK(cursor.empty());
}

TEST_CASE("false means nothing was read and nothing was written") {
  const std::array<std::uint8_t, 3> data{1, 2, 3};
  Cursor cursor{Bytes{data}};
  std::uint32_t value = 0xdeadbeef;
  CHECK_FALSE(cursor.u32be(value));
  CHECK_FALSE(cursor.u32le(value));
  CHECK(value == 0xdeadbeef);
  Bytes view{data.data() + 1, 1};
  CHECK_FALSE(cursor.bytes(4, view));
  CHECK(view.data() == data.data() + 1);
  Cursor child;
  CHECK_FALSE(cursor.take(4, child));
  CHECK(child.empty());
  CHECK_FALSE(cursor.skip(static_cast<std::size_t>(-1)));  // pos + n would wrap around
  CHECK(cursor.remaining() == 3);

  CHECK(cursor.skip(3));
  std::uint8_t octet = 7;
  std::uint16_t word = 7;
  CHECK_FALSE(cursor.u8(octet));
  CHECK_FALSE(cursor.u16be(word));
  CHECK_FALSE(cursor.u16le(word));
  CHECK(octet == 7);
  CHECK(word == 7);
}

TEST_CASE("a child cursor cannot reach outside its part, the parent moves behind it") {
  const std::array<std::uint8_t, 5> data{1, 2, 3, 4, 5};
  Cursor parent{Bytes{data}};
  Cursor child;
  REQUIRE(parent.take(3, child));
  CHECK(parent.remaining() == 2);
  std::uint32_t wide = 0;
  CHECK_FALSE(child.u32be(wide));
  CHECK(child.skip(2));
  std::uint8_t octet = 0;
  CHECK(child.u8(octet));
  CHECK(octet == 3);
  CHECK_FALSE(child.u8(octet));
  CHECK(parent.u8(octet));
  CHECK(octet == 4);
  CHECK(parent.rest().size() == 1);
  CHECK(parent.rest()[0] == 5);
}

TEST_CASE("an empty cursor gives nothing, but empty parts") {
  Cursor cursor;
  CHECK(cursor.empty());
  CHECK(cursor.skip(0));
  Cursor child;
  CHECK(cursor.take(0, child));
  std::uint8_t octet = 0;
  CHECK_FALSE(cursor.u8(octet));
}

TEST_CASE("stores and loads are each other's inverse") {
  std::array<std::uint8_t, 4> data{};
  store_u16be(data.data(), 0xa1b2);
  CHECK(data[0] == 0xa1);
  CHECK(data[1] == 0xb2);
  CHECK(load_u16be(data.data()) == 0xa1b2);
  store_u32be(data.data(), 0x80fedcbaU);
  CHECK(data[0] == 0x80);
  CHECK(data[3] == 0xba);
  CHECK(load_u32be(data.data()) == 0x80fedcbaU);
}
