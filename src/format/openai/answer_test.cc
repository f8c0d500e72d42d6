#include "format/openai/answer.h"

#include <gtest/gtest.h>

#include "format/json/json.h"
#include "format/openai/error_body.h"

namespace aigrid::openai {
namespace {

TEST(Answer, ModelsAndGrid) {
  const auto list = json::parse(models_list({{"smol", 7, "aigrid"}, {"a\"b", 8, "x", grid::Task::Embedding}}));
  ASSERT_TRUE(list.ok());
  EXPECT_EQ((*list)["data"][1]["id"], "a\"b");
  EXPECT_EQ((*list)["object"], "list");
  EXPECT_EQ((*list)["data"][0]["grid"]["task"], "chat");
  EXPECT_EQ((*list)["data"][1]["grid"]["task"], "embedding");
  EXPECT_EQ(models_list({}), R"({"object":"list","data":[]})");
  GridNote said;
  said.request_id = "req";
  said.site = "paris";
  said.zone = "fr";
  said.tier = "realtime";
  said.why = "near";
  said.ttft_ms = 12.5;
  said.explanation = R"({"a":1})";
  const auto note = grid_object(said);
  EXPECT_EQ(
      note,
      R"({"request_id":"req","site":"paris","zone":"fr","tier":"realtime","why":"near",)"
      R"("ttft_ms":12.5,"explanation":{"a":1}})");
  EXPECT_EQ(finish_object("{\"id\":1", "{}"), "{\"id\":1,\"grid\":{}}");
  EXPECT_EQ(finish_object("{", "{}"), "{\"grid\":{}}");
  EXPECT_EQ(finish_object("{", "{}", service_tier_of(grid::Tier::Economy)), "{\"service_tier\":\"flex\",\"grid\":{}}");
  EXPECT_EQ(finish_stream("data: {\"id\":1", "{}"), "data: {\"id\":1,\"grid\":{}}\n\ndata: [DONE]\n\n");
}

TEST(Answer, TheIngressClosesAStreamInTheEnginesPlace) {
  Closing closing{"chatcmpl-1", 7, "a\"b", "length", {}};
  const auto plain = closing_events(closing);
  EXPECT_EQ(plain.events, "");
  EXPECT_EQ(finish_stream(plain.tail, "{}"),
            "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"a\\\"b\","
            "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}],\"grid\":{}}\n\ndata: [DONE]\n\n");
  closing.usage = grid::Usage{3, 4, 0};
  const auto counted = closing_events(closing);
  EXPECT_TRUE(counted.events.ends_with("\"finish_reason\":\"length\"}]}\n\n"));
  const auto last = json::parse(std::string_view(finish_object(counted.tail, "{}")).substr(6));
  ASSERT_TRUE(last.ok());
  EXPECT_EQ((*last)["usage"]["total_tokens"], 7);
}

TEST(Errors, BodyAndEvent) {
  const ApiError e{404, "model_not_found", "no model \"x\"", "model"};
  EXPECT_EQ(error_body(e),
            R"({"error":{"message":"no model \"x\"","type":"invalid_request_error","param":"model","code":"model_no)"
            R"(t_found"}})");
  EXPECT_EQ(error_event({503, "", "gone", ""}, R"("request_id":"r")"),
            "data: "
            "{\"error\":{\"message\":\"gone\",\"type\":\"server_error\",\"param\":null,\"code\":null,\"request_id\":"
            "\"r\"}}\n\n");
  const struct {
    int status;
    const char* code;
    const char* type;
    bool retry;
  } cases[] = {{400, "", "invalid_request_error", false}, {401, "", "authentication_error", false},
               {403, "", "permission_error", false},      {404, "", "invalid_request_error", false},
               {413, "", "invalid_request_error", false}, {422, "", "invalid_request_error", false},
               {429, "", "rate_limit_error", true},       {429, "insufficient_quota", "insufficient_quota", true},
               {500, "", "server_error", true},           {503, "no_capacity", "server_error", true}};
  for (const auto& c : cases) {
    EXPECT_EQ(type_of({c.status, c.code, "", ""}), c.type) << c.status;
    EXPECT_EQ(retriable(c.status), c.retry) << c.status;
  }
  EXPECT_EQ(from_error(unavailable("x")).status, 503);
}

}  // namespace
}  // namespace aigrid::openai
