#include "engine/driver.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "engine/registry.h"

namespace aigrid::engine {
namespace {

using testing::HasSubstr;

const Driver& any() { return driver_of(grid::Driver::OpenAi); }

grid::Model chat() {
  grid::Model m;
  m.name = "m";
  return m;
}

TEST(Driver, ReadinessIsARealRequestOfTheModelsTask) {
  const Request ask = any().readiness(chat());
  EXPECT_EQ(ask.method, "POST");
  EXPECT_EQ(ask.target, "/v1/chat/completions");
  const auto body = nlohmann::json::parse(ask.body);
  EXPECT_EQ(body["model"], "m");
  EXPECT_EQ(body["max_tokens"], 1);
  auto model = chat();
  model.task = grid::Task::Embedding;
  EXPECT_EQ(any().readiness(model).target, "/v1/embeddings");
}

TEST(Driver, ReadinessNeedsAnAnswerNotJustAStatus) {
  auto ready = any().readiness_verdict(chat(), 200, R"({"choices":[{}],"usage":{"prompt_tokens":9,"completion_tokens":1,
                   "prompt_tokens_details":{"cached_tokens":4}}})");
  ASSERT_TRUE(ready.ok());
  EXPECT_EQ(ready->prompt_tokens, 9);
  EXPECT_EQ(ready->completion_tokens, 1);
  EXPECT_EQ(ready->cached_tokens, 4);
  EXPECT_FALSE(any().readiness_verdict(chat(), 200, R"({"choices":[]})").ok());
  EXPECT_FALSE(any().readiness_verdict(chat(), 200, "<html>").ok());
  auto loading = any().readiness_verdict(chat(), 503, R"({"error":{"message":"Loading model"}})");
  ASSERT_FALSE(loading.ok());
  EXPECT_THAT(loading.error().message, HasSubstr("503 (Loading model)"));
}

struct Case {
  int status;
  const char* body;
  bool elsewhere;
  int out;
  const char* code;
};

TEST(Driver, OnlyTheRequestsOwnFaultsAreFinal) {
  const Case cases[] = {
      {400, R"({"error":{"message":"bad","code":"bad_thing","param":"n"}})", false, 400, "bad_thing"},
      {400, R"({"error":{"message":"bad","code":400}})", false, 400, "invalid_request"},
      {400, "", false, 400, "invalid_request"},
      {413, "{}", false, 413, "invalid_request"},
      {422, R"({"detail":[]})", false, 422, "invalid_request"},
      {401, R"({"error":{"message":"Invalid API Key"}})", true, 503, "engine_error"},
      {404, "nope", true, 503, "engine_error"},
      {429, "{}", true, 503, "engine_busy"},
      {500, R"({"error":"boom"})", true, 503, "engine_error"},
      {503, "[]", true, 503, "engine_busy"},
      {302, "", true, 503, "engine_error"},
  };
  for (const Case& c : cases) {
    const Refusal out = any().refusal(c.status, c.body);
    EXPECT_EQ(out.elsewhere, c.elsewhere) << c.status << c.body;
    EXPECT_EQ(out.status, c.out) << c.status << c.body;
    EXPECT_EQ(out.code, c.code) << c.status << c.body;
    EXPECT_FALSE(out.message.empty()) << c.status << c.body;
  }
  EXPECT_EQ(any().refusal(500, R"({"error":"boom"})").message, "boom");
}

TEST(Driver, ALongMessageIsCutBetweenCharacters) {
  std::string letters;
  for (int i = 0; i < 400; ++i) letters += "é";
  const Refusal out = any().refusal(400, R"({"error":{"message":")" + letters + "\"}}");
  EXPECT_EQ(out.message.size(), 500);
  EXPECT_EQ(out.message, letters.substr(0, 500));
}

TEST(ParseUrl, GivesAddressAndPrefix) {
  struct Good {
    const char* url;
    const char* address;
    const char* prefix;
  };
  for (const Good& g :
       {Good{"http://127.0.0.1:8000", "127.0.0.1:8000", ""}, Good{"http://localhost:8000/v1/", "127.0.0.1:8000", ""},
        Good{"http://10.0.0.7/base/v1", "10.0.0.7:80", "/base"}, Good{"http://[::1]:9/x", "[::1]:9", "/x"},
        Good{"http://[fe80::1]", "[fe80::1]:80", ""}, Good{"unix:/run/e.sock", "unix:/run/e.sock", ""}}) {
    auto place = parse_url(g.url);
    ASSERT_TRUE(place.ok()) << g.url;
    EXPECT_EQ(place->address, g.address);
    EXPECT_EQ(place->prefix, g.prefix);
  }
  for (const char* bad : {"", "127.0.0.1:8000", "https://1.2.3.4", "http://engine.example:80", "http://1.2.3.4:0",
                          "http://1.2.3.4:99999", "http://1.2.3.4:x", "http://:80", "http://user@1.2.3.4"}) {
    EXPECT_FALSE(parse_url(bad).ok()) << bad;
  }
}

TEST(PathOf, KnowsTheEndpoints) {
  EXPECT_EQ(*any().path_of("chat.completions"), "/v1/chat/completions");
  EXPECT_EQ(*any().path_of("embeddings"), "/v1/embeddings");
  EXPECT_FALSE(any().path_of("images").ok());
}

}  // namespace
}  // namespace aigrid::engine
