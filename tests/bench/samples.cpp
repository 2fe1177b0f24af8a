#include "tests/bench/samples.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace conduit::bench {
namespace {

bool octets_of(const std::string& text, std::vector<std::uint8_t>& octets) {
  if (text.empty() || text.size() % 2 != 0) return false;
  for (std::size_t at = 0; at < text.size(); at += 2) {
    std::uint8_t octet = 0;
    const char* const end = text.data() + at + 2;
    if (std::from_chars(text.data() + at, end, octet, 16).ptr != end) return false;
    octets.push_back(octet);
  }
  return true;
}

bool load(const std::filesystem::path& path, Sample& sample) {
  std::ifstream file(path);
  sample.protocol = find_protocol(path.stem().string());
  if (sample.protocol == nullptr) return false;
  if (sample.protocol->tcp_port == 0) sample.transport = Transport::UDP;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    std::string hex;
    if (!(words >> word) || word[0] == '#') continue;
    if (word == "rules") {
      sample.rules.push_back(line.substr(word.size()));
      continue;
    }
    const bool measured = word == "measure";
    if (measured) words >> word;
    SamplePdu pdu;
    pdu.sender = word == "server" ? Role::SERVER : Role::CLIENT;
    words >> hex;
    if (!octets_of(hex, pdu.octets)) return false;
    if (measured) {
      sample.measured = std::move(pdu);
      return !sample.rules.empty();
    }
    sample.before.push_back(std::move(pdu));
  }
  return false;
}

}  // namespace

bool load_samples(std::vector<Sample>& samples) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator("tests/bench/pdus"))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end(), [](const auto& left, const auto& right) {
    const bool first = left.stem() == "modbus";
    return first != (right.stem() == "modbus") ? first : left < right;
  });
  bool good = paths.size() == all_protocols().size();
  if (!good) std::fprintf(stderr, "tests/bench/pdus: one file for each protocol\n");
  for (const std::filesystem::path& path : paths) {
    Sample sample;
    if (load(path, sample)) {
      samples.push_back(std::move(sample));
      continue;
    }
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    good = false;
  }
  return good;
}

}  // namespace conduit::bench
