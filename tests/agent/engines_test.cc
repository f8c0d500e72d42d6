// Engines of one node: started, probed, restarted, stopped as the bundle says.
#include <gmock/gmock.h>

#include "agent/agent_world.h"

namespace aigrid::agent::test {
namespace {

using testing::HasSubstr;

class EnginesTest : public testing::Test {
 protected:
  void connect() {
    grid.start_gateway();
    grid.start_agent();
    ASSERT_TRUE(grid.world.run_until([&] { return grid.pushes != nullptr; }, 10s)) << grid.log();
    grid.push();
  }
  bool state_is(const std::string& deployment, const std::string& state, Duration within = 30s) {
    return grid.world.run_until([&] { return grid.engine(deployment).state == state; }, within);
  }
  AgentWorld grid;
};

TEST_F(EnginesTest, AreReadyAfterARealRequestAndReportTheirOwnNumbers) {
  grid.up();
  const auto& chat = grid.engine("chat");
  EXPECT_EQ(chat.url, "unix:/state/engines/chat.sock");
  EXPECT_EQ(chat.secret_file, "/state/engines/chat.secret");
  EXPECT_GT(chat.pid, 0);
  EXPECT_EQ(chat.slots, 2U);
  EXPECT_THAT(grid.engine("e5").url, testing::StartsWith("http://127.0.0.1:"));
  EXPECT_GE(grid.engines.counts(chat.url).requests, 1U);  // the probe
  Trial trial = grid.chat_trial("hello you", 6, true);
  grid.run(trial);
  grid.world.run_for(1s);
  EXPECT_EQ(grid.engine("chat").completion_tokens_total, grid.engines.counts(chat.url).completion_tokens);
  EXPECT_EQ(grid.engine("chat").prompt_tokens_total, grid.engines.counts(chat.url).prompt_tokens);
  EXPECT_NEAR(grid.engine("chat").decode_tokens_per_s.value, 100, 1);
}

TEST_F(EnginesTest, AMissingBinaryIsNamedAndTriedAgain) {
  grid.options.python = "no-such-python";
  connect();
  ASSERT_TRUE(state_is("chat", "failed")) << grid.log();
  EXPECT_THAT(grid.engine("chat").reason, HasSubstr("cannot start \"no-such-python\""));
  EXPECT_THAT(grid.engine("chat").reason, HasSubstr("tried again in"));
  Trial trial = grid.chat_trial("hello", 2, true);
  grid.run(trial);
  EXPECT_EQ(trial.refuse->code, "engine_not_ready");
  EXPECT_EQ(trial.refuse->verdict, inner::Refuse::Verdict::Elsewhere);
}

TEST_F(EnginesTest, OneThatDiesAtOnceIsStartedEverMoreSeldomAndComesBack) {
  grid.engines.script_of("chat").exit_at_start = 3;
  connect();
  ASSERT_TRUE(state_is("chat", "failed")) << grid.log();
  EXPECT_THAT(grid.engine("chat").reason, HasSubstr("exited with code 3"));
  grid.world.run_for(120s);
  EXPECT_LT(grid.engines.starts(), 18U);
  EXPECT_GT(grid.engines.starts(), 6U);
  EXPECT_EQ(grid.engine("e5").state, "ready");  // its neighbour does not care
  grid.engines.script_of("chat").exit_at_start.reset();
  EXPECT_TRUE(state_is("chat", "ready", 60s));
}

TEST_F(EnginesTest, ACorruptModelIsNeverLoaded) {
  EXPECT_TRUE(grid.world.env(AgentWorld::kNode).files().replace("/models/chat.gguf", "other weights").ok());
  connect();
  ASSERT_TRUE(state_is("chat", "failed")) << grid.log();
  EXPECT_THAT(grid.engine("chat").reason, HasSubstr("\"/models/chat.gguf\" is corrupt"));
  EXPECT_EQ(grid.engines.counts("unix:/state/engines/chat.sock").requests, 0U);
  EXPECT_TRUE(grid.world.env(AgentWorld::kNode).files().replace("/models/chat.gguf", "weights").ok());
  EXPECT_TRUE(state_is("chat", "ready", 60s));
}

TEST_F(EnginesTest, WhatTheBundleNoLongerNamesIsStoppedAfterItsAttempts) {
  grid.up();
  Trial trial = grid.chat_trial("tell me", 24, true);
  grid.begin(trial);
  ASSERT_TRUE(grid.world.run_until([&] { return trial.tokens > 0; }, 5s));
  grid.inventory.deployments.erase(grid.inventory.deployments.begin());
  grid.push();
  grid.finish(trial);
  ASSERT_TRUE(trial.end);
  EXPECT_EQ(trial.end->finish, "stop");
  EXPECT_TRUE(grid.world.run_until([&] { return grid.engines.listening().size() == 1; }, 10s));
  Trial late = grid.chat_trial("tell me", 2, true);
  grid.run(late);
  EXPECT_EQ(late.refuse->code, "no_engine");
}

TEST_F(EnginesTest, AChangedDeploymentGetsANewEngine) {
  grid.up();
  const int pid = grid.engine("chat").pid;
  grid.inventory.deployments[0].slots = 3;
  grid.push();
  EXPECT_TRUE(
      grid.world.run_until([&] { return grid.engine("chat").slots == 3 && grid.engine("chat").state == "ready"; }, 30s))
      << grid.log();
  EXPECT_NE(grid.engine("chat").pid, pid);
  Trial trial = grid.chat_trial("hello", 2, true);
  grid.run(trial);
  EXPECT_TRUE(trial.end);
}

TEST_F(EnginesTest, ARunningServerIsAdoptedByItsUrl) {
  grid.inventory.deployments[1].url = "http://127.0.0.1:7777/v1";
  connect();
  ASSERT_TRUE(state_is("e5", "failed")) << grid.log();
  world::VirtualEngine server(grid.world.env(AgentWorld::kNode), {}, "e5", "");
  grid.world.spawn(AgentWorld::kNode, [&](io::Env& env) {
    auto listener = env.listen("127.0.0.1:7777", {});
    EXPECT_TRUE(listener.ok());
    return server.serve(std::move(*listener));
  });
  EXPECT_TRUE(state_is("e5", "ready")) << grid.engine("e5").reason;
  EXPECT_EQ(grid.engine("e5").url, "http://127.0.0.1:7777");
  grid.world.kill(AgentWorld::kNode);
}

}  // namespace
}  // namespace aigrid::agent::test
