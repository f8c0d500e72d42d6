// A dead link between two living sites: traffic goes by way of a third, where a request may pass, and comes back.
#include <gmock/gmock.h>

#include "world/grid.h"

namespace aigrid::world {
namespace {

using ::testing::ElementsAre;
using Asks = std::vector<std::shared_ptr<Asked>>;

// Clients at paris, whose own nodes are dead: all of it goes to lyon or zurich.
class RelayWorld : public ::testing::Test {
 protected:
  explicit RelayWorld(std::vector<std::string> sites = {"lyon", "paris", "zurich"}, int at_lyon = 1)
      : grid(options(std::move(sites), at_lyon)) {}

  static GridOptions options(std::vector<std::string> sites, int at_lyon = 1) {
    GridOptions o;
    o.sites = std::move(sites);
    o.gateways = {{"lyon", at_lyon}};
    o.workers = {{"lyon", 3}, {"paris", 2}, {"zurich", 2}};
    o.slots = 8;
    o.engine.answer_tokens = 700;
    return o;
  }
  // The tenant's data neither runs nor passes through anywhere else.
  static void bind_in_full(WorldGrid& grid) {
    const nlohmann::json policy{
        {"apiVersion", "aigrid/v1"},
        {"kind", "Policy"},
        {"metadata", {{"name", "mairie-in-france"}}},
        {"spec",
         {{"tenants", {"mairie"}},
          {"zone", "fr"},
          {"permit",
           {{{"actions", {"terminate", "route", "process", "cache", "persist", "log-meta", "log-content", "telemetry"}},
             {"zone", "fr"}}}}}}};
    const auto put = grid.call("POST", "/api/v1/apply", {{"resources", {policy}}});
    ASSERT_TRUE(put.ok()) << put.body;
    ASSERT_TRUE(grid.wait_ready());
  }
  void SetUp() override {
    ASSERT_TRUE(grid.start());
    bind_in_full(grid);
    for (const auto* node : {"paris-1", "paris-2"}) grid.world().kill(WorldGrid::node_host(node));
    grid.world().run_for(3s);
  }
  // Within: both ends have seen that the link is dead (a ping goes unanswered for a second) and looked for a way.
  void cut() {
    grid.world().cut("paris", "lyon", {.reset_after = io::kNeverReset, .dials_time_out = true});
    grid.world().run_for(6s);
  }
  Asks load(const std::string& key, int count, const std::string& intent = "", std::uint32_t tokens = 20) {
    Asks out;
    for (int i = 0; i < count; ++i) {
      Ask what;
      what.key = key;
      what.intent = intent;
      what.stream = i % 2 == 0;
      what.max_tokens = tokens;
      out.push_back(grid.ask_at(grid.world().now() + i * 100ms, "paris", what));
    }
    return out;
  }
  // What paris says of its ways to lyon's gateways, in the order of their names.
  std::vector<nlohmann::json> all_seen_from_paris() {
    std::vector<nlohmann::json> out;
    const auto status = grid.get("/api/v1/status");
    for (const auto& link : status["links"]) {
      if (link["name"] != "lyon-paris") continue;
      for (const auto& seen : link["seen_by"]) {
        if (seen["gateway"] == "paris-gw") out.push_back(seen);
      }
    }
    return out;
  }
  nlohmann::json seen_from_paris() {
    const auto all = all_seen_from_paris();
    return all.empty() ? nlohmann::json() : all.front();
  }

  WorldGrid grid;
};

class RelayInFrance : public RelayWorld {
 protected:
  RelayInFrance() : RelayWorld({"lyon", "paris", "zurich", "nice"}) {}
};

// Of lyon's two gateways paris reaches one directly, the other only by way of zurich.
class RelayToOneOfTwo : public RelayWorld {
 protected:
  RelayToOneOfTwo() : RelayWorld({"lyon", "paris", "zurich"}, 2) {}
  void cut_off(int gateway) {
    grid.world().cut("paris/gateway", WorldGrid::gateway_host("lyon", gateway),
                     {.reset_after = io::kNeverReset, .dials_time_out = true});
    grid.world().run_for(6s);
  }
  // "direct", or the site that passes it on: to the first gateway, to the second.
  std::vector<std::string> ways() {
    std::vector<std::string> out;
    for (const auto& seen : all_seen_from_paris()) {
      out.push_back(seen["up"] == true ? "direct" : seen["via"].get<std::string>());
    }
    return out;
  }
  void expect_whole(const Asks& all) {
    ASSERT_TRUE(grid.wait_over(all, 60s));
    for (const auto& a : all) {
      EXPECT_TRUE(a->complete) << a->request_id << " " << a->status << a->code << a->why;
      EXPECT_EQ(a->site, "lyon");
      EXPECT_EQ(a->resumed, 0U) << a->request_id;
    }
  }
};

TEST_F(RelayWorld, TrafficGoesByTheThirdAndComesBack) {
  const std::string only = "only=\"lyon\"";
  cut();
  auto seen = seen_from_paris();
  EXPECT_EQ(seen["via"], "zurich");
  EXPECT_EQ(seen["up"], false) << "the link itself is dead";
  const auto relayed = load(grid.free_key(), 20, only);
  ASSERT_TRUE(grid.wait_over(relayed, 60s));
  for (const auto& a : relayed) {
    EXPECT_TRUE(a->complete) << a->status << a->code << a->why;
    EXPECT_EQ(a->site, "lyon");
  }
  // One that still runs when the link is back ends where it began, undisturbed.
  auto long_one = load(grid.free_key(), 1, only, 700);
  grid.world().run_for(1s);
  grid.world().restore("paris", "lyon");
  ASSERT_TRUE(grid.wait_status("/api/v1/status", [&](const auto&) { return seen_from_paris()["up"] == true; }, 10s));
  EXPECT_FALSE(long_one[0]->over);
  EXPECT_EQ(seen_from_paris()["via"], "");
  ASSERT_TRUE(grid.wait_over(long_one, 60s));
  EXPECT_TRUE(long_one[0]->complete) << long_one[0]->code << long_one[0]->why;
  EXPECT_EQ(long_one[0]->resumed, 0U);
  EXPECT_EQ(long_one[0]->tokens, 700U);
}

TEST_F(RelayWorld, WhatMayNotPassThroughTheThirdDoesNot) {
  cut();
  ASSERT_EQ(seen_from_paris()["via"], "zurich");
  const auto before = grid.counted("lyon-1").requests;
  const auto bound = load(grid.fr_key(), 3);
  ASSERT_TRUE(grid.wait_over(bound, 60s));
  for (const auto& a : bound) {
    EXPECT_EQ(a->status, 503) << a->site;
    EXPECT_EQ(a->code, "no_capacity");
    EXPECT_NE(a->why.find("may not pass it on"), std::string::npos) << a->why;
  }
  EXPECT_EQ(grid.counted("lyon-1").requests, before);
  grid.world().restore("paris", "lyon");
  ASSERT_TRUE(grid.wait_status("/api/v1/status", [&](const auto&) { return seen_from_paris()["up"] == true; }, 10s));
  const auto after = load(grid.fr_key(), 3);
  ASSERT_TRUE(grid.wait_over(after, 60s));
  for (const auto& a : after) EXPECT_TRUE(a->complete) << a->status << a->code << a->why;
}

TEST_F(RelayInFrance, TheWayThroughTheirOwnCountryIsPreferred) {
  grid.world().set_link("paris", "nice", {30ms, {}});  // zurich would be nearer
  grid.world().run_for(2s);
  cut();
  EXPECT_EQ(seen_from_paris()["via"], "nice");
  grid.world().kill("nice/nice-1");
  grid.world().run_for(3s);
  const auto bound = load(grid.fr_key(), 6);
  ASSERT_TRUE(grid.wait_over(bound, 60s));
  for (const auto& a : bound) {
    EXPECT_TRUE(a->complete) << a->status << a->code << a->why;
    EXPECT_EQ(a->site, "lyon");
  }
}

TEST_F(RelayToOneOfTwo, AttemptsGoOnlyByTheDirectWay) {
  cut_off(2);
  ASSERT_THAT(ways(), ElementsAre("direct", "zurich"));
  expect_whole(load(grid.fr_key(), 12));
  // What passed through zurich would end with it.
  const auto under_way = load(grid.free_key(), 12, "only=\"lyon\"", 400);
  grid.world().run_for(2s);
  for (const auto& a : under_way) ASSERT_FALSE(a->over);
  grid.world().kill("zurich/gateway");
  expect_whole(under_way);
}

TEST_F(RelayToOneOfTwo, WhereOnlyTheThirdIsLeftTheLawIsAskedForIt) {
  cut_off(2);
  auto all = load(grid.free_key(), 80, "only=\"lyon\"");
  grid.world().run_for(1s);
  cut_off(1);
  ASSERT_THAT(ways(), ElementsAre("zurich", "zurich"));
  ASSERT_TRUE(grid.wait_over(all, 60s));
  for (const auto& a : all) EXPECT_TRUE(a->complete) << a->request_id << " " << a->status << a->code << a->why;
  const auto before = grid.counted("lyon-1").requests;
  const auto bound = load(grid.fr_key(), 4);
  ASSERT_TRUE(grid.wait_over(bound, 60s));
  for (const auto& a : bound) EXPECT_EQ(a->code, "no_capacity") << a->status << a->site << a->why;
  EXPECT_EQ(grid.counted("lyon-1").requests, before);
  // One comes back, and with it the direct way, for everybody.
  grid.world().restore("paris/gateway", WorldGrid::gateway_host("lyon", 2));
  const auto direct = [&](const auto&) { return ways() == std::vector<std::string>{"zurich", "direct"}; };
  ASSERT_TRUE(grid.wait_status("/api/v1/status", direct, 15s));
  expect_whole(load(grid.fr_key(), 12));
}

// The site at the far end asks the law of its own bundle whether the third may be between.
TEST_F(RelayWorld, TheSiteItArrivesAtDecidesToo) {
  GridOptions lying = options({"lyon", "paris", "zurich"});
  lying.gateway = [](const std::string& host, gateway::GatewayOptions& o) {
    o.skip_residency = host == "paris/gateway";
  };
  WorldGrid liar(lying);
  ASSERT_TRUE(liar.start());
  bind_in_full(liar);
  for (const auto* node : {"paris-1", "paris-2"}) liar.world().kill(WorldGrid::node_host(node));
  liar.world().kill("zurich/zurich-1");
  liar.world().cut("paris", "lyon", {.reset_after = io::kNeverReset, .dials_time_out = true});
  liar.world().run_for(8s);
  const auto before = liar.counted("lyon-1").requests;
  Ask what;
  what.key = liar.fr_key();
  auto asked = liar.ask("paris", what);
  ASSERT_TRUE(liar.wait_over({asked}, 60s));
  EXPECT_EQ(asked->status, 403) << asked->code << asked->why;
  EXPECT_EQ(liar.counted("lyon-1").requests, before);
}

TEST_F(RelayWorld, NoRequestFailsWhileTheLinkIsCut) {
  auto all = load(grid.free_key(), 150);
  grid.world().run_for(4s);
  grid.world().cut("paris", "lyon", {.reset_after = io::kNeverReset, .dials_time_out = true});
  grid.world().run_for(7s);
  grid.world().restore("paris", "lyon");
  ASSERT_TRUE(grid.wait_over(all, 120s));
  for (const auto& a : all) EXPECT_TRUE(a->complete) << a->status << a->code << a->why;
}

}  // namespace
}  // namespace aigrid::world
