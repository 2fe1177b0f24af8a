// Cost of one match: rules on one pair of assets, and the same number spread over pairs. Each rule permits
// three functions on ten registers; operations ask for permitted, foreign and too many registers by turns of
// a fixed random order.
#include <cstdio>
#include <vector>

#include "protocols/modbus/modbus_decoder.hpp"
#include "tests/bench/benches.hpp"
#include "tests/bench/measure.hpp"
#include "tests/support/image_sources.hpp"

namespace conduit::bench {
namespace {

enum class Kind { PERMITTED, DENIED_OBJECT, DENIED_FUNCTION, PERMITTED_VALUE };

struct Question {
  std::uint32_t group = 0;
  Operation operation;
};

constexpr std::uint8_t registers[20] = {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 9, 0, 10};

std::vector<Question> questions(const RuleImage& image, std::uint32_t rules_per_pair, Kind kind) {
  test_image::Random random(42);
  std::vector<Question> all(4096);
  for (Question& question : all) {
    question.group = image.services()[random() % image.services().size()].request_group;
    Operation& operation = question.operation;
    operation.protocol = modbus_id;
    operation.access = kind == Kind::PERMITTED_VALUE ? AccessClass::WRITE : AccessClass::READ;
    operation.function = kind == Kind::DENIED_FUNCTION ? 8 : kind == Kind::PERMITTED_VALUE ? 16 : 3;
    operation.set(0, 1);
    const std::uint64_t first = 11 * (random() % rules_per_pair);
    operation.set(1, {first, first + (kind == Kind::DENIED_OBJECT ? 10U : 9U)});
    if (kind != Kind::PERMITTED_VALUE) continue;
    operation.value.kind = ValueKind::WORDS;
    operation.value.count = 10;
    operation.value.data = registers;
  }
  return all;
}

ImageSource source_of(std::uint32_t pairs, std::uint32_t rules_per_pair, bool with_values) {
  ImageSource source = test_image::two_assets();
  std::vector<RuleSource> rules = test_image::stretches(rules_per_pair);
  for (RuleSource& rule : rules) {
    if (with_values) rule.values = {{NumberType::NATURAL, WordOrder::HIGH_FIRST, 1, 1, 0, 0, 1500}};
  }
  for (std::uint32_t i = 0; i < pairs; ++i) {
    ServiceSource service = test_image::service_of(rules);
    service.port_first = service.port_last = static_cast<std::uint16_t>(502 + i);
    source.services.push_back(service);
  }
  return source;
}

bool measure_row(const Options& options, std::uint32_t pairs, std::uint32_t rules_per_pair, Kind kind,
                 Cost& base) {
  constexpr const char* names[] = {"permitted", "denied: object", "denied: function", "permitted, 10 values"};
  const auto built = build_image(source_of(pairs, rules_per_pair, kind == Kind::PERMITTED_VALUE));
  const char* broken = nullptr;
  const RuleImage image = built ? RuleImage::open(built->bytes(), broken) : RuleImage();
  if (!image.valid()) return false;
  const std::vector<Question> all = questions(image, rules_per_pair, kind);
  ResultHash hash;
  std::uint32_t permitted = 0;
  for (const Question& question : all) {
    const MatchResult result = image.match(question.group, question.operation, {});
    hash.add(result.rule);
    permitted += result.rule != none_index ? 1 : 0;
  }
  std::uint64_t sum = 0;
  const Cost cost = measure(options.smoke ? 1 : 20, options.smoke ? 4096 : 400'000, [&](std::uint32_t turn) {
    const Question& question = all[turn % 4096];
    sum += image.match(question.group, question.operation, {}).rule;
  });
  hash.add(sum);
  if (base.ns == 0) base = cost;
  char name[64];
  std::snprintf(name, sizeof name, "%s, %u x %u", names[static_cast<int>(kind)], pairs, rules_per_pair);
  print_row(name, cost, base, hash.value());
  const bool permits = kind == Kind::PERMITTED || kind == Kind::PERMITTED_VALUE;
  return permitted == (permits ? 4096 : 0);
}

}  // namespace

bool bench_match(const Options& options, int& row) {
  print_head("match: pairs x rules");
  struct Shape {
    std::uint32_t pairs, rules_per_pair;
  };
  bool good = true;
  for (const Kind kind :
       {Kind::PERMITTED, Kind::DENIED_OBJECT, Kind::DENIED_FUNCTION, Kind::PERMITTED_VALUE}) {
    Cost base;
    for (const Shape shape : {Shape{1, 10}, Shape{1, 10'000}, Shape{100, 100}}) {
      const int number = row++;
      if (options.only_row >= 0 && options.only_row != number) continue;
      good = measure_row(options, shape.pairs, shape.rules_per_pair, kind, base) && good;
    }
  }
  return good;
}

}  // namespace conduit::bench
