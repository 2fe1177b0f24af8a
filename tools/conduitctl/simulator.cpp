#include "tools/conduitctl/simulator.hpp"

#include <algorithm>
#include <cstring>

namespace conduit {
namespace {

constexpr std::uint64_t start_ns = 1'000'000'000;    // virtual time of the first frame
constexpr std::uint64_t settle_ns = 60'000'000'000;  // after the last one
constexpr int timer_turns_max = 20'000;              // between two frames

// Port pairs from the conduits, where no gateway says them.
bool pair_ports(const RuleImage& image, EngineConfig& config, std::string& error) {
  for (std::uint8_t port = 0; port < port_count_max; ++port) config.peer[port] = port;
  for (const ConduitRecord& conduit : image.conduits()) {
    const std::uint8_t a = image.zones()[conduit.zone_a].port;
    const std::uint8_t b = image.zones()[conduit.zone_b].port;
    const bool free =
        (config.peer[a] == a || config.peer[a] == b) && (config.peer[b] == b || config.peer[b] == a);
    if (!free) {
      error =
          "the policy's conduits join one port with several others: state the pairs with --gateway "
          "gateway.txtpb";
      return false;
    }
    config.peer[a] = b;
    config.peer[b] = a;
  }
  return true;
}

Address arp_address(const ParsedFrame& parsed, std::size_t offset) {
  Address address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0};
  if (parsed.l3_offset + offset + 4 <= parsed.size)
    std::memcpy(&address[12], parsed.data + parsed.l3_offset + offset, 4);
  return address;
}

}  // namespace

Simulator::Simulator(SimulationOutput& output, bool verify_checksums)
    : output_(output), verify_checksums_(verify_checksums), buffer_(capture_frame_size_max) {}

Simulator::~Simulator() = default;

std::unique_ptr<Simulator> Simulator::make(const CompiledPolicy& policy, const GatewayPorts* ports,
                                           bool verify_checksums, SimulationOutput& output,
                                           std::string& error) {
  std::unique_ptr<Simulator> made(new Simulator(output, verify_checksums));
  const char* broken = "";
  made->image_ = RuleImage::open(policy.image.bytes(), broken);
  if (!made->image_.valid()) return error = std::string("the rule image is broken: ") + broken, nullptr;
  made->config_.port_count = static_cast<std::uint8_t>(std::max<std::size_t>(2, policy.names.ports.size()));
  if (ports != nullptr) {
    for (std::size_t port = 0; port < port_count_max; ++port) {
      made->config_.peer[port] =
          port < ports->peer.size() ? ports->peer[port] : static_cast<std::uint8_t>(port);
    }
  } else if (!pair_ports(made->image_, made->config_, error)) {
    return nullptr;
  }
  made->config_.boot_id = 1;
  made->config_.hash_seed = 1;
  made->config_.observer = made.get();
  made->limits_ = std::make_unique<LimitTable>(made->config_.limits.limit_count);
  made->counters_ = std::make_unique<CountersBlock>();
  made->ring_.resize(event_ring_bytes / sizeof(std::uint64_t) + 8);
  auto* ring_at = reinterpret_cast<std::uint8_t*>(made->ring_.data());
  ring_at += (64 - reinterpret_cast<std::uintptr_t>(ring_at) % 64) % 64;
  made->worker_ =
      Worker::create(made->config_, *made->limits_, new (ring_at) EventRing, made->counters_.get(), *made);
  if (made->worker_ == nullptr) return error = "no memory for the engine", nullptr;
  return made;
}

bool Simulator::emit(std::uint8_t port, Bytes frame) noexcept {
  leave(port, frame);
  return true;
}

void Simulator::leave(std::uint8_t port, Bytes frame) {
  std::vector<std::uint8_t> copy(frame.begin(), frame.end());
  ParsedFrame left;
  parse_frame(copy.data(), static_cast<std::uint32_t>(copy.size()), port, FRAME_CHECKSUMS_UNKNOWN, 0, left);
  counterfactual_.on_leaving(left);
  output_.on_leaving(first_wall_ns_ + (now_ns_ - start_ns), port, frame);
}

void Simulator::on_judgement(const JudgementReport& report) noexcept {
  const ParsedFrame* const of = parsed_ != nullptr ? parsed_ : report.frame;  // null: a timer's doing
  if (of == nullptr) return;
  counterfactual_.on_report(*of, report);
  const bool named = report.rule < image_.rules().size();
  output_.on_report(number_, *of, report, named ? image_.rules()[report.rule].policy_rule : none_index);
}

// The side on which a frame arrives: where its source's zone lies; else opposite to its destination's; else
// where its MAC was seen last; else the first port.
std::uint8_t Simulator::port_of(const ParsedFrame& parsed) {
  const bool arp = parsed.kind == FrameKind::ARP;
  const Address source = arp ? arp_address(parsed, 14) : parsed.source;
  const Address destination = arp ? arp_address(parsed, 24) : parsed.destination;
  const bool addressed = arp || parsed.ip_version != 0;
  const auto zone_port = [&](std::uint32_t asset) {
    return image_.zones()[image_.assets()[asset].zone].port;
  };
  std::uint32_t asset = addressed ? image_.find_asset_anywhere(source) : none_index;
  if (asset != none_index) return zone_port(asset);
  for (std::uint8_t port = 0; port < config_.port_count; ++port) {
    if (image_.find_asset_by_mac(port, parsed.vlan, parsed.source_mac) != none_index) return port;
  }
  asset = addressed ? image_.find_asset_anywhere(destination) : none_index;
  if (asset != none_index && (image_.assets()[asset].flags & ASSET_GROUP) == 0)
    return config_.peer[zone_port(asset)];
  const auto seen = seen_macs_.find(parsed.source_mac);
  return seen == seen_macs_.end() ? std::uint8_t{0} : seen->second;
}

void Simulator::begin(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  worker_->begin(now_ns, first_wall_ns_ + (now_ns - start_ns), TimeQuality::UNKNOWN, &image_, false);
}

void Simulator::run_timers(std::uint64_t until_ns) {
  for (int turn = 0; turn < timer_turns_max; ++turn) {
    const std::uint64_t deadline = worker_->next_deadline();
    if (deadline >= until_ns) return;
    begin(std::max(deadline, now_ns_ + 1'000'000));
    if (now_ns_ >= until_ns) return;
    worker_->tick();
  }
}

void Simulator::add(const CapturedFrame& frame) {
  if (first_wall_ns_ == 0) {
    first_wall_ns_ = frame.time_ns;
    now_ns_ = start_ns;
  }
  // Captures may run backwards by a little; the clock does not.
  const std::uint64_t since = frame.time_ns > first_wall_ns_ ? frame.time_ns - first_wall_ns_ : 0;
  const std::uint64_t at = std::max(start_ns + since, now_ns_);
  run_timers(at);
  begin(at);
  worker_->tick();
  auto size = static_cast<std::uint32_t>(frame.bytes.size());
  std::memcpy(buffer_.data(), frame.bytes.data(), size);
  const std::uint8_t flags = verify_checksums_ ? 0 : std::uint8_t{FRAME_CHECKSUMS_UNKNOWN};
  ParsedFrame parsed;
  parse_frame(frame.bytes.data(), size, 0, FRAME_CHECKSUMS_UNKNOWN, 0, parsed);
  const std::uint8_t port = port_of(parsed);
  seen_macs_[parsed.source_mac] = port;
  std::uint32_t never_sent = 0;
  const bool sent = verbatim_ || counterfactual_.adjust(parsed, buffer_.data(), size, never_sent);
  for (std::uint32_t answer = 0; answer < never_sent; ++answer) output_.on_never_sent(frame.number, parsed);
  if (!sent) return;
  Frame given{buffer_.data(), size, port, port, flags};
  number_ = frame.number;
  parsed_ = &parsed;
  worker_->prepare({&given, 1});
  if (worker_->step(given) == Disposition::FORWARD) {
    leave(given.port_out, {given.data, given.size});
  }
  parsed_ = nullptr;
  worker_->tick();
}

void Simulator::finish() {
  if (first_wall_ns_ == 0) return;
  run_timers(now_ns_ + settle_ns);
}

const WorkerCounters& Simulator::counters() const { return worker_->counters(); }

}  // namespace conduit
