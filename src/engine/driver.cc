#include "engine/driver.h"

#include <nlohmann/json.hpp>

#include "engine/json_text.h"

namespace aigrid::engine {

using nlohmann::json;

Load merge(const Load& earlier, const Load& later) {
  Load out = earlier;
  const auto take = [](auto& into, const auto& from) {
    if (from) into = from;
  };
  take(out.running, later.running);
  take(out.queued, later.queued);
  take(out.slots, later.slots);
  take(out.prefill_tokens_per_s, later.prefill_tokens_per_s);
  take(out.decode_tokens_per_s, later.decode_tokens_per_s);
  take(out.prompt_tokens, later.prompt_tokens);
  take(out.cached_tokens, later.cached_tokens);
  take(out.completion_tokens, later.completion_tokens);
  return out;
}

Request Driver::readiness(const grid::Model& model) const {
  json body;
  body["model"] = model.name;
  if (model.task == grid::Task::Embedding) {
    body["input"] = "ready";
    return {"POST", "/v1/embeddings", dump(body)};
  }
  body["messages"] = json::array({json{{"role", "user"}, {"content", "ready"}}});
  body["max_tokens"] = 1;
  body["temperature"] = 0;
  return {"POST", "/v1/chat/completions", dump(body)};
}

Result<grid::Usage> Driver::readiness_verdict(const grid::Model& model, int status, std::string_view body) const {
  if (status != 200) {
    const std::string text = error_message(parse_object(body));
    return unavailable("the engine answered its readiness request with " + std::to_string(status) +
                       (text.empty() ? std::string() : " (" + text + ")") + "; it must be 200");
  }
  const json answer = parse_object(body);
  const char* list = model.task == grid::Task::Embedding ? "data" : "choices";
  const auto found = answer.find(list);
  if (found == answer.end() || !found->is_array() || found->empty()) {
    return unavailable(std::string("the engine's answer to its readiness request has no \"") + list +
                       "\"; does it serve an OpenAI-compatible API for this model's task?");
  }
  grid::Usage usage;
  if (const auto it = answer.find("usage"); it != answer.end() && it->is_object()) {
    usage.prompt_tokens = count(*it, "prompt_tokens");
    usage.completion_tokens = count(*it, "completion_tokens");
    if (const auto details = it->find("prompt_tokens_details"); details != it->end() && details->is_object()) {
      usage.cached_tokens = count(*details, "cached_tokens");
    }
  }
  return usage;
}

Result<std::string> Driver::path_of(std::string_view endpoint) const {
  if (endpoint == "chat.completions") return std::string("/v1/chat/completions");
  if (endpoint == "embeddings") return std::string("/v1/embeddings");
  return invalid("endpoint \"" + std::string(endpoint) + "\" is unknown to driver " + std::string(name()) +
                 "; it serves chat.completions and embeddings");
}

Refusal Driver::refusal(int status, std::string_view body) const {
  const json answer = parse_object(body);
  Refusal out;
  out.message = error_message(answer);
  const auto error = answer.find("error");
  const bool has = error != answer.end() && error->is_object();
  // 408, 425, 429: the engine is busy, not the request wrong. 401, 403, 404, 405, 407: our own door to the engine is
  // wrong, which the client did not do.
  const bool ours = status == 401 || status == 403 || status == 404 || status == 405 || status == 407;
  const bool busy = status == 408 || status == 425 || status == 429;
  if (status < 400 || status >= 500 || busy || ours) {
    out.elsewhere = true;
    out.code = busy || status == 503 ? "engine_busy" : "engine_error";
    if (out.message.empty()) out.message = "the engine answered " + std::to_string(status);
    return out;
  }
  out.status = status == 413 || status == 422 ? status : 400;
  out.code = has ? text(*error, "code") : std::string();
  if (out.code.empty()) out.code = "invalid_request";
  out.param = has ? text(*error, "param") : std::string();
  if (out.message.empty()) out.message = "the engine refused the request with " + std::to_string(status);
  return out;
}

Resume Driver::resume(const grid::Deployment& /*deployment*/) const { return capabilities().resume; }

Result<void> Driver::check_adopted(const grid::Deployment& /*deployment*/) const { return {}; }

bool Driver::refuses_stream_options(int status, std::string_view body) const {
  return (status == 400 || status == 422) && body.find("stream_options") != std::string_view::npos;
}

namespace {

bool is_ip_text(std::string_view host) {
  if (host.empty()) return false;
  const bool v6 = host.front() == '[' && host.back() == ']';
  for (const char c : v6 ? host.substr(1, host.size() - 2) : host) {
    const bool digit = c >= '0' && c <= '9';
    const bool hex = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':';
    if (!digit && c != '.' && !(v6 && hex)) return false;
  }
  return true;
}

bool is_port(std::string_view port) {
  if (port.empty() || port.size() > 5) return false;
  unsigned value = 0;
  for (const char c : port) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value >= 1 && value <= 65535;
}

}  // namespace

Result<Place> parse_url(std::string_view url) {
  const auto wrong = [&](std::string_view rule) {
    return invalid("url \"" + std::string(url) + "\" of an engine: " + std::string(rule));
  };
  if (url.starts_with("unix:/")) return Place{std::string(url), "localhost", ""};
  if (url.starts_with("https://")) return wrong("https is not spoken to engines; use http on a trusted path");
  constexpr std::string_view kHttp = "http://";
  if (!url.starts_with(kHttp)) return wrong("must start with http:// or unix:/");
  std::string_view rest = url.substr(kHttp.size());
  const auto slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  std::string_view prefix = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (prefix.ends_with("/v1")) prefix.remove_suffix(3);
  std::string_view host = authority;
  std::string_view port = "80";
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && !authority.ends_with(']')) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
  }
  if (host == "localhost") host = "127.0.0.1";
  if (!is_ip_text(host)) return wrong("the host must be an IP address or localhost; names are not resolved");
  if (!is_port(port)) return wrong("the port must be 1 to 65535");
  return Place{std::string(host) + ":" + std::string(port), std::string(authority), std::string(prefix)};
}

}  // namespace aigrid::engine
