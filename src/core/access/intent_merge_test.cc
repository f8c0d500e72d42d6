#include "core/access/intent_merge.h"

#include <gmock/gmock.h>

namespace aigrid::access {
namespace {

using ::testing::ElementsAre;

TEST(IntentMerge, ConstraintsIntersect) {
  grid::Intent key;
  grid::Intent header;
  grid::Intent body;
  key.zones = {"eu"};
  header.zones = {"fr", "eu"};
  key.only_sites = {"lyon", "paris"};
  body.only_sites = {"paris", "madrid"};
  key.ignore_sites = {"zurich"};
  body.ignore_sites = {"madrid"};
  key.max_price_nano = 300;
  header.max_price_nano = 200;
  body.max_price_nano = 900;
  key.allow_fallbacks = false;
  const auto i = *merge(key, header, body);
  EXPECT_THAT(i.zones, ElementsAre("eu", "fr"));
  EXPECT_THAT(i.only_sites, ElementsAre("paris"));
  EXPECT_THAT(i.ignore_sites, ElementsAre("zurich", "madrid"));
  EXPECT_EQ(i.max_price_nano, 200);
  EXPECT_FALSE(i.allow_fallbacks);
}

TEST(IntentMerge, DisjointListsOfSitesAreAnErrorNeverFreedom) {
  grid::Intent key;
  grid::Intent body;
  key.only_sites = {"lyon"};
  body.only_sites = {"madrid"};
  const auto i = merge(key, {}, body);
  ASSERT_FALSE(i.ok());
  EXPECT_EQ(i.error().message,
            "grid.only: no site is both in (lyon) and in (madrid): a nearer source may only narrow the list");
}

TEST(IntentMerge, PreferencesAreOverriddenByTheNearer) {
  grid::Intent key;
  grid::Intent header;
  grid::Intent body;
  key.sort = grid::Sort::Price;
  body.sort = grid::Sort::Latency;
  key.max_ttft_ms = 50;
  header.max_ttft_ms = 80;
  key.tier = grid::Tier::Batch;
  header.tier = grid::Tier::Realtime;
  body.trace = true;
  const auto i = *merge(key, header, body);
  EXPECT_EQ(i.sort, grid::Sort::Latency);
  EXPECT_EQ(i.max_ttft_ms, 80);
  EXPECT_EQ(i.tier, grid::Tier::Realtime);
  EXPECT_FALSE(i.require_ttft);
  EXPECT_TRUE(i.trace);
}

TEST(IntentMerge, ARequiredTargetIsNotLoosenedByAWish) {
  grid::Intent key;
  grid::Intent header;
  grid::Intent body;
  key.max_ttft_ms = 40;  // a wish: gone once something is required
  header.max_ttft_ms = 100;
  header.require_ttft = true;
  body.max_ttft_ms = 900;
  EXPECT_EQ(merge(key, header, body)->max_ttft_ms, 100);
  body.require_ttft = true;
  body.max_ttft_ms = 60;
  EXPECT_EQ(merge(key, header, body)->max_ttft_ms, 60);
  EXPECT_TRUE(merge(key, header, body)->require_ttft);
}

}  // namespace
}  // namespace aigrid::access
