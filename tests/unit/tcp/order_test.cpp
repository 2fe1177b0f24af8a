// Law 3: first data wins and stays; order, windows, timestamps.
#include <doctest/doctest.h>
#include <algorithm>

#include "tests/unit/tcp/lab.hpp"

namespace conduit::tcp_test {

TEST_CASE("an equal retransmission passes and is not judged again") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, read_request(1)));
  const Lab::Out out = lab.send(0, Lab::data(0, 0, read_request(1)));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload == read_request(1));
  CHECK(lab.judged[0].size() == 1);
}

TEST_CASE("a retransmission with other bytes is dropped and the flow reset") {
  for (std::size_t at = 0; at < 12; ++at) {
    CAPTURE(at);
    Lab lab;
    lab.connect();
    (void)lab.send(0, Lab::data(0, 0, read_request(1)));
    Octets other_bytes = read_request(1);
    other_bytes[at] ^= 1;
    const Lab::Out out = lab.send(0, Lab::data(0, 0, other_bytes));
    CHECK(lab.count(Reason::TCP_RETRANSMISSION_DIFFERS) == 1);
    CHECK_FALSE(lab.alive());
    REQUIRE(out.to[1].size() == 1);
    CHECK((out.to[1][0].flags & TCP_RST) != 0);
    CHECK(out.to[1][0].payload.empty());
  }
}

TEST_CASE("a retransmission that differs from held bytes is dropped and the flow reset") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, part(read_request(1), 0, 10)));
  Octets lie = part(read_request(1), 0, 10);
  lie[7] = 6;
  (void)lab.send(0, Lab::data(0, 0, lie + Octets{0, 2}));
  CHECK(lab.count(Reason::TCP_RETRANSMISSION_DIFFERS) == 1);
  CHECK(lab.judged[0].empty());
}

TEST_CASE("a retransmission with other boundaries, forwards and backwards") {
  Lab lab;
  lab.connect();
  const Octets all = read_request(1) + read_request(2) + read_request(3);
  (void)lab.send(0, Lab::data(0, 0, part(all, 0, 24)));
  Lab::Out out = lab.send(0, Lab::data(0, 5, part(all, 5, 10)));  // within
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload == part(all, 5, 10));
  out = lab.send(0, Lab::data(0, 12, part(all, 12, 24)));  // old and new together
  Octets got;
  for (const Segment& segment : out.to[1]) got = got + segment.payload;
  CHECK(got == part(all, 12, 24));
  CHECK(lab.judged[0].size() == 3);
}

TEST_CASE("old and new together, the new part ends in a cut PDU") {
  Lab lab;
  lab.connect();
  const Octets all = read_request(1) + read_request(2);
  (void)lab.send(0, Lab::data(0, 0, part(all, 0, 12)));
  const Lab::Out out = lab.send(0, Lab::data(0, 6, part(all, 6, 16)));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload == part(all, 6, 6));
}

TEST_CASE("what the receiver has wholly acknowledged passes stripped, whatever it carries") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, read_request(1)));
  (void)lab.send(1, Lab::data(1, 0, {}, 12));
  Lab::Out out =
      lab.send(0, Lab::data(0, 0, write_request(1)));  // other bytes: the receiver has no use for them
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload.empty());
  CHECK(out.to[1][0].sequence == Lab::base(0));
  CHECK(lab.alive());
  CHECK(lab.judged[0].size() == 1);
}

TEST_CASE("keep-alives pass stripped, with and without their byte") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, read_request(1)));
  (void)lab.send(1, Lab::data(1, 0, {}, 12));
  for (const Octets& payload : {Octets{}, Octets{0x77}}) {
    Segment alive = Lab::data(0, 11, payload);
    alive.flags = TCP_ACK;
    const Lab::Out out = lab.send(0, alive);
    REQUIRE(out.to[1].size() == 1);
    CHECK(out.to[1][0].sequence == Lab::base(0) + 11);
    CHECK(out.to[1][0].payload.empty());
  }
}

TEST_CASE("a zero window probe asks without its byte") {
  Lab lab;
  lab.connect();
  Segment full = Lab::data(1, 0, {});
  full.window = 12;
  lab.flow.tcp.stream[0].edge_r = Lab::base(0) + 12;
  (void)lab.send(0, Lab::data(0, 0, read_request(1)));
  full = Lab::data(1, 0, {}, 12);
  full.window = 0;
  (void)lab.send(1, full);
  Lab::Out out = lab.send(0, Lab::data(0, 12, {0x55}));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload.empty());
  CHECK(out.to[1][0].sequence == Lab::base(0) + 11);  // old: the receiver has to answer
  CHECK(lab.flow.tcp.stream[0].received == Lab::base(0) + 12);
}

TEST_CASE("a closed window: probes again and again, then it opens and the byte is taken") {
  Lab lab;
  lab.connect();
  Segment closed = Lab::data(1, 0, {}, 0);
  closed.window = 0;
  lab.flow.tcp.stream[0].edge_r = Lab::base(0);
  (void)lab.send(1, closed);
  const Octets request = read_request(1);
  for (int i = 0; i < 3; ++i) {
    const Lab::Out out = lab.send(0, Lab::data(0, 0, part(request, 0, 1)));
    REQUIRE(out.to[1].size() == 1);
    CHECK(out.to[1][0].payload.empty());
    CHECK(lab.send(1, closed).to[0].size() == 1);
  }
  CHECK(lab.denied.empty());
  closed.window = 500;
  (void)lab.send(1, closed);
  CHECK(lab.send(0, Lab::data(0, 0, request)).to[1].size() == 1);
  CHECK(lab.judged[0].size() == 1);
}

TEST_CASE("a closed window: the end of a stream asks, too, until there is room for it") {
  Lab lab;
  lab.connect();
  Segment closed = Lab::data(1, 0, {}, 0);
  closed.window = 0;
  lab.flow.tcp.stream[0].edge_r = Lab::base(0);
  (void)lab.send(1, closed);
  Segment fin = Lab::data(0, 0, {});
  fin.flags = TCP_ACK | TCP_FIN;
  for (int i = 0; i < 3; ++i) {
    const Lab::Out out = lab.send(0, fin);
    REQUIRE(out.to[1].size() == 1);
    CHECK(out.to[1][0].flags == TCP_ACK);
    CHECK(out.to[1][0].sequence == Lab::base(0) - 1);
  }
  CHECK(lab.denied.empty());
  closed.window = 500;
  (void)lab.send(1, closed);
  const Lab::Out out = lab.send(0, fin);
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].flags == (TCP_ACK | TCP_FIN));
}

TEST_CASE("data beyond the window are dropped") {
  Lab lab;
  lab.connect();
  const Lab::Out out = lab.send(0, Lab::data(0, 60000, read_request(1)));
  CHECK(out.to[1].empty());
  CHECK(lab.count(Reason::TCP_OUT_OF_WINDOW) == 1);
  CHECK(lab.alive());
}

TEST_CASE("a whole PDU that ends beyond the window is dropped") {
  Lab lab;
  lab.connect();
  lab.flow.tcp.stream[0].edge_r = Lab::base(0) + 18;
  CHECK(lab.send(0, Lab::data(0, 0, read_request(1))).to[1].size() == 1);
  CHECK(lab.send(0, Lab::data(0, 12, read_request(2))).to[1].empty());
  CHECK(lab.count(Reason::TCP_OUT_OF_WINDOW) == 1);
}

TEST_CASE("retained bytes have a bound, one PDU at a time") {
  Lab lab(200);
  lab.connect();
  lab.flow.tcp.stream[0].edge_r = Lab::base(0) + 200000;
  for (std::uint32_t at = 0; at < 100000 && lab.denied.empty(); at += 12) {
    (void)lab.send(0, Lab::data(0, at, read_request(1)));
  }
  CHECK(lab.count(Reason::TCP_RETAINED_FULL) == 1);
  CHECK(lab.flow.tcp.stream[0].kept.size <= retained_size_max);
}

TEST_CASE("data from far below the window are dropped") {
  Lab lab;
  lab.connect();
  (void)lab.send(0, Lab::data(0, 0, read_request(1)));
  (void)lab.send(1, Lab::data(1, 0, {}, 12));
  CHECK(lab.send(0, Lab::data(0, 0U - 70000, write_request(2))).to[1].empty());
  CHECK(lab.send(0, Lab::data(0, 0x80000000U, write_request(2))).to[1].empty());
  CHECK(lab.count(Reason::TCP_OUT_OF_WINDOW) == 2);
  CHECK(lab.alive());
}

TEST_CASE("an acknowledgement of what was never sent is dropped") {
  Lab lab;
  lab.connect();
  CHECK(lab.send(0, Lab::data(0, 0, read_request(1), 1)).to[1].empty());
  CHECK(lab.count(Reason::TCP_OUT_OF_WINDOW) == 1);
}

TEST_CASE("RST: what it carries stays behind") {
  Lab lab;
  lab.connect();
  Segment rst = Lab::data(0, 0, write_request(1));
  rst.flags = TCP_RST | TCP_ACK;
  const Lab::Out out = lab.send(0, rst);
  REQUIRE(out.to[1].size() == 1);
  CHECK((out.to[1][0].flags & TCP_RST) != 0);
  CHECK(out.to[1][0].payload.empty());
}

TEST_CASE("early segments wait, in any order, and leave in order") {
  const Octets all = read_request(1) + read_request(2) + read_request(3);
  std::vector<std::uint32_t> order{0, 9, 18, 27};
  do {
    Lab lab;
    lab.connect();
    std::size_t permitted = 0;
    Octets stream(all.size(), 0);
    for (const std::uint32_t at : order) {
      for (const Segment& segment : lab.send(0, Lab::data(0, at, part(all, at, 9))).to[1]) {
        const std::size_t offset = segment.sequence - Lab::base(0);
        if (segment.payload.empty()) continue;
        std::copy(segment.payload.begin(), segment.payload.end(),
                  stream.begin() + static_cast<std::ptrdiff_t>(offset));
        permitted += segment.payload.size();
      }
    }
    CHECK(stream == all);
    CHECK(permitted == all.size());
    CHECK(lab.judged[0].size() == 3);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("an early segment makes the receiver repeat its acknowledgement") {
  Lab lab;
  lab.connect();
  const Lab::Out out = lab.send(0, Lab::data(0, 12, read_request(2)));
  REQUIRE(out.to[1].size() == 1);
  CHECK(out.to[1][0].payload.empty());
  CHECK(out.to[1][0].sequence == Lab::base(0) - 1);
}

TEST_CASE("early bytes that are contradicted reset the flow: by other early ones, by those in order") {
  for (const bool in_order : {false, true}) {
    for (const std::size_t wrong : {std::size_t{6}, std::size_t{7}, std::size_t{11}}) {  // first to last
      CAPTURE(wrong);
      Lab lab;
      lab.connect();
      (void)lab.send(0, Lab::data(0, 6, part(read_request(1), 6)));
      Octets lie = read_request(1);
      lie[wrong] ^= 1;
      (void)lab.send(0, in_order ? Lab::data(0, 0, lie) : Lab::data(0, 5, part(lie, 5)));
      CHECK(lab.count(Reason::TCP_RETRANSMISSION_DIFFERS) == 1);
      CHECK(lab.judged[0].empty());
      CHECK(lab.pool.in_use() == 0);
    }
  }
}

TEST_CASE("too many early segments: the next is dropped, the connection lives") {
  Lab lab;
  lab.connect();
  for (std::uint32_t i = 1; i <= 9; ++i) (void)lab.send(0, Lab::data(0, 24 * i, read_request(1)));
  CHECK(lab.count(Reason::TCP_OUT_OF_ORDER_FULL) == 1);
  CHECK(lab.pool.in_use() == 8);
  CHECK(lab.alive());
}

TEST_CASE("no block for an early segment, none for retained bytes: dropped, TCP slows down") {
  Lab lab(1);
  lab.connect();
  (void)lab.send(0, Lab::data(0, 500, read_request(1)));
  (void)lab.send(0, Lab::data(0, 600, read_request(1)));
  CHECK(lab.count(Reason::TCP_OUT_OF_ORDER_FULL) == 1);
  Octets many;
  for (std::uint16_t i = 0; i < 6; ++i) many = many + read_request(i);
  CHECK(lab.send(0, Lab::data(0, 0, many)).to[1].empty());
  CHECK(lab.count(Reason::TCP_RETAINED_FULL) == 1);
  CHECK(lab.judged[0].empty());
  CHECK(lab.alive());
}

TEST_CASE("retained bytes have a bound") {
  Lab lab(200);
  lab.connect();
  lab.flow.tcp.stream[0].edge_r = Lab::base(0) + 200000;
  Octets many;
  for (std::uint16_t i = 0; i < 100; ++i) many = many + read_request(i);
  std::uint32_t at = 0;
  while (lab.count(Reason::TCP_RETAINED_FULL) == 0 && at < 200000) {
    (void)lab.send(0, Lab::data(0, at, many));
    at += 1200;
  }
  CHECK(lab.flow.tcp.stream[0].kept.size <= retained_size_max);
  CHECK(lab.flow.tcp.stream[0].kept.size > retained_size_max - 1200);
  (void)lab.send(1, Lab::data(1, 0, {}, 2400));  // the receiver has taken some: there is room again
  const std::uint32_t next = lab.flow.tcp.stream[0].received - Lab::base(0);
  CHECK(lab.send(0, Lab::data(0, next, many)).to[1].size() == 1);
}

TEST_CASE("early segments do not push the retained bytes beyond their bound") {
  Lab lab(200);
  lab.connect();
  lab.flow.tcp.stream[0].edge_r = Lab::base(0) + 200000;
  Octets many;
  for (std::uint16_t i = 0; i < 100; ++i) many = many + read_request(i);
  const std::uint32_t full = 54 * 1200;  // the next segment of 1200 finds no room
  for (std::uint32_t at = 0; at < full - 1200; at += 1200) (void)lab.send(0, Lab::data(0, at, many));
  for (std::uint32_t i = 0; i < 4; ++i) (void)lab.send(0, Lab::data(0, full + 1200 * i, many));
  (void)lab.send(0, Lab::data(0, full - 1200, many));
  CHECK(lab.flow.tcp.stream[0].kept.size == full);
  (void)lab.send(1, Lab::data(1, 0, {}, full));
  CHECK(lab.alive());
  // What waited is taken with the next segment in order.
  const Lab::Out out = lab.send(0, Lab::data(0, full, many));
  CHECK(lab.flow.tcp.stream[0].received == Lab::base(0) + full + 4800);
  CHECK_FALSE(out.to[1].empty());
}

TEST_CASE("timestamps: an old one is dropped, whatever it carries") {
  Lab lab;
  Segment syn;
  syn.sequence = Lab::isn[0];
  syn.flags = TCP_SYN;
  syn.timestamp = 100;
  (void)lab.send(0, syn);
  Segment answer;
  answer.sequence = Lab::isn[1];
  answer.acknowledgement = Lab::base(0);
  answer.flags = TCP_SYN | TCP_ACK;
  answer.timestamp = 7;
  (void)lab.send(1, answer);
  Segment ack = Lab::data(0, 0, {});
  ack.timestamp = 101;
  (void)lab.send(0, ack);
  Segment first = Lab::data(0, 0, read_request(1));
  first.timestamp = 110;
  CHECK(lab.send(0, first).to[1].size() == 1);
  Segment old = Lab::data(0, 12, read_request(2));
  old.timestamp = 109;
  CHECK(lab.send(0, old).to[1].empty());
  CHECK(lab.count(Reason::TCP_TIMESTAMP_OLD) == 1);
  old.timestamp = 110;
  CHECK(lab.send(0, old).to[1].size() == 1);
  // What the engine says in the server's name carries the server's clock.
  Segment denied = Lab::data(0, 24, write_request(3));
  denied.timestamp = 120;
  const Lab::Out out = lab.send(0, denied);
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].timestamp == 7);
  CHECK(out.to[0][0].timestamp_echo == 120);
}

TEST_CASE("one segment spans many PDUs, and numbers wrap within it") {
  Lab lab;
  lab.connect();
  Octets many;
  for (std::uint16_t i = 0; i < 60; ++i) many = many + read_response(i);
  const Lab::Out out = lab.send(1, Lab::data(1, 0, many));  // Lab::isn[1] is shortly before the wrap
  REQUIRE(out.to[0].size() == 1);
  CHECK(out.to[0][0].payload == many);
  CHECK(lab.judged[1].size() == 60);
}

}  // namespace conduit::tcp_test
