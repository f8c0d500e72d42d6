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
  EXPECT_NE(grid.world().log_of("zurich/zurich-1").find("residency_denied"), std::string::npos);
}

// The other way round: nodes that ask nothing are never sent what may not be there.
TEST(Residency, NodesThatAskNothingAreNotSentWhatIsForbidden) {
  GridOptions options;
  options.sites = {"lyon", "zurich"};
  options.agent = [](const std::string&, agent::AgentOptions& o) { o.skip_residency = true; };
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  const auto before = grid.counted("zurich-1");
  std::vector<std::shared_ptr<Asked>> all;
  for (int i = 0; i < 40; ++i) {
    Ask ask;
    ask.key = grid.fr_key();
    ask.stream = i % 2 == 0;
    if (i % 4 == 3) ask.intent = "only=(\"zurich\")";
    all.push_back(grid.ask_at(grid.world().now() + i * 50ms, i % 3 == 0 ? "lyon" : "zurich", ask));
  }
  ASSERT_TRUE(grid.wait_over(all, 300s));
  EXPECT_EQ(grid.counted("zurich-1").requests, before.requests);
  EXPECT_GT(grid.counted("lyon-1").requests, 0U);
}

nlohmann::json policy(const std::string& name, const nlohmann::json& spec) {
  return {{"apiVersion", "aigrid/v1"}, {"kind", "Policy"}, {"metadata", {{"name", name}}}, {"spec", spec}};
}

std::shared_ptr<Asked> one(WorldGrid& grid, const std::string& from, const std::string& key,
                           const std::string& intent) {
  Ask ask;
  ask.key = key;
  ask.intent = intent;
  auto asked = grid.ask(from, ask);
  EXPECT_TRUE(grid.wait_over({asked}, 60s));
  return asked;
}

// `terminate` counts where the client comes in, whatever the gateway there could reach.
TEST(Residency, AClientComesInWhereItsDataMay) {
  GridOptions options;
  options.sites = {"lyon", "zurich"};
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  EXPECT_EQ(one(grid, "zurich", grid.fr_key(), "")->site, "lyon");
  const nlohmann::json permit = nlohmann::json::array({{{"actions", {"terminate"}}, {"zone", "fr"}}});
  const nlohmann::json change = nlohmann::json::array({policy("door", {{"tenants", {"mairie"}}, {"permit", permit}})});
  ASSERT_TRUE(grid.call("POST", "/api/v1/apply", {{"resources", change}}).ok());
  ASSERT_TRUE(grid.wait_ready());
  const auto refused = one(grid, "zurich", grid.fr_key(), "");
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->code, "data_residency_mismatch");
  EXPECT_NE(refused->why.find("policy \"door\""), std::string::npos) << refused->why;
  EXPECT_NE(refused->why.find("nearest possible: a gateway at lyon"), std::string::npos) << refused->why;
  EXPECT_EQ(one(grid, "lyon", grid.fr_key(), "")->site, "lyon");
  EXPECT_EQ(one(grid, "zurich", grid.free_key(), "")->status, 200);
}

// A request raises its class; none lowers it.
TEST(Residency, TheClassOfDataOnlyRises) {
  GridOptions options;
  options.sites = {"lyon", "zurich"};
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  const nlohmann::json permit = nlohmann::json::array({{{"actions", {"*"}}, {"zone", "fr"}, {"data_level", 3}}});
  nlohmann::json change = nlohmann::json::array({policy("sensitive", {{"permit", permit}})});
  ASSERT_TRUE(grid.call("POST", "/api/v1/apply", {{"resources", change}}).ok());
  ASSERT_TRUE(grid.wait_ready());
  EXPECT_EQ(one(grid, "lyon", grid.free_key(), "zone=\"ch\"")->site, "zurich");
  EXPECT_EQ(one(grid, "lyon", grid.free_key(), "data-level=2")->site, "lyon");
  EXPECT_EQ(one(grid, "lyon", grid.free_key(), "data-level=2, zone=\"ch\"")->code, "data_residency_mismatch");
  EXPECT_EQ(one(grid, "lyon", grid.free_key(), "data-level=4")->code, "data_residency_mismatch");
  const nlohmann::json tenant = {
      {"apiVersion", "aigrid/v1"}, {"kind", "Tenant"}, {"metadata", {{"name", "free"}}}, {"spec", {{"data_level", 2}}}};
  change = nlohmann::json::array({tenant});
  ASSERT_TRUE(grid.call("POST", "/api/v1/apply", {{"resources", change}}).ok());
  ASSERT_TRUE(grid.wait_ready());
  EXPECT_EQ(one(grid, "lyon", grid.free_key(), "data-level=0, zone=\"ch\"")->code, "data_residency_mismatch");
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
