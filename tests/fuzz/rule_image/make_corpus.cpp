// Writes the corpus of the rule image target into the folder that is named: once more after each change of
// the format.
#include <array>
#include <cstdio>
#include <fstream>
#include <string>

#include "tests/support/rich_image.hpp"

using namespace conduit;

namespace {

bool put(const std::string& path, const ImageSource& source) {
  const auto built = build_image(source);
  if (!built) return false;
  constexpr std::array<char, 21> questions = {5, 0x30, 3,    3, 1, 0x50, 16,   3, 40, 0x50, 6,
                                              3, 5,    0x30, 3, 7, 12,   0x30, 8, 0,  0};
  std::ofstream file(path, std::ios::binary);
  file.write(questions.data(), questions.size());
  const Bytes bytes = built->bytes();
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return file.good();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_rule_image_corpus FOLDER\n");
    return 2;
  }
  const std::string folder = std::string(argv[1]) + "/";
  ImageSource source = test_image::two_assets();
  bool good = put(folder + "no_services", source) && put(folder + "rich", test_image::rich_source());
  source.services = {test_image::service_of(test_image::stretches(3))};
  good = good && put(folder + "stretches", source);
  test_image::Random random(5);
  source.grants = test_image::random_grants();
  std::vector<RuleSource> rules(2);
  for (RuleSource& rule : rules) rule = test_image::random_rule(random);
  source.services = {test_image::service_of(rules)};
  return good && put(folder + "chance", source) ? 0 : 1;
}
