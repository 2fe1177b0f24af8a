// Command line of conduit-dataplane. `conduitctl dataplane-args gateway.txtpb` prints it from a gateway's
// config: the data plane itself reads no files.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/abi/limits.hpp"
#include "dataplane/io/back_end.hpp"

namespace conduit {

struct Options {
  bool help = false;
  std::string io = "dpdk";
  std::vector<std::string> eal;
  std::vector<PortConfig> ports;
  std::vector<std::pair<std::uint8_t, std::uint8_t>> pairs;
  std::uint16_t workers = 1;
  std::vector<int> cores;  // one a worker, or empty: wherever the scheduler likes
  std::uint16_t queue = 0;
  std::string link = "/run/conduitd/link.sock";
  EngineLimits limits{};
};

[[nodiscard]] std::string usage();
// False: `error` says what is wrong and what to write instead.
[[nodiscard]] bool parse_options(int count, const char* const* words, Options& options, std::string& error);

}  // namespace conduit
