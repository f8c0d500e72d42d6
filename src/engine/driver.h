// Driver: what the agent must know of one kind of engine (an inference server): how it is started, how one asks whether
// it works, where its requests go, what its own numbers mean, and what its errors mean for a caller. Pure: text in,
// values out; the agent does the rest. Stateless and immutable, any thread; references live for ever. Errors:
// InvalidArgument naming the deployment, the value and the rule.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "grid/model.h"
#include "grid/usage.h"

namespace aigrid::engine {

enum class Resume : std::uint8_t { None, Text, Tokens };

struct Capabilities {
  bool abort = false;  // closing the connection stops the work
  bool usage = false;  // answers carry usage, streams too when `include_usage` is asked for
  Resume resume = Resume::None;
  bool salt = false;  // a cache salt keeps tenants' prefixes apart
  bool lora = false;
  bool metrics = false;  // GET /metrics is understood by load_from_metrics
  bool slots = false;    // GET /slots is understood by load_from_slots
  bool unix_socket = false;
  bool timings_per_event = false;  // streams carry exact counts with every event when asked to, of the prompt too
  bool token_ids = false;          // streams name the tokens when asked for logprobs
};

// Where and with what the agent starts engines.
struct LaunchContext {
  std::string python;          // interpreter that has the engines' packages
  std::string engines_folder;  // our launchers; empty: engines come from PATH
  std::string models_folder;   // relative model sources are below it
  std::string listen;          // "127.0.0.1:port" or "unix:/path", this engine's alone
  std::string secret;          // every request must bring it as a bearer token
};

struct Launch {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;
  std::string model_file;  // to be checked against the model's sha256 first; empty: no file of ours
};

struct Request {
  std::string method;
  std::string target;
  std::string body;
};

// What the engine says of itself. Absent is "no reading", never zero. Counters are since the engine's start.
struct Load {
  std::optional<std::uint32_t> running;
  std::optional<std::uint32_t> queued;
  std::optional<std::uint32_t> slots;
  std::optional<double> prefill_tokens_per_s;
  std::optional<double> decode_tokens_per_s;
  std::optional<std::uint64_t> prompt_tokens;  // all, the cached ones included
  std::optional<std::uint64_t> cached_tokens;
  std::optional<std::uint64_t> completion_tokens;
};

// `later` wins where it has a reading.
Load merge(const Load& earlier, const Load& later);

// What a failed answer means for the caller.
struct Refusal {
  bool elsewhere = false;  // another engine may do it; else it is the request's own fault
  int status = 503;        // for the client, when not elsewhere
  std::string code;
  std::string message;
  std::string param;
};

// Value of a metric by its full name, labels summed; nullopt: the engine does not show it.
using Sample = std::function<std::optional<double>(std::string_view name)>;

class TokenResume;  // engine/token_resume.h

class Driver {
 public:
  virtual ~Driver() = default;
  virtual std::string_view name() const = 0;  // as in YAML
  virtual Capabilities capabilities() const = 0;
  // Only for deployments without a URL.
  virtual Result<Launch> launch(const grid::Deployment& deployment, const grid::Model& model,
                                const LaunchContext& context) const = 0;
  virtual Load load_from_metrics(const Sample& sample) const = 0;
  virtual Load load_from_slots(std::string_view json) const = 0;

  // How a stream that was begun on another node can go on here. None, unless the deployment says more.
  virtual Resume resume(const grid::Deployment& deployment) const;
  // Null unless resume() is Tokens.
  virtual const TokenResume* tokens() const { return nullptr; }
  // Deployments with a URL: is what they say of the engine understood?
  virtual Result<void> check_adopted(const grid::Deployment& deployment) const;
  // Did it refuse a request because streams with usage are unknown to it?
  bool refuses_stream_options(int status, std::string_view body) const;

  std::string_view health_path() const { return "/health"; }
  std::string_view metrics_path() const { return "/metrics"; }
  std::string_view slots_path() const { return "/slots"; }
  // The smallest request that proves the model answers.
  virtual Request readiness(const grid::Model& model) const;
  // The usage it cost, or why the engine is not ready.
  virtual Result<grid::Usage> readiness_verdict(const grid::Model& model, int status, std::string_view body) const;
  // `endpoint` as in Ask: "chat.completions", "embeddings".
  virtual Result<std::string> path_of(std::string_view endpoint) const;
  virtual Refusal refusal(int status, std::string_view body) const;
};

// A running server's place, from a deployment's `url`: "http://127.0.0.1:8000/v1", "http://[::1]:80" or "unix:/path".
// Names are not resolved here ("localhost" is 127.0.0.1); https is not spoken to engines.
struct Place {
  std::string address;  // as Env dials it
  std::string host;     // for the Host header
  std::string prefix;   // "" or "/base", before the endpoint's path; a trailing /v1 is dropped
};
Result<Place> parse_url(std::string_view url);

}  // namespace aigrid::engine
