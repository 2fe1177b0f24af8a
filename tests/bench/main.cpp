// conduit-bench: cost of the parts, as tables. `--smoke` does so little that it is a test; numbers mean
// something only from an optimised build on an idle machine. Ratios are against the first row of each kind,
// or the probe where one is named.
//
// Where instructions cannot be counted (n/a), callgrind can: tests/bench/count_instructions.
#include <charconv>
#include <cstdio>
#include <cstring>

#include "tests/bench/benches.hpp"
#include "tests/bench/measure.hpp"

int main(int argc, char** argv) {
  conduit::bench::Options options;
  for (int i = 1; i < argc; ++i) {
    const char* const end = argv[i] + std::strlen(argv[i]);
    if (std::strcmp(argv[i], "--smoke") == 0) {
      options.smoke = true;
    } else if (std::from_chars(argv[i], end, options.only_row).ptr != end) {
      std::fprintf(stderr, "usage: conduit-bench [--smoke] [ROW]\n");
      return 2;
    }
  }
  const conduit::bench::InstructionCounter counter;
  if (!counter.available()) {
    std::printf(
        "instructions cannot be counted here (perf_event_open): see tests/bench/count_instructions\n");
  }
  int row = 0;
  const bool matched = conduit::bench::bench_match(options, row);
  const bool passed = conduit::bench::bench_packet(options, row);
  const bool read = conduit::bench::bench_pdu(options, row);
  const bool good = conduit::bench::bench_room_packet(options, row) && matched && passed && read;
  if (!good) std::fprintf(stderr, "a result was not what it has to be\n");
  return good ? 0 : 1;
}
