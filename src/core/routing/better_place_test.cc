#include <gtest/gtest.h>

#include "core/routing/choose.h"
#include "core/routing/test_grid.h"
#include "core/routing/thresholds.h"

namespace aigrid::routing {
namespace {

// Paris is the site whose queue is asked. Its own row is what the others see of it: nothing is left.
class BetterPlace : public ::testing::Test {
 protected:
  BetterPlace() {
    for (const auto* site : {"frankfurt", "lyon", "madrid"}) grid.rows.links[grid.site(site)].rtt_ms = 10;
    queue = grid.row("paris");
    queue.free_slots = 0;
    queue.wait_ms = 500;
    grid.row("paris") = queue;
  }
  std::string better() {
    const auto place = better_place(grid.snapshot(), 0, grid.input, queue, grid.now, random);
    if (place) EXPECT_EQ(place->deployment, 0);
    return place ? grid.name(place->site) : "-";
  }

  TestGrid grid{test_inventory(four_cities()), "paris"};
  SiteRow queue;
  Random random{1};
};

TEST_F(BetterPlace, TheNearestWithNoQueue) {
  grid.rows.links[grid.site("lyon")].rtt_ms = 5;
  EXPECT_EQ(better(), "lyon");
}

TEST_F(BetterPlace, AShortWaitIsNotWorthAHop) {
  queue.wait_ms = kThresholds.hand_on_wait_ms;
  EXPECT_EQ(better(), "-");
  queue.wait_ms = kUnknown;
  EXPECT_EQ(better(), "-");
}

TEST_F(BetterPlace, TheGainMustExceedTheWayThere) {
  for (const auto* site : {"frankfurt", "lyon", "madrid"}) grid.row(site).wait_ms = 484;
  EXPECT_NE(better(), "-") << "10 ms away, 16 ms sooner";
  for (const auto* site : {"frankfurt", "lyon", "madrid"}) grid.row(site).wait_ms = 486;
  EXPECT_EQ(better(), "-") << "10 ms away, 14 ms sooner";
}

TEST_F(BetterPlace, OnlyWherePermittedAndUp) {
  for (const auto* site : {"frankfurt", "madrid"}) grid.input.permitted.erase(grid.site(site));
  EXPECT_EQ(better(), "lyon");
  grid.rows.links[grid.site("lyon")].up = false;
  EXPECT_EQ(better(), "-");
}

TEST_F(BetterPlace, OwnHandOnsCountAtOnce) {
  grid.row("lyon").own_inflight = 50;
  grid.row("madrid").own_inflight = 50;
  EXPECT_EQ(better(), "frankfurt");
}

TEST_F(BetterPlace, WhereNoNodeIsReadyThatIsARefusalNotAHop) {
  queue.ready_nodes = 0;
  EXPECT_EQ(better(), "-");
}

TEST_F(BetterPlace, AQueueBeyondHopeIsLeftToo) {
  queue.wait_ms = 2 * kThresholds.hopeless_wait_ms;
  grid.row("paris") = queue;
  EXPECT_NE(better(), "-");
}

}  // namespace
}  // namespace aigrid::routing
