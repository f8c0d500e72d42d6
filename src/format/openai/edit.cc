#include "format/openai/edit.h"

#include <algorithm>
#include <array>

#include "format/json/json.h"
#include "format/openai/engine_message.h"

namespace aigrid::openai {

namespace {

using Ordered = nlohmann::ordered_json;

constexpr std::array<std::string_view, 21> kChatFields = {"messages",
                                                          "temperature",
                                                          "top_p",
                                                          "stop",
                                                          "seed",
                                                          "presence_penalty",
                                                          "frequency_penalty",
                                                          "logit_bias",
                                                          "logprobs",
                                                          "top_logprobs",
                                                          "tools",
                                                          "tool_choice",
                                                          "parallel_tool_calls",
                                                          "response_format",
                                                          "reasoning_effort",
                                                          "stream",
                                                          "verbosity",
                                                          "prediction",
                                                          "n",
                                                          "user",
                                                          "chat_template_kwargs"};
constexpr std::array<std::string_view, 2> kEmbeddingFields = {"input", "encoding_format"};

template <std::size_t N>
Result<Ordered> keep(std::string_view body, const std::array<std::string_view, N>& fields) {
  // The strict pass with its depth limit first: the ordered kind is built by the same parser.
  AIGRID_CHECK_OK([&]() -> Result<void> {
    AIGRID_TRY(const auto checked, json::parse(body));
    if (!checked.is_object()) return invalid("the body must be a JSON object");
    return {};
  }());
  const Ordered in = Ordered::parse(body, nullptr, false);
  Ordered out = Ordered::object();
  for (const auto& [key, value] : in.items()) {
    if (value.is_null() || std::find(fields.begin(), fields.end(), key) == fields.end()) continue;
    out[key] = value;
  }
  return out;
}

std::string dump(const Ordered& v) { return v.dump(-1, ' ', false, Ordered::error_handler_t::replace); }

void asked_tokens(std::string_view body, Ordered& out, std::uint32_t most, std::uint32_t delivered) {
  const Ordered in = Ordered::parse(body, nullptr, false);
  std::uint64_t wanted = 0;
  for (const char* name : {"max_tokens", "max_completion_tokens"}) {
    const auto it = in.find(name);
    if (it == in.end() || !it->is_number() || it->get<double>() < 1) continue;
    const auto v = static_cast<std::uint64_t>(std::min(it->get<double>(), 4e9));
    wanted = wanted == 0 ? v : std::min(wanted, v);
  }
  if (most != 0) wanted = wanted == 0 ? most : std::min<std::uint64_t>(wanted, most);
  if (wanted != 0) out["max_tokens"] = wanted > delivered ? wanted - delivered : 0;
}

}  // namespace

Result<std::string> edit_chat_body(std::string_view body, const BodyEdit& edit) {
  AIGRID_TRY(Ordered out, keep(body, kChatFields));
  out["model"] = edit.model;
  asked_tokens(body, out, edit.max_output_tokens, edit.delivered);
  out["stream"] = edit.stream;
  if (edit.stream) {
    if (edit.stream_options) out["stream_options"] = Ordered{{"include_usage", true}};
    if (edit.count_each_event) out["timings_per_token"] = out["return_progress"] = true;
    if (edit.token_ids) {
      out["logprobs"] = true;
      out["top_logprobs"] = 1;
    }
  }
  if (!edit.begun.empty()) {
    out["messages"].push_back(Ordered{{"role", "assistant"}, {"content", edit.begun}});
    if (edit.begun_flags) {
      out["continue_final_message"] = true;
      out["add_generation_prompt"] = false;
    }
  }
  return dump(out);
}

Result<std::string> edit_embeddings_body(std::string_view body, const BodyEdit& edit) {
  AIGRID_TRY(Ordered out, keep(body, kEmbeddingFields));
  out["model"] = edit.model;
  return dump(out);
}

EngineError read_engine_error(int status, std::string_view body) {
  EngineError out{status, "engine_error", "the engine answered " + std::to_string(status)};
  const Ordered object = Ordered::parse(body, nullptr, false);
  if (!object.is_object()) return out;
  if (const auto message = engine_message(object); !message.empty()) out.message = "the engine refused: " + message;
  const auto error = object.find("error");
  if (error == object.end() || !error->is_object()) return out;
  const auto type = error->find("type");
  if (type != error->end() && *type == "exceed_context_size_error") out.code = "context_length_exceeded";
  if (type != error->end() && *type == "invalid_request_error") out.code = "invalid_request";
  return out;
}

}  // namespace aigrid::openai
