#include "format/openai/edit.h"

#include <algorithm>
#include <array>

#include "format/json/json.h"

namespace aigrid::openai {

namespace {

using Ordered = nlohmann::ordered_json;

Error broken(std::string message) { return {Code::DataLoss, Origin::Upstream, Retry::Elsewhere, std::move(message)}; }

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

std::uint64_t natural(const Ordered& object, const char* name) {
  const auto it = object.find(name);
  if (it == object.end() || !it->is_number_integer() || *it < 0) return 0;
  return it->get<std::uint64_t>();
}

void asked_tokens(std::string_view body, Ordered& out, std::uint32_t most) {
  const Ordered in = Ordered::parse(body, nullptr, false);
  std::uint64_t wanted = 0;
  for (const char* name : {"max_tokens", "max_completion_tokens"}) {
    const auto it = in.find(name);
    if (it == in.end() || !it->is_number() || it->get<double>() < 1) continue;
    const auto v = static_cast<std::uint64_t>(std::min(it->get<double>(), 4e9));
    wanted = wanted == 0 ? v : std::min(wanted, v);
  }
  if (most != 0) wanted = wanted == 0 ? most : std::min<std::uint64_t>(wanted, most);
  if (wanted != 0) out["max_tokens"] = wanted;
}

bool has_output(const Ordered& choices) {
  for (const auto& choice : choices) {
    const auto delta = choice.find("delta");
    if (delta == choice.end() || !delta->is_object()) continue;
    for (const char* name : {"content", "reasoning_content", "refusal"}) {
      const auto it = delta->find(name);
      if (it != delta->end() && it->is_string() && !it->get_ref<const std::string&>().empty()) return true;
    }
    if (delta->contains("tool_calls")) return true;
  }
  return false;
}

std::string finish_of(const Ordered& object) {
  const auto choices = object.find("choices");
  if (choices == object.end() || !choices->is_array()) return {};
  for (const auto& choice : *choices) {
    if (!choice.is_object()) continue;
    const auto it = choice.find("finish_reason");
    if (it != choice.end() && it->is_string()) return it->get<std::string>();
  }
  return {};
}

void read_usage(const Ordered& u, grid::Usage& out) {
  out.prompt_tokens = natural(u, "prompt_tokens");
  out.completion_tokens = natural(u, "completion_tokens");
  const auto details = u.find("prompt_tokens_details");
  if (details != u.end() && details->is_object()) out.cached_tokens = natural(*details, "cached_tokens");
}

// The engine's extras go, ours come; order is the engine's.
void brand(Ordered& object, const AnswerEdit& edit) {
  for (const char* name : {"timings", "__verbose", "prompt_progress", "id_slot"}) object.erase(name);
  if (!edit.embeddings) {
    object["id"] = edit.id;
    object["created"] = edit.created_unix_s;
  }
  object["model"] = edit.model;
}

std::string message_of(const Ordered& object) {
  const auto error = object.find("error");
  if (error == object.end()) return {};
  if (error->is_string()) return error->get<std::string>();
  if (error->is_object()) {
    const auto message = error->find("message");
    if (message != error->end() && message->is_string()) return message->get<std::string>();
  }
  return "the engine gave no reason";
}

Result<Ordered> parse_answer(std::string_view text) {
  Ordered object = Ordered::parse(text, nullptr, false);
  if (!object.is_object()) {
    return broken("the engine's answer is not a JSON object: " + json::quoted(text.substr(0, 60)) +
                  "; try another node");
  }
  if (const auto message = message_of(object); !message.empty()) {
    return Error{Code::Unavailable, Origin::Upstream, Retry::Elsewhere, "the engine failed: " + message};
  }
  return object;
}

}  // namespace

Result<std::string> edit_chat_body(std::string_view body, const BodyEdit& edit) {
  AIGRID_TRY(Ordered out, keep(body, kChatFields));
  out["model"] = edit.model;
  asked_tokens(body, out, edit.max_output_tokens);
  out["stream"] = edit.stream;
  if (edit.stream) {
    out["stream_options"] = Ordered{{"include_usage", true}};
    if (edit.count_each_event) out["timings_per_token"] = true;
  }
  return dump(out);
}

Result<std::string> edit_embeddings_body(std::string_view body, const BodyEdit& edit) {
  AIGRID_TRY(Ordered out, keep(body, kEmbeddingFields));
  out["model"] = edit.model;
  return dump(out);
}

Result<AnswerFilter::Piece> AnswerFilter::event(std::string_view payload) {
  Piece piece;
  if (payload == "[DONE]") {
    done_ = true;
    if (held_.empty()) return broken("the engine's stream ended without a finish reason; try another node");
    if (!usage_exact_) usage_.completion_tokens = counted_;
    return piece;
  }
  AIGRID_TRY(Ordered object, parse_answer(payload));
  const auto choices = object.find("choices");
  if (choices == object.end() || !choices->is_array()) {
    return broken("the engine's event has no choices: " + json::quoted(payload.substr(0, 60)) + "; try another node");
  }
  const bool last_choice = !finish_of(object).empty();
  if (last_choice) finish_ = finish_of(object);
  std::uint64_t total = counted_ + (has_output(*choices) ? 1 : 0);
  if (const auto timings = object.find("timings"); timings != object.end() && timings->is_object()) {
    if (const auto exact = natural(*timings, "predicted_n"); exact != 0) total = exact;
    if (!usage_exact_) {  // for an answer that is cut: its usage event never comes
      usage_.cached_tokens = natural(*timings, "cache_n");
      usage_.prompt_tokens = natural(*timings, "prompt_n") + usage_.cached_tokens;
    }
  }
  const auto usage = object.find("usage");
  const bool has_usage = usage != object.end() && usage->is_object();
  if (has_usage) {
    read_usage(*usage, usage_);
    usage_exact_ = true;
    total = usage_.completion_tokens;
  }
  piece.tokens = static_cast<std::uint32_t>(total > counted_ ? total - counted_ : 0);
  counted_ = std::max(counted_, total);
  if (!usage_exact_) usage_.completion_tokens = counted_;
  const bool usage_only = has_usage && choices->empty();
  if (usage_only && !edit_.client_wants_usage) return piece;
  if (!edit_.client_wants_usage) object.erase("usage");
  brand(object, edit_);
  std::string text = "data: " + dump(object);
  if (!held_.empty()) piece.client = held_ + "}\n\n";
  held_.clear();
  if (last_choice || usage_only) {
    text.pop_back();
    held_ = std::move(text);
  } else {
    piece.client += text + "\n\n";
  }
  return piece;
}

Result<std::uint32_t> AnswerFilter::whole(std::string_view body) {
  AIGRID_TRY(Ordered object, parse_answer(body));
  if (!object.contains(edit_.embeddings ? "data" : "choices")) {
    return broken("the engine's answer has neither choices nor data; try another node");
  }
  if (const auto usage = object.find("usage"); usage != object.end() && usage->is_object()) {
    read_usage(*usage, usage_);
    usage_exact_ = true;
  }
  finish_ = edit_.embeddings ? "stop" : finish_of(object);
  brand(object, edit_);
  held_ = dump(object);
  held_.pop_back();
  done_ = true;
  return static_cast<std::uint32_t>(usage_.completion_tokens);
}

EngineError read_engine_error(int status, std::string_view body) {
  EngineError out{status, "engine_error", "the engine answered " + std::to_string(status)};
  const Ordered object = Ordered::parse(body, nullptr, false);
  if (!object.is_object()) return out;
  if (const auto message = message_of(object); !message.empty()) out.message = "the engine refused: " + message;
  const auto error = object.find("error");
  if (error == object.end() || !error->is_object()) return out;
  const auto type = error->find("type");
  if (type != error->end() && *type == "exceed_context_size_error") out.code = "context_length_exceeded";
  if (type != error->end() && *type == "invalid_request_error") out.code = "invalid_request";
  return out;
}

}  // namespace aigrid::openai
