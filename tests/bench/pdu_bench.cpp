// Cost of reading one PDU of one operation, protocol by protocol: framing, head, operation, and what the
// session learns. The PDUs stand in tests/bench/pdus/<name>.txt: `client|server HEX` are read and accepted
// first, so that the session is where it has to be; `measure client|server HEX` is what is measured. The
// first table row is Modbus, against which the others are held.
#include <cstdio>
#include <vector>

#include "protocols/core/decoder.hpp"
#include "tests/bench/benches.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/samples.hpp"

namespace conduit::bench {
namespace {

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

}  // namespace

bool bench_pdu(const Options& options, int& row) {
  std::vector<Sample> samples;
  bool good = load_samples(samples);
  print_head("reading one PDU of one operation");
  Cost base;
  static PduState state;
  static Operation operation;
  for (const Sample& sample : samples) {
    const int number = row++;
    if (options.only_row >= 0 && options.only_row != number) continue;
    const Protocol& protocol = *sample.protocol;
    const SamplePdu& asked = sample.measured;
    SessionState before;
    for (const SamplePdu& pdu : sample.before)
      (void)read_pdu(protocol, pdu.octets, pdu.sender, sample.transport, before, state, operation);
    std::uint64_t told = 0;
    SessionState session;
    const Cost cost = measure(options.smoke ? 1 : 20, options.smoke ? 4096 : 200'000, [&](std::uint32_t) {
      session = before;
      told += read_pdu(protocol, asked.octets, asked.sender, sample.transport, session, state, operation);
    });
    const std::uint64_t turns = options.smoke ? 4096 : 20 * 200'000ULL;
    if (told != turns) {
      std::fprintf(stderr, "%s: not one operation\n", protocol.name.data());
      good = false;
    }
    if (base.ns == 0) base = cost;
    ResultHash hash;
    hash.add(told);
    hash.add(operation.function);
    print_row(protocol.name, cost, base, hash.value());
  }
  return good;
}

}  // namespace conduit::bench
