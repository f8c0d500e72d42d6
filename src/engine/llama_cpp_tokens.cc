#include "engine/llama_cpp_tokens.h"

#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/json_text.h"

namespace aigrid::engine {

namespace {

using nlohmann::json;

Error broken(const char* what, std::string_view answer) {
  return {Code::DataLoss, Origin::Upstream, Retry::Elsewhere,
          std::string("the engine's answer has no ") + what + ": " + std::string(answer.substr(0, 60)) +
              "; try another node"};
}

Result<json> chat_body(std::string_view body) {
  json out = json::parse(body, nullptr, false);
  if (!out.is_object() || !out.contains("messages")) return invalid("not a chat request: it has no messages");
  return out;
}

Result<std::string> member(std::string_view answer, const char* name) {
  const json object = parse_object(answer);
  const auto it = object.find(name);
  if (it == object.end() || !it->is_string()) return broken(name, answer);
  return it->get<std::string>();
}

// What a sampler is told, under the names of both endpoints.
constexpr std::array<const char*, 8> kSampling = {"temperature",       "top_p",      "stop", "seed", "presence_penalty",
                                                  "frequency_penalty", "logit_bias", "model"};

std::string chunk(const json& event, json delta, json finish, bool logprobs) {
  json choice{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish)}};
  if (const auto it = event.find("completion_probabilities"); logprobs && it != event.end()) {
    choice["logprobs"] = {{"content", *it}};
  } else if (const auto ids = event.find("tokens"); ids != event.end() && ids->is_array() && !ids->empty()) {
    json named = json::array();
    for (const auto& id : *ids) named.push_back({{"id", id}});
    choice["logprobs"] = {{"content", std::move(named)}};
  }
  json out{{"object", "chat.completion.chunk"}, {"choices", json::array({std::move(choice)})}};
  if (const auto it = event.find("timings"); it != event.end()) out["timings"] = *it;
  return dump(out);
}

// "eos" and "word" are what OpenAI calls stop.
std::string finish_of(const json& event) { return text(event, "stop_type") == "limit" ? "length" : "stop"; }

}  // namespace

Result<Request> LlamaCppTokens::ask_prompt(std::string_view body) const {
  AIGRID_TRY(const json chat, chat_body(body));
  json out{{"messages", chat["messages"]}};
  for (const char* name : {"chat_template_kwargs", "reasoning_effort"}) {
    if (chat.contains(name)) out[name] = chat[name];
  }
  return Request{"POST", "/apply-template", dump(out)};
}

Result<std::string> LlamaCppTokens::prompt(std::string_view answer) const { return member(answer, "prompt"); }

Request LlamaCppTokens::ask_ids(std::string_view text, bool is_prompt) const {
  const json body{{"content", text}, {"add_special", is_prompt}, {"parse_special", is_prompt}};
  return {"POST", "/tokenize", dump(body)};
}

Result<TokenIds> LlamaCppTokens::ids(std::string_view answer) const {
  const json object = parse_object(answer);
  const auto list = object.find("tokens");
  if (list == object.end() || !list->is_array()) return broken("tokens", answer);
  TokenIds out;
  for (const auto& id : *list) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > std::numeric_limits<std::uint32_t>::max()) {
      return broken("token ids", answer);
    }
    out.push_back(id.get<std::uint32_t>());
  }
  return out;
}

Request LlamaCppTokens::ask_text(const TokenIds& ids) const {
  return {"POST", "/detokenize", dump(json{{"tokens", ids}})};
}

Result<std::string> LlamaCppTokens::text(std::string_view answer) const { return member(answer, "content"); }

Result<Request> LlamaCppTokens::continue_from(std::string_view body, const TokenIds& ids) const {
  AIGRID_TRY(const json chat, chat_body(body));
  json out{{"prompt", ids},           {"stream", true},      {"return_tokens", true}, {"timings_per_token", true},
           {"return_progress", true}, {"cache_prompt", true}};
  for (const char* name : kSampling) {
    if (chat.contains(name)) out[name] = chat[name];
  }
  if (const auto it = chat.find("max_tokens"); it != chat.end()) out["n_predict"] = *it;
  if (chat.value("logprobs", json(false)) == true) out["n_probs"] = chat.value("top_logprobs", json(1));
  return Request{"POST", "/completion", dump(out)};
}

Result<std::vector<std::string>> LlamaCppTokens::as_chat(std::string_view text_of_event, bool logprobs) const {
  std::vector<std::string> out;
  if (text_of_event == "[DONE]") return out;  // its last event said all
  const json event = json::parse(text_of_event, nullptr, false);
  if (!event.is_object()) return broken("event", text_of_event);
  if (event.contains("error")) {
    out.emplace_back(text_of_event);
    return out;
  }
  if (event.contains("prompt_progress")) {
    json quiet = event;
    quiet.erase("tokens");  // none was made
    out.push_back(chunk(quiet, json{{"role", "assistant"}}, nullptr, false));
    return out;
  }
  const auto content = event.find("content");
  if (content == event.end() || !content->is_string()) return broken("content", text_of_event);
  const bool last = event.contains("stop") && event["stop"] == true;
  if (!last || *content != "") out.push_back(chunk(event, json{{"content", *content}}, nullptr, logprobs));
  if (!last) return out;
  out.push_back(chunk(json::object(), json::object(), finish_of(event), false));
  const std::uint64_t evaluated = count(event, "tokens_evaluated");
  const json timings = event.contains("timings") && event["timings"].is_object() ? event["timings"] : json::object();
  const json usage{{"prompt_tokens", evaluated},
                   {"completion_tokens", count(event, "tokens_predicted")},
                   {"prompt_tokens_details", {{"cached_tokens", count(timings, "cache_n")}}}};
  out.push_back(dump(json{{"choices", json::array()}, {"usage", usage}}));
  out.emplace_back("[DONE]");
  return out;
}

}  // namespace aigrid::engine
