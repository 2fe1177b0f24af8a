// A worker under a virtual clock: frames in, what left the gateway out. For tests of the engine.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "config/policy/image_builder.hpp"
#include "dataplane/engine/engine.hpp"
#include "dataplane/engine/limit_table.hpp"
#include "tests/unit/engine_support/frames.hpp"

namespace conduit::test {

struct Sent {
  std::uint8_t port = 0;
  Octets frame;
};

class Recorder final : public FrameSink, public JudgementObserver {
 public:
  bool emit(std::uint8_t port, Bytes frame) noexcept override {
    if (full) return false;
    if (keep) sent.push_back({port, Octets(frame.begin(), frame.end())});
    return true;
  }
  void on_judgement(const JudgementReport& report) noexcept override {
    if (keep) reports.push_back(report);
  }
  std::vector<Sent> sent;
  std::vector<JudgementReport> reports;  // views in them are no longer valid
  bool keep = true;
  bool full = false;
};

inline RuleImage open_image(const ImageBuffer& buffer) {
  const char* broken = "";
  RuleImage image = RuleImage::open(buffer.bytes(), broken);
  INFO(std::string(broken));
  REQUIRE(image.valid());
  return image;
}

class Plane {
 public:
  // Small tables: each plane is new memory, and there are hundreds of them.
  [[nodiscard]] static EngineLimits small() {
    EngineLimits limits;
    limits.flow_count = 1024;
    limits.half_open_count = 512;
    limits.block_count = 1024;
    return limits;
  }
  explicit Plane(const ImageSource& source, EngineLimits limits = small()) {
    config.limits = limits;
    config.boot_id = 77;
    config.hash_seed = 12345;
    config.observer = &recorder;
    use(source);
    ring_memory.resize(event_ring_bytes / 64 + 1);
    ring = new (ring_memory.data()) EventRing;
    restart();
  }
  void restart() { worker = Worker::create(config, *limit_table, ring, &counters_block, recorder); }

  void use(const ImageSource& source) {
    auto built = build_image(source);
    INFO((built ? std::string() : built.error().what));
    REQUIRE(built);
    buffers.push_back(std::make_unique<ImageBuffer>(std::move(*built)));
    image = open_image(*buffers.back());
    has_image = true;
  }
  void begin() {
    // As in life: after a swap the worker gets another object, and the old one is still there.
    if (has_image && (!in_force[current].valid() || &in_force[current].header() != &image.header()))
      in_force[current ^= 1U] = image;
    worker->begin(now_ns, 1'700'000'000'000'000'000 + now_ns, TimeQuality::SYNCHRONIZED,
                  has_image ? &in_force[current] : nullptr, island);
  }
  // The frame as it left, or empty.
  Octets pass(Octets octets, std::uint8_t port_in = 0) {
    begin();
    octets.reserve(frame_size_max);
    Frame frame{octets.data(), static_cast<std::uint32_t>(octets.size()), port_in, 0, frame_flags};
    worker->prepare({&frame, 1});
    if (worker->step(frame) != Disposition::FORWARD) return {};
    CHECK(frame.port_out == (port_in ^ 1));
    octets.resize(frame.size);
    return octets;
  }
  bool forwards(const Octets& octets, std::uint8_t port_in = 0) { return !pass(octets, port_in).empty(); }
  // Reason of the last judgement of this frame; NONE if it went through without one.
  Reason reason(const Octets& octets, std::uint8_t port_in = 0) {
    recorder.reports.clear();
    const bool forwarded = forwards(octets, port_in);
    const Reason last = recorder.reports.empty() ? Reason::NONE : recorder.reports.back().reason;
    CHECK(forwarded == (last == Reason::NONE));
    return last;
  }
  void advance(std::uint64_t ns) {
    now_ns += ns;
    begin();
    worker->tick();
  }
  // In steps as a back end would, to the worker's own deadlines.
  void advance_by_deadlines(std::uint64_t ns) {
    const std::uint64_t end = now_ns + ns;
    while (now_ns < end) {
      const std::uint64_t next = worker->next_deadline();
      advance((next < end ? (next > now_ns ? next : now_ns + 1'000'000) : end) - now_ns);
    }
  }
  std::vector<EventRecord> drain() {
    std::vector<EventRecord> out;
    std::uint64_t tail = ring->tail.load();
    const std::uint64_t head = ring->head.load();
    for (; tail != head; ++tail) {
      EventRecord record;
      std::memcpy(
          static_cast<void*>(&record),
          reinterpret_cast<const std::uint8_t*>(ring + 1) + (tail % event_ring_count) * sizeof(EventRecord),
          sizeof record);
      out.push_back(record);
    }
    ring->tail.store(tail);
    return out;
  }
  [[nodiscard]] std::uint64_t count(Reason reason) const {
    return worker->counters().reason[static_cast<std::size_t>(reason)];
  }

  EngineConfig config{};
  std::unique_ptr<LimitTable> limit_table = std::make_unique<LimitTable>(64);
  Recorder recorder;
  CountersBlock counters_block{};
  struct alignas(64) Line {
    std::uint8_t octets[64];
  };
  std::vector<Line> ring_memory;
  EventRing* ring = nullptr;
  std::vector<std::unique_ptr<ImageBuffer>> buffers;
  RuleImage image;
  RuleImage in_force[2];
  unsigned current = 0;
  bool has_image = false;
  bool island = false;
  std::uint8_t frame_flags = 0;
  std::uint64_t now_ns = 1'000'000'000'000;
  std::unique_ptr<Worker> worker;
};

}  // namespace conduit::test
