// A run in words: each frame at each of the four places where it is seen.
#pragma once

#include <string>

#include "tests/simulation/network.hpp"

namespace conduit::simulation {

class Trace : public Watcher {
 public:
  explicit Trace(const Scheduler& scheduler) : scheduler_(scheduler) {}
  void on_sent(const Host& host, View frame) override {
    line(host.side == 0 ? "A sends    " : "B sends    ", frame);
  }
  void on_arrival(std::uint8_t side, View frame) override {
    line(side == 0 ? "  A→ gateway" : "  B→ gateway", frame);
  }
  void on_departure(std::uint8_t side, View frame) override {
    line(side == 0 ? "  gateway →A" : "  gateway →B", frame);
  }
  void on_lost(std::uint8_t side, View frame) override {
    line(side == 0 ? "  lost    →A" : "  lost    →B", frame);
  }
  void on_delivery(const Host& host, View frame, bool) override {
    line(host.side == 0 ? "A receives " : "B receives ", frame);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void line(const char* where, View frame);
  void put_octets(View octets);
  const Scheduler& scheduler_;
  std::string text_;
};

}  // namespace conduit::simulation
