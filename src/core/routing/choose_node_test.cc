#include <gtest/gtest.h>

#include "core/routing/test_grid.h"

namespace aigrid::routing {
namespace {

class ChooseNode : public ::testing::Test {
 protected:
  Decision choose(std::uint64_t seed = 7) {
    Random random(seed);
    return choose_node(grid.snapshot(), 0, grid.input, grid.now, random, nullptr);
  }
  std::string chosen() {
    const Decision d = choose();
    return d.ok() ? grid.tables->nodes[d.node].spec.name : std::string(d.rule);
  }
  bool ready() const { return any_ready_node(grid.snapshot(), 0, grid.input, grid.now); }
  TestGrid grid{test_inventory(four_cities()), "paris"};
};

TEST_F(ChooseNode, OnlyNodesOfThisSite) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Decision d = choose(seed);
    ASSERT_TRUE(d.ok());
    EXPECT_EQ(grid.tables->nodes[d.node].site, grid.here);
    EXPECT_EQ(d.considered, 2);
  }
}

TEST_F(ChooseNode, TheEmptierOne) {
  grid.node_row("paris-1").running = 1;
  EXPECT_EQ(chosen(), "paris-2");
}

TEST_F(ChooseNode, TheFasterOne) {
  grid.node_row("paris-1").prefill_tokens_per_s = 1500;
  EXPECT_EQ(chosen(), "paris-1");
}

TEST_F(ChooseNode, EachRuleRemovesANode) {
  struct Case {
    const char* rule;
    void (*hurt)(TestGrid&, const char* node);
    bool ready_after;
  };
  const Case cases[] = {
      {rule::kUnreachable, [](TestGrid& g, const char* n) { g.node_row(n).present = false; }, false},
      {rule::kNotReady, [](TestGrid& g, const char* n) { g.node_row(n).ready = false; }, false},
      {rule::kSilent, [](TestGrid& g, const char* n) { g.node_row(n).at = g.now - 4s; }, false},
      {rule::kNoSlot, [](TestGrid& g, const char* n) { g.node_row(n).running = 2; }, true},
      {rule::kNoSlot, [](TestGrid& g, const char* n) { g.node_row(n).queued = 2; }, true},
      {rule::kNoSlot, [](TestGrid& g, const char* n) { g.node_row(n).own_running = 2; }, true},
  };
  for (const Case& c : cases) {
    grid = TestGrid(test_inventory(four_cities()), "paris");
    c.hurt(grid, "paris-2");
    EXPECT_EQ(chosen(), "paris-1");
    c.hurt(grid, "paris-1");
    EXPECT_EQ(chosen(), c.rule);
    EXPECT_EQ(choose().refused_by, Filter::Capacity);
    EXPECT_EQ(ready(), c.ready_after) << c.rule;
  }
}

TEST_F(ChooseNode, CordonedNodesTakeNothingNew) {
  auto i = test_inventory(four_cities());
  for (auto& n : i.nodes) n.cordoned = n.name == "paris-1" || n.name == "lyon-1";
  grid = TestGrid(i, "paris");
  EXPECT_EQ(chosen(), "paris-2");
  grid = TestGrid(i, "lyon");
  EXPECT_EQ(chosen(), rule::kCordoned);
}

TEST_F(ChooseNode, GrantedSlotsCountBeforeAnyReport) {
  std::vector<std::uint16_t> granted(grid.tables->nodes.size());
  granted[grid.node("paris-1")] = 2;
  grid.input.granted = granted;
  EXPECT_EQ(chosen(), "paris-2");
  granted[grid.node("paris-2")] = 2;
  EXPECT_EQ(chosen(), rule::kNoSlot);
}

TEST_F(ChooseNode, ExcludedNodesAndForbiddenSitesAreNotChosen) {
  const Excluded list[] = {{grid.here, grid.node("paris-1")}};
  grid.input.excluded = list;
  EXPECT_EQ(chosen(), "paris-2");
  grid.input.permitted.erase(grid.here);
  EXPECT_EQ(choose().refused_by, Filter::Residency);
  EXPECT_FALSE(ready());
}

TEST_F(ChooseNode, EqualNodesShareTheWork) {
  int first = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) first += choose(seed).node == grid.node("paris-1") ? 1 : 0;
  EXPECT_NEAR(first, 500, 60);
}

}  // namespace
}  // namespace aigrid::routing
