// Cost of one whole packet through the engine, protocol by protocol: a request of one operation that passes
// (tests/bench/samples.hpp), on a connection of its own where what has to stand before it was said. As in
// packet_bench.cpp every law is active and only Worker::begin, prepare and step are measured; the first row
// is Modbus, by the same means.
#include <array>
#include <cstdio>
#include <memory>
#include <vector>

#include "config/policy/compile.hpp"
#include "dataplane/engine/limit_table.hpp"
#include "tests/bench/benches.hpp"
#include "tests/bench/gateway_turn.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/samples.hpp"

namespace conduit::bench {
namespace {

constexpr std::uint16_t connection_count = 64;

std::string policy_for(const Sample& sample) {
  std::string text = R"(policy { name: "bench" version: 1 }
zone { id: "a" port: "up" asset { id: "client" ipv4: "10.1.0.0" } }
zone { id: "b" port: "down" asset { id: "server" ipv4: "10.0.7.1" } }
conduit { id: "c" zones: "a" zones: "b" owner: "o" direction { from: "a" to: "b")";
  for (std::size_t i = 0; i < sample.rules.size(); ++i) {
    text +=
        "\n  allow { id: \"r" + std::to_string(i) + "\" reason: \"r\" client: \"client\" server: \"server\" ";
    text += std::string(sample.protocol->name) + " {" + sample.rules[i] + " } }";
  }
  return text + " } }";
}

class RoomGateway {
 public:
  explicit RoomGateway(const Sample& sample) : sample_(sample), limits_(16) {
    CompileInput input;
    input.text = policy_for(sample);
    compiled_ = compile_policy(input);
    for (const Diagnostic& complaint : compiled_.diagnostics)
      if (!compiled_.good) std::fprintf(stderr, "%s\n", complaint.format("bench").c_str());
    if (!compiled_.good) return;
    const char* broken = nullptr;
    image_ = RuleImage::open(compiled_.image.bytes(), broken);
    EngineConfig config;
    config.limits.flow_count = 1024;
    config.hash_seed = 42;
    worker_ = Worker::create(config, limits_, nullptr, nullptr, sink_);
  }

  // Opens a connection, says what stands before, and sends what is measured; its nanoseconds. False: lost.
  bool play(std::uint16_t port, std::uint64_t& spent) {
    Conversation ends;
    ends.client = ipv4_address(10, 1, 0, 0);
    ends.client_port = port;
    const bool tcp = sample_.transport == Transport::TCP;
    ends.server_port = tcp ? sample_.protocol->tcp_port : sample_.protocol->udp_port;
    bool good = worker_ != nullptr;
    for (const HandshakeStep& step : handshake)
      if (tcp && good) good = send<Use::OPENING>(ends, step.from_client, step.flags, {}, spent);
    for (const SamplePdu& pdu : sample_.before)
      if (good)
        good = send<Use::OPENING>(ends, pdu.sender == Role::CLIENT, TCP_FLAGS_DATA, pdu.octets, spent);
    spent = 0;
    return good && send<Use::MEASURED>(ends, true, TCP_FLAGS_DATA, sample_.measured.octets, spent);
  }

 private:
  template <Use use>
  bool send(Conversation& ends, bool from_client, std::uint8_t flags, Bytes payload, std::uint64_t& spent) {
    now_ += 1'000'000;
    const auto clock = static_cast<std::uint32_t>(now_ / 1'000'000);
    const std::uint32_t size = sample_.transport == Transport::TCP
                                   ? lay_segment(ends, from_client, flags, payload, clock, octets_.data())
                                   : lay_datagram(ends, from_client, payload, octets_.data());
    Frame frame{octets_.data(), size, static_cast<std::uint8_t>(from_client ? 0 : 1), 0, 0};
    const std::uint64_t begin = now_ns();
    const std::uint32_t forwarded = gateway_turn<use>(*worker_, image_, now_, {&frame, 1});
    spent = now_ns() - begin;
    return forwarded == 1 && frame.size == size;  // as it came: one that is refused leaves without its octets
  }

  const Sample& sample_;
  LimitTable limits_;
  NoSink sink_;
  CompiledPolicy compiled_;
  RuleImage image_;
  std::unique_ptr<Worker> worker_;
  alignas(64) std::array<std::uint8_t, 2048> octets_{};
  std::uint64_t now_ = 1'000'000'000'000;
};

}  // namespace

bool bench_room_packet(const Options& options, int& row) {
  std::vector<Sample> samples;
  bool good = load_samples(samples);
  std::printf("\nwhole packet with one PDU of one operation\n  %-10s %8s %8s\n", "", "ns", "x first");
  double first = 0;
  for (const Sample& sample : samples) {
    const int number = row++;
    if (options.only_row >= 0 && options.only_row != number) continue;
    RoomGateway gateway(sample);
    std::uint64_t sum = 0;
    for (std::uint16_t i = 0; i < connection_count; ++i) {
      std::uint64_t spent = 0;
      if (!gateway.play(static_cast<std::uint16_t>(10'000 + i), spent)) {
        std::fprintf(stderr, "%s: a packet did not pass\n", sample.protocol->name.data());
        good = false;
        break;
      }
      sum += spent;
    }
    const double ns = static_cast<double>(sum) / connection_count;
    if (first == 0) first = ns;
    std::printf("  %-10s %8.1f %8.2f\n", sample.protocol->name.data(), ns, ns / first);
  }
  return good;
}

}  // namespace conduit::bench
