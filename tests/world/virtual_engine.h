// VirtualEngine: a scripted inference server for tests, in any Env: OpenAI's chat (streamed and not) and embeddings
// over HTTP/1.1, llama.cpp's /metrics, /slots, /health, slots with a queue, a context limit, faults. It takes its time
// by the clock of its Env and counts every token, so a test can hold a ledger against it. Its text is made up: the n-th
// token of every answer is the same word.
// One worker. The engine outlives the tasks and programs made from it. The ones it stands for: engine/llama_cpp.h.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "io/env/virtual_world.h"
#include "io/http/server.h"

namespace aigrid::world {

struct EngineScript {
  Duration load = 300ms;  // 503 until then
  double prefill_tokens_per_s = 2000;
  double decode_tokens_per_s = 100;
  std::uint32_t slots = 2;              // a program's --parallel wins
  std::uint32_t context_tokens = 2048;  // per slot; a program's --ctx / --parallel wins
  std::uint32_t answer_tokens = 24;     // where the request sets no smaller max_tokens
  // Faults.
  std::optional<int> exit_at_start;               // the program ends with this code before it listens
  std::optional<std::uint32_t> die_after_tokens;  // the program ends once it has made so many, of all requests together
  std::uint32_t hold_every = 1;                   // so many tokens come in one event, with the last one's id alone
  std::uint32_t tail_tokens = 0;                  // made after the caller has left, before that is noticed
  bool refuse_stream_options = false;             // as an older server
  bool refuse_all = false;                        // 503 for every inference
};

struct EngineCounts {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t requests = 0;  // that got a slot
  std::uint64_t aborted = 0;   // the caller left
  std::uint32_t running = 0;
  std::uint32_t queued = 0;
  std::uint32_t most_running = 0;
  Duration prefill{0};
  Duration decode{0};
};

// One running server.
class VirtualEngine {
 public:
  VirtualEngine(io::Env& env, EngineScript script, std::string model, std::string secret);
  VirtualEngine(const VirtualEngine&) = delete;
  VirtualEngine& operator=(const VirtualEngine&) = delete;

  // Serves until the listener closes or the engine dies.
  io::Task<void> serve(std::unique_ptr<io::Listener> listener);
  const EngineCounts& counts() const { return counts_; }
  EngineScript& script() { return script_; }
  void die() { died_.set(); }

 private:
  struct Job;
  class Slot;
  io::Task<void> answer(io::Exchange& exchange);
  io::Task<void> chat(io::Exchange& exchange);
  io::Task<void> embed(io::Exchange& exchange);
  io::Task<void> complete(io::Exchange& exchange);
  io::Task<void> tell_tokens(io::Exchange& exchange);
  io::Task<void> generate(io::Exchange& exchange, Job& job);
  io::Task<void> open_stream(io::Exchange& exchange, Job& job);
  io::Task<void> finish(io::Exchange& exchange, Job& job);
  std::string event(const Job& job, const std::string& text, const std::vector<std::uint32_t>& ids,
                    const nlohmann::json& finish) const;
  io::Task<void> stream_piece(io::Exchange& exchange, std::string body);
  std::string metrics() const;
  std::string slots_json() const;

  io::Env& env_;
  EngineScript script_;
  std::string model_;
  std::string secret_;
  EngineCounts counts_;
  std::list<io::Event*> waiting_;
  Time ready_at_;
  std::uint64_t answers_ = 0;
  io::Event died_;
};

// Stands in for the launchers and for llama-server in a VirtualWorld: world.register_program("python3",
// engines.program()). Understands --model, --alias, --host, --port, --unix, --ctx(-size), --parallel; the model file,
// where one is named, must exist. Keeps the counts of every life of every engine, by where it listened.
class VirtualEngines {
 public:
  explicit VirtualEngines(EngineScript script = {}) : script_(std::move(script)) {}

  io::Program program();
  // For engines started from now on; by model, before the general one.
  EngineScript& script() { return script_; }
  EngineScript& script_of(const std::string& model) { return by_model_.try_emplace(model, script_).first->second; }
  // Sum over all lives of what listened at `listen` ("127.0.0.1:port", "unix:/path").
  EngineCounts counts(const std::string& listen) const;
  EngineCounts total() const;
  // The running one, or null.
  VirtualEngine* running(const std::string& listen) const;
  std::size_t starts() const { return starts_; }
  std::vector<std::string> listening() const;

 private:
  struct Life {
    std::string listen;
    std::unique_ptr<VirtualEngine> engine;
    bool running = true;
  };
  io::Task<int> run(io::Env& env, io::ProcessSpec spec);

  EngineScript script_;
  std::map<std::string, EngineScript> by_model_;
  std::vector<std::unique_ptr<Life>> lives_;
  std::size_t starts_ = 0;
};

// The n-th token of every answer, as text and as the engine's vocabulary numbers it.
std::uint32_t token_id(std::uint64_t n);
std::string token_text(std::uint64_t n);
// As this engine counts: words of the messages' texts, and four for each message.
std::uint32_t count_prompt(const std::string& request_body);

}  // namespace aigrid::world
