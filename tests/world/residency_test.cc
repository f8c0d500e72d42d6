// Residency is decided at ingress, site and node, each for itself: what the others let through, the last one stops.
#include <gtest/gtest.h>

#include "base/random.h"
#include "world/grid.h"

namespace aigrid::world {
namespace {

constexpr std::size_t kRandom = 300;

// What a log says so often of an event, and, where one is given, with that member.
std::size_t times(const std::string& log, const std::string& event, const std::string& member = "") {
  std::size_t n = 0;
  std::size_t at = 0;
  while (at < log.size()) {
    const std::size_t end = std::min(log.find('\n', at), log.size());
    const std::string_view line(log.data() + at, end - at);
    if (line.find("\"" + event + "\"") != std::string_view::npos && line.find(member) != std::string_view::npos) ++n;
    at = end + 1;
  }
  return n;
}

// Random requests of a tenant bound to France, and of a free one that asks for France, from `doors`.
std::vector<std::shared_ptr<Asked>> ask_at_random(WorldGrid& grid, const std::vector<std::string>& doors) {
  const std::vector<std::string> wishes = {"",           "only=(\"zurich\")", "ignore=(\"lyon\")", "zone=\"both\"",
                                           "sort=price", "fallback=?0",       "data-level=1",      "ttft-ms=500"};
  Random random(grid.options().seed);
  std::vector<std::shared_ptr<Asked>> all;
  for (std::size_t i = 0; i < kRandom; ++i) {
    Ask ask;
    const bool bound = random.below(2) == 0;
    ask.key = bound ? grid.fr_key() : grid.free_key();
    ask.intent = wishes[random.below(wishes.size())];
    if (!bound && !ask.intent.starts_with("zone")) ask.intent += ask.intent.empty() ? "zone=fr" : ", zone=fr";
    if (!bound && ask.intent.starts_with("zone=\"both\"")) ask.intent = "zone=(\"both\" \"fr\")";
    ask.stream = random.below(2) == 0;
    ask.max_tokens = static_cast<std::uint32_t>(1 + random.below(8));
    const auto door = doors[random.below(doors.size())];
    all.push_back(grid.ask_at(grid.world().now() + static_cast<std::int64_t>(i) * 40ms, door, ask));
  }
  EXPECT_TRUE(grid.wait_over(all, 600s));
  return all;
}

struct Checks {
  bool ingress = true;
  bool site = true;  // the gateway of the site that is asked
  bool node = true;
};

// Lyon takes the requests in, Zürich must not run them.
GridOptions grid_with(Checks checks) {
  GridOptions options;
  options.sites = {"lyon", "zurich"};
  options.slots = 4;
  options.gateway = [checks](const std::string& host, gateway::GatewayOptions& o) {
    o.skip_residency = host == "lyon/gateway" ? !checks.ingress : !checks.site;
  };
  options.agent = [checks](const std::string&, agent::AgentOptions& o) { o.skip_residency = !checks.node; };
  return options;
}

// Gateways that lie: the node alone refuses every attempt, and its engine sees none.
TEST(Residency, NodesAbroadRefuseEveryAttemptOfLyingGateways) {
  WorldGrid grid(grid_with({false, false, true}));
  ASSERT_TRUE(grid.start());
  const auto before = grid.counted("zurich-1");
  const auto all = ask_at_random(grid, {"lyon", "zurich"});
  const std::string& log = grid.world().log_of("zurich/zurich-1");
  const std::size_t came = times(log, "attempt_done");
  EXPECT_GT(came, kRandom / 4) << "it is no proof if nothing came";
  EXPECT_EQ(times(log, "attempt_done", "\"result\":\"refused\""), came);
  EXPECT_EQ(times(log, "residency_denied"), came);
  EXPECT_EQ(grid.counted("zurich-1").requests, before.requests) << "an engine abroad saw a request";
  EXPECT_EQ(grid.counted("zurich-1").prompt_tokens, before.prompt_tokens);
  std::size_t answered = 0;
  for (const auto& a : all) {
    if (!a->complete) EXPECT_FALSE(a->code.empty()) << a->status << a->why;
    if (!a->complete) continue;
    ++answered;
    EXPECT_EQ(a->site, "lyon");
  }
  EXPECT_GT(answered, 0U);
}

// The gateway of the site alone, between an ingress that lies and nodes that ask nothing.
TEST(Residency, TheSitesGatewayAloneRefusesEveryAttempt) {
  WorldGrid grid(grid_with({false, true, false}));
  ASSERT_TRUE(grid.start());
  const auto before = grid.counted("zurich-1");
  (void)ask_at_random(grid, {"lyon"});
  EXPECT_GT(times(grid.world().log_of("zurich/gateway"), "residency_denied"), kRandom / 8);
  EXPECT_EQ(times(grid.world().log_of("zurich/zurich-1"), "attempt_done"), 0U) << "one came through";
  EXPECT_EQ(grid.counted("zurich-1").requests, before.requests);
}

// Nodes that ask nothing are never sent what may not be there: nothing arrives, at the site or at the node.
TEST(Residency, GatewaysNeverSendWhatIsForbidden) {
  WorldGrid grid(grid_with({true, true, false}));
  ASSERT_TRUE(grid.start());
  const auto before = grid.counted("zurich-1");
  const auto all = ask_at_random(grid, {"lyon", "zurich"});
  EXPECT_EQ(times(grid.world().log_of("zurich/gateway"), "residency_denied"), 0U);
  EXPECT_EQ(times(grid.world().log_of("zurich/zurich-1"), "attempt_done"), 0U);
  EXPECT_EQ(grid.counted("zurich-1").requests, before.requests);
  std::size_t answered = 0;
  for (const auto& a : all) answered += a->complete ? 1 : 0;
  EXPECT_GT(answered, kRandom / 4);
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

// A model whose licence ends at the border: what stands abroad is told, stops by its node's own bundle, and comes back.
TEST(Residency, ALawThatForbidsAStandingDeploymentIsToldAndTheNodeStopsIt) {
  GridOptions options;
  options.sites = {"lyon", "zurich"};
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  const auto model = [&](const char* zone) {
    nlohmann::json spec{{"source", "small.gguf"}, {"context_tokens", options.context_tokens}};
    if (*zone != 0) spec["zone"] = zone;
    const nlohmann::json one{
        {"apiVersion", "aigrid/v1"}, {"kind", "Model"}, {"metadata", {{"name", "small"}}}, {"spec", spec}};
    return grid.call("POST", "/api/v1/apply", {{"resources", nlohmann::json::array({one})}});
  };
  const auto forbidden = [](const nlohmann::json& deployment) {
    for (const auto& c : deployment["status"]["conditions"]) {
      if (c["type"] == "PlacementForbidden") return c["status"] == "True";
    }
    return false;
  };
  EXPECT_FALSE(forbidden(grid.get("/api/v1/deployments/small")));
  const auto narrowed = model("fr");
  ASSERT_TRUE(narrowed.ok()) << narrowed.body;
  EXPECT_NE(narrowed.body.find("leaves deployment \\\"small\\\" where it may not be"), std::string::npos)
      << narrowed.body;
  ASSERT_TRUE(grid.wait_status("/api/v1/deployments/small", forbidden, 10s));
  const auto stopped = [](const nlohmann::json& deployment) {
    for (const auto& r : deployment["status"]["replicas"]) {
      if (r["node"] == "zurich-1") return r["state"] == "forbidden";
    }
    return false;
  };
  ASSERT_TRUE(grid.wait_status("/api/v1/deployments/small", stopped, 10s)) << "the node still runs it";
  EXPECT_EQ(one(grid, "zurich", grid.free_key(), "")->site, "lyon");
  EXPECT_EQ(one(grid, "zurich", grid.free_key(), "zone=\"ch\"")->code, "data_residency_mismatch");
  ASSERT_TRUE(model("").ok());
  ASSERT_TRUE(grid.wait_ready());
  EXPECT_FALSE(forbidden(grid.get("/api/v1/deployments/small")));
  EXPECT_EQ(one(grid, "zurich", grid.free_key(), "zone=\"ch\"")->site, "zurich");
}

}  // namespace
}  // namespace aigrid::world
