// The benchmarks, one function each; `row` is the number of its first row and becomes that of the next.
// `smoke`: so little work that the test run can afford it; the code is the same.
#pragma once

#include <cstdint>

namespace conduit::bench {

struct Options {
  bool smoke = false;
  int only_row = -1;  // of all tables, from 0: so that a simulated processor (callgrind) counts one of them
};

// False: a result was not what it has to be.
[[nodiscard]] bool bench_match(const Options& options, int& row);
[[nodiscard]] bool bench_pdu(const Options& options, int& row);
[[nodiscard]] bool bench_packet(const Options& options, int& row);
[[nodiscard]] bool bench_room_packet(const Options& options, int& row);

}  // namespace conduit::bench
