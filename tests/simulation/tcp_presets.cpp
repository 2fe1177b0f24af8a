#include "tests/simulation/tcp_presets.hpp"

namespace conduit::simulation {
namespace {

// A small embedded stack: no options but the MSS, and no delay of acknowledgements.
TcpTraits plain() {
  TcpTraits traits;
  traits.has_scale = false;
  traits.timestamps = false;
  traits.sack = false;
  return traits;
}

}  // namespace

std::vector<NamedTraits> cannot_go_on() {
  TcpTraits one_in_flight = plain();
  one_in_flight.one_in_flight = true;
  one_in_flight.write_pieces_max = 2;
  TcpTraits one_in_flight_small = one_in_flight;
  one_in_flight_small.mss = 64;
  one_in_flight_small.write_pieces_max = 1;
  TcpTraits nagle = plain();  // header and body are written apart: the body waits for the header's ACK
  nagle.nagle = true;
  nagle.write_pieces_max = 2;
  TcpTraits nagle_delayed = nagle;
  nagle_delayed.acknowledgement_delay_us = 200000;
  TcpTraits small_window = plain();
  small_window.window = 100;
  TcpTraits tiny_window = plain();
  tiny_window.window = 5;  // less than the header of most protocols
  TcpTraits no_merging = plain();
  no_merging.merges_on_repeat = false;
  no_merging.write_pieces_max = 3;
  TcpTraits all = plain();
  all.one_in_flight = true;
  all.nagle = true;
  all.merges_on_repeat = false;
  all.write_pieces_max = 2;
  all.window = 200;
  all.acknowledgement_delay_us = 200000;
  return {{"one-in-flight", one_in_flight},   {"one-in-flight-small-segments", one_in_flight_small},
          {"nagle-header-apart", nagle},      {"nagle-header-apart-delayed-ack", nagle_delayed},
          {"window-below-pdu", small_window}, {"window-below-header", tiny_window},
          {"no-merging", no_merging},         {"all-of-these", all}};
}

}  // namespace conduit::simulation
