// Gateways of several workers: what one worker decides holds for all of them, and nothing that one of them wrote is
// lost. Lyon has two gateways of two workers each; they share its port, its node and its queue.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "app/control/control.h"
#include "world/grid.h"

namespace aigrid::world {
namespace {

using Asks = std::vector<std::shared_ptr<Asked>>;

GridOptions two_by_two() {
  GridOptions out;
  out.sites = {"lyon", "zurich"};
  out.gateways = {{"lyon", 2}};
  out.workers = {{"lyon", 2}};
  out.engine.answer_tokens = 20;
  return out;
}

// Only lyon may serve it.
Ask at_lyon(bool stream = false) {
  Ask out;
  out.stream = stream;
  out.max_tokens = 20;
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

// Who took it in: a gateway, or a worker of one.
std::string source_of(const Asked& asked) {
  const auto end = asked.request_id.find('_', 4);
  return asked.request_id.substr(4, end - 4);
}

void expect_whole(const Asks& all) {
  for (const auto& a : all) {
    EXPECT_TRUE(a->complete && a->status == 200) << a->request_id << " " << a->status << a->code << a->why;
  }
}

TEST(Workers, ShareOneQueueAndNeverOverCommitANode) {
  WorldGrid grid(two_by_two());
  ASSERT_TRUE(grid.start()) << grid.get("/api/v1/status").dump(1);
  grid.world().run_for(1s);  // until each has heard the rows of the others' queues
  const auto probes = grid.counted("lyon-1").requests;
  const auto here = load(grid, "lyon", 60, 25ms, at_lyon());
  const auto streams = load(grid, "lyon", 20, 75ms, at_lyon(true));
  const auto there = load(grid, "zurich", 40, 50ms, at_lyon());
  std::size_t asked = 0;
  std::set<std::string> through;
  for (const auto& all : {here, streams, there}) {
    ASSERT_TRUE(grid.wait_over(all, 120s));
    expect_whole(all);
    asked += all.size();
  }
  for (const auto& all : {here, streams}) {
    for (const auto& a : all) through.insert(source_of(*a));
  }
  EXPECT_EQ(through.size(), 4U) << "a worker had nothing to do: " << testing::PrintToString(through);
  const auto counted = grid.counted("lyon-1");
  EXPECT_EQ(counted.requests - probes, asked);
  EXPECT_EQ(counted.most_running, grid.options().slots);
  EXPECT_EQ(counted.queued, 0U);
  EXPECT_EQ(grid.settled_usage().value("requests", 0U), asked);
}

TEST(Workers, AGatewayOfTwoKilledUnderLoadCostsOthersNothing) {
  for (const int victim : {1, 2}) {
    SCOPED_TRACE(victim);
    GridOptions options = two_by_two();
    options.seed = static_cast<std::uint64_t>(victim);
    WorldGrid grid(options);
    ASSERT_TRUE(grid.start());
    const auto remote = load(grid, "zurich", 100, 50ms, at_lyon());
    const auto local = load(grid, "lyon", 50, 100ms, at_lyon());
    grid.world().run_for(2500ms);
    const Time killed = grid.world().now();
    grid.world().kill(WorldGrid::gateway_host("lyon", victim));
    ASSERT_TRUE(grid.wait_over(remote, 120s));
    ASSERT_TRUE(grid.wait_over(local, 120s));
    expect_whole(remote);
    for (const auto& a : local) {
      if (a->asked > killed) EXPECT_TRUE(a->complete) << a->request_id << " " << a->status << a->code << a->why;
    }
    EXPECT_EQ(grid.counted("lyon-1").most_running, grid.options().slots);
    const auto after = load(grid, "lyon", 2, 0s, at_lyon());
    ASSERT_TRUE(grid.wait_over(after, 10s));
    for (const auto& a : after) EXPECT_LT(a->ended - a->asked, 500ms) << "a slot of the dead did not come back";
  }
}

// One gateway alone, of four workers.
GridOptions one_of_four() {
  GridOptions out = two_by_two();
  out.gateways = {};
  out.workers = {{"lyon", 4}, {"zurich", 3}};
  return out;
}

TEST(Workers, WithControlAwayTheyLoseNothingThoughTheyComeBackFewer) {
  GridOptions options = one_of_four();
  std::uint32_t workers = 4;
  options.gateway = [&workers](const std::string& host, gateway::GatewayOptions& o) {
    if (host == "lyon/gateway") o.workers = workers;
  };
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  grid.world().kill("control/control");
  const auto before = load(grid, "lyon", 40, 50ms, at_lyon());
  ASSERT_TRUE(grid.wait_over(before, 60s));
  expect_whole(before);
  grid.world().run_for(1s);
  std::set<std::string> through;
  for (const auto& a : before) through.insert(source_of(*a));
  EXPECT_EQ(through.size(), 4U);
  workers = 2;
  grid.restart_gateway("lyon");
  grid.world().run_for(5s);
  const auto after = load(grid, "lyon", 20, 50ms, at_lyon());
  ASSERT_TRUE(grid.wait_over(after, 60s));
  expect_whole(after);
  grid.restart_control();
  ASSERT_TRUE(grid.wait_ready()) << grid.get("/api/v1/status").dump(1);
  EXPECT_EQ(grid.settled_usage().value("requests", 0U), before.size() + after.size());
  // What is known of the gateway follows what it says of itself.
  const auto changed = grid.wait_status(
      "/api/v1/gateways/lyon-gw", [](const auto& g) { return g["spec"].value("workers", 0) == 2; }, 10s);
  EXPECT_TRUE(changed) << grid.get("/api/v1/gateways/lyon-gw").dump(1);
}

// Told to stop under load: what runs ends whole, whichever worker has it, and the others' slots stay what they are.
TEST(Workers, AStopUnderLoadCutsNothing) {
  for (const int victim : {1, 2}) {
    SCOPED_TRACE(victim);
    GridOptions options = two_by_two();
    options.seed = static_cast<std::uint64_t>(victim);
    options.engine.answer_tokens = 200;
    WorldGrid grid(options);
    ASSERT_TRUE(grid.start());
    Ask stream = at_lyon(true);
    stream.max_tokens = 200;
    const auto local = load(grid, "lyon", 12, 100ms, stream);
    const auto remote = load(grid, "zurich", 60, 100ms, at_lyon());
    grid.world().run_for(1500ms);
    grid.world().stop(WorldGrid::gateway_host("lyon", victim));
    ASSERT_TRUE(grid.wait_over(local, 120s));
    ASSERT_TRUE(grid.wait_over(remote, 120s));
    expect_whole(local);
    expect_whole(remote);
    EXPECT_EQ(grid.counted("lyon-1").most_running, grid.options().slots);
    EXPECT_EQ(grid.world().log_of(WorldGrid::gateway_host("lyon", victim)).find("agent_displaced"), std::string::npos);
    EXPECT_EQ(grid.settled_usage().value("requests", 0U), local.size() + remote.size());
  }
}

// Others know of the new number only when control is back: until then nobody comes in at a worker they do not know.
TEST(Workers, WithControlAwayMoreOfThemTakePartOnceTheyAreKnown) {
  GridOptions options = two_by_two();
  std::uint32_t workers = 2;
  options.gateway = [&workers](const std::string& host, gateway::GatewayOptions& o) {
    if (host == "lyon/gateway") o.workers = workers;
  };
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  grid.world().kill("control/control");
  workers = 4;
  grid.restart_gateway("lyon");
  grid.world().run_for(5s);
  const auto alone = load(grid, "lyon", 40, 50ms, at_lyon());
  ASSERT_TRUE(grid.wait_over(alone, 60s));
  expect_whole(alone);
  for (const auto& a : alone) EXPECT_NE(source_of(*a), "lyon-gw~3") << "nobody reaches it yet";
  grid.restart_control();
  ASSERT_TRUE(grid.wait_ready()) << grid.get("/api/v1/status").dump(1);
  ASSERT_TRUE(grid.wait_status(
      "/api/v1/gateways/lyon-gw", [](const auto& g) { return g["spec"].value("workers", 0) == 4; }, 10s));
  grid.world().run_for(3s);
  const auto all = load(grid, "lyon", 60, 50ms, at_lyon());
  ASSERT_TRUE(grid.wait_over(all, 60s));
  expect_whole(all);
  std::set<std::string> through;
  for (const auto& a : all) through.insert(source_of(*a));
  EXPECT_EQ(through.size(), 6U) << testing::PrintToString(through);
  EXPECT_EQ(grid.counted("lyon-1").most_running, grid.options().slots);
}

// A log that cannot be opened: nobody is let in who would get a receipt for nothing, and nothing dies of it.
TEST(Workers, WithoutItsAuditLogAGatewayTakesNobodyIn) {
  WorldGrid grid(one_of_four());
  ASSERT_TRUE(grid.start());
  grid.world().stop("lyon/gateway");
  grid.world().run_for(5s);
  auto& files = grid.world().env("lyon/gateway").files();
  ASSERT_TRUE(files.replace("/var/lyon-gw/audit/FR.lyon-gw/log.db", "this is no database").ok());
  grid.restart_gateway("lyon");
  grid.world().run_for(70s);  // long enough for a peer to ask for a statement of distance
  const auto refused = load(grid, "lyon", 8, 50ms, at_lyon());
  ASSERT_TRUE(grid.wait_over(refused, 60s));
  for (const auto& a : refused) {
    EXPECT_EQ(a->status, 503) << a->request_id;
    EXPECT_NE(a->why.find("audit log"), std::string::npos) << a->why;
  }
  EXPECT_TRUE(grid.world().alive("lyon/gateway"));
}

// A key revoked, a certificate renewed: every worker knows.
TEST(Workers, WhatChangesReachesAllOfThem) {
  GridOptions options = one_of_four();
  options.control = [](control::ControlOptions& o) { o.certificate_lifetime = 30s; };
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  // Long enough for every certificate to be another one, and new connections of every worker to be made with it.
  grid.world().run_for(60s);
  grid.world().cut("lyon", "zurich");
  grid.world().run_for(1s);
  grid.world().restore("lyon", "zurich");
  grid.world().run_for(5s);
  const auto over = load(grid, "zurich", 12, 50ms, at_lyon());
  ASSERT_TRUE(grid.wait_over(over, 60s));
  expect_whole(over);
  const auto made = nlohmann::json::parse(grid.call("POST", "/api/v1/api-keys", {{"tenant", "free"}}).body);
  grid.world().run_for(1s);
  Ask what = at_lyon();
  what.key = made.at("key");
  const auto taken = load(grid, "lyon", 4, 50ms, what);
  ASSERT_TRUE(grid.wait_over(taken, 60s));
  expect_whole(taken);
  const std::string kid = made.at("kid");
  ASSERT_TRUE(grid.call("POST", "/api/v1/api-keys/" + kid + "/revoke").ok());
  grid.world().run_for(1s);
  std::set<std::string> through;
  const auto refused = load(grid, "lyon", 12, 50ms, what);
  ASSERT_TRUE(grid.wait_over(refused, 60s));
  for (const auto& a : refused) {
    EXPECT_EQ(a->status, 401) << a->request_id;
    through.insert(source_of(*a));
  }
  EXPECT_EQ(through.size(), 4U);
}

TEST(Workers, TheSameSeedGivesTheSameLog) {
  const auto run = [] {
    WorldGrid grid(two_by_two());
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
