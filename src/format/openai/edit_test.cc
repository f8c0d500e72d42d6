#include "format/openai/edit.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "format/json/json.h"

namespace aigrid::openai {
namespace {

// As llama.cpp's server writes them.
const std::vector<std::string> kStream = {
    R"({"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":)"
    R"(1,"id":"chatcmpl-engine","model":"alias","system_fingerprint":"b0-unknown","object":"chat.completion)"
    R"(.chunk"})",
    R"({"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Par"}}],"created":1,"id":"chatcmpl-e)"
    R"(ngine","model":"alias","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"})",
    R"({"choices":[{"finish_reason":null,"index":0,"delta":{"content":"is"}}],"created":1,"id":"chatcmpl-en)"
    R"(gine","model":"alias","system_fingerprint":"b0-unknown","object":"chat.completion.chunk","timings":{)"
    R"("cache_n":24,"prompt_n":15,"predicted_n":3}})",
    R"({"choices":[{"finish_reason":"length","index":0,"delta":{}}],"created":1,"id":"chatcmpl-engine","mod)"
    R"(el":"alias","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"})",
    R"({"choices":[],"created":1,"id":"chatcmpl-engine","model":"alias","system_fingerprint":"b0-unknown",")"
    R"(object":"chat.completion.chunk","usage":{"completion_tokens":4,"prompt_tokens":39,"total_tokens":43,)"
    R"("prompt_tokens_details":{"cached_tokens":24}},"timings":{"cache_n":24,"predicted_n":4}})",
    "[DONE]"};

AnswerEdit edit_for(bool wants_usage) { return {"chatcmpl-ours", 77, "smol", false, wants_usage}; }

std::string play(AnswerFilter& filter, std::uint32_t& tokens) {
  std::string client;
  for (const auto& payload : kStream) {
    auto piece = filter.event(payload);
    EXPECT_TRUE(piece.ok());
    client += piece->client;
    tokens += piece->tokens;
  }
  return client;
}

TEST(AnswerFilter, StreamWithoutUsage) {
  AnswerFilter filter(edit_for(false));
  std::uint32_t tokens = 0;
  const auto client = play(filter, tokens);
  EXPECT_TRUE(filter.done());
  EXPECT_EQ(tokens, 3U);  // with bytes for the client; the one that ends it is in the usage
  EXPECT_TRUE(filter.usage_exact());
  EXPECT_EQ(filter.usage().completion_tokens, 4U);
  EXPECT_EQ(filter.usage().prompt_tokens, 39U);
  EXPECT_EQ(filter.usage().completion_tokens, 4U);
  EXPECT_EQ(filter.usage().cached_tokens, 24U);
  EXPECT_EQ(filter.finish_reason(), "length");
  EXPECT_EQ(client.find("usage"), std::string::npos);
  EXPECT_EQ(client.find("timings"), std::string::npos);
  EXPECT_EQ(client.find("engine"), std::string::npos);
  EXPECT_EQ(client.find("alias"), std::string::npos);
  EXPECT_NE(client.find("system_fingerprint"), std::string::npos);
  ASSERT_EQ(filter.tail().substr(0, 6), "data: ");
  const auto last = json::parse(filter.tail().substr(6) + "}");
  ASSERT_TRUE(last.ok());
  EXPECT_EQ((*last)["choices"][0]["finish_reason"], "length");
  EXPECT_EQ((*last)["id"], "chatcmpl-ours");
  EXPECT_EQ((*last)["created"], 77);
  EXPECT_EQ((*last)["model"], "smol");
}

TEST(AnswerFilter, StreamWithUsageEndsInTheUsageChunk) {
  AnswerFilter filter(edit_for(true));
  std::uint32_t tokens = 0;
  const auto client = play(filter, tokens);
  EXPECT_NE(client.find("\"length\""), std::string::npos);
  const auto last = json::parse(filter.tail().substr(6) + "}");
  ASSERT_TRUE(last.ok());
  EXPECT_TRUE((*last)["choices"].empty());
  EXPECT_EQ((*last)["usage"]["total_tokens"], 43);
  EXPECT_FALSE(last->contains("timings"));
}

TEST(AnswerFilter, CountsWhatItSawWhereTheEngineSaysNothing) {
  AnswerFilter filter(edit_for(false));
  std::uint32_t tokens = 0;
  for (std::size_t i : {0U, 1U, 3U, 5U}) {
    const auto piece = filter.event(kStream[i]);
    ASSERT_TRUE(piece.ok());
    tokens += piece->tokens;
  }
  EXPECT_EQ(tokens, 1U);
  EXPECT_FALSE(filter.usage_exact());
  EXPECT_EQ(filter.usage().completion_tokens, 1U);
}

TEST(AnswerFilter, BadStreamsAreErrors) {
  for (const char* payload :
       {"", "{", "[]", "{}", R"({"choices":5})", "[DONE]", R"({"error":{"code":500,"message":"gone"}})"}) {
    AnswerFilter filter(edit_for(false));
    EXPECT_FALSE(filter.event(payload).ok()) << payload;
  }
}

TEST(AnswerFilter, WholeAnswers) {
  AnswerFilter filter(edit_for(false));
  const auto tokens = filter.whole(
      R"({"choices":[{"finish_reason":"stop","index":0,"message":{"role":"assistant","content":"Paris"}}],"cr)"
      R"(eated":1,"model":"alias","object":"chat.completion","usage":{"completion_tokens":3,"prompt_tokens":3)"
      R"(2,"total_tokens":35,"prompt_tokens_details":{"cached_tokens":31}},"id":"chatcmpl-engine","timings":{)"
      R"("cache_n":31}})");
  ASSERT_TRUE(tokens.ok());
  EXPECT_EQ(*tokens, 3U);
  EXPECT_EQ(filter.finish_reason(), "stop");
  const auto object = json::parse(filter.tail() + "}");
  ASSERT_TRUE(object.ok());
  EXPECT_EQ((*object)["id"], "chatcmpl-ours");
  EXPECT_EQ((*object)["usage"]["total_tokens"], 35);
  EXPECT_FALSE(object->contains("timings"));

  AnswerFilter embeddings({"", 0, "e5", true, false});
  ASSERT_TRUE(
      embeddings
          .whole(

              R"({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -0.25]}], "model")"
              R"(: "m", "usage": {"prompt_tokens": 12, "total_tokens": 12}})")
          .ok());
  EXPECT_EQ(embeddings.usage().prompt_tokens, 12U);
  EXPECT_EQ(embeddings.tail() + "}",
            R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-0.25]}],"model":"e5","usa)"
            R"(ge":{"prompt_tokens":12,"total_tokens":12}})");
  EXPECT_FALSE(AnswerFilter(edit_for(false)).whole("{}").ok());
}

TEST(BodyEdits, KeepOnlyThePublicFieldsAndBoundTheAnswer) {
  const std::string body =
      R"({"model":"smol","messages":[{"role":"user","content":"hi"}],"temperature":0.5,"n_predict":100000,"ca)"
      R"(che_salt":"x","id_slot":0,"lora":[],"grid":{"zone":"fr"},"provider":{},"metadata":{"a":"b"},"stream")"
      R"(:true,"seed":null})";
  auto edited = edit_chat_body(body, {"alias", true, 64, true});
  ASSERT_TRUE(edited.ok());
  auto v = *json::parse(*edited);
  for (const char* gone : {"n_predict", "cache_salt", "id_slot", "lora", "grid", "provider", "metadata", "seed"}) {
    EXPECT_FALSE(v.contains(gone)) << gone;
  }
  EXPECT_EQ(v["model"], "alias");
  EXPECT_EQ(v["max_tokens"], 64);
  EXPECT_EQ(v["stream_options"]["include_usage"], true);
  EXPECT_EQ(v["timings_per_token"], true);
  EXPECT_EQ(v["messages"][0]["content"], "hi");
  edited =
      edit_chat_body(R"({"messages":[],"max_completion_tokens":10,"max_tokens":500})", {"alias", false, 64, false});
  ASSERT_TRUE(edited.ok());
  v = *json::parse(*edited);
  EXPECT_EQ(v["max_tokens"], 10);
  EXPECT_EQ(v["stream"], false);
  EXPECT_FALSE(v.contains("stream_options"));
  EXPECT_FALSE(edit_chat_body("[]", {}).ok());
  EXPECT_FALSE(edit_chat_body("{", {}).ok());
  EXPECT_EQ(*edit_embeddings_body(R"({"model":"x","input":["a"],"user":"u","grid":{},"encoding_format":"base64"})",
                                  {"e", false, 0, false}),
            R"({"input":["a"],"encoding_format":"base64","model":"e"})");
}

TEST(EngineErrors, AreRead) {
  const auto e = read_engine_error(
      400, R"({"error":{"code":400,"message":"request (4031 tokens) exceeds the available context size (1024 token)"
           R"(s), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":4031,"n_ctx":1024}})");
  EXPECT_EQ(e.code, "context_length_exceeded");
  EXPECT_NE(e.message.find("4031"), std::string::npos);
  EXPECT_EQ(read_engine_error(502, "<html>").message, "the engine answered 502");
}

}  // namespace
}  // namespace aigrid::openai
