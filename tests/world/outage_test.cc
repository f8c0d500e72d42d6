// Static stability and lost places: control gone, a gateway restarted, a node killed, a link cut; no request may fail.
#include <gtest/gtest.h>

#include "world/grid.h"

namespace aigrid::world {
namespace {

using Asks = std::vector<std::shared_ptr<Asked>>;

// `per_second` requests from the clients of `from` in turn, streams and whole answers, evenly over `span`.
Asks steady_load(WorldGrid& grid, const std::vector<std::string>& from, double per_second, Duration span) {
  Asks out;
  const auto count = static_cast<std::size_t>(per_second * to_ms_f(span) / 1000);
  for (std::size_t i = 0; i < count; ++i) {
    Ask ask;
    ask.stream = i % 2 == 0;
    ask.max_tokens = 4 + static_cast<std::uint32_t>(i % 5);
    ask.key = i % 3 == 0 ? grid.fr_key() : grid.free_key();
    const Time at = grid.world().now() + from_ms_f(1000.0 * static_cast<double>(i) / per_second);
    out.push_back(grid.ask_at(at, from[i % from.size()], ask));
  }
  return out;
}

void expect_all_answered(const Asks& all) {
  for (const auto& a : all) {
    EXPECT_TRUE(a->complete && a->status == 200)
        << a->request_id << " at " << a->ask.gateway << ": " << a->status << " " << a->code << " " << a->why;
  }
}

TEST(Outage, ControlDeadForAMinuteAndAGatewayRestartedMeanwhile) {
  WorldGrid grid;
  ASSERT_TRUE(grid.start());
  auto& world = grid.world();
  // While lyon's gateway restarts its clients ask elsewhere, as an SDK with two base URLs would.
  auto all = steady_load(grid, {"paris", "zurich"}, 20, 70s);
  world.run_for(5s);
  world.kill("control/control");
  world.run_for(20s);
  world.stop("lyon/gateway");
  ASSERT_TRUE(world.run_until([&] { return grid.exit_code("lyon/gateway") == 0; }, 40s));
  grid.restart_gateway("lyon");
  world.run_for(5s);
  auto late = steady_load(grid, {"lyon"}, 10, 20s);  // from its bundle on disk: control is still dead
  world.run_for(35s);
  grid.restart_control();
  ASSERT_TRUE(grid.wait_over(all, 120s));
  ASSERT_TRUE(grid.wait_over(late, 120s));
  expect_all_answered(all);
  expect_all_answered(late);
  ASSERT_TRUE(grid.wait_ready()) << grid.get("/api/v1/status").dump(1) << grid.world().log_of("lyon/gateway");
  EXPECT_EQ(grid.settled_usage().value("requests", 0U), all.size() + late.size()) << "records were lost in the outage";
}

TEST(Outage, AGatewayKilledAndRestartedWhileControlIsDeadServesFromItsDisk) {
  WorldGrid grid;
  ASSERT_TRUE(grid.start());
  grid.world().kill("control/control");
  grid.world().kill("paris/gateway");
  grid.restart_gateway("paris");
  grid.world().run_for(3s);
  auto asked = grid.ask("paris", {});
  ASSERT_TRUE(grid.wait_over({asked}, 30s));
  expect_all_answered({asked});
}

TEST(Outage, NodeKilledUnderLoad) {
  WorldGrid grid;
  ASSERT_TRUE(grid.start());
  auto all = steady_load(grid, {"paris", "lyon", "zurich"}, 20, 20s);
  grid.world().run_for(10s);
  grid.world().kill("paris/paris-2");
  ASSERT_TRUE(grid.wait_over(all, 120s));
  std::size_t cut = 0;
  for (const auto& a : all) {
    if (a->complete) continue;
    // Only an answer that had begun may end early, and it says so.
    EXPECT_TRUE(a->ask.stream && a->status == 200) << a->status << " " << a->code << " " << a->why;
    EXPECT_FALSE(a->code.empty()) << a->request_id;
    ++cut;
  }
  EXPECT_LE(cut, 2U) << "more streams than the node had slots";
}

TEST(Outage, ReroutedWithinASecondOfTheLossOfASite) {
  WorldGrid grid;
  ASSERT_TRUE(grid.start());
  auto all = steady_load(grid, {"paris", "zurich"}, 10, 10s);
  grid.world().run_for(5s);
  const Time killed = grid.world().now();
  grid.kill_site("lyon");
  ASSERT_TRUE(grid.wait_over(all, 60s));
  for (const auto& a : all) {
    if (a->asked < killed) continue;
    EXPECT_TRUE(a->complete) << a->status << " " << a->code << " " << a->why;
    EXPECT_LT(to_ms(a->first - a->asked), 1500) << "rerouted too slowly";
  }
}

TEST(Outage, LinkCutBetweenTwoLivingSites) {
  WorldGrid grid;
  ASSERT_TRUE(grid.start());
  auto all = steady_load(grid, {"paris", "zurich", "lyon"}, 20, 20s);
  grid.world().run_for(8s);
  grid.world().cut("paris", "lyon", {.reset_after = io::kNeverReset, .dials_time_out = true});
  grid.world().run_for(6s);
  grid.world().restore("paris", "lyon");
  ASSERT_TRUE(grid.wait_over(all, 120s));
  for (const auto& a : all) {
    if (a->complete) continue;
    EXPECT_TRUE(a->ask.stream && a->status == 200 && !a->code.empty()) << a->status << " " << a->code << " " << a->why;
  }
  EXPECT_TRUE(grid.wait_ready()) << "the link did not come back";
}

}  // namespace
}  // namespace aigrid::world
