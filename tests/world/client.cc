#include "world/client.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "io/http/client.h"

namespace aigrid::world {

using nlohmann::json;

namespace {

std::string body_of(const Ask& ask) {
  json body{{"model", ask.model},
            {"messages", json::array({{{"role", "user"}, {"content", ask.prompt}}})},
            {"max_tokens", ask.max_tokens}};
  if (ask.stream) {
    body["stream"] = true;
    body["stream_options"] = {{"include_usage", true}};
  }
  return body.dump();
}

// `error`, `usage` and `grid` are where they are in a whole answer and in a stream's events alike.
void note_common(const json& value, Asked& out) {
  if (const auto error = value.find("error"); error != value.end() && error->is_object()) {
    if (auto code = error->find("code"); code != error->end() && code->is_string()) out.code = code->get<std::string>();
    out.why = error->value("message", "");
  }
  if (const auto usage = value.find("usage"); usage != value.end() && usage->is_object()) {
    out.prompt_tokens = usage->value("prompt_tokens", std::uint64_t{0});
    if (!out.ask.stream) out.tokens = usage->value("completion_tokens", 0U);
  }
  if (const auto grid = value.find("grid"); grid != value.end() && grid->is_object()) {
    out.request_id = grid->value("request_id", "");
    out.site = grid->value("site", "");
    out.node = grid->value("node", "");
    out.resumed = grid->value("resumed", 0U);
  }
}

void take_event(const std::string& text, Time now, Asked& out) {
  if (text == "[DONE]") {
    out.complete = true;
    return;
  }
  const json event = json::parse(text, nullptr, false);
  if (!event.is_object()) {
    out.code = "not_json";
    out.why = text;
    return;
  }
  note_common(event, out);
  const auto choices = event.find("choices");
  if (choices == event.end() || !choices->is_array() || choices->empty()) return;
  const auto& delta = (*choices)[0]["delta"];
  if (delta.contains("role")) ++out.roles;
  if (const auto it = delta.find("content"); it != delta.end() && it->is_string()) {
    ++out.tokens;
    if (out.heard != Time{}) out.longest_pause = std::max(out.longest_pause, now - out.heard);
    out.heard = now;
    out.text += it->get<std::string>();
  }
}

// Whole events leave `buffer`.
void take_events(std::string& buffer, Time now, Asked& out) {
  std::size_t from = 0;
  for (std::size_t end; (end = buffer.find("\n\n", from)) != std::string::npos; from = end + 2) {
    const std::string event = buffer.substr(from, end - from);
    if (event.starts_with("data: ")) take_event(event.substr(6), now, out);
  }
  buffer.erase(0, from);
}

void take_whole(const std::string& body, Asked& out) {
  const json value = json::parse(body, nullptr, false);
  if (!value.is_object()) {
    out.code = "not_json";
    out.why = body;
    return;
  }
  note_common(value, out);
  const auto choices = value.find("choices");
  if (choices == value.end() || choices->empty()) return;
  out.text = (*choices)[0]["message"].value("content", "");
  out.complete = true;
}

io::Task<void> exchange(io::Env& env, Asked& out, io::ClientResponse*& open) {
  http::RequestHead head{"POST", "/v1/chat/completions", {{"authorization", "Bearer " + out.ask.key}}};
  head.headers.add("content-type", "application/json");
  if (!out.ask.intent.empty()) head.headers.add("x-aigrid-intent", out.ask.intent);
  io::ClientTimes times;
  times.head = 700s;
  auto response = co_await io::http1_request(env, out.ask.gateway, std::move(head), body_of(out.ask), times);
  if (!response.ok()) {
    out.why = response.error().message;
    co_return;
  }
  open = &*response;
  out.status = response->head.status;
  out.headers = response->head.headers;
  if (auto id = response->head.headers.get("x-request-id")) out.request_id = std::string(*id);
  if (auto site = response->head.headers.get("x-aigrid-site")) out.site = std::string(*site);
  out.receipt = response->head.headers.get("x-aigrid-receipt").value_or("");
  const bool events = response->head.headers.get("content-type").value_or("").starts_with("text/event-stream");
  std::string buffer;
  for (;;) {
    if (out.ask.pause.count() > 0) co_await env.sleep_for(out.ask.pause);
    if (out.left) break;
    auto bytes = co_await response->read();
    if (!bytes.ok()) {
      out.why = bytes.error().message;
      break;
    }
    if (bytes->empty()) {
      if (!events) take_whole(buffer, out);
      break;
    }
    if (out.first == Time{}) out.first = env.now();
    buffer += *bytes;
    if (events) take_events(buffer, env.now(), out);
  }
  open = nullptr;
}

}  // namespace

io::Task<void> ask(io::Env& env, std::shared_ptr<Asked> out) {
  out->asked = env.now();
  io::ClientResponse* open = nullptr;
  io::TaskGroup tasks(env.executor());
  auto leave = env.timer([&] {
    out->left = true;
    if (open != nullptr) {
      open->close();
    } else {
      tasks.cancel();
    }
  });
  if (out->ask.leave_after) leave->arm(env.now() + *out->ask.leave_after);
  tasks.spawn(exchange(env, *out, open));
  co_await tasks.join();
  out->ended = env.now();
  out->over = true;
}

}  // namespace aigrid::world
