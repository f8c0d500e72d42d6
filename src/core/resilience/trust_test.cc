#include "core/resilience/trust.h"

#include <gtest/gtest.h>

#include "core/routing/choose.h"
#include "core/routing/test_grid.h"

namespace aigrid::resilience {
namespace {

using routing::TestGrid;
using routing::Trust;

constexpr Time kStart{1000s};

TEST(Trust, ThreeFaultsInARowEject) {
  Trust t;
  Time now = kStart;
  const auto fail_later = [&] { failed(t, now += 200ms); };
  fail_later();
  fail_later();
  answered(t, 20ms, 20, now);
  fail_later();
  fail_later();
  EXPECT_FALSE(t.ejected) << "an answer between them";
  for (int i = 0; i < 50; ++i) failed(t, now);
  EXPECT_FALSE(t.ejected) << "the streams of one node are one fault";
  fail_later();
  EXPECT_TRUE(t.ejected);
  EXPECT_EQ(t.until, now + 1s);
  failed(t, now + 500ms);
  EXPECT_EQ(t.until, now + 1s) << "what was under way when it was ejected is no new fault";
}

TEST(Trust, TheProbeDecidesAndThePauseDoubles) {
  Trust t;
  for (int i = 0; i < 3; ++i) failed(t, kStart + i * 1s);
  Time now = kStart + 2s;
  for (const auto pause : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    EXPECT_EQ(t.until - now, pause);
    now = t.until;
    failed(t, now);
  }
  answered(t, 20ms, 20, t.until);
  EXPECT_FALSE(t.ejected);
  for (int i = 0; i < 3; ++i) failed(t, t.back + (i + 1) * 1s);
  EXPECT_EQ(t.until - (t.back + 3s), 30s) << "soon after, it is not forgotten";
}

TEST(Trust, AGreyFailureEjectsWhenItLasts) {
  Trust t;
  for (int i = 0; i < 40; ++i) answered(t, 900ms, 20, kStart + i * 250ms);
  EXPECT_FALSE(t.ejected) << "slow, but not beyond reason";
  Trust grey;
  Time now = kStart;
  answered(grey, 5s, 20, now);
  for (int i = 1; i < 3; ++i) answered(grey, 20ms, 20, now + i * 500ms);
  EXPECT_EQ(grey.slow_since, kNever) << "one slow answer is noise";
  now += 2s;
  for (; !grey.ejected && now < kStart + 20s; now += 250ms) answered(grey, 5s, 20, now);
  EXPECT_TRUE(grey.ejected);
  EXPECT_LE(now, kStart + 7s);
}

class Chosen : public testing::Test {
 protected:
  routing::Decision choose() {
    Random random(1);
    return routing::choose_site(grid.snapshot(), grid.input, grid.now, random, nullptr);
  }
  void eject(const char* site) {
    for (int i = 0; i < 3; ++i) failed(grid.rows.site_trust[grid.site(site)], grid.now + (i - 2) * 150ms);
  }
  TestGrid grid{routing::test_inventory(routing::four_cities()), "paris"};
};

TEST_F(Chosen, AnEjectedSiteGetsOneProbeAtATimeAndStartsSlowly) {
  EXPECT_EQ(grid.name(choose().site), "paris");
  eject("paris");
  EXPECT_EQ(grid.name(choose().site), "lyon");
  grid.now += 1s;
  EXPECT_EQ(grid.name(choose().site), "paris") << "half open";
  auto& trust = grid.rows.site_trust[grid.site("paris")];
  dispatched(trust, grid.now);
  EXPECT_EQ(grid.name(choose().site), "lyon") << "one probe is out";
  answered(trust, 20ms, 20, grid.now);
  EXPECT_EQ(grid.name(choose().site), "lyon") << "it starts slowly";
  grid.now += 30s;
  for (auto& r : grid.rows.site_rows) r.at = grid.now;
  EXPECT_EQ(grid.name(choose().site), "paris");
}

TEST_F(Chosen, DetectionThatShutsOutMostOfTheGridIsNotHeeded) {
  eject("paris");
  eject("lyon");
  EXPECT_EQ(grid.name(choose().site), "frankfurt");
  eject("frankfurt");
  EXPECT_EQ(grid.name(choose().site), "paris");
}

}  // namespace
}  // namespace aigrid::resilience
