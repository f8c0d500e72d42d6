#include "core/resilience/link_estimator.h"

#include <gtest/gtest.h>

#include <cmath>

namespace aigrid::resilience {
namespace {

Time at(Duration d) { return Time(d); }

TEST(LinkEstimator, UnknownUntilMeasured) {
  LinkEstimator link;
  EXPECT_FALSE(link.row().up);
  link.connected(at(1s));
  EXPECT_TRUE(link.row().up);
  EXPECT_TRUE(std::isnan(link.row().rtt_ms));
  link.measured(20ms, at(1s));
  EXPECT_FLOAT_EQ(link.row().rtt_ms, 20);
}

TEST(LinkEstimator, OneOutlierMovesItLittleTwoAreANewPath) {
  LinkEstimator link;
  for (int i = 0; i < 20; ++i) link.measured(20ms, at(i * 200ms));
  link.measured(200ms, at(5s));
  EXPECT_LT(link.row().rtt_ms, 80);
  link.measured(200ms, at(5s + 200ms));
  EXPECT_FLOAT_EQ(link.row().rtt_ms, 200);
}

TEST(LinkEstimator, FollowsASmallChangeWithinTwoSecondsOfPings) {
  LinkEstimator link;
  for (int i = 0; i < 20; ++i) link.measured(20ms, at(i * 200ms));
  for (int i = 0; i < 10; ++i) link.measured(30ms, at(4s + i * 200ms));
  EXPECT_NEAR(link.row().rtt_ms, 30, 0.5);
}

TEST(LinkEstimator, CountsLossesAndGoesDown) {
  LinkEstimator link;
  link.connected(at(1s));
  link.lost(at(2s));
  EXPECT_FALSE(link.row().up);
  EXPECT_EQ(link.row().losses, 1U);
  link.connected(at(3s));
  EXPECT_TRUE(link.row().up);
  link.missed(at(4s));
  EXPECT_FALSE(link.row().up);
  EXPECT_EQ(link.row().losses, 1U);
}

}  // namespace
}  // namespace aigrid::resilience
