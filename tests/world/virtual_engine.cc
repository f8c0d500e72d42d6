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

constexpr std::uint32_t kFirstWord = 1'000'000;  // ids of an answer's words; below are those of prompts
constexpr std::uint32_t kVocabulary = 11;        // the first of an answer, and the ten

Duration at_rate(double tokens, double per_s) { return from_ms_f(tokens / per_s * 1000); }

}  // namespace

std::uint32_t token_id(std::uint64_t n) {
  return kFirstWord + static_cast<std::uint32_t>(n == 0 ? 0 : (n - 1) % (kVocabulary - 1) + 1);
}

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
  bool timings = false;      // with every event
  bool ids = false;          // names its tokens
  bool native = false;       // llama.cpp's own endpoint: token array in, tokens out
  std::uint32_t before = 0;  // native: tokens of the answer that were made elsewhere
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
  } else if (target == "/completion") {
    co_await complete(exchange);
  } else if (target == "/apply-template" || target == "/tokenize" || target == "/detokenize") {
    co_await tell_tokens(exchange);
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
  job.ids = body.value("logprobs", false);
  if (script_.refuse_stream_options && body.contains("stream_options")) {
    co_await reply(exchange, 400, error_text(400, "unknown field: stream_options", "invalid_request_error"));
    co_return;
  }
  // Like the real one: without a limit it runs to the end of the context, here to the script's length.
  const std::uint32_t room = script_.context_tokens - job.prompt;
  const auto most = body.value("max_tokens", body.value("max_completion_tokens", std::int64_t{room}));
  // An assistant's last message is gone on from.
  const json last = body["messages"].empty() ? json::object() : body["messages"].back();
  if (last.value("role", "") == "assistant") job.before = job.made = words(last.value("content", ""));
  job.limit =
      std::min({room, job.before + static_cast<std::uint32_t>(std::max<std::int64_t>(most, 1)), script_.answer_tokens});
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

// One event of a chat's stream, or of the native endpoint's.
std::string VirtualEngine::event(const Job& job, const std::string& text, const std::vector<std::uint32_t>& ids,
                                 const json& finish) const {
  const json timings{{"cache_n", 0}, {"prompt_n", job.prompt}, {"predicted_n", job.made - job.before}};
  if (job.native) {
    json out{{"index", 0}, {"content", text}, {"tokens", ids}, {"stop", !finish.is_null()}, {"timings", timings}};
    out["tokens_predicted"] = job.made - job.before;
    out["tokens_evaluated"] = job.prompt;
    if (!finish.is_null()) out["stop_type"] = finish == "length" ? "limit" : "eos";
    return out.dump();
  }
  json delta = json::object();
  if (!text.empty()) delta["content"] = text;
  json choice{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", finish}};
  if (job.ids && !ids.empty()) {  // the last one's, as the real one does
    choice["logprobs"] = {{"content", json::array({{{"id", ids.back()}, {"token", text}, {"logprob", -0.1}}})}};
  }
  json out{{"id", job.id},
           {"object", "chat.completion.chunk"},
           {"created", unix_seconds(env_.wall())},
           {"model", model_},
           {"choices", json::array({std::move(choice)})}};
  if (job.timings) out["timings"] = timings;
  return out.dump();
}

io::Task<void> VirtualEngine::open_stream(io::Exchange& exchange, Job& job) {
  (void)co_await exchange.start(200, {{"content-type", "text/event-stream"}});
  if (job.native) co_return;
  json opening = json::parse(event(job, "", {}, nullptr));
  opening["choices"][0]["delta"] = {{"role", "assistant"}, {"content", nullptr}};
  const std::string text = opening.dump();
  co_await stream_piece(exchange, text);
}

io::Task<void> VirtualEngine::generate(io::Exchange& exchange, Job& job) {
  const Duration prefill = at_rate(job.prompt, script_.prefill_tokens_per_s);
  co_await env_.sleep_for(prefill);
  counts_.prompt_tokens += job.prompt;
  counts_.prefill += prefill;
  if (job.stream && !exchange.client_gone()) co_await open_stream(exchange, job);
  const Duration step = at_rate(1, script_.decode_tokens_per_s);
  std::string held;  // as the text of half a character is held back
  std::vector<std::uint32_t> ids;
  while (job.made < job.limit) {
    co_await env_.sleep_for(step);
    if (exchange.client_gone()) {
      job.left = true;
      counts_.completion_tokens += std::min(script_.tail_tokens, job.limit - job.made);
      co_return;
    }
    ++counts_.completion_tokens;
    counts_.decode += step;
    if (script_.die_after_tokens && counts_.completion_tokens >= *script_.die_after_tokens) {
      died_.set();
      exchange.abort();
      co_return;
    }
    ids.push_back(token_id(job.made));
    held += token_text(job.made++);
    if (script_.hold_every > 1 && job.made % script_.hold_every != 0 && job.made < job.limit) continue;
    job.text += held;
    if (job.stream) {
      const std::string text = event(job, held, ids, nullptr);
      co_await stream_piece(exchange, text);
    }
    held.clear();
    ids.clear();
  }
  co_await finish(exchange, job);
}

io::Task<void> VirtualEngine::finish(io::Exchange& exchange, Job& job) {
  const json usage{{"prompt_tokens", job.prompt},
                   {"completion_tokens", job.made - job.before},
                   {"total_tokens", job.prompt + job.made - job.before},
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
  const std::string last = event(job, "", {}, job.finish);
  co_await stream_piece(exchange, last);
  if (job.usage) {
    const json counts{{"id", job.id},    {"object", "chat.completion.chunk"}, {"created", unix_seconds(env_.wall())},
                      {"model", model_}, {"choices", json::array()},          {"usage", usage}};
    co_await stream_piece(exchange, counts.dump());
  }
  if (!job.native) co_await stream_piece(exchange, "[DONE]");
  (void)co_await exchange.finish();
}

// llama.cpp's native endpoint: goes on behind a prompt given as tokens. Those of an answer are counted apart: they must
// be the very ones that this engine makes, for its text to go on from there.
io::Task<void> VirtualEngine::complete(io::Exchange& exchange) {
  auto read = co_await exchange.read_body(kMaxBody);
  if (!read.ok()) co_return;
  const json body = json::parse(*read, nullptr, false);
  if (!body.is_object() || !body.contains("prompt") || !body["prompt"].is_array()) {
    co_await reply(exchange, 400, error_text(400, "a prompt of tokens is expected", "invalid_request_error"));
    co_return;
  }
  Job job;
  job.native = job.stream = true;
  for (const auto& id : body["prompt"]) {
    ++job.prompt;
    if (id.get<std::uint32_t>() < kFirstWord) continue;
    if (id.get<std::uint32_t>() != token_id(job.before++)) {
      co_await reply(exchange, 400, error_text(400, "these tokens are of no answer of mine", "invalid_request_error"));
      co_return;
    }
  }
  job.made = job.before;
  const std::uint32_t most = job.before + body.value("n_predict", script_.answer_tokens);
  job.limit = std::min(most, script_.answer_tokens);
  job.finish = job.limit == script_.answer_tokens ? "stop" : "length";
  Slot slot(*this, exchange);
  const bool held = co_await slot.acquire();
  if (held) co_await generate(exchange, job);
  if (!held || job.left) ++counts_.aborted;
}

// Its vocabulary: words are ids from kFirstWord, the first of an answer (without a blank before it) has one of its own;
// all of a prompt is ids below.
io::Task<void> VirtualEngine::tell_tokens(io::Exchange& exchange) {
  const std::string target = exchange.head().target;
  auto read = co_await exchange.read_body(kMaxBody);
  if (!read.ok()) co_return;
  const json body = json::parse(*read, nullptr, false);
  json out = json::object();
  if (target == "/apply-template") {
    out["prompt"] = "prompt of " + std::to_string(count_prompt(*read));
  } else if (target == "/detokenize") {
    std::string text;
    for (const auto& id : body["tokens"]) text += token_text(id.get<std::uint32_t>() - kFirstWord);
    out["content"] = text;
  } else {
    constexpr std::string_view kPrompt = "prompt of ";
    const std::string text = body["content"];
    std::vector<std::uint32_t> ids;
    if (text.starts_with(kPrompt)) {
      const int n = std::stoi(text.substr(kPrompt.size()));
      for (int i = 0; i < n; ++i) ids.push_back(static_cast<std::uint32_t>(i));
    } else {
      std::string rest = text;
      for (std::uint32_t n = 0; n < kVocabulary && !rest.empty();) {
        const std::string word = token_text(n);
        if (rest.starts_with(word) && (rest.size() == word.size() || rest[word.size()] == ' ')) {
          ids.push_back(kFirstWord + n);
          rest.erase(0, word.size());
          n = 0;
        } else {
          ++n;
        }
      }
    }
    out["tokens"] = ids;
  }
  co_await reply(exchange, 200, out.dump());
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
