#include "app/cli/ask_chat.h"

#include <gtest/gtest.h>

#include "format/json/json.h"
#include "io/http/server.h"
#include "io/http/test_grid.h"

namespace aigrid::cli {
namespace {

TEST(ChatEvents, give_text_and_place) {
  ChatOutcome outcome;
  EXPECT_EQ(*take_event(R"({"choices":[{"index":0,"delta":{"role":"assistant","content":"Pa"},"finish_reason":null}]})",
                        outcome),
            "Pa");
  EXPECT_EQ(*take_event(R"({"choices":[{"index":0,"delta":{"content":"ris"}}]})", outcome), "ris");
  EXPECT_EQ(*take_event(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],)"
                        R"("grid":{"request_id":"r","site":"lyon","node":"lyon-1","why":"nearest"}})",
                        outcome),
            "");
  EXPECT_EQ(outcome.text, "Paris");
  EXPECT_EQ(outcome.site, "lyon");
  EXPECT_EQ(outcome.node, "lyon-1");
  EXPECT_EQ(outcome.why, "nearest");
  EXPECT_EQ(outcome.finish, "stop");
  EXPECT_EQ(take_event(R"({"error":{"message":"node lost"}})", outcome).error().message, "node lost");
  EXPECT_FALSE(take_event("{", outcome).ok());
}

TEST(ChatBody, says_what_was_asked) {
  const auto body = json::parse(chat_body({.model = "m", .message = "a \"b\"", .zone = "fr", .max_tokens = 7}));
  ASSERT_TRUE(body.ok());
  EXPECT_EQ((*body)["messages"][0]["content"], "a \"b\"");
  EXPECT_EQ((*body)["grid"]["zone"], "fr");
  EXPECT_EQ((*body)["max_tokens"], 7);
  EXPECT_EQ((*body)["stream"], true);
}

TEST(ChatModel, is_the_first_that_chats) {
  const auto models = [](std::string_view data) { return chat_model_of(R"({"data":[)" + std::string(data) + "]}"); };
  EXPECT_EQ(*models(R"({"id":"e5","grid":{"task":"embedding"}},{"id":"smol","grid":{"task":"chat"}})"), "smol");
  EXPECT_EQ(*models(R"({"id":"of another server"})"), "of another server");
  const auto none = models(R"({"id":"e5","grid":{"task":"embedding"}})");
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.error().message.find("(e5)"), std::string::npos) << none.error().message;
  EXPECT_NE(models("").error().message.find("no model"), std::string::npos);
  EXPECT_FALSE(chat_model_of("{").ok());
}

io::Task<void> serve(io::Exchange& exchange) {
  auto body = co_await exchange.read_body(1000);
  EXPECT_TRUE(body.ok());
  if (exchange.head().headers.get("authorization") != "Bearer good") {
    auto sent = co_await exchange.respond(401, {}, R"({"error":{"message":"no such key"}})");
    EXPECT_TRUE(sent.ok());
    co_return;
  }
  auto started = co_await exchange.start(200, {{"content-type", "text/event-stream"}});
  EXPECT_TRUE(started.ok());
  auto first = co_await exchange.write("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n");
  EXPECT_TRUE(first.ok());
  if (body->find("\"cut\"") != std::string::npos) co_return;
  auto last = co_await exchange.write("data: {\"choices\":[],\"grid\":{\"site\":\"s\"}}\n\ndata: [DONE]\n\n");
  EXPECT_TRUE(last.ok());
  auto end = co_await exchange.finish();
  EXPECT_TRUE(end.ok());
}

io::Task<void> asks(io::Env& env) {
  io::test::Served served(env);
  io::ServerLimits limits;
  served.acceptor.spawn(io::serve_listener(env, *served.listener, served.connections, limits, serve));
  ChatAsk ask{.gateway = "http://" + served.at(), .key = "good", .model = "m", .message = "hello", .within = 5s};
  std::string seen;
  TokenSink take = [&](std::string_view text) { seen += text; };
  auto good = co_await ask_chat(env, ask, std::move(take));
  EXPECT_TRUE(good.ok());
  EXPECT_EQ(seen, "Hi");
  EXPECT_EQ(good->site, "s");
  ask.message = "cut";
  auto cut = co_await ask_chat(env, ask, {});
  EXPECT_FALSE(cut.ok());
  ask.key = "bad";
  auto bad = co_await ask_chat(env, ask, {});
  EXPECT_EQ(bad.error().message, "401: no such key");
}

TEST(AskChat, streams_and_names_errors) { io::test::run(asks); }

}  // namespace
}  // namespace aigrid::cli
