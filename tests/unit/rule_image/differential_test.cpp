// The matcher against the slow one: random rules, random operations, the same answer each time. And the
// comparison against itself: it must find every deliberate mistake.
#include <doctest/doctest.h>

#include "tests/support/image_sources.hpp"
#include "tests/support/reference_matcher.hpp"

using namespace conduit;

namespace {

struct Tally {
  std::uint32_t compared = 0;
  std::uint32_t permitted = 0;
  std::uint32_t differing = 0;
  std::array<std::uint32_t, reason_number_end> by_reason{};
};

bool same(const ImageSource& source, const RuleImage& image, const Operation& operation, MatchMoment moment,
          reference::Flaw flaw, Tally& tally) {
  const ServiceSource& service = source.services[0];
  const auto expected = reference::match(service, service.request, source.grants, operation, moment, flaw);
  const MatchResult got = image.match(image.services()[0].request_group, operation, moment);
  ++tally.compared;
  ++tally.by_reason[static_cast<std::size_t>(expected.reason)];
  if (expected.rule != got.rule || expected.reason != got.reason) return false;
  if (got.rule != none_index) return true;
  // The nearest rule went as far as the reason says; a rule for the function at least.
  if (got.reason == Reason::FUNCTION_NOT_PERMITTED) return got.nearest_rule == none_index;
  if (got.nearest_rule >= service.request.size()) return false;
  const RuleSource& nearest = service.request[got.nearest_rule];
  if (got.reason != Reason::OBJECT_NOT_PERMITTED) {
    return reference::judge(service, nearest, source.grants, operation, moment) == got.reason;
  }
  return std::find(nearest.functions.begin(), nearest.functions.end(), operation.function) !=
         nearest.functions.end();
}

// Compares `operation_count` operations on each of `image_count` images.
Tally compare(std::uint64_t seed, int image_count, int operation_count, reference::Flaw flaw) {
  test_image::Random random(seed);
  Tally tally;
  test_image::OperationStore store;
  for (int i = 0; i < image_count; ++i) {
    ImageSource source = test_image::two_assets();
    source.grants = test_image::random_grants();
    std::vector<RuleSource> rules(1 + random() % 12);
    for (RuleSource& rule : rules) rule = test_image::random_rule(random);
    source.services = {test_image::service_of(std::move(rules))};
    if (random() % 4 == 0) source.services[0].selector_dimension = no_dimension;
    const auto built = build_image(source);
    if (!built) {
      FAIL_CHECK("seed ", seed, " image ", i, ": ", built.error().what);
      continue;
    }
    const char* broken = nullptr;
    const RuleImage image = RuleImage::open(built->bytes(), broken);
    REQUIRE(image.valid());
    for (int n = 0; n < operation_count; ++n) {
      test_image::random_operation(random, store);
      const MatchMoment moment{test_image::random_now_ns, random() % 4 == 0};
      if (same(source, image, store.operation, moment, flaw, tally)) continue;
      if (++tally.differing == 1 && flaw == reference::Flaw::NONE) {
        FAIL_CHECK("seed ", seed, " image ", i, " operation ", n, " differs");
      }
    }
  }
  return tally;
}

}  // namespace

TEST_CASE("the matcher answers as the slow one does") {
  Tally total;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const Tally tally = compare(seed, 150, 120, reference::Flaw::NONE);
    CHECK(tally.differing == 0);
    total.compared += tally.compared;
    for (std::size_t i = 0; i < reason_number_end; ++i) total.by_reason[i] += tally.by_reason[i];
  }
  CHECK(total.compared == 8 * 150 * 120);
  // Chance met every answer often enough to mean something.
  for (const Reason reason : {Reason::NONE, Reason::FUNCTION_NOT_PERMITTED, Reason::OBJECT_NOT_PERMITTED,
                              Reason::VALUE_NOT_PERMITTED, Reason::ISLAND_MODE, Reason::GRANT_REQUIRED}) {
    CAPTURE(reason_info(reason).name);
    CHECK(total.by_reason[static_cast<std::size_t>(reason)] > 500);
  }
}

TEST_CASE("the comparison finds deliberate mistakes") {
  using reference::Flaw;
  for (const Flaw flaw : {Flaw::INTERSECTION, Flaw::FIRST_ELEMENT, Flaw::ABSENT_PERMITTED,
                          Flaw::LAST_RULE_WINS, Flaw::GRANT_FOR_EVER}) {
    CAPTURE(static_cast<int>(flaw));
    CHECK(compare(1, 150, 120, flaw).differing > 0);
  }
}
