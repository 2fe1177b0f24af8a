// One PDU of one operation for each protocol, to be measured: tests/bench/pdus/<name>.txt
//
//   rules TEXT              what permits it, and what stands before it, within `<name> { … }` of an allow
//   client|server HEX       PDUs that are read and accepted first, so that the session is where it has to be
//   measure client HEX      what is measured
#pragma once

#include <string>
#include <vector>

#include "protocols/core/decoder.hpp"

namespace conduit::bench {

struct SamplePdu {
  Role sender = Role::CLIENT;
  std::vector<std::uint8_t> octets{};
};

struct Sample {
  const Protocol* protocol = nullptr;
  Transport transport = Transport::TCP;
  std::vector<std::string> rules{};
  std::vector<SamplePdu> before{};
  SamplePdu measured{};
};

// Modbus first. False: some protocol has none, or a file cannot be read; stderr says which.
[[nodiscard]] bool load_samples(std::vector<Sample>& samples);

}  // namespace conduit::bench
