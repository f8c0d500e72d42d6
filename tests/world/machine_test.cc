// Machines in trouble: a full disk under a gateway's records, a wall clock that steps by an hour.
#include <gtest/gtest.h>

#include "world/grid.h"

namespace aigrid::world {
namespace {

GridOptions two_sites() {
  GridOptions out;
  out.sites = {"lyon", "zurich"};
  return out;
}

TEST(Machine, DiskFullUnderTheSpoolLosesNoRecord) {
  WorldGrid grid(two_sites());
  ASSERT_TRUE(grid.start());
  grid.world().kill("control/control");  // nothing is shipped meanwhile
  grid.world().set_free_bytes("lyon/gateway", 2000);
  std::vector<std::shared_ptr<Asked>> all;
  const auto ask_some = [&] {
    for (int i = 0; i < 30; ++i) all.push_back(grid.ask_at(grid.world().now() + i * 50ms, "lyon", {}));
    ASSERT_TRUE(grid.wait_over(all, 60s));
  };
  ask_some();
  EXPECT_NE(grid.world().log_of("lyon/gateway").find("record_not_written"), std::string::npos)
      << "the disk was not full";
  grid.world().set_free_bytes("lyon/gateway", 1'000'000'000);
  ask_some();
  grid.restart_control();
  for (const auto& a : all) EXPECT_TRUE(a->complete) << a->status << " " << a->code << " " << a->why;
  EXPECT_TRUE(grid.wait_ready());
  EXPECT_EQ(grid.settled_usage().value("requests", 0U), all.size());
}

// The disk has room again, and nothing more is asked: the records kept in memory must not wait for the next request.
TEST(Machine, RecordsKeptInMemoryAreWrittenWhenThereIsRoom) {
  WorldGrid grid(two_sites());
  ASSERT_TRUE(grid.start());
  grid.world().set_free_bytes("lyon/gateway", 0);
  std::vector<std::shared_ptr<Asked>> all;
  for (int i = 0; i < 5; ++i) all.push_back(grid.ask("lyon", {}));
  ASSERT_TRUE(grid.wait_over(all, 60s));
  grid.world().set_free_bytes("lyon/gateway", 1'000'000'000);
  grid.world().run_for(5s);
  EXPECT_EQ(grid.settled_usage().value("requests", 0U), all.size());
}

TEST(Machine, ClockStepsByAnHour) {
  for (const Duration step : {Duration(3600s), Duration(-3600s)}) {
    for (const std::string host : {"lyon/gateway", "control/control", "lyon/lyon-1"}) {
      SCOPED_TRACE(host + (step.count() > 0 ? " forward" : " back"));
      WorldGrid grid(two_sites());
      ASSERT_TRUE(grid.start());
      std::vector<std::shared_ptr<Asked>> all;
      for (int i = 0; i < 60; ++i) {
        Ask ask;
        ask.stream = i % 2 == 0;
        all.push_back(grid.ask_at(grid.world().now() + i * 100ms, i % 3 == 0 ? "zurich" : "lyon", ask));
      }
      grid.world().run_for(2s);
      grid.world().step_clock(host, step);
      ASSERT_TRUE(grid.wait_over(all, 60s));
      for (const auto& a : all) EXPECT_TRUE(a->complete) << a->status << " " << a->code << " " << a->why;
      EXPECT_TRUE(grid.wait_ready());
      EXPECT_EQ(grid.settled_usage().value("requests", 0U), all.size());
      // Later starts go on from there.
      grid.restart_gateway("lyon");
      EXPECT_TRUE(grid.wait_ready());
      auto late = grid.ask("lyon", {});
      ASSERT_TRUE(grid.wait_over({late}, 30s));
      EXPECT_TRUE(late->complete) << late->code << late->why;
      EXPECT_EQ(grid.settled_usage().value("requests", 0U), all.size() + 1);
    }
  }
}

}  // namespace
}  // namespace aigrid::world
