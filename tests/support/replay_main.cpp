// Main of a fuzz target that is not linked with libFuzzer: gives it the empty input and every file of the
// folders and files named as arguments, each in a heap block of its exact size, so that a sanitizer or
// valgrind sees an over-read.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

bool replay(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return false;
  }
  const std::vector<char> content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto exact = std::make_unique<std::uint8_t[]>(content.size());
  std::copy(content.begin(), content.end(), exact.get());
  std::fprintf(stderr, "%s\n", path.c_str());  // before the run: after a crash the last line names the input
  return LLVMFuzzerTestOneInput(exact.get(), content.size()) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  bool good = LLVMFuzzerTestOneInput(nullptr, 0) == 0;
  std::vector<fs::path> inputs;
  for (int i = 1; i < argc; ++i) {
    if (fs::is_directory(argv[i])) {
      for (const auto& entry : fs::recursive_directory_iterator(argv[i])) {
        if (entry.is_regular_file()) inputs.push_back(entry.path());
      }
    } else {
      inputs.emplace_back(argv[i]);
    }
  }
  std::sort(inputs.begin(), inputs.end());
  for (const fs::path& input : inputs) good = replay(input) && good;
  std::fprintf(stderr, "%zu inputs replayed\n", inputs.size());
  if (inputs.empty()) std::fprintf(stderr, "no corpus: at least one input must be checked in\n");
  return good && !inputs.empty() ? 0 : 1;
}
