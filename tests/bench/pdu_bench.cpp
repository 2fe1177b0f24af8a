// Cost of reading one PDU of one operation, protocol by protocol: framing, head, operation, and what the
// session learns. The PDUs stand in tests/bench/pdus/<name>.txt: `client|server HEX` are read and accepted
// first, so that the session is where it has to be; `measure client|server HEX` is what is measured. The
// first table row is Modbus, against which the others are held.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "protocols/core/decoder.hpp"
#include "tests/bench/benches.hpp"
#include "tests/bench/measure.hpp"

namespace conduit::bench {
namespace {

struct Sample {
  const Protocol* protocol = nullptr;
  Transport transport = Transport::TCP;
  SessionState session{};
  Role sender = Role::CLIENT;
  std::vector<std::uint8_t> pdu{};
};

bool octets_of(const std::string& text, std::vector<std::uint8_t>& octets) {
  octets.clear();
  if (text.empty() || text.size() % 2 != 0) return false;
  for (std::size_t at = 0; at < text.size(); at += 2) {
    std::uint8_t octet = 0;
    const char* const end = text.data() + at + 2;
    if (std::from_chars(text.data() + at, end, octet, 16).ptr != end) return false;
    octets.push_back(octet);
  }
  return true;
}

// What the engine asks a room for one PDU that passes. Not inlined: callgrind counts it by its name.
[[gnu::noinline]] std::uint64_t read_pdu(const Protocol& protocol, Bytes pdu, Role sender,
                                         Transport transport, SessionState& session, PduState& state,
                                         Operation& operation) {
  PduHead head;
  std::uint64_t told = 0;
  if (protocol.usual != nullptr && transport == Transport::TCP &&
      protocol.usual(pdu, sender, QUIRK_NONE, head, operation)) {
    told = 1;
  } else {
    const Framing framing = protocol.frame(pdu, sender, transport, session);
    if (framing.status != FrameStatus::COMPLETE || framing.pdu_size != pdu.size()) return 0;
    head = protocol.open(pdu.first(framing.judge_size), sender, QUIRK_NONE, session, state);
    if (!head.well_formed) return 0;
    Next next = protocol.next(pdu, state, operation);
    for (; next == Next::OPERATION; next = protocol.next(pdu, state, operation)) ++told;
    if (next == Next::MALFORMED) return 0;
  }
  if (protocol.accept != nullptr) {
    Associations associations;
    protocol.accept(pdu, sender, session, associations);
  }
  return told;
}

bool load(const std::filesystem::path& path, Sample& sample) {
  std::ifstream file(path);
  sample.protocol = find_protocol(path.stem().string());
  if (sample.protocol == nullptr) return false;
  if (sample.protocol->tcp_port == 0) sample.transport = Transport::UDP;
  static PduState state;
  static Operation operation;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    if (!(words >> word) || word[0] == '#') continue;
    const bool measured = word == "measure";
    if (measured) words >> word;
    std::string hex;
    words >> hex;
    sample.sender = word == "server" ? Role::SERVER : Role::CLIENT;
    if (!octets_of(hex, sample.pdu)) return false;
    if (measured) return true;
    (void)read_pdu(*sample.protocol, sample.pdu, sample.sender, sample.transport, sample.session, state,
                   operation);
  }
  return false;
}

}  // namespace

bool bench_pdu(const Options& options, int& row) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator("tests/bench/pdus"))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end(), [](const auto& left, const auto& right) {
    const bool first = left.stem() == "modbus";
    return first != (right.stem() == "modbus") ? first : left < right;
  });
  bool good = paths.size() == all_protocols().size();
  if (!good) std::fprintf(stderr, "tests/bench/pdus: one file for each protocol\n");
  print_head("reading one PDU of one operation");
  Cost base;
  static PduState state;
  static Operation operation;
  for (const std::filesystem::path& path : paths) {
    const int number = row++;
    if (options.only_row >= 0 && options.only_row != number) continue;
    Sample sample;
    if (!load(path, sample)) {
      std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
      good = false;
      continue;
    }
    std::uint64_t told = 0;
    const SessionState session = sample.session;
    const Cost cost = measure(options.smoke ? 1 : 20, options.smoke ? 4096 : 200'000, [&](std::uint32_t) {
      sample.session = session;
      told += read_pdu(*sample.protocol, sample.pdu, sample.sender, sample.transport, sample.session, state,
                       operation);
    });
    const std::uint64_t turns = options.smoke ? 4096 : 20 * 200'000ULL;
    if (told != turns) {
      std::fprintf(stderr, "%s: not one operation\n", path.c_str());
      good = false;
    }
    if (base.ns == 0) base = cost;
    ResultHash hash;
    hash.add(told);
    hash.add(operation.function);
    print_row(sample.protocol->name, cost, base, hash.value());
  }
  return good;
}

}  // namespace conduit::bench
