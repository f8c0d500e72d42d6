#include "engine/llama_cpp.h"

#include <nlohmann/json.hpp>

#include "engine/json_text.h"
#include "engine/launch_text.h"

namespace aigrid::engine {

Capabilities LlamaCpp::capabilities() const {
  Capabilities out;
  out.abort = out.usage = out.metrics = out.slots = out.unix_socket = out.timings_per_event = out.token_ids = true;
  out.resume = Resume::Tokens;
  return out;
}

Result<Launch> LlamaCpp::launch(const grid::Deployment& deployment, const grid::Model& model,
                                const LaunchContext& context) const {
  AIGRID_CHECK_OK(check_arguments(deployment, {"threads", "batch", "chat-template-file"}));
  Launch out;
  AIGRID_TRY(out.model_file, model_path(context.models_folder, model));
  const HostPort at = split_listen(context.listen);
  const bool launcher = !context.engines_folder.empty();
  if (launcher) {
    out.argv = {context.python.empty() ? "python3" : context.python, launcher_path(context, "llamacpp_server.py")};
  } else {
    out.argv = {"llama-server", "--cont-batching", "--jinja", "--metrics", "--slots", "--no-webui"};
  }
  const auto add = [&](const std::string& option, const std::string& value) {
    out.argv.push_back(option);
    out.argv.push_back(value);
  };
  add("--model", out.model_file);
  add("--alias", model.name);
  add("--ctx-size", std::to_string(std::uint64_t{deployment.context_tokens} * deployment.slots));
  add("--parallel", std::to_string(deployment.slots));
  add("--threads", argument(deployment, "threads").value_or("1"));
  // Small steps of prefill: an abort is seen between two of them. The launcher sets both sizes.
  const std::string batch = argument(deployment, "batch").value_or("128");
  add("--batch-size", batch);
  if (!launcher) add("--ubatch-size", batch);
  if (const auto file = argument(deployment, "chat-template-file")) add("--chat-template-file", *file);
  add("--host", at.host);  // or the path of a unix socket
  if (!at.port.empty()) add("--port", at.port);
  // Not on the command line, where every user of the machine could read it.
  out.env.emplace_back(launcher ? kSecretVariable : "LLAMA_API_KEY", context.secret);
  return out;
}

Load LlamaCpp::load_from_metrics(const Sample& sample) const {
  const auto counter = [&](std::string_view name) -> std::optional<std::uint64_t> {
    const auto value = sample(name);
    if (!value || !(*value >= 0) || *value > 9e15) return std::nullopt;
    return static_cast<std::uint64_t>(*value + 0.5);
  };
  // Averages over the engine's life: its own `…_tokens_seconds` gauges fall to 0 between two scrapes without work.
  const auto rate = [&](std::string_view tokens, std::string_view seconds) -> std::optional<double> {
    const auto n = sample(tokens);
    const auto s = sample(seconds);
    if (!n || !s || !(*n > 0) || !(*s > 0)) return std::nullopt;
    return *n / *s;
  };
  Load out;
  if (const auto n = counter("llamacpp:requests_processing")) out.running = static_cast<std::uint32_t>(*n);
  if (const auto n = counter("llamacpp:requests_deferred")) out.queued = static_cast<std::uint32_t>(*n);
  out.cached_tokens = counter("llamacpp:prompt_tokens_cached_total");
  if (const auto n = counter("llamacpp:prompt_tokens_total")) out.prompt_tokens = *n + out.cached_tokens.value_or(0);
  out.completion_tokens = counter("llamacpp:tokens_predicted_total");
  out.prefill_tokens_per_s = rate("llamacpp:prompt_tokens_total", "llamacpp:prompt_seconds_total");
  out.decode_tokens_per_s = rate("llamacpp:tokens_predicted_total", "llamacpp:tokens_predicted_seconds_total");
  return out;
}

Load LlamaCpp::load_from_slots(std::string_view json) const {
  const auto list = nlohmann::json::parse(json, nullptr, false);
  Load out;
  if (!list.is_array()) return out;
  std::uint32_t busy = 0;
  for (const auto& slot : list) {
    if (!slot.is_object()) return out;
    const auto it = slot.find("is_processing");
    if (it == slot.end() || !it->is_boolean()) return out;
    if (it->get<bool>()) ++busy;
  }
  out.slots = static_cast<std::uint32_t>(list.size());
  out.running = busy;
  return out;
}

Refusal LlamaCpp::refusal(int status, std::string_view body) const {
  Refusal out = Driver::refusal(status, body);
  const auto answer = parse_object(body);
  const auto error = answer.find("error");
  if (status == 400 && error != answer.end() && error->is_object() &&
      text(*error, "type") == "exceed_context_size_error") {
    out.code = "context_length_exceeded";
    out.param = "messages";
    out.message = "this model's context is " + std::to_string(count(*error, "n_ctx")) +
                  " tokens, and the request has " + std::to_string(count(*error, "n_prompt_tokens")) +
                  "; shorten the messages";
  }
  return out;
}

}  // namespace aigrid::engine
