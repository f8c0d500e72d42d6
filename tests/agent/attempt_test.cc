// Attempts on one node: what the gateway gets back, and what the engine was made to do.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "agent/agent_world.h"

namespace aigrid::agent::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class AttemptTest : public testing::Test {
 protected:
  AttemptTest() { grid.up(); }
  world::EngineCounts counts() const { return grid.engines.counts(grid.engine("chat").url); }
  AgentWorld grid;
};

TEST_F(AttemptTest, AStreamComesAsFramesInOrderWithTheEnginesOwnCount) {
  Trial trial = grid.chat_trial("what is a grid", 5, true);
  const auto before = counts();
  grid.run(trial);
  ASSERT_TRUE(trial.end) << grid.log();
  EXPECT_THAT(trial.order, MatchesRegex("H(d?(td?)*)TE"));
  EXPECT_EQ(trial.head.node, "n1");
  EXPECT_EQ(trial.head.site, "paris");
  EXPECT_EQ(trial.tokens, 5U);
  EXPECT_EQ(trial.end->usage.completion_tokens, 5U);
  EXPECT_EQ(trial.end->usage.prompt_tokens, 8U);
  EXPECT_EQ(trial.end->finish, "length");
  EXPECT_GT(trial.end->prefill_us, 0U);
  EXPECT_GT(trial.end->decode_us, 0U);
  EXPECT_THAT(trial.client, HasSubstr("chatcmpl-r1"));
  EXPECT_THAT(trial.client, Not(HasSubstr("chatcmpl-engine")));
  EXPECT_THAT(trial.client, Not(HasSubstr("[DONE]")));
  EXPECT_EQ(counts().completion_tokens - before.completion_tokens, 5U);
}

TEST_F(AttemptTest, AWholeAnswerIsOneTail) {
  Trial trial = grid.chat_trial("what is a grid", 4, false);
  grid.run(trial);
  ASSERT_TRUE(trial.end) << grid.log();
  const json answer = json::parse(trial.client + trial.tail + "}", nullptr, false);
  ASSERT_TRUE(answer.is_object()) << trial.tail;
  EXPECT_EQ(answer["id"], "chatcmpl-r1");
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "the grid runs near");
  EXPECT_EQ(trial.end->usage.completion_tokens, 4U);
}

TEST_F(AttemptTest, AWholeAnswerSaysThatItHasBegun) {
  grid.engines.running(grid.engine("chat").url)->script().decode_tokens_per_s = 2;
  Trial trial = grid.chat_trial("slow", 6, false);
  grid.begin(trial);
  EXPECT_TRUE(grid.world.run_until([&] { return trial.tokens > 0; }, 1s)) << "long before it is there";
  EXPECT_EQ(trial.order, "Ht");
  EXPECT_EQ(trial.tokens, 1U);
  EXPECT_GT(trial.head.prompt_tokens, 0U);
  grid.finish(trial);
  EXPECT_EQ(trial.order, "HtTE");
  EXPECT_EQ(trial.tokens, 6U);
}

TEST_F(AttemptTest, ALongWholeAnswerIsAcceptedBeforeItIsThere) {
  grid.engines.running(grid.engine("chat").url)->script().prefill_tokens_per_s = 0.5;
  Trial trial = grid.chat_trial("slow", 20, false);
  grid.begin(trial);
  EXPECT_TRUE(grid.world.run_until([&] { return trial.order == "H"; }, 3s));
  EXPECT_TRUE(grid.world.run_until([&] { return trial.order == "Ht"; }, 6s));  // it still works
  EXPECT_EQ(trial.tokens, 0U);
  grid.finish(trial);
  EXPECT_EQ(trial.end->finish, "length");
}

TEST_F(AttemptTest, Embeddings) {
  Trial trial = grid.chat_trial("", 0, false);
  trial.ask.endpoint = "embeddings";
  trial.ask.model = trial.ask.deployment = "e5";
  trial.body = R"({"model":"e5","input":["a b","c"]})";
  grid.run(trial);
  ASSERT_TRUE(trial.end) << grid.log();
  const json answer = json::parse(trial.tail + "}", nullptr, false);
  EXPECT_EQ(answer["data"].size(), 2U);
  EXPECT_EQ(trial.end->usage.prompt_tokens, 3U);
  EXPECT_EQ(trial.end->usage.completion_tokens, 0U);
}

TEST_F(AttemptTest, ALyingGatewayIsRefusedByTheNodesOwnBundle) {
  const auto before = counts();
  Trial swiss = grid.chat_trial("secret", 4, true, "swiss");
  grid.run(swiss);
  ASSERT_TRUE(swiss.refuse);
  EXPECT_EQ(swiss.refuse->verdict, inner::Refuse::Verdict::Never);
  EXPECT_EQ(swiss.refuse->status, 403U);
  EXPECT_EQ(swiss.refuse->code, "data_residency_mismatch");
  EXPECT_THAT(swiss.refuse->message, HasSubstr("paris"));
  Trial zone = grid.chat_trial("secret", 4, true, "free");
  zone.ask.zones = {"ch"};
  grid.run(zone);
  ASSERT_TRUE(zone.refuse);
  EXPECT_EQ(zone.refuse->code, "data_residency_mismatch");
  Trial unknown = grid.chat_trial("secret", 4, true, "nobody");
  grid.run(unknown);
  ASSERT_TRUE(unknown.refuse);
  EXPECT_EQ(unknown.refuse->verdict, inner::Refuse::Verdict::Never);
  EXPECT_EQ(unknown.refuse->status, 403U);
  // The asker knows more than this node: still nothing runs here, but another node may.
  unknown = grid.chat_trial("secret", 4, true, "nobody");
  unknown.ask.bundle_version = 99;
  grid.run(unknown);
  EXPECT_EQ(unknown.refuse->verdict, inner::Refuse::Verdict::Elsewhere);
  swiss = grid.chat_trial("secret", 4, true, "swiss");  // widened a moment ago, perhaps
  swiss.ask.bundle_version = 99;
  grid.run(swiss);
  EXPECT_EQ(swiss.refuse->verdict, inner::Refuse::Verdict::Elsewhere);
  EXPECT_EQ(counts().prompt_tokens, before.prompt_tokens);
  EXPECT_THAT(grid.log(), HasSubstr("residency_denied"));
  Trial allowed = grid.chat_trial("hello", 2, true, "mairie");
  grid.run(allowed);
  EXPECT_TRUE(allowed.end);
}

// A grant counts once, for this connection, this attempt and this place.
TEST_F(AttemptTest, WithoutAGoodGrantNothingRuns) {
  const auto refused = [this](Trial trial) {
    grid.run(trial);
    EXPECT_EQ(trial.order, "R");
    EXPECT_TRUE(trial.refuse && trial.refuse->code == "grant_denied");
    return trial.refuse ? trial.refuse->message : "";
  };
  Trial bare = grid.chat_trial("hello", 3, true);
  bare.grant = false;
  EXPECT_THAT(refused(bare), HasSubstr("no grant"));
  Trial elsewhere = grid.chat_trial("hello", 3, true);
  elsewhere.ask.site = "zurich";
  EXPECT_THAT(refused(elsewhere), HasSubstr("at site \"zurich\", not for this one"));
  Trial other = grid.chat_trial("hello", 3, true);
  other.ask.node = "n2";
  EXPECT_THAT(refused(other), HasSubstr("for node \"n2\""));
  Trial good = grid.chat_trial("hello", 3, true);
  grid.run(good);
  ASSERT_TRUE(good.end);
  Trial again = grid.chat_trial("hello", 3, true);
  again.ask = good.ask;
  again.grant = false;
  EXPECT_THAT(refused(again), HasSubstr("used before"));
  Trial widened = again;
  widened.ask.tenant = "swiss";
  EXPECT_THAT(refused(widened), HasSubstr("not issued for this attempt on this connection"));
  // The same bytes on another connection.
  grid.world.kill(AgentWorld::kGateway);
  grid.world.restart(AgentWorld::kGateway);
  grid.report = {};
  grid.start_gateway();
  ASSERT_TRUE(grid.all_ready(20s));
  EXPECT_THAT(refused(again), HasSubstr("not issued for this attempt on this connection"));
  Trial stale = grid.chat_trial("hello", 3, true);
  grid.granted_version = 0;
  EXPECT_THAT(refused(stale), HasSubstr("older than the one held here"));
}

TEST_F(AttemptTest, CancelStopsTheEngineAndStillBringsTheUsage) {
  Trial trial = grid.chat_trial("tell me a story", 24, true);
  trial.cancel_after_tokens = 3;
  grid.run(trial);
  ASSERT_TRUE(trial.end) << grid.log();
  EXPECT_EQ(trial.end->finish, "cancelled");
  EXPECT_EQ(trial.end->usage.completion_tokens, trial.tokens);
  EXPECT_EQ(trial.end->usage.prompt_tokens, 8U);  // the engine said so with every event
  EXPECT_LT(trial.tokens, 6U);
  EXPECT_TRUE(grid.world.run_until([&] { return counts().aborted == 1; }, 1s));
  EXPECT_LT(counts().completion_tokens, 12U);
  EXPECT_TRUE(grid.world.run_until([&] { return grid.engine("chat").running == 0; }, 1s));
}

// What it made after its caller had left is in its counters, and so in a record.
TEST_F(AttemptTest, WhatAnEngineMadeForNobodyIsWrittenDown) {
  auto* engine = grid.engines.running(grid.engine("chat").url);
  engine->script().tail_tokens = 2;
  Trial trial = grid.chat_trial("tell me a story", 24, true);
  trial.cancel_after_tokens = 3;
  grid.run(trial);
  ASSERT_TRUE(trial.end) << grid.log();
  const auto unclaimed = [&] {
    std::uint64_t out = 0;
    for (const auto& r : grid.own_work) out += r.finish == "unclaimed" ? r.usage.completion_tokens : 0;
    return out;
  };
  EXPECT_TRUE(grid.world.run_until([&] { return unclaimed() == 2; }, 5s)) << unclaimed();
  grid.world.run_for(3s);
  grid::Usage all;
  for (const auto* list : {&grid.records, &grid.own_work}) {
    for (const auto& r : *list) {
      if (r.deployment != "chat") continue;
      all.prompt_tokens += r.usage.prompt_tokens;
      all.completion_tokens += r.usage.completion_tokens;
    }
  }
  EXPECT_EQ(all.prompt_tokens, counts().prompt_tokens);
  EXPECT_EQ(all.completion_tokens, counts().completion_tokens);
}

// Before the engine has said anything its prompt is not guessed: what it read for nobody is in its counters.
TEST_F(AttemptTest, APromptThatIsCutIsCountedByTheEngine) {
  auto* engine = grid.engines.running(grid.engine("chat").url);
  engine->script().prefill_tokens_per_s = 4;
  Trial trial = grid.chat_trial("tell me a story", 24, true);
  trial.ask.prompt_tokens = 77;
  trial.cancel_after = 500ms;
  grid.run(trial);
  ASSERT_TRUE(trial.end) << grid.log();
  EXPECT_EQ(trial.end->usage.prompt_tokens, 0U);
  EXPECT_FALSE(trial.end->estimated);
  EXPECT_TRUE(
      grid.world.run_until([&] { return !grid.own_work.empty() && grid.own_work.back().finish == "unclaimed"; }, 20s));
  EXPECT_EQ(grid.own_work.back().usage.prompt_tokens, 8U);
}

TEST_F(AttemptTest, AResetStreamStopsTheEngineAndFreesTheSlot) {
  Trial trial = grid.chat_trial("tell me a story", 24, true);
  trial.reset_after_tokens = 2;
  grid.run(trial);
  EXPECT_TRUE(grid.world.run_until([&] { return counts().aborted == 1; }, 1s));
  EXPECT_TRUE(grid.world.run_until([&] { return grid.engine("chat").running == 0; }, 1s));
}

TEST_F(AttemptTest, ALostConnectionStopsTheEngine) {
  Trial trial = grid.chat_trial("tell me a story", 24, true);
  grid.begin(trial);
  ASSERT_TRUE(grid.world.run_until([&] { return trial.tokens > 0; }, 5s));
  grid.world.kill(AgentWorld::kGateway);
  EXPECT_TRUE(grid.world.run_until([&] { return grid.engines.total().aborted == 1; }, 2s));
}

TEST_F(AttemptTest, AnEngineThatDiesBeforeItsHeadMeansElsewhere) {
  grid.engines.running(grid.engine("chat").url)->script().prefill_tokens_per_s = 1;
  Trial trial = grid.chat_trial("tell me", 24, true);
  grid.begin(trial);
  grid.world.run_for(1s);
  grid.engines.running(grid.engine("chat").url)->die();
  grid.finish(trial);
  ASSERT_TRUE(trial.refuse);
  EXPECT_EQ(trial.refuse->verdict, inner::Refuse::Verdict::Elsewhere);
  EXPECT_EQ(trial.order, "R");
}

TEST_F(AttemptTest, AnEngineThatDiesMidStreamIsAnErrorNeverACleanEnd) {
  auto* engine = grid.engines.running(grid.engine("chat").url);
  engine->script().die_after_tokens = engine->counts().completion_tokens + 4;
  Trial trial = grid.chat_trial("tell me", 24, true);
  grid.run(trial);
  ASSERT_TRUE(trial.end) << grid.log();
  EXPECT_EQ(trial.end->finish, "error");
  EXPECT_THAT(trial.end->error, HasSubstr("the engine was lost"));
  EXPECT_EQ(trial.end->usage.completion_tokens, trial.tokens);
  EXPECT_EQ(trial.tail, "");
  // And it comes back by itself.
  EXPECT_TRUE(grid.world.run_until([&] { return grid.engine("chat").state != "ready"; }, 5s));
  EXPECT_TRUE(grid.all_ready());
}

TEST_F(AttemptTest, SlotsAreEnforcedHere) {
  Trial a = grid.chat_trial("one", 20, true);
  Trial b = grid.chat_trial("two", 20, true);
  Trial c = grid.chat_trial("three", 20, true);
  grid.begin(a);
  grid.begin(b);
  grid.world.run_for(10ms);
  grid.begin(c);
  grid.finish(c);
  ASSERT_TRUE(c.refuse);
  EXPECT_EQ(c.refuse->code, "no_slot");
  EXPECT_EQ(c.refuse->verdict, inner::Refuse::Verdict::Elsewhere);
  grid.finish(a);
  grid.finish(b);
  EXPECT_EQ(counts().most_running, 2U);
  Trial d = grid.chat_trial("four", 2, true);
  grid.run(d);
  EXPECT_TRUE(d.end);
}

TEST_F(AttemptTest, WhatTheEngineCannotTakeIsTheClientsFault) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "word ";
  Trial trial = grid.chat_trial(text, 4, true);
  grid.run(trial);
  ASSERT_TRUE(trial.refuse);
  EXPECT_EQ(trial.refuse->verdict, inner::Refuse::Verdict::Never);
  EXPECT_EQ(trial.refuse->status, 400U);
  EXPECT_EQ(trial.refuse->code, "context_length_exceeded");
}

TEST_F(AttemptTest, ASlowReaderStopsTheEngineNotTheNodesMemory) {
  auto* engine = grid.engines.running(grid.engine("chat").url);
  engine->script().answer_tokens = 2000;
  engine->script().decode_tokens_per_s = 10'000;
  Trial trial = grid.chat_trial("tell me", 2000, true);
  trial.read_nothing = true;
  grid.begin(trial);
  grid.world.run_for(30s);
  // 64 KiB of window, 64 KiB unsent, and what the sockets between agent and engine hold.
  EXPECT_LT(engine->counts().completion_tokens, 1990U);
  EXPECT_EQ(grid.engine("chat").running, 1U);
}

TEST_F(AttemptTest, OddFramesAreRefusedNotObeyed) {
  Trial unknown = grid.chat_trial("hello", 2, true);
  unknown.ask.deployment = "other";
  grid.run(unknown);
  EXPECT_EQ(unknown.refuse->code, "no_engine");
  Trial elsewhere = grid.chat_trial("hello", 2, true);
  elsewhere.ask.node = "n2";
  grid.run(elsewhere);
  EXPECT_EQ(elsewhere.refuse->code, "grant_denied");
  Trial endpoint = grid.chat_trial("hello", 2, true);
  endpoint.ask.endpoint = "images";
  grid.run(endpoint);
  EXPECT_EQ(endpoint.refuse->verdict, inner::Refuse::Verdict::Never);
  Trial body = grid.chat_trial("hello", 2, true);
  body.body = "{nope";
  grid.run(body);
  EXPECT_EQ(body.refuse->verdict, inner::Refuse::Verdict::Never);
  EXPECT_EQ(grid.engine("chat").running, 0U);
}

}  // namespace
}  // namespace aigrid::agent::test
