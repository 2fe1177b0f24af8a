// The bounded queue of stream bytes, against a plain one.
#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "dataplane/engine/tcp_gate_kept.hpp"

namespace conduit {
namespace {

std::vector<std::uint8_t> all_of(const BlockPool& pool, const KeptBytes& kept) {
  std::vector<std::uint8_t> octets(kept.size);
  kept_copy(pool, kept, 0, octets);
  return octets;
}

}  // namespace

TEST_CASE("kept bytes: append, drop, shorten, write over, clone, in any order") {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    std::minstd_rand random(seed);
    BlockPool pool(32);
    KeptBytes kept;
    KeptBytes copy;
    std::vector<std::uint8_t> plain;
    for (int step = 0; step < 40; ++step) {
      const auto size = static_cast<std::uint32_t>(plain.size());
      const std::uint32_t some = size == 0 ? 0 : static_cast<std::uint32_t>(random() % (size + 1));
      switch (random() % 5) {
        case 0:
        case 1: {
          std::vector<std::uint8_t> more(random() % (random() % 2 == 0 ? 30 : 5000));
          for (std::uint8_t& octet : more) octet = static_cast<std::uint8_t>(random());
          if (kept_append(pool, kept, more)) plain.insert(plain.end(), more.begin(), more.end());
          break;
        }
        case 2:
          kept_drop(pool, kept, some);
          plain.erase(plain.begin(), plain.begin() + some);
          break;
        case 3:
          kept_shorten(pool, kept, some);
          plain.resize(size - some);
          break;
        default: {
          std::vector<std::uint8_t> other(random() % (size - some + 1), static_cast<std::uint8_t>(step));
          kept_write(pool, kept, some, other);
          std::copy(other.begin(), other.end(), plain.begin() + some);
        }
      }
      REQUIRE(all_of(pool, kept) == plain);
      const std::uint32_t before = pool.in_use();
      if (kept_clone(pool, kept, copy)) REQUIRE(all_of(pool, copy) == plain);
      kept_clear(pool, copy);
      REQUIRE(pool.in_use() == before);
    }
    kept_clear(pool, kept);
    CHECK(pool.in_use() == 0);
  }
}

}  // namespace conduit
