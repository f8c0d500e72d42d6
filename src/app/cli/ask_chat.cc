#include "app/cli/ask_chat.h"

#include <fmt/format.h>

#include <utility>

#include "format/http/sse.h"
#include "format/json/json.h"
#include "io/http/web.h"

namespace aigrid::cli {

namespace {

constexpr std::size_t kErrorBytes = std::size_t{1} << 20U;

http::RequestHead head_of(const ChatAsk& ask) {
  http::RequestHead head{"POST", "/v1/chat/completions", {{"content-type", "application/json"}}};
  if (!ask.key.empty()) head.headers.set("authorization", "Bearer " + ask.key);
  return head;
}

Error cut() { return {Code::DataLoss, Origin::Upstream, Retry::Never, "the answer was cut before its end; ask again"}; }

}  // namespace

std::string chat_body(const ChatAsk& ask) {
  json::Json body{{"model", ask.model},
                  {"stream", true},
                  {"messages", json::Json::array({{{"role", "user"}, {"content", ask.message}}})}};
  if (ask.max_tokens > 0) body["max_tokens"] = ask.max_tokens;
  if (ask.temperature) body["temperature"] = *ask.temperature;
  if (!ask.zone.empty()) body["grid"] = {{"zone", ask.zone}};
  return json::dump(body);
}

std::string error_message(std::string_view body) {
  auto value = json::parse(body);
  if (!value.ok()) return std::string(body.substr(0, 500));
  std::string message;
  if (const auto* error = json::Reader(*value).object("error")) json::Reader(*error).get("message", message);
  return message.empty() ? std::string(body.substr(0, 500)) : message;
}

Result<std::string> take_event(std::string_view event, ChatOutcome& outcome) {
  auto value = json::parse(event);
  if (!value.ok()) return Error{Code::DataLoss, Origin::Upstream, Retry::Never, "an event of the answer is not JSON"};
  json::Reader reader(*value);
  if (reader.find("error") != nullptr) return invalid(error_message(event));
  if (const auto* grid = reader.object("grid")) {
    json::Reader one(*grid);
    one.get("site", outcome.site).get("node", outcome.node).get("why", outcome.why);
    one.get("request_id", outcome.request_id);
  }
  std::string text;
  const auto* choices = reader.list("choices");
  if (choices != nullptr && !choices->empty()) {
    json::Reader choice(choices->front());
    choice.get("finish_reason", outcome.finish);
    if (const auto* delta = choice.object("delta")) json::Reader(*delta).get("content", text);
  }
  outcome.text += text;
  return text;
}

Result<std::string> chat_model_of(std::string_view models) {
  AIGRID_TRY(const auto value, json::parse(models));
  std::string others;
  const auto* list = json::Reader(value).list("data");
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    json::Reader model((*list)[i]);
    std::string id;
    std::string task = "chat";
    model.get("id", id);
    if (const auto* grid = model.object("grid")) json::Reader(*grid).get("task", task);
    if (!id.empty() && task == "chat") return id;
    if (!id.empty()) others += (others.empty() ? "" : ", ") + id;
  }
  if (others.empty()) return invalid("this key may see no model: give --model or another key");
  return invalid("none of the models of this key chats (" + others + "): give --model or another key");
}

io::Task<Result<ChatOutcome>> ask_chat(io::Env& env, ChatAsk ask, TokenSink token) {
  io::ClientTimes times;
  times.head = ask.within;
  times.piece = ask.within;
  std::string body = chat_body(ask);
  auto answer = co_await io::web_request(env, ask.gateway, ask.ca, head_of(ask), std::move(body), times);
  if (!answer.ok()) {
    Error error = std::move(answer).error();
    error.message = "no answer from the gateway at " + ask.gateway + ": " + error.message;
    co_return error;
  }
  if (answer->head.status != 200) {
    auto whole = co_await answer->read_all(kErrorBytes);
    co_return invalid(
        fmt::format("{}: {}", answer->head.status, whole.ok() ? error_message(*whole) : whole.error().message));
  }
  ChatOutcome outcome;
  http::SseScanner scanner;
  for (;;) {
    auto bytes = co_await answer->read();
    if (!bytes.ok()) co_return std::move(bytes).error();
    if (bytes->empty()) co_return cut();
    AIGRID_CO_CHECK_OK(scanner.feed(*bytes));
    while (const auto event = scanner.next()) {
      if (event->data == "[DONE]") co_return outcome;
      AIGRID_CO_TRY(const std::string text, take_event(event->data, outcome));
      if (!text.empty() && token) token(text);
    }
  }
}

}  // namespace aigrid::cli
