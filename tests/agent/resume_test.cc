// What a node says of how its answers can go on, and how it goes on with those of others.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "agent/agent_world.h"
#include "app/agent/engine_log.h"

namespace aigrid::agent::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::string text_of(std::uint64_t from, std::uint64_t to) {
  std::string out;
  for (std::uint64_t n = from; n < to; ++n) out += world::token_text(n);
  return out;
}

std::vector<std::uint32_t> ids_of(std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint32_t> out;
  for (std::uint64_t n = from; n < to; ++n) out.push_back(world::token_id(n));
  return out;
}

// The text that the events of a stream say.
std::string said(const std::string& events) {
  std::string out;
  std::istringstream lines(events);
  std::string line;
  while (std::getline(lines, line)) {
    if (!line.starts_with("data: ")) continue;
    const json event = json::parse(line.substr(6), nullptr, false);
    if (!event.is_object()) continue;
    for (const auto& choice : event["choices"]) {
      const auto content = choice["delta"].find("content");
      if (content != choice["delta"].end() && content->is_string()) out += content->get<std::string>();
    }
  }
  return out;
}

class ResumeTest : public testing::Test {
 protected:
  ResumeTest() { grid.up(); }
  world::EngineScript& script() { return grid.engines.running(grid.engine("chat").url)->script(); }
  // As if another node had delivered so many tokens.
  Trial resumed(std::uint32_t count, int most) {
    Trial trial = grid.chat_trial("what is a grid", most, true);
    trial.ask.attempt = 2;
    trial.ask.resume_count = count;
    trial.ask.resume_ids = ids_of(0, count);
    trial.ask.resume_text = text_of(0, count);
    return trial;
  }
  AgentWorld grid;
};

TEST_F(ResumeTest, AStreamNamesItsTokensAndHidesHow) {
  Trial trial = grid.chat_trial("what is a grid", 6, true);
  grid.run(trial);
  ASSERT_TRUE(trial.end) << grid.log();
  EXPECT_EQ(trial.head.resume, inner::Resume::Tokens);
  EXPECT_EQ(trial.resume, inner::Resume::Tokens);
  EXPECT_EQ(trial.ids, ids_of(0, 6));
  EXPECT_EQ(said(trial.client), text_of(0, 6));
  EXPECT_THAT(trial.client, Not(HasSubstr("logprobs")));
  EXPECT_TRUE(trial.order.starts_with("Htd")) << trial.order;  // what is delivered begins with tokens
}

TEST_F(ResumeTest, TokensThatComeTogetherAreNamedByTheTokeniser) {
  script().hold_every = 3;
  Trial trial = grid.chat_trial("what is a grid", 9, true);
  grid.run(trial);
  ASSERT_TRUE(trial.end) << grid.log();
  EXPECT_EQ(trial.tokens, 9U);
  EXPECT_EQ(trial.ids, ids_of(0, 9));
  EXPECT_EQ(trial.resume, inner::Resume::Tokens);
}

TEST_F(ResumeTest, ItGoesOnFromExactlyTheTokensDelivered) {
  Trial trial = resumed(5, 12);
  grid.run(trial);
  ASSERT_TRUE(trial.end) << grid.log();
  EXPECT_EQ(trial.head.resume, inner::Resume::Tokens);
  EXPECT_EQ(said(trial.client), text_of(5, 12));
  EXPECT_EQ(trial.ids, ids_of(5, 12));
  EXPECT_THAT(trial.client, Not(HasSubstr("\"role\"")));
  EXPECT_THAT(trial.client, HasSubstr("\"id\":\"chatcmpl-r1\""));
  EXPECT_THAT(trial.tail, HasSubstr("\"finish_reason\":\"length\""));
  EXPECT_EQ(trial.end->usage.prompt_tokens, 8U);       // once
  EXPECT_EQ(trial.end->usage.completion_tokens, 12U);  // those before and those made here
  EXPECT_FALSE(trial.end->estimated);
  ASSERT_TRUE(grid.world.run_until([&] { return !grid.records.empty(); }, 5s)) << grid.log();
  EXPECT_EQ(grid.records.back().usage.prompt_tokens, 13U);  // what the engine did
  EXPECT_EQ(grid.records.back().usage.completion_tokens, 7U);
  EXPECT_EQ(grid.records.back().resume_count, 5U);
}

TEST_F(ResumeTest, ACancelledContinuationCountsBoth) {
  script().decode_tokens_per_s = 5;
  Trial trial = resumed(5, 20);
  trial.cancel_after_tokens = 2;
  grid.run(trial);
  ASSERT_TRUE(trial.end) << grid.log();
  EXPECT_EQ(trial.end->finish, "cancelled");
  EXPECT_EQ(trial.end->usage.completion_tokens, 5U + trial.tokens);
  EXPECT_EQ(trial.end->usage.prompt_tokens, 8U);
}

TEST_F(ResumeTest, WithoutIdsItGoesOnByTextAndSaysSo) {
  Trial trial = resumed(4, 10);
  trial.ask.resume_ids.clear();
  grid.run(trial);
  ASSERT_TRUE(trial.end) << grid.log();
  EXPECT_EQ(trial.head.resume, inner::Resume::Text);
  EXPECT_EQ(said(trial.client), text_of(4, 10));
  EXPECT_TRUE(trial.ids.empty());
  EXPECT_EQ(trial.end->usage.completion_tokens, 10U);
  EXPECT_TRUE(trial.end->estimated);
}

TEST_F(ResumeTest, AnAnswerOfFullLengthIsNotBegunAgain) {
  Trial trial = resumed(5, 5);
  grid.run(trial);
  ASSERT_TRUE(trial.refuse) << grid.log();
  EXPECT_EQ(trial.refuse->verdict, inner::Refuse::Verdict::Elsewhere);
  for (const auto& record : grid.records) EXPECT_EQ(record.usage.prompt_tokens, 0U);
}

TEST_F(ResumeTest, WhatHasStateDoesNotGoOn) {
  Trial tools = grid.chat_trial("what is a grid", 4, true);
  json body = json::parse(tools.body);
  body["response_format"] = {{"type", "json_object"}};
  tools.body = body.dump();
  grid.run(tools);
  ASSERT_TRUE(tools.end) << grid.log();
  EXPECT_EQ(tools.head.resume, inner::Resume::None);
  EXPECT_TRUE(tools.ids.empty());
  Trial more = resumed(2, 4);
  more.body = tools.body;
  grid.run(more);
  ASSERT_TRUE(more.refuse);
  EXPECT_EQ(more.refuse->verdict, inner::Refuse::Verdict::Elsewhere);
}

TEST_F(ResumeTest, TokensThatTheEngineDoesNotTakeAreRefusedNotInvented) {
  Trial trial = resumed(3, 10);
  trial.ask.resume_ids[1] += 1;
  grid.run(trial);
  ASSERT_TRUE(trial.refuse);
  EXPECT_EQ(trial.client, "");
}

TEST_F(ResumeTest, EveryAttemptLeavesARecordAndTheyOutliveALostGateway) {
  grid.refuse_records = true;
  Trial good = grid.chat_trial("one", 3, true);
  grid.run(good);
  Trial denied = grid.chat_trial("two", 3, true, "swiss");
  grid.run(denied);
  Trial whole = grid.chat_trial("tell me a long story", 24, false);
  script().decode_tokens_per_s = 2;
  grid.begin(whole);
  ASSERT_TRUE(grid.world.run_until([&] { return whole.tokens > 0; }, 30s)) << grid.log();
  grid.world.kill(AgentWorld::kGateway);
  grid.world.run_for(2s);
  EXPECT_TRUE(grid.records.empty());
  grid.refuse_records = false;
  grid.world.restart(AgentWorld::kGateway);
  grid.start_gateway();
  ASSERT_TRUE(grid.world.run_until([&] { return grid.records.size() >= 3; }, 60s)) << grid.log();
  ASSERT_EQ(grid.records.size(), 3U);
  EXPECT_EQ(grid.records[0].finish, "length");
  EXPECT_EQ(grid.records[0].usage.completion_tokens, 3U);
  EXPECT_EQ(grid.records[0].source, "n1");
  EXPECT_EQ(grid.records[0].site, "paris");
  EXPECT_EQ(grid.records[1].finish, "refused");
  EXPECT_EQ(grid.records[1].usage.prompt_tokens, 0U);
  EXPECT_EQ(grid.records[2].finish, "abandoned");
  EXPECT_GE(grid.records[2].usage.completion_tokens, whole.tokens);
  EXPECT_GT(grid.records[2].usage.completion_tokens, 0U);
  EXPECT_GT(grid.records[2].epoch, 0U);
}

TEST_F(ResumeTest, AWholeAnswerThatIsCancelledIsCountedAndStops) {
  script().decode_tokens_per_s = 2;
  Trial whole = grid.chat_trial("tell me a long story", 24, false);
  whole.cancel_after_tokens = 1;
  grid.run(whole);
  ASSERT_TRUE(whole.end) << grid.log();
  EXPECT_EQ(whole.end->finish, "cancelled");
  EXPECT_GE(whole.end->usage.completion_tokens, whole.tokens);
  const auto counts = grid.engines.counts(grid.engine("chat").url);
  EXPECT_LT(counts.completion_tokens, 24U);
}

TEST_F(ResumeTest, AServerThatKnowsNoStreamOptionsIsAskedWithout) {
  script().refuse_stream_options = true;
  Trial stream = grid.chat_trial("what is a grid", 4, true);
  grid.run(stream);
  ASSERT_TRUE(stream.end) << grid.log();
  EXPECT_EQ(said(stream.client), text_of(0, 4));
  EXPECT_EQ(stream.end->usage.completion_tokens, 4U);
  EXPECT_THAT(grid.log(), HasSubstr("engine_lacks_usage"));
  Trial whole = grid.chat_trial("what is a grid", 4, false);
  grid.run(whole);
  ASSERT_TRUE(whole.end) << grid.log();
  const json answer = json::parse(whole.tail + "}", nullptr, false);
  EXPECT_EQ(answer["choices"][0]["message"]["content"], text_of(0, 4));
  EXPECT_EQ(whole.end->usage.completion_tokens, 4U);
}

TEST(EngineLog, IsBoundedAndKeepsOneBefore) {
  io::VirtualWorld world(1);
  io::Files& files = world.add_host("a/n").files();
  ASSERT_TRUE(files.replace("/log", "0123456789").ok());
  bound_log(files, "/log", 10);
  EXPECT_EQ(*files.read_all("/log"), "0123456789");
  ASSERT_TRUE(files.replace("/log", "0123456789abc").ok());
  bound_log(files, "/log", 10);
  EXPECT_EQ(*files.read_all("/log"), "");
  EXPECT_EQ(*files.read_all("/log.1"), "3456789abc");
  bound_log(files, "/none", 10);
}

}  // namespace
}  // namespace aigrid::agent::test
