// chat.
#include <fmt/format.h>

#include "app/cli/access.h"
#include "app/cli/ask_chat.h"
#include "io/http/web.h"

namespace aigrid::cli {

namespace {

constexpr std::size_t kAnswerBytes = std::size_t{4} << 20U;

// Gateway, key and model that were not given: those of the grid that runs here.
Result<void> fill(io::Env& env, ChatOptions& options) {
  if (!options.gateway.empty() && !options.key.empty() && !options.model.empty()) return {};
  auto grid = running_grid(env, options.access.state);
  if (!grid.ok() && (options.gateway.empty() || options.key.empty())) {
    return invalid(
        std::string(options.gateway.empty() ? "no gateway is named" : "no key is given") +
        ": give --gateway and --key (or AIGRID_GATEWAY and AIGRID_API_KEY), or start a grid with aigrid up (" +
        grid.error().message + ")");
  }
  if (!grid.ok()) return {};
  if (options.gateway.empty() && !grid->sites.empty()) options.gateway = grid->sites.front().gateway;
  if (options.key.empty() && !grid->tenants.empty()) options.key = up::demo_tenant(*grid).key;
  if (options.model.empty()) options.model = grid->chat_model;
  return {};
}

// The first model that chats of those the gateway offers this key.
io::Task<Result<std::string>> first_chat_model(io::Env& env, const ChatOptions& options) {
  http::RequestHead head{"GET", "/v1/models", {{"authorization", "Bearer " + options.key}}};
  io::ClientTimes times;
  times.head = options.access.limits.call;
  auto answer = co_await io::web_request(env, options.gateway, options.access.ca, std::move(head), {}, times);
  if (!answer.ok())
    co_return unavailable("no answer from the gateway at " + options.gateway + ": " + answer.error().message);
  auto body = co_await answer->read_all(kAnswerBytes);
  if (!body.ok()) co_return std::move(body).error();
  if (answer->head.status != 200) co_return invalid(error_message(*body));
  co_return chat_model_of(*body);
}

}  // namespace

io::Task<int> run_chat(io::Env& env, Writer& writer, ChatOptions options) {
  auto filled = fill(env, options);
  if (!filled.ok()) co_return fail(writer, filled.error());
  if (options.model.empty()) {
    auto model = co_await first_chat_model(env, options);
    if (!model.ok()) co_return fail(writer, model.error());
    options.model = std::move(*model);
  }
  ChatAsk ask;
  ask.gateway = options.gateway;
  ask.ca = options.access.ca;
  ask.key = options.key;
  ask.model = options.model;
  ask.message = options.message;
  ask.zone = options.zone;
  ask.max_tokens = options.max_tokens;
  if (options.temperature >= 0) ask.temperature = options.temperature;
  ask.within = options.access.limits.chat;
  TokenSink show = [&writer](std::string_view text) { writer.out(text); };
  if (options.json) show = {};
  auto outcome = co_await ask_chat(env, std::move(ask), std::move(show));
  if (!outcome.ok()) {
    if (!options.json) writer.out("\n");
    co_return fail(writer, outcome.error());
  }
  if (options.json) {
    writer.out(pretty({{"text", outcome->text},
                       {"site", outcome->site},
                       {"node", outcome->node},
                       {"why", outcome->why},
                       {"request_id", outcome->request_id},
                       {"finish_reason", outcome->finish},
                       {"model", options.model}}));
    co_return 0;
  }
  writer.out("\n");
  writer.note(fmt::format("ran at {} on {}: {}", outcome->site, outcome->node, outcome->why));
  co_return 0;
}

}  // namespace aigrid::cli
