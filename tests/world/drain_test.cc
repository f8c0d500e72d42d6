// Sites and nodes are emptied under load: nothing fails, nothing is cut, nothing new comes.
#include <gtest/gtest.h>

#include "world/grid.h"
#include "world/scripted_node.h"

namespace aigrid::world {
namespace {

using nlohmann::json;

void set(WorldGrid& grid, const std::string& kind, const std::string& name, const std::string& field, bool value) {
  const std::string at = "/api/v1/" + kind + "s/" + name;
  json resource = grid.get(at);
  resource.erase("status");
  resource["spec"][field] = value;
  const auto put = grid.call("POST", "/api/v1/apply", {{"resources", {resource}}});
  ASSERT_TRUE(put.ok()) << put.body;
}

GridOptions scripted(NodeScript& script) {
  GridOptions out;
  out.event_log = false;
  out.node = [&script](io::Env& env, agent::AgentOptions o) { return run_scripted_node(env, std::move(o), script); };
  return out;
}

std::vector<std::shared_ptr<Asked>> load(WorldGrid& grid, std::size_t count, Duration every, std::uint32_t tokens) {
  std::vector<std::shared_ptr<Asked>> out;
  for (std::size_t i = 0; i < count; ++i) {
    Ask ask;
    ask.max_tokens = tokens + static_cast<std::uint32_t>(i % 50);
    ask.stream = i % 4 != 3;
    const Time at = grid.world().now() + static_cast<std::int64_t>(i) * every;
    out.push_back(grid.ask_at(at, grid.options().sites[i % 3], ask));
  }
  return out;
}

void expect_whole(const std::vector<std::shared_ptr<Asked>>& all) {
  for (const auto& a : all) {
    std::string right;
    for (std::uint32_t n = 0; n < a->ask.max_tokens; ++n) right += token_text(n);
    EXPECT_TRUE(a->complete && a->status == 200) << a->request_id << " " << a->status << a->code << a->why;
    if (a->ask.stream) EXPECT_EQ(a->text, right) << a->request_id;
    if (a->ask.stream) EXPECT_EQ(a->roles, 1U);
  }
}

TEST(Drain, ASiteUnderLoadLosesNothing) {
  NodeScript script;
  WorldGrid grid(scripted(script));
  ASSERT_TRUE(grid.start());
  grid.world().run_for(1s);
  const auto all = load(grid, 150, 20ms, 200);
  grid.world().run_for(2s);
  const Time drained = grid.world().now();
  set(grid, "site", "paris", "drain", true);
  ASSERT_TRUE(grid.wait_over(all, 60s));
  expect_whole(all);
  std::size_t moved = 0;
  for (const auto& a : all) {
    if (a->asked > drained + 1s) EXPECT_NE(a->site, "paris");
    moved += a->resumed;
    EXPECT_LE(to_ms(a->longest_pause), 700) << a->request_id;
  }
  EXPECT_GT(moved, 10U);
  EXPECT_GT(script.seen.cancelled, 0U) << "they go on where they were";
  EXPECT_LE(script.seen.cancelled, moved);
  EXPECT_EQ(grid.settled_usage().value("requests", 0U), 150U);
  // And back.
  set(grid, "site", "paris", "drain", false);
  grid.world().run_for(2s);
  auto again = grid.ask("paris", {});
  ASSERT_TRUE(grid.wait_over({again}, 10s));
  EXPECT_EQ(again->site, "paris");
}

TEST(Drain, WhoLeavesMeanwhilePaysForWhatItGot) {
  NodeScript script;
  WorldGrid grid(scripted(script));
  ASSERT_TRUE(grid.start());
  grid.world().run_for(1s);
  std::vector<std::shared_ptr<Asked>> all;
  for (int i = 0; i < 60; ++i) {
    Ask ask;
    ask.max_tokens = 400;
    ask.leave_after = 1800ms - std::chrono::milliseconds(20 * i) + std::chrono::milliseconds(i % 20 * 10);
    all.push_back(grid.ask_at(grid.world().now() + std::chrono::milliseconds(20 * i), "paris", ask));
  }
  grid.world().run_for(1700ms);
  set(grid, "site", "paris", "drain", true);
  ASSERT_TRUE(grid.wait_over(all, 60s));
  std::uint64_t read = 0;
  for (const auto& a : all) read += a->tokens;
  const auto usage = grid.settled_usage();
  EXPECT_EQ(usage.value("requests", 0U), 60U);
  const auto completion = usage.value("completion_tokens", std::uint64_t{0});
  EXPECT_GE(completion, read);
  EXPECT_LE(completion, script.seen.made);
}

// All other places are full: nobody waits in a queue there in the middle of an answer.
TEST(Drain, WithoutAFreeSlotElsewhereNobodyIsHeldBack) {
  NodeScript script;
  NodeScript full;
  full.slots = 1;
  GridOptions options = scripted(script);
  options.node = [&](io::Env& env, agent::AgentOptions o) {
    NodeScript& of = o.name.starts_with("paris") ? script : full;
    return run_scripted_node(env, std::move(o), of);
  };
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  grid.world().run_for(1s);
  Ask ask;
  ask.max_tokens = 900;
  std::vector<std::shared_ptr<Asked>> all = {grid.ask("lyon", ask), grid.ask("zurich", ask)};
  ask.max_tokens = 500;
  for (int i = 0; i < 10; ++i) all.push_back(grid.ask("paris", ask));
  grid.world().run_for(1500ms);
  set(grid, "site", "paris", "drain", true);
  ASSERT_TRUE(grid.wait_over(all, 60s));
  expect_whole(all);
  for (const auto& a : all) EXPECT_LE(to_ms(a->longest_pause), 300) << a->request_id;
}

TEST(Drain, ANodeEmptiesIntoItsNeighbour) {
  NodeScript script;
  WorldGrid grid(scripted(script));
  ASSERT_TRUE(grid.start());
  grid.world().run_for(1s);
  const auto all = load(grid, 60, 20ms, 300);
  grid.world().run_for(1300ms);
  set(grid, "node", "paris-1", "drain", true);
  ASSERT_TRUE(grid.wait_over(all, 60s));
  expect_whole(all);
  for (const auto& a : all) {
    if (a->ask.stream) EXPECT_NE(a->node, "paris-1");
  }
}

TEST(Drain, ACordonedSiteKeepsWhatRunsAndTakesNothingNew) {
  NodeScript script;
  WorldGrid grid(scripted(script));
  ASSERT_TRUE(grid.start());
  grid.world().run_for(1s);
  Ask ask;
  ask.max_tokens = 300;
  auto before = grid.ask("paris", ask);
  grid.world().run_for(1s);
  set(grid, "site", "paris", "cordoned", true);
  grid.world().run_for(1s);
  auto after = grid.ask("paris", {});
  ASSERT_TRUE(grid.wait_over({before, after}, 20s));
  EXPECT_EQ(before->site, "paris");
  EXPECT_EQ(before->resumed, 0U);
  EXPECT_NE(after->site, "paris");
  EXPECT_TRUE(before->complete && after->complete);
}

TEST(Drain, WithNowhereToGoStreamsEndWhereTheyAre) {
  NodeScript script;
  auto options = scripted(script);
  options.sites = {"lyon"};
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  Ask ask;
  ask.max_tokens = 300;
  auto asked = grid.ask("lyon", ask);
  grid.world().run_for(1s);
  set(grid, "site", "lyon", "drain", true);
  ASSERT_TRUE(grid.wait_over({asked}, 20s));
  EXPECT_TRUE(asked->complete) << asked->code;
  EXPECT_EQ(asked->tokens, 300U);
}

}  // namespace
}  // namespace aigrid::world
