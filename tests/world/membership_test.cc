// Members that are deleted while they run: dropped by everybody who has the bundle without them, and told why.
#include <gtest/gtest.h>

#include "world/grid.h"

namespace aigrid::world {
namespace {

using nlohmann::json;

io::Task<void> run_clone(io::Env& env, agent::AgentOptions options) {
  (void)co_await agent::run_agent(env, std::move(options));
}

class Membership : public testing::Test {
 protected:
  static GridOptions options() {
    GridOptions out;
    out.sites = {"lyon", "paris"};
    return out;
  }
  bool says(const std::string& host, const std::string& event, const std::string& why, Duration within = 5s) {
    return grid_.world().run_until(
        [&] {
          const std::string& log = grid_.world().log_of(host);
          const auto at = log.find("\"" + event + "\"");
          return at != std::string::npos && log.find(why, at) != std::string::npos;
        },
        within);
  }
  bool answers(const std::string& from) {
    auto asked = grid_.ask(from, {});
    return grid_.wait_over({asked}, 30s) && asked->complete;
  }
  WorldGrid grid_{options()};
};

TEST_F(Membership, ADeletedNodeIsDroppedAndToldWhy) {
  ASSERT_TRUE(grid_.start());
  json deployment = grid_.get("/api/v1/deployments/small");
  deployment["spec"]["nodes"] = {"lyon-1", "paris-1"};
  deployment.erase("status");
  ASSERT_TRUE(grid_.call("PUT", "/api/v1/deployments/small", deployment).ok());
  json node = grid_.get("/api/v1/nodes/paris-2");
  ASSERT_TRUE(grid_.call("DELETE", "/api/v1/nodes/paris-2").ok());
  EXPECT_TRUE(says("paris/gateway", "agent_dropped", "paris-2")) << grid_.world().log_of("paris/gateway");
  EXPECT_TRUE(says("paris/paris-2", "refused_by_peer", "is not in the bundle"))
      << grid_.world().log_of("paris/paris-2");
  EXPECT_TRUE(answers("paris"));
  // Applied again, it is taken again.
  node.erase("status");
  ASSERT_TRUE(grid_.call("PUT", "/api/v1/nodes/paris-2", node).ok());
  EXPECT_TRUE(grid_.wait_status(
      "/api/v1/nodes/paris-2", [](const json& n) { return n["status"].value("connected", false); }, 20s));
}

// A machine cloned from a node's disk: two holders of one key. It is said, again and again; deleting the Node ends
// both.
TEST_F(Membership, ANodeClonedFromItsDiskIsNoticed) {
  ASSERT_TRUE(grid_.start());
  io::VirtualWorld& world = grid_.world();
  const std::string identity = *world.env("paris/paris-2").files().read_all("/var/paris-2/identity.json");
  io::Env& clone = world.add_host("paris/clone");
  ASSERT_TRUE(clone.files().make_folders("/var/paris-2").ok());
  ASSERT_TRUE(clone.files().replace("/var/paris-2/identity.json", identity).ok());
  agent::AgentOptions options;
  options.state = "/var/paris-2";
  options.name = "paris-2";
  options.gateway = WorldGrid::inner_of("paris");
  options.python = "python3";
  options.engines_folder = "/engines";
  options.models_folder = "/models";
  world.spawn("paris/clone", [options](io::Env& env) { return run_clone(env, options); });
  EXPECT_TRUE(says("paris/gateway", "agent_displaced", "two machines hold its key"));
  EXPECT_TRUE(answers("paris"));
  json deployment = grid_.get("/api/v1/deployments/small");
  deployment["spec"]["nodes"] = {"lyon-1", "paris-1"};
  deployment.erase("status");
  ASSERT_TRUE(grid_.call("PUT", "/api/v1/deployments/small", deployment).ok());
  ASSERT_TRUE(grid_.call("DELETE", "/api/v1/nodes/paris-2").ok());
  EXPECT_TRUE(says("paris/paris-2", "refused_by_peer", "is not in the bundle", 30s));
  EXPECT_TRUE(says("paris/clone", "refused_by_peer", "is not in the bundle", 30s));
}

TEST_F(Membership, ADeletedGatewayThatDialsIsDroppedByControlAndPeers) {
  ASSERT_TRUE(grid_.start());
  ASSERT_TRUE(grid_.call("DELETE", "/api/v1/gateways/lyon-gw").ok());
  EXPECT_TRUE(says("control/control", "member_deleted", "lyon-gw"));
  EXPECT_TRUE(says("lyon/gateway", "refused_by_control", "not in the grid's configuration"))
      << grid_.world().log_of("lyon/gateway");
  EXPECT_TRUE(says("paris/gateway", "peer_lost", "lyon-gw"));
  EXPECT_TRUE(says("lyon/gateway", "refused_by_peer", "is not in the bundle")) << grid_.world().log_of("lyon/gateway");
  EXPECT_TRUE(answers("paris"));
  // It does not hammer: redials back off.
  const auto refusals = [&] {
    const std::string& log = grid_.world().log_of("lyon/gateway");
    std::size_t n = 0;
    for (std::size_t at = 0; (at = log.find("refused_by_control", at)) != std::string::npos; ++at) ++n;
    return n;
  };
  const auto before = refusals();
  grid_.world().run_for(20s);
  EXPECT_LE(refusals() - before, 25U);
}

TEST_F(Membership, ADeletedGatewayThatIsDialledIsLeft) {
  ASSERT_TRUE(grid_.start());
  ASSERT_TRUE(grid_.call("DELETE", "/api/v1/gateways/paris-gw").ok());
  EXPECT_TRUE(says("paris/gateway", "refused_by_control", "not in the grid's configuration"));
  EXPECT_TRUE(says("lyon/gateway", "peer_lost", "paris-gw"));
  EXPECT_TRUE(says("paris/gateway", "peer_lost", "lyon-gw"));
  EXPECT_TRUE(answers("lyon"));
}

TEST_F(Membership, RecordsThatControlDoesNotTakeWaitAndDoNotCutTheLink) {
  std::size_t most = control::ControlLimits{}.inner_body_bytes;
  GridOptions small = options();
  small.control = [&most](control::ControlOptions& o) { o.limits.inner_body_bytes = most; };
  WorldGrid grid(small);
  ASSERT_TRUE(grid.start());
  most = 64;  // less than a record
  grid.world().kill("control/control");
  grid.restart_control();
  ASSERT_TRUE(grid.wait_ready());
  const std::size_t lost_before = grid.world().log_of("paris/gateway").rfind("control_lost");
  auto asked = grid.ask("paris", {});
  ASSERT_TRUE(grid.wait_over({asked}, 30s));
  ASSERT_TRUE(asked->complete);
  EXPECT_TRUE(grid.wait_status(
      "/api/v1/gateways/paris-gw",
      [](const json& g) {
        for (const auto& c : g["status"]["conditions"]) {
          if (c["type"] == "RecordsShipped" && c["status"] == "False")
            return c["message"].dump().find("64 bytes") != std::string::npos;
        }
        return false;
      },
      20s));
  grid.world().run_for(20s);
  EXPECT_EQ(grid.world().log_of("paris/gateway").rfind("control_lost"), lost_before);
  most = control::ControlLimits{}.inner_body_bytes;
  grid.world().kill("control/control");
  grid.restart_control();
  ASSERT_TRUE(grid.wait_ready());
  EXPECT_EQ(grid.settled_usage()["requests"], 1);
}

}  // namespace
}  // namespace aigrid::world
