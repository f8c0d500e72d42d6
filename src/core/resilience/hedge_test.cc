#include "core/resilience/hedge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"

namespace aigrid::resilience {
namespace {

using routing::Hedging;

// Times to the first token: mostly near the prediction, with a long tail.
double any_ratio(Random& random, double typical) {
  const double u = std::max(random.unit(), 1e-9);
  return typical * (0.5 + 0.7 * std::pow(u, -0.25));
}

TEST(Hedge, LateIsBeyondTheNinetyFifthPercentile) {
  for (const double typical : {0.2, 1.0, 6.0}) {
    Random random(7);
    Hedging hedging;
    std::vector<double> seen;
    for (int i = 0; i < 400; ++i) answered(hedging, from_ms_f(120 * any_ratio(random, typical)), 100);
    int late = 0;
    hedging.credit = 10'000;
    for (int i = 0; i < 20'000; ++i) {
      const Duration took = from_ms_f(120 * any_ratio(random, typical));
      if (to_ms_f(took) * kHedgeBounds.margin > to_ms_f(*hedge_after(&hedging, 100))) ++late;
      answered(hedging, took, 100);
    }
    EXPECT_NEAR(late, 1000, 200) << "one in twenty, with times typically " << typical << " times what was predicted";
  }
}

TEST(Hedge, WhereAllTakeAsLongNoneIsLate) {
  Random random(7);
  Hedging hedging;
  hedging.credit = 10'000;
  for (int i = 0; i < 400; ++i) answered(hedging, from_ms_f(100 + 5 * random.unit()), 100);
  for (int i = 0; i < 4000; ++i) {
    const Duration took = from_ms_f(100 + 5 * random.unit());
    EXPECT_LT(took, *hedge_after(&hedging, 100));
    answered(hedging, took, 100);
  }
}

TEST(Hedge, ItFollowsAGridThatBecomesSlow) {
  Hedging hedging;
  hedging.credit = 1000;
  for (int i = 0; i < 200; ++i) answered(hedging, 100ms, 100);
  const Duration before = *hedge_after(&hedging, 100);
  for (int i = 0; i < 40; ++i) answered(hedging, 900ms, 100);
  EXPECT_GT(*hedge_after(&hedging, 100), 4 * before) << "then slow is not late";
}

TEST(Hedge, NothingIsAskedTwiceBeforeThereIsSomethingToGoBy) {
  Hedging hedging;
  for (int i = 0; i < 100; ++i) requested(hedging);
  EXPECT_FALSE(hedge_after(nullptr, 100));
  for (std::uint32_t i = 0; i + 1 < kHedgeBounds.samples; ++i) {
    answered(hedging, 100ms, 100);
    EXPECT_FALSE(hedge_after(&hedging, 100));
  }
  answered(hedging, 100ms, 100);
  EXPECT_TRUE(hedge_after(&hedging, 100));
  EXPECT_TRUE(hedge_after(&hedging, routing::kUnknown)) << "without a prediction too";
}

TEST(Hedge, OneInTwentyRequestsAtMost) {
  Hedging hedging;
  for (std::uint32_t i = 0; i < kHedgeBounds.samples; ++i) answered(hedging, 100ms, 100);
  std::uint32_t out = 0;
  for (int i = 0; i < 10'000; ++i) {
    requested(hedging);
    if (!hedge_after(&hedging, 100)) continue;
    hedged(hedging);
    ++out;
  }
  EXPECT_EQ(out, 500U);
  for (int i = 0; i < 10'000; ++i) requested(hedging);
  for (out = 0; hedge_after(&hedging, 100); ++out) hedged(hedging);
  EXPECT_EQ(out, 10U) << "a calm time is not saved up for ever";
}

}  // namespace
}  // namespace aigrid::resilience
