#include "engine/llama_cpp.h"

#include <gmock/gmock.h>

#include "engine/recorded_test.h"
#include "engine/registry.h"

namespace aigrid::engine {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

const Driver& driver() { return driver_of(grid::Driver::LlamaCpp); }

grid::Model smol() {
  grid::Model m;
  m.name = "smollm2";
  m.source = "SmolLM2-135M-Instruct.Q4_1.gguf";
  return m;
}

grid::Deployment two_slots() {
  grid::Deployment d;
  d.name = "chat";
  d.model = "smollm2";
  d.slots = 2;
  d.context_tokens = 512;
  return d;
}

TEST(LlamaCpp, StartsOurLauncherOnAPortWithTheSecretInTheEnvironment) {
  const LaunchContext context{"/venv/bin/python", "/opt/engines", "/models", "127.0.0.1:4711", "s3cret"};
  auto launch = driver().launch(two_slots(), smol(), context);
  ASSERT_TRUE(launch.ok()) << launch.error().message;
  EXPECT_THAT(launch->argv, ElementsAre("/venv/bin/python", "/opt/engines/llamacpp_server.py", "--model",
                                        "/models/SmolLM2-135M-Instruct.Q4_1.gguf", "--alias", "smollm2", "--ctx-size",
                                        "1024", "--parallel", "2", "--threads", "1", "--batch-size", "128", "--host",
                                        "127.0.0.1", "--port", "4711"));
  EXPECT_THAT(launch->env, ElementsAre(Pair("AIGRID_ENGINE_SECRET", "s3cret")));
  EXPECT_EQ(launch->model_file, "/models/SmolLM2-135M-Instruct.Q4_1.gguf");
}

TEST(LlamaCpp, StartsLlamaServerFromPathWhereThereAreNoLaunchers) {
  auto deployment = two_slots();
  deployment.arguments["threads"] = "8";
  deployment.arguments["chat-template-file"] = "/t.jinja";
  auto model = smol();
  model.source = "/big/model.gguf";
  auto launch = driver().launch(deployment, model, {"", "", "", "unix:/state/e.sock", "s3cret"});
  ASSERT_TRUE(launch.ok()) << launch.error().message;
  EXPECT_EQ(launch->argv.front(), "llama-server");
  EXPECT_THAT(launch->argv, Contains("/state/e.sock"));
  EXPECT_THAT(launch->argv, Contains("8"));
  EXPECT_THAT(launch->argv, Contains("/t.jinja"));
  EXPECT_THAT(launch->argv, Not(Contains("--port")));
  EXPECT_THAT(launch->argv, Not(Contains(HasSubstr("s3cret"))));
  EXPECT_THAT(launch->env, ElementsAre(Pair("LLAMA_API_KEY", "s3cret")));
}

TEST(LlamaCpp, RefusesUnknownArgumentsAndSourcesOutsideTheModelsFolder) {
  const LaunchContext context{"python3", "/opt/engines", "/models", "127.0.0.1:1", ""};
  auto deployment = two_slots();
  deployment.arguments["thread"] = "8";
  auto launch = driver().launch(deployment, smol(), context);
  ASSERT_FALSE(launch.ok());
  EXPECT_THAT(launch.error().message,
              HasSubstr("argument \"thread\" is unknown to its driver; known: threads, batch, chat-template-file"));
  for (const char* source : {"", "../secret", "a/../../b", "https://example.org/m.gguf"}) {
    auto model = smol();
    model.source = source;
    auto refused = driver().launch(two_slots(), model, context);
    ASSERT_FALSE(refused.ok()) << source;
    EXPECT_EQ(refused.error().code, Code::InvalidArgument);
  }
  EXPECT_FALSE(driver().launch(two_slots(), smol(), {"python3", "/opt/engines", "", "127.0.0.1:1", ""}).ok());
}

TEST(LlamaCpp, ReadsRecordedMetrics) {
  const Load after = driver().load_from_metrics(samples(recorded("llama_cpp/metrics_after.txt")));
  EXPECT_EQ(after.prompt_tokens, 59 + 48);  // the cached ones are counted apart by the engine
  EXPECT_EQ(after.cached_tokens, 48);
  EXPECT_EQ(after.completion_tokens, 228);
  EXPECT_EQ(after.running, 0);
  EXPECT_EQ(after.queued, 0);
  ASSERT_TRUE(after.prefill_tokens_per_s && after.decode_tokens_per_s);
  EXPECT_NEAR(*after.prefill_tokens_per_s, 59 / 0.3577, 0.01);  // although its own gauge says 0 here
  EXPECT_NEAR(*after.decode_tokens_per_s, 228 / 3.39497, 0.01);
  EXPECT_EQ(driver().load_from_metrics(samples(recorded("llama_cpp/metrics_busy.txt"))).running, 1);
}

TEST(LlamaCpp, AnIdleEngineHasNoRatesAndAForeignOneNoReadings) {
  const Load idle = driver().load_from_metrics(samples(recorded("llama_cpp/metrics_idle.txt")));
  EXPECT_EQ(idle.prompt_tokens, 0);
  EXPECT_FALSE(idle.prefill_tokens_per_s.has_value());
  EXPECT_FALSE(idle.decode_tokens_per_s.has_value());
  const Load foreign = driver().load_from_metrics(samples("vllm:num_requests_running 3\n"));
  EXPECT_FALSE(foreign.running.has_value());
  EXPECT_FALSE(foreign.prompt_tokens.has_value());
}

TEST(LlamaCpp, CountsRecordedSlots) {
  const Load busy = driver().load_from_slots(recorded("llama_cpp/slots_busy.json"));
  EXPECT_EQ(busy.slots, 2);
  EXPECT_EQ(busy.running, 1);
  EXPECT_EQ(driver().load_from_slots(recorded("llama_cpp/slots_after.json")).running, 0);
  for (const char* bad : {"", "{}", "[1]", "[{}]", "[{\"is_processing\":1}]"}) {
    EXPECT_FALSE(driver().load_from_slots(bad).slots.has_value()) << bad;
  }
}

TEST(LlamaCpp, MapsRecordedErrors) {
  const Refusal overflow = driver().refusal(400, recorded("llama_cpp/overflow.json"));
  EXPECT_FALSE(overflow.elsewhere);
  EXPECT_EQ(overflow.status, 400);
  EXPECT_EQ(overflow.code, "context_length_exceeded");
  EXPECT_EQ(overflow.message, "this model's context is 512 tokens, and the request has 1531; shorten the messages");
  const Refusal bad = driver().refusal(400, recorded("llama_cpp/badn.json"));
  EXPECT_FALSE(bad.elsewhere);
  EXPECT_EQ(bad.code, "invalid_request");
  EXPECT_EQ(bad.message, "Field 'n': Value must be between 1 <= value <= 2, but got 9");
  const Refusal loading = driver().refusal(503, recorded("llama_cpp/loading.json"));
  EXPECT_TRUE(loading.elsewhere);
  EXPECT_EQ(loading.message, "Loading model");
}

TEST(Merge, KeepsWhatTheLaterOneDoesNotSay) {
  Load a;
  a.running = 1;
  a.slots = 2;
  Load b;
  b.running = 0;
  const Load both = merge(a, b);
  EXPECT_EQ(both.running, 0);
  EXPECT_EQ(both.slots, 2);
  EXPECT_FALSE(both.queued.has_value());
}

}  // namespace
}  // namespace aigrid::engine
