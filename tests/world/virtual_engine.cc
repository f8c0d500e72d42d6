#include "world/virtual_engine.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace aigrid::world {

using nlohmann::json;

namespace {

constexpr std::size_t kMaxBody = std::size_t{16} << 20U;

std::uint32_t words(const std::string& text) {
  std::uint32_t n = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t';
    if (!space && !inside) ++n;
    inside = !space;
  }
  return n;
}

std::string error_text(int code, const std::string& message, const std::string& type) {
  return json{{"error", {{"code", code}, {"message", message}, {"type", type}}}}.dump();
}

io::Task<void> reply(io::Exchange& exchange, int status, std::string body, std::string type = "application/json") {
  http::Headers headers{{"content-type", type}};
  (void)co_await exchange.respond(status, headers, std::move(body));
}

Duration at_rate(double tokens, double per_s) { return from_ms_f(tokens / per_s * 1000); }

}  // namespace

std::string token_text(std::uint64_t n) {
  static constexpr const char* kWords[] = {"the", "grid", "runs", "near", "you", "and", "stays", "where", "it", "may"};
  return (n == 0 ? "" : " ") + std::string(kWords[n % std::size(kWords)]);
}

std::uint32_t count_prompt(const std::string& request_body) {
  const json body = json::parse(request_body, nullptr, false);
  std::uint32_t n = 0;
  if (!body.is_object() || !body.contains("messages")) return 0;
  for (const auto& message : body["messages"]) {
    n += 4;
    if (message.contains("content") && message["content"].is_string())
      n += words(message["content"].get<std::string>());
  }
  return n;
}

// One chat request that is being answered.
struct VirtualEngine::Job {
  std::string id;
  bool stream = false;
  bool usage = false;
  bool timings = false;  // with every event
  std::uint32_t prompt = 0;
  std::uint32_t limit = 0;
  std::uint32_t made = 0;
  std::string finish = "stop";
  std::string text;
  bool left = false;  // the caller is gone
};

// Holds one of the engine's slots from acquire() to its end, whichever way that comes.
class VirtualEngine::Slot {
 public:
  Slot(VirtualEngine& engine, io::Exchange& exchange)
      : engine_(engine), exchange_(exchange), turn_(engine.env_.executor()) {
    exchange_.on_client_gone([this] { turn_.set(); });
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() {
    exchange_.on_client_gone([] {});
    if (waiting_) {
      engine_.waiting_.remove(&turn_);
      --engine_.counts_.queued;
    }
    if (!held_) return;
    --engine_.counts_.running;
    if (!engine_.waiting_.empty()) engine_.waiting_.front()->set();
  }
  // False: the caller left while it waited.
  io::Task<bool> acquire() {
    auto& counts = engine_.counts_;
    waiting_ = true;
    ++counts.queued;
    engine_.waiting_.push_back(&turn_);
    while (counts.running >= engine_.script_.slots || engine_.waiting_.front() != &turn_) {
      if (exchange_.client_gone()) co_return false;
      co_await turn_.wait();
    }
    engine_.waiting_.pop_front();
    waiting_ = false;
    --counts.queued;
    held_ = true;
    ++counts.running;
    ++counts.requests;
    counts.most_running = std::max(counts.most_running, counts.running);
    if (!engine_.waiting_.empty()) engine_.waiting_.front()->set();
    co_return true;
  }

 private:
  VirtualEngine& engine_;
  io::Exchange& exchange_;
  io::Event turn_;
  bool waiting_ = false;
  bool held_ = false;
};

VirtualEngine::VirtualEngine(io::Env& env, EngineScript script, std::string model, std::string secret)
    : env_(env),
      script_(std::move(script)),
      model_(std::move(model)),
      secret_(std::move(secret)),
      ready_at_(env.now() + script_.load),
      died_(env.executor()) {}

io::Task<void> VirtualEngine::serve(std::unique_ptr<io::Listener> listener) {
  const io::ServerLimits limits;
  io::TaskGroup connections(env_.executor());
  io::TaskGroup accepting(env_.executor());
  accepting.spawn(io::serve_listener(env_, *listener, connections, limits,
                                     [this](io::Exchange& exchange) { return answer(exchange); }));
  co_await died_.wait();
}

io::Task<void> VirtualEngine::answer(io::Exchange& exchange) {
  const std::string target = exchange.head().target;
  const auto key = exchange.head().headers.get("authorization");
  if (target != "/health" && !secret_.empty() && key != "Bearer " + secret_) {
    co_await reply(exchange, 401, error_text(401, "Invalid API Key", "authentication_error"));
  } else if (env_.now() < ready_at_) {
    co_await reply(exchange, 503, error_text(503, "Loading model", "unavailable_error"));
  } else if (target == "/health") {
    co_await reply(exchange, 200, R"({"status":"ok"})");
  } else if (target == "/metrics") {
    co_await reply(exchange, 200, metrics(), "text/plain; version=0.0.4");
  } else if (target == "/slots") {
    co_await reply(exchange, 200, slots_json());
  } else if (script_.refuse_all) {
    co_await reply(exchange, 503, error_text(503, "out of order", "unavailable_error"));
  } else if (target == "/v1/chat/completions") {
    co_await chat(exchange);
  } else if (target == "/v1/embeddings") {
    co_await embed(exchange);
  } else {
    co_await reply(exchange, 404, error_text(404, "File Not Found", "not_found_error"));
  }
}

io::Task<void> VirtualEngine::chat(io::Exchange& exchange) {
  auto read = co_await exchange.read_body(kMaxBody);
  if (!read.ok()) co_return;
  const json body = json::parse(*read, nullptr, false);
  if (!body.is_object() || !body.contains("messages")) {
    co_await reply(exchange, 400, error_text(400, "'messages' is required", "invalid_request_error"));
    co_return;
  }
  Job job;
  job.prompt = count_prompt(*read);
  if (job.prompt >= script_.context_tokens) {
    json error{{"code", 400},
               {"type", "exceed_context_size_error"},
               {"n_prompt_tokens", job.prompt},
               {"n_ctx", script_.context_tokens},
               {"message", "request (" + std::to_string(job.prompt) + " tokens) exceeds the available context size"}};
    const json refusal{{"error", error}};
    co_await reply(exchange, 400, refusal.dump());
    co_return;
  }
  job.stream = body.value("stream", false);
  job.usage = job.stream && body.contains("stream_options") && body["stream_options"].value("include_usage", false);
  job.timings = body.value("timings_per_token", false);
  // Like the real one: without a limit it runs to the end of the context, here to the script's length.
  const std::uint32_t room = script_.context_tokens - job.prompt;
  const auto most = body.value("max_tokens", body.value("max_completion_tokens", std::int64_t{room}));
  job.limit = std::min({room, static_cast<std::uint32_t>(std::max<std::int64_t>(most, 1)), script_.answer_tokens});
  job.finish = job.limit == script_.answer_tokens ? "stop" : "length";
  job.id = "chatcmpl-engine" + std::to_string(++answers_);
  Slot slot(*this, exchange);
  const bool held = co_await slot.acquire();
  if (held) co_await generate(exchange, job);
  if (!held || job.left) ++counts_.aborted;
}

io::Task<void> VirtualEngine::stream_piece(io::Exchange& exchange, std::string body) {
  const std::string text = "data: " + body + "\n\n";
  (void)co_await exchange.write(text);
}

io::Task<void> VirtualEngine::generate(io::Exchange& exchange, Job& job) {
  const auto piece = [&](json delta, json finish) {
    json out{
        {"id", job.id},
        {"object", "chat.completion.chunk"},
        {"created", unix_seconds(env_.wall())},
        {"model", model_},
        {"choices", json::array({{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish)}}})}};
    if (job.timings) out["timings"] = {{"cache_n", 0}, {"prompt_n", job.prompt}, {"predicted_n", job.made}};
    return out.dump();
  };
  const Duration prefill = at_rate(job.prompt, script_.prefill_tokens_per_s);
  co_await env_.sleep_for(prefill);
  counts_.prompt_tokens += job.prompt;
  counts_.prefill += prefill;
  if (job.stream && !exchange.client_gone()) {
    (void)co_await exchange.start(200, {{"content-type", "text/event-stream"}});
    co_await stream_piece(exchange, piece({{"role", "assistant"}, {"content", nullptr}}, nullptr));
  }
  const Duration step = at_rate(1, script_.decode_tokens_per_s);
  while (job.made < job.limit) {
    co_await env_.sleep_for(step);
    if (exchange.client_gone()) {
      job.left = true;
      co_return;
    }
    ++counts_.completion_tokens;
    counts_.decode += step;
    if (script_.die_after_tokens && counts_.completion_tokens >= *script_.die_after_tokens) {
      died_.set();
      exchange.abort();
      co_return;
    }
    const std::string word = token_text(job.made++);
    job.text += word;
    if (job.stream) co_await stream_piece(exchange, piece({{"content", word}}, nullptr));
  }
  const json usage{{"prompt_tokens", job.prompt},
                   {"completion_tokens", job.made},
                   {"total_tokens", job.prompt + job.made},
                   {"prompt_tokens_details", {{"cached_tokens", 0}}}};
  if (!job.stream) {
    const json message{{"role", "assistant"}, {"content", job.text}};
    const json whole{{"id", job.id},
                     {"object", "chat.completion"},
                     {"created", unix_seconds(env_.wall())},
                     {"model", model_},
                     {"usage", usage},
                     {"choices", json::array({{{"index", 0}, {"message", message}, {"finish_reason", job.finish}}})}};
    co_await reply(exchange, 200, whole.dump());
    co_return;
  }
  co_await stream_piece(exchange, piece(json::object(), job.finish));
  if (job.usage) {
    const json last{{"id", job.id},    {"object", "chat.completion.chunk"}, {"created", unix_seconds(env_.wall())},
                    {"model", model_}, {"choices", json::array()},          {"usage", usage}};
    co_await stream_piece(exchange, last.dump());
  }
  co_await stream_piece(exchange, "[DONE]");
  (void)co_await exchange.finish();
}

io::Task<void> VirtualEngine::embed(io::Exchange& exchange) {
  auto read = co_await exchange.read_body(kMaxBody);
  if (!read.ok()) co_return;
  const json body = json::parse(*read, nullptr, false);
  if (!body.is_object() || !body.contains("input")) {
    co_await reply(exchange, 400, error_text(400, "missing 'input'", "invalid_request_error"));
    co_return;
  }
  const json list = body["input"].is_array() ? body["input"] : json::array({body["input"]});
  std::uint32_t tokens = 0;
  json rows = json::array();
  for (const auto& item : list) {
    const std::string text = item.is_string() ? item.get<std::string>() : item.dump();
    tokens += words(text);
    rows.push_back({{"object", "embedding"}, {"index", rows.size()}, {"embedding", {0.25, 0.5, words(text) / 16.0}}});
  }
  Slot slot(*this, exchange);
  const bool held = co_await slot.acquire();
  if (!held) co_return;
  const Duration prefill = at_rate(tokens, script_.prefill_tokens_per_s);
  co_await env_.sleep_for(prefill);
  counts_.prompt_tokens += tokens;
  counts_.prefill += prefill;
  const json whole{{"object", "list"},
                   {"model", model_},
                   {"data", rows},
                   {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}};
  co_await reply(exchange, 200, whole.dump());
}

std::string VirtualEngine::metrics() const {
  std::string out;
  const auto line = [&](const char* name, const char* type, double value) {
    out += "# TYPE llamacpp:" + std::string(name) + " " + type + "\nllamacpp:" + name + " " + json(value).dump() + "\n";
  };
  line("prompt_tokens_total", "counter", static_cast<double>(counts_.prompt_tokens));
  line("prompt_tokens_cached_total", "counter", 0);
  line("prompt_seconds_total", "counter", to_ms_f(counts_.prefill) / 1000);
  line("tokens_predicted_total", "counter", static_cast<double>(counts_.completion_tokens));
  line("tokens_predicted_seconds_total", "counter", to_ms_f(counts_.decode) / 1000);
  line("requests_processing", "gauge", counts_.running);
  line("requests_deferred", "gauge", counts_.queued);
  return out;
}

std::string VirtualEngine::slots_json() const {
  json list = json::array();
  for (std::uint32_t i = 0; i < script_.slots; ++i) {
    list.push_back({{"id", i}, {"n_ctx", script_.context_tokens}, {"is_processing", i < counts_.running}});
  }
  return list.dump();
}

io::Program VirtualEngines::program() {
  return [this](io::Env& env, io::ProcessSpec spec) { return run(env, std::move(spec)); };
}

io::Task<int> VirtualEngines::run(io::Env& env, io::ProcessSpec spec) {
  ++starts_;
  std::map<std::string, std::string> flags;
  for (std::size_t i = 1; i + 1 < spec.argv.size(); ++i) {
    if (spec.argv[i].starts_with("--")) flags[spec.argv[i].substr(2)] = spec.argv[i + 1];
  }
  const auto flag = [&](const std::string& name) { return flags.contains(name) ? flags[name] : std::string(); };
  const std::string model = flag("alias").empty() ? "embedding" : flag("alias");
  EngineScript script = by_model_.contains(model) ? by_model_.at(model) : script_;
  if (script.exit_at_start) co_return *script.exit_at_start;
  if (!flag("model").empty() && !env.files().stat(flag("model")).ok()) co_return 1;
  if (!flag("parallel").empty()) {
    script.slots = static_cast<std::uint32_t>(std::stoul(flag("parallel")));
    const std::string context = flag("ctx").empty() ? flag("ctx-size") : flag("ctx");
    if (!context.empty()) script.context_tokens = static_cast<std::uint32_t>(std::stoul(context)) / script.slots;
  }
  std::string listen = flag("unix").empty() ? flag("host") : "unix:" + flag("unix");
  if (listen.starts_with("/")) listen = "unix:" + listen;
  if (!flag("port").empty()) listen += ":" + flag("port");
  auto listener = env.listen(listen, {});
  if (!listener.ok()) co_return 1;
  const std::string key = env.variable("AIGRID_ENGINE_SECRET");
  auto life = std::make_unique<Life>();
  life->listen = listen;
  life->engine = std::make_unique<VirtualEngine>(env, script, model, key.empty() ? env.variable("LLAMA_API_KEY") : key);
  Life* held = life.get();
  lives_.push_back(std::move(life));
  struct Mark {  // however the process ends
    Life* life;
    ~Mark() { life->running = false; }
  } mark{held};
  co_await held->engine->serve(std::move(*listener));
  co_return 139;
}

EngineCounts VirtualEngines::counts(const std::string& listen) const {
  EngineCounts sum;
  for (const auto& life : lives_) {
    if (!listen.empty() && life->listen != listen) continue;
    const EngineCounts& c = life->engine->counts();
    sum.prompt_tokens += c.prompt_tokens;
    sum.completion_tokens += c.completion_tokens;
    sum.requests += c.requests;
    sum.aborted += c.aborted;
    sum.most_running = std::max(sum.most_running, c.most_running);
    sum.prefill += c.prefill;
    sum.decode += c.decode;
    if (life->running) {
      sum.running += c.running;
      sum.queued += c.queued;
    }
  }
  return sum;
}

EngineCounts VirtualEngines::total() const { return counts(""); }

VirtualEngine* VirtualEngines::running(const std::string& listen) const {
  for (const auto& life : lives_) {
    if (life->running && life->listen == listen) return life->engine.get();
  }
  return nullptr;
}

std::vector<std::string> VirtualEngines::listening() const {
  std::vector<std::string> out;
  for (const auto& life : lives_) {
    if (life->running) out.push_back(life->listen);
  }
  return out;
}

}  // namespace aigrid::world
