// Residency is decided twice: a gateway that skips its own filter but names the true tenant is refused by the node.
#include <gtest/gtest.h>

#include "world/grid.h"

namespace aigrid::world {
namespace {

TEST(Residency, NodesAbroadRefuseALyingGateway) {
  GridOptions options;
  options.sites = {"lyon", "zurich"};
  options.gateway = [](const std::string&, gateway::GatewayOptions& o) { o.skip_residency = true; };
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  const auto before = grid.counted("zurich-1");
  std::vector<std::shared_ptr<Asked>> all;
  for (int i = 0; i < 40; ++i) {
    Ask ask;
    ask.key = grid.fr_key();
    ask.stream = i % 2 == 0;
    if (i % 4 == 3) ask.intent = "only=(\"zurich\")";  // nowhere else to go
    all.push_back(grid.ask_at(grid.world().now() + i * 50ms, i % 3 == 0 ? "lyon" : "zurich", ask));
  }
  ASSERT_TRUE(grid.wait_over(all, 300s));
  const auto after = grid.counted("zurich-1");
  EXPECT_EQ(after.completion_tokens, before.completion_tokens) << "tokens of a French tenant were made abroad";
  EXPECT_EQ(after.prompt_tokens, before.prompt_tokens);
  EXPECT_EQ(after.requests, before.requests) << "an engine abroad saw the request";
  std::size_t answered = 0;
  for (const auto& a : all) {
    if (a->complete) {
      ++answered;
      EXPECT_EQ(a->site, "lyon");
    } else {
      EXPECT_FALSE(a->code.empty()) << a->status << a->why;
    }
  }
  EXPECT_GT(answered, 0U);
  EXPECT_GT(grid.world().log_of("zurich/zurich-1").find("residency"), 0U);
}

// What an honest grid does with the same tenant, whatever it asks for.
TEST(Residency, FrenchTenantStaysInFrance) {
  WorldGrid grid;
  ASSERT_TRUE(grid.start());
  const auto before = grid.counted("zurich-1");
  std::vector<std::shared_ptr<Asked>> all;
  const std::vector<std::string> intents{"",           "zone=\"both\"",    "only=(\"zurich\")", "zone=\"ch\"",
                                         "sort=price", "ttft-ms=1;require"};
  for (std::size_t i = 0; i < 120; ++i) {
    Ask ask;
    ask.key = grid.fr_key();
    ask.intent = intents[i % intents.size()];
    all.push_back(
        grid.ask_at(grid.world().now() + static_cast<std::int64_t>(i) * 40ms, grid.options().sites[i % 3], ask));
  }
  grid.world().run_for(2s);
  grid.kill_site("lyon");
  ASSERT_TRUE(grid.wait_over(all, 300s));
  EXPECT_EQ(grid.counted("zurich-1").requests, before.requests);
  for (const auto& a : all) {
    if (a->complete) EXPECT_NE(a->site, "zurich");
    if (a->ask.intent == "zone=\"ch\"" && a->status != 0) EXPECT_EQ(a->status, 403);
  }
}

}  // namespace
}  // namespace aigrid::world
