#include "format/openai/scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

namespace aigrid::openai {
namespace {

constexpr const char* kHi = R"("messages":[{"role":"user","content":"hello"}])";

std::string chat(const std::string& more) {
  return std::string(R"({"model":"smol",)") + kHi + (more.empty() ? "" : "," + more) + "}";
}

TEST(Scan, ReadsWhatRoutingNeeds) {
  const auto r = scan_chat(
      R"({"model":"smol","stream":true,"stream_options":{"include_usage":true},"max_tokens":50,"max_completio)"
      R"(n_tokens":40,)"
      R"("messages":[{"role":"system","content":"be brief"},{"role":"user","content":[{"type":"text","text":")"
      R"(héllo"}]},)"
      R"({"role":"assistant","content":null,"tool_calls":[]}],"tools":[{"type":"function"}],"store":true,"lat)"
      R"(er":{"a":[1]},)"
      R"("grid":{"zone":"fr","max_ttft_ms":30,"mode":"require","sort":"price","fallback":false,"max_price":{")"
      R"(completion":1.5}}})");
  ASSERT_TRUE(r.has_value()) << r.error().message;
  EXPECT_EQ(r->model, "smol");
  EXPECT_TRUE(r->stream && r->include_usage && r->tools);
  EXPECT_EQ(r->max_output_tokens, 40U);
  EXPECT_EQ(r->messages, 3U);
  EXPECT_EQ(r->prompt_bytes, 14U);
  ASSERT_EQ(r->intents.size(), 1U);
  EXPECT_EQ(r->intents[0].zones, std::vector<std::string>{"fr"});
  EXPECT_EQ(r->intents[0].max_ttft_ms, 30);
  EXPECT_TRUE(r->intents[0].require_ttft);
  EXPECT_FALSE(r->intents[0].allow_fallbacks);
  EXPECT_EQ(r->intents[0].sort, grid::Sort::Price);
  EXPECT_EQ(r->intents[0].max_price_nano, 1500);
  EXPECT_EQ(r->estimated_prompt_tokens(), 14U / 4 + 12 + 1);
}

TEST(Scan, ServiceTiersAreOurTiers) {
  const struct {
    const char* said;
    std::optional<grid::Tier> tier;
  } cases[] = {{R"("service_tier":"auto")", std::nullopt},
               {R"("service_tier":"default")", grid::Tier::Standard},
               {R"("service_tier":"priority")", grid::Tier::Realtime},
               {R"("service_tier":"flex")", grid::Tier::Economy},
               {R"("service_tier":"batch")", grid::Tier::Batch},
               {R"("service_tier":"flex","grid":{"tier":"realtime"})", grid::Tier::Realtime},
               {R"("grid":{"tier":"economy"},"service_tier":"priority")", grid::Tier::Economy},
               {R"("service_tier":null)", std::nullopt}};
  for (const auto& c : cases) {
    const auto scan =
        scan_chat(std::string(R"({"model":"m","messages":[{"role":"user","content":"x"}],)") + c.said + "}");
    ASSERT_TRUE(scan) << c.said;
    std::optional<grid::Tier> last;
    for (const auto& i : scan->intents) last = i.tier ? i.tier : last;
    EXPECT_EQ(last, c.tier) << c.said;
    EXPECT_EQ(scan->service_tier, std::string_view(c.said).find("null") == std::string_view::npos);
  }
  for (const char* bad : {R"("service_tier":"soon")", R"("service_tier":3)", R"("grid":{"tier":"flex"})"}) {
    const auto scan = scan_chat(std::string(R"({"model":"m","messages":[{"role":"user","content":"x"}],)") + bad + "}");
    ASSERT_FALSE(scan) << bad;
    EXPECT_NE(scan.error().param.find("tier"), std::string::npos) << bad;
  }
}

TEST(Scan, ProviderIsAnAlias) {
  const auto r = scan_chat(
      chat(R"("provider":{"only":["paris"],"ignore":["lyon"],"allow_fallbacks":true,"sort":"latency","zdr":true,"p)"
           R"(referred_max_latency":0.5})"));
  ASSERT_TRUE(r.has_value()) << r.error().message;
  ASSERT_EQ(r->intents.size(), 1U);
  EXPECT_EQ(r->intents[0].only_sites, std::vector<std::string>{"paris"});
  EXPECT_EQ(r->intents[0].max_ttft_ms, 500);
}

TEST(Scan, GridAndProviderAreTwoIntentsAsTheyStand) {
  const auto r =
      scan_chat(chat(R"("provider":{"only":["paris","zurich"]},"grid":{"only":["lyon","paris"],"zone":"fr"})"));
  ASSERT_TRUE(r.has_value()) << r.error().message;
  ASSERT_EQ(r->intents.size(), 2U);
  EXPECT_EQ(r->intents[0].only_sites, (std::vector<std::string>{"paris", "zurich"}));
  EXPECT_EQ(r->intents[1].only_sites, (std::vector<std::string>{"lyon", "paris"}));
  EXPECT_EQ(r->intents[1].zones, std::vector<std::string>{"fr"});
}

TEST(Scan, RefusalsNameTheParameter) {
  const struct {
    std::string body;
    const char* code;
    const char* param;
  } cases[] = {
      {"", "invalid_json", ""},
      {"{", "invalid_json", ""},
      {"[1]", "invalid_json", ""},
      {R"({"model":"a","model":"b",)" + std::string(kHi) + "}", "invalid_value", "model"},
      {std::string("{") + kHi + "}", "missing_required_parameter", "model"},
      {R"({"model":"a"})", "missing_required_parameter", "messages"},
      {R"({"model":"","messages":[]})", "invalid_value", "model"},
      {R"({"model":7})", "invalid_type", "model"},
      {R"({"model":"a","messages":[]})", "invalid_value", "messages"},
      {R"({"model":"a","messages":"hi"})", "invalid_type", "messages"},
      {R"({"model":"a","messages":[1]})", "invalid_type", "messages[0]"},
      {R"({"model":"a","messages":[{"role":"king","content":""}]})", "invalid_value", "messages[0].role"},
      {R"({"model":"a","messages":[{"content":"x"}]})", "missing_required_parameter", "messages[0].role"},
      {R"({"model":"a","messages":[{"role":"user"}]})", "missing_required_parameter", "messages[0].content"},
      {R"({"model":"a","messages":[{"role":"user","content":[{"type":"image_url"}]}]})", "unsupported_parameter",
       "messages[0].content"},
      {chat(R"("max_tokens":-1)"), "invalid_value", "max_tokens"},
      {chat(R"("max_tokens":0)"), "invalid_value", "max_tokens"},
      {chat(R"("max_tokens":1.5)"), "invalid_value", "max_tokens"},
      {chat(R"("max_tokens":"1e9")"), "invalid_type", "max_tokens"},
      {chat(R"("max_tokens":9223372036854775808)"), "invalid_value", "max_tokens"},
      {chat(R"("max_tokens":NaN)"), "invalid_json", ""},
      {chat(R"("max_tokens":1e400)"), "invalid_json", ""},
      {chat(R"("n":0)"), "invalid_value", "n"},
      {chat(R"("n":1000000)"), "invalid_value", "n"},
      {chat(R"("n":2)"), "unsupported_parameter", "n"},
      {chat(R"("temperature":2.1)"), "invalid_value", "temperature"},
      {chat(R"("top_p":-0.1)"), "invalid_value", "top_p"},
      {chat(R"("top_logprobs":21)"), "invalid_value", "top_logprobs"},
      {chat(R"("stream":"yes")"), "invalid_type", "stream"},
      {chat(R"("stream_options":{"include_usage":true})"), "invalid_value", "stream_options"},
      {chat(R"("functions":[])"), "unsupported_parameter", "functions"},
      {chat(R"("modalities":["text","audio"])"), "unsupported_parameter", "modalities"},
      {chat(R"("response_format":{"type":"xml"})"), "invalid_value", "response_format.type"},
      {chat(R"("logit_bias":{"5":101})"), "invalid_value", "logit_bias.5"},
      {chat(R"("grid":{"zone":""})"), "invalid_value", "grid.zone"},
      {chat(R"("grid":{"zone":[]})"), "invalid_value", "grid.zone"},
      {chat(R"("grid":{"zoone":"fr"})"), "unsupported_parameter", "grid.zoone"},
      {chat(R"("grid":{"slo":{"ttft_ms":"30ms"}})"), "invalid_type", "grid.slo.ttft_ms"},
      {chat(R"("provider":{"order":["a"]})"), "unsupported_parameter", "provider.order"},
      {chat(R"("grid":{"zone":"fr","zones":["eu"]})"), "invalid_value", "grid.zones"},
      {chat(R"("provider":{"only":["a"],"only":["b"]})"), "invalid_value", "provider.only"},
      {chat(R"("user":"\ud800")"), "invalid_json", ""},
  };
  for (const auto& c : cases) {
    const auto r = scan_chat(c.body);
    ASSERT_FALSE(r.has_value()) << c.body;
    EXPECT_EQ(r.error().status, 400);
    EXPECT_EQ(r.error().code, c.code) << c.body << " → " << r.error().message;
    EXPECT_EQ(r.error().param, c.param) << c.body << " → " << r.error().message;
  }
}

TEST(Scan, SaysWhereTheJsonBreaks) {
  const auto r = scan_chat("{\"model\":\"a\",\n \"messages\": [}");
  ASSERT_FALSE(r.has_value());
  EXPECT_NE(r.error().message.find("line 2"), std::string::npos) << r.error().message;
}

TEST(Scan, DeepBodiesAreRefused) {
  const auto r = scan_chat(chat("\"x\":" + std::string(100000, '[') + std::string(100000, ']')));
  ASSERT_FALSE(r.has_value());
  EXPECT_NE(r.error().message.find("deeper than 64"), std::string::npos) << r.error().message;
}

TEST(Scan, Embeddings) {
  const auto r =
      scan_embeddings(R"({"model":"e5","input":["a","bc"],"encoding_format":"base64","grid":{"zone":"eu"}})");
  ASSERT_TRUE(r.has_value()) << r.error().message;
  EXPECT_EQ(r->messages, 2U);
  EXPECT_EQ(r->prompt_bytes, 3U);
  EXPECT_TRUE(r->base64);
  EXPECT_TRUE(scan_embeddings(R"({"model":"e5","input":"text"})").has_value());
  for (const char* body :
       {R"({"model":"e5"})", R"({"input":"x"})", R"({"model":"e5","input":[]})", R"({"model":"e5","input":""})",
        R"({"model":"e5","input":[""]})", R"({"model":"e5","input":[1,2]})",
        R"({"model":"e5","input":"x","encoding_format":"hex"})", R"({"model":"e5","input":"x","dimensions":8})",
        R"({"model":"e5","input":"x","input":"y"})"}) {
    EXPECT_FALSE(scan_embeddings(body).has_value()) << body;
  }
}

TEST(Scan, AnyCutOfABodyIsRefusedWithoutReadingPastIt) {
  const std::string body = chat(R"("grid":{"zone":["fr","eu"]},"temperature":1)");
  for (std::size_t n = 0; n < body.size(); ++n) {
    const std::unique_ptr<char[]> exact(new char[n]);
    std::copy_n(body.data(), n, exact.get());
    EXPECT_FALSE(scan_chat({exact.get(), n}).has_value()) << n;
  }
}

}  // namespace
}  // namespace aigrid::openai
