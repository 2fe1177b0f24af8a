// Permitted dialogues: they pass byte for byte, however they are cut.
#include <doctest/doctest.h>

#include "tests/unit/tcp/lab.hpp"

namespace conduit::tcp_test {

TEST_CASE("a request and its answer pass as they came") {
  Lab lab;
  lab.connect();
  const Segment request = Lab::data(0, 0, read_request(1));
  const Lab::Out to_server = lab.send(0, request);
  REQUIRE(to_server.to[1].size() == 1);
  CHECK(to_server.to[1][0].payload == request.payload);
  CHECK(to_server.to[1][0].sequence == request.sequence);
  CHECK(to_server.to[1][0].flags == request.flags);
  const Lab::Out to_client = lab.send(1, Lab::data(1, 0, read_response(1), 12));
  REQUIRE(to_client.to[0].size() == 1);
  CHECK(to_client.to[0][0].payload == read_response(1));
  CHECK(lab.judged[0].size() == 1);
  CHECK(lab.judged[1].size() == 1);
  CHECK(lab.flow.tcp.stream[0].kept.size == 0);  // acknowledged
}

TEST_CASE("a dialogue of many requests passes") {
  Lab lab;
  Dialogue dialogue(lab);
  Octets all;
  for (std::uint16_t i = 0; i < 50; ++i) {
    all = all + read_request(i);
    dialogue.client.write(read_request(i));
    dialogue.run();
  }
  CHECK(dialogue.server.inbox == all);
  CHECK(split_adus(dialogue.client.inbox).size() == 50);
  CHECK(dialogue.client.idle());
}

TEST_CASE("all splits: each way to cut two requests in two") {
  const Octets all = read_request(1) + read_request(2, 9);
  for (std::size_t cut = 1; cut < all.size(); ++cut) {
    CAPTURE(cut);
    Lab lab;
    Dialogue dialogue(lab);
    dialogue.client.write(part(all, 0, cut));
    dialogue.client.write(part(all, cut));
    dialogue.run();
    CHECK(dialogue.server.inbox == all);
    CHECK(dialogue.client.inbox == read_response(1) + read_response(2));
    CHECK(lab.judged[0] == std::vector<Octets>{read_request(1), read_request(2, 9)});
    CHECK(dialogue.client.idle());
  }
}

TEST_CASE("all splits: byte by byte") {
  const Octets all = read_request(1) + read_request(2, 9);
  Lab lab;
  Dialogue dialogue(lab);
  dialogue.client.write_cut(all, 1);
  dialogue.run();
  CHECK(dialogue.server.inbox == all);
  CHECK(lab.judged[0] == std::vector<Octets>{read_request(1), read_request(2, 9)});
}

}  // namespace conduit::tcp_test
