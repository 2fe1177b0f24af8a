// Cost of one packet of an established Modbus/TCP connection through the engine, every law active: both
// checksums verified, timestamps on, requests for ten registers and their responses mixed, each flow silent
// for a whole pass before its next packet. Only Worker::begin, prepare and step are measured; the frames are
// made beforehand, 32 at a time.
//
// The probe touches memory as a forwarder without any inspection would have to, in the same run and order: it
// adds up the frame's octets, looks the flow up in a table of the same number of flows, reads eight cache
// lines of its record and writes two.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <numeric>
#include <vector>

#include "dataplane/engine/engine.hpp"
#include "dataplane/engine/limit_table.hpp"
#include "tests/bench/benches.hpp"
#include "tests/bench/gateway_turn.hpp"
#include "tests/bench/measure.hpp"
#include "tests/support/image_sources.hpp"

namespace conduit::bench {
namespace {

struct Dialogue {
  Conversation ends{};
  std::uint16_t transaction = 0;
  std::uint16_t address = 0;  // register that the next request begins with
  bool asked = false;
};

struct Octets {
  alignas(64) std::array<std::uint8_t, 256> data{};
};

Address client_address(std::uint32_t client) {
  return ipv4_address(10, 1, static_cast<std::uint8_t>(client >> 8), static_cast<std::uint8_t>(client));
}

// The next PDU of a dialogue: a request, or the response to the last one.
std::uint32_t next_frame(Dialogue& dialogue, std::uint32_t clock, std::uint8_t* at) {
  std::array<std::uint8_t, 29> pdu{};
  store_u16be(pdu.data(), dialogue.transaction);
  pdu[6] = 1;
  pdu[7] = 3;
  if (!dialogue.asked) {
    pdu[5] = 6;
    store_u16be(&pdu[8], dialogue.address);
    pdu[11] = 10;
    const std::uint32_t size = lay_segment(dialogue.ends, true, TCP_FLAGS_DATA, {pdu.data(), 12}, clock, at);
    dialogue.asked = true;
    return size;
  }
  pdu[5] = 23;
  pdu[8] = 20;
  for (std::size_t i = 9; i < pdu.size(); ++i) pdu[i] = static_cast<std::uint8_t>(i);
  const std::uint32_t size = lay_segment(dialogue.ends, false, TCP_FLAGS_DATA, pdu, clock, at);
  dialogue.asked = false;
  ++dialogue.transaction;
  return size;
}

class Probe {
 public:
  explicit Probe(std::size_t flow_count) : index_(flow_count * 2), records_(flow_count) {}
  [[gnu::noinline]] std::uint64_t turn(std::span<const Frame> burst, std::span<const std::uint32_t> flows) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < burst.size(); ++i) {
      for (std::size_t at = 0; at + 8 <= burst[i].size; at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, burst[i].data + at, sizeof word);
        sum += word;
      }
      const std::uint64_t hash = (flows[i] + 1) * 0x9E3779B97F4A7C15ULL;
      sum += index_[(hash >> 32) % index_.size()].octets[0];
      Record& record = records_[flows[i]];
      for (std::size_t line = 0; line < 8; ++line) sum += record.lines[line].octets[0];
      record.lines[0].octets[0] = sum;
      record.lines[4].octets[0] = sum;
    }
    return sum;
  }

 private:
  struct alignas(64) Line {
    std::array<std::uint64_t, 8> octets{};
  };
  struct Record {
    std::array<Line, 32> lines{};  // about as large as a flow record
  };
  std::vector<Line> index_;
  std::vector<Record> records_;
};

ImageSource plant(std::uint32_t client_count, std::uint32_t rules_per_pair) {
  ImageSource source = test_image::two_assets();
  AssetSource server = source.assets[1];
  source.assets.clear();
  for (std::uint32_t i = 0; i < client_count; ++i) {
    AssetSource client;
    client.addresses = {client_address(i)};
    source.assets.push_back(client);
    ServiceSource service = test_image::service_of(test_image::stretches(rules_per_pair));
    service.client = i;
    service.server = client_count;
    source.services.push_back(service);
  }
  source.assets.push_back(server);
  return source;
}

struct Shape {
  std::uint32_t flows, clients, rules_per_pair;
};

// One gateway with all its connections open.
class Gateway {
 public:
  explicit Gateway(const Shape& shape)
      : shape_(shape), limits_(16), dialogues_(shape.flows), order_(shape.flows) {
    buffer_ = build_image(plant(shape.clients, shape.rules_per_pair)).value();
    const char* broken = nullptr;
    image_ = RuleImage::open(buffer_.bytes(), broken);
    EngineConfig config;
    // Half of all places are what one client may take.
    config.limits.flow_count =
        std::max({64U, shape.flows + shape.flows / 4, source_tcp_share * (shape.flows / shape.clients + 1)});
    config.limits.block_count = 4096;
    config.hash_seed = 42;
    worker_ = Worker::create(config, limits_, nullptr, nullptr, sink_);
    test_image::Random random(7);
    for (std::uint32_t i = 0; i < shape.flows; ++i) {
      dialogues_[i].ends.client = client_address(i % shape.clients);
      dialogues_[i].ends.client_port = static_cast<std::uint16_t>(10'000 + i / shape.clients);
      dialogues_[i].address =
          static_cast<std::uint16_t>(11 * (random() % std::min(shape.rules_per_pair, 5900U)));
      open(dialogues_[i]);
    }
    std::iota(order_.begin(), order_.end(), 0);
    std::shuffle(order_.begin(), order_.end(), random);
    for (std::size_t i = 0; i < shape.flows; i += 2)
      (void)turn<Use::OPENING>({&order_[i], 1});  // half of them wait for a response
  }

  // Makes the next frames of these flows and sends them through; returns nanoseconds.
  template <Use use>
  std::uint64_t turn(std::span<const std::uint32_t> flows) {
    make(flows);
    const std::uint64_t begin = now_ns();
    const std::uint32_t forwarded = gateway_turn<use>(*worker_, image_, now_, {frames_.data(), flows.size()});
    const std::uint64_t spent = now_ns() - begin;
    lost_ += static_cast<std::uint32_t>(flows.size()) - forwarded;
    return spent;
  }
  std::uint64_t probe(Probe& probe, std::span<const std::uint32_t> flows, std::uint64_t& sum) {
    const std::uint64_t begin = now_ns();
    sum += probe.turn({frames_.data(), flows.size()}, flows);
    return now_ns() - begin;
  }

  [[nodiscard]] std::span<const std::uint32_t> order() const { return order_; }
  [[nodiscard]] std::uint32_t lost() const { return lost_ + sink_.count; }
  void tick() { worker_->tick(); }

 private:
  void make(std::span<const std::uint32_t> flows) {
    now_ += 100'000;
    for (std::size_t i = 0; i < flows.size(); ++i) {
      Dialogue& dialogue = dialogues_[flows[i]];
      const bool from_client = !dialogue.asked;
      const std::uint32_t size =
          next_frame(dialogue, static_cast<std::uint32_t>(now_ / 1'000'000), octets_[i].data.data());
      frames_[i] = {octets_[i].data.data(), size, static_cast<std::uint8_t>(from_client ? 0 : 1), 0, 0};
    }
  }

  void open(Dialogue& dialogue) {
    for (const HandshakeStep& step : handshake) {
      now_ += 10'000;
      std::uint8_t* const at = octets_[0].data.data();
      const auto clock = static_cast<std::uint32_t>(now_ / 1'000'000);
      const std::uint32_t size = lay_segment(dialogue.ends, step.from_client, step.flags, {}, clock, at);
      frames_[0] = {at, size, static_cast<std::uint8_t>(step.from_client ? 0 : 1), 0, 0};
      lost_ += 1 - gateway_turn<Use::OPENING>(*worker_, image_, now_, {frames_.data(), 1});
    }
  }

  Shape shape_;
  LimitTable limits_;
  NoSink sink_;
  ImageBuffer buffer_;
  RuleImage image_;
  std::unique_ptr<Worker> worker_;
  std::vector<Dialogue> dialogues_;
  std::vector<std::uint32_t> order_;
  std::array<Octets, burst_size> octets_{};
  std::array<Frame, burst_size> frames_{};
  std::uint64_t now_ = 1'000'000'000'000;
  std::uint32_t lost_ = 0;
};

struct PacketCost {
  double ns = 0;
  double probe_ns = 0;
};

bool measure_row(const Options& options, const Shape& shape, PacketCost& base) {
  Gateway gateway(shape);
  Probe probe(shape.flows);
  const std::uint32_t passes = options.smoke ? 4 : std::max<std::uint32_t>(8, 2'000'000 / shape.flows);
  PacketCost best;
  std::uint64_t sum = 0;
  std::uint64_t packets = 0;
  const std::uint32_t rounds = options.smoke ? 1 : 5;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    std::uint64_t spent = 0;
    std::uint64_t probed = 0;
    std::uint64_t count = 0;
    for (std::uint32_t pass = 0; pass < passes / rounds + 1; ++pass) {
      const auto order = gateway.order();
      for (std::size_t at = 0; at < order.size(); at += burst_size) {
        const auto flows = order.subspan(at, std::min(burst_size, order.size() - at));
        spent += gateway.turn<Use::MEASURED>(flows);
        count += flows.size();
      }
      gateway.tick();
      for (std::size_t at = 0; at < order.size(); at += burst_size) {
        const auto flows = order.subspan(at, std::min(burst_size, order.size() - at));
        probed += gateway.probe(probe, flows, sum);
      }
    }
    packets += count;
    const double ns = static_cast<double>(spent) / static_cast<double>(count);
    const double probe_ns = static_cast<double>(probed) / static_cast<double>(count);
    if (round == 0 || ns < best.ns) best.ns = ns;
    if (round == 0 || probe_ns < best.probe_ns) best.probe_ns = probe_ns;
  }
  if (base.ns == 0) base = best;
  std::printf("  %7u %5u x %-6u %8.1f %8.1f %9.2f %9.2f %10llu %6u  %016llx\n", shape.flows, shape.clients,
              shape.rules_per_pair, best.ns, best.probe_ns, best.ns / best.probe_ns, best.ns / base.ns,
              static_cast<unsigned long long>(packets), gateway.lost(), static_cast<unsigned long long>(sum));
  return gateway.lost() == 0;
}

}  // namespace

bool bench_packet(const Options& options, int& row) {
  std::printf(
      "\nestablished Modbus/TCP packet, both checksums, timestamps\n  %7s %14s %8s %8s %9s %9s %10s %6s  "
      "%s\n",
      "flows", "pairs x rules", "ns", "probe", "x probe", "x first", "packets", "lost", "result");
  constexpr Shape shapes[] = {{100, 100, 10}, {10'000, 100, 10}, {100'000, 100, 10},
                              {100, 1, 10},   {100, 1, 10'000},  {100, 100, 100}};
  bool good = true;
  PacketCost base;
  for (const Shape& shape : shapes) {
    if (shape.clients == 1 && shape.rules_per_pair == 10) base = {};  // growth with rules begins here
    const int number = row++;
    if (options.only_row >= 0 && options.only_row != number) continue;
    if (options.smoke && shape.flows > 10'000) continue;
    good = measure_row(options, shape, base) && good;
  }
  return good;
}

}  // namespace conduit::bench
