// Writes the checked-in scripts of the engine's fuzz target: make_engine_corpus FOLDER
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "tests/fuzz/engine/script.hpp"

namespace {

using namespace conduit::fuzz;

class Writer {
 public:
  explicit Writer(std::uint8_t setting) { octets_.push_back(setting); }
  Writer& add(Action operation, const std::vector<std::uint8_t>& arguments = {}) {
    octets_.push_back(static_cast<std::uint8_t>(operation));
    octets_.insert(octets_.end(), arguments.begin(), arguments.end());
    return *this;
  }
  Writer& open(std::uint8_t connection = 0, std::uint8_t options = 1) {
    return add(Action::OPEN, {connection, options, options});
  }
  Writer& compose(std::uint8_t end, Material material, std::uint8_t seed) {
    return add(Action::COMPOSE, {end, static_cast<std::uint8_t>(material), seed});
  }
  // In order, and the octets count as sent.
  Writer& push(std::uint8_t end, std::uint8_t size = 130, std::uint8_t kind = 0x41) {
    return add(Action::SEGMENT, {end, 0, size, kind, 0, 0});
  }
  Writer& segment(std::uint8_t end, std::uint8_t from, std::uint8_t size, std::uint8_t kind,
                  std::uint8_t acknowledgement = 0, std::uint8_t window = 0) {
    return add(Action::SEGMENT, {end, from, size, kind, acknowledgement, window});
  }
  Writer& wait(std::uint8_t power) { return add(Action::WAIT, {power}); }
  bool write(const std::string& folder, const std::string& name) const {
    std::ofstream file(folder + "/" + name, std::ios::binary);
    for (const std::uint8_t octet : octets_) file.put(static_cast<char>(octet));
    return file.good();
  }

 private:
  std::vector<std::uint8_t> octets_;
};

constexpr std::uint8_t server = 4;  // bit of an end

// Requests and answers, whole, in four settings.
Writer dialogue(std::uint8_t setting, std::uint8_t options) {
  Writer out(setting);
  out.open(0, options);
  for (std::uint8_t i = 1; i < 12; ++i) {
    out.compose(0, Material::REQUEST, i).push(0).compose(server, Material::ANSWER, i).push(server).push(0, 0);
  }
  return out.segment(0, 0, 0, 4).segment(server, 0, 0, 4).segment(0, 1, 0, 0);
}

// Of protocols with a memory: opened, requests with their replies, in order and cut.
Writer conversation(std::uint8_t setting) {
  Writer out(setting);
  out.open(0);
  for (std::uint8_t i = 1; i < 6; ++i) {
    out.compose(0, Material::OPENING, i).push(0).compose(server, Material::REPLY, i).push(server).push(0, 0);
  }
  for (std::uint8_t i = 1; i < 20; ++i) {
    const std::uint8_t size = i < 10 ? 130 : i;
    out.compose(0, i % 7 == 0 ? Material::TWO_REQUESTS : Material::REQUEST, i).push(0, size).push(0, size);
    out.compose(server, Material::REPLY, i).push(server, size).push(0, 0);
  }
  return out.compose(0, Material::BAD_REQUEST, 3).push(0);
}

Writer cut(std::uint8_t setting) {
  Writer out(setting);
  out.open(1);
  for (std::uint8_t i = 1; i < 6; ++i) {
    out.compose(1, Material::TWO_REQUESTS, i);
    for (int piece = 0; piece < 12; ++piece) out.push(1, static_cast<std::uint8_t>(1 + piece % 4));
    out.segment(1, 0xF0, 8, 1).wait(8).segment(1, 0xF0, 16, 1);  // repeated
  }
  return out;
}

Writer odd(std::uint8_t setting) {
  Writer out(setting);
  out.open(2, 0x80).compose(2, Material::TWO_REQUESTS, 9);
  out.segment(2, 4, 4, 1).segment(2, 2, 4, 0x11).segment(2, 0, 20, 1);  // early, different, all
  out.open(2, 1).compose(2, Material::BAD_REQUEST, 3).push(2);
  out.open(3, 0x13).compose(3, Material::REQUEST, 5).segment(3, 0, 30, 0x49).segment(3, 0, 0, 7);
  out.segment(3, 5, 0, 5).segment(3, 0, 0, 6).segment(3, 0, 30, 0x21).segment(3, 0, 30, 0x81);
  out.add(Action::AGAIN, {0, 40, 1}).add(Action::QUOTE, {1, 4, 28}).add(Action::QUOTE, {0, 1, 60});
  return out.add(Action::RAW, {0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0, 0x45, 0}).wait(16);
}

Writer changes(std::uint8_t setting) {
  Writer out(setting);
  for (std::uint8_t i = 0; i < 3; ++i) {
    out.open(i).compose(i, Material::REQUEST, i).push(i, 3).add(Action::POLICY, {i}).push(i);
    out.add(Action::ISLAND, {1}).compose(i, Material::REQUEST, 7).push(i).add(Action::ISLAND, {0});
    out.add(Action::RESTART).compose(i, Material::REQUEST, 8).push(i);
    out.segment(static_cast<std::uint8_t>(server | i), 0, 0, 0);
    out.add(Action::OUTPUT_FULL, {1}).compose(i, Material::REQUEST, 9).push(i).wait(10);
    out.add(Action::OUTPUT_FULL, {0}).add(Action::RING_FULL, {1}).push(i).wait(12);
  }
  return out.add(Action::RING_FULL, {0});
}

// What costs most: many PDUs in one segment, permitted, denied and torn; a gap that closes under early
// segments.
Writer dear(std::uint8_t setting, Material material) {
  Writer out(setting);
  out.open(0, 0);
  for (std::uint8_t i = 0; i < 60; ++i) out.compose(0, material, i);
  out.push(0, 255).push(0, 255);
  out.open(1, 0);
  for (std::uint8_t i = 0; i < 40; ++i) out.compose(1, material, i);
  for (std::uint8_t i = 12; i > 0; --i) out.segment(1, static_cast<std::uint8_t>(10 * i), 5, 1);
  out.push(1, 5).push(1, 255);
  out.open(2, 0);
  for (std::uint8_t i = 0; i < 30; ++i) out.compose(2, material, i).compose(2 | server, Material::ANSWER, i);
  return out.push(2, 255).push(2 | server, 255).push(2, 0).add(Action::RESTART).push(2, 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  const std::string folder = argv[1];
  bool good = true;
  for (std::uint8_t i = 0; i < 4; ++i) {
    const std::string number = "_" + std::to_string(i);
    const auto setting = static_cast<std::uint8_t>(i * 3 + (i == 2 ? 0x80 : 0) + (i == 3 ? 0x40 : 0));
    good = dialogue(setting, static_cast<std::uint8_t>(i * 0x17)).write(folder, "dialogue" + number) && good;
    good = cut(setting).write(folder, "cut" + number) && good;
    good = odd(setting).write(folder, "odd" + number) && good;
    good = dear(setting, i < 2 ? Material::TWO_REQUESTS : Material::BAD_REQUEST)
               .write(folder, "dear" + number) &&
           good;
    good = changes(setting).write(folder, "changes" + number) && good;
  }
  for (std::uint8_t i = 20; i < 30; ++i) {
    good = conversation(i).write(folder, "conversation_" + std::to_string(i)) && good;
  }
  return good ? 0 : 1;
}
