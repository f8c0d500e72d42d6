#include "world/virtual_engine.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "io/http/client.h"

namespace aigrid::world {
namespace {

using nlohmann::json;

struct Answer {
  int status = 0;
  std::string body;
  bool cut = false;
  bool done = false;
};

io::Task<void> ask(io::Env& env, std::string to, std::string target, std::string body, std::string key, Answer* out) {
  http::RequestHead head{body.empty() ? "GET" : "POST", target, {{"authorization", "Bearer " + key}}};
  auto response = co_await io::http1_request(env, to, head, body);
  if (response.ok()) {
    out->status = response->head.status;
    auto all = co_await response->read_all(1U << 20U);
    out->cut = !all.ok();
    if (all.ok()) out->body = *all;
  }
  out->done = true;
}

io::Task<void> run_engine(io::Env& env, io::ProcessSpec spec, io::ExitStatus* status) {
  auto process = env.start(spec);
  EXPECT_TRUE(process.ok());
  if (process.ok()) *status = co_await (*process)->wait();
}

class VirtualEngineTest : public testing::Test {
 protected:
  VirtualEngineTest() : world(7) {
    world.add_host("paris/n1");
    world.register_program("python3", engines.program());
    io::ProcessSpec spec;
    spec.argv = {"python3", "x.py", "--alias", "m",   "--host",     "127.0.0.1",
                 "--port",  "4711", "--ctx",   "128", "--parallel", "1"};
    spec.env = {{"AIGRID_ENGINE_SECRET", "s"}};
    world.spawn("paris/n1", [this, spec](io::Env& env) { return run_engine(env, spec, &status); });
  }
  Answer call(const std::string& target, const std::string& body = {}, const std::string& key = "s") {
    Answer out;
    world.spawn("paris/n1", [&](io::Env& env) { return ask(env, "127.0.0.1:4711", target, body, key, &out); });
    EXPECT_TRUE(world.run_until([&] { return out.done; }, 60s));
    return out;
  }
  static std::string chat(const std::string& text, int most, bool stream) {
    json body{{"messages", json::array({{{"role", "user"}, {"content", text}}})}, {"max_tokens", most}};
    if (stream) body.update({{"stream", true}, {"stream_options", {{"include_usage", true}}}});
    return body.dump();
  }

  VirtualEngines engines;
  io::VirtualWorld world;
  io::ExitStatus status{-1, 0};
};

TEST_F(VirtualEngineTest, LoadsThenAnswersAndCounts) {
  EXPECT_EQ(call("/health").status, 503);
  world.run_for(1s);
  EXPECT_EQ(call("/health", "", "wrong").status, 200);
  EXPECT_EQ(call("/metrics", "", "wrong").status, 401);
  const Answer whole = call("/v1/chat/completions", chat("what is a grid", 5, false));
  ASSERT_EQ(whole.status, 200);
  const json answer = json::parse(whole.body);
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "the grid runs near you");
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(answer["usage"]["prompt_tokens"], 8);
  const Answer stream = call("/v1/chat/completions", chat("hello", 3, true));
  EXPECT_THAT(stream.body, testing::HasSubstr("\"completion_tokens\":3"));
  EXPECT_TRUE(stream.body.ends_with("data: [DONE]\n\n"));
  const Answer vector = call("/v1/embeddings", R"({"input":["a b","c"]})");
  EXPECT_EQ(json::parse(vector.body)["usage"]["prompt_tokens"], 3);
  const EngineCounts counts = engines.counts("127.0.0.1:4711");
  EXPECT_EQ(counts.prompt_tokens, 8U + 5U + 3U);
  EXPECT_EQ(counts.completion_tokens, 8U);
  EXPECT_THAT(call("/metrics").body, testing::HasSubstr("llamacpp:tokens_predicted_total 8"));
}

TEST_F(VirtualEngineTest, RefusesWhatDoesNotFitItsContext) {
  world.run_for(1s);
  std::string text;
  for (int i = 0; i < 200; ++i) text += "word ";
  const Answer out = call("/v1/chat/completions", chat(text, 3, true));
  EXPECT_EQ(out.status, 400);
  EXPECT_THAT(out.body, testing::HasSubstr("exceed_context_size_error"));
}

TEST_F(VirtualEngineTest, DiesAfterSoManyTokensMidStream) {
  world.run_for(1s);
  engines.running("127.0.0.1:4711")->script().die_after_tokens = 2;
  const Answer out = call("/v1/chat/completions", chat("hello", 9, true));
  EXPECT_TRUE(out.cut);
  EXPECT_TRUE(world.run_until([&] { return status.code == 139; }, 1s));
  EXPECT_EQ(engines.running("127.0.0.1:4711"), nullptr);
  EXPECT_EQ(engines.total().completion_tokens, 2U);
}

TEST_F(VirtualEngineTest, OneSlotServesOneAfterTheOther) {
  world.run_for(1s);
  Answer a;
  Answer b;
  for (Answer* out : {&a, &b}) {
    world.spawn("paris/n1", [out](io::Env& env) {
      return ask(env, "127.0.0.1:4711", "/v1/chat/completions", chat("hello", 10, false), "s", out);
    });
  }
  const Time start = world.now();
  EXPECT_TRUE(world.run_until([&] { return a.done && b.done; }, 60s));
  EXPECT_GE(world.now() - start, 200ms);
  EXPECT_EQ(engines.total().most_running, 1U);
  EXPECT_EQ(engines.total().requests, 2U);
}

}  // namespace
}  // namespace aigrid::world
