// Two gateways at one site: they share its public port, its agents and its queues. No node runs more than it has slots
// for, whoever of them asks; who dies takes nothing with it but what it was in the middle of.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "world/grid.h"

namespace aigrid::world {
namespace {

using Asks = std::vector<std::shared_ptr<Asked>>;

GridOptions two_at_lyon() {
  GridOptions out;
  out.sites = {"lyon", "zurich"};
  out.gateways = {{"lyon", 2}};
  out.engine.answer_tokens = 20;
  return out;
}

Ask whole(std::uint32_t tokens = 20) {
  Ask out;
  out.stream = false;
  out.max_tokens = tokens;
  return out;
}

// Only lyon may serve it.
Ask at_lyon(std::uint32_t tokens = 20) {
  Ask out = whole(tokens);
  out.intent = "zone=\"fr\"";
  return out;
}

Asks load(WorldGrid& grid, const std::string& from, std::size_t count, Duration every, const Ask& ask) {
  Asks out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(grid.ask_at(grid.world().now() + every * static_cast<std::int64_t>(i), from, ask));
  }
  return out;
}

std::string gateway_of(const Asked& asked) { return asked.request_id.substr(0, asked.request_id.find('_', 4)); }

TEST(Siblings, ShareOneQueueAndNeverOverCommitANode) {
  WorldGrid grid(two_at_lyon());
  ASSERT_TRUE(grid.start()) << grid.get("/api/v1/status").dump(1) << grid.world().log_of("lyon/gateway-2");
  grid.world().run_for(1s);  // until each has heard the rows of the other's queues
  const auto probes = grid.counted("lyon-1").requests;
  // Four times what lyon can take: most of it waits, in arrival order.
  const auto all = load(grid, "lyon", 80, 25ms, at_lyon());
  ASSERT_TRUE(grid.wait_over(all, 120s));
  std::set<std::string> through;
  Duration out_of_turn{};
  Time latest{};
  for (const auto& a : all) {
    EXPECT_TRUE(a->complete && a->status == 200) << a->status << a->code << a->why;
    EXPECT_EQ(a->site, "lyon");
    through.insert(gateway_of(*a));
    if (a->ended < latest) out_of_turn = std::max(out_of_turn, latest - a->ended);
    latest = std::max(latest, a->ended);
  }
  EXPECT_EQ(through.size(), 2U) << "one of the gateways had nothing to do";
  EXPECT_LE(out_of_turn, 300ms) << "those that ask at one gateway wait longer than those at the other";
  const auto counted = grid.counted("lyon-1");
  EXPECT_EQ(counted.requests - probes, all.size());
  EXPECT_EQ(counted.most_running, grid.options().slots);
  EXPECT_EQ(counted.queued, 0U);
  EXPECT_EQ(grid.settled_usage().value("requests", 0U), all.size());
}

TEST(Siblings, OneKilledUnderLoadCostsOthersNothing) {
  const char* text = std::getenv("AIGRID_SIBLING_ROUNDS");
  const int rounds = text != nullptr ? std::atoi(text) : 2;
  for (int round = 1; round <= rounds; ++round) {
    SCOPED_TRACE(round);
    const int victim = 1 + round % 2;  // one of them owns the queue
    GridOptions options = two_at_lyon();
    options.seed = static_cast<std::uint64_t>(round);
    WorldGrid grid(options);
    ASSERT_TRUE(grid.start());
    const auto remote = load(grid, "zurich", 120, 50ms, at_lyon());
    const auto local = load(grid, "lyon", 60, 100ms, at_lyon());
    grid.world().run_for(3s);
    const Time killed = grid.world().now();
    grid.world().kill(WorldGrid::gateway_host("lyon", victim));
    ASSERT_TRUE(grid.wait_over(remote, 120s));
    ASSERT_TRUE(grid.wait_over(local, 120s));
    for (const auto& a : remote) {
      EXPECT_TRUE(a->complete && a->status == 200) << a->request_id << " " << a->status << a->code << a->why;
    }
    for (const auto& a : local) {
      // Its own clients are cut, and come back to whoever has the port.
      if (a->asked > killed) EXPECT_TRUE(a->complete) << a->request_id << " " << a->status << a->code << a->why;
    }
    EXPECT_EQ(grid.counted("lyon-1").most_running, grid.options().slots);
    // Its slots came back: both run at once again.
    const auto after = load(grid, "lyon", 2, 0s, at_lyon());
    ASSERT_TRUE(grid.wait_over(after, 10s));
    EXPECT_LT(after[0]->ended - after[0]->asked, 500ms);
    EXPECT_LT(after[1]->ended - after[1]->asked, 500ms);
  }
}

TEST(Siblings, OneThatComesBackTakesItsPart) {
  WorldGrid grid(two_at_lyon());
  ASSERT_TRUE(grid.start());
  grid.world().kill(WorldGrid::gateway_host("lyon", 1));
  grid.world().run_for(5s);
  // The agent still reaches control through the other one, and its records arrive.
  const auto alone = load(grid, "lyon", 10, 50ms, at_lyon());
  grid.world().run_for(200ms);
  grid.restart_gateway("lyon", 1);
  ASSERT_TRUE(grid.wait_over(alone, 60s));
  ASSERT_TRUE(grid.wait_ready()) << grid.get("/api/v1/status").dump(1);
  const auto both = load(grid, "lyon", 20, 50ms, at_lyon());
  ASSERT_TRUE(grid.wait_over(both, 60s));
  std::set<std::string> through;
  for (const auto& a : both) {
    EXPECT_TRUE(a->complete) << a->status << a->code << a->why;
    through.insert(gateway_of(*a));
  }
  for (const auto& a : alone) EXPECT_TRUE(a->complete) << a->status << a->code << a->why;
  EXPECT_EQ(through.size(), 2U);
  EXPECT_EQ(grid.counted("lyon-1").most_running, grid.options().slots);
}

TEST(Siblings, TheSameSeedGivesTheSameLog) {
  const auto run = [] {
    WorldGrid grid(two_at_lyon());
    EXPECT_TRUE(grid.start());
    const auto all = load(grid, "lyon", 20, 30ms, at_lyon());
    grid.world().run_for(300ms);
    grid.world().kill(WorldGrid::gateway_host("lyon", 2));
    EXPECT_TRUE(grid.wait_over(all, 60s));
    return std::string(grid.world().event_log());
  };
  const std::string first = run();
  EXPECT_FALSE(first.empty());
  EXPECT_TRUE(first == run());
}

}  // namespace
}  // namespace aigrid::world
