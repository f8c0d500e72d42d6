#include "engine/llama_cpp_tokens.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/llama_cpp.h"
#include "engine/openai.h"
#include "engine/recorded_test.h"

namespace aigrid::engine {
namespace {

using nlohmann::json;

const LlamaCppTokens kTokens;

TEST(LlamaCppTokensTest, AsksAsTheServerExpects) {
  const char* body =
      R"({"messages":[{"role":"user","content":"hi"}],"model":"m","temperature":0,"seed":7,"stop":["x"],"max)"
      R"(_tokens":9,"logprobs":true,"top_logprobs":2,"stream":true,"stream_options":{}})";
  const auto prompt = kTokens.ask_prompt(body);
  ASSERT_TRUE(prompt.ok());
  EXPECT_EQ(prompt->target, "/apply-template");
  EXPECT_EQ(prompt->body, R"({"messages":[{"content":"hi","role":"user"}]})");
  const auto ids = kTokens.ask_ids("a", true);
  EXPECT_EQ(ids.target, "/tokenize");
  EXPECT_EQ(json::parse(ids.body)["parse_special"], true);
  EXPECT_EQ(json::parse(kTokens.ask_ids("a", false).body)["add_special"], false);
  const auto go = kTokens.continue_from(body, {1, 2, 3});
  ASSERT_TRUE(go.ok());
  EXPECT_EQ(go->target, "/completion");
  const json sent = json::parse(go->body);
  EXPECT_EQ(sent["prompt"], json({1, 2, 3}));
  EXPECT_EQ(sent["n_predict"], 9);
  EXPECT_EQ(sent["n_probs"], 2);
  EXPECT_EQ(sent["seed"], 7);
  EXPECT_EQ(sent["temperature"], 0);
  EXPECT_EQ(sent["return_tokens"], true);
  EXPECT_FALSE(sent.contains("messages"));
  EXPECT_FALSE(kTokens.continue_from("[]", {}).ok());
  EXPECT_FALSE(kTokens.ask_prompt("{}").ok());
}

TEST(LlamaCppTokensTest, ReadsWhatItAnswers) {
  EXPECT_EQ(*kTokens.prompt(R"({"prompt":"<|im_start|>"})"), "<|im_start|>");
  EXPECT_EQ(*kTokens.ids(R"({"tokens":[1,4093]})"), (TokenIds{1, 4093}));
  EXPECT_EQ(*kTokens.text(R"({"content":"Hello"})"), "Hello");
  for (const char* bad : {"", "[]", "{}", R"({"prompt":5,"tokens":[-1],"content":null})", R"({"tokens":["a"]})",
                          R"({"tokens":[99999999999]})"}) {
    EXPECT_FALSE(kTokens.prompt(bad).ok()) << bad;
    EXPECT_FALSE(kTokens.ids(bad).ok()) << bad;
    EXPECT_FALSE(kTokens.text(bad).ok()) << bad;
  }
}

TEST(LlamaCppTokensTest, ItsEventsBecomeThoseOfAChat) {
  std::vector<json> chat;
  std::istringstream lines(recorded("llama_cpp/completion.sse"));
  std::string line;
  bool done = false;
  while (std::getline(lines, line)) {
    if (!line.starts_with("data: ")) continue;
    const auto payloads = kTokens.as_chat(line.substr(6), false);
    ASSERT_TRUE(payloads.ok()) << line;
    for (const auto& payload : *payloads) {
      done = payload == "[DONE]";
      if (!done) chat.push_back(json::parse(payload));
    }
  }
  EXPECT_TRUE(done);
  std::string text;
  TokenIds ids;
  for (const auto& event : chat) {
    for (const auto& choice : event["choices"]) {
      text += choice["delta"].value("content", "");
      if (!choice.contains("logprobs")) continue;
      for (const auto& token : choice["logprobs"]["content"]) ids.push_back(token["id"].get<std::uint32_t>());
    }
  }
  EXPECT_EQ(text, ", I'm");
  EXPECT_EQ(ids, (TokenIds{28, 339, 5248}));
  ASSERT_GE(chat.size(), 2U);
  EXPECT_EQ(chat[chat.size() - 2]["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(chat.back()["usage"]["completion_tokens"], 3);
  EXPECT_EQ(chat.back()["usage"]["prompt_tokens"], 4);
  EXPECT_FALSE(kTokens.as_chat("{", false).ok());
  EXPECT_FALSE(kTokens.as_chat("{}", false).ok());
  EXPECT_EQ(kTokens.as_chat(R"({"error":{"message":"x"}})", false)->size(), 1U);
}

TEST(ResumeTest, IsWhatTheEngineCanDo) {
  grid::Deployment d;
  d.name = "d";
  EXPECT_EQ(LlamaCpp().resume(d), Resume::Tokens);
  EXPECT_NE(LlamaCpp().tokens(), nullptr);
  EXPECT_EQ(OpenAi().resume(d), Resume::None);
  d.arguments["resume"] = "text";
  EXPECT_EQ(OpenAi().resume(d), Resume::Text);
  EXPECT_TRUE(OpenAi().check_adopted(d).ok());
  d.arguments["resume"] = "tokens";
  EXPECT_NE(OpenAi().check_adopted(d).error().message.find("\"tokens\""), std::string::npos);
  EXPECT_TRUE(OpenAi().refuses_stream_options(400, R"({"error":"unknown field stream_options"})"));
  EXPECT_FALSE(OpenAi().refuses_stream_options(500, "stream_options"));
}

}  // namespace
}  // namespace aigrid::engine
