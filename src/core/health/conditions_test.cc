#include "core/health/conditions.h"

#include <gtest/gtest.h>

namespace aigrid::health {
namespace {

const Current kNow{7, 5s};

TEST(Conditions, GatewayByWhatWasHeardOfIt) {
  struct Case {
    Heard heard;
    State state;
    const char* reason;
  };
  const std::vector<Case> cases = {
      {{}, State::Unknown, "NeverHeard"},
      {{true, 6s, 7, ""}, State::False, "NotConnected"},
      {{true, 5s, 7, ""}, State::True, "Connected"},
      {{true, 1s, 7, "bad signature"}, State::False, "BundleRefused"},
      {{true, 1s, 0, ""}, State::False, "NoBundle"},
      {{true, 1s, 6, ""}, State::True, "BundleBehind"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(gateway_ready(c.heard, kNow).state, c.state) << c.reason;
    EXPECT_EQ(gateway_ready(c.heard, kNow).reason, c.reason);
  }
  EXPECT_EQ(node_ready({true, 1s, 7, ""}, true, kNow).reason, "Cordoned");
  EXPECT_EQ(node_ready({true, 1s, 7, ""}, false, kNow).state, State::True);
}

TEST(Conditions, DeploymentIsReadyWithOneEngine) {
  EXPECT_EQ(deployment_ready({}).reason, "NoNode");
  EXPECT_EQ(deployment_ready({{"a", false, "ready", ""}}).reason, "NodeNotConnected");
  EXPECT_EQ(deployment_ready({{"a", true, "", ""}}).reason, "NotStarted");
  EXPECT_EQ(deployment_ready({{"a", true, "failed", "no such file"}}).message, "engine on a is failed: no such file");
  EXPECT_EQ(deployment_ready({{"a", true, "ready", ""}, {"b", false, "", ""}}).reason, "SomeReady");
  EXPECT_EQ(deployment_ready({{"a", true, "ready", ""}}).reason, "AllReady");
}

TEST(Conditions, SiteNeedsAGatewayAndANode) {
  EXPECT_EQ(site_ready(0, 0, 0, 0).reason, "NoGateway");
  EXPECT_EQ(site_ready(0, 1, 1, 1).reason, "NoGatewayReady");
  EXPECT_EQ(site_ready(1, 1, 0, 1).reason, "NoNodeReady");
  EXPECT_EQ(site_ready(1, 1, 0, 0).state, State::True);
  EXPECT_EQ(site_ready(1, 2, 1, 1).reason, "SomeReady");
}

}  // namespace
}  // namespace aigrid::health
