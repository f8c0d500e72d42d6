#include <gtest/gtest.h>

#include "format/json/json.h"
#include "format/openai/edit.h"

namespace aigrid::openai {
namespace {

using nlohmann::ordered_json;

AnswerEdit joined() {
  AnswerEdit out;
  out.id = "chatcmpl-ours";
  out.created_unix_s = 77;
  out.model = "smol";
  out.join = true;
  return out;
}

ordered_json play(AnswerFilter& filter, std::initializer_list<const char*> events) {
  for (const char* event : events) {
    const auto piece = filter.event(event);
    EXPECT_TRUE(piece.ok()) << event;
    if (piece.ok()) EXPECT_EQ(piece->client, "");
  }
  EXPECT_TRUE(filter.event("[DONE]").ok());
  EXPECT_TRUE(filter.done());
  return ordered_json::parse(filter.tail() + "}", nullptr, false);
}

TEST(AnswerJoin, TextLogprobsAndUsage) {
  AnswerFilter filter(joined());
  const auto whole = play(
      filter, {R"({"choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}],"id":"x)"
               R"(","object":"chat.completion.chunk","system_fingerprint":"b1"})",
               R"({"choices":[{"index":0,"delta":{"content":"Par"},"logprobs":{"content":[{"id":7,"token":"Par"}]},)"
               R"("finish_reason":null}]})",
               R"({"choices":[{"index":0,"delta":{"content":"is"},"logprobs":{"content":[{"id":8,"token":"is"}]},"fi)"
               R"(nish_reason":null}]})",
               R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})",
               R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"prompt_tokens_de)"
               R"(tails":{"cached_tokens":4}}})"});
  EXPECT_EQ(whole["id"], "chatcmpl-ours");
  EXPECT_EQ(whole["object"], "chat.completion");
  EXPECT_EQ(whole["model"], "smol");
  EXPECT_EQ(whole["system_fingerprint"], "b1");
  ASSERT_EQ(whole["choices"].size(), 1U);
  EXPECT_EQ(whole["choices"][0]["message"].dump(), R"({"role":"assistant","content":"Paris"})");
  EXPECT_EQ(whole["choices"][0]["logprobs"]["content"].size(), 2U);
  EXPECT_EQ(whole["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(whole["usage"]["total_tokens"], 12);
  EXPECT_EQ(filter.usage().cached_tokens, 4U);
  EXPECT_EQ(filter.finish_reason(), "stop");
}

TEST(AnswerJoin, ToolCallsComeInParts) {
  AnswerFilter filter(joined());
  const auto whole = play(
      filter, {R"({"choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"call_1","type":)"
               R"("function","function":{"name":"look","arguments":""}}]}}]})",
               R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}}]})",
               R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_2","type":"function","function)"
               R"(":{"name":"go","arguments":"{}"}}]}}]})",
               R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}}]})",
               R"({"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]})"});
  EXPECT_EQ(whole["choices"][0]["message"].dump(),
            R"({"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name)"
            R"(":"look","arguments":"{\"a\":1}"}},{"id":"call_2","type":"function","function":{"name":"go","argume)"
            R"(nts":"{}"}}]})");
}

TEST(AnswerJoin, SeveralChoicesAreKeptApartAndAddedUp) {
  AnswerFilter filter(joined());
  const auto whole =
      play(filter, {R"({"choices":[{"index":1,"delta":{"role":"assistant","content":null}}]})",
                    R"({"choices":[{"index":1,"delta":{"content":"B"}}]})",
                    R"({"choices":[{"index":0,"delta":{"role":"assistant","content":"A"}}]})",
                    R"({"choices":[{"index":1,"delta":{},"finish_reason":"length"}]})",
                    R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}})",
                    R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})",
                    R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}})"});
  ASSERT_EQ(whole["choices"].size(), 2U);
  EXPECT_EQ(whole["choices"][0]["message"]["content"], "A");
  EXPECT_EQ(whole["choices"][1]["message"]["content"], "B");
  EXPECT_EQ(whole["choices"][1]["finish_reason"], "length");
  EXPECT_EQ(whole["usage"]["completion_tokens"], 5);
  EXPECT_EQ(whole["usage"]["total_tokens"], 14);
}

TEST(AnswerJoin, HostilePartsDoNotGrowIt) {
  AnswerFilter filter(joined());
  const auto whole =
      play(filter,
           {R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":4000000000},{"index":-5},7]},"logprobs":[1]}]})",
            R"({"choices":[7,{"delta":5,"finish_reason":"stop"}]})"});
  EXPECT_EQ(whole["choices"].size(), 1U);
}

TEST(AnswerFilter, IdsGoWithTheirTokensAndLogprobsNobodyAskedForAreHidden) {
  AnswerEdit edit = joined();
  edit.join = false;
  edit.hide_logprobs = true;
  AnswerFilter filter(edit);
  // The event that opens waits: what is delivered begins with tokens.
  auto piece = filter.event(
      R"({"choices":[{"index":0,"delta":{"role":"assistant","content":null}}],"timings":{"prompt_n":5,"cache)"
      R"(_n":2,"predicted_n":0},"prompt_progress":{}})");
  ASSERT_TRUE(piece.ok());
  EXPECT_EQ(piece->client, "");
  EXPECT_TRUE(filter.prompt_known());
  EXPECT_EQ(filter.usage().prompt_tokens, 7U);
  piece = filter.event(
      R"({"choices":[{"index":0,"delta":{"content":"A"},"logprobs":{"content":[{"id":7}]}}],"timings":{"pred)"
      R"(icted_n":1,"prompt_n":5}})");
  ASSERT_TRUE(piece.ok());
  EXPECT_EQ(piece->ids, std::vector<std::uint32_t>{7});
  EXPECT_EQ(piece->tokens, 1U);
  EXPECT_EQ(piece->text, "A");
  EXPECT_EQ(piece->client.find("logprobs"), std::string::npos);
  EXPECT_NE(piece->client.find("\"role\":\"assistant\""), std::string::npos);
  piece = filter.event(
      R"({"choices":[{"index":0,"delta":{"content":"é"},"logprobs":{"content":[{"id":9}]}}],"timings":{"pred)"
      R"(icted_n":3}})");
  ASSERT_TRUE(piece.ok());
  EXPECT_EQ(piece->tokens, 2U);  // one id is missing
  EXPECT_EQ(piece->ids.size(), 1U);
  piece = filter.event(R"({"choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]})");
  EXPECT_TRUE(piece.ok() && !piece->plain);
}

TEST(AnswerFilter, AResumedStreamHasNoOpeningAndCountsThePromptOnce) {
  AnswerEdit edit = joined();
  edit.join = false;
  edit.client_wants_usage = true;
  edit.resumed = 10;
  AnswerFilter filter(edit);
  auto piece = filter.event(R"({"choices":[{"index":0,"delta":{"role":"assistant","content":null}}]})");
  EXPECT_TRUE(piece.ok() && piece->client.empty());
  piece = filter.event(R"({"choices":[{"index":0,"delta":{"role":"assistant","content":"go"}}]})");
  ASSERT_TRUE(piece.ok());
  EXPECT_EQ(piece->client.find("role"), std::string::npos);
  EXPECT_EQ(filter.usage().completion_tokens, 11U);
  ASSERT_TRUE(filter.event(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})").ok());
  ASSERT_TRUE(filter
                  .event(R"({"choices":[],"usage":{"prompt_tokens":30,"completion_tokens":2,"total_tokens":32,)"
                         R"("prompt_tokens_details":{"cached_tokens":25}}})")
                  .ok());
  piece = filter.event("[DONE]");
  ASSERT_TRUE(piece.ok());
  EXPECT_NE(piece->client.find("\"finish_reason\":\"stop\""), std::string::npos);
  const auto last = ordered_json::parse(filter.tail().substr(6) + "}", nullptr, false);
  EXPECT_EQ(last["usage"]["prompt_tokens"], 20);
  EXPECT_EQ(last["usage"]["completion_tokens"], 12);
  EXPECT_EQ(last["usage"]["prompt_tokens_details"]["cached_tokens"], 20);
}

TEST(BodyEdits, AnswersBegunElsewhere) {
  BodyEdit edit;
  edit.model = "m";
  edit.stream = true;
  edit.max_output_tokens = 10;
  edit.delivered = 4;
  edit.begun = "Once upon";
  edit.begun_flags = true;
  const auto body = edit_chat_body(R"({"messages":[{"role":"user","content":"x"}]})", edit);
  ASSERT_TRUE(body.ok());
  const auto v = ordered_json::parse(*body);
  EXPECT_EQ(v["max_tokens"], 6);
  EXPECT_EQ(v["messages"][1]["role"], "assistant");
  EXPECT_EQ(v["messages"][1]["content"], "Once upon");
  EXPECT_EQ(v["continue_final_message"], true);
  edit.token_ids = true;
  edit.stream_options = false;
  const auto ids = ordered_json::parse(*edit_chat_body(R"({"messages":[]})", edit));
  EXPECT_EQ(ids["top_logprobs"], 1);
  EXPECT_FALSE(ids.contains("stream_options"));
}

}  // namespace
}  // namespace aigrid::openai
