#include "format/inner/grant.h"

#include <gmock/gmock.h>

namespace aigrid::inner {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";

Ask granted() {
  Ask ask;
  ask.request_id = "g-1-2";
  ask.attempt = 1;
  ask.tenant = "mairie";
  ask.model = "chat";
  ask.deployment = "chat";
  ask.site = "lyon";
  ask.node = "lyon-1";
  ask.zones = {"fr"};
  ask.data_level = 2;
  ask.grant = issue_grant(ask, kKey, {30'000, 42});
  return ask;
}

TEST(Grant, GivesItsTermsToTheOtherEnd) {
  const auto terms = open_grant(granted(), kKey);
  ASSERT_TRUE(terms.ok());
  EXPECT_EQ(terms->expires_ms, 30'000U);
  EXPECT_EQ(terms->bundle_version, 42U);
  EXPECT_FALSE(open_grant(granted(), "another connection's key, 32 by.").ok());
  EXPECT_FALSE(open_grant(granted(), "").ok()) << "a connection without a key grants nothing";
}

TEST(Grant, CoversEverythingThatIsDecidedBy) {
  const std::vector<void (*)(Ask&)> changes = {
      [](Ask& a) { a.request_id += "x"; }, [](Ask& a) { ++a.attempt; },       [](Ask& a) { a.tenant = "free"; },
      [](Ask& a) { a.project = "p"; },     [](Ask& a) { a.key_id = "k"; },    [](Ask& a) { a.model = "other"; },
      [](Ask& a) { a.deployment = "d"; },  [](Ask& a) { a.site = "zurich"; }, [](Ask& a) { a.node = "lyon-2"; },
      [](Ask& a) { a.zones.clear(); },     [](Ask& a) { a.data_level = 1; },  [](Ask& a) { a.regimes = {"x"}; },
      [](Ask& a) { a.ingress_site = "x"; }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Ask ask = granted();
    changes[i](ask);
    EXPECT_FALSE(open_grant(ask, kKey).ok()) << i;
  }
  Ask moved = granted();
  std::swap(moved.site, moved.node);
  EXPECT_FALSE(open_grant(moved, kKey).ok()) << "no two asks give the same bytes";
}

TEST(Grant, EveryFlippedBitIsFound) {
  for (std::size_t bit = 0; bit < granted().grant.size() * 8; ++bit) {
    Ask ask = granted();
    ask.grant[bit / 8] = static_cast<char>(ask.grant[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(open_grant(ask, kKey).ok()) << bit;
  }
  Ask ask = granted();
  ask.grant.pop_back();
  EXPECT_THAT(open_grant(ask, kKey).error().message, HasSubstr("has 47 bytes, not 48"));
  ask.grant.clear();
  EXPECT_THAT(open_grant(ask, kKey).error().message, HasSubstr("no grant"));
}

}  // namespace
}  // namespace aigrid::inner
