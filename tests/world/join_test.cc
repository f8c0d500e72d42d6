// Join tokens that must not work, each with a message that says why.
#include <gtest/gtest.h>

#include "world/grid.h"

namespace aigrid::world {
namespace {

class Join : public testing::Test {
 protected:
  static GridOptions options() {
    GridOptions out;
    out.sites = {"lyon", "paris"};
    return out;
  }
  void SetUp() override {
    grid_.start_control();
    ASSERT_TRUE(grid_.configure());
  }
  // Starts paris's gateway with the token; it must end with exit code 1 and say `why`.
  void expect_refused(const std::string& token, const std::string& why) {
    grid_.start_gateway("paris", token);
    ASSERT_TRUE(grid_.world().run_until([&] { return grid_.exit_code("paris/gateway") >= 0; }, 120s))
        << grid_.world().log_of("paris/gateway");
    EXPECT_EQ(grid_.exit_code("paris/gateway"), 1);
    const std::string& log = grid_.world().log_of("paris/gateway");
    EXPECT_NE(log.find("join_failed"), std::string::npos) << log;
    EXPECT_NE(log.find(why), std::string::npos) << log;
    EXPECT_FALSE(grid_.world().env("paris/gateway").files().stat("/var/paris-gw/identity.json").ok());
  }
  WorldGrid grid_{options()};
};

TEST_F(Join, ExpiredToken) {
  const std::string token = grid_.join_token("gateway", "paris", "paris-gw", 5);
  grid_.world().run_for(6s);
  expect_refused(token, "expired");
}

TEST_F(Join, ControlsClockADayAheadEndsWhatWasGoodForAnHour) {
  const std::string token = grid_.join_token("gateway", "paris", "paris-gw", 3600);
  grid_.world().step_clock("control/control", Duration(24h));
  expect_refused(token, "expired");
}

TEST_F(Join, TokenOfAnotherName) { expect_refused(grid_.join_token("gateway", "lyon", "lyon-gw"), "lyon-gw"); }

TEST_F(Join, TokenOfAnotherRole) { expect_refused(grid_.join_token("agent", "paris", "paris-gw"), "agent"); }

TEST_F(Join, ReplayedTokenIsBurnt) {
  const std::string token = grid_.join_token("gateway", "lyon", "");
  grid_.start_gateway("lyon", token);
  ASSERT_TRUE(grid_.world().run_until(
      [&] { return grid_.world().log_of("lyon/gateway").find("gateway_started") != std::string::npos; }, 30s));
  expect_refused(token, "used");
}

TEST_F(Join, UnknownToken) {
  GridOptions other = options();
  other.seed = 99;
  WorldGrid stranger(other);
  stranger.start_control();
  ASSERT_TRUE(stranger.configure());
  // Of another grid: the root it pins is not the one that answers.
  expect_refused(stranger.join_token("gateway", "paris", "paris-gw"), "pin");
}

TEST_F(Join, BlankAndMalformedTokens) {
  expect_refused("", "token");
  grid_.world().restart("paris/gateway");
  expect_refused("agj1_nonsense", "token");
}

}  // namespace
}  // namespace aigrid::world
