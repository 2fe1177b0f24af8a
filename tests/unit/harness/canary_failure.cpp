// A test that must fail: if it passes, so would anything.
#include <doctest/doctest.h>

TEST_CASE("this test must fail") { CHECK(1 == 2); }
