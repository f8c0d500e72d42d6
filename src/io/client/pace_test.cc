// How long members wait: before another try, and before a renewal.
#include <gtest/gtest.h>

#include <set>

#include "io/client/backoff.h"
#include "io/client/renewal.h"

namespace aigrid::io {
namespace {

TEST(Backoff, doubles_up_to_its_bound_and_begins_anew_after_success) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Backoff backoff(seed, {100ms, 1s});
    for (const Duration most : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
      const Duration wait = backoff.failed();
      EXPECT_GE(wait, most / 2) << seed;
      EXPECT_LE(wait, most) << seed;
    }
    backoff.succeeded();
    EXPECT_LE(backoff.failed(), 100ms);
  }
}

TEST(Backoff, spreads_a_herd) {
  std::set<Duration> waits;
  for (std::uint64_t seed = 0; seed < 100; ++seed) waits.insert(Backoff(seed).failed());
  EXPECT_GT(waits.size(), 90U);
}

TEST(RenewalDelay, is_a_third_of_the_lifetime_or_a_little_less) {
  EXPECT_EQ(renewal_delay(36h, 0), 12h);
  EXPECT_EQ(renewal_delay(30s, 1), 9s);
  for (const double unit : {0.0, 0.3, 0.999}) {
    EXPECT_LE(renewal_delay(20s, unit), Duration(20s) / 3);
    EXPECT_GE(renewal_delay(20s, unit), 6s);
  }
  EXPECT_EQ(renewal_delay(Duration(0), 0.5), Duration(0));
  EXPECT_EQ(renewal_delay(-5s, 0.5), Duration(0)) << "expired already: at once";
}

}  // namespace
}  // namespace aigrid::io
